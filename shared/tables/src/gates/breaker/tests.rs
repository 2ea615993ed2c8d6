//! Breakers against a store that fails in every way, and many callers at once.

use std::collections::{BTreeSet, VecDeque};
use std::pin::pin;
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};

use domain::TenantId;
use proptest::prelude::*;

use super::*;
use crate::Item;
use crate::faults::Fault;

/// One row, the faults that the next writes meet, and how often anybody wrote.
#[derive(Default)]
struct Memory {
    row: Mutex<Option<Item>>,
    faults: Mutex<VecDeque<Option<Fault>>>,
    writes: Mutex<usize>,
}

impl Memory {
    fn row(&self) -> Option<BreakerRow> {
        self.row.lock().unwrap().as_ref().map(|item| BreakerRow::from_item(item).unwrap())
    }

    fn put(&self, op: &BreakerOp) -> Result<(), GateFault> {
        let mut slot = self.row.lock().unwrap();
        let before = slot.as_ref().map(|item| BreakerRow::from_item(item).unwrap());
        if before.map(|row| (row.revision, row.writer)) != op.seen {
            return Err(GateFault::Condition(slot.clone()));
        }
        *slot = Some(op.row.to_item());
        Ok(())
    }

    fn state(&self) -> State {
        self.row().unwrap().state
    }
}

impl BreakerStore for Memory {
    async fn write(&self, op: &BreakerOp) -> Result<(), GateFault> {
        *self.writes.lock().unwrap() += 1;
        let fault = self.faults.lock().unwrap().pop_front().flatten();
        Fault::meets(fault, || self.put(op))
    }
}

fn run<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("waited"),
    }
}

fn at(millis: u64) -> Timestamp {
    Timestamp::from_unix_millis(0).unwrap().plus_millis(1_790_000_000_000 + millis)
}

fn action(n: u64) -> ActionId {
    let [.., a, b, c, d] = n.to_be_bytes();
    ActionId::new(at(0), [0, 0, 0, 0, 0, 0, a, b, c, d])
}

fn key() -> Key {
    Key::own_breaker(&TenantId::from_random([1; 10]), "prv_x", "0011")
}

fn tell(store: &Memory, n: u64, probed: bool, health: Health, now: u64) -> Option<Change> {
    let seen = store.row();
    let report_ = Report { action: action(n), probed, health, now: at(now), jitter: 0 };
    run(report(store, &key(), seen.as_ref(), &report_)).unwrap()
}

fn probe(store: &Memory, n: u64, now: u64) -> Result<BreakerRow, NotLeased> {
    run(lease(store, &key(), &store.row().unwrap(), action(n), at(now)))
}

fn failing(store: &Memory, now: u64) -> Option<Change> {
    (0..THRESHOLD).map(|n| tell(store, n, false, Health::Ill, now)).last().unwrap()
}

#[test]
fn while_all_is_well_nothing_is_written() {
    let store = Memory::default();
    for n in 0..1_000 {
        assert_eq!(gate(store.row().as_ref(), at(n)), Gate::Closed);
        assert_eq!(tell(&store, n, false, Health::Well, n), None);
        assert_eq!(tell(&store, n, false, Health::Silent, n), None);
    }
    assert_eq!((store.row(), *store.writes.lock().unwrap()), (None, 0));
}

#[test]
fn it_opens_at_the_threshold_within_the_window_and_not_before() {
    let store = Memory::default();
    for n in 1..THRESHOLD {
        assert_eq!(tell(&store, n, false, Health::Ill, n), Some(Change::Noted));
        assert_eq!(gate(store.row().as_ref(), at(n)), Gate::Closed);
    }
    let opened = tell(&store, 9, false, Health::Ill, 100);
    assert_eq!(opened, Some(Change::Opened { failures: THRESHOLD, millis: BASE_MS }));
    assert_eq!(gate(store.row().as_ref(), at(100)), Gate::Open { until: at(100 + BASE_MS) });
    assert_eq!(gate(store.row().as_ref(), at(99 + BASE_MS)), Gate::Open { until: at(100 + BASE_MS) });
    assert_eq!(gate(store.row().as_ref(), at(100 + BASE_MS)), Gate::Probe);
    let writes = *store.writes.lock().unwrap();
    assert_eq!(tell(&store, 10, false, Health::Ill, 101), None, "what began before says nothing new");
    assert_eq!(*store.writes.lock().unwrap(), writes);
}

