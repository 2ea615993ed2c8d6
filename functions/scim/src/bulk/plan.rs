//! From a body to a plan.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::references::needed;
use super::{Method, OPERATIONS_MAX, Operation, PAYLOAD_MAX, Plan, Request, SCHEMA};
use crate::error::{ScimError, ScimType, shown};
use crate::schema::Kind;

/// Longest `bulkId`, id or version, in bytes.
const NAME_MAX: usize = 256;

fn syntax(detail: impl Into<String>) -> ScimError {
    ScimError::bad(ScimType::InvalidSyntax, detail)
}

/// `bytes`: how long the body was.
///
/// # Errors
/// 413: too large, or too many operations. `invalidSyntax`: another form, an unknown method or a `bulkId` twice. What is
/// wrong with one operation alone stands in the plan.
pub fn parse(body: &Value, bytes: usize) -> Result<Plan, ScimError> {
    if bytes > PAYLOAD_MAX {
        return Err(too_large());
    }
    let (mut fail_on_errors, mut listed) = (None, None);
    for (key, value) in body.as_object().ok_or_else(|| syntax("the body is no JSON object"))? {
        match key.to_ascii_lowercase().as_str() {
            "schemas" => schemas(value)?,
            "failonerrors" if value.is_null() => {}
            "failonerrors" if fail_on_errors.is_none() => fail_on_errors = Some(at_least_one(value)?),
            "operations" if listed.is_none() => listed = value.as_array(),
            _ => return Err(syntax(format!("{} does not belong into a bulk request", shown(key)))),
        }
    }
    let listed = listed.ok_or_else(|| syntax("`Operations` is a list"))?;
    if listed.len() > OPERATIONS_MAX {
        return Err(too_large());
    }
    let mut operations = listed.iter().map(operation).collect::<Result<Vec<_>, _>>()?;
    let order = ordered(&mut operations)?;
    Ok(Plan { fail_on_errors, operations, order })
}

fn too_large() -> ScimError {
    let detail = format!(
        "the bulk request is over a limit: maxOperations is {OPERATIONS_MAX}, maxPayloadSize is {PAYLOAD_MAX} bytes"
    );
    ScimError::plain(413, detail)
}

fn schemas(value: &Value) -> Result<(), ScimError> {
    let is_ours = |one: &Value| one.as_str().is_some_and(|urn| urn.eq_ignore_ascii_case(SCHEMA));
    match value.as_array() {
        Some(list) if list.iter().any(is_ours) => Ok(()),
        _ => Err(syntax(format!("`schemas` of a bulk request is [\"{SCHEMA}\"]"))),
    }
}

fn at_least_one(value: &Value) -> Result<usize, ScimError> {
    let number = value.as_u64().and_then(|number| usize::try_from(number).ok()).filter(|number| *number > 0);
    number.ok_or_else(|| syntax("`failOnErrors` is a whole number of 1 or more"))
}

#[derive(Default)]
struct Written<'v> {
    method: Option<Method>,
    bulk_id: Option<&'v str>,
    path: Option<&'v str>,
    version: Option<&'v str>,
    data: Option<&'v Value>,
}

fn written(map: &Map<String, Value>) -> Result<Written<'_>, ScimError> {
    let mut written = Written::default();
    for (key, value) in map {
        match (key.to_ascii_lowercase().as_str(), value) {
            (_, Value::Null) => {}
            ("method", Value::String(word)) if written.method.is_none() => {
                let known = Method::ALL.into_iter().find(|method| method.as_str().eq_ignore_ascii_case(word));
                written.method = Some(known.ok_or_else(|| syntax("`method` is POST, PUT, PATCH or DELETE"))?);
            }
            ("bulkid", Value::String(text)) if written.bulk_id.is_none() => written.bulk_id = Some(text),
            ("path", Value::String(text)) if written.path.is_none() => written.path = Some(text),
            ("version", Value::String(text)) if written.version.is_none() => written.version = Some(text),
            ("data", value) if written.data.is_none() => written.data = Some(value),
            _ => {
                let detail = "an operation has `method`, `bulkId`, `path`, `version` and `data`, once each";
                return Err(syntax(detail));
            }
        }
    }
    Ok(written)
}

fn operation(value: &Value) -> Result<Operation, ScimError> {
    let map = value.as_object().ok_or_else(|| syntax("an operation is an object"))?;
    let written = written(map)?;
    let method = written.method.ok_or_else(|| syntax("`method` is POST, PUT, PATCH or DELETE"))?;
    let bulk_id = written.bulk_id.map(|id| short(id, "bulkId")).transpose()?;
    Ok(Operation { method, bulk_id, request: request(method, &written) })
}

