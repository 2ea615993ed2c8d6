//! Directories that push nothing are asked, by the clock. What one lists in full is compared with what is kept, and the difference
//! goes the way of every push: decided, recorded, written. People count by all pages or none; a group that cannot be read stays
//! as it is. Where too many go at once nobody goes: see `plan`.

mod ask;
mod pass;
mod plan;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use domain::{
    AddressRow, ConnectionRow, DirectoryAccount, DirectoryUserRow, Lifecycle, Org, Person as PersonRow,
    PullRow, ScimSlots, Timestamp, UserId,
};
use futures_util::stream::{self, StreamExt as _};
use serde::Deserialize;
use tables::codec::Row as _;
use tables::directory as places;
use tables::standing::{address_digest, link, linked_user};
use tables::{Key, Table};

use crate::Scim;
use crate::desk::Desk;
use crate::directory::Directory;
use crate::effects::{Effects, Session, unavailable};
use crate::error::ScimError;
use crate::google::{Fault, Person};

pub use ask::{Google, Places};
use pass::Pass;
use plan::{Known, Listing, Standing, World};

/// Rows of one page.
const PAGE: u16 = 500;
/// Nothing more is begun when the platform ends the invocation in so many milliseconds.
const REST_MS: u64 = 10_000;
/// Groups that are asked for side by side.
const BESIDE: usize = 8;
/// Each pass begins at another directory.
const PASS_MS: u64 = 30 * 60_000;
/// Directories that are gone through side by side.
const AT_ONCE: usize = 8;

/// What the clock asks for: one object with one name in it, which no request of a client is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Clock {
    PullDirectories {},
}

impl Clock {
    pub fn parse(event: &str) -> Option<Self> {
        serde_json::from_str(event).ok()
    }
}

/// A directory in full.
#[derive(Debug)]
pub struct Told {
    /// Everybody, by id.
    pub people: BTreeMap<String, Person>,
    /// Ids of who is in a group, by the address that a mapping names the group by.
    pub groups: BTreeMap<String, BTreeSet<String>>,
    /// Why there is a group of which nothing is known: it stays as it is.
    pub unread: Option<Fault>,
}

/// Why a directory was not gone through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    Directory(Fault),
    /// The tables or keys did not answer.
    Here,
    /// The rest waits for the next time.
    Time,
    /// It pushes, too: what one says of somebody the other would take back.
    Pushes,
}

impl Stopped {
    /// An alarm reads these lines.
    fn tell(&self, connection: &str) {
        let fault = match self {
            Self::Time => return tracing::error!(connection, "directory.pull_unfinished"),
            Self::Directory(fault) => fault.to_string(),
            Self::Here => "the tables or keys do not answer".to_owned(),
            Self::Pushes => {
                "it pushes as well: revoke the connection's SCIM tokens, or ask it no more".to_owned()
            }
        };
        tracing::error!(connection, fault, "directory.pull_failed");
    }
}

impl From<Fault> for Stopped {
    fn from(fault: Fault) -> Self {
        Self::Directory(fault)
    }
}

impl From<ScimError> for Stopped {
    fn from(_: ScimError) -> Self {
        Self::Here
    }
}

impl<D: Desk> Scim<D> {
    /// Asks every directory that is to be asked. One that fails does not stop the others. `deadline`: when the platform ends the
    /// invocation, in milliseconds of Unix time.
    pub async fn pull(&self, google: &Google, deadline: u64, now: Timestamp) -> crate::Response {
        let rest = deadline.saturating_sub(now.unix_millis()).saturating_sub(REST_MS);
        let until = now.plus_millis(rest);
        let Ok(mut rows) = self.effects.pulls().await else {
            tracing::error!("directory.pull_failed");
            return crate::Response::empty(503);
        };
        let from = (now.unix_millis() / PASS_MS) % (rows.len().max(1) as u64);
        rows.rotate_left(usize::try_from(from).unwrap_or_default());
        let turns = stream::iter(rows).for_each_concurrent(AT_ONCE, |row| async move {
            if let Err(stopped) = Box::pin(self.effects.pull(google, &row, until, now)).await {
                stopped.tell(row.connection.as_str());
            }
        });
        turns.await;
        crate::Response::empty(200)
    }
}

