//! What a channel was told to do.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize};

/// Set by `PUT /_control/<channel>`; every field may be left out, unknown ones are refused.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Behaviour {
    /// Status of the answer; 200 when left out. From 400 on, without a `body`, the answer is an error in OpenAI's shape.
    pub(super) status: Option<u16>,
    /// The whole answer, byte for byte.
    pub(super) body: Option<String>,
    /// Wait before answering; the request is recorded before the wait.
    pub(super) delay_ms: u64,
    /// Reported usage; `null` leaves it out of the answer; absent counts words.
    #[serde(deserialize_with = "present")]
    pub(super) usage: Option<Option<Usage>>,
    /// The assistant's text, instead of the echo.
    pub(super) content: Option<String>,
    /// Close the connection without an answer.
    pub(super) drop: bool,
    /// Promise the whole length, send half, close the connection.
    pub(super) truncate: bool,
    /// Headers set on the answer.
    pub(super) headers: BTreeMap<String, String>,
}

/// Tokens as OpenAI reports them; the sum is derived.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Usage {
    pub(super) prompt_tokens: u64,
    pub(super) completion_tokens: u64,
}

impl Behaviour {
    /// Fails on what is no JSON, an unknown field or a value of the wrong type.
    pub(super) fn parse(body: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(body)
    }

    pub(super) fn delay(&self) -> Duration {
        Duration::from_millis(self.delay_ms)
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
    }
}
