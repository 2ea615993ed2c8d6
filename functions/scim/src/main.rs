//! Composition root of SCIM: configuration, clients, run.

use aws::{AuditSender, Credentials, Dynamo, KmsWrapper, LifecycleSender};
use countersign_scim::{Config, Effects, Live, Scim, Sealer};
use envelope::Roots;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::value::RawValue;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    aws::init_tracing()?;
    #[expect(clippy::disallowed_methods, reason = "the composition root is where variables enter")]
    let config = Config::from_vars(&|name| std::env::var(name).ok())?;
    let sdk = aws::sdk_config(Credentials::Function).await;
    let (kms, region) = (KmsWrapper::new(&sdk, config.kms_key_arn), config.region);
    let sealer = Sealer { roots: Roots::new(kms.clone(), region), kms, region };
    let desk = Live {
        dynamo: Dynamo::new(&sdk, config.tables),
        audit: AuditSender::new(&sdk, config.audit),
        lifecycle: LifecycleSender::new(&sdk, config.lifecycle_queue),
    };
    let effects = Effects { desk, sealer, region };
    let scim = &Scim::new(effects);
    lambda_runtime::run(service_fn(|event: LambdaEvent<Box<RawValue>>| async move {
        scim.handle(event.payload.get(), aws::now()).await.into_stream()
    }))
    .await
}
