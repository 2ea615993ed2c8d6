//! Persons in Hebrew, which has no capitals: listed names, titles and introductions, with the one-letter prefixes
//! (ו ה ב כ ל מ ש) that stand glued before a name.

use super::cues::Cues;
use super::fold::{Folded, is_mark};
use super::gazetteer::{Key, flag, flags_of};
use super::text::{Text, Word};
use super::{Entity, NameKind};
use crate::shortcut;

/// The letters that glue to the word after them.
pub(super) const PREFIXES: [char; 7] = ['ו', 'ה', 'ב', 'כ', 'ל', 'מ', 'ש'];

const fn is_prefix(c: char) -> bool {
    matches!(c, 'ו' | 'ה' | 'ב' | 'כ' | 'ל' | 'מ' | 'ש')
}

/// Words of a name after an introduction.
const MAX_WORDS: usize = 3;

#[rustfmt::skip]
pub(super) const TITLES: &[&str] = &[
    "מר", "גברת", "גב", "גב'", "גב׳", "ד\"ר", "ד״ר", "דר'",
    "דר", "פרופ", "פרופ'", "פרופ׳", "פרופסור", "עו\"ד", "עו״ד", "רו\"ח",
    "רו״ח", "הרב", "הרבנית", "אדון", "השופט", "השופטת", "דוקטור", "ח\"כ",
    "ח״כ", "סמל", "סרן", "רס\"ן", "סא\"ל", "אל\"מ", "הגברת", "האדון",
];

fn is_title(word: &str) -> bool {
    TITLES.contains(&word)
}

/// Words that mean something to their neighbours: no name, and nothing is found behind a prefix in them.
const OTHER: u32 = flag::WORD | flag::PLACE | flag::CUE | flag::CUE_STRONG | flag::SALUTE | flag::AFTER_WEAK;

/// The end of the word at a place if that is plainly no name, which most words are not: letters alone that are neither a
/// listed name nor a title nor begin a place, and that no other word introduces.
pub(crate) fn end_if_plain(text: &Text, start: usize) -> Option<usize> {
    let word = text.hebrew_word(start).filter(|_| shortcut::taken())?;
    let is_abbreviated = matches!(text.byte(word.end), b'"' | b'\'');
    if is_abbreviated || word.has(flag::GIVEN | flag::SURNAME) || text.may_be_heeded(word.key) {
        return None;
    }
    let is_plain = || {
        text.cues_before(start).flags & (flag::CUE_STRONG | flag::SALUTE) == 0
            && !hides_given(text, &word)
            && !next_word(text, word.end).is_some_and(|next| is_only_surname(&next))
    };
    (word.has(OTHER) || is_plain()).then_some(word.end)
}

/// Whether letters are a given name behind a prefix, short of what makes [`stripped`] sure of it.
fn hides_given(text: &Text, word: &Word) -> bool {
    let letters = text.slice(word.start, word.end);
    let rest = letters.strip_prefix(is_prefix).unwrap_or_default();
    text.flags(Key::of(rest.as_bytes())) & flag::GIVEN != 0
}

/// Looks at the Hebrew word that begins at `start`; returns where to go on.
pub(crate) fn at(text: &Text, start: usize, out: &mut Vec<Entity>) -> usize {
    let Some(end) = word_end(text, start) else { return start + 'א'.len_utf8() };
    let token = text.slice(start, end);
    if let Some(name) = title(token).then(|| text.after_blanks(end)).filter(|next| *next > end) {
        return match name_after(text, name, true) {
            Some(last) => push(out, name, last, 0.85),
            None => end,
        };
    }
    let Some(word) = text.word_at(start).filter(|w| w.end == end) else { return end };
    if let Some(end) = place_here(text, &word) {
        return end;
    }
    let whole = name_here(text, &word, false);
    let found = whole.or_else(|| stripped(text, &word).and_then(|rest| name_here(text, &rest, true)));
    let found = found.or_else(|| introduced(text, &word));
    match found {
        Some((first, last, score)) => push(out, first, last, score),
        None => end,
    }
}

