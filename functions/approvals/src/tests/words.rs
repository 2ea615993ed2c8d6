//! Words: whose they are, what they need, and that a retry is no second word.

use domain::{ApprovalState, Role, Say};
use serde_json::{Value, json};
use tables::faults::Fault;
use tables::{Key, Table};

use crate::tests::world::*;

fn world(high: bool) -> (World, domain::ApprovalRow) {
    let world = World::new();
    world.person(1, Some(Role::Owner));
    world.person(2, Some(Role::Developer));
    world.person(3, Some(Role::Viewer));
    let row =
        request(1, &json!({"amount": "900.00", "to": "ACME"}), Some("prod/ledger"), vec![rule(1, high)]);
    world.ask(&row);
    (world, row)
}

#[test]
fn an_approver_looks_and_approves() {
    run(async {
        let (world, row) = world(true);
        *world.memory.now.lock().unwrap() = at(5_000);
        let page = world.get(&format!("/a/{}", row.id), 1).await;
        assert_eq!(page.status(), 200);
        for text in [
            "payments.send",
            "ACME",
            "900.00",
            "Invoice 7 is due.",
            "Money leaves.",
            "big-payments",
            "59 min",
        ] {
            assert!(page.body().contains(text), "{text}: {}", page.body());
        }
        *world.memory.now.lock().unwrap() = at(25_000);
        let said = world.send(&row.id, 1, &form(page.body(), "approve", "")).await;
        assert_eq!((said.status(), said.header("location")), (303, Some(format!("/a/{}", row.id).as_str())));
        let after = world.row(&row.id);
        assert_eq!(after.state, ApprovalState::Approved);
        let vote = &after.votes[0];
        assert_eq!(
            (vote.say, vote.took_ms, vote.mfa, vote.method.as_str()),
            (Say::Approve, 20_000, true, "sso")
        );
        assert_eq!((&vote.session, vote.role), (&session(1).id, Some(Role::Owner)));
        // The agent is told, and the last of its kind is kept.
        assert_eq!(world.memory.told.lock().unwrap().len(), 1);
        let rows = world.memory.rows.lock().unwrap().clone();
        assert_eq!(rows.keys().filter(|key| key.sk.starts_with("LAST#")).count(), 1);
        assert_eq!(rows.keys().filter(|key| key.sk.starts_with(Key::VOTED)).count(), 1);
        let events: Vec<_> =
            world.events().into_iter().map(|(event, phase, _)| format!("{event} {phase}")).collect();
        let expected = [
            "approval.viewed single",
            "approval.voted attempt",
            "approval.voted outcome",
            "approval.decided single",
        ];
        assert_eq!(events, expected);
        for record in world.memory.log.lock().unwrap().iter() {
            let text = record.to_canonical().unwrap();
            assert!(text.contains(row.asked.digest.as_str()) && text.contains(row.id.as_str()), "{text}");
            assert!(text.contains("\"mfa\":true") && text.contains(session(1).id.as_str()), "{text}");
            assert!(!text.contains("ACME") && !text.contains("Invoice"), "{text}");
        }
    });
}

#[test]
fn who_may_not_is_told_why_and_writes_nothing() {
    run(async {
        let (world, row) = world(false);
        let path = format!("/a/{}", row.id);
        let owner = world.get(&path, 1).await;
        for (who, status, text) in [
            (2, 200, "no rule of the request asks you"),
            (9, 200, "nobody decides about what is done for them"),
            (3, 404, "There is no such request"),
            (7, 404, "There is no such request"),
        ] {
            let page = world.get(&path, who).await;
            assert_eq!(page.status(), status, "{who}");
            assert!(page.body().contains(text), "{who}: {}", page.body());
            assert_eq!(page.body().contains("Invoice 7"), status == 200, "{who}");
            // Another's form is of another session.
            let said = world.send(&row.id, who, &form(owner.body(), "approve", "")).await;
            assert!(matches!(said.status(), 403 | 404), "{who}: {}", said.status());
        }
        assert_eq!(world.row(&row.id), row);
        let refused = |reason: &str| world.events().iter().filter(|(_, _, told)| told == reason).count();
        assert_eq!((refused("role_forbids"), refused("user_inactive"), refused("approval.csrf")), (2, 2, 3));
    });
}

