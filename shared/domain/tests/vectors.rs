//! The form of actions against `verifiers/vectors.json`, which the packages for authors of tools read too.
#![cfg(test)]

use countersign_domain::{ActionError, ActionForm, AgentId, Name, TenantId};
use serde_json::Value;

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../../verifiers/vectors.json")).unwrap()
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap()
}

/// Canonical form and digest of one vector's arguments and target.
fn form(all: &Value, one: &Value) -> Result<(String, String), ActionError> {
    let tenant: TenantId = text(all, "tenant_id").parse().unwrap();
    let agent: AgentId = text(all, "agent_id").parse().unwrap();
    let tool: Name = text(all, "tool").parse().unwrap();
    let arguments: Value = serde_json::from_str(text(one, "arguments")).unwrap();
    let form = ActionForm::new(&tenant, &agent, &tool, &arguments, one["target"].as_str());
    Ok((form.canonical()?, form.digest()?.to_string()))
}

#[test]
fn forms_and_digests_are_those_of_every_verifier() {
    let all = vectors();
    let actions = all["actions"].as_array().unwrap();
    assert!(actions.len() > 15);
    for one in actions {
        let expected = (text(one, "canonical").to_owned(), text(one, "sha256").to_owned());
        assert_eq!(form(&all, one), Ok(expected), "{}", one["name"]);
    }
}

#[test]
fn what_a_double_has_not_is_refused() {
    let all = vectors();
    let refused = all["refused"].as_array().unwrap();
    let of_verifiers = all["refused_by_verifiers"].as_array().unwrap();
    assert!(!refused.is_empty() && !of_verifiers.is_empty());
    for one in refused.iter().chain(of_verifiers) {
        assert_eq!(form(&all, one), Err(ActionError), "{}", one["name"]);
    }
}
