//! Our own session token: short, of its own kind, with keys that sign nothing else. It proves that a session was there a
//! moment ago; whether it still is, its row says on every request.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::{Timestamp, UserId};
use serde::{Deserialize, Serialize};

use super::id_token::seconds;
use super::jwks::{Alg, Jwks};
use super::jws::{TokenFault, Typ, Unverified};
use super::secret::Secret;

const TYP: &str = "cs-session+jwt";
const AUDIENCE: &str = "countersign-admin";
/// How long one lasts, in seconds.
pub const LIFETIME_SECONDS: u64 = 5 * 60;
/// Between our own functions' clocks.
const SKEW_SECONDS: u64 = 5;
const ID_BYTES_MAX: usize = 128;

/// Whose session, and how old the person's credentials may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    pub user: UserId,
    /// The session's row.
    pub sid: String,
    /// The person's epoch when the token was made.
    pub epoch: u64,
    /// The token's own id.
    pub jti: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    iss: String,
    aud: String,
    sub: UserId,
    sid: String,
    epoch: u64,
    iat: u64,
    nbf: u64,
    exp: u64,
    jti: String,
}

#[derive(Serialize)]
struct Header<'h> {
    typ: &'static str,
    alg: &'static str,
    kid: &'h str,
}

/// A token without its signature: whoever signs elsewhere takes [`Self::message`] there and comes back to [`Self::signed`].
#[derive(Debug, Clone)]
pub struct Unsigned(Secret);

impl Unsigned {
    /// What is signed, under the algorithm that was named.
    pub fn message(&self) -> &[u8] {
        self.0.expose().as_bytes()
    }

    /// The token. `signature` as JWS has it: of ES256 64 bytes, see [`es256_from_der`].
    pub fn signed(self, signature: &[u8]) -> Secret {
        Secret::new(format!("{}.{}", self.0.expose(), URL_SAFE_NO_PAD.encode(signature)))
    }
}

/// Makes a token to be signed with the key `kid`, from `now` on.
///
/// # Errors
/// Never for an algorithm that has a name.
pub fn unsigned(
    session: &Session,
    issuer: &str,
    kid: &str,
    alg: Alg,
    now: Timestamp,
) -> Result<Unsigned, TokenFault> {
    let now = seconds(now);
    let body = Body {
        iss: issuer.to_owned(),
        aud: AUDIENCE.to_owned(),
        sub: session.user.clone(),
        sid: session.sid.clone(),
        epoch: session.epoch,
        iat: now,
        nbf: now,
        exp: now + LIFETIME_SECONDS,
        jti: session.jti.clone(),
    };
    let alg = alg.names().first().copied().ok_or(TokenFault::Algorithm)?;
    let (header, body) = (part(&Header { typ: TYP, alg, kid })?, part(&body)?);
    Ok(Unsigned(Secret::new(format!("{header}.{body}"))))
}

/// The same with a key at hand.
///
/// # Errors
/// The signer's.
pub fn sign<E: From<TokenFault>>(
    session: &Session,
    issuer: &str,
    (kid, alg): (&str, Alg),
    now: Timestamp,
    signer: impl FnOnce(&[u8]) -> Result<Vec<u8>, E>,
) -> Result<Secret, E> {
    let unsigned = unsigned(session, issuer, kid, alg, now)?;
    let signature = signer(unsigned.message())?;
    Ok(unsigned.signed(&signature))
}

fn part(value: &impl Serialize) -> Result<String, TokenFault> {
    serde_json::to_vec(value).map(|json| URL_SAFE_NO_PAD.encode(json)).map_err(|_| TokenFault::Malformed)
}

/// Believes a session token. The caller reads the session's row and the person's epoch next.
///
/// # Errors
/// The first rule that the token breaks.
pub fn verify(token: &Secret, issuer: &str, keys: &Jwks, now: Timestamp) -> Result<Session, TokenFault> {
    let unverified = Unverified::parse(token.expose(), Typ::Only(TYP))?;
    if unverified.kid().is_none() {
        return Err(TokenFault::UnknownKey);
    }
    let body: Body = unverified.verify(keys)?.0.read()?;
    let now = seconds(now);
    let sound = |text: &str| (1..=ID_BYTES_MAX).contains(&text.len());
    let faults = [
        (body.iss != issuer, TokenFault::Issuer),
        (body.aud != AUDIENCE, TokenFault::Audience),
        (body.exp <= now, TokenFault::Expired),
        (body.nbf.max(body.iat) > now + SKEW_SECONDS, TokenFault::NotYet),
        (body.exp.saturating_sub(body.iat) > LIFETIME_SECONDS, TokenFault::TooLong),
        (!sound(&body.sid), TokenFault::Missing("sid")),
        (!sound(&body.jti), TokenFault::Missing("jti")),
    ];
    match faults.into_iter().find(|(found, _)| *found) {
        Some((_, fault)) => Err(fault),
        None => Ok(Session { user: body.sub, sid: body.sid, epoch: body.epoch, jti: body.jti }),
    }
}

/// An ECDSA signature on P-256 as KMS gives it, in DER, as JWS has it: both numbers in 32 bytes (RFC 7518 section 3.4).
pub fn es256_from_der(der: &[u8]) -> Option<[u8; 64]> {
    let [0x30, length, body @ ..] = der else { return None };
    if usize::from(*length) != body.len() {
        return None;
    }
    let (r, rest) = integer(body)?;
    let (s, rest) = integer(rest)?;
    let mut both = [0; 64];
    let (left, right) = both.split_at_mut(32);
    left.get_mut(32 - r.len()..)?.copy_from_slice(r);
    right.get_mut(32 - s.len()..)?.copy_from_slice(s);
    rest.is_empty().then_some(both)
}

/// A positive number of at most 32 bytes, without its sign byte, and what follows it.
fn integer(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let [0x02, length, rest @ ..] = der else { return None };
    let (number, rest) = rest.split_at_checked(usize::from(*length))?;
    let number = match number {
        [0, number @ ..] => number,
        [first, ..] if *first < 0x80 => number,
        _ => return None,
    };
    (number.len() <= 32).then_some((number, rest))
}

#[cfg(test)]
mod tests;
