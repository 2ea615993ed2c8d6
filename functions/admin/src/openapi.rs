//! The OpenAPI 3.1 document, made from the table of operations.

mod doors;

use policy::admin::Level;
use serde_json::{Map, Value, json};

use crate::event::COOKIE;
use crate::refusal::TABLE;
use crate::routes::{OPERATIONS, On, Operation, Run};

/// The whole document.
pub fn document() -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for operation in OPERATIONS {
        let methods = paths.entry(operation.path.to_owned()).or_insert_with(|| json!({}));
        if let Value::Object(methods) = methods {
            methods.insert(operation.method.to_lowercase(), described(operation));
        }
    }
    doors::add(&mut paths);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Countersign management API",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Every operation is authenticated by a session, authorized by a role, and recorded before it takes \
                effect. Errors are problem details (RFC 9457) whose `code` is the reason in the audit trail.",
        },
        "security": [{"bearer": []}, {"cookie": []}],
        "paths": paths,
        "components": {"securitySchemes": schemes(), "schemas": {"Problem": problem()}, "parameters": parameters()},
    })
}

fn schemes() -> Value {
    json!({
        "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
        "cookie": {"type": "apiKey", "in": "cookie", "name": COOKIE},
        "iam": {"type": "http", "scheme": "AWS4-HMAC-SHA256", "description": "a request signed by AWS Signature Version 4"},
    })
}

fn problem() -> Value {
    let mut codes: Vec<_> = TABLE.iter().map(|row| row.code).collect();
    codes.dedup();
    json!({"type": "object", "required": ["title", "status", "detail", "code"], "properties": {
        "title": {"type": "string"}, "status": {"type": "integer"}, "detail": {"type": "string"},
        "code": {"type": "string", "enum": codes},
        "at": {"type": "string", "description": "JSON pointer into the body"},
        "faults": {"type": "array", "description": "of a document that is checked as a whole",
            "items": {"type": "object", "required": ["at", "hint"],
                "properties": {"at": {"type": "string"}, "hint": {"type": "string"}}}},
    }})
}

fn parameters() -> Value {
    let header = |name: &str, what: &str| json!({"name": name, "in": "header", "description": what, "schema": {"type": "string", "maxLength": 128}});
    json!({
        "IdempotencyKey": header("Idempotency-Key", "the same key makes the same thing once"),
        "IfMatch": header("If-Match", "the entity tag of the state that you saw: it alone is changed"),
        "IfNoneMatch": header("If-None-Match", "*: there is none yet, and this is to be the first"),
        "Csrf": header("x-cs-csrf", "1, for a browser's session"),
        "After": {"name": "after", "in": "query", "description": "`next` of the page before", "schema": {"type": "string", "maxLength": 1400}},
    })
}

fn described(operation: &Operation) -> Value {
    let mut parameters = in_path(operation.path);
    let mut answers = json!({});
    for status in refusals(operation) {
        set(&mut answers, &status.to_string(), refusal());
    }
    let mut described = json!({"operationId": operation.name, "summary": operation.summary,
        "x-cs-action": operation.action.as_str(), "x-cs-level": level(operation.on).as_str()});
    let reference = |name: &str| json!({"$ref": format!("#/components/parameters/{name}")});
    match &operation.run {
        Run::Show { .. } => set(&mut answers, "200", answer("as it is; `etag` names this state")),
        Run::List(_) | Run::Joined(..) | Run::Within(..) => {
            parameters.push(reference("After"));
            let page = json!({"type": "object", "required": ["items", "next"], "properties": {
                "items": {"type": "array", "items": {"type": "object"}}, "next": {"type": ["string", "null"]}}});
            set(
                &mut answers,
                "200",
                json!({"description": "a page", "content": {"application/json": {"schema": page}}}),
            );
        }
        Run::Answer { .. } => {
            parameters.push(reference("After"));
            set(
                &mut answers,
                "200",
                json!({"description": "as far as it is", "content": {"application/json": {"schema": told()}}}),
            );
        }
        Run::Change { body, status, .. } => {
            parameters.push(reference("Csrf"));
            parameters.push(reference(if matches!(*status, 201 | 202) {
                "IdempotencyKey"
            } else {
                "IfMatch"
            }));
            if operation.method == "PUT" {
                parameters.push(reference("IfNoneMatch"));
            }
            let done = if *status == 204 { json!({"description": "done"}) } else { answer("done") };
            set(&mut answers, "202", answer("kept until a second person confirms it"));
            set(&mut answers, &status.to_string(), done);
            if let Some(schema) = body {
                let content = json!({"application/json": {"schema": schema()}});
                set(&mut described, "requestBody", json!({"required": true, "content": content}));
            }
        }
    }
    set(&mut described, "parameters", parameters.into());
    set(&mut described, "responses", answers);
    described
}

