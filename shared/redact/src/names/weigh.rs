//! How likely a run of capitalised words is a person: weights of evidence added as log-odds.
//!
//! The weights are judgements, set on texts of all kinds; none belongs to a name, a place or a sentence.

use super::gazetteer::flag;
use super::person::{Run, Token};
use super::text::{Shape, Text, Word};

/// What stands around a run.
pub(crate) struct Around {
    pub has_title: bool,
    /// The word on the same line that ended the run.
    pub next: Option<Word>,
    pub title: Option<Word>,
}

/// Probability that a run is a person's name.
pub(crate) fn score(text: &Text, run: &Run, around: &Around) -> f32 {
    let words = run.tokens().filter(|t| t.shape != Shape::Lower && !t.has(flag::SUFFIX)).count();
    // Letters alone are no name, nor are acronyms and two-letter words.
    if !run.tokens().any(|t| t.letters > 2 && t.shape != Shape::Lower && !t.has(flag::SUFFIX)) {
        return 0.0;
    }
    let own = if words < 2 { single(text, run) } else { several(text, run) };
    // `Herr Lang`: after a title an ordinary word is a name.
    let own = if around.title.is_some_and(|title| !title.is_vague_title()) { own.max(-1.8) } else { own };
    let own = own + after(text, run, around, words);
    // More than the words before could make up for.
    if own < -4.0 {
        return 0.0;
    }
    probability(own + before(text, run, around, words))
}

fn probability(log_odds: f32) -> f32 {
    1.0 / (1.0 + (-log_odds).exp())
}

/// One word: a frequent given name suffices, anything else wants more evidence around it.
fn single(text: &Text, run: &Run) -> f32 {
    let Some(token) = run.tokens().next() else { return -9.0 };
    let mut weight = if token.has(flag::GIVEN_STRONG) {
        0.9
    } else if token.has(flag::GIVEN) {
        -0.2
    } else if token.has(flag::SURNAME) {
        -1.0
    } else if token.has(flag::TITLE | flag::ROLE | flag::SUFFIX) {
        -9.0
    } else if has_surname_ending(text, &token) {
        -1.6
    } else {
        -2.6
    };
    weight += ambiguity(&token);
    if token.letters > 2 && text.word_at(token.start).is_some_and(|word| text.remembers(word.key)) {
        weight += 2.5;
    }
    if token.shape == Shape::Caps {
        weight -= if token.letters < 4 { 6.0 } else { 1.5 };
    }
    if token.shape == Shape::Initial || token.letters < 3 {
        weight -= 3.0;
    }
    weight
}

/// What a single word loses for being something else too.
fn ambiguity(token: &Token) -> f32 {
    let mut loss = 0.0;
    for (flags, weight) in [
        (flag::WORD, -2.2),
        (flag::RARE, -0.9),
        (flag::PLACE, -1.8),
        (flag::PRODUCT, -2.5),
        (flag::CALENDAR, -2.5),
        (flag::ORG, -1.5),
        (flag::TITLE, -1.0),
    ] {
        if token.has(flags) {
            loss += weight;
        }
    }
    loss
}

/// Words without a list that count in a name without a listed given name.
const MOST_UNLISTED: usize = 2;

/// Two words or more: what each is worth, less what any two capitalised words are worth.
fn several(text: &Text, run: &Run) -> f32 {
    let mut total = -2.3;
    let (mut has_given, mut is_last_given, mut is_acronym) = (false, false, false);
    for token in run.tokens() {
        let weight = worth(text, &token);
        // A surname after a given name is the usual order.
        if is_last_given && !token.has(flag::ANY_GIVEN) && weight > 0.4 {
            total += 0.4;
        }
        total += weight;
        is_acronym |=
            token.shape == Shape::Caps && token.letters < 6 && !token.has(flag::ANY_NAME | flag::SUFFIX);
        is_last_given = token.has(flag::ANY_GIVEN);
        has_given |= is_last_given;
    }
    if run.tokens().all(|t| t.shape == Shape::Caps) {
        total -= 0.6;
    }
    if is_acronym {
        total -= 2.2;
    }
    if names_place(text, run) {
        total -= 4.0;
    }
    if has_given {
        return total.min(4.0);
    }
    // Unlisted words tell no more for being many: capitals are the rule in headings, and in German.
    let unlisted = run.tokens().filter(|t| t.flags == 0 && t.shape != Shape::Initial).count();
    let beyond = unlisted.saturating_sub(MOST_UNLISTED);
    (total - 0.6 * beyond as f32).min(1.0)
}

/// `New Zealand`, `San Bernardino de las Casas`: begins with, or is, a listed place of two or three words.
fn names_place(text: &Text, run: &Run) -> bool {
    let mut keys = run.tokens().take(3).filter_map(|t| text.word_at(t.start)).map(|w| w.key);
    let Some(mut key) = keys.next() else { return false };
    keys.any(|next| {
        key = key.then(next);
        text.flags(key) & flag::PLACE != 0
    })
}

fn worth(text: &Text, token: &Token) -> f32 {
    let rank =
        if token.has(flag::WORD) {
            2
        } else {
            usize::from(token.has(
                flag::RARE | flag::PLACE | flag::PRODUCT | flag::CALENDAR | flag::ORG | flag::STREET_WEAK,
            ))
        };
    let of_rank = |weights: [f32; 3]| weights.get(rank).copied().unwrap_or(0.0);
    match token {
        t if t.shape == Shape::Lower => 0.3,
        t if t.has(flag::SUFFIX) => 1.0,
        t if t.shape == Shape::Initial => 0.5,
        // `john` and `peter` are words too, but rarely meant.
        t if t.has(flag::GIVEN_STRONG) && !t.has(flag::PLACE | flag::CALENDAR | flag::PRODUCT) => 2.6,
        t if t.has(flag::GIVEN_STRONG) => 1.6,
        t if t.has(flag::GIVEN) => of_rank([1.9, 1.2, 0.5]),
        t if t.has(flag::SURNAME) => of_rank([1.7, 1.0, 0.4]),
        t if has_surname_ending(text, t) => of_rank([1.7, 0.5, 0.0]),
        t => of_rank([0.6, -0.5, -1.5]) - if t.letters < 3 { 0.6 } else { 0.0 },
    }
}

