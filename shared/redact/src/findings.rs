//! What was found, as counts: this goes into the audit record, so it can hold no value.

use serde::Serialize;
use std::collections::BTreeMap;

use crate::policy::Action;

/// Type → how many occurrences were replaced; `type.action` where the action is not to redact (`card.mask`,
/// `person.alert`). Serializes as one flat JSON object.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Findings(BTreeMap<String, u64>);

impl Findings {
    pub(crate) fn count(&mut self, id: &str, action: Action) {
        let known = if action == Action::Redact { self.0.get_mut(id) } else { None };
        let count = match known {
            Some(count) => count,
            None => self.0.entry(name(id, action)).or_default(),
        };
        *count = count.saturating_add(1);
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Types with their counts, sorted by type.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().map(|(id, count)| (id.as_str(), *count))
    }
}

fn name(id: &str, action: Action) -> String {
    match action {
        Action::Redact => id.to_owned(),
        other => format!("{id}.{}", other.as_str()),
    }
}
