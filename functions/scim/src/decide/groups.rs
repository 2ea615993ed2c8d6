//! A group that is pushed, and who is in it.

use std::collections::BTreeSet;

use domain::{
    DirectoryGroupRow, GroupId, Handles, LeaveCause, Offboarding, Opaque, Person, SealedBytes, Timestamp,
    UserId,
};
use tables::codec::Row as _;
use tables::directory::{
    Kind, counted, external_digest, group, handle_keys, mapping_digest, member, member_of, name_digest,
    rehandle, user,
};
use tables::gates::Write;
use tables::offboard::marked;
use tables::standing::{Follower, Staged};
use tables::{Attr, Item, Key, Marker};

use super::{Document, Stop, handles, tenants_of, text, wanted};
use crate::Rows;
use crate::directory::Directory;

/// A group as it is kept, without its members.
#[derive(Debug, Clone)]
pub struct Kept {
    pub row: DirectoryGroupRow,
    pub item: Item,
    pub document: Document,
}

/// What is to become of a group.
#[derive(Debug)]
pub struct Change<'a> {
    pub directory: &'a Directory,
    pub id: &'a GroupId,
    pub before: Option<&'a Kept>,
    pub after: &'a Document,
    pub sealed: SealedBytes,
    pub now: Timestamp,
}

pub fn handles_of(directory: &Directory, document: &Document) -> Handles {
    let of = &directory.connection;
    Handles {
        name: text(document, "displayName").map(|name| name_digest(of, name)),
        external: text(document, "externalId").map(|external| external_digest(of, external)),
        mails: BTreeSet::new(),
    }
}

/// By what a mapping of groups to roles may name it.
pub fn mapped_by(directory: &Directory, document: &Document) -> BTreeSet<Opaque> {
    let names = [text(document, "displayName"), text(document, "externalId")];
    names.into_iter().flatten().map(|name| mapping_digest(&directory.connection, name)).collect()
}

/// The rows that [`change`] reads.
pub fn keys(directory: &Directory, id: &GroupId, before: Option<&Kept>, after: &Document) -> Vec<Key> {
    let had = before.map(|kept| kept.row.handles.clone()).unwrap_or_default();
    let mut keys = handle_keys(&directory.connection, Kind::Group, &had, &handles_of(directory, after));
    keys.push(group(&directory.connection, id));
    keys
}

/// The group's row as it is to be.
pub fn row(change: &Change<'_>) -> DirectoryGroupRow {
    let Change { directory, id, before, after, now, sealed } = change;
    DirectoryGroupRow {
        id: (*id).clone(),
        org: directory.org.clone(),
        handles: handles_of(directory, after),
        mapped_by: mapped_by(directory, after),
        version: before.map_or(1, |kept| kept.row.version.saturating_add(1)),
        created_at: before.map_or(*now, |kept| kept.row.created_at),
        modified_at: *now,
        document: sealed.clone(),
    }
}

/// What is written of the group itself.
///
/// # Errors
/// Another group has the name, or a row does not read.
pub fn change(change: &Change<'_>, rows: &Rows) -> Result<Vec<Write>, Stop> {
    let Change { directory, id, before, .. } = change;
    let of = &directory.connection;
    let mut staged = Staged::over(rows);
    let had = before.map(|kept| kept.row.handles.clone()).unwrap_or_default();
    let row = row(change);
    rehandle(&mut staged, of, Kind::Group, id.as_str(), (&had, &row.handles))
        .map_err(|fault| handles(fault, "displayName"))?;
    staged.put(group(of, id), row.to_item());
    let mut writes = staged.into_writes();
    writes.extend(before.is_none().then(|| counted(of, Kind::Group, id.as_str(), true)));
    Ok(writes)
}

/// Takes a group's row away, once nobody is in it.
///
/// # Errors
/// A row does not read.
pub fn removed(directory: &Directory, kept: &Kept, rows: &Rows) -> Result<Vec<Write>, Stop> {
    let (of, id) = (&directory.connection, &kept.row.id);
    let mut staged = Staged::over(rows);
    rehandle(&mut staged, of, Kind::Group, id.as_str(), (&kept.row.handles, &Handles::default()))
        .map_err(|fault| handles(fault, "displayName"))?;
    staged.delete(group(of, id));
    let mut writes = staged.into_writes();
    writes.push(counted(of, Kind::Group, id.as_str(), false));
    Ok(writes)
}

