//! Which actions of a tenant's agents need whom: its gate document, checked as a whole. One that may let through what the one
//! before stopped waits for a second person.

use domain::{Code, GateRow, MetaValue, Metadata};
use ledger::Hash;
use policy::gate::{Faults, Gate, weaker};
use serde_json::{Value, json};
use tables::codec::Row as _;
use tables::{Item, Key, Swap, fingerprint};

use crate::ask::Ask;
use crate::event::Params;
use crate::plan::{Change, Shown};
use crate::refusal::{Refused, Why};

pub fn needs(params: &Params, _: &Value) -> Vec<Key> {
    params.tenant.iter().map(Key::gate).collect()
}

fn place(ask: &Ask<'_>) -> Result<Key, Refused> {
    Ok(Key::gate(ask.params.tenant.as_ref().ok_or(Why::NotFound)?))
}

fn view(row: &GateRow) -> Value {
    let document: Value = serde_json::from_str(&row.document).unwrap_or_default();
    json!({"version": row.version, "document": document})
}

pub fn get(ask: &Ask<'_>) -> Result<Shown, Refused> {
    let (row, item): (GateRow, &Item) = ask.must(&place(ask)?)?;
    Ok(Shown { body: view(&row), etag: Some(fingerprint(item)) })
}

pub fn schema() -> Value {
    json!({"type": "object", "required": ["v"],
        "description": "a gate document, such as {\"v\": 1, \"allow\": [\"crm.*\"]}: what agents may ask tools to do, and what of it waits for whom",
        "properties": {"v": {"type": "integer", "const": 1}, "allow": {"type": "array", "maxItems": 64},
            "gates": {"type": "array", "maxItems": 64}, "cedar": {"type": "string", "maxLength": 16384},
            "approvals": {"type": "object"}, "answers": {"type": "string", "enum": ["leave", "mark", "withhold"]}}})
}

fn faulty(faults: &Faults) -> Refused {
    let told = faults.as_slice().iter().map(|fault| (fault.at.clone(), fault.hint.clone())).collect();
    Refused { faults: told, ..Why::DocumentFaults.into() }
}

pub fn put(ask: &Ask<'_>) -> Result<Change, Refused> {
    let key = place(ask)?;
    let item = ask.rows.get(&key);
    ask.unchanged(item)?;
    let before: Option<GateRow> = ask.find(&key)?;
    let text = ask.body.to_string();
    let new = Gate::parse(&text).map_err(|faults| faulty(&faults))?;
    // One that does not read lets nothing through.
    let old = before.as_ref().and_then(|row| Gate::parse(&row.document).ok());
    let version = before.map_or(0, |row| row.version).saturating_add(1);
    let mut metadata = Metadata::default().count("version", version);
    if let Ok(digest) = Hash::of(text.as_bytes()).to_string().parse::<Code>() {
        metadata = metadata.with("sha256", MetaValue::Code(digest));
    }
    let row = GateRow { version, document: text };
    let mut written = item.cloned().unwrap_or_default();
    written.extend(row.to_item());
    let tag = fingerprint(&written);
    let swap = Swap { key, old: item.cloned(), new: written };
    Ok(Change {
        etag: Some(tag),
        weakens: weaker(old.as_ref(), &new),
        metadata,
        ..Change::of(vec![swap], "gate:tenant", view(&row))
    })
}
