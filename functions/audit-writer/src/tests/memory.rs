//! Both stores in memory, with a fault at any call: an error before or after the effect, or the death of the process.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use domain::{AgentId, EventId, TenantId};
use ledger::{AgentHead, Bundle, Commit, Head, Heads, SignedRecord, TenantHead, replay, row};
use tokio::sync::Notify;

use super::sample::{batch, tenant};
use crate::decide::Seen;
use crate::heads::{HeadStore, RegionHead};
use crate::store::{ObjectStore, PutFault, Unavailable};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Throttled, refused, or lost on the way there.
    LostBefore,
    /// Done, and answered with an error.
    LostAfter,
    KilledBefore,
    KilledAfter,
}

pub const FAULTS: [Fault; 4] = [Fault::LostBefore, Fault::LostAfter, Fault::KilledBefore, Fault::KilledAfter];

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    pub locked: BTreeMap<String, Vec<u8>>,
    pub derived: BTreeMap<String, Vec<u8>>,
    pub heads: BTreeMap<TenantId, Head>,
    pub events: BTreeMap<(TenantId, EventId), u64>,
    pub agents: BTreeMap<(TenantId, AgentId), AgentHead>,
    pub region: RegionHead,
}

pub struct World {
    state: Mutex<State>,
    plan: Mutex<BTreeMap<usize, Fault>>,
    calls: AtomicUsize,
    died: Notify,
    /// Zero: calls are answered at once. Else a seed for how long each waits for the others.
    shuffle: AtomicU64,
}

impl Default for World {
    fn default() -> Self {
        let state = State {
            locked: BTreeMap::new(),
            derived: BTreeMap::new(),
            heads: BTreeMap::new(),
            events: BTreeMap::new(),
            agents: BTreeMap::new(),
            region: RegionHead { head: Head::empty(), signed: 0 },
        };
        Self {
            state: Mutex::new(state),
            plan: Mutex::default(),
            calls: AtomicUsize::new(0),
            died: Notify::new(),
            shuffle: AtomicU64::new(0),
        }
    }
}

impl World {
    pub fn of(state: State) -> Self {
        let world = Self::default();
        *world.state.lock().unwrap() = state;
        world
    }

    pub fn shuffled(state: State, seed: u64) -> Self {
        let world = Self::of(state);
        world.shuffle.store(seed, Ordering::Relaxed);
        world
    }

    pub fn state(&self) -> State {
        self.state.lock().unwrap().clone()
    }

    pub fn put(&self, name: &str, body: Vec<u8>) {
        self.state.lock().unwrap().locked.insert(name.to_owned(), body);
    }

    /// Faults at these calls from now on.
    pub fn plan(&self, faults: impl IntoIterator<Item = (usize, Fault)>) {
        *self.plan.lock().unwrap() = faults.into_iter().collect();
        self.calls.store(0, Ordering::Relaxed);
    }

    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }

    /// Runs `work` until it ends, or until the process dies at a planned call.
    pub async fn live<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.died.notified() => None,
            done = work => Some(done),
        }
    }

    fn random(&self) -> u64 {
        let next =
            |seed: u64| (seed != 0).then(|| seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
        let before = self.shuffle.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next);
        before.map_or(0, |seed| seed >> 33)
    }

    async fn step<T>(&self, work: impl FnOnce(&mut State) -> T) -> Result<T, Unavailable> {
        for _ in 0..self.random() % 4 {
            tokio::task::yield_now().await;
        }
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        let fault = self.plan.lock().unwrap().get(&call).copied();
        let work = |state: &Mutex<State>| work(&mut state.lock().unwrap());
        match fault {
            None => return Ok(work(&self.state)),
            Some(Fault::LostBefore) => return Err(Unavailable),
            Some(Fault::LostAfter) => {
                work(&self.state);
                return Err(Unavailable);
            }
            Some(Fault::KilledBefore) => {}
            Some(Fault::KilledAfter) => {
                work(&self.state);
            }
        }
        self.died.notify_one();
        std::future::pending().await
    }

    /// Nothing lost, nothing twice, no gap, and every copy agrees with the log.
    pub fn check(&self, wanted: &[(u8, u32)]) {
        let state = self.state();
        for (of, count) in wanted {
            let tenant = tenant(*of);
            let (mut head, mut entries) = (Head::empty(), Vec::new());
            while let Some(bytes) =
                state.locked.get(&format!("t/{tenant}/bundle/{}", Bundle::name_at(head.tree.size())))
            {
                let commit = replay(&tenant, &head, bytes).expect("bundles follow each other");
                entries.extend(commit.entries);
                head = commit.head;
            }
            let bundles = state.locked.keys().filter(|name| name.contains(tenant.as_str())).count();
            let trailers = usize::try_from(head.tree.size()).unwrap() - entries.len();
            assert_eq!(bundles, trailers, "no bundle lies beside the log");
            assert_eq!(state.heads.get(&tenant), Some(&head), "the head is at the end");
            let mut found: Vec<_> = entries.iter().map(|one| one.signed.clone()).collect();
            found.sort_by_key(|one| one.origin.n);
            assert_eq!(found, batch(*of, 0..*count), "each record once");
            for entry in &entries {
                let id = (tenant.clone(), entry.signed.record.event_id);
                assert_eq!(state.events.get(&id), Some(&entry.place.seq));
            }
            assert_eq!(self.rows(&state, &tenant), sorted(entries.iter().map(|one| row::row(one).unwrap())));
            check_agents(&state, &tenant, &entries);
        }
    }

    fn rows(&self, state: &State, tenant: &TenantId) -> Vec<String> {
        let prefix = format!("task_timeline/tenant_id={tenant}/");
        let files = state.derived.iter().filter(|(name, _)| name.starts_with(&prefix));
        let texts = files.map(|(_, body)| String::from_utf8(body.clone()).unwrap());
        sorted(texts.flat_map(|text| text.lines().map(|line| format!("{line}\n")).collect::<Vec<_>>()))
    }
}

