//! Patterns with a telling literal: a regular expression is tried only where one of its literals stands.
//!
//! A literal is recognised by one byte in it that prose seldom has (a capital, `_`, `-`, `.`, `/`, `:`, `=`, a digit), its
//! anchor, together with the byte before it, or after it if the literal begins with the anchor.
//!
//! Literals without such a byte are words (`password`, `okta`, `bearer `) or beginnings of keys (`dapi`). Words are looked
//! for before a `:`, `=` or `(`, beginnings where a long run of letters and digits begins.

use std::sync::OnceLock;

use aho_corasick::packed::Searcher;
use regex::Regex;

use super::{Class, Sweep, class};
use crate::boundary::Boundary;
use crate::detector::Start;
use crate::steps::{Stage, count};

/// How far a pattern may read; private keys and the like read further.
const WINDOW: usize = 512;
const LONG_WINDOW: usize = 16_384;
const LONG: &[u8] = b"-----BEGIN ";
/// Bytes that a compiled pattern may take.
const MAX_PATTERN_BYTES: usize = 4 << 20;
const BASE58_RUN: usize = 26;
/// How far before a value its word may begin.
const WORDS_BEFORE: usize = 72;
/// The longest of them: one that was half read is read again.
const LONGEST_WORD: usize = 24;

/// One regular expression, compiled when it is first needed: a process that never sees its literal never pays for it.
#[derive(Debug)]
struct Pattern {
    detector: usize,
    source: String,
    regex: OnceLock<Option<Regex>>,
    boundary: Boundary,
    min_run: usize,
    window: usize,
}

impl Pattern {
    fn regex(&self) -> Option<&Regex> {
        self.regex.get_or_init(|| compile(&self.source).ok()).as_ref()
    }
}

fn compile(source: &str) -> Result<Regex, regex::Error> {
    regex::RegexBuilder::new(&format!("^(?:{source})")).size_limit(MAX_PATTERN_BYTES).build()
}

#[derive(Debug)]
struct Entry {
    /// The first eight bytes, and which of them there are.
    head: u64,
    mask: u64,
    literal: Box<[u8]>,
    offset: usize,
    pattern: usize,
}

impl Entry {
    fn new(literal: &[u8], offset: usize, pattern: usize) -> Self {
        let present = 8 * u32::try_from(literal.len().min(8)).unwrap_or(8);
        let mask = u64::MAX.checked_shr(64_u32.saturating_sub(present)).unwrap_or(0);
        Self { head: eight(literal, 0), mask, literal: literal.into(), offset, pattern }
    }

    fn begins(&self, bytes: &[u8], start: usize) -> bool {
        eight(bytes, start) & self.mask == self.head
            && (self.literal.len() <= 8
                || bytes.get(start..).is_some_and(|here| here.starts_with(&self.literal)))
    }
}

/// Eight bytes, the first in the lowest place, with zeros beyond the end.
fn eight(bytes: &[u8], at: usize) -> u64 {
    let rest = bytes.get(at..).unwrap_or_default();
    if let Some(eight) = rest.first_chunk() {
        return u64::from_le_bytes(*eight);
    }
    rest.iter().rev().fold(0, |eight, byte| eight << 8 | u64::from(*byte))
}

/// All patterns, by the anchors of their literals.
#[derive(Debug, Default)]
pub(crate) struct Literals {
    patterns: Vec<Pattern>,
    /// (side, anchor, neighbour) → list, 0 for none.
    slots: Vec<u16>,
    /// Which slots have a list: a bit for each neighbour, by side and anchor.
    taken: Vec<[u64; 2]>,
    lists: Vec<Vec<Entry>>,
    base58: Vec<usize>,
    hex_pairs: Vec<usize>,
    words: Words,
    /// Literals that are looked for everywhere.
    anywhere: Vec<(String, usize)>,
    everywhere: Option<Searcher>,
}

/// Literals without an anchor, and whose they are, by their first three bytes.
#[derive(Debug)]
struct Words {
    /// Which hashes of three bytes any word begins with.
    begins: Box<[u64; 1 << (WORD_BITS - 6)]>,
    /// In order of their hashes.
    entries: Vec<(u32, Entry)>,
    /// Where the entries of each 64 hashes begin.
    firsts: Vec<usize>,
}

