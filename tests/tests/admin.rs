//! The management API through the real function: an identity provider that is one, browsers, and everybody who must not.
#![cfg(test)]

use countersign_tests::support::admin::{Person, bare};
use countersign_tests::support::http::Request;
use countersign_tests::support::stack::unique;
use countersign_tests::support::standin::Channel;
use countersign_tests::support::world::{World, code, models, refused, text};
use countersign_tests::support::{planted, records, stack, wait};
use serde_json::{Value, json};

/// From nothing to a working gateway key, and what takes it away again.
#[test]
fn from_bootstrap_to_a_gateway_key_and_back() {
    let Some(world) = World::new() else { return };
    let dana = world.with_role("dana", "owner");
    let agent = world.agent(&dana);
    let wanted = json!({"agent": agent, "actions": ["models.list", "llm.call"]});
    let once = |person: &Person, key: &str| {
        let request =
            person.request("POST", &world.path("/keys/service")).with("content-type", "application/json");
        request.with("idempotency-key", key).body(wanted.to_string()).send()
    };
    let made = once(&dana, "first");
    assert_eq!(made.status, 201, "{made:?}");
    let (id, key) = (text(&made, "id"), text(&made, "gateway_key"));
    assert_eq!(models(&key).status, 200, "{:?}", models(&key));
    let again = once(&dana, "first");
    assert_eq!(code(&again), refused(409, "already_exists"), "the same key makes it once");
    assert_eq!(again.header("location"), Some(world.path(&format!("/keys/{id}")).as_str()));

    // A suspended agent's next call is refused; so is one of a stopped tenant.
    let status = |to: &str| {
        let path = world.path(&format!("/agents/{agent}/status"));
        dana.send("PUT", &path, &json!({"status": to})).status
    };
    assert_eq!(status("suspended"), 200);
    assert_eq!(models(&key).status, 403);
    assert_eq!(status("active"), 200);
    assert_eq!(models(&key).status, 200);

    // Two secrets while it rotates, and one after it is revoked: none.
    let turned =
        dana.send("POST", &world.path(&format!("/keys/{id}/rotate")), &json!({"overlap_seconds": 600}));
    assert_eq!(turned.status, 200, "{turned:?}");
    let new = text(&turned, "gateway_key");
    assert_eq!((models(&key).status, models(&new).status), (200, 200));
    let gone = dana.send("DELETE", &world.path(&format!("/keys/{id}")), &json!({}));
    assert_eq!((gone.status, text(&gone, "state")), (200, "revoked".to_owned()));
    assert_eq!((models(&key).status, models(&new).status), (401, 401));
    let listed = dana.get(&world.path("/keys")).json();
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(1));
    assert!(!listed.to_string().contains(&new), "no secret is shown twice");
}

