//! How gates come together.

use super::*;
use crate::gate_names::{Answers, GatedTools};
use proptest::prelude::*;
use std::slice::from_ref;

fn any_gate(id: &str, tools: &str, approval: Option<&str>) -> Value {
    let mut gate = json!({"id": id, "template": "any", "tools": [tools]});
    match approval {
        Some(rule) => gate["approval"] = rule.into(),
        None => gate["forbid"] = true.into(),
    }
    gate
}

fn of(gates: &[Value], allow: &[&str], tool: &str) -> Verdict {
    let mut document = document(gates);
    document["allow"] = json!(allow);
    decide(&parsed(&document), tool, &json!({}), None, noon())
}

#[test]
fn what_nothing_allows_is_unmatched_and_a_refusal_goes_before_an_approval() {
    let pay = any_gate("pay", "payments.*", Some("finance"));
    let send = any_gate("send", "*.send", Some("ops"));
    let again = any_gate("again", "payments.send", Some("finance"));
    let never = any_gate("never", "payments.send", None);
    let forbidden = |all: &[&str]| Verdict::Forbid { gates: names(all) };
    assert_eq!(of(&[], &[], "payments.send"), Verdict::Unmatched);
    assert_eq!(of(&[], &["crm.*"], "payments.send"), Verdict::Unmatched);
    assert_eq!(of(&[], &["payments.*"], "payments.send"), Verdict::Permit);
    assert_eq!(of(&[], &["payments.*"], "Payments.send"), Verdict::Unmatched);
    assert_eq!(of(from_ref(&pay), &[], "payments.send"), Verdict::Unmatched);
    assert_eq!(of(from_ref(&pay), &["*"], "crm.read"), Verdict::Permit);
    let all = of(&[send.clone(), pay.clone(), again], &["*"], "payments.send");
    assert_eq!(held(&all), ["finance", "ops"]);
    assert!(matches!(all, Verdict::Hold { gates, .. } if gates == names(&["again", "pay", "send"])));
    assert_eq!(of(&[pay.clone(), never.clone(), send], &["*"], "payments.send"), forbidden(&["never"]));
    assert_eq!(of(from_ref(&never), &[], "payments.send"), forbidden(&["never"]));
    // In any case of its letters: some programs find a tool by any.
    assert_eq!(of(&[never], &["*"], "PAYMENTS.send"), forbidden(&["never"]));
}

#[test]
fn a_rule_is_handed_over_as_it_is_written_under_its_name() {
    let verdict = of(&[any_gate("pay", "*", Some("finance"))], &["*"], "x");
    let Verdict::Hold { rules, .. } = verdict else { panic!("{verdict:?}") };
    let mut wanted = rule();
    wanted["id"] = "finance".into();
    assert_eq!(serde_json::to_value(&rules).unwrap(), json!([wanted]));
}

#[test]
fn the_compiled_gate_shows_nothing_of_itself() {
    let gate = parsed(&document(&[any_gate("secret", "secret.*", None)]));
    assert!(!format!("{gate:?}").contains("secret"));
    assert_eq!(gate.answers(), Answers::Leave);
}

/// Gates of all kinds, over few tools and amounts, so that they meet.
pub(super) fn gates() -> impl Strategy<Value = Vec<Value>> {
    let tools = prop::sample::select(vec!["*", "a.*", "a.x", "*.x", "b"]);
    let over = prop::sample::select(vec![json!(0), json!("10.5"), json!(20)]);
    let kind = (0..6_u8, over, prop::bool::ANY);
    let end = prop::sample::select(vec![
        ("approval", json!("finance")),
        ("approval", json!("ops")),
        ("forbid", json!(true)),
    ]);
    let one = (tools, kind, end).prop_map(|(tools, (kind, over, more), (end, what))| {
        let targets = if more { json!(["prod/*", "dev/a"]) } else { json!(["prod/*"]) };
        let domains = if more { json!(["*.acme.com", "acme.com"]) } else { json!(["eu.acme.com"]) };
        let hours = if more { json!(["08:00", "18:00"]) } else { json!(["09:30", "12:00"]) };
        let days = if more { json!(["mon", "tue"]) } else { json!(["mon"]) };
        let mut gate = match kind {
            0 => json!({"template": "payments", "amount": "/amount", "over": over}),
            1 => json!({"template": "deletion", "targets": targets, "paths": ["/path"]}),
            2 => json!({"template": "external_email", "recipients": ["/to"], "domains": domains}),
            3 => json!({"template": "production", "targets": targets}),
            4 => json!({"template": "outside_hours", "zone": "Europe/Berlin", "hours": hours, "days": days}),
            _ => json!({"template": "any"}),
        };
        gate["tools"] = json!([tools]);
        gate[end] = what;
        gate
    });
    prop::collection::vec(one, 0..5).prop_map(|mut all| {
        for (n, gate) in all.iter_mut().enumerate() {
            gate["id"] = format!("g{n}").into();
        }
        all
    })
}

