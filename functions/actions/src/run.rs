//! What a tool does with a permit, effect by effect: read everything around it; record; write once, beside whatever it rests on;
//! record; respond.

use domain::{
    ActionId, ApprovalRow, Digest, EventType, KeyRow, OrgId, PermitId, Phase, Reason, Run, RunRow, Timestamp,
};
use policy::Kills;
use serde_json::{Value, json};
use tables::codec::Row;
use tables::gates::Write;
use tables::{GateFault, Item, Key, KillKeys, Swap, approvals, deleted, unchanged};

use crate::asking::Told;
use crate::consume::{self, Around, Ending, Rows, Verdict};
use crate::decide::Rules;
use crate::effects::{Effects, in_time};
use crate::event::{Request, Step};
use crate::permit::{self, Claims};
use crate::records::OfTool;
use crate::response::{self, Refused, Response};

/// Tries after a lost race: each looks at everything again.
const TRIES: u32 = 5;
/// Which copy of the platform's switch is read here: consumptions are few.
const COPY: u8 = 0;

/// A tool that came with a permit.
pub struct Tool<'a> {
    pub rules: &'a Rules,
    pub effects: &'a Effects,
    pub request: &'a Request,
}

/// What a tool is at.
struct Doing {
    step: Step,
    action: ActionId,
    /// Of a receipt that the tool keeps.
    detail: Option<Digest>,
    /// Its attempt is in the log, and its end is not: whatever it comes to is told there once.
    open: bool,
}

/// A permit of ours, and what was read around it.
struct Known {
    claims: Claims,
    org: OrgId,
    run: Option<(Item, RunRow)>,
    around: Around,
    switches: KillKeys,
}

fn find<T: Row>(rows: &Rows, key: &Key) -> Option<T> {
    rows.get(key).and_then(|item| T::from_item(item).ok())
}

