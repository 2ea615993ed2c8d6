//! Sessions: who you are, where you are signed in, and ending it.

use domain::{MetaValue, Metadata, SessionRow};
use serde_json::{Value, json};
use tables::codec::Row as _;
use tables::{Key, Marker, Swap, Table, end_session};

use crate::ask::Ask;
use crate::event::Params;
use crate::plan::{Change, Shown};
use crate::refusal::{Refused, Why};
use crate::routes::List;

pub const LIST: List = List {
    table: Table::Identity,
    partition: |_, ask| Some(format!("ORG#{}", ask.who.org)),
    prefix: |ask| format!("SESSION#{}#", ask.who.user),
    row: Some(|marker| marker.sk.rsplit_once('#')?.1.parse().ok().map(|id| Key::session(&id))),
    show: |ask, _, item| {
        let row = SessionRow::from_item(item).ok()?;
        row.check(ask.now).is_ok().then(|| view(&row, ask))
    },
};

/// The rows of a new session: its own, and what lists it with its owner's. Kept for a week after its end, for whoever asks.
pub fn begun(row: &SessionRow) -> [Swap; 2] {
    let week = row.expires_at.plus_millis(7 * 86_400_000);
    let rows = [
        (Key::session(&row.id), row.to_item()),
        (Key::session_of(&row.org, &row.user, &row.id), Marker::item()),
    ];
    rows.map(|(key, item)| Swap::create(key, item).expiring(week))
}

pub fn needs(params: &Params, _: &Value) -> Vec<Key> {
    params.session.iter().map(Key::session).collect()
}

/// What people see of a session.
pub fn view(row: &SessionRow, ask: &Ask<'_>) -> Value {
    json!({
        "id": row.id, "created_at": row.created_at, "seen_at": row.seen_at, "expires_at": row.expires_at,
        "client": row.client, "mfa": row.mfa, "this": row.id == ask.who.session.id,
    })
}

pub fn me(ask: &Ask<'_>) -> Result<Shown, Refused> {
    let principal = &ask.who.principal;
    let body = json!({
        "user": ask.who.user, "org": ask.who.org, "platform": principal.platform,
        "org_owner": principal.org_owner.is_some(), "session": view(&ask.who.session, ask),
    });
    Ok(Shown { body, etag: None })
}

pub fn end_own(ask: &Ask<'_>) -> Result<Change, Refused> {
    let (row, _) = ask.must::<SessionRow>(&Key::session(&ask.who.session.id))?;
    Ok(ended(ask, &row))
}

/// One of the caller's own. Another's is none.
pub fn revoke(ask: &Ask<'_>) -> Result<Change, Refused> {
    let row = session(ask)?;
    if row.user != ask.who.user || row.org != ask.who.org {
        return Err(Why::NotFound.into());
    }
    Ok(ended(ask, &row))
}

pub fn revoke_any(ask: &Ask<'_>) -> Result<Change, Refused> {
    let row = session(ask)?;
    if Some(&row.user) != ask.params.user.as_ref() || Some(&row.org) != ask.params.org.as_ref() {
        return Err(Why::NotFound.into());
    }
    Ok(ended(ask, &row))
}

fn session(ask: &Ask<'_>) -> Result<SessionRow, Refused> {
    let key = Key::session(ask.params.session.as_ref().ok_or(Why::NotFound)?);
    ask.must(&key).map(|(row, _)| row)
}

/// The very next request of the session reads this and is refused.
fn ended(ask: &Ask<'_>, row: &SessionRow) -> Change {
    let resource = format!("session:{}", row.id);
    if row.revoked_at.is_some() {
        return Change::already(resource, Value::Null);
    }
    let by = if row.user == ask.who.user { "owner" } else { "administrator" };
    let by = MetaValue::Code(domain::Code::literal(by));
    let mut change = Change::of(Vec::new(), resource, Value::Null);
    change.writes.push(end_session(&row.id, ask.now).into());
    Change { metadata: Metadata::default().with("by", by), ..change }
}
