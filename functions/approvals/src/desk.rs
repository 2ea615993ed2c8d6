//! The joints: tables, log, clock and chance on one side, and whatever is asked or told outside on the other. Production: AWS and
//! HTTP. Tests: in memory, with faults.

use std::collections::HashMap;
use std::future::Future;
use std::time::Duration;

use aws::{ApprovalsSender, AuditSender, Dynamo, KmsWrapper};
use bytes::Bytes;
use domain::{ActionId, ApprovalMessage as Message, AuditRecord, Region, Timestamp};
use egress::{Ask, Client, Headers, Reach, Target, Verb};
use envelope::KeyWrapper;
use serde_json::{Value, json};
use tables::gates::Write;
use tables::{GateFault, Item, Key, Listed, Table};

use crate::mail::Mail;
use crate::token::Token;

/// Items by key.
pub type Rows = HashMap<Key, Item>;

/// Something that is needed did not answer. Whoever needs it refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a service did not answer")]
pub struct Away;

/// Tables, log, clock and chance. Reads are strongly consistent, writes all or none.
pub trait Desk: Sync {
    type Wrapper: KeyWrapper + Sync;

    fn region(&self) -> Region;

    fn now(&self) -> Timestamp;

    /// # Errors
    /// The operating system has none.
    fn random(&self) -> Result<[u8; 32], Away>;

    /// Roots of tenants, kept for a while.
    fn roots(&self) -> &envelope::Roots<Self::Wrapper>;

    /// Before a try that follows a lost race.
    fn pause(&self, round: u32) -> impl Future<Output = ()> + Send;

    fn rows(&self, keys: &[Key]) -> impl Future<Output = Result<Rows, Away>> + Send;

    /// A page of a partition: rows whose sort keys begin with `prefix`, behind `after`.
    fn page(
        &self,
        table: Table,
        pk: &str,
        prefix: &str,
        after: Option<&str>,
    ) -> impl Future<Output = Result<Listed, Away>> + Send;

    fn write(&self, writes: Vec<Write>) -> impl Future<Output = Result<(), GateFault>> + Send;

    /// Records what is about to be done. Without it nothing is.
    fn attempt(&self, action: ActionId, record: AuditRecord)
    -> impl Future<Output = Result<(), Away>> + Send;

    fn record(&self, records: &[AuditRecord]) -> impl Future<Output = Result<(), Away>> + Send;
}

/// An answer of a service of ours: its status, its JSON, and a session's next token.
#[derive(Debug, Clone, Default)]
pub struct Told {
    pub status: u16,
    pub body: Value,
    pub renewed: Option<Token>,
}

/// What is asked or told outside.
pub trait Outside: Sync {
    /// Whose session a token is, by the one function that judges sessions.
    fn session(&self, token: &Token) -> impl Future<Output = Result<Told, Away>> + Send;

    /// A session for a code that was handed over.
    fn redeem(&self, code: &str, verifier: &Token) -> impl Future<Output = Result<Told, Away>> + Send;

    /// Ends a session for good.
    fn end(&self, token: &Token) -> impl Future<Output = Result<Told, Away>> + Send;

    /// Tells of a step, by the queue.
    fn tell(&self, message: &Message) -> impl Future<Output = Result<(), Away>> + Send;

    /// A mail without a word of what is asked.
    fn mail(&self, to: &str, subject: &str, text: &str) -> impl Future<Output = Result<(), Away>> + Send;

    /// JSON to an address that a tenant configured: whether it was taken.
    fn post(
        &self,
        url: &str,
        headers: Vec<(&'static str, String)>,
        body: String,
    ) -> impl Future<Output = Result<(), Away>> + Send;
}

/// Rows of one page.
const PAGE: u16 = 100;

/// The tables and the log of this region.
#[derive(Debug)]
pub struct Live {
    pub region: Region,
    pub dynamo: Dynamo,
    pub audit: AuditSender,
    pub roots: envelope::Roots<KmsWrapper>,
}

impl Desk for Live {
    type Wrapper = KmsWrapper;

    fn region(&self) -> Region {
        self.region
    }

    fn now(&self) -> Timestamp {
        aws::now()
    }

    fn random(&self) -> Result<[u8; 32], Away> {
        aws::random().map_err(|_| Away)
    }

