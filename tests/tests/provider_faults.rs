//! What a provider can do wrong: every call that was attempted ends, is recorded and leaves no hold behind.
#![cfg(test)]

use std::net::{Ipv4Addr, TcpListener};

use countersign_tests::support::records::Record;
use countersign_tests::support::tenant::Budget;
use countersign_tests::support::{Answer, Tenant, planted};
use serde_json::{Value, json};

/// What of the hold must be spent in the end.
#[derive(Debug, Clone, Copy)]
enum Spent {
    Nothing,
    Everything,
    Tokens(u64),
}

/// A provider's behaviour, and how the call must end.
struct Fault {
    name: &'static str,
    told: Value,
    status: u16,
    reason: &'static str,
    spent: Spent,
}

/// The caller's answer, the attempt and its outcome.
fn ended(tenant: &Tenant, content: &str) -> (Answer, Record, Record) {
    let answer = tenant.say(content);
    let records = tenant.records(2);
    let [attempt, outcome] = <[Record; 2]>::try_from(records).unwrap();
    assert_eq!(attempt.says(), ["attempt", "allow", "allowed"]);
    assert_eq!(attempt.field("action_id"), answer.action());
    assert_eq!(outcome.field("action_id"), answer.action());
    (answer, attempt, outcome)
}

/// The call ended with this status and reason, is recorded so, and is settled so.
fn ends_as(tenant: &Tenant, fault: &Fault) {
    let name = fault.name;
    let (answer, attempt, outcome) = ended(tenant, &planted::prompt());
    assert_eq!(answer.status, fault.status, "{name}: {answer:?}");
    assert_eq!(outcome.says(), ["outcome", "allow", fault.reason], "{name}");
    if fault.status != 200 {
        assert_eq!(answer.json()["error"]["code"], fault.reason, "{name}");
        assert_eq!(planted::leaked(&answer.all_text()), [""; 0], "{name}");
        assert!(!answer.all_text().contains(&tenant.provider_key), "{name}");
    }
    let held = attempt.metadata("held_tokens").as_u64().unwrap();
    let spent = match fault.spent {
        Spent::Nothing => 0,
        Spent::Everything => held,
        Spent::Tokens(tokens) => tokens,
    };
    assert_eq!(outcome.metadata("settled_tokens"), spent, "{name}");
    let Budget { limit, avail, spent: settled, open_holds, .. } = tenant.budget();
    assert_eq!((settled, open_holds), (spent, 0), "{name}");
    assert_eq!(avail + settled, limit, "{name}");
    for record in [attempt, outcome] {
        assert_eq!(planted::leaked(&record.text), [""; 0], "{name}");
    }
}

/// Each fault has a tenant and a channel of its own, so that all of them run side by side.
fn each_ends_as_it_must(faults: Vec<Fault>) {
    std::thread::scope(|scope| {
        for fault in &faults {
            scope.spawn(|| {
                let tenant = Tenant::new();
                tenant.channel.tell(&fault.told);
                ends_as(&tenant, fault);
                assert_eq!(tenant.channel.received().len(), 1, "{}: tried once, never again", fault.name);
                assert_eq!(tenant.budget().admitted, 1, "{}", fault.name);
            });
        }
    });
}

#[test]
fn an_error_of_the_provider_is_told_in_our_words_and_recorded() {
    use Spent::{Everything, Nothing};
    let said = json!({"error": {"message": planted::prompt(), "type": "x", "param": null, "code": null}})
        .to_string();
    let faults = [
        ("500", json!({"status": 500}), 502, "provider_error", Everything),
        ("503", json!({"status": 503}), 503, "provider_unavailable", Nothing),
        ("429", json!({"status": 429, "headers": {"retry-after": "7"}}), 429, "provider_throttled", Nothing),
        ("401", json!({"status": 401, "body": said}), 502, "provider_credential", Nothing),
        (
            "400 that quotes the prompt",
            json!({"status": 400, "body": said}),
            400,
            "provider_rejected",
            Nothing,
        ),
        (
            "404 without JSON",
            json!({"status": 404, "body": planted::prompt()}),
            400,
            "provider_rejected",
            Nothing,
        ),
    ];
    each_ends_as_it_must(faults.into_iter().map(fault).collect());
}

