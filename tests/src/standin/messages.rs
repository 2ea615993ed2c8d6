//! Anthropic Messages. Shapes: <https://docs.anthropic.com/en/api/messages> and `…/messages-streaming`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::answer::next_id;
use super::asked::Asked;
use super::behaviour::Usage;
use super::plan::{Plan, Stop, Turn};
use super::sse::Event;

/// What Anthropic wants back unchanged, with the thinking that it belongs to: a changed thought is refused.
pub(super) fn signature(thinking: &str) -> String {
    // FNV-1a: enough to notice a change.
    let hash = thinking.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    STANDARD.encode(format!("standin-{hash:016x}"))
}

pub(super) fn whole(asked: &Asked, plan: &Plan) -> Value {
    let content: Vec<_> = plan.turns.first().map(blocks).unwrap_or_default();
    let content: Vec<_> = content.into_iter().map(Block::whole).collect();
    let mut message = message(asked, plan.usage(|usage| usage_json(usage, usage.completion_tokens)));
    if let Some(fields) = message.as_object_mut() {
        fields.insert("content".to_owned(), json!(content));
        fields.insert("stop_reason".to_owned(), json!(stop_reason(plan)));
    }
    message
}

/// A message that has not said anything.
fn message(asked: &Asked, usage: Option<Value>) -> Value {
    let mut message = json!({
        "id": next_id("msg_standin_"),
        "type": "message",
        "role": "assistant",
        "model": asked.model,
        "content": [],
        "stop_reason": null,
        "stop_sequence": null,
    });
    if let (Some(fields), Some(usage)) = (message.as_object_mut(), usage) {
        fields.insert("usage".to_owned(), usage);
    }
    message
}

fn stop_reason(plan: &Plan) -> &str {
    plan.finish(match plan.turns.first().map(|turn| turn.stop) {
        Some(Stop::Length) => "max_tokens",
        Some(Stop::Tools) => "tool_use",
        Some(Stop::End) | None => "end_turn",
    })
}

/// Here `input_tokens` does not hold the cached ones.
fn usage_json(usage: Usage, output_tokens: u64) -> Value {
    json!({
        "input_tokens": usage.prompt_tokens.saturating_sub(usage.cached_tokens),
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": usage.cached_tokens,
        "cache_creation": { "ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0 },
        "output_tokens": output_tokens,
        "service_tier": "standard",
    })
}

enum Block<'a> {
    Thinking(&'a str),
    Text(&'a str),
    ToolUse { name: &'a str, arguments: String },
}

fn blocks(turn: &Turn) -> Vec<Block<'_>> {
    let thinking = turn.reasoning.as_deref().map(Block::Thinking);
    let text = turn.text.as_deref().map(Block::Text);
    let calls =
        turn.calls.iter().map(|call| Block::ToolUse { name: &call.name, arguments: call.arguments_text() });
    thinking.into_iter().chain(text).chain(calls).collect()
}

impl Block<'_> {
    /// Arguments that are no JSON become a string: a message can hold nothing else.
    fn whole(self) -> Value {
        match self {
            Self::Thinking(text) => {
                json!({ "type": "thinking", "thinking": text, "signature": signature(text) })
            }
            Self::Text(text) => json!({ "type": "text", "text": text }),
            Self::ToolUse { name, arguments } => {
                let input = serde_json::from_str(&arguments).unwrap_or(Value::String(arguments));
                json!({ "type": "tool_use", "id": next_id("toolu_standin_"), "name": name, "input": input })
            }
        }
    }

    fn empty(&self) -> Value {
        match self {
            Self::Thinking(_) => json!({ "type": "thinking", "thinking": "", "signature": "" }),
            Self::Text(_) => json!({ "type": "text", "text": "" }),
            Self::ToolUse { name, .. } => {
                json!({ "type": "tool_use", "id": next_id("toolu_standin_"), "name": name, "input": {} })
            }
        }
    }

    fn deltas(&self, plan: &Plan) -> Vec<Value> {
        let each = |text: &str, kind: &str, field: &str| -> Vec<Value> {
            plan.deltas(text).into_iter().map(|piece| json!({ "type": kind, field: piece })).collect()
        };
        match self {
            Self::Thinking(text) => {
                let mut deltas = each(text, "thinking_delta", "thinking");
                deltas.push(json!({ "type": "signature_delta", "signature": signature(text) }));
                deltas
            }
            Self::Text(text) => each(text, "text_delta", "text"),
            Self::ToolUse { arguments, .. } => {
                let mut deltas = vec![json!({ "type": "input_json_delta", "partial_json": "" })];
                deltas.extend(each(arguments, "input_json_delta", "partial_json"));
                deltas
            }
        }
    }
}

pub(super) fn events(asked: &Asked, plan: &Plan) -> Vec<Event> {
    let usage = plan.usage(|usage| usage_json(usage, 1));
    let mut events = vec![json!({ "type": "message_start", "message": message(asked, usage) })];
    for (index, block) in plan.turns.first().map(blocks).unwrap_or_default().iter().enumerate() {
        events.push(json!({ "type": "content_block_start", "index": index, "content_block": block.empty() }));
        if index == 0 {
            events.push(json!({ "type": "ping" }));
        }
        let delta = |delta| json!({ "type": "content_block_delta", "index": index, "delta": delta });
        events.extend(block.deltas(plan).into_iter().map(delta));
        events.push(json!({ "type": "content_block_stop", "index": index }));
    }
    let delta = json!({ "stop_reason": stop_reason(plan), "stop_sequence": null });
    let mut end = json!({ "type": "message_delta", "delta": delta });
    let usage = plan.usage(|usage| json!({ "output_tokens": usage.completion_tokens }));
    if let (Some(usage), Some(fields)) = (usage, end.as_object_mut()) {
        fields.insert("usage".to_owned(), usage);
    }
    events.push(end);
    events.push(json!({ "type": "message_stop" }));
    events.into_iter().map(Event::named).collect()
}