/// Bits of a hash of three bytes.
const WORD_BITS: u32 = 15;

/// Of the first three of four bytes.
const fn word_hash(four: u32) -> u32 {
    (four & 0xff_ffff).wrapping_mul(0x9e37_79b1) >> (32 - WORD_BITS)
}

impl Default for Words {
    fn default() -> Self {
        Self { begins: Box::new([0; 1 << (WORD_BITS - 6)]), entries: Vec::new(), firsts: Vec::new() }
    }
}

impl Words {
    fn add(&mut self, word: &[u8], pattern: usize) -> Result<(), &'static str> {
        let hash = match word {
            [one, two, three, ..] => word_hash(u32::from_le_bytes([*one, *two, *three, 0])),
            _ => return Err("a literal of small letters has three bytes or more"),
        };
        if let Some(bits) = self.begins.get_mut((hash >> 6) as usize) {
            *bits |= 1 << (hash & 63);
        }
        let at = self.entries.partition_point(|(known, _)| *known <= hash);
        self.entries.insert(at, (hash, Entry::new(word, 0, pattern)));
        Ok(())
    }

    fn build(&mut self) {
        let at = |block: u32| self.entries.partition_point(|(hash, _)| hash >> 6 < block);
        self.firsts = (0..1 << (WORD_BITS - 6)).map(at).collect();
    }

    /// Every word in a text, with its pattern and place.
    fn each(&self, text: &[u8], mut found: impl FnMut(usize, usize)) {
        count(Stage::Sweep, text.len());
        for (start, four) in text.array_windows().enumerate() {
            let hash = word_hash(u32::from_le_bytes(*four));
            if self.may_begin(hash) {
                self.at(text, start, hash, &mut found);
            }
        }
        if let Some(three @ &[one, two, last]) = text.last_chunk() {
            let start = text.len().saturating_sub(three.len());
            self.at(text, start, word_hash(u32::from_le_bytes([one, two, last, 0])), &mut found);
        }
    }

    #[inline]
    fn may_begin(&self, hash: u32) -> bool {
        let bits = self.begins.get((hash >> 6) as usize).copied().unwrap_or(0);
        bits >> (hash & 63) & 1 == 1
    }

    fn at(&self, text: &[u8], start: usize, hash: u32, found: &mut impl FnMut(usize, usize)) {
        let first = self.firsts.get((hash >> 6) as usize).copied().unwrap_or(0);
        let here = self.entries.iter().skip(first).take_while(|(known, _)| *known <= hash);
        for (known, word) in here {
            count(Stage::Candidates, 1);
            if *known == hash && word.begins(text, start) {
                found(word.pattern, start);
            }
        }
    }
}

/// Digits stand for one another: an anchor that is a digit is looked up under `0`.
fn slot(is_first: bool, anchor: u8, neighbour: u8) -> usize {
    let anchor = if anchor.is_ascii_digit() { b'0' } else { anchor };
    usize::from(is_first) << 14 | usize::from(anchor & 0x7f) << 7 | usize::from(neighbour & 0x7f)
}

/// A pattern as its row says it.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) literals: Vec<String>,
    pub(crate) anywhere: Vec<String>,
    pub(crate) start: Option<Start>,
    pub(crate) source: String,
    pub(crate) boundary: Boundary,
    pub(crate) min_run: usize,
}

/// Collects patterns.
#[derive(Debug, Default)]
pub(crate) struct LiteralsBuilder(Literals);

