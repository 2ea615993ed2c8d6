//! From documents to a policy that the engine asks. Same documents, same policy.

use super::allow::AllowList;
use super::custom::{Custom, Source};
use super::document::{Document, Raw};
use super::resolve::{Kind, Layer, Layers, normal};
use super::{Action, CUSTOM, KNOWN_ADDRESS, KNOWN_PERSON, PolicyError, Rule, TypeInfo, builtin_types};
use crate::detector::Country;
use crate::names::EntityModel;
use core::fmt;
use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

const DAY_SECONDS: u32 = 86_400;
const RESTORES_PER_MINUTE: u32 = 60;

/// How long tokens live, and how often in a minute one gateway key may have them restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenLimits {
    pub ttl_seconds: u32,
    pub restores_per_minute: u32,
}

/// A kind that documents make: their terms, patterns, people and addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomKind {
    /// Name in findings: `known_person`, `known_address`, `custom.<id>`, or `org.<id>` where the floor says it.
    pub id: String,
    /// Name in placeholders.
    pub label: String,
    pub(crate) group: &'static str,
    pub(crate) origin: String,
}

/// What kinds of documents look for, by the index of their rule.
pub(crate) type Sources<'d> = Vec<(usize, Source<'d>)>;

/// What is done with what is found: compiled, immutable, and the same for the same documents.
pub struct Policy {
    rules: Vec<Rule>,
    /// Kinds that the floor covers: only its own allow list reaches them.
    covered: Vec<bool>,
    kinds: Vec<CustomKind>,
    custom: Custom,
    own_allow: AllowList,
    floor_allow: AllowList,
    countries: BTreeSet<String>,
    /// The same, as the engine compares them.
    homes: Vec<Country>,
    tokens: TokenLimits,
    model: Option<Arc<dyn EntityModel>>,
}

impl Policy {
    /// What holds where nobody wrote a document: identifiers and secrets are redacted in requests.
    pub fn standard() -> Arc<Self> {
        static STANDARD: LazyLock<Arc<Policy>> =
            LazyLock::new(|| Arc::new(Policy::bare(&builtin_types(), &Layers::new(None, None, None))));
        Arc::clone(&STANDARD)
    }

    /// The policy of a call: the organization's floor, the tenant's document and the agent's.
    ///
    /// # Errors
    /// None for documents that [`Document::parse`] gave; kept, so that a search that cannot be built refuses the call.
    pub fn compile(
        org: Option<&Document>,
        tenant: Option<&Document>,
        agent: Option<&Document>,
    ) -> Result<Self, PolicyError> {
        Self::compile_for(&builtin_types(), org, tenant, agent)
    }

