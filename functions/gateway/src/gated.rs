//! The tenant's gate, as far as models' answers are concerned: which of their tool calls it could stop. Whether it does is
//! decided by `actions`, when the agent asks for the action; here a call is known by its name alone.

use std::sync::Arc;

use caller::Unreadable;
use domain::{GateRow, Name};
use policy::gate_names::{Answers, GateNames, GatedTools};

use crate::answer::ToolCall;

/// What the gate says of answers.
#[derive(Debug, Clone, Default)]
pub enum Gate {
    /// There is none: nobody asked for anything to be done to answers.
    #[default]
    None,
    Read(Arc<GatedTools>),
    /// What it would have stopped is unknown, so every tool call is taken out.
    Unreadable,
}

impl Gate {
    pub fn of(names: &GateNames, row: Result<Option<GateRow>, Unreadable>) -> Self {
        match row.map(|row| row.map(|row| names.get(&row.document))) {
            Ok(None) => Self::None,
            Ok(Some(Ok(read))) => Self::Read(read),
            Ok(Some(Err(_))) | Err(Unreadable) => Self::Unreadable,
        }
    }

    pub fn answers(&self) -> Answers {
        match self {
            Self::None => Answers::Leave,
            Self::Read(tools) => tools.answers(),
            Self::Unreadable => Answers::Withhold,
        }
    }

    pub const fn is_unreadable(&self) -> bool {
        matches!(self, Self::Unreadable)
    }

    /// Whether the call could be stopped. One that its provider has run already stops nowhere.
    pub fn may_stop(&self, call: &ToolCall) -> bool {
        let tools = match self {
            Self::None => return false,
            Self::Read(tools) => tools,
            Self::Unreadable => return !call.hosted,
        };
        let named = [Some(&call.name), call.alias.as_ref()];
        !call.hosted && named.into_iter().flatten().any(|name| tools.may_need_gate(name))
    }

    pub fn withholds(&self, call: &ToolCall) -> bool {
        self.answers() == Answers::Withhold && self.may_stop(call)
    }
}

/// The gate over the answer of one call.
#[derive(Debug, Clone)]
pub struct Guard {
    pub gate: Gate,
    /// Names that the caller declared, as they went to the provider. Another name can be anything, so it is not repeated.
    pub declared: Vec<Name>,
}

/// Most tools that a caller is told by name.
const MOST_TOLD: usize = 16;
/// Stands for all that are not told by name.
const OTHERS: &str = "*";

impl Guard {
    pub fn declared(&self, name: &str) -> Option<&Name> {
        self.declared.iter().find(|one| one.as_str() == name)
    }

    /// How many of the calls the gate could stop, where it wants that to be told.
    pub fn count(&self, calls: &[ToolCall]) -> u64 {
        let gated = calls.iter().filter(|call| self.gate.may_stop(call)).count();
        if self.gate.answers() == Answers::Leave { 0 } else { u64::try_from(gated).unwrap_or(u64::MAX) }
    }

    /// What the caller is told of them: `payments.send, *`. Each tool once; `*` stands for those that it did not declare, and
    /// for more than a few.
    pub fn told(&self, calls: &[ToolCall]) -> Option<String> {
        if self.count(calls) == 0 {
            return None;
        }
        let mut names: Vec<&str> = Vec::new();
        let mut others = false;
        for call in calls.iter().filter(|call| self.gate.may_stop(call)) {
            match self.declared(&call.name) {
                Some(name) if names.contains(&name.as_str()) => {}
                Some(name) if names.len() < MOST_TOLD => names.push(name.as_str()),
                _ => others = true,
            }
        }
        names.extend(others.then_some(OTHERS));
        Some(names.join(", "))
    }

    /// What stands in the place of a call that is withheld.
    pub fn note(&self, call: &ToolCall) -> String {
        let tool = self.declared(&call.name).map_or_else(
            || "a tool that this request did not declare".to_owned(),
            |name| format!("the tool {name}"),
        );
        format!(
            "[The call of {tool} was withheld: it may need an approval. Ask for the action at POST /v1/actions.]"
        )
    }
}

#[cfg(test)]
mod tests;
