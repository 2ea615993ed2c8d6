//! Kill switches: rows that stop everything below them, from the platform down to one agent.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use crate::event::{NotInCatalogue, catalogue};
use crate::id::text_serde;
use crate::{Code, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

catalogue! {
    /// What a switch stops.
    KillScope {
        /// Whatever a gateway key can ask for.
        All = "all",
        /// Calls of models.
        Llm = "llm",
        /// Actions of agents: permits and their consumption.
        Actions = "actions",
        /// Making gateway keys.
        NewKeys = "new_keys",
    }
}

catalogue! {
    /// Where a switch stands: it stops whatever is below.
    KillLevel {
        Platform = "platform",
        Org = "org",
        Tenant = "tenant",
        Agent = "agent",
    }
}

/// A switch as its row holds it. The row is always there, whether or not anything is stopped: an absent one refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KillRow {
    /// One more with every write: a recovery names the version that its operator saw.
    pub version: u64,
    /// What is stopped; nothing if empty.
    pub stopped: BTreeSet<KillScope>,
    /// Who wrote it last, why and when; absent in a row that nobody has switched yet.
    pub last: Option<KillWrite>,
    /// Everybody who has stopped something here since the last recovery, and the person who answers for each program that has:
    /// none of them recovers it.
    pub stoppers: BTreeSet<Code>,
    /// More have than are told apart: then the role `operator` alone recovers it.
    pub crowded: bool,
}

/// The last write of a switch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KillWrite {
    /// `operator`, or the id of a person.
    pub by: Code,
    pub reason: Code,
    pub at: Timestamp,
}

impl KillRow {
    /// How many who stopped are told apart.
    pub const STOPPERS: usize = 64;

    /// A switch that stops nothing.
    pub const fn new() -> Self {
        Self { version: 1, stopped: BTreeSet::new(), last: None, stoppers: BTreeSet::new(), crowded: false }
    }

    /// Whether `scope` is stopped.
    pub fn stops(&self, scope: KillScope) -> bool {
        self.stopped.contains(&KillScope::All) || self.stopped.contains(&scope)
    }
}

impl Default for KillRow {
    fn default() -> Self {
        Self::new()
    }
}
