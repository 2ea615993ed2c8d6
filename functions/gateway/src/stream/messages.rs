//! Events of Anthropic Messages. Source: Anthropic API reference, "Streaming Messages", read 2026-11.

use domain::Reason;
use serde_json::{Value, json};

use super::{Heard, Listener};
use crate::answer::leaves::Field;
use crate::answer::{self, Usage};
use crate::dialect::Dialect;
use crate::read::{number, text};

/// Texts of a delta: its type, the text's field, its kind.
const DELTAS: [(&str, &str, Field); 3] = [
    ("text_delta", "text", Field::Text),
    ("thinking_delta", "thinking", Field::Signed),
    ("input_json_delta", "partial_json", Field::Arguments),
];

/// Where they stand in an event; a delta of another type is no piece of anything.
const PIECES: [&str; 3] = ["/delta/text", "/delta/thinking", "/delta/partial_json"];
const BLOCK_PIECES: [&str; 2] = ["/content_block/text", "/content_block/thinking"];

impl Listener {
    pub(super) fn message(&mut self, mut event: Value) -> Result<Heard, Reason> {
        let known =
            DELTAS.iter().any(|(kind, ..)| event.pointer("/delta/type").is_some_and(|one| one == kind));
        self.render.search(&mut event, if known { &PIECES } else { &BLOCK_PIECES });
        let index = number(&event, "index");
        match text(&event, "type") {
            "error" => return Err(error(&event)),
            "message_start" => self.begin(&event),
            "content_block_start" => self.block(index, &mut event)?,
            "content_block_delta" => self.delta(index, &mut event)?,
            "content_block_stop" => {
                let mut out: Vec<_> = self.flush_block(index).collect();
                out.push(event);
                return Ok(Heard::On(out));
            }
            "message_delta" => self.finish_message(&mut event),
            "message_stop" => return Ok(Heard::Whole(vec![event])),
            "" => return Err(Reason::ProviderMalformed),
            _ => {}
        }
        Ok(Heard::On(vec![event]))
    }

    fn begin(&mut self, event: &Value) {
        let reported = event.pointer("/message/usage");
        self.said.usage = reported.and_then(|reported| answer::usage(Dialect::Messages, reported));
    }

    fn block(&mut self, index: u64, event: &mut Value) -> Result<(), Reason> {
        let Some(block) = event.get_mut("content_block") else { return Err(Reason::ProviderMalformed) };
        if let Some(call) = answer::block_call(block) {
            self.call((index, 0), call)?;
        }
        for (_, name, field) in DELTAS {
            self.leaf(block, &format!("/{name}"), (index, 0, name), field)?;
        }
        if let Some(input) = block.get_mut("input") {
            self.render.leaf(Field::ArgumentsValue, input);
        }
        Ok(())
    }

    fn delta(&mut self, index: u64, event: &mut Value) -> Result<(), Reason> {
        let Some(delta) = event.get_mut("delta") else { return Err(Reason::ProviderMalformed) };
        let kind = text(delta, "type").to_owned();
        let Some((_, name, field)) = DELTAS.iter().find(|(known, ..)| *known == kind) else { return Ok(()) };
        self.leaf(delta, &format!("/{name}"), (index, 0, name), *field)?;
        if *field == Field::Arguments {
            self.argue((index, 0), text(delta, name));
        }
        Ok(())
    }

    /// What the block's slots held back, as deltas before its end.
    fn flush_block(&mut self, index: u64) -> impl Iterator<Item = Value> {
        let mut out = Vec::new();
        for (kind, name, field) in DELTAS {
            let Some(rest) = self.rest((index, 0, name)) else { continue };
            if field == Field::Arguments {
                self.argue((index, 0), &rest);
            }
            let delta = json!({"type": kind, name: rest});
            out.push(json!({"type": "content_block_delta", "index": index, "delta": delta}));
        }
        out.into_iter()
    }

    /// Counts here are cumulative: they replace those of the beginning.
    fn finish_message(&mut self, event: &mut Value) {
        let begun = self.said.usage.unwrap_or_default();
        let reported = event.get("usage");
        let output = reported.and_then(|usage| usage.get("output_tokens")).and_then(Value::as_u64);
        let whole = reported.and_then(|usage| answer::usage(Dialect::Messages, usage));
        let input = whole.map_or(begun.input, |usage| usage.input.max(begun.input));
        let cached = whole.map_or(begun.cached, |usage| usage.cached);
        self.said.usage = output.map(|output| Usage { input, output, total: 0, cached });
        // A stop sequence is the caller's own text, which comes back as it was sent.
        if let Some(Value::String(stop)) = event.pointer_mut("/delta/stop_sequence") {
            *stop = self.render.text(Field::Text, stop);
        }
    }
}

fn error(event: &Value) -> Reason {
    match event.pointer("/error/type").and_then(Value::as_str) {
        Some("overloaded_error") => Reason::ProviderUnavailable,
        Some("rate_limit_error") => Reason::ProviderThrottled,
        _ => Reason::ProviderError,
    }
}
