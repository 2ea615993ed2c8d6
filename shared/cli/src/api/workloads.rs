//! `countersign workloads`: programs that sign in by their platform's token.

use domain::{Lifecycle, WorkloadId};
use serde_json::json;

use super::client::Call;
use super::desk::{Desk, Done};
use super::show::{Column, Kind};
use crate::args::api::Workloads;

const COLUMNS: [Column; 6] = [
    Column("id", "/id", Kind::Whole),
    Column("name", "/name", Kind::Text),
    Column("role", "/role", Kind::Whole),
    Column("status", "/status", Kind::Whole),
    Column("subject", "/subject", Kind::Text),
    Column("issuer", "/issuer", Kind::Text),
];

pub async fn run(mut desk: Desk, wanted: Workloads) -> Done {
    match wanted {
        Workloads::List => {
            let path = desk.in_tenant("/workloads")?;
            desk.list(&path, &COLUMNS).await
        }
        Workloads::Get { workload } => {
            let path = desk.in_tenant(&format!("/workloads/{workload}"))?;
            desk.get(&path).await
        }
        Workloads::Create { name, role, issuer, audience, subject } => {
            let path = desk.in_tenant("/workloads")?;
            let body = json!({
                "name": name, "role": role, "issuer": issuer, "audience": audience, "subject": subject,
            });
            let said =
                "the program may sign in: countersign login --workload with its id --workload-token-env NAME";
            desk.make(&path, body, said).await
        }
        Workloads::Suspend { workload } => {
            status(&mut desk, &workload, Lifecycle::Suspended, "the program is stopped: its sessions end")
                .await
        }
        Workloads::Resume { workload } => {
            status(&mut desk, &workload, Lifecycle::Active, "the program may sign in again").await
        }
    }
}

async fn status(desk: &mut Desk, workload: &WorkloadId, status: Lifecycle, said: &str) -> Done {
    let path = desk.in_tenant(&format!("/workloads/{workload}/status"))?;
    desk.change(Call::put(path, json!({"status": status})), said).await
}
