//! The ways to queues of our own: what is to be dealt with after a write, and not before it is answered.

use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::ProvideErrorMetadata as _;
use domain::{ApprovalMessage, Offboarding};

use crate::start::unwatched;

/// The message is not known to be on the queue. What it tells of is in a row too, which a sweep finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the queue did not acknowledge the message")]
pub struct NotSent;

/// One queue.
#[derive(Debug, Clone)]
struct Queue {
    client: Client,
    url: String,
}

impl Queue {
    fn new(sdk: &aws_config::SdkConfig, url: String) -> Self {
        let queue = aws_sdk_sqs::config::Builder::from(sdk).stalled_stream_protection(unwatched());
        Self { client: Client::from_conf(queue.build()), url }
    }

    /// Fair queues: a group that has thousands of messages does not delay the others.
    async fn send(&self, text: String, group: &str) -> Result<(), NotSent> {
        let call = self.client.send_message().queue_url(&self.url).message_body(text);
        let sent = Box::pin(call.message_group_id(group).send()).await;
        sent.map(|_| ()).map_err(|error| {
            let code = error.code().unwrap_or("no_answer");
            tracing::error!(operation = "SendMessage", code, "sqs.failed");
            NotSent
        })
    }
}

/// Where messages of lifecycle go.
#[derive(Debug, Clone)]
pub struct LifecycleSender(Queue);

impl LifecycleSender {
    pub fn new(sdk: &aws_config::SdkConfig, queue_url: String) -> Self {
        Self(Queue::new(sdk, queue_url))
    }

    /// Tells that somebody was ended, after it is written.
    ///
    /// # Errors
    /// Not acknowledged.
    pub async fn offboarded(&self, left: &Offboarding) -> Result<(), NotSent> {
        let text = left.to_text().map_err(|_| NotSent)?;
        self.0.send(text, left.org.as_str()).await
    }
}

/// Where it is told what becomes of requests for approval.
#[derive(Debug, Clone)]
pub struct ApprovalsSender(Queue);

impl ApprovalsSender {
    pub fn new(sdk: &aws_config::SdkConfig, queue_url: String) -> Self {
        Self(Queue::new(sdk, queue_url))
    }

    /// Tells of a step, after it is written.
    ///
    /// # Errors
    /// Not acknowledged.
    pub async fn told(&self, message: &ApprovalMessage) -> Result<(), NotSent> {
        let text = serde_json::to_string(message).map_err(|_| NotSent)?;
        self.0.send(text, message.tenant.as_str()).await
    }
}
