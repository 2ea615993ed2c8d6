//! Where contents hold what: places, types and scores, and never a value.
//!
//! Offsets count Unicode code points, since that is what a caller's language counts in, or converts from without our tables.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::batch::Form;
use crate::engine::{Found, Policy};

/// Looks through a content: every string, object key and whole number of a JSON value.
pub fn look(policy: &Policy, form: Form, content: &Value, counts: &mut BTreeMap<String, u64>) -> Vec<Value> {
    let mut walk = Walk { policy, form, list: Vec::new(), counts, path: String::new() };
    walk.value(content, None);
    walk.list
}

struct Walk<'a> {
    policy: &'a Policy,
    form: Form,
    list: Vec<Value>,
    counts: &'a mut BTreeMap<String, u64>,
    /// JSON pointer (RFC 6901) of what is looked at.
    path: String,
}

impl Walk<'_> {
    fn value(&mut self, value: &Value, field: Option<&str>) {
        match value {
            Value::String(text) => self.text(text, field),
            Value::Number(number) if !number.is_f64() => self.text(&number.to_string(), field),
            Value::Array(items) => {
                for (n, item) in items.iter().enumerate() {
                    self.below(&n.to_string(), |walk| walk.value(item, field));
                }
            }
            Value::Object(fields) => self.object(fields),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// A name that holds a finding is itself a value: in paths its number stands for it.
    fn object(&mut self, fields: &Map<String, Value>) {
        for (n, (name, value)) in fields.iter().enumerate() {
            let found = self.policy.detect(name, None);
            let segment = if found.is_empty() { escaped(name) } else { format!("#{n}") };
            self.below(&segment, |walk| {
                walk.tell(name, &found, true);
                walk.value(value, Some(name));
            });
        }
    }

    fn below(&mut self, segment: &str, look: impl FnOnce(&mut Self)) {
        let length = self.path.len();
        self.path.push('/');
        self.path.push_str(segment);
        look(self);
        self.path.truncate(length);
    }

    fn text(&mut self, text: &str, field: Option<&str>) {
        let policy = self.policy;
        let found = policy.detect(text, field);
        self.tell(text, &found, false);
    }

    fn tell(&mut self, text: &str, found: &[Found<'_>], name: bool) {
        let mut points = Points::default();
        for one in found {
            let (start, end) = (points.at(text, one.start), points.at(text, one.end));
            let fields = [
                ("type", Some(json!(one.kind))),
                ("group", Some(json!(one.group))),
                ("start", Some(json!(start))),
                ("end", Some(json!(end))),
                ("path", (self.form == Form::Json).then(|| json!(self.path))),
                ("in", name.then(|| json!("name"))),
                ("score", Some(json!(score(one.score)))),
                ("action", Some(json!(one.action))),
            ];
            let fields = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
            self.list.push(fields.collect());
            *self.counts.entry(one.kind.to_owned()).or_default() += 1;
        }
    }
}

/// Two digits: more would be an accident of binary fractions.
fn score(score: f32) -> f64 {
    (f64::from(score) * 100.0).round() / 100.0
}

/// A name in a JSON pointer (RFC 6901 section 3).
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// Code points before a byte, asked for in rising order: the text is read once.
#[derive(Default)]
struct Points {
    bytes: usize,
    points: usize,
}

impl Points {
    fn at(&mut self, text: &str, byte: usize) -> usize {
        self.points += text.get(self.bytes..byte).unwrap_or_default().chars().count();
        self.bytes = self.bytes.max(byte);
        self.points
    }
}

#[cfg(test)]
mod tests;
