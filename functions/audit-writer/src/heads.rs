//! The joint to the ledger's table. Production: DynamoDB. Tests: in memory, with faults.

use std::collections::BTreeMap;
use std::future::Future;

use aws::Dynamo;
use domain::{AgentId, EventId, TenantId};
use ledger::{AgentHead, AgentHeads, Commit, Frontier, Hash, Head, Heads, SignedRecord, TenantHead};
use tables::codec::Row as _;
use tables::ledger::{AgentRow, EventRow, HeadRow};
use tables::{GateFault, HEAD_SHARDS, Item, Key, KeyStore as _, Table};

use crate::decide::Seen;
use crate::store::Unavailable;

/// The end of the region log, and how much of it a published checkpoint covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegionHead {
    pub head: Head,
    pub signed: u64,
}

/// Where logs end. Reads are consistent. A head is moved by whoever finds it where they read it; to find it moved on by
/// another is no fault, because only a bundle that lies in the bucket moves it, and there is one bundle for each place.
pub trait HeadStore {
    fn head(&self, tenant: &TenantId) -> impl Future<Output = Result<Head, Unavailable>> + Send;

    /// What is known of these records and their agents.
    fn seen(
        &self,
        tenant: &TenantId,
        records: &[SignedRecord],
    ) -> impl Future<Output = Result<Seen, Unavailable>> + Send;

    /// Writes down the events and agents of a bundle that lies in the bucket. Any part may be written already.
    fn index(
        &self,
        tenant: &TenantId,
        commit: &Commit,
    ) -> impl Future<Output = Result<(), Unavailable>> + Send;

    fn advance(
        &self,
        tenant: &TenantId,
        from: u64,
        to: &Head,
    ) -> impl Future<Output = Result<(), Unavailable>> + Send;

    /// Every tenant's head.
    fn heads(&self) -> impl Future<Output = Result<Heads, Unavailable>> + Send;

    fn region(&self) -> impl Future<Output = Result<RegionHead, Unavailable>> + Send;

    fn advance_region(&self, from: u64, to: &Head) -> impl Future<Output = Result<(), Unavailable>> + Send;

    fn published(&self, size: u64) -> impl Future<Output = Result<(), Unavailable>> + Send;
}

/// How long the table remembers an event, after it was logged: see `event.rs`.
const REMEMBERED_SECONDS: u64 = 35 * 24 * 60 * 60;

fn row_of(head: &Head) -> HeadRow {
    let nodes = head.tree.nodes().iter().flat_map(|node| node.as_bytes().iter().copied()).collect();
    HeadRow { size: head.tree.size(), nodes, at: head.logged_at, signed: None }
}

fn head_of(row: &HeadRow) -> Option<Head> {
    let nodes = row.nodes.chunks(32).map(|node| node.try_into().ok().map(Hash::from_bytes));
    let tree = Frontier::from_parts(row.size, nodes.collect::<Option<_>>()?).ok()?;
    Some(Head { tree, logged_at: row.at })
}

fn read(item: &Item) -> Result<(HeadRow, Head), Unavailable> {
    let row = HeadRow::from_item(item).ok();
    let read = row.and_then(|row| head_of(&row).map(|head| (row, head)));
    read.ok_or_else(|| {
        tracing::error!("head.unreadable");
        Unavailable
    })
}

fn agent_of(item: &Item) -> Option<AgentHead> {
    let row = AgentRow::from_item(item).ok()?;
    let leaf = row.leaf.as_slice().try_into().ok().map(Hash::from_bytes)?;
    Some(AgentHead { agent_seq: row.agent_seq, leaf })
}

/// A condition that did not hold says that another was faster, which is as good.
fn or_done(written: Result<(), GateFault>) -> Result<(), Unavailable> {
    match written {
        Ok(()) | Err(GateFault::Condition(_)) => Ok(()),
        Err(GateFault::NotWritten | GateFault::Unknown) => Err(Unavailable),
    }
}

impl HeadStore for Dynamo {
    async fn head(&self, tenant: &TenantId) -> Result<Head, Unavailable> {
        match self.get(&Key::head(tenant)).await.map_err(|_| Unavailable)? {
            Some(item) => read(&item).map(|(_, head)| head),
            None => Ok(Head::empty()),
        }
    }

