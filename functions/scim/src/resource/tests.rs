use super::*;
use crate::schema::{ENTERPRISE, GROUP, USER};
use domain::Timestamp;
use serde_json::json;

fn kept(body: &Value) -> Value {
    Value::Object(user(body).unwrap_or_else(|error| panic!("{body}: {error}")))
}

#[test]
fn okta_creates_a_user() {
    let body = json!({
        "schemas": [USER], "userName": "dana@acme.test", "name": {"givenName": "Dana", "familyName": "Levi"},
        "emails": [{"primary": true, "value": "dana@acme.test", "type": "work"}], "displayName": "Dana Levi",
        "locale": "en-US", "externalId": "00u1example", "groups": [], "password": "placeholder1", "active": true
    });
    assert_eq!(
        kept(&body),
        json!({
            "userName": "dana@acme.test", "name": {"givenName": "Dana", "familyName": "Levi"},
            "emails": [{"primary": true, "value": "dana@acme.test", "type": "work"}], "displayName": "Dana Levi",
            "locale": "en-US", "externalId": "00u1example", "active": true
        })
    );
}

#[test]
fn entra_creates_a_user_and_a_group() {
    let body = json!({
        "schemas": [USER, ENTERPRISE], "externalId": "8e0c", "userName": "noa@acme.test", "active": true,
        "emails": [{"primary": true, "type": "work", "value": "noa@acme.test"}],
        "meta": {"resourceType": "User"}, "name": {"formatted": "Noa Bar", "familyName": "Bar", "givenName": "Noa"},
        "roles": []
    });
    let document = kept(&body);
    assert_eq!(document.get("meta").or(document.get("roles")).or(document.get(ENTERPRISE)), None);
    let ad = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group";
    let body = json!({"schemas": [GROUP, ad], "externalId": "5d2a", "displayName": "Ops", "meta": {"resourceType": "Group"}});
    let group = group(&body).unwrap();
    assert_eq!(Value::Object(group.document), json!({"externalId": "5d2a", "displayName": "Ops"}));
    assert_eq!(group.members, None);
}

#[test]
fn onelogin_names_schemas_in_its_own_way() {
    let enterprise = "urn:scim:schemas:extension:enterprise:2.0";
    let body = json!({
        "schemas": ["urn:scim:schemas:core:2.0", enterprise], "userName": "a", "active": true,
        enterprise: {"department": "D"}
    });
    assert_eq!(kept(&body), json!({"userName": "a", "active": true, ENTERPRISE: {"department": "D"}}));
    let body = json!({"schemas": ["urn:scim:schemas:core:2.0"], "displayName": "Ops"});
    assert_eq!(Value::Object(group(&body).unwrap().document), json!({"displayName": "Ops"}));
    for strange in [json!(["urn:scim:schemas:core:1.0"]), json!([enterprise])] {
        let error = user(&json!({"schemas": strange, "userName": "a"})).unwrap_err();
        assert_eq!(error.scim_type, Some(ScimType::InvalidSyntax), "{strange}");
    }
}

#[test]
fn an_extension_may_say_what_it_is() {
    let body = |schema: &str| json!({"userName": "a", ENTERPRISE: {"schemas": [schema], "department": "D"}});
    assert_eq!(kept(&body(ENTERPRISE))[ENTERPRISE], json!({"department": "D"}));
    assert_eq!(user(&body(USER)).unwrap_err().scim_type, Some(ScimType::InvalidSyntax));
}

#[test]
fn names_are_ours_and_the_unassigned_is_left_out() {
    let body = json!({
        "USERNAME": "a", "Name": {"GIVENNAME": "A", "familyName": null, "middleName": ""}, "title": "", "nickName": null,
        "emails": [{"VALUE": "a@b", "display": null}, {"value": "a@b"}, {}], "roles": ["admin"], "active": "False",
        ENTERPRISE.to_lowercase(): {"EmployeeNumber": "1", "department": "", "manager": {"value": "u-1", "displayName": "X", "$ref": null}},
        "unknown": null, "more": [], "id": "mine", "groups": [{"value": "g-1"}], "shoe": {}
    });
    assert_eq!(
        kept(&body),
        json!({
            "userName": "a", "name": {"givenName": "A"}, "emails": [{"value": "a@b"}], "roles": [{"value": "admin"}],
            "active": false, ENTERPRISE: {"employeeNumber": "1", "manager": {"value": "u-1"}}
        })
    );
    assert_eq!(kept(&json!({"userName": "a"}))["active"], true);
}

