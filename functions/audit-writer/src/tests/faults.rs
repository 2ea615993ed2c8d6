//! A fault at every await of a commit, of every kind, from every kind of beginning; and two faults in a row.

use super::memory::{FAULTS, Fault, State};
use super::*;

/// A beginning, a batch, and what the ledger must hold in the end.
struct Case {
    name: &'static str,
    begin: State,
    bodies: Vec<String>,
    wanted: Vec<(u8, u32)>,
}

async fn after(bodies: &[&[String]]) -> State {
    let world = World::default();
    for some in bodies {
        assert!(deliver(&world, some).await.is_empty());
    }
    world.state()
}

async fn cases() -> Vec<Case> {
    let of = |tenant: u8, numbers| bodies(&batch(tenant, numbers));
    let one = after(&[&of(1, 0..4)]).await;
    let later = after(&[&of(1, 0..4), &of(1, 4..6), &of(1, 6..9)]).await;
    // A bundle that its writer put, and died.
    let unfinished = State { locked: after(&[&of(1, 0..4), &of(1, 4..6)]).await.locked, ..one.clone() };
    // The table from a backup: it knows of the first bundle alone, or of nothing at all.
    let restored = State { locked: later.locked.clone(), derived: later.derived.clone(), ..one.clone() };
    let lost = State { heads: World::default().state().heads, ..World::default().state() };
    let lost = State { locked: later.locked.clone(), derived: later.derived.clone(), ..lost };
    let two = [of(1, 4..6), of(2, 0..3)].concat();
    let twice = [of(1, 3..7), of(1, 2..5)].concat();
    let case = |name, begin: &State, bodies, wanted: &[(u8, u32)]| Case {
        name,
        begin: begin.clone(),
        bodies,
        wanted: wanted.to_vec(),
    };
    vec![
        case("a tenant's first records", &World::default().state(), of(1, 0..5), &[(1, 5)]),
        case("records behind others", &one, of(1, 4..7), &[(1, 7)]),
        case("two tenants", &one, two, &[(1, 6), (2, 3)]),
        case("known and new, some twice", &one, twice, &[(1, 7)]),
        case("an unfinished bundle, redelivered", &unfinished, of(1, 4..6), &[(1, 6)]),
        case("an unfinished bundle, and new records", &unfinished, of(1, 6..8), &[(1, 8)]),
        case("a restored table", &restored, of(1, 9..11), &[(1, 11)]),
        case("a restored table, redelivered", &restored, of(1, 2..8), &[(1, 9)]),
        case("a lost table", &lost, of(1, 8..10), &[(1, 10)]),
    ]
}

/// Delivers what is not acknowledged until all is, as SQS does.
async fn drain(world: &World, case: &Case) {
    let again: Vec<_> = case.bodies.iter().rev().chain(&case.bodies).cloned().collect();
    for _ in 0..4 {
        if world.live(deliver(world, &again)).await.is_some_and(|failed| failed.is_empty()) {
            return;
        }
    }
    panic!("{}: the batch is not taken", case.name);
}

#[tokio::test]
async fn after_a_fault_at_any_await_nothing_is_lost_and_nothing_is_there_twice() {
    let mut faults = 0;
    for case in cases().await {
        let honest = World::of(case.begin.clone());
        assert!(deliver(&honest, &case.bodies).await.is_empty(), "{}", case.name);
        honest.check(&case.wanted);
        for at in 0..honest.calls() {
            for fault in FAULTS {
                let world = World::of(case.begin.clone());
                world.plan([(at, fault)]);
                let ended = world.live(deliver(&world, &case.bodies)).await;
                let killed = matches!(fault, Fault::KilledBefore | Fault::KilledAfter);
                assert_eq!(ended.is_none(), killed, "{}: {fault:?} at {at}", case.name);
                drain(&world, &case).await;
                world.check(&case.wanted);
                faults += 1;
            }
        }
    }
    tell("single faults survived", faults);
    assert!(faults >= 200, "{faults}");
}

#[tokio::test]
async fn nor_after_a_second_fault_while_the_first_is_mended() {
    let mut pairs = 0;
    for case in cases().await {
        let calls = {
            let honest = World::of(case.begin.clone());
            deliver(&honest, &case.bodies).await;
            honest.calls()
        };
        // Every fifth place for each of the two, and every pair of kinds.
        for (first, second) in (0..calls).step_by(5).flat_map(|a| (0..calls).step_by(5).map(move |b| (a, b)))
        {
            for (one, other) in FAULTS.into_iter().flat_map(|one| FAULTS.map(|other| (one, other))) {
                let world = World::of(case.begin.clone());
                world.plan([(first, one)]);
                world.live(deliver(&world, &case.bodies)).await;
                world.plan([(second, other)]);
                drain(&world, &case).await;
                world.check(&case.wanted);
                pairs += 1;
            }
        }
    }
    tell("pairs of faults survived", pairs);
    assert!(pairs >= 1_000, "{pairs}");
}
