//! What is found with every shortcut is what is found without any: over all texts of the tests, and mixtures of them.

use std::path::Path;

use domain::{ActionId, Timestamp};
use proptest::prelude::*;
use serde_json::json;

use crate::shortcut::without;
use crate::{Detectors, Direction, Document, Draw, Exempt, Nonce, Policy, redact_json};

/// Everything replaced; nothing but what is replaced by default; parts of values shown, names unsure; some only reported.
const POLICIES: [&str; 4] = [
    r#"{"v":1,"types":{"*":{"action":"redact","direction":"both"}}}"#,
    r#"{"v":1}"#,
    r#"{"v":1,"countries":["IL","DE"],"types":{"*":{"action":"mask","direction":"both"},
        "person":{"action":"redact","direction":"both","threshold":0.7}}}"#,
    r#"{"v":1,"countries":["US"],"types":{"*":{"action":"redact","direction":"both","threshold":0.1},
        "email":{"action":"tokenize","direction":"both"},
        "phone":{"action":"alert","direction":"both"},"card":{"action":"hash","direction":"both"}},
        "terms":[{"id":"a","words":["release"],"action":"redact"}]}"#,
];
/// Bytes of the pieces in which long texts are compared.
const PIECE: usize = 1_500;

fn policies() -> Vec<Policy> {
    let compile = |document: &&str| {
        let document = Document::parse(document).expect("a good document");
        Policy::compile(None, Some(&document), None).expect("compiles")
    };
    POLICIES.iter().map(compile).collect()
}

/// Where everything in a text was found, and what became of it.
fn outcome(policy: &Policy, text: &str) -> String {
    let now = Timestamp::from_unix_millis(1_790_000_000_123).expect("in range");
    let draw = Draw { nonce: Nonce::from_bytes([1; 5]), tokens: [1; 32] };
    let keyed = |value: &str| value.len().to_string();
    let body = json!({"content": text, "ssn": text});
    let hits = policy.detect(text, None, Direction::Both);
    match redact_json(policy, ActionId::new(now, [7; 10]), draw, &keyed, body, &Exempt::default()) {
        Ok(done) => {
            let tokens = done.tokens.iter().map(|one| (&one.token, &one.original)).collect::<Vec<_>>();
            format!("{hits:?} {} {:?} {tokens:?}", done.body.get(), done.findings)
        }
        Err(error) => format!("{hits:?} {error}"),
    }
}

fn assert_same(policies: &[Policy], text: &str) {
    for (policy, document) in policies.iter().zip(POLICIES) {
        let (short, long) = (outcome(policy, text), without(|| outcome(policy, text)));
        assert_eq!(short, long, "{text}\n{document}");
    }
}

/// The texts of a folder, in order.
fn files(folder: &str) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(folder);
    let mut paths =
        std::fs::read_dir(folder).expect("a folder").flatten().map(|file| file.path()).collect::<Vec<_>>();
    paths.retain(|path| path.is_file());
    paths.sort();
    paths.iter().map(|path| std::fs::read_to_string(path).expect("a text")).collect()
}

fn pieces(text: &str) -> Vec<String> {
    let mut pieces = vec![String::new()];
    for line in text.split_inclusive('\n') {
        if pieces.last().is_some_and(|piece| piece.len() > PIECE) {
            pieces.push(String::new());
        }
        pieces.last_mut().expect("one").push_str(line);
    }
    pieces
}

#[test]
fn all_texts_of_the_tests_yield_the_same() {
    let policies = policies();
    for text in files("clean").iter().chain(&files("")).flat_map(|text| pieces(text)) {
        assert_same(&policies, &text);
    }
}

#[test]
fn all_examples_yield_the_same() {
    let policies = policies();
    for detector in Detectors::builtin().expect("a good set").iter() {
        let word = detector.context().first().map_or("", String::as_str);
        for example in detector.examples().iter().chain(detector.negatives()) {
            assert_same(
                &policies,
                &format!("Dear Anna Berg, the {word} {example}, {example}. Hauptstraße 12"),
            );
        }
    }
}

/// What stands beside one another in no text, and changes what is beside it.
const MARKS: &[&str] = &[
    " ",
    " ",
    " ",
    ", ",
    ". ",
    "\n",
    "\n\n",
    ",",
    ":",
    "=",
    "(",
    ") ",
    "-",
    "/",
    ".",
    "'",
    "\"",
    "\t",
    "\u{a0}",
    "; ",
    "„",
    "4111 1111 1111 1111",
    "dana@example.com",
    "078-05-1120",
    "+1 212 555 0187",
    "2001:db8:85a3::8a2e:370:7334",
    "1.2.3.4",
    "GB82 WEST 1234 5698 7654 32",
    "ZGFuYUBleGFtcGxlLmNvbQ==",
    "dana%40example.com",
    "[EMAIL_1_k3f9a2x7]",
    "4 1 1 1 1 1 1 1 1",
    "Anna Berg",
    "Smith, John",
    "Mr. Lang",
    "anna berg",
    "my name is ",
    "Dear ",
    "12 Main Street",
    "Via Roma 12",
    "p.o. box 12",
    "75002 Paris",
    "ae 12345",
    "דוד כהן",
    "ד\"ר לוי",
    "שמי ",
    "שלום ",
    "לדוד ",
    "בתל אביב",
    "Grüße ",
    "Versuch ",
    "Florence",
    "12",
    "7",
    "5th ",
    "street ",
    "van der ",
    "do ",
    "says ",
    "and ",
    "Ms ",
    "\u{200b}",
    "ＡＢ１",
];

