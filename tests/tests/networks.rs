//! From where a gateway key may be used, and which of its secrets is taken.
#![cfg(test)]

use countersign_tests::support::http::Request;
use countersign_tests::support::{Answer, Tenant};
use serde_json::json;

fn code(answer: &Answer) -> (u16, Option<String>) {
    (answer.status, answer.json()["error"]["code"].as_str().map(str::to_owned))
}

fn refused(status: u16, code: &str) -> (u16, Option<String>) {
    (status, Some(code.to_owned()))
}

fn network(tenant: &Tenant, arguments: &[&str]) -> String {
    let (done, said) = tenant.ops(&[&["network"], arguments].concat(), &[]);
    assert!(done, "{arguments:?}: {said}");
    said
}

/// Headers that would make another address of ours, if anybody believed them.
fn forged(request: Request) -> Request {
    let headers = ["x-forwarded-for", "x-real-ip", "forwarded", "true-client-ip", "cf-connecting-ip"];
    headers.into_iter().fold(request, |request, header| request.with(header, "203.0.113.9"))
}

/// Each level's list must allow the address, whatever a header says.
#[test]
fn a_call_from_elsewhere_is_refused_at_every_level() {
    let tenant = Tenant::new();
    let key = tenant.key_id().to_owned();
    let levels: [&[&str]; 3] = [&[], &["--org"], &["--key", &key]];
    for level in levels {
        network(&tenant, &[level, &["--allow", "203.0.113.0/24,2001:db8::/32"]].concat());
        let answer = forged(tenant.chat("hello")).send();
        assert_eq!(code(&answer), refused(403, "network_not_allowed"), "{level:?}");
        network(&tenant, &[level, &["--allow", "127.0.0.0/8,::1"]].concat());
        assert_eq!(tenant.say("hello").status, 200, "{level:?}");
    }
    assert_eq!(tenant.channel.received().len(), 3);
    assert_eq!(tenant.records(9)[0].says(), ["single", "deny", "network_not_allowed"]);
    let shown = network(&tenant, &["--anywhere"]);
    assert!(shown.contains("anywhere"), "{shown}");
    let (done, said) = tenant.ops(&["network", "--allow", "203.0.113.1/24"], &[]);
    assert!(!done && said.contains("beyond its prefix"), "{said}");
}

#[test]
fn dlp_knows_the_networks_too() {
    let tenant = Tenant::new();
    network(&tenant, &["--allow", "203.0.113.0/24"]);
    let answer = forged(tenant.dlp("/v1/detect", &json!({"text": "hello"}))).send();
    assert_eq!((answer.status, answer.json()["code"].as_str()), (403, Some("network_not_allowed")));
}

/// The state of a key is worked out from its row by every call.
#[test]
fn a_rotated_secret_is_taken_until_its_overlap_is_over() {
    let tenant = Tenant::new();
    let hash = tenant.field("control", "KEY", "secret_sha256");
    tenant.set("control", "KEY", "previous_sha256", &hash);
    tenant.set("control", "KEY", "secret_sha256", &json!({"S": "00".repeat(32)}));
    tenant.set("control", "KEY", "previous_until", &json!({"S": "2999-01-01T00:00:00.000Z"}));
    assert_eq!(tenant.say("within the overlap").status, 200);
    tenant.set("control", "KEY", "previous_until", &json!({"S": "2026-01-01T00:00:00.000Z"}));
    // By its code a bad key like any other; the message and the audit trail say which.
    let bad = |said: &str| assert_eq!(code(&tenant.say(said)), refused(401, "invalid_api_key"), "{said}");
    bad("after it");
    tenant.set("control", "KEY", "previous_until", &json!({"S": "2999-01-01T00:00:00.000Z"}));
    tenant.set("control", "KEY", "active_from", &json!({"S": "2999-01-01T00:00:00.000Z"}));
    bad("not yet");
    tenant.set("control", "KEY", "active_from", &json!({"S": "2026-01-01T00:00:00.000Z"}));
    tenant.set("control", "KEY", "revoked_at", &json!({"S": "2026-01-01T00:00:00.000Z"}));
    bad("revoked");
    let records = tenant.records(5);
    let reasons: Vec<_> = records[2..].iter().map(|one| one.field("reason")).collect();
    assert_eq!(reasons, ["key_rotated", "key_not_active", "key_revoked"]);
}

#[test]
fn scopes_of_routes_and_providers_narrow_a_key() {
    let tenant = Tenant::new();
    tenant.set("control", "KEY", "routes", &json!({"L": [{"S": "/v1/embeddings"}]}));
    assert_eq!(code(&tenant.say("hello")), refused(403, "route_not_allowed"));
    tenant.set("control", "KEY", "routes", &json!({"L": [{"S": "/v1/chat/completions"}]}));
    assert_eq!(tenant.say("hello").status, 200);
    tenant.set("control", "KEY", "providers", &json!({"L": [{"S": "another"}]}));
    assert_eq!(code(&tenant.say("hello")), refused(403, "provider_not_allowed"));
}

/// So many in a minute of Unix time. The test asks for more than two minutes' worth, since one may end in between.
#[test]
fn a_key_has_so_many_calls_in_a_minute() {
    let tenant = Tenant::new();
    tenant.set("control", "KEY", "requests_per_minute", &json!({"N": "2"}));
    let answers: Vec<_> = (0..5).map(|_| tenant.say("hello")).collect();
    let served = answers.iter().filter(|answer| answer.status == 200).count();
    assert!((2..=4).contains(&served), "{served}");
    assert_eq!(tenant.channel.received().len(), served);
    let over = answers.iter().find(|answer| answer.status != 200).unwrap();
    assert_eq!(code(over), refused(429, "rate_exceeded"));
    assert!(over.header("retry-after").is_some_and(|seconds| seconds.parse::<u32>().unwrap() <= 60));
    tenant.set("control", "KEY", "requests_per_minute", &json!({"N": "0"}));
    assert_eq!(code(&tenant.say("hello")), refused(429, "rate_exceeded"), "zero is not unlimited");
    assert_eq!(tenant.budget().open_holds, 0);
    let answer = tenant.dlp("/v1/detect", &json!({"text": "hello"})).send();
    assert_eq!((answer.status, answer.json()["code"].as_str()), (429, Some("rate_exceeded")));
}
