use super::*;
use domain::{ConnectionId, OrgId, OwnersRow};
use serde_json::json;
use std::collections::HashMap;
use tables::expression::evaluate;
use tables::gates::Write;
use tables::standing::link_to;

struct World {
    directory: Directory,
    rows: Rows,
    id: UserId,
}

fn now() -> Timestamp {
    Timestamp::from_unix_millis(1_790_000_000_000).unwrap()
}

fn sealed() -> SealedBytes {
    SealedBytes::from_sealed_form([b"CSE1".as_slice(), &[0; 90]].concat()).unwrap()
}

fn document(name: &str, active: bool) -> Document {
    let body = json!({"userName": name, "externalId": "00u1", "active": active, "emails": [{"value": name}]});
    body.as_object().unwrap().clone()
}

impl World {
    fn new() -> Self {
        let form = json!({"issuer": "https://idp.acme.test", "group_roles": []});
        let directory = Directory::of(OrgId::from_random([1; 10]), ConnectionId::from_random([2; 10]), &form);
        Self { directory, rows: HashMap::new(), id: UserId::from_random([3; 10]) }
    }

    fn plan(&self, before: Option<&Kept>, after: &Document) -> Result<Plan, Stop> {
        let change = Change {
            directory: &self.directory,
            id: &self.id,
            before,
            after,
            sealed: sealed(),
            cause: LeaveCause::Directory,
            now: now(),
        };
        change_of(&change, &self.rows)
    }

    /// Does it, as the tables would.
    fn put(&mut self, before: Option<&Kept>, after: &Document) -> (Kept, Plan) {
        let plan = self.plan(before, after).unwrap();
        for write in &plan.writes {
            apply(&mut self.rows, write);
        }
        let item = self.rows[&user(&self.directory.connection, &self.id)].clone();
        (Kept { row: plan.row.clone(), item, document: after.clone() }, plan)
    }

    fn person(&self) -> Person {
        Person::from_item(&self.rows[&Key::user(&self.directory.org, &self.id)]).unwrap()
    }

    fn ended(&self, mail: &str) -> u64 {
        let key = Key::address(&self.directory.org, address_digest(&self.directory.org, mail));
        self.rows.get(&key).map_or(0, |item| AddressRow::from_item(item).unwrap().ended)
    }
}

use super::change as change_of;

/// Does it, as the table would.
fn apply(rows: &mut Rows, write: &Write) {
    let after = evaluate(write, rows.get(&write.key)).expect("nothing changed meanwhile");
    match write.delete {
        true => drop(rows.remove(&write.key)),
        false => drop(rows.insert(write.key.clone(), after)),
    }
}

#[test]
fn somebody_is_made_ended_and_let_in_again() {
    let mut world = World::new();
    let (made, plan) = world.put(None, &document("dana@acme.test", true));
    assert!(plan.left.is_none() && world.person().user.active);
    assert_eq!(world.person().user.epoch, 1);
    let (out, plan) = world.put(Some(&made), &document("dana@acme.test", false));
    let left = plan.left.expect("they left");
    assert_eq!((left.epoch, world.person().user.active, world.person().user.epoch), (2, false, 2));
    assert_eq!(world.ended("dana@acme.test"), 1);
    let (back, plan) = world.put(Some(&out), &document("dana@acme.test", true));
    assert!(plan.left.is_none() && world.person().user.active);
    assert_eq!(
        (world.person().user.epoch, world.ended("dana@acme.test")),
        (2, 0),
        "nothing of before comes back"
    );
    assert_eq!((made.row.version, out.row.version, back.row.version), (1, 2, 3));
}

#[test]
fn whoever_was_ended_by_hand_stays_so_until_the_directory_says_otherwise() {
    let mut world = World::new();
    let (made, _) = world.put(None, &document("dana@acme.test", true));
    let key = Key::user(&world.directory.org, &world.id);
    let mut person = world.person();
    person.user.active = false;
    world.rows.get_mut(&key).unwrap().extend(person.to_item());
    // A provider pushes the whole profile again and again.
    let (same, _) = world.put(Some(&made), &document("dana.levi@acme.test", true));
    assert!(!world.person().user.active);
    let (out, _) = world.put(Some(&same), &document("dana.levi@acme.test", false));
    world.put(Some(&out), &document("dana.levi@acme.test", true));
    assert!(world.person().user.active);
}

