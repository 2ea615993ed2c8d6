//! Groups, and who is in them. Members are rows of their own: one who comes or goes costs as much in a group of three as in one
//! of fifty thousand.
//!
//! What a request names is checked before anything is written. Then the group's row is written, then its members in pieces: a
//! piece that fails is told as 503, and the same request goes on where it stopped.

use std::collections::BTreeSet;

use domain::{DirectoryGroupRow, GroupId, Metadata, UserId};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use tables::codec::Row as _;
use tables::directory::{group as place_of, groups_of, partition, regrouped, user};
use tables::gates::Write;
use tables::{Key, Table};

use crate::decide::{Document, groups};
use crate::effects::{Committed, Effects, Session, TRIES, told, unavailable};
use crate::error::ScimError;
use crate::members::Moves;
use crate::patch::GroupChange;
use crate::records::Scribe;
use crate::resource::Member;
use crate::users::matches;

/// Members of one write: two rows each, of at most a hundred.
const AT_ONCE: usize = 45;
/// Writes of people with roles that go on side by side.
const BESIDE: usize = 8;
/// For so long a request goes through members: the function lives for 30 seconds at least.
const GOES_ON_MS: u64 = 20_000;

/// Whether there is time for another piece. What was done stays done: the same request finds less to do.
fn in_time(session: &Session<'_>) -> Result<(), ScimError> {
    if aws::now().millis_since(session.now) < GOES_ON_MS {
        return Ok(());
    }
    let detail = "so many members take longer than one request: the first are done, send the same again";
    Err(ScimError::plain(503, detail))
}

/// What a push made of a group.
#[derive(Debug)]
pub struct Pushed {
    pub kept: groups::Kept,
    pub joined: usize,
    pub left: usize,
}

impl Pushed {
    /// What the record of a push says of it.
    pub fn metadata(&self) -> Metadata {
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        Metadata::default().count("joined", count(self.joined)).count("left", count(self.left))
    }
}

impl Effects {
    /// Makes a group, and puts its members in.
    ///
    /// # Errors
    /// Refused, or not to be had just now.
    pub async fn create_group(
        &self,
        session: &Session<'_>,
        scribe: &Scribe,
        (after, sent): (Document, Vec<Member>),
        id: &GroupId,
    ) -> Result<Pushed, ScimError> {
        let come = self.people(session, &sent).await?;
        let mut recorded = None;
        for round in 0..TRIES {
            let (writes, kept) = self.planned_group(session, id, None, &after).await?;
            self.begin(scribe, &mut recorded, id.as_str()).await?;
            let committed = self.commit(writes, round).await?;
            let there = committed == Committed::Yes || self.group(session, id.as_str()).await.is_ok();
            if there {
                let moves = Moves { come, go: BTreeSet::new() };
                let joined = moves.come.len();
                self.moved(session, &kept.row, &moves).await?;
                return Ok(Pushed { kept, joined, left: 0 });
            }
        }
        Err(unavailable())
    }

    async fn planned_group(
        &self,
        session: &Session<'_>,
        id: &GroupId,
        before: Option<&groups::Kept>,
        after: &Document,
    ) -> Result<(Vec<Write>, groups::Kept), ScimError> {
        let directory = session.directory;
        let place = place_of(&directory.connection, id);
        let mut rows = self.read(groups::keys(directory, id, before, after)).await?;
        if let Some(kept) = before {
            rows.insert(place.clone(), kept.item.clone());
        }
        let sealed = session.keys.seal(&place, after).map_err(|_| unavailable())?;
        let change = groups::Change { directory, id, before, after, sealed, now: session.now };
        let writes = groups::change(&change, &rows).map_err(told)?;
        let row = groups::row(&change);
        Ok((writes, groups::Kept { item: row.to_item(), row, document: after.clone() }))
    }

