//! The fuzz target's body over its kept corpus, and over random changes of it: what fuzzing found once stays found.
#![cfg(test)]

// Under the names that the fuzzing package knows them by.
extern crate domain as countersign_domain;

#[path = "../fuzz/open_any.rs"]
mod open_any;

use std::path::Path;

use proptest::prelude::*;

fn corpus() -> Vec<Vec<u8>> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/open");
    let files = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    files.map(|file| std::fs::read(file).unwrap()).collect()
}

#[test]
fn the_corpus_holds() {
    let corpus = corpus();
    assert!(corpus.len() >= 8, "{}", corpus.len());
    corpus.iter().for_each(|bytes| open_any::open_any(bytes));
}

proptest! {
    #[test]
    fn changes_of_the_corpus_hold(
        n: prop::sample::Index,
        at: prop::sample::Index,
        with in proptest::collection::vec(any::<u8>(), 0..8),
        keep: prop::sample::Index,
    ) {
        let corpus = corpus();
        let mut bytes = corpus[n.index(corpus.len())].clone();
        if !bytes.is_empty() {
            let at = at.index(bytes.len());
            bytes.truncate(bytes.len() - keep.index(bytes.len()) / 2);
            bytes.splice(at.min(bytes.len())..at.min(bytes.len()), with);
        }
        open_any::open_any(&bytes);
    }

    #[test]
    fn any_bytes_hold(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        open_any::open_any(&bytes);
        open_any::open_any(&[b"CSE1".as_slice(), &bytes].concat());
    }
}
