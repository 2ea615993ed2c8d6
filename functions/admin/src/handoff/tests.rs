//! Where sessions go, who takes a code, and what is told of it.

use super::redeem::{child, redeemed};
use super::*;
use crate::ask::Rows;
use std::collections::BTreeSet;

const OURS: &str = "https://approvals.acme.com/v1/signed-in";

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
    let at = |millis| Timestamp::from_unix_millis(millis).unwrap();
    let verifier = "v".repeat(43);
    let parent = SessionRow {
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
    };
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
