//! Payment cards and IBANs: numbers whose length is part of what they say.

use super::{Finder, Sweep, run_of};
use crate::check::{card, iban};
use crate::detector::{Odds, Shape};
use crate::mask::is_separator;
use crate::steps::{Stage, count as count_steps};

const MIN_DIGITS: usize = 12;
const MAX_DIGITS: usize = 19;
/// Written in groups, a card has at most six of them; more is a row of numbers.
const MAX_SEPARATORS: usize = 5;
/// The longest IBAN has 34 characters; groups of four add eight separators.
const MAX_IBAN: usize = 34;

/// What a card's writing is worth. Fifteen or sixteen digits of an issuer with a good sum are a card; shorter and longer
/// ones are as often an article number (EAN-13, GTIN-14) or a parcel's, and need a word beside them.
fn card_odds(written: &str) -> Odds {
    let digits = written.bytes().filter(u8::is_ascii_digit).count();
    let prior = match digits {
        15 | 16 => 0.99,
        _ => 0.05,
    };
    Odds::new(Shape::Bare, Some(prior), Some(prior), None)
}

impl Sweep<'_, '_> {
    /// The longest card that begins at this run of digits.
    pub(super) fn card(&mut self, start: usize, length: usize) {
        let Some(detector) = self.set.finders.get(Finder::Card) else { return };
        if !(2..=MAX_DIGITS).contains(&length) {
            return;
        }
        // The digits of 0.4111… are no card.
        let decimal = self.before(start) == Some(b'.')
            && start.checked_sub(2).and_then(|at| self.byte(at)) == Some(b'0');
        let mut digits = [0_u8; MAX_DIGITS];
        let (mut count, mut separators, mut at, mut longest) = (0_usize, 0, start, None);
        while let Some(byte) = self.byte(at) {
            if byte.is_ascii_digit() {
                let Some(slot) = digits.get_mut(count) else { break };
                *slot = byte.wrapping_sub(b'0');
                (count, at) = (count.saturating_add(1), at.saturating_add(1));
                let ends = !self.byte(at).is_some_and(|next| next.is_ascii_digit());
                if ends
                    && count >= MIN_DIGITS
                    && card::is_card_number(digits.get(..count).unwrap_or_default())
                {
                    longest = Some(at);
                }
            } else if is_separator(byte) && separators < MAX_SEPARATORS {
                (separators, at) = (separators.saturating_add(1), at.saturating_add(1));
                if !self.byte(at).is_some_and(|next| next.is_ascii_digit()) {
                    break;
                }
            } else {
                break;
            }
        }
        count_steps(Stage::Sweep, at.saturating_sub(start));
        let Some(end) = longest else { return };
        let written = self.text.get(start..end).unwrap_or_default();
        if decimal {
            return;
        }
        self.weigh(start, end, detector, card_odds(written));
    }

    /// The IBAN whose check digits begin here.
    pub(super) fn iban(&mut self, digits: usize) {
        let Some(detector) = self.set.finders.get(Finder::Iban) else { return };
        let letters = self.bytes.get(..digits).and_then(|before| before.last_chunk::<2>());
        let Some(letters) = letters.filter(|pair| pair.iter().all(u8::is_ascii_alphabetic)) else { return };
        let start = digits.saturating_sub(2);
        if self.before(start).is_some_and(|byte| byte.is_ascii_alphanumeric()) {
            return;
        }
        let Some(wanted) = iban::length(*letters) else { return };
        let mut compact = [0_u8; MAX_IBAN];
        let Some(end) = self.compact(start, wanted, &mut compact) else { return };
        let candidate = compact.get(..wanted).unwrap_or_default();
        // Prose has small letters and spaces; an account in groups of capitals is none, however many letters it has.
        let whole = self.bytes.get(start..end).unwrap_or_default();
        let grouped = whole.len() != wanted && whole.iter().any(u8::is_ascii_lowercase);
        // Hexadecimal text in small letters can have a good sum; accounts with letters are written in capitals.
        let is_hex = whole.len() == wanted
            && whole.iter().skip(2).any(u8::is_ascii_lowercase)
            && whole.iter().skip(2).all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase());
        let continues = self.byte(end).is_some_and(|byte| byte.is_ascii_digit());
        if !continues && iban::is_compact_iban(candidate, grouped) {
            let prior = if is_hex { 0.01 } else { 0.99 };
            self.weigh(start, end, detector, Odds::new(Shape::Bare, Some(prior), Some(prior), None));
        }
    }

    /// Copies `wanted` letters and digits from `start` on, past single separators; `None` if there are fewer.
    fn compact(&self, start: usize, wanted: usize, out: &mut [u8; MAX_IBAN]) -> Option<usize> {
        let mut at = start;
        for slot in out.get_mut(..wanted)? {
            let mut byte = self.byte(at)?;
            if is_separator(byte) && at > start {
                at = at.saturating_add(1);
                byte = self.byte(at)?;
            }
            if !byte.is_ascii_alphanumeric() {
                return None;
            }
            *slot = byte.to_ascii_uppercase();
            at = at.saturating_add(1);
        }
        Some(at)
    }

    /// How many letters and digits follow, up to `most`.
    pub(super) fn alphanumerics(&self, at: usize, most: usize) -> usize {
        let within = self.bytes.get(..at.saturating_add(most)).unwrap_or(self.bytes);
        run_of(within, at, u8::is_ascii_alphanumeric)
    }
}