impl LiteralsBuilder {
    pub(crate) fn add(&mut self, detector: usize, row: Row) -> Result<(), &'static str> {
        let Row { literals, anywhere, start, source, boundary, min_run } = row;
        if literals.is_empty() == start.is_none() {
            return Err("a pattern has either literals or a start");
        }
        let at = self.0.patterns.len();
        match start {
            Some(Start::Base58) => self.0.base58.push(at),
            Some(Start::HexPair) => self.0.hex_pairs.push(at),
            None => literals.iter().try_for_each(|literal| self.literal(literal, at))?,
        }
        self.0.anywhere.extend(anywhere.into_iter().map(|word| (word, at)));
        let is_long = literals.iter().any(|literal| literal.as_bytes().starts_with(LONG));
        let window = if is_long { LONG_WINDOW } else { WINDOW };
        self.0.patterns.push(Pattern { detector, source, regex: OnceLock::new(), boundary, min_run, window });
        Ok(())
    }

    fn literal(&mut self, text: &str, pattern: usize) -> Result<(), &'static str> {
        const RULE: &str = "a literal has two bytes or more";
        let literal = text.as_bytes();
        if literal.len() < 2 {
            return Err(RULE);
        }
        let telling = |wanted: fn(Class) -> bool| literal.iter().position(|byte| wanted(class(*byte)));
        let offset = telling(|class| matches!(class, Class::Anchor | Class::Colon | Class::Capital))
            .or_else(|| telling(|class| class == Class::Digit));
        let Some(offset) = offset.filter(|_| text.is_ascii()) else {
            return self.0.words.add(literal, pattern);
        };
        let (anchor, neighbour) = match offset.checked_sub(1) {
            None => (literal.first(), literal.get(1)),
            Some(before) => (literal.get(offset), literal.get(before)),
        };
        let slot = slot(offset == 0, anchor.copied().ok_or(RULE)?, neighbour.copied().ok_or(RULE)?);
        self.0.slots.resize(1 << 15, 0);
        self.0.taken.resize(1 << 8, [0; 2]);
        if let Some(half) = self.0.taken.get_mut(slot >> 7).and_then(|both| both.get_mut(slot >> 6 & 1)) {
            *half |= 1 << (slot & 63);
        }
        if self.0.lists.is_empty() {
            self.0.lists.push(Vec::new());
        }
        let entry = Entry::new(literal, offset, pattern);
        let fresh = u16::try_from(self.0.lists.len()).map_err(|_| RULE)?;
        let list = self.0.slots.get_mut(slot).ok_or(RULE)?;
        if *list == 0 {
            *list = fresh;
            self.0.lists.push(Vec::new());
        }
        self.0.lists.get_mut(usize::from(*list)).ok_or(RULE)?.push(entry);
        Ok(())
    }

    pub(crate) fn build(mut self) -> Literals {
        self.0.words.build();
        self.0.everywhere = Searcher::new(self.0.anywhere.iter().map(|(word, _)| word));
        self.0
    }
}

impl Sweep<'_, '_> {
    /// Tries the patterns whose literals have their anchor at `at`.
    #[inline]
    pub(super) fn literals(&mut self, at: usize, anchor: u8) {
        let taken = self.set.literals.taken.as_slice();
        let has = |slot: usize| {
            let half = taken.get(slot >> 7).and_then(|both| both.get(slot >> 6 & 1));
            half.is_some_and(|half| half >> (slot & 63) & 1 == 1)
        };
        let after = self.byte(at.wrapping_add(1)).map(|after| slot(true, anchor, after));
        let before = self.before(at).map(|before| slot(false, anchor, before));
        let (after, before) = (after.filter(|slot| has(*slot)), before.filter(|slot| has(*slot)));
        after.into_iter().chain(before).for_each(|slot| self.listed(at, slot));
    }

    /// Tries the patterns of one slot.
    fn listed(&mut self, at: usize, slot: usize) {
        let literals = &self.set.literals;
        let list = literals.slots.get(slot).copied().unwrap_or(0);
        for entry in literals.lists.get(usize::from(list)).into_iter().flatten() {
            count(Stage::Candidates, 1);
            let start = at.checked_sub(entry.offset);
            if let Some(start) = start.filter(|start| entry.begins(self.bytes, *start)) {
                self.pattern(entry.pattern, start);
            }
        }
    }

    /// Tries the patterns of the literals that are looked for everywhere.
    pub(super) fn anywhere(&mut self) {
        let set = self.set;
        let Some(finder) = &set.literals.everywhere else { return };
        count(Stage::Sweep, self.text.len());
        for found in finder.find_iter(self.text) {
            if let Some((_, pattern)) = set.literals.anywhere.get(found.pattern().as_usize()) {
                self.pattern(*pattern, found.start());
            }
        }
    }