#[test]
fn the_last_owner_is_ended_and_somebody_is_told() {
    let mut world = World::new();
    let (made, _) = world.put(None, &document("dana@acme.test", true));
    let tenant = domain::TenantId::from_random([7; 10]);
    let key = Key::user(&world.directory.org, &world.id);
    let mut person = world.person();
    person.owns.insert(tenant.clone());
    world.rows.get_mut(&key).unwrap().extend(person.to_item());
    world.rows.insert(Key::owners(&tenant), OwnersRow([world.id.clone()].into()).to_item());
    let (out, plan) = world.put(Some(&made), &document("dana@acme.test", false));
    assert!(plan.last_owner && plan.left.is_some());
    let owners = |world: &World| OwnersRow::from_item(&world.rows[&Key::owners(&tenant)]).unwrap().0;
    assert!(owners(&world).is_empty());
    world.put(Some(&out), &document("dana@acme.test", true));
    assert_eq!(owners(&world), [world.id.clone()].into());
}

#[test]
fn somebody_who_is_in_is_the_one_and_somebody_who_was_ended_is_not() {
    let mut world = World::new();
    let after = document("dana@acme.test", true);
    let (issuer, subject) = ("https://idp.acme.test", "00u1");
    let place = link(&world.directory.org, issuer, subject);
    let known = UserId::from_random([9; 10]);
    world.rows.insert(place.clone(), link_to(&known));
    let candidates = candidates(&world.directory, &after, &world.rows);
    assert_eq!(candidates, std::slice::from_ref(&known));
    assert_eq!(adopted(&world.directory, &candidates, &world.rows), None, "there is no such person");
    let mut person = Person::new(known.clone());
    let key = Key::user(&world.directory.org, &known);
    world.rows.insert(key.clone(), person.to_item());
    assert_eq!(adopted(&world.directory, &candidates, &world.rows), Some(known.clone()));
    person.user.active = false;
    world.rows.insert(key.clone(), person.to_item());
    assert_eq!(adopted(&world.directory, &candidates, &world.rows), None);
    // One who is told of already is not told of twice.
    person.user.active = true;
    world.rows.insert(key, person.to_item());
    world.rows.insert(user(&world.directory.connection, &known), Item::new());
    assert_eq!(adopted(&world.directory, &[known], &world.rows), None);
}

#[test]
fn a_name_is_one_persons() {
    let mut world = World::new();
    world.put(None, &document("dana@acme.test", true));
    let other = World { id: UserId::from_random([8; 10]), ..world };
    let stop = other.plan(None, &document("DANA@acme.test", true)).unwrap_err();
    assert_eq!(stop, Stop::Refused(ScimError::taken("userName")));
}

/// By which identity somebody signs in is between them and their provider: no push says so, and none takes it from them.
#[test]
fn a_push_writes_no_identity() {
    let mut world = World::new();
    let place = |subject| link(&world.directory.org, "https://idp.acme.test", subject);
    let (one, other) = (place("00u1"), place("00u2"));
    let noa = UserId::from_random([8; 10]);
    world.rows.insert(other.clone(), link_to(&noa));
    let (made, _) = world.put(None, &document("dana@acme.test", true));
    let mut after = document("dana@acme.test", true);
    after.insert("externalId".to_owned(), json!("00u2"));
    world.put(Some(&made), &after);
    assert!(!world.rows.contains_key(&one));
    assert_eq!(linked_user(&world.rows[&other]), Some(noa));
}

