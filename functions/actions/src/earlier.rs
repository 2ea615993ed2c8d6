//! What became of the same request before, and what is done about it now: pure, over rows that were read for it.

use domain::{ApprovalId, ApprovalRow, ApprovalState, Reason, RunRow, Timestamp};

use crate::decide::Admitted;

/// What became of the same request before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Earlier {
    pub approval: Option<ApprovalRow>,
    /// The consumption of what was approved.
    pub run: Option<RunRow>,
    /// The consumption of a permit that needed nobody.
    pub direct: Option<RunRow>,
}

/// What is to be done about an action that may be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Sign a permit; with the request that was approved.
    Issue(Option<Approved>),
    /// Ask people.
    Ask,
    /// They have been asked: until then.
    Pending(Timestamp),
}

/// A request that people have approved, and the version of the gate by which they were asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approved {
    pub id: ApprovalId,
    pub policy_version: u64,
}

/// What is done about an action that may be asked for: what became of the same request before goes first. What was approved stays
/// approved until its end, by the gate by which people were asked; today's has not forbidden it.
///
/// # Errors
/// It is over, or it was another action.
pub fn next(admitted: &Admitted, earlier: &Earlier, now: Timestamp) -> Result<Next, Reason> {
    let digest = admitted.digest.to_digest();
    let another = |run: &&RunRow| run.digest != digest;
    if earlier.run.iter().chain(&earlier.direct).any(|run| another(&run)) {
        return Err(Reason::IdempotencyMismatch);
    }
    if earlier.approval.as_ref().is_some_and(|row| row.asked.digest != digest) {
        return Err(Reason::IdempotencyMismatch);
    }
    if let Some(run) = earlier.run.as_ref().or(earlier.direct.as_ref()) {
        let cancelled = run.state == domain::Run::Cancelled;
        return Err(if cancelled { Reason::ApprovalCancelled } else { Reason::ApprovalConsumed });
    }
    let Some(row) = &earlier.approval else {
        return Ok(if admitted.hold.is_some() { Next::Ask } else { Next::Issue(None) });
    };
    standing_of(row, admitted, now)
}

fn standing_of(row: &ApprovalRow, admitted: &Admitted, now: Timestamp) -> Result<Next, Reason> {
    match row.state {
        ApprovalState::Denied => Err(Reason::ApprovalDenied),
        ApprovalState::Expired => Err(Reason::ApprovalExpired),
        ApprovalState::Cancelled => Err(Reason::ApprovalCancelled),
        ApprovalState::Pending | ApprovalState::Approved if row.switches != admitted.switches => {
            Err(Reason::ApprovalCancelled)
        }
        ApprovalState::Pending if row.is_open(now) => Ok(Next::Pending(row.expires_at)),
        ApprovalState::Approved if row.is_good(now) => {
            let (id, policy_version) = (row.id.clone(), row.asked.policy_version);
            Ok(Next::Issue(Some(Approved { id, policy_version })))
        }
        ApprovalState::Pending | ApprovalState::Approved => Err(Reason::ApprovalExpired),
    }
}