    /// Tries the patterns of the words between what was read and `to`, which is where a value may begin.
    pub(super) fn words(&mut self, to: usize) {
        let set = self.set;
        let from = self.words_read.saturating_sub(LONGEST_WORD).max(to.saturating_sub(WORDS_BEFORE));
        let from = self.text.floor_char_boundary(from);
        let end = self.text.ceil_char_boundary(to);
        self.words_read = end;
        let window = self.bytes.get(from..end).unwrap_or_default();
        set.literals.words.each(window, |pattern, start| self.pattern(pattern, from.saturating_add(start)));
    }

    /// A run that may be an address in base58.
    pub(super) fn base58(&mut self, start: usize) {
        if !self.set.literals.base58.is_empty() && self.alphanumerics(start, BASE58_RUN) >= BASE58_RUN {
            let set = self.set;
            set.literals.base58.iter().for_each(|pattern| self.pattern(*pattern, start));
        }
    }

    /// A pair of hexadecimal digits before the colon or dash at `at`.
    pub(super) fn hex_pairs(&mut self, at: usize) {
        let Some(start) = at.checked_sub(2) else { return };
        // In the middle of a longer row of pairs nothing begins.
        if matches!(self.before(start), Some(b':' | b'-')) {
            return;
        }
        // Nor with one pair alone, as in a time or a date.
        let goes_on = self.byte(at.saturating_add(3)) == self.byte(at);
        let is_pair = |at: usize| {
            let pair = self.bytes.get(at..at.saturating_add(2)).unwrap_or_default();
            pair.iter().all(u8::is_ascii_hexdigit)
        };
        if goes_on && is_pair(start) && is_pair(at.saturating_add(1)) {
            let set = self.set;
            set.literals.hex_pairs.iter().for_each(|pattern| self.pattern(*pattern, start));
        }
    }

    fn pattern(&mut self, at: usize, start: usize) {
        let Some(pattern) = self.set.literals.patterns.get(at) else { return };
        count(Stage::Candidates, self.resume.len().saturating_add(1));
        let seen = self.resume.iter().position(|(one, _)| *one == at);
        let found = seen.and_then(|seen| self.resume.get(seen));
        let is_within = found.is_some_and(|(_, found)| found.contains(&start));
        if is_within || self.telling_run(start, pattern.min_run) < pattern.min_run {
            return;
        }
        let tried = start;
        let Some((start, end)) = self.matched(pattern, start) else { return };
        let Some(detector) = self.set.list.get(pattern.detector) else { return };
        let span = self.bytes.get(start..end).unwrap_or_default();
        count(Stage::Checks, span.len());
        if !detector.check.is_none_or(|check| check(span)) {
            return;
        }
        match seen.and_then(|seen| self.resume.get_mut(seen)) {
            Some(slot) => slot.1 = tried..end,
            None => self.resume.push((at, tried..end)),
        }
        self.weigh(start, end, pattern.detector, detector.odds);
    }

    /// How long a run begins here, up to `most`: one long run has many beginnings, and none may cost its length.
    fn telling_run(&self, start: usize, most: usize) -> usize {
        let within = self.bytes.get(..start.saturating_add(most)).unwrap_or(self.bytes);
        super::run_of(within, start, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
    }

    fn matched(&self, pattern: &Pattern, start: usize) -> Option<(usize, usize)> {
        let left = |start: usize| pattern.boundary.left(self.bytes, start);
        let limit = self.text.floor_char_boundary(start.saturating_add(pattern.window));
        let window = self.text.get(start..limit)?;
        let regex = pattern.regex()?;
        // As far as it may read: where it stops, it does not tell.
        count(Stage::Patterns, window.len());
        let span = if regex.captures_len() > 1 {
            let found = regex.captures(window)?;
            found.name("v").or_else(|| found.get(0))?
        } else {
            left(start).then(|| regex.find(window)).flatten()?
        };
        let (from, to) = (start.saturating_add(span.start()), start.saturating_add(span.end()));
        (left(from) && pattern.boundary.right(self.bytes, to) && to > from).then_some((from, to))
    }
}

#[cfg(test)]
mod tests {
    use crate::Detectors;

    #[test]
    fn every_pattern_compiles() {
        let set = Detectors::builtin().unwrap();
        for pattern in &set.literals.patterns {
            assert!(pattern.regex().is_some(), "{}", set.list[pattern.detector].id());
        }
    }
}
