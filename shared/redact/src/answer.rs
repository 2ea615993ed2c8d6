//! Takes detected types out of the model's own words, whole or while they arrive.
//!
//! A text is searched in stretches that depend on the text alone: up to a line feed, or up to the last white space of
//! [`STRETCH_BYTES`]. A stretch that opens a private key goes on to the line that ends it. So the pieces in which a text
//! arrives change nothing, and what is held back is bounded; a value that is split between two lines is not found.

use core::fmt;

use std::sync::Arc;

use crate::findings::Findings;
use crate::hits::Hit;
use crate::policy::{Action, Direction, Policy};
use crate::settle::settled;

/// Longest stretch of ordinary text.
const STRETCH_BYTES: usize = 1_024;

/// The most bytes that an [`AnswerRedactor`] holds back: one stretch, or one private key.
pub const ANSWER_HOLD_BACK_BYTES: usize = 8_192;

const KEY_BEGINS: &str = "-----BEGIN ";
const KEY_ENDS: &str = "-----END ";

/// One text of an answer that arrives in pieces.
pub struct AnswerRedactor {
    policy: Arc<Policy>,
    held: String,
    findings: Findings,
}

impl fmt::Debug for AnswerRedactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnswerRedactor").field("held", &self.held.len()).finish_non_exhaustive()
    }
}

/// A whole text, and what was found in it.
pub fn redact_answer_text(policy: &Arc<Policy>, text: &str) -> (String, Findings) {
    let mut redactor = AnswerRedactor::new(policy);
    let mut out = redactor.push(text);
    out.push_str(&redactor.finish());
    (out, redactor.findings)
}

impl AnswerRedactor {
    pub fn new(policy: &Arc<Policy>) -> Self {
        Self { policy: Arc::clone(policy), held: String::new(), findings: Findings::default() }
    }

    /// How many bytes are held back: at most [`ANSWER_HOLD_BACK_BYTES`].
    pub fn held(&self) -> usize {
        self.held.len()
    }

    pub const fn findings(&self) -> &Findings {
        &self.findings
    }

    /// The stretches that `piece` ends, each finding replaced by `[REDACTED_EMAIL]` and its like.
    pub fn push(&mut self, piece: &str) -> String {
        self.held.push_str(piece);
        let held = std::mem::take(&mut self.held);
        let mut out = String::new();
        let mut rest = held.as_str();
        while let Some((stretch, after)) = stretch(rest) {
            self.search(stretch, &mut out);
            rest = after;
        }
        rest.clone_into(&mut self.held);
        out
    }

    /// The rest, at the end of the text.
    pub fn finish(&mut self) -> String {
        let held = std::mem::take(&mut self.held);
        let mut out = String::new();
        self.search(&held, &mut out);
        out
    }

    fn search(&mut self, text: &str, out: &mut String) {
        let (policy, findings) = (Arc::clone(&self.policy), &mut self.findings);
        let apply = |hit: &Hit, original: &str, out: &mut String| {
            findings.count(policy.id(hit.kind), hit.action);
            if hit.action <= Action::Alert {
                out.push_str(original);
            } else {
                out.push_str("[REDACTED_");
                out.push_str(policy.label(hit.kind));
                out.push(']');
            }
        };
        // An answer cannot be refused here any more: what does not settle has lost what four rounds found.
        out.push_str(&settled(&policy, text, None, Direction::Answer, apply).0);
    }
}

/// The first stretch of a text and what follows it; `None` while its end is not known.
fn stretch(text: &str) -> Option<(&str, &str)> {
    let line = text.find('\n').map(|at| at + 1);
    let end = match line.filter(|end| *end <= STRETCH_BYTES) {
        Some(end) => end,
        None if text.len() > STRETCH_BYTES => cut(text),
        None => return None,
    };
    let end = if opens_key(text.get(..end)?) { key_end(text)? } else { end };
    text.split_at_checked(end)
}

/// After the last white space within the limit that stands between no two groups of digits, which may be one number; or
/// after the last at all, or at the limit.
fn cut(text: &str) -> usize {
    let limit = text.floor_char_boundary(STRETCH_BYTES);
    let head = text.get(..limit).unwrap_or_default();
    let whites = || {
        head.char_indices().rev().filter(|(_, c)| c.is_whitespace()).map(|(at, c)| (at, at + c.len_utf8()))
    };
    let is_digit = |c: Option<char>| c.is_some_and(char::is_numeric);
    let apart = |(at, end): &(usize, usize)| {
        let before = head.get(..*at).and_then(|before| before.chars().next_back());
        let after = text.get(*end..).and_then(|after| after.chars().next());
        !(is_digit(before) && is_digit(after))
    };
    whites().find(apart).or_else(|| whites().next()).map_or(limit, |(_, end)| end)
}

fn opens_key(stretch: &str) -> bool {
    stretch.find(KEY_BEGINS).is_some_and(|at| stretch.get(at..).is_some_and(|key| !key.contains(KEY_ENDS)))
}

/// Where the line ends that ends a key; at the bound if none does; `None` while neither is known.
fn key_end(text: &str) -> Option<usize> {
    let bound = text.floor_char_boundary(ANSWER_HOLD_BACK_BYTES);
    let within = text.get(..bound)?;
    let line = within.find(KEY_ENDS).and_then(|at| Some(at + within.get(at..)?.find('\n')? + 1));
    line.or((text.len() > ANSWER_HOLD_BACK_BYTES).then_some(bound))
}
