//! The audit sender: the only maker of [`Recorded`], the proof that a record is durable.
//!
//! Every record is numbered and signed by this process before it is sent. It counts once SQS has acknowledged it. One
//! that was not acknowledged is kept in the instance's memory and sent again, under the same event id and number, before
//! anything newer. If the instance dies first, the missing outcome shows as an unpaired attempt, and a missing attempt
//! had no effect to tell of.

use std::collections::VecDeque;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::ProvideErrorMetadata as _;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use domain::{ActionId, AuditRecord, ProducerId, RecordError, Region, TenantId};
use ledger::{Draft, Hash, Producer, Uncertified};
use tokio::sync::{Mutex, OnceCell};
use zeroize::Zeroizing;

use crate::start::unwatched;
use crate::{KmsSigner, Vars};

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

/// Where records go, and as whose.
#[derive(Debug, Clone)]
pub struct AuditConfig {
    pub queue_url: String,
    /// The KMS key that certifies this process's own.
    pub signing_key_arn: String,
    /// That key's name, as verifiers know it: `countersign/<region>/<function>`.
    pub key_name: String,
    /// SHA-256 of the code that runs: of the function's package, or of the command's own file.
    pub code: Hash,
}

impl AuditConfig {
    /// Reads the queue and the key from their variables.
    pub fn from_vars(
        vars: &mut Vars<'_>,
        function: &str,
        region: Option<Region>,
        code: Option<Hash>,
    ) -> Option<Self> {
        let queue_url = vars.require("CS_QUEUE_AUDIT_URL", "the audit queue's URL");
        let key = vars.require("CS_SIGNING_KEY_ARN", "the ARN of the KMS key that certifies producers");
        let key_name = format!("countersign/{}/{function}", region?);
        Some(Self { queue_url: queue_url?, signing_key_arn: key?, key_name, code: code? })
    }
}

/// The way to the audit queue.
pub struct AuditSender {
    client: Client,
    signer: KmsSigner,
    config: AuditConfig,
    /// Made at the first record: a process that records nothing needs no certificate, and a fault of KMS is tried again.
    certified: OnceCell<()>,
    sending: Mutex<Sending>,
}

#[derive(Default)]
struct Sending {
    producer: Option<Producer>,
    pending: VecDeque<Pending>,
}

impl std::fmt::Debug for AuditSender {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AuditSender")
    }
}

impl AuditSender {
    pub fn new(sdk: &aws_config::SdkConfig, config: AuditConfig) -> Self {
        let signer = KmsSigner::new(sdk, config.signing_key_arn.clone());
        let queue = aws_sdk_sqs::config::Builder::from(sdk).stalled_stream_protection(unwatched());
        Self {
            client: Client::from_conf(queue.build()),
            signer,
            config,
            certified: OnceCell::new(),
            sending: Mutex::default(),
        }
    }

    /// Records the attempt of an action, and what goes with it: results of tools that go back to a model, the same told in
    /// another log. All are acknowledged or none counts.
    ///
    /// # Errors
    /// Not acknowledged: the action must not start.
    pub async fn attempt(
        &self,
        action_id: ActionId,
        records: &[AuditRecord],
    ) -> Result<Recorded, NotRecorded> {
        if !records.iter().any(|record| record.action_id == Some(action_id)) {
            return Err(NotRecorded);
        }
        self.record(records).await.map(|()| Recorded { action_id })
    }

    /// Records anything that announces no effect: outcomes, refusals, what a model asked for.
    ///
    /// # Errors
    /// Not acknowledged; kept, and sent again first.
    pub async fn record(&self, records: &[AuditRecord]) -> Result<(), NotRecorded> {
        // All or none: what is numbered must be sent.
        let drafts: Vec<_> = records.iter().map(Draft::of).collect::<Result<_, _>>().map_err(refused)?;
        self.certified.get_or_try_init(|| self.certify()).await?;
        let mut sending = self.sending.lock().await;
        let Sending { producer, pending } = &mut *sending;
        let producer = producer.as_mut().ok_or(NotRecorded)?;
        // What is kept may announce effects; what is new is refused, and is then no one's number.
        if pending.len().saturating_add(records.len()) > MAX_PENDING {
            self.flush(pending)
                .await
                .inspect_err(|_| tracing::error!(kept = MAX_PENDING, "audit.pending_full"))?;
        }
        for draft in drafts {
            let tenant = draft.tenant().clone();
            let text = producer.message(draft).map_err(refused)?;
            pending.push_back(Pending { tenant, text });
        }
        self.flush(pending).await
    }

