//! Changes that wait for a second person: what was asked for is kept as it was sent, and decided again when it is confirmed.

use domain::{AskedAs, ChangeId, ChangeRow, ChangeState, Code, MetaValue, Metadata, OrgId, Person, UserId};
use policy::admin::{PrincipalId, may_confirm};
use serde_json::{Value, json};
use tables::codec::Row as _;
use tables::{Attr, Item, Key, Swap, Table};

use crate::ask::{self, Ask};
use crate::decide::glass;
use crate::event::{self, Params, Request};
use crate::plan::Change;
use crate::refusal::{Refused, Why};
use crate::routes::{List, Operation, Run, named};

pub const LIST: List = List {
    table: Table::Control,
    partition: |params, _| {
        let tenant = params.tenant.as_ref().map(|tenant| format!("T#{tenant}"));
        let place = tenant.or_else(|| params.org.as_ref().map(|org| format!("ORG#{org}")));
        Some(place.unwrap_or_else(|| "PLATFORM".to_owned()))
    },
    prefix: |_| "CHANGE#".to_owned(),
    row: None,
    show: |ask, _, item| {
        let row = ChangeRow::from_item(item).ok()?;
        let open = row.state == ChangeState::Pending && ask.now < row.expires_at;
        open.then(|| view(&row))
    },
};

pub fn needs(params: &Params, _: &Value) -> Vec<Key> {
    params.change.iter().map(|change| place(params, change)).collect()
}

/// A change lies where it is to be made: at a tenant, at an organization, or at the platform.
fn place(params: &Params, change: &ChangeId) -> Key {
    match (&params.tenant, &params.org) {
        (Some(tenant), _) => Key::change(tenant, change),
        (None, Some(org)) => Key::org_change(org, change),
        (None, None) => Key::platform_change(change),
    }
}

/// Where the change lies that the same caller has asked for by this path under the same Idempotency-Key, if they have.
pub fn repeated(request: &Request, params: &Params, user: &UserId) -> Option<Key> {
    let key = request.idempotency.as_deref()?;
    let id = ask::repeated_id(WHAT, &request.path, user, key);
    Some(place(params, &ChangeId::from_random(id)))
}

/// What the id of a change is made for.
const WHAT: &str = "change";

/// What people are shown of it, the wanted body included: whoever confirms must see what.
pub fn view(row: &ChangeRow) -> Value {
    let body: Value = serde_json::from_str(&row.body).unwrap_or_default();
    json!({
        "id": row.id, "operation": row.operation, "path": row.path, "body": body, "requested_by": row.by,
        "requested_at": row.at, "expires_at": row.expires_at, "state": row.state, "confirmed_by": second(row),
    })
}

/// Who the second person may be. Whoever is alone names another first.
fn second(row: &ChangeRow) -> &'static str {
    let of = |level: &str| row.path.starts_with(level);
    match row.operation.as_str() {
        glass::OPERATION => "somebody else of the platform, an owner of the organization or of the tenant",
        _ if of("/v1/platform/") => "another administrator of the platform",
        _ if of("/v1/orgs/") => "another owner of the organization",
        _ => "another person whose role includes this change, or another owner of the organization",
    }
}

fn pending<'a>(ask: &'a Ask<'_>) -> Result<(Key, ChangeRow, &'a Item), Refused> {
    let key = needs(ask.params, ask.body).into_iter().next().ok_or(Why::NotFound)?;
    let (row, item) = ask.must::<ChangeRow>(&key)?;
    match row.state {
        ChangeState::Pending if row.expires_at <= ask.now => Err(Why::ChangeExpired.into()),
        ChangeState::Pending => Ok((key, row, item)),
        ChangeState::Confirmed | ChangeState::Withdrawn => Err(Why::ChangeDone.into()),
    }
}

fn moved(key: Key, item: &Item, state: ChangeState) -> Swap {
    let mut new = item.clone();
    new.insert("state".to_owned(), Attr::text(state));
    Swap { key, old: Some(item.clone()), new }
}

/// The operation that a change is of, and what its path names.
pub fn operation(row: &ChangeRow) -> Option<(&'static Operation, Params, Value)> {
    let operation = named(row.operation.as_str())?;
    let params = event::matched(operation.path, &row.path)?;
    Some((operation, params, serde_json::from_str(&row.body).ok()?))
}

/// The same of what platform administrators ask for, which has an action of its own.
pub fn confirm_glass(ask: &Ask<'_>) -> Result<Change, Refused> {
    let (_, row, _) = pending(ask)?;
    if row.operation.as_str() != glass::OPERATION { Err(Why::NotFound.into()) } else { confirmed(ask) }
}

/// Whatever else the people of a tenant or of an organization ask for.
pub fn confirm(ask: &Ask<'_>) -> Result<Change, Refused> {
    let (_, row, _) = pending(ask)?;
    if row.operation.as_str() == glass::OPERATION { Err(Why::NotFound.into()) } else { confirmed(ask) }
}

