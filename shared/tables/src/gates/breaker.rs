//! Breakers: when an endpoint fails again and again, calls to it stop for a while, for everybody at once.
//!
//! ```text
//! no row, or counting ──5 failures in 30 s──▶ open ──its time is over, one caller takes the lease──▶ half open
//!        ▲                                     ▲                                                      │    │
//!        └──────── 2 probes succeeded ─────────┼────────── a probe failed: twice as long ─────────────┘    │
//!                                              └──(a probe that hangs loses its lease; the next one probes)┘
//! ```
//!
//! Every change is one conditional update over the revision that was read, so that of many writers one wins and the
//! others look again. While an endpoint is well nothing is written at all: a success changes no closed breaker.
//!
//! The shape follows Envoy's outlier detection (`consecutive_5xx` 5, `base_ejection_time` 30 s, longer with each ejection;
//! Envoy documentation, read 2026-11), with what it lacks: one prober for the whole fleet, and a lease so that a prober that
//! hangs holds nobody up (resilience4j issue 903).

mod row;

use std::future::Future;

use domain::{ActionId, Timestamp};

use row::FIELDS;

use super::{GateFault, Update};
use crate::codec::Row as _;
use crate::item::{VERSION, VERSION_FIELD};
use crate::{Attr, Key};

/// So many failures within [`WINDOW_MS`] open a breaker.
pub const THRESHOLD: u64 = 5;
/// A window begins with the first failure in it.
pub const WINDOW_MS: u64 = 30_000;
/// How long the first opening lasts, at most. Each one after a failed probe lasts twice as long.
pub const BASE_MS: u64 = 30_000;
/// No opening lasts longer.
pub const CAP_MS: u64 = 15 * 60_000;
/// So many probes must succeed, one after another.
pub const SUCCESSES: u64 = 2;
/// Whoever probes has so long; after that another may.
pub const LEASE_MS: u64 = 30_000;
/// How often a write is tried that others came before, or whose outcome is unknown.
const TRIES: usize = 4;

/// A breaker as its row holds it. No row: closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BreakerRow {
    /// One more with every write.
    pub revision: u64,
    /// Whose call wrote it: so a writer whose answer was lost knows its own write again.
    pub writer: ActionId,
    pub state: State,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Closed: calls pass, and failures since `since` are counted.
    Counting { since: Timestamp, failures: u64 },
    /// No call passes before `until`; from then on one may probe. `openings` so many times in succession.
    Open { until: Timestamp, openings: u64 },
    /// One call at a time passes: whoever has the lease.
    HalfOpen { openings: u64, successes: u64, lease: Option<Lease> },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    pub holder: ActionId,
    pub until: Timestamp,
}

/// Whether a call may pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    Closed,
    /// Only as the one that probes: it needs the lease first.
    Probe,
    Open {
        until: Timestamp,
    },
}

/// What a call says about what it was made to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Health {
    Well,
    Ill,
    /// Nothing, such as a throttled call.
    Silent,
}

/// A call that is over, as a breaker needs to know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Report {
    pub action: ActionId,
    /// Whether it had the lease.
    pub probed: bool,
    pub health: Health,
    pub now: Timestamp,
    /// Fresh random bits, so that not all breakers of a bad hour end at the same moment.
    pub jitter: u64,
}

/// What a report changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// A failure was counted, a probe's success noted, or a lease given back.
    Noted,
    Opened {
        failures: u64,
        millis: u64,
    },
    Closed,
}

/// Whether a call may pass a breaker that reads so.
pub fn gate(row: Option<&BreakerRow>, now: Timestamp) -> Gate {
    let shut = match row.map(|row| &row.state) {
        None | Some(State::Counting { .. }) => return Gate::Closed,
        Some(State::Open { until, .. }) => Some(*until),
        Some(State::HalfOpen { lease, .. }) => lease.as_ref().map(|lease| lease.until),
    };
    shut.filter(|until| now < *until).map_or(Gate::Probe, |until| Gate::Open { until })
}

/// The row with the lease in `action`'s hands; `None` when it is not to be had.
pub fn leased(row: &BreakerRow, action: ActionId, now: Timestamp) -> Option<BreakerRow> {
    if gate(Some(row), now) != Gate::Probe {
        return None;
    }
    let (openings, successes) = match row.state {
        State::Counting { .. } => return None,
        State::Open { openings, .. } => (openings, 0),
        State::HalfOpen { openings, successes, .. } => (openings, successes),
    };
    let lease = Some(Lease { holder: action, until: now.plus_millis(LEASE_MS) });
    Some(next(Some(row), action, State::HalfOpen { openings, successes, lease }))
}

