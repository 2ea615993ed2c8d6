//! Health over the stack: the canary's whole way, a failing endpoint, a writer that stands still, and a health function that does.
//! The canary is one for the stack, so that these go one after the other.
#![cfg(test)]

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use countersign_tests::support::records::{self, Record};
use countersign_tests::support::stack::unique;
use countersign_tests::support::standin::Channel;
use countersign_tests::support::tenant::operator_command;
use countersign_tests::support::{Request, Tenant, aws, planted, stack, wait};
use domain::{ProviderKind, Region, ShortDigest, TenantId};
use serde_json::{Value, json};

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    planted::note("local-canary-key");
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A run of health, asked for directly: what it found to be down, by check.
fn run() -> Vec<(String, String)> {
    let answer = aws::invoke("deployer", "health", &json!({"probe": {}})).expect("the deployer may");
    let told: Value = serde_json::from_str(answer["body"].as_str().expect("a body")).expect("JSON");
    assert_eq!(answer["statusCode"], 200, "{told}");
    let word = |one: &Value, name: &str| one[name].as_str().unwrap_or_default().to_owned();
    let down = told["down"].as_array().expect("a list").iter();
    down.map(|one| (word(one, "check"), word(one, "reason"))).collect()
}

fn status() -> Value {
    let answer = Request::new("GET", format!("{}/v1/status", stack().text("/status_url"))).send();
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

/// How a line of the public status stands.
fn standing(name: &str) -> String {
    let told = status();
    let checks = told["checks"].as_array().expect("checks");
    let line = checks.iter().find(|check| check["name"] == name);
    line.map_or_else(|| "absent".to_owned(), |line| line["status"].as_str().expect("a word").to_owned())
}

fn page() -> String {
    let answer = Request::new("GET", format!("{}/", stack().text("/status_url"))).send();
    assert_eq!(answer.status, 200, "{answer:?}");
    let policy = answer.header("content-security-policy").expect("a policy").to_owned();
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    let text = answer.all_text();
    assert!(!text.contains("<script"));
    text
}

/// Whether what CloudWatch would make of the function's log since `began` raises this alarm: a figure of its namespace, its name and
/// its very dimensions, beyond its threshold. Doing so is CloudWatch's part, and not the emulator's.
fn would_raise(alarm: &str, began: u64) -> bool {
    let name = format!("cs-local-eu-{alarm}");
    let told = aws::must("root", "cloudwatch", "describe_alarms", &json!({"AlarmNames": [name]}));
    let alarm = &told["MetricAlarms"][0];
    assert_eq!(alarm["ComparisonOperator"], "GreaterThanThreshold", "{name}: {alarm}");
    logged("health", began).iter().any(|line| breaches(line, alarm))
}

/// The lines of JSON in a function's log since `began`, in milliseconds of Unix time.
fn logged(function: &str, began: u64) -> Vec<Value> {
    let group = format!("/aws/lambda/{}", stack().text(&format!("/functions/{function}")));
    let params = json!({"logGroupName": group, "startTime": began});
    let events =
        aws::pages("root", "logs", "filter_log_events", params, ("events", "nextToken", "nextToken"));
    let lines = events.iter().filter_map(|event| event["message"].as_str());
    lines.filter_map(|line| serde_json::from_str(line.trim()).ok()).collect()
}

fn breaches(line: &Value, alarm: &Value) -> bool {
    let about = &line["_aws"]["CloudWatchMetrics"][0];
    let metric = alarm["MetricName"].as_str().expect("a metric");
    let named = about["Metrics"].as_array().is_some_and(|all| all.iter().any(|one| one["Name"] == metric));
    let dimensions = alarm["Dimensions"].as_array().expect("dimensions");
    let same = dimensions.iter().all(|one| line[one["Name"].as_str().expect("a name")] == one["Value"])
        && about["Dimensions"][0].as_array().map(Vec::len) == Some(dimensions.len());
    let beyond = line[metric].as_f64() > alarm["Threshold"].as_f64();
    about["Namespace"] == alarm["Namespace"] && named && same && beyond
}

#[test]
fn the_canarys_call_goes_all_the_way_and_everybody_sees_it() {
    let _alone = alone();
    let canary = TenantId::canary();
    let before = records::all(canary.as_str()).len();
    let down = run();
    // Other tests set messages aside, and nobody has held a drill here.
    let expected = |(check, _): &&(String, String)| !["dead-letters", "drills"].contains(&check.as_str());
    assert_eq!(down.iter().find(expected), None, "{down:?}");
    let after = wait::until("the call in the log", || {
        Some(records::all(canary.as_str())).filter(|after| after.len() >= before + 2)
    });
    let last = after.iter().rev().find(|record| record.says() == ["attempt", "allow", "allowed"]);
    assert!(last.is_some_and(|record| record.at("dlp")["email"] == 1));
    for name in [
        "Calls of agents",
        "Redaction",
        "Audit records",
        "Signed log",
        "Lock of the audit log",
        "Provider stand-in",
    ] {
        assert_eq!(standing(name), "up", "{name}");
    }
    let text = page();
    assert!(text.contains("Everything that is checked works.") && text.contains("<ol>"), "{}", status());
    // Nobody but the operator's own command and the function's own role writes what the page says.
    let params = json!({"TableName": stack().at("/tables/status"), "Key": {"pk": {"S": "STATUS"}, "sk": {"S": "DOCUMENT"}}});
    for role in ["gateway", "admin", "dlp", "lifecycle", "auditor"] {
        assert!(aws::call(role, "dynamodb", "delete_item", &params).is_err(), "{role}");
    }
    // There is one canary.
    let mut again = operator_command();
    again.args(["ops", "seed", "--canary", "--provider-url", &Channel::new("again".to_owned()).url()]);
    again.args(["--provider-region", "eu", "--models", "gpt-4o-mini"]);
    assert!(!again.env("CS_PROVIDER_KEY", "local-canary-key").output().expect("it runs").status.success());
}

/// An operator's command for the canary: what it said.
fn canary_ops(arguments: &[&str]) -> String {
    let mut command = operator_command();
    command.args(["ops", "provider", "--tenant", TenantId::canary().as_str()]).args(arguments);
    let done = command.env("CS_PROVIDER_KEY", "local-canary-key").output().expect("it runs");
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(done.status.success(), "{said} {}", String::from_utf8_lossy(&done.stderr));
    said
}

/// An endpoint that the platform probes, and a tenant that calls it first and another one next.
struct Probed {
    endpoint: Channel,
    digest: String,
    id: String,
    tenant: Tenant,
    fallback: Channel,
}

impl Probed {
    fn new() -> Self {
        let endpoint = Channel::new(format!("c-{}", unique::<8>()));
        let name = format!("probed-{}", unique::<4>());
        let of_it = ["--provider-url", &endpoint.url(), "--provider-region", "eu", "--provider-name", &name];
        let said = canary_ops(&[&of_it[..], &["--models", "gpt-4o-mini"]].concat());
        let made: Value = serde_json::from_str(&said).expect("JSON");
        let tenant = Tenant::with(&["--provider-url", &endpoint.url()]);
        let fallback = Channel::new(format!("c-{}", unique::<8>()));
        let next = [
            "provider",
            "--provider-url",
            &fallback.url(),
            "--provider-region",
            "eu",
            "--models",
            "gpt-4o-mini",
        ];
        let (done, said) = tenant.ops(&next, &[("CS_PROVIDER_KEY", "upstream-of-the-fallback")]);
        assert!(done, "{said}");
        let digest = ShortDigest::of_endpoint(ProviderKind::OpenAi, &endpoint.url(), Region::Eu).to_string();
        let id = made["provider_id"].as_str().expect("an id").to_owned();
        Self { endpoint, digest, id, tenant, fallback }
    }

    fn key(&self) -> Value {
        json!({"pk": {"S": format!("PROVIDER#{}", self.digest)}, "sk": {"S": "BREAKER"}})
    }

    fn phase(&self) -> String {
        let params =
            json!({"TableName": stack().at("/tables/gates"), "Key": self.key(), "ConsistentRead": true});
        let row = aws::must("operator", "dynamodb", "get_item", &params);
        row["Item"]["phase"]["S"].as_str().unwrap_or("none").to_owned()
    }

    /// Half a minute later.
    fn time_passes(&self) {
        self.open_until(1);
    }

    fn open_until(&self, millis: u64) {
        let params = json!({
            "TableName": stack().at("/tables/gates"), "Key": self.key(),
            "UpdateExpression": "SET until_ms = :at",
            "ConditionExpression": "phase = :open",
            "ExpressionAttributeValues": {":at": {"N": millis.to_string()}, ":open": {"S": "open"}},
        });
        aws::must("root", "dynamodb", "update_item", &params);
    }

    /// What the platform's own log says of this breaker.
    fn told(&self, event: &str) -> usize {
        let mine = |record: &&Record| {
            record.field("event_type") == event && record.metadata("endpoint") == *self.digest
        };
        records::all("ten_0000000000000000").iter().filter(mine).count()
    }

    /// How often the tenant itself got there.
    fn called(&self) -> usize {
        let own = format!("Bearer {}", self.tenant.provider_key);
        self.endpoint.received().iter().filter(|one| one["headers"]["authorization"] == own).count()
    }
}

#[test]
fn a_failing_endpoint_is_seen_within_one_run_and_comes_back_without_anybodys_call() {
    let _alone = alone();
    let probed = Probed::new();
    probed.endpoint.tell(&json!({"status": 503}));
    let down = run();
    let mine = down.iter().find(|(check, _)| check.starts_with("endpoint/probed-"));
    assert_eq!(mine.map(|(_, reason)| reason.as_str()), Some("unavailable"), "{down:?}");
    assert_eq!(probed.phase(), "open");
    // However long all of this takes.
    probed.open_until(::aws::now().plus_millis(600_000).unix_millis());
    let name = format!("Provider {}", mine.expect("it is down").0.trim_start_matches("endpoint/"));
    assert_eq!(standing(&name), "down");
    assert!(page().contains("Something does not work."));
    // Whoever calls goes to the next at once: the platform's probe was the one that found out.
    assert_eq!(probed.tenant.say("hello").status, 200);
    assert_eq!((probed.called(), probed.fallback.received().len()), (0, 1));
    wait::until("the record of the opening", || (probed.told("breaker.opened") >= 1).then_some(()));

    probed.endpoint.tell(&json!({}));
    assert_eq!(run().iter().find(|(check, _)| check.starts_with("endpoint/probed-")), None);
    assert_eq!(probed.phase(), "open", "its time is not over");
    probed.time_passes();
    // The clock's run may have the lease.
    wait::until("the breaker to close", || {
        drop(run());
        (probed.phase() == "counting").then_some(())
    });
    wait::until("the record of the closing", || (probed.told("breaker.closed") == 1).then_some(()));
    assert_eq!(probed.tenant.say("hello").status, 200);
    assert_eq!((probed.called(), standing(&name)), (1, "up".to_owned()));
    canary_ops(&["--remove", &probed.id]);
}

/// A server on `localhost` whose certificate nobody has signed who is trusted: its base URL. It lives as long as the tests.
fn https_server() -> String {
    let issued = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let key = rustls::pki_types::PrivateKeyDer::try_from(issued.signing_key.serialize_der()).expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("TLS 1.3")
        .with_no_client_auth()
        .with_single_cert(vec![issued.cert.der().clone()], key)
        .expect("a configuration");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let config = Arc::new(config);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let mut tls = rustls::ServerConnection::new(Arc::clone(&config)).expect("a connection");
            // Whoever does not trust it ends the handshake.
            drop(tls.complete_io(&mut stream));
        }
    });
    format!("https://localhost:{port}/v1")
}

