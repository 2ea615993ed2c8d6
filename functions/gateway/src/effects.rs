//! The effects, in their one order: read the facts; hold and record; forward; settle and record; respond.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws::{AuditSender, Dynamo, KmsWrapper, NotRecorded};
use caller::person::{self, Whose};
use caller::{Address, Addresses, Documents, Keys, LoadFault, NoPerson, Person, WATCH_EVERY, keys_fault};
use domain::{
    GatewayKey, KeyRow, KillScope, LimitsRow, PolicyRow, Providers, Reason, Region, RootRow, Timestamp,
};
use egress::Client;
use envelope::Purpose;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use policy::Approach;
use policy::gate_names::Answers;
use tables::gates::{NotSettled, Payer};
use tables::{Held, HoldReceipt, HoldRefused, Key};

use crate::breaker::{self, Places, Tried};
use crate::budget::Budget;
use crate::cleared::Cleared;
use crate::decide::{Consent, Decision, Facts, Plan};
use crate::live::Live;
use crate::outcome::{self, Ended, Good, Spent};
use crate::plan::Call;
use crate::provider::Way;
use crate::response::{Refused, Response};
use crate::{answer, dialect::Vendor, withhold};

/// What effects need: clients, and the addresses seen so far.
#[derive(Debug)]
pub struct Effects {
    pub dynamo: Dynamo,
    pub audit: AuditSender,
    pub roots: envelope::Roots<KmsWrapper>,
    pub upstream: Client,
    pub addresses: Addresses,
    pub breakers: Places,
}

/// Roots that the effects use, as they were read with the facts.
#[derive(Debug, Default)]
pub struct Roots {
    pub credential: Option<RootRow>,
    pub token: Option<RootRow>,
    pub audit: Option<RootRow>,
}

/// What the gateway reads of a tenant beside its standing.
fn more(address: &Address) -> Vec<Key> {
    let tenant = address.tenant();
    let mut keys = vec![
        Key::policy(tenant),
        Key::providers(tenant),
        Key::gate(tenant),
        Key::limits(tenant),
        Key::budget(tenant, 0),
        Key::root(tenant, Purpose::Credential.as_str()),
        Key::root(tenant, Purpose::Token.as_str()),
    ];
    keys.extend(Documents::keys(address));
    keys
}

impl Effects {
    /// Reads everything that a decision about this key needs.
    ///
    /// # Errors
    /// See [`LoadFault`].
    pub async fn load(
        &self,
        key: &GatewayKey,
        region: Region,
        now: Timestamp,
    ) -> Result<(Facts, Roots), LoadFault> {
        let asked = Mutex::new(Vec::new());
        let with_breakers = |address: &Address| {
            let breakers = self.breakers.get(address.tenant());
            asked.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&breakers);
            more(address).into_iter().chain(breakers).collect()
        };
        let loaded = caller::load(&self.dynamo, &self.addresses, with_breakers, key).await?;
        let asked = asked.into_inner().unwrap_or_else(PoisonError::into_inner);
        let (loaded, breakers) = self.with_breakers(loaded, &asked, region).await?;
        let tenant = &loaded.caller.row().tenant;
        let (audit, pseudonym) = (loaded.root(Purpose::Audit), loaded.root(Purpose::Pseudonym));
        let keys = Keys::open(&self.roots, tenant, audit.clone(), pseudonym, now).await;
        let (credential, token) = (loaded.root(Purpose::Credential), loaded.root(Purpose::Token));
        let roots = Roots { credential, token, audit };
        let facts = Facts {
            policy: loaded.find::<PolicyRow>(&Key::policy(tenant)),
            providers: loaded.find::<Providers>(&Key::providers(tenant)),
            budget: loaded
                .find::<LimitsRow>(&Key::limits(tenant))
                .map(|limits| Budget { limits, shard: loaded.item(&Key::budget(tenant, 0)).cloned() }),
            dlp: Documents::of(&loaded),
            gate: loaded.written(&Key::gate(tenant)),
            keys,
            breakers,
            tried: Tried::default(),
            person: None,
            consent: Consent::NotRequired,
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
        audit: Option<&RootRow>,
        approach: &Approach,
        who: &str,
        region: Region,
        now: Timestamp,
    ) -> Option<Result<Person, NoPerson>> {
        // A key is made for callers who may act, and for nobody else.
        let row = facts.caller.row();
        let team = facts.standing.team();
        let payer = Payer { agent: row.agent.clone(), key: row.id.clone(), team };
        let broke = facts.budget.as_ref().is_none_or(|budget| budget.is_spent(&row.tenant, &payer, now));
        if broke || !facts.caller.may_act(&facts.standing, approach, now) {
            return None;
        }
        let keys = facts.keys.as_ref().ok()?;
        let whose = Whose { tenant: &facts.caller.row().tenant, region, audit: audit? };
        Some(person::named(&self.dynamo, &self.roots, &whose, keys, who, now).await)
    }

