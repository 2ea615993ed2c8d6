use super::lines::{BYTES_MAX, LINES_MAX};
use super::*;
use crate::odd::Piece;
use crate::tests::world::{request, rule};
use proptest::prelude::*;
use redact::Policy;
use serde_json::json;

fn eyes(policy: &Policy, reveal: bool) -> Eyes<'_> {
    Eyes { policy, reveal }
}

fn text(pieces: &[Piece]) -> String {
    let one = |piece: &Piece| match piece {
        Piece::Plain(text) => text.clone(),
        Piece::Odd(c) | Piece::Alike(c) => format!("⟨{}⟩", crate::odd::number(*c)),
        Piece::Break => "⏎".to_owned(),
        Piece::Hidden { kind, chars } => format!("«{kind} {chars}»"),
    };
    pieces.iter().map(one).collect()
}

fn written(line: &Line) -> String {
    let part = |part: &Part| match part {
        Part::Mark(mark) => (*mark).to_owned(),
        Part::Name(pieces) | Part::Text(pieces) => format!("\"{}\"", text(pieces)),
        Part::Word(pieces) => text(pieces),
    };
    "  ".repeat(line.depth) + &line.parts.iter().map(part).collect::<String>()
}

fn shown(value: &Value, reveal: bool) -> Vec<String> {
    lines(value, &eyes(&Policy::standard(), reveal)).lines.iter().map(written).collect()
}

#[test]
fn arguments_are_shown_line_by_line() {
    let value =
        json!({"to": ["a", 1, null, true, 2.5], "none": {}, "empty": [], "in": {"say": "\"q\" \\ \n x"}});
    let expected = [
        "{",
        "  \"to\": [",
        "    \"a\",",
        "    1,",
        "    null,",
        "    true,",
        "    2.5",
        "  ],",
        "  \"none\": {},",
        "  \"empty\": [],",
        "  \"in\": {",
        "    \"say\": \"\\\"q\\\" \\\\ ⏎ x\"",
        "  }",
        "}",
    ];
    assert_eq!(shown(&value, false), expected);
    assert_eq!(shown(&json!("x"), false), ["\"x\""]);
}

#[test]
fn personal_data_is_hidden_until_it_is_asked_for() {
    let value = json!({"email": "dana@acme.example", "iban": "DE89370400440532013000", "note": "mail dana@acme.example now", "dana@acme.example": 1});
    let hidden = shown(&value, false).join("\n");
    assert!(!hidden.contains("dana@") && !hidden.contains("DE89"), "{hidden}");
    assert!(hidden.contains("«email 17»") && hidden.contains("mail «email 17» now"), "{hidden}");
    let all = shown(&value, true).join("\n");
    assert!(all.contains("dana@acme.example") && all.contains("DE89370400440532013000"), "{all}");
    let shown = |reveal| {
        let action = Action {
            arguments: value.clone(),
            target: Some("noa@acme.example".to_owned()),
            reason: None,
            cause: None,
        };
        Shown::of(&action, None, &eyes(&Policy::standard(), reveal))
    };
    assert_eq!((shown(false).hidden, shown(true).hidden), (5, 0));
    assert!(shown(false).is_whole());
}

#[test]
fn what_is_too_long_is_not_whole() {
    let whole = |value: &Value| {
        let action = Action { arguments: value.clone(), target: None, reason: None, cause: None };
        Shown::of(&action, None, &eyes(&Policy::standard(), false)).is_whole()
    };
    assert!(whole(&json!({"a": "x".repeat(BYTES_MAX - 100)})));
    for long in [
        json!("x".repeat(BYTES_MAX)),
        json!("x".repeat(1_048_576)),
        json!(vec![1; LINES_MAX]),
        json!("\n".repeat(LINES_MAX)),
        json!({"a": "x".repeat(BYTES_MAX), "b": 1}),
        (0..1_000).fold(json!(1), |value, _| json!([value])),
    ] {
        assert!(!whole(&long), "{} bytes", long.to_string().len());
    }
    assert!(whole(&json!(vec![1; LINES_MAX - 2])));
    let reason =
        Action { arguments: json!({}), target: None, reason: Some("x".repeat(BYTES_MAX + 1)), cause: None };
    assert!(!Shown::of(&reason, None, &eyes(&Policy::standard(), false)).is_whole());
}

#[test]
fn the_difference_is_told_field_by_field() {
    let action = |arguments, target: &str| Action {
        arguments,
        target: Some(target.to_owned()),
        reason: None,
        cause: None,
    };
    let old = action(json!({"to": "ACME", "amount": "82.00", "tags": ["a", "b"], "gone": 1}), "prod");
    let new =
        action(json!({"to": "ACME", "amount": "82000.00", "tags": ["a"], "more": {"x/y": null}}), "prod");
    let shown = Shown::of(&new, Some(&old), &eyes(&Policy::standard(), false));
    let told: Vec<String> = shown
        .difference
        .unwrap()
        .changes
        .iter()
        .map(|(place, change)| match change {
            Change::Added(is) => format!("{} + {}", written(place), written(is)),
            Change::Removed(was) => format!("{} - {}", written(place), written(was)),
            Change::Changed(was, is) => format!("{} {} > {}", written(place), written(was), written(is)),
        })
        .collect();
    let expected = [
        "\"/arguments/amount\" \"82.00\" > \"82000.00\"",
        "\"/arguments/gone\" - \"1\"",
        "\"/arguments/more/x~1y\" + \"null\"",
        "\"/arguments/tags/1\" - \"b\"",
    ];
    assert_eq!(told, expected);
    let same = Shown::of(&new, Some(&new), &eyes(&Policy::standard(), false));
    assert_eq!(same.difference, Some(Difference::default()));
    let many = action(json!((0..500).collect::<Vec<_>>()), "prod");
    let difference = Shown::of(&many, Some(&old), &eyes(&Policy::standard(), false)).difference.unwrap();
    assert_eq!((difference.changes.len(), difference.more > 300), (100, true));
}

#[test]
fn what_is_shown_is_what_the_digest_is_of() {
    let row = request(1, &json!({"amount": 82_000}), Some("prod"), vec![rule(1, false)]);
    let text = |amount: u64, target: &str| {
        json!({"arguments": {"amount": amount}, "target": target, "reason": "x"}).to_string()
    };
    assert!(Action::of(&row, &text(82_000, "prod")).is_ok());
    assert_eq!(Action::of(&row, &text(820_000, "prod")), Err(NotShown::Mismatch));
    assert_eq!(Action::of(&row, &text(82_000, "test")), Err(NotShown::Mismatch));
    assert_eq!(Action::of(&row, "{}"), Err(NotShown::Unread));
    assert_eq!(Action::of(&row, "{\"arguments\":1,\"more\":2}"), Err(NotShown::Unread));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..ProptestConfig::default() })]

    /// Whatever it is: within its bounds, and with nothing odd in it that is not marked.
    #[test]
    fn no_argument_breaks_it(names in prop::collection::vec("\\PC{0,6}|[\\x00-\\x{ff}]{0,6}", 0..6), depth in 0_usize..40) {
        let leaf = json!(names);
        let value = (0..depth).fold(leaf, |value, n| json!({names.get(n % 3).cloned().unwrap_or_default(): value}));
        let shown = lines(&value, &eyes(&Policy::standard(), false));
        prop_assert!(shown.lines.len() <= LINES_MAX);
        let text: String = shown.lines.iter().map(written).collect();
        prop_assert!(!text.chars().any(|c| c.is_control()));
        prop_assert_eq!(difference(&value, &value, &eyes(&Policy::standard(), false)), Difference::default());
    }
}
