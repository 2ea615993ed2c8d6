//! A text as words: what stands at a place, right after it and right before it. Nothing here looks further than
//! [`REACH`] bytes, so that the work for one start is bounded whatever the text is.

use core::cell::{Cell, RefCell};

use super::fold::{Folded, is_mark};
use super::gazetteer::{Gazetteer, Key, flag};
use super::scan::{capitals, count_tops, letters};
use crate::fold::{is_lower, is_upper};
use crate::shortcut;
use crate::steps::{self, Stage};

/// Longer words are no names, nor are they looked at again.
const REACH: usize = 64;
/// Longer Hebrew words, in letters, are read like those of any script.
const HEBREW_REACH: usize = 16;
/// Words of full names that a text remembers.
const KNOWN: usize = 512;
/// The first byte of a Hebrew letter.
const HEBREW: u8 = 0xd7;
const SPACES: u64 = 0x2020_2020_2020_2020;
const TOPS: u64 = 0x8080_8080_8080_8080;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Lower,
    /// `Anna`, `McDonald`, and any word of a script without case.
    Capital,
    /// `ANNA`
    Caps,
    /// `J`
    Initial,
    /// `GitHub`: a product rather than a person.
    Camel,
}

/// A run of letters.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Word {
    pub start: usize,
    pub end: usize,
    pub key: Key,
    pub flags: u32,
    pub shape: Shape,
}

impl Word {
    pub(crate) const fn has(&self, flags: u32) -> bool {
        self.flags & flags != 0
    }

    /// `Judge` and `Coach` are titles that stand before other things too; `Mr` is not.
    pub(crate) const fn is_vague_title(&self) -> bool {
        self.has(flag::WORD) && self.end - self.start > 4
    }

    /// Begins with a capital, or has letters without case.
    pub(crate) fn is_capital(&self) -> bool {
        self.shape != Shape::Lower
    }
}

pub(crate) struct Text<'a> {
    pub text: &'a str,
    bytes: &'a [u8],
    table: &'static Gazetteer,
    known: RefCell<Vec<Option<Key>>>,
    /// The word whose ending was looked up last, and the flags: several rules ask for the same one.
    ending: Cell<(usize, usize, u32)>,
}

