//! Through broken glass: what is looked at is told first, an owner is given and nothing else, and it is closed before its time.

use super::*;
use domain::{BreakGlassRow, ChangeId, ChangeRow, ChangeState};

/// An administrator of the platform, of another organization, to whom two have opened the tenant.
fn world() -> World {
    let mut world = World::of(None);
    world.who.org = OrgId::from_random([90; 10]);
    world.who.principal.org_member = Some(world.who.org.clone());
    world.who.principal.platform = true;
    world.who.principal.break_glass = [world.tenant.clone()].into();
    let row = BreakGlassRow {
        id: Some(ChangeId::from_random([7; 10])),
        user: user(4),
        reason: Code::literal("case_4711"),
        confirmed_by: user(5),
        expires_at: at(9_000),
    };
    world.put(Key::break_glass(&world.tenant, &user(4)), &row);
    world
}

/// What was told of a look, in whose log and by which authority.
fn told(world: &World, decision: Decision) -> Decision {
    let Decision::Look(record, decision) = decision else { panic!("{decision:?}") };
    assert_eq!(
        (record.event_type, record.phase, record.decision),
        (EventType::AdminRead, Phase::Single, Decided::Allow)
    );
    assert_eq!((&record.org_id, &record.tenant_id), (&world.org, &world.tenant));
    assert_eq!(record.authority.as_ref().unwrap().role.as_ref().unwrap().as_str(), "break-glass");
    let metadata = serde_json::to_string(&record.metadata).unwrap();
    assert!(metadata.contains(ChangeId::from_random([7; 10]).as_str()), "{metadata}");
    *decision
}

#[test]
fn whatever_is_looked_at_is_told_before() {
    let mut world = world();
    let of_agent = Params { agent: Some(world.agent.clone()), ..world.in_tenant() };
    let shown = world.call("agents.get", of_agent, &Value::Null, BARE);
    assert!(matches!(told(&world, shown), Decision::Show(_)));
    for list in ["agents.list", "changes.list", "break_glass.list"] {
        let listed = world.call(list, world.in_tenant(), &Value::Null, BARE);
        assert!(matches!(told(&world, listed), Decision::Page(..)), "{list}");
    }
    let question = kept(&mut world, 6, false, 9_000);
    let answered = world.call("audit.answer", question, &Value::Null, BARE);
    assert!(matches!(told(&world, answered), Decision::Answer(..)));
    // Name and state are seen without.
    assert!(matches!(world.call("tenants.get", world.in_tenant(), &Value::Null, BARE), Decision::Show(_)));
    // What there is not was not looked at, and the tenant's own people are told of nowhere.
    let unknown = Params { agent: Some(AgentId::from_random([99; 10])), ..world.in_tenant() };
    assert_eq!(why(world.call("agents.get", unknown, &Value::Null, BARE)), Why::NotFound);
    let own = World::of(Some(Role::Viewer));
    assert!(matches!(own.call("agents.list", own.in_tenant(), &Value::Null, BARE), Decision::Page(..)));
}

/// A tenant without an owner gets one, be they an admin already; nobody is taken down.
#[test]
fn an_owner_is_given_and_nothing_else() {
    let mut world = world();
    let on = |byte: u8, world: &World| Params { user: Some(user(byte)), ..world.in_tenant() };
    let to = |role: &str| json!({ "role": role });
    let given = world.call("roles.grant", on(6, &world), &to("owner"), BARE);
    let Decision::Write(plan) = given else { panic!("{given:?}") };
    assert_eq!(plan.attempt.authority.as_ref().unwrap().role.as_ref().unwrap().as_str(), "break-glass");
    let metadata = serde_json::to_string(&plan.attempt.metadata).unwrap();
    assert!(metadata.contains(ChangeId::from_random([7; 10]).as_str()), "{metadata}");
    // What is so already is shown, and that is told first.
    world.rows.insert(Key::binding(&world.tenant, &user(6)), Role::Owner.to_item());
    let already = world.call("roles.grant", on(6, &world), &to("owner"), BARE);
    let Decision::Write(plan) = told(&world, already) else { panic!() };
    assert!(plan.change.already);
    world.rows.insert(Key::binding(&world.tenant, &user(6)), Role::Admin.to_item());
    let raised = world.call("roles.grant", on(6, &world), &to("owner"), BARE);
    assert!(matches!(raised, Decision::Write(_)), "{raised:?}");
    for role in ["admin", "viewer"] {
        assert_eq!(why(world.call("roles.grant", on(6, &world), &to(role), BARE)), Why::Forbidden, "{role}");
    }
    assert_eq!(why(world.call("roles.grant", on(5, &world), &to("viewer"), BARE)), Why::Forbidden);
    world.put(Key::owners(&world.tenant), &OwnersRow([user(5), user(6)].into()));
    assert_eq!(why(world.call("roles.withdraw", on(5, &world), &json!({}), BARE)), Why::AboveOwnLevel);
    assert_eq!(why(world.call("roles.withdraw", on(6, &world), &json!({}), BARE)), Why::Forbidden);
}