impl<D: Desk> Effects<D> {
    async fn pulls(&self) -> Result<Vec<PullRow>, ScimError> {
        let keys = self.all(Key::PULLS, Key::PULL).await?;
        let key = |sk| Key { table: Table::Identity, pk: Key::PULLS.to_owned(), sk };
        let rows = self.read(keys.into_iter().map(key).collect()).await?;
        let read = rows.values().map(PullRow::from_item).collect::<Result<Vec<_>, _>>();
        let mut read = read.map_err(|_| unavailable())?;
        read.retain(|row| row.secret.is_some());
        read.sort_by(|one, other| one.connection.cmp(&other.connection));
        Ok(read)
    }

    /// A connection that was stopped, or whose organization was, is not asked.
    async fn pulled(&self, row: &PullRow) -> Result<Option<Directory>, Stopped> {
        let (connection, org) = (Key::connection(&row.connection), Key::org(&row.org));
        let slots = Key::scim_slots(&row.connection);
        let rows = self.read(vec![connection.clone(), org.clone(), slots.clone()]).await?;
        let unread = |_| Stopped::Here;
        let slots = rows.get(&slots).map(ScimSlots::from_item).transpose().map_err(unread)?;
        if slots.is_some_and(|slots| !slots.live(self.desk.now()).0.is_empty()) {
            return Err(Stopped::Pushes);
        }
        let connection = rows.get(&connection).map(ConnectionRow::from_item).transpose().map_err(unread)?;
        let org = rows.get(&org).map(Org::from_item).transpose().map_err(unread)?;
        let standing = org.is_some_and(|org| org.status == Lifecycle::Active);
        let connection = connection.filter(|one| {
            standing && one.status == Lifecycle::Active && one.org == row.org && one.id == row.connection
        });
        connection.map(|one| Directory::pulled(&one).map_err(|_| Stopped::Here)).transpose()
    }

