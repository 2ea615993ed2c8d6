use serde_json::{Value, json};

use super::super::jwks::Alg;
use super::super::testing::{NOW, TestKey, connection_of, jwks, now, sample};
use super::*;

fn claims() -> Value {
    json!({
        "iss": "https://acme.eu.auth0.com/", "aud": "synthetic0client", "iat": NOW - 5, "exp": NOW + 115,
        "jti": "one", "sub": "auth0|42", "sid": "a-session", "events": {EVENT: {}},
    })
}

fn verified(header: Value, changes: Value) -> Result<Logout, TokenFault> {
    let key = TestKey::new(Alg::Es256, "k");
    let (mut head, mut claims) = (json!({"alg": "ES256", "kid": "k", "typ": "logout+jwt"}), claims());
    for (to, from) in [(&mut head, header), (&mut claims, changes)] {
        for (name, value) in from.as_object().unwrap() {
            match value {
                Value::Null => drop(to.as_object_mut().unwrap().remove(name)),
                value => to[name] = value.clone(),
            }
        }
    }
    let connection = connection_of(&sample("auth0").connection);
    verify(&key.token_with(&head, &claims), &connection, &jwks(&[&key]), now())
}

#[test]
fn a_session_or_all_of_a_subjects_end() {
    let both = verified(json!({}), json!({})).unwrap();
    assert_eq!(
        (both.sub.as_deref(), both.sid.as_deref(), both.jti.as_str()),
        (Some("auth0|42"), Some("a-session"), "one")
    );
    assert!(verified(json!({}), json!({"sid": null})).unwrap().sid.is_none());
    assert!(verified(json!({}), json!({"sub": null})).unwrap().sub.is_none());
    for typ in [json!("application/logout+jwt"), json!("JWT"), Value::Null] {
        assert!(verified(json!({"typ": typ}), json!({})).is_ok(), "{typ}");
    }
    assert!(!format!("{both:?}").contains("42"));
}

#[test]
fn each_rule() {
    use TokenFault as F;
    for (header, changes, fault) in [
        (json!({"typ": "at+jwt"}), json!({}), F::Kind),
        (json!({"typ": "cs-session+jwt"}), json!({}), F::Kind),
        (json!({"alg": "none"}), json!({}), F::Algorithm),
        (json!({"kid": "other"}), json!({}), F::UnknownKey),
        (json!({}), json!({"iss": "https://evil.test/"}), F::Issuer),
        (json!({}), json!({"aud": "another"}), F::Audience),
        (json!({}), json!({"aud": ["synthetic0client", "another"]}), F::AuthorizedParty),
        (json!({}), json!({"nonce": "n"}), F::Kind),
        (json!({}), json!({"events": null}), F::Missing("events")),
        (json!({}), json!({"events": {}}), F::Kind),
        (json!({}), json!({"events": {EVENT: true}}), F::Kind),
        (json!({}), json!({"events": [EVENT]}), F::Kind),
        (json!({}), json!({"events": EVENT}), F::Kind),
        (json!({}), json!({"sub": null, "sid": null}), F::Empty),
        (json!({}), json!({"sub": "", "sid": null}), F::Empty),
        (json!({}), json!({"sub": 1}), F::Shape("sub")),
        (json!({}), json!({"sid": "x".repeat(256)}), F::Shape("sid")),
        (json!({}), json!({"jti": null}), F::Missing("jti")),
        (json!({}), json!({"iat": null}), F::Missing("iat")),
        (json!({}), json!({"exp": null}), F::Missing("exp")),
        (json!({}), json!({"exp": NOW - 60, "iat": NOW - 100}), F::Expired),
        (json!({}), json!({"iat": NOW - 661}), F::Expired),
        (json!({}), json!({"iat": NOW + 61}), F::NotYet),
    ] {
        assert_eq!(verified(header.clone(), changes.clone()), Err(fault), "{header} {changes}");
    }
}

