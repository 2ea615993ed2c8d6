//! The decision as a table: good facts, and every single change of them with its reason.

use super::*;
use crate::plan::Work;
use caller::Fault;
use domain::{
    Agent, AgentId, Code, DlpPolicyRow, EventType, GatewayKey, KeyKind, KeyRow, KillScope, Lifecycle,
    Networks, Opaque, Org, OrgId, Owner, Phase, Role, Scopes, Tenant, TenantId, User, UserId,
};
use envelope::{Context, Purpose, RootKey, RootSecret, SubjectKey, SubjectSecret};
use policy::Kills;
use serde_json::{Value, json};

const EMAIL: &str = "dana.levi@example.com";
const CARD: &str = "4111 1111 1111 1111";
const TOKEN: &str = "[EMAIL_T_0123456789abcdefghjkmnpqrs]";
const SOURCE: &str = "203.0.113.7";

fn at(millis: i64) -> Timestamp {
    Timestamp::from_unix_millis(millis).unwrap()
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
        scopes: Scopes::of(["dlp.detect", "dlp.redact", "dlp.restore"].map(Code::literal).into()),
        networks: None,
        requests_per_minute: None,
        active_from: None,
        expires_at: None,
        rotate_by: None,
        revoked_at: None,
    }
}

fn root(purpose: Purpose) -> Arc<RootKey> {
    let context = Context { tenant: key_row().tenant, region: Region::Eu, purpose, version: 1 };
    Arc::new(RootKey::derive(&RootSecret::new([9; 32]), &context))
}

fn moment() -> Moment {
    let random = Random {
        action: [11; 10],
        first_event: [12; 10],
        second_event: [13; 10],
        nonce: [14; 5],
        tokens: [15; 32],
        first_seal: SealRandom { source_ip: [16; 28], on_behalf_of: [17; 28] },
        second_seal: SealRandom { source_ip: [18; 28], on_behalf_of: [19; 28] },
    };
    Moment { now: at(1_795_430_530_120), random }
}

fn person() -> Person {
    let subject: Opaque = root(Purpose::Pseudonym).pseudonym("subject", "Dana").parse().unwrap();
    let key = SubjectKey::derive(&SubjectSecret::new([5; 32]), &key_row().tenant, Region::Eu, &subject);
    Person { subject, key: Arc::new(key) }
}

fn rules() -> Rules {
    Rules { region: Region::Eu, roles: RoleTable::builtin().unwrap(), policies: Policies::default() }
}

/// Everything that a call is decided by: each test changes what it is about.
struct Case {
    row: KeyRow,
    standing: Standing,
    policy: Option<PolicyRow>,
    dlp: Result<Documents, Unreadable>,
    keys: Result<Keys, RootError>,
    person: Option<Result<Person, NoPerson>>,
    route: Route,
    asserted: Result<Asserted, Fault>,
}

fn call(action: Action, body: &Value) -> Route {
    Route::Call(action, Ok(body.to_string()))
}

fn good(action: Action) -> Case {
    let row = key_row();
    let status = Lifecycle::Active;
    let (id, org) = (row.tenant.clone(), row.org.clone());
    let standing = Standing {
        org: Some(Org { id: row.org.clone(), status, networks: None }),
        tenant: Some(Tenant { id, org, region: Region::Eu, status, networks: None }),
        agent: Some(Agent { id: row.agent.clone(), status, team: None, owner: None, deputy: None }),
        user: Some(User { id: UserId::from_random([4; 10]), active: true, epoch: 5 }),
        role: Some(Role::Member),
        agent_owner: None,
        kills: Kills::none(),
    };
    let policy = PolicyRow {
        version: 3,
        restore: std::collections::BTreeSet::new(),
        redact_answers: false,
        permits: std::collections::BTreeSet::new(),
        forbidden_tools: std::collections::BTreeSet::new(),
        max_output_tokens: 1,
    };
    Case {
        row,
        standing,
        policy: Some(policy),
        dlp: Ok(Documents::default()),
        keys: Ok(Keys { audit: root(Purpose::Audit), pseudonym: root(Purpose::Pseudonym) }),
        person: None,
        route: call(action, &json!({"text": format!("Write to {EMAIL} or {TOKEN}")})),
        asserted: Ok(Asserted::default()),
    }
}

