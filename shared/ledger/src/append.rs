//! Appending to a tenant's log: which bundle follows a head, and which head follows a bundle. Pure.

use std::collections::BTreeMap;

use domain::{AgentId, EventId, RecordError, TenantId, Timestamp};

use crate::leaf::{AgentHead, Entry, Leaf, LeafError, Place, Trailer, agent_head};
use crate::{Bundle, BundleError, Frontier, SignedRecord, leaf_hash};

/// The most records of one bundle: its leaves are read again whole by whoever finds it at its place.
pub const MAX_RECORDS: usize = 1_000;
/// The most agents of one bundle: its trailer names each, and is a leaf of at most 65,535 bytes.
pub const MAX_AGENTS: usize = 400;

/// The end of a tenant's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    pub tree: Frontier,
    /// The last leaf's time.
    pub logged_at: Timestamp,
}

/// The last record of each agent that matters here.
pub type AgentHeads = BTreeMap<AgentId, AgentHead>;

/// A bundle, and what is so after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    pub bundle: Bundle,
    pub entries: Vec<Entry>,
    pub head: Head,
    /// Of the agents with a record in the bundle.
    pub agents: AgentHeads,
}

/// Why there is no commit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    #[error(transparent)]
    Bundle(#[from] BundleError),
    #[error(transparent)]
    Record(#[from] RecordError),
    #[error(transparent)]
    Leaf(#[from] LeafError),
    #[error("a record of another tenant")]
    Tenant,
    #[error("the bundle does not follow this head")]
    DoesNotFollow,
}

impl Head {
    /// The head of a log without leaves.
    #[must_use]
    pub fn empty() -> Self {
        let logged_at = Timestamp::from_unix_millis(0).unwrap_or(Timestamp::MAX);
        Self { tree: Frontier::default(), logged_at }
    }
}

/// How many of the records fit into one bundle: at least the first, if there is one.
pub fn fitting(records: &[SignedRecord]) -> usize {
    let mut agents = std::collections::BTreeSet::new();
    let fits = records.iter().take(MAX_RECORDS).take_while(|one| {
        agents.extend(one.record.agent_id.as_ref());
        agents.len() <= MAX_AGENTS
    });
    fits.count()
}

/// The commit that puts `records` after `head`. `agents` are the heads of their agents; `now` gives way to the head's time,
/// so that a slow clock never turns the log's time back.
///
/// # Errors
/// A record of another tenant, or more than fits.
pub fn append(
    tenant: &TenantId,
    head: &Head,
    agents: &AgentHeads,
    records: Vec<SignedRecord>,
    now: Timestamp,
) -> Result<Commit, AppendError> {
    let logged_at = now.max(head.logged_at);
    let created: Vec<_> = records.iter().map(|one| one.record.created_at).collect();
    let (first, count) = (head.tree.size(), u64::try_from(records.len()).unwrap_or(u64::MAX));
    let (mut agents, mut changed) = (agents.clone(), AgentHeads::new());
    let (mut leaves, mut entries) = (Vec::new(), Vec::new());
    for (signed, seq) in records.into_iter().zip(first..) {
        if signed.record.tenant_id != *tenant {
            return Err(AppendError::Tenant);
        }
        let place = placed(&signed, seq, logged_at, &agents);
        let entry = Entry { signed, place };
        let text = entry.to_text()?;
        if let Some((agent, head)) = agent_head(&entry, leaf_hash(text.as_bytes())) {
            changed.insert(agent.clone(), head);
            agents.insert(agent, head);
        }
        leaves.push(text.into_bytes());
        entries.push(entry);
    }
    let bounds = created.iter().min().zip(created.iter().max()).ok_or(BundleError::Empty)?;
    let place = (first.saturating_add(count), count);
    let trailer = Trailer::new(tenant.clone(), place, (*bounds.0, *bounds.1), logged_at, changed.clone());
    leaves.push(trailer.to_text()?.into_bytes());
    let bundle = Bundle::new(first, leaves)?;
    let head = Head { tree: grown(&head.tree, &bundle), logged_at };
    Ok(Commit { bundle, entries, head, agents: changed })
}

fn placed(signed: &SignedRecord, seq: u64, logged_at: Timestamp, agents: &AgentHeads) -> Place {
    let agent = signed.record.agent_id.as_ref();
    let before = agent.and_then(|agent| agents.get(agent));
    Place {
        seq,
        agent_seq: agent.map(|_| before.map_or(0, |head| head.agent_seq).saturating_add(1)),
        agent_prev: before.map(|head| head.leaf),
        logged_at,
    }
}

pub(crate) fn grown(tree: &Frontier, bundle: &Bundle) -> Frontier {
    let mut tree = tree.clone();
    bundle.leaf_hashes().for_each(|leaf| tree.append(leaf));
    tree
}

/// The commit whose bundle lies at the place after `head`, put there by another writer or by one that died.
///
/// # Errors
/// What lies there is no bundle that follows this head.
pub fn replay(tenant: &TenantId, head: &Head, bytes: &[u8]) -> Result<Commit, AppendError> {
    let bundle = Bundle::named(&Bundle::name_at(head.tree.size()), bytes)?;
    let mut entries = Vec::new();
    let mut trailer = None;
    for (bytes, seq) in bundle.leaves().iter().zip(bundle.first()..) {
        let leaf = Leaf::from_bytes(bytes)?;
        let follows = leaf.seq() == seq && leaf.tenant() == tenant && leaf.logged_at() >= head.logged_at;
        // Nothing stands behind a trailer.
        if !follows || trailer.is_some() {
            return Err(AppendError::DoesNotFollow);
        }
        match leaf {
            Leaf::Entry(entry) if !entry.signed.is_signed() => return Err(AppendError::DoesNotFollow),
            Leaf::Entry(entry) => entries.push(*entry),
            Leaf::Trailer(found) => trailer = Some(found),
        }
    }
    let trailer = trailer.ok_or(AppendError::DoesNotFollow)?;
    let head = Head { tree: grown(&head.tree, &bundle), logged_at: trailer.logged_at };
    Ok(Commit { bundle, entries, head, agents: trailer.agents })
}

impl Commit {
    /// Each event's id, and its number in the log.
    pub fn events(&self) -> impl Iterator<Item = (EventId, u64)> {
        self.entries.iter().map(|entry| (entry.signed.record.event_id, entry.place.seq))
    }
}

#[cfg(test)]
mod tests;
