//! What follows the street of an address within a couple of lines: unit, place, state, country, postcode.

use super::gazetteer::flag;
use super::text::{Shape, Text, Word};
use crate::shortcut;

/// Parts that one address may have after its street.
const MAX_PARTS: usize = 8;
const MAX_PLACE_WORDS: usize = 4;

/// The end of an address whose street ends at `end`, and what its parts add to the score.
pub(crate) fn extend(text: &Text, end: usize) -> (usize, f32) {
    let (mut reached, mut weight) = (end, 0.0_f32);
    for _ in 0..MAX_PARTS {
        let next = after_separator(text, reached);
        if shortcut::taken() && is_plain_word(text, next) {
            break;
        }
        let on_new_line = text.slice(reached, next).contains([',', '\n']);
        let part = unit(text, next)
            .map(|end| (end, 0.25))
            .or_else(|| state(text, next))
            .or_else(|| postcode_and_place(text, next, weight > 0.0, on_new_line).map(|end| (end, 0.3)))
            .or_else(|| place(text, next, on_new_line));
        match part.filter(|_| next > reached) {
            Some((end, more)) => (reached, weight) = (end, weight.max(more)),
            None => break,
        }
    }
    (reached, weight)
}

/// Whether a word in lower case stands here that is neither a unit nor a place: no part of an address begins so.
fn is_plain_word(text: &Text, at: usize) -> bool {
    let word = if text.byte(at).is_ascii_lowercase() { text.word_at(at) } else { return false };
    word.is_none_or(|word| !word.has(flag::UNIT) && !is_place_word(&word))
}

/// Where a postcode and its place end, if both stand there: `75002 Paris`.
pub(crate) fn postcode_then_place(text: &Text, at: usize) -> Option<usize> {
    postcode_and_place(text, at, false, true)
}

/// Passes over blanks, a comma or dot, and at most two line breaks.
fn after_separator(text: &Text, at: usize) -> usize {
    let mut at = at
        + usize::from(
            matches!(text.byte(at), b'.' | b',') && matches!(text.byte(at + 1), b' ' | b'\n' | b'\r' | b','),
        );
    at += usize::from(text.byte(at) == b',');
    at = text.after_blanks(at);
    for _ in 0..2 {
        let line = at + usize::from(text.byte(at) == b'\r');
        if text.byte(line) != b'\n' {
            break;
        }
        at = text.after_blanks(line + 1);
    }
    skip_bullet(text, at)
}

/// Lists and quoted mail put `-` or `>` before each line.
fn skip_bullet(text: &Text, at: usize) -> usize {
    let mut end = at;
    while end - at < 3 && matches!(text.byte(end), b'-' | b'>' | b'*' | b'|') {
        end += 1;
    }
    let is_bullet = text.byte(end) == b' ' || text.byte(end.saturating_sub(1)) == b'>';
    if end > at && is_bullet { text.after_blanks(end) } else { at }
}

/// `Apt. 5`, `Suite B`, `#12`, `3rd Floor`.
fn unit(text: &Text, at: usize) -> Option<usize> {
    if text.byte(at) == b'#' {
        return digits(text, at + 1, 1, 5);
    }
    if let Some(end) = digits(text, at, 1, 3) {
        let ordinal =
            end + if text.byte(end) == b'.' { 1 } else { text.word_at(end).map_or(0, |w| w.end - w.start) };
        let word = text.word_at(text.after_blanks(ordinal)).filter(|w| w.has(flag::UNIT))?;
        return Some(word.end);
    }
    let word = text.word_at(at).filter(|w| w.has(flag::UNIT))?;
    let number = text.after_blanks(word.end + usize::from(text.byte(word.end) == b'.'));
    let number = number + usize::from(text.byte(number) == b'#');
    house_number(text, number).or_else(|| {
        text.word_at(number).filter(|w| w.shape == Shape::Initial && number > word.end).map(|w| w.end)
    })
}

/// `12`, `12a`, `12-14`, `71/04`, `5B`.
pub(crate) fn house_number(text: &Text, at: usize) -> Option<usize> {
    let mut end = digits(text, at, 1, 5)?;
    for _ in 0..2 {
        let joint = usize::from(matches!(text.byte(end), b'-' | b'/'));
        end = digits(text, end + joint, 1, 5).filter(|_| joint > 0).unwrap_or(end);
    }
    let is_letter = text.byte(end).is_ascii_alphabetic() && !text.byte(end + 1).is_ascii_alphanumeric();
    Some(end + usize::from(is_letter))
}

/// The end of a run of digits of the given lengths.
pub(crate) fn digits(text: &Text, at: usize, least: usize, most: usize) -> Option<usize> {
    let count = (0..=most).take_while(|i| text.byte(at + i).is_ascii_digit()).count();
    (least..=most).contains(&count).then_some(at + count)
}

/// `CA`, `CA 90210`, `NSW 2000`.
fn state(text: &Text, at: usize) -> Option<(usize, f32)> {
    let word = text.word_at(at).filter(|w| w.has(flag::STATE) && w.shape == Shape::Caps)?;
    let next = text.after_blanks(word.end);
    Some(with_postcode(text, word.end, next))
}

fn with_postcode(text: &Text, end: usize, next: usize) -> (usize, f32) {
    postcode(text, next).filter(|_| next > end).map_or((end, 0.2), |code| (code, 0.3))
}

/// A postcode beside a place: after one, or before one on a new line.
fn postcode_and_place(text: &Text, at: usize, is_placed: bool, on_new_line: bool) -> Option<usize> {
    let end = postcode(text, at)?;
    let next = after_comma(text, end);
    let place = capitals(text, next).filter(|_| next > end);
    match place {
        Some(place) if on_new_line => Some(province(text, place)),
        _ => is_placed.then_some(end),
    }
}

