//! Precision and recall on labelled text.

use std::collections::BTreeMap;
use std::path::Path;

use redact::{Detectors, Direction, Hit, Policy};
use serde::{Deserialize, Serialize};

use super::{Progress, ReportError, read};

/// Types of presidio-research's files beside our labels. Other files may name a detector by its id, or a label.
const KNOWN: [(&str, &str); 10] = [
    ("CREDIT_CARD", "CARD"),
    ("EMAIL_ADDRESS", "EMAIL"),
    ("IBAN_CODE", "IBAN"),
    ("IP_ADDRESS", "IP"),
    ("PERSON", "PERSON"),
    ("PHONE_NUMBER", "PHONE"),
    ("STREET_ADDRESS", "ADDRESS"),
    ("US_DRIVER_LICENSE", "DRIVER_LICENSE"),
    ("US_SSN", "SSN"),
    ("US_PASSPORT", "PASSPORT"),
];

#[derive(Deserialize)]
struct Sample {
    full_text: String,
    spans: Vec<Span>,
}

/// Positions count characters, not bytes.
#[derive(Deserialize)]
struct Span {
    entity_type: String,
    start_position: usize,
    end_position: usize,
}

/// What was counted for one type, or for several together.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) labelled: usize,
    /// Labels that a finding of their type overlaps.
    pub(super) met: usize,
    pub(super) found: usize,
    /// Findings that a label of their type overlaps.
    pub(super) right: usize,
    /// Of those, the ones with the label's very bytes.
    pub(super) exact: usize,
}

impl Counts {
    pub(super) fn precision(&self) -> Option<f64> {
        share(self.right, self.found)
    }

    pub(super) fn recall(&self) -> Option<f64> {
        share(self.met, self.labelled)
    }

    fn add(&mut self, other: &Self) {
        self.labelled += other.labelled;
        self.met += other.met;
        self.found += other.found;
        self.right += other.right;
        self.exact += other.exact;
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of spans stay far below 2^52")]
fn share(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// A type of the file, and the label that our findings of it have; none: there is no detector for it.
#[derive(Debug, Default)]
pub(super) struct Row {
    pub(super) label: Option<String>,
    pub(super) counts: Counts,
}

/// The whole file.
#[derive(Debug, Default, Serialize)]
pub(super) struct Labelled {
    #[serde(skip)]
    pub(super) texts: usize,
    #[serde(skip)]
    pub(super) rows: BTreeMap<String, Row>,
    /// Findings of types that the file has no label for, by detector.
    pub(super) unlabelled_types: BTreeMap<String, usize>,
}

impl Labelled {
    /// All types, or those that have a detector. Findings of types that the file does not label are left out of both.
    pub(super) fn total(&self, detected_only: bool) -> Counts {
        let rows = self.rows.values().filter(|row| !detected_only || row.label.is_some());
        rows.fold(Counts::default(), |mut all, row| {
            all.add(&row.counts);
            all
        })
    }
}

pub(super) fn measure(policy: &Policy, file: &Path) -> Result<Labelled, ReportError> {
    let samples: Vec<Sample> = serde_json::from_str(&read(file)?)
        .map_err(|source| ReportError::Format { file: file.display().to_string(), source })?;
    let mut score = Labelled { texts: samples.len(), ..Labelled::default() };
    let names = samples.iter().flat_map(|sample| &sample.spans).map(|span| span.entity_type.as_str());
    score.rows =
        names.map(|name| (name.to_owned(), Row { label: label(name), counts: Counts::default() })).collect();
    let mut progress = Progress::new("labelled texts");
    for (at, sample) in samples.iter().enumerate() {
        let labels = labels(sample, at, file)?;
        count(policy, &sample.full_text, &labels, &mut score);
        progress.at(at, samples.len());
    }
    Ok(score)
}

/// The label of our findings of a type, by whichever name the file has for it.
fn label(name: &str) -> Option<String> {
    let known = KNOWN.iter().find(|(theirs, _)| *theirs == name).map_or(name, |(_, ours)| ours);
    let mut detectors = Detectors::builtin().ok()?.iter();
    let ours = detectors.find(|one| one.id() == known || one.label() == known)?;
    Some(ours.label().to_owned())
}

/// A label of a text, in bytes.
struct Label<'s> {
    name: &'s str,
    start: usize,
    end: usize,
}

fn labels<'s>(sample: &'s Sample, at: usize, file: &Path) -> Result<Vec<Label<'s>>, ReportError> {
    let text = &sample.full_text;
    let byte = |position: usize| text.char_indices().map(|(at, _)| at).chain([text.len()]).nth(position);
    let fault = |span: &Span| ReportError::Span {
        file: file.display().to_string(),
        sample: at,
        kind: span.entity_type.clone(),
        start: span.start_position,
    };
    let label = |span: &'s Span| {
        let (start, end) =
            byte(span.start_position).zip(byte(span.end_position)).ok_or_else(|| fault(span))?;
        Ok(Label { name: &span.entity_type, start, end })
    };
    sample.spans.iter().map(label).collect()
}

fn count(policy: &Policy, text: &str, labels: &[Label<'_>], score: &mut Labelled) {
    let hits = policy.detect(text, None, Direction::Request);
    for label in labels {
        let Some(row) = score.rows.get_mut(label.name) else { continue };
        row.counts.labelled += 1;
        let is_met = |hit: &&Hit| is_of(policy, hit, label.name, row.label.as_deref()) && overlap(hit, label);
        row.counts.met += usize::from(hits.iter().any(|hit| is_met(&hit)));
    }
    hits.iter().for_each(|hit| judge(policy, hit, labels, score));
}

fn is_of(policy: &Policy, hit: &Hit, name: &str, label: Option<&str>) -> bool {
    policy.id(hit.kind) == name || Some(policy.label(hit.kind)) == label
}

const fn overlap(hit: &Hit, label: &Label<'_>) -> bool {
    hit.start < label.end && label.start < hit.end
}

/// Counts a finding for the type of the label under it; else for the first type of the file that it could be.
fn judge(policy: &Policy, hit: &Hit, labels: &[Label<'_>], score: &mut Labelled) {
    let own = |name: &str, row: &Row| is_of(policy, hit, name, row.label.as_deref());
    let under = labels.iter().filter(|label| overlap(hit, label));
    let right = under
        .filter(|label| score.rows.get(label.name).is_some_and(|row| own(label.name, row)))
        .max_by_key(|label| (label.start, label.end) == (hit.start, hit.end));
    let named = right.map(|label| label.name.to_owned());
    let by_id = || score.rows.contains_key(policy.id(hit.kind)).then(|| policy.id(hit.kind).to_owned());
    let by_label = || score.rows.iter().find(|(name, row)| own(name, row)).map(|(name, _)| name.clone());
    let Some(row) = named.or_else(by_id).or_else(by_label).and_then(|name| score.rows.get_mut(&name)) else {
        *score.unlabelled_types.entry(policy.id(hit.kind).to_owned()).or_default() += 1;
        return;
    };
    row.counts.found += 1;
    row.counts.right += usize::from(right.is_some());
    row.counts.exact +=
        usize::from(right.is_some_and(|label| (label.start, label.end) == (hit.start, hit.end)));
}
