//! Texts in pieces: however an answer is cut, the output is that of the whole.

use countersign_redact::{
    ANSWER_HOLD_BACK_BYTES, AnswerRedactor, Exempt, Form, HOLD_BACK_BYTES, Links, Restorer, Vault,
    redact_answer_text,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::common::{policy, redact, redact_but, set};

/// A vault of two addresses, one of which needs escapes in JSON, and a text that looked like a placeholder.
fn vault() -> (Vault, Vec<String>) {
    let texts = ["dana@example.com", "4111 1111 1111 1111", "[EMAIL_9_zzzzzzzz]"];
    let redaction = redact(json!(texts));
    let sent = redaction.body.get().as_array().into_iter().flatten();
    let placeholders = sent.filter_map(|text| text.as_str().map(str::to_owned)).collect();
    (redaction.vault, placeholders)
}

/// Pieces of answers: placeholders of every kind, whole and cut, and what a renderer would do something with.
fn fragment() -> impl Strategy<Value = String> {
    let (_, own) = vault();
    let cut =
        own.iter().flat_map(|one| [one.len() / 2, one.len() - 1].map(|end| one.chars().take(end).collect()));
    let mut fixed: Vec<String> = own.iter().cloned().chain(cut).collect();
    let others = [
        "[EMAIL_1_zzzzzzzz]",
        "[",
        "]",
        "[[",
        "](",
        ")",
        "![",
        "<",
        "<b>",
        "<a href=\"",
        "\">",
        "https://",
        "//",
        "www.",
        "mailto:",
        ".",
        ".evil",
        ".example/",
        "?q=",
        "/",
        "\\",
        "\n",
        "\n\n",
        " ",
        "{\"to\": \"",
        "\"}",
        "\\u005b",
        "a",
        "é",
        "\u{5d0}\u{5d1}",
        "😀",
        "dana@example.com",
        "4111 1111 1111 1111",
        "123456782",
        "-----BEGIN PRIVATE KEY-----\n",
        "-----END PRIVATE KEY-----\n",
    ];
    fixed.extend(others.map(str::to_owned));
    // Of every detector.
    fixed.extend(set().iter().filter_map(|detector| detector.examples().first().cloned()));
    prop_oneof![4 => prop::sample::select(fixed), 1 => "[ -~]{0,6}"]
}

fn answer() -> impl Strategy<Value = String> {
    prop::collection::vec(fragment(), 0..24).prop_map(|fragments| fragments.concat())
}

fn pieces(text: &str, cuts: &[prop::sample::Index]) -> Vec<String> {
    let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(text.chars().count() + 1)).collect();
    at.sort_unstable();
    let (mut rest, mut before) = (text.chars(), 0);
    let mut pieces = Vec::new();
    for cut in at {
        pieces.push(rest.by_ref().take(cut - before).collect());
        before = cut;
    }
    pieces.push(rest.collect());
    pieces
}

fn restored(mut restorer: Restorer, pieces: &[impl AsRef<str>]) -> String {
    let mut out = String::new();
    for piece in pieces {
        out += &restorer.push(piece.as_ref());
        assert!(restorer.held() <= HOLD_BACK_BYTES, "{}", restorer.held());
    }
    out + &restorer.finish()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn cuts_change_nothing_that_is_restored(
        text in answer(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..16),
        form in prop::sample::select(vec![Form::Text, Form::JsonText, Form::Value]),
        links in prop::sample::select(vec![Links::Keep, Links::Restore]),
    ) {
        let (vault, _) = vault();
        let whole = restored(vault.restorer(form, links), &[text.as_str()]);
        let parts = pieces(&text, &cuts);
        prop_assert_eq!(restored(vault.restorer(form, links), &parts), whole.clone());
        if form == Form::Text && links == Links::Keep {
            prop_assert_eq!(vault.restore_text(&text), whole);
        }
    }

    #[test]
    fn cuts_change_nothing_that_is_redacted(
        text in answer(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..16),
        copies in prop::sample::select(vec![1, 1, 1, 40]),
    ) {
        let text = text.repeat(copies);
        let (whole, findings) = redact_answer_text(&policy(), &text);
        let mut redactor = AnswerRedactor::new(&policy());
        let mut out = String::new();
        for piece in pieces(&text, &cuts) {
            out += &redactor.push(&piece);
            prop_assert!(redactor.held() <= ANSWER_HOLD_BACK_BYTES);
        }
        out += &redactor.finish();
        prop_assert_eq!(out, whole);
        prop_assert_eq!(redactor.findings(), &findings);
    }
}

