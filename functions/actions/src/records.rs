//! What the records of actions say beside who made them.

use std::collections::BTreeSet;

use caller::{Entry, Scribe, SealRandom};
use domain::{
    ActionId, Actor, ActorType, ApprovalId, AuditRecord, Authority, Code, Decided, Description, Digest,
    EventId, EventType, MetaValue, Metadata, Name, Opaque, OrgId, PermitId, Phase, RECORD_VERSION, Reason,
    Region, RunRow, Timestamp,
};

use crate::decide::{Moment, Random};
use crate::permit::Claims;
use crate::refusal;
use crate::response::Refused;

/// What becomes known of an action while it is decided. Added to every record from then on.
#[derive(Debug, Clone, Default)]
pub struct Known {
    pub authority: Option<Authority>,
    pub tool: Option<Name>,
    /// Of the canonical action.
    pub digest: Option<Digest>,
    /// Gates that stopped it.
    pub gates: BTreeSet<Name>,
    pub approval: Option<ApprovalId>,
    pub permit: Option<PermitId>,
}

impl Known {
    fn add_to(&self, record: &mut AuditRecord) {
        if let Some(authority) = &self.authority {
            record.authority = Some(authority.clone());
        }
        let tool = self.tool.as_ref();
        record.resource = tool.and_then(|tool| format!("tool:{tool}").parse().ok());
        record.approval_id = self.approval.as_ref().and_then(|id| id.as_str().parse::<Opaque>().ok());
    }

    fn metadata(&self) -> Metadata {
        let code = |text: &str| text.parse::<Code>().ok().map(MetaValue::Code);
        let with = |metadata: Metadata, name: &str, value: Option<MetaValue>| match value {
            Some(value) => metadata.with(name, value),
            None => metadata,
        };
        let digest = self.digest.as_ref().and_then(|digest| code(digest.as_str()));
        let metadata = with(Metadata::default(), "action_sha256", digest);
        let metadata = with(metadata, "permit", self.permit.as_ref().and_then(|id| code(id.as_str())));
        let gates = u64::try_from(self.gates.len()).unwrap_or(u64::MAX);
        if gates > 0 { metadata.count("gates", gates) } else { metadata }
    }
}

/// Who writes the records of a request by a gateway key.
#[derive(Debug, Clone)]
pub struct Writer {
    scribe: Scribe,
    pub action_id: ActionId,
    /// For whom the agent says that it acts, as a keyed digest.
    pub on_behalf_of: Option<Opaque>,
    first: (EventId, SealRandom),
    second: (EventId, SealRandom),
}

impl Writer {
    pub fn new(scribe: Scribe, action_id: ActionId, on_behalf_of: Option<Opaque>, moment: &Moment) -> Self {
        let Random { first_event, second_event, first_seal, second_seal, .. } = &moment.random;
        Self {
            scribe,
            action_id,
            on_behalf_of,
            first: (EventId::new(moment.now, *first_event), *first_seal),
            second: (EventId::new(moment.now, *second_event), *second_seal),
        }
    }

    /// The key by which it came.
    pub const fn row(&self) -> &domain::KeyRow {
        &self.scribe.row
    }

    pub fn record(&self, at: Timestamp, phase: Phase, reason: Reason, known: &Known) -> AuditRecord {
        let good = matches!(reason, Reason::Allowed | Reason::Completed | Reason::ApprovalPending);
        let (event_id, seal) = if phase == Phase::Outcome { self.second } else { self.first };
        let row = refusal::row(reason);
        let event =
            if good { EventType::ActionRequested } else { row.event.unwrap_or(EventType::ActionRequested) };
        let metadata = known.metadata();
        let metadata = if good { metadata } else { metadata.count("status", row.status.into()) };
        let entry = Entry {
            at,
            event_id,
            seal_random: Some(seal),
            event,
            phase,
            decision: if good { Decided::Allow } else { Decided::Deny },
            reason,
            description: description(phase, reason),
            metadata,
        };
        let mut record = self.scribe.record(self.action_id, entry);
        known.add_to(&mut record);
        record
    }

    /// A refusal before anything was done.
    pub fn refusal(&self, at: Timestamp, refused: &Refused, known: &Known) -> AuditRecord {
        self.record(at, Phase::Single, refused.reason, known)
    }
}

