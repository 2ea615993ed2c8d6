//! Words beside a candidate that say what it is.
//!
//! Only text near a candidate is read: [`Nearby`] goes forward with the sweep, and reads once more what lies before it where
//! somebody asks for that.

mod hash;

use std::collections::HashMap;

use crate::fold::is_letter;
use crate::placeholder::{MAX_STAND_IN, stand_in};
use crate::shortcut;
use crate::steps::{Stage, count};
use crate::view::normalised;

pub(crate) use hash::Same;
use hash::{Hash, chain};

/// How far before a candidate a word may stand, in bytes.
pub(crate) const BEFORE: usize = 64;
/// How far after its end a word may begin.
pub(crate) const AFTER: usize = 24;
/// Longest phrase, in words.
const MAX_PHRASE: usize = 4;
/// Longer words are no context; hashing stops there.
const MAX_WORD: usize = 48;
/// More words than this near one place are not handed on.
const MAX_NEAR: usize = 16;

/// The context words of a set of detectors, as hashes.
#[derive(Debug, Default)]
pub(crate) struct Words {
    /// Hash of a phrase, or of a phrase's beginning → what is known of it.
    known: HashMap<u64, Known, Same>,
    /// A bit for some bits of every hash that is known: most words are not.
    sieve: Vec<u64>,
}

/// What the words so far say.
#[derive(Debug, Default)]
struct Known {
    /// Which detectors they speak for.
    speaks_for: Vec<u16>,
    /// Whether some longer phrase begins so.
    begins: bool,
}

/// Bits of a hash that the sieve tells apart.
const SIEVE_BITS: u32 = 17;

/// Word and bit of a hash in the sieve.
const fn in_sieve(hash: u64) -> (usize, u32) {
    let bits = (hash >> (64 - SIEVE_BITS)) as usize;
    (bits / 64, (bits % 64) as u32)
}

impl Words {
    pub(crate) fn new<'w>(contexts: impl Iterator<Item = &'w [String]>) -> Self {
        let mut known: HashMap<u64, Known, Same> = HashMap::default();
        for (detector, context) in contexts.enumerate() {
            for phrase in context {
                let mut hash = 0;
                let mut before = None;
                // Words are compared as the sweep reads texts: normalised.
                let read = normalised(phrase);
                let phrase = read.as_ref().map_or(phrase.as_str(), |view| view.text.as_str());
                if is_slight(phrase) {
                    continue;
                }
                words_until(phrase, usize::MAX, |word| {
                    if let Some(before) = before {
                        known.entry(before).or_default().begins = true;
                    }
                    hash = chain(hash, word.hash);
                    before = Some(hash);
                });
                known.entry(hash).or_default().speaks_for.extend(u16::try_from(detector));
            }
        }
        let mut sieve = vec![0; 1 << (SIEVE_BITS - 6)];
        for (word, bit) in known.keys().map(|hash| in_sieve(*hash)) {
            if let Some(word) = sieve.get_mut(word) {
                *word |= 1_u64 << bit;
            }
        }
        Self { known, sieve }
    }

    fn get(&self, hash: u64) -> Option<&Known> {
        self.may_have(hash).then(|| self.known.get(&hash)).flatten()
    }

    #[inline]
    fn may_have(&self, hash: u64) -> bool {
        let (word, bit) = in_sieve(hash);
        self.sieve.get(word).is_some_and(|word| word >> bit & 1 == 1)
    }

    /// What the name of a field says.
    pub(crate) fn of_field<'w>(&'w self, name: &str) -> Vec<&'w [u16]> {
        let read = normalised(name);
        let name = read.as_ref().map_or(name, |view| view.text.as_str());
        let mut run = Run::default();
        let mut found = Vec::new();
        words_until(name, usize::MAX, |word| run.step(self, word, |list, _, _| found.push(list)));
        found
    }
}

/// One letter by itself, such as what is left of `a#`, stands beside every other number.
fn is_slight(phrase: &str) -> bool {
    phrase.chars().filter(|c| is_letter(*c)).count() < 2
}