#[test]
fn a_certificate_that_does_not_hold_is_told_of() {
    let _alone = alone();
    let expiry = || run().into_iter().find(|(check, _)| check == "expiry");
    assert_eq!(expiry(), None);
    // As that of every endpoint that is probed: none that looks like a key.
    let name = format!("probed-{}", unique::<4>());
    let of_it = ["--provider-url", &https_server(), "--provider-region", "eu", "--provider-name", &name];
    let said = canary_ops(&[&of_it[..], &["--models", "gpt-4o-mini"]].concat());
    let made: Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!(expiry(), Some(("expiry".to_owned(), "certificate_refused".to_owned())));
    assert_eq!(standing(&format!("Provider {name}")), "down");
    canary_ops(&["--remove", made["provider_id"].as_str().expect("an id")]);
    assert_eq!(expiry(), None);
    // Nor does the page go on telling of it.
    assert_eq!(standing(&format!("Provider {name}")), "absent");
}

/// Takes records from the queue again, whatever became of the test.
struct Writer(String);

impl Writer {
    fn stopped() -> Self {
        let queue = json!({"EventSourceArn": stack().at("/queues/audit/arn")});
        let listed = aws::must("root", "lambda", "list_event_source_mappings", &queue);
        let id = listed["EventSourceMappings"][0]["UUID"].as_str().expect("a mapping").to_owned();
        let writer = Self(id);
        writer.turn(false);
        writer
    }

