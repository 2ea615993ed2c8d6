//! What the chunks of a Chat stream say, read in one place for every dialect that they are translated to.

use serde_json::Value;

use crate::read::text;
use crate::translate::usage::Usage;

/// One thing that a chunk adds.
#[derive(Debug, PartialEq)]
pub enum Piece<'a> {
    /// Reasoning, with its block's number and, once, its signature.
    Thinking {
        block: Option<u64>,
        text: &'a str,
        signature: &'a str,
    },
    /// Reasoning that its provider hid.
    Redacted {
        data: &'a str,
    },
    Text(&'a str),
    Refusal(&'a str),
    /// A call of a tool, or a further part of its input.
    Call {
        call: u64,
        custom: bool,
        id: &'a str,
        name: &'a str,
        input: &'a str,
    },
}

/// What the chunks of a stream tell together.
#[derive(Default)]
pub struct Chunks {
    pub started: bool,
    pub id: String,
    pub model: String,
    pub finish: String,
    pub usage: Option<Usage>,
    /// The newest call, for servers that do not number theirs.
    last_call: Option<u64>,
}

fn list<'a>(from: &'a Value, name: &str) -> &'a [Value] {
    from.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

impl Chunks {
    /// Reads one chunk. Of several choices only the first was asked for.
    pub fn read<'a>(&mut self, chunk: &'a Value) -> Vec<Piece<'a>> {
        let mut pieces = Vec::new();
        if !chunk.get("choices").is_some_and(Value::is_array) {
            return pieces;
        }
        if !self.started {
            self.started = true;
            self.id = text(chunk, "id").to_owned();
            self.model = text(chunk, "model").to_owned();
        }
        self.usage = chunk.get("usage").and_then(Usage::of_chat).or(self.usage);
        let first = |choice: &&Value| choice.get("index").and_then(Value::as_u64).unwrap_or_default() == 0;
        for choice in list(chunk, "choices").iter().filter(first) {
            if let Some(delta) = choice.get("delta") {
                self.pieces(delta, &mut pieces);
            }
            if let Some(finish) = choice.get("finish_reason").and_then(Value::as_str) {
                finish.clone_into(&mut self.finish);
            }
        }
        pieces
    }

    fn pieces<'a>(&mut self, delta: &'a Value, out: &mut Vec<Piece<'a>>) {
        thinking(delta, out);
        match delta.get("content") {
            Some(Value::String(words)) if !words.is_empty() => out.push(Piece::Text(words)),
            Some(Value::Array(parts)) => {
                let words = parts.iter().map(|part| text(part, "text")).filter(|words| !words.is_empty());
                out.extend(words.map(Piece::Text));
            }
            _ => {}
        }
        let refusal = text(delta, "refusal");
        if !refusal.is_empty() {
            out.push(Piece::Refusal(refusal));
        }
        for call in list(delta, "tool_calls") {
            out.push(self.call(call));
        }
    }

    fn call<'a>(&mut self, call: &'a Value) -> Piece<'a> {
        let id = text(call, "id");
        let number = call.get("index").and_then(Value::as_u64).unwrap_or_else(|| match self.last_call {
            Some(last) if id.is_empty() => last,
            Some(last) => last.saturating_add(1),
            None => 0,
        });
        self.last_call = Some(number);
        let function = call.get("function").filter(|function| function.is_object());
        let custom = call.get("custom").filter(|_| function.is_none());
        let called = function.or(custom).unwrap_or(&Value::Null);
        let input = if custom.is_some() { text(called, "input") } else { text(called, "arguments") };
        Piece::Call { call: number, custom: custom.is_some(), id, name: text(called, "name"), input }
    }
}

/// Blocks as another gateway passed them on, or the reasoning of a server that signs none.
fn thinking<'a>(delta: &'a Value, out: &mut Vec<Piece<'a>>) {
    let blocks = list(delta, "thinking_blocks");
    for block in blocks {
        let number = block.get("index").and_then(Value::as_u64);
        if text(block, "type") == "redacted_thinking" {
            out.push(Piece::Redacted { data: text(block, "data") });
            continue;
        }
        let (words, signature) = (text(block, "thinking"), text(block, "signature"));
        if !(words.is_empty() && signature.is_empty()) {
            out.push(Piece::Thinking { block: number, text: words, signature });
        }
    }
    let words = Some(text(delta, "reasoning_content")).filter(|words| !words.is_empty());
    let words = words.unwrap_or_else(|| text(delta, "reasoning"));
    if blocks.is_empty() && !words.is_empty() {
        out.push(Piece::Thinking { block: None, text: words, signature: "" });
    }
}
