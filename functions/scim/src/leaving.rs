//! Whether a request that is refused says, whatever else, that somebody is no longer active.
//!
//! A PATCH or PUT is refused whole (RFC 7644 section 3.5.2). But an attribute that was mapped wrongly, or a shape that is not
//! understood, beside `active: false` must not keep a leaver in: access goes, and the answer is the error all the same.

use serde_json::{Map, Value};

use crate::bulk::Method;
use crate::patch;
use crate::resource::Changed;

/// Most operations that are looked through; a request with more is refused for that.
const LOOKED_AT: usize = 1_000;

/// With which statuses a request is refused that ends somebody all the same: what is not understood or wrong (400), a name that is
/// somebody else's (409), more than is taken at once (413). A precondition that fails (412) speaks of another state, and with 503
/// the client asks again.
pub const IN_SPITE_OF: [u16; 3] = [400, 409, 413];

/// In any of the forms in which providers say it.
pub fn says(method: Method, data: &Value) -> bool {
    match method {
        Method::Put => field(data, "active").is_some_and(is_no),
        Method::Patch => {
            let operations = field(data, "operations").and_then(Value::as_array);
            operations.into_iter().flatten().take(LOOKED_AT).any(ends)
        }
        Method::Post | Method::Delete => false,
    }
}

/// `add` and `replace` of `active`, by a path or within a value. What takes `active` away ends, too.
fn ends(operation: &Value) -> bool {
    let verb = field(operation, "op").and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase();
    let path = field(operation, "path").and_then(Value::as_str).map(str::to_ascii_lowercase);
    let named = path.as_deref().map(|path| path == "active" || path.ends_with(":active"));
    let value = field(operation, "value");
    match (verb.as_str(), named) {
        ("remove", Some(true)) => true,
        ("add" | "replace", Some(true)) => value.is_some_and(is_no),
        ("add" | "replace", None) => value.is_some_and(within),
        _ => false,
    }
}

/// A value without a path: an object, or one written as a text.
fn within(value: &Value) -> bool {
    match value {
        Value::String(text) => patch::unquoted(text).is_some_and(|map| says_no(&map)),
        Value::Object(map) => says_no(map),
        _ => false,
    }
}

/// Under its own name, or with its schema's before it.
fn says_no(map: &Map<String, Value>) -> bool {
    let named = |key: &str| {
        let key = key.to_ascii_lowercase();
        key == "active" || key.ends_with(":active")
    };
    map.iter().any(|(key, value)| named(key) && is_no(value))
}

fn is_no(value: &Value) -> bool {
    match value {
        Value::Bool(flag) => !flag,
        Value::String(text) => text.eq_ignore_ascii_case("false"),
        _ => false,
    }
}

fn field<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    value.as_object()?.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// Somebody as they are, but not active.
pub fn ended(document: &Map<String, Value>) -> (Map<String, Value>, Changed) {
    let mut after = document.clone();
    after.insert("active".to_owned(), Value::Bool(false));
    let changed = if after == *document { Changed::No } else { Changed::Yes };
    (after, changed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_leaver_is_seen_in_every_form() {
        for (method, data, says_so) in [
            (Method::Put, json!({"Active": "False", "shoeSize": 4}), true),
            (Method::Put, json!({"active": true}), false),
            (Method::Put, json!({"name": {"active": false}}), false),
            (
                Method::Patch,
                json!({"Operations": [{"op": "Replace", "path": "active", "value": "False"}]}),
                true,
            ),
            (
                Method::Patch,
                json!({"operations": [{"op": "replace", "value": {"active": false, "shoeSize": 4}}]}),
                true,
            ),
            (
                Method::Patch,
                json!({"Operations": [{"op": "x"}, {"OP": "add", "Value": {"active": false}}]}),
                true,
            ),
            (
                Method::Patch,
                json!({"Operations": [{"op": "replace", "value": "{\"active\": false, \"shoeSize\": 4}"}]}),
                true,
            ),
            (Method::Patch, json!({"Operations": [{"op": "replace", "value": "active false"}]}), false),
            (Method::Patch, json!({"Operations": [{"op": "remove", "path": "active"}]}), true),
            (
                Method::Patch,
                json!({"Operations": [{"op": "replace", "value": {"urn:ietf:params:scim:schemas:core:2.0:User:active": false}}]}),
                true,
            ),
            (
                Method::Patch,
                json!({"Operations": [{"op": "replace", "path": "title", "value": "false"}]}),
                false,
            ),
            (
                Method::Patch,
                json!({"Operations": [{"op": "replace", "path": "active", "value": true}]}),
                false,
            ),
            (Method::Patch, json!({"Operations": "active"}), false),
            (Method::Post, json!({"active": false}), false),
        ] {
            assert_eq!(says(method, &data), says_so, "{data}");
        }
    }

    #[test]
    fn an_end_changes_nothing_else() {
        let document = json!({"userName": "dana", "active": true}).as_object().unwrap().clone();
        let (after, changed) = ended(&document);
        assert_eq!(
            (Value::from(after.clone()), changed),
            (json!({"userName": "dana", "active": false}), Changed::Yes)
        );
        assert_eq!(ended(&after), (after, Changed::No));
    }
}
