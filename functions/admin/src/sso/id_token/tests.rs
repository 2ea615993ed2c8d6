use egress::Reach;
use serde_json::{Map, Value, json};

use super::super::testing::{
    ACCESS_TOKEN, NOW, SAMPLES, Sample, TestKey, at, connection_of, jwks, now, pending, presets, sample,
};
use super::*;
use crate::sso::connection::ConnectionForm;

/// Personal values of the samples: none of them may be shown.
const PERSONAL: [&str; 6] = ["Dana", "Levi", "Noa", "acme.test", "synthetic", "Ops"];

struct Case {
    connection: Connection,
    key: TestKey,
    claims: Map<String, Value>,
    max_age: Option<u32>,
}

impl Case {
    fn of(sample: Sample, alg: Alg) -> Self {
        let key = TestKey::new(alg, "key-1");
        let connection = connection_of(&sample.connection);
        let mut claims = sample.claims;
        claims["nonce"] = json!(pending(&connection, None).0.nonce.expose());
        if claims.contains_key("at_hash") {
            claims["at_hash"] = json!(key.half_hash(ACCESS_TOKEN));
        }
        Self { connection, key, claims, max_age: None }
    }

    fn named(name: &str) -> Self {
        Self::of(sample(name), Alg::Es256)
    }

    /// With members of the connection replaced.
    fn with(name: &str, changes: Value) -> Self {
        let mut sample = sample(name);
        let form = sample.connection.as_object_mut().unwrap();
        form.extend(changes.as_object().unwrap().clone());
        Self::of(sample, Alg::Es256)
    }

    /// Replaces a claim; null leaves it out.
    fn set(mut self, claim: &str, value: Value) -> Self {
        if value.is_null() {
            self.claims.remove(claim);
        } else {
            self.claims.insert(claim.to_owned(), value);
        }
        self
    }

    fn verify(&self) -> Result<Identity, TokenFault> {
        self.verify_token(&self.key.token(&Value::Object(self.claims.clone())))
    }

    fn verify_token(&self, token: &Secret) -> Result<Identity, TokenFault> {
        let (pending, _) = pending(&self.connection, self.max_age);
        let access = Secret::new(ACCESS_TOKEN);
        verify(token, &self.connection, &jwks(&[&self.key]), &pending, Some(&access), now())
    }

    fn fault(&self) -> TokenFault {
        self.verify().unwrap_err()
    }
}

#[test]
fn every_providers_sample_is_believed_under_every_algorithm() {
    for name in SAMPLES {
        for alg in Alg::ALL {
            let case = Case::of(sample(name), alg);
            let identity = case.verify().unwrap_or_else(|fault| panic!("{name} {alg:?}: {fault}"));
            let expected = sample(name).expected;
            let groups = match &identity.groups {
                Groups::Listed(groups) => json!(groups),
                Groups::Absent => Value::Null,
                other => panic!("{name}: {other:?}"),
            };
            let told = json!({
                "subject": identity.subject,
                "external_id": identity.external_id,
                "email_verified": identity.email_verified,
                "groups": groups,
                "mfa": format!("{:?}", identity.mfa),
            });
            assert_eq!(told, expected, "{name}");
            assert_eq!(identity.issuer, case.connection.issuer(), "{name}");
            assert!(identity.email.is_some() && identity.name.is_some(), "{name}");
        }
    }
}

#[test]
fn nothing_personal_is_shown() {
    for name in SAMPLES {
        let case = Case::named(name);
        let (pending, _) = pending(&case.connection, None);
        let token = case.key.token(&Value::Object(case.claims.clone()));
        let shown = format!(
            "{:?} {pending:?} {token:?} {:?}",
            case.verify().unwrap(),
            Unverified::parse(token.expose(), Typ::Plain).unwrap()
        );
        for value in PERSONAL {
            assert!(!shown.contains(value), "{name}: {shown}");
        }
        assert!(!shown.contains(pending.nonce.expose()) && !shown.contains(pending.verifier.expose()));
    }
}

