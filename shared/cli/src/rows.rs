//! What a seed writes: pure, from ids and chosen values.

use domain::{
    Agent, AgentId, DlpPolicyRow, GatewayKey, KeyRow, KillRow, Lifecycle, LimitsRow, Org, OrgId, Owner,
    OwnersRow, Person, PolicyRow, Provider, ProviderId, ProviderModel, Providers, Region, Role, RootRow,
    Scopes, SealedBytes, Tenant, TenantId, Timestamp, UserId, WrappedRoot,
};
use envelope::Purpose;
use std::collections::BTreeSet;
use tables::codec::Row as _;
use tables::{Item, Key, Marker, Switch};

use crate::args::Seed;

/// The ids of a new tenant and of all that belongs to it.
#[derive(Debug, Clone)]
pub struct Ids {
    pub org: OrgId,
    pub tenant: TenantId,
    pub user: UserId,
    pub agent: AgentId,
    pub provider: ProviderId,
}

/// What was made for a new tenant before its rows are written.
pub struct Made<'a> {
    pub ids: &'a Ids,
    pub region: Region,
    pub key: &'a GatewayKey,
    pub roots: Vec<(Purpose, WrappedRoot)>,
    /// The provider's checked URL, and its credential sealed for that host.
    pub base_url: &'a str,
    pub credential: SealedBytes,
    pub now: Timestamp,
    /// The tenant's DLP policy, if it has one from the beginning.
    pub dlp: Option<String>,
}

/// The DLP policy of a tenant in these countries; none without any.
///
/// # Errors
/// One of them is no country.
pub fn dlp(countries: &[String]) -> Result<Option<String>, redact::PolicyError> {
    if countries.is_empty() {
        return Ok(None);
    }
    let document = serde_json::json!({ "v": 1, "countries": countries }).to_string();
    redact::Document::parse(&document).map(|_| Some(document))
}

/// All rows of a seed, for one transaction.
pub fn all(made: Made<'_>, wanted: &Seed) -> Vec<(Key, Item)> {
    let Made { ids, region, key, roots, base_url, credential, now, dlp } = made;
    let tenant = &ids.tenant;
    let status = Lifecycle::Active;
    let mut owner = Person::new(ids.user.clone());
    owner.owns.insert(tenant.clone());
    let mut rows = vec![
        (Key::org(&ids.org), Org { id: ids.org.clone(), status, networks: None }.to_item()),
        (
            Key::tenant(tenant),
            Tenant { id: tenant.clone(), org: ids.org.clone(), region, status, networks: None }.to_item(),
        ),
        (Key::user(&ids.org, &ids.user), owner.to_item()),
        (Key::binding(tenant, &ids.user), Role::Owner.to_item()),
        (
            Key::agent(tenant, &ids.agent),
            Agent { id: ids.agent.clone(), status, team: None, owner: None, deputy: None }.to_item(),
        ),
        (Key::policy(tenant), policy(wanted).to_item()),
        (Key::providers(tenant), Providers(vec![provider(ids, wanted, base_url, credential)]).to_item()),
        (Key::gateway_key(key.id()), gateway_key(ids, key, wanted, now).to_item()),
        // What lists of the management API go by.
        (Key::org_of_platform(&ids.org), Marker::item()),
        (Key::tenant_of(&ids.org, tenant), Marker::item()),
        (Key::gateway_key_of(tenant, key.id()), Marker::item()),
        (Key::owners(tenant), OwnersRow([ids.user.clone()].into()).to_item()),
        (Key::limits(tenant), LimitsRow::of_tokens(wanted.budget_tokens).to_item()),
        (Key::budget(tenant, 0), tables::gates::fresh(1)),
    ];
    // Absent switches refuse: whatever can be stopped has one from the beginning.
    let agent = Switch::Agent(tenant.clone(), ids.agent.clone());
    for switch in [Switch::Org(ids.org.clone()), Switch::Tenant(tenant.clone()), agent] {
        rows.extend(switch.keys().into_iter().map(|key| (key, KillRow::new().to_item())));
    }
    if let Some(document) = dlp {
        rows.push((Key::dlp_policy(tenant, None), DlpPolicyRow { version: 1, document }.to_item()));
    }
    rows.extend(
        roots
            .into_iter()
            .map(|(purpose, root)| (Key::root(tenant, purpose.as_str()), RootRow::first(root).to_item())),
    );
    rows
}

fn policy(wanted: &Seed) -> PolicyRow {
    let restore = if wanted.no_restore { BTreeSet::new() } else { wanted.restore.iter().copied().collect() };
    PolicyRow {
        version: 1,
        restore,
        redact_answers: wanted.redact_answers,
        permits: wanted.permit.iter().copied().collect(),
        forbidden_tools: wanted.forbid_tools.iter().cloned().collect(),
        max_output_tokens: wanted.max_output_tokens,
    }
}

fn provider(ids: &Ids, wanted: &Seed, base_url: &str, credential: SealedBytes) -> Provider {
    let model = |name: &domain::Name| ProviderModel {
        name: name.clone(),
        upstream: name.clone(),
        max_output_tokens: wanted.max_output_tokens,
    };
    Provider {
        id: ids.provider.clone(),
        name: wanted.provider_name.clone(),
        kind: wanted.provider_kind,
        base_url: base_url.to_owned(),
        api_version: wanted.provider_api_version.clone(),
        region: wanted.provider_region,
        region_source: wanted.provider_region_source.clone(),
        models: wanted.models.iter().map(model).collect(),
        credential,
    }
}

const DAY_MS: u64 = 86_400_000;

/// So many days from now.
pub fn in_days(now: Timestamp, days: u16) -> Timestamp {
    now.plus_millis(u64::from(days) * DAY_MS)
}

fn gateway_key(ids: &Ids, key: &GatewayKey, wanted: &Seed, now: Timestamp) -> KeyRow {
    let actions: BTreeSet<_> =
        policy::Action::ALL.map(|action| domain::Code::literal(action.as_str())).into();
    KeyRow {
        id: key.id().clone(),
        kind: key.kind(),
        region: key.region(),
        org: ids.org.clone(),
        tenant: ids.tenant.clone(),
        agent: ids.agent.clone(),
        owner: Owner::User { id: ids.user.clone(), epoch: 1 },
        secret: key.secret_hash(),
        seen: None,
        previous: None,
        scopes: Scopes { models: wanted.key_models.clone().map(BTreeSet::from_iter), ..Scopes::of(actions) },
        networks: None,
        requests_per_minute: wanted.requests_per_minute,
        active_from: None,
        expires_at: wanted.key_days.map(|days| in_days(now, days)),
        rotate_by: None,
        revoked_at: None,
    }
}