    fn turn(&self, enabled: bool) {
        let params = json!({"UUID": self.0, "Enabled": enabled});
        aws::must("root", "lambda", "update_event_source_mapping", &params);
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.turn(true);
    }
}

#[test]
fn a_writer_that_stands_still_raises_the_alarm_and_loses_nothing() {
    const CALLS: usize = 5;
    let _alone = alone();
    let tenant = Tenant::new();
    tenant.say("hello");
    let before = tenant.records(2).len();
    let began = ::aws::now().unix_millis();
    let writer = Writer::stopped();
    for _ in 0..CALLS {
        assert_eq!(tenant.say("hello").status, 200);
    }
    let down = run();
    assert!(down.contains(&("audit".to_owned(), "not_visible".to_owned())), "{down:?}");
    assert_eq!(
        (standing("Audit records"), standing("Calls of agents")),
        ("down".to_owned(), "up".to_owned())
    );
    wait::until("the alarm's figure", || would_raise("check-audit", began).then_some(()));
    assert!(!would_raise("check-gateway", began));
    drop(writer);
    let records = tenant.records(before + 2 * CALLS);
    let ends = |phase: &str| records.iter().filter(|record| record.field("phase") == phase).count();
    assert_eq!((ends("attempt"), ends("outcome")), (CALLS + 1, CALLS + 1));
    let down = run();
    assert!(!down.iter().any(|(check, _)| check == "audit"), "{down:?}");
}

