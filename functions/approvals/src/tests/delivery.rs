//! The queue and the clock: who is told what, once; and what ends by itself.

use domain::{ApprovalState, ChannelsRow, Role};
use serde_json::{Value, json};
use tables::Key;
use tables::codec::Row as _;
use tables::faults::Fault;

use crate::tests::world::*;
use crate::{Answer, Swept};
use domain::{ApprovalMessage as Message, ApprovalStep as Step};

fn channels(world: &World) {
    let document = json!({
        "emails": ["dana@acme.example", "noa@acme.example"],
        "slack": {"webhook_url": "https://hooks.slack.com/services/T/B/x", "signing_secret": "s", "users": {"U1": user(1)}},
        "webhooks": {"ops": {"url": "https://agents.acme.example/hook", "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"},
            "pager": {"url": "https://pager.acme.example/", "secret": "plain"}},
        "approvers_webhook": "pager",
    });
    let sealed =
        root().seal(&crate::channels::aad(&tenant()), document.to_string().as_bytes(), &[3; 28]).unwrap();
    let row = ChannelsRow { version: 1, sealed: sealed.into() };
    world.memory.put(Key::channels(&tenant()), row.to_item());
}

/// As the management API seals it: its own tests write the same file.
#[test]
fn channels_are_read_as_they_are_written() {
    let read: crate::channels::Channels = serde_json::from_str(include_str!("channels.json")).unwrap();
    let slack = read.slack.unwrap();
    assert_eq!(slack.signing_secret.unwrap().expose(), "planted-signing-secret");
    assert_eq!((read.emails.len(), read.webhooks.len(), slack.users.len()), (2, 2, 1));
    assert!(read.approvers_webhook.is_some_and(|name| read.webhooks.contains_key(&name)));
    let least = r#"{"emails":[],"slack":null,"webhooks":{},"approvers_webhook":null}"#;
    assert!(serde_json::from_str::<crate::channels::Channels>(least).unwrap().slack.is_none());
}

async fn deliver(world: &World, messages: &[String]) -> Vec<String> {
    let record = |(n, body): (usize, &String)| json!({"messageId": format!("m{n}"), "body": body});
    let batch = json!({"Records": messages.iter().enumerate().map(record).collect::<Vec<_>>()});
    match world.app.handle(&batch.to_string(), u64::MAX).await {
        Answer::Batch(batch) => {
            batch.batch_item_failures.into_iter().map(|one| one.item_identifier).collect()
        }
        other => panic!("{other:?}"),
    }
}

fn message(kind: Step, row: &domain::ApprovalRow) -> String {
    serde_json::to_string(&Message::new(kind, tenant(), row.id.clone())).unwrap()
}

async fn sweep(world: &World) -> Swept {
    match world.app.handle(r#"{"sweep":true}"#, u64::MAX).await {
        Answer::Sweep(swept) => swept,
        other => panic!("{other:?}"),
    }
}

fn asked(world: &World) -> domain::ApprovalRow {
    let row = request(
        1,
        &json!({"to": "Dana Levi", "amount": "900.00"}),
        Some("prod/ledger"),
        vec![rule(1, false)],
    );
    world.ask(&row);
    row
}

