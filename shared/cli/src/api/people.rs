//! `countersign people`.

use domain::{Lifecycle, Role, UserId};
use serde_json::{Value, json};

use super::client::Call;
use super::desk::{Desk, Done};
use super::fault::Fault;
use super::show::{Column, Kind};
use crate::args::api::People;

const COLUMNS: [Column; 2] = [Column("id", "/id", Kind::Whole), Column("active", "/active", Kind::Whole)];
const OF_TENANT: [Column; 3] = [
    Column("id", "/id", Kind::Whole),
    Column("active", "/active", Kind::Whole),
    Column("role", "/role", Kind::Whole),
];
const PROMISED: [Column; 6] = [
    Column("id", "/id", Kind::Whole),
    Column("owner", "/owner", Kind::Whole),
    Column("tenant", "/tenant", Kind::Whole),
    Column("role", "/role", Kind::Whole),
    Column("by", "/invited_by", Kind::Whole),
    Column("ends", "/expires_at", Kind::When),
];
const INVITED: [Column; 4] = [
    Column("id", "/id", Kind::Whole),
    Column("role", "/role", Kind::Whole),
    Column("by", "/invited_by", Kind::Whole),
    Column("ends", "/expires_at", Kind::When),
];

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
            let columns = if desk.is_of_tenant() { OF_TENANT.as_slice() } else { &COLUMNS };
            let path = desk.of("/users").await?;
            desk.list(&path, columns).await
        }
        People::Invite { email, connection, role, owner } => {
            let said = format!("invited; they sign in by: countersign login --connection {connection}");
            let mut body = json!({"email": email, "connection": connection});
            // Who leads a tenant invites into it; offices are the organization's to give.
            let of_tenant = !owner && desk.said_org().is_none();
            let (path, more) = match role.filter(|_| of_tenant) {
                Some(role) => (desk.in_tenant("/invitations")?, json!({"role": role})),
                None => (desk.in_org("/invitations").await?, office(&desk, owner, role)?),
            };
            if let (Value::Object(fields), Value::Object(more)) = (&mut body, more) {
                fields.extend(more);
            }
            desk.make(&path, body, &said).await
        }
        People::Invitations => {
            let columns = if desk.is_of_tenant() { INVITED.as_slice() } else { &PROMISED };
            let path = desk.of("/invitations").await?;
            desk.list(&path, columns).await
        }
        People::Uninvite { invitation } => {
            let path = desk.of(&format!("/invitations/{invitation}")).await?;
            desk.change(Call::delete(path), "the invitation is withdrawn").await
        }
        People::Sessions { user } => {
            let path = desk.of(&format!("/users/{user}/sessions")).await?;
            desk.list(&path, &SESSIONS).await
        }
        People::EndSession { user, session } => {
            let path = desk.of(&format!("/users/{user}/sessions/{session}")).await?;
            desk.change(Call::delete(path), "the session is ended: its next request is refused").await
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

/// What an owner of the organization promises: the office, and a role in a tenant besides.
fn office(desk: &Desk, owner: bool, role: Option<Role>) -> Result<Value, Fault> {
    let Some(role) = role else { return Ok(json!({ "owner": owner })) };
    Ok(json!({"owner": owner, "role": role, "tenant": desk.tenant()?}))
}

async fn status(desk: &mut Desk, user: &UserId, status: Lifecycle, said: &str) -> Done {
    let path = desk.in_org(&format!("/users/{user}/status")).await?;
    desk.change(Call::put(path, json!({"status": status})), said).await
}
