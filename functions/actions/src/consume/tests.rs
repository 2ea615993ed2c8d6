//! Tests of consumption: a table of everything that may have changed since a permit was signed, and races over rows in memory.

use super::*;
use domain::{
    AgentId, ApprovalId, ApprovalRule, ApprovalState, Approvers, Asked, Code, ConnectionId, Digest, GroupId,
    KeyKind, KillRow, OrgId, PermitId, Quorum, Region, Requester, Role, Scopes, SealedBytes, SecretHash,
    SessionId, TenantId,
};
use tables::expression::evaluate;
use tables::{Attr, Swap, approvals, unchanged};

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_unix_millis(1_790_000_000_000).unwrap().plus_millis(seconds * 1_000)
}

fn org() -> OrgId {
    OrgId::from_random([1; 10])
}

fn tenant() -> TenantId {
    TenantId::from_random([2; 10])
}

fn agent() -> AgentId {
    AgentId::from_random([3; 10])
}

fn user(n: u8) -> UserId {
    UserId::from_random([n; 10])
}

fn via() -> ConnectionId {
    ConnectionId::from_random([4; 10])
}

fn group() -> GroupId {
    GroupId::from_random([5; 10])
}

fn consumer(n: u8) -> Opaque {
    Opaque::from_digest(&[n; 32])
}

fn claims(approved: bool) -> Claims {
    Claims {
        iss: "https://actions.acme.com".to_owned(),
        aud: "payments.send".parse().unwrap(),
        sub: agent(),
        jti: PermitId::from_random([6; 10]),
        iat: 1_790_000_000,
        exp: 1_790_000_060,
        tenant_id: tenant(),
        agent_id: agent(),
        key_id: "0123456789abcdef".parse().unwrap(),
        action_sha256: Digest::from_bytes(&[9; 32]),
        policy_version: 4,
        approval_id: approved.then(|| ApprovalId::from_bytes([7; 16])),
    }
}

fn vote(n: u8) -> Vote {
    Vote {
        user: user(n),
        org: org(),
        epoch: 3,
        via: via(),
        subject: consumer(n),
        addresses: [].into(),
        say: Say::Approve,
        role: Some(Role::Owner),
        groups: [group()].into(),
        instead_of: None,
        at: at(0),
        session: SessionId::from_random([n; 10]),
        method: Code::literal("okta"),
        mfa: true,
        took_ms: 9_000,
    }
}

fn approved() -> ApprovalRow {
    let of = Approvers { roles: [Role::Owner].into(), ..Approvers::default() };
    ApprovalRow {
        id: ApprovalId::from_bytes([7; 16]),
        from: Requester {
            org: org(),
            tenant: tenant(),
            agent: agent(),
            key: "0123456789abcdef".parse().unwrap(),
            owner: Some(InEpoch::new(user(8), 1)),
            answers: Some(InEpoch::new(user(9), 1)),
            on_behalf_of: None,
        },
        asked: Asked {
            tool: "payments.send".parse().unwrap(),
            digest: Digest::from_bytes(&[9; 32]),
            sealed: SealedBytes::from_sealed_form([b"CSE1".as_slice(), &[0; 90]].concat()).unwrap(),
            policy_version: 4,
            gates: ["big".parse().unwrap()].into(),
            callback: None,
        },
        rules: vec![ApprovalRule {
            id: "finance".parse().unwrap(),
            quorum: vec![Quorum { of, need: 1 }],
            deny: 1,
            expires_minutes: 60,
            remind_minutes: None,
            escalate: None,
            risk: "Money leaves.".to_owned(),
            high: true,
        }],
        state: ApprovalState::Approved,
        votes: vec![vote(10)],
        switches: [1; 4],
        created_at: at(0),
        expires_at: at(3_600),
        reminded_at: None,
        escalated_at: None,
        ended_at: Some(at(1)),
    }
}

