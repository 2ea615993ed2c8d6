//! A call that its client sends again charges and acts once.
#![cfg(test)]

use countersign_tests::support::http::send_all;
use countersign_tests::support::tenant::Budget;
use countersign_tests::support::{Answer, Request, Tenant};
use serde_json::json;

fn code(answer: &Answer) -> (u16, Option<String>) {
    (answer.status, answer.json()["error"]["code"].as_str().map(str::to_owned))
}

fn says(status: u16, code: &str) -> (u16, Option<String>) {
    (status, Some(code.to_owned()))
}

fn keyed(tenant: &Tenant, key: &str, said: &str) -> Request {
    tenant.chat(said).with("idempotency-key", key)
}

#[test]
fn an_idempotency_key_makes_a_call_once() {
    let tenant = Tenant::new();
    let first = keyed(&tenant, "order-1", "hello").send();
    assert_eq!(first.status, 200);
    let again = keyed(&tenant, "order-1", "hello").send();
    assert_eq!(code(&again), says(409, "call_repeated"));
    assert_eq!(again.header("x-should-retry"), Some("false"));
    assert!(again.body.contains(&first.action()), "it names the first: {}", again.body);
    assert_eq!(code(&keyed(&tenant, "order-1", "other words").send()), says(422, "idempotency_mismatch"));
    assert_eq!(keyed(&tenant, "order-2", "hello").send().status, 200, "another key is another call");
    let other = Tenant::new();
    assert_eq!(keyed(&other, "order-1", "hello").send().status, 200, "another tenant's");
    let long = "k".repeat(257);
    assert_eq!(code(&keyed(&tenant, &long, "hello").send()), says(400, "invalid_field"));

    assert_eq!(tenant.channel.received().len(), 2);
    let budget = tenant.budget();
    assert_eq!((budget.open_holds, budget.admitted), (0, 2));
    let records = tenant.records(9);
    assert!(records.iter().any(|one| one.says() == ["outcome", "deny", "call_repeated"]));
}

/// Whoever races: one is made.
#[test]
fn of_many_at_once_under_one_key_one_is_made() {
    let tenant = Tenant::new();
    tenant.channel.tell(&json!({"delay_ms": 300}));
    let answers = send_all((0..12).map(|_| keyed(&tenant, "race", "hello").trying(30)).collect());
    let made = answers.iter().filter(|answer| answer.status == 200).count();
    let refused = answers.iter().filter(|answer| code(answer) == says(409, "call_repeated")).count();
    assert_eq!((made, refused, tenant.channel.received().len()), (1, 11, 1));
    let Budget { admitted, open_holds, .. } = tenant.budget();
    assert_eq!((admitted, open_holds), (1, 0));
}

/// What had no effect may be sent again under the same key.
#[test]
fn a_call_that_had_no_effect_lets_go_of_its_key() {
    let tenant = Tenant::new();
    tenant.channel.tell(&json!({"status": 503}));
    assert_eq!(code(&keyed(&tenant, "order-1", "hello").send()), says(503, "provider_unavailable"));
    tenant.channel.tell(&json!({"status": 500}));
    assert_eq!(code(&keyed(&tenant, "order-1", "hello").send()), says(502, "provider_error"));
    tenant.channel.tell(&json!({}));
    // The provider may have worked before it answered 500.
    assert_eq!(code(&keyed(&tenant, "order-1", "hello").send()), says(409, "call_repeated"));
    assert_eq!(tenant.channel.received().len(), 2);
}

fn tried(tenant: &Tenant, before: u32, said: &str) -> Answer {
    tenant.chat(said).with("x-stainless-retry-count", before.to_string()).send()
}

/// Without a key the SDKs count their tries: a second one whose first was made is refused, one whose first had no effect is made.
#[test]
fn an_sdks_own_retry_charges_once() {
    let tenant = Tenant::new();
    assert_eq!(tried(&tenant, 0, "hello").status, 200);
    assert_eq!(tried(&tenant, 0, "hello").status, 200, "the same words on purpose");
    // As after a connection that broke: the client never saw the answer.
    assert_eq!(code(&tried(&tenant, 1, "hello")), says(409, "call_repeated"));
    tenant.channel.tell(&json!({"status": 429}));
    assert_eq!(code(&tried(&tenant, 0, "later")), says(429, "provider_throttled"));
    tenant.channel.tell(&json!({}));
    assert_eq!(tried(&tenant, 1, "later").status, 200);
    assert_eq!(code(&tried(&tenant, 2, "later")), says(409, "call_repeated"));
    assert_eq!(tried(&tenant, 1, "its first never came").status, 200);
    assert_eq!(tenant.budget().admitted, 5, "four answers and a provider that throttled");
}
