//! The reviewed documents under `data/policies` compile against the built-in types, and do what they say.

use crate::policy::{Action, Document, Policy, builtin_types};

const EXAMPLES: [(&str, &str); 4] = [
    ("eu_strict", include_str!("../../../data/policies/eu_strict.json")),
    ("il_bank", include_str!("../../../data/policies/il_bank.json")),
    ("us_clinic", include_str!("../../../data/policies/us_clinic.json")),
    ("developer_tool", include_str!("../../../data/policies/developer_tool.json")),
];

fn policy(name: &str) -> Policy {
    let text = EXAMPLES.iter().find(|(one, _)| *one == name).unwrap().1;
    let document = Document::parse(text).unwrap_or_else(|error| panic!("{name}: {error}"));
    Policy::compile(None, Some(&document), None).unwrap()
}

fn action(policy: &Policy, id: &str) -> Action {
    policy.rules()[builtin_types().iter().position(|one| one.id == id).unwrap()].action
}

/// As a floor, as a tenant's and as an agent's, each with each.
#[test]
fn every_example_compiles_in_every_place() {
    let documents: Vec<_> = EXAMPLES.iter().map(|(_, text)| Document::parse(text).unwrap()).collect();
    for floor in &documents {
        for tenant in &documents {
            for agent in &documents {
                Policy::compile(Some(floor), Some(tenant), Some(agent)).unwrap();
            }
        }
    }
}

#[test]
fn the_examples_do_what_they_are_for() {
    let eu = policy("eu_strict");
    assert_eq!(action(&eu, "email"), Action::Redact);
    assert!(eu.rules().iter().all(|rule| rule.in_request && rule.in_answer && rule.action >= Action::Redact));
    assert_eq!(eu.countries().len(), 27);
    let bank = policy("il_bank");
    assert_eq!((action(&bank, "card"), action(&bank, "email")), (Action::Block, Action::Tokenize));
    let clinic = policy("us_clinic");
    assert_eq!((action(&clinic, "us_ssn"), action(&clinic, "email")), (Action::Redact, Action::Redact));
    let tool = policy("developer_tool");
    assert_eq!((action(&tool, "ipv4"), action(&tool, "private_key")), (Action::Allow, Action::Block));
    let mut hits = Vec::new();
    bank.custom().find("לקוח 123456, account 12-345-678901", &mut hits);
    assert_eq!(hits.len(), 2, "{hits:?}");
    clinic.custom().find("MRN: 00123456", &mut hits);
    assert_eq!(hits.len(), 3, "{hits:?}");
}