/// The agent's owner has a form of their own, and still no word.
#[test]
fn nobody_decides_for_themselves() {
    run(async {
        let (world, row) = world(false);
        world.person(8, Some(Role::Owner));
        for who in [8, 9] {
            let case = world.get("/?tenant=".to_owned().as_str(), who).await;
            assert_eq!(case.status(), 200);
            let csrf = crate::effects::csrf(&root(), &session(who), &tenant());
            let form = format!("csrf={csrf}&digest={}&seen=x&say=deny&comment=no", row.asked.digest);
            let said = world.send(&row.id, who, &form).await;
            assert!(matches!(said.status(), 403 | 409), "{}", said.status());
        }
        assert_eq!(world.row(&row.id), row);
    });
}

#[test]
fn a_form_that_is_not_this_pages_does_nothing() {
    run(async {
        let (world, row) = world(false);
        let path = format!("/a/{}", row.id);
        let page = world.get(&path, 1).await;
        let good = form(page.body(), "deny", "no");
        let other = request(2, &json!({"amount": "9.00"}), None, vec![rule(1, false)]);
        let changed = |name: &str, value: &str| {
            let old = hidden(page.body(), name).unwrap();
            good.replace(&format!("{name}={old}"), &format!("{name}={value}"))
        };
        for (form, status) in [
            (changed("csrf", ""), 403),
            (changed("csrf", "x"), 403),
            (changed("digest", other.asked.digest.as_str()), 409),
            (changed("seen", "x"), 409),
            (changed("reveal", "1"), 409),
            (good.replace("say=deny", "say=maybe"), 422),
            (good.replace("say=deny", ""), 422),
            (good.replace("comment=no", "comment="), 422),
            (good.replace("comment=no", &format!("comment={}", "x".repeat(501))), 422),
        ] {
            let said = world.send(&row.id, 1, &form).await;
            assert_eq!(said.status(), status, "{form}");
        }
        let foreign = world.event(&event("POST", &path, Some(1), Some(&good), "https://evil.example")).await;
        assert_eq!(foreign.status(), 403);
        let mut bare = event("POST", &path, Some(1), Some(&good), OWN);
        bare["headers"].as_object_mut().unwrap().remove("origin");
        assert_eq!(world.event(&bare).await.status(), 403);
        assert_eq!(world.row(&row.id), row);
        assert_eq!(world.send(&row.id, 1, &good).await.status(), 303);
        assert_eq!(world.row(&row.id).state, ApprovalState::Denied);
    });
}

/// Mail scanners open links, and ask for heads; some even send forms, but none is signed in.
#[test]
fn no_look_decides_anything() {
    run(async {
        let (world, row) = world(false);
        let path = format!("/a/{}", row.id);
        let before = world.memory.rows.lock().unwrap().clone();
        for method in ["HEAD", "GET", "POST", "PUT", "OPTIONS"] {
            let answer = world.http(method, &path, None, Some("say=approve")).await;
            assert!(matches!(answer.status(), 200 | 303 | 401 | 405), "{method}: {}", answer.status());
        }
        let head = world.http("HEAD", &path, Some(1), None).await;
        assert_eq!((head.status(), head.body()), (200, ""));
        assert_eq!(*world.memory.rows.lock().unwrap(), before);
        assert!(world.events().is_empty());
        for _ in 0..2 {
            world.get(&format!("{path}?say=approve&csrf=x"), 1).await;
        }
        assert_eq!(world.row(&row.id), row);
        let rows = world.memory.rows.lock().unwrap().clone();
        let new: Vec<_> = rows.keys().filter(|key| !before.contains_key(*key)).collect();
        assert!(matches!(new.as_slice(), [key] if key.sk.starts_with("VIEW#")), "{new:?}");
    });
}

