//! A provider asks for somebody to be logged out everywhere: Global Token Revocation
//! (draft-parecki-oauth-global-token-revocation), as Okta's Universal Logout sends it. Who asks, a signed token says; who is
//! meant, the body, which nothing signs: the token is for this address alone, short-lived and used once.

use std::fmt;

use domain::Timestamp;
use serde::Deserialize;

use super::connection::Connection;
use super::id_token::check_times;
use super::jwks::Jwks;
use super::jws::{TokenFault, Typ, Unverified};
use super::secret::Secret;

pub const TYP: &str = "global-token-revocation+jwt";
/// Okta's tokens hold from five minutes before to five minutes after. A `jti` is kept for longer.
const WINDOW_SECONDS_MAX: u64 = 20 * 60;
const TEXT_BYTES_MAX: usize = 255;
/// As long as an address can be (RFC 5321 section 4.5.3.1).
const EMAIL_BYTES_MAX: usize = 320;

/// A provider that may ask. Seen before is refused: the caller keeps `jti`, per issuer, for an hour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asker {
    pub issuer: String,
    pub jti: String,
}

/// Believes a provider's token for `endpoint`, our address without query or fragment.
///
/// # Errors
/// The first rule that the token breaks. [`TokenFault::Subject`] alone: it is sound, and another client's.
pub fn verify(
    token: &Secret,
    connection: &Connection,
    endpoint: &str,
    keys: &Jwks,
    now: Timestamp,
) -> Result<Asker, TokenFault> {
    let (claims, _) = Unverified::parse(token.expose(), Typ::Only(TYP))?.verify(keys)?;
    let issuer = claims.needed_text("iss")?;
    if !connection.is_issuer(issuer) {
        return Err(TokenFault::Issuer);
    }
    if claims.texts("aud")? != [endpoint] {
        return Err(TokenFault::Audience);
    }
    let issued = check_times(&claims, now)?;
    let (from, expires) = (claims.needed_seconds("nbf")?, claims.needed_seconds("exp")?);
    if expires.saturating_sub(from.min(issued)) > WINDOW_SECONDS_MAX {
        return Err(TokenFault::TooLong);
    }
    let jti = claims.needed_text("jti")?;
    if jti.len() > TEXT_BYTES_MAX {
        return Err(TokenFault::Shape("jti"));
    }
    if claims.needed_text("sub")? != connection.client_id() {
        return Err(TokenFault::Subject);
    }
    Ok(Asker { issuer: issuer.to_owned(), jti: jti.to_owned() })
}

#[derive(Deserialize)]
struct Body {
    sub_id: Subject,
}

/// Who is meant, in the formats of RFC 9493 that providers send. `Debug` names nobody.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "format", rename_all = "snake_case", deny_unknown_fields)]
pub enum Subject {
    IssSub { iss: String, sub: String },
    Email { email: String },
    Opaque { id: String },
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::IssSub { .. } => "IssSub(..)",
            Self::Email { .. } => "Email(..)",
            Self::Opaque { .. } => "Opaque(..)",
        })
    }
}

/// Why nobody is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SubjectFault {
    #[error("the subject is of no form that is known here")]
    Malformed,
    #[error("the subject is another provider's")]
    Foreign,
    #[error("the subject names nobody in this provider's tokens")]
    Unnamed,
}

/// By what somebody is looked for, on this connection alone. `Debug` says by how much, and names nobody.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Named<'s> {
    /// Issuer and subject, as in tokens of the provider.
    pub identity: Option<(&'s str, &'s str)>,
    /// The id that provider and directory have in common.
    pub external: Option<&'s str>,
    pub email: Option<&'s str>,
}

impl fmt::Debug for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Named")
            .field("identity", &self.identity.is_some())
            .field("external", &self.external.is_some())
            .field("email", &self.email.is_some())
            .finish()
    }
}

impl Subject {
    /// Reads a body. What stands beside `sub_id` is not looked at: it takes nobody's logout back.
    ///
    /// # Errors
    /// It is no JSON text, of another format, or longer than a name can be.
    pub fn parse(body: &str) -> Result<Self, SubjectFault> {
        let json = caller::json::parse(body).map_err(|_| SubjectFault::Malformed)?;
        let Body { sub_id } = serde_json::from_value(json).map_err(|_| SubjectFault::Malformed)?;
        let named =
            |text: &str, most: usize| (1..=most).contains(&text.len()) && !text.chars().any(char::is_control);
        let sound = match &sub_id {
            Self::IssSub { iss, sub } => !iss.is_empty() && named(sub, TEXT_BYTES_MAX),
            Self::Email { email } => named(email, EMAIL_BYTES_MAX) && email.contains('@'),
            Self::Opaque { id } => named(id, TEXT_BYTES_MAX),
        };
        if sound { Ok(sub_id) } else { Err(SubjectFault::Malformed) }
    }

    /// By what to look. A provider speaks for its own people: another's subject is none of its business.
    ///
    /// # Errors
    /// It cannot be anybody of this connection.
    pub fn named<'s>(&'s self, connection: &'s Connection) -> Result<Named<'s>, SubjectFault> {
        let preset = connection.preset();
        let (by_sub, shared) = (preset.identity == ["sub"], preset.external_id == "sub");
        match self {
            Self::IssSub { iss, .. } if !connection.is_issuer(iss) => Err(SubjectFault::Foreign),
            Self::IssSub { .. } if !by_sub => Err(SubjectFault::Unnamed),
            Self::IssSub { iss, sub } => {
                let external = shared.then_some(sub.as_str());
                Ok(Named { identity: Some((iss, sub)), external, email: None })
            }
            Self::Opaque { id } => {
                let identity = by_sub.then_some((connection.issuer(), id.as_str()));
                Ok(Named { identity, external: Some(id), email: None })
            }
            Self::Email { email } => Ok(Named { email: Some(email), ..Named::default() }),
        }
    }
}

#[cfg(test)]
mod tests;
