//! Approvals: an action that waits for people, from the request to their decision. What becomes of it after that, a permit and
//! its consumption, is in [`crate::Run`].

mod message;

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use crate::event::{NotInCatalogue, catalogue};
use crate::id::text_serde;
use crate::{
    AgentId, Code, ConnectionId, Digest, GroupId, IdError, InEpoch, KeyId, Name, Opaque, OrgId, Role,
    SealedBytes, SessionId, TenantId, Timestamp, UserId,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use message::{ApprovalMessage, ApprovalStep};

/// A request for approval. 128 bits, since it stands in links; it locates the request and decides nothing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ApprovalId(String);

impl ApprovalId {
    const PREFIX: &str = "apr_";
    const CHARS: usize = 32;

    /// `apr_` and 128 bits in hexadecimal.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(format!("{}{:032x}", Self::PREFIX, u128::from_be_bytes(bytes)))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ApprovalId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let hex = |part: &str| part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        match text.strip_prefix(Self::PREFIX) {
            Some(rest) if rest.len() == Self::CHARS && hex(rest) => Ok(Self(text.to_owned())),
            _ => Err(IdError::of("ApprovalId")),
        }
    }
}

impl fmt::Display for ApprovalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

text_serde!(ApprovalId);

catalogue! {
    /// Where a request stands. Each edge is one conditional write; the last three are for good.
    ApprovalState {
        Pending = "pending",
        Approved = "approved",
        Denied = "denied",
        Expired = "expired",
        /// A kill switch, or the leaving of somebody on whom it hangs.
        Cancelled = "cancelled",
    }
}

catalogue! {
    /// What somebody says.
    Say {
        Approve = "approve",
        Deny = "deny",
    }
}

/// Whose word counts: whoever holds one of the roles in the tenant, is in one of the groups, or is named.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approvers {
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub roles: BTreeSet<Role>,
    /// Groups of the tenant's organization that a directory pushed.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub groups: BTreeSet<GroupId>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub users: BTreeSet<UserId>,
}

/// So many of these.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quorum {
    pub of: Approvers,
    /// At least 1.
    pub need: u8,
}

/// Others are asked too, once a request has waited so long. Their word counts from then on, in every quorum.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Escalation {
    pub after_minutes: u32,
    pub to: Approvers,
}

/// Who must agree to an action, and for how long it waits. Fixed in a request when it is made: what is written later changes
/// nothing about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApprovalRule {
    pub id: Name,
    /// All of them must be reached, each by different people.
    pub quorum: Vec<Quorum>,
    /// So many refusals end it.
    pub deny: u8,
    pub expires_minutes: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remind_minutes: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalate: Option<Escalation>,
    /// What the policy says may go wrong: shown to whoever decides.
    pub risk: String,
    /// Nobody decides it together with others.
    pub high: bool,
}

/// One person's word, and by what it counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vote {
    pub user: UserId,
    pub org: OrgId,
    /// Of the person: once they were ended, their word counts no more, even if they are let in again.
    pub epoch: u64,
    /// Through which connection they were here.
    pub via: ConnectionId,
    /// Who they are at their provider: issuer and subject, digested. One person has one word, whatever accounts they have here.
    pub subject: Opaque,
    /// Digests of every verified address that they came with: two accounts that have one in common are one person's.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub addresses: BTreeSet<Opaque>,
    pub say: Say,
    /// What they held in the tenant when they said it: checked again when the action runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub groups: BTreeSet<GroupId>,
    /// For whom they stood in, while that person was away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instead_of: Option<UserId>,
    pub at: Timestamp,
    pub session: SessionId,
    /// How they had signed in.
    pub method: Code,
    pub mfa: bool,
    /// From when they first saw the request to when they said it, in milliseconds.
    pub took_ms: u64,
}

/// Who asks, and who stands behind them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requester {
    pub org: OrgId,
    pub tenant: TenantId,
    pub agent: AgentId,
    /// The gateway key by which it came.
    pub key: KeyId,
    /// Whose key it is, if a person's.
    pub owner: Option<InEpoch>,
    /// Whoever answers for the agent.
    pub answers: Option<InEpoch>,
    /// For whom the agent says that it acts, as a keyed digest: they do not approve it either.
    pub on_behalf_of: Option<Opaque>,
}

