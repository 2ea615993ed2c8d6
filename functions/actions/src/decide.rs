//! The decision about an action: pure, over facts that were read for it. This is the file to read for "was it authorized?".
//!
//! Order, each step a reason of its own: TLS → key (its state) → form → owner, org, tenant, agent → networks → kill switches →
//! scopes and role → residency of the tenant → keys → the tenant's gate → what became of the same request before.
//! Who approves, and whether it may run, is decided again when the permit is consumed: [`crate::consume`].

use std::sync::Arc;

use caller::{Asserted, Keys, Said, Scribe, SealRandom, keys_fault};
use domain::{
    ActionDigest, ActionForm, ActionId, ApprovalId, ApprovalRow, ApprovalRule, ApprovalState, Asked,
    AuditRecord, Authority, GateRow, InEpoch, KeyRow, Name, Opaque, Owner, PermitId, Reason, Region,
    Requester, SealedBytes, Timestamp,
};
use envelope::RootError;
use policy::gate::{self, Gates, Verdict};
use policy::{Action, Caller, Permit, RoleTable, Standing};
use tables::standing::cause_digest;

use crate::asking::{ARGUMENTS_MAX, Asking};
pub use crate::earlier::{Approved, Earlier, Next, next};
use crate::event::{self, Request, Route};
use crate::ids::ids;
use crate::permit::{Claims, LIFETIME_SECONDS};
use crate::records::{Known, Writer};
use crate::response::Refused;

/// What does not change between calls.
#[derive(Debug)]
pub struct Rules {
    pub region: Region,
    pub roles: RoleTable,
    /// Gates, compiled from the documents that each call reads.
    pub gates: Gates,
    /// Who issues permits: our own address, without a slash at its end.
    pub issuer: String,
    /// Where people decide, without a slash at its end.
    pub approvals: String,
}

/// What was read for this call. Anything absent refuses.
#[derive(Debug)]
pub struct Facts {
    pub caller: Caller,
    pub standing: Standing,
    pub gate: Option<GateRow>,
    pub keys: Result<Keys, RootError>,
}

/// Time and chance, as values.
#[derive(Debug, Clone)]
pub struct Moment {
    pub now: Timestamp,
    pub random: Random,
}

/// Fresh random bytes, one field per use, so that no two uses share any.
#[derive(Debug, Clone)]
pub struct Random {
    pub action: [u8; 10],
    pub first_event: [u8; 10],
    pub second_event: [u8; 10],
    pub first_seal: SealRandom,
    pub second_seal: SealRandom,
}

/// An action that its caller may ask for.
#[derive(Debug)]
pub struct Admitted {
    pub permit: Permit,
    pub writer: Writer,
    pub known: Known,
    pub asking: Asking,
    pub digest: ActionDigest,
    pub approval: ApprovalId,
    pub permit_id: PermitId,
    pub policy_version: u64,
    pub from: Requester,
    /// For whom the agent says that it acts, if that could be somebody who decides.
    pub cause: Option<Opaque>,
    pub switches: [u64; 4],
    /// `None`: nobody has to agree.
    pub hold: Option<Hold>,
}

/// Who has to agree, and which gates say so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    pub rules: Vec<ApprovalRule>,
    pub gates: std::collections::BTreeSet<Name>,
}

/// A refusal, recorded before it is told.
#[derive(Debug)]
pub struct Refusal {
    pub action_id: ActionId,
    pub refused: Refused,
    pub record: Box<AuditRecord>,
}

/// Whether an action may be asked for at all.
///
/// # Errors
/// It may not: recorded, then told.
pub fn admit(
    rules: &Rules,
    request: &Request,
    facts: Facts,
    moment: &Moment,
) -> Result<Box<Admitted>, Refusal> {
    let writer = writer(rules, request, &facts.caller, facts.keys.as_ref().ok(), moment);
    let mut known = Known::default();
    admitted(rules, request, facts, moment, &writer, &mut known)
        .map(Box::new)
        .map_err(|refused| refuse(&writer, refused, moment.now, &known))
}

pub fn refuse(writer: &Writer, refused: Refused, now: Timestamp, known: &Known) -> Refusal {
    let record = Box::new(writer.refusal(now, &refused, known));
    Refusal { action_id: writer.action_id, refused, record }
}

