//! Composition root of SCIM: configuration, clients, run.

use std::time::Duration;

use aws::{AuditSender, Came, Credentials, Dynamo, KmsWrapper, LifecycleSender};
use countersign_scim::{Clock, Config, Effects, Google, Live, Places, Scim, Sealer};
use egress::Client;
use envelope::Roots;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::value::RawValue;

/// For name resolution, TCP and TLS to a directory.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The largest page of a directory, in bytes: one of 500 people has 80,000.
const MAX_PAGE_BYTES: usize = 1024 * 1024;

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
        max_response_bytes: MAX_PAGE_BYTES,
    })?;
    let places = Places::new(config.reach, config.directory.as_deref())?;
    let google = &Google { client: upstream, places };
    let (kms, region) = (KmsWrapper::new(&sdk, config.kms_key_arn), config.region);
    let sealer = Sealer { roots: Roots::new(kms.clone(), region), kms, region };
    let desk = Live {
        dynamo: Dynamo::new(&sdk, config.tables),
        audit: AuditSender::new(&sdk, config.audit),
        lifecycle: LifecycleSender::new(&sdk, config.lifecycle_queue),
    };
    let effects = Effects { desk, sealer, region };
    let scim = &Scim::new(effects);
    lambda_runtime::run(service_fn(|event: LambdaEvent<Box<RawValue>>| {
        aws::told(event, Came::of_stream, async |event| {
            let (event, deadline) = (event.payload, event.context.deadline);
            let answer = match Clock::parse(event.get()) {
                Some(Clock::PullDirectories {}) => scim.pull(google, deadline, aws::now()).await,
                None => scim.handle(event.get(), aws::now()).await,
            };
            answer.into_stream()
        })
    }))
    .await
}