impl<'a> Text<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self {
            text,
            bytes: text.as_bytes(),
            table: Gazetteer::get(),
            known: RefCell::default(),
            ending: Cell::default(),
        }
    }

    /// The byte at a place, 0 beyond the end.
    #[inline]
    pub(crate) fn byte(&self, at: usize) -> u8 {
        self.bytes.get(at).copied().unwrap_or(0)
    }

    #[inline]
    pub(crate) fn char_at(&self, at: usize) -> Option<char> {
        match self.bytes.get(at) {
            Some(byte) if byte.is_ascii() => Some(char::from(*byte)),
            _ => self.text.get(at..)?.chars().next(),
        }
    }

    #[inline]
    pub(crate) fn char_before(&self, at: usize) -> Option<char> {
        match at.checked_sub(1).and_then(|before| self.bytes.get(before)) {
            Some(byte) if byte.is_ascii() => Some(char::from(*byte)),
            _ => self.text.get(..at)?.chars().next_back(),
        }
    }

    pub(crate) fn slice(&self, start: usize, end: usize) -> &'a str {
        self.text.get(start..end).unwrap_or_default()
    }

    pub(crate) fn flags(&self, key: Key) -> u32 {
        self.table.flags(key)
    }

    /// The flags of the longest listed ending of a word that has at least three other letters.
    pub(crate) fn ending_flags(&self, word: &Word) -> u32 {
        let memo = self.ending.get();
        if shortcut::taken() && memo.0 == word.start && memo.1 == word.end {
            return memo.2;
        }
        let flags = self.table.ending_flags(&Folded::of(self.slice(word.start, word.end)), 3);
        self.ending.set((word.start, word.end, flags));
        flags
    }

    /// Remembers a word as part of a person's full name, so that it is known where it stands alone later.
    pub(crate) fn remember(&self, key: Key) {
        let mut known = self.known.borrow_mut();
        if known.is_empty() {
            known.resize(KNOWN, None);
        }
        if let Some(slot) = known.get_mut(key.bucket(KNOWN)) {
            *slot = Some(key);
        }
    }

    /// Whether a word was part of a full name before; the latest of two in one bucket is kept.
    pub(crate) fn remembers(&self, key: Key) -> bool {
        self.known.borrow().get(key.bucket(KNOWN)).is_some_and(|slot| *slot == Some(key))
    }

    #[inline]
    fn load(&self, at: usize) -> u64 {
        if let Some(eight) = self.bytes.get(at..).and_then(<[u8]>::first_chunk) {
            return u64::from_le_bytes(*eight);
        }
        let mut padded = [0_u8; 8];
        let rest = self.bytes.get(at..).unwrap_or_default();
        padded.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
        u64::from_le_bytes(padded)
    }

    /// Whether a word may mean more than its flags say.
    #[inline]
    pub(crate) fn may_be_heeded(&self, key: Key) -> bool {
        self.table.may_be_heeded(key)
    }

    /// The end of the word at a place if that is plainly no name, which most capitalised words are not: a load or two, one
    /// look into the table. Only words of ASCII letters that are shorter than sixteen.
    #[inline]
    pub(crate) fn end_if_plain(&self, start: usize) -> Option<usize> {
        let eight = self.load(start);
        let stop = !letters(eight) & TOPS;
        if stop == 0 && !shortcut::taken() {
            return None;
        }
        if stop == 0 {
            return self.end_if_long_and_plain(start, eight);
        }
        let count = (stop.trailing_zeros() / 8) as usize;
        let rest = eight.checked_shr(8 * count as u32)?;
        if count == 1 && is_plain_letter(rest) {
            return Some(start + 1);
        }
        let word = (eight | SPACES) & (u64::MAX >> (64 - 8 * count.max(1)));
        let flags = self.table.flags(Key::EMPTY.with(word));
        let is_plain = flags & (flag::WORD | flag::PLACE) != 0 && flags & (flag::ANY_NAME | flag::TITLE) == 0;
        (is_plain && rest & 0x80 == 0).then_some(start + count)
    }

    /// The same for a word of eight letters or more.
    fn end_if_long_and_plain(&self, start: usize, eight: u64) -> Option<usize> {
        let next = self.load(start + 8);
        let stop = !letters(next) & TOPS;
        if stop == 0 {
            return None;
        }
        let count = (stop.trailing_zeros() / 8) as usize;
        let mut key = Key::EMPTY.with(eight | SPACES);
        if count > 0 {
            key = key.with((next | SPACES) & (u64::MAX >> (64 - 8 * count)));
        }
        let flags = self.table.flags(key);
        let is_name = flags & (flag::ANY_NAME | flag::TITLE | flag::DETERMINER) != 0;
        let is_plain = flags & (flag::WORD | flag::PLACE) != 0 && !is_name;
        (is_plain && next >> (8 * count) & 0x80 == 0).then_some(start + 8 + count)
    }

    /// The word that begins at a place; none if no letter stands there or the word is longer than [`REACH`].
    #[inline]
    pub(crate) fn word_at(&self, start: usize) -> Option<Word> {
        // Words are short, as far as they are read.
        steps::count(Stage::Names, 1);
        if self.byte(start) == HEBREW
            && let Some(word) = self.hebrew_word(start)
        {
            return Some(word);
        }
        let (mut key, mut end, mut upper) = (Key::EMPTY, start, 0);
        loop {
            let eight = self.load(end);
            let stop = !letters(eight) & TOPS;
            let count = if stop == 0 { 8 } else { (stop.trailing_zeros() / 8) as usize };
            if count == 0 {
                break;
            }
            steps::count(Stage::Names, 1);
            let mask = u64::MAX >> (64 - 8 * count);
            key = key.with((eight | SPACES) & mask);
            upper += count_tops(capitals(eight) & mask);
            end += count;
            if count < 8 {
                break;
            }
            if end - start > REACH {
                return None;
            }
        }
        if self.byte(end) >= 0x80 && self.char_at(end).is_some_and(is_letter) {
            return self.word_of_any_letters(start);
        }
        let shape =
            shape(self.byte(start).is_ascii_uppercase(), upper, end - start, || self.slice(start, end));
        (end > start).then(|| Word { start, end, key, flags: self.table.flags(key), shape })
    }

    fn word_of_any_letters(&self, start: usize) -> Option<Word> {
        if let Some(word) = self.hebrew_word(start) {
            return Some(word);
        }
        let (mut folded, mut end, mut upper, mut count) = (Folded::new(), start, 0, 0);
        let rest = self.text.get(start..)?;
        let is_first_upper = rest.chars().next().is_some_and(|c| !is_lower(c));
        for c in rest.chars().take_while(|c| is_letter(*c)) {
            folded.push(c);
            end += c.len_utf8();
            count += 1;
            upper += usize::from(is_upper(c));
            if end - start > 2 * REACH {
                return None;
            }
        }
        steps::count(Stage::Names, count);
        let key = Key::of(folded.as_bytes());
        let shape = shape(is_first_upper, upper, count, || self.slice(start, end));
        (end > start).then(|| Word { start, end, key, flags: self.table.flags(key), shape })
    }

    /// A short word of Hebrew letters alone: what folds to itself.
    pub(crate) fn hebrew_word(&self, start: usize) -> Option<Word> {
        let (mut key, mut end) = (Key::EMPTY, start);
        loop {
            let eight = self.load(end);
            let count = 2 * hebrew_letters(eight);
            if count > 0 {
                key = key.with(eight & (u64::MAX >> (64 - 8 * count)));
            }
            end += count;
            if end - start > 2 * HEBREW_REACH {
                return None;
            }
            if count < 8 {
                break;
            }
        }
        let stop = self.bytes.get(end).copied().unwrap_or(b' ');
        if end == start || stop >= 0x80 || stop.is_ascii_alphabetic() {
            return None;
        }
        Some(Word { start, end, key, flags: self.table.flags(key), shape: Shape::Capital })
    }

    /// The word of one to eight ASCII letters that lies here, if no letter stands on either side: one load.
    #[inline]
    fn short_word(&self, start: usize, end: usize) -> Option<Word> {
        let (length, after) = (end - start, self.byte(end));
        let is_apart =
            after < 0x80 && !after.is_ascii_alphabetic() && start > 0 && self.byte(start - 1) < 0x80;
        if !is_apart || !(1..=8).contains(&length) {
            return None;
        }
        steps::count(Stage::Names, 2);
        let mask = u64::MAX >> (64 - 8 * length);
        let eight = self.load(start) & mask;
        let key = Key::EMPTY.with((eight | SPACES) & mask);
        let shape = match eight & 0x20 {
            0 => shape(true, count_tops(capitals(eight)), length, || self.slice(start, end)),
            _ => Shape::Lower,
        };
        Some(Word { start, end, key, flags: self.table.flags(key), shape })
    }

    /// The word that ends at a place.
    pub(crate) fn word_before(&self, end: usize) -> Option<Word> {
        let before = self.bytes.get(..end).unwrap_or_default();
        let letters = letters_at_the_end(before);
        steps::count(Stage::Names, letters + 1);
        let mut start = end - letters;
        if shortcut::taken()
            && let Some(word) = self.short_word(start, end)
        {
            return Some(word);
        }
        if start.checked_sub(1).is_none_or(|before| self.byte(before) < 0x80) {
            let is_word = (1..=REACH).contains(&letters);
            return is_word.then(|| self.word_at(start).filter(|word| word.end == end)).flatten();
        }
        let (_, pairs) = before.as_rchunks();
        let is_hebrew = |pair: &&[u8; 2]| matches!(pair, [0xd7, 0x90..=0xaa]);
        let hebrew = 2 * pairs.iter().rev().take(HEBREW_REACH + 1).take_while(is_hebrew).count();
        let before_it = (end - hebrew).checked_sub(1).map_or(b' ', |before| self.byte(before));
        if hebrew > 0 && hebrew <= 2 * HEBREW_REACH && before_it < 0x80 && !before_it.is_ascii_alphabetic() {
            return self.word_at(end - hebrew).filter(|word| word.end == end);
        }
        while end - start <= REACH {
            match self.char_before(start) {
                Some(c) if is_letter(c) => {
                    steps::count(Stage::Names, 1);
                    start -= c.len_utf8();
                }
                _ => {
                    return if start < end {
                        self.word_at(start).filter(|word| word.end == end)
                    } else {
                        None
                    };
                }
            }
        }
        None
    }
}

