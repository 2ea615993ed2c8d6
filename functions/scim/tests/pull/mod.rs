//! A directory that is asked: what it told is followed over tables in memory, with a failure at every call.

use std::collections::{BTreeMap, BTreeSet};

use countersign_scim::google::{Fault, Person as Listed};
use countersign_scim::{Stopped, Told};
use domain::{
    ActorType, AuditRecord, Lifecycle, Org, Person, Phase, PullRow, Role, ScimSlots, ScimTokenId,
    SealedBytes, Timestamp, UserId,
};
use tables::Key;
use tables::codec::Row as _;
use tables::standing::{address_digest, link, link_to};

use crate::FAILURES;
use crate::memory::directory::{World, live};
use crate::memory::{Failure, State};

/// Who is listed: `name` active, `-name` suspended. Who is in `Ops`, which makes an operator.
fn told(people: &[&str], ops: &[&str]) -> Told {
    let person = |text: &&str| {
        let name = text.trim_start_matches('-');
        let email = format!("{name}@acme.test");
        (format!("x{name}"), Listed { email, active: !text.starts_with('-') })
    };
    let members: BTreeSet<String> = ops.iter().map(|name| format!("x{name}")).collect();
    let people = people.iter().map(person).collect();
    Told { people, groups: [("Ops".to_owned(), members)].into(), unread: None }
}

/// A directory that has told nothing yet. Lea signed in by it; the address of kim is of somebody who was ended by hand.
struct Asked {
    world: World,
    row: PullRow,
}

impl Asked {
    fn new() -> Self {
        let world = World::new();
        let row = PullRow {
            org: world.org.clone(),
            connection: world.connection.clone(),
            agreed: None,
            secret: SealedBytes::from_sealed_form([b"CSE1".as_slice(), &[0; 90]].concat()).ok(),
            set_by: UserId::from_random([4; 10]),
            set_at: world.now,
        };
        let asked = Self { world, row };
        asked.signed_in("lea", 50, true);
        asked.signed_in("kim", 51, false);
        asked
    }

    fn signed_in(&self, name: &str, id: u8, active: bool) {
        let org = &self.world.org;
        let (user, mail) = (UserId::from_random([id; 10]), address_digest(org, &format!("{name}@acme.test")));
        let mut person = Person::new(user.clone());
        person.note(&mail);
        (person.signed_in, person.user.active) = (true, active);
        self.world.desk().put(Key::user(org, &user), person.to_item());
        self.world.desk().put(link(org, "https://idp.test", &format!("x{name}")), link_to(&user));
        let ended = u64::from(!active);
        let address =
            domain::AddressRow { ended, user: Some(user), via: Some(self.world.connection.clone()) };
        self.world.desk().put(Key::address(org, &mail), address.to_item());
    }

    fn in_time(&self) -> Timestamp {
        self.world.now.plus_millis(30_000)
    }

    /// `None`: the process died.
    fn follow(&self, told: &Told) -> Option<Result<(), Stopped>> {
        live(self.world.scim.effects.follow(&self.row, told, self.in_time(), self.world.now))
    }

    fn followed(&self, told: &Told) {
        assert_eq!(self.follow(told), Some(Ok(())));
    }

    fn state(&self) -> State {
        self.world.desk().state()
    }

    /// An administrator ends somebody, or lets them in again.
    fn by_hand(&self, name: &str, active: bool) {
        let digest = address_digest(&self.world.org, &format!("{name}@acme.test"));
        let rows = self.state().rows;
        let (key, mut person) = rows
            .into_iter()
            .filter(|(key, _)| key.sk.starts_with("USER#"))
            .map(|(key, item)| (key, Person::from_item(&item).unwrap()))
            .find(|(_, person)| person.addresses.contains(&digest))
            .unwrap();
        (person.user.active, person.user.epoch) = (active, person.user.epoch + 1);
        self.world.desk().put(key, person.to_item());
    }

    /// Everybody by address, whether they are active, with what groups made of them.
    fn people(&self) -> BTreeMap<String, (bool, Option<Role>)> {
        let rows = self.state().rows;
        let of = |name: &str| {
            let digest = address_digest(&self.world.org, &format!("{name}@acme.test"));
            let found =
                rows.iter().filter(|(key, _)| key.sk.starts_with("USER#")).find_map(|(_, item)| {
                    let person = Person::from_item(item).ok()?;
                    person.addresses.contains(&digest).then_some(person)
                })?;
            let binding = Key::binding(&self.world.tenant, &found.user.id);
            let role = rows.get(&binding).map(|item| Role::from_item(item).unwrap());
            Some((name.to_owned(), (found.user.active, role)))
        };
        ["lea", "kim", "dana", "noa", "avi", "uri"].into_iter().filter_map(of).collect()
    }
}

fn are(expected: &[(&str, bool, Option<Role>)]) -> BTreeMap<String, (bool, Option<Role>)> {
    expected.iter().map(|(name, active, role)| ((*name).to_owned(), (*active, *role))).collect()
}

