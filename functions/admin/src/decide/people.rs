//! Who is in, and with which role. Nobody gives more than they have, and nobody changes their own.

use domain::{
    Code, ConnectionId, ConnectionRow, InEpoch, InviteRow, Lifecycle, MetaValue, Metadata, Org, OrgId,
    OwnersRow, Role, TenantId, Timestamp, User, UserId,
};
use policy::admin::{Action, Denial, Granted, PrincipalId, Resource, last_owner, may_change};
use serde::Deserialize;
use serde_json::{Value, json};
use tables::codec::Row as _;
use tables::{Item, Key, Swap, Table, deleted, fingerprint};

use super::invitations;
use super::users::{address_of, is_ended, owning};
use crate::ask::{Ask, Rows, digest};
use crate::event::Params;
use crate::plan::Change;
use crate::refusal::{Refused, Why};
use crate::routes::List;

/// How long an invitation is good for: seven days.
pub const INVITED_MS: u64 = 7 * 86_400_000;

pub const ROLES: List = List {
    table: Table::Identity,
    partition: |params, _| params.tenant.as_ref().map(|tenant| format!("T#{tenant}")),
    prefix: |_| "BIND#".to_owned(),
    row: None,
    show: |_, key, item| {
        let user: UserId = key.sk.strip_prefix("BIND#")?.parse().ok()?;
        Some(json!({"user": user, "role": Role::from_item(item).ok()?}))
    },
};

pub const USERS: List = List {
    table: Table::Identity,
    partition: |params, _| params.org.as_ref().map(|org| format!("ORG#{org}")),
    prefix: |_| "USER#".to_owned(),
    row: None,
    show: |_, _, item| {
        let user = User::from_item(item).ok()?;
        Some(json!({"id": user.id, "active": user.active}))
    },
};

pub fn needs(params: &Params, _: &Value) -> Vec<Key> {
    let (Some(tenant), Some(user)) = (&params.tenant, &params.user) else { return Vec::new() };
    let person = params.org.iter().map(|org| Key::user(org, user));
    person.chain([Key::binding(tenant, user), Key::owners(tenant)]).collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    role: Role,
}

pub fn role_schema() -> Value {
    json!({"type": "string", "enum": Role::ALL.iter().map(|role| role.as_str()).collect::<Vec<_>>()})
}

pub fn grant_schema() -> Value {
    json!({"type": "object", "required": ["role"], "additionalProperties": false, "properties": {"role": role_schema()}})
}

/// A person's role in a tenant, as it is read and written.
struct Place<'a> {
    tenant: &'a TenantId,
    user: &'a UserId,
    key: Key,
    item: Option<&'a Item>,
    role: Option<Role>,
    active: bool,
    /// The person's own row, which says what they own.
    person: (Key, &'a Item),
}

fn place<'a>(ask: &'a Ask<'_>) -> Result<Place<'a>, Refused> {
    let (tenant, user) = ask.params.tenant.as_ref().zip(ask.params.user.as_ref()).ok_or(Why::NotFound)?;
    let org = ask.params.org.as_ref().ok_or(Why::NotFound)?;
    // Somebody of another organization is nobody here.
    let at = Key::user(org, user);
    let (person, row) = ask.must::<User>(&at)?;
    let key = Key::binding(tenant, user);
    let (item, role) = (ask.rows.get(&key), ask.find(&key)?);
    Ok(Place { tenant, user, key, item, role, active: person.active, person: (at, row) })
}

/// The actions that giving or taking a role is, the greatest last: of what somebody has, and of what they are to have.
pub fn actions(params: &Params, body: &Value, rows: &Rows) -> Vec<Action> {
    let place = params.tenant.as_ref().zip(params.user.as_ref());
    let row = place.and_then(|(tenant, user)| rows.get(&Key::binding(tenant, user)));
    let after = body.get("role").and_then(Value::as_str).and_then(|text| text.parse::<Role>().ok());
    // Nobody is taken down by being made an owner.
    let before = row.and_then(|item| Role::from_item(item).ok()).filter(|_| after != Some(Role::Owner));
    let mut actions: Vec<_> =
        before.into_iter().chain(after).map(|role| Granted::Role(role).action()).collect();
    actions.sort();
    actions
}

