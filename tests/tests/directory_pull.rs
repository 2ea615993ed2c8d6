//! A directory that pushes nothing is asked by the clock, through the real functions: what it lists holds at the next request,
//! and what is not whole changes nothing. One test: there is one place at which the stack looks for Google.
#![cfg(test)]

use std::collections::BTreeMap;

use countersign_tests::support::admin::Person;
use countersign_tests::support::google::{self, Google};
use countersign_tests::support::shell::Shell;
use countersign_tests::support::world::{World, code, refused, text};
use countersign_tests::support::{aws, planted, records, stack, wait};
use serde_json::{Value, json};

/// The platform's log, which holds those of organizations too.
const PLATFORM: &str = "ten_0000000000000000";

/// A connection to Google beside the first one, whose group gives `operator`: by two owners.
fn connection(world: &World, second: &Person, group: &str) -> String {
    let form = json!({
        "idp": "google", "issuer": "https://accounts.google.com", "client_id": "x.apps.googleusercontent.com",
        "hosted_domain": "acme.test",
        "group_roles": [{"group": group, "grant": {"tenant": world.tenant, "role": "operator"}}],
    });
    let connections = format!("/v1/orgs/{}/connections", world.org.id);
    text(&world.owner.by_two(second, &connections, &form), "id")
}

/// As the schedule does.
fn pull() {
    let done = aws::invoke("root", "scim", &json!({"pull_directories": {}})).expect("it runs");
    assert_eq!(done["statusCode"], 200, "{done}");
}

/// People of the organization who came by the directory: whether they are active, by id.
fn people(world: &World) -> BTreeMap<String, bool> {
    let listed = world.owner.get(&format!("/v1/orgs/{}/users", world.org.id));
    let users = listed.json()["items"].as_array().cloned().unwrap_or_else(|| panic!("{listed:?}"));
    let user = |user: &Value| {
        let id = user["id"].as_str()?.to_owned();
        Some((id, user["active"] == true))
    };
    users.iter().filter_map(user).collect()
}

/// Ids of those with the role that the group gives.
fn operators(by: &Person, world: &World) -> Vec<String> {
    let listed = by.get(&world.path("/roles"));
    let roles = listed.json()["items"].as_array().cloned().unwrap_or_else(|| panic!("{listed:?}"));
    let operator = |one: &Value| {
        (one["role"] == "operator").then(|| one["user"].as_str().unwrap_or_default().to_owned())
    };
    roles.iter().filter_map(operator).collect()
}

fn person(name: &str) -> (String, (String, bool)) {
    let email = format!("{name}.{}@acme.test", stack::unique::<6>());
    planted::note(&email);
    (format!("10{}", stack::unique::<8>()), (email, false))
}

