//! The edge, over the events of `events/scim/` and over single paths.

use super::*;

macro_rules! fixture {
    ($name:literal) => {
        parse(include_str!(concat!("../../../../events/scim/", $name, ".json"))).unwrap()
    };
}

#[test]
fn the_example_events_are_what_their_names_say() {
    let exists = fixture!("user_exists");
    assert_eq!((exists.method.as_str(), &exists.target), ("GET", &Target::All(Kind::User)));
    assert!(exists.query.starts_with("filter=userName") && exists.bearer.is_some());
    assert_eq!(exists.tls.as_deref(), Some("TLSv1.3"));
    assert!(exists.base.starts_with("https://") && exists.base.ends_with("/scim/v2/con_0c1g60r30c1g60r3"));
    let created = fixture!("user_created");
    assert_eq!(created.json().unwrap()["userName"], "dana@acme.test");
    assert!(created.body_bytes > 200);
    let ended = fixture!("user_deactivated");
    assert_eq!(ended.target, Target::One(Kind::User, "usr_081040g2081040g2".to_owned()));
    assert_eq!((ended.if_match.as_deref(), ended.tls.as_deref()), (Some("W/\"3\""), Some("TLSv1.2")));
    let token = fixture!("access_token");
    assert_eq!((&token.target, token.grant_type.as_deref()), (&Target::Token, Some("client_credentials")));
    assert!(token.client.is_some() && token.bearer.is_none());
    let compressed = fixture!("compressed");
    assert_eq!(compressed.json().unwrap_err().status, 415);
    let schema = fixture!("schema_by_urn");
    let urn = "urn:ietf:params:scim:schemas:core:2.0:User";
    assert_eq!(schema.target, Target::Schemas(Some(urn.to_owned())));
}

#[test]
fn a_path_is_one_thing_in_any_case() {
    let of = |rest: &str| named(&format!("/scim/v2/con_0c1g60r30c1g60r3{rest}")).1;
    for (rest, target) in [
        ("/Users", Target::All(Kind::User)),
        ("/users/", Target::All(Kind::User)),
        ("/Groups/grp_1", Target::One(Kind::Group, "grp_1".to_owned())),
        ("/Users/.search", Target::Search(Some(Kind::User))),
        ("/.search", Target::Search(None)),
        ("/ServiceProviderConfigs", Target::Unknown),
        ("/serviceproviderconfig", Target::ServiceProviderConfig),
        ("/ResourceTypes/User", Target::ResourceTypes(Some("User".to_owned()))),
        ("/Me", Target::Me),
        ("/Bulk", Target::Bulk),
        ("/Users/a/b", Target::Unknown),
        ("", Target::Unknown),
    ] {
        assert_eq!(of(rest), target, "{rest}");
    }
    assert_eq!(named("/healthz"), (None, Target::Health));
    for stray in ["/scim/v2/", "/scim/v2/con_1/Users", "/v1/orgs", "/scim/v1/con_0c1g60r30c1g60r3/Users"] {
        assert_eq!(named(stray), (None, Target::Unknown), "{stray}");
    }
}

#[test]
fn what_is_no_json_is_told_by_its_place() {
    let event = include_str!("../../../../events/scim/user_created.json");
    let torn = event.replacen(r#""body": "{"#, r#""body": "{,"#, 1);
    let error = parse(&torn).unwrap().json().unwrap_err();
    assert_eq!((error.status, error.scim_type), (400, Some(ScimType::InvalidSyntax)));
    assert!(error.detail.contains("line 1, column 2") && !error.detail.contains("dana"), "{error}");
}

#[test]
fn what_two_parsers_could_read_differently_is_not_read() {
    let event = include_str!("../../../../events/scim/user_created.json");
    let twice = event.replacen(r#"\"active\": true"#, r#"\"active\": true, \"active\": false"#, 1);
    assert_ne!(twice, event);
    let error = parse(&twice).unwrap().json().unwrap_err();
    assert!(error.status == 400 && error.detail.contains("repeats"), "{error}");
}
