//! What becomes of a leaver's things, over rows in memory; and the same after a failure at every call.

mod memory;

use std::collections::BTreeMap;

use super::*;
use aws::Message;
use domain::{
    AgentId, EventType, GatewayKey, KeyId, KeyKind, LeaveCause, OrgId, Owner, Person, Previous, Region,
    ScimTokenId, Scopes, SecretHash, Sight,
};
use memory::{FAILURES, Failure, Memory, live, told};
use tables::offboard::marked;
use tables::{Attr, Marker};

type Items = BTreeMap<Key, Item>;

fn user(byte: u8) -> UserId {
    UserId::from_random([byte; 10])
}

fn tenant(byte: u8) -> TenantId {
    TenantId::from_random([byte; 10])
}

fn noon() -> Timestamp {
    "2026-11-26T12:00:00.000Z".parse().unwrap()
}

/// Who leaves.
const DANA: u8 = 3;

fn left() -> Offboarding {
    let org = OrgId::from_random([1; 10]);
    Offboarding { org, user: user(DANA), epoch: 8, at: noon(), cause: LeaveCause::Admin }
}

fn person(byte: u8, active: bool, epoch: u64) -> (Key, Item) {
    let mut person = Person::new(user(byte));
    (person.user.active, person.user.epoch) = (active, epoch);
    (Key::user(&left().org, &user(byte)), person.to_item())
}

fn secret(byte: u8) -> GatewayKey {
    GatewayKey::mint(KeyKind::Service, Region::Eu, &[byte; 59]).unwrap()
}

fn key_id(byte: u8) -> KeyId {
    secret(byte).id().clone()
}

fn key(tenant: TenantId, byte: u8, owner: Owner, seen: Option<(u8, u64)>) -> [(Key, Item); 2] {
    let sight = |(byte, epoch): (u8, u64)| Sight { user: user(byte), epoch };
    let row = KeyRow {
        id: key_id(byte),
        kind: KeyKind::Service,
        region: Region::Eu,
        org: left().org,
        tenant: tenant.clone(),
        agent: AgentId::from_random([1; 10]),
        owner,
        secret: secret(byte).secret_hash(),
        seen: seen.map(sight),
        previous: None,
        scopes: Scopes::of([].into()),
        networks: None,
        requests_per_minute: None,
        active_from: None,
        expires_at: None,
        rotate_by: None,
        revoked_at: None,
    };
    let mut item = row.to_item();
    item.insert("name".to_owned(), Attr::text("kept"));
    [(Key::gateway_key(&row.id), item), (Key::gateway_key_of(&tenant, &row.id), Marker::item())]
}

fn agent(tenant: &TenantId, byte: u8, owner: Option<u8>, deputy: Option<u8>) -> (Key, Item) {
    let id = AgentId::from_random([byte; 10]);
    let agent = Agent {
        id: id.clone(),
        status: Lifecycle::Active,
        team: None,
        owner: owner.map(user),
        deputy: deputy.map(user),
    };
    (Key::agent(tenant, &id), agent.to_item())
}

fn connection(byte: u8) -> ConnectionId {
    ConnectionId::from_random([byte; 10])
}

fn token_id(byte: u8) -> ScimTokenId {
    ScimTokenId::from_random([byte; 10])
}

/// A directory's token, by whom and in which epoch of theirs.
fn token(at: u8, byte: u8, by: (u8, u64)) -> (Key, Item) {
    let row = ScimTokenRow {
        id: token_id(byte),
        org: left().org,
        connection: connection(at),
        secret: SecretHash::of("x"),
        last_four: "abcd".to_owned(),
        created_by: user(by.0),
        created_epoch: by.1,
        created_at: noon(),
        expires_at: noon().plus_millis(86_400_000),
        revoked_at: None,
    };
    let mut item = row.to_item();
    item.insert("expires".to_owned(), Attr::number(1));
    (Key::scim_token(&connection(at), &row.id), item)
}

fn slots(at: u8, tokens: &[u8]) -> (Key, Item) {
    let slots = tokens.iter().map(|byte| (token_id(*byte), noon().plus_millis(86_400_000))).collect();
    (Key::scim_slots(&connection(at)), ScimSlots(slots).to_item())
}

