use serde_json::{Value, json};

use super::super::testing::{SAMPLES, presets, sample};
use super::*;

const TID: &str = "8a1c0f52-2b7e-4d0e-9f6a-3f0c6c1d2e4b";
const CONSUMERS: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

fn made(name: &str, changes: Value, reach: Reach) -> Result<Connection, ConnectionError> {
    let mut form = sample(name).connection;
    form.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    Connection::new(serde_json::from_value(form).unwrap(), &presets(), reach)
}

fn fault(name: &str, changes: Value) -> ConnectionError {
    made(name, changes, Reach::Public).unwrap_err()
}

fn rows(count: usize) -> Value {
    let row = |n: usize| {
        let grant = json!({"tenant": "ten_0123456789abcdef", "role": "viewer"});
        json!({"group": format!("g{n}"), "grant": grant})
    };
    (0..count).map(row).collect()
}

#[test]
fn issuers_are_addresses_that_may_be_called() {
    use TargetError as T;
    for (issuer, why) in [
        ("http://idp.acme.test", T::PlainHttp),
        ("ftp://idp.acme.test", T::Scheme),
        ("idp.acme.test", T::Malformed),
        ("https://user@idp.acme.test", T::UserInfo),
        ("https://idp.acme.test/?a=b", T::Query),
        ("https://idp.acme.test/#a", T::Fragment),
        ("https://idp.acme.test\\@evil.test", T::Characters),
        ("https://localhost", T::NotGlobal("localhost")),
        ("", T::Malformed),
    ] {
        assert_eq!(
            fault("custom", json!({"issuer": issuer})),
            ConnectionError::IssuerAddress(why),
            "{issuer}"
        );
    }
    for inside in ["https://10.0.0.1", "https://169.254.169.254/latest", "https://[::1]"] {
        let fault = fault("custom", json!({"issuer": inside}));
        assert!(matches!(fault, ConnectionError::IssuerAddress(T::NotGlobal(_))), "{inside}: {fault}");
    }
    let local = json!({"issuer": "http://127.0.0.1:4000"});
    assert!(made("custom", local.clone(), Reach::Loopback).is_ok());
    assert!(made("custom", local, Reach::Public).is_err());
    assert!(made("custom", json!({"issuer": "http://idp.acme.test"}), Reach::Loopback).is_err());
}

#[test]
fn each_rule_is_told_with_what_to_do() {
    use ConnectionError as E;
    let organizations = "https://login.microsoftonline.com/organizations/v2.0";
    let consumers = format!("https://login.microsoftonline.com/{CONSUMERS}/v2.0");
    let listed = json!([{"group": "Ops", "grant": {"tenant": "ten_0123456789abcdef", "role": "viewer"}}]);
    let twice = json!([listed[0], listed[0]]);
    let nameless = json!([{"group": "", "grant": listed[0]["grant"]}]);
    for (name, changes, wanted) in [
        ("okta", json!({"client_id": ""}), E::ClientId),
        ("okta", json!({"client_id": "a\nb"}), E::ClientId),
        ("okta", json!({"client_id": "x".repeat(257)}), E::ClientId),
        ("okta", json!({"tenants": [TID]}), E::NoTenants),
        ("okta", json!({"guests": true}), E::NoTenants),
        ("okta", json!({"hosted_domain": "acme.test"}), E::NoHostedDomain),
        ("entra", json!({"issuer": organizations}), E::TenantsMissing),
        ("entra", json!({"issuer": consumers}), E::ConsumerTenant),
        ("entra", json!({"issuer": organizations, "tenants": [TID, CONSUMERS]}), E::ConsumerTenant),
        ("entra", json!({"tenants": ["acme"]}), E::Tenants),
        ("entra", json!({"tenants": [TID.to_uppercase()]}), E::Tenants),
        ("entra", json!({"tenants": ["00000000-1111-4222-8333-444455556666"]}), E::Tenants),
        ("google", json!({"hosted_domain": null}), E::HostedDomain),
        ("google", json!({"hosted_domain": ""}), E::HostedDomain),
        ("google", json!({"hosted_domain": "Acme.test"}), E::HostedDomain),
        ("google", json!({"hosted_domain": "acme"}), E::HostedDomain),
        ("google", json!({"require_mfa": true}), E::MfaUntold),
        ("onelogin", json!({"require_mfa": true}), E::MfaUntold),
        ("entra", json!({"require_mfa": true}), E::MfaUntold),
        ("ping", json!({"mfa_acr": []}), E::MfaUntold),
        ("ping", json!({"mfa_acr": [""]}), E::MfaAcr),
        ("okta", json!({"group_roles": twice}), E::GroupRoles),
        ("okta", json!({"group_roles": nameless}), E::GroupRoles),
        ("okta", json!({"group_roles": rows(1_001)}), E::GroupRoles),
        ("okta", json!({"groups_claim": {"claim": ""}}), E::GroupsClaim),
        ("okta", json!({"groups_claim": {"claim": "g", "delimiter": "a"}}), E::GroupsClaim),
    ] {
        assert_eq!(fault(name, changes.clone()), wanted, "{name} {changes}");
    }
    let form = fault("auth0", json!({"issuer": "https://acme.eu.auth0.com"}));
    assert!(matches!(&form, E::IssuerForm(help) if help.contains("slash at its end")), "{form}");
}

