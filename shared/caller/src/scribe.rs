//! Writes the audit records of a call. The caller's address is sealed here, before anything leaves the process.

use std::net::IpAddr;
use std::sync::Arc;

use crate::{Asserted, Person};
use domain::{
    ActionId, Actor, ActorType, AuditRecord, Authority, Code, Decided, Description, EventId, EventType,
    KeyRow, Metadata, Opaque, Phase, RECORD_VERSION, Reason, Region, SealedBytes, Timestamp,
};
use envelope::{Aad, RootKey, SEAL_RANDOM_BYTES};

/// What is the same in every record of one call.
#[derive(Clone)]
pub struct Scribe {
    pub row: KeyRow,
    pub region: Region,
    pub source_ip: Option<IpAddr>,
    pub request_id: Option<Opaque>,
    /// Absent when the tenant's keys cannot be used: the call is refused then, and the refusal is recorded
    /// without what would have to be sealed.
    pub audit_key: Option<Arc<RootKey>>,
    pub action: &'static str,
    /// What the caller says about the call, as it may be recorded.
    pub said: Said,
}

/// What a caller asserts: people and conversations as keyed digests, the person it acts for to be sealed.
#[derive(Clone, Default)]
pub struct Said {
    subjects: Option<Vec<Opaque>>,
    purpose: Option<Code>,
    conversation: Option<Opaque>,
    /// Sealed under their own key, and left out where there is none.
    on_behalf_of: Option<(String, Person)>,
}

impl Said {
    /// The conversation's keyed digest, if one was named.
    pub const fn conversation(&self) -> Option<&Opaque> {
        self.conversation.as_ref()
    }

    /// Without keys nothing of it can be recorded but the purpose.
    pub fn new(asserted: &Asserted, pseudonym: Option<&RootKey>, person: Option<&Person>) -> Self {
        let digest = |field: &str, text: &str| pseudonym?.pseudonym(field, text).parse::<Opaque>().ok();
        let subjects: Vec<_> =
            asserted.subjects.iter().filter_map(|subject| digest("subject", subject)).collect();
        Self {
            subjects: (!subjects.is_empty()).then_some(subjects),
            purpose: asserted.purpose.clone(),
            conversation: asserted.conversation.as_deref().and_then(|text| digest("conversation", text)),
            on_behalf_of: asserted.on_behalf_of.clone().zip(person.cloned()),
        }
    }
}

/// People's names.
impl std::fmt::Debug for Said {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Said(..)")
    }
}

/// Holds an address and perhaps a name.
impl std::fmt::Debug for Scribe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scribe").field("action", &self.action).finish_non_exhaustive()
    }
}

/// Fresh random bytes for what one record seals, one part per field: no two seals share any.
#[derive(Debug, Clone, Copy)]
pub struct SealRandom {
    pub source_ip: [u8; SEAL_RANDOM_BYTES],
    pub on_behalf_of: [u8; SEAL_RANDOM_BYTES],
}

impl SealRandom {
    /// # Errors
    /// The operating system has no random bytes: the call is refused.
    pub fn draw() -> Result<Self, aws::EntropyError> {
        Ok(Self { source_ip: aws::random()?, on_behalf_of: aws::random()? })
    }
}

/// What one record needs of its own.
#[derive(Debug)]
pub struct Entry {
    pub at: Timestamp,
    pub event_id: EventId,
    /// None for a record that seals nothing: what a tool was asked, or gave back, points to the attempt by its action.
    pub seal_random: Option<SealRandom>,
    pub event: EventType,
    pub phase: Phase,
    pub decision: Decided,
    pub reason: Reason,
    pub description: &'static str,
    pub metadata: Metadata,
}

impl Scribe {
    pub fn record(&self, action_id: ActionId, entry: Entry) -> AuditRecord {
        let Entry { at, event_id, seal_random, event, phase, decision, reason, description, metadata } =
            entry;
        let row = &self.row;
        let source_ip = seal_random.and_then(|random| {
            self.seal(event_id, "source_ip", self.source_ip.map(|ip| ip.to_string()), &random.source_ip)
        });
        let on_behalf_of = seal_random.and_then(|random| self.seal_person(event_id, &random.on_behalf_of));
        let lacks = seal_random.is_some() && source_ip.is_none();
        let metadata = if lacks { metadata.flag("source_ip_missing", true) } else { metadata };
        let asserts = self.said.on_behalf_of.is_some() || self.said.subjects.is_some();
        AuditRecord {
            agent_id: Some(row.agent.clone()),
            action_id: Some(action_id),
            request_id: self.request_id.clone(),
            auth_method: Some(Code::literal("gateway_key")),
            authority: Some(Authority { key_id: Some(row.id.clone()), role: None, policy_version: None }),
            source_ip,
            on_behalf_of_ref: on_behalf_of
                .as_ref()
                .and(self.said.on_behalf_of.as_ref())
                .map(|(_, who)| who.subject.clone()),
            on_behalf_of,
            // Asserted by the agent, proven by nobody.
            identity_verified: asserts.then_some(false),
            subject_refs: self.said.subjects.clone(),
            purpose: self.said.purpose.clone(),
            conversation_id: self.said.conversation.clone(),
            ..AuditRecord::new(
                RECORD_VERSION,
                event_id,
                at,
                self.region,
                row.org.clone(),
                row.tenant.clone(),
                event,
                phase,
                ActorType::Agent,
                Actor::from(&row.agent),
                Code::literal(self.action),
                decision,
                Code::literal(reason.as_str()),
                Description::literal(description),
                metadata,
            )
        }
    }

    fn seal_person(&self, event: EventId, random: &[u8; SEAL_RANDOM_BYTES]) -> Option<SealedBytes> {
        let (name, person) = self.said.on_behalf_of.as_ref()?;
        let aad = Aad::record(&self.row.tenant, event, "on_behalf_of");
        person.key.seal(&aad, name.as_bytes(), random).ok().map(SealedBytes::from)
    }

    fn seal(
        &self,
        event: EventId,
        field: &str,
        value: Option<String>,
        random: &[u8; SEAL_RANDOM_BYTES],
    ) -> Option<SealedBytes> {
        let aad = Aad::record(&self.row.tenant, event, field);
        self.audit_key.as_ref()?.seal(&aad, value?.as_bytes(), random).ok().map(SealedBytes::from)
    }
}
