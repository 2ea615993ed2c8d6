use super::*;
use domain::{Opaque, Region};
use std::collections::HashMap;

struct World {
    org: OrgId,
    user: UserId,
    tenant: TenantId,
    connection: ConnectionId,
    rows: HashMap<Key, Item>,
}

fn world() -> World {
    let (org, user) = (OrgId::from_random([1; 10]), UserId::from_random([2; 10]));
    let (tenant, connection) = (TenantId::from_random([3; 10]), ConnectionId::from_random([4; 10]));
    let mut person = Person::new(user.clone());
    person.note(&Opaque::of(&["address"]));
    let of = Tenant {
        id: tenant.clone(),
        org: org.clone(),
        region: Region::Eu,
        status: domain::Lifecycle::Active,
        networks: None,
    };
    let rows = [(Key::user(&org, &user), person.to_item()), (Key::tenant(&tenant), of.to_item())];
    World { org, user, tenant, connection, rows: rows.into() }
}

impl World {
    fn follow(&mut self, want: Option<Role>) {
        let follower = Follower { org: &self.org, user: &self.user, connection: &self.connection };
        let wanted = want.map(|role| (self.tenant.clone(), role)).into_iter().collect();
        let mut staged = Staged::over(&self.rows);
        follower.follow(&mut staged, &[self.tenant.clone()].into(), &wanted, true).unwrap();
        let changes = staged.changes;
        for (key, new) in changes {
            match new {
                Some(new) => self.rows.insert(key, new),
                None => self.rows.remove(&key),
            };
        }
    }

    fn role(&self) -> Option<Role> {
        self.rows.get(&Key::binding(&self.tenant, &self.user)).map(|item| Role::from_item(item).unwrap())
    }

    fn owns(&self) -> (bool, bool) {
        let person = Person::from_item(&self.rows[&Key::user(&self.org, &self.user)]).unwrap();
        let owners = self.rows.get(&Key::owners(&self.tenant));
        let owners = owners.map(|item| OwnersRow::from_item(item).unwrap()).unwrap_or_default();
        (person.owns.contains(&self.tenant), owners.0.contains(&self.user))
    }
}

#[test]
fn a_role_follows_the_groups_and_an_owners_row_follows_it() {
    let mut world = world();
    for want in [Some(Role::Viewer), Some(Role::Owner), Some(Role::Admin), Some(Role::Owner), None] {
        world.follow(want);
        assert_eq!(world.role(), want);
        let owns = want == Some(Role::Owner);
        assert_eq!(world.owns(), (owns, owns), "{want:?}");
    }
}

#[test]
fn a_role_that_a_person_gave_stays() {
    let mut world = world();
    world.rows.insert(Key::binding(&world.tenant, &world.user), Role::Developer.to_item());
    for want in [Some(Role::Owner), Some(Role::Viewer), None] {
        world.follow(want);
        assert_eq!(world.role(), Some(Role::Developer));
    }
}

#[test]
fn another_organizations_tenant_is_out_of_reach() {
    let mut world = world();
    world.org = OrgId::from_random([9; 10]);
    let person = Person::new(world.user.clone()).to_item();
    world.rows.insert(Key::user(&world.org, &world.user), person);
    world.follow(Some(Role::Owner));
    assert_eq!(world.role(), None);
}

#[test]
fn whoever_is_ended_loses_their_epoch_and_their_addresses_for_good() {
    let world = world();
    let mut staged = Staged::over(&world.rows);
    staged.turn(&world.org, &world.user, false).unwrap();
    let key = Key::user(&world.org, &world.user);
    let ended = staged.find::<Person>(&key).unwrap().unwrap();
    assert_eq!((ended.user.active, ended.user.epoch), (false, 2));
    let address = Key::address(&world.org, Opaque::of(&["address"]));
    assert_eq!(
        staged.find::<AddressRow>(&address),
        Ok(Some(AddressRow { ended: 1, ..AddressRow::default() }))
    );
    staged.turn(&world.org, &world.user, true).unwrap();
    let again = staged.find::<Person>(&key).unwrap().unwrap();
    assert_eq!((again.user.active, again.user.epoch), (true, 2));
    assert_eq!(staged.find::<AddressRow>(&address), Ok(Some(AddressRow::default())));
}

#[test]
fn of_two_groups_the_one_that_may_more_counts() {
    let tenant = TenantId::from_random([3; 10]);
    let of = |roles: &[Role]| highest(roles.iter().map(|role| (tenant.clone(), *role)))[&tenant];
    assert_eq!(of(&[Role::Viewer, Role::Admin, Role::Member]), Role::Admin);
    assert_eq!(of(&[Role::Owner, Role::Admin]), Role::Owner);
}

/// A connection that gives `role` to some group, or another one.
fn giving(world: &World, id: &ConnectionId, role: Role) -> (Key, Item) {
    let grant = format!(
        r#"{{"group_roles":[{{"group":"g","grant":{{"tenant":"{}","role":"{role}"}}}}]}}"#,
        world.tenant
    );
    let row = ConnectionRow {
        id: id.clone(),
        org: world.org.clone(),
        status: domain::Lifecycle::Active,
        document: grant,
        secret: None,
    };
    (Key::connection(id), row.to_item())
}

#[test]
fn a_role_counts_through_the_connection_whose_groups_gave_it_as_long_as_it_does() {
    let mut world = world();
    let other = ConnectionId::from_random([5; 10]);
    let mine = world.connection.clone();
    let held =
        |world: &World, through| role_through(&world.rows, &world.tenant, &world.user, through).unwrap();
    assert_eq!(held(&world, &mine), None, "nobody gave one");
    world.follow(Some(Role::Admin));
    assert_eq!(held(&world, &mine), None, "the connection is not there");
    let rows = [giving(&world, &mine, Role::Admin), giving(&world, &other, Role::Admin)];
    world.rows.extend(rows);
    assert_eq!(held(&world, &mine), Some(Role::Admin));
    assert_eq!(held(&world, &other), None, "another connection's groups give it too, and did not");
    let lowered = giving(&world, &mine, Role::Viewer);
    world.rows.extend([lowered]);
    assert_eq!(held(&world, &mine), None, "a mapping that was lowered");
    world.rows.insert(Key::binding(&world.tenant, &world.user), Role::Developer.to_item());
    for through in [&mine, &other] {
        assert_eq!(held(&world, through), Some(Role::Developer), "whatever people gave");
    }
}
