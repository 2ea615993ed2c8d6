//! Tool calls that the tenant's gate wants taken out of answers, whole and streamed, in the provider's dialect: after
//! redaction, before translation. Each leaves a text in its place, so that the vendors' clients read on and the model learns
//! of it; its arguments go no further. Calls beside it stay.
//!
//! Out of scope: calls that the provider ran itself. They have happened, and what they brought is an answer's text.

mod chat;
mod messages;
mod responses;

use serde_json::Value;

use crate::dialect::Dialect;
use crate::gated::Guard;

/// Takes calls out of a whole answer.
pub fn answer(guard: &Guard, wire: Dialect, answer: &mut Value) {
    match wire {
        Dialect::Chat => chat::answer(guard, answer),
        Dialect::Messages => messages::answer(guard, answer),
        Dialect::Responses => responses::answer(guard, answer),
        Dialect::Embeddings | Dialect::CountTokens => {}
    }
}

/// Takes calls out of one streamed answer. An event of a call waits only as long as the call's name is not known.
#[derive(Debug)]
pub enum Stream {
    Chat(chat::Stream),
    Messages(messages::Stream),
    Responses(responses::Stream),
}

impl Stream {
    /// None for a dialect without tools.
    pub fn new(guard: Guard, wire: Dialect) -> Option<Self> {
        match wire {
            Dialect::Chat => Some(Self::Chat(chat::Stream::new(guard))),
            Dialect::Messages => Some(Self::Messages(messages::Stream::new(guard))),
            Dialect::Responses => Some(Self::Responses(responses::Stream::new(guard))),
            Dialect::Embeddings | Dialect::CountTokens => None,
        }
    }

    /// What of an event may leave.
    pub fn event(&mut self, event: Value) -> Vec<Value> {
        match self {
            Self::Chat(chat) => chat.event(event),
            Self::Messages(messages) => messages.event(event),
            Self::Responses(responses) => responses.event(event),
        }
    }

    /// What leaves after the last event.
    pub fn finish(&mut self) -> Vec<Value> {
        match self {
            Self::Chat(chat) => chat.finish(),
            Self::Messages(_) | Self::Responses(_) => Vec::new(),
        }
    }
}

/// A note as it is put behind what was said before it: some clients, and other dialects, join texts as they come.
fn apart(note: &str, spoke: bool) -> String {
    let apart = if spoke { "\n\n" } else { "" };
    format!("{apart}{note}")
}