pub fn writer(
    rules: &Rules,
    request: &Request,
    caller: &Caller,
    keys: Option<&Keys>,
    moment: &Moment,
) -> Writer {
    let nothing = Asserted::default();
    let asserted = request.asserted.as_ref().unwrap_or(&nothing);
    let scribe = Scribe {
        row: caller.row().clone(),
        region: rules.region,
        source_ip: request.source_ip,
        request_id: request.request_id.clone(),
        audit_key: keys.map(|keys| Arc::clone(&keys.audit)),
        action: Action::ActionsRequest.as_str(),
        said: Said::new(asserted, keys.map(|keys| keys.pseudonym.as_ref()), None),
    };
    let who = asserted.on_behalf_of.as_deref().zip(keys);
    let on_behalf_of = who.and_then(|(who, keys)| keys.pseudonym.pseudonym("person", who).parse().ok());
    Writer::new(scribe, ActionId::new(moment.now, moment.random.action), on_behalf_of, moment)
}

/// Refuses a caller whose key verified but whose facts could not be read.
pub fn unread(rules: &Rules, request: &Request, caller: &Caller, moment: &Moment) -> Refusal {
    let writer = writer(rules, request, caller, None, moment);
    refuse(&writer, Reason::FactsUnavailable.into(), moment.now, &Known::default())
}

/// Everything up to the gate: who asks, and whether they may ask here for anything.
///
/// # Errors
/// Why not.
pub fn authorized(
    rules: &Rules,
    request: &Request,
    facts: &Facts,
    (now, action_id, path): (Timestamp, ActionId, &str),
) -> Result<Permit, Refused> {
    request.tls?;
    facts.caller.usable(now)?;
    request.asserted.as_ref().map_err(Clone::clone)?;
    let accountable = facts.caller.clone().standing(&facts.standing, &request.approach())?;
    let asked = policy::Request {
        action_id,
        action: Action::ActionsRequest,
        model: None,
        route: Some(path),
        policy_version: facts.gate.as_ref().map_or(0, |gate| gate.version),
    };
    let permit = accountable.authorize(&rules.roles, asked)?;
    if facts.standing.tenant.as_ref().map(|tenant| tenant.region) != Some(rules.region) {
        return Err(Reason::ResidencyTenant.into());
    }
    Ok(permit)
}

fn admitted(
    rules: &Rules,
    request: &Request,
    facts: Facts,
    moment: &Moment,
    writer: &Writer,
    known: &mut Known,
) -> Result<Admitted, Refused> {
    let body = match &request.route {
        Route::Act(body) => body.as_ref().map_err(Clone::clone)?,
        Route::Stray(reason) => return Err((*reason).into()),
        _ => return Err(Reason::UnknownPath.into()),
    };
    let permit = authorized(rules, request, &facts, (moment.now, writer.action_id, "/v1/actions"))?;
    known.authority = Some(permit.authority().clone());
    let asking = event::asking(body)?;
    known.tool = Some(asking.tool.clone());
    let row = facts.caller.row().clone();
    let digest = digest(&row, &asking)?;
    known.digest = Some(digest.to_digest());
    facts.keys.map_err(keys_fault)?;
    let gate = facts.gate.ok_or(Reason::GateMissing)?;
    let hold = gated(rules, &gate, &row, &facts.standing, &asking, moment.now, known)?;
    let switches = facts.standing.kills.versions().ok_or(Reason::FactsUnavailable)?;
    let (approval, permit_id) = ids(&row, &asking.idempotency_key);
    let from = requester(&row, &facts.standing, writer);
    let said = request.asserted.as_ref().ok().and_then(|asserted| asserted.on_behalf_of.as_deref());
    let cause = said.and_then(|who| cause_digest(&from.org, who));
    let policy_version = gate.version;
    let (writer, known) = (writer.clone(), known.clone());
    Ok(Admitted {
        permit,
        writer,
        known,
        asking,
        digest,
        approval,
        permit_id,
        policy_version,
        from,
        cause,
        switches,
        hold,
    })
}

