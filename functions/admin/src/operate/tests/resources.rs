//! Teams, people, invitations and directories' tokens, over rows in memory.

use super::*;
use domain::{
    AddressRow, InviteRow, Name, Opaque, Person, ScimSlots, ScimToken, ScimTokenRow, TeamRow, TenantInvite,
    TenantInvitesRow,
};
use tables::codec::Row as _;

impl World {
    /// An owner of the organization.
    pub(super) fn of_org_owner() -> Self {
        let mut world = Self::of(None);
        world.who.principal.org_owner = Some(world.org.clone());
        world.rows.insert(Key::org_owner(&world.org, &user(4)), tables::Marker::item());
        world.rows.insert(Key::org_owners(&world.org), OwnersRow([user(4)].into()).to_item());
        world
    }

    pub(super) fn put<T: Row>(&mut self, key: Key, row: &T) {
        self.rows.insert(key, row.to_item());
    }

    /// Writes what was decided.
    pub(super) fn make(&mut self, decision: Decision) -> Box<Plan> {
        let Decision::Write(plan) = decision else { panic!("{decision:?}") };
        for swap in &plan.change.swaps {
            self.rows.insert(swap.key.clone(), swap.new.clone());
        }
        plan
    }

    /// Asked for by the world's own owner of the organization, and confirmed by another: what the confirmation comes to.
    pub(super) fn by_two(&mut self, name: &str, params: &Params, body: &Value, event: &str) -> Box<Plan> {
        let asked = self.call(name, params.clone(), body, event);
        let plan = self.make(asked);
        assert_eq!(plan.status, 202, "{name}");
        let key = plan.change.swaps[0].key.clone();
        let mut row = ChangeRow::from_item(&self.rows[&key]).unwrap();
        let connection = params.connection.as_ref().unwrap().as_str();
        row.path =
            named(name).unwrap().path.replace("{org}", self.org.as_str()).replace("{connection}", connection);
        self.put(key, &row);
        self.rows.insert(Key::org_owner(&self.org, &user(5)), tables::Marker::item());
        let second = Who { user: user(5), answers: user(5), ..self.who.clone() };
        let first = std::mem::replace(&mut self.who, second);
        self.who.principal.id = PrincipalId::User(user(5));
        let change = Params { change: Some(row.id), ..Params::default() };
        let confirmed = self.call("org_changes.confirm", change, &json!({}), BARE);
        let plan = self.make(confirmed);
        self.who = first;
        plan
    }

    fn on(&self, byte: u8) -> Params {
        Params { user: Some(user(byte)), ..Params::default() }
    }

    fn person(&self, byte: u8) -> Person {
        Person::from_item(&self.rows[&Key::user(&self.org, &user(byte))]).unwrap()
    }
}

