//! How the model's words are put before their caller: detected types taken out first if policy says so, then the
//! caller's own values put back where policy says so.

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::RestoreField;
use redact::{AnswerRedactor, Form, Links, Policy, Restorer, Vault};
use serde_json::{Map, Value};

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
    /// What is looked for in the model's own words; none if policy leaves them alone.
    dlp: Option<Arc<Policy>>,
}

/// One text that arrives in pieces.
#[derive(Debug)]
pub struct Slot {
    redactor: Option<AnswerRedactor>,
    restorer: Option<Restorer>,
}

impl Render {
    pub const fn new(vault: Vault, restore: BTreeSet<RestoreField>, dlp: Option<Arc<Policy>>) -> Self {
        Self { vault, restore, dlp }
    }

    /// Whether answers pass as they came.
    pub fn is_idle(&self) -> bool {
        self.dlp.is_none() && (self.vault.is_empty() || self.restore.is_empty())
    }

    pub const fn redacts(&self) -> bool {
        self.dlp.is_some()
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
        Slot { redactor: self.dlp.as_ref().map(AnswerRedactor::new), restorer }
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
            value => {
                if let Some(dlp) = &self.dlp {
                    search(dlp, value, &|_| false, &[], &mut Vec::new());
                }
                if self.form(field).is_some() {
                    self.vault.restore_json(value, MAX_RESTORED_BYTES);
                }
            }
        }
    }

    /// A whole answer.
    pub fn answer(&self, wire: Dialect, answer: &mut Value) {
        if self.is_idle() {
            return;
        }
        self.search(answer, &[]);
        leaves::visit(wire, answer, &mut |field, leaf| self.leaf(field, leaf));
    }

    /// Takes detected types out of every string of an answer or an event, wherever the dialect puts them. `pieces` are
    /// places of texts that come piece by piece, with `*` for any index: their slots search them.
    pub fn search(&self, value: &mut Value, pieces: &[&str]) {
        if let Some(dlp) = &self.dlp {
            search(dlp, value, &|name| OPAQUE.contains(&name), pieces, &mut Vec::new());
        }
    }
}

fn search(
    dlp: &Arc<Policy>,
    value: &mut Value,
    opaque: &dyn Fn(&str) -> bool,
    pieces: &[&str],
    at: &mut Vec<String>,
) {
    match value {
        Value::String(text) => *text = redact::redact_answer_text(dlp, text).0,
        Value::Array(items) => {
            at.push("*".to_owned());
            items.iter_mut().for_each(|item| search(dlp, item, opaque, pieces, at));
            at.pop();
        }
        Value::Object(fields) => {
            for (name, field) in fields.iter_mut() {
                at.push(name.clone());
                let skip = field.is_string() && (opaque(name) || is_piece(pieces, at));
                if !skip {
                    search(dlp, field, opaque, pieces, at);
                }
                at.pop();
            }
            clean_keys(dlp, fields);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn is_piece(pieces: &[&str], at: &[String]) -> bool {
    pieces.iter().any(|piece| piece.split('/').skip(1).eq(at.iter().map(String::as_str)))
}

/// Keys can be words too: those of a tool's arguments, for one.
fn clean_keys(dlp: &Arc<Policy>, fields: &mut Map<String, Value>) {
    let clean = |name: &String| redact::redact_answer_text(dlp, name).0;
    if fields.keys().any(|name| clean(name) != *name) {
        *fields = std::mem::take(fields).into_iter().map(|(name, value)| (clean(&name), value)).collect();
    }
}

/// Strings in which a changed byte would break something: ids, signatures, what a provider encrypted.
const OPAQUE: [&str; 9] = [
    "call_id",
    "data",
    "encrypted_content",
    "encrypted_index",
    "id",
    "item_id",
    "signature",
    "tool_use_id",
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
