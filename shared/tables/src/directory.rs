//! Rows of directories: people and groups that were pushed, by what they are found, how many there are, and who is in which
//! group.
//!
//! ```text
//! CON#<connection>           SCIMUSER#<user>                 a person
//!                            SCIMGROUP#<group>               a group, without its members
//!                            SCIMFOUND#<U|G>#<by>#<digest>   who is found by a handle
//!                            SCIMCOUNT#<U|G>#<c>             how many ids begin with c, by their second character
//!                            SCIMOF#<user>#<group>           that somebody is in a group: what lists their groups
//!                            SCIMACCESS#<token>              an access token
//! CON#<connection>#<group>   MEMBER#<user>                   the same: what lists a group's members
//! ```
//!
//! Ids are random, and so is the order of their rows, which never changes: it is the order of pages. How many rows lie before a
//! page is known from the counts, not by reading them.

mod counts;

use std::collections::BTreeSet;

use domain::{
    ConnectionId, DirectoryGroupRow, DirectoryUserRow, FoundRow, GroupId, Handles, Opaque, ScimAccessRow,
    ScimTokenId, Timestamp, UserId,
};

pub use counts::{Counts, count_keys, counted};

use crate::codec::{Row, sealed};
use crate::gates::{Write, write_builder};
use crate::item::item;
use crate::standing::Staged;
use crate::{Attr, CodecError, Item, Key, Reader, Table};

/// What a directory holds two of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    User,
    Group,
}

impl Kind {
    const fn letter(self) -> char {
        match self {
            Self::User => 'U',
            Self::Group => 'G',
        }
    }

    /// Before the random characters of its ids.
    const fn prefix(self) -> &'static str {
        match self {
            Self::User => "usr_",
            Self::Group => "grp_",
        }
    }

    /// What sort keys of its rows begin with.
    pub const fn rows(self) -> &'static str {
        match self {
            Self::User => "SCIMUSER#usr_",
            Self::Group => "SCIMGROUP#grp_",
        }
    }
}

/// By which handle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    Name,
    External,
    Mail,
}

impl By {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::External => "external",
            Self::Mail => "mail",
        }
    }
}

fn own(connection: &ConnectionId, sk: String) -> Key {
    Key { table: Table::Identity, pk: format!("CON#{connection}"), sk }
}

/// The partition of all rows of a directory but of members.
pub fn partition(connection: &ConnectionId) -> String {
    format!("CON#{connection}")
}

pub fn user(connection: &ConnectionId, id: &UserId) -> Key {
    own(connection, format!("SCIMUSER#{id}"))
}

pub fn group(connection: &ConnectionId, id: &GroupId) -> Key {
    own(connection, format!("SCIMGROUP#{id}"))
}

pub fn found(connection: &ConnectionId, kind: Kind, by: By, digest: &Opaque) -> Key {
    own(connection, format!("SCIMFOUND#{}#{}#{digest}", kind.letter(), by.as_str()))
}

pub fn member_of(connection: &ConnectionId, user: &UserId, group: &GroupId) -> Key {
    own(connection, format!("{}{group}", groups_of(user)))
}

/// What sort keys begin with that list somebody's groups.
pub fn groups_of(user: &UserId) -> String {
    format!("SCIMOF#{user}#")
}

/// The partition of a group's members.
pub fn members(connection: &ConnectionId, group: &GroupId) -> String {
    format!("CON#{connection}#{group}")
}

/// What sort keys of members begin with.
pub const MEMBER: &str = "MEMBER#";

pub fn member(connection: &ConnectionId, group: &GroupId, user: &UserId) -> Key {
    Key { table: Table::Identity, pk: members(connection, group), sk: format!("{MEMBER}{user}") }
}

pub fn access(connection: &ConnectionId, id: &ScimTokenId) -> Key {
    own(connection, format!("SCIMACCESS#{id}"))
}

/// Whether a row of this directory is a group's.
pub fn is_group(connection: &ConnectionId, key: &Key) -> bool {
    key.table == Table::Identity && key.pk == partition(connection) && key.sk.starts_with(Kind::Group.rows())
}

