//! One pass over the bytes of a text: at each byte that can begin a candidate, the detectors concerned are tried
//! there, anchored. Then overlapping findings are merged.

use crate::detector::{Detector, Detectors, MAX_DETECTORS};
use crate::start::{Start, digits_ahead, hex_group, is_run_start, local_part};

/// A finding: the bytes `start..end` of the text, on character boundaries.
#[derive(Debug, Clone, Copy)]
pub struct Hit<'d> {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// Who found it.
    pub detector: &'d Detector,
    priority: usize,
}

impl Detectors {
    /// Everything found in `text`, in order, without overlaps.
    ///
    /// Findings that overlap become one that covers them all, so that nothing detected is left over beside it. It
    /// carries the detector of the longest of them; of equally long ones, the one that comes first in the set.
    pub fn detect(&self, text: &str) -> Vec<Hit<'_>> {
        merge(self.candidates(text))
    }

    fn candidates(&self, text: &str) -> Vec<Hit<'_>> {
        let bytes = text.as_bytes();
        let mut hits = Vec::new();
        // A detector does not look again inside what it has found.
        let mut resume = [0_usize; MAX_DETECTORS];
        for (at, byte) in bytes.iter().enumerate() {
            let concerned = self.triggers.get(usize::from(*byte)).copied().unwrap_or(0);
            if concerned == 0 || (byte.is_ascii_digit() && !is_run_start(bytes, at)) {
                continue;
            }
            let digits = if byte.is_ascii_digit() { digits_ahead(bytes, at) } else { usize::MAX };
            for priority in bits(concerned) {
                let slots = (self.list.get(priority), resume.get_mut(priority));
                let (Some(detector), Some(resume)) = slots else { continue };
                let enough = digits >= detector.min_digits;
                if let Some((start, end)) = enough.then(|| detector.find(text, at, *resume)).flatten() {
                    *resume = end;
                    hits.push(Hit { start, end, detector, priority });
                }
            }
        }
        hits
    }
}

/// The positions of the set bits, lowest first.
fn bits(mut set: u64) -> impl Iterator<Item = usize> {
    core::iter::from_fn(move || {
        let lowest = (set != 0).then(|| set.trailing_zeros() as usize);
        set &= set.wrapping_sub(1);
        lowest
    })
}

impl Detector {
    /// The span of the candidate that the byte at `at` belongs to, if it begins at or after `resume` and holds.
    fn find(&self, text: &str, at: usize, resume: usize) -> Option<(usize, usize)> {
        let start = self.begin(text, at).filter(|start| *start >= resume)?;
        if !self.boundary.left(text.as_bytes(), start) {
            return None;
        }
        let length = self.pattern.find(text.get(start..)?)?.end();
        let end = start.checked_add(length)?;
        self.ending(text, start, end).map(|end| (start, end))
    }

    fn begin(&self, text: &str, at: usize) -> Option<usize> {
        let bytes = text.as_bytes();
        match self.start {
            Start::Digit => at.checked_sub(self.back),
            Start::AtSign => local_part(text, at),
            Start::Colon => hex_group(bytes, at),
            Start::Literal => {
                let rest = bytes.get(at..)?;
                self.literals.iter().any(|literal| rest.starts_with(literal.as_bytes())).then_some(at)
            }
        }
    }

    /// Where the candidate ends: at `end`, or, for a detector that shrinks, at the latest place that holds.
    fn ending(&self, text: &str, start: usize, end: usize) -> Option<usize> {
        let holds = |end: &usize| {
            let candidate =
                if self.boundary.right(text.as_bytes(), *end) { text.get(start..*end) } else { None };
            candidate.is_some_and(|candidate| self.check.is_none_or(|check| check(candidate)))
        };
        if self.shrink { (start..=end).rev().find(holds) } else { Some(end).filter(holds) }
    }
}

fn merge(mut hits: Vec<Hit<'_>>) -> Vec<Hit<'_>> {
    hits.sort_by_key(|hit| (hit.start, hit.end, hit.priority));
    let mut merged: Vec<(Hit<'_>, usize)> = Vec::with_capacity(hits.len());
    for hit in hits {
        let length = hit.end - hit.start;
        match merged.last_mut().filter(|(last, _)| hit.start < last.end) {
            None => merged.push((hit, length)),
            Some((last, longest)) => {
                last.end = last.end.max(hit.end);
                if length > *longest || (length == *longest && hit.priority < last.priority) {
                    (last.detector, last.priority, *longest) = (hit.detector, hit.priority, length);
                }
            }
        }
    }
    merged.into_iter().map(|(hit, _)| hit).collect()
}
