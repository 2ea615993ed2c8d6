//! Composition root of the lifecycle function: configuration, client, run.

use aws::{Came, Credentials};
use countersign_lifecycle::{Answer, Config, Effects, Event, handle};
use lambda_runtime::{Error, LambdaEvent, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    aws::init_tracing()?;
    #[expect(clippy::disallowed_methods, reason = "the composition root is where variables enter")]
    let config = Config::from_vars(&|name| std::env::var(name).ok())?;
    let effects = &Effects::new(&aws::sdk_config(Credentials::Function).await, config);
    lambda_runtime::run(service_fn(|event: LambdaEvent<Event>| {
        aws::told(event, came, async |event| {
            let deadline = event.context.deadline;
            Ok(handle(effects, event.payload, deadline, aws::now()).await?)
        })
    }))
    .await
}

fn came(answer: &Answer) -> Came {
    match answer {
        Answer::Messages(batch) => Came::of_batch(batch),
        Answer::Clock(_) => Came::Done,
    }
}
