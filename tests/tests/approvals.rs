//! Approval gates as people and agents use them, through the real functions: a request that waits, a page in a real browser, a
//! decision, and the agent that goes on; and everything that must not decide.
#![cfg(test)]

use std::thread;

use countersign_tests::support::approvals::{Agent, Desk, Form, Permit, consumer, gate, page};
use countersign_tests::support::browser::Browser;
use countersign_tests::support::http::send_all;
use countersign_tests::support::pages::Pages;
use countersign_tests::support::records::{self, Record};
use countersign_tests::support::world::{World, code, refused};
use countersign_tests::support::{Answer, planted, wait};
use serde_json::{Value, json};

/// A tenant whose payments wait for dana and others; the agent is noa's, who could decide about others.
struct Shop {
    world: World,
    agent: Agent,
}

impl Shop {
    fn open(need: u8, high: bool) -> Option<Self> {
        let world = World::new()?;
        let dana = world.with_role("dana", "owner");
        let noa = world.with_role("noa", "admin");
        world.with_role("stranger", "admin");
        world.put_gate(&dana, &noa, &gate(need, high));
        let agent = Agent::new(&world, &noa);
        Some(Self { world, agent })
    }

    fn desk(&self, name: &str) -> Desk {
        Desk::of(&self.world.org, name)
    }

    fn records(&self, event: &str) -> Vec<Record> {
        let all = records::all(&self.world.tenant).into_iter();
        all.filter(|record| record.field("event_type") == event).collect()
    }
}

fn payment() -> Value {
    let [_, _, (_, iban), _, (_, email), ..] = planted::PERSONAL;
    json!({"amount": 82_000, "currency": "EUR", "to": iban, "notify": email, "note": "pay\u{202e}ment \u{200b}\u{0430}cme"})
}

/// Does a step, and wants nothing in it that the page's policy or a script complains of.
fn does(pages: &mut Pages, step: Value) -> Value {
    let answer = pages.does(&step);
    assert_eq!(answer["seen"], Value::Null, "{step}: {answer}");
    answer
}

fn signs_in(pages: &mut Pages, link: &str, name: &str) {
    does(pages, json!({"do": "goto", "url": link}));
    does(pages, json!({"do": "fill", "role": "textbox", "value": name}));
    does(pages, json!({"do": "click", "role": "button", "name": "Sign in"}));
    // The identity provider asks whether it may, since it does not know the browser yet.
    does(pages, json!({"do": "click", "role": "button", "name": "Allow"}));
    does(pages, json!({"do": "expect", "url": "/a/apr_"}));
}

#[test]
fn people_decide_in_a_browser_and_the_agent_goes_on() {
    let Some(shop) = Shop::open(2, true) else { return };
    let Some(mut pages) = Pages::open(&page("")) else { return };
    let asking = json!({
        "tool": "payments.send", "arguments": payment(), "target": "bank/main", "reason": "invoice 4711", "idempotency_key": "one",
    });
    let asked = shop.agent.sends(&asking);
    assert_eq!(asked.status, 202, "{asked:?}");
    let (approval, link) =
        ["approval", "url"].map(|name| asked.json()[name].as_str().expect("a text").to_owned()).into();
    assert_eq!(link, page(&format!("/a/{approval}")));

    on_a_phone(&mut pages, &link);
    assert_eq!(
        shop.agent.stands(&approval, 0),
        "pending",
        "one of two has spoken, however often they pressed"
    );
    let waiting = thread::spawn({
        let (agent, approval) = (shop.agent.clone(), approval.clone());
        move || {
            wait::until("the decision", || {
                Some(agent.stands(&approval, 20)).filter(|state| state != "pending")
            })
        }
    });
    by_the_keyboard(&mut pages, &link);
    assert_eq!(waiting.join().expect("the agent waits"), "approved");

    let again = shop.agent.sends(&asking);
    let permit = Permit::of(&again);
    let tool = consumer();
    assert_eq!(permit.consume(&tool).send().status, 200);
    assert_eq!(permit.tell(&tool, "executed").status, 200);
    assert_eq!(shop.agent.stands(&approval, 0), "executed");
    does(&mut pages, json!({"do": "goto", "url": link}));
    does(&mut pages, json!({"do": "screenshot", "path": "approvals/decided.png", "full": true}));
    who_spoke_is_recorded(&shop, &approval);
}

