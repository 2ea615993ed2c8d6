//! The table of operations against the policies, and decisions over rows in memory.

use std::collections::{BTreeMap, BTreeSet};

mod channels;
mod directories;
mod gate;
mod glass;
mod platform;
mod resources;
mod seconds;

use super::*;
use crate::decide::channels::Channels;
use crate::event::parse;
use crate::plan::Shown;
use crate::routes::{OPERATIONS, On, named};
use crate::sso::Presets;
use domain::{
    Agent, AgentId, AskedAs, ConnectionId, ConnectionRow, KeyRow, KillRow, KillScope, Lifecycle, LimitsRow,
    Org, OrgId, OwnersRow, Region, Role, SessionClient, SessionId, SessionRow, Tenant, TenantId, Through,
    User, UserId,
};
use egress::Reach;
use policy::admin::{Granted, Level, Principal, PrincipalId};
use serde_json::json;
use tables::codec::Row;
use tables::{Attr, Item, Key, Switch, fingerprint};

fn level(on: On) -> Level {
    match on {
        On::Platform => Level::Platform,
        On::Org => Level::Org,
        On::Tenant => Level::Tenant,
        On::Self_ => Level::Owned,
    }
}

#[test]
fn every_operation_is_done_to_what_its_action_can_be_done_to() {
    for one in OPERATIONS {
        assert!(one.action.levels().contains(&level(one.on)), "{}: {} on {:?}", one.name, one.action, one.on);
        let writes = matches!(one.run, Run::Change { .. });
        assert_eq!(writes, one.method != "GET", "{}", one.name);
    }
}

#[test]
fn every_action_has_a_path_at_each_of_its_levels() {
    let mut used: BTreeSet<_> = OPERATIONS.iter().map(|one| (one.action, level(one.on))).collect();
    // Which of them giving a role is, the role says.
    assert!(used.contains(&(Action::GrantMember, Level::Tenant)));
    used.extend(Role::ALL.iter().map(|role| (Granted::Role(*role).action(), Level::Tenant)));
    let rows = |action: &Action| action.levels().iter().map(|level| (*action, *level)).collect::<Vec<_>>();
    let all: BTreeSet<_> = Action::ALL.iter().flat_map(rows).collect();
    let missing: Vec<_> = all.difference(&used).collect();
    assert!(missing.is_empty(), "no path leads there: {missing:?}");
}

struct World {
    rows: Rows,
    org: OrgId,
    tenant: TenantId,
    agent: AgentId,
    policies: Policies,
    presets: Presets,
    who: Who,
    /// As they were opened.
    channels: Option<Channels>,
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_unix_millis(millis).unwrap()
}

fn user(byte: u8) -> UserId {
    UserId::from_random([byte; 10])
}

impl World {
    /// Somebody with a role in the tenant, and rows that a tenant has.
    fn of(role: Option<Role>) -> Self {
        let (org, tenant) = (OrgId::from_random([1; 10]), TenantId::from_random([2; 10]));
        let agent = AgentId::from_random([3; 10]);
        let mut rows = Rows::new();
        let mut put = |key: Key, item: Item| drop(rows.insert(key, item));
        put(Key::org(&org), Org { id: org.clone(), status: Lifecycle::Active, networks: None }.to_item());
        let row = Tenant {
            id: tenant.clone(),
            org: org.clone(),
            region: Region::Eu,
            status: Lifecycle::Active,
            networks: None,
        };
        put(Key::tenant(&tenant), row.to_item());
        put(
            Key::agent(&tenant, &agent),
            Agent { id: agent.clone(), status: Lifecycle::Active, team: None, owner: None, deputy: None }
                .to_item(),
        );
        put(Key::limits(&tenant), LimitsRow::of_tokens(1_000).to_item());
        for switch in [Switch::Platform, Switch::Org(org.clone()), Switch::Tenant(tenant.clone())] {
            put(switch.keys().remove(0), KillRow::new().to_item());
        }
        for byte in [4, 5, 6] {
            put(Key::user(&org, &user(byte)), User { id: user(byte), active: true, epoch: 7 }.to_item());
        }
        put(Key::binding(&tenant, &user(5)), Role::Owner.to_item());
        put(Key::owners(&tenant), OwnersRow([user(5)].into()).to_item());
        let principal = Principal {
            roles: role.map(|role| (tenant.clone(), role)).into_iter().collect::<BTreeMap<_, _>>(),
            org_member: Some(org.clone()),
            mfa: true,
            ..Principal::nobody(PrincipalId::User(user(4)))
        };
        let session = SessionRow {
            id: SessionId::from_random([8; 10]),
            org: org.clone(),
            user: user(4),
            epoch: 7,
            through: Through::Connection(ConnectionId::from_random([9; 10])),
            client: SessionClient::Browser,
            created_at: at(0),
            seen_at: at(0),
            expires_at: at(9_000_000),
            mfa: true,
            revoked_at: None,
            root: None,
            handed: BTreeSet::new(),
            sid: None,
        };
        put(Key::session(&session.id), session.to_item());
        let connection = ConnectionRow {
            id: ConnectionId::from_random([9; 10]),
            org: org.clone(),
            status: Lifecycle::Active,
            document: "{}".to_owned(),
            secret: None,
        };
        put(Key::connection(&connection.id), connection.to_item());
        let who = Who { principal, user: user(4), org: org.clone(), session, answers: user(4), set_by: None };
        let policies = Policies::builtin().unwrap();
        Self { rows, org, tenant, agent, policies, presets: Presets::builtin().unwrap(), who, channels: None }
    }

