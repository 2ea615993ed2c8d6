//! The decision: pure, over facts that were read in one trip. This is the file to read for "was it authorized?".
//!
//! Order, each step a reason of its own: TLS → key (its state) → form → owner, org, tenant, agent and its owner → networks → kill switches
//! → scopes and role → consent → residency of the tenant → whom the call is for → what cannot be inspected, forbidden tools → model and provider, residency of the provider,
//! breaker → translation → keys → redaction → budget → time.
//! The key's hash was checked while the facts were loaded: without it there is no [`Caller`], and no facts.

use std::sync::Arc;
use std::time::Duration;

use caller::{Asserted, Documents, Keys, NoPerson, Person, Unreadable, acquainted};
use domain::{
    ActionId, AuditRecord, Decided, EventId, GateRow, Metadata, Name, Phase, PolicyRow, Providers, Reason,
    Region, Timestamp,
};
use egress::Reach;
use envelope::RootError;
use policy::gate_names::GateNames;
use policy::{Accountable, Action, Caller, Permit, RoleTable, Standing};
use redact::{Policies, Redacted};
use serde_json::Value;

use crate::breaker::{Breakers, Tried};
use crate::budget::Budget;
use crate::candidates::{Choice, Chosen};
use crate::dialect::{Dialect, Vendor};
use crate::event::{Request, Route, Sent};
use crate::form::{Ask, Fault, tools as form_tools};
use crate::gated::Gate;
use crate::plan::{Bound, Call, Means, Planned, Wanted};
use crate::records::{Entry, Known, Said, Scribe, SealRandom};
use crate::refusal;
use crate::response::Refused;
use crate::stream::is_forbidden;

/// What does not change between calls.
#[derive(Debug)]
pub struct Rules {
    pub region: Region,
    pub reach: Reach,
    pub roles: RoleTable,
    /// DLP policies, compiled from the documents that each call reads.
    pub policies: Policies,
    /// Gates by their names, read from the documents that each call reads.
    pub gates: GateNames,
    pub provider_timeout: Duration,
}

/// Whether the person whom a call is about has agreed to what is done for it (GDPR article 7).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Consent {
    /// Nothing that was read asks for it.
    #[default]
    NotRequired,
    Given,
    Missing,
}

/// What was read for this call. Anything absent refuses.
#[derive(Debug)]
pub struct Facts {
    pub caller: Caller,
    pub standing: Standing,
    pub policy: Option<PolicyRow>,
    pub providers: Option<Providers>,
    pub budget: Option<Budget>,
    pub dlp: Result<Documents, Unreadable>,
    /// For the answer alone: a call of a model passes no gate.
    pub gate: Result<Option<GateRow>, Unreadable>,
    pub keys: Result<Keys, RootError>,
    pub breakers: Breakers,
    /// The tries of this request before this one.
    pub tried: Tried,
    /// Whoever the call is said to be for; `None` when nobody is named.
    pub person: Option<Result<Person, NoPerson>>,
    pub consent: Consent,
}

/// Time and chance, as values.
#[derive(Debug, Clone)]
pub struct Moment {
    pub now: Timestamp,
    /// Until the platform stops the function.
    pub time_left: Duration,
    pub random: Random,
}

/// Fresh random bytes, one field per use, so that no two uses share any.
#[derive(Debug, Clone)]
pub struct Random {
    pub action: [u8; 10],
    pub first_event: [u8; 10],
    pub second_event: [u8; 10],
    pub nonce: [u8; 5],
    pub tokens: [u8; 32],
    pub first_seal: SealRandom,
    pub second_seal: SealRandom,
    pub tools_returned: [u8; 10],
    pub tools_requested: [u8; 10],
}

/// What is to be done.
#[derive(Debug)]
pub enum Decision {
    /// Record, then say no.
    Refuse { vendor: Vendor, action_id: ActionId, refused: Refused, record: Box<AuditRecord> },
    /// The models that this key may call.
    Models(Vec<Name>),
    /// Hold and record, forward, settle and record.
    Forward(Box<Plan>),
}

/// An allowed call, up to its effects: two of the four proofs that clear it, and all that the effects need to know.
#[derive(Debug)]
pub struct Plan {
    pub permit: Permit,
    pub body: Redacted<Value>,
    pub call: Call,
}

