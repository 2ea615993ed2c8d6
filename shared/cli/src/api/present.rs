//! What there is, read through the API: only what the file speaks of, so that whoever may not see the rest can still apply it.

use std::collections::BTreeMap;

use domain::{AgentId, Code, Lifecycle, Name, OrgId, ProviderId, TenantId};
use serde::Deserialize;
use serde_json::Value;

use super::client::{Api, Call};
use super::fault::Fault;
use super::manifest::{self, Manifest};
use super::model::{Agent, Allowed, Limits, Model, Named, Offer, Provider, Tenant};

/// Under which ids the things of a model are known.
#[derive(Debug, Default)]
pub struct Ids {
    pub tenants: Named<TenantId>,
    pub agents: BTreeMap<(Name, Name), AgentId>,
    pub providers: BTreeMap<(Name, Name), ProviderId>,
}

impl Ids {
    /// # Errors
    /// The tenant is not there: it was to be made, and was not.
    pub fn tenant(&self, name: &Name) -> Result<&TenantId, Fault> {
        self.tenants.get(name).ok_or_else(|| Fault::failed(format!("the tenant {name} is not there")))
    }
}

/// An answer that does not read as this version knows it.
fn strange<E>(_: E) -> Fault {
    Fault::failed("the answer does not read: compare the versions of command and API")
}

#[derive(Deserialize)]
struct Listed {
    id: TenantId,
    name: Option<Name>,
    region: domain::Region,
    status: Lifecycle,
}

/// What the file speaks of, as it is now.
///
/// # Errors
/// It cannot be read, or a name stands for two things.
pub async fn read(api: &mut Api, org: &OrgId, wanted: &Manifest) -> Result<(Model, Ids), Fault> {
    let (mut model, mut ids) = (Model::default(), Ids::default());
    for item in tenants(api, org, wanted).await? {
        let listed = Listed::deserialize(&item).map_err(strange)?;
        let Some(named) = wanted.tenants.iter().find(|one| is(one, &listed)) else {
            model.others.push(listed.name.map_or_else(|| listed.id.to_string(), |name| name.to_string()));
            continue;
        };
        if listed.name.as_ref() != Some(&named.name) {
            return Err(Fault::failed(format!("the tenant {} is not called {}", listed.id, named.name)));
        }
        if ids.tenants.contains_key(&named.name) {
            return Err(twice("tenants of this organization", &named.name));
        }
        ids.tenants.insert(named.name.clone(), listed.id.clone());
        let mut tenant = Tenant::new(listed.region, 0);
        tenant.status = listed.status;
        fill(api, &listed.id, named, &mut tenant, &mut ids).await?;
        model.tenants.insert(named.name.clone(), tenant);
    }
    Ok((model, ids))
}

/// Those that the file names by id, one by one; the organization's list only if it names one without, or one's own of it for
/// whoever may not see all.
async fn tenants(api: &mut Api, org: &OrgId, wanted: &Manifest) -> Result<Vec<Value>, Fault> {
    if wanted.tenants.iter().any(|one| one.id.is_none()) {
        return match api.items(&format!("v1/orgs/{org}/tenants")).await {
            Err(Fault::Refused(problem)) if matches!(problem.status, 403 | 404) => own(api, org).await,
            listed => listed,
        };
    }
    let mut all = Vec::new();
    for id in wanted.tenants.iter().filter_map(|one| one.id.as_ref()) {
        all.push(api.send(Call::get(format!("v1/tenants/{id}"))).await?.body);
    }
    Ok(all)
}

/// Tenants of the organization in which whoever asks has a part: a program or a tenant's own people list no others.
async fn own(api: &mut Api, org: &OrgId) -> Result<Vec<Value>, Fault> {
    let mut mine = api.items("v1/session/tenants").await?;
    mine.retain(|one| one.get("org").and_then(Value::as_str) == Some(org.as_str()));
    Ok(mine)
}

fn is(wanted: &manifest::Tenant, listed: &Listed) -> bool {
    match &wanted.id {
        Some(id) => *id == listed.id,
        None => listed.name.as_ref() == Some(&wanted.name),
    }
}

fn twice(whose: &str, name: &Name) -> Fault {
    Fault::failed(format!("two {whose} are called {name}: a file cannot say which is meant"))
}

async fn fill(
    api: &mut Api,
    id: &TenantId,
    wanted: &manifest::Tenant,
    tenant: &mut Tenant,
    ids: &mut Ids,
) -> Result<(), Fault> {
    let at = format!("v1/tenants/{id}");
    if wanted.networks.is_some() {
        tenant.networks = networks(&api.send(Call::get(format!("{at}/networks"))).await?.body)?;
    }
    if wanted.dlp.is_some() {
        tenant.dlp = dlp(api, &at).await?.map(|(document, _)| document);
    }
    if wanted.limits.is_some() {
        tenant.limits = limits(&api.send(Call::get(format!("{at}/limits"))).await?.body)?;
    }
    if wanted.agents.is_some() {
        for item in api.items(&format!("{at}/teams")).await? {
            tenant.teams.insert(team(&item)?);
        }
        for item in api.items(&format!("{at}/agents")).await? {
            let Some((id, name, agent)) = agent(&item)? else { continue };
            if tenant.agents.insert(name.clone(), agent).is_some() {
                return Err(twice(&format!("agents of {}", wanted.name), &name));
            }
            ids.agents.insert((wanted.name.clone(), name), id);
        }
    }
    if wanted.providers.is_some() {
        for item in api.items(&format!("{at}/providers")).await? {
            let (id, name, provider) = provider(&item)?;
            if tenant.providers.insert(name.clone(), provider).is_some() {
                return Err(twice(&format!("providers of {}", wanted.name), &name));
            }
            ids.providers.insert((wanted.name.clone(), name), id);
        }
    }
    Ok(())
}

