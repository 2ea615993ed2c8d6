//! `countersign people`.

use serde_json::{Value, json};

use super::desk::{Desk, Done};
use super::show::{Column, Kind};
use crate::args::api::{At, People};

const COLUMNS: [Column; 2] = [Column("id", "/id", Kind::Whole), Column("active", "/active", Kind::Whole)];

pub async fn run(mut desk: Desk, at: At, wanted: People) -> Done {
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
                fields.insert("tenant".to_owned(), json!(at.tenant));
            }
            let said = format!("invited; they sign in by: countersign login --connection {connection}");
            desk.make(&path, body, &said).await
        }
    }
}
