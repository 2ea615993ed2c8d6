//! Tests of permits: what is ours, and everything that is not.

use super::*;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};

const ISSUER: &str = "https://actions.acme.com";

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix_millis(1_790_000_000_000 + seconds * 1_000).unwrap()
}

fn pair() -> EcdsaKeyPair {
    let random = SystemRandom::new();
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random).unwrap()
}

fn public(pair: &EcdsaKeyPair) -> PublicKey {
    PublicKey { kid: "k1".to_owned(), point: pair.public_key().as_ref().try_into().unwrap() }
}

fn claims() -> Claims {
    Claims {
        iss: ISSUER.to_owned(),
        aud: "payments.send".parse().unwrap(),
        sub: AgentId::from_random([3; 10]),
        jti: PermitId::from_random([5; 10]),
        iat: 1_790_000_000,
        exp: 1_790_000_060,
        tenant_id: TenantId::from_random([2; 10]),
        agent_id: AgentId::from_random([3; 10]),
        key_id: "0123456789abcdef".parse().unwrap(),
        action_sha256: Digest::from_bytes(&[9; 32]),
        policy_version: 4,
        approval_id: Some(ApprovalId::from_bytes([7; 16])),
    }
}

fn sign(pair: &EcdsaKeyPair, message: &str) -> String {
    let signature = pair.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
    signed(message, signature.as_ref().try_into().unwrap())
}

#[test]
fn a_permit_reads_back_and_its_time_is_another_matter() {
    let pair = pair();
    let token = sign(&pair, &unsigned(&claims(), "k1").unwrap());
    let read = verify(&token, ISSUER, &public(&pair), at(30)).unwrap();
    assert_eq!(read, claims());
    assert_eq!((read.in_time(at(59)), read.in_time(at(60))), (Ok(()), Err(Reason::PermitExpired)));
    assert_eq!(verify(&token, ISSUER, &public(&pair), at(9_000)), Ok(claims()));
}

#[test]
fn nothing_else_is_a_permit() {
    let ours = pair();
    let key = public(&ours);
    let header = |text: &str| format!("{}.{}", URL_SAFE_NO_PAD.encode(text), part(&claims()).unwrap());
    let with = |change: fn(&mut Claims)| {
        let mut claims = claims();
        change(&mut claims);
        sign(&ours, &unsigned(&claims, "k1").unwrap())
    };
    let good = sign(&ours, &unsigned(&claims(), "k1").unwrap());
    let (message, _) = good.rsplit_once('.').unwrap();
    for (what, token) in [
        ("another key", sign(&pair(), message)),
        ("no signature", format!("{message}.")),
        ("none", format!("{}.", header(r#"{"typ":"cs-permit+jwt","alg":"none","kid":"k1"}"#))),
        ("HS256", sign(&ours, &header(r#"{"typ":"cs-permit+jwt","alg":"HS256","kid":"k1"}"#))),
        ("a session", sign(&ours, &header(r#"{"typ":"cs-session+jwt","alg":"ES256","kid":"k1"}"#))),
        ("JWT", sign(&ours, &header(r#"{"typ":"JWT","alg":"ES256","kid":"k1"}"#))),
        ("another kid", sign(&ours, &header(r#"{"typ":"cs-permit+jwt","alg":"ES256","kid":"k2"}"#))),
        (
            "a critical header",
            sign(&ours, &header(r#"{"typ":"cs-permit+jwt","alg":"ES256","kid":"k1","crit":["x"]}"#)),
        ),
        ("another issuer", with(|one| one.iss = "https://evil.example".to_owned())),
        ("an hour", with(|one| one.exp += 3_540)),
        ("from the future", with(|one| (one.iat, one.exp) = (1_790_000_090, 1_790_000_100))),
        ("another agent", with(|one| one.sub = AgentId::from_random([4; 10]))),
        ("a changed claim", good.replacen('.', ".e", 1)),
        ("nothing", String::new()),
        ("long", "a".repeat(5_000)),
    ] {
        assert_eq!(verify(&token, ISSUER, &key, at(30)), Err(Reason::PermitInvalid), "{what}");
    }
}

#[test]
fn the_set_of_keys_is_of_one_point() {
    let jwks = PublicKey { kid: "k1".to_owned(), point: [4; 65] }.to_jwks();
    assert_eq!(jwks["keys"][0]["x"].as_str().map(str::len), Some(43));
    assert_eq!(jwks["keys"][0]["alg"], "ES256");
}