/// Who answers for something of a tenant has a part in it, and a program is given to another by whoever may make it.
#[test]
fn whoever_answers_has_a_part_in_the_tenant() {
    let mut world = World::of(Some(Role::Owner));
    let id = domain::WorkloadId::from_random([7; 10]);
    let federation = json!({"issuer": "https://ci.acme.test", "audience": "a", "subject": "repo:acme/app"});
    let row = domain::WorkloadRow {
        id: id.clone(),
        org: world.org.clone(),
        tenant: world.tenant.clone(),
        user: user(9),
        role: Role::Operator,
        status: Lifecycle::Active,
        epoch: 3,
        federation: federation.to_string(),
        owner: None,
        set_by: None,
    };
    let key = Key::workload(&id);
    world.put(key.clone(), &row);
    let of_agent = Params { agent: Some(world.agent.clone()), ..world.in_tenant() };
    let of_program = Params { workload: Some(id), ..world.in_tenant() };
    for (name, params) in [("agents.owner", of_agent), ("workloads.owner", of_program.clone())] {
        let to =
            |world: &World, byte: u8| world.call(name, params.clone(), &json!({"owner": user(byte)}), BARE);
        assert_eq!(why(to(&world, 6)), Why::InvalidField, "{name}: no role here");
        assert_eq!(why(to(&world, 99)), Why::InvalidField, "{name}: nobody");
        assert!(matches!(to(&world, 5), Decision::Write(_)), "{name}");
        world.rows.insert(Key::org_owner(&world.org, &user(6)), tables::Marker::item());
        assert!(matches!(to(&world, 6), Decision::Write(_)), "{name}: an owner of the organization");
        let gone = User { id: user(6), active: false, epoch: 8 };
        world.put(Key::user(&world.org, &user(6)), &gone);
        assert_eq!(why(to(&world, 6)), Why::InvalidField, "{name}: ended");
        world.put(Key::user(&world.org, &user(6)), &User { active: true, ..gone });
        world.rows.remove(&Key::org_owner(&world.org, &user(6)));
    }
    let given = world.call("workloads.owner", of_program.clone(), &json!({"owner": user(5)}), BARE);
    world.make(given);
    let after = domain::WorkloadRow::from_item(&world.rows[&key]).unwrap();
    let noa = domain::InEpoch::new(user(5), 7);
    assert_eq!((after.owner, after.epoch), (Some(noa), 4), "its sessions end");
    assert_eq!(after.set_by, Some(user(4)), "and who named them is kept");
    // Let in again after they were ended, they take it over anew.
    world.put(Key::user(&world.org, &user(5)), &User { id: user(5), active: true, epoch: 8 });
    let again = world.call("workloads.owner", of_program.clone(), &json!({"owner": user(5)}), BARE);
    let Decision::Write(plan) = again else { panic!("{again:?}") };
    assert!(!plan.change.already && plan.change.swaps.len() == 1);
    // What the document says a body may hold, it may: an owner and nothing else.
    let schema = crate::decide::workloads::owner_schema();
    let fields: Vec<_> = schema["properties"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(fields, ["owner"]);
    let deputy = json!({"owner": user(5), "deputy": user(6)});
    assert_eq!(why(world.call("workloads.owner", of_program.clone(), &deputy, BARE)), Why::InvalidField);
    let Run::Change { body: Some(schema), .. } = &named("workloads.owner").unwrap().run else { panic!() };
    assert_eq!(schema(), crate::decide::workloads::owner_schema());
    world.who.principal.roles = [(world.tenant.clone(), Role::Developer)].into();
    assert_eq!(
        why(world.call("workloads.owner", of_program, &json!({"owner": user(5)}), BARE)),
        Why::Forbidden
    );
}

fn code(text: &str) -> Code {
    text.parse().unwrap()
}

fn team(agents: u64, removed: bool) -> TeamRow {
    let name: Name = "Sales".parse().unwrap();
    TeamRow { id: code("sales"), name, created_at: at(1), agents, removed_at: removed.then(|| at(2)) }
}

fn in_team(world: &World) -> Params {
    Params { team: Some(code("sales")), ..world.in_tenant() }
}

#[test]
fn a_team_is_made_named_anew_and_made_again_after_it_was_removed() {
    let mut world = World::of(Some(Role::Admin));
    let key = Key::team(&world.tenant, &code("sales"));
    let wanted = json!({"id": "sales", "name": "Sales"});
    let made = world.call("teams.create", world.in_tenant(), &wanted, BARE);
    let plan = world.make(made);
    assert_eq!(
        plan.change.location.as_deref(),
        Some(format!("/v1/tenants/{}/teams/sales", world.tenant).as_str())
    );
    assert_eq!(why(world.call("teams.create", world.in_tenant(), &wanted, BARE)), Why::AlreadyExists);
    for bad in [".", "..", "-x", ".x"] {
        let body = json!({"id": bad, "name": "x"});
        assert_eq!(
            why(world.call("teams.create", world.in_tenant(), &body, BARE)),
            Why::InvalidField,
            "{bad}"
        );
    }
    let renamed = world.call("teams.put", in_team(&world), &json!({"name": "Field"}), BARE);
    assert_eq!(world.make(renamed).change.body["name"], "Field");
    let gone = world.call("teams.remove", in_team(&world), &json!({}), BARE);
    let plan = world.make(gone);
    assert!(
        plan.change.swaps.iter().any(|swap| swap.key == Key::limits(&world.tenant)),
        "no limit comes meanwhile"
    );
    for name in ["teams.put", "teams.remove"] {
        let body = json!({"name": "x"});
        assert_eq!(why(world.call(name, in_team(&world), &body, BARE)), Why::NotFound, "{name}");
    }
    let again = world.call("teams.create", world.in_tenant(), &wanted, BARE);
    world.make(again);
    assert_eq!(TeamRow::from_item(&world.rows[&key]).unwrap().removed_at, None);
    // A viewer sees it and changes nothing.
    world.who.principal.roles = [(world.tenant.clone(), Role::Viewer)].into();
    assert!(matches!(world.call("teams.get", in_team(&world), &json!({}), BARE), Decision::Show(_)));
    assert_eq!(why(world.call("teams.remove", in_team(&world), &json!({}), BARE)), Why::Forbidden);
}

#[test]
fn a_team_with_agents_or_limits_stays() {
    let mut world = World::of(Some(Role::Admin));
    let key = Key::team(&world.tenant, &code("sales"));
    world.put(key.clone(), &team(1, false));
    assert_eq!(why(world.call("teams.remove", in_team(&world), &json!({}), BARE)), Why::InUse);
    world.put(key, &team(0, false));
    let limit = |place: &str| domain::Limit { place: place.parse().unwrap(), most: 10 };
    let limits = vec![limit("tenant:tokens:total"), limit("team/sales:tokens:day")];
    world.put(Key::limits(&world.tenant), &LimitsRow::new(2, domain::Zone::utc(), 1, limits).unwrap());
    assert_eq!(why(world.call("teams.remove", in_team(&world), &json!({}), BARE)), Why::InUse);
}

/// The agent and the counts of both teams are of one transaction, each with its condition.
#[test]
fn an_agent_moves_with_both_counts() {
    let mut world = World::of(Some(Role::Admin));
    let params = Params { agent: Some(world.agent.clone()), ..world.in_tenant() };
    let to =
        |world: &World, team: Value| world.call("agents.team", params.clone(), &json!({"team": team}), BARE);
    assert_eq!(why(to(&world, json!("sales"))), Why::InvalidField, "there is no such team");
    world.put(Key::team(&world.tenant, &code("sales")), &team(0, true));
    assert_eq!(why(to(&world, json!("sales"))), Why::InvalidField, "it was removed");
    world.put(Key::team(&world.tenant, &code("sales")), &team(0, false));
    let moved = to(&world, json!("sales"));
    let plan = world.make(moved);
    let counts = |plan: &Plan| {
        let one = |write: &tables::gates::Write| {
            (write.key.sk.clone(), write.update.to_string(), write.condition.is_some())
        };
        plan.change.writes.iter().map(one).collect::<Vec<_>>()
    };
    let (more, less) = ("SET agents = agents + :one".to_owned(), "SET agents = agents - :one".to_owned());
    assert_eq!(counts(&plan), [("TEAM#sales".to_owned(), more.clone(), true)]);
    let Decision::Write(plan) = to(&world, json!("sales")) else { panic!() };
    assert!(plan.change.already, "there it is");
    let other = TeamRow { id: code("ops"), ..team(0, false) };
    world.put(Key::team(&world.tenant, &code("ops")), &other);
    let Decision::Write(plan) = to(&world, json!("ops")) else { panic!() };
    assert_eq!(
        counts(&plan),
        [("TEAM#sales".to_owned(), less.clone(), true), ("TEAM#ops".to_owned(), more.clone(), true)]
    );
    let Decision::Write(plan) = to(&world, json!(null)) else { panic!() };
    assert_eq!(counts(&plan), [("TEAM#sales".to_owned(), less, true)]);
    let body = json!({"name": "x", "team": "ops"});
    let Decision::Write(plan) = world.call("agents.create", world.in_tenant(), &body, BARE) else { panic!() };
    assert_eq!(counts(&plan), [("TEAM#ops".to_owned(), more, true)]);
    let nowhere = json!({"name": "x", "team": "nowhere"});
    assert_eq!(why(world.call("agents.create", world.in_tenant(), &nowhere, BARE)), Why::InvalidField);
}

/// Whoever is shown a secret is written down with it; a program is nobody who leaves.
#[test]
fn who_saw_a_secret_stands_in_its_row_and_a_rotation_forgets_them() {
    let mut world = World::of(Some(Role::Admin));
    let body = json!({"agent": world.agent, "actions": ["llm.call"]});
    let made = world.call("keys.create_service", world.in_tenant(), &body, BARE);
    let plan = world.make(made);
    let row = KeyRow::from_item(&plan.change.swaps[0].new).unwrap();
    let seen = |byte| Some(domain::Sight { user: user(byte), epoch: 7 });
    assert_eq!((&row.seen, &plan.change.body["seen_by"]), (&seen(4), &json!(user(4))));
    let place = Key::gateway_key(&row.id);
    let secret = domain::SecretHash::of("another");
    world.put(place.clone(), &KeyRow { secret, seen: seen(6), rotate_by: Some(at(4_000)), ..row.clone() });
    let params = Params { key: Some(row.id.clone()), ..world.in_tenant() };
    let Decision::Show(shown) = world.call("keys.get", params.clone(), &json!({}), BARE) else { panic!() };
    assert_eq!((&shown.body["state"], &shown.body["rotate_by"]), (&json!("overdue"), &json!(at(4_000))));
    let turned = world.call("keys.rotate", params, &json!({"overlap_seconds": 60}), BARE);
    world.make(turned);
    let row = KeyRow::from_item(&world.rows[&place]).unwrap();
    assert_eq!((&row.seen, row.rotate_by, &row.previous), (&seen(4), None, &None));
}

#[test]
fn an_agent_has_a_deputy_who_is_somebody_else_and_there() {
    let mut world = World::of(Some(Role::Admin));
    let params = Params { agent: Some(world.agent.clone()), ..world.in_tenant() };
    let to = |world: &World, body: &Value| world.call("agents.owner", params.clone(), body, BARE);
    world.put(Key::user(&world.org, &user(6)), &User { id: user(6), active: false, epoch: 1 });
    for byte in [4, 5, 6] {
        world.rows.insert(Key::binding(&world.tenant, &user(byte)), Role::Member.to_item());
    }
    for deputy in [5, 6, 99] {
        let refused = to(&world, &json!({"owner": user(5), "deputy": user(deputy)}));
        assert_eq!(why(refused), Why::InvalidField, "{deputy}");
    }
    let given = to(&world, &json!({"owner": user(5), "deputy": user(4)}));
    let body = world.make(given).change.body;
    assert_eq!((&body["owner"], &body["deputy"]), (&json!(user(5)), &json!(user(4))));
    let given = to(&world, &json!({"owner": user(4)}));
    assert_eq!(world.make(given).change.body["deputy"], json!(null), "named with the owner, or not there");
    let row = Agent::from_item(&world.rows[&Key::agent(&world.tenant, &world.agent)]).unwrap();
    assert_eq!((row.owner, row.deputy), (Some(user(4)), None));
}

fn to_status(active: bool) -> Value {
    json!({"status": if active { "active" } else { "suspended" }})
}

#[test]
fn somebody_is_ended_by_one_write_and_nothing_old_comes_back() {
    let mut world = World::of_org_owner();
    let address = Opaque::from_digest(&[9; 32]);
    let mut person = Person { user: User { id: user(5), active: true, epoch: 7 }, ..Person::new(user(5)) };
    person.owns.insert(world.tenant.clone());
    person.note(&address);
    world.put(Key::user(&world.org, &user(5)), &person);
    world.put(Key::owners(&world.tenant), &OwnersRow([user(5), user(6)].into()));
    let ended = world.call("users.status", world.on(5), &to_status(false), BARE);
    let plan = world.make(ended);
    assert_eq!(plan.attempt.event_type, EventType::AdminUser);
    let swap = plan.change.swaps.iter().find(|swap| swap.key == Key::user(&world.org, &user(5))).unwrap();
    assert!(swap.old.is_some(), "over what was read");
    let marks: Vec<_> = plan.change.writes.iter().map(|write| write.key.clone()).collect();
    assert_eq!(marks, [Key::address(&world.org, &address)], "in the same transaction");
    assert_eq!((world.person(5).user.active, world.person(5).user.epoch), (false, 8));
    let left = plan.change.ends.clone().expect("it is told");
    assert_eq!((&left.org, &left.user, left.epoch, left.at), (&world.org, &user(5), 8, at(5_000)));
    assert!(
        plan.change.swaps.contains(&tables::offboard::marked(&left)),
        "and stands in the same transaction"
    );
    let owners = |world: &World| OwnersRow::from_item(&world.rows[&Key::owners(&world.tenant)]).unwrap().0;
    assert_eq!(owners(&world), [user(6)].into(), "whoever is ended owns nothing");
    let Decision::Write(plan) = world.call("users.status", world.on(5), &to_status(false), BARE) else {
        panic!()
    };
    assert!(plan.change.already);
    // Nothing is given to whoever is ended.
    let params = Params { user: Some(user(5)), ..world.in_tenant() };
    assert_eq!(why(world.call("roles.grant", params, &json!({"role": "viewer"}), BARE)), Why::PersonInactive);
    let back = world.call("users.status", world.on(5), &to_status(true), BARE);
    assert_eq!(world.make(back).change.ends, None);
    assert_eq!((world.person(5).user.active, world.person(5).user.epoch), (true, 8));
    assert_eq!(owners(&world), [user(5), user(6)].into());
}

/// Two people of one address, one after the other: it opens when neither is ended any more.
#[test]
fn an_address_opens_when_nobody_with_it_is_ended_any_more() {
    let mut world = World::of_org_owner();
    let (shared, own) = (Opaque::from_digest(&[9; 32]), Opaque::from_digest(&[8; 32]));
    for (byte, addresses) in [(5, vec![&shared, &own]), (6, vec![&shared])] {
        let active = User { id: user(byte), active: true, epoch: 7 };
        let mut person = Person { user: active, ..Person::new(user(byte)) };
        addresses.iter().for_each(|address| person.note(address));
        world.put(Key::user(&world.org, &user(byte)), &person);
    }
    let mut turn = |byte: u8, active: bool| {
        let decided = world.call("users.status", world.on(byte), &to_status(active), BARE);
        let plan = world.make(decided);
        let closed =
            plan.change.writes.iter().map(|write| &write.key).filter(|key| key.sk.starts_with("ADDRESS#"));
        for key in closed {
            let before = world.rows.get(key).map_or(0, |item| AddressRow::from_item(item).unwrap().ended);
            world.rows.insert(key.clone(), AddressRow { ended: before + 1, user: None, via: None }.to_item());
        }
        [&shared, &own].map(|address| {
            let key = Key::address(&world.org, address);
            world.rows.get(&key).map_or(0, |item| AddressRow::from_item(item).unwrap().ended)
        })
    };
    for (byte, active, ended) in [
        (5, false, [1, 1]),
        (6, false, [2, 1]),
        (5, true, [1, 0]),
        (5, false, [2, 1]),
        (6, true, [1, 1]),
        (5, true, [0, 0]),
    ] {
        assert_eq!(turn(byte, active), ended, "{byte} {active}");
    }
}

#[test]
fn the_last_owner_is_not_ended_by_hand_and_nobody_ends_themselves_or_who_stands_above() {
    let mut world = World::of_org_owner();
    let end = |world: &World, byte: u8| world.call("users.status", world.on(byte), &to_status(false), BARE);
    assert_eq!(why(end(&world, 4)), Why::OnSelf);
    assert_eq!(why(end(&world, 99)), Why::NotFound);
    let mut person = Person::new(user(5));
    person.owns.insert(world.tenant.clone());
    world.put(Key::user(&world.org, &user(5)), &person);
    assert_eq!(why(end(&world, 5)), Why::LastOwner, "of a tenant");
    world.put(Key::owners(&world.tenant), &OwnersRow([user(5), user(6)].into()));
    world.rows.insert(Key::org_owner(&world.org, &user(5)), tables::Marker::item());
    world.put(Key::org_owners(&world.org), &OwnersRow([user(5)].into()));
    assert_eq!(why(end(&world, 5)), Why::LastOwner, "of the organization");
    world.put(Key::org_owners(&world.org), &OwnersRow([user(4), user(5)].into()));
    world.rows.insert(Key::platform_admin(&user(5)), tables::Marker::item());
    assert_eq!(why(end(&world, 5)), Why::AboveOwnLevel);
    world.who.principal.platform = true;
    assert!(matches!(end(&world, 5), Decision::Write(_)));
    // The two rows of owners are written over what was read: the second of two who leave is seen.
    let Decision::Write(plan) = end(&world, 5) else { panic!() };
    let places: BTreeSet<_> = plan.change.swaps.iter().map(|swap| swap.key.clone()).collect();
    assert!(places.is_superset(&[Key::owners(&world.tenant), Key::org_owners(&world.org)].into()));
    let mark = plan.change.ends.as_ref().map(tables::offboard::marked);
    assert!(plan.change.swaps.iter().all(|swap| swap.old.is_some() || mark.as_ref() == Some(swap)));
    assert_eq!(
        why(world.call("users.status", world.on(5), &json!({"status": "deleted"}), BARE)),
        Why::InvalidField
    );
    let mut member = World::of(None);
    member.who.principal.mfa = true;
    assert_eq!(why(end(&member, 5)), Why::Forbidden);
}

#[test]
fn an_invitation_is_withdrawn_as_it_was_read_and_brings_nobody_back_who_was_ended() {
    let mut world = World::of_org_owner();
    let connection = world.connection();
    let (id, expires_at) = (Opaque::from_digest(&[1; 32]), at(9_000));
    let row = InviteRow {
        org: world.org.clone(),
        connection: connection.clone(),
        platform: false,
        owner: true,
        tenant: None,
        invited_by: None,
        through: None,
        expires_at,
    };
    world.put(Key::invite(&world.org, &id), &row);
    let params = |id: Opaque| Params { invitation: Some(id), ..Params::default() };
    let Decision::Write(plan) = world.call("invitations.withdraw", params(id), &json!({}), BARE) else {
        panic!()
    };
    assert!(plan.change.swaps.is_empty() && plan.change.writes.len() == 1);
    assert!(plan.change.writes[0].delete && plan.change.writes[0].condition.is_some());
    let none = Opaque::from_digest(&[2; 32]);
    assert_eq!(why(world.call("invitations.withdraw", params(none), &json!({}), BARE)), Why::NotFound);
    let row = ConnectionRow {
        id: connection.clone(),
        org: world.org.clone(),
        status: Lifecycle::Active,
        document: "{}".to_owned(),
        secret: None,
    };
    world.put(Key::connection(&connection), &row);
    let body = json!({"email": "Dana@acme.test", "connection": connection});
    let invite = |world: &World| world.call("invitations.create", Params::default(), &body, BARE);
    let address = crate::decide::users::address_of(&world.org, "dana@acme.test ");
    world.put(Key::address(&world.org, &address), &AddressRow { ended: 0, user: None, via: None });
    assert!(matches!(invite(&world), Decision::Write(_)));
    world.put(Key::address(&world.org, &address), &AddressRow { ended: 1, user: None, via: None });
    assert_eq!(why(invite(&world)), Why::PersonInactive);
}

/// Who leads a tenant invites into it, as far as they could give the role, and takes that back.
#[test]
fn a_tenant_s_own_people_invite_into_it() {
    let mut world = World::of(Some(Role::Admin));
    let (params, connection) = (world.in_tenant(), world.connection());
    let body = |email: &str, role: &str| json!({"email": email, "connection": connection, "role": role});
    let once =
        |key: &str| BARE.replace("\"idempotency-key\": \"one\"", &format!("\"idempotency-key\": \"{key}\""));
    let call = |world: &World, body: &Value, key: &str| {
        world.call("tenants.invite", world.in_tenant(), body, &once(key))
    };
    let wanted = body("lea@acme.test", "viewer");
    let made = call(&world, &wanted, "one");
    let plan = world.make(made);
    assert_eq!((plan.status, plan.change.swaps.len()), (201, 2));
    let id = plan.change.body["id"].as_str().unwrap().to_owned();
    assert!(!format!("{:?}{:?}", plan.attempt, world.rows).contains("lea@acme"), "an address is a digest");
    let Decision::Write(again) = call(&world, &wanted, "one") else { panic!() };
    assert!(again.change.already && again.change.body == plan.change.body, "the same key holds it once");
    // What another tenant holds stays, whatever this one does.
    let place = Key::tenant_invites(&world.org, &id);
    let mut row = TenantInvitesRow::from_item(&world.rows[&place]).unwrap();
    let first = row.invites[0].clone();
    let other = |byte: u8| TenantInvite { tenant: TenantId::from_random([byte; 10]), ..first.clone() };
    let others: Vec<_> = (50..54).map(other).collect();
    row.invites.extend(others.clone());
    world.put(place.clone(), &row);
    let changed = call(&world, &body("lea@acme.test", "operator"), "two");
    world.make(changed);
    let kept = TenantInvitesRow::from_item(&world.rows[&place]).unwrap();
    assert_eq!((kept.invites.len(), kept.of(&world.tenant).map(|one| one.role)), (5, Some(Role::Operator)));
    let uninvite = Params { invitation: id.parse().ok(), ..params.clone() };
    let taken = world.call("tenants.uninvite", uninvite.clone(), &json!({}), BARE);
    let plan = world.make(taken);
    assert_eq!((plan.status, plan.change.writes.len()), (204, 1));
    let mut kept = TenantInvitesRow::from_item(&world.rows[&place]).unwrap();
    assert_eq!(kept.invites, others);
    kept.invites.push(other(60));
    world.put(place, &kept);
    assert_eq!(why(call(&world, &wanted, "three")), Why::InUse, "a sign-in takes so many at most");
    // Nobody holds for others what they could not give, or takes back what they could not have offered, and nobody's who was ended.
    let theirs = TenantInvite { tenant: world.tenant.clone(), role: Role::Owner, ..first };
    let digest = people::invite_digest(&connection, "uri@acme.test");
    let (org, invites) = (world.org.clone(), vec![theirs]);
    world.put(
        Key::tenant_invites(&world.org, digest),
        &TenantInvitesRow { org, connection: connection.clone(), invites },
    );
    assert_eq!(why(call(&world, &body("uri@acme.test", "viewer"), "eight")), Why::AboveOwnLevel);
    assert_eq!(why(call(&world, &body("noa@acme.test", "owner"), "four")), Why::AboveOwnLevel);
    let ended = Key::address(&world.org, crate::decide::users::address_of(&world.org, "kim@acme.test"));
    world.put(ended, &AddressRow { ended: 1, user: None, via: None });
    assert_eq!(why(call(&world, &body("kim@acme.test", "viewer"), "five")), Why::PersonInactive);
    let foreign =
        json!({"email": "x@acme.test", "connection": ConnectionId::from_random([66; 10]), "role": "viewer"});
    assert_eq!(why(call(&world, &foreign, "six")), Why::InvalidField);
    world.who.principal.roles.insert(world.tenant.clone(), Role::Developer);
    assert_eq!(why(call(&world, &body("noa@acme.test", "viewer"), "seven")), Why::Forbidden);
}

/// Of people without a role here nothing is seen or ended from here.
#[test]
fn a_tenant_s_people_are_those_with_a_role_in_it() {
    let mut world = World::of(Some(Role::Admin));
    let session =
        SessionRow { user: user(6), id: SessionId::from_random([66; 10]), ..world.who.session.clone() };
    world.put(Key::session(&session.id), &session);
    let params = Params { user: Some(user(6)), session: Some(session.id.clone()), ..world.in_tenant() };
    let end = |world: &World| world.call("tenants.end_session", params.clone(), &json!({}), BARE);
    assert_eq!(why(end(&world)), Why::NotFound);
    world.rows.insert(Key::binding(&world.tenant, &user(6)), Role::Viewer.to_item());
    let Decision::Write(plan) = end(&world) else { panic!() };
    assert_eq!((plan.status, plan.change.writes[0].key.clone()), (204, Key::session(&session.id)));
    world.rows.insert(Key::binding(&world.tenant, &user(7)), Role::Viewer.to_item());
    let foreign = Params { user: Some(user(7)), ..params.clone() };
    assert_eq!(why(world.call("tenants.end_session", foreign, &json!({}), BARE)), Why::NotFound, "another's");
    // Sessions are of the whole organization: nobody is signed out from below.
    world.rows.insert(Key::binding(&world.tenant, &user(6)), Role::Owner.to_item());
    assert_eq!(why(end(&world)), Why::AboveOwnLevel, "an owner of the tenant, by an administrator");
    world.rows.insert(Key::binding(&world.tenant, &user(6)), Role::Viewer.to_item());
    for office in [Key::org_owner(&world.org, &user(6)), Key::platform_admin(&user(6))] {
        world.rows.insert(office.clone(), tables::Marker::item());
        assert_eq!(why(end(&world)), Why::AboveOwnLevel, "{office:?}");
        world.rows.remove(&office);
    }
    let Run::Joined(list, beside) = &named("tenants.users").unwrap().run else { panic!() };
    let request = parse(BARE).unwrap();
    let random = World::random();
    let params = Params { org: Some(world.org.clone()), ..world.in_tenant() };
    let asked = Asked {
        request: &request,
        operation: named("tenants.users").unwrap(),
        params: &params,
        body: &Value::Null,
        who: &world.who,
        rows: &world.rows,
        region: Region::Eu,
        now: at(5_000),
        random: &random,
        forms: FormRules { presets: &world.presets, reach: Reach::Public },
        channels: None,
    };
    let resource = who::resource(On::Tenant, &params, &world.who).unwrap();
    let ask = ask(&asked, &resource);
    let binding = Key::binding(&world.tenant, &user(6));
    assert_eq!(beside(&ask, &binding), Some(Key::user(&world.org, &user(6))));
    let shown = (list.show)(&ask, &binding, &world.rows[&binding]);
    assert_eq!(shown, Some(json!({"id": user(6), "active": true, "role": "viewer"})));
}

#[test]
fn two_tokens_of_a_directory_live_at_most_and_each_is_shown_once() {
    let mut world = World::of_org_owner();
    let id = world.connection();
    let row = ConnectionRow {
        id: id.clone(),
        org: world.org.clone(),
        status: Lifecycle::Active,
        document: "{}".to_owned(),
        secret: None,
    };
    world.put(Key::connection(&id), &row);
    let params = Params { connection: Some(id.clone()), ..Params::default() };
    let event =
        |key: &str| BARE.replace("\"idempotency-key\": \"one\"", &format!("\"idempotency-key\": \"{key}\""));
    let create =
        |world: &World, key: &str| world.call("scim_tokens.create", params.clone(), &json!({}), &event(key));
    // Whoever asks gets none, and whoever confirms is shown it.
    let Decision::Write(plan) = create(&world, "zero") else { panic!() };
    assert_eq!((plan.status, plan.change.body.get("scim_token")), (202, None));
    assert!(plan.change.swaps.iter().all(|swap| !swap.key.sk.starts_with("SCIM")));
    let made =
        |world: &mut World, key: &str| world.by_two("scim_tokens.create", &params, &json!({}), &event(key));
    let plan = made(&mut world, "one");
    assert_eq!((plan.status, plan.attempt.event_type), (200, EventType::AdminChange));
    let text = plan.change.body["scim_token"].as_str().unwrap();
    let token: ScimToken = text.parse().unwrap();
    let key = Key::scim_token(&id, token.id());
    let row = ScimTokenRow::from_item(&world.rows[&key]).unwrap();
    assert_eq!((row.secret, row.org, row.created_by), (token.secret_hash(), world.org.clone(), user(5)));
    assert_eq!(row.expires_at.millis_since(at(5_000)), 365 * 86_400_000);
    assert!(!format!("{:?}{:?}", plan.attempt, world.rows[&key]).contains(text.split_at(50).1));
    assert_eq!(why(create(&world, "one")), Why::Conflict, "what the key asked for waits no more");
    let plan = made(&mut world, "two");
    assert!(plan.change.swaps.iter().any(|swap| swap.key == Key::scim_slots(&id) && swap.old.is_some()));
    assert_eq!(why(create(&world, "three")), Why::InUse);
    let revoke = Params { token: Some(token.id().clone()), ..params.clone() };
    let revoked = world.call("scim_tokens.revoke", revoke.clone(), &json!({}), BARE);
    world.make(revoked);
    assert!(!ScimTokenRow::from_item(&world.rows[&key]).unwrap().is_live(at(5_000)));
    let slots = ScimSlots::from_item(&world.rows[&Key::scim_slots(&id)]).unwrap();
    assert!(slots.0.len() == 1 && !slots.has(token.id()));
    let Decision::Write(plan) = world.call("scim_tokens.revoke", revoke, &json!({}), BARE) else { panic!() };
    assert!(plan.change.already);
    assert!(matches!(create(&world, "three"), Decision::Write(_)));
    for end in ["1970-01-01T00:00:05.000Z", "1971-01-01T00:00:05.001Z"] {
        let body = json!({"expires_at": end});
        let refused = world.call("scim_tokens.create", params.clone(), &body, &event("four"));
        assert_eq!(why(refused), Why::InvalidField, "{end}");
    }
    // Another organization's connection is none.
    world.org = OrgId::from_random([77; 10]);
    world.who.principal.org_owner = Some(world.org.clone());
    assert_eq!(why(create(&world, "three")), Why::NotFound);
}

/// One write ends a session and all that was handed over from it.
#[test]
fn a_session_ends_with_all_that_it_was_handed_to() {
    let mut world = World::of_org_owner();
    let of = |byte: u8| SessionId::from_random([byte; 10]);
    let mut row = world.who.session.clone();
    let own = row.id.clone();
    let ends = |world: &World, name: &str, id: Option<SessionId>| {
        let params = Params { session: id, ..Params::default() };
        let Decision::Write(plan) = world.call_at(name, params, &json!({}), BARE) else { panic!("{name}") };
        plan.change.writes.iter().map(|write| write.key.clone()).collect::<Vec<_>>()
    };
    assert_eq!(ends(&world, "session.end", None), [Key::session(&own)]);
    row.handed = [of(20), of(21)].into();
    world.put(Key::session(&own), &row);
    let all = [Key::session(&own), Key::session(&of(20)), Key::session(&of(21))];
    assert_eq!(ends(&world, "session.end", None), all);
    assert_eq!(ends(&world, "sessions.revoke", Some(own.clone())), all);
    // What has reached its limit may be cleaned away already: its own row is enough.
    row.expires_at = at(1);
    world.put(Key::session(&own), &row);
    assert_eq!(ends(&world, "sessions.revoke", Some(own.clone())), [Key::session(&own)]);
}

/// What the list of one's own tenants shows of the world's.
fn listed(world: &World) -> Option<Value> {
    use crate::decide::tenants::{MINE, beside};
    let request = parse(BARE).unwrap();
    let (params, body) = (Params::default(), Value::Null);
    let random = World::random();
    let forms = FormRules { presets: &world.presets, reach: Reach::Public };
    let operation = named("session.tenants").unwrap();
    let (who, rows) = (&world.who, &world.rows);
    let asked = Asked {
        request: &request,
        operation,
        params: &params,
        body: &body,
        who,
        rows,
        region: Region::Eu,
        now: at(5_000),
        random: &random,
        forms,
        channels: None,
    };
    let resource = who::resource(operation.on, &params, who).unwrap();
    let ask = ask(&asked, &resource);
    let key = Key::tenant(&world.tenant);
    assert_eq!(beside(&ask, &key), Some(Key::binding(&world.tenant, &who.user)));
    assert_eq!((MINE.partition)(&params, &ask), Some(format!("ORG#{}", who.org)));
    (MINE.show)(&ask, &key, &world.rows[&key])
}

/// Tenants are listed for whoever has a part in them, and for nobody else.
#[test]
fn whoever_has_a_part_in_a_tenant_finds_it() {
    let mut world = World::of(None);
    assert!(matches!(world.call_above("session.tenants", &Value::Null), Decision::Page(_, Some(_))));
    assert_eq!(listed(&world), None, "without a part in it");
    world.rows.insert(Key::binding(&world.tenant, &user(4)), Role::Viewer.to_item());
    let shown = listed(&world).unwrap();
    assert_eq!(
        (&shown["id"], &shown["role"], &shown["org_owner"]),
        (&json!(world.tenant), &json!("viewer"), &json!(false))
    );
    // By a group that the session's connection maps, and by one that it does not.
    let mut by_group = Role::Viewer.to_item();
    by_group.insert("via".to_owned(), Attr::text(world.connection()));
    world.rows.insert(Key::binding(&world.tenant, &user(4)), by_group);
    assert_eq!(listed(&world), None, "the group gives it no more");
    let mut form = crate::sso::testing::sample("okta").connection;
    form["group_roles"] = json!([{"group": "Ops", "grant": {"tenant": world.tenant, "role": "viewer"}}]);
    let row = ConnectionRow {
        id: world.connection(),
        org: world.org.clone(),
        status: Lifecycle::Active,
        document: form.to_string(),
        secret: None,
    };
    world.put(Key::connection(&row.id), &row);
    assert_eq!(listed(&world).unwrap()["role"], "viewer");
    world.rows.remove(&Key::binding(&world.tenant, &user(4)));
    world.who.principal.org_owner = Some(world.org.clone());
    let shown = listed(&world).unwrap();
    assert_eq!((&shown["role"], &shown["org_owner"]), (&Value::Null, &json!(true)));
    // A program finds the one that its row names.
    let id = domain::WorkloadId::from_random([7; 10]);
    world.who.principal = Principal::nobody(PrincipalId::Workload(id.as_str().parse().unwrap()));
    world.who.session.through = Through::Workload(id.clone());
    let mut row = domain::WorkloadRow {
        id: id.clone(),
        org: world.org.clone(),
        tenant: world.tenant.clone(),
        user: user(4),
        role: Role::Operator,
        status: Lifecycle::Active,
        epoch: 7,
        federation: String::new(),
        owner: Some(domain::InEpoch::new(user(5), 7)),
        set_by: None,
    };
    world.put(Key::workload(&id), &row);
    assert_eq!(listed(&world).unwrap()["role"], "operator");
    assert!(matches!(world.call_above("session.get", &Value::Null), Decision::Show(_)));
    assert!(matches!(world.call_above("session.end", &json!({})), Decision::Write(_)));
    row.tenant = TenantId::from_random([77; 10]);
    world.put(Key::workload(&id), &row);
    assert_eq!(listed(&world), None);
}
