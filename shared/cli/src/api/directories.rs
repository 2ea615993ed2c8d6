//! `countersign directories`: tokens by which an organization's directory pushes people.

use domain::ConnectionId;
use serde_json::json;

use super::client::Call;
use super::desk::{Desk, Done};
use super::show::{Column, Kind};
use crate::args::api::Directories;

const COLUMNS: [Column; 4] = [
    Column("id", "/id", Kind::Whole),
    Column("made", "/created_at", Kind::When),
    Column("ends", "/expires_at", Kind::When),
    Column("last four", "/last_four", Kind::Whole),
];

pub async fn run(mut desk: Desk, wanted: Directories) -> Done {
    let tokens = |connection: &ConnectionId| format!("/connections/{connection}/scim-tokens");
    match wanted {
        Directories::Tokens { connection } => {
            let path = desk.in_org(&tokens(&connection)).await?;
            desk.list(&path, &COLUMNS).await
        }
        Directories::Token { connection } => {
            let path = desk.in_org(&tokens(&connection)).await?;
            let said = "the token is shown this once: give it to the directory, which pushes people with it";
            desk.make(&path, json!({}), said).await
        }
        Directories::Revoke { connection, token } => {
            let path = desk.in_org(&format!("{}/{token}", tokens(&connection))).await?;
            desk.change(Call::delete(path), "the token is revoked").await
        }
    }
}
