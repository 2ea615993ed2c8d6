//! The effects, in their one order: read the facts; record; keep or open what tokens stand for; record; respond.

use std::time::Duration;

use aws::{AuditSender, Dynamo, KmsWrapper, NotRecorded, Recorded};
use caller::person::{self, Whose};
use caller::{Address, Addresses, Documents, Keys, LoadFault, NoPerson, Person, RateFault};
use domain::{AuditRecord, GatewayKey, Metadata, Phase, PolicyRow, Reason, Region, RootRow, Timestamp};
use envelope::Purpose;
use policy::{Approach, Permit};
use serde_json::Value;
use tables::Key;
use tables::gates::{NotTaken, take};

use crate::decide::{Decision, Facts};
use crate::kept::Cleared;
use crate::plan::{self, Asked, Keeping, Plan, Work};
use crate::records::{Known, Told, Writer};
use crate::response::{self, Refused, Response};
use crate::tokens;

/// What effects need: clients, and the addresses seen so far.
#[derive(Debug)]
pub struct Effects {
    pub dynamo: Dynamo,
    pub audit: AuditSender,
    pub roots: envelope::Roots<KmsWrapper>,
    pub addresses: Addresses,
}

/// Roots that the effects use, as they were read with the facts.
#[derive(Debug, Default)]
pub struct Roots {
    pub audit: Option<RootRow>,
    pub token: Option<RootRow>,
}

/// What is read of a tenant beside its standing.
fn more(address: &Address) -> Vec<Key> {
    let tenant = address.tenant();
    let mut keys = vec![Key::policy(tenant), Key::root(tenant, Purpose::Token.as_str())];
    keys.extend(Documents::keys(address));
    keys
}

/// What belongs to a call from its plan on.
struct Call {
    permit: Permit,
    writer: Writer,
    known: Known,
    metadata: Metadata,
}

impl Effects {
    /// Reads everything that a decision about this key needs.
    ///
    /// # Errors
    /// See [`LoadFault`].
    pub async fn load(&self, key: &GatewayKey, now: Timestamp) -> Result<(Facts, Roots), LoadFault> {
        let loaded = caller::load(&self.dynamo, &self.addresses, more, key).await?;
        let tenant = &loaded.caller.row().tenant;
        let (audit, pseudonym) = (loaded.root(Purpose::Audit), loaded.root(Purpose::Pseudonym));
        let keys = Keys::open(&self.roots, tenant, audit.clone(), pseudonym, now).await;
        let roots = Roots { audit, token: loaded.root(Purpose::Token) };
        let facts = Facts {
            policy: loaded.find::<PolicyRow>(&Key::policy(tenant)),
            dlp: Documents::of(&loaded),
            keys,
            person: None,
            standing: loaded.standing,
            caller: loaded.caller,
        };
        Ok((facts, roots))
    }

    /// The key of the person whom the call is said to be for: one more read, for such calls alone. Without the tenant's
    /// keys there is none, and the call is refused for their lack.
    pub async fn person(
        &self,
        facts: &Facts,
        roots: &Roots,
        approach: &Approach,
        who: &str,
        region: Region,
        now: Timestamp,
    ) -> Option<Result<Person, NoPerson>> {
        // A key is made for callers who may act, and for nobody else.
        if !facts.caller.may_act(&facts.standing, approach, now) {
            return None;
        }
        let keys = facts.keys.as_ref().ok()?;
        let whose = Whose { tenant: &facts.caller.row().tenant, region, audit: roots.audit.as_ref()? };
        Some(person::named(&self.dynamo, &self.roots, &whose, keys, who, now).await)
    }