const OPERATOR: Option<Role> = Some(Role::Operator);

#[test]
fn what_is_listed_holds_and_is_told_in_the_log() {
    let asked = Asked::new();
    // Uri is in no group that gives roles, and never signed in: nobody here.
    let first = told(&["lea", "kim", "dana", "noa", "uri"], &["dana", "noa", "kim"]);
    asked.followed(&first);
    let then = [("lea", true, None), ("kim", false, None), ("dana", true, OPERATOR), ("noa", true, OPERATOR)];
    assert_eq!(asked.people(), are(&then));
    let log: Vec<AuditRecord> = asked.state().log;
    assert!(log.iter().all(|one| one.actor_type == ActorType::System
        && one.auth_method.as_ref().is_some_and(|method| method.as_str() == "directory_pull")));
    let of = |phase: Phase| log.iter().filter(|one| one.phase == phase).count();
    assert_eq!((of(Phase::Attempt), of(Phase::Outcome)), (4, 4), "three people and a group");

    // The same again writes nothing and says nothing.
    let before = asked.state();
    asked.followed(&first);
    let after = asked.state();
    assert_eq!((after.rows, after.log.len()), (before.rows, before.log.len()));

    // Suspended, gone from the group, gone from the list.
    asked.followed(&told(&["-lea", "kim", "dana"], &[]));
    let then = [("lea", false, None), ("kim", false, None), ("dana", true, None), ("noa", false, None)];
    assert_eq!(asked.people(), are(&then));
    assert_eq!(
        asked.state().told.len(),
        3,
        "whoever lost the last role by a group is told to lifecycle, too"
    );
    // Back, as somebody new to everything that they had.
    asked.followed(&told(&["lea", "kim", "dana", "noa"], &["noa"]));
    let then = [("lea", true, None), ("kim", false, None), ("dana", true, None), ("noa", true, OPERATOR)];
    assert_eq!(asked.people(), are(&then));
}

/// A mass of people who are missing is more likely a listing that is wrong.
#[test]
fn nobody_is_ended_when_too_many_are_missing() {
    let asked = Asked::new();
    let names: Vec<String> = (0..8).map(|n| format!("p{n}")).collect();
    let all: Vec<&str> = names.iter().map(String::as_str).collect();
    asked.followed(&told(&all, &all));
    let active = || {
        let rows = asked.state().rows;
        let people = rows.iter().filter(|(key, _)| key.sk.starts_with("USER#"));
        people.filter(|(_, item)| Person::from_item(item).unwrap().user.active).count()
    };
    assert_eq!(active(), 9, "and lea");
    asked.followed(&told(&all[..2], &all[..2]));
    assert_eq!(active(), 9, "six of eight");
    asked.followed(&told(&all[..3], &all[..3]));
    assert_eq!(active(), 4, "five are few");
}

/// By hand, in both directions: whoever was ended here stays out whatever the directory says next, and whoever was let in again
/// while it says that they are out goes again.
#[test]
fn what_was_done_by_hand_is_not_undone_and_does_not_keep_anybody_in() {
    let asked = Asked::new();
    let all = told(&["lea", "dana", "noa"], &["dana", "noa"]);
    asked.followed(&all);
    let by_hand = |name: &str, active: bool| asked.by_hand(name, active);
    by_hand("dana", false);
    for people in [["lea", "-dana", "-noa"], ["lea", "-dana", "-noa"], ["lea", "dana", "-noa"]] {
        asked.followed(&told(&people, &["dana", "noa"]));
        let are = asked.people();
        assert_eq!((are["dana"].0, are["noa"].0), (false, false), "{people:?}");
    }
    by_hand("noa", true);
    asked.followed(&told(&["lea", "dana", "-noa"], &["dana", "noa"]));
    assert!(!asked.people()["noa"].0);
}

/// A group that is empty all at once, be it gone or another's, takes nobody's role away as long as it is not looked at.
#[test]
fn nobody_leaves_groups_that_too_many_leave() {
    let asked = Asked::new();
    let names: Vec<String> = (0..8).map(|n| format!("p{n}")).collect();
    let all: Vec<&str> = names.iter().map(String::as_str).collect();
    asked.followed(&told(&all, &all));
    let operators = || asked.state().rows.keys().filter(|key| key.sk.starts_with("BIND#")).count();
    assert_eq!(operators(), 8);
    asked.followed(&told(&all, &[]));
    assert_eq!(operators(), 8, "eight of eight");
    asked.followed(&told(&all[..2], &all[..2]));
    assert_eq!(operators(), 8, "people are held, and so are groups");
    // As the alarm asks: by hand. Whoever is out counts no more.
    all[2..].iter().for_each(|name| asked.by_hand(name, false));
    asked.followed(&told(&all[..2], &all[..1]));
    assert_eq!(operators(), 1);
    let asked = Asked::new();
    asked.followed(&told(&all, &all));
    asked.followed(&told(&all, &all[..3]));
    let operators = asked.state().rows.keys().filter(|key| key.sk.starts_with("BIND#")).count();
    assert_eq!(operators, 3, "five are few");
}

