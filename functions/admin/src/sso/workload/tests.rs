use serde_json::{Value, json};

use super::super::jwks::Alg;
use super::super::testing::{NOW, TestKey, at, jwks, now};
use super::*;

const GITHUB: &str = "https://token.actions.githubusercontent.com";
const GITLAB: &str = "https://gitlab.com";
const AUDIENCE: &str = "https://admin.acme.test";

/// As GitHub's jobs have them: https://docs.github.com/en/actions/reference/security/oidc
fn github() -> Value {
    json!({
        "jti": "6f4762ed-synthetic", "sub": "repo:acme/app:ref:refs/heads/main", "aud": AUDIENCE,
        "ref": "refs/heads/main", "sha": "0123456789abcdef", "repository": "acme/app", "repository_owner": "acme",
        "run_id": "42", "run_number": "7", "run_attempt": "1", "actor": "dana", "event_name": "push",
        "workflow": "deploy", "job_workflow_ref": "acme/app/.github/workflows/deploy.yml@refs/heads/main",
        "runner_environment": "github-hosted", "iss": GITHUB, "nbf": NOW - 600, "exp": NOW + 300, "iat": NOW - 5,
    })
}

/// As GitLab's jobs have them: https://docs.gitlab.com/ci/secrets/id_token_authentication/
fn gitlab() -> Value {
    json!({
        "namespace_id": "72", "namespace_path": "acme", "project_id": "20", "project_path": "acme/app",
        "user_id": "1", "user_login": "dana", "user_email": "dana@acme.test", "pipeline_id": "574", "job_id": "302",
        "ref": "main", "ref_type": "branch", "ref_protected": "true", "jti": "235b3a54-synthetic", "iss": GITLAB,
        "iat": NOW - 5, "nbf": NOW - 10, "exp": NOW + 3_600, "sub": "project_path:acme/app:ref_type:branch:ref:main",
        "aud": AUDIENCE,
    })
}

fn federation(issuer: &str, subject: &str) -> Federation {
    Federation { issuer: issuer.to_owned(), audience: AUDIENCE.to_owned(), subject: subject.parse().unwrap() }
}

fn verified(federation: &Federation, mut claims: Value, changes: &Value) -> Result<Workload, TokenFault> {
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    let key = TestKey::new(Alg::Es256, "k");
    verify(&key.token(&claims), federation, &jwks(&[&key]), now())
}

#[test]
fn jobs_sign_in_by_their_platforms_token() {
    for (subject, taken) in [
        ("repo:acme/app:ref:refs/heads/main", true),
        ("repo:acme/app:*", true),
        ("repo:acme/app:ref:refs/heads/*", true),
        ("repo:acme/*", true),
        ("repo:acme/app:environment:production", false),
        ("repo:acme/app:ref:refs/tags/*", false),
        ("repo:acme/ap:*", false),
        ("repo:ACME/*", false),
    ] {
        let told = verified(&federation(GITHUB, subject), github(), &json!({}));
        assert_eq!(told.is_ok(), taken, "{subject}: {told:?}");
    }
    let job = verified(&federation(GITLAB, "project_path:acme/app:ref_type:branch:*"), gitlab(), &json!({}))
        .unwrap();
    assert_eq!((job.issuer.as_str(), job.expires), (GITLAB, at(NOW + 3_600)));
    assert_eq!(job.jti.as_deref(), Some("235b3a54-synthetic"));
}

