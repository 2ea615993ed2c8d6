//! How the model's words are put before their caller: detected types taken out first if policy says so, then the
//! caller's own values put back where policy says so.

use std::collections::BTreeSet;

use domain::RestoreField;
use redact::{AnswerRedactor, Detectors, Form, Links, Restorer, Vault};
use serde_json::Value;

use super::leaves::{self, Field};
use crate::dialect::Dialect;

/// Longest text of one leaf after restoring. Beyond it the placeholders stay: an answer can repeat the placeholder of a
/// long value without end.
const MAX_RESTORED_BYTES: usize = 2 * 1024 * 1024 + 512 * 1024;

/// The rules of one call.
#[derive(Debug, Clone)]
pub struct Render {
    vault: Vault,
    restore: BTreeSet<RestoreField>,
    /// Detectors for the model's own words; none if policy leaves them alone.
    detectors: Option<&'static Detectors>,
}

/// One text that arrives in pieces.
#[derive(Debug)]
pub struct Slot {
    redactor: Option<AnswerRedactor>,
    restorer: Option<Restorer>,
}

impl Render {
    pub const fn new(
        vault: Vault,
        restore: BTreeSet<RestoreField>,
        detectors: Option<&'static Detectors>,
    ) -> Self {
        Self { vault, restore, detectors }
    }

    /// Whether answers pass as they came.
    pub fn is_idle(&self) -> bool {
        self.detectors.is_none() && (self.vault.is_empty() || self.restore.is_empty())
    }

    pub const fn redacts(&self) -> bool {
        self.detectors.is_some()
    }

    fn form(&self, field: Field) -> Option<Form> {
        let (named, form) = match field {
            Field::Text => (RestoreField::Text, Form::Text),
            Field::Reasoning => (RestoreField::Reasoning, Form::Text),
            Field::Arguments | Field::ArgumentsValue => (RestoreField::ToolArguments, Form::JsonText),
            Field::Signed => return None,
        };
        (self.restore.contains(&named) && !self.vault.is_empty()).then_some(form)
    }

    fn links(&self) -> Links {
        if self.restore.contains(&RestoreField::Links) { Links::Restore } else { Links::Keep }
    }

    /// A new text of this kind.
    pub fn slot(&self, field: Field) -> Slot {
        let restorer = self.form(field).map(|form| {
            // Within tool arguments a link is data like any other.
            let links = if form == Form::JsonText { Links::Restore } else { self.links() };
            self.vault.restorer(form, links).with_limit(MAX_RESTORED_BYTES)
        });
        Slot { redactor: self.detectors.map(AnswerRedactor::new), restorer }
    }

    /// A whole text.
    pub fn text(&self, field: Field, text: &str) -> String {
        let mut slot = self.slot(field);
        let mut whole = slot.push(text);
        whole.push_str(&slot.finish());
        whole
    }

    /// A leaf of a whole answer.
    pub fn leaf(&self, field: Field, leaf: &mut Value) {
        match leaf {
            Value::String(text) if field != Field::ArgumentsValue => *text = self.text(field, text),
            value if self.form(field).is_some() => self.vault.restore_json(value, MAX_RESTORED_BYTES),
            _ => {}
        }
    }

    /// A whole answer.
    pub fn answer(&self, wire: Dialect, answer: &mut Value) {
        if self.is_idle() {
            return;
        }
        self.rest(answer);
        leaves::visit(wire, answer, &mut |field, leaf| self.leaf(field, leaf));
    }

    /// Every other string of an answer: detected types are taken out there too, wherever the dialect puts them.
    pub fn rest(&self, value: &mut Value) {
        let Some(detectors) = self.detectors else { return };
        match value {
            Value::String(text) => *text = redact::redact_answer_text(detectors, text).0,
            Value::Array(items) => items.iter_mut().for_each(|item| self.rest(item)),
            Value::Object(fields) => {
                let others = fields
                    .iter_mut()
                    .filter(|(name, field)| !(field.is_string() && KNOWN.contains(&name.as_str())));
                others.for_each(|(_, field)| self.rest(field));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

/// Strings that [`leaves`] and the streams see to by name, and those in which a changed byte would break something: ids,
/// signatures and what a provider encrypted.
const KNOWN: [&str; 17] = [
    "arguments",
    "call_id",
    "content",
    "data",
    "delta",
    "encrypted_content",
    "id",
    "input",
    "item_id",
    "partial_json",
    "reasoning",
    "reasoning_content",
    "refusal",
    "signature",
    "text",
    "thinking",
    "type",
];

impl Slot {
    /// What of it may leave now.
    pub fn push(&mut self, piece: &str) -> String {
        let redacted = self.redactor.as_mut().map(|redactor| redactor.push(piece));
        let piece = redacted.as_deref().unwrap_or(piece);
        match &mut self.restorer {
            Some(restorer) => restorer.push(piece),
            None => piece.to_owned(),
        }
    }

    /// What was held back.
    pub fn finish(&mut self) -> String {
        let rest = self.redactor.as_mut().map(AnswerRedactor::finish).unwrap_or_default();
        match &mut self.restorer {
            Some(restorer) => {
                let mut out = restorer.push(&rest);
                out.push_str(&restorer.finish());
                out
            }
            None => rest,
        }
    }
}
