//! What the tests of this crate share.

use std::sync::{Arc, LazyLock};

use countersign_redact::{
    Detectors, Direction, Document, Draw, Exempt, Hit, Nonce, Policy, RedactError, Redaction, redact_json,
};
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
    try_redact(body, None).expect("can be redacted")
}

pub(crate) fn try_redact(body: Value, nonce: Option<Nonce>) -> Result<Redaction, RedactError> {
    redact_but(body, nonce, &Exempt::default())
}

pub(crate) fn redact_but(
    body: Value,
    nonce: Option<Nonce>,
    exempt: &Exempt,
) -> Result<Redaction, RedactError> {
    let drawn = Draw { nonce: nonce.unwrap_or_else(self::nonce), tokens: [7; 32] };
    redact_json(&policy(), action(), drawn, &|_| "digest".to_owned(), body, exempt)
}

pub(crate) fn policy() -> Arc<Policy> {
    static ANSWERS_TOO: LazyLock<Arc<Policy>> =
        LazyLock::new(|| Arc::new(of(r#"{"v": 1, "countries": ["IL"]}"#).with_answers()));
    ANSWERS_TOO.clone()
}

/// The policy of a tenant's document.
pub(crate) fn of(document: &str) -> Policy {
    let document = Document::parse(document).expect("a good document");
    Policy::compile(None, Some(&document), None).expect("compiles")
}

/// Names and addresses too.
pub(crate) fn everything() -> Policy {
    of(r#"{"v": 1, "types": {"*": {"action": "redact"}}}"#)
}

/// What the standard policy finds in a request.
pub(crate) fn detect(text: &str) -> Vec<Hit> {
    policy().detect(text, None, Direction::Request)
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
pub(crate) fn found<'t>(text: &'t str, hit: &Hit) -> &'t str {
    text.get(hit.start..hit.end).expect("spans are on character boundaries")
}
