//! Which change of a document needs a second person.

use super::decisions::{call, gates, strength};
use super::*;
use proptest::prelude::*;

/// Every kind of gate, and a policy.
fn before() -> Value {
    let mut document = document(&[
        json!({"id": "pay", "template": "payments", "tools": ["payments.*"], "amount": "/a", "over": 100,
            "currency": "/c", "currencies": ["EUR", "CHF"], "approval": "finance"}),
        json!({"id": "del", "template": "deletion", "tools": ["*.delete"], "targets": ["prod/*"], "forbid": true}),
        json!({"id": "mail", "template": "external_email", "tools": ["mail.send"], "recipients": ["/to"],
            "domains": ["*.acme.com", "acme.com"], "approval": "ops"}),
        json!({"id": "rows", "template": "data_export", "tools": ["crm.*"], "rows": "/n", "over": 10, "approval": "ops"}),
        json!({"id": "night", "template": "outside_hours", "tools": ["*"], "zone": "Europe/Berlin",
            "hours": ["08:00", "18:00"], "days": ["mon", "tue"], "approval": "ops"}),
        json!({"id": "all", "template": "any", "tools": ["wire.*"], "approval": "finance"}),
    ]);
    document["approvals"]["finance"]["quorum"] = json!([{"of": {"roles": ["owner", "admin"]}, "need": 2}]);
    document["approvals"]["finance"]["deny"] = 2.into();
    document["allow"] = json!(["payments.*", "crm.*", "mail.send"]);
    document["answers"] = "mark".into();
    document["cedar"] = "@id(\"p\") permit (principal, action, resource == Tool::\"t\");
        @id(\"f\") @approval(\"ops\") forbid (principal, action, resource) when { context.hour > 20 };"
        .into();
    document
}

/// The document with one thing changed, at a JSON pointer; `null` takes it away.
fn changed(at: &str, to: &Value) -> Value {
    let mut document = before();
    let (parent, key) = at.rsplit_once('/').unwrap();
    let parent = document.pointer_mut(parent).unwrap();
    match (parent, to) {
        (Value::Object(fields), Value::Null) => drop(fields.shift_remove(key)),
        (Value::Object(fields), _) => drop(fields.insert(key.to_owned(), to.clone())),
        (Value::Array(items), Value::Null) => drop(items.remove(key.parse().unwrap())),
        (Value::Array(items), _) if key == "-" => items.push(to.clone()),
        (Value::Array(items), _) => items[key.parse::<usize>().unwrap()] = to.clone(),
        _ => panic!("{at}"),
    }
    document
}

fn is_weaker(at: &str, to: &Value) -> bool {
    weaker(Some(&parsed(&before())), &parsed(&changed(at, to)))
}

const FORBID: &str =
    "@id(\"f\") @approval(\"ops\") forbid (principal, action, resource) when { context.hour > 20 };";
const PERMIT: &str = "@id(\"p\") permit (principal, action, resource == Tool::\"t\");";

#[test]
fn what_is_as_strict_or_stricter_is_not_weaker() {
    for (at, to) in [
        ("/v", json!(1)),
        ("/allow/0", Value::Null),
        ("/allow/0", json!("payments.send")),
        ("/allow/-", json!("crm.read")),
        ("/answers", json!("withhold")),
        ("/gates/-", json!({"id": "new", "template": "any", "tools": ["*"], "forbid": true})),
        ("/gates/0/over", json!("99.99")),
        ("/gates/0/currencies", json!(["EUR"])),
        ("/gates/0/tools", json!(["pay*", "x"])),
        ("/gates/0/tools", json!(["PAYMENTS.*"])),
        ("/gates/0/id", json!("other")),
        ("/gates/5", json!({"id": "x", "template": "any", "tools": ["wire.*"], "forbid": true})),
        ("/gates/0", json!({"id": "x", "template": "any", "tools": ["payments.*"], "approval": "finance"})),
        ("/gates/1/targets", json!(["prod/*", "staging/*"])),
        ("/gates/2/domains", json!(["eu.acme.com"])),
        ("/gates/2/domains", json!(["*.eu.acme.com"])),
        ("/gates/2/domains", json!([])),
        ("/gates/3/over", json!(9)),
        ("/gates/4/hours", json!(["09:00", "17:00"])),
        ("/gates/4/days", json!(["tue"])),
        ("/approvals/finance/quorum/0/need", json!(3)),
        ("/approvals/finance/quorum/-", json!({"of": {"roles": ["owner"]}, "need": 1})),
        ("/approvals/finance/deny", json!(1)),
        ("/approvals/finance/expires_minutes", json!(30)),
        ("/approvals/new", rule()),
        ("/cedar", json!(format!("// a note\n{FORBID}\n\n{PERMIT}"))),
        ("/cedar", json!(format!("{FORBID}{PERMIT} @id(\"n\") forbid (principal, action, resource);"))),
    ] {
        assert!(!is_weaker(at, &to), "{at} {to}");
    }
}

#[test]
fn everything_else_is_weaker() {
    for (at, to) in [
        ("/allow/-", json!("hr.*")),
        ("/allow/2", json!("mail.*")),
        ("/allow/2", json!("Mail.send")),
        ("/answers", json!("leave")),
        ("/answers", Value::Null),
        ("/gates/0", Value::Null),
        ("/gates/0/over", json!("100.01")),
        ("/gates/0/amount", json!("/b")),
        ("/gates/0/currency", json!("/d")),
        ("/gates/0/currencies", json!(["EUR", "CHF", "USD"])),
        ("/gates/0/tools", json!(["payments.send"])),
        ("/gates/0/approval", json!("ops")),
        (
            "/gates/1",
            json!({"id": "del", "template": "deletion", "tools": ["*.delete"], "targets": ["prod/*"], "approval": "ops"}),
        ),
        ("/gates/1/targets", json!(["prod/db/*"])),
        ("/gates/1/paths", json!(["/p"])),
        ("/gates/1/template", json!("production")),
        ("/gates/2/domains", json!(["*.acme.com", "acme.com", "example.org"])),
        ("/gates/2/domains", json!(["*.com.example", "acme.com"])),
        ("/gates/2/recipients", json!(["/to", "/cc"])),
        ("/gates/3/over", json!(11)),
        ("/gates/3/rows", json!("/m")),
        ("/gates/4/hours", json!(["07:59", "18:00"])),
        ("/gates/4/hours", json!(["08:00", "18:01"])),
        ("/gates/4/days", json!(["mon", "tue", "wed"])),
        ("/gates/4/zone", json!("Europe/Paris")),
        ("/gates/5/tools", json!(["wire.send"])),
        ("/approvals/finance/quorum/0/need", json!(1)),
        ("/approvals/finance/quorum/0/of", json!({"roles": ["owner", "admin", "member"]})),
        ("/approvals/finance/quorum/0/of", json!({"roles": ["owner"]})),
        ("/approvals/finance/deny", json!(3)),
        ("/approvals/finance/expires_minutes", json!(61)),
        ("/approvals/finance/remind_minutes", json!(5)),
        ("/approvals/finance/escalate", json!({"after_minutes": 5, "to": {"roles": ["owner"]}})),
        ("/approvals/finance/risk", json!("None.")),
        ("/approvals/finance/high", json!(false)),
        ("/approvals/ops/quorum/0/of", json!({"roles": ["viewer"]})),
        ("/cedar", Value::Null),
        ("/cedar", json!(FORBID)),
        ("/cedar", json!(PERMIT)),
        ("/cedar", json!(format!("{PERMIT}{}", FORBID.replace("20", "21")))),
        ("/cedar", json!(format!("{PERMIT}{}", FORBID.replace("ops", "finance")))),
        ("/cedar", json!(format!("{FORBID}{PERMIT} @id(\"n\") permit (principal, action, resource);"))),
    ] {
        assert!(is_weaker(at, &to), "{at} {to}");
    }
}

#[test]
fn a_first_document_is_weaker_unless_it_allows_nothing() {
    let first = |document: &Value| weaker(None, &parsed(document));
    assert!(first(&before()));
    assert!(first(&json!({"v": 1, "cedar": PERMIT})));
    assert!(first(
        &json!({"v": 1, "allow": ["x"], "gates": [{"id": "a", "template": "any", "tools": ["*"], "forbid": true}]})
    ));
    assert!(!first(&json!({"v": 1})));
    assert!(!first(&json!({"v": 1, "cedar": "@id(\"n\") forbid (principal, action, resource);"})));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 256, ..ProptestConfig::default() })]

    /// Nothing gets through that did not before, by any document that one person may write alone.
    #[test]
    fn what_is_not_weaker_lets_nothing_more_through(
        old in gates(),
        mut change in gates(),
        kept in prop::collection::vec(any::<bool>(), 5),
        calls in prop::collection::vec(call(), 8),
    ) {
        // Some gates stay, so that many pairs are comparable.
        change.truncate(2);
        let few = change.len() < 2;
        let stay = old.iter().zip(&kept).filter(|(_, kept)| **kept || few).map(|(gate, _)| gate.clone());
        let mut new: Vec<Value> = stay.chain(change).collect();
        for (n, gate) in new.iter_mut().enumerate() {
            gate["id"] = format!("n{n}").into();
        }
        let (old, new) = (parsed(&document(&old)), parsed(&document(&new)));
        prop_assert!(!weaker(Some(&old), &old));
        if !weaker(Some(&old), &new) {
            for (tool, arguments, target, now) in &calls {
                let before = decide(&old, tool, arguments, *target, *now);
                let after = decide(&new, tool, arguments, *target, *now);
                prop_assert!(strength(&before) <= strength(&after), "{before:?} {after:?}");
            }
        }
    }
}
