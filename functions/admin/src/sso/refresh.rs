//! When a provider's documents are fetched anew: often enough for its rotations, and never as often as a stranger likes.
//!
//! Times are kept per connection by each instance, beside the last good set: the bound holds for each of them, and the
//! function's concurrency bounds how many there are.

use domain::Timestamp;
use serde::{Deserialize, Serialize};

const MINUTE: u64 = 60 * 1_000;
/// A set is fetched anew after this.
pub const FRESH_MILLIS: u64 = 60 * MINUTE;
/// A set that could not be fetched anew is used for so long.
pub const USABLE_MILLIS: u64 = 24 * 60 * MINUTE;
/// A `kid` that is not in the set causes a fetch this long after the last one, whoever made up the `kid`.
pub const UNKNOWN_KID_MILLIS: u64 = 5 * MINUTE;
/// After a failure, the next attempt.
pub const RETRY_MILLIS: u64 = MINUTE / 2;

/// The times of one issuer's set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Times {
    /// The last attempt, whatever became of it.
    pub tried_at: Option<Timestamp>,
    /// The last that gave a good set: the one that is kept.
    pub fetched_at: Option<Timestamp>,
}

/// What is wanted of the set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// A key that the kept set has, or no particular one.
    Held,
    /// A key that the kept set does not have.
    UnknownKid,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refresh {
    /// The kept set does.
    Use,
    /// Fetch. What to do when that fails: use the kept set, or refuse.
    Fetch { else_use: bool },
    /// Neither is there a set that does, nor may one be fetched now.
    Refuse,
}

impl Times {
    #[must_use]
    pub const fn tried(self, now: Timestamp) -> Self {
        Self { tried_at: Some(now), fetched_at: self.fetched_at }
    }

    #[must_use]
    pub const fn fetched(self, now: Timestamp) -> Self {
        Self { tried_at: Some(now), fetched_at: Some(now) }
    }

    pub fn decide(self, wanted: Wanted, now: Timestamp) -> Refresh {
        let within = |at: Option<Timestamp>, millis: u64| at.is_some_and(|at| now.millis_since(at) < millis);
        let (fresh, usable) = (within(self.fetched_at, FRESH_MILLIS), within(self.fetched_at, USABLE_MILLIS));
        let failed = self.tried_at != self.fetched_at;
        let rest = if wanted == Wanted::UnknownKid && usable {
            UNKNOWN_KID_MILLIS
        } else if failed {
            RETRY_MILLIS
        } else {
            0
        };
        match wanted {
            Wanted::Held if fresh => Refresh::Use,
            _ if !within(self.tried_at, rest) => {
                Refresh::Fetch { else_use: usable && wanted == Wanted::Held }
            }
            Wanted::Held if usable => Refresh::Use,
            _ => Refresh::Refuse,
        }
    }
}

#[cfg(test)]
mod tests;
