//! The last suite: searches everything that the run left behind for what must be nowhere. The name keeps it last.
#![cfg(test)]

use std::collections::BTreeSet;
use std::path::Path;
use std::thread;

use aho_corasick::AhoCorasick;
use countersign_tests::support::approvals::{Agent, Permit, consumer, gate};
use countersign_tests::support::{Tenant, aws, entropy, planted, records, sealed, stack};
use serde_json::{Value, json};

/// Places and what lies there, as text.
type Found = Vec<(String, String)>;

/// A few calls of this suite's own, so that it finds something to search when it runs alone.
fn make_calls() {
    let tenant = Tenant::new();
    assert_eq!(tenant.say(&planted::prompt()).status, 200);
    tenant.channel.tell(&json!({"status": 400, "body": planted::prompt()}));
    assert_eq!(tenant.say(&planted::prompt()).status, 400);
    assert_eq!(tenant.post(&planted::prompt()).send().status, 400);
    assert_eq!(tenant.records(5).len(), 5);
    let keeping = Tenant::new();
    keeping.policy(&json!({"v": 1, "types": {"*": {"action": "tokenize"}, "secret": {"action": "redact"}}}));
    let redacted = keeping.dlp("/v1/redact", &json!({"text": planted::prompt()})).send();
    assert_eq!((redacted.status, keeping.records(2).len()), (200, 2), "{redacted:?}");
    ask_for_actions();
    run_lifecycle();
}

/// One that waits for people, and one that was run; both about what is planted.
fn ask_for_actions() {
    let tenant = Tenant::new();
    let agent = Agent::of(&tenant, &gate(1, false));
    let arguments = |amount: u32| json!({"amount": amount, "for": planted::prompt()});
    agent.waits_for(&arguments(5_000), "waits");
    let permit = Permit::of(&agent.asks("payments.send", &arguments(5), "runs"));
    assert_eq!(permit.consume(&consumer()).send().status, 200);
}

/// So that every function has said something that can be searched.
fn run_lifecycle() {
    let compacted = aws::invoke("root", "lifecycle", &json!({"compact": {}})).unwrap();
    assert_eq!(compacted["delivered"], 0, "{compacted}");
}

fn function_logs() -> Found {
    let groups = stack().at("/log_groups").clone();
    let names: Vec<String> = match groups {
        Value::Object(map) => map.values().filter_map(|name| name.as_str().map(str::to_owned)).collect(),
        list => list
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|name| name.as_str().map(str::to_owned))
            .collect(),
    };
    assert!(!names.is_empty(), "there are logs to search");
    let log = |name: String| {
        let tokens = ("events", "nextToken", "nextToken");
        let events = aws::pages("root", "logs", "filter_log_events", json!({"logGroupName": name}), tokens);
        assert!(!events.is_empty(), "{name} has lines to search");
        (name, events.iter().map(|event| event["message"].to_string()).collect())
    };
    names.into_iter().map(log).collect()
}

fn files_below(directory: &Path, wanted: impl Fn(&str) -> bool + Copy) -> Found {
    let mut found = Found::new();
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        if path.is_dir() {
            found.extend(files_below(&path, wanted));
        } else if wanted(&name) {
            let bytes = std::fs::read(&path).unwrap_or_default();
            found.push((path.display().to_string(), String::from_utf8_lossy(&bytes).into_owned()));
        }
    }
    found
}

fn tables() -> Found {
    let tables = stack().at("/tables").as_object().unwrap().clone();
    let table = |name: &Value| {
        let tokens = ("Items", "LastEvaluatedKey", "ExclusiveStartKey");
        let items = aws::pages("root", "dynamodb", "scan", json!({"TableName": name}), tokens);
        assert!(!items.is_empty(), "{name} has rows to search");
        (name.to_string(), Value::Array(items).to_string())
    };
    tables.values().map(table).collect()
}

fn buckets() -> Found {
    let mut found = Found::new();
    for pointer in ["/buckets/locked", "/buckets/derived"] {
        let bucket = stack().text(pointer);
        let names = aws::object_names("root", bucket, "");
        let read = |names: &[String]| -> Found {
            let one = |name: &String| (format!("{bucket}/{name}"), name.clone() + &object_text(bucket, name));
            names.iter().map(one).collect()
        };
        // Thousands: side by side.
        thread::scope(|scope| {
            let reading =
                names.chunks(names.len().div_ceil(3).max(1)).map(|some| scope.spawn(move || read(some)));
            let reading: Vec<_> = reading.collect();
            found.extend(reading.into_iter().flat_map(|read| read.join().expect("objects are read")));
        });
    }
    assert!(found.len() > 4, "there are objects to search");
    found
}

/// A bundle as its leaves, a line each; anything else as it is.
fn object_text(bucket: &str, name: &str) -> String {
    if name.starts_with("t/") {
        let leaves = records::bundle(bucket, name).leaves().concat();
        return String::from_utf8(leaves).unwrap().replace("}{", "}\n{");
    }
    aws::object("root", bucket, name)
}

