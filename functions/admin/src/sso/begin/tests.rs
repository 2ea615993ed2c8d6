use serde_json::json;

use super::super::testing::{NOW, REDIRECT, at, browser, connection_of, pending, sample};
use super::*;
use caller::form::parse;

fn query(url: &str) -> Vec<(String, String)> {
    parse(url.split_once('?').unwrap().1, 20).unwrap()
}

fn get<'q>(query: &'q [(String, String)], name: &str) -> Option<&'q str> {
    let mut found = query.iter().filter(|(one, _)| one == name).map(|(_, value)| value.as_str());
    let first = found.next();
    assert_eq!(found.next(), None, "{name} stands twice");
    first
}

#[test]
fn a_request_asks_for_a_code_with_all_that_binds_it() {
    let connection = connection_of(&sample("okta").connection);
    let (pending, url) = pending(&connection, None);
    assert!(url.starts_with("https://idp.acme.test/authorize?"));
    let query = query(&url);
    for (name, value) in [
        ("response_type", "code"),
        ("client_id", "0oa1synthetic"),
        ("redirect_uri", REDIRECT),
        ("scope", "openid profile email groups"),
        ("state", pending.state.expose()),
        ("nonce", pending.nonce.expose()),
        ("code_challenge_method", "S256"),
    ] {
        assert_eq!(get(&query, name), Some(value), "{name}");
    }
    assert_eq!((get(&query, "acr_values"), get(&query, "hd"), get(&query, "max_age")), (None, None, None));
    // RFC 7636 sections 4.1 and 4.2; the verifier itself stays here.
    let verifier = pending.verifier.expose();
    assert!((43..=128).contains(&verifier.len()) && !url.contains(verifier));
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier));
    assert_eq!(get(&query, "code_challenge"), Some(challenge.as_str()));
}

/// RFC 7636, appendix B.
#[test]
fn challenges_are_the_standards() {
    let verifier = Secret::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    assert_eq!(challenge(&verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
}

#[test]
fn providers_are_asked_for_what_they_know() {
    let asked = |name: &str, changes: serde_json::Value, max_age| {
        let mut form = sample(name).connection;
        form.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        query(&pending(&connection_of(&form), max_age).1)
    };
    assert_eq!(get(&asked("google", json!({}), None), "hd"), Some("acme.test"));
    assert_eq!(get(&asked("okta", json!({}), Some(0)), "max_age"), Some("0"));
    let acr = asked("okta", json!({"require_mfa": true}), None);
    assert_eq!(get(&acr, "acr_values"), Some("urn:okta:loa:2fa:any"));
    let context = asked("entra", json!({"require_mfa": true, "mfa_acr": ["c1"]}), None);
    let claims = r#"{"id_token":{"acrs":{"essential":true,"value":"c1"}}}"#;
    assert_eq!((get(&context, "claims"), get(&context, "acr_values")), (Some(claims), None));
    assert_eq!(get(&asked("ping", json!({}), None), "acr_values"), Some("Multi_Factor"));
}

#[test]
fn a_query_of_the_endpoint_is_kept() {
    let connection = connection_of(&sample("okta").connection);
    let mut discovery = super::super::testing::discovery(&connection);
    discovery.authorization_endpoint.push_str("?policy=a");
    let (pending, _) = pending(&connection, None);
    let url = authorize_url(&connection, &discovery, &pending);
    assert!(url.starts_with("https://idp.acme.test/authorize?policy=a&response_type=code&"), "{url}");
}

#[test]
fn pages_to_return_to_are_our_own() {
    for page in ["/", "/keys", "/keys?page=2&sort=%2Fname", "/a/b-c_d~e", "/a?next=https://x.test"] {
        assert!(ReturnTo::parse(page).is_ok(), "{page}");
    }
    let long = format!("/{}", "a".repeat(512));
    for page in [
        "",
        "keys",
        "https://evil.test",
        "//evil.test",
        "///evil.test",
        "/\\evil.test",
        "\\/evil.test",
        "/a//evil.test",
        "/..//evil.test",
        "/.",
        "/a/../b",
        "/%2fevil.test",
        "/%2Fevil.test",
        "/%5Cevil.test",
        "/%2e%2e/",
        "/a b",
        "/a\nb",
        "/a\r\nSet-Cookie: x=y",
        "/ä",
        "/a#b",
        "/\u{0}",
        "/%00",
        "/%0d%0aLocation:x",
        "javascript:alert(1)",
        "?a",
        &long,
    ] {
        assert_eq!(ReturnTo::parse(page), Err(ReturnToError), "{page:?}");
    }
    assert!(serde_json::from_str::<ReturnTo>("\"//evil.test\"").is_err());
}

#[test]
fn redirect_uris_are_https() {
    assert!(RedirectUri::parse(REDIRECT, Reach::Public).is_ok());
    assert!(RedirectUri::parse("http://127.0.0.1:3000/sso/callback", Reach::Loopback).is_ok());
    for bad in
        ["http://admin.acme.test/cb", "https://admin.acme.test/cb?x=1", "https://admin.acme.test/#x", "/cb"]
    {
        assert!(RedirectUri::parse(bad, Reach::Public).is_err(), "{bad}");
    }
}

#[test]
fn pending_sign_ins_are_of_one_browser_and_end() {
    let (pending, _) = pending(&connection_of(&sample("okta").connection), Some(7));
    assert!(pending.is_of(&BrowserSecret::from_cookie(browser().expose())));
    for other in ["", "x", &format!("{} ", browser().expose())] {
        assert!(!pending.is_of(&BrowserSecret::from_cookie(other)), "{other:?}");
    }
    let begun = NOW - 10;
    assert!(!pending.is_over(at(begun)) && !pending.is_over(at(begun + 600)));
    assert!(pending.is_over(at(begun + 601)) && pending.is_over(at(begun - 1)));

    // Stored and read back it is the same; the cookie's value is in none of it.
    let stored = serde_json::to_string(&pending).unwrap();
    assert!(!stored.contains(browser().expose()));
    let read: Pending = serde_json::from_str(&stored).unwrap();
    assert!(read.is_of(&browser()) && read.state.is(pending.state.expose()) && read.max_age == Some(7));
    assert!(serde_json::from_str::<Pending>(&stored.replacen('{', "{\"more\":1,", 1)).is_err());
    let shown = format!("{pending:?} {:?}", browser());
    for secret in [&pending.state, &pending.nonce, &pending.verifier] {
        assert!(!shown.contains(secret.expose()), "{shown}");
    }
}
