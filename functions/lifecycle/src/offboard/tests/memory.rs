//! Tables, a log and a clock in memory, which fail on demand at any call.

use std::collections::{BTreeMap, HashMap};
use std::pin::pin;
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};

use domain::{AuditRecord, EventType, Phase, Region, Timestamp};
use tables::{GateFault, Item, Key, Listed, Swap, Table};

use super::{ActionId, Desk, Fault};

/// What happens at a call instead of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// Without an effect.
    LostBefore,
    /// With its effect, and an error.
    LostAfter,
    KilledBefore,
    KilledAfter,
}

pub const FAILURES: [Failure; 4] =
    [Failure::LostBefore, Failure::LostAfter, Failure::KilledBefore, Failure::KilledAfter];

#[derive(Debug, Clone, Default)]
pub struct State {
    pub rows: BTreeMap<Key, Item>,
    pub log: Vec<AuditRecord>,
    /// How often each row was written.
    pub writes: BTreeMap<Key, u32>,
}

pub struct Memory {
    pub state: Mutex<State>,
    now: Mutex<Timestamp>,
    plan: Mutex<BTreeMap<usize, Failure>>,
    calls: Mutex<usize>,
    /// Another writer, who comes just before the next write of a row.
    between: Mutex<Option<(Key, Item)>>,
    pages_left: Mutex<usize>,
    drawn: Mutex<u64>,
}

impl Memory {
    pub fn of(rows: BTreeMap<Key, Item>, now: Timestamp) -> Self {
        Self {
            state: Mutex::new(State { rows, ..State::default() }),
            now: Mutex::new(now),
            plan: Mutex::default(),
            calls: Mutex::default(),
            between: Mutex::default(),
            pages_left: Mutex::new(usize::MAX),
            drawn: Mutex::default(),
        }
    }

    pub fn state(&self) -> State {
        self.state.lock().unwrap().clone()
    }

    pub fn put(&self, key: Key, item: Item) {
        self.state.lock().unwrap().rows.insert(key, item);
    }

    pub fn item(&self, key: &Key) -> Option<Item> {
        self.state.lock().unwrap().rows.get(key).cloned()
    }

    pub fn at(&self, now: Timestamp) {
        *self.now.lock().unwrap() = now;
    }

    /// Failures at these calls from now on.
    pub fn plan(&self, failures: impl IntoIterator<Item = (usize, Failure)>) {
        *self.plan.lock().unwrap() = failures.into_iter().collect();
        *self.calls.lock().unwrap() = 0;
    }

    pub fn calls(&self) -> usize {
        *self.calls.lock().unwrap()
    }

    pub fn comes_between(&self, key: Key, item: Item) {
        *self.between.lock().unwrap() = Some((key, item));
    }

    pub fn has_time_for(&self, pages: usize) {
        *self.pages_left.lock().unwrap() = pages;
    }

    /// One call: what it does, and whether it is answered. One that is not answered at all kills the process.
    async fn call<T>(&self, lost: impl Fn() -> T, work: impl FnOnce(&mut State) -> T) -> T {
        let failure = {
            let mut calls = self.calls.lock().unwrap();
            *calls += 1;
            self.plan.lock().unwrap().get(&(*calls - 1)).copied()
        };
        let work = || work(&mut self.state.lock().unwrap());
        match failure {
            None => return work(),
            Some(Failure::LostBefore) => return lost(),
            Some(Failure::LostAfter) => {
                work();
                return lost();
            }
            Some(Failure::KilledBefore) => {}
            Some(Failure::KilledAfter) => drop(work()),
        }
        std::future::pending().await
    }
}

/// Runs to the end, or until the process dies: nothing else in memory waits.
pub fn live<T>(work: impl Future<Output = T>) -> Option<T> {
    match pin!(work).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => Some(done),
        Poll::Pending => None,
    }
}

/// The thing that a row is of, as records name it.
fn resource(key: &Key) -> Option<String> {
    let agent = key.sk.strip_prefix("AGENT#").map(|id| format!("agent:{id}"));
    let token = key.sk.strip_prefix("SCIMTOKEN#").map(|id| format!("scim_token:{id}"));
    agent.or(token).or_else(|| key.pk.strip_prefix("KEY#").map(|id| format!("key:{id}")))
}

