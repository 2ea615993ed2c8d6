use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED, EcdsaKeyPair, KeyPair as _, UnparsedPublicKey,
};
use serde_json::{Value, json};

use super::super::jwks::{Key, P256_SPKI};
use super::super::testing::{NOW, TestKey, at, jwks, now};
use super::*;

const ISSUER: &str = "https://admin.acme.test";

fn session() -> Session {
    Session {
        user: "usr_0123456789abcdef".parse().unwrap(),
        sid: "a-session".to_owned(),
        epoch: 7,
        jti: "one".to_owned(),
    }
}

fn made(key: &TestKey) -> Secret {
    sign(&session(), ISSUER, (&key.kid, key.alg), now(), |message| Ok::<_, TokenFault>(key.sign(message)))
        .unwrap()
}

#[test]
fn a_session_reads_back_for_five_minutes() {
    for alg in [Alg::Es256, Alg::EdDsa] {
        let (key, older) = (TestKey::new(alg, "2026-b"), TestKey::new(alg, "2026-a"));
        let token = made(&key);
        let keys = jwks(&[&older, &key]);
        assert_eq!(verify(&token, ISSUER, &keys, now()), Ok(session()));
        assert!(verify(&token, ISSUER, &keys, at(NOW + 299)).is_ok());
        assert_eq!(verify(&token, ISSUER, &keys, at(NOW + 300)), Err(TokenFault::Expired));
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
        "iss": ISSUER, "aud": AUDIENCE, "sub": "usr_0123456789abcdef", "sid": "a-session", "epoch": 7,
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
    assert_eq!(verified(json!({}), json!({})), Ok(session()));
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
        (json!({}), json!({"exp": NOW}), F::Expired),
        (json!({}), json!({"exp": NOW + 301}), F::TooLong),
        (json!({}), json!({"iat": NOW + 6}), F::NotYet),
        (json!({}), json!({"nbf": NOW + 6}), F::NotYet),
        (json!({}), json!({"sid": ""}), F::Missing("sid")),
        (json!({}), json!({"jti": ""}), F::Missing("jti")),
        (json!({}), json!({"admin": true}), F::Malformed),
    ] {
        assert_eq!(verified(header.clone(), changes.clone()), Err(fault), "{header} {changes}");
    }
}

#[test]
fn signatures_of_kms_become_those_of_tokens() {
    let random = SystemRandom::new();
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8.as_ref(), &random).unwrap();
    // Often enough that numbers of every length come up.
    for _ in 0..500 {
        let der = pair.sign(&random, b"message").unwrap();
        let fixed = es256_from_der(der.as_ref()).unwrap();
        let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, pair.public_key().as_ref());
        assert!(public.verify(b"message", &fixed).is_ok());
    }
    let unsigned = unsigned(&session(), ISSUER, "kms", Alg::Es256, now()).unwrap();
    let der = pair.sign(&random, unsigned.message()).unwrap();
    let token = unsigned.signed(&es256_from_der(der.as_ref()).unwrap());
    let spki = [P256_SPKI.as_slice(), pair.public_key().as_ref()].concat();
    let keys = Jwks::from_keys(vec![Key::es256_from_spki("kms", &spki).unwrap()]).unwrap();
    assert_eq!(verify(&token, ISSUER, &keys, now()), Ok(session()));
}

#[test]
fn other_bytes_are_no_signature() {
    for bad in [
        &[][..],
        &[0x30],
        &[0x30, 0],
        &[0x30, 3, 2, 1, 1],
        &[0x30, 6, 2, 1, 1, 2, 1],
        &[0x31, 6, 2, 1, 1, 2, 1, 1],
        &[0x30, 7, 2, 1, 1, 2, 1, 1, 0],
        &[0x30, 6, 2, 1, 0x81, 2, 1, 1],
        &[0x30, 4, 2, 0, 2, 0],
    ] {
        assert_eq!(es256_from_der(bad), None, "{bad:?}");
    }
    let long = [&[0x30, 38, 2, 33, 1][..], &[1; 32], &[2, 1, 1]].concat();
    assert_eq!(es256_from_der(&long), None);
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..80)) {
        let _ = es256_from_der(&bytes);
    }
}
