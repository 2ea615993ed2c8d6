//! Audit before effect, and tokens before text: what cannot be recorded or kept is not given back. One test alone in its
//! binary: it takes permissions away from the function that other tests use.
#![cfg(test)]

use countersign_tests::support::{Answer, Tenant, aws, records, stack, wait};
use serde_json::{Value, json};

const POLICY: &str = "test-denies";

/// The function's role may not do this while it lives.
struct Denied(String);

impl Denied {
    fn new(action: &str) -> Self {
        let arn = stack().text("/roles/dlp");
        let role = arn.rsplit('/').next().unwrap().to_owned();
        let statement = json!({"Effect": "Deny", "Action": action, "Resource": "*"});
        let policy = json!({"Version": "2012-10-17", "Statement": [statement]}).to_string();
        let params = json!({"RoleName": role, "PolicyName": POLICY, "PolicyDocument": policy});
        aws::must("root", "iam", "put_role_policy", &params);
        Self(role)
    }
}

impl Drop for Denied {
    fn drop(&mut self) {
        let params = json!({"RoleName": self.0, "PolicyName": POLICY});
        let _: Result<Value, _> = aws::call("root", "iam", "delete_role_policy", &params);
    }
}

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
    let made = redact().json()["text"].as_str().unwrap().to_owned();
    let restore = || tenant.dlp("/v1/restore", &json!({"text": made})).send();
    assert_eq!(restore().json()["text"], EMAIL);

    let denied = Denied::new("dynamodb:BatchWriteItem");
    assert_eq!(told(&redact()), (503, "tokens_unavailable".to_owned()));
    drop(denied);
    wait::until("tokens to be kept again", || Some(redact()).filter(|answer| answer.status == 200));

    let denied = Denied::new("dynamodb:UpdateItem");
    assert_eq!(told(&restore()), (503, "rate_unavailable".to_owned()));
    drop(denied);
    wait::until("the rate to be counted again", || Some(restore()).filter(|answer| answer.status == 200));

    let denied = Denied::new("sqs:SendMessage");
    assert_eq!(told(&redact()), (503, "audit_unavailable".to_owned()));
    assert_eq!(told(&restore()), (503, "audit_unavailable".to_owned()));
    let detect = || tenant.dlp("/v1/detect", &json!({"text": EMAIL})).send();
    assert_eq!(told(&detect()), (503, "audit_unavailable".to_owned()));
    drop(denied);
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