#[test]
fn what_does_not_fit_is_refused() {
    use ScimType::{InvalidSyntax, InvalidValue};
    let long = "x".repeat(value::TEXT_MAX + 1);
    let many: Vec<Value> = (0..=value::ELEMENTS_MAX).map(|n| json!({"value": n.to_string()})).collect();
    for (body, kind) in [
        (json!([]), InvalidSyntax),
        (json!("userName"), InvalidSyntax),
        (json!({}), InvalidValue),
        (json!({"userName": ""}), InvalidValue),
        (json!({"userName": "  "}), InvalidValue),
        (json!({"userName": 1}), InvalidValue),
        (json!({"userName": ["a"]}), InvalidValue),
        (json!({"userName": "a\u{0}"}), InvalidValue),
        (json!({"userName": long}), InvalidValue),
        (json!({"userName": "a", "USERNAME": "b"}), InvalidSyntax),
        (json!({"userName": "a", "shoeSize": 1}), InvalidSyntax),
        (json!({"userName": "a", "name": "A"}), InvalidValue),
        (json!({"userName": "a", "name": {"shoe": "A"}}), InvalidValue),
        (json!({"userName": "a", "name": {"givenName": "A", "GivenName": "B"}}), InvalidValue),
        (json!({"userName": "a", "name": {"givenName": {"deep": 1}}}), InvalidValue),
        (json!({"userName": "a", "active": "yes"}), InvalidValue),
        (json!({"userName": "a", "active": 1}), InvalidValue),
        (json!({"userName": "a", "emails": [1]}), InvalidValue),
        (
            json!({"userName": "a", "emails": [{"value": "a", "primary": true}, {"value": "b", "primary": true}]}),
            InvalidValue,
        ),
        (json!({"userName": "a", "emails": many}), InvalidValue),
        (json!({"userName": "a", "x509Certificates": [{"value": "no base64!"}]}), InvalidValue),
        (json!({"userName": "a", ENTERPRISE: "x"}), InvalidValue),
        (json!({"userName": "a", ENTERPRISE: {"shoe": "x"}}), InvalidSyntax),
        (json!({"userName": "a", "urn:acme:User": {"x": 1}}), InvalidSyntax),
        (json!({"userName": "a", "schemas": USER}), InvalidSyntax),
        (json!({"userName": "a", "schemas": [ENTERPRISE]}), InvalidSyntax),
        (json!({"userName": "a", "schemas": [USER, "urn:acme:User"]}), InvalidSyntax),
    ] {
        let error = user(&body).unwrap_err();
        assert_eq!((error.status, error.scim_type), (400, Some(kind)), "{body}: {error}");
    }
    let large: Vec<Value> = (0..40).map(|n| json!({"value": format!("{n}{}", "x".repeat(1_000))})).collect();
    assert_eq!(user(&json!({"userName": "a", "roles": large})).unwrap_err().status, 413);
    for body in [
        json!({}),
        json!({"displayName": "Ops", "userName": "a"}),
        json!({"displayName": "Ops", "members": [{"id": "u-1"}]}),
    ] {
        assert_eq!(group(&body).unwrap_err().status, 400, "{body}");
    }
}

