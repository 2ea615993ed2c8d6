//! Documents: from what a client sends to the form that is kept, and from there to what clients are shown.
//!
//! A kept document holds what the client said under the schemas' own spelling, by type, without what is unassigned, and an
//! extension under its URN. `id`, `meta`, `schemas`, a user's groups and a group's members lie elsewhere: [`render`] adds
//! them.
//!
//! Whoever is absent a true `active` is not active. A creation that does not say is one of somebody active, and is kept so.

pub(crate) mod members;
mod render;
pub(crate) mod value;

use serde_json::{Map, Value};

use crate::error::{ScimError, ScimType, shown};
use crate::schema::{ADSCIM, Attribute, Kind, Place, Schema, is_assigned};

pub use members::{MEMBERS_MAX, Member};
pub use render::{About, Link, render};

/// Largest kept document, as JSON, in bytes. Members do not lie in it.
pub const DOCUMENT_MAX: usize = 32 * 1_024;

/// Whether anything differs from what was kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changed {
    Yes,
    No,
}

impl Changed {
    pub fn between(before: &Map<String, Value>, after: &Map<String, Value>) -> Self {
        if before == after { Self::No } else { Self::Yes }
    }
}

/// A group as it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The kept document.
    pub document: Map<String, Value>,
    /// Each once, in the order they were sent; `None` when nothing was said of members.
    pub members: Option<Vec<Member>>,
}

/// A user to create.
///
/// # Errors
/// `invalidSyntax`: no object, an unknown schema or attribute. `invalidValue`: a value that does not suit its attribute, or
/// a required one missing. 413: too large.
pub fn user(body: &Value) -> Result<Map<String, Value>, ScimError> {
    let (mut document, _) = read(Kind::User, body)?;
    document.entry("active").or_insert(Value::Bool(true));
    settled(Kind::User, &document)?;
    Ok(document)
}

/// A user as PUT replaces it: what is not said is cleared, but for `active`, so that nobody comes back by being left out.
///
/// # Errors
/// As [`user`].
pub fn replace_user(
    body: &Value,
    current: &Map<String, Value>,
) -> Result<(Map<String, Value>, Changed), ScimError> {
    let (mut document, _) = read(Kind::User, body)?;
    if let (None, Some(active)) = (document.get("active"), current.get("active")) {
        document.insert("active".to_owned(), active.clone());
    }
    settled(Kind::User, &document)?;
    let changed = Changed::between(current, &document);
    Ok((document, changed))
}

/// A group to create, or as PUT replaces it.
///
/// # Errors
/// As [`user`].
pub fn group(body: &Value) -> Result<Group, ScimError> {
    let (document, members) = read(Kind::Group, body)?;
    settled(Kind::Group, &document)?;
    Ok(Group { document, members })
}

/// The last look at a document before it is kept.
///
/// # Errors
/// `invalidValue`: a required attribute is missing. 413: too large.
pub(crate) fn settled(kind: Kind, document: &Map<String, Value>) -> Result<(), ScimError> {
    for one in kind.attributes().filter(|one| one.required && !one.is_read_only()) {
        let said = document.get(one.name).and_then(Value::as_str).is_some_and(|text| !text.trim().is_empty());
        if !said {
            return Err(ScimError::bad(ScimType::InvalidValue, format!("`{}` is required", one.name)));
        }
    }
    let size = serde_json::to_vec(document).map_or(usize::MAX, |bytes| bytes.len());
    if size > DOCUMENT_MAX {
        let detail = format!("the resource is larger than {DOCUMENT_MAX} bytes");
        return Err(ScimError::plain(413, detail));
    }
    Ok(())
}

type Read = (Map<String, Value>, Option<Vec<Member>>);

fn read(kind: Kind, body: &Value) -> Result<Read, ScimError> {
    let Some(body) = body.as_object() else {
        return Err(ScimError::bad(ScimType::InvalidSyntax, "the body is no JSON object"));
    };
    let mut document = Map::new();
    let mut members = None;
    for (key, value) in body {
        if let Some(one) = kind.attributes().find(|one| one.name.eq_ignore_ascii_case(key)) {
            match one.name {
                "schemas" => schemas(kind, value)?,
                "members" if members.is_some() => return Err(twice(one.name)),
                "members" => members = Some(members::read(value)?),
                _ => put(&mut document, Place { extension: None, attribute: one, sub: None }, value)?,
            }
        } else if let Some(schema) = kind.extension(key) {
            extension(&mut document, schema, value)?;
        } else if !kind.is_dropped(key) && is_assigned(value) {
            return Err(stranger(key));
        }
    }
    Ok((document, members))
}

