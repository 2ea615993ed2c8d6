//! The format against `vectors/vectors.json`, which another implementation wrote (`vectors/envelope.py`).
#![cfg(test)]

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::task::{Poll, Waker};

use countersign_envelope::{
    Aad, Context, KeyWrapper, OpenError, Purpose, RootError, RootKey, RootSecret, Roots, SubjectKey,
    SubjectSecret, WrapError,
};
use domain::{EventId, Region, RootRow, SealedBytes, TenantId, Timestamp, WrappedRoot};
use serde_json::Value;

fn vectors() -> Value {
    serde_json::from_str(include_str!("../vectors/vectors.json")).unwrap()
}

fn bytes(value: &Value) -> Vec<u8> {
    let text = value.as_str().unwrap().as_bytes();
    text.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn context(value: &Value) -> Context {
    let text = |name: &str| value[name].as_str().unwrap();
    Context {
        tenant: text("tenant").parse().unwrap(),
        region: text("region").parse().unwrap(),
        purpose: text("purpose").parse().unwrap(),
        version: u32::try_from(value["version"].as_u64().unwrap()).unwrap(),
    }
}

/// The place that a vector names in words: only this crate's own forms can be built.
fn aad(text: &Value) -> Aad {
    let place: Value = serde_json::from_str(text.as_str().unwrap()).unwrap();
    let field = |name: &str| place[name].as_str().unwrap();
    let tenant: TenantId = field("tenant").parse().unwrap();
    match (place["event_id"].as_str(), place["host"].as_str()) {
        (Some(event), _) => Aad::record(&tenant, event.parse().unwrap(), field("field")),
        (None, Some(host)) => {
            Aad::credential(&tenant, field("table"), field("pk"), field("sk"), field("field"), host)
        }
        (None, None) => Aad::row(&tenant, field("table"), field("pk"), field("sk"), field("field")),
    }
}

/// Unwraps a root into itself.
struct Plain;

impl KeyWrapper for Plain {
    async fn generate(&self, _: &Context) -> Result<WrappedRoot, WrapError> {
        Err(WrapError::Refused)
    }

    async fn unwrap(&self, wrapped: &WrappedRoot, _: &Context) -> Result<RootSecret, WrapError> {
        wrapped.0.as_slice().try_into().map(RootSecret::new).map_err(|_| WrapError::Refused)
    }
}

fn now_or_never<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut std::task::Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("waited"),
    }
}

fn ending(vector: &Value) -> &'static str {
    let Ok(sealed) = SealedBytes::from_sealed_form(bytes(&vector["sealed"])) else { return "malformed" };
    let (secret, opening) = (bytes(&vector["root"]), &vector["open"]);
    let context = context(&opening["context"]);
    let versions = BTreeMap::from([(context.version, WrappedRoot(secret.clone()))]);
    let min_decrypt = u32::try_from(opening["min_decrypt"].as_u64().unwrap()).unwrap();
    let row = RootRow { current: context.version, min_decrypt, versions, shredded: false };
    let roots = Roots::new(Plain, context.region);
    let now = Timestamp::from_unix_millis(0).unwrap();
    let place = aad(&opening["aad"]);
    let opened = roots.open(&context.tenant, context.purpose, &row, &place, &sealed, now);
    match now_or_never(opened) {
        Ok(plain) if plain.as_bytes() == bytes(&vector["plaintext"]) => "ok",
        Ok(_) => "another text",
        Err(RootError::Retired { .. }) => "retired",
        Err(RootError::UnknownVersion { .. } | RootError::Open(OpenError::Version { .. })) => "version",
        Err(RootError::Open(OpenError::Malformed)) => "malformed",
        Err(RootError::Open(OpenError::Commitment)) => "commitment",
        Err(RootError::Open(OpenError::Tag)) => "tag",
        Err(RootError::Missing | RootError::Shredded | RootError::Wrap(_)) => "no key",
    }
}

#[test]
fn every_vector_ends_as_the_other_implementation_says() {
    let vectors = vectors();
    let sealed = vectors["sealed"].as_array().unwrap();
    assert!(sealed.len() >= 20);
    for vector in sealed {
        assert_eq!(ending(vector), vector["ends"].as_str().unwrap(), "{}", vector["name"]);
    }
}

#[test]
fn what_is_sealed_here_is_the_same_to_the_byte() {
    let mut compared = 0;
    for vector in vectors()["sealed"].as_array().unwrap() {
        if vector["changed"] == true {
            continue;
        }
        let secret: [u8; 32] = bytes(&vector["root"]).try_into().unwrap();
        let key = RootKey::derive(&RootSecret::new(secret), &context(&vector["context"]));
        let random = [bytes(&vector["salt"]), bytes(&vector["nonce"])].concat().try_into().unwrap();
        let sealed = key.seal(&aad(&vector["aad"]), &bytes(&vector["plaintext"]), &random).unwrap();
        assert_eq!(hex(SealedBytes::from(sealed).as_bytes()), vector["sealed"], "{}", vector["name"]);
        compared += 1;
    }
    assert!(compared >= 10, "{compared}");
}

#[test]
fn digests_and_keys_of_people_are_the_same_to_the_byte() {
    let digests = vectors()["digests"].clone();
    let tenant = TenantId::from_random([1; 10]);
    let root = |purpose| {
        let context = Context { tenant: tenant.clone(), region: Region::Eu, purpose, version: 1 };
        RootKey::derive(&RootSecret::new([9; 32]), &context)
    };
    assert_eq!(root(Purpose::Pseudonym).pseudonym("subject", "dana@example.com"), digests["pseudonym"]);
    let commitment = root(Purpose::Audit).commitment("request", b"id", b"body");
    assert_eq!(commitment.to_string(), digests["commitment"]);
    let subject = "psn_dana".parse().unwrap();
    let key = SubjectKey::derive(&SubjectSecret::new([7; 32]), &tenant, Region::Eu, &subject);
    let event = EventId::new(Timestamp::from_unix_millis(0).unwrap(), [0; 10]);
    let sealed = SealedBytes::from_sealed_form(bytes(&digests["subject"])).unwrap();
    let opened = key.open(&Aad::record(&tenant, event, "on_behalf_of"), &sealed).unwrap();
    assert_eq!(opened.as_str(), Some("Dana"));
}
