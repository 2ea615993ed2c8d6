//! The walk over a JSON body.

use crate::detector::Detectors;
use crate::findings::Findings;
use crate::placeholder::{Nonce, look_alike, placeholder};
use crate::proof::Redacted;
use crate::vault::Vault;
use domain::ActionId;
use serde_json::{Map, Number, Value};
use std::collections::BTreeMap;

/// Deepest nesting that is walked: the body itself has depth 0. A chat request with tools and their schemas stays
/// below 20; `serde_json` parses up to 128.
pub const MAX_DEPTH: usize = 64;

/// Taking a finding out can free its neighbour (`a` beside `1` hid a number), so what remains is searched again.
/// Real text settles after one more look; text made to need more is refused, which keeps the work linear.
const MAX_ROUNDS: usize = 4;

/// Label of what only looked like a placeholder.
const ESCAPED: &str = "TEXT";

/// Why a body could not be redacted. The request must be refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
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
}

/// Leaves of a body that are treated differently, as JSON pointers (RFC 6901). A pointer to no string changes nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exempt {
    /// Data of media that policy lets pass: not searched, and not changed by a byte.
    pub opaque: Vec<String>,
    /// Text that a provider signed: searched, but what looks like a placeholder stays in it.
    pub signed: Vec<String>,
}

/// Replaces every finding in `body` by a placeholder; one value has one placeholder throughout the body.
///
/// Walked are all strings, whatever their field, all object keys, and integers at depth 2 or more. Numbers directly
/// in the body (`seed`, `max_tokens`) are parameters of the call and stay; deeper ones can be content (a card number
/// among tool arguments), and one that is a finding becomes a string. A JSON text inside a string is searched as text.
///
/// Text that looks like a placeholder is escaped: it becomes a placeholder itself (`[TEXT_1_k3f9a2x7]`), so that the
/// model cannot take it for one of ours, and the caller gets it back as it was. It is no finding.
///
/// # Errors
/// See [`RedactError`]; nothing partly redacted is returned.
pub fn redact_json(
    detectors: &Detectors,
    action_id: ActionId,
    nonce: Nonce,
    mut body: Value,
    exempt: &Exempt,
) -> Result<Redaction, RedactError> {
    let opaque: Vec<_> = exempt.opaque.iter().map(|at| (at, taken(&mut body, at))).collect();
    let signed: Vec<_> = exempt.signed.iter().map(|at| (at, taken(&mut body, at))).collect();
    let mut walk = Walk {
        detectors,
        ending: nonce.ending(),
        nonce,
        numbers: BTreeMap::new(),
        known: BTreeMap::new(),
        findings: Findings::default(),
        escapes: true,
    };
    let mut body = walk.value(body, 0)?;
    walk.escapes = false;
    for (at, text) in signed {
        if let Some((text, leaf)) = text.zip(body.pointer_mut(at)) {
            *leaf = Value::String(walk.text(&text)?);
        }
    }
    for (at, text) in opaque {
        if let Some((text, leaf)) = text.zip(body.pointer_mut(at)) {
            *leaf = Value::String(text);
        }
    }
    let vault =
        Vault::new(walk.known.into_iter().map(|((_, original), placeholder)| (placeholder, original)));
    Ok(Redaction { body: Redacted::new(action_id, body), vault, findings: walk.findings })
}

struct Walk<'d> {
    detectors: &'d Detectors,
    nonce: Nonce,
    /// How every placeholder of this request ends.
    ending: String,
    /// Label → number of its latest placeholder.
    numbers: BTreeMap<&'d str, u32>,
    /// (label, original) → placeholder.
    known: BTreeMap<(&'d str, String), String>,
    findings: Findings,
    /// Whether look-alikes of placeholders are escaped.
    escapes: bool,
}

fn taken(body: &mut Value, at: &str) -> Option<String> {
    match body.pointer_mut(at)? {
        Value::String(text) => Some(std::mem::take(text)),
        _ => None,
    }
}

