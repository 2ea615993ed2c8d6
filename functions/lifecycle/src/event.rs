//! The edge: what the clock asks for, or messages from the lifecycle queue.

use aws::{BatchEvent, BatchResponse};
use serde::{Deserialize, Serialize};

/// What the function is invoked with.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Event {
    /// Of people who have left.
    Messages(BatchEvent),
    Clock(Clock),
}

/// What the clock asks for: one object with one name in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Clock {
    /// Hourly: the newest checkpoint, to where nobody of this account can take it back.
    DeliverCheckpoint {},
    /// Daily: one file of rows for each tenant's finished day.
    Compact {},
    /// Every five minutes: holds that nobody will settle any more, and meters of periods that are over.
    SweepHolds {},
    /// Every five minutes: people who have left, and of whom no message came, or came too early to see everything.
    SweepOffboardings {},
}

/// What is answered.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Answer {
    Messages(BatchResponse),
    Clock(Done),
}

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Done {
    pub delivered: u64,
    pub compacted: u64,
    /// Holds that were settled in full because their call never ended.
    pub orphans: u64,
    /// Meters of periods that are over.
    pub forgotten: u64,
    /// People who have left, and what of theirs was gone through.
    pub offboarded: u64,
}

#[cfg(test)]
mod tests;
