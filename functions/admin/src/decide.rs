//! What the operations decide: each a pure function of what was read, in the file of its resource.

pub mod admit;
pub mod agents;
pub mod changes;
pub mod connections;
pub mod dlp;
pub mod glass;
pub mod keys;
pub mod kill;
pub mod limits;
pub mod orgs;
pub mod people;
pub mod providers;
pub mod sessions;
pub mod tenants;

use std::sync::LazyLock;

use domain::{KillRow, Lifecycle, Network, Networks};
use serde::Deserialize;
use serde_json::{Value, json};
use tables::codec::{NETWORKS, Row as _};
use tables::{Attr, Item, Swap, Switch};

use crate::ask::Ask;
use crate::refusal::{Refused, Why};

/// A list is read with every call, and compared with every caller.
const NETWORKS_MAX: usize = 100;

/// Where the name of a thing stands, for people.
const NAME: &str = "name";

static NAME_SCHEMA: LazyLock<Value> = LazyLock::new(
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

fn status_of(item: &Item, status: Lifecycle) -> Item {
    let mut new = item.clone();
    new.insert("status".to_owned(), Attr::text(status));
    new
}

/// New rows of a switch that stops nothing.
fn open_switch(switch: &Switch) -> Vec<Swap> {
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

fn with_networks(item: &Item, networks: Option<&Networks>) -> Item {
    let mut new = item.clone();
    match networks {
        Some(list) => new.insert(NETWORKS.to_owned(), Attr::texts(&list.0)),
        None => new.remove(NETWORKS),
    };
    new
}
