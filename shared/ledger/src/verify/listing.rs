//! The bucket's own list: one version of each object, locked for long enough, and nothing that has no place.

use std::collections::{BTreeMap, BTreeSet};

use domain::{TenantId, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Class, Evidence, Report, Trust};

/// One version of an object, or a delete marker, as S3 lists it (ListObjectVersions, HeadObject).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    pub name: String,
    pub version_id: String,
    pub delete_marker: bool,
    /// When it was put.
    pub modified: Timestamp,
    /// Until when nobody can delete it, under COMPLIANCE; `None` when it is not so locked.
    pub locked_until: Option<Timestamp>,
}

/// Objects by what they are.
#[derive(Debug, Default)]
pub(crate) struct Named {
    /// The first numbers of each tenant's bundles.
    pub tenants: BTreeMap<TenantId, BTreeSet<u64>>,
    pub intervals: BTreeSet<u64>,
    pub checkpoints: BTreeSet<u64>,
}

const DAY_MS: u64 = 86_400_000;
/// S3 counts retention from its own clock's time of the put.
const SLACK_MS: u64 = 60_000;

pub(crate) fn check(evidence: &Evidence<'_>, trust: &Trust, report: &mut Report) -> Named {
    let (mut named, mut seen) = (Named::default(), BTreeSet::new());
    for one in evidence.versions {
        report.objects += 1;
        let name = one.name.as_str();
        if one.delete_marker {
            report.add(Class::DeleteMarker, name, format!("delete marker {}", one.version_id));
            continue;
        }
        if !seen.insert(name) {
            report.add(Class::SecondVersion, name, format!("version {} beside another", one.version_id));
        }
        let wanted =
            one.modified.plus_millis(trust.retention_days.saturating_mul(DAY_MS).saturating_sub(SLACK_MS));
        match one.locked_until {
            None => report.add(Class::Retention, name, "not locked in COMPLIANCE mode"),
            Some(until) if until < wanted => {
                report.add(Class::Retention, name, format!("locked until {until}, agreed was {wanted}"));
            }
            Some(_) => {}
        }
        if one.modified > evidence.as_of.plus_millis(DAY_MS) {
            report.add(Class::TimeBack, name, format!("put at {}, after it was exported", one.modified));
        }
        let theirs = evidence.tenant.as_ref().is_none_or(|only| name.starts_with(&format!("t/{only}/")));
        if !theirs || named.take(name).is_none() {
            report.add(Class::UnknownObject, name, "has no place in the ledger");
        }
    }
    named
}

impl Named {
    fn take(&mut self, name: &str) -> Option<()> {
        let number = |text: &str| {
            let canonical = text.len() == 20 && text.bytes().all(|byte| byte.is_ascii_digit());
            if canonical { text.parse::<u64>().ok() } else { None }
        };
        if let Some(n) = name.strip_prefix("region/leaf/") {
            self.intervals.insert(number(n)?);
        } else if let Some(n) = name.strip_prefix("region/checkpoint/") {
            self.checkpoints.insert(number(n)?);
        } else {
            let (tenant, n) = name.strip_prefix("t/")?.split_once("/bundle/")?;
            self.tenants.entry(tenant.parse().ok()?).or_default().insert(number(n)?);
        }
        Some(())
    }
}