/// A tenant's policy with its entity tag, if it has one.
///
/// # Errors
/// As [`Api::send`].
pub async fn dlp(api: &mut Api, at: &str) -> Result<Option<(Value, super::client::Over)>, Fault> {
    match api.send(Call::get(format!("{at}/dlp"))).await {
        Ok(answer) => Ok(Some((answer.body.get("document").cloned().unwrap_or_default(), answer.seen()?))),
        Err(fault) if fault.is("not_found") => Ok(None),
        Err(fault) => Err(fault),
    }
}

/// # Errors
/// The answer does not read.
pub fn networks(body: &Value) -> Result<Allowed, Fault> {
    #[derive(Deserialize)]
    struct Read {
        networks: Allowed,
    }
    Ok(Read::deserialize(body).map_err(strange)?.networks)
}

/// # Errors
/// The answer does not read. A limit that does not must not be taken for none: it would be written away.
pub fn limits(body: &Value) -> Result<Limits, Fault> {
    #[derive(Deserialize)]
    struct Read {
        time_zone: domain::Zone,
        shards: u8,
        limits: Vec<One>,
    }
    #[derive(Deserialize)]
    struct One {
        place: domain::Place,
        limit: u64,
    }
    let read = Read::deserialize(body).map_err(strange)?;
    let most = read.limits.into_iter().map(|one| (one.place, one.limit)).collect();
    Ok(Limits { zone: read.time_zone, shards: read.shards, most })
}

fn team(item: &Value) -> Result<Code, Fault> {
    #[derive(Deserialize)]
    struct Read {
        id: Code,
    }
    Ok(Read::deserialize(item).map_err(strange)?.id)
}

/// An agent; none where it has no name, since a file cannot mean it.
fn agent(item: &Value) -> Result<Option<(AgentId, Name, Agent)>, Fault> {
    #[derive(Deserialize)]
    struct Read {
        id: AgentId,
        name: Option<Name>,
        status: Lifecycle,
        team: Option<Code>,
    }
    let Read { id, name, status, team } = Read::deserialize(item).map_err(strange)?;
    Ok(name.map(|name| (id, name, Agent { status, team })))
}

/// # Errors
/// The answer does not read.
pub fn provider(item: &Value) -> Result<(ProviderId, Name, Provider), Fault> {
    #[derive(Deserialize)]
    struct Read {
        id: ProviderId,
        name: Name,
        kind: domain::ProviderKind,
        base_url: String,
        api_version: Option<Code>,
        region: domain::Region,
        region_source: String,
        models: Vec<One>,
    }
    #[derive(Deserialize)]
    struct One {
        name: Name,
        upstream: Name,
        max_output_tokens: u64,
    }
    let read = Read::deserialize(item).map_err(strange)?;
    let offer =
        |one: One| Offer { name: one.name, upstream: one.upstream, max_output_tokens: one.max_output_tokens };
    let form = Provider {
        kind: read.kind,
        base_url: read.base_url,
        api_version: read.api_version,
        region: read.region,
        region_source: read.region_source,
        models: read.models.into_iter().map(offer).collect(),
    };
    Ok((read.id, read.name, form))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_the_api_shows_reads_back_as_what_was_written() {
        let prv = ProviderId::from_random([1; 10]);
        let mut shown = json!({"kind": "azure", "base_url": "https://a.example/", "api_version": "2024-10-21",
            "region": "eu", "region_source": "s", "models": [{"name": "m", "upstream": "n", "max_output_tokens": 5}],
            "name": "main", "id": prv});
        let (id, name, form) = provider(&shown).ok().unwrap();
        assert_eq!((&id, name.as_str()), (&prv, "main"));
        shown.as_object_mut().unwrap().remove("id");
        assert_eq!(form.body(&name), shown);
        let shown = json!({"version": 2, "time_zone": "UTC", "shards": 2, "limits": [{"place": "tenant:tokens:day", "limit": 5}]});
        let mut body = limits(&shown).ok().unwrap().body();
        body["version"] = json!(2);
        assert_eq!(body, shown);
        assert_eq!(networks(&json!({"networks": null})).ok().unwrap(), None);
        assert_eq!(networks(&json!({"networks": []})).ok().unwrap(), Some([].into()));
    }

    #[test]
    fn a_limit_that_does_not_read_is_not_taken_for_none() {
        let shown =
            json!({"time_zone": "UTC", "shards": 1, "limits": [{"place": "moon:tokens:day", "limit": 5}]});
        assert!(limits(&shown).is_err() && networks(&json!({"networks": ["x"]})).is_err());
        assert!(agent(&json!({"id": "x"})).is_err());
        let unnamed =
            json!({"id": AgentId::from_random([1; 10]), "name": null, "status": "active", "team": null});
        assert!(agent(&unnamed).ok().unwrap().is_none());
    }
}
