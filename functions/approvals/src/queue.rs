//! The queue of what people and agents are told.
//!
//! ```text
//! {"v":1,"kind":"requested","tenant":"ten_…","approval":"apr_…"}
//! ```
//!
//! A message says that something happened, and nothing of it: whoever takes it reads the request's row.

use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::ProvideErrorMetadata as _;
use domain::{ApprovalId, TenantId};
use serde::{Deserialize, Serialize};

use crate::desk::Away;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Step {
    Requested,
    Reminded,
    Escalated,
    /// It ended, however.
    Decided,
}

impl Step {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Reminded => "reminded",
            Self::Escalated => "escalated",
            Self::Decided => "decided",
        }
    }
}

/// The version of the message that this code writes and reads.
const VERSION: u8 = 1;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    v: u8,
    pub kind: Step,
    pub tenant: TenantId,
    pub approval: ApprovalId,
}

impl Message {
    pub const fn new(kind: Step, tenant: TenantId, approval: ApprovalId) -> Self {
        Self { v: VERSION, kind, tenant, approval }
    }

    /// # Errors
    /// It is none, or of a version that is not known here.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let message: Self = serde_json::from_str(text).map_err(|_| "not_a_message")?;
        if message.v == VERSION { Ok(message) } else { Err("version_unknown") }
    }
}

/// The production side.
#[derive(Debug, Clone)]
pub struct Queue {
    client: Client,
    url: String,
}

impl Queue {
    pub fn new(sdk: &aws::SdkConfig, url: String) -> Self {
        Self { client: Client::new(sdk), url }
    }

    /// # Errors
    /// Not acknowledged.
    pub async fn send(&self, message: &Message) -> Result<(), Away> {
        let text = serde_json::to_string(message).map_err(|_| Away)?;
        let call = self.client.send_message().queue_url(&self.url).message_body(text);
        // Fair queues: a tenant with thousands of requests does not delay the others.
        let sent = Box::pin(call.message_group_id(message.tenant.as_str()).send()).await;
        sent.map(|_| ()).map_err(|error| {
            let code = error.code().unwrap_or("no_answer");
            tracing::error!(operation = "SendMessage", code, "sqs.failed");
            Away
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_pinned_and_nothing_else_is_one() {
        let message =
            Message::new(Step::Requested, TenantId::from_random([2; 10]), ApprovalId::from_bytes([7; 16]));
        let text = r#"{"v":1,"kind":"requested","tenant":"ten_081040g2081040g2","approval":"apr_07070707070707070707070707070707"}"#;
        assert_eq!(serde_json::to_string(&message).unwrap(), text);
        assert_eq!(Message::parse(text), Ok(message));
        assert_eq!(Message::parse(&text.replace(":1,", ":2,")), Err("version_unknown"));
        for bad in ["", "{}", &text.replace("requested", "asked"), &text.replace("}", ",\"x\":1}")] {
            assert_eq!(Message::parse(bad), Err("not_a_message"), "{bad}");
        }
    }
}
