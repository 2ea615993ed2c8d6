//! Which rule holds, by example.

use super::{TYPES, document, policy, rule};
use crate::policy::{Action, Policy, Rule};

fn redact() -> Rule {
    Rule { action: Action::Redact, threshold: 0.5, in_request: true, in_answer: false }
}

#[test]
fn nobody_says_anything() {
    let policy = policy("", "", "");
    for id in ["email", "card", "il_id", "aws_key", "ipv4"] {
        assert_eq!(rule(&policy, id), redact(), "{id}");
    }
    for id in ["person", "address"] {
        assert_eq!(rule(&policy, id).action, Action::Allow, "{id}");
    }
    assert_eq!((policy.tokens().ttl_seconds, policy.tokens().restores_per_minute), (86_400, 60));
    assert!(policy.custom().is_empty() && policy.countries().is_empty() && !policy.searches_answers());
    let standard = Policy::standard();
    let named = crate::builtin_types().into_iter().zip(standard.rules());
    for (one, rule) in named {
        if one.group == "person" {
            assert_eq!(rule.action, Action::Allow, "{}", one.id);
        } else {
            assert_eq!(*rule, redact(), "{}", one.id);
        }
    }
    assert!(!standard.rules().is_empty());
}

#[test]
fn the_most_specific_name_wins() {
    let tenant =
        r#"{"v":1,"types":{"*":{"action":"block"},"national":{"action":"mask"},"il_id":{"action":"hash"}}}"#;
    let policy = policy("", tenant, "");
    assert_eq!(rule(&policy, "email").action, Action::Block);
    assert_eq!(rule(&policy, "us_ssn").action, Action::Mask);
    assert_eq!(rule(&policy, "il_id").action, Action::Hash);
    assert_eq!(rule(&policy, "person").action, Action::Block);
}

#[test]
fn the_agent_overrides_the_tenant_key_by_key() {
    let tenant = r#"{"v":1,"countries":["DE"],"types":{"email":{"action":"mask","threshold":0.9},"card":{"action":"block"}},
        "people":["Dana Levi"],"tokens":{"ttl_seconds":60,"restores_per_minute":5},
        "terms":[{"id":"a","words":["apollo"],"action":"mask"},{"id":"b","words":["gemini"],"action":"mask"}]}"#;
    let agent = r#"{"v":1,"countries":["IL"],"types":{"email":{"action":"allow"}},"tokens":{"restores_per_minute":9},
        "terms":[{"id":"a","words":["artemis"],"action":"block"}]}"#;
    let policy = policy("", tenant, agent);
    assert_eq!(rule(&policy, "email").action, Action::Allow);
    assert_eq!(rule(&policy, "card").action, Action::Block);
    assert_eq!(policy.countries().iter().collect::<Vec<_>>(), ["IL"]);
    assert_eq!((policy.tokens().ttl_seconds, policy.tokens().restores_per_minute), (60, 9));
    let found = super::found(&policy, "Dana Levi: apollo gemini artemis");
    let texts: Vec<_> = found.iter().map(|(id, text)| (id.as_str(), text.as_str())).collect();
    assert_eq!(
        texts,
        [("custom.a", "artemis"), ("known_person", "Dana Levi"), ("custom.b", "gemini")],
        "the agent's term stands in for the tenant's of that id"
    );
}

