//! One store in memory for all rows that the controls act by. It evaluates the very expressions that DynamoDB is sent, lets
//! others go first before each of its calls, fails on demand, and tells the truth what it has written for whom.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Mutex, MutexGuard};
use std::task::Poll;

use domain::{KillRow, Timestamp};
use proptest::prelude::*;
use tables::codec::Row as _;
use tables::expression::{Failed, evaluate};
pub use tables::faults::Fault;
use tables::faults::others_first;
use tables::gates::breaker::{BreakerOp, BreakerStore};
use tables::gates::{Shard, Write, fresh};
use tables::{GateFault, GateOp, GateStore, Item, Key};

use super::truth::{PLACES, Truth};
use super::{METERS, key_row, moment, switches};
use crate::effects::WRITE_LIMIT;

pub fn fault() -> impl Strategy<Value = Option<Fault>> {
    prop_oneof![
        24 => Just(None),
        1 => Just(Some(Fault::Throttled)),
        1 => Just(Some(Fault::LostBefore)),
        1 => Just(Some(Fault::LostAfter)),
    ]
}

/// Whose turn it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Turn {
    Admin,
    Call(u64),
    Sweep(u64),
}

pub struct Inside {
    pub rows: BTreeMap<Key, Item>,
    pub faults: VecDeque<Option<Fault>>,
    pub now: Timestamp,
    pub turn: Turn,
    pub truth: Truth,
    /// Who has met a fault.
    pub troubled: BTreeSet<Turn>,
    /// What was used when somebody last asked the gates.
    pub used: BTreeMap<Turn, [u64; PLACES]>,
    pub actions: u64,
}

pub struct Store(Mutex<Inside>);

impl Store {
    pub fn new(shards: u8, faults: Vec<Option<Fault>>) -> Self {
        let tenant = key_row().tenant;
        let budgets = (0..shards).map(|shard| (Key::budget(&tenant, shard), fresh(shards)));
        let keys = switches().into_iter().flat_map(|switch| switch.keys());
        let kills = keys.map(|key| (key, KillRow::new().to_item()));
        Self(Mutex::new(Inside {
            rows: budgets.chain(kills).collect(),
            faults: faults.into(),
            now: moment().now,
            turn: Turn::Admin,
            truth: Truth::default(),
            troubled: BTreeSet::new(),
            used: BTreeMap::new(),
            actions: 0,
        }))
    }

    /// Nobody waits for it: there is one thread.
    pub fn lock(&self) -> MutexGuard<'_, Inside> {
        self.0.try_lock().unwrap()
    }

    pub fn truth<T>(&self, read: impl FnOnce(&Truth) -> T) -> T {
        read(&self.lock().truth)
    }

    pub fn now(&self) -> Timestamp {
        self.lock().now
    }

    /// Lets others go first.
    pub async fn yields(&self) {
        others_first().await;
    }

    /// All of them or none; `told` hears of it at the same moment.
    pub fn change(&self, writes: &[Write], told: impl FnOnce(&mut Inside)) -> Result<Item, GateFault> {
        let mut it = self.lock();
        let fault = it.fault();
        Fault::meets(fault, || {
            let after = it.put(writes)?;
            told(&mut it);
            Ok(after)
        })
    }

    /// # Errors
    /// No answer.
    pub async fn read(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, GateFault> {
        self.yields().await;
        let mut it = self.lock();
        match it.fault() {
            Some(_) => Err(GateFault::NotWritten),
            None => Ok(keys.iter().map(|key| it.rows.get(key).cloned()).collect()),
        }
    }

    /// A record is acknowledged, or nobody knows.
    pub async fn record(&self) -> Result<(), GateFault> {
        self.yields().await;
        self.lock().fault().map_or(Ok(()), |_| Err(GateFault::Unknown))
    }

    /// As in [`crate::effects::in_time`], by the clock of the model.
    pub async fn in_time<T, E>(&self, write: impl Future<Output = Result<T, E>>, late: E) -> Result<T, E> {
        let mut write = std::pin::pin!(write);
        let (began, mut late) = (self.now(), Some(late));
        std::future::poll_fn(|cx| {
            let over = u128::from(self.now().millis_since(began)) > WRITE_LIMIT.as_millis();
            match late.take_if(|_| over) {
                Some(late) => {
                    let mut it = self.lock();
                    let turn = it.turn;
                    it.troubled.insert(turn);
                    it.truth.note("late");
                    Poll::Ready(Err(late))
                }
                None => write.as_mut().poll(cx),
            }
        })
        .await
    }

    /// At every moment: what the gates say is used is what was spent and what is held, and shares make no more than a limit.
    pub fn check(&self) {
        let it = self.lock();
        let shards = it.rows.iter().filter(|(key, _)| key.sk == "BUDGET");
        let shards: Vec<_> = shards.map(|(_, item)| Shard::read(item).unwrap()).collect();
        let used: [u64; PLACES] =
            METERS.each_ref().map(|meter| shards.iter().map(|shard| shard.used(meter)).sum());
        assert_eq!(used, it.truth.used());
        for meter in METERS.iter() {
            let carves: Vec<_> = shards.iter().filter_map(|shard| shard.carve.get(meter)).collect();
            let shares: u64 = carves.iter().map(|carve| carve.share).sum();
            assert!(carves.iter().all(|carve| shares <= carve.most), "{meter}: {carves:?}");
        }
    }
}