/// What a call that is over makes of a breaker; `None`: nothing, and so nothing is written.
pub fn after(row: Option<&BreakerRow>, report: &Report) -> Option<(BreakerRow, Change)> {
    let (state, change) = if report.probed { probed(row?, report)? } else { passed(row, report)? };
    Some((next(row, report.action, state), change))
}

/// What it makes of a breaker that the platform's own probe of the endpoint failed, and failed again at once: it does not wait for
/// callers to find out. One that is open, or that somebody probes, stays as it is.
pub fn condemned(row: Option<&BreakerRow>, report: &Report) -> Option<(BreakerRow, Change)> {
    let shut = matches!(row.map(|row| &row.state), Some(State::Open { .. } | State::HalfOpen { .. }));
    if shut || report.health != Health::Ill {
        return None;
    }
    let (state, change) = opened(report, 0, 1);
    Some((next(row, report.action, state), change))
}

/// A call that passed a closed breaker. Once it is open, whatever began before says nothing new.
fn passed(row: Option<&BreakerRow>, report: &Report) -> Option<(State, Change)> {
    if report.health != Health::Ill {
        return None;
    }
    let now = report.now;
    let (since, before) = match row.map(|row| &row.state) {
        Some(State::Open { .. } | State::HalfOpen { .. }) => return None,
        Some(State::Counting { since, failures })
            if now.millis_since(*since) < WINDOW_MS && *failures > 0 =>
        {
            (*since, *failures)
        }
        None | Some(State::Counting { .. }) => (now, 0),
    };
    let failures = before.saturating_add(1);
    if failures < THRESHOLD {
        return Some((State::Counting { since, failures }, Change::Noted));
    }
    Some(opened(report, 0, failures))
}

/// A call that had the lease. Whoever was too slow for it and lost it to another has one thing to say: that it succeeded, or
/// an endpoint that is well and slow would never be closed again.
fn probed(row: &BreakerRow, report: &Report) -> Option<(State, Change)> {
    let State::HalfOpen { openings, successes, lease } = &row.state else { return None };
    let holds = lease.as_ref().is_some_and(|lease| lease.holder == report.action);
    if !holds && report.health != Health::Well {
        return None;
    }
    let lease = lease.clone().filter(|_| !holds);
    let half = |successes| State::HalfOpen { openings: *openings, successes, lease: lease.clone() };
    Some(match report.health {
        Health::Ill => opened(report, *openings, 1),
        Health::Silent => (half(*successes), Change::Noted),
        Health::Well if successes.saturating_add(1) < SUCCESSES => {
            (half(successes.saturating_add(1)), Change::Noted)
        }
        Health::Well => (State::Counting { since: report.now, failures: 0 }, Change::Closed),
    })
}

fn opened(report: &Report, openings: u64, failures: u64) -> (State, Change) {
    let millis = wait(openings, report.jitter);
    let until = report.now.plus_millis(millis);
    (State::Open { until, openings: openings.saturating_add(1) }, Change::Opened { failures, millis })
}

/// Doubled with every opening in succession, up to the cap; a random part of the last quarter is left out.
fn wait(openings: u64, jitter: u64) -> u64 {
    let doubled = (0..openings.min(16)).fold(BASE_MS, |wait, _| wait.saturating_mul(2).min(CAP_MS));
    doubled - jitter % (doubled / 4 + 1)
}

fn next(row: Option<&BreakerRow>, writer: ActionId, state: State) -> BreakerRow {
    BreakerRow { revision: row.map_or(0, |row| row.revision).saturating_add(1), writer, state }
}

/// One conditional update: the row as it shall be, over the one that was read. Over its writer too: two that build upon the
/// same row write the same revision, and neither may take the other's for its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BreakerOp {
    pub key: Key,
    /// Revision and writer of the row that was read; none where there was no row.
    pub seen: Option<(u64, ActionId)>,
    pub row: BreakerRow,
}

impl BreakerOp {
    fn over(key: &Key, seen: Option<&BreakerRow>, row: BreakerRow) -> Self {
        Self { key: key.clone(), seen: seen.map(|row| (row.revision, row.writer)), row }
    }