#[test]
fn failures_far_apart_do_not_add_up() {
    let store = Memory::default();
    for n in 0..50 {
        assert_eq!(tell(&store, n, false, Health::Ill, n * (WINDOW_MS / 4 + 1)), Some(Change::Noted), "{n}");
    }
}

#[test]
fn two_probes_close_it_and_one_failed_probe_opens_it_for_twice_as_long() {
    let store = Memory::default();
    failing(&store, 0);
    let mut now = BASE_MS;
    for round in 1..12 {
        probe(&store, round, now).unwrap();
        let millis = (BASE_MS << round).min(CAP_MS);
        assert_eq!(tell(&store, round, true, Health::Ill, now), Some(Change::Opened { failures: 1, millis }));
        now += millis;
    }
    probe(&store, 20, now).unwrap();
    assert_eq!(tell(&store, 20, true, Health::Well, now), Some(Change::Noted));
    assert_eq!(gate(store.row().as_ref(), at(now)), Gate::Probe, "one success is not enough");
    probe(&store, 21, now).unwrap();
    assert_eq!(tell(&store, 21, true, Health::Well, now), Some(Change::Closed));
    assert_eq!(gate(store.row().as_ref(), at(now)), Gate::Closed);
    let opened = failing(&store, now);
    assert_eq!(opened, Some(Change::Opened { failures: THRESHOLD, millis: BASE_MS }), "and begins anew");
}

#[test]
fn a_probe_that_says_nothing_gives_its_lease_back() {
    let store = Memory::default();
    failing(&store, 0);
    probe(&store, 1, BASE_MS).unwrap();
    assert_eq!(tell(&store, 1, true, Health::Silent, BASE_MS), Some(Change::Noted));
    assert_eq!(store.state(), State::HalfOpen { openings: 1, successes: 0, lease: None });
    probe(&store, 2, BASE_MS).unwrap();
}

#[test]
fn a_prober_that_hangs_holds_nobody_up_and_does_no_harm_later() {
    let store = Memory::default();
    failing(&store, 0);
    probe(&store, 1, BASE_MS).unwrap();
    assert_eq!(probe(&store, 2, BASE_MS + LEASE_MS - 1), Err(NotLeased));
    probe(&store, 2, BASE_MS + LEASE_MS).unwrap();
    let before = store.row();
    for health in [Health::Ill, Health::Silent] {
        assert_eq!(tell(&store, 1, true, health, BASE_MS + LEASE_MS), None);
    }
    assert_eq!(store.row(), before);
}

/// An endpoint whose answers take longer than a lease is closed all the same, and no lease is taken from its holder.
#[test]
fn a_slow_success_counts() {
    let store = Memory::default();
    failing(&store, 0);
    probe(&store, 1, BASE_MS).unwrap();
    let late = BASE_MS + LEASE_MS;
    probe(&store, 2, late).unwrap();
    assert_eq!(tell(&store, 1, true, Health::Well, late + 1), Some(Change::Noted));
    assert_eq!(gate(store.row().as_ref(), at(late + 1)), Gate::Open { until: at(late + LEASE_MS) });
    probe(&store, 3, late + LEASE_MS).unwrap();
    assert_eq!(tell(&store, 2, true, Health::Well, late + LEASE_MS), Some(Change::Closed));
    assert_eq!(tell(&store, 3, true, Health::Ill, late + LEASE_MS + 1), None, "closed meanwhile");
}

#[test]
fn of_all_who_see_it_may_be_probed_one_probes() {
    let store = Memory::default();
    failing(&store, 0);
    let seen = store.row().unwrap();
    let all = (0..100).filter(|n| run(lease(&store, &key(), &seen, action(*n), at(BASE_MS))).is_ok());
    assert_eq!(all.count(), 1);
}

