//! Precision and recall on a labelled file that nobody here made: `synth_dataset_v2.json` of presidio-research.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use countersign_redact::{Direction, Hit, Policy};
use serde::Deserialize;

use crate::common::{everything, found};

/// Not part of the project: the test is skipped, aloud, where the file is not.
const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/synth_dataset_v2.json");

/// The file's types beside our labels; none: not detected, and reported so.
const TYPES: [(&str, Option<&str>); 17] = [
    ("AGE", None),
    ("CREDIT_CARD", Some("CARD")),
    ("DATE_TIME", None),
    ("DOMAIN_NAME", None),
    ("EMAIL_ADDRESS", Some("EMAIL")),
    ("GPE", None),
    ("IBAN_CODE", Some("IBAN")),
    ("IP_ADDRESS", Some("IP")),
    ("NRP", None),
    ("ORGANIZATION", None),
    ("PERSON", Some("PERSON")),
    ("PHONE_NUMBER", Some("PHONE")),
    ("STREET_ADDRESS", Some("ADDRESS")),
    ("TITLE", None),
    ("US_DRIVER_LICENSE", Some("DRIVER_LICENSE")),
    ("US_SSN", Some("SSN")),
    ("ZIP_CODE", None),
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

/// Labels that a finding of their type overlaps, and findings that a label of their type overlaps.
#[derive(Debug, Default)]
struct Score {
    labelled: u32,
    met: u32,
    found: u32,
    right: u32,
    /// Of those, the ones with the label's very bytes.
    exact: u32,
}

impl Score {
    fn recall(&self) -> f64 {
        f64::from(self.met) / f64::from(self.labelled.max(1))
    }

    fn precision(&self) -> f64 {
        f64::from(self.right) / f64::from(self.found.max(1))
    }
}

#[test]
fn recall_and_precision_on_the_labelled_file() {
    if !Path::new(FILE).exists() {
        eprintln!("SKIPPED: {FILE} is not there, so precision and recall were not measured");
        return;
    }
    let samples = std::fs::read(FILE).expect("readable");
    let samples: Vec<Sample> = serde_json::from_slice(&samples).expect("the format of its README");
    let policy = everything();
    let mut scores = BTreeMap::<&str, Score>::new();
    let mut elsewhere = BTreeMap::<String, BTreeSet<String>>::new();
    for sample in &samples {
        count(&policy, sample, &mut scores, &mut elsewhere);
    }
    println!(
        "{:18} {:>8} {:>6} {:>6} {:>9} {:>7}",
        "type", "labelled", "found", "exact", "precision", "recall"
    );
    for (name, ours) in TYPES {
        let score = scores.entry(name).or_default();
        let (precision, recall) = (score.precision(), score.recall());
        match ours {
            None => println!(
                "{name:18} {:8}      -      -         -       -  not a detected type",
                score.labelled
            ),
            Some(_) => println!(
                "{name:18} {:8} {:6} {:6} {precision:9.3} {recall:7.3}",
                score.labelled, score.found, score.exact
            ),
        }
    }
    for (what, values) in &elsewhere {
        println!("{what}: {values:?}");
    }
    for name in ["EMAIL_ADDRESS", "IBAN_CODE", "US_SSN", "CREDIT_CARD", "IP_ADDRESS"] {
        let score = &scores[name];
        assert_eq!((score.labelled, score.found), (score.exact, score.exact), "{name}");
    }
    // Presidio's published figures for the whole file are 0.733 and 0.646.
    let (person, address) = (&scores["PERSON"], &scores["STREET_ADDRESS"]);
    assert!(person.recall() > 0.8 && person.precision() >= 0.906, "{person:?}");
    assert!(address.recall() > 0.78 && address.precision() > 0.98, "{address:?}");
    let phone = &scores["PHONE_NUMBER"];
    assert!(phone.recall() >= 0.95 && phone.precision() >= 0.9, "{phone:?}");
}

fn count(
    policy: &Policy,
    sample: &Sample,
    scores: &mut BTreeMap<&'static str, Score>,
    elsewhere: &mut BTreeMap<String, BTreeSet<String>>,
) {
    let text = &sample.full_text;
    let bytes = |position: usize| text.char_indices().nth(position).map_or(text.len(), |(at, _)| at);
    let label = |span: &Span| {
        let (name, ours) = TYPES.iter().find(|(name, _)| *name == span.entity_type)?;
        Some((*name, *ours, bytes(span.start_position), bytes(span.end_position)))
    };
    let labels = sample.spans.iter().filter_map(label).collect::<Vec<_>>();
    let hits = policy.detect(text, None, Direction::Request);
    let overlaps = |hit: &Hit, start: usize, end: usize| hit.start < end && start < hit.end;
    for (name, ours, start, end) in &labels {
        let score = scores.entry(name).or_default();
        score.labelled += 1;
        let met = hits.iter().any(|hit| *ours == Some(policy.label(hit.kind)) && overlaps(hit, *start, *end));
        score.met += u32::from(met);
        if ours.is_some() && !met {
            elsewhere
                .entry(format!("{name} missed"))
                .or_default()
                .insert(text.get(*start..*end).unwrap_or_default().to_owned());
        }
    }
    for hit in &hits {
        let ours = policy.label(hit.kind);
        let Some((name, _)) = TYPES.iter().find(|(_, label)| *label == Some(ours)) else {
            elsewhere
                .entry(format!("{} found", policy.id(hit.kind)))
                .or_default()
                .insert(found(text, hit).to_owned());
            continue;
        };
        let score = scores.entry(name).or_default();
        score.found += 1;
        let mut met = labels
            .iter()
            .filter(|(_, label, start, end)| *label == Some(ours) && overlaps(hit, *start, *end));
        match met.next() {
            Some((_, _, start, end)) => {
                score.right += 1;
                score.exact += u32::from((*start, *end) == (hit.start, hit.end));
            }
            None => drop(
                elsewhere.entry(format!("{name} wrong")).or_default().insert(found(text, hit).to_owned()),
            ),
        }
    }
}
