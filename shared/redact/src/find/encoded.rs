//! Where something may be written in another way: escapes, and runs of base64 or hexadecimal digits.

use super::{Sweep, run_of};
use crate::shortcut;
use crate::steps::{Stage, count};

/// The shortest run that is worth decoding.
pub(super) const LEAST: usize = 12;
/// The longest.
const MOST: usize = 65_536;
/// The longest literal that a key begins with (`tprv`).
const LONGEST_BEGINNING: usize = 4;
/// Fewest characters with a space between each two that count as one text.
const LEAST_SPACED: usize = 9;
/// Longest name of an HTML entity, `&` and `;` included.
const MAX_ENTITY: usize = 12;

/// A run of characters of base64, in bytes of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) kind: RunKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RunKind {
    Base64,
    Hex,
    Spaced,
}

const fn is_base64(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_')
}

/// Whether an escape begins here: `%40`, `&#64;`, `&commat;`, `\u0040`, `\x40`.
pub(super) fn is_escape(bytes: &[u8], at: usize) -> bool {
    let byte = |ahead: usize| bytes.get(at.saturating_add(ahead)).copied().unwrap_or_default();
    match byte(0) {
        b'%' => byte(1).is_ascii_hexdigit() && byte(2).is_ascii_hexdigit(),
        b'\\' => {
            matches!(byte(1), b'u' | b'x' | b'U' | b'n' | b'r' | b't' | b'b' | b'f' | b'"' | b'/' | b'\\')
        }
        _ => {
            (byte(1) == b'#' || byte(1).is_ascii_alphabetic())
                && (2..MAX_ENTITY).any(|ahead| byte(ahead) == b';')
        }
    }
}

impl Sweep<'_, '_> {
    /// The run around `at`, read once.
    pub(super) fn encoded(&mut self, at: usize) {
        if at < self.run_end {
            return;
        }
        self.spaced(at);
        if let Some(end) = self.end_if_short(at) {
            self.run_end = end;
            return;
        }
        let before = self.bytes.get(self.run_end..at).unwrap_or_default().iter().rev();
        let start = at.saturating_sub(before.take(MOST).take_while(|byte| is_base64(byte)).count());
        count(Stage::Sweep, at.saturating_sub(start));
        let length = run_of(self.bytes, start, is_base64);
        let mut end = start.saturating_add(length);
        self.run_end = end;
        if !(LEAST..=MOST).contains(&length) {
            return;
        }
        self.words(start.saturating_add(LONGEST_BEGINNING));
        let run = self.bytes.get(start..end).unwrap_or_default();
        count(Stage::Sweep, 2 * run.len());
        let is_hex = length.is_multiple_of(2) && run.iter().all(u8::is_ascii_hexdigit);
        let is_number = run.iter().all(|byte| byte.is_ascii_digit() || *byte == b'-');
        end = end.saturating_add(run_of(self.bytes, end, |byte| *byte == b'=').min(2));
        if !is_number || is_hex {
            let kind = if is_hex { RunKind::Hex } else { RunKind::Base64 };
            self.layers.runs.push(Run { start, end, kind });
        }
    }

    /// The end of the run around `at` if it begins there and is too short to be decoded, as most words are.
    #[inline]
    fn end_if_short(&self, at: usize) -> Option<usize> {
        if !shortcut::taken() || at > self.run_end && self.before(at).is_some_and(|byte| is_base64(&byte)) {
            return None;
        }
        let eight = self.bytes.get(at..).and_then(|rest| rest.first_chunk::<8>())?;
        let stop = eight.iter().position(|byte| !is_base64(byte))?;
        count(Stage::Sweep, stop);
        Some(at.saturating_add(stop))
    }

    /// `4 1 1 1 1 1 …`: single characters with one space between each two.
    pub(super) fn spaced(&mut self, at: usize) {
        let is_single = |at: usize| {
            self.byte(at).is_some_and(|byte| byte.is_ascii_graphic())
                && self.byte(at.saturating_add(1)).is_none_or(|byte| !byte.is_ascii_graphic())
        };
        let is_space = |at: usize| self.byte(at) == Some(b' ');
        if at < self.spaced_end || !is_single(at) || !is_space(at.saturating_add(1)) {
            return;
        }
        let mut start = at;
        while let Some(before) = start.checked_sub(2).filter(|before| *before >= self.spaced_end) {
            let alone = before
                .checked_sub(1)
                .is_none_or(|at| !self.byte(at).is_some_and(|byte| byte.is_ascii_graphic()));
            if !is_space(before.saturating_add(1)) || !is_single(before) || !alone {
                break;
            }
            start = before;
        }
        let mut end = at.saturating_add(1);
        while is_space(end) && is_single(end.saturating_add(1)) {
            end = end.saturating_add(2);
        }
        count(Stage::Sweep, end.saturating_sub(start));
        self.spaced_end = end;
        if end.saturating_sub(start) / 2 + 1 >= LEAST_SPACED {
            self.layers.runs.push(Run { start, end, kind: RunKind::Spaced });
        }
    }
}
