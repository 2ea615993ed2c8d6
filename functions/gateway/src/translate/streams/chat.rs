//! Anthropic's events as the chunks of a Chat stream.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::read::text;
use crate::translate::Context;
use crate::translate::answers::{id, kind};
use crate::translate::custom;
use crate::translate::usage::{MessagesUsage, finish_reason};

/// A block that is being sent.
enum Block {
    Text,
    /// The number of the block among those of thinking.
    Thinking(usize),
    Call(Call),
}

struct Call {
    number: usize,
    /// Input that is held until it is whole: a custom tool's text has to be freed of its JSON.
    held: Option<String>,
    said: bool,
}

/// The state of one stream.
pub struct ChatStream {
    context: Context,
    include_usage: bool,
    id: String,
    model: String,
    blocks: BTreeMap<u64, Block>,
    thoughts: usize,
    calls: usize,
    usage: MessagesUsage,
}

impl ChatStream {
    pub fn new(context: Context, include_usage: bool) -> Self {
        Self {
            context,
            include_usage,
            id: String::new(),
            model: String::new(),
            blocks: BTreeMap::new(),
            thoughts: 0,
            calls: 0,
            usage: MessagesUsage::default(),
        }
    }

    /// The chunks that one event amounts to.
    pub fn event(&mut self, event: &Value) -> Vec<Value> {
        let deltas = match kind(event) {
            "message_start" => self.start(event),
            "content_block_start" => self.block(event),
            "content_block_delta" => self.delta(event),
            "content_block_stop" => self.stop(event),
            "message_delta" => return self.end(event),
            _ => Vec::new(),
        };
        deltas.into_iter().map(|delta| self.chunk(delta, None)).collect()
    }

    /// The last chunk, which tells the usage to those who asked for it.
    pub fn finish(&mut self) -> Option<Value> {
        let usage = self.usage.total().filter(|_| self.include_usage)?;
        let mut chunk = self.chunk(json!({}), None);
        if let Some(chunk) = chunk.as_object_mut() {
            chunk.insert("choices".to_owned(), json!([]));
            chunk.insert("usage".to_owned(), usage.to_chat());
        }
        Some(chunk)
    }

