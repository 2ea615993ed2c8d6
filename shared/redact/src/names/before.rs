//! Streets that stand before their number (`Hauptstraße 12`, `Via Roma 12`, `Izabella u. 34`) or before a postcode.

use super::address::{Core, MAX_WORDS, compound, is_acronym};
use super::gazetteer::flag;
use super::tail::postcode_then_place;
use super::text::{Shape, Text, Word};

/// The street before its number.
pub(super) fn before(text: &Text, start: usize, end: usize, floor: usize) -> Option<Core> {
    let last = word_before_number(text, start).filter(|w| w.start >= floor && !w.has(flag::CALENDAR))?;
    let core = |start, score| Some(Core { start, end, score });
    if let Some(score) = compound(text, &last) {
        return core(compound_start(text, &last, floor), score);
    }
    named_before(text, &last, floor).and_then(|(start, score)| core(start, score))
}

/// `boulevard Voltaire / 75011 Paris`: a street without number, from the postcode of the next line.
pub(super) fn unnumbered(text: &Text, start: usize, floor: usize) -> Option<Core> {
    let line = text.before_blanks(start);
    let break_at = line.checked_sub(1).filter(|at| matches!(text.byte(*at), b'\n' | b','))?;
    let end = postcode_then_place(text, start)?;
    let last = word_before_dot(text, text.before_blanks(break_at)).filter(|w| w.start >= floor)?;
    let (begin, score) = match compound(text, &last) {
        Some(score) => (compound_start(text, &last, floor), score),
        None => named_before(text, &last, floor)?,
    };
    (score > 0.7).then_some(Core { start: begin, end, score: 0.6 })
}

/// The word before a number, over blanks, a comma and `no.` between them.
fn word_before_number(text: &Text, start: usize) -> Option<Word> {
    let gap = text.before_blanks(start);
    let gap = text.before_blanks(gap - usize::from(gap > 0 && text.byte(gap - 1) == b','));
    match word_before_dot(text, gap) {
        Some(word)
            if word.has(flag::HOUSE_NO) && !word.is_capital()
                || word.has(flag::HOUSE_NO) && word.end < gap =>
        {
            let gap = text.before_blanks(word.start);
            let gap = text.before_blanks(gap - usize::from(gap > 0 && text.byte(gap - 1) == b','));
            word_before_dot(text, gap)
        }
        word => word,
    }
}

/// The word that ends at a place, or before a dot there.
fn word_before_dot(text: &Text, end: usize) -> Option<Word> {
    text.word_before(end)
        .or_else(|| text.word_before(end.checked_sub(1).filter(|dot| text.byte(*dot) == b'.')?))
}

/// `Willy-Brandt-Straße`, `Alte Poststraße`.
fn compound_start(text: &Text, last: &Word, floor: usize) -> usize {
    let mut start = last.start;
    for _ in 0..MAX_WORDS {
        let hyphen = start > 0 && text.byte(start - 1) == b'-';
        let end = if hyphen { start - 1 } else { text.before_blanks(start) };
        match text.word_before(end).filter(|w| w.start >= floor && end < start) {
            Some(word) if word.is_capital() && (hyphen || word.has(flag::PRE_WEAK)) => start = word.start,
            _ => break,
        }
    }
    start
}

/// Walks back over the name of a street to its type: `via Giuseppe Verdi`, `Izabella u.`, or no type at all.
fn named_before(text: &Text, last: &Word, floor: usize) -> Option<(usize, f32)> {
    let (mut word, mut capitals, mut start) = (*last, 0, None);
    for index in 0..MAX_WORDS {
        if word.has(flag::PRE | flag::PRE_WEAK) && index > 0 && capitals > 0 {
            let weak = !word.has(flag::PRE);
            return Some((word.start, if weak { 0.42 } else { 0.8 }));
        }
        if word.has(flag::CALENDAR) {
            return None;
        }
        if index > 0 && word.has(flag::AFTER | flag::AFTER_WEAK | flag::CUE_STRONG) {
            break;
        }
        if word.is_capital() && word.shape != Shape::Camel {
            (capitals, start) = (capitals + 1, Some(word.start));
        } else if !(word.has(flag::PARTICLE)
            || index == 0 && word.has(flag::STREET | flag::STREET_WEAK)
            || index == 1 && is_lower_name(last, &word))
        {
            break;
        }
        let joint = text.before_blanks(word.start);
        let joint = joint - usize::from(joint > 0 && matches!(text.byte(joint - 1), b'-' | b'\''));
        match word_before_dot(text, joint).filter(|w| w.start >= floor) {
            Some(next) if joint < word.start || next.end < joint => word = next,
            _ => break,
        }
    }
    untyped(last, start?, capitals)
}

/// `Árpád fejedelem útja`: one word in lower case before a type in lower case.
fn is_lower_name(kind: &Word, word: &Word) -> bool {
    kind.has(flag::STREET) && !kind.is_capital() && !word.has(flag::WORD)
}

/// A street whose type follows its name, or is not said.
fn untyped(last: &Word, start: usize, capitals: usize) -> Option<(usize, f32)> {
    let is_type = last.has(flag::STREET | flag::STREET_WEAK) && start < last.start;
    match (is_type, last.has(flag::STREET)) {
        (true, true) => Some((start, 0.7)),
        (true, false) => Some((start, 0.42)),
        _ => {
            let other =
                flag::WORD | flag::ORG | flag::MILITARY | flag::UNIT | flag::TITLE | flag::POSTCODE_CUE;
            let score = if last.has(other) { 0.22 } else { 0.32 };
            (capitals <= 4 && !is_acronym(last)).then_some((start, score))
        }
    }
}