/// `-owski`, `-dóttir`, `-escu`: endings of surnames that no list can hold all of.
fn has_surname_ending(text: &Text, token: &Token) -> bool {
    let last = text.word_before(token.end);
    token.letters > 5 && last.is_some_and(|word| text.ending_flags(&word) & flag::SURNAME != 0)
}

/// What the words before a run say.
fn before(text: &Text, run: &Run, around: &Around, words: usize) -> f32 {
    let Some(first) = run.tokens().next() else { return 0.0 };
    if let Some(title) = around.title.filter(|_| around.has_title) {
        return if title.is_vague_title() { 2.2 } else { 3.6 };
    }
    let cues = text.cues_before(first.start);
    let begins = text.begins_sentence(first.start);
    let mut weight = if begins { 0.0 } else { 0.4 };
    if cues.flags & flag::CUE_STRONG != 0 {
        weight += 3.2;
    } else if cues.flags & flag::SALUTE != 0 {
        weight += if words < 2 { 2.0 } else { 1.0 };
        // `Salut Athénaïs,`
        let last = run.tokens().next_back().map_or(first.end, |token| token.end);
        weight += if matches!(text.byte(last), b',' | b'\n' | b'!') && !cues.is_newline { 0.7 } else { 0.0 };
    } else if !cues.is_newline && cues.flags & (flag::CUE | flag::ROLE) != 0 && !begins {
        weight += 0.8;
    }
    let Some(last) = cues.last.filter(|_| !begins && !cues.is_newline) else { return weight };
    // `New Jordan`, `in Florence`: part of another name, a thing, a place.
    if last.is_capital()
        && last.has(flag::WORD | flag::PLACE)
        && !last.has(flag::ANY_CUE | flag::ROLE)
        && joins(text, last.end, first.start)
    {
        // `Yesterday Anna Berg`: the first word of a sentence is capitalised anyway.
        weight -= if words > 1 && text.begins_sentence(last.start) { 0.3 } else { 1.6 };
    } else if last.has(flag::DETERMINER) && (!last.has(flag::ANY_NAME) || !last.is_capital()) {
        // `the Kelly criterion`, `die Interessen`, `questa Dichiarazione`
        weight -= if words < 2 { 1.8 } else { 1.0 };
    } else if last.has(flag::PLACE_CUE) {
        weight -= if words < 2 { 1.5 } else { 0.3 };
    } else if words < 2
        && last.is_capital()
        && last.has(flag::WORD)
        && !last.has(flag::ANY_NAME | flag::ANY_CUE | flag::ROLE)
    {
        // `Overflow, Parker, Stats`: what stands in one list is of one kind.
        weight -= 0.5;
    }
    weight
}

/// Only blanks between two words.
fn joins(text: &Text, end: usize, start: usize) -> bool {
    text.after_blanks(end) == start
}

/// What stands right after a run.
fn after(text: &Text, run: &Run, around: &Around, words: usize) -> f32 {
    let Some(last) = run.tokens().next_back() else { return 0.0 };
    match text.char_at(last.end) {
        Some('\'' | '’') => return 0.3,
        Some(':') if text.begins_sentence(run.tokens().next().map_or(0, |t| t.start)) => return 0.4,
        Some('-' | '™' | '®') => return -2.5,
        _ => {}
    }
    let blanks = text.after_blanks(last.end);
    if text.byte(blanks) == b'&' {
        return -2.0;
    }
    if is_firm(text, blanks) {
        return -4.0;
    }
    let Some(next) = around.next else { return if text.byte(blanks).is_ascii_digit() { -0.8 } else { 0.0 } };
    if next.is_capital() {
        return following_capital(&next, words);
    }
    if next.has(flag::AFTER) {
        return 1.3;
    }
    if next.has(flag::AFTER_WEAK) {
        return 0.4;
    }
    // `Nada en esta`, `Allen zijn`: a sentence of a language in which the word is no name.
    if words < 2 && last.has(flag::FOREIGN) && next.has(flag::FOREIGN) && text.begins_sentence(last.start) {
        return -1.2;
    }
    if next.has(flag::ORG | flag::STREET) { -0.8 } else { 0.0 }
}

/// `Smith and Sons`, `Baker & Partners`.
fn is_firm(text: &Text, at: usize) -> bool {
    let and = text
        .word_at(at)
        .filter(|w| matches!(text.slice(w.start, w.end), "and" | "und" | "et" | "y" | "e" | "en" | "i"));
    let next = and.and_then(|and| text.word_at(text.after_blanks(and.end)));
    next.is_some_and(|w| w.is_capital() && w.has(flag::ORG))
}

/// A capitalised word that is no part of the name makes it part of something else.
fn following_capital(next: &Word, words: usize) -> f32 {
    if next.has(flag::ORG | flag::STREET | flag::STREET_WEAK) && next.shape != Shape::Initial {
        -3.5
    } else if next.has(flag::PLACE | flag::CALENDAR) {
        -0.3
    } else if words < 2 {
        -1.6
    } else {
        -0.7
    }
}
