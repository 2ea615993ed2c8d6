//! `countersign connections`.

use serde_json::json;

use super::client::Call;
use super::desk::{Desk, Done};
use super::show::{Column, Kind};
use crate::args::api::Connections;

const COLUMNS: [Column; 4] = [
    Column("id", "/id", Kind::Whole),
    Column("provider", "/idp", Kind::Whole),
    Column("status", "/status", Kind::Whole),
    Column("issuer", "/issuer", Kind::Text),
];

pub async fn run(mut desk: Desk, wanted: Connections) -> Done {
    let path = desk.in_org("/connections").await?;
    match wanted {
        Connections::List => desk.list(&path, &COLUMNS).await,
        Connections::Get { connection } => desk.get(&format!("{path}/{connection}")).await,
        Connections::Status { connection, status } => {
            let call = Call::put(format!("{path}/{connection}/status"), json!({"status": status}));
            desk.change(call, "the connection's status is changed").await
        }
    }
}