#[test]
fn claims_that_do_not_belong_are_refused() {
    use TokenFault as F;
    for (claim, value, fault) in [
        ("iss", json!("https://acme.okta.com/"), F::Issuer),
        ("iss", json!("https://evil.test"), F::Issuer),
        ("iss", json!(["https://acme.okta.com"]), F::Shape("iss")),
        ("iss", Value::Null, F::Missing("iss")),
        ("aud", json!("another"), F::Audience),
        ("aud", json!(["another"]), F::Audience),
        ("aud", json!("0oa1SYNTHETIC"), F::Audience),
        ("aud", json!(["0oa1synthetic", "another"]), F::AuthorizedParty),
        ("aud", json!([]), F::Missing("aud")),
        ("aud", Value::Null, F::Missing("aud")),
        ("aud", json!({"0oa1synthetic": true}), F::Shape("aud")),
        ("azp", json!("another"), F::AuthorizedParty),
        ("azp", json!(1), F::Shape("azp")),
        ("nonce", json!("another"), F::Nonce),
        ("nonce", json!(""), F::Missing("nonce")),
        ("nonce", Value::Null, F::Missing("nonce")),
        ("exp", json!(NOW - 60), F::Expired),
        ("exp", json!(NOW - 60 - 3_600), F::Expired),
        ("exp", json!(0), F::Expired),
        ("exp", json!(-1), F::Shape("exp")),
        ("exp", json!((NOW + 3_600).to_string()), F::Shape("exp")),
        ("exp", json!(true), F::Shape("exp")),
        ("exp", json!(1e300), F::Shape("exp")),
        ("exp", json!(u64::MAX), F::Shape("exp")),
        ("exp", Value::Null, F::Missing("exp")),
        ("iat", json!(NOW + 61), F::NotYet),
        ("iat", json!(NOW + 86_400 * 365), F::Expired),
        ("iat", json!(NOW - 3_661), F::Expired),
        ("iat", json!("1795430520"), F::Shape("iat")),
        ("iat", Value::Null, F::Missing("iat")),
        ("nbf", json!(NOW + 61), F::NotYet),
        ("nbf", json!("soon"), F::Shape("nbf")),
        ("at_hash", json!("AAAAAAAAAAAAAAAAAAAAAA"), F::AccessToken),
        ("at_hash", json!(7), F::Shape("at_hash")),
        ("sub", Value::Null, F::Missing("sub")),
        ("sub", json!(42), F::Shape("sub")),
        ("sub", json!("x".repeat(256)), F::Shape("subject")),
        ("sub", json!("dana\n"), F::Shape("subject")),
        ("groups", json!({"Ops": true}), F::Shape("groups")),
        ("groups", json!(["Ops", 1]), F::Shape("groups")),
        ("amr", json!({"mfa": 1}), F::Shape("amr")),
        ("auth_time", json!("yesterday"), F::Shape("auth_time")),
    ] {
        assert_eq!(Case::named("okta").set(claim, value.clone()).fault(), fault, "{claim} = {value}");
    }
}

#[test]
fn clocks_may_differ_by_a_minute() {
    for (claim, value) in
        [("exp", NOW - 59), ("iat", NOW + 60), ("nbf", NOW + 60), ("iat", NOW - 3_600), ("exp", NOW + 1)]
    {
        let case = Case::named("okta").set("iat", json!(NOW - 3_600)).set(claim, json!(value));
        assert!(case.verify().is_ok(), "{claim} = {value}");
    }
    let decimals =
        Case::named("okta").set("exp", json!(f64::from(u32::MAX))).set("iat", json!(1_795_430_520.5));
    assert!(decimals.verify().is_ok());
}

