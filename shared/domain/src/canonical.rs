//! Canonical JSON: the bytes that are hashed, sealed under and stored.

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

/// A value outside the subset of JSON on which every RFC 8785 implementation agrees with this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CanonicalError {
    #[error("a number is not an integer between -(2^53 - 1) and 2^53 - 1")]
    Number,
    #[error("an object key is not printable ASCII")]
    Key,
}

/// 2^53 - 1: beyond it, RFC 8785 (section 3.2.2.3) rounds to an IEEE double.
const MAX_SAFE: u64 = 9_007_199_254_740_991;

/// The JCS form (RFC 8785) of `value`: keys sorted, no white space, minimal escapes.
///
/// Keys must be printable ASCII, where UTF-8 order is UTF-16 order; numbers must be safe integers, where no
/// float formatting is needed. Inside that subset `serde_json`'s compact output with sorted keys is JCS.
///
/// # Errors
/// A number or key outside the subset.
pub fn canonical_json(value: &Value) -> Result<String, CanonicalError> {
    check(value)?;
    written(&Sorted(value))
}

/// The same for the fields of an object.
///
/// # Errors
/// As [`canonical_json`].
pub fn canonical_fields(fields: &Map<String, Value>) -> Result<String, CanonicalError> {
    check_fields(fields)?;
    written(&SortedFields(fields))
}

/// Only a key that is no text fails, and there is none in a `Value`.
fn written(sorted: &impl Serialize) -> Result<String, CanonicalError> {
    serde_json::to_string(sorted).map_err(|_| CanonicalError::Key)
}

/// Maps keep the order they were read in, so that a caller's JSON schema reaches its provider as it was written.
struct Sorted<'a>(&'a Value);

impl Serialize for Sorted<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Array(items) => serializer.collect_seq(items.iter().map(Sorted)),
            Value::Object(fields) => SortedFields(fields).serialize(serializer),
            plain => plain.serialize(serializer),
        }
    }
}

struct SortedFields<'a>(&'a Map<String, Value>);

impl Serialize for SortedFields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields: Vec<_> = self.0.iter().collect();
        fields.sort_unstable_by_key(|(key, _)| *key);
        serializer.collect_map(fields.into_iter().map(|(key, value)| (key, Sorted(value))))
    }
}

fn check(value: &Value) -> Result<(), CanonicalError> {
    match value {
        Value::Number(number) => {
            let magnitude = number.as_i64().map(i64::unsigned_abs).or(number.as_u64());
            magnitude.filter(|magnitude| *magnitude <= MAX_SAFE).map(|_| ()).ok_or(CanonicalError::Number)
        }
        Value::Array(items) => items.iter().try_for_each(check),
        Value::Object(fields) => check_fields(fields),
        Value::Null | Value::Bool(_) | Value::String(_) => Ok(()),
    }
}

fn check_fields(fields: &Map<String, Value>) -> Result<(), CanonicalError> {
    fields.iter().try_for_each(|(key, value)| {
        let printable = key.bytes().all(|byte| (0x20..0x7f).contains(&byte));
        if printable { check(value) } else { Err(CanonicalError::Key) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn keys_are_sorted_and_escapes_minimal() {
        let value = json!({"b": [1, -2, true, null], "a": "\u{8}\t\n\u{c}\r\"\\/\u{1f}é€\u{7f}"});
        let expected = "{\"a\":\"\\b\\t\\n\\f\\r\\\"\\\\/\\u001fé€\u{7f}\",\"b\":[1,-2,true,null]}";
        assert_eq!(canonical_json(&value).as_deref(), Ok(expected));
    }

    #[test]
    fn what_implementations_disagree_on_is_refused() {
        assert_eq!(canonical_json(&json!({"a": 1.5})), Err(CanonicalError::Number));
        assert_eq!(canonical_json(&json!([9_007_199_254_740_992_u64])), Err(CanonicalError::Number));
        assert_eq!(canonical_json(&json!({"é": 1})), Err(CanonicalError::Key));
        assert!(canonical_json(&json!(-9_007_199_254_740_991_i64)).is_ok());
    }
}
