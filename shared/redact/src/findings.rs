//! What was found, as counts: this goes into the audit record, so it can hold no value.

use serde::Serialize;
use std::collections::BTreeMap;

/// Detector id → how many occurrences were replaced. Serializes as one flat JSON object.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Findings(BTreeMap<String, u64>);

impl Findings {
    pub(crate) fn count(&mut self, id: &str) {
        match self.0.get_mut(id) {
            Some(count) => *count = count.saturating_add(1),
            None => {
                self.0.insert(id.to_owned(), 1);
            }
        }
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Detector ids with their counts, sorted by id.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().map(|(id, count)| (id.as_str(), *count))
    }
}
