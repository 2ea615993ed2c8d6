//! The effects, in their one order, for one tenant:
//!
//! 1. read the head; 2. read what is known of the records and their agents; 3. decide; 4. put the bundle at its place,
//!    which is the commit; 5. make the rows for SQL, and write down events and agents; 6. move the head on.
//!
//! Messages are acknowledged after that, by returning. A crash between any two steps leaves a bundle behind the head,
//! which whoever comes next finds at its place and finishes: there is no other recovery.

use std::time::Duration;

use domain::{TenantId, Timestamp};
use ledger::{Bundle, Commit, Head, SignedRecord, replay, row};

use crate::decide::{self, Next};
use crate::heads::HeadStore;
use crate::store::{ObjectStore, PutFault};

/// Why records are not known to be in the ledger. Their messages come again.
pub type Fault = &'static str;

/// Bundles that are finished for others count too, and after a table was restored there may be many: time is the limit.
const MAX_ROUNDS: usize = 100_000;
/// How often a put that may not have happened is tried, as 409 ConditionalRequestConflict asks for.
const PUT_TRIES: u32 = 4;

/// Writes a tenant's records into its log, each once.
///
/// # Errors
/// A code, and the records that are not known to be written.
pub async fn commit(
    (objects, heads): (&impl ObjectStore, &impl HeadStore),
    tenant: &TenantId,
    mut records: Vec<SignedRecord>,
    now: impl Fn() -> Timestamp,
    in_time: impl Fn() -> bool,
) -> Result<(), (Fault, Vec<SignedRecord>)> {
    for _ in 0..MAX_ROUNDS {
        if !in_time() {
            return Err(("out_of_time", records));
        }
        match round((objects, heads), tenant, &records, now()).await {
            Ok(None) => return Ok(()),
            Ok(Some(done)) => records = decide::left(records, &done),
            Err(fault) => return Err((fault, records)),
        }
        if records.is_empty() {
            return Ok(());
        }
    }
    Err(("too_many_writers", records))
}

/// One bundle: ours, or one that another put at the place. `None` when there is nothing to write.
async fn round(
    (objects, heads): (&impl ObjectStore, &impl HeadStore),
    tenant: &TenantId,
    records: &[SignedRecord],
    now: Timestamp,
) -> Result<Option<Commit>, Fault> {
    let head = heads.head(tenant).await.map_err(|_| "head_unread")?;
    let seen = heads.seen(tenant, records).await.map_err(|_| "events_unread")?;
    let next = decide::next(tenant, &head, &seen, records, now).map_err(|error| {
        tracing::error!(%error, "records.not_appended");
        "not_appended"
    })?;
    let commit = match next {
        Next::Nothing => return Ok(None),
        Next::Finish => found(objects, tenant, &head).await?.ok_or("bundle_missing")?,
        Next::Put(commit) => put(objects, tenant, &head, *commit).await?,
    };
    finish((objects, heads), tenant, head.tree.size(), &commit).await?;
    Ok(Some(commit))
}

fn name(tenant: &TenantId, head: &Head) -> String {
    format!("t/{tenant}/bundle/{}", Bundle::name_at(head.tree.size()))
}

/// Puts a bundle at its place, and gives what lies there then: it, or another's.
async fn put(
    objects: &impl ObjectStore,
    tenant: &TenantId,
    head: &Head,
    commit: Commit,
) -> Result<Commit, Fault> {
    for attempt in 0..PUT_TRIES {
        match objects.create(&name(tenant, head), commit.bundle.to_bytes()).await {
            Ok(()) => return Ok(commit),
            // Perhaps by an earlier try of this very call.
            Err(PutFault::Exists) => return found(objects, tenant, head).await?.ok_or("bundle_missing"),
            Err(PutFault::Unknown) => {
                if let Some(found) = found(objects, tenant, head).await? {
                    return Ok(found);
                }
                tokio::time::sleep(Duration::from_millis(10 << attempt)).await;
            }
        }
    }
    Err("bundle_not_put")
}

async fn found(objects: &impl ObjectStore, tenant: &TenantId, head: &Head) -> Result<Option<Commit>, Fault> {
    let bytes = objects.read(&name(tenant, head)).await.map_err(|_| "bundle_unread")?;
    let read = bytes.map(|bytes| replay(tenant, head, &bytes)).transpose();
    read.map_err(|error| {
        // Nobody but the writer's role can have put it there. No record of this tenant is written until it is looked at.
        tracing::error!(%tenant, %error, "bundle.does_not_follow");
        "bundle_does_not_follow"
    })
}

async fn finish(
    (objects, heads): (&impl ObjectStore, &impl HeadStore),
    tenant: &TenantId,
    from: u64,
    commit: &Commit,
) -> Result<(), Fault> {
    for (name, rows) in row::files(tenant, &commit.entries).map_err(|_| "not_a_row")? {
        objects.derive(&name, rows.into_bytes()).await.map_err(|_| "rows_not_written")?;
    }
    heads.index(tenant, commit).await.map_err(|_| "events_not_written")?;
    heads.advance(tenant, from, &commit.head).await.map_err(|_| "head_not_moved")
}
