//! Composition root of approvals: configuration, clients, run.

use std::time::Duration;

use aws::{ApprovalsSender, AuditSender, Came, Credentials, Dynamo, KmsWrapper};
use caller::Pieces;
use countersign_approvals::{Approvals, Config, Effects, Live, Mail, Plain, World};
use egress::{Client, Target};
use envelope::Roots;
use lambda_runtime::{Error, FunctionResponse, LambdaEvent, service_fn};
use redact::{Detectors, Policies};
use serde_json::value::RawValue;

/// For name resolution, TCP and TLS to an address of a tenant's.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Nobody who is told anything has much to say.
const MAX_ANSWER_BYTES: usize = 256 * 1_024;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    aws::init_tracing()?;
    #[expect(clippy::disallowed_methods, reason = "the composition root is where variables enter")]
    let config = Config::from_vars(&|name| std::env::var(name).ok())?;
    let sdk = aws::sdk_config(Credentials::Function).await;
    // A broken set of detectors must not begin to serve.
    Detectors::builtin().map_err(|error| error.to_string())?;
    let client = Client::new(&egress::Config {
        reach: config.reach,
        roots: egress::Roots::System,
        connect_timeout: CONNECT_TIMEOUT,
        max_response_bytes: MAX_ANSWER_BYTES,
    })?;
    let dynamo = Dynamo::new(&sdk, config.tables);
    let sites = caller::sites(&dynamo).await?;
    let desk = Live {
        region: config.region,
        dynamo,
        audit: AuditSender::new(&sdk, config.audit),
        roots: Roots::new(KmsWrapper::new(&sdk, config.kms_key_arn), config.region),
    };
    let outside = World {
        client,
        reach: config.reach,
        admin: Target::parse(&sites.admin, config.reach)?,
        queue: ApprovalsSender::new(&sdk, config.queue),
        mail: config.mail_from.map(|from| Mail::new(&sdk, from)),
    };
    let policies = Policies::default();
    let effects = Effects { desk, outside, policies, own: sites.approvals, admin: sites.admin };
    let approvals = &Approvals::new(effects);
    lambda_runtime::run(service_fn(|event: LambdaEvent<Box<RawValue>>| {
        aws::told(event, came, async |event| {
            approvals.handle(event.payload.get(), event.context.deadline).await.into_platform()
        })
    }))
    .await
}

fn came(answer: &FunctionResponse<Plain, Pieces>) -> Came {
    match answer {
        FunctionResponse::StreamingResponse(answer) => Came::of_stream(answer),
        FunctionResponse::BufferedResponse(Plain::Batch(answer)) => Came::of_batch(answer),
        FunctionResponse::BufferedResponse(Plain::Sweep(_)) => Came::Done,
    }
}
