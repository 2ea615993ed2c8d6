//! Whom a verified identity lets in, and what is written for it: pure, before any row.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    AddressRow, ConnectionId, ConnectionRow, InviteRow, Opaque, OrgId, OwnersRow, Person as PersonRow, Role,
    SessionClient, SessionId, SessionRow, TenantId, Through, Timestamp, User, UserId,
};
use tables::codec::Row as _;
use tables::gates::Write;
use tables::{Attr, Item, Key, Marker, Swap, deleted};

use super::{invitations, offices, users};
use crate::ask::{Rows, digest};
use crate::refusal::Why;
use crate::sso::mapping::{self, Granted, Jit, Person, Refusal};
use crate::sso::{Connection, Identity, Mfa};

/// A session ends after this, however much it is used: 12 hours.
const SESSION_MS: u64 = 12 * 3_600_000;
/// What says by which connection's groups a role came. It goes with them, and counts in sessions of that connection alone.
const VIA: &str = "via";

/// Through which connection's groups a role came, if it did.
pub fn came_by_group(binding: &Item) -> Option<ConnectionId> {
    match binding.get(VIA)? {
        Attr::S(id) => id.parse().ok(),
        _ => None,
    }
}

/// Everything that is known when an identity stands at the door.
#[derive(Debug)]
pub struct Door<'a> {
    pub connection: &'a Connection,
    pub row: &'a ConnectionRow,
    pub identity: &'a Identity,
    pub rows: &'a Rows,
    pub now: Timestamp,
    pub new_user: UserId,
    pub session: SessionId,
}

/// Somebody who is let in.
#[derive(Debug)]
pub struct Admitted {
    pub user: UserId,
    pub session: SessionRow,
    pub created: bool,
    pub mfa: bool,
    pub writes: Vec<Write>,
}

/// Which person an identity is, found by it and by nothing that could be another's.
pub fn link(org: &OrgId, identity: &Identity) -> Key {
    link_of(org, &identity.issuer, &identity.subject)
}

/// The same by issuer and subject.
pub fn link_of(org: &OrgId, issuer: &str, subject: &str) -> Key {
    Key::link(org, digest(&["countersign link", issuer, subject]))
}

/// Whom a link names.
pub fn linked_user(item: &Item) -> Option<UserId> {
    match item.get("user_id")? {
        Attr::S(id) => id.parse().ok(),
        _ => None,
    }
}

/// Rows that depend on the identity alone.
pub fn first_keys(org: &OrgId, connection: &ConnectionRow, identity: &Identity) -> Vec<Key> {
    let platform = [Key::bootstrapped(), Key::platform_admins()];
    let mut keys = vec![link(org, identity), Key::org(org), Key::org_owners(org)];
    keys.extend(platform);
    keys.extend(invite(org, connection, identity));
    keys.extend(address(org, identity).map(|address| Key::address(org, address)));
    keys
}

/// The digest of an address that the provider has verified, in this organization.
fn address(org: &OrgId, identity: &Identity) -> Option<Opaque> {
    let email = identity.email.as_deref().filter(|_| identity.email_verified)?;
    Some(users::address_of(org, email))
}

/// An address that the provider has verified, and no other.
fn invite(org: &OrgId, connection: &ConnectionRow, identity: &Identity) -> Option<Key> {
    let email = identity.email.as_deref().filter(|_| identity.email_verified)?;
    Some(Key::invite(org, super::people::invite_digest(&connection.id, email)))
}

/// Who it is, if somebody.
pub fn linked(rows: &Rows, org: &OrgId, identity: &Identity) -> Option<UserId> {
    linked_user(rows.get(&link(org, identity))?)
}

/// Rows of the person, and of the roles that groups and invitation can give.
pub fn more_keys(
    org: &OrgId,
    connection: &Connection,
    user: &UserId,
    invited: Option<&InviteRow>,
) -> Vec<Key> {
    let by_group = connection.form().group_roles.iter().map(|row| &row.grant.tenant);
    let by_invite = invited.and_then(|invite| invite.tenant.as_ref()).map(|(tenant, _)| tenant);
    let mut keys = vec![Key::user(org, user), Key::org_owner(org, user), Key::platform_admin(user)];
    // Whoever invited must still be one who may.
    let inviter = invited.and_then(|invite| invite.invited_by.as_ref());
    keys.extend(inviter.iter().flat_map(|inviter| [Key::user(org, inviter), Key::org_owner(org, inviter)]));
    for tenant in by_group.chain(by_invite) {
        keys.extend([Key::binding(tenant, user), Key::owners(tenant), Key::tenant(tenant)]);
    }
    keys.sort();
    keys.dedup();
    keys
}