/// The document as if all of it had been found long ago.
fn grow_old() {
    let table = stack().at("/tables/status");
    let key = json!({"pk": {"S": "STATUS"}, "sk": {"S": "DOCUMENT"}});
    let row = aws::must("root", "dynamodb", "get_item", &json!({"TableName": table, "Key": key}));
    let mut document: Value =
        serde_json::from_str(row["Item"]["document"]["S"].as_str().expect("a text")).expect("JSON");
    for check in document["checks"].as_array_mut().expect("checks") {
        for time in ["since", "at", "expires_at"] {
            check[time] = json!("2026-01-01T00:00:00.000Z");
        }
    }
    let params = json!({
        "TableName": table, "Key": key, "UpdateExpression": "SET document = :d, began_ms = :b",
        "ExpressionAttributeValues": {":d": {"S": document.to_string()}, ":b": {"N": "1"}},
    });
    aws::must("root", "dynamodb", "update_item", &params);
}

/// Nothing here asks for a run: the schedule does.
#[test]
fn a_health_function_that_stands_still_is_noticed_and_its_schedule_brings_it_back() {
    let _alone = alone();
    drop(run());
    let noticed = (0..3).any(|_| {
        grow_old();
        thread::sleep(Duration::from_millis(100));
        page().contains("how it is, is not known") && standing("Calls of agents") == "unknown"
    });
    assert!(noticed, "what has expired is shown as if it held");
    wait::until("a run by the clock", || (standing("Calls of agents") == "up").then_some(()));
    assert_eq!(standing("Audit records"), "up");
}

/// The first cells of the runbook's rows: names of alarms, with `<function>` for each function's.
fn runbook() -> BTreeSet<String> {
    let readme =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md")).expect("the README");
    let section =
        readme.split("\n## Runbook\n").nth(1).and_then(|rest| rest.split("\n## ").next()).expect("a runbook");
    let cells = section.lines().filter_map(|line| line.strip_prefix("| `")?.split(" | ").next());
    cells
        .flat_map(|cell| cell.split(", ").map(|name| name.trim_matches('`').to_owned()).collect::<Vec<_>>())
        .collect()
}

