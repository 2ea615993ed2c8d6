//! One pass over a text: at each byte that can belong to a candidate, the detectors concerned are tried there.
//!
//! Small letters and spaces, most of any prose, are passed over eight at a time; what is left is sorted by its byte.

mod bank;
mod encoded;
mod literal;
mod mail;
mod network;
mod number;
mod phone;

use core::ops::Range;

use serde::Deserialize;

use crate::context::Nearby;
use crate::detector::{Country, Detectors, LEAST, Odds};
use crate::placeholder::stand_in;
use crate::steps::{Stage, count};
pub(crate) use encoded::{Run as EncodedRun, RunKind};
pub(crate) use literal::{Literals, LiteralsBuilder, Row};

/// Code of its own, by the name that data files use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Finder {
    Email,
    Ipv4,
    Ipv6,
    Card,
    Iban,
    Phone,
    Person,
    Address,
    /// A text that its JSON field's name calls a secret.
    Field,
}

/// Which detector of the set stands for which code; absent ones are not run.
#[derive(Debug, Default)]
pub(crate) struct Finders([Option<usize>; 9]);

impl Finders {
    pub(crate) fn set(&mut self, finder: Finder, detector: usize) {
        if let Some(slot) = self.0.get_mut(finder as usize) {
            *slot = Some(detector);
        }
    }

    pub(crate) fn get(&self, finder: Finder) -> Option<usize> {
        self.0.get(finder as usize).copied().flatten()
    }
}

/// A candidate that may be a finding, in bytes of the text it was found in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Raw {
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// Position in the set of detectors.
    pub(crate) detector: usize,
    pub(crate) score: f32,
}

/// What a text also holds: places where something is written in another way.
#[derive(Debug, Default)]
pub(crate) struct Layers {
    /// Percent signs, ampersands or backslashes that begin an escape.
    pub(crate) escapes: bool,
    /// Runs that may be base64 or hexadecimal.
    pub(crate) runs: Vec<EncodedRun>,
    /// What stands in for values that were taken out already.
    pub(crate) stand_ins: Vec<(usize, usize)>,
}

/// One text under search.
pub(crate) struct Sweep<'d, 't> {
    pub(crate) set: &'d Detectors,
    pub(crate) text: &'t str,
    pub(crate) bytes: &'t [u8],
    pub(crate) countries: &'t [Country],
    pub(crate) nearby: Nearby<'d, 't>,
    pub(crate) hits: Vec<Raw>,
    pub(crate) layers: Layers,
    /// What each pattern has found last: it does not look again inside.
    resume: Vec<(usize, Range<usize>)>,
    /// Ends of the last run, number and address that were read whole.
    run_end: usize,
    spaced_end: usize,
    words_read: usize,
    phone_end: usize,
    mail_end: usize,
    colon_end: usize,
}

impl<'d, 't> Sweep<'d, 't> {
    pub(crate) fn new(
        set: &'d Detectors,
        text: &'t str,
        field: &'t [&'d [u16]],
        countries: &'t [Country],
    ) -> Self {
        Self {
            set,
            text,
            bytes: text.as_bytes(),
            countries,
            nearby: Nearby::new(&set.words, text, field),
            hits: Vec::new(),
            layers: Layers::default(),
            resume: Vec::new(),
            run_end: 0,
            spaced_end: 0,
            words_read: 0,
            phone_end: 0,
            mail_end: 0,
            colon_end: 0,
        }
    }

    pub(crate) fn run(&mut self) {
        self.named_by_its_field();
        self.anywhere();
        let mut at = 0;
        while let Some((here, byte)) = next_event(self.bytes, at) {
            count(Stage::Sweep, here.saturating_add(1).saturating_sub(at));
            at = here.saturating_add(1);
            match class_of(byte) {
                Class::Digit => at = self.digits(here),
                Class::Capital => {
                    self.literals(here, byte);
                    self.encoded(here);
                }
                Class::At => {
                    self.mail(here);
                    self.spaced(here);
                }
                Class::Colon => {
                    self.literals(here, byte);
                    self.words(here);
                    self.colon(here);
                }
                Class::Plus => {
                    self.phone(here);
                    if byte == b'(' {
                        self.words(here);
                    }
                }
                Class::Escape => self.layers.escapes |= encoded::is_escape(self.bytes, here),
                Class::Anchor => {
                    self.literals(here, byte);
                    match byte {
                        b'-' => self.hex_pairs(here),
                        b'=' => self.words(here),
                        _ => {}
                    }
                }
                Class::Bracket => {
                    if let Some(end) = stand_in(self.text, here) {
                        self.layers.stand_ins.push((here, end));
                        at = end;
                    }
                }
                Class::Nothing => {}
            }
        }
    }

    /// `{"password": "hunter2"}`: the whole text, if it is one word and can be a secret.
    fn named_by_its_field(&mut self) {
        let Some(detector) = self.set.finders.get(Finder::Field) else { return };
        let can_be = self.text.len() <= MAX_FIELD && !self.text.contains(char::is_whitespace);
        let check = self.set.list.get(detector).and_then(|detector| detector.check);
        count(Stage::Sweep, self.text.len());
        if can_be && self.nearby.field_speaks_for(detector) && check.is_some_and(|check| check(self.bytes)) {
            self.hit(0, self.bytes.len(), detector, 0.95);
        }
    }

    /// A run of digits: returns where the sweep goes on.
    fn digits(&mut self, start: usize) -> usize {
        let length = run_of(self.bytes, start, u8::is_ascii_digit);
        let end = start.saturating_add(length);
        self.numbers(start, length);
        if length <= 3 && self.bytes.get(end) == Some(&b'.') {
            self.ipv4(start);
        }
        if length >= 2 {
            self.iban(start);
            self.card(start, length);
        }
        // A card, an account or an address of a machine is not looked into again. Any other number may be two things, of
        // which a policy minds one.
        let code = [Finder::Card, Finder::Iban, Finder::Ipv4].map(|finder| self.set.finders.get(finder));
        let is_sure = |hit: &&Raw| hit.score >= SURE && hit.end > start && code.contains(&Some(hit.detector));
        if let Some(sure) = self.hits.last().filter(is_sure) {
            return sure.end.max(end);
        }
        if self.may_be_dialled(length, end) {
            self.phone(start);
        }
        self.literals(start, b'0');
        if matches!(self.byte(start), Some(b'1' | b'3')) {
            self.base58(start);
        }
        self.encoded(start);
        end
    }

    pub(crate) fn byte(&self, at: usize) -> Option<u8> {
        self.bytes.get(at).copied()
    }

    pub(crate) fn before(&self, at: usize) -> Option<u8> {
        self.byte(at.checked_sub(1)?)
    }

    pub(crate) fn is_home(&self, detector: usize) -> bool {
        if self.countries.is_empty() {
            return false;
        }
        let country = self.set.list.get(detector).and_then(|detector| detector.country());
        country.is_some_and(|country| self.countries.contains(&country))
    }

    pub(crate) fn hit(&mut self, start: usize, end: usize, detector: usize, score: f32) {
        self.hits.push(Raw { start, end, detector, score });
    }

    /// A candidate whose odds still depend on the words around it.
    pub(crate) fn weigh(&mut self, start: usize, end: usize, detector: usize, odds: Odds) {
        count(Stage::Candidates, 1);
        let is_home = self.is_home(detector);
        if odds.is_lost(is_home) {
            return;
        }
        let has_context = odds.needs_context(is_home) && self.nearby.speaks_for(detector, start, end);
        let score = odds.score(is_home, has_context);
        if score >= LEAST {
            self.hit(start, end, detector, score);
        }
    }
}

