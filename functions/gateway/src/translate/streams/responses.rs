//! The chunks of a Chat stream as the events of a Responses stream.

use serde_json::{Map, Value, json};

use super::Braces;
use super::delta::{Chunks, Piece};
use crate::translate::Context;
use crate::translate::answers::responses::{
    COMPLETED, Progress, call_item, call_prefix, item_id, message_item, reasoning_item, refusal_part,
    response, response_id, sealed, status, text_part,
};
use crate::translate::fields::object;

/// An item that is being sent. The texts are kept: the events that end an item repeat them.
struct Item {
    place: usize,
    id: String,
    kind: Kind,
}

enum Kind {
    Reasoning { number: Option<u64>, text: String, signature: String },
    Redacted { data: String },
    Message { parts: Vec<Part> },
    Call { number: u64, custom: bool, call_id: String, name: String, input: String, braces: Braces },
}

struct Part {
    refusal: bool,
    text: String,
}

/// The state of one stream.
pub struct ResponsesStream {
    context: Context,
    chunks: Chunks,
    begun: bool,
    sequence: u64,
    /// Items that have not ended. Calls may be sent at once; anything else ends when another item begins.
    open: Vec<Item>,
    /// Items that have ended, by their places.
    output: Vec<Option<Value>>,
    calls: Vec<u64>,
    out: Vec<Value>,
}

impl ResponsesStream {
    pub fn new(context: Context) -> Self {
        Self {
            context,
            chunks: Chunks::default(),
            begun: false,
            sequence: 0,
            open: Vec::new(),
            output: Vec::new(),
            calls: Vec::new(),
            out: Vec::new(),
        }
    }

    /// The events that one chunk amounts to.
    pub fn event(&mut self, chunk: &Value) -> Vec<Value> {
        let pieces = self.chunks.read(chunk);
        if self.chunks.started && !self.begun {
            self.begun = true;
            for name in ["response.created", "response.in_progress"] {
                let response = self.response(Vec::new(), Progress::Running);
                self.emit(name, object([("response", response)]));
            }
        }
        for piece in pieces {
            self.add(&piece);
        }
        std::mem::take(&mut self.out)
    }

    /// What ends the stream. Nothing, if it never began.
    pub fn finish(&mut self) -> Vec<Value> {
        if !self.begun {
            return Vec::new();
        }
        let finish = std::mem::take(&mut self.chunks.finish);
        let last = self.output.len().saturating_sub(1);
        for item in std::mem::take(&mut self.open) {
            // An answer that is cut is cut in its last item.
            let status = if item.place == last { status(&finish) } else { COMPLETED };
            self.end(item, status);
        }
        let output = std::mem::take(&mut self.output).into_iter().flatten().collect();
        let response = self.response(output, Progress::Ended { finish: &finish, usage: self.chunks.usage });
        let cut = status(&finish) != COMPLETED;
        let name = if cut { "response.incomplete" } else { "response.completed" };
        self.emit(name, object([("response", response)]));
        std::mem::take(&mut self.out)
    }

    fn response(&self, output: Vec<Value>, progress: Progress<'_>) -> Value {
        response(&self.context, &response_id(&self.chunks.id), &self.chunks.model, output, progress)
    }

    fn emit(&mut self, name: &str, fields: Map<String, Value>) {
        let mut event =
            object([("type", Value::from(name)), ("sequence_number", Value::from(self.sequence))]);
        self.sequence += 1;
        event.extend(fields);
        self.out.push(Value::Object(event));
    }

    fn add(&mut self, piece: &Piece<'_>) {
        match *piece {
            Piece::Thinking { block, text, signature } => self.think(block, text, signature),
            Piece::Redacted { data } => self.begin("rs", Kind::Redacted { data: data.to_owned() }),
            Piece::Text(words) => self.say(false, words),
            Piece::Refusal(words) => self.say(true, words),
            Piece::Call { call, custom, id, name, input } => self.call(call, custom, id, name, input),
        }
    }