    /// Carries out a decision.
    pub async fn perform(self: &Arc<Self>, decision: Decision, roots: &Roots) -> Response {
        match decision {
            Decision::Models(names) => Response::models(names.iter().map(domain::Name::as_str)),
            Decision::Refuse { vendor, action_id, refused, record } => {
                let recorded = self.audit.record(&[*record]).await;
                // An unrecorded refusal is still a refusal; the caller learns the graver fault.
                let refused = if recorded.is_ok() { refused } else { Reason::AuditUnavailable.into() };
                Response::error(vendor, &refused).with_action(action_id)
            }
            Decision::Forward(plan) => self.forward(*plan, roots).await,
        }
    }

    async fn forward(self: &Arc<Self>, plan: Plan, roots: &Roots) -> Response {
        let Plan { permit, body, mut call } = plan;
        let began = aws::now();
        let ask = call.bill.ask();
        let (held, recorded, credential, kept, rate, once, passed) = futures_util::join!(
            in_time(tables::gates::hold(&self.dynamo, &ask), HoldRefused::Unavailable),
            in_time(self.audit.attempt(call.action_id, &call.attempt), NotRecorded),
            self.credential(&call, roots.credential.as_ref(), began),
            in_time(self.keep(&call, roots, began), Reason::TokensUnavailable),
            self.rate(&call, began),
            in_time(self.once(&call, began), Reason::RepeatUnavailable.into()),
            self.pass(&call, began),
        );
        let receipt = ask.receipt();
        let (held, recorded, credential) = match (held, recorded, credential, kept.and(passed), rate, once) {
            (Ok(held), Ok(recorded), Ok(credential), Ok(()), Ok(()), Ok(())) => (held, recorded, credential),
            (held, recorded, credential, kept, rate, once) => {
                if once.is_err() {
                    // It is another's: nothing of it is let go.
                    call.repeat = None;
                }
                let failed = credential.err().map(keys_fault).or(kept.err());
                let other = once.err().or(failed.map(Refused::from)).or(rate.err());
                let refused = stopped(&call, &held, recorded.is_ok(), other);
                return self.abandon(&call, refused, &held, &receipt, began).await;
            }
        };
        let Ok(cleared) = Cleared::new(permit, body, &held, recorded) else {
            let ended = Ended::without_answer(Reason::FactsUnavailable, Spent::Nothing);
            self.close(&call, &ended, began, Some(&receipt)).await;
            return respond(&call, ended);
        };
        // The time left was read when the event came, and reading facts has used some of it.
        let deadline = call.deadline.saturating_sub(since(call.began));
        let way = Way { client: &self.upstream, target: &call.target, credential: &credential, deadline };
        if call.stream {
            let opened = self.watched(&call, way.open(&call, cleared)).await;
            let opened = opened.unwrap_or_else(|cut| Err(Box::new(cut)));
            return self.stream(call, opened, began, receipt).await;
        }
        let answered = self.watched(&call, way.complete(&call, cleared)).await;
        let ended = answered.map_or_else(|cut| cut, |ended| put(&call, ended));
        self.close(&call, &ended, began, Some(&receipt)).await;
        respond(&call, ended)
    }

    /// Waits for the provider as long as no kill switch above the call is on.
    ///
    /// # Errors
    /// The call was cut: the provider may have worked for it.
    async fn watched<T>(&self, call: &Call, work: impl Future<Output = T>) -> Result<T, Ended> {
        tokio::select! {
            done = work => Ok(done),
            reason = self.killed(&call.scribe.row, WATCH_EVERY.saturating_sub(since(call.began))) => Err(Ended::without_answer(reason, Spent::Everything)),
        }
    }

    /// Returns when a kill switch above the call is on, or can no longer be seen. They are read for the first time after
    /// `first`: a second after they were read last, so that what was slow before the call was sent hides nothing.
    pub async fn killed(&self, row: &KeyRow, first: Duration) -> Reason {
        let switches = self.addresses.switches(row);
        caller::watch(&self.dynamo, &switches, KillScope::Llm, first).await
    }

    /// A stream that began answers at once and is closed within its body; one that did not is an answer like any other.
    async fn stream(
        self: &Arc<Self>,
        call: Call,
        opened: Result<(u16, egress::Body), Box<Ended>>,
        began: Timestamp,
        receipt: HoldReceipt,
    ) -> Response {
        match opened {
            Ok((status, body)) => {
                let (action, clamped) = (call.action_id, call.clamped.clone());
                let key = call.scribe.audit_key.as_ref();
                let committing = key.map(|key| key.committing("response", action.as_bytes()));
                let (effects, listener) = (Arc::clone(self), call.listener());
                let live = Live { effects, call, receipt, began, status, listener, committing };
                Response::live(live.start(body)).with_action(action).with_clamped(clamped.as_deref())
            }
            Err(ended) => {
                self.close(&call, &ended, began, Some(&receipt)).await;
                respond(&call, *ended)
            }
        }
    }

