use super::*;
use crate::tests::world::{agent, at, request, rule, tenant, user};
use domain::{ApprovalRule, Escalation, Say};
use serde_json::json;

fn person(n: u8, active: bool, epoch: u64) -> (UserId, User) {
    (user(n), User { id: user(n), active, epoch })
}

fn around() -> Around {
    let people = [1, 8, 9].map(|n| person(n, true, 1)).into();
    Around { switches: [(); 4].map(|()| Some(KillRow::new())), people, taken: None }
}

fn row(rules: Vec<ApprovalRule>) -> ApprovalRow {
    request(1, &json!({}), None, rules)
}

fn voted(need: u8, say: Say) -> ApprovalRow {
    let row = row(vec![rule(need, false)]);
    let vote = crate::tests::world::me(1, Some(domain::Role::Owner)).vote(&row, say, (at(1), 1));
    row.cast(vote, at(1)).unwrap()
}

fn name(due: &Due) -> &'static str {
    match due {
        Due::Nothing => "nothing",
        Due::Forget => "forget",
        Due::Expire(_) => "expire",
        Due::Cancel(_, why) => why,
        Due::Drop(_) => "drop",
        Due::Escalate(_) => "escalate",
        Due::Remind(_) => "remind",
    }
}

#[test]
fn what_weighs_most_is_done() {
    let (plain, approved) = (row(vec![rule(1, false)]), voted(1, Say::Approve));
    let half = voted(2, Say::Approve);
    let with = |change: &dyn Fn(&mut Around)| {
        let mut around = around();
        change(&mut around);
        around
    };
    let killed = |level: usize, scope: Option<KillScope>, version: u64| {
        with(&|around| {
            around.switches[level] =
                Some(KillRow { version, stopped: scope.into_iter().collect(), ..KillRow::new() });
        })
    };
    let taken = |state| with(&|around| around.taken = Some(state));
    let end = at(3_600_000);
    for (what, row, around, now, expected) in [
        ("nothing", &plain, around(), at(1), "nothing"),
        ("in time, approved", &approved, around(), at(1), "nothing"),
        ("late", &plain, around(), end, "expire"),
        ("approved, and not used in time", &approved, around(), end, "expire"),
        ("denied", &voted(1, Say::Deny), around(), end, "forget"),
        ("consumed", &approved, taken(Run::Consumed), end, "forget"),
        ("refused to its tool", &approved, taken(Run::Cancelled), at(5), "approval_cancelled"),
        ("platform turned", &plain, killed(0, None, 2), at(1), "killed"),
        ("agent stopped, as seen", &plain, killed(3, Some(KillScope::Actions), 1), at(1), "killed"),
        ("all stopped", &approved, killed(2, Some(KillScope::All), 2), at(1), "killed"),
        ("models alone, as seen", &plain, killed(2, Some(KillScope::Llm), 1), at(1), "nothing"),
        ("a switch that is not there", &plain, with(&|around| around.switches[1] = None), at(1), "nothing"),
        (
            "key's owner left",
            &plain,
            with(&|around| drop(around.people.remove(&user(8)))),
            at(1),
            "owner_inactive",
        ),
        (
            "agent's owner ended",
            &approved,
            with(&|around| around.people.extend([person(9, false, 2)])),
            at(1),
            "owner_inactive",
        ),
        (
            "let in again",
            &plain,
            with(&|around| around.people.extend([person(9, true, 2)])),
            at(1),
            "owner_inactive",
        ),
        (
            "approver left",
            &approved,
            with(&|around| around.people.extend([person(1, false, 2)])),
            at(1),
            "approver_inactive",
        ),
        ("one of two left", &half, with(&|around| around.people.extend([person(1, true, 2)])), at(1), "drop"),
        ("late goes before stopped", &plain, killed(0, None, 2), end, "expire"),
    ] {
        let due = due(row, &around, now);
        assert_eq!(name(&due), expected, "{what}");
        if let Due::Expire(new) | Due::Cancel(new, _) = due {
            assert!(new.ended_at == Some(now) && !new.is_open(at(0)), "{what}");
        }
    }
    assert_eq!((plain.from.tenant, plain.from.agent), (tenant(), agent()));
}

#[test]
fn people_are_reminded_and_others_asked_in_time() {
    let to = domain::Approvers { users: [user(5)].into(), ..Default::default() };
    let rule = ApprovalRule {
        remind_minutes: Some(1),
        escalate: Some(Escalation { after_minutes: 30, to }),
        ..rule(1, false)
    };
    let mut row = row(vec![rule]);
    let mut steps = Vec::new();
    for minute in 0..60 {
        let now = at(minute * 60_000);
        match due(&row, &around(), now) {
            Due::Escalate(new) => {
                steps.push((minute, "escalate"));
                row = *new;
            }
            Due::Remind(new) => {
                steps.push((minute, "remind"));
                row = *new;
            }
            other => assert_eq!(other, Due::Nothing),
        }
    }
    // Never more often than every five minutes, whatever the rule says.
    let reminded: Vec<_> =
        steps.iter().filter(|(_, step)| *step == "remind").map(|(minute, _)| *minute).collect();
    assert_eq!(reminded, [5, 10, 15, 20, 25, 31, 36, 41, 46, 51, 56]);
    assert_eq!(steps.iter().find(|(_, step)| *step == "escalate"), Some(&(30, "escalate")));
}
