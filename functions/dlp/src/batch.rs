//! What a body holds: one text, one JSON value, or up to a hundred of them; and the same shape for what is answered.

use std::collections::BTreeSet;

use caller::{Fault, json};
use domain::Reason;
use serde_json::{Map, Value};

/// Most items of one request.
pub const MAX_ITEMS: usize = 100;
/// Longest id of an item, in bytes.
const MAX_ID_BYTES: usize = 128;

/// What an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Text,
    Json,
}

impl Form {
    const fn field(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
        }
    }
}

/// A request's contents, each with its place in [`Shape`].
pub struct Batch {
    pub shape: Shape,
    pub contents: Vec<Value>,
}

/// Shows nothing of the contents.
impl std::fmt::Debug for Batch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Batch").field("items", &self.contents.len()).finish_non_exhaustive()
    }
}

/// How contents are put before their caller.
pub struct Shape {
    /// Whether the body is itself the one item.
    single: bool,
    items: Vec<(Option<String>, Form)>,
}

/// Shows no id.
impl std::fmt::Debug for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shape").field("items", &self.items.len()).finish_non_exhaustive()
    }
}

impl Batch {
    /// Reads a body's text.
    ///
    /// # Errors
    /// Not JSON as [`json::parse`] reads it, or not the form of a request.
    pub fn read(body: &str) -> Result<Self, Fault> {
        let Value::Object(mut body) = json::parse(body)? else { return Err(no_request()) };
        if !body.contains_key("items") {
            let (form, content) = content(body, "")?;
            let shape = Shape { single: true, items: vec![(None, form)] };
            return Ok(Self { shape, contents: vec![content] });
        }
        let items = match body.shift_remove("items") {
            Some(Value::Array(items)) if (1..=MAX_ITEMS).contains(&items.len()) && body.is_empty() => items,
            _ => {
                let hint = format!("send a list of 1 to {MAX_ITEMS} items, and nothing beside it");
                return Err(Fault::at(Reason::InvalidField, "items", &hint));
            }
        };
        let mut batch = Self { shape: Shape { single: false, items: Vec::new() }, contents: Vec::new() };
        let mut ids = BTreeSet::new();
        for (n, one) in items.into_iter().enumerate() {
            let (id, form, content) = item(one, n)?;
            if id.as_ref().is_some_and(|id| !ids.insert(id.clone())) {
                return Err(Fault::at(
                    Reason::InvalidField,
                    format!("items[{n}].id"),
                    "every id stands once",
                ));
            }
            batch.shape.items.push((id, form));
            batch.contents.push(content);
        }
        Ok(batch)
    }
}

fn no_request() -> Fault {
    let hint = "send a JSON object with `text`, `json` or `items`";
    Fault { hint: Some(hint.to_owned()), ..Fault::new(Reason::InvalidField) }
}

fn item(item: Value, n: usize) -> Result<(Option<String>, Form, Value), Fault> {
    let place = format!("items[{n}]");
    let Value::Object(mut item) = item else {
        return Err(Fault::at(Reason::InvalidField, place, "send an object with `text` or `json`"));
    };
    let id = match item.shift_remove("id") {
        None => None,
        Some(Value::String(id)) if (1..=MAX_ID_BYTES).contains(&id.len()) => Some(id),
        Some(_) => {
            let hint = format!("send 1 to {MAX_ID_BYTES} bytes of text, or leave it out");
            return Err(Fault::at(Reason::InvalidField, format!("{place}.id"), &hint));
        }
    };
    let (form, content) = content(item, &place)?;
    Ok((id, form, content))
}

/// Exactly one of `text` and `json`, and nothing else. Names that are not ours are not repeated: they are the caller's text.
fn content(mut fields: Map<String, Value>, place: &str) -> Result<(Form, Value), Fault> {
    let fault = |hint: &str| {
        let param = Some(place.to_owned()).filter(|place| !place.is_empty());
        Err(Fault { reason: Reason::InvalidField, param, hint: Some(hint.to_owned()) })
    };
    if fields.len() != 1 {
        return fault("send exactly one of `text` and `json`, and no other field but an item's `id`");
    }
    match (fields.shift_remove("text"), fields.shift_remove("json")) {
        (Some(text @ Value::String(_)), None) => Ok((Form::Text, text)),
        (Some(_), None) => fault("`text` is a string; send anything else as `json`"),
        (None, Some(value)) => Ok((Form::Json, value)),
        _ => fault("send `text` or `json`"),
    }
}

impl Shape {
    pub fn len(&self) -> usize {
        self.items.len()
    }

