use super::*;
use crate::resource::Member;
use crate::schema::{ENTERPRISE, USER};
use serde_json::json;

mod model;

fn map(value: &Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn envelope(operations: &Value) -> Value {
    json!({"schemas": [SCHEMA], "Operations": operations})
}

fn patched(document: &Value, operations: &Value) -> Result<(Value, Changed), ScimError> {
    let steps = parse(Kind::User, &envelope(operations))?;
    apply(Kind::User, &map(document), &steps).map(|(next, changed)| (Value::Object(next), changed))
}

fn noa() -> Value {
    json!({
        "userName": "noa@acme.test", "externalId": "8e0c", "active": true, "displayName": "Noa",
        "name": {"givenName": "Noa", "familyName": "Bar"},
        "emails": [{"value": "noa@acme.test", "type": "work", "primary": true}, {"value": "n@home.test", "type": "home"}],
        ENTERPRISE: {"employeeNumber": "E-1", "manager": {"value": "u-1"}}
    })
}

/// A document that is `noa` but for what is said, `null` for what is gone.
fn but(changes: &Value) -> Value {
    let mut document = noa();
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            document.as_object_mut().unwrap().shift_remove(name);
        } else {
            document[name] = value.clone();
        }
    }
    document
}

/// What identity providers send, and what follows: changes of a document as `but` reads them, or of members.
/// Synthetic: made from what is told of the provider, which publishes no bodies.
fn rows(text: &str) -> Vec<Value> {
    serde_json::from_str(text).unwrap()
}

#[test]
fn what_providers_send_is_done() {
    let rows = rows(include_str!("tests/users.json"));
    assert!(rows.len() >= 43, "{}", rows.len());
    for row in rows {
        let (next, changed) =
            patched(&noa(), &row["operations"]).unwrap_or_else(|error| panic!("{row}: {error}"));
        assert_eq!(next, but(&row["changes"]), "{row}");
        assert_eq!(changed == Changed::No, next == noa(), "{row}");
    }
}

#[test]
fn no_value_stands_twice() {
    let add = |roles: Value, new: Value| {
        let operations = json!([{"op": "add", "path": "roles", "value": [new]}]);
        let (mut next, changed) = patched(&json!({"userName": "a", "roles": roles}), &operations).unwrap();
        (next["roles"].take(), changed)
    };
    // The very same is left alone, though another is like it.
    let two = json!([{"value": "a"}, {"value": "a", "display": "A"}]);
    assert_eq!(add(two.clone(), json!({"value": "a", "display": "A"})), (two, Changed::No));
    // One that was primary becomes what stands beside it.
    let two = json!([{"value": "a", "primary": true}, {"value": "a", "primary": false}]);
    let next = json!([{"value": "a", "primary": false}, {"value": "b", "primary": true}]);
    assert_eq!(add(two, json!({"value": "b", "primary": true})), (next, Changed::Yes));
    // One like it becomes what stands beside it.
    let two = json!([{"value": "a", "display": "A"}, {"value": "a", "display": "B", "primary": false}]);
    let next = json!([{"value": "a", "display": "B", "primary": false}]);
    assert_eq!(add(json!([{"value": "a", "display": "A"}]), two[1].clone()).0, next);
}

#[test]
fn an_extensions_first_value_brings_its_urn() {
    let (next, _) = patched(
        &json!({"userName": "a"}),
        &json!([{"op": "add", "path": format!("{ENTERPRISE}:department"), "value": "D"}]),
    )
    .unwrap();
    assert_eq!(next, json!({"userName": "a", ENTERPRISE: {"department": "D"}}));
}

