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

use crate::decide::{Document, groups};
use crate::desk::Desk;
use crate::effects::{Committed, Effects, Session, TRIES, told, unavailable};
use crate::error::ScimError;
use crate::members::{Moves, unknown_member};
use crate::patch::GroupChange;
use crate::records::Scribe;
use crate::resource::Member;
use crate::roles::Renamed;
use crate::users::matches;

/// Members of one write: two rows each, of at most a hundred.
const AT_ONCE: usize = 45;
/// Writes of people with roles that go on side by side.
pub(crate) const BESIDE: usize = 8;

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

/// The rows of some who come or go.
fn memberships(session: &Session<'_>, group: &DirectoryGroupRow, some: &[(&UserId, bool)]) -> Vec<Write> {
    let rows = |(id, comes): &(&UserId, bool)| groups::membership(session.directory, &group.id, id, *comes);
    some.iter().flat_map(rows).collect()
}

impl<D: Desk> Effects<D> {
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
        if come.len() < sent.len() {
            return Err(unknown_member());
        }
        let mut recorded = None;
        for round in 0..TRIES {
            let (writes, kept) = self.planned_group(session, id, None, &after).await?;
            self.begin(scribe, &mut recorded, id.as_str()).await?;
            let committed = self.commit(writes, round).await?;
            if committed == Committed::Yes || self.still(session, id.as_str()).await?.is_some() {
                let moves = Moves { come, ..Moves::default() };
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
        let mut renamed = Renamed::default();
        let changed = self.changed(session, (scribe, id), if_match, next, &mut renamed).await;
        // What the group was to give counts once it is written; whoever changed somebody meanwhile has not counted on it.
        if changed.as_ref().map_or_else(|error| error.status != 503, |_| true) {
            self.renamed(session, &renamed).await?;
        }
        changed
    }

    async fn changed(
        &self,
        session: &Session<'_>,
        (scribe, id): (&Scribe, &str),
        if_match: Option<&str>,
        next: &(dyn Fn(&Document) -> Result<GroupChange, ScimError> + Sync),
        renamed: &mut Renamed,
    ) -> Result<Pushed, ScimError> {
        let mut recorded = None;
        for round in 0..TRIES {
            let kept = self.group(session, id).await?;
            matches(if_match, kept.row.version)?;
            let change = next(&kept.document)?;
            let moves = self.moves(session, &kept, &change.members).await?;
            // Nobody stays in a group because somebody else is named who is nobody.
            if moves.unknown {
                let go = Moves { go: moves.go, ..Moves::default() };
                self.members_only(session, scribe, kept, go, &mut recorded).await?;
                return Err(unknown_member());
            }
            let Some(after) = &change.document else {
                return self.members_only(session, scribe, kept, moves, &mut recorded).await;
            };
            let (writes, new) = self.planned_group(session, &kept.row.id, Some(&kept), after).await?;
            self.begin(scribe, &mut recorded, id).await?;
            // Roles that a new name gives or takes are everybody's, before it is written: a repetition finds the old one.
            if self.remaps(session, &kept.row, &new.row) {
                let people = self.members(session, &kept.row.id).await?;
                renamed.note(&people, &[&kept.row, &new.row]);
                self.remapped(session, &people, &kept.row, &new.row).await?;
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
        let mut kept = self.group(session, id).await?;
        matches(if_match, kept.row.version)?;
        self.begin(scribe, &mut None, id).await?;
        let mut called = Renamed::default();
        for round in 0..TRIES {
            self.out(session, &kept.row, &mut called).await?;
            let mut rows = self.read(groups::removed_keys(session.directory, &kept)).await?;
            rows.insert(place_of(&session.directory.connection, &kept.row.id), kept.item.clone());
            let writes = groups::removed(session.directory, &kept, &rows).map_err(told)?;
            // Perhaps it was written, and only the answer was lost.
            if self.commit(writes, round).await? == Committed::Again
                && let Some(now) = self.still(session, id).await?
            {
                kept = now;
                continue;
            }
            // Who came in since, and whose roles were given by what it was called meanwhile.
            self.out(session, &kept.row, &mut called).await?;
            if called.differ() {
                self.renamed(session, &called).await?;
            }
            return Ok(Pushed { kept, joined: 0, left: called.people.len() });
        }
        Err(unavailable())
    }

    async fn still(&self, session: &Session<'_>, id: &str) -> Result<Option<groups::Kept>, ScimError> {
        match self.group(session, id).await {
            Ok(kept) => Ok(Some(kept)),
            Err(error) if error.status == 404 => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Everybody leaves a group, as it is called.
    async fn out(
        &self,
        session: &Session<'_>,
        group: &DirectoryGroupRow,
        called: &mut Renamed,
    ) -> Result<(), ScimError> {
        let go = self.members(session, &group.id).await?;
        called.note(&go, &[group]);
        self.placed(session, group, &Moves { go, ..Moves::default() }).await
    }

    /// Puts members in and takes them out. Those who go, go first.
    ///
    /// Nothing holds a group still meanwhile: it is looked at again afterwards. Whoever renames it or takes it away looks at its
    /// members again after that, so that one of the two sees the other.
    ///
    /// # Errors
    /// There is no such group any more, or not to be had just now.
    pub(crate) async fn moved(
        &self,
        session: &Session<'_>,
        group: &DirectoryGroupRow,
        moves: &Moves,
    ) -> Result<(), ScimError> {
        if moves.come.is_empty() && moves.go.is_empty() {
            return Ok(());
        }
        self.placed(session, group, moves).await?;
        let Some(now) = self.noted(session, &group.id).await? else {
            let go = moves.come.clone();
            self.placed(session, group, &Moves { go, ..Moves::default() }).await?;
            return Err(ScimError::not_found());
        };
        if now.mapped_by != group.mapped_by {
            let people: Vec<&UserId> = moves.go.iter().chain(&moves.come).collect();
            self.rerolled(session, &people, &[group, &now]).await?;
        }
        Ok(())
    }

    /// The rows of members, and what roles become by them.
    async fn placed(
        &self,
        session: &Session<'_>,
        group: &DirectoryGroupRow,
        moves: &Moves,
    ) -> Result<(), ScimError> {
        let all: Vec<(&UserId, bool)> =
            moves.go.iter().map(|id| (id, false)).chain(moves.come.iter().map(|id| (id, true))).collect();
        if session.directory.maps(&group.mapped_by) {
            // Roles are at stake: each person by themselves, over everything that says what they are.
            for side in [false, true] {
                let people = all.iter().filter(|(_, comes)| *comes == side);
                let moved = people.map(|(id, comes)| self.person_moved(session, group, id, *comes));
                stream::iter(moved).buffer_unordered(BESIDE).try_collect::<Vec<()>>().await?;
            }
            return Ok(());
        }
        for some in all.chunks(AT_ONCE) {
            self.in_time(session)?;
            self.committed(memberships(session, group, some)).await?;
        }
        self.gone_left(session, group, &moves.come).await
    }

    /// Whoever was taken away just before they came is in no group. Whoever takes somebody away looks at their groups afterwards.
    async fn gone_left(
        &self,
        session: &Session<'_>,
        group: &DirectoryGroupRow,
        come: &BTreeSet<UserId>,
    ) -> Result<(), ScimError> {
        let of = &session.directory.connection;
        let rows = self.read(come.iter().map(|id| user(of, id)).collect()).await?;
        let gone = come.iter().filter(|id| !rows.contains_key(&user(of, id)));
        let gone: Vec<(&UserId, bool)> = gone.map(|id| (id, false)).collect();
        for some in gone.chunks(AT_ONCE) {
            self.committed(memberships(session, group, some)).await?;
        }
        Ok(())
    }

    /// Notes in a group's row that its members have changed: the row as it was then. `None`: there is none.
    async fn noted(
        &self,
        session: &Session<'_>,
        id: &GroupId,
    ) -> Result<Option<DirectoryGroupRow>, ScimError> {
        let of = &session.directory.connection;
        for round in 0..TRIES {
            let item = self.desk.get(&place_of(of, id)).await.map_err(|_| unavailable())?;
            let Some(item) = item else { return Ok(None) };
            let row = DirectoryGroupRow::from_item(&item).map_err(|_| unavailable())?;
            if self.commit(vec![regrouped(of, id, session.now)], round).await? == Committed::Yes {
                return Ok(Some(row));
            }
        }
        Err(unavailable())
    }

    /// Writes that hold whatever was there: tried until they are made.
    pub(crate) async fn committed(&self, writes: Vec<Write>) -> Result<(), ScimError> {
        for round in 0..TRIES {
            if self.commit(writes.clone(), round).await? == Committed::Yes {
                return Ok(());
            }
        }
        Err(unavailable())
    }

    /// Takes somebody out of every group.
    ///
    /// # Errors
    /// Not to be had just now.
    pub async fn leave_groups(&self, session: &Session<'_>, person: &UserId) -> Result<(), ScimError> {
        for group in self.groups_of(session, person).await? {
            let moves = Moves { go: [person.clone()].into(), ..Moves::default() };
            match self.moved(session, &group, &moves).await {
                Err(error) if error.status == 404 => {}
                other => other?,
            }
        }
        // Rows of groups that are gone, and of those that they came into since.
        let of = &session.directory.connection;
        let prefix = groups_of(person);
        let left = self.all(&partition(of), &prefix).await?;
        let ids = left.iter().filter_map(|sk| sk.strip_prefix(&prefix)?.parse().ok());
        let writes = ids.map(|id: GroupId| groups::membership(session.directory, &id, person, false));
        let writes: Vec<[Write; 2]> = writes.collect();
        for some in writes.chunks(AT_ONCE) {
            self.committed(some.concat()).await?;
        }
        Ok(())
    }
}