    /// Begins an item, and ends those that are whole by then.
    fn begin(&mut self, prefix: &str, kind: Kind) {
        let (whole, open) = std::mem::take(&mut self.open).into_iter().partition(|item| item.kind.is_whole());
        self.open = open;
        let ended: Vec<Item> = whole;
        ended.into_iter().for_each(|item| self.end(item, COMPLETED));
        let place = self.output.len();
        self.output.push(None);
        let id = item_id(prefix, place, &self.chunks.id);
        let item = Item { place, id, kind };
        self.emit(
            "response.output_item.added",
            object([("output_index", place.into()), ("item", item.begun())]),
        );
        self.open.push(item);
    }

    fn think(&mut self, block: Option<u64>, words: &str, sign: &str) {
        // Without a number, what follows a signature is another block.
        let same = matches!(self.open.last().map(|item| &item.kind), Some(Kind::Reasoning { number, signature, .. })
            if *number == block && (number.is_some() || signature.is_empty()));
        if !same {
            self.begin(
                "rs",
                Kind::Reasoning { number: block, text: String::new(), signature: String::new() },
            );
        }
        let Some(item) = self.open.last_mut() else { return };
        let Kind::Reasoning { text, signature, .. } = &mut item.kind else { return };
        let first = text.is_empty();
        text.push_str(words);
        signature.push_str(sign);
        if words.is_empty() {
            return;
        }
        let (part, delta) =
            (item.summary([("part", summary_text(""))]), item.summary([("delta", Value::from(words))]));
        if first {
            self.emit("response.reasoning_summary_part.added", part);
        }
        self.emit("response.reasoning_summary_text.delta", delta);
    }

    fn say(&mut self, refusal: bool, words: &str) {
        if !matches!(self.open.last(), Some(Item { kind: Kind::Message { .. }, .. })) {
            self.begin("msg", Kind::Message { parts: Vec::new() });
        }
        let Some(Item { place, id, kind: Kind::Message { parts } }) = self.open.last_mut() else { return };
        let at = parts.iter().position(|part| part.refusal == refusal);
        let index = at.unwrap_or(parts.len());
        let place = object([
            ("item_id", Value::from(id.as_str())),
            ("output_index", (*place).into()),
            ("content_index", index.into()),
        ]);
        if at.is_none() {
            parts.push(Part { refusal, text: String::new() });
        }
        if let Some(part) = parts.get_mut(index) {
            part.text.push_str(words);
        }
        if at.is_none() {
            let part = Part { refusal, text: String::new() }.value();
            self.emit("response.content_part.added", with(&place, [("part", part)]));
        }
        let delta = ("delta", Value::from(words));
        if refusal {
            self.emit("response.refusal.delta", with(&place, [delta]));
        } else {
            self.emit("response.output_text.delta", with(&place, [delta, ("logprobs", json!([]))]));
        }
    }

    fn call(&mut self, number: u64, custom: bool, call_id: &str, name: &str, part: &str) {
        if !self.calls.contains(&number) {
            self.calls.push(number);
            let (call_id, name) = (call_id.to_owned(), name.to_owned());
            let (input, braces) = (String::new(), Braces::default());
            let kind = Kind::Call { number, custom, call_id, name, input, braces };
            self.begin(call_prefix(custom), kind);
        }
        // A call that has ended takes no more: only blanks can follow its last brace.
        let of = |item: &&mut Item| matches!(item.kind, Kind::Call { number: own, .. } if own == number);
        let Some(item) = self.open.iter_mut().find(of) else { return };
        if part.is_empty() {
            return;
        }
        let Kind::Call { custom, input, braces, .. } = &mut item.kind else { return };
        input.push_str(part);
        braces.push(part);
        let name = format!("response.{}.delta", input_events(*custom));
        let fields = item.fields([("delta", Value::from(part))]);
        self.emit(&name, fields);
    }

