//! What a file wants and what there is, compared: pure. The steps come in one fixed order, stricter before looser: a tenant is
//! suspended first and resumed last, and its policy stands before a provider can be called.

use std::collections::{BTreeMap, BTreeSet};

use domain::{Code, Lifecycle, Limit, Name};
use serde_json::Value;

use super::budgets::amount;
use super::manifest::{self, Manifest, WantedLimits, WantedProvider};
use super::model::{Allowed, Limits, Model, Step, Tenant, Write};
use super::show::plain;

/// Steps, and what is there and not in the file.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    pub steps: Vec<Step>,
    pub kept: Vec<String>,
}

/// A wish that cannot be carried out as it stands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    #[error("the tenant {0} is new: say its region and budget_tokens")]
    NewTenant(Name),
    #[error("the tenant {0} has an id in the file, and is not there")]
    NoTenant(Name),
    #[error("the tenant {0} lives in {1} for good: make another one elsewhere")]
    Region(Name, domain::Region),
    #[error(
        "the provider {1} of {0} is new or has another address: name the variable of its credential, credential_env"
    )]
    Credential(Name, Name),
}

/// Steps to what a file wants, from what there is.
///
/// # Errors
/// See [`PlanError`].
pub fn plan(now: &Model, wanted: &Manifest) -> Result<Plan, PlanError> {
    let mut plan =
        Plan { steps: Vec::new(), kept: now.others.iter().map(|name| format!("tenant {name}")).collect() };
    for tenant in &wanted.tenants {
        let (is, mut writes) = match now.tenants.get(&tenant.name) {
            Some(is) => (is.clone(), Vec::new()),
            None => created(tenant)?,
        };
        if tenant.region.is_some_and(|region| region != is.region) {
            return Err(PlanError::Region(tenant.name.clone(), is.region));
        }
        writes.extend(writes_of(&is, tenant)?);
        plan.steps.extend(writes.into_iter().map(|write| Step { tenant: tenant.name.clone(), write }));
        plan.kept.extend(kept(&is, tenant));
    }
    Ok(plan)
}

fn created(wanted: &manifest::Tenant) -> Result<(Tenant, Vec<Write>), PlanError> {
    if wanted.id.is_some() {
        return Err(PlanError::NoTenant(wanted.name.clone()));
    }
    let said = wanted.region.zip(wanted.budget_tokens);
    let (region, budget_tokens) = said.ok_or_else(|| PlanError::NewTenant(wanted.name.clone()))?;
    Ok((Tenant::new(region, budget_tokens), vec![Write::Create { region, budget_tokens }]))
}

fn writes_of(is: &Tenant, wanted: &manifest::Tenant) -> Result<Vec<Write>, PlanError> {
    let status = wanted.status.filter(|status| *status != is.status);
    let first = status.filter(|status| *status != Lifecycle::Active).map(Write::Status);
    let last = status.filter(|status| *status == Lifecycle::Active).map(Write::Status);
    let dlp = wanted.dlp.clone().filter(|dlp| is.dlp.as_ref() != Some(dlp)).map(Write::Dlp);
    let limits = wanted.limits.as_ref().map(|wanted| merged(&is.limits, wanted));
    let limits = limits.filter(|limits| *limits != is.limits).map(Write::Limits);
    let networks = wanted.networks.clone().filter(|list| *list != is.networks).map(Write::Networks);
    let agents = wanted.agents.iter().flatten().flat_map(|agent| agent_writes(is, agent));
    let teams = new_teams(is, wanted).into_iter().map(Write::CreateTeam);
    let before = [first, dlp, limits, networks].into_iter().flatten();
    let mut writes: Vec<_> = before.chain(teams).chain(agents).collect();
    for provider in wanted.providers.iter().flatten() {
        writes.extend(provider_write(is, &wanted.name, provider)?);
    }
    writes.extend(last);
    Ok(writes)
}

/// Teams that agents are to be in and that are not there: an agent is put into none that is not.
fn new_teams(is: &Tenant, wanted: &manifest::Tenant) -> BTreeSet<Code> {
    let named = wanted.agents.iter().flatten().filter_map(|agent| agent.team.clone().flatten());
    named.filter(|team| !is.teams.contains(team)).collect()
}