    /// As whom somebody of the world's organization asks.
    fn asked_as(&self) -> AskedAs {
        AskedAs { org: self.org.clone(), epoch: 7, connection: self.connection() }
    }

    /// Through which the world's own session came.
    fn connection(&self) -> ConnectionId {
        self.who.session.through.connection().cloned().expect("a person's session")
    }

    fn call(&self, name: &str, params: Params, body: &Value, event: &str) -> Decision {
        let params = Params { org: params.org.or_else(|| Some(self.org.clone())), ..params };
        self.call_at(name, params, body, event)
    }

    /// By a path that names nothing.
    fn call_above(&self, name: &str, body: &Value) -> Decision {
        self.call_at(name, Params::default(), body, BARE)
    }

    fn call_at(&self, name: &str, params: Params, body: &Value, event: &str) -> Decision {
        let request = parse(event).unwrap();
        let operation = named(name).unwrap();
        // What is made after something else was made is another thing.
        let random = Random { id: [u8::try_from(self.rows.len()).unwrap(); 10], ..Self::random() };
        let forms = FormRules { presets: &self.presets, reach: Reach::Public };
        decide(
            &self.policies,
            &Asked {
                request: &request,
                operation,
                params: &params,
                body,
                who: &self.who,
                rows: &self.rows,
                region: Region::Eu,
                now: at(5_000),
                random: &random,
                forms,
                channels: self.channels.as_ref(),
            },
        )
    }

    const fn random() -> Random {
        let (action, attempt, outcome) = ([1; 10], [2; 10], [3; 10]);
        Random { action, attempt, outcome, id: [4; 10], secret: [5; 59], change: [6; 10] }
    }

    fn in_tenant(&self) -> Params {
        Params { tenant: Some(self.tenant.clone()), ..Params::default() }
    }

    /// What the wanted change writes to a row.
    fn written(&self, decision: Decision, key: &Key) -> Option<Item> {
        let Decision::Write(plan) = decision else { panic!("{decision:?}") };
        plan.change.swaps.into_iter().find(|swap| swap.key == *key).map(|swap| swap.new)
    }
}

const BARE: &str = include_str!("../../../../events/admin/create_key.json");