fn around() -> Around {
    let person = |n, epoch| {
        let row = User { id: user(n), active: true, epoch };
        (Key::user(&org(), &user(n)), row.to_item())
    };
    let binding = (Key::binding(&tenant(), &user(10)), Role::Owner.to_item());
    let member = (directory::member_of(&via(), &user(10), &group()), tables::Marker::item());
    Around {
        key: Some(KeyRow {
            id: "0123456789abcdef".parse().unwrap(),
            kind: KeyKind::User,
            region: Region::Eu,
            org: org(),
            tenant: tenant(),
            agent: agent(),
            owner: Owner::User { id: user(8), epoch: 1 },
            secret: SecretHash::of("x"),
            seen: None,
            previous: None,
            scopes: Scopes::of([].into()),
            networks: None,
            requests_per_minute: None,
            active_from: None,
            expires_at: None,
            rotate_by: None,
            revoked_at: None,
        }),
        tenant: Some(Tenant {
            id: tenant(),
            org: org(),
            region: Region::Eu,
            status: Lifecycle::Active,
            networks: None,
        }),
        agent: Some(Agent {
            id: agent(),
            status: Lifecycle::Active,
            team: None,
            owner: Some(user(9)),
            deputy: None,
        }),
        org: Some(Org { id: org(), status: Lifecycle::Active, networks: None }),
        kills: Kills::none(),
        approval: Some(approved()),
        rows: [person(8, 1), person(9, 1), person(10, 3), binding, member].into(),
    }
}

type Change = fn(&mut Around);

fn ended(around: &mut Around, n: u8) {
    let row = User { id: user(n), active: false, epoch: 9 };
    around.rows.insert(Key::user(&org(), &user(n)), row.to_item());
}

fn change_row(around: &mut Around, change: impl FnOnce(&mut ApprovalRow)) {
    change(around.approval.as_mut().unwrap());
}

/// What has changed since a permit was signed, and what becomes of it.
const CASES: [(&str, Change, Verdict); 20] = [
    ("nothing", |_| {}, Verdict::Take),
    (
        "the key is revoked",
        |a| a.key.as_mut().unwrap().revoked_at = Some(at(1)),
        Verdict::Cancel(Reason::KeyRevoked),
    ),
    (
        "the agent is suspended",
        |a| a.agent.as_mut().unwrap().status = Lifecycle::Suspended,
        Verdict::Cancel(Reason::AgentInactive),
    ),
    (
        "the tenant is suspended",
        |a| a.tenant.as_mut().unwrap().status = Lifecycle::Suspended,
        Verdict::Cancel(Reason::TenantInactive),
    ),
    (
        "the organization is suspended",
        |a| a.org.as_mut().unwrap().status = Lifecycle::Suspended,
        Verdict::Cancel(Reason::OrgInactive),
    ),
    ("the key's owner has left", |a| ended(a, 8), Verdict::Cancel(Reason::OwnerInactive)),
    ("the agent's owner has left", |a| ended(a, 9), Verdict::Cancel(Reason::AgentOwnerInactive)),
    ("who approved has left", |a| ended(a, 10), Verdict::Cancel(Reason::ApprovalCancelled)),
    (
        "who approved left and is back",
        |a| {
            let row = User { id: user(10), active: true, epoch: 4 };
            a.rows.insert(Key::user(&org(), &user(10)), row.to_item());
        },
        Verdict::Cancel(Reason::ApprovalCancelled),
    ),
    (
        "who approved has another role",
        |a| {
            a.rows.insert(Key::binding(&tenant(), &user(10)), Role::Member.to_item());
        },
        Verdict::Cancel(Reason::ApprovalCancelled),
    ),
    (
        "who approved has lost the role",
        |a| {
            a.rows.remove(&Key::binding(&tenant(), &user(10)));
        },
        Verdict::Cancel(Reason::ApprovalCancelled),
    ),
    (
        "who approved has lost the group",
        |a| {
            a.rows.remove(&directory::member_of(&via(), &user(10), &group()));
        },
        Verdict::Cancel(Reason::ApprovalCancelled),
    ),
    (
        "a switch is on",
        |a| {
            a.kills.tenant =
                Some(KillRow { version: 1, stopped: [KillScope::Actions].into(), ..KillRow::new() });
        },
        Verdict::Cancel(Reason::KilledTenant),
    ),
    (
        "a switch was on and off",
        |a| a.kills.org.as_mut().unwrap().version = 3,
        Verdict::Cancel(Reason::ApprovalCancelled),
    ),
    (
        "calls of models are stopped, and were when it was asked",
        |a| {
            a.kills.agent = Some(KillRow { stopped: [KillScope::Llm].into(), ..KillRow::new() });
        },
        Verdict::Take,
    ),
    (
        "its time is over",
        |a| change_row(a, |row| row.expires_at = at(30)),
        Verdict::Cancel(Reason::ApprovalExpired),
    ),
    (
        "it was cancelled",
        |a| change_row(a, |row| row.state = ApprovalState::Cancelled),
        Verdict::Cancel(Reason::ApprovalExpired),
    ),
    (
        "it is another action",
        |a| change_row(a, |row| row.asked.digest = Digest::from_bytes(&[8; 32])),
        Verdict::Refuse(Reason::PermitInvalid),
    ),
    ("a switch cannot be read", |a| a.kills.platform = None, Verdict::Refuse(Reason::FactsUnavailable)),
    ("the request cannot be read", |a| a.approval = None, Verdict::Refuse(Reason::FactsUnavailable)),
];

