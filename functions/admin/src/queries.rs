//! Questions to the log on their way: how one is started once, and what its answer looks like. What runs the SQL is a joint, so
//! that every ending can be tested.

use std::future::Future;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::{Opaque, QueryId, QueryRow, Timestamp, UserId};
use ledger::timeline;
use serde_json::{Value, json};
use tables::codec::Row as _;
use tables::{Key, Swap};

use crate::refusal::Why;

/// How long an answer can be read: 24 hours.
pub const KEPT_MS: u64 = 24 * 3_600_000;
/// The longest place in results (Athena API reference, `GetQueryResults`).
const TOKEN_CHARS: usize = 1_024;

/// A question that is to be run, and kept with what it runs as.
#[derive(Clone, PartialEq)]
pub struct NewQuery {
    pub key: Key,
    pub id: QueryId,
    pub by: UserId,
    pub own: bool,
    /// The digest of what is asked.
    pub question: Opaque,
    pub sql: String,
    pub expires_at: Timestamp,
}

/// Says which values somebody looked for.
impl std::fmt::Debug for NewQuery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewQuery").field("id", &self.id).finish_non_exhaustive()
    }
}

impl NewQuery {
    /// The same question under the same id is one execution, however often it is started: 85 characters, of 32 to 128.
    pub fn token(&self) -> String {
        format!("{}-{}", self.id, self.question)
    }

    pub fn row(&self, execution: Opaque) -> Swap {
        let row = QueryRow {
            id: self.id.clone(),
            execution,
            question: self.question.clone(),
            by: self.by.clone(),
            own: self.own,
            expires_at: self.expires_at,
        };
        Swap::create(self.key.clone(), row.to_item()).expiring(self.expires_at)
    }

    /// Whether what stands under this id is this question, and can still be read.
    ///
    /// # Errors
    /// It is another question, or one of long ago.
    pub fn repeats(&self, there: &QueryRow, now: Timestamp) -> Result<(), Why> {
        let same = there.question == self.question && there.by == self.by && there.own == self.own;
        if same && now < there.expires_at { Ok(()) } else { Err(Why::AlreadyExists) }
    }
}

/// Why there is no answer of what runs the SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueryFault {
    /// It knows no such execution, or no such place in its results.
    Refused,
    /// Too much is asked, or it does not answer.
    Unavailable,
}

/// Where an execution stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Running,
    Done { scanned_bytes: u64 },
    Failed,
}

/// Some rows, as texts; the first of all are the names of the columns.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Page {
    pub rows: Vec<Vec<Option<String>>>,
    /// Where the next page begins.
    pub next: Option<String>,
}

/// What runs SQL over the log.
pub trait Queries {
    /// Starts it, and says as what it runs. The same token is the same execution.
    fn start(&self, sql: &str, token: &str) -> impl Future<Output = Result<Opaque, QueryFault>> + Send;

    fn state(&self, execution: &Opaque) -> impl Future<Output = Result<State, QueryFault>> + Send;

    fn page(
        &self,
        execution: &Opaque,
        token: Option<&str>,
    ) -> impl Future<Output = Result<Page, QueryFault>> + Send;
}

/// Starts a question.
///
/// # Errors
/// It runs nowhere.
pub async fn started(queries: &impl Queries, query: &NewQuery) -> Result<Opaque, Why> {
    queries.start(&query.sql, &query.token()).await.map_err(|_| Why::QueryUnavailable)
}

/// What can be said of a question now. An execution that is not known any more has failed.
///
/// # Errors
/// The cursor is of another question, or there is no answer.
pub async fn answer(queries: &impl Queries, row: &QueryRow, after: Option<&str>) -> Result<Value, Why> {
    let token = after.map(|after| token(&row.id, after).ok_or(Why::NotFound)).transpose()?;
    match queries.state(&row.execution).await {
        Ok(State::Running) => Ok(body(row, "running", 0, Vec::new(), None)),
        Ok(State::Done { scanned_bytes }) => done(queries, row, scanned_bytes, token.as_deref()).await,
        Ok(State::Failed) | Err(QueryFault::Refused) => Ok(failed(row)),
        Err(QueryFault::Unavailable) => Err(Why::QueryUnavailable),
    }
}

async fn done(
    queries: &impl Queries,
    row: &QueryRow,
    scanned_bytes: u64,
    token: Option<&str>,
) -> Result<Value, Why> {
    match queries.page(&row.execution, token).await {
        Ok(page) => Ok(paged(row, scanned_bytes, page).unwrap_or_else(|| failed(row))),
        Err(QueryFault::Refused) if token.is_some() => Err(Why::NotFound),
        Err(QueryFault::Refused) => Ok(failed(row)),
        Err(QueryFault::Unavailable) => Err(Why::QueryUnavailable),
    }
}

/// `None`: the rows are not those of a report.
fn paged(row: &QueryRow, scanned_bytes: u64, page: Page) -> Option<Value> {
    let columns = timeline::report_columns();
    let fits = page.rows.iter().all(|cells| cells.len() == columns.len());
    let names =
        |cells: &[Option<String>]| cells.iter().map(Option::as_deref).eq(columns.iter().copied().map(Some));
    let rows = page.rows.into_iter().filter(|cells| !names(cells));
    let rows = rows.map(|cells| shown(&columns, cells)).collect();
    let next = page.next.map(|token| cursor(&row.id, &token));
    fits.then(|| body(row, "done", scanned_bytes, rows, next))
}

/// Times as the API has them everywhere; what does not read as one stays as it is.
fn shown(columns: &[&str], cells: Vec<Option<String>>) -> Vec<Option<String>> {
    let cell = |(name, text): (&&str, Option<String>)| match (*name, text) {
        ("created_at", Some(text)) => Some(timeline::read_time(&text).map_or(text, |at| at.to_string())),
        (_, text) => text,
    };
    columns.iter().zip(cells).map(cell).collect()
}

/// A cursor names its question; what follows is a place in that one's results, in characters that need no care in a URL.
fn cursor(id: &QueryId, token: &str) -> String {
    format!("{id}.{}", URL_SAFE_NO_PAD.encode(token))
}

fn token(id: &QueryId, after: &str) -> Option<String> {
    let coded = after.strip_prefix(id.as_str())?.strip_prefix('.')?;
    let token = String::from_utf8(URL_SAFE_NO_PAD.decode(coded).ok()?).ok()?;
    (1..=TOKEN_CHARS).contains(&token.len()).then_some(token)
}

/// What runs the SQL says why in its own words, which may quote the question: ours are one code.
fn failed(row: &QueryRow) -> Value {
    let mut told = body(row, "failed", 0, Vec::new(), None);
    if let Value::Object(fields) = &mut told {
        fields.insert("reason".to_owned(), json!("query_failed"));
    }
    told
}

fn body(
    row: &QueryRow,
    state: &str,
    scanned_bytes: u64,
    rows: Vec<Vec<Option<String>>>,
    next: Option<String>,
) -> Value {
    json!({
        "query": row.id, "state": state, "columns": timeline::report_columns(), "rows": rows,
        "scanned_bytes": scanned_bytes, "next": next,
    })
}

#[cfg(test)]
mod tests;
