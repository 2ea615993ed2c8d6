//! A text under a policy.

use crate::detect::{Search, of_field};
use crate::detector::Detectors;
use crate::find::Raw;
use crate::hits::{Hit, Kind, merged};
use crate::policy::{Action, CustomHit, Direction, Policy, Rule};

/// A finding of a policy's own term or pattern is as sure as can be.
const CERTAIN: f32 = 1.0;

impl Policy {
    /// Everything in `text` that this policy does something about, in order, without overlaps. `field` is the name of
    /// the JSON field that holds the text; with [`Direction::Both`] both directions' types are looked for.
    pub fn detect(&self, text: &str, field: Option<&str>, direction: Direction) -> Vec<Hit> {
        self.search(text, field, direction).0
    }

    /// The same, and whether nothing in `text` was written in another way, such as base64.
    pub(crate) fn search(&self, text: &str, field: Option<&str>, direction: Direction) -> (Vec<Hit>, bool) {
        let Ok(set) = Detectors::builtin() else { return Default::default() };
        let said = of_field(&set.words, field);
        let own = |text: &str, hits: &mut Vec<Raw>| self.own(text, hits);
        let search = self.over(set, &said, direction, &own);
        let (mut found, is_plain) = search.all(text);
        if !text.is_ascii() {
            // Terms and patterns are written as people write; the view reads some letters as others.
            self.own(text, &mut found);
        }
        (self.ruled(text, found, direction), is_plain)
    }

    /// Of a text without other writings, names and addresses alone.
    pub(crate) fn names(&self, text: &str, direction: Direction) -> Vec<Hit> {
        let Ok(set) = Detectors::builtin() else { return Vec::new() };
        let found = self.over(set, &[], direction, &|_, _| ()).only_names(text);
        self.ruled(text, found, direction)
    }

    fn over<'s>(
        &'s self,
        set: &'static Detectors,
        field: &'s [&'static [u16]],
        direction: Direction,
        also: &'s dyn Fn(&str, &mut Vec<Raw>),
    ) -> Search<'s> {
        let (countries, names) = (self.homes(), self.looks_for_names(direction));
        Search { set, countries, names, model: self.model(), field, also }
    }

    /// What the rules make of candidates.
    fn ruled(&self, text: &str, found: Vec<Raw>, direction: Direction) -> Vec<Hit> {
        let ruled = |raw: Raw| {
            let rule = self.rules().get(raw.detector)?;
            let counts = rule.covers(direction) && raw.score >= rule.threshold;
            let value = text.get(raw.start..raw.end)?;
            (counts && !self.is_allowed(raw.detector, value)).then_some((raw, rule.action))
        };
        merged(found.into_iter().filter_map(ruled))
    }

    /// Terms and patterns of documents.
    fn own(&self, text: &str, hits: &mut Vec<Raw>) {
        if self.custom().is_empty() {
            return;
        }
        let mut found = Vec::new();
        self.custom().find(text, &mut found);
        let raw =
            |hit: CustomHit| Raw { start: hit.start, end: hit.end, detector: hit.rule_index, score: CERTAIN };
        hits.extend(found.into_iter().map(raw));
    }

    /// Whether this policy does something about names or addresses in this direction.
    pub(crate) fn looks_for_names(&self, direction: Direction) -> bool {
        let Ok(set) = Detectors::builtin() else { return false };
        let mut rules = set.persons.iter().filter_map(|at| self.rules().get(*at));
        rules.any(|rule| rule.covers(direction))
    }

    /// The name of a type, such as `us_ssn`, or `custom.project` for a term of a document.
    pub fn id(&self, kind: Kind) -> &str {
        self.named(kind).0
    }

    /// Its name in placeholders, such as `SSN`.
    pub fn label(&self, kind: Kind) -> &str {
        self.named(kind).1
    }

    /// The group that policies may name instead, such as `national`; `custom` for what documents look for.
    pub fn group(&self, kind: Kind) -> &str {
        self.named(kind).2
    }

    fn named(&self, kind: Kind) -> (&str, &str, &str) {
        let list = Detectors::builtin().map(|set| set.list.as_slice()).unwrap_or_default();
        if let Some(detector) = list.get(kind.0) {
            return (detector.id(), detector.label(), detector.group().as_str());
        }
        let own = kind.0.checked_sub(list.len()).and_then(|at| self.kinds().get(at));
        own.map_or(("unknown", "TEXT", "custom"), |own| (own.id.as_str(), own.label.as_str(), own.group))
    }
}

impl Rule {
    fn covers(&self, direction: Direction) -> bool {
        let request = direction.has_request() && self.in_request;
        let answer = direction.has_answer() && self.in_answer;
        (request || answer) && self.action > Action::Allow
    }
}