#[test]
fn hostile_headers_are_refused() {
    use TokenFault as F;
    let case = Case::named("okta");
    let claims = Value::Object(case.claims.clone());
    let with = |changes: Value| {
        let mut header = case.key.header();
        header.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        case.verify_token(&case.key.token_with(&header, &claims))
    };
    for (changes, fault) in [
        (json!({"alg": "none"}), F::Algorithm),
        (json!({"alg": "None"}), F::Algorithm),
        (json!({"alg": "HS256"}), F::Algorithm),
        (json!({"alg": "ES384"}), F::Algorithm),
        (json!({"alg": "RS256"}), F::Algorithm),
        (json!({"alg": "es256"}), F::Algorithm),
        (json!({"alg": ["ES256"]}), F::Malformed),
        (json!({"alg": null}), F::Malformed),
        (json!({"kid": "key-2"}), F::UnknownKey),
        (json!({"kid": "../key-1"}), F::UnknownKey),
        (json!({"kid": 1}), F::Malformed),
        (json!({"kid": "k".repeat(257)}), F::Malformed),
        (json!({"typ": "logout+jwt"}), F::Kind),
        (json!({"typ": "at+jwt"}), F::Kind),
        (json!({"typ": "application/at+jwt"}), F::Kind),
        (json!({"typ": "cs-session+jwt"}), F::Kind),
        (json!({"typ": "JOSE"}), F::Kind),
        (json!({"typ": 1}), F::Malformed),
        (json!({"crit": ["exp"]}), F::Critical),
        (json!({"crit": []}), F::Critical),
        (json!({"crit": ["b64"], "b64": false}), F::Critical),
    ] {
        assert_eq!(with(changes.clone()).unwrap_err(), fault, "{changes}");
    }
    for changes in
        [json!({"typ": "jwt"}), json!({"typ": "application/jwt"}), json!({"x5t": "x", "extra": [1]})]
    {
        assert!(with(changes.clone()).is_ok(), "{changes}");
    }
}

#[test]
fn keys_of_others_are_not_believed_whatever_the_header_offers() {
    let case = Case::named("okta");
    let claims = Value::Object(case.claims.clone());
    let foreign = TestKey::new(Alg::Es256, "key-1");
    let header = json!({
        "alg": "ES256",
        "kid": "key-1",
        "jwk": foreign.jwk(),
        "jku": "https://evil.test/keys",
        "x5u": "https://evil.test/certificate",
        "x5c": ["AAAA"],
    });
    assert_eq!(case.verify_token(&foreign.token_with(&header, &claims)), Err(TokenFault::Signature));
    // Its own key is believed with the same header: what it offers is not looked at.
    assert!(case.verify_token(&case.key.token_with(&header, &claims)).is_ok());
}

#[test]
fn a_public_key_is_no_shared_secret() {
    let case = Case::of(sample("okta"), Alg::Rs256);
    let claims = Value::Object(case.claims.clone());
    let secret = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &case.key.public());
    for alg in ["HS256", "RS256", "none"] {
        let header = json!({"alg": alg, "kid": "key-1"}).to_string();
        let message =
            format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims.to_string()));
        for signature in [ring::hmac::sign(&secret, message.as_bytes()).as_ref(), b""] {
            let token = Secret::new(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)));
            let fault = case.verify_token(&token).unwrap_err();
            assert!(matches!(fault, TokenFault::Algorithm | TokenFault::Signature), "{alg}: {fault}");
        }
    }
}

#[test]
fn one_rsa_key_has_one_scheme() {
    let case = Case::of(sample("okta"), Alg::Rs256);
    let other = TestKey::new(Alg::Ps256, "key-1");
    let token = other.token(&Value::Object(case.claims.clone()));
    assert_eq!(case.verify_token(&token), Err(TokenFault::Algorithm));
    let renamed = other.token_with(&case.key.header(), &Value::Object(case.claims.clone()));
    assert_eq!(case.verify_token(&renamed), Err(TokenFault::Signature));
}

