//! Who is in which group, and who is to come and go.

use std::collections::BTreeSet;

use domain::{DirectoryGroupRow, GroupId, UserId};
use tables::Table;
use tables::codec::Row as _;
use tables::directory::{MEMBER, group as place_of, groups_of, member, members, partition, user};

use crate::decide::groups;
use crate::desk::Desk;
use crate::effects::{Effects, Session, unavailable};
use crate::error::{ScimError, ScimType};
use crate::patch::MemberOp;
use crate::resource::Member;

/// Rows of one page, when all are read.
const PAGE: u16 = 1_000;

/// Who comes and who goes.
#[derive(Debug, Default)]
pub struct Moves {
    pub come: BTreeSet<UserId>,
    pub go: BTreeSet<UserId>,
    /// Whether somebody was named whom the directory does not tell of: told once the others have come and gone.
    pub unknown: bool,
}

/// A member who is nobody.
pub fn unknown_member() -> ScimError {
    let detail =
        "a member is no user of this connection: push the user first, and send the id that was answered";
    ScimError::bad(ScimType::InvalidValue, detail)
}

impl<D: Desk> Effects<D> {
    /// Everybody in a group.
    ///
    /// # Errors
    /// The tables did not answer in full.
    pub async fn members(&self, session: &Session<'_>, id: &GroupId) -> Result<BTreeSet<UserId>, ScimError> {
        let pk = members(&session.directory.connection, id);
        let rows = self.all(&pk, MEMBER).await?;
        rows.iter().map(|sk| sk.trim_start_matches(MEMBER).parse().map_err(|_| unavailable())).collect()
    }

    /// Everything that somebody is in.
    ///
    /// # Errors
    /// The tables did not answer in full.
    pub async fn groups_of(
        &self,
        session: &Session<'_>,
        person: &UserId,
    ) -> Result<Vec<DirectoryGroupRow>, ScimError> {
        let of = &session.directory.connection;
        let prefix = groups_of(person);
        let rows = self.all(&partition(of), &prefix).await?;
        let ids = rows.iter().filter_map(|sk| sk.strip_prefix(&prefix)?.parse().ok());
        let keys = ids.map(|id: GroupId| place_of(of, &id)).collect();
        let rows = self.read(keys).await?;
        rows.values().map(|item| DirectoryGroupRow::from_item(item).map_err(|_| unavailable())).collect()
    }

    /// The sort keys of a partition that begin so.
    pub(crate) async fn all(&self, pk: &str, prefix: &str) -> Result<Vec<String>, ScimError> {
        let mut found: Vec<String> = Vec::new();
        loop {
            let after = found.last().cloned();
            let page = self.desk.page(Table::Identity, pk, prefix, after.as_deref(), PAGE).await;
            let page = page.map_err(|_| unavailable())?;
            let more = page.more && !page.rows.is_empty();
            found.extend(page.rows.into_iter().map(|(key, _)| key.sk));
            if !more {
                return Ok(found);
            }
        }
    }

    /// Of members that a request names, those whom this directory tells of.
    pub(crate) async fn people(
        &self,
        session: &Session<'_>,
        sent: &[Member],
    ) -> Result<BTreeSet<UserId>, ScimError> {
        let ids: BTreeSet<UserId> = sent.iter().filter_map(|one| one.as_str().parse().ok()).collect();
        let of = &session.directory.connection;
        let all: Vec<UserId> = ids.into_iter().collect();
        let mut known = BTreeSet::new();
        // Some at a time: of each no more than the id is kept.
        for some in all.chunks(100) {
            let rows = self.read(some.iter().map(|id| user(of, id)).collect()).await?;
            known.extend(some.iter().filter(|id| rows.contains_key(&user(of, id))).cloned());
        }
        Ok(known)
    }

    /// Who comes and who goes, by what is asked for and who is in.
    pub(crate) async fn moves(
        &self,
        session: &Session<'_>,
        kept: &groups::Kept,
        ops: &[MemberOp],
    ) -> Result<Moves, ScimError> {
        let mut moves = Moves::default();
        for op in ops {
            match op {
                MemberOp::Add(sent) => {
                    let people = self.people(session, sent).await?;
                    moves.unknown |= people.len() < sent.len();
                    let there = self.among(session, &kept.row.id, &people).await?;
                    moves.go.retain(|id| !people.contains(id));
                    moves.come.extend(people.difference(&there).cloned());
                }
                MemberOp::Remove(sent) => {
                    // Whoever is no user of ours is in no group.
                    let ids: BTreeSet<UserId> =
                        sent.iter().filter_map(|one| one.as_str().parse().ok()).collect();
                    let there = self.among(session, &kept.row.id, &ids).await?;
                    moves.come.retain(|id| !ids.contains(id));
                    moves.go.extend(there);
                }
                MemberOp::Replace(sent) => {
                    let people = self.people(session, sent).await?;
                    moves.unknown |= people.len() < sent.len();
                    let there = self.members(session, &kept.row.id).await?;
                    moves.come = people.difference(&there).cloned().collect();
                    moves.go = there.difference(&people).cloned().collect();
                }
                MemberOp::RemoveMatching(filter) => {
                    let there = self.members(session, &kept.row.id).await?;
                    let all = there.union(&moves.come).filter(|id| !moves.go.contains(*id));
                    let shown =
                        |id: &&UserId| filter.matches(&serde_json::json!({"value": id, "type": "User"}));
                    let chosen: BTreeSet<UserId> = all.filter(shown).cloned().collect();
                    moves.come.retain(|id| !chosen.contains(id));
                    moves.go.extend(chosen.intersection(&there).cloned());
                }
            }
        }
        Ok(moves)
    }

    /// Those of some who are in a group.
    async fn among(
        &self,
        session: &Session<'_>,
        id: &GroupId,
        some: &BTreeSet<UserId>,
    ) -> Result<BTreeSet<UserId>, ScimError> {
        let of = &session.directory.connection;
        let rows = self.read(some.iter().map(|one| member(of, id, one)).collect()).await?;
        Ok(some.iter().filter(|one| rows.contains_key(&member(of, id, one))).cloned().collect())
    }
}