/// The rows that [`removed`] reads.
pub fn removed_keys(directory: &Directory, kept: &Kept) -> Vec<Key> {
    let of = &directory.connection;
    let mut keys = handle_keys(of, Kind::Group, &kept.row.handles, &Handles::default());
    keys.push(group(of, &kept.row.id));
    keys
}

/// One member comes or goes: both rows, whatever stood there.
pub fn membership(directory: &Directory, id: &GroupId, person: &UserId, comes: bool) -> [Write; 2] {
    let of = &directory.connection;
    [member(of, id, person), member_of(of, person, id)].map(|key| match comes {
        true => tables::directory::placed(key, Marker::item()),
        false => tables::directory::cleared(key),
    })
}

/// Somebody whose groups change, so that roles may, too.
#[derive(Debug)]
pub struct Moved<'a> {
    pub directory: &'a Directory,
    pub person: &'a UserId,
    /// The group that changes, as it was before and as it is to be for them: `None` is one that they are not in.
    pub was: Option<&'a DirectoryGroupRow>,
    pub is: Option<&'a DirectoryGroupRow>,
    /// Their other groups.
    pub others: &'a [DirectoryGroupRow],
}

impl Moved<'_> {
    /// The rows that [`Moved::writes`] reads.
    pub fn keys(&self) -> Vec<Key> {
        let mut keys = self.follower().keys(&self.tenants());
        keys.push(user(&self.directory.connection, self.person));
        keys
    }

    fn follower(&self) -> Follower<'_> {
        let Directory { org, connection, .. } = self.directory;
        Follower { org, user: self.person, connection }
    }

    fn tenants(&self) -> BTreeSet<domain::TenantId> {
        tenants_of(self.directory, self.was.into_iter().chain(self.is))
    }

    /// Whether this takes the last group that gave them anything.
    fn loses_all(&self) -> bool {
        let gives = |groups: &[Option<&DirectoryGroupRow>]| {
            let all = self.others.iter().chain(groups.iter().copied().flatten());
            !wanted(self.directory, all).is_empty()
        };
        gives(&[self.was]) && !gives(&[self.is])
    }

    /// What roles become. Each such move of one person is one after the other: their row counts them. With the last group that
    /// gave them anything, whatever they began ends: a new epoch, in the same write.
    ///
    /// # Errors
    /// A row does not read, or the person is gone.
    pub fn writes(&self, rows: &Rows, now: Timestamp) -> Result<(Vec<Write>, Option<Offboarding>), Stop> {
        let mut staged = Staged::over(rows);
        let wanted = wanted(self.directory, self.others.iter().chain(self.is));
        self.follower().follow(&mut staged, &self.tenants(), &wanted, true)?;
        // A role that a person gave stays, and with it what they began by it.
        let taken = self.tenants().iter().any(|tenant| staged.changes(&Key::binding(tenant, self.person)));
        let left = if taken && self.loses_all() { self.left(&mut staged, now)? } else { None };
        let key = user(&self.directory.connection, self.person);
        let mut item = rows.get(&key).cloned().ok_or(Stop::Unread)?;
        let moves = match item.get(MOVES) {
            Some(Attr::N(count)) => count.parse::<u64>().map_err(|_| Stop::Unread)?,
            _ => 0,
        };
        item.insert(MOVES.to_owned(), Attr::number(moves.saturating_add(1)));
        staged.put(key, item);
        let mut writes = staged.into_writes();
        writes.extend(left.as_ref().map(|left| marked(left).to_write()));
        Ok((writes, left))
    }

    /// Whoever is ended already has a new epoch.
    fn left(&self, staged: &mut Staged<'_>, now: Timestamp) -> Result<Option<Offboarding>, Stop> {
        let (org, user) = (&self.directory.org, self.person);
        let person = staged.find::<Person>(&Key::user(org, user))?.ok_or(Stop::Unread)?;
        if !person.user.active {
            return Ok(None);
        }
        let epoch = person.user.epoch.saturating_add(1);
        staged.person(org, user, |person| person.user.epoch = epoch)?;
        let (org, user) = (org.clone(), user.clone());
        Ok(Some(Offboarding { org, user, epoch, at: now, cause: LeaveCause::GroupLost }))
    }
}

/// How often somebody's groups changed that give roles: without it two moves at once could each count on the other's group.
const MOVES: &str = "moves";

#[cfg(test)]
mod tests;
