//! The effects, in their one order: read who it is; read the facts; record; write; tell `lifecycle`; record; respond.

use aws::{AuditSender, Dynamo, LifecycleSender};
use domain::{EventType, ProviderId, QueryRow, SealedBytes, SessionRow, TenantId, Timestamp};
use envelope::Purpose;
use policy::admin::Action;
use serde_json::{Value, json};
use tables::codec::{CREDENTIAL, PROVIDER_ID, PROVIDERS, Row as _};
use tables::gates::Write;
use tables::{Attr, GateFault, Item, Key, Swap};

use crate::ask::{Ask, Rows};
use crate::athena::Athena;
use crate::decide::{changes, kill, users};
use crate::event::Params;
use crate::operate::Plan;
use crate::plan::NewSecret;
use crate::providers::Providers;
use crate::queries::{self, NewQuery};
use crate::refusal::{Refused, Why};
use crate::response::Response;
use crate::routes::{Beside, List, Operation, Run};
use crate::secrets::Secrets;
use crate::sso::Secret;
use crate::sso::session_token::Session;
use crate::tokens::SessionTokens;
use crate::who;

/// What effects need.
#[derive(Debug)]
pub struct Effects {
    pub dynamo: Dynamo,
    pub audit: AuditSender,
    pub secrets: Secrets,
    pub providers: Providers,
    pub tokens: SessionTokens,
    pub athena: Athena,
    pub lifecycle: LifecycleSender,
}

/// How often a write is tried that has certainly not happened.
const TRIES: u32 = 4;
/// Rows of one page of a list.
pub const PAGE: u16 = 50;
/// A session's last use is written at most so often.
const SEEN_EVERY_MS: u64 = 60_000;

impl Effects {
    /// The session's row, and what its path needs to be understood. A session that is none any more ends here, after one read.
    ///
    /// # Errors
    /// Nobody is known.
    pub async fn present(&self, token: &Session, params: &Params) -> Result<(SessionRow, Rows), Why> {
        let mut keys = vec![Key::session(&token.sid)];
        keys.extend(params.tenant.iter().map(Key::tenant));
        keys.extend(changes::needs(params, &Value::Null));
        keys.extend(users::first(params));
        let rows = self.dynamo.batch_get(&keys).await.map_err(|_| Why::FactsUnavailable)?;
        let session = who::presented(token, rows.get(&Key::session(&token.sid)))?;
        Ok((session, rows))
    }

    /// Everything behind the session, what the operation reads, and what the same request has asked for before.
    ///
    /// # Errors
    /// The tables did not answer in full.
    pub async fn facts(
        &self,
        session: &SessionRow,
        operation: &Operation,
        params: &Params,
        body: &Value,
        seen: Rows,
        repeated: Option<Key>,
    ) -> Result<Rows, Why> {
        let mut keys = who::keys(session, params);
        keys.extend(repeated);
        if let Run::Show { needs, .. }
        | Run::Change { needs, .. }
        | Run::Answer { needs }
        | Run::Within(needs, _) = &operation.run
        {
            keys.extend(needs(params, body));
        }
        keys.extend(users::owned(params, &seen));
        // A confirmation decides again what was asked for, on what that reads.
        for item in changes::needs(params, body).iter().filter_map(|key| seen.get(key)) {
            let row = domain::ChangeRow::from_item(item).map_err(|_| Why::FactsUnavailable)?;
            keys.extend(who::requester_keys(params, &row));
            if let Some((Operation { run: Run::Change { needs, .. }, .. }, named, body)) =
                changes::operation(&row)
            {
                keys.extend(needs(&Params { org: params.org.clone(), ..named }, &body));
            }
        }
        let rows = self.beside(keys, seen).await?;
        // Who answers for a program, and who has stopped a switch, is known once its row is.
        let mut behind: Vec<Key> = who::behind(session, &rows).into_iter().collect();
        if operation.action == Action::KillRecover {
            behind.extend(kill::behind(&session.org, params, body, &rows));
        }
        if behind.is_empty() { Ok(rows) } else { self.beside(behind, rows).await }
    }

    /// Rows beside those that were read a moment ago, to know who it is: these are not read again.
    ///
    /// # Errors
    /// The tables did not answer in full.
    pub async fn beside(&self, mut keys: Vec<Key>, seen: Rows) -> Result<Rows, Why> {
        keys.retain(|key| !seen.contains_key(key));
        let mut rows = self.dynamo.batch_get(&keys).await.map_err(|_| Why::FactsUnavailable)?;
        rows.extend(seen);
        Ok(rows)
    }

