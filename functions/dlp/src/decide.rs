//! The decision: pure, over facts that were read in one trip. This is the file to read for "was it authorized?".
//!
//! Order, each step a reason of its own: TLS → key (its state) → form → owner, org, tenant, agent → networks → kill switches →
//! scopes and role → residency of the tenant → person → keys → policy → what was asked for.
//! The key's hash was checked while the facts were loaded: without it there is no [`Caller`], and no facts.

use std::sync::Arc;

use caller::tokens::Holder;
use caller::{
    Asserted, Documents, Keys, NoPerson, Person, Said, Scribe, SealRandom, Unreadable, acquainted, keys_fault,
};
use domain::{ActionId, AuditRecord, Metadata, PolicyRow, Reason, Region, RestoreField, Timestamp};
use envelope::RootError;
use policy::{Action, Caller, RoleTable, Standing};
use redact::{Links, Policies};

use crate::batch::Batch;
use crate::engine::Policy;
use crate::event::{self, Request, Route};
use crate::plan::{self, Of, Plan};
use crate::records::{Known, Writer};
use crate::response::Refused;

/// What does not change between calls.
#[derive(Debug)]
pub struct Rules {
    pub region: Region,
    pub roles: RoleTable,
    /// DLP policies, compiled from the documents that each call reads.
    pub policies: Policies,
}

/// What was read for this call. Anything absent refuses.
#[derive(Debug)]
pub struct Facts {
    pub caller: Caller,
    pub standing: Standing,
    pub policy: Option<PolicyRow>,
    /// DLP policies: nobody has to write one, but what is written must read.
    pub dlp: Result<Documents, Unreadable>,
    pub keys: Result<Keys, RootError>,
    /// Whoever the call is said to be for; `None` when nobody is named.
    pub person: Option<Result<Person, NoPerson>>,
}

/// Time and chance, as values.
#[derive(Debug, Clone)]
pub struct Moment {
    pub now: Timestamp,
    pub random: Random,
}

/// Fresh random bytes, one field per use, so that no two uses share any.
#[derive(Clone)]
pub struct Random {
    pub action: [u8; 10],
    pub first_event: [u8; 10],
    pub second_event: [u8; 10],
    pub nonce: [u8; 5],
    /// Whoever has these knows the call's tokens.
    pub tokens: [u8; 32],
    pub first_seal: SealRandom,
    pub second_seal: SealRandom,
}

impl std::fmt::Debug for Random {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Random")
    }
}

/// What is to be done.
#[derive(Debug)]
pub enum Decision {
    /// Record, then say no.
    Refuse {
        action_id: ActionId,
        refused: Refused,
        record: Box<AuditRecord>,
    },
    Allow(Box<Plan>),
}

/// Decides a call.
pub fn decide(rules: &Rules, request: Request, facts: Facts, moment: &Moment) -> Decision {
    let person = facts.person.as_ref().and_then(|person| person.as_ref().ok());
    let writer = writer(rules, &request, &facts.caller, facts.keys.as_ref().ok(), person, moment);
    let mut known = Known::default();
    match admit(rules, request, facts, moment, &writer, &mut known) {
        Ok(plan) => Decision::Allow(Box::new(plan)),
        Err(refused) => refuse(&writer, refused, moment, &known),
    }
}

fn refuse(writer: &Writer, refused: Refused, moment: &Moment, known: &Known) -> Decision {
    let record = Box::new(writer.refusal(moment.now, &refused, known));
    Decision::Refuse { action_id: writer.action_id, refused, record }
}

fn writer(
    rules: &Rules,
    request: &Request,
    caller: &Caller,
    keys: Option<&Keys>,
    person: Option<&Person>,
    moment: &Moment,
) -> Writer {
    let nothing = Asserted::default();
    let asserted = request.asserted.as_ref().unwrap_or(&nothing);
    let action = match &request.route {
        Route::Call(action, _) => Some(*action),
        Route::Health | Route::OpenApi | Route::Stray(_) => None,
    };
    let scribe = Scribe {
        row: caller.row().clone(),
        region: rules.region,
        source_ip: request.source_ip,
        request_id: request.request_id.clone(),
        audit_key: keys.map(|keys| Arc::clone(&keys.audit)),
        action: action.map_or("http.request", Action::as_str),
        said: Said::new(asserted, keys.map(|keys| keys.pseudonym.as_ref()), person),
    };
    Writer::new(scribe, ActionId::new(moment.now, moment.random.action), action, moment)
}