/// How many Hebrew letters eight bytes begin with.
const fn hebrew_letters(eight: u64) -> usize {
    const LANES: u64 = 0x0001_0001_0001_0001;
    const HIGH: u64 = LANES * 0x8000;
    let (lead, letter) = (eight & (LANES * 0xff), eight >> 8 & (LANES * 0xff));
    let other = (lead ^ (LANES * HEBREW as u64)).wrapping_add(LANES * 0x7fff);
    let reached = letter.wrapping_add(LANES * (0x8000 - 0x90));
    let passed = letter.wrapping_add(LANES * (0x8000 - 0xab));
    ((other | !reached | passed) & HIGH).trailing_zeros() as usize / 16
}

/// How many ASCII letters stand at the end, one more than [`REACH`] at most.
fn letters_at_the_end(bytes: &[u8]) -> usize {
    let Some(last) = bytes.last_chunk() else {
        return bytes.iter().rev().take_while(|byte| byte.is_ascii_alphabetic()).count();
    };
    // Most words are short: eight bytes tell.
    match (!letters(u64::from_le_bytes(*last)) & TOPS).leading_zeros() as usize / 8 {
        8 => bytes.iter().rev().take(REACH + 1).take_while(|byte| byte.is_ascii_alphabetic()).count(),
        count => count,
    }
}

