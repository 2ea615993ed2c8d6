//! Masks: the written forms of numbers and short codes, found by the shape of their beginning.
//!
//! `9` is one ASCII digit, `A` one ASCII letter, `X` either, a space one separator (space, `-`, `.` or `/`); any other
//! character stands for itself. A candidate is a whole token: no ASCII letter or digit beside it.
//!
//! The index answers, for a run of digits, which masks can begin there: by how many letters stand before it, how many
//! digits it has, and what follows. Everything else is not even looked at.

mod lengths;

use std::collections::BTreeMap;

use crate::detector::Odds;
use crate::steps::{Stage, count as count_steps};
use lengths::{BEFORE, Lengths, lengths, token};

/// Longest mask, in characters.
pub(crate) const MAX_MASK: usize = 40;
/// Most letters before the first digit.
pub(crate) const MAX_LETTERS: usize = 9;
/// Longest first run of digits that an index entry tells apart.
const MAX_RUN: usize = 24;
/// Kinds of what follows a run: four separators before a digit, a letter or anything else; a letter; the rest.
const NEXT: usize = 14;
const LETTER: usize = 12;
const REST: usize = 13;

/// What follows a run of digits, as far as the index cares.
fn next_class(byte: Option<u8>, after: Option<u8>) -> usize {
    let separator = match byte {
        Some(b' ') => 0,
        Some(b'-') => 3,
        Some(b'.') => 6,
        Some(b'/') => 9,
        Some(byte) if byte.is_ascii_alphabetic() => return LETTER,
        _ => return REST,
    };
    separator + after_class(after)
}

fn after_class(byte: Option<u8>) -> usize {
    match byte {
        Some(byte) if byte.is_ascii_digit() => 0,
        Some(byte) if byte.is_ascii_alphabetic() => 1,
        _ => 2,
    }
}

pub(crate) const fn is_separator(byte: u8) -> bool {
    matches!(byte, b' ' | b'-' | b'.' | b'/')
}

/// One written form.
#[derive(Debug, Clone)]
pub(crate) struct Mask {
    text: Box<[u8]>,
    /// How much of it stands before the letters that stand right before its first digit.
    lead: usize,
}

const fn is_digit(wanted: u8) -> bool {
    wanted.is_ascii_digit()
}

impl Mask {
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let bytes = text.as_bytes();
        let first = bytes.iter().position(|byte| is_digit(*byte)).ok_or("a form needs a digit")?;
        let before = bytes.get(..first).unwrap_or_default();
        let letters = before.iter().rev().take_while(|byte| byte.is_ascii_alphabetic()).count();
        let ends = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
        match () {
            () if !text.is_ascii() || bytes.len() > MAX_MASK => Err("a form has up to 40 ASCII characters"),
            () if letters > MAX_LETTERS => Err("a form has up to 9 letters right before its first digit"),
            () if !ends(bytes.first()) || !ends(bytes.last()) => {
                Err("a form begins and ends with a digit or a letter")
            }
            () => Ok(Self { text: bytes.into(), lead: first.saturating_sub(letters) }),
        }
    }

    /// Whether separators stand in it.
    fn is_grouped(&self) -> bool {
        self.text.iter().any(|byte| !byte.is_ascii_alphanumeric())
    }

    /// Digits alone: weak evidence.
    pub(crate) fn is_bare(&self) -> bool {
        self.text.iter().all(|byte| is_digit(*byte))
    }

    /// Whether a text begins like this.
    fn fits(&self, text: &[u8]) -> bool {
        text.len() >= self.text.len() && self.text.iter().zip(text).all(|(wanted, byte)| fits(*wanted, *byte))
    }

    /// The compact candidate in `out`; the text fits.
    fn take<'o>(&self, text: &[u8], out: &'o mut [u8; MAX_MASK]) -> Option<&'o [u8]> {
        let mut length = 0_usize;
        for byte in text.get(..self.text.len())?.iter().filter(|byte| byte.is_ascii_alphanumeric()) {
            *out.get_mut(length)? = byte.to_ascii_uppercase();
            length = length.saturating_add(1);
        }
        out.get(..length)
    }

    /// Under which keys of the index it belongs: (letters before, digits in the run, what follows).
    fn keys(&self) -> Vec<usize> {
        let mut keys = Vec::new();
        grow(self.text.get(self.lead..).unwrap_or_default(), 0, 0, &mut keys);
        keys.sort_unstable();
        keys.dedup();
        keys
    }
}

