//! What is wrong with a document: where, and what to do. Keys and limits are named, values never.

use std::fmt;

/// One fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// A JSON pointer (RFC 6901) into the document; the empty one is the document itself.
    pub at: String,
    pub hint: String,
}

/// A document that is refused, with what is wrong with it, in its order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faults(Vec<Fault>);

impl Faults {
    pub fn as_slice(&self) -> &[Fault] {
        &self.0
    }

    pub(super) fn one(at: impl Into<String>, hint: impl Into<String>) -> Self {
        Self(vec![Fault { at: at.into(), hint: hint.into() }])
    }

    pub(super) fn add(&mut self, at: impl Into<String>, hint: impl Into<String>) {
        self.0.push(Fault { at: at.into(), hint: hint.into() });
    }

    pub(super) fn unless(&mut self, holds: bool, at: impl Into<String>, hint: &str) {
        if !holds {
            self.add(at, hint);
        }
    }

    /// What was read, or none with its fault kept.
    pub(super) fn keep<T>(&mut self, read: Result<T, Fault>) -> Option<T> {
        read.map_err(|fault| self.0.push(fault)).ok()
    }

    pub(super) fn end(self) -> Result<(), Self> {
        if self.0.is_empty() { Ok(()) } else { Err(self) }
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, fault) in self.0.iter().enumerate() {
            let end = if n == 0 { "" } else { "\n" };
            write!(f, "{end}`{}`: {}", fault.at, fault.hint)?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}

/// A key or a word of a document, if it looks like one: a value in its place is not shown.
pub(super) fn shown(key: &str) -> &str {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    let fits = (1..=64).contains(&key.len()) && key.bytes().all(plain);
    if fits { key } else { "?" }
}
