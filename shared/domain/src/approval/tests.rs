//! Tests of how a request is decided: tables, and every order of words against sets.

use super::*;
use proptest::prelude::*;

fn at(ms: u64) -> Timestamp {
    Timestamp::from_unix_millis(1_790_000_000_000).unwrap().plus_millis(ms)
}

fn user(n: u8) -> UserId {
    UserId::from_random([n; 10])
}

pub fn vote(n: u8, say: Say, role: Option<Role>) -> Vote {
    Vote {
        user: user(n),
        org: OrgId::from_random([1; 10]),
        epoch: 1,
        via: ConnectionId::from_random([4; 10]),
        subject: Opaque::from_digest(&[n; 32]),
        addresses: [].into(),
        say,
        role,
        groups: BTreeSet::new(),
        instead_of: None,
        at: at(5),
        session: SessionId::from_random([n; 10]),
        method: Code::literal("okta"),
        mfa: true,
        took_ms: 4_000,
    }
}

fn rule(quorum: Vec<Quorum>, deny: u8) -> ApprovalRule {
    ApprovalRule {
        id: "finance".parse().unwrap(),
        quorum,
        deny,
        expires_minutes: 60,
        remind_minutes: None,
        escalate: None,
        risk: "Money leaves.".to_owned(),
        high: true,
    }
}

fn roles(roles: &[Role], need: u8) -> Quorum {
    Quorum { of: Approvers { roles: roles.iter().copied().collect(), ..Approvers::default() }, need }
}

pub fn request(rules: Vec<ApprovalRule>) -> ApprovalRow {
    let in_epoch = |n| Some(InEpoch::new(user(n), 1));
    ApprovalRow {
        id: ApprovalId::from_bytes([7; 16]),
        from: Requester {
            org: OrgId::from_random([1; 10]),
            tenant: TenantId::from_random([2; 10]),
            agent: AgentId::from_random([3; 10]),
            key: "0123456789abcdef".parse().unwrap(),
            owner: in_epoch(100),
            answers: in_epoch(101),
            on_behalf_of: None,
        },
        asked: Asked {
            tool: "payments.send".parse().unwrap(),
            digest: Digest::from_bytes(&[9; 32]),
            sealed: SealedBytes::from_sealed_form([b"CSE1".as_slice(), &[0; 90]].concat()).unwrap(),
            policy_version: 1,
            gates: ["big".parse().unwrap()].into(),
            callback: None,
        },
        rules,
        state: ApprovalState::Pending,
        votes: Vec::new(),
        switches: [1; 4],
        created_at: at(0),
        expires_at: at(60_000),
        reminded_at: None,
        escalated_at: None,
        ended_at: None,
    }
}

fn after(row: ApprovalRow, votes: &[Vote]) -> (ApprovalRow, Vec<NotCast>) {
    votes.iter().fold((row, Vec::new()), |(row, mut faults), vote| {
        match row.clone().cast(vote.clone(), at(10)) {
            Ok(row) => (row, faults),
            Err(fault) => {
                faults.push(fault);
                (row, faults)
            }
        }
    })
}

#[test]
fn an_id_of_a_request_reads_back_and_has_128_bits() {
    let id = ApprovalId::from_bytes([0xab; 16]);
    assert_eq!(id.as_str(), "apr_abababababababababababababababab");
    assert_eq!(id.as_str().parse(), Ok(id));
    for bad in ["apr_", "apr_ABABABABABABABABABABABABABABABAB", "apr_abab", "agt_0c1g60r30c1g60r3"] {
        assert!(bad.parse::<ApprovalId>().is_err(), "{bad}");
    }
}

