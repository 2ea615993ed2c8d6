//! Where requests for approval lie, and what became of them.

use std::fmt;

use domain::{ApprovalId, ApprovalMessage, DueRow, Opaque, PermitId, TenantId, Timestamp, UserId};

use super::{Key, Table};
use crate::shard_of;

impl Key {
    /// Which actions of a tenant's agents need whom.
    pub fn gate(tenant: &TenantId) -> Self {
        Self::new(Table::Control, format!("T#{tenant}"), "GATE")
    }

    /// Where people and agents are told of requests: addresses, sealed.
    pub fn channels(tenant: &TenantId) -> Self {
        Self::new(Table::Control, format!("T#{tenant}"), "CHANNELS")
    }

    /// A request for approval.
    pub fn approval(tenant: &TenantId, id: &ApprovalId) -> Self {
        Self::new(Table::Votes, format!("T#{tenant}"), format!("{}{id}", Self::APPROVAL))
    }

    /// What the sort keys of requests begin with.
    pub const APPROVAL: &str = "APPROVAL#";

    /// Which tenant a request is of: its link names the request alone.
    pub fn approval_link(id: &ApprovalId) -> Self {
        Self::new(Table::Votes, format!("LINK#{id}"), "LINK")
    }

    /// Who has seen a request first, and when.
    pub fn approval_view(id: &ApprovalId, user: &UserId) -> Self {
        Self::new(Table::Votes, format!("LINK#{id}"), format!("VIEW#{user}"))
    }

    /// What somebody wrote beside their word.
    pub fn approval_comment(id: &ApprovalId, user: &UserId) -> Self {
        Self::new(Table::Votes, format!("LINK#{id}"), format!("{}{user}", Self::SAID))
    }

    /// What the sort keys of comments begin with, beside the link of their request.
    pub const SAID: &str = "SAID#";

    /// That people were told of a step of a request by one channel: a message that comes twice is told once.
    pub fn approval_told(id: &ApprovalId, what: impl fmt::Display) -> Self {
        Self::new(Table::Votes, format!("LINK#{id}"), format!("TOLD#{what}"))
    }

    /// That somebody has decided. Newest first.
    pub fn voted(user: &UserId, at: Timestamp, id: &ApprovalId) -> Self {
        let left = Timestamp::MAX.unix_millis().saturating_sub(at.unix_millis());
        Self::new(Table::Votes, Self::voted_by(user), format!("{}{left:015}#{id}", Self::VOTED))
    }

    /// Where lies what somebody has decided.
    pub fn voted_by(user: &UserId) -> String {
        format!("BY#{user}")
    }

    /// What the sort keys of that begin with.
    pub const VOTED: &str = "VOTED#";

    /// That a message from outside was taken: it is taken once.
    pub fn taken_once(digest: &Opaque) -> Self {
        Self::new(Table::Votes, format!("ONCE#{digest}"), "ONCE")
    }

    /// That a request waits: what goes by the clock finds it. Spread over [`HEAD_SHARDS`](crate::HEAD_SHARDS) partitions by its tenant.
    pub fn waiting(tenant: &TenantId, id: &ApprovalId) -> Self {
        let shard = shard_of(tenant.as_str());
        Self::new(Table::Votes, Self::waiting_in(shard), format!("{}{id}", Self::waiting_of(tenant)))
    }

    /// What the sort keys of a tenant's waiting requests begin with.
    pub fn waiting_of(tenant: &TenantId) -> String {
        format!("{tenant}#")
    }

    /// One of the partitions of what waits.
    pub fn waiting_in(shard: char) -> String {
        format!("WAITING#{shard}")
    }

    /// What the queue is to be told of a request: what goes by the clock tells it again.
    pub fn untold(message: &ApprovalMessage) -> Self {
        let ApprovalMessage { kind, tenant, approval, .. } = message;
        let place = format!("{}{tenant}#{approval}#{}", Self::UNTOLD, kind.as_str());
        Self::new(Table::Votes, Self::waiting_in(shard_of(tenant.as_str())), place)
    }

    /// What the sort keys of those begin with, among what waits.
    pub const UNTOLD: &str = "UNTOLD#";

    /// Somebody who is away, and who stands in for them.
    pub fn delegation(tenant: &TenantId, user: &UserId) -> Self {
        Self::new(Table::Votes, format!("T#{tenant}"), format!("{}{user}", Self::AWAY))
    }

    /// What the sort keys of those begin with who are away.
    pub const AWAY: &str = "AWAY#";

    /// The consumption of what was approved: one for each request, whatever permits there are.
    pub fn run_of_approval(tenant: &TenantId, id: &ApprovalId) -> Self {
        Self::new(Table::Approvals, format!("T#{tenant}"), format!("RUN#{id}"))
    }

    /// The consumption of a permit that needed no approval.
    pub fn run_of_permit(tenant: &TenantId, id: &PermitId) -> Self {
        Self::new(Table::Approvals, format!("T#{tenant}"), format!("RUN#{id}"))
    }

    /// That an outcome is awaited until `at`. Spread over [`HEAD_SHARDS`](crate::HEAD_SHARDS) partitions by its tenant, oldest first.
    pub fn due(row: &DueRow, at: Timestamp) -> Self {
        let shard = shard_of(row.tenant.as_str());
        let sk = format!("{:015}#{}#{}", at.unix_millis(), row.tenant, row.permit);
        Self::new(Table::Approvals, Self::due_in(shard), sk)
    }

    /// One of the partitions of what is awaited.
    pub fn due_in(shard: char) -> String {
        format!("DUE#{shard}")
    }

    /// Behind the sort keys of all that is due by `at`.
    pub fn due_until(at: Timestamp) -> String {
        format!("{:015}$", at.unix_millis())
    }

    /// What was approved last of a tool and a target: to be shown beside the next.
    pub fn last_approved(tenant: &TenantId, digest: impl fmt::Display) -> Self {
        Self::new(Table::Votes, format!("T#{tenant}"), format!("LAST#{digest}"))
    }
}