impl<'d> Walk<'d> {
    fn value(&mut self, value: Value, depth: usize) -> Result<Value, RedactError> {
        if depth > MAX_DEPTH {
            return Err(RedactError::TooDeep);
        }
        match value {
            Value::String(text) => self.text(&text).map(Value::String),
            Value::Number(number) => self.number(number, depth),
            Value::Array(items) => {
                let items = items.into_iter().map(|item| self.value(item, depth + 1));
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
            let key = self.text(&key)?;
            let value = self.value(value, depth + 1)?;
            if redacted.insert(key, value).is_some() {
                return Err(RedactError::KeyCollision);
            }
        }
        Ok(redacted)
    }

    fn number(&mut self, number: Number, depth: usize) -> Result<Value, RedactError> {
        let Some(text) = integer_text(&number).filter(|_| depth > 1) else {
            return Ok(Value::Number(number));
        };
        let redacted = self.text(&text)?;
        Ok(if redacted == text { Value::Number(number) } else { Value::String(redacted) })
    }

    fn text(&mut self, text: &str) -> Result<String, RedactError> {
        if text.contains(&self.ending) {
            return Err(RedactError::NonceInBody);
        }
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((start, end)) = self.escapes.then(|| look_alike(rest)).flatten() {
            self.write(rest.get(..start).unwrap_or_default(), &mut out, 0)?;
            let escaped = self.placeholder(ESCAPED, rest.get(start..end).unwrap_or_default()).to_owned();
            out.push_str(&escaped);
            rest = rest.get(end..).unwrap_or_default();
        }
        self.write(rest, &mut out, 0)?;
        Ok(out)
    }

    /// Appends `text` to `out`, redacted. What lies between two findings is a text of its own: in the output it
    /// stands between brackets, which no pattern matches and no boundary minds.
    fn write(&mut self, text: &str, out: &mut String, round: usize) -> Result<(), RedactError> {
        let hits = self.detectors.detect(text);
        if hits.is_empty() {
            out.push_str(text);
            return Ok(());
        }
        if round == MAX_ROUNDS {
            return Err(RedactError::Unsettled);
        }
        let mut rest = 0;
        for hit in hits {
            self.write(text.get(rest..hit.start).unwrap_or_default(), out, round + 1)?;
            let original = text.get(hit.start..hit.end).unwrap_or_default();
            out.push_str(self.placeholder(hit.detector.label(), original));
            self.findings.count(hit.detector.id());
            rest = hit.end;
        }
        self.write(text.get(rest..).unwrap_or_default(), out, round + 1)
    }

    fn placeholder(&mut self, label: &'d str, original: &str) -> &str {
        self.known.entry((label, original.to_owned())).or_insert_with(|| {
            let number = self.numbers.entry(label).or_insert(0);
            *number = number.saturating_add(1);
            placeholder(label, *number, &self.nonce)
        })
    }
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
        redact_json(
            Detectors::builtin().unwrap(),
            action(),
            Nonce::from_bytes([1; 5]),
            body,
            &Exempt::default(),
        )
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
            "id": -123_456_782, "half": 0.5, "max": 100}, "rows": [card]});
        let redaction = redact(body).unwrap();
        let placeholder = "[CARD_1_040g2081]";
        let expected = json!({"seed": card, "tool": {"card": placeholder, "float": placeholder,
            "id": "-[IL_ID_1_040g2081]", "half": 0.5, "max": 100}, "rows": [placeholder]});
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
        let body = json!("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123456782");
        let redaction = redact(body).unwrap();
        assert_eq!(redaction.body.get(), "[SECRET_1_040g2081][IL_ID_1_040g2081]");
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
            findings: Findings({\"email\": 1}) }"
        );
        let (id, body) = redaction.body.into_parts();
        assert_eq!((id, body), (action(), json!({"content": "[EMAIL_1_040g2081]"})));
    }
}