fn after_comma(text: &Text, at: usize) -> usize {
    let at = at + usize::from(text.byte(at) == b',');
    let next = text.after_blanks(at);
    if text.byte(next) == b'\n' { text.after_blanks(next + 1) } else { next }
}

/// `(PD)` after an Italian town.
fn province(text: &Text, end: usize) -> usize {
    let open = text.after_blanks(end);
    let word = text
        .word_at(open + 1)
        .filter(|w| text.byte(open) == b'(' && w.shape == Shape::Caps && text.byte(w.end) == b')');
    word.map_or(end, |w| w.end + 1)
}

/// Shapes of postcodes, with the country's letters or without.
pub(crate) fn postcode(text: &Text, at: usize) -> Option<usize> {
    let at = after_country_letters(text, at);
    let end = numeric(text, at).or_else(|| alphanumeric(text, at))?;
    (!text.byte(end).is_ascii_alphanumeric()).then_some(end)
}

/// `D-`, `SE-`, `ΤΚ `.
fn after_country_letters(text: &Text, at: usize) -> usize {
    match text.word_at(at) {
        Some(word) if text.byte(word.end) == b'-' && word.end - at <= 2 && word.is_capital() => word.end + 1,
        Some(word) if text.slice(word.start, word.end) == "ΤΚ" => text.after_blanks(word.end),
        _ => at,
    }
}

/// `12345`, `12345-6789`, `25-802`, `674 52`, `2526 SV`, `1234`, `2087159`.
fn numeric(text: &Text, at: usize) -> Option<usize> {
    let end = digits(text, at, 2, 7)?;
    let (first, joint) = (end - at, text.byte(end));
    let second = digits(text, end + 1, 2, 4).map(|e| e - end - 1);
    match (first, joint, second) {
        (5, b'-', Some(4)) | (2, b'-', Some(3)) | (4, b'-', Some(3)) | (3, b' ', Some(2)) => {
            Some(end + 1 + second?)
        }
        (4, _, _) => Some(dutch_letters(text, end).unwrap_or(end)),
        (5..=7, _, _) => Some(end),
        _ => None,
    }
}

fn dutch_letters(text: &Text, end: usize) -> Option<usize> {
    let word = text.word_at(end + usize::from(text.byte(end) == b' '))?;
    (word.shape == Shape::Caps && word.end - word.start == 2).then_some(word.end)
}

/// `SW1A 1AA`, `M5V 2T6`.
fn alphanumeric(text: &Text, at: usize) -> Option<usize> {
    let run =
        |from: usize| (0..5).take_while(|i| matches!(text.byte(from + i), b'A'..=b'Z' | b'0'..=b'9')).count();
    let (outward, inward) = (run(at), run(at + run(at) + 1));
    let middle = at + outward;
    let has_digit = text.slice(at, middle).bytes().any(|b| b.is_ascii_digit());
    let is_british = text.byte(middle + 1).is_ascii_digit() && text.byte(at).is_ascii_uppercase();
    ((2..=4).contains(&outward) && inward == 3 && text.byte(middle) == b' ' && has_digit && is_british)
        .then_some(middle + 4)
}

/// A place: one that is listed, or capitalised words that a state, a postcode or a listed place follows.
fn place(text: &Text, at: usize, on_new_line: bool) -> Option<(usize, f32)> {
    if let Some(end) = listed_place(text, at) {
        return Some(with_postcode(text, end, text.after_blanks(end)));
    }
    let end = capitals(text, at).filter(|_| on_new_line)?;
    let next = after_separator(text, end);
    let is_listed = || listed_place(text, next).map(|_| 0.2);
    let evidence = state(text, next)
        .map(|(_, weight)| weight)
        .or_else(|| postcode(text, next).map(|_| 0.3))
        .or_else(is_listed);
    evidence.filter(|_| next > end).map(|weight| (end, weight))
}

/// One to three words that `places.txt` has.
fn listed_place(text: &Text, at: usize) -> Option<usize> {
    let first = text.word_at(at).filter(is_place_word)?;
    let (mut key, mut end) = (first.key, first.end);
    let mut found = first.has(flag::PLACE).then_some(end);
    for _ in 0..2 {
        let next = text.after_blanks(end + usize::from(matches!(text.byte(end), b'.' | b'-')));
        let Some(word) = text.word_at(next).filter(|_| next > end) else { break };
        (key, end) = (key.then(word.key), word.end);
        if text.flags(key) & flag::PLACE != 0 {
            found = Some(end);
        }
    }
    found
}

/// A capitalised word; text all in lower case has its countries in lower case.
fn is_place_word(word: &Word) -> bool {
    word.is_capital() || (word.has(flag::PLACE) && !word.has(flag::WORD | flag::ANY_NAME))
}

/// Up to four words of a place's name: capitalised, with particles between, none of them plainly a person's.
fn capitals(text: &Text, at: usize) -> Option<usize> {
    let (mut next, mut end) = (at, None);
    for _ in 0..MAX_PLACE_WORDS {
        let Some(word) = text.word_at(next) else { break };
        let fits =
            word.is_capital() && !word.has(flag::TITLE | flag::CUE_STRONG | flag::POSTCODE_CUE | flag::UNIT);
        match (fits, word.has(flag::PARTICLE) && end.is_some()) {
            (true, _) => {
                end = Some(word.end + usize::from(text.byte(word.end) == b'.' && word.end - word.start < 4))
            }
            (false, true) => {}
            _ => break,
        }
        let joint = usize::from(matches!(text.byte(word.end), b'-' | b'\'' | b'.'));
        next = text.after_blanks(word.end + joint);
        if next == word.end {
            break;
        }
    }
    end.filter(|end| !matches!(text.byte(*end), b':' | b'@' | b'_'))
}
