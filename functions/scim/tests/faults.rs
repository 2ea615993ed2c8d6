//! The whole function over tables in memory. Whatever fails at whichever call, after the client's retry everything is as it was
//! asked for; and whoever pushes at once, what is found, counted and given agrees with who is there.
#![cfg(test)]

#[expect(dead_code, reason = "counts are for `make bench`")]
mod memory;
mod pull;

use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use domain::{
    AddressRow, DirectoryGroupRow, DirectoryUserRow, FoundRow, GroupId, Handles, Offboarding, Opaque,
    OwnersRow, Person, Phase, Role, UserId,
};
use memory::directory::{Answer, Asked, GROUP, USER, World, live};
use memory::{Failure, State};
use serde_json::{Value, json};
use tables::codec::Row;
use tables::directory::{By, Counts, Kind, count_keys, found, mapping_digest, member, member_of, user};
use tables::standing::{address_digest, came_by_group, highest, link, link_to};
use tables::{Item, Key, Marker};

const FAILURES: [Failure; 6] = [
    Failure::Throttled,
    Failure::Conflict,
    Failure::LostBefore,
    Failure::LostAfter,
    Failure::KilledBefore,
    Failure::KilledAfter,
];
/// How often a client tries again.
const RETRIES: usize = 6;

/// People and groups from which every case begins.
struct Start {
    world: World,
    state: State,
    ids: BTreeMap<&'static str, String>,
}

fn body(name: &str) -> Value {
    let mail = format!("{name}@acme.test");
    json!({"schemas": [USER], "userName": mail, "externalId": format!("x-{name}"), "active": true,
        "emails": [{"value": mail, "type": "work"}]})
}

fn team(name: &str, external: &str, members: &[&str]) -> Value {
    let members: Vec<Value> = members.iter().map(|id| json!({"value": id})).collect();
    json!({"schemas": [GROUP], "displayName": name, "externalId": external, "members": members})
}

impl Start {
    /// Dana owns the organization, and is in `Ops` as noa is, avi in `Admins`, dana and avi in `Staff`, which gives nothing. Lea
    /// has signed in and was not pushed yet. Kim was deactivated.
    fn new() -> Self {
        let world = World::new();
        let (lea, mail) = (UserId::from_random([50; 10]), address_digest(&world.org, "lea@acme.test"));
        let mut person = Person::new(lea.clone());
        person.note(&mail);
        person.signed_in = true;
        world.desk().put(Key::user(&world.org, &lea), person.to_item());
        let place = link(&world.org, "https://idp.test", "x-lea");
        world.desk().put(place, link_to(&lea));
        let via = Some(world.connection.clone());
        let address = AddressRow { ended: 0, user: Some(lea.clone()), via };
        world.desk().put(Key::address(&world.org, &mail), address.to_item());
        let mut ids = BTreeMap::from([("lea", lea.to_string())]);
        for name in ["dana", "noa", "avi", "kim"] {
            ids.insert(name, world.made(&Asked::new("POST", "/Users", body(name))));
        }
        let dana: UserId = ids["dana"].parse().unwrap();
        world.desk().put(Key::org_owner(&world.org, &dana), Marker::item());
        world.desk().put(Key::org_owners(&world.org), OwnersRow([dana].into()).to_item());
        for (key, name, of) in [
            ("ops", "Ops", vec!["dana", "noa"]),
            ("admins", "Admins", vec!["avi"]),
            ("staff", "Staff", vec!["dana", "avi"]),
        ] {
            let members: Vec<&str> = of.iter().map(|name| ids[name].as_str()).collect();
            ids.insert(key, world.made(&Asked::new("POST", "/Groups", team(name, key, &members))));
        }
        let ended = json!([{"op": "replace", "path": "active", "value": false}]);
        assert_eq!(world.ask(&Asked::patch(format!("/Users/{}", ids["kim"]), ended)).status, 200);
        let state = State { log: Vec::new(), told: Vec::new(), ..world.desk().state() };
        let start = Self { world, state, ids };
        start.again();
        start.agrees("at the start");
        start
    }

