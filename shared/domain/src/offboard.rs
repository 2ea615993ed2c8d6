//! Somebody has left: what is told to whoever deals with what they held, and what becomes of it. Pure.
//!
//! ```text
//! {"v":1,"kind":"offboarded","org":"org_…","user":"usr_…","epoch":8,"at":"2026-11-26T09:00:00.000Z","cause":"admin"}
//! ```
//!
//! They are out by then: every call reads their row. This is what is left to do, however late, however often.

use std::fmt;
use std::str::FromStr;

use crate::event::{NotInCatalogue, catalogue};
use crate::id::text_serde;
use crate::{Agent, KeyRow, KeyState, Lifecycle, OrgId, Owner, RecordError, ScimTokenRow, Timestamp, UserId};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

catalogue! {
    /// How it came that somebody was ended.
    LeaveCause {
        /// An administrator ended them by hand.
        Admin = "admin",
        /// Their directory says that they are not active.
        Directory = "directory",
        /// Their directory has removed them.
        DirectoryRemoved = "directory_removed",
        /// They lost the last group that let them in.
        GroupLost = "group_lost",
    }
}

/// That somebody was ended. Their row says so before this is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offboarding {
    pub org: OrgId,
    pub user: UserId,
    /// The epoch that began with it: what is of an older one is of before.
    pub epoch: u64,
    pub at: Timestamp,
    pub cause: LeaveCause,
}

/// For how long a secret that a leaver saw may be used after they left: seven days.
pub const ROTATE_WITHIN_MS: u64 = 7 * 86_400_000;

/// The version of the message that this code writes.
const VERSION: u8 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Message {
    v: u8,
    kind: Kind,
    org: OrgId,
    user: UserId,
    epoch: u64,
    at: Timestamp,
    cause: LeaveCause,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Offboarded,
}

/// Who was shown a secret, and in which epoch of theirs. A secret is shown once, to whoever made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sight {
    pub user: UserId,
    pub epoch: u64,
}

impl Sight {
    /// Whether it was before somebody left.
    fn is_of(&self, left: &Offboarding) -> bool {
        self.user == left.user && self.epoch < left.epoch
    }
}

/// What a row says of who left, and whether a pass over what they held came to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OffboardingRow {
    pub left: Offboarding,
    pub passed_at: Option<Timestamp>,
}

impl Offboarding {
    /// The message.
    ///
    /// # Errors
    /// A field that has no JSON form; none of today's is such.
    pub fn to_text(&self) -> Result<String, RecordError> {
        let Self { org, user, epoch, at, cause } = self.clone();
        let message = Message { v: VERSION, kind: Kind::Offboarded, org, user, epoch, at, cause };
        serde_json::to_string(&message).map_err(|error| RecordError::from_json(&error))
    }

    /// Reads a message.
    ///
    /// # Errors
    /// Anything but exactly one message of a known version; the error names a place, never a value.
    pub fn from_text(text: &str) -> Result<Self, RecordError> {
        let message: Message = serde_json::from_str(text).map_err(|error| RecordError::from_json(&error))?;
        let Message { v, kind: Kind::Offboarded, org, user, epoch, at, cause } = message;
        if v == VERSION {
            Ok(Self { org, user, epoch, at, cause })
        } else {
            Err(RecordError::Version { found: v })
        }
    }

    /// Until when a secret that they saw may be used. Counted from when they left, however late that is told.
    pub fn rotate_by(&self) -> Timestamp {
        self.at.plus_millis(ROTATE_WITHIN_MS)
    }

    /// A gateway key once they have left: their own of before is revoked, and a secret of the tenant's that they saw ends in
    /// time. `None`: nothing is to be done.
    pub fn end_key(&self, key: &KeyRow, now: Timestamp) -> Option<KeyRow> {
        if matches!(key.state(now), KeyState::Revoked) {
            return None;
        }
        match &key.owner {
            Owner::User { id, epoch } => {
                (*id == self.user && *epoch < self.epoch).then(|| key.clone().revoked(now))
            }
            Owner::Tenant => self.end_secrets(key),
        }
    }

    /// Whether a token of a directory ends with them: they were shown it, and it could reactivate them.
    pub fn ends_token(&self, token: &ScimTokenRow, now: Timestamp) -> bool {
        let theirs = token.created_by == self.user && token.created_epoch < self.epoch;
        theirs && token.org == self.org && token.is_live(now)
    }

    fn end_secrets(&self, key: &KeyRow) -> Option<KeyRow> {
        let (mut ended, by) = (key.clone(), self.rotate_by());
        if key.seen.as_ref().is_some_and(|seen| seen.is_of(self)) {
            ended.rotate_by = Some(key.rotate_by.map_or(by, |earlier| earlier.min(by)));
        }
        // The secret before the last ends by itself, but not later than this one would.
        if let Some(previous) = &mut ended.previous
            && previous.seen.as_ref().is_some_and(|seen| seen.is_of(self))
        {
            previous.until = previous.until.min(by);
        }
        (ended != *key).then_some(ended)
    }

    /// An agent that they answer for: its deputy takes over, if there is one who is in good standing; else it is suspended.
    /// `None`: nothing is to be done.
    pub fn end_agent(&self, agent: &Agent, deputy_is_active: bool) -> Option<Agent> {
        if agent.owner.as_ref() != Some(&self.user) || agent.status == Lifecycle::Deleted {
            return None;
        }
        let deputy = agent.deputy.clone().filter(|deputy| deputy_is_active && *deputy != self.user);
        let suspended = || Agent { status: Lifecycle::Suspended, ..agent.clone() };
        match deputy {
            Some(deputy) => Some(Agent { owner: Some(deputy), deputy: None, ..agent.clone() }),
            None => (agent.status == Lifecycle::Active).then(suspended),
        }
    }
}

#[cfg(test)]
mod tests;
