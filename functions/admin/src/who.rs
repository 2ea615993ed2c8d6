//! From a session's rows to somebody who can be held to account. Pure.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    BreakGlassRow, Code, ConnectionId, ConnectionRow, Lifecycle, Org, OrgId, Role, SessionEnd, SessionRow,
    Tenant, TenantId, Through, Timestamp, User, UserId, WorkloadId, WorkloadRow,
};
use policy::admin::{Principal, PrincipalId, Resource};
use tables::codec::Row as _;
use tables::{Item, Key};

use crate::ask::{Rows, Who};
use crate::decide::admit;
use crate::event::Params;
use crate::refusal::Why;
use crate::routes::On;
use crate::sso::ConnectionForm;
use crate::sso::session_token::Session;

/// The session that a token is of, as its row has it.
///
/// # Errors
/// There is no such session any more, or it is another's: nobody is known, so nobody is blamed.
pub fn presented(token: &Session, item: Option<&Item>) -> Result<SessionRow, Why> {
    let row = item.map(SessionRow::from_item).transpose().map_err(|_| Why::FactsUnavailable)?;
    let same = |row: &SessionRow| row.id == token.sid && row.user == token.user && row.epoch == token.epoch;
    row.filter(same).ok_or(Why::SessionUnknown)
}

/// The rows behind a session, beside those that an operation reads.
pub fn keys(session: &SessionRow, params: &Params) -> Vec<Key> {
    let (org, user) = (&session.org, &session.user);
    let mut keys = vec![
        Key::session(&session.id),
        Key::user(org, user),
        Key::org(org),
        Key::org_owner(org, user),
        Key::platform_admin(user),
        match &session.through {
            Through::Connection(id) => Key::connection(id),
            Through::Workload(id) => Key::workload(id),
        },
    ];
    keys.extend(session.root.as_ref().map(Key::session));
    if let Some(tenant) = &params.tenant {
        keys.extend([Key::tenant(tenant), Key::binding(tenant, user), Key::break_glass(tenant, user)]);
    }
    keys
}

/// Whether everybody behind a session is in good standing, and what they may be.
///
/// # Errors
/// The first that does not hold. Whoever it is is known: the refusal is recorded.
pub fn standing(session: &SessionRow, rows: &Rows, params: &Params, now: Timestamp) -> Result<Who, Why> {
    session.check(now).map_err(over)?;
    let root = session.root.as_ref().map(|id| read::<SessionRow>(rows, &Key::session(id))).transpose()?;
    session.check_root(root.flatten().as_ref(), now).map_err(over)?;
    let platform = rows.contains_key(&Key::platform_admin(&session.user));
    let own: Option<Org> = read(rows, &Key::org(&session.org))?;
    if own.is_none_or(|own| own.status != Lifecycle::Active) && !platform {
        return Err(Why::OrgInactive);
    }
    let principal = match &session.through {
        Through::Connection(connection) => person(session, connection, rows, params, now)?,
        Through::Workload(workload) => program(session, workload, rows, params)?,
    };
    Ok(Who { principal, user: session.user.clone(), org: session.org.clone(), session: session.clone() })
}

const fn over(end: SessionEnd) -> Why {
    match end {
        SessionEnd::Revoked => Why::SessionRevoked,
        SessionEnd::Expired => Why::SessionExpired,
        SessionEnd::Idle => Why::SessionIdle,
    }
}

/// A person, as their rows have them.
fn person(
    session: &SessionRow,
    connection: &ConnectionId,
    rows: &Rows,
    params: &Params,
    now: Timestamp,
) -> Result<Principal, Why> {
    let (org, id) = (&session.org, &session.user);
    // A connection that was stopped, perhaps because it was broken into, ends what came through it.
    let through: Option<ConnectionRow> = read(rows, &Key::connection(connection))?;
    if through.is_none_or(|row| row.status != Lifecycle::Active || row.org != *org) {
        return Err(Why::ConnectionInactive);
    }
    let user: User = read(rows, &Key::user(org, id))?.ok_or(Why::UserInactive)?;
    if !user.active || user.id != *id {
        return Err(Why::UserInactive);
    }
    if user.epoch != session.epoch {
        return Err(Why::SessionEpoch);
    }
    let roles = match &params.tenant {
        Some(tenant) => role(rows, org, tenant, session)?,
        None => BTreeMap::new(),
    };
    Ok(Principal {
        break_glass: opened(rows, params, session, now)?,
        platform: rows.contains_key(&Key::platform_admin(id)),
        org_owner: rows.contains_key(&Key::org_owner(org, id)).then(|| org.clone()),
        org_member: Some(org.clone()),
        roles,
        mfa: session.mfa,
        ..Principal::nobody(PrincipalId::User(id.clone()))
    })
}

/// A program: it has the one role that its row gives, in the one tenant, and no office.
fn program(
    session: &SessionRow,
    workload: &WorkloadId,
    rows: &Rows,
    params: &Params,
) -> Result<Principal, Why> {
    let row: WorkloadRow = read(rows, &Key::workload(workload))?.ok_or(Why::WorkloadInactive)?;
    if row.status != Lifecycle::Active
        || row.id != *workload
        || row.org != session.org
        || row.user != session.user
    {
        return Err(Why::WorkloadInactive);
    }
    if row.epoch != session.epoch {
        return Err(Why::SessionEpoch);
    }
    // The tenant is read where a path names it, and there alone it counts.
    let here = params.tenant.as_ref().filter(|tenant| **tenant == row.tenant);
    let of: Option<Tenant> = here.map_or(Ok(None), |tenant| read(rows, &Key::tenant(tenant)))?;
    let role = of.filter(|tenant| tenant.org == row.org).map(|tenant| (tenant.id, row.role));
    Ok(Principal { roles: role.into_iter().collect(), ..Principal::nobody(program_id(workload)) })
}