impl Tool<'_> {
    /// # Errors
    /// Nobody is known: no permit of ours.
    pub async fn run(
        &self,
        step: Step,
        id: Result<&PermitId, &Reason>,
        told: Result<&Told, &caller::Fault>,
        now: Timestamp,
    ) -> Result<Response, Reason> {
        let token = self.request.bearer.as_deref().ok_or(Reason::PermitInvalid)?;
        let key = self.effects.public_key().await?;
        let claims = permit::verify(token, &self.rules.issuer, &key, now)?;
        let own = id == Ok(&claims.jti);
        let mut known = self.read(claims).await?;
        let action = ActionId::new(now, aws::random().map_err(|_| Reason::FactsUnavailable)?);
        let detail = told.ok().and_then(|told| told.detail.clone());
        let mut doing = Doing { step, action, detail, open: false };
        if !own {
            // A permit of ours, at another's path.
            return Ok(self.refused(&known, &mut doing, Reason::PermitInvalid.into()).await);
        }
        let told = match (self.request.tls, told) {
            (Err(reason), _) => return Ok(self.refused(&known, &mut doing, reason.into()).await),
            (_, Err(fault)) => return Ok(self.refused(&known, &mut doing, fault.clone().into()).await),
            (Ok(()), Ok(told)) => told,
        };
        for _ in 0..TRIES {
            let done = match step {
                Step::Consume => self.consume(&known, told, &mut doing).await,
                Step::Outcome => self.end(&known, told, &mut doing).await,
            };
            if let Some(response) = done {
                return Ok(response.with_action(action));
            }
            known = match self.read(known.claims.clone()).await {
                Ok(known) => known,
                // What was read before says whose it is.
                Err(reason) => return Ok(self.refused(&known, &mut doing, reason.into()).await),
            };
        }
        Ok(self.refused(&known, &mut doing, Reason::ApprovalsUnavailable.into()).await)
    }

    async fn rows(&self, keys: &[Key]) -> Result<Rows, Reason> {
        self.effects.dynamo.batch_get(keys).await.map_err(|_| Reason::ApprovalsUnavailable)
    }

    async fn read(&self, claims: Claims) -> Result<Known, Reason> {
        let tenant = &claims.tenant_id;
        let [place, other] = places(&claims);
        let asked = claims.approval_id.as_ref().map(|id| Key::approval(tenant, id));
        let mut first = vec![
            place.clone(),
            other.clone(),
            Key::tenant(tenant),
            Key::agent(tenant, &claims.agent_id),
            Key::gateway_key(&claims.key_id),
        ];
        first.extend(asked.clone());
        first.sort();
        first.dedup();
        let mut rows = self.rows(&first).await?;
        let key: KeyRow = find(&rows, &Key::gateway_key(&claims.key_id)).ok_or(Reason::PermitInvalid)?;
        let approval: Option<ApprovalRow> = asked.as_ref().and_then(|key| find(&rows, key));
        let agent: Option<domain::Agent> = find(&rows, &Key::agent(tenant, &claims.agent_id));
        let switches = KillKeys::above(&key.org, tenant, &claims.agent_id, COPY);
        let mut second: Vec<Key> = switches.all().to_vec();
        second.push(Key::org(&key.org));
        second.extend(approval.as_ref().map(consume::people).unwrap_or_default());
        second.extend(consume::owners(&key, agent.as_ref()));
        second.sort();
        second.dedup();
        rows.extend(self.rows(&second).await?);
        let run = rows.get(&place).or_else(|| rows.get(&other)).cloned();
        let run = run.map(|item| RunRow::from_item(&item).map(|row| (item, row))).transpose();
        Ok(Known {
            org: key.org.clone(),
            run: run.map_err(|_| Reason::ApprovalsUnavailable)?,
            around: Around {
                tenant: find(&rows, &Key::tenant(tenant)),
                org: find(&rows, &Key::org(&key.org)),
                kills: Kills {
                    platform: find(&rows, &switches.platform),
                    org: find(&rows, &switches.org),
                    tenant: find(&rows, &switches.tenant),
                    agent: find(&rows, &switches.agent),
                },
                key: Some(key),
                agent,
                approval,
                rows,
            },
            switches,
            claims,
        })
    }

    fn scribe<'k>(&self, known: &'k Known, doing: &Doing) -> OfTool<'k> {
        let event = match doing.step {
            Step::Consume => EventType::ActionConsumed,
            Step::Outcome => EventType::ActionEnded,
        };
        let request_id = self.request.request_id.clone();
        OfTool {
            claims: &known.claims,
            org: &known.org,
            region: self.rules.region,
            action_id: doing.action,
            request_id,
            event,
            detail: doing.detail.clone(),
        }
    }

    /// Records a refusal, then says it.
    async fn refused(&self, known: &Known, doing: &mut Doing, refused: Refused) -> Response {
        let action = doing.action;
        if doing.open {
            self.close(known, doing, refused.reason).await;
            return response::error(&refused).with_action(action);
        }
        let recorded = async {
            let random = aws::random().map_err(|_| Reason::FactsUnavailable)?;
            let record = self.scribe(known, doing).record(aws::now(), random, Phase::Single, refused.reason);
            let recorded = in_time(self.effects.audit.record(&[record]), aws::NotRecorded).await;
            recorded.map_err(|_| Reason::AuditUnavailable)
        };
        match recorded.await {
            Ok(()) => response::error(&refused).with_action(action),
            Err(reason) => response::error(&reason.into()).with_action(action),
        }
    }

    /// Records what an attempt came to, if there was one.
    async fn close(&self, known: &Known, doing: &mut Doing, reason: Reason) {
        if !std::mem::take(&mut doing.open) {
            return;
        }
        let record = |random| self.scribe(known, doing).record(aws::now(), random, Phase::Outcome, reason);
        self.effects.closed(doing.action, aws::random().ok().map(record)).await;
    }

    /// `None`: something changed meanwhile.
    async fn consume(&self, known: &Known, told: &Told, doing: &mut Doing) -> Option<Response> {
        let now = aws::now();
        let run = known.run.as_ref().map(|(_, run)| run);
        match consume::consume(&known.claims, run, &told.consumer, &known.around, now) {
            Verdict::Again(due) => {
                // If this very request took it, whose answer was lost, it tells so.
                self.close(known, doing, Reason::Completed).await;
                Some(consumed(due))
            }
            Verdict::Refuse(reason) => Some(self.refused(known, doing, reason.into()).await),
            Verdict::Cancel(reason) => self.cancel(known, told, doing, (reason, now)).await,
            Verdict::Take => self.take(known, told, doing).await,
        }
    }

    /// `None`: something changed meanwhile.
    async fn take(&self, known: &Known, told: &Told, doing: &mut Doing) -> Option<Response> {
        let written = async {
            self.attempted(known, doing).await.map_err(Some)?;
            // What is in time is so now, and not when the attempt began to be recorded.
            let now = aws::now();
            known.claims.in_time(now).map_err(|_| None)?;
            let row = consume::run(&known.claims, &told.consumer, Run::Consumed, &known.around, now);
            let writes = self.taking(known, &row, now);
            self.written(known, doing, writes, Reason::Completed).await.map(|()| row.due_at)
        };
        match written.await {
            Ok(due) => Some(consumed(due)),
            Err(None) => None,
            Err(Some(reason)) => Some(response::error(&reason.into())),
        }
    }

    /// The consumption, and everything that it rests on: written only if all of it is as it was read.
    fn taking(&self, known: &Known, row: &RunRow, now: Timestamp) -> Vec<Write> {
        let due = row.due();
        let awaited = Swap::create(Key::due(&due, row.due_at), due.to_item());
        let [place, other] = places(&known.claims);
        let mut writes = vec![Swap::create(place.clone(), row.to_item()).to_write(), awaited.to_write()];
        if other != place {
            // A permit of the same request that needed nobody, given out before people were asked, is taken with this one.
            writes.push(Swap::create(other, row.to_item()).to_write());
        }
        let around = &known.around;
        writes.extend(around.approval.as_ref().map(|row| approvals::is_approved(row, now)));
        let all = &around.rows;
        writes.extend(known.switches.all().iter().map(|key| unchanged(key, all.get(key), &["version"])));
        let mut people = around.approval.as_ref().map(consume::people).unwrap_or_default();
        if let Some(key) = &around.key {
            people.extend(consume::owners(key, around.agent.as_ref()));
            let facts = consume::facts(&known.claims, key);
            writes.extend(facts.iter().map(|(place, fields)| unchanged(place, all.get(place), fields)));
        }
        people.sort();
        people.dedup();
        for key in &people {
            let item = all.get(key);
            let fields: Vec<&str> = item.into_iter().flatten().map(|(name, _)| name.as_str()).collect();
            let fields = if key.sk.starts_with("USER#") { vec!["active", "epoch"] } else { fields };
            let fields: Vec<&str> = fields.into_iter().filter(|name| !matches!(*name, "pk" | "sk")).collect();
            writes.push(unchanged(key, item, &fields));
        }
        writes
    }

    /// Written down as over: nothing that comes back brings it back.
    async fn cancel(
        &self,
        known: &Known,
        told: &Told,
        doing: &mut Doing,
        (reason, now): (Reason, Timestamp),
    ) -> Option<Response> {
        let row = consume::run(&known.claims, &told.consumer, Run::Cancelled, &known.around, now);
        let place = approvals::run_key(&row.tenant, row.approval.as_ref(), &row.permit);
        let write = vec![Swap::create(place, row.to_item()).to_write()];
        match self.written(known, doing, write, reason).await {
            Ok(()) => Some(response::error(&reason.into())),
            Err(None) => None,
            Err(Some(reason)) => Some(response::error(&reason.into())),
        }
    }

    /// Recorded, written, recorded.
    ///
    /// # Errors
    /// `None`: something changed meanwhile, or nobody knows whether it was written: another look says, and what that comes to is
    /// recorded. Otherwise why it may not be written.
    async fn written(
        &self,
        known: &Known,
        doing: &mut Doing,
        writes: Vec<Write>,
        ends: Reason,
    ) -> Result<(), Option<Reason>> {
        self.attempted(known, doing).await.map_err(Some)?;
        let written = in_time(self.effects.dynamo.write_all(writes), GateFault::Unknown).await;
        written.map_err(|_| None)?;
        self.close(known, doing, ends).await;
        Ok(())
    }

    /// Recorded before anything is written, once.
    async fn attempted(&self, known: &Known, doing: &mut Doing) -> Result<(), Reason> {
        if doing.open {
            return Ok(());
        }
        let random = aws::random().map_err(|_| Reason::FactsUnavailable)?;
        let attempt = self.scribe(known, doing).record(aws::now(), random, Phase::Attempt, Reason::Allowed);
        let recorded = in_time(self.effects.audit.attempt(doing.action, &[attempt]), aws::NotRecorded).await;
        recorded.map_err(|_| Reason::AuditUnavailable)?;
        doing.open = true;
        Ok(())
    }

    /// `None`: something changed meanwhile.
    async fn end(&self, known: &Known, told: &Told, doing: &mut Doing) -> Option<Response> {
        let now = aws::now();
        let run = known.run.as_ref().map(|(_, run)| run);
        let outcome = told.outcome.unwrap_or(Run::Unknown);
        match consume::outcome(run, &told.consumer, outcome, now) {
            Ending::Again(state) => {
                self.close(known, doing, Reason::Completed).await;
                Some(Response::json(200, &ended(state)))
            }
            Ending::Refuse(reason) => Some(self.refused(known, doing, reason.into()).await),
            Ending::Late => match self.put(known, Run::Unknown, doing, now).await {
                Ok(()) => Some(self.refused(known, doing, Reason::OutcomeTold.into()).await),
                Err(None) => None,
                Err(Some(reason)) => Some(response::error(&reason.into())),
            },
            Ending::Write(state) => match self.put(known, state, doing, now).await {
                Ok(()) => Some(Response::json(200, &ended(state))),
                Err(None) => None,
                Err(Some(reason)) => Some(response::error(&reason.into())),
            },
        }
    }

    async fn put(
        &self,
        known: &Known,
        state: Run,
        doing: &mut Doing,
        now: Timestamp,
    ) -> Result<(), Option<Reason>> {
        let (item, run) = known.run.as_ref().ok_or(Some(Reason::PermitNotYours))?;
        let key = approvals::run_key(&run.tenant, run.approval.as_ref(), &run.permit);
        let new = RunRow { state, ended_at: Some(now), ..run.clone() };
        let write = Swap { key, old: Some(item.clone()), new: new.to_item() }.to_write();
        let due = run.due();
        let awaited = deleted(&Key::due(&due, run.due_at), &due.to_item());
        self.written(known, doing, vec![write, awaited], Reason::Completed).await
    }
}

/// Where a consumption lies, and where one of the same request would that another permit led to: one of both runs.
fn places(claims: &Claims) -> [Key; 2] {
    let place = approvals::run_key(&claims.tenant_id, claims.approval_id.as_ref(), &claims.jti);
    [place, Key::run_of_permit(&claims.tenant_id, &claims.jti)]
}

fn consumed(due: Timestamp) -> Response {
    Response::json(200, &json!({"status": Run::Consumed.as_str(), "due_at": due.to_string()}))
}

fn ended(state: Run) -> Value {
    json!({"status": state.as_str()})
}

/// Shows nothing of whoever came.
impl std::fmt::Debug for Tool<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tool").finish_non_exhaustive()
    }
}
