//! Keys, tokens and connections of the tests. Every key but RSA's, which ring cannot make, is made in the test itself.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use domain::Timestamp;
use egress::Reach;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair, RsaPublicKeyComponents,
};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256, Sha384, Sha512};

use super::begin::{BrowserSecret, Journey, Pending, RedirectUri, ReturnTo, begin};
use super::connection::{Connection, ConnectionForm};
use super::discovery::Discovery;
use super::jwks::{Alg, Jwks};
use super::preset::Presets;
use super::secret::Secret;

/// In seconds.
pub const NOW: u64 = 1_795_430_530;
pub const ACCESS_TOKEN: &str = "an-access-token";
pub const REDIRECT: &str = "https://admin.acme.test/sso/callback";

pub fn at(seconds: u64) -> Timestamp {
    Timestamp::from_unix_millis(i64::try_from(seconds * 1_000).unwrap()).unwrap()
}

pub fn now() -> Timestamp {
    at(NOW)
}

enum Pair {
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
    Rsa(Box<RsaKeyPair>),
}

pub struct TestKey {
    pub alg: Alg,
    pub kid: String,
    pair: Pair,
}

impl TestKey {
    pub fn new(alg: Alg, kid: &str) -> Self {
        let random = SystemRandom::new();
        let curve = |by| {
            let pkcs8 = EcdsaKeyPair::generate_pkcs8(by, &random).unwrap();
            Pair::Ec(EcdsaKeyPair::from_pkcs8(by, pkcs8.as_ref(), &random).unwrap())
        };
        let pair = match alg {
            Alg::Es256 => curve(&ECDSA_P256_SHA256_FIXED_SIGNING),
            Alg::Es384 => curve(&ECDSA_P384_SHA384_FIXED_SIGNING),
            Alg::EdDsa => {
                let pkcs8 = Ed25519KeyPair::generate_pkcs8(&random).unwrap();
                Pair::Ed(Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).unwrap())
            }
            Alg::Rs256 | Alg::Ps256 => {
                let der =
                    STANDARD.decode(include_str!("testing/rsa_of_tests.txt").replace('\n', "")).unwrap();
                Pair::Rsa(Box::new(RsaKeyPair::from_der(&der).unwrap()))
            }
        };
        Self { alg, kid: kid.to_owned(), pair }
    }

    pub fn public(&self) -> Vec<u8> {
        match &self.pair {
            Pair::Ec(pair) => pair.public_key().as_ref().to_vec(),
            Pair::Ed(pair) => pair.public_key().as_ref().to_vec(),
            Pair::Rsa(pair) => pair.public().as_ref().to_vec(),
        }
    }

    /// With every member that a provider's key has.
    pub fn jwk(&self) -> Value {
        let (public, text) = (self.public(), |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes));
        let mut jwk = match &self.pair {
            Pair::Ec(_) => {
                let (x, y) = public[1..].split_at(public.len() / 2);
                let curve = if self.alg == Alg::Es256 { "P-256" } else { "P-384" };
                json!({"kty": "EC", "crv": curve, "x": text(x), "y": text(y)})
            }
            Pair::Ed(_) => json!({"kty": "OKP", "crv": "Ed25519", "x": text(&public)}),
            Pair::Rsa(pair) => {
                let RsaPublicKeyComponents::<Vec<u8>> { n, e } = pair.public().into();
                json!({"kty": "RSA", "n": text(&n), "e": text(&e)})
            }
        };
        jwk["kid"] = json!(self.kid);
        jwk["alg"] = json!(self.alg.names()[0]);
        jwk["use"] = json!("sig");
        jwk
    }

    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Ec(pair) => pair.sign(&random, message).unwrap().as_ref().to_vec(),
            Pair::Ed(pair) => pair.sign(message).as_ref().to_vec(),
            Pair::Rsa(pair) => {
                let by: &dyn RsaEncoding =
                    if self.alg == Alg::Rs256 { &RSA_PKCS1_SHA256 } else { &RSA_PSS_SHA256 };
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(by, &random, message, &mut signature).unwrap();
                signature
            }
        }
    }

    pub fn header(&self) -> Value {
        json!({"alg": self.alg.names()[0], "kid": self.kid, "typ": "JWT"})
    }

    pub fn token(&self, claims: &Value) -> Secret {
        self.token_with(&self.header(), claims)
    }

    pub fn token_with(&self, header: &Value, claims: &Value) -> Secret {
        self.token_of(&header.to_string(), &claims.to_string())
    }

    pub fn token_of(&self, header: &str, claims: &str) -> Secret {
        let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let signature = URL_SAFE_NO_PAD.encode(self.sign(message.as_bytes()));
        Secret::new(format!("{message}.{signature}"))
    }

    /// `at_hash` of a token that this key signs.
    pub fn half_hash(&self, text: &str) -> String {
        let hash = match self.alg {
            Alg::Es384 => Sha384::digest(text).to_vec(),
            Alg::EdDsa => Sha512::digest(text).to_vec(),
            _ => Sha256::digest(text).to_vec(),
        };
        URL_SAFE_NO_PAD.encode(&hash[..hash.len() / 2])
    }
}

