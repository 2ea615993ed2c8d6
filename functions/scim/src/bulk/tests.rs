use super::*;
use crate::error::ScimType;
use proptest::prelude::*;
use serde_json::json;

fn planned(operations: Value) -> Plan {
    parse(&json!({"schemas": [SCHEMA], "Operations": operations}), 100).unwrap()
}

/// RFC 7644, section 3.7.2.
#[test]
fn what_is_referred_to_is_made_first() {
    let plan = planned(json!([
        {"method": "POST", "path": "/Groups", "bulkId": "ytrewq",
         "data": {"displayName": "Guides", "members": [{"type": "User", "value": "bulkId:qwerty"}]}},
        {"method": "delete", "path": "/Users/u-9", "version": "W/\"1\"", "data": null},
        {"method": "POST", "path": "/Users", "bulkId": "qwerty", "data": {"userName": "Alice"}},
        {"method": "PATCH", "path": "/Users/bulkId:qwerty", "data": {"Operations": []}}
    ]));
    assert_eq!(plan.order, [1, 2, 0, 3]);
    let made = BTreeMap::from([("qwerty".to_owned(), "u-1".to_owned())]);
    let request = |at: usize| plan.operations[at].request.as_ref().unwrap();
    let group = request(0).resolved(&made).unwrap();
    assert_eq!(group.data.unwrap()["members"][0]["value"], "u-1");
    assert_eq!(request(3).resolved(&made).unwrap().id.as_deref(), Some("u-1"));
    assert_eq!(request(3).resolved(&BTreeMap::new()).unwrap_err().status, 409);
    assert_eq!(request(0).resolved(&BTreeMap::new()).unwrap_err().status, 409);
    let gone = request(1);
    assert_eq!(
        (gone.kind, gone.id.as_deref(), gone.version.as_deref()),
        (Kind::User, Some("u-9"), Some("W/\"1\""))
    );
    assert_eq!(gone.data, None);
}

#[test]
fn circles_and_strangers_are_refused_one_by_one() {
    let user = |id: &str, manager: &str| json!({"method": "POST", "path": "/Users", "bulkId": id, "data": {"manager": {"value": format!("bulkId:{manager}")}}});
    let plan = planned(json!([
        user("a", "b"),
        user("b", "a"),
        user("c", "a"),
        user("d", "d"),
        user("e", "nobody"),
        {"method": "DELETE", "path": "/Users/u-1"}
    ]));
    let status = |at: usize| plan.operations[at].request.as_ref().err().map(|error| error.status);
    assert_eq!([0, 1, 2, 3, 4, 5].map(status), [Some(409), Some(409), Some(409), Some(409), Some(409), None]);
    let mut order = plan.order.clone();
    order.sort_unstable();
    assert_eq!(order, [0, 1, 2, 3, 4, 5]);
}

#[test]
fn one_bad_operation_does_not_stop_the_others() {
    let deep = (0..40).fold(json!("x"), |inner, _| json!([inner]));
    let plan = planned(json!([
        {"method": "POST", "path": "/Users", "data": {}},
        {"method": "POST", "path": "/Users/u-1", "bulkId": "a", "data": {}},
        {"method": "POST", "path": "/Users", "bulkId": "b"},
        {"method": "PUT", "path": "/Users", "data": {}},
        {"method": "PATCH", "path": "/Users/u-1"},
        {"method": "DELETE", "path": "/Roles/1"},
        {"method": "DELETE", "path": "/Users/u-1/more"},
        {"method": "DELETE", "path": "/Users/"},
        {"method": "DELETE", "path": "/Usersu-1"},
        {"method": "DELETE"},
        {"method": "PUT", "path": "/Users/u-1", "data": deep},
        {"method": "DELETE", "path": "/Users/u-1"}
    ]));
    for one in &plan.operations[..11] {
        assert_eq!(one.request.as_ref().unwrap_err().scim_type, Some(ScimType::InvalidSyntax), "{one:?}");
    }
    assert!(plan.operations[11].request.is_ok());
    assert_eq!(plan.order, (0..12).collect::<Vec<_>>());
}

