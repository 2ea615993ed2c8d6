//! Precision and recall on the labelled file of presidio-research, if it lies beside the repository.

use crate::common::{found, set};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/synth_dataset_v2.json");

/// Label in the file → our placeholder label.
const TYPES: &[(&str, &str)] = &[
    ("EMAIL_ADDRESS", "EMAIL"),
    ("CREDIT_CARD", "CARD"),
    ("IBAN_CODE", "IBAN"),
    ("US_SSN", "SSN"),
    ("IP_ADDRESS", "IP"),
];

#[derive(Deserialize)]
struct Sample {
    full_text: String,
    spans: Vec<Span>,
}

#[derive(Deserialize)]
struct Span {
    entity_type: String,
    /// In code points, not bytes.
    start_position: usize,
    end_position: usize,
}

#[derive(Default)]
struct Score {
    labelled: u32,
    found: u32,
    right: u32,
}

#[test]
fn recall_and_precision_on_the_labelled_file() {
    if !Path::new(FILE).exists() {
        eprintln!("SKIPPED: {FILE} is not there, so precision and recall were not measured");
        return;
    }
    let samples = std::fs::read(FILE).expect("readable");
    let samples: Vec<Sample> = serde_json::from_slice(&samples).expect("the format of its README");
    let mut scores = BTreeMap::<&str, Score>::new();
    let mut elsewhere = Vec::new();
    for sample in &samples {
        count(sample, &mut scores, &mut elsewhere);
    }
    for (name, score) in &scores {
        let recall = f64::from(score.right) / f64::from(score.labelled);
        let precision = f64::from(score.right) / f64::from(score.found);
        println!(
            "{name}: {} labelled, {} found, precision {precision:.3}, recall {recall:.3}",
            score.labelled, score.found
        );
    }
    println!("found where nothing of the kind is labelled: {elsewhere:?}");
    for (name, _) in TYPES {
        let score = &scores[name];
        assert_eq!((score.labelled, score.found), (score.right, score.right), "{name}");
    }
}

/// A finding is right when its bytes and its type are those of a label.
fn count(sample: &Sample, scores: &mut BTreeMap<&'static str, Score>, elsewhere: &mut Vec<String>) {
    let text = &sample.full_text;
    let bytes = |position: usize| text.char_indices().nth(position).map_or(text.len(), |(at, _)| at);
    let labels =
        |label: &str| TYPES.iter().find(|(name, _)| *name == label).map(|(name, ours)| (*name, *ours));
    let wanted = sample.spans.iter().filter_map(|span| {
        let (name, ours) = labels(&span.entity_type)?;
        Some((name, ours, bytes(span.start_position), bytes(span.end_position)))
    });
    let wanted = wanted.collect::<Vec<_>>();
    for (name, ..) in &wanted {
        scores.entry(name).or_default().labelled += 1;
    }
    for hit in set().detect(text) {
        let Some((name, _)) = TYPES.iter().find(|(_, ours)| *ours == hit.detector.label()) else {
            elsewhere.push(format!("{} {}", hit.detector.id(), found(text, &hit)));
            continue;
        };
        let score = scores.entry(name).or_default();
        score.found += 1;
        match wanted.contains(&(name, hit.detector.label(), hit.start, hit.end)) {
            true => score.right += 1,
            false => elsewhere.push(format!("{} {}", hit.detector.id(), found(text, &hit))),
        }
    }
}
