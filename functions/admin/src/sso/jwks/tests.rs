use serde_json::{Value, json};

use super::super::testing::TestKey;
use super::*;

fn parse(keys: &[Value]) -> Result<Jwks, JwksError> {
    Jwks::parse(&json!({"keys": keys}).to_string(), Alg::Rs256)
}

fn changed(key: &TestKey, changes: Value) -> Value {
    let mut jwk = key.jwk();
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => drop(jwk.as_object_mut().unwrap().remove(name)),
            value => jwk[name] = value.clone(),
        }
    }
    jwk
}

#[test]
fn every_key_has_one_algorithm() {
    for alg in Alg::ALL {
        let key = TestKey::new(alg, "k");
        assert_eq!(parse(&[key.jwk()]).unwrap().named("k").unwrap().alg, alg);
        // Left out, it follows from the kind of key, and of RSA from the discovery document.
        let bare = json!({"keys": [changed(&key, json!({"alg": null, "use": null}))]}).to_string();
        let rsa = if alg == Alg::Ps256 { Alg::Ps256 } else { Alg::Rs256 };
        assert_eq!(Jwks::parse(&bare, rsa).unwrap().named("k").unwrap().alg, alg);
        // A preference for RSA says nothing of other kinds of key.
        if alg != Alg::Rs256 {
            assert_eq!(Jwks::parse(&bare, Alg::Ps256).unwrap().named("k").unwrap().alg, alg);
        }
    }
}

#[test]
fn keys_for_something_else_are_passed_over() {
    let (ec, rsa, ed) =
        (TestKey::new(Alg::Es256, "k"), TestKey::new(Alg::Rs256, "k"), TestKey::new(Alg::EdDsa, "k"));
    for jwk in [
        changed(&ec, json!({"use": "enc"})),
        changed(&ec, json!({"key_ops": ["encrypt"]})),
        changed(&ec, json!({"key_ops": []})),
        changed(&ec, json!({"alg": "ECDH-ES"})),
        changed(&ec, json!({"alg": "RS256"})),
        changed(&ec, json!({"alg": "ES384"})),
        changed(&ec, json!({"alg": "none"})),
        changed(&ec, json!({"crv": "P-521"})),
        changed(&ec, json!({"crv": "secp256k1"})),
        changed(&ec, json!({"crv": null})),
        changed(&ec, json!({"x": "AAAA"})),
        changed(&ec, json!({"y": null})),
        changed(&ec, json!({"x": "!!"})),
        changed(&ec, json!({"kid": 7})),
        changed(&rsa, json!({"alg": "RS512"})),
        changed(&rsa, json!({"alg": "HS256"})),
        changed(&rsa, json!({"n": "AQAB"})),
        changed(&rsa, json!({"e": null})),
        changed(&ed, json!({"crv": "X25519"})),
        changed(&ed, json!({"x": "AAAA"})),
        json!({"kty": "oct", "kid": "k", "k": "AAAA", "alg": "HS256"}),
        json!({"kty": "oct", "kid": "k", "k": "AAAA", "alg": "RS256"}),
        json!("a text"),
        json!({}),
    ] {
        assert_eq!(parse(std::slice::from_ref(&jwk)).unwrap_err(), JwksError::NoKey, "{jwk}");
        let good = TestKey::new(Alg::Es256, "good");
        assert!(parse(&[jwk, good.jwk()]).unwrap().has("good"));
    }
}

#[test]
fn sets_that_cannot_be_trusted_are_refused() {
    let (one, other) = (TestKey::new(Alg::Es256, "k"), TestKey::new(Alg::EdDsa, "k"));
    assert_eq!(parse(&[one.jwk(), other.jwk()]).unwrap_err(), JwksError::SameName);
    assert_eq!(parse(&[changed(&one, json!({"d": "AAAA"}))]).unwrap_err(), JwksError::PrivateKey);
    assert_eq!(parse(&vec![one.jwk(); 65]).unwrap_err(), JwksError::TooLarge);
    assert_eq!(parse(&[]).unwrap_err(), JwksError::NoKey);
    for text in ["", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":[],"keys":[]}"#] {
        assert_eq!(Jwks::parse(text, Alg::Rs256).unwrap_err(), JwksError::Unreadable, "{text}");
    }
    assert_eq!(Jwks::parse(&" ".repeat(SET_BYTES_MAX + 1), Alg::Rs256).unwrap_err(), JwksError::TooLarge);
}

#[test]
fn an_rsa_modulus_may_have_a_sign_byte() {
    let key = TestKey::new(Alg::Rs256, "k");
    let n = URL_SAFE_NO_PAD.decode(key.jwk()["n"].as_str().unwrap()).unwrap();
    let padded = URL_SAFE_NO_PAD.encode([&[0], n.as_slice()].concat());
    assert!(parse(&[changed(&key, json!({"n": padded}))]).is_ok());
}
