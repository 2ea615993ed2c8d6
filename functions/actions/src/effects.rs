//! The effects of an action that is asked for, in their one order: count the request; see what became of it before; record; ask
//! people or sign; record; respond.

use std::sync::OnceLock;
use std::time::Duration;

use aws::{ApprovalsSender, AuditSender, Dynamo, KmsEcSigner, KmsWrapper, NotRecorded};
use caller::{Addresses, Keys, LoadFault, RateFault, keys_fault};
use domain::{
    ActionId, ApprovalId, ApprovalMessage, ApprovalRow, ApprovalState, ApprovalStep, AuditRecord, GateRow,
    GatewayKey, PermitId, Phase, Reason, RootRow, Run, RunRow, SealedBytes, TenantId, Timestamp,
};
use envelope::{Aad, Purpose};
use serde_json::{Value, json};
use tables::codec::Row as _;
use tables::{GateFault, Key, approvals};

use crate::decide::{self, Admitted, Approved, Earlier, Facts, Hold, Moment, Next, Refusal, Rules};
use crate::event::Request;
use crate::permit::{self, PublicKey};
use crate::records::Known;
use crate::response::{self, Refused, Response};

/// What effects need: clients, and the addresses seen so far.
#[derive(Debug)]
pub struct Effects {
    pub dynamo: Dynamo,
    pub audit: AuditSender,
    pub roots: envelope::Roots<KmsWrapper>,
    pub addresses: Addresses,
    pub signer: KmsEcSigner,
    pub queue: ApprovalsSender,
}

/// The root that actions are sealed under, as it was read with the facts.
#[derive(Debug, Default)]
pub struct Roots {
    pub action: Option<RootRow>,
}

/// In how many seconds to ask again, by POST.
const AGAIN_SECONDS: u64 = 5;
/// How often somebody who waits is looked after.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long the writes around a call may take, all tries together.
const WRITE_LIMIT: Duration = Duration::from_secs(9);

/// A write that is given up has an unknown outcome, which every write here survives.
pub async fn in_time<T, E>(write: impl Future<Output = Result<T, E>>, late: E) -> Result<T, E> {
    tokio::time::timeout(WRITE_LIMIT, write).await.unwrap_or(Err(late))
}

impl Effects {
    /// Reads everything that a decision about this key needs.
    ///
    /// # Errors
    /// See [`LoadFault`].
    pub async fn load(&self, key: &GatewayKey, now: Timestamp) -> Result<(Facts, Roots), LoadFault> {
        let more = |address: &caller::Address| {
            let tenant = address.tenant();
            vec![Key::gate(tenant), Key::root(tenant, Purpose::Action.as_str())]
        };
        let loaded = caller::load(&self.dynamo, &self.addresses, more, key).await?;
        let tenant = &loaded.caller.row().tenant;
        let (audit, pseudonym) = (loaded.root(Purpose::Audit), loaded.root(Purpose::Pseudonym));
        let keys = Keys::open(&self.roots, tenant, audit, pseudonym, now).await;
        let roots = Roots { action: loaded.root(Purpose::Action) };
        // A gate that is there and does not read refuses like one that says nothing.
        let gate = loaded.find::<GateRow>(&Key::gate(tenant));
        Ok((Facts { gate, keys, standing: loaded.standing, caller: loaded.caller }, roots))
    }

    /// Records a refusal, then says it. An unrecorded one is still one; the caller learns the graver fault.
    pub async fn refuse(&self, refusal: Refusal) -> Response {
        let Refusal { action_id, refused, record } = refusal;
        let recorded = in_time(self.audit.record(&[*record]), NotRecorded).await;
        let refused = if recorded.is_ok() { refused } else { Reason::AuditUnavailable.into() };
        response::error(&refused).with_action(action_id)
    }

    async fn refused(&self, admitted: &Admitted, refused: Refused, known: &Known) -> Response {
        self.refuse(decide::refuse(&admitted.writer, refused, aws::now(), known)).await
    }

