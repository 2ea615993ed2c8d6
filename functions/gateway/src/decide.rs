//! The decision: pure, over facts that were read in one trip. This is the file to read for "was it authorized?".
//!
//! Order, each step a reason of its own: key (expiry, revoked) → form → owner, org, tenant, agent → scopes and role
//! → residency of the tenant → model and provider, residency of the provider → keys → redaction → budget → time.
//! The key's hash was checked while the facts were loaded: without it there is no [`Caller`], and no facts.

use std::sync::Arc;
use std::time::Duration;

use domain::{
    ActionId, AuditRecord, BudgetRow, Decided, EventId, EventType, Metadata, Name, Phase, PolicyRow,
    Provider, ProviderModel, Providers, Reason, Region, Timestamp,
};
use egress::{Reach, Target};
use envelope::{RootError, RootKey, SEAL_RANDOM_BYTES};
use policy::{Accountable, Action, Caller, Permit, RoleTable, Standing};
use redact::{Detectors, Nonce, Redacted, Redaction, Vault};
use serde_json::Value;

use crate::chat::Chat;
use crate::event::{Refused, Request, Route};
use crate::records::{Entry, Known, Scribe};
use crate::refusal;

/// What does not change between calls.
#[derive(Debug)]
pub struct Rules {
    pub region: Region,
    pub reach: Reach,
    pub roles: RoleTable,
    pub detectors: &'static Detectors,
    pub provider_timeout: Duration,
}

/// What was read for this call. Anything absent refuses.
#[derive(Debug)]
pub struct Facts {
    pub caller: Caller,
    pub standing: Standing,
    pub policy: Option<PolicyRow>,
    pub providers: Option<Providers>,
    pub budget: Option<BudgetRow>,
    pub keys: Result<Keys, RootError>,
}

/// The tenant's keys that a decision uses.
#[derive(Debug)]
pub struct Keys {
    pub audit: Arc<RootKey>,
    pub pseudonym: Arc<RootKey>,
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
    pub first_seal: [u8; SEAL_RANDOM_BYTES],
    pub second_seal: [u8; SEAL_RANDOM_BYTES],
}

/// What is to be done.
#[derive(Debug)]
pub enum Decision {
    /// Record, then say no.
    Refuse { action_id: ActionId, refused: Refused, record: Box<AuditRecord> },
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

/// What stays known of a call until its outcome is recorded.
#[derive(Debug)]
pub struct Call {
    pub action_id: ActionId,
    pub vault: Vault,
    /// Whether the caller gets its own values back.
    pub restore: bool,
    /// The worst case in tokens: what is held.
    pub worst_case: u64,
    pub target: Target,
    pub provider: Provider,
    pub deadline: Duration,
    pub attempt: AuditRecord,
    pub clamped: Option<String>,
    pub scribe: Scribe,
    pub known: Known,
    pub outcome_event: EventId,
    pub outcome_seal: [u8; SEAL_RANDOM_BYTES],
}

/// The function stops itself this long before the platform does: time to settle and to record.
const RESERVE: Duration = Duration::from_secs(10);
/// A call is not begun with less than this for the provider.
const LEAST: Duration = Duration::from_secs(1);

/// Decides a call.
pub fn decide(rules: &Rules, request: Request, facts: Facts, moment: &Moment) -> Decision {
    let action_id = ActionId::new(moment.now, moment.random.action);
    let scribe = Scribe {
        row: facts.caller.row().clone(),
        region: rules.region,
        source_ip: request.source_ip,
        request_id: request.request_id.clone(),
        audit_key: facts.keys.as_ref().ok().map(|keys| Arc::clone(&keys.audit)),
        action: action(&request.route),
    };
    let mut known = Known::default();
    match admit(rules, request, facts, moment, &scribe, &mut known) {
        Ok(decision) => decision,
        Err(refused) => {
            let record = Box::new(refusal_record(&scribe, &known, moment, action_id, refused.reason));
            Decision::Refuse { action_id, refused, record }
        }
    }
}

fn action(route: &Route) -> &'static str {
    match route {
        Route::Models => Action::ModelsList.as_str(),
        Route::Chat(_) => Action::LlmCall.as_str(),
        Route::Health | Route::Stray(_) => "http.request",
    }
}

