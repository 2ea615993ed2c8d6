//! Puts originals back into a text that arrives in pieces. The whole text is one piece of the same code, so that the two
//! cannot differ.

use core::fmt;
use std::ops::Bound;

use crate::placeholder::MAX_LEN;
use crate::render::{Context, HostAfter, MAX_HOST};
use crate::vault::Vault;

/// The most bytes that a [`Restorer`] holds back: the longest placeholder, and what shows whether a host name goes on
/// after it. Of text without `[` nothing is held back.
pub const HOLD_BACK_BYTES: usize = MAX_LEN + MAX_HOST + 1;

/// What the text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Prose, which somebody will render.
    Text,
    /// The source of a JSON text: originals are written as JSON strings have them, and nothing is rendered.
    JsonText,
    /// A value that nobody renders.
    Value,
}

/// What happens to placeholders where rendering would send them somewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Links {
    Keep,
    /// Policy names them: they are restored like any other.
    Restore,
}

/// One text that arrives in pieces.
pub struct Restorer {
    vault: Vault,
    form: Form,
    links: Links,
    context: Context,
    /// Begins with `[` if it is not empty.
    held: String,
    left: usize,
}

impl fmt::Debug for Restorer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Restorer").field("held", &self.held.len()).finish_non_exhaustive()
    }
}

/// What the text at a `[` is.
enum Found<'v> {
    /// No placeholder of this vault begins here.
    Nothing,
    /// More has to be read first.
    Unclear,
    Placeholder(&'v str, &'v str),
}

impl Restorer {
    pub(crate) fn new(vault: Vault, form: Form, links: Links) -> Self {
        Self { vault, form, links, context: Context::default(), held: String::new(), left: usize::MAX }
    }

    /// Beyond this many bytes of originals placeholders stay: an answer may repeat one long value without end.
    #[must_use]
    pub fn with_limit(mut self, bytes: usize) -> Self {
        self.left = bytes;
        self
    }

    /// How many bytes are held back: at most [`HOLD_BACK_BYTES`].
    pub fn held(&self) -> usize {
        self.held.len()
    }

    /// What of the text so far may leave now, beyond what already has.
    pub fn push(&mut self, piece: &str) -> String {
        if self.vault.is_empty() {
            return piece.to_owned();
        }
        if self.held.is_empty() { self.read(piece, false) } else { self.again(piece, false) }
    }

    /// The rest, at the end of the text.
    pub fn finish(&mut self) -> String {
        let out = self.again("", true);
        self.context = Context::default();
        out
    }

    pub(crate) fn whole(mut self, text: &str) -> String {
        let mut out = self.push(text);
        out.push_str(&self.finish());
        out
    }

    fn again(&mut self, piece: &str, ended: bool) -> String {
        let mut text = std::mem::take(&mut self.held);
        text.push_str(piece);
        self.read(&text, ended)
    }

    fn read(&mut self, text: &str, ended: bool) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(open) = rest.find('[') {
            let (before, from) = rest.split_at_checked(open).unwrap_or((rest, ""));
            self.pass(before, &mut out);
            let vault = self.vault.clone();
            match found(&vault, from, ended) {
                Found::Unclear => {
                    from.clone_into(&mut self.held);
                    return out;
                }
                Found::Nothing => {
                    self.pass("[", &mut out);
                    rest = from.get(1..).unwrap_or_default();
                }
                Found::Placeholder(placeholder, original) => {
                    let after = from.get(placeholder.len()..).unwrap_or_default();
                    let Some(plain) = self.is_plain(after, ended) else {
                        from.clone_into(&mut self.held);
                        return out;
                    };
                    let before = out.len();
                    if plain && original.len() <= self.left {
                        self.insert(original, &mut out);
                        self.left = self.left.saturating_sub(out.len() - before);
                    } else {
                        out.push_str(placeholder);
                    }
                    self.step(placeholder);
                    rest = after;
                }
            }
        }
        self.pass(rest, &mut out);
        out
    }

    /// Whether an original put here would go nowhere; `None` while what follows is not known.
    fn is_plain(&self, after: &str, ended: bool) -> Option<bool> {
        if self.form != Form::Text || self.links == Links::Restore {
            return Some(true);
        }
        if !self.context.is_plain() {
            return Some(false);
        }
        let mut host = HostAfter::default();
        let continues = after.bytes().find_map(|byte| host.step(byte));
        continues.or(ended.then_some(false)).map(|continues| !continues)
    }

    fn pass(&mut self, text: &str, out: &mut String) {
        out.push_str(text);
        self.step(text);
    }

    fn step(&mut self, text: &str) {
        if self.form == Form::Text && self.links == Links::Keep {
            text.bytes().for_each(|byte| self.context.step(byte));
        }
    }

    fn insert(&self, original: &str, out: &mut String) {
        if self.form == Form::JsonText {
            let quoted = serde_json::Value::from(original).to_string();
            out.push_str(quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default());
        } else {
            out.push_str(original);
        }
    }
}

/// Looks for a placeholder of the vault at the beginning of a text.
fn found<'v>(vault: &'v Vault, text: &str, ended: bool) -> Found<'v> {
    let window = text.as_bytes().iter().take(MAX_LEN);
    if let Some(close) = window.clone().position(|byte| *byte == b']') {
        let placeholder = vault.0.get_key_value(text.get(..=close).unwrap_or_default());
        return placeholder
            .map_or(Found::Nothing, |(placeholder, original)| Found::Placeholder(placeholder, original));
    }
    if ended || window.len() == MAX_LEN {
        return Found::Nothing;
    }
    let from = (Bound::Included(text), Bound::Unbounded);
    let next = vault.0.range::<str, _>(from).next();
    if next.is_some_and(|(placeholder, _)| placeholder.starts_with(text)) {
        Found::Unclear
    } else {
        Found::Nothing
    }
}