fn fits(wanted: u8, byte: u8) -> bool {
    match wanted {
        b'9' => byte.is_ascii_digit(),
        b'A' => byte.is_ascii_alphabetic(),
        b'X' => byte.is_ascii_alphanumeric(),
        b' ' => is_separator(byte),
        literal => byte.eq_ignore_ascii_case(&literal),
    }
}

/// Reads a mask as every text that it can begin as: an `X` is a letter or a digit.
fn grow(mask: &[u8], letters: usize, digits: usize, keys: &mut Vec<usize>) {
    let Some((first, rest)) = mask.split_first() else {
        // Whatever ends a token.
        return if digits > 0 {
            keys.extend((0..NEXT).filter(|next| *next != LETTER).map(|next| key(letters, digits, next)));
        };
    };
    let mut closes = |next: usize| keys.push(key(letters, digits, next));
    let after: &[usize] = match rest.first() {
        Some(b'X') => &[0, 1],
        Some(byte) if is_digit(*byte) => &[0],
        Some(byte) if byte.is_ascii_alphabetic() => &[1],
        _ => &[2],
    };
    match (first, digits) {
        (digit, _) if is_digit(*digit) => grow(rest, letters, digits.saturating_add(1), keys),
        (b'X', 0) => {
            grow(rest, letters.saturating_add(1), 0, keys);
            grow(rest, letters, 1, keys);
        }
        (b'X', _) => {
            closes(LETTER);
            grow(rest, letters, digits.saturating_add(1), keys);
        }
        (b' ', _) => (0..LETTER).filter(|next| after.contains(&(next % 3))).for_each(closes),
        (_, 0) => grow(rest, letters.saturating_add(1), 0, keys),
        (byte, _) if byte.is_ascii_alphabetic() => closes(LETTER),
        (byte, _) => {
            let classes = [b'9', b'A', b' '].map(|after| next_class(Some(*byte), Some(after)));
            let fits = |next: &&usize| **next >= LETTER || after.contains(&(**next % 3));
            classes.iter().filter(fits).for_each(|next| closes(*next));
        }
    }
}

fn key(letters: usize, digits: usize, next: usize) -> usize {
    (letters.min(MAX_LETTERS) * (MAX_RUN + 1) + digits.min(MAX_RUN)) * NEXT + next
}

/// A detector that has a mask, and what the mask is worth to it.
#[derive(Debug)]
pub(crate) struct Owner {
    /// Position of the detector in the set.
    pub(crate) detector: usize,
    pub(crate) odds: Odds,
    /// Whether a check decides; without one, letters before a separator must be capitals: `is 6831901` is prose.
    pub(crate) is_checked: bool,
}

/// A mask and all that have it.
#[derive(Debug)]
struct Form {
    mask: Mask,
    owners: Vec<Owner>,
}

/// Where a mask matches.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Match<'m> {
    pub(crate) owners: &'m [Owner],
    /// Letters and digits, in capitals.
    pub(crate) compact: &'m [u8],
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// A mask among those that share a key.
#[derive(Debug, Clone, Copy)]
struct Probe {
    form: u16,
    lead: u8,
    /// Offset of the mask's last byte from the anchor, and what it wants there.
    last: u8,
    wants_last: u8,
    /// What it wants right before the anchor, if anything stands there.
    wants_before: u8,
}

impl Probe {
    fn new(form: u16, mask: &Mask) -> Self {
        let before = mask.lead.checked_sub(1).and_then(|at| mask.text.get(at));
        Self {
            form,
            lead: small(mask.lead),
            last: small(mask.text.len().saturating_sub(1).saturating_sub(mask.lead)),
            wants_last: mask.text.last().copied().unwrap_or_default(),
            wants_before: before.copied().unwrap_or_default(),
        }
    }

    fn may_be(self, bytes: &[u8], anchor: usize, before: Option<u8>) -> bool {
        let last = bytes.get(anchor.saturating_add(usize::from(self.last)));
        last.is_some_and(|byte| fits(self.wants_last, *byte))
            && (self.lead == 0 || before.is_some_and(|byte| fits(self.wants_before, byte)))
    }
}

fn small(value: usize) -> u8 {
    u8::try_from(value).unwrap_or(u8::MAX)
}

/// Masks of one key whose tokens have the same lengths.
#[derive(Debug, Clone)]
struct Group {
    lengths: Lengths,
    probes: Vec<Probe>,
}

/// All masks, by their beginnings.
#[derive(Debug)]
pub(crate) struct Index {
    forms: Vec<Form>,
    by_key: Vec<Vec<Group>>,
    /// Positions of forms, while the index is made.
    by_text: BTreeMap<Box<[u8]>, u16>,
}