/// The last few words, each as the end of phrases of one to four words.
#[derive(Debug, Default)]
struct Run {
    /// (hash of the words so far, where they begin), for phrases that may go on.
    open: [Option<(u64, usize)>; MAX_PHRASE],
    /// Where the last word ended.
    end: usize,
}

/// Words of one phrase have a space, a dot or so between them: the `T` and the `Z` of a time are none.
const MAX_GAP: usize = 3;

/// A word of a text.
#[derive(Debug, Clone, Copy)]
struct Word {
    hash: u64,
    /// The same without a Hebrew letter that glues to words.
    bare: Option<u64>,
    start: usize,
    end: usize,
}

impl Run {
    #[inline]
    fn is_idle(&self) -> bool {
        self.open.iter().all(Option::is_none)
    }

    fn step<'w>(&mut self, words: &'w Words, word: Word, mut found: impl FnMut(&'w [u16], usize, usize)) {
        if word.start.saturating_sub(self.end) > MAX_GAP {
            self.open = [None; MAX_PHRASE];
        }
        self.end = word.end;
        // Most words neither go on with a phrase nor begin one.
        if shortcut::taken() && self.is_idle() && word.bare.is_none() && !words.may_have(chain(0, word.hash))
        {
            return;
        }
        let mut open = [None; MAX_PHRASE];
        let mut slots = open.iter_mut();
        let readings = [Some(word.hash), word.bare];
        let before = self.open.iter().flatten().copied().chain([(0, word.start)]);
        let continued = before.flat_map(|(hash, from)| {
            readings.into_iter().flatten().map(move |word| (chain(hash, word), from))
        });
        for (hash, from) in continued {
            let Some(known) = words.get(hash) else { continue };
            if !known.speaks_for.is_empty() {
                found(&known.speaks_for, from, word.end);
            }
            if known.begins
                && let Some(slot) = slots.next()
            {
                *slot = Some((hash, from));
            }
        }
        self.open = open;
    }
}

/// Context words found in one text, as far as anybody asked.
#[derive(Debug)]
pub(crate) struct Nearby<'w, 't> {
    words: &'w Words,
    text: &'t str,
    /// What the name of the JSON field says: it is near everywhere.
    field: &'t [&'w [u16]],
    /// From here to there the text was read; boundaries of words.
    begun: usize,
    read: usize,
    run: Run,
    found: Vec<(&'w [u16], usize, usize)>,
}

impl<'w, 't> Nearby<'w, 't> {
    pub(crate) fn new(words: &'w Words, text: &'t str, field: &'t [&'w [u16]]) -> Self {
        Self { words, text, field, begun: 0, read: 0, run: Run::default(), found: Vec::new() }
    }

    /// Whether any context word stands near `start..end`, for whatever it speaks.
    pub(crate) fn speaks(&mut self, start: usize, end: usize) -> bool {
        if !self.field.is_empty() {
            return true;
        }
        self.near(start, end).next().is_some()
    }

    /// What the words near `start..end` and the field's name speak for.
    pub(crate) fn lists(&mut self, start: usize, end: usize) -> Vec<&'w [u16]> {
        let field = self.field;
        let near = self.near(start, end).take(MAX_NEAR).map(|(list, _, _)| *list);
        near.chain(field.iter().copied()).collect()
    }

    /// Whether the name of the field names this detector.
    pub(crate) fn field_speaks_for(&self, detector: usize) -> bool {
        u16::try_from(detector).is_ok_and(|detector| self.field.iter().any(|list| list.contains(&detector)))
    }

    /// Whether a word for this detector stands near `start..end`, outside it.
    pub(crate) fn speaks_for(&mut self, detector: usize, start: usize, end: usize) -> bool {
        if self.field_speaks_for(detector) {
            return true;
        }
        let Ok(detector) = u16::try_from(detector) else { return false };
        self.near(start, end)
            .any(|(list, from, to)| (*to <= start || *from >= end) && list.contains(&detector))
    }

    /// Context words that stand near `start..end`, or in it: what each speaks for and where, the last one first.
    fn near(&mut self, start: usize, end: usize) -> impl Iterator<Item = &(&'w [u16], usize, usize)> {
        self.read_to(start.saturating_sub(BEFORE), end.saturating_add(AFTER));
        let after = end.saturating_add(AFTER);
        let found = self.found.iter().rev().inspect(|_| count(Stage::Context, 1));
        let found = found.skip_while(move |(_, from, _)| *from > after);
        found.take_while(move |(_, _, to)| to.saturating_add(BEFORE) >= start)
    }

    fn read_to(&mut self, from: usize, to: usize) {
        if !(self.begun..=self.read).contains(&from) {
            self.begun = after_stand_in(self.text, word_start(self.text, from));
            self.read = self.begun;
            self.run = Run::default();
            self.found.clear();
        }
        if self.read >= to {
            return;
        }
        let (words, run, found) = (self.words, &mut self.run, &mut self.found);
        let rest = self.text.get(self.read..).unwrap_or_default();
        let base = self.read;
        let read = words_until(rest, to.saturating_sub(base), |word| {
            count(Stage::Context, MAX_PHRASE);
            let (start, end) = (base.saturating_add(word.start), base.saturating_add(word.end));
            run.step(words, Word { start, end, ..word }, |list, from, to| found.push((list, from, to)));
        });
        self.read = base.saturating_add(read);
    }
}

