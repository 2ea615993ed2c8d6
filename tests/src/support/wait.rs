//! Waiting for what happens elsewhere. The bound only ends a test that would wait for ever; it asserts no speed.

use std::thread::sleep;
use std::time::{Duration, Instant};

const BOUND: Duration = Duration::from_secs(240);
const STEP: Duration = Duration::from_millis(100);

/// Asks until there is an answer.
pub fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(began.elapsed() < BOUND, "waited {BOUND:?} for {what}");
        sleep(STEP);
    }
}
