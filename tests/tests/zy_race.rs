//! One thousand calls at once against a budget for exactly one hundred, through many processes of the real binary, each with
//! its function role's credentials. The emulator starts fewer instances than that, hence the Runtime API host. Its name comes late:
//! suites that ask the emulator for SQL run before its thousand records lie there.
#![cfg(test)]

use std::collections::BTreeMap;

use countersign_tests::support::http::send_all;
use countersign_tests::support::tenant::{Budget, chat_body};
use countersign_tests::support::{Function, Tenant, bench};
use serde_json::json;

const CALLS: usize = 1_000;
const COVERED: usize = 100;
const PROCESSES: usize = 24;
const PROMPT: &str = "the same words in every call";
/// An overloaded emulator makes the gateway refuse with "try again", which clients obey.
const TRIES: u32 = 20;
/// More than any key has by its kind: what is raced for here is the budget.
const RATE: &str = "100000";

#[test]
fn of_1000_calls_at_once_against_a_budget_for_100_exactly_100_are_admitted() {
    let probe = Tenant::new();
    assert_eq!(probe.say(PROMPT).status, 200);
    let worst = probe.records(2)[0].metadata("held_tokens").as_u64().unwrap();
    let limit = worst * COVERED as u64;
    let tenant = Tenant::with(&["--budget-tokens", &limit.to_string(), "--requests-per-minute", RATE]);
    // Every call costs all that was held for it, so nothing comes back that could admit one more.
    tenant.channel.tell(&json!({"usage": {"prompt_tokens": 1_000_000, "completion_tokens": 1_000_000}}));

    let gateway = Function::gateway("gateway", PROCESSES, &[]);
    let url = gateway.url("/v1/chat/completions");
    let call = || tenant.ask(url.clone(), &chat_body(PROMPT)).trying(TRIES);
    let answers = send_all((0..CALLS).map(|_| call()).collect());

    let mut ends: BTreeMap<(u16, String), usize> = BTreeMap::new();
    for answer in &answers {
        let code = answer.json()["error"]["code"].as_str().unwrap_or("served").to_owned();
        *ends.entry((answer.status, code)).or_default() += 1;
    }
    println!("{ends:?}");
    let served = ends.remove(&(200, "served".to_owned())).unwrap_or_default();
    let over = ends.remove(&(429, "budget_exceeded".to_owned())).unwrap_or_default();
    assert!(ends.is_empty(), "the rest is refused as over budget, not as errors: {ends:?}");
    assert_eq!((served, over), (COVERED, CALLS - COVERED));
    assert_eq!(tenant.channel.received().len(), COVERED, "calls that reached the provider");
    let Budget { avail, spent, open_holds, admitted, .. } = tenant.budget();
    assert_eq!((avail, spent, open_holds, admitted), (0, limit, 0, COVERED as u64));
    let workers = gateway.workers();
    let busy = workers.as_array().unwrap().iter().filter(|one| one["invocations"].as_u64() > Some(0)).count();
    assert!(busy > 1, "{workers}");
    bench::keep("gateway", &[("budget_admitted", served as u64), ("budget_calls", CALLS as u64)]);
}
