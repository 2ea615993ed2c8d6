//! Terms, patterns, people and addresses in texts.

use super::{found, policy};
use proptest::prelude::*;

fn terms(words: &str, more: &str, text: &str) -> Vec<String> {
    let tenant = format!(r#"{{"v":1,"terms":[{{"id":"t","words":{words},"action":"redact"{more}}}]}}"#);
    found(&policy("", &tenant, ""), text).into_iter().map(|(_, text)| text).collect()
}

#[test]
fn terms_are_found_in_any_case_and_script() {
    assert_eq!(
        terms(r#"["Project Apollo"]"#, "", "PROJECT APOLLO, project apollo, Projects Apollo"),
        ["PROJECT APOLLO", "project apollo"]
    );
    assert_eq!(
        terms(r#"["Zürich","Šiška","łódź"]"#, "", "ZÜRICH šišKA ŁÓDŹ Zurich"),
        ["ZÜRICH", "šišKA", "ŁÓDŹ"]
    );
    assert_eq!(
        terms(r#"["Straße","σοφός"]"#, "", "STRASSE straße ΣΟΦΌΣ σοφόσ"),
        ["STRASSE", "straße", "ΣΟΦΌΣ", "σοφόσ"]
    );
    assert_eq!(terms(r#"["ירח מלא"]"#, "", "מבצע ירח מלא, לירח מלא ולא ירחי"), ["ירח מלא", "ירח מלא"]);
    assert_eq!(terms(r#"["Apollo"]"#, r#","case_sensitive":true"#, "apollo Apollo APOLLO"), ["Apollo"]);
}

#[test]
fn whole_words_are_the_default() {
    assert_eq!(terms(r#"["apollo"]"#, "", "apollos apollo_1 apollo-11 (apollo)"), ["apollo", "apollo"]);
    assert_eq!(terms(r#"["apollo"]"#, r#","whole_word":false"#, "apollos"), ["apollo"]);
}

#[test]
fn overlapping_words_of_one_term_are_one_finding() {
    let parts = r#","whole_word":false"#;
    assert_eq!(terms(r#"["abcd","cdef","cd"]"#, parts, "xabcdefx cd"), ["abcdef", "cd"]);
    assert_eq!(terms(r#"["aa"]"#, parts, &"a".repeat(2_000)), ["a".repeat(2_000)]);
}

/// A term of the tenant's that reaches over the floor's, before, around or within it, hides nothing of it.
#[test]
fn no_rule_hides_another() {
    let floor = r#"{"v":1,"terms":[{"id":"f","words":["apollo"],"action":"redact"}],
        "patterns":[{"id":"g","pattern":"AB-[0-9]{4}","action":"block","examples":["AB-1234"]}]}"#;
    let tenant = r#"{"v":1,"terms":[{"id":"t","words":["big apollo","apollo","apollo mission"],"action":"alert"}],
        "patterns":[{"id":"u","pattern":"[A-Z]{2}-[0-9]{1,4}","action":"alert","examples":["AB-1234"]}]}"#;
    let policy = policy(floor, tenant, "");
    let all = found(&policy, "the big apollo mission AB-1234");
    for (id, text) in [
        ("org.f", "apollo"),
        ("org.g", "AB-1234"),
        ("custom.t", "big apollo mission"),
        ("custom.u", "AB-1234"),
    ] {
        assert!(all.contains(&(id.to_owned(), text.to_owned())), "{id}: {all:?}");
    }
}

#[test]
fn a_pattern_may_name_its_span() {
    let tenant = r#"{"v":1,"patterns":[{"id":"e","label":"STAFF","pattern":"(?i:staff no) (?P<v>[0-9]{5})?",
        "action":"redact","examples":["staff no 12345"]}]}"#;
    let policy = policy("", tenant, "");
    let texts = |text: &str| found(&policy, text).into_iter().map(|(_, text)| text).collect::<Vec<_>>();
    assert_eq!(texts("Staff No 12345, staff no 1"), ["12345", "staff no "]);
    assert_eq!(policy.kinds()[0].label, "STAFF");
    assert_eq!(policy.custom().longest(), 15);
}

#[test]
fn people_and_addresses_are_found_literally() {
    let tenant = r#"{"v":1,"people":["Dana Levi","דנה לוי"],"addresses":["12 Herzl St."]}"#;
    let policy = policy("", tenant, "");
    let all = found(&policy, "dana levi lives at 12 Herzl St. לדנה לוי");
    assert_eq!(
        all,
        [("known_person", "dana levi"), ("known_person", "דנה לוי"), ("known_address", "12 Herzl St.")]
            .map(|(id, text)| (id.to_owned(), text.to_owned()))
    );
    let off = r#"{"v":1,"people":["Dana Levi"],"types":{"known_person":{"action":"allow"}}}"#;
    assert!(super::policy("", off, "").custom().is_empty());
}

#[test]
fn a_term_that_is_allowed_is_not_looked_for() {
    let tenant = r#"{"v":1,"terms":[{"id":"a","words":["apollo"],"action":"redact"}]}"#;
    let agent = r#"{"v":1,"terms":[{"id":"a","words":["apollo"],"action":"allow"}]}"#;
    assert!(found(&policy("", tenant, agent), "apollo").is_empty());
}

proptest! {
    /// Every word is found wherever it stands alone, whatever is around it, and every span is one of the text's.
    #[test]
    fn words_are_found_in_any_text(
        before in ".{0,30}",
        after in ".{0,30}",
        word in "[a-zA-Zא-תéÉßÑñŁžΣσ]{2,12}",
    ) {
        let tenant = serde_json::json!({"v": 1, "terms": [{"id": "t", "words": [word], "action": "redact"}]});
        let text = format!("{before} {word} {after}");
        let upper = format!("{before} {} {after}", word.to_uppercase());
        let policy = policy("", &tenant.to_string(), "");
        for text in [text, upper] {
            let mut hits = Vec::new();
            policy.custom().find(&text, &mut hits);
            let at = before.len() + 1;
            prop_assert!(hits.iter().any(|hit| hit.start <= at && hit.end > at), "{hits:?}");
            prop_assert!(hits.iter().all(|hit| text.get(hit.start..hit.end).is_some()));
        }
    }

    /// Findings of one rule are disjoint and in order.
    #[test]
    fn findings_of_a_rule_do_not_overlap(text in "[ab]{0,60}") {
        let tenant = r#"{"v":1,"terms":[{"id":"t","words":["aa","aba","abba","bb"],"action":"redact","whole_word":false}]}"#;
        let mut hits = Vec::new();
        policy("", tenant, "").custom().find(&text, &mut hits);
        prop_assert!(hits.is_sorted_by(|one, next| one.end <= next.start && one.start < one.end));
        let covered = |at: usize| hits.iter().any(|hit| hit.start <= at && at < hit.end);
        for word in ["aa", "aba", "abba", "bb"] {
            for start in (0..text.len()).filter(|at| text.get(*at..).unwrap().starts_with(word)) {
                prop_assert!((start..start + word.len()).all(covered));
            }
        }
    }

    #[test]
    fn no_text_makes_a_search_panic(text in any::<String>(), more in "\\PC{0,80}") {
        let tenant = r#"{"v":1,"people":["Dana Levi"],
            "terms":[{"id":"t","words":["ß","İx","ab c"],"action":"mask","whole_word":false},
                     {"id":"u","words":["אב","@x1"],"action":"mask","case_sensitive":true}],
            "patterns":[{"id":"p","pattern":"(?s)[א-ת]{1,3}.(?P<v>é?)","action":"redact","examples":["אxé"]}]}"#;
        let tenant = tenant.replace("\"ß\"", "\"ßa\"").replace("(?s)[א-ת]{1,3}", "(?s)Q[א-ת]{1,3}").replace("אxé", "Qאxé");
        let policy = policy("", &tenant, "");
        for text in [text, more] {
            let mut hits = Vec::new();
            policy.custom().find(&text, &mut hits);
            prop_assert!(hits.iter().all(|hit| text.get(hit.start..hit.end).is_some()));
        }
    }
}
