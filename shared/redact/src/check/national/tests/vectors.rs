//! Every check against values that python-stdnum or a second implementation judged
//! (`tests/oracle/national_vectors.py` says which, and makes the file anew).

use super::super::{TABLES, by_name};
use proptest::prelude::*;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Deserialize)]
struct File {
    note: String,
    checks: BTreeMap<String, Vectors>,
}

#[derive(Deserialize)]
struct Vectors {
    oracle: String,
    valid: Vec<String>,
    invalid: Vec<String>,
}

fn file() -> File {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/national_vectors.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn every_check_agrees_with_every_vector() {
    let mut wrong = Vec::new();
    for (name, vectors) in file().checks {
        let check = by_name(&name).unwrap_or_else(|| panic!("no check {name}"));
        let judged = |wanted: bool, values: Vec<String>| {
            values.into_iter().filter(|value| check(value.as_bytes()) != wanted).collect::<Vec<_>>()
        };
        let (refused, taken) = (judged(true, vectors.valid), judged(false, vectors.invalid));
        if !refused.is_empty() || !taken.is_empty() {
            wrong.push(format!(
                "{name}: {} refused ({:?}), {} taken ({:?})",
                refused.len(),
                refused.iter().take(3).collect::<Vec<_>>(),
                taken.len(),
                taken.iter().take(3).collect::<Vec<_>>()
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_check_has_two_hundred_vectors_of_either_kind() {
    let file = file();
    assert!(file.note.starts_with("Synthetic"));
    for (name, _) in TABLES.iter().copied().flatten() {
        let vectors = file.checks.get(*name).unwrap_or_else(|| panic!("no vectors for {name}"));
        for values in [&vectors.valid, &vectors.invalid] {
            let distinct = values.iter().collect::<BTreeSet<_>>();
            assert!(distinct.len() >= 200, "{name}");
        }
        assert!(
            ["python-stdnum", "python-stdnum and more", "independent"].contains(&vectors.oracle.as_str())
        );
    }
}

#[test]
fn names_are_single() {
    let names = TABLES.iter().copied().flatten().map(|(name, _)| *name).collect::<Vec<_>>();
    assert_eq!(names.len(), names.iter().collect::<BTreeSet<_>>().len());
}

/// Bytes of any kind, or of the kind that gets far into a check.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let likely = proptest::sample::select(b"0123456789012345678901234567890123456789ABCDEHMNPXYZ+-".to_vec());
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..64),
        proptest::collection::vec(b'0'..=b'9', 0..64),
        proptest::collection::vec(likely, 0..24),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_check_panics(text in bytes()) {
        for (_, check) in TABLES.iter().copied().flatten() {
            check(&text);
        }
    }

    #[test]
    fn no_check_panics_on_changed_numbers(at in 0_usize..1_000_000, cut in 0_usize..24, byte in any::<u8>()) {
        static VALID: std::sync::LazyLock<Vec<String>> =
            std::sync::LazyLock::new(|| file().checks.into_values().flat_map(|vectors| vectors.valid).collect());
        let mut text = VALID[at % VALID.len()].clone().into_bytes();
        let place = cut % text.len();
        text[place] = byte;
        for (_, check) in TABLES.iter().copied().flatten() {
            check(&text);
            check(&text[..place]);
        }
    }
}
