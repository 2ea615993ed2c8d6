//! A tenant's audit records, as they lie in the locked bucket.

use serde_json::Value;

use super::{aws, stack, wait};

/// What `countersign ops seed` records: its attempt and its outcome.
const OF_THE_SEED: usize = 2;

/// One record: its exact text and what it says.
#[derive(Debug, Clone)]
pub struct Record {
    pub name: String,
    pub text: String,
    fields: Value,
}

impl Record {
    fn read(name: String) -> Self {
        let text = aws::object("auditor", stack().text("/buckets/locked"), &name);
        let fields = serde_json::from_str(&text).expect("a record is JSON");
        Self { name, text, fields }
    }

    /// A field's text, empty when absent.
    pub fn field(&self, name: &str) -> &str {
        self.fields[name].as_str().unwrap_or_default()
    }

    pub fn at(&self, name: &str) -> &Value {
        &self.fields[name]
    }

    /// An entry of the metadata, which is JSON in a text.
    pub fn metadata(&self, name: &str) -> Value {
        let metadata: Value = serde_json::from_str(self.field("metadata")).expect("metadata is JSON");
        metadata[name].clone()
    }

    /// Phase, decision and reason: what most tests are about.
    pub fn says(&self) -> [&str; 3] {
        ["phase", "decision", "reason"].map(|name| self.field(name))
    }
}

/// Waits until the tenant has `count` records beside its seed's, and reads them, oldest first. More than `count` fail.
pub fn of_calls(tenant: &str, count: usize) -> Vec<Record> {
    let mut records = wait::until(&format!("{count} records of {tenant}"), || {
        let names = object_names(tenant);
        if names.len() < count + OF_THE_SEED {
            return None;
        }
        // An operator's deeds are recorded too, and are nobody's calls.
        let mut records: Vec<Record> = names.into_iter().map(Record::read).collect();
        records.retain(|record| record.field("actor_type") == "agent");
        (records.len() >= count).then_some(records)
    });
    // Within one millisecond an attempt comes before its outcome, in the alphabet too.
    records.sort_by_key(|record| ["created_at", "phase"].map(|name| record.field(name).to_owned()));
    let told: Vec<_> = records.iter().map(Record::says).collect();
    assert_eq!(records.len(), count, "{told:?}");
    records
}

/// Names of all objects of a tenant in the locked bucket, its seed's included.
pub fn object_names(tenant: &str) -> Vec<String> {
    aws::object_names("auditor", stack().text("/buckets/locked"), &format!("t/{tenant}/"))
}
