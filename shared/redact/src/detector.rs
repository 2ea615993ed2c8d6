//! Detectors as data: what a file says, and how it becomes something that can run.

use crate::boundary::Boundary;
use crate::check::{Check, by_name};
use crate::start::Start;
use core::fmt;
use regex::Regex;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::sync::LazyLock;

/// A set of detectors is told apart by the bits of a `u64`.
pub(crate) const MAX_DETECTORS: usize = 64;
/// Longest label, so that a placeholder has a longest length.
pub(crate) const MAX_LABEL: usize = 16;
/// Bytes that a compiled pattern may take.
const MAX_PATTERN_BYTES: usize = 4 << 20;

/// The files of this crate in order of priority: where two findings of one length overlap, the earlier detector
/// names the placeholder.
const BUILTIN: &[&str] = &[
    include_str!("../data/detectors/secrets.toml"),
    include_str!("../data/detectors/contact.toml"),
    include_str!("../data/detectors/payment.toml"),
    include_str!("../data/detectors/national.toml"),
    include_str!("../data/detectors/network.toml"),
];

/// Why a detector file was refused.
#[derive(Debug, thiserror::Error)]
pub enum DetectorError {
    /// Not TOML, or not the shape of a detector file.
    #[error("detector file cannot be read")]
    File(#[from] toml::de::Error),
    /// The pattern does not compile or is too large.
    #[error("detector `{id}`: the pattern is refused")]
    Pattern {
        /// Detector id.
        id: String,
        /// What the regex crate says.
        source: Box<regex::Error>,
    },
    /// A rule that a detector breaks.
    #[error("detector `{id}`: {rule}")]
    Rule {
        /// Detector id.
        id: String,
        /// The rule, as a sentence part.
        rule: &'static str,
    },
    /// More detectors than one set can hold.
    #[error("{count} detectors, at most {MAX_DETECTORS} fit one set")]
    TooMany {
        /// How many there were.
        count: usize,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    detector: Vec<Spec>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Spec {
    id: String,
    label: String,
    source: String,
    start: Start,
    #[serde(default)]
    literals: Vec<String>,
    #[serde(default)]
    back: usize,
    #[serde(default)]
    min_digits: usize,
    pattern: String,
    check: Option<String>,
    boundary: Boundary,
    #[serde(default)]
    shrink: bool,
    examples: Vec<Sample>,
    #[serde(rename = "not")]
    negatives: Vec<Sample>,
}

/// Text, whole or in fragments: an example secret in one piece would alarm every scanner of this repository.
#[derive(Deserialize)]
#[serde(untagged)]
enum Sample {
    Whole(String),
    Fragments(Vec<String>),
}

impl Sample {
    fn join(self) -> String {
        match self {
            Self::Whole(text) => text,
            Self::Fragments(parts) => parts.concat(),
        }
    }
}

/// One kind of datum and how to find it.
pub struct Detector {
    id: String,
    label: String,
    source: String,
    pub(crate) start: Start,
    pub(crate) literals: Vec<String>,
    pub(crate) back: usize,
    pub(crate) min_digits: usize,
    pub(crate) pattern: Regex,
    pub(crate) check: Option<Check>,
    pub(crate) boundary: Boundary,
    pub(crate) shrink: bool,
    examples: Vec<String>,
    negatives: Vec<String>,
}

impl Detector {
    /// Name in findings and audit records, such as `us_ssn`.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Name in placeholders, such as `SSN`; several detectors may share one.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Where the rule comes from.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Texts that are, each as a whole, a finding of this detector.
    pub fn examples(&self) -> &[String] {
        &self.examples
    }

    /// Texts in which this detector finds nothing.
    pub fn negatives(&self) -> &[String] {
        &self.negatives
    }

    fn compile(spec: Spec) -> Result<Self, DetectorError> {
        let check = spec.check.as_deref().map(by_name);
        if let Some(rule) = broken_rule(&spec, check == Some(None)) {
            return Err(DetectorError::Rule { id: spec.id, rule });
        }
        let anchored = format!("^(?:{})", spec.pattern);
        let pattern = regex::RegexBuilder::new(&anchored).size_limit(MAX_PATTERN_BYTES).build();
        let pattern = pattern
            .map_err(|source| DetectorError::Pattern { id: spec.id.clone(), source: Box::new(source) })?;
        Ok(Self {
            id: spec.id,
            label: spec.label,
            source: spec.source,
            start: spec.start,
            literals: spec.literals,
            back: spec.back,
            min_digits: spec.min_digits,
            pattern,
            check: check.flatten(),
            boundary: spec.boundary,
            shrink: spec.shrink,
            examples: spec.examples.into_iter().map(Sample::join).collect(),
            negatives: spec.negatives.into_iter().map(Sample::join).collect(),
        })
    }
}

fn broken_rule(spec: &Spec, unknown_check: bool) -> Option<&'static str> {
    let is_label = |byte: u8| byte.is_ascii_uppercase() || byte == b'_';
    let has_literals = !spec.literals.is_empty() && spec.literals.iter().all(|literal| !literal.is_empty());
    let rules = [
        (unknown_check, "no check has this name"),
        (spec.id.is_empty(), "the id is empty"),
        (!(1..=MAX_LABEL).contains(&spec.label.len()), "the label has 1 to 16 characters"),
        (!spec.label.bytes().all(is_label), "the label is upper case A to Z and underscores"),
        (spec.source.is_empty(), "the source is missing"),
        (spec.examples.is_empty() || spec.negatives.is_empty(), "an example of each kind is needed"),
        (
            has_literals != (spec.start == Start::Literal),
            "literals go with `start = \"literal\"`, and only there",
        ),
        (spec.shrink && spec.check.is_none(), "shrinking needs a check to say when to stop"),
    ];
    rules.iter().find(|(broken, _)| *broken).map(|(_, rule)| *rule)
}

impl fmt::Debug for Detector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Detector").field("id", &self.id).field("label", &self.label).finish_non_exhaustive()
    }
}