fn sorted(rows: impl Iterator<Item = String>) -> Vec<String> {
    let mut rows: Vec<_> = rows.collect();
    rows.sort();
    rows
}

/// An agent's records are numbered from 1, each naming the one before.
fn check_agents(state: &State, tenant: &TenantId, entries: &[ledger::Entry]) {
    let mut last = BTreeMap::<AgentId, AgentHead>::new();
    for entry in entries {
        let Some(agent) = entry.signed.record.agent_id.clone() else { continue };
        let before = last.get(&agent);
        assert_eq!(entry.place.agent_seq, Some(before.map_or(0, |head| head.agent_seq) + 1));
        assert_eq!(entry.place.agent_prev, before.map(|head| head.leaf));
        let leaf = ledger::leaf_hash(entry.to_text().unwrap().as_bytes());
        last.insert(agent, AgentHead { agent_seq: entry.place.agent_seq.unwrap(), leaf });
    }
    for (agent, head) in last {
        assert_eq!(state.agents.get(&(tenant.clone(), agent)), Some(&head));
    }
}

impl ObjectStore for World {
    async fn create(&self, name: &str, body: Vec<u8>) -> Result<(), PutFault> {
        let put = |state: &mut State| match state.locked.contains_key(name) {
            true => Err(PutFault::Exists),
            false => {
                state.locked.insert(name.to_owned(), body);
                Ok(())
            }
        };
        self.step(put).await.unwrap_or(Err(PutFault::Unknown))
    }

    async fn read(&self, name: &str) -> Result<Option<Vec<u8>>, Unavailable> {
        self.step(|state| state.locked.get(name).cloned()).await
    }

    async fn derive(&self, name: &str, body: Vec<u8>) -> Result<(), Unavailable> {
        self.step(|state| state.derived.insert(name.to_owned(), body)).await.map(|_| ())
    }
}

impl HeadStore for World {
    async fn head(&self, tenant: &TenantId) -> Result<Head, Unavailable> {
        self.step(|state| state.heads.get(tenant).cloned().unwrap_or_else(Head::empty)).await
    }

    async fn seen(&self, tenant: &TenantId, records: &[SignedRecord]) -> Result<Seen, Unavailable> {
        self.step(|state| {
            let mut seen = Seen::default();
            for one in records.iter().map(|one| &one.record) {
                let known = state.events.get(&(tenant.clone(), one.event_id));
                seen.events.extend(known.map(|seq| (one.event_id, *seq)));
                if let Some(agent) = &one.agent_id {
                    let head = state.agents.get(&(tenant.clone(), agent.clone()));
                    seen.agents.extend(head.map(|head| (agent.clone(), *head)));
                }
            }
            seen
        })
        .await
    }

    /// One call per row, as the table may take them in any part.
    async fn index(&self, tenant: &TenantId, commit: &Commit) -> Result<(), Unavailable> {
        for (id, seq) in commit.events() {
            self.step(|state| state.events.insert((tenant.clone(), id), seq)).await?;
        }
        for (agent, head) in &commit.agents {
            self.step(|state| {
                let known = state.agents.entry((tenant.clone(), agent.clone())).or_insert(*head);
                if known.agent_seq < head.agent_seq {
                    *known = *head;
                }
            })
            .await?;
        }
        Ok(())
    }

    async fn advance(&self, tenant: &TenantId, from: u64, to: &Head) -> Result<(), Unavailable> {
        self.step(|state| {
            let now = state.heads.get(tenant).map_or(0, |head| head.tree.size());
            if now == from {
                state.heads.insert(tenant.clone(), to.clone());
            }
        })
        .await
    }

    async fn heads(&self) -> Result<Heads, Unavailable> {
        self.step(|state| {
            let mut heads = Heads::default();
            heads.put(state.heads.iter().map(|(tenant, head)| TenantHead {
                root: head.tree.root(),
                size: head.tree.size(),
                tenant_id: tenant.clone(),
            }));
            heads
        })
        .await
    }

    async fn region(&self) -> Result<RegionHead, Unavailable> {
        self.step(|state| state.region.clone()).await
    }

    async fn advance_region(&self, from: u64, to: &Head) -> Result<(), Unavailable> {
        self.step(|state| {
            if state.region.head.tree.size() == from {
                state.region.head = to.clone();
            }
        })
        .await
    }

    async fn published(&self, size: u64) -> Result<(), Unavailable> {
        self.step(|state| state.region.signed = state.region.signed.max(size)).await
    }
}
