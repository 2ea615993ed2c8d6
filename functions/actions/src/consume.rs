//! Whether a permit may be consumed, and what became of it: pure, over rows that were read for it. Everything is looked at again,
//! since people may have left and switches may have been turned after the permit was signed; the write compares it once more.

use domain::{
    Agent, ApprovalRow, InEpoch, KeyRow, KeyState, KillScope, Lifecycle, Opaque, Org, Owner, Reason, Run,
    RunRow, Say, Tenant, Timestamp, User, UserId, Vote,
};
use policy::Kills;
use tables::codec::Row;
use tables::standing::role_through;
use tables::{Item, Key, directory};

use crate::permit::Claims;

/// Items by key.
pub type Rows = std::collections::HashMap<Key, Item>;

/// How long whoever consumed a permit has to say what came of it.
pub const DUE_MS: u64 = 60 * 60 * 1_000;

/// What stands around a permit.
#[derive(Debug)]
pub struct Around {
    pub key: Option<KeyRow>,
    pub tenant: Option<Tenant>,
    pub agent: Option<Agent>,
    pub org: Option<Org>,
    pub kills: Kills,
    pub approval: Option<ApprovalRow>,
    /// Rows of people, their roles and groups.
    pub rows: Rows,
}

/// What is to be done about a permit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Write that it is consumed.
    Take,
    /// It was, by the same: told again.
    Again(Timestamp),
    Refuse(Reason),
    /// It will never be: written down, so that nothing that comes back brings it back.
    Cancel(Reason),
}

fn find<T: Row>(rows: &Rows, key: &Key) -> Option<T> {
    rows.get(key).and_then(|item| T::from_item(item).ok())
}

/// Whether a permit may be taken now.
pub fn consume(
    claims: &Claims,
    run: Option<&RunRow>,
    consumer: &Opaque,
    around: &Around,
    now: Timestamp,
) -> Verdict {
    if let Some(run) = run {
        return match run.state {
            Run::Cancelled => Verdict::Refuse(Reason::ApprovalCancelled),
            // An answer was lost. Whoever asks again may have begun: what is looked at again is what must stop even that.
            Run::Consumed if took(run, claims, consumer) && now < run.due_at => {
                let switches = around.kills.check(KillScope::Actions);
                switches.map_or_else(Verdict::Refuse, |()| Verdict::Again(run.due_at))
            }
            _ => Verdict::Refuse(Reason::PermitConsumed),
        };
    }
    if let Err(reason) = claims.in_time(now) {
        return Verdict::Refuse(reason);
    }
    match standing(claims, around, now).and_then(|()| approved(claims, around, now)) {
        Ok(()) => Verdict::Take,
        // What could not be read is no reason to end it for good.
        Err(reason @ (Reason::FactsUnavailable | Reason::PermitInvalid)) => Verdict::Refuse(reason),
        Err(reason) if claims.approval_id.is_some() => Verdict::Cancel(reason),
        Err(reason) => Verdict::Refuse(reason),
    }
}

/// Whether it was this consumer that took it, for this very action: permits of one idempotency key have one id.
fn took(run: &RunRow, claims: &Claims, consumer: &Opaque) -> bool {
    run.consumer == *consumer
        && run.permit == claims.jti
        && run.approval == claims.approval_id
        && run.digest == claims.action_sha256
        && run.tool == claims.aud
}

/// Everybody behind the key by which it was asked for, and the switches above.
fn standing(claims: &Claims, around: &Around, now: Timestamp) -> Result<(), Reason> {
    let key = around.key.as_ref().ok_or(Reason::FactsUnavailable)?;
    let tenant = around.tenant.as_ref().ok_or(Reason::FactsUnavailable)?;
    let agent = around.agent.as_ref().ok_or(Reason::FactsUnavailable)?;
    let org = around.org.as_ref().ok_or(Reason::FactsUnavailable)?;
    if key.tenant != claims.tenant_id
        || key.agent != claims.agent_id
        || tenant.org != key.org
        || org.id != key.org
    {
        return Err(Reason::PermitInvalid);
    }
    match key.state(now) {
        KeyState::Revoked => return Err(Reason::KeyRevoked),
        KeyState::Expired => return Err(Reason::KeyExpired),
        KeyState::Overdue => return Err(Reason::KeyRotationOverdue),
        KeyState::Created => return Err(Reason::KeyNotActive),
        KeyState::Active | KeyState::Rotating => {}
    }
    let lives = [
        (org.status, Reason::OrgInactive),
        (tenant.status, Reason::TenantInactive),
        (agent.status, Reason::AgentInactive),
    ];
    if let Some((_, reason)) = lives.into_iter().find(|(status, _)| *status != Lifecycle::Active) {
        return Err(reason);
    }
    let user = |id: &UserId| find::<User>(&around.rows, &Key::user(&key.org, id));
    if let Owner::User { id, epoch } = &key.owner
        && !InEpoch::new(id.clone(), *epoch).stands(user(id).as_ref())
    {
        return Err(Reason::OwnerInactive);
    }
    if let Some(owner) = &agent.owner
        && !user(owner).is_some_and(|user| user.active)
    {
        return Err(Reason::AgentOwnerInactive);
    }
    around.kills.check(KillScope::Actions)
}

