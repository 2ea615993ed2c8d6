//! What a decision is made from: the request, its caller, and the rows that were read for it.

use std::collections::HashMap;

use domain::{ChangeRow, KeyId, Opaque, OrgId, Region, SessionRow, Timestamp, UserId};
use policy::admin::{Principal, PrincipalId, Resource};
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::Segment;
use sha2::{Digest as _, Sha256};
use tables::codec::Row;
use tables::{Item, Key, fingerprint};

use crate::decide::channels::Channels;
use crate::decide::connections::FormRules;
use crate::event::Params;
use crate::refusal::{Refused, Why};

/// Items by key, as they were read in one trip.
pub type Rows = HashMap<Key, Item>;

/// Who asks: a person in a session.
#[derive(Debug, Clone)]
pub struct Who {
    pub principal: Principal,
    pub user: UserId,
    pub org: OrgId,
    pub session: SessionRow,
    /// The person who answers: oneself, or for a program whoever its row names.
    pub answers: UserId,
    /// Who made a program, or named whoever answers for it.
    pub set_by: Option<UserId>,
}

impl Who {
    /// The person, if it is one.
    pub const fn person(&self) -> Option<&UserId> {
        match self.principal.id {
            PrincipalId::User(_) => Some(&self.user),
            PrincipalId::Workload(_) => None,
        }
    }
}

/// Fresh random bytes of one request.
#[derive(Clone)]
pub struct Random {
    pub action: [u8; 10],
    pub attempt: [u8; 10],
    pub outcome: [u8; 10],
    /// For the id of what is made, unless an idempotency key says which.
    pub id: [u8; 10],
    /// For a secret that is made.
    pub secret: [u8; 59],
    pub change: [u8; 10],
}

/// Holds what becomes a secret.
impl std::fmt::Debug for Random {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Random(..)")
    }
}

/// One request, as far as an operation sees it.
#[derive(Debug)]
pub struct Ask<'a> {
    pub who: &'a Who,
    pub params: &'a Params,
    /// What the path names, as authorization saw it.
    pub resource: &'a Resource,
    pub body: &'a Value,
    pub rows: &'a Rows,
    pub region: Region,
    pub now: Timestamp,
    pub random: &'a Random,
    pub if_match: Option<&'a str>,
    pub first_only: bool,
    pub idempotency: Option<&'a str>,
    /// The path that was called: a key is for one.
    pub path: &'a str,
    pub forms: FormRules<'a>,
    /// The tenant's channels, opened, where its row was read and reads.
    pub channels: Option<&'a Channels>,
    /// Which change this is, if it was asked for by another and is confirmed now.
    pub confirms: Option<&'a ChangeRow>,
}

impl Ask<'_> {
    /// The body, as a type says.
    ///
    /// # Errors
    /// Names the place, and what is expected there; never what was sent.
    pub fn body<T: DeserializeOwned>(&self) -> Result<T, Refused> {
        read(self.body)
    }

    /// A row, if it is there.
    ///
    /// # Errors
    /// It does not read.
    pub fn find<T: Row>(&self, key: &Key) -> Result<Option<T>, Refused> {
        let read = |item: &Item| T::from_item(item).map_err(|_| Why::FactsUnavailable.into());
        self.rows.get(key).map(read).transpose()
    }

    /// A row that must be there.
    ///
    /// # Errors
    /// It is not, or does not read.
    pub fn must<T: Row>(&self, key: &Key) -> Result<(T, &Item), Refused> {
        let item = self.rows.get(key).ok_or(Why::NotFound)?;
        Ok((T::from_item(item).map_err(|_| Why::FactsUnavailable)?, item))
    }

    /// Whether the row is as the caller saw it, where the caller must say so.
    ///
    /// # Errors
    /// It says nothing, or something else.
    pub fn unchanged(&self, item: Option<&Item>) -> Result<(), Refused> {
        match (item, self.if_match) {
            (None, None) if self.first_only => Ok(()),
            (Some(item), Some(tag)) if fingerprint(item) == tag => Ok(()),
            (_, None) if !self.first_only => Err(Why::PreconditionRequired.into()),
            _ => Err(Why::PreconditionFailed.into()),
        }
    }

    /// Ten bytes for a new id, others for everything else that is made with it. The same caller, operation and idempotency key
    /// give the same id, so that a repetition finds what the first made.
    pub fn new_id(&self, what: &str) -> [u8; 10] {
        let fresh = || hashed(&[b"countersign fresh id", what.as_bytes(), &self.random.id]);
        first(self.repeatable(what).unwrap_or_else(fresh))
    }

    /// The same for a gateway key, whose id is one of another form; `None` without an idempotency key.
    pub fn new_key_id(&self) -> Option<KeyId> {
        let digest = self.repeatable("gateway key")?;
        let characters = digest.iter().take(KeyId::CHARS).map(|byte| char::from(b'a' + byte % 26));
        characters.collect::<String>().parse().ok()
    }

    fn repeatable(&self, what: &str) -> Option<[u8; 32]> {
        self.idempotency.map(|key| repeated(what, self.path, &self.who.user, key))
    }
}

/// Ten bytes that stand for what one caller asked for by one path under one idempotency key.
pub fn repeated_id(what: &str, path: &str, user: &UserId, key: &str) -> [u8; 10] {
    first(repeated(what, path, user, key))
}

fn repeated(what: &str, path: &str, user: &UserId, key: &str) -> [u8; 32] {
    hashed(&["countersign id", what, path, user.as_str(), key].map(str::as_bytes))
}

fn first(digest: [u8; 32]) -> [u8; 10] {
    digest.first_chunk().copied().unwrap_or_default()
}

/// A JSON value as a type says.
///
/// # Errors
/// As [`Ask::body`].
pub fn read<T: DeserializeOwned>(body: &Value) -> Result<T, Refused> {
    serde_path_to_error::deserialize(body).map_err(|error| {
        let pointer: String = error.path().iter().map(pointed).collect();
        Refused::at(Why::InvalidField, pointer, expected(&error.inner().to_string()))
    })
}

/// One step of a JSON pointer (RFC 6901).
fn pointed(part: &Segment) -> String {
    match part {
        Segment::Seq { index } => format!("/{index}"),
        other => format!("/{other}"),
    }
}

/// The part of a message that says what is expected: before it stands what was sent.
fn expected(message: &str) -> String {
    let message = message.split(" at line ").next().unwrap_or_default();
    match message.find("expected ") {
        Some(at) => message.get(at..).unwrap_or_default().to_owned(),
        None if message.starts_with("invalid ") || message.starts_with("unknown ") => {
            "another value".to_owned()
        }
        None => message.to_owned(),
    }
}

/// A digest under which something is kept that must not be read there.
pub fn digest(parts: &[&str]) -> Opaque {
    Opaque::of(parts)
}

fn hashed(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_says_what_is_expected_and_never_what_was_sent() {
        for (message, told) in [
            ("invalid type: string \"secret\", expected u64 at line 1 column 7", "expected u64"),
            ("unknown field `secret`, expected `name` or `team`", "expected `name` or `team`"),
            ("unknown variant `secret`, expected one of `a`, `b`", "expected one of `a`, `b`"),
            ("invalid value: string \"secret\"", "another value"),
            ("missing field `name`", "missing field `name`"),
            ("not a name: use 1 to 128 characters", "not a name: use 1 to 128 characters"),
        ] {
            assert_eq!(expected(message), told);
        }
    }
}
