//! The SQS partial-batch driver: each message stands alone. A poisoned one fails alone, and is dead-lettered alone.

use std::future::Future;
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;
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

/// How one message ended. `Err` carries a code for the log.
pub type Handled = Result<(), &'static str>;

/// Handles every message by itself, several at a time, catching panics. `in_time` says whether there is time for one more;
/// messages that are not begun are reported as failed and come again.
pub async fn drive<F, Fut>(event: BatchEvent, in_time: impl Fn() -> bool, handle: F) -> BatchResponse
where
    F: Fn(String) -> Fut,
    Fut: Future<Output = Handled>,
{
    use futures_util::StreamExt as _;
    let one = |message: Message| {
        let Message { message_id, body } = message;
        let begun = in_time().then(|| AssertUnwindSafe(async { handle(body).await }).catch_unwind());
        async move {
            let handled = match begun {
                None => Err("out_of_time"),
                Some(work) => work.await.unwrap_or(Err("panicked")),
            };
            handled.err().map(|code| {
                tracing::error!(message_id, code, "message.failed");
                Failure { item_identifier: message_id }
            })
        }
    };
    let messages = event.records.into_iter().filter(|message| !message.message_id.is_empty());
    let failures = futures_util::stream::iter(messages.map(one)).buffered(CONCURRENT);
    BatchResponse { batch_item_failures: failures.filter_map(std::future::ready).collect().await }
}

/// Messages in work at once.
const CONCURRENT: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    fn event(bodies: &[&str]) -> BatchEvent {
        let message =
            |(n, body): (usize, &&str)| Message { message_id: format!("m{n}"), body: (*body).to_owned() };
        BatchEvent { records: bodies.iter().enumerate().map(message).collect() }
    }

    fn failed(response: &BatchResponse) -> Vec<&str> {
        response.batch_item_failures.iter().map(|failure| failure.item_identifier.as_str()).collect()
    }

    async fn handle(body: String) -> Handled {
        match body.as_str() {
            "poison" => panic!("planted"),
            "bad" => Err("bad"),
            _ => Ok(()),
        }
    }

    #[tokio::test]
    async fn a_poisoned_message_fails_alone() {
        let response = drive(event(&["a", "poison", "b", "bad", "c"]), || true, handle).await;
        assert_eq!(failed(&response), ["m1", "m3"]);
        let json = serde_json::to_string(&response).unwrap();
        assert_eq!(json, r#"{"batchItemFailures":[{"itemIdentifier":"m1"},{"itemIdentifier":"m3"}]}"#);
    }

    #[tokio::test]
    async fn what_there_is_no_time_for_comes_again() {
        let left = Cell::new(2_u8);
        let in_time = || left.replace(left.get().saturating_sub(1)) > 0;
        let response = drive(event(&["a", "b", "c"]), in_time, handle).await;
        assert_eq!(failed(&response), ["m2"]);
    }
}
