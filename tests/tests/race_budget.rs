//! The budget is exact: as many calls as it covers are admitted, whoever races whom. One test alone in its binary: it
//! wants many instances at once, and leaves so many rows behind that the emulator's SQL engine runs out of memory:
//! suites that ask SQL have names before this one.
#![cfg(test)]

use countersign_tests::support::http::send_all;
use countersign_tests::support::tenant::Budget;
use countersign_tests::support::{Request, Tenant};
use serde_json::json;

const CALLS: usize = 200;
const COVERED: usize = 50;
/// In flight at once. Two hundred instances starve two cores until calls fail for want of time, which proves nothing.
const AT_ONCE: usize = 40;
const PROMPT: &str = "the same words in every call";

/// What one such call holds at most.
fn worst_case() -> u64 {
    let probe = Tenant::new();
    assert_eq!(probe.say(PROMPT).status, 200);
    probe.records(2)[0].metadata("held_tokens").as_u64().unwrap()
}

/// Instances with their connections: on one machine, starting them all costs more than the race.
fn warm_up() {
    let tenant = Tenant::with(&["--budget-tokens", "10000000"]);
    tenant.channel.tell(&json!({"delay_ms": 500}));
    let answers = send_all((0..AT_ONCE).map(|_| tenant.chat(PROMPT).trying(TRIES)).collect());
    let answered = answers.iter().filter(|answer| answer.status == 200).count();
    println!("{answered} of {AT_ONCE} calls answered while warming up");
}

/// An overloaded emulator makes the gateway refuse with "try again", which the SDKs obey.
const TRIES: u32 = 20;

#[test]
fn of_200_racing_calls_against_a_budget_for_50_exactly_50_are_admitted() {
    let worst = worst_case();
    warm_up();
    let limit = worst * COVERED as u64;
    // What is limited is the budget alone.
    let rate = ["--requests-per-minute", "100000"];
    let tenant = Tenant::with(&[&["--budget-tokens", &limit.to_string()], rate.as_slice()].concat());
    // Every call costs all that was held for it, so nothing comes back that could admit one more.
    tenant.channel.tell(
        &json!({"usage": {"prompt_tokens": 1_000_000, "completion_tokens": 1_000_000}, "delay_ms": 200}),
    );
    let calls: Vec<Request> = (0..CALLS).map(|_| tenant.chat(PROMPT).trying(TRIES)).collect();
    let answers: Vec<_> = calls.chunks(AT_ONCE).flat_map(|some| send_all(some.to_vec())).collect();

    let count = |status: u16| answers.iter().filter(|answer| answer.status == status).count();
    let throttled: u32 = answers.iter().map(|answer| answer.throttled).sum();
    println!(
        "{} admitted, {} over budget, {throttled} sent back by the emulator's throttle",
        count(200),
        count(429)
    );
    // What counts is what the provider got and what the budget says. On a starved machine an admitted call may outlast
    // its provider's time limit (504), or its answer may be lost and asked for again: it was admitted all the same.
    assert_eq!(tenant.channel.received().len(), COVERED, "calls that reached the provider");
    let Budget { avail, spent, open_holds, admitted, .. } = tenant.budget();
    assert_eq!((avail, spent, open_holds, admitted), (0, limit, 0, COVERED as u64));
    let others: Vec<_> = answers.iter().filter(|answer| ![200, 429, 504].contains(&answer.status)).collect();
    assert!(others.is_empty(), "the rest is refused as over budget, not as errors: {:?}", others.first());
    assert!(count(200) + count(504) <= COVERED);
    for answer in answers.iter().filter(|answer| answer.status == 429) {
        assert_eq!(answer.json()["error"]["code"], "budget_exceeded", "{answer:?}");
        assert_eq!(answer.header("x-should-retry"), Some("false"));
    }
}
