//! The identity provider ends sessions: by a token that it sends, or through the browser; by its own name of one session, or by
//! the person; all of somebody's too, as Okta's Universal Logout asks for it. The tokens are those of a certified provider, or
//! signed by its key.
#![cfg(test)]

use ::aws::now as aws_now;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_tests::support::admin::{Org, Person, bare, origin};
use countersign_tests::support::browser::{Browser, encode};
use countersign_tests::support::http::Answer;
use countersign_tests::support::idp::{CLIENT, Mint};
use countersign_tests::support::planted;
use countersign_tests::support::stack::unique;
use countersign_tests::support::world::{code, refused, text};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

const COMMAND: &str = "http://127.0.0.1:45678/";

/// A browser in which somebody is signed in, at the provider and here.
struct Seat {
    browser: Browser,
    session: Person,
}

impl Seat {
    fn taken(org: &Org, name: &str) -> Self {
        let (mut browser, back) = org.callback(name);
        assert_eq!(browser.get(&back).answer.status, 303);
        let key = browser.cookie("__Host-cs_session").expect("a session").to_owned();
        planted::note(&key);
        Self { browser, session: Person { user: String::new(), key } }
    }

    /// A session for a command, handed over from the browser's own.
    fn command(&mut self, org: &Org) -> Person {
        let verifier = unique::<43>();
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&verifier));
        let to = encode(COMMAND);
        let address =
            format!("{}/v1/handoff?to={to}&challenge={challenge}&connection={}", origin(), org.connection);
        let back = self.browser.sign_in(&address, "nobody is asked", COMMAND);
        let code = back.rsplit_once('=').expect("a code").1;
        planted::note(code);
        let body = json!({"code": code, "verifier": verifier}).to_string();
        let redeemed = bare("POST", "/v1/handoff/redeem").with("content-type", "application/json");
        let redeemed = redeemed.body(body).send();
        assert_eq!(redeemed.status, 201, "{redeemed:?}");
        assert_eq!(text(&redeemed, "connection"), org.connection);
        let key = text(&redeemed, "session");
        planted::note(&key);
        Person { user: text(&redeemed, "user"), key }
    }

    /// Signs out at the provider. The token that it makes of that is not sent to us: the test does, or does not.
    fn left(&mut self, org: &Org) -> String {
        let document = org.idp.read(&format!("{}/.well-known/openid-configuration", org.idp.issuer()));
        let document: Value = serde_json::from_str(&document).expect("JSON");
        let end = document["end_session_endpoint"].as_str().expect("an address").to_owned();
        let page = self.browser.get(&end);
        let part = |before: &str| {
            let rest = page.answer.body.split(before).nth(1).unwrap_or_else(|| panic!("{page:?}"));
            rest.split('"').next().expect("its end").to_owned()
        };
        let (action, xsrf) = (part("action=\""), part("name=\"xsrf\" value=\""));
        let before = org.idp.logouts().len();
        let ended = self.browser.post(&action, &[("xsrf", &xsrf), ("logout", "yes")]);
        assert!(ended.answer.status < 400, "{ended:?}");
        let sent = org.idp.logouts();
        assert_eq!(sent.len(), before + 1, "one token of one session");
        sent.last().expect("a token").clone()
    }
}

fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).expect("three parts");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).expect("base64url")).expect("JSON")
}

fn sends(org: &Org, token: &str) -> Answer {
    let request = bare("POST", &format!("/v1/sso/{}/logout", org.connection));
    let request = request.with("content-type", "application/x-www-form-urlencoded");
    request.body(format!("logout_token={}", encode(token))).send()
}

/// A logout token of the provider's own key, with these claims beside the usual ones.
fn minted(org: &Org, how: Mint, more: &Value) -> String {
    let now = aws_now().unix_millis() / 1_000;
    let mut claims = json!({
        "iss": org.idp.issuer(), "aud": CLIENT, "iat": now, "exp": now + 120, "jti": unique::<16>(),
        "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
    });
    claims.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    org.idp.mint(how, &json!({"typ": "logout+jwt"}), &claims)
}

/// Where a provider asks for somebody to be logged out everywhere.
fn everywhere(connection: &str) -> String {
    format!("/v1/sso/{connection}/universal-logout")
}

