//! Composition root of DLP over HTTP: configuration, clients, run.

use aws::{AuditSender, Came, Credentials, Dynamo, KmsWrapper};
use countersign_dlp::{Addresses, Config, Dlp, Effects, Rules};
use envelope::Roots;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use policy::RoleTable;
use redact::{Detectors, Policies};
use serde_json::value::RawValue;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    aws::init_tracing()?;
    #[expect(clippy::disallowed_methods, reason = "the composition root is where variables enter")]
    let config = Config::from_vars(&|name| std::env::var(name).ok())?;
    let sdk = aws::sdk_config(Credentials::Function).await;
    // A broken set of detectors must not begin to serve.
    Detectors::builtin().map_err(|error| error.to_string())?;
    let rules = Rules { region: config.region, roles: RoleTable::builtin()?, policies: Policies::default() };
    let effects = Effects {
        dynamo: Dynamo::new(&sdk, config.tables),
        audit: AuditSender::new(&sdk, config.audit),
        roots: Roots::new(KmsWrapper::new(&sdk, config.kms_key_arn), config.region),
        addresses: Addresses::reading(u8::from_be_bytes(aws::random()?)),
    };
    let dlp = &Dlp::new(rules, effects);
    lambda_runtime::run(service_fn(|event: LambdaEvent<Box<RawValue>>| {
        aws::told(event, Came::of_stream, async |event| {
            dlp.handle(event.payload.get(), aws::now()).await.into_stream()
        })
    }))
    .await
}
