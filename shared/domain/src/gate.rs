//! Rows beside requests for approval: which actions need whom, where people are told, and who stands in for whom.

use std::fmt;

use crate::{ApprovalId, ApprovalMessage, Digest, OrgId, Say, SealedBytes, TenantId, Timestamp, UserId};

/// Which actions of a tenant's agents need whom. What the document means is `policy`'s business.
#[derive(Clone, PartialEq, Eq)]
pub struct GateRow {
    /// 1 for the first, and one more with every write.
    pub version: u64,
    /// JSON text of at most 64 KiB.
    pub document: String,
}

impl fmt::Debug for GateRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GateRow(version {}, {} bytes)", self.version, self.document.len())
    }
}

/// Where people and agents of a tenant are told of requests: addresses and the keys that messages are signed with, sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelsRow {
    pub version: u64,
    /// JSON, sealed under the tenant's root for actions.
    pub sealed: SealedBytes,
}

/// Which tenant a request is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkRow {
    pub org: OrgId,
    pub tenant: TenantId,
}

/// Somebody who waits for a decision, by the clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingRow {
    pub tenant: TenantId,
    pub id: ApprovalId,
}

/// What the queue is to be told of a request, and since when: as long as the row is there, nobody knows that the queue took it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UntoldRow {
    pub message: ApprovalMessage,
    pub at: Timestamp,
}

/// Somebody who is away, and who stands in for them until then. Whoever stands in must be able to decide by themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DelegationRow {
    pub user: UserId,
    pub to: UserId,
    pub from: Timestamp,
    pub until: Timestamp,
}

/// When somebody saw a request first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewRow {
    pub user: UserId,
    pub at: Timestamp,
}

/// What was approved last of a tool and a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastRow {
    pub approval: ApprovalId,
    pub digest: Digest,
    pub at: Timestamp,
    /// Its arguments, sealed as they were in the request of that id.
    pub sealed: SealedBytes,
}

/// What somebody wrote beside their word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommentRow {
    pub user: UserId,
    pub at: Timestamp,
    /// Text, sealed under the tenant's root for actions.
    pub sealed: SealedBytes,
}

/// That somebody has decided, kept by who they are: how fast, and how often they say yes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VotedRow {
    pub tenant: TenantId,
    pub approval: ApprovalId,
    pub say: Say,
    pub at: Timestamp,
    /// From when they first saw it, in milliseconds.
    pub took_ms: u64,
}
