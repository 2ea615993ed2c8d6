//! The main job: an agent's call goes through, guarded, answered and recorded.
#![cfg(test)]

use std::io::Write as _;
use std::process::{Command, Stdio};

use countersign_tests::support::records::Record;
use countersign_tests::support::tenant::MODEL;
use countersign_tests::support::{Tenant, aws, planted, stack, stack::script, wait};
use serde_json::{Value, json};

/// What the stand-in received of the one call that was made: headers and path included.
fn received_once(tenant: &Tenant) -> Value {
    let mut received = tenant.channel.received();
    assert_eq!(received.len(), 1, "one call is one upstream request");
    received.remove(0)
}

fn returned_whole(content: &str) {
    for (name, value) in planted::PERSONAL {
        assert!(content.contains(value), "{name} did not come back: {content}");
    }
}

#[test]
fn the_provider_sees_no_planted_value_and_the_caller_gets_all_of_them_back() {
    let tenant = Tenant::new();
    let answer = tenant.say(&planted::prompt());
    assert_eq!(answer.status, 200, "{answer:?}");
    returned_whole(&answer.content());
    let upstream = received_once(&tenant);
    assert_eq!(planted::leaked(&upstream.to_string()), [""; 0]);
    assert!(upstream["body"].as_str().unwrap().contains("Please repeat exactly"), "{upstream}");
}

#[test]
fn values_are_redacted_wherever_in_the_body_they_stand() {
    let tenant = Tenant::new();
    let body = json!({
        "model": MODEL,
        "user": "noa.golan+planted@example.co.il",
        "metadata": {"user_id": planted::PERSONAL[0].1, "note": planted::prompt()},
        "messages": [
            {"role": "system", "content": planted::prompt()},
            {"role": "user", "name": "536-22-8741", "content": [{"type": "text", "text": planted::prompt()}]},
        ],
        "tools": [{"type": "function", "function": {"name": "f", "description": planted::prompt(), "parameters": {
            "type": "object", "properties": {"a": {"type": "string", "default": planted::prompt()}}}}}],
        "stop": ["106.31.73.20"],
        "a_field_of_tomorrow": {"deep": [[planted::prompt()]]},
    });
    let answer = tenant.post(&body.to_string()).send();
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(planted::leaked(&received_once(&tenant).to_string()), [""; 0]);
}

#[test]
fn the_unmodified_openai_sdk_works_through_the_gateway() {
    let tenant = Tenant::new();
    let told = openai_sdk(&tenant, MODEL);
    returned_whole(told["content"].as_str().unwrap());
    assert_eq!(planted::leaked(&received_once(&tenant).to_string()), [""; 0]);
    let records = tenant.records(2);
    assert!(records.iter().all(|record| record.at("action_id") == &told["action_id"]));
}

#[test]
fn the_openai_sdk_understands_a_refusal_and_does_not_try_again() {
    let tenant = Tenant::new();
    let told = openai_sdk(&tenant, "gpt-unknown");
    assert_eq!(told, json!({"error": "NotFoundError", "status": 404, "code": "model_unknown"}));
    assert_eq!(tenant.records(1)[0].says(), ["single", "deny", "model_unknown"]);
}

fn openai_sdk(tenant: &Tenant, model: &str) -> Value {
    let asked = json!({
        "base_url": stack().gateway("/v1"), "api_key": tenant.key(), "model": model, "content": planted::prompt(),
    });
    let mut command = Command::new(stack().built("venv/bin/python"));
    command.arg(script("openai_sdk.py")).env_clear().stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(asked.to_string().as_bytes()).unwrap();
    let done = child.wait_with_output().unwrap();
    serde_json::from_slice(&done.stdout).unwrap_or_else(|_| panic!("the agent failed: {done:?}"))
}

#[test]
fn the_provider_is_shown_its_own_credential_and_nothing_of_the_gateway_key() {
    let tenant = Tenant::new();
    tenant.say("hello");
    let upstream = received_once(&tenant);
    assert_eq!(upstream["headers"]["authorization"], format!("Bearer {}", tenant.provider_key));
    assert!(!upstream.to_string().contains(tenant.secret()));
    for id in [tenant.tenant_id(), tenant.org_id(), tenant.agent_id(), tenant.key_id()] {
        assert!(!upstream.to_string().contains(id), "the provider learns {id}");
    }
}