#[test]
fn the_same_word_again_is_answered_as_the_first() {
    run(async {
        let (world, row) = world(false);
        let page = world.get(&format!("/a/{}", row.id), 1).await;
        let form = form(page.body(), "approve", "");
        for _ in 0..3 {
            assert_eq!(world.send(&row.id, 1, &form).await.status(), 303);
        }
        let denied = form.replace("say=approve", "say=deny").replace("comment=", "comment=no");
        assert_eq!(world.send(&row.id, 1, &denied).await.status(), 409);
        let after = world.row(&row.id);
        assert_eq!((after.votes.len(), after.state), (1, ApprovalState::Approved));
        assert_eq!(world.memory.told.lock().unwrap().len(), 1);
    });
}

/// Whatever becomes of a write, its word is there once, or not and said so.
#[test]
fn a_lost_write_is_looked_at_again() {
    for fault in [Fault::Throttled, Fault::LostBefore, Fault::LostAfter] {
        run(async {
            let (world, row) = world(false);
            let page = world.get(&format!("/a/{}", row.id), 1).await;
            // The first write was that of the view.
            world.memory.faults.lock().unwrap().insert(1, fault);
            let said = world.send(&row.id, 1, &form(page.body(), "deny", "no money")).await;
            assert_eq!(said.status(), 303, "{fault:?}");
            let after = world.row(&row.id);
            assert_eq!((after.votes.len(), after.state), (1, ApprovalState::Denied), "{fault:?}");
            let events = world.events();
            let count = |phase: &str| {
                events.iter().filter(|(event, told, _)| event == "approval.voted" && told == phase).count()
            };
            assert_eq!((count("attempt"), count("outcome")), (1, 1), "{fault:?}");
            // The decision itself is told of as well, to the log and to whoever waits.
            let decided = events.iter().filter(|(event, ..)| event == "approval.decided").count();
            assert_eq!((decided, world.memory.told.lock().unwrap().len()), (1, 1), "{fault:?}");
            let again = world.get(&format!("/a/{}", row.id), 1).await;
            assert!(again.body().contains("no money") && again.body().contains("You have denied it."));
        });
    }
}

#[test]
fn what_cannot_be_recorded_is_not_done() {
    run(async {
        let (world, row) = world(false);
        let page = world.get(&format!("/a/{}", row.id), 1).await;
        world.memory.down.lock().unwrap().insert("record");
        for answer in [
            world.send(&row.id, 1, &form(page.body(), "approve", "")).await,
            world.get(&format!("/a/{}", row.id), 1).await,
        ] {
            assert_eq!(answer.status(), 503);
            assert!(!answer.body().contains("Invoice 7"));
        }
        assert_eq!(world.row(&row.id), row);
    });
}

#[test]
fn whoever_was_ended_has_no_word() {
    run(async {
        let (world, row) = world(false);
        let page = world.get(&format!("/a/{}", row.id), 1).await;
        world.end(1);
        let said = world.send(&row.id, 1, &form(page.body(), "approve", "")).await;
        assert_eq!(said.status(), 404);
        // Of late, too: nothing is decided after the end.
        world.person(1, Some(Role::Owner));
        *world.memory.now.lock().unwrap() = at(3_600_000);
        let late = world.send(&row.id, 1, &form(page.body(), "approve", "")).await;
        assert_eq!(late.status(), 409);
        assert_eq!(world.row(&row.id), row);
    });
}