fn is_revoked(desk: &Memory, at: u8, byte: u8) -> bool {
    let item = desk.item(&Key::scim_token(&connection(at), &token_id(byte))).unwrap();
    !ScimTokenRow::from_item(&item).unwrap().is_live(noon())
}

/// Two tenants of an organization that Dana has left: with Dana's things, and with things of others.
fn rows() -> Items {
    let (one, two) = (tenant(5), tenant(6));
    let own = |byte, epoch| Owner::User { id: user(byte), epoch };
    let mut rows: Items = [person(DANA, false, 8), person(4, true, 1), person(7, false, 2)].into();
    let mark = marked(&left());
    rows.insert(mark.key, mark.new);
    for tenant in [&one, &two, &tenant(9)] {
        rows.insert(Key::tenant_of(&left().org, tenant), Marker::item());
    }
    rows.extend(key(one.clone(), 10, own(DANA, 7), None));
    rows.extend(key(one.clone(), 20, own(4, 1), None));
    rows.extend(key(one.clone(), 30, Owner::Tenant, Some((DANA, 7))));
    rows.extend(key(one.clone(), 40, Owner::Tenant, Some((4, 1))));
    rows.extend(key(two.clone(), 50, own(DANA, 1), None));
    rows.extend(key(two.clone(), 60, Owner::Tenant, None));
    rows.extend([agent(&one, 1, Some(DANA), None), agent(&one, 2, Some(DANA), Some(4))]);
    rows.extend([agent(&one, 3, Some(4), Some(DANA)), agent(&two, 4, Some(DANA), Some(7))]);
    rows.extend([agent(&two, 5, None, None)]);
    for at in [1, 2] {
        rows.insert(Key::connection_of(&left().org, &connection(at)), Marker::item());
    }
    rows.extend([token(1, 1, (DANA, 7)), token(1, 2, (4, 1)), slots(1, &[1, 2])]);
    rows
}

fn message(left: &Offboarding) -> BatchEvent {
    let body = left.to_text().unwrap();
    BatchEvent { records: vec![Message { message_id: "m".to_owned(), body }] }
}

/// Whether a delivery is taken; `None` if the process dies.
fn delivered(desk: &Memory, left: &Offboarding) -> Option<bool> {
    live(deliver(desk, message(left))).map(|answer| answer.batch_item_failures.is_empty())
}

fn key_row(desk: &Memory, byte: u8) -> KeyRow {
    KeyRow::from_item(&desk.item(&Key::gateway_key(&key_id(byte))).unwrap()).unwrap()
}

fn agent_row(desk: &Memory, tenant: &TenantId, byte: u8) -> Agent {
    let key = Key::agent(tenant, &AgentId::from_random([byte; 10]));
    Agent::from_item(&desk.item(&key).unwrap()).unwrap()
}

const ALL: Tally = Tally { revoked: 2, rotations: 1, suspended: 2, reassigned: 1, tokens: 1 };

#[test]
fn a_leavers_keys_end_secrets_get_a_deadline_and_agents_are_taken_care_of() {
    let desk = Memory::of(rows(), noon());
    assert_eq!(live(gone_through(&desk, &left())), Some(Ok(ALL)));
    let revoked = |byte| key_row(&desk, byte).revoked_at;
    assert_eq!([10, 20, 30, 40, 50, 60].map(revoked), [Some(noon()), None, None, None, Some(noon()), None]);
    let due = |byte| key_row(&desk, byte).rotate_by;
    assert_eq!([10, 20, 30, 40, 50, 60].map(due), [None, None, Some(left().rotate_by()), None, None, None]);
    let (one, two) = (tenant(5), tenant(6));
    let agents = [(&one, 1), (&one, 2), (&one, 3), (&two, 4), (&two, 5)].map(|(tenant, byte)| {
        let agent = agent_row(&desk, tenant, byte);
        (agent.status == Lifecycle::Active, agent.owner == Some(user(DANA)))
    });
    assert_eq!(agents, [(false, true), (true, false), (true, false), (false, true), (true, false)]);
    assert_eq!(agent_row(&desk, &one, 2).owner, Some(user(4)));
    let kept = desk.item(&Key::gateway_key(&key_id(10))).unwrap();
    assert_eq!(kept.get("name"), Some(&Attr::text("kept")));
    let state = desk.state();
    let events = [
        (EventType::KeyRevoked, 2),
        (EventType::KeyRotationDue, 1),
        (EventType::AdminAgent, 3),
        (EventType::AdminScimToken, 1),
        (EventType::AdminOffboarding, 1),
    ];
    for (event, count) in events {
        let of = state.log.iter().filter(|record| record.event_type == event);
        let phases = if event == EventType::AdminOffboarding { 1 } else { 2 };
        assert_eq!(of.count(), count * phases, "{event}");
    }
    let logs: Vec<_> = state.log.iter().map(|record| record.tenant_id.clone()).collect();
    assert!(logs.contains(&one) && logs.contains(&two) && logs.last() == Some(&TenantId::platform()));
}