fn why(decision: Decision) -> Why {
    match decision {
        Decision::Refuse(refused, record) => {
            assert_eq!((record.decision, record.phase), (Decided::Deny, Phase::Single));
            assert_eq!(record.reason.as_str(), refused.why.row().code);
            refused.why
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_same_idempotency_key_makes_the_same_thing() {
    let world = World::of(Some(Role::Admin));
    let body = json!({"agent": world.agent, "actions": ["llm.call"]});
    let id = |event: &str, name: &str| {
        let Decision::Write(plan) = world.call(name, world.in_tenant(), &body, event) else { panic!() };
        plan.change.location.unwrap()
    };
    let other = BARE.replace("\"idempotency-key\": \"one\"", "\"idempotency-key\": \"two\"");
    assert_eq!(id(BARE, "keys.create_service"), id(BARE, "keys.create_service"));
    assert_ne!(id(BARE, "keys.create_service"), id(&other, "keys.create_service"));
}

#[test]
fn a_key_holds_what_was_asked_for_and_its_owner_s_epoch() {
    let world = World::of(Some(Role::Member));
    let body = json!({"agent": world.agent, "actions": ["llm.call"], "models": ["gpt-4o"], "networks": ["203.0.113.0/24"]});
    let Decision::Write(plan) = world.call("keys.create_own", world.in_tenant(), &body, BARE) else {
        panic!()
    };
    let made = &plan.change.swaps[0];
    let row = KeyRow::from_item(&made.new).unwrap();
    assert_eq!(row.owner, domain::Owner::User { id: user(4), epoch: 7 });
    assert_eq!((row.tenant, row.agent), (world.tenant.clone(), world.agent.clone()));
    assert!(made.old.is_none() && plan.change.body["gateway_key"].is_string());
    assert!(!format!("{:?}", plan.attempt).contains(plan.change.body["gateway_key"].as_str().unwrap()));
    assert_eq!(plan.attempt.authority.unwrap().role.unwrap().as_str(), "member");
    // A member makes none of the tenant's, and none for an agent that is not there.
    assert_eq!(why(world.call("keys.create_service", world.in_tenant(), &body, BARE)), Why::Forbidden);
    let foreign = json!({"agent": AgentId::from_random([99; 10]), "actions": ["llm.call"]});
    assert_eq!(why(world.call("keys.create_own", world.in_tenant(), &foreign, BARE)), Why::InvalidField);
}

/// Whoever answers for a program has seen the secrets that it was shown, be they of a key that is turned.
#[test]
fn a_secret_that_a_program_was_shown_is_seen_by_whoever_answers_for_it() {
    let mut world = World::of(Some(Role::Admin));
    world.who.principal.id = PrincipalId::Workload("ci".parse().unwrap());
    world.who.principal.org_member = None;
    world.who.user = user(9);
    world.who.answers = user(6);
    let body = json!({"agent": world.agent, "actions": ["llm.call"]});
    let seen = |item: &Item| KeyRow::from_item(item).unwrap().seen;
    let noa = Some(domain::Sight { user: user(6), epoch: 7 });
    let made = world.call("keys.create_service", world.in_tenant(), &body, BARE);
    let plan = world.make(made);
    let place = plan.change.swaps[0].key.clone();
    assert_eq!(seen(&world.rows[&place]), noa);
    // A deadline goes with the secret that it was for, and the new secret has one who saw it.
    let row = KeyRow::from_item(&world.rows[&place]).unwrap();
    let id = row.id.clone();
    let secret = domain::SecretHash::of("older");
    world.put(place.clone(), &KeyRow { secret, seen: None, rotate_by: Some(at(9_000)), ..row });
    let turn = Params { key: Some(id), ..world.in_tenant() };
    let turned = world.call("keys.rotate", turn, &json!({"overlap_seconds": 0}), BARE);
    assert_eq!(seen(&world.written(turned, &place).unwrap()), noa);
}

/// A switch that stops new keys stops the making and the turning of them, and one that is not there refuses.
#[test]
fn no_key_is_made_under_a_switch() {
    let mut world = World::of(Some(Role::Admin));
    let body = json!({"agent": world.agent, "actions": ["llm.call"]});
    let place = Switch::Org(world.org.clone()).keys().remove(0);
    for scope in [KillScope::NewKeys, KillScope::All] {
        let row = KillRow { stopped: [scope].into(), ..KillRow::new() };
        world.rows.insert(place.clone(), row.to_item());
        let made = world.call("keys.create_service", world.in_tenant(), &body, BARE);
        assert_eq!(why(made), Why::NewKeysStopped);
    }
    world.rows.remove(&place);
    assert_eq!(why(world.call("keys.create_service", world.in_tenant(), &body, BARE)), Why::FactsUnavailable);
}

/// A pending change of somebody else, as its row and theirs say.
fn pending(world: &mut World, by: u8, role: Role, operation: &str, path: &str, body: &Value) -> Params {
    let id = domain::ChangeId::from_random([by; 10]);
    let row = ChangeRow {
        id: id.clone(),
        operation: operation.parse().unwrap(),
        path: path.to_owned(),
        body: body.to_string(),
        seen: fingerprint(&world.rows[&Key::limits(&world.tenant)]).parse().ok(),
        by: user(by),
        asked_as: Some(world.asked_as()),
        at: at(0),
        expires_at: at(9_000),
        state: domain::ChangeState::Pending,
    };
    world.rows.insert(Key::change(&world.tenant, &id), row.to_item());
    world.rows.insert(Key::binding(&world.tenant, &user(by)), role.to_item());
    Params { change: Some(id), ..world.in_tenant() }
}

#[test]
fn two_in_good_standing_stand_behind_a_change() {
    let more = json!({"time_zone": "UTC", "shards": 1, "limits": [{"place": "tenant:tokens:total", "limit": 5_000}]});
    let mut world = World::of(Some(Role::Owner));
    let path = format!("/v1/tenants/{}/limits", world.tenant);
    let params = pending(&mut world, 6, Role::Admin, "limits.put", &path, &more);
    let confirmed = world.call("changes.confirm", params.clone(), &json!({}), BARE);
    let row = world.written(confirmed, &Key::limits(&world.tenant)).unwrap();
    assert_eq!(LimitsRow::from_item(&row).unwrap().version(), 2);
    // Who asked has lost the right, or is gone: one person is not enough.
    world.rows.insert(Key::binding(&world.tenant, &user(6)), Role::Viewer.to_item());
    assert_eq!(why(world.call("changes.confirm", params.clone(), &json!({}), BARE)), Why::RequesterGone);
    world.rows.insert(Key::binding(&world.tenant, &user(6)), Role::Admin.to_item());
    let gone = User { id: user(6), active: false, epoch: 8 };
    world.rows.insert(Key::user(&world.org, &user(6)), gone.to_item());
    assert_eq!(why(world.call("changes.confirm", params.clone(), &json!({}), BARE)), Why::RequesterGone);
    // Ended since and let in again: what they asked for is of before.
    let again = User { id: user(6), active: true, epoch: 8 };
    world.rows.insert(Key::user(&world.org, &user(6)), again.to_item());
    assert_eq!(why(world.call("changes.confirm", params.clone(), &json!({}), BARE)), Why::RequesterGone);
    world.rows.insert(Key::user(&world.org, &user(6)), User { epoch: 7, ..again }.to_item());
    // A role that came by a group, of a connection that gives it no more.
    let connection = world.connection();
    let mut by_group = Role::Admin.to_item();
    by_group.insert("via".to_owned(), Attr::text(&connection));
    world.rows.insert(Key::binding(&world.tenant, &user(6)), by_group);
    assert_eq!(why(world.call("changes.confirm", params.clone(), &json!({}), BARE)), Why::RequesterGone);
    let mut form = crate::sso::testing::sample("okta").connection;
    form["group_roles"] = json!([{"group": "Ops", "grant": {"tenant": world.tenant, "role": "admin"}}]);
    let row = ConnectionRow {
        id: connection.clone(),
        org: world.org.clone(),
        status: Lifecycle::Active,
        document: form.to_string(),
        secret: None,
    };
    world.rows.insert(Key::connection(&connection), row.to_item());
    let confirmed = world.call("changes.confirm", params.clone(), &json!({}), BARE);
    assert!(matches!(confirmed, Decision::Write(_)), "{confirmed:?}");
    // A connection that was stopped ends what came through it; and so does a row that does not say who asked.
    let stopped = ConnectionRow { status: Lifecycle::Suspended, ..row.clone() };
    world.rows.insert(Key::connection(&connection), stopped.to_item());
    assert_eq!(why(world.call("changes.confirm", params.clone(), &json!({}), BARE)), Why::RequesterGone);
    world.rows.insert(Key::connection(&connection), row.to_item());
    let place = Key::change(&world.tenant, params.change.as_ref().unwrap());
    world.rows.get_mut(&place).unwrap().remove("requester_org");
    assert_eq!(why(world.call("changes.confirm", params, &json!({}), BARE)), Why::RequesterGone);
    // A change of another tenant's path is none of this one's.
    let mut world = World::of(Some(Role::Owner));
    let foreign = format!("/v1/tenants/{}/limits", TenantId::from_random([77; 10]));
    let params = pending(&mut world, 6, Role::Admin, "limits.put", &foreign, &more);
    assert_eq!(why(world.call("changes.confirm", params, &json!({}), BARE)), Why::NotFound);
}

/// Where a tenant has no second person, an owner of its organization is the second one: for another's change, and to make none.
#[test]
fn an_owner_of_the_organization_confirms_what_they_could_not_make() {
    let mut world = World::of(None);
    world.who.principal.org_owner = Some(world.org.clone());
    let path = format!("/v1/tenants/{}/dlp", world.tenant);
    let body = json!({"v": 1, "types": {"*": {"action": "allow"}}});
    assert_eq!(why(world.call("dlp.put", world.in_tenant(), &body, BARE)), Why::Forbidden);
    let key = Key::dlp_policy(&world.tenant, None);
    let row = domain::DlpPolicyRow { version: 1, document: r#"{"v": 1}"#.to_owned() };
    world.put(key.clone(), &row);
    let params = pending(&mut world, 6, Role::Developer, "dlp.put", &path, &body);
    let seen = Attr::text(fingerprint(&world.rows[&key]));
    let place = Key::change(&world.tenant, params.change.as_ref().unwrap());
    world.rows.get_mut(&place).unwrap().insert("seen_digest".to_owned(), seen);
    let confirmed = world.call("changes.confirm", params.clone(), &json!({}), BARE);
    assert!(matches!(confirmed, Decision::Write(_)), "{confirmed:?}");
    world.who.principal.org_owner = Some(OrgId::from_random([77; 10]));
    assert_eq!(why(world.call("changes.confirm", params, &json!({}), BARE)), Why::NotFound);
}

/// Out of a team whose use is limited is more than before.
#[test]
fn leaving_a_limited_team_waits_for_a_second_person() {
    let mut world = World::of(Some(Role::Admin));
    let key = Key::agent(&world.tenant, &world.agent);
    let team = |name: &str| name.parse::<Code>().unwrap();
    let row = Agent {
        id: world.agent.clone(),
        status: Lifecycle::Active,
        team: Some(team("sales")),
        owner: None,
        deputy: None,
    };
    world.rows.insert(key, row.to_item());
    let params = Params { agent: Some(world.agent.clone()), ..world.in_tenant() };
    let status = |world: &World| match world.call("agents.team", params.clone(), &json!({"team": null}), BARE)
    {
        Decision::Write(plan) => plan.status,
        other => panic!("{other:?}"),
    };
    assert_eq!(status(&world), 200);
    let limit = |place: &str| domain::Limit { place: place.parse().unwrap(), most: 10 };
    let limits = vec![limit("tenant:tokens:total"), limit("team/sales:tokens:day")];
    let limits = LimitsRow::new(2, domain::Zone::utc(), 1, limits).unwrap();
    world.rows.insert(Key::limits(&world.tenant), limits.to_item());
    assert_eq!(status(&world), 202);
}

#[test]
fn bodies_are_read_strictly_and_never_quoted() {
    let world = World::of(Some(Role::Admin));
    for (body, at) in [
        (json!({"agent": "planted-value", "actions": ["llm.call"]}), "/agent"),
        (json!({"agent": world.agent, "actions": ["planted-value"]}), "/actions"),
        (json!({"agent": world.agent, "actions": [], "planted": 1}), "/planted"),
        (
            json!({"agent": world.agent, "actions": ["llm.call"], "networks": ["planted-value"]}),
            "/networks/0",
        ),
        (
            json!({"agent": world.agent, "actions": ["llm.call"], "expires_at": "1970-01-01T00:00:01.000Z"}),
            "/expires_at",
        ),
    ] {
        let Decision::Refuse(refused, _) = world.call("keys.create_service", world.in_tenant(), &body, BARE)
        else {
            panic!("{body}")
        };
        assert_eq!((refused.why, refused.at.as_deref()), (Why::InvalidField, Some(at)), "{body}");
        assert!(!refused.hint.clone().unwrap_or_default().contains("planted-value"), "{refused:?}");
    }
}

#[test]
fn the_last_owner_stays_and_each_change_of_owners_is_one_after_the_other() {
    let mut world = World::of(None);
    world.who.principal.org_owner = Some(world.org.clone());
    let of = |byte: u8, world: &World| Params { user: Some(user(byte)), ..world.in_tenant() };
    let to = |role: &str| json!({ "role": role });
    assert_eq!(why(world.call("roles.grant", of(5, &world), &to("admin"), BARE)), Why::LastOwner);
    assert_eq!(why(world.call("roles.withdraw", of(5, &world), &json!({}), BARE)), Why::LastOwner);
    assert_eq!(why(world.call("roles.grant", of(4, &world), &to("owner"), BARE)), Why::OnSelf);
    assert_eq!(why(world.call("roles.grant", of(99, &world), &to("owner"), BARE)), Why::NotFound);
    let two = world.call("roles.grant", of(6, &world), &to("owner"), BARE);
    let owners = world.written(two, &Key::owners(&world.tenant)).unwrap();
    assert_eq!(OwnersRow::from_item(&owners), Ok(OwnersRow([user(5), user(6)].into())));
    world.rows.insert(Key::owners(&world.tenant), owners);
    let one = world.call("roles.withdraw", of(5, &world), &json!({}), BARE);
    let Decision::Write(plan) = one else { panic!() };
    assert!(plan.change.writes.iter().any(|write| write.delete && write.condition.is_some()));
}

#[test]
fn more_waits_for_a_second_person_and_less_does_not() {
    let world = World::of(Some(Role::Owner));
    let tag = fingerprint(&world.rows[&Key::limits(&world.tenant)]);
    let event = include_str!("../../../../events/admin/put_limits.json")
        .replace("0123456789abcdef0123456789abcdef", &tag);
    let limits = |most: u64| json!({"time_zone": "UTC", "shards": 1, "limits": [{"place": "tenant:tokens:total", "limit": most}]});
    let less = world.call("limits.put", world.in_tenant(), &limits(10), &event);
    let row = world.written(less, &Key::limits(&world.tenant)).unwrap();
    assert_eq!(LimitsRow::from_item(&row).unwrap().version(), 2);
    let Decision::Write(plan) = world.call("limits.put", world.in_tenant(), &limits(5_000), &event) else {
        panic!()
    };
    assert_eq!((plan.status, plan.attempt.event_type), (202, EventType::AdminChange));
    assert!(
        plan.change.swaps.iter().all(|swap| swap.key.sk.starts_with("CHANGE#")),
        "nothing else is written"
    );
    let stale = world.call("limits.put", world.in_tenant(), &limits(10), BARE);
    assert_eq!(why(stale), Why::PreconditionRequired);
}

/// What the codec does not know of a row is not lost by a change of something else.
#[test]
fn what_else_a_row_holds_stays_in_it() {
    let mut world = World::of(Some(Role::Owner));
    let key = Key::agent(&world.tenant, &world.agent);
    world.rows.get_mut(&key).unwrap().insert("name".to_owned(), Attr::text("researcher"));
    let params = Params { agent: Some(world.agent.clone()), ..world.in_tenant() };
    let decision = world.call("agents.status", params.clone(), &json!({"status": "suspended"}), BARE);
    let new = world.written(decision, &key).unwrap();
    assert_eq!(new["name"], Attr::text("researcher"));
    assert_eq!(Agent::from_item(&new).unwrap().status, Lifecycle::Suspended);
    let Decision::Show(Shown { body, etag }) = world.call("agents.get", params, &json!({}), BARE) else {
        panic!()
    };
    assert_eq!((body["name"].as_str(), etag), (Some("researcher"), Some(fingerprint(&world.rows[&key]))));
}

/// A time and nothing else.
fn asking(more: &Value) -> Value {
    let mut body = json!({"from": "2026-11-01T00:00:00Z", "to": "2026-12-01T00:00:00+02:00"});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

fn plan_of(decision: Decision) -> Plan {
    match decision {
        Decision::Write(plan) => *plan,
        other => panic!("{other:?}"),
    }
}

fn query_of(decision: Decision) -> crate::queries::NewQuery {
    plan_of(decision).change.query.unwrap()
}

/// The tenant is the path's, whoever asks, and what is recorded of a question says how much was asked and not for what.
#[test]
fn a_question_is_of_one_tenant_and_recorded_without_its_values() {
    let body = asking(&json!({
        "agent": "agt_0123456789abcdef", "actor": "usr_0123456789abcdef", "event_types": ["admin.agent", "llm.call"],
        "action": "agents.create", "decision": "deny", "limit": 7,
        "action_id": "01a207ff-bc48-7707-8707-070707070707",
    }));
    let world = World::of(Some(Role::Viewer));
    let event = BARE.replace("/keys/service", "/audit/queries");
    let plan = plan_of(world.call("audit.ask", world.in_tenant(), &body, &event));
    let query = plan.change.query.clone().unwrap();
    assert!(
        query.sql.contains(&format!("\nWHERE tenant_id = '{}'\n  AND dt BETWEEN", world.tenant)),
        "{}",
        query.sql
    );
    for part in [
        "timestamp '2026-11-01 00:00:00.000' AND timestamp '2026-11-30 22:00:00.000'",
        "agent_id = 'agt_0123456789abcdef'",
        "actor_id = 'usr_0123456789abcdef'",
        "event_type IN ('llm.call', 'admin.agent')",
        "action = 'agents.create'",
        "decision = 'deny'",
        "action_id = '01a207ff-bc48-7707-8707-070707070707'",
    ] {
        assert!(
            query.sql.contains(&format!("AND {part}")) || query.sql.contains(part),
            "{part}: {}",
            query.sql
        );
    }
    assert!(query.sql.ends_with("LIMIT 7"));
    assert_eq!((plan.status, plan.change.body["state"].as_str()), (202, Some("running")));
    assert_eq!(
        plan.change.location,
        Some(format!("/v1/tenants/ten_0123456789abcdef/audit/queries/{}", query.id))
    );
    assert_eq!(query.key, Key::query(&world.tenant, &query.id));
    assert_eq!((plan.attempt.event_type, plan.attempt.phase), (EventType::AuditQuery, Phase::Attempt));
    assert_eq!(plan.attempt.authority.clone().unwrap().role.unwrap().as_str(), "viewer");
    let told = serde_json::to_string(&plan.attempt.metadata).unwrap();
    assert_eq!(
        told.replace('\\', ""),
        r#""{"by_action":true,"by_action_id":true,"by_actor":true,"by_agent":true,"by_decision":true,"by_event_type":true,"days":30,"limit":7,"policy":"tenant.review"}""#
    );
    assert!(
        !format!("{plan:?}").contains("agt_0123456789abcdef"),
        "a debug form names nobody who is looked for"
    );
    // The same key asks the same once more; another body under it is another question.
    let again = query_of(world.call("audit.ask", world.in_tenant(), &body, &event));
    let other = query_of(world.call("audit.ask", world.in_tenant(), &asking(&json!({})), &event));
    assert_eq!((again.id.clone(), again.token()), (query.id.clone(), query.token()));
    assert_eq!(other.id, query.id);
    assert_ne!(other.token(), query.token());
}

#[test]
fn who_may_ask_for_what() {
    use Role::{Admin, Developer, Member, Operator, Owner, Viewer};
    for role in [Owner, Admin, Operator, Viewer] {
        let world = World::of(Some(role));
        assert!(!query_of(world.call("audit.ask", world.in_tenant(), &asking(&json!({})), BARE)).own);
    }
    for role in [Developer, Member] {
        let world = World::of(Some(role));
        assert_eq!(
            why(world.call("audit.ask", world.in_tenant(), &asking(&json!({})), BARE)),
            Why::Forbidden
        );
        let event = BARE.replace("/keys/service", "/audit/own-queries");
        let plan = plan_of(world.call("audit.ask_own", world.in_tenant(), &asking(&json!({})), &event));
        let query = plan.change.query.unwrap();
        assert!(query.own && query.sql.contains(&format!("AND actor_id = '{}'", user(4))), "{}", query.sql);
        assert!(plan.change.location.unwrap().contains("/audit/queries/qry_"));
        let oneself = asking(&json!({"actor": user(4)}));
        assert!(query_of(world.call("audit.ask_own", world.in_tenant(), &oneself, BARE)).own);
        let another = asking(&json!({"actor": user(5)}));
        assert_eq!(why(world.call("audit.ask_own", world.in_tenant(), &another, BARE)), Why::InvalidField);
    }
    let mut world = World::of(None);
    assert_eq!(why(world.call("audit.ask", world.in_tenant(), &asking(&json!({})), BARE)), Why::NotFound);
    assert_eq!(
        why(world.call("audit.ask_own", world.in_tenant(), &asking(&json!({})), BARE)),
        Why::Forbidden
    );
    assert_eq!(
        why(world.call("audit.ask_org", Params::default(), &asking(&json!({})), BARE)),
        Why::Forbidden
    );
    assert_eq!(
        why(world.call("audit.ask_platform", Params::default(), &asking(&json!({})), BARE)),
        Why::Forbidden
    );
    world.who.principal.org_owner = Some(world.org.clone());
    assert!(!query_of(world.call("audit.ask", world.in_tenant(), &asking(&json!({})), BARE)).own);
    let query = query_of(world.call("audit.ask_org", Params::default(), &asking(&json!({})), BARE));
    let shared =
        format!("\nWHERE tenant_id = '{}'\n  AND org_id = '{}'\n  AND dt", TenantId::platform(), world.org);
    assert!(query.sql.contains(&shared), "{}", query.sql);
    let other = Params { org: Some(OrgId::from_random([9; 10])), ..Params::default() };
    assert_eq!(why(world.call("audit.ask_org", other, &asking(&json!({})), BARE)), Why::NotFound);
    // Who runs the platform sees nothing of an organization there, and nothing of a tenant.
    world.who.principal.org_owner = None;
    world.who.principal.platform = true;
    let query = query_of(world.call("audit.ask_platform", Params::default(), &asking(&json!({})), BARE));
    assert!(query.sql.contains(&format!("\n  AND org_id = '{}'\n", OrgId::platform())), "{}", query.sql);
    assert_eq!(
        why(world.call("audit.ask_org", Params::default(), &asking(&json!({})), BARE)),
        Why::Forbidden
    );
    assert_eq!(why(world.call("audit.ask", world.in_tenant(), &asking(&json!({})), BARE)), Why::Forbidden);
}

#[test]
fn a_question_that_cannot_be_asked_is_refused_by_its_place() {
    let world = World::of(Some(Role::Viewer));
    for (body, at) in [
        (json!({"from": "2026-11-01T00:00:00Z"}), ""),
        (asking(&json!({"from": "planted-value"})), "/from"),
        (asking(&json!({"from": "2026-11-01"})), "/from"),
        (asking(&json!({"to": "2026-11-01T00:00:00Z"})), "/to"),
        (asking(&json!({"from": "2025-11-29T21:59:59Z"})), "/to"),
        (asking(&json!({"tenant": "ten_0123456789abcdef"})), "/tenant"),
        (asking(&json!({"agent": "agt_0123456789abcdef' OR '1'='1"})), "/agent"),
        (asking(&json!({"actor": "planted-value"})), "/actor"),
        (asking(&json!({"event_types": ["llm.call", "planted-value"]})), "/event_types/1"),
        (asking(&json!({"action": "x' OR 'planted-value"})), "/action"),
        (asking(&json!({"decision": "planted-value"})), "/decision"),
        (asking(&json!({"action_id": "planted-value"})), "/action_id"),
        (asking(&json!({"limit": 0})), "/limit"),
        (asking(&json!({"limit": 1_001})), "/limit"),
        (asking(&json!({"limit": 70_000})), "/limit"),
    ] {
        let Decision::Refuse(refused, _) = world.call("audit.ask", world.in_tenant(), &body, BARE) else {
            panic!("{body}")
        };
        assert_eq!((refused.why, refused.at.as_deref()), (Why::InvalidField, Some(at)), "{body}");
        assert!(!format!("{refused:?}").contains("planted-value"), "{refused:?}");
    }
    let year = asking(&json!({"from": "2025-11-29T22:00:00Z"}));
    assert!(query_of(world.call("audit.ask", world.in_tenant(), &year, BARE)).sql.ends_with("LIMIT 1000"));
}

/// A question in the world's tenant, and what its path names.
fn kept(world: &mut World, by: u8, own: bool, expires: i64) -> Params {
    let id = domain::QueryId::from_random([by; 10]);
    let row = QueryRow {
        id: id.clone(),
        execution: "5f3c0a52-4f0e".parse().unwrap(),
        question: domain::Opaque::from_digest(&[1; 32]),
        by: user(by),
        own,
        expires_at: at(expires),
    };
    world.rows.insert(Key::query(&world.tenant, &id), row.to_item());
    Params { query: Some(id), ..world.in_tenant() }
}

#[test]
fn an_answer_is_read_by_the_right_that_its_question_was_asked_by() {
    let read = |world: &World, params: Params| world.call("audit.answer", params, &Value::Null, BARE);
    let shown = |decision: Decision| match decision {
        Decision::Answer(row, _) => row.by,
        other => panic!("{other:?}"),
    };
    // Whoever may ask the whole log reads what others asked of it, but not what they asked of themselves.
    let mut world = World::of(Some(Role::Viewer));
    let (whole, own) = (kept(&mut world, 6, false, 9_000), kept(&mut world, 5, true, 9_000));
    assert_eq!(shown(read(&world, whole.clone())), user(6));
    assert_eq!(why(read(&world, own.clone())), Why::NotFound);
    // Whoever sees their own part alone reads what they asked of it, and for the rest there is nothing.
    for role in [Role::Developer, Role::Member] {
        let mut world = World::of(Some(role));
        let (whole, own) = (kept(&mut world, 6, false, 9_000), kept(&mut world, 5, true, 9_000));
        let mine = kept(&mut world, 4, true, 9_000);
        assert_eq!(shown(read(&world, mine.clone())), user(4));
        let unknown = Params { query: Some(domain::QueryId::from_random([77; 10])), ..world.in_tenant() };
        for other in [whole, own, unknown] {
            assert_eq!(why(read(&world, other)), Why::NotFound);
        }
        let over = kept(&mut world, 4, true, 5_000);
        assert_eq!(why(read(&world, over)), Why::NotFound, "its day is over");
        // Another tenant has no such question, and of another's tenant nothing is known.
        let elsewhere = Params { tenant: Some(TenantId::from_random([99; 10])), ..mine };
        assert_eq!(why(read(&world, elsewhere)), Why::NotFound);
    }
    let over = kept(&mut world, 6, false, 5_000);
    assert_eq!(why(read(&world, over)), Why::NotFound);
    // A role that was taken away reads nothing any more.
    let mut world = World::of(None);
    let mine = kept(&mut world, 4, true, 9_000);
    assert_eq!(why(read(&world, mine)), Why::Forbidden);
}
