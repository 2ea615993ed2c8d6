//! A provider ends sessions: by a logout token (OpenID Connect Back-Channel Logout 1.0), or through the browser (Front-Channel
//! Logout 1.0).

use std::fmt;

use caller::form;
use domain::Timestamp;
use serde_json::Value;

use super::connection::Connection;
use super::id_token::{SKEW_SECONDS, check_audience, check_issuer, check_times, seconds};
use super::jwks::Jwks;
use super::jws::{TokenFault, Typ, Unverified};
use super::preset::LogoutSupport;
use super::secret::Secret;

const TYP: &str = "logout+jwt";
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
/// Section 2.6 recommends that tokens last two minutes; a retry may come later. Also how long a `jti` is kept.
pub const AGE_SECONDS_MAX: u64 = 10 * 60;
const TEXT_BYTES_MAX: usize = 255;
/// Shorter could be guessed: nothing else proves a request through the browser.
const FRONT_SID_BYTES_MIN: usize = 16;
const FRONT_BYTES_MAX: usize = 4 * 1_024;
const FRONT_PARAMETERS_MAX: usize = 20;

/// Whose sessions end: all of a subject's, or one. `Debug` names nobody.
#[derive(Clone, PartialEq, Eq)]
pub struct Logout {
    pub issuer: String,
    /// The token's `sub`. With Entra not the subject of an [`super::Identity`]: there `sid` finds the session.
    pub sub: Option<String>,
    pub sid: Option<String>,
    /// Seen before is refused: the caller keeps it, per issuer, for [`AGE_SECONDS_MAX`] and the skew.
    pub jti: String,
}

impl fmt::Debug for Logout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Logout")
            .field("sub", &self.sub.is_some())
            .field("sid", &self.sid.is_some())
            .finish_non_exhaustive()
    }
}

/// Believes a logout token (section 2.6).
///
/// # Errors
/// The first rule that the token breaks.
pub fn verify(
    token: &Secret,
    connection: &Connection,
    keys: &Jwks,
    now: Timestamp,
) -> Result<Logout, TokenFault> {
    let (claims, _) = Unverified::parse(token.expose(), Typ::Or(TYP))?.verify(keys)?;
    let issuer = check_issuer(&claims, connection)?;
    check_audience(&claims, connection.client_id())?;
    let issued = check_times(&claims, now)?;
    if seconds(now).saturating_sub(issued) > AGE_SECONDS_MAX + SKEW_SECONDS {
        return Err(TokenFault::Expired);
    }
    // An ID token has one: it must not end its own session.
    if claims.get("nonce").is_some() {
        return Err(TokenFault::Kind);
    }
    let event = claims.get("events").ok_or(TokenFault::Missing("events"))?;
    if !event.get(EVENT).is_some_and(Value::is_object) {
        return Err(TokenFault::Kind);
    }
    let short = |name| {
        let text = claims.text(name)?.filter(|text| !text.is_empty());
        let long = text.is_some_and(|text| text.len() > TEXT_BYTES_MAX);
        if long { Err(TokenFault::Shape(name)) } else { Ok(text.map(str::to_owned)) }
    };
    let (sub, sid) = (short("sub")?, short("sid")?);
    if sub.is_none() && sid.is_none() {
        return Err(TokenFault::Empty);
    }
    Ok(Logout { issuer, sub, sid, jti: short("jti")?.ok_or(TokenFault::Missing("jti"))? })
}

/// A session that a provider ends through the browser. Nothing proves the request: whoever knows the provider's own name of the
/// session ends that one, and learns nothing. So only of providers that tell it in no other way, and by names that nobody guesses.
#[derive(Clone, PartialEq, Eq)]
pub struct Front {
    pub issuer: String,
    pub sid: String,
}

impl fmt::Debug for Front {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Front(..)")
    }
}

/// Reads a front-channel logout (section 3) of a provider that sends them: both parameters stand there, each once, and the issuer
/// is the connection's to the letter.
///
/// # Errors
/// The first rule that it breaks.
pub fn front(query: &str, connection: &Connection) -> Result<Front, TokenFault> {
    if connection.preset().logout != LogoutSupport::FrontChannel {
        return Err(TokenFault::Kind);
    }
    let pairs = (query.len() <= FRONT_BYTES_MAX).then(|| form::parse(query, FRONT_PARAMETERS_MAX)).flatten();
    let pairs = pairs.ok_or(TokenFault::Malformed)?;
    let one = |name: &'static str| {
        let mut found = pairs.iter().filter(|(key, _)| key == name).map(|(_, value)| value);
        match (found.next(), found.next()) {
            (Some(value), None) if (1..=TEXT_BYTES_MAX).contains(&value.len()) => Ok(value.clone()),
            (None, None) => Err(TokenFault::Missing(name)),
            _ => Err(TokenFault::Shape(name)),
        }
    };
    let (issuer, sid) = (one("iss")?, one("sid")?);
    if sid.len() < FRONT_SID_BYTES_MIN {
        return Err(TokenFault::Shape("sid"));
    }
    if connection.is_issuer(&issuer) { Ok(Front { issuer, sid }) } else { Err(TokenFault::Issuer) }
}

/// Whose sessions a logout token is about (sections 2.4 and 2.7).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ends<P> {
    /// All of a person's.
    All(P),
    /// Of a person those of one session at the provider, and those of which it is not known of which they are.
    Of(P),
    /// Those of one session at the provider, whoever's.
    At,
    /// Whoever it names was never here.
    Nobody,
}

impl Logout {
    /// `person`: whoever is known by the token's `sub` here. Where another claim names people, `sub` says nothing and `sid` finds
    /// them.
    pub fn ends<P>(&self, connection: &Connection, person: Option<P>) -> Ends<P> {
        let by_subject = self.sub.is_some() && connection.preset().identity == ["sub"];
        match (person, &self.sid) {
            (Some(person), Some(_)) => Ends::Of(person),
            (Some(person), None) => Ends::All(person),
            (None, Some(_)) if !by_subject => Ends::At,
            (None, _) => Ends::Nobody,
        }
    }
}

#[cfg(test)]
mod tests;
