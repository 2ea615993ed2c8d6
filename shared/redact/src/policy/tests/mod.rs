//! Tests of policies: documents by example, and properties over documents that nobody thought of.

mod compare;
mod custom;
mod documents;
mod examples;
mod floors;
mod rules;

use super::{CustomHit, Document, Policy, Rule, TypeInfo};

/// Stand-ins for the engine's types.
pub(super) const TYPES: [TypeInfo<'static>; 8] = [
    TypeInfo { id: "email", group: "contact" },
    TypeInfo { id: "card", group: "finance" },
    TypeInfo { id: "il_id", group: "national" },
    TypeInfo { id: "us_ssn", group: "national" },
    TypeInfo { id: "aws_key", group: "secret" },
    TypeInfo { id: "ipv4", group: "network" },
    TypeInfo { id: "person", group: "person" },
    TypeInfo { id: "address", group: "person" },
];

pub(super) fn document(text: &str) -> Document {
    Document::parse_for(text, &TYPES).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

pub(super) fn policy(org: &str, tenant: &str, agent: &str) -> Policy {
    let read = |text: &str| (!text.is_empty()).then(|| document(text));
    let (org, tenant, agent) = (read(org), read(tenant), read(agent));
    Policy::compile_for(&TYPES, org.as_ref(), tenant.as_ref(), agent.as_ref()).unwrap()
}

pub(super) fn rule(policy: &Policy, id: &str) -> Rule {
    policy.rules()[TYPES.iter().position(|one| one.id == id).unwrap()]
}

/// What is found, by the name of its kind.
pub(super) fn found(policy: &Policy, text: &str) -> Vec<(String, String)> {
    let mut hits = Vec::new();
    policy.custom().find(text, &mut hits);
    let named = |hit: CustomHit| {
        (
            policy.kinds()[hit.rule_index - TYPES.len()].id.clone(),
            text.get(hit.start..hit.end).unwrap().to_owned(),
        )
    };
    hits.into_iter().map(named).collect()
}
