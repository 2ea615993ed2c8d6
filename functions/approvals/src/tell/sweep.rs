//! By the clock, once a minute: everything that waits is gone through. Each step is one conditional write over the very row that
//! it was decided on; one that another was faster at is left to the next minute.

use domain::{
    ApprovalRow, ApprovalState, EventType, KillRow, MetaValue, Metadata, Phase, Run, RunRow, Timestamp,
    UntoldRow, User, UserId, WaitingRow,
};
use serde::Serialize;
use tables::approvals::step;
use tables::codec::Row as _;
use tables::gates::Write;
use tables::{Attr, Item, Key, KillKeys, Table, deleted, shards_from, unchanged};

use super::due::{Around, Due, due};
use crate::desk::{Away, Desk, Outside};
use crate::effects::{Effects, find, ten};
use crate::records::{Entry, Scribe, unrecorded};
use domain::ApprovalStep as Step;

/// As long as nothing is out of order, the queue has brought it by then.
const UNTOLD_MS: u64 = 120_000;

/// How many steps of each kind a pass has made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Swept {
    pub expired: u64,
    pub cancelled: u64,
    pub dropped: u64,
    pub escalated: u64,
    pub reminded: u64,
    /// What the queue had not taken before.
    pub told: u64,
    /// Requests that something did not answer for: the next minute looks again.
    pub failed: u64,
}

/// What one step is called, whom it is told, and where it is counted.
struct Made {
    event: EventType,
    reason: &'static str,
    tell: Option<Step>,
}

impl<D: Desk, O: Outside> Effects<D, O> {
    /// One pass, as long as there is time.
    pub async fn sweep(&self, deadline: Timestamp) -> Swept {
        let mut swept = Swept::default();
        for shard in shards_from(self.desk.now()) {
            for prefix in ["ten_", Key::UNTOLD] {
                self.shard((&Key::waiting_in(shard), prefix), deadline, &mut swept).await;
            }
        }
        swept
    }

    async fn shard(&self, (pk, prefix): (&str, &str), deadline: Timestamp, swept: &mut Swept) {
        let mut after: Option<String> = None;
        while self.desk.now() < deadline {
            let Ok(page) = self.desk.page(Table::Votes, pk, prefix, after.as_deref()).await else {
                swept.failed = swept.failed.saturating_add(1);
                return;
            };
            for (key, item) in &page.rows {
                match prefix {
                    Key::UNTOLD => self.tell_again(key, item, swept).await,
                    _ => self.gone_through(key, item, swept).await,
                }
            }
            after = page.rows.last().map(|(key, _)| key.sk.clone());
            if !page.more {
                return;
            }
        }
    }

    /// What the queue has not taken, or what it took and has not brought yet: told twice, it is done once.
    async fn tell_again(&self, key: &Key, item: &Item, swept: &mut Swept) {
        let told = match UntoldRow::from_item(item) {
            Ok(row) if self.desk.now().millis_since(row.at) < UNTOLD_MS => return,
            Ok(row) => self.tell_of(&row.message).await,
            Err(error) => {
                tracing::error!(table = key.table.as_str(), %error, "row.unreadable");
                Err(Away)
            }
        };
        let count = if told.is_ok() { &mut swept.told } else { &mut swept.failed };
        *count = count.saturating_add(1);
        if told.is_ok() {
            // One that stays is told of once more.
            drop(self.desk.write(vec![deleted(key, item)]).await);
        }
    }

    async fn gone_through(&self, key: &Key, item: &Item, swept: &mut Swept) {
        let ended = match WaitingRow::from_item(item) {
            Ok(row) => self.one(key, item, &row).await,
            Err(_) => Err(Away),
        };
        let count = match ended {
            Ok(Due::Nothing | Due::Forget) => return,
            Ok(Due::Expire(_)) => &mut swept.expired,
            Ok(Due::Cancel(..)) => &mut swept.cancelled,
            Ok(Due::Drop(_)) => &mut swept.dropped,
            Ok(Due::Escalate(_)) => &mut swept.escalated,
            Ok(Due::Remind(_)) => &mut swept.reminded,
            Err(Away) => &mut swept.failed,
        };
        *count = count.saturating_add(1);
    }