#[test]
fn a_tenant_without_restoring_gets_placeholders() {
    let tenant = Tenant::with(&["--no-restore"]);
    let content = tenant.say(&planted::prompt()).content();
    assert_eq!(planted::leaked(&content), [""; 0]);
    for label in ["[EMAIL_1_", "[CARD_1_", "[IBAN_1_"] {
        assert!(content.contains(label), "{label}: {content}");
    }
}

#[test]
fn only_the_models_of_the_key_are_listed() {
    let tenant = Tenant::with(&["--key-models", "gpt-4o"]);
    let list = countersign_tests::support::Request::new("GET", stack().gateway("/v1/models"))
        .with("authorization", format!("Bearer {}", tenant.key()))
        .send();
    assert_eq!(list.status, 200, "{list:?}");
    let ids: Vec<_> =
        list.json()["data"].as_array().unwrap().iter().map(|model| model["id"].clone()).collect();
    assert_eq!(ids, ["gpt-4o"]);
}

/// One call and its two records.
fn recorded_call(tenant: &Tenant) -> (String, Vec<Record>) {
    let answer = tenant.say(&planted::prompt());
    assert_eq!(answer.status, 200, "{answer:?}");
    (answer.action(), tenant.records(2))
}

#[test]
fn a_call_is_recorded_before_and_after_under_one_action() {
    let tenant = Tenant::new();
    let (action, records) = recorded_call(&tenant);
    assert_eq!(records[0].says(), ["attempt", "allow", "allowed"]);
    assert_eq!(records[1].says(), ["outcome", "allow", "completed"]);
    for record in &records {
        for (field, value) in [
            ("action_id", action.as_str()),
            ("tenant_id", tenant.tenant_id()),
            ("org_id", tenant.org_id()),
            ("agent_id", tenant.agent_id()),
            ("actor_id", tenant.agent_id()),
            ("actor_type", "agent"),
            ("event_type", "llm.call"),
            ("model", MODEL),
            ("region", "eu"),
            ("provider_region", "eu"),
        ] {
            assert_eq!(record.field(field), value, "{field}");
        }
        assert_eq!(record.at("authority")["key_id"], tenant.key_id());
        assert_eq!(record.at("dlp")["card"], 1, "{}", record.text);
    }
    assert!(records[0].metadata("held_tokens").as_u64().unwrap() > 0);
    assert!(records[1].at("output_tokens").as_u64().unwrap() > 0);
}

#[test]
fn a_record_holds_no_planted_value_no_secret_and_no_open_address() {
    let tenant = Tenant::new();
    let (_, records) = recorded_call(&tenant);
    // A bundle lies in the locked bucket a moment before its rows do in the other: two of the seed, two of the call.
    let derived = wait::until("four rows", || Some(derived_rows(&tenant)).filter(|rows| rows.len() >= 4));
    assert_eq!(derived.len(), 4);
    for text in records.iter().map(|record| &record.text).chain(&derived) {
        assert_eq!(planted::leaked(text), [""; 0]);
        for secret in ["127.0.0.1", tenant.secret(), &tenant.provider_key] {
            assert!(!text.contains(secret), "{text}");
        }
    }
    for record in &records {
        let sealed = record.field("source_ip");
        assert!(sealed.starts_with("Q1NFM"), "base64 of CSE1 and a version below 2^24: {sealed}");
    }
    assert_ne!(records[0].field("source_ip"), records[1].field("source_ip"), "no two seals are alike");
}

fn derived_rows(tenant: &Tenant) -> Vec<String> {
    let (bucket, prefix) =
        (stack().text("/buckets/derived"), format!("task_timeline/tenant_id={}/", tenant.tenant_id()));
    let names = aws::object_names("auditor", bucket, &prefix);
    let texts = names.iter().map(|name| aws::object("auditor", bucket, name));
    texts.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>()).collect()
}

