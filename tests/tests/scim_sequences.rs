//! What each identity provider sends in the life of one of its users, against the real function: `events/scim/sequences/`. Each
//! says where it is from, and what of it is made up. Beside the answers: who is in, and what they may.
#![cfg(test)]

use std::collections::BTreeMap;
use std::path::Path;

use countersign_tests::support::admin::{Org, Person};
use countersign_tests::support::directory::{Directory, user};
use countersign_tests::support::http::Answer;
use countersign_tests::support::world::{World, text};
use countersign_tests::support::{planted, stack::unique};
use serde::Deserialize;
use serde_json::{Value, json};

/// In the files: `{mail}` and `{subject}` are how the provider calls the one who signs in, `{other_mail}` is another's address,
/// `{new_mail}` one that nobody has yet; what `keep` names is there from then on.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sequence {
    provider: String,
    source: String,
    /// What of it no source shows.
    synthetic: String,
    user_agent: Option<String>,
    steps: Vec<Step>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    does: String,
    /// Method and path below the connection, with blanks, quotes and brackets as they are or escaped.
    send: Option<String>,
    body: Option<Value>,
    #[serde(default)]
    status: u16,
    /// What the answer holds; null is what it does not hold.
    answer: Option<Value>,
    /// Parts of the answer by their pointer, under a name.
    #[serde(default)]
    keep: BTreeMap<String, String>,
    /// What is found at a path afterwards; null: nothing.
    #[serde(default)]
    state: BTreeMap<String, Option<Value>>,
    access: Option<Access>,
}

/// Of the user, by every session that they have had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Access {
    /// In, with the role that the group `Ops` gives.
    Role,
    /// In, without a role.
    In,
    Out,
}

/// A directory of its own, whose tokens name no group: roles come by what is pushed.
struct Replay {
    world: World,
    org: Org,
    directory: Directory,
    names: BTreeMap<String, String>,
    /// Sessions that are good, and those that ended.
    live: Vec<Person>,
    over: Vec<Person>,
    /// What they had last.
    had: Option<Access>,
}

