//! The audit writer: takes records from the audit queue into the locked bucket, each exactly once.
//!
//! One locked object per event, created only if its name is free, is what makes a message that is delivered twice,
//! late or out of order one event. The derived row for SQL follows under the same rule. A message is acknowledged
//! only after both exist, so a crash between any two steps is repaired by the next delivery.
//!
//! # In scope
//! Reading records, naming and writing objects, leaving poison to the dead-letter queue.
//!
//! # Out of scope
//! - Bundles, the tree, sequence numbers and producer signatures: the ledger.
//! - Retention: the bucket's default, COMPLIANCE, set where the bucket is made.
//! - Opening sealed fields: its role has no use of any key.
//!
//! `event.rs` is the queue's event, read by `aws::drive`; there is no HTTP here.

mod config;
mod decide;
mod effects;
mod event;
mod store;

pub use config::Config;
pub use store::{ObjectStore, PutFault, S3Store};

use aws::{BatchEvent, BatchResponse};

/// Handles one batch; every message by itself.
pub async fn handle<S: ObjectStore>(
    store: &S,
    event: BatchEvent,
    in_time: impl Fn() -> bool,
) -> BatchResponse {
    aws::drive(event, in_time, |body| async move {
        let record = event::parse(&body)?;
        effects::perform(store, decide::objects(&record)?).await
    })
    .await
}

#[cfg(test)]
mod tests;
