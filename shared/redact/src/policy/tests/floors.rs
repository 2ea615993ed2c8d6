//! Whatever tenants and agents write, the floor holds.

use super::{TYPES, document, found, policy};
use crate::policy::{Action, GROUPS, Policy, Rule};
use proptest::prelude::*;
use serde_json::{Value, json};

const WORDS: [&str; 6] = ["apollo", "apollo mission", "gemini", "Dana Levi", "דנה", "pollo"];

fn action() -> impl Strategy<Value = &'static str> {
    prop::sample::select(Action::ALL.map(Action::as_str).to_vec())
}

fn direction() -> impl Strategy<Value = Option<&'static str>> {
    prop::option::of(prop::sample::select(vec!["request", "answer", "both"]))
}

fn name() -> impl Strategy<Value = String> {
    let names = TYPES.iter().map(|one| one.id).chain(GROUPS).chain(["*", "known_person", "known_address"]);
    prop::sample::select(names.map(str::to_owned).collect::<Vec<_>>())
}

fn a_rule() -> impl Strategy<Value = Value> {
    (action(), direction(), prop::option::of(0.05_f32..0.99)).prop_map(|(action, direction, threshold)| {
        let mut rule = json!({"action": action});
        if let Some(direction) = direction {
            rule["direction"] = direction.into();
        }
        if let Some(threshold) = threshold {
            rule["threshold"] = f64::from(threshold).into();
        }
        rule
    })
}

fn a_term() -> impl Strategy<Value = (Vec<&'static str>, &'static str, Option<&'static str>, bool, bool)> {
    let words = prop::sample::subsequence(WORDS.to_vec(), 1..4);
    (words, action(), direction(), any::<bool>(), any::<bool>())
}

fn terms() -> impl Strategy<Value = Value> {
    prop::collection::vec(a_term(), 0..3).prop_map(|terms| {
        let term = |(n, (words, action, direction, whole, cased)): (usize, (_, _, _, _, _))| {
            let words: Vec<&str> = words;
            let direction: Option<&str> = direction;
            let mut term = json!({"id": format!("t{n}"), "words": words, "action": action, "whole_word": whole,
                                  "case_sensitive": cased});
            if let Some(direction) = direction {
                term["direction"] = direction.into();
            }
            term
        };
        terms.into_iter().enumerate().map(term).collect()
    })
}

fn patterns() -> impl Strategy<Value = Value> {
    prop::option::of((action(), direction())).prop_map(|pattern| {
        let one = |(action, direction): (&str, Option<&str>)| {
            json!({"id": "p0", "pattern": "[A-Z]{2}-[0-9]{4}", "action": action,
                   "direction": direction.unwrap_or("request"), "examples": ["AB-1234"]})
        };
        pattern.into_iter().map(one).collect()
    })
}

fn allow() -> impl Strategy<Value = Value> {
    let values = prop::sample::subsequence(VALUES.to_vec(), 0..VALUES.len());
    (values, any::<bool>(), prop::option::of(prop::collection::vec(name(), 0..3))).prop_map(
        |(values, domain, types)| {
            let domains: &[&str] = if domain { &["acme.test", "*.acme.test"] } else { &[] };
            let mut allow = json!({"values": values, "domains": domains});
            if let Some(types) = types {
                allow["types"] = types.into_iter().filter(|name| name != "*").collect();
            }
            allow
        },
    )
}

pub(super) const VALUES: [&str; 5] =
    ["dana@acme.test", "x@sub.acme.test", "4111111111111111", "10.0.0.1", "apollo"];

fn some(text: &str) -> Value {
    text.into()
}

/// A document of anything. `tokenize` where it is refused becomes `hash`.
pub(super) fn any_document() -> impl Strategy<Value = String> {
    let types = prop::collection::btree_map(name(), a_rule(), 0..6);
    let countries = prop::option::of(prop::sample::subsequence(vec!["IL", "DE", "US"], 0..3));
    let people = prop::option::of(prop::sample::subsequence(vec!["Dana Levi", "Noa Mor"], 0..2));
    let tokens = (60_u32..2_592_000, 1_u32..600);
    let rest = (prop::option::of(any::<bool>()), prop::option::of(allow()), prop::option::of(tokens));
    (types, countries, people, terms(), patterns(), rest).prop_map(
        |(types, countries, people, terms, patterns, (answers, allow, tokens))| {
            let mut document = json!({"v": 1, "types": types, "terms": terms, "patterns": patterns});
            document["countries"] = json!(countries);
            document["people"] = json!(people);
            document["answers"] = json!(answers);
            document["allow"] = json!(allow);
            if let Some((ttl, rate)) = tokens {
                document["tokens"] = json!({"ttl_seconds": ttl, "restores_per_minute": rate});
            }
            without_refused_tokens(&mut document);
            document.to_string()
        },
    )
}

fn without_refused_tokens(document: &mut Value) {
    let fix = |rule: &mut Value, secret: bool| {
        if rule["action"] == "tokenize" && (secret || rule["direction"] == "answer") {
            rule["action"] = some("hash");
        }
    };
    for (name, rule) in document["types"].as_object_mut().unwrap() {
        fix(rule, ["*", "secret", "aws_key"].contains(&name.as_str()));
    }
    for list in ["terms", "patterns"] {
        document[list].as_array_mut().unwrap().iter_mut().for_each(|rule| fix(rule, false));
    }
}

