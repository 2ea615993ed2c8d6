//! A store in memory that evaluates conditions and updates as DynamoDB does, counts what they cost, and fails on demand.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};

use proptest::prelude::*;

use super::super::*;
use super::tenant;
pub use crate::expression::{Failed, evaluate, size};
pub use crate::faults::Fault;
use crate::faults::others_first;

pub fn fault() -> impl Strategy<Value = Option<Fault>> {
    prop_oneof![
        6 => Just(None),
        1 => Just(Some(Fault::Throttled)),
        1 => Just(Some(Fault::LostBefore)),
        1 => Just(Some(Fault::LostAfter)),
    ]
}

#[derive(Debug, Default)]
pub struct Memory {
    pub rows: Mutex<BTreeMap<Key, Item>>,
    /// What the next writes and reads meet.
    pub faults: Mutex<VecDeque<Option<Fault>>>,
    /// Write units by item since they were last taken: one for each kilobyte begun, two in transactions.
    pub units: Mutex<BTreeMap<Key, u64>>,
    /// Whether each call lets others go first.
    pub yields: bool,
}

impl Memory {
    pub fn of(shards: u8) -> Self {
        let rows = (0..shards).map(|shard| (Key::budget(&tenant(), shard), fresh(shards))).collect();
        Self { rows: Mutex::new(rows), ..Self::default() }
    }

    pub fn fail(&self, faults: impl IntoIterator<Item = Option<Fault>>) {
        *self.faults.lock().unwrap() = faults.into_iter().collect();
    }

    pub fn item(&self, shard: u8) -> Item {
        self.rows.lock().unwrap()[&Key::budget(&tenant(), shard)].clone()
    }

    pub fn shards(&self) -> Vec<Shard> {
        let rows = self.rows.lock().unwrap();
        rows.iter()
            .filter(|(key, _)| key.sk == "BUDGET")
            .map(|(_, item)| Shard::read(item).unwrap())
            .collect()
    }

    /// What all shards together used.
    pub fn used(&self, meter: &str) -> u64 {
        self.shards().iter().map(|shard| shard.used(meter)).sum()
    }

    pub fn open(&self) -> Vec<OpenHold> {
        self.shards().iter().flat_map(|shard| shard.open().unwrap()).collect()
    }

    fn fault(&self) -> Option<Fault> {
        self.faults.lock().unwrap().pop_front().flatten()
    }

    fn write(&self, ops: &[GateOp]) -> Result<Item, GateFault> {
        let mut rows = self.rows.lock().unwrap();
        let writes: Vec<_> = ops.iter().map(GateOp::to_write).collect();
        let keys: BTreeSet<_> = writes.iter().map(|write| write.key.clone()).collect();
        assert_eq!(keys.len(), writes.len(), "a transaction has one update for an item");
        let mut news = Vec::new();
        for write in &writes {
            let before = rows.get(&write.key);
            let judged = evaluate(write, before);
            let bytes = |item: Option<&Item>| item.map_or(0, |item| size(&write.key, item));
            let size = bytes(judged.as_ref().ok().or(before)).max(bytes(before)).max(1);
            let factor = if ops.len() > 1 { 2 } else { 1 };
            *self.units.lock().unwrap().entry(write.key.clone()).or_default() +=
                size.div_ceil(1_024) * factor;
            match judged {
                Ok(after) => news.push((write.key.clone(), after)),
                Err(Failed) => return Err(GateFault::Condition(before.filter(|_| ops.len() == 1).cloned())),
            }
        }
        let last = news.last().map(|(_, item)| item.clone()).unwrap();
        rows.extend(news);
        Ok(last)
    }

    async fn turn(&self) {
        if self.yields {
            others_first().await;
        }
    }

    fn meet(&self, ops: &[GateOp]) -> Result<Item, GateFault> {
        Fault::meets(self.fault(), || self.write(ops))
    }
}

impl GateStore for Memory {
    async fn apply(&self, op: &GateOp) -> Result<Item, GateFault> {
        self.turn().await;
        let after = self.meet(std::slice::from_ref(op))?;
        Ok(if op.is_looked_at() { after } else { Item::new() })
    }

    async fn transact(&self, ops: &[GateOp]) -> Result<(), GateFault> {
        self.turn().await;
        self.meet(ops).map(|_| ())
    }

    async fn snapshot(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, GateFault> {
        self.turn().await;
        if self.fault().is_some() {
            return Err(GateFault::NotWritten);
        }
        let rows = self.rows.lock().unwrap();
        Ok(keys.iter().map(|key| rows.get(key).cloned()).collect())
    }

    async fn pause(&self, _: u32) {
        self.turn().await;
    }
}

pub fn run<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("waited"),
    }
}

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// Runs all at once: `next` says who goes on after each step.
pub fn race<T>(futures: Vec<Boxed<'_, T>>, mut next: impl FnMut(usize) -> usize) -> Vec<T> {
    let mut running: Vec<_> = futures.into_iter().enumerate().collect();
    let mut done = Vec::new();
    while !running.is_empty() {
        let at = next(running.len()) % running.len();
        if let Poll::Ready(value) = running[at].1.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            done.push((running[at].0, value));
            drop(running.swap_remove(at));
        }
    }
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, value)| value).collect()
}
