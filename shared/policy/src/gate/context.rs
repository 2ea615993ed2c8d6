//! An action in Cedar's words, for the tenant's own policies.

use std::collections::HashSet;

use cedar_policy::{Context, Entities, Entity, Request, RestrictedExpression};
use domain::Timestamp;
use serde_json::Value;

use super::decide::Asking;
use super::hours::Zone;
use super::quantity::plain;

use super::template::{Unreadable, text, uid};

/// Deeper arguments have no form here.
const DEPTH: usize = 32;
const PLACES: usize = 4;

/// The names of what the tenant's policies may look at in the context.
pub(super) const NAMES: [&str; 5] = ["arguments", "target", "now", "hour", "weekday"];

pub(super) fn request(ask: &Asking<'_>, now: Timestamp) -> Result<Request, Unreadable> {
    let (minute, day) = Zone::utc().local(now).ok_or(Unreadable)?;
    let seconds = i64::try_from(now.unix_millis() / 1000).map_err(|_| Unreadable)?;
    let arguments = cedar(ask.arguments, DEPTH)?.ok_or(Unreadable)?;
    let long = RestrictedExpression::new_long;
    let mut pairs = vec![
        ("arguments", arguments),
        ("now", long(seconds)),
        ("hour", long(minute / 60)),
        ("weekday", text(day.as_str())),
    ];
    pairs.extend(ask.target.map(|target| ("target", text(target))));
    let context = Context::from_pairs(pairs.into_iter().map(|(name, value)| (name.to_owned(), value)));
    let agent = uid("Agent", ask.agent.as_str())?;
    let tool = uid("Tool", ask.tool.as_str())?;
    Request::new(agent, uid("Action", "call")?, tool, context.map_err(|_| Unreadable)?, None)
        .map_err(|_| Unreadable)
}

pub(super) fn entities(ask: &Asking<'_>) -> Result<Entities, Unreadable> {
    let team = ask.team.map(|team| uid("Team", team.as_str())).transpose()?;
    let agent = Entity::new_no_attrs(uid("Agent", ask.agent.as_str())?, team.into_iter().collect());
    let tool = Entity::new_no_attrs(uid("Tool", ask.tool.as_str())?, HashSet::new());
    Entities::from_entities([agent, tool], None).map_err(|_| Unreadable)
}

/// None for `null`, which Cedar has not. The same for all that have one canonical form (RFC 8785), such as `1` and `1.0`.
fn cedar(value: &Value, depth: usize) -> Result<Option<RestrictedExpression>, Unreadable> {
    let depth = depth.checked_sub(1).ok_or(Unreadable)?;
    Ok(Some(match value {
        Value::Null => return Ok(None),
        Value::Bool(value) => RestrictedExpression::new_bool(*value),
        Value::String(value) => text(value.as_str()),
        Value::Number(number) => quantity(&plain(number).ok_or(Unreadable)?)?,
        Value::Array(items) => {
            // A `null` among others is something, and has no form.
            let items = items.iter().map(|item| cedar(item, depth)?.ok_or(Unreadable));
            RestrictedExpression::new_set(items.collect::<Result<Vec<_>, _>>()?)
        }
        Value::Object(fields) => {
            let field = |(name, value): (&String, &Value)| {
                cedar(value, depth).map(|value| value.map(|value| (name.clone(), value))).transpose()
            };
            let fields = fields.iter().filter_map(field).collect::<Result<Vec<_>, _>>()?;
            RestrictedExpression::new_record(fields).map_err(|_| Unreadable)?
        }
    }))
}

fn quantity(digits: &str) -> Result<RestrictedExpression, Unreadable> {
    match digits.split_once('.') {
        None => digits.parse().map(RestrictedExpression::new_long).map_err(|_| Unreadable),
        Some((_, places)) if places.len() <= PLACES => Ok(RestrictedExpression::new_decimal(digits)),
        Some(_) => Err(Unreadable),
    }
}