/// Decides again what was asked for, on what is there now: both are written together, or neither.
fn confirmed(ask: &Ask<'_>) -> Result<Change, Refused> {
    let (key, row, item) = pending(ask)?;
    let by = PrincipalId::User(row.by.clone());
    may_confirm(&by, &ask.who.principal.id).map_err(|_| Why::SamePerson)?;
    if same_address(ask, &row)? {
        return Err(Why::SamePerson.into());
    }
    let (operation, params, body) = operation(&row).ok_or(Why::FactsUnavailable)?;
    let Run::Change { decide, .. } = operation.run else { return Err(Why::FactsUnavailable.into()) };
    // A tenant's path names no organization: which it is of says its row.
    let foreign = params.org.is_some() && params.org != ask.params.org;
    if foreign || params.tenant != ask.params.tenant {
        return Err(Why::NotFound.into());
    }
    let params = Params { org: ask.params.org.clone(), ..params };
    let seen = row.seen.as_ref().map(domain::Opaque::as_str);
    let again = Ask {
        confirms: Some(&row),
        params: &params,
        body: &body,
        if_match: seen,
        first_only: seen.is_none(),
        idempotency: None,
        ..*ask
    };
    let change = decide(&again)?;
    let mut writes = change.writes;
    writes.push(moved(key, item, ChangeState::Confirmed).to_write());
    let metadata = change.metadata.with("operation", MetaValue::Code(row.operation.clone()));
    // It is confirmed even if what it asks for stands there already.
    Ok(Change {
        writes,
        metadata,
        weakens: false,
        already: false,
        resource: format!("change:{}", row.id),
        ..change
    })
}

/// Two accounts under one verified address are one person.
fn same_address(ask: &Ask<'_>, row: &ChangeRow) -> Result<bool, Refused> {
    // Digests of addresses are an organization's own: elsewhere nothing can be compared.
    let Some(asked_as) = row.asked_as.as_ref().filter(|one| one.org == ask.who.org) else { return Ok(false) };
    same_person(ask, &asked_as.org, &row.by, &ask.who.user)
}

/// Whether two accounts of an organization, both of which were read, have a verified address in common.
///
/// # Errors
/// A row does not read.
pub fn same_person(ask: &Ask<'_>, org: &OrgId, one: &UserId, other: &UserId) -> Result<bool, Refused> {
    let of = |user: &UserId| {
        Ok::<_, Refused>(ask.find::<Person>(&Key::user(org, user))?.map(|person| person.addresses))
    };
    let (one, other) = (of(one)?.unwrap_or_default(), of(other)?.unwrap_or_default());
    Ok(one.iter().any(|address| other.contains(address)))
}

/// By whoever asked for it.
pub fn withdraw(ask: &Ask<'_>) -> Result<Change, Refused> {
    let (key, row, item) = pending(ask)?;
    if row.by != ask.who.user {
        return Err(Refused::hint(Why::Forbidden, "a change is withdrawn by whoever asked for it"));
    }
    let body = view(&ChangeRow { state: ChangeState::Withdrawn, ..row.clone() });
    let change =
        Change::of(vec![moved(key, item, ChangeState::Withdrawn)], format!("change:{}", row.id), body);
    Ok(Change { metadata: Metadata::default().with("operation", MetaValue::Code(row.operation)), ..change })
}

/// What was asked for before is not asked for twice while it waits: its answer is as it stands.
fn repeats(before: &ChangeRow, row: &ChangeRow) -> Result<Change, Refused> {
    let what = |row: &ChangeRow| {
        (row.operation.clone(), row.path.clone(), row.body.clone(), row.seen.clone(), row.by.clone())
    };
    if what(before) != what(row) {
        return Err(Refused::hint(Why::Conflict, "this Idempotency-Key has asked for something else"));
    }
    if before.state != ChangeState::Pending || before.expires_at <= row.at {
        let hint = "what this Idempotency-Key asked for waits no more: ask with another one";
        return Err(Refused::hint(Why::Conflict, hint));
    }
    Ok(Change::already(format!("change:{}", before.id), view(before)))
}

/// A change that was asked for, to be kept until somebody else confirms it.
pub fn asked_for(
    ask: &Ask<'_>,
    operation: &'static Operation,
    path: &str,
    seen: Option<&str>,
) -> Result<Change, Refused> {
    let id = ChangeId::from_random(ask.new_id(WHAT));
    let key = place(ask.params, &id);
    let connection = ask.who.session.through.connection().ok_or(Why::Forbidden)?;
    let ttl = u64::try_from(policy::admin::CHANGE_TTL.as_millis()).unwrap_or(u64::MAX);
    let row = ChangeRow {
        id: id.clone(),
        operation: Code::literal(operation.name),
        path: path.to_owned(),
        body: ask.body.to_string(),
        seen: seen.and_then(|seen| seen.parse().ok()),
        by: ask.who.user.clone(),
        asked_as: Some(AskedAs {
            org: ask.who.org.clone(),
            epoch: ask.who.session.epoch,
            connection: connection.clone(),
        }),
        at: ask.now,
        expires_at: ask.now.plus_millis(ttl),
        state: ChangeState::Pending,
    };
    if let Some(before) = ask.find::<ChangeRow>(&key)? {
        return repeats(&before, &row);
    }
    // Kept for a week beyond its end, so that it can be seen what became of it.
    let swap = Swap::create(key, row.to_item()).expiring(row.expires_at.plus_millis(7 * 86_400_000));
    Ok(Change {
        metadata: Metadata::default().with("operation", MetaValue::Code(row.operation.clone())),
        ..Change::of(vec![swap], format!("change:{id}"), view(&row))
    })
}
