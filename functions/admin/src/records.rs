//! Writes the audit records of the management API: who, what, when and by which authority.

use domain::{
    ActionId, Actor, ActorType, AuditRecord, Authority, Code, Decided, Description, EventId, EventType,
    Metadata, Opaque, OrgId, Phase, RECORD_VERSION, Region, TenantId, Through, Timestamp,
};

use crate::ask::Who;
use crate::refusal::Why;

/// What is the same in every record of one request.
#[derive(Clone)]
pub struct Scribe {
    pub region: Region,
    pub action_id: ActionId,
    pub actor: Actor,
    pub actor_type: ActorType,
    pub method: &'static str,
    pub session: Option<Opaque>,
    pub mfa: Option<bool>,
    pub request_id: Option<Opaque>,
    /// In whose log it is told.
    pub org: OrgId,
    pub tenant: TenantId,
    /// The operation's name.
    pub action: &'static str,
    pub event: EventType,
}

impl std::fmt::Debug for Scribe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scribe").field("action", &self.action).finish_non_exhaustive()
    }
}

/// What one record needs of its own.
#[derive(Debug)]
pub struct Entry {
    pub at: Timestamp,
    pub random: [u8; 10],
    pub phase: Phase,
    pub decision: Decided,
    pub reason: Code,
    pub authority: Option<Authority>,
    pub resource: Option<String>,
    pub metadata: Metadata,
}

impl Scribe {
    /// Of a person in a session.
    pub fn of(
        who: &Who,
        region: Region,
        action_id: ActionId,
        action: &'static str,
        event: EventType,
    ) -> Self {
        Self {
            region,
            action_id,
            actor: Actor::from(&who.user),
            actor_type: match who.session.through {
                Through::Connection(_) => ActorType::User,
                Through::Workload(_) => ActorType::Workload,
            },
            method: "session",
            session: who.session.id.as_str().parse().ok(),
            mfa: Some(who.session.mfa),
            request_id: None,
            org: who.org.clone(),
            tenant: TenantId::platform(),
            action,
            event,
        }
    }

    #[must_use]
    pub fn in_log_of(self, org: OrgId, tenant: TenantId) -> Self {
        Self { org, tenant, ..self }
    }

    pub fn record(&self, entry: Entry) -> AuditRecord {
        let Entry { at, random, phase, decision, reason, authority, resource, metadata } = entry;
        AuditRecord {
            action_id: Some(self.action_id),
            request_id: self.request_id.clone(),
            session_id: self.session.clone(),
            auth_method: Some(Code::literal(self.method)),
            mfa: self.mfa,
            authority,
            resource: resource.and_then(|resource| resource.parse().ok()),
            ..AuditRecord::new(
                RECORD_VERSION,
                EventId::new(at, random),
                at,
                self.region,
                self.org.clone(),
                self.tenant.clone(),
                self.event,
                phase,
                self.actor_type,
                self.actor.clone(),
                Code::literal(self.action),
                decision,
                reason,
                Description::literal(description(self.event, decision)),
                metadata,
            )
        }
    }

    /// A refusal of somebody who is known.
    pub fn refusal(&self, why: Why, at: Timestamp, random: [u8; 10]) -> AuditRecord {
        let refused = Self { event: EventType::AdminRefused, ..self.clone() };
        refused.record(Entry {
            at,
            random,
            phase: Phase::Single,
            decision: Decided::Deny,
            reason: why.code(),
            authority: None,
            resource: None,
            metadata: Metadata::default(),
        })
    }
}

const fn description(event: EventType, decision: Decided) -> &'static str {
    match (decision, event) {
        (Decided::Deny, EventType::AuthSignIn) => "A sign-in is refused.",
        (Decided::Deny, EventType::AdminBootstrap) => {
            "No first organization is made: one may be, once, and as it should be."
        }
        (Decided::Deny, _) => "A management request is refused.",
        (_, EventType::AuthSignIn) => "A person signs in through an identity provider.",
        (_, EventType::AuthSession) => "A session is ended.",
        (_, EventType::AuthHandOff) => "A code is given out by which a session goes to another place.",
        (_, EventType::AdminBootstrap) => "The first organization is made, by whoever IAM says.",
        (_, EventType::AdminOrg) => "An organization is made or changed.",
        (_, EventType::AdminTenant) => "A tenant is made or changed.",
        (_, EventType::AdminAgent) => "An agent is registered or changed.",
        (_, EventType::AdminKey) => "A gateway key is made, rotated or revoked.",
        (_, EventType::AdminBinding) => "A person's role is given, changed or taken away.",
        (_, EventType::AdminWorkload) => "A program that signs in is made or changed.",
        (_, EventType::AdminUser) => "A person is invited, deactivated or reactivated.",
        (_, EventType::AdminTeam) => "A team is made, named anew or removed.",
        (_, EventType::AdminScimToken) => "A token of a directory is made or revoked.",
        (_, EventType::AdminConnection) => "A connection to an identity provider is made or changed.",
        (_, EventType::AdminChange) => {
            "A change that needs a second person is asked for, confirmed or withdrawn."
        }
        (_, EventType::AuditQuery) => "The audit trail is asked.",
        (_, EventType::AdminBreakGlass) => {
            "A platform administrator's way into a tenant is asked for, opened, or closed."
        }
        (_, EventType::AdminRead) => "A platform administrator looks into a tenant by break-glass.",
        (_, EventType::AdminProvider) => "A provider of a tenant is added, changed or taken off its list.",
        (_, EventType::AdminPolicy) => "What is taken out of calls is changed.",
        (_, EventType::AdminGate) => "Which actions need whom is changed.",
        (_, EventType::AdminChannels) => "How people and agents are told of requests is changed.",
        (_, EventType::AdminLimit) => "Limits of use are changed.",
        (_, EventType::AdminNetwork) => "Networks are changed from which gateway keys may be used.",
        (_, EventType::KillActivated) => {
            "A kill switch is turned on: whatever is below it is refused from then on."
        }
        (_, EventType::KillRecovered) => "A kill switch is turned off.",
        _ => "A management request.",
    }
}
