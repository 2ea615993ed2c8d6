//! A person who is pushed: made, changed, ended, let in again, taken away.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    AddressRow, DirectoryUserRow, Handles, LeaveCause, Offboarding, Opaque, Person, SealedBytes, Timestamp,
    UserId,
};
use serde_json::Value;
use tables::codec::Row as _;
use tables::directory::{
    Kind, counted, external_digest, handle_keys, mail_digest, name_digest, rehandle, user,
};
use tables::gates::Write;
use tables::offboard::marked;
use tables::standing::{Follower, Staged, address_digest, link, linked_user};
use tables::{Item, Key};

use super::{Document, Stop, handles, text};
use crate::Rows;
use crate::directory::Directory;
use crate::error::{ScimError, ScimType};

/// Addresses that somebody is known by when they sign in; the directory may tell more.
const ADDRESSES: usize = 6;
/// Tenants of one owner that one write takes care of. Access goes all the same: an owner who is not active owns nothing.
const OWNS_MAX: usize = 25;
/// Addresses of one person: with all that changes by them one write holds them.
const MAILS_MAX: usize = 20;
/// Others whom one identity or address names, and who end with somebody.
const TWINS_MAX: usize = 2;

/// Somebody as they are kept.
#[derive(Debug, Clone)]
pub struct Kept {
    pub row: DirectoryUserRow,
    pub item: Item,
    pub document: Document,
}

/// What is to become of somebody.
#[derive(Debug)]
pub struct Change<'a> {
    pub directory: &'a Directory,
    pub id: &'a UserId,
    pub before: Option<&'a Kept>,
    pub after: &'a Document,
    pub sealed: SealedBytes,
    /// How it comes, if they are ended.
    pub cause: LeaveCause,
    pub now: Timestamp,
}

/// What is written, and what else there is to tell.
#[derive(Debug)]
pub struct Plan {
    pub row: DirectoryUserRow,
    pub writes: Vec<Write>,
    /// That somebody is ended: told to whoever deals with what they held.
    pub left: Option<Offboarding>,
    /// Others who sign in as what the directory ended: the same person, known here under another id.
    pub twins: Vec<Offboarding>,
    /// Something has no owner any more, or the platform has one administrator fewer.
    pub last_owner: bool,
}

/// By what somebody is found.
pub fn handles_of(directory: &Directory, document: &Document) -> Handles {
    let of = &directory.connection;
    Handles {
        name: text(document, "userName").map(|name| name_digest(of, name)),
        external: text(document, "externalId").map(|external| external_digest(of, external)),
        mails: mails(document).map(|mail| mail_digest(of, mail)).collect(),
    }
}

fn mails(document: &Document) -> impl Iterator<Item = &str> {
    let list = document.get("emails").and_then(Value::as_array);
    list.into_iter().flatten().filter_map(|mail| mail.get("value")?.as_str())
}

/// Under which addresses somebody signs in, as far as the directory tells.
fn addresses(directory: &Directory, document: &Document) -> BTreeSet<Opaque> {
    let name = text(document, "userName").filter(|name| name.contains('@'));
    let all = name.into_iter().chain(mails(document)).take(ADDRESSES);
    all.map(|mail| address_digest(&directory.org, mail)).collect()
}

/// Links under which somebody may have signed in before they were pushed.
fn links(directory: &Directory, document: &Document) -> Vec<Key> {
    let identities = text(document, "externalId").map(|external| directory.identities(external));
    let links = identities.into_iter().flatten();
    links.map(|(issuer, subject)| link(&directory.org, &issuer, &subject)).collect()
}

/// Whether the directory says that somebody is in.
pub fn is_active(document: &Document) -> bool {
    document.get("active") == Some(&Value::Bool(true))
}

/// The rows of somebody, read first.
pub fn first_keys(directory: &Directory, before: Option<&Kept>, after: &Document) -> Vec<Key> {
    let had = before.map(|kept| kept.row.handles.clone()).unwrap_or_default();
    let mut keys = handle_keys(&directory.connection, Kind::User, &had, &handles_of(directory, after));
    let addresses = addresses(directory, after);
    keys.extend(addresses.iter().map(|address| Key::address(&directory.org, address)));
    keys.extend(links(directory, after));
    keys.extend(before.map(|kept| links(directory, &kept.document)).unwrap_or_default());
    keys
}

/// Who may be the one that is pushed: somebody who came in before the directory told of them, by the very identity at this
/// connection's provider. An address is no identity: it would let a directory make anybody of anybody.
pub fn candidates(directory: &Directory, after: &Document, rows: &Rows) -> Vec<UserId> {
    links(directory, after).into_iter().filter_map(|key| linked_user(rows.get(&key)?)).collect()
}