    fn end(&mut self, item: Item, status: &str) {
        let value = item.value(status);
        match &item.kind {
            Kind::Reasoning { text, .. } if text.is_empty() => {}
            Kind::Reasoning { text, .. } => {
                self.emit(
                    "response.reasoning_summary_text.done",
                    item.summary([("text", text.as_str().into())]),
                );
                self.emit(
                    "response.reasoning_summary_part.done",
                    item.summary([("part", summary_text(text))]),
                );
            }
            Kind::Redacted { .. } => {}
            Kind::Message { parts } => self.end_parts(&item, parts),
            Kind::Call { custom, name, input, .. } => {
                let field = if *custom { "input" } else { "arguments" };
                let fields = item.fields([("name", name.as_str().into()), (field, input.as_str().into())]);
                self.emit(&format!("response.{}.done", input_events(*custom)), fields);
            }
        }
        let fields = object([("output_index", item.place.into()), ("item", value.clone())]);
        self.emit("response.output_item.done", fields);
        if let Some(place) = self.output.get_mut(item.place) {
            *place = Some(value);
        }
    }

    fn end_parts(&mut self, item: &Item, parts: &[Part]) {
        for (index, part) in parts.iter().enumerate() {
            let place = item.fields([("content_index", index.into())]);
            let text = Value::from(part.text.as_str());
            if part.refusal {
                self.emit("response.refusal.done", with(&place, [("refusal", text)]));
            } else {
                self.emit(
                    "response.output_text.done",
                    with(&place, [("text", text), ("logprobs", json!([]))]),
                );
            }
            self.emit("response.content_part.done", with(&place, [("part", part.value())]));
        }
    }
}

impl Kind {
    /// Whether nothing more is expected once another item has begun.
    const fn is_whole(&self) -> bool {
        match self {
            // A custom tool's text has no end of its own; it ends with the answer.
            Self::Call { braces, custom, .. } => !*custom && braces.closed(),
            Self::Reasoning { .. } | Self::Redacted { .. } | Self::Message { .. } => true,
        }
    }
}

impl Part {
    fn value(&self) -> Value {
        if self.refusal { refusal_part(&self.text) } else { text_part(&self.text) }
    }
}

impl Item {
    /// The item as it is announced.
    fn begun(&self) -> Value {
        self.value("in_progress")
    }

    fn value(&self, status: &str) -> Value {
        match &self.kind {
            Kind::Reasoning { text, signature, .. } => {
                let sealed = sealed(&json!({"type": "thinking", "signature": signature}));
                reasoning_item(&self.id, text, sealed)
            }
            Kind::Redacted { data } => {
                reasoning_item(&self.id, "", sealed(&json!({"type": "redacted_thinking", "data": data})))
            }
            Kind::Message { parts } => {
                message_item(&self.id, status, parts.iter().map(Part::value).collect())
            }
            Kind::Call { custom, call_id, name, input, .. } => {
                call_item(&self.id, status, *custom, call_id, name, input)
            }
        }
    }

    fn fields<const N: usize>(&self, more: [(&str, Value); N]) -> Map<String, Value> {
        with(&object([("item_id", self.id.as_str().into()), ("output_index", self.place.into())]), more)
    }

    fn summary<const N: usize>(&self, more: [(&str, Value); N]) -> Map<String, Value> {
        with(&self.fields([("summary_index", 0.into())]), more)
    }
}

fn with<const N: usize>(fields: &Map<String, Value>, more: [(&str, Value); N]) -> Map<String, Value> {
    let mut fields = fields.clone();
    fields.extend(object(more));
    fields
}

fn summary_text(text: &str) -> Value {
    json!({"type": "summary_text", "text": text})
}

const fn input_events(custom: bool) -> &'static str {
    if custom { "custom_tool_call_input" } else { "function_call_arguments" }
}