fn event(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../events/scim").join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Whether `is` holds what is expected of it.
fn holds(is: &Value, expected: &Value) -> bool {
    match (is, expected) {
        (Value::Object(is), Value::Object(expected)) => {
            expected.iter().all(|(name, expected)| holds(is.get(name).unwrap_or(&Value::Null), expected))
        }
        (Value::Array(is), Value::Array(expected)) => {
            is.len() == expected.len() && is.iter().zip(expected).all(|(is, expected)| holds(is, expected))
        }
        (is, expected) => is == expected,
    }
}

fn body_of(answer: &Answer) -> Value {
    if answer.body.is_empty() { Value::Null } else { answer.json() }
}

impl Replay {
    fn new() -> Option<Self> {
        let world = World::new()?;
        let noa = world.second();
        let grant = json!({"tenant": world.tenant, "role": "developer"});
        let org = world.org.beside_in(&world.owner, &noa, &grant, &json!([]));
        let directory = Directory::of(&world, &org.connection);
        let mail = || format!("{}@acme.test", unique::<8>());
        let names = BTreeMap::from([
            ("mail".to_owned(), org.email("dana").to_owned()),
            ("subject".to_owned(), "dana".to_owned()),
            ("other_mail".to_owned(), mail()),
            ("new_mail".to_owned(), mail()),
        ]);
        names.values().filter(|name| name.contains('@')).for_each(|name| planted::note(name));
        Some(Self { world, org, directory, names, live: Vec::new(), over: Vec::new(), had: None })
    }

    fn filled(&self, text: &str) -> String {
        let fill =
            |text: String, (name, value): (&String, &String)| text.replace(&format!("{{{name}}}"), value);
        self.names.iter().fold(text.to_owned(), fill)
    }

    /// Every text of it, however deep.
    fn filled_in(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.filled(text)),
            Value::Array(list) => list.iter().map(|one| self.filled_in(one)).collect(),
            Value::Object(map) => map.iter().map(|(key, one)| (key.clone(), self.filled_in(one))).collect(),
            plain => plain.clone(),
        }
    }

    fn send(&self, line: &str, body: Option<&Value>, agent: Option<&str>) -> Answer {
        let (method, path) = line.split_once(' ').expect("method and path");
        let methods = ["GET", "POST", "PUT", "PATCH", "DELETE"];
        let method = methods.into_iter().find(|one| *one == method).expect("a method");
        let escaped = [(" ", "%20"), ("\"", "%22"), ("[", "%5B"), ("]", "%5D")];
        let path = escaped.iter().fold(self.filled(path), |path, (from, to)| path.replace(from, to));
        let mut request = self.directory.request(method, &path);
        if let Some(agent) = agent {
            request = request.with("user-agent", agent.to_owned());
        }
        if let Some(body) = body {
            let body = self.filled_in(body).to_string();
            request = request.with("content-type", "application/scim+json").body(body);
        }
        request.send()
    }

    fn step(&mut self, step: &Step, agent: Option<&str>) {
        let does = step.does.as_str();
        if let Some(line) = &step.send {
            let answer = self.send(line, step.body.as_ref(), agent);
            assert_eq!(answer.status, step.status, "{does}: {answer:?}");
            for (name, at) in &step.keep {
                let part = answer.json().pointer(at).and_then(|part| part.as_str().map(str::to_owned));
                self.names
                    .insert(name.clone(), part.unwrap_or_else(|| panic!("{does}: no {at}: {answer:?}")));
            }
            if let Some(expected) = &step.answer {
                let expected = self.filled_in(expected);
                assert!(holds(&body_of(&answer), &expected), "{does}: {answer:?} is not {expected}");
            }
        }
        for (path, expected) in &step.state {
            let found = self.directory.get(&self.filled(path));
            match expected.as_ref().map(|expected| self.filled_in(expected)) {
                None => assert_eq!(found.status, 404, "{does}: {found:?}"),
                Some(expected) => {
                    assert_eq!(found.status, 200, "{does}: {found:?}");
                    assert!(holds(&found.json(), &expected), "{does}: {found:?} is not {expected}");
                }
            }
        }
        if let Some(access) = step.access {
            self.access(access);
        }
    }

    fn access(&mut self, access: Access) {
        let id = self.filled("{user}");
        let row = self.world.owner.get(&format!("/v1/orgs/{}/users/{id}", self.world.org.id));
        assert_eq!((row.status, &row.json()["active"]), (200, &json!(access != Access::Out)), "{row:?}");
        // With the last group that gave anything ends what was begun.
        if access == Access::In && self.had == Some(Access::Role) {
            self.over.append(&mut self.live);
        }
        self.had = Some(access);
        if access == Access::Out {
            self.over.append(&mut self.live);
            let refused = self.org.sign_in("dana").expect_err("nobody who is out signs in");
            assert_eq!(refused.status, 403, "{refused:?}");
        } else {
            let person = self.org.sign_in("dana").unwrap_or_else(|answer| panic!("let in: {answer:?}"));
            assert_eq!(person.user, id, "one person, one row");
            self.live.push(person);
        }
        // What there was before follows at once, and what ended stays so.
        let agents = |person: &Person| person.get(&self.world.path("/agents")).status;
        let expected = if access == Access::Role { 200 } else { 404 };
        for person in &self.live {
            assert_eq!(agents(person), expected, "{access:?}");
        }
        for person in &self.over {
            assert_eq!(agents(person), 401, "{access:?}");
        }
    }
}

fn replay(name: &str) {
    let sequence: Sequence = serde_json::from_str(&event(&format!("sequences/{name}.json"))).expect(name);
    assert!(sequence.source.starts_with("https://") && !sequence.synthetic.is_empty(), "{name}");
    let accesses: Vec<Access> = sequence.steps.iter().filter_map(|step| step.access).collect();
    let in_first = accesses.iter().position(|one| *one != Access::Out);
    assert!(in_first < accesses.iter().rposition(|one| *one == Access::Out), "{name}: nobody is put out");
    let Some(mut replay) = Replay::new() else { return };
    for (at, step) in sequence.steps.iter().enumerate() {
        println!("{}: {}. {}", sequence.provider, at + 1, step.does);
        replay.step(step, sequence.user_agent.as_deref());
    }
}

#[test]
fn okta_by_changes() {
    replay("okta_patch");
}

#[test]
fn okta_by_the_whole() {
    replay("okta_put");
}

#[test]
fn entra_as_it_is() {
    replay("entra");
}