fn push(out: &mut Vec<Entity>, start: usize, end: usize, score: f32) -> usize {
    out.push(Entity { start, end, kind: NameKind::Person, score });
    end
}

/// The end of a word with its points and the marks of abbreviations inside or after it: `ד"ר`, `גב'`.
fn word_end(text: &Text, start: usize) -> Option<usize> {
    let mut end = start;
    let mut chars = text.text.get(start..)?.chars().take(40).peekable();
    while let Some(c) = chars.next() {
        let is_inside = matches!(c, '"' | '״' | '\'' | '׳') && chars.peek().copied().is_some_and(is_hebrew);
        let is_geresh = matches!(c, '\'' | '׳') && end > start;
        if !(is_hebrew(c) || is_mark(c) || is_inside || is_geresh) {
            return Some(end);
        }
        end += c.len_utf8();
    }
    chars.peek().is_none().then_some(end)
}

const fn is_hebrew(c: char) -> bool {
    matches!(c, 'א'..='ת')
}

/// A title, or one after a prefix: `לד"ר`.
fn title(token: &str) -> bool {
    let bare = token.strip_prefix(is_prefix).unwrap_or_default();
    is_title(token)
        || is_title(bare) && bare.chars().count() > 2
        || matches!(token, "למר" | "ומר" | "שמר" | "מגב'" | "לגב'")
}

/// The end of a place of two words, also after a prefix: `בתל אביב`.
fn place_here(text: &Text, word: &Word) -> Option<usize> {
    let next = next_word(text, word.end)?;
    let is_place = |first: Key| text.flags(first.then(next.key)) & flag::PLACE != 0;
    let bare = text.slice(word.start, word.end).strip_prefix(is_prefix);
    let is_found =
        is_place(word.key) || bare.is_some_and(|bare| is_place(Key::of(Folded::of(bare).as_bytes())));
    is_found.then_some(next.end)
}

/// A name that begins with a listed given name, or a surname with something to go by.
fn name_here(text: &Text, word: &Word, is_stripped: bool) -> Option<(usize, usize, f32)> {
    let is_given = word.has(flag::GIVEN);
    let is_surname = word.has(flag::SURNAME) && !is_stripped && !word.has(flag::PLACE);
    if !is_given && !is_surname {
        return None;
    }
    let is_clear = !word.has(flag::WORD | flag::PLACE | flag::CALENDAR);
    let next = next_word(text, word.end);
    let surname = next.filter(|n| n.has(flag::SURNAME));
    let second = next.filter(|n| n.has(flag::GIVEN) && !n.has(flag::WORD | flag::PLACE));
    if let (true, Some(surname)) = (is_given, surname) {
        let last = hyphenated(text, surname.end);
        let score = match (is_clear, !surname.has(flag::WORD), is_stripped) {
            (true, _, false) | (true, true, true) => 0.9,
            (false, true, false) => 0.75,
            (true, false, true) => 0.65,
            _ => {
                if is_cued(text.cues_before(word.start)) {
                    0.65
                } else {
                    0.4
                }
            }
        };
        return (score >= 0.5).then_some((word.start, last, score));
    }
    if let (true, true, Some(second)) = (is_given, is_clear, second) {
        let third = next_word(text, second.end).filter(|n| n.has(flag::SURNAME) && !n.has(flag::WORD));
        return Some((word.start, third.map_or(second.end, |n| n.end), 0.75));
    }
    let followed =
        next.filter(|n| !n.has(flag::WORD | flag::AFTER_WEAK | flag::ANY_CUE | flag::PRE | flag::PARTICLE));
    alone(text, word, is_clear, is_given, is_stripped, followed)
}

