//! Availability from what runs found: pure arithmetic over pieces of five minutes.
//!
//! A run's word holds for its own piece and, where no run came, for the one after it: one missed run is no outage. The second
//! missed piece is unknown, and unknown time is counted as that and as nothing else.

use std::collections::BTreeMap;

use domain::{Availability, Name, Share, Standing, Timestamp, Verdict};
use tables::status::{DayRow, SLOTS, Slots, slot_of};

/// Over so many days availability is told.
pub const WINDOWS: [u16; 4] = [1, 7, 30, 90];
/// So many days are shown.
pub const SHOWN_DAYS: u64 = 90;
/// So many days are read: the oldest piece that is shown may rest on the one before it.
pub const READ_DAYS: u64 = SHOWN_DAYS + 1;

/// Days by their number since 1970.
pub type History = BTreeMap<u64, DayRow>;

const SLOTS_A_DAY: u64 = SLOTS as u64;

/// One check's pieces, counted on from 1970.
struct Line<'a>(BTreeMap<u64, &'a Slots>);

impl<'a> Line<'a> {
    fn of(history: &'a History, name: &Name) -> Self {
        Self(history.iter().filter_map(|(day, row)| Some((*day, row.0.get(name)?))).collect())
    }

    fn found(&self, piece: u64) -> Option<Verdict> {
        let slot = usize::try_from(piece % SLOTS_A_DAY).ok()?;
        self.0.get(&(piece / SLOTS_A_DAY))?.at(slot)
    }

    fn standing(&self, piece: u64) -> Standing {
        let found = self.found(piece).or_else(|| self.found(piece.checked_sub(1)?));
        match found {
            Some(Verdict::Up) => Standing::Up,
            Some(Verdict::Down) => Standing::Down,
            None => Standing::Unknown,
        }
    }

    /// Over pieces from the first to the last, both included.
    fn share(&self, first: u64, last: u64) -> Share {
        (first..=last).fold(Share::default(), |share, piece| share.with(self.standing(piece)))
    }
}

fn piece_of(now: Timestamp) -> u64 {
    let (day, slot) = slot_of(now);
    day * SLOTS_A_DAY + slot as u64
}

/// Over each window, the piece that runs now included.
pub fn windows(history: &History, name: &Name, now: Timestamp) -> Vec<Availability> {
    let (line, last) = (Line::of(history, name), piece_of(now));
    let over = |days: u16| {
        let first = (last + 1).saturating_sub(u64::from(days) * SLOTS_A_DAY);
        Availability { days, share: line.share(first, last) }
    };
    WINDOWS.map(over).into()
}

