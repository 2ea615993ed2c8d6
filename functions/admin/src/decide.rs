//! What the operations decide: each a pure function of what was read, in the file of its resource.

pub mod admit;
pub mod agents;
pub mod audit;
pub mod changes;
pub mod channels;
pub mod connections;
pub mod directories;
pub mod dlp;
pub mod gate;
pub mod glass;
pub mod invitations;
pub mod keys;
pub mod kill;
pub mod limits;
pub mod offices;
pub mod orgs;
pub mod people;
pub mod providers;
pub mod scim_tokens;
pub mod sessions;
pub mod status;
pub mod teams;
pub mod tenant_people;
pub mod tenants;
pub mod users;
pub mod weaker;
pub mod workloads;

use std::sync::LazyLock;

use domain::{InEpoch, KillRow, Lifecycle, Metadata, Network, Networks, User, UserId};
use serde::Deserialize;
use serde_json::{Value, json};
use tables::codec::{NETWORKS, Row as _};
use tables::{Attr, Item, Key, Swap, Switch, fingerprint};

use crate::ask::Ask;
use crate::event::Params;
use crate::plan::Change;
use crate::refusal::{Refused, Why};

/// A list is read with every call, and compared with every caller.
const NETWORKS_MAX: usize = 100;

/// Where the name of a thing stands, for people.
pub const NAME: &str = "name";

pub static NAME_SCHEMA: LazyLock<Value> = LazyLock::new(
    || json!({"type": "string", "pattern": "^[A-Za-z0-9._:/@-]{1,128}$", "description": "for people; ids are ours"}),
);

fn text_of(item: &Item, field: &str) -> Option<String> {
    match item.get(field) {
        Some(Attr::S(text)) => Some(text.clone()),
        _ => None,
    }
}

fn named(item: &Item) -> Option<String> {
    text_of(item, NAME)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WantedStatus {
    status: Lifecycle,
}

pub fn status_schema() -> Value {
    json!({"type": "object", "required": ["status"], "additionalProperties": false,
        "properties": {"status": {"type": "string", "enum": ["active", "suspended"]}}})
}

/// What the body asks for. Nothing is deleted by a status.
fn wanted_status(ask: &Ask<'_>) -> Result<Lifecycle, Refused> {
    let WantedStatus { status } = ask.body()?;
    match status {
        Lifecycle::Active | Lifecycle::Suspended => Ok(status),
        Lifecycle::Deleted => Err(Refused::at(Why::InvalidField, "/status", "active or suspended")),
    }
}

/// The row with the status that the body asks for.
fn with_status(ask: &Ask<'_>, item: &Item) -> Result<Item, Refused> {
    let status = wanted_status(ask)?;
    let mut new = item.clone();
    new.insert("status".to_owned(), Attr::text(status));
    Ok(new)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answering {
    owner: UserId,
}

/// The rows of whoever a body names to answer for something of a tenant.
fn answering_needs(params: &Params, body: &Value) -> Vec<Key> {
    let named = |field| body.get(field).and_then(Value::as_str).and_then(|text| text.parse::<UserId>().ok());
    let (Some(org), Some(tenant)) = (&params.org, &params.tenant) else { return Vec::new() };
    let rows = |user| [Key::user(org, &user), Key::org_owner(org, &user), Key::binding(tenant, &user)];
    ["owner", "deputy"].into_iter().filter_map(named).flat_map(rows).collect()
}

/// Who is to answer for something of a tenant: an active person who has a part in it. That is not for a program to say.
fn answering(ask: &Ask<'_>) -> Result<InEpoch, Refused> {
    ask.who.person().ok_or(Why::Forbidden)?;
    let Answering { owner } = ask.body()?;
    let epoch = must_answer(ask, &owner, "/owner")?;
    Ok(InEpoch::new(owner, epoch))
}

/// Whether somebody may answer for something of a tenant, where a body names them; their epoch.
fn must_answer(ask: &Ask<'_>, user: &UserId, at: &str) -> Result<u64, Refused> {
    let (org, tenant) = ask.params.org.as_ref().zip(ask.params.tenant.as_ref()).ok_or(Why::NotFound)?;
    let person = ask.find::<User>(&Key::user(org, user))?.filter(|person| person.active);
    let places = [Key::org_owner(org, user), Key::binding(tenant, user)];
    if let Some(person) = person
        && places.iter().any(|place| ask.rows.contains_key(place))
    {
        return Ok(person.epoch);
    }
    let hint = "somebody active with a role in this tenant, or an owner of the organization";
    Err(Refused::at(Why::InvalidField, at, hint))
}

/// One row for another, with the entity tag of what it becomes.
fn replaced(key: Key, old: &Item, new: Item, resource: String, body: Value) -> Change {
    let etag = Some(fingerprint(&new));
    let swap = Swap { key, old: Some(old.clone()), new };
    Change { etag, ..Change::of(vec![swap], resource, body) }
}

/// An address that could be somebody's; whether it is, the provider must have verified.
///
/// # Errors
/// It could not.
pub fn email<'a>(text: &'a str, at: &str) -> Result<&'a str, Refused> {
    let email = text.trim();
    let parts = email.split_once('@').filter(|(name, host)| !name.is_empty() && !host.is_empty());
    match parts {
        Some(_) if email.len() <= 254 => Ok(email),
        _ => Err(Refused::at(Why::InvalidField, at, "an e-mail address")),
    }
}

/// New rows of a switch that stops nothing.
pub fn open_switch(switch: &Switch) -> Vec<Swap> {
    switch.keys().into_iter().map(|key| Swap::create(key, KillRow::new().to_item())).collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WantedNetworks {
    networks: Option<Vec<Network>>,
}

/// The list that a body asks for; `None`: from anywhere.
fn wanted_networks(ask: &Ask<'_>) -> Result<Option<Networks>, Refused> {
    let wanted: WantedNetworks = ask.body()?;
    if wanted.networks.as_ref().is_some_and(|list| list.len() > NETWORKS_MAX) {
        return Err(Refused::at(Why::InvalidField, "/networks", format!("at most {NETWORKS_MAX}")));
    }
    Ok(wanted.networks.map(Networks))
}

/// An allowlist, for whoever may see it.
fn networks_view(networks: Option<&Networks>) -> Value {
    json!({"networks": networks.map(|list| &list.0)})
}

/// A row with the allowlist that the body asks for, over the row that the caller saw.
fn networks_of(ask: &Ask<'_>, key: Key, item: &Item, id: impl std::fmt::Display) -> Result<Change, Refused> {
    ask.unchanged(Some(item))?;
    let wanted = wanted_networks(ask)?;
    let mut new = item.clone();
    match &wanted {
        Some(list) => new.insert(NETWORKS.to_owned(), Attr::texts(&list.0)),
        None => new.remove(NETWORKS),
    };
    let count = wanted.as_ref().map_or(0, |list| list.0.len() as u64);
    let body = networks_view(wanted.as_ref());
    Ok(Change {
        metadata: Metadata::default().count("networks", count).flag("anywhere", wanted.is_none()),
        ..replaced(key, item, new, format!("network:{id}"), body)
    })
}
