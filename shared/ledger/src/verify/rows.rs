//! Rows for SQL: made again from the ledger, and compared byte by byte.

use std::collections::BTreeMap;

use domain::TenantId;

use super::{Class, Evidence, Report};
use crate::{Entry, row};

/// `signed`: how many leaves a checkpoint covers. A head moves, and is signed, after its rows are written; what is behind it
/// may have none yet.
pub(crate) fn check(
    tenant: &TenantId,
    entries: &[Entry],
    signed: u64,
    evidence: &Evidence<'_>,
    report: &mut Report,
) {
    let Some(rows) = evidence.rows else { return };
    let place = format!("rows of {tenant}");
    let mut wanted: BTreeMap<String, u64> = BTreeMap::new();
    for entry in entries {
        wanted.insert(row::row(entry).unwrap_or_default(), entry.place.seq);
    }
    for line in rows(tenant) {
        report.rows += 1;
        if wanted.remove(&(line.clone() + "\n")).is_none() {
            let start: String = line.chars().skip_while(|c| *c != ':').skip(1).take(24).collect();
            report.add(
                Class::RowDiffers,
                &place,
                format!("a row that is not the ledger's, or twice: v {start}…"),
            );
        }
    }
    for seq in wanted.values() {
        if *seq >= signed {
            report.in_flight += 1;
            continue;
        }
        report.add(Class::RowMissing, &place, format!("of leaf {seq}"));
    }
}
