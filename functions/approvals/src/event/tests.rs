use super::*;
use crate::tests::world::event as of;
use serde_json::json;

fn http(method: &str, path: &str, body: Option<&str>) -> Request {
    match parse(&of(method, path, None, body, "https://a.example").to_string()) {
        Ok(Event::Http(request)) => *request,
        other => panic!("{other:?}"),
    }
}

fn route_of(method: &str, path: &str) -> Route {
    http(method, path, None).route
}

const ID: &str = "apr_01010101010101010101010101010101";
const TENANT: &str = "ten_081040g2081040g2";

#[test]
fn paths_are_ours_or_nobodys() {
    let (id, tenant): (ApprovalId, TenantId) = (ID.parse().unwrap(), TENANT.parse().unwrap());
    for (method, path, route) in [
        ("GET", "/healthz".to_owned(), Route::Health),
        ("GET", "/".to_owned(), Route::List(None)),
        ("GET", format!("/?tenant={TENANT}"), Route::List(Some(tenant.clone()))),
        ("GET", "/?tenant=other".to_owned(), Route::List(None)),
        ("GET", format!("/a/{ID}"), Route::Look { approval: id.clone(), reveal: false }),
        ("HEAD", format!("/a/{ID}?reveal=1"), Route::Look { approval: id.clone(), reveal: true }),
        ("GET", format!("/a/{ID}?reveal=true&say=approve"), Route::Look { approval: id, reveal: false }),
        ("GET", format!("/away?tenant={TENANT}"), Route::Away(Some(tenant))),
        ("POST", "/signed-out".to_owned(), Route::SignOut),
        ("GET", "/signed-out".to_owned(), Route::Stray(405)),
        ("GET", "/batch".to_owned(), Route::Stray(405)),
        ("POST", "/".to_owned(), Route::Stray(405)),
        ("PUT", format!("/a/{ID}"), Route::Stray(405)),
        ("DELETE", format!("/a/{ID}"), Route::Stray(405)),
        ("GET", "/a/apr_1".to_owned(), Route::Stray(404)),
        ("GET", format!("/a/{ID}/"), Route::Stray(404)),
        ("GET", format!("/a/{}", ID.to_uppercase()), Route::Stray(404)),
        ("GET", format!("/slack/{TENANT}"), Route::Stray(405)),
        ("POST", "/slack/acme".to_owned(), Route::Stray(404)),
        ("GET", "/v1/session".to_owned(), Route::Stray(404)),
    ] {
        assert_eq!(route_of(method, &path), route, "{method} {path}");
    }
    let long = "x".repeat(129);
    let Route::SignedIn { code, state } = route_of("GET", &format!("/signed-in?code={long}&state=s")) else {
        panic!()
    };
    assert_eq!((code.as_str(), state.as_str()), ("", "s"));
}

#[test]
fn a_form_is_read_to_the_letter() {
    let body = "say=approve&comment=%20a%0D%0Ab+c%20&csrf=c&digest=d&seen=s&reveal=1&x=1";
    let Route::Decide(_, word) = http("POST", &format!("/a/{ID}"), Some(body)).route else { panic!() };
    assert_eq!(
        word,
        Word {
            say: Some(Say::Approve),
            comment: "a\nb c".to_owned(),
            csrf: "c".to_owned(),
            digest: "d".to_owned(),
            seen: "s".to_owned(),
            reveal: true,
        }
    );
    let body = format!("tenant={TENANT}&say=deny&csrf=c&approval={ID}&approval={ID}");
    let Route::DecideAll(words) = http("POST", "/batch", Some(&body)).route else { panic!() };
    assert_eq!(words.approvals.as_ref().map(Vec::len), Some(2));
    let Route::DecideAll(words) = http("POST", "/batch", Some(&body.replacen(ID, "apr_1", 1))).route else {
        panic!()
    };
    assert_eq!(words.approvals, None);
    // JSON is no form: no other site can send one across without asking first, and none is read.
    let mut event = of("POST", &format!("/a/{ID}"), None, Some("say=approve"), "");
    event["headers"]["content-type"] = json!("text/plain");
    let Ok(Event::Http(request)) = parse(&event.to_string()) else { panic!() };
    let Route::Decide(_, word) = request.route else { panic!() };
    assert_eq!(word.say, None);
}

