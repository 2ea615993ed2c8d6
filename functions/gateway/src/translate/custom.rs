//! OpenAI's custom tools, which take any text, as functions of one string for Anthropic; and back in the answer.

use serde_json::{Value, json};

const INPUT: &str = "input";

/// The schema that stands for "any text".
pub fn schema() -> Value {
    json!({
        "type": "object",
        "properties": {INPUT: {"type": "string"}},
        "required": [INPUT],
        "additionalProperties": false,
    })
}

/// A custom tool's input as the function's arguments.
pub fn wrap(input: String) -> Value {
    json!({INPUT: input})
}

/// The function's arguments as a custom tool's input. Arguments of another form stay visible as they are.
pub fn unwrap(arguments: &Value) -> String {
    match arguments.get(INPUT).and_then(Value::as_str) {
        Some(input) => input.to_owned(),
        None => arguments.to_string(),
    }
}

/// As [`unwrap`], of arguments that were put together from a stream.
pub fn unwrap_text(arguments: &str) -> String {
    serde_json::from_str(arguments).map_or_else(|_| arguments.to_owned(), |arguments| unwrap(&arguments))
}
