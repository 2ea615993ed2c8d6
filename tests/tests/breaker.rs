//! Breakers and fallbacks over the stack: a tenant with two providers, each a channel of its own.
#![cfg(test)]

use countersign_tests::support::records::{self, Record};
use countersign_tests::support::stack::unique;
use countersign_tests::support::standin::Channel;
use countersign_tests::support::{Tenant, planted, wait};
use serde_json::{Value, json};

/// As many failures as open a breaker, see `shared/tables/src/gates/breaker.rs`.
const THRESHOLD: usize = 5;

/// Adds a provider to the tenant's list, as an operator would, and gives its channel and id.
fn second(tenant: &Tenant, region: &str) -> (Channel, String) {
    let channel = Channel::new(format!("c-{}", unique::<8>()));
    let key = format!("upstream-{}", unique::<16>());
    planted::note(&key);
    let url = channel.url();
    let arguments = [
        "provider",
        "--provider-url",
        &url,
        "--provider-region",
        region,
        "--provider-name",
        "second",
        "--models",
        "gpt-4o-mini,gpt-4o",
    ];
    let (done, said) = tenant.ops(&arguments, &[("CS_PROVIDER_KEY", &key)]);
    assert!(done, "{said}");
    let made: Value = serde_json::from_str(&said).expect("JSON");
    (channel, made["provider_id"].as_str().expect("an id").to_owned())
}

fn unavailable() -> Value {
    json!({"status": 503})
}

/// All records of the tenant, once there are `count` of this event.
fn of_event(tenant: &Tenant, event: &str, count: usize) -> Vec<Record> {
    wait::until(&format!("{count} records of {event}"), || {
        let mut all = records::all(tenant.tenant_id());
        all.retain(|record| record.field("event_type") == event);
        (all.len() >= count).then_some(all)
    })
}

#[test]
fn a_provider_that_does_nothing_is_followed_by_the_next_and_each_try_is_recorded() {
    let tenant = Tenant::new();
    let (fallback, _) = second(&tenant, "eu");
    tenant.channel.tell(&unavailable());
    let answer = tenant.say("hello");
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!((tenant.channel.received().len(), fallback.received().len()), (1, 1));
    let records = tenant.records(4);
    let says: Vec<_> = records.iter().map(|record| (record.says(), record.field("provider"))).collect();
    let of = |provider: &str| -> Vec<_> {
        says.iter().filter(|(_, name)| *name == provider).map(|(says, _)| *says).collect()
    };
    assert_eq!(
        of("provider"),
        [["attempt", "allow", "allowed"], ["outcome", "allow", "provider_unavailable"]]
    );
    assert_eq!(of("second"), [["attempt", "allow", "allowed"], ["outcome", "allow", "completed"]]);
    let actions: std::collections::BTreeSet<_> =
        records.iter().map(|record| record.field("action_id").to_string()).collect();
    assert_eq!(actions.len(), 2, "each try is an action of its own");
    let budget = tenant.budget();
    assert_eq!((budget.open_holds, budget.avail + budget.spent), (0, budget.limit));
}

#[test]
fn a_fallback_in_another_region_is_never_called() {
    let tenant = Tenant::new();
    let (elsewhere, _) = second(&tenant, "us");
    tenant.channel.tell(&unavailable());
    let answer = tenant.say("hello");
    assert_eq!((answer.status, answer.json()["error"]["code"].clone()), (503, json!("provider_unavailable")));
    assert_eq!(elsewhere.received(), [Value::Null; 0]);
    let attempt = tenant.records(2).remove(0);
    assert_eq!(attempt.metadata("skipped_residency"), 1);
}

#[test]
fn after_as_many_failures_nothing_is_sent_until_its_time_is_over() {
    let tenant = Tenant::new();
    tenant.channel.tell(&unavailable());
    for _ in 0..THRESHOLD {
        assert_eq!(tenant.say("hello").status, 503);
    }
    let refused = tenant.say("hello");
    assert_eq!((refused.status, refused.json()["error"]["code"].clone()), (503, json!("breaker_open")));
    let seconds: u32 = refused.header("retry-after").and_then(|text| text.parse().ok()).expect("seconds");
    assert!((1..=30).contains(&seconds), "{seconds}");
    assert_eq!(tenant.channel.received().len(), THRESHOLD, "nothing is sent through an open breaker");
    let opened = of_event(&tenant, "breaker.opened", 1);
    assert_eq!(opened.len(), 1, "of all that saw it open one opened it");
    assert_eq!(opened[0].metadata("failures"), THRESHOLD);
    // Another tenant at another endpoint is not concerned.
    assert_eq!(Tenant::new().say("hello").status, 200);
}

#[test]
fn an_open_breaker_sends_calls_to_the_next_provider_at_once() {
    let tenant = Tenant::new();
    let (fallback, id) = second(&tenant, "eu");
    tenant.channel.tell(&unavailable());
    for _ in 0..THRESHOLD + 3 {
        assert_eq!(tenant.say("hello").status, 200);
    }
    assert_eq!(tenant.channel.received().len(), THRESHOLD);
    assert_eq!(fallback.received().len(), THRESHOLD + 3);
    let (done, said) = tenant.ops(&["provider", "--remove", &id], &[]);
    assert!(done, "{said}");
    assert_eq!(tenant.say("hello").json()["error"]["code"], "breaker_open");
}

/// A bad credential is the tenant's own: another tenant calls the same endpoint all the while.
#[test]
fn a_refused_credential_opens_its_tenants_breaker_alone() {
    let tenant = Tenant::new();
    let url = tenant.channel.url();
    let neighbour = Tenant::with(&["--provider-url", &url]);
    tenant.channel.tell(&json!({"status": 401}));
    for _ in 0..THRESHOLD {
        assert_eq!(tenant.say("hello").json()["error"]["code"], "provider_credential");
    }
    assert_eq!(tenant.say("hello").json()["error"]["code"], "breaker_open");
    tenant.channel.tell(&json!({}));
    assert_eq!(neighbour.say("hello").status, 200);
    // A new credential has a breaker of its own.
    let (done, said) = tenant.ops(
        &["credential", "--provider", tenant.provider_id()],
        &[("CS_PROVIDER_KEY", "upstream-a-new-credential")],
    );
    assert!(done, "{said}");
    assert_eq!(tenant.say("hello").status, 200);
}

/// Neither the callers' own mistakes nor a limit of rates say that an endpoint is ill.
#[test]
fn mistakes_of_callers_and_limits_of_rates_open_nothing() {
    let tenant = Tenant::new();
    for status in [400, 404, 429] {
        tenant.channel.tell(&json!({"status": status}));
        for _ in 0..=THRESHOLD {
            assert_ne!(tenant.say("hello").json()["error"]["code"], "breaker_open", "{status}");
        }
    }
}

#[test]
fn the_list_of_providers_is_shown_without_a_credential() {
    let tenant = Tenant::new();
    let (_, id) = second(&tenant, "eu");
    let (done, said) = tenant.ops(&["provider", "--show"], &[]);
    assert!(done && !said.contains("upstream-"), "{said}");
    let list: Value = serde_json::from_str(&said).expect("JSON");
    let ids: Vec<_> = list.as_array().unwrap().iter().map(|one| one["provider_id"].clone()).collect();
    assert_eq!(ids, [json!(tenant.provider_id()), json!(id)]);
    assert_eq!(of_event(&tenant, "admin.provider", 2).len(), 2, "attempt and outcome");
}
