//! Actions that no person has to approve, through the real functions: asked for, permitted, taken once by whoever of many tools is
//! first, and told of. What anybody could try instead does nothing.
#![cfg(test)]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_tests::support::admin::Person;
use countersign_tests::support::approvals::{Agent, Desk, Permit, actions, consumer, gate};
use countersign_tests::support::document::Run;
use countersign_tests::support::http::send_all;
use countersign_tests::support::world::{World, code, refused};
use countersign_tests::support::{Request, aws, records, stack, wait};
use serde_json::{Value, json};

/// Tools that try to take one permit at once.
const TOOLS: usize = 8;

/// A tenant with a gate that two of its people wrote, and an agent.
struct Shop {
    world: World,
    dana: Person,
    noa: Person,
    agent: Agent,
}

impl Shop {
    fn open() -> Option<Self> {
        let world = World::new()?;
        let dana = world.with_role("dana", "owner");
        let noa = world.with_role("noa", "admin");
        world.put_gate(&dana, &noa, &gate(1, false));
        let agent = Agent::new(&world, &noa);
        Some(Self { world, dana, noa, agent })
    }

    fn permit(&self, arguments: &Value, idempotency: &str) -> Permit {
        Permit::of(&self.agent.asks("payments.send", arguments, idempotency))
    }

    /// What the tenant's log says of permits: event, phase and reason.
    fn told(&self) -> Vec<(String, String, String)> {
        let all = records::all(&self.world.tenant);
        let of = all.iter().filter(|record| record.field("event_type").starts_with("action."));
        of.map(|record| ["event_type", "phase", "reason"].map(|name| record.field(name).to_owned()))
            .map(|[event, phase, reason]| (event, phase, reason))
            .collect()
    }

    /// Phases and reasons of what was not lost, each once.
    fn won(&self) -> Vec<(String, String)> {
        let won = |(event, _, why): &(String, String, String)| {
            event == "action.consumed" && why != "permit_consumed"
        };
        let all = self.told().into_iter().filter(won).map(|(_, phase, why)| (phase, why));
        let all: std::collections::BTreeSet<_> = all.collect();
        all.into_iter().collect()
    }

    fn told_of(&self, event: &str, reason: &str) -> usize {
        self.told()
            .iter()
            .filter(|(of, phase, why)| of == event && phase != "attempt" && why == reason)
            .count()
    }
}

fn part(token: &str, n: usize) -> Value {
    let part = token.split('.').nth(n).expect("a token has parts");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64url")).expect("JSON")
}

#[test]
fn of_many_tools_with_one_permit_exactly_one_acts() {
    let Some(shop) = Shop::open() else { return };
    let permit = shop.permit(&json!({"amount": 12}), "small");
    let (head, claims) = (part(&permit.token, 0), part(&permit.token, 1));
    assert_eq!((&head["typ"], &head["alg"]), (&json!("cs-permit+jwt"), &json!("ES256")));
    assert_eq!((&claims["aud"], &claims["jti"]), (&json!("payments.send"), &json!(permit.id)));
    let life = claims["exp"].as_u64().zip(claims["iat"].as_u64()).map(|(exp, iat)| exp - iat);
    assert!(life.is_some_and(|life| life <= 60), "{claims}");

    let tools: Vec<String> = (0..TOOLS).map(|_| consumer()).collect();
    let answers = send_all(tools.iter().map(|tool| permit.consume(tool).trying(40)).collect());
    let won: Vec<_> = tools.iter().zip(&answers).filter(|(_, answer)| answer.status == 200).collect();
    let winners = won.len();
    let lost: Vec<_> = answers.iter().filter(|answer| answer.status != 200).map(code).collect();
    assert_eq!(winners, 1, "{lost:?}");
    assert!(lost.iter().all(|one| *one == refused(409, "permit_consumed")), "{lost:?}");

    // Whoever lost the answer asks again; nobody else tells what came of it, and it is told once.
    let winner = won[0].0;
    assert_eq!(permit.consume(winner).send().status, 200);
    assert_eq!(code(&permit.tell(&consumer(), "executed")), refused(403, "permit_not_yours"));
    assert_eq!(permit.tell(winner, "executed").status, 200);
    assert_eq!(permit.tell(winner, "executed").status, 200);
    assert_eq!(code(&permit.tell(winner, "failed")), refused(409, "outcome_told"));
    assert_eq!(
        code(&shop.agent.asks("payments.send", &json!({"amount": 12}), "small")),
        refused(409, "approval_consumed")
    );
    // Every tool is in the log: those that lost, and the one that won, with its attempt before. They come in any order.
    wait::until("all that the tools did in the log", || {
        let lost = shop.told_of("action.consumed", "permit_consumed");
        let told = shop.told_of("action.ended", "outcome_told") == 1 && shop.won().len() >= 2;
        (lost >= TOOLS - 1 && told).then_some(())
    });
    let pair = |phase: &str, reason: &str| (phase.to_owned(), reason.to_owned());
    assert_eq!(shop.won(), [pair("attempt", "allowed"), pair("outcome", "completed")]);
}

