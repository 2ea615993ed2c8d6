//! Sessions: who you are, where you are signed in, and ending it.

use domain::{ConnectionId, MetaValue, Metadata, Opaque, SessionId, SessionRow, Through};
use serde_json::{Value, json};
use tables::codec::Row as _;
use tables::{Key, Marker, Swap, Table, end_session};

use crate::ask::{Ask, digest};
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

/// The rows of a new session: its own, what lists it with its owner's, and what a logout at the provider finds it by. Kept for a
/// week after its end, for whoever asks.
pub fn begun(row: &SessionRow) -> Vec<Swap> {
    let week = row.expires_at.plus_millis(7 * 86_400_000);
    let mut rows = vec![
        (Key::session(&row.id), row.to_item()),
        (Key::session_of(&row.org, &row.user, &row.id), Marker::item()),
    ];
    rows.extend(row.sid.as_ref().map(|sid| (Key::session_at_provider(sid, &row.id), Marker::item())));
    rows.into_iter().map(|(key, item)| Swap::create(key, item).expiring(week)).collect()
}

/// What a session at a provider is found by: the provider's own name of it counts on one connection alone.
pub fn at_provider(connection: &ConnectionId, issuer: &str, sid: &str) -> Opaque {
    digest(&["countersign idp session", connection.as_str(), issuer, sid])
}

pub fn needs(params: &Params, _: &Value) -> Vec<Key> {
    params.session.iter().map(Key::session).collect()
}

/// What people see of a session.
pub fn view(row: &SessionRow, ask: &Ask<'_>) -> Value {
    json!({
        "id": row.id, "created_at": row.created_at, "seen_at": row.seen_at, "expires_at": row.expires_at,
        "client": row.client, "mfa": row.mfa, "this": row.id == ask.who.session.id, "from": row.root,
    })
}

pub fn me(ask: &Ask<'_>) -> Result<Shown, Refused> {
    let principal = &ask.who.principal;
    let body = json!({
        "user": ask.who.user, "org": ask.who.org, "platform": principal.platform,
        "org_owner": principal.org_owner.is_some(), "session": view(&ask.who.session, ask),
        "connection": ask.who.session.through.connection(), "method": method(&ask.who.session),
    });
    Ok(Shown { body, etag: None })
}

/// How whoever has the session showed who they are, for places that judge no session themselves.
const fn method(row: &SessionRow) -> &'static str {
    match row.through {
        Through::Connection(_) => "sso",
        Through::Workload(_) => "workload",
    }
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
    // What has reached its limit is over, and may be cleaned away.
    let live = row.expires_at > ask.now;
    let handed: Vec<&SessionId> = row.handed.iter().filter(|_| live).collect();
    let metadata = Metadata::default().with("by", by).count("handed", handed.len() as u64);
    let ends = std::iter::once(&row.id).chain(handed).map(|id| end_session(id, ask.now).into());
    change.writes.extend(ends);
    Change { metadata, ..change }
}
