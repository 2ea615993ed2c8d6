//! How far a channel's streams are: what they wait for, and what a test may know without a clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};
use tokio::sync::Semaphore;

#[derive(Debug)]
pub(super) struct Progress {
    /// Events that stepped streams may still send.
    steps: Semaphore,
    sent: AtomicU64,
    open: AtomicU64,
    stalled: AtomicU64,
}

impl Default for Progress {
    fn default() -> Self {
        let [sent, open, stalled] = [0; 3].map(AtomicU64::new);
        Self { steps: Semaphore::new(0), sent, open, stalled }
    }
}

impl Progress {
    /// Lets stepped streams send `events` more.
    pub(super) fn allow(&self, events: usize) {
        self.steps.add_permits(events);
    }

    /// Steps that were not used and events that were sent are forgotten.
    pub(super) fn reset(&self) {
        self.steps.forget_permits(usize::MAX);
        self.sent.store(0, Ordering::SeqCst);
    }

    /// Waits for a step and uses it up.
    pub(super) async fn step(&self) {
        if let Ok(step) = self.steps.acquire().await {
            step.forget();
        }
    }

    /// Counted before the event leaves: what was not counted has not been sent.
    pub(super) fn sending(&self) {
        self.sent.fetch_add(1, Ordering::SeqCst);
    }

    pub(super) fn opened(self: &Arc<Self>) -> Counted {
        Counted::new(self, |progress| &progress.open)
    }

    pub(super) fn stalled(self: &Arc<Self>) -> Counted {
        Counted::new(self, |progress| &progress.stalled)
    }

    /// `{sent, open, stalled}`: events since the channel was told something, streams now.
    pub(super) fn status(&self) -> Value {
        let count = |number: &AtomicU64| number.load(Ordering::SeqCst);
        json!({ "sent": count(&self.sent), "open": count(&self.open), "stalled": count(&self.stalled) })
    }
}

/// One stream in a state, for as long as this lives.
#[derive(Debug)]
pub(super) struct Counted {
    progress: Arc<Progress>,
    counter: fn(&Progress) -> &AtomicU64,
}

impl Counted {
    fn new(progress: &Arc<Progress>, counter: fn(&Progress) -> &AtomicU64) -> Self {
        counter(progress).fetch_add(1, Ordering::SeqCst);
        Self { progress: Arc::clone(progress), counter }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        (self.counter)(&self.progress).fetch_sub(1, Ordering::SeqCst);
    }
}
