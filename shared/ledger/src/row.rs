//! Rows for SQL: what the ledger's records look like to Athena. Made of leaves alone, so that they can be made again, and
//! compared.

use std::collections::BTreeMap;

use domain::{AuditRecord, DataClass, RecordError, TenantId};
use serde_json::{Map, Value};

use crate::Entry;

/// Columns that stand in the object's name instead of the row.
const PARTITION: &str = "tenant_id";

/// Columns of the ledger's own, after those of the record, with the class of what they hold.
pub const LEDGER_COLUMNS: [(&str, DataClass); 10] = [
    ("seq", DataClass::Count),
    ("agent_seq", DataClass::Count),
    ("agent_prev", DataClass::Commitment),
    ("logged_at", DataClass::Time),
    ("producer", DataClass::Identifier),
    ("n", DataClass::Count),
    ("prev", DataClass::Commitment),
    ("code_sha256", DataClass::Commitment),
    ("producer_sig", DataClass::Commitment),
    ("producer_cert", DataClass::Commitment),
];

/// Every column of a row, in the table's order; the tenant is the partition.
pub fn columns() -> impl Iterator<Item = &'static str> {
    let all = AuditRecord::FIELDS.iter().chain(&LEDGER_COLUMNS).map(|(name, _)| *name);
    all.filter(|name| *name != PARTITION)
}

/// One line of JSON with every column: `null` where there is nothing, JSON text where there is a structure, and times as
/// Athena reads a `timestamp`.
///
/// # Errors
/// A record that has no JSON form.
pub fn row(entry: &Entry) -> Result<String, RecordError> {
    let mut fields = entry.to_fields()?;
    for (name, at) in [("created_at", entry.signed.record.created_at), ("logged_at", entry.place.logged_at)] {
        fields.insert(name.to_owned(), at.sql().into());
    }
    let row: Map<_, _> = columns().map(|name| (name.to_owned(), flat(fields.remove(name)))).collect();
    Ok(Value::Object(row).to_string() + "\n")
}

fn flat(value: Option<Value>) -> Value {
    match value {
        None => Value::Null,
        Some(structure @ (Value::Object(_) | Value::Array(_))) => structure.to_string().into(),
        Some(plain) => plain,
    }
}

/// Where the rows of a tenant's day lie in the derived bucket.
pub fn partition(tenant: &TenantId, day: &str) -> String {
    format!("task_timeline/tenant_id={tenant}/dt={day}/")
}

/// The row files of one commit, or of any run of entries: one per day, named by the first leaf's number. The same entries
/// give the same files.
///
/// # Errors
/// A record that has no JSON form.
pub fn files(tenant: &TenantId, entries: &[Entry]) -> Result<Vec<(String, String)>, RecordError> {
    let mut days: BTreeMap<String, (u64, String)> = BTreeMap::new();
    for entry in entries {
        let day = days.entry(entry.signed.record.created_at.date());
        let (_, rows) = day.or_insert_with(|| (entry.place.seq, String::new()));
        rows.push_str(&row(entry)?);
    }
    let file = |(day, (first, rows)): (String, (u64, String))| {
        (format!("{}{first:020}.json", partition(tenant, &day)), rows)
    };
    Ok(days.into_iter().map(file).collect())
}
