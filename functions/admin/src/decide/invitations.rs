//! Invitations that are open: what an owner of the organization promised to an address, and what its tenants hold for it. Each is
//! named by the digest that it lies under: an address is nowhere to be read.

use domain::{
    ConnectionId, ConnectionRow, InEpoch, InviteRow, Lifecycle, MetaValue, Metadata, Opaque, OrgId, Role,
    Tenant, TenantId, TenantInvite, TenantInvitesRow, Timestamp, User, UserId,
};
use policy::admin::{Grant, Granted, Principal, PrincipalId, Resource, may_grant};
use serde_json::{Value, json};
use tables::codec::Row as _;
use tables::standing::came_by_group;
use tables::{Key, Table, deleted};

use crate::ask::{Ask, Rows};
use crate::event::Params;
use crate::plan::Change;
use crate::refusal::{Refused, Why};
use crate::routes::List;
use crate::sso::Identity;

const PREFIX: &str = "INVITE#";

pub const LIST: List = List {
    table: Table::Identity,
    partition: |params, _| params.org.as_ref().map(|org| format!("ORG#{org}")),
    prefix: |_| PREFIX.to_owned(),
    row: None,
    show: |ask, key, item| {
        let row = InviteRow::from_item(item).ok()?;
        (ask.now < row.expires_at).then(|| view(key.sk.strip_prefix(PREFIX).unwrap_or_default(), &row))
    },
};

fn view(id: &str, row: &InviteRow) -> Value {
    let (tenant, role) =
        row.tenant.as_ref().map_or((None, None), |(tenant, role)| (Some(tenant), Some(role)));
    json!({
        "id": id, "connection": row.connection, "platform": row.platform, "owner": row.owner, "tenant": tenant,
        "role": role, "invited_by": row.invited_by.as_ref().map(|inviter| &inviter.user), "expires_at": row.expires_at,
    })
}

pub fn needs(params: &Params, _: &Value) -> Vec<Key> {
    params.org.iter().zip(&params.invitation).map(|(org, invitation)| Key::invite(org, invitation)).collect()
}

/// Takes an invitation away as it was read: whoever accepts it at the same moment is in, and this fails, or the other way round.
pub fn withdraw(ask: &Ask<'_>) -> Result<Change, Refused> {
    let key = needs(ask.params, ask.body).into_iter().next().ok_or(Why::NotFound)?;
    let (row, item) = ask.must::<InviteRow>(&key)?;
    let role = row.tenant.as_ref().map_or("none", |(_, role)| role.as_str());
    let digest = ask.params.invitation.as_ref().ok_or(Why::NotFound)?;
    let change = Change::of(Vec::new(), resource(digest), Value::Null);
    Ok(Change {
        writes: vec![deleted(&key, item)],
        metadata: Metadata::default()
            .flag("owner", row.owner)
            .with("role", MetaValue::Code(domain::Code::literal(role))),
        ..change
    })
}

/// What an invitation is in records: they tell by it what was offered, withdrawn and taken, and no address.
pub fn resource(digest: &Opaque) -> String {
    format!("invitation:{digest}")
}

/// An address that the provider has verified, and no other: the digest of invitations to it.
fn digest(connection: &ConnectionRow, identity: &Identity) -> Option<Opaque> {
    let email = identity.email.as_deref().filter(|_| identity.email_verified)?;
    Some(super::people::invite_digest(&connection.id, email))
}

/// Where what awaits an identity lies.
pub fn places(org: &OrgId, connection: &ConnectionRow, identity: &Identity) -> Vec<Key> {
    let of = |digest| [Key::invite(org, &digest), Key::tenant_invites(org, &digest)];
    digest(connection, identity).into_iter().flat_map(of).collect()
}

/// What awaits whoever stands at the door.
#[derive(Debug, Default)]
pub struct Awaiting {
    pub org: Option<InviteRow>,
    pub tenants: Vec<TenantInvite>,
    /// By which digest.
    digest: Option<Opaque>,
    /// Everything that goes once any of it is taken, what is void too.
    pub places: Vec<Key>,
}

/// A role that somebody takes, and by whose word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    pub tenant: TenantId,
    pub role: Role,
    /// Nobody at the beginning of an organization.
    pub inviter: Option<UserId>,
    pub invitation: Opaque,
}

impl Awaiting {
    /// # Errors
    /// A row does not read.
    pub fn at(
        rows: &Rows,
        org: &OrgId,
        row: &ConnectionRow,
        identity: &Identity,
        now: Timestamp,
    ) -> Result<Self, Why> {
        let Some(digest) = digest(row, identity) else { return Ok(Self::default()) };
        let (own, all) = (Key::invite(org, &digest), Key::tenant_invites(org, &digest));
        let good = |one: &InviteRow| one.connection == row.id && one.org == *org && now < one.expires_at;
        let of_org = rows.get(&own).map(InviteRow::from_item).transpose()?.filter(good);
        let tenants = rows.get(&all).map(TenantInvitesRow::from_item).transpose()?;
        let tenants = tenants.filter(|one| one.connection == row.id);
        let mut tenants = tenants.map(|one| one.invites).unwrap_or_default();
        let markers = tenants.iter().map(|one| Key::tenant_invite(&one.tenant, &digest));
        let places = [own, all].into_iter().chain(markers).collect();
        tenants.retain(|one| now < one.expires_at);
        Ok(Self { org: of_org, tenants, digest: Some(digest), places })
    }