#[test]
fn each_rule() {
    use TokenFault as F;
    let one = federation(GITHUB, "repo:acme/app:*");
    for (changes, fault) in [
        (json!({"iss": GITLAB}), F::Issuer),
        (json!({"iss": "https://token.actions.githubusercontent.com/acme"}), F::Issuer),
        (json!({"iss": null}), F::Missing("iss")),
        (json!({"aud": "sts.amazonaws.com"}), F::Audience),
        (json!({"aud": [AUDIENCE, "sts.amazonaws.com"]}), F::Audience),
        (json!({"aud": null}), F::Audience),
        (json!({"sub": "repo:acme/app-evil:ref:refs/heads/main"}), F::Subject),
        (json!({"sub": "repo:evil/app:ref:refs/heads/main"}), F::Subject),
        (json!({"sub": "repo:acme/app:"}), F::Subject),
        (json!({"sub": null}), F::Missing("sub")),
        (json!({"exp": NOW - 60}), F::Expired),
        (json!({"exp": null}), F::Missing("exp")),
        (json!({"exp": NOW + 90_000}), F::TooLong),
        (json!({"iat": null}), F::Missing("iat")),
        (json!({"nbf": NOW + 100}), F::NotYet),
    ] {
        assert_eq!(verified(&one, github(), &changes), Err(fault), "{changes}");
    }
    let key = TestKey::new(Alg::Es256, "k");
    for typ in ["at+jwt", "logout+jwt", "cs-session+jwt"] {
        let token = key.token_with(&json!({"alg": "ES256", "kid": "k", "typ": typ}), &github());
        assert_eq!(verify(&token, &one, &jwks(&[&key]), now()), Err(F::Kind), "{typ}");
    }
    let foreign = TestKey::new(Alg::Es256, "k");
    assert_eq!(verify(&foreign.token(&github()), &one, &jwks(&[&key]), now()), Err(F::Signature));
}

#[test]
fn patterns_name_an_owner() {
    use PatternError as E;
    let long = format!("repo:acme/{}", "a".repeat(512));
    for (text, fault) in [
        ("", E::Text),
        ("repo:acme/my app", E::Text),
        ("repo:acme/äpp", E::Text),
        (long.as_str(), E::Text),
        ("*:acme/app", E::Star),
        ("repo:*/app", E::Star),
        ("repo:acme/**", E::Star),
        ("*", E::Wide),
        ("repo:*", E::Wide),
        ("repo*", E::Wide),
        ("repo:acme*", E::Wide),
        ("repo:acme/app*", E::Wide),
        ("repo:/*", E::Wide),
        ("project_path:*", E::Wide),
        ("::*", E::Wide),
    ] {
        assert_eq!(text.parse::<SubjectPattern>(), Err(fault), "{text}");
    }
    for text in ["repo:acme/app:ref:refs/heads/main", "system:serviceaccount:ns:*", "repo:acme/*"] {
        let pattern: SubjectPattern = text.parse().unwrap();
        assert_eq!(pattern.to_string(), text);
        assert_eq!(serde_json::from_value::<SubjectPattern>(json!(text)).unwrap(), pattern);
    }
    assert!(serde_json::from_value::<SubjectPattern>(json!("repo:*")).is_err());
}

#[test]
fn federations_are_checked() {
    assert_eq!(federation(GITHUB, "repo:acme/*").check(Reach::Public), Ok(()));
    let local = federation("http://127.0.0.1:4000", "repo:acme/*");
    assert_eq!(local.check(Reach::Loopback), Ok(()));
    assert_eq!(local.check(Reach::Public), Err(FederationError::Issuer(TargetError::PlainHttp)));
    let nobody = Federation { audience: String::new(), ..federation(GITHUB, "repo:acme/*") };
    assert_eq!(nobody.check(Reach::Public), Err(FederationError::Audience));
}

proptest::proptest! {
    /// Whatever follows a prefix, it stands below its owner.
    #[test]
    fn a_prefix_never_takes_another_owner(owner in "[a-z]{1,8}", rest in "[a-z:/*-]{0,20}") {
        let pattern: SubjectPattern = "repo:acme/*".parse().unwrap();
        let subject = format!("repo:{owner}{rest}");
        proptest::prop_assert_eq!(pattern.takes(&subject), subject.starts_with("repo:acme/") && subject.len() > 10);
    }
}
