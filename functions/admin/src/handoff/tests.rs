//! Where sessions go, who takes a code, and what is told of it.

use super::redeem::{child, redeemed};
use super::*;
use crate::ask::Rows;
use std::collections::BTreeSet;

const OURS: &str = "https://approvals.acme.com/v1/signed-in";

fn at(millis: i64) -> Timestamp {
    Timestamp::from_unix_millis(millis).unwrap()
}

/// A browser's session, from which something is handed over.
fn browser() -> SessionRow {
    SessionRow {
        id: SessionId::from_random([1; 10]),
        org: domain::OrgId::from_random([2; 10]),
        user: domain::UserId::from_random([3; 10]),
        epoch: 1,
        through: domain::Through::Connection(ConnectionId::from_random([4; 10])),
        client: SessionClient::Browser,
        created_at: at(0),
        seen_at: at(0),
        expires_at: at(9_000_000),
        mfa: true,
        revoked_at: None,
        root: None,
        handed: BTreeSet::new(),
        sid: Some(Opaque::from_digest(&[8; 32])),
    }
}

#[test]
fn a_session_goes_to_this_machine_or_to_an_address_of_ours_and_nowhere_else() {
    let ours = [OURS.to_owned()];
    let parsed = |text: &str| Place::parse(text, &ours);
    assert_eq!(parsed(OURS), Ok(Place::Ours(OURS.to_owned())));
    assert_eq!(parsed("http://127.0.0.1:40123/"), Ok(Place::Loopback { port: 40_123 }));
    for bad in [
        "",
        "https://approvals.acme.com/v1/signed-in/",
        "https://approvals.acme.com/v1/signed-in?x",
        "https://approvals.acme.com.evil.com/v1/signed-in",
        "http://127.0.0.1:40123",
        "http://127.0.0.1:40123/x",
        "http://127.0.0.1:80/",
        "http://127.0.0.1:+4000/",
        "http://127.0.0.1:70000/",
        "http://127.0.0.1:@evil.com/",
        "http://127.0.0.1:4000@evil.com/",
        "http://localhost:40123/",
        "https://127.0.0.1:40123/",
        "javascript:alert(1)",
    ] {
        assert_eq!(parsed(bad), Err(Why::HandoffPlace), "{bad}");
    }
}

#[test]
fn a_code_is_taken_by_whoever_made_its_challenge() {
    // RFC 7636, appendix B.
    let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    let made = challenge("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM").unwrap();
    assert_eq!(made, challenge_of(verifier));
    assert_ne!(made, challenge_of(verifier.trim_end_matches("k")));
    for bad in ["", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-c", "!".repeat(43).as_str()] {
        assert_eq!(challenge(bad), Err(Why::HandoffPlace), "{bad}");
    }
}

#[test]
fn a_code_ends_after_a_minute_whatever_else_is_right() {
    let verifier = "v".repeat(43);
    let parent = browser();
    let row = HandoffRow {
        session: parent.id.clone(),
        challenge: challenge_of(&verifier),
        client: SessionClient::Command,
        expires_at: at(60_000),
        used_at: None,
    };
    let tried = |row: &HandoffRow, verifier: &str, now| {
        redeemed(row, verifier, &parent, &Rows::new(), at(now)).map(|_| ()).unwrap_err()
    };
    assert_eq!(tried(&row, &verifier, 60_000), Why::HandoffCode);
    assert_eq!(tried(&row, "another", 59_999), Why::HandoffCode);
    // In time, and by whoever asked: now the session itself is looked at, which no row stands behind here.
    assert_eq!(tried(&row, &verifier, 59_999), Why::OrgInactive);
    let used = HandoffRow { used_at: Some(at(1)), ..row };
    assert_eq!(tried(&used, &verifier, 59_999), Why::HandoffCode, "once");
    let made = child(&parent, SessionClient::Command, SessionId::from_random([7; 10]), at(5));
    assert_eq!((made.expires_at, made.mfa, made.epoch), (parent.expires_at, true, 1));
    assert!(made.id != parent.id);
    assert_eq!((&made.root, &made.sid), (&Some(parent.id.clone()), &parent.sid), "it ends with the first");
    let next = child(&made, SessionClient::Page, SessionId::from_random([8; 10]), at(6));
    assert_eq!(next.root, Some(parent.id), "whatever it came by");
}

#[test]
fn whoever_is_not_signed_in_comes_back_here() {
    let asked = HandOff {
        to: "http://127.0.0.1:40123/".to_owned(),
        challenge: "c".repeat(43),
        state: Some("s-_.~1".to_owned()),
        connection: Some(ConnectionId::from_random([1; 10])),
    };
    let response = asked.by_sign_in().unwrap();
    assert_eq!(response.status(), 303);
    let back = format!("/v1/handoff?{}", asked.query());
    assert!(crate::sso::begin::ReturnTo::parse(&back).is_ok(), "{back}");
    assert_eq!(HandOff { connection: None, ..asked }.by_sign_in().unwrap_err(), Why::SignInNeeded);
}