/// Refuses a caller whose key verified but whose facts could not be read.
pub fn unread(rules: &Rules, request: &Request, caller: &Caller, moment: &Moment) -> Decision {
    let action_id = ActionId::new(moment.now, moment.random.action);
    let scribe = Scribe {
        row: caller.row().clone(),
        region: rules.region,
        source_ip: request.source_ip,
        request_id: request.request_id.clone(),
        audit_key: None,
        action: action(&request.route),
    };
    let refused = Refused::from(Reason::FactsUnavailable);
    let record = refusal_record(&scribe, &Known::default(), moment, action_id, refused.reason);
    Decision::Refuse { action_id, refused, record: Box::new(record) }
}

fn admit(
    rules: &Rules,
    request: Request,
    facts: Facts,
    moment: &Moment,
    scribe: &Scribe,
    known: &mut Known,
) -> Result<Decision, Refused> {
    facts.caller.usable(moment.now)?;
    let chat = well_formed(request.route, scribe)?;
    let tenant_region = facts.standing.tenant.as_ref().map(|tenant| tenant.region);
    let accountable = facts.caller.standing(&facts.standing)?;
    let policy = facts.policy.ok_or(Reason::FactsUnavailable)?;
    let providers = facts.providers.ok_or(Reason::FactsUnavailable)?;
    let action_id = ActionId::new(moment.now, moment.random.action);

    let wanted = chat.as_ref().and_then(|chat| named(&providers, chat.model()));
    known.model.clone_from(&wanted);
    let permit = authorize(rules, &accountable, chat.is_some(), wanted.as_ref(), &policy, action_id)?;
    known.authority = Some(permit.authority().clone());
    if tenant_region != Some(rules.region) {
        return Err(Reason::ResidencyTenant.into());
    }
    let Some(chat) = chat else { return Ok(Decision::Models(models(rules, &accountable, &providers))) };
    let (provider, model) = choose(rules, &providers, chat.model())?;
    known.provider = Some(provider.name.clone());
    known.provider_region = Some(provider.region);
    let target = Target::parse(&provider.base_url, rules.reach).map_err(|_| Reason::ProviderAddress)?;
    let keys = facts.keys.map_err(|_| Reason::KeysUnavailable)?;

    let limit = Limit::of(&chat, provider, model, &policy);
    let choices = chat.choices();
    let upstream =
        chat.into_upstream(model.upstream.as_str(), provider.kind, limit.tokens, |field, value| {
            keys.pseudonym.pseudonym(field, value)
        });
    let nonce = Nonce::from_bytes(moment.random.nonce);
    let redaction = redact::redact_json(rules.detectors, action_id, nonce, upstream).map_err(|error| {
        Refused { hint: Some(error.to_string()), ..Refused::from(Reason::RedactionFailed) }
    })?;
    let Redaction { body, vault, findings } = redaction;
    known.findings(&findings);

    let sent = body.get().to_string();
    let worst_case = worst_case(sent.len(), choices, limit.tokens);
    affordable(facts.budget, worst_case)?;
    let deadline = deadline(rules, moment)?;
    let mut attempt = scribe.record(action_id, attempt_entry(moment, worst_case, limit.clamped.is_some()));
    known.add_to(&mut attempt);
    attempt.request_commitment =
        Some(keys.audit.commitment("request", action_id.as_bytes(), sent.as_bytes()));

    let call = Call {
        action_id,
        vault,
        restore: policy.restore,
        worst_case,
        target,
        provider: provider.clone(),
        deadline,
        attempt,
        clamped: limit.clamped,
        scribe: scribe.clone(),
        known: known.clone(),
        outcome_event: EventId::new(moment.now, moment.random.second_event),
        outcome_seal: moment.random.second_seal,
    };
    Ok(Decision::Forward(Box::new(Plan { permit, body, call })))
}

