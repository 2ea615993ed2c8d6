//! Claims of a token whose signature holds. What a claim's type should be is checked where it is read.

use std::fmt;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::jws::TokenFault;

/// The claims of one token. `Debug` shows how many.
#[derive(Clone)]
pub struct Claims(Map<String, Value>);

impl Claims {
    pub(super) const fn new(claims: Map<String, Value>) -> Self {
        Self(claims)
    }

    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// A text that may be absent.
    pub(super) fn text(&self, name: &'static str) -> Result<Option<&str>, TokenFault> {
        let text = |value: &'_ Value| value.is_string();
        match self.get(name) {
            Some(value) if !text(value) => Err(TokenFault::Shape(name)),
            value => Ok(value.and_then(Value::as_str)),
        }
    }

    pub(super) fn needed_text(&self, name: &'static str) -> Result<&str, TokenFault> {
        self.text(name)?.filter(|text| !text.is_empty()).ok_or(TokenFault::Missing(name))
    }

    /// A time in seconds, which may have decimals (RFC 7519 section 2), never as a text.
    pub(super) fn seconds(&self, name: &'static str) -> Result<Option<u64>, TokenFault> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let whole = value.as_u64();
        let parts = value.as_f64().filter(|seconds| (0.0..SECONDS_MAX).contains(seconds));
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "within 0 and the year 9999"
        )]
        let seconds = whole.or_else(|| parts.map(|seconds| seconds as u64));
        seconds.filter(|seconds| *seconds < SECONDS_MAX as u64).map(Some).ok_or(TokenFault::Shape(name))
    }

    pub(super) fn needed_seconds(&self, name: &'static str) -> Result<u64, TokenFault> {
        self.seconds(name)?.ok_or(TokenFault::Missing(name))
    }

    /// One text, or a list of texts alone.
    pub(super) fn texts(&self, name: &'static str) -> Result<Vec<&str>, TokenFault> {
        texts(self.get(name)).ok_or(TokenFault::Shape(name))
    }

    /// All of them as a type.
    pub(super) fn read<T: DeserializeOwned>(self) -> Result<T, TokenFault> {
        serde_json::from_value(Value::Object(self.0)).map_err(|_| TokenFault::Malformed)
    }

    /// True or not; a text counts where the provider writes booleans so. Anything else is not true.
    pub(super) fn is_true(&self, name: &str, text_booleans: bool) -> bool {
        match self.get(name) {
            Some(Value::Bool(value)) => *value,
            Some(Value::Number(value)) => text_booleans && value.as_u64() == Some(1),
            Some(Value::String(value)) => {
                text_booleans && (value.eq_ignore_ascii_case("true") || value == "1")
            }
            _ => false,
        }
    }
}

/// The year 9999.
const SECONDS_MAX: f64 = 253_402_300_800.0;

/// `None` for what is neither a text nor a list of texts; absent is an empty list.
pub(super) fn texts(value: Option<&Value>) -> Option<Vec<&str>> {
    match value {
        None => Some(Vec::new()),
        Some(Value::String(text)) => Some(vec![text]),
        Some(Value::Array(list)) => list.iter().map(Value::as_str).collect(),
        Some(_) => None,
    }
}

impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Claims({})", self.0.len())
    }
}