/// The action is that of the role; whoever gives lesser ones is told that it is above theirs.
#[test]
fn a_role_is_given_by_its_own_action() {
    let on = |world: &World| Params { user: Some(user(6)), ..world.in_tenant() };
    for (by, role, expected) in [
        (Role::Admin, "viewer", None),
        (Role::Admin, "admin", Some(Why::AboveOwnLevel)),
        (Role::Admin, "owner", Some(Why::AboveOwnLevel)),
        (Role::Owner, "owner", None),
        (Role::Developer, "viewer", Some(Why::Forbidden)),
        (Role::Developer, "owner", Some(Why::Forbidden)),
        (Role::Admin, "planted-value", Some(Why::InvalidField)),
    ] {
        let world = World::of(Some(by));
        match (world.call("roles.grant", on(&world), &json!({ "role": role }), BARE), expected) {
            (Decision::Write(plan), None) => {
                let action = role.parse::<Role>().map(|role| Granted::Role(role).action()).unwrap();
                assert_eq!(plan.permit.action(), action, "{by} {role}");
            }
            (decision, Some(expected)) => assert_eq!(why(decision), expected, "{by} {role}"),
            (decision, None) => panic!("{by} {role}: {decision:?}"),
        }
    }
}

#[test]
fn it_is_closed_before_its_time_by_whoever_could_have_opened_it() {
    let mut world = World::of(Some(Role::Owner));
    let glass = Key::break_glass(&world.tenant, &user(6));
    let id = ChangeId::from_random([7; 10]);
    let change = ChangeRow {
        id: id.clone(),
        operation: "break_glass.open".parse().unwrap(),
        path: format!("/v1/tenants/{}/break-glass", world.tenant),
        body: json!({"reason": "case_4711", "minutes": 30}).to_string(),
        seen: None,
        by: user(6),
        asked_as: None,
        at: at(0),
        expires_at: at(9_000),
        state: ChangeState::Confirmed,
    };
    world.put(Key::change(&world.tenant, &id), &change);
    let row = |id: Option<u8>, until: i64| BreakGlassRow {
        id: id.map(|byte| ChangeId::from_random([byte; 10])),
        user: user(6),
        reason: Code::literal("case_4711"),
        confirmed_by: user(5),
        expires_at: at(until),
    };
    let params = Params { change: Some(id), ..world.in_tenant() };
    let close = |world: &World| world.call("break_glass.close", params.clone(), &json!({}), BARE);
    assert_eq!(why(close(&world)), Why::NotFound, "it is not open");
    for (id, until) in [(Some(8), 9_000), (None, 9_000), (Some(7), 5_000)] {
        world.put(glass.clone(), &row(id, until));
        assert_eq!(why(close(&world)), Why::NotFound, "{id:?} {until}");
    }
    world.put(glass.clone(), &row(Some(7), 9_000));
    let Decision::Write(plan) = close(&world) else { panic!() };
    let gone = &plan.change.writes[0];
    assert!(gone.delete && gone.key == glass && gone.condition.is_some());
    assert_eq!(
        (plan.attempt.event_type, &plan.attempt.tenant_id),
        (EventType::AdminBreakGlass, &world.tenant)
    );
    // Whoever came in closes it too; a viewer does not.
    world.who.principal.roles = [(world.tenant.clone(), Role::Viewer)].into();
    assert_eq!(why(close(&world)), Why::Forbidden);
    world.who.principal.roles = [].into();
    world.who.principal.platform = true;
    assert!(matches!(close(&world), Decision::Write(_)));
}
