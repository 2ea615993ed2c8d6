//! A Chat Completions answer as a Responses answer, and the parts that its stream is made of too.

use serde_json::{Map, Value, json};

use super::{id, kind, list, text, words};
use crate::translate::Context;
use crate::translate::responses_to_chat::{REDACTED, SIGNED};
use crate::translate::usage::{Usage, incomplete};

/// A field of the request, and what the answer says of it if the request was silent.
type Repeated = (&'static str, fn() -> Value);

/// What a Responses answer repeats of its request.
const ECHO: [Repeated; 14] = [
    ("instructions", || Value::Null),
    ("max_output_tokens", || Value::Null),
    ("metadata", || json!({})),
    ("parallel_tool_calls", || json!(true)),
    ("reasoning", || json!({"effort": null, "summary": null})),
    ("service_tier", || json!("default")),
    ("temperature", || Value::Null),
    ("text", || json!({"format": {"type": "text"}})),
    ("tool_choice", || json!("auto")),
    ("tools", || json!([])),
    ("top_p", || Value::Null),
    ("truncation", || json!("disabled")),
    ("user", || Value::Null),
    ("safety_identifier", || Value::Null),
];

/// The fields of a request that its answer repeats.
pub fn echo(request: &Map<String, Value>) -> Map<String, Value> {
    let field = |(name, silent): &Repeated| {
        let said = request.get(*name).filter(|value| !value.is_null());
        ((*name).to_owned(), said.cloned().unwrap_or_else(silent))
    };
    ECHO.iter().map(field).collect()
}

/// How far a response is.
#[derive(Debug, Clone, Copy)]
pub enum Progress<'a> {
    Running,
    Ended { finish: &'a str, usage: Option<Usage> },
}

/// A Responses answer of these items.
pub fn response(
    context: &Context,
    id: &str,
    model: &str,
    output: Vec<Value>,
    progress: Progress<'_>,
) -> Value {
    let (status, reason, usage) = match progress {
        Progress::Running => ("in_progress", None, None),
        Progress::Ended { finish, usage } => {
            let reason = incomplete(finish);
            (status(finish), reason, usage)
        }
    };
    let mut out = json!({
        "id": id,
        "object": "response",
        "created_at": context.created,
        "status": status,
        "background": false,
        "error": null,
        "incomplete_details": reason.map(|reason| json!({"reason": reason})),
        "model": model,
        "output": output,
        "previous_response_id": null,
        "store": false,
        "usage": usage.map(Usage::to_responses),
    });
    if let Some(out) = out.as_object_mut() {
        out.extend(context.echo.iter().map(|(name, value)| (name.clone(), value.clone())));
    }
    out
}

/// None if the answer is not a completion.
pub fn answer(context: &Context, mut answer: Value) -> Option<Value> {
    let chat_id = text(&mut answer, "id").unwrap_or_default();
    let model = text(&mut answer, "model").unwrap_or_default();
    let usage = answer.get("usage").and_then(Usage::of_chat);
    let choice = answer.get_mut("choices")?.as_array_mut()?.first_mut()?;
    let finish = text(choice, "finish_reason").unwrap_or_default();
    let message = choice.get_mut("message").filter(|message| message.is_object())?;
    let mut items = Items { id: &chat_id, items: Vec::new() };
    items.reasoning(message);
    items.message(message);
    list(message, "tool_calls").into_iter().for_each(|call| items.call(call));
    items.end(status(&finish));
    let progress = Progress::Ended { finish: &finish, usage };
    Some(response(context, &response_id(&chat_id), &model, items.items, progress))
}

pub fn response_id(chat_id: &str) -> String {
    id("resp_", chat_id)
}

/// The id of an item: its kind, its place and the answer's id.
pub fn item_id(prefix: &str, place: usize, chat_id: &str) -> String {
    format!("{prefix}_{place}_{chat_id}")
}

/// The status of an item that others follow.
pub const COMPLETED: &str = "completed";

/// The status of the last item of an answer that ended so.
pub fn status(finish: &str) -> &'static str {
    if incomplete(finish).is_some() { "incomplete" } else { COMPLETED }
}