#[test]
fn an_answer_that_does_not_come_or_comes_broken_is_recorded_and_costs_the_hold() {
    use Spent::Everything;
    let large = json!({"choices": [], "x": "y".repeat(6 * 1024 * 1024)}).to_string();
    let inside = json!({"error": {"message": planted::prompt()}}).to_string();
    let faults = [
        ("no answer in time", json!({"delay_ms": 12_000}), 504, "provider_timeout", Everything),
        ("a dropped connection", json!({"drop": true}), 502, "provider_broken", Everything),
        ("a truncated body", json!({"truncate": true}), 502, "provider_broken", Everything),
        ("malformed JSON", json!({"body": planted::prompt()}), 502, "provider_malformed", Everything),
        ("an error inside a 200", json!({"body": inside}), 502, "provider_error", Everything),
        ("an empty body", json!({"body": ""}), 502, "provider_malformed", Everything),
        ("an oversize answer", json!({"body": large}), 502, "provider_too_large", Everything),
    ];
    each_ends_as_it_must(faults.into_iter().map(fault).collect());
}

#[test]
fn a_usage_that_lies_or_is_missing_never_costs_more_than_the_hold() {
    use Spent::{Everything, Tokens};
    let huge = json!({"usage": {"prompt_tokens": u64::MAX, "completion_tokens": u64::MAX}});
    let odd = json!({"choices": [], "usage": {"prompt_tokens": -5, "completion_tokens": "many"}}).to_string();
    let faults = [
        (
            "an honest one",
            json!({"usage": {"prompt_tokens": 11, "completion_tokens": 6}}),
            200,
            "completed",
            Tokens(17),
        ),
        ("a huge one", huge, 200, "completed", Everything),
        ("none", json!({"usage": null}), 200, "completed", Everything),
        ("one that is no number", json!({"body": odd}), 200, "completed", Everything),
    ];
    each_ends_as_it_must(faults.into_iter().map(fault).collect());
}

fn fault((name, told, status, reason, spent): (&'static str, Value, u16, &'static str, Spent)) -> Fault {
    Fault { name, told, status, reason, spent }
}

#[test]
fn the_providers_retry_after_reaches_the_caller() {
    let tenant = Tenant::new();
    tenant.channel.tell(&json!({"status": 429, "headers": {"retry-after": "7"}}));
    let answer = tenant.say("hello");
    assert_eq!((answer.status, answer.header("retry-after")), (429, Some("7")));
}

#[test]
fn a_redirect_is_not_followed() {
    let (tenant, other) = (Tenant::new(), Tenant::new());
    let location = format!("{}/chat/completions", other.channel.url());
    tenant.channel.tell(&json!({"status": 307, "body": "", "headers": {"location": location}}));
    let told = ("a redirect", json!({}), 502, "provider_malformed", Spent::Nothing);
    ends_as(&tenant, &fault(told));
    assert!(other.channel.received().is_empty(), "the credential belongs to one host");
}

#[test]
fn a_provider_that_refuses_connections_costs_nothing() {
    // A port that was free a moment ago, and that nobody listens on.
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    let tenant = Tenant::with(&["--provider-url", &format!("http://127.0.0.1:{port}/v1")]);
    let told = ("connection refused", json!({}), 502, "provider_unreachable", Spent::Nothing);
    ends_as(&tenant, &fault(told));
    assert_eq!(tenant.budget().admitted, 0, "no provider was reached");
}

#[test]
fn a_caller_that_goes_away_leaves_no_open_hold() {
    let tenant = Tenant::new();
    tenant.channel.tell(&json!({"delay_ms": 1_000}));
    tenant.chat("hello").abandon();
    let records = tenant.records(2);
    assert_eq!(records[1].says(), ["outcome", "allow", "completed"]);
    assert_eq!(tenant.budget().open_holds, 0);
}