fn extension(
    document: &mut Map<String, Value>,
    schema: &'static Schema,
    value: &Value,
) -> Result<(), ScimError> {
    let inner = match value {
        Value::Null => return Ok(()),
        Value::Object(inner) => inner,
        _ => {
            let detail = format!("`{}` holds an object", schema.id);
            return Err(ScimError::bad(ScimType::InvalidValue, detail));
        }
    };
    for (key, value) in inner {
        if is_own_schema(schema, key, value) {
            continue;
        }
        match schema.attributes.iter().find(|one| one.name.eq_ignore_ascii_case(key)) {
            Some(attribute) => put(document, Place { extension: Some(schema), attribute, sub: None }, value)?,
            None if is_assigned(value) => return Err(stranger(key)),
            None => {}
        }
    }
    Ok(())
}

/// Whether an extension's object says of itself what it is: libraries that write it as a resource of its own do.
pub(crate) fn is_own_schema(schema: &Schema, key: &str, value: &Value) -> bool {
    let own = |one: &Value| one.as_str().is_some_and(|urn| urn.eq_ignore_ascii_case(schema.id));
    key.eq_ignore_ascii_case("schemas") && value.as_array().is_some_and(|list| list.iter().all(own))
}

fn put(document: &mut Map<String, Value>, place: Place, value: &Value) -> Result<(), ScimError> {
    if place.is_read_only() {
        return Ok(());
    }
    if place.attribute_in(document).is_some() {
        return Err(twice(place.attribute.name));
    }
    let value = value::whole(place.attribute, value)?;
    keep(document, &place, value);
    Ok(())
}

/// Sets or clears an attribute. An extension without any is not there.
pub(crate) fn keep(document: &mut Map<String, Value>, place: &Place, value: Option<Value>) {
    let Some(schema) = place.extension else { return keep_in(document, place.attribute, value) };
    let mut inner = match document.get_mut(schema.id).map(Value::take) {
        Some(Value::Object(inner)) => inner,
        _ => Map::new(),
    };
    keep_in(&mut inner, place.attribute, value);
    if inner.is_empty() {
        document.shift_remove(schema.id);
    } else {
        document.insert(schema.id.to_owned(), Value::Object(inner));
    }
}

fn keep_in(map: &mut Map<String, Value>, attribute: &Attribute, value: Option<Value>) {
    match value {
        Some(value) => {
            map.insert(attribute.name.to_owned(), value);
        }
        None => {
            map.shift_remove(attribute.name);
        }
    }
}

fn twice(name: &str) -> ScimError {
    ScimError::bad(ScimType::InvalidSyntax, format!("`{name}` stands twice, in different case"))
}

fn stranger(key: &str) -> ScimError {
    let detail =
        format!("{} is not in our schemas; /Schemas lists what is. Take it out of the mapping", shown(key));
    ScimError::bad(ScimType::InvalidSyntax, detail)
}

/// The schemas that a body says it has: the resource's own among them, and none that we would not keep.
pub(crate) fn schemas(kind: Kind, value: &Value) -> Result<(), ScimError> {
    let refused = |detail: String| Err(ScimError::bad(ScimType::InvalidSyntax, detail));
    if !is_assigned(value) {
        return Ok(());
    }
    let core = kind.core().id;
    let Some(urns) =
        value.as_array().and_then(|list| list.iter().map(Value::as_str).collect::<Option<Vec<_>>>())
    else {
        return refused(format!("`schemas` is a list of texts: [\"{core}\"]"));
    };
    if !urns.iter().any(|urn| kind.is_core(urn)) {
        return refused(format!("`schemas` lacks `{core}`"));
    }
    let known = |urn: &&str| kind.is_core(urn) || kind.extension(urn).is_some() || urn.starts_with(ADSCIM);
    match urns.iter().find(|urn| !known(urn)) {
        Some(urn) => refused(format!("the schema {} is not one of ours; /Schemas lists them", shown(urn))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
