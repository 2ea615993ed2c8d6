//! The audit sender: the only maker of [`Recorded`], the proof that a record is durable.
//!
//! A record counts once SQS has acknowledged it. One that was not acknowledged is kept in the instance's memory
//! and sent again, under the same event id, before anything newer. If the instance dies first, the missing
//! outcome shows as an unpaired attempt, and a missing attempt had no effect to tell of.

use std::collections::VecDeque;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::ProvideErrorMetadata as _;
use domain::{ActionId, AuditRecord, TenantId};
use tokio::sync::Mutex;

/// The record is not known to be durable. The effect that it announces must not happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the audit queue did not acknowledge the record")]
pub struct NotRecorded;

/// The proof that the attempt of one action is durable. Only [`AuditSender::attempt`] makes one.
///
/// ```compile_fail
/// let recorded = countersign_aws::Recorded { action_id: todo!() };
/// ```
#[derive(Debug)]
pub struct Recorded {
    action_id: ActionId,
}

impl Recorded {
    pub const fn action_id(&self) -> ActionId {
        self.action_id
    }
}

struct Pending {
    tenant: TenantId,
    text: String,
}

/// How many unacknowledged records an instance keeps: some minutes of refusals while the queue is away.
const MAX_PENDING: usize = 1_000;

/// The way to the audit queue.
pub struct AuditSender {
    client: Client,
    queue_url: String,
    pending: Mutex<VecDeque<Pending>>,
}

impl std::fmt::Debug for AuditSender {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AuditSender")
    }
}

impl AuditSender {
    pub fn new(config: &aws_config::SdkConfig, queue_url: String) -> Self {
        Self { client: Client::new(config), queue_url, pending: Mutex::default() }
    }

    /// Records the attempt of an action.
    ///
    /// # Errors
    /// Not acknowledged: the action must not start.
    pub async fn attempt(&self, action_id: ActionId, record: &AuditRecord) -> Result<Recorded, NotRecorded> {
        if record.action_id != Some(action_id) {
            return Err(NotRecorded);
        }
        self.record(record).await.map(|()| Recorded { action_id })
    }

    /// Records anything that announces no effect: an outcome or a refusal.
    ///
    /// # Errors
    /// Not acknowledged; kept, and sent again first.
    pub async fn record(&self, record: &AuditRecord) -> Result<(), NotRecorded> {
        let text = record.to_canonical().map_err(|error| {
            tracing::error!(%error, "audit.record_refused");
            NotRecorded
        })?;
        let mut pending = self.pending.lock().await;
        pending.push_back(Pending { tenant: record.tenant_id.clone(), text });
        let sent = self.flush(&mut pending).await;
        if pending.len() > MAX_PENDING {
            // The oldest stay: they may announce effects, the newest are refusals of a queue that is away.
            pending.truncate(MAX_PENDING);
            tracing::error!(kept = MAX_PENDING, "audit.pending_full");
        }
        sent
    }

    /// Sends what is pending, oldest first, and stops at the first that is not acknowledged.
    async fn flush(&self, pending: &mut VecDeque<Pending>) -> Result<(), NotRecorded> {
        while let Some(first) = pending.front() {
            let call = self.client.send_message().queue_url(&self.queue_url).message_body(&first.text);
            // Fair queues: a tenant with a backlog does not delay the others.
            let sent = call.message_group_id(first.tenant.as_str()).send().await;
            if let Err(error) = sent {
                tracing::error!(
                    operation = "SendMessage",
                    code = error.code().unwrap_or("no_answer"),
                    "sqs.failed"
                );
                return Err(NotRecorded);
            }
            pending.pop_front();
        }
        Ok(())
    }
}
