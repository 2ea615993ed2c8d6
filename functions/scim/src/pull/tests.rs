use serde_json::{Value, json};
use tables::standing::link_to;

use super::*;
use domain::{ConnectionId, OrgId, Person as PersonRow};

fn directory(groups: &Value) -> Directory {
    let form = json!({"issuer": "https://accounts.google.com", "group_roles": groups});
    Directory::of(OrgId::from_random([1; 10]), ConnectionId::from_random([2; 10]), &form)
}

#[test]
fn the_clock_s_word_is_no_request() {
    assert_eq!(
        Clock::parse(include_str!("../../../../events/scim/pull_directories.json")),
        Some(Clock::PullDirectories {})
    );
    for event in [
        include_str!("../../../../events/scim/user_created.json"),
        r#"{"pull_directories": {}, "rawPath": "/"}"#,
        r#"{"pull_directories": {"all": true}}"#,
        r#"{"pull": {}}"#,
        "{}",
        "",
    ] {
        assert_eq!(Clock::parse(event), None, "{event}");
    }
}

#[test]
fn whoever_was_ended_by_hand_stays_so() {
    let directory = directory(&json!([]));
    let org = &directory.org;
    let (place, address) =
        (link(org, directory.issuer(), "1"), Key::address(org, address_digest(org, "p@acme.test")));
    let user = UserId::from_random([3; 10]);
    let person = |active: bool| {
        let mut row = PersonRow::new(user.clone());
        row.user.active = active;
        (Key::user(org, &user), row.to_item())
    };
    let linked = || (place.clone(), link_to(&user));
    let closed = |ended: u64| (address.clone(), AddressRow { ended, user: None, via: None }.to_item());
    for (rows, expected) in [
        (vec![], Standing::Unknown),
        (vec![closed(0)], Standing::Unknown),
        (vec![closed(1)], Standing::Ended),
        (vec![linked(), person(true)], Standing::In),
        // Their address was somebody else's before.
        (vec![linked(), person(true), closed(1)], Standing::In),
        (vec![linked(), person(false)], Standing::Ended),
        (vec![linked()], Standing::Ended),
    ] {
        let rows = rows.into_iter().collect();
        assert_eq!(standing(&directory, &rows, &place, &address), Ok(expected), "{rows:?}");
    }
    let broken = [(address.clone(), tables::Item::new())].into();
    assert!(standing(&directory, &broken, &place, &address).is_err(), "what does not read decides nothing");
}

#[test]
fn groups_are_asked_for_by_the_addresses_of_mappings() {
    let grant = json!({"tenant": "ten_0000000000000001", "role": "viewer"});
    let groups: Vec<Value> = ["ops@acme.test", "ops@acme.test", "Ops", "a/../b@acme.test", "b@acme.test?x"]
        .iter()
        .map(|name| json!({"group": name, "grant": grant}))
        .collect();
    assert_eq!(directory(&groups.into()).group_addresses(), BTreeSet::from(["ops@acme.test".to_owned()]));
}