#[test]
fn people_get_a_link_and_nothing_of_what_is_asked() {
    run(async {
        let world = World::new();
        channels(&world);
        let row = asked(&world);
        assert!(deliver(&world, &[message(Step::Requested, &row)]).await.is_empty());
        let sent = world.memory.sent.lock().unwrap().clone();
        let to: Vec<&str> = sent.iter().map(|(to, ..)| to.as_str()).collect();
        assert_eq!(
            to,
            [
                "dana@acme.example",
                "noa@acme.example",
                "https://hooks.slack.com/services/T/B/x",
                "https://pager.acme.example/"
            ]
        );
        for (_, _, body) in &sent {
            assert!(body.contains(&format!("{OWN}/a/{}", row.id)), "{body}");
            for word in
                ["Dana", "900", "Invoice", "payments.send", "ledger", row.asked.digest.as_str(), "Money"]
            {
                assert!(!body.contains(word), "{word}: {body}");
            }
        }
        // The agent hears nothing of it, and a message that comes twice is told once.
        assert!(
            deliver(&world, &[message(Step::Requested, &row), message(Step::Requested, &row)])
                .await
                .is_empty()
        );
        assert_eq!(world.memory.sent.lock().unwrap().len(), 4);
        let events = world.events();
        let told = events
            .iter()
            .filter(|(event, phase, _)| event == "approval.notified" && phase == "attempt")
            .count();
        assert_eq!((told, events.len()), (4, 8));
        for record in world.memory.log.lock().unwrap().iter() {
            let text = record.to_canonical().unwrap();
            assert!(!text.contains('@') && !text.contains("hooks.slack"), "{text}");
        }
    });
}

#[test]
fn what_was_not_reached_comes_again_and_the_rest_does_not() {
    run(async {
        let world = World::new();
        channels(&world);
        let row = asked(&world);
        world.memory.down.lock().unwrap().insert("post");
        let bad = "{\"v\":9}".to_owned();
        let failed = deliver(&world, &[bad, message(Step::Requested, &row)]).await;
        assert_eq!(failed, ["m0", "m1"]);
        assert_eq!(world.memory.sent.lock().unwrap().len(), 2);
        world.memory.down.lock().unwrap().clear();
        assert!(deliver(&world, &[message(Step::Requested, &row)]).await.is_empty());
        assert_eq!(world.memory.sent.lock().unwrap().len(), 4);
    });
}

/// A request of an agent that is to be called back, and an owner who may decide it.
fn called_back() -> (World, domain::ApprovalRow) {
    let world = World::new();
    channels(&world);
    world.person(1, Some(Role::Owner));
    let row = asked(&world);
    (world, row)
}

#[test]
fn an_agent_is_called_back_with_how_it_ended() {
    run(async {
        let (world, row) = called_back();
        // Whoever tells of an end before it is one is not believed.
        assert_eq!(deliver(&world, &[message(Step::Decided, &row)]).await, ["m0"]);
        assert_eq!(world.say(&row.id, 1, "deny", "not this one").await.status(), 303);
        let told = world.memory.told.lock().unwrap().clone();
        assert_eq!(told, [Message::new(Step::Decided, tenant(), row.id.clone())]);
        assert!(
            deliver(&world, &[message(Step::Decided, &row), message(Step::Requested, &row)]).await.is_empty()
        );
        let sent = world.memory.sent.lock().unwrap().clone();
        let [(to, headers, body)] = sent.as_slice() else { panic!("{sent:?}") };
        assert_eq!(to, "https://agents.acme.example/hook");
        let body: Value = serde_json::from_str(body).unwrap();
        assert_eq!((&body["type"], &body["data"]["status"]), (&json!("approval.decided"), &json!("denied")));
        assert_eq!(body["data"]["action_sha256"], json!(row.asked.digest));
        assert!(!body.to_string().contains("not this one") && !body.to_string().contains("Dana"));
        let names: Vec<&str> = headers.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["webhook-id", "webhook-timestamp", "webhook-signature"]);
        assert_eq!(headers[0].1, format!("{}.decided.denied", row.id));
    });
}

#[test]
fn a_tenant_without_channels_is_told_nothing() {
    run(async {
        let world = World::new();
        let row = asked(&world);
        assert!(deliver(&world, &[message(Step::Requested, &row)]).await.is_empty());
        assert!(world.memory.sent.lock().unwrap().is_empty());
    });
}