/// Keeps an account to ask by: one that two agreed on and that signs, shown to nobody.
fn ask_by_account(world: &World, second: &Person, path: &str, connection: &str) {
    let account = Google::account();
    let set = |body: &Value| world.owner.send("PUT", &format!("{path}/key"), body);
    assert_eq!(code(&set(&account)), refused(400, "invalid_field"), "nobody agreed on it");
    let mut wrong = account.clone();
    wrong["private_key"] = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----".into();
    assert_eq!(code(&set(&wrong)), refused(400, "invalid_field"));
    assert_eq!(world.owner.get(path).json()["asked"], json!(false));
    // As Google's file has it, and with what else is in there.
    let file = stack().home().join("service_account.json");
    let shell = Shell::of(&world.owner);
    let ask = || {
        let file = file.to_str().expect("a path");
        let of = ["--key-file", file, "--admin-email", google::ADMIN, "--org", &world.org.id];
        let said = shell.run(&[["directories", "ask", connection].as_slice(), &of].concat());
        (said.code == Some(0), said.out + &said.err)
    };
    std::fs::write(&file, r#"{"type": "authorized_user"}"#).expect("a file");
    let (did, said) = ask();
    assert!(!did && said.contains("no client_email and private_key"), "{said}");
    let whole = json!({
        "type": "service_account", "project_id": "acme", "private_key_id": "1",
        "private_key": account["private_key"], "client_email": account["client_email"],
    });
    std::fs::write(&file, whole.to_string()).expect("a file");
    let (did, said) = ask();
    assert!(did && said.contains("needs a second person") && said.contains("say this again"), "{said}");
    let changes = shell.did(&["changes", "list", "--org", &world.org.id, "--json"]).out;
    let changes: Value = serde_json::from_str(&changes).expect("JSON");
    let change = changes["items"][0]["id"].as_str().expect("a change");
    assert_eq!(
        changes["items"][0]["body"]["admin_email"],
        json!(google::ADMIN),
        "whoever confirms sees whose"
    );
    Shell::of(second).did(&["changes", "confirm", change, "--org", &world.org.id]);
    assert_eq!(world.owner.get(path).json()["asked"], json!(false));
    for _ in 0..2 {
        let (did, said) = ask();
        assert!(did && said.contains("asked every half hour"), "{said}");
        assert!(!said.contains("PRIVATE KEY") && !said.contains(google::READER), "{said}");
    }
    std::fs::remove_file(&file).expect("it is there");
    let said = shell.did(&["directories", "asked", connection, "--org", &world.org.id]).out;
    assert!(said.contains("asked") && !said.contains("PRIVATE KEY"), "{said}");
    assert_eq!(world.owner.get(path).json()["asked"], json!(true));
    let tokens = path.replace("/directory", "/scim-tokens");
    assert_eq!(
        code(&world.owner.send("POST", &tokens, &json!({}))),
        refused(409, "in_use"),
        "one or the other"
    );
}

/// A page of people that fails, whichever it is: nothing is done of what the others say, which is that everybody is out. A group
/// that cannot be read keeps nobody in.
fn no_part_of_a_listing_counts(world: &World, google: &Google) {
    let now = people(world);
    let all = |suspended: bool| google.now().people.values_mut().for_each(|one| one.1 = suspended);
    all(true);
    for fault in [(1, 500), (2, 503), (3, 403)] {
        google.now().fault = Some(fault);
        pull();
        assert_eq!(people(world), now, "{fault:?}");
    }
    google.now().fault = Some((4, 429));
    pull();
    assert_eq!(people(world).values().filter(|active| **active).count(), now.len() - 3);
    google.now().fault = None;
    all(false);
    pull();
    assert_eq!(people(world), now);
}

/// Waits until so many changes of people, and of groups, are in the organization's log with their outcomes.
fn recorded(world: &World, people: usize, groups: usize) {
    let events = |all: &[records::Record], phase: &str, event: &str| {
        let mine = |record: &records::Record| {
            record.field("org_id") == world.org.id
                && record.field("event_type") == event
                && record.field("phase") == phase
                && record.field("auth_method") == "directory_pull"
                && record.field("actor_type") == "system"
        };
        all.iter().filter(|record| mine(record)).count()
    };
    wait::until("what was done of people and groups to be in the log", || {
        let all = records::all(PLATFORM);
        let users = ["attempt", "outcome"].map(|phase| events(&all, phase, "scim.user"));
        let teams = ["attempt", "outcome"].map(|phase| events(&all, phase, "scim.group"));
        (users == [people; 2] && teams == [groups; 2]).then_some(())
    });
}

#[test]
fn whoever_is_suspended_there_is_out_here() {
    let Some(world) = World::new() else { return };
    let (google, group) = (Google::start(), format!("ops-{}@acme.test", stack::unique::<6>()));
    let second = world.second();
    let connection = connection(&world, &second, &group);
    let path = format!("/v1/orgs/{}/connections/{connection}/directory", world.org.id);
    let before = people(&world);
    ask_by_account(&world, &second, &path, &connection);

    // Five people in pages of two, three of them in the group: the others are nobody here.
    let everybody: Vec<_> = ["dana", "avi", "lea", "kim", "uri"].into_iter().map(person).collect();
    let ids: Vec<String> = everybody.iter().map(|(id, _)| id.clone()).collect();
    google.now().people = everybody.into_iter().collect();
    google.now().groups = [(group.clone(), ids[..3].to_vec())].into();
    pull();
    let came: Vec<String> = people(&world).into_keys().filter(|id| !before.contains_key(id)).collect();
    let mut granted = operators(&world.owner, &world);
    granted.sort();
    assert_eq!((came.len(), &granted), (3, &came));
    no_part_of_a_listing_counts(&world, &google);

    // Dana is suspended, avi leaves the group, lea stays.
    let suspend = |id: &str, suspended: bool| {
        google.now().people.entry(id.to_owned()).and_modify(|one| one.1 = suspended);
    };
    suspend(&ids[0], true);
    google.now().groups.insert(group.clone(), vec![ids[0].clone(), ids[2].clone()]);
    pull();
    let active = || people(&world).into_iter().filter(|(id, active)| came.contains(id) && *active).count();
    let holders = || operators(&world.owner, &world);
    assert_eq!((active(), holders().len()), (2, 2), "a role is no use to whoever is out");
    recorded(&world, 10, 2);

    // Back there: back here, with what the group gives.
    suspend(&ids[0], false);
    pull();
    assert_eq!((active(), holders().len()), (3, 2));

    // Whoever was ended by hand here stays out.
    let hand = holders().pop().expect("somebody");
    let status = format!("/v1/orgs/{}/users/{hand}/status", world.org.id);
    assert_eq!(world.owner.send("PUT", &status, &json!({"status": "suspended"})).status, 200);
    pull();
    assert_eq!(people(&world).get(&hand), Some(&false));

    // Who is listed no more is out. When it is asked no more, everybody stays as they are.
    google.now().people.retain(|id, _| *id == ids[1] || *id == ids[3]);
    pull();
    assert_eq!(active(), 1);
    assert_eq!(world.owner.send("DELETE", &path, &json!({})).status, 204);
    suspend(&ids[1], true);
    pull();
    assert_eq!(active(), 1);
}