#[test]
fn of_all_who_see_the_last_failure_one_opens_it() {
    let store = Memory::default();
    let stale: Vec<_> = (0..THRESHOLD * 4).map(|n| (n, store.row())).collect();
    let opened = stale.into_iter().filter(|(n, seen)| {
        let one = Report { action: action(*n), probed: false, health: Health::Ill, now: at(0), jitter: 7 };
        let change = run(report(&store, &key(), seen.as_ref(), &one));
        matches!(change, Ok(Some(Change::Opened { .. })))
    });
    assert_eq!(opened.count(), 1);
}

#[test]
fn a_write_whose_answer_was_lost_is_known_again() {
    let store = Memory::default();
    *store.faults.lock().unwrap() = [Some(Fault::LostAfter)].into();
    assert_eq!(tell(&store, 1, false, Health::Ill, 0), Some(Change::Noted));
    assert_eq!(store.state(), State::Counting { since: at(0), failures: 1 }, "counted once");
    failing(&store, 0);
    *store.faults.lock().unwrap() = [Some(Fault::LostAfter)].into();
    assert!(probe(&store, 2, BASE_MS).is_ok());
    *store.faults.lock().unwrap() = [Some(Fault::LostBefore); TRIES].into();
    assert_eq!(probe(&store, 3, BASE_MS + LEASE_MS), Err(NotLeased), "nobody can say: nobody calls");
}

#[test]
fn the_jitter_shortens_by_a_quarter_at_most() {
    for openings in 0..40 {
        for jitter in [0, 1, 12_345, u64::MAX] {
            let (most, got) = (wait(openings, 0), wait(openings, jitter));
            assert!(got <= most && got >= most - most / 4 && most <= CAP_MS, "{openings} {jitter}");
        }
    }
    assert_eq!([0, 1, 4, 5, 99].map(|n| wait(n, 0)), [30_000, 60_000, 480_000, 900_000, 900_000]);
}

#[test]
fn rows_read_back_and_a_row_that_does_not_is_no_closed_breaker() {
    let lease = Some(Lease { holder: action(3), until: at(9) });
    for state in [
        State::Counting { since: at(4), failures: 2 },
        State::Open { until: at(5), openings: 3 },
        State::HalfOpen { openings: 2, successes: 1, lease: None },
        State::HalfOpen { openings: 2, successes: 0, lease },
    ] {
        let row = BreakerRow { revision: 7, writer: action(1), state };
        let item = row.to_item();
        assert_eq!(BreakerRow::from_item(&item), Ok(row));
        for missing in item.keys().filter(|name| {
            !["expires", "since_ms", "failures", "until_ms", "holder"].contains(&name.as_str())
        }) {
            let mut without = item.clone();
            without.remove(missing);
            assert!(BreakerRow::from_item(&without).is_err(), "{missing}");
        }
        for (field, bad) in
            [("phase", Attr::text("ajar")), ("revision", Attr::number(0)), ("v", Attr::number(2))]
        {
            let mut other = item.clone();
            other.insert(field.to_owned(), bad);
            assert!(BreakerRow::from_item(&other).is_err(), "{field}");
        }
    }
}

/// A caller that lost the lease and tells the breaker so takes nothing from the one that has it.
#[test]
fn a_lost_lease_is_not_given_back() {
    let store = Memory::default();
    failing(&store, 0);
    let seen = store.row().unwrap();
    probe(&store, 1, BASE_MS).unwrap();
    let believed = leased(&seen, action(2), at(BASE_MS));
    let held = store.row();
    for health in [Health::Silent, Health::Ill] {
        let told = Report { action: action(2), probed: true, health, now: at(BASE_MS), jitter: 0 };
        assert_eq!(run(report(&store, &key(), believed.as_ref(), &told)), Ok(None));
    }
    assert_eq!(store.row(), held);
}

