//! What happened, kept beside the controls by sums and sets alone, and what they may therefore do.

use std::collections::{BTreeMap, BTreeSet};

use domain::{ActionId, KillScope, Reason, Timestamp};
use tables::Key;
use tables::gates::breaker::{BreakerOp, Health, State};

use super::answers::Answer;
use crate::effects::WRITE_LIMIT;

/// Limits stand at the tenant, its organization, the team of agents 0 and 1, agent 0 and the key of agent 1.
pub const PLACES: usize = 5;
const COVERS: [&[usize]; PLACES] = [&[0, 1, 2], &[0, 1, 2], &[0, 1], &[0], &[1]];

/// Of breakers, as the README has them: so many failures in so long, so many good probes, each with so long a lease.
const FAILURES: u64 = 5;
const WITHIN_MS: u64 = 30_000;
const PROBES: u64 = 2;
const LEASE_MS: u64 = 30_000;
/// A hold so old is nobody's who lives.
const ORPHANED_MS: u64 = 20 * 60_000;

/// Whose switches are turned: everybody's, and those of agent 0.
pub const KILLED: [Reason; 4] =
    [Reason::KilledPlatform, Reason::KilledOrg, Reason::KilledTenant, Reason::KilledAgent];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Budget {
    Free,
    Held,
    Spent(u64),
}

/// What is known of an action.
#[derive(Debug, Clone)]
pub struct Known {
    pub agent: usize,
    pub need: u64,
    /// What the limits were when it read them.
    pub limits: [u64; PLACES],
    /// The switch that was on when it read them.
    pub stopped: Option<Reason>,
    /// The endpoint's breaker and the tenant's own, each as it was read.
    pub doors: [(Key, Door); 2],
    pub budget: Budget,
    pub started: bool,
    pub ended: Option<Answer>,
    /// It has settled, or knows that there is nothing to settle.
    pub closed: bool,
}

/// A breaker, by the number of its last write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Door {
    pub revision: u64,
    shut: Shut,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Shut {
    #[default]
    No,
    Until(Timestamp),
    Half {
        well: u64,
        lease: Option<(ActionId, Timestamp)>,
    },
}

impl Door {
    /// Until when nobody passes.
    pub fn until(self, now: Timestamp) -> Option<Timestamp> {
        let (Shut::Until(until) | Shut::Half { lease: Some((_, until)), .. }) = self.shut else {
            return None;
        };
        Some(until).filter(|until| now < *until)
    }

    pub fn is_closed(self) -> bool {
        self.shut == Shut::No
    }
}

#[derive(Debug, Default)]
pub struct Truth {
    pub stopped: BTreeSet<(usize, KillScope)>,
    pub limits: [u64; PLACES],
    pub calls: BTreeMap<ActionId, Known>,
    pub doors: BTreeMap<Key, Door>,
    /// When calls failed that a breaker hears of.
    ills: Vec<(Key, Timestamp)>,
    /// Reports that were written and not confirmed: they may be counted again.
    pub doubted: u64,
    /// How often something came to pass, so that a model in which it never does is noticed.
    pub seen: BTreeMap<&'static str, u64>,
}

impl Truth {
    pub fn note(&mut self, what: &'static str) {
        *self.seen.entry(what).or_default() += 1;
    }

    /// The highest switch that stops an agent's calls of models.
    pub fn kill(&self, agent: usize) -> Option<Reason> {
        let stops = |level: &usize| {
            [KillScope::All, KillScope::Llm].iter().any(|scope| self.stopped.contains(&(*level, *scope)))
        };
        let above = if agent == 0 { 0..4 } else { 0..3 };
        above.into_iter().find(stops).map(|level| KILLED[level])
    }

    /// What is spent and held at each place.
    pub fn used(&self) -> [u64; PLACES] {
        let of = |known: &Known| match known.budget {
            Budget::Free => 0,
            Budget::Held => known.need,
            Budget::Spent(spent) => spent,
        };
        COVERS.map(|agents| self.calls.values().filter(|one| agents.contains(&one.agent)).map(of).sum())
    }

    /// Whether a limit does not cover what an agent's call needs, beside what is used.
    pub fn is_over(agent: usize, need: u64, limits: &[u64; PLACES], used: &[u64; PLACES]) -> bool {
        (0..PLACES).any(|place| COVERS[place].contains(&agent) && used[place] + need > limits[place])
    }

    fn known(&mut self, action: ActionId) -> &mut Known {
        self.calls.get_mut(&action).expect("whatever is written is written of a call that was let through")
    }

    pub fn held(&mut self, action: ActionId) {
        let known = self.known(action);
        assert_eq!(known.budget, Budget::Free, "an action holds once");
        known.budget = Budget::Held;
        let (agent, limits) = (known.agent, known.limits);
        let used = self.used();
        assert!(!Self::is_over(agent, 0, &limits, &used), "{used:?} is more than {limits:?}");
    }

