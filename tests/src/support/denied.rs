//! A permission that a function lacks while a test lives. Others use that function too: whoever takes one away runs alone.

use serde_json::{Value, json};

use super::{aws, stack};

/// Given back when it is dropped.
#[derive(Debug)]
pub struct Denied {
    role: String,
    policy: String,
}

impl Denied {
    /// The role of `function` may not do `action`, such as `sqs:SendMessage`, to `resource`: an ARN, or `*` for all.
    pub fn new(function: &str, action: &str, resource: &str) -> Self {
        let arn = stack().text(&format!("/roles/{function}"));
        let role = arn.rsplit('/').next().expect("a role's name").to_owned();
        let policy = format!("test-denies-{}", action.replace(':', "-"));
        let statement = json!({"Effect": "Deny", "Action": action, "Resource": resource});
        let document = json!({"Version": "2012-10-17", "Statement": [statement]}).to_string();
        let params = json!({"RoleName": role, "PolicyName": policy, "PolicyDocument": document});
        aws::must("root", "iam", "put_role_policy", &params);
        Self { role, policy }
    }
}

impl Drop for Denied {
    fn drop(&mut self) {
        let params = json!({"RoleName": self.role, "PolicyName": self.policy});
        let _: Result<Value, _> = aws::call("root", "iam", "delete_role_policy", &params);
    }
}