/// Names and values that no expression uses are an error of DynamoDB's, and so are those that are missing.
#[test]
fn an_update_names_what_its_expressions_use() {
    for seen in [None, Some((4, action(2)))] {
        let row = BreakerRow {
            revision: seen.map_or(1, |(revision, _)| revision + 1),
            writer: action(1),
            state: State::Counting { since: at(0), failures: 1 },
        };
        let item = row.to_item();
        let update = BreakerOp { key: key(), seen, row }.to_update();
        let text = format!("{} {}", update.update, update.condition.unwrap());
        let words: BTreeSet<_> =
            text.split([' ', ',', '(', ')', '=']).filter(|word| word.starts_with([':', '#'])).collect();
        let given =
            update.values.iter().map(|(name, _)| *name).chain(update.names.iter().map(|(name, _)| *name));
        assert_eq!(words, given.collect());
        for (name, value) in FIELDS {
            assert!(update.update.contains(&format!("{name} = {value}")), "{name}");
            assert!(update.values.iter().any(|(one, attr)| *one == value && *attr == item[name]));
        }
    }
}

/// A step of the model.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// A caller reads the row, and keeps what it read.
    Read(usize),
    /// It goes through, if what it read lets it.
    Enter(usize),
    End(usize, Health),
    Pass(u64),
}

/// A caller of the model.
#[derive(Debug, Clone, Default)]
struct Caller {
    read: Option<Option<BreakerRow>>,
    inside: Option<(ActionId, bool, Option<BreakerRow>)>,
}

fn step() -> impl Strategy<Value = Step> {
    let who = 0_usize..6;
    let health = prop_oneof![2 => Just(Health::Ill), 2 => Just(Health::Well), 1 => Just(Health::Silent)];
    prop_oneof![
        3 => who.clone().prop_map(Step::Read),
        4 => who.clone().prop_map(Step::Enter),
        4 => (who, health).prop_map(|(who, health)| Step::End(who, health)),
        1 => prop_oneof![Just(1_u64), Just(9_000), Just(LEASE_MS), Just(BASE_MS)].prop_map(Step::Pass),
    ]
}

fn fault() -> impl Strategy<Value = Option<Fault>> {
    prop_oneof![
        5 => Just(None),
        1 => Just(Some(Fault::Throttled)),
        1 => Just(Some(Fault::LostBefore)),
        1 => Just(Some(Fault::LostAfter)),
    ]
}

