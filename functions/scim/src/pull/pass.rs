//! One directory's turn: steps that were decided, each the way of every push, and who is in groups.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use domain::{EventType, FoundRow, GroupId, UserId};
use serde_json::{Value, json};
use tables::codec::Row as _;
use tables::directory::{self as places, By, Kind as Rowed, name_digest};

use super::plan::{Known, Listing, Steps, too_many};
use super::{Stopped, Told};
use crate::bulk::Method;
use crate::desk::Desk;
use crate::directory::{Directory, Known as Pusher};
use crate::effects::{Effects, Session, action, reason, unavailable};
use crate::error::ScimError;
use crate::push::Push;
use crate::records::Scribe;
use crate::schema::Kind;

/// Writes that may fail one after the other before the rest is left to the next time.
const FAILED_MAX: u32 = 3;

/// One directory's turn.
pub(super) struct Pass<'a, D: Desk> {
    effects: &'a Effects<D>,
    session: &'a Session<'a>,
    told: &'a Told,
    /// Writes that the tables or keys did not take, and how many of them one after the other.
    failed: AtomicU32,
    in_a_row: AtomicU32,
}

/// A mapped group: who is in it here, and who is to be.
struct Team<'a> {
    name: &'a str,
    id: Option<GroupId>,
    /// Whether it is called so here, to the letter: by that it gives roles.
    named: bool,
    there: BTreeSet<UserId>,
    wanted: BTreeSet<UserId>,
}

impl<'a, D: Desk> Pass<'a, D> {
    pub fn new(effects: &'a Effects<D>, session: &'a Session<'a>, told: &'a Told) -> Self {
        Self { effects, session, told, failed: AtomicU32::new(0), in_a_row: AtomicU32::new(0) }
    }

    /// Whether all was taken.
    pub fn is_whole(&self) -> bool {
        self.failed.load(Ordering::Relaxed) == 0
    }

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

    /// One write. What is refused of one, or fails, does not keep the others: it is told, and tried again the next time. With
    /// which status it was refused, if it was.
    async fn push(&self, push: &Push<'_>) -> Result<Option<u16>, Stopped> {
        self.in_time()?;
        let scribe = self.scribe()?;
        let pushed = Box::pin(self.effects.push(self.session, &scribe, push)).await;
        let Err(error) = pushed else {
            self.in_a_row.store(0, Ordering::Relaxed);
            return Ok(None);
        };
        if error.status == 503 {
            // What a large group is done of stays done.
            self.in_time()?;
            self.failed.fetch_add(1, Ordering::Relaxed);
            let before = self.in_a_row.fetch_add(1, Ordering::Relaxed);
            return if before + 1 < FAILED_MAX { Ok(Some(503)) } else { Err(Stopped::Here) };
        }
        self.in_a_row.store(0, Ordering::Relaxed);
        self.effects.refused(&scribe, reason(&error)).await;
        let connection = self.session.directory.connection.as_str();
        tracing::warn!(connection, status = error.status, "directory.push_refused");
        Ok(Some(error.status))
    }

    /// An alarm reads this line.
    fn many_leave(&self, ended: usize, held: usize) {
        let connection = self.session.directory.connection.as_str();
        tracing::error!(connection, ended, held, "directory.many_leave");
    }

    pub async fn people(&self, steps: &Steps) -> Result<(), Stopped> {
        if steps.many {
            self.many_leave(steps.ends, steps.held);
        }
        for step in &steps.steps {
            let id = step.id.as_ref().map(UserId::as_str);
            let push = Push { method: step.method, kind: Kind::User, id, if_match: None, data: &step.data };
            // The name of somebody who leaves may be somebody else's here.
            if self.push(&push).await? == Some(409)
                && let Some(data) = step.nameless()
            {
                self.push(&Push { data: &data, ..push }).await?;
            }
        }
        Ok(())
    }

    /// Groups that give roles, and who is in them now. Where too many leave at once, or people are held, nobody leaves.
    pub async fn groups(&self, listing: &Listing<'_>, known: &[Known], held: bool) -> Result<(), Stopped> {
        let (mut teams, mut all, mut leaving) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
        for (name, ids) in &self.told.groups {
            let team = self.team(name, listing.members(ids, known)).await?;
            leaving.extend(team.there.difference(&team.wanted).cloned());
            all.extend(team.there.iter().cloned());
            teams.push(team);
        }
        // Whoever is out already loses nothing by it.
        let mut stay = self.effects.here(self.session, leaving.into_iter().collect()).await?;
        if !held && !too_many(stay.len(), all.len()) {
            stay.clear();
        }
        if !stay.is_empty() {
            self.many_leave(0, stay.len());
        }
        for team in teams {
            let stay = team.there.intersection(&stay);
            self.gather(&team, &team.wanted.iter().chain(stay).collect()).await?;
        }
        Ok(())
    }

    /// Makes a group of these members, where it is not.
    async fn gather(&self, team: &Team<'_>, members: &BTreeSet<&UserId>) -> Result<(), Stopped> {
        let same = members.len() == team.there.len() && members.iter().all(|id| team.there.contains(*id));
        if same && (team.named || team.id.is_none()) {
            return Ok(());
        }
        let members: Vec<_> = members.iter().map(|id| json!({"value": id})).collect();
        let data = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": team.name, "members": members,
        });
        let method = if team.id.is_some() { Method::Put } else { Method::Post };
        let id = team.id.as_ref().map(GroupId::as_str);
        self.push(&Push { method, kind: Kind::Group, id, if_match: None, data: &data }).await?;
        Ok(())
    }

    /// The group of a name, as it is here.
    async fn team<'n>(&self, name: &'n str, wanted: BTreeSet<UserId>) -> Result<Team<'n>, ScimError> {
        let of = &self.session.directory.connection;
        let key = places::found(of, Rowed::Group, By::Name, &name_digest(of, name));
        let rows = self.effects.read(vec![key.clone()]).await?;
        let row = rows.get(&key).map(FoundRow::from_item).transpose().map_err(|_| unavailable())?;
        let id = row.and_then(|row| places::ids::<GroupId>(&row).into_iter().next());
        let (mut named, mut there) = (false, BTreeSet::new());
        if let Some(id) = &id {
            let kept = self.effects.group(self.session, id.as_str()).await?;
            named = kept.document.get("displayName").and_then(Value::as_str) == Some(name);
            there = self.effects.members(self.session, id).await?;
        }
        Ok(Team { name, id, named, there, wanted })
    }
}