#[test]
fn what_cannot_be_is_refused_and_nothing_is_done() {
    use ScimType::{InvalidFilter, InvalidPath, InvalidSyntax, InvalidValue, Mutability, NoTarget};
    for (operation, kind) in [
        (json!({"op": "replace", "path": "shoeSize", "value": "1"}), InvalidPath),
        (json!({"op": "replace", "path": "", "value": "1"}), InvalidPath),
        (json!({"op": "replace", "value": {"shoeSize": "1"}}), InvalidPath),
        (json!({"op": "replace", "value": {"shoeSize": null}}), InvalidPath),
        (json!({"op": "replace", "value": {ENTERPRISE: {"shoeSize": "1"}}}), InvalidPath),
        (json!({"op": "replace", "path": "emails[type is \"work\"].value", "value": "1"}), InvalidFilter),
        (json!({"op": "replace", "path": "name[givenName eq \"a\"]", "value": "1"}), InvalidPath),
        (json!({"op": "replace", "path": "id", "value": "u-2"}), Mutability),
        (json!({"op": "remove", "path": "groups"}), Mutability),
        (json!({"op": "add", "path": "groups[value eq \"g-1\"]", "value": {}}), Mutability),
        (json!({"op": "add", "path": "meta.created", "value": "2026-01-01T00:00:00Z"}), Mutability),
        (json!({"op": "add", "path": "schemas", "value": [USER]}), Mutability),
        (
            json!({"op": "replace", "path": format!("{ENTERPRISE}:manager.displayName"), "value": "X"}),
            Mutability,
        ),
        (json!({"op": "remove", "path": "userName"}), Mutability),
        (json!({"op": "replace", "path": "userName", "value": ""}), InvalidValue),
        (json!({"op": "replace", "path": "userName", "value": null}), InvalidValue),
        (json!({"op": "remove"}), NoTarget),
        (json!({"op": "remove", "value": {"title": "x"}}), NoTarget),
        (
            json!({"op": "replace", "path": "emails[type ne \"work\" and type ne \"home\"].value", "value": "1"}),
            NoTarget,
        ),
        (json!({"op": "replace", "path": "emails[value eq \"x\"].primary", "value": true}), NoTarget),
        (json!({"op": "replace", "path": "emails[type eq \"x\"].primary", "value": true}), NoTarget),
        (
            json!({"op": "replace", "path": "emails[type eq \"x\" and type eq \"y\"].value", "value": "1"}),
            NoTarget,
        ),
        (json!({"op": "replace", "path": "emails[type eq \"x\"]", "value": {"value": "1"}}), NoTarget),
        (
            json!({"op": "add", "path": "emails[type ne \"work\" and type ne \"home\"].value", "value": "1"}),
            NoTarget,
        ),
        (
            json!({"op": "add", "path": "emails[type eq \"a\" and type eq \"b\"].value", "value": "1"}),
            NoTarget,
        ),
        (json!({"op": "add", "path": "ims.value", "value": "1"}), NoTarget),
        (json!({"op": "replace", "path": "title"}), InvalidValue),
        (json!({"op": "add"}), InvalidValue),
        (json!({"op": "add", "value": "x"}), InvalidValue),
        (json!({"op": "add", "value": "[{\"title\":\"x\"}]"}), InvalidValue),
        (json!({"op": "add", "value": "{\"shoeSize\":4}"}), InvalidPath),
        (json!({"op": "replace", "value": {ENTERPRISE: {"schemas": [USER]}}}), InvalidPath),
        (json!({"op": "add", "value": [{"title": "x"}]}), InvalidValue),
        (json!({"op": "replace", "path": "title", "value": 1}), InvalidValue),
        (json!({"op": "replace", "path": "active", "value": "perhaps"}), InvalidValue),
        (json!({"op": "replace", "path": "name", "value": "Noa"}), InvalidValue),
        (json!({"op": "replace", "path": ENTERPRISE, "value": "x"}), InvalidValue),
        (json!({"op": "replace", "path": "emails[type pr].primary", "value": true}), InvalidValue),
        (
            json!({"op": "remove", "path": "emails[type eq \"work\"]", "value": [{"value": "x"}]}),
            InvalidValue,
        ),
        (json!({"op": "move", "path": "title", "value": "x"}), InvalidSyntax),
        (json!({"path": "title", "value": "x"}), InvalidSyntax),
        (json!({"op": "add", "path": ["title"], "value": "x"}), InvalidSyntax),
        (json!({"op": "add", "path": "title", "value": "x", "Value": "y"}), InvalidSyntax),
        (json!({"op": "add", "path": "title", "value": "x", "from": "y"}), InvalidSyntax),
        (json!("add"), InvalidSyntax),
    ] {
        let operations = json!([{"op": "replace", "path": "title", "value": "T"}, operation]);
        let error = patched(&noa(), &operations).unwrap_err();
        assert_eq!((error.status, error.scim_type), (400, Some(kind)), "{operation}: {error}");
    }
}

#[test]
fn bodies_are_read_in_any_case_and_bounded() {
    let one = json!({"OP": "Replace", "Path": "active", "VALUE": "True"});
    for body in [
        json!({"schemas": [SCHEMA], "Operations": [one]}),
        json!({"schemas": [SCHEMA.to_uppercase()], "operations": [one]}),
        json!({"OPERATIONS": [one]}),
    ] {
        assert_eq!(parse(Kind::User, &body).unwrap().len(), 1, "{body}");
    }
    for body in [
        json!([]),
        json!({}),
        json!({"Operations": []}),
        json!({"Operations": {}}),
        json!({"Operations": [one], "operations": [one]}),
        json!({"Operations": [one], "more": 1}),
        json!({"schemas": ["urn:x"], "Operations": [one]}),
        json!({"schemas": SCHEMA, "Operations": [one]}),
    ] {
        assert_eq!(parse(Kind::User, &body).unwrap_err().scim_type, Some(ScimType::InvalidSyntax), "{body}");
    }
    let many = |n: usize| json!({"Operations": vec![one.clone(); n]});
    assert_eq!(parse(Kind::User, &many(OPERATIONS_MAX)).unwrap().len(), OPERATIONS_MAX);
    assert_eq!(parse(Kind::User, &many(OPERATIONS_MAX + 1)).unwrap_err().status, 413);
    let wide = json!({"op": "add", "value": {"title": "a", "nickName": "b", "locale": "c", "timezone": "d", "userType": "e"}});
    let wide = json!({"Operations": vec![wide; OPERATIONS_MAX]});
    assert_eq!(parse(Kind::User, &wide).unwrap_err().status, 413);
    let grown: Vec<Value> = (0..100).map(|n| json!({"op": "add", "path": "roles", "value": [{"value": format!("{n}{}", "x".repeat(1_000))}]})).collect();
    assert_eq!(patched(&noa(), &Value::Array(grown)).unwrap_err().status, 413);
    let more: Vec<Value> =
        (0..101).map(|n| json!({"op": "add", "path": "roles", "value": n.to_string()})).collect();
    assert_eq!(patched(&noa(), &Value::Array(more)).unwrap_err().scim_type, Some(ScimType::InvalidValue));
}

