//! What is different from the last approved action of the same tool and target, field by field.

use std::collections::BTreeMap;

use serde_json::Value;

use super::lines::{Line, head};
use crate::mask::Eyes;

/// More are counted, and not shown.
pub const CHANGES_MAX: usize = 100;
/// Of one value as much is shown here; all of it stands among the arguments.
const VALUE_BYTES_MAX: usize = 512;

/// One field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    Added(Line),
    Removed(Line),
    Changed(Line, Line),
}

/// What differs, by the place of each field.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Difference {
    pub changes: Vec<(Line, Change)>,
    /// Those beyond [`CHANGES_MAX`].
    pub more: usize,
}

/// What `new` has otherwise than `old`.
pub fn difference(old: &Value, new: &Value, eyes: &Eyes<'_>) -> Difference {
    let (old, new) = (flat(old), flat(new));
    let mut places: Vec<&String> = old.keys().chain(new.keys()).collect();
    places.sort();
    places.dedup();
    let different = |place: &&String| old.get(*place) != new.get(*place);
    let places: Vec<&String> = places.into_iter().filter(different).collect();
    let shown = places.iter().take(CHANGES_MAX).filter_map(|place| {
        let line = |value: &Option<&Leaf>| value.map(|leaf| leaf.line(eyes));
        let (was, is) = (old.get(*place), new.get(*place));
        let change = match (line(&was), line(&is)) {
            (None, Some(is)) => Change::Added(is),
            (Some(was), None) => Change::Removed(was),
            (Some(was), Some(is)) => Change::Changed(was, is),
            (None, None) => return None,
        };
        Some((Line::text(place, "", eyes), change))
    });
    Difference { changes: shown.collect(), more: places.len().saturating_sub(CHANGES_MAX) }
}

/// A value without parts, and the name of its field.
#[derive(PartialEq)]
struct Leaf<'a> {
    value: &'a Value,
    field: Option<&'a str>,
}

impl Leaf<'_> {
    fn line(&self, eyes: &Eyes<'_>) -> Line {
        let whole = match self.value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let shown = head(&whole, VALUE_BYTES_MAX);
        Line { cut: shown.len() < whole.len(), ..Line::text(shown, self.field.unwrap_or_default(), eyes) }
    }
}

fn flat(value: &Value) -> BTreeMap<String, Leaf<'_>> {
    let mut out = BTreeMap::new();
    put(value, String::new(), None, &mut out);
    out
}

/// Places are written as JSON pointers are (RFC 6901).
fn put<'a>(value: &'a Value, place: String, field: Option<&'a str>, out: &mut BTreeMap<String, Leaf<'a>>) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (name, value) in fields {
                let name_there = name.replace('~', "~0").replace('/', "~1");
                put(value, format!("{place}/{name_there}"), Some(name), out);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (n, value) in items.iter().enumerate() {
                put(value, format!("{place}/{n}"), field, out);
            }
        }
        value => drop(out.insert(place, Leaf { value, field })),
    }
}
