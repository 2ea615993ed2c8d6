//! Items as plain values, and a reader that reports which field is wrong without quoting it.

use std::collections::BTreeMap;
use std::str::FromStr;

/// An attribute value, as DynamoDB has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attr {
    S(String),
    N(String),
    B(Vec<u8>),
    Bool(bool),
    M(Item),
    L(Vec<Attr>),
}

/// An item or a map inside one, by attribute name.
pub type Item = BTreeMap<String, Attr>;

impl Attr {
    pub fn text(value: impl ToString) -> Self {
        Self::S(value.to_string())
    }

    pub fn number(value: u64) -> Self {
        Self::N(value.to_string())
    }

    pub fn texts<T: ToString>(values: impl IntoIterator<Item = T>) -> Self {
        Self::L(values.into_iter().map(Self::text).collect())
    }
}

/// A row that cannot be read. Names the field, never its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    #[error("field `{0}` is missing")]
    Missing(&'static str),
    #[error("field `{0}` has the wrong type or form")]
    Form(&'static str),
    #[error("the row's version is not known here")]
    Version,
}

/// Every row carries its version under this name; readers accept it and the one before.
pub(crate) const VERSION_FIELD: &str = "v";
pub(crate) const VERSION: u64 = 1;

/// Starts an item of the version that this code writes.
pub(crate) fn item<const N: usize>(fields: [(&str, Attr); N]) -> Item {
    let version = (VERSION_FIELD, Attr::number(VERSION));
    fields.into_iter().chain([version]).map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Reads typed fields out of an item.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a>(&'a Item);

impl<'a> Reader<'a> {
    /// # Errors
    /// A version that is neither today's nor the one before.
    pub fn new(item: &'a Item) -> Result<Self, CodecError> {
        let reader = Self(item);
        if reader.number(VERSION_FIELD)? == VERSION { Ok(reader) } else { Err(CodecError::Version) }
    }

    /// A map inside an item carries no version of its own.
    pub(crate) fn part(item: &'a Item) -> Self {
        Self(item)
    }

    fn get(&self, field: &'static str) -> Result<&'a Attr, CodecError> {
        self.0.get(field).ok_or(CodecError::Missing(field))
    }

    pub(crate) fn str(&self, field: &'static str) -> Result<&'a str, CodecError> {
        match self.get(field)? {
            Attr::S(text) => Ok(text),
            _ => Err(CodecError::Form(field)),
        }
    }

    pub(crate) fn parse<T: FromStr>(&self, field: &'static str) -> Result<T, CodecError> {
        self.str(field)?.parse().map_err(|_| CodecError::Form(field))
    }

    pub(crate) fn optional<T: FromStr>(&self, field: &'static str) -> Result<Option<T>, CodecError> {
        if self.0.contains_key(field) { self.parse(field).map(Some) } else { Ok(None) }
    }

    pub(crate) fn number(&self, field: &'static str) -> Result<u64, CodecError> {
        match self.get(field)? {
            Attr::N(text) => text.parse().map_err(|_| CodecError::Form(field)),
            _ => Err(CodecError::Form(field)),
        }
    }

    pub(crate) fn number32(&self, field: &'static str) -> Result<u32, CodecError> {
        self.number(field)?.try_into().map_err(|_| CodecError::Form(field))
    }

    pub(crate) fn flag(&self, field: &'static str) -> Result<bool, CodecError> {
        match self.get(field)? {
            Attr::Bool(flag) => Ok(*flag),
            _ => Err(CodecError::Form(field)),
        }
    }

    pub(crate) fn bytes(&self, field: &'static str) -> Result<&'a [u8], CodecError> {
        match self.get(field)? {
            Attr::B(bytes) => Ok(bytes),
            _ => Err(CodecError::Form(field)),
        }
    }

    pub(crate) fn map(&self, field: &'static str) -> Result<&'a Item, CodecError> {
        match self.get(field)? {
            Attr::M(map) => Ok(map),
            _ => Err(CodecError::Form(field)),
        }
    }

    pub(crate) fn list(&self, field: &'static str) -> Result<&'a [Attr], CodecError> {
        match self.get(field)? {
            Attr::L(list) => Ok(list),
            _ => Err(CodecError::Form(field)),
        }
    }

    /// A list of texts, each parsed.
    pub(crate) fn texts<T: FromStr, C: FromIterator<T>>(&self, field: &'static str) -> Result<C, CodecError> {
        let text = |attr: &Attr| match attr {
            Attr::S(text) => text.parse().map_err(|_| CodecError::Form(field)),
            _ => Err(CodecError::Form(field)),
        };
        self.list(field)?.iter().map(text).collect()
    }

    /// A list of maps, each read.
    pub(crate) fn maps<T>(
        &self,
        field: &'static str,
        read: impl Fn(Reader<'a>) -> Result<T, CodecError>,
    ) -> Result<Vec<T>, CodecError> {
        let map = |attr: &'a Attr| match attr {
            Attr::M(map) => read(Reader::part(map)),
            _ => Err(CodecError::Form(field)),
        };
        self.list(field)?.iter().map(map).collect()
    }

    pub(crate) fn has(&self, field: &'static str) -> bool {
        self.0.contains_key(field)
    }
}