/// What an action is done to.
const fn level(on: On) -> Level {
    match on {
        On::Platform => Level::Platform,
        On::Org => Level::Org,
        On::Tenant => Level::Tenant,
        On::Self_ => Level::Owned,
    }
}

/// How an operation is refused: nobody known, not allowed, not there, another region's session, our own house; and what is wrong
/// with a change.
fn refusals(operation: &Operation) -> Vec<u16> {
    let more: &[u16] = match (&operation.run, operation.method) {
        (Run::Show { .. }, _) => &[],
        (Run::List(_) | Run::Joined(..) | Run::Within(..) | Run::Answer { .. }, _) => &[400],
        (Run::Change { .. }, "PUT") if operation.name == "gate.put" => &[400, 409, 412, 413, 415, 422, 428],
        (Run::Change { .. }, "PUT") => &[400, 409, 412, 413, 415, 428],
        (Run::Change { .. }, _) => &[400, 409, 412, 413, 415],
    };
    [401, 403, 404, 421, 503].iter().chain(more).copied().collect()
}

fn refusal() -> Value {
    json!({"description": "a refusal", "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}})
}

/// What a question to the log comes to.
fn told() -> Value {
    let cells = json!({"type": "array", "items": {"type": ["string", "null"]}});
    json!({"type": "object", "required": ["query", "state", "columns", "rows", "scanned_bytes", "next"], "properties": {
        "query": {"type": "string"}, "state": {"type": "string", "enum": ["running", "done", "failed"]},
        "reason": {"type": "string", "description": "of what failed"},
        "columns": {"type": "array", "items": {"type": "string"}}, "rows": {"type": "array", "items": cells},
        "scanned_bytes": {"type": "integer"}, "next": {"type": ["string", "null"]},
    }})
}

fn answer(what: &str) -> Value {
    json!({"description": what, "content": {"application/json": {"schema": {"type": "object"}}}})
}

fn set(object: &mut Value, name: &str, value: Value) {
    if let Value::Object(fields) = object {
        fields.insert(name.to_owned(), value);
    }
}

/// The ids in a path, each with its form.
fn in_path(path: &str) -> Vec<Value> {
    let names = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    names
        .map(|name| {
            let pattern = match name {
                "key" => "^[0-9A-Za-z]{16}$".to_owned(),
                "team" => "^[a-z0-9][a-z0-9._-]{0,63}$".to_owned(),
                "invitation" => "^[a-p]{64}$".to_owned(),
                _ => format!("^{}_[0-9a-hjkmnp-tv-z]{{16}}$", prefix(name)),
            };
            json!({"name": name, "in": "path", "required": true, "schema": {"type": "string", "pattern": pattern}})
        })
        .collect()
}

fn prefix(name: &str) -> &'static str {
    match name {
        "org" => "org",
        "tenant" => "ten",
        "agent" => "agt",
        "user" => "usr",
        "session" => "ses",
        "connection" => "con",
        "change" => "chg",
        "workload" => "wkl",
        "query" => "qry",
        "token" => "sct",
        _ => "prv",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Route, parse};

    /// Whatever the document names leads somewhere, and each under one name.
    #[test]
    fn every_path_of_the_document_is_one() {
        let document = document();
        let mut names = std::collections::BTreeSet::new();
        for (path, methods) in document["paths"].as_object().unwrap() {
            for (method, described) in methods.as_object().unwrap() {
                let name = described["operationId"].as_str().unwrap();
                assert!(names.insert(name.to_owned()), "{name} twice");
                let filled = in_path(path).iter().fold(path.clone(), |path, one| {
                    let (name, pattern) =
                        (one["name"].as_str().unwrap(), one["schema"]["pattern"].as_str().unwrap());
                    let id = match name {
                        "key" => "ABCDEFGHIJKLMNOP".to_owned(),
                        "team" => "sales".to_owned(),
                        "invitation" => "a".repeat(64),
                        _ => format!("{}0123456789abcdef", pattern.get(1..5).unwrap()),
                    };
                    path.replace(&format!("{{{name}}}"), &id)
                });
                let event = json!({"version": "2.0", "rawPath": filled, "rawQueryString": "", "headers": {},
                    "requestContext": {"http": {"method": method.to_uppercase(), "path": filled}}});
                let request = parse(&event.to_string()).unwrap();
                assert!(!matches!(request.route, Route::Stray(_)), "{method} {filled}");
                let operation = matches!(request.route, Route::Operation(..));
                assert_eq!(operation, described["x-cs-level"].is_string(), "{name}");
            }
        }
        assert!(names.len() > OPERATIONS.len() + 10);
    }
}
