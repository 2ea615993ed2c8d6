//! A directory ends people while their calls stream by, and changes what others change, through the real functions. After
//! whoever is ended was answered for, no call of theirs that begins is let in.
#![cfg(test)]

use std::thread;
use std::time::Duration;

use countersign_tests::support::admin::Person;
use countersign_tests::support::admissions::{self, Door, Tally, Told};
use countersign_tests::support::directory::{GROUP, PATCH, user};
use countersign_tests::support::http::{Answer, Request, send_all};
use countersign_tests::support::pushed::Pushed;
use countersign_tests::support::stack::{stack, unique};
use countersign_tests::support::world::{code, models, refused, text};
use countersign_tests::support::{aws, bench, wait};
use serde_json::{Value, json};

/// Rounds of each of two people who are deactivated, of one who is deleted, and of one who is taken out of their group.
/// Each moment of the ten that an end falls into comes once or twice: more says no more than another run does.
const DEACTIVATED: u32 = 20;
const DELETED: u32 = 10;
const MOVED: u32 = 10;
const ROUNDS: u32 = 2 * DEACTIVATED + DELETED + MOVED;

/// What somebody presents: a session, and a gateway key of their own.
struct Presents {
    person: Person,
    key: String,
}

impl Presents {
    fn of(pushed: &Pushed, name: &str, agent: &str) -> Self {
        let person = pushed.org.sign_in(name).unwrap_or_else(|answer| panic!("{name} is in: {answer:?}"));
        let body = json!({"agent": agent, "actions": ["models.list", "dlp.detect"]});
        let made = person.send("POST", &pushed.world.path("/keys/own"), &body);
        assert_eq!(made.status, 201, "{made:?}");
        Self { key: text(&made, "gateway_key"), person }
    }

