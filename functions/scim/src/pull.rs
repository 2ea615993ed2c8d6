//! Directories that push nothing are asked, by the clock. What one lists in full is compared with what is kept, and the difference
//! goes the way of every push: decided, recorded, written. An answer that is not whole changes nothing.

mod ask;
mod plan;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use domain::{
    AddressRow, ConnectionRow, DirectoryUserRow, EventType, FoundRow, GroupId, Lifecycle, Org,
    Person as PersonRow, PullRow, Timestamp, UserId,
};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use serde::Deserialize;
use serde_json::json;
use tables::codec::Row as _;
use tables::directory::{self as places, By, Kind as Rowed, name_digest};
use tables::standing::{address_digest, link, linked_user};
use tables::{Key, Table};

use crate::Scim;
use crate::bulk::Method;
use crate::desk::Desk;
use crate::directory::{Directory, Known as Pusher};
use crate::effects::{Effects, Session, action, reason, unavailable};
use crate::error::ScimError;
use crate::google::{Account, Fault, Person};
use crate::push::Push;
use crate::records::Scribe;
use crate::schema::Kind;

pub use ask::{Google, Places};
use plan::{Known, Standing, Steps, World};

/// Rows of one page.
const PAGE: u16 = 500;
/// Nothing more is begun when the platform ends the invocation in so many milliseconds.
const REST_MS: u64 = 10_000;
/// Groups that are asked for side by side.
const BESIDE: usize = 8;
/// Each pass begins at another directory.
const PASS_MS: u64 = 30 * 60_000;

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
}

/// Why a directory was not gone through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    Directory(Fault),
    /// The tables or keys did not answer.
    Here,
    /// The rest waits for the next time.
    Time,
}

