//! Budgets by level, window and unit, as callers and operators meet them.
#![cfg(test)]

use countersign_tests::support::records::{self, Record};
use countersign_tests::support::{Answer, Tenant, aws, wait};
use serde_json::{Value, json};

fn limit(tenant: &Tenant, set: &str) {
    let (done, said) = tenant.ops(&["limit", "--set", set], &[]);
    assert!(done, "{said}");
}

fn error(answer: &Answer) -> (u16, String, String) {
    let body = answer.json();
    let text = |name: &str| body["error"][name].as_str().unwrap_or_default().to_owned();
    (answer.status, text("code"), text("message"))
}

fn over(answer: &Answer, whose: &str) {
    let (status, code, message) = error(answer);
    assert_eq!((status, code.as_str()), (429, "budget_exceeded"), "{message}");
    assert!(message.contains(whose), "{message}");
    assert_eq!(answer.header("x-should-retry"), Some("false"));
}

/// What one call reports.
fn usage(tenant: &Tenant, input: u64, output: u64) {
    tenant.channel.tell(&json!({"usage": {"prompt_tokens": input, "completion_tokens": output}}));
}

#[test]
fn each_level_stops_its_own_calls_and_says_so() {
    for (level, whose) in [
        ("tenant", "limit of the tenant per day"),
        ("org", "the tenant's share of its organization's budget per day"),
        ("team/sales", "limit of the team sales per day"),
        ("agent/{agent}", "limit of the agent agt_"),
        ("key/{key}", "limit of the gateway key "),
    ] {
        let tenant = Tenant::new();
        let (done, said) = tenant.ops(&["limit", "--join", &format!("{}=sales", tenant.agent_id())], &[]);
        assert!(done, "{said}");
        let level = level.replace("{agent}", tenant.agent_id()).replace("{key}", tenant.key_id());
        limit(&tenant, &format!("{level}:tokens:day=100"));
        let answer = tenant.say("hello");
        over(&answer, whose);
        let (_, _, message) = error(&answer);
        assert!(message.contains("100 tokens are available, the call may need "), "{message}");
        assert!(message.contains(", until 20"), "{message}");
        let seconds: u64 = answer.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=86_400).contains(&seconds), "{seconds}");
        assert_eq!(tenant.records(1)[0].says(), ["single", "deny", "budget_exceeded"]);
        assert!(tenant.channel.received().is_empty(), "{level}");
    }
}

#[test]
fn another_teams_limit_is_not_in_the_way_and_a_total_has_no_end() {
    let tenant = Tenant::new();
    limit(&tenant, "team/sales:tokens:day=0");
    assert_eq!(tenant.say("hello").status, 200);
    let tenant = Tenant::with(&["--budget-tokens", "100"]);
    let answer = tenant.say("hello");
    over(&answer, "limit of the tenant in all");
    assert_eq!(answer.header("retry-after"), None);
}

#[test]
fn a_limit_in_money_counts_what_the_model_costs() {
    let tenant = Tenant::new();
    limit(&tenant, "tenant:usd:month=1.00");
    usage(&tenant, 1_000, 100);
    assert_eq!(tenant.say("hello").status, 200);
    let records = tenant.records(2);
    // 1,000 tokens of gpt-4o-mini's input at 0.15 and 100 of its output at 0.60 dollars a million.
    assert_eq!(records[1].at("cost_usd_micros"), 210);
    let (done, said) = tenant.ops(&["limit", "--show"], &[]);
    assert!(done && said.contains("$0.000210"), "{said}");
    limit(&tenant, "tenant:usd:month=0.000211");
    over(&tenant.say("hello"), "0.000001 US dollars are available");
}

#[test]
fn a_model_without_a_price_is_refused_where_money_is_limited() {
    let tenant = Tenant::with(&["--models", "gpt-4o-mini,nobody-knows"]);
    let call = || {
        tenant.post(
            &json!({"model": "nobody-knows", "messages": [{"role": "user", "content": "hi"}]}).to_string(),
        )
    };
    assert_eq!(call().send().status, 200);
    let costs: Vec<Value> =
        tenant.records(2).iter().map(|record| record.at("cost_usd_micros").clone()).collect();
    assert!(costs.iter().all(Value::is_null), "{costs:?}");
    limit(&tenant, "org:usd:month=1000");
    let (status, code, _) = error(&call().send());
    assert_eq!((status, code.as_str()), (403, "price_unknown"));
    assert_eq!(tenant.say("hello").status, 200);
}