#[test]
fn who_decides_and_how_it_ends() {
    use ApprovalState::{Approved, Denied, Pending};
    use Role::{Admin, Member, Owner};
    let yes = |n, role| vote(n, Say::Approve, Some(role));
    let no = |n, role| vote(n, Say::Deny, Some(role));
    let one = || request(vec![rule(vec![roles(&[Owner, Admin], 1)], 1)]);
    let both = || request(vec![rule(vec![roles(&[Owner], 1), roles(&[Owner, Admin], 1)], 2)]);
    for (row, votes, state, faults) in [
        (one(), vec![yes(1, Admin)], Approved, vec![]),
        (one(), vec![no(1, Admin)], Denied, vec![]),
        (one(), vec![yes(1, Member)], Pending, vec![NotCast::NotAsked]),
        (one(), vec![yes(100, Owner)], Pending, vec![NotCast::Own]),
        (one(), vec![no(101, Owner)], Pending, vec![NotCast::Own]),
        (one(), vec![yes(1, Admin), no(2, Admin)], Approved, vec![NotCast::Over]),
        // An owner sits on either seat: whoever comes first does not keep the only one from the other.
        (both(), vec![yes(1, Owner), yes(2, Admin)], Approved, vec![]),
        (both(), vec![yes(2, Admin), yes(1, Owner)], Approved, vec![]),
        (both(), vec![yes(1, Owner), yes(1, Owner)], Pending, vec![NotCast::Twice]),
        (both(), vec![yes(1, Admin), yes(2, Admin)], Pending, vec![]),
        (both(), vec![no(1, Owner), yes(2, Owner), no(3, Admin)], Denied, vec![]),
        // Two rules: each wants its own.
        (
            request(vec![rule(vec![roles(&[Owner], 1)], 1), rule(vec![roles(&[Admin], 1)], 1)]),
            vec![yes(1, Owner)],
            Pending,
            vec![],
        ),
        (
            request(vec![rule(vec![roles(&[Owner], 1)], 1), rule(vec![roles(&[Admin], 1)], 1)]),
            vec![yes(1, Owner), yes(2, Admin)],
            Approved,
            vec![],
        ),
        // Without a rule nobody is asked.
        (request(vec![]), vec![yes(1, Owner)], Pending, vec![NotCast::NotAsked]),
        (request(vec![rule(vec![], 1)]), vec![yes(1, Owner)], Pending, vec![NotCast::NotAsked]),
    ] {
        let (row, got) = after(row, &votes);
        assert_eq!((row.state, got), (state, faults), "{votes:?}");
        assert_eq!(row.ended_at.is_some(), state != Pending);
    }
}

#[test]
fn two_accounts_of_one_person_are_one_word() {
    let row = request(vec![rule(vec![roles(&[Role::Owner], 2)], 1)]);
    let twin = Vote { user: user(9), ..vote(1, Say::Approve, Some(Role::Owner)) };
    let (row, faults) = after(row, &[vote(1, Say::Approve, Some(Role::Owner)), twin]);
    assert_eq!((row.state, faults), (ApprovalState::Pending, vec![NotCast::Twice]));
    // By any address that they have in common, whatever each came with last.
    let address = |n: u8| Opaque::from_digest(&[n; 32]);
    let account = |n: u8, addresses: &[u8]| Vote {
        addresses: addresses.iter().copied().map(address).collect(),
        ..vote(n, Say::Approve, Some(Role::Owner))
    };
    let row = request(vec![rule(vec![roles(&[Role::Owner], 2)], 1)]);
    let (row, faults) = after(row, &[account(1, &[50, 51]), account(2, &[50])]);
    assert_eq!((row.state, faults), (ApprovalState::Pending, vec![NotCast::Twice]));
    let (row, faults) = after(row, &[account(3, &[52])]);
    assert_eq!((row.state, faults), (ApprovalState::Approved, vec![]));
}

/// Whoever one rule asks late has no word before its own time, though others were asked for another rule.
#[test]
fn each_rule_escalates_at_its_own_time() {
    let minute = 60_000;
    let late = |n: u8, after_minutes: u32| {
        let to = Approvers { users: [user(n)].into(), ..Approvers::default() };
        ApprovalRule {
            escalate: Some(Escalation { after_minutes, to }),
            ..rule(vec![roles(&[Role::Owner], 1)], 1)
        }
    };
    let row = request(vec![late(5, 10), late(6, 100)]);
    let row = ApprovalRow { escalated_at: Some(at(10 * minute)), expires_at: at(900 * minute), ..row };
    let said = |n: u8, at_minute: u64| Vote { at: at(at_minute * minute), ..vote(n, Say::Approve, None) };
    assert!(row.asks(&said(5, 10)) && !row.asks(&said(5, 9)));
    assert!(row.asks(&said(6, 100)) && !row.asks(&said(6, 99)));
}