/// What is personal is hidden, and of high risk nothing is approved unseen; a button is pressed twice.
fn on_a_phone(pages: &mut Pages, link: &str) {
    does(pages, json!({"do": "open", "in": "phone", "width": 390, "height": 844}));
    signs_in(pages, link, "dana");
    for text in [
        "An action waits for approval",
        "Money leaves and does not come back.",
        "invoice 4711",
        "2 values are hidden",
        "U+202E",
        "U+200B",
        "U+0430",
    ] {
        does(pages, json!({"do": "expect", "text": text, "absent": "DE89"}));
    }
    does(pages, json!({"do": "axe"}));
    does(pages, json!({"do": "screenshot", "path": "approvals/phone.png", "full": true}));
    let html = does(pages, json!({"do": "html"}))["html"].as_str().expect("a page").to_owned();
    assert!(!html.contains("value=\"approve\"") && html.contains("value=\"deny\""), "{html}");
    does(pages, json!({"do": "click", "role": "link", "name": "Show personal data"}));
    does(pages, json!({"do": "expect", "text": "DE89 3704 0044 0532 0130 00"}));
    does(pages, json!({"do": "axe"}));
    does(pages, json!({"do": "screenshot", "path": "approvals/phone-revealed.png", "full": true}));
    does(pages, json!({"do": "double_click", "role": "button", "name": "Approve"}));
    does(pages, json!({"do": "expect", "text": "You have approved it."}));
    does(pages, json!({"do": "expect", "text": "Waiting."}));
}

/// At a desk, without scripts and without a mouse.
fn by_the_keyboard(pages: &mut Pages, link: &str) {
    does(pages, json!({"do": "open", "in": "desk", "width": 1280, "height": 900, "javascript": false}));
    signs_in(pages, &format!("{link}?reveal=1"), "stranger");
    does(pages, json!({"do": "goto", "url": format!("{link}?reveal=1")}));
    does(pages, json!({"do": "screenshot", "path": "approvals/desk.png", "full": true}));
    does(
        pages,
        json!({"do": "tab_to", "role": "textbox", "name": "Comment (others who decide read it; needed to deny)"}),
    );
    does(pages, json!({"do": "type", "value": "checked against the invoice"}));
    does(pages, json!({"do": "tab_to", "role": "button", "name": "Approve"}));
    does(pages, json!({"do": "press", "keys": ["Enter"]}));
    does(pages, json!({"do": "expect", "text": "Approved."}));
    does(pages, json!({"do": "goto", "url": "/"}));
    does(pages, json!({"do": "expect", "text": "Nothing waits for your decision."}));
}

/// Who spoke, by which session and how they had signed in, and over which action; and nothing that is personal.
fn who_spoke_is_recorded(shop: &Shop, approval: &str) {
    let voted = |phase: &str| -> Vec<Record> {
        shop.records("approval.voted").into_iter().filter(|record| record.field("phase") == phase).collect()
    };
    wait::until("the records", || (voted("outcome").len() == 2).then_some(()));
    for record in [voted("attempt"), voted("outcome"), shop.records("approval.decided")].concat() {
        assert!(record.field("session_id").starts_with("ses_"), "{}", record.text);
        assert_eq!(
            (record.field("approval_id"), record.at("mfa")),
            (approval, &json!(true)),
            "{}",
            record.text
        );
        assert!(record.metadata("action_sha256").is_string(), "{}", record.text);
    }
    wait::until("the records of what was shown", || {
        let shown = shop.records("approval.viewed");
        let personal = shown.iter().filter(|record| record.metadata("personal_data_shown") == true);
        (personal.count() >= 2).then_some(())
    });
    let leaked: Vec<_> =
        records::all(&shop.world.tenant).iter().flat_map(|record| planted::leaked(&record.text)).collect();
    assert_eq!(leaked, [""; 0]);
}

/// What mail scanners, prefetching browsers, other pages, other people and hasty fingers do.
#[test]
fn only_a_form_of_somebody_who_may_decides_and_only_once() {
    let Some(shop) = Shop::open(1, false) else { return };
    let approval = shop.agent.waits_for(&json!({"amount": 5_000}), "one");
    let path = format!("/a/{approval}");
    let pending = || shop.agent.stands(&approval, 0) == "pending";

    let mut scanner = Browser::new();
    assert_eq!(scanner.get(&page(&path)).answer.status, 303);
    let mut dana = shop.desk("dana");
    let form = dana.form(&approval);
    for _ in 0..3 {
        assert_eq!(dana.get(&path).answer.status, 200);
        assert_eq!(dana.get(&format!("{path}?say=approve&comment=x")).answer.status, 200);
    }
    assert!(pending());

    other_forms_do_nothing(&shop, &mut dana, &form);
    assert!(pending());
    others_see_nothing(&approval, &form);
    assert!(pending());

    // A double click is one word.
    let answers = send_all(vec![dana.click(&form, "approve"), dana.click(&form, "approve")]);
    assert!(answers.iter().all(|answer| answer.status == 303), "{answers:?}");
    assert_eq!(shop.agent.stands(&approval, 5), "approved");
    wait::until("the decision's records", || (!shop.records("approval.decided").is_empty()).then_some(()));
    assert_eq!(shop.records("approval.decided").len(), 1);

    // What was approved is this action, for this agent.
    let other_arguments = shop.agent.asks("payments.send", &json!({"amount": 5_001}), "one");
    assert_eq!(code(&other_arguments), refused(422, "idempotency_mismatch"));
    let permit = Permit::of(&shop.agent.asks("payments.send", &json!({"amount": 5_000}), "one"));
    assert_eq!(permit.consume(&consumer()).send().status, 200);
    assert_eq!(code(&permit.consume(&consumer()).send()), refused(409, "permit_consumed"));
}

