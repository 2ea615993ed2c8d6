//! The writer against a store that fails in every way S3 can.

use std::collections::BTreeMap;
use std::sync::Mutex;

use aws::Message;
use domain::{
    Actor, ActorType, AgentId, AuditRecord, Code, Decided, Description, EventId, EventType, Metadata, OrgId,
    Phase, RECORD_VERSION, Region, TenantId, Timestamp,
};

use super::*;
use crate::decide::{Bucket, Object};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    LostBefore,
    LostAfter,
    Conflict,
}

#[derive(Default)]
struct Memory {
    objects: Mutex<BTreeMap<String, String>>,
    /// The n-th create meets this fault.
    fault: Option<(usize, Fault)>,
    creates: Mutex<usize>,
}

impl ObjectStore for Memory {
    async fn create(&self, object: &Object) -> Result<(), PutFault> {
        let nth = {
            let mut creates = self.creates.lock().unwrap();
            *creates += 1;
            *creates - 1
        };
        let fault = self.fault.filter(|(at, _)| *at == nth).map(|(_, fault)| fault);
        match fault {
            Some(Fault::LostBefore) => return Err(PutFault::Unavailable),
            Some(Fault::Conflict) => return Err(PutFault::Conflict),
            Some(Fault::LostAfter) | None => {}
        }
        let name = format!("{:?}/{}", object.bucket, object.name);
        let mut objects = self.objects.lock().unwrap();
        if objects.contains_key(&name) {
            return Err(PutFault::Exists);
        }
        objects.insert(name, object.body.clone());
        if fault.is_some() { Err(PutFault::Unavailable) } else { Ok(()) }
    }
}

fn record(n: u8) -> AuditRecord {
    let at = Timestamp::from_unix_millis(1_795_430_530_120 + i64::from(n)).unwrap();
    let mut record = AuditRecord::new(
        RECORD_VERSION,
        EventId::new(at, [n; 10]),
        at,
        Region::Eu,
        OrgId::from_random([1; 10]),
        TenantId::from_random([2; 10]),
        EventType::LlmCall,
        Phase::Attempt,
        ActorType::Agent,
        Actor::from(&AgentId::from_random([3; 10])),
        Code::literal("llm.call"),
        Decided::Allow,
        Code::literal("allowed"),
        Description::literal("An agent calls a model."),
        Metadata::default().count("held_tokens", 7),
    );
    record.dlp = Some(BTreeMap::from([(Code::literal("email"), 2)]));
    record
}

fn event(bodies: &[String]) -> BatchEvent {
    let message = |(n, body): (usize, &String)| Message { message_id: format!("m{n}"), body: body.clone() };
    BatchEvent { records: bodies.iter().enumerate().map(message).collect() }
}

fn texts(numbers: &[u8]) -> Vec<String> {
    numbers.iter().map(|n| record(*n).to_canonical().unwrap()).collect()
}

async fn deliver(store: &Memory, bodies: &[String]) -> Vec<String> {
    let response = handle(store, event(bodies), || true).await;
    response.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect()
}

#[tokio::test]
async fn every_message_twice_and_backwards_is_each_event_once() {
    let store = Memory::default();
    assert!(deliver(&store, &texts(&[1, 2, 3])).await.is_empty());
    let once = store.objects.lock().unwrap().clone();
    assert!(deliver(&store, &texts(&[3, 2, 1, 1])).await.is_empty());
    assert_eq!(*store.objects.lock().unwrap(), once);
    assert_eq!(once.len(), 6);
}

#[tokio::test]
async fn a_crash_or_fault_at_any_write_is_repaired_by_the_next_delivery() {
    let whole = Memory::default();
    deliver(&whole, &texts(&[1])).await;
    for at in 0..2 {
        for fault in [Fault::LostBefore, Fault::LostAfter, Fault::Conflict] {
            let store = Memory { fault: Some((at, fault)), ..Memory::default() };
            assert_eq!(deliver(&store, &texts(&[1])).await, ["m0"], "{fault:?} at {at}");
            assert!(deliver(&store, &texts(&[1])).await.is_empty());
            assert_eq!(*store.objects.lock().unwrap(), *whole.objects.lock().unwrap());
        }
    }
}

#[tokio::test]
async fn sql_never_shows_what_is_not_locked() {
    for fault in [Fault::LostBefore, Fault::Conflict] {
        let store = Memory { fault: Some((0, fault)), ..Memory::default() };
        deliver(&store, &texts(&[1])).await;
        assert!(store.objects.lock().unwrap().is_empty());
    }
}

#[tokio::test]
async fn poison_fails_alone() {
    let mut bodies = texts(&[1, 2, 3]);
    bodies.insert(1, "planted poison".to_owned());
    bodies.insert(3, "{}".to_owned());
    bodies.push(bodies[0].replace("\"v\":1", "\"v\":9"));
    let store = Memory::default();
    assert_eq!(deliver(&store, &bodies).await, ["m1", "m3", "m5"]);
    assert_eq!(store.objects.lock().unwrap().len(), 6);
}

/// Pinned: the table in Athena reads these files.
#[test]
fn the_row_has_every_column() {
    let [locked, derived] = decide::objects(&record(1)).unwrap();
    assert_eq!((locked.bucket, derived.bucket), (Bucket::Locked, Bucket::Derived));
    assert_eq!(locked.name, format!("t/ten_081040g2081040g2/event/{}.json", record(1).event_id));
    assert!(
        derived.name.starts_with("task_timeline/tenant_id=ten_081040g2081040g2/dt=2026-11-23/"),
        "{}",
        derived.name
    );
    let row: serde_json::Value = serde_json::from_str(&derived.body).unwrap();
    assert_eq!(row.as_object().unwrap().len(), AuditRecord::FIELDS.len() - 1);
    assert_eq!(row["created_at"], "2026-11-23 10:42:10.121");
    assert_eq!(row["dlp"], r#"{"email":2}"#);
    assert_eq!(row["metadata"], r#"{"held_tokens":7}"#);
    assert!(row["model"].is_null());
    assert_eq!(derived.body.lines().count(), 1);
}