    pub fn forms(&self) -> impl Iterator<Item = Form> {
        self.items.iter().map(|(_, form)| *form)
    }

    /// Contents where they came from: beside `more` when there is one, else each an item of its own.
    pub fn with_contents(&self, contents: Vec<Value>, more: Map<String, Value>) -> Value {
        let contents = self.forms().zip(contents);
        self.with(contents.map(|(form, content)| field(form.field(), content)).collect(), more)
    }

    /// The same with whole fields per item.
    pub fn with(&self, each: Vec<Map<String, Value>>, more: Map<String, Value>) -> Value {
        if self.single {
            return each.into_iter().flatten().chain(more).collect();
        }
        let item = |(fields, (id, _)): (Map<String, Value>, &(Option<String>, Form))| -> Value {
            let id = id.as_ref().map(|id| ("id".to_owned(), Value::from(id.as_str())));
            id.into_iter().chain(fields).collect()
        };
        let items: Vec<Value> = each.into_iter().zip(&self.items).map(item).collect();
        std::iter::once(("items".to_owned(), Value::from(items))).chain(more).collect()
    }
}

/// An object of one field.
pub fn field(name: &str, value: Value) -> Map<String, Value> {
    std::iter::once((name.to_owned(), value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(body: &Value) -> Result<Batch, Fault> {
        Batch::read(&body.to_string())
    }

    #[test]
    fn what_is_asked_comes_back_in_its_shape() {
        for body in [
            json!({"text": "hi"}),
            json!({"text": ""}),
            json!({"json": null}),
            json!({"json": {"text": 1, "items": []}}),
            json!({"items": [{"text": "hi"}]}),
            json!({"items": [{"id": "a", "json": [1]}, {"text": "x"}, {"id": "b", "text": "x"}]}),
        ] {
            let batch = read(&body).unwrap();
            assert_eq!(batch.shape.len(), batch.contents.len());
            assert_eq!(batch.shape.with_contents(batch.contents, Map::new()), body);
        }
        let all = json!({"items": vec![json!({"text": "x"}); MAX_ITEMS]});
        assert_eq!(read(&all).unwrap().contents.len(), MAX_ITEMS);
    }

    #[test]
    fn what_is_no_request_is_refused_with_its_place() {
        let long = "x".repeat(MAX_ID_BYTES + 1);
        for (body, place) in [
            (json!([]), None),
            (json!("x"), None),
            (json!({}), None),
            (json!({"text": 1}), None),
            (json!({"text": null}), None),
            (json!({"text": "a", "json": 1}), None),
            (json!({"text": "a", "dana@example.com": 1}), None),
            (json!({"dana@example.com": 1}), None),
            (json!({"id": "a", "text": "a"}), None),
            (json!({"items": []}), Some("items")),
            (json!({"items": {}}), Some("items")),
            (json!({"items": [{"text": "a"}], "text": "b"}), Some("items")),
            (json!({"items": vec![json!({"text": "x"}); MAX_ITEMS + 1]}), Some("items")),
            (json!({"items": [{"text": "a"}, "b"]}), Some("items[1]")),
            (json!({"items": [{"text": "a"}, {}]}), Some("items[1]")),
            (json!({"items": [{"id": 1, "text": "a"}]}), Some("items[0].id")),
            (json!({"items": [{"id": "", "text": "a"}]}), Some("items[0].id")),
            (json!({"items": [{"id": long, "text": "a"}]}), Some("items[0].id")),
            (json!({"items": [{"id": "a", "text": "a"}, {"id": "a", "text": "b"}]}), Some("items[1].id")),
        ] {
            let fault = read(&body).unwrap_err();
            assert_eq!((fault.reason, fault.param.as_deref()), (Reason::InvalidField, place), "{body}");
            assert!(!format!("{fault:?}").contains("dana@"), "{fault:?}");
        }
    }

    #[test]
    fn what_two_parsers_could_read_differently_is_refused() {
        let nested = |depth: usize| format!("{{\"json\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
        for (body, reason) in [
            (String::new(), Reason::InvalidJson),
            ("{\"text\":\"a\"} x".to_owned(), Reason::InvalidJson),
            ("{\"text\":\"a\",\"text\":\"b\"}".to_owned(), Reason::DuplicateKey),
            (nested(json::MAX_DEPTH), Reason::NestedTooDeep),
        ] {
            assert_eq!(Batch::read(&body).unwrap_err().reason, reason, "{body}");
        }
        assert!(Batch::read(&nested(json::MAX_DEPTH - 1)).is_ok());
    }
}