/// A tenant that nobody seeded calls a model: provider, DLP policy and key are made by hand.
#[test]
fn a_tenant_of_the_api_calls_a_model() {
    let Some(world) = World::new() else { return };
    let dana = world.with_role("dana", "admin");
    let agent = world.agent(&dana);
    let channel = Channel::new(format!("c-{}", unique::<8>()));
    let secret = format!("upstream-{}", unique::<16>());
    planted::note(&secret);
    let provider = |url: &str, credential: Value| {
        json!({
            "name": "stand-in", "kind": "openai", "base_url": url, "region": "eu", "region_source": "its own test",
            "models": [{"name": "gpt-4o-mini", "max_output_tokens": 100}], "credential": credential,
        })
    };
    let made = dana.send("POST", &world.path("/providers"), &provider(&channel.url(), json!(secret)));
    assert_eq!(made.status, 201, "{made:?}");
    assert!(!dana.get(&world.path("/providers")).body.contains(&secret), "no credential is shown");
    let body = json!({"agent": agent, "actions": ["llm.call"]});
    let key = text(&dana.send("POST", &world.path("/keys/own"), &body), "gateway_key");
    let say = |words: &str| {
        let chat = json!({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": words}]});
        Request::new("POST", stack().gateway("/v1/chat/completions"))
            .with("authorization", format!("Bearer {key}"))
            .with("content-type", "application/json")
            .with("x-amzn-tls-version", "TLSv1.3")
            .body(chat.to_string())
            .send()
    };
    assert_eq!(say("hello").status, 200, "{:?}", say("hello"));
    assert!(
        channel.received().iter().any(|call| format!("{call:?}").contains(&secret)),
        "opened for its own host"
    );

    // Another host voids the credential.
    let path = world.path(&format!("/providers/{}", text(&made, "id")));
    let tag = dana.get(&world.path("/providers")).header("etag").unwrap_or_default().to_owned();
    let moved = |body: &Value| {
        let request =
            dana.request("PUT", &path).with("content-type", "application/json").with("if-match", tag.clone());
        request.body(body.to_string()).send()
    };
    let elsewhere = moved(&provider("https://api.example.com/v1", Value::Null));
    assert_eq!(
        (code(&elsewhere), text(&elsewhere, "at")),
        (refused(400, "invalid_field"), "/credential".to_owned())
    );
    assert_eq!(moved(&provider(&channel.url(), Value::Null)).status, 200, "the same host keeps it");
    assert_eq!(say("again").status, 200);

    // More may be taken out at once, less only by two.
    let block = json!({"v": 1, "types": {"card": {"action": "block"}}});
    let first = dana.request("PUT", &world.path("/dlp")).with("content-type", "application/json");
    assert_eq!(first.with("if-none-match", "*").body(block.to_string()).send().status, 200);
    let blocked = || say("4111 1111 1111 1111").json()["error"]["code"].as_str().map(str::to_owned);
    assert_eq!(blocked().as_deref(), Some("content_blocked"));
    let allow = json!({"v": 1, "types": {"card": {"action": "allow"}}});
    let kept = dana.put(&world.path("/dlp"), &allow);
    assert_eq!((kept.status, text(&kept, "operation")), (202, "dlp.put".to_owned()), "{kept:?}");
    assert_eq!(blocked().as_deref(), Some("content_blocked"), "nothing has changed yet");

    // Keys of a person whose session ends live on; the person's next key needs the next session.
    assert_eq!(dana.send("DELETE", "/v1/session", &json!({})).status, 204);
    assert_eq!(say("still").status, 200);
}

#[test]
fn a_session_that_is_ended_is_refused_at_once() {
    let Some(world) = World::new() else { return };
    let dana = world.with_role("dana", "admin");
    let other = world.org.sign_in("dana").expect("a second session");
    assert_eq!(dana.get("/v1/sessions").json()["items"].as_array().map(Vec::len), Some(2));
    let session = other.session();
    let ended = dana.send("DELETE", &format!("/v1/sessions/{session}"), &json!({}));
    assert_eq!(ended.status, 204, "{ended:?}");
    assert_eq!(code(&other.get("/v1/session")), refused(401, "session_revoked"));
    assert_eq!(dana.get("/v1/session").status, 200);

    // An administrator's hand reaches everybody's.
    let path = format!("/v1/orgs/{}/users/{}/sessions/{}", world.org.id, dana.user, dana.session());
    assert_eq!(world.owner.send("DELETE", &path, &json!({})).status, 204);
    assert_eq!(code(&dana.get("/v1/session")), refused(401, "session_revoked"));
    // A cookie changes nothing without the header that other sites cannot set.
    let cookie = |csrf: bool| {
        let request =
            bare("DELETE", "/v1/session").with("cookie", format!("__Host-cs_session={}", world.owner.key));
        if csrf { request.with("x-cs-csrf", "1") } else { request }.send()
    };
    assert_eq!(code(&cookie(false)), refused(403, "csrf_header"));
    assert_eq!(cookie(true).status, 204);
    assert_eq!(code(&world.owner.get("/v1/session")), refused(401, "session_revoked"));
}

#[test]
fn duties_are_separate() {
    let Some(world) = World::new() else { return };
    let (dana, noa) = (world.with_role("dana", "owner"), world.with_role("noa", "admin"));
    let role = |of: &Person| world.path(&format!("/roles/{}", of.user));

    // Nobody gives more than they have, changes their own, or takes the last owner away.
    assert_eq!(
        code(&noa.send("PUT", &role(&dana), &json!({"role": "viewer"}))),
        refused(403, "above_own_level")
    );
    assert_eq!(code(&dana.send("PUT", &role(&dana), &json!({"role": "viewer"}))), refused(403, "on_self"));
    assert_eq!(
        code(&world.owner.send("PUT", &role(&dana), &json!({"role": "viewer"}))),
        refused(409, "last_owner")
    );
    assert_eq!(
        code(&noa.send("PUT", &role(&world.owner), &json!({"role": "owner"}))),
        refused(403, "above_own_level")
    );

    // A stop is one person's, recovering another's.
    let stopped = noa.send("POST", &world.path("/kill"), &json!({"reason": "incident_4711"}));
    assert_eq!(stopped.status, 200, "{stopped:?}");
    let recover = json!({"reason": "resolved", "version": stopped.json()["version"]});
    assert_eq!(code(&noa.send("POST", &world.path("/kill/recover"), &recover)), refused(403, "same_person"));
    assert_eq!(dana.send("POST", &world.path("/kill/recover"), &recover).status, 200);

    // Whose provider saw one factor may look, and change nothing that an administrator changes.
    let weak = world.with_role("weak", "admin");
    assert_eq!(weak.get(&world.path("/limits")).status, 200);
    let agent = json!({"name": "x"});
    assert_eq!(code(&weak.send("POST", &world.path("/agents"), &agent)), refused(403, "mfa_required"));
}

/// Less takes effect at once, more waits for a second person.
#[test]
fn a_control_is_weakened_by_two() {
    let Some(world) = World::new() else { return };
    let (dana, noa) = (world.with_role("dana", "owner"), world.with_role("noa", "admin"));
    let limits = |most: u64| json!({"time_zone": "UTC", "shards": 1, "limits": [{"place": "tenant:tokens:total", "limit": most}]});
    assert_eq!(noa.put(&world.path("/limits"), &limits(500)).status, 200);
    let kept = noa.put(&world.path("/limits"), &limits(900));
    assert_eq!((kept.status, text(&kept, "state")), (202, "pending".to_owned()));
    let limit = || dana.get(&world.path("/limits")).json()["limits"][0]["limit"].as_u64();
    assert_eq!(limit(), Some(500));
    let confirm = world.path(&format!("/changes/{}/confirm", text(&kept, "id")));
    assert_eq!(code(&noa.send("POST", &confirm, &json!({}))), refused(403, "same_person"));
    assert_eq!(dana.send("POST", &confirm, &json!({})).status, 200);
    assert_eq!(limit(), Some(900));
    assert_eq!(code(&dana.send("POST", &confirm, &json!({}))), refused(409, "change_done"));
    // What was asked for on another state is not made on this one.
    let kept = noa.put(&world.path("/limits"), &limits(5_000));
    assert_eq!(dana.put(&world.path("/limits"), &limits(100)).status, 200);
    let confirm = world.path(&format!("/changes/{}/confirm", text(&kept, "id")));
    assert_eq!(code(&dana.send("POST", &confirm, &json!({}))), refused(412, "precondition_failed"));
    assert_eq!(limit(), Some(100));
    let stale = dana.request("PUT", &world.path("/limits")).with("content-type", "application/json");
    let stale = stale.with("if-match", "\"0\"").body(limits(50).to_string()).send();
    assert_eq!(code(&stale), refused(412, "precondition_failed"));
}

/// The platform's administrator sees a tenant's name, and its inside only when two have agreed, for a time.
#[test]
fn glass_is_broken_by_two() {
    let Some(platform) = World::new() else { return };
    let Some(customer) = World::new() else { return };
    let dana = customer.with_role("dana", "owner");
    let admin = &platform.owner;
    assert_eq!(admin.get(&customer.path("")).status, 200);
    assert_eq!(code(&admin.get(&customer.path("/agents"))), refused(403, "forbidden"));
    let asked =
        admin.send("POST", &customer.path("/break-glass"), &json!({"reason": "case_4711", "minutes": 30}));
    assert_eq!((asked.status, text(&asked, "state")), (202, "pending".to_owned()), "{asked:?}");
    assert_eq!(
        code(&admin.get(&customer.path("/agents"))),
        refused(403, "forbidden"),
        "asking opens nothing"
    );
    let change = text(&asked, "id");
    let confirm = |path: &str| customer.path(&format!("/{path}/{change}/confirm"));
    assert_eq!(code(&admin.send("POST", &confirm("break-glass"), &json!({}))), refused(403, "same_person"));
    assert_eq!(
        code(&dana.send("POST", &confirm("changes"), &json!({}))),
        refused(403, "forbidden"),
        "it has a path of its own"
    );
    assert_eq!(dana.send("POST", &confirm("break-glass"), &json!({})).status, 200);
    assert_eq!(admin.get(&customer.path("/agents")).status, 200);
    let body = json!({"name": "theirs"});
    assert_eq!(
        code(&admin.send("POST", &customer.path("/agents"), &body)),
        refused(403, "forbidden"),
        "it changes no setting"
    );
    assert_eq!(code(&admin.get(&platform.path("/agents"))), (200, String::new()));
}

/// One sign-in, one session: what was used, is another's or nobody's is refused.
#[test]
fn callbacks_are_used_once_by_the_browser_that_began() {
    let Some(world) = World::new() else { return };
    let (mut browser, back) = world.org.callback("owner");
    let stolen = Request::new("GET", back.clone()).with("x-amzn-tls-version", "TLSv1.3").send();
    assert_eq!(code(&stolen), refused(403, "sign_in_failed"), "another browser");
    assert_eq!(code(&browser.get(&back).answer), refused(403, "sign_in_replayed"), "and it is used by that");
    let (mut browser, back) = world.org.callback("owner");
    assert_eq!(browser.get(&back).answer.status, 303);
    assert_eq!(code(&browser.get(&back).answer), refused(403, "sign_in_replayed"));
    let (mut browser, back) = world.org.callback("owner");
    let forged = back.replace("state=", "state=x");
    assert_eq!(code(&browser.get(&forged).answer), refused(403, "sign_in_replayed"));
    let elsewhere = back.replace(&world.org.connection, "con_0123456789abcdef");
    assert_eq!(browser.get(&elsewhere).answer.status, 404, "a callback of another connection");
    // Whom nobody invited, and whose groups give nothing, stays out, and no row is left of them.
    let out = world.org.sign_in("stranger").expect_err("nobody invited them");
    let invite = |role: &str| {
        let email = world.org.email("noa");
        let body =
            json!({"email": email, "connection": world.org.connection, "tenant": world.tenant, "role": role});
        world.owner.send("POST", &format!("/v1/orgs/{}/invitations", world.org.id), &body).status
    };
    assert_eq!((invite("admin"), invite("viewer")), (201, 201), "the last invitation counts");
    assert_eq!(code(&out), refused(403, "not_admitted"));
    let people = world.owner.get(&format!("/v1/orgs/{}/users", world.org.id)).json();
    assert_eq!(people["items"].as_array().map(Vec::len), Some(1));
}

/// Who, what, when and by which authority, of a whole scenario; refusals too.
#[test]
fn the_ledger_tells_the_whole_story() {
    let Some(world) = World::new() else { return };
    let dana = world.with_role("dana", "operator");
    let refusal = dana.send("POST", &world.path("/agents"), &json!({"name": "x"}));
    assert_eq!(code(&refusal), refused(403, "forbidden"));
    let stopped = dana.send("POST", &world.path("/kill"), &json!({"reason": "incident_4711"}));
    assert_eq!(stopped.status, 200, "{stopped:?}");
    let wanted = [
        ["tenants.create", "attempt"],
        ["tenants.create", "outcome"],
        ["kill.stop", "attempt"],
        ["agents.create", "single"],
    ];
    let told = wait::until("the ledger has the story", || {
        let told: Vec<Value> = records::all(&world.tenant)
            .into_iter()
            .map(|record| record.message().parse().expect("JSON"))
            .collect();
        let is = |one: &Value, wanted: &[&str; 2]| [&one["action"], &one["phase"]] == *wanted;
        wanted.iter().all(|wanted| told.iter().any(|one| is(one, wanted))).then_some(told)
    });
    let of = |action: &str, phase: &str| {
        told.iter()
            .find(|one| one["action"] == action && one["phase"] == phase)
            .unwrap_or_else(|| panic!("{action} {phase}"))
    };
    let made = of("tenants.create", "attempt");
    assert_eq!(
        (made["actor_id"].as_str(), made["actor_type"].as_str()),
        (Some(world.owner.user.as_str()), Some("user"))
    );
    assert_eq!((made["authority"]["role"].as_str(), made["mfa"].as_bool()), (Some("org-owner"), Some(true)));
    assert_eq!(of("tenants.create", "outcome")["reason"], "completed");
    let stop = of("kill.stop", "attempt");
    assert_eq!(
        (stop["actor_id"].as_str(), stop["authority"]["role"].as_str()),
        (Some(dana.user.as_str()), Some("operator"))
    );
    assert!(stop["session_id"].as_str().is_some_and(|id| id.starts_with("ses_")), "{stop}");
    let denied = of("agents.create", "single");
    assert_eq!((denied["decision"].as_str(), denied["reason"].as_str()), (Some("deny"), Some("forbidden")));
    assert_eq!(denied["event_type"], "admin.refused");
}