fn members(ids: &[&str]) -> Vec<Member> {
    ids.iter().map(|id| Member::new(id).unwrap()).collect()
}

fn of_group(operations: &Value) -> Result<GroupChange, ScimError> {
    let document = map(&json!({"displayName": "Ops", "externalId": "5d2a"}));
    group_patch(&document, &parse(Kind::Group, &envelope(operations))?)
}

#[test]
fn groups_are_changed_as_providers_ask() {
    let rows = rows(include_str!("tests/groups.json"));
    assert!(rows.len() >= 20, "{}", rows.len());
    for row in rows {
        let change = of_group(&row["operations"]).unwrap_or_else(|error| panic!("{row}: {error}"));
        assert_eq!(change.document.is_some(), row["document"] == true, "{row}");
        assert_eq!(change.members.iter().map(told).collect::<Value>(), row["members"], "{row}");
    }
}

fn told(op: &MemberOp) -> Value {
    let ids = |list: &[Member]| list.iter().map(Member::as_str).collect::<Value>();
    match op {
        MemberOp::Replace(list) => json!(["replace", ids(list)]),
        MemberOp::Remove(list) => json!(["remove", ids(list)]),
        MemberOp::RemoveMatching(filter) => json!(["remove matching", filter.to_string()]),
        MemberOp::Add(list) => json!(["add", ids(list)]),
    }
}

#[test]
fn a_filter_over_members_keeps_its_place_in_the_order() {
    let change = of_group(&json!([
        {"op": "add", "path": "members", "value": ["u-1"]},
        {"op": "remove", "path": "members[type eq \"User\"]"},
        {"op": "add", "path": "members", "value": ["u-2"]}
    ]))
    .unwrap();
    let replaced = of_group(&json!([
        {"op": "remove", "path": "members[type eq \"User\"]"},
        {"op": "replace", "path": "members", "value": ["u-1"]}
    ]));
    assert_eq!(replaced.unwrap().members, [MemberOp::Replace(members(&["u-1"]))]);
    let [MemberOp::Add(first), MemberOp::RemoveMatching(filter), MemberOp::Add(second)] = &change.members[..]
    else {
        panic!("{change:?}");
    };
    assert_eq!((first, second), (&members(&["u-1"]), &members(&["u-2"])));
    assert!(filter.matches(&json!({"value": "u-1", "type": "User"})));
}

#[test]
fn members_are_not_changed_in_place() {
    for (operation, kind) in [
        (
            json!({"op": "replace", "path": "members[value eq \"u-1\"].value", "value": "u-2"}),
            ScimType::Mutability,
        ),
        (
            json!({"op": "replace", "path": "members[value eq \"u-1\"]", "value": {"value": "u-2"}}),
            ScimType::Mutability,
        ),
        (json!({"op": "remove", "path": "members.value"}), ScimType::Mutability),
        (
            json!({"op": "replace", "path": "members[value eq \"u-1\"].display", "value": "X"}),
            ScimType::Mutability,
        ),
        (
            json!({"op": "add", "path": "members", "value": [{"value": "g-1", "type": "Group"}]}),
            ScimType::InvalidValue,
        ),
        (json!({"op": "add", "path": "members"}), ScimType::InvalidValue),
        (json!({"op": "remove", "path": "displayName"}), ScimType::Mutability),
    ] {
        assert_eq!(of_group(&json!([operation])).unwrap_err().scim_type, Some(kind), "{operation}");
    }
    let list = |from: usize| (from..from + 30_000).map(|n| json!(format!("u-{n}"))).collect::<Vec<_>>();
    let many = json!([{"op": "add", "path": "members", "value": list(0)}, {"op": "add", "path": "members", "value": list(30_000)}]);
    assert_eq!(of_group(&many).unwrap_err().status, 413);
    let matching = |n: usize| Value::Array(vec![json!({"op": "remove", "path": "members[type pr]"}); n]);
    assert_eq!(of_group(&matching(10)).unwrap().members.len(), 10);
    assert_eq!(of_group(&matching(11)).unwrap_err().status, 413);
}
