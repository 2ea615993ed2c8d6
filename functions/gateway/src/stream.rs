//! A streamed answer: from the provider's events to the caller's. Pure; the body that carries it is in `live`.
//!
//! Every text that arrives in pieces has a [`Slot`]: one for each choice, block or item and each of its fields. A slot
//! holds back what could still become a placeholder, [`redact::HOLD_BACK_BYTES`] at most, and gives it up when its text
//! ends. An event never waits for another: each one leaves at once, if need be with less text than it came with. Where the
//! tenant's gate wants calls withheld, one of Chat Completions waits for the end of its name ([`crate::withhold`]).

mod chat;
mod messages;
mod numbers;
mod responses;

use std::collections::{BTreeMap, BTreeSet};

use caller::json;
use domain::{Name, Reason};
use serde_json::Value;

use crate::answer::leaves::Field;
use crate::answer::render::{Render, Slot};
use crate::answer::{ToolCall, Usage};
use crate::dialect::Dialect;
use crate::outcome::Spent;
use crate::sse::Event;
use crate::translate;
use crate::withhold;
pub use chat::bare;
use numbers::Numbers;

/// Which text: two numbers of the dialect's (choice and tool, block, item and part) and a field's name.
type Place = (u64, u64, &'static str);

/// More texts than this has no answer.
const MAX_SLOTS: usize = 4_096;

/// What an event came to.
#[derive(Debug)]
pub enum Step {
    /// These may leave.
    On(Vec<Event>),
    /// The answer is whole; these leave last, once it is settled.
    Whole(Vec<Event>),
}

/// What stays to be known of an answer.
#[derive(Debug, Default)]
pub struct Said {
    pub usage: Option<Usage>,
    pub text_bytes: u64,
    pub calls: BTreeMap<(u64, u64), ToolCall>,
}

/// Listens to one provider's stream.
pub struct Listener {
    wire: Dialect,
    render: Render,
    /// Whether a stream of Chat Completions ends with its usage: the caller asked, or a translation needs it.
    keeps_usage: bool,
    forbidden: BTreeSet<Name>,
    /// Set where calls are taken out.
    withheld: Option<withhold::Stream>,
    translation: Option<translate::Stream>,
    slots: BTreeMap<Place, Slot>,
    said: Said,
    /// Choices of Chat Completions: begun, and whether finished.
    choices: BTreeMap<u64, bool>,
    numbers: Numbers,
    /// What a further event of the same kind is made from.
    template: Option<Value>,
    /// Responses: the number of the next event.
    next: u64,
}

impl std::fmt::Debug for Listener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Listener").field("wire", &self.wire).finish_non_exhaustive()
    }
}

/// What an event is, once its text has been seen to.
enum Heard {
    On(Vec<Value>),
    Whole(Vec<Value>),
}

impl Listener {
    pub fn new(
        wire: Dialect,
        render: Render,
        forbidden: BTreeSet<Name>,
        wants_usage: bool,
        withheld: Option<withhold::Stream>,
        translation: Option<translate::Stream>,
    ) -> Self {
        Self {
            wire,
            render,
            keeps_usage: wants_usage || translation.is_some(),
            forbidden,
            withheld,
            translation,
            slots: BTreeMap::new(),
            said: Said::default(),
            choices: BTreeMap::new(),
            numbers: Numbers::default(),
            template: None,
            next: 0,
        }
    }

    /// Hears one event.
    ///
    /// # Errors
    /// Not an event of the dialect, an error of the provider's, or a call of a tool that policy forbids.
    pub fn event(&mut self, event: &Event) -> Result<Step, Reason> {
        if self.wire == Dialect::Chat && event.data.trim() == "[DONE]" {
            return Ok(self.whole(Vec::new()));
        }
        let data = json::parse(&event.data).map_err(|_| Reason::ProviderMalformed)?;
        if !data.is_object() {
            return Err(Reason::ProviderMalformed);
        }
        let heard = match self.wire {
            Dialect::Chat => self.chat(data),
            Dialect::Messages => self.message(data),
            Dialect::Responses => self.response(data),
            Dialect::Embeddings | Dialect::CountTokens => Err(Reason::ProviderMalformed),
        }?;
        Ok(match heard {
            Heard::On(values) => Step::On(self.spoken(values)),
            Heard::Whole(values) => self.whole(values),
        })
    }

