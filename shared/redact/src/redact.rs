//! The walk over a JSON body.

use crate::apply::{Applied, NewToken};
use crate::findings::Findings;
use crate::hits::Hit;
use crate::placeholder::{Nonce, look_alike};
use crate::policy::{Direction, Policy};
use crate::proof::Redacted;
use crate::settle::{MAX_ROUNDS, settled};
use crate::shortcut;
use crate::steps::{Stage, count};
use crate::vault::Vault;
use domain::ActionId;
use serde_json::{Map, Number, Value};
use std::borrow::Cow;

/// Deepest nesting that is walked: the body itself has depth 0. A chat request with tools and their schemas stays
/// below 20; `serde_json` parses up to 128.
pub const MAX_DEPTH: usize = 64;

/// Why a body could not be redacted. The request must be refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RedactError {
    /// Nested more deeply than is walked.
    #[error("the body is nested more than {MAX_DEPTH} levels deep")]
    TooDeep,
    /// The body holds this request's nonce, so its text could be taken for a placeholder. Draw another.
    #[error("the body holds the nonce of its placeholders")]
    NonceInBody,
    /// Two keys of one object would become one.
    #[error("two keys of an object cannot be told apart after redaction")]
    KeyCollision,
    /// The text keeps yielding findings as they are taken out.
    #[error("the text still holds findings after {MAX_ROUNDS} rounds")]
    Unsettled,
    /// The policy says that a call with data of these types is refused: their names, in order, each once, and all that was
    /// found.
    #[error("the policy blocks data of these types: {}", types.join(", "))]
    Blocked {
        /// Names of types, no values.
        types: Vec<String>,
        /// Counts.
        findings: Findings,
    },
}

/// A redacted body and what belongs to it.
#[derive(Debug)]
pub struct Redaction {
    /// What may leave.
    pub body: Redacted<Value>,
    /// What restores the answer; lives as long as the request.
    pub vault: Vault,
    /// What was found, as counts.
    pub findings: Findings,
    /// Cross-request tokens that this body has from now on: to be stored, sealed, before it leaves.
    pub tokens: Vec<NewToken>,
}

/// Fresh random bytes, drawn once per request.
#[derive(Debug, Clone)]
pub struct Draw {
    /// For placeholders.
    pub nonce: Nonce,
    /// For cross-request tokens.
    pub tokens: [u8; 32],
}

/// Leaves of a body that are treated differently, as JSON pointers (RFC 6901). A pointer to no string changes nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exempt {
    /// Data of media that policy lets pass: not searched, and not changed by a byte.
    pub opaque: Vec<String>,
    /// Text that a provider signed: searched, but what looks like a placeholder stays in it.
    pub signed: Vec<String>,
}

/// Does to every finding in `body` what the policy says; one value has one placeholder throughout the body.
///
/// Walked are all strings, whatever their field, all object keys, and integers at depth 2 or more. Numbers directly
/// in the body (`seed`, `max_tokens`) are parameters of the call and stay; deeper ones can be content (a card number
/// among tool arguments), and one that is a finding becomes a string. A JSON text inside a string is searched as text.
/// The name of a field counts as a word beside its value.
///
/// Text that looks like a placeholder is escaped: it becomes a placeholder itself (`[TEXT_1_k3f9a2x7]`), so that the
/// model cannot take it for one of ours, and the caller gets it back as it was. It is no finding.
///
/// `keyed` gives a value's keyed digest, for the action `hash`.
///
/// # Errors
/// See [`RedactError`]; nothing partly redacted is returned.
pub fn redact_json(
    policy: &Policy,
    action_id: ActionId,
    draw: Draw,
    keyed: &dyn Fn(&str) -> String,
    mut body: Value,
    exempt: &Exempt,
) -> Result<Redaction, RedactError> {
    let opaque: Vec<_> = exempt.opaque.iter().map(|at| (at, taken(&mut body, at))).collect();
    let signed: Vec<_> = exempt.signed.iter().map(|at| (at, taken(&mut body, at))).collect();
    let mut walk = Walk {
        policy,
        ending: draw.nonce.ending(),
        applied: Applied::new(policy, draw, keyed),
        escapes: true,
    };
    let mut body = walk.value(body, 0, None)?;
    walk.escapes = false;
    for (at, text) in signed {
        if let Some((text, leaf)) = text.zip(body.pointer_mut(at)) {
            *leaf = Value::String(walk.text(&text, None)?);
        }
    }
    for (at, text) in opaque {
        if let Some((text, leaf)) = text.zip(body.pointer_mut(at)) {
            *leaf = Value::String(text);
        }
    }
    let (vault, findings, tokens) = walk.applied.finish()?;
    Ok(Redaction { body: Redacted::new(action_id, body), vault, findings, tokens })
}