    /// Notes that a session is used, once a minute, and gives it another token then. A note that is lost only ends it earlier.
    pub async fn touch(&self, session: &SessionRow, item: Option<&Item>, now: Timestamp) -> Option<Secret> {
        let item = item.filter(|_| now.millis_since(session.seen_at) >= SEEN_EVERY_MS)?;
        let mut new = item.clone();
        new.insert("seen_at".to_owned(), Attr::text(now));
        let swap = Swap { key: Key::session(&session.id), old: Some(item.clone()), new };
        // A token of one that was ended meanwhile is worth nothing: its row says so.
        self.dynamo.write_all(vec![swap.to_write()]).await.ok()?;
        self.tokens.issue(session, now).await.ok()
    }

    /// A page of a list.
    pub async fn page(
        &self,
        list: &List,
        beside: Option<Beside>,
        ask: &Ask<'_>,
        after: Option<&str>,
    ) -> Response {
        match self.listed(list, beside, ask, after).await {
            Ok(body) => Response::json(200, &body),
            Err(why) => Response::problem(&Refused::from(why)),
        }
    }

    async fn listed(
        &self,
        list: &List,
        beside: Option<Beside>,
        ask: &Ask<'_>,
        after: Option<&str>,
    ) -> Result<Value, Why> {
        let unread = |_| Why::FactsUnavailable;
        let pk = (list.partition)(ask.params, ask).ok_or(Why::NotFound)?;
        let prefix = (list.prefix)(ask);
        // A cursor is the end of a sort key: outside the list it finds nothing.
        // A sort key has 1,024 bytes at most: no longer one was ever given.
        if after.is_some_and(|after| prefix.len() + after.len() > 1_024) {
            return Err(Why::InvalidField);
        }
        let after = after.map(|after| format!("{prefix}{after}"));
        let page =
            self.dynamo.page(list.table, &pk, &prefix, after.as_deref(), PAGE).await.map_err(unread)?;
        let last = page.rows.last().and_then(|(key, _)| key.sk.strip_prefix(&prefix)).map(str::to_owned);
        let shown: Vec<Value> = match list.row {
            None => page.rows.iter().filter_map(|(key, item)| (list.show)(ask, key, item)).collect(),
            Some(row) => {
                let keys: Vec<Key> = page.rows.iter().filter_map(|(marker, _)| row(marker)).collect();
                let more = beside.iter().flat_map(|beside| keys.iter().filter_map(|key| beside(ask, key)));
                let all: Vec<Key> = keys.iter().cloned().chain(more).collect();
                let mut rows = self.dynamo.batch_get(&all).await.map_err(unread)?;
                rows.extend(ask.rows.iter().map(|(key, item)| (key.clone(), item.clone())));
                let ask = Ask { rows: &rows, ..*ask };
                keys.iter().filter_map(|key| (list.show)(&ask, key, rows.get(key)?)).collect()
            }
        };
        Ok(json!({"items": shown, "next": last.filter(|_| page.more)}))
    }

    /// Carries out a change: recorded, made, recorded.
    pub async fn perform(&self, plan: Plan) -> Response {
        let action = plan.scribe.action_id;
        if plan.change.already {
            return done(&plan).with_action(action);
        }
        let told = plan.told(plan.attempt.clone(), plan.attempt.created_at);
        let recorded = self.audit.attempt(action, &told).await;
        if recorded.is_err() && !plan.change.regardless {
            return Response::problem(&Why::AuditUnavailable.into()).with_action(action);
        }
        let ended = self.written(&plan).await;
        if ended.is_ok() {
            self.tell(&plan).await;
        }
        let now = aws::now();
        let outcome = plan.told(plan.outcome(now, ended), now);
        if self.audit.record(&outcome).await.is_err() {
            tracing::error!(action_id = %action, "admin.outcome_not_recorded");
        }
        let response = match ended {
            Ok(()) => done(&plan),
            Err(Why::AlreadyExists) => located(Response::problem(&Why::AlreadyExists.into()), &plan),
            Err(why) => Response::problem(&why.into()),
        };
        response.with_action(action)
    }

    /// Tells `lifecycle` of somebody who was ended, and whoever watches of a way into a tenant.
    async fn tell(&self, plan: &Plan) {
        if plan.scribe.event == EventType::AdminBreakGlass {
            // An alarm counts these: asked for, opened and closed.
            tracing::warn!(action_id = %plan.scribe.action_id, "admin.break_glass_used");
        }
        let Some(left) = &plan.change.ends else { return };
        if self.lifecycle.offboarded(left).await.is_err() {
            // The row that was written with it says the same, and is found within minutes.
            tracing::error!(action_id = %plan.scribe.action_id, "offboarding.not_sent");
        }
    }

