//! `countersign directories`: tokens by which an organization's directory pushes people, and keys by which one is asked.

use std::path::Path;

use domain::ConnectionId;
use serde::Deserialize;
use serde_json::json;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::client::{Call, Over};
use super::desk::{Desk, Done};
use super::fault::Fault;
use super::show::{Column, Kind};
use crate::args::api::Directories;
use crate::print;

const COLUMNS: [Column; 4] = [
    Column("id", "/id", Kind::Whole),
    Column("made", "/created_at", Kind::When),
    Column("ends", "/expires_at", Kind::When),
    Column("last four", "/last_four", Kind::Whole),
];

/// What is told with a token.
pub const SHOWN_ONCE: &str =
    "the token is shown this once: give it to the directory, which pushes people with it";

pub async fn run(mut desk: Desk, wanted: Directories) -> Done {
    let tokens = |connection: &ConnectionId| format!("/connections/{connection}/scim-tokens");
    match wanted {
        Directories::Tokens { connection } => {
            let path = desk.in_org(&tokens(&connection)).await?;
            desk.list(&path, &COLUMNS).await
        }
        Directories::Token { connection } => {
            let path = desk.in_org(&tokens(&connection)).await?;
            desk.make(&path, json!({}), SHOWN_ONCE).await
        }
        Directories::Revoke { connection, token } => {
            let path = desk.in_org(&format!("{}/{token}", tokens(&connection))).await?;
            desk.change(Call::delete(path), "the token is revoked").await
        }
        Directories::Asked { connection } => {
            let path = desk.in_org(&asked(&connection)).await?;
            desk.get(&path).await
        }
        Directories::Ask { connection, admin_email, key_file } => {
            let key = service_account(&key_file)?;
            let path = desk.in_org(&asked(&connection)).await?;
            let seen = desk.api.send(Call::get(&path)).await?.seen().unwrap_or(Over::Nothing);
            let whose = json!({"admin_email": admin_email, "client_email": key.client_email});
            if desk.changed(Call::put(&path, whose).over(seen)).await?.is_none() {
                print::progress("Once it is confirmed, say this again: then the account's key is set.");
                return Ok(());
            }
            let body = json!({
                "admin_email": admin_email, "client_email": key.client_email, "private_key": key.private_key,
            });
            let said = "the directory is asked every half hour from now on";
            desk.change(Call::put(format!("{path}/key"), body), said).await
        }
        Directories::AskNoMore { connection } => {
            let path = desk.in_org(&asked(&connection)).await?;
            desk.change(Call::delete(path), "the directory is asked no more").await
        }
    }
}

fn asked(connection: &ConnectionId) -> String {
    format!("/connections/{connection}/directory")
}

/// What counts in a service account's key file.
#[derive(Deserialize, Zeroize, ZeroizeOnDrop)]
struct ServiceAccount {
    client_email: String,
    private_key: String,
}

fn service_account(file: &Path) -> Result<ServiceAccount, Fault> {
    let name = file.display();
    let text = std::fs::read(file).map_err(|error| Fault::failed(format!("{name}: {error}")))?;
    let wrong = |_| {
        let need = "give the JSON file that Google made for the service account's key";
        Fault::failed(format!("{name} has no client_email and private_key: {need}"))
    };
    serde_json::from_slice(&Zeroizing::new(text)).map_err(wrong)
}
