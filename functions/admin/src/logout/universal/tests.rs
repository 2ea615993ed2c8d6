use std::collections::BTreeSet;

use tables::standing::link_to;

use super::*;
use crate::sso::testing::{connection_of, sample};

fn user(byte: u8) -> UserId {
    UserId::from_random([byte; 10])
}

fn pushed(users: &[u8]) -> tables::Item {
    let ids: BTreeSet<String> = users.iter().map(|byte| user(*byte).to_string()).collect();
    FoundRow(ids).to_item()
}

fn address(of: Option<u8>) -> tables::Item {
    AddressRow { user: of.map(user), ..AddressRow::default() }.to_item()
}

/// Where each row of a world lies: by identity, by external id, by name, by mail, by address.
struct World {
    org: OrgId,
    connection: Connection,
}

impl World {
    fn new() -> Self {
        Self { org: OrgId::from_random([1; 10]), connection: connection_of(&sample("okta").connection) }
    }

    fn places(&self) -> Vec<(Key, Reach)> {
        let identity = Some((self.connection.issuer(), "00u1"));
        let named = Named { identity, external: Some("00u1"), email: Some("Dana@acme.test") };
        places(&self.org, &self.connection, &named)
    }

    /// Whom rows at these places name.
    fn named(&self, rows: Vec<(usize, tables::Item)>) -> Result<(UserId, Reach), Why> {
        let places = self.places();
        let rows = rows.into_iter().map(|(at, item)| (places[at].0.clone(), item)).collect();
        person(&places, &rows)
    }
}

#[test]
fn the_provider_s_own_word_ends_everything_and_an_address_what_came_by_it() {
    let world = World::new();
    let all = |byte| Ok((user(byte), Reach::All));
    for (rows, named) in [
        (vec![(0, link_to(&user(1)))], all(1)),
        (vec![(1, pushed(&[2]))], all(2)),
        (vec![(2, pushed(&[3]))], all(3)),
        (vec![(3, pushed(&[4]))], all(4)),
        (vec![(4, address(Some(5)))], Ok((user(5), Reach::Here))),
        // The most certain counts.
        (vec![(0, link_to(&user(1))), (1, pushed(&[2, 3])), (4, address(Some(5)))], all(1)),
        (vec![(2, pushed(&[3])), (3, pushed(&[4, 5]))], all(3)),
        (vec![(1, pushed(&[])), (4, address(Some(5)))], Ok((user(5), Reach::Here))),
        (vec![], Err(Why::UniversalUnknown)),
        (vec![(4, address(None))], Err(Why::UniversalUnknown)),
        (vec![(3, pushed(&[]))], Err(Why::UniversalUnknown)),
        // Of two nobody is taken for the other.
        (vec![(3, pushed(&[4, 5])), (4, address(Some(5)))], Err(Why::UniversalUnnamed)),
        (vec![(1, FoundRow(["no id".to_owned()].into()).to_item())], Err(Why::FactsUnavailable)),
        (vec![(1, address(None))], Err(Why::FactsUnavailable)),
    ] {
        assert_eq!(world.named(rows.clone()), named, "{rows:?}");
    }
}

#[test]
fn each_connection_looks_among_its_own() {
    let (mine, mut form) = (World::new(), sample("okta").connection);
    form["id"] = "con_zzzzzzzzzzzzzzzz".into();
    let other = World { connection: connection_of(&form), ..World::new() };
    let (mine, theirs) = (mine.places(), other.places());
    let same: Vec<usize> = (0..mine.len()).filter(|at| mine[*at].0 == theirs[*at].0).collect();
    // One issuer's subject and a verified address are an organization's; what a directory pushed is its connection's.
    assert_eq!(same, [0, 4]);
    let elsewhere = World { org: OrgId::from_random([9; 10]), ..World::new() }.places();
    assert!(mine[0].0 != elsewhere[0].0 && mine[4].0 != elsewhere[4].0);
}

#[test]
fn a_token_is_used_on_its_issuer_alone_and_is_for_one_address() {
    let asker = |issuer: &str, jti: &str| Asker { issuer: issuer.to_owned(), jti: jti.to_owned() };
    let one = used(&asker("https://a.test", "one"));
    assert_eq!(one, used(&asker("https://a.test", "one")));
    assert!(one != used(&asker("https://a.test", "two")) && one != used(&asker("https://b.test", "one")));
    let id: ConnectionId = "con_0123456789abcdef".parse().unwrap();
    assert_eq!(
        endpoint("https://admin.acme.test", &id),
        "https://admin.acme.test/v1/sso/con_0123456789abcdef/universal-logout"
    );
}
