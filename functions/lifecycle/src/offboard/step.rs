//! What is done to one row of what a leaver held, and what is said of it: pure.

use domain::{
    ActionId, Actor, ActorType, Agent, AgentId, AuditRecord, Code, Decided, Description, EventId, EventType,
    KeyRow, MetaValue, Metadata, Offboarding, OrgId, Phase, RECORD_VERSION, Region, ScimSlots, ScimTokenRow,
    TenantId, Timestamp,
};
use tables::offboard::{agent_item, key_item};
use tables::people::token_revoked;
use tables::{Item, Key, Swap};

/// What becomes of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Did {
    /// A key of the leaver's.
    Revoked,
    /// A key whose secret the leaver saw.
    RotationDue,
    Suspended,
    Reassigned,
    /// A directory's token that the leaver was shown.
    TokenRevoked,
}

/// How often each was done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    pub revoked: u64,
    pub rotations: u64,
    pub suspended: u64,
    pub reassigned: u64,
    pub tokens: u64,
}

impl Tally {
    pub fn add(&mut self, did: Did) {
        let count = match did {
            Did::Revoked => &mut self.revoked,
            Did::RotationDue => &mut self.rotations,
            Did::Suspended => &mut self.suspended,
            Did::Reassigned => &mut self.reassigned,
            Did::TokenRevoked => &mut self.tokens,
        };
        *count = count.saturating_add(1);
    }
}

/// Rows for others, all or none, and what is said of it. The first is the one that it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    pub did: Did,
    pub swaps: Vec<Swap>,
    pub tenant: TenantId,
    pub agent: Option<AgentId>,
    resource: String,
}

/// What a key becomes, if anything.
pub fn of_key(left: &Offboarding, place: &Key, item: &Item, key: &KeyRow, now: Timestamp) -> Option<Step> {
    // Another organization's key is none of theirs, wherever it is listed.
    let ended = left.end_key(key, now).filter(|_| key.org == left.org)?;
    let did = if ended.revoked_at.is_some() { Did::Revoked } else { Did::RotationDue };
    let new = key_item(item, &ended);
    Some(Step {
        did,
        swaps: vec![Swap { key: place.clone(), old: Some(item.clone()), new }],
        tenant: key.tenant.clone(),
        agent: Some(key.agent.clone()),
        resource: format!("key:{}", key.id),
    })
}

/// What an agent becomes, if anything.
pub fn of_agent(
    left: &Offboarding,
    tenant: &TenantId,
    (place, item): (&Key, &Item),
    agent: &Agent,
    deputy_is_active: bool,
) -> Option<Step> {
    let ended = left.end_agent(agent, deputy_is_active)?;
    let did = if ended.owner == agent.owner { Did::Suspended } else { Did::Reassigned };
    let new = agent_item(item, &ended);
    Some(Step {
        did,
        swaps: vec![Swap { key: place.clone(), old: Some(item.clone()), new }],
        tenant: tenant.clone(),
        agent: Some(agent.id.clone()),
        resource: format!("agent:{}", agent.id),
    })
}

/// What a directory's token becomes, if anything: at once, as with it whoever has it could let themselves in again. `slots`:
/// the row of its connection's live tokens.
pub fn of_token(
    left: &Offboarding,
    (place, item): (&Key, &Item),
    token: &ScimTokenRow,
    slots: (Option<&Item>, ScimSlots),
    now: Timestamp,
) -> Option<Step> {
    // Whatever the row says, it is of the connection that it lies at.
    let own = *place == Key::scim_token(&token.connection, &token.id);
    if !own || !left.ends_token(token, now) {
        return None;
    }
    let slots = (Key::scim_slots(&token.connection), slots.0, slots.1);
    Some(Step {
        did: Did::TokenRevoked,
        swaps: token_revoked((place.clone(), item), &token.id, slots, now),
        tenant: TenantId::platform(),
        agent: None,
        resource: format!("scim_token:{}", token.id),
    })
}

/// When, and as which event.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    pub region: Region,
    pub at: Timestamp,
    pub random: [u8; 10],
}

/// What the log says of a step: before it, and after it. `reason` says how it ended.
pub fn record(
    left: &Offboarding,
    step: &Step,
    action: ActionId,
    phase: Phase,
    reason: &'static str,
    moment: Moment,
) -> AuditRecord {
    let (event, name, description) = match step.did {
        Did::Revoked => (
            EventType::KeyRevoked,
            "offboarding.revoke",
            "A gateway key of somebody who has left is revoked.",
        ),
        Did::RotationDue => (
            EventType::KeyRotationDue,
            "offboarding.rotation_due",
            "Somebody who has left saw a gateway key's secret: it is to be replaced.",
        ),
        Did::Suspended => (
            EventType::AdminAgent,
            "offboarding.suspend",
            "An agent is suspended: whoever answered for it has left.",
        ),
        Did::Reassigned => (
            EventType::AdminAgent,
            "offboarding.reassign",
            "An agent goes to its deputy: whoever answered for it has left.",
        ),
        Did::TokenRevoked => (
            EventType::AdminScimToken,
            "offboarding.revoke_token",
            "A directory's token is revoked: whoever was shown it has left.",
        ),
    };
    let told = Told { event, name, description, phase, reason, metadata: metadata(left) };
    AuditRecord {
        action_id: Some(action),
        agent_id: step.agent.clone(),
        resource: step.resource.parse().ok(),
        ..told.record(left.org.clone(), step.tenant.clone(), moment)
    }
}

/// What the organization's log says once all was gone through.
pub fn summary(left: &Offboarding, tally: Tally, moment: Moment) -> AuditRecord {
    let metadata = metadata(left)
        .count("keys_revoked", tally.revoked)
        .count("rotations_due", tally.rotations)
        .count("agents_suspended", tally.suspended)
        .count("agents_reassigned", tally.reassigned)
        .count("scim_tokens_revoked", tally.tokens);
    let told = Told {
        event: EventType::AdminOffboarding,
        name: "offboarding.done",
        description: "What somebody who has left held was gone through.",
        phase: Phase::Single,
        reason: "completed",
        metadata,
    };
    AuditRecord {
        resource: format!("user:{}", left.user).parse().ok(),
        ..told.record(left.org.clone(), TenantId::platform(), moment)
    }
}

/// Of whom, and of which of their ends.
fn metadata(left: &Offboarding) -> Metadata {
    let cause = MetaValue::Code(Code::literal(left.cause.as_str()));
    let metadata = Metadata::default().with("cause", cause).count("epoch", left.epoch);
    match left.user.as_str().parse() {
        Ok(user) => metadata.with("user", MetaValue::Code(user)),
        Err(_) => metadata,
    }
}

struct Told {
    event: EventType,
    name: &'static str,
    description: &'static str,
    phase: Phase,
    reason: &'static str,
    metadata: Metadata,
}

impl Told {
    fn record(self, org: OrgId, tenant: TenantId, moment: Moment) -> AuditRecord {
        let Moment { region, at, random } = moment;
        AuditRecord::new(
            RECORD_VERSION,
            EventId::new(at, random),
            at,
            region,
            org,
            tenant,
            self.event,
            self.phase,
            ActorType::System,
            Actor::system(),
            Code::literal(self.name),
            Decided::Allow,
            Code::literal(self.reason),
            Description::literal(self.description),
            self.metadata,
        )
    }
}
