//! `countersign sessions` and `countersign logout`.

use super::Get;
use super::client::Call;
use super::desk::{Desk, Done};
use super::show::{Column, Kind};
use crate::args::api::{Seat, Sessions};
use crate::print;

const COLUMNS: [Column; 6] = [
    Column("id", "/id", Kind::Whole),
    Column("this one", "/this", Kind::Whole),
    Column("second factor", "/mfa", Kind::Whole),
    Column("begun", "/created_at", Kind::When),
    Column("used", "/seen_at", Kind::When),
    Column("ends", "/expires_at", Kind::When),
];

pub async fn run(mut desk: Desk, wanted: Sessions) -> Done {
    match wanted {
        Sessions::List => desk.list("v1/sessions", &COLUMNS).await,
        Sessions::End { session } => {
            let call = Call::delete(format!("v1/sessions/{session}"));
            desk.change(call, "the session is ended: its next request is refused").await
        }
    }
}

/// Ends the session there, and forgets it here whatever was said there.
pub async fn logout(get: Get<'_>, seat: &Seat) -> Done {
    let mut desk = Desk::seated(get, seat)?;
    let ended = desk.api.send(Call::delete("v1/session")).await;
    if !desk.api.is_from_environment() {
        let mut kept = desk.api.kept()?;
        kept.session = None;
        kept.expires_at = None;
        desk.api.keep(kept)?;
    }
    ended?;
    print::progress("signed out");
    Ok(())
}
