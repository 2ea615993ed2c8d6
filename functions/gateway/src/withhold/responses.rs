//! Calls in Responses: a message stands where the call's item stood, at its place in the output.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::answer::item_call;
use crate::gated::Guard;
use crate::read::{number, text};

/// Events that tell a call's arguments begin with these.
const ARGUMENTS: [&str; 2] = ["response.function_call_arguments.", "response.custom_tool_call_input."];

pub fn answer(guard: &Guard, answer: &mut Value) {
    output(guard, answer, &BTreeSet::new());
}

/// Takes calls out of a response's output, and whatever stands where one was taken out before.
fn output(guard: &Guard, response: &mut Value, withheld: &BTreeSet<u64>) {
    let items = response.get_mut("output").and_then(Value::as_array_mut);
    for (index, item) in (0..).zip(items.into_iter().flatten()) {
        let Some(call) = item_call(item) else { continue };
        if guard.gate.withholds(&call) || withheld.contains(&index) {
            *item = message(item, &guard.note(&call));
        }
    }
}

fn part(note: &str) -> Value {
    json!({"type": "output_text", "text": note, "annotations": [], "logprobs": []})
}

/// The message in place of an item.
fn message(item: &Value, note: &str) -> Value {
    json!({"id": id(item), "type": "message", "status": "completed", "role": "assistant", "content": [part(note)]})
}

/// Messages are known by the beginning of their ids; the whole of the call's keeps it apart from every other.
fn id(item: &Value) -> String {
    format!("msg_{}", text(item, "id"))
}

/// The state of one stream.
#[derive(Debug)]
pub struct Stream {
    guard: Guard,
    /// Items of calls, by their places.
    withheld: BTreeSet<u64>,
    begun: BTreeSet<u64>,
}

impl Stream {
    pub const fn new(guard: Guard) -> Self {
        Self { guard, withheld: BTreeSet::new(), begun: BTreeSet::new() }
    }

    pub fn event(&mut self, mut event: Value) -> Vec<Value> {
        if let Some(response) = event.get_mut("response") {
            output(&self.guard, response, &self.withheld);
        }
        // What does not say its place is judged all the same.
        let index = number(&event, "output_index");
        if event.get("output_index").is_some() && self.withheld.contains(&index) {
            return Vec::new();
        }
        let kind = text(&event, "type");
        if matches!(kind, "response.output_item.added" | "response.output_item.done") {
            return self.item(index, event);
        }
        // Arguments without a call have no name.
        let arguments = ARGUMENTS.iter().any(|start| kind.starts_with(start));
        if arguments && !self.begun.contains(&index) { Vec::new() } else { vec![event] }
    }

    fn item(&mut self, index: u64, mut event: Value) -> Vec<Value> {
        let Some(item) = event.get_mut("item") else { return vec![event] };
        let Some(call) = item_call(item) else { return vec![event] };
        if !self.guard.gate.withholds(&call) {
            self.begun.insert(index);
            return vec![event];
        }
        self.withheld.insert(index);
        let note = self.guard.note(&call);
        if self.begun.contains(&index) {
            // It changed its name at its end.
            *item = message(item, &note);
            return vec![event];
        }
        said(index, number(&event, "sequence_number"), event.get("item").unwrap_or(&Value::Null), &note)
    }
}

/// A whole message as it is streamed. The events are numbered anew as they leave.
fn said(index: u64, sequence: u64, item: &Value, note: &str) -> Vec<Value> {
    let (whole, id) = (message(item, note), id(item));
    let mut begun = whole.clone();
    if let Some(fields) = begun.as_object_mut() {
        fields.insert("status".to_owned(), json!("in_progress"));
        fields.insert("content".to_owned(), json!([]));
    }
    let of_item = |kind: &str, item: Value| json!({"type": kind, "sequence_number": sequence, "output_index": index, "item": item});
    let of_part = |kind: &str, field: &str, value: Value| {
        json!({"type": kind, "sequence_number": sequence, "item_id": id, "output_index": index, "content_index": 0,
            field: value})
    };
    let of_text = |kind: &str, field: &str| {
        let mut event = of_part(kind, field, json!(note));
        if let Some(fields) = event.as_object_mut() {
            fields.insert("logprobs".to_owned(), json!([]));
        }
        event
    };
    vec![
        of_item("response.output_item.added", begun),
        of_part("response.content_part.added", "part", part("")),
        of_text("response.output_text.delta", "delta"),
        of_text("response.output_text.done", "text"),
        of_part("response.content_part.done", "part", part(note)),
        of_item("response.output_item.done", whole),
    ]
}