impl Case {
    fn decide(self) -> Decision {
        let rules = rules();
        let caller = policy::authenticate(&key(), self.row).unwrap();
        let request = Request {
            route: self.route,
            key: Ok(key()),
            asserted: self.asserted,
            source_ip: Some(SOURCE.parse().unwrap()),
            request_id: "req-1".parse().ok(),
            tls: Ok(()),
        };
        let (standing, policy, dlp) = (self.standing, self.policy, self.dlp);
        let facts = Facts { caller, standing, policy, dlp, keys: self.keys, person: self.person };
        decide(&rules, request, facts, &moment())
    }

    fn reason(self) -> Reason {
        match self.decide() {
            Decision::Refuse { refused, record, .. } => {
                assert_eq!(record.reason.as_str(), refused.reason.as_str());
                assert_eq!((record.phase, record.decision), (Phase::Single, domain::Decided::Deny));
                refused.reason
            }
            Decision::Allow(_) => Reason::Allowed,
        }
    }

    fn plan(self) -> Plan {
        match self.decide() {
            Decision::Allow(plan) => *plan,
            Decision::Refuse { refused, .. } => panic!("{refused:?}"),
        }
    }
}

fn told(plan: &Plan) -> &Value {
    match &plan.work {
        Work::Tell(answer) | Work::Keep { answer, .. } => answer,
        Work::Restore(_) => panic!("nothing is told yet"),
    }
}

const ALL: [Action; 3] = [Action::DlpDetect, Action::DlpRedact, Action::DlpRestore];

type Change = fn(&mut Case);

#[test]
fn networks_switches_and_routes_are_looked_at_for_every_action() {
    let cases: [(&str, Change, Reason); 4] = [
        ("from elsewhere", |c| c.row.networks = Some(Networks::default()), Reason::NetworkNotAllowed),
        (
            "stopped",
            |c| c.standing.kills.platform.as_mut().unwrap().stopped = [KillScope::All].into(),
            Reason::KilledPlatform,
        ),
        (
            "models stopped",
            |c| c.standing.kills.platform.as_mut().unwrap().stopped = [KillScope::Llm].into(),
            Reason::Allowed,
        ),
        (
            "another route",
            |c| c.row.scopes.routes = Some(["/v1/messages".parse().unwrap()].into()),
            Reason::RouteNotAllowed,
        ),
    ];
    for action in ALL {
        for (name, change, expected) in &cases {
            let mut case = good(action);
            change(&mut case);
            assert_eq!(case.reason(), *expected, "{name} {action:?}");
        }
    }
}

#[test]
fn each_single_fault_has_its_reason_whatever_is_asked() {
    let cases: [(&str, Change, Reason); 26] = [
        ("all in order", |_| {}, Reason::Allowed),
        ("revoked", |c| c.row.revoked_at = Some(at(1)), Reason::KeyRevoked),
        ("expired", |c| c.row.expires_at = Some(moment().now), Reason::KeyExpired),
        ("another path", |c| c.route = Route::Stray(Reason::UnknownPath), Reason::UnknownPath),
        ("no JSON", |c| c.route = Route::Call(Action::DlpRedact, Ok("{".to_owned())), Reason::InvalidJson),
        ("no request", |c| c.route = call(Action::DlpDetect, &json!({"texts": []})), Reason::InvalidField),
        (
            "a fault of form",
            |c| c.asserted = Err(Fault::at(Reason::InvalidField, "x-cs-conversation", "")),
            Reason::InvalidField,
        ),
        ("owner gone", |c| c.standing.user = None, Reason::OwnerInactive),
        ("a later epoch", |c| c.standing.user.as_mut().unwrap().epoch = 6, Reason::OwnerEpoch),
        ("no role", |c| c.standing.role = None, Reason::OwnerInactive),
        ("org gone", |c| c.standing.org = None, Reason::OrgInactive),
        ("tenant gone", |c| c.standing.tenant = None, Reason::TenantInactive),
        (
            "agent suspended",
            |c| c.standing.agent.as_mut().unwrap().status = Lifecycle::Suspended,
            Reason::AgentInactive,
        ),
        (
            "the agent's owner left",
            |c| c.standing.agent.as_mut().unwrap().owner = Some(UserId::from_random([9; 10])),
            Reason::AgentOwnerInactive,
        ),
        ("no policy", |c| c.policy = None, Reason::FactsUnavailable),
        ("no scope", |c| c.row.scopes.actions.clear(), Reason::ScopeMissing),
        (
            "the scope of models alone",
            |c| c.row.scopes.actions = ["llm.call"].map(Code::literal).into(),
            Reason::ScopeMissing,
        ),
        ("viewer", |c| c.standing.role = Some(Role::Viewer), Reason::RoleForbids),
        (
            "lives elsewhere",
            |c| c.standing.tenant.as_mut().unwrap().region = Region::Us,
            Reason::ResidencyTenant,
        ),
        ("erased", |c| c.person = Some(Err(NoPerson::Erased)), Reason::SubjectErased),
        ("no key of theirs", |c| c.person = Some(Err(NoPerson::Unavailable)), Reason::KeysUnavailable),
        ("a person", |c| c.person = Some(Ok(person())), Reason::Allowed),
        ("no keys", |c| c.keys = Err(RootError::Missing), Reason::KeysUnavailable),
        ("destroyed keys", |c| c.keys = Err(RootError::Shredded), Reason::KeysDestroyed),
        ("a row that does not read", |c| c.dlp = Err(Unreadable), Reason::PolicyUnreadable),
        (
            "a document that does not read",
            |c| {
                let row = DlpPolicyRow { version: 1, document: "{".to_owned() };
                c.dlp = Ok(Documents { agent: Some(row), ..Documents::default() });
            },
            Reason::PolicyUnreadable,
        ),
    ];
    for action in ALL {
        for (name, change, expected) in &cases {
            let mut case = good(action);
            change(&mut case);
            assert_eq!(case.reason(), *expected, "{name} {action:?}");
        }
    }
}

