//! Tenants.

use domain::{
    Lifecycle, LimitsRow, Metadata, Name, Org, PolicyRow, Providers, Region, RestoreField, Tenant, TenantId,
};
use serde::Deserialize;
use serde_json::{Value, json};
use tables::codec::Row as _;
use tables::{Attr, Item, Key, KeyOp, Marker, Swap, Switch, Table, fingerprint};

use crate::ask::Ask;
use crate::event::Params;
use crate::plan::{Change, Shown};
use crate::refusal::{Refused, Why};
use crate::routes::List;
use crate::who;

use super::{NAME, NAME_SCHEMA, named, networks_of, networks_view, replaced, with_status};

pub const LIST: List = List {
    table: Table::Control,
    partition: |params, _| params.org.as_ref().map(|org| format!("ORG#{org}")),
    prefix: |_| "TENANT#".to_owned(),
    row: Some(|marker| marker.sk.strip_prefix("TENANT#")?.parse().ok().map(|tenant| Key::tenant(&tenant))),
    show: |_, _, item| view(item),
};

/// Tenants of the caller's own organization in which the caller has a part.
pub const MINE: List = List {
    table: Table::Control,
    partition: |_, ask| Some(format!("ORG#{}", ask.who.org)),
    prefix: LIST.prefix,
    row: LIST.row,
    show: |ask, _, item| mine(ask, item),
};

/// The caller's role in a tenant of a list.
pub fn beside(ask: &Ask<'_>, key: &Key) -> Option<Key> {
    key.pk.strip_prefix("T#")?.parse().ok().map(|tenant| Key::binding(&tenant, &ask.who.user))
}

fn mine(ask: &Ask<'_>, item: &Item) -> Option<Value> {
    let tenant = Tenant::from_item(item).ok()?;
    let role = who::role_in(ask.rows, &ask.who.session, &tenant.id).ok()?;
    let owner = ask.who.principal.org_owner.as_ref() == Some(&tenant.org);
    let mut shown = view(item).filter(|_| role.is_some() || owner)?;
    if let Value::Object(fields) = &mut shown {
        fields.insert("role".to_owned(), json!(role));
        fields.insert("org_owner".to_owned(), json!(owner));
    }
    Some(shown)
}

pub fn needs(params: &Params, _: &Value) -> Vec<Key> {
    params.tenant.iter().map(Key::tenant).collect()
}

pub fn create_needs(params: &Params, _: &Value) -> Vec<Key> {
    params.org.iter().map(Key::org).collect()
}

fn view(item: &Item) -> Option<Value> {
    let tenant = Tenant::from_item(item).ok()?;
    Some(json!({
        "id": tenant.id, "org": tenant.org, "name": named(item), "region": tenant.region, "status": tenant.status,
    }))
}

fn shown(item: &Item) -> Result<Value, Refused> {
    view(item).ok_or_else(|| Why::FactsUnavailable.into())
}

/// The tenant that the path names.
pub fn tenant<'a>(ask: &'a Ask<'_>) -> Result<(Key, Tenant, &'a Item), Refused> {
    let key = Key::tenant(ask.params.tenant.as_ref().ok_or(Why::NotFound)?);
    let (tenant, item) = ask.must(&key)?;
    Ok((key, tenant, item))
}