/// Another page's form, one without an origin, ones whose fields were changed; nobody's, and that of whoever answers for the agent.
fn other_forms_do_nothing(shop: &Shop, dana: &mut Desk, form: &Form) {
    let path = format!("/a/{}", form.approval());
    let click = dana.click(form, "approve");
    let elsewhere = click.clone().with("origin", "https://evil.example").send();
    assert_eq!(elsewhere.status, 403, "{elsewhere:?}");
    assert_eq!(click.clone().without("origin").send().status, 403);
    for name in ["csrf", "digest", "seen"] {
        let answer = dana.click(&form.with(name, "0"), "approve").send();
        assert!([403, 409].contains(&answer.status), "{name}: {answer:?}");
    }
    let bare = Desk::nobody().click(form, "approve").send();
    assert_eq!(bare.status, 401, "{bare:?}");
    let mut noa = shop.desk("noa");
    let own = noa.get(&path);
    assert!(own.form_to(&path).is_none() && own.answer.body.contains("You answer for this agent"), "{own:?}");
    assert!([403, 409].contains(&noa.click(form, "approve").send().status));
}

/// People and agents of another organization.
fn others_see_nothing(approval: &str, form: &Form) {
    let path = format!("/a/{approval}");
    let Some(other) = Shop::open(1, false) else { return };
    let mut stranger = other.desk("dana");
    assert_eq!(stranger.get(&path).answer.status, 404);
    assert_eq!(stranger.click(form, "approve").send().status, 404);
    assert_eq!(
        code(&other.agent.request("GET", &format!("/v1/approvals/{approval}")).send()),
        refused(404, "approval_unknown")
    );
}

#[test]
fn a_denial_is_one_persons_and_the_agent_hears_of_it() {
    let Some(shop) = Shop::open(2, false) else { return };
    let approval = shop.agent.waits_for(&json!({"amount": 5_000}), "one");
    let mut dana = shop.desk("dana");
    let shown = dana.get(&format!("/a/{approval}")).answer.body;
    // The agent and its tenant, as people call them.
    assert!(
        ["<bdi>researcher</bdi>", "<bdi>research</bdi>"].iter().all(|name| shown.contains(name)),
        "{shown}"
    );
    let denied: Answer = dana.says(&approval, "deny");
    assert_eq!(denied.status, 303, "{denied:?}");
    assert_eq!(shop.agent.stands(&approval, 5), "denied");
    let again = shop.agent.asks("payments.send", &json!({"amount": 5_000}), "one");
    assert_eq!(code(&again), refused(403, "approval_denied"));
    // Another time is another request.
    let later = shop.agent.waits_for(&json!({"amount": 5_000}), "two");
    assert_ne!(later, approval);
}

#[test]
fn nobody_decides_about_what_is_done_for_them() {
    let Some(shop) = Shop::open(1, false) else { return };
    let body =
        json!({"tool": "payments.send", "arguments": {"amount": 5_000}, "idempotency_key": "for-dana"});
    let asked = shop.agent.request("POST", "/v1/actions").body(body.to_string());
    let asked = asked.with("x-cs-on-behalf-of", shop.world.org.email("dana").to_uppercase()).send();
    assert_eq!(asked.status, 202, "{asked:?}");
    let approval = asked.json()["approval"].as_str().expect("an id").to_owned();
    let path = format!("/a/{approval}");
    let mut dana = shop.desk("dana");
    let own = dana.get(&path);
    assert!(own.form_to(&path).is_none() && own.answer.body.contains("it asks for you"), "{own:?}");
    let mut other = shop.desk("stranger");
    let form = other.form(&approval);
    assert!([403, 409].contains(&dana.click(&form, "approve").send().status));
    assert_eq!(shop.agent.stands(&approval, 0), "pending");
    assert_eq!(other.click(&form, "approve").send().status, 303);
    assert_eq!(shop.agent.stands(&approval, 0), "approved");
}
