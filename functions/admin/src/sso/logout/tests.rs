use serde_json::{Value, json};

use super::super::jwks::Alg;
use super::super::testing::{NOW, TestKey, connection_of, jwks, now, sample};
use super::*;

fn claims() -> Value {
    json!({
        "iss": "https://acme.eu.auth0.com/", "aud": "synthetic0client", "iat": NOW - 5, "exp": NOW + 115,
        "jti": "one", "sub": "auth0|42", "sid": "a-session", "events": {EVENT: {}},
    })
}

fn verified(header: Value, changes: Value) -> Result<Logout, TokenFault> {
    let key = TestKey::new(Alg::Es256, "k");
    let (mut head, mut claims) = (json!({"alg": "ES256", "kid": "k", "typ": "logout+jwt"}), claims());
    for (to, from) in [(&mut head, header), (&mut claims, changes)] {
        for (name, value) in from.as_object().unwrap() {
            match value {
                Value::Null => drop(to.as_object_mut().unwrap().remove(name)),
                value => to[name] = value.clone(),
            }
        }
    }
    let connection = connection_of(&sample("auth0").connection);
    verify(&key.token_with(&head, &claims), &connection, &jwks(&[&key]), now())
}

#[test]
fn a_session_or_all_of_a_subjects_end() {
    let both = verified(json!({}), json!({})).unwrap();
    assert_eq!(
        (both.sub.as_deref(), both.sid.as_deref(), both.jti.as_str()),
        (Some("auth0|42"), Some("a-session"), "one")
    );
    assert!(verified(json!({}), json!({"sid": null})).unwrap().sid.is_none());
    assert!(verified(json!({}), json!({"sub": null})).unwrap().sub.is_none());
    for typ in [json!("application/logout+jwt"), json!("JWT"), Value::Null] {
        assert!(verified(json!({"typ": typ}), json!({})).is_ok(), "{typ}");
    }
    assert!(!format!("{both:?}").contains("42"));
}

#[test]
fn each_rule() {
    use TokenFault as F;
    for (header, changes, fault) in [
        (json!({"typ": "at+jwt"}), json!({}), F::Kind),
        (json!({"typ": "cs-session+jwt"}), json!({}), F::Kind),
        (json!({"alg": "none"}), json!({}), F::Algorithm),
        (json!({"kid": "other"}), json!({}), F::UnknownKey),
        (json!({}), json!({"iss": "https://evil.test/"}), F::Issuer),
        (json!({}), json!({"aud": "another"}), F::Audience),
        (json!({}), json!({"aud": ["synthetic0client", "another"]}), F::AuthorizedParty),
        (json!({}), json!({"nonce": "n"}), F::Kind),
        (json!({}), json!({"events": null}), F::Missing("events")),
        (json!({}), json!({"events": {}}), F::Kind),
        (json!({}), json!({"events": {EVENT: true}}), F::Kind),
        (json!({}), json!({"events": [EVENT]}), F::Kind),
        (json!({}), json!({"events": EVENT}), F::Kind),
        (json!({}), json!({"sub": null, "sid": null}), F::Empty),
        (json!({}), json!({"sub": "", "sid": null}), F::Empty),
        (json!({}), json!({"sub": 1}), F::Shape("sub")),
        (json!({}), json!({"sid": "x".repeat(256)}), F::Shape("sid")),
        (json!({}), json!({"jti": null}), F::Missing("jti")),
        (json!({}), json!({"iat": null}), F::Missing("iat")),
        (json!({}), json!({"exp": null}), F::Missing("exp")),
        (json!({}), json!({"exp": NOW - 60, "iat": NOW - 100}), F::Expired),
        (json!({}), json!({"iat": NOW - 661}), F::Expired),
        (json!({}), json!({"iat": NOW + 61}), F::NotYet),
    ] {
        assert_eq!(verified(header.clone(), changes.clone()), Err(fault), "{header} {changes}");
    }
}
