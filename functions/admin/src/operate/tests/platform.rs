//! Administrators of the platform are made and unmade by two, and what they do is told in its own log.

use super::*;
use domain::{AdminsRow, ChangeId, ChangeRow, ChangeState};
use tables::Marker;

/// One administrator of the platform, user 4, and another, user 5, as far as rows say so.
fn world(admins: &[u8], seconded: bool) -> World {
    let mut world = World::of(None);
    world.who.principal.platform = true;
    for byte in admins {
        world.rows.insert(Key::platform_admin(&user(*byte)), Marker::item());
    }
    let row = AdminsRow { admins: admins.iter().map(|byte| user(*byte)).collect(), seconded };
    world.put(Key::platform_admins(), &row);
    world
}

fn on(byte: u8) -> Params {
    Params { user: Some(user(byte)), ..Params::default() }
}

fn give(world: &World, byte: u8, org: &OrgId) -> Decision {
    world.call_at("admins.give", on(byte), &json!({ "org": org }), BARE)
}

fn take(world: &World, byte: u8) -> Decision {
    world.call_at("admins.take", on(byte), &json!({}), BARE)
}

fn status(decision: Decision) -> u16 {
    match decision {
        Decision::Write(plan) => plan.status,
        other => panic!("{other:?}"),
    }
}

/// What somebody else of the platform asked for.
fn asked(world: &mut World, by: u8, operation: &str, path: &str, body: &Value) -> Params {
    let id = ChangeId::from_random([by; 10]);
    let row = ChangeRow {
        id: id.clone(),
        operation: operation.parse().unwrap(),
        path: path.to_owned(),
        body: body.to_string(),
        seen: None,
        by: user(by),
        asked_as: Some(world.asked_as()),
        at: at(0),
        expires_at: at(9_000),
        state: ChangeState::Pending,
    };
    world.put(Key::platform_change(&id), &row);
    Params { change: Some(id), ..Params::default() }
}

#[test]
fn the_first_names_the_second_and_from_then_on_it_takes_two() {
    let mut world = world(&[4], false);
    let org = world.org.clone();
    assert_eq!(why(give(&world, 4, &org)), Why::OnSelf);
    assert_eq!(why(give(&world, 99, &org)), Why::NotFound);
    // Alone, and nowhere but at home.
    let other = OrgId::from_random([90; 10]);
    world.put(Key::user(&other, &user(6)), &User { id: user(6), active: true, epoch: 1 });
    assert_eq!(why(give(&world, 6, &other)), Why::InvalidField);
    let given = give(&world, 5, &org);
    let plan = world.make(given);
    assert_eq!(plan.status, 200);
    let metadata = serde_json::to_string(&plan.attempt.metadata).unwrap();
    assert!(metadata.contains("alone"), "{metadata}");
    let platform = (OrgId::platform(), TenantId::platform());
    assert_eq!((plan.attempt.org_id.clone(), plan.attempt.tenant_id.clone()), platform);
    let row = AdminsRow::from_item(&world.rows[&Key::platform_admins()]).unwrap();
    assert_eq!(row, AdminsRow { admins: [user(4), user(5)].into(), seconded: true });
    // There have been two: a third is asked for, and so is a second one again when one has gone.
    let Decision::Write(plan) = give(&world, 6, &org) else { panic!() };
    assert_eq!(plan.status, 202);
    assert!(
        plan.change
            .swaps
            .iter()
            .all(|swap| (swap.key.pk.as_str(), swap.key.table) == ("PLATFORM", tables::Table::Control))
    );
    world.put(Key::platform_admins(), &AdminsRow { admins: [user(4)].into(), seconded: true });
    assert_eq!(status(give(&world, 6, &org)), 202);
    // Before there was such a row, there was one.
    world.rows.remove(&Key::platform_admins());
    world.rows.remove(&Key::platform_admin(&user(5)));
    assert_eq!(status(give(&world, 5, &org)), 200);
    let gone = User { id: user(5), active: false, epoch: 8 };
    world.put(Key::user(&org, &user(5)), &gone);
    assert_eq!(why(give(&world, 5, &org)), Why::PersonInactive);
    world.who.principal.platform = false;
    world.who.principal.org_owner = Some(org.clone());
    assert_eq!(why(give(&world, 6, &org)), Why::Forbidden);
}

