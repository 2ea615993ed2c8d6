//! Agents: registered, with an owner and a status.

use domain::{Agent, AgentId, Code, Lifecycle, LimitsRow, Name, UserId};
use serde::Deserialize;
use serde_json::{Value, json};
use tables::codec::Row as _;
use tables::offboard::agent_item;
use tables::people::{joined, left};
use tables::{Attr, Item, Key, Swap, Switch, Table, fingerprint};

use crate::ask::Ask;
use crate::event::Params;
use crate::plan::{Change, Shown};
use crate::refusal::{Refused, Why};
use crate::routes::List;

use super::{NAME, NAME_SCHEMA, named, replaced, teams, with_status};

pub const LIST: List = List {
    table: Table::Control,
    partition: |params, _| params.tenant.as_ref().map(|tenant| format!("T#{tenant}")),
    prefix: |_| "AGENT#".to_owned(),
    row: None,
    show: |_, _, item| view(item),
};

pub fn needs(params: &Params, _: &Value) -> Vec<Key> {
    params.tenant.iter().zip(&params.agent).map(|(tenant, agent)| Key::agent(tenant, agent)).collect()
}

pub fn create_needs(params: &Params, body: &Value) -> Vec<Key> {
    let team = params.tenant.iter().filter_map(|tenant| teams::wanted(tenant, body));
    team.chain(params.tenant.iter().map(Key::tenant)).collect()
}

fn view(item: &Item) -> Option<Value> {
    let agent = Agent::from_item(item).ok()?;
    Some(
        json!({"id": agent.id, "name": named(item), "status": agent.status, "team": agent.team, "owner": agent.owner, "deputy": agent.deputy}),
    )
}

fn shown(item: &Item) -> Result<Value, Refused> {
    view(item).ok_or_else(|| Why::FactsUnavailable.into())
}

fn agent<'a>(ask: &'a Ask<'_>) -> Result<(Key, Agent, &'a Item), Refused> {
    let (tenant, agent) = ask.params.tenant.as_ref().zip(ask.params.agent.as_ref()).ok_or(Why::NotFound)?;
    let key = Key::agent(tenant, agent);
    let (agent, item) = ask.must(&key)?;
    Ok((key, agent, item))
}

