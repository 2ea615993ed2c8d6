mod compare;
mod decisions;
mod documents;
mod hostile;
mod own;
mod templates;

use super::*;
use domain::{AgentId, ApprovalRule, Code, Name, Timestamp};
use serde_json::{Value, json};
use std::collections::BTreeSet;

pub(super) fn name(text: &str) -> Name {
    text.parse().unwrap()
}

pub(super) fn names(all: &[&str]) -> BTreeSet<Name> {
    all.iter().map(|one| name(one)).collect()
}

/// Monday noon in Berlin.
pub(super) fn noon() -> Timestamp {
    "2026-11-23T11:00:00.000Z".parse().unwrap()
}

pub(super) fn rule() -> Value {
    json!({"quorum": [{"of": {"roles": ["owner"]}, "need": 1}], "deny": 1, "expires_minutes": 60,
        "risk": "Money leaves.", "high": true})
}

/// A document in which everything may be asked for, with these gates.
pub(super) fn document(gates: &[Value]) -> Value {
    json!({"v": 1, "allow": ["*"], "gates": gates, "approvals": {"finance": rule(), "ops": rule()}})
}

pub(super) fn parsed(document: &Value) -> Gate {
    Gate::parse(&document.to_string()).unwrap_or_else(|faults| panic!("{faults}\n{document}"))
}

/// What is wrong with it, as `at: hint`.
pub(super) fn refused(text: &str) -> Vec<(String, String)> {
    let faults = Gate::parse(text).err().unwrap_or_else(|| panic!("accepted: {text}"));
    faults.as_slice().iter().map(|fault| (fault.at.clone(), fault.hint.clone())).collect()
}

/// An action of one agent in the team `sales`.
pub(super) fn decide(
    gate: &Gate,
    tool: &str,
    arguments: &Value,
    target: Option<&str>,
    now: Timestamp,
) -> Verdict {
    let (agent, team, tool) = (AgentId::from_random([3; 10]), Code::literal("sales"), name(tool));
    let ask = Asking { agent: &agent, team: Some(&team), tool: &tool, arguments, target };
    gate.decide(&ask, now)
}

pub(super) fn held(verdict: &Verdict) -> Vec<&str> {
    let Verdict::Hold { rules, .. } = verdict else { panic!("{verdict:?}") };
    rules.iter().map(|rule: &ApprovalRule| rule.id.as_str()).collect()
}