    /// An action that may be asked for.
    pub async fn act(&self, rules: &Rules, admitted: Admitted, roots: &Roots) -> Response {
        let mut known = admitted.known.clone();
        known.authority = Some(admitted.authority().clone());
        if let Err(refused) = self.counted(&admitted).await {
            return self.refused(&admitted, refused, &known).await;
        }
        // Whoever asks for the same at the same moment was first: look again, once.
        for _ in 0..2 {
            match self.once(rules, &admitted, roots, &mut known).await {
                Ok(Some(response)) => return response.with_action(admitted.writer.action_id),
                Ok(None) => {}
                Err(reason) => return self.refused(&admitted, reason.into(), &known).await,
            }
        }
        self.refused(&admitted, Reason::ApprovalsUnavailable.into(), &known).await
    }

    async fn counted(&self, admitted: &Admitted) -> Result<(), Refused> {
        let taken = caller::rate(&self.dynamo, admitted.writer.row(), aws::now());
        in_time(taken, RateFault::Unavailable).await.map_err(|fault| match fault {
            RateFault::Unavailable => fault.reason().into(),
            RateFault::Full { limit, retry_after } => {
                let hint = Some(format!("{limit} requests a minute"));
                Refused { hint, retry_after: Some(retry_after), ..fault.reason().into() }
            }
        })
    }

    /// `None`: another was first.
    async fn once(
        &self,
        rules: &Rules,
        admitted: &Admitted,
        roots: &Roots,
        known: &mut Known,
    ) -> Result<Option<Response>, Reason> {
        let now = aws::now();
        let earlier = self.earlier(&admitted.from.tenant, &admitted.approval, &admitted.permit_id).await?;
        known.approval = earlier.approval.as_ref().map(|row| row.id.clone());
        match decide::next(admitted, &earlier, now)? {
            Next::Issue(approved) => self.issue(rules, admitted, approved, known).await.map(Some),
            Next::Pending(until) => {
                known.approval = Some(admitted.approval.clone());
                let record = admitted.writer.record(now, Phase::Single, Reason::ApprovalPending, known);
                let recorded = in_time(self.audit.record(&[record]), NotRecorded).await;
                recorded.map_err(|NotRecorded| Reason::AuditUnavailable)?;
                Ok(Some(waiting(rules, &admitted.approval, until)))
            }
            Next::Ask => {
                let hold = admitted.hold.as_ref().ok_or(Reason::FactsUnavailable)?;
                self.ask(rules, admitted, hold, roots, known).await
            }
        }
    }

    /// What became of the same request before.
    ///
    /// # Errors
    /// The tables did not answer, or a row does not read.
    pub async fn earlier(
        &self,
        tenant: &TenantId,
        approval: &ApprovalId,
        permit: &PermitId,
    ) -> Result<Earlier, Reason> {
        let keys = [
            Key::approval(tenant, approval),
            Key::run_of_approval(tenant, approval),
            Key::run_of_permit(tenant, permit),
        ];
        let rows = self.dynamo.batch_get(&keys).await.map_err(|_| Reason::ApprovalsUnavailable)?;
        let [asked, run, direct] = keys.each_ref().map(|key| rows.get(key));
        let run_of = |item: Option<&tables::Item>| item.map(RunRow::from_item).transpose();
        let read = || {
            Ok::<_, tables::CodecError>(Earlier {
                approval: asked.map(ApprovalRow::from_item).transpose()?,
                run: run_of(run)?,
                direct: run_of(direct)?,
            })
        };
        read().map_err(|_| Reason::ApprovalsUnavailable)
    }