    fn detect(&self) -> Answer {
        Request::new("POST", stack().dlp("/v1/detect"))
            .with("authorization", format!("Bearer {}", self.key))
            .with("content-type", "application/json")
            .body(r#"{"text":"nothing to find"}"#)
            .send()
    }

    /// What of it is still good: nothing, after an end.
    fn good(&self, pushed: &Pushed) -> Vec<Answer> {
        let agents = pushed.world.path("/agents");
        let doors: [&dyn Fn() -> Answer; 4] =
            [&|| models(&self.key), &|| self.detect(), &|| self.person.get("/v1/session"), &|| {
                self.person.get(&agents)
            }];
        // What does not work just now says nothing.
        let tells = |answer: &Answer| Told::by(answer) != Told::Neither;
        let all = doors.map(|door| wait::until("a word of the door", || Some(door()).filter(tells)));
        all.into_iter().filter(|answer| Told::by(answer) != Told::Refused).collect()
    }

    /// Calls of the gateway, of DLP and of the management API, as they stream by while `end` is asked for.
    fn streamed(&self, pushed: &Pushed, round: u32, end: impl FnOnce()) -> Vec<Tally> {
        let agents = pushed.world.path("/agents");
        let gateway = || Told::by(&models(&self.key));
        let dlp = || Told::by(&self.detect());
        let session = || Told::by(&self.person.get("/v1/session"));
        let admin = || Told::by(&self.person.get(&agents));
        raced(&[&gateway, &dlp, &session, &admin], round, end)
    }
}

/// The end falls into another moment of the calls in each round. A stream that was not let in before, or was not refused after,
/// would show nothing.
fn raced(doors: &[Door<'_>], round: u32, end: impl FnOnce()) -> Vec<Tally> {
    let tallies = admissions::race(doors, Duration::from_millis(u64::from(round % 10) * 5), end);
    for (door, tally) in tallies.iter().enumerate() {
        assert!(tally.before > 0 && tally.refused > 0, "round {round}, door {door}: {tally:?}");
    }
    tallies
}

/// Deactivated while they call, let in again, and nothing of before comes along.
fn deactivated(pushed: &Pushed, name: &str, team: &str, agent: &str) -> Vec<Tally> {
    let id = pushed.push(name);
    assert_eq!(pushed.directory.member("Add", team, &id).status, 204);
    let mut tallies = Vec::new();
    let mut past: Vec<Presents> = Vec::new();
    for round in 0..DEACTIVATED {
        let presents = Presents::of(pushed, name, agent);
        assert_eq!(presents.person.user, id);
        let end = || assert_eq!(pushed.directory.active(&id, false).status, 200);
        tallies.extend(presents.streamed(pushed, round, end));
        past.push(presents);
        assert_eq!(pushed.directory.active(&id, true).status, 200);
        // Of all that was, the newest and what was drawn from before.
        let older = past.get(usize::try_from(round).unwrap() / 2);
        for old in past.last().into_iter().chain(older) {
            let good = old.good(pushed);
            assert!(good.is_empty(), "round {round}: they are back, and so is what is over: {good:?}");
        }
    }
    tallies
}

/// Deleted while they call, and pushed again: somebody new.
fn deleted(pushed: &Pushed, name: &str, team: &str, agent: &str) -> Vec<Tally> {
    let mut tallies = Vec::new();
    let mut last: Option<Presents> = None;
    for round in 0..DELETED {
        let id = pushed.push(name);
        assert_eq!(pushed.directory.member("Add", team, &id).status, 204);
        let presents = Presents::of(pushed, name, agent);
        assert_eq!(presents.person.user, id, "somebody new");
        if let Some(last) = &last {
            assert_ne!(last.person.user, id);
            assert!(last.good(pushed).is_empty(), "round {round}: what was another's is over");
        }
        let place = format!("/Users/{id}");
        let end = || assert_eq!(pushed.directory.send("DELETE", &place, &json!({})).status, 204);
        tallies.extend(presents.streamed(pushed, round, end));
        last = Some(presents);
    }
    tallies
}

/// Taken out of the group that gives the role, while they call.
fn moved(pushed: &Pushed, name: &str, team: &str, agent: &str) -> Vec<Tally> {
    let id = pushed.push(name);
    let mut tallies = Vec::new();
    for round in 0..MOVED {
        assert_eq!(pushed.directory.member("Add", team, &id).status, 204);
        let presents = Presents::of(pushed, name, agent);
        let end = || assert_eq!(pushed.directory.member("Remove", team, &id).status, 204);
        tallies.extend(presents.streamed(pushed, round, end));
        let good = presents.good(pushed);
        assert!(good.is_empty(), "round {round}: with the last group ends what was begun: {good:?}");
    }
    tallies
}

/// An agent of somebody who stays: those of leavers are suspended.
fn agent_of_a_keeper(pushed: &Pushed, team: &str) -> String {
    let id = pushed.push("noa");
    assert_eq!(pushed.directory.member("Add", team, &id).status, 204);
    let noa = pushed.org.sign_in("noa").unwrap_or_else(|answer| panic!("noa is in: {answer:?}"));
    pushed.world.agent(&noa)
}

#[test]
fn no_call_that_begins_after_the_end_was_answered_is_let_in() {
    let (Some(one), Some(other)) = (Pushed::new(), Pushed::new()) else { return };
    let (ops, others) = (one.directory.group("Ops", &[]), other.directory.group("Ops", &[]));
    let (agent, another) = (agent_of_a_keeper(&one, &ops), agent_of_a_keeper(&other, &others));
    let tallies: Vec<Tally> = thread::scope(|scope| {
        let lanes = [
            scope.spawn(|| deactivated(&one, "dana", &ops, &agent)),
            scope.spawn(|| deactivated(&one, "stranger", &ops, &agent)),
            scope.spawn(|| deleted(&other, "dana", &others, &another)),
            scope.spawn(|| moved(&other, "stranger", &others, &another)),
        ];
        lanes.into_iter().flat_map(|lane| lane.join().expect("every round was run")).collect()
    });
    assert_eq!(tallies.len(), usize::try_from(4 * ROUNDS).unwrap());
    let sum = |count: fn(&Tally) -> usize| tallies.iter().map(count).sum::<usize>() as u64;
    let (late, calls) = (sum(|one| one.late), sum(|one| one.calls));
    println!("{ROUNDS} rounds, {calls} calls, {} refused afterwards, {late} let in", sum(|one| one.refused));
    let figures = [("let_in_after_2xx", late), ("rounds", u64::from(ROUNDS)), ("race_calls", calls)];
    bench::keep("scim", &figures);
    assert_eq!(late, 0);
}

fn patch(pushed: &Pushed, id: &str, operations: &Value) -> Request {
    let body = json!({"schemas": [PATCH], "Operations": operations});
    let request = pushed.directory.request("PATCH", id).with("content-type", "application/scim+json");
    request.body(body.to_string())
}

fn statuses(answers: &[Answer]) -> Vec<u16> {
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    statuses
}

fn version(answer: &Answer) -> u64 {
    let tag = answer.header("etag").unwrap_or_default();
    tag.trim_start_matches("W/").trim_matches('"').parse().unwrap_or_else(|_| panic!("a version: {answer:?}"))
}

#[test]
fn two_changes_of_one_person_at_once_are_both_kept() {
    let Some(pushed) = Pushed::new() else { return };
    let id = pushed.directory.user(&json!({"userName": unique::<8>()}));
    let place = format!("/Users/{id}");
    for round in 0..10_u32 {
        let before = version(&pushed.directory.get(&place));
        let set = |name: &str| json!([{"op": "replace", "path": name, "value": format!("{name} {round}")}]);
        let both = ["title", "nickName"].map(|name| patch(&pushed, &place, &set(name)));
        assert_eq!(statuses(&send_all(both.to_vec())), [200, 200], "round {round}");
        let seen = pushed.directory.get(&place);
        assert_eq!(version(&seen), before + 2, "one after the other");
        assert_eq!(seen.json()["title"], format!("title {round}"));
        assert_eq!(seen.json()["nickName"], format!("nickName {round}"));
    }
}

#[test]
fn one_of_many_who_take_a_name_at_once_has_it() {
    let Some(pushed) = Pushed::new() else { return };
    for round in 0..5 {
        let name = unique::<8>();
        let body = |one: usize| {
            // The same name in another writing is the same.
            let name = if one.is_multiple_of(2) { name.clone() } else { name.to_uppercase() };
            user(&json!({"userName": name, "externalId": format!("{name}-{one}")}))
        };
        let create = |one| {
            let request = pushed.directory.request("POST", "/Users");
            request.with("content-type", "application/scim+json").body(body(one).to_string())
        };
        let answers = send_all((0..6).map(create).collect());
        assert_eq!(statuses(&answers), [201, 409, 409, 409, 409, 409], "round {round}: {answers:?}");
        let found = pushed.directory.get(&format!("/Users?filter=userName%20eq%20%22{name}%22"));
        let made = answers.iter().find(|answer| answer.status == 201).expect("one").json();
        assert_eq!(
            (&found.json()["totalResults"], &found.json()["Resources"][0]["id"]),
            (&json!(1), &made["id"])
        );
    }
}

/// Two groups give the same role. Whatever comes and goes at once, they have it exactly if one of the two has them.
#[test]
fn roles_agree_with_groups_whoever_comes_and_goes_at_once() {
    let Some(pushed) = Pushed::new() else { return };
    let id = pushed.push("dana");
    // A mapping names a group by its name or by its external id.
    let directory = &pushed.directory;
    let named = directory.group("Ops", &[]);
    let body = json!({"schemas": [GROUP], "displayName": "Beside", "externalId": "Ops"});
    let beside = text(&directory.send("POST", "/Groups", &body), "id");
    let person = format!("/Users/{id}");
    let change = |op: &str, group: &str| {
        let operations = json!([{"op": op, "path": "members", "value": [{"value": id}]}]);
        patch(&pushed, &format!("/Groups/{group}"), &operations)
    };
    // Who is in which group before, and what comes at once.
    for round in 0..12_usize {
        let (first, second) = if round.is_multiple_of(2) { (&named, &beside) } else { (&beside, &named) };
        assert_eq!(directory.member("Add", first, &id).status, 204);
        assert_eq!(directory.member("Remove", second, &id).status, 204);
        let at_once = match round % 3 {
            0 => vec![change("Remove", first), change("Add", second)],
            1 => vec![
                change("Remove", first),
                change("Add", first),
                change("Add", second),
                change("Remove", second),
            ],
            _ => vec![change("Remove", first), change("Remove", second), change("Add", second)],
        };
        let answers = send_all(at_once);
        assert!(answers.iter().all(|answer| answer.status == 204), "round {round}: {answers:?}");
        let groups = directory.get(&person).json()["groups"].as_array().map_or(0, Vec::len);
        // Asked of somebody else: a sign-in would make roles right by itself.
        let roles = pushed.world.owner.get(&pushed.world.path("/roles")).json()["items"].clone();
        let bound = roles.as_array().expect("a list").iter().filter(|one| one["user"] == json!(id)).count();
        assert_eq!(bound, usize::from(groups > 0), "round {round}: in {groups} groups: {roles}");
        let listed = [first, second].iter().filter(|group| has(&pushed, group, &id)).count();
        assert_eq!(listed, groups, "both lists of members say the same");
        if round.is_multiple_of(3) {
            assert_eq!((groups, bound), (1, 1), "one came, one went");
        }
    }
}

fn has(pushed: &Pushed, group: &str, id: &str) -> bool {
    let members = pushed.directory.get(&format!("/Groups/{group}")).json()["members"].clone();
    members.as_array().is_some_and(|members| members.iter().any(|one| one["value"] == json!(id)))
}

#[test]
fn whoever_is_deleted_while_they_come_into_a_group_has_no_role_left() {
    let Some(pushed) = Pushed::new() else { return };
    let team = pushed.directory.group("Ops", &[]);
    let stays = pushed.push("stranger");
    assert_eq!(pushed.directory.member("Add", &team, &stays).status, 204);
    assert!(has_role(&pushed, &stays), "whoever stays has one");
    for round in 0..8 {
        let id = pushed.push("dana");
        let dana = pushed.org.sign_in("dana").expect("the directory lets her in");
        let body = json!([{"op": "Add", "path": "members", "value": [{"value": id}]}]);
        let add = patch(&pushed, &format!("/Groups/{team}"), &body);
        let answers = send_all(vec![pushed.directory.request("DELETE", &format!("/Users/{id}")), add]);
        assert_eq!(answers[0].status, 204, "round {round}: {answers:?}");
        // In before they went, or no user any more.
        assert!([204, 400].contains(&answers[1].status), "round {round}: {answers:?}");
        assert_eq!(code(&dana.get("/v1/session")), refused(401, "user_inactive"), "round {round}");
        assert_eq!(pushed.directory.get(&format!("/Users/{id}")).status, 404);
        assert!(!has(&pushed, &team, &id), "round {round}: nobody is in a group who is nobody");
        assert!(!has_role(&pushed, &id), "round {round}: a role is left");
    }
}

/// Whether a row says so, whatever becomes of whoever it is.
fn has_role(pushed: &Pushed, id: &str) -> bool {
    let key = json!({"pk": {"S": format!("T#{}", pushed.world.tenant)}, "sk": {"S": format!("BIND#{id}")}});
    let params = json!({"TableName": stack().text("/tables/identity"), "Key": key, "ConsistentRead": true});
    aws::must("root", "dynamodb", "get_item", &params)["Item"].is_object()
}