/// Decides a call.
pub fn decide(rules: &Rules, request: &Request, facts: Facts, moment: &Moment) -> Decision {
    let action_id = ActionId::new(moment.now, moment.random.action);
    let person = facts.person.as_ref().and_then(|person| person.as_ref().ok());
    let scribe = scribe(rules, request, &facts.caller, facts.keys.as_ref().ok(), person);
    let vendor = request.route.vendor();
    let mut known = Known::default();
    match admit(rules, request, facts, moment, &scribe, &mut known) {
        Ok(decision) => decision,
        Err(refused) => {
            let record = Box::new(refusal_record(&scribe, &known, moment, action_id, refused.reason));
            Decision::Refuse { vendor, action_id, refused, record }
        }
    }
}

fn scribe(
    rules: &Rules,
    request: &Request,
    caller: &Caller,
    keys: Option<&Keys>,
    person: Option<&Person>,
) -> Scribe {
    let nothing = Asserted::default();
    let asserted = request.asserted.as_ref().unwrap_or(&nothing);
    Scribe {
        row: caller.row().clone(),
        region: rules.region,
        source_ip: request.source_ip,
        request_id: request.request_id.clone(),
        audit_key: keys.map(|keys| Arc::clone(&keys.audit)),
        action: action(&request.route),
        said: Said::new(asserted, keys.map(|keys| keys.pseudonym.as_ref()), person),
    }
}

fn action(route: &Route) -> &'static str {
    match route {
        Route::Models => Action::ModelsList.as_str(),
        Route::Call(..) => Action::LlmCall.as_str(),
        Route::Health | Route::Stray(..) => "http.request",
    }
}

/// Refuses a caller whose key verified but whose facts could not be read.
pub fn unread(rules: &Rules, request: &Request, caller: &Caller, moment: &Moment) -> Decision {
    let action_id = ActionId::new(moment.now, moment.random.action);
    let scribe = scribe(rules, request, caller, None, None);
    let refused = Refused::from(Reason::FactsUnavailable);
    let record = refusal_record(&scribe, &Known::default(), moment, action_id, refused.reason);
    Decision::Refuse { vendor: request.route.vendor(), action_id, refused, record: Box::new(record) }
}

fn admit(
    rules: &Rules,
    request: &Request,
    facts: Facts,
    moment: &Moment,
    scribe: &Scribe,
    known: &mut Known,
) -> Result<Decision, Refused> {
    request.tls?;
    facts.caller.usable(moment.now)?;
    let approach = request.approach();
    let wanted = well_formed(&request.route, scribe)?;
    request.asserted.as_ref().map_err(Clone::clone)?;
    let tenant_region = facts.standing.tenant.as_ref().map(|tenant| tenant.region);
    let team = facts.standing.team();
    let accountable = facts.caller.standing(&facts.standing, &approach)?;
    let policy = facts.policy.ok_or(Reason::FactsUnavailable)?;
    let providers = facts.providers.ok_or(Reason::FactsUnavailable)?;
    let action_id = ActionId::new(moment.now, moment.random.action);

    let model = wanted.as_ref().and_then(|wanted| named(&providers, wanted.ask.model()));
    known.model.clone_from(&model);
    let route = wanted.as_ref().map(|wanted| wanted.ask.dialect());
    let permit = authorize(rules, &accountable, route, model.as_ref(), &policy, action_id)?;
    known.authority = Some(permit.authority().clone());
    if facts.consent == Consent::Missing {
        return Err(Reason::ConsentMissing.into());
    }
    if tenant_region != Some(rules.region) {
        return Err(Reason::ResidencyTenant.into());
    }
    let Some(wanted) = wanted else { return Ok(Decision::Models(models(rules, &accountable, &providers))) };
    acquainted(facts.person.as_ref())?;
    permitted(&wanted.ask, &policy)?;
    let choice = Choice {
        rules,
        accountable: &accountable,
        policy: &policy,
        breakers: &facts.breakers,
        tried: &facts.tried,
        now: moment.now,
    };
    let Chosen { provider, model, target, passage } =
        choice.choose(&scribe.row.tenant, &providers, &wanted.ask, known)?;
    let dlp = dlp(rules, facts.dlp, policy.redact_answers)?;
    let gate = Gate::of(&rules.gates, facts.gate);
    let bound = Bound { provider, model, policy: &policy, dlp, gate, target, passage };
    let call = Planned { rules, moment, scribe, action_id };
    let person = facts.person.and_then(Result::ok);
    let means = Means { keys: facts.keys, budget: facts.budget, team, person };
    let plan = call.plan(wanted, bound, means, permit, known)?;
    Ok(Decision::Forward(Box::new(plan)))
}

