//! Machines that sign in by their platform's token: no secret of ours is stored there. A CI job, a pod, a build.

use std::fmt;
use std::str::FromStr;

use domain::Timestamp;
use egress::{Reach, Target, TargetError};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::id_token::{check_times, seconds};
use super::jwks::Jwks;
use super::jws::{TokenFault, Typ, Unverified};
use super::secret::Secret;

const SUBJECT_BYTES_MAX: usize = 512;
const AUDIENCE_BYTES_MAX: usize = 256;
/// Longest lifetime of a platform's token. GitLab's last as long as the job may.
const LIFETIME_SECONDS_MAX: u64 = 24 * 60 * 60;

/// Which subjects of an issuer are meant: one, or all below a prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectPattern {
    text: String,
    prefix: bool,
}

/// Why a pattern is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    #[error("subject: 1 to 512 printable characters without spaces")]
    Text,
    #[error("subject: `*` stands at the end alone, once")]
    Star,
    #[error(
        "subject: before `*` stand at least two of `:` and `/`, the last character is one of them: `repo:acme/*`"
    )]
    Wide,
}

impl FromStr for SubjectPattern {
    type Err = PatternError;

    /// A prefix ends where a name ends and names an owner: `repo:acme/app*` would mean `acme/app-of-somebody` too,
    /// and `repo:*` everybody.
    fn from_str(text: &str) -> Result<Self, PatternError> {
        let plain = text.bytes().all(|byte| byte.is_ascii_graphic());
        if !plain || !(1..=SUBJECT_BYTES_MAX).contains(&text.len()) {
            return Err(PatternError::Text);
        }
        let (text, prefix) = text.strip_suffix('*').map_or((text, false), |before| (before, true));
        if text.contains('*') {
            return Err(PatternError::Star);
        }
        let parts: Vec<&str> = text.split([':', '/']).collect();
        let owned = matches!(parts.as_slice(), [named @ .., ""] if named.len() >= 2 && named.iter().all(|part| !part.is_empty()));
        if prefix && !owned { Err(PatternError::Wide) } else { Ok(Self { text: text.to_owned(), prefix }) }
    }
}

impl SubjectPattern {
    pub fn takes(&self, subject: &str) -> bool {
        if self.prefix {
            subject.strip_prefix(&self.text).is_some_and(|rest| !rest.is_empty())
        } else {
            subject == self.text
        }
    }
}

impl fmt::Display for SubjectPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.text, if self.prefix { "*" } else { "" })
    }
}

impl Serialize for SubjectPattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SubjectPattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Whom a machine principal trusts: configured, and bound to roles by the caller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Federation {
    /// Exactly as the tokens spell it; discovery is below it.
    pub issuer: String,
    /// What the job asks its token for. One that no other service uses.
    pub audience: String,
    pub subject: SubjectPattern,
}

/// Why a federation is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FederationError {
    #[error("issuer: {0}")]
    Issuer(TargetError),
    #[error("audience: 1 to 256 printable characters without spaces")]
    Audience,
}

impl Federation {
    /// # Errors
    /// The first rule that it breaks.
    pub fn check(&self, reach: Reach) -> Result<(), FederationError> {
        Target::parse(&self.issuer, reach).map_err(FederationError::Issuer)?;
        let plain = self.audience.bytes().all(|byte| byte.is_ascii_graphic());
        let sound = plain && (1..=AUDIENCE_BYTES_MAX).contains(&self.audience.len());
        if sound { Ok(()) } else { Err(FederationError::Audience) }
    }
}

/// A machine that proved what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workload {
    pub issuer: String,
    pub subject: String,
    /// Not kept: platforms hand one token to all steps of a job.
    pub jti: Option<String>,
    /// What is begun by the token ends then.
    pub expires: Timestamp,
}

/// Believes a platform's token under one federation. Which federations to try, [`Unverified::issuer`] says.
///
/// # Errors
/// The first rule that the token breaks.
pub fn verify(
    token: &Secret,
    federation: &Federation,
    keys: &Jwks,
    now: Timestamp,
) -> Result<Workload, TokenFault> {
    let (claims, _) = Unverified::parse(token.expose(), Typ::Plain)?.verify(keys)?;
    let issuer = claims.needed_text("iss")?;
    if issuer != federation.issuer {
        return Err(TokenFault::Issuer);
    }
    // For us alone: a token that others may show too is none.
    if claims.texts("aud")? != [federation.audience.as_str()] {
        return Err(TokenFault::Audience);
    }
    let issued = check_times(&claims, now)?;
    let expires = claims.needed_seconds("exp")?;
    if expires.saturating_sub(issued) > LIFETIME_SECONDS_MAX
        || seconds(now).saturating_sub(issued) > LIFETIME_SECONDS_MAX
    {
        return Err(TokenFault::TooLong);
    }
    let subject = claims.needed_text("sub")?;
    if !federation.subject.takes(subject) {
        return Err(TokenFault::Subject);
    }
    let expires = i64::try_from(expires * 1_000).ok().and_then(|at| Timestamp::from_unix_millis(at).ok());
    Ok(Workload {
        issuer: issuer.to_owned(),
        subject: subject.to_owned(),
        jti: claims.text("jti")?.map(str::to_owned),
        expires: expires.ok_or(TokenFault::Shape("exp"))?,
    })
}

#[cfg(test)]
mod tests;
