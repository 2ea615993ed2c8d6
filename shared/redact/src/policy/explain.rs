//! What a policy comes to, for people: a line per kind, and what a change makes weaker. Names and counts, no values.

use super::document::{Document, Raw};
use super::resolve::{Kind, Layers};
use super::{Action, Policy, PolicyError, Rule, TypeInfo};
use std::collections::BTreeSet;

/// What is done with one kind, and whose word it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Explained {
    pub id: String,
    pub group: String,
    pub rule: Rule,
    /// Such as `default`, `tenant types.contact` or `agent types.email and floor types.*`.
    pub origin: String,
}

impl Explained {
    /// The floor's lists and a tenant's have one name for findings, and are told apart by whose they are.
    fn is_same_kind(&self, other: &Self) -> bool {
        let of_floor = |one: &Self| one.id.starts_with("known_") && one.origin.starts_with("floor ");
        self.id == other.id && of_floor(self) == of_floor(other)
    }
}

/// One way in which less is taken out than before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Weaker {
    /// A kind, or a key of the document.
    pub what: String,
    pub change: String,
}

impl Weaker {
    fn new(what: impl Into<String>, change: impl Into<String>) -> Self {
        Self { what: what.into(), change: change.into() }
    }
}

impl Rule {
    /// Where it is looked for: `request`, `answer`, `both` or `-`.
    pub const fn directions(&self) -> &'static str {
        match (self.in_request, self.in_answer) {
            (true, true) => "both",
            (true, false) => "request",
            (false, true) => "answer",
            (false, false) => "-",
        }
    }
}

impl Policy {
    /// A line per kind, in the order of [`Policy::rules`].
    ///
    /// # Errors
    /// As [`Policy::compile_for`].
    pub fn explain_for(
        types: &[TypeInfo<'_>],
        org: Option<&Document>,
        tenant: Option<&Document>,
        agent: Option<&Document>,
    ) -> Result<Vec<Explained>, PolicyError> {
        let policy = Self::compile_for(types, org, tenant, agent)?;
        let [floor, own, over] = [org, tenant, agent].map(|one| one.map(|document| &document.raw));
        let layers = Layers::new(floor, own, over);
        let of_type = |one: &TypeInfo<'_>| {
            let resolved = layers.resolve(&Kind::detector(one.id, one.group), false);
            let (id, group) = (one.id.to_owned(), one.group.to_owned());
            Explained { id, group, rule: resolved.rule, origin: resolved.origin }
        };
        let rules = policy.rules().iter().skip(types.len());
        let custom = policy.kinds().iter().zip(rules).map(|(kind, rule)| Explained {
            id: kind.id.clone(),
            group: kind.group.to_owned(),
            rule: *rule,
            origin: kind.origin.clone(),
        });
        Ok(types.iter().map(of_type).chain(custom).collect())
    }

    /// What is weaker after a change. `before` and `after` are lines of [`Policy::explain_for`].
    pub fn weaker(before: &[Explained], after: &[Explained]) -> Vec<Weaker> {
        let mut weaker = Vec::new();
        for old in before {
            let new = after.iter().find(|new| new.is_same_kind(old));
            match new {
                Some(new) => {
                    weaker.extend(weakened(&old.rule, &new.rule).map(|change| Weaker::new(&old.id, change)))
                }
                None => weaker.push(Weaker::new(&old.id, "no longer looked for")),
            }
        }
        weaker
    }
}

pub(crate) fn weakened(old: &Rule, new: &Rule) -> Option<String> {
    if old.action == Action::Allow {
        return None;
    }
    let mut said = Vec::new();
    if new.action < old.action {
        said.push(format!("{} -> {}", old.action.as_str(), new.action.as_str()));
    }
    if new.action > Action::Allow && new.threshold > old.threshold {
        said.push(format!("threshold {} -> {}", old.threshold, new.threshold));
    }
    let narrower = (old.in_request && !new.in_request) || (old.in_answer && !new.in_answer);
    if new.action > Action::Allow && narrower {
        said.push(format!("{} -> {}", old.directions(), new.directions()));
    }
    (!said.is_empty()).then(|| said.join(", "))
}

impl Document {
    /// What this document no longer looks for, or newly lets through, as counts. Nothing where there was none before.
    pub fn weaker_lists(&self, before: Option<&Self>) -> Vec<Weaker> {
        let Some(before) = before else { return Vec::new() };
        let (old, new) = (&before.raw, &self.raw);
        let gone = |key: &str, list: fn(&Raw) -> BTreeSet<&str>| {
            let count = list(old).difference(&list(new)).count();
            (count > 0).then(|| Weaker::new(key, format!("{count} no longer looked for")))
        };
        let come = |key: &str, list: fn(&Raw) -> BTreeSet<&str>| {
            let count = list(new).difference(&list(old)).count();
            (count > 0).then(|| Weaker::new(key, format!("{count} newly let through")))
        };
        let lists = [
            gone("words of terms", |raw| {
                raw.terms.iter().flat_map(|term| &term.words).map(String::as_str).collect()
            }),
            gone("patterns", |raw| raw.patterns.iter().map(|one| one.pattern.as_str()).collect()),
            gone("people", |raw| set(raw.people.as_ref())),
            gone("addresses", |raw| set(raw.addresses.as_ref())),
            gone("countries", |raw| set(raw.countries.as_ref())),
            come("allow.values", |raw| set(raw.allow.as_ref().map(|allow| &allow.values))),
            come("allow.domains", |raw| set(raw.allow.as_ref().map(|allow| &allow.domains))),
        ];
        lists.into_iter().flatten().chain(wider_allow(old, new)).collect()
    }

    /// How many of everything: what records and people are told of a document.
    pub fn counts(&self) -> [(&'static str, usize); 8] {
        let raw = &self.raw;
        let allow = raw.allow.as_ref();
        let len = |list: Option<&Vec<String>>| list.map_or(0, Vec::len);
        [
            ("types", raw.types.len()),
            ("terms", raw.terms.len()),
            ("patterns", raw.patterns.len()),
            ("allow_values", len(allow.map(|allow| &allow.values))),
            ("allow_domains", len(allow.map(|allow| &allow.domains))),
            ("people", len(raw.people.as_ref())),
            ("addresses", len(raw.addresses.as_ref())),
            ("countries", len(raw.countries.as_ref())),
        ]
    }
}

fn set(list: Option<&Vec<String>>) -> BTreeSet<&str> {
    list.into_iter().flatten().map(String::as_str).collect()
}

/// An allow list that was limited to some types, and reaches others now.
fn wider_allow(old: &Raw, new: &Raw) -> Option<Weaker> {
    let (old, new) = (old.allow.as_ref()?, new.allow.as_ref()?);
    let before = set(Some(old.types.as_ref()?));
    let wider = new.types.as_ref().is_none_or(|types| !set(Some(types)).is_subset(&before));
    wider.then(|| Weaker::new("allow.types", "the list reaches more types"))
}