#[test]
fn limits_and_forms() {
    let one = json!({"method": "DELETE", "path": "/Users/u-1"});
    let many = |n: usize| json!({"Operations": vec![one.clone(); n]});
    assert_eq!(parse(&many(OPERATIONS_MAX), PAYLOAD_MAX).unwrap().order.len(), OPERATIONS_MAX);
    for error in
        [parse(&many(OPERATIONS_MAX + 1), 1), parse(&many(1), PAYLOAD_MAX + 1)].map(Result::unwrap_err)
    {
        assert_eq!(error.status, 413);
        assert!(error.detail.contains("1000") && error.detail.contains("1048576"), "{error}");
    }
    for body in [
        json!([]),
        json!({}),
        json!({"Operations": {}}),
        json!({"schemas": ["urn:x"], "Operations": []}),
        json!({"failOnErrors": 0, "Operations": []}),
        json!({"failOnErrors": "1", "Operations": []}),
        json!({"Operations": [], "more": 1}),
        json!({"Operations": ["DELETE"]}),
        json!({"Operations": [{"path": "/Users/u-1"}]}),
        json!({"Operations": [{"method": "GET", "path": "/Users/u-1"}]}),
        json!({"Operations": [{"method": "DELETE", "path": 1}]}),
        json!({"Operations": [{"method": "DELETE", "path": "/Users/a", "Path": "/Users/b"}]}),
        json!({"Operations": [{"method": "POST", "path": "/Users", "bulkId": "", "data": {}}]}),
        json!({"Operations": [
            {"method": "POST", "path": "/Users", "bulkId": "a", "data": {}},
            {"method": "POST", "path": "/Groups", "bulkId": "a", "data": {}}
        ]}),
    ] {
        assert_eq!(parse(&body, 1).unwrap_err().scim_type, Some(ScimType::InvalidSyntax), "{body}");
    }
    let plan = parse(&json!({"FAILONERRORS": 2, "operations": []}), 1).unwrap();
    assert!(!plan.is_over(1) && plan.is_over(2));
    assert!(!parse(&json!({"Operations": [], "failOnErrors": null}), 1).unwrap().is_over(1_000));
}

#[test]
fn answers_say_what_came_of_each() {
    let made = Outcome {
        method: Method::Post,
        bulk_id: Some("a".to_owned()),
        location: Some("https://x/Users/u-1".to_owned()),
        version: Some("W/\"1\"".to_owned()),
        result: Ok(201),
    };
    let refused = Outcome {
        method: Method::Post,
        bulk_id: Some("b".to_owned()),
        location: None,
        version: None,
        result: Err(ScimError::taken("userName")),
    };
    let body = response(&[made, refused]);
    assert_eq!(
        body["Operations"][0],
        json!({"method": "POST", "bulkId": "a", "location": "https://x/Users/u-1", "version": "W/\"1\"", "status": "201"})
    );
    assert_eq!(body["Operations"][1]["status"], "409");
    assert_eq!(body["Operations"][1]["response"]["scimType"], "uniqueness");
    assert_eq!(body["schemas"], json!([RESPONSE]));
}

proptest! {
    /// Everything is done once, and nothing before what it refers to.
    #[test]
    fn any_references_come_in_order(refers in prop::collection::vec(prop::collection::vec(0_usize..8, 0..3), 1..8)) {
        let operations: Value = refers.iter().enumerate().map(|(at, to)| {
            let data = to.iter().map(|to| format!("bulkId:{to}")).collect::<Vec<_>>();
            json!({"method": "POST", "path": "/Users", "bulkId": at.to_string(), "data": {"emails": data}})
        }).collect();
        let plan = planned(operations);
        let mut done = Vec::new();
        for at in &plan.order {
            if plan.operations[*at].request.is_ok() {
                prop_assert!(refers[*at].iter().all(|to| done.contains(to)), "{at} of {plan:?}");
            }
            done.push(*at);
        }
        let refused = |at: usize| plan.operations[at].request.is_err();
        for (at, to) in refers.iter().enumerate() {
            // Refused only for a reason: a stranger, or something refused or in a circle behind it.
            prop_assert!(!refused(at) || to.iter().any(|to| *to >= refers.len() || refused(*to)), "{at} of {plan:?}");
        }
        done.sort_unstable();
        prop_assert_eq!(done, (0..refers.len()).collect::<Vec<_>>());
    }
}
