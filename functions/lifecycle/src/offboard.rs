//! Somebody has left: what they held is gone through, row by row. Each step is recorded, made over exactly what was read, and
//! recorded again; what was done before is found done, so that a message may come twice, late, or after a crash.
//!
//! In this order: their row, which must say what the message says; each connection of the organization, for tokens of its directory,
//! which could let them in again; each tenant, its keys, then its agents; a record of the whole; the mark, passed or taken away.
//!
//! Whoever ended them left a mark beside their row. A request of theirs that had begun may still be written for as long as a
//! function runs, so that the mark stays until a pass that begins after that, which the sweep makes.

mod desk;
mod step;

use aws::{BatchEvent, BatchResponse, Failure};
use domain::{
    ActionId, Agent, ConnectionId, KeyRow, LeaveCause, Lifecycle, Offboarding, OffboardingRow, Phase,
    ScimSlots, ScimTokenRow, TenantId, Timestamp, User, UserId,
};
use tables::codec::Row as _;
use tables::offboard::passed;
use tables::{GateFault, Item, Key, Table, shards_from};

use crate::effects::Fault;

pub use desk::{Desk, Live};
pub use step::Tally;
use step::{Moment, Step};

/// No request that began before somebody left is written later: a function has at most 15 minutes (Lambda quotas), and its
/// clock may be off.
const SETTLED_MS: u64 = 20 * 60 * 1_000;
/// For as long a message has its chance before the sweep does without it.
const MESSAGE_MS: u64 = 2 * 60 * 1_000;
/// How often a row is looked at that others write.
const TRIES: u32 = 4;

/// Goes through a batch of messages; each stands alone, and fails alone.
pub async fn deliver(desk: &impl Desk, batch: BatchEvent) -> BatchResponse {
    let mut failures = Vec::new();
    // A message without an id could not be reported: an empty one would fail the whole batch.
    for message in batch.records.into_iter().filter(|message| !message.message_id.is_empty()) {
        if let Err(code) = message_of(desk, &message.body).await {
            tracing::error!(message_id = message.message_id, code, "message.failed");
            failures.push(Failure { item_identifier: message.message_id });
        }
    }
    BatchResponse { batch_item_failures: failures }
}

async fn message_of(desk: &impl Desk, body: &str) -> Result<Tally, Fault> {
    let left = Offboarding::from_text(body).map_err(|error| {
        tracing::error!(%error, "message.unreadable");
        "not_a_message"
    })?;
    Box::pin(gone_through(desk, &left)).await
}

/// Goes through those who have left and of whom no message was taken, or one that came too early: how many.
///
/// # Errors
/// A table did not answer, or somebody's things were not gone through whole. They do not stop the others.
pub async fn sweep(desk: &impl Desk) -> Result<u64, Fault> {
    let (mut done, mut ended) = (0_u64, Ok(()));
    for shard in shards_from(desk.now()) {
        let mut pages = Pages::of(Table::Identity, Key::offboardings(shard), "org_");
        while let Some(rows) = pages.next(desk).await? {
            for (_, item) in &rows {
                match swept(desk, item).await {
                    Ok(swept) => done = done.saturating_add(swept.into()),
                    Err(fault) => ended = Err(fault),
                }
            }
        }
    }
    ended.map(|()| done)
}

async fn swept(desk: &impl Desk, item: &Item) -> Result<bool, Fault> {
    let row = OffboardingRow::from_item(item).map_err(|_| "row_unreadable")?;
    let waits = if row.passed_at.is_some() { SETTLED_MS } else { MESSAGE_MS };
    if desk.now().millis_since(row.left.at) < waits {
        return Ok(false);
    }
    let (org, user) = (&row.left.org, &row.left.user);
    Box::pin(gone_through(desk, &row.left)).await.map(|_| true).inspect_err(|code| {
        tracing::error!(org_id = %org, user_id = %user, code, "offboarding.not_finished");
    })
}