/// Whoever signs in by the identity that the directory ends, or came through it under an address of theirs, is the same person.
#[test]
fn another_row_of_the_same_person_ends_with_them() {
    let mut world = World::new();
    let (made, _) = world.put(None, &document("dana@acme.test", true));
    let (by_link, by_address, by_other) =
        (UserId::from_random([11; 10]), UserId::from_random([12; 10]), UserId::from_random([13; 10]));
    for id in [&by_link, &by_address, &by_other] {
        world.rows.insert(Key::user(&world.directory.org, id), Person::new(id.clone()).to_item());
    }
    world.rows.insert(link(&world.directory.org, "https://idp.acme.test", "00u1"), link_to(&by_link));
    let address = |mail: &str| Key::address(&world.directory.org, address_digest(&world.directory.org, mail));
    let (own, strange) = (address("dana@acme.test"), address("dana@other.test"));
    let via = |id: &UserId, connection: &ConnectionId| {
        AddressRow { ended: 0, user: Some(id.clone()), via: Some(connection.clone()) }.to_item()
    };
    world.rows.insert(own, via(&by_address, &world.directory.connection));
    world.rows.insert(strange, via(&by_other, &ConnectionId::from_random([77; 10])));
    let mut after = document("dana@acme.test", false);
    after.insert("emails".to_owned(), json!([{"value": "dana@acme.test"}, {"value": "dana@other.test"}]));
    let (_, plan) = world.put(Some(&made), &after);
    let ended: BTreeSet<UserId> = plan.twins.iter().map(|left| left.user.clone()).collect();
    assert_eq!(
        ended,
        [by_link.clone(), by_address.clone()].into(),
        "and nobody who came by another connection"
    );
    let active = |id: &UserId| {
        Person::from_item(&world.rows[&Key::user(&world.directory.org, id)]).unwrap().user.active
    };
    assert!(!active(&by_link) && !active(&by_address) && active(&by_other));
}

/// Somebody let them in by hand: what the directory says holds all the same when it says it again.
#[test]
fn whoever_is_not_to_be_in_is_out_however_often_it_was_said() {
    let mut world = World::new();
    let (made, _) = world.put(None, &document("dana@acme.test", true));
    let (out, _) = world.put(Some(&made), &document("dana@acme.test", false));
    let key = Key::user(&world.directory.org, &world.id);
    let mut person = world.person();
    person.user.active = true;
    world.rows.get_mut(&key).unwrap().extend(person.to_item());
    assert_eq!(removed(&world.directory, &out, &world.rows), Ok(None), "ended first");
    let plan = world.plan(Some(&out), &document("dana@acme.test", false)).unwrap();
    assert_eq!(plan.left.map(|left| left.epoch), Some(3));
}

/// Addresses of whoever is out are closed once each, whenever they are told.
#[test]
fn an_address_that_is_told_of_somebody_who_is_out_is_closed() {
    let mut world = World::new();
    let (made, _) = world.put(None, &document("dana@acme.test", true));
    let (out, _) = world.put(Some(&made), &document("dana@acme.test", false));
    let (moved, _) = world.put(Some(&out), &document("dana.levi@acme.test", false));
    assert_eq!((world.ended("dana@acme.test"), world.ended("dana.levi@acme.test")), (1, 1));
    let (same, _) = world.put(Some(&moved), &document("dana.levi@acme.test", false));
    assert_eq!(world.ended("dana.levi@acme.test"), 1);
    world.put(Some(&same), &document("dana.levi@acme.test", true));
    assert_eq!((world.ended("dana@acme.test"), world.ended("dana.levi@acme.test")), (0, 0));
}

#[test]
fn more_addresses_than_one_write_holds_are_refused() {
    let world = World::new();
    let mut many = document("dana@acme.test", true);
    let mails: Vec<Value> = (0..21).map(|n| json!({"value": format!("d{n}@acme.test")})).collect();
    many.insert("emails".to_owned(), mails.into());
    assert!(matches!(world.plan(None, &many), Err(Stop::Refused(error)) if error.status == 400));
}

#[test]
fn whoever_is_taken_away_leaves_no_row() {
    let mut world = World::new();
    let (made, _) = world.put(None, &document("dana@acme.test", true));
    let (out, _) = world.put(Some(&made), &document("dana@acme.test", false));
    for write in removed(&world.directory, &out, &world.rows).unwrap().expect("they are out") {
        apply(&mut world.rows, &write);
    }
    let own =
        world.rows.keys().filter(|key| key.sk.contains("SCIMUSER") || key.sk.contains("SCIMFOUND")).count();
    assert_eq!(own, 0);
    assert!(!world.person().user.active, "the person's own row stays, and says that they are out");
}
