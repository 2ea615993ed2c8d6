//! Composition root of the health function: configuration, clients, run.

use std::time::Duration;

use aws::{Came, Credentials};
use countersign_health::{Config, Effects, handle};
use egress::{Certificates, Client};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::value::RawValue;

/// For name resolution, TCP and TLS.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// An answer of one token is far shorter.
const MAX_RESPONSE_BYTES: usize = 256 * 1024;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    aws::init_tracing()?;
    #[expect(clippy::disallowed_methods, reason = "the composition root is where variables enter")]
    let config = Config::from_vars(&|name| std::env::var(name).ok())?;
    let outbound = egress::Config {
        reach: config.reach,
        roots: egress::Roots::System,
        connect_timeout: CONNECT_TIMEOUT,
        max_response_bytes: MAX_RESPONSE_BYTES,
    };
    let clients = (Client::new(&outbound)?, Certificates::new(&outbound)?);
    let effects = &Effects::new(&aws::sdk_config(Credentials::Function).await, clients, config);
    lambda_runtime::run(service_fn(|event: LambdaEvent<Box<RawValue>>| {
        aws::told(event, Came::of_stream, async |event| {
            handle(effects, event.payload.get(), aws::now()).await.into_stream()
        })
    }))
    .await
}
