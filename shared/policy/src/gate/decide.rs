//! The decision about one action.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::{AgentId, ApprovalRule, Code, Name, Timestamp};
use serde_json::Value;

use super::parse::{Gate, Stop};
use super::template::Templates;

/// Who wants to do what.
#[derive(Debug, Clone, Copy)]
pub struct Asking<'a> {
    pub agent: &'a AgentId,
    pub team: Option<&'a Code>,
    pub tool: &'a Name,
    /// All of them, as they are digested.
    pub arguments: &'a Value,
    pub target: Option<&'a str>,
}

/// What becomes of an action. `gates` are ids of gates and of the tenant's own policies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Permit,
    /// It waits until every rule is satisfied. In the order of their names, each once.
    Hold {
        rules: Vec<ApprovalRule>,
        gates: BTreeSet<Name>,
    },
    Forbid {
        gates: BTreeSet<Name>,
    },
    /// Nothing allows the tool.
    Unmatched,
    /// These could not be evaluated: it is refused.
    Failed {
        gates: BTreeSet<Name>,
    },
}

/// What was said about an action, by whomever.
#[derive(Default)]
pub(super) struct Found {
    pub allowed: bool,
    pub failed: BTreeSet<Name>,
    forbidden: BTreeSet<Name>,
    held: BTreeSet<Name>,
    rules: BTreeMap<Name, Arc<ApprovalRule>>,
}

impl Found {
    /// By a gate or a policy that names a rule of approval, or none and refuses.
    pub fn stop(&mut self, by: Name, approval: Option<Arc<ApprovalRule>>) {
        let Some(rule) = approval else {
            self.forbidden.insert(by);
            return;
        };
        self.held.insert(by);
        self.rules.insert(rule.id.clone(), rule);
    }

    fn verdict(self) -> Verdict {
        match self {
            Self { forbidden, .. } if !forbidden.is_empty() => Verdict::Forbid { gates: forbidden },
            Self { failed, .. } if !failed.is_empty() => Verdict::Failed { gates: failed },
            Self { allowed: false, .. } => Verdict::Unmatched,
            Self { held, .. } if held.is_empty() => Verdict::Permit,
            Self { held, rules, .. } => {
                let rules = rules.into_values().map(Arc::unwrap_or_clone).collect();
                Verdict::Hold { rules, gates: held }
            }
        }
    }
}

impl Gate {
    /// What becomes of the action at that time. Whatever nothing allows is refused, whatever cannot be read is stopped.
    pub fn decide(&self, ask: &Asking<'_>, now: Timestamp) -> Verdict {
        let allowed = self.allow.iter().any(|pattern| pattern.allows(ask.tool));
        let mut found = Found { allowed, ..Found::default() };
        self.own.ask(ask, now, &mut found);
        for stop in self.stops.iter().filter(|stop| stop.tools.iter().any(|tools| tools.means(ask.tool))) {
            stop.ask(ask, now, &mut found);
        }
        found.verdict()
    }
}

impl Stop {
    fn ask(&self, ask: &Asking<'_>, now: Timestamp, found: &mut Found) {
        let stops = Templates::builtin()
            .map(|templates| templates.stops(self.risk.template(), ask, self.risk.terms(ask, now)));
        match stops {
            Some(Ok(true)) => found.stop(self.id.clone(), self.approval.clone()),
            Some(Ok(false)) => {}
            Some(Err(_)) | None => {
                found.failed.insert(self.id.clone());
            }
        }
    }
}
