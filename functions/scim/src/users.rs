//! People: pushed, changed, ended, taken away. Each push is decided on what is read, recorded, written, recorded.

use std::sync::atomic::Ordering;

use domain::{Code, LeaveCause, MetaValue, Metadata, Offboarding, UserId};
use tables::directory::user as place_of;

use crate::decide::{Document, users};
use crate::desk::Desk;
use crate::effects::{Committed, Effects, Session, TRIES, told, unavailable};
use crate::error::ScimError;
use crate::leaving;
use crate::records::Scribe;
use crate::resource::Changed;

/// Into what somebody is changed, from what they are now.
pub type Next<'a> = dyn Fn(&Document) -> Result<(Document, Changed), ScimError> + Sync + 'a;

/// What a push made of somebody.
#[derive(Debug)]
pub struct Pushed {
    pub kept: users::Kept,
    /// That they were ended by it.
    pub left: Option<Offboarding>,
}

impl<D: Desk> Effects<D> {
    /// Makes somebody. Whoever is here already, by having signed in, is the one.
    ///
    /// # Errors
    /// Refused, or not to be had just now.
    pub async fn create_user(
        &self,
        session: &Session<'_>,
        scribe: &Scribe,
        after: Document,
        new: &UserId,
    ) -> Result<Pushed, ScimError> {
        let mut recorded = None;
        for round in 0..TRIES {
            let id = self.identity(session, &after, new).await?;
            let (plan, kept) = self.planned(session, &id, (None, &after), LeaveCause::Directory).await?;
            self.begin(scribe, &mut recorded, id.as_str()).await?;
            if self.commit(plan.writes.clone(), round).await? == Committed::Yes {
                self.tell(&plan).await;
                return Ok(Pushed { kept, left: plan.left });
            }
            // Perhaps it was written, and only the answer was lost.
            if let Some(kept) = self.already(session, &id, &after).await? {
                self.tell(&plan).await;
                return Ok(Pushed { kept, left: plan.left });
            }
        }
        Err(unavailable())
    }