    /// What was done for one request: nothing, if another was faster.
    async fn one(&self, key: &Key, waiting: &Item, wait: &WaitingRow) -> Result<Due, Away> {
        let place = Key::approval(&wait.tenant, &wait.id);
        let rows = self.desk.rows(std::slice::from_ref(&place)).await?;
        let row: Option<ApprovalRow> = find(&rows, &place)?;
        let (Some(row), Some(item)) = (row, rows.get(&place)) else {
            // A request is never removed before what it waits by: nothing is known of this one.
            return Ok(Due::Nothing);
        };
        let around = self.around(&row).await?;
        let due = due(&row, &around, self.desk.now());
        let (new, made) = match &due {
            Due::Nothing => return Ok(Due::Nothing),
            Due::Forget => {
                let _ = self.desk.write(vec![deleted(key, waiting)]).await;
                return Ok(Due::Forget);
            }
            Due::Expire(new) => {
                (new, Made::of(EventType::ApprovalExpired, "approval_expired", Some(Step::Decided)))
            }
            Due::Cancel(new, why) => (new, Made::of(EventType::ApprovalCancelled, why, Some(Step::Decided))),
            Due::Drop(new) => (new, Made::of(EventType::ApprovalVoted, "approver_inactive", None)),
            Due::Escalate(new) => {
                (new, Made::of(EventType::ApprovalNotified, "escalated", Some(Step::Escalated)))
            }
            Due::Remind(new) => {
                (new, Made::of(EventType::ApprovalNotified, "reminded", Some(Step::Reminded)))
            }
        };
        let mut writes = step(item, new, self.desk.now());
        if row.state == ApprovalState::Approved && matches!(due, Due::Expire(_) | Due::Cancel(..)) {
            // What a tool has taken meanwhile was used in time.
            let cancelled: Item = [("state".to_owned(), Attr::text(Run::Cancelled))].into();
            let as_read = around.taken.map(|_| &cancelled);
            writes.push(unchanged(&Key::run_of_approval(&wait.tenant, &wait.id), as_read, &["state"]));
        }
        let written = self.make((&row, new), &made, writes).await?;
        Ok(if written { due.clone() } else { Due::Nothing })
    }

    /// Recorded, written, recorded, told.
    async fn make(
        &self,
        (old, new): (&ApprovalRow, &ApprovalRow),
        made: &Made,
        writes: Vec<Write>,
    ) -> Result<bool, Away> {
        let scribe = Scribe::system(old, self.desk.region(), self.action()?);
        let of = || {
            let metadata = Metadata::default().count("votes", new.votes.len() as u64);
            metadata.with("state", MetaValue::Code(domain::Code::literal(new.state.as_str())))
        };
        let attempt = Entry::of(made.event, Phase::Attempt, self.desk.now(), ten(&self.desk)?);
        self.desk.attempt(scribe.action_id, scribe.record(attempt.because(made.reason).with(of()))).await?;
        let written = self.wrote(&scribe, writes, new).await?;
        let outcome = Entry::of(made.event, Phase::Outcome, self.desk.now(), ten(&self.desk)?).with(of());
        let ended = if written { made.reason } else { "not_written" };
        self.told(&scribe, outcome.because(ended)).await;
        if let (true, Some(step)) = (written, made.tell) {
            self.tell(new, step).await;
        }
        Ok(written)
    }

    /// Writes a step, and says whether it is there now. Another may be faster, or an answer lost: what is there says which.
    ///
    /// # Errors
    /// What is there could not be read.
    pub(crate) async fn wrote(
        &self,
        scribe: &Scribe,
        writes: Vec<Write>,
        new: &ApprovalRow,
    ) -> Result<bool, Away> {
        if self.desk.write(writes).await.is_ok() {
            return Ok(true);
        }
        let place = Key::approval(&new.from.tenant, &new.id);
        let rows = self.desk.rows(std::slice::from_ref(&place)).await;
        let there = rows.and_then(|rows| find::<ApprovalRow>(&rows, &place));
        Ok(unrecorded(scribe, there)?.is_some_and(|row| row == *new))
    }

    async fn around(&self, row: &ApprovalRow) -> Result<Around, Away> {
        let from = &row.from;
        let [chance, ..] = self.desk.random()?;
        let kills = KillKeys::above(&from.org, &from.tenant, &from.agent, chance);
        let people = [&from.owner, &from.answers].into_iter().flatten().map(|one| one.user.clone());
        let people: Vec<UserId> = people.chain(row.votes.iter().map(|vote| vote.user.clone())).collect();
        let run = Key::run_of_approval(&from.tenant, &row.id);
        let mut keys: Vec<Key> = people.iter().map(|user| Key::user(&from.org, user)).collect();
        keys.extend(kills.all());
        keys.push(run.clone());
        let rows = self.desk.rows(&keys).await?;
        let mut switches: [Option<KillRow>; 4] = Default::default();
        for (at, key) in switches.iter_mut().zip(kills.all()) {
            *at = find(&rows, &key)?;
        }
        let taken = find::<RunRow>(&rows, &run)?.map(|run| run.state);
        let mut around = Around { switches, taken, ..Around::default() };
        for user in people {
            if let Some(person) = find::<User>(&rows, &Key::user(&from.org, &user))? {
                around.people.insert(user, person);
            }
        }
        Ok(around)
    }
}

impl Made {
    const fn of(event: EventType, reason: &'static str, tell: Option<Step>) -> Self {
        Self { event, reason, tell }
    }
}
