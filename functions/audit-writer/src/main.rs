//! Composition root of the audit writer: configuration, clients, run.

use aws::{BatchResponse, Came, Credentials, Dynamo, KmsSigner};
use countersign_audit_writer::{Config, Event, RegionLog, S3Store, write};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use tokio::sync::OnceCell;

/// A bundle is not begun with less than this left: all its writes must fit.
const LEAST_MS: u64 = 5_000;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    aws::init_tracing()?;
    #[expect(clippy::disallowed_methods, reason = "the composition root is where variables enter")]
    let config = Config::from_vars(&|name| std::env::var(name).ok())?;
    let sdk = aws::sdk_config(Credentials::Function).await;
    let objects = &S3Store::new(&sdk, &config);
    let heads = &Dynamo::new(&sdk, config.tables.clone());
    let signer = &KmsSigner::new(&sdk, config.checkpoint_key_arn.clone());
    let log: &OnceCell<RegionLog> = &OnceCell::new();
    let config = &config;
    lambda_runtime::run(service_fn(|event: LambdaEvent<Event>| {
        aws::told(event, Came::of_batch, async |event| {
            let deadline = event.context.deadline;
            let in_time = || aws::now().unix_millis() + LEAST_MS < deadline;
            match event.payload {
                Event::Batch(batch) => Ok(write((objects, heads), batch, aws::now, in_time).await),
                Event::Checkpoint => {
                    let open = || async {
                        let public = signer.public_key().await?;
                        Ok::<_, Error>(RegionLog::new(config.region, config.origin.clone(), &public)?)
                    };
                    let sign = |text: String| async move { signer.sign(text.as_bytes()).await.ok() };
                    let log = log.get_or_try_init(open).await?;
                    log.checkpoint((objects, heads), sign, aws::now()).await?;
                    Ok(BatchResponse { batch_item_failures: Vec::new() })
                }
            }
        })
    }))
    .await
}