/// Limits that the file does not name stay.
fn merged(is: &Limits, wanted: &WantedLimits) -> Limits {
    let mut limits = is.clone();
    limits.most.extend(wanted.at_most.clone());
    if let Some(zone) = &wanted.time_zone {
        limits.zone = zone.clone();
    }
    limits
}

fn agent_writes(is: &Tenant, wanted: &manifest::Agent) -> Vec<Write> {
    let agent = || wanted.name.clone();
    let known = is.agents.get(&wanted.name);
    let (status, team) = known.map_or((Lifecycle::Active, None), |known| (known.status, known.team.clone()));
    let wanted_team = wanted.team.clone().unwrap_or_else(|| team.clone());
    let made = known.is_none().then(|| Write::CreateAgent { agent: agent(), team: wanted_team.clone() });
    let moved = known.is_some() && wanted_team != team;
    let turned = wanted.status.filter(|wanted| *wanted != status);
    let turned = |to_active: bool| {
        let turned = turned.filter(|status| (*status == Lifecycle::Active) == to_active);
        turned.map(|status| Write::AgentStatus { agent: agent(), status })
    };
    let moved = moved.then(|| Write::AgentTeam { agent: agent(), team: wanted_team });
    [made, turned(false), moved, turned(true)].into_iter().flatten().collect()
}

fn provider_write(is: &Tenant, tenant: &Name, wanted: &WantedProvider) -> Result<Option<Write>, PlanError> {
    let (form, provider) = (wanted.form(), wanted.name.clone());
    let unnamed = || PlanError::Credential(tenant.clone(), wanted.name.clone());
    let credential = || wanted.credential_env.clone().ok_or_else(unnamed);
    Ok(match is.providers.get(&wanted.name) {
        None => Some(Write::AddProvider { provider, form, credential_env: credential()? }),
        Some(is) if *is == form => None,
        Some(is) if is.base_url == form.base_url => {
            Some(Write::SetProvider { provider, form, credential_env: None })
        }
        Some(_) => Some(Write::SetProvider { provider, form, credential_env: Some(credential()?) }),
    })
}

/// What is there of a kind that the file speaks of, and is not in it.
fn kept(is: &Tenant, wanted: &manifest::Tenant) -> Vec<String> {
    let tenant = &wanted.name;
    let unnamed = |names: Vec<&Name>, named: Vec<&Name>, what: &str| -> Vec<String> {
        let others = names.into_iter().filter(|name| !named.contains(name));
        others.map(|name| format!("{what} {name} of {tenant}")).collect()
    };
    let agents = wanted
        .agents
        .as_ref()
        .map(|list| unnamed(is.agents.keys().collect(), list.iter().map(|one| &one.name).collect(), "agent"));
    let providers = wanted.providers.as_ref().map(|list| {
        unnamed(is.providers.keys().collect(), list.iter().map(|one| &one.name).collect(), "provider")
    });
    let limits = wanted.limits.as_ref().map(|limits| {
        let others = is.limits.most.keys().filter(|place| !limits.at_most.contains_key(place));
        others.map(|place| format!("limit {place} of {tenant}")).collect()
    });
    [agents, providers, limits].into_iter().flatten().flatten().collect()
}

/// The difference for people: `+` added, `~` changed from what to what, and what stays without standing in the file.
pub fn lines(now: &Model, plan: &Plan) -> Vec<String> {
    let mut model = now.clone();
    let mut lines = Vec::new();
    let mut heading = None;
    for step in &plan.steps {
        if heading != Some(&step.tenant) {
            lines.push(format!("tenant {}", step.tenant));
            heading = Some(&step.tenant);
        }
        lines.extend(
            said(model.tenants.get(&step.tenant), &step.write).into_iter().map(|line| format!("  {line}")),
        );
        step.apply(&mut model);
    }
    if !plan.kept.is_empty() {
        lines.push("there and not in the file, and left as it is:".to_owned());
        lines.extend(plan.kept.iter().map(|kept| format!("  - {kept}")));
    }
    lines
}

