//! What becomes of a person's standing: whether they may come in, what they own, and roles that follow groups. Pure: rows as
//! they were read in, conditional writes over exactly these out.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use domain::{
    AddressRow, ConnectionId, ConnectionRow, Opaque, OrgId, OwnersRow, Person, Role, Tenant, TenantId, UserId,
};

use crate::codec::Row;
use crate::gates::Write;
use crate::{Attr, CodecError, Item, Key, Marker, Swap, deleted};

/// What says by which connection's groups a role came. It goes with them, and counts in sessions of that connection alone.
const VIA: &str = "via";

/// Through which connection's groups a role came, if it did.
pub fn came_by_group(binding: &Item) -> Option<ConnectionId> {
    match binding.get(VIA)? {
        Attr::S(id) => id.parse().ok(),
        _ => None,
    }
}

/// The role that somebody holds in a tenant who comes through a connection: one that came by a connection's groups counts through that
/// connection alone, for as long as it gives it to any. A connection that does not read gives none.
///
/// # Errors
/// The binding does not read.
pub fn role_through(
    rows: &HashMap<Key, Item>,
    tenant: &TenantId,
    user: &UserId,
    through: &ConnectionId,
) -> Result<Option<Role>, CodecError> {
    let Some(binding) = rows.get(&Key::binding(tenant, user)) else { return Ok(None) };
    let role = Role::from_item(binding)?;
    let Some(via) = came_by_group(binding) else { return Ok(Some(role)) };
    let connection = rows.get(&Key::connection(&via)).and_then(|item| ConnectionRow::from_item(item).ok());
    let gives = via == *through && connection.is_some_and(|row| row.gives(tenant, role));
    Ok(gives.then_some(role))
}

/// Changes of rows, each row once, over what was read.
#[derive(Debug)]
pub struct Staged<'a> {
    rows: &'a HashMap<Key, Item>,
    /// `None`: the row goes.
    changes: BTreeMap<Key, Option<Item>>,
    /// Whether something has no owner any more.
    ownerless: bool,
}

impl<'a> Staged<'a> {
    pub const fn over(rows: &'a HashMap<Key, Item>) -> Self {
        Self { rows, changes: BTreeMap::new(), ownerless: false }
    }

    /// The row as it is to be so far.
    pub fn item(&self, key: &Key) -> Option<&Item> {
        match self.changes.get(key) {
            Some(staged) => staged.as_ref(),
            None => self.rows.get(key),
        }
    }

    /// # Errors
    /// The row does not read.
    pub fn find<T: Row>(&self, key: &Key) -> Result<Option<T>, CodecError> {
        self.item(key).map(T::from_item).transpose()
    }

    pub fn put(&mut self, key: Key, new: Item) {
        self.changes.insert(key, Some(new));
    }

    pub fn delete(&mut self, key: Key) {
        self.changes.insert(key, None);
    }

    /// Whether something has lost its last owner.
    pub const fn leaves_ownerless(&self) -> bool {
        self.ownerless
    }

    /// Whether a row is to be written, be it as it was.
    pub fn changes(&self, key: &Key) -> bool {
        self.changes.contains_key(key)
    }

    /// One conditional write for each row.
    pub fn into_writes(self) -> Vec<Write> {
        let rows = self.rows;
        let write = |(key, new): (Key, Option<Item>)| match (new, rows.get(&key)) {
            (Some(new), old) => Some(Swap { key, old: old.cloned(), new }.to_write()),
            (None, Some(old)) => Some(deleted(&key, old)),
            (None, None) => None,
        };
        self.changes.into_iter().filter_map(write).collect()
    }

    /// Changes a person's row, and leaves what else stands in it.
    ///
    /// # Errors
    /// There is none, or it does not read.
    pub fn person(
        &mut self,
        org: &OrgId,
        user: &UserId,
        change: impl FnOnce(&mut Person),
    ) -> Result<(), CodecError> {
        let key = Key::user(org, user);
        let mut item = self.item(&key).cloned().ok_or(CodecError::Missing("user_id"))?;
        let before = Person::from_item(&item)?;
        let mut after = before.clone();
        change(&mut after);
        if before != after {
            item.extend(after.to_item());
            self.put(key, item);
        }
        Ok(())
    }

