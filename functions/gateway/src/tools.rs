//! Records of tools: what a model asked for, and what went back to it. Names as the caller declared them, everything else
//! as commitments: a tool's arguments and results are the caller's data.

use domain::{
    ActionId, AuditRecord, Decided, EventId, EventType, MetaValue, Metadata, Phase, Reason, Timestamp,
};
use domain::{Digest, Name, canonical_json};
use envelope::RootKey;
use serde_json::Value;

use crate::answer::ToolCall;
use crate::form::tools::Returned;
use crate::gated::Guard;
use crate::records::{Entry, Known, Scribe};

/// Most tools of one call that have a record each; the outcome says how many there were.
pub const MAX_RECORDS: usize = 128;

/// What the records of one call's tools have in common.
#[derive(Debug, Clone)]
pub struct Tools {
    pub guard: Guard,
    pub requested_events: [u8; 10],
    pub returned_events: [u8; 10],
}

/// One call or result, as it is recorded.
struct Told<'a> {
    event: EventType,
    call: &'a str,
    name: Option<&'a str>,
    description: &'static str,
}

impl Tools {
    /// Results that go to the model, each to be recorded before it does.
    pub fn returned(
        &self,
        scribe: &Scribe,
        known: &Known,
        pseudonym: &RootKey,
        (action_id, at): (ActionId, Timestamp),
        results: &[Returned<'_>],
    ) -> Vec<AuditRecord> {
        let record = |(n, result): (usize, &Returned<'_>)| {
            let event_id = EventId::new(at, numbered(self.returned_events, n));
            let told = Told {
                event: EventType::ToolReturned,
                call: result.call,
                name: result.tool,
                description: "A tool's result goes back to the model.",
            };
            let mut record = self.record(scribe, known, pseudonym, (action_id, event_id, at), &told);
            record.response_commitment = commitment(scribe, action_id, "result", &text(result.result));
            record
        };
        results.iter().take(MAX_RECORDS).enumerate().map(record).collect()
    }

    /// What the model asked for.
    pub fn requested(
        &self,
        scribe: &Scribe,
        known: &Known,
        pseudonym: &RootKey,
        (action_id, at): (ActionId, Timestamp),
        calls: &[ToolCall],
    ) -> Vec<AuditRecord> {
        let record = |(n, call): (usize, &ToolCall)| {
            let event_id = EventId::new(at, numbered(self.requested_events, n));
            let told = Told {
                event: EventType::ToolRequested,
                call: &call.id,
                name: Some(&call.name),
                description: "The model asks for a tool to be run.",
            };
            let mut record = self.record(scribe, known, pseudonym, (action_id, event_id, at), &told);
            if self.guard.gate.withholds(call) {
                record.metadata = std::mem::take(&mut record.metadata).flag("withheld", true);
            }
            record.request_commitment =
                commitment(scribe, action_id, "arguments", &canonical(&call.arguments));
            record
        };
        calls.iter().take(MAX_RECORDS).enumerate().map(record).collect()
    }

    fn record(
        &self,
        scribe: &Scribe,
        known: &Known,
        pseudonym: &RootKey,
        (action_id, event_id, at): (ActionId, EventId, Timestamp),
        told: &Told<'_>,
    ) -> AuditRecord {
        let name = told.name.and_then(|name| self.guard.declared(name));
        let mut metadata = Metadata::default();
        if let Ok(call) = pseudonym.pseudonym("tool_call", told.call).parse() {
            // The same in the request of a call and in the return of its result.
            metadata = metadata.with("tool_call", MetaValue::Code(call));
        }
        if name.is_none() {
            metadata = metadata.flag("tool_undeclared", true);
        }
        let entry = Entry {
            at,
            event_id,
            seal_random: None,
            event: told.event,
            phase: Phase::Single,
            decision: Decided::Allow,
            reason: Reason::Allowed,
            description: told.description,
            metadata,
        };
        let mut record = scribe.record(action_id, entry);
        known.add_to(&mut record);
        // Findings are counted once, in the attempt.
        record.dlp = None;
        record.resource = name.and_then(|name| format!("tool:{name}").parse().ok());
        record
    }
}

/// The names of a body's tools that can be recorded: those that redaction left as they were.
pub fn declared(redacted: &Value) -> Vec<Name> {
    let names = redacted.as_object().map(crate::form::tools::declared).unwrap_or_default();
    names.into_iter().filter_map(|(_, name)| name.parse().ok()).collect()
}

/// Ids of one call's records differ in their last two bytes.
fn numbered(mut random: [u8; 10], n: usize) -> [u8; 10] {
    let number = u16::try_from(n).unwrap_or(u16::MAX).to_be_bytes();
    if let Some(last) = random.last_chunk_mut::<2>() {
        *last = number;
    }
    random
}

fn commitment(scribe: &Scribe, action_id: ActionId, label: &str, text: &str) -> Option<Digest> {
    Some(scribe.audit_key.as_ref()?.commitment(label, action_id.as_bytes(), text.as_bytes()))
}

/// JSON in its canonical form (RFC 8785), so that spacing and order change nothing; any other text as it is.
fn canonical(text: &str) -> String {
    let value = serde_json::from_str::<Value>(text).ok();
    value.and_then(|value| canonical_json(&value).ok()).unwrap_or_else(|| text.to_owned())
}

fn text(result: &Value) -> String {
    match result {
        Value::String(text) => canonical(text),
        other => canonical_json(other).unwrap_or_else(|_| other.to_string()),
    }
}