    pub fn to_update(&self) -> Update {
        let mut values: Vec<_> = FIELDS
            .iter()
            .zip(self.row.values())
            .map(|((_, value), attr)| (*value, attr))
            .chain([(":v", Attr::number(VERSION))])
            .collect();
        let mut condition = "attribute_not_exists(pk)";
        if let Some((revision, writer)) = self.seen {
            condition = "revision = :seen AND writer = :before";
            values.extend([(":seen", Attr::number(revision)), (":before", Attr::text(writer))]);
        }
        Update {
            key: self.key.clone(),
            update: "SET revision = :revision, writer = :writer, phase = :phase, since_ms = :since_ms, \
                     failures = :failures, until_ms = :until_ms, openings = :openings, successes = :successes, \
                     holder = :holder, expires = :expires, #v = :v",
            condition: Some(condition),
            names: vec![("#v", VERSION_FIELD.to_owned())],
            values,
        }
    }
}

/// The joint to breakers. Production: DynamoDB. Tests: in memory, with faults.
///
/// `write` is atomic per row; a condition that did not hold gives the row as it is.
pub trait BreakerStore {
    fn write(&self, op: &BreakerOp) -> impl Future<Output = Result<(), GateFault>> + Send;
}

/// The lease is not to be had: another call probes, or the store did not confirm. Whoever has no lease does not call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the breaker is open: another call probes, or nobody can say")]
pub struct NotLeased;

/// Takes the lease of a breaker that [`gate`] says may be probed. One call has it, whoever asks at the same time.
///
/// # Errors
/// See [`NotLeased`]. A write of unknown outcome may have taken it all the same; it then ends by itself.
pub async fn lease<S: BreakerStore>(
    store: &S,
    key: &Key,
    seen: &BreakerRow,
    action: ActionId,
    now: Timestamp,
) -> Result<BreakerRow, NotLeased> {
    let row = leased(seen, action, now).ok_or(NotLeased)?;
    let op = BreakerOp::over(key, Some(seen), row);
    for _ in 0..TRIES {
        match store.write(&op).await {
            Ok(()) => return Ok(op.row),
            // An earlier try of this very lease was written after all.
            Err(GateFault::Condition(Some(found)))
                if BreakerRow::from_item(&found).as_ref() == Ok(&op.row) =>
            {
                return Ok(op.row);
            }
            Err(GateFault::Condition(_)) => return Err(NotLeased),
            Err(GateFault::NotWritten | GateFault::Unknown) => {}
        }
    }
    Err(NotLeased)
}

/// A report that the store did not confirm. The breaker knows one call less.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the breaker was not told how the call ended")]
pub struct NotReported;

/// Tells a breaker how a call ended, if that changes anything. What it changed is this call's own doing: of many that
/// see a breaker open, one opened it.
///
/// # Errors
/// The store did not confirm, others were faster every time, or the row does not read.
pub async fn report<S: BreakerStore>(
    store: &S,
    key: &Key,
    seen: Option<&BreakerRow>,
    report: &Report,
) -> Result<Option<Change>, NotReported> {
    judged(store, key, seen, report, after).await
}

/// Tells a breaker that the platform's own probes failed, as [`condemned`] says.
///
/// # Errors
/// As [`report`].
pub async fn condemn<S: BreakerStore>(
    store: &S,
    key: &Key,
    seen: Option<&BreakerRow>,
    report: &Report,
) -> Result<Option<Change>, NotReported> {
    judged(store, key, seen, report, condemned).await
}

type Judge = fn(Option<&BreakerRow>, &Report) -> Option<(BreakerRow, Change)>;

async fn judged<S: BreakerStore>(
    store: &S,
    key: &Key,
    seen: Option<&BreakerRow>,
    report: &Report,
    judge: Judge,
) -> Result<Option<Change>, NotReported> {
    let mut seen = seen.cloned();
    for _ in 0..TRIES {
        let Some((row, change)) = judge(seen.as_ref(), report) else { return Ok(None) };
        let op = BreakerOp::over(key, seen.as_ref(), row);
        match told(store, &op).await? {
            Told::Written => return Ok(Some(change)),
            Told::Other(found) => seen = found,
        }
    }
    Err(NotReported)
}

enum Told {
    Written,
    /// Another write came first; the row as it is.
    Other(Option<BreakerRow>),
}

async fn told<S: BreakerStore>(store: &S, op: &BreakerOp) -> Result<Told, NotReported> {
    for _ in 0..TRIES {
        match store.write(op).await {
            Ok(()) => return Ok(Told::Written),
            Err(GateFault::Condition(found)) => {
                let found = found.map(|item| BreakerRow::from_item(&item)).transpose();
                let found = found.map_err(|_| NotReported)?;
                // Ours, when an earlier try was written after all.
                return Ok(if found.as_ref() == Some(&op.row) { Told::Written } else { Told::Other(found) });
            }
            Err(GateFault::NotWritten | GateFault::Unknown) => {}
        }
    }
    Err(NotReported)
}

#[cfg(test)]
mod tests;
