//! Kill switches below the platform: the very next call is refused, calls that run are cut, and what was recovered works.
#![cfg(test)]

use std::sync::OnceLock;

use countersign_tests::support::records::{self, Record};
use countersign_tests::support::tenant::Budget;
use countersign_tests::support::{Answer, Function, Tenant, wait};
use serde_json::{Value, json};

fn ops(tenant: &Tenant, arguments: &[&str]) -> String {
    let (done, said) = tenant.ops(arguments, &[]);
    assert!(done, "{arguments:?}: {said}");
    said
}

fn code(answer: &Answer) -> (u16, String) {
    (answer.status, answer.json()["error"]["code"].as_str().unwrap_or_default().to_owned())
}

fn killed(by: &str) -> (u16, String) {
    (503, by.to_owned())
}

/// What operators did to switches, oldest first, once there is so much of it: event, phase, why.
fn turned(tenant: &Tenant, count: usize) -> Vec<[String; 3]> {
    let all = wait::until(&format!("{count} records of switches"), || {
        let mut all = records::all(tenant.tenant_id());
        all.retain(|record| record.field("event_type").starts_with("kill."));
        records::oldest_first(&mut all);
        (all.len() >= count).then_some(all)
    });
    let told = |record: &Record| {
        let why = record.metadata("why").as_str().unwrap_or_default().to_owned();
        [record.field("event_type").to_owned(), record.field("phase").to_owned(), why]
    };
    all.iter().map(told).collect()
}

#[test]
fn a_tenant_that_is_stopped_is_refused_at_once_and_serves_again_once_recovered() {
    let tenant = Tenant::new();
    assert_eq!(tenant.say("before").status, 200);
    let shown = ops(&tenant, &["kill", "--reason", "incident_1"]);
    assert!(shown.contains("all") && shown.contains("incident_1"), "{shown}");
    let answer = tenant.say("during");
    assert_eq!(code(&answer), killed("killed_tenant"));
    assert_eq!(answer.header("x-should-retry"), Some("false"));
    // A switch that is on again meanwhile is not turned off by whoever saw the one before.
    ops(&tenant, &["kill", "--reason", "incident_2"]);
    let (done, said) = tenant.ops(&["kill", "--recover", "--seen", "2", "--reason", "over"], &[]);
    assert!(!done && said.contains("version 3"), "{said}");
    assert_eq!(code(&tenant.say("still")), killed("killed_tenant"));
    ops(&tenant, &["kill", "--recover", "--reason", "over"]);
    assert_eq!(tenant.say("after").status, 200);
    let (done, said) = tenant.ops(&["kill", "--recover", "--reason", "over"], &[]);
    assert!(!done && said.contains("nothing is stopped"), "{said}");

    assert_eq!(tenant.channel.received().len(), 2, "nothing was sent meanwhile");
    let says: Vec<_> = tenant.records(6).iter().map(|record| record.field("reason").to_owned()).collect();
    assert_eq!(says[2..4], ["killed_tenant", "killed_tenant"]);
    let expected = [
        ["kill.activated", "attempt", "incident_1"],
        ["kill.activated", "outcome", "incident_1"],
        ["kill.activated", "attempt", "incident_2"],
        ["kill.activated", "outcome", "incident_2"],
        ["kill.recovered", "attempt", "over"],
        ["kill.recovered", "outcome", "over"],
    ];
    assert_eq!(turned(&tenant, expected.len()), expected.map(|row| row.map(str::to_owned)));
}

#[test]
fn an_agent_and_an_organization_have_switches_of_their_own_and_scopes_say_what_stops() {
    let (tenant, other) = (Tenant::new(), Tenant::new());
    let agent = tenant.agent_id().to_owned();
    ops(&tenant, &["kill", "--agent", &agent, "--scope", "llm", "--reason", "incident"]);
    assert_eq!(code(&tenant.say("hello")), killed("killed_agent"));
    // No call of a model: only a switch that stops everything stops it.
    let text = json!({"text": "Write to dana@example.com"});
    assert_eq!(tenant.dlp("/v1/detect", &text).send().status, 200);
    ops(&tenant, &["kill", "--agent", &agent, "--scope", "all", "--reason", "incident"]);
    let answer = tenant.dlp("/v1/detect", &text).send();
    assert_eq!((answer.status, answer.json()["code"].as_str()), (503, Some("killed_agent")));
    ops(&tenant, &["kill", "--agent", &agent, "--recover", "--reason", "over"]);
    assert_eq!(tenant.say("hello").status, 200);

    let org = tenant.org_id().to_owned();
    let stopped = org_switch(&["--org", &org, "--reason", "incident"]);
    assert!(stopped.contains(&org), "{stopped}");
    assert_eq!(code(&tenant.say("hello")), killed("killed_org"));
    assert_eq!(other.say("hello").status, 200, "another organization's");
    org_switch(&["--org", &org, "--recover", "--reason", "over"]);
    assert_eq!(tenant.say("hello").status, 200);
}

