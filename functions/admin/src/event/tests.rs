//! The edge, over the events of `events/admin/` and over paths made from the table.

use super::*;
use crate::routes::OPERATIONS;
use std::collections::BTreeSet;

macro_rules! fixture {
    ($name:literal) => {
        ($name, include_str!(concat!("../../../../events/admin/", $name, ".json")))
    };
}

/// What an event came to, in a form that compares.
fn came(request: &Request) -> String {
    match &request.route {
        Route::Login { connection, return_to } => format!("login {connection} {return_to:?}"),
        Route::Callback { query, browser, .. } => format!("callback {} {}", query.len(), browser.is_some()),
        Route::Logout { token, .. } => format!("logout {}", token.is_some()),
        Route::FrontLogout { query, .. } => format!("front logout {query}"),
        Route::UniversalLogout { connection, token } => {
            format!("universal logout {connection} {}", token.is_some())
        }
        Route::HandOff(HandOff { to, challenge, state, connection }) => {
            format!("hand off {to} {} {state:?} {}", challenge.len(), connection.is_some())
        }
        Route::HandOffAllowed(HandOff { to, challenge, state, .. }) => {
            format!("hand off allowed {to} {} {state:?}", challenge.len())
        }
        Route::Stray(why) => format!("stray {}", why.row().code),
        other => format!("{other:?}"),
    }
}

fn who(request: &Request) -> &'static str {
    match &request.credential {
        Ok(Credential::Cookie(_)) => "cookie",
        Ok(Credential::Bearer(_)) => "bearer",
        Ok(Credential::Iam(_)) => "iam",
        Err(why) => why.row().code,
    }
}

#[test]
fn the_example_events_are_what_their_names_say() {
    let nobody = "sign_in_needed";
    for ((name, event), expected, caller) in [
        (fixture!("health"), "Health", nobody),
        (fixture!("document"), "Document", nobody),
        (fixture!("login"), "login con_0123456789abcdef Some(\"/v1/session\")", nobody),
        (fixture!("callback"), "callback 81 true", nobody),
        (fixture!("logout"), "logout true", nobody),
        (
            fixture!("logout_front"),
            "front logout iss=https%3A%2F%2Facme.eu.auth0.com%2F&sid=08a5019c-17e1-4977-8f42-65a12843ea02",
            nobody,
        ),
        (fixture!("logout_universal"), "universal logout con_0123456789abcdef true", "bearer"),
        (fixture!("handoff"), "hand off http://127.0.0.1:40123/ 43 None true", nobody),
        (
            fixture!("handoff_state"),
            "hand off http://127.0.0.1:40123/ 43 Some(\"l1-af0ifjsldkj\") true",
            nobody,
        ),
        (fixture!("handoff_allowed"), "hand off allowed http://127.0.0.1:40123/ 43 None", "cookie"),
        (fixture!("handoff_redeem"), "Redeem", nobody),
        (fixture!("workload_session"), "Workload", nobody),
        (fixture!("bootstrap"), "Bootstrap", "iam"),
        (fixture!("bootstrap_forged"), "Bootstrap", nobody),
        (fixture!("session"), "session.get", "cookie"),
        (fixture!("create_key"), "keys.create_service", "bearer"),
        (fixture!("cookie_with_csrf"), "kill.stop", "cookie"),
        (fixture!("cookie_cross_site"), "kill.stop", "cookie"),
        (fixture!("gateway_key"), "session.get", nobody),
        (fixture!("no_session"), "session.get", nobody),
        (fixture!("put_limits"), "limits.put", "bearer"),
        (fixture!("put_gate"), "gate.put", "bearer"),
        (fixture!("put_channels"), "channels.put", "bearer"),
        (fixture!("form_encoded"), "kill.stop", "bearer"),
        (fixture!("rest_create_tenant"), "tenants.create", "bearer"),
        (fixture!("unknown_path"), "stray unknown_path", "bearer"),
        (fixture!("wrong_method"), "stray method_not_allowed", "bearer"),
    ] {
        let request = parse(event).unwrap();
        assert_eq!((came(&request).as_str(), who(&request)), (expected, caller), "{name}");
        assert!(request.tls.is_ok(), "{name}");
        let safe = name == "cookie_with_csrf";
        assert_eq!(request.csrf_safe, safe, "{name}");
    }
    let limits = parse(fixture!("put_limits").1).unwrap();
    assert_eq!(limits.if_match.as_deref(), Some("0123456789abcdef0123456789abcdef"));
    let allowed = parse(fixture!("handoff_allowed").1).unwrap();
    assert_eq!(allowed.from_origin.as_deref(), Some("https://admin.example.com"));
    assert!(parse(fixture!("form_encoded").1).unwrap().body.is_err());
    let old = fixture!("session").1.replace("TLSv1.3", "TLSv1.2");
    assert_eq!(parse(&old).unwrap().tls, Err(Why::TlsVersion));
}