    async fn already(
        &self,
        session: &Session<'_>,
        id: &UserId,
        after: &Document,
    ) -> Result<Option<users::Kept>, ScimError> {
        match self.user(session, id.as_str()).await {
            Ok(kept) => Ok((kept.document == *after).then_some(kept)),
            Err(error) if error.status == 404 => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whose row it becomes.
    async fn identity(
        &self,
        session: &Session<'_>,
        after: &Document,
        new: &UserId,
    ) -> Result<UserId, ScimError> {
        let directory = session.directory;
        let rows = self.read(users::first_keys(directory, None, after)).await?;
        let candidates = users::candidates(directory, after, &rows);
        if candidates.is_empty() {
            return Ok(new.clone());
        }
        let keys = candidates.iter().flat_map(|id| users::candidate_keys(directory, id)).collect();
        let rows = self.read(keys).await?;
        match users::adopted(directory, &candidates, &rows) {
            Some(id) => Ok(id),
            // A directory that is asked brings back nobody: whoever it tells of was ended here since that was decided.
            None if directory.token.is_none() => Err(ScimError::taken("externalId")),
            None => Ok(new.clone()),
        }
    }

    /// Everything that a change reads, and what it decides.
    async fn planned(
        &self,
        session: &Session<'_>,
        id: &UserId,
        (before, after): (Option<&users::Kept>, &Document),
        cause: LeaveCause,
    ) -> Result<(users::Plan, users::Kept), ScimError> {
        let directory = session.directory;
        let mut keys = users::first_keys(directory, before, after);
        keys.extend(users::person_keys(directory, id));
        let mut rows = self.read(keys).await?;
        let mut more = users::more_keys(directory, id, &rows);
        let twins = match users::is_active(after) {
            true => Vec::new(),
            false => users::twins(directory, id, [Some(after), before.map(|kept| &kept.document)], &rows),
        };
        more.extend(twins.iter().flat_map(|twin| users::person_keys(directory, twin)));
        rows.extend(self.read(more).await?);
        let theirs = twins.iter().flat_map(|twin| users::more_keys(directory, twin, &rows)).collect();
        rows.extend(self.read(theirs).await?);
        let place = place_of(&directory.connection, id);
        // What was decided on must still be what is there.
        if let Some(kept) = before {
            rows.insert(place.clone(), kept.item.clone());
        }
        let sealed = session.keys.seal(&place, after).map_err(|_| unavailable())?;
        let change = users::Change { directory, id, before, after, sealed, cause, now: session.now };
        let plan = users::change(&change, &rows).map_err(told)?;
        let kept = users::Kept { row: plan.row.clone(), item: domain_item(&plan), document: after.clone() };
        Ok((plan, kept))
    }

    /// Changes somebody: `next` says into what, from what they are now. Nothing is written where nothing changes.
    ///
    /// # Errors
    /// Refused, or not to be had just now.
    pub async fn change_user(
        &self,
        session: &Session<'_>,
        scribe: &Scribe,
        id: &str,
        if_match: Option<&str>,
        (cause, next): (LeaveCause, &Next<'_>),
    ) -> Result<Pushed, ScimError> {
        let (mut recorded, mut tried): (_, Option<users::Plan>) = (None, None);
        for round in 0..TRIES {
            let kept = self.user(session, id).await?;
            // Perhaps it was written, and only the answer was lost.
            if let Some(plan) = tried.take_if(|plan| plan.row == kept.row) {
                self.tell(&plan).await;
                return Ok(Pushed { kept, left: plan.left });
            }
            matches(if_match, kept.row.version)?;
            let (after, changed) = next(&kept.document)?;
            // Whoever is not to be in is looked at all the same: somebody may have let them in by hand.
            if changed == Changed::No && users::is_active(&after) {
                return Ok(Pushed { kept, left: None });
            }
            let (plan, new) = self.planned(session, &kept.row.id, (Some(&kept), &after), cause).await?;
            if changed == Changed::No && plan.left.is_none() && plan.twins.is_empty() {
                return Ok(Pushed { kept, left: None });
            }
            self.begin(scribe, &mut recorded, id).await?;
            if self.commit(plan.writes.clone(), round).await? == Committed::Yes {
                self.tell(&plan).await;
                return Ok(Pushed { kept: new, left: plan.left });
            }
            tried = Some(plan);
        }
        Err(unavailable())
    }

    /// Takes somebody away: first they are ended, in one write; then they leave their groups, and then the directory. Whatever
    /// stops it in between, they are out, and a repetition goes on.
    ///
    /// # Errors
    /// Refused, or not to be had just now.
    pub async fn delete_user(
        &self,
        session: &Session<'_>,
        scribe: &Scribe,
        id: &str,
        if_match: Option<&str>,
    ) -> Result<Pushed, ScimError> {
        let ended = |document: &Document| Ok(leaving::ended(document));
        let cause = LeaveCause::DirectoryRemoved;
        let pushed = self.change_user(session, scribe, id, if_match, (cause, &ended)).await?;
        for round in 0..TRIES {
            // Let in again meanwhile: out again, before the row goes.
            let kept = match self.change_user(session, scribe, id, None, (cause, &ended)).await {
                Err(error) if error.status == 404 && round > 0 => return Ok(pushed),
                other => other?.kept,
            };
            let kept = self.user(session, kept.row.id.as_str()).await?;
            // Whoever was out already was not ended just now, and so nothing is recorded yet.
            let mut recorded = scribe.begun.load(Ordering::Relaxed).then_some(());
            self.begin(scribe, &mut recorded, id).await?;
            // Who came into a group since: whoever does so later changes the row that goes.
            self.leave_groups(session, &kept.row.id).await?;
            let mut rows = self.read(users::removed_keys(session.directory, &kept)).await?;
            rows.insert(place_of(&session.directory.connection, &kept.row.id), kept.item.clone());
            let Some(writes) = users::removed(session.directory, &kept, &rows).map_err(told)? else {
                continue;
            };
            if self.commit(writes, round).await? == Committed::Yes {
                // Into groups that give nothing somebody comes without a look at their row.
                self.leave_groups(session, &kept.row.id).await?;
                return Ok(pushed);
            }
        }
        Err(unavailable())
    }

    /// Recorded once, before the first write.
    ///
    /// # Errors
    /// It could not be recorded.
    pub async fn begin(
        &self,
        scribe: &Scribe,
        recorded: &mut Option<()>,
        resource: &str,
    ) -> Result<(), ScimError> {
        if recorded.is_none() {
            self.attempt(scribe, resource).await?;
            scribe.begun.store(true, Ordering::Relaxed);
            *recorded = Some(());
        }
        Ok(())
    }

    /// Tells of somebody who was ended. An alarm reads the line about owners.
    async fn tell(&self, plan: &users::Plan) {
        if plan.last_owner {
            tracing::warn!(user = %plan.row.id, "scim.last_owner_ended");
        }
        for left in plan.left.iter().chain(&plan.twins) {
            self.tell_of(left).await;
        }
    }

    /// Tells `lifecycle` of somebody whose sessions and keys ended.
    pub async fn tell_of(&self, left: &Offboarding) {
        if self.desk.offboarded(left).await.is_err() {
            // The row that was written with it says the same, and is found within minutes.
            tracing::error!(user = %left.user, "offboarding.not_sent");
        }
    }
}

fn domain_item(plan: &users::Plan) -> tables::Item {
    use tables::codec::Row as _;
    plan.row.to_item()
}

/// Whether the client changes what it has seen (RFC 7644 section 3.14).
///
/// # Errors
/// It is something else by now.
pub fn matches(if_match: Option<&str>, version: u64) -> Result<(), ScimError> {
    let fits = |one: &str| {
        one.trim() == "*" || one.trim().trim_start_matches("W/").trim_matches('"') == version.to_string()
    };
    match if_match {
        Some(tags) if !tags.split(',').any(fits) => Err(ScimError::plain(
            412,
            "the resource has changed: read it again, and send its version in If-Match",
        )),
        _ => Ok(()),
    }
}

/// What the record of a push says of somebody.
pub fn metadata(pushed: &Pushed) -> Metadata {
    let status = if pushed.kept.row.active { "active" } else { "suspended" };
    let metadata = Metadata::default().with("status", MetaValue::Code(Code::literal(status)));
    match &pushed.left {
        Some(left) => metadata.count("epoch", left.epoch),
        None => metadata,
    }
}
