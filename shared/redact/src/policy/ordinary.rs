//! A term or pattern that is found all over an ordinary text would take everything out: it is refused.

use super::PolicyError;
use super::custom::{Custom, CustomHit, Source};
use std::collections::BTreeMap;

/// Letters, code, logs and JSON in several languages, made up for this purpose, with numbers of every length.
const TEXT: &str = include_str!("../../data/ordinary.txt");
/// More findings than this in that text, or a larger share of its bytes, are too many.
const FINDINGS_MAX: usize = 20;
const SHARE_MAX: usize = 20;

/// What is wrong with each rule that finds too much, by its index.
pub(crate) fn too_greedy(rules: Vec<(usize, Source<'_>)>) -> Result<BTreeMap<usize, String>, PolicyError> {
    let mut hits = Vec::new();
    Custom::build(&[rules])?.find(TEXT, &mut hits);
    let mut found: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
    for CustomHit { start, end, rule_index } in hits {
        let (findings, bytes) = found.entry(rule_index).or_default();
        *findings += 1;
        *bytes += end.saturating_sub(start);
    }
    let greedy = found
        .into_iter()
        .filter(|(_, (findings, bytes))| *findings > FINDINGS_MAX || bytes * SHARE_MAX > TEXT.len());
    Ok(greedy.map(|(rule, (findings, bytes))| (rule, said(findings, bytes))).collect())
}

fn said(findings: usize, bytes: usize) -> String {
    format!(
        "found {findings} times in an ordinary text of {} bytes, {bytes} bytes in all: it would take out far more than is \
         meant. At most {FINDINGS_MAX} findings and 1 byte in {SHARE_MAX} pass: add what stands before or after it, or its \
         exact length",
        TEXT.len()
    )
}
