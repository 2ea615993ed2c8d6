//! The message, and what becomes of keys and agents.

use super::*;
use crate::{AgentId, GatewayKey, KeyKind, Previous, Region, Scopes, SecretHash, TenantId};

fn at(millis: i64) -> Timestamp {
    Timestamp::from_unix_millis(millis).unwrap()
}

fn user(byte: u8) -> UserId {
    UserId::from_random([byte; 10])
}

fn left() -> Offboarding {
    let org = OrgId::from_random([2; 10]);
    Offboarding { org, user: user(3), epoch: 8, at: at(1_790_000_000_123), cause: LeaveCause::Admin }
}

/// Pinned: what was sent before a deployment is read after it.
#[test]
fn the_message_is_pinned() {
    let text = r#"{"v":1,"kind":"offboarded","org":"org_081040g2081040g2","user":"usr_0c1g60r30c1g60r3","epoch":8,"at":"2026-09-21T14:13:20.123Z","cause":"admin"}"#;
    assert_eq!(left().to_text().unwrap(), text);
    for cause in LeaveCause::ALL {
        let left = Offboarding { cause: *cause, ..left() };
        assert_eq!(Offboarding::from_text(&left.to_text().unwrap()), Ok(left));
    }
    let causes: Vec<_> = LeaveCause::ALL.iter().map(|cause| cause.as_str()).collect();
    assert_eq!(causes, ["admin", "directory", "directory_removed", "group_lost"]);
}

#[test]
fn nothing_else_is_a_message_and_no_error_quotes_it() {
    let good = left().to_text().unwrap();
    for bad in [
        good.replace("\"v\":1", "\"v\":2"),
        good.replace("offboarded", "planted-value"),
        good.replace("\"v\":1", "\"v\":1,\"email\":\"planted-value\""),
        good.replace("usr_", "planted-value"),
        good.replace("\"admin\"", "\"planted-value\""),
        good.replace("\"epoch\":8,", ""),
        good.trim_end_matches('}').to_owned(),
        format!("{good}{good}"),
        "planted-value".to_owned(),
    ] {
        let error = Offboarding::from_text(&bad).unwrap_err();
        assert!(!error.to_string().contains("planted-value"), "{error}");
    }
    assert_eq!(
        Offboarding::from_text(&good.replace("\"v\":1", "\"v\":2")),
        Err(RecordError::Version { found: 2 })
    );
}

fn secret(byte: u8) -> SecretHash {
    GatewayKey::mint(KeyKind::Service, Region::Eu, &[byte.wrapping_mul(40); 59]).unwrap().secret_hash()
}

fn key(owner: Owner) -> KeyRow {
    KeyRow {
        id: GatewayKey::mint(KeyKind::Service, Region::Eu, &[1; 59]).unwrap().id().clone(),
        kind: KeyKind::Service,
        region: Region::Eu,
        org: left().org,
        tenant: TenantId::from_random([2; 10]),
        agent: AgentId::from_random([3; 10]),
        owner,
        secret: secret(1),
        seen: None,
        previous: None,
        scopes: Scopes::of([].into()),
        networks: None,
        requests_per_minute: None,
        active_from: None,
        expires_at: None,
        rotate_by: None,
        revoked_at: None,
    }
}

fn seen(byte: u8, epoch: u64) -> Option<Sight> {
    Some(Sight { user: user(byte), epoch })
}

#[test]
fn a_leavers_own_keys_are_revoked_but_not_those_of_a_later_epoch() {
    let now = left().at;
    let own = |byte, epoch| key(Owner::User { id: user(byte), epoch });
    let ended = left().end_key(&own(3, 7), now).unwrap();
    assert_eq!(ended.revoked_at, Some(now));
    assert_eq!(left().end_key(&ended, now.plus_millis(5)), None, "once");
    for stays in [own(3, 8), own(3, 9), own(4, 7)] {
        assert_eq!(left().end_key(&stays, now), None);
    }
}

