//! Calls that stream by while whoever makes them is ended: which were let in though they began afterwards.

use std::sync::{Barrier, OnceLock};
use std::time::{Duration, Instant};

use super::http::Answer;

/// Refusals of each stream after the end, before it stops.
const AFTERWARDS: usize = 3;
/// Ends a stream that is never refused; it asserts no speed.
const BOUND: Duration = Duration::from_secs(240);

/// What a call was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    LetIn,
    /// For who they are.
    Refused,
    /// Neither, such as that it does not work just now.
    Neither,
}

impl Told {
    pub fn by(answer: &Answer) -> Self {
        match answer.status {
            401 | 403 | 404 => Self::Refused,
            429 | 500.. => Self::Neither,
            _ => Self::LetIn,
        }
    }
}

/// One call, and when it began: before anything of it was sent.
#[derive(Debug, Clone, Copy)]
pub struct Call {
    pub started: Instant,
    pub told: Told,
}

/// What came of one stream of calls.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    pub calls: usize,
    /// Let in, begun before the end.
    pub before: usize,
    /// Refused, begun after the end.
    pub refused: usize,
    /// Let in, begun after the end: there must be none.
    pub late: usize,
}

/// `ended`: when the answer that ended them had been received whole. What begins at that very moment begins afterwards.
pub fn tally(calls: &[Call], ended: Instant) -> Tally {
    let count = |told, after| {
        calls.iter().filter(|call| call.told == told && (call.started >= ended) == after).count()
    };
    Tally {
        calls: calls.len(),
        before: count(Told::LetIn, false),
        refused: count(Told::Refused, true),
        late: count(Told::LetIn, true),
    }
}

/// A call that is made again and again.
pub type Door<'a> = &'a (dyn Fn() -> Told + Sync);

/// Streams calls through every door, ends who makes them once each has let one in, `late` after that, and goes on until each
/// door was seen to refuse.
pub fn race(doors: &[Door<'_>], late: Duration, end: impl FnOnce()) -> Vec<Tally> {
    let (began, ended) = (Instant::now(), OnceLock::new());
    let through = Barrier::new(doors.len() + 1);
    let stream = |door: Door<'_>| {
        let (mut calls, mut refused, mut passed) = (Vec::new(), 0, false);
        while refused < AFTERWARDS && began.elapsed() < BOUND {
            let started = Instant::now();
            let told = door();
            calls.push(Call { started, told });
            if !passed && (told == Told::LetIn || began.elapsed() > BOUND / 2) {
                passed = true;
                through.wait();
            }
            refused += usize::from(told == Told::Refused && ended.get().is_some_and(|at| started >= *at));
        }
        calls
    };
    std::thread::scope(|scope| {
        let streams: Vec<_> = doors.iter().map(|door| scope.spawn(|| stream(*door))).collect();
        through.wait();
        std::thread::sleep(late);
        end();
        let at = *ended.get_or_init(Instant::now);
        let calls = streams.into_iter().map(|stream| stream.join().expect("no call panics"));
        calls.map(|calls| tally(&calls, at)).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    #[test]
    fn what_began_before_may_be_let_in_and_what_began_after_is_counted() {
        let began = Instant::now();
        let ended = began + Duration::from_millis(10);
        let call = |millis, told| Call { started: began + Duration::from_millis(millis), told };
        let good =
            [call(0, Told::LetIn), call(9, Told::LetIn), call(9, Told::Refused), call(10, Told::Refused)];
        assert_eq!(tally(&good, ended), Tally { calls: 4, before: 2, refused: 1, late: 0 });
        for millis in [10, 11, 60_000] {
            let calls = [good.as_slice(), &[call(millis, Told::LetIn), call(millis, Told::Neither)]].concat();
            assert_eq!(tally(&calls, ended), Tally { calls: 6, before: 2, refused: 1, late: 1 });
        }
    }

    /// Both doors hear of the end. One of them goes on letting in for a while.
    #[test]
    fn a_door_that_closes_late_is_caught_and_one_that_closes_in_time_is_not() {
        let (closed, slow) = (AtomicBool::new(false), AtomicUsize::new(0));
        let told = |refused| if refused { Told::Refused } else { Told::LetIn };
        let in_time = || told(closed.load(Ordering::SeqCst));
        let late = || told(closed.load(Ordering::SeqCst) && slow.fetch_add(1, Ordering::SeqCst) >= 100_000);
        let end = || closed.store(true, Ordering::SeqCst);
        let tallies = race(&[&in_time, &late], Duration::from_millis(1), end);
        assert_eq!(tallies.len(), 2);
        assert!(
            tallies[0].before > 0 && tallies[0].refused >= AFTERWARDS && tallies[0].late == 0,
            "{tallies:?}"
        );
        assert!(tallies[1].late > 0, "{tallies:?}");
    }

    #[test]
    fn an_outage_is_neither_a_refusal_nor_an_admission() {
        let answer = |status| Answer {
            status,
            headers: std::collections::BTreeMap::new(),
            set_cookies: Vec::new(),
            body: String::new(),
            throttled: 0,
            tries: 1,
        };
        for (status, told) in [
            (200, Told::LetIn),
            (400, Told::LetIn),
            (401, Told::Refused),
            (403, Told::Refused),
            (404, Told::Refused),
            (429, Told::Neither),
            (503, Told::Neither),
        ] {
            assert_eq!(Told::by(&answer(status)), told, "{status}");
        }
    }
}
