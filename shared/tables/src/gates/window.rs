//! Rate windows: so many in a minute and never more, however many ask at the same time.
//!
//! A window is one item per key and minute, so that a single conditional update decides, and no minute has to be ended:
//! DynamoDB forgets it by its `expires`.

use super::{GateFault, GateOp, GateStore, TRIES};
use crate::Key;

/// Why nothing was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotTaken {
    #[error("the window has no room for so many")]
    Full,
    #[error("the window could not be written")]
    Unavailable,
}

/// Takes `count` out of a window of `limit`. A write of unknown outcome is tried again and may then count twice: a window
/// errs towards too few, never towards too many.
///
/// # Errors
/// See [`NotTaken`].
pub async fn take<S: GateStore>(
    store: &S,
    window: &Key,
    count: u64,
    limit: u64,
    expires: u64,
) -> Result<(), NotTaken> {
    // The condition of a window's first item knows no limit.
    if count > limit {
        return Err(NotTaken::Full);
    }
    let op = GateOp::Take { window: window.clone(), count, limit, expires };
    for _ in 0..TRIES {
        match store.apply(&op).await {
            Ok(_) => return Ok(()),
            Err(GateFault::Condition(_)) => return Err(NotTaken::Full),
            Err(GateFault::NotWritten | GateFault::Unknown) => {}
        }
    }
    Err(NotTaken::Unavailable)
}
