//! `countersign changes`: what waits for a second person.

use serde_json::json;

use super::client::Call;
use super::desk::{Desk, Done};
use super::directories::SHOWN_ONCE;
use super::show::{self, Column, Kind};
use crate::args::api::Changes;
use crate::print;

const COLUMNS: [Column; 4] = [
    Column("id", "/id", Kind::Whole),
    Column("what", "/operation", Kind::Text),
    Column("asked for by", "/requested_by", Kind::Whole),
    Column("ends", "/expires_at", Kind::When),
];

pub async fn run(mut desk: Desk, wanted: Changes) -> Done {
    let path = match desk.said_org() {
        Some(_) => desk.in_org("/changes").await?,
        None => desk.in_tenant("/changes")?,
    };
    let (change, verb, said) = match wanted {
        Changes::List => return desk.list(&path, &COLUMNS).await,
        Changes::Confirm { change } => (change, "confirm", "confirmed: it holds now"),
        Changes::Withdraw { change } => (change, "withdraw", "withdrawn"),
    };
    // Whoever confirms sees what.
    if verb == "confirm" && !desk.is_json() {
        let open = desk.api.items(&path).await?;
        let wanted = open.iter().find(|one| one.get("id") == Some(&json!(change)));
        let lines = wanted.map(|wanted| show::object(wanted, aws::now())).unwrap_or_default();
        lines.iter().for_each(|line| print::progress(line));
    }
    let call = Call::post(format!("{path}/{change}/{verb}"), json!({}));
    let Some(answer) = desk.changed(call).await? else { return Ok(()) };
    print::progress(said);
    if answer.body.get("scim_token").is_some() {
        print::progress(SHOWN_ONCE);
    }
    desk.print(&answer)
}