#[test]
fn several_at_once_are_those_that_were_looked_at_and_of_no_high_risk() {
    run(async {
        let world = World::new();
        world.person(1, Some(Role::Owner));
        let rows: Vec<_> = [(1, false), (2, false), (3, true)]
            .map(|(n, high)| request(n, &json!({"amount": "1.00"}), None, vec![rule(1, high)]))
            .into();
        rows.iter().for_each(|row| world.ask(row));
        world.get(&format!("/a/{}", rows[0].id), 1).await;
        world.get(&format!("/a/{}", rows[2].id), 1).await;
        let list = world.get(&format!("/?tenant={}", tenant()), 1).await;
        let csrf = hidden(list.body(), "csrf").unwrap().to_owned();
        assert!(!list.body().contains(&format!("name=\"approval\" value=\"{}\"", rows[2].id)));
        let ids: String = rows.iter().map(|row| format!("&approval={}", row.id)).collect();
        let send = |csrf: &str, say: &str| format!("csrf={csrf}&tenant={}&say={say}{ids}", tenant());
        let forged = world.http("POST", "/batch", Some(1), Some(&send("x", "approve"))).await;
        assert!(forged.body().contains("was not sent from this page"));
        let none = format!(
            "csrf={csrf}&tenant={}&say=deny&approval={}",
            tenant(),
            "apr_".to_owned() + &"f".repeat(32)
        );
        world.http("POST", "/batch", Some(1), Some(&none)).await;
        let noted = |reason: &str| world.events().iter().filter(|(.., told)| told == reason).count();
        assert_eq!((noted("approval.csrf"), noted("approval_unknown")), (1, 1), "refused, and recorded");
        let done = world.http("POST", "/batch", Some(1), Some(&send(&csrf, "approve"))).await;
        assert!(done.body().contains("1 of 3 decided"), "{}", done.body());
        let states: Vec<_> = rows.iter().map(|row| world.row(&row.id).state).collect();
        assert_eq!(states, [ApprovalState::Approved, ApprovalState::Pending, ApprovalState::Pending]);
        let denied = world.http("POST", "/batch", Some(1), Some(&send(&csrf, "deny"))).await;
        assert!(denied.body().contains("1 of 3 decided"), "{}", denied.body());
        assert_eq!(world.row(&rows[1].id).state, ApprovalState::Denied);
        assert_eq!(world.row(&rows[2].id).state, ApprovalState::Pending);
    });
}

#[test]
fn whoever_is_away_is_stood_in_for_by_name_alone() {
    run(async {
        let world = World::new();
        world.person(1, Some(Role::Owner));
        world.person(2, Some(Role::Operator));
        world.person(3, Some(Role::Viewer));
        let mut named = rule(1, false);
        named.quorum[0].of = domain::Approvers { users: [user(1)].into(), ..Default::default() };
        let row = request(1, &json!({}), None, vec![named]);
        world.ask(&row);
        let away = format!("/away?tenant={}", tenant());
        let page = world.get(&away, 1).await;
        let csrf = hidden(page.body(), "csrf").unwrap().to_owned();
        let send = |to: u8, until: &str| {
            let fields = [
                ("csrf", csrf.as_str()),
                ("tenant", tenant().as_str()),
                ("to", user(to).as_str()),
                ("from", "2026-11-23T08:00"),
                ("until", until),
            ]
            .map(|(name, value)| format!("{name}={}", caller::form::encode(value)));
            fields.join("&")
        };
        for (form, status) in [
            (send(1, "2026-11-30T08:00"), 422),
            (send(3, "2026-11-30T08:00"), 422),
            (send(7, "2026-11-30T08:00"), 422),
            (send(2, "2026-11-22T08:00"), 422),
            (send(2, "2027-11-22T08:00"), 422),
            (send(2, "tomorrow"), 422),
            (send(2, "2026-11-30T08:00").replace(&csrf, "x"), 403),
        ] {
            assert_eq!(world.http("POST", "/away", Some(1), Some(&form)).await.status(), status, "{form}");
        }
        assert_eq!(world.say(&row.id, 2, "deny", "no").await.status(), 403);
        let agreed = world.http("POST", "/away", Some(1), Some(&send(2, "2026-11-30T08:00"))).await;
        assert!(agreed.body().contains("Agreed."), "{}", agreed.body());
        assert!(world.get(&away, 2).await.body().contains(user(1).as_str()));
        assert_eq!(world.say(&row.id, 2, "approve", "").await.status(), 303);
        let after = world.row(&row.id);
        assert_eq!((after.state, &after.votes[0].instead_of), (ApprovalState::Approved, &Some(user(1))));
        // Back again: nobody stands in any more.
        let back = format!("csrf={csrf}&tenant={}&back=1", tenant());
        assert!(world.http("POST", "/away", Some(1), Some(&back)).await.body().contains("Welcome back."));
        let left = world
            .memory
            .rows
            .lock()
            .unwrap()
            .keys()
            .filter(|key| key.table == Table::Votes && key.sk.starts_with(Key::AWAY))
            .count();
        assert_eq!(left, 0);
    });
}

