//! Teams: what agents are put into, so that limits count for them together. A team counts its agents, and is removed when it has
//! none and no limit.

use domain::{Code, Level, LimitsRow, Name, TeamRow, TenantId};
use serde::Deserialize;
use serde_json::{Value, json};
use tables::codec::Row as _;
use tables::{Attr, Item, Key, Swap, Table, fingerprint};

use crate::ask::Ask;
use crate::event::Params;
use crate::plan::{Change, Shown};
use crate::refusal::{Refused, Why};
use crate::routes::List;

use super::{NAME, NAME_SCHEMA, replaced};

pub const LIST: List = List {
    table: Table::Control,
    partition: |params, _| params.tenant.as_ref().map(|tenant| format!("T#{tenant}")),
    prefix: |_| "TEAM#".to_owned(),
    row: None,
    show: |_, _, item| Some(view(&live(item)?)),
};

/// A team that is there; one that was removed is none.
fn live(item: &Item) -> Option<TeamRow> {
    TeamRow::from_item(item).ok().filter(|row| row.removed_at.is_none())
}

fn view(row: &TeamRow) -> Value {
    json!({"id": row.id, "name": row.name, "agents": row.agents, "created_at": row.created_at})
}

/// The team that the path names, or the body.
pub fn needs(params: &Params, body: &Value) -> Vec<Key> {
    let named = params.team.clone().or_else(|| body.get("id")?.as_str()?.parse().ok());
    let team = params.tenant.iter().zip(&named).map(|(tenant, team)| Key::team(tenant, team));
    team.chain(params.tenant.iter().flat_map(|tenant| [Key::tenant(tenant), Key::limits(tenant)])).collect()
}

fn team<'a>(ask: &'a Ask<'_>) -> Result<(Key, TeamRow, &'a Item), Refused> {
    let (tenant, team) = ask.params.tenant.as_ref().zip(ask.params.team.as_ref()).ok_or(Why::NotFound)?;
    let key = Key::team(tenant, team);
    let (row, item) = ask.must::<TeamRow>(&key)?;
    if row.removed_at.is_some() { Err(Why::NotFound.into()) } else { Ok((key, row, item)) }
}

pub fn get(ask: &Ask<'_>) -> Result<Shown, Refused> {
    let (_, row, item) = team(ask)?;
    Ok(Shown { body: view(&row), etag: Some(fingerprint(item)) })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Create {
    id: Code,
    name: Name,
}

pub fn create_schema() -> Value {
    json!({"type": "object", "required": ["id", "name"], "additionalProperties": false, "properties": {
        "id": {"type": "string", "pattern": "^[a-z0-9][a-z0-9._-]{0,63}$", "description": "what limits name it by, for good"},
        "name": NAME_SCHEMA.clone(),
    }})
}

pub fn create(ask: &Ask<'_>) -> Result<Change, Refused> {
    let Create { id, name } = ask.body()?;
    // It stands in paths, where one that begins with a dot would be another.
    if !id.as_str().starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return Err(Refused::at(Why::InvalidField, "/id", "begins with a letter or a digit"));
    }
    let (_, tenant, _) = super::tenants::tenant(ask)?;
    let key = Key::team(&tenant.id, &id);
    let old = ask.rows.get(&key);
    let location = Some(format!("/v1/tenants/{}/teams/{id}", tenant.id));
    if ask.find::<TeamRow>(&key)?.is_some_and(|row| row.removed_at.is_none()) {
        return Err(Refused { location, ..Why::AlreadyExists.into() });
    }
    let row = TeamRow { id: id.clone(), name, created_at: ask.now, agents: 0, removed_at: None };
    let new = row.to_item();
    let etag = Some(fingerprint(&new));
    let swap = Swap { key, old: old.cloned(), new };
    Ok(Change { etag, location, ..Change::of(vec![swap], format!("team:{id}"), view(&row)) })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rename {
    name: Name,
}

pub fn rename_schema() -> Value {
    json!({"type": "object", "required": ["name"], "additionalProperties": false, "properties": {"name": NAME_SCHEMA.clone()}})
}

pub fn rename(ask: &Ask<'_>) -> Result<Change, Refused> {
    let Rename { name } = ask.body()?;
    let (key, row, item) = team(ask)?;
    let mut new = item.clone();
    new.insert(NAME.to_owned(), Attr::text(&name));
    let row = TeamRow { name, ..row };
    Ok(replaced(key, item, new, format!("team:{}", row.id), view(&row)))
}

/// Written over the team as it was read, without agents, and over the limits, without any of it: an agent that comes into it at
/// the same moment stops this, or is stopped.
pub fn remove(ask: &Ask<'_>) -> Result<Change, Refused> {
    let (key, row, item) = team(ask)?;
    if row.agents > 0 {
        return Err(Refused::hint(
            Why::InUse,
            format!("agents in it: {}; put them elsewhere first", row.agents),
        ));
    }
    let limits = ask.params.tenant.as_ref().map(Key::limits).ok_or(Why::NotFound)?;
    let limited = ask.find::<LimitsRow>(&limits)?.is_some_and(|limits| limits_of(&limits, &row.id));
    if limited {
        return Err(Refused::hint(Why::InUse, "it has limits: take them out first"));
    }
    let mut gone = item.clone();
    gone.insert("removed_at".to_owned(), Attr::text(ask.now));
    let seen = ask.rows.get(&limits);
    let kept = seen.map(|seen| Swap { key: limits, old: Some(seen.clone()), new: seen.clone() });
    let swaps = kept.into_iter().chain([Swap { key, old: Some(item.clone()), new: gone }]).collect();
    Ok(Change::of(swaps, format!("team:{}", row.id), Value::Null))
}

/// Whether a team's use is limited.
pub fn limits_of(limits: &LimitsRow, team: &Code) -> bool {
    limits.limits().iter().any(|limit| {
        limit.place.level == Level::Team
            && limit.place.id.as_ref().is_some_and(|id| id.as_str() == team.as_str())
    })
}

/// A team that an agent is to be in must be there. It is checked again when both are written.
pub fn must_be(ask: &Ask<'_>, tenant: &TenantId, team: &Code) -> Result<(), Refused> {
    if ask.rows.get(&Key::team(tenant, team)).and_then(live).is_some() {
        return Ok(());
    }
    Err(Refused::at(Why::InvalidField, "/team", "a team of this tenant: make it first"))
}

/// The team that a body puts an agent into.
pub fn wanted(tenant: &TenantId, body: &Value) -> Option<Key> {
    Some(Key::team(tenant, &body.get("team")?.as_str()?.parse().ok()?))
}