#[test]
fn what_an_organization_may_choose() {
    let organizations = "https://login.microsoftonline.com/organizations/v2.0";
    for (name, changes) in [
        ("okta", json!({"require_mfa": true, "jit": true, "group_roles": rows(1_000)})),
        ("entra", json!({"tenants": [TID], "guests": true})),
        ("entra", json!({"issuer": organizations, "tenants": [TID]})),
        ("google", json!({"group_roles": rows(1), "groups_claim": {"claim": "groups"}})),
        ("google", json!({"group_roles": rows(1)})),
        ("google", json!({"require_mfa": true, "mfa_acr": ["strong"]})),
        ("custom", json!({"groups_claim": {"claim": "https://acme.test/groups", "delimiter": " "}})),
    ] {
        assert!(made(name, changes.clone(), Reach::Public).is_ok(), "{name} {changes}");
    }
}

#[test]
fn a_form_reads_back_and_has_no_unknown_field() {
    for name in SAMPLES {
        let connection = made(name, json!({}), Reach::Public).unwrap();
        let stored = serde_json::to_value(connection.form()).unwrap();
        assert_eq!(serde_json::from_value::<ConnectionForm>(stored.clone()).unwrap(), *connection.form());
        let mut more = stored;
        more["client_secret"] = json!("x");
        assert!(serde_json::from_value::<ConnectionForm>(more).is_err());
    }
}

#[test]
fn a_session_s_life_is_of_so_many_minutes() {
    let form = |minutes: &Value| {
        let mut form = sample("okta").connection;
        form["session_minutes"] = minutes.clone();
        serde_json::from_value::<ConnectionForm>(form)
    };
    for (minutes, millis) in [(15, 900_000), (60, 3_600_000), (720, 43_200_000)] {
        let form = form(&json!(minutes)).unwrap();
        assert_eq!(form.session_minutes.millis(), millis, "{minutes}");
        let stored = serde_json::to_string(&form).unwrap();
        assert_eq!(session_minutes(&stored).unwrap(), form.session_minutes, "{minutes}");
        assert_eq!(stored.contains("session_minutes"), minutes != 720, "the longest goes without saying");
    }
    let wrong =
        [json!(14), json!(721), json!(0), json!(-15), json!(15.5), json!("60"), json!(null), json!(65_551)];
    for minutes in &wrong {
        assert!(form(minutes).is_err(), "{minutes}");
    }
    let unsaid = made("okta", json!({}), Reach::Public).unwrap();
    assert_eq!(unsaid.form().session_minutes, SessionMinutes::default());
    for document in ["", "7", r#"{"session_minutes": 5}"#] {
        assert!(session_minutes(document).is_err(), "{document}");
    }
}
