//! Tests of requests' rows: formats that read back, and the conditions of each edge.

use super::*;
use crate::expression::evaluate;
use domain::{
    ApprovalId, ApprovalRule, Approvers, Code, ConnectionId, Digest, Opaque, OrgId, PermitId, Quorum, Role,
    Run, Say, SealedBytes, SessionId, TenantId, Vote,
};

fn at(ms: u64) -> Timestamp {
    Timestamp::from_unix_millis(1_790_000_000_000).unwrap().plus_millis(ms)
}

fn sealed_form() -> SealedBytes {
    SealedBytes::from_sealed_form([b"CSE1".as_slice(), &[0; 90]].concat()).unwrap()
}

fn user(n: u8) -> UserId {
    UserId::from_random([n; 10])
}

fn vote(n: u8) -> Vote {
    Vote {
        user: user(n),
        org: OrgId::from_random([1; 10]),
        epoch: 3,
        via: ConnectionId::from_random([4; 10]),
        subject: Opaque::from_digest(&[n; 32]),
        addresses: [].into(),
        say: Say::Approve,
        role: Some(Role::Owner),
        groups: [].into(),
        instead_of: None,
        at: at(1),
        session: SessionId::from_random([n; 10]),
        method: Code::literal("okta"),
        mfa: true,
        took_ms: 9,
    }
}

fn request() -> ApprovalRow {
    let of = Approvers { roles: [Role::Owner].into(), ..Approvers::default() };
    ApprovalRow {
        id: ApprovalId::from_bytes([7; 16]),
        from: Requester {
            org: OrgId::from_random([1; 10]),
            tenant: TenantId::from_random([2; 10]),
            agent: domain::AgentId::from_random([3; 10]),
            key: "0123456789abcdef".parse().unwrap(),
            owner: Some(InEpoch::new(user(8), 2)),
            answers: Some(InEpoch { user: user(9), epoch: None }),
            on_behalf_of: "psn_abc".parse().ok(),
        },
        asked: Asked {
            tool: "payments.send".parse().unwrap(),
            digest: Digest::from_bytes(&[9; 32]),
            sealed: sealed_form(),
            policy_version: 4,
            gates: ["big".parse().unwrap()].into(),
            callback: "ops".parse().ok(),
        },
        rules: vec![ApprovalRule {
            id: "finance".parse().unwrap(),
            quorum: vec![Quorum { of, need: 1 }],
            deny: 1,
            expires_minutes: 1,
            remind_minutes: Some(5),
            escalate: None,
            risk: "Money leaves.".to_owned(),
            high: true,
        }],
        state: ApprovalState::Pending,
        votes: Vec::new(),
        switches: [1, 2, 3, 4],
        created_at: at(0),
        expires_at: at(60_000),
        reminded_at: Some(at(5)),
        escalated_at: None,
        ended_at: None,
    }
}

#[test]
fn rows_read_back() {
    let row = ApprovalRow { votes: vec![vote(1), vote(2)], ended_at: Some(at(9)), ..request() };
    assert_eq!(ApprovalRow::from_item(&row.to_item()), Ok(row.clone()));
    let bare = ApprovalRow {
        from: Requester { owner: None, answers: None, on_behalf_of: None, ..row.from.clone() },
        asked: Asked { callback: None, ..row.asked.clone() },
        reminded_at: None,
        ..row
    };
    assert_eq!(ApprovalRow::from_item(&bare.to_item()), Ok(bare));
    let run = RunRow {
        tenant: TenantId::from_random([2; 10]),
        agent: domain::AgentId::from_random([3; 10]),
        permit: PermitId::from_random([5; 10]),
        approval: Some(ApprovalId::from_bytes([7; 16])),
        tool: "payments.send".parse().unwrap(),
        digest: Digest::from_bytes(&[9; 32]),
        state: Run::Consumed,
        consumer: Opaque::from_digest(&[1; 32]),
        consumed_at: at(3),
        due_at: at(600_000),
        ended_at: None,
        answers: Some(InEpoch::new(user(9), 1)),
    };
    assert_eq!(RunRow::from_item(&run.to_item()), Ok(run));
    let away = DelegationRow { user: user(1), to: user(2), from: at(0), until: at(9) };
    assert_eq!(DelegationRow::from_item(&away.to_item()), Ok(away));
    let channels = ChannelsRow { version: 2, sealed: sealed_form() };
    assert_eq!(ChannelsRow::from_item(&channels.to_item()), Ok(channels));
}

