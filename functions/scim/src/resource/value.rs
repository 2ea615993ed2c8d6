//! One attribute's value: checked against its type, in canonical form.

use domain::Timestamp;
use serde_json::{Map, Value};

use crate::error::{ScimError, ScimType, shown};
use crate::schema::{Attribute, Type, is_assigned};

/// Longest text, in bytes.
pub const TEXT_MAX: usize = 1_024;
/// Longest value in base64, in bytes: a certificate.
pub const BINARY_MAX: usize = 8_192;
/// Most elements of one attribute.
pub const ELEMENTS_MAX: usize = 100;

pub(crate) fn invalid(attribute: &Attribute, why: &str) -> ScimError {
    ScimError::bad(ScimType::InvalidValue, format!("`{}` {why}", attribute.name))
}

/// Any attribute, as a whole; `None`: unassigned.
///
/// # Errors
/// `invalidValue`, as of everything here.
pub(crate) fn whole(attribute: &Attribute, value: &Value) -> Result<Option<Value>, ScimError> {
    if attribute.multi {
        let list = list(attribute, value)?;
        Ok((!list.is_empty()).then_some(Value::Array(list)))
    } else if attribute.is_complex() {
        let map = assigned(fields(attribute, value)?);
        Ok((!map.is_empty()).then_some(Value::Object(map)))
    } else {
        simple(attribute, value)
    }
}

/// An attribute or sub-attribute with one plain value.
pub(crate) fn simple(attribute: &Attribute, value: &Value) -> Result<Option<Value>, ScimError> {
    if !is_assigned(value) {
        return Ok(None);
    }
    match (attribute.kind, value) {
        (Type::Boolean, value) => boolean(attribute, value).map(Some),
        (Type::DateTime, Value::String(text)) => match Timestamp::from_rfc3339(text) {
            Ok(_) => Ok(Some(value.clone())),
            Err(_) => Err(invalid(attribute, "takes a time as \"2026-01-31T12:00:00Z\"")),
        },
        (Type::Binary, Value::String(text)) => {
            let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte));
            if plain { bounded(attribute, text, BINARY_MAX) } else { Err(invalid(attribute, "takes base64")) }
        }
        (Type::String | Type::Reference, Value::String(text)) => bounded(attribute, text, TEXT_MAX),
        _ => Err(invalid(attribute, "takes one text, in double quotes")),
    }
}

fn bounded(attribute: &Attribute, text: &str, max: usize) -> Result<Option<Value>, ScimError> {
    if text.len() > max {
        return Err(invalid(attribute, &format!("takes at most {max} bytes")));
    }
    if text.chars().any(|c| c.is_control() && !"\r\n\t".contains(c)) {
        return Err(invalid(attribute, "takes no control characters"));
    }
    Ok(Some(text.into()))
}

/// Entra writes `"True"` and `"False"`.
fn boolean(attribute: &Attribute, value: &Value) -> Result<Value, ScimError> {
    match value {
        Value::Bool(_) => Ok(value.clone()),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Ok(Value::Bool(true)),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Ok(Value::Bool(false)),
        _ => Err(invalid(attribute, "takes true or false")),
    }
}

/// What is said of the sub-attributes of one complex value; `None` clears one. Read-only ones are left out.
pub(crate) type Fields = Vec<(&'static Attribute, Option<Value>)>;

/// A complex value. A plain text means its `value`, and a list of one means its one: Entra writes managers so.
pub(crate) fn fields(attribute: &Attribute, value: &Value) -> Result<Fields, ScimError> {
    match value {
        Value::Object(map) => fields_of(attribute, map),
        Value::Array(list) if !attribute.multi => match list.as_slice() {
            [] => Ok(Vec::new()),
            [Value::Object(map)] => fields_of(attribute, map),
            _ => Err(invalid(attribute, "takes one value")),
        },
        Value::String(_) => match attribute.sub("value") {
            Some(sub) => Ok(vec![(sub, simple(sub, value)?)]),
            None => Err(invalid(attribute, "takes an object")),
        },
        Value::Null => Ok(Vec::new()),
        _ => Err(invalid(attribute, "takes an object")),
    }
}

fn fields_of(attribute: &Attribute, map: &Map<String, Value>) -> Result<Fields, ScimError> {
    let mut fields: Fields = Vec::new();
    for (key, value) in map {
        let Some(sub) = attribute.sub(key) else {
            if is_assigned(value) {
                return Err(invalid(attribute, &format!("has no sub-attribute {}", shown(key))));
            }
            continue;
        };
        if sub.is_read_only() {
            continue;
        }
        if fields.iter().any(|(other, _)| other.name == sub.name) {
            return Err(invalid(attribute, &format!("says `{}` twice, in different case", sub.name)));
        }
        fields.push((sub, simple(sub, value)?));
    }
    Ok(fields)
}

/// The sub-attributes that have a value.
pub(crate) fn assigned(fields: Fields) -> Map<String, Value> {
    fields.into_iter().filter_map(|(sub, value)| Some((sub.name.to_owned(), value?))).collect()
}

/// Writes what is said over what is there.
pub(crate) fn merge(map: &mut Map<String, Value>, fields: Fields) {
    for (sub, value) in fields {
        match value {
            Some(value) => {
                map.insert(sub.name.to_owned(), value);
            }
            None => {
                map.shift_remove(sub.name);
            }
        }
    }
}

/// Every element once, in the order sent. One element need not stand in a list.
pub(crate) fn list(attribute: &Attribute, value: &Value) -> Result<Vec<Value>, ScimError> {
    let one = std::slice::from_ref(value);
    let sent = match value {
        Value::Array(list) => list.as_slice(),
        value if !is_assigned(value) => &[],
        _ => one,
    };
    few(attribute, sent.len())?;
    let mut list = Vec::with_capacity(sent.len());
    for value in sent {
        let element = Value::Object(assigned(fields(attribute, value)?));
        if is_assigned(&element) && !list.contains(&element) {
            list.push(element);
        }
    }
    if list.iter().filter(|one| is_primary(one)).count() > 1 {
        return Err(invalid(attribute, "has more than one primary value"));
    }
    Ok(list)
}

pub(crate) fn few(attribute: &Attribute, elements: usize) -> Result<(), ScimError> {
    if elements > ELEMENTS_MAX {
        return Err(invalid(attribute, &format!("has more than {ELEMENTS_MAX} values")));
    }
    Ok(())
}

pub(crate) fn is_primary(element: &Value) -> bool {
    element.get("primary") == Some(&Value::Bool(true))
}
