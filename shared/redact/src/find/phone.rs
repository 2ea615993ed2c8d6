//! Telephone numbers: E.164 with `+` or `00`, and national forms by their grouping, their country's plan and words
//! nearby.

use super::{Finder, Sweep};
use crate::detector::{Country, LEAST, Odds};
use crate::plans::{calling_code, is_international, is_national};
use crate::steps::{Stage, count};

/// ITU-T E.164 section 6.1; local numbers have seven.
const MIN_DIGITS: usize = 7;
const MAX_DIGITS: usize = 15;
const MAX_GROUPS: usize = 8;
const MAX_EXTENSION: usize = 5;

/// A candidate's digits and how they are grouped.
#[derive(Debug, Default)]
struct Dialled {
    plus: bool,
    parens: bool,
    dots_only: bool,
    digits: [u8; MAX_DIGITS],
    count: usize,
    /// Digits of groups that have ended.
    grouped: usize,
    groups: [usize; MAX_GROUPS],
    group_count: usize,
    end: usize,
}

impl Dialled {
    fn digit(&mut self, digit: u8) -> Option<()> {
        *self.digits.get_mut(self.count)? = digit;
        self.count = self.count.saturating_add(1);
        Some(())
    }

    /// Ends the group that has begun, if any.
    fn group(&mut self) -> Option<()> {
        let length = self.count.saturating_sub(self.grouped);
        if length > 0 {
            self.grouped = self.count;
            *self.groups.get_mut(self.group_count)? = length;
            self.group_count = self.group_count.saturating_add(1);
        }
        Some(())
    }

    fn digits(&self) -> &str {
        self.digits.get(..self.count).and_then(|digits| core::str::from_utf8(digits).ok()).unwrap_or_default()
    }

    fn groups(&self) -> &[usize] {
        self.groups.get(..self.group_count).unwrap_or_default()
    }
}

impl Sweep<'_, '_> {
    /// A number that begins at `at`: with `+`, `(` or a digit.
    pub(super) fn phone(&mut self, at: usize) {
        let Some(detector) = self.set.finders.get(Finder::Phone) else { return };
        if at < self.phone_end || !self.may_begin(at) {
            return;
        }
        let Some(dialled) = self.dialled(at) else { return };
        let Some(writing) = writing(&dialled) else { return };
        // Most numbers are none to dial: the words are asked first, the plans only where they can matter.
        let spoken = writing.needs_words() && self.nearby.speaks_for(detector, at, dialled.end);
        let score = writing.score(&dialled, self.countries, spoken);
        if score >= LEAST {
            let end = self.extension(dialled.end);
            self.phone_end = end;
            self.hit(at, end, detector, score);
        }
    }

    /// Whether a run of digits up to `end` has enough of them, or what follows may be more of its number.
    pub(super) fn may_be_dialled(&self, digits: usize, end: usize) -> bool {
        let goes_on = |at: usize| matches!(self.byte(at), Some(b' ' | b'-' | b'.' | b'/' | b'(' | b')'));
        let is_digit = |at: usize| self.byte(at).is_some_and(|byte| byte.is_ascii_digit());
        let next = end.saturating_add(1);
        digits >= MIN_DIGITS || (goes_on(end) && (goes_on(next) || is_digit(next)))
    }

    /// Not in the middle of a token, a decimal number or a date.
    fn may_begin(&self, at: usize) -> bool {
        let two_before = at.checked_sub(2).and_then(|at| self.byte(at));
        if self.byte(at) == Some(b'(') && !self.opens_an_area(at) {
            return false;
        }
        match self.before(at) {
            Some(b'-' | b'.' | b'/' | b',') => !two_before.is_some_and(|byte| byte.is_ascii_alphanumeric()),
            Some(b'+') => false,
            // A group of a longer row of groups; what follows a number to dial is another one.
            Some(b' ') if two_before.is_some_and(|byte| byte.is_ascii_digit()) => {
                self.byte(at) == Some(b'+')
                    || self.byte(at) == Some(b'(')
                    || self.phone_end.saturating_add(1) == at
                    || self.run_is_long(at)
            }
            Some(byte) => !byte.is_ascii_alphanumeric(),
            None => true,
        }
    }

    /// Nine digits or more stand for themselves.
    fn run_is_long(&self, at: usize) -> bool {
        super::run_of(self.bytes, at, u8::is_ascii_digit) >= 9
    }

    /// `(212)` or `(+1`: up to five digits in parentheses. Any other parenthesis is the sentence's.
    fn opens_an_area(&self, at: usize) -> bool {
        let inside = at.saturating_add(1);
        let digits = super::run_of(self.bytes, inside, u8::is_ascii_digit);
        let closes = self.byte(inside.saturating_add(digits)) == Some(b')');
        self.byte(inside) == Some(b'+') || ((1..=5).contains(&digits) && closes)
    }