struct Walk<'p> {
    policy: &'p Policy,
    /// How every placeholder of this request ends.
    ending: String,
    applied: Applied<'p>,
    /// Whether look-alikes of placeholders are escaped.
    escapes: bool,
}

fn taken(body: &mut Value, at: &str) -> Option<String> {
    match body.pointer_mut(at)? {
        Value::String(text) => Some(std::mem::take(text)),
        _ => None,
    }
}

impl Walk<'_> {
    /// `field` is the name that the value, or the list it stands in, has.
    fn value(&mut self, value: Value, depth: usize, field: Option<&str>) -> Result<Value, RedactError> {
        if depth > MAX_DEPTH {
            return Err(RedactError::TooDeep);
        }
        match value {
            Value::String(text) => self.text(&text, field).map(Value::String),
            Value::Number(number) => self.number(number, depth, field),
            Value::Array(items) => {
                let items = items.into_iter().map(|item| self.value(item, depth + 1, field));
                items.collect::<Result<Vec<Value>, RedactError>>().map(Value::Array)
            }
            Value::Object(fields) => self.object(fields, depth).map(Value::Object),
            Value::Null | Value::Bool(_) => Ok(value),
        }
    }

    fn object(
        &mut self,
        fields: Map<String, Value>,
        depth: usize,
    ) -> Result<Map<String, Value>, RedactError> {
        let mut redacted = Map::new();
        for (key, value) in fields {
            let value = self.value(value, depth + 1, Some(&key))?;
            let key = self.text(&key, None)?;
            if redacted.insert(key, value).is_some() {
                return Err(RedactError::KeyCollision);
            }
        }
        Ok(redacted)
    }

    fn number(&mut self, number: Number, depth: usize, field: Option<&str>) -> Result<Value, RedactError> {
        let Some(text) = integer_text(&number).filter(|_| depth > 1) else {
            return Ok(Value::Number(number));
        };
        let redacted = self.text(&text, field)?;
        Ok(if redacted == text { Value::Number(number) } else { Value::String(redacted) })
    }

    fn text(&mut self, text: &str, field: Option<&str>) -> Result<String, RedactError> {
        // For the nonce, and for look-alikes.
        count(Stage::Settling, 2 * text.len());
        if shortcut::taken() && !has_bracket(text.as_bytes()) {
            return self.write(text, field);
        }
        if text.contains(&self.ending) {
            return Err(RedactError::NonceInBody);
        }
        // Look-alikes first: what stands around them is one text, and is searched as one.
        let mut whole = Cow::Borrowed(text);
        if self.escapes && look_alike(text).is_some() {
            let mut rest = text;
            let mut out = String::with_capacity(text.len());
            while let Some((start, end)) = look_alike(rest) {
                out.push_str(rest.get(..start).unwrap_or_default());
                self.applied.escape(rest.get(start..end).unwrap_or_default(), &mut out);
                rest = rest.get(end..).unwrap_or_default();
            }
            out.push_str(rest);
            whole = Cow::Owned(out);
        }
        self.write(&whole, field)
    }

    fn write(&mut self, text: &str, field: Option<&str>) -> Result<String, RedactError> {
        let applied = &mut self.applied;
        let apply = |hit: &Hit, original: &str, out: &mut String| applied.apply(hit, original, out);
        let (redacted, is_clean) = settled(self.policy, text, field, Direction::Request, apply);
        if is_clean { Ok(redacted) } else { Err(RedactError::Unsettled) }
    }
}

/// Whether a placeholder can begin or end anywhere; compiles to vector instructions.
fn has_bracket(text: &[u8]) -> bool {
    let has = |bytes: &[u8]| bytes.iter().fold(false, |any, byte| any | matches!(byte, b'[' | b']'));
    let (blocks, rest) = text.as_chunks::<64>();
    blocks.iter().any(|block| has(block)) || has(rest)
}

