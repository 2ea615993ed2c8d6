//! Attribute values as the DynamoDB API writes them: `{"S": "text"}`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use tables::{Attr, Item};

/// `None` for a type that no row of ours uses.
pub(super) fn from_json(value: &Value) -> Option<Attr> {
    let (kind, inner) = value.as_object()?.iter().next()?;
    Some(match kind.as_str() {
        "S" => Attr::S(inner.as_str()?.to_owned()),
        "N" => Attr::N(inner.as_str()?.to_owned()),
        "B" => Attr::B(STANDARD.decode(inner.as_str()?).ok()?),
        "BOOL" => Attr::Bool(inner.as_bool()?),
        "M" => Attr::M(item_from_json(inner)?),
        "L" => Attr::L(inner.as_array()?.iter().map(from_json).collect::<Option<_>>()?),
        _ => return None,
    })
}

pub(super) fn item_from_json(value: &Value) -> Option<Item> {
    value.as_object()?.iter().map(|(name, value)| Some((name.clone(), from_json(value)?))).collect()
}

fn to_json(attr: &Attr) -> Value {
    match attr {
        Attr::S(text) => json!({ "S": text }),
        Attr::N(number) => json!({ "N": number }),
        Attr::B(bytes) => json!({ "B": STANDARD.encode(bytes) }),
        Attr::Bool(flag) => json!({ "BOOL": flag }),
        Attr::M(map) => json!({ "M": item_to_json(map) }),
        Attr::L(list) => json!({ "L": list.iter().map(to_json).collect::<Vec<_>>() }),
    }
}

pub(super) fn item_to_json(item: &Item) -> Value {
    Value::Object(item.iter().map(|(name, attr)| (name.clone(), to_json(attr))).collect::<Map<_, _>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        let item = json!({
            "pk": {"S": "T#1"}, "n": {"N": "7"}, "b": {"B": "AQI="}, "on": {"BOOL": true},
            "m": {"M": {"x": {"L": [{"N": "1"}, {"S": ""}]}}},
        });
        let read = item_from_json(&item).unwrap();
        assert_eq!(read["b"], Attr::B(vec![1, 2]));
        assert_eq!(item_from_json(&item_to_json(&read)), Some(read));
        assert_eq!(from_json(&json!({"NULL": true})), None);
    }
}
