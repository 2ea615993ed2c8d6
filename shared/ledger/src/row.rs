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

/// The rows of a run of entries: by day, its first and last number and its lines.
type Days = BTreeMap<String, (u64, u64, String)>;

fn days(entries: &[Entry]) -> Result<Days, RecordError> {
    let mut days = Days::new();
    for entry in entries {
        let seq = entry.place.seq;
        let day = days.entry(entry.signed.record.created_at.date()).or_insert((seq, seq, String::new()));
        day.1 = seq;
        day.2.push_str(&row(entry)?);
    }
    Ok(days)
}

/// The row files of one commit: one per day, named by the first leaf's number. The same entries give the same files.
///
/// # Errors
/// A record that has no JSON form.
pub fn files(tenant: &TenantId, entries: &[Entry]) -> Result<Vec<(String, String)>, RecordError> {
    let file = |(day, (first, _, rows)): (String, (u64, u64, String))| {
        (format!("{}{first:020}.json", partition(tenant, &day)), rows)
    };
    Ok(days(entries)?.into_iter().map(file).collect())
}

/// The row files of a whole log: one per day, under the names of merged ones.
///
/// # Errors
/// A record that has no JSON form.
pub fn merged_files(tenant: &TenantId, entries: &[Entry]) -> Result<Vec<(String, String)>, RecordError> {
    let file = |(day, (first, last, rows)): (String, (u64, u64, String))| {
        (merged_name(&partition(tenant, &day), first, last), rows)
    };
    Ok(days(entries)?.into_iter().map(file).collect())
}

/// The name of a file that holds what several held: by its first and last number. `partition` ends with a slash.
pub fn merged_name(partition: &str, first: u64, last: u64) -> String {
    format!("{partition}{first:020}-{last:020}.json")
}
