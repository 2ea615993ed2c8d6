//! A Chat Completions answer as a Messages answer.

use serde_json::{Map, Value, json};

use super::{id, kind, list, text, words};
use crate::translate::usage::{Usage, stop_reason};

/// None if the answer is not a completion.
pub fn answer(mut answer: Value) -> Option<Value> {
    let choice = answer.get_mut("choices")?.as_array_mut()?.first_mut()?;
    let finish = text(choice, "finish_reason").unwrap_or_default();
    let message = choice.get_mut("message").filter(|message| message.is_object())?;
    let mut content = thinking(message);
    let said = words(message.get_mut("content").map(Value::take));
    let refusal = text(message, "refusal").filter(|refusal| !refusal.is_empty());
    let refused = refusal.is_some();
    let texts = [Some(said), refusal].into_iter().flatten().filter(|text| !text.is_empty());
    content.extend(texts.map(|text| json!({"type": "text", "text": text})));
    let calls = list(message, "tool_calls");
    let called = !calls.is_empty();
    content.extend(calls.into_iter().map(tool_use));
    let usage = answer.get("usage").and_then(Usage::of_chat).unwrap_or_default();
    Some(json!({
        "id": id("msg_", &text(&mut answer, "id").unwrap_or_default()),
        "type": "message",
        "role": "assistant",
        "model": text(&mut answer, "model").unwrap_or_default(),
        "content": content,
        "stop_reason": stop_reason(&finish, refused, called),
        "stop_sequence": null,
        "usage": usage.to_messages(),
    }))
}

/// Blocks as another gateway passed them on, or the reasoning of a server that signs none.
fn thinking(message: &mut Value) -> Vec<Value> {
    let blocks: Vec<Value> = list(message, "thinking_blocks")
        .into_iter()
        .filter(|block| matches!(kind(block), "thinking" | "redacted_thinking"))
        .collect();
    let thoughts = text(message, "reasoning_content").or_else(|| text(message, "reasoning"));
    match thoughts.filter(|thoughts| !thoughts.is_empty()) {
        Some(thoughts) if blocks.is_empty() => {
            vec![json!({"type": "thinking", "thinking": thoughts, "signature": ""})]
        }
        _ => blocks,
    }
}

fn tool_use(mut call: Value) -> Value {
    let id = text(&mut call, "id").unwrap_or_default();
    let (name, input) = if let Some(function) = call.get_mut("function") {
        (text(function, "name"), arguments(text(function, "arguments").unwrap_or_default()))
    } else {
        (None, Value::Object(Map::new()))
    };
    json!({"type": "tool_use", "id": id, "name": name.unwrap_or_default(), "input": input})
}

/// Arguments that are no JSON object, such as those of an answer that was cut, stay visible as their text.
fn arguments(text: String) -> Value {
    if text.trim().is_empty() {
        return Value::Object(Map::new());
    }
    match serde_json::from_str::<Map<String, Value>>(&text) {
        Ok(arguments) => Value::Object(arguments),
        Err(_) => json!({"arguments": text}),
    }
}
