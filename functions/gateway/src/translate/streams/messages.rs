//! The chunks of a Chat stream as Anthropic's events.
//!
//! Anthropic sends one block after the other, and its SDKs rely on that. Chat may send several calls at once: then the
//! first streams on, and the others wait for its end.

use std::collections::VecDeque;

use serde_json::{Map, Value, json};

use super::Braces;
use super::delta::{Chunks, Piece};
use crate::translate::answers::id;
use crate::translate::usage::stop_reason;

/// A block, begun or waiting.
struct Block {
    kind: Kind,
    /// The `content_block` of its first event.
    begin: Value,
    /// Deltas that were not sent yet.
    waiting: Vec<Value>,
}

enum Kind {
    Text,
    Thinking { number: Option<u64>, signed: bool },
    Redacted,
    Call { number: u64, input: Braces },
}

impl Block {
    /// Whether nothing more is expected once another block has begun.
    const fn is_whole(&self) -> bool {
        match &self.kind {
            Kind::Call { input, .. } => input.closed(),
            Kind::Text | Kind::Thinking { .. } | Kind::Redacted => true,
        }
    }

    const fn call(&self) -> Option<u64> {
        match self.kind {
            Kind::Call { number, .. } => Some(number),
            _ => None,
        }
    }
}

/// The state of one stream.
#[derive(Default)]
pub struct MessagesStream {
    chunks: Chunks,
    begun: bool,
    /// The blocks that are not ended. The first one is being sent when `live` is set.
    blocks: VecDeque<Block>,
    live: bool,
    /// The index of the first of them.
    index: usize,
    /// How many calls there were, ended or not.
    calls: Vec<u64>,
    refused: bool,
}

impl MessagesStream {
    /// The events that one chunk amounts to.
    pub fn event(&mut self, chunk: &Value) -> Vec<Value> {
        let pieces = self.chunks.read(chunk);
        let mut out = Vec::new();
        if self.chunks.started && !self.begun {
            self.begun = true;
            out.push(self.message_start());
        }
        for piece in pieces {
            self.add(&piece);
            self.send(&mut out, false);
        }
        out
    }

    /// What ends the stream. Nothing, if it never began.
    pub fn finish(&mut self) -> Vec<Value> {
        let mut out = Vec::new();
        if !self.begun {
            return out;
        }
        self.send(&mut out, true);
        let reason = stop_reason(&self.chunks.finish, self.refused, !self.calls.is_empty());
        out.push(json!({
            "type": "message_delta",
            "delta": {"stop_reason": reason, "stop_sequence": null},
            "usage": self.chunks.usage.unwrap_or_default().to_messages(),
        }));
        out.push(json!({"type": "message_stop"}));
        out
    }

    fn message_start(&self) -> Value {
        json!({"type": "message_start", "message": {
            "id": id("msg_", &self.chunks.id),
            "type": "message",
            "role": "assistant",
            "model": self.chunks.model,
            "content": [],
            "stop_reason": null,
            "stop_sequence": null,
            // Chat counts at the end; the last event tells the counts.
            "usage": {"input_tokens": 0, "output_tokens": 0},
        }})
    }

    fn add(&mut self, piece: &Piece<'_>) {
        match *piece {
            Piece::Text(words) => self.say(words),
            Piece::Refusal(words) => {
                self.refused = true;
                self.say(words);
            }
            Piece::Thinking { block, text, signature } => self.think(block, text, signature),
            Piece::Redacted { data } => {
                self.begin(Kind::Redacted, json!({"type": "redacted_thinking", "data": data}));
            }
            Piece::Call { call, id, name, input, .. } => self.call(call, id, name, input),
        }
    }

    fn begin(&mut self, kind: Kind, begin: Value) {
        self.blocks.push_back(Block { kind, begin, waiting: Vec::new() });
    }

    fn say(&mut self, words: &str) {
        if !matches!(self.blocks.back(), Some(Block { kind: Kind::Text, .. })) {
            self.begin(Kind::Text, json!({"type": "text", "text": ""}));
        }
        self.wait(json!({"type": "text_delta", "text": words}));
    }

    /// Adds a delta to the newest block.
    fn wait(&mut self, delta: Value) {
        if let Some(block) = self.blocks.back_mut() {
            block.waiting.push(delta);
        }
    }

    fn think(&mut self, block: Option<u64>, words: &str, signature: &str) {
        let newest = self.blocks.back().map(|block| &block.kind);
        // Without a number, what follows a signature is another block.
        let same = matches!(newest, Some(Kind::Thinking { number, signed })
            if *number == block && (number.is_some() || !signed));
        if !same {
            let kind = Kind::Thinking { number: block, signed: false };
            self.begin(kind, json!({"type": "thinking", "thinking": "", "signature": ""}));
        }
        if !words.is_empty() {
            self.wait(json!({"type": "thinking_delta", "thinking": words}));
        }
        if !signature.is_empty() {
            self.wait(json!({"type": "signature_delta", "signature": signature}));
            if let Some(Block { kind: Kind::Thinking { signed, .. }, .. }) = self.blocks.back_mut() {
                *signed = true;
            }
        }
    }

    fn call(&mut self, number: u64, id: &str, name: &str, part: &str) {
        if !self.calls.contains(&number) {
            self.calls.push(number);
            let begin = json!({"type": "tool_use", "id": id, "name": name, "input": Map::new()});
            self.begin(Kind::Call { number, input: Braces::default() }, begin);
        }
        // A call that has ended takes no more: only blanks can follow its last brace.
        let block = self.blocks.iter_mut().find(|block| block.call() == Some(number));
        if let (false, Some(block)) = (part.is_empty(), block) {
            block.waiting.push(json!({"type": "input_json_delta", "partial_json": part}));
            if let Kind::Call { input, .. } = &mut block.kind {
                input.push(part);
            }
        }
    }

    /// Sends what may be sent: the first block's deltas, and the next one's once the first is whole.
    fn send(&mut self, out: &mut Vec<Value>, all: bool) {
        while let Some(block) = self.blocks.front_mut() {
            let index = self.index;
            if !self.live {
                self.live = true;
                let begin = block.begin.take();
                out.push(json!({"type": "content_block_start", "index": index, "content_block": begin}));
            }
            let delta = |delta| json!({"type": "content_block_delta", "index": index, "delta": delta});
            out.extend(block.waiting.drain(..).map(delta));
            let whole = block.is_whole();
            if !(all || whole && self.blocks.len() > 1) {
                return;
            }
            out.push(json!({"type": "content_block_stop", "index": index}));
            self.blocks.pop_front();
            self.live = false;
            self.index += 1;
        }
    }
}