/// No row of somebody's is written before its attempt is recorded, for an action that has not ended.
fn announced(state: &State, key: &Key) {
    let Some(resource) = resource(key) else { return };
    let of = |record: &&AuditRecord| {
        record.resource.as_ref().map(|name| name.as_str().to_owned()) == Some(resource.clone())
    };
    let ended =
        |action| state.log.iter().any(|record| record.action_id == action && record.phase == Phase::Outcome);
    let open = |record: &AuditRecord| record.phase == Phase::Attempt && !ended(record.action_id);
    assert!(state.log.iter().filter(of).any(open), "{resource} is written before it is recorded");
}

impl Desk for Memory {
    fn region(&self) -> Region {
        Region::Eu
    }

    fn now(&self) -> Timestamp {
        *self.now.lock().unwrap()
    }

    fn in_time(&self) -> bool {
        let mut left = self.pages_left.lock().unwrap();
        *left = left.saturating_sub(1);
        *left > 0
    }

    fn random(&self) -> Result<[u8; 10], Fault> {
        let mut drawn = self.drawn.lock().unwrap();
        *drawn += 1;
        let [a, b, c, d, e, f, g, h] = drawn.to_be_bytes();
        Ok([0, 0, a, b, c, d, e, f, g, h])
    }

    async fn read(&self, key: &Key) -> Result<Option<Item>, Fault> {
        self.call(|| Err("lost"), |state| Ok(state.rows.get(key).cloned())).await
    }

    async fn rows(&self, keys: &[Key]) -> Result<HashMap<Key, Item>, Fault> {
        self.call(
            || Err("lost"),
            |state| {
                Ok(keys.iter().filter_map(|key| Some((key.clone(), state.rows.get(key)?.clone()))).collect())
            },
        )
        .await
    }

    /// Two rows at a time.
    async fn page(&self, table: Table, pk: &str, prefix: &str, after: Option<&str>) -> Result<Listed, Fault> {
        let page = |state: &mut State| {
            let of = |key: &&Key| key.table == table && key.pk == pk && key.sk.starts_with(prefix);
            let behind = |key: &&Key| after.is_none_or(|after| key.sk.as_str() > after);
            let keys: Vec<_> = state.rows.keys().filter(of).filter(behind).cloned().collect();
            let rows = keys.iter().take(2).map(|key| (key.clone(), state.rows[key].clone())).collect();
            Ok(Listed { rows, more: keys.len() > 2 })
        };
        self.call(|| Err("lost"), page).await
    }

    async fn write(&self, swaps: &[Swap]) -> Result<(), GateFault> {
        let of = |place: &Key| swaps.iter().any(|swap| swap.key == *place);
        let other = self.between.lock().unwrap().take_if(|(key, _)| of(key));
        let write = |state: &mut State| {
            if let Some((key, item)) = other {
                state.rows.insert(key, item);
            }
            swaps.iter().for_each(|swap| announced(state, &swap.key));
            if swaps.iter().any(|swap| state.rows.get(&swap.key) != swap.old.as_ref()) {
                return Err(GateFault::Condition(None));
            }
            for swap in swaps {
                state.rows.insert(swap.key.clone(), swap.new.clone());
                *state.writes.entry(swap.key.clone()).or_default() += 1;
            }
            Ok(())
        };
        self.call(|| Err(GateFault::Unknown), write).await
    }

    async fn forget(&self, key: &Key, old: &Item) -> Result<(), GateFault> {
        let forget = |state: &mut State| match state.rows.get(key) == Some(old) {
            true => {
                state.rows.remove(key);
                Ok(())
            }
            false => Err(GateFault::Condition(None)),
        };
        self.call(|| Err(GateFault::Unknown), forget).await
    }

    async fn attempt(&self, action: ActionId, record: AuditRecord) -> Result<(), Fault> {
        assert_eq!((record.action_id, record.phase), (Some(action), Phase::Attempt));
        self.record(record).await
    }

    async fn record(&self, record: AuditRecord) -> Result<(), Fault> {
        let text = record.to_canonical().unwrap();
        assert!(!text.contains('@'), "no address of anybody: {text}");
        self.call(
            || Err("lost"),
            |state| {
                state.log.push(record.clone());
                Ok(())
            },
        )
        .await
    }
}

/// Of the log: event, resource and phase, each once, in order of the alphabet.
pub fn told(state: &State) -> Vec<(EventType, String, Phase)> {
    let one = |record: &AuditRecord| {
        let resource = record.resource.as_ref().map(|name| name.as_str().to_owned());
        (record.event_type, resource.unwrap_or_default(), record.phase)
    };
    let mut told: Vec<_> = state.log.iter().map(one).collect();
    told.sort();
    told.dedup();
    told
}