/// A token that asks for it, as Okta makes them, with other members and claims.
fn asking(org: &Org, how: Mint, header: &Value, claims: &Value) -> String {
    let now = aws_now().unix_millis() / 1_000;
    let (mut head, mut all) = (
        json!({"typ": "global-token-revocation+jwt"}),
        json!({
            "iss": org.idp.issuer(), "sub": CLIENT, "aud": format!("{}{}", origin(), everywhere(&org.connection)),
            "jti": unique::<16>(), "nbf": now - 300, "iat": now, "exp": now + 300,
        }),
    );
    for (all, more) in [(&mut head, header), (&mut all, claims)] {
        all.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    }
    org.idp.mint(how, &head, &all)
}

fn asks(org: &Org, token: &str, sub_id: &Value) -> Answer {
    let request = bare("POST", &everywhere(&org.connection)).with("authorization", format!("Bearer {token}"));
    let body = json!({"sub_id": sub_id}).to_string();
    request.with("content-type", "application/json").body(body).send()
}

fn front(org: &Org, iss: &str, sid: &str) -> Answer {
    let (iss, sid) = (encode(iss), encode(sid));
    bare("GET", &format!("/v1/sso/{}/logout?iss={iss}&sid={sid}", org.connection)).send()
}

fn lives(person: &Person) -> bool {
    let answer = person.get("/v1/session");
    assert!(answer.status == 200 || code(&answer) == refused(401, "session_revoked"), "{answer:?}");
    answer.status == 200
}

#[test]
fn a_provider_ends_one_session_by_its_own_name_of_it_and_what_was_handed_over_from_it() {
    let Some((org, by_cookie)) = Org::begun() else { return };
    let (mut one, other) = (Seat::taken(&org, "owner"), Seat::taken(&org, "owner"));
    let command = one.command(&org);
    let sid = claims(&one.left(&org))["sid"].as_str().expect("it names the session").to_owned();
    assert!([&one.session, &command, &other.session].into_iter().all(lives), "nobody has told us yet");
    let foreign = minted(&org, Mint::Foreign, &json!({"sid": sid}));
    assert_eq!(code(&sends(&org, &foreign)), refused(400, "logout_token"));
    let unknown = minted(&org, Mint::Signed, &json!({"sid": "another"}));
    assert_eq!(sends(&org, &unknown).status, 200, "nothing to end");
    assert!(lives(&one.session));

    let token = minted(&org, Mint::Signed, &json!({"sid": sid}));
    assert_eq!(sends(&org, &token).status, 200);
    assert!(!lives(&one.session) && !lives(&command), "at the very next request");
    assert!(lives(&other.session) && lives(&by_cookie), "other sessions of the person go on");
}

#[test]
fn a_provider_s_own_token_ends_its_session_once() {
    let Some((org, by_cookie)) = Org::begun() else { return };
    let mut seat = Seat::taken(&org, "owner");
    let token = seat.left(&org);
    let told = claims(&token);
    assert!(told["sub"].is_string() && told["sid"].is_string(), "by both: {told}");
    let stranger = minted(&org, Mint::Signed, &json!({"sub": "nobody", "sid": told["sid"]}));
    assert_eq!(sends(&org, &stranger).status, 200);
    assert!(lives(&seat.session) && lives(&by_cookie), "whoever was never here ends nobody's session");
    assert_eq!(sends(&org, &token).status, 200);
    assert!(!lives(&seat.session) && lives(&by_cookie));
    assert_eq!(code(&sends(&org, &token)), refused(400, "logout_token"), "it is used once");
    // Of the person as a whole.
    let sub = json!({"sub": told["sub"]});
    assert_eq!(sends(&org, &minted(&org, Mint::Signed, &sub)).status, 200);
    assert!(!lives(&by_cookie));
}

/// Nothing proves a request through the browser: of a provider that sends tokens none is taken.
#[test]
fn a_browser_ends_no_session_of_a_provider_that_tells_us_itself() {
    let Some((org, by_cookie)) = Org::begun() else { return };
    let mut seat = Seat::taken(&org, "owner");
    let token = seat.left(&org);
    let sid = claims(&token)["sid"].as_str().expect("it names the session").to_owned();
    let issuer = org.idp.issuer();
    for (iss, sid) in [(issuer, sid.as_str()), (issuer, "another-0123456789"), ("https://evil.test", &sid)] {
        assert_eq!(code(&front(&org, iss, sid)), refused(400, "logout_token"), "{iss} {sid}");
        assert!(lives(&seat.session) && lives(&by_cookie));
    }
    assert_eq!(sends(&org, &token).status, 200, "its token does");
    assert!(!lives(&seat.session) && lives(&by_cookie));
}

