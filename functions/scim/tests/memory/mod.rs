//! Tables, a log and queues in memory, and a directory in them. Conditions and updates are evaluated as DynamoDB evaluates them,
//! what they cost is counted, and any call fails on demand or lets others go first.

pub mod directory;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use aws::{NotRecorded, NotSent, ReadError};
use countersign_scim::{Desk, Rows};
use domain::{ActionId, AuditRecord, Offboarding, Timestamp, WrappedRoot};
use envelope::{KeyWrapper, RootSecret, WrapError};
use tables::expression::{evaluate, size};
use tables::gates::Write;
use tables::{Attr, GateFault, Item, Key, Listed, Table};

/// What happens at a call instead of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// Refused before any effect.
    Throttled,
    /// Another was at the same rows.
    Conflict,
    /// Without an effect, and no answer.
    LostBefore,
    /// With its effect, and no answer.
    LostAfter,
    KilledBefore,
    KilledAfter,
}

/// What was asked of the tables. Units are those of DynamoDB's bill: strongly consistent reads by 4 KB begun, transactional
/// writes by 1 KB begun, twice.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cost {
    pub reads: u64,
    pub rows_read: u64,
    pub read_units: u64,
    pub writes: u64,
    pub rows_written: u64,
    pub write_units: u64,
}

#[derive(Debug, Clone, Default)]
pub struct State {
    pub rows: BTreeMap<Key, Item>,
    pub log: Vec<AuditRecord>,
    /// Told to `lifecycle`.
    pub told: Vec<Offboarding>,
}

#[derive(Debug, Default)]
pub struct Memory {
    state: Mutex<State>,
    plan: Mutex<BTreeMap<usize, Failure>>,
    calls: Mutex<usize>,
    dead: Mutex<bool>,
    cost: Mutex<Cost>,
    yields: Mutex<bool>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Memory {
    pub fn state(&self) -> State {
        lock(&self.state).clone()
    }

    pub fn restore(&self, state: State) {
        *lock(&self.state) = state;
    }

    pub fn put(&self, key: Key, item: Item) {
        lock(&self.state).rows.insert(key.clone(), keyed(&key, item));
    }

    /// Failures at these calls from now on.
    pub fn plan(&self, failures: impl IntoIterator<Item = (usize, Failure)>) {
        *lock(&self.plan) = failures.into_iter().collect();
        *lock(&self.calls) = 0;
        *lock(&self.dead) = false;
    }

    /// Calls since failures were planned.
    pub fn calls(&self) -> usize {
        *lock(&self.calls)
    }

    /// Whether each call lets others go first.
    pub fn yielding(&self, yields: bool) {
        *lock(&self.yields) = yields;
    }

    pub fn forget_log(&self) {
        lock(&self.state).log.clear();
    }

    /// What was asked since this was last taken.
    pub fn cost(&self) -> Cost {
        std::mem::take(&mut *lock(&self.cost))
    }

    /// One call: what it does, and whether it is answered. One that is not answered at all kills the process: nothing that
    /// goes on beside it does anything more.
    async fn call<T>(&self, lost: impl Fn(Failure) -> T, work: impl FnOnce(&mut State) -> T) -> T {
        if *lock(&self.yields) {
            tables::faults::others_first().await;
        }
        if *lock(&self.dead) {
            return std::future::pending().await;
        }
        let failure = {
            let mut calls = lock(&self.calls);
            *calls += 1;
            lock(&self.plan).get(&(*calls - 1)).copied()
        };
        let work = || work(&mut lock(&self.state));
        match failure {
            None => return work(),
            Some(failure @ (Failure::Throttled | Failure::Conflict | Failure::LostBefore)) => {
                return lost(failure);
            }
            Some(Failure::LostAfter) => {
                work();
                return lost(Failure::LostAfter);
            }
            Some(Failure::KilledBefore) => {}
            Some(Failure::KilledAfter) => drop(work()),
        }
        *lock(&self.dead) = true;
        std::future::pending().await
    }

    fn read_cost(&self, rows: u64, units: u64) {
        let mut cost = lock(&self.cost);
        cost.reads += 1;
        cost.rows_read += rows;
        cost.read_units += units;
    }

    /// Each row by itself; one that is not there costs as the smallest does.
    fn got(&self, items: &[Option<(&Key, &Item)>]) {
        let units = |item: &Option<(&Key, &Item)>| {
            item.map_or(1, |(key, item)| size(key, item).div_ceil(4_096)).max(1)
        };
        let rows = items.iter().flatten().count() as u64;
        self.read_cost(rows, items.iter().map(units).sum());
    }

    /// All rows of a page together.
    fn listed(&self, rows: Vec<(Key, Item)>, more: bool) -> Listed {
        let bytes: u64 = rows.iter().map(|(key, item)| size(key, item)).sum();
        self.read_cost(rows.len() as u64, bytes.div_ceil(4_096).max(1));
        Listed { rows, more }
    }

    /// A page as DynamoDB cuts it: so many rows, and no more than a megabyte.
    fn between(&self, state: &State, (from, to): (&Key, &Key), limit: u16) -> Listed {
        let (mut rows, mut bytes, mut more) = (Vec::new(), 0, false);
        for (key, item) in state.rows.range(from..=to) {
            if rows.len() == usize::from(limit) || bytes > 1_000_000 {
                more = true;
                break;
            }
            bytes += size(key, item);
            rows.push((key.clone(), item.clone()));
        }
        self.listed(rows, more)
    }

    fn written(&self, state: &mut State, writes: &[Write]) -> Result<(), GateFault> {
        let keys: BTreeSet<&Key> = writes.iter().map(|write| &write.key).collect();
        assert!(
            keys.len() == writes.len() && keys.len() <= 100,
            "a transaction has 100 rows at most, each once"
        );
        let changes = writes.iter().any(|write| write.key.sk.starts_with("SCIM"));
        assert!(!changes || !state.log.is_empty(), "nothing is written before it is recorded");
        let mut news = Vec::new();
        let mut cost = lock(&self.cost);
        cost.writes += 1;
        for write in writes {
            let before = state.rows.get(&write.key);
            let after = evaluate(write, before).map_err(|_| GateFault::Condition(None))?;
            let bytes = |item: Option<&Item>| item.map_or(0, |item| size(&write.key, item));
            cost.rows_written += 1;
            cost.write_units += 2 * bytes(before).max(bytes(Some(&after))).div_ceil(1_024).max(1);
            news.push((write.key.clone(), (!write.delete).then_some(after)));
        }
        for (key, after) in news {
            match after {
                Some(after) => drop(state.rows.insert(key.clone(), keyed(&key, after))),
                None => drop(state.rows.remove(&key)),
            }
        }
        Ok(())
    }
}

/// Rows come with their keys among their attributes.
fn keyed(key: &Key, mut item: Item) -> Item {
    item.insert("pk".to_owned(), Attr::text(&key.pk));
    item.insert("sk".to_owned(), Attr::text(&key.sk));
    item
}

/// When everything happens.
pub fn now() -> Timestamp {
    Timestamp::from_unix_millis(1_795_435_200_000).unwrap_or_else(|_| panic!("a time"))
}

impl Desk for Memory {
    type Wrapper = Plain;

