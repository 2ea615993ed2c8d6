//! Standing: whoever is suspended, deactivated or gone is refused by the very next call, on a warm instance too.
#![cfg(test)]

use countersign_tests::support::Tenant;
use serde_json::{Value, json};

/// What is changed in which row, and how the next call is refused.
type Change = (&'static str, &'static str, &'static str, Value, u16, &'static str);

fn changes() -> [Change; 6] {
    let suspended = json!({"S": "suspended"});
    [
        ("identity", "USER", "active", json!({"BOOL": false}), 403, "owner_inactive"),
        ("identity", "USER", "epoch", json!({"N": "2"}), 403, "owner_epoch"),
        ("identity", "BIND", "role", json!({"S": "viewer"}), 403, "role_forbids"),
        ("control", "AGENT", "status", suspended.clone(), 403, "agent_inactive"),
        ("control", "TENANT", "status", suspended.clone(), 403, "tenant_inactive"),
        ("control", "ORG", "status", suspended, 403, "org_inactive"),
    ]
}

#[test]
fn the_very_next_call_is_refused_and_recorded() {
    for (table, row, field, value, status, reason) in changes() {
        let tenant = Tenant::new();
        assert_eq!(tenant.say("before").status, 200);
        tenant.set(table, row, field, &value);
        let answer = tenant.say("after");
        assert_eq!(
            (answer.status, answer.json()["error"]["code"].as_str()),
            (status, Some(reason)),
            "{row} {field}"
        );
        assert_eq!(tenant.channel.received().len(), 1, "{row} {field}");
        let records = tenant.records(3);
        assert_eq!(records[2].says(), ["single", "deny", reason], "{row} {field}");
    }
}

#[test]
fn a_fact_that_is_missing_refuses_and_is_recorded() {
    for (table, row, status, reason) in [
        ("gates", "BUDGET", 503, "budget_unavailable"),
        ("control", "POLICY", 503, "facts_unavailable"),
        ("control", "PROVIDERS", 503, "facts_unavailable"),
        ("identity", "USER", 403, "owner_inactive"),
        ("identity", "BIND", 403, "owner_inactive"),
        ("control", "AGENT", 403, "agent_inactive"),
        ("keys", "ROOT#audit", 503, "keys_unavailable"),
    ] {
        let tenant = Tenant::new();
        tenant.delete(table, row);
        let answer = tenant.say("hello");
        assert_eq!((answer.status, answer.json()["error"]["code"].as_str()), (status, Some(reason)), "{row}");
        assert!(tenant.channel.received().is_empty(), "{row}");
        assert_eq!(tenant.records(1)[0].says(), ["single", "deny", reason], "{row}");
    }
}

/// Without the credential's root an attempt is recorded, nothing is sent, and nothing stays held.
#[test]
fn a_credential_that_does_not_open_ends_the_call_before_it_leaves() {
    let tenant = Tenant::new();
    tenant.delete("keys", "ROOT#cred");
    let answer = tenant.say("hello");
    assert_eq!((answer.status, answer.json()["error"]["code"].as_str()), (503, Some("keys_unavailable")));
    assert!(tenant.channel.received().is_empty());
    assert_eq!(tenant.records(2)[1].field("reason"), "keys_unavailable");
    let budget = tenant.budget();
    assert_eq!((budget.avail, budget.open_holds), (budget.limit, 0));
}

/// A key whose row says another tenant sees that tenant's facts or none: never a mixture of both.
#[test]
fn a_key_that_is_moved_is_read_again() {
    let (tenant, other) = (Tenant::new(), Tenant::new());
    assert_eq!(tenant.say("before").status, 200);
    tenant.set("control", "KEY", "tenant_id", &json!({"S": other.tenant_id()}));
    let answer = tenant.say("after");
    assert_eq!(answer.status, 403, "{answer:?}");
    assert!(other.channel.received().is_empty());
}
