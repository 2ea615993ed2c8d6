use super::*;
use proptest::prelude::*;

fn pattern(text: &str) -> ToolPattern {
    text.parse().unwrap()
}

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

#[test]
fn a_pattern_is_a_name_with_stars() {
    for (text, tool, allows, means) in [
        ("payments.send", "payments.send", true, true),
        ("payments.send", "payments.sends", false, false),
        ("payments.send", "Payments.Send", false, true),
        ("payments.*", "payments.send", true, true),
        ("payments.*", "payments.", true, true),
        ("payments.*", "payments", false, false),
        ("*.delete", "crm.user.delete", true, true),
        ("*.delete", "crm.user.deleted", false, false),
        ("*", "x", true, true),
        ("a*b*c", "aXbYc", true, true),
        ("a*b*c", "abc", true, true),
        ("a*b*c", "acb", false, false),
        ("a**c", "ac", true, true),
        ("ab*ba", "aba", false, false),
        ("ab*ba", "abba", true, true),
        ("*a*a*", "a", false, false),
    ] {
        assert_eq!(pattern(text).allows(&name(tool)), allows, "{text} {tool}");
        assert_eq!(pattern(text).means(&name(tool)), means, "{text} {tool}");
    }
    for bad in ["", "a b", "ä*", "a?", "a{b}", &"x".repeat(129)] {
        assert_eq!(bad.parse::<ToolPattern>(), Err(ToolPatternError), "{bad}");
    }
}

const DOCUMENT: &str = r#"{"v": 1, "allow": ["payments.*", "crm.read"], "answers": "mark",
    "gates": [{"id": "pay", "template": "any", "tools": ["payments.*"], "forbid": true}]}"#;

#[test]
fn what_could_be_stopped_is_told_by_name() {
    let plain = GatedTools::parse(DOCUMENT).unwrap();
    assert_eq!(plain.answers(), Answers::Mark);
    for (tool, may) in [
        ("payments.send", true),
        ("PAYMENTS.send", true),
        ("crm.read", false),
        ("crm.write", true),
        ("not a name", true),
        ("", true),
    ] {
        assert_eq!(plain.may_need_gate(tool), may, "{tool}");
    }
    let own = |cedar: &str| {
        let text = DOCUMENT.replacen('{', &format!(r#"{{"cedar": "{cedar}","#), 1);
        GatedTools::parse(&text).unwrap().may_need_gate("crm.read")
    };
    assert!(own("@id(\\\"x\\\") forbid (principal, action, resource);"));
    // It could fail, and then it refuses.
    assert!(own("@id(\\\"x\\\") permit (principal, action, resource);"));
    assert!(!own("// nothing yet"));
    let none = GatedTools::parse(r#"{"v": 1}"#).unwrap();
    assert!(none.may_need_gate("crm.read") && none.answers() == Answers::Leave);
}

#[test]
fn what_is_no_document_is_refused() {
    for bad in [
        "",
        "[]",
        r#"{"v": 2}"#,
        r#"{"v": 1, "v": 1}"#,
        r#"{"v": 1, "answers": "never"}"#,
        r#"{"v": 1, "allow": [""]}"#,
        r#"{"v": 1, "gates": [{"id": "x"}]}"#,
    ] {
        assert_eq!(GatedTools::parse(bad), Err(GateUnreadable), "{bad}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// By the book: a star is any text, everything else is itself.
    #[test]
    fn a_glob_is_what_a_slow_one_is(pattern in "[ab*]{0,8}", text in "[ab]{0,8}") {
        fn slow(pattern: &[u8], text: &[u8]) -> bool {
            match (pattern.split_first(), text.split_first()) {
                (None, None) => true,
                (Some((b'*', rest)), _) => {
                    slow(rest, text) || text.split_first().is_some_and(|(_, left)| slow(pattern, left))
                }
                (Some((one, rest)), Some((other, left))) => one == other && slow(rest, left),
                _ => false,
            }
        }
        prop_assert_eq!(glob(&pattern, &text), slow(pattern.as_bytes(), text.as_bytes()));
    }

    #[test]
    fn what_covers_another_means_all_that_it_means(wide in "[ab*]{1,6}", narrow in "[ab*]{1,6}", tool in "[ab]{1,8}") {
        let (wide, narrow, tool) = (pattern(&wide), pattern(&narrow), name(&tool));
        prop_assert!(!wide.covers(&narrow) || !narrow.allows(&tool) || wide.allows(&tool));
        prop_assert!(narrow.covers(&narrow));
    }
}
