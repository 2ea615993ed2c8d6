//! Members of a group, as a client names them.

use std::collections::HashSet;

use serde_json::Value;

use crate::error::{ScimError, ScimType};

/// Most members in one request.
pub const MEMBERS_MAX: usize = 50_000;
/// Longest id of a member, in bytes; ours are shorter.
const ID_MAX: usize = 128;

/// The id of a user, as it was sent. Whether there is such a user is for whoever loads it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Member(String);

impl Member {
    /// # Errors
    /// `invalidValue`: empty, too long, or with characters that no id has.
    pub fn new(id: &str) -> Result<Self, ScimError> {
        let plain = id.bytes().all(|byte| byte.is_ascii_graphic());
        if id.is_empty() || id.len() > ID_MAX || !plain {
            return Err(refused("a member's `value` is the id of a user, as this service gave it"));
        }
        Ok(Self(id.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn refused(why: &str) -> ScimError {
    ScimError::bad(ScimType::InvalidValue, why)
}

/// A list of members, or one; each once, in the order sent. Null is nobody.
///
/// # Errors
/// `invalidValue`: another form, or a member that is no user. 413: too many.
pub(crate) fn read(value: &Value) -> Result<Vec<Member>, ScimError> {
    let one = std::slice::from_ref(value);
    let sent = match value {
        Value::Array(list) => list.as_slice(),
        Value::Null => &[],
        _ => one,
    };
    if sent.len() > MEMBERS_MAX {
        let detail = format!("more than {MEMBERS_MAX} members in one request: send them in parts");
        return Err(ScimError::plain(413, detail));
    }
    let mut seen = HashSet::new();
    let mut members = Vec::with_capacity(sent.len());
    for value in sent {
        let member = member(value)?;
        if seen.insert(member.clone()) {
            members.push(member);
        }
    }
    Ok(members)
}

/// `$ref` and `display` are ours to say, and not looked at.
fn member(value: &Value) -> Result<Member, ScimError> {
    let map = match value {
        Value::String(id) => return Member::new(id),
        Value::Object(map) => map,
        _ => return Err(refused("a member is an object with the `value` of a user's id")),
    };
    let mut id = None;
    for (key, value) in map {
        match (key.to_ascii_lowercase().as_str(), value) {
            ("value", Value::String(text)) if id.is_none() => id = Some(text),
            ("type", Value::String(text)) if text.eq_ignore_ascii_case("user") => {}
            ("type", Value::Null) | ("$ref" | "display", Value::Null | Value::String(_)) => {}
            ("type", _) => return Err(refused("members are users: groups do not lie in groups")),
            (_, Value::Null) => {}
            _ => return Err(refused("a member has `value`, `$ref`, `type` and `display`, once each")),
        }
    }
    Member::new(id.map_or("", String::as_str))
}