#[test]
fn three_ways_in_are_told_apart() {
    assert!(matches!(parse(r#"{"sweep":true}"#), Ok(Event::Sweep)));
    assert!(matches!(parse(r#"{"Records":[]}"#), Ok(Event::Batch(_))));
    for bad in ["", "[]", "null", "{", "\"sweep\""] {
        assert!(matches!(parse(bad), Err(404)), "{bad}");
    }
    // What comes by the URL is the platform's to write: a body is no event of its own.
    let posted = of("POST", "/", None, Some(r#"{"sweep":true}"#), "");
    assert!(matches!(parse(&posted.to_string()), Ok(Event::Http(_))));
    let large = of("POST", "/batch", None, Some(&"x".repeat(64 * 1_024 + 1)), "");
    assert!(matches!(parse(&large.to_string()), Err(413)));
}

#[test]
fn an_hour_is_one_of_utc() {
    assert_eq!(moment("2026-11-27T09:00").unwrap().to_string(), "2026-11-27T09:00:00.000Z");
    for bad in
        ["", "2026-11-27", "2026-11-27T09:00:00", "2026-11-27T09:00Z", "2026-13-27T09:00", "yyyy-11-27T09:00"]
    {
        assert_eq!(moment(bad), None, "{bad}");
    }
}

#[test]
fn a_debug_form_shows_no_token() {
    let event = of("GET", &format!("/a/{ID}"), Some(1), None, "");
    let parsed = parse(&event.to_string()).unwrap();
    assert!(!format!("{parsed:?}").contains("t1"), "{parsed:?}");
}

macro_rules! fixture {
    ($name:literal) => {
        include_str!(concat!("../../../../events/approvals/", $name, ".json"))
    };
}

/// What the platform really sends, in `events/approvals`.
#[test]
fn events_as_they_come_are_understood() {
    let request = |text: &str| match parse(text) {
        Ok(Event::Http(request)) => *request,
        other => panic!("{other:?}"),
    };
    let look = request(fixture!("look"));
    assert!(look.tls && look.session.is_some() && !look.head && look.from_origin.is_none());
    assert!(matches!(look.route, Route::Look { reveal: false, .. }));
    assert!(matches!(request(fixture!("look_revealed")).route, Route::Look { reveal: true, .. }));
    let scanner = request(fixture!("scanner_head"));
    assert!(scanner.head && scanner.session.is_none());
    let decided = request(fixture!("decide"));
    assert_eq!(decided.from_origin.as_deref(), Some("https://approvals.example.com"));
    let Route::Decide(_, word) = decided.route else { panic!() };
    assert_eq!((word.say, word.comment.as_str()), (Some(Say::Approve), "Agreed with the vendor."));
    let Route::DecideAll(words) = request(fixture!("decide_together")).route else { panic!() };
    assert_eq!((words.say, words.approvals.map(|all| all.len())), (Some(Say::Deny), Some(2)));
    let Route::SetAway(away) = request(fixture!("away")).route else { panic!() };
    assert!(moment(&away.from) < moment(&away.until) && !away.back);
    let handed = request(fixture!("handed_over"));
    assert!(handed.flow.is_some() && matches!(handed.route, Route::SignedIn { .. }));
    let Route::Slack(_, call) = request(fixture!("slack_deny")).route else { panic!() };
    let now = Timestamp::from_unix_millis(1_795_430_530_000).unwrap();
    assert_eq!(crate::slack::verified(&call, "0123456789abcdef", now), Ok(()));
    assert!(crate::slack::click(&call.body).is_ok_and(|click| click.deny.is_some()));
    assert!(matches!(parse(fixture!("sweep_waiting")), Ok(Event::Sweep)));
    let messages = |text: &str| match parse(text) {
        Ok(Event::Batch(batch)) => batch.records,
        other => panic!("{other:?}"),
    };
    let reads = |text: &str| -> Vec<bool> {
        messages(text).iter().map(|one| domain::ApprovalMessage::parse(&one.body).is_ok()).collect()
    };
    assert_eq!(reads(fixture!("told")), [true; 4]);
    assert_eq!(reads(fixture!("poison")), [false, true]);
}
