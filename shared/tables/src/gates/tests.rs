//! The gates against a store that fails in every way DynamoDB can: before the write, after it, and on conditions.

use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::pin::pin;
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};

use domain::{BudgetRow, TenantId, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::codec::Row as _;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Throttled,
    LostBefore,
    LostAfter,
}

/// One budget item, and the faults that the next calls meet.
struct Memory {
    item: Mutex<Option<Item>>,
    faults: Mutex<VecDeque<Option<Fault>>>,
}

fn number(item: &Item, name: &str) -> u64 {
    match item.get(name) {
        Some(Attr::N(text)) => text.parse().unwrap(),
        other => panic!("{name}: {other:?}"),
    }
}

fn map<'a>(item: &'a mut Item, name: &str) -> &'a mut Item {
    match item.get_mut(name) {
        Some(Attr::M(map)) => map,
        other => panic!("{name}: {other:?}"),
    }
}

impl Memory {
    fn with(limit: u64, faults: impl IntoIterator<Item = Option<Fault>>) -> Self {
        let item = BudgetRow { limit, avail: limit }.to_item();
        Self { item: Mutex::new(Some(item)), faults: Mutex::new(faults.into_iter().collect()) }
    }

    /// The meaning of the two expressions, written without them.
    fn write(&self, op: &GateOp) -> Result<(), GateFault> {
        let mut slot = self.item.lock().unwrap();
        let before = slot.clone();
        if let GateOp::Take { count, limit, .. } = op {
            let item = slot.get_or_insert_default();
            let taken = if item.contains_key("taken") { number(item, "taken") } else { 0 };
            if item.contains_key("taken") && taken > limit.saturating_sub(*count) {
                return Err(GateFault::Condition(before));
            }
            item.insert("taken".into(), Attr::number(taken + count));
            return Ok(());
        }
        let Some(item) = slot.as_mut() else { return Err(GateFault::Condition(None)) };
        let avail = number(item, "avail");
        match op {
            GateOp::Hold { action, tokens, .. } => {
                if avail < *tokens || map(item, "holds").contains_key(&action.to_string()) {
                    return Err(GateFault::Condition(before));
                }
                item.insert("avail".into(), Attr::number(avail - tokens));
                map(item, "holds").insert(action.to_string(), Attr::number(*tokens));
            }
            GateOp::Take { .. } | GateOp::Once(_) => panic!("is done above, or elsewhere"),
            GateOp::Settle { action, held, used, admitted_on, .. } => {
                if map(item, "holds").get(&action.to_string()) != Some(&Attr::number(*held)) {
                    return Err(GateFault::Condition(before));
                }
                map(item, "holds").remove(&action.to_string());
                item.insert("avail".into(), Attr::number(avail + held - used));
                let spent = number(item, "spent");
                item.insert("spent".into(), Attr::number(spent + used));
                if let Some(day) = admitted_on {
                    let days = map(item, "admitted");
                    let so_far = if days.contains_key(day) { number(days, day) } else { 0 };
                    days.insert(day.clone(), Attr::number(so_far + 1));
                }
            }
        }
        Ok(())
    }

    /// `(avail, held, spent, admitted)`.
    fn totals(&self) -> (u64, u64, u64, u64) {
        let mut item = self.item.lock().unwrap().clone().unwrap();
        let sum = |map: &Item| map.keys().map(|name| number(map, name)).sum();
        let (held, admitted) = (sum(map(&mut item, "holds")), sum(map(&mut item, "admitted")));
        (number(&item, "avail"), held, number(&item, "spent"), admitted)
    }
}

impl GateStore for Memory {
    async fn apply(&self, op: &GateOp) -> Result<(), GateFault> {
        let fault = self.faults.lock().unwrap().pop_front().flatten();
        match fault {
            Some(Fault::Throttled) => Err(GateFault::NotWritten),
            Some(Fault::LostBefore) => Err(GateFault::Unknown),
            Some(Fault::LostAfter) => self.write(op).and(Err(GateFault::Unknown)),
            None => self.write(op),
        }
    }
}

fn run<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("waited"),
    }
}

fn budget() -> Key {
    Key::budget(&TenantId::from_random([1; 10]), 0)
}

fn action(n: u64) -> ActionId {
    let [.., a, b] = n.to_be_bytes();
    ActionId::new(Timestamp::from_unix_millis(0).unwrap(), [0, 0, 0, 0, 0, 0, 0, 0, a, b])
}

#[test]
fn exactly_as_many_as_the_budget_has_are_admitted() {
    let store = Memory::with(50 * 7, []);
    let held = (0..200).filter(|n| run(hold(&store, &budget(), action(*n), 7)).is_ok()).count();
    assert_eq!((held, store.totals()), (50, (0, 350, 0, 0)));
    let refused = run(hold(&store, &budget(), action(999), 7)).unwrap_err();
    assert_eq!(refused, HoldRefused::OverBudget { avail: 0, wanted: 7 });
}

#[test]
fn a_hold_whose_answer_was_lost_is_found_again() {
    let store = Memory::with(10, [Some(Fault::LostAfter)]);
    assert_eq!(run(hold(&store, &budget(), action(1), 7)).map(|held| held.action_id()), Ok(action(1)));
    assert_eq!(store.totals(), (3, 7, 0, 0));
}

#[test]
fn a_settlement_whose_answer_was_lost_counts_once() {
    let store = Memory::with(10, []);
    let held = run(hold(&store, &budget(), action(1), 7)).unwrap();
    *store.faults.lock().unwrap() = [Some(Fault::LostAfter), Some(Fault::LostBefore)].into();
    assert_eq!(run(settle(&store, held.receipt(), 2, Some("2026-11-23".into()))), Ok(()));
    assert_eq!(store.totals(), (8, 0, 2, 1));
}

