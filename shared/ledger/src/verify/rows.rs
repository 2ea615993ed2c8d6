//! Rows for SQL: made again from the ledger, and compared byte by byte, through their hashes.

use std::collections::HashMap;

use domain::TenantId;

use super::{Class, Evidence, Report};
use crate::{Entry, Hash, row};

/// The rows that a log's records have, and the number of each.
#[derive(Default)]
pub(crate) struct Rows(HashMap<Hash, u64>);

impl Rows {
    pub fn take(&mut self, entry: &Entry) {
        let row = row::row(entry).unwrap_or_default();
        self.0.insert(Hash::of(row.trim_end().as_bytes()), entry.place.seq);
    }

    /// `signed`: how many leaves a checkpoint covers. A head moves, and is signed, after its rows are written; what is
    /// behind it may have none yet.
    pub fn finish(mut self, tenant: &TenantId, signed: u64, evidence: &Evidence<'_>, report: &mut Report) {
        let Some(rows) = evidence.rows else { return };
        let place = format!("rows of {tenant}");
        rows(tenant, &mut |line| {
            report.rows += 1;
            if self.0.remove(&Hash::of(line.as_bytes())).is_none() {
                let says = format!("row {} is not the ledger's, or there twice", report.rows);
                report.add(Class::RowDiffers, &place, says);
            }
        });
        for seq in self.0.values() {
            if *seq >= signed {
                report.in_flight += 1;
            } else {
                report.add(Class::RowMissing, &place, format!("of leaf {seq}"));
            }
        }
    }
}
