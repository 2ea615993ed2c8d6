//! `countersign tenants`.

use serde_json::json;

use super::client::Call;
use super::desk::{Desk, Done};
use super::show::{Column, Kind};
use crate::args::api::Tenants;

const COLUMNS: [Column; 4] = [
    Column("id", "/id", Kind::Whole),
    Column("name", "/name", Kind::Text),
    Column("region", "/region", Kind::Whole),
    Column("status", "/status", Kind::Whole),
];

const MINE: [Column; 5] = [
    Column("id", "/id", Kind::Whole),
    Column("name", "/name", Kind::Text),
    Column("region", "/region", Kind::Whole),
    Column("status", "/status", Kind::Whole),
    Column("your role", "/role", Kind::Whole),
];

pub async fn run(mut desk: Desk, wanted: Tenants) -> Done {
    match wanted {
        // One's own, unless an organization is said: whoever was invited a moment ago knows of none.
        Tenants::List if desk.said_org().is_none() => desk.list("v1/session/tenants", &MINE).await,
        Tenants::List => {
            let path = desk.in_org("/tenants").await?;
            desk.list(&path, &COLUMNS).await
        }
        Tenants::Get { tenant } => desk.get(&format!("v1/tenants/{tenant}")).await,
        Tenants::Create { name, region, budget_tokens } => {
            let path = desk.in_org("/tenants").await?;
            let body = json!({"name": name, "region": region, "budget_tokens": budget_tokens});
            desk.make(
                &path,
                body,
                "the tenant is made; its next commands: --tenant with its id, or CS_TENANT",
            )
            .await
        }
        Tenants::Suspend { tenant } => {
            let call = Call::put(format!("v1/tenants/{tenant}/status"), json!({"status": "suspended"}));
            desk.change(call, "the tenant is suspended: every call of its agents is refused").await
        }
        Tenants::Resume { tenant } => {
            let call = Call::put(format!("v1/tenants/{tenant}/status"), json!({"status": "active"}));
            desk.change(call, "the tenant is active").await
        }
    }
}