#[test]
fn what_is_not_the_permit_that_was_given_does_nothing() {
    let Some(shop) = Shop::open() else { return };
    let one = shop.permit(&json!({"amount": 1}), "one");
    let other = shop.permit(&json!({"amount": 2}), "two");
    let parts: Vec<&str> = one.token.split('.').collect();
    let encoded = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = part(&one.token, 1);
    let with = |name: &str, value: Value| {
        let mut claims = claims.clone();
        claims[name] = value;
        claims
    };
    let forged = [
        // Of another, signed for this; longer; for another tool; without a signature; with none; with another's.
        format!("{}.{}.{}", parts[0], encoded(&with("exp", json!(4_000_000_000_u64))), parts[2]),
        format!("{}.{}.{}", parts[0], encoded(&with("aud", json!("crm.read"))), parts[2]),
        format!("{}.{}.", encoded(&json!({"typ": "cs-permit+jwt", "alg": "none"})), parts[1]),
        format!("{}.{}.{}", encoded(&json!({"typ": "JWT", "alg": "ES256"})), parts[1], parts[2]),
        format!("{}.{}.{}", parts[0], parts[1], other.token.split('.').nth(2).expect("a signature")),
        shop.noa.key.clone(),
        shop.agent.key.clone(),
    ];
    for token in forged {
        let tried = Permit { id: one.id.clone(), token: token.clone() };
        assert_eq!(code(&tried.consume(&consumer()).send()), refused(401, "permit_invalid"), "{token}");
    }
    // A permit is for the action that it names, wherever it is shown.
    let swapped = Permit { id: other.id.clone(), token: one.token.clone() };
    assert_eq!(code(&swapped.consume(&consumer()).send()), refused(401, "permit_invalid"));
    // And both are as good as before.
    assert_eq!(one.consume(&consumer()).send().status, 200);
    assert_eq!(other.consume(&consumer()).send().status, 200);

    let jwks =
        Request::new("GET", actions("/v1/permits/jwks.json")).with("x-amzn-tls-version", "TLSv1.3").send();
    let key = &jwks.json()["keys"][0];
    assert_eq!((jwks.status, &key["kid"], &key["crv"]), (200, &part(&one.token, 0)["kid"], &json!("P-256")));
    assert_eq!(key["d"], Value::Null);
}

