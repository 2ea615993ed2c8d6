//! Findings: what a policy makes of candidates.

use crate::find::Raw;
use crate::policy::Action;
use crate::steps::{Stage, count};

/// A finding: the bytes `start..end` of the text, on character boundaries.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// What it is.
    pub kind: Kind,
    /// How sure that is, from 0 to 1.
    pub score: f32,
    /// What the policy says happens to it.
    pub action: Action,
}

/// What a finding is: a type of the built-in set or of a policy's own, see [`crate::Policy::id`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kind(pub(crate) usize);

/// Findings in order, without overlaps.
///
/// Those that overlap become one that covers them all, so that nothing detected is left over beside it. It is of the
/// kind of the longest of them; of equally long ones, the surest, then the one that comes first in the set. Its action
/// is the strongest of theirs. What only alerts never grows what leaves changed.
pub(crate) fn merged(raw: impl Iterator<Item = (Raw, Action)>) -> Vec<Hit> {
    let mut hits: Vec<Hit> = raw.map(|(raw, action)| hit(raw, action)).collect();
    hits.sort_unstable_by(|one, two| {
        count(Stage::Merging, 1);
        one.start.cmp(&two.start).then(two.end.cmp(&one.end))
    });
    count(Stage::Merging, hits.len());
    if hits.iter().any(|hit| hit.action <= Action::Alert) {
        let (quiet, changing): (Vec<Hit>, Vec<Hit>) =
            hits.into_iter().partition(|hit| hit.action <= Action::Alert);
        let mut all = joined(changing);
        let alone: Vec<Hit> = joined(quiet)
            .into_iter()
            .filter(|quiet| {
                let at = all.partition_point(|hit| hit.end <= quiet.start);
                all.get(at).is_none_or(|hit| quiet.end <= hit.start)
            })
            .collect();
        all.extend(alone);
        all.sort_unstable_by_key(|hit| hit.start);
        return all;
    }
    joined(hits)
}

fn hit(raw: Raw, action: Action) -> Hit {
    Hit { start: raw.start, end: raw.end, kind: Kind(raw.detector), score: raw.score, action }
}

fn joined(hits: Vec<Hit>) -> Vec<Hit> {
    let mut merged: Vec<Hit> = Vec::with_capacity(hits.len());
    let mut longest = 0;
    for hit in hits {
        let length = hit.end.saturating_sub(hit.start);
        match merged.last_mut().filter(|last| hit.start < last.end) {
            None => {
                merged.push(hit);
                longest = length;
            }
            Some(last) => {
                last.end = last.end.max(hit.end);
                last.action = last.action.max(hit.action);
                let tie = hit.score > last.score || (hit.score >= last.score && hit.kind < last.kind);
                if length > longest || (length == longest && tie) {
                    (last.kind, last.score, longest) = (hit.kind, hit.score, length);
                }
            }
        }
    }
    merged
}
