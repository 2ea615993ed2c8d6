//! What is refused, where, and that nothing of the document is shown.

use super::{TYPES, document};
use crate::policy::Document;
use proptest::prelude::*;

fn refusals(text: &str) -> Vec<(String, String)> {
    let error = Document::parse_for(text, &TYPES).unwrap_err();
    error.problems().iter().map(|one| (one.path.clone(), one.what.clone())).collect()
}

fn refused(text: &str, path: &str, part: &str) {
    let found = refusals(text);
    assert!(
        found.iter().any(|(at, what)| at == path && what.contains(part)),
        "{text}: {found:?} has no `{path}` with `{part}`"
    );
}

/// A document with one field.
fn with(field: &str) -> String {
    format!(r#"{{"v":1,{field}}}"#)
}

fn pattern(pattern: &str, example: &str) -> String {
    let (pattern, example) = (serde_json::json!(pattern), serde_json::json!(example));
    with(&format!(
        r#""patterns":[{{"id":"p","pattern":{pattern},"action":"redact","examples":[{example}]}}]"#
    ))
}

#[test]
fn the_least_document_is_a_version() {
    document(r#"{"v":1}"#);
    refused("{}", ".", "missing field `v`");
    refused(r#"{"v":2}"#, "v", "version 1");
    refused("", ".", "EOF");
    refused("[1]", ".", "");
    refused(r#"{"v":1} {}"#, ".", "trailing");
    refused(&format!(r#"{{"v":1}}{}"#, " ".repeat(64 << 10)), ".", "65543 bytes");
}

#[test]
fn every_fault_names_its_field() {
    refused(&with(r#""type":{}"#), "type", "unknown field");
    refused(&with(r#""types":{"email":{"action":"redcat"}}"#), "types.email.action", "use one of `allow`");
    refused(&with(r#""types":{"email":{}}"#), "types.email", "missing field `action`");
    refused(
        &with(r#""types":{"email":{"action":"mask","treshold":1}}"#),
        "types.email.treshold",
        "unknown field",
    );
    refused(
        &with(r#""types":{"email":{"action":"mask"},"email":{"action":"allow"}}"#),
        "types",
        "`email` stands twice",
    );
    refused(&with(r#""types":{"email":{"action":"mask","threshold":1.0}}"#), "types.email.threshold", "0.05");
    refused(
        &with(r#""types":{"email":{"action":"mask","threshold":0.01}}"#),
        "types.email.threshold",
        "0.99",
    );
    refused(&with(r#""countries":["IL","UK"]"#), "countries[1]", "`GB`");
    refused(&with(r#""countries":["il"]"#), "countries[0]", "ISO 3166");
    refused(&with(r#""tokens":{"ttl_seconds":59}"#), "tokens.ttl_seconds", "60");
    refused(&with(r#""tokens":{"restores_per_minute":601}"#), "tokens.restores_per_minute", "600");
    refused(&with(r#""tokens":{"ttl":60}"#), "tokens.ttl", "unknown field");
    refused(&with(r#""people":["D"]"#), "people[0]", "2 to 128");
    refused(&with(r#""people":["Dana "]"#), "people[0]", "no space");
    refused(&with(r#""addresses":["--- ---"]"#), "addresses[0]", "letter");
    refused(&with(r#""allow":{"domains":["com"]}"#), "allow.domains[0]", "two labels");
    refused(&with(r#""allow":{"values":[""]}"#), "allow.values[0]", "1 to 512");
    refused(&with(r#""allow":{"types":["emal"]}"#), "allow.types[0]", "`email`");
    refused(&with(r#""answers":"yes""#), "answers", "expected a boolean");
}

#[test]
fn an_unknown_type_has_near_misses() {
    refused(&with(r#""types":{"emial":{"action":"mask"}}"#), "types.emial", "did you mean `email`?");
    refused(&with(r#""types":{"ssn":{"action":"mask"}}"#), "types.ssn", "`us_ssn`");
    refused(&with(r#""types":{"secrets":{"action":"mask"}}"#), "types.secrets", "`secret`");
    refused(&with(r#""types":{"zzzzzz":{"action":"mask"}}"#), "types.zzzzzz", "lists all");
    refused(&with(r#""types":{"custom":{"action":"mask"}}"#), "types.custom", "have an action each");
}

#[test]
fn tokenize_is_refused_where_it_makes_no_sense() {
    let tokenize = |name: &str, more: &str| {
        with(&format!(r#""types":{{"{name}":{{"action":"tokenize"{more}}}{}}}"#, ""))
    };
    document(&tokenize("email", ""));
    document(&tokenize("contact", r#","direction":"both""#));
    refused(&tokenize("email", r#","direction":"answer""#), "types.email.action", "answer");
    for name in ["aws_key", "secret", "*"] {
        refused(&tokenize(name, ""), &format!("types.{name}.action"), "give `secret` an action of its own");
    }
    document(&with(r#""types":{"*":{"action":"tokenize"},"secret":{"action":"block"}}"#));
    let term = r#""terms":[{"id":"t","words":["apollo"],"action":"tokenize","direction":"answer"}]"#;
    refused(&with(term), "terms[0].action", "answer");
}

#[test]
fn terms_and_patterns_have_limits() {
    let terms = |n: usize| {
        let one = |n: usize| format!(r#"{{"id":"t{n}","words":["apollo{n}"],"action":"redact"}}"#);
        with(&format!(r#""terms":[{}]"#, (0..n).map(one).collect::<Vec<_>>().join(",")))
    };
    document(&terms(200));
    refused(&terms(201), "terms", "201");
    let patterns = |n: usize| {
        let one = |n: usize| {
            format!(
                r#"{{"id":"p{n}","pattern":"Q{n}-[0-9]{{6}}","action":"redact","examples":["Q{n}-123456"]}}"#
            )
        };
        with(&format!(r#""patterns":[{}]"#, (0..n).map(one).collect::<Vec<_>>().join(",")))
    };
    document(&patterns(50));
    refused(&patterns(51), "patterns", "51");
    let term = |id: &str, word: &str| {
        with(&format!(r#""terms":[{{"id":"{id}","words":["{word}"],"action":"mask"}}]"#))
    };
    document(&term("a", &"x".repeat(128)));
    refused(&term("a", &"x".repeat(129)), "terms[0].words[0]", "128");
    refused(&term("a", "x"), "terms[0].words[0]", "2 to");
    refused(&term("A", "xy"), "terms[0].id", "a-z");
    refused(&term("", "xy"), "terms[0].id", "1 to 32");
    refused(&with(r#""terms":[{"id":"a","words":[],"action":"mask"}]"#), "terms[0].words", "at least one");
    refused(
        &with(r#""terms":[{"id":"a","label":"low","words":["xy"],"action":"mask"}]"#),
        "terms[0].label",
        "A-Z",
    );
    let twice = r#"{"id":"a","words":["xy"],"action":"mask"}"#;
    refused(&with(&format!(r#""terms":[{twice},{twice}]"#)), "terms[1].id", "`terms[0].id` already");
}

#[test]
fn a_pattern_is_refused_with_the_reason() {
    document(&pattern(r"EMP-[0-9]{6}", "EMP-123456"));
    document(&pattern(r"(?i)\bעובד(?:ת)?\s{1,3}(?P<v>[0-9]{5,7})\b", "עובדת 123456"));
    for (wrong, part) in [
        ("EMP-(", "unclosed group"),
        ("EMP-[0-9]+", "no longest match"),
        ("EMP.*", "no longest match"),
        ("(?:EMP)?", "empty text"),
        ("^", "empty text"),
        ("[a-z]{513}", "513 bytes"),
        (r"x.{128}", "513 bytes"),
        (r"\w{30}-x", "too costly"),
        (r"(?i)(?:\w[a-z]){20}Q", "too costly"),
        (&format!("{}x{}", "(?:".repeat(40), ")".repeat(40)), "nest"),
        (r"(a)\1", "backreference"),
        (r"x(?=y)", "look-around"),
    ] {
        refused(&pattern(wrong, "x"), "patterns[0].pattern", part);
    }
    refused(&pattern("EMP-[0-9]{6}", "EMP-12345"), "patterns[0].examples[0]", "not found");
    let none = r#""patterns":[{"id":"p","pattern":"EMP-[0-9]{6}","action":"redact","examples":[]}]"#;
    refused(&with(none), "patterns[0].examples", "1 to 20");
}

#[test]
fn what_is_found_everywhere_is_refused() {
    for wrong in [r"\w{1,5}", ".{3,100}", "[a-z]{4,9}", r"[0-9]{1,9}", "[א-ת]{2,20}", " ", "e", r"\d{2}"] {
        refused(&pattern(wrong, "some 12345 מילים here"), "patterns[0].pattern", "ordinary text");
    }
    for fine in [r"[A-Z]{2}[0-9]{6}", "[0-9]{9}", r"\b[A-Z]{3}-[0-9]{4}\b", "(?i:invoice) [0-9]{4,8}"] {
        document(&pattern(fine, "AB123456 123456789 ABC-1234 invoice 12345"));
    }
    refused(
        &with(r#""terms":[{"id":"t","words":["the","and","in"],"action":"mask"}]"#),
        "terms[0].words",
        "ordinary",
    );
    document(&with(r#""terms":[{"id":"t","words":["report"],"action":"mask"}]"#));
}

/// Each pattern fits by itself, and all of them do not.
#[test]
fn patterns_have_a_limit_together() {
    let one = |n: usize| {
        let text = serde_json::json!(format!(r"Q{n}\w{{4}}!"));
        format!(r#"{{"id":"p{n}","pattern":{text},"action":"redact","examples":["Q{n}abcd!"]}}"#)
    };
    let all = |n: usize| with(&format!(r#""patterns":[{}]"#, (0..n).map(one).collect::<Vec<_>>().join(",")));
    document(&all(2));
    refused(&all(50), "patterns", "together");
}

#[test]
fn all_faults_are_told_at_once() {
    let found = refusals(
        r#"{"v":7,"countries":["XX"],"types":{"nope":{"action":"mask"}},"tokens":{"ttl_seconds":1}}"#,
    );
    let paths: Vec<_> = found.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(paths, ["v", "countries[0]", "types.nope", "tokens.ttl_seconds"]);
}

/// Values in wrong places, with everything that could make a message quote them.
#[test]
fn no_error_shows_a_value() {
    let planted = ["Dana Planted", "pla`nted, expected x", "pl\\\"anted\\\" x", "+972 planted"];
    for value in planted {
        for text in [
            with(&format!(r#""people":"{value}""#)),
            with(&format!(r#""people":[{{"{value}":1}}]"#)),
            with(&format!(r#""answers":"{value}""#)),
            with(&format!(r#""types":{{"{value}":{{"action":"mask"}}}}"#)),
            with(&format!(r#""types":{{"email":{{"action":"{value}"}}}}"#)),
            with(&format!(r#""types":{{"email":{{"{value}":1}}}}"#)),
            with(&format!(r#""{value}":1"#)),
            with(&format!(r#""countries":["{value}"]"#)),
            with(&format!(r#""allow":{{"domains":["{value}"],"types":["{value}"]}}"#)),
            with(&format!(
                r#""terms":[{{"id":"{value}","label":"{value}","words":["{value} "],"action":"mask"}}]"#
            )),
            with(&format!(
                r#""patterns":[{{"id":"p","pattern":"({value}","action":"mask","examples":["{value}"]}}]"#
            )),
        ] {
            let Err(error) = Document::parse_for(&text, &TYPES) else { panic!("{text} is fine") };
            for part in ["lanted", "anted", "Dana", "972"] {
                assert!(!error.to_string().contains(part), "{text}: {error}");
            }
        }
    }
    let number = Document::parse_for(&with(r#""people":[972501234567]"#), &TYPES).unwrap_err().to_string();
    assert!(!number.contains("9725"), "{number}");
    let document = document(&with(r#""people":["Dana Planted"]"#));
    assert!(!format!("{document:?}").contains("Planted"));
}

proptest! {
    /// Any text, and any text that is nearly a document, is read or refused.
    #[test]
    fn reading_never_panics(text in ".{0,200}", field in "[a-z]{1,9}", value in "[\\[\\]{}\":,a-z0-9.]{0,40}") {
        let _ = Document::parse_for(&text, &TYPES);
        let _ = Document::parse_for(&with(&format!("\"{field}\":{value}")), &TYPES);
    }

    #[test]
    fn no_pattern_makes_reading_panic(text in "[\\\\a-z0-9\\[\\](){}|?*+.^$:,אé-]{0,40}") {
        let _ = Document::parse_for(&pattern(&text, "example"), &TYPES);
    }
}