    fn again(&self) {
        self.world.desk().restore(self.state.clone());
        self.world.desk().plan([]);
    }

    fn of(&self, kind: &str, name: &str) -> String {
        format!("/{kind}/{}", self.ids[name])
    }

    fn rows(&self) -> BTreeMap<Key, Item> {
        self.world.desk().state().rows
    }
}

/// One change, the statuses that may answer it in the end, and what holds then.
struct Case {
    name: &'static str,
    asked: Asked,
    fine: &'static [u16],
    holds: fn(&View<'_>),
}

/// What there is, by names of the start.
struct View<'a> {
    start: &'a Start,
    rows: BTreeMap<Key, Item>,
}

impl View<'_> {
    fn id<T: std::str::FromStr<Err: std::fmt::Debug>>(&self, name: &str) -> T {
        self.start.ids[name].parse().unwrap()
    }

    fn person(&self, name: &str) -> Person {
        Person::from_item(&self.rows[&Key::user(&self.start.world.org, &self.id(name))]).unwrap()
    }

    fn told(&self, name: &str) -> Option<DirectoryUserRow> {
        let key = user(&self.start.world.connection, &self.id(name));
        self.rows.get(&key).map(|item| DirectoryUserRow::from_item(item).unwrap())
    }

    fn role(&self, name: &str) -> Option<Role> {
        let key = Key::binding(&self.start.world.tenant, &self.id(name));
        self.rows.get(&key).map(|item| Role::from_item(item).unwrap())
    }

    /// Ended once: out, nothing owned any more, and marked for those who deal with the rest.
    fn ended(&self, name: &str) {
        let person = self.person(name);
        assert!(!person.user.active && person.user.epoch == 2, "{name}: {person:?}");
        let owners = self.rows.get(&Key::org_owners(&self.start.world.org));
        let owns = owners.is_some_and(|row| OwnersRow::from_item(row).unwrap().0.contains(&person.user.id));
        assert!(!owns, "{name} owns nothing");
    }

    fn found(&self, kind: Kind, by: By, digest: &Opaque) -> BTreeSet<String> {
        let row = self.rows.get(&found(&self.start.world.connection, kind, by, digest));
        row.map(|row| FoundRow::from_item(row).unwrap().0.into_iter().collect()).unwrap_or_default()
    }

    fn groups_named(&self, name: &str) -> usize {
        let digest = tables::directory::name_digest(&self.start.world.connection, name);
        self.found(Kind::Group, By::Name, &digest).len()
    }

    fn users_named(&self, name: &str) -> BTreeSet<String> {
        let digest = tables::directory::name_digest(&self.start.world.connection, name);
        self.found(Kind::User, By::Name, &digest)
    }
}

fn replaced(path: &str, value: Value) -> Value {
    json!([{"op": "replace", "path": path, "value": value}])
}

