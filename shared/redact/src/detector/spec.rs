//! What a detector file says, as it is read.

use serde::Deserialize;

use super::{Country, Group};
use crate::boundary::Boundary;
use crate::find::Finder;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    /// Numbers and short codes, by masks.
    #[serde(default)]
    pub(super) detector: Vec<Masked>,
    /// Texts with a telling literal, by regular expression.
    #[serde(default)]
    pub(super) pattern: Vec<Patterned>,
    /// What needs code of its own.
    #[serde(default)]
    pub(super) finder: Vec<Found>,
}

/// What every row says.
#[derive(Deserialize)]
pub(super) struct About {
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
    pub(super) examples: Vec<Sample>,
    #[serde(rename = "not")]
    pub(super) negatives: Vec<Sample>,
}

#[derive(Deserialize)]
pub(super) struct Masked {
    #[serde(flatten)]
    pub(super) about: About,
    pub(super) forms: Vec<String>,
    #[serde(default)]
    pub(super) strong: Vec<String>,
}

#[derive(Deserialize)]
pub(super) struct Patterned {
    #[serde(flatten)]
    pub(super) about: About,
    #[serde(default)]
    pub(super) literals: Vec<String>,
    /// Literals that are looked for in the whole text, and not before a sign of assignment alone: few, and rare in prose.
    #[serde(default)]
    pub(super) anywhere: Vec<String>,
    #[serde(default)]
    pub(super) start: Option<Start>,
    pub(super) pattern: String,
    pub(super) boundary: Boundary,
    #[serde(default)]
    pub(super) min_run: usize,
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

#[derive(Deserialize)]
pub(super) struct Found {
    #[serde(flatten)]
    pub(super) about: About,
    pub(super) finder: Finder,
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
