use serde_json::json;

use super::super::testing::{NOW, at, browser, connection_of, discovery, now, pending, sample};
use super::*;

struct World {
    connection: Connection,
    discovery: Discovery,
    pending: Pending,
}

fn world() -> World {
    let connection = connection_of(&sample("okta").connection);
    let (pending, _) = pending(&connection, None);
    World { discovery: discovery(&connection), connection, pending }
}

impl World {
    fn accept(&self, query: &str) -> Result<Code, CallbackError> {
        self.accept_at(query, &browser(), now())
    }

    fn accept_at(&self, query: &str, browser: &BrowserSecret, now: Timestamp) -> Result<Code, CallbackError> {
        Callback::parse(query)?.accept(&self.pending, &self.connection, &self.discovery, browser, now)
    }

    fn state(&self) -> &str {
        self.pending.state.expose()
    }
}

#[test]
fn a_callback_of_this_sign_in_gives_its_code() {
    let world = world();
    let code = world.accept(&format!("code=a%2Fb+c&state={}&session_state=x", world.state())).unwrap();
    assert_eq!(code.0.expose(), "a/b c");
    let shown = format!("{code:?} {:?}", Callback::parse("code=abcdef&state=ghijkl").unwrap());
    assert!(!shown.contains("abcdef") && !shown.contains("ghijkl"), "{shown}");
}

#[test]
fn queries_that_do_not_read_are_refused() {
    let many = (0..30).map(|n| format!("p{n}=1")).collect::<Vec<_>>().join("&");
    for query in [
        "",
        "code=a",
        "state=b",
        "code=&state=b",
        "code=a&state=",
        "code=a&state=b&state=b",
        "code=a&code=c&state=b",
        "code=a&error=access_denied&state=b",
        "code=a&state=b&iss=x&iss=x",
        "code=%zz&state=b",
        "code=%ff&state=b",
        &format!("code=a&state=b&{many}"),
        &format!("state=b&code={}", "a".repeat(QUERY_BYTES_MAX)),
    ] {
        assert_eq!(Callback::parse(query).unwrap_err(), CallbackError::Malformed, "{query:.60}");
    }
}

#[test]
fn what_does_not_belong_is_refused_before_any_code_is_used() {
    use CallbackError as E;
    let mut world = world();
    let good = format!("code=a&state={}", world.state());
    let other = BrowserSecret::from_random([8; 32]);
    assert_eq!(world.accept_at(&good, &other, now()).unwrap_err(), E::Browser);
    assert_eq!(world.accept("code=a&state=b").unwrap_err(), E::State);
    assert_eq!(world.accept(&format!("{good}x")).unwrap_err(), E::State);
    assert_eq!(world.accept_at(&good, &browser(), at(NOW + 600)).unwrap_err(), E::Over);
    assert_eq!(world.accept_at(&good, &browser(), at(NOW - 20)).unwrap_err(), E::Over);
    // An error is told to the browser that asked, and to nobody else.
    let refused = format!("error=access_denied&state={}", world.state());
    assert_eq!(world.accept_at(&refused, &other, now()).unwrap_err(), E::Browser);
    let connection = world.pending.connection.clone();
    world.pending.connection = "con_0000000000000000".parse().unwrap();
    assert_eq!(world.accept(&good).unwrap_err(), E::MixedUp);
    world.pending.connection = connection;
    world.pending.issuer = "https://other.okta.com".to_owned();
    assert_eq!(world.accept(&good).unwrap_err(), E::Changed);
}

/// RFC 9207: an honest provider's code in answer to another's request.
#[test]
fn mixed_up_providers_are_refused() {
    let mut world = world();
    let good = format!("code=a&state={}", world.state());
    let with =
        |world: &World, iss: &str| world.accept(&format!("{good}&iss={}", form::encode(iss))).map(|_| ());
    for told in [false, true] {
        world.discovery.iss_in_callback = told;
        assert_eq!(with(&world, "https://acme.okta.com"), Ok(()));
        for iss in ["https://evil.test", "https://acme.okta.com/", ""] {
            assert_eq!(with(&world, iss), Err(CallbackError::MixedUp), "{iss}");
        }
        assert_eq!(world.accept(&good).is_ok(), !told, "it always says it, or never had to");
    }
    world.discovery.iss_in_callback = true;
    let error = format!("error=access_denied&state={}", world.state());
    assert_eq!(world.accept(&error).unwrap_err(), CallbackError::MixedUp);
}

#[test]
fn the_issuer_of_one_of_many_tenants_is_known() {
    let (own, other) = ("8a1c0f52-2b7e-4d0e-9f6a-3f0c6c1d2e4b", "00000000-1111-4222-8333-444455556666");
    let mut form = sample("entra").connection;
    form["issuer"] = json!("https://login.microsoftonline.com/organizations/v2.0");
    form["tenants"] = json!([own]);
    let connection = connection_of(&form);
    let (pending, _) = pending(&connection, None);
    let world = World { discovery: discovery(&connection), connection, pending };
    let with = |tid: &str| {
        let iss = form::encode(&format!("https://login.microsoftonline.com/{tid}/v2.0"));
        world.accept(&format!("code=a&state={}&iss={iss}", world.state())).map(|_| ())
    };
    assert_eq!(with(own), Ok(()));
    assert_eq!(with(other), Err(CallbackError::MixedUp));
}

