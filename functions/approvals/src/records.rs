//! Writes the audit records of approvals: who looked, who said what, what became of it, and whom it was told.

use domain::{
    ActionId, Actor, ActorType, ApprovalRow, AuditRecord, Authority, Code, Decided, Description, EventId,
    EventType, MetaValue, Metadata, Opaque, OrgId, Phase, RECORD_VERSION, Region, Role, TenantId, Timestamp,
};

use crate::desk::Away;
use crate::who::Session;

/// What is there after a write whose answer was none: if that is not known either, the step's attempt has no outcome, which an
/// alarm tells of.
///
/// # Errors
/// The same.
pub fn unrecorded<T>(scribe: &Scribe, known: Result<T, Away>) -> Result<T, Away> {
    known.inspect_err(|Away| tracing::error!(action_id = %scribe.action_id, "step.not_recorded"))
}

/// What is the same in every record of one step.
#[derive(Clone)]
pub struct Scribe {
    pub action_id: ActionId,
    region: Region,
    request_id: Option<Opaque>,
    /// In whose log it is told.
    org: OrgId,
    tenant: TenantId,
    by: By,
    /// The request that it is about, and its digest.
    about: Option<(Opaque, Code)>,
    policy_version: Option<u64>,
}

#[derive(Clone)]
enum By {
    Person(Box<Session>, Option<Role>),
    /// The clock, or what the queue tells of.
    System,
}

impl std::fmt::Debug for Scribe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scribe").field("action_id", &self.action_id).finish_non_exhaustive()
    }
}

/// What one record needs of its own.
#[derive(Debug)]
pub struct Entry {
    pub at: Timestamp,
    pub random: [u8; 10],
    pub event: EventType,
    pub phase: Phase,
    pub decision: Decided,
    pub reason: Code,
    pub metadata: Metadata,
}

impl Entry {
    /// Something that is done, or that it is about to be.
    pub fn of(event: EventType, phase: Phase, at: Timestamp, random: [u8; 10]) -> Self {
        let reason = Code::literal(if phase == Phase::Attempt { "allowed" } else { "completed" });
        Self { at, random, event, phase, decision: Decided::Allow, reason, metadata: Metadata::default() }
    }

    #[must_use]
    pub fn because(self, reason: &'static str) -> Self {
        Self { reason: Code::literal(reason), ..self }
    }

    #[must_use]
    pub fn with(self, metadata: Metadata) -> Self {
        Self { metadata, ..self }
    }

    /// A refusal of somebody who is known.
    pub fn refusal(event: EventType, reason: &'static str, at: Timestamp, random: [u8; 10]) -> Self {
        Self { decision: Decided::Deny, ..Self::of(event, Phase::Single, at, random) }.because(reason)
    }
}

impl Scribe {
    /// Of a person, in a tenant's log.
    pub fn person(
        session: &Session,
        role: Option<Role>,
        tenant: &TenantId,
        (region, action_id): (Region, ActionId),
    ) -> Self {
        Self {
            region,
            action_id,
            request_id: None,
            org: session.org.clone(),
            tenant: tenant.clone(),
            by: By::Person(Box::new(session.clone()), role),
            about: None,
            policy_version: None,
        }
    }

    /// Of the clock, or of the queue.
    pub fn system(row: &ApprovalRow, region: Region, action_id: ActionId) -> Self {
        let (org, tenant) = (row.from.org.clone(), row.from.tenant.clone());
        let none = Self {
            region,
            action_id,
            request_id: None,
            org,
            tenant,
            by: By::System,
            about: None,
            policy_version: None,
        };
        none.about(row)
    }

    /// The same of one request of the platform's.
    #[must_use]
    pub fn of_request(self, request_id: Option<Opaque>) -> Self {
        Self { request_id, ..self }
    }

    /// The same about a request for approval.
    #[must_use]
    pub fn about(mut self, row: &ApprovalRow) -> Self {
        let id = row.id.as_str().parse().ok();
        let digest = row.asked.digest.as_str().parse().ok();
        self.about = id.zip(digest);
        self.policy_version = Some(row.asked.policy_version);
        self
    }

    pub fn record(&self, entry: Entry) -> AuditRecord {
        let Entry { at, random, event, phase, decision, reason, metadata } = entry;
        let metadata = match &self.about {
            Some((_, digest)) => metadata.with("action_sha256", MetaValue::Code(digest.clone())),
            None => metadata,
        };
        let (actor_type, actor) = match &self.by {
            By::Person(session, _) => (ActorType::User, Actor::from(&session.user)),
            By::System => (ActorType::System, Actor::system()),
        };
        let record = AuditRecord::new(
            RECORD_VERSION,
            EventId::new(at, random),
            at,
            self.region,
            self.org.clone(),
            self.tenant.clone(),
            event,
            phase,
            actor_type,
            actor,
            Code::literal(event.as_str()),
            decision,
            reason,
            Description::literal(description(event, decision)),
            metadata,
        );
        self.signed(AuditRecord {
            action_id: Some(self.action_id),
            request_id: self.request_id.clone(),
            approval_id: self.about.as_ref().map(|(id, _)| id.clone()),
            resource: self
                .about
                .as_ref()
                .and_then(|(id, _)| format!("approval:{}", id.as_str()).parse().ok()),
            ..record
        })
    }

    /// With the session of whoever it is, and how they came by it.
    fn signed(&self, record: AuditRecord) -> AuditRecord {
        let By::Person(session, role) = &self.by else { return record };
        let role = role.and_then(|role| role.as_str().parse().ok());
        AuditRecord {
            session_id: session.id.as_str().parse().ok(),
            auth_method: Some(session.method.clone()),
            mfa: Some(session.mfa),
            authority: Some(Authority { key_id: None, role, policy_version: self.policy_version }),
            ..record
        }
    }
}

const fn description(event: EventType, decision: Decided) -> &'static str {
    match (decision, event) {
        (Decided::Deny, EventType::ApprovalViewed) => "A look at a request for approval is refused.",
        (Decided::Deny, _) => "A word about a request for approval is refused.",
        (_, EventType::ApprovalViewed) => "A person looks at a request for approval.",
        (_, EventType::ApprovalVoted) => "A person approves or denies a request, as far as it is theirs.",
        (_, EventType::ApprovalDecided) => "A request for approval is decided.",
        (_, EventType::ApprovalExpired) => "A request for approval was not decided, or not used, in time.",
        (_, EventType::ApprovalCancelled) => {
            "A request for approval is cancelled: a switch was turned, or somebody has left."
        }
        (_, EventType::ApprovalNotified) => "People are told of a request for approval, by a link alone.",
        (_, EventType::ApprovalCalledBack) => "An agent is told of the end of its request.",
        _ => "A step of a request for approval.",
    }
}