    /// [`Policy::compile`] for any list of types, the one that the documents were checked against. Rules stand in its order.
    ///
    /// # Errors
    /// See there.
    pub fn compile_for(
        types: &[TypeInfo<'_>],
        org: Option<&Document>,
        tenant: Option<&Document>,
        agent: Option<&Document>,
    ) -> Result<Self, PolicyError> {
        Self::compile_with_sources(types, org, tenant, agent).map(|(policy, _)| policy)
    }

    /// The policy, and what each of its kinds looks for.
    pub(crate) fn compile_with_sources<'d>(
        types: &[TypeInfo<'_>],
        org: Option<&'d Document>,
        tenant: Option<&'d Document>,
        agent: Option<&'d Document>,
    ) -> Result<(Self, Sources<'d>), PolicyError> {
        let [floor, own, over] = [org, tenant, agent].map(|one| one.map(|document| &document.raw));
        let layers = Layers::new(floor, own, over);
        let mut policy = Self::bare(types, &layers);
        let documents = [
            (org, Whose::Floor, Hidden::default()),
            (agent, Whose::Own(Layer::Agent), Hidden::default()),
            (tenant, Whose::Own(Layer::Tenant), Hidden::by(agent)),
        ];
        let mut sources = Vec::new();
        for (document, whose, hidden) in &documents {
            sources.extend(document.map(|document| policy.add_document(&layers, *whose, document, hidden)));
        }
        policy.custom = Custom::build(&sources)?;
        policy.add_allow(types, &layers);
        Ok((policy, sources.into_iter().flatten().collect()))
    }

    /// Rules of types, countries and limits: what needs no search.
    fn bare(types: &[TypeInfo<'_>], layers: &Layers<'_>) -> Self {
        let resolved = types.iter().map(|one| layers.resolve(&Kind::detector(one.id, one.group), false));
        let (rules, covered) = resolved.map(|one| (one.rule, one.covered)).unzip();
        let floor = layers.floor.and_then(|floor| floor.countries.as_ref());
        let own = layers.own(|raw| raw.countries.as_ref());
        let countries: BTreeSet<String> = floor.into_iter().chain(own).flatten().cloned().collect();
        Self {
            homes: countries.iter().filter_map(|code| code.parse().ok()).collect(),
            rules,
            covered,
            kinds: Vec::new(),
            custom: Custom::default(),
            own_allow: AllowList::default(),
            floor_allow: AllowList::default(),
            countries,
            tokens: token_limits(layers),
            model: None,
        }
    }

    /// Gives every list, term and pattern of a document a kind of its own; what does nothing is left out.
    fn add_document<'d>(
        &mut self,
        layers: &Layers<'_>,
        whose: Whose,
        document: &'d Document,
        hidden: &Hidden<'_>,
    ) -> Vec<(usize, Source<'d>)> {
        let raw = &document.raw;
        let (people, addresses) = (Kind::known_person(), Kind::known_address());
        let lists = [
            ("people", KNOWN_PERSON, "PERSON", &raw.people, people, hidden.people),
            ("addresses", KNOWN_ADDRESS, "ADDRESS", &raw.addresses, addresses, hidden.addresses),
        ];
        let mut sources = Vec::new();
        for (key, id, label, list, kind, is_hidden) in lists {
            let words = list.as_deref().filter(|words| !words.is_empty() && !is_hidden);
            let Some(words) = words else { continue };
            let resolved = layers.resolve(&kind, whose == Whose::Floor);
            let origin = format!("{} {key} ({})", whose.as_str(), resolved.origin);
            let made = CustomKind { id: id.to_owned(), label: label.to_owned(), group: "person", origin };
            let at = self.add(made, resolved.rule, resolved.covered);
            sources.extend(at.map(|at| (at, Source::words(words, true, false))));
        }
        let answers = whose.answers(layers);
        for term in raw.terms.iter().filter(|term| !hidden.ids.contains(term.id.as_str())) {
            let kind = whose.kind("terms", &term.id, term.label.as_deref().unwrap_or("TERM"));
            let rule = normal(term.action, term.direction, None, answers);
            let at = self.add(kind, rule, whose == Whose::Floor);
            sources
                .extend(at.map(|at| (at, Source::words(&term.words, term.whole_word, term.case_sensitive))));
        }
        let compiled = raw.patterns.iter().zip(&document.regexes);
        for (one, compiled) in compiled.filter(|(one, _)| !hidden.ids.contains(one.id.as_str())) {
            let kind = whose.kind("patterns", &one.id, one.label.as_deref().unwrap_or("PATTERN"));
            let rule = normal(one.action, one.direction, None, answers);
            let at = self.add(kind, rule, whose == Whose::Floor);
            sources.extend(at.map(|at| (at, Source::Pattern(compiled))));
        }
        sources
    }

    /// The index of the new kind; none if nothing is done with it.
    fn add(&mut self, kind: CustomKind, rule: Rule, covered: bool) -> Option<usize> {
        if rule.action == Action::Allow {
            return None;
        }
        self.rules.push(rule);
        self.covered.push(covered);
        self.kinds.push(kind);
        Some(self.rules.len() - 1)
    }

    fn add_allow(&mut self, types: &[TypeInfo<'_>], layers: &Layers<'_>) {
        let custom = self.kinds.iter().map(|kind| TypeInfo { id: &kind.id, group: kind.group });
        let kinds: Vec<_> = types.iter().copied().chain(custom).collect();
        let floor = layers.floor.and_then(|floor| floor.allow.as_ref());
        let own = layers.own(|raw| raw.allow.as_ref());
        let (floor, own) =
            (AllowList::build(floor, kinds.iter().copied()), AllowList::build(own, kinds.iter().copied()));
        (self.floor_allow, self.own_allow) = (floor, own);
    }

    /// A rule per kind: first the types in the order that was given to [`Policy::compile_for`], then [`Policy::kinds`].
    /// Where findings of several kinds overlap, the one with the stronger action must be kept, and whole: otherwise a
    /// tenant's term with `alert` could stand before what the floor redacts.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Kinds that documents made: the last ones of [`Policy::rules`], in the same order.
    pub fn kinds(&self) -> &[CustomKind] {
        &self.kinds
    }

    /// What documents look for by themselves; hits name rules of [`Policy::rules`].
    pub const fn custom(&self) -> &Custom {
        &self.custom
    }

    /// Whether an allow list lets a finding of the kind with this index stay. The tenant's and the agent's lists do not
    /// reach kinds that the floor covers.
    pub fn is_allowed(&self, kind_index: usize, value: &str) -> bool {
        let covered = self.covered.get(kind_index).copied().unwrap_or(true);
        self.floor_allow.has(kind_index, value) || (!covered && self.own_allow.has(kind_index, value))
    }

    /// Whether an allow list lets a value of the kind stay that stayed for no list of `before`, under whose index it was
    /// looked for there. Lists are compared by their entries: one that was said in another way counts as new.
    pub(crate) fn lets_more(&self, kind_index: usize, before: &Self, old_index: usize) -> bool {
        let is_covered = |policy: &Self, index: usize| policy.covered.get(index).copied().unwrap_or(true);
        let nothing = AllowList::default();
        let old_own = if is_covered(before, old_index) { &nothing } else { &before.own_allow };
        self.floor_allow.lets_more(kind_index, &before.floor_allow, old_index)
            || (!is_covered(self, kind_index) && self.own_allow.lets_more(kind_index, old_own, old_index))
    }

    /// Countries whose numbers are likely, ISO 3166-1 alpha-2.
    pub const fn countries(&self) -> &BTreeSet<String> {
        &self.countries
    }

    pub(crate) fn homes(&self) -> &[Country] {
        &self.homes
    }

    /// The same policy, with answers searched for everything that is looked for at all.
    #[must_use]
    pub fn with_answers(mut self) -> Self {
        self.rules.iter_mut().for_each(|rule| rule.in_answer |= rule.action > Action::Allow);
        self
    }

    /// The same policy with a model that looks for names beside the rules, wherever names are looked for at all.
    #[must_use]
    pub fn with_model(mut self, model: Arc<dyn EntityModel>) -> Self {
        self.model = Some(model);
        self
    }

    pub(crate) fn model(&self) -> Option<&dyn EntityModel> {
        self.model.as_deref()
    }

    pub const fn tokens(&self) -> TokenLimits {
        self.tokens
    }

    /// Whether anything is looked for in answers.
    pub fn searches_answers(&self) -> bool {
        self.rules.iter().any(|rule| rule.in_answer)
    }
}

/// What an agent's document has in place of the tenant's.
#[derive(Default)]
struct Hidden<'a> {
    people: bool,
    addresses: bool,
    /// Of terms and patterns.
    ids: BTreeSet<&'a str>,
}

impl<'a> Hidden<'a> {
    fn by(agent: Option<&'a Document>) -> Self {
        let Some(Document { raw, .. }) = agent else { return Self::default() };
        let terms = raw.terms.iter().map(|term| term.id.as_str());
        let ids = terms.chain(raw.patterns.iter().map(|one| one.id.as_str())).collect();
        Self { people: raw.people.is_some(), addresses: raw.addresses.is_some(), ids }
    }
}

/// Whose document.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Whose {
    Floor,
    Own(Layer),
}