impl Inside {
    fn fault(&mut self) -> Option<Fault> {
        let fault = self.faults.pop_front().flatten();
        if fault.is_some() {
            self.troubled.insert(self.turn);
        }
        fault
    }

    fn put(&mut self, writes: &[Write]) -> Result<Item, GateFault> {
        let mut news = Vec::new();
        for write in writes {
            let before = self.rows.get(&write.key);
            let after = evaluate(write, before);
            let alone = writes.len() == 1;
            let after = after.map_err(|Failed| GateFault::Condition(before.filter(|_| alone).cloned()))?;
            news.push((write.key.clone(), after));
        }
        let last = news.last().map(|(_, item)| item.clone()).unwrap();
        self.rows.extend(news);
        Ok(last)
    }

    fn asked(&mut self) {
        self.used.insert(self.turn, self.truth.used());
    }

    fn gates(&mut self, op: &GateOp) {
        let (by_sweep, now) = (matches!(self.turn, Turn::Sweep(_)), self.now);
        match op {
            GateOp::Hold { action, .. } => self.truth.held(*action),
            GateOp::Settle { action, .. } => self.truth.settled(*action, by_sweep, now),
            _ => {}
        }
    }
}

impl GateStore for Store {
    async fn apply(&self, op: &GateOp) -> Result<Item, GateFault> {
        self.yields().await;
        self.lock().asked();
        let after = self.change(&[op.to_write()], |it| it.gates(op))?;
        Ok(if op.is_looked_at() { after } else { Item::new() })
    }

    async fn transact(&self, ops: &[GateOp]) -> Result<(), GateFault> {
        self.yields().await;
        self.lock().asked();
        let writes: Vec<_> = ops.iter().map(GateOp::to_write).collect();
        self.change(&writes, |it| ops.iter().for_each(|op| it.gates(op))).map(|_| ())
    }

    async fn snapshot(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, GateFault> {
        let read = self.read(keys).await;
        self.lock().asked();
        read
    }

    async fn pause(&self, _: u32) {
        self.yields().await;
    }
}

impl BreakerStore for Store {
    async fn write(&self, op: &BreakerOp) -> Result<(), GateFault> {
        self.yields().await;
        let doubted = self.change(&[op.to_update().into()], |it| {
            let now = it.now;
            it.truth.turned(op, now);
        });
        if doubted == Err(GateFault::Unknown) {
            self.lock().truth.doubted += 1;
        }
        doubted.map(|_| ())
    }
}
