//! Strict JSON: what two parsers could read differently is refused here, once, for everything behind.
//!
//! RFC 8259 section 4 leaves the meaning of repeated keys open: a guard that reads the first and a provider that
//! reads the last would disagree about what was checked.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// Deepest nesting that is read. The redactor walks as deep and no deeper, which each function's tests hold true.
pub const MAX_DEPTH: usize = 64;

/// Most values that one text may hold, itself and all below it included.
pub const MAX_NODES: usize = 100_000;

/// Why a text is not read. Places only, never the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JsonFault {
    #[error("the body is not valid JSON (line {line}, column {column})")]
    Syntax { line: usize, column: usize },
    #[error("the body repeats an object key (line {line}, column {column}); every key may stand once")]
    DuplicateKey { line: usize, column: usize },
    #[error("the body is nested more than {MAX_DEPTH} levels deep")]
    TooDeep,
    #[error("the body holds more values than are read")]
    TooMany,
}

/// Reads exactly one JSON value.
///
/// # Errors
/// Not JSON, a repeated key at any depth, or nested too deeply.
pub fn parse(text: &str) -> Result<Value, JsonFault> {
    parse_up_to(text, MAX_NODES)
}

/// The same of a text that may hold another number of values.
///
/// # Errors
/// As [`parse`].
pub fn parse_up_to(text: &str, most: usize) -> Result<Value, JsonFault> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let nodes = Cell::new(most);
    let read = Strict { depth: 0, nodes: &nodes }.deserialize(&mut deserializer);
    read.and_then(|value| deserializer.end().map(|()| value)).map_err(|error| fault(&error))
}

const DUPLICATE: &str = "countersign: repeated key";
const DEEP: &str = "countersign: too deep";
const MANY: &str = "countersign: too many";

fn fault(error: &serde_json::Error) -> JsonFault {
    let (line, column, text) = (error.line(), error.column(), error.to_string());
    if text.starts_with(DUPLICATE) {
        JsonFault::DuplicateKey { line, column }
    } else if text.starts_with(DEEP) || text.starts_with("recursion limit") {
        JsonFault::TooDeep
    } else if text.starts_with(MANY) {
        JsonFault::TooMany
    } else {
        JsonFault::Syntax { line, column }
    }
}

#[derive(Clone, Copy)]
struct Strict<'n> {
    depth: usize,
    /// How many more there may be.
    nodes: &'n Cell<usize>,
}

impl Strict<'_> {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        if self.depth >= MAX_DEPTH {
            Err(E::custom(DEEP))
        } else {
            Ok(Self { depth: self.depth + 1, ..self })
        }
    }

    /// Counts one value: four bytes of text can become a hundred of memory.
    fn count<E: serde::de::Error>(self) -> Result<(), E> {
        let left = self.nodes.get().checked_sub(1).ok_or_else(|| E::custom(MANY))?;
        self.nodes.set(left);
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.count()?;
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(inner)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut map = Map::new();
        while let Some(key) = fields.next_key::<String>()? {
            let value = fields.next_value_seed(inner)?;
            if map.insert(key, value).is_some() {
                return Err(A::Error::custom(DUPLICATE));
            }
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn plain_json_reads_as_ever() {
        let text = r#" {"a": [1, -2, 1.5, true, null, "x\u00e9"], "b": {"a": {}}} "#;
        assert_eq!(parse(text), Ok(json!({"a": [1, -2, 1.5, true, null, "xé"], "b": {"a": {}}})));
    }

    #[test]
    fn a_small_text_of_many_values_is_refused() {
        let list = |values: usize| format!("[{}0]", "0,".repeat(values - 2));
        assert!(parse(&list(MAX_NODES)).is_ok());
        assert_eq!(parse(&list(MAX_NODES + 1)), Err(JsonFault::TooMany));
    }

    #[test]
    fn objects_keep_the_order_they_were_written_in() {
        let text = r#"{"reasoning":1,"answer":{"z":1,"a":2}}"#;
        assert_eq!(parse(text).unwrap().to_string(), text);
    }

    #[test]
    fn what_parsers_disagree_on_is_refused() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(parse(&nested(MAX_DEPTH)).is_ok());
        for (text, duplicate, deep) in [
            (r#"{"a":1,"a":2}"#, true, false),
            (r#"{"a":1,"\u0061":2}"#, true, false),
            (r#"[{"x":{"b":1,"b":1}}]"#, true, false),
            (&nested(MAX_DEPTH + 1), false, true),
            (&nested(1_000), false, true),
            ("", false, false),
            ("{", false, false),
            ("{} {}", false, false),
            (r#"{"a":01}"#, false, false),
            (r#""\ud800""#, false, false),
            ("NaN", false, false),
        ] {
            let fault = parse(text).unwrap_err();
            assert_eq!(matches!(fault, JsonFault::DuplicateKey { .. }), duplicate, "{fault}");
            assert_eq!(matches!(fault, JsonFault::TooDeep), deep, "{fault}");
        }
    }
}
