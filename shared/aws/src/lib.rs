//! AWS clients, and nothing that decides.
//!
//! # In scope
//! Start-up (configuration, tracing), reads and conditional writes in DynamoDB, the audit sender that alone makes
//! [`Recorded`], the KMS side of `envelope::KeyWrapper`, batches from SQS, metrics, clock and entropy.
//!
//! # Out of scope
//! What the rows mean (`tables`), what is allowed (`policy`), outbound HTTP to configured addresses (`egress`).
//!
//! Errors here carry a code and never a message of a service's: those can quote what was sent.

mod audit;
mod batch;
mod clock;
mod dynamo;
mod entropy;
mod failure;
mod invocation;
mod kms;
mod metrics;
mod senders;
mod start;
mod vars;

pub use audit::{AuditConfig, AuditSender, NotRecorded, Recorded};
pub use aws_config::SdkConfig;
pub use batch::{BatchEvent, BatchResponse, Failure, Message, deliver};
pub use clock::now;
pub use dynamo::{Dynamo, ReadError, Rows, TableNames, WriteError};
pub use entropy::{EntropyError, random};
pub use failure::log_s3_failure;
pub use invocation::{Came, time_left, told};
pub use kms::{KmsEcSigner, KmsSigner, KmsWrapper, NotSigned};
pub use metrics::{Figure, emit_metrics};
pub use senders::{ApprovalsSender, LifecycleSender, NotSent};
pub use start::{Credentials, StartError, init_tracing, sdk_config};
pub use vars::{BadConfig, Vars};