/// The beginning of the word that `at` lies in, within reason.
fn word_start(text: &str, at: usize) -> usize {
    let at = text.floor_char_boundary(at);
    let before = text.get(..at).unwrap_or_default();
    let back = before
        .bytes()
        .rev()
        .take(MAX_WORD)
        .take_while(|byte| byte.is_ascii_alphanumeric() || !byte.is_ascii())
        .count();
    text.floor_char_boundary(at.saturating_sub(back))
}

/// `at`, or the end of what stands in for a value there: reading begins at a distance, and `PHONE` in `[PHONE_1_…]` is no
/// word of the text.
fn after_stand_in(text: &str, at: usize) -> usize {
    let before = text.as_bytes().get(at.saturating_sub(MAX_STAND_IN)..at).unwrap_or_default();
    let opened = before.iter().rev().position(|byte| *byte == b'[');
    let end = opened.and_then(|back| stand_in(text, at.saturating_sub(back.saturating_add(1))));
    end.map_or(at, |end| end.max(at))
}

/// Hands over every word that begins before `limit`. A capital after a small letter begins a word (`nationalId`).
/// Returns how far it read.
fn words_until(text: &str, limit: usize, mut each: impl FnMut(Word)) -> usize {
    let bytes = text.as_bytes();
    let mut at = 0;
    count(Stage::Context, 1);
    while let Some(byte) = bytes.get(at).copied() {
        if byte.is_ascii_alphabetic() || !byte.is_ascii() {
            if at >= limit {
                count(Stage::Context, at);
                return at;
            }
            let start = at;
            at = word(text, start, &mut each);
        } else if byte == b'[' {
            at = stand_in(text, at).unwrap_or(at.saturating_add(1));
        } else {
            at = at.saturating_add(1);
        }
    }
    count(Stage::Context, at);
    at
}

/// Hashes the word at `start`, and returns its end.
fn word(text: &str, start: usize, each: &mut impl FnMut(Word)) -> usize {
    let bytes = text.as_bytes();
    let mut hash = Hash::default();
    let mut at = start;
    let mut small = false;
    let mut first = None;
    while let Some(byte) = bytes.get(at).copied() {
        match byte {
            b'a'..=b'z' => hash.byte(byte),
            b'A'..=b'Z' if small => break,
            b'A'..=b'Z' => hash.byte(byte | 0x20),
            0x80.. => {
                let Some(c) = text.get(at..).and_then(|rest| rest.chars().next()) else { break };
                if !is_letter(c) && !is_mark(c) {
                    break;
                }
                first = first.or((at == start).then_some(c));
                hash.char(c);
                at = at.saturating_add(c.len_utf8());
                small = false;
                continue;
            }
            _ => break,
        }
        small = byte.is_ascii_lowercase();
        at = at.saturating_add(1);
    }
    if at == start {
        // Not a letter after all: one character on.
        return text.ceil_char_boundary(start.saturating_add(1));
    }
    let bare = if first.is_some_and(is_prefix) { without_prefix(text, start, at) } else { None };
    each(Word { hash: hash.0, bare, start, end: at });
    at
}