const fn case(name: &'static str, asked: Asked, fine: &'static [u16], holds: fn(&View<'_>)) -> Case {
    Case { name, asked, fine, holds }
}

fn cases(start: &Start) -> Vec<Case> {
    let mut cases = cases_of_people(start);
    cases.extend(cases_of_groups(start));
    cases.extend(cases_of_meaning(start));
    cases
}

fn cases_of_people(start: &Start) -> Vec<Case> {
    let (dana, kim) = (start.of("Users", "dana"), start.of("Users", "kim"));
    let wrong = json!([{"op": "replace", "value": {"active": false, "shoeSize": 4}}]);
    let [mut moved, mut taken, mut large] = [body("dana"), body("noa"), body("dana")];
    (taken["active"], large["active"]) = (json!(false), json!(false));
    let address = |n: u8| json!({"formatted": format!("{n:01000}")});
    large["addresses"] = (1..=40).map(address).collect();
    moved["userName"] = json!("dana.levi@acme.test");
    vec![
        case("make somebody", Asked::new("POST", "/Users", body("uri")), &[200, 201], |view| {
            assert_eq!(view.users_named("uri@acme.test").len(), 1);
        }),
        case("make somebody who is here", Asked::new("POST", "/Users", body("lea")), &[200, 201], |view| {
            assert!(view.told("lea").is_some(), "one person, one row");
        }),
        case("deactivate", Asked::patch(&dana, replaced("active", json!(false))), &[200], |view| {
            view.ended("dana");
            assert!(!view.told("dana").unwrap().active);
        }),
        case("deactivate beside what is refused", Asked::patch(&dana, wrong), &[400], |view| {
            view.ended("dana")
        }),
        case("deactivate under another's name", Asked::new("PUT", &dana, taken), &[409], |view| {
            view.ended("dana");
        }),
        case("deactivate with too much", Asked::new("PUT", &dana, large), &[413], |view| view.ended("dana")),
        case("reactivate", Asked::patch(&kim, replaced("active", json!(true))), &[200], |view| {
            let user = view.person("kim").user;
            assert_eq!((user.active, user.epoch), (true, 2), "and nothing of before");
        }),
        case("replace somebody", Asked::new("PUT", &dana, moved), &[200], |view| {
            assert_eq!(view.users_named("dana.levi@acme.test").len(), 1);
            assert!(view.users_named("dana@acme.test").is_empty());
        }),
        case("delete somebody", Asked::new("DELETE", &dana, Value::Null), &[204, 404], |view| {
            view.ended("dana");
            assert!(view.told("dana").is_none() && view.role("dana").is_none());
        }),
    ]
}

fn cases_of_groups(start: &Start) -> Vec<Case> {
    let member =
        |op: &str, name: &str| json!([{"op": op, "path": "members", "value": [{"value": start.ids[name]}]}]);
    let (ops, staff) = (start.of("Groups", "ops"), start.of("Groups", "staff"));
    let two = [start.ids["dana"].as_str(), &start.ids["avi"]];
    vec![
        case(
            "make a group",
            Asked::new("POST", "/Groups", team("Beside", "Ops", &two)),
            &[200, 201],
            |view| {
                assert_eq!((view.groups_named("Beside"), view.role("avi")), (1, Some(Role::Admin)));
            },
        ),
        case(
            "make a group that gives nothing",
            Asked::new("POST", "/Groups", team("All", "all", &two)),
            &[200, 201],
            |view| {
                assert_eq!(view.groups_named("All"), 1);
            },
        ),
        case("join", Asked::patch(&ops, member("add", "kim")), &[204], |view| {
            assert_eq!(view.role("kim"), Some(Role::Operator));
        }),
        case("leave", Asked::patch(&ops, member("remove", "dana")), &[204], |view| {
            assert_eq!(view.role("dana"), None);
        }),
        case("join what gives nothing", Asked::patch(&staff, member("add", "noa")), &[204], |view| {
            let (staff, noa) = (view.id::<GroupId>("staff"), view.id::<UserId>("noa"));
            assert!(view.rows.contains_key(&membership(view, &staff, &noa)));
        }),
        case("leave what gives nothing", Asked::patch(&staff, member("remove", "dana")), &[204], |view| {
            let (staff, dana) = (view.id::<GroupId>("staff"), view.id::<UserId>("dana"));
            assert!(!view.rows.contains_key(&membership(view, &staff, &dana)));
        }),
    ]
}

fn cases_of_meaning(start: &Start) -> Vec<Case> {
    let (ops, staff) = (start.of("Groups", "ops"), start.of("Groups", "staff"));
    let one = [start.ids["avi"].as_str()];
    vec![
        case(
            "take a group's meaning",
            Asked::patch(&ops, replaced("displayName", json!("Others"))),
            &[204],
            |view| {
                assert_eq!((view.role("dana"), view.role("noa")), (None, None));
            },
        ),
        case(
            "give a group meaning",
            Asked::patch(&staff, replaced("externalId", json!("Admins"))),
            &[204],
            |view| {
                assert_eq!((view.role("dana"), view.role("avi")), (Some(Role::Admin), Some(Role::Admin)));
            },
        ),
        case("replace members", Asked::new("PUT", &ops, team("Ops", "ops", &one)), &[200], |view| {
            let roles = ["dana", "noa", "avi"].map(|name| view.role(name));
            assert_eq!(roles, [None, None, Some(Role::Admin)]);
        }),
        case("delete a group", Asked::new("DELETE", &ops, Value::Null), &[204, 404], |view| {
            assert_eq!((view.role("dana"), view.groups_named("Ops")), (None, 0));
        }),
        case(
            "delete a group that gives nothing",
            Asked::new("DELETE", &staff, Value::Null),
            &[204, 404],
            |view| {
                assert_eq!(view.groups_named("Staff"), 0);
            },
        ),
    ]
}

fn membership(view: &View<'_>, of: &GroupId, who: &UserId) -> Key {
    member(&view.start.world.connection, of, who)
}

impl Start {
    fn view(&self) -> View<'_> {
        View { start: self, rows: self.rows() }
    }

    /// What one write makes agree, whatever comes of the rest: names, counts, both rows of a membership, access.
    fn consistent(&self, when: &str) {
        let view = self.view();
        let of = &self.world.connection;
        let (people, groups) = (self.people(&view), self.groups(&view));
        let mut named: BTreeMap<Key, BTreeSet<String>> = BTreeMap::new();
        let mut name = |kind, id: &str, handles: &Handles| {
            let one = |by, digest: &Opaque| found(of, kind, by, digest);
            let keys = handles.name.iter().map(|digest| one(By::Name, digest));
            let keys = keys.chain(handles.external.iter().map(|digest| one(By::External, digest)));
            for key in keys.chain(handles.mails.iter().map(|digest| one(By::Mail, digest))) {
                named.entry(key).or_default().insert(id.to_owned());
            }
        };
        people.iter().for_each(|(id, row)| name(Kind::User, id.as_str(), &row.handles));
        groups.iter().for_each(|(id, row)| name(Kind::Group, id.as_str(), &row.handles));
        let rows = view.rows.iter().filter(|(key, _)| key.sk.starts_with("SCIMFOUND#"));
        let kept: BTreeMap<Key, BTreeSet<String>> = rows
            .map(|(key, item)| (key.clone(), FoundRow::from_item(item).unwrap().0.into_iter().collect()))
            .collect();
        assert_eq!(kept, named, "{when}: who is found");
        let all: std::collections::HashMap<Key, Item> = view.rows.clone().into_iter().collect();
        for (kind, there) in [(Kind::User, people.len()), (Kind::Group, groups.len())] {
            let counted = Counts::read(of, kind, &all).unwrap().total();
            assert_eq!(
                counted,
                there as u64,
                "{when}: {kind:?}s, {} rows of counts",
                count_keys(of, kind).len()
            );
        }
        assert_eq!(self.members(&view), self.member_of(&view), "{when}: memberships");
        for (id, row) in &people {
            let person = Person::from_item(&view.rows[&Key::user(&self.world.org, id)]).unwrap();
            assert_eq!(person.user.active, row.active, "{when}: {id}");
        }
        self.marked(&view, when);
    }

    /// Whoever was ended is marked, once for each epoch but the first.
    fn marked(&self, view: &View<'_>, when: &str) {
        let people = view.rows.iter().filter(|(key, _)| key.sk.starts_with("USER#"));
        for (_, item) in people {
            let Ok(Person { user, .. }) = Person::from_item(item) else { continue };
            let (org, id) = (self.world.org.clone(), user.id.clone());
            for epoch in 2..=user.epoch {
                let at = self.world.now;
                let cause = domain::LeaveCause::Directory;
                let left = Offboarding { org: org.clone(), user: id.clone(), epoch, at, cause };
                assert!(view.rows.contains_key(&Key::offboarding(&left)), "{when}: {id} {epoch}");
            }
            // By name, again because another push let them in beside it, and by their last group.
            assert!(user.epoch <= 4, "{when}: {id} was ended by nobody who asked for it");
        }
    }

    /// What agrees once everything came to its end.
    fn agrees(&self, when: &str) {
        self.consistent(when);
        let view = self.view();
        let of = &self.world.connection;
        let (people, groups) = (self.people(&view), self.groups(&view));
        let members = self.members(&view);
        for (id, who) in &members {
            assert!(groups.contains_key(id) && people.contains_key(who), "{when}: {who} is in {id}");
        }
        let named = |name| mapping_digest(of, name);
        let mut wanted: BTreeMap<UserId, Role> = BTreeMap::new();
        for who in people.keys() {
            let theirs = members.iter().filter(|(_, member)| member == who).map(|(id, _)| &groups[id]);
            let gives = |row: &DirectoryGroupRow| {
                let roles = [("Ops", Role::Operator), ("Admins", Role::Admin)];
                let roles = roles.into_iter().filter(|(name, _)| row.mapped_by.contains(&named(name)));
                roles.map(|(_, role)| (self.world.tenant.clone(), role)).collect::<Vec<_>>()
            };
            wanted.extend(highest(theirs.flat_map(gives)).into_values().map(|role| (who.clone(), role)));
        }
        let bound = view.rows.iter().filter(|(_, item)| came_by_group(item).as_ref() == Some(of));
        let bound: BTreeMap<UserId, Role> = bound
            .map(|(key, item)| {
                (key.sk.trim_start_matches("BIND#").parse().unwrap(), Role::from_item(item).unwrap())
            })
            .collect();
        assert_eq!(bound, wanted, "{when}: roles");
    }

    fn under<'v, T: Row>(&self, view: &'v View<'_>, prefix: &'static str) -> impl Iterator<Item = T> + 'v {
        let rows = view.rows.iter().filter(move |(key, _)| key.sk.starts_with(prefix));
        rows.map(|(_, item)| T::from_item(item).unwrap())
    }

    fn people(&self, view: &View<'_>) -> BTreeMap<UserId, DirectoryUserRow> {
        self.under(view, "SCIMUSER#").map(|row: DirectoryUserRow| (row.id.clone(), row)).collect()
    }

    fn groups(&self, view: &View<'_>) -> BTreeMap<GroupId, DirectoryGroupRow> {
        self.under(view, "SCIMGROUP#").map(|row: DirectoryGroupRow| (row.id.clone(), row)).collect()
    }

    fn members(&self, view: &View<'_>) -> BTreeSet<(GroupId, UserId)> {
        let rows = view.rows.keys().filter_map(|key| {
            Some((key.pk.rsplit_once('#')?.1.parse().ok()?, key.sk.strip_prefix("MEMBER#")?.parse().ok()?))
        });
        rows.collect()
    }

    fn member_of(&self, view: &View<'_>) -> BTreeSet<(GroupId, UserId)> {
        let rows = view.rows.keys().filter_map(|key| {
            let (who, id) = key.sk.strip_prefix("SCIMOF#")?.split_once('#')?;
            let (id, who): (GroupId, UserId) = (id.parse().ok()?, who.parse().ok()?);
            assert_eq!(member_of(&self.world.connection, &who, &id), *key);
            Some((id, who))
        });
        rows.collect()
    }

    /// As clients do: what does not work just now is asked again, and a name that is taken after that is looked up and
    /// replaced.
    async fn insists(&self, asked: &Asked, mut answer: Option<Answer>) -> Answer {
        for _ in 0..RETRIES {
            answer = match answer {
                None => Some(self.world.send(asked).await),
                Some(answer) if answer.status == 503 => Some(self.world.send(asked).await),
                Some(answer) if answer.status == 409 && asked.method == "POST" => self.looked_up(asked).await,
                Some(answer) => return answer,
            };
        }
        answer.unwrap()
    }

    async fn looked_up(&self, asked: &Asked) -> Option<Answer> {
        let name = if asked.path == "/Users" { "userName" } else { "displayName" };
        let value = asked.body[name].as_str().unwrap().replace('@', "%40");
        let filter = format!("{}?filter={name}%20eq%20%22{value}%22", asked.path);
        let found = self.world.send(&Asked::get(filter)).await;
        let id = found.body["Resources"][0]["id"].as_str()?.to_owned();
        Some(self.world.send(&Asked::new("PUT", format!("{}/{id}", asked.path), asked.body.clone())).await)
    }
}

