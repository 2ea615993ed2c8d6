//! The way to the lifecycle queue: what is to be dealt with after a write, and not before it is answered.

use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::ProvideErrorMetadata as _;
use domain::Offboarding;

use crate::start::unwatched;

/// The message is not known to be on the queue. What it tells of is in a row too, which a sweep finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the lifecycle queue did not acknowledge the message")]
pub struct NotSent;

/// Where messages of lifecycle go.
#[derive(Debug, Clone)]
pub struct LifecycleSender {
    client: Client,
    queue_url: String,
}

impl LifecycleSender {
    pub fn new(sdk: &aws_config::SdkConfig, queue_url: String) -> Self {
        let queue = aws_sdk_sqs::config::Builder::from(sdk).stalled_stream_protection(unwatched());
        Self { client: Client::from_conf(queue.build()), queue_url }
    }

    /// Tells that somebody was ended, after it is written.
    ///
    /// # Errors
    /// Not acknowledged.
    pub async fn offboarded(&self, left: &Offboarding) -> Result<(), NotSent> {
        let text = left.to_text().map_err(|_| NotSent)?;
        let call = self.client.send_message().queue_url(&self.queue_url).message_body(text);
        // Fair queues: an organization that lets thousands go does not delay the others.
        let sent = Box::pin(call.message_group_id(left.org.as_str()).send()).await;
        sent.map(|_| ()).map_err(|error| {
            tracing::error!(
                operation = "SendMessage",
                code = error.code().unwrap_or("no_answer"),
                "sqs.failed"
            );
            NotSent
        })
    }
}