/// With it they could let themselves in again. Tokens of others, and of their own after they were let in again, go on.
#[test]
fn a_directory_s_token_ends_with_whoever_was_shown_it() {
    let mut held = rows();
    held.extend([token(2, 3, (DANA, 8)), token(2, 4, (DANA, 1)), slots(2, &[3, 4])]);
    let (old, mut item) = token(2, 5, (DANA, 7));
    item.remove("created_epoch");
    held.insert(old, item);
    let (foreign, item) = token(1, 6, (DANA, 7));
    let mut foreign_row = ScimTokenRow::from_item(&item).unwrap();
    foreign_row.org = OrgId::from_random([77; 10]);
    held.insert(foreign, foreign_row.to_item());
    let (over, item) = token(2, 7, (DANA, 7));
    let row = ScimTokenRow { expires_at: noon(), ..ScimTokenRow::from_item(&item).unwrap() };
    held.insert(over.clone(), row.to_item());
    let desk = Memory::of(held, noon());
    assert_eq!(live(gone_through(&desk, &left())), Some(Ok(Tally { tokens: 3, ..ALL })));
    let revoked =
        [(1, 1), (1, 2), (2, 3), (2, 4), (2, 5), (1, 6)].map(|(at, one)| is_revoked(&desk, at, one));
    assert_eq!(revoked, [true, false, false, true, true, false]);
    assert_eq!(desk.item(&over), Some(row.to_item()), "it is over already");
    let kept = |at: u8| {
        let item = desk.item(&Key::scim_slots(&connection(at))).unwrap();
        ScimSlots::from_item(&item).unwrap().0.into_iter().map(|(id, _)| id).collect::<Vec<_>>()
    };
    assert_eq!(
        (kept(1), kept(2)),
        (vec![token_id(2)], vec![token_id(3)]),
        "another may be made in its place"
    );
    let item = desk.item(&Key::scim_token(&connection(1), &token_id(1))).unwrap();
    assert_eq!(item.get("expires"), Some(&Attr::number(1)));
    let told = desk.state().log;
    let of = |record: &&domain::AuditRecord| record.event_type == EventType::AdminScimToken;
    assert!(told.iter().filter(of).all(|record| record.tenant_id == TenantId::platform()));
    // Another is made in the free place meanwhile.
    let desk = Memory::of(rows(), noon());
    let (place, item) = slots(1, &[1, 2, 9]);
    desk.comes_between(place, item);
    assert_eq!(live(gone_through(&desk, &left())), Some(Ok(ALL)));
    let item = desk.item(&Key::scim_slots(&connection(1))).unwrap();
    let ids: Vec<_> = ScimSlots::from_item(&item).unwrap().0.into_iter().map(|(id, _)| id).collect();
    assert_eq!(ids, [token_id(2), token_id(9)]);
}

#[test]
fn what_comes_twice_does_nothing_more() {
    let desk = Memory::of(rows(), noon());
    assert_eq!(delivered(&desk, &left()), Some(true));
    let before = desk.state();
    for _ in 0..3 {
        assert_eq!(delivered(&desk, &left()), Some(true));
    }
    let after = desk.state();
    assert_eq!((after.rows, after.log.len()), (before.rows, before.log.len()));
}