    pub fn settled(&mut self, action: ActionId, by_sweep: bool, now: Timestamp) {
        let known = self.known(action);
        assert_eq!(known.budget, Budget::Held, "what is held is settled once");
        let spent = match known.ended {
            _ if by_sweep => known.need,
            Some(answer) => answer.spent(known.need),
            None => 0,
        };
        known.budget = Budget::Spent(spent);
        assert!(!by_sweep || !known.closed, "a call that was closed still held something");
        let young = now.millis_since(action.created_at().expect("an action tells its time")) < ORPHANED_MS;
        assert!(!by_sweep || !young, "a sweep ends what may still run");
        if by_sweep {
            self.note("an orphan");
        }
    }

    /// A call goes to its provider.
    pub fn started(&mut self, action: ActionId, now: Timestamp) {
        let known = self.known(action).clone();
        assert_eq!((known.stopped, known.budget, known.started), (None, Budget::Held, false), "{known:?}");
        for (key, read) in &known.doors {
            assert_eq!(read.until(action.created_at().unwrap_or(now)), None, "through an open breaker");
            if !read.is_closed() {
                let door = self.doors.get(key).copied().unwrap_or_default();
                let Shut::Half { lease: Some((holder, until)), .. } = door.shut else { panic!("{door:?}") };
                assert!(holder == action && now < until, "{action} probes, the lease is {holder}'s");
                self.note("a probe");
            }
        }
        self.known(action).started = true;
        self.note("a call");
    }

    pub fn ended(&mut self, action: ActionId, answer: Answer, now: Timestamp) {
        let known = self.known(action);
        known.ended = Some(answer);
        let doors = known.doors.clone();
        for ((key, _), said) in doors.into_iter().zip(answer.says()) {
            if said == Health::Ill {
                self.ills.push((key, now));
            }
        }
    }

    pub fn is_probing(&self, key: &Key, action: ActionId) -> bool {
        let shut = self.doors.get(key).map(|door| door.shut);
        matches!(shut, Some(Shut::Half { lease: Some((holder, _)), .. }) if holder == action)
    }

    pub fn closed(&mut self, action: ActionId) {
        self.known(action).closed = true;
    }

    /// A breaker was written.
    pub fn turned(&mut self, op: &BreakerOp, now: Timestamp) {
        let writer = op.row.writer;
        let known = self.known(writer);
        let which =
            known.doors.iter().position(|(key, _)| *key == op.key).expect("a call passes its own doors");
        let said = known.ended.map(|answer| answer.says()[which]);
        let before = self.doors.get(&op.key).copied().unwrap_or_default();
        let shut = match &op.row.state {
            State::Counting { failures: 0, .. } => {
                let well = matches!(before.shut, Shut::Half { well, .. } if well + 1 >= PROBES);
                assert!(well && said == Some(Health::Well), "closed after {before:?} by {said:?}");
                self.note("closed");
                Shut::No
            }
            State::Counting { .. } => {
                assert!(before.is_closed() && said == Some(Health::Ill), "{said:?} counts after {before:?}");
                Shut::No
            }
            State::Open { until, .. } => {
                self.opened(op, before, said, now);
                Shut::Until(*until)
            }
            State::HalfOpen { successes, lease, .. } => {
                let lease = lease.as_ref().map(|lease| (lease.holder, lease.until));
                leased(writer, before, (*successes, lease), said, now);
                Shut::Half { well: *successes, lease }
            }
        };
        self.doors.insert(op.key.clone(), Door { revision: op.row.revision, shut });
    }

    /// Only what a breaker hears of opens it: a failed probe, or enough failures within its window.
    fn opened(&mut self, op: &BreakerOp, before: Door, said: Option<Health>, now: Timestamp) {
        assert_eq!(said, Some(Health::Ill), "opened by a call that says nothing against it");
        match before.shut {
            Shut::No => {
                // A report may take as long as a write may.
                let late = u64::try_from(WRITE_LIMIT.as_millis()).unwrap_or(u64::MAX);
                let recent = |at: &Timestamp| now.millis_since(*at) <= WITHIN_MS + late;
                let failed = self.ills.iter().filter(|(key, at)| *key == op.key && recent(at)).count() as u64;
                assert!(failed + self.doubted >= FAILURES, "opened after {failed} failures");
                self.note("opened");
            }
            Shut::Half { lease: Some((holder, _)), .. } if holder == op.row.writer => {
                self.note("opened again");
            }
            other => panic!("opened after {other:?}"),
        }
    }
}

/// A half-open breaker: its lease is given to one, or given back with what the probe says.
fn leased(
    writer: ActionId,
    before: Door,
    (well, lease): (u64, Option<(ActionId, Timestamp)>),
    said: Option<Health>,
    now: Timestamp,
) {
    let (well_before, holder) = match before.shut {
        Shut::Half { well, lease } => (well, lease.map(|(holder, _)| holder)),
        Shut::No | Shut::Until(_) => (0, None),
    };
    match lease {
        Some((taken_by, until)) if taken_by == writer => {
            assert!(!before.is_closed() && before.until(now).is_none(), "two probes within one lease");
            assert_eq!(well, well_before);
            assert!(until <= now.plus_millis(LEASE_MS));
        }
        // Whoever lost it has one thing to say.
        Some(other) => {
            assert!(holder == Some(other.0) && said == Some(Health::Well) && well == well_before + 1)
        }
        None if said == Some(Health::Well) => assert_eq!(well, well_before + 1),
        None => assert!(holder == Some(writer) && well == well_before, "{holder:?} has it, {writer} lets go"),
    }
}
