//! The plan of an authorized call: translated, redacted, measured against its budget and its time. Pure; a part of the
//! decision, split off so that [`crate::decide`] reads as one page.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use caller::tokens::Made;
use caller::{Keys, Person, keys_fault};
use domain::{
    ActionId, AuditRecord, Code, Decided, EventId, EventType, Metadata, Name, Phase, PolicyRow, Provider,
    ProviderModel, Reason, Timestamp, Uninspectable,
};
use egress::Target;
use envelope::{RootError, RootKey};
use policy::Permit;
use policy::gate_names::Answers;
use redact::{Draw, NewToken, Nonce, RedactError, Redaction, Vault};
use serde_json::{Map, Value};
use tables::gates::{Payer, Spend};

use crate::answer::render::Render;
use crate::breaker::Passage;
use crate::budget::{Bill, Budget};
use crate::decide::{Moment, Plan, Rules};
use crate::dialect::{Dialect, Way};
use crate::form::tables::grammar;
use crate::form::{Ask, tools as form_tools};
use crate::gated::{Gate, Guard};
use crate::limits::{Limit, worst_input, worst_output};
use crate::prices::Prices;
use crate::records::{Entry, Known, Scribe, SealRandom};
use crate::repeat::{Again, Repeat};
use crate::response::Refused;
use crate::stream::Listener;
use crate::tools::{self, Tools};
use crate::translate::{Context, Pair};
use crate::upstream::{self, Terms};
use crate::withhold;

/// A call whose form is right.
pub struct Wanted {
    pub ask: Ask,
    pub betas: Vec<&'static str>,
    pub again: Again,
    /// As it came.
    pub body: String,
}

/// What stays known of a call until its outcome is recorded.
#[derive(Debug)]
pub struct Call {
    pub action_id: ActionId,
    /// What the caller speaks, and what the provider is spoken to in.
    pub dialect: Dialect,
    pub wire: Dialect,
    pub translation: Option<(Pair, Context)>,
    pub stream: bool,
    pub wants_usage: bool,
    /// How the answer is put before its caller.
    pub render: Render,
    pub kept: Kept,
    pub forbidden_tools: BTreeSet<Name>,
    pub betas: Vec<&'static str>,
    /// How it is told from its own repetition; `None` where its client says nothing of one.
    pub repeat: Option<Repeat>,
    /// The worst case in tokens: what is held.
    pub worst_case: u64,
    /// The same with who pays, and in money.
    pub bill: Bill,
    pub target: Target,
    pub passage: Passage,
    pub provider: Provider,
    pub deadline: Duration,
    /// The attempt, and the results of tools that go to the model with it.
    pub attempt: Vec<AuditRecord>,
    pub began: Timestamp,
    pub clamped: Option<String>,
    pub scribe: Scribe,
    pub known: Known,
    pub outcome_event: EventId,
    pub outcome_seal: SealRandom,
    pub tools: Tools,
    pub pseudonym: Arc<RootKey>,
}

impl Call {
    /// What hears the provider's stream.
    pub fn listener(&self) -> Listener {
        let translation = self.translation.clone().map(|(pair, context)| pair.stream(context));
        let forbidden = self.forbidden_tools.clone();
        let withholds = self.tools.guard.gate.answers() == Answers::Withhold;
        let guard = withholds.then(|| self.tools.guard.clone());
        let withheld = guard.and_then(|guard| withhold::Stream::new(guard, self.wire));
        Listener::new(self.wire, self.render.clone(), forbidden, self.wants_usage, withheld, translation)
    }
}

/// The function stops itself this long before the platform does: time to settle and to record.
const RESERVE: Duration = Duration::from_secs(10);
/// A call is not begun with less than this for the provider.
const LEAST: Duration = Duration::from_secs(1);

/// What a call is bound to.
pub struct Bound<'a> {
    pub provider: &'a Provider,
    pub model: &'a ProviderModel,
    pub policy: &'a PolicyRow,
    pub dlp: Arc<redact::Policy>,
    pub gate: Gate,
    pub target: Target,
    pub passage: Passage,
}

/// What a call is made with.
pub struct Means {
    pub keys: Result<Keys, RootError>,
    pub budget: Option<Budget>,
    /// The agent's.
    pub team: Option<Code>,
    pub person: Option<Person>,
}

/// Cross-request tokens of a call, to be kept before it leaves.
#[derive(Debug)]
pub struct Kept {
    tokens: Vec<(Code, NewToken)>,
    pub ttl_seconds: u32,
    /// Whoever the call is for.
    pub person: Option<Person>,
}

