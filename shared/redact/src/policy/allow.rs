//! Allow lists: values that may stay although they are found.
//!
//! A value is compared byte for byte. A domain is that of an e-mail address or URL, and applies to types of the groups
//! `contact` and `network` alone: in `postgres://user:password@example.com` the domain is no reason to let the password
//! through.

use super::TypeInfo;
use super::document::Allow;
use std::collections::{BTreeSet, HashSet};

/// Groups whose values have a domain.
const WITH_DOMAIN: [&str; 2] = ["contact", "network"];

/// One document's list, ready to be asked.
#[derive(Default)]
pub(crate) struct AllowList {
    values: HashSet<String>,
    domains: BTreeSet<String>,
    /// Kinds that it applies to, by index.
    kinds: Vec<Reach>,
}

#[derive(Clone, Copy)]
struct Reach {
    values: bool,
    domains: bool,
}

impl AllowList {
    /// `kinds` are those of the policy, in order.
    pub(crate) fn build<'a>(list: Option<&Allow>, kinds: impl Iterator<Item = TypeInfo<'a>>) -> Self {
        let Some(list) = list else { return Self::default() };
        let applies = |kind: TypeInfo<'_>| {
            let named = |names: &Vec<String>| names.iter().any(|name| name == kind.id || name == kind.group);
            let values = list.types.as_ref().is_none_or(named);
            Reach { values, domains: values && WITH_DOMAIN.contains(&kind.group) }
        };
        Self {
            values: list.values.iter().cloned().collect(),
            domains: list.domains.iter().cloned().collect(),
            kinds: kinds.map(applies).collect(),
        }
    }

    /// Whether an entry reaches the kind that no equal entry of `before` reached.
    pub(crate) fn lets_more(&self, kind: usize, before: &Self, old_kind: usize) -> bool {
        let off = Reach { values: false, domains: false };
        let reach = self.kinds.get(kind).copied().unwrap_or(off);
        let old = before.kinds.get(old_kind).copied().unwrap_or(off);
        let has_value = |value| old.values && before.values.contains(value);
        let has_domain = |domain| old.domains && before.domains.contains(domain);
        (reach.values && !self.values.iter().all(has_value))
            || (reach.domains && !self.domains.iter().all(has_domain))
    }

    pub(crate) fn has(&self, kind: usize, value: &str) -> bool {
        let Some(reach) = self.kinds.get(kind) else { return false };
        let by_value = reach.values && self.values.contains(value);
        by_value || (reach.domains && !self.domains.is_empty() && self.has_domain(value))
    }

    fn has_domain(&self, value: &str) -> bool {
        let Some(domain) = domain_of(value) else { return false };
        let mut below = domain.as_str();
        if self.domains.contains(below) {
            return true;
        }
        while let Some((_, above)) = below.split_once('.') {
            if self.domains.contains(&format!("*.{above}")) {
                return true;
            }
            below = above;
        }
        false
    }
}

/// The domain of an e-mail address, a URL without credentials, or a bare host name; in lower case.
fn domain_of(value: &str) -> Option<String> {
    let host = match value.split_once("://") {
        Some((_, rest)) => {
            let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
            if authority.contains('@') {
                return None;
            }
            authority.split_once(':').map_or(authority, |(host, _)| host)
        }
        None => value.rsplit_once('@').map_or(value, |(_, domain)| domain),
    };
    let domain = host.strip_suffix('.').unwrap_or(host).to_lowercase();
    is_domain(&domain).then_some(domain)
}

/// At least two labels of letters, digits and hyphens, perhaps behind `*.`.
pub(crate) fn is_domain(text: &str) -> bool {
    let name = text.strip_prefix("*.").unwrap_or(text);
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c == '-' || (c.is_alphanumeric() && !c.is_uppercase()))
    };
    name.len() <= 253 && name.contains('.') && name.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_are_those_of_the_whole_value() {
        for (value, domain) in [
            ("dana@example.com", Some("example.com")),
            ("Dana@EXAMPLE.com", Some("example.com")),
            ("https://example.com/a@b.c?x", Some("example.com")),
            ("https://example.com:8443", Some("example.com")),
            ("example.com.", Some("example.com")),
            ("https://user:secret@example.com/", None),
            ("https://example.com@evil.test/", None),
            ("https://evil.test\\@example.com/", Some("evil.test")),
            ("dana@localhost", None),
            ("", None),
            ("@", None),
            ("a b@exa mple.com", None),
        ] {
            assert_eq!(domain_of(value).as_deref(), domain, "{value}");
        }
    }

    #[test]
    fn a_domain_reaches_no_further_than_it_says() {
        let list = Allow { values: vec![], domains: vec!["a.test".into(), "*.b.test".into()], types: None };
        let kinds =
            [("email", "contact"), ("secret_url", "secret")].map(|(id, group)| TypeInfo { id, group });
        let list = AllowList::build(Some(&list), kinds.into_iter());
        for (value, allowed) in [
            ("x@a.test", true),
            ("x@sub.a.test", false),
            ("x@nota.test", false),
            ("x@b.test", false),
            ("x@sub.b.test", true),
            ("x@deep.sub.b.test", true),
            ("x@notb.test", false),
        ] {
            assert_eq!(list.has(0, value), allowed, "{value}");
            assert!(!list.has(1, value) && !list.has(9, value), "{value}");
        }
    }

    #[test]
    fn what_would_allow_a_whole_country_is_no_domain() {
        assert!(is_domain("example.com") && is_domain("*.example.co.uk") && is_domain("בנק.co.il"));
        for bad in
            ["com", "*.com", "*", "", "a..b", "-a.b", "Example.com", "exa mple.com", "*.*.com", "x@a.test"]
        {
            assert!(!is_domain(bad), "{bad}");
        }
    }
}
