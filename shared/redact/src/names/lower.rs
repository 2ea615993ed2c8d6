//! Persons in messages typed without any capital: `my name is anna berg`, `ask mr. patel`. Case tells nothing there, so
//! only listed given names and introductions count, and only in messages of chat length.

use super::cues::Cues;
use super::gazetteer::flag;
use super::text::{Text, Word, is_letter};
use super::{Entity, NameKind};
use crate::steps::{Stage, count};

/// Longer texts without capitals are data, not messages.
const LONGEST: usize = 4096;

/// Adds the persons of a text that has no capitals; keeps `out` in order from `kept` on.
pub(crate) fn find(text: &Text, kept: usize, out: &mut Vec<Entity>) {
    if text.text.len() > LONGEST {
        return;
    }
    let addresses = out.len();
    let mut at = 0;
    while let Some(start) = next_letter(text, at) {
        let Some(word) = text.word_at(start) else { return };
        at = word.end;
        if let Some((end, score)) =
            person(text, &word).filter(|(end, _)| is_clear_of(out.get(kept..addresses), start, *end))
        {
            out.push(Entity { start, end, kind: NameKind::Person, score });
            at = end;
        }
    }
    if let Some(all) = out.get_mut(kept..) {
        all.sort_by_key(|found| found.start);
    }
}

fn is_clear_of(addresses: Option<&[Entity]>, start: usize, end: usize) -> bool {
    addresses.unwrap_or_default().iter().all(|a| end <= a.start || a.end <= start)
}

fn next_letter(text: &Text, at: usize) -> Option<usize> {
    let rest = text.text.get(at..)?;
    let found = rest.char_indices().find(|(_, c)| is_letter(*c)).map(|(offset, _)| at + offset);
    count(Stage::Names, found.unwrap_or(text.text.len()) - at);
    found
}

/// The end and score of a person that begins with a word.
fn person(text: &Text, word: &Word) -> Option<(usize, f32)> {
    if !is_free(word) || is_joined(text, word) {
        return None;
    }
    let cues = text.cues_before(word.start);
    let is_titled = cues.last.is_some_and(|last| last.has(flag::TITLE) && last.end - last.start < 5);
    let next = surname_after(text, word.end, other_words(word, cues));
    let last = next.map_or(word.end, |n| n.end);
    let is_listed = word.has(flag::ANY_NAME);
    match next {
        _ if cues.flags & flag::CUE_STRONG != 0 && !cues.is_newline && (is_listed || word.flags == 0) => {
            Some((last, 0.75))
        }
        _ if is_titled && (is_listed || word.flags == 0) => Some((last, 0.75)),
        Some(next) if word.has(flag::ANY_GIVEN) && next.has(flag::SURNAME) => Some((last, 0.8)),
        Some(_) if word.has(flag::GIVEN_STRONG) => Some((last, 0.7)),
        None if word.has(flag::GIVEN_STRONG) && word.end - word.start > 3 => Some((last, 0.55)),
        _ => None,
    }
}

/// Nothing but a name, or in no list at all.
const fn is_free(word: &Word) -> bool {
    let other = flag::WORD
        | flag::RARE
        | flag::PLACE
        | flag::PRODUCT
        | flag::CALENDAR
        | flag::ORG
        | flag::TITLE
        | flag::STREET;
    !word.has(other | flag::UNIT | flag::ANY_CUE | flag::AFTER | flag::AFTER_WEAK | flag::PARTICLE)
}

/// Part of an identifier, an address or a link.
fn is_joined(text: &Text, word: &Word) -> bool {
    let marks = |c: char| {
        c.is_alphanumeric() || matches!(c, '.' | '_' | '@' | '/' | '-' | '\\' | '#' | '=' | '$' | '<' | '&')
    };
    let next = text.char_at(word.end + 1).is_some_and(char::is_alphanumeric);
    let goes_on = matches!(text.byte(word.end), b'_' | b'@' | b'/' | b'\\' | b'=' | b'(' | b'0'..=b'9')
        || next && matches!(text.byte(word.end), b'.' | b'-' | b':');
    text.char_before(word.start).is_some_and(marks) || goes_on
}

/// The surname after a given name, an initial between them.
fn surname_after(text: &Text, end: usize, allowed: u32) -> Option<Word> {
    let next = text.after_blanks(end);
    let word = text.word_at(next).filter(|_| next > end)?;
    if word.end - word.start == 1 {
        let after = word.end + usize::from(text.byte(word.end) == b'.');
        let start = text.after_blanks(after);
        return text.word_at(start).filter(|w| start > after && is_surname(text, w, allowed));
    }
    Some(word).filter(|w| is_surname(text, w, allowed))
}

/// What a surname may be besides, the surer the given name is: `sarah miller`, `my name is anna berg`.
const fn other_words(given: &Word, cues: Cues) -> u32 {
    match (given.has(flag::GIVEN_STRONG), cues.flags & flag::CUE_STRONG != 0) {
        (true, true) => flag::RARE | flag::PLACE | flag::WORD,
        (true, false) => flag::RARE | flag::PLACE,
        _ => 0,
    }
}

fn is_surname(text: &Text, word: &Word, allowed: u32) -> bool {
    let is_listed = word.has(flag::SURNAME) && is_free(&Word { flags: word.flags & !allowed, ..*word });
    let is_unknown = word.flags == 0 && word.end - word.start > 3;
    !is_joined(text, word) && (is_listed || is_unknown || is_free(word) && word.has(flag::ANY_NAME))
}