proptest! {
    /// Many callers with rows as old as they like, in any order, with any faults: of two probes the second begins when
    /// the first has ended or its lease is over, nobody who reads an open breaker calls, and a breaker opens only after
    /// as many failures as it takes.
    #[test]
    fn one_probe_at_a_time_and_no_call_through_an_open_breaker(
        steps in prop::collection::vec(step(), 1..200),
        faults in prop::collection::vec(fault(), 0..200),
    ) {
        let store = Memory { faults: Mutex::new(faults.into()), ..Memory::default() };
        let mut callers = vec![Caller::default(); 6];
        let (mut now, mut number, mut failures) = (0, 0, 0_u64);
        let mut probing: Option<(ActionId, u64)> = None;
        for step in steps {
            match step {
                Step::Pass(millis) => now += millis,
                Step::Read(who) => callers[who].read = Some(store.row()),
                Step::Enter(who) => {
                    if callers[who].inside.is_some() { continue; }
                    let Some(read) = callers[who].read.take() else { continue };
                    number += 1;
                    let one = action(number);
                    match gate(read.as_ref(), at(now)) {
                        Gate::Open { until } => prop_assert!(at(now) < until),
                        Gate::Closed => {
                            let closed = matches!(
                                read.as_ref().map(|row| &row.state),
                                None | Some(State::Counting { .. })
                            );
                            prop_assert!(closed, "a call through an open breaker");
                            callers[who].inside = Some((one, false, read));
                        }
                        Gate::Probe => {
                            let taken = run(lease(&store, &key(), read.as_ref().unwrap(), one, at(now)));
                            if let Ok(row) = taken {
                                let free = probing.is_none_or(|(_, until)| until <= now);
                                prop_assert!(free, "two probes within one lease");
                                probing = Some((one, now + LEASE_MS));
                                callers[who].inside = Some((one, true, Some(row)));
                            }
                        }
                    }
                }
                Step::End(who, health) => {
                    let Some((one, probed, seen)) = callers[who].inside.take() else { continue };
                    failures += u64::from(health == Health::Ill);
                    let told = Report { action: one, probed, health, now: at(now), jitter: number };
                    let change = run(report(&store, &key(), seen.as_ref(), &told));
                    // A report that is not confirmed may or may not have ended the lease.
                    if probing.is_some_and(|(holder, _)| holder == one) {
                        probing = None;
                    }
                    if let Ok(Some(Change::Opened { .. })) = change {
                        prop_assert!(probed || failures >= THRESHOLD);
                    }
                    if health == Health::Well && !probed {
                        prop_assert_eq!(change, Ok(None));
                    }
                }
            }
        }
    }

    /// However it went before and whatever failed: once the endpoint is well and the store answers, it is closed after
    /// the longest opening and two calls more.
    #[test]
    fn it_closes_once_all_is_well(
        bad in prop::collection::vec((0_u64..100_000, any::<bool>()), 0..60),
        faults in prop::collection::vec(fault(), 0..100),
    ) {
        let store = Memory { faults: Mutex::new(faults.into()), ..Memory::default() };
        let (mut now, mut number) = (0, 0);
        for (millis, hangs) in bad {
            now += millis;
            number += 1;
            let read = store.row();
            let probed = match gate(read.as_ref(), at(now)) {
                Gate::Open { .. } => continue,
                Gate::Closed => false,
                Gate::Probe => match run(lease(&store, &key(), read.as_ref().unwrap(), action(number), at(now))) {
                    Ok(_) => true,
                    Err(NotLeased) => continue,
                },
            };
            if !hangs {
                let ill = Report { action: action(number), probed, health: Health::Ill, now: at(now), jitter: 3 };
                let _ = run(report(&store, &key(), store.row().as_ref(), &ill));
            }
        }
        store.faults.lock().unwrap().clear();
        now += CAP_MS;
        for n in 0..2 {
            if gate(store.row().as_ref(), at(now)) == Gate::Probe {
                probe(&store, 1_000 + n, now).unwrap();
                tell(&store, 1_000 + n, true, Health::Well, now);
            }
        }
        prop_assert_eq!(gate(store.row().as_ref(), at(now)), Gate::Closed);
    }
}

/// What the platform's own probes found is believed at once, counts on where callers had begun to, and never touches what is open
/// or probed by somebody.
#[test]
fn a_condemned_endpoint_is_open_at_once_and_closes_as_any_other() {
    let condemned_by = |store: &Memory, n: u64, now: u64, health: Health| {
        let report = Report { action: action(n), probed: false, health, now: at(now), jitter: 0 };
        run(condemn(store, &key(), store.row().as_ref(), &report)).unwrap()
    };
    for counted in [0, 3] {
        let store = Memory::default();
        for n in 0..counted {
            tell(&store, n, false, Health::Ill, n);
        }
        assert_eq!(condemned_by(&store, 9, 10, Health::Well), None);
        assert_eq!(
            condemned_by(&store, 10, 10, Health::Ill),
            Some(Change::Opened { failures: 1, millis: BASE_MS })
        );
        let opened = store.row();
        assert_eq!(condemned_by(&store, 11, 20, Health::Ill), None);
        assert_eq!(store.row(), opened, "an open breaker is not opened for longer");
        probe(&store, 12, 10 + BASE_MS).unwrap();
        assert_eq!(condemned_by(&store, 13, 11 + BASE_MS, Health::Ill), None);
        assert_eq!(tell(&store, 12, true, Health::Well, 12 + BASE_MS), Some(Change::Noted));
        probe(&store, 14, 13 + BASE_MS).unwrap();
        assert_eq!(tell(&store, 14, true, Health::Well, 14 + BASE_MS), Some(Change::Closed));
    }
}
