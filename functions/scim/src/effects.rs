//! The effects, in their one order: read who pushes; read the facts; record; write; tell `lifecycle`; record; respond.

use domain::{
    ActionId, Code, Decided, DirectoryGroupRow, DirectoryUserRow, GroupId, MetaValue, Metadata, Phase,
    Region, ScimAccessRow, ScimToken, ScimTokenRow, Timestamp, UserId,
};
use tables::codec::Row as _;
use tables::directory::{group, user};
use tables::gates::Write;
use tables::{GateFault, Item, Key};

use crate::Rows;
use crate::decide::{Stop, groups, users};
use crate::desk::Desk;
use crate::directory::{self, Directory, Known, Unknown};
use crate::error::ScimError;
use crate::records::{Entry, Scribe};
use crate::sealer::{Keys, Sealer};

/// What effects need.
pub struct Effects<D: Desk> {
    pub desk: D,
    pub sealer: Sealer<D::Wrapper>,
    pub region: Region,
}

impl<D: Desk> std::fmt::Debug for Effects<D> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Effects").field("region", &self.region).finish_non_exhaustive()
    }
}

/// For so long a request goes on with pieces: the function lives for 30 seconds at least.
pub const GOES_ON_MS: u64 = 20_000;
/// The most keys of one read.
const READ_MAX: usize = 100;
/// How often something is decided anew because a row changed meanwhile. Contention of a directory with itself, mostly.
pub const TRIES: u32 = 8;

/// What becomes of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Committed {
    Yes,
    /// Not, or perhaps: what is read next says.
    Again,
}

/// A directory that is known, with what it takes to read and write documents.
#[derive(Debug)]
pub struct Session<'a> {
    pub directory: &'a Directory,
    pub keys: Keys,
    pub base: &'a str,
    pub now: Timestamp,
    /// Until when it goes on with pieces.
    pub until: Timestamp,
}

/// For now it does not work: the client tries again.
pub fn unavailable() -> ScimError {
    ScimError::plain(503, "the service cannot answer in full just now: try again in a moment")
}

/// What a stop is to a client.
pub fn told(stop: Stop) -> ScimError {
    match stop {
        Stop::Refused(error) => error,
        Stop::Unread => unavailable(),
    }
}

/// Who a token is of, if anybody.
pub type Presented = (Known, ScimTokenRow, Option<ScimAccessRow>, Rows);

impl<D: Desk> Effects<D> {
    /// Rows by their keys, as many as it takes.
    ///
    /// # Errors
    /// The tables did not answer in full.
    pub async fn read(&self, mut keys: Vec<Key>) -> Result<Rows, ScimError> {
        keys.sort();
        keys.dedup();
        let mut rows = Rows::new();
        for some in keys.chunks(READ_MAX) {
            rows.extend(Box::pin(self.desk.batch_get(some)).await.map_err(|_| unavailable())?);
        }
        Ok(rows)
    }

    /// Who presents a token.
    ///
    /// # Errors
    /// Nobody that is known.
    pub async fn present(&self, token: &ScimToken) -> Result<Presented, Unknown> {
        let mut rows = self.desk.batch_get(&directory::keys(token)).await.map_err(|_| Unknown::Unread)?;
        let given = directory::via(token, &rows)?;
        let place =
            Key::scim_token(token.connection(), given.as_ref().map_or(token.id(), |given| &given.via));
        if given.is_some() {
            let item = self.desk.get(&place).await.map_err(|_| Unknown::Unread)?;
            rows.extend(item.map(|item| (place.clone(), item)));
        }
        let (known, row) = directory::known(token, self.region, given.as_ref(), rows.get(&place))?;
        let org = Key::org(&known.org);
        let item = self.desk.get(&org).await.map_err(|_| Unknown::Unread)?;
        rows.extend(item.map(|item| (org, item)));
        Ok((known, row, given, rows))
    }

    /// All writes or none.
    ///
    /// # Errors
    /// The tables do not take them.
    pub async fn commit(&self, writes: Vec<Write>, round: u32) -> Result<Committed, ScimError> {
        if writes.is_empty() {
            return Ok(Committed::Yes);
        }
        match self.desk.write_all(writes).await {
            Ok(()) => Ok(Committed::Yes),
            Err(_) if round + 1 >= TRIES => Err(unavailable()),
            Err(GateFault::Condition(_) | GateFault::NotWritten | GateFault::Unknown) => {
                self.desk.pause(round).await;
                Ok(Committed::Again)
            }
        }
    }

    /// Whether there is time for another piece. What was done stays done: the same request finds less to do.
    ///
    /// # Errors
    /// There is none.
    pub fn in_time(&self, session: &Session<'_>) -> Result<(), ScimError> {
        if self.desk.now() < session.until {
            return Ok(());
        }
        let detail = "this takes longer than one request: the first are done, send the same again";
        Err(ScimError::plain(503, detail))
    }

