//! Short texts from closed sets: safe to log and to show, because nobody outside can put a value into them.

use std::fmt;
use std::str::FromStr;

use crate::id::text_serde;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A code of our own: 1 to 64 characters of `a-z 0-9 . _ -`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(String);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a code: use 1 to 64 characters of a-z, 0-9, '.', '_', '-'")]
pub struct CodeError;

impl Code {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A code written in our own source. A character that no code has becomes `_`, so the type stays true.
    pub fn literal(text: &'static str) -> Self {
        let mut code: String = text.chars().take(64).map(|c| if is_code_char(c) { c } else { '_' }).collect();
        if code.is_empty() {
            code.push('_');
        }
        Self(code)
    }
}

const fn is_code_char(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-')
}

impl FromStr for Code {
    type Err = CodeError;

    fn from_str(text: &str) -> Result<Self, CodeError> {
        let ok = (1..=64).contains(&text.len()) && text.chars().all(is_code_char);
        if ok { Ok(Self(text.to_owned())) } else { Err(CodeError) }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

text_serde!(Code);

/// The name of a configured thing, such as a model: 1 to 128 characters of `A-Z a-z 0-9 . _ : / @ -`.
/// Taken from the tenant's configuration, never from a request that did not match it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(String);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a name: use 1 to 128 characters of A-Z, a-z, 0-9, '.', '_', ':', '/', '@', '-'")]
pub struct NameError;

impl Name {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._:/@-".contains(&byte);
        let ok = (1..=128).contains(&text.len()) && text.bytes().all(allowed);
        if ok { Ok(Self(text.to_owned())) } else { Err(NameError) }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

text_serde!(Name);
