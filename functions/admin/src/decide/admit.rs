//! Whom a verified identity lets in, and what is written for it: pure, before any row.

use std::collections::BTreeSet;

use domain::{
    AddressRow, ConnectionRow, DirectoryGroupRow, DirectoryUserRow, FoundRow, GroupGrant, InviteRow, Opaque,
    OrgId, Person as PersonRow, ScimSlots, SessionClient, SessionId, SessionRow, TenantId, Through,
    Timestamp, User, UserId,
};
use tables::codec::Row as _;
use tables::gates::Write;
use tables::standing::{Follower, Staged, highest, link_to};
use tables::{CodecError, Key, Marker, Swap, directory};

use super::invitations::{self, Awaiting, Taken};
use super::{offices, users};
use crate::ask::Rows;
use crate::refusal::Why;
use crate::sso::mapping::{self, Granted, Jit, Person, Refusal};
use crate::sso::{Connection, Identity, Mfa};

pub use tables::standing::linked_user;

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
    /// Roles that they take by invitations.
    pub taken: Vec<Taken>,
    pub writes: Vec<Write>,
}

/// Which person an identity is, found by it and by nothing that could be another's.
pub fn link(org: &OrgId, identity: &Identity) -> Key {
    link_of(org, &identity.issuer, &identity.subject)
}

/// The same by issuer and subject.
pub fn link_of(org: &OrgId, issuer: &str, subject: &str) -> Key {
    tables::standing::link(org, issuer, subject)
}

/// Rows that depend on the identity alone.
pub fn first_keys(org: &OrgId, connection: &ConnectionRow, identity: &Identity) -> Vec<Key> {
    let platform = [Key::bootstrapped(), Key::platform_admins()];
    let mut keys = vec![link(org, identity), Key::org(org), Key::org_owners(org)];
    keys.extend(platform);
    keys.extend(pushed(connection, identity));
    keys.push(Key::scim_slots(&connection.id));
    keys.extend(invitations::places(org, connection, identity));
    keys.extend(address(org, identity).map(|address| Key::address(org, address)));
    keys
}

/// The digest of an address that the provider has verified, in this organization.
fn address(org: &OrgId, identity: &Identity) -> Option<Opaque> {
    let email = identity.email.as_deref().filter(|_| identity.email_verified)?;
    Some(users::address_of(org, email))
}

/// Under what this connection's own directory may have pushed them: the id that provider and directory have in common, and a
/// `userName` that is an address which the provider has verified.
fn pushed(connection: &ConnectionRow, identity: &Identity) -> Vec<Key> {
    let of = &connection.id;
    let by = |by, digest| directory::found(of, directory::Kind::User, by, &digest);
    let external = by(directory::By::External, directory::external_digest(of, &identity.external_id));
    let email = identity.email.as_deref().filter(|_| identity.email_verified);
    let name = email.map(|email| by(directory::By::Name, directory::name_digest(of, email)));
    [external].into_iter().chain(name).collect()
}

/// Who it may be: as whom they signed in before, and as whom exactly one was pushed.
pub fn candidates(rows: &Rows, org: &OrgId, connection: &ConnectionRow, identity: &Identity) -> Vec<UserId> {
    let before = rows.get(&link(org, identity)).and_then(linked_user);
    let only = |key: Key| {
        let row = FoundRow::from_item(rows.get(&key)?).ok()?;
        let ids = directory::ids::<UserId>(&row);
        ids.into_iter().next().filter(|_| row.0.len() == 1)
    };
    before.into_iter().chain(pushed(connection, identity).into_iter().filter_map(only)).collect()
}

