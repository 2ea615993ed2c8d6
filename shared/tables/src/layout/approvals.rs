//! Where requests for approval lie, and what became of them.

use std::fmt;

use domain::{ApprovalId, PermitId, TenantId, UserId};

use super::{Key, Table};

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

    /// That a request waits: what goes by the clock finds it. Spread over [`HEAD_SHARDS`] partitions by its tenant.
    pub fn waiting(tenant: &TenantId, id: &ApprovalId) -> Self {
        let shard = tenant.as_str().chars().next_back().unwrap_or('0');
        Self::new(Table::Votes, Self::waiting_in(shard), id.as_str())
    }

    /// One of the partitions of what waits.
    pub fn waiting_in(shard: char) -> String {
        format!("WAITING#{shard}")
    }

    /// Somebody who is away, and who stands in for them.
    pub fn delegation(tenant: &TenantId, user: &UserId) -> Self {
        Self::new(Table::Votes, format!("T#{tenant}"), format!("AWAY#{user}"))
    }

    /// The consumption of what was approved: one for each request, whatever permits there are.
    pub fn run_of_approval(tenant: &TenantId, id: &ApprovalId) -> Self {
        Self::new(Table::Approvals, format!("T#{tenant}"), format!("RUN#{id}"))
    }

    /// The consumption of a permit that needed no approval.
    pub fn run_of_permit(tenant: &TenantId, id: &PermitId) -> Self {
        Self::new(Table::Approvals, format!("T#{tenant}"), format!("RUN#{id}"))
    }

    /// What was approved last of a tool and a target: to be shown beside the next.
    pub fn last_approved(tenant: &TenantId, digest: impl fmt::Display) -> Self {
        Self::new(Table::Votes, format!("T#{tenant}"), format!("LAST#{digest}"))
    }
}
