//! Calls that race: whoever goes on when, exactly as many are admitted as the limits cover, and the rest is over budget.

use super::*;

struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize
    }
}

/// Calls of `need` tokens by eight agents at once, tried again as the refusal says: who is admitted.
fn admitted(store: &Memory, row: &LimitsRow, calls: u64, need: u64, seed: u64) -> (usize, usize) {
    let (tenant, payers) = (tenant(), (0..8).map(|n| payer(n, Some("sales"))).collect::<Vec<_>>());
    let mut dice = Dice(seed);
    let (mut held, mut over) = (0, 0);
    let mut waiting: Vec<u64> = (0..calls).collect();
    let mut tries = 0;
    while !waiting.is_empty() {
        tries += 1;
        assert!(tries < 200, "a call that may try again ends some time");
        let call = async |n: u64| {
            let payer = &payers[n as usize % payers.len()];
            let now = noon();
            let ask = Ask {
                tenant: &tenant,
                limits: row,
                payer,
                action: action(now, n),
                spend: spend(need, 0),
                priced: false,
                now,
            };
            hold(store, &ask).await
        };
        let futures = waiting
            .iter()
            .map(|n| Box::pin(call(*n)) as std::pin::Pin<Box<dyn Future<Output = _>>>)
            .collect();
        let ended = store::race(futures, |_| dice.roll());
        let mut again = Vec::new();
        for (n, ended) in waiting.into_iter().zip(ended) {
            match ended {
                Ok(_) => held += 1,
                Err(HoldRefused::OverBudget(_)) => over += 1,
                Err(HoldRefused::Unavailable) => again.push(n),
                Err(other) => panic!("{other}"),
            }
        }
        waiting = again;
    }
    (held, over)
}

#[test]
fn of_1000_racing_calls_against_a_budget_for_100_exactly_100_are_admitted() {
    for shards in [1, 2, 5, 8] {
        for seed in 0..3 {
            let store = Memory { yields: true, ..Memory::of(shards) };
            let row = limits(shards, &[("tenant:tokens:total", 700), ("team/sales:tokens:day", 10_000)]);
            assert_eq!(admitted(&store, &row, 1_000, 7, seed), (100, 900), "{shards} shards");
            assert_eq!(store.used("t:tok:all"), 700);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Also where what is left does not fit anybody's share.
    #[test]
    fn what_fits_is_admitted_and_no_more(
        shards in 1_u8..6, most in 0_u64..60, need in 1_u64..9, seed in any::<u64>(),
        faults in proptest::collection::vec(store::fault(), 0..40),
    ) {
        let store = Memory { yields: true, ..Memory::of(shards) };
        store.fail(faults);
        let row = limits(shards, &[("tenant:tokens:day", most)]);
        let (held, over) = admitted(&store, &row, 24, need, seed);
        prop_assert_eq!((held, over), ((most / need).min(24) as usize, 24 - (most / need).min(24) as usize));
        // A lost answer is found again by the same action.
        prop_assert_eq!(store.used("t:tok:2026-11-26"), held as u64 * need);
    }
}