impl Stopped {
    /// An alarm reads the line about what failed.
    fn tell(&self, connection: &str) {
        let fault = match self {
            Self::Time => return tracing::warn!(connection, "directory.pull_unfinished"),
            Self::Directory(fault) => fault.to_string(),
            Self::Here => "the tables or keys do not answer".to_owned(),
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
        for row in rows {
            if let Err(stopped) = Box::pin(self.effects.pull(google, &row, until, now)).await {
                stopped.tell(row.connection.as_str());
            }
        }
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
    async fn pulled(&self, row: &PullRow) -> Result<Option<Directory>, ScimError> {
        let (connection, org) = (Key::connection(&row.connection), Key::org(&row.org));
        let rows = self.read(vec![connection.clone(), org.clone()]).await?;
        let unread = |_| unavailable();
        let connection = rows.get(&connection).map(ConnectionRow::from_item).transpose().map_err(unread)?;
        let org = rows.get(&org).map(Org::from_item).transpose().map_err(unread)?;
        let standing = org.is_some_and(|org| org.status == Lifecycle::Active);
        let connection = connection.filter(|one| {
            standing && one.status == Lifecycle::Active && one.org == row.org && one.id == row.connection
        });
        connection.map(|one| Directory::pulled(&one).map_err(|_| unavailable())).transpose()
    }

    async fn pull(
        &self,
        google: &Google,
        row: &PullRow,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<(), Stopped> {
        let Some(directory) = self.pulled(row).await? else { return Ok(()) };
        let account = self.sealer.account(&self.desk, row, now).await.map_err(|_| Stopped::Here)?;
        let asked = told(google, &account, &directory, now);
        // What is not read in time is no answer.
        let left = Duration::from_millis(until.millis_since(self.desk.now()));
        let told = tokio::time::timeout(left, asked).await.map_err(|_| Fault::TooLarge)??;
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
        let pass = Pass { effects: self, session: &session, told };
        let known = self.known(&session).await?;
        let strangers = self.strangers(&session, told, &known).await?;
        let mapped = told.groups.values().flatten().cloned().collect();
        let world = World {
            connection: &directory.connection,
            told: &told.people,
            known: &known,
            strangers: &strangers,
            mapped: &mapped,
        };
        let steps = world.steps();
        pass.people(&steps).await?;
        pass.groups(&world).await?;
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

    /// What those are here of whom the directory has not told before.
    async fn strangers(
        &self,
        session: &Session<'_>,
        told: &Told,
        known: &[Known],
    ) -> Result<BTreeMap<String, Standing>, ScimError> {
        let (directory, none) = (session.directory, BTreeSet::new());
        let (connection, empty) = (&directory.connection, BTreeMap::new());
        let world = World { connection, told: &told.people, known, strangers: &empty, mapped: &none };
        let new: Vec<(&String, Key, Key)> = world
            .new_ids()
            .into_iter()
            .filter_map(|id| {
                let address = address_digest(&directory.org, &told.people.get(id)?.email);
                let place = link(&directory.org, directory.issuer(), id);
                Some((id, place, Key::address(&directory.org, address)))
            })
            .collect();
        let keys = new.iter().flat_map(|(_, link, address)| [link.clone(), address.clone()]).collect();
        let mut rows = self.read(keys).await?;
        let people = rows.values().filter_map(linked_user).map(|id| Key::user(&directory.org, &id)).collect();
        rows.extend(self.read(people).await?);
        let standing = |(id, link, address): &(&String, Key, Key)| {
            standing(directory, &rows, link, address).map(|standing| ((*id).clone(), standing))
        };
        new.iter().map(standing).collect::<Result<_, _>>().map_err(|_| unavailable())
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

/// Everything is asked for before anything is written.
async fn told(
    google: &Google,
    account: &Account,
    directory: &Directory,
    now: Timestamp,
) -> Result<Told, Fault> {
    let token = google.token(account, now).await?;
    let people = google.people(&token).await?;
    let token = token.as_str();
    let members = |name: String| async move {
        let members = google.members(token, &name).await?;
        Ok((name, members))
    };
    let asked = stream::iter(directory.group_addresses().into_iter().map(members));
    let groups = asked.buffer_unordered(BESIDE).try_collect().await?;
    Ok(Told { people, groups })
}

/// One directory's turn.
struct Pass<'a, D: Desk> {
    effects: &'a Effects<D>,
    session: &'a Session<'a>,
    told: &'a Told,
}

impl<D: Desk> Pass<'_, D> {
    fn in_time(&self) -> Result<(), Stopped> {
        self.effects.in_time(self.session).map_err(|_| Stopped::Time)
    }

    fn scribe(&self) -> Result<Scribe, ScimError> {
        let Directory { org, connection, .. } = self.session.directory;
        Ok(Scribe {
            region: self.effects.region,
            action_id: action(self.effects.desk.now())?,
            known: Pusher { org: org.clone(), connection: connection.clone(), token: None },
            request_id: None,
            tls: None,
            action: "directory.pull",
            event: EventType::ScimUser,
            begun: Arc::default(),
            by_access: false,
        })
    }

    /// One write. What is refused of one does not keep the others: it is told, and tried again the next time.
    async fn push(&self, push: &Push<'_>) -> Result<(), Stopped> {
        self.in_time()?;
        let scribe = self.scribe()?;
        match Box::pin(self.effects.push(self.session, &scribe, push)).await {
            Ok(_) => Ok(()),
            // What a large group is done of stays done.
            Err(error) if error.status == 503 => self.in_time().and(Err(Stopped::Here)),
            Err(error) => {
                self.effects.refused(&scribe, reason(&error)).await;
                let connection = self.session.directory.connection.as_str();
                tracing::warn!(connection, status = error.status, "directory.push_refused");
                Ok(())
            }
        }
    }

    /// An alarm reads the line about many who leave.
    async fn people(&self, steps: &Steps) -> Result<(), Stopped> {
        if steps.many {
            let connection = self.session.directory.connection.as_str();
            tracing::error!(connection, ended = steps.ends, held = steps.held, "directory.many_leave");
        }
        for step in &steps.steps {
            let id = step.id.as_ref().map(UserId::as_str);
            let push = Push { method: step.method, kind: Kind::User, id, if_match: None, data: &step.data };
            self.push(&push).await?;
        }
        Ok(())
    }

    /// Groups that give roles, and who is in them now.
    async fn groups(&self, world: &World<'_>) -> Result<(), Stopped> {
        let known = self.effects.known(self.session).await?;
        for (name, ids) in &self.told.groups {
            let members = world.members(ids, &known);
            let there = self.group(name).await?;
            let same = match &there {
                Some(id) => self.effects.members(self.session, id).await? == members,
                None => members.is_empty(),
            };
            if same {
                continue;
            }
            let members: Vec<_> = members.iter().map(|id| json!({"value": id})).collect();
            let data = json!({
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": name, "members": members,
            });
            let method = if there.is_some() { Method::Put } else { Method::Post };
            let id = there.as_ref().map(GroupId::as_str);
            self.push(&Push { method, kind: Kind::Group, id, if_match: None, data: &data }).await?;
        }
        Ok(())
    }

    /// The group of a name.
    async fn group(&self, name: &str) -> Result<Option<GroupId>, ScimError> {
        let of = &self.session.directory.connection;
        let key = places::found(of, Rowed::Group, By::Name, &name_digest(of, name));
        let rows = self.effects.read(vec![key.clone()]).await?;
        let row = rows.get(&key).map(FoundRow::from_item).transpose().map_err(|_| unavailable())?;
        Ok(row.and_then(|row| places::ids::<GroupId>(&row).into_iter().next()))
    }
}

#[cfg(test)]
mod tests;
