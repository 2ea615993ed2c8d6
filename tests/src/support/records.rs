//! A tenant's audit records, as they lie in the locked bucket.

use ledger::{Bundle, Leaf};
use serde_json::Value;

use super::{aws, stack, wait};

/// What `countersign ops seed` records: its attempt and its outcome.
const OF_THE_SEED: usize = 2;

/// One record: the bundle that holds it, its leaf's exact text, and what it says.
#[derive(Debug, Clone)]
pub struct Record {
    pub name: String,
    pub text: String,
    fields: Value,
}

impl Record {
    /// The message that brought it: the leaf without what the writer added.
    pub fn message(&self) -> String {
        let mut fields = self.fields.clone();
        for added in ["seq", "agent_seq", "agent_prev", "logged_at"] {
            fields.as_object_mut().expect("a record is an object").remove(added);
        }
        fields.to_string()
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
        let mut records = all(tenant);
        if records.len() < count + OF_THE_SEED {
            return None;
        }
        // An operator's deeds are recorded too, and are nobody's calls.
        records.retain(|record| record.field("actor_type") == "agent");
        (records.len() >= count).then_some(records)
    });
    oldest_first(&mut records);
    let told: Vec<_> = records.iter().map(Record::says).collect();
    assert_eq!(records.len(), count, "{told:?}");
    records
}

/// In the order of what was done. The log's own order is that in which the queue brought it.
pub fn oldest_first(records: &mut [Record]) {
    // Within one millisecond an attempt comes before its outcome, in the alphabet too.
    records.sort_by_key(|record| ["created_at", "phase"].map(|name| record.field(name).to_owned()));
}

/// Every record of a tenant, its seed's included, in the order of its log: see [`oldest_first`].
pub fn all(tenant: &str) -> Vec<Record> {
    let bucket = stack().text("/buckets/locked");
    let names = aws::object_names("auditor", bucket, &format!("t/{tenant}/bundle/"));
    names.iter().flat_map(|name| in_bundle(name, &bundle(bucket, name))).collect()
}

/// A bundle, read.
pub fn bundle(bucket: &str, name: &str) -> Bundle {
    let bytes = aws::object_bytes("auditor", bucket, name);
    let (_, number) = name.rsplit_once('/').expect("a bundle's name has parts");
    Bundle::named(number, &bytes).expect("a bundle")
}

fn in_bundle(name: &str, bundle: &Bundle) -> Vec<Record> {
    let entry = |bytes: &Vec<u8>| match Leaf::from_bytes(bytes).expect("a leaf") {
        Leaf::Trailer(_) => None,
        Leaf::Entry(_) => {
            let text = String::from_utf8(bytes.clone()).expect("a leaf is text");
            let fields = serde_json::from_str(&text).expect("a leaf is JSON");
            Some(Record { name: name.to_owned(), text, fields })
        }
    };
    bundle.leaves().iter().filter_map(entry).collect()
}
