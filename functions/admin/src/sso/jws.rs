//! How any token is read: compact JWS (RFC 7515), with the rules of RFC 8725.
//!
//! The header is an index, never an authority: `kid` finds a key, the key says the algorithm, and `alg` must name that one.
//! `jwk`, `jku`, `x5u` and `x5c` are not looked at. Nothing of the payload leaves before the signature holds, but the
//! issuer, where it chooses whose keys are tried.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::claims::Claims;
use super::jwks::{Alg, Jwks, Key};
use super::signature;

/// Largest token in bytes. Entra's with 200 groups has 10,000.
pub const TOKEN_BYTES_MAX: usize = 32 * 1_024;
const KID_BYTES_MAX: usize = 256;

/// Why a token is not believed. Names of claims alone, never a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenFault {
    #[error("the token is larger than 32768 bytes")]
    TooLarge,
    #[error("the token does not read")]
    Malformed,
    #[error("the token's header has a critical extension")]
    Critical,
    #[error("the token is of another kind")]
    Kind,
    #[error("the token's key is not among the issuer's")]
    UnknownKey,
    #[error("the token names another algorithm than its key has")]
    Algorithm,
    #[error("the token's signature does not hold")]
    Signature,
    #[error("the token has no `{0}`")]
    Missing(&'static str),
    #[error("the token's `{0}` has another type than it should")]
    Shape(&'static str),
    #[error("the token is of another issuer")]
    Issuer,
    #[error("the token is for someone else")]
    Audience,
    #[error("the token was given to another client")]
    AuthorizedParty,
    #[error("the token is over")]
    Expired,
    #[error("the token is not valid yet")]
    NotYet,
    #[error("the token lasts longer than it may")]
    TooLong,
    #[error("the token is of another sign-in")]
    Nonce,
    #[error("the token belongs to another access token")]
    AccessToken,
    #[error("the sign-in at the provider is older than was asked for")]
    StaleSignIn,
    #[error("the account is of a tenant that is not let in")]
    Tenant,
    #[error("the account is a guest of its tenant, and guests are not let in")]
    Guest,
    #[error("the account is not of the organization's domain")]
    HostedDomain,
    #[error("the token says nothing that can be acted on")]
    Empty,
    #[error("the token's subject is not let in")]
    Subject,
}

impl TokenFault {
    /// For logs and metrics.
    pub const fn code(self) -> &'static str {
        match self {
            Self::TooLarge => "token.too_large",
            Self::Malformed => "token.malformed",
            Self::Critical => "token.critical",
            Self::Kind => "token.kind",
            Self::UnknownKey => "token.unknown_key",
            Self::Algorithm => "token.algorithm",
            Self::Signature => "token.signature",
            Self::Missing(_) => "token.claim_missing",
            Self::Shape(_) => "token.claim_type",
            Self::Issuer => "token.issuer",
            Self::Audience => "token.audience",
            Self::AuthorizedParty => "token.authorized_party",
            Self::Expired => "token.expired",
            Self::NotYet => "token.not_yet",
            Self::TooLong => "token.too_long",
            Self::Nonce => "token.nonce",
            Self::AccessToken => "token.access_token",
            Self::StaleSignIn => "token.stale_sign_in",
            Self::Tenant => "token.tenant",
            Self::Guest => "token.guest",
            Self::HostedDomain => "token.hosted_domain",
            Self::Empty => "token.empty",
            Self::Subject => "token.subject",
        }
    }
}

/// Which `typ` a kind of token has (RFC 8725 section 3.11).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Typ {
    /// `JWT`, or none.
    Plain,
    /// This, or what [`Self::Plain`] takes: what older providers send.
    Or(&'static str),
    /// This alone.
    Only(&'static str),
}

impl Typ {
    fn takes(self, typ: Option<&str>) -> bool {
        let bare = typ.map(|typ| typ.strip_prefix("application/").unwrap_or(typ));
        let is = |wanted: &str| bare.is_some_and(|typ| typ.eq_ignore_ascii_case(wanted));
        match self {
            Self::Plain => bare.is_none() || is("JWT"),
            Self::Or(wanted) => is(wanted) || Self::Plain.takes(typ),
            Self::Only(wanted) => is(wanted),
        }
    }
}

/// A token that reads, of the wanted kind, and that nobody believes yet.
pub struct Unverified<'t> {
    alg: String,
    kid: Option<String>,
    claims: Map<String, Value>,
    signed: &'t str,
    signature: &'t str,
}

impl fmt::Debug for Unverified<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unverified").field("alg", &self.alg).finish_non_exhaustive()
    }
}

impl<'t> Unverified<'t> {
    /// Reads a token.
    ///
    /// # Errors
    /// Too large, not a compact JWS of strict JSON, of another kind, or with a critical extension.
    pub fn parse(token: &'t str, typ: Typ) -> Result<Self, TokenFault> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(TokenFault::TooLarge);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(TokenFault::Malformed)?;
        let (header, payload) = signed.split_once('.').ok_or(TokenFault::Malformed)?;
        let (header, claims) = (object(header)?, object(payload)?);
        if header.contains_key("crit") {
            return Err(TokenFault::Critical);
        }
        let text = |name: &str| match header.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.as_str())),
            Some(_) => Err(TokenFault::Malformed),
        };
        if !typ.takes(text("typ")?) {
            return Err(TokenFault::Kind);
        }
        let alg = text("alg")?.ok_or(TokenFault::Malformed)?.to_owned();
        let kid = text("kid")?.map(str::to_owned);
        if kid.as_ref().is_some_and(|kid| kid.len() > KID_BYTES_MAX) {
            return Err(TokenFault::Malformed);
        }
        Ok(Self { alg, kid, claims, signed, signature })
    }

    /// Which key the token names: what a cache of keys is asked for.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// Whose keys to try. The verified claims are compared with that issuer again.
    pub fn issuer(&self) -> Option<&str> {
        self.claims.get("iss").and_then(Value::as_str)
    }

    /// Checks the signature. Returns the claims and the algorithm that they are signed with.
    pub(super) fn verify(self, keys: &Jwks) -> Result<(Claims, Alg), TokenFault> {
        let key = self.key(keys)?;
        if !key.alg.names().contains(&self.alg.as_str()) {
            return Err(TokenFault::Algorithm);
        }
        let holds =
            signature::verifies(self.signature, self.signed.as_bytes(), &key.key, key.alg.algorithm());
        if holds { Ok((Claims::new(self.claims), key.alg)) } else { Err(TokenFault::Signature) }
    }

    /// The key named; without a name the only key there is (OpenID Connect Core section 10.1).
    fn key<'k>(&self, keys: &'k Jwks) -> Result<&'k Key, TokenFault> {
        match &self.kid {
            Some(kid) => keys.named(kid).ok_or(TokenFault::UnknownKey),
            None => keys.only().ok_or(TokenFault::UnknownKey),
        }
    }
}

fn object(part: &str) -> Result<Map<String, Value>, TokenFault> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenFault::Malformed)?;
    let text = std::str::from_utf8(&bytes).map_err(|_| TokenFault::Malformed)?;
    match caller::json::parse(text) {
        Ok(Value::Object(map)) => Ok(map),
        _ => Err(TokenFault::Malformed),
    }
}