fn words() -> Vec<String> {
    let all = files("clean").concat() + &files("").concat();
    let words = all.split(' ').filter(|word| word.len() < 60).step_by(7);
    words
        .map(|word| format!("{word} "))
        .chain(MARKS.iter().cycle().take(8_000).map(|mark| (*mark).to_owned()))
        .collect()
}

fn mixture() -> impl Strategy<Value = String> {
    proptest::collection::vec(proptest::sample::select(words()), 1..60).prop_map(|words| words.concat())
}

const JOINTS: &[&str] =
    &[" ", " ", " ", " ", " ", " ", "  ", ", ", ". ", "\n", "-", "'", ": ", "; ", "? ", "\u{a0}"];
const PLAIN: &[&str] = &[
    "the",
    "of",
    "lines",
    "read",
    "for",
    "Then",
    "Versuch",
    "Minuten",
    "ועכשיו",
    "פרק",
    "anna",
    "Anna",
    "Berg",
    "דוד",
];
const NUMBERS: &[&str] = &["12", "3", "12345", "5th", "7b", "12-14"];

/// Words that mean the same to the rules for names and addresses, group by group: the sections of the lexicon, and lists.
fn telling_words() -> Vec<Vec<String>> {
    const LEXICON: &str = include_str!("../data/names/lexicon.txt");
    const LISTS: [&str; 3] = [
        include_str!("../data/names/given_he.txt"),
        include_str!("../data/names/surnames_he.txt"),
        include_str!("../data/names/places.txt"),
    ];
    let entries = |list: &str| {
        let lines = list.lines().filter(|line| !line.starts_with(['#', '[']));
        lines.flat_map(str::split_ascii_whitespace).map(|entry| entry.replace('_', " ")).collect()
    };
    let sections =
        LEXICON.split("\n[").skip(1).map(|section| section.split_once(']').map_or("", |(_, words)| words));
    let of = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let plain = [PLAIN, NUMBERS].into_iter().cycle().take(12).map(of);
    sections.chain(LISTS).map(entries).chain(plain).collect()
}

/// As it stands, with a capital, in capitals, behind a prefix, at the end of a longer word.
fn written(word: &str, form: usize) -> String {
    let (first, rest) = word.split_at(word.chars().next().map_or(0, char::len_utf8));
    match form {
        0 => format!("{}{rest}", first.to_uppercase()),
        1 => word.to_uppercase(),
        2 => format!("ל{word}"),
        3 => format!("Muster{word}"),
        4 => format!("muster{word}"),
        _ => word.to_owned(),
    }
}

fn phrases() -> impl Strategy<Value = String> {
    let groups = telling_words();
    let group = proptest::sample::select(groups);
    let word = (group, any::<proptest::sample::Index>(), 0..10_usize, proptest::sample::select(JOINTS));
    let word =
        word.prop_map(|(group, index, form, joint)| written(index.get::<String>(&group), form) + joint);
    proptest::collection::vec(word, 1..10).prop_map(|words| words.concat())
}

/// Where one word decides, each word in its place.
const FRAMES: &[&str] = &[
    "@ 12 lines of it",
    "my address: @ 12 lines of it",
    "sent to @ 12345 read it",
    "the last 12 @ lines of it",
    "my address is 12 @ lines of it",
    "my address is 12 read @ lines of it",
    "my address is 12 read lines @ of it",
    "my address is @ 12, apt 5, Berlin",
    "@ apo 12345 and",
    "PSC 12, APO @ 12345",
    "the @ Zorblaxi read it",
    "@ Zorblaxi read it",
    "then Zorblaxi @ read it",
    "then Zorblaxi, @ read it",
    "then Zorblaxi and @ read it",
    "then @ read it",
    "Then @.",
    "קראתי @ זורבלקסי ועכשיו",
    "קראתי זורבלקסי @ ועכשיו",
    "@ זורבלקסי, ועכשיו",
];

#[test]
fn every_word_in_its_place_means_the_same() {
    for word in telling_words().concat() {
        for text in
            FRAMES.iter().flat_map(|frame| (0..6).map(|form| frame.replace('@', &written(&word, form))))
        {
            assert_eq!(named(&text), without(|| named(&text)), "{text}");
        }
    }
}

/// Where names and addresses stand in a text.
fn named(text: &str) -> String {
    let mut found = Vec::new();
    crate::names::find(text, &mut found);
    format!("{found:?}")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40_001))]

    #[test]
    fn names_and_addresses_are_the_same(text in phrases()) {
        prop_assert_eq!(named(&text), without(|| named(&text)), "{}", text);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn mixtures_yield_the_same(text in mixture()) {
        thread_local! {
            static POLICIES: Vec<Policy> = policies();
        }
        POLICIES.with(|policies| assert_same(policies, &text));
    }
}