#[test]
fn an_action_is_what_was_asked_for_or_it_is_refused() {
    let Some(shop) = Shop::open() else { return };
    let small = json!({"amount": 12, "to": "acme"});
    let first = shop.permit(&small, "invoice");
    // The same in another order is the same; the permit is a fresh one.
    let again = shop.permit(&json!({"to": "acme", "amount": 12}), "invoice");
    // Another action under the same key has the same one: one of them runs.
    let other = shop.permit(&json!({"amount": 13, "to": "acme"}), "invoice");
    assert_eq!((&first.id, &first.id), (&again.id, &other.id));
    assert_eq!(again.consume(&consumer()).send().status, 200);
    for permit in [&first, &other] {
        assert_eq!(code(&permit.consume(&consumer()).send()), refused(409, "permit_consumed"));
    }
    for (tool, arguments) in
        [("payments.send", json!({"amount": 13, "to": "acme"})), ("payments.refund", small.clone())]
    {
        assert_eq!(code(&shop.agent.asks(tool, &arguments, "invoice")), refused(422, "idempotency_mismatch"));
    }
    assert_eq!(
        code(&shop.agent.asks("files.delete", &json!({}), "delete")),
        refused(403, "action_forbidden")
    );
    // What cannot be read beyond doubt waits for people.
    for (n, amount) in [json!("1e9"), json!(-5), json!("5,00"), Value::Null].into_iter().enumerate() {
        let asked = shop.agent.asks("payments.send", &json!({ "amount": amount }), &format!("odd-{n}"));
        assert_eq!(asked.status, 202, "{amount}: {asked:?}");
    }
    // Nothing passes without a gate, and a gate that gets stricter holds what it let pass.
    let strict = json!({"v": 1, "allow": ["crm.*"]});
    shop.world.put_gate(&shop.dana, &shop.noa, &strict);
    assert_eq!(code(&shop.agent.asks("payments.send", &small, "later")), refused(403, "action_forbidden"));
    let body = json!({"tool": "payments.send", "arguments": {}, "idempotency_key": "x", "amount": 5});
    assert_eq!(shop.agent.sends(&body).status, 400);
    let nobody = Agent { key: shop.dana.key.clone(), ..shop.agent.clone() };
    assert_eq!(nobody.asks("crm.read", &json!({}), "nobody").status, 401);
}

/// Moves the hour in which a tool is to say what came of its action into the past: what time does.
fn an_hour_passes(tenant: &str, permit: &str) {
    let table = stack().at("/tables/approvals").clone();
    let key = |pk: String, sk: String| json!({"pk": {"S": pk}, "sk": {"S": sk}});
    let run = key(format!("T#{tenant}"), format!("RUN#{permit}"));
    let got = aws::must("root", "dynamodb", "get_item", &json!({"TableName": table, "Key": run}));
    let due: u64 = got["Item"]["due_ms"]["N"].as_str().and_then(|text| text.parse().ok()).expect("a time");
    let shard = tenant.chars().next_back().expect("an id");
    let awaited = |at: u64| key(format!("DUE#{shard}"), format!("{at:015}#{tenant}#{permit}"));
    let waits = json!({"TableName": table, "Key": awaited(due), "ReturnValues": "ALL_OLD"});
    let old = aws::must("root", "dynamodb", "delete_item", &waits)["Attributes"].clone();
    let past = due - 60 * 60 * 1_000 - 1;
    let mut new = old.as_object().expect("it is awaited").clone();
    new.extend(awaited(past).as_object().expect("a key").clone());
    let set = json!({
        "TableName": table, "Key": run, "UpdateExpression": "SET due_ms = :past",
        "ExpressionAttributeValues": {":past": {"N": past.to_string()}},
    });
    // First: what is awaited and is not late is taken away by the clock.
    aws::must("root", "dynamodb", "update_item", &set);
    aws::must("root", "dynamodb", "put_item", &json!({"TableName": table, "Item": new}));
}

