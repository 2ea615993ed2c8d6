//! The data files keep their word: every example is found, whole, and no negative example is.

use crate::common::{found, set};
use countersign_redact::{Detector, Hit};

fn found_by<'d>(text: &str, detector: &Detector) -> Vec<Hit<'d>> {
    set().detect(text).into_iter().filter(|hit| hit.detector.id() == detector.id()).collect()
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

#[test]
fn every_example_is_found_whole_in_every_surrounding() {
    for detector in set().iter() {
        for example in detector.examples() {
            for (before, after) in AROUND {
                let text = format!("{before}{example}{after}");
                let spans = found_by(&text, detector);
                let spans = spans.iter().map(|hit| found(&text, hit)).collect::<Vec<_>>();
                assert_eq!(spans, [example.as_str()], "{} in {text:?}", detector.id());
            }
        }
    }
}

#[test]
fn a_glued_hebrew_prefix_hides_no_example() {
    for detector in set().iter() {
        for example in detector.examples().iter().filter(|example| example.is_ascii()) {
            for prefix in ["ב", "ל", "מ", "ה", "ו", "כ", "ש", "של"] {
                let text = format!("{prefix}{example}");
                let spans = found_by(&text, detector);
                assert_eq!(spans.len(), 1, "{} in {text:?}", detector.id());
                assert_eq!(found(&text, &spans[0]), example);
            }
        }
    }
}

#[test]
fn no_negative_example_is_found() {
    for detector in set().iter() {
        for text in detector.negatives() {
            assert!(found_by(text, detector).is_empty(), "{} in {text:?}", detector.id());
        }
    }
}

#[test]
fn every_detector_says_where_its_rule_comes_from() {
    for detector in set().iter() {
        assert!(detector.source().len() > 10, "{}", detector.id());
    }
}