    async fn written(&self, plan: &Plan) -> Result<(), Why> {
        let change = &plan.change;
        if let Some(query) = &change.query {
            return self.query(query).await;
        }
        let mut writes = change.writes.clone();
        if let Some(tenant) = &change.roots {
            writes.extend(self.new_roots(tenant).await?);
        }
        let mut swaps = change.swaps.clone();
        if let Some(credential) = &change.credential {
            let sealed = self.secrets.seal_credential(credential, aws::now()).await?;
            swaps.iter_mut().for_each(|swap| put_credential(&mut swap.new, &credential.provider, &sealed));
        }
        if let Some(new) = &change.channels {
            let (key, row) = (Key::channels(&new.tenant), self.secrets.seal_channels(new, aws::now()).await?);
            swaps.iter_mut().filter(|swap| swap.key == key).for_each(|swap| swap.new = row.to_item());
        }
        let written = self.write_rows(swaps, change.secret.as_ref(), &writes).await;
        // What could not be made is there already.
        written.map_err(|why| match why {
            Why::Conflict if change.location.is_some() => Why::AlreadyExists,
            other => other,
        })
    }

    /// Starts a question and keeps it. One that is there already is not started again.
    async fn query(&self, query: &NewQuery) -> Result<(), Why> {
        if self.repeats(query).await? {
            return Ok(());
        }
        let execution = queries::started(&self.athena, query).await?;
        match self.write_rows(vec![query.row(execution)], None, &[]).await {
            // The same came first, a moment ago.
            Err(Why::Conflict) if self.repeats(query).await? => Ok(()),
            ended => ended,
        }
    }

    async fn repeats(&self, query: &NewQuery) -> Result<bool, Why> {
        let there = self.dynamo.get(&query.key).await.map_err(|_| Why::FactsUnavailable)?;
        let Some(item) = there else { return Ok(false) };
        let row = QueryRow::from_item(&item).map_err(|_| Why::FactsUnavailable)?;
        query.repeats(&row, aws::now()).map(|()| true)
    }

    /// What the log answers to a question.
    ///
    /// # Errors
    /// There is nothing at the cursor, or the log cannot be asked.
    pub async fn answer(&self, row: &QueryRow, after: Option<&str>) -> Result<Value, Why> {
        queries::answer(&self.athena, row, after).await
    }

    /// All rows or none, in one transaction; a secret is sealed into its row before.
    ///
    /// # Errors
    /// A row is not as it was read, or the write is not confirmed.
    pub async fn write_rows(
        &self,
        mut swaps: Vec<Swap>,
        secret: Option<&NewSecret>,
        others: &[Write],
    ) -> Result<(), Why> {
        if let Some(secret) = secret {
            let sealed = self.secrets.seal_client(secret, aws::now()).await?;
            for swap in swaps.iter_mut().filter(|swap| swap.key == secret.row) {
                swap.new.insert("secret".to_owned(), Attr::B(sealed.as_bytes().to_vec()));
            }
        }
        let writes: Vec<Write> = swaps.iter().map(Swap::to_write).chain(others.iter().cloned()).collect();
        let mut perhaps = false;
        for _ in 0..TRIES {
            match self.dynamo.write_all(writes.clone()).await {
                Ok(()) => return Ok(()),
                Err(GateFault::Condition(_)) if perhaps => return Err(Why::NotConfirmed),
                Err(GateFault::Condition(_)) => return Err(Why::Conflict),
                Err(GateFault::NotWritten) => {}
                Err(GateFault::Unknown) => perhaps = true,
            }
        }
        Err(if perhaps { Why::NotConfirmed } else { Why::FactsUnavailable })
    }

    /// The root keys of a new tenant, which never leave the key service in the clear here.
    async fn new_roots(&self, tenant: &TenantId) -> Result<Vec<Write>, Why> {
        let mut writes = Vec::new();
        for purpose in Purpose::ALL {
            writes.push(self.secrets.new_root(tenant, purpose).await?.to_write());
        }
        Ok(writes)
    }
}

/// Puts a credential to its provider in a row of providers.
fn put_credential(item: &mut Item, provider: &ProviderId, sealed: &SealedBytes) {
    let Some(Attr::L(list)) = item.get_mut(PROVIDERS) else { return };
    let parts = list.iter_mut().filter_map(|part| match part {
        Attr::M(part) if part.get(PROVIDER_ID) == Some(&Attr::text(provider)) => Some(part),
        _ => None,
    });
    for part in parts {
        part.insert(CREDENTIAL.to_owned(), Attr::B(sealed.as_bytes().to_vec()));
    }
}

fn done(plan: &Plan) -> Response {
    let status = plan.status;
    if status == 204 {
        return Response::empty(status);
    }
    let response = Response::json(status, &plan.change.body).with_etag(plan.change.etag.as_deref());
    located(response, plan)
}

fn located(response: Response, plan: &Plan) -> Response {
    match &plan.change.location {
        Some(location) => response.with("location", location),
        None => response,
    }
}