#[test]
fn answers_are_searched_where_somebody_says_so() {
    let answer = |tenant: &str| {
        let policy = policy("", tenant, "");
        (rule(&policy, "email").in_answer, rule(&policy, "card").in_answer, policy.searches_answers())
    };
    let both = r#""types":{"email":{"action":"mask","direction":"both"}}"#;
    assert_eq!(answer(r#"{"v":1}"#), (false, false, false));
    assert_eq!(answer(&format!(r#"{{"v":1,{both}}}"#)), (true, false, true));
    assert_eq!(answer(&format!(r#"{{"v":1,{both},"answers":false}}"#)), (false, false, false));
    assert_eq!(answer(r#"{"v":1,"answers":true}"#), (true, true, true));
    let only = r#"{"v":1,"answers":false,"types":{"email":{"action":"mask","direction":"answer"}}}"#;
    let policy = policy("", only, "");
    assert_eq!(rule(&policy, "email").action, Action::Allow, "neither direction is left");
}

#[test]
fn the_floor_is_the_least() {
    let floor = r#"{"v":1,"types":{"contact":{"action":"hash","direction":"both","threshold":0.3}}}"#;
    for (tenant, action, threshold) in [
        ("allow", Action::Hash, 0.3),
        ("mask", Action::Hash, 0.3),
        ("redact", Action::Redact, 0.3),
        ("block", Action::Block, 0.3),
    ] {
        let text = format!(
            r#"{{"v":1,"answers":false,"types":{{"email":{{"action":"{tenant}","threshold":0.9}}}}}}"#
        );
        for (tenant, agent) in [(text.as_str(), ""), ("", text.as_str())] {
            let policy = policy(floor, tenant, agent);
            let want = Rule { action, threshold, in_request: true, in_answer: true };
            assert_eq!(rule(&policy, "email"), want);
        }
    }
    let policy = policy(r#"{"v":1,"answers":true}"#, r#"{"v":1,"answers":false}"#, "");
    assert!(rule(&policy, "email").in_answer, "a floor that wants answers searched has them searched");
}

#[test]
fn only_the_floors_allow_list_reaches_what_the_floor_covers() {
    let floor = r#"{"v":1,"types":{"email":{"action":"redact"}},"allow":{"values":["help@acme.test"]}}"#;
    let tenant = r#"{"v":1,"types":{"ipv4":{"action":"mask"}},
        "allow":{"values":["boss@acme.test","10.0.0.1"],"domains":["acme.test"]}}"#;
    let policy = policy(floor, tenant, "");
    let at = |id: &str| TYPES.iter().position(|one| one.id == id).unwrap();
    assert!(policy.is_allowed(at("email"), "help@acme.test"));
    assert!(!policy.is_allowed(at("email"), "boss@acme.test"));
    assert!(policy.is_allowed(at("ipv4"), "10.0.0.1"));
    assert!(!policy.is_allowed(at("ipv4"), "10.0.0.2"));
    assert!(!policy.is_allowed(99, "10.0.0.1"), "a kind that is not there");
}

#[test]
fn an_allow_list_may_be_limited_to_types() {
    let tenant = r#"{"v":1,"allow":{"values":["10.0.0.1"],"domains":["acme.test"],"types":["network"]}}"#;
    let policy = policy("", tenant, "");
    let at = |id: &str| TYPES.iter().position(|one| one.id == id).unwrap();
    assert!(policy.is_allowed(at("ipv4"), "10.0.0.1") && !policy.is_allowed(at("card"), "10.0.0.1"));
    assert!(!policy.is_allowed(at("email"), "x@acme.test"));
}

#[test]
fn every_line_says_whose_word_it_is() {
    let (floor, tenant, agent) = (
        document(
            r#"{"v":1,"types":{"contact":{"action":"hash"},"finance":{"action":"mask"}},"people":["Dana Levi"]}"#,
        ),
        document(r#"{"v":1,"types":{"email":{"action":"mask","threshold":0.2},"*":{"action":"block"}}}"#),
        document(
            r#"{"v":1,"types":{"us_ssn":{"action":"alert"}},"terms":[{"id":"a","words":["apollo"],"action":"mask"}]}"#,
        ),
    );
    let lines = Policy::explain_for(&TYPES, Some(&floor), Some(&tenant), Some(&agent)).unwrap();
    let origin = |id: &str| lines.iter().find(|line| line.id == id).unwrap().origin.clone();
    assert_eq!(origin("email"), "tenant types.email and floor types.contact");
    assert_eq!(origin("card"), "tenant types.*");
    assert_eq!(origin("us_ssn"), "agent types.us_ssn");
    assert_eq!(origin("custom.a"), "agent terms");
    assert_eq!(origin("known_person"), "floor people (tenant types.*)");
    let lines = Policy::explain_for(&TYPES, Some(&floor), None, None).unwrap();
    assert_eq!(lines[0].origin, "default", "the default is stronger than this floor");
}

#[test]
fn what_gets_weaker_is_told() {
    let old = document(
        r#"{"v":1,"types":{"email":{"action":"block"},"card":{"action":"mask","direction":"both"},"address":{"action":"hash"}},
        "people":["Dana Levi","Noa Mor"],"allow":{"values":["a"],"types":["email"]}}"#,
    );
    let new = document(
        r#"{"v":1,"types":{"email":{"action":"mask"},"card":{"action":"redact","threshold":0.8}},
        "people":["Dana Levi"],"allow":{"values":["a","b"]}}"#,
    );
    let explain = |one| Policy::explain_for(&TYPES, None, Some(one), None).unwrap();
    let weaker = Policy::weaker(&explain(&old), &explain(&new));
    let told: Vec<_> = weaker.iter().map(|one| format!("{}: {}", one.what, one.change)).collect();
    assert_eq!(
        told,
        ["email: block -> mask", "card: threshold 0.5 -> 0.8, both -> request", "address: hash -> allow"]
    );
    let lists: Vec<_> =
        new.weaker_lists(Some(&old)).into_iter().map(|one| format!("{}: {}", one.what, one.change)).collect();
    assert_eq!(
        lists,
        [
            "people: 1 no longer looked for",
            "allow.values: 1 newly let through",
            "allow.types: the list reaches more types"
        ]
    );
    assert!(Policy::weaker(&explain(&new), &explain(&new)).is_empty());
    assert!(old.weaker_lists(Some(&old)).is_empty() && old.weaker_lists(None).is_empty());
}