/// Others who are the same person: who signs in by the identity that the directory names, or came in through this connection
/// under an address of theirs. They end with them.
pub fn twins(
    directory: &Directory,
    id: &UserId,
    documents: [Option<&Document>; 2],
    rows: &Rows,
) -> Vec<UserId> {
    let mut found = BTreeSet::new();
    for document in documents.into_iter().flatten() {
        found.extend(candidates(directory, document, rows));
        found.extend(addresses(directory, document).into_iter().filter_map(|address| {
            let row = AddressRow::from_item(rows.get(&Key::address(&directory.org, &address))?).ok()?;
            row.user.filter(|_| row.via.as_ref() == Some(&directory.connection))
        }));
    }
    found.remove(id);
    found.into_iter().take(TWINS_MAX).collect()
}

/// The rows of one who may be it.
pub fn candidate_keys(directory: &Directory, id: &UserId) -> [Key; 2] {
    [user(&directory.connection, id), Key::user(&directory.org, id)]
}

/// The first who is in and whom the directory does not tell of yet. Somebody who was ended comes back under a new id: what was
/// theirs stays over.
pub fn adopted(directory: &Directory, candidates: &[UserId], rows: &Rows) -> Option<UserId> {
    let fits = |id: &&UserId| {
        let [told, person] = candidate_keys(directory, id);
        let person = rows.get(&person).and_then(|item| Person::from_item(item).ok());
        !rows.contains_key(&told) && person.is_some_and(|person| person.user.active)
    };
    candidates.iter().find(fits).cloned()
}

/// Rows of the person themselves.
pub fn person_keys(directory: &Directory, id: &UserId) -> Vec<Key> {
    let (org, of) = (&directory.org, &directory.connection);
    vec![
        user(of, id),
        Key::user(org, id),
        Key::org_owner(org, id),
        Key::org_owners(org),
        Key::platform_admin(id),
    ]
}

/// Rows that the person's own name.
pub fn more_keys(directory: &Directory, id: &UserId, rows: &Rows) -> Vec<Key> {
    let person = rows.get(&Key::user(&directory.org, id)).and_then(|item| Person::from_item(item).ok());
    let Some(person) = person else { return Vec::new() };
    let addresses = person.addresses.iter().map(|address| Key::address(&directory.org, address));
    person.owns.iter().take(OWNS_MAX).map(Key::owners).chain(addresses).collect()
}

/// Decides what is written.
///
/// # Errors
/// A name is another's, or a row does not read.
pub fn change(change: &Change<'_>, rows: &Rows) -> Result<Plan, Stop> {
    let Change { directory, id, before, after, now, .. } = change;
    let key = user(&directory.connection, id);
    if before.is_none() && rows.contains_key(&key) {
        // Another has just pushed whoever was here already.
        return Err(Stop::Refused(ScimError::taken("userName")));
    }
    let has = handles_of(directory, after);
    if has.mails.len() > MAILS_MAX {
        let detail = format!("a user has at most {MAILS_MAX} e-mail addresses");
        return Err(Stop::Refused(ScimError::bad(ScimType::InvalidValue, detail)));
    }
    let mut staged = Staged::over(rows);
    let had = before.map(|kept| kept.row.handles.clone()).unwrap_or_default();
    rehandle(&mut staged, &directory.connection, Kind::User, id.as_str(), (&had, &has))
        .map_err(|fault| handles(fault, "userName"))?;
    let active = is_active(after);
    let was = admitted(&mut staged, change)?;
    let again = before.is_some_and(|kept| kept.row.active == active);
    // What it has said before it does not say again, so that whoever was ended here by hand stays so; but whoever is not to be
    // in is out, however often it was said.
    let turns = if active { !was && !again } else { was };
    let left = if turns { turned(&mut staged, change, id, active)? } else { None };
    let mut twins = Vec::new();
    if !active {
        for twin in self::twins(directory, id, [Some(*after), before.map(|kept| &kept.document)], rows) {
            twins.extend(ended_beside(&mut staged, change, &twin)?);
        }
    }
    let platform = left.iter().chain(&twins).any(|left| rows.contains_key(&Key::platform_admin(&left.user)));
    let last_owner = staged.leaves_ownerless() || platform;
    let row = DirectoryUserRow {
        id: (*id).clone(),
        org: directory.org.clone(),
        active,
        handles: has,
        version: before.map_or(1, |kept| kept.row.version.saturating_add(1)),
        created_at: before.map_or(*now, |kept| kept.row.created_at),
        modified_at: *now,
        document: change.sealed.clone(),
    };
    // What else stands in the row stays.
    let mut item = rows.get(&key).cloned().unwrap_or_default();
    item.retain(|name, _| !matches!(name.as_str(), "name_digest" | "external_digest"));
    item.extend(row.to_item());
    staged.put(key, item);
    let mut writes = staged.into_writes();
    writes.extend(left.iter().chain(&twins).map(|left| marked(left).to_write()));
    writes.extend(before.is_none().then(|| counted(&directory.connection, Kind::User, id.as_str(), true)));
    Ok(Plan { row, writes, left, twins, last_owner })
}

