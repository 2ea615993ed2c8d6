use super::*;
use serde_json::json;

fn asked(parameters: &[(&str, &str)]) -> Result<Query, ScimError> {
    let owned: Vec<_> =
        parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Query::from_parameters(Kind::User, &owned)
}

#[test]
fn an_address_and_a_body_mean_the_same() {
    let parameters = [
        ("filter", "userName eq \"a\""),
        ("sortBy", "name.familyName"),
        ("sortOrder", "descending"),
        ("startIndex", "11"),
        ("count", "5"),
        ("attributes", "userName, emails.value"),
        ("unheard", "of"),
    ];
    let body = json!({
        "schemas": [SCHEMA], "FILTER": "userName eq \"a\"", "sortBy": "name.familyName", "sortOrder": "descending",
        "startIndex": 11, "count": 5, "attributes": ["userName", "emails.value"], "cursor": null
    });
    let query = asked(&parameters).unwrap();
    assert_eq!(query, Query::from_body(Kind::User, &body).unwrap());
    assert_eq!(query.page, Page::Index { start: 11, count: 5 });
    assert!(query.sort.is_some_and(|sort| sort.descending) && query.filter.is_some());
    let names = json!({"excludedAttributes": "groups,emails"});
    let list = json!({"excludedAttributes": ["groups", "emails"]});
    let read = |body| Query::from_body(Kind::User, body).unwrap();
    assert_eq!(read(&names), read(&list));
}

#[test]
fn pages_are_bounded() {
    for (parameters, page) in [
        (&[][..], Page::Index { start: 1, count: COUNT_DEFAULT }),
        (&[("startIndex", "0"), ("count", "-1")], Page::Index { start: 1, count: 0 }),
        (&[("startIndex", "-7"), ("count", "0")], Page::Index { start: 1, count: 0 }),
        (&[("startindex", "101"), ("count", "1000000")], Page::Index { start: 101, count: COUNT_MAX }),
        (&[("cursor", "")], Page::Cursor { after: None, count: COUNT_DEFAULT }),
        (&[("cursor", "aB-_1"), ("count", "7")], Page::Cursor { after: Some("aB-_1".to_owned()), count: 7 }),
    ] {
        assert_eq!(asked(parameters).unwrap().page, page, "{parameters:?}");
    }
    let long = "a".repeat(CURSOR_MAX + 1);
    for (parameters, kind) in [
        (&[("count", "many")][..], ScimType::InvalidValue),
        (&[("count", "99999999999999999999")], ScimType::InvalidValue),
        (&[("startIndex", "1.5")], ScimType::InvalidValue),
        (&[("cursor", ""), ("count", "many")], ScimType::InvalidCount),
        (&[("cursor", "a b")], ScimType::InvalidCursor),
        (&[("cursor", &long)], ScimType::InvalidCursor),
        (&[("cursor", ""), ("startIndex", "1")], ScimType::InvalidValue),
        (&[("count", "1"), ("Count", "2")], ScimType::InvalidValue),
        (&[("attributes", "id"), ("excludedAttributes", "name")], ScimType::InvalidValue),
        (&[("filter", "")], ScimType::InvalidFilter),
        (&[("sortBy", "shoeSize")], ScimType::InvalidPath),
        (&[("sortBy", "name")], ScimType::InvalidPath),
        (&[("sortBy", "title"), ("sortOrder", "up")], ScimType::InvalidValue),
    ] {
        assert_eq!(asked(parameters).unwrap_err().scim_type, Some(kind), "{parameters:?}");
    }
    for body in [
        json!([]),
        json!({"schemas": ["urn:x"]}),
        json!({"filter": 1}),
        json!({"attributes": [1]}),
        json!({"shoe": 1}),
        json!({"filter": "title pr", "Filter": "title pr"}),
    ] {
        let error = Query::from_body(Kind::User, &body).unwrap_err();
        assert_eq!(error.scim_type, Some(ScimType::InvalidSyntax), "{body}");
    }
    assert!(Query::from_body(Kind::User, &json!({"count": "7"})).is_err());
}

#[test]
fn a_search_over_all_leaves_out_what_cannot_match() {
    let kinds = |body: &Value| {
        Query::across(body).map(|found| found.into_iter().map(|(kind, _)| kind).collect::<Vec<_>>())
    };
    assert_eq!(kinds(&json!({"schemas": [SCHEMA]})).unwrap(), Kind::ALL);
    assert_eq!(kinds(&json!({"filter": "id pr"})).unwrap(), Kind::ALL);
    assert_eq!(kinds(&json!({"filter": "userName pr"})).unwrap(), [Kind::User]);
    assert_eq!(kinds(&json!({"filter": "members pr"})).unwrap(), [Kind::Group]);
    assert!(kinds(&json!({"filter": "shoeSize pr"})).is_err());
    assert!(kinds(&json!({"sortBy": "shoeSize"})).is_err());
    for by in ["displayName", "userName", "members"] {
        let queries = Query::across(&json!({"sortBy": by})).unwrap();
        assert_eq!(queries.len(), 2, "{by}");
        assert!(queries[0].1.sort.is_some() && queries[0].1.sort == queries[1].1.sort, "{by}");
    }
}

#[test]
fn results_stand_in_order() {
    let people = [
        json!({"id": "1", "userName": "b", "active": true, "meta": {"created": "2026-01-02T00:00:00Z"}, "externalId": "b"}),
        json!({"id": "2", "userName": "A", "active": false, "meta": {"created": "2026-01-02T00:00:00+02:00"}, "externalId": "C",
            "emails": [{"value": "z@x"}, {"value": "c@x", "primary": true}]}),
        json!({"id": "3", "userName": "C", "title": "T", "meta": {"created": "2025-01-02T00:00:00Z"}, "emails": [{"value": "D@x"}]}),
    ];
    let order = |by: &str, order: Option<&str>| {
        let sort = Sort::parse(Kind::User, by, order).unwrap();
        let mut people = people.to_vec();
        people.sort_by(|a, b| sort.compare(a, b));
        people.iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect::<String>()
    };
    for (by, up, down) in [
        ("userName", "213", "312"),
        ("externalId", "213", "312"),
        ("meta.created", "321", "123"),
        ("active", "213", "312"),
        ("emails", "231", "132"),
        ("emails.value", "231", "132"),
        ("title", "312", "123"),
        ("nickName", "123", "123"),
    ] {
        assert_eq!((order(by, None), order(by, Some("Ascending"))), (up.to_owned(), up.to_owned()), "{by}");
        assert_eq!(order(by, Some("descending")), down, "{by}");
    }
}
