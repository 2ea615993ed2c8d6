//! Organizations.

use domain::{ConnectionId, Org, OrgId, TenantId};
use serde_json::{Value, json};
use tables::codec::Row as _;
use tables::{Item, Key, Table, fingerprint};

use crate::ask::Ask;
use crate::bootstrap::{self, New};
use crate::event::Params;
use crate::plan::{Change, Shown};
use crate::refusal::{Refused, Why};
use crate::routes::List;

use super::{named, networks_of, networks_view, replaced, with_status};

pub const LIST: List = List {
    table: Table::Control,
    partition: |_, _| Some("PLATFORM".to_owned()),
    prefix: |_| "ORG#".to_owned(),
    row: Some(|marker| marker.sk.strip_prefix("ORG#")?.parse().ok().map(|org| Key::org(&org))),
    show: |_, _, item| view(item),
};

pub fn needs(params: &Params, _: &Value) -> Vec<Key> {
    params.org.iter().map(Key::org).collect()
}

/// What people may see of it.
fn view(item: &Item) -> Option<Value> {
    let org = Org::from_item(item).ok()?;
    Some(json!({"id": org.id, "name": named(item), "status": org.status}))
}

fn shown(item: &Item) -> Result<Value, Refused> {
    view(item).ok_or_else(|| Why::FactsUnavailable.into())
}

fn org<'a>(ask: &'a Ask<'_>) -> Result<(Key, Org, &'a Item), Refused> {
    let key = Key::org(ask.params.org.as_ref().ok_or(Why::NotFound)?);
    let (org, item) = ask.must(&key)?;
    Ok((key, org, item))
}

pub fn get(ask: &Ask<'_>) -> Result<Shown, Refused> {
    let (_, _, item) = org(ask)?;
    Ok(Shown { body: shown(item)?, etag: Some(fingerprint(item)) })
}

/// An organization, its connection, and the invitation of whoever owns it: from then on its owners choose their own.
pub fn create(ask: &Ask<'_>) -> Result<Change, Refused> {
    let (org, connection) = (ask.new_id("org"), ask.new_id("connection"));
    let (org, connection) = (OrgId::from_random(org), ConnectionId::from_random(connection));
    let made = bootstrap::made(ask.body, &ask.forms, New { org, connection, now: ask.now, platform: false })?;
    let id = made.org;
    let mut body = shown(&made.row)?;
    if let Value::Object(fields) = &mut body {
        fields.insert("connection".to_owned(), json!(made.connection));
        fields.insert("login".to_owned(), json!(format!("/v1/sso/{}/login", made.connection)));
    }
    Ok(Change {
        etag: Some(fingerprint(&made.row)),
        secret: made.secret,
        location: Some(format!("/v1/orgs/{id}")),
        log: Some((id.clone(), TenantId::platform())),
        of_platform: true,
        ..Change::of(made.swaps, format!("org:{id}"), body)
    })
}

pub fn status(ask: &Ask<'_>) -> Result<Change, Refused> {
    let (key, org, item) = org(ask)?;
    let new = with_status(ask, item)?;
    let body = shown(&new)?;
    Ok(Change { of_platform: true, ..replaced(key, item, new, format!("org:{}", org.id), body) })
}

pub fn networks_get(ask: &Ask<'_>) -> Result<Shown, Refused> {
    let (_, org, item) = org(ask)?;
    Ok(Shown { body: networks_view(org.networks.as_ref()), etag: Some(fingerprint(item)) })
}

pub fn networks(ask: &Ask<'_>) -> Result<Change, Refused> {
    let (key, org, item) = org(ask)?;
    networks_of(ask, key, item, &org.id)
}
