//! What a channel was told to do.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// Set by `PUT /_control/<channel>`; every field may be left out, unknown ones are refused.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Behaviour {
    /// Status of the answer; 200 when left out. From 400 on, without a `body`, the answer is an error in the dialect.
    pub(super) status: Option<u16>,
    /// The whole answer, byte for byte, streamed or not.
    pub(super) body: Option<String>,
    /// Wait before answering; the request is recorded before the wait.
    pub(super) delay_ms: u64,
    /// Reported usage; `null` leaves it out of the answer; absent counts words.
    #[serde(deserialize_with = "present")]
    pub(super) usage: Option<Option<Usage>>,
    /// What stands in the place of usage, verbatim: negative numbers, words, half an object.
    pub(super) usage_raw: Option<Value>,
    /// The assistant's text, instead of the echo.
    pub(super) content: Option<String>,
    /// Close the connection without an answer.
    pub(super) drop: bool,
    /// Send half of the answer, then close the connection. Whole answers promise their whole length.
    pub(super) truncate: bool,
    /// Headers set on the answer.
    pub(super) headers: BTreeMap<String, String>,
    /// Tools to call, instead of text. Not when the last message is a tool's result: loops would never end.
    pub(super) tool_calls: Vec<ToolCall>,
    /// Text of the model's reasoning, before everything else.
    pub(super) reasoning: Option<String>,
    /// The reason to stop, verbatim, instead of the dialect's own.
    pub(super) finish: Option<String>,
    /// Answer 200 with an error of the dialect as the body, streamed or not.
    pub(super) error_inside: bool,
    /// How deltas of a stream are cut, in characters; 3 when left out or 0.
    pub(super) chunk_chars: usize,
    /// Wait before every event of a stream but the first.
    pub(super) event_delay_ms: u64,
    /// Longest piece of a stream that is written at once, in bytes; 0 writes whole events.
    pub(super) write_bytes: usize,
    /// Send an event only for each one that `POST /_step/<channel>` allowed.
    pub(super) stepped: bool,
    /// How a stream's events are written.
    pub(super) framing: Framing,
    /// Accept histories that the vendor refuses, such as thinking with a foreign signature.
    pub(super) lenient: bool,
    /// What goes wrong in a stream.
    pub(super) sse: Option<Fault>,
    /// How many events are sent well before that; half of them when left out.
    pub(super) sse_after: Option<usize>,
    /// A stream's events instead of the own ones: objects in the dialect's framing, strings as bare `data:` lines.
    pub(super) raw_events: Option<Vec<Value>>,
}

/// Length of the event that nobody should buffer.
pub(super) const LONG_EVENT_BYTES: usize = 8 << 20;

/// All are right by <https://html.spec.whatwg.org/multipage/server-sent-events.html>; vendors and proxies differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Framing {
    /// As the vendors write them.
    #[default]
    Plain,
    /// Lines end with CR and LF.
    Crlf,
    /// Lines end with CR alone.
    Cr,
    /// No blank after the colons.
    Tight,
    /// Comments, ids and retry times around the events, and a byte order mark before the first.
    Noisy,
    /// JSON over several `data:` lines.
    Multiline,
}

/// A fault in a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Fault {
    /// An event whose data is no JSON; the stream goes on after it.
    Malformed,
    /// An event whose data is no UTF-8; the stream goes on after it.
    BadUtf8,
    /// An event of [`LONG_EVENT_BYTES`] in one line; the stream goes on after it.
    LongEvent,
    /// One event after the other without the empty line between them: readers see a single one.
    Unseparated,
    /// Nothing more is sent, the connection stays open.
    Stall,
    /// Half an event, then the connection is closed.
    Truncate,
    /// The stream ends properly, without its last events and its end mark.
    NoEnd,
    /// The dialect's error event, then a proper end. That of Responses nests its error, as OpenAI does in fact.
    ErrorEvent,
    /// The same with the flat error of Responses that OpenAI documents, and which its SDK does not take for one.
    FlatErrorEvent,
    /// As `error_event`, but Responses end with `response.failed`.
    Failed,
    /// Every character of several bytes is cut in the middle by two writes. `sse_after` means nothing here.
    SplitUtf8,
}

/// Tokens as the dialects report them; the sum is derived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Usage {
    pub(super) prompt_tokens: u64,
    pub(super) completion_tokens: u64,
    /// Of the prompt's tokens.
    #[serde(default)]
    pub(super) cached_tokens: u64,
    /// Of the completion's tokens.
    #[serde(default)]
    pub(super) reasoning_tokens: u64,
}

/// One call of a tool.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ToolCall {
    pub(super) name: String,
    /// An object, or a string that is sent as it is: models write JSON that is none.
    #[serde(default)]
    pub(super) arguments: Value,
}

impl ToolCall {
    /// The arguments as models send them: JSON text.
    pub(super) fn arguments_text(&self) -> String {
        match &self.arguments {
            Value::String(text) => text.clone(),
            Value::Null => "{}".to_owned(),
            value => value.to_string(),
        }
    }
}

impl Behaviour {
    /// Fails on what is no JSON, an unknown field or a value of the wrong type.
    pub(super) fn parse(body: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(body)
    }

    pub(super) fn delay(&self) -> Duration {
        Duration::from_millis(self.delay_ms)
    }

    pub(super) fn chunk_chars(&self) -> usize {
        if self.chunk_chars == 0 { 3 } else { self.chunk_chars }
    }

    /// `truncate` is the same fault by its older name.
    pub(super) fn stream_fault(&self) -> Option<Fault> {
        self.sse.or_else(|| self.truncate.then_some(Fault::Truncate))
    }
}

/// Tells `null` (`Some(None)`) from a missing field (`None`).
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<Usage>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_may_be_absent_null_or_given() {
        let usage = |text: &str| Behaviour::parse(text.as_bytes()).unwrap().usage;
        assert!(usage("{}").is_none());
        assert!(matches!(usage(r#"{"usage":null}"#), Some(None)));
        let given = usage(r#"{"usage":{"prompt_tokens":3,"completion_tokens":4}}"#).flatten().unwrap();
        assert_eq!((given.prompt_tokens, given.completion_tokens), (3, 4));
    }

    #[test]
    fn a_misspelt_field_is_refused() {
        assert!(Behaviour::parse(br#"{"staus":500}"#).is_err());
        assert!(Behaviour::parse(br#"{"sse":"explode"}"#).is_err());
    }

    #[test]
    fn arguments_are_text_whatever_was_given() {
        let call = |arguments| ToolCall { name: "t".to_owned(), arguments }.arguments_text();
        assert_eq!(call(serde_json::json!({ "a": 1 })), r#"{"a":1}"#);
        assert_eq!(call(Value::from("{no")), "{no");
        assert_eq!(call(Value::Null), "{}");
    }
}