fn said(is: Option<&Tenant>, write: &Write) -> Vec<String> {
    let team = |team: Option<&Code>| team.map_or_else(|| "no team".to_owned(), |team| format!("team {team}"));
    let agent = |name: &Name| is.and_then(|is| is.agents.get(name));
    match write {
        Write::Create { region, budget_tokens } => {
            vec![format!("+ the tenant itself, in {region}, with {budget_tokens} tokens in all")]
        }
        Write::Status(status) => {
            vec![format!("~ status: {} → {status}", is.map(|is| is.status.to_string()).unwrap_or_default())]
        }
        Write::Dlp(document) => said_of_documents(is.and_then(|is| is.dlp.as_ref()), document),
        Write::Limits(limits) => is.map(|is| said_of_limits(&is.limits, limits)).unwrap_or_default(),
        Write::Networks(networks) => {
            let before = is.map(|is| list(&is.networks)).unwrap_or_default();
            vec![format!("~ networks: {before} → {}", list(networks))]
        }
        Write::CreateTeam(team) => vec![format!("+ team {team}")],
        Write::CreateAgent { agent, team: wanted } => {
            vec![format!("+ agent {agent}, {}", team(wanted.as_ref()))]
        }
        Write::AgentTeam { agent: name, team: wanted } => {
            let before = team(agent(name).and_then(|is| is.team.as_ref()));
            vec![format!("~ agent {name}: {before} → {}", team(wanted.as_ref()))]
        }
        Write::AgentStatus { agent: name, status } => {
            let before = agent(name).map_or(Lifecycle::Active, |is| is.status);
            vec![format!("~ agent {name}: {before} → {status}")]
        }
        Write::AddProvider { provider, form, credential_env } => {
            let (kind, url) = (form.kind, &form.base_url);
            vec![format!("+ provider {provider}: {kind} at {url}, its credential from {credential_env}")]
        }
        Write::SetProvider { provider, form, credential_env } => {
            let before = is.and_then(|is| is.providers.get(provider)).map(|is| is.body(provider));
            let changes = changes(before.as_ref(), &form.body(provider));
            let mut lines: Vec<_> =
                changes.into_iter().map(|change| format!("~ provider {provider} {change}")).collect();
            lines.extend(
                credential_env
                    .iter()
                    .map(|name| format!("~ provider {provider}: a new credential, from {name}")),
            );
            lines
        }
    }
}

fn list(networks: &Allowed) -> String {
    match networks {
        None => "anywhere".to_owned(),
        Some(list) if list.is_empty() => "nowhere".to_owned(),
        Some(list) => list.iter().map(ToString::to_string).collect::<Vec<_>>().join(","),
    }
}

fn said_of_documents(before: Option<&Value>, document: &Value) -> Vec<String> {
    if before.is_none() {
        return vec!["+ dlp: the first policy of this tenant".to_owned()];
    }
    changes(before, document).into_iter().map(|change| format!("~ dlp {change}")).collect()
}

fn said_of_limits(is: &Limits, wanted: &Limits) -> Vec<String> {
    let written = |place: &domain::Place, most: u64| amount(&Limit { place: place.clone(), most });
    let zone = (is.zone != wanted.zone).then(|| format!("~ limits: time zone {} → {}", is.zone, wanted.zone));
    let one = |(place, most): (&domain::Place, &u64)| match is.most.get(place) {
        Some(before) if before == most => None,
        Some(before) => {
            Some(format!("~ limit {place}: {} → {}", written(place, *before), written(place, *most)))
        }
        None => Some(format!("+ limit {place}: {}", written(place, *most))),
    };
    zone.into_iter().chain(wanted.most.iter().filter_map(one)).collect()
}

/// Every leaf that differs, by its JSON pointer.
fn changes(before: Option<&Value>, after: &Value) -> Vec<String> {
    let (mut old, mut new) = (BTreeMap::new(), BTreeMap::new());
    leaves(before.unwrap_or(&Value::Null), String::new(), &mut old);
    leaves(after, String::new(), &mut new);
    let written = |value: Option<&&Value>| {
        value.map_or_else(|| "nothing".to_owned(), |value| plain(&value.to_string()))
    };
    let places: BTreeSet<_> = old.keys().chain(new.keys()).collect();
    let differ = places.into_iter().filter(|at| old.get(*at) != new.get(*at));
    differ.map(|at| format!("{}: {} → {}", plain(at), written(old.get(at)), written(new.get(at)))).collect()
}

fn leaves<'a>(value: &'a Value, at: String, all: &mut BTreeMap<String, &'a Value>) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (name, value) in fields {
                leaves(value, format!("{at}/{name}"), all);
            }
        }
        leaf => {
            all.insert(at, leaf);
        }
    }
}

#[cfg(test)]
mod tests;