impl Requester {
    /// Whose word does not count: the agent's owner, and whoever caused it.
    pub fn is_own(&self, user: &UserId) -> bool {
        [&self.owner, &self.answers].into_iter().flatten().any(|one| one.user == *user)
    }
}

/// What is asked for. The arguments are sealed: they may hold personal data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    pub tool: Name,
    /// SHA-256 over the canonical action: what is decided is this and nothing else.
    pub digest: Digest,
    /// JSON of arguments, target and reason, sealed under the tenant's root for actions.
    pub sealed: SealedBytes,
    /// Of the tenant's gate.
    pub policy_version: u64,
    /// Which gates stopped it.
    pub gates: BTreeSet<Name>,
    /// Where the agent wants to be told of the end: an address that the tenant has registered, by its name.
    pub callback: Option<Name>,
}

/// A request for approval, up to its decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovalRow {
    pub id: ApprovalId,
    pub from: Requester,
    pub asked: Asked,
    /// What each of these wants: all of them must be satisfied.
    pub rules: Vec<ApprovalRule>,
    pub state: ApprovalState,
    pub votes: Vec<Vote>,
    /// Versions of the kill switches above the agent when it was asked, platform to agent: one that was turned since cancels it.
    pub switches: [u64; 4],
    pub created_at: Timestamp,
    /// From then on nobody decides it, and it is not consumed.
    pub expires_at: Timestamp,
    /// When people were reminded last, and others asked.
    pub reminded_at: Option<Timestamp>,
    pub escalated_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
}

/// Why somebody's word does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotCast {
    #[error("the request is decided, expired or cancelled")]
    Over,
    #[error("nobody decides about what is done for them")]
    Own,
    #[error("no rule of the request asks them")]
    NotAsked,
    #[error("they have said it already")]
    Twice,
    #[error("so many have spoken that no more are kept")]
    Crowded,
}

impl Approvers {
    pub fn is_empty(&self) -> bool {
        self.roles.is_empty() && self.groups.is_empty() && self.users.is_empty()
    }

    /// Whether whoever says it is one of them, by themselves or for somebody else.
    pub fn hold(&self, vote: &Vote) -> bool {
        vote.role.is_some_and(|role| self.roles.contains(&role))
            || !self.groups.is_disjoint(&vote.groups)
            || self.users.contains(&vote.user)
            || vote.instead_of.as_ref().is_some_and(|user| self.users.contains(user))
    }
}

impl ApprovalRow {
    /// How many words are kept.
    pub const VOTES: usize = 64;

