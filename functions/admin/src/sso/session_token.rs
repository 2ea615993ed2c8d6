//! Our own session token: of its own kind, under a key that signs nothing else. It says whose session it is without any
//! read; whether there still is one, its row says on every request.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::{SessionId, SessionRow, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use super::id_token::seconds;
use super::jwks::{Alg, Jwks};
use super::jws::{TokenFault, Typ, Unverified};
use super::secret::Secret;

pub const TYP: &str = "cs-session+jwt";
const AUDIENCE: &str = "countersign-admin";
/// How long one lasts, in seconds: as long as a session may go unused. Whoever uses it gets another.
pub const LIFETIME_SECONDS: u64 = domain::IDLE_MS / 1_000;
/// Between our own functions' clocks.
const SKEW_SECONDS: u64 = 5;
const ID_BYTES_MAX: usize = 128;
/// Longer ones are none of ours.
pub const BYTES_MAX: usize = 2_048;

/// Whose session, and how old the person's credentials may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    pub user: UserId,
    /// The session's row.
    pub sid: SessionId,
    /// The person's epoch when the token was made.
    pub epoch: u64,
    /// The token's own id.
    pub jti: String,
}

/// A token that is ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    Live(Session),
    /// Its time is over: who it is is known, and nothing may be done by it.
    Over(Session),
}

impl Session {
    /// What a token of a session says.
    pub fn of(row: &SessionRow, jti: String) -> Self {
        Self { user: row.user.clone(), sid: row.id.clone(), epoch: row.epoch, jti }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    iss: String,
    aud: String,
    sub: UserId,
    sid: SessionId,
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

    /// The token. `signature` as JWS has it (RFC 7515).
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
pub fn verify(token: &Secret, issuer: &str, keys: &Jwks, now: Timestamp) -> Result<Shown, TokenFault> {
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
        (body.nbf.max(body.iat) > now + SKEW_SECONDS, TokenFault::NotYet),
        (body.exp.saturating_sub(body.iat) > LIFETIME_SECONDS, TokenFault::TooLong),
        (!sound(&body.jti), TokenFault::Missing("jti")),
    ];
    match faults.into_iter().find(|(found, _)| *found) {
        Some((_, fault)) => Err(fault),
        None => {
            let session = Session { user: body.sub, sid: body.sid, epoch: body.epoch, jti: body.jti };
            Ok(if body.exp <= now { Shown::Over(session) } else { Shown::Live(session) })
        }
    }
}

#[cfg(test)]
mod tests;
