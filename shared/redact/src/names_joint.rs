//! Names and street addresses among the sweep's other findings.

use crate::detector::Detectors;
use crate::find::{Finder, Raw};
use crate::names::{self, EntityModel, NameKind};

/// What the rules find, and what a policy's model adds to it.
pub(crate) fn find(set: &Detectors, model: Option<&dyn EntityModel>, text: &str, hits: &mut Vec<Raw>) {
    let of = |kind: NameKind| match kind {
        NameKind::Person => set.finders.get(Finder::Person),
        NameKind::Address => set.finders.get(Finder::Address),
    };
    let mut found = Vec::new();
    names::find(text, &mut found);
    found.extend(model.map(|model| names::checked(model, text)).unwrap_or_default());
    hits.extend(found.into_iter().filter_map(|one| {
        Some(Raw { start: one.start, end: one.end, detector: of(one.kind)?, score: one.score })
    }));
}