/// Hebrew points and the geresh and gershayim of abbreviations belong to a word.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{591}'..='\u{5c7}' | '\u{5f3}' | '\u{5f4}')
}

/// Hebrew prepositions, the article and conjunctions glue to the next word: `ות.ז`, `בדרכון`.
fn is_prefix(c: char) -> bool {
    matches!(c, 'ו' | 'ה' | 'ב' | 'ל' | 'מ' | 'כ' | 'ש')
}

/// The same word without its first letter.
fn without_prefix(text: &str, start: usize, end: usize) -> Option<u64> {
    let mut rest = text.get(start..end)?.chars();
    rest.next();
    let mut hash = Hash::default();
    rest.for_each(|c| hash.char(c));
    (hash.1 > 0).then_some(hash.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(context: &[&str], text: &str) -> bool {
        let context: Vec<String> = context.iter().map(|word| (*word).to_owned()).collect();
        let words = Words::new([context.as_slice()].into_iter());
        let start = text.find(|c: char| c.is_ascii_digit()).unwrap();
        let end = start + text.bytes().skip(start).take_while(u8::is_ascii_digit).count();
        Nearby::new(&words, text, &[]).speaks_for(0, start, end)
    }

    #[test]
    fn words_and_phrases_count_within_reach() {
        assert!(near(&["pesel"], "my PESEL: 123"));
        assert!(near(&["pesel"], "123 is my pesel"));
        assert!(near(&["social security"], "Social-Security no. 123"));
        assert!(near(&["national id"], "{\"nationalId\": 123"));
        assert!(near(&["national id"], "NATIONAL_ID=123"));
        assert!(near(&["ת ז", "תעודת זהות"], "בתעודת זהות 123"));
        assert!(near(&["ת ז"], "ת.ז. 123"));
        assert!(near(&["steuernummer"], "Ihre Steuernummer 123"));
        assert!(near(&["מספר זהות"], "מספר הזהות 123"));
        assert!(!near(&["lic"], "public 123"));
        assert!(!near(&["social security"], "social and security 123"));
        assert!(!near(&["pesel"], &format!("pesel {} 123", "x ".repeat(40))));
        assert!(!near(&["pesel"], &format!("123 {} pesel", "x ".repeat(20))));
    }

    #[test]
    fn capitals_of_other_scripts_and_times_are_read_as_they_are_meant() {
        assert!(near(&["егн"], &normalised("ЕГН 123").unwrap().text));
        assert!(near(&["егн"], "егн 123"));
        assert!(near(&["αφμ"], &normalised("ΑΦΜ: 123").unwrap().text));
        assert!(!near(&["t.z"], "at T::::::Z 123"));
        assert!(near(&["t.z"], "T.Z. 123"));
        assert!(!near(&["a#"], "a 123"));
    }

    #[test]
    fn who_asks_for_what_lies_before_is_answered() {
        let text = format!("pesel 123 {} pesel 456", "and so on ".repeat(20));
        let words = Words::new([vec!["pesel".to_owned()]].iter().map(Vec::as_slice));
        let mut nearby = Nearby::new(&words, &text, &[]);
        assert!(nearby.speaks_for(0, text.len() - 3, text.len()));
        assert!(nearby.speaks_for(0, 6, 9));
        assert!(!nearby.speaks_for(0, 110, 113));
        assert_eq!((nearby.lists(6, 9).len(), nearby.lists(text.len() - 3, text.len()).len()), (1, 1));
    }

    #[test]
    fn placeholders_are_no_context() {
        let text = "[SSN_1_k3f9a2x7] and so on 456";
        let words = Words::new([vec!["ssn".to_owned()]].iter().map(Vec::as_slice));
        assert!(!Nearby::new(&words, text, &[]).speaks_for(0, text.len() - 3, text.len()));
    }

    #[test]
    fn a_field_s_name_speaks_for_its_value() {
        let words = Words::new([vec!["teudat zehut".to_owned()]].iter().map(Vec::as_slice));
        assert_eq!(words.of_field("teudatZehut").len(), 1);
        assert_eq!(words.of_field("teudat_zehut_2").len(), 1);
        assert!(words.of_field("zehut").is_empty());
    }
}