    /// Time stands still: what takes long is for other tests.
    fn now(&self) -> Timestamp {
        now()
    }

    async fn get(&self, key: &Key) -> Result<Option<Item>, ReadError> {
        let get = |state: &mut State| {
            let item = state.rows.get(key);
            self.got(&[item.map(|item| (key, item))]);
            Ok(item.cloned())
        };
        self.call(|_| Err(ReadError), get).await
    }

    async fn batch_get(&self, keys: &[Key]) -> Result<Rows, ReadError> {
        assert!(!keys.is_empty() && keys.len() <= 100, "DynamoDB takes 1 to 100 keys");
        let get = |state: &mut State| {
            let items: Vec<_> = keys.iter().map(|key| Some((key, state.rows.get(key)?))).collect();
            self.got(&items);
            Ok(items.into_iter().flatten().map(|(key, item)| (key.clone(), item.clone())).collect())
        };
        self.call(|_| Err(ReadError), get).await
    }

    async fn page(
        &self,
        table: Table,
        pk: &str,
        prefix: &str,
        after: Option<&str>,
        limit: u16,
    ) -> Result<Listed, ReadError> {
        let key = |sk: String| Key { table, pk: pk.to_owned(), sk };
        // Keys are ASCII: nothing lies between a text and the same with a zero byte behind it.
        let from = key(after.map_or_else(|| prefix.to_owned(), |after| format!("{after}\0")));
        let to = key(format!("{prefix}\u{7f}"));
        self.call(|_| Err(ReadError), |state| Ok(self.between(state, (&from, &to), limit))).await
    }

    async fn range(
        &self,
        table: Table,
        pk: &str,
        (from, to): (&str, &str),
        limit: u16,
    ) -> Result<Listed, ReadError> {
        let key = |sk: &str| Key { table, pk: pk.to_owned(), sk: sk.to_owned() };
        let (from, to) = (key(from), key(to));
        self.call(|_| Err(ReadError), |state| Ok(self.between(state, (&from, &to), limit))).await
    }

    async fn write_all(&self, writes: Vec<Write>) -> Result<(), GateFault> {
        let fault = |failure| match failure {
            Failure::Throttled => Err(GateFault::NotWritten),
            Failure::Conflict => Err(GateFault::Condition(None)),
            _ => Err(GateFault::Unknown),
        };
        self.call(fault, |state| self.written(state, &writes)).await
    }

    async fn pause(&self, _: u32) {
        if *lock(&self.yields) {
            tables::faults::others_first().await;
        }
    }

    async fn attempt(&self, action: ActionId, record: AuditRecord) -> Result<(), NotRecorded> {
        assert_eq!(record.action_id, Some(action));
        self.record(record).await
    }

    async fn record(&self, record: AuditRecord) -> Result<(), NotRecorded> {
        let text = record.to_canonical().unwrap_or_default();
        assert!(!text.is_empty() && !text.contains('@'), "no address of anybody: {text}");
        let keep = |state: &mut State| {
            state.log.push(record.clone());
            Ok(())
        };
        self.call(|_| Err(NotRecorded), keep).await
    }

    async fn offboarded(&self, left: &Offboarding) -> Result<(), NotSent> {
        let tell = |state: &mut State| {
            state.told.push(left.clone());
            Ok(())
        };
        self.call(|_| Err(NotSent), tell).await
    }
}

/// Unwraps a root into itself.
#[derive(Debug)]
pub struct Plain;

impl KeyWrapper for Plain {
    async fn generate(&self, _: &envelope::Context) -> Result<WrappedRoot, WrapError> {
        Ok(WrappedRoot(vec![7; 32]))
    }

    async fn unwrap(&self, wrapped: &WrappedRoot, _: &envelope::Context) -> Result<RootSecret, WrapError> {
        wrapped.0.as_slice().try_into().map(RootSecret::new).map_err(|_| WrapError::Refused)
    }
}
