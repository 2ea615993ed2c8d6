//! The fuzz targets' bodies over their kept corpora, and over random changes of them: what fuzzing found once stays found.
#![cfg(test)]

// Under the name that the fuzzing package knows it by.
extern crate domain as countersign_domain;

#[path = "../fuzz/any_text.rs"]
mod any_text;

use std::path::Path;
use std::sync::LazyLock;

use proptest::prelude::*;

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut files =
        std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
    files.sort();
    files.iter().map(|file| std::fs::read(file).unwrap()).collect()
}

static BOTH: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| [corpus("detect"), corpus("redact_restore")].concat());

fn hold(bytes: &[u8]) {
    any_text::detect(bytes);
    any_text::redact_restore(bytes);
}

#[test]
fn the_corpora_hold() {
    assert!(countersign_redact::Detectors::builtin().is_ok(), "nothing would be looked for");
    assert!(corpus("detect").len() >= 12 && corpus("redact_restore").len() >= 12);
    corpus("detect").iter().for_each(|bytes| any_text::detect(bytes));
    corpus("redact_restore").iter().for_each(|bytes| any_text::redact_restore(bytes));
}

/// Text that is cut out and put in by characters, so that changes reach beyond the check for UTF-8.
fn spliced(bytes: &[u8], at: prop::sample::Index, drop: usize, with: &str) -> Vec<u8> {
    let mut text = String::from_utf8_lossy(bytes).chars().collect::<Vec<_>>();
    let start = if text.is_empty() { 0 } else { at.index(text.len()) };
    let end = text.len().min(start + drop);
    text.splice(start..end, with.chars());
    text.into_iter().collect::<String>().into_bytes()
}

/// What disguises, separates and begins values.
const PIECES: &[&str] = &[
    "",
    "\u{200b}",
    "\u{ad}",
    "\u{202e}",
    "\u{2011}",
    "\u{a0}",
    "٣",
    "４",
    "а",
    "ש",
    "של",
    "%40",
    "%",
    "&#64;",
    "&",
    r"\u0040",
    "\\",
    "@",
    ":",
    "-",
    " ",
    "[",
    "]",
    "[EMAIL_1_98989898]",
    "1",
    "a",
    "Z",
    "=",
    "\n",
    "é",
    "日本",
    "4111111111111111",
    "IL62",
    "::",
];

/// `PROPTEST_CASES` looks longer.
fn config() -> ProptestConfig {
    let standard = ProptestConfig::default();
    let cases = standard.cases.max(512);
    ProptestConfig { cases, failure_persistence: None, ..standard }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn changes_of_the_corpora_hold(
        n: prop::sample::Index,
        at: prop::sample::Index,
        drop in 0_usize..6,
        with in prop::sample::select(PIECES),
        again: prop::sample::Index,
        twice in prop::sample::select(PIECES),
    ) {
        let changed = spliced(&BOTH[n.index(BOTH.len())], at, drop, with);
        hold(&changed);
        hold(&spliced(&changed, again, 1, twice));
    }

    #[test]
    fn two_of_the_corpora_in_one_hold(n: prop::sample::Index, m: prop::sample::Index, at: prop::sample::Index) {
        let other = String::from_utf8_lossy(&BOTH[m.index(BOTH.len())]).into_owned();
        hold(&spliced(&BOTH[n.index(BOTH.len())], at, 0, &other));
    }

    #[test]
    fn any_bytes_hold(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in "\\PC{0,120}") {
        hold(&bytes);
        hold(text.as_bytes());
    }
}
