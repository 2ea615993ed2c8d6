//! `countersign ops seed`: recorded before it happens, written in one transaction, recorded after.

use std::sync::Arc;

use aws::{AuditSender, Credentials, Dynamo, KmsWrapper, WriteError};
use domain::{
    ActionId, Actor, ActorType, AgentId, AuditRecord, CanaryRow, Code, Decided, Description, EventId,
    EventType, GatewayKey, KeyKind, Metadata, OrgId, Phase, ProviderId, RECORD_VERSION, RootRow, SealedBytes,
    TenantId, Timestamp, UserId, WrappedRoot,
};
use egress::Target;
use envelope::{Aad, Context, KeyWrapper as _, Purpose, RootKey, Roots};
use serde::Serialize;
use tables::Key;
use tables::codec::Row as _;
use zeroize::Zeroizing;

use crate::args::Seed;
use crate::config::Config;
use crate::keys::reseal::credential_aad;
use crate::print;
use crate::rows::{self, Ids, Made};

/// Why nothing was seeded. Nothing is half written: the rows are one transaction.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    #[error(
        "CS_PROVIDER_KEY is not set: put the provider's API key into it (any text does for the stand-in)"
    )]
    NoCredential,
    #[error("--provider-url: {0}")]
    Url(#[from] egress::TargetError),
    #[error("--country: {0}")]
    Country(#[from] redact::PolicyError),
    #[error("no random bytes from the operating system: nothing was written")]
    Entropy(#[from] aws::EntropyError),
    #[error(
        "the region's KMS key could not be used ({0}): check CS_KMS_KEY_ARN and that you act as the role operator; nothing was written"
    )]
    Kms(#[from] envelope::WrapError),
    #[error("the credential could not be sealed ({0}): nothing was written")]
    Seal(#[from] envelope::RootError),
    #[error(
        "the audit queue did not acknowledge the record, so nothing was written: check CS_QUEUE_AUDIT_URL and that you act as the role operator"
    )]
    NotRecorded(#[from] aws::NotRecorded),
    #[error("{0}; check the CS_TABLE_ variables and that you act as the role operator")]
    Write(#[from] WriteError),
}

/// What was made. The gateway key is shown this once.
#[derive(Debug, Serialize)]
pub struct Seeded {
    org_id: OrgId,
    tenant_id: TenantId,
    user_id: UserId,
    agent_id: AgentId,
    provider_id: ProviderId,
    key_id: domain::KeyId,
    gateway_key: String,
    models: Vec<domain::Name>,
    budget_tokens: u64,
}

/// # Errors
/// What could not be done, and that nothing was written.
pub async fn run(config: Config, wanted: Seed, credential: Zeroizing<String>) -> Result<Seeded, SeedError> {
    let target = Target::parse(&wanted.provider_url, config.reach)?;
    // Before anything is recorded.
    rows::dlp(&wanted.countries)?;
    let sdk = aws::sdk_config(Credentials::Person).await;
    let (kms, now) = (KmsWrapper::new(&sdk, config.kms_key_arn.clone()), aws::now());
    let audit = AuditSender::new(&sdk, config.audit.clone());
    let (ids, key) = (new_ids(wanted.canary)?, new_key(&config)?);

    let action_id = ActionId::new(now, aws::random()?);
    let record = |end, at, random| record(&config, &ids, &key, action_id, end, at, random);
    audit.attempt(action_id, &[record(End::Open, now, aws::random()?)]).await?;
    if let Err(error) = write(kms, &config, &ids, &key, &wanted, &target, &credential, now).await {
        // Best effort: the attempt is recorded and shows as unpaired if this is not.
        let _ = audit.record(&[record(End::Failed, aws::now(), aws::random()?)]).await;
        return Err(error);
    }
    // What was written is shown even if its outcome could not be recorded: the key is shown this once.
    if audit.record(&[record(End::Done, aws::now(), aws::random()?)]).await.is_err() {
        print::error(
            "warning: the tenant was made, but its outcome is not recorded; its attempt shows as unpaired",
        );
    }
    Ok(Seeded {
        org_id: ids.org,
        tenant_id: ids.tenant,
        user_id: ids.user,
        agent_id: ids.agent,
        provider_id: ids.provider,
        key_id: key.id().clone(),
        gateway_key: key.reveal(),
        models: wanted.models,
        budget_tokens: wanted.budget_tokens,
    })
}

/// How far a seed has come, for its record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Open,
    Done,
    Failed,
}

#[expect(clippy::too_many_arguments, reason = "one call, split off so that its failure has one place")]
async fn write(
    kms: KmsWrapper,
    config: &Config,
    ids: &Ids,
    key: &GatewayKey,
    wanted: &Seed,
    target: &Target,
    credential: &str,
    now: Timestamp,
) -> Result<(), SeedError> {
    let roots = new_roots(&kms, config, ids).await?;
    let root = credential_root(kms, config, ids, &roots, now).await?;
    // For its row and its host: in another row, or for another host, it does not open.
    let aad = credential_aad(&ids.tenant, ids.provider.as_str(), &target.host());
    let provided = sealed(&root, &aad, credential)?;
    let (region, base_url, dlp) = (config.region, target.as_str(), rows::dlp(&wanted.countries)?);
    let made = Made { ids, region, key, roots, base_url, credential: provided, now, dlp };
    let mut all = rows::all(made, wanted);
    if let Some(model) = wanted.models.first().filter(|_| wanted.canary) {
        let place = Key::canary();
        let aad = Aad::row(&ids.tenant, place.table.as_str(), &place.pk, &place.sk, "key");
        let own = sealed(&root, &aad, &Zeroizing::new(key.reveal()))?;
        let expires_at = wanted.key_days.map(|days| rows::in_days(now, days));
        all.push((place, CanaryRow { key: own, model: model.clone(), expires_at }.to_item()));
    }
    let sdk = aws::sdk_config(Credentials::Person).await;
    Ok(Dynamo::new(&sdk, config.tables.clone()).create_all(all).await?)
}

fn new_ids(canary: bool) -> Result<Ids, aws::EntropyError> {
    Ok(Ids {
        org: OrgId::from_random(aws::random()?),
        tenant: if canary { TenantId::canary() } else { TenantId::from_random(aws::random()?) },
        user: UserId::from_random(aws::random()?),
        agent: AgentId::from_random(aws::random()?),
        provider: ProviderId::from_random(aws::random()?),
    })
}

fn new_key(config: &Config) -> Result<GatewayKey, aws::EntropyError> {
    GatewayKey::mint(KeyKind::User, config.region, &aws::random()?).ok_or(aws::EntropyError)
}

async fn new_roots(
    kms: &KmsWrapper,
    config: &Config,
    ids: &Ids,
) -> Result<Vec<(Purpose, WrappedRoot)>, SeedError> {
    let mut roots = Vec::new();
    for purpose in Purpose::ALL {
        let context = Context { tenant: ids.tenant.clone(), region: config.region, purpose, version: 1 };
        roots.push((purpose, kms.generate(&context).await?));
    }
    Ok(roots)
}

/// The key that the tenant's credentials are sealed under.
async fn credential_root(
    kms: KmsWrapper,
    config: &Config,
    ids: &Ids,
    roots: &[(Purpose, WrappedRoot)],
    now: Timestamp,
) -> Result<Arc<RootKey>, SeedError> {
    let wrapped =
        roots.iter().find(|(purpose, _)| *purpose == Purpose::Credential).map(|(_, root)| root.clone());
    let row = RootRow::first(wrapped.ok_or(envelope::WrapError::Unavailable)?);
    Ok(Roots::new(kms, config.region).current(&ids.tenant, Purpose::Credential, &row, now).await?)
}

fn sealed(root: &RootKey, aad: &Aad, secret: &str) -> Result<SealedBytes, SeedError> {
    let sealed = root.seal(aad, secret.as_bytes(), &aws::random()?).map_err(envelope::RootError::from)?;
    Ok(sealed.into())
}

fn record(
    config: &Config,
    ids: &Ids,
    key: &GatewayKey,
    action_id: ActionId,
    end: End,
    at: Timestamp,
    random: [u8; 10],
) -> AuditRecord {
    let (phase, reason, description) = match end {
        End::Open => (Phase::Attempt, "allowed", "An operator makes a tenant."),
        End::Done => (
            Phase::Outcome,
            "completed",
            "A tenant was made, with an owner, an agent, a provider and a gateway key.",
        ),
        End::Failed => (Phase::Outcome, "failed", "A tenant could not be made."),
    };
    AuditRecord {
        action_id: Some(action_id),
        agent_id: Some(ids.agent.clone()),
        auth_method: Some(Code::literal("iam")),
        resource: format!("key:{}", key.id()).parse().ok(),
        ..AuditRecord::new(
            RECORD_VERSION,
            EventId::new(at, random),
            at,
            config.region,
            ids.org.clone(),
            ids.tenant.clone(),
            EventType::AdminSeed,
            phase,
            ActorType::Operator,
            Actor::operator(),
            Code::literal("ops.seed"),
            Decided::Allow,
            Code::literal(reason),
            Description::literal(description),
            Metadata::default(),
        )
    }
}
