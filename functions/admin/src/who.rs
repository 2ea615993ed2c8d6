//! From a session's rows to somebody who can be held to account. Pure.

use std::collections::BTreeSet;

use domain::{
    AskedAs, BreakGlassRow, ChangeRow, Code, ConnectionId, ConnectionRow, Lifecycle, Org, OrgId, Role,
    SessionEnd, SessionRow, Tenant, TenantId, Through, Timestamp, User, UserId, WorkloadId, WorkloadRow,
};
use policy::admin::{Principal, PrincipalId, Resource};
use tables::codec::Row as _;
use tables::standing::role_through;
use tables::{Item, Key};

use crate::ask::{Rows, Who};
use crate::decide::offices;
use crate::event::Params;
use crate::refusal::Why;
use crate::routes::On;
use crate::sso::connection::session_minutes;
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
    let mut keys = of_person(&session.org, &session.user, params);
    keys.push(Key::session(&session.id));
    keys.push(match &session.through {
        Through::Connection(id) => Key::connection(id),
        Through::Workload(id) => Key::workload(id),
    });
    keys.extend(session.root.as_ref().map(Key::session));
    keys
}

/// The rows that say what somebody is, above and in the tenant that a path names.
fn of_person(org: &OrgId, user: &UserId, params: &Params) -> Vec<Key> {
    let person = [Key::user(org, user), Key::org(org), Key::org_owner(org, user), Key::platform_admin(user)];
    let here = |tenant| [Key::tenant(tenant), Key::binding(tenant, user), Key::break_glass(tenant, user)];
    person.into_iter().chain(params.tenant.iter().flat_map(here)).collect()
}

/// The row of the person who answers for a session's program.
pub fn behind(session: &SessionRow, rows: &Rows) -> Option<Key> {
    let Through::Workload(id) = &session.through else { return None };
    let row = WorkloadRow::from_item(rows.get(&Key::workload(id))?).ok()?;
    row.owner.map(|owner| Key::user(&row.org, &owner.user))
}

/// Whether everybody behind a session is in good standing, and what they may be.
///
/// # Errors
/// The first that does not hold. Whoever it is is known: the refusal is recorded.
pub fn standing(session: &SessionRow, rows: &Rows, params: &Params, now: Timestamp) -> Result<Who, Why> {
    session.check(now).map_err(over)?;
    let root = session.root.as_ref().map(|id| read::<SessionRow>(rows, &Key::session(id))).transpose()?;
    let root = root.flatten();
    session.check_root(root.as_ref(), now).map_err(over)?;
    let platform = offices::administers(rows, &session.user);
    let own: Option<Org> = read(rows, &Key::org(&session.org))?;
    if own.is_none_or(|own| own.status != Lifecycle::Active) && !platform {
        return Err(Why::OrgInactive);
    }
    let (principal, answers, set_by) = match &session.through {
        Through::Connection(connection) => {
            let person = person(&of_session(session, connection), rows, params, now)?;
            // What was handed over counts from the sign-in too.
            let began = root.as_ref().unwrap_or(session).created_at;
            lasts(began, connection, rows, now)?;
            (person, session.user.clone(), None)
        }
        Through::Workload(workload) => program(session, workload, rows, params)?,
    };
    let (user, org) = (session.user.clone(), session.org.clone());
    Ok(Who { principal, user, org, session: session.clone(), answers, set_by })
}

/// A person as they come: what their rows must bear out.
struct Coming<'a> {
    org: &'a OrgId,
    user: &'a UserId,
    epoch: u64,
    connection: &'a ConnectionId,
    mfa: bool,
}

/// A session lasts no longer than its connection says now: one that began when it said more ends too, so that its owner comes
/// by the provider again.
fn lasts(began: Timestamp, connection: &ConnectionId, rows: &Rows, now: Timestamp) -> Result<(), Why> {
    let row: Option<ConnectionRow> = read(rows, &Key::connection(connection))?;
    let most = row.and_then(|row| session_minutes(&row.document).ok()).ok_or(Why::FactsUnavailable)?;
    if now.millis_since(began) >= most.millis() { Err(Why::SessionExpired) } else { Ok(()) }
}

const fn over(end: SessionEnd) -> Why {
    match end {
        SessionEnd::Revoked => Why::SessionRevoked,
        SessionEnd::Expired => Why::SessionExpired,
        SessionEnd::Idle => Why::SessionIdle,
    }
}

/// A person, as their rows have them.
fn person(coming: &Coming<'_>, rows: &Rows, params: &Params, now: Timestamp) -> Result<Principal, Why> {
    let (org, id) = (coming.org, coming.user);
    // A connection that was stopped, perhaps because it was broken into, ends what came through it.
    let through: Option<ConnectionRow> = read(rows, &Key::connection(coming.connection))?;
    if through.is_none_or(|row| row.status != Lifecycle::Active || row.org != *org) {
        return Err(Why::ConnectionInactive);
    }
    let user: User = read(rows, &Key::user(org, id))?.ok_or(Why::UserInactive)?;
    if !user.active || user.id != *id {
        return Err(Why::UserInactive);
    }
    if user.epoch != coming.epoch {
        return Err(Why::SessionEpoch);
    }
    let role = match &params.tenant {
        Some(tenant) => role(rows, coming, tenant)?.map(|role| (tenant.clone(), role)),
        None => None,
    };
    Ok(Principal {
        break_glass: opened(rows, params, id, now)?,
        platform: offices::administers(rows, id),
        org_owner: rows.contains_key(&Key::org_owner(org, id)).then(|| org.clone()),
        org_member: Some(org.clone()),
        roles: role.into_iter().collect(),
        mfa: coming.mfa,
        ..Principal::nobody(PrincipalId::User(id.clone()))
    })
}