impl Kept {
    fn new(tokens: Vec<NewToken>, policy: &redact::Policy, person: Option<Person>) -> Self {
        let code = |kind: &str| kind.parse().unwrap_or_else(|_| Code::literal("unknown"));
        let coded = tokens.into_iter().map(|token| (code(&token.kind), token));
        Self { tokens: coded.collect(), ttl_seconds: policy.tokens().ttl_seconds, person }
    }

    pub fn made(&self) -> impl Iterator<Item = Made<'_>> {
        self.tokens.iter().map(|(kind, token)| Made { token: &token.token, original: &token.original, kind })
    }
}

/// An authorized call on its way to a plan.
pub struct Planned<'a> {
    pub rules: &'a Rules,
    pub moment: &'a Moment,
    pub scribe: &'a Scribe,
    pub action_id: ActionId,
}

impl Planned<'_> {
    /// # Errors
    /// The first control that the call does not pass.
    pub fn plan(
        &self,
        wanted: Wanted,
        bound: Bound<'_>,
        means: Means,
        permit: Permit,
        known: &mut Known,
    ) -> Result<Plan, Refused> {
        let Bound { provider, model, policy, dlp, gate, target, passage } = bound;
        let Wanted { ask, betas, again, body: came } = wanted;
        let (moment, random) = (self.moment, &self.moment.random);
        let way = Way::to(provider.kind, ask.dialect()).ok_or(Reason::RouteUnsupported)?;
        let wire = way.wire(ask.dialect());
        let limit = Limit::of(&ask, model, policy);
        let terms = Terms {
            wire,
            kind: provider.kind,
            model: model.upstream.as_str(),
            max_output: limit.tokens,
            stream: ask.stream(),
            may_store: policy.permits.contains(&Uninspectable::Stored),
        };
        let translation = translation(way, &ask, moment.now);
        let body = translated(&translation, &ask, &terms)?;
        let keys = means.keys.map_err(keys_fault)?;
        let upstream = terms.apply(body, |field, value| keys.pseudonym.pseudonym(field, value));
        let redaction = self.redact(upstream, policy, &dlp, &keys, known)?;
        let Redaction { body, vault, findings, tokens: made } = redaction;
        known.findings(&findings);

        let sent = body.get().to_string();
        let most = (worst_input(sent.len(), &ask), worst_output(&ask, limit.tokens));
        let bill = self.bill(means.budget, provider, model, means.team, most)?;
        let worst_case = bill.worst.tokens;
        let deadline = deadline(self.rules, moment)?;
        let clamped = limit.told(terms.limit_field());
        let mut attempt = self
            .scribe
            .record(self.action_id, attempt_entry(moment, worst_case, clamped.is_some(), ask.stream()));
        known.add_to(&mut attempt);
        attempt.request_commitment =
            Some(keys.audit.commitment("request", self.action_id.as_bytes(), sent.as_bytes()));
        let tools = self.tools(gate, body.get());
        let results = form_tools::returned(ask.dialect(), ask.body());
        let of = (self.action_id, moment.now);
        let returned = tools.returned(self.scribe, known, &keys.pseudonym, of, &results);
        let records = [attempt].into_iter().chain(returned).collect();

        let call = Call {
            action_id: self.action_id,
            dialect: ask.dialect(),
            wire,
            translation,
            stream: ask.stream(),
            wants_usage: ask.wants_usage(),
            render: rendering(vault, policy, &dlp),
            kept: Kept::new(made, &dlp, means.person),
            forbidden_tools: policy.forbidden_tools.clone(),
            betas,
            repeat: self.repeat(&again, (ask.dialect().route(), &came), &keys),
            worst_case,
            bill,
            target,
            passage,
            provider: provider.clone(),
            deadline,
            attempt: records,
            began: moment.now,
            clamped,
            scribe: self.scribe.clone(),
            known: known.clone(),
            outcome_event: EventId::new(moment.now, random.second_event),
            outcome_seal: random.second_seal,
            tools,
            pseudonym: keys.pseudonym,
        };
        Ok(Plan { permit, body, call })
    }

    fn tools(&self, gate: Gate, body: &Value) -> Tools {
        let random = &self.moment.random;
        Tools {
            guard: Guard { gate, declared: tools::declared(body) },
            requested_events: random.tools_requested,
            returned_events: random.tools_returned,
        }
    }

    fn repeat(&self, again: &Again, of: (&str, &str), keys: &Keys) -> Option<Repeat> {
        Repeat::of(again, &self.scribe.row, of, &keys.pseudonym, self.moment.now)
    }

    /// What the call may cost at most: so many tokens of input and of output. Refused if that is too much.
    fn bill(
        &self,
        budget: Option<Budget>,
        provider: &Provider,
        model: &ProviderModel,
        team: Option<Code>,
        (input, output): (u64, u64),
    ) -> Result<Bill, Refused> {
        let budget = budget.ok_or(Reason::BudgetUnavailable)?;
        let prices = Prices::builtin().ok();
        let price = prices.and_then(|prices| prices.find(provider.kind, model.upstream.as_str()));
        let usd_micros = price.map_or(0, |price| price.worst(input, output));
        let row = &self.scribe.row;
        let bill = Bill {
            limits: budget.limits.clone(),
            tenant: row.tenant.clone(),
            payer: Payer { agent: row.agent.clone(), key: row.id.clone(), team },
            action: self.action_id,
            worst: Spend { tokens: input.saturating_add(output), usd_micros },
            price,
            now: self.moment.now,
        };
        budget.covers(&bill).map(|()| bill)
    }

    fn redact(
        &self,
        upstream: Value,
        policy: &PolicyRow,
        dlp: &redact::Policy,
        keys: &Keys,
        known: &mut Known,
    ) -> Result<Redaction, Refused> {
        let random = &self.moment.random;
        let draw = Draw { nonce: Nonce::from_bytes(random.nonce), tokens: random.tokens };
        let exempt = upstream::exempt(&upstream, &policy.permits);
        let keyed = |value: &str| keys.pseudonym.pseudonym("dlp", value);
        redact::redact_json(dlp, self.action_id, draw, &keyed, upstream, &exempt).map_err(|error| {
            let reason = match &error {
                RedactError::Blocked { findings, .. } => {
                    known.findings(findings);
                    Reason::ContentBlocked
                }
                _ => Reason::RedactionFailed,
            };
            Refused { hint: Some(error.to_string()), ..Refused::from(reason) }
        })
    }
}

