//! What a shard weighs, and what a thousand calls a second cost: counted, not guessed.

use std::collections::{BTreeMap, VecDeque};

use super::*;

/// A busy tenant: limits on each level but the key's, in tokens and in money.
fn busy(shards: u8) -> LimitsRow {
    limits(
        shards,
        &[
            ("tenant:tokens:month", 1_000_000_000_000),
            ("tenant:usd:day", 1_000_000_000_000),
            ("org:usd:month", 1_000_000_000_000),
            ("team/sales:tokens:day", 1_000_000_000_000),
        ],
    )
}

fn ask_of<'a>(tenant: &'a TenantId, row: &'a LimitsRow, payer: &'a Payer, n: u64) -> Ask<'a> {
    let now = noon();
    Ask {
        tenant,
        limits: row,
        payer,
        action: action(now, n),
        spend: spend(6_144, 250_000),
        priced: true,
        now,
    }
}

#[test]
fn ninety_holds_fit_into_four_kilobytes() {
    let tenant = tenant();
    for (agents, shards) in [(1, 1), (4, 1), (2, 8)] {
        let (store, row) = (Memory::of(shards), busy(shards));
        let payers: Vec<_> = (0..=255)
            .map(|n| payer(n, Some("sales")))
            .filter(|one| one.shard(shards) == 0)
            .take(agents)
            .collect();
        for n in 0..90 {
            run(hold(&store, &ask_of(&tenant, &row, &payers[n as usize % agents], n))).unwrap();
        }
        let (open, bytes) = (
            Shard::read(&store.item(0)).unwrap().open().unwrap().len(),
            store::size(&Key::budget(&tenant, 31), &store.item(0)),
        );
        println!("{open} open holds of {agents} agents in one of {shards} shards: {bytes} bytes");
        assert!(open == 90 && bytes < 4_096, "{bytes}");
    }
}

/// Agents with ids as random as theirs are.
fn agents(count: u64) -> Vec<Payer> {
    let mut seed = 7_u64;
    let mut random = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 40) as u8
    };
    (0..count)
        .map(|_| Payer {
            agent: AgentId::from_random([(); 10].map(|()| random())),
            ..payer(1, Some("sales"))
        })
        .collect()
}

/// The write units that the busiest item took in a second, at so many calls a second by so many agents in turn, each call so
/// many milliseconds long; and the most agents in one shard.
fn write_units(shards: u8, count: u64, per_second: u64, millis: u64) -> (u64, usize) {
    let (store, row, tenant, payers) = (Memory::of(shards), busy(shards), tenant(), agents(count));
    let mut open = VecDeque::new();
    let at_once = per_second * millis / 1_000;
    let mut busiest = 0;
    for n in 0..at_once + per_second {
        if n == at_once {
            store.units.lock().unwrap().clear();
        }
        open.push_back(
            run(hold(&store, &ask_of(&tenant, &row, &payers[n as usize % payers.len()], n))).unwrap(),
        );
        if n >= at_once {
            let held = open.pop_front().unwrap();
            run(settle(&store, held.receipt(), spend(900, 9_000), Some("2026-11-26".into()))).unwrap();
        }
    }
    for units in store.units.lock().unwrap().values() {
        busiest = busiest.max(*units);
    }
    let mut crowd = BTreeMap::<u8, usize>::new();
    payers.iter().for_each(|payer| *crowd.entry(payer.shard(shards)).or_default() += 1);
    (busiest, crowd.into_values().max().unwrap())
}

/// DynamoDB gives an item at most this many write units a second (developer guide, "Burst and adaptive capacity").
const MOST_UNITS: u64 = 1_000;

#[test]
fn a_thousand_calls_a_second_ask_no_item_for_more_than_it_gives() {
    println!("shards  agents  calls/s  ms a call  agents in a shard  write units/s of the busiest item");
    for (shards, agents, per_second, millis, fits) in [
        (1, 16, 100, 500, true),
        (1, 16, 1_000, 500, false),
        (8, 16, 1_000, 500, false),
        (32, 16, 1_000, 500, true),
        (32, 16, 1_000, 2_000, false),
        (32, 16, 250, 4_000, true),
        (96, 16, 1_000, 2_000, false),
        (96, 400, 1_000, 4_000, true),
        (96, 400, 1_000, 10_000, true),
    ] {
        let (busiest, crowd) = write_units(shards, agents, per_second, millis);
        println!("{shards:>6}  {agents:>6}  {per_second:>7}  {millis:>9}  {crowd:>17}  {busiest}");
        assert_eq!(busiest <= MOST_UNITS, fits, "{shards} shards, {per_second} calls/s: {busiest}");
    }
}
