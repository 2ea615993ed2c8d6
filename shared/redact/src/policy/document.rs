//! The document as an administrator writes it, and how it becomes something that was checked.

use super::error::shown;
use super::{Action, Direction, PolicyError, TypeInfo, builtin_types, validate};
use core::fmt;
use regex::Regex;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde_path_to_error::Segment;
use std::collections::BTreeMap;

/// The longest text of a document: a row of DynamoDB has room for it many times over.
pub(crate) const MAX_BYTES: usize = 64 << 10;

/// A document that was read and found whole. Shows nothing of itself but counts.
pub struct Document {
    pub(crate) raw: Raw,
    /// The patterns, compiled, in the order of `raw.patterns`.
    pub(crate) regexes: Vec<Compiled>,
}

/// A pattern of a document, ready to run.
#[derive(Clone)]
pub(crate) struct Compiled {
    pub(crate) regex: Regex,
    /// The most bytes that one match has.
    pub(crate) longest: usize,
}

/// The document's own form. What was not said is `None` or empty.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Raw {
    pub(crate) v: u64,
    pub(crate) countries: Option<Vec<String>>,
    #[serde(default, deserialize_with = "unique")]
    pub(crate) types: BTreeMap<String, TypeRule>,
    #[serde(default)]
    pub(crate) terms: Vec<Term>,
    #[serde(default)]
    pub(crate) patterns: Vec<Pattern>,
    pub(crate) allow: Option<Allow>,
    pub(crate) people: Option<Vec<String>>,
    pub(crate) addresses: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) tokens: Tokens,
    pub(crate) answers: Option<bool>,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(deny_unknown_fields)]
pub(crate) struct TypeRule {
    pub(crate) action: Action,
    pub(crate) direction: Option<Direction>,
    pub(crate) threshold: Option<f32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Term {
    pub(crate) id: String,
    pub(crate) label: Option<String>,
    pub(crate) words: Vec<String>,
    pub(crate) action: Action,
    pub(crate) direction: Option<Direction>,
    #[serde(default = "yes")]
    pub(crate) whole_word: bool,
    #[serde(default)]
    pub(crate) case_sensitive: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pattern {
    pub(crate) id: String,
    pub(crate) label: Option<String>,
    pub(crate) pattern: String,
    pub(crate) action: Action,
    pub(crate) direction: Option<Direction>,
    pub(crate) examples: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Allow {
    #[serde(default)]
    pub(crate) values: Vec<String>,
    #[serde(default)]
    pub(crate) domains: Vec<String>,
    pub(crate) types: Option<Vec<String>>,
}

#[derive(Deserialize, Default, Clone, Copy)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tokens {
    pub(crate) ttl_seconds: Option<u32>,
    pub(crate) restores_per_minute: Option<u32>,
}

const fn yes() -> bool {
    true
}

/// A map in which every key stands once. Of two rules for one type the reader would silently take the last.
fn unique<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, TypeRule>, D::Error> {
    struct Unique;

    impl<'de> Visitor<'de> for Unique {
        type Value = BTreeMap<String, TypeRule>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object of types")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut types = BTreeMap::new();
            while let Some(name) = map.next_key::<String>()? {
                let rule = map.next_value()?;
                let said = format!("`{}` stands twice", shown(&name));
                if types.insert(name, rule).is_some() {
                    return Err(A::Error::custom(said));
                }
            }
            Ok(types)
        }
    }
    deserializer.deserialize_map(Unique)
}

impl Document {
    /// Reads and checks a document against the built-in types.
    ///
    /// # Errors
    /// Every fault with its field. JSON that does not have the form of a document has one: the first.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        Self::parse_for(text, &builtin_types())
    }

    /// [`Document::parse`] against any list of types.
    ///
    /// # Errors
    /// See there.
    pub fn parse_for(text: &str, types: &[TypeInfo<'_>]) -> Result<Self, PolicyError> {
        if text.len() > MAX_BYTES {
            let what = format!(
                "the document has {} bytes and may have {MAX_BYTES}: long lists of people belong into the directory",
                text.len()
            );
            return Err(PolicyError::one(".", what));
        }
        let raw = read(text)?;
        let regexes = validate::check(&raw, types)?;
        Ok(Self { raw, regexes })
    }
}

fn read(text: &str) -> Result<Raw, PolicyError> {
    let mut json = serde_json::Deserializer::from_str(text);
    let raw = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = path(error.path().iter());
        PolicyError::one(path, said(error.inner()))
    })?;
    json.end().map_err(|error| PolicyError::one(".", said(&error)))?;
    Ok(raw)
}

fn path<'a>(segments: impl Iterator<Item = &'a Segment>) -> String {
    let mut path = String::new();
    for segment in segments {
        let dot = if path.is_empty() { "" } else { "." };
        path += &match segment {
            Segment::Seq { index } => format!("[{index}]"),
            Segment::Map { key } => format!("{dot}{}", shown(key)),
            Segment::Enum { variant } => format!("{dot}{}", shown(variant)),
            Segment::Unknown => format!("{dot}?"),
        };
    }
    if path.is_empty() { ".".to_owned() } else { path }
}

/// What serde says, without the document's own values. It quotes them in front of `, expected`, and nowhere else.
fn said(error: &serde_json::Error) -> String {
    let place = format!(" at line {} column {}", error.line(), error.column());
    let full = error.to_string();
    let message = full.strip_suffix(&place).unwrap_or(&full);
    let kinds = ["unknown field", "unknown variant", "invalid type", "invalid value", "invalid length"];
    let kind = kinds.into_iter().find(|kind| message.starts_with(kind));
    let safe = match (kind, message.rsplit_once(", expected ")) {
        (None, _) => message.to_owned(),
        (Some("unknown variant"), Some((_, expected))) => format!("unknown word: use {expected}"),
        (Some(kind), Some((_, expected))) => format!("{kind}: expected {expected}"),
        (Some(kind), None) => kind.to_owned(),
    };
    format!("{safe} (line {}, column {})", error.line(), error.column())
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document")
            .field("types", &self.raw.types.len())
            .field("terms", &self.raw.terms.len())
            .field("patterns", &self.raw.patterns.len())
            .finish_non_exhaustive()
    }
}
