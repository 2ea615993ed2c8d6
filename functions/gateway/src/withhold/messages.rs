//! Calls in Anthropic Messages: a text block stands where the call's block stood, under its index.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::apart;
use crate::answer::block_call;
use crate::gated::Guard;
use crate::read::{number, text};

pub fn answer(guard: &Guard, answer: &mut Value) {
    let Some(content) = answer.get_mut("content").and_then(Value::as_array_mut) else { return };
    let (mut passed, mut withheld, mut spoke) = (false, false, false);
    for block in content {
        if let Some(note) = instead(guard, block) {
            withheld = true;
            *block = json!({"type": "text", "text": apart(&note, spoke)});
        }
        passed |= runs_here(block);
        spoke |= !text(block, "text").is_empty();
    }
    if withheld && !passed {
        stop(answer.get_mut("stop_reason"));
    }
}

/// The text in place of a block, if it is a call to be withheld.
fn instead(guard: &Guard, block: &Value) -> Option<String> {
    block_call(block).filter(|call| guard.gate.withholds(call)).map(|call| guard.note(&call))
}

fn runs_here(block: &Value) -> bool {
    block_call(block).is_some_and(|call| !call.hosted)
}

/// Nothing is left to be run: the turn is over.
fn stop(reason: Option<&mut Value>) {
    if let Some(reason) = reason.filter(|reason| *reason == "tool_use") {
        *reason = Value::from("end_turn");
    }
}

/// The state of one stream.
#[derive(Debug)]
pub struct Stream {
    guard: Guard,
    /// Blocks of calls, by their indexes.
    withheld: BTreeSet<u64>,
    begun: BTreeSet<u64>,
    passed: bool,
    spoke: bool,
}

impl Stream {
    pub const fn new(guard: Guard) -> Self {
        Self { guard, withheld: BTreeSet::new(), begun: BTreeSet::new(), passed: false, spoke: false }
    }

    pub fn event(&mut self, mut event: Value) -> Vec<Value> {
        let index = number(&event, "index");
        match text(&event, "type") {
            "message_start" => {
                if let Some(message) = event.get_mut("message") {
                    answer(&self.guard, message);
                }
            }
            "content_block_start" => return self.block(index, event),
            "content_block_delta" if !self.may_say(index, &event) => return Vec::new(),
            "content_block_delta" => self.spoke |= event.pointer("/delta/text").is_some(),
            "message_delta" if !self.withheld.is_empty() && !self.passed => {
                stop(event.pointer_mut("/delta/stop_reason"));
            }
            _ => {}
        }
        vec![event]
    }

    fn block(&mut self, index: u64, event: Value) -> Vec<Value> {
        let block = event.get("content_block").unwrap_or(&Value::Null);
        if let Some(note) = instead(&self.guard, block) {
            self.withheld.insert(index);
            let begin = json!({"type": "text", "text": ""});
            let delta = json!({"type": "text_delta", "text": apart(&note, self.spoke)});
            self.spoke = true;
            return vec![
                json!({"type": "content_block_start", "index": index, "content_block": begin}),
                json!({"type": "content_block_delta", "index": index, "delta": delta}),
            ];
        }
        self.spoke |= !text(block, "text").is_empty();
        if block_call(block).is_some() {
            self.begun.insert(index);
            self.passed |= runs_here(block);
        }
        vec![event]
    }

    /// Input belongs to a call that began and passed; whatever follows a withheld one does not leave.
    fn may_say(&self, index: u64, event: &Value) -> bool {
        let input = event.pointer("/delta/type").is_some_and(|kind| kind == "input_json_delta");
        !self.withheld.contains(&index) && (!input || self.begun.contains(&index))
    }
}
