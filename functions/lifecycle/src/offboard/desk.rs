//! The joint to the tables, the log and the clock. Production: DynamoDB and the audit queue. Tests: in memory, with faults.

use std::collections::HashMap;
use std::future::Future;

use domain::{ActionId, AuditRecord, Region, Timestamp};
use tables::{GateFault, Item, Key, Listed, Swap, Table, deleted};

use crate::effects::{Effects, Fault};

/// What going through somebody's things needs. Reads are strongly consistent, writes atomic per row.
pub trait Desk: Sync {
    fn region(&self) -> Region;

    fn now(&self) -> Timestamp;

    /// Whether there is time for another page.
    fn in_time(&self) -> bool;

    /// # Errors
    /// The operating system has none.
    fn random(&self) -> Result<[u8; 10], Fault>;

    fn read(&self, key: &Key) -> impl Future<Output = Result<Option<Item>, Fault>> + Send;

    /// Up to a page's rows at once.
    fn rows(&self, keys: &[Key]) -> impl Future<Output = Result<HashMap<Key, Item>, Fault>> + Send;

    /// A page of a partition: rows whose sort keys begin with `prefix`, behind `after`.
    fn page(
        &self,
        table: Table,
        pk: &str,
        prefix: &str,
        after: Option<&str>,
    ) -> impl Future<Output = Result<Listed, Fault>> + Send;

    /// All rows or none.
    fn write(&self, swaps: &[Swap]) -> impl Future<Output = Result<(), GateFault>> + Send;

    /// Takes a row away, if it is as it was read.
    fn forget(&self, key: &Key, old: &Item) -> impl Future<Output = Result<(), GateFault>> + Send;

    /// Records what is about to be done. Without it nothing is.
    fn attempt(
        &self,
        action: ActionId,
        record: AuditRecord,
    ) -> impl Future<Output = Result<(), Fault>> + Send;

    fn record(&self, record: AuditRecord) -> impl Future<Output = Result<(), Fault>> + Send;
}

/// The tables and the queue of this region, for as long as one invocation lives.
#[derive(Debug)]
pub struct Live<'a> {
    pub effects: &'a Effects,
    /// Milliseconds of Unix time.
    pub deadline: u64,
}

/// A page is not begun with less than this left: what it holds must be gone through.
const LEAST_MS: u64 = 20_000;
/// Rows of one page.
const PAGE: u16 = 50;

impl Desk for Live<'_> {
    fn region(&self) -> Region {
        self.effects.config.region
    }

    fn now(&self) -> Timestamp {
        aws::now()
    }

    fn in_time(&self) -> bool {
        aws::now().unix_millis().saturating_add(LEAST_MS) < self.deadline
    }

    fn random(&self) -> Result<[u8; 10], Fault> {
        aws::random().map_err(|_| "no_entropy")
    }

    async fn read(&self, key: &Key) -> Result<Option<Item>, Fault> {
        self.effects.dynamo.get(key).await.map_err(|_| "tables_unavailable")
    }

    async fn rows(&self, keys: &[Key]) -> Result<HashMap<Key, Item>, Fault> {
        self.effects.dynamo.batch_get(keys).await.map_err(|_| "tables_unavailable")
    }

    async fn page(&self, table: Table, pk: &str, prefix: &str, after: Option<&str>) -> Result<Listed, Fault> {
        self.effects.dynamo.page(table, pk, prefix, after, PAGE).await.map_err(|_| "tables_unavailable")
    }

    async fn write(&self, swaps: &[Swap]) -> Result<(), GateFault> {
        self.effects.dynamo.write_all(swaps.iter().map(Swap::to_write).collect()).await
    }

    async fn forget(&self, key: &Key, old: &Item) -> Result<(), GateFault> {
        self.effects.dynamo.write_all(vec![deleted(key, old)]).await
    }

    async fn attempt(&self, action: ActionId, record: AuditRecord) -> Result<(), Fault> {
        self.effects.audit.attempt(action, &[record]).await.map(|_| ()).map_err(|_| "not_recorded")
    }

    async fn record(&self, record: AuditRecord) -> Result<(), Fault> {
        self.effects.audit.record(&[record]).await.map_err(|_| "not_recorded")
    }
}