#[test]
fn a_secret_that_a_leaver_saw_must_be_replaced_in_time() {
    let (now, by) = (left().at, left().rotate_by());
    assert_eq!(by.millis_since(now), 7 * 86_400_000);
    let service = |seen| KeyRow { seen, ..key(Owner::Tenant) };
    let ended = left().end_key(&service(seen(3, 7)), now).unwrap();
    assert_eq!(ended.rotate_by, Some(by));
    assert_eq!(left().end_key(&ended, now), None, "once");
    // Another's sight, one of after they came back, and one that nobody knows of.
    for stays in [service(seen(4, 7)), service(seen(3, 8)), service(None)] {
        assert_eq!(left().end_key(&stays, now), None);
    }
    let earlier = KeyRow { rotate_by: Some(at(5)), ..service(seen(3, 7)) };
    assert_eq!(left().end_key(&earlier, now), None, "no deadline is put off");
    let revoked = service(seen(3, 7)).revoked(now);
    assert_eq!(left().end_key(&revoked, now), None);
}

#[test]
fn the_secret_before_the_last_ends_no_later_and_the_last_stays() {
    let (now, by) = (left().at, left().rotate_by());
    let until = |until| Previous { secret: secret(2), seen: seen(3, 7), until };
    let rotating =
        |until_at| KeyRow { seen: seen(4, 1), previous: Some(until(until_at)), ..key(Owner::Tenant) };
    let ended = left().end_key(&rotating(by.plus_millis(1)), now).unwrap();
    assert_eq!((ended.rotate_by, ended.previous), (None, Some(until(by))));
    assert_eq!(left().end_key(&rotating(by), now), None);
}

#[test]
fn a_rotation_clears_the_deadline_and_the_old_secret_keeps_it() {
    let now = left().at;
    let ended = left().end_key(&KeyRow { seen: seen(3, 7), ..key(Owner::Tenant) }, now).unwrap();
    let by = left().rotate_by();
    assert_eq!((ended.state(by), ended.state(at(0))), (KeyState::Overdue, KeyState::Active));
    let turned = ended.clone().rotated(secret(2), seen(4, 1), now, 30 * 86_400_000).unwrap();
    assert_eq!((turned.rotate_by, &turned.seen), (None, &seen(4, 1)));
    let previous = turned.previous.clone().unwrap();
    assert_eq!((previous.until, previous.seen), (by, seen(3, 7)), "no longer than it had");
    assert_eq!(turned.state(by), KeyState::Active);
    assert_eq!(left().end_key(&turned, now), None);
    // After the deadline: the key lives again, the old secret does not.
    let late = ended.rotated(secret(2), seen(4, 1), by, 5_000).unwrap();
    assert_eq!((late.state(by), late.previous), (KeyState::Active, None));
}

#[test]
fn an_agent_goes_to_its_deputy_or_is_suspended() {
    let agent = |owner: Option<u8>, deputy: Option<u8>, status| Agent {
        id: AgentId::from_random([3; 10]),
        status,
        team: None,
        owner: owner.map(user),
        deputy: deputy.map(user),
    };
    let (active, suspended) = (Lifecycle::Active, Lifecycle::Suspended);
    let end = |agent: Agent, deputy_is_active| left().end_agent(&agent, deputy_is_active);
    assert_eq!(end(agent(Some(3), Some(4), active), true), Some(agent(Some(4), None, active)));
    assert_eq!(end(agent(Some(3), Some(4), suspended), true), Some(agent(Some(4), None, suspended)));
    assert_eq!(end(agent(Some(3), Some(4), active), false), Some(agent(Some(3), Some(4), suspended)));
    assert_eq!(end(agent(Some(3), None, active), true), Some(agent(Some(3), None, suspended)));
    assert_eq!(end(agent(Some(3), Some(3), active), true), Some(agent(Some(3), Some(3), suspended)));
    for stays in [
        agent(Some(4), Some(3), active),
        agent(None, Some(4), active),
        agent(Some(3), None, suspended),
        agent(Some(3), Some(4), Lifecycle::Deleted),
    ] {
        assert_eq!(end(stays, true), None);
    }
}
