//! What stores of tests have in common: how a write fails, and how a call lets others go first.

use std::pin::Pin;
use std::task::{Context, Poll};

use crate::GateFault;

/// How a write fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    Throttled,
    LostBefore,
    LostAfter,
}

impl Fault {
    /// What whoever writes is told; only what is lost on the way back is written.
    ///
    /// # Errors
    /// The fault's, or the write's own.
    pub fn meets<T>(
        fault: Option<Self>,
        write: impl FnOnce() -> Result<T, GateFault>,
    ) -> Result<T, GateFault> {
        match fault {
            Some(Self::Throttled) => Err(GateFault::NotWritten),
            Some(Self::LostBefore) => Err(GateFault::Unknown),
            Some(Self::LostAfter) => write().and(Err(GateFault::Unknown)),
            None => write(),
        }
    }
}

/// Waits for one turn.
pub async fn others_first() {
    Yield(false).await;
}

struct Yield(bool);

impl Future for Yield {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        context.waker().wake_by_ref();
        if std::mem::replace(&mut self.0, true) { Poll::Ready(()) } else { Poll::Pending }
    }
}
