//! The writer against stores that fail, die and answer late in every way they can.

mod faults;
mod memory;
mod races;
mod region;
mod sample;

use aws::{BatchEvent, Message};

use super::*;
use memory::World;
use sample::{NOW, batch, bodies};

/// Adds a count to `target/bench/ledger.json`, which `make bench` completes.
fn tell(name: &str, count: usize) {
    static ONE_AT_A_TIME: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock().unwrap();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/bench");
    let file = format!("{folder}/ledger.json");
    std::fs::create_dir_all(folder).unwrap();
    let text = std::fs::read_to_string(&file).unwrap_or_default();
    let mut all: serde_json::Value = serde_json::from_str(&text).unwrap_or_else(|_| serde_json::json!({}));
    all["faults"][name] = count.into();
    std::fs::write(&file, serde_json::to_string_pretty(&all).unwrap()).unwrap();
    println!("audit-writer: {count} {name}");
}

fn event(bodies: &[String]) -> BatchEvent {
    let message = |(n, body): (usize, &String)| Message { message_id: format!("m{n}"), body: body.clone() };
    BatchEvent { records: bodies.iter().enumerate().map(message).collect() }
}

/// Delivers once; the messages that are to come again.
async fn deliver(world: &World, bodies: &[String]) -> Vec<String> {
    let response = write((world, world), event(bodies), || *NOW, || true).await;
    response.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect()
}

#[tokio::test]
async fn every_message_twice_and_backwards_is_each_event_once() {
    let world = World::default();
    let bodies = bodies(&batch(1, 0..5));
    assert!(deliver(&world, &bodies).await.is_empty());
    let once = world.state();
    let again: Vec<_> = bodies.iter().rev().chain(&bodies).cloned().collect();
    assert!(deliver(&world, &again).await.is_empty());
    assert_eq!(world.state(), once);
    world.check(&[(1, 5)]);
}

#[tokio::test]
async fn poison_fails_alone() {
    let mut bodies = bodies(&batch(1, 0..3));
    let forged = bodies[0].replace("\"decision\":\"allow\"", "\"decision\":\"deny\"");
    let old = sample::old();
    bodies.insert(1, "planted poison".to_owned());
    bodies.insert(3, "{}".to_owned());
    // One byte more than is taken; and one that is taken, at the limit.
    let padded = |bytes: usize| format!("{body:<bytes$}", body = bodies[0]);
    let (large, fits) = (padded(65_024), padded(65_023));
    bodies.extend([bodies[0].replace("\"v\":1", "\"v\":9"), forged, old, large, fits]);
    let world = World::default();
    let mut failed = deliver(&world, &bodies).await;
    failed.sort();
    assert_eq!(failed, ["m1", "m3", "m5", "m6", "m7", "m8"]);
    world.check(&[(1, 3)]);
}

#[tokio::test]
async fn what_there_is_no_time_for_comes_again() {
    let world = World::default();
    let bodies = bodies(&batch(1, 0..2));
    let response = write((&world, &world), event(&bodies), || *NOW, || false).await;
    assert_eq!(response.batch_item_failures.len(), 2);
    assert!(deliver(&world, &bodies).await.is_empty());
    world.check(&[(1, 2)]);
}

/// More records than one bundle holds: bundles follow each other within one batch.
#[tokio::test]
async fn a_large_batch_is_several_bundles() {
    let world = World::default();
    let bodies = bodies(&batch(1, 0..1_203));
    assert!(deliver(&world, &bodies).await.is_empty());
    assert_eq!(world.state().locked.len(), 2);
    world.check(&[(1, 1_203)]);
}

#[tokio::test]
async fn a_clock_that_goes_back_does_not_turn_the_logs_time_back() {
    let world = World::default();
    for (n, back) in [(0, 0), (1, 60_000), (2, 5)] {
        let bodies = bodies(&batch(1, n..n + 1));
        let now =
            Timestamp::from_unix_millis(i64::try_from(NOW.unix_millis() - back).expect("a small number"));
        let now = now.expect("a time");
        let response = write((&world, &world), event(&bodies), || now, || true).await;
        assert!(response.batch_item_failures.is_empty());
    }
    world.check(&[(1, 3)]);
}

/// A log's length costs nothing: what is written goes behind a million leaves as it goes behind none.
#[tokio::test]
async fn a_tenant_with_a_million_records_takes_more() {
    let mut tree = ledger::Frontier::default();
    (0..1_000_000_u32).for_each(|n| tree.append(ledger::Hash::of(&n.to_be_bytes())));
    let head = ledger::Head { tree, logged_at: sample::at(0) };
    let mut state = World::default().state();
    state.heads.insert(sample::tenant(1), head);
    let (world, empty) = (World::of(state), World::default());
    for one in [&world, &empty] {
        assert!(deliver(one, &bodies(&batch(1, 0..5))).await.is_empty());
    }
    assert_eq!(world.calls(), empty.calls());
    let name = "t/ten_040g2081040g2081/bundle/00000000000001000000";
    assert_eq!(world.state().locked.keys().collect::<Vec<_>>(), [name]);
    assert_eq!(world.state().heads[&sample::tenant(1)].tree.size(), 1_000_006);
}

/// What lies at the place and does not follow stops that tenant, and nobody else.
#[tokio::test]
async fn a_bundle_that_does_not_follow_stops_its_tenant_alone() {
    let world = World::default();
    world.put("t/ten_040g2081040g2081/bundle/00000000000000000000", b"garbage".to_vec());
    let bodies = [bodies(&batch(1, 0..2)), bodies(&batch(2, 0..2))].concat();
    assert_eq!(deliver(&world, &bodies).await, ["m0", "m1"]);
    world.check(&[(2, 2)]);
}

/// Bodies of `events/audit-writer`, as a reader sees them: CS_BLESS=1 writes them anew.
#[test]
fn the_sample_events_are_what_producers_send() {
    let path = |name: &str| format!("{}/../../events/audit-writer/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let read = |name: &str| -> serde_json::Value {
        serde_json::from_str(&std::fs::read_to_string(path(name)).expect("a sample event")).expect("JSON")
    };
    let mut found = read("batch");
    let mut wanted = found.clone();
    let bodies = bodies(&batch(1, 0..2));
    for (n, record) in wanted["Records"].as_array_mut().expect("records").iter_mut().enumerate() {
        record["body"] = bodies[n % 2].clone().into();
    }
    if std::env::var_os("CS_BLESS").is_some() {
        let text = serde_json::to_string_pretty(&wanted).expect("JSON") + "\n";
        std::fs::write(path("batch"), text).expect("the file is writable");
        found = read("batch");
    }
    assert_eq!(found, wanted, "run this test with CS_BLESS=1");
    let event: Event = serde_json::from_value(found).expect("an event");
    assert!(matches!(event, Event::Batch(batch) if !batch.records.is_empty()));
    assert!(matches!(serde_json::from_value(read("checkpoint")), Ok(Event::Checkpoint)));
    assert!(matches!(serde_json::from_value(read("poison")), Ok(Event::Batch(_))));
}
