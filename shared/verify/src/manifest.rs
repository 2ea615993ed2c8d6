//! The manifest: what an export is of, and the hash of each of its files.

use std::collections::BTreeMap;

use domain::{Region, TenantId, Timestamp};
use ledger::Hash;
use serde::{Deserialize, Serialize};

/// `manifest.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    pub v: u8,
    pub region: Region,
    /// Absent when it is of every tenant.
    pub tenant: Option<TenantId>,
    pub exported_at: Timestamp,
    pub period: Option<Period>,
    /// The question that the rows of the period answer.
    pub query: Option<String>,
    /// How many records there are, and how many of them in the period.
    pub records: u64,
    pub records_in_period: u64,
    /// Outcomes of agents' calls, and calls that the gates settled: the ledger must have at least as many.
    pub outcomes: u64,
    pub settled: u64,
    /// Producers, and the sum of their last numbers: as many records must be there.
    pub producers: u64,
    pub numbered: u64,
    /// SHA-256 of each file but this one, by its path.
    pub files: BTreeMap<String, Hash>,
}

/// From a time to a time, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Period {
    pub from: Timestamp,
    pub to: Timestamp,
}

pub const MANIFEST_VERSION: u8 = 1;
