//! What is done with what is found: documents that administrators write, and the compiled [`Policy`] that the engine asks.
//!
//! ```text
//! floor (organization) ──┐
//! tenant's document ─────┼─▶ Policy { a Rule per kind, Custom, allow lists, countries, token limits }
//! agent's document ──────┘
//! ```
//!
//! # What wins
//! - Within a document the most specific name of a type: its id, then its group, then `*`.
//! - The agent's document over the tenant's, key by key: types by name, terms and patterns by id, token limits by field;
//!   every other key as a whole.
//! - The floor over both. Whatever it says above `allow` is the least that happens: the action is at least its action, the
//!   threshold at most its threshold, the directions include its directions. Its terms, patterns, people and addresses
//!   are always searched for, and its allow list is the only one that reaches a type that it covers.
//!
//! A rule has one action. Where the floor wants `redact` in requests and a tenant `block` in answers, both directions
//! `block`: more than either says, never less.
//!
//! # What is refused
//! A document is checked when it is written and again when it is read; [`PolicyError`] names every faulty field. Terms are
//! found by Aho-Corasick, patterns by the linear-time `regex` crate with a longest match and limits of size.

mod allow;
mod builtin;
mod cache;
mod compare;
mod compile;
mod country;
mod custom;
mod document;
mod error;
mod explain;
mod ordinary;
mod pattern;
mod resolve;
#[cfg(test)]
mod tests;
mod validate;
mod word;

use serde::Deserialize;

pub use builtin::builtin_types;
pub use cache::{Policies, Texts};
pub use compare::Documents;
pub use compile::{CustomKind, Policy, TokenLimits};
pub use custom::{Custom, CustomHit};
pub use document::Document;
pub use error::{PolicyError, Problem};
pub use explain::{Explained, Weaker};

/// A type of the engine, as the policy needs it: `id` such as `il_id`, `group` one of [`GROUPS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TypeInfo<'a> {
    pub id: &'a str,
    pub group: &'a str,
}

/// The groups of types. A document may name each of them, whether or not a type of it exists yet.
pub const GROUPS: [&str; 11] = [
    "business", "contact", "date", "finance", "health", "national", "network", "person", "secret", "tax",
    "travel",
];

/// Names of `people` that a document lists, and of `addresses`: kinds of their own, which `types` may name.
pub(crate) const KNOWN_PERSON: &str = "known_person";
pub(crate) const KNOWN_ADDRESS: &str = "known_address";

/// The group of terms and patterns: `allow.types` may name it, `types` may not, since each has an action of its own.
pub(crate) const CUSTOM: &str = "custom";

/// What is done with a finding, from the weakest to the strongest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Nothing, and it is not looked for.
    Allow,
    /// It stays as it is, and is counted.
    Alert,
    /// Its last four characters stay. Not restored.
    Mask,
    /// A random token that outlives the request, for the same agent and conversation.
    Tokenize,
    /// A keyed digest. Not restored.
    Hash,
    /// A placeholder that lives for one request.
    Redact,
    /// The call is refused.
    Block,
}

impl Action {
    pub const ALL: [Self; 7] =
        [Self::Allow, Self::Alert, Self::Mask, Self::Tokenize, Self::Hash, Self::Redact, Self::Block];

    /// The word in documents and records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Alert => "alert",
            Self::Mask => "mask",
            Self::Tokenize => "tokenize",
            Self::Hash => "hash",
            Self::Redact => "redact",
            Self::Block => "block",
        }
    }
}

/// Where a type is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// What goes to the model.
    Request,
    /// What the model says of its own.
    Answer,
    Both,
}

impl Direction {
    pub(crate) const fn has_request(self) -> bool {
        !matches!(self, Self::Answer)
    }

    pub(crate) const fn has_answer(self) -> bool {
        !matches!(self, Self::Request)
    }
}

/// What is done with one kind. With `Action::Allow` both directions are off.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rule {
    pub action: Action,
    /// The least score that counts, 0.05 to 0.99.
    pub threshold: f32,
    pub in_request: bool,
    pub in_answer: bool,
}
