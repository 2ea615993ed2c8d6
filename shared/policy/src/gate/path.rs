//! Paths of what an action touches, and the patterns that protect some of them.

use std::fmt;

use serde::Deserialize;
use serde_json::Value;

use crate::gate_names::glob;

const MAX_BYTES: usize = 1024;

/// A path in one form: in lower case, without a slash at either end.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Plain(String);

impl Plain {
    /// Or none where two programs could find two things: `..`, `.`, `//`, percent-encoding, backslashes, queries, wildcards,
    /// spaces and dots at the end of a name, anything that is not ASCII.
    pub fn parse(text: &str) -> Option<Self> {
        normal(text, false).map(Self)
    }

    /// The paths of a text or of a list of them.
    pub fn all(value: &Value) -> Option<Vec<Self>> {
        match value {
            Value::String(text) => Some(vec![Self::parse(text)?]),
            Value::Array(list) if !list.is_empty() => {
                list.iter().map(|one| Self::parse(one.as_str()?)).collect()
            }
            _ => None,
        }
    }
}

fn normal(text: &str, wild: bool) -> Option<String> {
    let text = text.to_ascii_lowercase();
    let (scheme, path) = text.split_once("://").map_or((None, &*text), |(scheme, rest)| (Some(scheme), rest));
    let path = if scheme.is_some() { path } else { path.strip_prefix('/').unwrap_or(path) };
    let path = path.strip_suffix('/').unwrap_or(path);
    let fits = text.len() <= MAX_BYTES && path.split('/').all(|name| is_plain(name, wild));
    let Some(scheme) = scheme else { return fits.then(|| path.to_owned()) };
    // A port or a user would make another text of the same host.
    let host = path.split('/').next().unwrap_or_default();
    let known = !scheme.is_empty() && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (fits && known && !host.contains([':', '@'])).then(|| format!("{scheme}://{path}"))
}

fn is_plain(name: &str, wild: bool) -> bool {
    let usual = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:@+=, ".contains(&byte);
    let ends = name.is_empty() || name.starts_with(' ') || name.ends_with([' ', '.', ':']);
    !ends && name.bytes().all(|byte| usual(byte) || (wild && byte == b'*'))
}

/// A path, with `*` for anything, slashes too.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct PathPattern(String);

impl PathPattern {
    /// Whether the path is one of these, lies within one, or lies above one: whoever deletes `prod` deletes `prod/db`, and with
    /// `tenants/acme` what `tenants/*/billing` protects.
    pub fn covers(&self, Plain(path): &Plain) -> bool {
        self.lies_within(path) || glob(&self.0, path) || glob(&format!("{}/*", self.0), path)
    }

    /// Whether the path is the beginning of one of these, name by name: there a `*` stands in one name.
    fn lies_within(&self, path: &str) -> bool {
        let names = self.0.split('/').zip(path.split('/'));
        let alike = names.take_while(|(name, above)| glob(name, above)).count();
        alike == path.split('/').count() && alike < self.0.split('/').count()
    }
}

impl TryFrom<String> for PathPattern {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let plain = normal(&text, true).map(Self);
        plain.ok_or("use a plain path in ASCII, with `*` for anything, such as prod/* or s3://bucket/*")
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
