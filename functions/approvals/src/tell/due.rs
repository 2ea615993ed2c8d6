//! What is due for a request that waits. Pure.

use std::collections::BTreeMap;

use domain::{ApprovalRow, ApprovalState, InEpoch, KillRow, KillScope, Run, Timestamp, User, UserId, Vote};

/// What is read around a request.
#[derive(Debug, Clone, Default)]
pub struct Around {
    /// Switches above its agent, platform to agent: `None` where a row is absent.
    pub switches: [Option<KillRow>; 4],
    /// Everybody on whom it hangs, as their rows have them.
    pub people: BTreeMap<UserId, User>,
    /// How the taking of its permit stands, if a tool came: what becomes of it is no longer the request's affair.
    pub taken: Option<Run>,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Due {
    Nothing,
    /// It is over, and waits for nothing: it goes out of what is gone through.
    Forget,
    Expire(Box<ApprovalRow>),
    /// And why.
    Cancel(Box<ApprovalRow>, &'static str),
    /// Somebody has left: their word counts no more, and may be said by others.
    Drop(Box<ApprovalRow>),
    Escalate(Box<ApprovalRow>),
    Remind(Box<ApprovalRow>),
}

/// More often nobody is reminded, in minutes.
const REMIND_LEAST: u32 = 5;

/// What is due for a request, in the order of what weighs most.
pub fn due(row: &ApprovalRow, around: &Around, now: Timestamp) -> Due {
    let again = || Box::new(row.clone());
    match () {
        () if !matches!(row.state, ApprovalState::Pending | ApprovalState::Approved) => Due::Forget,
        // A tool that came with its permit was refused for good.
        () if around.taken == Some(Run::Cancelled) => {
            Due::Cancel(Box::new(row.clone().cancelled(now)), "approval_cancelled")
        }
        () if around.taken.is_some() => Due::Forget,
        () if now >= row.expires_at => Due::Expire(Box::new(row.clone().expired(now))),
        () if is_stopped(row, around) => Due::Cancel(Box::new(row.clone().cancelled(now)), "killed"),
        () if has_left(row, around) => Due::Cancel(Box::new(row.clone().cancelled(now)), "owner_inactive"),
        () if row.state == ApprovalState::Approved => approved(row, around, now),
        () if !row.votes.iter().all(|vote| counts(vote, around)) => {
            let mut fewer = again();
            fewer.votes.retain(|vote| counts(vote, around));
            Due::Drop(fewer)
        }
        () if is_escalated(row, now) => {
            Due::Escalate(Box::new(ApprovalRow { escalated_at: Some(now), ..row.clone() }))
        }
        () if is_reminded(row, now) => {
            Due::Remind(Box::new(ApprovalRow { reminded_at: Some(now), ..row.clone() }))
        }
        () => Due::Nothing,
    }
}

/// A switch that was turned since cancels, wherever it stands now. One whose row cannot be seen is left to whoever consumes.
fn is_stopped(row: &ApprovalRow, around: &Around) -> bool {
    let turned = |(seen, now): (&u64, &Option<KillRow>)| {
        now.as_ref().is_some_and(|now| now.version != *seen || now.stops(KillScope::Actions))
    };
    row.switches.iter().zip(&around.switches).any(turned)
}

fn has_left(row: &ApprovalRow, around: &Around) -> bool {
    let left = |one: &InEpoch| !one.stands(around.people.get(&one.user));
    [&row.from.owner, &row.from.answers].into_iter().flatten().any(left)
}

/// Whether a word is of somebody who is who they were.
fn counts(vote: &Vote, around: &Around) -> bool {
    InEpoch::new(vote.user.clone(), vote.epoch).stands(around.people.get(&vote.user))
}

fn approved(row: &ApprovalRow, around: &Around, now: Timestamp) -> Due {
    if row.is_reached(|vote| counts(vote, around)) {
        return Due::Nothing;
    }
    Due::Cancel(Box::new(row.clone().cancelled(now)), "approver_inactive")
}

fn waited(row: &ApprovalRow, since: Timestamp, minutes: u32, now: Timestamp) -> bool {
    now.millis_since(since.max(row.created_at)) >= u64::from(minutes) * 60_000
}

/// Each rule at its own time: others may have been asked before, for another one.
fn is_escalated(row: &ApprovalRow, now: Timestamp) -> bool {
    let mut times = row.rules.iter().filter_map(|rule| rule.escalate.as_ref()).map(|to| row.escalates_at(to));
    times.any(|at| now >= at && row.escalated_at.is_none_or(|last| last < at))
}

fn is_reminded(row: &ApprovalRow, now: Timestamp) -> bool {
    let least = row.rules.iter().filter_map(|rule| rule.remind_minutes).min();
    let since = row.reminded_at.unwrap_or(row.created_at);
    least.is_some_and(|minutes| waited(row, since, minutes.max(REMIND_LEAST), now))
}

#[cfg(test)]
mod tests;