/// Who it is, if somebody: the first who is in. Somebody who was taken away and pushed anew is the new one. As whom somebody
/// was pushed counts until they have signed in: from then on no directory says by which other identity they do.
pub fn linked(rows: &Rows, org: &OrgId, connection: &ConnectionRow, identity: &Identity) -> Option<UserId> {
    let before = rows.get(&link(org, identity)).and_then(linked_user);
    let person = |id: &UserId| {
        let item = rows.get(&Key::user(org, id))?;
        PersonRow::from_item(item).ok()
    };
    let theirs =
        |id: &UserId| before.as_ref() == Some(id) || person(id).is_some_and(|person| !person.signed_in);
    let candidates = candidates(rows, org, connection, identity).into_iter();
    let candidates: Vec<UserId> = candidates.filter(theirs).collect();
    let is_in = |id: &&UserId| person(id).is_some_and(|person| person.user.active);
    candidates.iter().find(is_in).or(candidates.first()).cloned()
}

/// Where a directory keeps whoever it is: whether they were pushed, and so which groups they are in.
pub fn pushed_place(connection: &ConnectionRow, user: &UserId) -> Key {
    directory::user(&connection.id, user)
}

/// Rows of the person, and of the roles that groups and invitations can give.
pub fn more_keys(org: &OrgId, connection: &Connection, user: &UserId, awaiting: &Awaiting) -> Vec<Key> {
    let mut keys = vec![Key::user(org, user), Key::org_owner(org, user), Key::platform_admin(user)];
    for tenant in connection.form().group_roles.iter().map(|row| &row.grant.tenant) {
        keys.extend([Key::binding(tenant, user), Key::owners(tenant), Key::tenant(tenant)]);
    }
    keys.extend(awaiting.keys(org, user));
    keys
}

/// Lets somebody in, or says why not. Somebody who was ended stays out, whatever else speaks for them.
///
/// # Errors
/// Why not; nothing is written.
pub fn admit(door: &Door<'_>) -> Result<Admitted, Why> {
    let org = &door.row.org;
    let known = linked(door.rows, org, door.row, door.identity);
    let id = known.clone().unwrap_or_else(|| door.new_user.clone());
    let awaiting = Awaiting::at(door.rows, org, door.row, door.identity, door.now)?;
    let awaiting = awaiting.standing(door.rows, org, &id)?;
    let user = door.rows.get(&Key::user(org, &id)).map(User::from_item).transpose();
    let user = user.map_err(|_| Why::FactsUnavailable)?;
    // By whichever connection or invitation: whoever was ended here under this address is not somebody new.
    // But whom the directory of this very connection says to be in is in, whoever else had the address.
    if let Some(address) = address(org, door.identity)
        && users::is_ended(door.rows, org, &address)?
        && !told_in(door, known.as_ref())?
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
        // Where a directory pushes people, whoever it does not tell of is nobody.
        Jit::Create if pushes(door)? => welcomed(Refusal::NotProvisioned, awaiting.is_any())?,
        Jit::Create => true,
        Jit::Refuse(refusal) => welcomed(refusal, awaiting.is_any())?,
    };
    let epoch = user.as_ref().map_or(1, |user| user.epoch);
    let mut entry = Entry { door, org, user: &id, staged: Staged::over(door.rows) };
    if created {
        entry.create();
    }
    entry.joined()?;
    entry.note_address()?;
    let mut granted = mapping::grants(door.connection, &door.identity.groups);
    granted.grants.extend(pushed_grants(door)?);
    entry.follow_groups(&granted)?;
    // What groups give and take goes first: an invitation is not used up by a role that is about to go.
    let taken = entry.accept(&awaiting)?;
    let mfa = door.identity.mfa != Mfa::No;
    let session = entry.begin(epoch, mfa);
    let writes = entry.staged.into_writes();
    Ok(Admitted { user: id, session, created, mfa, taken, writes })
}

/// What is still to be written when somebody is kept out who was ended, under an address that nobody knew: from then on nobody
/// comes in under it.
pub fn kept_out(door: &Door<'_>) -> Vec<Write> {
    let org = &door.row.org;
    let found = linked(door.rows, org, door.row, door.identity).zip(address(org, door.identity));
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
    let place = Key::address(org, &address);
    let read = door.rows.get(&place);
    let Ok(closed) = tables::people::closed(place, read) else { return Vec::new() };
    vec![noted.to_write(), closed.into()]
}

