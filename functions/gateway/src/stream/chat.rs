//! Chunks of Chat Completions. Source: OpenAI API reference, "The chat completion chunk object", read 2026-11.

use domain::Reason;
use serde_json::{Value, json};

use super::{Heard, Listener, is_forbidden};
use crate::answer::leaves::Field;
use crate::answer::{ToolCall, extend, usage};
use crate::dialect::Dialect;
use crate::read::{number, text};

/// Texts of a delta: pointer, name of its slot, kind. The last two are what compatible servers call reasoning.
const TEXTS: [(&str, &str, Field); 4] = [
    ("/content", "content", Field::Text),
    ("/refusal", "refusal", Field::Text),
    ("/reasoning_content", "reasoning_content", Field::Reasoning),
    ("/reasoning", "reasoning", Field::Reasoning),
];
/// Arguments of a tool call within a delta.
const ARGUMENTS: [(&str, &str); 2] = [("/function/arguments", "function"), ("/custom/input", "custom")];
const LEGACY: &str = "function_call";
/// Where all of them stand in a chunk.
const PIECES: [&str; 7] = [
    "/choices/*/delta/content",
    "/choices/*/delta/refusal",
    "/choices/*/delta/reasoning_content",
    "/choices/*/delta/reasoning",
    "/choices/*/delta/tool_calls/*/function/arguments",
    "/choices/*/delta/tool_calls/*/custom/input",
    "/choices/*/delta/function_call/arguments",
];

impl Listener {
    pub(super) fn chat(&mut self, mut chunk: Value) -> Result<Heard, Reason> {
        if chunk.get("error").is_some_and(|error| !error.is_null()) {
            return Err(Reason::ProviderError);
        }
        if let Some(reported) = chunk.get("usage").and_then(|reported| usage(Dialect::Chat, reported)) {
            self.said.usage = Some(reported);
        }
        self.render.search(&mut chunk, &PIECES);
        let mut choices = match chunk.get_mut("choices").map(Value::take) {
            Some(Value::Array(choices)) => choices,
            _ => return Err(Reason::ProviderMalformed),
        };
        let only_usage = choices.is_empty();
        self.template = Some(bare(&chunk));
        let mut out = Vec::new();
        for choice in &mut choices {
            self.choice(choice, &mut out)?;
        }
        if !self.keeps_usage {
            if let Some(fields) = chunk.as_object_mut() {
                fields.shift_remove("usage");
            }
            if only_usage {
                return Ok(Heard::On(out));
            }
        }
        if let Some(fields) = chunk.as_object_mut() {
            fields.insert("choices".to_owned(), Value::Array(choices));
        }
        out.push(chunk);
        Ok(Heard::On(out))
    }

    fn choice(&mut self, choice: &mut Value, out: &mut Vec<Value>) -> Result<(), Reason> {
        let index = number(choice, "index");
        self.choices.entry(index).or_default();
        if self.render.redacts() {
            // It repeats the text in pieces that no detector can read.
            if let Some(logprobs) = choice.get_mut("logprobs") {
                *logprobs = Value::Null;
            }
        }
        if let Some(delta) = choice.get_mut("delta") {
            for (pointer, slot, field) in TEXTS {
                self.leaf(delta, pointer, (index, 0, slot), field)?;
            }
            self.tools(index, delta)?;
        }
        if choice.get("finish_reason").is_some_and(|reason| !reason.is_null()) {
            self.choices.insert(index, true);
            out.extend(self.flush(index));
        }
        Ok(())
    }

    fn tools(&mut self, index: u64, delta: &mut Value) -> Result<(), Reason> {
        let calls = delta.get_mut("tool_calls").and_then(Value::as_array_mut);
        for call in calls.into_iter().flatten() {
            let at = (index, self.numbers.set(index, call));
            let name = ["function", "custom"].iter().find_map(|kind| call.get(*kind)?.get("name")?.as_str());
            if let Some(name) = name.filter(|name| !name.is_empty()) {
                self.named(at, text(call, "id"), name)?;
            }
            for (pointer, slot) in ARGUMENTS {
                self.leaf(call, pointer, (at.0, at.1, slot), Field::Arguments)?;
                let piece = call.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
                self.argue(at, piece);
            }
        }
        if let Some(call) = delta.get_mut(LEGACY) {
            if !text(call, "name").is_empty() {
                self.named((index, u64::MAX), "", text(call, "name"))?;
            }
            self.leaf(call, "/arguments", (index, u64::MAX, LEGACY), Field::Arguments)?;
            self.argue((index, u64::MAX), text(call, "arguments"));
        }
        Ok(())
    }

    /// A call's name, or more of it before its arguments begin.
    fn named(&mut self, at: (u64, u64), id: &str, name: &str) -> Result<(), Reason> {
        match self.said.calls.get_mut(&at).filter(|call| call.arguments.is_empty()) {
            Some(call) => {
                extend(&mut call.name, name);
                let forbidden = is_forbidden(&self.forbidden, &call.name);
                if forbidden { Err(Reason::ToolForbidden) } else { Ok(()) }
            }
            None => {
                let (id, name) = (id.to_owned(), name.to_owned());
                self.call(at, ToolCall { id, name, ..ToolCall::default() })
            }
        }
    }

    /// What a choice's slots held back, as chunks of their own.
    fn flush(&mut self, index: u64) -> Vec<Value> {
        let places: Vec<_> = self.slots.keys().filter(|(choice, ..)| *choice == index).copied().collect();
        let mut chunks = Vec::new();
        for place in places {
            let Some(rest) = self.rest(place) else { continue };
            let (_, tool, slot) = place;
            let delta = match slot {
                "function" => json!({"tool_calls": [{"index": tool, "function": {"arguments": rest}}]}),
                "custom" => json!({"tool_calls": [{"index": tool, "custom": {"input": rest}}]}),
                LEGACY => json!({LEGACY: {"arguments": rest}}),
                text => json!({text: rest}),
            };
            if matches!(slot, "function" | "custom" | LEGACY) {
                self.argue((index, tool), &rest);
            }
            let choice = json!({"index": index, "delta": delta, "finish_reason": null});
            let mut chunk = self.template.clone().unwrap_or_else(|| json!({}));
            if let Some(fields) = chunk.as_object_mut() {
                fields.insert("choices".to_owned(), json!([choice]));
            }
            chunks.push(chunk);
        }
        chunks
    }

    pub(super) fn flush_all(&mut self) -> Vec<Value> {
        let choices: Vec<_> = self.choices.keys().copied().collect();
        choices.into_iter().flat_map(|index| self.flush(index)).collect()
    }
}

/// A chunk without what is its own: its id, time and model.
pub fn bare(chunk: &Value) -> Value {
    let fields = chunk.as_object().into_iter().flatten();
    let fields = fields.filter(|(name, _)| !matches!(name.as_str(), "choices" | "usage" | "obfuscation"));
    Value::Object(fields.map(|(name, value)| (name.clone(), value.clone())).collect())
}