    /// The provider closed the stream in good order.
    ///
    /// # Errors
    /// The answer is not whole. Some servers of Chat Completions leave `[DONE]` out.
    pub fn end(&mut self) -> Result<Step, Reason> {
        let finished = !self.choices.is_empty() && self.choices.values().all(|finished| *finished);
        if self.wire == Dialect::Chat && finished {
            Ok(self.whole(Vec::new()))
        } else {
            Err(Reason::ProviderBroken)
        }
    }

    /// What the answer settles, if it is whole.
    pub fn spent(&self) -> Spent {
        self.said.usage.map_or(Spent::Everything, |usage| usage.spent(self.said.text_bytes))
    }

    /// The tool calls so far.
    pub fn calls(&self) -> impl Iterator<Item = &ToolCall> {
        self.said.calls.values()
    }

    /// The number that an event of ours would bear in a stream of Responses.
    pub const fn next_number(&self) -> u64 {
        self.next
    }

    fn whole(&mut self, values: Vec<Value>) -> Step {
        let rest = if self.wire == Dialect::Chat { self.flush_all() } else { Vec::new() };
        let mut events = self.spoken(rest.into_iter().chain(values).collect());
        let late = self.withheld.as_mut().map(withhold::Stream::finish).unwrap_or_default();
        events.extend(self.put(late));
        match &mut self.translation {
            Some(translation) => events.extend(translation.finish()),
            None if self.wire == Dialect::Chat => {
                events.push(Event { name: None, data: "[DONE]".to_owned() })
            }
            None => {}
        }
        Step::Whole(events)
    }

    /// What of the events may leave, as the caller's dialect has it.
    fn spoken(&mut self, values: Vec<Value>) -> Vec<Event> {
        let left = match &mut self.withheld {
            Some(withheld) => values.into_iter().flat_map(|value| withheld.event(value)).collect(),
            None => values,
        };
        self.put(left)
    }

    fn put(&mut self, values: Vec<Value>) -> Vec<Event> {
        let mut events = Vec::new();
        for value in values {
            match &mut self.translation {
                Some(translation) => events.extend(translation.event(&value)),
                None => events.push(self.written(value)),
            }
        }
        events
    }

    /// Both Responses and Messages name an event after its type.
    fn written(&mut self, mut value: Value) -> Event {
        if self.wire == Dialect::Responses
            && let Some(number) = value.get_mut("sequence_number")
        {
            *number = Value::from(self.next);
            self.next += 1;
        }
        let named = self.wire != Dialect::Chat;
        let name = named.then(|| value.get("type").and_then(Value::as_str).map(str::to_owned)).flatten();
        Event { name, data: value.to_string() }
    }

    /// Puts a piece of text through its slot.
    fn piece(&mut self, place: Place, field: Field, piece: &str) -> Result<String, Reason> {
        self.said.text_bytes += u64::try_from(piece.len()).unwrap_or(u64::MAX);
        if self.slots.len() >= MAX_SLOTS && !self.slots.contains_key(&place) {
            return Err(Reason::ProviderMalformed);
        }
        let render = &self.render;
        let out = self.slots.entry(place).or_insert_with(|| render.slot(field)).push(piece);
        Ok(out)
    }

    /// The same for a leaf of an event, in place.
    fn leaf(&mut self, value: &mut Value, pointer: &str, place: Place, field: Field) -> Result<(), Reason> {
        let Some(Value::String(text)) = value.pointer_mut(pointer) else { return Ok(()) };
        let piece = std::mem::take(text);
        *text = self.piece(place, field, &piece)?;
        Ok(())
    }

    /// What a slot held back, if anything.
    fn rest(&mut self, place: Place) -> Option<String> {
        self.slots.remove(&place).map(|mut slot| slot.finish()).filter(|rest| !rest.is_empty())
    }

    /// A tool call's name is known: it may be one that policy forbids.
    fn call(&mut self, at: (u64, u64), call: ToolCall) -> Result<(), Reason> {
        if self.said.calls.len() >= MAX_SLOTS {
            return Err(Reason::ProviderMalformed);
        }
        if is_forbidden(&self.forbidden, &call.name) {
            return Err(Reason::ToolForbidden);
        }
        self.said.calls.entry(at).or_insert(call);
        Ok(())
    }

    fn argue(&mut self, at: (u64, u64), piece: &str) {
        if let Some(call) = self.said.calls.get_mut(&at) {
            call.arguments.push_str(piece);
        }
    }
}

/// Whether policy forbids a tool of this name.
pub fn is_forbidden(forbidden: &BTreeSet<Name>, name: &str) -> bool {
    forbidden.iter().any(|one| one.as_str() == name)
}
