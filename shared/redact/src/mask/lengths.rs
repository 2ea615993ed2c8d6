//! Lengths of tokens: what tells most masks from a text before a byte of either is compared.

use super::{MAX_MASK, Mask, small};

/// How long the tokens around an anchor are, and how far apart: the one at the anchor, the one after it and the one before.
/// Masks are whole tokens, so this alone tells most of them from a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lengths {
    /// A byte each: the token at the anchor, the gap after it and the next token, the gap before it and the last one.
    pub(super) all: u64,
    /// The bytes that count; a mask minds nothing that stands outside it.
    pub(super) minded: u64,
}

const AT_ANCHOR: u64 = 0xff;
const AFTER: u64 = 0xff_ff00;
pub(super) const BEFORE: u64 = 0xff_ff00_0000;

impl Lengths {
    pub(super) fn of(mask: &Mask) -> Self {
        let (lead, anchored) = mask.text.split_at_checked(mask.lead).unwrap_or_default();
        let first = token(anchored.iter());
        let ends = first == anchored.len();
        let after = if ends { 0 } else { AFTER };
        let before = if lead.is_empty() { 0 } else { BEFORE };
        Self {
            all: lengths(&mask.text, mask.lead, first) & (AT_ANCHOR | after | before),
            minded: AT_ANCHOR | after | before,
        }
    }
}

/// Those around the token of `first` bytes at `anchor`.
pub(super) fn lengths(text: &[u8], anchor: usize, first: usize) -> u64 {
    let (before, rest) = text.split_at_checked(anchor).unwrap_or_default();
    let rest = rest.get(first..).unwrap_or_default();
    let gap_after = gap(rest.iter());
    let second = token(rest.iter().skip(gap_after));
    let gap_before = gap(before.iter().rev());
    let last = token(before.iter().rev().skip(gap_before));
    [last, gap_before, second, gap_after, first]
        .iter()
        .fold(0, |all, length| all << 8 | u64::from(small(*length)))
}

/// How many letters and digits come first, as far as masks go.
pub(super) fn token<'t>(text: impl Iterator<Item = &'t u8>) -> usize {
    text.take(MAX_MASK + 1).take_while(|byte| byte.is_ascii_alphanumeric()).count()
}

/// How many other bytes come first, as far as masks go.
fn gap<'t>(text: impl Iterator<Item = &'t u8>) -> usize {
    text.take(MAX_GAP).take_while(|byte| !byte.is_ascii_alphanumeric()).count()
}

/// Longer gaps are not told apart.
const MAX_GAP: usize = 4;