/// The group of a row that lists somebody's groups.
pub fn group_of(user: &UserId, key: &Key) -> Option<GroupId> {
    key.sk.strip_prefix(&groups_of(user))?.parse().ok()
}

/// Letter by letter, as filters compare: where a letter stands makes no difference.
fn folded(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

/// The digest of a handle. `userName`, `displayName` and addresses are compared without regard to case.
pub fn name_digest(connection: &ConnectionId, text: &str) -> Opaque {
    Opaque::of(&["countersign scim name", connection.as_str(), &folded(text)])
}

pub fn mail_digest(connection: &ConnectionId, text: &str) -> Opaque {
    Opaque::of(&["countersign scim mail", connection.as_str(), &folded(text.trim())])
}

/// To the letter.
pub fn external_digest(connection: &ConnectionId, text: &str) -> Opaque {
    Opaque::of(&["countersign scim external", connection.as_str(), text])
}

/// By what a mapping of groups to roles names a group: to the letter, its name as well as its external id.
pub fn mapping_digest(connection: &ConnectionId, text: &str) -> Opaque {
    Opaque::of(&["countersign scim group", connection.as_str(), text])
}

fn written(handles: &Handles, row: &mut Item) {
    row.extend(handles.name.as_ref().map(|one| ("name_digest".to_owned(), Attr::text(one))));
    row.extend(handles.external.as_ref().map(|one| ("external_digest".to_owned(), Attr::text(one))));
    row.insert("mail_digests".to_owned(), Attr::texts(&handles.mails));
}

fn read(row: &Reader<'_>) -> Result<Handles, CodecError> {
    Ok(Handles {
        name: row.optional("name_digest")?,
        external: row.optional("external_digest")?,
        mails: row.texts("mail_digests")?,
    })
}

impl Row for DirectoryUserRow {
    fn to_item(&self) -> Item {
        let mut row = item([
            ("user_id", Attr::text(&self.id)),
            ("org_id", Attr::text(&self.org)),
            ("active", Attr::Bool(self.active)),
            ("changes", Attr::number(self.version)),
            ("created_at", Attr::text(self.created_at)),
            ("modified_at", Attr::text(self.modified_at)),
            ("document", Attr::B(self.document.as_bytes().to_vec())),
        ]);
        written(&self.handles, &mut row);
        row
    }

    fn from_item(item: &Item) -> Result<Self, CodecError> {
        let row = Reader::new(item)?;
        Ok(Self {
            id: row.parse("user_id")?,
            org: row.parse("org_id")?,
            active: row.flag("active")?,
            handles: read(&row)?,
            version: row.number("changes")?,
            created_at: row.parse("created_at")?,
            modified_at: row.parse("modified_at")?,
            document: sealed(&row, "document")?,
        })
    }
}

impl Row for DirectoryGroupRow {
    fn to_item(&self) -> Item {
        let mut row = item([
            ("group_id", Attr::text(&self.id)),
            ("org_id", Attr::text(&self.org)),
            ("mapped_by", Attr::texts(&self.mapped_by)),
            ("changes", Attr::number(self.version)),
            ("created_at", Attr::text(self.created_at)),
            ("modified_at", Attr::text(self.modified_at)),
            ("document", Attr::B(self.document.as_bytes().to_vec())),
        ]);
        written(&self.handles, &mut row);
        row
    }

    fn from_item(item: &Item) -> Result<Self, CodecError> {
        let row = Reader::new(item)?;
        Ok(Self {
            id: row.parse("group_id")?,
            org: row.parse("org_id")?,
            handles: read(&row)?,
            mapped_by: row.texts("mapped_by")?,
            version: row.number("changes")?,
            created_at: row.parse("created_at")?,
            modified_at: row.parse("modified_at")?,
            document: sealed(&row, "document")?,
        })
    }
}

impl Row for FoundRow {
    fn to_item(&self) -> Item {
        item([("ids", Attr::texts(&self.0))])
    }

    fn from_item(item: &Item) -> Result<Self, CodecError> {
        Ok(Self(Reader::new(item)?.texts("ids")?))
    }
}

impl Row for ScimAccessRow {
    fn to_item(&self) -> Item {
        item([
            ("token_id", Attr::text(&self.id)),
            ("secret_sha256", Attr::text(self.secret)),
            ("via", Attr::text(&self.via)),
            ("expires_at", Attr::text(self.expires_at)),
        ])
    }

    fn from_item(item: &Item) -> Result<Self, CodecError> {
        let row = Reader::new(item)?;
        Ok(Self {
            id: row.parse("token_id")?,
            secret: row.parse("secret_sha256")?,
            via: row.parse("via")?,
            expires_at: row.parse("expires_at")?,
        })
    }
}

/// Puts a row, whatever stood there.
pub fn placed(key: Key, row: Item) -> Write {
    let mut write = write_builder(&key);
    for (name, value) in row {
        let (place, value) = (write.name(&name), write.value(value));
        write.set(format!("{place} = {value}"));
    }
    write.build()
}

/// Takes a row away, if there is one.
pub fn cleared(key: Key) -> Write {
    Write { delete: true, ..write_builder(&key).build() }
}

/// A group's members have changed.
pub fn regrouped(connection: &ConnectionId, id: &GroupId, now: Timestamp) -> Write {
    let mut write = write_builder(&group(connection, id));
    let (changes, modified) = (write.name("changes"), write.name("modified_at"));
    let (one, now) = (write.number(1), write.value(Attr::text(now)));
    write.set(format!("{changes} = {changes} + {one}"));
    write.set(format!("{modified} = {now}"));
    write.when("attribute_exists(pk)".to_owned());
    write.build()
}

/// Why a handle cannot be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HandleFault {
    /// Somebody else has this name.
    #[error("the name is another's")]
    Taken,
    /// As many have this external id or address as one row names.
    #[error("too many have the same external id or address")]
    Crowded,
    #[error("a row does not read")]
    Unread,
}