/// Whether what was approved still is: the same action, in time, by people who still are who they were.
fn approved(claims: &Claims, around: &Around, now: Timestamp) -> Result<(), Reason> {
    if claims.approval_id.is_none() {
        return Ok(());
    }
    let row = around.approval.as_ref().ok_or(Reason::FactsUnavailable)?;
    if row.asked.digest != claims.action_sha256
        || row.from.agent != claims.agent_id
        || row.asked.tool != claims.aud
    {
        return Err(Reason::PermitInvalid);
    }
    if !row.is_good(now) {
        return Err(Reason::ApprovalExpired);
    }
    let owners = [&row.from.owner, &row.from.answers].into_iter().flatten();
    let user = |id: &UserId| find::<User>(&around.rows, &Key::user(&row.from.org, id));
    let gone = |one: &InEpoch| !one.stands(user(&one.user).as_ref());
    let turned = around.kills.versions() != Some(row.switches);
    if turned || owners.into_iter().any(gone) || !row.is_reached(|vote| stands(vote, row, &around.rows)) {
        return Err(Reason::ApprovalCancelled);
    }
    Ok(())
}

/// Whether somebody's yes still counts: they are who they were, and hold what it counted by.
fn stands(vote: &Vote, row: &ApprovalRow, rows: &Rows) -> bool {
    let user: Option<User> = find(rows, &Key::user(&vote.org, &vote.user));
    let same = InEpoch::new(vote.user.clone(), vote.epoch).stands(user.as_ref());
    let held = || role_through(rows, &row.from.tenant, &vote.user, &vote.via).ok().flatten();
    let role = vote.role.is_none() || vote.role == held();
    let member = |group| rows.contains_key(&directory::member_of(&vote.via, &vote.user, group));
    same && role && vote.groups.iter().all(member)
}

/// The rows of whoever answers for the key and the agent now.
pub fn owners(key: &KeyRow, agent: Option<&Agent>) -> Vec<Key> {
    let of_key = match &key.owner {
        Owner::User { id, .. } => Some(id),
        Owner::Tenant => None,
    };
    let of_agent = agent.and_then(|agent| agent.owner.as_ref());
    of_key.into_iter().chain(of_agent).map(|user| Key::user(&key.org, user)).collect()
}

/// What else must not change while a permit is taken: the key, the agent, the tenant and the organization, by these fields.
pub fn facts(claims: &Claims, key: &KeyRow) -> [(Key, &'static [&'static str]); 4] {
    let times = ["revoked_at", "expires_at", "active_from", "rotate_by"].as_slice();
    [
        (Key::gateway_key(&claims.key_id), times),
        (Key::agent(&claims.tenant_id, &claims.agent_id), &["status", "owner_user"]),
        (Key::tenant(&claims.tenant_id), &["status"]),
        (Key::org(&key.org), &["status"]),
    ]
}

/// The rows of whoever agreed, and of whoever asked.
pub fn people(row: &ApprovalRow) -> Vec<Key> {
    let tenant = &row.from.tenant;
    let of_vote = |vote: &Vote| {
        let groups = vote.groups.iter().map(|group| directory::member_of(&vote.via, &vote.user, group));
        let own =
            [Key::user(&vote.org, &vote.user), Key::binding(tenant, &vote.user), Key::connection(&vote.via)];
        own.into_iter().chain(groups).collect::<Vec<_>>()
    };
    let yes = row.votes.iter().filter(|vote| vote.say == Say::Approve);
    let asked = [&row.from.owner, &row.from.answers].into_iter().flatten();
    let asked = asked.map(|one| Key::user(&row.from.org, &one.user));
    yes.flat_map(of_vote).chain(asked).collect()
}

/// What is to be done about an outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// Write it.
    Write(Run),
    /// It was told before, the same.
    Again(Run),
    /// Nobody said anything in time: UNKNOWN is written, and the caller told.
    Late,
    Refuse(Reason),
}

/// Whether somebody may tell what came of an action.
pub fn outcome(run: Option<&RunRow>, consumer: &Opaque, told: Run, now: Timestamp) -> Ending {
    let Some(run) = run.filter(|run| run.consumer == *consumer && run.state != Run::Cancelled) else {
        return Ending::Refuse(Reason::PermitNotYours);
    };
    match run.state {
        Run::Consumed if now < run.due_at => Ending::Write(told),
        Run::Consumed => Ending::Late,
        state if state == told => Ending::Again(state),
        _ => Ending::Refuse(Reason::OutcomeTold),
    }
}

/// The row of a consumption, or of one that will never be.
pub fn run(claims: &Claims, consumer: &Opaque, state: Run, around: &Around, now: Timestamp) -> RunRow {
    let answers = around.approval.as_ref().and_then(|row| row.from.answers.clone());
    RunRow {
        tenant: claims.tenant_id.clone(),
        agent: claims.agent_id.clone(),
        permit: claims.jti.clone(),
        approval: claims.approval_id.clone(),
        tool: claims.aud.clone(),
        digest: claims.action_sha256.clone(),
        state,
        consumer: consumer.clone(),
        consumed_at: now,
        due_at: now.plus_millis(DUE_MS),
        ended_at: state.is_over().then_some(now),
        answers,
    }
}

#[cfg(test)]
mod tests;