#[test]
fn others_count_once_they_are_asked_and_nobody_by_proxy_of_the_owner() {
    let to = Approvers { users: [user(5)].into(), ..Approvers::default() };
    let escalating = ApprovalRule {
        escalate: Some(Escalation { after_minutes: 5, to }),
        ..rule(vec![roles(&[Role::Owner], 1)], 1)
    };
    let row = request(vec![escalating]);
    let row = ApprovalRow { expires_at: at(900_000), ..row };
    let fifth = Vote { at: row.created_at.plus_millis(300_000), ..vote(5, Say::Approve, None) };
    assert_eq!(row.clone().cast(fifth.clone(), at(1)), Err(NotCast::NotAsked));
    let row = ApprovalRow { escalated_at: Some(fifth.at), ..row };
    assert_eq!(row.clone().cast(fifth, at(2)).unwrap().state, ApprovalState::Approved);
    let stand_in = Vote { instead_of: Some(user(101)), ..vote(6, Say::Approve, Some(Role::Owner)) };
    assert_eq!(row.cast(stand_in, at(2)), Err(NotCast::Own));
}

#[test]
fn nothing_is_decided_late_and_ends_are_for_good() {
    let row = request(vec![rule(vec![roles(&[Role::Owner], 1)], 1)]);
    let yes = vote(1, Say::Approve, Some(Role::Owner));
    assert_eq!(row.clone().cast(yes.clone(), at(60_000)), Err(NotCast::Over));
    let approved = row.clone().cast(yes.clone(), at(59_999)).unwrap();
    assert!(approved.is_good(at(59_999)) && !approved.is_good(at(60_000)));
    assert_eq!(approved.clone().cancelled(at(1)).state, ApprovalState::Cancelled);
    let denied = row.clone().cast(vote(1, Say::Deny, Some(Role::Owner)), at(1)).unwrap();
    assert_eq!(denied.clone().cancelled(at(2)), denied);
    assert_eq!(row.expired(at(70_000)).cast(yes, at(1)), Err(NotCast::Over));
}

/// Whether some choice of different people sits on every seat: tried one by one.
fn by_trial(seats: &[Vec<usize>], used: &mut BTreeSet<usize>) -> bool {
    let Some((first, rest)) = seats.split_first() else { return true };
    first.iter().any(|person| {
        let free = used.insert(*person);
        let found = free && by_trial(rest, used);
        if free {
            used.remove(person);
        }
        found
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn seats_are_taken_if_they_can_be(seats in prop::collection::vec(prop::collection::vec(0_usize..6, 0..4), 0..6)) {
        prop_assert_eq!(seated(&seats), by_trial(&seats, &mut BTreeSet::new()));
    }

    /// Whatever is said in whatever order, by whomever: it ends once, as the first words that suffice say, and whoever asked
    /// has no word.
    #[test]
    fn it_ends_once(words in prop::collection::vec((0_u8..6, any::<bool>(), 0_usize..3), 0..16), need in 1_u8..4, deny in 1_u8..3) {
        let row = request(vec![rule(vec![roles(&[Role::Owner, Role::Admin], need)], deny)]);
        let (mut yes, mut no) = (BTreeSet::new(), BTreeSet::new());
        let mut row = ApprovalRow { from: Requester { owner: Some(InEpoch::new(user(0), 1)), ..row.from.clone() }, ..row };
        let mut ended = None;
        for (who, approves, role) in words {
            let role = [Role::Owner, Role::Admin, Role::Viewer][role];
            let say = if approves { Say::Approve } else { Say::Deny };
            let before = row.clone();
            match row.clone().cast(vote(who, say, Some(role)), at(1)) {
                Ok(next) => {
                    prop_assert!(ended.is_none() && who != 0 && role != Role::Viewer);
                    prop_assert!(!yes.contains(&who) && !no.contains(&who));
                    if approves { yes.insert(who); } else { no.insert(who); }
                    let expected = if no.len() >= usize::from(deny) { ApprovalState::Denied }
                        else if yes.len() >= usize::from(need) { ApprovalState::Approved }
                        else { ApprovalState::Pending };
                    prop_assert_eq!(next.state, expected);
                    if expected != ApprovalState::Pending { ended = Some(expected); }
                    row = next;
                }
                Err(_) => prop_assert_eq!(&row, &before),
            }
        }
    }
}
