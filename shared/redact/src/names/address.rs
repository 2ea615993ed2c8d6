//! Street addresses, found from their numbers: the street follows (`12 Main Street`, `12, rue de la Paix`) or comes
//! before (`Hauptstraße 12`, `Via Roma 12`, `ul. Długa 12`); boxes and military post likewise.

use super::after::after;
use super::before::{before, unnumbered};
use super::gazetteer::flag;
use super::post::{boxed, may_end_a_box, military};
use super::tail::{digits, extend, house_number};
use super::text::{Shape, Text, Word};
use super::{Entity, NameKind};
use crate::shortcut;
use crate::steps::{Stage, count};

/// Words that a street's name may have.
pub(super) const MAX_WORDS: usize = 6;

/// A street with its number, and how sure that is without what follows it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Core {
    pub start: usize,
    pub end: usize,
    pub score: f32,
}

/// The end of a number that plainly belongs to no address, as most do not: `the last 12 lines of it`. One blank on either
/// side, and words in lower case that have to do with no street, box or post.
pub(crate) fn end_if_plain(text: &Text, start: usize) -> Option<usize> {
    let end = digits(text, start, 1, 5).filter(|end| text.byte(*end) == b' ' && shortcut::taken())?;
    let gap = start.checked_sub(1).filter(|gap| text.byte(*gap) == b' ')?;
    let is_lower = gap.checked_sub(1).is_some_and(|before| text.byte(before).is_ascii_lowercase());
    let before = is_lower.then(|| text.word_before(gap)).flatten()?;
    let streets = flag::STREET | flag::STREET_WEAK | flag::PARTICLE;
    let is_plain = before.shape == Shape::Lower
        && !["ae", "ap", "aa"].contains(&text.slice(before.start, before.end))
        && !before.has(streets | flag::MILITARY | flag::HOUSE_NO)
        && compound(text, &before).is_none()
        && !may_end_a_box(text, start);
    (is_plain && leads_nowhere(text, end + 1)).then_some(end)
}

/// Whether the words from `at` on, one blank between them, are in lower case and no part of a street's name: what
/// [`after`](super::after) reads, without what it adds up.
fn leads_nowhere(text: &Text, mut at: usize) -> bool {
    let mut has_name = false;
    for index in 0..=MAX_WORDS {
        match text.byte(at) {
            b'a'..=b'z' => {}
            // A number may be an ordinal, but not the first.
            b'0'..=b'9' => return index == 0,
            b' ' | b'\t' | b'A'..=b'Z' | 0x80.. => return false,
            _ => return true,
        }
        let Some(word) = text.word_at(at) else { return false };
        let is_street = match index {
            0 => word.has(flag::PRE | flag::PRE_WEAK),
            _ => word.has(flag::STREET | flag::STREET_WEAK),
        };
        let stop = text.byte(word.end);
        if word.shape != Shape::Lower || stop >= 0x80 || is_street {
            return false;
        }
        if !has_name && compound(text, &word).is_some() {
            return false;
        }
        if index > 1 && !word.has(flag::PARTICLE | flag::STREET) {
            return true;
        }
        has_name |= !word.has(flag::PARTICLE);
        match stop {
            b' ' => at = word.end + 1,
            b'.' | b'-' | b'\'' | b'\t' => return false,
            _ => return true,
        }
    }
    true
}

/// Looks at a number; the address around it, which begins at `floor` or later, or where to go on.
pub(crate) fn at(text: &Text, start: usize, floor: usize) -> Result<Entity, usize> {
    let end = if is_open(text, start) { house_number(text, start) } else { None };
    let Some(end) = end.filter(|end| is_free(text, start, *end)) else {
        return Err(run_of_digits(text, start));
    };
    let sure = |core: Option<Core>| core.map(|core| finish(text, core)).filter(|found| found.score >= 0.5);
    sure(military(text, start, floor).or_else(|| boxed(text, start, end, floor)))
        .or_else(|| sure(before(text, start, end, floor)))
        .or_else(|| sure(after(text, start, end)))
        .or_else(|| sure(unnumbered(text, start, floor)))
        .ok_or(end)
}

/// The end of a run of digits of any length, so that it is passed over at once.
fn run_of_digits(text: &Text, start: usize) -> usize {
    let rest = text.text.as_bytes().get(start..).unwrap_or_default();
    let length = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    count(Stage::Names, length);
    start + length
}

/// Whether a number may begin here.
fn is_open(text: &Text, start: usize) -> bool {
    let before = text.char_before(start).unwrap_or(' ');
    before.is_whitespace() || matches!(before, '(' | '"' | '\'' | '“' | '>' | ',' | ':' | '?' | '.')
}

/// No part of a time, date, amount, version, identifier or link.
fn is_free(text: &Text, start: usize, end: usize) -> bool {
    let before = text.char_before(start).unwrap_or(' ');
    let (after, next) = (text.byte(end), text.byte(end + 1));
    let is_within =
        matches!(before, '.' | ',' | ':') && text.char_before(start - 1).is_some_and(|c| c.is_ascii_digit());
    let goes_on =
        matches!(after, b'%' | b'_' | b'=' | b'@' | b'+' | b'/' | b'-') || after.is_ascii_alphanumeric();
    let has_fraction = matches!(after, b'.' | b',' | b':') && next.is_ascii_digit();
    !is_within && !goes_on && !has_fraction
}

fn finish(text: &Text, core: Core) -> Entity {
    let start = core.start;
    let (end, followed) = extend(text, core.end);
    let cues = text.cues_before(start);
    let cued = if cues.flags & flag::ADDRESS_CUE != 0 { 0.2 } else { 0.0 };
    Entity { start, end, kind: NameKind::Address, score: (core.score + cued + followed).min(0.98) }
}

/// How sure a word is a street for its ending: `Hauptstraße`, `Elisering`.
pub(super) fn compound(text: &Text, word: &Word) -> Option<f32> {
    if word.has(flag::ANY_NAME | flag::WORD | flag::RARE | flag::PLACE) || word.shape == Shape::Camel {
        return None;
    }
    match (text.ending_flags(word), word.is_capital()) {
        (ending, true) if ending & flag::STREET != 0 => Some(0.8),
        // In lower case only where an address is expected.
        (ending, false) if ending & flag::STREET != 0 => Some(0.35),
        (ending, true) if ending & flag::STREET_WEAK != 0 => Some(0.42),
        _ => None,
    }
}

/// `RFC 2822`, `SOC 2`: no street.
pub(super) const fn is_acronym(word: &Word) -> bool {
    matches!(word.shape, Shape::Lower | Shape::Camel)
        || matches!(word.shape, Shape::Caps) && word.end - word.start < 6
}