#[test]
fn each_action_needs_its_own_scope() {
    for action in ALL {
        for scope in ALL {
            let mut case = good(action);
            case.row.scopes.actions = [Code::literal(scope.as_str())].into();
            let expected = if scope == action { Reason::Allowed } else { Reason::ScopeMissing };
            assert_eq!(case.reason(), expected, "{action:?} with {scope:?}");
        }
    }
}

#[test]
fn whoever_stands_behind_the_key_comes_after_its_form() {
    let mut case = good(Action::DlpDetect);
    case.row.expires_at = Some(at(0));
    case.route = Route::Stray(Reason::UnknownPath);
    assert_eq!(case.reason(), Reason::KeyExpired);
    let mut case = good(Action::DlpDetect);
    case.standing.user = None;
    case.row.scopes.actions.clear();
    assert_eq!(case.reason(), Reason::OwnerInactive);
}

#[test]
fn what_is_found_is_told_without_any_value() {
    let plan = good(Action::DlpDetect).plan();
    let answer = told(&plan);
    assert_eq!(answer["detected_types"], json!({"email": 1}));
    assert_eq!(answer["findings"][0]["start"], 9);
    assert!(answer["note"].as_str().unwrap().contains("no guarantee"));
    assert!(!answer.to_string().contains(EMAIL));
    assert_eq!(plan.known.dlp, Some([("email".parse().unwrap(), 1)].into()));
    assert!(!format!("{plan:?}").contains(EMAIL));
}

#[test]
fn what_is_redacted_has_one_placeholder_throughout_a_request() {
    let mut case = good(Action::DlpRedact);
    let body = json!({"items": [
        {"id": "a", "text": format!("{EMAIL}, {CARD}")},
        {"json": {"to": [EMAIL], "card": 4_111_111_111_111_111_u64, EMAIL: null, "half": 0.5}},
        {"json": 4_111_111_111_111_111_u64},
    ]});
    case.route = call(Action::DlpRedact, &body);
    let plan = case.plan();
    let answer = told(&plan);
    let text = answer["items"][0]["text"].as_str().unwrap();
    let (email, card) = text.split_once(", ").unwrap();
    assert!(email.starts_with("[EMAIL_1_") && card.starts_with("[CARD_1_"), "{text}");
    assert_eq!(answer["items"][0]["id"], "a");
    let json = &answer["items"][1]["json"];
    assert_eq!((&json["to"][0], &json[email], &json["half"]), (&json!(email), &Value::Null, &json!(0.5)));
    assert_eq!(answer["items"][2]["json"], json["card"]);
    assert!(answer["items"][2]["json"].as_str().unwrap().starts_with("[CARD_"));
    assert_eq!(answer["detected_types"], json!({"card": 3, "email": 3}));
    assert_eq!(answer["actions"], json!({"card": {"redact": 3}, "email": {"redact": 3}}));
    assert!(!answer.to_string().contains("4111") && !answer.to_string().contains(EMAIL));
}

