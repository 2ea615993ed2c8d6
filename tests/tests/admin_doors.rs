//! The ways into the management API beside a browser's own sign-in: a session handed to a command, a program's token, and
//! the door that IAM guards.
#![cfg(test)]

use std::thread;

use ::aws::now as aws_now;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_tests::support::admin::{Org, Person, bootstrap_as, origin};
use countersign_tests::support::browser::{Browser, encode};
use countersign_tests::support::http::{Answer, Request};
use countersign_tests::support::idp::{Idp, Mint};
use countersign_tests::support::stack::{stack, unique};
use countersign_tests::support::world::{World, code, refused, text};
use countersign_tests::support::{aws, planted};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// Where a command would listen. Nothing does: the browser of these tests stops there.
const COMMAND: &str = "http://127.0.0.1:45678/";

struct Secret {
    verifier: String,
    challenge: String,
}

impl Secret {
    fn new() -> Self {
        let verifier = unique::<43>();
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&verifier));
        Self { verifier, challenge }
    }

    fn address(&self, org: &Org, to: &str) -> String {
        let (to, connection) = (encode(to), &org.connection);
        format!("{}/v1/handoff?to={to}&challenge={}&connection={connection}", origin(), self.challenge)
    }
}

/// A browser without any session goes through the provider and the question, and comes out with a code.
fn code_for(org: &Org, name: &str, secret: &Secret) -> String {
    let back = Browser::new().sign_in(&secret.address(org, COMMAND), name, COMMAND);
    let code = back.strip_prefix(&format!("{COMMAND}?code=")).unwrap_or_else(|| panic!("{back}"));
    planted::note(code);
    code.to_owned()
}

fn redeem(code: &str, verifier: &str) -> Answer {
    let body = json!({"code": code, "verifier": verifier}).to_string();
    let request = Request::new("POST", format!("{}/v1/handoff/redeem", origin()));
    request.with("content-type", "application/json").body(body).send()
}

fn person(answer: &Answer) -> Person {
    assert_eq!(answer.status, 201, "{answer:?}");
    let key = text(answer, "session");
    planted::note(&key);
    Person { user: text(answer, "user"), key }
}

#[test]
fn a_command_gets_a_session_of_its_own_by_somebody_s_browser() {
    let Some((org, owner)) = Org::begun() else { return };
    let secret = Secret::new();
    let code_of = code_for(&org, "owner", &secret);
    let command = person(&redeem(&code_of, &secret.verifier));
    assert_eq!(command.user, owner.user);
    let me = command.get("/v1/session").json();
    assert_eq!((&me["session"]["client"], &me["org_owner"]), (&json!("command"), &json!(true)), "{me}");
    assert_eq!(code(&redeem(&code_of, &secret.verifier)), refused(403, "handoff_code"), "it is used once");

    // Each ends by itself.
    let sessions = command.get("/v1/sessions").json();
    let clients: Vec<_> = sessions["items"].as_array().unwrap().iter().map(|one| &one["client"]).collect();
    assert!(clients.contains(&&json!("command")) && clients.contains(&&json!("browser")), "{sessions}");
    assert_eq!(command.send("DELETE", "/v1/session", &json!({})).status, 204);
    assert_eq!(code(&command.get("/v1/session")), refused(401, "session_revoked"));
    assert_eq!(owner.get("/v1/session").status, 200);
}

