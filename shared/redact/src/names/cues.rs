//! What stands around a place: blanks, the beginning of a sentence, and the words before it.

use super::gazetteer::{Key, flag};
use super::text::{Text, Word};

/// The words before a name.
#[derive(Clone, Copy)]
pub(crate) struct Cues {
    pub flags: u32,
    /// A line break lies between.
    pub is_newline: bool,
    pub last: Option<Word>,
}

/// The key of the phrase of the words `keys[length]`, …, `keys[0]`, in this order.
fn phrase(keys: &[Key; 4], length: usize) -> Key {
    let mut words = keys.iter().take(length + 1).rev().copied();
    let first = words.next().unwrap_or(Key::EMPTY);
    words.fold(first, Key::then)
}

impl Text<'_> {
    /// The place after at most three blanks (no line breaks); the place itself if there are none.
    pub(crate) fn after_blanks(&self, at: usize) -> usize {
        let mut at = at;
        for _ in 0..3 {
            match self.byte(at) {
                b' ' | b'\t' => at += 1,
                0xc2 if self.byte(at + 1) == 0xa0 => at += 2,
                _ => break,
            }
        }
        at
    }

    /// The place before at most three blanks.
    pub(crate) fn before_blanks(&self, at: usize) -> usize {
        let mut at = at;
        for _ in 0..3 {
            match at.checked_sub(1).map(|before| self.byte(before)) {
                Some(b' ' | b'\t') => at -= 1,
                Some(0xa0) if self.char_before(at) == Some('\u{a0}') => at -= 2,
                _ => break,
            }
        }
        at
    }

    /// Whether a sentence, line or field begins at a place, so that a capital there means nothing.
    pub(crate) fn begins_sentence(&self, at: usize) -> bool {
        match self.char_before(self.before_blanks(at)) {
            None => true,
            Some(c) => !(c.is_alphanumeric() || matches!(c, ',' | ';' | '(' | '-' | '\'' | '’' | '%')),
        }
    }

    /// All that is known of the up to four words right before a place: the flags of each phrase that ends there.
    pub(crate) fn cues_before(&self, at: usize) -> Cues {
        let (end, is_newline) = self.before_gap(at);
        let Some(last) = self.word_before(end) else { return Cues { flags: 0, is_newline, last: None } };
        let mut flags = last.flags;
        if !last.has(flag::PHRASE_END) {
            return Cues { flags, is_newline, last: Some(last) };
        }
        let mut keys = [last.key; 4];
        let mut start = last.start;
        for length in 1..4 {
            let Some(word) = self.word_before(self.before_joint(start)).filter(|word| word.end < start)
            else {
                break;
            };
            if let Some(slot) = keys.get_mut(length) {
                *slot = word.key;
            }
            flags |= self.flags(phrase(&keys, length)) & !flag::PLACE;
            start = word.start;
        }
        Cues { flags, is_newline, last: Some(last) }
    }

    /// The end of what stands before a gap of blanks and at most a few marks, and whether the gap has a line break.
    fn before_gap(&self, at: usize) -> (usize, bool) {
        let (mut at, mut is_newline) = (at, false);
        for _ in 0..6 {
            match self.char_before(at) {
                Some(c @ ('\n' | '\r')) => (at, is_newline) = (at - c.len_utf8(), true),
                Some(
                    c @ (' ' | '\t' | '\u{a0}' | ':' | ',' | '!' | '?' | '"' | '“' | '„' | '«' | '*' | '('
                    | '-' | '–' | '.'),
                ) => {
                    at -= c.len_utf8();
                }
                _ => break,
            }
        }
        (at, is_newline)
    }

    /// Before one blank or apostrophe.
    fn before_joint(&self, at: usize) -> usize {
        match self.char_before(at) {
            Some(c @ (' ' | '\'' | '’' | '-')) => at - c.len_utf8(),
            _ => at,
        }
    }
}