    /// Signs a permit: recorded, signed, recorded.
    async fn issue(
        &self,
        rules: &Rules,
        admitted: &Admitted,
        approved: Option<Approved>,
        known: &mut Known,
    ) -> Result<Response, Reason> {
        let approval = approved.as_ref().map(|one| one.id.clone());
        known.approval.clone_from(&approval);
        known.permit = Some(admitted.permit_id.clone());
        let attempt = admitted.writer.record(aws::now(), Phase::Attempt, Reason::Allowed, known);
        let recorded = in_time(self.audit.attempt(admitted.writer.action_id, &[attempt]), NotRecorded).await;
        let recorded = recorded.map_err(|NotRecorded| Reason::AuditUnavailable)?;
        let claims = admitted.claims(&rules.issuer, approved, aws::now());
        let signed = if recorded.action_id() == admitted.permit.action_id() {
            self.signed(&claims).await
        } else {
            Err(Reason::FactsUnavailable)
        };
        self.close(admitted, signed.as_ref().err().copied().unwrap_or(Reason::Completed), known).await;
        let token = match signed {
            Ok(token) => token,
            // It is told already.
            Err(reason) => return Ok(response::error(&reason.into())),
        };
        Ok(Response::json(
            200,
            &json!({
                "status": "permitted", "permit": token, "permit_id": claims.jti, "approval": approval,
                "expires_at": at_second(claims.exp),
            }),
        ))
    }

    async fn signed(&self, claims: &permit::Claims) -> Result<String, Reason> {
        let message = permit::unsigned(claims, self.signer.kid())?;
        let signature = self.signer.sign(message.as_bytes()).await.map_err(|_| Reason::SigningUnavailable)?;
        Ok(permit::signed(&message, &signature))
    }

    async fn close(&self, admitted: &Admitted, reason: Reason, known: &Known) {
        let record = admitted.writer.record(aws::now(), Phase::Outcome, reason, known);
        self.closed(admitted.writer.action_id, Some(record)).await;
    }

    /// Records how an attempt ended; without a record nobody can say. It cannot undo what happened: an outcome that is not acknowledged
    /// is sent again first.
    pub async fn closed(&self, action_id: ActionId, outcome: Option<AuditRecord>) {
        let told = match outcome {
            Some(outcome) => in_time(self.audit.record(&[outcome]), NotRecorded).await,
            None => Err(NotRecorded),
        };
        if told.is_err() {
            tracing::error!(%action_id, "action.not_closed");
        }
    }

    /// Asks people: recorded, written, told. `None`: the same was asked at the same moment.
    async fn ask(
        &self,
        rules: &Rules,
        admitted: &Admitted,
        hold: &Hold,
        roots: &Roots,
        known: &mut Known,
    ) -> Result<Option<Response>, Reason> {
        known.approval = Some(admitted.approval.clone());
        known.gates.clone_from(&hold.gates);
        let sealed = self.sealed(admitted, roots).await?;
        let attempt = admitted.writer.record(aws::now(), Phase::Attempt, Reason::Allowed, known);
        let recorded = in_time(self.audit.attempt(admitted.writer.action_id, &[attempt]), NotRecorded).await;
        recorded.map_err(|NotRecorded| Reason::AuditUnavailable)?;
        let row = admitted.row(hold, sealed, aws::now());
        let written = in_time(self.dynamo.write_all(approvals::create(&row)), GateFault::Unknown).await;
        let reason = match &written {
            Ok(()) | Err(GateFault::Condition(_)) => Reason::ApprovalPending,
            Err(_) => Reason::ApprovalsUnavailable,
        };
        if written.is_ok() {
            let (tenant, id) = (row.from.tenant.clone(), row.id.clone());
            let message = ApprovalMessage::new(ApprovalStep::Requested, tenant, id);
            // What a queue does not take now it is told by the clock.
            let _ = self.queue.told(&message).await;
        }
        self.close(admitted, reason, known).await;
        match written {
            Ok(()) => Ok(Some(waiting(rules, &row.id, row.expires_at))),
            Err(GateFault::Condition(_)) => Ok(None),
            Err(_) => Ok(Some(response::error(&Reason::ApprovalsUnavailable.into()))),
        }
    }

    async fn sealed(&self, admitted: &Admitted, roots: &Roots) -> Result<SealedBytes, Reason> {
        let root = roots.action.as_ref().ok_or(Reason::KeysUnavailable)?;
        let tenant = &admitted.from.tenant;
        let key = self.roots.current(tenant, Purpose::Action, root, aws::now()).await.map_err(keys_fault)?;
        let random = aws::random().map_err(|_| Reason::KeysUnavailable)?;
        let shown = admitted.asking.shown(admitted.cause.as_ref());
        let sealed = key.seal(&Aad::action(tenant, &admitted.approval), shown.as_bytes(), &random);
        sealed.map(SealedBytes::from).map_err(|_| Reason::KeysUnavailable)
    }