#[test]
fn a_code_is_worth_nothing_to_whoever_did_not_ask_for_it() {
    let Some((org, _)) = Org::begun() else { return };
    let secret = Secret::new();
    let stolen = code_for(&org, "owner", &secret);
    assert_eq!(code(&redeem(&stolen, &unique::<43>())), refused(403, "handoff_code"));
    assert_eq!(code(&redeem(&stolen, &secret.verifier)), refused(403, "handoff_code"), "it is burnt");
    assert_eq!(code(&redeem(&unique::<43>(), &secret.verifier)), refused(403, "handoff_code"));

    // Many at once: one.
    let secret = Secret::new();
    let raced = code_for(&org, "owner", &secret);
    let answers: Vec<Answer> = thread::scope(|scope| {
        let one = || redeem(&raced, &secret.verifier);
        let all: Vec<_> = (0..8).map(|_| scope.spawn(one)).collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let won = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(won, 1, "{answers:?}");
    answers.iter().filter(|answer| answer.status == 201).for_each(|answer| drop(person(answer)));
    assert!(answers.iter().all(|answer| [201, 403].contains(&answer.status)), "{answers:?}");
}

/// Whoever signs out in the browser is signed out wherever that session went.
#[test]
fn what_was_handed_over_is_refused_at_its_next_request_once_the_first_has_ended() {
    let Some((org, owner)) = Org::begun() else { return };
    let mut seat = Seat::new(&org);
    let (one, two) = (seat.command(&org), seat.command(&org));
    assert_eq!((one.get("/v1/session").status, two.get("/v1/session").status), (200, 200));
    // Each can be ended alone.
    assert_eq!(two.send("DELETE", "/v1/session", &json!({})).status, 204);
    assert_eq!((one.get("/v1/session").status, seat.first.get("/v1/session").status), (200, 200));
    let shown = one.get("/v1/session").json();
    let from = shown["session"]["from"].as_str().expect("what it came from").to_owned();
    // Ended by another of the person's sessions, by its id.
    assert_eq!(owner.send("DELETE", &format!("/v1/sessions/{from}"), &json!({})).status, 204);
    for over in [&one, &two, &seat.first] {
        assert_eq!(code(&over.get("/v1/session")), refused(401, "session_revoked"));
    }
    let left = owner.get("/v1/sessions").json();
    let froms: Vec<_> = left["items"].as_array().unwrap().iter().map(|one| &one["from"]).collect();
    assert!(!froms.contains(&&json!(from)), "none of them is listed: {left}");
}

/// A session that is handed over while it ends: whatever the answer was, nobody goes on with it.
#[test]
fn a_session_that_is_handed_over_while_it_ends_is_over() {
    let Some((org, _)) = Org::begun() else { return };
    for round in 0..10 {
        let mut seat = Seat::new(&org);
        let secret = Secret::new();
        let code_of = seat.code(&org, &secret);
        let (answer, ended) = thread::scope(|scope| {
            let answer = scope.spawn(|| redeem(&code_of, &secret.verifier));
            let ended = scope.spawn(|| seat.first.send("DELETE", "/v1/session", &json!({})));
            (answer.join().unwrap(), ended.join().unwrap())
        });
        // A write of the one beside one of the other may be sent back: then it is asked for again.
        let ended =
            if ended.status == 204 { ended } else { seat.first.send("DELETE", "/v1/session", &json!({})) };
        assert!([204, 401].contains(&ended.status), "{round}: {ended:?}");
        if answer.status == 201 {
            assert_eq!(code(&person(&answer).get("/v1/session")), refused(401, "session_revoked"), "{round}");
        } else {
            assert!([401, 403, 503].contains(&answer.status), "{round}: {answer:?}");
        }
    }
}

/// A browser of the owner's, with the session that is handed over.
struct Seat {
    browser: Browser,
    first: Person,
}

impl Seat {
    fn new(org: &Org) -> Self {
        let (mut browser, back) = org.callback("owner");
        assert_eq!(browser.get(&back).answer.status, 303);
        let key = browser.cookie("__Host-cs_session").expect("a session").to_owned();
        planted::note(&key);
        Self { browser, first: Person { user: String::new(), key } }
    }

    fn code(&mut self, org: &Org, secret: &Secret) -> String {
        let back = self.browser.sign_in(&secret.address(org, COMMAND), "owner", COMMAND);
        let code = back.rsplit_once('=').expect("a code").1.to_owned();
        planted::note(&code);
        code
    }

    fn command(&mut self, org: &Org) -> Person {
        let secret = Secret::new();
        let code = self.code(org, &secret);
        person(&redeem(&code, &secret.verifier))
    }
}

/// Whoever asked knows its own answer: what it gave out comes back with the code.
#[test]
fn a_state_comes_back_with_the_code_and_one_that_could_be_anything_else_does_not() {
    let Some((org, _)) = Org::begun() else { return };
    let secret = Secret::new();
    let address = |state: &str| format!("{}&state={}", secret.address(&org, COMMAND), encode(state));
    let back = Browser::new().sign_in(&address("s-_.~1"), "owner", COMMAND);
    let (code_of, state) = back.split_once("?code=").unwrap().1.split_once('&').unwrap();
    planted::note(code_of);
    assert_eq!(state, "state=s-_.~1");
    let redeemed = redeem(code_of, &secret.verifier);
    assert_eq!(text(&redeemed, "connection"), org.connection);
    drop(person(&redeemed));
    for state in ["a&code=b", "a b", "\"", &"x".repeat(129)] {
        let page = Browser::new().get(&address(state));
        assert_eq!(code(&page.answer), refused(400, "handoff_place"), "{state}");
    }
}

/// Nothing of more than 32 KiB is read for whoever has no session.
#[test]
fn strangers_are_read_32_kib_and_no_more() {
    for path in ["/v1/handoff/redeem", "/v1/workloads/session", "/v1/sso/con_0123456789abcdef/logout"] {
        let sent = |bytes: usize| {
            let request = Request::new("POST", format!("{}{path}", origin()));
            request.with("content-type", "application/json").body("x".repeat(bytes)).send()
        };
        assert_eq!(code(&sent(32 * 1_024 + 1)), refused(413, "body_too_large"), "{path}");
        assert_ne!(sent(32 * 1_024).status, 413, "{path}");
    }
}

#[test]
fn a_session_that_has_ended_hands_nothing_over() {
    let Some((org, _)) = Org::begun() else { return };
    let secret = Secret::new();
    let mut browser = Browser::new();
    let back = browser.sign_in(&secret.address(&org, COMMAND), "owner", COMMAND);
    let code_of = back.rsplit_once('=').unwrap().1;
    let key = browser.cookie("__Host-cs_session").expect("a session").to_owned();
    planted::note(&key);
    let first = Person { user: String::new(), key };
    assert_eq!(first.send("DELETE", "/v1/session", &json!({})).status, 204);
    assert_eq!(code(&redeem(code_of, &secret.verifier)), refused(401, "session_revoked"));
}

#[test]
fn nobody_is_led_elsewhere_and_no_other_page_says_yes() {
    let Some((org, _)) = Org::begun() else { return };
    let secret = Secret::new();
    let mut browser = Browser::new();
    browser.sign_in(&secret.address(&org, COMMAND), "owner", COMMAND);
    for to in ["https://evil.test/", "http://127.0.0.1:45678/x", "http://127.0.0.1:45678@evil.test/"] {
        let page = browser.get(&secret.address(&org, to));
        assert_eq!(code(&page.answer), refused(400, "handoff_place"), "{to}");
    }
    // Signed in by another connection is not signed in: it could be somebody else's session.
    let elsewhere = secret.address(&org, COMMAND).replace(&org.connection, "con_0123456789abcdef");
    let page = browser.get(&elsewhere);
    assert!(page.location().is_some_and(|to| to.contains("/v1/sso/con_0123456789abcdef/login")), "{page:?}");
    // Signed in, and asked before anything goes to a program.
    let page = browser.get(&secret.address(&org, COMMAND));
    assert_eq!((page.answer.status, page.location()), (200, None));
    let policy = page.answer.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    let form = format!("to={}&challenge={}", encode(COMMAND), secret.challenge);
    let cookie = format!("__Host-cs_session={}", browser.cookie("__Host-cs_session").unwrap());
    for from in [None, Some("https://evil.test"), Some("null")] {
        let request = Request::new("POST", format!("{}/v1/handoff", origin()))
            .with("content-type", "application/x-www-form-urlencoded")
            .with("cookie", cookie.clone())
            .body(form.clone());
        let request = if let Some(from) = from { request.with("origin", from) } else { request };
        assert_eq!(code(&request.send()), refused(403, "csrf_header"), "{from:?}");
    }
}

/// A build of the tenant's, with the platform that gives it its tokens.
struct Build<'w> {
    world: &'w World,
    id: String,
    platform: Idp,
}

impl<'w> Build<'w> {
    fn new(world: &'w World, by: &Person, role: &str) -> Option<Self> {
        let platform = Idp::start(&json!([]), &json!({}))?;
        let body = json!({
            "name": "deploy", "role": role, "issuer": platform.issuer(), "audience": "https://countersign.acme.test",
            "subject": "repo:acme/app:*",
        });
        let made = by.send("POST", &world.path("/workloads"), &body);
        assert_eq!(made.status, 201, "{made:?}");
        Some(Self { world, id: text(&made, "id"), platform })
    }

    fn claims(&self) -> Value {
        let now = aws_now().unix_millis() / 1_000;
        json!({
            "iss": self.platform.issuer(), "sub": "repo:acme/app:ref:refs/heads/main",
            "aud": "https://countersign.acme.test", "iat": now, "nbf": now, "exp": now + 300, "jti": unique::<12>(),
        })
    }

    fn shows(&self, how: Mint, changes: &Value) -> Answer {
        let mut claims = self.claims();
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let token = self.platform.mint(how, &json!({}), &claims);
        let body = json!({"workload": self.id, "token": token}).to_string();
        let request = Request::new("POST", format!("{}/v1/workloads/session", origin()));
        request.with("content-type", "application/json").body(body).send()
    }

    fn path(&self, rest: &str) -> String {
        self.world.path(&format!("/workloads/{}{rest}", self.id))
    }
}

#[test]
fn a_program_signs_in_by_its_platform_s_token_and_has_its_role_and_no_more() {
    let Some(world) = World::new() else { return };
    let dana = world.with_role("dana", "owner");
    let Some(build) = Build::new(&world, &dana, "operator") else { return };
    let shown = build.shows(Mint::Signed, &json!({}));
    let ends: ::domain::Timestamp = text(&shown, "expires_at").parse().unwrap();
    assert!(ends <= aws_now().plus_millis(300_000), "with its token: {ends}");
    let program = person(&shown);
    let me = program.get("/v1/session");
    assert_eq!((me.status, text(&me, "user")), (200, program.user.clone()), "{me:?}");
    let mine = program.get("/v1/session/tenants").json();
    assert_eq!(
        (&mine["items"][0]["id"], &mine["items"][0]["role"]),
        (&json!(world.tenant), &json!("operator"))
    );
    assert_eq!(program.get(&world.path("/agents")).status, 200);
    let agent = program.send("POST", &world.path("/agents"), &json!({"name": "x"}));
    assert_eq!(code(&agent), refused(403, "forbidden"), "an operator registers none");
    assert_eq!(code(&program.get(&format!("/v1/orgs/{}/users", world.org.id))), refused(404, "not_found"));
    let own = json!({"agent": "agt_0123456789abcdef", "actions": ["llm.call"]});
    assert_eq!(program.send("POST", &world.path("/keys/own"), &own).status, 403);
    // It stops an agent, and whether that runs again is for a person to say.
    let agent = world.path(&format!("/agents/{}/status", world.agent(&dana)));
    let turn = |by: &Person, to: &str| by.send("PUT", &agent, &json!({"status": to}));
    assert_eq!(turn(&program, "suspended").status, 200);
    assert_eq!(code(&turn(&program, "active")), refused(403, "forbidden"));
    assert_eq!(turn(&dana, "active").status, 200);
    let stopped = program.send("POST", &world.path("/kill"), &json!({"reason": "deploy_failed"}));
    assert_eq!(stopped.status, 200, "{stopped:?}");
    // Whoever answers for the program has stopped it too.
    let recover = json!({"reason": "resolved", "version": stopped.json()["version"]});
    let recovered = |by: &Person| by.send("POST", &world.path("/kill/recover"), &recover);
    assert_eq!(code(&recovered(&dana)), refused(403, "same_person"));
    assert_eq!(recovered(&world.owner).status, 200);

    // Whoever looks after the tenant sees what it is, and stops it: the very next request is refused.
    let seen = dana.get(&build.path(""));
    assert_eq!(seen.json()["subject"], "repo:acme/app:*", "{seen:?}");
    let suspended = dana.send("PUT", &build.path("/status"), &json!({"status": "suspended"}));
    assert_eq!(suspended.status, 200, "{suspended:?}");
    assert_eq!(code(&program.get(&world.path("/agents"))), refused(401, "workload_inactive"));
    assert_eq!(code(&build.shows(Mint::Signed, &json!({}))), refused(401, "workload_inactive"));
    assert_eq!(dana.send("PUT", &build.path("/status"), &json!({"status": "active"})).status, 200);
    assert_eq!(code(&program.get(&world.path("/agents"))), refused(401, "session_ended"), "nothing revives");
    drop(person(&build.shows(Mint::Signed, &json!({}))));
}

/// A program is as long as somebody answers for it, and ends its own session.
#[test]
fn a_program_is_answered_for_and_signs_out() {
    let Some(world) = World::new() else { return };
    let (dana, noa) = (world.with_role("dana", "owner"), world.with_role("noa", "owner"));
    let Some(build) = Build::new(&world, &dana, "viewer") else { return };
    let program = person(&build.shows(Mint::Signed, &json!({})));
    let said = countersign(&program, &["whoami"]);
    assert!(said.contains(&program.user), "{said}");
    let file = stack().home().join("program.yaml");
    std::fs::write(&file, "v: 1\ntenants:\n  - name: research\n    status: active\n").expect("it is written");
    let said = countersign(&program, &["apply", "-f", file.to_str().unwrap(), "--dry-run"]);
    assert!(said.contains("nothing to change"), "{said}");
    countersign(&program, &["logout"]);
    assert_eq!(code(&program.get("/v1/session")), refused(401, "session_revoked"));

    let program = person(&build.shows(Mint::Signed, &json!({})));
    let status = |to: &str| {
        let path = format!("/v1/orgs/{}/users/{}/status", world.org.id, dana.user);
        world.owner.send("PUT", &path, &json!({ "status": to })).status
    };
    assert_eq!(status("suspended"), 200);
    assert_eq!(code(&program.get(&world.path("/agents"))), refused(401, "workload_inactive"));
    assert_eq!(code(&build.shows(Mint::Signed, &json!({}))), refused(401, "workload_inactive"));
    let to = |user: &str| noa.send("PUT", &build.path("/owner"), &json!({ "owner": user }));
    assert_eq!(code(&to(&dana.user)), refused(400, "invalid_field"), "whoever was ended answers for nothing");
    let given = to(&noa.user);
    assert_eq!((given.status, text(&given, "owner")), (200, noa.user.clone()), "{given:?}");
    assert_eq!(code(&program.get(&world.path("/agents"))), refused(401, "session_ended"), "nothing revives");
    let program = person(&build.shows(Mint::Signed, &json!({})));
    assert_eq!(program.get(&world.path("/agents")).status, 200);
}

/// What the command says as somebody.
fn countersign(by: &Person, arguments: &[&str]) -> String {
    let mut command = std::process::Command::new(stack().built("debug/countersign"));
    command.env_clear().env("CS_STAGE", "local").env("HOME", stack().home());
    command.env("CS_ADMIN_URL", stack().text("/admin_url")).env("CS_SESSION", &by.key);
    let done = command.args(arguments).stdin(std::process::Stdio::null()).output().expect("it runs");
    let said = String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned();
    assert!(done.status.success(), "{arguments:?}: {said}");
    said
}

#[test]
fn a_token_that_is_another_s_is_refused() {
    let Some(world) = World::new() else { return };
    let dana = world.with_role("dana", "admin");
    let Some(build) = Build::new(&world, &dana, "viewer") else { return };
    let (past, now) = (json!({"iat": 1_000, "nbf": 1_000, "exp": 2_000}), build.claims()["iat"].clone());
    drop(person(&build.shows(Mint::Signed, &json!({}))));
    for (how, changes) in [
        (Mint::None, json!({})),
        (Mint::Foreign, json!({})),
        (Mint::Hs256, json!({})),
        (Mint::Signed, json!({"aud": "https://another.test"})),
        (Mint::Signed, json!({"aud": ["https://countersign.acme.test", "https://another.test"]})),
        (Mint::Signed, json!({"iss": "https://evil.test"})),
        (Mint::Signed, json!({"sub": "repo:acme/app-of-another:ref:refs/heads/main"})),
        (Mint::Signed, json!({"sub": "repo:acme/app:"})),
        (Mint::Signed, past),
        (Mint::Signed, json!({"exp": now.as_u64().unwrap() + 200_000})),
        (Mint::Signed, json!({"nbf": now.as_u64().unwrap() + 600})),
    ] {
        assert_eq!(code(&build.shows(how, &changes)), refused(401, "workload_token"), "{how:?} {changes}");
    }
    // An admin gives less than an admin's role, and nobody gives a program an owner's.
    for (role, status) in [("owner", 403), ("admin", 403), ("member", 201)] {
        let body = json!({
            "name": "x", "role": role, "issuer": build.platform.issuer(), "audience": "x", "subject": "repo:acme/app:x",
        });
        let made = dana.send("POST", &world.path("/workloads"), &body);
        assert_eq!(made.status, status, "{role}: {made:?}");
    }
    for (field, value) in
        [("subject", "repo:*"), ("subject", "*"), ("issuer", "ftp://x"), ("audience", "a b")]
    {
        let mut body = json!({
            "name": "x", "role": "viewer", "issuer": build.platform.issuer(), "audience": "x", "subject": "repo:acme/app:x",
        });
        body[field] = json!(value);
        let made = dana.send("POST", &world.path("/workloads"), &body);
        assert_eq!(
            (made.status, made.json()["at"].as_str()),
            (400, Some(format!("/{field}").as_str())),
            "{made:?}"
        );
    }
}

/// Neither another role, nor an event of one's own making, nor the alias by itself.
#[test]
fn only_the_role_of_iam_makes_the_first_organization() {
    let body = json!({"name": "acme"});
    for role in ["operator", "auditor", "deployer", "admin"] {
        let answer = bootstrap_as(role, &body).unwrap();
        assert_eq!(answer["status"], 403, "{role}: {answer}");
    }
    let text = include_str!("../../events/admin/bootstrap.json");
    let mut event: Value = serde_json::from_str(text).expect("an event");
    let roles = stack().at("/roles");
    let arn =
        roles["bootstrap"].as_str().unwrap().replace(":iam:", ":sts:").replace(":role/", ":assumed-role/");
    event["requestContext"]["authorizer"]["iam"]["userArn"] = format!("{arn}/tests").into();
    let answer = aws::invoke("deployer", "admin", &event).expect("the deployer may invoke it");
    assert_eq!(answer["statusCode"], 401, "an event says nothing about its caller: {answer}");
    let name = format!("{}:bootstrap", stack().text("/functions/admin"));
    let params = json!({"FunctionName": name, "Payload": event.to_string()});
    let refused = aws::call("deployer", "lambda", "invoke", &params).unwrap_err();
    assert_eq!(refused.code, "AccessDeniedException");
}

/// A token says whose session it is; the row whether there is one. Use renews the token once a minute.
#[test]
fn a_session_s_token_is_renewed_by_use_and_believed_by_its_signature_alone() {
    let Some((_, owner)) = Org::begun() else { return };
    let token = owner.key.clone();
    let [head, body, signature] = token.split('.').collect::<Vec<_>>()[..] else { panic!("no token") };
    let mut claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(body).unwrap()).unwrap();
    let session = claims["sid"].as_str().unwrap().to_owned();
    assert_eq!((&claims["iss"], &claims["sub"]), (&json!("countersign:eu"), &json!(owner.user)));
    assert_eq!(owner.get("/v1/session").header("x-cs-session"), None, "a new one needs none");

    // Somebody else's session, a longer one, an older epoch, no signature: all the same.
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let none = part(&json!({"alg": "none", "typ": "cs-session+jwt"}));
    claims["exp"] = json!(claims["exp"].as_u64().unwrap() + 1);
    let longer = part(&claims);
    for forged in [
        format!("{head}.{longer}.{signature}"),
        format!("{none}.{body}."),
        format!("{none}.{body}.{signature}"),
        format!("{head}.{body}.{}", "A".repeat(86)),
        format!("{head}.{body}"),
    ] {
        let stranger = Person { user: String::new(), key: forged };
        assert_eq!(code(&stranger.get("/v1/session")), refused(401, "sign_in_needed"));
    }
    claims["iss"] = json!("countersign:us");
    let elsewhere = Person { user: String::new(), key: format!("{head}.{}.{signature}", part(&claims)) };
    assert_eq!(code(&elsewhere.get("/v1/session")), refused(421, "session_other_region"));

    // As if it had not been used for five minutes.
    let earlier = i64::try_from(aws_now().unix_millis()).unwrap() - 300_000;
    let earlier = ::domain::Timestamp::from_unix_millis(earlier).unwrap().to_string();
    let params = json!({
        "TableName": stack().text("/tables/identity"),
        "Key": {"pk": {"S": format!("SES#{session}")}, "sk": {"S": "SESSION"}},
        "UpdateExpression": "SET seen_at = :at", "ExpressionAttributeValues": {":at": {"S": earlier}},
    });
    aws::must("root", "dynamodb", "update_item", &params);
    let answer = owner.get("/v1/session");
    let renewed = answer.header("x-cs-session").expect("another token").to_owned();
    planted::note(&renewed);
    let next = Person { user: owner.user.clone(), key: renewed };
    assert_eq!((next.get("/v1/session").status, owner.get("/v1/session").status), (200, 200));
    assert_eq!(next.send("DELETE", "/v1/session", &json!({})).status, 204);
    for person in [&next, &owner] {
        assert_eq!(code(&person.get("/v1/session")), refused(401, "session_revoked"), "one row, one end");
    }
}
