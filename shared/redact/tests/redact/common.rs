//! What the tests of this crate share.

use countersign_redact::{Detectors, Exempt, Hit, Nonce, Redaction, redact_json};
use domain::{ActionId, Timestamp};
use serde_json::Value;

pub(crate) fn set() -> &'static Detectors {
    Detectors::builtin().expect("the built-in set compiles")
}

pub(crate) fn action() -> ActionId {
    ActionId::new(Timestamp::from_unix_millis(1_790_000_000_123).expect("in range"), [7; 10])
}

/// Redacts with the nonce `k3f9a2x7`.
pub(crate) fn redact(body: Value) -> Redaction {
    redact_json(set(), action(), nonce(), body, &Exempt::default()).expect("can be redacted")
}

/// `k3f9a2x7`
pub(crate) fn nonce() -> Nonce {
    Nonce::from_bytes([0x98, 0xde, 0x95, 0x0b, 0xa7])
}

/// The redacted text, and what restores it.
pub(crate) fn redact_text(text: &str) -> (String, Redaction) {
    let redaction = redact(Value::String(text.to_owned()));
    let redacted = redaction.body.get().as_str().expect("a string stays one").to_owned();
    (redacted, redaction)
}

/// The text of a finding.
pub(crate) fn found<'t>(text: &'t str, hit: &Hit<'_>) -> &'t str {
    text.get(hit.start..hit.end).expect("spans are on character boundaries")
}