/// Without a group the people are gone through all the same, and that it could not be read is told.
#[test]
fn a_group_that_cannot_be_read_keeps_nobody_in() {
    let asked = Asked::new();
    asked.followed(&told(&["lea", "dana"], &["dana"]));
    let mut next = told(&["-lea", "dana"], &[]);
    next.groups.clear();
    next.unread = Some(Fault::Answer);
    assert_eq!(asked.follow(&next), Some(Err(Stopped::Directory(Fault::Answer))));
    let then = [("lea", false, None), ("kim", false, None), ("dana", true, OPERATOR)];
    assert_eq!(asked.people(), are(&then));
}

/// Lea left before she was told of, and somebody else has her name here by now.
#[test]
fn a_leaver_goes_though_the_name_is_another_s() {
    let asked = Asked::new();
    let mut first = told(&["dana"], &["dana"]);
    first.people.insert("xnew".to_owned(), Listed { email: "lea@acme.test".to_owned(), active: true });
    first.groups.get_mut("Ops").unwrap().insert("xnew".to_owned());
    asked.followed(&first);
    let mut next = first;
    next.people.insert("xlea".to_owned(), Listed { email: "lea@acme.test".to_owned(), active: false });
    asked.followed(&next);
    let lea = Key::user(&asked.world.org, &UserId::from_random([50; 10]));
    assert!(!Person::from_item(&asked.state().rows[&lea]).unwrap().user.active);
}

/// A connection or an organization that is stopped is not followed, whatever was told meanwhile.
#[test]
fn what_was_stopped_while_it_was_asked_changes_nothing() {
    let asked = Asked::new();
    let org = Org { id: asked.world.org.clone(), status: Lifecycle::Suspended, networks: None };
    asked.world.desk().put(Key::org(&asked.world.org), org.to_item());
    let before = asked.state().rows;
    asked.followed(&told(&["-lea"], &[]));
    assert_eq!(asked.state().rows, before);
}

/// What one says of somebody the other would take back.
#[test]
fn a_directory_that_pushes_is_not_followed() {
    let asked = Asked::new();
    let slots = |until| ScimSlots([(ScimTokenId::from_random([9; 10]), until)].into()).to_item();
    let place = Key::scim_slots(&asked.world.connection);
    asked.world.desk().put(place.clone(), slots(asked.in_time()));
    assert_eq!(asked.follow(&told(&["-lea"], &[])), Some(Err(Stopped::Pushes)));
    assert!(asked.people()["lea"].0);
    asked.world.desk().put(place, slots(asked.world.now));
    asked.followed(&told(&["-lea"], &[]));
}

/// What time does not suffice for is done the next time.
#[test]
fn what_is_out_of_time_begins_nothing() {
    let asked = Asked::new();
    let (told, before) = (told(&["-lea"], &[]), asked.state().rows);
    let effects = &asked.world.scim.effects;
    let stopped = live(effects.follow(&asked.row, &told, asked.world.now, asked.world.now));
    assert_eq!((stopped, asked.state().rows), (Some(Err(Stopped::Time)), before));
}

/// A failure anywhere, and the clock's next turn: the same in the end, and every attempt that is answered has an outcome.
#[test]
fn a_failure_anywhere_is_made_up_by_the_next_turn() {
    let asked = Asked::new();
    asked.followed(&told(&["lea", "kim", "dana", "noa"], &["dana", "noa"]));
    let start = asked.state();
    let next = told(&["-lea", "kim", "dana", "avi"], &["avi"]);
    let then = are(&[
        ("lea", false, None),
        ("kim", false, None),
        ("dana", true, None),
        ("noa", false, None),
        ("avi", true, OPERATOR),
    ]);
    asked.world.desk().plan([]);
    asked.followed(&next);
    assert_eq!(asked.people(), then);
    let (calls, mut told_of) = (asked.world.desk().calls(), 0);
    assert!(calls > 30, "{calls}");
    for at in 0..calls {
        for failure in FAILURES {
            asked.world.desk().restore(start.clone());
            asked.world.desk().plan([(at, failure)]);
            let first = asked.follow(&next);
            let died = matches!(failure, Failure::KilledBefore | Failure::KilledAfter);
            assert_eq!(first.is_none(), died, "{failure:?} at {at}: {first:?}");
            asked.world.desk().plan([]);
            asked.followed(&next);
            assert_eq!(asked.people(), then, "{failure:?} at {at}");
            let told = asked.state().told;
            let left: BTreeSet<&UserId> = told.iter().map(|one| &one.user).collect();
            told_of += usize::from(left.len() == 3);
        }
    }
    // A message that is lost is found again by lifecycle's sweep: the row in the tables says what is left to do.
    assert!(told_of > calls * (FAILURES.len() - 1), "{told_of} of {calls} calls");
}