/// After they are back: what is old stays dead, what is new lives, and their agents are theirs again.
#[test]
fn a_late_message_ends_what_is_old_and_nothing_that_is_new() {
    for epoch in [8, 9] {
        let mut rows = rows();
        rows.extend([person(DANA, true, epoch)]);
        rows.extend(key(tenant(5), 70, Owner::User { id: user(DANA), epoch }, None));
        rows.extend(key(tenant(5), 80, Owner::Tenant, Some((DANA, epoch))));
        let desk = Memory::of(rows, noon().plus_millis(3_600_000));
        let tally = Tally { suspended: 0, reassigned: 0, ..ALL };
        assert_eq!(live(gone_through(&desk, &left())), Some(Ok(tally)));
        assert!(key_row(&desk, 10).revoked_at.is_some());
        assert_eq!((key_row(&desk, 70).revoked_at, key_row(&desk, 80).rotate_by), (None, None));
        assert_eq!(key_row(&desk, 30).rotate_by, Some(left().rotate_by()), "from when they left");
        assert_eq!(agent_row(&desk, &tenant(5), 1).status, Lifecycle::Active);
    }
    // Back, and gone again: the message of the first time comes last.
    let mut rows = rows();
    rows.extend([person(DANA, false, 9)]);
    let desk = Memory::of(rows, noon());
    assert_eq!(live(gone_through(&desk, &left())), Some(Ok(ALL)));
}

/// Whoever lost the last group that gave them anything is still somebody: where they have no role any more, somebody else is to
/// answer for their agents.
#[test]
fn agents_of_whoever_lost_their_groups_are_taken_care_of_where_no_role_is_left() {
    let lost = Offboarding { cause: LeaveCause::GroupLost, ..left() };
    let (one, two) = (tenant(5), tenant(6));
    let role = |tenant: &TenantId| (Key::binding(tenant, &user(DANA)), domain::Role::Viewer.to_item());
    let owner = (Key::org_owner(&left().org, &user(DANA)), Marker::item());
    for (more, expected) in [
        (vec![], ALL),
        (vec![role(&one)], Tally { suspended: 1, reassigned: 0, ..ALL }),
        (vec![role(&two)], Tally { suspended: 1, ..ALL }),
        (vec![role(&one), role(&two)], Tally { suspended: 0, reassigned: 0, ..ALL }),
        (vec![owner], Tally { suspended: 0, reassigned: 0, ..ALL }),
    ] {
        let mut rows = rows();
        rows.extend([person(DANA, true, 8)]);
        rows.extend(more);
        let desk = Memory::of(rows, noon());
        assert_eq!(live(gone_through(&desk, &lost)), Some(Ok(expected)));
    }
}

#[test]
fn what_is_no_message_or_not_true_is_left_to_the_dead_letter_queue() {
    let desk = Memory::of(rows(), noon());
    let body = |body: &str, id: &str| Message { message_id: id.to_owned(), body: body.to_owned() };
    let good = left().to_text().unwrap();
    let untrue = Offboarding { epoch: 9, ..left() }.to_text().unwrap();
    let nobody = Offboarding { user: user(99), ..left() }.to_text().unwrap();
    let bodies = ["{}", &good, &untrue, &nobody, "offboarded"];
    let records = bodies.iter().zip(["a", "b", "c", "d", "e"]).map(|(text, id)| body(text, id));
    let records = records.chain([body("{}", "")]).collect();
    let answer = live(deliver(&desk, BatchEvent { records })).unwrap();
    let failed: Vec<_> = answer.batch_item_failures.iter().map(|one| one.item_identifier.as_str()).collect();
    assert_eq!(failed, ["a", "c", "d", "e"], "each fails alone");
    assert!(key_row(&desk, 10).revoked_at.is_some());
    let rows = rows();
    let active = Memory::of(rows.into_iter().chain([person(DANA, true, 7)]).collect(), noon());
    assert_eq!(delivered(&active, &left()), Some(false), "told before it was written");
    assert!(active.state().log.is_empty());
}