/// Table: what became of an approved request, and what its page says of it.
#[test]
fn what_became_of_it_stands_on_the_page() {
    use domain::{Run, RunRow};
    let (soon, late) = (at(60_000), at(3_600_000));
    for (state, now, says) in [
        (Run::Consumed, soon, "and taken to be run at 2026-11-23 10:42 UTC. How it ends is told by"),
        (Run::Consumed, late, "Nobody told how it ended: somebody should look."),
        (Run::Unknown, late, "Nobody told how it ended: somebody should look."),
        (Run::Executed, soon, "and executed."),
        (Run::Failed, soon, "and failed."),
        (Run::Cancelled, soon, "stopped before it was run."),
    ] {
        run(async {
            let (world, row) = world(false);
            let page = world.get(&format!("/a/{}", row.id), 1).await;
            assert_eq!(world.send(&row.id, 1, &form(page.body(), "approve", "")).await.status(), 303);
            let before = world.get(&format!("/a/{}", row.id), 1).await;
            assert!(before.body().contains("Approved. It may be used until"), "{state}");
            let ran = RunRow {
                tenant: row.from.tenant.clone(),
                agent: row.from.agent.clone(),
                permit: domain::PermitId::from_random([4; 10]),
                approval: Some(row.id.clone()),
                tool: row.asked.tool.clone(),
                digest: row.asked.digest.clone(),
                state,
                consumer: domain::Opaque::of(&["a tool"]),
                consumed_at: at(30_000),
                due_at: at(3_500_000),
                ended_at: None,
                answers: None,
            };
            let place = Key::run_of_approval(&row.from.tenant, &row.id);
            world.memory.put(place, tables::codec::Row::to_item(&ran));
            *world.memory.now.lock().unwrap() = now;
            let after = world.get(&format!("/a/{}", row.id), 1).await;
            assert!(after.body().contains(says), "{state}: {}", after.body());
        });
    }
}

/// The same request, for somebody.
fn caused_by(mut row: domain::ApprovalRow, mut asked: Value, who: &str) -> domain::ApprovalRow {
    asked["reason"] = json!("For somebody.");
    asked["cause"] = json!(tables::standing::cause_digest(&org(), who));
    let aad = envelope::Aad::action(&row.from.tenant, &row.id);
    row.asked.sealed = root().seal(&aad, asked.to_string().as_bytes(), &[9; 28]).unwrap().into();
    row
}

/// Nor does whoever stands in for them, unless they may by themselves.
#[test]
fn nobody_decides_in_the_stead_of_whom_it_is_done_for() {
    use tables::codec::Row as _;
    for (who, mine, may) in
        [(user(1), false, false), (user(1), true, true), (user(3), false, true), (user(2), true, false)]
    {
        run(async {
            let world = World::new();
            world.person(1, Some(Role::Owner));
            world.person(2, Some(Role::Operator));
            let mut named = rule(1, false);
            let users = if mine { [user(1), user(2)].into() } else { [user(1)].into() };
            named.quorum[0].of = domain::Approvers { users, ..Default::default() };
            let row =
                caused_by(request(1, &json!({}), None, vec![named]), json!({"arguments": {}}), who.as_str());
            world.ask(&row);
            let away =
                domain::DelegationRow { user: user(1), to: user(2), from: at(0), until: at(3_600_000) };
            world.memory.put(Key::delegation(&tenant(), &user(1)), away.to_item());
            let said = world.say(&row.id, 2, "approve", "").await;
            assert_eq!(said.status() == 303, may, "{who} {mine}");
            assert_eq!(world.row(&row.id).votes.len(), usize::from(may), "{who} {mine}");
        });
    }
}

