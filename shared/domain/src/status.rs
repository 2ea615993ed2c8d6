//! How the platform is in a region: what checks found, for how long that holds, and what is known of earlier days.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::event::{NotInCatalogue, catalogue};
use crate::id::text_serde;
use crate::{Code, Name, Region, SealedBytes, Timestamp};

catalogue! {
    /// What a check found.
    Verdict {
        Up = "up",
        Down = "down",
    }
}

/// How something is at a moment. What nobody has looked at for too long is never taken to be well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    Up,
    Unknown,
    Down,
}

/// What is checked. Endpoints of providers are checked beside these, by their names.
pub mod check {
    /// The canary's call was served, or refused for a reason that is its provider's.
    pub const GATEWAY: &str = "gateway";
    /// What the canary planted in its call was taken out.
    pub const DLP: &str = "dlp";
    /// The canary's record can be read.
    pub const AUDIT: &str = "audit";
    /// The region log was signed a short while ago.
    pub const CHECKPOINT: &str = "checkpoint";
    /// What waits in the queues.
    pub const QUEUES: &str = "queues";
    /// What was set aside.
    pub const DEAD_LETTERS: &str = "dead-letters";
    /// Keys of the region are enabled, and none is to be deleted.
    pub const KEYS: &str = "keys";
    /// Tables are active and backed up.
    pub const TABLES: &str = "tables";
    /// The ledger's bucket is locked.
    pub const LOCK: &str = "lock";
    /// Keys and certificates that we show to others do not end soon.
    pub const EXPIRY: &str = "expiry";
    /// Drills were held.
    pub const DRILLS: &str = "drills";

    pub const ALL: [&str; 11] =
        [GATEWAY, DLP, AUDIT, CHECKPOINT, QUEUES, DEAD_LETTERS, KEYS, TABLES, LOCK, EXPIRY, DRILLS];

    /// What the name of an endpoint's check begins with.
    pub const ENDPOINT: &str = "endpoint/";
}

/// The last word of a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckStatus {
    pub name: Name,
    pub verdict: Verdict,
    pub reason: Code,
    /// Since when it says the same.
    pub since: Timestamp,
    pub at: Timestamp,
    /// From then on nobody knows.
    pub expires_at: Timestamp,
    /// How long the check took.
    pub millis: u64,
    pub availability: Vec<Availability>,
    /// By day, the oldest first and today last.
    pub days: Vec<Share>,
}

impl CheckStatus {
    pub fn standing(&self, now: Timestamp) -> Standing {
        match self.verdict {
            _ if now >= self.expires_at => Standing::Unknown,
            Verdict::Up => Standing::Up,
            Verdict::Down => Standing::Down,
        }
    }
}

/// How a check was over the last so many days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Availability {
    pub days: u16,
    pub share: Share,
}

/// How much of a time was up, down and unknown, in pieces of the same length.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    pub up: u32,
    pub down: u32,
    pub unknown: u32,
}

impl Share {
    #[must_use]
    pub const fn with(self, standing: Standing) -> Self {
        match standing {
            Standing::Up => Self { up: self.up.saturating_add(1), ..self },
            Standing::Down => Self { down: self.down.saturating_add(1), ..self },
            Standing::Unknown => Self { unknown: self.unknown.saturating_add(1), ..self },
        }
    }

    pub const fn known(self) -> u32 {
        self.up.saturating_add(self.down)
    }

    pub const fn all(self) -> u32 {
        self.known().saturating_add(self.unknown)
    }

    /// Hundredths of a percent of the known time, rounded down: 100 % is said of nothing less. `None`: nothing is known.
    pub fn availability(self) -> Option<u32> {
        part(self.up, self.known())
    }

    /// Hundredths of a percent of the whole that nobody knows of, rounded down.
    pub fn unknown_share(self) -> Option<u32> {
        part(self.unknown, self.all())
    }
}

fn part(of: u32, whole: u32) -> Option<u32> {
    let hundredths = u64::from(of).checked_mul(10_000)?.checked_div(u64::from(whole))?;
    u32::try_from(hundredths).ok()
}

/// The status of a region, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusDocument {
    pub v: u8,
    pub region: Region,
    /// When the run began whose word this is.
    pub began_at: Timestamp,
    pub at: Timestamp,
    pub checks: Vec<CheckStatus>,
}

/// The version of [`StatusDocument`] that is written here.
pub const STATUS_VERSION: u8 = 1;

impl StatusDocument {
    /// As it is kept; empty if it cannot be written, which does not read.
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// `None`: another version's, or none at all.
    pub fn from_text(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok().filter(|document: &Self| document.v == STATUS_VERSION)
    }

    pub fn check(&self, name: &str) -> Option<&CheckStatus> {
        self.checks.iter().find(|check| check.name.as_str() == name)
    }
}

/// What the canary needs: a gateway key of its own, sealed, and the model that it asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CanaryRow {
    pub key: SealedBytes,
    pub model: Name,
    /// When the key ends, if it does.
    pub expires_at: Option<Timestamp>,
}

catalogue! {
    /// What is rehearsed.
    DrillKind {
        /// The kill switch: activation and recovery.
        Kill = "kill",
        /// A provider is away: calls go to the next.
        Provider = "provider",
        /// The writer of the ledger is away: what waits is written afterwards, and nothing is lost.
        Writer = "writer",
        /// A table comes back from its backup.
        Restore = "restore",
    }
}

/// The last rehearsal of a kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DrillRow {
    pub kind: DrillKind,
    pub at: Timestamp,
    pub passed: bool,
    pub millis: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_counts_for_nothing_and_is_told() {
        let share = |up, down, unknown| Share { up, down, unknown };
        for (of, available, unknown) in [
            (share(288, 0, 0), Some(10_000), Some(0)),
            (share(287, 1, 0), Some(9_965), Some(0)),
            (share(19_999, 1, 0), Some(9_999), Some(0)),
            (share(144, 0, 144), Some(10_000), Some(5_000)),
            (share(0, 0, 288), None, Some(10_000)),
            (share(0, 0, 0), None, None),
        ] {
            assert_eq!((of.availability(), of.unknown_share()), (available, unknown), "{of:?}");
        }
        let three = Share::default().with(Standing::Up).with(Standing::Down).with(Standing::Unknown);
        assert_eq!((three, three.known(), three.all()), (share(1, 1, 1), 2, 3));
    }

    #[test]
    fn a_result_holds_until_it_expires_and_not_at_that_moment() {
        let at = |millis| Timestamp::from_unix_millis(millis).unwrap();
        let check = CheckStatus {
            name: "gateway".parse().unwrap(),
            verdict: Verdict::Up,
            reason: Code::literal("answered"),
            since: at(0),
            at: at(0),
            expires_at: at(660_000),
            millis: 5,
            availability: Vec::new(),
            days: Vec::new(),
        };
        assert_eq!(check.standing(at(659_999)), Standing::Up);
        assert_eq!(check.standing(at(660_000)), Standing::Unknown);
        let down = CheckStatus { verdict: Verdict::Down, ..check };
        assert_eq!((down.standing(at(1)), down.standing(at(660_000))), (Standing::Down, Standing::Unknown));
        assert!(check::ALL.iter().all(|name| name.parse::<Name>().is_ok()));
    }
}