impl Whose {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Floor => "floor",
            Self::Own(layer) => layer.as_str(),
        }
    }

    fn answers(self, layers: &Layers<'_>) -> Option<bool> {
        if self == Self::Floor { layers.floor_answers() } else { layers.own_answers() }
    }

    fn kind(self, key: &str, id: &str, label: &str) -> CustomKind {
        let space = if self == Self::Floor { "org" } else { "custom" };
        let origin = format!("{} {key}", self.as_str());
        CustomKind { id: format!("{space}.{id}"), label: label.to_owned(), group: CUSTOM, origin }
    }
}

fn token_limits(layers: &Layers<'_>) -> TokenLimits {
    let limit = |default: u32, field: fn(&Raw) -> Option<u32>| {
        let own = layers.own(field).unwrap_or(default);
        layers.floor.and_then(field).map_or(own, |most| own.min(most))
    };
    TokenLimits {
        ttl_seconds: limit(DAY_SECONDS, |raw| raw.tokens.ttl_seconds),
        restores_per_minute: limit(RESTORES_PER_MINUTE, |raw| raw.tokens.restores_per_minute),
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policy")
            .field("rules", &self.rules.len())
            .field("kinds", &self.kinds.len())
            .field("custom", &self.custom)
            .finish_non_exhaustive()
    }
}