#[test]
fn two_stand_behind_what_is_done_to_the_platform() {
    let mut world = world(&[4, 5, 6], true);
    let path = format!("/v1/platform/admins/{}", user(6));
    assert_eq!(status(take(&world, 6)), 202);
    assert_eq!(why(take(&world, 4)), Why::OnSelf);
    let confirm = |world: &World, params: &Params| {
        world.call_at("platform_changes.confirm", params.clone(), &json!({}), BARE)
    };
    let own = asked(&mut world, 4, "admins.take", &path, &json!({}));
    assert_eq!(why(confirm(&world, &own)), Why::SamePerson);
    let params = asked(&mut world, 5, "admins.take", &path, &json!({}));
    let Decision::Write(plan) = confirm(&world, &params) else { panic!() };
    assert_eq!((plan.status, plan.attempt.event_type), (200, EventType::AdminChange));
    assert_eq!(plan.attempt.org_id, OrgId::platform());
    // Whoever asked must still be one of them.
    let marker = world.rows.remove(&Key::platform_admin(&user(5))).unwrap();
    assert_eq!(why(confirm(&world, &params)), Why::RequesterGone);
    world.rows.insert(Key::platform_admin(&user(5)), marker);
    // Nobody confirms what is done to themselves.
    let at_me = format!("/v1/platform/admins/{}", user(4));
    let mine = asked(&mut world, 5, "admins.take", &at_me, &json!({}));
    assert_eq!(why(confirm(&world, &mine)), Why::OnSelf);
    let again = asked(&mut world, 5, "admins.take", &path, &json!({}));
    let taken = confirm(&world, &again);
    world.make(taken);
    assert!(!crate::decide::offices::administers(&world.rows, &user(6)), "the office is gone");
    assert_eq!(why(take(&world, 6)), Why::NotFound);
    // Given back, it is theirs again.
    let body = json!({"org": world.org});
    let back = asked(&mut world, 5, "admins.give", &path, &body);
    let given = confirm(&world, &back);
    world.make(given);
    assert!(crate::decide::offices::administers(&world.rows, &user(6)));
    // An organization's path is none of the platform's: such a row is broken, and nothing is decided by it.
    let of_org = format!("/v1/orgs/{}/owners/{}", world.org, user(6));
    let foreign = asked(&mut world, 5, "owners.give", &of_org, &json!({}));
    assert_eq!(why(confirm(&world, &foreign)), Why::DecisionFault);
    world.who.principal.platform = false;
    assert_eq!(why(confirm(&world, &again)), Why::Forbidden);
}

/// The last one stays, and whoever has the office by a row that says it was taken has none.
#[test]
fn the_last_administrator_stays() {
    let mut world = world(&[5], true);
    assert_eq!(why(take(&world, 5)), Why::LastOwner);
    let mut item = Marker::item();
    item.insert("taken_at".to_owned(), Attr::text(at(1)));
    world.rows.insert(Key::platform_admin(&user(5)), item);
    assert_eq!(why(take(&world, 5)), Why::NotFound);
}

/// Organizations come and go in the platform's own log too, each record an event of its own, and of an action of its own: an
/// organization's own log is kept under the platform's tenant, too, whose verification takes a second attempt for a fault.
#[test]
fn organizations_are_told_of_in_both_logs() {
    let world = world(&[4], false);
    let connection = json!({"idp": "okta", "issuer": "https://acme.okta.com", "client_id": "one"});
    let body = json!({"name": "acme", "owner_email": "dana@acme.test", "connection": connection});
    let of_org = Params { org: Some(world.org.clone()), ..Params::default() };
    for decision in [
        world.call_at("orgs.create", Params::default(), &body, BARE),
        world.call_at("orgs.status", of_org, &json!({"status": "suspended"}), BARE),
    ] {
        let Decision::Write(plan) = decision else { panic!("{decision:?}") };
        let mut actions = Vec::new();
        for record in [plan.attempt.clone(), plan.outcome(at(6_000), Ok(()))] {
            let told = plan.told(record, at(6_000));
            let logs: Vec<_> = told.iter().map(|one| (one.org_id.clone(), one.tenant_id.clone())).collect();
            assert_eq!(logs.len(), 2);
            assert_eq!(logs[1], (OrgId::platform(), TenantId::platform()));
            assert_ne!(logs[0].0, logs[1].0);
            assert_ne!(told[0].event_id, told[1].event_id);
            assert_eq!(told[0].resource, told[1].resource);
            actions.push([told[0].action_id.unwrap(), told[1].action_id.unwrap()]);
        }
        assert_eq!(actions[0], actions[1], "each log has a pair");
        assert_ne!(actions[0][0], actions[0][1]);
    }
    // Of nobody else's doing anything is written there: not even that it was refused.
    let mut stranger = World::of(None);
    stranger.who.principal.org_owner = Some(stranger.org.clone());
    let Decision::Refuse(_, record) = stranger.call_above("kill.stop_platform", &json!({"reason": "x"}))
    else {
        panic!()
    };
    assert_eq!(record.org_id, stranger.org);
}