#[test]
fn whatever_has_changed_since_ends_what_was_approved() {
    for (what, change, expected) in CASES {
        let mut now = around();
        change(&mut now);
        assert_eq!(consume(&claims(true), None, &consumer(1), &now, at(30)), expected, "{what}");
    }
}

#[test]
fn a_permit_that_needed_nobody_is_refused_and_nothing_is_written_down() {
    let without = |change: Change| {
        let mut now = Around { approval: None, ..around() };
        change(&mut now);
        consume(&claims(false), None, &consumer(1), &now, at(30))
    };
    assert_eq!(without(|_| {}), Verdict::Take);
    assert_eq!(without(|a| ended(a, 9)), Verdict::Refuse(Reason::AgentOwnerInactive));
    let late = consume(&claims(false), None, &consumer(1), &around(), at(60));
    assert_eq!(late, Verdict::Refuse(Reason::PermitExpired));
}

#[test]
fn whoever_took_it_may_ask_again_and_nobody_else() {
    let row = run(&claims(true), &consumer(1), Run::Consumed, &around(), at(30));
    let again =
        |n, run: &RunRow, seconds| consume(&claims(true), Some(run), &consumer(n), &around(), at(seconds));
    assert_eq!(again(1, &row, 31), Verdict::Again(row.due_at));
    // An answer that was lost is asked for after the permit's own time, too.
    assert_eq!(again(1, &row, 500), Verdict::Again(row.due_at));
    assert_eq!(again(2, &row, 31), Verdict::Refuse(Reason::PermitConsumed));
    let another = RunRow { permit: PermitId::from_random([7; 10]), ..row.clone() };
    assert_eq!(again(1, &another, 31), Verdict::Refuse(Reason::PermitConsumed));
    let over = RunRow { state: Run::Cancelled, ..row.clone() };
    assert_eq!(again(1, &over, 31), Verdict::Refuse(Reason::ApprovalCancelled));
    // It is said to be done, or may be: it is not done again.
    for state in [Run::Executed, Run::Failed, Run::Unknown] {
        let over = RunRow { state, ..row.clone() };
        assert_eq!(again(1, &over, 31), Verdict::Refuse(Reason::PermitConsumed), "{state}");
    }
    let late = consume(&claims(true), Some(&row), &consumer(1), &around(), row.due_at);
    assert_eq!(late, Verdict::Refuse(Reason::PermitConsumed));
    // Another permit of the same idempotency key: of another action, tool, or one that needed nobody.
    let changed = |change: fn(&mut Claims)| {
        let mut claims = claims(true);
        change(&mut claims);
        consume(&claims, Some(&row), &consumer(1), &around(), at(31))
    };
    let others: [fn(&mut Claims); 3] = [
        |claims| claims.action_sha256 = Digest::from_bytes(&[8; 32]),
        |claims| claims.aud = "payments.other".parse().unwrap(),
        |claims| claims.approval_id = None,
    ];
    for other in others {
        assert_eq!(changed(other), Verdict::Refuse(Reason::PermitConsumed));
    }
    let mut stopped = around();
    stopped.kills.tenant =
        Some(KillRow { version: 1, stopped: [KillScope::Actions].into(), ..KillRow::new() });
    let stopped = consume(&claims(true), Some(&row), &consumer(1), &stopped, at(31));
    assert_eq!(stopped, Verdict::Refuse(Reason::KilledTenant));
}

