//! A provider's public keys (RFC 7517), each with the one algorithm that it is used with.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;

/// Largest set in bytes. Real ones stay under 20,000, certificates included.
pub const SET_BYTES_MAX: usize = 256 * 1_024;
const KEYS_MAX: usize = 64;
const RSA_BYTES: std::ops::RangeInclusive<usize> = 256..=1_024;

/// The algorithms that tokens may be signed with: no `none`, nothing with a shared secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alg {
    Rs256,
    Ps256,
    Es256,
    Es384,
    EdDsa,
}

impl Alg {
    pub const ALL: [Self; 5] = [Self::Rs256, Self::Ps256, Self::Es256, Self::Es384, Self::EdDsa];

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|alg| alg.names().contains(&name))
    }

    /// The names that a header may have. RFC 9864 gave EdDSA with Ed25519 a name of its own.
    pub const fn names(self) -> &'static [&'static str] {
        match self {
            Self::Rs256 => &["RS256"],
            Self::Ps256 => &["PS256"],
            Self::Es256 => &["ES256"],
            Self::Es384 => &["ES384"],
            Self::EdDsa => &["EdDSA", "Ed25519"],
        }
    }

    pub(super) const fn algorithm(self) -> Algorithm {
        match self {
            Self::Rs256 => Algorithm::RS256,
            Self::Ps256 => Algorithm::PS256,
            Self::Es256 => Algorithm::ES256,
            Self::Es384 => Algorithm::ES384,
            Self::EdDsa => Algorithm::EdDSA,
        }
    }
}

/// A public key.
#[derive(Clone)]
pub struct Key {
    kid: Option<String>,
    pub(super) alg: Alg,
    pub(super) key: DecodingKey,
}

impl Key {
    /// A key of Ed25519.
    pub fn ed25519(kid: &str, public: &[u8; 32]) -> Self {
        Self { kid: Some(kid.to_owned()), alg: Alg::EdDsa, key: DecodingKey::from_ed_der(public) }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("kid", &self.kid).field("alg", &self.alg).finish_non_exhaustive()
    }
}

/// A set of keys, none named twice.
#[derive(Debug, Clone)]
pub struct Jwks(Vec<Key>);

/// Why a set is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JwksError {
    #[error("the key set is larger than 262144 bytes or has more than 64 keys")]
    TooLarge,
    #[error("the key set does not read")]
    Unreadable,
    #[error("the key set holds a private key: the provider's keys are no longer its own")]
    PrivateKey,
    #[error("the key set names two keys alike")]
    SameName,
    #[error("the key set has no key for RS256, PS256, ES256, ES384 or EdDSA")]
    NoKey,
}

#[derive(Deserialize)]
struct Set {
    keys: Vec<Value>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

/// Parts of private keys (RFC 7518 section 6). Symmetric keys have `k`, and are passed over as keys of no use here.
const PRIVATE: [&str; 6] = ["d", "p", "q", "dp", "dq", "qi"];

impl Jwks {
    /// Reads a set. Keys of other kinds and for other uses are passed over.
    /// `rsa`: what an RSA key signs with that does not say it, from the discovery document.
    ///
    /// # Errors
    /// Unreadable, or without a key that can be used.
    pub fn parse(text: &str, rsa: Alg) -> Result<Self, JwksError> {
        if text.len() > SET_BYTES_MAX {
            return Err(JwksError::TooLarge);
        }
        let json = caller::json::parse(text).map_err(|_| JwksError::Unreadable)?;
        let Set { keys } = serde_json::from_value(json).map_err(|_| JwksError::Unreadable)?;
        if keys.len() > KEYS_MAX {
            return Err(JwksError::TooLarge);
        }
        if keys.iter().any(|key| PRIVATE.iter().any(|part| key.get(part).is_some())) {
            return Err(JwksError::PrivateKey);
        }
        let read = |key: Value| serde_json::from_value(key).ok();
        Self::from_keys(keys.into_iter().filter_map(read).filter_map(|jwk| usable(jwk, rsa)).collect())
    }

    /// # Errors
    /// No key, or two of one name.
    pub fn from_keys(keys: Vec<Key>) -> Result<Self, JwksError> {
        let mut names: Vec<_> = keys.iter().filter_map(|key| key.kid.as_deref()).collect();
        let named = names.len();
        names.sort_unstable();
        names.dedup();
        match () {
            () if keys.is_empty() => Err(JwksError::NoKey),
            () if names.len() < named => Err(JwksError::SameName),
            () => Ok(Self(keys)),
        }
    }

    pub fn has(&self, kid: &str) -> bool {
        self.named(kid).is_some()
    }

    pub(super) fn named(&self, kid: &str) -> Option<&Key> {
        self.0.iter().find(|key| key.kid.as_deref() == Some(kid))
    }

    pub(super) fn only(&self) -> Option<&Key> {
        self.0.first().filter(|_| self.0.len() == 1)
    }
}

fn usable(jwk: Jwk, rsa: Alg) -> Option<Key> {
    let for_signatures = jwk.usage.as_ref().is_none_or(|usage| usage == "sig");
    let for_verifying = jwk.key_ops.as_ref().is_none_or(|ops| ops.iter().any(|op| op == "verify"));
    if !(for_signatures && for_verifying) {
        return None;
    }
    let (fitting, key): (&[Alg], DecodingKey) = match (jwk.kty.as_str(), jwk.crv.as_deref()) {
        ("RSA", None) => (&[Alg::Rs256, Alg::Ps256], rsa_key(&jwk)?),
        ("EC", Some("P-256")) => (&[Alg::Es256], point(&jwk, 32)?),
        ("EC", Some("P-384")) => (&[Alg::Es384], point(&jwk, 48)?),
        ("OKP", Some("Ed25519")) => (&[Alg::EdDsa], DecodingKey::from_ed_der(&bytes(jwk.x.as_ref(), 32)?)),
        _ => return None,
    };
    let alg = match &jwk.alg {
        Some(name) => Alg::from_name(name)?,
        None if fitting.contains(&rsa) => rsa,
        None => *fitting.first()?,
    };
    fitting.contains(&alg).then_some(Key { kid: jwk.kid, alg, key })
}

fn rsa_key(jwk: &Jwk) -> Option<DecodingKey> {
    let n = URL_SAFE_NO_PAD.decode(jwk.n.as_ref()?).ok()?;
    let e = URL_SAFE_NO_PAD.decode(jwk.e.as_ref()?).ok()?;
    // Some write the sign byte of ASN.1 too.
    let zeros = n.iter().take_while(|byte| **byte == 0).count();
    let n = n.get(zeros..)?;
    RSA_BYTES.contains(&n.len()).then(|| DecodingKey::from_rsa_raw_components(n, &e))
}

fn point(jwk: &Jwk, length: usize) -> Option<DecodingKey> {
    let point = [vec![4], bytes(jwk.x.as_ref(), length)?, bytes(jwk.y.as_ref(), length)?].concat();
    Some(DecodingKey::from_ec_der(&point))
}

fn bytes(text: Option<&String>, length: usize) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text?).ok().filter(|bytes| bytes.len() == length)
}

#[cfg(test)]
mod tests;
