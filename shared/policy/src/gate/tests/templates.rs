//! The policies that auditors read: valid, as reviewed, and deciding their examples as these say.

use super::*;
use crate::gate::template::SCHEMA;
use cedar_policy::{PolicySet, Schema, ValidationMode, Validator};
use serde::Deserialize;
use sha2::{Digest, Sha256};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Examples {
    gate: Value,
    stops: Vec<Example>,
    passes: Vec<Example>,
    unknown: Vec<Example>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Example {
    why: String,
    arguments: Value,
    target: Option<String>,
    now: Option<Timestamp>,
}

const EXAMPLES: [(Template, &str); 7] = [
    (Template::Payments, include_str!("../../../gate/payments.json")),
    (Template::Deletion, include_str!("../../../gate/deletion.json")),
    (Template::ExternalEmail, include_str!("../../../gate/external_email.json")),
    (Template::Production, include_str!("../../../gate/production.json")),
    (Template::DataExport, include_str!("../../../gate/data_export.json")),
    (Template::OutsideHours, include_str!("../../../gate/outside_hours.json")),
    (Template::Any, include_str!("../../../gate/any.json")),
];

fn gate(template: Template, params: &Value, consequence: (&str, Value)) -> Gate {
    let mut one = params.clone();
    one["id"] = "it".into();
    one["template"] = template.as_str().into();
    one[consequence.0] = consequence.1;
    parsed(&document(&[one]))
}

fn tool(params: &Value) -> String {
    params["tools"][0].as_str().unwrap().replace('*', "x")
}

#[test]
fn every_template_decides_its_examples_as_they_say() {
    for (template, text) in EXAMPLES {
        let examples: Examples = serde_json::from_str(text).unwrap();
        let refuses = gate(template, &examples.gate, ("forbid", true.into()));
        let holds = gate(template, &examples.gate, ("approval", "ops".into()));
        let tool = tool(&examples.gate);
        let of = |gate: &Gate, one: &Example| {
            decide(gate, &tool, &one.arguments, one.target.as_deref(), one.now.unwrap_or_else(noon))
        };
        for one in examples.stops.iter().chain(&examples.unknown) {
            let why = format!("{}: {}", template.as_str(), one.why);
            assert_eq!(of(&refuses, one), Verdict::Forbid { gates: names(&["it"]) }, "{why}");
            assert_eq!(held(&of(&holds, one)), ["ops"], "{why}");
        }
        for one in &examples.passes {
            assert_eq!(of(&refuses, one), Verdict::Permit, "{}: {}", template.as_str(), one.why);
            assert_eq!(of(&holds, one), Verdict::Permit, "{}: {}", template.as_str(), one.why);
        }
    }
}

/// What is not known is no fact. What is known is stopped by Cedar, not by the reader in front of it.
#[test]
fn what_cannot_be_read_is_no_fact_and_what_can_is_one() {
    for (template, text) in EXAMPLES {
        let examples: Examples = serde_json::from_str(text).unwrap();
        let gate = gate(template, &examples.gate, ("forbid", true.into()));
        let (agent, tool) = (AgentId::from_random([3; 10]), name(&tool(&examples.gate)));
        let facts = |one: &Example| {
            let (arguments, target) = (&one.arguments, one.target.as_deref());
            let ask = Asking { agent: &agent, team: None, tool: &tool, arguments, target };
            gate.stops[0].risk.terms(&ask, one.now.unwrap_or_else(noon)).fact.len()
        };
        let whole = examples.passes.first().map_or(0, facts);
        for one in examples.stops.iter().chain(&examples.passes) {
            assert_eq!(facts(one), whole, "{}: {}", template.as_str(), one.why);
        }
        for one in &examples.unknown {
            assert!(facts(one) < whole, "{}: {}", template.as_str(), one.why);
        }
    }
}

#[test]
fn the_policies_are_valid_by_the_strict_rules() {
    let (schema, mut warnings) = Schema::from_cedarschema_str(SCHEMA).unwrap();
    assert!(warnings.next().is_none(), "the schema has warnings");
    for template in Template::ALL {
        let set: PolicySet = template.cedar().parse().unwrap();
        let found = Validator::new(schema.clone()).validate(&set, ValidationMode::Strict);
        let said: Vec<_> = found.validation_errors().map(ToString::to_string).collect();
        assert!(found.validation_passed_without_warnings(), "{}: {said:?}", template.as_str());
        let policy = set.policies().next().unwrap();
        assert_eq!(policy.annotation("id"), Some(template.as_str()));
        assert!(template.cedar().starts_with("// "), "{}: say what it is for", template.as_str());
    }
    let mut actions: Vec<_> = schema.actions().map(|action| action.id().unescaped().to_owned()).collect();
    let mut wanted: Vec<_> = Template::ALL.map(Template::as_str).to_vec();
    actions.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(actions, wanted);
}

/// Reviewed: whoever changes a policy reads it beside its examples, and changes this.
#[test]
fn the_policies_are_those_that_were_reviewed() {
    let digest = |text: &str| {
        let whole = domain::Digest::from_bytes(&Sha256::digest(text).into());
        whole.as_str().chars().take(16).collect::<String>()
    };
    let found = Template::ALL.map(|one| format!("{} {}", digest(one.cedar()), one.as_str()));
    assert_eq!(found, REVIEWED);
}

const REVIEWED: [&str; 7] = [
    "a0e2abc45497056d payments",
    "48c570cff66aa8b5 deletion",
    "28b26d7d268d4af2 external_email",
    "326dfaaf2bea2da3 production",
    "f78319ec409f0d08 data_export",
    "d05c8d46cbd5adb9 outside_hours",
    "d37a60c829643a22 any",
];
