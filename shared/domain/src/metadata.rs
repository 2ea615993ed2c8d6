//! The `metadata` column: details of an event as JSON text, from closed sets only.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Code;

/// A value that nobody outside can choose: a count, a code, or a yes or no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MetaValue {
    Count(u64),
    Flag(bool),
    Code(Code),
}

/// Details of an event, by name. In the record a JSON text, as the column is one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Metadata(BTreeMap<Code, MetaValue>);

impl Metadata {
    /// With one more detail. A name that is no [`Code`] is left out: names are literals of ours.
    #[must_use]
    pub fn with(mut self, name: &str, value: MetaValue) -> Self {
        if let Ok(name) = name.parse() {
            self.0.insert(name, value);
        }
        self
    }

    #[must_use]
    pub fn count(self, name: &str, count: u64) -> Self {
        self.with(name, MetaValue::Count(count))
    }

    #[must_use]
    pub fn flag(self, name: &str, flag: bool) -> Self {
        self.with(name, MetaValue::Flag(flag))
    }

    fn to_json(&self) -> serde_json::Value {
        let value = |value: &MetaValue| match value {
            MetaValue::Count(count) => serde_json::Value::from(*count),
            MetaValue::Flag(flag) => serde_json::Value::from(*flag),
            MetaValue::Code(code) => serde_json::Value::from(code.as_str()),
        };
        self.0.iter().map(|(name, it)| (name.as_str().to_owned(), value(it))).collect()
    }

    fn from_json(value: serde_json::Value) -> Option<Self> {
        let serde_json::Value::Object(fields) = value else { return None };
        let read = |value: serde_json::Value| match value {
            serde_json::Value::Number(number) => number.as_u64().map(MetaValue::Count),
            serde_json::Value::Bool(flag) => Some(MetaValue::Flag(flag)),
            serde_json::Value::String(text) => text.parse().ok().map(MetaValue::Code),
            _ => None,
        };
        fields
            .into_iter()
            .map(|(name, value)| Some((name.parse().ok()?, read(value)?)))
            .collect::<Option<_>>()
            .map(Self)
    }
}

impl Serialize for Metadata {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_json().to_string())
    }
}

impl<'de> Deserialize<'de> for Metadata {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        let parsed = serde_json::from_str(&text).ok().and_then(Self::from_json);
        parsed
            .ok_or_else(|| serde::de::Error::custom("metadata must be JSON text of counts, flags and codes"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_json_text_of_closed_values() {
        let metadata = Metadata::default().count("held_tokens", 7).flag("clamped", true);
        let text = serde_json::to_string(&metadata).unwrap();
        assert_eq!(text, r#""{\"clamped\":true,\"held_tokens\":7}""#);
        assert_eq!(serde_json::from_str::<Metadata>(&text).unwrap(), metadata);
        for bad in [r#""[]""#, r#""{\"a\":\"Free text\"}""#, r#""{\"a\":-1}""#, "{}", r#""{\"a\":{}}""#] {
            assert!(serde_json::from_str::<Metadata>(bad).is_err(), "{bad}");
        }
    }
}
