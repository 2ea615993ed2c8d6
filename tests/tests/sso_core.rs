//! Single sign-on's pure core against a certified OpenID provider: real documents, keys, codes and tokens.
#![cfg(test)]

use std::time::{SystemTime, UNIX_EPOCH};

use admin::sso::begin::Journey;
use admin::sso::refresh::{Refresh, Times, UNKNOWN_KID_MILLIS, Wanted};
use admin::sso::{
    BrowserSecret, Callback, CallbackError, Code, Connection, ConnectionForm, Discovery, Identity, Jwks, Mfa,
    Pending, Presets, RedirectUri, ReturnTo, Secret, TokenAuth, TokenFault, TokenRequest, Tokens, begin,
    discovery, id_token, logout,
};
use countersign_tests::support::Request;
use countersign_tests::support::browser::Browser;
use countersign_tests::support::idp::{CLIENT, Idp, Mint, SECRET};
use domain::Timestamp;
use egress::Reach;
use serde_json::{Value, json};

const REDIRECT: &str = "http://127.0.0.1:9/sso/callback";

fn now() -> Timestamp {
    #[expect(clippy::disallowed_methods, reason = "the provider's tokens are of the real time")]
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Timestamp::from_unix_millis(i64::try_from(since.as_millis()).unwrap()).unwrap()
}

/// What the function would keep of one connection.
struct Party {
    connection: Connection,
    discovery: Discovery,
    keys: Jwks,
}

/// A sign-in that is under way: the browser is back.
struct Back {
    pending: Pending,
    browser: BrowserSecret,
    query: String,
}

impl Party {
    fn new(idp: &Idp, client_id: &str) -> Self {
        let form: ConnectionForm = serde_json::from_value(json!({
            "id": "con_0123456789abcdef",
            "org": "org_0123456789abcdef",
            "idp": "custom",
            "issuer": idp.issuer(),
            "client_id": client_id,
        }))
        .unwrap();
        let connection = Connection::new(form, &Presets::builtin().unwrap(), Reach::Loopback).unwrap();
        let document = idp.read(&discovery::address(connection.issuer()));
        let discovery = Discovery::parse(&document, &connection, Reach::Loopback).unwrap();
        let keys = keys(idp, &discovery);
        Self { connection, discovery, keys }
    }

    fn begin(&self, max_age: Option<u32>) -> (Pending, BrowserSecret, String) {
        let mut random = [[0; 32]; 4];
        random.iter_mut().for_each(|bytes| getrandom::getrandom(bytes).unwrap());
        let browser = BrowserSecret::from_random(random[3]);
        let journey = Journey {
            redirect_uri: &RedirectUri::parse(REDIRECT, Reach::Loopback).unwrap(),
            return_to: ReturnTo::parse("/").unwrap(),
            browser: &browser,
            max_age,
            now: now(),
        };
        let (pending, url) =
            begin(&self.connection, &self.discovery, journey, [random[0], random[1], random[2]]);
        (pending, browser, url)
    }

    fn back(&self, browser: &mut Browser, user: &str) -> Back {
        let (pending, secret, url) = self.begin(None);
        let callback = browser.sign_in(&url, user, REDIRECT);
        let query = callback.split_once('?').unwrap().1.to_owned();
        Back { pending, browser: secret, query }
    }

    fn accept(&self, back: &Back) -> Result<Code, CallbackError> {
        let callback = Callback::parse(&back.query)?;
        callback.accept(&back.pending, &self.connection, &self.discovery, &back.browser, now())
    }

    fn exchange(&self, code: &Code, pending: &Pending, secret: &str) -> Result<Tokens, CallbackError> {
        let secret = Secret::new(secret);
        let asked = TokenRequest::new(code, pending, &self.connection, &self.discovery, &secret);
        let mut request = Request::new("POST", asked.url)
            .with("content-type", "application/x-www-form-urlencoded")
            .body(asked.body.expose().to_owned());
        if let Some(header) = asked.authorization {
            request = request.with("authorization", header.expose());
        }
        let answer = request.send();
        Tokens::parse(answer.status, &answer.body)
    }

    fn verify(&self, tokens: &Tokens, pending: &Pending) -> Result<Identity, TokenFault> {
        let access = tokens.access_token.as_ref();
        id_token::verify(&tokens.id_token, &self.connection, &self.keys, pending, access, now())
    }