#[test]
fn being_left_out_brings_nobody_back() {
    let gone = user(&json!({"userName": "a", "active": false, "title": "T"})).unwrap();
    let (next, changed) = replace_user(&json!({"userName": "a"}), &gone).unwrap();
    assert_eq!((Value::Object(next), changed), (json!({"userName": "a", "active": false}), Changed::Yes));
    let (next, _) = replace_user(&json!({"userName": "a", "active": null}), &gone).unwrap();
    assert_eq!(next["active"], false);
    let (next, _) = replace_user(&json!({"userName": "a", "active": "True"}), &gone).unwrap();
    assert_eq!(next["active"], true);
    let same = json!({"id": "u-1", "meta": {"x": 1}, "title": "T", "active": false, "userName": "a"});
    assert_eq!(replace_user(&same, &gone).unwrap().1, Changed::No);
    let never_said = Map::from_iter([("userName".to_owned(), json!("a"))]);
    assert_eq!(replace_user(&json!({"userName": "a"}), &never_said).unwrap().1, Changed::No);
}

#[test]
fn members_are_read_in_every_form() {
    let members = |members: Value| {
        let members = group(&json!({"displayName": "Ops", "Members": members}))?.members.unwrap();
        Ok::<_, ScimError>(members.iter().map(|one| one.as_str().to_owned()).collect::<Vec<_>>())
    };
    assert_eq!(members(json!([])).unwrap(), [""; 0]);
    assert_eq!(members(json!(null)).unwrap(), [""; 0]);
    let sent = json!([
        {"value": "u-2", "display": "dana@acme.test"}, {"$ref": null, "value": "u-1"}, {"VALUE": "u-2", "type": "User"},
        {"value": "u-3", "$ref": "https://x/Users/u-3", "type": null, "unknown": null}, "u-4"
    ]);
    assert_eq!(members(sent).unwrap(), ["u-2", "u-1", "u-3", "u-4"]);
    for bad in [
        json!(""),
        json!(1),
        json!([{"display": "Dana"}]),
        json!([{"value": ""}]),
        json!([{"value": 1}]),
        json!([{"value": "u 1"}]),
        json!([{"value": "u-1\u{0}"}]),
        json!([{"value": "u-1", "Value": "u-2"}]),
        json!([{"value": "g-1", "type": "Group"}]),
        json!([{"value": "u-1", "shoe": "x"}]),
        json!([{"value": "x".repeat(129)}]),
    ] {
        assert_eq!(members(bad.clone()).unwrap_err().scim_type, Some(ScimType::InvalidValue), "{bad}");
    }
    let many: Vec<Value> = (0..=MEMBERS_MAX).map(|n| json!(n.to_string())).collect();
    assert_eq!(members(Value::Array(many)).unwrap_err().status, 413);
}

#[test]
fn what_is_shown_is_whole() {
    let at = Timestamp::from_unix_millis(1_795_430_530_120).unwrap();
    let about = About {
        id: "u-1",
        created: at,
        last_modified: at,
        location: "https://x/Users/u-1",
        version: "W/\"3\"",
    };
    let document = user(&json!({"userName": "a", ENTERPRISE: {"division": "D"}})).unwrap();
    let link = Link { id: "g-1", location: "https://x/Groups/g-1", display: Some("Ops") };
    assert_eq!(
        render(Kind::User, &document, &about, &[link]),
        json!({
            "schemas": [USER, ENTERPRISE], "id": "u-1", "userName": "a", "active": true, ENTERPRISE: {"division": "D"},
            "groups": [{"value": "g-1", "$ref": "https://x/Groups/g-1", "type": "direct", "display": "Ops"}],
            "meta": {"resourceType": "User", "created": "2026-11-23T10:42:10.120Z",
                "lastModified": "2026-11-23T10:42:10.120Z", "location": "https://x/Users/u-1", "version": "W/\"3\""}
        })
    );
    let plain = user(&json!({"userName": "a"})).unwrap();
    assert_eq!(render(Kind::User, &plain, &about, &[])["schemas"], json!([USER]));
    let document = group(&json!({"displayName": "Ops"})).unwrap().document;
    let shown = render(Kind::Group, &document, &about, &[Link { display: None, ..link }]);
    assert_eq!(shown["schemas"], json!([GROUP]));
    assert_eq!(shown["members"], json!([{"value": "g-1", "$ref": "https://x/Groups/g-1", "type": "User"}]));
    assert_eq!(render(Kind::Group, &document, &about, &[]).get("members"), None);
}