    async fn pull(
        &self,
        google: &Google,
        row: &PullRow,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<(), Stopped> {
        let Some(directory) = self.pulled(row).await? else { return Ok(()) };
        let left = Duration::from_millis(until.millis_since(self.desk.now()));
        let account = self.sealer.account(&self.desk, row, now).await.map_err(|_| Stopped::Here)?;
        let asked = told(google, &account, &directory, now);
        // What is not read in time is no answer.
        let told = tokio::time::timeout(left, asked).await.map_err(|_| Stopped::Time)??;
        self.follow(row, &told, until, now).await
    }

    /// What a directory told is done here, as far as it is not. The connection is read again: it may have been stopped while the
    /// directory was asked.
    ///
    /// # Errors
    /// Not all of it was done. The rest is the next time.
    pub async fn follow(
        &self,
        row: &PullRow,
        told: &Told,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<(), Stopped> {
        let Some(directory) = self.pulled(row).await? else { return Ok(()) };
        let keys = self.sealer.keys(&self.desk, now).await.map_err(|_| Stopped::Here)?;
        let session = Session { directory: &directory, keys, base: "", now, until };
        let pass = Pass::new(self, &session, told);
        let listing = &Listing::new(&directory.connection, &told.people);
        let known = self.known(&session).await?;
        let strangers = &self.strangers(&session, &listing.new_people(&known)).await?;
        let here = &self.here(&session, listing.doubtful(&known)).await?;
        let mapped = &told.groups.values().flatten().cloned().collect();
        let steps = World { listing, known: &known, strangers, here, mapped }.steps();
        pass.people(&steps).await?;
        // Whoever is new is known by now.
        let known = if steps.steps.is_empty() { known } else { self.known(&session).await? };
        pass.groups(listing, &known, steps.held > 0).await?;
        if let Some(fault) = told.unread {
            return Err(Stopped::Directory(fault));
        }
        if !pass.is_whole() {
            return Err(Stopped::Here);
        }
        tracing::info!(
            connection = directory.connection.as_str(),
            people = told.people.len(),
            ended = steps.ends,
            held = steps.held,
            "directory.pulled"
        );
        Ok(())
    }

    /// Everybody whom the directory has told of.
    async fn known(&self, session: &Session<'_>) -> Result<Vec<Known>, ScimError> {
        let pk = places::partition(&session.directory.connection);
        let (mut known, mut after) = (Vec::new(), None::<String>);
        loop {
            let page = self.desk.page(Table::Identity, &pk, "SCIMUSER#", after.as_deref(), PAGE).await;
            let page = page.map_err(|_| unavailable())?;
            for (_, item) in &page.rows {
                let row = DirectoryUserRow::from_item(item).map_err(|_| unavailable())?;
                let (external, name) = (row.handles.external, row.handles.name);
                known.push(Known { id: row.id, active: row.active, external, name });
            }
            after = page.rows.last().map(|(key, _)| key.sk.clone()).filter(|_| page.more);
            if after.is_none() {
                return Ok(known);
            }
        }
    }

    /// Of some people, those who are in.
    pub(crate) async fn here(
        &self,
        session: &Session<'_>,
        ids: Vec<UserId>,
    ) -> Result<BTreeSet<UserId>, ScimError> {
        let org = &session.directory.org;
        let rows = self.read(ids.iter().map(|id| Key::user(org, id)).collect()).await?;
        let person = |id: UserId| match rows.get(&Key::user(org, &id)).map(PersonRow::from_item) {
            Some(Ok(person)) => Ok(person.user.active.then_some(id)),
            Some(Err(_)) => Err(unavailable()),
            None => Ok(None),
        };
        ids.into_iter().filter_map(|id| person(id).transpose()).collect()
    }

    /// What those are here of whom the directory has not told before.
    async fn strangers(
        &self,
        session: &Session<'_>,
        new: &[(&str, &Person)],
    ) -> Result<BTreeMap<String, Standing>, ScimError> {
        let directory = session.directory;
        let place = |(id, person): &(&str, &Person)| {
            let address = address_digest(&directory.org, &person.email);
            let link = link(&directory.org, directory.issuer(), id);
            ((*id).to_owned(), link, Key::address(&directory.org, address))
        };
        let new: Vec<(String, Key, Key)> = new.iter().map(place).collect();
        let keys = new.iter().flat_map(|(_, link, address)| [link.clone(), address.clone()]).collect();
        let mut rows = self.read(keys).await?;
        let people = rows.values().filter_map(linked_user).map(|id| Key::user(&directory.org, &id)).collect();
        rows.extend(self.read(people).await?);
        let standing = |(id, link, address): (String, Key, Key)| {
            standing(directory, &rows, &link, &address).map(|standing| (id, standing))
        };
        new.into_iter().map(standing).collect::<Result<_, _>>().map_err(|_| unavailable())
    }
}

/// Whoever signed in is who their link says; nobody comes in under an address that somebody was ended under.
fn standing(
    directory: &Directory,
    rows: &crate::Rows,
    link: &Key,
    address: &Key,
) -> Result<Standing, tables::CodecError> {
    if let Some(user) = rows.get(link).and_then(linked_user) {
        let person = rows.get(&Key::user(&directory.org, &user)).map(PersonRow::from_item).transpose()?;
        let active = person.is_some_and(|person| person.user.active);
        return Ok(if active { Standing::In } else { Standing::Ended });
    }
    let address = rows.get(address).map(AddressRow::from_item).transpose()?;
    let ended = address.is_some_and(|address| address.ended > 0);
    Ok(if ended { Standing::Ended } else { Standing::Unknown })
}

/// Everything is asked for before anything is written. Without all people there is no answer; a group that cannot be read is left
/// out.
async fn told(
    google: &Google,
    account: &DirectoryAccount,
    directory: &Directory,
    now: Timestamp,
) -> Result<Told, Fault> {
    let token = google.token(account, now).await?;
    let people = google.people(&token).await?;
    let token = token.as_str();
    let members = |name: String| async move {
        let members = google.members(token, &name).await;
        (name, members)
    };
    let asked = stream::iter(directory.group_addresses().into_iter().map(members));
    let mut told = Told { people, groups: BTreeMap::new(), unread: None };
    for (name, members) in asked.buffer_unordered(BESIDE).collect::<Vec<_>>().await {
        match members {
            Ok(members) => drop(told.groups.insert(name, members)),
            Err(fault) => told.unread = Some(fault),
        }
    }
    Ok(told)
}

#[cfg(test)]
mod tests;