#[test]
fn no_budget_and_no_store_refuse() {
    let store = Memory::with(10, [Some(Fault::Throttled); 8]);
    assert_eq!(run(hold(&store, &budget(), action(1), 1)).unwrap_err(), HoldRefused::Unavailable);
    let none = Memory { item: Mutex::new(None), faults: Mutex::default() };
    assert_eq!(run(hold(&none, &budget(), action(1), 1)).unwrap_err(), HoldRefused::NoBudget);
}

#[test]
fn a_provider_that_reports_more_than_was_held_takes_no_more() {
    let store = Memory::with(10, []);
    let held = run(hold(&store, &budget(), action(1), 7)).unwrap();
    run(settle(&store, held.receipt(), 9_999, None)).unwrap();
    assert_eq!(store.totals(), (3, 0, 7, 0));
}

/// Pinned: what DynamoDB is asked. `ADD admitted.#day` would pass an emulator and fail in AWS.
#[test]
fn the_expressions_are_pinned() {
    let op = GateOp::Settle {
        budget: budget(),
        action: action(1),
        held: 7,
        used: 2,
        admitted_on: Some("d".into()),
    };
    let update = op.to_update();
    assert_eq!(
        update.update,
        "SET avail = avail + :back, spent = spent + :used, \
         admitted.#day = if_not_exists(admitted.#day, :zero) + :one REMOVE holds.#action"
    );
    assert_eq!(update.condition, Some("holds.#action = :held"));
    assert_eq!(update.values[1], (":back", Attr::number(5)));
}

fn fault() -> impl Strategy<Value = Option<Fault>> {
    prop_oneof![
        4 => Just(None),
        1 => Just(Some(Fault::Throttled)),
        1 => Just(Some(Fault::LostBefore)),
        1 => Just(Some(Fault::LostAfter)),
    ]
}

proptest! {
    /// Whatever fails when: nothing is lost, leaked or counted twice, and the limit is never passed.
    #[test]
    fn avail_held_and_spent_always_add_up(
        calls in prop::collection::vec((0_u64..12, 1_u64..20, 0_u64..30), 1..40),
        faults in prop::collection::vec(fault(), 0..120),
    ) {
        let store = Memory::with(100, faults);
        let mut open = BTreeMap::new();
        let mut settled = 0;
        for (n, tokens, used) in calls {
            match open.remove(&n) {
                None => { open.extend(run(hold(&store, &budget(), action(n), tokens)).map(|held| (n, held))); }
                Some(held) => match run(settle(&store, held.receipt(), used, Some("d".into()))) {
                    Ok(()) => settled += 1,
                    Err(NotSettled) => { open.insert(n, held); }
                },
            }
            let (avail, held, spent, admitted) = store.totals();
            prop_assert_eq!(avail + held + spent, 100);
            prop_assert!(admitted >= settled);
        }
    }
}

fn window() -> Key {
    let key = domain::GatewayKey::mint(domain::KeyKind::User, domain::Region::Eu, &[1; 59]).unwrap();
    Key::rate_window(&TenantId::from_random([1; 10]), "dlp.restore", key.id(), 29_923_842)
}

/// A window with nothing in it yet, and the faults that the next calls meet.
fn empty(faults: &[Option<Fault>]) -> Memory {
    Memory { item: Mutex::new(None), faults: Mutex::new(faults.iter().copied().collect()) }
}

proptest! {
    /// Whatever is asked for, in whatever order and with whatever faults: what was granted fits the window.
    #[test]
    fn a_window_never_gives_more_than_it_has(
        limit in 0_u64..40,
        asked in proptest::collection::vec(0_u64..20, 0..30),
        faults in proptest::collection::vec(prop_oneof![
            3 => Just(None), 1 => Just(Some(Fault::Throttled)), 1 => Just(Some(Fault::LostBefore)),
            1 => Just(Some(Fault::LostAfter))
        ], 0..60),
    ) {
        let store = empty(&faults);
        let got: u64 = asked.iter().filter(|count| run(take(&store, &window(), **count, limit, 9)).is_ok()).sum();
        prop_assert!(got <= limit, "{got} of {limit}");
    }
}

#[test]
fn a_window_gives_all_that_it_has() {
    let store = empty(&[]);
    let granted = [7, 2, 2, 1, 1].map(|count| run(take(&store, &window(), count, 10, 9)));
    assert_eq!(granted, [Ok(()), Ok(()), Err(NotTaken::Full), Ok(()), Err(NotTaken::Full)]);
    assert_eq!(run(take(&empty(&[]), &window(), 11, 10, 9)), Err(NotTaken::Full));
}

#[test]
fn a_window_that_does_not_answer_gives_nothing() {
    for fault in [Fault::Throttled, Fault::LostBefore] {
        let store = empty(&[Some(fault); 3]);
        assert_eq!(run(take(&store, &window(), 1, 9, 9)), Err(NotTaken::Unavailable), "{fault:?}");
    }
}

/// Names and values that no expression uses are an error of DynamoDB's, and so are those that are missing.
#[test]
fn a_window_names_what_its_expressions_use() {
    let update = GateOp::Take { window: window(), count: 2, limit: 5, expires: 9 }.to_update();
    let text = format!("{} {}", update.update, update.condition.unwrap());
    let words: std::collections::BTreeSet<_> =
        text.split([' ', ',', '(', ')', '=']).filter(|word| word.starts_with([':', '#'])).collect();
    let given = update.values.iter().map(|(name, _)| *name).chain(update.names.iter().map(|(name, _)| *name));
    assert_eq!(words, given.collect());
    assert_eq!(update.key.sk, "RATE#dlp.restore#0000000000000000#29923842");
}