/// What was set aside. The audit queue itself is empty by now: its records lie in the buckets.
fn dead_letters() -> Found {
    let mut found = Found::new();
    for queue in ["audit_dlq", "lifecycle_dlq", "approvals_dlq"] {
        let params = json!({
            "QueueUrl": stack().at(&format!("/queues/{queue}/url")), "MaxNumberOfMessages": 10, "VisibilityTimeout": 1,
        });
        for _ in 0..5 {
            let got = aws::must("operator", "sqs", "receive_message", &params);
            for message in got["Messages"].as_array().into_iter().flatten() {
                found.push((format!("the queue {queue}"), message["Body"].to_string()));
            }
        }
    }
    found
}

fn environments() -> Found {
    let functions = stack().at("/functions").as_object().unwrap().clone();
    let environment = |name: &Value| {
        let told = aws::must("root", "lambda", "get_function_configuration", &json!({"FunctionName": name}));
        (name.to_string(), told["Environment"].to_string())
    };
    functions.values().map(environment).collect()
}

#[test]
fn nothing_planted_and_no_secret_is_left_anywhere() {
    make_calls();
    let home = stack().home();
    let states = files_below(home, |name| name.contains(".tfstate"));
    assert!(!states.is_empty(), "there is a Terraform state to search");
    let logs = files_below(&home.join("logs"), |_| true);
    assert!(!logs.is_empty(), "there are logs to search");
    let secrets = planted::noted();
    assert!(!secrets.is_empty(), "something was planted");
    let places =
        [function_logs(), logs, states, tables(), buckets(), environments(), dead_letters()].concat();
    println!(
        "searched {} places for {} secrets and {} values",
        places.len(),
        secrets.len(),
        planted::PERSONAL.len()
    );
    let held = any_of(&secrets);
    for (place, text) in &places {
        for (name, value) in planted::PERSONAL {
            assert!(!text.contains(value), "{place} holds the planted {name}");
        }
        assert!(!held.is_match(text), "{place} holds a secret of this run");
    }
}

/// All of thousands in one pass: one after the other is minutes of each run. What it could not find is told here.
fn any_of(secrets: &[String]) -> AhoCorasick {
    let any = AhoCorasick::new(secrets).expect("secrets make an automaton");
    assert!(secrets.iter().all(|secret| any.is_match(&format!("x{secret}y"))), "every secret can be found");
    any
}

/// Everything that is sealed reads as such, and everything binary is sealed or wrapped by KMS.
#[test]
fn every_binary_value_of_every_table_is_sealed_or_wrapped() {
    make_calls_for_somebody();
    let (mut sealed_values, mut wrapped) = (0, 0);
    for name in stack().at("/tables").as_object().unwrap().values() {
        let tokens = ("Items", "LastEvaluatedKey", "ExclusiveStartKey");
        for item in aws::pages("root", "dynamodb", "scan", json!({"TableName": name}), tokens) {
            let root = item["sk"]["S"].as_str().unwrap().starts_with("ROOT#");
            for bytes in binaries(&item) {
                if name == stack().at("/tables/ledger") {
                    // Hashes of leaves and subtrees: no secret goes into them that the locked bucket does not hold.
                    assert!(bytes.len().is_multiple_of(32), "{name} {}", item["sk"]);
                } else if root {
                    // KMS's own form: the secret cannot be read from it without KMS, see `infra/key_purposes.txt`.
                    assert!(bytes.len() > 32 && !bytes.starts_with(b"CSE1"), "{name} {}", item["sk"]);
                    wrapped += 1;
                } else {
                    sealed::version(&bytes);
                    sealed_values += 1;
                }
            }
        }
    }
    println!("{sealed_values} sealed values and {wrapped} wrapped roots in the tables");
    assert!(sealed_values > 1 && wrapped > 1);
}