#[test]
fn entra_with_its_flag() {
    replay("entra_flag");
}

#[test]
fn google_workspace() {
    replay("google");
}

#[test]
fn one_login() {
    replay("onelogin");
}

#[test]
fn jump_cloud() {
    replay("jumpcloud");
}

#[test]
fn ping_one_and_ping_federate() {
    replay("ping");
}

#[test]
fn rippling_with_groups() {
    replay("rippling");
}

#[test]
fn keycloak_by_keycloak_scim() {
    replay("keycloak");
}

#[test]
fn keycloak_by_scim_for_keycloak() {
    replay("keycloak_sdk");
}

#[test]
fn rauthy_as_client() {
    replay("rauthy");
}

#[test]
fn authentik_as_client() {
    replay("authentik");
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Refusals {
    #[serde(rename = "what")]
    _what: String,
    of_user: Vec<Refusal>,
    of_group: Vec<Refusal>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Refusal {
    body: Option<Value>,
    operations: Option<Value>,
    #[serde(rename = "why")]
    _why: Option<String>,
    #[serde(rename = "scimType")]
    scim_type: String,
}

/// A world with a user, another and a group of the first.
fn peopled() -> Option<Replay> {
    let mut replay = Replay::new()?;
    for (name, mail, external) in [("user", "{mail}", "dana"), ("other", "{other_mail}", "other")] {
        let body = user(&json!({
            "userName": mail, "externalId": external, "title": "Engineer",
            "emails": [{"value": mail, "type": "work", "primary": true}],
        }));
        let made = replay.send("POST /Users", Some(&body), None);
        replay.names.insert(name.to_owned(), text(&made, "id"));
    }
    let group = replay.directory.group("Ops", &[&replay.filled("{user}")]);
    replay.names.insert("group".to_owned(), group);
    Some(replay)
}

#[test]
fn changes_that_are_not_understood_are_refused_and_do_nothing() {
    let refusals: Refusals = serde_json::from_str(&event("refused_patches.json")).expect("a table");
    assert!(refusals.of_user.len() >= 40 && refusals.of_group.len() >= 18);
    let Some(replay) = peopled() else { return };
    for (path, refusals) in [("/Users/{user}", refusals.of_user), ("/Groups/{group}", refusals.of_group)] {
        let seen = replay.directory.get(&replay.filled(path));
        assert_eq!(seen.status, 200, "{seen:?}");
        for refusal in refusals {
            let wrapped = |operations| json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations});
            let body =
                refusal.body.clone().or_else(|| refusal.operations.clone().map(wrapped)).expect("a body");
            let answer = replay.send(&format!("PATCH {path}"), Some(&body), None);
            let (status, scim_type) = (answer.status, answer.json()["scimType"].clone());
            assert_eq!((status, scim_type), (400, json!(refusal.scim_type)), "{body}: {answer:?}");
            assert_eq!(replay.directory.get(&replay.filled(path)).json(), seen.json(), "{body}");
        }
    }
}

/// A mapping that is wrong must let nobody stay: access goes, nothing else is done, and the answer is the error.
#[test]
fn whoever_is_to_leave_leaves_by_a_request_that_is_refused() {
    for (line, body) in [
        (
            "PATCH /Users/{user}",
            json!({"Operations": [
                {"op": "Replace", "path": "title", "value": "T"}, {"op": "Replace", "path": "active", "value": "False"},
                {"op": "Replace", "path": "shoeSize", "value": "44"}]}),
        ),
        (
            "PATCH /Users/{user}",
            json!({"Operations": [{"op": "replace", "value": "{\"active\":false,\"shoeSize\":44}"}]}),
        ),
        ("PUT /Users/{user}", json!({"userName": "{mail}", "active": false, "shoeSize": 44})),
    ] {
        let Some(mut replay) = peopled() else { return };
        replay.access(Access::Role);
        let answer = replay.send(line, Some(&body), None);
        assert_eq!(answer.status, 400, "{answer:?}");
        replay.access(Access::Out);
        let kept = json!({"active": false, "title": "Engineer", "groups": [{"display": "Ops"}]});
        let seen = replay.directory.get(&replay.filled("/Users/{user}"));
        assert!(holds(&seen.json(), &kept), "{seen:?}");
    }
}
