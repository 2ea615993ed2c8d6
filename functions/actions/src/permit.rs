//! Permits: a short JSON Web Token (RFC 7519) of a kind of its own (RFC 8725 section 3.11), by ES256 (RFC 7518 section 3.4),
//! bound to one canonical action. Whoever runs the action checks it offline, and acts only once it is consumed. Pure.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::{AgentId, ApprovalId, Digest, KeyId, Name, PermitId, Reason, TenantId, Timestamp};
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The kind of token.
pub const TYP: &str = "cs-permit+jwt";
/// How long one is good, in seconds.
pub const LIFETIME_SECONDS: u64 = 60;
/// Between our own functions' clocks.
const SKEW_SECONDS: u64 = 5;
/// Longer ones are none of ours.
const BYTES_MAX: usize = 4_096;

/// What a permit says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claims {
    pub iss: String,
    /// The one tool that may take it.
    pub aud: Name,
    pub sub: AgentId,
    pub jti: PermitId,
    pub iat: u64,
    pub exp: u64,
    pub tenant_id: TenantId,
    pub agent_id: AgentId,
    /// The gateway key by which it was asked for.
    pub key_id: KeyId,
    pub action_sha256: Digest,
    /// Of the tenant's gate.
    pub policy_version: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval_id: Option<ApprovalId>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    typ: String,
    alg: String,
    kid: String,
}

/// The public half of the key that signs, and its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    pub kid: String,
    /// An uncompressed point (SEC 1 section 2.3.3): 4, x, y.
    pub point: [u8; 65],
}

impl PublicKey {
    /// A set of keys with this one (RFC 7517 section 5, RFC 7518 section 6.2.1).
    pub fn to_jwks(&self) -> Value {
        let coordinate = |part: &[u8]| URL_SAFE_NO_PAD.encode(part);
        let (x, y) = self.point.get(1..33).zip(self.point.get(33..65)).unwrap_or_default();
        json!({"keys": [{
            "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": self.kid,
            "x": coordinate(x), "y": coordinate(y),
        }]})
    }
}

/// What is signed: header and claims.
///
/// # Errors
/// Never for claims that can be written as JSON.
pub fn unsigned(claims: &Claims, kid: &str) -> Result<String, Reason> {
    let header = Header { typ: TYP.to_owned(), alg: "ES256".to_owned(), kid: kid.to_owned() };
    Ok(format!("{}.{}", part(&header)?, part(claims)?))
}

/// The permit, with its signature as JWS has it: r and s.
pub fn signed(unsigned: &str, signature: &[u8; 64]) -> String {
    format!("{unsigned}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn part(value: &impl Serialize) -> Result<String, Reason> {
    let json = serde_json::to_vec(value).map_err(|_| Reason::SigningUnavailable)?;
    Ok(URL_SAFE_NO_PAD.encode(json))
}

fn read<T: for<'de> Deserialize<'de>>(part: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

/// A permit of ours, whatever its time: whoever tells an outcome does so after it.
///
/// # Errors
/// It is none: another kind, algorithm, key, issuer or signature, or one that was never issued so.
pub fn verify(token: &str, issuer: &str, key: &PublicKey, now: Timestamp) -> Result<Claims, Reason> {
    let good = || {
        let (message, signature) = token.rsplit_once('.').filter(|_| token.len() <= BYTES_MAX)?;
        let (header, body) = message.split_once('.')?;
        let header: Header = read(header)?;
        if header.typ != TYP || header.alg != "ES256" || header.kid != key.kid {
            return None;
        }
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &key.point);
        public.verify(message.as_bytes(), &signature).ok()?;
        let claims: Claims = read(body)?;
        let now = now.unix_millis() / 1_000;
        let sound = claims.iss == issuer
            && claims.sub == claims.agent_id
            && claims.iat <= now.saturating_add(SKEW_SECONDS)
            && claims.exp.saturating_sub(claims.iat) <= LIFETIME_SECONDS;
        sound.then_some(claims)
    };
    good().ok_or(Reason::PermitInvalid)
}

impl Claims {
    /// # Errors
    /// Its time is over.
    pub fn in_time(&self, now: Timestamp) -> Result<(), Reason> {
        if now.unix_millis() < self.exp.saturating_mul(1_000) { Ok(()) } else { Err(Reason::PermitExpired) }
    }
}

#[cfg(test)]
mod tests;
