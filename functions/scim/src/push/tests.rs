use super::*;
use serde_json::json;

#[test]
fn a_patch_is_answered_as_the_client_asks() {
    for (kind, prefer, chosen, is_bare) in [
        (Kind::User, None, false, false),
        (Kind::Group, None, false, true),
        (Kind::Group, None, true, false),
        (Kind::Group, Some("return=representation"), false, false),
        (Kind::User, Some("respond-async, Return = Minimal"), false, true),
        (Kind::User, Some("return=minimal"), true, false),
    ] {
        assert_eq!(bare(kind, prefer, chosen), is_bare, "{kind:?} {prefer:?} {chosen}");
    }
}

#[test]
fn a_replaced_group_holds_whom_it_names() {
    let sent = |body: Value| resource::group(&body).unwrap();
    let schemas = json!(["urn:ietf:params:scim:schemas:core:2.0:Group"]);
    let now = sent(json!({"schemas": schemas, "displayName": "Ops"})).document;
    let same = replaced(&now, &sent(json!({"schemas": schemas, "displayName": "Ops"})));
    assert_eq!(same.document, None);
    assert_eq!(same.members, [patch::MemberOp::Replace(Vec::new())]);
    let other =
        replaced(&now, &sent(json!({"schemas": schemas, "displayName": "Dev", "members": [{"value": "u"}]})));
    assert_eq!(other.document.unwrap()["displayName"], "Dev");
    assert!(matches!(&other.members[..], [patch::MemberOp::Replace(all)] if all.len() == 1));
}

#[test]
fn a_query_that_is_none_is_told() {
    assert_eq!(parameters("a=%zz").unwrap_err().status, 400);
    assert_eq!(parameters("count=1&x=%C3%A9").unwrap().len(), 2);
}

#[test]
fn what_the_service_says_of_itself_is_there_and_nothing_else() {
    let base = "https://x.test/scim/v2/con_1";
    for target in [Target::ServiceProviderConfig, Target::Schemas(None), Target::ResourceTypes(None)] {
        assert_eq!(described(base, &target, &[]).unwrap().status(), 200, "{target:?}");
        let filter = [("Filter".to_owned(), "id pr".to_owned())];
        assert_eq!(described(base, &target, &filter).unwrap_err().status, 403, "{target:?}");
    }
    assert_eq!(described(base, &Target::Schemas(Some("urn:x".to_owned())), &[]).unwrap_err().status, 404);
    assert_eq!(described(base, &Target::Me, &[]).unwrap_err().status, 501);
    assert_eq!(described(base, &Target::Bulk, &[]).unwrap_err().status, 405);
}