/// A gate that tightens while a permit is out: of that one and the one that people approve, whichever comes first runs.
#[test]
fn of_a_permit_that_needed_nobody_and_one_that_was_approved_one_runs() {
    let Some(shop) = Shop::open() else { return };
    let mut dana = Desk::of(&shop.world.org, "dana");
    let payment = json!({"amount": 900});
    let mut strict = gate(1, false);
    strict["gates"][0]["over"] = json!("100.00");
    for first in ["direct", "approved", "both"] {
        shop.world.put_gate(&shop.dana, &shop.noa, &gate(1, false));
        let direct = shop.permit(&payment, first);
        shop.world.put_gate(&shop.dana, &shop.noa, &strict);
        let approval = shop.agent.waits_for(&payment, first);
        assert_eq!(dana.says(&approval, "approve").status, 303);
        let approved = shop.permit(&payment, first);
        assert_eq!(direct.id, approved.id, "one idempotency key, one id");
        // Whoever runs it may be the same tool.
        let tool = consumer();
        let taken = match first {
            "direct" => [&direct, &approved].map(|permit| permit.consume(&tool).send()).into(),
            "approved" => [&approved, &direct].map(|permit| permit.consume(&tool).send()).into(),
            _ => send_all([&direct, &approved].map(|permit| permit.consume(&tool)).into()),
        };
        let mut told: Vec<_> = taken.iter().map(|answer| (answer.status, code(answer))).collect();
        told.sort_by_key(|(status, _)| *status);
        let [(won, _), (_, lost)] = told.as_slice() else { panic!("{told:?}") };
        assert_eq!((*won, lost), (200, &refused(409, "permit_consumed")), "{first}: {taken:?}");
        assert_eq!(
            code(&shop.agent.asks("payments.send", &payment, first)),
            refused(409, "approval_consumed")
        );
    }
}

#[test]
fn silence_is_unknown_and_is_written_down_by_the_clock() {
    let Some(shop) = Shop::open() else { return };
    let [silent, told] = ["silent", "told"].map(|key| {
        let permit = shop.permit(&json!({"amount": 3}), key);
        let tool = consumer();
        assert_eq!(permit.consume(&tool).send().status, 200);
        (permit, tool)
    });
    assert_eq!(told.0.tell(&told.1, "failed").status, 200);
    an_hour_passes(&shop.world.tenant, &silent.0.id);
    // The clock of the stack may be faster.
    let swept = aws::invoke("root", "actions", &json!({"sweep": true})).expect("the clock may");
    assert_eq!(swept["statusCode"], 200, "{swept}");
    wait::until("the silence in the log", || {
        let told = ["outcome_unknown", "completed"].map(|reason| shop.told_of("action.ended", reason));
        (told == [1, 1]).then_some(())
    });
    assert_eq!(code(&silent.0.tell(&silent.1, "executed")), refused(409, "outcome_told"));
    // What was told stays, and nothing is awaited any more.
    assert_eq!(told.0.tell(&told.1, "failed").status, 200);
    let again = aws::invoke("root", "actions", &json!({"sweep": true})).expect("the clock may");
    assert_eq!(again["statusCode"], 200, "{again}");
    assert_eq!(
        (shop.told_of("action.ended", "outcome_unknown"), shop.told_of("action.ended", "completed")),
        (1, 1)
    );
    let shard = shop.world.tenant.chars().next_back().expect("an id");
    let params = json!({
        "TableName": stack().at("/tables/approvals"), "KeyConditionExpression": "pk = :pk",
        "ExpressionAttributeValues": {":pk": {"S": format!("DUE#{shard}")}},
    });
    let awaited = aws::must("root", "dynamodb", "query", &params)["Items"].to_string();
    assert!(!awaited.contains(&shop.world.tenant), "{awaited}");
}

/// The function's own API document, against the function: by an agent that asks, and by a tool whose permit is none.
#[test]
fn the_function_answers_as_its_document_says() {
    let Some(shop) = Shop::open() else { return };
    let approval = shop.agent.waits_for(&json!({"amount": 82_000}), "big");
    let mut dana = Desk::of(&shop.world.org, "dana");
    // Of one that is decided, nobody waits for the end.
    assert_eq!(dana.says(&approval, "deny").status, 303);
    let told = Run {
        name: "actions",
        base: &actions(""),
        key: &shop.agent.key,
        ids: &[("id", &approval)],
        only: None,
        left_out: Vec::new(),
        more: &["response_schema_conformance"],
        least: 6,
    };
    let told = told.asks();
    let statuses = |name: &str| told.get(name).cloned().unwrap_or_default();
    assert!(statuses("wait").contains(&200) && !statuses("act").is_empty(), "{told:?}");
    assert!(["consume", "outcome"].iter().all(|name| statuses(name).contains(&401)), "{told:?}");
}
