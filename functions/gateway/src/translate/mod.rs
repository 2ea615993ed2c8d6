//! Translation between the dialects that callers and providers speak: pure, and complete or refused.
//!
//! A request is translated field by field. What the other dialect has no words for is refused by name; what says
//! nothing, such as a null or a default, is left out (the tables `HARMLESS` list it). Answers and streams come back the
//! same way, and a stream amounts to the same answer as the whole.
//!
//! In scope: form. Out of scope: what may be asked for at all (`policy`), the model's name and the limits of tokens,
//! which are set in the target dialect, and a provider's errors, which never come here.
//!
//! | the caller's | the provider's Messages | the provider's Chat |
//! |---|---|---|
//! | Chat | both ways | as it is |
//! | Messages | as it is | both ways |
//! | Responses | by way of Chat | both ways |
//!
//! Thinking that Anthropic signed survives a caller of another dialect: as `thinking_blocks` beside
//! `reasoning_content` in Chat (the names that LiteLLM gave them), and in `encrypted_content` in Responses.

mod answers;
mod chat_to_messages;
mod custom;
mod fields;
mod media;
mod messages_to_chat;
mod responses_to_chat;
mod streams;
mod usage;

#[cfg(test)]
pub mod tests;

use std::fmt;

use serde_json::{Map, Value};

use crate::sse::Event;
pub use fields::Untranslatable;
use streams::chat::ChatStream;
use streams::messages::MessagesStream;
use streams::responses::ResponsesStream;

impl Event {
    /// An event of Anthropic's or of Responses, which is named as its data's `type`.
    fn named(data: &Value) -> Self {
        let name = data.get("type").and_then(Value::as_str).map(str::to_owned);
        Self { name, data: data.to_string() }
    }

    fn unnamed(data: &Value) -> Self {
        Self { name: None, data: data.to_string() }
    }
}

/// The caller's dialect and the provider's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pair {
    ChatToMessages,
    MessagesToChat,
    ResponsesToChat,
    ResponsesToMessages,
}

/// What of a request its answer needs. It holds the caller's text, so that it has no `Debug` output of its own.
#[derive(Clone, Default)]
pub struct Context {
    /// Seconds since 1970, for the dialects that date their answers.
    created: u64,
    /// Whether a Chat caller asked for a chunk with the usage.
    include_usage: bool,
    /// Names of tools that take any text.
    custom: Vec<String>,
    /// What a Responses answer repeats.
    echo: Map<String, Value>,
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").finish_non_exhaustive()
    }
}

impl Context {
    /// Of the caller's request, before it is translated. `now` is in seconds since 1970.
    pub fn of(pair: Pair, request: &Map<String, Value>, now: u64) -> Self {
        let options = request.get("stream_options");
        let usage = options.and_then(|options| options.get("include_usage"));
        let tools = request.get("tools").and_then(Value::as_array).into_iter().flatten();
        let echo = match pair {
            Pair::ResponsesToChat | Pair::ResponsesToMessages => answers::responses::echo(request),
            Pair::ChatToMessages | Pair::MessagesToChat => Map::new(),
        };
        Self {
            created: now,
            include_usage: usage.is_some_and(fields::is_true),
            custom: tools.filter_map(custom_name).collect(),
            echo,
        }
    }

    fn is_custom(&self, tool: &str) -> bool {
        self.custom.iter().any(|name| name == tool)
    }
}

/// The name of a custom tool, which stands in the tool itself in Responses.
fn custom_name(tool: &Value) -> Option<String> {
    if answers::kind(tool) != "custom" {
        return None;
    }
    let name = tool.get("custom").unwrap_or(tool).get("name");
    name.and_then(Value::as_str).map(str::to_owned)
}

impl Pair {
    /// The request in the provider's dialect. The model and the limit of tokens should be set before: how much a
    /// model of Anthropic's may reason depends on both.
    ///
    /// # Errors
    /// The first part of the request that the provider's dialect has no words for.
    pub fn request(self, body: Map<String, Value>) -> Result<Map<String, Value>, Untranslatable> {
        match self {
            Self::ChatToMessages => chat_to_messages::request(body),
            Self::MessagesToChat => messages_to_chat::request(body),
            Self::ResponsesToChat => responses_to_chat::request(body),
            Self::ResponsesToMessages => {
                let chat = responses_to_chat::request(body)?;
                chat_to_messages::request(chat).map_err(responses_to_chat::in_responses)
            }
        }
    }

    /// The answer in the caller's dialect; none if it is not of the provider's.
    pub fn answer(self, context: &Context, answer: Value) -> Option<Value> {
        match self {
            Self::ChatToMessages => answers::chat::answer(context, answer),
            Self::MessagesToChat => answers::messages::answer(answer),
            Self::ResponsesToChat => answers::responses::answer(context, answer),
            Self::ResponsesToMessages => {
                let chat = answers::chat::answer(context, answer)?;
                answers::responses::answer(context, chat)
            }
        }
    }

    /// The translator of one streamed answer.
    pub fn stream(self, context: Context) -> Stream {
        Stream(match self {
            Self::ChatToMessages => {
                let include_usage = context.include_usage;
                Inner::Chat(Box::new(ChatStream::new(context, include_usage)))
            }
            Self::MessagesToChat => Inner::Messages(Box::default()),
            Self::ResponsesToChat => Inner::Responses(Box::new(ResponsesStream::new(context))),
            Self::ResponsesToMessages => {
                let chat = ChatStream::new(context.clone(), true);
                Inner::Both(Box::new(chat), Box::new(ResponsesStream::new(context)))
            }
        })
    }
}

enum Inner {
    Chat(Box<ChatStream>),
    Messages(Box<MessagesStream>),
    Responses(Box<ResponsesStream>),
    Both(Box<ChatStream>, Box<ResponsesStream>),
}

/// A streamed answer on its way into the caller's dialect.
pub struct Stream(Inner);

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream").finish_non_exhaustive()
    }
}

impl Stream {
    /// What the caller is sent for one event of the provider's: its data, with a null for `[DONE]`.
    pub fn event(&mut self, event: &Value) -> Vec<Event> {
        match &mut self.0 {
            Inner::Chat(chat) => chat.event(event).iter().map(Event::unnamed).collect(),
            Inner::Messages(messages) => messages.event(event).iter().map(Event::named).collect(),
            Inner::Responses(responses) => responses.event(event).iter().map(Event::named).collect(),
            Inner::Both(chat, responses) => {
                let chunks = chat.event(event);
                chunks
                    .iter()
                    .flat_map(|chunk| responses.event(chunk))
                    .map(|event| Event::named(&event))
                    .collect()
            }
        }
    }

    /// What the caller is sent after the provider's last event. It is called once.
    pub fn finish(&mut self) -> Vec<Event> {
        match &mut self.0 {
            Inner::Chat(chat) => {
                let done = Event { name: None, data: "[DONE]".to_owned() };
                chat.finish().iter().map(Event::unnamed).chain([done]).collect()
            }
            Inner::Messages(messages) => messages.finish().iter().map(Event::named).collect(),
            Inner::Responses(responses) => responses.finish().iter().map(Event::named).collect(),
            Inner::Both(chat, responses) => {
                let last = chat.finish().map(|chunk| responses.event(&chunk)).unwrap_or_default();
                last.iter().chain(&responses.finish()).map(Event::named).collect()
            }
        }
    }
}