fn digest(row: &KeyRow, asking: &Asking) -> Result<ActionDigest, Refused> {
    let form =
        ActionForm::new(&row.tenant, &row.agent, &asking.tool, &asking.arguments, asking.target.as_deref());
    let inexact = |error: domain::ActionError| {
        Refused::from(caller::Fault::at(Reason::InvalidField, "arguments", error.to_string().as_str()))
    };
    let canonical = form.canonical().map_err(inexact)?;
    if canonical.len() > ARGUMENTS_MAX {
        let hint = format!("send at most {ARGUMENTS_MAX} bytes: nobody could be shown more");
        return Err(caller::Fault::at(Reason::InvalidField, "arguments", hint.as_str()).into());
    }
    form.digest().map_err(inexact)
}

/// What the tenant's gate says. Whatever does not read or cannot be evaluated refuses.
fn gated(
    rules: &Rules,
    row: &GateRow,
    key: &KeyRow,
    standing: &Standing,
    asking: &Asking,
    now: Timestamp,
    known: &mut Known,
) -> Result<Option<Hold>, Refused> {
    let gate = rules.gates.get(&row.document).map_err(|_| Reason::GateUnreadable)?;
    let team = standing.team();
    let ask = gate::Asking {
        agent: &key.agent,
        team: team.as_ref(),
        tool: &asking.tool,
        arguments: &asking.arguments,
        target: asking.target.as_deref(),
    };
    match gate.decide(&ask, now) {
        Verdict::Permit => Ok(None),
        Verdict::Hold { rules, gates } => Ok(Some(Hold { rules, gates })),
        Verdict::Forbid { gates } => {
            known.gates = gates;
            Err(Reason::ActionForbidden.into())
        }
        Verdict::Unmatched => Err(Reason::ActionForbidden.into()),
        Verdict::Failed { gates } => {
            known.gates = gates;
            Err(Reason::GateUnreadable.into())
        }
    }
}

fn requester(row: &KeyRow, standing: &Standing, writer: &Writer) -> Requester {
    let owner = match &row.owner {
        Owner::User { id, epoch } => Some(InEpoch::new(id.clone(), *epoch)),
        Owner::Tenant => None,
    };
    let answers = standing.agent_owner.as_ref().map(|user| InEpoch::new(user.id.clone(), user.epoch));
    Requester {
        org: row.org.clone(),
        tenant: row.tenant.clone(),
        agent: row.agent.clone(),
        key: row.id.clone(),
        owner,
        answers,
        on_behalf_of: writer.on_behalf_of.clone(),
    }
}

impl Admitted {
    /// The row of a new request. The shortest of its rules says how long it waits.
    pub fn row(&self, hold: &Hold, sealed: SealedBytes, now: Timestamp) -> ApprovalRow {
        let minutes = hold.rules.iter().map(|rule| u64::from(rule.expires_minutes)).min().unwrap_or(0);
        ApprovalRow {
            id: self.approval.clone(),
            from: self.from.clone(),
            asked: Asked {
                tool: self.asking.tool.clone(),
                digest: self.digest.to_digest(),
                sealed,
                policy_version: self.policy_version,
                gates: hold.gates.clone(),
                callback: self.asking.callback.clone(),
            },
            rules: hold.rules.clone(),
            state: ApprovalState::Pending,
            votes: Vec::new(),
            switches: self.switches,
            created_at: now,
            expires_at: now.plus_millis(minutes.saturating_mul(60_000)),
            reminded_at: None,
            escalated_at: None,
            ended_at: None,
        }
    }

    /// What its permit says.
    pub fn claims(&self, issuer: &str, approved: Option<Approved>, now: Timestamp) -> Claims {
        let policy_version = approved.as_ref().map_or(self.policy_version, |one| one.policy_version);
        let iat = now.unix_millis() / 1_000;
        Claims {
            iss: issuer.to_owned(),
            aud: self.asking.tool.clone(),
            sub: self.from.agent.clone(),
            jti: self.permit_id.clone(),
            iat,
            exp: iat.saturating_add(LIFETIME_SECONDS),
            tenant_id: self.from.tenant.clone(),
            agent_id: self.from.agent.clone(),
            key_id: self.from.key.clone(),
            action_sha256: self.digest.to_digest(),
            policy_version,
            approval_id: approved.map(|one| one.id),
        }
    }

    /// By which authority it is asked for.
    pub const fn authority(&self) -> &Authority {
        self.permit.authority()
    }
}

#[cfg(test)]
mod tests;