#[test]
fn what_is_no_token_is_refused() {
    use TokenFault as F;
    let case = Case::named("okta");
    let claims = Value::Object(case.claims.clone());
    let token = case.key.token(&claims);
    let token = token.expose();
    let (message, signature) = token.rsplit_once('.').unwrap();
    let huge = case.key.token(&json!({"pad": "x".repeat(40_000)}));
    let twice = claims.to_string().replacen('{', "{\"sub\":\"00u1other\",", 1);
    let header_twice = r#"{"alg":"ES256","alg":"none","kid":"key-1"}"#;
    let nested = "[".repeat(100) + &"]".repeat(100);
    for (token, fault) in [
        (huge.expose().to_owned(), F::TooLarge),
        (String::new(), F::Malformed),
        ("..".to_owned(), F::Malformed),
        ("a.b".to_owned(), F::Malformed),
        (message.to_owned(), F::Malformed),
        (format!("{token}.{signature}"), F::Malformed),
        (format!("{message}."), F::Signature),
        (format!("{message}.{signature}="), F::Signature),
        (format!("{message}.{}", signature.get(..40).unwrap()), F::Signature),
        (format!("{token} "), F::Signature),
        (format!(" {token}"), F::Malformed),
        (case.key.token_of("{", "{}").expose().to_owned(), F::Malformed),
        (case.key.token_of("[]", "{}").expose().to_owned(), F::Malformed),
        (case.key.token_of(&case.key.header().to_string(), "[]").expose().to_owned(), F::Malformed),
        (case.key.token_of(&case.key.header().to_string(), &nested).expose().to_owned(), F::Malformed),
        (case.key.token_of(&case.key.header().to_string(), &twice).expose().to_owned(), F::Malformed),
        (case.key.token_of(header_twice, &claims.to_string()).expose().to_owned(), F::Malformed),
    ] {
        assert_eq!(case.verify_token(&Secret::new(token.clone())).unwrap_err(), fault, "{token:.80}");
    }
}

#[test]
fn an_access_token_is_no_id_token() {
    let case = Case::named("okta");
    let access = json!({
        "iss": "https://acme.okta.com", "aud": "https://acme.okta.com", "sub": "dana@acme.test",
        "cid": "0oa1synthetic", "iat": NOW - 10, "exp": NOW + 3_600, "scp": ["openid"],
    });
    assert_eq!(case.verify_token(&case.key.token(&access)), Err(TokenFault::Audience));
    // Even one that is for the client itself.
    let own = Case::named("okta").set("nonce", Value::Null);
    assert_eq!(own.fault(), TokenFault::Missing("nonce"));
}

#[test]
fn a_sign_in_no_older_than_asked_for() {
    let asked = |max_age: u32, auth_time: Value| {
        let mut case = Case::named("okta").set("auth_time", auth_time);
        case.max_age = Some(max_age);
        case.verify().map(|_| ())
    };
    // It began ten seconds ago, and clocks differ by a minute.
    assert_eq!(asked(0, json!(NOW - 5)), Ok(()));
    assert_eq!(asked(0, json!(NOW - 71)), Err(TokenFault::StaleSignIn));
    assert_eq!(asked(600, json!(NOW - 600)), Ok(()));
    assert_eq!(asked(600, json!(NOW - 700)), Err(TokenFault::StaleSignIn));
    assert_eq!(asked(600, json!(NOW + 100)), Err(TokenFault::StaleSignIn));
    assert_eq!(asked(600, Value::Null), Err(TokenFault::Missing("auth_time")));
}