#[test]
fn what_a_provider_says_is_one_of_known_words() {
    let world = world();
    for (said, told) in [
        ("access_denied", "access_denied"),
        ("login_required", "login_required"),
        ("%3Cscript%3E", "other"),
        ("dana%40acme.test", "other"),
    ] {
        let query = format!("error={said}&error_description=dana%40acme.test&state={}", world.state());
        let fault = world.accept(&query).unwrap_err();
        assert!(matches!(fault, CallbackError::Provider(error) if error.as_str() == told), "{fault}");
        assert!(!format!("{fault:?} {fault}").contains("dana"));
    }
}

#[test]
fn codes_are_exchanged_as_the_provider_wants_it() {
    let mut world = world();
    let secret = Secret::new("s:e c/ret+%");
    let code = world.accept(&format!("code=abc%26d&state={}", world.state())).unwrap();
    let request = |world: &World| {
        TokenRequest::new(&code, &world.pending, &world.connection, &world.discovery, &secret)
    };
    let body = |request: &TokenRequest| form::parse(request.body.expose(), 20).unwrap();
    let common = [
        ("grant_type", "authorization_code"),
        ("code", "abc&d"),
        ("redirect_uri", "https://admin.acme.test/sso/callback"),
        ("code_verifier", world.pending.verifier.expose()),
    ];
    let common: Vec<_> = common.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();

    let basic = request(&world);
    assert_eq!((basic.url.as_str(), body(&basic)), ("https://idp.acme.test/token", common.clone()));
    let expected = STANDARD.encode("0oa1synthetic:s%3Ae+c%2Fret%2B%25");
    assert_eq!(basic.authorization.as_ref().unwrap().expose(), format!("Basic {expected}"));

    world.discovery.token_auth = TokenAuth::Post;
    let post = request(&world);
    let own = [("client_id", "0oa1synthetic"), ("client_secret", secret.expose())];
    let own = own.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(body(&post), [common, own.to_vec()].concat());
    assert!(post.authorization.is_none());
    for request in [basic, post] {
        let shown = format!("{request:?}");
        assert!(!shown.contains("e c") && !shown.contains("abc") && !shown.contains("Basic"), "{shown}");
    }
}

#[test]
fn answers_of_token_endpoints() {
    use CallbackError as E;
    let good = json!({"id_token": "i", "access_token": "a", "token_type": "bearer", "expires_in": "3600", "scope": ""});
    let tokens = Tokens::parse(200, &good.to_string()).unwrap();
    assert_eq!((tokens.id_token.expose(), tokens.access_token.as_ref().unwrap().expose()), ("i", "a"));
    assert!(!format!("{tokens:?}").contains("\"i\""));
    for (status, body, fault) in [
        (200, json!({"access_token": "a", "token_type": "Bearer"}), E::NoIdToken),
        (200, json!({"id_token": "", "token_type": "Bearer"}), E::NoIdToken),
        (200, json!({"id_token": "i", "token_type": "mac"}), E::Answer),
        (200, json!({"id_token": 1}), E::Answer),
        (200, json!([]), E::Answer),
        (400, json!({"error": "invalid_grant", "error_description": "x"}), E::Grant),
        (401, json!({"error": "invalid_client"}), E::Client),
        (400, json!({"error": "unauthorized_client"}), E::Client),
        (500, json!({"message": "x"}), E::Answer),
        (302, json!({"id_token": "i"}), E::Answer),
    ] {
        assert_eq!(Tokens::parse(status, &body.to_string()).unwrap_err(), fault, "{status} {body}");
    }
    assert_eq!(Tokens::parse(200, "<html>").unwrap_err(), E::Answer);
    assert_eq!(Tokens::parse(200, r#"{"id_token":"a","id_token":"b"}"#).unwrap_err(), E::Answer);
    assert_eq!(Tokens::parse(200, &" ".repeat(ANSWER_BYTES_MAX + 1)).unwrap_err(), E::Answer);
}

proptest::proptest! {
    /// No state but the one that was given out is accepted.
    #[test]
    fn no_other_state_is_accepted(state in "[A-Za-z0-9_-]{1,60}") {
        let world = world();
        proptest::prop_assume!(state != world.state());
        let accepted = world.accept(&format!("code=a&state={state}"));
        proptest::prop_assert_eq!(accepted.unwrap_err(), CallbackError::State);
    }

    #[test]
    fn any_query_is_read_or_refused(query in ".{0,200}") {
        let _ = Callback::parse(&query);
    }
}