    /// Ends a call before anything was sent. A hold of unknown outcome is given back too: to settle what is not
    /// held changes nothing.
    async fn abandon(
        &self,
        call: &Call,
        refused: Refused,
        held: &Result<Held, HoldRefused>,
        receipt: &HoldReceipt,
        began: Timestamp,
    ) -> Response {
        let ended = Ended::without_answer(refused.reason, Spent::Nothing);
        self.close(call, &ended, began, may_be_held(held).then_some(receipt)).await;
        let next = breaker::next(call, &ended);
        Response::error(call.dialect.vendor(), &refused).with_action(call.action_id).or_next(next)
    }

    /// Settles and records the outcome, side by side. Neither can undo what happened: a settlement that is not
    /// confirmed leaves the hold at its full size, and an outcome that is not acknowledged is sent again first.
    pub async fn close(&self, call: &Call, ended: &Ended, began: Timestamp, receipt: Option<&HoldReceipt>) {
        let now = aws::now();
        let records = outcome::records(call, ended, began, now);
        let settle = async {
            let Some(receipt) = receipt else { return true };
            let (spent, admitted_on) = outcome::settlement(call, ended, now);
            let settled = tables::gates::settle(&self.dynamo, receipt, spent, admitted_on);
            match in_time(settled, NotSettled).await {
                Ok(Some(after)) => {
                    self.alert(call, receipt, &after, now).await;
                    true
                }
                Ok(None) => true,
                Err(NotSettled) => false,
            }
        };
        let let_go = async {
            if let Some(repeat) = call.repeat.as_ref().filter(|_| ended.spent == Spent::Nothing) {
                repeat.let_go(&self.dynamo, call.action_id).await;
            }
            Ok::<(), ()>(())
        };
        let (settled, recorded, _, ()) = futures_util::join!(
            settle,
            in_time(self.audit.record(&records), NotRecorded),
            in_time(let_go, ()),
            self.tell_breakers(call, ended, now)
        );
        if !settled || recorded.is_err() {
            let action_id = call.action_id;
            tracing::error!(%action_id, settled, recorded = recorded.is_ok(), "call.not_closed");
        }
    }
}

/// How long the writes around a call may take, all tries together: less than what is kept for them at the end.
pub const WRITE_LIMIT: Duration = Duration::from_secs(9);

/// A write that is given up has an unknown outcome, which every write here survives.
pub async fn in_time<T, E>(write: impl Future<Output = Result<T, E>>, late: E) -> Result<T, E> {
    // A set of one is polled when it is woken itself, and not with whatever is joined beside it.
    let mut alone = FuturesUnordered::from_iter([write]);
    tokio::time::timeout(WRITE_LIMIT, alone.select_next_some()).await.unwrap_or(Err(late))
}

/// Whether there may be a hold to give back: one whose outcome is unknown may be there.
pub fn may_be_held(held: &Result<Held, HoldRefused>) -> bool {
    !matches!(held, Err(HoldRefused::OverBudget(_) | HoldRefused::NoBudget))
}

/// Why a call that was allowed is not made. The gravest comes first: a call that cannot be recorded.
pub fn stopped(
    call: &Call,
    held: &Result<Held, HoldRefused>,
    recorded: bool,
    other: Option<Refused>,
) -> Refused {
    match held {
        _ if !recorded => Reason::AuditUnavailable.into(),
        Err(refused) => call.bill.refused(refused),
        Ok(_) => other.unwrap_or_else(|| Reason::KeysUnavailable.into()),
    }
}

/// Puts a good answer before its caller: rendered in the provider's dialect, then translated into the caller's. What cannot
/// be is no answer, and neither is one that calls a forbidden tool. Calls that the tenant's gate wants withheld are taken out.
pub fn put(call: &Call, mut ended: Ended) -> Ended {
    let Some(Good { bytes, mut value }) = ended.answer.take() else { return ended };
    call.render.answer(call.wire, &mut value);
    ended.calls = answer::calls(call.wire, &value);
    let forbidden = |name: &str| crate::stream::is_forbidden(&call.forbidden_tools, name);
    if ended.calls.iter().any(|called| forbidden(&called.name)) {
        return Ended { reason: Reason::ToolForbidden, ..ended };
    }
    if call.tools.guard.gate.answers() == Answers::Withhold {
        withhold::answer(&call.tools.guard, call.wire, &mut value);
    }
    let translated = match &call.translation {
        Some((pair, context)) => pair.answer(context, value),
        None => Some(value),
    };
    match translated {
        Some(value) => Ended { answer: Some(Good { bytes, value }), ..ended },
        None => Ended { reason: Reason::ProviderMalformed, ..ended },
    }
}

fn respond(call: &Call, ended: Ended) -> Response {
    let next = breaker::next(call, &ended);
    let vendor: Vendor = call.dialect.vendor();
    match &ended.answer {
        Some(answer) => Response::answer(&answer.value)
            .with_clamped(call.clamped.as_deref())
            .with_gated(call.tools.guard.told(&ended.calls)),
        None => Response::error(vendor, &ended.refused()),
    }
    .with_action(call.action_id)
    .or_next(next)
}

fn since(began: Timestamp) -> Duration {
    Duration::from_millis(aws::now().millis_since(began))
}