pub fn get(ask: &Ask<'_>) -> Result<Shown, Refused> {
    let (_, _, item) = tenant(ask)?;
    Ok(Shown { body: shown(item)?, etag: Some(fingerprint(item)) })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Create {
    name: Name,
    region: Region,
    /// Tokens in all, until limits are set.
    budget_tokens: u64,
}

pub fn create_schema() -> Value {
    json!({"type": "object", "required": ["name", "region", "budget_tokens"], "additionalProperties": false,
    "properties": {
        "name": NAME_SCHEMA.clone(),
        "region": {"type": "string", "enum": ["il", "eu", "us"], "description": "where it lives, for good: this address's own region"},
        "budget_tokens": {"type": "integer", "minimum": 0, "maximum": domain::MOST,
            "description": "tokens in all, until limits are set"},
    }})
}

/// A tenant with its policy, an empty list of providers, a budget and its switch; its keys are made with it, by the key
/// service, and added to these rows.
pub fn create(ask: &Ask<'_>) -> Result<Change, Refused> {
    let Create { name, region, budget_tokens } = ask.body()?;
    if region != ask.region {
        let hint = format!("this is {}: call the address of {region}", ask.region);
        return Err(Refused::at(Why::InvalidField, "/region", hint));
    }
    if budget_tokens > domain::MOST {
        return Err(Refused::at(Why::InvalidField, "/budget_tokens", format!("at most {}", domain::MOST)));
    }
    let org = ask.params.org.clone().ok_or(Why::NotFound)?;
    let (parent, _) = ask.must::<Org>(&Key::org(&org))?;
    if parent.status != Lifecycle::Active {
        return Err(Why::OrgInactive.into());
    }
    let id = TenantId::from_random(ask.new_id("tenant"));
    let tenant =
        Tenant { id: id.clone(), org: org.clone(), region, status: Lifecycle::Active, networks: None };
    let mut row = tenant.to_item();
    row.insert(NAME.to_owned(), Attr::text(&name));
    let mut swaps = vec![
        Swap::create(Key::tenant(&id), row.clone()),
        Swap::create(Key::tenant_of(&org, &id), Marker::item()),
        Swap::create(Key::policy(&id), first_policy().to_item()),
        Swap::create(Key::providers(&id), Providers(Vec::new()).to_item()),
        Swap::create(Key::limits(&id), LimitsRow::of_tokens(budget_tokens).to_item()),
        Swap::create(Key::budget(&id, 0), tables::gates::fresh(1)),
    ];
    swaps.extend(super::open_switch(&Switch::Tenant(id.clone())));
    let change = Change::of(swaps, format!("tenant:{id}"), shown(&row)?);
    Ok(Change {
        etag: Some(fingerprint(&row)),
        log: Some((org, id.clone())),
        location: Some(format!("/v1/tenants/{id}")),
        roots: Some(id),
        metadata: Metadata::default().count("budget_tokens", budget_tokens),
        ..change
    })
}

/// What a tenant begins with: text comes back to its caller, and nothing passes uninspected.
fn first_policy() -> PolicyRow {
    PolicyRow {
        version: 1,
        restore: [RestoreField::Text, RestoreField::Reasoning].into(),
        redact_answers: false,
        permits: [].into(),
        forbidden_tools: [].into(),
        max_output_tokens: 4_096,
    }
}

pub fn status(ask: &Ask<'_>) -> Result<Change, Refused> {
    let (key, tenant, item) = tenant(ask)?;
    let new = with_status(ask, item)?;
    let body = shown(&new)?;
    Ok(replaced(key, item, new, format!("tenant:{}", tenant.id), body))
}

/// For good, by two: every call is refused from this write on, and with it all root keys are destroyed, so that nothing that
/// they sealed opens again. The log stays.
pub fn remove(ask: &Ask<'_>) -> Result<Change, Refused> {
    let (key, tenant, item) = tenant(ask)?;
    let mut new = item.clone();
    new.insert("status".to_owned(), Attr::text(Lifecycle::Deleted));
    let body = shown(&new)?;
    let root = |purpose: envelope::Purpose| Key::root(&tenant.id, purpose.as_str());
    let destroyed = envelope::Purpose::ALL.map(|one| KeyOp::ShredRoot { root: root(one) }.to_update().into());
    Ok(Change {
        writes: destroyed.into_iter().collect(),
        weakens: true,
        ..replaced(key, item, new, format!("tenant:{}", tenant.id), body)
    })
}

pub fn networks_schema() -> Value {
    json!({"type": "object", "required": ["networks"], "additionalProperties": false, "properties": {"networks": {
        "description": "IPv4 and IPv6 networks such as 203.0.113.0/24; null: from anywhere",
        "anyOf": [{"type": "null"}, {"type": "array", "maxItems": 100, "items": {"type": "string"}}],
    }}})
}

pub fn networks_get(ask: &Ask<'_>) -> Result<Shown, Refused> {
    let (_, tenant, item) = tenant(ask)?;
    Ok(Shown { body: networks_view(tenant.networks.as_ref()), etag: Some(fingerprint(item)) })
}

pub fn networks(ask: &Ask<'_>) -> Result<Change, Refused> {
    let (key, tenant, item) = tenant(ask)?;
    networks_of(ask, key, item, &tenant.id)
}
