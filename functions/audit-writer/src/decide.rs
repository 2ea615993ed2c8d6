//! What is written next: pure.

use std::collections::{BTreeMap, BTreeSet};

use domain::{EventId, Region, TenantId, Timestamp};
use ledger::{
    AgentHeads, AppendError, Commit, Head, Heads, Interval, IntervalObject, SignedRecord, append, fitting,
};

use crate::event::Delivered;

/// One tenant's part of a batch: each event once, in the order of their ids, and the messages that brought it.
#[derive(Debug, Default)]
pub struct Share {
    pub records: Vec<SignedRecord>,
    pub messages: BTreeMap<EventId, Vec<String>>,
}

/// Tenants are independent: what fails for one is not noticed by another.
pub fn shares(delivered: Vec<Delivered>) -> BTreeMap<TenantId, Share> {
    let mut shares = BTreeMap::<TenantId, Share>::new();
    for one in delivered {
        let share = shares.entry(one.signed.record.tenant_id.clone()).or_default();
        let messages = share.messages.entry(one.event_id()).or_default();
        if messages.is_empty() {
            share.records.push(one.signed);
        }
        messages.push(one.message_id);
    }
    for share in shares.values_mut() {
        share.records.sort_by_key(|one| one.record.event_id);
    }
    shares
}

/// What the table knows of some records: the numbers of those that the ledger holds, and the last record of their agents.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    pub events: BTreeMap<EventId, u64>,
    pub agents: AgentHeads,
}

/// What is to be done for a tenant.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// The ledger holds every record.
    Nothing,
    /// A bundle lies behind the head: whoever put it there did not come to the end.
    Finish,
    /// This is to be put at the head.
    Put(Box<Commit>),
}

/// # Errors
/// Records that cannot be appended.
pub fn next(
    tenant: &TenantId,
    head: &Head,
    seen: &Seen,
    records: &[SignedRecord],
    now: Timestamp,
) -> Result<Next, AppendError> {
    if seen.events.values().any(|seq| *seq >= head.tree.size()) {
        return Ok(Next::Finish);
    }
    let known = |one: &&SignedRecord| seen.events.contains_key(&one.record.event_id);
    let mut fresh: Vec<_> = records.iter().filter(|one| !known(one)).cloned().collect();
    if fresh.is_empty() {
        return Ok(Next::Nothing);
    }
    fresh.truncate(fitting(&fresh));
    append(tenant, head, &seen.agents, fresh, now).map(|commit| Next::Put(Box::new(commit)))
}

/// What is left once the ledger holds `done`.
pub fn left(records: Vec<SignedRecord>, done: &Commit) -> Vec<SignedRecord> {
    let done: BTreeSet<_> = done.events().map(|(id, _)| id).collect();
    records.into_iter().filter(|one| !done.contains(&one.record.event_id)).collect()
}

/// An interval names every tenant's head once in so many, and those that moved in between.
const FULL_EVERY: u64 = 15;

/// The next leaf of the region log, over the heads as they were `found` after those of the interval before.
pub fn interval(
    n: u64,
    at: Timestamp,
    region: Region,
    before: Option<&Heads>,
    found: Heads,
) -> IntervalObject {
    let nothing = Heads::default();
    let heads = not_behind(before.unwrap_or(&nothing), found);
    let full = n.is_multiple_of(FULL_EVERY) || before.is_none();
    let told = if full { heads.iter().collect() } else { heads.since(before.unwrap_or(&nothing)) };
    IntervalObject { interval: Interval::new(n, at, region, &heads), full, heads: told }
}

/// A table that was restored has heads that are behind what is signed already. They stay as they were signed, until the
/// next record of the tenant brings its head forward again.
fn not_behind(before: &Heads, mut found: Heads) -> Heads {
    let behind: Vec<_> = before
        .iter()
        .filter(|head| found.get(&head.tenant_id).is_none_or(|now| now.size < head.size))
        .collect();
    for head in &behind {
        tracing::error!(tenant = %head.tenant_id, signed = head.size, "head.behind");
    }
    found.put(behind);
    found
}
