//! Events of OpenAI Responses. Source: OpenAI API reference, "Streaming events", read 2026-11. Nearly every text comes
//! three times: as deltas, with the end of its part, and within the whole response.

use domain::Reason;
use serde_json::{Value, json};

use super::{Heard, Listener};
use crate::answer::leaves::{self, Field};
use crate::answer::{self, ToolCall};
use crate::dialect::Dialect;
use crate::read::{number, text};

/// Texts that come as deltas: the events' common name, the text's field in the last of them, its kind.
const TEXTS: [(&str, &str, Field); 8] = [
    ("response.output_text", "text", Field::Text),
    ("response.refusal", "refusal", Field::Text),
    ("response.reasoning_text", "text", Field::Reasoning),
    ("response.reasoning_summary_text", "text", Field::Reasoning),
    ("response.function_call_arguments", "arguments", Field::Arguments),
    ("response.custom_tool_call_input", "input", Field::Arguments),
    ("response.mcp_call_arguments", "arguments", Field::Arguments),
    ("response.code_interpreter_call_code", "code", Field::Arguments),
];

impl Listener {
    pub(super) fn response(&mut self, mut event: Value) -> Result<Heard, Reason> {
        let kind = text(&event, "type").to_owned();
        let spoken = kind.rsplit_once('.').and_then(|(name, end)| {
            TEXTS
                .iter()
                .find(|(known, ..)| *known == name)
                .map(|(name, whole, field)| (*name, end, *whole, *field))
        });
        self.render.search(&mut event, if spoken.is_some() { &["/delta"] } else { &[] });
        if let Some((name, end, whole, field)) = spoken {
            return self.spoken_text(event, name, end, whole, field);
        }
        match kind.as_str() {
            "" => return Err(Reason::ProviderMalformed),
            "error" | "response.failed" => return Err(Reason::ProviderError),
            "response.output_item.added" | "response.output_item.done" => self.item(&mut event)?,
            "response.content_part.added"
            | "response.content_part.done"
            | "response.reasoning_summary_part.added"
            | "response.reasoning_summary_part.done" => self.part(&mut event),
            "response.completed" | "response.incomplete" => {
                self.completed(&mut event)?;
                return Ok(Heard::Whole(vec![event]));
            }
            _ => self.object(&mut event),
        }
        Ok(Heard::On(vec![event]))
    }

    fn spoken_text(
        &mut self,
        mut event: Value,
        name: &'static str,
        end: &str,
        whole: &str,
        field: Field,
    ) -> Result<Heard, Reason> {
        let part = number(&event, "content_index").max(number(&event, "summary_index"));
        let place = (number(&event, "output_index"), part, name);
        if self.render.redacts() && event.get("logprobs").is_some() {
            // They repeat the text in pieces that no detector can read.
            set(&mut event, "logprobs", json!([]));
        }
        if end == "delta" {
            self.leaf(&mut event, "/delta", place, field)?;
            self.argue((place.0, 0), text(&event, "delta"));
            return Ok(Heard::On(vec![event]));
        }
        let rest = self.rest(place).map(|rest| {
            self.argue((place.0, 0), &rest);
            let mut delta = event.clone();
            if let Some(fields) = delta.as_object_mut() {
                fields.retain(|key, _| key != whole && key != "name");
            }
            set(&mut delta, "type", json!(format!("{name}.delta")));
            set(&mut delta, "delta", json!(rest));
            delta
        });
        if let Some(whole) = event.get_mut(whole) {
            self.render.leaf(field, whole);
        }
        Ok(Heard::On(rest.into_iter().chain([event]).collect()))
    }

    fn item(&mut self, event: &mut Value) -> Result<(), Reason> {
        let index = number(event, "output_index");
        let Some(item) = event.get_mut("item") else { return Err(Reason::ProviderMalformed) };
        let render = &self.render;
        leaves::response_item(item, &mut |field, leaf| render.leaf(field, leaf));
        if let Some(call) = answer::item_call(item) {
            // The item is whole at its end: what was put together from deltas is what was sent.
            let arguments = call.arguments.clone();
            self.call((index, 0), call)?;
            self.whole_arguments(index, arguments);
        }
        Ok(())
    }

    fn whole_arguments(&mut self, index: u64, arguments: String) {
        if let Some(call) = self.said.calls.get_mut(&(index, 0)).filter(|call| call.arguments.is_empty()) {
            call.arguments = arguments;
        }
    }

    fn part(&mut self, event: &mut Value) {
        let Some(part) = event.get_mut("part") else { return };
        let reasoning = matches!(text(part, "type"), "summary_text" | "reasoning_text");
        let field = if reasoning { Field::Reasoning } else { Field::Text };
        let render = &self.render;
        leaves::response_part(part, field, &mut |field, leaf| render.leaf(field, leaf));
    }

    /// Events that carry the response as it stands.
    fn object(&mut self, event: &mut Value) {
        if let Some(response) = event.get_mut("response") {
            let render = &self.render;
            leaves::response(response, &mut |field, leaf| render.leaf(field, leaf));
        }
    }

    fn completed(&mut self, event: &mut Value) -> Result<(), Reason> {
        let Some(response) = event.get("response") else { return Err(Reason::ProviderMalformed) };
        answer::check(Dialect::Responses, response)?;
        let reported = response.get("usage");
        self.said.usage = reported.and_then(|reported| answer::usage(Dialect::Responses, reported));
        let items = response.get("output").and_then(Value::as_array);
        let calls: Vec<(u64, ToolCall)> = (0..)
            .zip(items.into_iter().flatten())
            .filter_map(|(n, item)| Some((n, answer::item_call(item)?)))
            .collect();
        for (index, call) in calls {
            self.call((index, 0), call)?;
        }
        self.object(event);
        Ok(())
    }
}

fn set(event: &mut Value, name: &str, value: Value) {
    if let Some(fields) = event.as_object_mut() {
        fields.insert(name.to_owned(), value);
    }
}