/// A fault at every call of every change, and the client's retry.
#[test]
fn whatever_fails_the_retry_makes_it_right() {
    let start = Start::new();
    let mut faults = 0;
    for case in cases(&start) {
        start.again();
        let answer = start.world.ask(&case.asked);
        assert!(case.fine.contains(&answer.status), "{}: {answer:?}", case.name);
        let calls = start.world.desk().calls();
        start.agrees(case.name);
        (case.holds)(&start.view());
        let log = start.world.desk().state().log;
        let phases = [Phase::Attempt, Phase::Outcome].map(|phase| log.iter().any(|one| one.phase == phase));
        assert_eq!(phases, [true; 2], "{}: what is done is recorded", case.name);
        for at in 0..calls {
            for failure in FAILURES {
                let when = format!("{}, {failure:?} at call {at} of {calls}", case.name);
                start.again();
                start.world.desk().plan([(at, failure)]);
                let first = live(start.world.send(&case.asked));
                start.world.desk().plan([]);
                start.consistent(&when);
                if first.as_ref().is_some_and(|answer| case.fine.contains(&answer.status)) {
                    // Whoever was told that it is done need not ask again.
                    (case.holds)(&start.view());
                }
                let last = live(start.insists(&case.asked, first)).expect("nothing waits");
                assert!(case.fine.contains(&last.status), "{when}: {last:?}");
                start.agrees(&when);
                (case.holds)(&start.view());
                faults += 1;
            }
        }
    }
    assert!(faults > 1_000, "{faults}");
    println!("{faults} faults");
}

