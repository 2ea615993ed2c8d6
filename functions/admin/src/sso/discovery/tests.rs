use serde_json::{Value, json};

use super::super::testing::{SAMPLES, connection_of, document, sample};
use super::*;

fn parse(name: &str, changes: Value) -> Result<Discovery, DiscoveryError> {
    let connection = connection_of(&sample(name).connection);
    let mut document = document(&connection);
    for (field, value) in changes.as_object().unwrap() {
        document[field] = value.clone();
    }
    Discovery::parse(&document.to_string(), &connection, Reach::Public)
}

#[test]
fn every_providers_document_is_taken() {
    for name in SAMPLES {
        let discovery = parse(name, json!({})).unwrap();
        assert_eq!((discovery.algs.as_slice(), discovery.token_auth), (&[Alg::Rs256][..], TokenAuth::Basic));
        let told = matches!(name, "ping" | "auth0" | "custom");
        assert_eq!(discovery.back_channel_logout, told, "{name}");
    }
}

#[test]
fn addresses_are_below_the_issuer() {
    let path = "/.well-known/openid-configuration";
    assert_eq!(
        address("https://acme.okta.com/oauth2/default"),
        format!("https://acme.okta.com/oauth2/default{path}")
    );
    assert_eq!(address("https://acme.eu.auth0.com/"), format!("https://acme.eu.auth0.com{path}"));
}

#[test]
fn each_rule_is_told() {
    use DiscoveryError as E;
    let endpoint = |field, fault| E::Endpoint { field, fault };
    let browser = "authorization_endpoint or end_session_endpoint";
    for (changes, wanted) in [
        (json!({"issuer": "https://acme.okta.com/"}), E::Issuer),
        (json!({"issuer": "https://ACME.okta.com"}), E::Issuer),
        (json!({"issuer": null}), E::Unreadable),
        (json!({"jwks_uri": null}), E::Unreadable),
        (
            json!({"token_endpoint": "http://idp.acme.test/token"}),
            endpoint("token_endpoint", TargetError::PlainHttp),
        ),
        (json!({"jwks_uri": "https://idp.acme.test/k?x=1"}), endpoint("jwks_uri", TargetError::Query)),
        (json!({"jwks_uri": "https://u:p@idp.acme.test/k"}), endpoint("jwks_uri", TargetError::UserInfo)),
        (
            json!({"authorization_endpoint": "javascript:alert(1)"}),
            endpoint("authorization_endpoint", TargetError::Malformed),
        ),
        (
            json!({"authorization_endpoint": "https://idp.acme.test/a#b"}),
            endpoint("authorization_endpoint", TargetError::Fragment),
        ),
        (
            json!({"authorization_endpoint": "https://idp.acme.test/a?b=1#c"}),
            endpoint(browser, TargetError::Fragment),
        ),
        (
            json!({"end_session_endpoint": "http://idp.acme.test/"}),
            endpoint("end_session_endpoint", TargetError::PlainHttp),
        ),
        (json!({"response_types_supported": ["id_token"]}), E::ResponseType),
        (json!({"response_types_supported": ["code id_token"]}), E::ResponseType),
        (json!({"code_challenge_methods_supported": ["plain"]}), E::Pkce),
        (json!({"id_token_signing_alg_values_supported": ["none", "HS256", "RS512"]}), E::Algorithms),
        (json!({"token_endpoint_auth_methods_supported": ["private_key_jwt", "none"]}), E::TokenAuth),
    ] {
        let fault = parse("okta", changes.clone()).unwrap_err();
        match (&fault, &wanted) {
            // Which rule of an address is broken first is not this test's matter.
            (E::Endpoint { field: told, .. }, E::Endpoint { field, .. }) => {
                assert_eq!(told, field, "{changes}")
            }
            _ => assert_eq!(fault, wanted, "{changes}"),
        }
    }
    for inside in ["https://10.0.0.1/keys", "https://169.254.169.254/keys", "https://localhost/keys"] {
        assert!(matches!(parse("okta", json!({"jwks_uri": inside})), Err(E::Endpoint { .. })), "{inside}");
    }
}

#[test]
fn what_is_left_out_has_its_default() {
    let parsed = parse(
        "entra",
        json!({
            "code_challenge_methods_supported": null,
            "token_endpoint_auth_methods_supported": null,
            "end_session_endpoint": null,
        }),
    );
    assert_eq!(parsed.unwrap().token_auth, TokenAuth::Basic);
    let post = parse("okta", json!({"token_endpoint_auth_methods_supported": ["client_secret_post"]}));
    assert_eq!(post.unwrap().token_auth, TokenAuth::Post);
    let pss = parse("okta", json!({"id_token_signing_alg_values_supported": ["ES256", "PS256"]})).unwrap();
    assert_eq!((pss.rsa(), pss.algs), (Alg::Ps256, vec![Alg::Es256, Alg::Ps256]));
    assert_eq!(
        parse("okta", json!({"authorization_endpoint": "https://idp.acme.test/a?policy=1"})).map(|_| ()),
        Ok(())
    );
}

#[test]
fn one_of_entras_many_tenants_has_the_form_of_them_all() {
    let mut form = sample("entra").connection;
    form["issuer"] = json!("https://login.microsoftonline.com/organizations/v2.0");
    form["tenants"] = json!(["8a1c0f52-2b7e-4d0e-9f6a-3f0c6c1d2e4b"]);
    let connection = connection_of(&form);
    let mut text = document(&connection);
    assert_eq!(text["issuer"], "https://login.microsoftonline.com/{tenantid}/v2.0");
    assert!(Discovery::parse(&text.to_string(), &connection, Reach::Public).is_ok());
    text["issuer"] = form["issuer"].clone();
    assert_eq!(Discovery::parse(&text.to_string(), &connection, Reach::Public), Err(DiscoveryError::Issuer));
}

#[test]
fn documents_that_do_not_read_are_refused() {
    let connection = connection_of(&sample("okta").connection);
    let parse = |text: &str| Discovery::parse(text, &connection, Reach::Public).unwrap_err();
    let good = document(&connection).to_string();
    let twice = good.replacen('{', "{\"issuer\":\"https://evil.test\",", 1);
    for text in ["", "[]", "<html>", &twice, good.strip_prefix("{").unwrap()] {
        assert_eq!(parse(text), DiscoveryError::Unreadable);
    }
    assert_eq!(parse(&" ".repeat(DOCUMENT_BYTES_MAX + 1)), DiscoveryError::TooLarge);
}
