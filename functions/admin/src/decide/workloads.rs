//! Programs that sign in by a token of the platform that they run on: a build, a pod, a job. No secret of ours is stored
//! there. Each has one role in one tenant, and is bound to one issuer, audience and subject.

use domain::{Code, InEpoch, Lifecycle, MetaValue, Metadata, Name, Role, UserId, WorkloadId, WorkloadRow};
use policy::admin::{Granted, PrincipalId, may_change};
use serde::Deserialize;
use serde_json::{Value, json};
use tables::codec::Row as _;
use tables::{Attr, Item, Key, Marker, Swap, Table, fingerprint};

use crate::ask::Ask;
use crate::event::Params;
use crate::plan::{Change, Shown};
use crate::refusal::{Refused, Why};
use crate::routes::List;
use crate::sso::workload::Federation;

use super::{NAME, NAME_SCHEMA, named, with_status};

pub const LIST: List = List {
    table: Table::Identity,
    partition: |params, _| params.tenant.as_ref().map(|tenant| format!("T#{tenant}")),
    prefix: |_| "WORKLOAD#".to_owned(),
    row: Some(|marker| marker.sk.strip_prefix("WORKLOAD#")?.parse().ok().map(|id| Key::workload(&id))),
    show: |ask, _, item| view(item).filter(|_| is_here(ask, item)),
};

pub fn needs(params: &Params, _: &Value) -> Vec<Key> {
    params.workload.iter().map(Key::workload).collect()
}

pub fn create_needs(params: &Params, _: &Value) -> Vec<Key> {
    params.tenant.iter().map(Key::tenant).collect()
}

/// A row has a partition of its own: whose it is, it says itself.
fn is_here(ask: &Ask<'_>, item: &Item) -> bool {
    WorkloadRow::from_item(item).is_ok_and(|row| Some(&row.tenant) == ask.params.tenant.as_ref())
}

fn view(item: &Item) -> Option<Value> {
    let row = WorkloadRow::from_item(item).ok()?;
    let federation: Federation = serde_json::from_str(&row.federation).ok()?;
    Some(json!({
        "id": row.id, "name": named(item), "acts_as": row.user, "role": row.role, "status": row.status,
        "owner": row.owner.map(|owner| owner.user), "set_by": row.set_by,
        "issuer": federation.issuer, "audience": federation.audience, "subject": federation.subject,
    }))
}

fn workload<'a>(ask: &'a Ask<'_>) -> Result<(Key, WorkloadRow, &'a Item), Refused> {
    let key = Key::workload(ask.params.workload.as_ref().ok_or(Why::NotFound)?);
    let (row, item) = ask.must::<WorkloadRow>(&key)?;
    if is_here(ask, item) { Ok((key, row, item)) } else { Err(Why::NotFound.into()) }
}

