//! What a detector file says, as it is read.

use core::fmt;

use serde::de::{IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::{Country, Group};
use crate::boundary::Boundary;
use crate::find::Finder;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    /// Numbers and short codes, by masks.
    #[serde(default)]
    pub(super) detector: Vec<Row>,
    /// Texts with a telling literal, by regular expression.
    #[serde(default)]
    pub(super) pattern: Vec<Row>,
    /// What needs code of its own.
    #[serde(default)]
    pub(super) finder: Vec<Row>,
}

/// A row of any kind. One flat shape for all: nested ones would be read into memory first and then once more.
#[derive(Deserialize)]
pub(super) struct Row {
    pub(super) id: String,
    pub(super) label: String,
    pub(super) group: Group,
    #[serde(default)]
    pub(super) country: Option<Country>,
    pub(super) source: String,
    #[serde(default)]
    pub(super) check: Option<String>,
    #[serde(default)]
    pub(super) pass: Option<f32>,
    #[serde(default)]
    pub(super) prior: Option<f32>,
    #[serde(default)]
    pub(super) home: Option<f32>,
    #[serde(default)]
    pub(super) context: Vec<String>,
    pub(super) examples: Count,
    #[serde(rename = "not")]
    pub(super) negatives: Count,
    /// Of masks.
    #[serde(default)]
    pub(super) forms: Vec<String>,
    #[serde(default)]
    pub(super) strong: Vec<String>,
    /// Of patterns.
    #[serde(default)]
    pub(super) literals: Vec<String>,
    /// Literals that are looked for in the whole text, and not before a sign of assignment alone: few, and rare in prose.
    #[serde(default)]
    pub(super) anywhere: Vec<String>,
    #[serde(default)]
    pub(super) start: Option<Start>,
    #[serde(default)]
    pub(super) pattern: Option<String>,
    #[serde(default)]
    pub(super) boundary: Option<Boundary>,
    #[serde(default)]
    pub(super) min_run: usize,
    /// Of what needs code.
    #[serde(default)]
    pub(super) finder: Option<Finder>,
}

/// How many items a list has; they are not kept.
pub(super) struct Count(pub(super) usize);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Counting)
    }
}

struct Counting;

impl<'de> Visitor<'de> for Counting {
    type Value = Count;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Count, A::Error> {
        let mut count = 0_usize;
        while items.next_element::<IgnoredAny>()?.is_some() {
            count = count.saturating_add(1);
        }
        Ok(Count(count))
    }
}

/// The same file again, for its examples alone.
#[derive(Deserialize)]
pub(super) struct SampleFile {
    #[serde(default)]
    detector: Vec<SampleRow>,
    #[serde(default)]
    pattern: Vec<SampleRow>,
    #[serde(default)]
    finder: Vec<SampleRow>,
}

impl SampleFile {
    pub(super) fn rows(self) -> impl Iterator<Item = SampleRow> {
        self.detector.into_iter().chain(self.pattern).chain(self.finder)
    }
}

#[derive(Deserialize)]
pub(super) struct SampleRow {
    pub(super) id: String,
    pub(super) examples: Vec<Sample>,
    #[serde(rename = "not")]
    pub(super) negatives: Vec<Sample>,
}

/// Where a pattern without literals is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Start {
    /// A run of 26 or more letters and digits that begins with `1` or `3`.
    Base58,
    /// Two hexadecimal digits before a colon or a dash.
    HexPair,
}

/// Text, whole or in fragments: an example secret in one piece would alarm every scanner of this repository.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Sample {
    Whole(String),
    Fragments(Vec<String>),
}

impl Sample {
    pub(super) fn join(self) -> String {
        match self {
            Self::Whole(text) => text,
            Self::Fragments(parts) => parts.concat(),
        }
    }
}