/// One listed word: by itself if it is a given name and nothing else, otherwise with words around it.
fn alone(
    text: &Text,
    word: &Word,
    is_clear: bool,
    is_given: bool,
    is_stripped: bool,
    next: Option<Word>,
) -> Option<(usize, usize, f32)> {
    let cues = text.cues_before(word.start);
    let is_street = cues.flags & (flag::PRE | flag::PRE_WEAK) != 0;
    let letters = (word.end - word.start) / 'א'.len_utf8();
    let is_followed = next_word(text, word.end).is_some_and(|n| n.has(flag::AFTER_WEAK));
    if is_street {
        return None;
    }
    if cues.flags & flag::CUE_STRONG != 0 {
        return Some((word.start, next.map_or(word.end, |n| n.end), 0.8));
    }
    let score = match (is_given, is_clear) {
        (true, true) if !is_stripped && letters > 2 => 0.6,
        (true, true) if letters > 3 => 0.55,
        (true, true) if is_cued(cues) || is_followed => 0.6,
        (true, false) if cues.flags & flag::SALUTE != 0 && !is_stripped => 0.6,
        (true, false) if is_cued(cues) && is_followed => 0.55,
        _ => return None,
    };
    Some((word.start, word.end, score))
}

fn is_cued(cues: Cues) -> bool {
    cues.flags & flag::ANY_CUE != 0
}

/// Any word after `שמי` and the like, after a greeting or before a surname, if it is no ordinary one.
fn introduced(text: &Text, word: &Word) -> Option<(usize, usize, f32)> {
    if word.has(OTHER) {
        return None;
    }
    let cues = text.cues_before(word.start);
    if cues.flags & flag::CUE_STRONG != 0 {
        return Some((word.start, name_after(text, word.start, false).unwrap_or(word.end), 0.7));
    }
    let is_greeted = cues.flags & flag::SALUTE != 0
        && !cues.is_newline
        && matches!(text.byte(word.end), b',' | b'!' | b'\n');
    let surname = next_word(text, word.end).filter(is_only_surname);
    match surname {
        Some(surname) if word.flags & !flag::GIVEN == 0 => {
            Some((word.start, hyphenated(text, surname.end), 0.55))
        }
        None if is_greeted => Some((word.start, word.end, 0.6)),
        _ => None,
    }
}

/// A listed surname that is nothing else.
const fn is_only_surname(word: &Word) -> bool {
    word.flags == flag::SURNAME
}

/// The end of a name of up to three words that begins at `start`: after a title any first word will do.
fn name_after(text: &Text, start: usize, is_titled: bool) -> Option<usize> {
    let first = text.word_at(start).filter(|w| is_titled || !w.has(flag::WORD))?;
    let mut end = hyphenated(text, first.end);
    for _ in 1..MAX_WORDS {
        let Some(next) =
            next_word(text, end).filter(|n| n.has(flag::ANY_NAME) && !n.has(flag::AFTER_WEAK | flag::CUE))
        else {
            break;
        };
        end = hyphenated(text, next.end);
    }
    Some(end)
}

/// `בן-דוד`, `לוי־כהן`.
fn hyphenated(text: &Text, end: usize) -> usize {
    let joint = text.char_at(end).filter(|c| matches!(c, '-' | '־'));
    let next = joint.and_then(|c| text.word_at(end + c.len_utf8()));
    next.filter(|w| text.char_at(w.start).is_some_and(is_hebrew)).map_or(end, |w| w.end)
}

/// The next Hebrew word after one blank on the line.
fn next_word(text: &Text, end: usize) -> Option<Word> {
    let next = text.after_blanks(end);
    let is_word = next > end && text.char_at(next).is_some_and(is_hebrew);
    text.word_at(next).filter(|_| is_word)
}

/// The word without its prefix, if what remains has at least three letters. No name has the article ה before it: names
/// are definite by themselves.
fn stripped(text: &Text, word: &Word) -> Option<Word> {
    let first = text.char_at(word.start).filter(|c| is_prefix(*c) && *c != 'ה')?;
    let start = word.start + first.len_utf8();
    // An ordinary word or a whole name is not taken apart.
    if word.has(OTHER) || word.end - start < 6 {
        return None;
    }
    let flags = flags_of(text.slice(start, word.end));
    (flags & flag::GIVEN != 0).then_some(Word {
        start,
        end: word.end,
        key: Key::EMPTY,
        flags,
        shape: word.shape,
    })
}
