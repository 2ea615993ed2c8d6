//! Principals and resources in Cedar's words.

use std::collections::{HashMap, HashSet};

use cedar_policy::{
    Context, Entities, Entity, EntityId, EntityTypeName, EntityUid, RestrictedExpression, Schema,
};
use domain::{OrgId, Role, TenantId};

use super::{Denial, Principal, PrincipalId, Resource};

pub(crate) fn uid(kind: &str, id: &str) -> Result<EntityUid, Denial> {
    let kind: EntityTypeName = kind.parse().map_err(|_| Denial::Fault)?;
    Ok(EntityUid::from_type_name_and_id(kind, EntityId::new(id)))
}

fn group(of: &str, holders: &str) -> Result<EntityUid, Denial> {
    uid("Group", &format!("{of}/{holders}"))
}

pub(crate) fn principal_uid(id: &PrincipalId) -> Result<EntityUid, Denial> {
    match id {
        PrincipalId::User(id) => uid("User", id.as_str()),
        PrincipalId::Workload(code) => uid("Workload", code.as_str()),
    }
}

const PLATFORM: &str = "platform";
const BREAK_GLASS: &str = "break_glass";

const fn holders(role: Role) -> &'static str {
    match role {
        Role::Owner => "owners",
        Role::Admin => "admins",
        Role::Developer => "developers",
        Role::Operator => "operators",
        Role::Member => "members",
        Role::Viewer => "viewers",
    }
}

/// The principal in all its groups.
fn principal_entity(principal: &Principal) -> Result<Entity, Denial> {
    let mut groups = Vec::new();
    groups.extend(principal.platform.then(|| group(PLATFORM, "admins")));
    groups.extend(principal.org_owner.iter().map(|org| group(org.as_str(), "owners")));
    groups.extend(principal.org_member.iter().map(|org| group(org.as_str(), "members")));
    groups.extend(principal.roles.iter().map(|(tenant, role)| group(tenant.as_str(), holders(*role))));
    groups.extend(principal.break_glass.iter().map(|tenant| group(tenant.as_str(), BREAK_GLASS)));
    let groups: HashSet<_> = groups.into_iter().collect::<Result<_, _>>()?;
    Ok(Entity::new_no_attrs(principal_uid(&principal.id)?, groups))
}

type Attributes<'a> = Vec<(&'a str, EntityUid)>;

fn entity(uid: EntityUid, attributes: Attributes<'_>) -> Result<Entity, Denial> {
    let value =
        |(name, value): (&str, EntityUid)| (name.to_owned(), RestrictedExpression::new_entity_uid(value));
    let attributes: HashMap<_, _> = attributes.into_iter().map(value).collect();
    Entity::new(uid, attributes, HashSet::new()).map_err(|_| Denial::Fault)
}

fn org_entity(org: &OrgId) -> Result<Entity, Denial> {
    let groups = ["owners", "members"];
    let groups = groups.iter().map(|name| Ok((*name, group(org.as_str(), name)?)));
    entity(uid("Org", org.as_str())?, groups.collect::<Result<_, _>>()?)
}

fn tenant_entity(org: &OrgId, tenant: &TenantId) -> Result<Entity, Denial> {
    let groups = Role::ALL.iter().map(|role| holders(*role)).chain([BREAK_GLASS]);
    let groups = groups.map(|name| Ok((name, group(tenant.as_str(), name)?)));
    let mut attributes = groups.collect::<Result<Attributes<'_>, Denial>>()?;
    attributes.push(("org", uid("Org", org.as_str())?));
    entity(uid("Tenant", tenant.as_str())?, attributes)
}

/// The resource's name and everything that policies read of it.
fn resource_entities(resource: &Resource) -> Result<(EntityUid, Vec<Entity>), Denial> {
    match resource {
        Resource::Platform => {
            let platform = uid("Platform", PLATFORM)?;
            Ok((platform.clone(), vec![Entity::new_no_attrs(platform, HashSet::new())]))
        }
        Resource::Org(org) => Ok((uid("Org", org.as_str())?, vec![org_entity(org)?])),
        Resource::Tenant { org, tenant } => {
            Ok((uid("Tenant", tenant.as_str())?, vec![tenant_entity(org, tenant)?, org_entity(org)?]))
        }
        Resource::Owned { org, tenant, owner } => {
            let of = uid("Tenant", tenant.as_str())?;
            let name = uid("Owned", &format!("{tenant}/{owner}"))?;
            let whose = match owner {
                PrincipalId::User(_) => "owner",
                PrincipalId::Workload(_) => "program",
            };
            let owned = entity(name.clone(), vec![("tenant", of), (whose, principal_uid(owner)?)])?;
            Ok((name, vec![owned, tenant_entity(org, tenant)?, org_entity(org)?]))
        }
    }
}

/// The store that one decision reads, and the name of the resource in it. Checked against the schema.
pub(crate) fn entities(
    schema: &Schema,
    principal: &Principal,
    resource: &Resource,
) -> Result<(EntityUid, Entities), Denial> {
    let (name, mut all) = resource_entities(resource)?;
    all.push(principal_entity(principal)?);
    let store = Entities::from_entities(all, Some(schema)).map_err(|_| Denial::Fault)?;
    Ok((name, store))
}

pub(crate) fn context(mfa: bool) -> Result<Context, Denial> {
    let facts = [("mfa".to_owned(), RestrictedExpression::new_bool(mfa))];
    Context::from_pairs(facts).map_err(|_| Denial::Fault)
}
