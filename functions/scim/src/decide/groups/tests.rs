use super::*;
use domain::{ConnectionId, OrgId, Role, Tenant, TenantId};
use serde_json::json;
use std::collections::HashMap;

fn sealed() -> SealedBytes {
    SealedBytes::from_sealed_form([b"CSE1".as_slice(), &[0; 90]].concat()).unwrap()
}

struct World {
    directory: Directory,
    tenant: TenantId,
    person: UserId,
    rows: Rows,
}

fn world() -> World {
    let (org, tenant, person) =
        (OrgId::from_random([1; 10]), TenantId::from_random([7; 10]), UserId::from_random([3; 10]));
    let grant = |role: &str| json!({"tenant": tenant, "role": role});
    let form = json!({"issuer": "https://idp.test", "group_roles": [
        {"group": "Ops", "grant": grant("operator")}, {"group": "Admins", "grant": grant("admin")},
    ]});
    let directory = Directory::of(org.clone(), ConnectionId::from_random([2; 10]), &form);
    let of = Tenant {
        id: tenant.clone(),
        org: org.clone(),
        region: domain::Region::Eu,
        status: domain::Lifecycle::Active,
        networks: None,
    };
    let rows = HashMap::from([
        (Key::user(&org, &person), Person::new(person.clone()).to_item()),
        (Key::tenant(&tenant), of.to_item()),
        (user(&directory.connection, &person), Marker::item()),
    ]);
    World { directory, tenant, person, rows }
}

impl World {
    fn group(&self, id: u8, name: &str) -> DirectoryGroupRow {
        let after = json!({"displayName": name}).as_object().unwrap().clone();
        row(&Change {
            directory: &self.directory,
            id: &GroupId::from_random([id; 10]),
            before: None,
            after: &after,
            sealed: sealed(),
            now: Timestamp::from_unix_millis(1).unwrap(),
        })
    }

    fn moved(
        &self,
        (was, is): (Option<&DirectoryGroupRow>, Option<&DirectoryGroupRow>),
        others: &[DirectoryGroupRow],
    ) -> Vec<Write> {
        let moved = Moved { directory: &self.directory, person: &self.person, was, is, others };
        self.moved_of(&moved).0
    }

    fn moved_of(&self, moved: &Moved<'_>) -> (Vec<Write>, Option<Offboarding>) {
        moved.writes(&self.rows, Timestamp::from_unix_millis(5).unwrap()).unwrap()
    }

    fn binding(&self, writes: &[Write]) -> Option<(bool, String)> {
        let key = Key::binding(&self.tenant, &self.person);
        let write = writes.iter().find(|write| write.key == key)?;
        Some((write.delete, format!("{:?}", write.values)))
    }
}

#[test]
fn a_role_comes_with_a_group_and_goes_with_the_last_that_gives_it() {
    let mut world = world();
    let (ops, admins) = (world.group(1, "Ops"), world.group(2, "Admins"));
    let come = world.moved((None, Some(&ops)), &[]);
    assert!(world.binding(&come).is_some_and(|(gone, values)| !gone && values.contains("operator")));
    let mut row = Role::Operator.to_item();
    row.insert("via".to_owned(), Attr::text(&world.directory.connection));
    world.rows.insert(Key::binding(&world.tenant, &world.person), row);
    let higher = world.moved((None, Some(&admins)), std::slice::from_ref(&ops));
    assert!(world.binding(&higher).is_some_and(|(_, values)| values.contains("admin")));
    let stays = world.moved((Some(&admins), None), std::slice::from_ref(&ops));
    assert_eq!(world.binding(&stays), None, "the other group gives what they have");
    let gone = world.moved((Some(&ops), None), &[]);
    assert!(world.binding(&gone).is_some_and(|(gone, _)| gone));
    let other = world.group(1, "Others");
    let renamed = world.moved((Some(&ops), Some(&other)), &[]);
    assert!(world.binding(&renamed).is_some_and(|(gone, _)| gone), "a name that gives nothing takes");
}

/// Two groups that are left at once must not each count on the other: whoever is second finds another row than they read.
#[test]
fn every_move_of_a_person_counts_in_their_row() {
    let mut world = world();
    let ops = world.group(1, "Ops");
    let key = user(&world.directory.connection, &world.person);
    let writes = world.moved((None, Some(&ops)), &[]);
    let own = writes.iter().find(|write| write.key == key).expect("their row is written");
    assert!(own.condition.as_ref().is_some_and(|condition| !condition.is_empty()), "{own:?}");
    assert!(own.names.iter().any(|(_, name)| name == MOVES));
    world.rows.remove(&key);
    let moved =
        Moved { directory: &world.directory, person: &world.person, was: None, is: Some(&ops), others: &[] };
    let now = Timestamp::from_unix_millis(5).unwrap();
    assert_eq!(moved.writes(&world.rows, now), Err(Stop::Unread), "whoever is gone is given nothing");
}

/// With the last group that gave them anything ends what they began, and not with any other.
#[test]
fn the_last_granting_group_takes_sessions_and_keys_along() {
    let mut world = world();
    let (ops, admins, none) = (world.group(1, "Ops"), world.group(2, "Admins"), world.group(4, "Lunch"));
    let left = |world: &World, was, is, others: &[DirectoryGroupRow]| {
        let moved = Moved { directory: &world.directory, person: &world.person, was, is, others };
        let (writes, left) = world.moved_of(&moved);
        let key = Key::user(&world.directory.org, &world.person);
        let written = writes.iter().any(|write| write.key == key);
        let mark = left.as_ref().map(Key::offboarding);
        assert_eq!(left.is_some(), written && writes.iter().any(|write| Some(&write.key) == mark.as_ref()));
        left.map(|left| (left.epoch, left.cause))
    };
    let lost = Some((2, LeaveCause::GroupLost));
    let mut by_hand = Role::Operator.to_item();
    world.rows.insert(Key::binding(&world.tenant, &world.person), by_hand.clone());
    assert_eq!(left(&world, Some(&ops), None, &[]), None, "a role that a person gave stays");
    by_hand.insert("via".to_owned(), Attr::text(&world.directory.connection));
    world.rows.insert(Key::binding(&world.tenant, &world.person), by_hand);
    assert_eq!(left(&world, Some(&ops), None, &[]), lost);
    assert_eq!(left(&world, Some(&ops), None, std::slice::from_ref(&none)), lost);
    assert_eq!(left(&world, Some(&ops), Some(&none), &[]), lost, "a name that gives nothing");
    assert_eq!(left(&world, Some(&ops), None, std::slice::from_ref(&admins)), None);
    assert_eq!(left(&world, Some(&none), None, &[]), None);
    assert_eq!(left(&world, None, Some(&ops), &[]), None);
    let key = Key::user(&world.directory.org, &world.person);
    let ended = Person {
        user: domain::User { id: world.person.clone(), active: false, epoch: 7 },
        ..Person::new(world.person.clone())
    };
    world.rows.insert(key, ended.to_item());
    assert_eq!(left(&world, Some(&ops), None, &[]), None, "whoever is out has a new epoch already");
}
