//! Whom a request for approval is told, through the real functions: people by mail, in Slack and by a webhook, each with a link
//! alone; the agent by a callback that it can verify; and what a queue that refuses costs.
#![cfg(test)]

use std::sync::{Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign_tests::support::admin::Person;
use countersign_tests::support::approvals::{Agent, Desk, gate, page};
use countersign_tests::support::browser::encode;
use countersign_tests::support::denied::Denied;
use countersign_tests::support::inbox::{Inbox, Post, mail};
use countersign_tests::support::stack::unique;
use countersign_tests::support::world::{World, text};
use countersign_tests::support::{Answer, Request, aws, planted, records, stack, wait};
use ring::hmac;
use serde_json::{Value, json};

/// One of them takes permissions away, and one changes how soon a queue gives a message out again.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A tenant whose payments wait, with ways to tell of them.
struct Shop {
    world: World,
    dana: Person,
    agent: Agent,
    inbox: Inbox,
    mail: String,
    /// Signs what Slack sends.
    slack: String,
    /// Signs what is sent to the agent.
    hook: [u8; 24],
}

impl Shop {
    fn open() -> Option<Self> {
        let world = World::new()?;
        let (dana, noa) = (world.with_role("dana", "owner"), world.with_role("noa", "admin"));
        world.put_gate(&dana, &noa, &gate(1, false));
        let (agent, inbox) = (Agent::new(&world, &noa), Inbox::start());
        let hook = *unique::<12>().as_bytes().first_chunk().expect("24 characters");
        let shop = Self {
            mail: format!("dana+{}@acme.test", unique::<6>()),
            slack: unique::<16>(),
            hook,
            world,
            dana,
            agent,
            inbox,
        };
        // A deployment's own step: SES takes nothing from an address that nobody verified. Another run may have done it.
        drop(aws::call(
            "root",
            "sesv2",
            "create_email_identity",
            &json!({"EmailIdentity": "countersign.test"}),
        ));
        planted::note(&shop.slack);
        planted::note(&STANDARD.encode(shop.hook));
        let other = format!("whsec_{}", STANDARD.encode(unique::<16>()));
        shop.world.put_channels(
            &shop.dana,
            &json!({
                "emails": [shop.mail],
                "slack": {
                    "webhook_url": shop.inbox.url("/slack"), "signing_secret": shop.slack,
                    "users": {"U1DANA": shop.dana.user, "U2NOA": noa.user},
                },
                "webhooks": {
                    "ops": {"url": shop.inbox.url("/agent"), "secret": format!("whsec_{}", STANDARD.encode(shop.hook))},
                    "pager": {"url": shop.inbox.url("/pager"), "secret": other},
                },
                "approvers_webhook": "pager",
            }),
        );
        Some(shop)
    }

    /// The agent asks for a payment that waits, and wants to be told.
    fn asks(&self) -> String {
        let [_, _, (_, iban), _, _, (_, email), ..] = planted::PERSONAL;
        let arguments = json!({"amount": 82_000, "currency": "EUR", "to": iban, "notify": email});
        let asked = self.agent.sends(&json!({
            "tool": "payments.send", "arguments": arguments, "reason": "The invoice of November is due.",
            "idempotency_key": unique::<8>(), "callback": "ops",
        }));
        assert_eq!(asked.status, 202, "{asked:?}");
        text(&asked, "approval")
    }

    /// What came to a path about a request, once it came.
    fn came(&self, path: &str, approval: &str) -> Post {
        wait::until(&format!("a post to {path}"), || {
            self.inbox.posts(path).into_iter().find(|post| post.body.contains(approval))
        })
    }

    /// A click of somebody in Slack, signed with `secret` so many seconds ago.
    fn clicks(&self, (user, approval): (&str, &str), secret: &str, ago: u64) -> Answer {
        let payload = json!({"type": "block_actions", "team": {"id": "T1"}, "user": {"id": user},
            "actions": [{"action_id": "deny", "action_ts": unique::<4>(), "value": approval}]});
        self.slack(&format!("payload={}", encode(&payload.to_string())), secret, ago)
    }

    fn slack(&self, body: &str, secret: &str, ago: u64) -> Answer {
        let at = now_seconds() - ago;
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let tag = hmac::sign(&key, format!("v0:{at}:{body}").as_bytes());
        let hex: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        Request::new("POST", page(&format!("/slack/{}", self.world.tenant)))
            .with("content-type", "application/x-www-form-urlencoded")
            .with("x-slack-request-timestamp", at.to_string())
            .with("x-slack-signature", format!("v0={hex}"))
            .body(body.to_owned())
            .send()
    }
}

fn now_seconds() -> u64 {
    ::aws::now().unix_millis() / 1_000
}

/// The link is there, and nothing of what is asked.
fn link_alone(text: &str, approval: &str) {
    assert!(text.contains(&page(&format!("/a/{approval}"))), "{text}");
    for word in ["82000", "EUR", "payments", "invoice", "November"] {
        assert!(!text.replace(&page(""), "").replace(approval, "").contains(word), "{word}: {text}");
    }
    assert_eq!(planted::leaked(text), Vec::<&str>::new(), "{text}");
}

/// As Standard Webhooks has receivers do it.
fn verified(post: &Post, key: &[u8]) -> Value {
    let [id, at, signature] =
        ["id", "timestamp", "signature"].map(|name| &post.headers[&format!("webhook-{name}")]);
    let tag = STANDARD.decode(signature.strip_prefix("v1,").expect("a version")).expect("base64");
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    hmac::verify(&key, format!("{id}.{at}.{}", post.body).as_bytes(), &tag).expect("it is signed");
    assert!(now_seconds().abs_diff(at.parse().expect("seconds")) < 300, "{at}");
    serde_json::from_str(&post.body).expect("JSON")
}

#[test]
fn people_get_a_link_a_click_in_slack_denies_and_the_agent_is_called_back() {
    let _alone = alone();
    let Some(shop) = Shop::open() else { return };
    let approval = shop.asks();
    let [slack, pager] = ["/slack", "/pager"].map(|path| shop.came(path, &approval));
    let mails = wait::until("the mail", || Some(mail(&shop.mail)).filter(|all| !all.is_empty()));
    let [letter] = mails.as_slice() else { panic!("{mails:?}") };
    assert_eq!(letter["Source"], "approvals@countersign.test");
    for text in [&slack.body, &pager.body, letter["BodyText"].as_str().expect("a text")] {
        link_alone(text, &approval);
    }
    link_alone(&format!("{} {}", letter["Subject"], page(&format!("/a/{approval}"))), &approval);
    assert_eq!(shop.inbox.posts("/agent").len(), 0, "it is told of ends alone");

    // Not Slack's, or not of now; of nobody, or of whoever stands behind the agent: nothing happens.
    for (who, secret, ago, status) in [
        ("U1DANA", unique::<16>(), 0, 401),
        ("U1DANA", shop.slack.clone(), 301, 401),
        ("U3NOBODY", shop.slack.clone(), 0, 200),
        ("U2NOA", shop.slack.clone(), 0, 200),
    ] {
        assert_eq!(shop.clicks((who, &approval), &secret, ago).status, status, "{who} {ago}");
    }
    assert_eq!(shop.agent.stands(&approval, 0), "pending");
    assert_eq!(shop.clicks(("U1DANA", &approval), &shop.slack, 0).status, 200);
    assert_eq!(shop.agent.stands(&approval, 20), "denied");

    let told = verified(&shop.came("/agent", &approval), &shop.hook);
    assert_eq!((&told["type"], &told["data"]["status"]), (&json!("approval.decided"), &json!("denied")));
    assert_eq!(told["data"]["approval"], json!(approval));
    let who = wait::until("the record of the click", || {
        let all = records::all(&shop.world.tenant).into_iter();
        let mut voted = all.filter(|one| one.field("event_type") == "approval.voted");
        voted.find(|one| one.field("phase") == "outcome")
    });
    assert_eq!((who.field("actor_id"), who.field("auth_method")), (shop.dana.user.as_str(), "slack"));
}

/// Some minutes later.
fn time_passes(tenant: &str, approval: &str, kind: &str) {
    let shard = tenant.chars().next_back().expect("an id");
    let key = json!({"pk": {"S": format!("WAITING#{shard}")}, "sk": {"S": format!("UNTOLD#{tenant}#{approval}#{kind}")}});
    let params = json!({
        "TableName": stack().at("/tables/votes"), "Key": key, "UpdateExpression": "SET #at = :past",
        "ConditionExpression": "attribute_exists(message)", "ExpressionAttributeNames": {"#at": "at"},
        "ExpressionAttributeValues": {":past": {"S": "2026-11-01T00:00:00.000Z"}},
    });
    aws::must("root", "dynamodb", "update_item", &params);
}

#[test]
fn what_the_queue_refuses_is_told_by_the_clock() {
    let _alone = alone();
    let Some(shop) = Shop::open() else { return };
    let queue = stack().text("/queues/approvals/arn");
    let mute = ["actions", "approvals"].map(|function| Denied::new(function, "sqs:SendMessage", queue));
    let approval = shop.asks();
    let mut dana = Desk::of(&shop.world.org, "dana");
    assert_eq!(dana.says(&approval, "approve").status, 303, "nobody decides less for that");
    assert_eq!(shop.agent.stands(&approval, 0), "approved");
    drop(mute);
    assert_eq!((shop.inbox.posts("/pager").len(), shop.inbox.posts("/agent").len()), (0, 0));
    time_passes(&shop.world.tenant, &approval, "decided");
    let told = verified(&shop.came("/agent", &approval), &shop.hook);
    assert_eq!(told["data"]["status"], json!("approved"));
}

/// What was not taken from the queue of approvals comes again after a few seconds while this lives, and not after minutes.
struct Soon(Value);

impl Soon {
    fn new() -> Self {
        let of =
            json!({"QueueUrl": stack().at("/queues/approvals/url"), "AttributeNames": ["VisibilityTimeout"]});
        let told = aws::must("root", "sqs", "get_queue_attributes", &of);
        let was = told["Attributes"]["VisibilityTimeout"].clone();
        assert!(was.is_string(), "{told}");
        Self::set(&json!("3"));
        Self(was)
    }

    fn set(seconds: &Value) {
        let queue = stack().at("/queues/approvals/url");
        let params = json!({"QueueUrl": queue, "Attributes": {"VisibilityTimeout": seconds}});
        drop(aws::call("root", "sqs", "set_queue_attributes", &params));
    }
}

impl Drop for Soon {
    fn drop(&mut self) {
        Self::set(&self.0);
    }
}

/// A message about a request that was set aside, and what takes it out of there.
fn set_aside(approval: &str) -> Option<(String, Value)> {
    let queue = stack().at("/queues/approvals_dlq/url");
    let params = json!({"QueueUrl": queue, "MaxNumberOfMessages": 10, "VisibilityTimeout": 5});
    let told = aws::must("operator", "sqs", "receive_message", &params);
    let all = told["Messages"].as_array().into_iter().flatten();
    all.filter_map(|one| Some((one["Body"].as_str()?.to_owned(), one["ReceiptHandle"].clone())))
        .find(|(body, _)| body.contains(approval))
}

#[test]
fn what_an_agent_does_not_take_is_tried_again_set_aside_and_brought_back() {
    let _alone = alone();
    let Some(shop) = Shop::open() else { return };
    let _soon = Soon::new();
    shop.inbox.refuses("/agent");
    let approval = shop.asks();
    let mut dana = Desk::of(&shop.world.org, "dana");
    assert_eq!(dana.says(&approval, "approve").status, 303);
    let (message, receipt) = wait::until("what nobody took to be set aside", || set_aside(&approval));
    assert_eq!(planted::leaked(&message), Vec::<&str>::new(), "{message}");
    // It is set aside while the last of them still runs.
    let tried = wait::until("all tries", || Some(shop.inbox.posts("/agent")).filter(|all| all.len() >= 5));
    assert_eq!(tried.len(), 5, "as often as the queue gives it out");
    assert_eq!(shop.agent.stands(&approval, 0), "approved", "whoever asks is told meanwhile");

    // As `aws sqs start-message-move-task` does with the operator's permissions; the emulator has none.
    shop.inbox.takes("/agent");
    let queues = ["approvals", "approvals_dlq"].map(|name| stack().at(&format!("/queues/{name}/url")));
    let back = json!({"QueueUrl": queues[0], "MessageBody": message});
    aws::must("operator", "sqs", "send_message", &back);
    let out = json!({"QueueUrl": queues[1], "ReceiptHandle": receipt});
    aws::must("operator", "sqs", "delete_message", &out);
    let all = wait::until("the agent to be told", || {
        Some(shop.inbox.posts("/agent")).filter(|all| all.len() > tried.len())
    });
    for post in &all {
        assert_eq!(verified(post, &shop.hook)["data"]["status"], json!("approved"));
        assert_eq!(
            post.headers["webhook-id"], all[0].headers["webhook-id"],
            "one message, however often it comes"
        );
    }
    wait::until("all tries in the log", || {
        let all = records::all(&shop.world.tenant);
        let called = |phase: &str, reason: &str| {
            let is = |one: &&records::Record| {
                let said = ["event_type", "phase", "reason"].map(|name| one.field(name));
                said == ["approval.called_back", phase, reason]
            };
            all.iter().filter(is).count()
        };
        let told =
            (called("attempt", "allowed"), called("outcome", "not_reached"), called("outcome", "completed"));
        (told == (6, 5, 1)).then_some(())
    });
}
