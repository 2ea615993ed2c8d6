//! Verification: believes the keys and the checkpoint that it is given, and nothing that an export says.
//!
//! Every check looks at what others may have let pass, so one fault often shows in several classes. They are ordered:
//! the first is the nearest to the cause, and gives the exit code.

mod class;
mod listing;
mod log;
mod pairs;
mod producers;
mod region;
mod rows;
mod trust;

use std::collections::BTreeMap;

use domain::{TenantId, Timestamp};

pub use class::Class;
pub use listing::Version;
pub use region::Shown;
pub use trust::{Trust, TrustError};

use crate::Heads;

/// How many findings of one class and place are told one by one.
const TOLD_MAX: usize = 20;

/// Hands over each line of all row files of a tenant, without its end.
pub type RowsOf<'a> = dyn Fn(&TenantId, &mut dyn FnMut(&str)) + 'a;

/// What is verified, beside the objects themselves.
pub struct Evidence<'a> {
    /// Every version of every locked object, in the order of their names.
    pub versions: &'a [Version],
    /// The bytes of a locked object.
    pub read: &'a dyn Fn(&str) -> Option<Vec<u8>>,
    pub region: RegionEvidence,
    /// Whose log this is; absent when it is every tenant's.
    pub tenant: Option<TenantId>,
    /// Rows for SQL, by tenant: each line of each file. `None` when they are not part of the export.
    pub rows: Option<&'a RowsOf<'a>>,
    /// Settled calls by tenant and day, from the gates: what the ledger must have at least.
    pub admitted: BTreeMap<TenantId, BTreeMap<String, u64>>,
    /// A checkpoint that the auditor had before.
    pub pinned: Option<String>,
    /// When the evidence was taken.
    pub as_of: Timestamp,
}

/// The region log: whole, or what shows one tenant's head in it.
#[derive(Debug, Clone)]
pub enum RegionEvidence {
    /// Its objects are among the locked ones.
    Whole,
    Shown(Box<Shown>),
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Finding {
    pub class: Class,
    /// Which log, object or producer.
    pub place: String,
    pub says: String,
}

/// What was looked at, and what was found.
#[derive(Debug, Default, serde::Serialize)]
pub struct Report {
    pub findings: Vec<Finding>,
    /// Findings beyond the first 20 of a class and place.
    pub untold: u64,
    pub objects: u64,
    pub tenants: u64,
    pub bundles: u64,
    pub records: u64,
    pub producers: u64,
    pub intervals: u64,
    pub rows: u64,
    /// Records whose producer's earlier ones may still be on their way, and attempts that may still end.
    pub in_flight: u64,
    pub checkpoint: Option<String>,
    #[serde(skip)]
    told: BTreeMap<(Class, String), usize>,
    /// Which check made each finding: so that tests can tell which checks are needed.
    #[cfg(test)]
    #[serde(skip)]
    sites: Vec<(Class, &'static str, u32)>,
}

impl Report {
    /// Adds a finding: for checks that are made elsewhere, such as the manifest's.
    #[cfg_attr(test, track_caller)]
    pub fn add(&mut self, class: Class, place: impl Into<String>, says: impl Into<String>) {
        #[cfg(test)]
        {
            let site = std::panic::Location::caller();
            self.sites.push((class, site.file(), site.line()));
        }
        let place = place.into();
        let told = self.told.entry((class, place.clone())).or_default();
        *told += 1;
        if *told > TOLD_MAX {
            self.untold += 1;
        } else {
            self.findings.push(Finding { class, place, says: says.into() });
        }
    }

    /// The class nearest to the cause; `None` when everything holds.
    pub fn first(&self) -> Option<Class> {
        self.findings.iter().map(|one| one.class).min()
    }

    /// 0 when everything holds.
    pub fn exit_code(&self) -> u8 {
        self.first().map_or(0, Class::code)
    }
}

/// Verifies everything. `progress` is told how many records of how many leaves are read.
pub fn verify(evidence: &Evidence<'_>, trust: &Trust, progress: &mut dyn FnMut(u64, u64)) -> Report {
    let mut report = Report::default();
    let named = listing::check(evidence, trust, &mut report);
    let signed = match &evidence.region {
        RegionEvidence::Whole => region::whole(evidence, trust, &named, &mut report),
        RegionEvidence::Shown(shown) => region::shown(shown, evidence, trust, &named, &mut report),
    };
    let all: u64 = signed.newest.iter().map(|head| head.size).sum();
    let mut read = 0;
    for tenant in tenants(&named, &signed.newest) {
        report.tenants += 1;
        log::check(&tenant, &named, evidence, trust, &signed, &mut report, &mut |leaves| {
            read += leaves;
            progress(read, all.max(read));
        });
    }
    report.findings.sort();
    report
}

/// Those with objects, and those with a signed head.
fn tenants(named: &listing::Named, newest: &Heads) -> std::collections::BTreeSet<TenantId> {
    named.tenants.keys().cloned().chain(newest.iter().map(|head| head.tenant_id)).collect()
}

impl std::fmt::Debug for Evidence<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Evidence").field("objects", &self.versions.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
