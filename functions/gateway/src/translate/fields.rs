//! Reading a request so that nothing in it is lost by accident: what nobody took must be harmless, or it is refused.

use serde_json::{Map, Value};

/// A request, or a part of one, that the provider's dialect has no words for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{param}` cannot be translated for this provider: {why}")]
pub struct Untranslatable {
    /// Where: field names of the caller's dialect and indexes, never the caller's text. Empty means the whole body.
    pub param: String,
    pub why: &'static str,
}

impl Untranslatable {
    pub fn at(param: impl Into<String>, why: &'static str) -> Self {
        Self { param: param.into(), why }
    }

    /// The same fault as seen from the object around it.
    pub fn inside(self, outer: &str) -> Self {
        let param = match self.param.as_str() {
            "" => outer.to_owned(),
            inner if inner.starts_with('[') => format!("{outer}{inner}"),
            inner => format!("{outer}.{inner}"),
        };
        Self { param, ..self }
    }
}

pub type Outcome<T> = Result<T, Untranslatable>;

/// A field that says nothing when it has a certain value: its name, that test, and why any other value is refused.
pub type Harmless = (&'static str, fn(&Value) -> bool, &'static str);

pub const UNKNOWN: &str = "it holds a field that the translation does not know";
pub const NO_COUNTERPART: &str = "this provider has nothing like it";
const NO_OBJECT: &str = "an object belongs here";
const NO_TEXT: &str = "a string belongs here";
const NO_LIST: &str = "an array belongs here";
const NO_NUMBER: &str = "a number belongs here";
const NO_FLAG: &str = "true or false belongs here";
const ABSENT: &str = "it is required";

/// The fields of an object that nobody took yet. A null counts as absent in every dialect.
pub struct Fields(Map<String, Value>);

impl Fields {
    pub const fn new(fields: Map<String, Value>) -> Self {
        Self(fields)
    }

    pub fn of(value: Value) -> Outcome<Self> {
        match value {
            Value::Object(fields) => Ok(Self(fields)),
            _ => Err(Untranslatable::at("", NO_OBJECT)),
        }
    }

    pub fn take(&mut self, name: &str) -> Option<Value> {
        self.0.swap_remove(name).filter(|value| !value.is_null())
    }

    pub fn text(&mut self, name: &str) -> Outcome<Option<String>> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Untranslatable::at(name, NO_TEXT)),
        }
    }

    pub fn need_text(&mut self, name: &str) -> Outcome<String> {
        self.text(name)?.ok_or_else(|| Untranslatable::at(name, ABSENT))
    }

    pub fn flag(&mut self, name: &str) -> Outcome<Option<bool>> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(flag)),
            Some(_) => Err(Untranslatable::at(name, NO_FLAG)),
        }
    }

    pub fn number(&mut self, name: &str) -> Outcome<Option<Value>> {
        match self.take(name) {
            None => Ok(None),
            Some(number @ Value::Number(_)) => Ok(Some(number)),
            Some(_) => Err(Untranslatable::at(name, NO_NUMBER)),
        }
    }

    pub fn list(&mut self, name: &str) -> Outcome<Vec<Value>> {
        match self.take(name) {
            None => Ok(Vec::new()),
            Some(Value::Array(items)) => Ok(items),
            Some(_) => Err(Untranslatable::at(name, NO_LIST)),
        }
    }

    pub fn object(&mut self, name: &str) -> Outcome<Option<Self>> {
        self.take(name).map(Self::of).transpose().map_err(|fault| fault.inside(name))
    }

    pub fn need_object(&mut self, name: &str) -> Outcome<Self> {
        self.object(name)?.ok_or_else(|| Untranslatable::at(name, ABSENT))
    }

    /// Reads every item of a list as an object.
    pub fn each<T>(&mut self, name: &str, read: impl FnMut(Self) -> Outcome<T>) -> Outcome<Vec<T>> {
        each(name, self.list(name)?, read)
    }

    /// Nothing else may be in the object but what is harmless.
    pub fn end(mut self, harmless: &[Harmless]) -> Outcome<()> {
        for (name, says_nothing, why) in harmless {
            if self.take(name).is_some_and(|value| !says_nothing(&value)) {
                return Err(Untranslatable::at(*name, why));
            }
        }
        // The name of the stray field is the caller's text, so only its place is told.
        if self.0.values().all(Value::is_null) { Ok(()) } else { Err(Untranslatable::at("", UNKNOWN)) }
    }
}

/// Reads every item of a list as an object; a fault says which item.
pub fn each<T>(name: &str, items: Vec<Value>, mut read: impl FnMut(Fields) -> Outcome<T>) -> Outcome<Vec<T>> {
    let read_at = |(n, item)| {
        Fields::of(item)
            .and_then(&mut read)
            .map_err(|fault: Untranslatable| fault.inside(&format!("{name}[{n}]")))
    };
    items.into_iter().enumerate().map(read_at).collect()
}

/// Sets a field of the translation, if there is anything to set.
pub fn set(out: &mut Map<String, Value>, name: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        out.insert(name.to_owned(), value.into());
    }
}

/// An object of the given fields.
pub fn object<const N: usize>(fields: [(&str, Value); N]) -> Map<String, Value> {
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

pub const fn always(_: &Value) -> bool {
    true
}

pub const fn never(_: &Value) -> bool {
    false
}

pub fn is_false(value: &Value) -> bool {
    *value == Value::Bool(false)
}

pub fn is_true(value: &Value) -> bool {
    *value == Value::Bool(true)
}

pub fn is_zero(value: &Value) -> bool {
    value.as_f64() == Some(0.0)
}

pub fn is_one(value: &Value) -> bool {
    value.as_f64() == Some(1.0)
}

/// An empty list, object or string.
pub fn is_empty(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::String(text) => text.is_empty(),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

pub fn is_auto(value: &Value) -> bool {
    value.as_str() == Some("auto")
}

/// The one text part of a list as its text alone, which every server of the dialect takes; otherwise the list.
pub fn collapse(mut parts: Vec<Value>) -> Value {
    let plain = |part: &Value| {
        part.as_object()
            .is_some_and(|part| part.len() == 2 && part.get("type").and_then(Value::as_str) == Some("text"))
    };
    if parts.len() == 1 && parts.iter().all(plain) {
        let only = parts.pop().and_then(|mut part| part.get_mut("text").map(Value::take));
        return only.unwrap_or_default();
    }
    Value::Array(parts)
}
