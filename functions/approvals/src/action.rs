//! What is asked for, as people are shown it: the exact arguments, line by line, and what differs from the last of its kind. Pure.

mod diff;
mod lines;

use domain::{ActionForm, ApprovalRow, Opaque};
use serde::Deserialize;
use serde_json::Value;

pub use diff::{Change, Difference, difference};
pub use lines::{Line, Lines, Part, lines};

use crate::mask::Eyes;

/// What a request's sealed part holds.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Action {
    pub arguments: Value,
    #[serde(default)]
    pub target: Option<String>,
    #[serde(default)]
    pub reason: Option<String>,
    /// For whom the agent says that it acts, as `tables::standing::cause_digest` has it.
    #[serde(default)]
    pub cause: Option<Opaque>,
}

/// Shows nothing of it.
impl std::fmt::Debug for Action {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Action")
    }
}

/// It cannot be shown as what will run, so nobody decides on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotShown {
    #[error("the sealed action does not read")]
    Unread,
    #[error("the sealed action is not the one whose digest is decided")]
    Mismatch,
}

impl Action {
    /// Reads an opened text.
    ///
    /// # Errors
    /// Another form.
    pub fn read(text: &str) -> Result<Self, NotShown> {
        serde_json::from_str(text).map_err(|_| NotShown::Unread)
    }

    /// The action that a request is about: what is shown is what its digest is of, and nothing else.
    ///
    /// # Errors
    /// It does not read, or is another one.
    pub fn of(row: &ApprovalRow, text: &str) -> Result<Self, NotShown> {
        let action = Self::read(text)?;
        let (tenant, agent, tool) = (&row.from.tenant, &row.from.agent, &row.asked.tool);
        let form = ActionForm::new(tenant, agent, tool, &action.arguments, action.target.as_deref());
        let digest = form.digest().map_err(|_| NotShown::Unread)?.to_digest();
        if digest == row.asked.digest { Ok(action) } else { Err(NotShown::Mismatch) }
    }

    /// What is compared with the last of its kind.
    fn compared(&self) -> Value {
        serde_json::json!({"arguments": self.arguments, "target": self.target})
    }
}

/// What the page shows of an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    pub target: Option<Line>,
    pub reason: Option<Line>,
    pub arguments: Lines,
    /// Compared with what was approved last; `None`: nothing was.
    pub difference: Option<Difference>,
    /// How many values are hidden.
    pub hidden: usize,
}

impl Shown {
    pub fn of(action: &Action, last: Option<&Action>, eyes: &Eyes<'_>) -> Self {
        let text = |text: &Option<String>, name| text.as_deref().map(|text| Line::text(text, name, eyes));
        let (target, reason) = (text(&action.target, "target"), text(&action.reason, "reason"));
        let arguments = lines(&action.arguments, eyes);
        let difference = last.map(|last| difference(&last.compared(), &action.compared(), eyes));
        let lone = target.iter().chain(&reason).map(Line::hidden).sum::<usize>();
        let hidden = lone.saturating_add(arguments.hidden);
        Self { target, reason, arguments, difference, hidden }
    }

    /// Whether all of it is on the page, so that it can be approved.
    pub fn is_whole(&self) -> bool {
        let short = |line: &Option<Line>| line.as_ref().is_none_or(|line| !line.cut);
        self.arguments.left_out == 0 && short(&self.target) && short(&self.reason)
    }
}

#[cfg(test)]
mod tests;
