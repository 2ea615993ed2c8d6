//! From text to JSON in which every key stands once, and from JSON to types, with the fault's place.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeOwned, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, de};
use serde_json::{Map, Value};
use serde_path_to_error::{Path, Segment};

use super::fault::{Fault, Faults, shown};
use crate::gate_names::Answers;

/// The longest text of a document.
pub(super) const MAX_BYTES: usize = 64 << 10;

/// The document's outer form; what is in its lists is read one by one, so that one fault does not hide another.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Raw {
    pub v: u64,
    #[serde(default)]
    pub allow: Vec<Value>,
    #[serde(default)]
    pub gates: Vec<Map<String, Value>>,
    pub cedar: Option<String>,
    #[serde(default)]
    pub approvals: BTreeMap<String, Map<String, Value>>,
    #[serde(default)]
    pub answers: Answers,
}

pub(super) fn read(text: &str) -> Result<Raw, Faults> {
    if text.len() > MAX_BYTES {
        return Err(Faults::one(
            "",
            format!("the document may have {MAX_BYTES} bytes and has {}", text.len()),
        ));
    }
    let whole = strict(text).map_err(|fault| Faults::one(fault.at, fault.hint))?;
    let raw: Raw = typed(whole, "").map_err(|fault| Faults::one(fault.at, fault.hint))?;
    if raw.v == 1 { Ok(raw) } else { Err(Faults::one("/v", "this version reads documents of `\"v\": 1`")) }
}

fn strict(text: &str) -> Result<Value, Fault> {
    let mut json = serde_json::Deserializer::from_str(text);
    let read: Result<Once, _> = serde_path_to_error::deserialize(&mut json);
    let Once(value) = read.map_err(|error| fault("", error.path(), error.inner()))?;
    let end = json.end().map(|()| value);
    end.map_err(|error| Fault { at: String::new(), hint: said(&error) })
}

/// Reads a part of the document that stands at `at`.
pub(super) fn typed<T: DeserializeOwned>(value: Value, at: &str) -> Result<T, Fault> {
    serde_path_to_error::deserialize(value).map_err(|error| fault(at, error.path(), error.inner()))
}

fn fault(at: &str, path: &Path, error: &serde_json::Error) -> Fault {
    let mut at = at.to_owned();
    for segment in path.iter() {
        at += &match segment {
            Segment::Seq { index } => format!("/{index}"),
            Segment::Map { key } => format!("/{}", shown(key)),
            Segment::Enum { variant } => format!("/{}", shown(variant)),
            Segment::Unknown => String::new(),
        };
    }
    Fault { at, hint: said(error) }
}

/// What serde says, without the document's own values. It quotes them in front of `, expected`, and nowhere else.
fn said(error: &serde_json::Error) -> String {
    let place = format!(" at line {} column {}", error.line(), error.column());
    let full = error.to_string();
    let message = full.strip_suffix(&place).unwrap_or(&full);
    let kinds = ["unknown field", "unknown variant", "invalid type", "invalid value", "invalid length"];
    let kind = kinds.into_iter().find(|kind| message.starts_with(kind));
    let safe = match (kind, message.rsplit_once(", expected ")) {
        (None, _) => message.to_owned(),
        (Some("unknown variant"), Some((_, expected))) => format!("unknown word: use {expected}"),
        (Some("unknown field"), Some((unknown, expected))) => {
            let name = unknown.split('`').nth(1).map_or("?", shown);
            format!("`{name}` is not known here: use {expected}")
        }
        (Some("unknown field"), None) => "nothing more is known here".to_owned(),
        (Some(kind), Some((_, expected))) => format!("{kind}: expected {expected}"),
        (Some(kind), None) => kind.to_owned(),
    };
    if error.line() == 0 {
        safe
    } else {
        format!("{safe} (line {}, column {})", error.line(), error.column())
    }
}

/// JSON in which every key stands once. Of two the reader would silently take the last.
struct Once(Value);

impl<'de> Deserialize<'de> for Once {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OnceVisitor).map(Self)
    }
}

struct OnceVisitor;

impl<'de> Visitor<'de> for OnceVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(Once(item)) = list.next_element()? {
            items.push(item);
        }
        Ok(items.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut fields = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            let Once(value) = map.next_value()?;
            let twice = format!("`{}` stands twice", shown(&key));
            if fields.insert(key, value).is_some() {
                return Err(A::Error::custom(twice));
            }
        }
        Ok(fields.into())
    }
}