    /// Ends somebody, or lets them in again. The epoch stays raised: whatever was begun in it is over for good.
    ///
    /// # Errors
    /// A row does not read.
    pub fn turn(&mut self, org: &OrgId, user: &UserId, active: bool) -> Result<(), CodecError> {
        let person = self.find::<Person>(&Key::user(org, user))?.ok_or(CodecError::Missing("user_id"))?;
        if person.user.active == active {
            return Ok(());
        }
        self.person(org, user, |person| {
            person.user.active = active;
            if !active {
                person.user.epoch = person.user.epoch.saturating_add(1);
            }
        })?;
        for address in &person.addresses {
            self.address(org, address, |row| {
                row.ended = if active { row.ended.saturating_sub(1) } else { row.ended.saturating_add(1) };
            })?;
        }
        Ok(())
    }

    /// Changes an address, which need not have a row yet.
    ///
    /// # Errors
    /// The row does not read.
    pub fn address(
        &mut self,
        org: &OrgId,
        address: &Opaque,
        change: impl FnOnce(&mut AddressRow),
    ) -> Result<(), CodecError> {
        let key = Key::address(org, address);
        let before = self.find::<AddressRow>(&key)?;
        let mut after = before.clone().unwrap_or_default();
        change(&mut after);
        if before.as_ref() != Some(&after) {
            self.put(key, after.to_item());
        }
        Ok(())
    }

    /// Puts somebody into a row of owners, or takes them out: the last one, too. Whoever does so by hand asks before.
    ///
    /// # Errors
    /// The row does not read.
    pub fn own(&mut self, owners: Key, user: &UserId, owns: bool) -> Result<(), CodecError> {
        let mut row = self.find::<OwnersRow>(&owners)?.unwrap_or_default();
        let changed = if owns { row.0.insert(user.clone()) } else { row.0.remove(user) };
        if changed {
            self.ownerless |= row.0.is_empty();
            self.put(owners, row.to_item());
        }
        Ok(())
    }

    /// Gives somebody a role, in place of what they have, with what else the row holds.
    ///
    /// # Errors
    /// A row does not read.
    pub fn bind(
        &mut self,
        org: &OrgId,
        tenant: &TenantId,
        user: &UserId,
        row: Item,
        role: Role,
    ) -> Result<(), CodecError> {
        let key = Key::binding(tenant, user);
        let had = self.find::<Role>(&key)? == Some(Role::Owner);
        self.put(key, row);
        if had == (role == Role::Owner) { Ok(()) } else { self.own_tenant(org, tenant, user, !had) }
    }

    fn own_tenant(
        &mut self,
        org: &OrgId,
        tenant: &TenantId,
        user: &UserId,
        owns: bool,
    ) -> Result<(), CodecError> {
        self.person(org, user, |person| {
            if owns {
                person.owns.insert(tenant.clone());
            } else {
                person.owns.remove(tenant);
            }
        })?;
        // Whoever is not active owns nothing until they are.
        let active = self.find::<Person>(&Key::user(org, user))?.is_some_and(|person| person.user.active);
        self.own(Key::owners(tenant), user, owns && active)
    }
}

/// Somebody whose roles follow the groups of one connection.
#[derive(Debug)]
pub struct Follower<'a> {
    pub org: &'a OrgId,
    pub user: &'a UserId,
    pub connection: &'a ConnectionId,
}