pub fn get(ask: &Ask<'_>) -> Result<Shown, Refused> {
    let (_, _, item) = agent(ask)?;
    Ok(Shown { body: shown(item)?, etag: Some(fingerprint(item)) })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Create {
    name: Name,
    team: Option<Code>,
}

pub fn create_schema() -> Value {
    json!({"type": "object", "required": ["name"], "additionalProperties": false, "properties": {
        "name": NAME_SCHEMA.clone(),
        "team": {"anyOf": [{"type": "null"}, team()]},
    }})
}

fn team() -> Value {
    json!({"type": "string", "pattern": "^[a-z0-9._-]{1,64}$", "description": "whose limits count beside its own"})
}

/// Whoever registers an agent answers for it.
pub fn create(ask: &Ask<'_>) -> Result<Change, Refused> {
    let Create { name, team } = ask.body()?;
    let (_, tenant, _) = super::tenants::tenant(ask)?;
    team.iter().try_for_each(|team| teams::must_be(ask, &tenant.id, team))?;
    let joined = team.iter().map(|team| joined(&tenant.id, team).into()).collect();
    let id = AgentId::from_random(ask.new_id("agent"));
    // A program answers for nothing: what it registers is the tenant's.
    let owner = ask.who.person().cloned();
    let agent = Agent { id: id.clone(), status: Lifecycle::Active, team, owner, deputy: None };
    let mut row = agent.to_item();
    row.insert(NAME.to_owned(), Attr::text(&name));
    let location = format!("/v1/tenants/{}/agents/{id}", tenant.id);
    let mut swaps = vec![Swap::create(Key::agent(&tenant.id, &id), row.clone())];
    swaps.extend(super::open_switch(&Switch::Agent(tenant.id, id.clone())));
    let change = Change::of(swaps, format!("agent:{id}"), shown(&row)?);
    Ok(Change { etag: Some(fingerprint(&row)), location: Some(location), writes: joined, ..change })
}

pub fn status(ask: &Ask<'_>) -> Result<Change, Refused> {
    let (key, agent, item) = agent(ask)?;
    let new = with_status(ask, item)?;
    // That something runs again is for a person to say.
    let runs = Agent::from_item(&new).is_ok_and(|agent| agent.status == Lifecycle::Active);
    if runs && ask.who.person().is_none() {
        return Err(Why::Forbidden.into());
    }
    written(key, &agent, item, new)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Owner {
    owner: UserId,
    deputy: Option<UserId>,
}

pub fn owner_schema() -> Value {
    let person = |what: &str| json!({"type": "string", "pattern": "^usr_[0-9a-hjkmnp-tv-z]{16}$", "description": what});
    json!({"type": "object", "required": ["owner"], "additionalProperties": false, "properties": {
        "owner": person("somebody with a role in the tenant, or an owner of the organization"),
        "deputy": {"anyOf": [{"type": "null"}, person("another one, who answers for it once its owner has left; without one it is suspended then")]},
    }})
}

/// The agent, and the people whom the body names.
pub fn owner_needs(params: &Params, body: &Value) -> Vec<Key> {
    needs(params, body).into_iter().chain(super::answering_needs(params, body)).collect()
}

/// Another person answers for it from now on: without whoever answers, an agent does nothing.
pub fn owner_of(ask: &Ask<'_>) -> Result<Change, Refused> {
    // Who answers for what is not for a program to say.
    ask.who.person().ok_or(Why::Forbidden)?;
    let Owner { owner, deputy } = ask.body()?;
    super::must_answer(ask, &owner, "/owner")?;
    if let Some(other) = &deputy {
        if *other == owner {
            return Err(Refused::at(Why::InvalidField, "/deputy", "another person than the owner"));
        }
        super::must_answer(ask, other, "/deputy")?;
    }
    let (key, agent, item) = agent(ask)?;
    let new = agent_item(item, &Agent { owner: Some(owner), deputy, ..agent.clone() });
    written(key, &agent, item, new)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Team {
    team: Option<Code>,
}

pub fn team_schema() -> Value {
    json!({"type": "object", "required": ["team"], "additionalProperties": false,
        "properties": {"team": {"anyOf": [{"type": "null"}, team()]}}})
}

/// The agent, the limits that its teams have, and the team that it is to be in.
pub fn team_needs(params: &Params, body: &Value) -> Vec<Key> {
    let more = |tenant| teams::wanted(tenant, body).into_iter().chain([Key::limits(tenant)]);
    needs(params, body).into_iter().chain(params.tenant.iter().flat_map(more)).collect()
}

/// Out of a team whose use is limited: more may be used than before, which needs a second person. Both teams count again.
pub fn team_of(ask: &Ask<'_>) -> Result<Change, Refused> {
    let Team { team } = ask.body()?;
    let (key, agent, item) = agent(ask)?;
    if agent.team == team {
        return Ok(Change::already(format!("agent:{}", agent.id), shown(item)?));
    }
    let tenant = ask.params.tenant.as_ref().ok_or(Why::NotFound)?;
    team.iter().try_for_each(|team| teams::must_be(ask, tenant, team))?;
    let limits = ask.find::<LimitsRow>(&Key::limits(tenant))?;
    let limited = |of: &Code| limits.as_ref().is_some_and(|row| teams::limits_of(row, of));
    let weakens = agent.team.as_ref().is_some_and(limited);
    let mut new = item.clone();
    match &team {
        Some(team) => new.insert("team".to_owned(), Attr::text(team)),
        None => new.remove("team"),
    };
    let counts = agent.team.iter().map(|old| left(tenant, old));
    let counts = counts.chain(team.iter().map(|team| joined(tenant, team))).map(Into::into).collect();
    Ok(Change { weakens, writes: counts, ..written(key, &agent, item, new)? })
}

fn written(key: Key, agent: &Agent, item: &Item, new: Item) -> Result<Change, Refused> {
    let body = shown(&new)?;
    Ok(replaced(key, item, new, format!("agent:{}", agent.id), body))
}