fn places(connection: &ConnectionId, kind: Kind, handles: &Handles) -> Vec<(By, Key)> {
    let one = |by, digest: &Opaque| (by, found(connection, kind, by, digest));
    let name = handles.name.iter().map(|digest| one(By::Name, digest));
    let external = handles.external.iter().map(|digest| one(By::External, digest));
    let mails = handles.mails.iter().map(|digest| one(By::Mail, digest));
    name.chain(external).chain(mails).collect()
}

/// Rows that change when somebody is found by other handles.
pub fn handle_keys(connection: &ConnectionId, kind: Kind, before: &Handles, after: &Handles) -> Vec<Key> {
    let (old, new) = (places(connection, kind, before), places(connection, kind, after));
    let gone = old.iter().filter(|place| !new.contains(place));
    let come = new.iter().filter(|place| !old.contains(place));
    gone.chain(come).map(|(_, key)| key.clone()).collect()
}

/// Stages that somebody is found by other handles than before.
///
/// # Errors
/// A name is another's, or too many have one handle.
pub fn rehandle(
    staged: &mut Staged<'_>,
    connection: &ConnectionId,
    kind: Kind,
    id: &str,
    (before, after): (&Handles, &Handles),
) -> Result<(), HandleFault> {
    let (old, new) = (places(connection, kind, before), places(connection, kind, after));
    for (by, key) in new.iter().filter(|place| !old.contains(place)) {
        let mut row = staged.find::<FoundRow>(key).map_err(|_| HandleFault::Unread)?.unwrap_or_default();
        if *by == By::Name && row.0.iter().any(|one| one != id) {
            return Err(HandleFault::Taken);
        }
        row.0.insert(id.to_owned());
        if row.0.len() > FoundRow::MOST {
            return Err(HandleFault::Crowded);
        }
        staged.put(key.clone(), row.to_item());
    }
    for (_, key) in old.iter().filter(|place| !new.contains(place)) {
        let mut row = staged.find::<FoundRow>(key).map_err(|_| HandleFault::Unread)?.unwrap_or_default();
        row.0.remove(id);
        if row.0.is_empty() { staged.delete(key.clone()) } else { staged.put(key.clone(), row.to_item()) }
    }
    Ok(())
}

/// Ids in a row of handles, each read.
pub fn ids<T: std::str::FromStr + Ord>(row: &FoundRow) -> BTreeSet<T> {
    row.0.iter().filter_map(|id| id.parse().ok()).collect()
}

#[cfg(test)]
mod tests;