#[test]
fn every_alarm_stands_in_the_runbook_and_nothing_else_does() {
    let params = json!({"AlarmNamePrefix": "cs-local-eu-"});
    let told = aws::pages(
        "root",
        "cloudwatch",
        "describe_alarms",
        params,
        ("MetricAlarms", "NextToken", "NextToken"),
    );
    let functions = stack().at("/functions").as_object().expect("functions").clone();
    let general = |name: &str| {
        let name = name.strip_prefix("cs-local-eu-").expect("a name of ours").to_owned();
        let of_one = |suffix: &&str| functions.keys().any(|function| name == format!("{function}-{suffix}"));
        let suffixes = ["errors", "failing", "throttled", "slow", "dlq-not-empty"];
        suffixes
            .iter()
            .find(|suffix| of_one(suffix))
            .map_or(name.clone(), |suffix| format!("<function>-{suffix}"))
    };
    let alarms: BTreeSet<String> =
        told.iter().map(|alarm| general(alarm["AlarmName"].as_str().expect("a name"))).collect();
    // `audit-dlq-not-empty` is a queue's; no function is called `audit`.
    assert_eq!(alarms, runbook());
    let dashboard =
        aws::must("root", "cloudwatch", "get_dashboard", &json!({"DashboardName": "cs-local-eu"}));
    let body: Value =
        serde_json::from_str(dashboard["DashboardBody"].as_str().expect("a body")).expect("JSON");
    assert!(body["widgets"].as_array().is_some_and(|widgets| widgets.len() >= 8));
}

/// A release that cannot even start, and the way back: one call, no build and no plan.
#[test]
fn a_bad_release_is_rolled_back_by_one_call() {
    let _alone = alone();
    let name = stack().at("/functions/health");
    let lives = || Request::new("GET", format!("{}/healthz", stack().text("/status_url"))).send().status;
    let live = || {
        let asked = json!({"FunctionName": name, "Name": "live"});
        aws::must("deployer", "lambda", "get_alias", &asked)["FunctionVersion"]
            .as_str()
            .expect("a version")
            .to_owned()
    };
    let moved = |version: &str| {
        let asked = json!({"FunctionName": name, "Name": "live", "FunctionVersion": version});
        aws::must("deployer", "lambda", "update_alias", &asked);
    };
    let before = live();
    assert_eq!(lives(), 200);
    let now = aws::must("root", "lambda", "get_function_configuration", &json!({"FunctionName": name}));
    let good = now["Environment"]["Variables"].clone();
    let mut bad = good.clone();
    bad.as_object_mut().expect("variables").remove("CS_LOCK");
    let configure = |variables: &Value| {
        let asked = json!({"FunctionName": name, "Environment": {"Variables": variables}});
        aws::must("root", "lambda", "update_function_configuration", &asked);
    };
    configure(&bad);
    let made = aws::must("root", "lambda", "publish_version", &json!({"FunctionName": name}));
    configure(&good);
    moved(made["Version"].as_str().expect("a version"));
    assert!(lives() >= 500 && live() != before, "what is released is what is served");
    moved(&before);
    assert_eq!((lives(), live()), (200, before));
    // Terraform serves the newest that there is.
    let asked = json!({"FunctionName": name, "Qualifier": made["Version"]});
    aws::must("root", "lambda", "delete_function", &asked);
}

/// What a function's log says of its invocations.
fn invocations(function: &str) -> Vec<Value> {
    let told = |line: &Value| line["message"] == "invocation.told";
    logged(function, 0).into_iter().filter(told).collect()
}

#[test]
fn one_id_leads_from_the_answer_through_the_log_to_the_record() {
    let tenant = Tenant::new();
    let answer = tenant.chat("hello").send();
    let action = answer.header("x-cs-action-id").expect("an action").to_owned();
    assert!(tenant.records(2).iter().all(|record| *record.at("action_id") == json!(action)));
    let line = wait::until("the line of the call", || {
        invocations("gateway").into_iter().find(|line| line["action_id"] == json!(action))
    });
    assert_eq!((&line["status"], &line["Served"], &line["Failed"]), (&json!(200), &json!(1.0), &json!(0.0)));
    assert!(line["requestId"].as_str().is_some_and(|id| id.len() == 36), "{line}");
    assert!(line["AnswerMs"].as_f64().is_some_and(|millis| millis > 0.0), "{line}");
    let version = line["version"].as_str().expect("a version");
    assert!(version.parse::<u32>().is_ok(), "what is served is a version: {line}");
}

#[test]
fn every_function_tells_its_invocations() {
    let _alone = alone();
    for name in ["admin_url", "dlp_url", "scim_url", "status_url"] {
        let url = format!("{}/healthz", stack().text(&format!("/{name}")));
        assert_eq!(Request::new("GET", url).send().status, 200);
    }
    aws::invoke("root", "lifecycle", &json!({"compact": {}})).expect("compacted");
    for function in stack().at("/functions").as_object().expect("functions").keys() {
        wait::until(function, || invocations(function).into_iter().find(|line| line["Served"] == 1.0));
    }
}
