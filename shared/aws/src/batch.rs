//! A batch from SQS and the answer to it: each message stands alone, and fails alone.

use serde::{Deserialize, Serialize};

/// An SQS event as Lambda delivers it. The body stays text: one that is no JSON must not fail its batch.
#[derive(Debug, Deserialize)]
pub struct BatchEvent {
    #[serde(rename = "Records")]
    pub records: Vec<Message>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    pub message_id: String,
    pub body: String,
}

/// `ReportBatchItemFailures`: what is named here is delivered again, all else is deleted.
/// An empty identifier would make Lambda fail the whole batch, so none is ever written.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchResponse {
    pub batch_item_failures: Vec<Failure>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    pub item_identifier: String,
}

/// Takes a batch, message by message: what fails is delivered again, and left to the dead-letter queue in the end. `handle` gives
/// the code of what went wrong.
pub async fn deliver<F>(batch: BatchEvent, handle: impl Fn(String) -> F) -> BatchResponse
where
    F: Future<Output = Result<(), &'static str>>,
{
    let mut batch_item_failures = Vec::new();
    // A message without an id could not be reported: an empty one would fail the whole batch.
    for message in batch.records.into_iter().filter(|message| !message.message_id.is_empty()) {
        if let Err(code) = handle(message.body).await {
            tracing::error!(message_id = message.message_id, code, "message.failed");
            batch_item_failures.push(Failure { item_identifier: message.message_id });
        }
    }
    BatchResponse { batch_item_failures }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_have_the_form_that_lambda_reads() {
        let failure = |id: &str| Failure { item_identifier: id.to_owned() };
        let response = BatchResponse { batch_item_failures: vec![failure("m1"), failure("m3")] };
        let json = serde_json::to_string(&response).unwrap();
        assert_eq!(json, r#"{"batchItemFailures":[{"itemIdentifier":"m1"},{"itemIdentifier":"m3"}]}"#);
    }
}
