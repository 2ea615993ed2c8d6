//! Lifecycle: what the clock brings about. Checkpoints leave the account every hour, a day's rows become one file, and holds
//! of calls that died are settled.
//!
//! # In scope
//! Delivering checkpoints to sinks, merging rows for SQL, sweeping orphaned holds.
//!
//! # Out of scope
//! - Making checkpoints and rows: `functions/audit-writer`.
//! - What a sweep settles and forgets: `tables`, `gates`.
//! - Retention and erasure: not built yet.

mod config;
mod decide;
mod effects;
mod event;
mod holds;

pub use config::Config;
pub use decide::sink_name;
pub use effects::{Effects, Fault};
pub use event::{Done, Event};

use domain::Timestamp;

/// Does what one event asks for.
///
/// # Errors
/// A code. What was done is done, and the next event makes up for the rest.
pub async fn handle(effects: &Effects, event: Event, now: Timestamp) -> Result<Done, Fault> {
    match event {
        Event::DeliverCheckpoint {} => {
            effects.deliver_checkpoint().await.map(|delivered| Done { delivered, ..Done::default() })
        }
        Event::Compact {} => {
            effects.compact(now).await.map(|compacted| Done { compacted, ..Done::default() })
        }
        Event::SweepHolds {} => effects.sweep_holds(now).await.map(|(orphans, forgotten)| Done {
            orphans,
            forgotten,
            ..Done::default()
        }),
    }
}
