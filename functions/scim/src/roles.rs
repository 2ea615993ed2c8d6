//! Roles that follow groups. Each person's are decided over everything that says what they are, one change after the other: their
//! row counts them.

use std::collections::BTreeSet;

use domain::{DirectoryGroupRow, UserId};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use tables::directory::user;
use tables::gates::Write;

use crate::decide::groups;
use crate::desk::Desk;
use crate::effects::{Committed, Effects, Session, TRIES, told, unavailable};
use crate::error::ScimError;
use crate::groups::BESIDE;

/// What a group was and is to be called, and whose roles may be by any of it.
#[derive(Debug, Default)]
pub struct Renamed {
    pub people: BTreeSet<UserId>,
    /// Each with other meaning.
    rows: Vec<DirectoryGroupRow>,
}

impl Renamed {
    pub fn note(&mut self, people: &BTreeSet<UserId>, rows: &[&DirectoryGroupRow]) {
        self.people.extend(people.iter().cloned());
        for row in rows {
            if self.rows.iter().all(|one| one.mapped_by != row.mapped_by) {
                self.rows.push((*row).clone());
            }
        }
    }

    /// Whether it was called otherwise at some time.
    pub const fn differ(&self) -> bool {
        self.rows.len() > 1
    }
}

/// A group of somebody's that becomes another for them. `None`: one that they are not in.
#[derive(Debug, Clone, Copy)]
struct Turn<'a> {
    was: Option<&'a DirectoryGroupRow>,
    is: Option<&'a DirectoryGroupRow>,
    /// Of their groups, whether these two count as they are kept, too.
    as_kept: bool,
}

impl<D: Desk> Effects<D> {
    /// One person comes into a group or leaves it, with the roles that it gives.
    pub(crate) async fn person_moved(
        &self,
        session: &Session<'_>,
        group: &DirectoryGroupRow,
        person: &UserId,
        comes: bool,
    ) -> Result<(), ScimError> {
        let (was, is) = if comes { (None, Some(group)) } else { (Some(group), None) };
        let rows = groups::membership(session.directory, &group.id, person, comes);
        self.turned(session, person, Turn { was, is, as_kept: false }, &rows).await
    }

    async fn turned(
        &self,
        session: &Session<'_>,
        person: &UserId,
        turn: Turn<'_>,
        beside: &[Write],
    ) -> Result<(), ScimError> {
        let directory = session.directory;
        self.in_time(session)?;
        for round in 0..TRIES {
            // Their row first: it counts moves, and whoever moves them meanwhile is noticed by it.
            let place = user(&directory.connection, person);
            let row = self.desk.get(&place).await.map_err(|_| unavailable())?;
            let Some(row) = row else {
                // Gone meanwhile: in no group, and without roles of ours.
                let leaves = if turn.is.is_none() { beside } else { &[] };
                return self.committed(leaves.to_vec()).await;
            };
            let mut others = self.groups_of(session, person).await?;
            let changing = |one: &DirectoryGroupRow| {
                [turn.was, turn.is].into_iter().flatten().any(|changing| changing.id == one.id)
            };
            others.retain(|one| turn.as_kept || !changing(one));
            let moved = groups::Moved { directory, person, was: turn.was, is: turn.is, others: &others };
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

    pub(crate) fn remaps(
        &self,
        session: &Session<'_>,
        was: &DirectoryGroupRow,
        is: &DirectoryGroupRow,
    ) -> bool {
        let directory = session.directory;
        was.mapped_by != is.mapped_by && (directory.maps(&was.mapped_by) || directory.maps(&is.mapped_by))
    }

    /// The roles of some, when a group of theirs is called otherwise from now on.
    pub(crate) async fn remapped(
        &self,
        session: &Session<'_>,
        people: &BTreeSet<UserId>,
        was: &DirectoryGroupRow,
        is: &DirectoryGroupRow,
    ) -> Result<(), ScimError> {
        let turn = Turn { was: Some(was), is: Some(is), as_kept: false };
        let moved = people.iter().map(|person| self.turned(session, person, turn, &[]));
        stream::iter(moved).buffer_unordered(BESIDE).try_collect::<Vec<()>>().await.map(|_| ())
    }

    /// The roles of some where any of these groups gives some, by the groups that they are in as they are kept.
    pub(crate) async fn rerolled(
        &self,
        session: &Session<'_>,
        people: &[&UserId],
        by: &[&DirectoryGroupRow],
    ) -> Result<(), ScimError> {
        for group in by.iter().filter(|group| session.directory.maps(&group.mapped_by)) {
            let turn = Turn { was: Some(group), is: None, as_kept: true };
            let moved = people.iter().map(|person| self.turned(session, person, turn, &[]));
            stream::iter(moved).buffer_unordered(BESIDE).try_collect::<Vec<()>>().await?;
        }
        Ok(())
    }

    /// After a group was called otherwise, or was not after all: the roles of all who are or were in it.
    pub(crate) async fn renamed(&self, session: &Session<'_>, renamed: &Renamed) -> Result<(), ScimError> {
        let Some(group) = renamed.rows.first() else { return Ok(()) };
        let now = self.members(session, &group.id).await?;
        let people: Vec<&UserId> = now.union(&renamed.people).collect();
        let rows: Vec<&DirectoryGroupRow> = renamed.rows.iter().collect();
        self.rerolled(session, &people, &rows).await
    }
}