#[test]
fn entra_lets_in_its_tenants_alone() {
    use TokenFault as F;
    let other = "00000000-1111-4222-8333-444455556666";
    let consumers = "9188040d-6c67-4c5b-b112-36a304b66dad";
    let issuer = |tid: &str| json!(format!("https://login.microsoftonline.com/{tid}/v2.0"));
    let own = "8a1c0f52-2b7e-4d0e-9f6a-3f0c6c1d2e4b";
    let one = || Case::named("entra");
    assert_eq!(one().set("tid", json!(other)).fault(), F::Tenant);
    assert_eq!(one().set("tid", Value::Null).fault(), F::Missing("tid"));
    assert_eq!(one().set("iss", issuer(other)).fault(), F::Issuer);
    assert_eq!(one().set("oid", Value::Null).fault(), F::Missing("subject"));
    for guest in [json!(1), json!("1")] {
        assert_eq!(one().set("acct", guest.clone()).fault(), F::Guest);
        assert!(Case::with("entra", json!({"guests": true})).set("acct", guest).verify().is_ok());
    }

    let many = || {
        let organizations = "https://login.microsoftonline.com/organizations/v2.0";
        Case::with("entra", json!({"issuer": organizations, "tenants": [own]}))
    };
    assert_eq!(many().verify().unwrap().issuer, issuer(own).as_str().unwrap());
    let of = |tid: &str| many().set("tid", json!(tid)).set("iss", issuer(tid));
    assert_eq!(of(other).fault(), F::Tenant);
    assert_eq!(of(consumers).fault(), F::Tenant);
    assert_eq!(many().set("iss", issuer(other)).fault(), F::Issuer);
    assert_eq!(
        many().set("iss", json!("https://login.microsoftonline.com/organizations/v2.0")).fault(),
        F::Issuer
    );
    assert_eq!(
        many().set("iss", json!("https://login.microsoftonline.com/{tenantid}/v2.0")).fault(),
        F::Issuer
    );
    assert_eq!(many().set("tid", Value::Null).fault(), F::Missing("tid"));
}

#[test]
fn entra_tells_when_there_are_too_many_groups() {
    let without = || Case::named("entra").set("groups", Value::Null);
    let pointer = json!({"groups": "src1"});
    for case in [without().set("_claim_names", pointer.clone()), without().set("hasgroups", json!(true))] {
        assert_eq!(case.verify().unwrap().groups, Groups::Overage);
    }
    assert_eq!(without().verify().unwrap().groups, Groups::Absent);
    let elsewhere = without().set("_claim_names", json!({"address": "src1"}));
    assert_eq!(elsewhere.verify().unwrap().groups, Groups::Absent);
    // What is listed beside the pointer is not all there is.
    assert_eq!(Case::named("entra").set("_claim_names", pointer).verify().unwrap().groups, Groups::Overage);
}

/// App roles are all in the token, however many groups there are.
#[test]
fn another_claim_is_complete_whatever_is_said_of_groups() {
    let case = || {
        let changes = json!({"groups_claim": {"claim": "roles"}});
        Case::with("entra", changes).set("groups", Value::Null).set("roles", json!(["Ops"]))
    };
    for (mark, value, groups) in [
        ("hasgroups", json!(true), Groups::Listed(vec!["Ops".to_owned()])),
        ("_claim_names", json!({"groups": "src1"}), Groups::Listed(vec!["Ops".to_owned()])),
        ("_claim_names", json!({"roles": "src1"}), Groups::Overage),
    ] {
        assert_eq!(case().set(mark, value).verify().unwrap().groups, groups, "{mark}");
    }
}

#[test]
fn a_name_of_a_session_is_no_longer_than_a_logout_could_say() {
    for (sid, kept) in
        [(json!("a"), Some("a")), (json!("x".repeat(256)), None), (json!(""), None), (Value::Null, None)]
    {
        assert_eq!(Case::named("okta").set("sid", sid).verify().unwrap().sid.as_deref(), kept);
    }
}

