//! Break-glass: how a platform administrator comes into a tenant. Reasoned, for a time, opened by two, and told in the
//! tenant's own log.

use domain::{BreakGlassRow, Code, MetaValue, Metadata};
use serde::Deserialize;
use serde_json::{Value, json};
use tables::codec::Row as _;
use tables::{Key, Swap};

use crate::ask::Ask;
use crate::event::Params;
use crate::plan::Change;
use crate::refusal::{Refused, Why};

/// The operation that asks for it.
pub const OPERATION: &str = "break_glass.open";
/// At most so long, in minutes.
const MINUTES_MAX: u64 = 240;

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
    let user = ask.confirms.unwrap_or(&ask.who.user).clone();
    let expires_at = ask.now.plus_millis(minutes.saturating_mul(60_000));
    let row = BreakGlassRow {
        user: user.clone(),
        reason: reason.clone(),
        confirmed_by: ask.who.user.clone(),
        expires_at,
    };
    let key = Key::break_glass(tenant, &user);
    let swap = Swap { old: ask.rows.get(&key).cloned(), new: row.to_item(), key }
        .expiring(expires_at.plus_millis(86_400_000));
    let body = json!({"user": user, "reason": reason, "expires_at": expires_at});
    Ok(Change {
        weakens: true,
        metadata: Metadata::default().with("why", MetaValue::Code(reason)).count("minutes", minutes),
        ..Change::of(vec![swap], format!("user:{user}"), body)
    })
}
