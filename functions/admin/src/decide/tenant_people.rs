//! People of a tenant, for those who lead it: who has a role here, where they are signed in, and whom somebody here invited.
//! Whoever else is of the organization is not seen from here.

use domain::{
    Code, ConnectionId, InEpoch, MetaValue, Metadata, Role, TenantInvite, TenantInvitesRow, User, UserId,
};
use policy::admin::{Granted, PrincipalId, may_change};
use serde::Deserialize;
use serde_json::{Value, json};
use tables::codec::Row as _;
use tables::{Item, Key, Swap, Table, deleted};

use super::invitations::resource;
use super::people::{self, INVITED_MS, invite_digest};
use super::{offices, sessions, tenants};
use crate::ask::Ask;
use crate::event::Params;
use crate::plan::Change;
use crate::refusal::{Refused, Why};
use crate::routes::List;

fn partition(params: &Params, _: &Ask<'_>) -> Option<String> {
    params.tenant.as_ref().map(|tenant| format!("T#{tenant}"))
}

/// Whose role a row among a tenant's own is.
fn holder(key: &Key) -> Option<UserId> {
    key.sk.strip_prefix("BIND#")?.parse().ok()
}

/// Whoever has a role in a tenant, and whether they are in. Of each the person's own row is read beside the role.
pub const USERS: List = List {
    table: Table::Identity,
    partition,
    prefix: |_| "BIND#".to_owned(),
    row: Some(|binding| Some(binding.clone())),
    show: |ask, key, item| {
        let user = User::from_item(ask.rows.get(&person(ask, key)?)?).ok()?;
        Some(json!({"id": user.id, "active": user.active, "role": Role::from_item(item).ok()?}))
    },
};

/// The person whose role a row is.
pub fn person(ask: &Ask<'_>, binding: &Key) -> Option<Key> {
    Some(Key::user(ask.params.org.as_ref()?, &holder(binding)?))
}

/// Sessions of somebody with a role in a tenant; of anybody else there is nothing here.
pub const SESSIONS: List = List {
    partition: |params, ask| here(ask).and_then(|_| (super::users::SESSIONS.partition)(params, ask)),
    ..super::users::SESSIONS
};

fn binding(params: &Params) -> Option<Key> {
    Some(Key::binding(params.tenant.as_ref()?, params.user.as_ref()?))
}

/// The role that makes somebody one of the tenant's.
pub fn role_needs(params: &Params, _: &Value) -> Vec<Key> {
    binding(params).into_iter().collect()
}

fn here(ask: &Ask<'_>) -> Option<Role> {
    ask.find(&binding(ask.params)?).ok().flatten()
}

pub fn session_needs(params: &Params, body: &Value) -> Vec<Key> {
    let offices = params.org.iter().zip(&params.user);
    let offices = offices.flat_map(|(org, user)| [Key::org_owner(org, user), Key::platform_admin(user)]);
    sessions::needs(params, body).into_iter().chain(binding(params)).chain(offices).collect()
}

/// A session of somebody with a role here. Sessions are of the whole organization: nobody is signed out from below.
pub fn revoke(ask: &Ask<'_>) -> Result<Change, Refused> {
    let role = here(ask).ok_or(Why::NotFound)?;
    let (org, user) = ask.params.org.as_ref().zip(ask.params.user.as_ref()).ok_or(Why::NotFound)?;
    let caller = &ask.who.principal;
    let owns = ask.rows.contains_key(&Key::org_owner(org, user)) && caller.org_owner.is_none();
    let administers = offices::administers(ask.rows, user);
    let whose = PrincipalId::User(user.clone());
    let takes = may_change(caller, ask.resource, &whose, Some(Granted::Role(role)), None);
    // Through broken glass nothing is taken away; to end a session is what it is open for.
    let above = owns || administers || takes.is_err();
    if above && !caller.platform && *user != ask.who.user {
        return Err(Why::AboveOwnLevel.into());
    }
    sessions::revoke_any(ask)
}

pub const INVITATIONS: List = List {
    table: Table::Identity,
    partition,
    prefix: |_| PREFIX.to_owned(),
    row: None,
    show: |ask, key, item| {
        let row = TenantInvite::from_item(item).ok()?;
        (ask.now < row.expires_at).then(|| view(key.sk.strip_prefix(PREFIX).unwrap_or_default(), &row))
    },
};

const PREFIX: &str = "INVITE#";

