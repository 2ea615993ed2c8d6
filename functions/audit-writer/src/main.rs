//! Composition root of the audit writer: configuration, client, run.

use aws::{BatchEvent, BatchResponse, Credentials};
use countersign_audit_writer::{Config, S3Store, handle};
use lambda_runtime::{Error, LambdaEvent, service_fn};

/// A message is not begun with less than this left: its two writes must fit.
const LEAST_MS: u64 = 3_000;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    aws::init_tracing()?;
    #[expect(clippy::disallowed_methods, reason = "the composition root is where variables enter")]
    let config = Config::from_vars(&|name| std::env::var(name).ok())?;
    let store = &S3Store::new(&aws::sdk_config(Credentials::Function).await, config);
    lambda_runtime::run(service_fn(|event: LambdaEvent<BatchEvent>| async move {
        let deadline = event.context.deadline;
        let in_time = || aws::now().unix_millis() + LEAST_MS < deadline;
        Ok::<BatchResponse, Error>(handle(store, event.payload, in_time).await)
    }))
    .await
}
