//! Streets that stand after their number: `12 Main Street`, `12, rue de la Paix`.

use super::address::{Core, MAX_WORDS, compound, is_acronym};
use super::gazetteer::flag;
use super::tail::digits;
use super::text::{Shape, Text, Word};

/// The number before its street.
pub(super) fn after(text: &Text, start: usize, end: usize) -> Option<Core> {
    let comma = end + usize::from(text.byte(end) == b',');
    let first = text.after_blanks(comma);
    let word = text.word_at(first).filter(|_| first > comma)?;
    let core = |(end, score)| Core { start, end, score };
    let is_leading = word.has(flag::PRE) || word.has(flag::PRE_WEAK) && !word.has(flag::STATE);
    if let Some(end) = is_leading.then(|| name_after(text, &word)).flatten() {
        let weak = if word.is_capital() && !word.has(flag::WORD) { 0.55 } else { 0.42 };
        return Some(core((end, if word.has(flag::PRE) { 0.8 } else { weak })));
    }
    // `2002, Vancouver`: without a type there must be no comma.
    typed_after(text, first).filter(|(_, score)| *score > 0.31 || comma == end && *score > 0.0).map(core)
}

/// The end of the name after a leading type.
fn name_after(text: &Text, kind: &Word) -> Option<usize> {
    let (mut at, mut end) = (kind.end + usize::from(text.byte(kind.end) == b'.'), None);
    for _ in 0..MAX_WORDS {
        let next = text.after_blanks(at);
        let Some(word) = text
            .word_at(next)
            .filter(|_| next > at || end.is_none() || text.byte(at.saturating_sub(1)) == b'-')
        else {
            break;
        };
        let is_lower_name =
            end.is_none() && kind.has(flag::PRE) && kind.shape == Shape::Lower && !word.has(flag::AFTER);
        match (word.is_capital(), word.has(flag::PARTICLE)) {
            (true, _) => end = Some(word.end),
            (false, true) => {}
            (false, false) if is_lower_name => end = Some(word.end),
            _ => break,
        }
        at = word.end + usize::from(matches!(text.byte(word.end), b'-' | b'\'' | b'.'));
    }
    end
}

/// Words up to a type of street: `Main Street`, `Martin Luther King Jr. Blvd`, `N. 5th Ave`, `Kirchweg`.
fn typed_after(text: &Text, first: usize) -> Option<(usize, f32)> {
    let (mut at, mut best, mut name, mut last_capital) = (first, None, NameWords::default(), None);
    for index in 0..=MAX_WORDS {
        let Some(word) = street_word(text, at) else { break };
        if index > 0 && word.has(flag::STREET | flag::STREET_WEAK) {
            best = Some(typed(text, &word, &name))
                .filter(|_| word.is_capital() || name.capitals > 0 || word.has(flag::STREET))
                .or(best);
        } else if let Some(score) = compound(text, &word).filter(|_| name.lower == 0) {
            best = Some((word.end, score.min(0.7)));
        }
        if word.is_capital() {
            // One letter is a unit rather than a street: `24 V, 3 A`.
            last_capital = Some(word.end).filter(|_| word.shape != Shape::Initial || last_capital.is_some());
        } else if !word.has(flag::PARTICLE | flag::STREET) && index > 1 {
            break;
        }
        name.add(&word);
        let dot = usize::from(matches!(text.byte(word.end), b'.' | b'-' | b'\''));
        let next = text.after_blanks(word.end + dot);
        if next == word.end {
            break;
        }
        at = next;
    }
    let plain = last_capital.filter(|_| name.lower == 0 && !name.has_acronym);
    let plain = plain.map(|end| (end, if name.others == 0 { 0.3 } else { 0.22 }));
    best.map(|(end, score)| (after_direction(text, end), score)).or(plain)
}

/// A word of a street's name; for an ordinal (`5th`) what follows its digits.
fn street_word(text: &Text, at: usize) -> Option<Word> {
    let letters = digits(text, at, 1, 3).unwrap_or(at);
    text.word_at(letters)
}

/// What the words before the type were.
#[derive(Default)]
struct NameWords {
    capitals: usize,
    lower: usize,
    /// Capitalised ordinary words.
    others: usize,
    has_acronym: bool,
}

impl NameWords {
    fn add(&mut self, word: &Word) {
        if word.is_capital() {
            self.capitals += 1;
            self.others += usize::from(
                word.has(flag::WORD | flag::CALENDAR | flag::ORG)
                    && !word.has(flag::ANY_NAME | flag::PARTICLE),
            );
            self.has_acronym |= is_acronym(word) || word.has(flag::CALENDAR);
        } else if !word.has(flag::PARTICLE) {
            self.lower += 1;
        }
    }
}

fn typed(text: &Text, kind: &Word, name: &NameWords) -> (usize, f32) {
    let end = kind.end + usize::from(text.byte(kind.end) == b'.' && kind.end - kind.start < 5);
    let strong = kind.has(flag::STREET);
    let score = match (strong, name.lower, name.others) {
        (true, 0, _) => 0.85,
        (false, 0, 0) if kind.is_capital() => 0.6,
        (false, 0, _) if kind.is_capital() => 0.42,
        // All in lower case: only where an address is expected.
        (true, ..) => 0.35,
        _ => 0.2,
    };
    (end, score)
}

/// `Street NW`, `Avenue South`.
fn after_direction(text: &Text, end: usize) -> usize {
    let next = text.after_blanks(end);
    let word = text.word_at(next).filter(|w| next > end && DIRECTIONS.contains(&text.slice(w.start, w.end)));
    word.map_or(end, |w| w.end + usize::from(text.byte(w.end) == b'.' && w.shape == Shape::Initial))
}

const DIRECTIONS: &[&str] = &["N", "S", "E", "W", "NE", "NW", "SE", "SW", "North", "South", "East", "West"];
