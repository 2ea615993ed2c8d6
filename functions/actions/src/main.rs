//! Composition root of actions: configuration, clients, run.

use aws::{ApprovalsSender, AuditSender, Came, Credentials, Dynamo, KmsEcSigner, KmsWrapper};
use countersign_actions::{Actions, Addresses, Config, Effects, Rules};
use envelope::Roots;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use policy::RoleTable;
use policy::gate::Gates;
use serde_json::value::RawValue;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    aws::init_tracing()?;
    #[expect(clippy::disallowed_methods, reason = "the composition root is where variables enter")]
    let config = Config::from_vars(&|name| std::env::var(name).ok())?;
    let sdk = aws::sdk_config(Credentials::Function).await;
    let dynamo = Dynamo::new(&sdk, config.tables);
    let sites = caller::sites(&dynamo).await?;
    let rules = Rules {
        region: config.region,
        roles: RoleTable::builtin()?,
        gates: Gates::default(),
        issuer: sites.actions,
        approvals: sites.approvals,
    };
    let effects = Effects {
        dynamo,
        audit: AuditSender::new(&sdk, config.audit),
        roots: Roots::new(KmsWrapper::new(&sdk, config.kms_key_arn), config.region),
        addresses: Addresses::reading(u8::from_be_bytes(aws::random()?)),
        signer: KmsEcSigner::new(&sdk, config.permit_key_arn),
        queue: ApprovalsSender::new(&sdk, config.queue),
    };
    let actions = &Actions::new(rules, effects);
    lambda_runtime::run(service_fn(|event: LambdaEvent<Box<RawValue>>| {
        aws::told(event, Came::of_stream, async |event| {
            let now = aws::now();
            let left = aws::time_left(&event.context, now);
            actions.handle(event.payload.get(), now, left).await.into_stream()
        })
    }))
    .await
}