    /// Changes a group: `next` says into what, from what it is now.
    ///
    /// # Errors
    /// Refused, or not to be had just now.
    pub async fn change_group(
        &self,
        session: &Session<'_>,
        scribe: &Scribe,
        id: &str,
        if_match: Option<&str>,
        next: &(dyn Fn(&Document) -> Result<GroupChange, ScimError> + Sync),
    ) -> Result<Pushed, ScimError> {
        let mut recorded = None;
        for round in 0..TRIES {
            let kept = self.group(session, id).await?;
            matches(if_match, kept.row.version)?;
            let change = next(&kept.document)?;
            let moves = self.moves(session, &kept, &change.members).await?;
            let Some(after) = &change.document else {
                return self.members_only(session, scribe, kept, moves, &mut recorded).await;
            };
            let (writes, new) = self.planned_group(session, &kept.row.id, Some(&kept), after).await?;
            self.begin(scribe, &mut recorded, id).await?;
            // Roles that a new name gives or takes are everybody's. Those that it takes go first.
            if self.remaps(session, &kept.row, &new.row) {
                self.remapped(session, &kept.row, &new.row).await?;
            }
            if self.commit(writes, round).await? == Committed::Yes {
                self.moved(session, &new.row, &moves).await?;
                return Ok(Pushed { kept: new, joined: moves.come.len(), left: moves.go.len() });
            }
        }
        Err(unavailable())
    }

    async fn members_only(
        &self,
        session: &Session<'_>,
        scribe: &Scribe,
        mut kept: groups::Kept,
        moves: Moves,
        recorded: &mut Option<()>,
    ) -> Result<Pushed, ScimError> {
        let (joined, left) = (moves.come.len(), moves.go.len());
        if joined + left > 0 {
            self.begin(scribe, recorded, kept.row.id.as_str()).await?;
            self.moved(session, &kept.row, &moves).await?;
            kept.row.version = kept.row.version.saturating_add(1);
            kept.row.modified_at = session.now;
        }
        Ok(Pushed { kept, joined, left })
    }

    /// Takes a group away, once everybody is out of it.
    ///
    /// # Errors
    /// Refused, or not to be had just now.
    pub async fn delete_group(
        &self,
        session: &Session<'_>,
        scribe: &Scribe,
        id: &str,
        if_match: Option<&str>,
    ) -> Result<Pushed, ScimError> {
        let kept = self.group(session, id).await?;
        matches(if_match, kept.row.version)?;
        self.begin(scribe, &mut None, id).await?;
        let mut left = 0;
        for round in 0..TRIES {
            let go = self.members(session, &kept.row.id).await?;
            left += go.len();
            self.moved(session, &kept.row, &Moves { come: BTreeSet::new(), go }).await?;
            let now = match self.group(session, id).await {
                Err(error) if error.status == 404 && round > 0 => {
                    return Ok(Pushed { kept, joined: 0, left });
                }
                other => other?,
            };
            let mut rows = self.read(groups::removed_keys(session.directory, &now)).await?;
            rows.insert(place_of(&session.directory.connection, &now.row.id), now.item.clone());
            let writes = groups::removed(session.directory, &now, &rows).map_err(told)?;
            if self.commit(writes, round).await? == Committed::Yes {
                return Ok(Pushed { kept, joined: 0, left });
            }
        }
        Err(unavailable())
    }

    /// Puts members in and takes them out. Those who go, go first.
    async fn moved(
        &self,
        session: &Session<'_>,
        group: &DirectoryGroupRow,
        moves: &Moves,
    ) -> Result<(), ScimError> {
        let all: Vec<(&UserId, bool)> =
            moves.go.iter().map(|id| (id, false)).chain(moves.come.iter().map(|id| (id, true))).collect();
        if all.is_empty() {
            return Ok(());
        }
        if session.directory.maps(&group.mapped_by) {
            // Roles are at stake: each person by themselves, over everything that says what they are.
            for side in [false, true] {
                let people = all.iter().filter(|(_, comes)| *comes == side);
                let moved = people.map(|(id, comes)| self.person_moved(session, group, id, *comes));
                stream::iter(moved).buffer_unordered(BESIDE).try_collect::<Vec<()>>().await?;
            }
        } else {
            for some in all.chunks(AT_ONCE) {
                in_time(session)?;
                let writes: Vec<Write> = some
                    .iter()
                    .flat_map(|(id, comes)| groups::membership(session.directory, &group.id, id, *comes))
                    .collect();
                self.committed(writes).await?;
            }
        }
        let of = &session.directory.connection;
        self.committed(vec![regrouped(of, &group.id, session.now)]).await
    }

