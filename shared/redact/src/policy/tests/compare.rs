//! What counts as weaker.

use super::floors::{VALUES, any_document};
use super::{TYPES, document, found, policy};
use crate::policy::{Action, Documents, Policy};
use proptest::prelude::*;
use serde_json::Value;

/// Of a tenant's documents, each alone or none.
fn weaker(before: &str, after: &str) -> bool {
    let [before, after] = [before, after].map(|text| (!text.is_empty()).then(|| document(text)));
    let of = |tenant| Documents { tenant, ..Documents::default() };
    of(after.as_ref()).is_weaker_for(&TYPES, of(before.as_ref())).unwrap()
}

#[test]
fn whatever_may_let_more_through_is_weaker() {
    let terms = |terms: &str| format!(r#"{{"v":1,"terms":[{terms}]}}"#);
    let two = |a: &str, b: &str| {
        terms(&format!(
            r#"{{"id":"a","words":["{a}"],"action":"block"}},{{"id":"b","words":["{b}"],"action":"alert"}}"#
        ))
    };
    let (apollo, gemini) = (two("apollo", "gemini"), two("gemini", "apollo"));
    let plain = terms(r#"{"id":"a","words":["apollo"],"action":"redact"}"#);
    let part = terms(r#"{"id":"a","words":["apollo"],"action":"redact","whole_word":false}"#);
    let exact = terms(r#"{"id":"a","words":["apollo"],"action":"redact","case_sensitive":true}"#);
    let other = terms(r#"{"id":"z","label":"SHIP","words":["other","apollo"],"action":"block"}"#);
    let pattern = |id: &str, action: &str, pattern: &str| {
        format!(
            r#"{{"v":1,"patterns":[{{"id":"{id}","pattern":"{pattern}","action":"{action}","examples":["AB-12"]}}]}}"#
        )
    };
    let [hash, block, alert, wider] = [
        pattern("p", "hash", "AB-[0-9]{1,8}"),
        pattern("q", "block", "AB-[0-9]{1,8}"),
        pattern("p", "alert", "AB-[0-9]{1,8}"),
        pattern("p", "hash", "A?B-[0-9]{1,8}"),
    ];
    let allow = |allow: &str| format!(r#"{{"v":1,"allow":{{{allow}}}}}"#);
    let (values, domains) = (r#""values":["a@b.test"]"#, r#""domains":["b.test"]"#);
    for (name, before, after, wanted) in [
        ("nothing", "", r#"{"v":1}"#, false),
        ("a first list", "", plain.as_str(), false),
        ("a first weaker rule", "", r#"{"v":1,"types":{"email":{"action":"alert"}}}"#, true),
        ("a first stronger rule", "", r#"{"v":1,"types":{"email":{"action":"block"}}}"#, false),
        ("a first allow list", "", &allow(values), true),
        ("all gone", &plain, "", true),
        ("words that change places", &apollo, &gemini, true),
        ("a word under another id, done more with", &plain, &other, false),
        ("a word gone", &other, &plain, true),
        ("parts of words too", &plain, &part, false),
        ("whole words alone", &part, &plain, true),
        ("one case alone", &plain, &exact, true),
        ("any case", &exact, &plain, false),
        ("a pattern under another id, done more with", &hash, &block, false),
        ("a pattern, done less with", &hash, &alert, true),
        ("another pattern", &hash, &wider, true),
        ("answers too", r#"{"v":1}"#, r#"{"v":1,"answers":true}"#, false),
        ("no answers", r#"{"v":1,"answers":true}"#, r#"{"v":1}"#, true),
        (
            "a threshold",
            r#"{"v":1}"#,
            r#"{"v":1,"types":{"email":{"action":"redact","threshold":0.6}}}"#,
            true,
        ),
        ("a country gone", r#"{"v":1,"countries":["IL","DE"]}"#, r#"{"v":1,"countries":["IL"]}"#, true),
        ("people gone", r#"{"v":1,"people":["Dana Levi"]}"#, r#"{"v":1,"people":[]}"#, true),
        ("longer tokens", r#"{"v":1}"#, r#"{"v":1,"tokens":{"ttl_seconds":90000}}"#, true),
        ("more restores", r#"{"v":1}"#, r#"{"v":1,"tokens":{"restores_per_minute":61}}"#, true),
        ("fewer restores", r#"{"v":1}"#, r#"{"v":1,"tokens":{"restores_per_minute":59}}"#, false),
        ("a value not allowed any more", &allow(values), &allow(""), false),
        ("a domain beside a value", &allow(values), &allow(&format!("{values},{domains}")), true),
        (
            "the list for fewer types",
            &allow(values),
            &allow(&format!(r#"{values},"types":["email"]"#)),
            false,
        ),
        ("the list for more types", &allow(&format!(r#"{values},"types":["email"]"#)), &allow(values), true),
    ] {
        assert_eq!(weaker(before, after), wanted, "{name}");
    }
}

/// What stands above and below is part of the comparison.
#[test]
fn a_floor_holds_and_an_agents_document_hides() {
    let floor = document(r#"{"v":1,"types":{"email":{"action":"block"}}}"#);
    let strong = document(r#"{"v":1,"types":{"email":{"action":"block"}},"people":["Dana Levi"]}"#);
    let weak = document(r#"{"v":1,"types":{"email":{"action":"alert"}},"people":["Dana Levi"]}"#);
    let nobody = document(r#"{"v":1,"people":[]}"#);
    let weaker = |before, after: Documents<'_>| after.is_weaker_for(&TYPES, before).unwrap();
    let under = |org, tenant, agent| Documents { org, tenant: Some(tenant), agent };
    assert!(weaker(under(None, &strong, None), under(None, &weak, None)));
    assert!(!weaker(under(Some(&floor), &strong, None), under(Some(&floor), &weak, None)));
    assert!(weaker(under(Some(&floor), &weak, None), under(None, &weak, None)));
    assert!(weaker(under(None, &strong, None), under(None, &strong, Some(&nobody))));
    assert!(!weaker(under(None, &strong, Some(&nobody)), under(None, &strong, None)));
    let all = Documents::default();
    assert!(!Documents { org: Some(&floor), ..all }.is_weaker_than(all).unwrap());
    assert!(all.is_weaker_than(Documents { org: Some(&floor), ..all }).unwrap());
}

/// What is done with the value of a kind, if anything: nothing where an allow list has it.
fn done(policy: &Policy, index: usize, value: &str) -> Action {
    if policy.is_allowed(index, value) { Action::Allow } else { policy.rules()[index].action }
}

/// The most that is done with a text that documents look for.
fn most(policy: &Policy, text: &str) -> Action {
    let mut hits = Vec::new();
    policy.custom().find(text, &mut hits);
    let of =
        |hit: &crate::policy::CustomHit| done(policy, hit.rule_index, text.get(hit.start..hit.end).unwrap());
    hits.iter().map(of).max().unwrap_or(Action::Allow)
}

const KEYS: [&str; 8] = ["types", "terms", "patterns", "people", "countries", "answers", "allow", "tokens"];

fn some_keys() -> impl Strategy<Value = Vec<&'static str>> {
    prop::sample::subsequence(KEYS.to_vec(), 0..4)
}

/// The document with some keys of another, so that it is not always weaker.
fn changed(before: &str, other: &str, keys: &[&str]) -> String {
    let [mut document, other] = [before, other].map(|text| serde_json::from_str::<Value>(text).unwrap());
    for key in keys.iter().filter(|key| other.get(**key).is_some()) {
        document[*key] = other[*key].clone();
    }
    document.to_string()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_weaker_than_itself(floor in any_document(), tenant in any_document()) {
        let (org, tenant) = (document(&floor), document(&tenant));
        let both = Documents { org: Some(&org), tenant: Some(&tenant), agent: None };
        prop_assert!(!both.is_weaker_for(&TYPES, both).unwrap());
        // A floor only adds, but for what it allows.
        let alone = Documents { org: None, ..both };
        let allows = floor.contains(r#""allow":{"#);
        prop_assert!(allows || !both.is_weaker_for(&TYPES, alone).unwrap());
    }

    /// Unless it is weaker, what was done with any value is done still, or more.
    #[test]
    fn what_is_not_weaker_does_as_much(
        before in any_document(), change in any_document(), keys in some_keys(), agent in any::<bool>(),
    ) {
        let change = if agent { change } else { changed(&before, &change, &keys) };
        let (old, other) = (document(&before), document(&change));
        let of = |tenant, agent| Documents { org: None, tenant: Some(tenant), agent };
        let (before_all, after_all) = if agent {
            (of(&old, None), of(&old, Some(&other)))
        } else {
            (of(&old, None), of(&other, None))
        };
        if !after_all.is_weaker_for(&TYPES, before_all).unwrap() {
            let (was, is) = match agent {
                true => (policy("", &before, ""), policy("", &before, &change)),
                false => (policy("", &before, ""), policy("", &change, "")),
            };
            for (index, _) in TYPES.iter().enumerate() {
                for value in VALUES {
                    prop_assert!(done(&is, index, value) >= done(&was, index, value));
                }
            }
            for text in ["apollo mission", "Gemini", "dana levi", "דנה", "pollo", "AB-1234", "Noa Mor"] {
                prop_assert!(most(&is, text) >= most(&was, text), "{text}");
                prop_assert!(!found(&is, text).is_empty() || found(&was, text).is_empty());
            }
        }
    }
}