/// The person is there, and known by their addresses. Whether they were active before.
fn admitted(staged: &mut Staged<'_>, change: &Change<'_>) -> Result<bool, Stop> {
    let Change { directory, id, after, .. } = change;
    let org = &directory.org;
    let key = Key::user(org, id);
    let person = staged.find::<Person>(&key)?;
    if person.is_none() {
        staged.put(key.clone(), Person::new((*id).clone()).to_item());
    }
    let active = person.as_ref().is_none_or(|person| person.user.active);
    let known: BTreeSet<Opaque> = person.into_iter().flat_map(|person| person.addresses).collect();
    for address in addresses(directory, after) {
        staged.person(org, id, |person| person.note(&address))?;
        // Under an address of somebody who is out nobody comes in, whenever it is told.
        if !active && !known.contains(&address) {
            staged.address(org, &address, |row| row.ended = row.ended.saturating_add(1))?;
        }
    }
    Ok(active)
}

/// Ends somebody or lets them in again, with what they own.
fn turned(
    staged: &mut Staged<'_>,
    change: &Change<'_>,
    id: &UserId,
    active: bool,
) -> Result<Option<Offboarding>, Stop> {
    let org = &change.directory.org;
    staged.turn(org, id, active)?;
    let person = staged.find::<Person>(&Key::user(org, id))?.ok_or(Stop::Unread)?;
    let own = staged.item(&Key::org_owner(org, id)).map(|_| Key::org_owners(org));
    for place in person.owns.iter().take(OWNS_MAX).map(Key::owners).chain(own) {
        staged.own(place, id, active)?;
    }
    let left = Offboarding {
        org: org.clone(),
        user: id.clone(),
        epoch: person.user.epoch,
        at: change.now,
        cause: change.cause,
    };
    Ok((!active).then_some(left))
}

/// Ends another row of the same person, unless the directory tells of it by itself.
fn ended_beside(
    staged: &mut Staged<'_>,
    change: &Change<'_>,
    twin: &UserId,
) -> Result<Option<Offboarding>, Stop> {
    let [told, person] = candidate_keys(change.directory, twin);
    let is_in = staged.find::<Person>(&person)?.is_some_and(|person| person.user.active);
    if staged.item(&told).is_some() || !is_in {
        return Ok(None);
    }
    turned(staged, change, twin, false)
}

/// Takes somebody's row away, once they are ended and in no group, and with it every role that came by a group.
///
/// `None`: they are in again meanwhile, and are ended first.
///
/// # Errors
/// A row does not read.
pub fn removed(directory: &Directory, kept: &Kept, rows: &Rows) -> Result<Option<Vec<Write>>, Stop> {
    let (of, id) = (&directory.connection, &kept.row.id);
    let mut staged = Staged::over(rows);
    let key = Key::user(&directory.org, id);
    if staged.find::<Person>(&key)?.is_some_and(|person| person.user.active) {
        return Ok(None);
    }
    // As it was read, or not at all: whoever is let in at this moment is not taken out of the directory.
    if let Some(item) = rows.get(&key) {
        staged.put(key, item.clone());
    }
    rehandle(&mut staged, of, Kind::User, id.as_str(), (&kept.row.handles, &Handles::default()))
        .map_err(|fault| handles(fault, "userName"))?;
    follower(directory, id).follow(&mut staged, &directory.tenants_named(), &BTreeMap::new(), true)?;
    staged.delete(user(of, id));
    let mut writes = staged.into_writes();
    writes.push(counted(of, Kind::User, id.as_str(), false));
    Ok(Some(writes))
}

/// The rows that [`removed`] reads.
pub fn removed_keys(directory: &Directory, kept: &Kept) -> Vec<Key> {
    let of = &directory.connection;
    let mut keys = handle_keys(of, Kind::User, &kept.row.handles, &Handles::default());
    keys.push(user(of, &kept.row.id));
    keys.push(Key::user(&directory.org, &kept.row.id));
    keys.extend(follower(directory, &kept.row.id).keys(&directory.tenants_named()));
    keys
}

const fn follower<'a>(directory: &'a Directory, id: &'a UserId) -> Follower<'a> {
    Follower { org: &directory.org, user: id, connection: &directory.connection }
}

#[cfg(test)]
mod tests;
