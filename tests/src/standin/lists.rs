//! Answers that no model writes: embeddings, counted tokens, the list of models.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::asked::words;
use super::behaviour::Behaviour;
use super::plan::CREATED;

/// Length of a vector when the request names none.
const DIMENSIONS: u64 = 8;
/// The models of `GET models`.
const MODELS: [&str; 3] = ["gpt-4o-mini", "gpt-4o", "claude-sonnet-4-5"];

/// What is said of a model that nobody has; the name says so itself.
pub(super) fn unknown_model(request: &Value, anthropic: bool) -> Option<String> {
    let model = request.get("model").and_then(Value::as_str).filter(|model| model.contains("unknown"))?;
    Some(if anthropic {
        format!("model: {model}")
    } else {
        format!("The model `{model}` does not exist or you do not have access to it.")
    })
}

/// `None` without an input.
pub(super) fn embeddings(request: &Value, behaviour: &Behaviour) -> Option<Value> {
    let texts = inputs(request.get("input")?)?;
    let dimensions = request.get("dimensions").and_then(Value::as_u64).unwrap_or(DIMENSIONS).clamp(1, 4_096);
    let base64 = request.get("encoding_format").is_some_and(|format| format == "base64");
    let data: Vec<_> = texts
        .iter()
        .enumerate()
        .map(|(index, text)| {
            json!({ "object": "embedding", "index": index, "embedding": vector(text, dimensions, base64) })
        })
        .collect();
    let mut answer = json!({ "object": "list", "model": request.get("model"), "data": data });
    let counted = texts.iter().map(|text| words(text)).sum();
    let tokens = behaviour.usage.map_or(Some(counted), |told| told.map(|usage| usage.prompt_tokens));
    if let (Some(tokens), Some(fields)) = (tokens, answer.as_object_mut()) {
        fields.insert("usage".to_owned(), json!({ "prompt_tokens": tokens, "total_tokens": tokens }));
    }
    Some(answer)
}

/// A text, a list of texts, a list of token numbers, or a list of those.
fn inputs(input: &Value) -> Option<Vec<String>> {
    let tokens = |list: &[Value]| list.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    match input {
        Value::String(text) => Some(vec![text.clone()]),
        Value::Array(list) if list.iter().all(Value::is_number) => Some(vec![tokens(list)]),
        Value::Array(list) => list
            .iter()
            .map(|entry| match entry {
                Value::String(text) => Some(text.clone()),
                Value::Array(list) => Some(tokens(list)),
                _ => None,
            })
            .collect(),
        _ => None,
    }
}

/// The same text always has the same vector. Base64 is of little-endian floats; OpenAI's Python SDK asks for it.
fn vector(text: &str, dimensions: u64, base64: bool) -> Value {
    let seed = text.bytes().fold(7_u16, |seed, byte| seed.wrapping_mul(31).wrapping_add(u16::from(byte)));
    let steps = (0..dimensions).scan(seed, |state, _| {
        *state = state.wrapping_mul(25_173).wrapping_add(13_849);
        Some(f32::from(*state) / f32::from(u16::MAX) - 0.5)
    });
    if base64 {
        json!(STANDARD.encode(steps.flat_map(f32::to_le_bytes).collect::<Vec<_>>()))
    } else {
        json!(steps.collect::<Vec<_>>())
    }
}

pub(super) fn models(anthropic: bool) -> Value {
    let model = |id: &str| match anthropic {
        true => {
            json!({ "type": "model", "id": id, "display_name": id, "created_at": "2025-10-09T08:53:20Z" })
        }
        false => json!({ "object": "model", "id": id, "created": CREATED, "owned_by": "standin" }),
    };
    let data: Vec<_> = MODELS.into_iter().map(model).collect();
    match anthropic {
        true => {
            json!({ "data": data, "has_more": false, "first_id": MODELS.first(), "last_id": MODELS.last() })
        }
        false => json!({ "object": "list", "data": data }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_are_steady_and_the_same_in_both_encodings() {
        let ask = |format: &str| json!({ "model": "e", "input": ["a", "b c"], "dimensions": 3, "encoding_format": format });
        let floats = embeddings(&ask("float"), &Behaviour::default()).unwrap();
        let packed = embeddings(&ask("base64"), &Behaviour::default()).unwrap();
        assert_eq!(floats["usage"], json!({ "prompt_tokens": 3, "total_tokens": 3 }));
        let bytes = STANDARD.decode(packed["data"][1]["embedding"].as_str().unwrap()).unwrap();
        let unpacked: Vec<_> =
            bytes.chunks(4).map(|four| json!(f32::from_le_bytes(four.try_into().unwrap()))).collect();
        assert_eq!(floats["data"][1]["embedding"], json!(unpacked));
        assert_ne!(floats["data"][0]["embedding"], floats["data"][1]["embedding"]);
    }

    #[test]
    fn token_numbers_are_inputs_too() {
        let count = |input: Value| {
            embeddings(&json!({ "input": input }), &Behaviour::default())
                .map(|answer| answer["data"].as_array().unwrap().len())
        };
        assert_eq!(count(json!([1, 2, 3])), Some(1));
        assert_eq!(count(json!([[1, 2], [3]])), Some(2));
        assert_eq!(count(json!({ "a": 1 })), None);
    }
}
