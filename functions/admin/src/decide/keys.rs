//! Gateway keys: made, shown once, rotated with an overlap, revoked for good.

use std::collections::BTreeSet;

use domain::{
    AgentId, Code, GatewayKey, KeyId, KeyKind, KeyRow, KeyState, KeyStepError, KillRow, KillScope, MetaValue,
    Metadata, Name, Network, Networks, Owner, Scopes, Sight, Timestamp, User,
};
use serde::Deserialize;
use serde_json::{Value, json};
use tables::codec::Row as _;
use tables::offboard::key_item;
use tables::{Item, Key, Marker, Swap, Switch, Table, fingerprint};

use crate::ask::Ask;
use crate::event::Params;
use crate::plan::{Change, Shown};
use crate::refusal::{Refused, Why};
use crate::routes::List;

/// Names of one scope: a key's row is read with every call.
const NAMES_MAX: usize = 200;
/// The longest overlap of a rotation: 30 days.
const MAX_OVERLAP_S: u64 = 30 * 86_400;

pub const LIST: List = List {
    table: Table::Control,
    partition: |params, _| params.tenant.as_ref().map(|tenant| format!("T#{tenant}")),
    prefix: |_| "KEY#".to_owned(),
    row: Some(|marker| marker.sk.strip_prefix("KEY#")?.parse().ok().map(|id| Key::gateway_key(&id))),
    show: |ask, _, item| Some(view(&KeyRow::from_item(item).ok()?, ask.now)),
};

pub fn needs(params: &Params, _: &Value) -> Vec<Key> {
    params.key.iter().map(Key::gateway_key).chain(switches(params)).collect()
}

/// The switches above a tenant's keys; of the platform's copies any.
fn switches(params: &Params) -> Vec<Key> {
    let (Some(org), Some(tenant)) = (&params.org, &params.tenant) else { return Vec::new() };
    let above = [Switch::Platform, Switch::Org(org.clone()), Switch::Tenant(tenant.clone())];
    above.iter().filter_map(|switch| switch.keys().into_iter().next()).collect()
}

/// Whether keys may be made now: no switch above stops it, and the tenant is active. An absent switch refuses.
fn may_make(ask: &Ask<'_>) -> Result<(), Refused> {
    let (_, tenant, _) = super::tenants::tenant(ask)?;
    if tenant.status != domain::Lifecycle::Active {
        return Err(Why::TenantInactive.into());
    }
    for key in switches(ask.params) {
        let (row, _) = ask.must::<KillRow>(&key).map_err(|_| Why::FactsUnavailable)?;
        if row.stops(KillScope::NewKeys) {
            return Err(Why::NewKeysStopped.into());
        }
    }
    Ok(())
}

/// The agent that the body names, and the tenant.
pub fn create_needs(params: &Params, body: &Value) -> Vec<Key> {
    let agent = body.get("agent").and_then(Value::as_str).and_then(|text| text.parse::<AgentId>().ok());
    let tenant = params.tenant.iter();
    tenant
        .flat_map(|tenant| agent.iter().map(|agent| Key::agent(tenant, agent)).chain([Key::tenant(tenant)]))
        .chain(switches(params))
        .collect()
}

/// Everything but the secret's digest.
fn view(row: &KeyRow, now: Timestamp) -> Value {
    let owner = match &row.owner {
        Owner::User { id, .. } => Some(id),
        Owner::Tenant => None,
    };
    json!({
        "id": row.id, "kind": row.kind, "region": row.region, "tenant": row.tenant, "agent": row.agent, "owner": owner,
        "state": state(row.state(now)), "actions": row.scopes.actions, "models": row.scopes.models,
        "providers": row.scopes.providers, "routes": row.scopes.routes,
        "networks": row.networks.as_ref().map(|list| &list.0), "requests_per_minute": row.per_minute(),
        "active_from": row.active_from, "expires_at": row.expires_at, "revoked_at": row.revoked_at,
        "old_secret_until": row.previous.as_ref().map(|previous| previous.until),
        "rotate_by": row.rotate_by, "seen_by": row.seen.as_ref().map(|seen| &seen.user),
    })
}

const fn state(state: KeyState) -> &'static str {
    match state {
        KeyState::Created => "created",
        KeyState::Active => "active",
        KeyState::Rotating => "rotating",
        KeyState::Expired => "expired",
        KeyState::Overdue => "overdue",
        KeyState::Revoked => "revoked",
    }
}

/// A key of another tenant is none.
fn key<'a>(ask: &'a Ask<'_>) -> Result<(Key, KeyRow, &'a Item), Refused> {
    let place = Key::gateway_key(ask.params.key.as_ref().ok_or(Why::NotFound)?);
    let (row, item) = ask.must::<KeyRow>(&place)?;
    if Some(&row.tenant) != ask.params.tenant.as_ref() {
        return Err(Why::NotFound.into());
    }
    Ok((place, row, item))
}

