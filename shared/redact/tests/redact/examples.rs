//! The data files keep their word: every example is found, whole, and no negative example is.

use std::sync::LazyLock;

use countersign_redact::{Detector, Direction, Group, Hit, Method, Policy};

use crate::common::{everything, set};

static POLICY: LazyLock<Policy> = LazyLock::new(everything);

/// Everything with one detector's label in a text.
fn found_by(text: &str, detector: &Detector) -> Vec<Hit> {
    let hits = POLICY.detect(text, None, Direction::Request);
    hits.into_iter().filter(|hit| POLICY.label(hit.kind) == detector.label()).collect()
}

/// A word that says what comes, where a detector needs one.
fn introduction(detector: &Detector) -> String {
    detector.context().first().map(|word| format!("{word}: ")).unwrap_or_default()
}

/// Neighbours that must not hide a value, whatever its detector.
const AROUND: &[(&str, &str)] = &[
    ("", ""),
    ("my value is ", ", thanks."),
    ("\"", "\""),
    ("(", ")"),
    ("של ", " בבקשה"),
    ("„", "“"),
    ("key=", "\n"),
    ("\u{200f}", "\u{200f}"),
];

/// Whether all of an example is taken out; of a pattern with a named part, that part.
fn is_covered(detector: &Detector, text: &str, example: &str) -> bool {
    let start = text.find(example).unwrap_or_default();
    let end = start + example.len();
    // A text that its field's name makes a secret is found in a field of that name.
    let field = (detector.id() == "secret_field").then(|| introduction(detector));
    let (text, start, end) = match &field {
        Some(_) => (example, 0, example.len()),
        None => (text, start, end),
    };
    POLICY.detect(text, field.as_deref(), Direction::Request).iter().any(|hit| match detector.method() {
        Method::Pattern => hit.start < end && start < hit.end,
        _ => hit.start <= start && end <= hit.end,
    })
}

#[test]
fn every_example_is_taken_out_in_every_surrounding() {
    let mut missed = Vec::new();
    for detector in set().iter() {
        for example in detector.examples() {
            // A name's neighbours are part of what tells it; it is tried among words and in parentheses.
            let around = if detector.group() == Group::Person { &AROUND[..4] } else { AROUND };
            for (before, after) in around {
                let text = format!("{}{before}{example}{after}", introduction(detector));
                if !is_covered(detector, &text, example) {
                    missed.push(format!("{} in {text:?}", detector.id()));
                }
            }
        }
    }
    assert!(missed.is_empty(), "{} missed:\n{}", missed.len(), missed.join("\n"));
}

/// Detectors of which no example goes under their own label, each since another finding covers it: the same rule under
/// another country's name; or since it is found in a field of its name alone.
const UNDER_ANOTHER: &[&str] = &["sk_rc", "sk_rc_old", "secret_field"];

#[test]
fn every_detector_finds_under_its_own_label() {
    let finds = |detector: &Detector| {
        let mut examples = detector.examples().iter();
        examples
            .any(|example| !found_by(&format!("{}{example}", introduction(detector)), detector).is_empty())
    };
    let none: Vec<_> = set().iter().filter(|one| !finds(one)).map(Detector::id).collect();
    assert_eq!(none, UNDER_ANOTHER);
}

#[test]
fn a_glued_hebrew_prefix_hides_no_example() {
    let mut missed = Vec::new();
    // Names have prefixes of their own language alone.
    for detector in set().iter().filter(|detector| detector.group() != Group::Person) {
        for example in detector.examples().iter().filter(|example| example.is_ascii()) {
            for prefix in ["ב", "ל", "מ", "ה", "ו", "כ", "ש", "של"] {
                let text = format!("{}{prefix}{example}", introduction(detector));
                if !is_covered(detector, &text, example) {
                    missed.push(format!("{} in {text:?}", detector.id()));
                }
            }
        }
    }
    assert!(missed.is_empty(), "{} missed:\n{}", missed.len(), missed.join("\n"));
}

#[test]
fn no_negative_example_is_found() {
    let mut wrong = Vec::new();
    for detector in set().iter() {
        for negative in detector.negatives() {
            let text = format!("{}{negative}", introduction(detector));
            let hits = POLICY.detect(&text, None, Direction::Request);
            if hits.iter().any(|hit| POLICY.id(hit.kind) == detector.id()) {
                wrong.push(format!("{} in {text:?}", detector.id()));
            }
        }
    }
    assert!(wrong.is_empty(), "{} found:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_detector_says_where_its_rule_comes_from() {
    for detector in set().iter() {
        assert!(detector.source().len() > 10, "{}", detector.id());
    }
}
