//! Signed records of made-up tenants.

use std::sync::LazyLock;

use domain::{
    Actor, ActorType, AgentId, AuditRecord, Code, Decided, Description, EventId, EventType, Metadata, OrgId,
    Phase, ProducerId, RECORD_VERSION, Region, TenantId, Timestamp,
};
use ed25519_dalek::{Signer as _, SigningKey};
use ledger::{Hash, Producer, SignedRecord, Uncertified, VerifierKey};

pub const KEY_NAME: &str = "countersign/eu/gateway";
/// Just before midnight, so that a few records fall on two days.
const START: i64 = 1_795_478_399_998;
pub static NOW: LazyLock<Timestamp> = LazyLock::new(|| at(5_000));

pub fn at(millis: u64) -> Timestamp {
    Timestamp::from_unix_millis(START).expect("a time").plus_millis(millis)
}

pub fn tenant(number: u8) -> TenantId {
    TenantId::from_random([number; 10])
}

pub fn key() -> (SigningKey, VerifierKey) {
    let key = SigningKey::from_bytes(&[9; 32]);
    let public = VerifierKey::new(KEY_NAME, key.verifying_key().as_bytes()).expect("a key");
    (key, public)
}

fn producer(of: u8) -> Producer {
    let id = ProducerId::from_random([of; 10]);
    let draft = Uncertified::new(&[of; 32], id, Hash::of(b"code"), KEY_NAME.to_owned(), at(0));
    let signature = key().0.sign(draft.statement().as_bytes()).to_bytes();
    draft.certified(signature)
}

fn record(of: u8, n: u32, at: Timestamp) -> AuditRecord {
    let mut random = [of; 10];
    let [a, b, c, d] = n.to_be_bytes();
    random[..4].copy_from_slice(&[a, b, c, d]);
    let agent = AgentId::from_random([u8::try_from(n % 2).expect("a small number"); 10]);
    let mut record = AuditRecord::new(
        RECORD_VERSION,
        EventId::new(at, random),
        at,
        Region::Eu,
        OrgId::from_random([1; 10]),
        tenant(of),
        EventType::LlmCall,
        Phase::Single,
        ActorType::Agent,
        Actor::from(&agent),
        Code::literal("llm.call"),
        Decided::Allow,
        Code::literal("allowed"),
        Description::literal("An agent calls a model."),
        Metadata::default().count("held_tokens", 7),
    );
    // Every third is nobody's.
    record.agent_id = (n % 3 != 2).then_some(agent);
    record
}

/// Records of a tenant by their numbers, always the same: one producer sends them all, in order.
pub fn batch(of: u8, numbers: std::ops::Range<u32>) -> Vec<SignedRecord> {
    let mut producer = producer(of);
    let mut sign = |n: u32| producer.sign(record(of, n, at(n.into()))).expect("a record");
    let all: Vec<_> = (0..numbers.end).map(&mut sign).collect();
    all.into_iter().skip(usize::try_from(numbers.start).expect("a small number")).collect()
}

pub fn bodies(records: &[SignedRecord]) -> Vec<String> {
    records.iter().map(|one| one.to_text().expect("a text")).collect()
}

/// A message that comes 31 days late.
pub fn old() -> String {
    let at = Timestamp::from_unix_millis(START - 31 * 86_400_000).expect("a time");
    producer(7).sign(record(7, 0, at)).expect("a record").to_text().expect("a text")
}
