//! Where a tenant's data lives. A tenant lives in exactly one region.

use std::fmt;
use std::str::FromStr;

use crate::id::text_serde;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Region {
    Il,
    Eu,
    Us,
}

/// A text that names no region of Countersign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a region: use il, eu or us")]
pub struct RegionError;

impl Region {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Il => "il",
            Self::Eu => "eu",
            Self::Us => "us",
        }
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Region {
    type Err = RegionError;

    fn from_str(text: &str) -> Result<Self, RegionError> {
        [Self::Il, Self::Eu, Self::Us].into_iter().find(|region| region.as_str() == text).ok_or(RegionError)
    }
}

text_serde!(Region);
