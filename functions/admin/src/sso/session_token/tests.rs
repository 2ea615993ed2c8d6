use serde_json::{Value, json};

use super::super::testing::{NOW, TestKey, at, jwks, now};
use super::*;

const ISSUER: &str = "https://admin.acme.test";

fn session() -> Session {
    Session {
        user: "usr_0123456789abcdef".parse().unwrap(),
        sid: "ses_0123456789abcdef".parse().unwrap(),
        epoch: 7,
        jti: "one".to_owned(),
    }
}

fn made(key: &TestKey) -> Secret {
    sign(&session(), ISSUER, (&key.kid, key.alg), now(), |message| Ok::<_, TokenFault>(key.sign(message)))
        .unwrap()
}

#[test]
fn a_session_reads_back_as_long_as_it_may_idle() {
    for alg in [Alg::Es256, Alg::EdDsa] {
        let (key, older) = (TestKey::new(alg, "2026-b"), TestKey::new(alg, "2026-a"));
        let token = made(&key);
        let keys = jwks(&[&older, &key]);
        assert_eq!(verify(&token, ISSUER, &keys, now()), Ok(Shown::Live(session())));
        assert_eq!(verify(&token, ISSUER, &keys, at(NOW + 1_799)), Ok(Shown::Live(session())));
        assert_eq!(verify(&token, ISSUER, &keys, at(NOW + 1_800)), Ok(Shown::Over(session())));
        assert!(verify(&token, ISSUER, &keys, at(NOW - 5)).is_ok());
        assert_eq!(verify(&token, ISSUER, &keys, at(NOW - 6)), Err(TokenFault::NotYet));
        assert_eq!(verify(&token, "https://other.test", &keys, now()), Err(TokenFault::Issuer));
        assert_eq!(verify(&token, ISSUER, &jwks(&[&older]), now()), Err(TokenFault::UnknownKey));
    }
}

#[test]
fn a_signer_that_fails_gives_no_token() {
    let failed: Result<Secret, TokenFault> =
        sign(&session(), ISSUER, ("k", Alg::Es256), now(), |_| Err(TokenFault::Signature));
    assert_eq!(failed.unwrap_err(), TokenFault::Signature);
}

#[test]
fn each_rule() {
    use TokenFault as F;
    let key = TestKey::new(Alg::EdDsa, "k");
    let body = json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": "usr_0123456789abcdef", "sid": "ses_0123456789abcdef", "epoch": 7,
        "iat": NOW, "nbf": NOW, "exp": NOW + 300, "jti": "one",
    });
    let verified = |header: Value, changes: Value| {
        let (mut head, mut body) = (json!({"alg": "EdDSA", "kid": "k", "typ": TYP}), body.clone());
        for (to, from) in [(&mut head, header), (&mut body, changes)] {
            for (name, value) in from.as_object().unwrap() {
                match value {
                    Value::Null => drop(to.as_object_mut().unwrap().remove(name)),
                    value => to[name] = value.clone(),
                }
            }
        }
        verify(&key.token_with(&head, &body), ISSUER, &jwks(&[&key]), now())
    };
    assert_eq!(verified(json!({}), json!({})), Ok(Shown::Live(session())));
    assert_eq!(verified(json!({}), json!({"exp": NOW})), Ok(Shown::Over(session())));
    for (header, changes, fault) in [
        (json!({"typ": "JWT"}), json!({}), F::Kind),
        (json!({"typ": null}), json!({}), F::Kind),
        (json!({"typ": "logout+jwt"}), json!({}), F::Kind),
        (json!({"kid": null}), json!({}), F::UnknownKey),
        (json!({"kid": "other"}), json!({}), F::UnknownKey),
        (json!({"alg": "none"}), json!({}), F::Algorithm),
        (json!({"alg": "HS256"}), json!({}), F::Algorithm),
        (json!({}), json!({"aud": "another"}), F::Audience),
        (json!({}), json!({"aud": [AUDIENCE]}), F::Malformed),
        (json!({}), json!({"sub": "dana"}), F::Malformed),
        (json!({}), json!({"sub": null}), F::Malformed),
        (json!({}), json!({"epoch": "7"}), F::Malformed),
        (json!({}), json!({"epoch": -1}), F::Malformed),
        (json!({}), json!({"exp": null}), F::Malformed),
        (json!({}), json!({"exp": "9999999999"}), F::Malformed),
        (json!({}), json!({"exp": NOW + 1_801}), F::TooLong),
        (json!({}), json!({"iat": NOW + 6}), F::NotYet),
        (json!({}), json!({"nbf": NOW + 6}), F::NotYet),
        (json!({}), json!({"sid": ""}), F::Malformed),
        (json!({}), json!({"sid": "usr_0123456789abcdef"}), F::Malformed),
        (json!({}), json!({"jti": ""}), F::Missing("jti")),
        (json!({}), json!({"admin": true}), F::Malformed),
    ] {
        assert_eq!(verified(header.clone(), changes.clone()), Err(fault), "{header} {changes}");
    }
}
