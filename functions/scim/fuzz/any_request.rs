//! What must hold whatever a client sends: nothing panics, a filter reads back as itself, and what is kept is in canonical
//! form: it fits, holds nothing unassigned, and reads back as itself.

use countersign_scim::filter::Filter;
use countersign_scim::path::Path;
use countersign_scim::project::Projection;
use countersign_scim::query::Query;
use countersign_scim::resource::DOCUMENT_MAX;
use countersign_scim::schema::Kind;
use countersign_scim::{bulk, patch, resource};
use serde_json::{Map, Value, json};

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// Something to ask and to change.
fn kept() -> Map<String, Value> {
    let document = json!({
        "userName": "dana@acme.test", "displayName": "Ops", "externalId": "a", "active": true,
        "name": {"givenName": "Dana"},
        "emails": [{"value": "dana@acme.test", "type": "work", "primary": true}, {"value": "d@home.test"}],
        "roles": [{"value": "a", "display": "b"}, {"value": "a", "primary": true}],
        ENTERPRISE: {"manager": {"value": "u-1"}, "department": "D"}
    });
    document.as_object().expect("an object").clone()
}

pub fn filter(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    for kind in Kind::ALL {
        if let Ok(filter) = Filter::parse(kind, text) {
            let written = filter.to_string();
            // What is written may be longer than what was read, and so over the limit; nothing else may be wrong with it.
            match Filter::parse(kind, &written) {
                Ok(again) => assert_eq!(again, filter, "{text} was written as {written}"),
                Err(error) => {
                    assert!(written.len() > countersign_scim::filter::MAX_LENGTH || deep(&written), "{error}")
                }
            }
            let _ = (filter.matches(&Value::Object(kept())), filter.lookups());
        }
        let _ = Path::parse(kind, text);
        let names = text.split(',').collect::<Vec<_>>();
        let _ = Projection::parse(kind, &names, &[]).map(|shown| shown.apply(kind, &Value::Object(kept())));
    }
}

/// Written brackets may be one more than those read: a list of conditions before `.sub` gets a pair.
fn deep(written: &str) -> bool {
    written.matches(['(', '[']).count() > countersign_scim::filter::MAX_DEPTH
}

pub fn body(bytes: &[u8]) {
    let Ok(body) = serde_json::from_slice::<Value>(bytes) else { return };
    let current = kept();
    if let Ok(user) = resource::user(&body) {
        canonical(&user);
    }
    if let Ok((user, _)) = resource::replace_user(&body, &current) {
        canonical(&user);
    }
    if let Ok(steps) = patch::parse(Kind::User, &body)
        && let Ok((user, changed)) = patch::apply(Kind::User, &current, &steps)
    {
        canonical(&user);
        assert_eq!(changed == resource::Changed::No, user == current);
    }
    let group = group(&current);
    let _ = patch::parse(Kind::Group, &body).and_then(|steps| patch::group_patch(&group, &steps));
    let _ = (resource::group(&body), Query::across(&body), Query::from_body(Kind::User, &body));
    if let Ok(plan) = bulk::parse(&body, bytes.len()) {
        let mut order = plan.order;
        order.sort_unstable();
        assert!(order.into_iter().eq(0..plan.operations.len()), "each once");
    }
}

fn group(kept: &Map<String, Value>) -> Map<String, Value> {
    let of_groups = |name: &str| name == "displayName" || name == "externalId";
    kept.iter()
        .filter(|(name, _)| of_groups(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

fn canonical(user: &Map<String, Value>) {
    let whole = Value::Object(user.clone());
    assert!(whole.to_string().len() <= DOCUMENT_MAX);
    assert!(is_assigned(&whole), "{whole}");
    let (again, changed) = resource::replace_user(&whole, user).expect("what is kept can be sent");
    assert_eq!((&again, changed), (user, resource::Changed::No));
}

fn is_assigned(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty() && list.iter().all(is_assigned),
        Value::Object(map) => !map.is_empty() && map.values().all(is_assigned),
        Value::Bool(_) | Value::Number(_) => true,
    }
}