#[test]
fn plain_text_is_never_held_back() {
    let mut restorer = vault().0.restorer(Form::Text, Links::Keep);
    for piece in ["Hello, ", "wor", "ld! x < y ", "https://a.example/", " (see "] {
        assert_eq!((restorer.push(piece), restorer.held()), (piece.to_owned(), 0));
    }
    // Nor what only begins like somebody else's placeholder.
    assert_eq!(restorer.push("[PHONE_1"), "[PHONE_1");
    let mut empty = Vault::default().restorer(Form::Text, Links::Keep);
    assert_eq!(empty.push("[EMAIL_1_"), "[EMAIL_1_");
}

#[test]
fn a_placeholder_byte_by_byte_comes_out_whole_and_at_once() {
    let (vault, own) = vault();
    let mut restorer = vault.restorer(Form::Text, Links::Keep);
    let held: String = own[0].chars().map(|c| restorer.push(&c.to_string())).collect();
    assert_eq!(held, "");
    assert_eq!(restorer.push("!"), "dana@example.com!");
}

#[test]
fn json_source_gets_escaped_values_and_links_only_when_named() {
    let email = "\"dana\\\\levi\"@example.com";
    let body = json!([email, "dana@example.com"]);
    let redaction = redact_but(body, None, &Exempt::default()).unwrap();
    let placeholder = redaction.body.get()[1].as_str().unwrap();
    let source =
        json!({ "to": placeholder, "url": format!("https://x.example/?q={placeholder}") }).to_string();
    let whole = restored(redaction.vault.restorer(Form::JsonText, Links::Keep), &[&source]);
    let value: Value = serde_json::from_str(&whole).unwrap();
    assert_eq!(value["to"], "dana@example.com");
    let link = format!("see https://x.example/?q={placeholder}");
    let keep = restored(redaction.vault.restorer(Form::Text, Links::Keep), &[&link]);
    let restore = restored(redaction.vault.restorer(Form::Text, Links::Restore), &[&link]);
    assert_eq!(
        (keep.as_str(), restore.as_str()),
        (link.as_str(), "see https://x.example/?q=dana@example.com")
    );
}

#[test]
fn a_repeated_long_value_stops_growing_at_its_limit() {
    let (vault, own) = vault();
    let answer = format!("{} ", own[0]).repeat(1_000);
    let whole = restored(vault.restorer(Form::Text, Links::Keep).with_limit(160), &[&answer]);
    assert_eq!(whole.matches("dana@example.com").count(), 10);
    assert_eq!(whole.matches(&own[0]).count(), 990);
    let mut value = json!([answer, { "a": answer }]);
    vault.restore_json(&mut value, 160);
    assert_eq!(value.to_string().matches("dana@example.com").count(), 10);
}

#[test]
fn a_look_alike_leaves_as_a_placeholder_and_comes_back_as_it_was() {
    let text = "is [EMAIL_1_zzzzzzzz] yours? [EMAIL_1_ZZZZZZZZ] [x] [a_1_zzzzzzzz]";
    let body = json!({"a": text, "signed": text, "data": "dana@example.com"});
    let exempt =
        Exempt { opaque: vec!["/data".to_owned(), "/absent".to_owned()], signed: vec!["/signed".to_owned()] };
    let redaction = redact_but(body, None, &exempt).unwrap();
    let sent = redaction.body.get();
    assert!(!sent["a"].as_str().unwrap().contains("[EMAIL_1_zzzzzzzz]"), "{sent}");
    assert!(sent["a"].as_str().unwrap().ends_with("yours? [EMAIL_1_ZZZZZZZZ] [x] [a_1_zzzzzzzz]"), "{sent}");
    assert_eq!(redaction.vault.restore_text(sent["a"].as_str().unwrap()), text);
    assert_eq!((sent["signed"].as_str(), sent["data"].as_str()), (Some(text), Some("dana@example.com")));
    assert!(redaction.findings.is_empty(), "what is escaped is no finding");
}

#[test]
fn what_is_signed_is_searched_all_the_same() {
    let body = json!({"signed": "write to dana@example.com"});
    let exempt = Exempt { signed: vec!["/signed".to_owned()], ..Exempt::default() };
    let redaction = redact_but(body, None, &exempt).unwrap();
    assert!(!redaction.body.get().to_string().contains("dana@example.com"));
}

#[test]
fn answers_lose_detected_types_and_keys_over_many_lines() {
    let key = format!("-----BEGIN PRIVATE KEY-----\n{}-----END PRIVATE KEY-----\n", "QUJD\n".repeat(30));
    let (out, findings) = redact_answer_text(&policy(), &format!("Write to dana@example.com.\n{key}Done."));
    assert!(out.starts_with("Write to [REDACTED_EMAIL].\n") && out.ends_with("Done."), "{out}");
    assert!(!out.contains("QUJD"), "{out}");
    assert_eq!(findings.iter().count(), 2);
}
