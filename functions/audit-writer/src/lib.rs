//! The audit writer: takes records from the audit queue into each tenant's log, each exactly once, and signs over all
//! logs once a minute.
//!
//! A log's next bundle has one name, made of the number of its first leaf, and a name in the locked bucket can be
//! created once. That is what gives each record one place, whatever is delivered twice, late or out of order, and however
//! many writers there are. The table says where the log ends and what it holds, and can be made again from the bucket.
//!
//! # In scope
//! Numbering, bundles, rows for SQL, the region log and its checkpoints, leaving poison to the dead-letter queue.
//!
//! # Out of scope
//! - The bytes: `ledger`.
//! - Retention: the bucket's default, COMPLIANCE, set where the bucket is made.
//! - Opening sealed fields: its role has no use of any key but the one that signs checkpoints.
//! - Whose a producer's certificate is: whoever verifies the ledger knows the keys, and believes no writer.
//!
//! `event.rs` is the queue's event or the clock's; there is no HTTP here.

mod checkpoint;
mod config;
mod decide;
mod effects;
mod event;
mod heads;
mod store;

pub use checkpoint::RegionLog;
pub use config::Config;
pub use decide::Seen;
pub use event::Event;
pub use heads::{HeadStore, RegionHead};
pub use store::{ObjectStore, PutFault, S3Store, Unavailable};

use std::panic::AssertUnwindSafe;

use aws::{BatchEvent, BatchResponse, Failure};
use decide::Share;
use domain::{TenantId, Timestamp};
use futures_util::{FutureExt as _, StreamExt as _};

/// Tenants in work at once.
const CONCURRENT: usize = 16;

/// Writes one batch; every tenant by itself, poison alone.
pub async fn write(
    stores: (&impl ObjectStore, &impl HeadStore),
    event: BatchEvent,
    now: impl Fn() -> Timestamp,
    in_time: impl Fn() -> bool,
) -> BatchResponse {
    let (mut delivered, mut failures) = (Vec::new(), Vec::new());
    // A message without an id could not be reported: an empty one would fail the whole batch.
    for message in event.records.into_iter().filter(|message| !message.message_id.is_empty()) {
        match event::parse(message, now()) {
            Ok(one) => delivered.push(one),
            Err((message_id, code)) => failures.push(failed(message_id, code)),
        }
    }
    let share = |(tenant, share): (TenantId, Share)| write_share(stores, tenant, share, &now, &in_time);
    let shares = futures_util::stream::iter(decide::shares(delivered).into_iter().map(share));
    let unwritten: Vec<_> = shares.buffered(CONCURRENT).collect().await;
    failures.extend(unwritten.into_iter().flatten());
    BatchResponse { batch_item_failures: failures }
}

/// The messages whose records are not known to be written.
async fn write_share(
    stores: (&impl ObjectStore, &impl HeadStore),
    tenant: TenantId,
    share: Share,
    now: impl Fn() -> Timestamp,
    in_time: impl Fn() -> bool,
) -> Vec<Failure> {
    let Share { records, messages } = share;
    let every: Vec<_> = messages.keys().copied().collect();
    let work = effects::commit(stores, &tenant, records, now, in_time);
    let (code, unwritten) = match AssertUnwindSafe(work).catch_unwind().await {
        Ok(Ok(())) => return Vec::new(),
        Ok(Err((code, left))) => (code, left.iter().map(|one| one.record.event_id).collect()),
        Err(_) => ("panicked", every),
    };
    let of = |id| messages.get(id).cloned().unwrap_or_default();
    unwritten.iter().flat_map(of).map(|message| failed(message, code)).collect()
}

fn failed(message_id: String, code: &'static str) -> Failure {
    tracing::error!(message_id, code, "message.failed");
    Failure { item_identifier: message_id }
}

#[cfg(test)]
mod tests;
