//! Which objects a record becomes: pure. Names carry the event id, so a record has one name whenever it comes.

use domain::AuditRecord;
use serde_json::{Map, Value};

/// Where an object goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bucket {
    /// Object Lock, COMPLIANCE.
    Locked,
    /// Rows for SQL, which can be made again from the locked objects.
    Derived,
}

/// One object to create if its name is free.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    pub bucket: Bucket,
    pub name: String,
    pub body: String,
}

/// The locked object first, the row after it: SQL never shows what is not locked.
///
/// # Errors
/// The record has no canonical form.
pub fn objects(record: &AuditRecord) -> Result<[Object; 2], &'static str> {
    let body = record.to_canonical().map_err(|_| "not_canonical")?;
    let (tenant, event) = (&record.tenant_id, record.event_id);
    let day = record.created_at.date();
    let row = row(record).ok_or("not_a_row")?;
    Ok([
        Object { bucket: Bucket::Locked, name: format!("t/{tenant}/event/{event}.json"), body },
        Object {
            bucket: Bucket::Derived,
            name: format!("task_timeline/tenant_id={tenant}/dt={day}/{event}.json"),
            body: row,
        },
    ])
}

/// Columns that stand in the object's name instead of the row.
const PARTITION: &str = "tenant_id";

/// One line of JSON with every column of the record: `null` where it has none, JSON text where it has a structure,
/// and `created_at` as Athena reads a `timestamp`.
fn row(record: &AuditRecord) -> Option<String> {
    let Value::Object(mut fields) = serde_json::to_value(record).ok()? else { return None };
    fields.insert("created_at".to_owned(), Value::from(record.created_at.sql()));
    let columns = AuditRecord::FIELDS.iter().map(|(name, _)| *name).filter(|name| *name != PARTITION);
    let row: Map<_, _> = columns.map(|name| (name.to_owned(), flat(fields.remove(name)))).collect();
    Some(Value::Object(row).to_string() + "\n")
}

fn flat(value: Option<Value>) -> Value {
    match value {
        None => Value::Null,
        Some(structure @ (Value::Object(_) | Value::Array(_))) => Value::from(structure.to_string()),
        Some(plain) => plain,
    }
}
