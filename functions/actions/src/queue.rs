//! The queue of what people are told, as `approvals` reads it: that something waits, and nothing of it.

use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::ProvideErrorMetadata as _;
use domain::{ApprovalId, TenantId};
use serde_json::json;

/// Where messages go.
#[derive(Debug, Clone)]
pub struct Queue {
    client: Client,
    url: String,
}

impl Queue {
    pub fn new(sdk: &aws::SdkConfig, url: String) -> Self {
        Self { client: Client::new(sdk), url }
    }

    /// Tells that a request waits. A message that is lost costs a reminder: the request is found by the clock too.
    pub async fn requested(&self, tenant: &TenantId, approval: &ApprovalId) {
        let message = json!({"v": 1, "kind": "requested", "tenant": tenant, "approval": approval});
        let call = self.client.send_message().queue_url(&self.url).message_body(message.to_string());
        if let Err(error) = Box::pin(call.message_group_id(tenant.as_str()).send()).await {
            let code = error.code().unwrap_or("no_answer");
            tracing::error!(operation = "SendMessage", code, %approval, "sqs.failed");
        }
    }
}
