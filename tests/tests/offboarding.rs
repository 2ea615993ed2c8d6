//! Somebody leaves: out at once, and what they held is dealt with after that, through the real functions.
#![cfg(test)]

use countersign_tests::support::admin::Person;
use countersign_tests::support::http::Answer;
use countersign_tests::support::records::Record;
use countersign_tests::support::world::{World, code, models, refused, text};
use countersign_tests::support::{aws, records, stack, wait};
use serde_json::{Value, json};

/// A key that was made: its id, and itself.
struct Made {
    id: String,
    key: String,
}

impl Made {
    fn of(by: &Person, world: &World, kind: &str, agent: &str) -> Self {
        let body = json!({"agent": agent, "actions": ["models.list"]});
        let made = by.send("POST", &world.path(&format!("/keys/{kind}")), &body);
        assert_eq!(made.status, 201, "{made:?}");
        Self { id: text(&made, "id"), key: text(&made, "gateway_key") }
    }

    fn seen_by(&self, by: &Person, world: &World) -> Value {
        by.get(&world.path(&format!("/keys/{}", self.id))).json()
    }
}

fn status(by: &Person, world: &World, of: &Person, to: &str) -> Answer {
    let path = format!("/v1/orgs/{}/users/{}/status", world.org.id, of.user);
    by.send("PUT", &path, &json!({ "status": to }))
}

fn agent(by: &Person, world: &World, id: &str) -> Value {
    by.get(&world.path(&format!("/agents/{id}"))).json()
}

/// Whether a thing has a record of this event and phase.
fn has(records: &[Record], event: &str, resource: &str, phase: &str) -> bool {
    records.iter().any(|record| {
        record.field("event_type") == event
            && record.field("resource") == resource
            && record.field("phase") == phase
            && record.field("actor_id") == "system"
    })
}

#[test]
fn what_a_leaver_held_is_dealt_with_and_stays_so_when_they_are_back() {
    let Some(world) = World::new() else { return };
    let (dana, keeper) = (world.with_role("dana", "admin"), world.with_role("stranger", "admin"));
    let (lonely, covered, other) = (world.agent(&dana), world.agent(&dana), world.agent(&keeper));
    let owner = |body: Value| keeper.send("PUT", &world.path(&format!("/agents/{covered}/owner")), &body);
    assert_eq!(code(&owner(json!({"owner": dana.user, "deputy": dana.user}))), refused(400, "invalid_field"));
    let named = owner(json!({"owner": dana.user, "deputy": keeper.user}));
    assert_eq!((named.status, text(&named, "deputy")), (200, keeper.user.clone()), "{named:?}");
    let own = Made::of(&dana, &world, "own", &other);
    let service = Made::of(&dana, &world, "service", &other);
    let stays = Made::of(&keeper, &world, "service", &other);
    assert_eq!(models(&own.key).status, 200);
    assert_eq!(service.seen_by(&keeper, &world)["seen_by"], json!(dana.user));

    assert_eq!(status(&world.owner, &world, &dana, "suspended").status, 200);
    assert_ne!(models(&own.key).status, 200, "at once");
    wait::until("the leaver's key to be revoked", || {
        (own.seen_by(&keeper, &world)["state"] == "revoked").then_some(())
    });
    let by = wait::until("the deadline of the secret that they saw", || {
        service.seen_by(&keeper, &world)["rotate_by"].as_str().map(str::to_owned)
    });
    wait::until("the agent of theirs to be suspended", || {
        (agent(&keeper, &world, &lonely)["status"] == "suspended").then_some(())
    });
    let given = wait::until("the other one to be its deputy's", || {
        Some(agent(&keeper, &world, &covered)).filter(|agent| agent["owner"] == json!(keeper.user))
    });
    assert_eq!((&given["status"], &given["deputy"]), (&json!("active"), &json!(null)));
    assert_eq!(models(&service.key).status, 200, "until {by}");
    assert_eq!(stays.seen_by(&keeper, &world)["rotate_by"], json!(null), "not what others saw");
    assert_eq!(agent(&keeper, &world, &other)["status"], "active");

    let wanted = [
        ("key.revoked", format!("key:{}", own.id)),
        ("key.rotation_due", format!("key:{}", service.id)),
        ("admin.agent", format!("agent:{lonely}")),
        ("admin.agent", format!("agent:{covered}")),
    ];
    wait::until("every step in the tenant's log", || {
        let records = records::all(&world.tenant);
        let told = |(event, resource): &(&str, String)| {
            ["attempt", "outcome"].iter().all(|phase| has(&records, event, resource, phase))
        };
        wanted.iter().all(told).then_some(())
    });
    wait::until("the whole in the organization's log", || {
        let records = records::all("ten_0000000000000000");
        has(&records, "admin.offboarding", &format!("user:{}", dana.user), "single").then_some(())
    });

    // Somebody else replaces the secret: the key has no deadline any more.
    let path = world.path(&format!("/keys/{}/rotate", service.id));
    let turned = keeper.send("POST", &path, &json!({"overlap_seconds": 0}));
    assert_eq!(turned.status, 200, "{turned:?}");
    let turned = turned.json();
    assert_eq!((&turned["rotate_by"], &turned["seen_by"]), (&json!(null), &json!(keeper.user)));
    assert_ne!(models(&service.key).status, 200, "the secret of before");

    // Back: nothing of before is.
    assert_eq!(status(&world.owner, &world, &dana, "active").status, 200);
    let refused = models(&own.key);
    assert_eq!((refused.status, refused.json()["error"]["code"].as_str()), (401, Some("invalid_api_key")));
    assert_eq!(agent(&keeper, &world, &lonely)["status"], "suspended");
    let again = world.org.sign_in("dana").expect("reactivated");
    assert_eq!(models(&Made::of(&again, &world, "own", &other).key).status, 200);
}

/// A message is no authority: the queue takes it from those who end people alone, and the person's own row must say the same.
#[test]
fn nobody_else_tells_that_somebody_has_left() {
    let body = r#"{"v":1,"kind":"offboarded","org":"org_040g2081040g2081","user":"usr_0c1g60r30c1g60r3","epoch":8,"at":"2026-11-26T09:00:00.000Z","cause":"admin"}"#;
    let params = json!({"QueueUrl": stack().at("/queues/lifecycle/url"), "MessageBody": body});
    for role in ["gateway", "dlp", "operator", "auditor", "lifecycle"] {
        let sent = aws::call(role, "sqs", "send_message", &params);
        assert!(sent.as_ref().is_err_and(|error| error.code.contains("AccessDenied")), "{role}: {sent:?}");
    }
    let event = json!({"Records": [{"messageId": "forged", "body": body}]});
    let answer = aws::invoke("root", "lifecycle", &event).expect("whoever may invoke it writes the event");
    assert_eq!(
        answer,
        json!({"batchItemFailures": [{"itemIdentifier": "forged"}]}),
        "nobody of that name left"
    );
}

#[test]
fn the_clock_asks_for_those_of_whom_no_message_came() {
    let done = aws::invoke("root", "lifecycle", &json!({"sweep_offboardings": {}})).expect("it runs");
    assert!(done["offboarded"].is_u64(), "{done}");
}