/// An invitation that is good.
pub fn invited(
    rows: &Rows,
    org: &OrgId,
    row: &ConnectionRow,
    identity: &Identity,
    now: Timestamp,
) -> Option<InviteRow> {
    let item = rows.get(&invite(org, row, identity)?)?;
    let invite = InviteRow::from_item(item).ok()?;
    (invite.connection == row.id && invite.org == *org && now < invite.expires_at).then_some(invite)
}

/// Lets somebody in, or says why not. Somebody who was ended stays out, whatever else speaks for them.
///
/// # Errors
/// Why not; nothing is written.
pub fn admit(door: &Door<'_>) -> Result<Admitted, Why> {
    let org = &door.row.org;
    let invite = invited(door.rows, org, door.row, door.identity, door.now);
    let invite = invitations::standing(door.rows, invite)?;
    let known = linked(door.rows, org, door.identity);
    let id = known.clone().unwrap_or_else(|| door.new_user.clone());
    let user = door.rows.get(&Key::user(org, &id)).map(User::from_item).transpose();
    let user = user.map_err(|_| Why::FactsUnavailable)?;
    // By whichever connection or invitation: whoever was ended here under this address is not somebody new.
    if let Some(address) = address(org, door.identity)
        && users::is_ended(door.rows, org, &address)?
    {
        return Err(Why::Deprovisioned);
    }
    let person = match (&known, &user) {
        (None, _) => Person::Absent,
        (Some(_), Some(user)) if user.active => Person::Active,
        (Some(_), _) => Person::Deprovisioned,
    };
    let created = match mapping::sign_in(door.connection, door.identity, person) {
        Jit::Existing => false,
        Jit::Create => true,
        Jit::Refuse(refusal) => welcomed(refusal, invite.as_ref())?,
    };
    let epoch = user.as_ref().map_or(1, |user| user.epoch);
    let mut entry = Entry { door, org, user: &id, swaps: BTreeMap::new(), deletes: Vec::new() };
    if created {
        entry.create()?;
    }
    entry.note_address()?;
    entry.accept(invite.as_ref())?;
    entry.follow_groups(&mapping::grants(door.connection, &door.identity.groups))?;
    let mfa = door.identity.mfa != Mfa::No;
    let session = entry.begin(epoch, mfa);
    let mut writes: Vec<Write> = entry.swaps.into_values().map(|swap| swap.to_write()).collect();
    writes.extend(entry.deletes);
    Ok(Admitted { user: id, session, created, mfa, writes })
}

/// What is still to be written when somebody is kept out who was ended, under an address that nobody knew: from then on nobody
/// comes in under it.
pub fn kept_out(door: &Door<'_>) -> Vec<Write> {
    let org = &door.row.org;
    let found = linked(door.rows, org, door.identity).zip(address(org, door.identity));
    let Some((user, address)) = found else { return Vec::new() };
    let key = Key::user(org, &user);
    let Some(item) = door.rows.get(&key) else { return Vec::new() };
    let Ok(mut person) = PersonRow::from_item(item) else { return Vec::new() };
    if person.user.active || person.addresses.contains(&address) {
        return Vec::new();
    }
    person.note(&address);
    let mut new = item.clone();
    new.extend(person.to_item());
    let noted = Swap { key, old: Some(item.clone()), new };
    vec![noted.to_write(), tables::people::closed(Key::address(org, &address)).into()]
}

/// An invitation stands for being provisioned, and for nothing else that is missing.
fn welcomed(refusal: Refusal, invite: Option<&InviteRow>) -> Result<bool, Why> {
    match (refusal, invite) {
        (Refusal::NotProvisioned | Refusal::NoRole | Refusal::GroupsUntold, Some(_)) => Ok(true),
        (Refusal::Deprovisioned, _) => Err(Why::Deprovisioned),
        (Refusal::Mfa | Refusal::MfaUntold, _) => Err(Why::MfaRequired),
        (Refusal::NotProvisioned | Refusal::NoRole | Refusal::GroupsUntold, None) => Err(Why::NotAdmitted),
    }
}

