//! OpenAI Responses. Shapes: <https://platform.openai.com/docs/api-reference/responses> and `…/responses-streaming`.

use serde_json::{Map, Value, json};

use super::answer::next_id;
use super::asked::Asked;
use super::behaviour::{Fault, Usage};
use super::plan::{CREATED, Plan, Stop, Turn};
use super::sse::Event;

/// Fields that a response repeats from its request, and what they are when the request has none.
fn repeated() -> [(&'static str, Value); 15] {
    [
        ("instructions", Value::Null),
        ("max_output_tokens", Value::Null),
        ("max_tool_calls", Value::Null),
        ("metadata", json!({})),
        ("parallel_tool_calls", json!(true)),
        ("previous_response_id", Value::Null),
        ("prompt_cache_key", Value::Null),
        ("reasoning", json!({ "effort": null, "summary": null })),
        ("safety_identifier", Value::Null),
        ("store", json!(true)),
        ("temperature", json!(1.0)),
        ("text", json!({ "format": { "type": "text" }, "verbosity": "medium" })),
        ("tool_choice", json!("auto")),
        ("tools", json!([])),
        ("user", Value::Null),
    ]
}

/// A response in progress.
fn begun(request: &Value, asked: &Asked) -> Map<String, Value> {
    let mut response = json!({
        "id": next_id("resp_standin_"),
        "object": "response",
        "created_at": CREATED,
        "status": "in_progress",
        "background": false,
        "error": null,
        "incomplete_details": null,
        "model": asked.model,
        "output": [],
        "service_tier": "default",
        "top_logprobs": 0,
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": null,
    });
    let Some(fields) = response.as_object_mut() else { return Map::new() };
    for (name, default) in repeated() {
        fields.insert(name.to_owned(), request.get(name).cloned().unwrap_or(default));
    }
    std::mem::take(fields)
}

/// The same at its end.
fn ended(mut response: Map<String, Value>, plan: &Plan, output: Vec<Value>) -> Value {
    let cut = plan.turns.first().is_some_and(|turn| turn.stop == Stop::Length);
    let status = plan.finish(if cut { "incomplete" } else { "completed" });
    if status == "incomplete" {
        response.insert("incomplete_details".to_owned(), json!({ "reason": "max_output_tokens" }));
    }
    response.insert("status".to_owned(), json!(status));
    response.insert("output".to_owned(), json!(output));
    response.insert("usage".to_owned(), json!(plan.usage(usage_json)));
    Value::Object(response)
}

fn usage_json(usage: Usage) -> Value {
    json!({
        "input_tokens": usage.prompt_tokens,
        "input_tokens_details": { "cached_tokens": usage.cached_tokens },
        "output_tokens": usage.completion_tokens,
        "output_tokens_details": { "reasoning_tokens": usage.reasoning_tokens },
        "total_tokens": usage.prompt_tokens.saturating_add(usage.completion_tokens),
    })
}

/// One item of the output. Ids are given once: a stream repeats them.
struct Item {
    id: String,
    kind: Kind,
}

enum Kind {
    Reasoning { summary: String, sealed: bool },
    Message { text: String },
    Call { call_id: String, name: String, arguments: String },
}

fn items(request: &Value, turn: &Turn) -> Vec<Item> {
    let included = request.get("include").and_then(Value::as_array);
    let sealed = included.is_some_and(|list| list.iter().any(|name| name == "reasoning.encrypted_content"));
    let reasoning = turn.reasoning.as_ref().map(|text| Item {
        id: next_id("rs_standin_"),
        kind: Kind::Reasoning { summary: text.clone(), sealed },
    });
    let message = turn
        .text
        .as_ref()
        .map(|text| Item { id: next_id("msg_standin_"), kind: Kind::Message { text: text.clone() } });
    let calls = turn.calls.iter().map(|call| Item {
        id: next_id("fc_standin_"),
        kind: Kind::Call {
            call_id: next_id("call_standin_"),
            name: call.name.clone(),
            arguments: call.arguments_text(),
        },
    });
    reasoning.into_iter().chain(message).chain(calls).collect()
}

/// Reasoning for the vendor's eyes only, which must come back as it was.
pub(super) fn encrypted() -> Value {
    json!("c3RhbmRpbi1lbmNyeXB0ZWQ=")
}

fn text_part(text: &str) -> Value {
    json!({ "type": "output_text", "annotations": [], "logprobs": [], "text": text })
}

fn summary_part(text: &str) -> Value {
    json!({ "type": "summary_text", "text": text })
}

impl Item {
    fn json(&self, whole: bool) -> Value {
        let (id, status) = (&self.id, if whole { "completed" } else { "in_progress" });
        match &self.kind {
            Kind::Reasoning { summary, sealed } => {
                let summary = if whole { json!([summary_part(summary)]) } else { json!([]) };
                let mut item = json!({ "id": id, "type": "reasoning", "summary": summary });
                if let (true, Some(fields)) = (*sealed, item.as_object_mut()) {
                    fields.insert("encrypted_content".to_owned(), encrypted());
                }
                item
            }
            Kind::Message { text } => {
                let content = if whole { json!([text_part(text)]) } else { json!([]) };
                json!({ "id": id, "type": "message", "status": status, "role": "assistant", "content": content })
            }
            Kind::Call { call_id, name, arguments } => {
                let arguments = if whole { arguments } else { "" };
                json!({ "id": id, "type": "function_call", "status": status, "call_id": call_id, "name": name,
                    "arguments": arguments })
            }
        }
    }

    /// What happens between `output_item.added` and `output_item.done`: type and own fields.
    fn steps(&self, asked: &Asked, plan: &Plan) -> Vec<(&'static str, Value)> {
        let delta = |text: String| asked.padded(json!({ "delta": text }), &text);
        match &self.kind {
            Kind::Reasoning { summary, .. } => {
                let at = json!({ "summary_index": 0 });
                let part = |text| json!({ "part": summary_part(text) });
                let mut steps = vec![("response.reasoning_summary_part.added", part(""))];
                let deltas = plan.deltas(summary).into_iter().map(delta);
                steps.extend(deltas.map(|delta| ("response.reasoning_summary_text.delta", delta)));
                steps.push(("response.reasoning_summary_text.done", json!({ "text": summary })));
                steps.push(("response.reasoning_summary_part.done", part(summary)));
                steps.into_iter().map(|(kind, fields)| (kind, merged(fields, &at))).collect()
            }
            Kind::Message { text } => {
                let at = json!({ "content_index": 0 });
                let part = |text| json!({ "part": text_part(text) });
                let mut steps = vec![("response.content_part.added", part(""))];
                let deltas = plan.deltas(text).into_iter().map(delta);
                let deltas = deltas.map(|delta| merged(delta, &json!({ "logprobs": [] })));
                steps.extend(deltas.map(|delta| ("response.output_text.delta", delta)));
                steps.push(("response.output_text.done", json!({ "text": text, "logprobs": [] })));
                steps.push(("response.content_part.done", part(text)));
                steps.into_iter().map(|(kind, fields)| (kind, merged(fields, &at))).collect()
            }
            Kind::Call { name, arguments, .. } => {
                let deltas = plan.deltas(arguments).into_iter().map(delta);
                let deltas = deltas.map(|delta| ("response.function_call_arguments.delta", delta));
                let done = json!({ "name": name, "arguments": arguments });
                deltas.chain([("response.function_call_arguments.done", done)]).collect()
            }
        }
    }
}

fn merged(mut fields: Value, more: &Value) -> Value {
    if let (Some(fields), Some(more)) = (fields.as_object_mut(), more.as_object()) {
        fields.extend(more.clone());
    }
    fields
}

pub(super) fn whole(request: &Value, asked: &Asked, plan: &Plan) -> Value {
    let items = plan.turns.first().map(|turn| items(request, turn)).unwrap_or_default();
    let output = items.iter().map(|item| item.json(true)).collect();
    ended(begun(request, asked), plan, output)
}

pub(super) fn events(request: &Value, asked: &Asked, plan: &Plan) -> Vec<Event> {
    let response = begun(request, asked);
    let items = plan.turns.first().map(|turn| items(request, turn)).unwrap_or_default();
    let mut steps = vec![
        ("response.created", json!({ "response": response })),
        ("response.in_progress", json!({ "response": response })),
    ];
    for (index, item) in items.iter().enumerate() {
        let at = json!({ "output_index": index });
        let mut all = vec![("response.output_item.added", json!({ "item": item.json(false) }))];
        let named = json!({ "item_id": item.id });
        all.extend(item.steps(asked, plan).into_iter().map(|(kind, fields)| (kind, merged(fields, &named))));
        all.push(("response.output_item.done", json!({ "item": item.json(true) })));
        steps.extend(all.into_iter().map(|(kind, fields)| (kind, merged(fields, &at))));
    }
    let response = ended(response, plan, items.iter().map(|item| item.json(true)).collect());
    let last = match response.get("status").and_then(Value::as_str) {
        Some("incomplete") => "response.incomplete",
        Some("failed") => "response.failed",
        _ => "response.completed",
    };
    steps.push((last, json!({ "response": response })));
    steps.into_iter().enumerate().map(numbered).collect()
}

fn numbered((number, (kind, fields)): (usize, (&str, Value))) -> Event {
    Event::named(merged(json!({ "type": kind, "sequence_number": number }), &fields))
}

/// The ways in which a stream can say that it failed. Nested, against the reference, as captured in
/// <https://github.com/openai/openai-dotnet/issues/881>.
pub(super) fn failure(after: usize, fault: Fault, message: &str) -> Event {
    let error = json!({ "type": "server_error", "code": "server_error", "message": message, "param": null });
    let (kind, fields) = match fault {
        Fault::Failed => {
            let error = json!({ "code": "server_error", "message": message });
            let response = json!({ "id": next_id("resp_standin_"), "object": "response", "created_at": CREATED,
                "status": "failed", "error": error, "output": [], "usage": null });
            ("response.failed", json!({ "response": response }))
        }
        Fault::FlatErrorEvent => {
            ("error", json!({ "code": "server_error", "message": message, "param": null }))
        }
        _ => ("error", json!({ "error": error })),
    };
    numbered((after, (kind, fields)))
}
