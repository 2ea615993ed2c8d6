//! `bulkId:<id>`, wherever a text of an operation is nothing but that.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Request;
use crate::error::{ScimError, ScimType};

const PREFIX: &str = "bulkId:";
/// Deepest nesting of data that is looked through; no resource is as deep.
const DEPTH_MAX: usize = 16;

/// Which resources must be made before.
pub(super) fn needed(request: &Request) -> Result<BTreeSet<&str>, ScimError> {
    let mut found: BTreeSet<&str> = request.id.as_deref().and_then(reference).into_iter().collect();
    if let Some(data) = &request.data {
        collect(data, DEPTH_MAX, &mut found)?;
    }
    Ok(found)
}

fn reference(text: &str) -> Option<&str> {
    text.strip_prefix(PREFIX)
}

fn too_deep() -> ScimError {
    ScimError::bad(ScimType::InvalidSyntax, format!("`data` is nested more than {DEPTH_MAX} levels deep"))
}

fn collect<'v>(value: &'v Value, depth: usize, found: &mut BTreeSet<&'v str>) -> Result<(), ScimError> {
    let deeper = || depth.checked_sub(1).ok_or_else(too_deep);
    match value {
        Value::String(text) => found.extend(reference(text)),
        Value::Array(list) => {
            let depth = deeper()?;
            list.iter().try_for_each(|one| collect(one, depth, found))?;
        }
        Value::Object(map) => {
            let depth = deeper()?;
            map.values().try_for_each(|one| collect(one, depth, found))?;
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
    Ok(())
}

pub(super) fn resolved(request: &Request, made: &BTreeMap<String, String>) -> Result<Request, ScimError> {
    let id = request.id.as_deref().map(|id| text(id, made)).transpose()?;
    let mut data = request.data.clone();
    if let Some(data) = &mut data {
        replace(data, DEPTH_MAX, made)?;
    }
    Ok(Request { id, data, ..request.clone() })
}

fn text(text: &str, made: &BTreeMap<String, String>) -> Result<String, ScimError> {
    let Some(name) = reference(text) else { return Ok(text.to_owned()) };
    let detail = "`bulkId:` refers to a resource that could not be made";
    made.get(name).cloned().ok_or_else(|| ScimError::plain(409, detail))
}

fn replace(value: &mut Value, depth: usize, made: &BTreeMap<String, String>) -> Result<(), ScimError> {
    let deeper = || depth.checked_sub(1).ok_or_else(too_deep);
    match value {
        Value::String(said) if reference(said).is_some() => *said = text(said, made)?,
        Value::Array(list) => {
            let depth = deeper()?;
            list.iter_mut().try_for_each(|one| replace(one, depth, made))?;
        }
        Value::Object(map) => {
            let depth = deeper()?;
            map.values_mut().try_for_each(|one| replace(one, depth, made))?;
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    Ok(())
}