#[test]
fn a_row_that_does_not_read_stops_no_other_and_fails_the_whole() {
    let mut rows = rows();
    let broken = Key::gateway_key(&key_id(20));
    rows.get_mut(&broken).unwrap().remove("secret_sha256");
    let desk = Memory::of(rows, noon());
    assert_eq!(live(gone_through(&desk, &left())), Some(Err("row_unreadable")));
    assert!(key_row(&desk, 50).revoked_at.is_some());
    assert!(desk.item(&Key::offboarding(&left())).is_some_and(|mark| !mark.contains_key("passed_at")));
    let [(_, whole), _] = key(tenant(5), 20, Owner::Tenant, None);
    desk.put(broken, whole);
    assert_eq!(delivered(&desk, &left()), Some(true));
}

#[test]
fn a_row_that_another_writes_meanwhile_is_looked_at_again() {
    let desk = Memory::of(rows(), noon());
    let place = Key::gateway_key(&key_id(10));
    let mut other = desk.item(&place).unwrap();
    other.insert("networks".to_owned(), Attr::texts(["203.0.113.0/24"]));
    desk.comes_between(place.clone(), other);
    assert_eq!(live(gone_through(&desk, &left())), Some(Ok(ALL)));
    let row = key_row(&desk, 10);
    assert!(row.revoked_at.is_some() && row.networks.is_some(), "nothing of another's is lost");
    // Revoked by another: that is all that was wanted.
    let desk = Memory::of(rows(), noon());
    let before = key_row(&desk, 10);
    desk.comes_between(place, before.revoked(noon()).to_item());
    assert_eq!(live(gone_through(&desk, &left())), Some(Ok(Tally { revoked: 1, ..ALL })));
}

#[test]
fn without_time_it_stops_between_two_pages_and_goes_on_later() {
    let desk = Memory::of(rows(), noon());
    let mut fails = 0;
    for pages in 2..40 {
        desk.has_time_for(pages);
        if delivered(&desk, &left()) == Some(true) {
            break;
        }
        fails += 1;
    }
    assert!(fails > 3, "{fails}");
    assert_eq!(agent_row(&desk, &tenant(6), 4).status, Lifecycle::Suspended);
}

/// What was asked for before somebody left may be written after the first pass: the mark stays for a second one.
#[test]
fn the_sweep_finds_whom_no_message_told_of_and_looks_once_more_later() {
    let mark = Key::offboarding(&left());
    let desk = Memory::of(rows(), noon().plus_millis(MESSAGE_MS - 1));
    assert_eq!(live(sweep(&desk)), Some(Ok(0)), "the message has its chance");
    desk.at(noon().plus_millis(MESSAGE_MS));
    assert_eq!(live(sweep(&desk)), Some(Ok(1)));
    assert!(key_row(&desk, 10).revoked_at.is_some());
    assert_eq!(live(sweep(&desk)), Some(Ok(0)), "not again");
    for (place, item) in key(tenant(9), 90, Owner::Tenant, Some((DANA, 7))) {
        desk.put(place, item);
    }
    let summaries = |desk: &Memory| {
        let of = |record: &&domain::AuditRecord| record.event_type == EventType::AdminOffboarding;
        desk.state().log.iter().filter(of).count()
    };
    assert_eq!(summaries(&desk), 1);
    desk.at(noon().plus_millis(SETTLED_MS));
    assert_eq!(live(sweep(&desk)), Some(Ok(1)));
    assert_eq!(key_row(&desk, 90).rotate_by, Some(left().rotate_by()));
    assert_eq!((desk.item(&mark), summaries(&desk)), (None, 2));
    assert_eq!(live(sweep(&desk)), Some(Ok(0)));
    // One that does not read stops no other.
    let desk = Memory::of(rows(), noon().plus_millis(SETTLED_MS));
    let broken = Key::offboarding(&Offboarding { user: user(4), ..left() });
    desk.put(broken, Marker::item());
    assert_eq!(live(sweep(&desk)), Some(Err("row_unreadable")));
    assert_eq!(desk.item(&mark), None, "it is done");
}