fn org_switch(arguments: &[&str]) -> String {
    let mut command = countersign_tests::support::tenant::operator_command();
    let done = command.args(["ops", "kill"]).args(arguments).output().expect("it runs");
    let said = String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned();
    assert!(done.status.success(), "{said}");
    said
}

/// The provider would answer long after the switch: only a call that is cut ends as killed.
#[test]
fn a_call_that_waits_for_its_provider_is_cut() {
    let tenant = Tenant::new();
    tenant.channel.tell(&json!({"delay_ms": 40_000}));
    let body = json!({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hello"}]});
    let answer = std::thread::scope(|scope| {
        let call = scope.spawn(|| tenant.ask(gateway().url("/v1/chat/completions"), &body).send());
        // It runs, which nothing does before its attempt is recorded.
        wait::until("the call at its provider", || (tenant.channel.received().len() == 1).then_some(()));
        ops(&tenant, &["kill", "--scope", "llm", "--reason", "incident"]);
        call.join().unwrap()
    });
    assert_eq!(code(&answer), killed("killed_tenant"));
    let records = tenant.records(2);
    assert_eq!(records[1].says(), ["outcome", "deny", "killed_tenant"]);
    // The provider may have worked for it.
    let Budget { limit, avail, spent, open_holds, .. } = tenant.budget();
    assert_eq!((avail + spent, open_holds), (limit, 0));
    assert_eq!(records[0].metadata("held_tokens"), spent);
}

/// The command turns the switch on and off again, and records its figures.
#[test]
fn a_drill_measures_and_leaves_the_switch_off() {
    let tenant = Tenant::new();
    tenant.channel.tell(&json!({"delay_ms": 7_000}));
    let url = countersign_tests::support::stack().gateway("/v1");
    let confirm = tenant.tenant_id().to_owned();
    let (done, said) = tenant.ops(
        &["drill", "--confirm", &confirm, "--gateway", &url, "--json"],
        &[("CS_GATEWAY_KEY", tenant.key())],
    );
    assert!(done, "{said}");
    let figures: Value = serde_json::from_str(&said).unwrap();
    assert_eq!((&figures["let_in"], &figures["refused"]), (&json!(0), &json!(3)));
    assert!(figures["cut_ms"].is_u64(), "{figures}");
    assert_eq!(tenant.say("after").status, 200);
    let recorded = wait::until("the drill's outcome", || {
        let is_outcome =
            |one: &Record| one.field("event_type") == "drill.kill" && one.field("phase") == "outcome";
        records::all(tenant.tenant_id()).into_iter().find(is_outcome)
    });
    assert_eq!(recorded.metadata("cut_ms"), figures["cut_ms"]);
    let (done, said) = tenant.ops(&["drill", "--confirm", &confirm, "--gateway", &url], &[]);
    assert!(!done && said.contains("CS_GATEWAY_KEY"), "{said}");
}

fn gateway() -> &'static Function {
    static GATEWAY: OnceLock<Function> = OnceLock::new();
    GATEWAY.get_or_init(|| Function::gateway("gateway", 2, &[("CS_PROVIDER_TIMEOUT_MS", "50000")]))
}

/// A stream whose provider never ends it ends with an error event of its dialect.
#[test]
fn a_stream_is_cut_in_its_dialects_words() {
    let tenant = Tenant::new();
    tenant.channel.tell(&json!({"stepped": true, "chunk_chars": 200, "content": "first words"}));
    let body: Value = json!({"model": "gpt-4o-mini", "stream": true,
        "messages": [{"role": "user", "content": "hello"}]});
    let mut live = tenant.ask(gateway().url("/v1/chat/completions"), &body).open();
    tenant.channel.step(2);
    live.until(|body| body.contains("first words"));
    ops(&tenant, &["kill", "--scope", "llm", "--reason", "incident"]);
    let answer = live.rest();
    let last = answer.events().last().cloned().unwrap();
    assert_eq!(last["error"]["code"], "killed_tenant", "{}", answer.body);
    assert!(!answer.body.contains("[DONE]"));
    let records = tenant.records(2);
    assert_eq!(records[1].says(), ["outcome", "deny", "killed_tenant"]);
    tenant.channel.closed();
}

/// What cannot be seen to be off is not taken for off.
#[test]
fn a_switch_that_is_gone_refuses() {
    let tenant = Tenant::new();
    tenant.delete("kill", "KILL");
    assert_eq!(code(&tenant.say("hello")), (503, "facts_unavailable".to_owned()));
    assert_eq!(tenant.records(1)[0].says(), ["single", "deny", "facts_unavailable"]);
    let shown = ops(&tenant, &["kill", "--show"]);
    assert!(shown.contains("everything: there is no such row"), "{shown}");
    // Stopping makes the row, and recovering then turns it off.
    ops(&tenant, &["kill", "--scope", "actions", "--reason", "repair"]);
    assert_eq!(tenant.say("hello").status, 200);
}