    /// Makes this process's key and has it certified by KMS, once.
    async fn certify(&self) -> Result<(), NotRecorded> {
        let refused = |error: crate::EntropyError| {
            tracing::error!(%error, "audit.no_entropy");
            NotRecorded
        };
        let seed = Zeroizing::new(crate::random::<32>().map_err(refused)?);
        let id = ProducerId::from_random(crate::random().map_err(refused)?);
        let AuditConfig { code, key_name, .. } = &self.config;
        let draft = Uncertified::new(&seed, id, *code, key_name.clone(), crate::now());
        let signature = self.signer.sign(draft.statement().as_bytes()).await.map_err(|_| NotRecorded)?;
        self.sending.lock().await.producer = Some(draft.certified(signature));
        Ok(())
    }

    /// Sends what is pending, oldest first, and stops at the first that is not acknowledged.
    async fn flush(&self, pending: &mut VecDeque<Pending>) -> Result<(), NotRecorded> {
        while !pending.is_empty() {
            let batch = next_batch(pending);
            let acknowledged =
                if batch == 1 { self.send(pending).await } else { self.send_batch(pending, batch).await };
            let Some(acknowledged) = acknowledged else { return Err(NotRecorded) };
            let mut number = 0_usize;
            pending.retain(|_| {
                let sent = acknowledged.contains(&number);
                number += 1;
                !sent
            });
            if acknowledged.len() < batch {
                return Err(NotRecorded);
            }
        }
        Ok(())
    }

    /// The numbers of what was acknowledged: the first, or none at all.
    async fn send(&self, pending: &VecDeque<Pending>) -> Option<Vec<usize>> {
        let first = pending.front()?;
        let call = self.client.send_message().queue_url(&self.config.queue_url).message_body(&first.text);
        // Fair queues: a tenant with a backlog does not delay the others.
        let sent = Box::pin(call.message_group_id(first.tenant.as_str()).send()).await;
        sent.map_err(|error| failed("SendMessage", error.code())).ok().map(|_| vec![0])
    }

    /// The same for several. Each entry is acknowledged on its own: those that were not stay.
    async fn send_batch(&self, pending: &VecDeque<Pending>, batch: usize) -> Option<Vec<usize>> {
        let entry = |(number, one): (usize, &Pending)| {
            SendMessageBatchRequestEntry::builder()
                .id(number.to_string())
                .message_body(&one.text)
                .message_group_id(one.tenant.as_str())
                .build()
                .ok()
        };
        let entries: Option<Vec<_>> = pending.iter().take(batch).enumerate().map(entry).collect();
        let call =
            self.client.send_message_batch().queue_url(&self.config.queue_url).set_entries(Some(entries?));
        let sent = call.send().await.map_err(|error| failed("SendMessageBatch", error.code())).ok()?;
        for refused in sent.failed() {
            failed("SendMessageBatch", Some(refused.code()));
        }
        Some(sent.successful().iter().filter_map(|one| one.id().parse().ok()).collect())
    }
}

fn refused(error: RecordError) -> NotRecorded {
    tracing::error!(%error, "audit.record_refused");
    NotRecorded
}

fn failed(operation: &'static str, code: Option<&str>) {
    tracing::error!(operation, code = code.unwrap_or("no_answer"), "sqs.failed");
}

/// SQS takes ten messages at a time, and 262,144 bytes of them in regions that have not been raised to a mebibyte
/// (Amazon SQS developer guide, message quotas, read 2026-11).
const MAX_BATCH: usize = 10;
const MAX_BATCH_BYTES: usize = 262_144;

/// How many of the pending go together: at least one.
fn next_batch(pending: &VecDeque<Pending>) -> usize {
    let mut bytes = 0_usize;
    let fits = pending.iter().take(MAX_BATCH).take_while(|one| {
        bytes = bytes.saturating_add(one.text.len());
        bytes <= MAX_BATCH_BYTES
    });
    fits.count().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_keeps_to_the_limits_of_the_queue() {
        let pending = |sizes: &[usize]| {
            let tenant = TenantId::from_random([1; 10]);
            sizes.iter().map(|size| Pending { tenant: tenant.clone(), text: "x".repeat(*size) }).collect()
        };
        for (sizes, batch) in [
            (&[1; 3][..], 3),
            (&[1; 30], 10),
            (&[65_535; 10], 4),
            (&[300_000, 1], 1),
            (&[262_144, 1], 1),
            (&[262_143, 1, 1], 2),
        ] {
            assert_eq!(next_batch(&pending(sizes)), batch, "{sizes:?}");
        }
    }
}