#[test]
fn google_accounts_are_of_the_organizations_domain() {
    use TokenFault as F;
    for (hd, fault) in [
        (Value::Null, F::HostedDomain),
        (json!("evil.test"), F::HostedDomain),
        (json!("sub.acme.test"), F::HostedDomain),
        (json!(""), F::HostedDomain),
        (json!(["acme.test"]), F::Shape("hd")),
    ] {
        assert_eq!(Case::named("google").set("hd", hd.clone()).fault(), fault, "{hd}");
    }
    let older = Case::named("google").set("iss", json!("accounts.google.com"));
    assert_eq!(older.verify().unwrap().issuer, "https://accounts.google.com");
    assert_eq!(Case::named("okta").set("iss", json!("accounts.google.com")).fault(), F::Issuer);
}

#[test]
fn oktas_list_of_a_hundred_may_be_cut() {
    let listed = |count: usize| {
        let groups: Vec<String> = (0..count).map(|n| format!("g{n}")).collect();
        Case::named("okta").set("groups", json!(groups)).verify().unwrap().groups
    };
    assert!(listed(99).is_complete());
    assert!(matches!(listed(100), Groups::Truncated(groups) if groups.len() == 100));
}

#[test]
fn groups_stand_in_a_list_or_in_one_text() {
    let listed = |name: &str, claim: &str, value: Value| {
        Case::named(name).set(claim, value).verify().unwrap().groups.listed().to_vec()
    };
    assert_eq!(listed("onelogin", "groups", json!("Ops")), ["Ops"]);
    assert_eq!(listed("onelogin", "groups", json!("Ops; ;On call;")), ["Ops", "On call"]);
    // In a list a delimiter is a letter like others.
    assert_eq!(listed("onelogin", "groups", json!(["Ops;Admins"])), ["Ops;Admins"]);
    assert_eq!(listed("okta", "groups", json!("Ops;Admins")), ["Ops;Admins"]);
    assert_eq!(listed("custom", "roles", json!(["a,b"])), ["a,b"]);
    let many: Vec<String> = (0..2_001).map(|n| n.to_string()).collect();
    assert_eq!(Case::named("okta").set("groups", json!(many)).fault(), TokenFault::Shape("groups"));
}

#[test]
fn who_tells_of_mfa_is_believed_and_nobody_else() {
    let told = |name: &str, changes: &[(&str, Value)]| {
        let case =
            changes.iter().fold(Case::named(name), |case, (claim, value)| case.set(claim, value.clone()));
        case.verify().unwrap().mfa
    };
    let (none, pwd, mfa) = (Value::Null, json!(["pwd"]), json!(["pwd", "mfa"]));
    for (name, amr, acr, is) in [
        ("okta", &mfa, &none, Mfa::Yes),
        ("okta", &pwd, &none, Mfa::No),
        ("okta", &none, &none, Mfa::Unknown),
        ("okta", &pwd, &json!("urn:okta:loa:2fa:any"), Mfa::Yes),
        ("okta", &none, &json!("urn:okta:loa:1fa:any"), Mfa::No),
        ("entra", &mfa, &none, Mfa::Yes),
        ("entra", &pwd, &none, Mfa::No),
        ("entra", &none, &none, Mfa::Unknown),
        ("google", &mfa, &none, Mfa::Unknown),
        ("onelogin", &mfa, &none, Mfa::Unknown),
        ("jumpcloud", &mfa, &none, Mfa::Unknown),
        ("ping", &mfa, &json!("Single_Factor"), Mfa::No),
        ("ping", &mfa, &none, Mfa::No),
        ("ping", &none, &json!("Multi_Factor"), Mfa::Yes),
        ("auth0", &mfa, &none, Mfa::Yes),
        ("auth0", &none, &none, Mfa::No),
        ("custom", &mfa, &none, Mfa::Yes),
        ("custom", &json!("pwd"), &none, Mfa::No),
        ("custom", &none, &none, Mfa::Unknown),
    ] {
        assert_eq!(told(name, &[("amr", amr.clone()), ("acr", acr.clone())]), is, "{name} {amr} {acr}");
    }
    let context = Case::with("entra", json!({"mfa_acr": ["c1"]})).set("acrs", json!(["c1"]));
    assert_eq!(context.verify().unwrap().mfa, Mfa::Yes);
    // Where the connection names it, its absence says that there was none.
    let without = Case::with("entra", json!({"mfa_acr": ["c1"]}));
    assert_eq!(without.verify().unwrap().mfa, Mfa::No);
}

