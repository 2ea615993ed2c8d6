//! Gate documents of a tenant.

use super::*;
use domain::{ChangeRow, GateRow};

fn document(need: u64) -> Value {
    json!({
        "v": 1, "allow": ["payments.*"],
        "gates": [{"id": "all", "template": "any", "tools": ["*"], "approval": "two"}],
        "approvals": {"two": {"quorum": [{"of": {"roles": ["owner", "admin"]}, "need": need}], "deny": 1,
            "expires_minutes": 60, "risk": "Money leaves.", "high": true}},
    })
}

fn first() -> String {
    include_str!("../../../../../events/admin/put_gate.json").to_owned()
}

fn seen(world: &World) -> String {
    let tag = fingerprint(&world.rows[&Key::gate(&world.tenant)]);
    let seen = first().replace(r#""if-none-match": "*""#, &format!(r#""if-match": "\"{tag}\"""#));
    assert_ne!(seen, first());
    seen
}

fn put(world: &World, body: &Value, event: &str) -> Decision {
    world.call("gate.put", world.in_tenant(), body, event)
}

fn waits(decision: Decision) -> Box<Plan> {
    let Decision::Write(plan) = decision else { panic!("{decision:?}") };
    assert_eq!((plan.status, plan.attempt.event_type), (202, EventType::AdminChange));
    assert!(
        plan.change.swaps.iter().all(|swap| swap.key.sk.starts_with("CHANGE#")),
        "nothing else is written"
    );
    plan
}

#[test]
fn what_may_let_more_through_waits_for_a_second_person() {
    let mut world = World::of(Some(Role::Admin));
    let key = Key::gate(&world.tenant);
    let get = |world: &World| world.call("gate.get", world.in_tenant(), &json!({}), BARE);
    assert_eq!(why(get(&world)), Why::NotFound);
    // Without a document nothing passes, and one that allows nothing changes that in nothing.
    let made = put(&world, &json!({"v": 1}), &first());
    let plan = world.make(made);
    assert_eq!((plan.status, plan.attempt.event_type), (200, EventType::AdminGate));
    let record = plan.attempt.to_canonical().unwrap().replace('\\', "");
    for said in ["\"version\":1", "\"sha256\":\"", "\"gate:tenant\""] {
        assert!(record.contains(said), "{record}");
    }

    let asked = put(&world, &document(1), &seen(&world));
    let plan = waits(asked);
    let place = plan.change.swaps[0].key.clone();
    let row = ChangeRow::from_item(&plan.change.swaps[0].new).unwrap();
    let path = format!("/v1/tenants/{}/gate", world.tenant);
    world.put(place.clone(), &ChangeRow { path, ..row.clone() });
    world.rows.insert(Key::binding(&world.tenant, &user(4)), Role::Admin.to_item());
    let change = Params { change: Some(row.id), ..world.in_tenant() };
    let confirm = |world: &World| world.call("changes.confirm", change.clone(), &json!({}), BARE);
    assert_eq!(why(confirm(&world)), Why::SamePerson);
    world.who.user = user(5);
    world.who.principal.id = PrincipalId::User(user(5));
    let confirmed = confirm(&world);
    world.make(confirmed);
    let row = GateRow::from_item(&world.rows[&key]).unwrap();
    assert_eq!((row.version, serde_json::from_str::<Value>(&row.document).unwrap()), (2, document(1)));
    let Decision::Show(shown) = get(&world) else { panic!() };
    assert_eq!(shown.body, json!({"version": 2, "document": document(1)}));

    // More votes at once, fewer by two.
    let made = put(&world, &document(2), &seen(&world));
    assert_eq!(world.make(made).status, 200);
    waits(put(&world, &document(1), &seen(&world)));
    // What does not read lets nothing through: whatever is written over it may.
    world.put(key, &GateRow { version: 7, document: "?".to_owned() });
    waits(put(&world, &document(2), &seen(&world)));
    let made = put(&world, &json!({"v": 1}), &seen(&world));
    world.make(made);
    assert_eq!(GateRow::from_item(&world.rows[&Key::gate(&world.tenant)]).unwrap().version, 8);
}

#[test]
fn every_fault_is_told_with_its_place_and_nothing_of_what_was_sent() {
    let world = World::of(Some(Role::Owner));
    let mut body = document(99);
    body["gates"][0]["template"] = json!("planted-value");
    let gates = body["gates"].as_array_mut().unwrap();
    gates.push(json!({"id": "all", "template": "payments", "tools": ["*"], "forbid": true}));
    body["answers"] = json!("mark");
    let Decision::Refuse(refused, record) = put(&world, &body, &first()) else { panic!() };
    assert_eq!((refused.why, record.reason.as_str()), (Why::DocumentFaults, "document_invalid"));
    let places: Vec<_> = refused.faults.iter().map(|(at, _)| at.as_str()).collect();
    for at in ["/approvals/two", "/gates/0/template", "/gates/1"] {
        assert!(places.iter().any(|place| place.starts_with(at)), "{at}: {places:?}");
    }
    assert!(!format!("{record:?}").contains("planted"));
}

#[test]
fn a_gate_is_written_over_what_was_seen_by_whoever_leads_the_tenant() {
    let mut world = World::of(Some(Role::Owner));
    let unseen = first().replace(r#""if-none-match": "*","#, "");
    assert_ne!(unseen, first());
    assert_eq!(why(put(&world, &json!({"v": 1}), &unseen)), Why::PreconditionRequired);
    let made = put(&world, &json!({"v": 1}), &first());
    world.make(made);
    assert_eq!(why(put(&world, &json!({"v": 1}), &first())), Why::PreconditionFailed);
    for role in Role::ALL {
        let read_by = World { rows: world.rows.clone(), ..World::of(Some(*role)) };
        let read = read_by.call("gate.get", read_by.in_tenant(), &json!({}), BARE);
        let written = put(&read_by, &json!({"v": 1}), &seen(&read_by));
        assert_eq!(matches!(read, Decision::Show(_)), *role != Role::Member, "{role:?}");
        let leads = [Role::Owner, Role::Admin].contains(role);
        assert_eq!(matches!(written, Decision::Write(_)), leads, "{role:?}");
    }
}
