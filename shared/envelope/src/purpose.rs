//! What a root secret is for. A function's role may use only its own purposes.

use std::fmt;
use std::str::FromStr;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// Provider credentials.
    Credential,
    /// Personal fields of audit records, and commitments of bodies.
    Audit,
    /// Values of tokens that outlive one request.
    Token,
    /// Identifiers that leave as keyed digests.
    Pseudonym,
    /// Secrets of connections to identity providers.
    Sso,
    /// What directories tell of people.
    Scim,
    /// Keys by which directories are asked.
    Directory,
    /// Arguments of actions that wait for people, and where people are told of them.
    Action,
}

impl Purpose {
    pub const ALL: [Self; 8] = [
        Self::Credential,
        Self::Audit,
        Self::Token,
        Self::Pseudonym,
        Self::Sso,
        Self::Scim,
        Self::Directory,
        Self::Action,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Credential => "cred",
            Self::Audit => "audit",
            Self::Token => "token",
            Self::Pseudonym => "pseudonym",
            Self::Sso => "sso",
            Self::Scim => "scim",
            Self::Directory => "directory",
            Self::Action => "action",
        }
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that names no purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a purpose: use cred, audit, token, pseudonym, sso, scim, directory or action")]
pub struct UnknownPurpose;

impl FromStr for Purpose {
    type Err = UnknownPurpose;

    fn from_str(text: &str) -> Result<Self, UnknownPurpose> {
        Self::ALL.into_iter().find(|purpose| purpose.as_str() == text).ok_or(UnknownPurpose)
    }
}