    /// Whether it still waits.
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.state == ApprovalState::Pending && now < self.expires_at
    }

    /// Whether what was approved may still be consumed.
    pub fn is_good(&self, now: Timestamp) -> bool {
        self.state == ApprovalState::Approved && now < self.expires_at
    }

    /// Whether any rule asks whoever would say this.
    pub fn asks(&self, vote: &Vote) -> bool {
        self.rules.iter().any(|rule| self.counts(rule, vote))
    }

    /// Whether a vote counts for a rule at all.
    fn counts(&self, rule: &ApprovalRule, vote: &Vote) -> bool {
        self.is_escalated_to(rule, vote) || rule.quorum.iter().any(|quorum| quorum.of.hold(vote))
    }

    fn is_escalated_to(&self, rule: &ApprovalRule, vote: &Vote) -> bool {
        let late = |to: &Escalation| vote.at >= self.escalates_at(to) && to.to.hold(vote);
        self.escalated_at.is_some() && rule.escalate.as_ref().is_some_and(late)
    }

    /// From when on others are asked too.
    pub fn escalates_at(&self, to: &Escalation) -> Timestamp {
        self.created_at.plus_millis(u64::from(to.after_minutes) * 60_000)
    }

    /// Adds somebody's word, and what it decides. Everything that could change while they think is compared again by the
    /// write: over this very row, before it expires.
    ///
    /// # Errors
    /// It does not count, and why.
    pub fn cast(mut self, vote: Vote, now: Timestamp) -> Result<Self, NotCast> {
        if !self.is_open(now) {
            return Err(NotCast::Over);
        }
        if self.from.is_own(&vote.user) || vote.instead_of.as_ref().is_some_and(|user| self.from.is_own(user))
        {
            return Err(NotCast::Own);
        }
        if !self.asks(&vote) {
            return Err(NotCast::NotAsked);
        }
        if self.votes.iter().any(|one| same_person(one, &vote)) {
            return Err(NotCast::Twice);
        }
        if self.votes.len() >= Self::VOTES {
            return Err(NotCast::Crowded);
        }
        self.votes.push(vote);
        self.state = self.decided();
        if self.state != ApprovalState::Pending {
            self.ended_at = Some(now);
        }
        Ok(self)
    }

    /// What the words come to: enough refusals of any rule deny, all quorums of all rules approve.
    fn decided(&self) -> ApprovalState {
        let refused = |rule: &ApprovalRule| {
            let against = self.votes.iter().filter(|vote| vote.say == Say::Deny && self.counts(rule, vote));
            against.count() >= usize::from(rule.deny.max(1))
        };
        match () {
            () if self.rules.iter().any(refused) => ApprovalState::Denied,
            () if self.is_reached(|_| true) => ApprovalState::Approved,
            () => ApprovalState::Pending,
        }
    }

    /// Whether every quorum of every rule is reached by those whose word still counts. A request without a rule, or a rule
    /// without a quorum, is reached by nobody.
    pub fn is_reached(&self, counts: impl Fn(&Vote) -> bool) -> bool {
        let yes: Vec<&Vote> =
            self.votes.iter().filter(|vote| vote.say == Say::Approve && counts(vote)).collect();
        !self.rules.is_empty() && self.rules.iter().all(|rule| self.rule_reached(rule, &yes))
    }

    fn rule_reached(&self, rule: &ApprovalRule, yes: &[&Vote]) -> bool {
        let seats =
            rule.quorum.iter().flat_map(|quorum| std::iter::repeat_n(quorum, quorum.need.max(1).into()));
        let fits = |quorum: &Quorum, vote: &Vote| quorum.of.hold(vote) || self.is_escalated_to(rule, vote);
        let seats: Vec<Vec<usize>> = seats
            .map(|quorum| {
                let able = yes.iter().enumerate().filter(|(_, vote)| fits(quorum, vote));
                able.map(|(at, _)| at).collect()
            })
            .collect();
        !seats.is_empty() && seated(&seats)
    }

    /// It was not decided in time.
    #[must_use]
    pub fn expired(self, now: Timestamp) -> Self {
        self.ended(ApprovalState::Expired, now)
    }

    /// A switch was turned, or somebody has left.
    #[must_use]
    pub fn cancelled(self, now: Timestamp) -> Self {
        self.ended(ApprovalState::Cancelled, now)
    }

    fn ended(mut self, state: ApprovalState, now: Timestamp) -> Self {
        if matches!(self.state, ApprovalState::Pending | ApprovalState::Approved) {
            self.state = state;
            self.ended_at = Some(now);
        }
        self
    }
}

/// One person, by who they are at their provider, by an address, or one account of ours.
fn same_person(one: &Vote, other: &Vote) -> bool {
    one.subject == other.subject || one.user == other.user || !one.addresses.is_disjoint(&other.addresses)
}

/// Whether each seat finds somebody of its own among those who may sit there (augmenting paths: a bipartite matching).
fn seated(seats: &[Vec<usize>]) -> bool {
    let mut taken: Vec<(usize, usize)> = Vec::new();
    (0..seats.len()).all(|seat| seat_one(seats, seat, &mut taken, &mut BTreeSet::new()))
}

fn seat_one(
    seats: &[Vec<usize>],
    seat: usize,
    taken: &mut Vec<(usize, usize)>,
    tried: &mut BTreeSet<usize>,
) -> bool {
    for person in seats.get(seat).into_iter().flatten() {
        if !tried.insert(*person) {
            continue;
        }
        let held = taken.iter().position(|(one, _)| one == person);
        let other = held.and_then(|at| taken.get(at)).map(|(_, other)| *other);
        if other.is_none_or(|other| seat_one(seats, other, taken, tried)) {
            taken.retain(|(one, _)| one != person);
            taken.push((*person, seat));
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests;