/// Goes through all that somebody held.
///
/// # Errors
/// A code. What was done is done, and the same message makes up for the rest.
pub async fn gone_through(desk: &impl Desk, left: &Offboarding) -> Result<Tally, Fault> {
    let began = desk.now();
    let person = person(desk, left, &left.user).await?;
    // Whoever tells before it is written, or what was never written, is not believed.
    if person.is_none_or(|person| person.epoch < left.epoch) {
        return Err("not_ended");
    }
    let mut pass = Pass { desk, left, tally: Tally::default(), unread: 0 };
    pass.connections().await?;
    pass.tenants().await?;
    if pass.unread > 0 {
        return Err("row_unreadable");
    }
    settled(&pass, began).await?;
    Ok(pass.tally)
}

async fn person(desk: &impl Desk, left: &Offboarding, user: &UserId) -> Result<Option<User>, Fault> {
    let item = desk.read(&Key::user(&left.org, user)).await?;
    let row = item.map(|item| User::from_item(&item)).transpose().map_err(|_| "row_unreadable")?;
    Ok(row.filter(|row| row.id == *user))
}

/// Records what a pass did, and marks that it was made.
async fn settled<D: Desk>(pass: &Pass<'_, D>, began: Timestamp) -> Result<(), Fault> {
    let Pass { desk, left, tally, .. } = *pass;
    let place = Key::offboarding(left);
    let mark = desk.read(&place).await?;
    let row = mark.as_ref().map(OffboardingRow::from_item).transpose().map_err(|_| "row_unreadable")?;
    let first = row.is_some_and(|row| row.passed_at.is_none());
    if first || tally != Tally::default() {
        desk.record(step::summary(left, tally, pass.moment()?)).await?;
    }
    let written = match mark {
        Some(item) if began.millis_since(left.at) >= SETTLED_MS => desk.forget(&place, &item).await,
        Some(item) if first => desk.write(&[passed(place, &item, began)]).await,
        _ => Ok(()),
    };
    match written {
        // Another pass marked it meanwhile.
        Ok(()) | Err(GateFault::Condition(_)) => Ok(()),
        Err(GateFault::NotWritten | GateFault::Unknown) => Err("tables_unavailable"),
    }
}

/// Pages of a partition.
struct Pages {
    table: Table,
    pk: String,
    prefix: &'static str,
    after: Option<String>,
    over: bool,
}

impl Pages {
    const fn of(table: Table, pk: String, prefix: &'static str) -> Self {
        Self { table, pk, prefix, after: None, over: false }
    }

    async fn next(&mut self, desk: &impl Desk) -> Result<Option<Vec<(Key, Item)>>, Fault> {
        if self.over {
            return Ok(None);
        }
        if !desk.in_time() {
            return Err("out_of_time");
        }
        let page = desk.page(self.table, &self.pk, self.prefix, self.after.as_deref()).await?;
        self.over = !page.more;
        match page.rows.last() {
            Some((key, _)) => self.after = Some(key.sk.clone()),
            None if page.more => return Err("page_unread"),
            None => {}
        }
        Ok(Some(page.rows))
    }
}

/// Before the id of a connection, where an organization lists them.
const CONNECTION: &str = "CONNECTION#";

/// One way through everything.
struct Pass<'a, D> {
    desk: &'a D,
    left: &'a Offboarding,
    tally: Tally,
    /// Rows that do not read: nothing is known of them, so that the pass is not whole.
    unread: u64,
}