/// Whether this connection's directory says that somebody is in.
fn told_in(door: &Door<'_>, known: Option<&UserId>) -> Result<bool, Why> {
    let item = known.and_then(|known| door.rows.get(&pushed_place(door.row, known)));
    let row = item.map(DirectoryUserRow::from_item).transpose()?;
    Ok(row.is_some_and(|row| row.active))
}

/// Whether a directory pushes people through this connection: whether it has a token that is good.
fn pushes(door: &Door<'_>) -> Result<bool, Why> {
    let slots = door.rows.get(&Key::scim_slots(&door.row.id)).map(ScimSlots::from_item).transpose()?;
    Ok(slots.is_some_and(|slots| !slots.live(door.now).0.is_empty()))
}

/// What groups give that the connection's directory pushed: beside those of the token, which need not tell them.
fn pushed_grants(door: &Door<'_>) -> Result<Vec<GroupGrant>, Why> {
    let (of, mut grants) = (&door.row.id, Vec::new());
    for (_, item) in door.rows.iter().filter(|(key, _)| directory::is_group(of, key)) {
        let row = DirectoryGroupRow::from_item(item).map_err(|_| Why::FactsUnavailable)?;
        let rows = door.connection.form().group_roles.iter();
        let named = rows.filter(|one| row.mapped_by.contains(&directory::mapping_digest(of, &one.group)));
        grants.extend(named.map(|one| one.grant.clone()));
    }
    Ok(grants)
}

/// An invitation stands for being provisioned, and for nothing else that is missing.
fn welcomed(refusal: Refusal, invited: bool) -> Result<bool, Why> {
    match (refusal, invited) {
        (Refusal::NotProvisioned | Refusal::NoRole | Refusal::GroupsUntold, true) => Ok(true),
        (Refusal::Deprovisioned, _) => Err(Why::Deprovisioned),
        (Refusal::Mfa | Refusal::MfaUntold, _) => Err(Why::MfaRequired),
        (Refusal::NotProvisioned | Refusal::NoRole, false) => Err(Why::NotAdmitted),
        (Refusal::GroupsUntold, false) => Err(Why::GroupsUntold),
    }
}

/// What is written for one sign-in, by row: each is written once.
struct Entry<'a> {
    door: &'a Door<'a>,
    org: &'a OrgId,
    user: &'a UserId,
    staged: Staged<'a>,
}