fn program_id(workload: &WorkloadId) -> PrincipalId {
    // An id of ours is always a code.
    PrincipalId::Workload(workload.as_str().parse().unwrap_or_else(|_| Code::literal("unknown")))
}

/// Whether a connection still gives that role in a tenant: a mapping that was taken away or lowered counts no longer.
fn maps(rows: &Rows, connection: &ConnectionId, tenant: &TenantId, role: Role) -> bool {
    let row = read::<ConnectionRow>(rows, &Key::connection(connection)).ok().flatten();
    let form = row.and_then(|row| serde_json::from_str::<ConnectionForm>(&row.document).ok());
    form.is_some_and(|form| {
        form.group_roles.iter().any(|row| row.grant.tenant == *tenant && row.grant.role == role)
    })
}

/// The tenant, if its glass is broken for this person and another has confirmed that. It mends itself in time.
fn opened(
    rows: &Rows,
    params: &Params,
    session: &SessionRow,
    now: Timestamp,
) -> Result<BTreeSet<TenantId>, Why> {
    let Some(tenant) = &params.tenant else { return Ok(BTreeSet::new()) };
    let row: Option<BreakGlassRow> = read(rows, &Key::break_glass(tenant, &session.user))?;
    let open = row
        .is_some_and(|row| row.user == session.user && row.confirmed_by != row.user && now < row.expires_at);
    Ok(open.then(|| tenant.clone()).into_iter().collect())
}

/// A role counts in a tenant of the person's own organization alone.
fn role(
    rows: &Rows,
    org: &OrgId,
    tenant: &TenantId,
    session: &SessionRow,
) -> Result<BTreeMap<TenantId, Role>, Why> {
    let row: Option<Tenant> = read(rows, &Key::tenant(tenant))?;
    let bound: Option<Role> = read(rows, &Key::binding(tenant, &session.user))?;
    let via = rows.get(&Key::binding(tenant, &session.user)).and_then(admit::came_by_group);
    let gives = |via: ConnectionId| {
        session.through.connection() == Some(&via) && bound.is_some_and(|role| maps(rows, &via, tenant, role))
    };
    let mapped = via.is_none_or(gives);
    let bound = bound.filter(|_| mapped && row.is_some_and(|row| row.org == *org));
    Ok(bound.map(|role| (tenant.clone(), role)).into_iter().collect())
}

fn read<T: tables::codec::Row>(rows: &Rows, key: &Key) -> Result<Option<T>, Why> {
    rows.get(key).map(T::from_item).transpose().map_err(|_| Why::FactsUnavailable)
}

/// What the path names. A tenant's organization is what its row says; without a row there is no such thing.
///
/// # Errors
/// There is none.
pub fn resource(on: On, params: &Params, who: &Who) -> Result<Resource, Why> {
    match on {
        On::Platform => Ok(Resource::Platform),
        On::Org => params.org.clone().map(Resource::Org).ok_or(Why::NotFound),
        On::Tenant => {
            let (org, tenant) = params.org.clone().zip(params.tenant.clone()).ok_or(Why::NotFound)?;
            Ok(Resource::Tenant { org, tenant })
        }
        // What is one's own in a tenant is so in one that one belongs to.
        On::Self_ if params.tenant.is_some() && params.org.as_ref() != Some(&who.org) => Err(Why::NotFound),
        On::Self_ => {
            let org = params.org.clone().unwrap_or_else(|| who.org.clone());
            let tenant = params.tenant.clone().unwrap_or_else(TenantId::platform);
            Ok(Resource::Owned { org, tenant, owner: who.user.clone() })
        }
    }
}

/// Somebody who is known and nothing more: for the record of a refusal.
pub fn named(session: &SessionRow) -> Who {
    let id = match &session.through {
        Through::Connection(_) => PrincipalId::User(session.user.clone()),
        Through::Workload(workload) => program_id(workload),
    };
    let principal = Principal::nobody(id);
    Who { principal, user: session.user.clone(), org: session.org.clone(), session: session.clone() }
}

/// What somebody holds now, from their own rows: whoever asked for a change must still be one who may.
pub fn requester(
    rows: &Rows,
    org: &OrgId,
    tenant: Option<&TenantId>,
    user: &UserId,
) -> Result<Option<Principal>, Why> {
    let row: Option<User> = read(rows, &Key::user(org, user))?;
    let platform = rows.contains_key(&Key::platform_admin(user));
    // The platform's people belong to another organization, and have no row in this one.
    if !row.map_or(platform, |row| row.active) {
        return Ok(None);
    }
    let role: Option<Role> = match tenant {
        Some(tenant) => read(rows, &Key::binding(tenant, user))?,
        None => None,
    };
    Ok(Some(Principal {
        platform,
        org_owner: rows.contains_key(&Key::org_owner(org, user)).then(|| org.clone()),
        org_member: Some(org.clone()),
        roles: tenant.cloned().zip(role).into_iter().collect(),
        mfa: true,
        ..Principal::nobody(PrincipalId::User(user.clone()))
    }))
}

/// The rows that [`requester`] reads.
pub fn requester_keys(org: &OrgId, tenant: Option<&TenantId>, user: &UserId) -> Vec<Key> {
    let person = [Key::user(org, user), Key::org_owner(org, user), Key::platform_admin(user)];
    let in_tenant = |tenant| [Key::binding(tenant, user), Key::break_glass(tenant, user)];
    person.into_iter().chain(tenant.into_iter().flat_map(in_tenant)).collect()
}

#[cfg(test)]
mod tests;