/// What no caller could be known by yet is read up to 32 KiB, in either shape and by any method.
#[test]
fn what_is_sent_before_anybody_is_known_is_short() {
    let sized = |name: &str, path: &str, bytes: usize, base64: bool| {
        let mut event: serde_json::Value = serde_json::from_str(name).unwrap();
        let body = "a".repeat(bytes);
        event["rawPath"] = path.into();
        event["body"] = if base64 { "YWFh".repeat(bytes / 3).into() } else { body.into() };
        event["isBase64Encoded"] = base64.into();
        parse(&event.to_string()).map(|_| ())
    };
    let event = fixture!("handoff_redeem").1;
    for path in [
        "/v1/handoff/redeem",
        "/v1/handoff",
        "/v1/workloads/session",
        "/v1/sso/con_0123456789abcdef/callback",
        "/v1/sso/con_0123456789abcdef/logout",
        "/v1/sso/con_0123456789abcdef/universal-logout",
    ] {
        assert_eq!(sized(event, path, 32 * 1_024, false), Ok(()), "{path}");
        assert_eq!(sized(event, path, 32 * 1_024 + 1, false), Err(Why::SignInTooLarge), "{path}");
        assert_eq!(sized(event, path, 32 * 1_024 + 2, true), Err(Why::SignInTooLarge), "{path}");
        assert_eq!(sized(event, path, 32 * 1_024 - 2, true), Ok(()), "{path}");
    }
    assert_eq!(sized(event, "/v1/tenants/ten_0123456789abcdef/dlp", 64 * 1_024, false), Ok(()));
    let long = event.replace(
        "\"rawQueryString\": \"\"",
        &format!("\"rawQueryString\": \"{}\"", "q".repeat(32 * 1_024 + 1)),
    );
    assert_eq!(parse(&long).map(|_| ()), Err(Why::SignInTooLarge));
}

#[test]
fn every_operation_has_one_path_and_one_name() {
    let ends: BTreeSet<_> = OPERATIONS.iter().map(|one| (one.method, one.path)).collect();
    let names: BTreeSet<_> = OPERATIONS.iter().map(|one| one.name).collect();
    assert_eq!((ends.len(), names.len()), (OPERATIONS.len(), OPERATIONS.len()));
    for one in OPERATIONS {
        let path = filled(one.path);
        let Route::Operation(found, _) = operation(one.method, &path) else { panic!("{path}") };
        assert_eq!(found.name, one.name, "{} {path} is taken by another", one.method);
        assert!(matches!(operation(one.method, &format!("{path}/")), Route::Stray(_)), "{path}/");
    }
}

fn filled(pattern: &str) -> String {
    let part = |part: &str| match part {
        "{org}" => "org_0123456789abcdef".to_owned(),
        "{tenant}" => "ten_0123456789abcdef".to_owned(),
        "{agent}" => "agt_0123456789abcdef".to_owned(),
        "{user}" => "usr_0123456789abcdef".to_owned(),
        "{session}" => "ses_0123456789abcdef".to_owned(),
        "{connection}" => "con_0123456789abcdef".to_owned(),
        "{change}" => "chg_0123456789abcdef".to_owned(),
        "{workload}" => "wkl_0123456789abcdef".to_owned(),
        "{provider}" => "prv_0123456789abcdef".to_owned(),
        "{query}" => "qry_0123456789abcdef".to_owned(),
        "{key}" => "ABCDEFGHIJKLMNOP".to_owned(),
        "{team}" => "sales".to_owned(),
        "{invitation}" => "a".repeat(64),
        "{token}" => "sct_0123456789abcdef".to_owned(),
        fixed => fixed.to_owned(),
    };
    pattern.split('/').map(part).collect::<Vec<_>>().join("/")
}

#[test]
fn nothing_personal_shows() {
    let shown = format!("{:?}", parse(fixture!("callback").1).unwrap());
    assert!(!shown.contains("Splx") && !shown.contains("203.0.113"), "{shown}");
}