    /// The public half of the key that signs permits.
    pub async fn jwks(&self) -> Response {
        match self.public_key().await {
            Ok(key) => Response::json(200, &key.to_jwks()),
            Err(reason) => response::error(&reason.into()),
        }
    }

    /// Fetched once.
    ///
    /// # Errors
    /// The key service does not answer.
    pub async fn public_key(&self) -> Result<PublicKey, Reason> {
        static KEY: OnceLock<PublicKey> = OnceLock::new();
        if let Some(key) = KEY.get() {
            return Ok(key.clone());
        }
        let point = self.signer.public_key().await.map_err(|_| Reason::SigningUnavailable)?;
        Ok(KEY.get_or_init(|| PublicKey { kid: self.signer.kid().to_owned(), point }).clone())
    }

    /// Tells what became of a request, as soon as it is decided or `most` is over.
    pub async fn wait(
        &self,
        rules: &Rules,
        request: &Request,
        facts: Facts,
        moment: &Moment,
        (id, most): (&Result<ApprovalId, Reason>, Duration),
    ) -> Response {
        let writer = decide::writer(rules, request, &facts.caller, facts.keys.as_ref().ok(), moment);
        let path = "/v1/approvals";
        let permit = decide::authorized(rules, request, &facts, (moment.now, writer.action_id, path));
        let seen = match (permit, id) {
            (Ok(_), Ok(id)) => self.seen(&facts, id, most).await,
            (Ok(_), Err(reason)) => Err(Refused::from(*reason)),
            (Err(refused), _) => Err(refused),
        };
        match seen {
            Ok(body) => Response::json(200, &body),
            Err(refused) => {
                self.refuse(decide::refuse(&writer, refused, aws::now(), &Known::default())).await
            }
        }
    }

    async fn seen(&self, facts: &Facts, id: &ApprovalId, most: Duration) -> Result<Value, Refused> {
        let (tenant, agent) = (&facts.caller.row().tenant, &facts.caller.row().agent);
        let until = tokio::time::Instant::now() + most;
        loop {
            let earlier = self.earlier(tenant, id, &PermitId::from_random([0; 10])).await?;
            let row =
                earlier.approval.filter(|row| row.from.agent == *agent).ok_or(Reason::ApprovalUnknown)?;
            let status = status(&row, earlier.run.as_ref(), aws::now());
            if status != ApprovalState::Pending.as_str() || tokio::time::Instant::now() >= until {
                return Ok(
                    json!({"approval": row.id, "status": status, "expires_at": row.expires_at.to_string()}),
                );
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

/// Where a request stands, in one word: the clock has a say before it is written down.
fn status(row: &ApprovalRow, run: Option<&RunRow>, now: Timestamp) -> &'static str {
    match (run, row.state) {
        (Some(run), _) if run.state == Run::Consumed && run.due_at <= now => Run::Unknown.as_str(),
        (Some(run), _) => run.state.as_str(),
        (None, ApprovalState::Pending | ApprovalState::Approved) if row.expires_at <= now => {
            ApprovalState::Expired.as_str()
        }
        (None, state) => state.as_str(),
    }
}

fn waiting(rules: &Rules, id: &ApprovalId, until: Timestamp) -> Response {
    let body = json!({
        "status": "pending", "approval": id, "url": format!("{}/a/{id}", rules.approvals),
        "expires_at": until.to_string(), "retry_after_seconds": AGAIN_SECONDS,
    });
    Response::json(202, &body)
        .with("location", format!("/v1/approvals/{id}"))
        .with("retry-after", AGAIN_SECONDS.to_string())
}

fn at_second(seconds: u64) -> Option<String> {
    let millis = i64::try_from(seconds.saturating_mul(1_000)).ok()?;
    Timestamp::from_unix_millis(millis).ok().map(|at| at.to_string())
}