/// The digits of a number without a fraction. `4111111111111111.0` is the same card as without its `.0`.
fn integer_text(number: &Number) -> Option<String> {
    if !number.is_f64() {
        return Some(number.to_string());
    }
    // Beyond 2^64 no detector has that many digits.
    let whole =
        number.as_f64().filter(|value| value.fract() == 0.0 && value.abs() < 18_446_744_073_709_551_616.0)?;
    Some(format!("{whole:.0}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Timestamp;
    use serde_json::json;

    fn action() -> ActionId {
        ActionId::new(Timestamp::from_unix_millis(1_790_000_000_123).unwrap(), [7; 10])
    }

    fn redact(body: Value) -> Result<Redaction, RedactError> {
        let draw = Draw { nonce: Nonce::from_bytes([1; 5]), tokens: [7; 32] };
        let keyed = |_: &str| "digest".to_owned();
        redact_json(&Policy::standard(), action(), draw, &keyed, body, &Exempt::default())
    }

    #[test]
    fn every_leaf_and_key_is_walked_and_one_value_has_one_placeholder() {
        let body = json!({
            "messages": [{"role": "user", "content": "dana@example.com and dana@example.com, noa@example.com"}],
            "unknown": {"dana@example.com": [[["4111111111111111"]]]},
        });
        let redaction = redact(body).unwrap();
        let expected = json!({
            "messages": [{"role": "user", "content":
                "[EMAIL_1_040g2081] and [EMAIL_1_040g2081], [EMAIL_2_040g2081]"}],
            "unknown": {"[EMAIL_1_040g2081]": [[["[CARD_1_040g2081]"]]]},
        });
        assert_eq!(redaction.body.get(), &expected);
        assert_eq!(redaction.body.action_id(), action());
        assert_eq!(serde_json::to_string(&redaction.findings).unwrap(), r#"{"card":1,"email":4}"#);
        assert_eq!(redaction.findings.iter().collect::<Vec<_>>(), [("card", 1), ("email", 4)]);
        assert!(!redaction.findings.is_empty());
    }

    #[test]
    fn numbers_are_parameters_at_the_top_and_content_below() {
        let card = 4_111_111_111_111_111_u64;
        let body = json!({"seed": card, "tool": {"card": card, "float": 4_111_111_111_111_111.0,
            "teudat_zehut": -123_456_782, "half": 0.5, "max": 100}, "rows": [card]});
        let redaction = redact(body).unwrap();
        let placeholder = "[CARD_1_040g2081]";
        let expected = json!({"seed": card, "tool": {"card": placeholder, "float": placeholder,
            "teudat_zehut": "-[IL_ID_1_040g2081]", "half": 0.5, "max": 100}, "rows": [placeholder]});
        assert_eq!(redaction.body.get(), &expected);
    }

    #[test]
    fn depth_has_a_limit() {
        let nested = |depth: usize| (0..depth).fold(json!("x"), |value, _| json!([value]));
        assert!(redact(nested(MAX_DEPTH)).is_ok());
        assert_eq!(redact(nested(MAX_DEPTH + 1)).unwrap_err(), RedactError::TooDeep);
    }

    #[test]
    fn a_body_with_the_nonce_is_refused() {
        let body = json!({"content": "[EMAIL_1_040g2081]"});
        assert_eq!(redact(body).unwrap_err(), RedactError::NonceInBody);
        assert!(redact(json!({"content": "[EMAIL_1_zzzzzzzz]"})).is_ok());
    }

    #[test]
    fn what_a_finding_hid_is_found_too() {
        let body = json!("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4111111111111111");
        let redaction = redact(body).unwrap();
        assert_eq!(redaction.body.get(), "[SECRET_1_040g2081][CARD_1_040g2081]");
    }

    #[test]
    fn the_name_of_a_type_in_a_placeholder_is_no_word_beside_a_number() {
        let text = "טלפון 0540106.31.73.20 2001:db8::7 fe80::1ff:fe23:4567:890a 00:1a:2b:3c:4d:5e-123-4567";
        let sent = redact(json!(text)).unwrap().body.get().as_str().unwrap().to_owned();
        assert!(Policy::standard().detect(&sent, None, Direction::Request).is_empty(), "{sent}");
    }

    #[test]
    fn text_made_to_yield_finding_after_finding_is_refused() {
        // Each key fits its limit only once the one after it is gone.
        assert_eq!(redact(json!("xoxb-".repeat(1000))).unwrap_err(), RedactError::Unsettled);
    }

    #[test]
    fn nothing_shows_a_value() {
        let redaction = redact(json!({"content": "dana@example.com"})).unwrap();
        let shown = format!("{redaction:?}");
        assert_eq!(
            shown,
            "Redaction { body: Redacted(..), vault: Vault { values: 1, .. }, \
            findings: Findings({\"email\": 1}), tokens: [] }"
        );
        let (id, body) = redaction.body.into_parts();
        assert_eq!((id, body), (action(), json!({"content": "[EMAIL_1_040g2081]"})));
    }
}
