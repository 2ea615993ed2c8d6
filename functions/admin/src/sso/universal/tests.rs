use serde_json::{Value, json};

use super::super::jwks::Alg;
use super::super::testing::{NOW, TestKey, connection_of, jwks, now, sample};
use super::*;

const ENDPOINT: &str = "https://admin.acme.test/v1/sso/con_0123456789abcdef/universal-logout";

fn okta() -> Connection {
    connection_of(&sample("okta").connection)
}

/// As Okta has them.
fn claims() -> Value {
    let okta = okta();
    json!({
        "jti": "one", "iss": okta.issuer(), "sub": okta.client_id(), "aud": ENDPOINT,
        "nbf": NOW - 300, "exp": NOW + 300, "iat": NOW,
    })
}

fn changed(mut value: Value, changes: Value) -> Value {
    for (name, change) in changes.as_object().unwrap() {
        match change {
            Value::Null => drop(value.as_object_mut().unwrap().remove(name)),
            change => value[name] = change.clone(),
        }
    }
    value
}

fn verified(header: Value, changes: Value) -> Result<Asker, TokenFault> {
    let key = TestKey::new(Alg::Es256, "k");
    let head = changed(json!({"alg": "ES256", "kid": "k", "typ": TYP}), header);
    verify(&key.token_with(&head, &changed(claims(), changes)), &okta(), ENDPOINT, &jwks(&[&key]), now())
}

#[test]
fn a_provider_asks_by_its_own_token() {
    let asker = verified(json!({}), json!({})).unwrap();
    assert_eq!((asker.issuer.as_str(), asker.jti.as_str()), (okta().issuer(), "one"));
    for (header, changes) in [
        (json!({"typ": format!("application/{TYP}")}), json!({})),
        (json!({}), json!({"aud": [ENDPOINT]})),
        (json!({}), json!({"exp": NOW - 59, "iat": NOW - 100})),
        (json!({}), json!({"iat": NOW + 60, "exp": NOW + 900})),
    ] {
        assert!(verified(header.clone(), changes.clone()).is_ok(), "{header} {changes}");
    }
}

#[test]
fn each_rule() {
    use TokenFault as F;
    let slash = format!("{ENDPOINT}/");
    for (header, changes, fault) in [
        // A token of another kind by the same key: an ID token, a logout token, an access token.
        (json!({"typ": "JWT"}), json!({}), F::Kind),
        (json!({"typ": null}), json!({}), F::Kind),
        (json!({"typ": "logout+jwt"}), json!({}), F::Kind),
        (json!({"typ": "at+jwt"}), json!({}), F::Kind),
        (json!({"alg": "none"}), json!({}), F::Algorithm),
        (json!({"alg": "HS256"}), json!({}), F::Algorithm),
        (json!({"kid": "other"}), json!({}), F::UnknownKey),
        (json!({"crit": ["b64"]}), json!({}), F::Critical),
        (json!({}), json!({"iss": null}), F::Missing("iss")),
        (json!({}), json!({"iss": "https://evil.test"}), F::Issuer),
        (json!({}), json!({"aud": null}), F::Audience),
        (json!({}), json!({"aud": okta().client_id()}), F::Audience),
        (json!({}), json!({"aud": slash}), F::Audience),
        (json!({}), json!({"aud": ENDPOINT.replace("con_0", "con_1")}), F::Audience),
        (json!({}), json!({"aud": format!("{ENDPOINT}?a=b")}), F::Audience),
        (json!({}), json!({"aud": [ENDPOINT, "https://other.test"]}), F::Audience),
        (json!({}), json!({"aud": [ENDPOINT, ENDPOINT]}), F::Audience),
        (json!({}), json!({"aud": {"0": ENDPOINT}}), F::Shape("aud")),
        (json!({}), json!({"exp": null}), F::Missing("exp")),
        (json!({}), json!({"exp": (NOW + 300).to_string()}), F::Shape("exp")),
        (json!({}), json!({"exp": NOW - 60, "iat": NOW - 100}), F::Expired),
        (json!({}), json!({"exp": NOW + 901}), F::TooLong),
        (json!({}), json!({"nbf": NOW - 901}), F::TooLong),
        (json!({}), json!({"nbf": null}), F::Missing("nbf")),
        (json!({}), json!({"nbf": NOW + 61}), F::NotYet),
        (json!({}), json!({"iat": null}), F::Missing("iat")),
        (json!({}), json!({"iat": NOW + 61}), F::NotYet),
        (json!({}), json!({"iat": NOW - 86_400}), F::TooLong),
        (json!({}), json!({"jti": null}), F::Missing("jti")),
        (json!({}), json!({"jti": ""}), F::Missing("jti")),
        (json!({}), json!({"jti": 1}), F::Shape("jti")),
        (json!({}), json!({"jti": "x".repeat(256)}), F::Shape("jti")),
        (json!({}), json!({"sub": null}), F::Missing("sub")),
        (json!({}), json!({"sub": "another"}), F::Subject),
        // What else is wrong is told first: whose a token is counts once it is sound.
        (json!({}), json!({"sub": "another", "aud": "https://other.test"}), F::Audience),
    ] {
        assert_eq!(verified(header.clone(), changes.clone()), Err(fault), "{header} {changes}");
    }
}

