//! Races: everybody at once, and exactly one outcome.

use domain::{ApprovalState, Role, Say};
use futures_util::future::{join, join_all};
use serde_json::json;
use tables::Key;

use crate::tests::world::*;

/// 50 people look, and then all of them speak at once.
fn fifty(need: u8, denies: impl Fn(u8) -> bool) -> World {
    let world = World::yielding();
    let row = request(1, &json!({"amount": "900.00"}), None, vec![rule(need, false)]);
    (10..60).for_each(|n| world.person(n, Some(Role::Owner)));
    world.ask(&row);
    run(async {
        let mut forms = Vec::new();
        for n in 10..60 {
            let page = world.get(&format!("/a/{}", row.id), n).await;
            let word = if denies(n) { "deny" } else { "approve" };
            forms.push((n, form(page.body(), word, "said")));
        }
        let all = forms.iter().map(|(n, form)| world.send(&row.id, *n, form));
        let answers = join_all(all).await;
        let taken = answers.iter().filter(|answer| answer.status() == 303).count();
        assert!(answers.iter().all(|answer| matches!(answer.status(), 303 | 409)));
        assert_eq!(world.row(&row.id).votes.len(), taken);
    });
    world
}

fn decided(world: &World) -> (usize, usize) {
    let decided = world.events().iter().filter(|(event, ..)| event == "approval.decided").count();
    (decided, world.memory.told.lock().unwrap().len())
}

#[test]
fn fifty_who_approve_are_one_approval() {
    let world = fifty(3, |_| false);
    let row = world.row(&domain::ApprovalId::from_bytes([1; 16]));
    assert_eq!((row.state, row.votes.len(), decided(&world)), (ApprovalState::Approved, 3, (1, 1)));
}

#[test]
fn fifty_of_two_minds_are_one_decision() {
    let world = fifty(4, |n| n % 2 == 0);
    let row = world.row(&domain::ApprovalId::from_bytes([1; 16]));
    assert_eq!((row.state, decided(&world)), (ApprovalState::Denied, (1, 1)));
    assert_eq!(row.votes.iter().filter(|vote| vote.say == Say::Deny).count(), 1);
    // No two of them were written over each other.
    let voted = world.memory.rows.lock().unwrap().keys().filter(|key| key.sk.starts_with(Key::VOTED)).count();
    assert_eq!(voted, row.votes.len());
}

/// A double click, or a client that sends again: one word, however they meet, whether it decides or not, and whether or not another
/// one of its kind was approved before.
#[test]
fn one_person_at_once_has_one_word() {
    for (need, before) in [(2, false), (1, false), (1, true)] {
        let world = World::yielding();
        world.person(1, Some(Role::Owner));
        let rows = [1, 2].map(|n| request(n, &json!({"amount": n}), None, vec![rule(need, false)]));
        rows.iter().for_each(|row| world.ask(row));
        run(async {
            for row in rows.iter().skip(usize::from(!before)) {
                let page = world.get(&format!("/a/{}", row.id), 1).await;
                let form = form(page.body(), "approve", "yes");
                let answers = join_all((0..8).map(|_| world.send(&row.id, 1, &form))).await;
                let statuses: Vec<_> = answers.iter().map(|answer| answer.status()).collect();
                assert_eq!(statuses, [303; 8], "{need} {before}");
                let after = world.get(&format!("/a/{}", row.id), 1).await;
                let is_last = after.body().contains("This is the last approved one of this tool and target.");
                assert_eq!(is_last, need == 1, "{need} {before}");
            }
        });
        assert_eq!(world.row(&rows[1].id).votes.len(), 1);
    }
}

/// The second click of two, however long after the first: also where it sees the request as it was, and what was approved as it is.
#[test]
fn the_second_click_is_the_same_word_whenever_it_comes() {
    for turn in 0..40 {
        let world = World::yielding();
        world.person(1, Some(Role::Owner));
        let row = request(1, &json!({}), None, vec![rule(1, false)]);
        world.ask(&row);
        run(async {
            let page = world.get(&format!("/a/{}", row.id), 1).await;
            let form = form(page.body(), "approve", "yes");
            let second = async {
                for _ in 0..turn {
                    tables::faults::others_first().await;
                }
                world.send(&row.id, 1, &form).await
            };
            let (first, second) = join(world.send(&row.id, 1, &form), second).await;
            assert_eq!((first.status(), second.status()), (303, 303), "{turn}");
        });
        assert_eq!((world.row(&row.id).votes.len(), decided(&world)), (1, (1, 1)), "{turn}");
    }
}

/// A word against the end of its time, a switch, and somebody's leaving; each by a sweep beside it, which begins earlier or later.
#[test]
fn a_word_and_an_end_are_one_outcome() {
    let mut seen = std::collections::BTreeSet::new();
    for (what, turn) in [("late", 0), ("killed", 1), ("left", 2)]
        .into_iter()
        .flat_map(|(what, _)| (0..12).map(move |turn| (what, turn)))
    {
        let world = World::yielding();
        world.person(1, Some(Role::Owner));
        let row = request(1, &json!({}), None, vec![rule(1, false)]);
        world.ask(&row);
        run(async {
            let page = world.get(&format!("/a/{}", row.id), 1).await;
            let form = form(page.body(), "approve", "");
            if what == "late" {
                *world.memory.now.lock().unwrap() = at(3_599_999);
            }
            let end = async {
                for _ in 0..turn {
                    tables::faults::others_first().await;
                }
                match what {
                    "late" => *world.memory.now.lock().unwrap() = at(3_600_000),
                    "killed" => {
                        let key = tables::KillKeys::above(&org(), &tenant(), &agent(), 0).tenant;
                        let stopped = domain::KillRow { version: 2, ..domain::KillRow::new() };
                        world.memory.put(key, tables::codec::Row::to_item(&stopped));
                    }
                    _ => world.end(9),
                }
                world.app.effects.sweep(domain::Timestamp::MAX).await
            };
            let (said, _) = join(world.send(&row.id, 1, &form), end).await;
            // What was approved before is ended by the next pass; nothing is decided twice.
            world.app.effects.sweep(domain::Timestamp::MAX).await;
            let after = world.row(&row.id);
            let ends = [ApprovalState::Expired, ApprovalState::Cancelled];
            assert!(ends.contains(&after.state), "{what} {turn}: {:?}", after.state);
            assert_eq!(said.status() == 303, after.votes.len() == 1, "{what} {turn}");
            seen.insert((what, said.status()));
            let ended = world
                .events()
                .iter()
                .filter(|(event, phase, reason)| {
                    phase == "outcome"
                        && reason != "not_written"
                        && (event == "approval.expired" || event == "approval.cancelled")
                })
                .count();
            assert_eq!(ended, 1, "{what} {turn}");
            assert!(!world.memory.rows.lock().unwrap().contains_key(&Key::waiting(&tenant(), &row.id)));
        });
    }
    // Both orders happened.
    assert!(seen.contains(&("late", 303)) && seen.contains(&("late", 409)), "{seen:?}");
    assert!(seen.contains(&("killed", 303)) && seen.contains(&("killed", 409)), "{seen:?}");
}
