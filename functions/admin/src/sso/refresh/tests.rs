use proptest::prelude::{Just, Strategy, any, prop_oneof};

use super::*;

fn at(millis: u64) -> Timestamp {
    Timestamp::from_unix_millis(1_795_430_530_000).unwrap().plus_millis(millis)
}

#[test]
fn a_set_is_fetched_when_it_is_wanted_and_kept_while_it_does() {
    use Refresh::{Fetch, Refuse, Use};
    use Wanted::{Held, UnknownKid};
    let good = Times::default().fetched(at(0));
    let failed = good.tried(at(FRESH_MILLIS));
    for (times, wanted, after, decided) in [
        (Times::default(), Held, 0, Fetch { else_use: false }),
        (Times::default(), UnknownKid, 0, Fetch { else_use: false }),
        (good, Held, 0, Use),
        (good, Held, FRESH_MILLIS - 1, Use),
        (good, Held, FRESH_MILLIS, Fetch { else_use: true }),
        (good, Held, USABLE_MILLIS, Fetch { else_use: false }),
        (good, UnknownKid, 0, Refuse),
        (good, UnknownKid, UNKNOWN_KID_MILLIS - 1, Refuse),
        (good, UnknownKid, UNKNOWN_KID_MILLIS, Fetch { else_use: false }),
        // A failure keeps the last good set, and is not repeated at once.
        (failed, Held, FRESH_MILLIS + 1, Use),
        (failed, Held, FRESH_MILLIS + RETRY_MILLIS, Fetch { else_use: true }),
        (failed, UnknownKid, FRESH_MILLIS + RETRY_MILLIS, Refuse),
        (Times::default().tried(at(0)), Held, 1, Refuse),
        (Times::default().tried(at(0)), Held, RETRY_MILLIS, Fetch { else_use: false }),
    ] {
        assert_eq!(times.decide(wanted, at(after)), decided, "{times:?} {wanted:?} {after}");
    }
}

fn steps() -> impl Strategy<Value = Vec<(u64, Wanted, bool)>> {
    let wait = prop_oneof![Just(0), 0_u64..2_000, 0_u64..RETRY_MILLIS * 2, 0_u64..FRESH_MILLIS * 2];
    let wanted = prop_oneof![Just(Wanted::Held), Just(Wanted::UnknownKid)];
    proptest::collection::vec((wait, wanted, any::<bool>()), 1..200)
}

proptest::proptest! {
    /// Whoever asks, how often and for whatever: fetches are bounded by the time that passed.
    #[test]
    fn nobody_causes_a_storm(steps in steps()) {
        let (mut now, mut times, mut tries, mut last) = (0, Times::default(), 0_u64, None);
        for (wait, wanted, works) in steps {
            now += wait;
            let usable = times.fetched_at.is_some_and(|fetched| at(now).millis_since(fetched) < USABLE_MILLIS);
            match times.decide(wanted, at(now)) {
                Refresh::Use => proptest::prop_assert!(usable),
                Refresh::Refuse => {}
                Refresh::Fetch { else_use } => {
                    proptest::prop_assert!(!else_use || usable);
                    // A made-up `kid` never makes two fetches within five minutes, while there is a set.
                    if let (Wanted::UnknownKid, true, Some(last)) = (wanted, usable, last) {
                        proptest::prop_assert!(now - last >= UNKNOWN_KID_MILLIS);
                    }
                    if let Some(last) = last {
                        proptest::prop_assert!(now - last >= RETRY_MILLIS);
                    }
                    last = Some(now);
                    tries += 1;
                    times = if works { times.fetched(at(now)) } else { times.tried(at(now)) };
                }
            }
        }
        proptest::prop_assert!(tries <= 1 + now / RETRY_MILLIS);
    }

    /// A million unknown names a second, and a provider that works: one fetch every five minutes.
    #[test]
    fn unknown_names_cost_little(waits in proptest::collection::vec(0_u64..1_000, 1..2_000)) {
        let (mut now, mut times, mut fetches) = (0, Times::default().fetched(at(0)), 0_u64);
        for wait in waits {
            now += wait;
            if matches!(times.decide(Wanted::UnknownKid, at(now)), Refresh::Fetch { .. }) {
                fetches += 1;
                times = times.fetched(at(now));
            }
        }
        proptest::prop_assert!(fetches <= now / UNKNOWN_KID_MILLIS);
    }
}