/// Pinned: rows are found by these for as long as they live.
#[test]
fn rows_lie_where_they_lay() {
    let (tenant, id) = (TenantId::from_random([2; 10]), ApprovalId::from_bytes([7; 16]));
    let place = |key: Key| format!("{} {} {}", key.table, key.pk, key.sk);
    assert_eq!(place(Key::approval(&tenant, &id)), format!("votes T#{tenant} APPROVAL#{id}"));
    assert_eq!(place(Key::approval_link(&id)), format!("votes LINK#{id} LINK"));
    assert_eq!(place(Key::waiting(&tenant, &id)), format!("votes WAITING#2 {tenant}#{id}"));
    assert_eq!(place(Key::gate(&tenant)), format!("control T#{tenant} GATE"));
    let permit = PermitId::from_random([5; 10]);
    let of_permit = place(run_key(&tenant, None, &permit));
    assert_eq!(of_permit, format!("approvals T#{tenant} RUN#{permit}"));
    assert_eq!(place(run_key(&tenant, Some(&id), &permit)), format!("approvals T#{tenant} RUN#{id}"));
}

#[test]
fn a_step_is_written_over_the_row_that_it_was_decided_on_and_in_time() {
    let row = request();
    let old = row.to_item();
    let voted = row.clone().cast(vote(1), at(10)).unwrap();
    assert_eq!(voted.state, ApprovalState::Approved);
    let writes = step(&old, &voted, at(10));
    let keys: Vec<&Key> = writes.iter().map(|write| &write.key).collect();
    let place = Key::approval(&row.from.tenant, &row.id);
    let told = |kind| Key::untold(&ApprovalMessage::new(kind, row.from.tenant.clone(), row.id.clone()));
    assert_eq!(keys, [&place, &told(ApprovalStep::Decided)], "an approved one still goes by the clock");
    assert_eq!(ApprovalRow::from_item(&evaluate(&writes[0], Some(&old)).unwrap()), Ok(voted.clone()));
    // Somebody else was first.
    let other = row.clone().cast(Vote { say: Say::Deny, ..vote(2) }, at(9)).unwrap().to_item();
    assert!(evaluate(&writes[0], Some(&other)).is_err());
    // The clock has gone on since it was decided.
    let late = step(&old, &voted, at(60_000));
    assert!(evaluate(&late[0], Some(&old)).is_err());
    // Its end is written whenever it is.
    let expired = row.expired(at(60_000));
    let writes = step(&old, &expired, at(60_000));
    assert!(evaluate(&writes[0], Some(&old)).is_ok());
    assert!(writes[1].delete && writes[1].key == Key::waiting(&expired.from.tenant, &expired.id));
}

/// What the queue is to be told of a step stands beside it; of its end only where an agent wants to be told.
#[test]
fn what_is_told_of_a_step_is_written_with_it() {
    let row = request();
    let told = |new: &ApprovalRow, kind| {
        let message = ApprovalMessage::new(kind, row.from.tenant.clone(), row.id.clone());
        let writes = step(&row.to_item(), new, at(10));
        let write = writes.iter().find(|write| write.key == Key::untold(&message));
        write.map(|write| {
            UntoldRow::from_item(&evaluate(write, None).unwrap()).unwrap()
                == UntoldRow { message, at: at(10) }
        })
    };
    let quiet =
        |new: ApprovalRow| ApprovalRow { asked: Asked { callback: None, ..new.asked.clone() }, ..new };
    let denied = row.clone().cast(Vote { say: Say::Deny, ..vote(1) }, at(9)).unwrap();
    assert_eq!(told(&denied, ApprovalStep::Decided), Some(true));
    assert_eq!(told(&row.clone().cancelled(at(9)), ApprovalStep::Decided), Some(true));
    assert_eq!(told(&quiet(denied), ApprovalStep::Decided), None);
    let reminded = ApprovalRow { reminded_at: Some(at(9)), ..row.clone() };
    let escalated = ApprovalRow { escalated_at: Some(at(9)), ..row.clone() };
    assert_eq!(told(&quiet(reminded.clone()), ApprovalStep::Reminded), Some(true));
    assert_eq!(
        (told(&escalated, ApprovalStep::Escalated), told(&escalated, ApprovalStep::Decided)),
        (Some(true), None)
    );
    // A word that decides nothing is told to nobody.
    let writes = step(&row.to_item(), &row, at(10));
    assert_eq!(writes.len(), 1);
    let first = create(&row);
    assert!(
        first
            .iter()
            .any(|write| write.key.sk.starts_with(Key::UNTOLD) && write.key.sk.ends_with("#requested"))
    );
}

#[test]
fn only_what_is_approved_for_this_action_and_not_over_is_consumed() {
    let approved = request().cast(vote(1), at(10)).unwrap();
    let check = is_approved(&approved, at(20));
    assert_eq!(check.update, "");
    assert!(evaluate(&check, Some(&approved.to_item())).is_ok());
    let another = Asked { digest: Digest::from_bytes(&[8; 32]), ..approved.asked.clone() };
    for other in [
        request(),
        approved.clone().cancelled(at(11)),
        ApprovalRow { asked: another, ..approved.clone() },
        ApprovalRow { expires_at: at(20), ..approved.clone() },
    ] {
        assert!(evaluate(&check, Some(&other.to_item())).is_err(), "{other:?}");
    }
    assert!(evaluate(&check, None).is_err());
}
