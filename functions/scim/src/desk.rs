//! The joint to the tables, the log and the lifecycle queue. Production: AWS. Tests: in memory, with faults; `make bench`: in
//! memory, counted.

use std::future::Future;

use aws::{AuditSender, Dynamo, KmsWrapper, LifecycleSender, NotRecorded, NotSent, ReadError};
use domain::{ActionId, AuditRecord, Offboarding, Timestamp};
use envelope::KeyWrapper;
use tables::gates::Write;
use tables::{GateFault, GateStore as _, Item, Key, Listed, Table};

use crate::Rows;

/// What effects are made through. Reads are strongly consistent; a write is all of its rows or none.
pub trait Desk: Sync {
    /// The key service.
    type Wrapper: KeyWrapper + Sync;

    /// The clock.
    fn now(&self) -> Timestamp;

    fn get(&self, key: &Key) -> impl Future<Output = Result<Option<Item>, ReadError>> + Send;

    /// Up to 100 rows.
    fn batch_get(&self, keys: &[Key]) -> impl Future<Output = Result<Rows, ReadError>> + Send;

    /// A page of a partition: rows whose sort keys begin with `prefix`, behind `after`.
    fn page(
        &self,
        table: Table,
        pk: &str,
        prefix: &str,
        after: Option<&str>,
        limit: u16,
    ) -> impl Future<Output = Result<Listed, ReadError>> + Send;

    /// Rows of a partition whose sort keys lie between two, both included.
    fn range(
        &self,
        table: Table,
        pk: &str,
        between: (&str, &str),
        limit: u16,
    ) -> impl Future<Output = Result<Listed, ReadError>> + Send;

    /// Each of another row, all or none.
    fn write_all(&self, writes: Vec<Write>) -> impl Future<Output = Result<(), GateFault>> + Send;

    /// Before another try, when others are at the same rows.
    fn pause(&self, round: u32) -> impl Future<Output = ()> + Send;

    /// Records what is about to be done. Without it nothing is.
    fn attempt(
        &self,
        action: ActionId,
        record: AuditRecord,
    ) -> impl Future<Output = Result<(), NotRecorded>> + Send;

    fn record(&self, record: AuditRecord) -> impl Future<Output = Result<(), NotRecorded>> + Send;

    /// Tells `lifecycle` of somebody who was ended.
    fn offboarded(&self, left: &Offboarding) -> impl Future<Output = Result<(), NotSent>> + Send;
}

/// The tables and the queues of this region.
#[derive(Debug)]
pub struct Live {
    pub dynamo: Dynamo,
    pub audit: AuditSender,
    pub lifecycle: LifecycleSender,
}

/// Boxed: calls of the SDK are large, and every future around them moves with them.
impl Desk for Live {
    type Wrapper = KmsWrapper;

    fn now(&self) -> Timestamp {
        aws::now()
    }

    async fn get(&self, key: &Key) -> Result<Option<Item>, ReadError> {
        Box::pin(self.dynamo.get(key)).await
    }

    async fn batch_get(&self, keys: &[Key]) -> Result<Rows, ReadError> {
        Box::pin(self.dynamo.batch_get(keys)).await
    }

    async fn page(
        &self,
        table: Table,
        pk: &str,
        prefix: &str,
        after: Option<&str>,
        limit: u16,
    ) -> Result<Listed, ReadError> {
        Box::pin(self.dynamo.page(table, pk, prefix, after, limit)).await
    }

    async fn range(
        &self,
        table: Table,
        pk: &str,
        between: (&str, &str),
        limit: u16,
    ) -> Result<Listed, ReadError> {
        Box::pin(self.dynamo.range(table, pk, between, limit)).await
    }

    async fn write_all(&self, writes: Vec<Write>) -> Result<(), GateFault> {
        Box::pin(self.dynamo.write_all(writes)).await
    }

    async fn pause(&self, round: u32) {
        Box::pin(self.dynamo.pause(round)).await;
    }

    async fn attempt(&self, action: ActionId, record: AuditRecord) -> Result<(), NotRecorded> {
        Box::pin(self.audit.attempt(action, &[record])).await.map(|_| ())
    }

    async fn record(&self, record: AuditRecord) -> Result<(), NotRecorded> {
        Box::pin(self.audit.record(&[record])).await
    }

    async fn offboarded(&self, left: &Offboarding) -> Result<(), NotSent> {
        Box::pin(self.lifecycle.offboarded(left)).await
    }
}
