//! The question that is asked of `task_timeline` in SQL, with its pages, or for people to read. No other code builds this SQL.
//!
//! One table holds the rows of all tenants, so whoever writes the SQL decides whose rows come back. The tenant is
//! therefore an argument of its own, which a caller takes from an authority and never from the question, and a question
//! has no field for it.
//!
//! Only values of types whose text forms are closed enter the text: ids, words of the catalogue, times and numbers. They
//! enter as literals, because what runs SQL locally ignores the parameters of an execution, and what is not tested there
//! is not tested.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use domain::{
    ActionId, Actor, AgentId, AuditRecord, Code, DataClass, Decided, EventType, OrgId, Region, TenantId,
    Timestamp,
};

use crate::row::columns;

/// The most rows of one page.
pub const MAX_ROWS: u16 = 1_000;

/// Whose rows are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Log {
    /// All of a tenant's own log.
    Tenant(TenantId),
    /// What the platform's log holds of one organization: what was done to it, and not to a tenant. The log is one for all
    /// organizations, so the organization is a condition beside the partition.
    Org(OrgId),
}

/// What is asked of one tenant's timeline. Rows come newest first; of one time, the last that was logged first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    pub agent: Option<AgentId>,
    /// Both ends belong to it, as in SQL's `BETWEEN`.
    pub from: Timestamp,
    pub to: Timestamp,
    /// Any of these, or all when there is none.
    pub event_types: Vec<EventType>,
    pub decision: Option<Decided>,
    pub actor: Option<Actor>,
    pub action: Option<ActionId>,
    /// What was attempted, by its name.
    pub attempted: Option<Code>,
    /// Rows of a page: 1 to [`MAX_ROWS`].
    pub limit: u16,
    /// Where the page before ended.
    pub after: Option<Cursor>,
}

/// A row's place in a timeline. Its text means nothing to whoever is given it, and gives no right to anything: it is a
/// place in whichever tenant's timeline the next question is asked of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    at: Timestamp,
    seq: u64,
}

/// A text that no page ended with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor: use the one that came with the page before, unchanged")]
pub struct NotACursor;

/// Why there is no SQL for a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("the limit must lie between 1 and {MAX_ROWS}")]
    Limit,
    #[error("the end of the time lies before its beginning")]
    Backwards,
    #[error("the cursor lies outside the time that is asked about: it belongs to another question")]
    Cursor,
    #[error("a value holds a character that no value of its kind has")]
    Character,
}

/// The Glue database of a region.
pub fn database(region: Region) -> String {
    format!("ds_agents_{region}")
}

/// The SQL of one page, for Athena. It asks for one row more than the page has: whether that one comes tells whether
/// there is a further page, see [`Question::next`].
///
/// `DISTINCT`, because while a day's files are merged a row lies in two of them, in the same bytes.
///
/// # Errors
/// A question that cannot be asked.
pub fn sql(region: Region, tenant: &TenantId, question: &Question) -> Result<String, Refused> {
    let columns: Vec<_> = columns().collect();
    select(region, &Log::Tenant(tenant.clone()), &columns, question, 1)
}

/// What whoever reads a trail wants first, in this order; the rest of what they are shown follows.
const FIRST: [&str; 13] = [
    "event_type",
    "actor_type",
    "actor_id",
    "description",
    "metadata",
    "created_at",
    "decision",
    "reason",
    "authority",
    "action",
    "action_id",
    "agent_id",
    "resource",
];

/// The columns of a report. What is sealed, and what shows something to a program alone (digests, the version, the
/// producer's part), is not among them; a record's place in the log is.
pub fn report_columns() -> Vec<&'static str> {
    let shown = |class| !matches!(class, DataClass::Personal | DataClass::Commitment);
    let of_record = AuditRecord::FIELDS.iter().filter(|(_, class)| shown(*class)).map(|(name, _)| *name);
    let more = of_record.filter(|name| !["v", "tenant_id"].contains(name) && !FIRST.contains(name));
    FIRST.into_iter().chain(more).chain(["seq"]).collect()
}

/// The SQL of a report, for Athena: the newest rows, as many as the limit says.
///
/// # Errors
/// As [`sql`].
pub fn report(region: Region, log: &Log, question: &Question) -> Result<String, Refused> {
    select(region, log, &report_columns(), question, 0)
}

fn select(
    region: Region,
    log: &Log,
    columns: &[&str],
    question: &Question,
    beyond: u32,
) -> Result<String, Refused> {
    if !(1..=MAX_ROWS).contains(&question.limit) {
        return Err(Refused::Limit);
    }
    let conditions = conditions(log, question)?.join("\n  AND ");
    let columns = columns.join(", ");
    let (database, rows) = (database(region), u32::from(question.limit) + beyond);
    Ok(format!(
        "SELECT DISTINCT {columns}\nFROM {database}.task_timeline\nWHERE {conditions}\n\
         ORDER BY created_at DESC, seq DESC\nLIMIT {rows}"
    ))
}

/// The partition first, and in the platform's the organization: nothing that a question holds stands beside them with OR.
fn of(log: &Log) -> Result<Vec<String>, Refused> {
    match log {
        Log::Tenant(tenant) => Ok(vec![equal("tenant_id", tenant)?]),
        Log::Org(org) => Ok(vec![equal("tenant_id", &TenantId::platform())?, equal("org_id", org)?]),
    }
}