#[test]
fn another_s_signature_is_none() {
    let (mine, foreign) = (TestKey::new(Alg::Es256, "k"), TestKey::new(Alg::Es256, "k"));
    let token = foreign.token_with(&json!({"alg": "ES256", "kid": "k", "typ": TYP}), &claims());
    let told = verify(&token, &okta(), ENDPOINT, &jwks(&[&mine]), now());
    assert_eq!(told, Err(TokenFault::Signature));
    for token in ["", "a.b", "a.b.c", "....", &"x".repeat(40_000)] {
        assert!(verify(&Secret::new(token), &okta(), ENDPOINT, &jwks(&[&mine]), now()).is_err(), "{token}");
    }
}

#[test]
fn who_is_meant_stands_in_one_of_three_forms() {
    let read = |sub_id: Value| Subject::parse(&json!({"sub_id": sub_id}).to_string());
    let issuer = okta().issuer().to_owned();
    assert_eq!(
        read(json!({"format": "iss_sub", "iss": issuer, "sub": "00u1"})),
        Ok(Subject::IssSub { iss: issuer.clone(), sub: "00u1".to_owned() })
    );
    assert_eq!(
        read(json!({"format": "email", "email": "dana@acme.test"})),
        Ok(Subject::Email { email: "dana@acme.test".to_owned() })
    );
    let opaque = read(json!({"format": "opaque", "id": "00u1"})).unwrap();
    assert_eq!(format!("{opaque:?}"), "Opaque(..)");
    assert!(Subject::parse(r#"{"sub_id": {"format": "opaque", "id": "00u1"}, "reason": "x"}"#).is_ok());
    for body in [
        json!({}),
        json!({"sub_id": null}),
        json!({"sub_id": "00u1"}),
        json!({"sub_id": {}}),
        json!({"sub_id": [{"format": "opaque", "id": "00u1"}]}),
        json!({"sub_id": {"id": "00u1"}}),
        json!({"sub_id": {"format": "phone_number", "phone_number": "+12065550100"}}),
        json!({"sub_id": {"format": "aliases", "identifiers": [{"format": "opaque", "id": "00u1"}]}}),
        json!({"sub_id": {"format": "opaque", "id": ""}}),
        json!({"sub_id": {"format": "opaque", "id": 1}}),
        json!({"sub_id": {"format": "opaque", "id": "x".repeat(256)}}),
        json!({"sub_id": {"format": "opaque", "id": "a\u{0}b"}}),
        json!({"sub_id": {"format": "opaque", "id": "a", "email": "dana@acme.test"}}),
        json!({"sub_id": {"format": "email", "email": "dana"}}),
        json!({"sub_id": {"format": "email", "email": format!("{}@acme.test", "x".repeat(320))}}),
        json!({"sub_id": {"format": "iss_sub", "iss": issuer}}),
        json!({"sub_id": {"format": "iss_sub", "iss": "", "sub": "00u1"}}),
        json!({"sub_id": {"format": "iss_sub", "sub": "00u1"}}),
    ] {
        assert_eq!(Subject::parse(&body.to_string()), Err(SubjectFault::Malformed), "{body}");
    }
    let twice = r#"{"sub_id": {"format": "opaque", "id": "a"}, "sub_id": {"format": "opaque", "id": "b"}}"#;
    for text in ["", "{", "[]", "null", twice] {
        assert_eq!(Subject::parse(text), Err(SubjectFault::Malformed), "{text}");
    }
}

#[test]
fn a_provider_names_its_own_people() {
    let entra = connection_of(&sample("entra").connection);
    let okta = okta();
    let subject = |iss: &str| Subject::IssSub { iss: iss.to_owned(), sub: "42".to_owned() };
    let (opaque, email) =
        (Subject::Opaque { id: "42".to_owned() }, Subject::Email { email: "dana@acme.test".to_owned() });
    let of = |identity, external, email| Ok(Named { identity, external, email });
    let own = okta.issuer();
    for (subject, connection, named) in [
        (&subject(own), &okta, of(Some((own, "42")), Some("42"), None)),
        (&opaque, &okta, of(Some((own, "42")), Some("42"), None)),
        (&email, &okta, of(None, None, Some("dana@acme.test"))),
        (&subject("https://evil.test"), &okta, Err(SubjectFault::Foreign)),
        (&subject(&format!("{own}/")), &okta, Err(SubjectFault::Foreign)),
        // Entra's `sub` names nobody here; the id that its directory pushes does.
        (&subject(entra.issuer()), &entra, Err(SubjectFault::Unnamed)),
        (&opaque, &entra, of(None, Some("42"), None)),
    ] {
        assert_eq!(subject.named(connection), named, "{subject:?} of {}", connection.issuer());
    }
}
