//! Composition root of the gateway: configuration, clients, run.

use std::time::Duration;

use aws::{AuditSender, Came, Credentials, Dynamo, KmsWrapper};
use countersign_gateway::{Addresses, Config, Effects, Gateway, Places, Prices, Rules};
use envelope::Roots;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use policy::RoleTable;
use policy::gate_names::GateNames;
use redact::{Detectors, Policies};
use serde_json::value::RawValue;

/// For name resolution, TCP and TLS to a provider.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The largest answer of a provider, in bytes: a function URL returns at most 6 MB, and the answer travels as JSON
/// inside JSON, which can double it.
const MAX_ANSWER_BYTES: usize = 2 * 1024 * 1024;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    aws::init_tracing()?;
    #[expect(clippy::disallowed_methods, reason = "the composition root is where variables enter")]
    let config = Config::from_vars(&|name| std::env::var(name).ok())?;
    let sdk = aws::sdk_config(Credentials::Function).await;
    let upstream = egress::Client::new(&egress::Config {
        reach: config.reach,
        roots: egress::Roots::System,
        connect_timeout: CONNECT_TIMEOUT,
        max_response_bytes: MAX_ANSWER_BYTES,
    })?;
    // Broken detectors or prices must not begin to serve.
    Detectors::builtin().map_err(|error| error.to_string())?;
    Prices::builtin()?;
    let rules = Rules {
        region: config.region,
        reach: config.reach,
        roles: RoleTable::builtin()?,
        policies: Policies::default(),
        gates: GateNames::default(),
        provider_timeout: config.provider_timeout,
    };
    let effects = Effects {
        dynamo: Dynamo::new(&sdk, config.tables),
        audit: AuditSender::new(&sdk, config.audit),
        roots: Roots::new(KmsWrapper::new(&sdk, config.kms_key_arn), config.region),
        upstream,
        addresses: Addresses::reading(u8::from_be_bytes(aws::random()?)),
        breakers: Places::default(),
    };
    let gateway = &Gateway::new(rules, effects);
    lambda_runtime::run(service_fn(|event: LambdaEvent<Box<RawValue>>| {
        aws::told(event, Came::of_stream, async |event| {
            let now = aws::now();
            let left = aws::time_left(&event.context, now);
            gateway.handle(event.payload.get(), now, left).await.into_stream()
        })
    }))
    .await
}
