mod files;
mod matrix;
mod rules;
mod separation;

use super::*;
use domain::{ActionId, Code, OrgId, Role, TenantId, Timestamp, UserId};

pub(crate) fn org(n: u8) -> OrgId {
    OrgId::from_random([n; 10])
}

pub(crate) fn tenant(n: u8) -> TenantId {
    TenantId::from_random([n; 10])
}

pub(crate) fn user(n: u8) -> UserId {
    UserId::from_random([n; 10])
}

pub(crate) fn person(n: u8) -> PrincipalId {
    PrincipalId::User(user(n))
}

pub(crate) fn program() -> PrincipalId {
    PrincipalId::Workload(Code::literal("ci"))
}

pub(crate) fn action_id() -> ActionId {
    ActionId::new(Timestamp::from_unix_millis(0).unwrap(), [0; 10])
}

/// Tenants 1 and 2 are of organization 1, tenant 3 is of organization 2. The principal is person 1, person 2 is another.
pub(crate) fn resources() -> Vec<(&'static str, Resource)> {
    let in_tenant = |o, t| Resource::Tenant { org: org(o), tenant: tenant(t) };
    let of = |o, t, owner| Resource::Owned { org: org(o), tenant: tenant(t), owner: person(owner) };
    vec![
        ("platform", Resource::Platform),
        ("org", Resource::Org(org(1))),
        ("other org", Resource::Org(org(2))),
        ("tenant", in_tenant(1, 1)),
        ("other tenant", in_tenant(1, 2)),
        ("other org's tenant", in_tenant(2, 3)),
        ("own", of(1, 1, 1)),
        ("another's", of(1, 1, 2)),
        ("own, other tenant", of(1, 2, 1)),
        ("own, other org's tenant", of(2, 3, 1)),
    ]
}

/// Everybody who holds one thing, with a second factor: person 1, in organization 1 and its tenant 1.
pub(crate) fn holders() -> Vec<(&'static str, Principal)> {
    let nobody = |id| Principal { mfa: true, ..Principal::nobody(id) };
    let admin = || Principal { platform: true, ..nobody(person(1)) };
    let role = |id, role| Principal { roles: [(tenant(1), role)].into(), ..nobody(id) };
    let mut all = vec![
        ("plat", admin()),
        ("glass", Principal { break_glass: [tenant(1)].into(), ..admin() }),
        ("org+", Principal { org_owner: Some(org(1)), ..nobody(person(1)) }),
        ("org", Principal { org_member: Some(org(1)), ..nobody(person(1)) }),
    ];
    let roles = ["owner", "admin", "devel", "oper", "member", "viewer"];
    all.extend(roles.into_iter().zip(Role::ALL).map(|(name, one)| (name, role(person(1), *one))));
    all.push(("none", nobody(person(1))));
    let programs = ["c:admi", "c:deve", "c:oper", "c:memb", "c:view"];
    all.extend(programs.into_iter().zip(&Role::ALL[1..]).map(|(name, one)| (name, role(program(), *one))));
    all
}