/// Whoever is known is known when they are refused, too: the place is looked at beside who asks, and not before.
#[test]
fn a_browser_is_asked_sent_away_or_refused_with_whoever_is_known() {
    let session = browser();
    let asked = HandOff {
        to: "http://127.0.0.1:40123/".to_owned(),
        challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM".to_owned(),
        state: None,
        connection: session.through.connection().cloned(),
    };
    let ours = [OURS.to_owned()];
    let who = || Ok(who::named(&session));
    let over = |why| Err(NotSignedIn { why, known: Some(Box::new(session.clone())) });
    let loopback = Place::Loopback { port: 40_123 };
    let page = HandOff { to: OURS.to_owned(), ..asked.clone() };
    let nowhere = HandOff { to: "https://evil.test/".to_owned(), ..asked.clone() };
    let elsewhere = HandOff { connection: Some(ConnectionId::from_random([9; 10])), ..asked.clone() };
    let unnamed = HandOff { connection: None, ..asked.clone() };
    assert_eq!(next(&asked, &who(), &ours), Ok(Next::Ask(loopback)));
    assert_eq!(next(&page, &who(), &ours), Ok(Next::Issue(Place::Ours(OURS.to_owned()))));
    assert_eq!(next(&elsewhere, &who(), &ours), Ok(Next::SignIn));
    assert_eq!(next(&nowhere, &who(), &ours), Err(Why::HandoffPlace));
    assert_eq!(next(&asked, &over(Why::SessionIdle), &ours), Ok(Next::SignIn));
    assert_eq!(next(&unnamed, &over(Why::SessionIdle), &ours), Err(Why::SignInNeeded));
    assert_eq!(next(&nowhere, &over(Why::SessionIdle), &ours), Err(Why::HandoffPlace));
    for why in [Why::FactsUnavailable, Why::SessionOtherRegion] {
        assert_eq!(next(&asked, &over(why), &ours), Err(why));
    }
}

/// A yes counts on our own page, for the connection that was asked for, and for what was asked for as it should be.
#[test]
fn a_yes_is_somebody_s_own_and_leads_where_it_says() {
    let session = browser();
    let own = session.through.connection().cloned();
    let who = who::named(&session);
    let asked = HandOff {
        to: "http://127.0.0.1:40123/".to_owned(),
        challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM".to_owned(),
        state: Some("s-_.~1".to_owned()),
        connection: own,
    };
    let with = |change: fn(&mut HandOff)| {
        let mut other = asked.clone();
        change(&mut other);
        granted(&other, true, &who, &[]).map(|_| ())
    };
    let place = granted(&asked, true, &who, &[]).unwrap();
    assert_eq!(place.with_code("c", Some("s")), "http://127.0.0.1:40123/?code=c&state=s");
    assert_eq!(place.with_code("c", None), "http://127.0.0.1:40123/?code=c");
    assert_eq!(granted(&asked, false, &who, &[]), Err(Why::CsrfHeader));
    assert_eq!(with(|asked| asked.state = None), Ok(()));
    assert_eq!(with(|asked| asked.connection = None), Ok(()));
    assert_eq!(
        with(|asked| asked.connection = Some(ConnectionId::from_random([9; 10]))),
        Err(Why::HandoffPlace)
    );
    assert_eq!(with(|asked| asked.to = "https://evil.test/".to_owned()), Err(Why::HandoffPlace));
    assert_eq!(with(|asked| asked.challenge.push('x')), Err(Why::HandoffPlace));
    for state in ["", "a&code=b", "a b", "ä", "\"", &"x".repeat(129)] {
        let other = HandOff { state: Some(state.to_owned()), ..asked.clone() };
        assert_eq!(granted(&other, true, &who, &[]), Err(Why::HandoffPlace), "{state}");
    }
}

#[test]
fn one_session_goes_to_so_many_places_that_one_write_ends_them_all() {
    let mut parent = browser();
    let row = HandoffRow {
        session: parent.id.clone(),
        challenge: challenge_of("v"),
        client: SessionClient::Command,
        expires_at: at(60_000),
        used_at: None,
    };
    parent.handed = (0..40).map(|byte| SessionId::from_random([byte; 10])).collect();
    let connection = parent.through.connection().cloned().unwrap();
    let stored = domain::ConnectionRow {
        id: connection.clone(),
        org: parent.org.clone(),
        status: domain::Lifecycle::Active,
        document: "{}".to_owned(),
        secret: None,
    };
    let org = domain::Org { id: parent.org.clone(), status: domain::Lifecycle::Active, networks: None };
    let user = domain::User { id: parent.user.clone(), active: true, epoch: parent.epoch };
    let rows: Rows = [
        (Key::org(&parent.org), org.to_item()),
        (Key::user(&parent.org, &parent.user), user.to_item()),
        (Key::connection(&connection), stored.to_item()),
    ]
    .into();
    assert_eq!(redeemed(&row, "v", &parent, &rows, at(1)).map(|_| ()).unwrap_err(), Why::HandoffMost);
    parent.handed.pop_last();
    assert_eq!(redeemed(&row, "v", &parent, &rows, at(1)).unwrap().user, parent.user);
}
