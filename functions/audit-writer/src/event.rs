//! The edge: records from the audit queue, or the clock's call for a checkpoint.

use aws::{BatchEvent, Message};
use domain::{EventId, Timestamp};
use ledger::SignedRecord;
use serde::Deserialize;

/// What the function is invoked with.
#[derive(Debug)]
pub enum Event {
    Batch(BatchEvent),
    Checkpoint,
}

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Shape {
            Batch(BatchEvent),
            Checkpoint { checkpoint: Empty },
        }
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Empty {}
        Ok(match Shape::deserialize(deserializer)? {
            Shape::Batch(batch) => Self::Batch(batch),
            Shape::Checkpoint { checkpoint: Empty {} } => Self::Checkpoint,
        })
    }
}

/// Rows that tell which events are known are kept for 35 days. Messages are kept for 14 days in the queue and as long in
/// the dead-letter queue, so none of ours is older than 28.
const MAX_AGE_MS: u64 = 30 * 24 * 60 * 60 * 1_000;

/// A leaf has at most 65,535 bytes, of which the place takes some 200. No producer of ours sends as much; a message that
/// would not fit must not stop those beside it.
const MAX_MESSAGE_BYTES: usize = 65_535 - 512;

/// A message that is a record.
#[derive(Debug, Clone)]
pub struct Delivered {
    pub message_id: String,
    pub signed: SignedRecord,
}

impl Delivered {
    pub const fn event_id(&self) -> EventId {
        self.signed.record.event_id
    }
}

/// # Errors
/// Poison: the message's id, and a code for the log. It goes to the dead-letter queue after its last delivery.
pub fn parse(message: Message, now: Timestamp) -> Result<Delivered, (String, &'static str)> {
    let Message { message_id, body } = message;
    match read(&body, now) {
        Ok(signed) => Ok(Delivered { message_id, signed }),
        Err(code) => Err((message_id, code)),
    }
}

fn read(body: &str, now: Timestamp) -> Result<SignedRecord, &'static str> {
    if body.len() > MAX_MESSAGE_BYTES {
        return Err("too_large");
    }
    let signed = SignedRecord::from_text(body).map_err(|error| {
        tracing::error!(%error, "record.unreadable");
        "not_a_record"
    })?;
    // Whose certificate it is shows in verification: here it is seen that the record is whole.
    if !signed.is_signed() {
        return Err("signature_does_not_match");
    }
    let made = signed.record.event_id.created_at().ok_or("not_a_record")?;
    if now.millis_since(made) > MAX_AGE_MS { Err("too_old") } else { Ok(signed) }
}