fn view(id: impl std::fmt::Display, row: &TenantInvite) -> Value {
    json!({"id": id.to_string(), "role": row.role, "invited_by": row.invited_by.user, "expires_at": row.expires_at})
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Invite {
    email: String,
    connection: ConnectionId,
    role: Role,
}

pub fn schema() -> Value {
    json!({"type": "object", "required": ["email", "connection", "role"], "additionalProperties": false, "properties": {
        "email": people::email_schema(), "connection": people::connection_schema(), "role": people::role_schema(),
    }})
}

/// What is read of an invitation by its digest: for all tenants, and for this one.
fn places(params: &Params, digest: impl std::fmt::Display) -> Option<[Key; 2]> {
    let (org, tenant) = params.org.as_ref().zip(params.tenant.as_ref())?;
    Some([Key::tenant_invites(org, &digest), Key::tenant_invite(tenant, &digest)])
}

pub fn invite_needs(params: &Params, body: &Value) -> Vec<Key> {
    let digest = people::named(body).map(|(connection, email)| invite_digest(&connection, email));
    let places = digest.and_then(|digest| places(params, digest)).into_iter().flatten();
    people::invite_needs(params, body)
        .into_iter()
        .chain(params.tenant.iter().map(Key::tenant))
        .chain(places)
        .collect()
}

/// Holds a role for somebody until they sign in the next time: who was never here is let in by it, who is here gets it.
pub fn invite(ask: &Ask<'_>) -> Result<Change, Refused> {
    let Invite { email, connection, role } = ask.body()?;
    let (_, tenant, _) = tenants::tenant(ask)?;
    let email = people::invitable(ask, &tenant.org, &email, &connection)?;
    people::may_offer(ask, ask.resource, Granted::Role(role))?;
    let digest = invite_digest(&connection, email);
    let [all, own] = places(ask.params, &digest).ok_or(Why::NotFound)?;
    let invited_by = InEpoch::new(ask.who.user.clone(), ask.who.session.epoch);
    let expires_at = ask.now.plus_millis(INVITED_MS);
    let through = ask.who.session.through.connection().cloned().ok_or(Why::Forbidden)?;
    let row = TenantInvite { tenant: tenant.id.clone(), role, invited_by, through, expires_at };
    let before = ask.find::<TenantInvitesRow>(&all)?;
    let held = before.as_ref().and_then(|before| before.of(&tenant.id));
    // Nobody takes back by another what they could not have offered.
    if let Some(held) = held.filter(|held| ask.now < held.expires_at) {
        people::may_offer(ask, ask.resource, Granted::Role(held.role))?;
    }
    // Under an idempotency key the same is held once, until when it was.
    if let Some(held) = held.filter(|held| ask.idempotency.is_some() && same(held, &row, ask)) {
        return Ok(Change::already(resource(&digest), view(&digest, held)));
    }
    let others = before.map(|before| before.beside(&tenant.id, ask.now).invites).unwrap_or_default();
    if others.len() >= TenantInvitesRow::MOST {
        let hint = "as many tenants hold something for this address as may: wait until they sign in";
        return Err(Refused::hint(Why::InUse, hint));
    }
    let invites = others.into_iter().chain([row.clone()]).collect();
    let wanted = TenantInvitesRow { org: tenant.org, connection, invites };
    let swaps = vec![kept(ask, all, &wanted), written(ask, own, row.to_item()).expiring(expires_at)];
    Ok(Change { metadata: told(role), ..Change::of(swaps, resource(&digest), view(&digest, &row)) })
}

fn same(held: &TenantInvite, row: &TenantInvite, ask: &Ask<'_>) -> bool {
    held.role == row.role && held.invited_by == row.invited_by && ask.now < held.expires_at
}

fn told(role: Role) -> Metadata {
    Metadata::default().with("role", MetaValue::Code(Code::literal(role.as_str())))
}

fn written(ask: &Ask<'_>, key: Key, new: Item) -> Swap {
    Swap { old: ask.rows.get(&key).cloned(), new, key }
}

/// The row of all tenants, as long as one of them holds something.
fn kept(ask: &Ask<'_>, key: Key, row: &TenantInvitesRow) -> Swap {
    let swap = written(ask, key, row.to_item());
    match row.ends() {
        Some(end) => swap.expiring(end),
        None => swap.expiring(ask.now),
    }
}

pub fn withdraw_needs(params: &Params, _: &Value) -> Vec<Key> {
    params.invitation.as_ref().and_then(|digest| places(params, digest)).into_iter().flatten().collect()
}

/// Takes an invitation back, if the caller could have made it. Whoever accepts it at the same moment is in, and this fails, or the
/// other way round.
pub fn withdraw(ask: &Ask<'_>) -> Result<Change, Refused> {
    let digest = ask.params.invitation.as_ref().ok_or(Why::NotFound)?;
    let [all, own] = places(ask.params, digest).ok_or(Why::NotFound)?;
    let (row, item) = ask.must::<TenantInvite>(&own)?;
    people::may_offer(ask, ask.resource, Granted::Role(row.role))?;
    let rest = ask.find::<TenantInvitesRow>(&all)?.map(|all| all.beside(&row.tenant, ask.now));
    let swaps = rest.into_iter().map(|rest| kept(ask, all.clone(), &rest)).collect();
    let change = Change::of(swaps, resource(digest), Value::Null);
    Ok(Change { writes: vec![deleted(&own, item)], metadata: told(row.role), ..change })
}
