//! Whether documents take out less than others did: what must not happen by one person's will.
//!
//! Compared is what comes of them, the floor and the agent's document included. Whatever cannot be seen to be as strong
//! counts as weaker: a word that another word would find too, an allowed domain that was within another.

use super::compile::Sources;
use super::custom::Source;
use super::document::{Pattern, Term};
use super::explain::weakened;
use super::{Action, Document, Policy, PolicyError, TypeInfo, builtin_types};

/// The documents of a call.
#[derive(Debug, Clone, Copy, Default)]
pub struct Documents<'a> {
    pub org: Option<&'a Document>,
    pub tenant: Option<&'a Document>,
    pub agent: Option<&'a Document>,
}

const ANSWERING: &str = r#"{"v": 1, "answers": true}"#;

impl Document {
    /// Whether all that `before` lists is listed here by the same names.
    fn keeps_names(&self, before: &Self) -> bool {
        let (new, old) = (&self.raw, &before.raw);
        let all = |of: &Option<Vec<String>>, within: &Option<Vec<String>>| {
            of.iter().flatten().all(|word| within.iter().flatten().any(|other| other == word))
        };
        let term = |one: &Term| {
            let same = new.terms.iter().find(|other| other.id == one.id);
            same.is_some_and(|other| one.words.iter().all(|word| other.words.contains(word)))
        };
        let pattern = |one: &Pattern| {
            new.patterns.iter().any(|other| other.id == one.id && other.pattern == one.pattern)
        };
        old.terms.iter().all(term)
            && old.patterns.iter().all(pattern)
            && all(&old.people, &new.people)
            && all(&old.addresses, &new.addresses)
    }
}

struct Compiled<'a> {
    policy: Policy,
    sources: Sources<'a>,
}

impl<'a> Documents<'a> {
    /// Whether something that was taken out under `before` may stay under these, or live longer as a token.
    ///
    /// # Errors
    /// As [`Policy::compile`].
    pub fn is_weaker_than(self, before: Documents<'_>) -> Result<bool, PolicyError> {
        self.is_weaker_for(&builtin_types(), before)
    }

    /// The same for a tenant's document, under which agents have documents of their own that are not looked at here: it is weaker if
    /// it could be so under any of them. An agent's goes before the tenant's kind by kind, so that of it there matter whether answers
    /// are searched, and the names of entries, by which it hides the tenant's.
    ///
    /// # Errors
    /// As [`Policy::compile`].
    pub fn is_weaker_for_agents(self, before: Documents<'_>) -> Result<bool, PolicyError> {
        let answering = Document::parse(ANSWERING)?;
        let renamed = match (before.tenant, self.tenant) {
            (Some(before), Some(after)) => !after.keeps_names(before),
            (Some(_), None) => true,
            (None, _) => false,
        };
        Ok(renamed || self.is_weaker_than(before)? || {
            let before = Documents { agent: Some(&answering), ..before };
            Documents { agent: Some(&answering), ..self }.is_weaker_than(before)?
        })
    }

    /// [`Documents::is_weaker_than`] for any list of types.
    ///
    /// # Errors
    /// See there.
    pub fn is_weaker_for(self, types: &[TypeInfo<'_>], before: Documents<'_>) -> Result<bool, PolicyError> {
        let (old, new) = (before.compiled(types)?, self.compiled(types)?);
        let (tokens, most) = (new.policy.tokens(), old.policy.tokens());
        Ok(tokens.ttl_seconds > most.ttl_seconds
            || tokens.restores_per_minute > most.restores_per_minute
            || !old.policy.countries().is_subset(new.policy.countries())
            || !(0..types.len()).all(|index| new.keeps(index, &old, index))
            || !old.sources.iter().all(|(index, source)| new.finds(source, &old, *index)))
    }

    fn compiled(self, types: &[TypeInfo<'_>]) -> Result<Compiled<'a>, PolicyError> {
        let (policy, sources) = Policy::compile_with_sources(types, self.org, self.tenant, self.agent)?;
        Ok(Compiled { policy, sources })
    }
}

impl Compiled<'_> {
    /// Whether at least as much is done with a kind here as with that of `old`.
    fn keeps(&self, index: usize, old: &Compiled<'_>, old_index: usize) -> bool {
        let rules = (old.policy.rules().get(old_index), self.policy.rules().get(index));
        let (Some(before), Some(after)) = rules else { return false };
        let as_strong =
            weakened(before, after).is_none() && !self.policy.lets_more(index, &old.policy, old_index);
        before.action == Action::Allow || as_strong
    }

    /// Whether all that a source of `old` looks for is looked for here, with at least as much done.
    fn finds(&self, source: &Source<'_>, old: &Compiled<'_>, old_index: usize) -> bool {
        let kept = |covers: &dyn Fn(&Source<'_>) -> bool| {
            self.sources.iter().any(|(index, one)| covers(one) && self.keeps(*index, old, old_index))
        };
        match source {
            Source::Pattern(pattern) => kept(
                &|one| matches!(one, Source::Pattern(other) if other.regex.as_str() == pattern.regex.as_str()),
            ),
            Source::Words { words, whole, cased } => words.iter().all(|word| {
                kept(&|one| {
                    // A word that need not stand alone, or in any case, is found wherever the stricter one is.
                    matches!(one, Source::Words { words, whole: alone, cased: exact }
                        if words.contains(word) && (*whole || !alone) && (*cased || !exact))
                })
            }),
        }
    }
}
