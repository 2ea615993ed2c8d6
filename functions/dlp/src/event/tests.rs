//! The edge, over the events of `events/dlp/` and over single changes of them.

use super::*;
use domain::{KeyKind, Region};
use serde_json::Value;

macro_rules! fixture {
    ($name:literal) => {
        ($name, include_str!(concat!("../../../../events/dlp/", $name, ".json")))
    };
}

/// What the route of an event came to, in a form that compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Came {
    Health,
    OpenApi,
    Call(Action),
    Faulty(Action, Reason),
    Stray(Reason),
}

fn came(route: &Route) -> Came {
    match route {
        Route::Health => Came::Health,
        Route::OpenApi => Came::OpenApi,
        Route::Call(action, Ok(_)) => Came::Call(*action),
        Route::Call(action, Err(fault)) => Came::Faulty(*action, fault.reason),
        Route::Stray(reason) => Came::Stray(*reason),
    }
}

#[test]
fn the_example_events_are_what_their_names_say() {
    let good = None;
    for ((name, event), expected, key) in [
        (fixture!("detect"), Came::Call(Action::DlpDetect), good),
        (fixture!("rest_detect"), Came::Call(Action::DlpDetect), good),
        (fixture!("redact"), Came::Call(Action::DlpRedact), good),
        (fixture!("restore"), Came::Call(Action::DlpRestore), good),
        (fixture!("document"), Came::OpenApi, Some(Reason::KeyMissing)),
        (fixture!("health"), Came::Health, Some(Reason::KeyMissing)),
        (fixture!("no_key"), Came::Call(Action::DlpDetect), Some(Reason::KeyMissing)),
        (fixture!("wrong_method"), Came::Stray(Reason::MethodNotAllowed), good),
        (fixture!("unknown_path"), Came::Stray(Reason::UnknownPath), good),
        (fixture!("form_encoded"), Came::Faulty(Action::DlpRedact, Reason::ContentType), good),
    ] {
        let request = parse(event).unwrap();
        assert_eq!(came(&request.route), expected, "{name}");
        assert_eq!(request.key.as_ref().err().copied(), key, "{name}");
        assert_eq!(request.source_ip, Some("203.0.113.7".parse().unwrap()), "{name}");
        assert!(request.request_id.is_some(), "{name}");
        let Ok(key) = request.key else { continue };
        assert_eq!((key.kind(), key.region()), (KeyKind::Service, Region::Eu), "{name}");
    }
}

#[test]
fn headers_say_in_which_conversation_and_for_whom() {
    let asserted = parse(fixture!("redact").1).unwrap().asserted.unwrap();
    assert_eq!(asserted.conversation.as_deref(), Some("ticket-4711"));
    assert_eq!(asserted.on_behalf_of.as_deref(), Some("Dana Levi"));
}

#[test]
fn paths_and_methods_are_matched_whole() {
    let at = |method: &str, path: &str| {
        let mut event: Value = serde_json::from_str(fixture!("detect").1).unwrap();
        event["rawPath"] = path.into();
        event["requestContext"]["http"]["method"] = method.into();
        came(&parse(&event.to_string()).unwrap().route)
    };
    for (method, path) in ROUTES {
        assert!(!matches!(at(method, path), Came::Stray(_)), "{method} {path}");
        let other = if method == "GET" { "POST" } else { "GET" };
        assert_eq!(at(other, path), Came::Stray(Reason::MethodNotAllowed), "{other} {path}");
        assert_eq!(at(&method.to_lowercase(), path), Came::Stray(Reason::MethodNotAllowed));
        for stray in [format!("{path}/"), format!("/{path}"), path.to_uppercase(), format!("{path}x")] {
            assert_eq!(at(method, &stray), Came::Stray(Reason::UnknownPath), "{stray}");
        }
    }
}

#[test]
fn an_oversize_body_ends_before_anything_is_read() {
    let with = |length: usize| {
        let mut event: Value = serde_json::from_str(fixture!("detect").1).unwrap();
        event["body"] = format!("{{\"text\":\"{}\"}}", "a".repeat(length - 11)).into();
        parse(&event.to_string()).map(|request| came(&request.route))
    };
    assert_eq!(with(caller::MAX_BODY_BYTES), Ok(Came::Call(Action::DlpDetect)));
    assert_eq!(with(caller::MAX_BODY_BYTES + 1), Err(Reason::BodyTooLarge));
}

#[test]
fn a_debug_form_shows_no_caller_and_no_text() {
    let shown = format!("{:?}", parse(fixture!("redact").1).unwrap());
    assert!(!shown.contains("203.0.113.7") && !shown.contains("dana"), "{shown}");
}