/// The DLP policy in force: whatever stands in a document that does not read is unknown, so nothing may pass it.
fn dlp(
    rules: &Rules,
    documents: Result<Documents, Unreadable>,
    answers: bool,
) -> Result<Arc<redact::Policy>, Reason> {
    let documents = documents.map_err(|Unreadable| Reason::PolicyUnreadable)?;
    rules.policies.get(documents.texts(), answers).map_err(|_| Reason::PolicyUnreadable)
}

/// What the tenant's policy has to say about a call's content: what nobody can look into, and forbidden tools.
fn permitted(ask: &Ask, policy: &PolicyRow) -> Result<(), Refused> {
    let lacking =
        |what: Option<domain::Uninspectable>| what.is_none_or(|what| !policy.permits.contains(&what));
    if let Some(need) = ask.needs().iter().find(|need| lacking(need.what)) {
        let hint = match need.what {
            Some(what) => format!("{}; policy would have to permit `{what}`", need.why),
            None => need.why.to_owned(),
        };
        return Err(Fault::at(Reason::Uninspectable, &need.param, &hint).into());
    }
    let declared = form_tools::declared(ask.body());
    match declared.into_iter().find(|(_, name)| is_forbidden(&policy.forbidden_tools, name)) {
        Some((param, _)) => Err(Refused { param: Some(param), ..Reason::ToolForbidden.into() }),
        None => Ok(()),
    }
}

/// The request of a call, or `None` for a route without a body.
fn well_formed(route: &Route, scribe: &Scribe) -> Result<Option<Wanted>, Refused> {
    match route {
        Route::Stray(_, reason) => Err((*reason).into()),
        Route::Models | Route::Health => Ok(None),
        Route::Call(dialect, sent) => {
            let Sent { body, betas, again } = sent.as_ref().map_err(Clone::clone)?;
            let ask = Ask::read(*dialect, body)?;
            let foreign = ask.names_other_than(&scribe.row.org, &scribe.row.tenant);
            if foreign {
                Err(Reason::ForeignIdentifier.into())
            } else {
                let came = if again.is_told() { body.clone() } else { String::new() };
                Ok(Some(Wanted { ask, betas: betas.clone(), again: again.clone(), body: came }))
            }
        }
    }
}

/// The configured name of a model, whatever its provider's region. The caller's own text goes no further.
fn named(providers: &Providers, model: &str) -> Option<Name> {
    providers.find(model).map(|(_, model)| model.name.clone())
}

fn authorize(
    rules: &Rules,
    accountable: &Accountable,
    route: Option<Dialect>,
    model: Option<&Name>,
    policy: &PolicyRow,
    action_id: ActionId,
) -> Result<Permit, Reason> {
    let action = if route.is_some() { Action::LlmCall } else { Action::ModelsList };
    let route = route.map(Dialect::route);
    let request = policy::Request { action_id, action, model, route, policy_version: policy.version };
    accountable.authorize(&rules.roles, request)
}

fn models(rules: &Rules, accountable: &Accountable, providers: &Providers) -> Vec<Name> {
    let allowed = accountable.row().scopes.models.as_ref();
    let mut names: Vec<_> = providers
        .0
        .iter()
        .filter(|provider| provider.region == rules.region)
        .flat_map(|provider| provider.models.iter().map(|model| &model.name))
        .filter(|name| allowed.is_none_or(|allowed| allowed.contains(name)))
        .cloned()
        .collect();
    names.sort();
    names.dedup();
    names
}

fn refusal_record(
    scribe: &Scribe,
    known: &Known,
    moment: &Moment,
    action_id: ActionId,
    reason: Reason,
) -> AuditRecord {
    let entry = Entry {
        at: moment.now,
        event_id: EventId::new(moment.now, moment.random.first_event),
        seal_random: Some(moment.random.first_seal),
        event: refusal::row(reason).event,
        phase: Phase::Single,
        decision: Decided::Deny,
        reason,
        description: "The gateway refused a call: nothing was sent.",
        metadata: Metadata::default().count("status", refusal::row(reason).status.into()),
    };
    let mut record = scribe.record(action_id, entry);
    known.add_to(&mut record);
    record
}

#[cfg(test)]
mod tests;