#[test]
fn a_token_ends_all_of_a_person_or_one_session() {
    let (mine, by_oid) =
        (connection_of(&sample("auth0").connection), connection_of(&sample("entra").connection));
    let token = |sub: bool, sid: bool| Logout {
        issuer: "i".to_owned(),
        sub: sub.then(|| "s".to_owned()),
        sid: sid.then(|| "a".to_owned()),
        jti: "j".to_owned(),
    };
    for (sub, sid, connection, person, ends) in [
        (true, false, &mine, Some("dana"), Ends::All("dana")),
        (true, true, &mine, Some("dana"), Ends::Of("dana")),
        (true, false, &mine, None, Ends::Nobody),
        // Of somebody who is not known here: no session of another is taken for theirs.
        (true, true, &mine, None, Ends::Nobody),
        (false, true, &mine, None, Ends::At),
        (false, true, &by_oid, None, Ends::At),
        // Entra's `sub` names nobody here.
        (true, true, &by_oid, None, Ends::At),
        (true, false, &by_oid, None, Ends::Nobody),
    ] {
        assert_eq!(token(sub, sid).ends(connection, person), ends, "{sub} {sid} {person:?}");
    }
}

#[test]
fn a_browser_ends_one_session_of_one_issuer() {
    use TokenFault as F;
    let tid = "8a1c0f52-2b7e-4d0e-9f6a-3f0c6c1d2e4b";
    let mut one = sample("entra").connection;
    one["issuer"] = json!(format!("https://login.microsoftonline.com/{tid}/v2.0"));
    one["tenants"] = json!([tid]);
    let mut many = one.clone();
    many["issuer"] = json!("https://login.microsoftonline.com/organizations/v2.0");
    let (one, many) = (connection_of(&one), connection_of(&many));
    let read = |query: &str, connection| front(query, connection).map(|front| front.sid);
    let host = "https%3A%2F%2Flogin.microsoftonline.com";
    let iss = format!("{host}%2F{tid}%2Fv2.0");
    let sid = "00112233445566-7";
    assert_eq!(read(&format!("iss={iss}&sid=0011%20223344556677"), &one), Ok("0011 223344556677".to_owned()));
    let of = |tenant: &str| format!("sid={sid}&iss={host}%2F{tenant}%2Fv2.0");
    assert_eq!(read(&of(tid), &many), Ok(sid.to_owned()));
    assert_eq!(read(&of("9a1c0f52-2b7e-4d0e-9f6a-3f0c6c1d2e4b"), &many), Err(F::Issuer));
    let long = format!("iss={iss}&sid={}", "x".repeat(256));
    for (query, fault) in [
        ("", F::Missing("iss")),
        (&format!("sid={sid}"), F::Missing("iss")),
        (&format!("iss={iss}"), F::Missing("sid")),
        (&format!("iss={iss}&sid="), F::Shape("sid")),
        (&format!("iss={iss}&sid={sid}&sid=another-0123456789"), F::Shape("sid")),
        (&format!("iss={iss}&iss={iss}&sid={sid}"), F::Shape("iss")),
        (&long, F::Shape("sid")),
        // What could be guessed.
        (&format!("iss={iss}&sid={}", "x".repeat(15)), F::Shape("sid")),
        // With a slash it is another.
        (&format!("iss={iss}%2F&sid={sid}"), F::Issuer),
        (&format!("iss=https%3A%2F%2Fevil.test%2F&sid={sid}"), F::Issuer),
        (&format!("iss={iss}&sid=%zz"), F::Malformed),
        (&"x".repeat(FRONT_BYTES_MAX + 1), F::Malformed),
    ] {
        assert_eq!(read(query, &one), Err(fault), "{query}");
    }
}

/// A provider that tells us itself has no need of the browser, and nobody else may use it.
#[test]
fn a_browser_ends_nothing_where_the_provider_does_not_send_it() {
    for name in ["auth0", "okta", "google"] {
        let connection = connection_of(&sample(name).connection);
        let issuer = connection.issuer().replace(':', "%3A").replace('/', "%2F");
        let query = format!("iss={issuer}&sid=0123456789abcdef");
        assert_eq!(front(&query, &connection).map(|_| ()), Err(TokenFault::Kind), "{name}");
    }
}
