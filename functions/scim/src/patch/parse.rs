//! From the body of a PATCH to its steps.

use serde_json::{Map, Value};

use super::{Step, Verb};
use crate::error::{ScimError, ScimType, shown};
use crate::path::{Path, Target};
use crate::resource;
use crate::schema::{Kind, Place, Schema};

/// Schema of the body.
pub const SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// Most operations in one request.
pub const OPERATIONS_MAX: usize = 1_000;
/// Most steps that they may come to: a path-less value changes many attributes.
const STEPS_MAX: usize = 4 * OPERATIONS_MAX;

fn syntax(detail: impl Into<String>) -> ScimError {
    ScimError::bad(ScimType::InvalidSyntax, detail)
}

/// # Errors
/// `invalidSyntax`: another form. `invalidPath`, `invalidFilter`: a path that is not understood. `mutability`: a path to
/// what is read-only. `noTarget`: `remove` without a path. `invalidValue`: a value is missing. 413: too many operations.
pub fn parse(kind: Kind, body: &Value) -> Result<Vec<Step>, ScimError> {
    let mut operations = None;
    for (key, value) in body.as_object().ok_or_else(|| syntax("the body is no JSON object"))? {
        match key.to_ascii_lowercase().as_str() {
            "schemas" => schemas(value)?,
            "operations" if operations.is_none() => operations = value.as_array(),
            _ => return Err(syntax(format!("{} does not belong into a PATCH", shown(key)))),
        }
    }
    let operations = operations.filter(|list| !list.is_empty());
    let operations = operations.ok_or_else(|| syntax("`Operations` is a list of one operation or more"))?;
    if operations.len() > OPERATIONS_MAX {
        let detail = format!("more than {OPERATIONS_MAX} operations: send them in parts");
        return Err(ScimError::plain(413, detail));
    }
    let mut steps = Vec::new();
    for operation in operations {
        steps.extend(operation_steps(kind, operation)?);
        if steps.len() > STEPS_MAX {
            let detail =
                format!("the operations change more than {STEPS_MAX} attributes: send them in parts");
            return Err(ScimError::plain(413, detail));
        }
    }
    Ok(steps)
}

fn schemas(value: &Value) -> Result<(), ScimError> {
    let is_ours = |one: &Value| one.as_str().is_some_and(|urn| urn.eq_ignore_ascii_case(SCHEMA));
    match value.as_array() {
        Some(list) if list.iter().any(is_ours) => Ok(()),
        _ => Err(syntax(format!("`schemas` of a PATCH is [\"{SCHEMA}\"]"))),
    }
}

struct Written<'v> {
    verb: Verb,
    path: Option<&'v str>,
    value: Option<&'v Value>,
}

fn written(operation: &Value) -> Result<Written<'_>, ScimError> {
    let (mut verb, mut path, mut value) = (None, None, None);
    for (key, given) in operation.as_object().ok_or_else(|| syntax("an operation is an object"))? {
        match (key.to_ascii_lowercase().as_str(), given) {
            ("op", Value::String(word)) if verb.is_none() => verb = Some(self::verb(word)?),
            ("path", Value::String(text)) if path.is_none() => path = Some(text.as_str()),
            ("path", Value::Null) => {}
            ("value", given) if value.is_none() => value = Some(given),
            _ => {
                return Err(syntax(
                    "an operation has `op`, `path` and `value`, once each; the first two are texts",
                ));
            }
        }
    }
    let verb = verb.ok_or_else(|| syntax("`op` is one of add, remove and replace"))?;
    Ok(Written { verb, path, value })
}

fn verb(word: &str) -> Result<Verb, ScimError> {
    let verbs = [("add", Verb::Add), ("remove", Verb::Remove), ("replace", Verb::Replace)];
    let found = verbs.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(word));
    found.map(|(_, verb)| verb).ok_or_else(|| syntax("`op` is one of add, remove and replace"))
}