fn conditions(log: &Log, question: &Question) -> Result<Vec<String>, Refused> {
    let Question { agent, from, to, event_types, decision, actor, action, attempted, limit: _, after } =
        question;
    if from > to {
        return Err(Refused::Backwards);
    }
    if after.is_some_and(|cursor| cursor.at < *from || cursor.at > *to) {
        return Err(Refused::Cursor);
    }
    // No day after the cursor's has a row of this page: each page looks into fewer partitions.
    let last = after.map_or(*to, |cursor| cursor.at);
    let mut all = of(log)?;
    all.extend([
        format!("dt BETWEEN {} AND {}", quoted(&from.date())?, quoted(&last.date())?),
        format!("created_at BETWEEN {} AND {}", time(*from)?, time(*to)?),
    ]);
    all.extend(agent.as_ref().map(|agent| equal("agent_id", agent)).transpose()?);
    all.extend(any_of(event_types)?);
    all.extend(decision.map(|decision| equal("decision", &decision)).transpose()?);
    all.extend(actor.as_ref().map(|actor| equal("actor_id", actor)).transpose()?);
    all.extend(action.map(|action| equal("action_id", &action)).transpose()?);
    all.extend(attempted.as_ref().map(|name| equal("action", name)).transpose()?);
    all.extend(after.map(behind).transpose()?);
    Ok(all)
}

fn equal(column: &str, value: &impl fmt::Display) -> Result<String, Refused> {
    Ok(format!("{column} = {}", quoted(&value.to_string())?))
}

fn any_of(event_types: &[EventType]) -> Result<Option<String>, Refused> {
    let each: BTreeSet<_> = event_types.iter().collect();
    let quoted: Vec<_> = each.into_iter().map(|one| quoted(one.as_str())).collect::<Result<_, _>>()?;
    Ok((!quoted.is_empty()).then(|| format!("event_type IN ({})", quoted.join(", "))))
}

/// Rows behind the cursor. Two rows of one time differ in their number, so none is left out and none comes twice.
fn behind(cursor: Cursor) -> Result<String, Refused> {
    let (at, seq) = (time(cursor.at)?, cursor.seq);
    Ok(format!("(created_at < {at} OR (created_at = {at} AND seq < {seq}))"))
}

fn time(at: Timestamp) -> Result<String, Refused> {
    Ok(format!("timestamp {}", quoted(&at.sql())?))
}

/// Every text in the SQL passes here. No type above has such a character in its text form; this is for the day on which
/// one is given another.
fn quoted(text: &str) -> Result<String, Refused> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.:- ".contains(&byte);
    if text.bytes().all(plain) { Ok(format!("'{text}'")) } else { Err(Refused::Character) }
}

impl Question {
    /// Where the next page begins, given `created_at` and `seq` of every row that came, in their order and as Athena writes
    /// them. `None` when this page is the last. Of the rows that came, only the first `limit` are the page's.
    ///
    /// # Errors
    /// Texts that no row of the timeline has.
    pub fn next(&self, rows: &[(&str, &str)]) -> Result<Option<Cursor>, NotACursor> {
        let limit = usize::from(self.limit);
        let last = rows.get(..limit).and_then(<[_]>::last).filter(|_| rows.len() > limit);
        last.map(|(created_at, seq)| Cursor::of_row(created_at, seq)).transpose()
    }
}

impl Cursor {
    fn of_row(created_at: &str, seq: &str) -> Result<Self, NotACursor> {
        let at = read_time(created_at).ok_or(NotACursor)?;
        Ok(Self { at, seq: read_seq(seq).ok_or(NotACursor)? })
    }
}

/// A `timestamp` as SQL writes it: the fraction may be short, or have zeros behind the milliseconds.
pub fn read_time(text: &str) -> Option<Timestamp> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let fraction = format!("{fraction:0<3}");
    let (millis, finer) = fraction.split_at_checked(3)?;
    let exact = finer.bytes().all(|byte| byte == b'0');
    format!("{}.{millis}Z", whole.replacen(' ', "T", 1)).parse().ok().filter(|_| exact)
}

/// A number as `Display` writes it, within Athena's `bigint`.
fn read_seq(text: &str) -> Option<u64> {
    let seq: u64 = text.parse().ok()?;
    let one_form = seq.to_string() == text && i64::try_from(seq).is_ok();
    one_form.then_some(seq)
}

impl fmt::Display for Cursor {
    /// `1795430530120.17`: milliseconds since 1970, and the number in the tenant's log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.at.unix_millis(), self.seq)
    }
}

impl FromStr for Cursor {
    type Err = NotACursor;

    fn from_str(text: &str) -> Result<Self, NotACursor> {
        let (millis, seq) = text.split_once('.').ok_or(NotACursor)?;
        let millis = read_seq(millis).and_then(|millis| i64::try_from(millis).ok()).ok_or(NotACursor)?;
        let at = Timestamp::from_unix_millis(millis).map_err(|_| NotACursor)?;
        Ok(Self { at, seq: read_seq(seq).ok_or(NotACursor)? })
    }
}

#[cfg(test)]
mod tests;
