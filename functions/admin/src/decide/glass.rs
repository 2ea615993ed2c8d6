//! Break-glass: how a platform administrator comes into a tenant. Reasoned, for a time, opened by two, and told in the
//! tenant's own log.

use domain::{BreakGlassRow, ChangeRow, Code, MetaValue, Metadata};
use serde::Deserialize;
use serde_json::{Value, json};
use tables::codec::Row as _;
use tables::{Key, Swap, Table, deleted};

use crate::ask::Ask;
use crate::event::Params;
use crate::plan::Change;
use crate::refusal::{Refused, Why};
use crate::routes::List;

/// The operation that asks for it.
pub const OPERATION: &str = "break_glass.open";
/// At most so long, in minutes.
const MINUTES_MAX: u64 = 240;

/// Ways into a tenant that are open.
pub const LIST: List = List {
    table: Table::Identity,
    partition: |params, _| params.tenant.as_ref().map(|tenant| format!("T#{tenant}")),
    prefix: |_| "GLASS#".to_owned(),
    row: None,
    show: |ask, _, item| {
        BreakGlassRow::from_item(item).ok().filter(|row| ask.now < row.expires_at).map(|row| view(&row))
    },
};

fn view(row: &BreakGlassRow) -> Value {
    json!({
        "id": row.id, "user": row.user, "reason": row.reason, "confirmed_by": row.confirmed_by,
        "expires_at": row.expires_at,
    })
}

/// By which change a tenant was opened to the caller, as records name it.
pub fn named(ask: &Ask<'_>) -> Code {
    let key = ask.params.tenant.as_ref().map(|tenant| Key::break_glass(tenant, &ask.who.user));
    let row = key.and_then(|key| ask.find::<BreakGlassRow>(&key).ok().flatten());
    let id = row.and_then(|row| row.id).and_then(|id| id.as_str().parse().ok());
    id.unwrap_or_else(|| Code::literal("unnamed"))
}

/// The row of the caller's is read with every request of a tenant; that of whoever asked is written anew.
pub fn needs(params: &Params, _: &Value) -> Vec<Key> {
    params.tenant.iter().map(Key::tenant).collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Open {
    reason: Code,
    minutes: u64,
}

pub fn schema() -> Value {
    json!({"type": "object", "required": ["reason", "minutes"], "additionalProperties": false, "properties": {
        "reason": {"type": "string", "pattern": "^[a-z0-9._-]{1,64}$", "description": "why, as a code for the audit trail"},
        "minutes": {"type": "integer", "minimum": 1, "maximum": MINUTES_MAX},
    }})
}

/// Asked for by one, it waits; confirmed by another, it is open for whoever asked.
pub fn open(ask: &Ask<'_>) -> Result<Change, Refused> {
    let Open { reason, minutes } = ask.body()?;
    if !(1..=MINUTES_MAX).contains(&minutes) {
        return Err(Refused::at(Why::InvalidField, "/minutes", format!("1 to {MINUTES_MAX}")));
    }
    let tenant = ask.params.tenant.as_ref().ok_or(Why::NotFound)?;
    let user = ask.confirms.map_or(&ask.who.user, |change| &change.by).clone();
    let expires_at = ask.now.plus_millis(minutes.saturating_mul(60_000));
    let row = BreakGlassRow {
        id: ask.confirms.map(|change| change.id.clone()),
        user: user.clone(),
        reason: reason.clone(),
        confirmed_by: ask.who.user.clone(),
        expires_at,
    };
    let key = Key::break_glass(tenant, &user);
    let swap = Swap { old: ask.rows.get(&key).cloned(), new: row.to_item(), key }
        .expiring(expires_at.plus_millis(86_400_000));
    let body = view(&row);
    Ok(Change {
        weakens: true,
        metadata: Metadata::default().with("why", MetaValue::Code(reason)).count("minutes", minutes),
        ..Change::of(vec![swap], format!("user:{user}"), body)
    })
}

/// Closes a way before its time, for whoever it is open: their next request is refused.
pub fn close(ask: &Ask<'_>) -> Result<Change, Refused> {
    let (tenant, id) = ask.params.tenant.as_ref().zip(ask.params.change.as_ref()).ok_or(Why::NotFound)?;
    let (change, _) = ask.must::<ChangeRow>(&Key::change(tenant, id))?;
    let key = Key::break_glass(tenant, &change.by);
    let (row, item) = ask.must::<BreakGlassRow>(&key)?;
    // Asked for anew and opened again, it is another one.
    if row.id.as_ref() != Some(id) || row.expires_at <= ask.now {
        return Err(Why::NotFound.into());
    }
    let metadata = Metadata::default().with("why", MetaValue::Code(row.reason));
    let change = Change::of(Vec::new(), format!("user:{}", row.user), Value::Null);
    Ok(Change { writes: vec![deleted(&key, item)], metadata, ..change })
}