/// The agent's owner, now or when it asked, and the owner of its key, under another account of theirs: known by an address.
#[test]
fn nobody_decides_by_another_account() {
    use tables::codec::Row as _;
    use tables::standing::address_digest;
    for (behind, own) in [(8, true), (9, true), (5, true), (6, false)] {
        run(async {
            let (world, row) = world(false);
            let named = |n: u8, addresses: &[&str]| {
                let mut person = domain::Person::new(user(n));
                person.addresses = addresses.iter().map(|one| address_digest(&org(), one)).collect();
                world.memory.put(Key::user(&org(), &user(n)), person.to_item());
            };
            // Since it asked, somebody else answers for the agent.
            let place = Key::agent(&tenant(), &row.from.agent);
            let mut agent = world.memory.item(&place).unwrap();
            agent.insert("owner_user".to_owned(), tables::Attr::S(user(5).to_string()));
            world.memory.put(place, agent);
            named(1, &["dana@acme.test", "d@acme.test"]);
            named(behind, &["d@acme.test", "other@acme.test"]);
            let page = world.get(&format!("/a/{}", row.id), 1).await;
            assert_eq!(
                page.body().contains("You answer for this agent, or it asks for you"),
                own,
                "{behind}"
            );
            world.person(4, Some(Role::Owner));
            let other = world.get(&format!("/a/{}", row.id), 4).await.body().to_owned();
            let said = if own { other } else { page.body().to_owned() };
            let said = world.send(&row.id, 1, &form(&said, "approve", "")).await;
            assert_eq!(said.status() == 303, !own, "{behind}");
            assert_eq!(world.row(&row.id).votes.len(), usize::from(!own), "{behind}");
        });
    }
}

/// For whom an agent acts: by any of their addresses, or by their id, they do not decide; others do.
#[test]
fn nobody_decides_about_what_is_done_for_them() {
    use tables::codec::Row as _;
    use tables::standing::address_digest;
    for (who, own) in [
        ("Dana@ACME.test", true),
        (user(1).as_str(), true),
        ("noa@acme.test", false),
        (user(2).as_str(), false),
        ("somebody of theirs", false),
    ] {
        run(async {
            let (world, row) = world(false);
            let mut person = domain::Person::new(user(1));
            person.addresses =
                ["dana@acme.test", "d@acme.test"].map(|one| address_digest(&org(), one)).into();
            world.memory.put(Key::user(&org(), &user(1)), person.to_item());
            let asked = json!({"arguments": {"amount": "900.00", "to": "ACME"}, "target": "prod/ledger"});
            let row = caused_by(row, asked, who);
            world.memory.put(Key::approval(&row.from.tenant, &row.id), row.to_item());
            let page = world.get(&format!("/a/{}", row.id), 1).await;
            assert_eq!(page.body().contains("You answer for this agent, or it asks for you"), own, "{who}");
            assert_eq!(page.body().contains("value=\"approve\""), !own, "{who}");
            let list = world.get("/", 1).await;
            assert_eq!(list.body().contains("Nothing waits for your decision."), own, "{who}");
            assert_eq!(list.body().contains("Waiting for others"), own, "{who}");
            let mut other = world.get(&format!("/a/{}", row.id), 1).await.body().to_owned();
            if own {
                // As if the page had offered it.
                world.person(4, Some(Role::Owner));
                other = world.get(&format!("/a/{}", row.id), 4).await.body().to_owned();
            }
            let said = world.send(&row.id, 1, &form(&other, "approve", "")).await;
            assert_eq!(said.status() == 303, !own, "{who}");
            assert_eq!(world.row(&row.id).votes.len(), usize::from(!own), "{who}");
        });
    }
}
