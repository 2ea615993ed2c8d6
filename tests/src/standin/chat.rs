//! OpenAI Chat Completions. Shapes: <https://platform.openai.com/docs/api-reference/chat>. Reasoning is not part of
//! them; `reasoning_content` is what compatible servers (vLLM, DeepSeek) send.

use serde_json::{Value, json};

use super::answer::next_id;
use super::asked::Asked;
use super::behaviour::{ToolCall, Usage};
use super::plan::{CREATED, Plan, Stop, Turn};
use super::sse::Event;

pub(super) fn whole(asked: &Asked, plan: &Plan) -> Value {
    let choices: Vec<_> =
        plan.turns.iter().enumerate().map(|(index, turn)| choice(index, turn, plan)).collect();
    let mut answer = json!({
        "id": next_id("chatcmpl-standin-"),
        "object": "chat.completion",
        "created": CREATED,
        "model": asked.model,
        "choices": choices,
        "service_tier": "default",
        "system_fingerprint": "fp_standin",
    });
    if let (Some(usage), Some(fields)) = (plan.usage(usage_json), answer.as_object_mut()) {
        fields.insert("usage".to_owned(), usage);
    }
    answer
}

fn choice(index: usize, turn: &Turn, plan: &Plan) -> Value {
    let mut message =
        json!({ "role": "assistant", "content": turn.text, "refusal": null, "annotations": [] });
    if let Some(fields) = message.as_object_mut() {
        if let Some(reasoning) = &turn.reasoning {
            fields.insert("reasoning_content".to_owned(), json!(reasoning));
        }
        if !turn.calls.is_empty() {
            let calls: Vec<_> =
                turn.calls.iter().map(|call| call_json(call, &call.arguments_text())).collect();
            fields.insert("tool_calls".to_owned(), json!(calls));
        }
    }
    let finish_reason = plan.finish(finish_reason(turn.stop));
    json!({ "index": index, "message": message, "finish_reason": finish_reason, "logprobs": null })
}

fn call_json(call: &ToolCall, arguments: &str) -> Value {
    let function = json!({ "name": call.name, "arguments": arguments });
    json!({ "id": next_id("call_standin_"), "type": "function", "function": function })
}

fn finish_reason(stop: Stop) -> &'static str {
    match stop {
        Stop::End => "stop",
        Stop::Length => "length",
        Stop::Tools => "tool_calls",
    }
}

fn usage_json(usage: Usage) -> Value {
    let Usage { prompt_tokens, completion_tokens, cached_tokens, reasoning_tokens } = usage;
    json!({
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt_tokens.saturating_add(completion_tokens),
        "prompt_tokens_details": { "cached_tokens": cached_tokens, "audio_tokens": 0 },
        "completion_tokens_details": {
            "reasoning_tokens": reasoning_tokens,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    })
}

/// Choices take turns, delta by delta, as they do upstream.
pub(super) fn events(asked: &Asked, plan: &Plan) -> Vec<Event> {
    let id = next_id("chatcmpl-standin-");
    let chunk = |choices: Value, usage: Option<Value>| {
        let mut chunk = json!({
            "id": id,
            "object": "chat.completion.chunk",
            "created": CREATED,
            "model": asked.model,
            "service_tier": "default",
            "system_fingerprint": "fp_standin",
            "choices": choices,
        });
        if let (true, Some(fields)) = (asked.include_usage, chunk.as_object_mut()) {
            fields.insert("usage".to_owned(), usage.unwrap_or_default());
        }
        chunk
    };
    let mut choices: Vec<_> =
        plan.turns.iter().enumerate().map(|(index, turn)| deltas(index, turn, plan).into_iter()).collect();
    let mut events = Vec::new();
    while !choices.is_empty() {
        choices.retain_mut(|deltas| match deltas.next() {
            Some(delta) => {
                let length = delta.to_string();
                events.push(Event::data(asked.padded(chunk(json!([delta]), None), &length)));
                true
            }
            None => false,
        });
    }
    if let (true, Some(usage)) = (asked.include_usage, plan.usage(usage_json)) {
        events.push(Event::data(chunk(json!([]), Some(usage))));
    }
    events.push(Event::done());
    events
}

fn deltas(index: usize, turn: &Turn, plan: &Plan) -> Vec<Value> {
    let choice = |delta: Value, finish_reason: Option<&str>| json!({ "index": index, "delta": delta, "logprobs": null, "finish_reason": finish_reason });
    let opening = turn.text.as_ref().map(|_| "");
    let mut deltas = vec![choice(json!({ "role": "assistant", "content": opening, "refusal": null }), None)];
    let reasoning = turn.reasoning.iter().flat_map(|text| plan.deltas(text));
    deltas.extend(reasoning.map(|piece| choice(json!({ "reasoning_content": piece }), None)));
    let text = turn.text.iter().flat_map(|text| plan.deltas(text));
    deltas.extend(text.map(|piece| choice(json!({ "content": piece }), None)));
    for (at, call) in turn.calls.iter().enumerate() {
        let mut first = call_json(call, "");
        if let Some(fields) = first.as_object_mut() {
            fields.insert("index".to_owned(), json!(at));
        }
        deltas.push(choice(json!({ "tool_calls": [first] }), None));
        let piece = |piece| json!({ "tool_calls": [{ "index": at, "function": { "arguments": piece } }] });
        deltas.extend(plan.deltas(&call.arguments_text()).into_iter().map(|text| choice(piece(text), None)));
    }
    deltas.push(choice(json!({}), Some(plan.finish(finish_reason(turn.stop)))));
    deltas
}