#[test]
fn the_auditors_sql_finds_the_call_newest_first() {
    let tenant = Tenant::new();
    let (action, records) = recorded_call(&tenant);
    let day = |record: &Record| record.field("created_at").split('T').next().unwrap().to_owned();
    let question = |columns: &str| {
        format!(
            "SELECT {columns} FROM {}.task_timeline WHERE tenant_id = '{}' AND agent_id = '{}' \
             AND created_at BETWEEN timestamp '{} 00:00:00' AND timestamp '{} 23:59:59.999' ORDER BY created_at DESC",
            stack().text("/glue_database"),
            tenant.tenant_id(),
            tenant.agent_id(),
            day(&records[0]),
            day(&records[1]),
        )
    };
    let asked = question("event_type, actor_type, actor_id, description, metadata, created_at");
    let rows = wait::until("four rows", || Some(aws::sql(&asked)).filter(|rows| rows.len() >= 4));
    let operator = |row: &Vec<String>| row[1] == "operator";
    assert_eq!(
        (rows.len(), rows.iter().rposition(|row| !operator(row))),
        (4, Some(1)),
        "the call, then its seed"
    );
    for (row, record) in rows.iter().zip(records.iter().rev()) {
        let [event, actor_type, actor, description, metadata, created] = &row[..] else { panic!("{row:?}") };
        let told = ["event_type", "actor_type", "actor_id", "description", "metadata"]
            .map(|name| record.field(name));
        assert_eq!([event, actor_type, actor, description, metadata], told);
        let at = record.field("created_at").trim_end_matches('Z').replace('T', " ");
        assert!(created.starts_with(&at), "{created}, not {at}");
    }
    let rows = aws::sql(&question("phase, action_id, source_ip"));
    assert_eq!(rows[0], ["outcome", &action, records[1].field("source_ip")]);
    assert_eq!(rows[1], ["attempt", &action, records[0].field("source_ip")]);
}

#[test]
fn a_record_is_locked_for_a_year_and_not_even_root_deletes_it() {
    let tenant = Tenant::new();
    let (_, records) = recorded_call(&tenant);
    let object = json!({"Bucket": stack().at("/buckets/locked"), "Key": records[0].name});
    let head = aws::must("auditor", "s3", "head_object", &object);
    assert_eq!(head["ObjectLockMode"], "COMPLIANCE");
    let kept =
        days(head["ObjectLockRetainUntilDate"].as_str().unwrap()) - days(records[0].field("created_at"));
    assert!((365..=366).contains(&kept), "kept for {kept} days");

    let version = json!({
        "Bucket": object["Bucket"], "Key": object["Key"], "VersionId": head["VersionId"], "BypassGovernanceRetention": true,
    });
    for role in ["root", "operator", "audit-writer", "gateway", "auditor", "deployer"] {
        let refused = aws::call(role, "s3", "delete_object", &version).unwrap_err();
        assert_eq!(refused.code, "AccessDenied", "{role}");
    }
    assert_eq!(aws::must("auditor", "s3", "head_object", &object)["VersionId"], head["VersionId"]);
}

#[test]
fn nobody_writes_a_second_version_of_a_record() {
    let tenant = Tenant::new();
    let (_, records) = recorded_call(&tenant);
    let put = json!({"Bucket": stack().at("/buckets/locked"), "Key": records[0].name, "Body": "{}", "IfNoneMatch": "*"});
    for (role, code) in
        [("audit-writer", "PreconditionFailed"), ("gateway", "AccessDenied"), ("operator", "AccessDenied")]
    {
        assert_eq!(aws::call(role, "s3", "put_object", &put).unwrap_err().code, code, "{role}");
    }
}

/// Days since the epoch of a date in ISO 8601.
fn days(date: &str) -> i64 {
    let number = |range: std::ops::Range<usize>| date.get(range).unwrap().parse::<i64>().unwrap();
    let (year, month, day) = (number(0..4), number(5..7), number(8..10));
    // Howard Hinnant, "chrono-compatible low-level date algorithms", days_from_civil.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    year * 365 + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1 - 719_468
}