impl Follower<'_> {
    /// The rows that [`Follower::follow`] reads.
    pub fn keys<'t>(&self, tenants: impl IntoIterator<Item = &'t TenantId>) -> Vec<Key> {
        let of = |tenant| [Key::binding(tenant, self.user), Key::owners(tenant), Key::tenant(tenant)];
        let person = [Key::user(self.org, self.user)];
        person.into_iter().chain(tenants.into_iter().flat_map(of)).collect()
    }

    /// Roles that came by this connection's groups become those that are wanted, in the tenants named; roles that people gave,
    /// or another connection, stay as they are. What is lost goes, even if it was the last owner's.
    ///
    /// # Errors
    /// A row does not read.
    pub fn follow(
        &self,
        staged: &mut Staged<'_>,
        tenants: &BTreeSet<TenantId>,
        wanted: &BTreeMap<TenantId, Role>,
        lose: bool,
    ) -> Result<(), CodecError> {
        for tenant in tenants {
            let key = Key::binding(tenant, self.user);
            let row = staged.find::<Role>(&key)?;
            let by_group = staged.item(&key).and_then(came_by_group).as_ref() == Some(self.connection);
            // A connection reaches its own organization's tenants, whatever it names.
            let of = staged.find::<Tenant>(&Key::tenant(tenant))?;
            let in_org = of.is_some_and(|tenant| tenant.org == *self.org);
            match (wanted.get(tenant).copied(), row) {
                (Some(want), None) if in_org => self.bind(staged, tenant, want)?,
                (Some(want), Some(has)) if in_org && by_group && want != has => {
                    self.bind(staged, tenant, want)?;
                }
                (None, Some(has)) if by_group && lose => {
                    staged.delete(key);
                    if has == Role::Owner {
                        staged.own_tenant(self.org, tenant, self.user, false)?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn bind(&self, staged: &mut Staged<'_>, tenant: &TenantId, want: Role) -> Result<(), CodecError> {
        let mut row = want.to_item();
        row.insert(VIA.to_owned(), Attr::text(self.connection));
        staged.bind(self.org, tenant, self.user, row, want)
    }
}

/// Where an address stands in an organization. Compared in lower case, as invitations are.
pub fn address_digest(org: &OrgId, email: &str) -> Opaque {
    Opaque::of(&["countersign address", org.as_str(), &email.trim().to_ascii_lowercase()])
}

/// Whom an agent says that it acts for, if it says it by an e-mail address or by the id of a person: as [`account_digest`] and
/// [`address_digest`] have it, so that it can be compared with whoever decides.
pub fn cause_digest(org: &OrgId, who: &str) -> Option<Opaque> {
    let who = who.trim();
    let account = who.parse::<UserId>().ok().map(|user| account_digest(org, &user));
    account.or_else(|| who.contains('@').then(|| address_digest(org, who)))
}

/// A person by their id.
pub fn account_digest(org: &OrgId, user: &UserId) -> Opaque {
    Opaque::of(&["countersign account", org.as_str(), user.as_str()])
}

/// Which person an identity of a provider is, found by it and by nothing that could be another's.
pub fn link(org: &OrgId, issuer: &str, subject: &str) -> Key {
    Key::link(org, Opaque::of(&["countersign link", issuer, subject]))
}

/// Whom a link names.
pub fn linked_user(item: &Item) -> Option<UserId> {
    match item.get("user_id")? {
        Attr::S(id) => id.parse().ok(),
        _ => None,
    }
}

/// A link to somebody.
pub fn link_to(user: &UserId) -> Item {
    let mut link = Marker::item();
    link.insert("user_id".to_owned(), Attr::text(user));
    link
}

/// Of several roles in one tenant, the one that may most: the order of the catalogue.
pub fn highest(grants: impl IntoIterator<Item = (TenantId, Role)>) -> BTreeMap<TenantId, Role> {
    let rank = |role: Role| Role::ALL.iter().position(|at| *at == role).unwrap_or(usize::MAX);
    let mut wanted: BTreeMap<TenantId, Role> = BTreeMap::new();
    for (tenant, role) in grants {
        let best = wanted.entry(tenant).or_insert(role);
        if rank(role) < rank(*best) {
            *best = role;
        }
    }
    wanted
}

#[cfg(test)]
mod tests;