    /// The rows that say whether it is good, and what it gives to a person.
    pub fn keys(&self, org: &OrgId, user: &UserId) -> Vec<Key> {
        let by_org = self.org.as_ref().and_then(|one| one.tenant.as_ref()).map(|(tenant, _)| tenant);
        let tenants = by_org.into_iter().chain(self.tenants.iter().map(|one| &one.tenant));
        let given = tenants.flat_map(|id| [Key::binding(id, user), Key::owners(id), Key::tenant(id)]);
        let of_org = self.org.iter().filter_map(|one| one.invited_by.as_ref());
        let inviters = of_org.chain(self.tenants.iter().map(|one| &one.invited_by));
        let inviters = inviters.flat_map(|one| [Key::user(org, &one.user), Key::org_owner(org, &one.user)]);
        let roles = self.tenants.iter().map(|one| Key::binding(&one.tenant, &one.invited_by.user));
        let through = self.org.iter().filter_map(|one| one.through.as_ref());
        let through = through.chain(self.tenants.iter().map(|one| &one.through)).map(Key::connection);
        self.places.iter().cloned().chain(given).chain(inviters).chain(roles).chain(through).collect()
    }

    /// What of it is not void: whoever invited must still be one who may, and not have been ended since; nobody gives themselves
    /// anything by inviting themselves.
    ///
    /// # Errors
    /// A row does not read.
    pub fn standing(mut self, rows: &Rows, org: &OrgId, user: &UserId) -> Result<Self, Why> {
        self.org = self.org.map(|one| promised(rows, org, one, user)).transpose()?.flatten();
        let mut good = Vec::new();
        for one in self.tenants {
            if gives(rows, org, &one, user)? {
                good.push(one);
            }
        }
        self.tenants = good;
        Ok(self)
    }

    pub const fn is_any(&self) -> bool {
        self.org.is_some() || !self.tenants.is_empty()
    }

    /// The roles that it gives, each with whose word that is.
    pub fn roles(&self) -> Vec<Taken> {
        let Some(invitation) = &self.digest else { return Vec::new() };
        let by_org = self.org.iter().filter_map(|one| {
            let (tenant, role) = one.tenant.clone()?;
            let inviter = one.invited_by.as_ref().map(|inviter| inviter.user.clone());
            Some(Taken { tenant, role, inviter, invitation: invitation.clone() })
        });
        let by_tenants = self.tenants.iter().map(|one| Taken {
            tenant: one.tenant.clone(),
            role: one.role,
            inviter: Some(one.invited_by.user.clone()),
            invitation: invitation.clone(),
        });
        by_org.chain(by_tenants).collect()
    }
}

/// What an owner of the organization promised to somebody else, as far as it holds. Owners invite into whatever is theirs; at the
/// beginning of an organization nobody did.
fn promised(
    rows: &Rows,
    org: &OrgId,
    mut invite: InviteRow,
    user: &UserId,
) -> Result<Option<InviteRow>, Why> {
    if let Some(inviter) = &invite.invited_by {
        let through = invite.through.as_ref().map(|id| open(rows, org, id)).transpose()?.flatten();
        let owns = rows.contains_key(&Key::org_owner(org, &inviter.user));
        if through.is_none() || !owns || inviter.user == *user || !is_still(rows, org, inviter)? {
            return Ok(None);
        }
    }
    if let Some((tenant, _)) = &invite.tenant
        && !is_there(rows, org, tenant)?
    {
        invite.tenant = None;
    }
    Ok(Some(invite))
}

/// A connection of the organization through which somebody may be here.
fn open(rows: &Rows, org: &OrgId, id: &ConnectionId) -> Result<Option<ConnectionRow>, Why> {
    let row = rows.get(&Key::connection(id)).map(ConnectionRow::from_item).transpose()?;
    Ok(row.filter(|row| row.status == Lifecycle::Active && row.org == *org))
}

fn is_there(rows: &Rows, org: &OrgId, tenant: &TenantId) -> Result<bool, Why> {
    let row = rows.get(&Key::tenant(tenant)).map(Tenant::from_item).transpose()?;
    Ok(row.is_some_and(|row| row.org == *org && row.status != Lifecycle::Deleted))
}

fn is_still(rows: &Rows, org: &OrgId, inviter: &InEpoch) -> Result<bool, Why> {
    let person = rows.get(&Key::user(org, &inviter.user)).map(User::from_item).transpose()?;
    Ok(inviter.stands(person.as_ref()))
}

/// Whether whoever invited into a tenant may give that role there now, to this person.
fn gives(rows: &Rows, org: &OrgId, invite: &TenantInvite, user: &UserId) -> Result<bool, Why> {
    let (inviter, tenant) = (&invite.invited_by.user, &invite.tenant);
    let Some(through) = open(rows, org, &invite.through)? else { return Ok(false) };
    let binding = rows.get(&Key::binding(tenant, inviter));
    // A role by a group counts as far as sessions of its connection have it.
    let mapped = |item: &tables::Item, role: &Role| {
        came_by_group(item).is_none_or(|via| via == through.id && through.gives(tenant, *role))
    };
    let role = binding.map(|item| Ok::<_, Why>((item, Role::from_item(item)?))).transpose()?;
    let role = role.filter(|(item, role)| mapped(item, role)).map(|(_, role)| role);
    let granter = Principal {
        org_owner: rows.contains_key(&Key::org_owner(org, inviter)).then(|| org.clone()),
        roles: role.map(|role| (tenant.clone(), role)).into_iter().collect(),
        ..Principal::nobody(PrincipalId::User(inviter.clone()))
    };
    let resource = Resource::Tenant { org: org.clone(), tenant: tenant.clone() };
    let grant = Grant { to: PrincipalId::User(user.clone()), granted: Granted::Role(invite.role) };
    let may = may_grant(&granter, &resource, grant).is_ok();
    Ok(may && is_there(rows, org, tenant)? && is_still(rows, org, &invite.invited_by)?)
}
