//! Recipients of mail: the domain of each, or nothing where two programs could send to two places.

use std::fmt;

use serde::Deserialize;
use serde_json::Value;

/// The longest name (RFC 1035, section 2.3.4), in its shortest form.
const MAX_BYTES: usize = 253;

/// A domain in the one form that it is looked up by: A-labels (RFC 5890), lower case, no dot at its end.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Domain(String);

impl Domain {
    /// What Unicode would first have to map (full-width letters, other dots) is refused: a mail program may not map it.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.strip_suffix('.').unwrap_or(text);
        if text.len() > MAX_BYTES {
            return None;
        }
        let ascii = idna::domain_to_ascii_strict(text).ok()?;
        let itself = if text.is_ascii() {
            text.eq_ignore_ascii_case(&ascii)
        } else {
            idna::domain_to_unicode(&ascii).0 == text.to_lowercase()
        };
        (itself && ascii.contains('.')).then_some(Self(ascii))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A domain, or with `*.` whatever is below it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct DomainPattern {
    below: bool,
    domain: Domain,
}

impl DomainPattern {
    /// The domain itself is not below itself.
    pub fn has(&self, domain: &Domain) -> bool {
        if !self.below {
            return self.domain == *domain;
        }
        domain.0.strip_suffix(&self.domain.0).is_some_and(|rest| rest.ends_with('.'))
    }

    /// Whether it surely has whatever `other` has.
    pub fn covers(&self, other: &Self) -> bool {
        self == other || self.has(&other.domain)
    }
}

impl TryFrom<String> for DomainPattern {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let (below, domain) = text.strip_prefix("*.").map_or((false, &*text), |rest| (true, rest));
        let domain = Domain::parse(domain).ok_or("use a domain, such as acme.com or *.acme.com")?;
        Ok(Self { below, domain })
    }
}

impl fmt::Display for DomainPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.below { "*." } else { "" }, self.domain.as_str())
    }
}

/// The domains of an address or of a list of them. `null` is nobody.
pub(super) fn domains(value: &Value) -> Option<Vec<Domain>> {
    match value {
        Value::Null => Some(Vec::new()),
        Value::String(address) => Some(vec![domain_of(address)?]),
        Value::Array(list) => list.iter().map(|one| domain_of(one.as_str()?)).collect(),
        _ => None,
    }
}

/// Nothing but `name@domain`: no display name, no quotes, no comments, no list, no route (`a%b.com@c.com`, `b.com!a@c.com`).
fn domain_of(address: &str) -> Option<Domain> {
    let (local, domain) = address.split_once('@')?;
    let atom = |byte: u8| byte.is_ascii_alphanumeric() || b"._+-'".contains(&byte);
    let plain = (1..=64).contains(&local.len()) && local.bytes().all(atom);
    let dots = local.starts_with('.') || local.ends_with('.') || local.contains("..");
    if plain && !dots { Domain::parse(domain) } else { None }
}
