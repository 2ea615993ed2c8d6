//! Which tools a tenant's gate could stop, by their names alone: for whoever sees that a model wants a tool, and decides
//! nothing about it. Reads the same document as the feature `gate` does, without Cedar, and says "may" where only Cedar
//! could tell.

mod cache;

use std::fmt;
use std::str::FromStr;

use domain::Name;
use serde::Deserialize;

pub use cache::GateNames;

/// What becomes of tool calls in a model's answer that a gate could stop, from the least to the most.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answers {
    /// Nothing: the tool asks before it acts.
    #[default]
    Leave,
    /// The caller is told of them.
    Mark,
    /// They are taken out.
    Withhold,
}

/// Tools by name: 1 to 128 characters of a [`Name`], and `*` for any number of them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct ToolPattern(String);

/// A text that is no pattern of tools. Does not carry it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a pattern of tools: use 1 to 128 characters of a tool's name, and `*` for any of them")]
pub struct ToolPatternError;

impl ToolPattern {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it lets the tool be asked for: to the letter.
    pub fn allows(&self, tool: &Name) -> bool {
        glob(&self.0, tool.as_str())
    }

    /// Whether it may mean the tool. Some programs find tools in any case, so that nothing passes by another case.
    pub fn means(&self, tool: &Name) -> bool {
        glob(&self.0.to_ascii_lowercase(), &tool.as_str().to_ascii_lowercase())
    }

    /// Whether it surely allows whatever `other` allows: a `*` there can stand for nothing but what a `*` here stands for.
    pub fn covers(&self, other: &Self) -> bool {
        glob(&self.0, &other.0)
    }

    /// Whether it surely means whatever `other` means.
    pub fn means_all(&self, other: &Self) -> bool {
        glob(&self.0.to_ascii_lowercase(), &other.0.to_ascii_lowercase())
    }
}

impl FromStr for ToolPattern {
    type Err = ToolPatternError;

    fn from_str(text: &str) -> Result<Self, ToolPatternError> {
        let named = text.replace('*', "-").parse::<Name>();
        named.map(|_| Self(text.to_owned())).map_err(|_| ToolPatternError)
    }
}

impl TryFrom<String> for ToolPattern {
    type Error = ToolPatternError;

    fn try_from(text: String) -> Result<Self, ToolPatternError> {
        text.parse()
    }
}

/// Whether the text is the pattern, with anything in place of each `*`: its parts one after the other, each as early as it
/// can be.
pub(crate) fn glob(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut left) = text.strip_prefix(head) else { return false };
    let (between, tail) = rest.rsplit_once('*').unwrap_or(("", rest));
    for part in between.split('*') {
        match left.split_once(part) {
            Some((_, after)) => left = after,
            None => return false,
        }
    }
    left.ends_with(tail)
}

/// The names in a tenant's gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatedTools {
    answers: Answers,
    allowed: Vec<ToolPattern>,
    gated: Vec<ToolPattern>,
    /// It has policies of its own: which tools they stop, and which they fail on, only Cedar could tell.
    policies: bool,
}

/// A document whose names do not read. It was checked when it was written, so that this is a fault of the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the tenant's gate does not read")]
pub struct GateUnreadable;

#[derive(Deserialize)]
struct View {
    v: u64,
    #[serde(default)]
    answers: Answers,
    #[serde(default)]
    allow: Vec<ToolPattern>,
    #[serde(default)]
    gates: Vec<Tools>,
    cedar: Option<String>,
}

#[derive(Deserialize)]
struct Tools {
    tools: Vec<ToolPattern>,
}

impl GatedTools {
    /// Reads the names of a document that `Gate::parse` accepted.
    ///
    /// # Errors
    /// It is no such document.
    pub fn parse(text: &str) -> Result<Self, GateUnreadable> {
        let view: View = serde_json::from_str(text).map_err(|_| GateUnreadable)?;
        if view.v != 1 {
            return Err(GateUnreadable);
        }
        let gated = view.gates.into_iter().flat_map(|gate| gate.tools).collect();
        // Cedar's words have one spelling, so that a text without these has no policy.
        let policies = view.cedar.is_some_and(|cedar| cedar.contains("forbid") || cedar.contains("permit"));
        Ok(Self { answers: view.answers, allowed: view.allow, gated, policies })
    }

    pub const fn answers(&self) -> Answers {
        self.answers
    }

    /// Whether a call of the tool could be stopped: by a gate that means it, by the tenant's own Cedar, or because no
    /// pattern allows it. The name is the model's; what is no tool's name is allowed by nothing.
    pub fn may_need_gate(&self, tool: &str) -> bool {
        let Ok(tool) = tool.parse::<Name>() else { return true };
        self.policies
            || !self.allowed.iter().any(|pattern| pattern.allows(&tool))
            || self.gated.iter().any(|pattern| pattern.means(&tool))
    }
}

impl fmt::Display for ToolPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests;
