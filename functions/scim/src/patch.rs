//! PATCH (RFC 7644, section 3.5.2): a body becomes steps, each of one attribute, and steps make the next document. Either
//! all of them do, or nothing changes.
//!
//! What identity providers write and the RFC does not say:
//! - Operations and keys in any case; a path-less value whose keys are paths, `name.givenName` or a URN's among them.
//! - A list beside `remove` takes out just these values.
//! - An empty text clears. Flags may be texts.
//! - `add` with a filter that nothing fulfils makes the element that the filter's equalities describe; so does `replace` of a
//!   part of one, when the filter speaks of `type` or `primary`
//!   (<https://github.com/better-auth/better-auth/pull/10682>).
//! - Read-only attributes inside a path-less value are left out: Okta renames a group with its `id` beside the name.
//!   Named by a path they are refused.
//! - A path-less value may be an object within a text, and an extension's may name its own schema.

mod elements;
mod group;
mod parse;

use serde_json::{Map, Value};

use crate::error::{ScimError, ScimType};
use crate::path::Target;
use crate::resource::{self, Changed, value};
use crate::schema::{Kind, is_assigned};

pub use group::{GroupChange, MemberOp, group_patch};
pub(crate) use parse::unquoted;
pub use parse::{OPERATIONS_MAX, SCHEMA, parse};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    Add,
    Remove,
    Replace,
}

/// One change of one attribute. Nothing read-only or unknown becomes one.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    pub verb: Verb,
    pub target: Target,
    /// Always there but beside `remove`.
    pub value: Option<Value>,
}

/// The next document. Of a group use [`group_patch`].
///
/// # Errors
/// `noTarget`: a filter chooses nothing that could be replaced. `mutability`: a required attribute is taken away.
/// `invalidValue`: a value does not suit its attribute. 413: the document grew too large.
pub fn apply(
    kind: Kind,
    document: &Map<String, Value>,
    steps: &[Step],
) -> Result<(Map<String, Value>, Changed), ScimError> {
    let mut next = document.clone();
    for step in steps {
        let old = step.target.place.take(&mut next);
        let new = changed(step, old)?;
        resource::keep(&mut next, &step.target.place, new);
    }
    resource::settled(kind, &next)?;
    let changed = Changed::between(document, &next);
    Ok((next, changed))
}

fn changed(step: &Step, old: Option<Value>) -> Result<Option<Value>, ScimError> {
    let place = &step.target.place;
    if step.verb == Verb::Remove && place.attribute.required && place.sub.is_none() {
        let detail = format!("`{}` is required and cannot be removed", place.attribute.name);
        return Err(ScimError::bad(ScimType::Mutability, detail));
    }
    if place.attribute.multi {
        let old = match old {
            Some(Value::Array(list)) => list,
            _ => Vec::new(),
        };
        let new = elements::changed(step, old)?;
        value::few(place.attribute, new.len())?;
        return Ok((!new.is_empty()).then_some(Value::Array(new)));
    }
    match (&step.value, place.sub) {
        (None, None) => Ok(None),
        (Some(new), None) if !place.attribute.is_complex() => value::simple(place.attribute, new),
        (Some(Value::Null), None) => Ok(None),
        (Some(Value::String(text)), None) if text.is_empty() => Ok(None),
        (Some(new), None) => Ok(merged(old, value::fields(place.attribute, new)?)),
        (None, Some(sub)) => Ok(merged(old, vec![(sub, None)])),
        (Some(new), Some(sub)) => Ok(merged(old, vec![(sub, value::simple(sub, new)?)])),
    }
}

/// Unmentioned sub-attributes stay, of `add` and `replace` alike.
fn merged(old: Option<Value>, fields: value::Fields) -> Option<Value> {
    let mut map = match old {
        Some(Value::Object(map)) => map,
        _ => Map::new(),
    };
    value::merge(&mut map, fields);
    Some(Value::Object(map)).filter(is_assigned)
}

#[cfg(test)]
mod tests;