    /// Carries out a decision.
    pub async fn perform(&self, decision: Decision, roots: &Roots) -> Response {
        match decision {
            Decision::Refuse { action_id, refused, record } => {
                self.refuse(*record, refused).await.with_action(action_id)
            }
            Decision::Allow(plan) => {
                let Plan { permit, writer, known, metadata, work } = *plan;
                let action = writer.action_id;
                let mut call = Call { permit, writer, known, metadata };
                if let Err(refused) = self.requests(&call).await {
                    let record = call.writer.refusal(aws::now(), &refused, &call.known);
                    return self.refuse(record, refused).await.with_action(action);
                }
                let done = match work {
                    Work::Tell(answer) => self.tell(&mut call, &answer).await,
                    Work::Keep { answer, keeping } => self.keep(&mut call, &answer, keeping, roots).await,
                    Work::Restore(asked) => self.restore(&mut call, asked, roots).await,
                };
                let response = done.unwrap_or_else(|refused| response::error(&refused));
                response.with_action(action)
            }
        }
    }

    /// Takes one request out of the key's minute.
    async fn requests(&self, call: &Call) -> Result<(), Refused> {
        let taken = caller::rate(&self.dynamo, &call.writer.scribe.row, aws::now());
        in_time(taken, RateFault::Unavailable).await.map_err(|fault| match fault {
            RateFault::Unavailable => fault.reason().into(),
            RateFault::Full { limit, retry_after } => {
                let hint = Some(format!("{limit} requests a minute"));
                Refused { hint, retry_after: Some(retry_after), ..fault.reason().into() }
            }
        })
    }

    /// Records a refusal, then says it. An unrecorded one is still one; the caller learns the graver fault.
    async fn refuse(&self, record: AuditRecord, refused: Refused) -> Response {
        let recorded = in_time(self.audit.record(&[record]), NotRecorded).await;
        let refused = if recorded.is_ok() { refused } else { Reason::AuditUnavailable.into() };
        response::error(&refused)
    }

    /// An answer that has no effect but itself: one record, acknowledged before it leaves.
    async fn tell(&self, call: &mut Call, answer: &Value) -> Result<Response, Refused> {
        let body = call.committed(answer);
        let told = Told { phase: Phase::Single, reason: Reason::Completed, metadata: call.metadata.clone() };
        let record = call.writer.record(aws::now(), told, &call.known);
        let recorded = in_time(self.audit.attempt(call.writer.action_id, &[record]), NotRecorded).await;
        let recorded = recorded.map_err(|NotRecorded| Reason::AuditUnavailable)?;
        Cleared::new(&call.permit, &recorded).ok_or(Reason::FactsUnavailable)?;
        Ok(Response::answer(200, body))
    }

    /// Keeps what an answer's tokens stand for. Nothing of it leaves before every row is written.
    async fn keep(
        &self,
        call: &mut Call,
        answer: &Value,
        keeping: Keeping,
        roots: &Roots,
    ) -> Result<Response, Refused> {
        let kept = match self.attempt(call).await {
            Err(NotRecorded) => Err(Reason::AuditUnavailable),
            Ok(recorded) => match Cleared::new(&call.permit, &recorded) {
                Some(cleared) => self.store(&cleared, &keeping, roots.token.as_ref()).await,
                None => Err(Reason::FactsUnavailable),
            },
        };
        let count = u64::try_from(keeping.tokens.len()).unwrap_or(u64::MAX);
        call.metadata = call.metadata.clone().count("tokens_kept", if kept.is_ok() { count } else { 0 });
        let body = call.committed(answer);
        self.close(call, kept.err()).await;
        kept.map(|()| Response::answer(200, body)).map_err(Refused::from)
    }

    async fn attempt(&self, call: &Call) -> Result<Recorded, NotRecorded> {
        let told = Told { phase: Phase::Attempt, reason: Reason::Allowed, metadata: call.metadata.clone() };
        let record = call.writer.record(aws::now(), told, &call.known);
        in_time(self.audit.attempt(call.writer.action_id, &[record]), NotRecorded).await
    }