#[test]
fn a_provider_logs_somebody_out_everywhere() {
    let Some((org, by_cookie)) = Org::begun() else { return };
    let dana = org.join(&by_cookie, "dana", &json!({}));
    let (mut one, other) = (Seat::taken(&org, "owner"), Seat::taken(&org, "owner"));
    let command = one.command(&org);
    let all = [&by_cookie, &one.session, &command, &other.session];
    assert!(all.iter().all(|person| lives(person)));
    let token = || asking(&org, Mint::Signed, &json!({}), &json!({}));
    let owner = json!({"format": "iss_sub", "iss": org.idp.issuer(), "sub": "owner"});
    let used = token();
    let done = asks(&org, &used, &owner);
    assert_eq!((done.status, done.body.as_str()), (204, ""), "{done:?}");
    assert!(!all.iter().any(|person| lives(person)), "at the very next request");
    assert!(lives(&dana), "others go on");
    let dana_s = json!({"format": "email", "email": org.email("dana")});
    assert_eq!(code(&asks(&org, &used, &dana_s)), refused(401, "universal_logout_token"), "it is used once");
    assert!(lives(&dana));
    assert_eq!(asks(&org, &token(), &dana_s).status, 204);
    assert!(!lives(&dana), "by the address that the provider has verified");

    // It is no deactivation: whoever the provider lets in again is in.
    let again = org.sign_in("owner").unwrap_or_else(|answer| panic!("the owner is let in: {answer:?}"));
    assert_eq!(asks(&org, &token(), &json!({"format": "opaque", "id": "owner"})).status, 204);
    assert!(!lives(&again));
    assert_eq!(asks(&org, &token(), &owner).status, 204, "nothing is left to end, and that is told as done");
}

#[test]
fn whoever_is_not_the_provider_logs_nobody_out() {
    let Some((org, owner)) = Org::begun() else { return };
    let subject = json!({"format": "iss_sub", "iss": org.idp.issuer(), "sub": "owner"});
    let none = json!({});
    let logout = format!("{}/v1/sso/{}/logout", origin(), org.connection);
    for (how, header, claims) in [
        (Mint::Foreign, none.clone(), none.clone()),
        (Mint::None, none.clone(), none.clone()),
        (Mint::Hs256, none.clone(), none.clone()),
        (Mint::Signed, json!({"typ": "JWT"}), none.clone()),
        (Mint::Signed, json!({"typ": "logout+jwt"}), none.clone()),
        (Mint::Signed, none.clone(), json!({"aud": CLIENT})),
        (Mint::Signed, none.clone(), json!({"aud": logout})),
        (Mint::Signed, none.clone(), json!({"iss": "https://evil.test"})),
        (Mint::Signed, none.clone(), json!({"exp": aws_now().unix_millis() / 1_000 - 90})),
        (Mint::Signed, none.clone(), json!({"jti": null})),
    ] {
        let answer = asks(&org, &asking(&org, how, &header, &claims), &subject);
        assert_eq!(code(&answer), refused(401, "universal_logout_token"), "{how:?} {header} {claims}");
    }
    let body = json!({"sub_id": subject}).to_string();
    let request = |path: &str| bare("POST", path).with("content-type", "application/json").body(body.clone());
    let token = |claims: &Value| asking(&org, Mint::Signed, &none, claims);
    let nobody = request(&everywhere(&org.connection)).send();
    assert_eq!(code(&nobody), refused(401, "universal_logout_token"));
    let there = request(&everywhere("con_0123456789abcdef"));
    let elsewhere = there.with("authorization", format!("Bearer {}", token(&none))).send();
    assert_eq!(
        code(&elsewhere),
        refused(401, "universal_logout_token"),
        "no connection is told from a stopped one"
    );
    let another = asks(&org, &token(&json!({"sub": "another"})), &subject);
    assert_eq!(code(&another), refused(403, "universal_logout_client"));
    for (sub_id, answer) in [
        (
            json!({"format": "iss_sub", "iss": "https://evil.test", "sub": "owner"}),
            refused(403, "universal_logout_client"),
        ),
        (
            json!({"format": "iss_sub", "iss": org.idp.issuer(), "sub": "stranger"}),
            refused(404, "universal_logout_unknown"),
        ),
        (json!({"format": "email", "email": "nobody@acme.test"}), refused(404, "universal_logout_unknown")),
        (
            json!({"format": "phone_number", "phone_number": "+12065550100"}),
            refused(400, "universal_logout_subject"),
        ),
        (json!("owner"), refused(400, "universal_logout_subject")),
    ] {
        assert_eq!(code(&asks(&org, &token(&none), &sub_id)), answer, "{sub_id}");
    }
    assert!(lives(&owner), "after all of them");
}