/// How many bytes from `at` on pass the test.
pub(crate) fn run_of(bytes: &[u8], at: usize, test: impl Fn(&u8) -> bool) -> usize {
    let length = bytes.get(at..).unwrap_or_default().iter().take_while(|byte| test(byte)).count();
    count(Stage::Sweep, length.saturating_add(1));
    length
}

/// Longest text that a field's name can make a secret, in bytes.
const MAX_FIELD: usize = 256;
/// From here on a finding is sure enough to pass over.
const SURE: f32 = 0.9;

/// What a byte can begin or belong to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Nothing,
    Digit,
    Capital,
    At,
    Colon,
    Plus,
    Escape,
    Anchor,
    Bracket,
}

const fn class(byte: u8) -> Class {
    match byte {
        b'0'..=b'9' => Class::Digit,
        b'A'..=b'Z' => Class::Capital,
        b'@' => Class::At,
        b':' => Class::Colon,
        b'+' | b'(' => Class::Plus,
        b'%' | b'&' | b'\\' => Class::Escape,
        b'[' => Class::Bracket,
        b'_' | b'-' | b'/' | b'.' | b'=' | b'$' => Class::Anchor,
        _ => Class::Nothing,
    }
}

#[expect(clippy::indexing_slicing, reason = "evaluated by the compiler")]
const CLASSES: [Class; 256] = {
    let mut classes = [Class::Nothing; 256];
    let mut byte = 0;
    while byte < 128 {
        classes[byte] = class(byte as u8);
        byte += 1;
    }
    classes
};

/// [`class`], looked up.
fn class_of(byte: u8) -> Class {
    CLASSES.get(usize::from(byte)).copied().unwrap_or(Class::Nothing)
}

const LOW: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// The next byte from `at` on that is neither a small letter nor a space, nor part of a letter beyond ASCII.
fn next_event(bytes: &[u8], mut at: usize) -> Option<(usize, u8)> {
    while let Some(eight) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let events = events(u64::from_le_bytes(*eight));
        if events != 0 {
            let here = at.saturating_add((events.trailing_zeros() / 8) as usize);
            return Some((here, bytes.get(here).copied()?));
        }
        at = at.saturating_add(8);
    }
    let rest = bytes.get(at..)?;
    let offset = rest.iter().position(|byte| class(*byte) != Class::Nothing)?;
    Some((at.saturating_add(offset), rest.get(offset).copied()?))
}

/// The high bit of every byte that is an event: above space and below `a`, but for a few marks of prose.
///
/// Each comparison adds so that a byte's high bit tells its result; bytes beyond ASCII are masked out first.
const fn events(word: u64) -> u64 {
    let ascii = word & !HIGH;
    let above = ascii.wrapping_add(LOW * (0x80 - 0x24));
    let below = ascii.wrapping_add(LOW * (0x80 - 0x60));
    let comma = (ascii ^ (LOW * 0x2c)).wrapping_add(LOW * 0x7f);
    let quote = (ascii ^ (LOW * 0x27)).wrapping_add(LOW * 0x7f);
    above & !below & comma & quote & !word & HIGH
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_with_a_class_is_an_event_wherever_it_stands() {
        for byte in 0..=255_u8 {
            for place in 0..20 {
                let mut text = [b'a'; 20];
                text[place] = byte;
                let found = next_event(&text, 0);
                match class(byte) {
                    Class::Nothing => {
                        assert!(found.is_none_or(|(at, found)| (at, found) == (place, byte)), "{byte}")
                    }
                    _ => assert_eq!(found, Some((place, byte)), "{byte} at {place}"),
                }
            }
        }
    }
}