pub(super) type Call = (&'static str, Value, Option<&'static str>, Timestamp);

/// Actions on both sides of what these gates watch for.
pub(super) fn call() -> impl Strategy<Value = Call> {
    let tool = prop::sample::select(vec!["a.x", "a.y", "b", "A.x"]);
    let amount = prop::sample::select(vec![json!(5), json!("10.5"), json!(15), json!(21), json!("odd")]);
    let path = prop::sample::select(vec!["prod/db", "dev/a", "dev/b", "dev/../prod", "prod"]);
    let to = prop::sample::select(vec!["x@acme.com", "x@eu.acme.com", "x@example.org", "x"]);
    let target = prop::sample::select(vec![None, Some("prod/db"), Some("dev/a"), Some("dev")]);
    let hour = (0..24_i64, 0..7_i64);
    (tool, amount, path, to, target, hour).prop_map(|(tool, amount, path, to, target, (hour, day))| {
        let millis = (20_780 + day) * 86_400_000 + hour * 3_600_000;
        let now = Timestamp::from_unix_millis(millis).unwrap();
        (tool, json!({"amount": amount, "path": path, "to": to}), target, now)
    })
}

/// From the weakest to the strongest.
pub(super) fn strength(verdict: &Verdict) -> u8 {
    match verdict {
        Verdict::Permit => 0,
        Verdict::Hold { .. } => 1,
        Verdict::Unmatched | Verdict::Forbid { .. } | Verdict::Failed { .. } => 2,
    }
}

fn made(gates: &[Value], (tool, arguments, target, now): &Call) -> Verdict {
    decide(&parsed(&document(gates)), tool, arguments, *target, *now)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn one_more_gate_lets_nothing_more_through(gates in gates(), call in call()) {
        for count in 0..gates.len() {
            let (fewer, more) = (made(&gates[..count], &call), made(&gates[..=count], &call));
            prop_assert!(strength(&fewer) <= strength(&more), "{fewer:?} {more:?}");
            if let (Verdict::Hold { rules, .. }, Verdict::Hold { rules: after, .. }) = (&fewer, &more) {
                prop_assert!(rules.iter().all(|rule| after.contains(rule)));
            }
        }
    }

    #[test]
    fn the_order_of_gates_changes_nothing(gates in gates().prop_shuffle(), call in call()) {
        let mut sorted = gates.clone();
        sorted.sort_by_key(|gate| gate["id"].as_str().map(str::to_owned));
        prop_assert_eq!(made(&gates, &call), made(&sorted, &call));
    }

    /// Whoever sees names alone never takes a call for free that is not.
    #[test]
    fn what_is_stopped_may_need_a_gate_by_name(gates in gates(), call in call(), allow in prop::sample::select(vec!["*", "a.*", "b"]), own in prop::sample::select(vec!["", "permit", "forbid"])) {
        let mut document = document(&gates);
        document["allow"] = json!([allow]);
        if !own.is_empty() {
            let fails = "when { context.arguments.none }";
            document["cedar"] = format!("@id(\"own\") {own} (principal, action, resource == Tool::\"b\") {fails};").into();
        }
        let (tool, arguments, target, now) = call;
        let verdict = decide(&parsed(&document), tool, &arguments, target, now);
        let names = GatedTools::parse(&document.to_string()).unwrap();
        prop_assert!(verdict == Verdict::Permit || names.may_need_gate(tool), "{verdict:?}");
    }
}