    /// Writes down what is about to happen. Without that it does not.
    ///
    /// # Errors
    /// It could not be recorded.
    pub async fn attempt(&self, scribe: &Scribe, resource: &str) -> Result<(), ScimError> {
        let entry = Entry {
            at: self.desk.now(),
            random: random()?,
            phase: Phase::Attempt,
            decision: Decided::Allow,
            reason: match scribe.known.token {
                Some(_) => Code::literal("scim.token"),
                None => Code::literal("directory.pull"),
            },
            resource: Some(resource.to_owned()),
            metadata: Metadata::default(),
        };
        let record = scribe.record(entry);
        self.desk.attempt(scribe.action_id, record).await.map_err(|_| unavailable())
    }

    /// Writes down what became of it.
    pub async fn outcome(&self, scribe: &Scribe, resource: &str, ended: Result<Metadata, &ScimError>) {
        let (reason, metadata) = match ended {
            Ok(metadata) => (Code::literal("done"), metadata),
            Err(error) => (reason(error), Metadata::default()),
        };
        let status = Code::literal(if reason.as_str() == "done" { "done" } else { "failed" });
        let Ok(random) = random() else { return };
        let record = scribe.record(Entry {
            at: self.desk.now(),
            random,
            phase: Phase::Outcome,
            decision: Decided::Allow,
            reason,
            resource: Some(resource.to_owned()),
            metadata: metadata.with("outcome", MetaValue::Code(status)),
        });
        if self.desk.record(record).await.is_err() {
            tracing::error!(action_id = %scribe.action_id, "scim.outcome_not_recorded");
        }
    }

    /// Writes down that a known directory was refused.
    pub async fn refused(&self, scribe: &Scribe, reason: Code) {
        let Ok(random) = random() else { return };
        if self.desk.record(scribe.refusal(reason, self.desk.now(), random)).await.is_err() {
            tracing::error!(action_id = %scribe.action_id, "scim.refusal_not_recorded");
        }
    }

    /// Somebody, opened.
    ///
    /// # Errors
    /// The row or its document does not read.
    pub async fn opened_user(&self, session: &Session<'_>, item: Item) -> Result<users::Kept, ScimError> {
        let row = DirectoryUserRow::from_item(&item).map_err(|_| unavailable())?;
        let place = user(&session.directory.connection, &row.id);
        let document = self.sealer.open(&session.keys, &place, &row.document, session.now).await;
        Ok(users::Kept { document: document.map_err(|_| unavailable())?, row, item })
    }

    /// # Errors
    /// There is none, or it does not read.
    pub async fn user(&self, session: &Session<'_>, id: &str) -> Result<users::Kept, ScimError> {
        let id: UserId = id.parse().map_err(|_| ScimError::not_found())?;
        let place = user(&session.directory.connection, &id);
        let item = self.desk.get(&place).await.map_err(|_| unavailable())?;
        self.opened_user(session, item.ok_or_else(ScimError::not_found)?).await
    }

    /// # Errors
    /// The row or its document does not read.
    pub async fn opened_group(&self, session: &Session<'_>, item: Item) -> Result<groups::Kept, ScimError> {
        let row = DirectoryGroupRow::from_item(&item).map_err(|_| unavailable())?;
        let place = group(&session.directory.connection, &row.id);
        let document = self.sealer.open(&session.keys, &place, &row.document, session.now).await;
        Ok(groups::Kept { document: document.map_err(|_| unavailable())?, row, item })
    }

    /// # Errors
    /// There is none, or it does not read.
    pub async fn group(&self, session: &Session<'_>, id: &str) -> Result<groups::Kept, ScimError> {
        let id: GroupId = id.parse().map_err(|_| ScimError::not_found())?;
        let place = group(&session.directory.connection, &id);
        let item = self.desk.get(&place).await.map_err(|_| unavailable())?;
        self.opened_group(session, item.ok_or_else(ScimError::not_found)?).await
    }
}

/// Fresh random bytes for an id.
///
/// # Errors
/// The operating system has none.
pub fn random() -> Result<[u8; 10], ScimError> {
    aws::random().map_err(|_| unavailable())
}

/// A new id of an action.
///
/// # Errors
/// The operating system has no random bytes.
pub fn action(now: Timestamp) -> Result<ActionId, ScimError> {
    Ok(ActionId::new(now, random()?))
}

/// What a refusal is called in the log.
pub fn reason(error: &ScimError) -> Code {
    let code = match (error.scim_type, error.status) {
        (Some(kind), _) => format!("scim.{}", snake(kind.as_str())),
        (None, status) => format!("scim.status_{}", words(status)),
    };
    code.parse().unwrap_or_else(|_| Code::literal("scim.refused"))
}

/// Codes have no digits that could be somebody's.
const fn words(status: u16) -> &'static str {
    match status {
        401 => "unauthorized",
        403 => "forbidden",
        404 => "not_found",
        405 => "method",
        412 => "precondition",
        413 => "too_large",
        415 => "content_type",
        501 => "not_implemented",
        503 => "unavailable",
        _ => "other",
    }
}

fn snake(camel: &str) -> String {
    let letter = |c: char| match c.is_ascii_uppercase() {
        true => format!("_{}", c.to_ascii_lowercase()),
        false => c.to_string(),
    };
    camel.chars().map(letter).collect()
}