fn short(text: &str, name: &str) -> Result<String, ScimError> {
    if text.is_empty() || text.len() > NAME_MAX || text.chars().any(char::is_control) {
        return Err(syntax(format!("`{name}` has 1 to {NAME_MAX} bytes, and no control characters")));
    }
    Ok(text.to_owned())
}

fn request(method: Method, written: &Written<'_>) -> Result<Request, ScimError> {
    let (kind, id) = resource(written.path.unwrap_or_default())?;
    match (method, &id) {
        (Method::Post, Some(_)) => return Err(syntax("the `path` of POST names no resource: `/Users`")),
        (Method::Post, None) if written.bulk_id.is_none() => return Err(syntax("POST needs a `bulkId`")),
        (Method::Put | Method::Patch | Method::Delete, None) => {
            return Err(syntax("the `path` names one resource: `/Users/<id>`"));
        }
        _ => {}
    }
    let data = match (method, written.data) {
        (Method::Delete, _) => None,
        (_, Some(data)) => Some(data.clone()),
        (_, None) => return Err(syntax("`data` is missing")),
    };
    let version = written.version.map(|text| short(text, "version")).transpose()?;
    Ok(Request { kind, id, version, data })
}

/// `/Users`, `/Groups/<id>`; the id may stand for one that is not there yet.
fn resource(path: &str) -> Result<(Kind, Option<String>), ScimError> {
    let understood = Kind::ALL.into_iter().find_map(|kind| {
        let rest = path.strip_prefix(kind.endpoint())?;
        match rest.strip_prefix('/') {
            None if rest.is_empty() => Some((kind, None)),
            Some(id) if !id.contains(['/', '?', '#']) => Some((kind, Some(short(id, "path").ok()?))),
            _ => None,
        }
    });
    understood.ok_or_else(|| syntax("`path` is `/Users`, `/Groups`, or one of these with `/<id>` behind"))
}

/// The order of doing: as sent, but after what is referred to. What is in a circle, or waits for one, is refused.
fn ordered(operations: &mut [Operation]) -> Result<Vec<usize>, ScimError> {
    let mut makers = BTreeMap::new();
    for (at, one) in operations.iter().enumerate() {
        if let (Method::Post, Some(id)) = (one.method, &one.bulk_id)
            && makers.insert(id.clone(), at).is_some()
        {
            return Err(syntax("a `bulkId` stands twice"));
        }
    }
    let mut waits = Vec::with_capacity(operations.len());
    for one in operations.iter_mut() {
        let found = one.request.as_ref().map_or(Ok(BTreeSet::new()), |request| makers_of(request, &makers));
        waits.push(found.unwrap_or_else(|error| {
            one.request = Err(error);
            BTreeSet::new()
        }));
    }
    let order = sorted(waits);
    let placed: BTreeSet<_> = order.iter().copied().collect();
    let in_circle = (0..operations.len()).filter(|at| !placed.contains(at)).collect::<Vec<_>>();
    for at in &in_circle {
        if let Some(one) = operations.get_mut(*at) {
            one.request =
                Err(ScimError::plain(409, "`bulkId:` refers in a circle: send one of the references later"));
        }
    }
    Ok(order.into_iter().chain(in_circle).collect())
}

fn makers_of(request: &Request, makers: &BTreeMap<String, usize>) -> Result<BTreeSet<usize>, ScimError> {
    let find = |id: &str| {
        let maker = makers.get(id).copied();
        maker.ok_or_else(|| ScimError::plain(409, "`bulkId:` refers to no POST of this request"))
    };
    needed(request)?.into_iter().map(find).collect()
}

/// Kahn's algorithm, the first sent of those that wait for nothing first.
fn sorted(mut waits: Vec<BTreeSet<usize>>) -> Vec<usize> {
    let mut followers: Vec<Vec<usize>> = vec![Vec::new(); waits.len()];
    for (at, makers) in waits.iter().enumerate() {
        for maker in makers {
            followers.get_mut(*maker).into_iter().for_each(|list| list.push(at));
        }
    }
    let mut free: BTreeSet<usize> =
        waits.iter().enumerate().filter(|(_, makers)| makers.is_empty()).map(|(at, _)| at).collect();
    let mut order = Vec::with_capacity(waits.len());
    while let Some(at) = free.pop_first() {
        order.push(at);
        for follower in followers.get(at).into_iter().flatten() {
            let Some(makers) = waits.get_mut(*follower) else { continue };
            makers.remove(&at);
            if makers.is_empty() {
                free.insert(*follower);
            }
        }
    }
    order
}