/// Refuses a caller whose key verified but whose facts could not be read.
pub fn unread(rules: &Rules, request: &Request, caller: &Caller, moment: &Moment) -> Decision {
    let writer = writer(rules, request, caller, None, None, moment);
    refuse(&writer, Reason::FactsUnavailable.into(), moment, &Known::default())
}

fn admit(
    rules: &Rules,
    request: Request,
    facts: Facts,
    moment: &Moment,
    writer: &Writer,
    known: &mut Known,
) -> Result<Plan, Refused> {
    request.tls?;
    facts.caller.usable(moment.now)?;
    let approach = request.approach();
    let (action, body) = match request.route {
        Route::Call(action, body) => (action, body?),
        Route::Stray(reason) => return Err(reason.into()),
        Route::Health | Route::OpenApi => return Err(Reason::UnknownPath.into()),
    };
    let batch = Batch::read(&body)?;
    request.asserted?;
    let tenant_region = facts.standing.tenant.as_ref().map(|tenant| tenant.region);
    let accountable = facts.caller.standing(&facts.standing, &approach)?;
    let general = facts.policy.ok_or(Reason::FactsUnavailable)?;
    let asked = policy::Request {
        action_id: writer.action_id,
        action,
        model: None,
        route: Some(event::path(action)),
        policy_version: general.version,
    };
    let permit = accountable.authorize(&rules.roles, asked)?;
    known.authority = Some(permit.authority().clone());
    if tenant_region != Some(rules.region) {
        return Err(Reason::ResidencyTenant.into());
    }
    acquainted(facts.person.as_ref())?;
    let keys = facts.keys.map_err(keys_fault)?;
    let policy = policy(rules, facts.dlp)?;

    let action_id = writer.action_id;
    known.request_commitment = Some(keys.audit.commitment("request", action_id.as_bytes(), body.as_bytes()));
    let items = u64::try_from(batch.shape.len()).unwrap_or(u64::MAX);
    let holder = holder(&writer.scribe);
    let mut metadata = Metadata::default();
    let work = match action {
        Action::DlpDetect => plan::detect(&policy, &batch, known),
        Action::DlpRedact => {
            let person = facts.person.and_then(Result::ok);
            plan::redact(&policy, batch, Of { action_id, moment, keys: &keys, holder, person }, known)?
        }
        Action::DlpRestore => {
            let work;
            let links =
                if general.restore.contains(&RestoreField::Links) { Links::Restore } else { Links::Keep };
            (work, metadata) = plan::restore(&policy, batch, holder, links)?;
            work
        }
        Action::LlmCall | Action::ModelsList | Action::ActionsRequest => {
            return Err(Reason::UnknownPath.into());
        }
    };
    let metadata = metadata.count("items", items);
    Ok(Plan { permit, writer: writer.clone(), known: known.clone(), metadata, work })
}

/// The DLP policy in force: whatever stands in a document that does not read is unknown, so nothing may pass it.
fn policy(rules: &Rules, documents: Result<Documents, Unreadable>) -> Result<Policy, Reason> {
    let documents = documents.map_err(|Unreadable| Reason::PolicyUnreadable)?;
    let policy = rules.policies.get(documents.texts(), false);
    policy.map(Policy::from).map_err(|_| Reason::PolicyUnreadable)
}

/// In whose call tokens are made, or asked for.
fn holder(scribe: &Scribe) -> Holder {
    Holder {
        tenant: scribe.row.tenant.clone(),
        agent: scribe.row.agent.clone(),
        conversation: scribe.said.conversation().cloned(),
    }
}

#[cfg(test)]
mod tests;