/// Answers are searched where the policy looks for anything in them.
fn rendering(vault: Vault, policy: &PolicyRow, dlp: &Arc<redact::Policy>) -> Render {
    Render::new(vault, policy.restore.clone(), dlp.searches_answers().then(|| Arc::clone(dlp)))
}

fn translation(way: Way, ask: &Ask, now: Timestamp) -> Option<(Pair, Context)> {
    let Way::Translated(pair) = way else { return None };
    let seconds = now.unix_millis() / 1_000;
    Some((pair, Context::of(pair, ask.body(), seconds)))
}

/// Whether a call can be said in a provider's dialect at all.
pub fn translates(ask: &Ask, (provider, model): (&Provider, &ProviderModel), policy: &PolicyRow) -> bool {
    let Some(way) = Way::to(provider.kind, ask.dialect()) else { return false };
    let terms = Terms {
        wire: way.wire(ask.dialect()),
        kind: provider.kind,
        model: model.upstream.as_str(),
        max_output: Limit::of(ask, model, policy).tokens,
        stream: ask.stream(),
        may_store: policy.permits.contains(&Uninspectable::Stored),
    };
    // The time is part of an answer, and of no request.
    let translation = translation(way, ask, Timestamp::MAX);
    translated(&translation, ask, &terms).is_ok()
}

/// The body in the provider's dialect. The limit is set first: how much a model may think depends on it.
fn translated(
    translation: &Option<(Pair, Context)>,
    ask: &Ask,
    terms: &Terms<'_>,
) -> Result<Map<String, Value>, Refused> {
    let mut body = ask.body().clone();
    let Some((pair, _)) = translation else { return Ok(body) };
    let limits = grammar(ask.dialect()).limits;
    limits.iter().for_each(|field| drop(body.shift_remove(*field)));
    if let Some(field) = limits.first() {
        body.insert((*field).to_owned(), Value::from(terms.max_output));
    }
    body.insert("model".to_owned(), Value::from(terms.model));
    // Nothing is stored across a translation: the controls set this field themselves.
    body.shift_remove("store");
    pair.request(body).map_err(|fault| {
        // An unknown field is not named: its name is the caller's own text.
        let param = Some(fault.param).filter(|param| !param.is_empty());
        Refused { param, hint: Some(fault.why.to_owned()), ..Refused::from(Reason::Untranslatable) }
    })
}

fn deadline(rules: &Rules, moment: &Moment) -> Result<Duration, Reason> {
    let left = moment.time_left.saturating_sub(RESERVE);
    if left < LEAST { Err(Reason::TimeShort) } else { Ok(left.min(rules.provider_timeout)) }
}

fn attempt_entry(moment: &Moment, worst_case: u64, clamped: bool, stream: bool) -> Entry {
    Entry {
        at: moment.now,
        event_id: EventId::new(moment.now, moment.random.first_event),
        seal_random: Some(moment.random.first_seal),
        event: EventType::LlmCall,
        phase: Phase::Attempt,
        decision: Decided::Allow,
        reason: Reason::Allowed,
        description: "An agent calls a model: the controls allow it, and its worst case is being held.",
        metadata: Metadata::default()
            .count("held_tokens", worst_case)
            .flag("clamped", clamped)
            .flag("streamed", stream),
    }
}
