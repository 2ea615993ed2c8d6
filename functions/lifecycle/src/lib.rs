//! Lifecycle: what the clock brings about, and what is left to do once somebody has left. Checkpoints leave the account every
//! hour, a day's rows become one file, holds of calls that died are settled, and what a leaver held is dealt with.
//!
//! # In scope
//! Delivering checkpoints to sinks, merging rows for SQL, sweeping orphaned holds; keys, secrets and agents of people who
//! have left.
//!
//! # Out of scope
//! - Making checkpoints and rows: `functions/audit-writer`.
//! - What a sweep settles and forgets: `tables`, `gates`.
//! - Ending somebody: one write of `functions/admin`, which every call reads.
//! - Retention and erasure: not built yet.

mod config;
mod decide;
mod effects;
mod event;
mod holds;
mod offboard;

pub use config::Config;
pub use decide::sink_name;
pub use effects::{Effects, Fault};
pub use event::{Answer, Clock, Done, Event};

use domain::Timestamp;
use offboard::Live;

/// Does what one event asks for. `deadline`: when the platform ends the invocation, in milliseconds of Unix time.
///
/// # Errors
/// A code. What was done is done, and the next event makes up for the rest.
pub async fn handle(effects: &Effects, event: Event, deadline: u64, now: Timestamp) -> Result<Answer, Fault> {
    let live = &Live { effects, deadline };
    match event {
        // Boxed: futures of the SDK's calls are large, and lie deep here.
        Event::Messages(batch) => Ok(Answer::Messages(Box::pin(offboard::deliver(live, batch)).await)),
        Event::Clock(clock) => by_clock(effects, live, clock, now).await.map(Answer::Clock),
    }
}

async fn by_clock(effects: &Effects, live: &Live<'_>, clock: Clock, now: Timestamp) -> Result<Done, Fault> {
    match clock {
        Clock::DeliverCheckpoint {} => {
            effects.deliver_checkpoint().await.map(|delivered| Done { delivered, ..Done::default() })
        }
        Clock::Compact {} => {
            effects.compact(now).await.map(|compacted| Done { compacted, ..Done::default() })
        }
        Clock::SweepHolds {} => effects.sweep_holds(now).await.map(|(orphans, forgotten)| Done {
            orphans,
            forgotten,
            ..Done::default()
        }),
        Clock::SweepOffboardings {} => {
            Box::pin(offboard::sweep(live)).await.map(|offboarded| Done { offboarded, ..Done::default() })
        }
    }
}