    /// Writes that hold whatever was there: tried until they are made.
    async fn committed(&self, writes: Vec<Write>) -> Result<(), ScimError> {
        for round in 0..TRIES {
            if self.commit(writes.clone(), round).await? == Committed::Yes {
                return Ok(());
            }
        }
        Err(unavailable())
    }

    async fn person_moved(
        &self,
        session: &Session<'_>,
        group: &DirectoryGroupRow,
        person: &UserId,
        comes: bool,
    ) -> Result<(), ScimError> {
        let (was, is) = if comes { (None, Some(group)) } else { (Some(group), None) };
        let rows = groups::membership(session.directory, &group.id, person, comes);
        self.person_remapped(session, person, (was, is), rows.to_vec()).await
    }

    /// One person's roles, when one of their groups is another from now on.
    async fn person_remapped(
        &self,
        session: &Session<'_>,
        person: &UserId,
        (was, is): (Option<&DirectoryGroupRow>, Option<&DirectoryGroupRow>),
        beside: Vec<Write>,
    ) -> Result<(), ScimError> {
        let directory = session.directory;
        in_time(session)?;
        for round in 0..TRIES {
            // Their row first: it counts moves, and whoever moves them meanwhile is noticed by it.
            let place = user(&directory.connection, person);
            let row = self.dynamo.get(&place).await.map_err(|_| unavailable())?;
            let Some(row) = row else {
                // Gone meanwhile: in no group, and without roles of ours.
                return self.committed(beside).await;
            };
            let mut others = self.groups_of(session, person).await?;
            others.retain(|one| [was, is].into_iter().flatten().all(|changing| changing.id != one.id));
            let moved = groups::Moved { directory, person, was, is, others: &others };
            let mut rows = self.read(moved.keys()).await?;
            rows.insert(place, row);
            let (mut writes, left) = moved.writes(&rows, session.now).map_err(told)?;
            writes.extend(beside.iter().cloned());
            if self.commit(writes, round).await? == Committed::Yes {
                if let Some(left) = &left {
                    self.tell_of(left).await;
                }
                return Ok(());
            }
        }
        Err(unavailable())
    }

    fn remaps(&self, session: &Session<'_>, was: &DirectoryGroupRow, is: &DirectoryGroupRow) -> bool {
        let directory = session.directory;
        was.mapped_by != is.mapped_by && (directory.maps(&was.mapped_by) || directory.maps(&is.mapped_by))
    }

    /// Everybody's roles, when a group is called otherwise from now on.
    async fn remapped(
        &self,
        session: &Session<'_>,
        was: &DirectoryGroupRow,
        is: &DirectoryGroupRow,
    ) -> Result<(), ScimError> {
        let people = self.members(session, &was.id).await?;
        let moved = people
            .iter()
            .map(|person| self.person_remapped(session, person, (Some(was), Some(is)), Vec::new()));
        stream::iter(moved).buffer_unordered(BESIDE).try_collect::<Vec<()>>().await.map(|_| ())
    }

    /// Takes somebody out of every group.
    ///
    /// # Errors
    /// Not to be had just now.
    pub async fn leave_groups(&self, session: &Session<'_>, person: &UserId) -> Result<(), ScimError> {
        for group in self.groups_of(session, person).await? {
            let moves = Moves { go: [person.clone()].into(), come: BTreeSet::new() };
            self.moved(session, &group, &moves).await?;
        }
        // Rows of groups that are gone.
        let of = &session.directory.connection;
        let left = self.all(&partition(of), &groups_of(person)).await?;
        let cleared = left
            .into_iter()
            .map(|sk| tables::directory::cleared(Key { table: Table::Identity, pk: partition(of), sk }));
        let writes: Vec<Write> = cleared.collect();
        for some in writes.chunks(AT_ONCE) {
            self.committed(some.to_vec()).await?;
        }
        Ok(())
    }
}
