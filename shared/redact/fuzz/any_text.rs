//! What must hold whatever a text is: nothing panics, spans are whole characters, in order and apart; a redacted text
//! holds nothing that would be found again; and outside links, restoring gives back what was taken.

use std::sync::LazyLock;

use countersign_domain::{ActionId, Timestamp};
use countersign_redact::{Direction, Document, Draw, Exempt, Nonce, Policy, RedactError, redact_json};
use serde_json::Value;

/// Every type, names and addresses too, for a tenant of two countries.
static POLICY: LazyLock<Policy> = LazyLock::new(|| {
    let document = r#"{"v":1,"countries":["IL","DE"],"types":{"*":{"action":"redact","direction":"both"}}}"#;
    Policy::compile(None, Some(&Document::parse(document).expect("a good document")), None).expect("compiles")
});

/// Which field holds the text is one bit of its first byte.
fn parts(bytes: &[u8]) -> Option<(Option<&'static str>, &str)> {
    let (first, text) = bytes.split_first()?;
    Some(((first & 1 == 1).then_some("id_number"), std::str::from_utf8(text).ok()?))
}

pub fn detect(bytes: &[u8]) {
    let Some((field, text)) = parts(bytes) else { return };
    for direction in [Direction::Request, Direction::Answer] {
        let mut last = 0;
        for hit in POLICY.detect(text, field, direction) {
            assert!(last <= hit.start && hit.start < hit.end, "in order and apart: {hit:?}");
            assert!(text.get(hit.start..hit.end).is_some(), "whole characters: {hit:?}");
            assert!(hit.score > 0.0 && hit.score <= 1.0, "{hit:?}");
            last = hit.end;
        }
    }
}

pub fn redact_restore(bytes: &[u8]) {
    let Some((_, text)) = parts(bytes) else { return };
    let now = Timestamp::from_unix_millis(1_790_000_000_123).expect("in range");
    let draw = Draw { nonce: Nonce::from_bytes([0x98, 0xde, 0x95, 0x0b, 0xa7]), tokens: [7; 32] };
    let body = Value::String(text.to_owned());
    let redacted = redact_json(
        &POLICY,
        ActionId::new(now, [7; 10]),
        draw,
        &|_| "digest".to_owned(),
        body,
        &Exempt::default(),
    );
    let redaction = match redacted {
        Ok(redaction) => redaction,
        // A refusal is an answer: text that holds this request's nonce, or is made to yield finding after finding.
        Err(RedactError::NonceInBody | RedactError::Unsettled) => return,
        Err(error) => panic!("{error}"),
    };
    let sent = redaction.body.get().as_str().expect("a string stays one");
    let again = POLICY.detect(sent, None, Direction::Request);
    let ids = again.iter().map(|hit| POLICY.id(hit.kind)).collect::<Vec<_>>();
    assert!(again.is_empty(), "{ids:?} found again in {sent:?}, which was {text:?}");
    if !could_be_link(sent) {
        assert_eq!(redaction.vault.restore_text(sent), text, "what was taken comes back");
    }
}

/// In links placeholders stay, so that no address carries a value elsewhere: these make one, or might.
fn could_be_link(text: &str) -> bool {
    text.contains(['/', '\\', '<', '?', '#', '(', '&', '%'])
        || ["data:", "www", "]."].iter().any(|part| text.contains(part))
}
