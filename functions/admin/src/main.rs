//! Composition root of the management API: configuration, clients, run.

use std::time::Duration;

use aws::{AuditSender, Came, Credentials, Dynamo, KmsSigner, KmsWrapper, LifecycleSender};
use countersign_admin::{Admin, Athena, Config, Door, Effects, Providers, Rules, Secrets, SessionTokens};
use egress::Client;
use envelope::Roots;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use policy::admin::Policies;
use serde_json::value::RawValue;

/// For name resolution, TCP and TLS to an identity provider.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The largest document of an identity provider, in bytes: sets of keys are the largest, and stay far below.
const MAX_DOCUMENT_BYTES: usize = 256 * 1024;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    aws::init_tracing()?;
    #[expect(clippy::disallowed_methods, reason = "the composition root is where variables enter")]
    let config = Config::from_vars(&|name| std::env::var(name).ok())?;
    let sdk = aws::sdk_config(Credentials::Function).await;
    let upstream = Client::new(&egress::Config {
        reach: config.reach,
        roots: egress::Roots::System,
        connect_timeout: CONNECT_TIMEOUT,
        max_response_bytes: MAX_DOCUMENT_BYTES,
    })?;
    // Policies that do not read must not begin to serve.
    let rules = Rules {
        region: config.region,
        policies: Policies::builtin()?,
        origin: config.origin,
        handoff_to: config.handoff_to,
        reach: config.reach,
        bootstrap: config.bootstrap,
    };
    let (kms, dynamo) = (KmsWrapper::new(&sdk, config.kms_key_arn), Dynamo::new(&sdk, config.tables));
    let secrets = Secrets {
        dynamo: dynamo.clone(),
        roots: Roots::new(kms.clone(), config.region),
        kms,
        region: config.region,
    };
    let providers = Providers::new(upstream, config.reach)?;
    let (audit, athena) = (AuditSender::new(&sdk, config.audit), Athena::new(&sdk, config.athena));
    let signer = KmsSigner::new(&sdk, config.session_key_arn.clone());
    let tokens = SessionTokens::new(signer, &config.session_key_arn, config.region);
    let lifecycle = LifecycleSender::new(&sdk, config.lifecycle_queue_url);
    let effects = Effects { dynamo, audit, secrets, providers, athena, tokens, lifecycle };
    let admin = &Admin::new(rules, effects);
    lambda_runtime::run(service_fn(|event: LambdaEvent<Box<RawValue>>| {
        aws::told(event, Came::of_stream, async |event| {
            let door = Door::of(&event.context.invoked_function_arn);
            admin.handle(event.payload.get(), door, aws::now()).await.into_stream()
        })
    }))
    .await
}