/// A secret that was replaced already ends in time too, and the key goes on.
#[test]
fn a_secret_of_before_is_not_taken_for_longer() {
    let mut rows = rows();
    let [(place, item), _] = key(tenant(5), 40, Owner::Tenant, Some((4, 1)));
    let until = left().rotate_by().plus_millis(9);
    let seen = Some(Sight { user: user(DANA), epoch: 7 });
    let previous = Some(Previous { secret: secret(41).secret_hash(), seen, until });
    let row = KeyRow { previous, ..KeyRow::from_item(&item).unwrap() };
    rows.insert(place, row.to_item());
    let desk = Memory::of(rows, noon());
    assert_eq!(live(gone_through(&desk, &left())), Some(Ok(Tally { rotations: 2, ..ALL })));
    let row = key_row(&desk, 40);
    assert_eq!((row.rotate_by, row.previous.unwrap().until), (None, left().rotate_by()));
}

/// Delivers until it is taken, as SQS does.
fn drain(desk: &Memory) {
    let taken = (0..4).any(|_| delivered(desk, &left()) == Some(true));
    assert!(taken, "the message is not taken");
}

/// Nothing is left to do, nothing was done twice, every step is recorded.
fn check(desk: &Memory, honest: &memory::State, what: &str) {
    let state = desk.state();
    assert_eq!(state.rows, honest.rows, "{what}");
    let held = |key: &&Key| {
        key.pk.starts_with("KEY#") || key.sk.starts_with("AGENT#") || key.sk.starts_with("SCIMTOKEN#")
    };
    for key in state.writes.keys().filter(held) {
        assert_eq!(state.writes[key], 1, "{what}: {key:?}");
    }
    let attempts = |state: &memory::State| {
        told(state).into_iter().filter(|(_, _, phase)| *phase != Phase::Outcome).collect::<Vec<_>>()
    };
    assert_eq!(attempts(&state), attempts(honest), "{what}");
}

#[test]
fn after_a_failure_at_any_await_a_redelivery_ends_in_the_same_state_with_every_step_recorded() {
    let honest = Memory::of(rows(), noon());
    assert_eq!(delivered(&honest, &left()), Some(true));
    let (calls, honest) = (honest.calls(), honest.state());
    let mut failures = 0;
    for at in 0..calls {
        for failure in FAILURES {
            let what = format!("{failure:?} at {at}");
            let desk = Memory::of(rows(), noon());
            desk.plan([(at, failure)]);
            let killed = matches!(failure, Failure::KilledBefore | Failure::KilledAfter);
            assert_eq!(delivered(&desk, &left()).is_none(), killed, "{what}");
            drain(&desk);
            check(&desk, &honest, &what);
            failures += 1;
        }
    }
    assert!(failures >= 150, "{failures}");
}

#[test]
fn nor_does_a_second_failure_while_the_first_is_mended_change_anything() {
    let honest = Memory::of(rows(), noon());
    assert_eq!(delivered(&honest, &left()), Some(true));
    let (calls, honest) = (honest.calls(), honest.state());
    for (first, second) in (0..calls).flat_map(|a| (0..calls).step_by(5).map(move |b| (a, b))) {
        for (one, other) in FAILURES.into_iter().flat_map(|one| FAILURES.map(|other| (one, other))) {
            let what = format!("{one:?} at {first}, then {other:?} at {second}");
            let desk = Memory::of(rows(), noon());
            desk.plan([(first, one)]);
            delivered(&desk, &left());
            desk.plan([(second, other)]);
            drain(&desk);
            check(&desk, &honest, &what);
        }
    }
}

/// The last pass takes the mark away, whatever fails.
#[test]
fn the_mark_goes_only_after_everything_is_done() {
    let late = noon().plus_millis(SETTLED_MS);
    let honest = Memory::of(rows(), late);
    assert_eq!(live(sweep(&honest)), Some(Ok(1)));
    let (calls, honest) = (honest.calls(), honest.state());
    assert!(!honest.rows.contains_key(&Key::offboarding(&left())));
    for (at, failure) in (0..calls).flat_map(|at| FAILURES.map(|failure| (at, failure))) {
        let what = format!("{failure:?} at {at}");
        let desk = Memory::of(rows(), late);
        desk.plan([(at, failure)]);
        live(sweep(&desk));
        if !desk.state().rows.contains_key(&Key::offboarding(&left())) {
            check(&desk, &honest, &what);
        }
        assert!((0..3).any(|_| matches!(live(sweep(&desk)), Some(Ok(_)))), "{what}");
        check(&desk, &honest, &what);
    }
}