pub fn get(ask: &Ask<'_>) -> Result<Shown, Refused> {
    let (_, _, item) = workload(ask)?;
    Ok(Shown { body: view(item).ok_or(Why::FactsUnavailable)?, etag: Some(fingerprint(item)) })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Create {
    name: Name,
    role: Role,
    issuer: String,
    audience: String,
    subject: String,
}

pub fn schema() -> Value {
    let roles: Vec<_> =
        Role::ALL.iter().filter(|role| **role != Role::Owner).map(|role| role.as_str()).collect();
    json!({"type": "object", "required": ["name", "role", "issuer", "audience", "subject"], "additionalProperties": false, "properties": {
        "name": NAME_SCHEMA.clone(),
        "role": {"type": "string", "enum": roles},
        "issuer": {"type": "string", "maxLength": 512, "description": "as the tokens spell it, such as https://token.actions.githubusercontent.com"},
        "audience": {"type": "string", "maxLength": 256, "description": "what the job asks its token for; one that no other service takes"},
        "subject": {"type": "string", "maxLength": 512, "description": "one subject, or all below an owner: repo:acme/app:ref:refs/heads/main, repo:acme/*"},
    }})
}

fn federation(ask: &Ask<'_>, wanted: &Create) -> Result<Federation, Refused> {
    let subject =
        wanted.subject.parse().map_err(|fault| Refused::at(Why::InvalidField, "/subject", fault))?;
    let made = Federation { issuer: wanted.issuer.clone(), audience: wanted.audience.clone(), subject };
    let place = |fault: &crate::sso::workload::FederationError| match fault {
        crate::sso::workload::FederationError::Issuer(_) => "/issuer",
        crate::sso::workload::FederationError::Audience => "/audience",
    };
    made.check(ask.forms.reach).map_err(|fault| Refused::at(Why::InvalidField, place(&fault), fault))?;
    Ok(made)
}

/// Whoever may give a role to a person may give it to a program, but for that of an owner.
fn may_give(
    ask: &Ask<'_>,
    id: &WorkloadId,
    before: Option<Role>,
    after: Option<Role>,
) -> Result<(), Refused> {
    let code = id.as_str().parse().map_err(|_| Why::FactsUnavailable)?;
    let (before, after) = (before.map(Granted::Role), after.map(Granted::Role));
    may_change(&ask.who.principal, ask.resource, &PrincipalId::Workload(code), before, after)
        .map_err(|_| Why::AboveOwnLevel.into())
}

pub fn create(ask: &Ask<'_>) -> Result<Change, Refused> {
    let wanted: Create = ask.body()?;
    let federation = federation(ask, &wanted)?;
    let (_, tenant, _) = super::tenants::tenant(ask)?;
    let id = WorkloadId::from_random(ask.new_id("workload"));
    may_give(ask, &id, None, Some(wanted.role))?;
    let row = WorkloadRow {
        id: id.clone(),
        org: tenant.org,
        tenant: tenant.id.clone(),
        user: UserId::from_random(ask.new_id("workload acts as")),
        role: wanted.role,
        status: Lifecycle::Active,
        epoch: 1,
        federation: serde_json::to_string(&federation).map_err(|_| Why::FactsUnavailable)?,
        // A program answers for nothing.
        owner: ask.who.person().map(|user| InEpoch::new(user.clone(), ask.who.session.epoch)),
        set_by: ask.who.person().cloned(),
    };
    let mut item = row.to_item();
    item.insert(NAME.to_owned(), Attr::text(&wanted.name));
    let swaps = vec![
        Swap::create(Key::workload(&id), item.clone()),
        Swap::create(Key::workload_of(&tenant.id, &id), Marker::item()),
    ];
    let body = view(&item).ok_or(Why::FactsUnavailable)?;
    Ok(Change {
        etag: Some(fingerprint(&item)),
        location: Some(format!("/v1/tenants/{}/workloads/{id}", tenant.id)),
        metadata: told(&row),
        ..Change::of(swaps, format!("workload:{id}"), body)
    })
}

fn told(row: &WorkloadRow) -> Metadata {
    Metadata::default().with("role", MetaValue::Code(Code::literal(row.role.as_str())))
}

/// Every change of it ends the sessions that it has: they are of an older epoch.
pub fn status(ask: &Ask<'_>) -> Result<Change, Refused> {
    let (key, row, item) = workload(ask)?;
    may_give(ask, &row.id, Some(row.role), Some(row.role))?;
    let mut new = with_status(ask, item)?;
    let body = view(&new).ok_or(Why::FactsUnavailable)?;
    if new == *item {
        return Ok(Change::already(format!("workload:{}", row.id), body));
    }
    new.insert("epoch".to_owned(), Attr::number(row.epoch.saturating_add(1)));
    let metadata = told(&row);
    Ok(Change { metadata, ..super::replaced(key, item, new, format!("workload:{}", row.id), body) })
}

/// The program, and whoever the body names.
pub fn owner_needs(params: &Params, body: &Value) -> Vec<Key> {
    needs(params, body).into_iter().chain(super::answering_needs(params, body)).collect()
}

pub fn owner_schema() -> Value {
    json!({"type": "object", "required": ["owner"], "additionalProperties": false, "properties": {
        "owner": {"type": "string", "pattern": "^usr_[0-9a-hjkmnp-tv-z]{16}$",
            "description": "somebody with a role in the tenant, or an owner of the organization"}}})
}

/// Another person answers for it from now on. Whoever says so is told with it: what it stops is not hung on somebody else alone.
pub fn owner_of(ask: &Ask<'_>) -> Result<Change, Refused> {
    let owner = super::answering(ask)?;
    let (key, row, item) = workload(ask)?;
    may_give(ask, &row.id, Some(row.role), Some(row.role))?;
    if row.owner.as_ref() == Some(&owner) {
        let body = view(item).ok_or(Why::FactsUnavailable)?;
        return Ok(Change::already(format!("workload:{}", row.id), body));
    }
    let set_by = Some(ask.who.user.clone());
    let epoch = row.epoch.saturating_add(1);
    let after = WorkloadRow { owner: Some(owner), set_by, epoch, ..row.clone() };
    let mut new = item.clone();
    new.extend(after.to_item());
    let body = view(&new).ok_or(Why::FactsUnavailable)?;
    Ok(Change {
        metadata: told(&row),
        ..super::replaced(key, item, new, format!("workload:{}", row.id), body)
    })
}
