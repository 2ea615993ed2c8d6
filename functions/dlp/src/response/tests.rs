//! Answers, and the document that describes them.

use std::collections::BTreeSet;

use super::*;
use crate::event::ROUTES;
use crate::refusal;
use domain::Reason;
use serde_json::{Value, json};

#[test]
fn an_error_is_a_problem_whose_code_is_the_reason() {
    for (reason, status, code, retry) in [
        (Reason::KeyMissing, 401, "invalid_api_key", "false"),
        (Reason::KeyExpired, 401, "invalid_api_key", "false"),
        (Reason::ScopeMissing, 403, "scope_missing", "false"),
        (Reason::UnknownPath, 404, "unknown_path", "false"),
        (Reason::MethodNotAllowed, 405, "method_not_allowed", "false"),
        (Reason::BodyTooLarge, 413, "body_too_large", "false"),
        (Reason::ContentBlocked, 422, "content_blocked", "false"),
        (Reason::RateExceeded, 429, "rate_exceeded", "true"),
        (Reason::TokensUnavailable, 503, "tokens_unavailable", "true"),
        (Reason::PolicyUnreadable, 503, "policy_unreadable", "false"),
    ] {
        let response = error(&reason.into());
        let body: Value = serde_json::from_str(&response.body).unwrap();
        assert_eq!(
            (response.status(), &body["status"], &body["code"]),
            (status, &json!(status), &json!(code))
        );
        let fields: Vec<_> = body.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(fields, ["title", "status", "detail", "code"], "{reason}");
        assert_eq!(response.headers["content-type"], "application/problem+json");
        assert_eq!(response.headers["cache-control"], "no-store");
        assert_eq!(response.headers["x-should-retry"], retry, "{reason}");
        assert_eq!(response.headers.contains_key("allow"), status == 405);
        assert_eq!(response.headers.contains_key("www-authenticate"), status == 401);
        assert!(!response.headers.contains_key("retry-after"));
    }
}

#[test]
fn a_problem_names_its_place_its_types_and_when_to_try_again() {
    let refused = Refused {
        param: Some("items[3].id".to_owned()),
        hint: Some("email, card".to_owned()),
        types: vec!["email".to_owned(), "card".to_owned()],
        retry_after: Some(17),
        for_good: true,
        ..Refused::from(Reason::RateExceeded)
    };
    let response = error(&refused);
    let body: Value = serde_json::from_str(&response.body).unwrap();
    assert_eq!((&body["param"], &body["types"]), (&json!("items[3].id"), &json!(["email", "card"])));
    assert!(body["detail"].as_str().unwrap().ends_with("(email, card)"));
    assert_eq!(response.headers["retry-after"], "17");
    assert_eq!(response.headers["x-should-retry"], "false");
}

fn document() -> Value {
    serde_json::from_str(&super::document().body).unwrap()
}

/// The document describes the routes that there are, and no others.
#[test]
fn the_document_has_every_route_and_no_other() {
    let document = document();
    assert_eq!(document["openapi"], "3.1.0");
    let paths = document["paths"].as_object().unwrap();
    let told: BTreeSet<(String, String)> = paths
        .iter()
        .flat_map(|(path, methods)| {
            methods.as_object().unwrap().keys().map(|method| (method.to_uppercase(), path.clone()))
        })
        .collect();
    assert_eq!(told, ROUTES.map(|(method, path)| (method.to_owned(), path.to_owned())).into());
}

/// Every way in which a call can end is told: its status with the route, its code with problems.
#[test]
fn the_document_has_every_refusal_and_no_other() {
    let document = document();
    let codes: BTreeSet<&str> = document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"]
        .as_array()
        .unwrap()
        .iter()
        .map(|code| code.as_str().unwrap())
        .collect();
    let code =
        |row: &caller::refusal::Row| if row.status == 401 { "invalid_api_key" } else { row.reason.as_str() };
    assert_eq!(codes, refusal::rows().map(code).collect());
    let mut told: BTreeSet<u16> = BTreeSet::new();
    for route in ["detect", "redact", "restore"] {
        let responses = document["paths"][format!("/v1/{route}")]["post"]["responses"].as_object().unwrap();
        told.extend(responses.keys().map(|status| status.parse::<u16>().unwrap()));
    }
    // No known path answers these two.
    let of_paths = |status: &u16| ![404, 405].contains(status);
    let mut ours: BTreeSet<u16> = refusal::rows().map(|row| row.status).filter(of_paths).collect();
    ours.insert(200);
    assert_eq!(told, ours);
}

/// Each reference leads somewhere.
#[test]
fn the_documents_references_hold() {
    fn each(value: &Value, visit: &mut dyn FnMut(&str)) {
        match value {
            Value::Object(fields) => fields.iter().for_each(|(name, field)| match field {
                Value::String(to) if name == "$ref" => visit(to),
                other => each(other, visit),
            }),
            Value::Array(items) => items.iter().for_each(|item| each(item, visit)),
            _ => {}
        }
    }
    let document = document();
    let mut count = 0;
    each(&document, &mut |to| {
        count += 1;
        assert!(document.pointer(to.trim_start_matches('#')).is_some(), "{to}");
    });
    assert!(count > 10);
}

#[test]
fn the_document_says_the_limits_that_are_in_force() {
    let request = &document()["components"]["schemas"]["Request"];
    assert_eq!(request["oneOf"][1]["properties"]["items"]["maxItems"], crate::batch::MAX_ITEMS);
    assert_eq!(document()["components"]["schemas"]["Note"]["properties"]["note"]["const"], crate::plan::NOTE);
    assert_eq!(caller::json::MAX_DEPTH, redact::MAX_DEPTH, "what is read is walked");
}