    fn chunk(&self, delta: Value, finish: Option<&str>) -> Value {
        let mut chunk = json!({
            "id": self.id,
            "object": "chat.completion.chunk",
            "created": self.context.created,
            "model": self.model,
            "choices": [{"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish}],
        });
        if let (true, Some(chunk)) = (self.include_usage, chunk.as_object_mut()) {
            chunk.insert("usage".to_owned(), Value::Null);
        }
        chunk
    }

    fn start(&mut self, event: &Value) -> Vec<Value> {
        let message = event.get("message").unwrap_or(&Value::Null);
        self.id = id("chatcmpl-", text(message, "id"));
        self.model = text(message, "model").to_owned();
        self.usage.update(message.get("usage").unwrap_or(&Value::Null));
        vec![json!({"role": "assistant", "content": null})]
    }

    fn end(&mut self, event: &Value) -> Vec<Value> {
        self.usage.update(event.get("usage").unwrap_or(&Value::Null));
        let reason = event.get("delta").and_then(|delta| delta.get("stop_reason")).and_then(Value::as_str);
        reason.map(|reason| self.chunk(json!({}), Some(finish_reason(reason)))).into_iter().collect()
    }

    fn block(&mut self, event: &Value) -> Vec<Value> {
        let block = event.get("content_block").unwrap_or(&Value::Null);
        let (begun, deltas) = match kind(block) {
            "text" => (Block::Text, said(text(block, "text"))),
            "thinking" => {
                let (number, words, signature) =
                    (self.thought(), text(block, "thinking"), text(block, "signature"));
                (
                    Block::Thinking(number),
                    thought(number, words).into_iter().chain(signed(number, signature)).collect(),
                )
            }
            "redacted_thinking" => {
                let number = self.thought();
                let block =
                    json!({"index": number, "type": "redacted_thinking", "data": text(block, "data")});
                return vec![json!({"thinking_blocks": [block]})];
            }
            "tool_use" => {
                let (call, deltas) = self.call(block);
                (Block::Call(call), deltas)
            }
            _ => return Vec::new(),
        };
        self.blocks.insert(place(event), begun);
        deltas
    }

    fn thought(&mut self) -> usize {
        self.thoughts += 1;
        self.thoughts - 1
    }

    fn call(&mut self, block: &Value) -> (Call, Vec<Value>) {
        let (number, name) = (self.calls, text(block, "name"));
        self.calls += 1;
        // The input comes in parts, as a rule; whole in the beginning of the block is possible too.
        let input =
            block.get("input").filter(|input| input.as_object().is_some_and(|input| !input.is_empty()));
        let input = input.map(Value::to_string).unwrap_or_default();
        let said = !input.is_empty();
        if self.context.is_custom(name) {
            let custom = json!({"name": name, "input": ""});
            let begun = json!({"index": number, "id": text(block, "id"), "type": "custom", "custom": custom});
            let call = Call { number, held: Some(input), said };
            return (call, vec![json!({"tool_calls": [begun]})]);
        }
        let function = json!({"name": name, "arguments": input});
        let begun =
            json!({"index": number, "id": text(block, "id"), "type": "function", "function": function});
        (Call { number, held: None, said }, vec![json!({"tool_calls": [begun]})])
    }

    fn delta(&mut self, event: &Value) -> Vec<Value> {
        let delta = event.get("delta").unwrap_or(&Value::Null);
        match (self.blocks.get_mut(&place(event)), kind(delta)) {
            (Some(Block::Text), "text_delta") => said(text(delta, "text")),
            (Some(Block::Thinking(number)), "thinking_delta") => {
                thought(*number, text(delta, "thinking")).into_iter().collect()
            }
            (Some(Block::Thinking(number)), "signature_delta") => {
                signed(*number, text(delta, "signature")).into_iter().collect()
            }
            (Some(Block::Call(call)), "input_json_delta") => call.input(text(delta, "partial_json")),
            _ => Vec::new(),
        }
    }

    fn stop(&mut self, event: &Value) -> Vec<Value> {
        match self.blocks.remove(&place(event)) {
            Some(Block::Call(call)) => call.end(),
            _ => Vec::new(),
        }
    }
}

impl Call {
    fn input(&mut self, part: &str) -> Vec<Value> {
        if part.is_empty() {
            return Vec::new();
        }
        self.said = true;
        match &mut self.held {
            Some(held) => {
                held.push_str(part);
                Vec::new()
            }
            None => vec![arguments(self.number, part)],
        }
    }

    /// What is left to say of a call. One without arguments has an empty object in Chat.
    fn end(self) -> Vec<Value> {
        match self.held {
            Some(held) => {
                let input = custom::unwrap_text(if self.said { &held } else { "{}" });
                vec![json!({"tool_calls": [{"index": self.number, "custom": {"input": input}}]})]
            }
            None if self.said => Vec::new(),
            None => vec![arguments(self.number, "{}")],
        }
    }
}

fn arguments(number: usize, part: &str) -> Value {
    json!({"tool_calls": [{"index": number, "function": {"arguments": part}}]})
}

fn place(event: &Value) -> u64 {
    event.get("index").and_then(Value::as_u64).unwrap_or_default()
}

fn said(words: &str) -> Vec<Value> {
    if words.is_empty() { Vec::new() } else { vec![json!({"content": words})] }
}

fn thought(number: usize, words: &str) -> Option<Value> {
    let block = || json!({"index": number, "type": "thinking", "thinking": words});
    (!words.is_empty()).then(|| json!({"reasoning_content": words, "thinking_blocks": [block()]}))
}

fn signed(number: usize, signature: &str) -> Option<Value> {
    let block = || json!({"index": number, "type": "thinking", "signature": signature});
    (!signature.is_empty()).then(|| json!({"thinking_blocks": [block()]}))
}