    /// Puts tokens back: the rate is held while the attempt is recorded, and only then is anything read.
    async fn restore(&self, call: &mut Call, asked: Asked, roots: &Roots) -> Result<Response, Refused> {
        let began = aws::now();
        let (recorded, taken) = futures_util::join!(self.attempt(call), self.rate(call, &asked, began));
        let opened = match (recorded, taken) {
            (Err(NotRecorded), _) => Err(Reason::AuditUnavailable.into()),
            (_, Err(refused)) => Err(refused),
            (Ok(recorded), Ok(())) => match Cleared::new(&call.permit, &recorded) {
                Some(cleared) => self
                    .values(&cleared, call.writer.scribe.region, &asked, roots, began)
                    .await
                    .map_err(Refused::from),
                None => Err(Reason::FactsUnavailable.into()),
            },
        };
        let (values, counts) = match opened {
            Ok(opened) => opened,
            Err(refused) => {
                self.close(call, Some(refused.reason)).await;
                return Err(refused);
            }
        };
        let done = tokens::restore(&asked.shape, asked.contents, &values, asked.links);
        call.known.counts(counts.iter().map(|(kind, count)| (kind.as_str(), *count)));
        let metadata = call.metadata.clone().count("restored", done.restored);
        call.metadata = metadata.count("left", done.left);
        let answer = plan::restored(&asked.shape, done.contents, done.restored, done.left);
        let body = call.committed(&answer);
        self.close(call, None).await;
        Ok(Response::answer(200, body))
    }

    /// Takes the tokens out of the key's minute.
    async fn rate(&self, call: &Call, asked: &Asked, now: Timestamp) -> Result<(), Refused> {
        let seconds = now.unix_millis() / 1_000;
        let minute = seconds / 60;
        let row = &call.writer.scribe.row;
        let window = Key::rate_window(&row.tenant, "dlp.restore", &row.id, minute);
        let count = u64::try_from(asked.tokens.len()).unwrap_or(u64::MAX);
        let taken = take(&self.dynamo, &window, count, asked.limit, seconds + WINDOW_KEPT_S);
        in_time(taken, NotTaken::Unavailable).await.map_err(|fault| match fault {
            NotTaken::Unavailable => Reason::RateUnavailable.into(),
            NotTaken::Full => {
                let hint = format!("{} tokens a minute", asked.limit);
                let retry_after = Some(60 - seconds % 60);
                Refused { hint: Some(hint), retry_after, ..Reason::RateExceeded.into() }
            }
        })
    }

    /// Records how an attempt ended. It cannot undo what happened: an outcome that is not acknowledged is sent again first.
    async fn close(&self, call: &Call, failed: Option<Reason>) {
        let reason = failed.unwrap_or(Reason::Completed);
        let told = Told { phase: Phase::Outcome, reason, metadata: call.metadata.clone() };
        let record = call.writer.record(aws::now(), told, &call.known);
        if in_time(self.audit.record(&[record]), NotRecorded).await.is_err() {
            let action_id = call.writer.action_id;
            tracing::error!(%action_id, "call.not_closed");
        }
    }
}

impl Call {
    /// The body's text, its keyed digest among what is recorded from now on.
    fn committed(&mut self, answer: &Value) -> String {
        let body = answer.to_string();
        let (key, action) = (self.writer.scribe.audit_key.as_ref(), self.writer.action_id);
        let commitment = key.map(|key| key.commitment("response", action.as_bytes(), body.as_bytes()));
        self.known.response_commitment = commitment;
        body
    }
}

/// A window is forgotten an hour after its minute.
const WINDOW_KEPT_S: u64 = 3_600;
/// How long the writes around a call may take, all tries together.
const WRITE_LIMIT: Duration = Duration::from_secs(9);

/// A write that is given up has an unknown outcome, which every write here survives.
pub async fn in_time<T, E>(write: impl Future<Output = Result<T, E>>, late: E) -> Result<T, E> {
    tokio::time::timeout(WRITE_LIMIT, write).await.unwrap_or(Err(late))
}
