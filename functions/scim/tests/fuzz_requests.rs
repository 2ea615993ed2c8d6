//! The fuzz targets' bodies over their kept corpora, and over random changes of them: what fuzzing found once stays found.
#![cfg(test)]

#[path = "../fuzz/any_request.rs"]
mod any_request;

use std::path::Path;
use std::sync::LazyLock;

use proptest::prelude::*;

type Corpus = Vec<Vec<u8>>;

fn corpus(target: &str) -> Corpus {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut files =
        std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
    files.sort();
    files.iter().map(|file| std::fs::read(file).unwrap()).collect()
}

static FILTERS: LazyLock<Corpus> = LazyLock::new(|| corpus("filter"));
static BODIES: LazyLock<Corpus> = LazyLock::new(|| corpus("body"));

#[test]
fn the_corpora_hold() {
    assert!(FILTERS.len() >= 12 && BODIES.len() >= 12, "{} {}", FILTERS.len(), BODIES.len());
    FILTERS.iter().for_each(|bytes| any_request::filter(bytes));
    BODIES.iter().for_each(|bytes| any_request::body(bytes));
}

/// Nothing is walked deeper than it may be, and no list is gone through for every one of its own.
#[test]
fn hostile_requests_end_soon() {
    let begun = std::time::Instant::now();
    for piece in
        ["(", "not (", "emails[", "[", "]", "\"", "\\\"", "a.", "a:", "userName pr and ", "\u{0}", "é"]
    {
        any_request::filter(piece.repeat(200_000).as_bytes());
        any_request::filter(format!("userName eq \"{}\"", piece.repeat(200_000)).as_bytes());
    }
    for (start, piece, end) in [
        ("{\"userName\":", "[", ""),
        ("{\"userName\":\"a\",\"emails\":[", "{},", "{}]}"),
        ("{\"userName\":\"a\",\"emails\":[", "{\"value\":\"a\"},", "{}]}"),
        ("{\"displayName\":\"a\",\"members\":[", "\"u-1\",", "\"u-1\"]}"),
        ("{\"Operations\":[", "{},", "{}]}"),
        ("{\"Operations\":[{\"op\":\"add\",\"value\":{", "\"title\":\"a\",", "\"title\":\"b\"}}]}"),
        ("{\"Operations\":[{\"op\":\"remove\",\"path\":\"", "emails[", "\"}]}"),
        ("{\"userName\":\"", "\\u0000", "\"}"),
        ("{\"userName\":\"", "\\ud800", "\"}"),
        ("{\"userName\":\"a\",\"", "x", "\":1}"),
    ] {
        any_request::body(format!("{start}{}{end}", piece.repeat(200_000)).as_bytes());
    }
    assert!(begun.elapsed().as_secs() < 60, "{:?}", begun.elapsed());
}

/// Text that is cut out and put in by characters, so that changes reach beyond the check for UTF-8.
fn spliced(bytes: &[u8], at: prop::sample::Index, drop: usize, with: &str) -> Vec<u8> {
    let mut text = String::from_utf8_lossy(bytes).chars().collect::<Vec<_>>();
    let start = if text.is_empty() { 0 } else { at.index(text.len()) };
    let end = text.len().min(start + drop);
    text.splice(start..end, with.chars());
    text.into_iter().collect::<String>().into_bytes()
}

/// What filters and bodies are made of.
const PIECES: &[&str] = &[
    "",
    "(",
    ")",
    "[",
    "]",
    "\"",
    "\\",
    ".",
    ":",
    ",",
    "{",
    "}",
    " ",
    "not ",
    " and ",
    " or ",
    " eq ",
    " ne ",
    " pr",
    "null",
    "true",
    "\"False\"",
    "\"\"",
    "0",
    "\u{0}",
    "é",
    "emails",
    "value",
    "type",
    "primary",
    "userName",
    "Value",
    "$ref",
    "bulkId:",
];

proptest! {
    #[test]
    fn changes_of_the_corpora_hold(
        n: prop::sample::Index,
        at: prop::sample::Index,
        drop in 0_usize..8,
        with in prop::sample::select(PIECES),
        again: prop::sample::Index,
        twice in prop::sample::select(PIECES),
    ) {
        for (corpus, target) in [(&*FILTERS, any_request::filter as fn(&[u8])), (&*BODIES, any_request::body)] {
            let changed = spliced(&corpus[n.index(corpus.len())], at, drop, with);
            target(&changed);
            target(&spliced(&changed, again, 1, twice));
        }
    }

    #[test]
    fn any_bytes_hold(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in "\\PC{0,80}") {
        any_request::filter(&bytes);
        any_request::filter(text.as_bytes());
        any_request::body(&bytes);
        any_request::body(format!("{{\"userName\":{}}}", serde_json::Value::from(text)).as_bytes());
    }

    /// Operations of pieces that are known: many of them are done.
    #[test]
    fn what_changes_leave_is_canonical(
        operations in proptest::collection::vec((
            prop::sample::select(&["add", "Replace", "remove"][..]),
            prop::sample::select(&["emails", "roles", "emails[type eq \"work\"]", "roles[value eq \"a\"].primary", "emails.type",
                "emails[value pr].display", "name", "name.givenName", "title", "roles[primary eq true]"][..]),
            prop::sample::select(&["\"x\"", "\"\"", "null", "true", "\"False\"", "[]", "{}", "{\"value\":\"a\"}",
                "{\"givenName\":\"G\"}", "[{\"value\":\"a\",\"display\":\"b\"}]", "[{\"value\":\"a\",\"primary\":true}]",
                "[{\"value\":\"a\"},{\"value\":\"b\",\"type\":\"work\",\"primary\":false}]"][..]),
            any::<bool>(),
        ), 1..8),
    ) {
        let operations: Vec<String> = operations.iter().map(|(op, path, value, with)| {
            let path = serde_json::Value::from(*path);
            if *with { format!("{{\"op\":\"{op}\",\"path\":{path},\"value\":{value}}}") } else { format!("{{\"op\":\"{op}\",\"path\":{path}}}") }
        }).collect();
        for one in &operations {
            any_request::body(format!("{{\"Operations\":[{one}]}}").as_bytes());
        }
        any_request::body(format!("{{\"Operations\":[{}]}}", operations.join(",")).as_bytes());
    }
}
