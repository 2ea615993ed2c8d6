//! Calls in Chat Completions: what stands in their place is part of the message's text.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::apart;
use crate::answer::{CHAT_ARGUMENTS, CHAT_NAMES, ToolCall, chat_call, extend};
use crate::gated::Guard;
use crate::read::number;
use crate::stream::bare;

/// The older form of a message's only call.
const OLDER: &str = "function_call";
/// No tool has a longer name.
const MAX_NAME_BYTES: usize = 128;

pub fn answer(guard: &Guard, answer: &mut Value) {
    let choices = answer.get_mut("choices").and_then(Value::as_array_mut);
    for choice in choices.into_iter().flatten() {
        let Some(message) = choice.get_mut("message").and_then(Value::as_object_mut) else { continue };
        let notes = withhold(guard, message);
        if notes.is_empty() {
            continue;
        }
        say(message, &notes.join("\n\n"));
        if !message.contains_key("tool_calls") && !message.contains_key(OLDER) {
            stop(choice.get_mut("finish_reason"));
        }
    }
}

/// Takes calls out of a message. Returns what stands in their places.
fn withhold(guard: &Guard, message: &mut Map<String, Value>) -> Vec<String> {
    let mut notes = Vec::new();
    let mut stays = |call: &Value| {
        let call = chat_call(call);
        let withheld = guard.gate.withholds(&call);
        notes.extend(withheld.then(|| guard.note(&call)));
        !withheld
    };
    match message.get_mut("tool_calls") {
        Some(Value::Array(calls)) => calls.retain(&mut stays),
        // No list: whatever reads a call in it reads what was not judged.
        Some(other) if !other.is_null() && !stays(&Value::Null) => *other = Value::Null,
        _ => {}
    }
    if message.get(OLDER).is_some_and(|call| !call.is_null() && !stays(call)) {
        message.insert(OLDER.to_owned(), Value::Null);
    }
    // A list without calls, and a null, are refused when the message comes back.
    for name in ["tool_calls", OLDER] {
        let empty = |value: &Value| value.is_null() || value.as_array().is_some_and(Vec::is_empty);
        if message.get(name).is_some_and(empty) {
            message.shift_remove(name);
        }
    }
    notes
}

/// Adds to a message's text, which some servers have in parts.
fn say(message: &mut Map<String, Value>, note: &str) {
    match message.get_mut("content") {
        Some(Value::Array(parts)) => parts.push(json!({"type": "text", "text": note})),
        Some(Value::String(words)) if !words.is_empty() => *words = format!("{words}\n\n{note}"),
        _ => drop(message.insert("content".to_owned(), Value::from(note))),
    }
}

/// Nothing is left to be run: the turn is over.
fn stop(reason: Option<&mut Value>) {
    if let Some(reason) = reason.filter(|reason| *reason == "tool_calls" || *reason == OLDER) {
        *reason = Value::from("stop");
    }
}

/// Which call of a choice: its number, or none for the older form.
type Place = Option<u64>;

/// What became of a call.
#[derive(Debug)]
enum State {
    /// Its name may go on: what came of it so far, as one delta.
    Waiting(Value),
    /// Under this number: some clients keep calls in a list without gaps.
    Passed(u64),
    Withheld,
}

#[derive(Debug, Default)]
struct Choice {
    calls: BTreeMap<Place, State>,
    passed: u64,
    withheld: bool,
    /// Whether it has said anything that a note must be kept apart from.
    spoke: bool,
}

/// The state of one stream. A call's deltas wait until its arguments begin, or its choice ends: by then its name is whole,
/// and it leaves in one piece.
#[derive(Debug)]
pub struct Stream {
    guard: Guard,
    choices: BTreeMap<u64, Choice>,
    /// A chunk without choices, for what leaves after the last.
    template: Value,
}

impl Stream {
    pub const fn new(guard: Guard) -> Self {
        Self { guard, choices: BTreeMap::new(), template: Value::Null }
    }

    pub fn event(&mut self, mut chunk: Value) -> Vec<Value> {
        let Some(Value::Array(choices)) = chunk.get_mut("choices").map(Value::take) else {
            return vec![chunk];
        };
        self.template = bare(&chunk);
        let (mut out, mut left, all) = (Vec::new(), Vec::new(), choices.len());
        for mut choice in choices {
            let index = number(&choice, "index");
            let state = self.choices.entry(index).or_default();
            let (before, stays) = state.hear(&self.guard, &mut choice);
            out.extend(before.into_iter().map(|delta| with(&self.template, index, delta)));
            left.extend(stays.then_some(choice));
        }
        let counts = chunk.get("usage").is_some_and(|usage| !usage.is_null());
        if !left.is_empty() || all == 0 || counts {
            if let Some(fields) = chunk.as_object_mut() {
                fields.insert("choices".to_owned(), Value::Array(left));
            }
            out.push(chunk);
        }
        out
    }

    /// Calls of choices that did not say that they ended.
    pub fn finish(&mut self) -> Vec<Value> {
        let (guard, template) = (&self.guard, &self.template);
        let rest = self.choices.iter_mut().flat_map(|(index, choice)| {
            choice.settle(guard).into_iter().map(|delta| with(template, *index, delta))
        });
        rest.collect()
    }
}

