//! The gates against a store that fails in every way DynamoDB can: before the write, after it, on conditions and conflicts.
//! The store evaluates the very expressions that DynamoDB is sent.

mod load;
mod model;
mod race;
pub mod store;

use domain::{AgentId, KeyId, Limit, LimitsRow, TenantId, Timestamp, Zone};
use proptest::prelude::*;

use super::*;
use store::{Fault, Memory, run};

fn tenant() -> TenantId {
    TenantId::from_random([1; 10])
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn noon() -> Timestamp {
    at("2026-11-26T12:00:00.000Z")
}

fn payer(n: u8, team: Option<&str>) -> Payer {
    let key: KeyId = format!("{n:0>16}").parse().unwrap();
    Payer { agent: AgentId::from_random([n; 10]), key, team: team.map(|team| team.parse().unwrap()) }
}

fn action(at: Timestamp, n: u64) -> ActionId {
    let [.., a, b, c] = n.to_be_bytes();
    ActionId::new(at, [0, 0, 0, 0, 0, 0, 0, a, b, c])
}

fn limits(shards: u8, all: &[(&str, u64)]) -> LimitsRow {
    let limit = |(place, most): &(&str, u64)| Limit { place: place.parse().unwrap(), most: *most };
    LimitsRow::new(1, Zone::utc(), shards, all.iter().map(limit).collect()).unwrap()
}

const fn spend(tokens: u64, usd_micros: u64) -> Spend {
    Spend { tokens, usd_micros }
}

/// One call of `tokens` at noon.
fn hold_tokens(store: &Memory, limits: &LimitsRow, n: u64, tokens: u64) -> Result<Held, HoldRefused> {
    let (tenant, payer) = (tenant(), payer(3, None));
    let now = noon();
    let ask = Ask {
        tenant: &tenant,
        limits,
        payer: &payer,
        action: action(now, n),
        spend: spend(tokens, 0),
        priced: false,
        now,
    };
    run(hold(store, &ask))
}

#[test]
fn exactly_as_many_as_the_budget_has_are_admitted() {
    let (store, limits) = (Memory::of(1), limits(1, &[("tenant:tokens:total", 50 * 7)]));
    let held = (0..200).filter(|n| hold_tokens(&store, &limits, *n, 7).is_ok()).count();
    assert_eq!((held, store.used("t:tok:all"), store.open().len()), (50, 350, 50));
    let place = "tenant:tokens:total".parse().unwrap();
    let over = Over { place, available: 0, needed: 7 };
    assert_eq!(hold_tokens(&store, &limits, 999, 7).unwrap_err(), HoldRefused::OverBudget(over));
}

#[test]
fn a_hold_whose_answer_was_lost_is_found_again() {
    let (store, limits) = (Memory::of(1), limits(1, &[("tenant:tokens:total", 10)]));
    // Its first write fails for want of a place, the next makes one, the third is lost on the way back.
    store.fail([None, None, Some(Fault::LostAfter)]);
    assert_eq!(hold_tokens(&store, &limits, 1, 7).map(|held| held.action_id()), Ok(action(noon(), 1)));
    assert_eq!((store.used("t:tok:all"), store.open().len()), (7, 1));
}

#[test]
fn a_settlement_whose_answer_was_lost_counts_once() {
    let (store, limits) = (Memory::of(1), limits(1, &[("tenant:tokens:total", 10)]));
    let held = hold_tokens(&store, &limits, 1, 7).unwrap();
    store.fail([Some(Fault::LostAfter), Some(Fault::LostBefore)]);
    assert!(run(settle(&store, held.receipt(), spend(2, 0), Some("2026-11-26".into()))).is_ok());
    assert_eq!((store.used("t:tok:all"), store.open().len()), (2, 0));
    assert_eq!(admitted(&store.item(0)).unwrap()["2026-11-26"], 1);
}

#[test]
fn a_provider_that_reports_more_than_was_held_takes_no_more() {
    let (store, limits) = (Memory::of(1), limits(1, &[("tenant:tokens:total", 10)]));
    let held = hold_tokens(&store, &limits, 1, 7).unwrap();
    run(settle(&store, held.receipt(), spend(9_999, 9), None)).unwrap();
    assert_eq!(store.used("t:tok:all"), 7);
}

#[test]
fn no_budget_and_no_store_refuse() {
    let limits = limits(1, &[("tenant:tokens:total", 10)]);
    let store = Memory::of(1);
    store.fail([Some(Fault::Throttled); 8]);
    assert_eq!(hold_tokens(&store, &limits, 1, 1).unwrap_err(), HoldRefused::Unavailable);
    assert_eq!(hold_tokens(&Memory::of(0), &limits, 1, 1).unwrap_err(), HoldRefused::NoBudget);
    // Counted by another number of shards.
    assert_eq!(hold_tokens(&Memory::of(2), &limits, 1, 1).unwrap_err(), HoldRefused::Unavailable);
}

#[test]
fn zero_is_zero() {
    let limits = limits(1, &[("tenant:tokens:day", 0)]);
    assert!(matches!(hold_tokens(&Memory::of(1), &limits, 1, 1), Err(HoldRefused::OverBudget(_))));
}

#[test]
fn each_level_stops_a_call_and_no_other_callers() {
    let store = Memory::of(1);
    let me = payer(3, Some("sales"));
    let row = limits(
        1,
        &[
            ("tenant:tokens:day", 1_000),
            ("org:usd:month", 900),
            ("team/sales:tokens:month", 500),
            (&format!("agent/{}:tokens:day", me.agent), 300),
            (&format!("key/{}:usd:total", me.key), 70),
        ],
    );
    let tenant = tenant();
    let mut n = 0;
    let mut call = |payer: &Payer, tokens, usd| {
        n += 1;
        let now = noon();
        let ask = Ask {
            tenant: &tenant,
            limits: &row,
            payer,
            action: action(now, n),
            spend: spend(tokens, usd),
            priced: true,
            now,
        };
        match run(hold(&store, &ask)) {
            Ok(_) => "held".to_owned(),
            Err(HoldRefused::OverBudget(over)) => format!("{} {}", over.place, over.available),
            Err(other) => panic!("{other}"),
        }
    };
    let (same_team, other) = (payer(4, Some("sales")), payer(5, None));
    assert_eq!(call(&me, 250, 60), "held");
    assert_eq!(call(&me, 1, 11), format!("key/{}:usd_micros:total 10", me.key));
    assert_eq!(call(&me, 51, 1), format!("agent/{}:tokens:day 50", me.agent));
    assert_eq!(call(&same_team, 251, 1), "team/sales:tokens:month 250");
    assert_eq!(call(&same_team, 250, 1), "held");
    assert_eq!(call(&other, 1, 840), "org:usd_micros:month 839");
    assert_eq!(call(&other, 501, 839), "tenant:tokens:day 500");
    assert_eq!(call(&other, 500, 839), "held");
    assert_eq!((store.used("t:usd:2026-11-26"), store.used("t:tok:2026-11")), (900, 1_000));
}

#[test]
fn a_window_begins_again_by_its_name() {
    let (store, row, tenant, payer) =
        (Memory::of(1), limits(1, &[("tenant:tokens:day", 10)]), tenant(), payer(3, None));
    for (n, (now, fits)) in [
        ("2026-11-30T23:59:59.999Z", true),
        ("2026-11-30T23:59:59.999Z", false),
        ("2026-12-01T00:00:00.000Z", true),
    ]
    .into_iter()
    .enumerate()
    {
        let now = at(now);
        let action = action(now, n as u64);
        let ask = Ask {
            tenant: &tenant,
            limits: &row,
            payer: &payer,
            action,
            spend: spend(10, 0),
            priced: false,
            now,
        };
        assert_eq!(run(hold(&store, &ask)).is_ok(), fits, "{now}");
    }
    assert_eq!((store.used("t:tok:2026-11"), store.used("t:tok:2026-12")), (10, 10));
}

#[test]
fn alerts_are_told_once_each() {
    for shards in [1, 2] {
        let (store, row) = (Memory::of(shards), limits(shards, &[("tenant:tokens:total", 100)]));
        let mut told = Vec::new();
        for n in 0..20 {
            let held = hold_tokens(&store, &row, n, 5).unwrap();
            let after = run(settle(&store, held.receipt(), spend(5, 0), None)).unwrap().unwrap();
            let alerts = run(alerts(&store, &tenant(), held.receipt(), &after));
            told.extend(alerts.into_iter().map(|alert| (alert.threshold, alert.used, alert.limit)));
        }
        assert!(hold_tokens(&store, &row, 99, 1).is_err());
        // With shards the sum is looked at when a share is used so far, which may be later.
        if shards == 1 {
            assert_eq!(told, [(80, 80, 100), (90, 90, 100), (100, 100, 100)]);
        } else {
            assert!(told.windows(2).all(|two| two[0].0 < two[1].0) && told.len() <= 3, "{told:?}");
            assert_eq!(told.last().map(|one| one.0), Some(100), "{told:?}");
        }
    }
}

#[test]
fn a_sweep_counts_orphans_in_full_and_keeps_what_statements_need() {
    let (store, tenant, payer) = (Memory::of(1), tenant(), payer(3, None));
    let row = limits(1, &[("tenant:tokens:day", 100), (&format!("agent/{}:tokens:month", payer.agent), 500)]);
    for (n, now) in ["2026-10-30T12:00:00.000Z", "2026-10-31T12:00:00.000Z"].into_iter().enumerate() {
        let now = at(now);
        let action = action(now, n as u64);
        let ask = Ask {
            tenant: &tenant,
            limits: &row,
            payer: &payer,
            action,
            spend: spend(30, 7),
            priced: true,
            now,
        };
        let held = run(hold(&store, &ask)).unwrap();
        if n == 0 {
            run(settle(&store, held.receipt(), spend(20, 5), None)).unwrap();
        }
    }
    let sweep = |now: &str, minutes: u64| {
        let (now, before) =
            (at(now), Timestamp::from_unix_millis(at(now).unix_millis() as i64 - minutes as i64 * 60_000));
        let today = Zone::utc().day(now);
        run(sweep(&store, &tenant, &Key::budget(&tenant, 0), &store.item(0), before.unwrap(), today)).unwrap()
    };
    assert_eq!(sweep("2026-10-31T12:10:00.000Z", 20), Swept::default());
    let swept = sweep("2026-10-31T12:21:00.000Z", 20);
    assert_eq!(
        swept.orphans.iter().map(|one| (one.action, one.spend)).collect::<Vec<_>>(),
        [(action(at("2026-10-31T12:00:00.000Z"), 1), spend(30, 7))]
    );
    assert_eq!((store.used("t:tok:2026-10-31"), store.open().len()), (30, 0));
    // The days and the month are over everywhere.
    sweep("2026-11-03T12:00:00.000Z", 20);
    assert!(Shard::read(&store.item(0)).unwrap().is_fresh(), "{:?}", store.item(0));
    let kept = store.rows.lock().unwrap()[&Key::usage(&tenant, "2026-10")].clone();
    assert_eq!((&kept["t:tok:2026-10-30"], &kept["t:usd:2026-10-31"]), (&Attr::number(20), &Attr::number(7)));
    assert_eq!(sweep("2026-11-03T12:05:00.000Z", 20), Swept::default());
}

#[test]
fn shards_change_only_where_nothing_was_used() {
    let (store, row) = (Memory::of(1), limits(1, &[("tenant:tokens:total", 10)]));
    let ops = |shards: u8| -> Vec<GateOp> {
        (0..shards).map(|shard| GateOp::Reshard { shard: Key::budget(&tenant(), shard), shards }).collect()
    };
    run(store.transact(&ops(3))).unwrap();
    assert_eq!(store.shards().len(), 3);
    // Whoever still counts by one shard is told to try again.
    assert_eq!(hold_tokens(&store, &row, 1, 7).unwrap_err(), HoldRefused::Unavailable);
    let held = hold_tokens(&store, &limits(3, &[("tenant:tokens:total", 10)]), 1, 7).unwrap();
    assert_eq!(run(store.transact(&ops(5))), Err(GateFault::Condition(None)));
    run(settle(&store, held.receipt(), spend(1, 0), None)).unwrap();
    assert_eq!(run(store.transact(&ops(5))), Err(GateFault::Condition(None)));
    assert_eq!((store.shards().len(), store.used("t:tok:all")), (3, 1));
}

/// Pinned: what DynamoDB is asked. `ADD admitted.#day` would pass an emulator and fail in AWS.
#[test]
fn the_expressions_are_pinned() {
    let held = hold_tokens(&Memory::of(1), &limits(1, &[("tenant:tokens:total", 9)]), 1, 7).unwrap();
    let receipt = held.receipt();
    let op = GateOp::Settle {
        shard: receipt.shard.clone(),
        payer: receipt.payer.clone(),
        action: receipt.action,
        open: receipt.open.clone(),
        back: vec![("t:tok:all".into(), 5)],
        admitted_on: Some("d".into()),
    };
    let write = op.to_write();
    assert_eq!(
        write.update,
        "SET used.#n2 = used.#n2 - :v1, admitted.#n3 = if_not_exists(admitted.#n3, :v2) + :v3 REMOVE holds.#n0.#n1"
    );
    assert_eq!(write.condition.as_deref(), Some("holds.#n0.#n1 = :v0"));
    assert_eq!(write.values[1], (":v1".into(), Attr::number(5)));
}

fn window() -> Key {
    let key = domain::GatewayKey::mint(domain::KeyKind::User, domain::Region::Eu, &[1; 59]).unwrap();
    Key::rate_window(&tenant(), "dlp.restore", key.id(), 29_923_842)
}

fn empty(faults: &[Option<Fault>]) -> Memory {
    let store = Memory::of(0);
    store.fail(faults.iter().copied());
    store
}

proptest! {
    /// Whatever is asked for, in whatever order and with whatever faults: what was granted fits the window.
    #[test]
    fn a_window_never_gives_more_than_it_has(
        limit in 0_u64..40,
        asked in proptest::collection::vec(0_u64..20, 0..30),
        faults in proptest::collection::vec(store::fault(), 0..60),
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
    let write = GateOp::Take { window: window(), count: 2, limit: 5, expires: 9 }.to_write();
    assert_eq!(write.key.sk, "RATE#dlp.restore#0000000000000000#29923842");
}
