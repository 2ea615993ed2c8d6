//! What a request of SCIM asks of the tables, for directories of 1,000 and 100,000 people: prints JSON. `make bench FILE=scim`.
//!
//! The tables are in memory and count; everything else is the real function, from the event to the answer. So the figures are
//! exact and the same on every machine: calls, and units as DynamoDB bills them, who pushes included (`known`). Whoever is
//! pushed has a name, an external id and an address, and is in one group.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a measurement for whoever runs it"
)]

#[expect(dead_code, reason = "faults are for tests")]
#[path = "../tests/memory/mod.rs"]
mod memory;

use std::slice::from_ref;

use memory::Cost;
use memory::directory::{Asked, GROUP, USER, World};
use serde_json::{Map, Value, json};

const DIRECTORIES: [(usize, &str); 2] = [(1_000, "1k"), (100_000, "100k")];
/// Of the groups whose members come and go; a smaller directory's hold everybody else.
const MEMBERS: usize = 50_000;
/// Members of one request that fills a group.
const AT_ONCE: usize = 5_000;
/// Resources of a page.
const COUNT: usize = 100;

fn main() {
    let mut figures = Map::new();
    for (people, named) in DIRECTORIES {
        for (operation, cost) in measured(people) {
            let all = [
                ("read_calls", cost.reads),
                ("read_units", cost.read_units),
                ("rows_written", cost.rows_written),
                ("write_units", cost.write_units),
            ];
            figures.extend(all.map(|(what, count)| (format!("{operation}_{named}_{what}"), count.into())));
        }
    }
    println!("{}", Value::Object(figures));
}

fn person(number: usize) -> Value {
    let mail = format!("person.{number}@acme.test");
    json!({
        "schemas": [USER], "userName": mail, "externalId": format!("00u{number:017}"), "active": true,
        "name": {"givenName": "Dana", "familyName": format!("Levi {number}")}, "displayName": format!("Dana Levi {number}"),
        "title": "Engineer", "emails": [{"value": mail, "type": "work", "primary": true}],
    })
}

fn member(op: &str, ids: &[String]) -> Value {
    let members: Vec<Value> = ids.iter().map(|id| json!({"value": id})).collect();
    json!([{"op": op, "path": "members", "value": members}])
}

/// A group of all but the last, as it is filled by requests.
fn filled(world: &World, name: &str, ids: &[String]) -> String {
    let made = Asked::new("POST", "/Groups", json!({"schemas": [GROUP], "displayName": name}));
    let path = format!("/Groups/{}", world.made(&made));
    let others = ids.split_last().map_or(ids, |(_, others)| others);
    for some in others.get(..MEMBERS).unwrap_or(others).chunks(AT_ONCE) {
        asked(world, &Asked::patch(&path, member("add", some)));
    }
    path
}

/// What one request asks for, which must succeed.
fn asked(world: &World, request: &Asked) -> Cost {
    let _ = world.desk().cost();
    let answer = world.ask(request);
    assert!(answer.status < 300, "{request:?}: {answer:?}");
    world.desk().forget_log();
    world.desk().cost()
}

fn measured(people: usize) -> Vec<(&'static str, Cost)> {
    let world = World::new();
    let create = |number: usize| {
        let id = world.made(&Asked::new("POST", "/Users", person(number)));
        world.desk().forget_log();
        id
    };
    let ids: Vec<String> = (0..people).map(create).collect();
    let (Some(first), Some(last)) = (ids.first(), ids.last()) else { panic!("there is nobody") };
    let staff = filled(&world, "Staff", &ids);
    let first = format!("/Users/{first}");
    let list = |more: &str| Asked::get(format!("/Users?count={COUNT}{more}"));
    let deep = format!("&startIndex={}", people - COUNT);
    let cursor = format!("&cursor={}", half_way(&world, people));
    let active =
        |active: bool| Asked::patch(&first, json!([{"op": "replace", "path": "active", "value": active}]));
    let filter = format!("/Users?filter=userName%20eq%20%22person.{}%40acme.test%22", people / 2);
    let (join, leave) = (member("add", from_ref(last)), member("remove", from_ref(last)));
    let mut costs: Vec<(&'static str, Cost)> = [
        ("known", Asked::get("/ServiceProviderConfig")),
        ("get", Asked::get(&first)),
        ("filter", Asked::get(filter)),
        ("list_first", list("&startIndex=1")),
        ("list_deep", list(&deep)),
        ("list_cursor", list(&cursor)),
        ("list_first_bare", list("&startIndex=1&excludedAttributes=groups")),
        ("list_deep_bare", list(&format!("{deep}&excludedAttributes=groups"))),
        ("list_cursor_bare", list(&format!("{cursor}&excludedAttributes=groups"))),
        ("create", Asked::new("POST", "/Users", person(people))),
        ("deactivate", active(false)),
        ("reactivate", active(true)),
        ("add_member", Asked::patch(&staff, join.clone())),
        ("remove_member", Asked::patch(&staff, leave.clone())),
    ]
    .into_iter()
    .map(|(name, request)| (name, asked(&world, &request)))
    .collect();
    // The same, where it gives a role.
    let ops = filled(&world, "Ops", &ids);
    costs.push(("add_member_with_role", asked(&world, &Asked::patch(&ops, join))));
    costs.push(("remove_member_with_role", asked(&world, &Asked::patch(&ops, leave))));
    costs
}

/// A cursor behind half of everybody.
fn half_way(world: &World, people: usize) -> String {
    let mut cursor = String::new();
    for _ in 0..(people / 2).div_ceil(200) {
        let asked = Asked::get(format!("/Users?count=200&excludedAttributes=groups&cursor={cursor}"));
        let answer = world.ask(&asked);
        cursor = answer.body.get("nextCursor").and_then(Value::as_str).unwrap_or_default().to_owned();
        assert!(!cursor.is_empty(), "there are more");
    }
    cursor
}