impl Default for Index {
    fn default() -> Self {
        Self {
            forms: Vec::new(),
            by_key: vec![Vec::new(); key(MAX_LETTERS, MAX_RUN, NEXT)],
            by_text: BTreeMap::new(),
        }
    }
}

impl Index {
    pub(crate) fn add(&mut self, owner: Owner, mask: Mask) {
        let known = self.by_text.get(&mask.text).copied();
        if let Some(form) = known.and_then(|at| self.forms.get_mut(usize::from(at))) {
            form.owners.push(owner);
            return;
        }
        let Ok(at) = u16::try_from(self.forms.len()) else { return };
        self.by_text.insert(mask.text.clone(), at);
        let (lengths, probe) = (Lengths::of(&mask), Probe::new(at, &mask));
        for key in mask.keys() {
            let Some(groups) = self.by_key.get_mut(key) else { continue };
            match groups.iter_mut().find(|group| group.lengths == lengths) {
                Some(group) => group.probes.push(probe),
                None => groups.push(Group { lengths, probes: vec![probe] }),
            }
        }
        self.forms.push(Form { mask, owners: vec![owner] });
    }

    /// Every mask that matches around `anchor`, where `letters` letters and then `digits` digits stand. A candidate that is
    /// part of a longer token or of a decimal number does not count.
    pub(crate) fn each(
        &self,
        bytes: &[u8],
        anchor: usize,
        letters: usize,
        digits: usize,
        mut found: impl FnMut(Match<'_>),
    ) {
        let end = anchor.saturating_add(letters).saturating_add(digits);
        let next = next_class(bytes.get(end).copied(), bytes.get(end.saturating_add(1)).copied());
        let groups = self.by_key.get(key(letters, digits, next)).map(Vec::as_slice).unwrap_or_default();
        if groups.is_empty() {
            return;
        }
        count_steps(Stage::Candidates, groups.len().saturating_add(MAX_MASK));
        let blocked = continues_before(bytes, anchor);
        let before = anchor.checked_sub(1).and_then(|at| bytes.get(at)).copied();
        let longer = if next == LETTER { token(bytes.get(end..).unwrap_or_default().iter()) } else { 0 };
        let around = lengths(bytes, anchor, letters.saturating_add(digits).saturating_add(longer));
        let fits = |lengths: Lengths| {
            around & lengths.minded == lengths.all && (lengths.minded & BEFORE != 0 || !blocked)
        };
        let mut matches = [(0, 0); MAX_MATCHES];
        let mut count = 0;
        for probe in groups.iter().filter(|group| fits(group.lengths)).flat_map(|group| &group.probes) {
            count_steps(Stage::Candidates, 1);
            if !self.matches(*probe, bytes, anchor, before) {
                continue;
            }
            match matches.get_mut(count) {
                Some(slot) => (*slot, count) = ((probe.form, probe.lead), count.saturating_add(1)),
                None => self.tell(probe.form, probe.lead, bytes, anchor, &mut found),
            }
        }
        // In the order of the data, whatever group they are in.
        let matches = matches.get_mut(..count).unwrap_or_default();
        matches.sort_unstable();
        for (form, lead) in matches {
            self.tell(*form, *lead, bytes, anchor, &mut found);
        }
    }

    fn matches(&self, probe: Probe, bytes: &[u8], anchor: usize, before: Option<u8>) -> bool {
        if !probe.may_be(bytes, anchor, before) {
            return false;
        }
        let Some(start) = anchor.checked_sub(usize::from(probe.lead)) else { return false };
        let Some(form) = self.forms.get(usize::from(probe.form)) else { return false };
        let text = bytes.get(start..).unwrap_or_default();
        (probe.lead == 0 || !continues_before(bytes, start))
            && form.mask.fits(text)
            && !continues(text, form.mask.text.len(), form.mask.is_grouped())
    }

    fn tell(&self, form: u16, lead: u8, bytes: &[u8], anchor: usize, found: &mut impl FnMut(Match<'_>)) {
        let Some(form) = self.forms.get(usize::from(form)) else { return };
        let start = anchor.saturating_sub(usize::from(lead));
        let text = bytes.get(start..).unwrap_or_default();
        let mut compact = [0; MAX_MASK];
        if let Some(compact) = form.mask.take(text, &mut compact) {
            let end = start.saturating_add(form.mask.text.len());
            found(Match { owners: &form.owners, compact, start, end });
        }
    }
}

/// Masks that match at one place and are told in the order of the data; the data's own come to a handful.
const MAX_MATCHES: usize = 16;

/// Whether a token or a decimal number that began before goes on at `at`.
pub(crate) fn continues_before(bytes: &[u8], at: usize) -> bool {
    let before = |back: usize| at.checked_sub(back).and_then(|at| bytes.get(at)).copied();
    match before(1) {
        Some(b'.') => before(2).is_some_and(|byte| byte.is_ascii_digit()),
        Some(byte) => byte.is_ascii_alphanumeric(),
        None => false,
    }
}

/// Whether a token or a decimal number goes on at `at`.
pub(crate) fn continues(text: &[u8], at: usize, is_grouped: bool) -> bool {
    let byte = |ahead: usize| text.get(at.saturating_add(ahead)).copied();
    match byte(0) {
        None => false,
        Some(b'.') => byte(1).is_some_and(|next| next.is_ascii_digit()),
        // An ISBN goes on after a dash; a compact number does not.
        Some(b'-') => is_grouped && byte(1).is_some_and(|next| next.is_ascii_digit()),
        Some(near) => near.is_ascii_alphanumeric(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detector::Shape;

    fn owner() -> Owner {
        Owner { detector: 0, odds: Odds::new(Shape::Bare, None, None, None), is_checked: true }
    }

    fn found(mask: &str, text: &str) -> Option<(String, usize)> {
        let mut index = Index::default();
        index.add(owner(), Mask::parse(mask).unwrap());
        let bytes = text.as_bytes();
        let letters = bytes.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
        let digits = bytes[letters..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let mut hit = None;
        index.each(bytes, 0, letters, digits, |found| {
            hit = Some((String::from_utf8(found.compact.to_vec()).unwrap(), found.end));
        });
        hit
    }

    #[test]
    fn masks_match_whole_tokens() {
        assert_eq!(found("999 99 9999", "460-89-9847"), Some(("460899847".to_owned(), 11)));
        assert_eq!(found("999 99 9999", "460-89:9847"), None);
        assert_eq!(found("99999999A", "12345678z, so"), Some(("12345678Z".to_owned(), 9)));
        assert_eq!(found("99999999A", "12345678zz"), None);
        assert_eq!(found("AX9999999", "x1234567"), None);
        assert_eq!(found("AX9999999", "x12345678"), Some(("X12345678".to_owned(), 9)));
        assert_eq!(found("AX9999999", "xy234567"), None);
        assert_eq!(found("AX9999999", "xy1234567"), Some(("XY1234567".to_owned(), 9)));
        assert_eq!(found("9AX9 AX9 AA99", "1EG4-TE5-MK73"), Some(("1EG4TE5MK73".to_owned(), 13)));
        assert_eq!(found("DE999999999", "de136695976"), Some(("DE136695976".to_owned(), 11)));
        assert_eq!(found("999999999", "123456782.5"), None);
        assert_eq!(found("999999999", "123456782. So"), Some(("123456782".to_owned(), 9)));
    }

    #[test]
    fn what_stands_before_the_first_digit_belongs_to_a_mask() {
        let found = |mask: &str, text: &'static str| {
            let mut index = Index::default();
            index.add(owner(), Mask::parse(mask).unwrap());
            let digit = text.find(|c: char| c.is_ascii_digit()).unwrap();
            let run = text.bytes().skip(digit).take_while(u8::is_ascii_digit).count();
            let letters =
                text.as_bytes()[..digit].iter().rev().take_while(|byte| byte.is_ascii_alphabetic()).count();
            let mut hit = None;
            index.each(text.as_bytes(), digit - letters, letters, run, |found| {
                hit = text.get(found.start..found.end);
            });
            hit
        };
        assert_eq!(found("AA 999999", "no AB 123456."), Some("AB 123456"));
        assert_eq!(found("AA 999999", "noAB 123456."), None);
        assert_eq!(found("AAA AAA 99A99 A999A", "RSS MRA 85T10 A562S"), Some("RSS MRA 85T10 A562S"));
        assert_eq!(found("FN 999999A", "fn 123456a"), Some("fn 123456a"));
        assert_eq!(found("80380999", "80380123"), Some("80380123"));
        assert_eq!(found("80380999", "80381123"), None);
    }

    #[test]
    fn bad_masks_are_refused() {
        for mask in ["AAAAAAAAAA9", "AAA", "99-", "é9", " 99", "", "9".repeat(41).as_str()] {
            assert!(Mask::parse(mask).is_err(), "{mask}");
        }
    }
}