#[test]
fn the_clock_reminds_escalates_and_ends() {
    run(async {
        let world = World::new();
        world.person(1, Some(Role::Operator));
        let mut rule = rule(1, false);
        rule.remind_minutes = Some(10);
        let to = domain::Approvers { roles: [Role::Operator].into(), ..Default::default() };
        rule.escalate = Some(domain::Escalation { after_minutes: 15, to });
        let row = request(1, &json!({}), None, vec![rule]);
        world.ask(&row);
        let at_minute = async |minute: u64| {
            *world.memory.now.lock().unwrap() = at(minute * 60_000);
            let before = world.memory.told.lock().unwrap().len();
            let swept = sweep(&world).await;
            let told = world.memory.told.lock().unwrap().split_off(before);
            for one in &told {
                assert!(deliver(&world, &[serde_json::to_string(one).unwrap()]).await.is_empty());
            }
            world.memory.told.lock().unwrap().extend(told);
            (swept.reminded, swept.escalated, swept.expired)
        };
        assert!(deliver(&world, &[message(Step::Requested, &row)]).await.is_empty());
        assert_eq!(at_minute(9).await, (0, 0, 0));
        assert_eq!(at_minute(10).await, (1, 0, 0));
        assert_eq!(at_minute(11).await, (0, 0, 0));
        assert_eq!(at_minute(15).await, (0, 1, 0));
        assert_eq!(at_minute(20).await, (1, 0, 0));
        assert_eq!(at_minute(60).await, (0, 0, 1));
        assert_eq!(at_minute(61).await, (0, 0, 0));
        assert_eq!(world.row(&row.id).state, ApprovalState::Expired);
        let told: Vec<Step> = world.memory.told.lock().unwrap().iter().map(|one| one.kind).collect();
        assert_eq!(told, [Step::Reminded, Step::Escalated, Step::Reminded, Step::Decided]);
    });
}

/// Each rule asks its own late, at its own time, and each of them is told.
#[test]
fn each_rule_asks_others_at_its_own_time() {
    run(async {
        let world = World::new();
        [1, 2].into_iter().for_each(|n| world.person(n, Some(Role::Operator)));
        let late = |n: u8, after_minutes: u32| {
            let to = domain::Approvers { users: [user(n)].into(), ..Default::default() };
            domain::ApprovalRule {
                escalate: Some(domain::Escalation { after_minutes, to }),
                ..rule(1, false)
            }
        };
        let row = request(1, &json!({}), None, vec![late(1, 10), late(2, 30)]);
        world.ask(&row);
        for (minute, escalated, second) in [(10, 1, 403), (20, 0, 403), (30, 1, 303), (40, 0, 403)] {
            *world.memory.now.lock().unwrap() = at(minute * 60_000);
            assert_eq!(sweep(&world).await.escalated, escalated, "{minute}");
            let said = world.say(&row.id, 2, "approve", "").await;
            assert_eq!(said.status(), second, "{minute}");
        }
        let asked = |(event, phase, why): &(String, String, String)| {
            [event.as_str(), phase, why] == ["approval.notified", "outcome", "escalated"]
        };
        assert_eq!(world.events().iter().filter(|one| asked(one)).count(), 2);
    });
}

/// What was approved may be cancelled: an agent that was told of the one hears of the other.
#[test]
fn every_end_is_told() {
    run(async {
        let (world, row) = called_back();
        assert_eq!(world.say(&row.id, 1, "approve", "").await.status(), 303);
        assert!(deliver(&world, &[message(Step::Decided, &row)]).await.is_empty());
        world.end(1);
        assert_eq!(sweep(&world).await.cancelled, 1);
        for _ in 0..2 {
            assert!(deliver(&world, &[message(Step::Decided, &row)]).await.is_empty());
        }
        let sent = world.memory.sent.lock().unwrap().clone();
        let ids: Vec<_> = sent.iter().map(|(_, headers, _)| headers[0].1.clone()).collect();
        assert_eq!(ids, ["approved", "cancelled"].map(|state| format!("{}.decided.{state}", row.id)));
    });
}

