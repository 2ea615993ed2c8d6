//! `countersign people`.

use domain::{Lifecycle, UserId};
use serde_json::{Value, json};

use super::client::Call;
use super::desk::{Desk, Done};
use super::show::{Column, Kind};
use crate::args::api::People;

const COLUMNS: [Column; 2] = [Column("id", "/id", Kind::Whole), Column("active", "/active", Kind::Whole)];

const SESSIONS: [Column; 5] = [
    Column("id", "/id", Kind::Whole),
    Column("client", "/client", Kind::Whole),
    Column("begun", "/created_at", Kind::When),
    Column("used", "/seen_at", Kind::When),
    Column("ends", "/expires_at", Kind::When),
];

pub async fn run(mut desk: Desk, wanted: People) -> Done {
    match wanted {
        People::List => {
            let path = desk.in_org("/users").await?;
            desk.list(&path, &COLUMNS).await
        }
        People::Invite { email, connection, role, owner } => {
            let path = desk.in_org("/invitations").await?;
            let mut body = json!({"email": email, "connection": connection, "owner": owner});
            if let (Value::Object(fields), Some(role)) = (&mut body, role) {
                fields.insert("role".to_owned(), json!(role));
                fields.insert("tenant".to_owned(), json!(desk.tenant()?));
            }
            let said = format!("invited; they sign in by: countersign login --connection {connection}");
            desk.make(&path, body, &said).await
        }
        People::Sessions { user } => {
            let path = desk.in_org(&format!("/users/{user}/sessions")).await?;
            desk.list(&path, &SESSIONS).await
        }
        People::Suspend { user } => {
            status(&mut desk, &user, Lifecycle::Suspended, "their next request is refused, by whatever key")
                .await
        }
        People::Resume { user } => {
            status(&mut desk, &user, Lifecycle::Active, "they may sign in again; nothing old revives").await
        }
    }
}

async fn status(desk: &mut Desk, user: &UserId, status: Lifecycle, said: &str) -> Done {
    let path = desk.in_org(&format!("/users/{user}/status")).await?;
    desk.change(Call::put(path, json!({"status": status})), said).await
}