#[test]
fn alerts_are_recorded_once_each() {
    // A call holds some 5,000 tokens at most, and settles no more.
    let tenant = Tenant::with(&["--budget-tokens", "40000"]);
    let mut alerts = Vec::new();
    let steps = [4_500, 9_000, 13_500, 18_000, 22_500, 27_000, 31_500].map(|total| (total, None));
    for (total, wanted) in steps.into_iter().chain([(32_100, Some(80)), (32_600, None)]) {
        let used = 40_000 - tenant.budget().avail;
        usage(&tenant, total - used - 8, 8);
        assert_eq!(tenant.say("hello").status, 200);
        alerts.extend(wanted);
    }
    let is_alert = |record: &&Record| record.field("event_type") == "budget.alert";
    let records = tenant.records(9 * 2 + alerts.len());
    let told: Vec<u64> = records
        .iter()
        .filter(is_alert)
        .filter_map(|record| record.metadata("threshold_percent").as_u64())
        .collect();
    assert_eq!(told, alerts);
}

#[test]
fn limits_are_shown_changed_and_recorded() {
    let tenant = Tenant::new();
    usage(&tenant, 10, 10);
    assert_eq!(tenant.say("hello").status, 200);
    let (done, said) = tenant.ops(
        &[
            "limit",
            "--set",
            "tenant:tokens:day=1000,team/sales:usd:month=50.00",
            "--time-zone",
            "Asia/Jerusalem",
        ],
        &[],
    );
    assert!(done, "{said}");
    // The tenant's day was measured before it had a limit, though of another zone's day perhaps.
    assert!(
        said.contains("version 2") && said.contains("Asia/Jerusalem") && said.contains("$50.000000"),
        "{said}"
    );
    for (arguments, why) in [
        (vec!["limit", "--remove", "agent/x:tokens:day"], "no limit on agent/x"),
        (vec!["limit", "--set", "tenant:tokens:week=1"], "not a place"),
        (vec!["limit", "--remove", "tenant:tokens:total,tenant:tokens:day"], "at least one limit"),
        (vec!["limit", "--shards", "4"], "only while nothing was used"),
        (vec!["limit"], "say what to change"),
    ] {
        let (done, said) = tenant.ops(&arguments, &[]);
        assert!(!done && said.contains(why), "{arguments:?}: {said}");
    }
    let month = aws_month(&tenant);
    let (done, said) = tenant.ops(&["usage", "--org", tenant.org_id(), "--month", &month, "--json"], &[]);
    let told: Value = serde_json::from_str(&said).unwrap();
    assert!(done && told[0]["total"]["tokens"] == 20, "{said}");
}

/// The month that the tenant's only day meter names.
fn aws_month(tenant: &Tenant) -> String {
    let shard = tenant.row("gates", "BUDGET");
    let used = shard["used"]["M"].as_object().unwrap();
    used.keys().find_map(|name| Some(name.strip_prefix("t:tok:")?.get(..7)?.to_owned())).unwrap()
}

#[test]
fn shards_share_a_limit_exactly() {
    let tenant = Tenant::new();
    let (done, said) = tenant.ops(&["limit", "--shards", "4", "--set", "tenant:tokens:total=30000"], &[]);
    assert!(done, "{said}");
    let mut answered = 0;
    loop {
        usage(&tenant, 1_000_000, 8);
        let answer = tenant.say("hello");
        if answer.status == 429 {
            break over(&answer, "limit of the tenant in all");
        }
        assert_eq!(answer.status, 200, "{answer:?}");
        answered += 1;
    }
    // More than a quarter of the limit was used by the one agent: its shard took from the others.
    assert!(answered >= 4, "{answered}");
}

/// A hold of an action of 2026-01-01 that nobody ever settled.
#[test]
fn a_hold_whose_call_died_is_swept_and_counts_in_full() {
    let tenant = Tenant::new();
    // 1,000 tokens, no money, on the tenant's tokens in all, on 2026-01-01.
    let hold = [0xe8, 0x07, 0x00, 0x04, 0xe6, 0x9f, 0x01];
    let payer = format!("{}/{}/", tenant.agent_id(), tenant.key_id());
    let hold = json!({"B": {"$base64": base64(&hold)}});
    tenant.set("gates", "BUDGET", "used", &json!({"M": {"t:tok:all": {"N": "1000"}}}));
    tenant.set("gates", "BUDGET", "holds", &json!({"M": {payer: {"M": {ACTION: hold}}}}));
    // The clock's own sweep may be first.
    aws::invoke("root", "lifecycle", &json!({"sweep_holds": {}})).unwrap();
    assert_eq!((tenant.budget().open_holds, tenant.budget().spent), (0, 1_000));
    let told = wait::until("the orphan's record", || {
        let records = records::all(tenant.tenant_id());
        records.into_iter().find(|record| record.field("event_type") == "budget.orphaned")
    });
    assert_eq!((told.field("actor_id"), told.metadata("tokens")), ("system", json!(1_000)));
    assert_eq!(told.field("action_id"), "019b76da-a800-7000-8000-000000000001");
    assert_eq!(tenant.say("hello").status, 200);
}

/// 019b76da-a800-7000-8000-000000000001 as holds are named.
const ACTION: &str = "ABm3baqABwAIAAAAAAAAAB";

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