/// A tool that took it just before its end: the request is not said to have expired, and waits for nothing any more.
#[test]
fn what_a_tool_took_in_time_did_not_expire() {
    run(async {
        let world = World::new();
        world.person(1, Some(Role::Owner));
        let row = request(1, &json!({}), None, vec![rule(1, false)]);
        world.ask(&row);
        assert_eq!(world.say(&row.id, 1, "approve", "").await.status(), 303);
        *world.memory.now.lock().unwrap() = row.expires_at;
        // Between the look and the write of the clock.
        let place = Key::run_of_approval(&tenant(), &row.id);
        let run = domain::RunRow {
            tenant: tenant(),
            agent: agent(),
            permit: domain::PermitId::from_random([3; 10]),
            approval: Some(row.id.clone()),
            tool: row.asked.tool.clone(),
            digest: row.asked.digest.clone(),
            state: domain::Run::Consumed,
            consumer: domain::Opaque::of(&["a tool"]),
            consumed_at: row.expires_at,
            due_at: row.expires_at,
            ended_at: None,
            answers: None,
        };
        *world.memory.before_write.lock().unwrap() = Some((place, run.to_item()));
        assert_eq!(sweep(&world).await.expired, 0);
        assert_eq!(world.row(&row.id).state, ApprovalState::Approved);
        let ended: Vec<_> =
            world.events().into_iter().filter(|(event, ..)| event == "approval.expired").collect();
        assert_eq!(
            ended.last().map(|(_, phase, why)| (phase.as_str(), why.as_str())),
            Some(("outcome", "not_written"))
        );
        assert_eq!(sweep(&world).await, Swept::default());
    });
}

/// The clock's own write, whose answer is lost: it is told of as what it was.
#[test]
fn an_end_whose_answer_was_lost_is_told_as_one() {
    for (fault, expired, why) in
        [(Fault::LostAfter, 1, "approval_expired"), (Fault::LostBefore, 0, "not_written")]
    {
        run(async {
            let world = World::new();
            let row = request(1, &json!({}), None, vec![rule(1, false)]);
            world.ask(&row);
            *world.memory.now.lock().unwrap() = row.expires_at;
            world.memory.faults.lock().unwrap().insert(0, fault);
            assert_eq!(sweep(&world).await.expired, expired, "{fault:?}");
            let events = world.events();
            let outcome =
                events.iter().find(|(event, phase, _)| event == "approval.expired" && phase == "outcome");
            assert_eq!(outcome.map(|(.., told)| told.as_str()), Some(why), "{fault:?}");
        });
    }
}

/// Whoever is asked late has a word from then on, and none before.
#[test]
fn others_are_asked_by_escalation() {
    run(async {
        let world = World::new();
        world.person(1, Some(Role::Operator));
        let to = domain::Approvers { roles: [Role::Operator].into(), ..Default::default() };
        let rule = domain::ApprovalRule {
            escalate: Some(domain::Escalation { after_minutes: 15, to }),
            ..rule(1, false)
        };
        let row = request(1, &json!({}), None, vec![rule]);
        world.ask(&row);
        assert_eq!(world.say(&row.id, 1, "approve", "").await.status(), 403);
        *world.memory.now.lock().unwrap() = at(15 * 60_000);
        assert_eq!(sweep(&world).await.escalated, 1);
        assert_eq!(world.say(&row.id, 1, "approve", "").await.status(), 303);
        assert_eq!(world.row(&row.id).state, ApprovalState::Approved);
    });
}

#[test]
fn a_leaver_takes_their_words_with_them() {
    run(async {
        let world = World::new();
        [1, 2, 3].into_iter().for_each(|n| world.person(n, Some(Role::Owner)));
        let row = request(1, &json!({}), None, vec![rule(2, false)]);
        world.ask(&row);
        assert_eq!(world.say(&row.id, 1, "approve", "").await.status(), 303);
        world.end(1);
        assert_eq!(sweep(&world).await.dropped, 1);
        assert!(world.row(&row.id).votes.is_empty());
        for who in [2, 3] {
            assert_eq!(world.say(&row.id, who, "approve", "").await.status(), 303);
        }
        assert_eq!(sweep(&world).await, Swept::default());
        assert_eq!(world.row(&row.id).state, ApprovalState::Approved);
        world.end(3);
        assert_eq!(sweep(&world).await.cancelled, 1);
        assert_eq!(world.row(&row.id).state, ApprovalState::Cancelled);
        let reasons: Vec<_> = world
            .events()
            .into_iter()
            .filter(|(event, ..)| event == "approval.cancelled")
            .map(|(.., reason)| reason)
            .collect();
        assert_eq!(reasons, ["approver_inactive", "approver_inactive"]);
    });
}