#[test]
fn a_body_too_deep_to_be_walked_is_refused() {
    let nested = |depth: usize| (0..depth).fold(json!("x"), |value, _| json!([value]));
    for (depth, expected) in [(61, Reason::Allowed), (62, Reason::Allowed), (63, Reason::NestedTooDeep)] {
        let mut case = good(Action::DlpRedact);
        case.route = call(Action::DlpRedact, &json!({"json": nested(depth)}));
        assert_eq!(case.reason(), expected, "{depth}");
    }
}

#[test]
fn tokens_are_asked_for_once_each_in_the_callers_own_name() {
    let mut case = good(Action::DlpRestore);
    case.asserted = Ok(Asserted { conversation: Some("c-1".to_owned()), ..Asserted::default() });
    let other = TOKEN.replace("EMAIL", "CARD");
    case.route = call(Action::DlpRestore, &json!({"text": format!("{TOKEN} {TOKEN} {other} [EMAIL_T_x]")}));
    let Work::Restore(asked) = case.plan().work else { panic!("nothing to restore") };
    let plan::Asked { tokens, holder, limit, .. } = asked;
    assert_eq!(tokens, [TOKEN.to_owned(), other].into());
    assert_eq!(limit, 60);
    let conversation = root(Purpose::Pseudonym).pseudonym("conversation", "c-1").parse().ok();
    let row = key_row();
    assert_eq!(holder, Holder { tenant: row.tenant, agent: row.agent, conversation });
}

#[test]
fn without_tokens_nothing_is_asked_for_and_too_many_are_refused_at_once() {
    let mut case = good(Action::DlpRestore);
    case.route = call(Action::DlpRestore, &json!({"json": {"a": "[EMAIL_1_k3f9a2x7]"}}));
    let plan = case.plan();
    assert_eq!(told(&plan), &json!({"json": {"a": "[EMAIL_1_k3f9a2x7]"}, "restored": 0, "left": 0}));
    let tokens = |count: usize| {
        let token = |n: usize| TOKEN.replace("0123", &format!("{n:04}"));
        let text: Vec<_> = (0..count).map(token).collect();
        let mut case = good(Action::DlpRestore);
        case.route = call(Action::DlpRestore, &json!({"text": text.join(" ")}));
        case.reason()
    };
    assert_eq!((tokens(60), tokens(61)), (Reason::Allowed, Reason::RateExceeded));
}

#[test]
fn a_refusal_says_who_asked_for_what_and_holds_no_text() {
    let mut case = good(Action::DlpRestore);
    case.row.scopes.actions.clear();
    let Decision::Refuse { record, .. } = case.decide() else { panic!("allowed") };
    assert_eq!((record.event_type, record.action.as_str()), (EventType::PolicyViolation, "dlp.restore"));
    assert_eq!(record.agent_id, Some(key_row().agent));
    assert!(record.source_ip.is_some());
    let mut case = good(Action::DlpRedact);
    case.route = Route::Call(Action::DlpRedact, Ok(format!("{EMAIL} {TOKEN}")));
    let Decision::Refuse { record, refused, .. } = case.decide() else { panic!("allowed") };
    assert_eq!((record.event_type, record.action.as_str()), (EventType::DlpRedact, "dlp.redact"));
    let shown = format!("{} {refused:?}", record.to_canonical().unwrap());
    assert!(!shown.contains(EMAIL) && !shown.contains("EMAIL_T_") && !shown.contains(SOURCE), "{shown}");
}

#[test]
fn facts_that_could_not_be_read_refuse_and_are_recorded() {
    let rules = rules();
    let caller = policy::authenticate(&key(), key_row()).unwrap();
    let Case { route, asserted, .. } = good(Action::DlpDetect);
    let request = Request { route, key: Ok(key()), asserted, source_ip: None, request_id: None, tls: Ok(()) };
    let Decision::Refuse { refused, record, .. } = unread(&rules, &request, &caller, &moment()) else {
        panic!("allowed")
    };
    assert_eq!(refused.reason, Reason::FactsUnavailable);
    assert_eq!(record.event_type, EventType::DlpDetect);
}