pub fn jwks(keys: &[&TestKey]) -> Jwks {
    let keys: Vec<Value> = keys.iter().map(|key| key.jwk()).collect();
    Jwks::parse(&json!({"keys": keys}).to_string(), Alg::Rs256).unwrap()
}

pub fn presets() -> Presets {
    Presets::builtin().unwrap()
}

pub fn connection_of(form: &Value) -> Connection {
    let form: ConnectionForm = serde_json::from_value(form.clone()).unwrap();
    Connection::new(form, &presets(), Reach::Public).unwrap()
}

/// A service account's key, as its file has it (RFC 5208).
pub fn service_key() -> String {
    let text = include_str!("../../../scim/src/google/testing/service_key.txt");
    format!("-----BEGIN PRIVATE KEY-----\n{text}-----END PRIVATE KEY-----\n")
}

/// A provider's sample, from `events/admin/idp`.
pub struct Sample {
    pub connection: Value,
    pub claims: Map<String, Value>,
    pub expected: Value,
}

pub const SAMPLES: [&str; 8] =
    ["okta", "entra", "google", "onelogin", "ping", "auth0", "jumpcloud", "custom"];

pub fn sample(name: &str) -> Sample {
    let path = format!("{}/../../events/admin/idp/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let mut sample: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let claims = sample["claims"].as_object().unwrap().clone();
    Sample { connection: sample["connection"].take(), claims, expected: sample["expected"].take() }
}

pub fn document(connection: &Connection) -> Value {
    let issuer = connection.by_tenant().unwrap_or_else(|| connection.issuer());
    json!({
        "issuer": issuer,
        "authorization_endpoint": "https://idp.acme.test/authorize",
        "token_endpoint": "https://idp.acme.test/token",
        "jwks_uri": "https://idp.acme.test/keys",
        "end_session_endpoint": "https://idp.acme.test/logout",
        "response_types_supported": ["code", "id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
        "code_challenge_methods_supported": ["plain", "S256"],
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        "authorization_response_iss_parameter_supported": false,
        "backchannel_logout_supported": true,
    })
}

pub fn discovery(connection: &Connection) -> Discovery {
    Discovery::parse(&document(connection).to_string(), connection, Reach::Public).unwrap()
}

pub fn browser() -> BrowserSecret {
    BrowserSecret::from_random([9; 32])
}

/// A sign-in that began ten seconds ago.
pub fn pending(connection: &Connection, max_age: Option<u32>) -> (Pending, String) {
    let journey = Journey {
        redirect_uri: &RedirectUri::parse(REDIRECT, Reach::Public).unwrap(),
        return_to: ReturnTo::parse("/keys?page=2").unwrap(),
        browser: &browser(),
        max_age,
        now: at(NOW - 10),
    };
    begin(connection, &discovery(connection), journey, [[1; 32], [2; 32], [3; 32]])
}
