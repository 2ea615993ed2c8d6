//! What holds for any input.

use crate::common::{detect, redact_text, set, try_redact};
use countersign_redact::Nonce;
use proptest::prelude::*;
use serde_json::{Map, Value};

/// Pieces that meet in the texts below: every example, what stands around values, and what looks like one.
fn piece() -> impl Strategy<Value = String> {
    let detectors = set().iter();
    let examples =
        detectors.flat_map(|detector| detector.examples().iter().chain(detector.negatives()).cloned());
    let examples = examples.collect::<Vec<_>>();
    const AROUND: &[&str] = &[
        " ",
        "-",
        ".",
        ":",
        "@",
        ",",
        "_",
        "[",
        "]",
        "[EMAIL_1_00000000]",
        "ל",
        "של",
        "א",
        "é",
        "１",
        "٣",
        "\u{200f}",
        "\n",
        "a",
        "z9",
        "0",
        "4111",
        "1.2",
        "::",
        "fe80",
        "sk-",
        "GB82",
        "%40",
        "\"",
        "<",
        "/",
        "日本",
    ];
    prop_oneof![
        3 => proptest::sample::select(examples),
        4 => proptest::sample::select(AROUND).prop_map(str::to_owned),
        1 => "[0-9]{1,20}",
        1 => "[0-9 .:-]{1,30}",
        1 => "[a-z0-9._-]{1,8}@[a-z0-9א-ת.-]{1,12}",
        1 => ".{0,6}",
    ]
}

fn text() -> impl Strategy<Value = String> {
    proptest::collection::vec(piece(), 0..12).prop_map(|pieces| pieces.concat())
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        text().prop_map(Value::String),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        proptest::sample::select(vec![4_111_111_111_111_111_u64, 123_456_782, 18]).prop_map(Value::from),
        any::<bool>().prop_map(Value::Bool),
        Just(Value::Null),
    ];
    leaf.prop_recursive(5, 40, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::Array),
            proptest::collection::btree_map(text(), inner, 0..5)
                .prop_map(|fields| Value::Object(fields.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// `PROPTEST_CASES` looks longer.
fn config() -> ProptestConfig {
    let standard = ProptestConfig::default();
    let cases = standard.cases.max(512);
    // Texts that a property sets aside grow with the cases.
    let rejects = cases.max(1024);
    ProptestConfig { cases, max_global_rejects: rejects, failure_persistence: None, ..standard }
}

/// Every text that the walk must have looked at.
fn texts(value: &Value, depth: usize, out: &mut Vec<String>) {
    match value {
        Value::String(text) => out.push(text.clone()),
        Value::Number(number) if depth > 1 && !number.is_f64() => out.push(number.to_string()),
        Value::Array(items) => items.iter().for_each(|item| texts(item, depth + 1, out)),
        Value::Object(fields) => fields.iter().for_each(|(key, value)| {
            out.push(key.clone());
            texts(value, depth + 1, out);
        }),
        _ => {}
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_json_is_redacted_without_a_trace(body in json()) {
        let redaction = try_redact(body, None).expect("none of the errors applies");
        let mut leaves = Vec::new();
        texts(redaction.body.get(), 0, &mut leaves);
        for leaf in leaves {
            prop_assert!(detect(&leaf).is_empty(), "{:?} in {leaf:?}", detect(&leaf));
        }
    }

    #[test]
    fn spans_are_whole_characters_in_order_and_apart(text in text()) {
        let hits = detect(&text);
        prop_assert!(hits.windows(2).all(|pair| pair[0].end <= pair[1].start));
        for hit in hits {
            prop_assert!(hit.start < hit.end && text.get(hit.start..hit.end).is_some());
        }
    }

    #[test]
    fn what_was_taken_out_comes_back(text in text()) {
        // Outside links: these characters and names are what makes one.
        let text = text.replace(['/', '\\', '<', '?', '#', '('], " ").replace("data:", "").replace("www", "");
        let redaction = try_redact(Value::String(text.clone()), None).expect("none of the errors applies");
        let redacted = redaction.body.get().as_str().expect("a string stays one");
        // A placeholder before `.name.name` could be a label of a host name.
        prop_assume!(!redacted.contains("]."));
        prop_assert_eq!(redaction.vault.restore_text(redacted), text);
    }

    #[test]
    fn restoring_never_adds_what_the_vault_does_not_hold(answer in ".{0,200}") {
        let vault = redact_text("dana@example.com").1.vault;
        prop_assert_eq!(vault.restore_text(&answer), answer);
    }

    #[test]
    fn no_placeholder_is_a_finding(bytes in any::<[u8; 5]>(), before in piece(), after in piece()) {
        let body = Value::String(format!("{before} dana@example.com {after}"));
        let redaction = try_redact(body, Some(Nonce::from_bytes(bytes))).expect("can be redacted");
        let redacted = redaction.body.get().as_str().expect("a string stays one");
        prop_assert!(detect(redacted).is_empty(), "{redacted}");
    }
}