pub fn get(ask: &Ask<'_>) -> Result<Shown, Refused> {
    let (_, row, item) = key(ask)?;
    Ok(Shown { body: view(&row, ask.now), etag: Some(fingerprint(item)) })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Create {
    agent: AgentId,
    actions: BTreeSet<Code>,
    models: Option<BTreeSet<Name>>,
    providers: Option<BTreeSet<Name>>,
    routes: Option<BTreeSet<Name>>,
    networks: Option<Vec<Network>>,
    requests_per_minute: Option<u32>,
    active_from: Option<Timestamp>,
    expires_at: Option<Timestamp>,
}

pub fn create_schema() -> Value {
    let names = json!({"anyOf": [{"type": "null"}, {"type": "array", "items": {"type": "string"}, "uniqueItems": true}]});
    let time = json!({"anyOf": [{"type": "null"}, {"type": "string", "description": "such as 2026-11-26T09:00:00.000Z"}]});
    json!({"type": "object", "required": ["agent", "actions"], "additionalProperties": false, "properties": {
        "agent": {"type": "string", "pattern": "^agt_[0-9a-z]{16}$"},
        "actions": {"type": "array", "minItems": 1, "uniqueItems": true, "items": {"type": "string", "enum": ACTIONS}},
        "models": names, "providers": names, "routes": names, "networks": names,
        "requests_per_minute": {"anyOf": [{"type": "null"}, {"type": "integer", "minimum": 1, "maximum": 1_000_000}]},
        "active_from": time, "expires_at": time,
    }})
}

/// What a key can be for.
const ACTIONS: [&str; 6] =
    ["llm.call", "models.list", "dlp.detect", "dlp.redact", "dlp.restore", "actions.request"];

pub fn create_own(ask: &Ask<'_>) -> Result<Change, Refused> {
    let person = Key::user(&ask.who.org, &ask.who.user);
    let (user, _) = ask.must::<User>(&person)?;
    create(ask, KeyKind::User, Owner::User { id: user.id, epoch: user.epoch })
}

pub fn create_service(ask: &Ask<'_>) -> Result<Change, Refused> {
    create(ask, KeyKind::Service, Owner::Tenant)
}

/// Whoever is shown the secret of what is made now, or answers for the program that is: when they leave, it has to be replaced.
fn seen(ask: &Ask<'_>) -> Result<Sight, Refused> {
    let (user, _) = ask.must::<User>(&Key::user(&ask.who.org, &ask.who.answers))?;
    Ok(Sight { user: user.id, epoch: user.epoch })
}

fn create(ask: &Ask<'_>, kind: KeyKind, owner: Owner) -> Result<Change, Refused> {
    let wanted: Create = ask.body()?;
    may_make(ask)?;
    let (_, tenant, _) = super::tenants::tenant(ask)?;
    if ask.rows.get(&Key::agent(&tenant.id, &wanted.agent)).is_none() {
        return Err(Refused::at(Why::InvalidField, "/agent", "an agent of this tenant"));
    }
    check(&wanted, ask.now)?;
    let random = &ask.random.secret;
    let made = match ask.new_key_id() {
        Some(id) => GatewayKey::mint_as(id, kind, ask.region, random),
        None => GatewayKey::mint(kind, ask.region, random),
    };
    let made = made.ok_or(Why::KeysUnavailable)?;
    let row = KeyRow {
        id: made.id().clone(),
        kind,
        region: ask.region,
        org: tenant.org,
        tenant: tenant.id.clone(),
        agent: wanted.agent,
        owner,
        secret: made.secret_hash(),
        seen: Some(seen(ask)?),
        previous: None,
        scopes: Scopes {
            actions: wanted.actions,
            models: wanted.models,
            providers: wanted.providers,
            routes: wanted.routes,
        },
        networks: wanted.networks.map(Networks),
        requests_per_minute: wanted.requests_per_minute,
        active_from: wanted.active_from,
        expires_at: wanted.expires_at,
        rotate_by: None,
        revoked_at: None,
    };
    let swaps = vec![
        Swap::create(Key::gateway_key(&row.id), row.to_item()),
        Swap::create(Key::gateway_key_of(&tenant.id, &row.id), Marker::item()),
    ];
    let mut body = view(&row, ask.now);
    reveal(&mut body, &made);
    Ok(Change {
        etag: Some(fingerprint(&row.to_item())),
        location: Some(format!("/v1/tenants/{}/keys/{}", tenant.id, row.id)),
        metadata: told(&row),
        ..Change::of(swaps, resource(&row.id), body)
    })
}

/// The secret is in this answer, and in no other.
fn reveal(body: &mut Value, made: &GatewayKey) {
    if let Value::Object(fields) = body {
        fields.insert("gateway_key".to_owned(), made.reveal().into());
    }
}

fn check(wanted: &Create, now: Timestamp) -> Result<(), Refused> {
    let known = |action: &Code| ACTIONS.contains(&action.as_str());
    let long = |names: &Option<BTreeSet<Name>>| names.as_ref().is_some_and(|names| names.len() > NAMES_MAX);
    let networks = wanted.networks.as_ref().is_some_and(|list| list.len() > super::NETWORKS_MAX);
    let faults = [
        (networks, "/networks", "at most 100"),
        (long(&wanted.models), "/models", "at most 200"),
        (long(&wanted.providers), "/providers", "at most 200"),
        (long(&wanted.routes), "/routes", "at most 200"),
        (wanted.actions.is_empty(), "/actions", "at least one"),
        (
            !wanted.actions.iter().all(known),
            "/actions",
            "llm.call, models.list, dlp.detect, dlp.redact, dlp.restore",
        ),
        (
            wanted.requests_per_minute == Some(0),
            "/requests_per_minute",
            "at least 1; a key that is to do nothing is revoked",
        ),
        (wanted.expires_at.is_some_and(|at| at <= now), "/expires_at", "a moment that is still to come"),
    ];
    match faults.into_iter().find(|(fault, ..)| *fault) {
        Some((_, at, hint)) => Err(Refused::at(Why::InvalidField, at, hint)),
        None => Ok(()),
    }
}

fn resource(id: &KeyId) -> String {
    format!("key:{id}")
}

fn told(row: &KeyRow) -> Metadata {
    let kind = match row.kind {
        KeyKind::User => "usr",
        KeyKind::Service => "svc",
        KeyKind::Temporary => "tmp",
    };
    Metadata::default().with("kind", MetaValue::Code(Code::literal(kind)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rotate {
    overlap_seconds: u64,
}

pub fn rotate_schema() -> Value {
    json!({"type": "object", "required": ["overlap_seconds"], "additionalProperties": false, "properties": {
        "overlap_seconds": {"type": "integer", "minimum": 0, "maximum": MAX_OVERLAP_S,
            "description": "for how long the old secret is taken beside the new one; 0 ends it at once"}}})
}

/// The same key with another secret: the new one keeps the key's id.
pub fn rotate(ask: &Ask<'_>) -> Result<Change, Refused> {
    let Rotate { overlap_seconds } = ask.body()?;
    if overlap_seconds > MAX_OVERLAP_S {
        return Err(Refused::at(Why::InvalidField, "/overlap_seconds", format!("at most {MAX_OVERLAP_S}")));
    }
    may_make(ask)?;
    let (place, row, item) = key(ask)?;
    if row.owner != Owner::Tenant {
        return Err(Refused::hint(
            Why::KeyState,
            "a person's key is not rotated by others: its owner makes a new one",
        ));
    }
    let made = GatewayKey::mint_as(row.id.clone(), row.kind, row.region, &ask.random.secret);
    let made = made.ok_or(Why::KeysUnavailable)?;
    let turned = row
        .rotated(made.secret_hash(), Some(seen(ask)?), ask.now, overlap_seconds.saturating_mul(1_000))
        .map_err(step)?;
    let mut body = view(&turned, ask.now);
    reveal(&mut body, &made);
    let metadata = told(&turned).count("overlap_seconds", overlap_seconds);
    Ok(Change { metadata, ..replaced(place, item, &turned, body) })
}

/// By its owner. Another's is none.
pub fn revoke_own(ask: &Ask<'_>) -> Result<Change, Refused> {
    let (_, row, _) = key(ask)?;
    let own = matches!(&row.owner, Owner::User { id, .. } if *id == ask.who.user);
    if own { revoke(ask) } else { Err(Why::NotFound.into()) }
}

pub fn revoke(ask: &Ask<'_>) -> Result<Change, Refused> {
    let (place, row, item) = key(ask)?;
    if row.revoked_at.is_some() {
        return Ok(Change::already(resource(&row.id), view(&row, ask.now)));
    }
    let revoked = row.revoked(ask.now);
    let body = view(&revoked, ask.now);
    Ok(Change { metadata: told(&revoked), ..replaced(place, item, &revoked, body) })
}

fn step(fault: KeyStepError) -> Refused {
    Refused::hint(Why::KeyState, fault)
}

fn replaced(place: Key, old: &Item, row: &KeyRow, body: Value) -> Change {
    let new = key_item(old, row);
    let tag = fingerprint(&new);
    let swap = Swap { key: place, old: Some(old.clone()), new };
    Change { etag: Some(tag), ..Change::of(vec![swap], resource(&row.id), body) }
}