/// The chat request, or `None` for a route without a body.
fn well_formed(route: Route, scribe: &Scribe) -> Result<Option<Chat>, Refused> {
    match route {
        Route::Stray(reason) => Err(reason.into()),
        Route::Models | Route::Health => Ok(None),
        Route::Chat(body) => {
            let chat = Chat::read(&body?)?;
            let foreign = chat.names_other_than(&scribe.row.org, &scribe.row.tenant);
            if foreign { Err(Reason::ForeignIdentifier.into()) } else { Ok(Some(chat)) }
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
    call: bool,
    model: Option<&Name>,
    policy: &PolicyRow,
    action_id: ActionId,
) -> Result<Permit, Reason> {
    let action = if call { Action::LlmCall } else { Action::ModelsList };
    let request = policy::Request { action_id, action, model, policy_version: policy.version };
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

/// The first provider of the model in the tenant's region. There is no fallback to another region.
fn choose<'a>(
    rules: &Rules,
    providers: &'a Providers,
    model: &str,
) -> Result<(&'a Provider, &'a ProviderModel), Reason> {
    let mut having = providers.0.iter().filter_map(|provider| {
        let model = provider.models.iter().find(|entry| entry.name.as_str() == model)?;
        Some((provider, model))
    });
    let mut found = having.clone().peekable();
    found.peek().ok_or(Reason::ModelUnknown)?;
    having.find(|(provider, _)| provider.region == rules.region).ok_or(Reason::ResidencyProvider)
}

/// The most output tokens of one answer, and what the caller is told about it.
struct Limit {
    tokens: u64,
    clamped: Option<String>,
}

impl Limit {
    fn of(chat: &Chat, provider: &Provider, model: &ProviderModel, policy: &PolicyRow) -> Self {
        let most = model.max_output_tokens.min(policy.max_output_tokens);
        let asked = chat.asked_output();
        let tokens = asked.unwrap_or(most).min(most);
        let changed = asked != Some(tokens);
        let field = provider.kind.limit_field();
        Self { tokens, clamped: changed.then(|| format!("{field}={tokens}")) }
    }
}

/// What a provider may add to a call that nobody sees, such as the prompt that explains tools to the model
/// (Anthropic documents 159 to 530 tokens).
const FRAMING_TOKENS: u64 = 1_024;

/// The most tokens that a call can cost: one per byte sent, since a token of a byte-pair tokenizer covers at least one
/// byte of its input; what the provider may add; and all the output it is allowed. A provider that reports more is
/// settled at this, and the outcome says so.
fn worst_case(sent_bytes: usize, choices: u64, max_output: u64) -> u64 {
    let input = u64::try_from(sent_bytes).unwrap_or(u64::MAX).saturating_add(FRAMING_TOKENS);
    input.saturating_add(choices.saturating_mul(max_output))
}

/// Saves an attempt that cannot succeed. The exact check is the condition of the hold.
fn affordable(budget: Option<BudgetRow>, worst_case: u64) -> Result<(), Refused> {
    let budget = budget.ok_or(Reason::BudgetUnavailable)?;
    if worst_case > budget.avail { Err(over_budget(budget.avail, worst_case)) } else { Ok(()) }
}

/// The refusal of a call that its budget does not cover, with the numbers that explain it.
pub fn over_budget(avail: u64, worst_case: u64) -> Refused {
    let hint = format!("{avail} tokens are available, the call may need {worst_case}");
    Refused { hint: Some(hint), ..Refused::from(Reason::BudgetExceeded) }
}

fn deadline(rules: &Rules, moment: &Moment) -> Result<Duration, Reason> {
    let left = moment.time_left.saturating_sub(RESERVE);
    if left < LEAST { Err(Reason::TimeShort) } else { Ok(left.min(rules.provider_timeout)) }
}

fn attempt_entry(moment: &Moment, worst_case: u64, clamped: bool) -> Entry {
    Entry {
        at: moment.now,
        event_id: EventId::new(moment.now, moment.random.first_event),
        seal_random: moment.random.first_seal,
        event: EventType::LlmCall,
        phase: Phase::Attempt,
        decision: Decided::Allow,
        reason: Reason::Allowed,
        description: "An agent calls a model: the controls allow it, and its worst case is being held.",
        metadata: Metadata::default().count("held_tokens", worst_case).flag("clamped", clamped),
    }
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
        seal_random: moment.random.first_seal,
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