/// What is written for one sign-in, by row: each is written once.
struct Entry<'a> {
    door: &'a Door<'a>,
    org: &'a OrgId,
    user: &'a UserId,
    swaps: BTreeMap<Key, Swap>,
    deletes: Vec<Write>,
}

impl Entry<'_> {
    fn item(&self, key: &Key) -> Option<&Item> {
        self.door.rows.get(key)
    }

    fn put(&mut self, key: Key, new: Item) {
        let old = self.item(&key).cloned();
        self.swaps.insert(key.clone(), Swap { key, old, new });
    }

    fn create(&mut self) -> Result<(), Why> {
        let mut link = Marker::item();
        link.insert("user_id".to_owned(), Attr::text(self.user));
        self.put(Key::user(self.org, self.user), PersonRow::new(self.user.clone()).to_item());
        self.put(super::admit::link(self.org, self.door.identity), link);
        Ok(())
    }

    /// The person's row as it is to be so far, changed again.
    fn person(&mut self, change: impl FnOnce(&mut PersonRow)) -> Result<(), Why> {
        let key = Key::user(self.org, self.user);
        let staged = self.swaps.get(&key).map(|swap| &swap.new);
        let mut item = staged.or_else(|| self.item(&key)).cloned().ok_or(Why::FactsUnavailable)?;
        let before = PersonRow::from_item(&item).map_err(|_| Why::FactsUnavailable)?;
        let mut after = before.clone();
        change(&mut after);
        if before != after {
            item.extend(after.to_item());
            self.put(key, item);
        }
        Ok(())
    }

    /// Under which address somebody comes in, so that they can be kept out under it. Written over the address as it was read:
    /// whoever is ended at the same moment is not let in here.
    fn note_address(&mut self) -> Result<(), Why> {
        let Some(address) = address(self.org, self.door.identity) else { return Ok(()) };
        let key = Key::user(self.org, self.user);
        self.person(|person| person.note(&address))?;
        if self.swaps.contains_key(&key) {
            let row = AddressRow { user: Some(self.user.clone()), ..AddressRow::default() };
            self.put(Key::address(self.org, &address), row.to_item());
        }
        Ok(())
    }

    /// What an invitation holds, once.
    fn accept(&mut self, invite: Option<&InviteRow>) -> Result<(), Why> {
        // Nobody gives themselves a role by inviting themselves.
        let others = |invite: &&InviteRow| invite.invited_by.as_ref() != Some(self.user);
        let Some(invite) = invite.filter(others) else { return Ok(()) };
        // The first administrator's alone: what older bootstraps promised is over with the first sign-in.
        let first = invite.platform && self.item(&Key::bootstrapped()).is_none();
        if first && self.item(&Key::platform_admin(self.user)).is_none() {
            self.put(Key::platform_admin(self.user), Marker::item());
            let all = offices::with_admin(self.door.rows, self.user)?;
            self.put(Key::platform_admins(), all);
            // From now on nobody comes in by IAM alone.
            self.put(Key::bootstrapped(), Marker::item());
        }
        if invite.owner && self.item(&Key::org_owner(self.org, self.user)).is_none() {
            self.put(Key::org_owner(self.org, self.user), Marker::item());
            self.own(Key::org_owners(self.org), true)?;
        }
        if let Some((tenant, role)) = &invite.tenant
            && self.item(&Key::binding(tenant, self.user)).is_none()
        {
            self.bind(tenant, *role, false)?;
        }
        let place = super::admit::invite(self.org, self.door.row, self.door.identity);
        if let Some((key, old)) = place.and_then(|key| self.item(&key).map(|old| (key.clone(), old.clone())))
        {
            self.deletes.push(deleted(&key, &old));
        }
        Ok(())
    }

    /// Roles that came by a group follow the groups; roles that people gave stay as they are.
    fn follow_groups(&mut self, granted: &Granted) -> Result<(), Why> {
        let mut wanted: BTreeMap<TenantId, Role> = BTreeMap::new();
        for grant in &granted.grants {
            let role = wanted.entry(grant.tenant.clone()).or_insert(grant.role);
            *role = higher(*role, grant.role);
        }
        // Each once, however many groups lead there: a transaction touches a row once.
        let rows = self.door.connection.form().group_roles.iter();
        let tenants: BTreeSet<TenantId> = rows.map(|row| row.grant.tenant.clone()).collect();
        for tenant in tenants {
            let key = Key::binding(&tenant, self.user);
            let own = self.in_org(&tenant);
            let via = Some(self.door.row.id.clone());
            let by_group = self.item(&key).is_some_and(|item| came_by_group(item) == via);
            let role = self.item(&key).map(Role::from_item).transpose().map_err(|_| Why::FactsUnavailable)?;
            match (wanted.get(&tenant).copied(), role) {
                (Some(want), None) if own && !self.swaps.contains_key(&key) => {
                    self.bind(&tenant, want, true)?
                }
                (Some(want), Some(has)) if own && by_group && want != has => {
                    self.bind(&tenant, want, true)?
                }
                (None, Some(has)) if by_group && granted.complete => self.unbind(&tenant, has)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// A connection reaches its own organization's tenants, whatever it names.
    fn in_org(&self, tenant: &TenantId) -> bool {
        let row = self.item(&Key::tenant(tenant)).and_then(|item| domain::Tenant::from_item(item).ok());
        row.is_some_and(|row| row.org == *self.org)
    }

    fn bind(&mut self, tenant: &TenantId, role: Role, by_group: bool) -> Result<(), Why> {
        let key = Key::binding(tenant, self.user);
        let had = self.item(&key).and_then(|item| Role::from_item(item).ok()) == Some(Role::Owner);
        let mut row = role.to_item();
        row.extend(by_group.then(|| (VIA.to_owned(), Attr::text(&self.door.row.id))));
        self.put(key, row);
        if had != (role == Role::Owner) { self.own_tenant(tenant, role == Role::Owner) } else { Ok(()) }
    }

    fn unbind(&mut self, tenant: &TenantId, role: Role) -> Result<(), Why> {
        let key = Key::binding(tenant, self.user);
        if let Some(old) = self.item(&key).cloned() {
            self.deletes.push(deleted(&key, &old));
        }
        // What the provider takes away goes, even if it was the last owner's.
        if role == Role::Owner { self.own_tenant(tenant, false) } else { Ok(()) }
    }

    fn own_tenant(&mut self, tenant: &TenantId, owns: bool) -> Result<(), Why> {
        self.person(|person| {
            if owns {
                person.owns.insert(tenant.clone());
            } else {
                person.owns.remove(tenant);
            }
        })?;
        self.own(Key::owners(tenant), owns)
    }

    fn own(&mut self, key: Key, owns: bool) -> Result<(), Why> {
        let row = self.item(&key).map(OwnersRow::from_item).transpose().map_err(|_| Why::FactsUnavailable)?;
        let mut row = row.unwrap_or_default();
        if owns {
            row.0.insert(self.user.clone());
        } else {
            row.0.remove(self.user);
        }
        self.put(key, row.to_item());
        Ok(())
    }

    fn begin(&mut self, epoch: u64, mfa: bool) -> SessionRow {
        let now = self.door.now;
        let expires_at = now.plus_millis(SESSION_MS);
        let row =
            SessionRow {
                id: self.door.session.clone(),
                org: self.org.clone(),
                user: self.user.clone(),
                epoch,
                through: Through::Connection(self.door.row.id.clone()),
                client: SessionClient::Browser,
                created_at: now,
                seen_at: now,
                expires_at,
                mfa,
                revoked_at: None,
                root: None,
                handed: BTreeSet::new(),
                sid: self.door.identity.sid.as_ref().map(|sid| {
                    super::sessions::at_provider(&self.door.row.id, &self.door.identity.issuer, sid)
                }),
            };
        let begun = super::sessions::begun(&row).into_iter();
        self.swaps.extend(begun.map(|swap| (swap.key.clone(), swap)));
        row
    }
}

/// Of two roles by two groups, the one that may more: the order of the catalogue.
fn higher(one: Role, other: Role) -> Role {
    let rank = |role: Role| Role::ALL.iter().position(|at| *at == role).unwrap_or(usize::MAX);
    if rank(one) <= rank(other) { one } else { other }
}

#[cfg(test)]
mod tests;