impl Choice {
    /// Leaves of a choice what may leave. Returns the deltas that go before it, and whether anything of it is left.
    fn hear(&mut self, guard: &Guard, choice: &mut Value) -> (Vec<Value>, bool) {
        let mut before = Vec::new();
        let mut stays = true;
        if let Some(delta) = choice.get_mut("delta").and_then(Value::as_object_mut) {
            self.spoke |= delta.get("content").and_then(Value::as_str).is_some_and(|words| !words.is_empty());
            let full = !delta.is_empty();
            self.listed(guard, delta, &mut before);
            self.older(guard, delta, &mut before);
            stays = !full || !delta.is_empty();
        }
        if let Some(message) = choice.get_mut("message").and_then(Value::as_object_mut) {
            // No part of a chunk, and readable all the same.
            withhold(guard, message);
        }
        let ends = choice.get("finish_reason").is_some_and(|reason| !reason.is_null());
        if ends {
            before.extend(self.settle(guard));
            if self.withheld && self.passed == 0 {
                stop(choice.get_mut("finish_reason"));
            }
        }
        (before, stays || ends)
    }

    fn listed(&mut self, guard: &Guard, delta: &mut Map<String, Value>, before: &mut Vec<Value>) {
        let calls = match delta.get_mut("tool_calls").map(Value::take) {
            None => return,
            Some(Value::Array(calls)) => calls,
            Some(_) => Vec::new(),
        };
        let left: Vec<_> = calls
            .into_iter()
            .filter_map(|call| self.call(guard, Some(number(&call, "index")), call, before))
            .collect();
        if left.is_empty() {
            delta.shift_remove("tool_calls");
        } else {
            delta.insert("tool_calls".to_owned(), Value::Array(left));
        }
    }

    fn older(&mut self, guard: &Guard, delta: &mut Map<String, Value>, before: &mut Vec<Value>) {
        let Some(call) = delta.get_mut(OLDER).map(Value::take) else { return };
        if call.is_null() {
            return;
        }
        match self.call(guard, None, call, before) {
            Some(call) => drop(delta.insert(OLDER.to_owned(), call)),
            None => drop(delta.shift_remove(OLDER)),
        }
    }

    /// What of a part of a call may leave now.
    fn call(&mut self, guard: &Guard, at: Place, mut part: Value, before: &mut Vec<Value>) -> Option<Value> {
        match self.calls.get_mut(&at) {
            Some(State::Withheld) => return None,
            Some(State::Passed(number)) => {
                // What was judged is what its caller has: the name stays as it left.
                drop_name(&mut part);
                set_number(&mut part, at, *number);
                return Some(part);
            }
            Some(State::Waiting(held)) => {
                join(held, part);
                part = held.clone();
            }
            None => {}
        }
        let known = CHAT_ARGUMENTS.iter().any(|at| !pointed(&part, at).is_empty())
            || CHAT_NAMES.iter().any(|at| pointed(&part, at).len() > MAX_NAME_BYTES);
        if !known {
            self.calls.insert(at, State::Waiting(part));
            return None;
        }
        self.judge(guard, at, part).map_err(|note| before.push(note)).ok()
    }

    /// Lets a call whose name is whole pass.
    ///
    /// # Errors
    /// It is withheld: the delta that stands in its place.
    fn judge(&mut self, guard: &Guard, at: Place, mut part: Value) -> Result<Value, Value> {
        let call = chat_call(&part);
        if guard.gate.withholds(&call) {
            self.calls.insert(at, State::Withheld);
            return Err(self.note(guard, &call));
        }
        self.calls.insert(at, State::Passed(self.passed));
        set_number(&mut part, at, self.passed);
        self.passed += 1;
        Ok(part)
    }

    fn note(&mut self, guard: &Guard, call: &ToolCall) -> Value {
        let note = apart(&guard.note(call), self.spoke);
        (self.spoke, self.withheld) = (true, true);
        json!({"content": note})
    }

    /// The deltas of calls that waited for more of their names.
    fn settle(&mut self, guard: &Guard) -> Vec<Value> {
        let waiting = std::mem::take(&mut self.calls);
        let mut out = Vec::new();
        for (at, state) in waiting {
            match state {
                State::Waiting(part) => out.push(self.judge(guard, at, part).map_or_else(
                    |note| note,
                    |call| if at.is_some() { json!({"tool_calls": [call]}) } else { json!({OLDER: call}) },
                )),
                other => drop(self.calls.insert(at, other)),
            }
        }
        out
    }
}

fn pointed<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn set_number(part: &mut Value, at: Place, number: u64) {
    if let (Some(fields), Some(_)) = (part.as_object_mut(), at) {
        fields.insert("index".to_owned(), Value::from(number));
    }
}

fn drop_name(part: &mut Value) {
    for holder in ["/function", "/custom", ""] {
        if let Some(fields) = part.pointer_mut(holder).and_then(Value::as_object_mut) {
            fields.shift_remove("name");
        }
    }
}

/// Joins a part of a call with those before it: names and arguments go on, and anything else that is said anew is new.
fn join(held: &mut Value, part: Value) {
    let (Some(held), Value::Object(part)) = (held.as_object_mut(), part) else { return };
    for (name, value) in part {
        match (held.get_mut(&name), value) {
            (_, Value::Null) => {}
            (Some(one @ Value::Object(_)), value @ Value::Object(_)) => join(one, value),
            (Some(Value::String(text)), Value::String(more)) if name == "name" => extend(text, &more),
            (Some(Value::String(text)), Value::String(more))
                if matches!(name.as_str(), "arguments" | "input") =>
            {
                text.push_str(&more);
            }
            (Some(Value::String(text)), Value::String(more)) if more.is_empty() && !text.is_empty() => {}
            (_, value) => drop(held.insert(name, value)),
        }
    }
}

fn with(template: &Value, index: u64, delta: Value) -> Value {
    let mut chunk = template.clone();
    if let Some(fields) = chunk.as_object_mut() {
        let choice = json!({"index": index, "delta": delta, "finish_reason": null});
        fields.insert("choices".to_owned(), json!([choice]));
    }
    chunk
}