    /// A whole sign-in.
    fn tokens(&self, browser: &mut Browser, user: &str) -> (Tokens, Pending) {
        let back = self.back(browser, user);
        let tokens = self.exchange(&self.accept(&back).unwrap(), &back.pending, SECRET).unwrap();
        (tokens, back.pending)
    }

    fn logout(&self, token: &Secret) -> Result<logout::Logout, TokenFault> {
        logout::verify(token, &self.connection, &self.keys, now())
    }
}

fn keys(idp: &Idp, discovery: &Discovery) -> Jwks {
    Jwks::parse(&idp.read(&discovery.jwks_uri), discovery.rsa()).unwrap()
}

/// The claims that a token holds.
fn claims(token: &Secret) -> Value {
    use base64::Engine as _;
    let payload = token.expose().split('.').nth(1).unwrap();
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

#[test]
fn people_sign_in() {
    let Some(idp) = Idp::of_acme(REDIRECT) else { return };
    let party = Party::new(&idp, CLIENT);
    assert!(party.discovery.iss_in_callback && party.discovery.back_channel_logout);
    let mut browser = Browser::new();
    let (tokens, pending) = party.tokens(&mut browser, "dana");
    let dana = party.verify(&tokens, &pending).unwrap();
    assert_eq!((dana.issuer.as_str(), dana.subject.as_str()), (idp.issuer(), "dana"));
    assert_eq!(dana.groups.listed(), ["Ops", "Everyone"]);
    assert_eq!((dana.mfa, dana.email_verified), (Mfa::Yes, true));
    assert!(dana.sid.is_some());

    // The provider still knows this browser; another one is asked anew.
    let (again, pending) = party.tokens(&mut browser, "nobody is asked");
    assert_eq!(party.verify(&again, &pending).unwrap().subject, "dana");
    let (tokens, pending) = party.tokens(&mut Browser::new(), "noa");
    let noa = party.verify(&tokens, &pending).unwrap();
    assert_eq!((noa.subject.as_str(), noa.mfa, noa.email_verified), ("noa", Mfa::No, false));
    assert!(noa.groups.listed().is_empty());
}

#[test]
fn a_new_sign_in_can_be_asked_for() {
    let Some(idp) = Idp::of_acme(REDIRECT) else { return };
    let party = Party::new(&idp, CLIENT);
    let mut browser = Browser::new();
    party.tokens(&mut browser, "dana");
    let (pending, secret, url) = party.begin(Some(0));
    let callback = browser.sign_in(&url, "dana", REDIRECT);
    let back = Back { pending, browser: secret, query: callback.split_once('?').unwrap().1.to_owned() };
    let tokens = party.exchange(&party.accept(&back).unwrap(), &back.pending, SECRET).unwrap();
    assert!(party.verify(&tokens, &back.pending).unwrap().auth_time.is_some());
}

#[test]
fn a_client_can_prove_itself_in_the_body() {
    let Some(idp) = Idp::of_acme(REDIRECT) else { return };
    let mut party = Party::new(&idp, "another");
    assert_eq!(party.discovery.token_auth, TokenAuth::Basic);
    party.discovery.token_auth = TokenAuth::Post;
    let (tokens, pending) = party.tokens(&mut Browser::new(), "dana");
    assert!(party.verify(&tokens, &pending).is_ok());
    // It is no token for the first client.
    let first = Party::new(&idp, CLIENT);
    assert_eq!(first.verify(&tokens, &pending), Err(TokenFault::Audience));
}

#[test]
fn codes_are_good_once_and_for_who_asked() {
    let Some(idp) = Idp::of_acme(REDIRECT) else { return };
    let party = Party::new(&idp, CLIENT);
    let code = || {
        let back = party.back(&mut Browser::new(), "dana");
        (party.accept(&back).unwrap(), back.pending)
    };
    let (used, pending) = code();
    assert!(party.exchange(&used, &pending, SECRET).is_ok());
    assert_eq!(party.exchange(&used, &pending, SECRET).unwrap_err(), CallbackError::Grant);
    let (stolen, _) = code();
    assert_eq!(party.exchange(&stolen, &pending, SECRET).unwrap_err(), CallbackError::Grant);
    let (own, mut pending) = code();
    assert_eq!(party.exchange(&own, &pending, "wrong").unwrap_err(), CallbackError::Client);
    pending.redirect_uri += "/";
    assert_eq!(party.exchange(&own, &pending, SECRET).unwrap_err(), CallbackError::Grant);
}

#[test]
fn a_callback_belongs_to_its_sign_in() {
    let Some(idp) = Idp::of_acme(REDIRECT) else { return };
    let party = Party::new(&idp, CLIENT);
    let (mine, other) = (party.back(&mut Browser::new(), "dana"), party.back(&mut Browser::new(), "noa"));
    let with = |query: &str, pending: &Pending, browser: &BrowserSecret| {
        let callback = Callback::parse(query).unwrap();
        callback.accept(pending, &party.connection, &party.discovery, browser, now()).unwrap_err()
    };
    assert_eq!(with(&other.query, &mine.pending, &mine.browser), CallbackError::State);
    assert_eq!(with(&mine.query, &mine.pending, &other.browser), CallbackError::Browser);
    let without =
        mine.query.split('&').filter(|pair| !pair.starts_with("iss=")).collect::<Vec<_>>().join("&");
    assert_eq!(with(&without, &mine.pending, &mine.browser), CallbackError::MixedUp);

    // Another honest provider's answer in place of this one's.
    let second = Idp::of_acme(REDIRECT).unwrap();
    let elsewhere = Party::new(&second, CLIENT).back(&mut Browser::new(), "dana");
    let state = |query: &str| query.split('&').find(|pair| pair.starts_with("state=")).unwrap().to_owned();
    let mixed = elsewhere.query.replace(&state(&elsewhere.query), &state(&mine.query));
    assert_eq!(with(&mixed, &mine.pending, &mine.browser), CallbackError::MixedUp);
    assert!(party.accept(&mine).is_ok());
}

#[test]
fn what_the_provider_refuses_is_told() {
    let Some(idp) = Idp::of_acme(REDIRECT) else { return };
    let party = Party::new(&idp, CLIENT);
    let back = party.back(&mut Browser::new(), "nobody");
    let fault = party.accept(&back).unwrap_err();
    assert!(matches!(fault, CallbackError::Provider(error) if error.as_str() == "access_denied"), "{fault}");
    // It wants PKCE: a request without is sent back.
    let (pending, browser, url) = party.begin(None);
    let bare: Vec<_> = url.split('&').filter(|pair| !pair.starts_with("code_challenge")).collect();
    let query =
        Browser::new().sign_in(&bare.join("&"), "dana", REDIRECT).split_once('?').unwrap().1.to_owned();
    let fault = party.accept(&Back { pending, browser, query }).unwrap_err();
    assert!(
        matches!(fault, CallbackError::Provider(error) if error.as_str() == "invalid_request"),
        "{fault}"
    );
}

#[test]
fn keys_rotate_under_every_algorithm() {
    let Some(idp) = Idp::of_acme(REDIRECT) else { return };
    let mut party = Party::new(&idp, CLIENT);
    let mut times = Times::default().fetched(now());
    for alg in ["PS256", "ES256", "ES384", "EdDSA", "RS256"] {
        let kid = idp.rotate(alg, false);
        let (tokens, pending) = party.tokens(&mut Browser::new(), "dana");
        assert_eq!(party.verify(&tokens, &pending), Err(TokenFault::UnknownKey), "{alg}");
        assert!(!party.keys.has(&kid));
        // A minute after the last fetch it is too soon, five minutes after it is not.
        let fetched = times.fetched_at.unwrap();
        assert_eq!(times.decide(Wanted::UnknownKid, fetched.plus_millis(60_000)), Refresh::Refuse);
        let then = fetched.plus_millis(UNKNOWN_KID_MILLIS);
        assert_eq!(times.decide(Wanted::UnknownKid, then), Refresh::Fetch { else_use: false });
        times = times.fetched(then);
        party.keys = keys(&idp, &party.discovery);
        assert_eq!(party.verify(&tokens, &pending).unwrap().subject, "dana", "{alg}");
    }
    // A rotation that keeps the old key breaks nothing.
    let (before, pending) = party.tokens(&mut Browser::new(), "dana");
    idp.rotate("ES256", true);
    party.keys = keys(&idp, &party.discovery);
    assert!(party.verify(&before, &pending).is_ok());
    let (after, pending) = party.tokens(&mut Browser::new(), "dana");
    assert!(party.verify(&after, &pending).is_ok());
}

#[test]
fn hostile_tokens_are_refused_beside_honest_ones() {
    let Some(idp) = Idp::of_acme(REDIRECT) else { return };
    let party = Party::new(&idp, CLIENT);
    let (tokens, pending) = party.tokens(&mut Browser::new(), "dana");
    let honest = claims(&tokens.id_token);
    let verify = |how: Mint, header: Value, changes: Value| {
        let mut claims = honest.clone();
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let token = Secret::new(idp.mint(how, &header, &claims));
        let verified = party.verify(&Tokens { id_token: token, access_token: None }, &pending);
        verified.map(|identity| identity.subject)
    };
    let seconds = now().unix_millis() / 1_000;
    assert_eq!(verify(Mint::Signed, json!({}), json!({})), Ok("dana".to_owned()));
    for (how, header, changes, fault) in [
        (Mint::None, json!({}), json!({}), TokenFault::Algorithm),
        (Mint::None, json!({"alg": "RS256"}), json!({}), TokenFault::Signature),
        (Mint::Hs256, json!({}), json!({}), TokenFault::Algorithm),
        (Mint::Hs256, json!({"alg": "RS256"}), json!({}), TokenFault::Signature),
        (Mint::Foreign, json!({}), json!({}), TokenFault::Signature),
        (Mint::Foreign, json!({"jku": "https://evil.test/jwks"}), json!({}), TokenFault::Signature),
        (Mint::Signed, json!({"kid": "another"}), json!({}), TokenFault::UnknownKey),
        (Mint::Signed, json!({"alg": "PS256"}), json!({}), TokenFault::Algorithm),
        (Mint::Signed, json!({"crit": ["b64"], "b64": false}), json!({}), TokenFault::Critical),
        (Mint::Signed, json!({"typ": "logout+jwt"}), json!({}), TokenFault::Kind),
        (Mint::Signed, json!({"typ": "at+jwt"}), json!({}), TokenFault::Kind),
        (Mint::Signed, json!({}), json!({"aud": "another"}), TokenFault::Audience),
        (Mint::Signed, json!({}), json!({"aud": [CLIENT, "another"]}), TokenFault::AuthorizedParty),
        (Mint::Signed, json!({}), json!({"iss": "https://evil.test"}), TokenFault::Issuer),
        (Mint::Signed, json!({}), json!({"nonce": "another"}), TokenFault::Nonce),
        (Mint::Signed, json!({}), json!({"nonce": null}), TokenFault::Missing("nonce")),
        (Mint::Signed, json!({}), json!({"exp": seconds - 60}), TokenFault::Expired),
        (Mint::Signed, json!({}), json!({"exp": "9999999999"}), TokenFault::Shape("exp")),
        (Mint::Signed, json!({}), json!({"exp": null}), TokenFault::Missing("exp")),
        (Mint::Signed, json!({}), json!({"nbf": seconds + 600}), TokenFault::NotYet),
    ] {
        assert_eq!(verify(how, header.clone(), changes.clone()), Err(fault), "{how:?} {header} {changes}");
    }
}

#[test]
fn the_provider_ends_a_session() {
    let Some(idp) = Idp::of_acme(REDIRECT) else { return };
    let party = Party::new(&idp, CLIENT);
    let mut browser = Browser::new();
    let (tokens, pending) = party.tokens(&mut browser, "dana");
    let dana = party.verify(&tokens, &pending).unwrap();
    let end = party.discovery.end_session_endpoint.as_deref().unwrap();
    let page = browser.get(&format!("{end}?id_token_hint={}", tokens.id_token.expose()));
    let action = page.answer.body.split("action=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let xsrf = page.answer.body.split("name=\"xsrf\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let ended = browser.post(&action, &[("xsrf", xsrf), ("logout", "yes")]);
    assert!(ended.answer.status < 400, "{ended:?}");

    let sent = idp.logouts();
    assert_eq!(sent.len(), 1);
    let token = Secret::new(sent[0].clone());
    let told = party.logout(&token).unwrap();
    assert_eq!((&told.sid, &told.issuer), (&dana.sid, &dana.issuer));
    assert_eq!(
        told.ends(&party.connection, Some("dana")),
        logout::Ends::Of("dana"),
        "one session of one person"
    );
    let sid = countersign_tests::support::browser::encode(told.sid.as_deref().unwrap());
    let issuer = countersign_tests::support::browser::encode(idp.issuer());
    let front = logout::front(&format!("iss={issuer}&sid={sid}"), &party.connection);
    assert!(front.is_err(), "a browser ends nothing of a provider that tells us by itself");
    // Neither is taken for the other.
    assert!(party.logout(&tokens.id_token).is_err());
    assert!(party.verify(&Tokens { id_token: token, access_token: None }, &pending).is_err());
}
