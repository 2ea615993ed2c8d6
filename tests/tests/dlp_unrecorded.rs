//! Audit before effect, and tokens before text: what cannot be recorded or kept is not given back. One test alone in its
//! binary: it takes permissions away from the function that other tests use.
#![cfg(test)]

use countersign_tests::support::denied::Denied;
use countersign_tests::support::{Answer, Tenant, records, wait};
use serde_json::json;

const EMAIL: &str = "noa.golan+planted@example.co.il";

fn told(answer: &Answer) -> (u16, String) {
    assert!(!answer.all_text().contains(EMAIL), "{answer:?}");
    (answer.status, answer.json()["code"].as_str().unwrap_or_default().to_owned())
}

#[test]
fn what_cannot_be_recorded_or_kept_is_not_given_back() {
    let tenant = Tenant::without_policy();
    tenant.policy(&json!({"v": 1, "types": {"email": {"action": "tokenize"}}}));
    let redact = || tenant.dlp("/v1/redact", &json!({"text": EMAIL})).send();
    let denied = |action: &str| Denied::new("dlp", action, "*");
    let made = redact().json()["text"].as_str().unwrap().to_owned();
    let restore = || tenant.dlp("/v1/restore", &json!({"text": made})).send();
    assert_eq!(restore().json()["text"], EMAIL);

    let without = denied("dynamodb:BatchWriteItem");
    assert_eq!(told(&redact()), (503, "tokens_unavailable".to_owned()));
    drop(without);
    wait::until("tokens to be kept again", || Some(redact()).filter(|answer| answer.status == 200));

    let without = denied("dynamodb:UpdateItem");
    assert_eq!(told(&restore()), (503, "rate_unavailable".to_owned()));
    drop(without);
    wait::until("the rate to be counted again", || Some(restore()).filter(|answer| answer.status == 200));

    let without = denied("sqs:SendMessage");
    assert_eq!(told(&redact()), (503, "audit_unavailable".to_owned()));
    assert_eq!(told(&restore()), (503, "audit_unavailable".to_owned()));
    let detect = || tenant.dlp("/v1/detect", &json!({"text": EMAIL})).send();
    assert_eq!(told(&detect()), (503, "audit_unavailable".to_owned()));
    drop(without);
    wait::until("the permission to be back", || Some(detect()).filter(|answer| answer.status == 200));

    // Every attempt says how it ended, and every refusal before one that it was one; what could not be sent is sent once the
    // way is free.
    wait::until("what was kept back", || {
        let all = records::all(tenant.tenant_id());
        let told = |reason: &str| all.iter().any(|one| one.says()[1..] == ["deny", reason]);
        ["tokens_unavailable", "rate_unavailable", "audit_unavailable"]
            .iter()
            .all(|reason| told(reason))
            .then_some(())
    });
}