impl<D: Desk> Pass<'_, D> {
    fn moment(&self) -> Result<Moment, Fault> {
        Ok(Moment { region: self.desk.region(), at: self.desk.now(), random: self.desk.random()? })
    }

    async fn connections(&mut self) -> Result<(), Fault> {
        let mut pages = Pages::of(Table::Identity, format!("ORG#{}", self.left.org), CONNECTION);
        while let Some(markers) = pages.next(self.desk).await? {
            for (marker, _) in &markers {
                match marker.sk.strip_prefix(CONNECTION).and_then(|id| id.parse().ok()) {
                    Some(id) => self.tokens(&id).await?,
                    None => self.unreadable(marker),
                }
            }
        }
        Ok(())
    }

    async fn tokens(&mut self, connection: &ConnectionId) -> Result<(), Fault> {
        let mut pages = Pages::of(Table::Identity, format!("CON#{connection}"), "SCIMTOKEN#");
        while let Some(tokens) = pages.next(self.desk).await? {
            for (place, item) in tokens {
                Box::pin(self.carry_out(Held::Token(connection), place, item)).await?;
            }
        }
        Ok(())
    }

    async fn tenants(&mut self) -> Result<(), Fault> {
        let mut pages = Pages::of(Table::Control, format!("ORG#{}", self.left.org), "TENANT#");
        while let Some(markers) = pages.next(self.desk).await? {
            for (marker, _) in &markers {
                let id = marker.sk.strip_prefix("TENANT#").and_then(|id| id.parse().ok());
                match id {
                    Some(id) => self.tenant(&id).await?,
                    None => self.unreadable(marker),
                }
            }
        }
        Ok(())
    }

    async fn tenant(&mut self, tenant: &TenantId) -> Result<(), Fault> {
        let mut pages = Pages::of(Table::Control, format!("T#{tenant}"), "KEY#");
        while let Some(markers) = pages.next(self.desk).await? {
            self.keys(&markers).await?;
        }
        let mut pages = Pages::of(Table::Control, format!("T#{tenant}"), "AGENT#");
        while let Some(agents) = pages.next(self.desk).await? {
            for (place, item) in agents {
                Box::pin(self.carry_out(Held::Agent(tenant), place, item)).await?;
            }
        }
        Ok(())
    }

    async fn keys(&mut self, markers: &[(Key, Item)]) -> Result<(), Fault> {
        let mut places = Vec::new();
        for (marker, _) in markers {
            match marker.sk.strip_prefix("KEY#").and_then(|id| id.parse().ok()) {
                Some(id) => places.push(Key::gateway_key(&id)),
                None => self.unreadable(marker),
            }
        }
        let mut rows = self.desk.rows(&places).await?;
        for place in places {
            // A key that is not there opens nothing.
            let Some(item) = rows.remove(&place) else { continue };
            Box::pin(self.carry_out(Held::Key, place, item)).await?;
        }
        Ok(())
    }

    fn unreadable(&mut self, place: &Key) {
        tracing::error!(table = place.table.as_str(), "row.unreadable");
        self.unread = self.unread.saturating_add(1);
    }

    /// Does to a row what is to be done, if anything. One that changes meanwhile is looked at again.
    async fn carry_out(&mut self, held: Held<'_>, place: Key, mut item: Item) -> Result<(), Fault> {
        for _ in 0..TRIES {
            let step = match self.step(held, &place, &item).await? {
                Looked::Nothing => return Ok(()),
                Looked::Unreadable => {
                    self.unreadable(&place);
                    return Ok(());
                }
                Looked::Step(step) => step,
            };
            if self.made(&step).await? {
                self.tally.add(step.did);
                return Ok(());
            }
            match self.desk.read(&place).await? {
                Some(now) => item = now,
                None => return Ok(()),
            }
        }
        Err("row_contended")
    }

    async fn step(&self, held: Held<'_>, place: &Key, item: &Item) -> Result<Looked, Fault> {
        let step = match held {
            Held::Key => match KeyRow::from_item(item) {
                Ok(key) => step::of_key(self.left, place, item, &key, self.desk.now()),
                Err(_) => return Ok(Looked::Unreadable),
            },
            Held::Agent(tenant) => match Agent::from_item(item) {
                Ok(agent) => self.agent(tenant, place, item, &agent).await?,
                Err(_) => return Ok(Looked::Unreadable),
            },
            Held::Token(connection) => match ScimTokenRow::from_item(item) {
                Ok(token) => self.token(connection, (place, item), &token).await?,
                Err(_) => return Ok(Looked::Unreadable),
            },
        };
        Ok(step.map_or(Looked::Nothing, |step| Looked::Step(Box::new(step))))
    }

    async fn token(
        &self,
        connection: &ConnectionId,
        row: (&Key, &Item),
        token: &ScimTokenRow,
    ) -> Result<Option<Step>, Fault> {
        let now = self.desk.now();
        if !self.left.ends_token(token, now) {
            return Ok(None);
        }
        let item = self.desk.read(&Key::scim_slots(connection)).await?;
        let slots = item.as_ref().map(ScimSlots::from_item).transpose().map_err(|_| "row_unreadable")?;
        Ok(step::of_token(self.left, row, token, (item.as_ref(), slots.unwrap_or_default()), now))
    }

    async fn agent(
        &self,
        tenant: &TenantId,
        place: &Key,
        item: &Item,
        agent: &Agent,
    ) -> Result<Option<Step>, Fault> {
        let theirs = agent.owner.as_ref() == Some(&self.left.user) && agent.status != Lifecycle::Deleted;
        if !theirs || self.answers(tenant).await? {
            return Ok(None);
        }
        let deputy = match &agent.deputy {
            Some(deputy) => self.is_active(deputy).await?,
            None => false,
        };
        Ok(step::of_agent(self.left, tenant, (place, item), agent, deputy))
    }

    /// Whoever is back answers for their agents again: these stay as they are. Whoever lost their groups was never away, and
    /// answers where they still have a role, or have one again.
    async fn answers(&self, tenant: &TenantId) -> Result<bool, Fault> {
        let (org, user) = (&self.left.org, &self.left.user);
        if !self.is_active(user).await? {
            return Ok(false);
        }
        if self.left.cause != LeaveCause::GroupLost {
            return Ok(true);
        }
        let places = [Key::binding(tenant, user), Key::org_owner(org, user)];
        for place in places {
            if self.desk.read(&place).await?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn is_active(&self, user: &UserId) -> Result<bool, Fault> {
        Ok(person(self.desk, self.left, user).await?.is_some_and(|person| person.active))
    }

    /// Recorded, made, recorded. Whether it was made: `false` if the row was another by then.
    async fn made(&self, step: &Step) -> Result<bool, Fault> {
        let (desk, left) = (self.desk, self.left);
        let action = ActionId::new(desk.now(), desk.random()?);
        let record =
            |phase, reason| Ok::<_, Fault>(step::record(left, step, action, phase, reason, self.moment()?));
        desk.attempt(action, record(Phase::Attempt, "allowed")?).await?;
        let (reason, made) = match desk.write(&step.swaps).await {
            Ok(()) => ("completed", Ok(true)),
            Err(GateFault::Condition(_)) => ("conflict", Ok(false)),
            Err(GateFault::NotWritten) => ("failed", Err("tables_unavailable")),
            Err(GateFault::Unknown) => ("not_confirmed", Err("tables_unavailable")),
        };
        // What is done is done: the attempt is recorded, and shows as unpaired without this.
        if desk.record(record(Phase::Outcome, reason)?).await.is_err() {
            tracing::error!(action_id = %action, "offboarding.outcome_not_recorded");
        }
        made
    }
}

/// What a row is of.
#[derive(Debug, Clone, Copy)]
enum Held<'a> {
    Key,
    /// An agent of this tenant.
    Agent(&'a TenantId),
    /// A token of this connection's directory.
    Token(&'a ConnectionId),
}

/// What a look at a row came to.
enum Looked {
    Nothing,
    Unreadable,
    Step(Box<Step>),
}

#[cfg(test)]
mod tests;