impl Entry<'_> {
    fn create(&mut self) {
        self.staged.put(Key::user(self.org, self.user), PersonRow::new(self.user.clone()).to_item());
    }

    /// The person has signed in, and is known by this identity.
    fn joined(&mut self) -> Result<(), CodecError> {
        self.link();
        self.staged.person(self.org, self.user, |person| person.signed_in = true)
    }

    /// Whoever it is, they are known by this identity from now on.
    fn link(&mut self) {
        let place = link(self.org, self.door.identity);
        if self.staged.item(&place).and_then(linked_user).as_ref() != Some(self.user) {
            self.staged.put(place, link_to(self.user));
        }
    }

    /// Under which address somebody comes in, so that they can be kept out under it. Written over the address as it was read:
    /// whoever is ended at the same moment is not let in here.
    fn note_address(&mut self) -> Result<(), CodecError> {
        let Some(address) = address(self.org, self.door.identity) else { return Ok(()) };
        self.staged.person(self.org, self.user, |person| person.note(&address))?;
        let place = Key::address(self.org, &address);
        let before = self.staged.find::<AddressRow>(&place)?.unwrap_or_default();
        let (user, via) = (Some(self.user.clone()), Some(self.door.row.id.clone()));
        let row = AddressRow { user, via, ..before.clone() };
        if before != row || self.staged.changes(&Key::user(self.org, self.user)) {
            self.staged.put(place, row.to_item());
        }
        Ok(())
    }

    /// What invitations hold, once. The roles that are new.
    fn accept(&mut self, awaiting: &Awaiting) -> Result<Vec<Taken>, Why> {
        if !awaiting.is_any() {
            return Ok(Vec::new());
        }
        if let Some(invite) = &awaiting.org {
            self.take_office(invite)?;
        }
        let mut taken = awaiting.roles();
        // Whoever has a role keeps it.
        taken.retain(|one| self.staged.item(&Key::binding(&one.tenant, self.user)).is_none());
        for Taken { tenant, role, .. } in &taken {
            self.staged.bind(self.org, tenant, self.user, role.to_item(), *role)?;
        }
        awaiting.places.iter().for_each(|place| self.staged.delete(place.clone()));
        Ok(taken)
    }

    /// What an owner of the organization promised, and the first of the platform's administrators was.
    fn take_office(&mut self, invite: &InviteRow) -> Result<(), Why> {
        let missing = |staged: &Staged<'_>, key: &Key| staged.item(key).is_none();
        // The first administrator's alone: what older bootstraps promised is over with the first sign-in.
        let first = invite.platform && missing(&self.staged, &Key::bootstrapped());
        if first && missing(&self.staged, &Key::platform_admin(self.user)) {
            self.staged.put(Key::platform_admin(self.user), Marker::item());
            self.staged.put(Key::platform_admins(), offices::with_admin(self.door.rows, self.user)?);
            // From now on nobody comes in by IAM alone.
            self.staged.put(Key::bootstrapped(), Marker::item());
        }
        if invite.owner && missing(&self.staged, &Key::org_owner(self.org, self.user)) {
            self.staged.put(Key::org_owner(self.org, self.user), Marker::item());
            self.staged.own(Key::org_owners(self.org), self.user, true)?;
            // Whoever is ended at this moment is given no office.
            let person = Key::user(self.org, self.user);
            if let Some(item) = self.staged.item(&person).cloned() {
                self.staged.put(person, item);
            }
        }
        Ok(())
    }

    /// Roles that came by a group follow the groups; roles that people gave stay as they are.
    fn follow_groups(&mut self, granted: &Granted) -> Result<(), CodecError> {
        let wanted = highest(granted.grants.iter().map(|grant| (grant.tenant.clone(), grant.role)));
        // Each once, however many groups lead there.
        let rows = self.door.connection.form().group_roles.iter();
        let tenants: BTreeSet<TenantId> = rows.map(|row| row.grant.tenant.clone()).collect();
        let follower = Follower { org: self.org, user: self.user, connection: &self.door.row.id };
        follower.follow(&mut self.staged, &tenants, &wanted, granted.complete)?;
        // Whoever is moved out of a group at this moment is not given its role: their row counts moves.
        let pushed = pushed_place(self.door.row, self.user);
        let given = wanted.keys().any(|tenant| self.staged.changes(&Key::binding(tenant, self.user)));
        if let Some(item) = self.staged.item(&pushed).filter(|_| given).cloned() {
            self.staged.put(pushed, item);
        }
        Ok(())
    }

    fn begin(&mut self, epoch: u64, mfa: bool) -> SessionRow {
        let (now, row) = (self.door.now, self.door.row);
        let at_provider =
            |sid: &String| super::sessions::at_provider(&row.id, &self.door.identity.issuer, sid);
        let session = SessionRow {
            id: self.door.session.clone(),
            org: self.org.clone(),
            user: self.user.clone(),
            epoch,
            through: Through::Connection(row.id.clone()),
            client: SessionClient::Browser,
            created_at: now,
            seen_at: now,
            expires_at: now.plus_millis(self.door.connection.form().session_minutes.millis()),
            mfa,
            revoked_at: None,
            root: None,
            handed: BTreeSet::new(),
            sid: self.door.identity.sid.as_ref().map(at_provider),
        };
        super::sessions::begun(&session).into_iter().for_each(|swap| self.staged.put(swap.key, swap.new));
        session
    }
}

#[cfg(test)]
mod tests;