/// Numbers that look drawn, the same in every run.
struct Drawn(u64);

impl Drawn {
    fn next(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % below
    }
}

type Running<'a> = Pin<Box<dyn Future<Output = Answer> + 'a>>;

/// Runs both to their ends; who goes on after each step is drawn.
fn both(mut running: Vec<(usize, Running<'_>)>, drawn: &mut Drawn) -> [Answer; 2] {
    let mut done = BTreeMap::new();
    // One of the two may be far ahead of the other for a while.
    let mut favoured = 0;
    while !running.is_empty() {
        if drawn.next(8) == 0 {
            favoured = drawn.next(2);
        }
        let at = if drawn.next(4) > 0 { favoured } else { drawn.next(2) } % running.len();
        if let Poll::Ready(answer) = running[at].1.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            done.insert(running[at].0, answer);
            drop(running.swap_remove(at));
        }
    }
    [done.remove(&0).unwrap(), done.remove(&1).unwrap()]
}

/// Each change beside each, in many orders of their steps.
#[test]
fn whoever_pushes_at_once_all_agrees_in_the_end() {
    let start = Start::new();
    let cases = cases(&start);
    let mut drawn = Drawn(20_261_126);
    for (one, first) in cases.iter().enumerate() {
        for second in &cases[one..] {
            for round in 0..ROUNDS {
                start.again();
                start.world.desk().yielding(true);
                let asks =
                    [first, second].map(|case| -> Running<'_> { Box::pin(start.insists(&case.asked, None)) });
                let answers = both(asks.into_iter().enumerate().collect(), &mut drawn);
                start.world.desk().yielding(false);
                let when = format!("{} beside {}, round {round}: {answers:?}", first.name, second.name);
                // Refused for what the other did is fine; not being answered is not.
                assert!(answers.iter().all(|answer| answer.status < 500), "{when}");
                start.agrees(&when);
            }
        }
    }
}

/// Orders of steps that are tried of each pair.
const ROUNDS: usize = 12;
