//! How many requests a key makes in a minute of Unix time.

use aws::Dynamo;
use domain::{KeyRow, Reason, Timestamp};
use tables::Key;
use tables::gates::{NotTaken, take};

/// A window is forgotten an hour after its minute.
const WINDOW_KEPT_S: u64 = 3_600;

/// Why a request is not made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RateFault {
    /// The store did not confirm.
    Unavailable,
    /// The key's minute has no more: how many it has, and the seconds until the next one.
    Full { limit: u64, retry_after: u64 },
}

impl RateFault {
    pub const fn reason(self) -> Reason {
        match self {
            Self::Unavailable => Reason::RateUnavailable,
            Self::Full { .. } => Reason::RateExceeded,
        }
    }
}

/// Takes one request out of a key's minute.
///
/// # Errors
/// See [`RateFault`].
pub async fn rate(dynamo: &Dynamo, row: &KeyRow, now: Timestamp) -> Result<(), RateFault> {
    let (seconds, limit) = (now.unix_millis() / 1_000, row.per_minute());
    let window = Key::rate_window(&row.tenant, "request", &row.id, seconds / 60);
    let taken = take(dynamo, &window, 1, limit, seconds.saturating_add(WINDOW_KEPT_S)).await;
    taken.map_err(|fault| match fault {
        NotTaken::Unavailable => RateFault::Unavailable,
        NotTaken::Full => RateFault::Full { limit, retry_after: 60 - seconds % 60 },
    })
}
