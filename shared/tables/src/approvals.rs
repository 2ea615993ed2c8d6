//! Requests for approval and consumed actions: item formats, and the one conditional write of each edge.
//!
//! A step is written over exactly the row that it was decided on, so that of any number who decide at once one wins and the
//! others look again; the clock stands in the condition too, so that what is late is not written whoever wins.

use domain::{
    ApprovalId, ApprovalMessage, ApprovalRow, ApprovalState, ApprovalStep, Asked, ChannelsRow, DelegationRow,
    DueRow, GateRow, InEpoch, LastRow, LinkRow, PermitId, Requester, RunRow, TenantId, Timestamp, UntoldRow,
    UserId, ViewRow, WaitingRow,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::codec::{Row, sealed};
use crate::directory::placed;
use crate::gates::{Write, write_builder};
use crate::item::item;
use crate::{Attr, CodecError, Item, Key, Reader, Swap, deleted};

/// In milliseconds of Unix time, so that a condition can compare it.
const EXPIRES_MS: &str = "expires_ms";
const SWITCHES: [&str; 4] = ["kill_platform", "kill_org", "kill_tenant", "kill_agent"];
const OWNER: (&str, &str) = ("owner_user", "owner_epoch");
const ANSWERS: (&str, &str) = ("answers_user", "answers_epoch");

/// Nested parts that nothing is asked about by condition but whether they are the same.
fn json_text(value: &impl Serialize) -> Attr {
    Attr::text(serde_json::to_string(value).unwrap_or_default())
}

fn from_json<T: DeserializeOwned>(row: &Reader<'_>, field: &'static str) -> Result<T, CodecError> {
    serde_json::from_str(row.str(field)?).map_err(|_| CodecError::Form(field))
}

fn put_person(row: &mut Item, fields: (&str, &str), person: Option<&InEpoch>) {
    if let Some(person) = person {
        row.insert(fields.0.to_owned(), Attr::text(&person.user));
        row.extend(person.epoch.map(|epoch| (fields.1.to_owned(), Attr::number(epoch))));
    }
}

fn person(row: &Reader<'_>, fields: (&'static str, &'static str)) -> Result<Option<InEpoch>, CodecError> {
    let Some(user) = row.optional::<UserId>(fields.0)? else { return Ok(None) };
    let epoch = row.has(fields.1).then(|| row.number(fields.1)).transpose()?;
    Ok(Some(InEpoch { user, epoch }))
}

fn put_time(row: &mut Item, field: &str, at: Option<Timestamp>) {
    row.extend(at.map(|at| (field.to_owned(), Attr::text(at))));
}

impl Row for ApprovalRow {
    fn to_item(&self) -> Item {
        let Self { id, from, asked, .. } = self;
        let mut row = item([
            ("approval_id", Attr::text(id)),
            ("org_id", Attr::text(&from.org)),
            ("tenant_id", Attr::text(&from.tenant)),
            ("agent_id", Attr::text(&from.agent)),
            ("key_id", Attr::text(&from.key)),
            ("tool", Attr::text(&asked.tool)),
            ("action_sha256", Attr::text(&asked.digest)),
            ("sealed", Attr::B(asked.sealed.as_bytes().to_vec())),
            ("policy_version", Attr::number(asked.policy_version)),
            ("gates", Attr::texts(&asked.gates)),
            ("rules", json_text(&self.rules)),
            ("state", Attr::text(self.state)),
            ("votes", json_text(&self.votes)),
            ("created_at", Attr::text(self.created_at)),
            (EXPIRES_MS, Attr::number(self.expires_at.unix_millis())),
        ]);
        put_person(&mut row, OWNER, from.owner.as_ref());
        put_person(&mut row, ANSWERS, from.answers.as_ref());
        row.extend(from.on_behalf_of.as_ref().map(|one| ("on_behalf_of".to_owned(), Attr::text(one))));
        row.extend(asked.callback.as_ref().map(|one| ("callback".to_owned(), Attr::text(one))));
        row.extend(
            SWITCHES.iter().zip(self.switches).map(|(name, at)| ((*name).to_owned(), Attr::number(at))),
        );
        put_time(&mut row, "reminded_at", self.reminded_at);
        put_time(&mut row, "escalated_at", self.escalated_at);
        put_time(&mut row, "ended_at", self.ended_at);
        row
    }

    fn from_item(item: &Item) -> Result<Self, CodecError> {
        let row = Reader::new(item)?;
        let mut switches = [0; 4];
        for (at, name) in switches.iter_mut().zip(SWITCHES) {
            *at = row.number(name)?;
        }
        Ok(Self {
            id: row.parse("approval_id")?,
            from: requester(&row)?,
            asked: Asked {
                tool: row.parse("tool")?,
                digest: row.parse("action_sha256")?,
                sealed: sealed(&row, "sealed")?,
                policy_version: row.number("policy_version")?,
                gates: row.texts("gates")?,
                callback: row.optional("callback")?,
            },
            rules: from_json(&row, "rules")?,
            state: row.parse("state")?,
            votes: from_json(&row, "votes")?,
            switches,
            created_at: row.parse("created_at")?,
            expires_at: millis(&row, EXPIRES_MS)?,
            reminded_at: row.optional("reminded_at")?,
            escalated_at: row.optional("escalated_at")?,
            ended_at: row.optional("ended_at")?,
        })
    }
}

fn requester(row: &Reader<'_>) -> Result<Requester, CodecError> {
    Ok(Requester {
        org: row.parse("org_id")?,
        tenant: row.parse("tenant_id")?,
        agent: row.parse("agent_id")?,
        key: row.parse("key_id")?,
        owner: person(row, OWNER)?,
        answers: person(row, ANSWERS)?,
        on_behalf_of: row.optional("on_behalf_of")?,
    })
}

fn millis(row: &Reader<'_>, field: &'static str) -> Result<Timestamp, CodecError> {
    let ms = i64::try_from(row.number(field)?).map_err(|_| CodecError::Form(field))?;
    Timestamp::from_unix_millis(ms).map_err(|_| CodecError::Form(field))
}

/// A new request: its row, its link, and what goes by the clock. Asked for again under the same key, it is there already.
pub fn create(row: &ApprovalRow) -> Vec<Write> {
    let (tenant, id) = (&row.from.tenant, &row.id);
    let link = LinkRow { org: row.from.org.clone(), tenant: tenant.clone() };
    let waiting = WaitingRow { tenant: tenant.clone(), id: id.clone() };
    vec![
        Swap::create(Key::approval(tenant, id), row.to_item()).to_write(),
        Swap::create(Key::approval_link(id), link.to_item()).to_write(),
        Swap::create(Key::waiting(tenant, id), waiting.to_item()).to_write(),
        untold(row, ApprovalStep::Requested, row.created_at),
    ]
}

/// That the queue is to be told of a step: written with the step, so that a queue that does not answer then hears of it later.
fn untold(row: &ApprovalRow, kind: ApprovalStep, at: Timestamp) -> Write {
    let message = ApprovalMessage::new(kind, row.from.tenant.clone(), row.id.clone());
    let key = Key::untold(&message);
    placed(key, UntoldRow { message, at }.to_item())
}

/// Whether something still goes by the clock.
const fn waits(state: ApprovalState) -> bool {
    matches!(state, ApprovalState::Pending | ApprovalState::Approved)
}

/// One step of a request, over the row that it was decided on. A step before its end is not written after `expires_at`.
pub fn step(old: &Item, new: &ApprovalRow, now: Timestamp) -> Vec<Write> {
    let (tenant, id) = (&new.from.tenant, &new.id);
    let swap = Swap { key: Key::approval(tenant, id), old: Some(old.clone()), new: new.to_item() };
    let mut write = swap.to_write();
    if !matches!(new.state, ApprovalState::Expired | ApprovalState::Cancelled) {
        in_time(&mut write, now);
    }
    let mut writes = vec![write];
    if !waits(new.state) {
        let waiting = WaitingRow { tenant: tenant.clone(), id: id.clone() };
        let key = Key::waiting(tenant, id);
        writes.push(deleted(&key, &waiting.to_item()));
    }
    writes.extend(telling(old, new).map(|kind| untold(new, kind, now)));
    writes
}

/// What of a step the queue is told. An end is told to the agent alone, if it wants to be.
fn telling(old: &Item, new: &ApprovalRow) -> Option<ApprovalStep> {
    let item = new.to_item();
    let differs = |field: &str| item.get(field) != old.get(field);
    match () {
        () if differs("state") => new.asked.callback.as_ref().map(|_| ApprovalStep::Decided),
        () if differs("escalated_at") => Some(ApprovalStep::Escalated),
        () if differs("reminded_at") => Some(ApprovalStep::Reminded),
        () => None,
    }
}

/// The clock, in the condition.
fn in_time(write: &mut Write, now: Timestamp) {
    let condition = write.condition.take().unwrap_or_default();
    let and = if condition.is_empty() { "" } else { " AND " };
    write.condition = Some(format!("{condition}{and}#expires >= :soon").into());
    write.names.push(("#expires".into(), EXPIRES_MS.to_owned()));
    write.values.push((":soon".into(), Attr::number(now.unix_millis().saturating_add(1))));
}

/// That a request is still approved, for the same action, and not over: what its consumption is written beside.
pub fn is_approved(row: &ApprovalRow, now: Timestamp) -> Write {
    let mut write = write_builder(&Key::approval(&row.from.tenant, &row.id));
    for (field, value) in
        [("state", ApprovalState::Approved.to_string()), ("action_sha256", row.asked.digest.to_string())]
    {
        let (name, value) = (write.name(field), write.value(Attr::text(value)));
        write.when(format!("{name} = {value}"));
    }
    let mut write = write.build();
    in_time(&mut write, now);
    write
}

impl Row for RunRow {
    fn to_item(&self) -> Item {
        let mut row = item([
            ("tenant_id", Attr::text(&self.tenant)),
            ("agent_id", Attr::text(&self.agent)),
            ("permit_id", Attr::text(&self.permit)),
            ("tool", Attr::text(&self.tool)),
            ("action_sha256", Attr::text(&self.digest)),
            ("state", Attr::text(self.state)),
            ("consumer", Attr::text(&self.consumer)),
            ("consumed_at", Attr::text(self.consumed_at)),
            ("due_ms", Attr::number(self.due_at.unix_millis())),
        ]);
        row.extend(self.approval.as_ref().map(|id| ("approval_id".to_owned(), Attr::text(id))));
        put_person(&mut row, ANSWERS, self.answers.as_ref());
        put_time(&mut row, "ended_at", self.ended_at);
        row
    }

    fn from_item(item: &Item) -> Result<Self, CodecError> {
        let row = Reader::new(item)?;
        Ok(Self {
            tenant: row.parse("tenant_id")?,
            agent: row.parse("agent_id")?,
            permit: row.parse("permit_id")?,
            approval: row.optional("approval_id")?,
            tool: row.parse("tool")?,
            digest: row.parse("action_sha256")?,
            state: row.parse("state")?,
            consumer: row.parse("consumer")?,
            consumed_at: row.parse("consumed_at")?,
            due_at: millis(&row, "due_ms")?,
            ended_at: row.optional("ended_at")?,
            answers: person(&row, ANSWERS)?,
        })
    }
}

impl Row for DueRow {
    fn to_item(&self) -> Item {
        let mut row =
            item([("tenant_id", Attr::text(&self.tenant)), ("permit_id", Attr::text(&self.permit))]);
        row.extend(self.approval.as_ref().map(|id| ("approval_id".to_owned(), Attr::text(id))));
        row
    }

    fn from_item(item: &Item) -> Result<Self, CodecError> {
        let row = Reader::new(item)?;
        Ok(Self {
            tenant: row.parse("tenant_id")?,
            approval: row.optional("approval_id")?,
            permit: row.parse("permit_id")?,
        })
    }
}

/// Where a consumption lies: one for each request, or for each permit that needed none.
pub fn run_key(tenant: &TenantId, approval: Option<&ApprovalId>, permit: &PermitId) -> Key {
    match approval {
        Some(id) => Key::run_of_approval(tenant, id),
        None => Key::run_of_permit(tenant, permit),
    }
}

impl Row for GateRow {
    fn to_item(&self) -> Item {
        item([("version", Attr::number(self.version)), ("document", Attr::text(&self.document))])
    }

    fn from_item(item: &Item) -> Result<Self, CodecError> {
        let row = Reader::new(item)?;
        Ok(Self { version: row.number("version")?, document: row.str("document")?.to_owned() })
    }
}

impl Row for ChannelsRow {
    fn to_item(&self) -> Item {
        item([("version", Attr::number(self.version)), ("sealed", Attr::B(self.sealed.as_bytes().to_vec()))])
    }

    fn from_item(item: &Item) -> Result<Self, CodecError> {
        let row = Reader::new(item)?;
        Ok(Self { version: row.number("version")?, sealed: sealed(&row, "sealed")? })
    }
}

impl Row for LinkRow {
    fn to_item(&self) -> Item {
        item([("org_id", Attr::text(&self.org)), ("tenant_id", Attr::text(&self.tenant))])
    }

    fn from_item(item: &Item) -> Result<Self, CodecError> {
        let row = Reader::new(item)?;
        Ok(Self { org: row.parse("org_id")?, tenant: row.parse("tenant_id")? })
    }
}

impl Row for WaitingRow {
    fn to_item(&self) -> Item {
        item([("tenant_id", Attr::text(&self.tenant)), ("approval_id", Attr::text(&self.id))])
    }

    fn from_item(item: &Item) -> Result<Self, CodecError> {
        let row = Reader::new(item)?;
        Ok(Self { tenant: row.parse("tenant_id")?, id: row.parse("approval_id")? })
    }
}

impl Row for UntoldRow {
    fn to_item(&self) -> Item {
        item([("message", json_text(&self.message)), ("at", Attr::text(self.at))])
    }

    fn from_item(item: &Item) -> Result<Self, CodecError> {
        let row = Reader::new(item)?;
        let message = ApprovalMessage::parse(row.str("message")?).map_err(|_| CodecError::Form("message"))?;
        Ok(Self { message, at: row.parse("at")? })
    }
}

impl Row for DelegationRow {
    fn to_item(&self) -> Item {
        item([
            ("user_id", Attr::text(&self.user)),
            ("to_user", Attr::text(&self.to)),
            ("from_at", Attr::text(self.from)),
            ("until_at", Attr::text(self.until)),
        ])
    }

    fn from_item(item: &Item) -> Result<Self, CodecError> {
        let row = Reader::new(item)?;
        Ok(Self {
            user: row.parse("user_id")?,
            to: row.parse("to_user")?,
            from: row.parse("from_at")?,
            until: row.parse("until_at")?,
        })
    }
}

impl Row for ViewRow {
    fn to_item(&self) -> Item {
        item([("user_id", Attr::text(&self.user)), ("at", Attr::text(self.at))])
    }

    fn from_item(item: &Item) -> Result<Self, CodecError> {
        let row = Reader::new(item)?;
        Ok(Self { user: row.parse("user_id")?, at: row.parse("at")? })
    }
}

impl Row for LastRow {
    fn to_item(&self) -> Item {
        item([
            ("approval_id", Attr::text(&self.approval)),
            ("action_sha256", Attr::text(&self.digest)),
            ("at", Attr::text(self.at)),
            ("sealed", Attr::B(self.sealed.as_bytes().to_vec())),
        ])
    }

    fn from_item(item: &Item) -> Result<Self, CodecError> {
        let row = Reader::new(item)?;
        Ok(Self {
            approval: row.parse("approval_id")?,
            digest: row.parse("action_sha256")?,
            at: row.parse("at")?,
            sealed: sealed(&row, "sealed")?,
        })
    }
}

#[cfg(test)]
mod tests;
