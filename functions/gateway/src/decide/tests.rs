//! The decision as a table: good facts, and every single change of them with its reason.

use policy::Kills;
use std::net::IpAddr;

mod controls;
mod coverage;
mod failover;
mod gated;

use super::*;
use crate::answer::leaves::Field;
use crate::breaker;
use crate::dialect::Dialect;
use crate::form::Fault;
use crate::repeat::Again;
use domain::{
    Agent, AgentId, Code, EventType, GatewayKey, KeyKind, KeyRow, KillRow, KillScope, Lifecycle, Networks,
    Org, OrgId, Owner, Provider, ProviderId, ProviderModel, RestoreField, Role, Scopes, SealedBytes, Tenant,
    TenantId, User, UserId,
};
use envelope::{Aad, Context, Purpose, RootKey, RootSecret};
use proptest::prelude::*;
use serde_json::{Map, json};
use std::collections::BTreeSet;
use tables::gates::breaker::BreakerRow;

const IL_ID: &str = "123456782";
const CARD: &str = "4111 1111 1111 1111";
const EMAIL: &str = "dana.levi@example.com";
const PLANTED: [&str; 3] = [IL_ID, CARD, EMAIL];
const SOURCE: &str = "203.0.113.7";
const LIMIT: u64 = 1_000;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_unix_millis(millis).unwrap()
}

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn key() -> GatewayKey {
    GatewayKey::mint(KeyKind::User, Region::Eu, &[7; 59]).unwrap()
}

fn key_row() -> KeyRow {
    KeyRow {
        id: key().id().clone(),
        kind: KeyKind::User,
        region: Region::Eu,
        org: OrgId::from_random([1; 10]),
        tenant: TenantId::from_random([2; 10]),
        agent: AgentId::from_random([3; 10]),
        owner: Owner::User { id: UserId::from_random([4; 10]), epoch: 5 },
        secret: key().secret_hash(),
        seen: None,
        previous: None,
        scopes: Scopes::of(["llm.call", "models.list"].map(Code::literal).into()),
        networks: None,
        requests_per_minute: None,
        active_from: None,
        expires_at: None,
        rotate_by: None,
        revoked_at: None,
    }
}

fn root(purpose: Purpose) -> RootKey {
    let context = Context { tenant: key_row().tenant, region: Region::Eu, purpose, version: 1 };
    RootKey::derive(&RootSecret::new([9; 32]), &context)
}

fn provider(id: u8, region: Region, models: &[&str]) -> Provider {
    let aad = Aad::row(&key_row().tenant, "control", "pk", "sk", "credential");
    let model = |text: &&str| ProviderModel {
        name: name(text),
        upstream: name(&format!("up-{text}")),
        max_output_tokens: LIMIT,
    };
    Provider {
        id: ProviderId::from_random([id; 10]),
        name: name(&format!("provider-{id}")),
        kind: domain::ProviderKind::OpenAi,
        base_url: format!("https://provider-{id}.example.com/v1"),
        api_version: None,
        region,
        region_source: "example.com/regions, read 2026-11-23".to_owned(),
        models: models.iter().map(model).collect(),
        credential: SealedBytes::from(root(Purpose::Credential).seal(&aad, b"sk-up", &[1; 28]).unwrap()),
    }
}

fn rules() -> Rules {
    Rules {
        region: Region::Eu,
        reach: Reach::Public,
        roles: RoleTable::builtin().unwrap(),
        policies: Policies::default(),
        gates: GateNames::default(),
        provider_timeout: Duration::from_secs(30),
    }
}

fn moment() -> Moment {
    let random = Random {
        action: [11; 10],
        first_event: [12; 10],
        second_event: [13; 10],
        nonce: [14; 5],
        tokens: [21; 32],
        first_seal: SealRandom { source_ip: [15; 28], on_behalf_of: [16; 28] },
        second_seal: SealRandom { source_ip: [17; 28], on_behalf_of: [18; 28] },
        tools_returned: [19; 10],
        tools_requested: [20; 10],
    };
    Moment { now: at(1_795_430_530_120), time_left: Duration::from_secs(60), random }
}

/// Everything that a call is decided by, before anybody has vouched for it: each test changes what it is about.
struct Case {
    rules: Rules,
    row: KeyRow,
    standing: Standing,
    policy: Option<PolicyRow>,
    providers: Option<Providers>,
    budget: Option<Budget>,
    dlp: Result<Documents, Unreadable>,
    gate: Result<Option<GateRow>, Unreadable>,
    keys: Result<Keys, RootError>,
    /// Those that are not closed.
    breakers: Vec<(tables::Key, Result<Option<BreakerRow>, Unreadable>)>,
    tried: Tried,
    person: Option<Result<Person, NoPerson>>,
    consent: Consent,
    tls: Result<(), Reason>,
    moment: Moment,
    route: Route,
    asserted: Result<Asserted, Fault>,
}

fn chat(change: Value) -> Route {
    let mut body = json!({"model": "gpt-4o", "messages": [{"role": "user", "content": "hello"}]});
    for (field, value) in change.as_object().unwrap() {
        body[field] = value.clone();
    }
    sent(Dialect::Chat, &body)
}

fn sent(dialect: Dialect, body: &Value) -> Route {
    Route::Call(dialect, Ok(Sent { body: body.to_string(), betas: Vec::new(), again: Again::default() }))
}