#[test]
fn an_outcome_is_told_once_by_whoever_took_it_and_in_time() {
    let row = run(&claims(true), &consumer(1), Run::Consumed, &around(), at(30));
    let due = row.due_at;
    let told = |n, state, told, now| outcome(Some(&RunRow { state, ..row.clone() }), &consumer(n), told, now);
    assert_eq!(told(1, Run::Consumed, Run::Executed, at(31)), Ending::Write(Run::Executed));
    assert_eq!(told(1, Run::Executed, Run::Executed, at(31)), Ending::Again(Run::Executed));
    assert_eq!(told(1, Run::Executed, Run::Failed, at(31)), Ending::Refuse(Reason::OutcomeTold));
    assert_eq!(told(1, Run::Unknown, Run::Executed, at(31)), Ending::Refuse(Reason::OutcomeTold));
    assert_eq!(told(1, Run::Consumed, Run::Executed, due), Ending::Late);
    assert_eq!(told(2, Run::Consumed, Run::Executed, at(31)), Ending::Refuse(Reason::PermitNotYours));
    assert_eq!(told(1, Run::Cancelled, Run::Executed, at(31)), Ending::Refuse(Reason::PermitNotYours));
    assert_eq!(outcome(None, &consumer(1), Run::Executed, at(31)), Ending::Refuse(Reason::PermitNotYours));
}

/// However many have decided to take it at the same moment, one write holds; and none does once what it rests on has changed.
#[test]
fn of_fifty_who_take_it_one_wins_and_none_after_a_change() {
    let around = around();
    let place = approvals::run_key(&tenant(), claims(true).approval_id.as_ref(), &claims(true).jti);
    let mut stored: Option<Item> = None;
    let mut winners = 0;
    for n in 0..50 {
        assert_eq!(consume(&claims(true), None, &consumer(n), &around, at(30)), Verdict::Take);
        let row = run(&claims(true), &consumer(n), Run::Consumed, &around, at(30));
        let write = Swap::create(place.clone(), row.to_item()).to_write();
        if let Ok(item) = evaluate(&write, stored.as_ref()) {
            let with_key = item.into_iter().chain([("pk".to_owned(), Attr::text("T"))]).collect();
            stored = Some(with_key);
            winners += 1;
        }
    }
    assert_eq!(winners, 1);
    let row = around.approval.as_ref().unwrap();
    let check = approvals::is_approved(row, at(30));
    assert!(evaluate(&check, Some(&row.to_item())).is_ok());
    assert!(evaluate(&check, Some(&row.clone().cancelled(at(30)).to_item())).is_err());
    let key = Key::user(&org(), &user(10));
    let check = unchanged(&key, around.rows.get(&key), &["active", "epoch"]);
    assert!(evaluate(&check, around.rows.get(&key)).is_ok());
    let left = User { id: user(10), active: false, epoch: 4 }.to_item();
    assert!(evaluate(&check, Some(&left)).is_err());
}