fn policy(case: &mut Case, document: &Value) {
    let row = DlpPolicyRow { version: 1, document: document.to_string() };
    case.dlp = Ok(Documents { tenant: Some(row), ..Documents::default() });
}

#[test]
fn what_becomes_a_token_is_kept_before_the_answer_leaves() {
    let mut case = good(Action::DlpRedact);
    let types = json!({"email": {"action": "tokenize"}, "card": {"action": "mask"}});
    policy(&mut case, &json!({"v": 1, "types": types, "tokens": {"ttl_seconds": 90}}));
    case.route = call(Action::DlpRedact, &json!({"items": [{"text": EMAIL}, {"json": [EMAIL, CARD]}]}));
    case.person = Some(Ok(person()));
    let plan = case.plan();
    let Work::Keep { answer, keeping } = &plan.work else { panic!("nothing to keep") };
    let text = answer["items"][0]["text"].as_str().unwrap();
    assert_eq!(answer["items"][1]["json"], json!([text, "**** **** **** 1111"]));
    assert_eq!(answer["actions"], json!({"card": {"mask": 1}, "email": {"tokenize": 2}}));
    assert_eq!(keeping.tokens.len(), 1);
    let token = &keeping.tokens[0];
    assert_eq!((token.token.as_str(), token.original.as_str(), token.kind.as_str()), (text, EMAIL, "email"));
    assert_eq!(keeping.expires_at, moment().now.plus_millis(90_000));
    assert_eq!(keeping.person.as_ref().unwrap().subject, person().subject);
    assert!(!format!("{plan:?}").contains(EMAIL));
}

#[test]
fn a_request_cannot_make_tokens_without_end() {
    let many = |count: usize| {
        let mut case = good(Action::DlpRedact);
        policy(&mut case, &json!({"v": 1, "types": {"email": {"action": "tokenize"}}}));
        let text: Vec<_> = (0..count).map(|n| format!("dana{n}@example.com")).collect();
        case.route = call(Action::DlpRedact, &json!({"text": text.join(" ")}));
        case.reason()
    };
    assert_eq!((many(250), many(251)), (Reason::Allowed, Reason::RedactionFailed));
}

#[test]
fn what_the_policy_blocks_is_refused_by_the_names_of_its_types() {
    let mut case = good(Action::DlpRedact);
    policy(&mut case, &json!({"v": 1, "types": {"email": {"action": "block"}, "card": {"action": "block"}}}));
    case.route = call(Action::DlpRedact, &json!({"text": format!("{CARD} {EMAIL}")}));
    let Decision::Refuse { refused, record, .. } = case.decide() else { panic!("allowed") };
    assert_eq!(
        (refused.reason, refused.types),
        (Reason::ContentBlocked, vec!["card".to_owned(), "email".to_owned()])
    );
    assert_eq!(record.event_type, EventType::PolicyViolation);
    assert!(record.dlp.as_ref().unwrap().contains_key(&Code::literal("email.block")), "{:?}", record.dlp);
    assert!(!record.to_canonical().unwrap().contains(EMAIL));
}

/// The floor of the organization holds, whatever a tenant or an agent says.
#[test]
fn the_floor_holds() {
    let mut case = good(Action::DlpRedact);
    let written = |document: &Value| Some(DlpPolicyRow { version: 1, document: document.to_string() });
    case.dlp = Ok(Documents {
        floor: written(&json!({"v": 1, "types": {"email": {"action": "redact"}}})),
        tenant: written(&json!({"v": 1, "types": {"email": {"action": "tokenize"}}})),
        agent: written(&json!({"v": 1, "types": {"email": {"action": "allow"}}})),
    });
    assert_eq!(told(&case.plan())["actions"], json!({"email": {"redact": 1}}));
}

#[test]
fn links_are_restored_where_the_tenants_policy_names_them() {
    let asked = |restore: &[RestoreField]| {
        let mut case = good(Action::DlpRestore);
        case.policy.as_mut().unwrap().restore = restore.iter().copied().collect();
        let Work::Restore(asked) = case.plan().work else { panic!("nothing to restore") };
        asked.links
    };
    assert_eq!(asked(&[RestoreField::Text]), Links::Keep);
    assert_eq!(asked(&[RestoreField::Links]), Links::Restore);
}
