//! Terms and patterns of documents, found in one pass each: words by Aho-Corasick, patterns by a set that says which of
//! them a text has at all.
//!
//! Rules do not see each other: each is found wherever it is, so that a tenant's term over a longer text hides nothing
//! that the floor looks for. Overlapping findings of one rule are one finding.

use super::document::Compiled;
use super::word::{fold, is_whole, spellings};
use super::{PolicyError, pattern};
use aho_corasick::{AhoCorasick, AhoCorasickBuilder, MatchKind};
use core::fmt;
use regex::RegexSet;
use std::collections::BTreeMap;

/// Where a rule of the policy was found: byte offsets in the text that was searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct CustomHit {
    pub start: usize,
    pub end: usize,
    /// Index into [`super::Policy::rules`].
    pub rule_index: usize,
}

/// What one rule looks for.
pub(crate) enum Source<'a> {
    Words { words: Vec<&'a str>, whole: bool, cased: bool },
    Pattern(&'a Compiled),
}

impl<'a> Source<'a> {
    pub(crate) fn words(words: &'a [String], whole: bool, cased: bool) -> Self {
        Self::Words { words: words.iter().map(String::as_str).collect(), whole, cased }
    }
}

/// Everything that documents look for by themselves. Immutable; share one.
#[derive(Default)]
pub struct Custom {
    /// Words in any case, compared with the folded text.
    folded: Option<Words>,
    cased: Option<Words>,
    /// One set per document: each fits its limit by itself.
    sets: Vec<Patterns>,
    longest: usize,
}

struct Words {
    finder: AhoCorasick,
    /// Word → rule, and whether it must stand alone.
    of: Vec<(usize, bool)>,
}

struct Patterns {
    set: RegexSet,
    each: Vec<(usize, Compiled)>,
}

/// Disjoint spans by rule, in order.
#[derive(Default)]
struct Spans(BTreeMap<usize, Vec<(usize, usize)>>);

impl Spans {
    /// Adds a span that ends at or behind the last one of its rule.
    fn add(&mut self, rule: usize, start: usize, end: usize) {
        let spans = self.0.entry(rule).or_default();
        let (mut from, mut to) = (start, end);
        while let Some((first, last)) = spans.last().copied().filter(|(_, last)| *last > from) {
            (from, to) = (from.min(first), to.max(last));
            spans.pop();
        }
        spans.push((from, to));
    }
}

impl Custom {
    /// `documents` are lists of rules, each with its index.
    ///
    /// # Errors
    /// The patterns of one document are too costly together.
    pub(crate) fn build(documents: &[Vec<(usize, Source<'_>)>]) -> Result<Self, PolicyError> {
        let mut custom = Self::default();
        let (mut folded, mut cased) = (Vec::new(), Vec::new());
        for (rule, source) in documents.iter().flatten() {
            match source {
                Source::Words { words, whole, cased: false } => folded.extend(
                    words.iter().flat_map(|word| spellings(word)).map(|word| (word, (*rule, *whole))),
                ),
                Source::Words { words, whole, cased: true } => {
                    cased.extend(words.iter().map(|word| ((*word).to_owned(), (*rule, *whole))));
                }
                Source::Pattern(_) => {}
            }
        }
        let words = folded.iter().chain(&cased).map(|(word, _)| word.len());
        custom.longest = words.max().unwrap_or_default();
        custom.folded = Words::build(folded)?;
        custom.cased = Words::build(cased)?;
        for document in documents {
            custom.sets.extend(Patterns::build(document)?);
        }
        let patterns = custom.sets.iter().flat_map(|set| &set.each).map(|(_, one)| one.longest);
        custom.longest = patterns.chain([custom.longest]).max().unwrap_or_default();
        Ok(custom)
    }

    /// Whether there is nothing to look for.
    pub fn is_empty(&self) -> bool {
        self.folded.is_none() && self.cased.is_none() && self.sets.is_empty()
    }

    /// The most bytes that one word or match has: what a stream holds back. A finding may be longer, where several overlap.
    pub const fn longest(&self) -> usize {
        self.longest
    }

    /// Adds every finding, by rule and place. Findings of one rule do not overlap; those of different rules may, and the
    /// stronger action must win: see [`super::Policy::rules`].
    pub fn find(&self, text: &str, out: &mut Vec<CustomHit>) {
        if self.is_empty() {
            return;
        }
        let mut spans = Spans::default();
        if let Some(words) = &self.folded {
            words.find(&fold(text), text, &mut spans);
        }
        if let Some(words) = &self.cased {
            words.find(text, text, &mut spans);
        }
        self.sets.iter().for_each(|set| set.find(text, &mut spans));
        for (rule_index, spans) in spans.0 {
            out.extend(spans.into_iter().map(|(start, end)| CustomHit { start, end, rule_index }));
        }
    }
}

impl Words {
    fn build(words: Vec<(String, (usize, bool))>) -> Result<Option<Self>, PolicyError> {
        if words.is_empty() {
            return Ok(None);
        }
        let (texts, of): (Vec<_>, Vec<_>) = words.into_iter().unzip();
        // Every word is wanted, not the leftmost alone: one rule's word must not hide another's within it.
        let finder = AhoCorasickBuilder::new().match_kind(MatchKind::Standard).build(texts);
        let finder =
            finder.map_err(|_| PolicyError::one("terms", "too many words for one search: use fewer"))?;
        Ok(Some(Self { finder, of }))
    }

    fn find(&self, compared: &str, text: &str, spans: &mut Spans) {
        for found in self.finder.find_overlapping_iter(compared) {
            let Some((rule, whole)) = self.of.get(found.pattern().as_usize()).copied() else { continue };
            if !whole || is_whole(text, found.start(), found.end()) {
                spans.add(rule, found.start(), found.end());
            }
        }
    }
}

impl Patterns {
    fn build(document: &[(usize, Source<'_>)]) -> Result<Option<Self>, PolicyError> {
        let each: Vec<_> = document
            .iter()
            .filter_map(|(rule, source)| match source {
                Source::Pattern(compiled) => Some((*rule, (*compiled).clone())),
                Source::Words { .. } => None,
            })
            .collect();
        if each.is_empty() {
            return Ok(None);
        }
        let set = pattern::set(each.iter().map(|(_, one)| &one.regex));
        let set = set.map_err(|what| PolicyError::one("patterns", what))?;
        Ok(Some(Self { set, each }))
    }

    fn find(&self, text: &str, spans: &mut Spans) {
        for at in self.set.matches(text) {
            if let Some((rule, compiled)) = self.each.get(at) {
                pattern::spans(&compiled.regex, text, |start, end| spans.add(*rule, start, end));
            }
        }
    }
}

impl fmt::Debug for Custom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words =
            [&self.folded, &self.cased].into_iter().flatten().map(|words| words.of.len()).sum::<usize>();
        let patterns = self.sets.iter().map(|set| set.each.len()).sum::<usize>();
        f.debug_struct("Custom").field("words", &words).field("patterns", &patterns).finish_non_exhaustive()
    }
}