/// A queue that does not answer keeps nobody from being told: of a request, of those who are asked late, of its end.
#[test]
fn what_the_queue_did_not_take_is_told_by_the_clock() {
    run(async {
        let (world, row) = called_back();
        let at_minute = async |minute: u64| {
            *world.memory.now.lock().unwrap() = at(minute * 60_000);
            sweep(&world).await
        };
        let told = || std::mem::take(&mut *world.memory.told.lock().unwrap());
        let of = |kind| vec![Message::new(kind, tenant(), row.id.clone())];
        // `actions` wrote the request, and nobody heard of it.
        assert_eq!((at_minute(1).await, told()), (Swept::default(), vec![]), "it may be on its way");
        world.memory.down.lock().unwrap().insert("tell");
        assert_eq!((at_minute(2).await, told()), (Swept { failed: 1, ..Swept::default() }, vec![]));
        world.memory.down.lock().unwrap().clear();
        assert_eq!(
            (at_minute(3).await, told()),
            (Swept { told: 1, ..Swept::default() }, of(Step::Requested))
        );
        assert_eq!((at_minute(4).await, told()), (Swept::default(), vec![]), "once is enough");
        world.memory.down.lock().unwrap().insert("tell");
        assert_eq!(world.say(&row.id, 1, "approve", "").await.status(), 303);
        world.memory.down.lock().unwrap().clear();
        assert_eq!((at_minute(6).await, told()), (Swept { told: 1, ..Swept::default() }, of(Step::Decided)));
        assert!(deliver(&world, &[message(Step::Decided, &row)]).await.is_empty());
        assert_eq!(world.memory.sent.lock().unwrap().len(), 1, "the agent");
    });
}

/// What came need not be told again; of what an agent does not want to hear nothing is kept.
#[test]
fn what_the_queue_brought_is_told_no_more() {
    run(async {
        let world = World::new();
        channels(&world);
        world.person(1, Some(Role::Owner));
        let kept = |world: &World| {
            let rows = world.memory.rows.lock().unwrap();
            rows.keys().filter(|key| key.sk.starts_with(Key::UNTOLD)).count()
        };
        let row = asked(&world);
        assert_eq!(kept(&world), 1);
        assert!(deliver(&world, &[message(Step::Requested, &row)]).await.is_empty());
        assert_eq!(kept(&world), 0);
        assert_eq!(world.say(&row.id, 1, "deny", "no").await.status(), 303);
        assert_eq!(kept(&world), 1);
        assert!(deliver(&world, &[message(Step::Decided, &row)]).await.is_empty());
        assert_eq!(kept(&world), 0);
        let mut quiet = request(2, &json!({}), None, vec![rule(1, false)]);
        quiet.asked.callback = None;
        world.ask(&quiet);
        assert!(deliver(&world, &[message(Step::Requested, &quiet)]).await.is_empty());
        assert_eq!(world.say(&quiet.id, 1, "deny", "no").await.status(), 303);
        assert_eq!(kept(&world), 0);
    });
}

/// What a pass cannot record it does not do; the next one does.
#[test]
fn a_pass_that_cannot_record_ends_nothing() {
    run(async {
        let world = World::new();
        let row = asked(&world);
        world.end(8);
        world.memory.down.lock().unwrap().insert("record");
        assert_eq!(sweep(&world).await, Swept { failed: 1, ..Swept::default() });
        assert_eq!(world.row(&row.id), row);
        world.memory.down.lock().unwrap().clear();
        assert_eq!(sweep(&world).await.cancelled, 1);
    });
}