/// By day, the oldest first; of today what has been.
pub fn days(history: &History, name: &Name, now: Timestamp) -> Vec<Share> {
    let (line, last) = (Line::of(history, name), piece_of(now));
    let today = last / SLOTS_A_DAY;
    let of = |day: u64| {
        let first = day * SLOTS_A_DAY;
        line.share(first, last.min(first + SLOTS_A_DAY - 1))
    };
    ((today + 1).saturating_sub(SHOWN_DAYS)..=today).map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Verdict::{Down, Up};
    use proptest::prelude::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn name() -> Name {
        "gateway".parse().unwrap()
    }

    /// What runs found, by time.
    fn history(runs: &[(Timestamp, Verdict)]) -> History {
        let mut history = History::new();
        for (at, verdict) in runs {
            let (day, slot) = slot_of(*at);
            let row = history.remove(&day).unwrap_or_default();
            history.insert(day, row.noted(slot, [(&name(), *verdict)]));
        }
        history
    }

    fn one_day(runs: &[(&str, Verdict)], now: &str) -> Share {
        let runs: Vec<_> = runs.iter().map(|(text, verdict)| (at(text), *verdict)).collect();
        windows(&history(&runs), &name(), at(now))[0].share
    }

    /// Runs, the moment of asking, and how many pieces were up and down of 288.
    type Case<'a> = (&'a [(&'a str, Verdict)], &'a str, (u32, u32));

    #[test]
    fn one_missed_run_is_covered_and_the_second_is_not() {
        let rows: [Case<'_>; 8] = [
            (&[], "2026-11-26T12:00:00.000Z", (0, 0)),
            (&[("2026-11-26T12:00:05.000Z", Up)], "2026-11-26T12:01:00.000Z", (1, 0)),
            // The run of 12:05 was missed, and then that of 12:10.
            (&[("2026-11-26T12:00:05.000Z", Up)], "2026-11-26T12:06:00.000Z", (2, 0)),
            (&[("2026-11-26T12:00:05.000Z", Up)], "2026-11-26T12:11:00.000Z", (2, 0)),
            (&[("2026-11-26T12:00:05.000Z", Down)], "2026-11-26T12:11:00.000Z", (0, 2)),
            // Twice within a piece: what was down once was down.
            (
                &[("2026-11-26T12:00:05.000Z", Down), ("2026-11-26T12:04:59.000Z", Up)],
                "2026-11-26T12:04:59.999Z",
                (0, 1),
            ),
            // Over midnight.
            (
                &[("2026-11-25T23:57:00.000Z", Up), ("2026-11-26T00:06:00.000Z", Down)],
                "2026-11-26T00:06:00.000Z",
                (2, 1),
            ),
            // A day ago to the piece, and one piece earlier: that one still covers the first of the window.
            (
                &[("2026-11-25T12:05:00.000Z", Up), ("2026-11-25T12:00:00.000Z", Up)],
                "2026-11-26T12:00:00.000Z",
                (2, 0),
            ),
        ];
        for (runs, now, (up, down)) in rows {
            let unknown = 288 - up - down;
            assert_eq!(one_day(runs, now), Share { up, down, unknown }, "{runs:?} at {now}");
        }
    }

    #[test]
    fn a_young_platform_does_not_know_its_past() {
        let runs: Vec<_> =
            (0_u64..288).map(|n| (at("2026-11-25T12:00:00.000Z").plus_millis(n * 300_000), Up)).collect();
        let told = windows(&history(&runs), &name(), at("2026-11-26T11:59:00.000Z"));
        let of = |one: &Availability| (one.days, one.share.availability(), one.share.unknown_share());
        let told: Vec<_> = told.iter().map(of).collect();
        assert_eq!(
            told,
            [
                (1, Some(10_000), Some(0)),
                (7, Some(10_000), Some(8_571)),
                (30, Some(10_000), Some(9_666)),
                (90, Some(10_000), Some(9_888)),
            ]
        );
        let days = days(&history(&runs), &name(), at("2026-11-26T11:59:00.000Z"));
        assert_eq!((days.len(), days[89].up, days[88].up, days[87].up), (90, 144, 144, 0));
        assert_eq!((days[89].all(), days[88].unknown, days[0].unknown), (144, 144, 288));
    }

    fn runs() -> impl Strategy<Value = Vec<(u64, bool)>> {
        proptest::collection::vec((0_u64..3 * 288, any::<bool>()), 0..60)
    }

    proptest! {
        /// Whatever ran: every piece is one of three, what was found down is never shown as up, and no healthy word reaches
        /// further than one piece.
        #[test]
        fn pieces_add_up_and_nothing_is_healthier_than_it_was_found(runs in runs(), after in 0_u64..600) {
            let begin = at("2026-11-23T00:00:00.000Z");
            let moment = |piece: u64| begin.plus_millis(piece * 300_000 + 17);
            let found: Vec<_> = runs
                .iter()
                .map(|(piece, up)| (moment(*piece), if *up { Up } else { Down }))
                .collect();
            let (history, now) = (history(&found), moment(3 * 288 + after));
            let mut verdicts = BTreeMap::<u64, bool>::new();
            for (piece, up) in &runs {
                let all = verdicts.entry(*piece).or_insert(true);
                *all = *all && *up;
            }
            let told = windows(&history, &name(), now);
            for one in &told {
                prop_assert_eq!(u64::from(one.share.all()), u64::from(one.days) * 288);
            }
            let line = Line::of(&history, &name());
            for piece in 0..3 * 288 + after {
                let global = piece_of(moment(piece));
                let expected = verdicts.get(&piece).or_else(|| verdicts.get(&piece.checked_sub(1)?));
                let expected = expected.map_or(Standing::Unknown, |up| if *up { Standing::Up } else { Standing::Down });
                prop_assert_eq!(line.standing(global), expected, "{}", piece);
            }
            let total: u32 = days(&history, &name(), now).iter().map(|day| day.known()).sum();
            prop_assert_eq!(total, told[3].share.known());
        }
    }
}
