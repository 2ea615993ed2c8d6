//! Writes the audit records of directories: what was pushed, by which token, and what became of it. Ids and counts, never a name.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use domain::{
    ActionId, Actor, ActorType, AuditRecord, Code, Decided, Description, EventId, EventType, Metadata,
    Opaque, OrgId, Phase, RECORD_VERSION, Region, TenantId, Timestamp,
};

use crate::directory::Known;

/// What is the same in every record of one request.
#[derive(Debug, Clone)]
pub struct Scribe {
    pub region: Region,
    pub action_id: ActionId,
    pub known: Known,
    pub request_id: Option<Opaque>,
    /// `modern` (TLS 1.3), `older` (1.2) or `other`, by what the platform said.
    pub tls: Option<Code>,
    /// Such as `users.patch`.
    pub action: &'static str,
    pub event: EventType,
    /// Whether an attempt was recorded: from then on there is an outcome.
    pub begun: Arc<AtomicBool>,
    /// Whether it was by an access token, and not by the directory's own.
    pub by_access: bool,
}

/// What one record needs of its own.
#[derive(Debug)]
pub struct Entry {
    pub at: Timestamp,
    pub random: [u8; 10],
    pub phase: Phase,
    pub decision: Decided,
    pub reason: Code,
    pub resource: Option<String>,
    pub metadata: Metadata,
}

impl Scribe {
    pub fn record(&self, entry: Entry) -> AuditRecord {
        let Entry { at, random, phase, decision, reason, resource, metadata } = entry;
        let org: &OrgId = &self.known.org;
        let metadata = match &self.tls {
            Some(tls) => metadata.with("tls", domain::MetaValue::Code(tls.clone())),
            None => metadata,
        };
        AuditRecord {
            action_id: Some(self.action_id),
            request_id: self.request_id.clone(),
            auth_method: Some(self.method()),
            resource: resource.and_then(|resource| resource.parse().ok()),
            ..AuditRecord::new(
                RECORD_VERSION,
                EventId::new(at, random),
                at,
                self.region,
                org.clone(),
                TenantId::platform(),
                self.event,
                phase,
                if self.known.token.is_some() { ActorType::Directory } else { ActorType::System },
                self.known.token.as_ref().map_or_else(Actor::system, Actor::from),
                Code::literal(self.action),
                decision,
                reason,
                Description::literal(description(self.event)),
                metadata,
            )
        }
    }

    /// By what a directory may say something: the token that it pushes by, or that it was asked.
    pub fn method(&self) -> Code {
        Code::literal(match &self.known.token {
            Some(_) if self.by_access => "scim_access",
            Some(_) => "scim_token",
            None => "directory_pull",
        })
    }

    /// A refusal of a directory that is known.
    pub fn refusal(&self, reason: Code, at: Timestamp, random: [u8; 10]) -> AuditRecord {
        let refused = Self { event: EventType::ScimRefused, ..self.clone() };
        refused.record(Entry {
            at,
            random,
            phase: Phase::Single,
            decision: Decided::Deny,
            reason,
            resource: None,
            metadata: Metadata::default(),
        })
    }
}

const fn description(event: EventType) -> &'static str {
    match event {
        EventType::ScimUser => "A directory tells of a person.",
        EventType::ScimGroup => "A directory tells of a group, or who is in it.",
        EventType::ScimAccess => "A directory is given an access token.",
        _ => "A request of a directory is refused.",
    }
}