    fn roots(&self) -> &envelope::Roots<KmsWrapper> {
        &self.roots
    }

    async fn pause(&self, round: u32) {
        tables::GateStore::pause(&self.dynamo, round).await;
    }

    async fn rows(&self, keys: &[Key]) -> Result<Rows, Away> {
        self.dynamo.batch_get(keys).await.map_err(|_| Away)
    }

    async fn page(&self, table: Table, pk: &str, prefix: &str, after: Option<&str>) -> Result<Listed, Away> {
        self.dynamo.page(table, pk, prefix, after, PAGE).await.map_err(|_| Away)
    }

    async fn write(&self, writes: Vec<Write>) -> Result<(), GateFault> {
        self.dynamo.write_all(writes).await
    }

    async fn attempt(&self, action: ActionId, record: AuditRecord) -> Result<(), Away> {
        self.audit.attempt(action, &[record]).await.map(|_| ()).map_err(|_| Away)
    }

    async fn record(&self, records: &[AuditRecord]) -> Result<(), Away> {
        self.audit.record(records).await.map_err(|_| Away)
    }
}

/// For so long `admin` may think, and an address of a tenant's.
const ADMIN_LIMIT: Duration = Duration::from_secs(10);
const POST_LIMIT: Duration = Duration::from_secs(10);

/// The network.
#[derive(Debug)]
pub struct World {
    pub client: Client,
    pub reach: Reach,
    pub admin: Target,
    pub queue: ApprovalsSender,
    pub mail: Option<Mail>,
}

impl World {
    async fn admin(
        &self,
        verb: Verb,
        path: &str,
        bearer: Option<&str>,
        body: Option<Value>,
    ) -> Result<Told, Away> {
        let headers = match bearer {
            Some(token) => Headers::bearer(token).map_err(|_| Away)?,
            None => Headers::default(),
        };
        let body = body.map(|body| Bytes::from(body.to_string()));
        let ask = Ask { verb, path, query: &[], headers, body };
        let reply = self.client.send_json(&self.admin, ask, ADMIN_LIMIT).await.map_err(|error| {
            tracing::error!(%error, path, "admin.failed");
            Away
        })?;
        let renewed = reply.header("x-cs-session").map(Token::new);
        let body = serde_json::from_slice(&reply.body).unwrap_or_default();
        Ok(Told { status: reply.status, body, renewed })
    }
}

impl Outside for World {
    async fn session(&self, token: &Token) -> Result<Told, Away> {
        self.admin(Verb::Get, "v1/session", Some(token.expose()), None).await
    }

    async fn redeem(&self, code: &str, verifier: &Token) -> Result<Told, Away> {
        let body = json!({"code": code, "verifier": verifier.expose()});
        self.admin(Verb::Post, "v1/handoff/redeem", None, Some(body)).await
    }

    async fn end(&self, token: &Token) -> Result<Told, Away> {
        self.admin(Verb::Delete, "v1/session", Some(token.expose()), None).await
    }

    async fn tell(&self, message: &Message) -> Result<(), Away> {
        self.queue.told(message).await.map_err(|_| Away)
    }

    async fn mail(&self, to: &str, subject: &str, text: &str) -> Result<(), Away> {
        self.mail.as_ref().ok_or(Away)?.send(to, subject, text).await
    }

    async fn post(&self, url: &str, headers: Vec<(&'static str, String)>, body: String) -> Result<(), Away> {
        let target = Target::parse(url, self.reach).map_err(|error| {
            tracing::error!(%error, "address.refused");
            Away
        })?;
        let add = |all: Headers, (name, value): (&str, String)| all.with(name, &value);
        let headers = headers.into_iter().try_fold(Headers::default(), add).map_err(|_| Away)?;
        let sent = self.client.post_json(&target, "", headers, Bytes::from(body), POST_LIMIT).await;
        match sent {
            Ok(answer) if (200..300).contains(&answer.status) => Ok(()),
            Ok(answer) => {
                tracing::warn!(status = answer.status, host = target.host(), "address.not_taken");
                Err(Away)
            }
            Err(error) => {
                tracing::warn!(%error, host = target.host(), "address.failed");
                Err(Away)
            }
        }
    }
}
