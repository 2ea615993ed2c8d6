//! Places of findings, in whatever text.

use super::*;
use proptest::prelude::*;

fn found(form: Form, content: &Value) -> (Vec<Value>, BTreeMap<String, u64>) {
    let policy = Policy::from(redact::Policy::standard());
    let mut counts = BTreeMap::new();
    (look(&policy, form, content, &mut counts), counts)
}

fn places(form: Form, content: &Value) -> Vec<(String, u64, u64, Value)> {
    let place = |one: &Value| {
        let number = |name: &str| one[name].as_u64().unwrap();
        (one["type"].as_str().unwrap().to_owned(), number("start"), number("end"), one["path"].clone())
    };
    found(form, content).0.iter().map(place).collect()
}

#[test]
fn offsets_count_code_points_and_no_value_is_told() {
    let email = |start| vec![("email".to_owned(), start, start + 16, Value::Null)];
    for (text, start) in [
        ("dana@example.com", 0),
        ("to dana@example.com.", 3),
        ("אל dana@example.com", 3),
        ("\u{1f600}\u{1f600} dana@example.com", 3),
        // A family of one glyph is seven code points.
        ("\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}\u{200d}\u{1f466} dana@example.com", 8),
        // So are an accent of its own and a letter with one.
        ("e\u{301} \u{e9} dana@example.com", 5),
        ("\u{202e}x\u{202c} dana@example.com", 4),
        ("\u{0}\r\n dana@example.com", 4),
    ] {
        assert_eq!(places(Form::Text, &json!(text)), email(start), "{text:?}");
    }
    let (list, counts) = found(Form::Text, &json!("a dana@example.com b noa@example.com"));
    assert_eq!(counts, BTreeMap::from([("email".to_owned(), 2)]));
    assert!(!format!("{list:?}").contains("example.com"), "{list:?}");
    let fields: Vec<_> = list[0].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(fields, ["type", "group", "start", "end", "score", "action"]);
}

#[test]
fn paths_lead_to_strings_names_and_numbers() {
    let content = json!({"a/b~c": ["x", "dana@example.com"], "n": {"card": 4_111_111_111_111_111_u64}});
    let (email, card) = ("/a~1b~0c/1", "/n/card");
    let found = places(Form::Json, &content);
    assert_eq!(found, [("email".to_owned(), 0, 16, json!(email)), ("card".to_owned(), 0, 16, json!(card))]);
    assert_eq!(content.pointer(email).unwrap(), "dana@example.com");
    assert_eq!(content.pointer(card).unwrap(), 4_111_111_111_111_111_u64);
    // A whole number by itself, too.
    assert_eq!(places(Form::Json, &content["n"]["card"]), [("card".to_owned(), 0, 16, json!(""))]);
}

/// A pointer is made of names, and a name can be a value.
#[test]
fn a_name_that_is_a_finding_is_not_told_in_a_path() {
    let (list, _) = found(Form::Json, &json!({"x": 1, "dana@example.com": {"y": "noa@example.com"}}));
    let told: Vec<_> = list.iter().map(|one| (&one["path"], &one["in"])).collect();
    assert_eq!(told, [(&json!("/#1"), &json!("name")), (&json!("/#1/y"), &Value::Null)]);
    assert!(!format!("{list:?}").contains("example.com"), "{list:?}");
}

#[test]
fn all_that_can_be_nested_is_walked() {
    let deep = (0..60).fold(json!("dana@example.com"), |value, _| json!([value]));
    let found = places(Form::Json, &deep);
    assert_eq!(found[0].3, json!("/0".repeat(60)));
}

proptest! {
    /// Cut out by its offsets, a finding is what the engine found.
    #[test]
    fn offsets_cut_out_what_was_found(before in "\\PC{0,20}", after in "\\PC{0,20}") {
        let text = format!("{before} dana@example.com {after}");
        let policy = Policy::from(redact::Policy::standard());
        let bytes: Vec<&str> =
            policy.detect(&text, None).iter().map(|one| text.get(one.start..one.end).unwrap()).collect();
        let points: Vec<char> = text.chars().collect();
        let cut: Vec<String> = places(Form::Text, &json!(text))
            .iter()
            .map(|(_, start, end, _)| {
                points[usize::try_from(*start).unwrap()..usize::try_from(*end).unwrap()].iter().collect()
            })
            .collect();
        prop_assert_eq!(cut, bytes);
    }
}
