//! Records and producers for tests.

use domain::{
    Actor, ActorType, AgentId, AuditRecord, Code, Decided, Description, EventId, EventType, Metadata, OrgId,
    Phase, ProducerId, RECORD_VERSION, Region, TenantId, Timestamp,
};
use ed25519_dalek::{Signer as _, SigningKey};

use crate::{Hash, Producer, SignedRecord, Uncertified, VerifierKey};

pub const KEY_NAME: &str = "countersign/eu/gateway";
pub const START: i64 = 1_795_430_530_120;

pub fn at(millis: u64) -> Timestamp {
    Timestamp::from_unix_millis(START).unwrap().plus_millis(millis)
}

/// Instead of KMS.
pub fn kms(number: u8, name: &str) -> (SigningKey, VerifierKey) {
    let key = SigningKey::from_bytes(&[number; 32]);
    let public = VerifierKey::new(name, key.verifying_key().as_bytes()).unwrap();
    (key, public)
}

pub fn producer(number: u8, kms: &SigningKey) -> Producer {
    let id = ProducerId::from_random([number; 10]);
    let draft = Uncertified::new(&[number; 32], id, Hash::of(b"code"), KEY_NAME.to_owned(), at(0));
    let signature = kms.sign(draft.statement().as_bytes()).to_bytes();
    draft.certified(signature)
}

pub fn tenant(number: u8) -> TenantId {
    TenantId::from_random([number; 10])
}

pub fn agent(number: u8) -> AgentId {
    AgentId::from_random([number; 10])
}

/// The n-th record of a tenant's agent.
pub fn record(of: u8, by: u8, n: u32) -> AuditRecord {
    let at = at(u64::from(n));
    let mut random = [of; 10];
    random[..4].copy_from_slice(&n.to_be_bytes());
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
        Actor::from(&agent(by)),
        Code::literal("llm.call"),
        Decided::Allow,
        Code::literal("allowed"),
        Description::literal("An agent calls a model."),
        Metadata::default().count("held_tokens", 7),
    );
    record.agent_id = Some(agent(by));
    record
}

pub fn signed(producer: &mut Producer, of: u8, by: u8, n: u32) -> SignedRecord {
    producer.sign(record(of, by, n)).unwrap()
}