    fn dialled(&self, start: usize) -> Option<Dialled> {
        let mut dialled = Dialled { dots_only: true, ..Dialled::default() };
        let mut at = start;
        let (mut gap, mut other) = (0, false);
        while let Some(byte) = self.byte(at) {
            match byte {
                b'0'..=b'9' => {
                    dialled.digit(byte)?;
                    // What follows the last digit separates nothing.
                    dialled.dots_only &= !std::mem::take(&mut other);
                    gap = 0;
                    dialled.end = at.saturating_add(1);
                }
                b'+' if at == start => dialled.plus = true,
                b' ' | b'-' | b'.' | b'/' | b'(' | b')' if gap < 2 => {
                    dialled.parens |= byte == b'(';
                    other |= byte != b'.';
                    gap += 1;
                    dialled.group()?;
                }
                _ => break,
            }
            at = at.saturating_add(1);
        }
        count(Stage::Sweep, at.saturating_sub(start));
        dialled.group()?;
        let ends = |byte: u8| !byte.is_ascii_alphabetic() || matches!(byte | 0x20, b'x' | b'e');
        (dialled.count >= MIN_DIGITS && self.byte(dialled.end).is_none_or(ends)).then_some(dialled)
    }

    /// `x459`, `ext. 12`: up to five digits that belong to the number before.
    fn extension(&self, end: usize) -> usize {
        let rest = self.text.get(end..).unwrap_or_default();
        let trimmed = rest.strip_prefix(' ').unwrap_or(rest);
        let marks = ["x", "X", "ext. ", "ext.", "ext ", "ext"];
        let Some(number) = marks.iter().find_map(|mark| trimmed.strip_prefix(mark)) else { return end };
        let digits = number.bytes().take_while(u8::is_ascii_digit).count();
        let taken = rest.len().saturating_sub(number.len());
        if (1..=MAX_EXTENSION).contains(&digits) {
            end.saturating_add(taken).saturating_add(digits)
        } else {
            end
        }
    }
}

/// How a number is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Writing {
    /// `+` and a calling code.
    Plus,
    /// `00` and a calling code.
    Abroad,
    /// In parentheses, with a leading zero and groups, or in groups of 3, 3 and 4.
    Familiar,
    /// In other groups.
    Grouped,
    /// Digits alone.
    Bare,
}

/// `None` if it is something else than a number to dial.
fn writing(dialled: &Dialled) -> Option<Writing> {
    let digits = dialled.digits();
    if dialled.plus {
        return calling_code(digits).map(|_| Writing::Plus);
    }
    if is_other(dialled) {
        return None;
    }
    let grouped = dialled.group_count > 1;
    let is_abroad =
        digits.strip_prefix("00").is_some_and(|rest| rest.len() >= 9 && calling_code(rest).is_some());
    Some(match () {
        () if is_abroad => Writing::Abroad,
        () if dialled.parens || (grouped && (digits.starts_with('0') || dialled.groups() == [3, 3, 4])) => {
            Writing::Familiar
        }
        () if grouped => Writing::Grouped,
        () => Writing::Bare,
    })
}

impl Writing {
    fn needs_words(self) -> bool {
        self != Self::Plus
    }

    /// Priors by writing, with a valid number and with an invalid one.
    fn score(self, dialled: &Dialled, countries: &[Country], spoken: bool) -> f32 {
        let digits = dialled.digits();
        let (valid, invalid) = match self {
            Self::Plus => (0.97, 0.6),
            Self::Abroad => (0.7, 0.02),
            Self::Familiar => (0.7, 0.1),
            Self::Grouped => (0.05, 0.008),
            Self::Bare => (0.004, 0.0001),
        };
        let odds = |prior: f32| Odds::posterior(prior, spoken);
        // Where neither would be a finding, the plans are not asked.
        if odds(valid) < LEAST {
            return 0.0;
        }
        let is_valid = match self {
            Self::Plus => is_international(digits),
            Self::Abroad => digits.strip_prefix("00").is_some_and(is_international),
            _ => is_national(digits, countries),
        };
        odds(if is_valid { valid } else { invalid })
    }
}

/// Whether month and day of `YYYYMMDD` can be.
fn is_date(digits: &str) -> bool {
    let part =
        |from: usize, to: usize| digits.get(from..to).and_then(|part| part.parse::<u32>().ok()).unwrap_or(99);
    (1..=12).contains(&part(4, 6)) && (1..=31).contains(&part(6, 8))
}

/// Dates, addresses of machines, amounts, times: digits in groups that are no number to dial.
fn is_other(dialled: &Dialled) -> bool {
    let groups = dialled.groups();
    let year_first = matches!(groups, [4, 2, 2, ..]) && !dialled.parens && is_date(dialled.digits());
    let year_last = matches!(groups, [1 | 2, 1 | 2, 4]);
    let address = dialled.dots_only && groups.len() == 4 && groups.iter().all(|group| *group <= 3);
    let decimal = dialled.dots_only && (groups.len() == 2 || groups.contains(&1));
    let tiny = !dialled.parens
        && (groups.iter().skip(1).any(|group| *group == 1)
            || (groups.first() == Some(&1) && !dialled.digits().starts_with('1')));
    let long = groups.iter().any(|group| *group > 11);
    year_first
        || year_last
        || decimal
        || address
        || tiny
        || long
        || dialled.digits().bytes().all(|digit| digit == b'0')
}