#[test]
fn texts_are_booleans_where_the_provider_writes_them_so() {
    let verified = |name: &str, claim: &str, value: Value| {
        Case::named(name).set(claim, value).verify().unwrap().email_verified
    };
    assert!(verified("custom", "email_verified", json!("true")));
    assert!(!verified("custom", "email_verified", json!("false")));
    assert!(!verified("custom", "email_verified", json!("yes")));
    assert!(!verified("okta", "email_verified", json!("true")));
    assert!(!verified("okta", "email_verified", json!(1)));
    for value in [json!(true), json!("1"), json!(1), json!("True")] {
        assert!(verified("entra", "xms_edov", value));
    }
    // Entra's `email_verified` is not what says it.
    let other = Case::named("entra").set("xms_edov", Value::Null).set("email_verified", json!(true));
    assert!(!other.verify().unwrap().email_verified);
}

#[test]
fn what_people_read_is_left_out_when_it_is_no_text() {
    let identity =
        Case::named("okta").set("email", json!(["a@b.test"])).set("name", json!("x\u{7}")).verify().unwrap();
    assert_eq!((identity.email, identity.name), (None, None));
    let long = Case::named("okta").set("name", json!("x".repeat(400))).verify().unwrap();
    assert_eq!(long.name, None);
}

#[test]
fn a_token_without_kid_needs_an_only_key() {
    let case = Case::named("okta");
    let claims = Value::Object(case.claims.clone());
    let token = case.key.token_with(&json!({"alg": "ES256"}), &claims);
    assert!(case.verify_token(&token).is_ok());
    let other = TestKey::new(Alg::Es256, "key-2");
    let (pending, _) = pending(&case.connection, None);
    let verified = verify(&token, &case.connection, &jwks(&[&case.key, &other]), &pending, None, now());
    assert_eq!(verified, Err(TokenFault::UnknownKey));
}

#[test]
fn a_token_ages() {
    let case = Case::named("okta");
    let token = case.key.token(&Value::Object(case.claims.clone()));
    let (pending, _) = pending(&case.connection, None);
    let at = |seconds| verify(&token, &case.connection, &jwks(&[&case.key]), &pending, None, at(seconds));
    assert!(at(NOW - 60).is_ok() && at(NOW + 3_600).is_ok());
    assert_eq!(at(NOW - 3_600), Err(TokenFault::NotYet));
    assert_eq!(at(NOW + 7_200), Err(TokenFault::Expired));
}

/// The samples hold under the rules of forms too.
#[test]
fn the_samples_connections_are_valid() {
    for name in SAMPLES {
        let form: ConnectionForm = serde_json::from_value(sample(name).connection).unwrap();
        assert!(Connection::new(form, &presets(), Reach::Public).is_ok(), "{name}");
    }
}

proptest::proptest! {
    /// No text is a token, and none makes the reader stop.
    #[test]
    fn any_text_is_refused(text in ".{0,200}") {
        proptest::prop_assert!(Case::named("okta").verify_token(&Secret::new(text)).is_err());
    }

    /// One letter changed anywhere, and the token is not believed.
    #[test]
    fn a_changed_token_is_refused(place in 0_usize..100_000, letter in 0_usize..64) {
        let case = Case::named("okta");
        let token = case.key.token(&Value::Object(case.claims.clone()));
        let mut bytes = token.expose().as_bytes().to_vec();
        let place = place % bytes.len();
        let letter = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[letter];
        proptest::prop_assume!(bytes[place] != letter);
        bytes[place] = letter;
        let changed = Secret::new(String::from_utf8(bytes).unwrap());
        proptest::prop_assert!(case.verify_token(&changed).is_err());
    }
}