    async fn seen(&self, tenant: &TenantId, records: &[SignedRecord]) -> Result<Seen, Unavailable> {
        let event = |one: &SignedRecord| (Key::event(tenant, &one.record.event_id), one.record.event_id);
        let events: BTreeMap<Key, EventId> = records.iter().map(event).collect();
        let agents = records.iter().filter_map(|one| one.record.agent_id.clone());
        let agents: BTreeMap<Key, AgentId> =
            agents.map(|agent| (Key::agent_head(tenant, &agent), agent)).collect();
        let keys: Vec<_> = events.keys().chain(agents.keys()).cloned().collect();
        let mut seen = Seen::default();
        for (key, item) in self.batch_get(&keys).await.map_err(|_| Unavailable)? {
            if let Some(event) = events.get(&key) {
                let row = EventRow::from_item(&item).map_err(|_| Unavailable)?;
                seen.events.insert(*event, row.seq);
            } else if let Some(agent) = agents.get(&key) {
                seen.agents.insert(agent.clone(), agent_of(&item).ok_or(Unavailable)?);
            }
        }
        Ok(seen)
    }

    async fn index(&self, tenant: &TenantId, commit: &Commit) -> Result<(), Unavailable> {
        let expires = commit.head.logged_at.unix_millis() / 1_000 + REMEMBERED_SECONDS;
        let row = |(id, seq): (EventId, u64)| (Key::event(tenant, &id), EventRow { seq, expires }.to_item());
        self.put_all(commit.events().map(row).collect()).await.map_err(|_| Unavailable)?;
        let agents: &AgentHeads = &commit.agents;
        let write = |(agent, head): (&AgentId, &AgentHead)| {
            let row = AgentRow { agent_seq: head.agent_seq, leaf: head.leaf.as_bytes().to_vec() };
            self.update(tables::ledger::agent(Key::agent_head(tenant, agent), &row))
        };
        let written = futures_util::future::join_all(agents.iter().map(write)).await;
        written.into_iter().try_for_each(or_done)
    }

    async fn advance(&self, tenant: &TenantId, from: u64, to: &Head) -> Result<(), Unavailable> {
        or_done(self.update(tables::ledger::advance(Key::head(tenant), from, &row_of(to))).await)
    }

    async fn heads(&self) -> Result<Heads, Unavailable> {
        let shards = HEAD_SHARDS.chars().map(|shard| heads_of(self, shard));
        let mut heads = Heads::default();
        for shard in futures_util::future::try_join_all(shards).await? {
            heads.put(shard);
        }
        Ok(heads)
    }

    async fn region(&self) -> Result<RegionHead, Unavailable> {
        match self.get(&Key::region_head()).await.map_err(|_| Unavailable)? {
            Some(item) => {
                read(&item).map(|(row, head)| RegionHead { head, signed: row.signed.unwrap_or_default() })
            }
            None => Ok(RegionHead { head: Head::empty(), signed: 0 }),
        }
    }

    async fn advance_region(&self, from: u64, to: &Head) -> Result<(), Unavailable> {
        or_done(self.update(tables::ledger::advance(Key::region_head(), from, &row_of(to))).await)
    }

    async fn published(&self, size: u64) -> Result<(), Unavailable> {
        or_done(self.update(tables::ledger::published(size)).await)
    }
}

/// One partition of heads, page by page.
async fn heads_of(dynamo: &Dynamo, shard: char) -> Result<Vec<TenantHead>, Unavailable> {
    let (mut heads, mut after) = (Vec::new(), None);
    loop {
        let page = dynamo.list(Table::Ledger, &Key::heads(shard), after.as_ref()).await;
        let page = page.map_err(|_| Unavailable)?;
        for (key, item) in &page.rows {
            let (_, head) = read(item)?;
            let tenant_id = key.sk.parse().map_err(|_| Unavailable)?;
            heads.push(TenantHead { root: head.tree.root(), size: head.tree.size(), tenant_id });
        }
        after = page.rows.into_iter().next_back().map(|(key, _)| key);
        if !page.more || after.is_none() {
            return Ok(heads);
        }
    }
}