/// Whether what follows a single letter makes it a word, as `I` is: a blank and no capital, or `'m`.
const fn is_plain_letter(rest: u64) -> bool {
    let (after, next) = (rest as u8, (rest >> 8) as u8);
    (after == b' ' && (next.is_ascii_lowercase() || next == b' '))
        || (after == b'\'' && next.is_ascii_lowercase())
}

pub(crate) fn is_letter(c: char) -> bool {
    crate::fold::is_letter(c) || is_mark(c)
}

#[inline]
fn shape<'a>(is_first_upper: bool, upper: usize, length: usize, word: impl Fn() -> &'a str) -> Shape {
    match (is_first_upper, upper) {
        (false, _) => Shape::Lower,
        (true, 1) if length == 1 => Shape::Initial,
        (true, 0 | 1) => Shape::Capital,
        (true, _) if upper == length => Shape::Caps,
        (true, 2) if JOINED.iter().any(|prefix| word().starts_with(prefix)) => Shape::Capital,
        _ => Shape::Camel,
    }
}

/// What surnames with a capital inside begin with.
const JOINED: &[&str] = &["Mc", "Mac", "De", "Di", "Da", "La", "Le", "Fitz", "Van", "Ben"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_have_the_key_of_their_folded_form() {
        for word in
            ["a", "Abcdefg", "abcdefgh", "Abcdefghi", "Abcdefghabcdefgh", "Jürgen", "ŁUKASZ", "שרה", "Ελένη"]
        {
            let text = format!("{word} x");
            let found = Text::new(&text).word_at(0).expect("a word");
            assert_eq!((found.key, found.end), (Key::of(Folded::of(word).as_bytes()), word.len()), "{word}");
            let at_end = Text::new(word).word_at(0).expect("a word");
            assert_eq!(at_end.key, found.key, "{word} at the end of the text");
            assert_eq!(Text::new(&text).word_before(word.len()).map(|w| w.start), Some(0), "{word}");
        }
    }

    #[test]
    fn shapes_are_told_apart() {
        for (word, shape) in [
            ("anna", Shape::Lower),
            ("Anna", Shape::Capital),
            ("ANNA", Shape::Caps),
            ("J", Shape::Initial),
            ("McDonald", Shape::Capital),
            ("GitHub", Shape::Camel),
            ("Émile", Shape::Capital),
            ("ÉMILE", Shape::Caps),
            ("שרה", Shape::Capital),
        ] {
            assert_eq!(Text::new(word).word_at(0).map(|w| w.shape), Some(shape), "{word}");
        }
    }

    #[test]
    fn long_words_are_no_words() {
        for letter in ["a", "é", "ש"] {
            let text = letter.repeat(500);
            assert!(Text::new(&text).word_at(0).is_none());
            assert!(Text::new(&text).word_before(text.len()).is_none());
        }
    }

    #[test]
    fn cues_are_phrases() {
        let cues = |text: &str| Text::new(text).cues_before(text.len()).flags;
        assert!(cues("and my name is ") & flag::CUE_STRONG != 0);
        assert!(cues("je m'appelle ") & flag::CUE_STRONG != 0);
        assert!(cues("קוראים לי ") & flag::CUE_STRONG != 0);
        assert!(cues("Best regards,\n\n") & flag::CUE_STRONG != 0);
        assert!(cues("the house ") & flag::ANY_CUE == 0);
    }
}