const fn description(phase: Phase, reason: Reason) -> &'static str {
    match (phase, reason) {
        (Phase::Attempt, _) => "An agent asks for an action: it is being decided.",
        (_, Reason::Completed) => "An action was permitted: a permit was given out for it.",
        (_, Reason::ApprovalPending) => "An action waits for people to approve it.",
        _ => "An action was refused: no permit was given out.",
    }
}

/// One record of an action whose outcome nobody told in time.
#[derive(Debug)]
pub struct Silence<'a> {
    pub run: &'a RunRow,
    pub org: &'a OrgId,
    pub region: Region,
    pub action: ActionId,
    pub phase: Phase,
    pub reason: &'static str,
}

impl Silence<'_> {
    pub fn record(&self, at: Timestamp, random: [u8; 10]) -> AuditRecord {
        let run = self.run;
        let known = Known {
            tool: Some(run.tool.clone()),
            digest: Some(run.digest.clone()),
            approval: run.approval.clone(),
            permit: Some(run.permit.clone()),
            ..Known::default()
        };
        let mut record = AuditRecord {
            agent_id: Some(run.agent.clone()),
            action_id: Some(self.action),
            ..AuditRecord::new(
                RECORD_VERSION,
                EventId::new(at, random),
                at,
                self.region,
                self.org.clone(),
                run.tenant.clone(),
                EventType::ActionEnded,
                self.phase,
                ActorType::System,
                Actor::system(),
                Code::literal("actions.overdue"),
                Decided::Allow,
                Code::literal(self.reason),
                Description::literal(
                    "Nobody told in time what came of an action: it is unknown until a person has looked.",
                ),
                known.metadata(),
            )
        };
        known.add_to(&mut record);
        record
    }
}

/// One record of what a tool did with a permit, or tried to.
#[derive(Debug)]
pub struct OfTool<'a> {
    pub claims: &'a Claims,
    pub org: &'a OrgId,
    pub region: Region,
    pub action_id: ActionId,
    pub request_id: Option<Opaque>,
    pub event: EventType,
    /// Of a receipt that the tool keeps.
    pub detail: Option<Digest>,
}

impl OfTool<'_> {
    pub fn record(&self, at: Timestamp, random: [u8; 10], phase: Phase, reason: Reason) -> AuditRecord {
        let good = matches!(reason, Reason::Allowed | Reason::Completed);
        let claims = self.claims;
        let known = Known {
            authority: Some(Authority {
                key_id: Some(claims.key_id.clone()),
                role: None,
                policy_version: Some(claims.policy_version),
            }),
            tool: Some(claims.aud.clone()),
            digest: Some(claims.action_sha256.clone()),
            gates: BTreeSet::new(),
            approval: claims.approval_id.clone(),
            permit: Some(claims.jti.clone()),
        };
        let mut record = AuditRecord {
            agent_id: Some(claims.agent_id.clone()),
            action_id: Some(self.action_id),
            request_id: self.request_id.clone(),
            auth_method: Some(Code::literal("permit")),
            ..AuditRecord::new(
                RECORD_VERSION,
                EventId::new(at, random),
                at,
                self.region,
                self.org.clone(),
                claims.tenant_id.clone(),
                self.event,
                phase,
                ActorType::Agent,
                Actor::from(&claims.agent_id),
                Code::literal("actions.run"),
                if good { Decided::Allow } else { Decided::Deny },
                Code::literal(reason.as_str()),
                Description::literal(self.says(good)),
                self.detailed(known.metadata()),
            )
        };
        known.add_to(&mut record);
        record
    }

    fn detailed(&self, metadata: Metadata) -> Metadata {
        match self.detail.as_ref().and_then(|digest| digest.as_str().parse().ok()) {
            Some(digest) => metadata.with("detail_sha256", MetaValue::Code(digest)),
            None => metadata,
        }
    }

    const fn says(&self, good: bool) -> &'static str {
        match (self.event, good) {
            (EventType::ActionConsumed, true) => "A tool takes a permit, and may act once.",
            (EventType::ActionConsumed, false) => "A tool was refused: it may not act.",
            (_, true) => "A tool told what came of an action.",
            (_, false) => "What a tool told of an action was not taken.",
        }
    }
}