pub fn grant(ask: &Ask<'_>) -> Result<Change, Refused> {
    let Wanted { role } = ask.body()?;
    let place = place(ask)?;
    allowed(ask, place.user, place.role.map(Granted::Role), Some(Granted::Role(role)))?;
    // Whoever is ended stands in no row of owners, and gets nothing new.
    if !place.active {
        return Err(Why::PersonInactive.into());
    }
    let body = json!({"user": place.user, "role": role});
    if place.role == Some(role) {
        return Ok(Change::already(resource(place.user), body));
    }
    let new = role.to_item();
    let tag = fingerprint(&new);
    let mut swaps = vec![Swap { key: place.key.clone(), old: place.item.cloned(), new }];
    swaps.extend(owners(ask, &place, role == Role::Owner)?);
    let metadata = Metadata::default()
        .with("role", MetaValue::Code(Code::literal(role.as_str())))
        .with("before", MetaValue::Code(Code::literal(place.role.map_or("none", Role::as_str))));
    Ok(Change { etag: Some(tag), metadata, ..Change::of(swaps, resource(place.user), body) })
}

pub fn withdraw(ask: &Ask<'_>) -> Result<Change, Refused> {
    let place = place(ask)?;
    let before = place.role.ok_or(Why::NotFound)?;
    allowed(ask, place.user, Some(Granted::Role(before)), None)?;
    let swaps = owners(ask, &place, false)?;
    let mut change = Change::of(swaps, resource(place.user), Value::Null);
    change.writes.push(deleted(&place.key, place.item.ok_or(Why::NotFound)?));
    let before = MetaValue::Code(Code::literal(before.as_str()));
    Ok(Change { metadata: Metadata::default().with("before", before), ..change })
}

fn resource(user: &UserId) -> String {
    format!("user:{user}")
}

fn allowed(
    ask: &Ask<'_>,
    user: &UserId,
    before: Option<Granted>,
    after: Option<Granted>,
) -> Result<(), Refused> {
    if *user == ask.who.user {
        return Err(Why::OnSelf.into());
    }
    let whose = PrincipalId::User(user.clone());
    may_change(&ask.who.principal, ask.resource, &whose, before, after).map_err(|denial| match denial {
        Denial::NotFound => Why::NotFound.into(),
        Denial::Forbidden | Denial::MfaRequired | Denial::Fault => Why::AboveOwnLevel.into(),
    })
}

/// The row of owners, if it changes, and the person's own: written with every change of an owner, so that two who leave at once
/// are seen.
fn owners(ask: &Ask<'_>, place: &Place<'_>, owns: bool) -> Result<Vec<Swap>, Refused> {
    let key = Key::owners(place.tenant);
    let owned = place.role == Some(Role::Owner);
    if owns == owned {
        return Ok(Vec::new());
    }
    let mut row = ask.find::<OwnersRow>(&key)?.unwrap_or_default();
    if owns {
        row.0.insert(place.user.clone());
    } else if row.0.remove(place.user) {
        last_owner(row.0.len()).map_err(|_| Why::LastOwner)?;
    }
    let owners = Swap { old: ask.rows.get(&key).cloned(), new: row.to_item(), key };
    let (key, old) = &place.person;
    let new = owning(old, place.tenant, owns)?;
    Ok(vec![owners, Swap { key: key.clone(), old: Some((*old).clone()), new }])
}

/// Whom a body invites, and through which connection.
pub fn named(body: &Value) -> Option<(ConnectionId, &str)> {
    let text = |name| body.get(name).and_then(Value::as_str);
    text("connection")?.parse().ok().zip(text("email"))
}

/// The connection that the body names, and the organization.
pub fn invite_needs(params: &Params, body: &Value) -> Vec<Key> {
    let tenant = body.get("tenant").and_then(Value::as_str).and_then(|text| text.parse().ok());
    let tenant = tenant.map(|id: TenantId| Key::tenant(&id));
    let Some(org) = &params.org else { return Vec::new() };
    let of = |(connection, email): (ConnectionId, &str)| {
        let invite = Key::invite(org, invite_digest(&connection, email));
        [Key::connection(&connection), Key::address(org, address_of(org, email)), invite]
    };
    named(body).map(of).into_iter().flatten().chain([Key::org(org)]).chain(tenant).collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Invite {
    email: String,
    connection: ConnectionId,
    #[serde(default)]
    owner: bool,
    tenant: Option<TenantId>,
    role: Option<Role>,
}

pub fn invite_schema() -> Value {
    json!({"type": "object", "required": ["email", "connection"], "additionalProperties": false, "properties": {
        "email": email_schema(), "connection": connection_schema(),
        "owner": {"type": "boolean", "default": false, "description": "owns the organization"},
        "tenant": {"anyOf": [{"type": "null"}, {"type": "string", "pattern": "^ten_[0-9a-z]{16}$"}]},
        "role": {"anyOf": [{"type": "null"}, role_schema()]},
    }})
}

pub fn email_schema() -> Value {
    json!({"type": "string", "maxLength": 254, "description": "that the identity provider must have verified; it is kept as a digest alone"})
}

pub fn connection_schema() -> Value {
    json!({"type": "string", "pattern": "^con_[0-9a-hjkmnp-tv-z]{16}$", "description": "through which they sign in: one of the organization's"})
}

/// Where an invitation lies. Addresses are compared in lower case: no provider tells two people by it.
pub fn invite_digest(connection: &ConnectionId, email: &str) -> domain::Opaque {
    digest(&["countersign invite", connection.as_str(), &email.trim().to_ascii_lowercase()])
}

/// An address to which something may be held, through a connection of the organization.
///
/// # Errors
/// It is none, or of somebody who was ended; or the connection is another's.
pub fn invitable<'a>(
    ask: &Ask<'_>,
    org: &OrgId,
    email: &'a str,
    connection: &ConnectionId,
) -> Result<&'a str, Refused> {
    let email = super::email(email, "/email")?;
    if is_ended(ask.rows, org, &address_of(org, email))? {
        return Err(Refused::at(Why::PersonInactive, "/email", "an invitation brings nobody back"));
    }
    let connection = ask.find::<ConnectionRow>(&Key::connection(connection))?;
    if connection.is_none_or(|row| row.org != *org) {
        return Err(Refused::at(Why::InvalidField, "/connection", "a connection of this organization"));
    }
    Ok(email)
}