/// What another provider must have back of a block of thinking, in one string.
pub fn sealed(block: &Value) -> Option<String> {
    let part = |name: &str| block.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    match kind(block) {
        "thinking" => part("signature").map(|signature| format!("{SIGNED}{signature}")),
        "redacted_thinking" => part("data").map(|data| format!("{REDACTED}{data}")),
        _ => None,
    }
}

pub fn reasoning_item(id: &str, text: &str, sealed: Option<String>) -> Value {
    let summary: &[Value] = &[json!({"type": "summary_text", "text": text})];
    let summary = if text.is_empty() { &[] } else { summary };
    let mut item = json!({"id": id, "type": "reasoning", "summary": summary});
    if let (Some(item), Some(sealed)) = (item.as_object_mut(), sealed) {
        item.insert("encrypted_content".to_owned(), Value::String(sealed));
    }
    item
}

pub fn message_item(id: &str, status: &str, content: Vec<Value>) -> Value {
    json!({"id": id, "type": "message", "status": status, "role": "assistant", "content": content})
}

pub fn text_part(text: &str) -> Value {
    json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []})
}

pub fn refusal_part(refusal: &str) -> Value {
    json!({"type": "refusal", "refusal": refusal})
}

/// A call of a tool as an item; `custom` says which of the two kinds it is.
pub fn call_item(id: &str, status: &str, custom: bool, call_id: &str, name: &str, input: &str) -> Value {
    let (kind, field) = if custom { ("custom_tool_call", "input") } else { ("function_call", "arguments") };
    Value::Object(crate::translate::fields::object([
        ("id", id.into()),
        ("type", kind.into()),
        ("status", status.into()),
        ("call_id", call_id.into()),
        ("name", name.into()),
        (field, input.into()),
    ]))
}

pub fn call_prefix(custom: bool) -> &'static str {
    if custom { "ctc" } else { "fc" }
}

struct Items<'a> {
    id: &'a str,
    items: Vec<Value>,
}

impl Items<'_> {
    fn next_id(&self, prefix: &str) -> String {
        item_id(prefix, self.items.len(), self.id)
    }

    /// An answer is cut in its last item. Reasoning has no status.
    fn end(&mut self, status: &str) {
        if let Some(last) = self.items.last_mut().and_then(|item| item.get_mut("status")) {
            *last = Value::from(status);
        }
    }

    fn reasoning(&mut self, message: &mut Value) {
        let blocks = list(message, "thinking_blocks");
        let thoughts = text(message, "reasoning_content").or_else(|| text(message, "reasoning"));
        if let (true, Some(thoughts)) = (blocks.is_empty(), thoughts.filter(|thoughts| !thoughts.is_empty()))
        {
            self.items.push(reasoning_item(&self.next_id("rs"), &thoughts, None));
        }
        for block in blocks.iter().filter(|block| matches!(kind(block), "thinking" | "redacted_thinking")) {
            let thoughts = block.get("thinking").and_then(Value::as_str).unwrap_or_default();
            self.items.push(reasoning_item(&self.next_id("rs"), thoughts, sealed(block)));
        }
    }

    fn message(&mut self, message: &mut Value) {
        let said = words(message.get_mut("content").map(Value::take));
        let mut content = Vec::new();
        if !said.is_empty() {
            content.push(text_part(&said));
        }
        if let Some(refusal) = text(message, "refusal").filter(|refusal| !refusal.is_empty()) {
            content.push(refusal_part(&refusal));
        }
        if !content.is_empty() {
            self.items.push(message_item(&self.next_id("msg"), COMPLETED, content));
        }
    }

    fn call(&mut self, mut call: Value) {
        let call_id = text(&mut call, "id").unwrap_or_default();
        let custom = call.get("function").is_none() && call.get("custom").is_some();
        let (field, input) = if custom { ("custom", "input") } else { ("function", "arguments") };
        let mut called = call.get_mut(field).map(Value::take).unwrap_or_default();
        let name = text(&mut called, "name").unwrap_or_default();
        let input = text(&mut called, input).unwrap_or_default();
        let id = self.next_id(call_prefix(custom));
        self.items.push(call_item(&id, COMPLETED, custom, &call_id, &name, &input));
    }
}
