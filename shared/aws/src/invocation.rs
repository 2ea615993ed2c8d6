//! One line of the log for each invocation: figures that CloudWatch reads as metrics, and the thread from the platform's request to
//! the ledger's action. The platform's own lines and everything that is logged meanwhile carry the same `requestId`; the caller has
//! the action as `x-cs-action-id`, and so has its every record.

use std::time::{Duration, Instant};

use domain::Timestamp;
use lambda_runtime::{Context, Error, LambdaEvent, MetadataPrelude, StreamResponse};
use serde_json::{Value, json};

use crate::batch::BatchResponse;
use crate::metrics::{Figure, embedded, write};
use crate::now;

/// The header in which an answer names its action.
const ACTION: &str = "x-cs-action-id";

/// How long the invocation still has, before the platform ends it.
pub fn time_left(context: &Context, now: Timestamp) -> Duration {
    let deadline = i64::try_from(context.deadline).ok().and_then(|at| Timestamp::from_unix_millis(at).ok());
    deadline.map_or(Duration::ZERO, |deadline| Duration::from_millis(deadline.millis_since(now)))
}

/// What an invocation came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Came {
    /// Somebody was answered; with the action in the ledger, if it is one.
    Answered { status: u16, action_id: Option<String> },
    /// Messages were taken: how many are to be delivered again.
    Taken { failed: usize },
    /// The clock's work is done.
    Done,
}

impl Came {
    fn of_prelude(prelude: &MetadataPrelude) -> Self {
        let action = prelude.headers.get(ACTION).and_then(|value| value.to_str().ok());
        Self::Answered { status: prelude.status_code.as_u16(), action_id: action.map(str::to_owned) }
    }

    pub fn of_stream<S>(answer: &StreamResponse<S>) -> Self {
        Self::of_prelude(&answer.metadata_prelude)
    }

    pub const fn of_batch(answer: &BatchResponse) -> Self {
        Self::Taken { failed: answer.batch_item_failures.len() }
    }

    /// Whether it was served, refused, or failed: exactly one of them.
    const fn figures(&self) -> (f64, f64, f64) {
        match self {
            Self::Answered { status: 500.., .. } | Self::Taken { failed: 1.. } => (0.0, 0.0, 1.0),
            Self::Answered { status: 400..=499, .. } => (0.0, 1.0, 0.0),
            Self::Answered { .. } | Self::Taken { .. } | Self::Done => (1.0, 0.0, 0.0),
        }
    }
}

/// Serves one invocation and tells what came of it, as `came` reads it. Of a stream, what is measured is the time to its head.
///
/// # Errors
/// Those of `serve`.
pub async fn told<A, R>(
    event: LambdaEvent<A>,
    came: impl FnOnce(&R) -> Came,
    serve: impl AsyncFnOnce(LambdaEvent<A>) -> Result<R, Error>,
) -> Result<R, Error> {
    let (context, began) = (event.context.clone(), Instant::now());
    // Boxed: futures of the functions are large.
    let answer = Box::pin(serve(event)).await;
    let came = answer.as_ref().ok().map(came);
    let millis = began.elapsed().as_secs_f64() * 1_000.0;
    write(&line(&context, came.as_ref(), millis, now().unix_millis()));
    answer
}

/// The line. `None`: the invocation failed as a whole, which the platform counts too.
fn line(context: &Context, came: Option<&Came>, millis: f64, at: u64) -> Value {
    let (served, refused, failed) = came.map_or((0.0, 0.0, 1.0), Came::figures);
    let figures = [
        Figure::count("Served", served),
        Figure::count("Refused", refused),
        Figure::count("Failed", failed),
        Figure::millis("AnswerMs", millis),
    ];
    let mut line = embedded(&[("Function", &context.env_config.function_name)], &figures, at);
    let mut say = |name: &str, value: Value| drop(line.insert(name.to_owned(), value));
    say("message", json!("invocation.told"));
    say("level", json!("INFO"));
    say("requestId", json!(context.request_id));
    say("version", json!(context.env_config.version));
    match came {
        Some(Came::Answered { status, action_id }) => {
            say("status", json!(status));
            say("action_id", json!(action_id));
        }
        Some(Came::Taken { failed }) => say("failed_messages", json!(failed)),
        Some(Came::Done) | None => {}
    }
    Value::Object(line)
}

#[cfg(test)]
mod tests;
