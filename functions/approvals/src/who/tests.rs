use super::*;
use crate::tests::world::{at, judged, me, request, rule, session, user};
use serde_json::json;

#[test]
fn a_session_is_what_admin_says() {
    let told = |status, body| Told { status, body, renewed: None };
    assert_eq!(Session::read(&told(200, judged(1))), Ok(session(1)));
    let without = |name: &str| {
        let mut body = judged(1);
        body.as_object_mut().unwrap().remove(name);
        body
    };
    let as_client = |client: &str| {
        let mut body = judged(1);
        body["session"]["client"] = json!(client);
        body
    };
    for (status, body, expected) in [
        (401, judged(1), NoSession::SignIn),
        (403, judged(1), NoSession::SignIn),
        (404, judged(1), NoSession::Unavailable),
        (500, judged(1), NoSession::Unavailable),
        (200, json!({}), NoSession::Unavailable),
        (200, without("user"), NoSession::Unavailable),
        (200, without("method"), NoSession::Unavailable),
        // A program, a command, and `admin`'s own page.
        (200, without("connection"), NoSession::SignIn),
        (200, as_client("command"), NoSession::SignIn),
        (200, as_client("browser"), NoSession::SignIn),
    ] {
        assert_eq!(Session::read(&told(status, body)), Err(expected), "{status}");
    }
}

#[test]
fn who_may_decide_look_or_neither() {
    let row = request(1, &json!({}), None, vec![rule(1, false)]);
    let now = at(1);
    for (n, role, expected) in [
        (1, Some(Role::Owner), May::Decide),
        (9, Some(Role::Owner), May::Look(NotCast::Own)),
        (1, Some(Role::Admin), May::Look(NotCast::NotAsked)),
        (1, Some(Role::Operator), May::Look(NotCast::NotAsked)),
        (1, Some(Role::Developer), May::Look(NotCast::NotAsked)),
        (1, Some(Role::Member), May::Nothing),
        (1, Some(Role::Viewer), May::Nothing),
        (1, None, May::Nothing),
        (8, None, May::Nothing),
    ] {
        assert_eq!(me(n, role).may(&row, now), expected, "{n} {role:?}");
    }
    assert_eq!(me(1, Some(Role::Owner)).may(&row, row.expires_at), May::Look(NotCast::Over));
    // Whoever is asked by a group needs no role besides.
    let group = GroupId::from_random([6; 10]);
    let mut asked = rule(1, false);
    asked.quorum[0].of = domain::Approvers { groups: [group.clone()].into(), ..Default::default() };
    let row = request(1, &json!({}), None, vec![asked]);
    let other = GroupId::from_random([7; 10]);
    let inside = Me { groups: [group.clone(), other].into(), ..me(1, None) };
    assert_eq!((inside.may(&row, now), me(2, None).may(&row, now)), (May::Decide, May::Nothing));
    // Of their groups those are kept that count.
    assert_eq!(inside.vote(&row, Say::Approve, (now, 1)).groups, [group].into());
}

fn called(n: u8) -> Called {
    Called { user: user(n), names: Vec::new() }
}

/// Whoever stands in has a word beside their own no more than once, and never for whoever asks.
#[test]
fn a_place_is_taken_once() {
    let mut named = rule(2, false);
    named.quorum[0].of =
        domain::Approvers { users: [user(1), user(5), user(9)].into(), ..Default::default() };
    let row = request(1, &json!({}), None, vec![named]);
    let (now, role) = (at(1), Some(Role::Operator));
    let stands = |n: u8, instead_of: &[u8]| Me {
        instead_of: instead_of.iter().map(|n| called(*n)).collect(),
        ..me(n, role)
    };
    assert_eq!(stands(2, &[9]).may(&row, now), May::Look(NotCast::NotAsked));
    let two = stands(2, &[9, 1]);
    let vote = two.vote(&row, Say::Approve, (now, 1));
    assert_eq!(vote.instead_of, Some(user(1)));
    let row = two.cast(row, vote, now).unwrap();
    // The one who was away, and another who stands in for them: their place is taken.
    assert_eq!(me(1, role).may(&row, now), May::Look(NotCast::Twice));
    assert_eq!(stands(3, &[1]).may(&row, now), May::Look(NotCast::NotAsked));
    assert_eq!(stands(3, &[1, 5]).may(&row, now), May::Decide);
    // Without a role of their own they stand in for nobody.
    let blind = Me { instead_of: vec![called(5)], ..me(3, Some(Role::Viewer)) };
    assert_eq!(blind.may(&row, now), May::Nothing);
}

#[test]
fn absences_count_from_their_beginning_to_their_end() {
    let row = |of: u8, to: u8, from: u64, until: u64| DelegationRow {
        user: user(of),
        to: user(to),
        from: at(from),
        until: at(until),
    };
    let rows = [row(1, 2, 10, 20), row(3, 2, 0, 11), row(4, 5, 0, 99), row(2, 2, 0, 99)];
    for (now, expected) in
        [(0, vec![3]), (9, vec![3]), (10, vec![1, 3]), (11, vec![1]), (19, vec![1]), (20, vec![])]
    {
        let expected: Vec<UserId> = expected.into_iter().map(user).collect();
        assert_eq!(instead_of(&user(2), &rows, at(now)), expected, "{now}");
    }
}