fn binaries(value: &Value) -> Vec<Vec<u8>> {
    match value {
        Value::Object(fields) => fields
            .iter()
            .flat_map(|(name, inner)| if name == "B" { vec![aws::bytes(inner)] } else { binaries(inner) })
            .collect(),
        Value::Array(items) => items.iter().flat_map(binaries).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn every_personal_field_of_every_record_is_sealed() {
    make_calls_for_somebody();
    let bucket = stack().text("/buckets/locked");
    let mut count = 0;
    let bundles = aws::object_names("root", bucket, "t/").into_iter();
    let tenants: BTreeSet<String> =
        bundles.filter_map(|name| Some(name.split('/').nth(1)?.to_owned())).collect();
    for record in tenants.iter().flat_map(|tenant| records::all(tenant)) {
        let name = &record.name;
        for (field, of_person) in [("source_ip", false), ("on_behalf_of", true)] {
            if let Some(text) = record.at(field).as_str() {
                let version = sealed::version(&aws::decoded(text));
                assert_eq!(version == 0, of_person, "{name}: {field}");
                count += 1;
            }
        }
    }
    println!("{count} personal fields in the ledger, all sealed");
    assert!(count > 1);
}

fn make_calls_for_somebody() {
    let tenant = Tenant::new();
    tenant.policy(&json!({"v": 1, "types": {"email": {"action": "tokenize"}}}));
    let answer = tenant.chat("hello").with("x-cs-on-behalf-of", "Dana").send();
    assert_eq!(answer.status, 200);
    assert_eq!(tenant.dlp("/v1/redact", &json!({"text": "dana@example.com"})).send().status, 200);
    tenant.records(4);
}

/// What is too even to be words, in no place where such a thing is expected: reviewed below, by place and field.
#[test]
fn no_string_looks_like_a_key() {
    make_calls_for_somebody();
    run_lifecycle();
    let home = stack().home();
    // Where a clone lies is no secret, however odd its name.
    let here = home.display().to_string();
    let places = [
        function_logs(),
        files_below(home, |name| name.contains(".tfstate")),
        tables(),
        buckets(),
        environments(),
        dead_letters(),
    ]
    .concat();
    let mut odd: Vec<_> = places
        .iter()
        .flat_map(|(place, text)| {
            entropy::odd(&text.replace(&here, "/home"))
                .into_iter()
                .map(move |(field, token)| (place, field, token))
        })
        .filter(|(place, field, token)| !expected(place, field, token))
        .collect();
    odd.sort_by(|one, other| one.2.cmp(&other.2));
    odd.dedup_by(|one, other| one.2 == other.2);
    println!("searched {} places for what looks like a key", places.len());
    assert!(odd.is_empty(), "{} strings look like keys: {:#?}", odd.len(), &odd[..odd.len().min(40)]);
}

/// `agt_.../<id of a gateway key>/`, and perhaps a team.
fn is_payer(token: &str) -> bool {
    let parts: Vec<_> = token.split('/').collect();
    matches!(parts[..], [agent, key, _] if agent.starts_with("agt_") && agent.len() == 20 && key.len() == 16)
}

/// Reviewed: fields in which something even is expected, and why. A secret in one of these would be found by the search for
/// planted ones alone.
fn expected(place: &str, field: &str, token: &str) -> bool {
    let state = place.contains(".tfstate");
    match field {
        // Binary values, which are sealed or wrapped: the test above.
        "$base64" => !state,
        // Names of buckets and keys, and paths in them.
        _ if token.contains("cs-local-eu-") => true,
        // What a run of `health` looked at: an endpoint that a test named at random.
        _ if token.starts_with("endpoint/probed-") && token.len() == 24 => true,
        _ if field.ends_with("_arn") => state,
        // The random part of a function URL, which is its public name.
        "admin_url" | "admin_url_id" | "bootstrap_url" | "bootstrap_url_id" | "gateway_url"
        | "gateway_url_id" | "dlp_url" | "dlp_url_id" | "scim_url" | "scim_url_id" | "status_url"
        | "status_url_id" | "actions_url" | "actions_url_id" | "approvals_url" | "approvals_url_id"
        | "function_url" | "url_id" => state,
        // The same, as the canary calls it, and in the row that says where functions of ours are.
        "CS_GATEWAY_URL" => true,
        "actions" => place.contains("-control") || state,
        // The digest by which a token's row is found: its token stands nowhere. A keyed digest of a tool and a target.
        "sk" => {
            (place.contains("-tokens") && token.len() == 52)
                || (place.contains("-votes") && token.len() == 64)
        }
        // Types of resources.
        "type" | "dependencies" => state && token.starts_with("aws_"),
        // Terraform's own: the timeouts of a resource, under the id that its plugins use for them, and a schema's version.
        "private" => {
            state
                && ["eyJlMmJmYjczMC1lY2FhLTExZTYtOGY4OC0zNDM2M2JjN2M0YzAiO", "eyJzY2hlbWFfdmVyc2lvbiI6"]
                    .iter()
                    .any(|start| token.starts_with(start))
        }
        // The canonical user id of a bucket's owner, which is public.
        "id" => state && token.len() == 64,
        // A digest of what is deployed.
        "source_code_hash" | "code_sha256" => state,
        "CS_CODE_SHA256" => token.len() == 64,
        // Of the ledger: hashes of leaves and trees, and what producers signed, under their certificates.
        "agent_prev" | "prev" | "leaf" | "root" | "heads_root" => token.len() == 64,
        "producer_sig" | "producer_cert" => token.len() == 86 || token.len() == 139,
        // The same in the results of queries, which name no fields.
        "" if place.contains("/athena/") => {
            let hex = token.bytes().all(|byte| byte.is_ascii_hexdigit());
            (hex && token.len() == 64) || token.len() == 86 || token.len() == 139
        }
        // A checkpoint: its root in base64, and its signature.
        "" => place.contains("/checkpoint") && (token.len() == 44 || token.len() == 92),
        // Under whom a hold lies, by public ids, and the action that it is of: 128 bits in base64.
        "(key)" => place.contains("-gates") && (is_payer(token) || token.len() == 22),
        // Whose limit it is, by a public id.
        "place" => {
            place.contains("-control") && (token.starts_with("agent/agt_") || token.starts_with("key/"))
        }
        // A channel of the stand-in provider, named at random by each test.
        "base_url" => token.contains("/c-"),
        _ => false,
    }
}