/// A program, the person who answers for it, and who says so: it has the one role that its row gives, in the one tenant, and no office.
fn program(
    session: &SessionRow,
    workload: &WorkloadId,
    rows: &Rows,
    params: &Params,
) -> Result<(Principal, UserId, Option<UserId>), Why> {
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
    let principal =
        Principal { roles: role.into_iter().collect(), ..Principal::nobody(program_id(workload)) };
    Ok((principal, answers(&row, rows)?, row.set_by))
}

/// Without a person in good standing who answers for it, a program does nothing. Whoever was ended since and let in again takes it
/// over anew.
///
/// # Errors
/// Nobody does.
pub fn answers(row: &WorkloadRow, rows: &Rows) -> Result<UserId, Why> {
    let owner = row.owner.clone().ok_or(Why::WorkloadInactive)?;
    let person: Option<User> = read(rows, &Key::user(&row.org, &owner.user))?;
    if owner.stands(person.as_ref()) { Ok(owner.user) } else { Err(Why::WorkloadInactive) }
}

fn program_id(workload: &WorkloadId) -> PrincipalId {
    // An id of ours is always a code.
    PrincipalId::Workload(workload.as_str().parse().unwrap_or_else(|_| Code::literal("unknown")))
}

/// The tenant, if its glass is broken for this person and another has confirmed that. It mends itself in time.
fn opened(rows: &Rows, params: &Params, user: &UserId, now: Timestamp) -> Result<BTreeSet<TenantId>, Why> {
    let Some(tenant) = &params.tenant else { return Ok(BTreeSet::new()) };
    let row: Option<BreakGlassRow> = read(rows, &Key::break_glass(tenant, user))?;
    let open =
        row.is_some_and(|row| row.user == *user && row.confirmed_by != row.user && now < row.expires_at);
    Ok(open.then(|| tenant.clone()).into_iter().collect())
}

/// A role counts in a tenant of the person's own organization alone.
fn role(rows: &Rows, coming: &Coming<'_>, tenant: &TenantId) -> Result<Option<Role>, Why> {
    let row: Option<Tenant> = read(rows, &Key::tenant(tenant))?;
    let role =
        role_through(rows, tenant, coming.user, coming.connection).map_err(|_| Why::FactsUnavailable)?;
    Ok(role.filter(|_| row.is_some_and(|row| row.org == *coming.org)))
}

/// The role that a session's own person or program has in a tenant, from the same rows as [`standing`].
///
/// # Errors
/// A row does not read.
pub fn role_in(rows: &Rows, session: &SessionRow, tenant: &TenantId) -> Result<Option<Role>, Why> {
    match &session.through {
        Through::Connection(connection) => role(rows, &of_session(session, connection), tenant),
        Through::Workload(id) => {
            let row: Option<WorkloadRow> = read(rows, &Key::workload(id))?;
            Ok(row.filter(|row| row.tenant == *tenant).map(|row| row.role))
        }
    }
}

const fn of_session<'a>(session: &'a SessionRow, connection: &'a ConnectionId) -> Coming<'a> {
    let SessionRow { org, user, epoch, mfa, .. } = session;
    Coming { org, user, epoch: *epoch, connection, mfa: *mfa }
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
            Ok(Resource::Owned { org, tenant, owner: who.principal.id.clone() })
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
    let (user, org) = (session.user.clone(), session.org.clone());
    Who { principal, answers: user.clone(), user, org, session: session.clone(), set_by: None }
}

/// What whoever asked for a change holds now, as they asked for it: they must still be one who may. `None`: nobody any more, as
/// they were ended since, or their organization or connection was stopped.
///
/// # Errors
/// A row does not read.
pub fn requester(
    rows: &Rows,
    params: &Params,
    change: &ChangeRow,
    now: Timestamp,
) -> Result<Option<Principal>, Why> {
    let Some(AskedAs { org, epoch, connection }) = &change.asked_as else { return Ok(None) };
    let own: Option<Org> = read(rows, &Key::org(org))?;
    let stands = own.is_some_and(|own| own.status == Lifecycle::Active);
    if !stands && !offices::administers(rows, &change.by) {
        return Ok(None);
    }
    // They showed a second factor where it was needed, when they asked.
    let coming = Coming { org, user: &change.by, epoch: *epoch, connection, mfa: true };
    match person(&coming, rows, params, now) {
        Ok(principal) => Ok(Some(principal)),
        Err(Why::FactsUnavailable) => Err(Why::FactsUnavailable),
        Err(_) => Ok(None),
    }
}

/// The rows that [`requester`] reads.
pub fn requester_keys(params: &Params, change: &ChangeRow) -> Vec<Key> {
    let Some(AskedAs { org, connection, .. }) = &change.asked_as else { return Vec::new() };
    let mut keys = of_person(org, &change.by, params);
    keys.push(Key::connection(connection));
    keys
}

#[cfg(test)]
mod tests;
