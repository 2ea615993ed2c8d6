//! Which call of a choice a part of one belongs to. OpenAI numbers calls from 0 on; some compatible servers number none, or
//! give each the same number. A call has a number of its own here, so that its text, its record and what policy says of it
//! are its alone.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::answer::extend;
use crate::read::text;

#[derive(Debug, Default)]
struct Call {
    number: u64,
    id: String,
    name: String,
    /// Whether its arguments have begun, so that its name is whole.
    argued: bool,
}

/// The calls of one stream.
#[derive(Debug, Default)]
pub struct Numbers {
    /// The newest call under each number of the server's, by choice.
    calls: BTreeMap<(u64, u64), Call>,
    /// The server's newest number, and how many calls there were.
    newest: BTreeMap<u64, (u64, u64)>,
}

impl Numbers {
    /// Gives a part of a call the call's own number.
    pub fn set(&mut self, choice: u64, part: &mut Value) -> u64 {
        let named =
            ["function", "custom"].map(|kind| part.get(kind).map_or("", |called| text(called, "name")));
        let name = named.into_iter().find(|name| !name.is_empty()).unwrap_or_default();
        let argued = part.get("function").is_some_and(|called| !text(called, "arguments").is_empty())
            || part.get("custom").is_some_and(|called| !text(called, "input").is_empty());
        let id = text(part, "id");
        let theirs = self.theirs(choice, part, id);
        let (newest, count) = self.newest.entry(choice).or_default();
        *newest = theirs;
        let call = match self.calls.get_mut(&(choice, theirs)) {
            Some(call) if !call.is_other(id, name) => call,
            _ => {
                *count += 1;
                let call = Call { number: count.saturating_sub(1), ..Call::default() };
                self.calls.entry((choice, theirs)).insert_entry(call).into_mut()
            }
        };
        if !id.is_empty() {
            id.clone_into(&mut call.id);
        }
        extend(&mut call.name, name);
        call.argued |= argued;
        let number = call.number;
        if let Some(fields) = part.as_object_mut() {
            fields.insert("index".to_owned(), Value::from(number));
        }
        number
    }

    /// The server's number of a call. Where it has none, another id is another call.
    fn theirs(&self, choice: u64, part: &Value, id: &str) -> u64 {
        let newest = self.newest.get(&choice).map(|(newest, _)| *newest);
        part.get("index").and_then(Value::as_u64).unwrap_or_else(|| {
            let Some(newest) = newest else { return 0 };
            let same = self.calls.get(&(choice, newest)).is_some_and(|call| call.id == id);
            if id.is_empty() || same { newest } else { newest.saturating_add(1) }
        })
    }
}

impl Call {
    /// Whether a name under the same number is another call's.
    fn is_other(&self, id: &str, name: &str) -> bool {
        let other_id = !id.is_empty() && !self.id.is_empty() && id != self.id;
        !name.is_empty() && (other_id || (self.argued && name != self.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn numbers(parts: &[Value]) -> Vec<u64> {
        let mut numbers = Numbers::default();
        parts.iter().map(|part| numbers.set(0, &mut part.clone())).collect()
    }

    fn part(index: Option<u64>, id: &str, name: &str, arguments: &str) -> Value {
        let mut part = json!({"id": id, "function": {"name": name, "arguments": arguments}});
        if let Some(index) = index {
            part["index"] = json!(index);
        }
        part
    }

    #[test]
    fn every_call_has_a_number_of_its_own() {
        for (what, parts, expected) in [
            (
                "OpenAI's",
                vec![
                    part(Some(0), "a", "f", ""),
                    part(Some(0), "", "", "{"),
                    part(Some(1), "b", "g", ""),
                    part(Some(0), "", "", "}"),
                    part(Some(1), "", "", "{}"),
                ],
                vec![0, 0, 1, 0, 1],
            ),
            ("from 1 on", vec![part(Some(1), "a", "f", "{}"), part(Some(2), "b", "g", "{}")], vec![0, 1]),
            (
                "no numbers",
                vec![part(None, "a", "f", ""), part(None, "", "", "{}"), part(None, "b", "g", "{}")],
                vec![0, 0, 1],
            ),
            (
                "no numbers, and its id each time",
                vec![part(None, "a", "f", ""), part(None, "a", "", "{}"), part(None, "b", "g", "{}")],
                vec![0, 0, 1],
            ),
            ("one number", vec![part(Some(0), "a", "f", "{}"), part(Some(0), "b", "f", "{}")], vec![0, 1]),
            (
                "one number, no ids",
                vec![part(Some(0), "", "f", "{}"), part(Some(0), "", "g", "{}")],
                vec![0, 1],
            ),
            (
                "names in pieces",
                vec![
                    part(Some(0), "a", "pay", ""),
                    part(Some(0), "", "ments", ""),
                    part(Some(0), "", "", "{}"),
                ],
                vec![0, 0, 0],
            ),
            (
                "the name each time",
                vec![part(Some(0), "a", "f", ""), part(Some(0), "a", "f", "{"), part(Some(0), "a", "f", "}")],
                vec![0, 0, 0],
            ),
            (
                "another id each time",
                vec![part(Some(0), "a", "f", ""), part(Some(0), "b", "", "{"), part(Some(0), "c", "", "}")],
                vec![0, 0, 0],
            ),
            ("nothing", vec![json!({}), json!({}), json!(null)], vec![0, 0, 0]),
        ] {
            assert_eq!(numbers(&parts), expected, "{what}");
        }
    }
}