pub fn invite(ask: &Ask<'_>) -> Result<Change, Refused> {
    let wanted: Invite = ask.body()?;
    let org = ask.params.org.clone().ok_or(Why::NotFound)?;
    ask.must::<Org>(&Key::org(&org))?;
    let email = invitable(ask, &org, &wanted.email, &wanted.connection)?;
    let tenant = match (wanted.tenant, wanted.role) {
        (Some(tenant), Some(role)) => Some((tenant, role)),
        (None, None) => None,
        _ => return Err(Refused::at(Why::InvalidField, "/role", "a tenant and a role in it, or neither")),
    };
    invited(ask, &org, wanted.owner, tenant.as_ref())?;
    let digest = invite_digest(&wanted.connection, email);
    let key = Key::invite(&org, &digest);
    let expires_at = ask.now.plus_millis(INVITED_MS);
    let row = InviteRow {
        org,
        connection: wanted.connection,
        platform: false,
        owner: wanted.owner,
        tenant,
        invited_by: Some(InEpoch::new(ask.who.user.clone(), ask.who.session.epoch)),
        through: ask.who.session.through.connection().cloned(),
        expires_at,
    };
    let told = |end: Timestamp| json!({"id": digest, "expires_at": end});
    // Under an idempotency key the same is promised once, until when it was.
    let before = ask.find::<InviteRow>(&key)?.filter(|_| ask.idempotency.is_some());
    if let Some(before) = before.filter(|one| ask.now < one.expires_at)
        && (InviteRow { expires_at, ..before.clone() }) == row
    {
        return Ok(Change::already(invitations::resource(&digest), told(before.expires_at)));
    }
    // The last one counts: an older one, perhaps mistaken, is replaced.
    let swap = Swap { old: ask.rows.get(&key).cloned(), new: row.to_item(), key }.expiring(expires_at);
    let role = row.tenant.as_ref().map_or("none", |(_, role)| role.as_str());
    Ok(Change {
        metadata: Metadata::default()
            .flag("owner", row.owner)
            .with("role", MetaValue::Code(Code::literal(role))),
        ..Change::of(vec![swap], invitations::resource(&digest), told(expires_at))
    })
}

/// Whether the caller may give that to somebody who is not themselves.
///
/// # Errors
/// It is above their own level.
pub fn may_offer(ask: &Ask<'_>, resource: &Resource, granted: Granted) -> Result<(), Refused> {
    let stranger = PrincipalId::User(UserId::from_random(ask.random.change));
    may_change(&ask.who.principal, resource, &stranger, None, Some(granted))
        .map_err(|_| Why::AboveOwnLevel.into())
}

/// Whether the caller may give what the invitation holds.
fn invited(
    ask: &Ask<'_>,
    org: &OrgId,
    owner: bool,
    tenant: Option<&(TenantId, Role)>,
) -> Result<(), Refused> {
    if owner {
        may_offer(ask, &Resource::Org(org.clone()), Granted::OrgOwner)?;
    }
    let Some((tenant, role)) = tenant else { return Ok(()) };
    let row = ask.find::<domain::Tenant>(&Key::tenant(tenant))?.filter(|row| row.org == *org);
    match row.map(|row| row.status) {
        Some(Lifecycle::Deleted) => return Err(Refused::at(Why::TenantDeleted, "/tenant", "name another")),
        Some(Lifecycle::Active | Lifecycle::Suspended) => {}
        None => return Err(Refused::at(Why::InvalidField, "/tenant", "a tenant of this organization")),
    }
    may_offer(ask, &Resource::Tenant { org: org.clone(), tenant: tenant.clone() }, Granted::Role(*role))
}
