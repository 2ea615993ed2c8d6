//! Delivery: however often and in whatever order messages come, each event is kept once; poison blocks nobody.
#![cfg(test)]

use countersign_tests::support::{Tenant, aws, producer, records, stack, wait};
use ledger::Producer;
use serde_json::{Value, json};

fn queue_is_empty() -> Option<()> {
    let params = json!({"QueueUrl": stack().at("/queues/audit/url"), "AttributeNames": ["All"]});
    let told = aws::must("root", "sqs", "get_queue_attributes", &params);
    let none = |name: &str| told["Attributes"][name].as_str() == Some("0");
    let names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"];
    names.iter().all(|name| none(name)).then_some(())
}

/// How many versions and delete markers each object below the prefix has.
fn versions(bucket: &str, prefix: &str) -> Vec<Value> {
    let listed =
        aws::must("root", "s3", "list_object_versions", &json!({"Bucket": bucket, "Prefix": prefix}));
    let list = |name: &str| listed[name].as_array().cloned().unwrap_or_default();
    [list("Versions"), list("DeleteMarkers")].concat()
}

#[test]
fn every_message_twice_and_backwards_is_each_event_once() {
    let tenant = Tenant::new();
    for n in 0..3 {
        assert_eq!(tenant.say(&format!("call {n}")).status, 200);
    }
    let records = tenant.records(6);
    for record in records.iter().rev().chain(records.iter().rev()) {
        aws::send("gateway", &record.message());
    }
    wait::until("the audit queue to be empty", queue_is_empty);
    assert_eq!(tenant.records(6).len(), 6);
    let (locked, prefix) = (stack().text("/buckets/locked"), format!("t/{}/bundle/", tenant.tenant_id()));
    let bundles = aws::object_names("auditor", locked, &prefix);
    assert_eq!(versions(locked, &prefix).len(), bundles.len(), "one version each");
    let all = records::all(tenant.tenant_id());
    let prefix = format!("task_timeline/tenant_id={}/", tenant.tenant_id());
    let derived = stack().text("/buckets/derived");
    let files = aws::object_names("auditor", derived, &prefix);
    let rows: usize = files.iter().map(|name| aws::object("auditor", derived, name).lines().count()).sum();
    assert_eq!((all.len(), rows), (8, 8), "the seed's two, and six");
}

/// The same record under another event id: a good message that nobody has seen yet.
fn renamed(producer: &mut Producer, text: &str, last: char) -> (String, String) {
    let record = producer::record(text, |fields| {
        let mut id = fields["event_id"].as_str().unwrap().to_owned();
        id.pop();
        id.push(last);
        fields["event_id"] = json!(id);
        // Of no other action: an action has one attempt.
        fields["phase"] = json!("single");
    });
    (record.event_id.to_string(), producer.sign(record).unwrap().to_text().unwrap())
}

/// What earlier runs have left lies there too: several looks, each past what the last one saw.
fn dead_letters() -> Vec<String> {
    let params = json!({"QueueUrl": stack().at("/queues/audit_dlq/url"), "MaxNumberOfMessages": 10, "VisibilityTimeout": 2});
    let body = |message: &Value| message["Body"].as_str().unwrap_or_default().to_owned();
    let look = |_| {
        let told = aws::must("operator", "sqs", "receive_message", &params);
        told["Messages"].as_array().into_iter().flatten().map(body).collect::<Vec<_>>()
    };
    (0..10).flat_map(look).collect()
}

#[test]
fn poison_is_set_aside_and_good_messages_around_it_are_kept() {
    let tenant = Tenant::new();
    assert_eq!(tenant.say("hello").status, 200);
    let record = tenant.records(2)[0].clone();
    let taken = record.field("event_id").chars().nth(35).unwrap();
    let free: Vec<char> = "0123456789abcdef".chars().filter(|digit| *digit != taken).take(2).collect();
    let mut producer = producer::certified();
    let mut good = |digit: char| renamed(&mut producer, &record.text, digit);
    let (first, second) = (good(free[0]), good(free[1]));
    let unknown_version = first.1.replace("\"v\":1", "\"v\":9");
    let changed = first.1.replace("\"decision\":\"allow\"", "\"decision\":\"deny\"");
    assert_ne!(changed, first.1);
    let poison = ["not a record", "{\"v\":1}", unknown_version.as_str(), changed.as_str()];
    for message in [&first.1, poison[0], poison[1], poison[2], poison[3], &second.1] {
        aws::send("gateway", message);
    }
    let kept =
        |id: &String| records::all(tenant.tenant_id()).iter().any(|record| record.field("event_id") == id);
    wait::until("the good messages around the poison", || (kept(&first.0) && kept(&second.0)).then_some(()));
    wait::until("the poison in the dead-letter queue", || {
        let dead = dead_letters();
        poison.iter().all(|body| dead.iter().any(|one| one == body)).then_some(())
    });
}