/// A set of detectors, ready to run. Immutable; share one.
#[derive(Debug)]
pub struct Detectors {
    pub(crate) list: Vec<Detector>,
    /// Byte → bits of the detectors that a text with this byte may concern at that place.
    pub(crate) triggers: [u64; 256],
}

impl Detectors {
    /// The set in this crate's `data/detectors`, compiled on first use.
    ///
    /// # Errors
    /// A broken data file. The tests of this crate show that there is none; a caller still refuses the request.
    pub fn builtin() -> Result<&'static Self, &'static DetectorError> {
        static SET: LazyLock<Result<Detectors, DetectorError>> = LazyLock::new(|| Detectors::parse(BUILTIN));
        SET.as_ref()
    }

    /// Compiles the detectors of TOML texts; their order is their priority.
    ///
    /// # Errors
    /// Names the detector and the rule that it breaks.
    pub fn parse(files: &[&str]) -> Result<Self, DetectorError> {
        let mut list = Vec::new();
        let mut ids = BTreeSet::new();
        for file in files {
            for spec in toml::from_str::<File>(file)?.detector {
                if !ids.insert(spec.id.clone()) {
                    return Err(DetectorError::Rule { id: spec.id, rule: "the id is taken" });
                }
                list.push(Detector::compile(spec)?);
            }
        }
        if list.len() > MAX_DETECTORS {
            return Err(DetectorError::TooMany { count: list.len() });
        }
        let triggers = triggers(&list);
        Ok(Self { list, triggers })
    }

    /// The detectors in order of priority.
    pub fn iter(&self) -> impl Iterator<Item = &Detector> {
        self.list.iter()
    }
}

fn triggers(list: &[Detector]) -> [u64; 256] {
    let mut table = [0_u64; 256];
    for (index, detector) in list.iter().enumerate() {
        for byte in trigger_bytes(detector) {
            if let Some(bits) = table.get_mut(usize::from(byte)) {
                *bits |= 1 << index;
            }
        }
    }
    table
}

fn trigger_bytes(detector: &Detector) -> Vec<u8> {
    match detector.start {
        Start::Digit => (b'0'..=b'9').collect(),
        Start::AtSign => vec![b'@'],
        Start::Colon => vec![b':'],
        Start::Literal => detector.literals.iter().filter_map(|literal| literal.bytes().next()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
        [[detector]]
        id = "x"
        label = "X"
        source = "here"
        start = "literal"
        literals = ["x-"]
        pattern = "x-[0-9]+"
        boundary = "word"
        examples = ["x-1"]
        not = ["x-"]
    "#;

    fn refusal(from: &str, to: &str) -> String {
        Detectors::parse(&[&GOOD.replace(from, to)]).unwrap_err().to_string()
    }

    #[test]
    fn a_broken_file_is_refused_by_name() {
        assert!(Detectors::parse(&[GOOD]).is_ok());
        assert_eq!(refusal("[0-9]+", "[0-9"), "detector `x`: the pattern is refused");
        assert_eq!(refusal("[0-9]+", r"\\w{5000}"), "detector `x`: the pattern is refused");
        assert_eq!(refusal("boundary", "check = \"no\"\nboundary"), "detector `x`: no check has this name");
        assert_eq!(
            refusal("\"X\"", "\"x]\""),
            "detector `x`: the label is upper case A to Z and underscores"
        );
        assert_eq!(refusal("[\"x-1\"]", "[]"), "detector `x`: an example of each kind is needed");
        assert_eq!(refusal("\"here\"", "\"\""), "detector `x`: the source is missing");
        assert_eq!(refusal("source", "sauce"), "detector file cannot be read");
        assert_eq!(
            refusal("literals = [\"x-\"]", ""),
            "detector `x`: literals go with `start = \"literal\"`, and only there"
        );
    }

    #[test]
    fn ids_are_single_and_few() {
        assert_eq!(Detectors::parse(&[GOOD, GOOD]).unwrap_err().to_string(), "detector `x`: the id is taken");
        let many = (0..65).map(|n| GOOD.replace("id = \"x\"", &format!("id = \"x{n}\""))).collect::<Vec<_>>();
        let many = many.iter().map(String::as_str).collect::<Vec<_>>();
        assert!(matches!(Detectors::parse(&many), Err(DetectorError::TooMany { count: 65 })));
    }
}