/// So many tokens in all, of which some are used.
fn budget(limit: u64, used: u64) -> Budget {
    let mut shard = tables::gates::fresh(1);
    let used = ("t:tok:all".to_owned(), tables::Attr::number(used));
    shard.insert("used".to_owned(), tables::Attr::M([used].into()));
    Budget { limits: domain::LimitsRow::of_tokens(limit), shard: Some(shard) }
}

fn good() -> Case {
    let row = key_row();
    let active = Lifecycle::Active;
    let (org, networks) = (row.org.clone(), None);
    let tenant = Tenant { id: row.tenant.clone(), org, region: Region::Eu, status: active, networks };
    Case {
        rules: rules(),
        standing: Standing {
            org: Some(Org { id: row.org.clone(), status: active, networks: None }),
            tenant: Some(tenant),
            agent: Some(Agent {
                id: row.agent.clone(),
                status: active,
                team: None,
                owner: Some(UserId::from_random([6; 10])),
                deputy: None,
            }),
            user: Some(User { id: UserId::from_random([4; 10]), active: true, epoch: 5 }),
            role: Some(Role::Member),
            agent_owner: Some(User { id: UserId::from_random([6; 10]), active: true, epoch: 2 }),
            kills: Kills::none(),
        },
        row,
        policy: Some(PolicyRow {
            version: 3,
            restore: [RestoreField::Text].into(),
            redact_answers: false,
            permits: BTreeSet::new(),
            forbidden_tools: BTreeSet::new(),
            max_output_tokens: LIMIT,
        }),
        providers: Some(Providers(vec![provider(1, Region::Eu, &["gpt-4o", "gpt-4o-mini"])])),
        budget: Some(budget(1_000_000, 0)),
        // A tenant in Israel: its ID numbers are found without a word beside them.
        dlp: documents("", r#"{"v": 1, "countries": ["IL"]}"#, ""),
        gate: Ok(None),
        keys: Ok(Keys { audit: root(Purpose::Audit).into(), pseudonym: root(Purpose::Pseudonym).into() }),
        breakers: Vec::new(),
        tried: Tried::default(),
        person: None,
        consent: Consent::NotRequired,
        tls: Ok(()),
        moment: moment(),
        route: chat(json!({})),
        asserted: Ok(Asserted::default()),
    }
}

impl Case {
    fn with(change: impl FnOnce(&mut Self)) -> Self {
        let mut case = good();
        change(&mut case);
        case
    }

    fn decide(self) -> Decision {
        let request = Request {
            route: self.route,
            asserted: self.asserted,
            key: Ok(key()),
            source_ip: Some(SOURCE.parse::<IpAddr>().unwrap()),
            request_id: Some("example-request".parse().unwrap()),
            tls: self.tls,
        };
        let closed = Breakers::closed(&self.row.tenant, self.providers.as_ref(), self.rules.region);
        let facts = Facts {
            caller: policy::authenticate(&key(), self.row).unwrap(),
            standing: self.standing,
            policy: self.policy,
            providers: self.providers,
            budget: self.budget,
            dlp: self.dlp,
            gate: self.gate,
            keys: self.keys,
            breakers: self.breakers.into_iter().fold(closed, |mut all, (key, row)| {
                all.put(key, row);
                all
            }),
            tried: self.tried,
            person: self.person,
            consent: self.consent,
        };
        decide(&self.rules, &request, facts, &self.moment)
    }

    fn refused(self) -> (Refused, AuditRecord) {
        match self.decide() {
            Decision::Refuse { refused, record, .. } => (refused, *record),
            other => panic!("not refused: {other:?}"),
        }
    }

    fn forwarded(self) -> Plan {
        match self.decide() {
            Decision::Forward(plan) => *plan,
            other => panic!("not forwarded: {other:?}"),
        }
    }

    fn models(self) -> Vec<String> {
        match self.decide() {
            Decision::Models(names) => names.iter().map(ToString::to_string).collect(),
            other => panic!("no list: {other:?}"),
        }
    }
}

/// The reason of a decision, `Allowed` when it is none.
fn reason(decision: &Decision) -> Reason {
    match decision {
        Decision::Refuse { refused, .. } => refused.reason,
        Decision::Models(_) | Decision::Forward(_) => Reason::Allowed,
    }
}

/// A text that makes the redactor give up.
fn unsettled() -> Value {
    json!([{"role": "user", "content": "xoxb-".repeat(1_000)}])
}

fn count_tokens() -> Route {
    sent(Dialect::CountTokens, &json!({"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}))
}

type Change = fn(&mut Case);

/// Every reason that a decision can give, in the order of decision. The changes are independent of one another, so
/// that a request can have them all at once; only the route is one thing at a time.
const LADDER: &[(Reason, Change)] = &[
    (Reason::TlsVersion, |c| c.tls = Err(Reason::TlsVersion)),
    (Reason::KeyRevoked, |c| c.row.revoked_at = Some(at(1))),
    (Reason::KeyExpired, |c| c.row.expires_at = Some(c.moment.now)),
    (Reason::KeyNotActive, |c| c.row.active_from = Some(c.moment.now.plus_millis(1))),
    (Reason::ForeignIdentifier, |c| foreign(c)),
    (Reason::OwnerInactive, |c| c.standing.role = None),
    (Reason::OrgInactive, |c| c.standing.org = None),
    (Reason::TenantInactive, |c| c.standing.tenant.as_mut().unwrap().status = Lifecycle::Suspended),
    (Reason::AgentInactive, |c| c.standing.agent = None),
    (Reason::AgentOwnerInactive, |c| c.standing.agent_owner = None),
    (Reason::NetworkNotAllowed, |c| c.row.networks = Some(Networks::default())),
    (Reason::KilledTenant, |c| c.standing.kills.tenant = stopped(KillScope::Llm)),
    (Reason::FactsUnavailable, |c| c.policy = None),
    (Reason::ScopeMissing, |c| c.row.scopes.actions.clear()),
    (Reason::RoleForbids, |c| c.standing.role = Some(Role::Viewer)),
    (Reason::ModelNotAllowed, |c| c.row.scopes.models = Some([name("gpt-4o-mini")].into())),
    (Reason::RouteNotAllowed, |c| c.row.scopes.routes = Some([name("/v1/embeddings")].into())),
    (Reason::ConsentMissing, |c| c.consent = Consent::Missing),
    (Reason::ResidencyTenant, |c| c.standing.tenant.as_mut().unwrap().region = Region::Us),
    (Reason::SubjectErased, |c| c.person = Some(Err(NoPerson::Erased))),
    (Reason::ResidencyProvider, |c| c.providers.as_mut().unwrap().0[0].region = Region::Us),
    (Reason::ProviderNotAllowed, |c| c.row.scopes.providers = Some([name("another")].into())),
    (Reason::ProviderAddress, |c| c.providers.as_mut().unwrap().0[0].base_url = "http://example.com".into()),
    (Reason::BreakerOpen, |c| failover::open_all(c)),
    (Reason::KeysDestroyed, |c| c.keys = Err(RootError::Shredded)),
    (Reason::RedactionFailed, |c| c.route = chat(json!({"messages": unsettled()}))),
    (Reason::BudgetExceeded, |c| c.budget = Some(budget(1_000_000, 1_000_000))),
    (Reason::TimeShort, |c| c.moment.time_left = Duration::from_millis(10_999)),
];

fn stopped(scope: KillScope) -> Option<KillRow> {
    Some(KillRow { stopped: [scope].into(), ..KillRow::new() })
}

/// A switch that stops models leaves their list readable, one that stops everything does not.
#[test]
fn a_switch_stops_what_it_says() {
    let listed = |scope: KillScope| {
        let case = Case::with(|c| {
            c.standing.kills.org = stopped(scope);
            c.route = Route::Models;
        });
        reason(&case.decide())
    };
    assert_eq!(listed(KillScope::Llm), Reason::Allowed);
    assert_eq!(listed(KillScope::All), Reason::KilledOrg);
    let call = |scope: KillScope| reason(&Case::with(|c| c.standing.kills.agent = stopped(scope)).decide());
    let scopes = [KillScope::All, KillScope::Llm, KillScope::Actions, KillScope::NewKeys];
    assert_eq!(
        scopes.map(call),
        [Reason::KilledAgent, Reason::KilledAgent, Reason::Allowed, Reason::Allowed]
    );
}

#[test]
fn consent_is_asked_for_where_it_is_required() {
    for (consent, expected) in [
        (Consent::NotRequired, Reason::Allowed),
        (Consent::Given, Reason::Allowed),
        (Consent::Missing, Reason::ConsentMissing),
    ] {
        assert_eq!(reason(&Case::with(|c| c.consent = consent).decide()), expected, "{consent:?}");
    }
}

fn foreign(case: &mut Case) {
    case.route = chat(json!({"messages": unsettled(), "tenant_id": TenantId::from_random([9; 10])}));
}

#[test]
fn good_facts_allow() {
    assert_eq!(reason(&good().decide()), Reason::Allowed);
    assert_eq!(reason(&Case::with(|c| c.route = Route::Models).decide()), Reason::Allowed);
}

#[test]
fn each_single_fault_has_its_reason() {
    let more: &[(Reason, Change)] = &[
        (Reason::OwnerInactive, |c| c.standing.user = None),
        (Reason::OwnerInactive, |c| c.standing.user.as_mut().unwrap().active = false),
        (Reason::OwnerEpoch, |c| c.standing.user.as_mut().unwrap().epoch = 6),
        (Reason::OrgInactive, |c| c.standing.org.as_mut().unwrap().status = Lifecycle::Suspended),
        (Reason::TenantInactive, |c| c.standing.tenant = None),
        (Reason::TenantInactive, |c| c.standing.tenant.as_mut().unwrap().org = OrgId::from_random([9; 10])),
        (Reason::AgentInactive, |c| c.standing.agent.as_mut().unwrap().status = Lifecycle::Suspended),
        (Reason::AgentOwnerInactive, |c| c.standing.agent_owner.as_mut().unwrap().active = false),
        (Reason::FactsUnavailable, |c| c.providers = None),
        (Reason::ModelUnknown, |c| c.route = chat(json!({"model": "gpt-9"}))),
        (Reason::ModelUnknown, |c| c.providers = Some(Providers(Vec::new()))),
        (Reason::ProviderAddress, |c| {
            c.providers.as_mut().unwrap().0[0].base_url = "https://10.0.0.1".into()
        }),
        (Reason::ProviderAddress, |c| c.providers.as_mut().unwrap().0[0].base_url = String::new()),
        (Reason::KeysUnavailable, |c| c.keys = Err(RootError::Retired { version: 1 })),
        (Reason::BudgetUnavailable, |c| c.budget = None),
        (Reason::TimeShort, |c| c.moment.time_left = Duration::ZERO),
        (Reason::UnknownPath, |c| c.route = Route::Stray(Vendor::OpenAi, Reason::UnknownPath)),
        (Reason::MethodNotAllowed, |c| c.route = Route::Stray(Vendor::OpenAi, Reason::MethodNotAllowed)),
        (Reason::InvalidField, |c| {
            c.asserted = Err(Fault::at(Reason::InvalidField, "x-cs-purpose", "send a code"));
        }),
        (Reason::ToolForbidden, |c| {
            c.policy.as_mut().unwrap().forbidden_tools = [name("shell")].into();
            c.route = chat(json!({"tools": [{"type": "function", "function": {"name": "shell"}}]}));
        }),
        (Reason::RouteUnsupported, |c| c.route = count_tokens()),
        (Reason::Untranslatable, |c| {
            c.providers.as_mut().unwrap().0[0].kind = domain::ProviderKind::Anthropic;
            c.route = chat(json!({"logit_bias": {"1": 2}}));
        }),
        (Reason::InvalidField, |c| c.route = chat(json!({"messages": []}))),
        (Reason::Uninspectable, |c| c.route = chat(json!({"store": true}))),
        (Reason::InvalidJson, |c| c.route = Route::Call(Dialect::Chat, Err(Fault::new(Reason::InvalidJson)))),
        (Reason::ScopeMissing, |c| {
            c.row.scopes.actions = [Code::literal("llm.call")].into();
            c.route = Route::Models;
        }),
    ];
    for (expected, change) in LADDER.iter().chain(more) {
        assert_eq!(reason(&Case::with(change).decide()), *expected);
    }
}

/// Of several faults the earliest is told: whoever may not ask does not learn what the answer would have been.
#[test]
fn of_many_faults_the_earliest_is_told() {
    for (first, (expected, _)) in LADDER.iter().enumerate() {
        let decision = Case::with(|case| {
            // The later ones first, so that where two change one thing the earlier has the last word.
            LADDER[first..].iter().rev().for_each(|(_, change)| change(case));
        })
        .decide();
        assert_eq!(reason(&decision), *expected);
    }
}

/// A fault of form is told once the key may be used, and before anything about who stands behind it.
#[test]
fn form_comes_after_the_key_and_before_its_owner() {
    let strays: [fn() -> Route; 3] = [
        || Route::Stray(Vendor::OpenAi, Reason::UnknownPath),
        || Route::Call(Dialect::Chat, Err(Fault::new(Reason::DuplicateKey))),
        || chat(json!({"n": 0})),
    ];
    for stray in strays {
        let all = |from: usize| {
            Case::with(|case| {
                LADDER[from..].iter().rev().for_each(|(_, change)| change(case));
                case.route = stray();
            })
        };
        assert_eq!(reason(&all(0).decide()), Reason::TlsVersion);
        assert_eq!(reason(&all(1).decide()), Reason::KeyRevoked);
        let form = reason(&all(4).decide());
        assert!(matches!(form, Reason::UnknownPath | Reason::DuplicateKey | Reason::InvalidField), "{form}");
    }
}

#[test]
fn a_key_expires_at_its_time_and_not_before() {
    let expiring =
        |millis| Case::with(|case| case.row.expires_at = Some(case.moment.now.plus_millis(millis)));
    assert_eq!(reason(&expiring(0).decide()), Reason::KeyExpired);
    assert_eq!(reason(&expiring(1).decide()), Reason::Allowed);
}

#[test]
fn a_tenants_own_key_needs_no_person() {
    let case = Case::with(|case| {
        case.row.owner = Owner::Tenant;
        (case.standing.user, case.standing.role) = (None, None);
    });
    let authority = case.forwarded().call.attempt.remove(0).authority.unwrap();
    assert_eq!(authority.role, Some(Code::literal("tenant")));
}

/// A body full of planted values, wherever a caller may write.
fn planted_body() -> Value {
    let text = PLANTED.join(", ");
    json!({
        "messages": [
            {"role": "system", "content": [{"type": "text", "text": text}]},
            {"role": "user", "content": text, "name": EMAIL},
            {"role": "assistant", "tool_calls": [{"id": IL_ID, "function": {"arguments": json!({"to": text}).to_string()}}]},
        ],
        "user": EMAIL, "safety_identifier": IL_ID, "prompt_cache_key": CARD,
        "metadata": {"user_id": EMAIL, EMAIL: CARD, "number": 123_456_782},
        "tools": [{"type": "function", "function": {"name": "f", "description": text}}],
        "stop": [EMAIL], "unknown_field": {"deep": [[[text]]]},
    })
}

fn assert_clean(text: &str, what: &str) {
    for planted in PLANTED.into_iter().chain([SOURCE]) {
        assert!(!text.contains(planted), "{planted} in {what}: {text}");
    }
}

#[test]
fn every_refusal_is_recorded_as_one_without_a_personal_value() {
    for (expected, change) in LADDER {
        let case = Case::with(|case| {
            case.route = chat(planted_body());
            change(case);
        });
        let keys = case.keys.is_ok();
        let (refused, record) = case.refused();
        assert_eq!((record.decision, record.phase), (Decided::Deny, Phase::Single), "{expected}");
        assert_eq!(record.event_type, refusal::row(*expected).event, "{expected}");
        assert_eq!(record.reason.as_str(), expected.as_str());
        assert_eq!(record.actor_id.as_str(), key_row().agent.as_str());
        assert_eq!((&record.tenant_id, &record.org_id), (&key_row().tenant, &key_row().org));
        assert_eq!(record.action_id.map(|id| id.created_at()), Some(Some(moment().now)));
        assert_eq!(record.request_id.as_ref().unwrap().as_str(), "example-request");
        assert_eq!(record.source_ip.is_some(), keys, "{expected}");
        assert!(record.request_commitment.is_none(), "nothing was sent");
        assert_clean(&record.to_canonical().unwrap(), "the record");
        assert_clean(&format!("{refused:?}"), "the refusal");
    }
}

#[test]
fn a_refusal_names_the_event_that_its_reason_belongs_to() {
    let (first, last) = (0, LADDER.len() - 1);
    for (change, event) in [
        (LADDER[first].1, EventType::AuthRefused),
        (LADDER[4].1, EventType::PolicyViolation),
        (LADDER[last - 1].1, EventType::BudgetExceeded),
        (LADDER[last].1, EventType::LlmCall),
    ] {
        assert_eq!(Case::with(change).refused().1.event_type, event);
    }
    let models = Case::with(|case| {
        case.route = Route::Models;
        case.standing.org = None;
    });
    assert_eq!(models.refused().1.action.as_str(), "models.list");
}

/// Without the tenant's keys nothing can be sealed: the denial is recorded all the same, and says what it lacks.
#[test]
fn without_keys_the_denial_is_recorded_without_the_source() {
    let (refused, record) = Case::with(|case| case.keys = Err(RootError::Shredded)).refused();
    assert_eq!((refused.reason, record.source_ip), (Reason::KeysDestroyed, None));
    let metadata = serde_json::to_string(&record.metadata).unwrap();
    assert!(metadata.contains(r#"\"source_ip_missing\":true"#), "{metadata}");
    assert!(
        !serde_json::to_string(&good().forwarded().call.attempt[0]).unwrap().contains("source_ip_missing")
    );
}

#[test]
fn what_was_known_when_it_was_refused_is_recorded() {
    let (_, early) = Case::with(|case| case.standing.org = None).refused();
    assert_eq!((early.model, early.provider, early.dlp), (None, None, None));
    let (_, late) = Case::with(|case| {
        case.route = chat(planted_body());
        case.budget = Some(budget(1_000_000, 1_000_000));
    })
    .refused();
    assert_eq!(late.model, Some(name("gpt-4o")));
    assert_eq!(late.resource, Some(name("model:gpt-4o")));
    assert_eq!((late.provider, late.provider_region), (Some(name("provider-1")), Some(Region::Eu)));
    assert!(late.dlp.unwrap()[&Code::literal("email")] > 0);
    assert_eq!(late.authority.unwrap().policy_version, Some(3));
}

#[test]
fn a_refused_budget_is_explained_in_numbers() {
    let case = Case::with(|case| {
        case.route = chat(planted_body());
        case.budget = Some(budget(50, 43));
    });
    let hint = case.refused().0.hint.unwrap();
    let words: String = hint.chars().filter(|c| !c.is_ascii_digit()).collect();
    assert_eq!(words, " tokens are available, the call may need : limit of the tenant in all");
    assert!(hint.starts_with("7 "), "{hint}");
}

fn sent_text(plan: &Plan) -> String {
    plan.body.get().to_string()
}

/// The most that the call can cost: one token for each byte sent, 1,024 that the provider may
/// add unseen, and the limit for each answer asked for.
#[test]
fn the_worst_case_is_held_and_recorded() {
    for (change, output) in [
        (json!({}), LIMIT),
        (json!({"max_tokens": 10}), 10),
        (json!({"max_completion_tokens": 10, "n": 3}), 30),
        (json!({"n": 16}), 16 * LIMIT),
    ] {
        let plan = Case::with(|case| case.route = chat(change.clone())).forwarded();
        let worst = u64::try_from(sent_text(&plan).len()).unwrap() + 1_024 + output;
        assert_eq!(plan.call.worst_case, worst, "{change}");
        let metadata = serde_json::to_string(&plan.call.attempt[0].metadata).unwrap();
        assert!(metadata.contains(&format!(r#"\"held_tokens\":{worst}"#)), "{metadata}");
        let exact = |avail| {
            Case::with(|case| {
                case.route = chat(change.clone());
                case.budget = Some(budget(avail, 0));
            })
        };
        assert_eq!(reason(&exact(worst).decide()), Reason::Allowed);
        assert_eq!(reason(&exact(worst - 1).decide()), Reason::BudgetExceeded);
    }
}

#[test]
fn the_attempt_says_who_what_and_by_which_authority() {
    let plan = good().forwarded();
    let attempt = &plan.call.attempt[0];
    assert_eq!((attempt.decision, attempt.phase), (Decided::Allow, Phase::Attempt));
    assert_eq!((attempt.event_type, attempt.reason.as_str()), (EventType::LlmCall, "allowed"));
    assert_eq!(attempt.action_id, Some(plan.call.action_id));
    assert_eq!((plan.permit.action_id(), plan.body.action_id()), (plan.call.action_id, plan.call.action_id));
    let authority = attempt.authority.clone().unwrap();
    assert_eq!(authority.key_id, Some(key_row().id));
    assert_eq!((authority.role, authority.policy_version), (Some(Code::literal("member")), Some(3)));
    let digest = root(Purpose::Audit).commitment(
        "request",
        plan.call.action_id.as_bytes(),
        sent_text(&plan).as_bytes(),
    );
    assert_eq!(attempt.request_commitment, Some(digest));
    assert_ne!(attempt.event_id, plan.call.outcome_event);
    let read = AuditRecord::from_text(&attempt.to_canonical().unwrap()).unwrap();
    assert_eq!(read, *attempt);
}

#[test]
fn the_source_is_sealed_for_its_record_alone() {
    let attempt = good().forwarded().call.attempt.remove(0);
    assert_clean(&attempt.to_canonical().unwrap(), "the attempt");
    let (tenant, sealed) = (&attempt.tenant_id, attempt.source_ip.as_ref().unwrap());
    let open = |purpose, event, field| root(purpose).open(&Aad::record(tenant, event, field), sealed);
    let opened = open(Purpose::Audit, attempt.event_id, "source_ip").unwrap();
    assert_eq!(opened.as_str(), Some(SOURCE));
    let other_event = EventId::new(at(0), [0; 10]);
    assert!(open(Purpose::Audit, other_event, "source_ip").is_err());
    assert!(open(Purpose::Audit, attempt.event_id, "on_behalf_of").is_err());
    assert!(open(Purpose::Pseudonym, attempt.event_id, "source_ip").is_err());
}

fn person() -> Person {
    let (subject, secret): (domain::Opaque, _) =
        ("psn_dana".parse().unwrap(), envelope::SubjectSecret::new([7; 32]));
    let key = envelope::SubjectKey::derive(&secret, &key_row().tenant, Region::Eu, &subject).into();
    Person { subject, key }
}

fn for_dana(person: Option<Result<Person, NoPerson>>) -> Case {
    Case::with(|case| {
        case.asserted = Ok(Asserted { on_behalf_of: Some("Dana".to_owned()), ..Asserted::default() });
        case.person = person;
    })
}

#[test]
fn whoever_a_call_is_for_is_sealed_under_their_own_key() {
    let attempt = for_dana(Some(Ok(person()))).forwarded().call.attempt.remove(0);
    let sealed = attempt.on_behalf_of.as_ref().unwrap();
    let aad = Aad::record(&attempt.tenant_id, attempt.event_id, "on_behalf_of");
    assert_eq!(person().key.open(&aad, sealed).unwrap().as_str(), Some("Dana"));
    assert!(
        root(Purpose::Audit).open(&aad, sealed).is_err(),
        "the tenant's key must not outlive the person's"
    );
    assert_eq!(attempt.on_behalf_of_ref, Some(person().subject));
}

#[test]
fn nothing_is_done_for_whoever_was_erased() {
    for (fault, refused) in
        [(NoPerson::Erased, Reason::SubjectErased), (NoPerson::Unavailable, Reason::KeysUnavailable)]
    {
        let decision = for_dana(Some(Err(fault))).decide();
        assert_eq!(reason(&decision), refused);
        let Decision::Refuse { record, .. } = decision else { panic!("{fault:?} was forwarded") };
        assert_eq!((&record.on_behalf_of, &record.on_behalf_of_ref), (&None, &None));
    }
}

#[test]
fn a_tenant_whose_keys_were_destroyed_is_told_so() {
    let decide = |fault| reason(&Case::with(|case| case.keys = Err(fault)).decide());
    assert_eq!(decide(RootError::Shredded), Reason::KeysDestroyed);
    assert_eq!(decide(RootError::Retired { version: 1 }), Reason::KeysUnavailable);
}

#[test]
fn the_smallest_limit_is_sent_and_a_change_is_told() {
    let limits = |model: u64, policy: u64, change: Value| {
        let plan = Case::with(|case| {
            case.providers.as_mut().unwrap().0[0].models[0].max_output_tokens = model;
            case.policy.as_mut().unwrap().max_output_tokens = policy;
            case.route = chat(change);
        })
        .forwarded();
        let body = plan.body.get();
        let fields =
            ["max_completion_tokens", "max_tokens"].map(|field| body.get(field).and_then(Value::as_u64));
        (fields, plan.call.clamped)
    };
    let told = |limit: u64| Some(format!("max_completion_tokens={limit}"));
    assert_eq!(limits(500, 800, json!({})), ([Some(500), None], told(500)));
    assert_eq!(limits(800, 500, json!({})), ([Some(500), None], told(500)));
    assert_eq!(limits(800, 500, json!({"max_completion_tokens": 500})), ([Some(500), None], None));
    assert_eq!(limits(800, 500, json!({"max_completion_tokens": 501})), ([Some(500), None], told(500)));
    assert_eq!(limits(800, 500, json!({"max_tokens": 20})), ([Some(20), None], None));
    assert_eq!(limits(800, 500, json!({"max_tokens": 900})), ([Some(500), None], told(500)));
    let both = json!({"max_tokens": 900, "max_completion_tokens": 30});
    assert_eq!(limits(800, 500, both), ([Some(30), None], None));
}

#[test]
fn the_list_holds_what_the_key_may_call_here() {
    let listed = |change: Change| {
        Case::with(|case| {
            case.route = Route::Models;
            case.providers = Some(Providers(vec![
                provider(1, Region::Us, &["far", "both"]),
                provider(2, Region::Eu, &["near", "both"]),
                provider(3, Region::Eu, &["both", "also"]),
            ]));
            change(case);
        })
        .models()
    };
    assert_eq!(listed(|_| {}), ["also", "both", "near"]);
    assert_eq!(listed(|c| c.standing.role = Some(Role::Viewer)), ["also", "both", "near"]);
    assert_eq!(listed(|c| c.row.scopes.models = Some([name("near"), name("far")].into())), ["near"]);
    assert_eq!(listed(|c| c.row.scopes.models = Some([].into())), [""; 0]);
    assert_eq!(listed(|c| c.providers = Some(Providers(Vec::new()))), [""; 0]);
}

/// A provider elsewhere is passed over, however early it stands.
#[test]
fn a_provider_is_chosen_inside_the_region_only() {
    let chosen = Case::with(|case| {
        case.providers = Some(Providers(vec![
            provider(1, Region::Us, &["gpt-4o"]),
            provider(2, Region::Il, &["gpt-4o"]),
            provider(3, Region::Eu, &["other"]),
            provider(4, Region::Eu, &["gpt-4o"]),
            provider(5, Region::Eu, &["gpt-4o"]),
        ]));
    });
    let call = chosen.forwarded().call;
    assert_eq!(call.provider.id, ProviderId::from_random([4; 10]));
    assert_eq!(call.target.host(), "provider-4.example.com");
    assert_eq!(call.attempt[0].provider_region, Some(Region::Eu));
}

#[test]
fn the_model_goes_out_under_its_providers_name() {
    let plan = good().forwarded();
    assert_eq!(plan.body.get()["model"], "up-gpt-4o");
    assert_eq!(plan.call.attempt[0].model, Some(name("gpt-4o")));
}

#[test]
fn nothing_planted_is_sent_or_recorded_and_people_are_pseudonyms() {
    let plan = Case::with(|case| case.route = chat(planted_body())).forwarded();
    assert_clean(&sent_text(&plan), "the body");
    assert_clean(&plan.call.attempt[0].to_canonical().unwrap(), "the attempt");
    assert!(PLANTED.iter().all(|planted| !format!("{plan:?}").contains(planted)), "the plan's debug form");
    let body = plan.body.get();
    let pseudonym = root(Purpose::Pseudonym).pseudonym("user", EMAIL);
    assert_eq!(body["user"], pseudonym);
    for field in [&body["safety_identifier"], &body["prompt_cache_key"], &body["metadata"]["user_id"]] {
        assert!(field.as_str().is_some_and(|text| text.starts_with("psn_")), "{field}");
    }
    let restored = plan.call.render.text(Field::Text, body["messages"][1]["content"].as_str().unwrap());
    assert_eq!(restored, PLANTED.join(", "));
    let dlp = plan.call.attempt[0].dlp.clone().unwrap();
    for detector in ["email", "card", "il_id"] {
        assert!(dlp[&Code::literal(detector)] >= 3, "{dlp:?}");
    }
}

/// The same person is the same pseudonym in every call, so no detector may take part of one for something else.
#[test]
fn a_pseudonym_leaves_as_it_is() {
    let person = |n| format!("user-{n}@example.com");
    for person in (3_600..3_700).chain(12_150..12_200).map(person) {
        let sent = Case::with(|case| case.route = chat(json!({"user": person}))).forwarded().body;
        assert_eq!(sent.get()["user"], root(Purpose::Pseudonym).pseudonym("user", &person));
    }
}

#[test]
fn an_identifier_of_a_person_that_is_no_text_does_not_leave() {
    for fields in [
        json!({"user": 123_456_782}),
        json!({"user": ["dana"]}),
        json!({"safety_identifier": {"id": "dana"}}),
        json!({"metadata": {"user_id": 4_471}}),
        json!({"metadata": [{"user_id": "dana"}]}),
    ] {
        match Case::with(|case| case.route = chat(fields.clone())).decide() {
            Decision::Refuse { .. } => {}
            decision => {
                let Decision::Forward(plan) = decision else { panic!("{fields}") };
                let gone =
                    ["123456782", "dana", "4471"].iter().all(|value| !sent_text(&plan).contains(value));
                assert!(gone, "{}", sent_text(&plan));
            }
        }
    }
}

#[test]
fn a_call_may_take_what_is_left_of_the_time_less_the_reserve() {
    for (left_ms, deadline_ms) in [(11_000, 1_000), (25_500, 15_500), (40_000, 30_000), (900_000, 30_000)] {
        let case = Case::with(|case| case.moment.time_left = Duration::from_millis(left_ms));
        assert_eq!(case.forwarded().call.deadline, Duration::from_millis(deadline_ms));
    }
}

/// Texts around and between planted values, and other things that JSON can hold.
fn leaf() -> impl Strategy<Value = Value> {
    let planted = (".{0,8}", prop::sample::select(PLANTED.to_vec()), ".{0,8}")
        .prop_map(|(before, value, after)| json!(format!("{before} {value} {after}")));
    prop_oneof![
        3 => planted,
        1 => any::<bool>().prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => any::<f64>().prop_map(Value::from),
        1 => Just(Value::Null),
        1 => ".{0,12}".prop_map(Value::from),
    ]
}

fn field_name() -> impl Strategy<Value = String> {
    let known = [
        "model",
        "messages",
        "user",
        "metadata",
        "user_id",
        "tools",
        "function",
        "content",
        "role",
        "type",
        "n",
        "max_tokens",
        "stop",
        "response_format",
        "prediction",
        "tool_choice",
        "logit_bias",
        "modalities",
    ];
    prop_oneof![
        3 => prop::sample::select(known.to_vec()).prop_map(str::to_owned),
        1 => "[a-z]{1,8}",
        1 => prop::sample::select(PLANTED.to_vec()).prop_map(str::to_owned),
    ]
}

fn json() -> impl Strategy<Value = Value> {
    leaf().prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            object(inner).prop_map(Value::Object),
        ]
    })
}

fn object(values: impl Strategy<Value = Value>) -> impl Strategy<Value = Map<String, Value>> {
    prop::collection::vec((field_name(), values), 0..6).prop_map(|fields| fields.into_iter().collect())
}

/// A call that can be allowed: random fields around a message whose content is random as well.
fn call() -> impl Strategy<Value = Value> {
    let content = leaf().prop_filter_map("content is text", |leaf| leaf.as_str().map(str::to_owned));
    (object(json()), object(json()), content).prop_map(|(fields, mut message, content)| {
        message.insert("role".to_owned(), "user".into());
        message.insert("content".to_owned(), content.into());
        let mut body = fields;
        for checked in ["n", "max_tokens", "tools", "modalities", "user", "metadata"] {
            body.remove(checked);
        }
        // A number at the top level is refused unless it is a known parameter.
        body.retain(|_, value| !value.is_number());
        body.insert("model".to_owned(), "gpt-4o".into());
        body.insert("messages".to_owned(), Value::from(vec![Value::Object(message)]));
        Value::Object(body)
    })
}

fn decided(body: Value) -> Decision {
    Case::with(|case| case.route = sent(Dialect::Chat, &body)).decide()
}

fn assert_guarded(decision: &Decision) {
    match decision {
        Decision::Forward(plan) => {
            assert_clean(&sent_text(plan), "the body");
            assert_clean(&plan.call.attempt[0].to_canonical().unwrap(), "the attempt");
        }
        Decision::Refuse { refused, record, .. } => {
            assert_clean(&record.to_canonical().unwrap(), "the record");
            assert_clean(&format!("{refused:?}"), "the refusal");
        }
        Decision::Models(_) => panic!("a call became a list"),
    }
}

proptest! {
    #[test]
    fn whatever_is_sent_is_refused_or_redacted(body in json()) {
        assert_guarded(&decided(body));
    }

    #[test]
    fn what_can_be_allowed_leaves_without_planted_values(body in call()) {
        let decision = decided(body);
        // Two keys that redact to one are the only fault that such a call can have.
        prop_assert!(matches!(reason(&decision), Reason::Allowed | Reason::RedactionFailed), "{decision:?}");
        assert_guarded(&decision);
    }
}

fn documents(floor: &str, tenant: &str, agent: &str) -> Result<Documents, Unreadable> {
    let row = |text: &str| {
        (!text.is_empty()).then(|| domain::DlpPolicyRow { version: 1, document: text.to_owned() })
    };
    Ok(Documents { floor: row(floor), tenant: row(tenant), agent: row(agent) })
}

fn with_card(dlp: Result<Documents, Unreadable>) -> Case {
    let content = json!({"messages": [{"role": "user", "content": "card 4111 1111 1111 1111"}]});
    Case::with(|case| (case.dlp, case.route) = (dlp, chat(content)))
}

#[test]
fn a_dlp_policy_that_does_not_read_refuses_the_call() {
    for dlp in [
        Err(Unreadable),
        documents("{}", "", ""),
        documents("", "no json", ""),
        documents("", "", r#"{"v":2}"#),
    ] {
        let (refused, record) = with_card(dlp).refused();
        assert_eq!((refused.reason, refused.hint.as_deref()), (Reason::PolicyUnreadable, None));
        assert_eq!(record.reason.as_str(), "policy_unreadable");
    }
}

#[test]
fn what_a_policy_blocks_is_refused_by_its_type_and_recorded_as_a_count() {
    let floor = r#"{"v": 1, "types": {"card": {"action": "block"}}}"#;
    let tenant = r#"{"v": 1, "types": {"card": {"action": "alert"}}}"#;
    let (refused, record) = with_card(documents(floor, tenant, "")).refused();
    assert_eq!(refused.reason, Reason::ContentBlocked);
    assert!(refused.hint.unwrap().ends_with("these types: card"));
    assert_eq!(record.event_type, EventType::PolicyViolation);
    let dlp = record.dlp.unwrap();
    assert_eq!(
        dlp.iter().map(|(kind, count)| (kind.as_str(), *count)).collect::<Vec<_>>(),
        [("card.block", 1)]
    );
}

#[test]
fn each_action_leaves_what_it_says() {
    for (action, leaves) in [
        ("redact", "[CARD_1_"),
        ("mask", "**** **** **** 1111"),
        ("alert", "4111 1111 1111 1111"),
        ("hash", "[CARD_H_psn_"),
        ("tokenize", "[CARD_T_"),
    ] {
        let tenant = format!(r#"{{"v": 1, "types": {{"card": {{"action": "{action}"}}}}}}"#);
        let plan = with_card(documents("", &tenant, "")).forwarded();
        let sent = plan.body.get().to_string();
        assert!(sent.contains(leaves), "{action}: {sent}");
        let kept: Vec<_> =
            plan.call.kept.made().map(|made| (made.token.to_owned(), made.original.to_owned())).collect();
        assert_eq!(kept.len(), usize::from(action == "tokenize"));
        assert!(
            kept.iter().all(|(token, original)| sent.contains(token) && original == "4111 1111 1111 1111")
        );
    }
}