fn operation_steps(kind: Kind, operation: &Value) -> Result<Vec<Step>, ScimError> {
    let Written { verb, path, value } = written(operation)?;
    match (path, value) {
        (None, _) if verb == Verb::Remove => {
            Err(ScimError::bad(ScimType::NoTarget, "`remove` needs a `path` that says what to remove"))
        }
        (None, Some(Value::Object(map))) => map_steps(kind, verb, map),
        (None, Some(Value::String(text))) => match unquoted(text) {
            Some(map) => map_steps(kind, verb, &map),
            None => Err(no_object()),
        },
        (None, _) => Err(no_object()),
        (Some(_), None) if verb != Verb::Remove => {
            Err(ScimError::bad(ScimType::InvalidValue, "`add` and `replace` need a `value`"))
        }
        (Some(path), value) => path_steps(kind, verb, Path::parse(kind, path)?, value),
    }
}

fn no_object() -> ScimError {
    ScimError::bad(ScimType::InvalidValue, "without a `path`, `value` is an object of attributes")
}

/// An object that is written as a text: the SCIM client for Keycloak sends groups so
/// (<https://github.com/Captain-P-Goldfish/scim-for-keycloak/issues/172>).
pub(crate) fn unquoted(text: &str) -> Option<Map<String, Value>> {
    serde_json::from_str(text).ok()
}

/// A path-less value: each key is a path. What is read-only is left out.
fn map_steps(kind: Kind, verb: Verb, map: &Map<String, Value>) -> Result<Vec<Step>, ScimError> {
    let mut steps = Vec::new();
    for (key, value) in map {
        match Path::parse(kind, key)? {
            Path::Dropped => {}
            Path::At(target) if target.place.is_read_only() => {
                if target.place.attribute.name == "schemas" {
                    resource::schemas(kind, value)?;
                }
            }
            Path::At(target) => steps.push(step(verb, target, Some(value))?),
            Path::Extension(schema) => steps.extend(extension_steps(kind, verb, schema, value)?),
        }
    }
    Ok(steps)
}

fn path_steps(kind: Kind, verb: Verb, path: Path, value: Option<&Value>) -> Result<Vec<Step>, ScimError> {
    match (path, value) {
        (Path::Dropped, _) => Ok(Vec::new()),
        (Path::At(target), _) if target.place.is_read_only() => {
            let detail = format!("`{}` is read-only", target.place);
            Err(ScimError::bad(ScimType::Mutability, detail))
        }
        (Path::At(target), value) => Ok(vec![step(verb, target, value)?]),
        (Path::Extension(schema), Some(value)) if verb != Verb::Remove => {
            extension_steps(kind, verb, schema, value)
        }
        (Path::Extension(schema), _) => Ok(cleared(schema)),
    }
}

fn step(verb: Verb, target: Target, value: Option<&Value>) -> Result<Step, ScimError> {
    let narrowed = target.filter.is_some() || target.place.sub.is_some();
    let value = value.filter(|value| verb != Verb::Remove || !value.is_null());
    if verb == Verb::Remove && value.is_some() && target.place.attribute.multi && narrowed {
        let detail = "`remove` takes a `value` or a path that chooses, and not both";
        return Err(ScimError::bad(ScimType::InvalidValue, detail));
    }
    // What one value is to be removed from is gone, whatever the value.
    let value = value.filter(|_| verb != Verb::Remove || target.place.attribute.multi);
    Ok(Step { verb, target, value: value.cloned() })
}

fn cleared(schema: &'static Schema) -> Vec<Step> {
    let clear = |attribute| {
        let place = Place { extension: Some(schema), attribute, sub: None };
        Step { verb: Verb::Remove, target: place.into(), value: None }
    };
    schema.attributes.iter().map(clear).collect()
}

/// The value of an extension: an object of its attributes, `manager.value` among them.
fn extension_steps(
    kind: Kind,
    verb: Verb,
    schema: &'static Schema,
    value: &Value,
) -> Result<Vec<Step>, ScimError> {
    let map = match value {
        Value::Null => return Ok(cleared(schema)),
        Value::Object(map) => map,
        _ => {
            let detail = format!("`{}` holds an object", schema.id);
            return Err(ScimError::bad(ScimType::InvalidValue, detail));
        }
    };
    let mut steps = Vec::new();
    for (key, value) in map {
        if resource::is_own_schema(schema, key, value) {
            continue;
        }
        let Path::At(target) = Path::parse(kind, &format!("{}:{key}", schema.id))? else { continue };
        if !target.place.is_read_only() {
            steps.push(step(verb, target, Some(value))?);
        }
    }
    Ok(steps)
}
