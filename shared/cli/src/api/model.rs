//! What there is, as far as a file can speak of it: pure values, by the names that people gave.

use std::collections::{BTreeMap, BTreeSet};

use domain::{Code, Lifecycle, Limit, LimitsRow, Name, Network, Place, ProviderKind, Region, Zone};
use serde_json::{Value, json};

pub type Named<T> = BTreeMap<Name, T>;
/// An allowlist; `None`: from anywhere.
pub type Allowed = Option<BTreeSet<Network>>;

/// The tenants that a file names, and what else there is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Model {
    pub tenants: Named<Tenant>,
    /// Tenants that the file does not name: a name, or an id where there is none.
    pub others: Vec<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Tenant {
    pub region: Region,
    pub status: Lifecycle,
    pub networks: Allowed,
    /// As the file names them: by their ids.
    pub teams: BTreeSet<Code>,
    pub agents: Named<Agent>,
    pub providers: Named<Provider>,
    pub dlp: Option<Value>,
    pub limits: Limits,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    pub status: Lifecycle,
    pub team: Option<Code>,
}

/// A provider without its credential, which nobody is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    pub kind: ProviderKind,
    pub base_url: String,
    pub api_version: Option<Code>,
    pub region: Region,
    pub region_source: String,
    pub models: Vec<Offer>,
}

/// One model of a provider: as agents call it, as the provider does, and its longest answer in tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    pub name: Name,
    pub upstream: Name,
    pub max_output_tokens: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    pub zone: Zone,
    pub shards: u8,
    pub most: BTreeMap<Place, u64>,
}

impl Limits {
    pub fn of(zone: Zone, shards: u8, limits: &[Limit]) -> Self {
        Self { zone, shards, most: limits.iter().map(|limit| (limit.place.clone(), limit.most)).collect() }
    }

    /// What a tenant begins with: so many tokens in all.
    pub fn of_tokens(most: u64) -> Self {
        let row = LimitsRow::of_tokens(most);
        Self::of(row.zone().clone(), row.shards(), row.limits())
    }

    pub fn body(&self) -> Value {
        let limit = |(place, most): (&Place, &u64)| Limit { place: place.clone(), most: *most };
        let limits: Vec<_> = self.most.iter().map(limit).collect();
        super::budgets::wanted(&json!(self.zone), &json!(self.shards), &limits)
    }
}

impl Tenant {
    /// As the API makes it.
    pub fn new(region: Region, budget_tokens: u64) -> Self {
        Self {
            region,
            status: Lifecycle::Active,
            networks: None,
            teams: BTreeSet::new(),
            agents: Named::new(),
            providers: Named::new(),
            dlp: None,
            limits: Limits::of_tokens(budget_tokens),
        }
    }
}

impl Provider {
    /// The body that adds or changes it.
    pub fn body(&self, name: &Name) -> Value {
        let model = |one: &Offer| json!({"name": one.name, "upstream": one.upstream, "max_output_tokens": one.max_output_tokens});
        json!({
            "name": name, "kind": self.kind, "base_url": self.base_url, "api_version": self.api_version,
            "region": self.region, "region_source": self.region_source,
            "models": self.models.iter().map(model).collect::<Vec<_>>(),
        })
    }
}

/// One write, in the tenant of that name.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    pub tenant: Name,
    pub write: Write,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Write {
    Create {
        region: Region,
        budget_tokens: u64,
    },
    Status(Lifecycle),
    Dlp(Value),
    Limits(Limits),
    Networks(Allowed),
    CreateTeam(Code),
    CreateAgent {
        agent: Name,
        team: Option<Code>,
    },
    AgentTeam {
        agent: Name,
        team: Option<Code>,
    },
    AgentStatus {
        agent: Name,
        status: Lifecycle,
    },
    /// With the variable that holds its credential.
    AddProvider {
        provider: Name,
        form: Provider,
        credential_env: String,
    },
    /// The same, where another address voids the old credential.
    SetProvider {
        provider: Name,
        form: Provider,
        credential_env: Option<String>,
    },
}

impl Step {
    /// What there is when it is done.
    pub fn apply(&self, model: &mut Model) {
        if let Write::Create { region, budget_tokens } = self.write {
            model.tenants.insert(self.tenant.clone(), Tenant::new(region, budget_tokens));
        }
        let Some(tenant) = model.tenants.get_mut(&self.tenant) else { return };
        match self.write.clone() {
            Write::Create { .. } => {}
            Write::Status(status) => tenant.status = status,
            Write::Dlp(document) => tenant.dlp = Some(document),
            Write::Limits(limits) => tenant.limits = limits,
            Write::Networks(networks) => tenant.networks = networks,
            Write::CreateTeam(team) => {
                tenant.teams.insert(team);
            }
            Write::CreateAgent { agent, team } => {
                tenant.agents.insert(agent, Agent { status: Lifecycle::Active, team });
            }
            Write::AgentTeam { agent, team } => {
                tenant.agents.entry(agent).and_modify(|one| one.team = team);
            }
            Write::AgentStatus { agent, status } => {
                tenant.agents.entry(agent).and_modify(|one| one.status = status);
            }
            Write::AddProvider { provider, form, .. } | Write::SetProvider { provider, form, .. } => {
                tenant.providers.insert(provider, form);
            }
        }
    }
}
