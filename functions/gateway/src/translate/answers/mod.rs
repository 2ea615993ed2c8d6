//! Whole answers, from the provider's dialect to the caller's. What a provider adds beyond its dialect is left out.

pub mod chat;
pub mod messages;
pub mod responses;

use serde_json::Value;

/// Takes a string out of an object.
pub fn text(from: &mut Value, name: &str) -> Option<String> {
    match from.get_mut(name).map(Value::take) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
}

/// Takes a list out of an object; one that is not there is empty.
pub fn list(from: &mut Value, name: &str) -> Vec<Value> {
    match from.get_mut(name).map(Value::take) {
        Some(Value::Array(items)) => items,
        _ => Vec::new(),
    }
}

pub fn kind(of: &Value) -> &str {
    of.get("type").and_then(Value::as_str).unwrap_or_default()
}

/// An id in the style of another dialect. It stays the same within an answer and its stream.
pub fn id(prefix: &str, id: &str) -> String {
    if id.starts_with(prefix) { id.to_owned() } else { format!("{prefix}{id}") }
}

/// The text of a message's content: some servers of Chat answer in parts.
pub fn words(content: Option<Value>) -> String {
    match content {
        Some(Value::String(text)) => text,
        Some(Value::Array(parts)) => {
            parts.iter().filter_map(|part| part.get("text").and_then(Value::as_str)).collect()
        }
        _ => String::new(),
    }
}