/// What the floor says of a kind, worked out without the code under test.
fn floor_says(floor: &Value, id: &str, group: &str) -> Option<Rule> {
    let types = floor["types"].as_object()?;
    let said = [id, group, "*"].into_iter().find_map(|name| types.get(name))?;
    let action = Action::ALL.into_iter().find(|one| said["action"] == one.as_str())?;
    let unsaid = if floor["answers"] == true { "both" } else { "request" };
    let direction = said["direction"].as_str().unwrap_or(unsaid);
    let threshold = said["threshold"].as_f64().unwrap_or(0.5);
    let in_request = direction != "answer";
    let in_answer = direction != "request" && floor["answers"] != false;
    let active = action > Action::Allow && (in_request || in_answer);
    #[expect(clippy::cast_possible_truncation, reason = "a score")]
    active.then_some(Rule { action, threshold: threshold as f32, in_request, in_answer })
}

fn covers(rule: &Rule, least: &Rule) -> bool {
    rule.action >= least.action
        && rule.threshold <= least.threshold
        && (rule.in_request || !least.in_request)
        && (rule.in_answer || !least.in_answer)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// The heart of it: no document of a tenant or agent lowers what the floor says.
    #[test]
    fn floors_are_never_weakened(floor in any_document(), tenant in any_document(), agent in any_document()) {
        let policy = policy(&floor, &tenant, &agent);
        let says: Value = serde_json::from_str(&floor).unwrap();
        for (index, one) in TYPES.iter().enumerate() {
            let Some(least) = floor_says(&says, one.id, one.group) else { continue };
            prop_assert!(covers(&policy.rules()[index], &least), "{one:?} {least:?}");
            for value in VALUES {
                let alone = super::policy(&floor, "", "");
                prop_assert_eq!(policy.is_allowed(index, value), alone.is_allowed(index, value));
            }
        }
    }

    /// Terms, patterns and people of the floor are found as if nobody else had written anything, and with rules no weaker.
    #[test]
    fn the_floors_lists_are_always_found(floor in any_document(), tenant in any_document(), agent in any_document()) {
        let (alone, policy) = (policy(&floor, "", ""), policy(&floor, &tenant, &agent));
        let text = "the apollo mission of Dana Levi and דנה, AB-1234 Gemini Noa Mor";
        let all = found(&policy, text);
        for one in found(&alone, text) {
            prop_assert!(all.contains(&one), "{one:?}");
        }
        for (n, kind) in alone.kinds().iter().enumerate() {
            let at = policy.kinds().iter().position(|other| other.id == kind.id).unwrap();
            let (index, least) = (TYPES.len() + at, alone.rules()[TYPES.len() + n]);
            prop_assert!(covers(&policy.rules()[index], &least), "{kind:?}");
            prop_assert_eq!(policy.is_allowed(index, "apollo"), alone.is_allowed(TYPES.len() + n, "apollo"));
        }
    }

    /// Limits and countries of the floor hold too.
    #[test]
    fn limits_are_never_exceeded(floor in any_document(), tenant in any_document(), agent in any_document()) {
        let policy = policy(&floor, &tenant, &agent);
        let says: Value = serde_json::from_str(&floor).unwrap();
        if let Some(most) = says["tokens"]["ttl_seconds"].as_u64() {
            prop_assert!(u64::from(policy.tokens().ttl_seconds) <= most);
        }
        if let Some(most) = says["tokens"]["restores_per_minute"].as_u64() {
            prop_assert!(u64::from(policy.tokens().restores_per_minute) <= most);
        }
        for country in says["countries"].as_array().into_iter().flatten() {
            prop_assert!(policy.countries().contains(country.as_str().unwrap()));
        }
    }

    /// Same documents, same policy: every rule, kind, limit and finding.
    #[test]
    fn compiling_is_deterministic(floor in any_document(), tenant in any_document(), agent in any_document()) {
        let seen = || {
            let policy = policy(&floor, &tenant, &agent);
            let text = "apollo mission of Dana Levi, דנה AB-1234 gemini";
            let told = Policy::explain_for(
                &TYPES, Some(&document(&floor)), Some(&document(&tenant)), Some(&document(&agent)));
            let allowed: Vec<_> = (0..policy.rules().len())
                .flat_map(|kind| VALUES.map(|value| policy.is_allowed(kind, value)))
                .collect();
            (policy.rules().to_vec(), policy.kinds().to_vec(), policy.tokens(), found(&policy, text), told, allowed)
        };
        prop_assert_eq!(seen(), seen());
    }

    /// What is told to people is what the engine is told.
    #[test]
    fn the_explanation_is_true(floor in any_document(), tenant in any_document(), agent in any_document()) {
        let policy = policy(&floor, &tenant, &agent);
        let told = Policy::explain_for(&TYPES, Some(&document(&floor)), Some(&document(&tenant)), Some(&document(&agent)));
        let told: Vec<_> = told.unwrap().into_iter().map(|line| line.rule).collect();
        prop_assert_eq!(policy.rules(), told.as_slice());
    }
}
