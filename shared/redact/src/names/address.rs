//! Street addresses, found from their numbers: the street follows (`12 Main Street`, `12, rue de la Paix`) or comes
//! before (`Hauptstraße 12`, `Via Roma 12`, `ul. Długa 12`); boxes and military post likewise.

use super::after::after;
use super::before::{before, unnumbered};
use super::gazetteer::flag;
use super::post::{boxed, military};
use super::tail::{extend, house_number};
use super::text::{Shape, Text, Word};
use super::{Entity, NameKind};
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

/// Looks at a number; the address around it, which begins at `floor` or later, or where to go on.
pub(crate) fn at(text: &Text, start: usize, floor: usize) -> Result<Entity, usize> {
    let run = run_of_digits(text, start);
    let Some(end) = house_number(text, start).filter(|end| is_free(text, start, *end)) else {
        return Err(run);
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

/// No part of a time, date, amount, version, identifier or link.
fn is_free(text: &Text, start: usize, end: usize) -> bool {
    let before = text.char_before(start).unwrap_or(' ');
    let (after, next) = (text.byte(end), text.byte(end + 1));
    let opens =
        before.is_whitespace() || matches!(before, '(' | '"' | '\'' | '“' | '>' | ',' | ':' | '?' | '.');
    let is_within =
        matches!(before, '.' | ',' | ':') && text.char_before(start - 1).is_some_and(|c| c.is_ascii_digit());
    let goes_on =
        matches!(after, b'%' | b'_' | b'=' | b'@' | b'+' | b'/' | b'-') || after.is_ascii_alphanumeric();
    let has_fraction = matches!(after, b'.' | b',' | b':') && next.is_ascii_digit();
    opens && !is_within && !goes_on && !has_fraction
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
