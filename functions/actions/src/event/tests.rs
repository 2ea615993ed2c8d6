//! The edge, over the events of `events/actions/` and over single changes of them.

use super::*;
use caller::is_sweep;

macro_rules! fixture {
    ($name:literal) => {
        ($name, include_str!(concat!("../../../../events/actions/", $name, ".json")))
    };
}

/// What the route of an event came to, in a form that compares.
fn came(route: &Route) -> String {
    match route {
        Route::Act(Ok(_)) => "Act".to_owned(),
        Route::Act(Err(fault)) => format!("Act: {}", fault.reason),
        Route::Wait(id, seconds) => format!("Wait: {} {seconds}", id.is_ok()),
        Route::Run(step, id, told) => format!("Run: {step:?} {} {}", id.is_ok(), told.is_ok()),
        Route::Health => "Health".to_owned(),
        Route::OpenApi => "OpenApi".to_owned(),
        Route::Jwks => "Jwks".to_owned(),
        Route::Stray(reason) => format!("Stray: {reason}"),
    }
}

#[test]
fn the_example_events_are_what_their_names_say() {
    for ((name, event), expected) in [
        (fixture!("action"), "Act"),
        (fixture!("rest_action"), "Act"),
        (fixture!("form_encoded"), "Act: content_type"),
        (fixture!("wait"), "Wait: true 55"),
        (fixture!("wait_unknown"), "Wait: false 0"),
        (fixture!("consume"), "Run: Consume true true"),
        (fixture!("outcome"), "Run: Outcome true true"),
        (fixture!("jwks"), "Jwks"),
        (fixture!("health"), "Health"),
        (fixture!("document"), "OpenApi"),
        (fixture!("wrong_method"), "Stray: method_not_allowed"),
        (fixture!("unknown_path"), "Stray: unknown_path"),
    ] {
        let request = parse(event).unwrap();
        assert_eq!(came(&request.route), expected, "{name}");
        assert_eq!(request.source_ip, Some("203.0.113.7".parse().unwrap()), "{name}");
        assert!(!format!("{request:?}").contains("82000"), "{name}");
    }
}

/// What the document names is there, by its method alone.
#[test]
fn every_route_has_one_method() {
    for (method, path) in ROUTES {
        let path = path.replace("{id}", "prm_0123456789abcdef");
        for other in ["GET", "POST", "PUT", "DELETE"] {
            let mut event: serde_json::Value = serde_json::from_str(fixture!("health").1).unwrap();
            event["rawPath"] = path.clone().into();
            event["requestContext"]["http"]["path"] = path.clone().into();
            event["requestContext"]["http"]["method"] = other.into();
            let route = came(&parse(&event.to_string()).unwrap().route);
            let refused = route == "Stray: method_not_allowed";
            assert_eq!(refused, other != method, "{other} {path}: {route}");
            assert_ne!(route, "Stray: unknown_path", "{other} {path}");
        }
    }
}

#[test]
fn a_switch_of_actions_stops_what_comes_here() {
    let request = parse(fixture!("action").1).unwrap();
    assert_eq!(request.approach().scope, KillScope::Actions);
    assert_eq!(parse(fixture!("consume").1).unwrap().bearer.as_deref(), Some("eyJ.eyJ.c2ln"));
}

#[test]
fn the_clock_is_none_of_those_who_come_by_a_url() {
    let (_, event) = fixture!("sweep_overdue");
    assert!(is_sweep(event));
    let (_, action) = fixture!("action");
    let mut by_url: serde_json::Value = serde_json::from_str(action).unwrap();
    by_url["sweep"] = true.into();
    for no in [&by_url.to_string(), action, r#"{"sweep": false}"#, r#"{"sweep": true, "more": 1}"#] {
        assert!(!is_sweep(no), "{no}");
    }
}
