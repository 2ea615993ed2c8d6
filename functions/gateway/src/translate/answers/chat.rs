//! A Messages answer as a Chat Completions answer.

use serde_json::{Value, json};

use super::{id, kind, list, text};
use crate::translate::Context;
use crate::translate::custom;
use crate::translate::usage::{MessagesUsage, finish_reason};

#[derive(Default)]
struct Message {
    words: Option<String>,
    thoughts: Option<String>,
    blocks: Vec<Value>,
    calls: Vec<Value>,
}

impl Message {
    fn add(&mut self, context: &Context, mut block: Value) {
        match kind(&block) {
            "text" => append(&mut self.words, text(&mut block, "text")),
            "thinking" => {
                append(&mut self.thoughts, block.get("thinking").and_then(Value::as_str).map(str::to_owned));
                self.blocks.push(block);
            }
            "redacted_thinking" => self.blocks.push(block),
            "tool_use" => self.calls.push(call(context, &mut block)),
            _ => {}
        }
    }

    fn into_value(self) -> Value {
        let mut message = json!({"role": "assistant", "content": self.words, "refusal": null});
        if let Some(message) = message.as_object_mut() {
            use crate::translate::fields::set;
            set(message, "reasoning_content", self.thoughts);
            set(message, "thinking_blocks", Some(self.blocks).filter(|blocks| !blocks.is_empty()));
            set(message, "tool_calls", Some(self.calls).filter(|calls| !calls.is_empty()));
        }
        message
    }
}

fn append(to: &mut Option<String>, text: Option<String>) {
    match (to, text) {
        (Some(to), Some(text)) => to.push_str(&text),
        (to @ None, text) => *to = text.filter(|text| !text.is_empty()),
        (Some(_), None) => {}
    }
}

fn call(context: &Context, block: &mut Value) -> Value {
    let id = text(block, "id").unwrap_or_default();
    let name = text(block, "name").unwrap_or_default();
    let input = block.get_mut("input").map(Value::take).unwrap_or_else(|| json!({}));
    if context.is_custom(&name) {
        let input = custom::unwrap(&input);
        return json!({"id": id, "type": "custom", "custom": {"name": name, "input": input}});
    }
    json!({"id": id, "type": "function", "function": {"name": name, "arguments": input.to_string()}})
}

/// None if the answer is not a message.
pub fn answer(context: &Context, mut answer: Value) -> Option<Value> {
    if !answer.get("content").is_some_and(Value::is_array) {
        return None;
    }
    let mut message = Message::default();
    list(&mut answer, "content").into_iter().for_each(|block| message.add(context, block));
    let finish = finish_reason(answer.get("stop_reason").and_then(Value::as_str).unwrap_or_default());
    let mut counts = MessagesUsage::default();
    counts.update(answer.get("usage").unwrap_or(&Value::Null));
    let mut out = json!({
        "id": id("chatcmpl-", &text(&mut answer, "id").unwrap_or_default()),
        "object": "chat.completion",
        "created": context.created,
        "model": text(&mut answer, "model").unwrap_or_default(),
        "choices": [
            {"index": 0, "message": message.into_value(), "logprobs": null, "finish_reason": finish}
        ],
    });
    if let (Some(out), Some(usage)) = (out.as_object_mut(), counts.total()) {
        out.insert("usage".to_owned(), usage.to_chat());
    }
    Some(out)
}
