//! What happens to a finding: the one place where an action becomes text.

use core::fmt;
use core::hash::{BuildHasher, Hasher as _};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::DefaultHasher;

use sha2::{Digest as _, Sha256};

use crate::context::Same;
use crate::findings::Findings;
use crate::hits::Hit;
use crate::placeholder::{MAX_LEN, Nonce, bracketed, placeholder, token};
use crate::policy::{Action, Policy};
use crate::redact::{Draw, RedactError};
use crate::steps::{Stage, count as step};
use crate::vault::Vault;

/// Label of what only looked like a placeholder.
const ESCAPED: &str = "TEXT";
/// How much of a masked value stays, and how long it must be for that.
const SHOWN: usize = 4;
const LEAST_SHOWN_OF: usize = 9;

/// A cross-request token that now stands for a value.
#[derive(Clone, PartialEq, Eq)]
pub struct NewToken {
    /// As it stands in the body.
    pub token: String,
    /// What it stands for.
    pub original: String,
    /// The type, such as `email`.
    pub kind: String,
}

/// Holds a personal value.
impl fmt::Debug for NewToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewToken").field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// What was done to one body so far.
pub(crate) struct Applied<'p> {
    policy: &'p Policy,
    nonce: Nonce,
    seed: [u8; 32],
    keyed: &'p dyn Fn(&str) -> String,
    /// Label → its position among labels, and the number of its latest placeholder.
    labels: BTreeMap<String, (usize, u32)>,
    stands: Vec<Stand>,
    /// Hash of a label and a value → what stands for it; of two with one hash the later has the next number.
    known: HashMap<u64, usize, Same>,
    /// What stands for a value → its place, as far as anybody has asked.
    places: HashMap<String, usize, Keyed>,
    keyed_hash: Keyed,
    findings: Findings,
    tokens: Vec<NewToken>,
    blocked: BTreeSet<String>,
}

/// What stands for a value.
struct Stand {
    label: usize,
    stand_in: String,
    original: String,
}

/// Hashes that whoever wrote the request cannot foresee.
#[derive(Clone)]
struct Keyed(DefaultHasher);

impl Keyed {
    fn new(seed: &[u8; 32]) -> Self {
        let mut hasher = DefaultHasher::new();
        hasher.write(seed);
        Self(hasher)
    }
}

impl BuildHasher for Keyed {
    type Hasher = DefaultHasher;

    fn build_hasher(&self) -> DefaultHasher {
        self.0.clone()
    }
}

impl<'p> Applied<'p> {
    pub(crate) fn new(policy: &'p Policy, draw: Draw, keyed: &'p dyn Fn(&str) -> String) -> Self {
        Self {
            policy,
            nonce: draw.nonce,
            seed: draw.tokens,
            keyed,
            labels: BTreeMap::new(),
            stands: Vec::new(),
            known: HashMap::default(),
            places: HashMap::with_hasher(Keyed::new(&draw.tokens)),
            keyed_hash: Keyed::new(&draw.tokens),
            findings: Findings::default(),
            tokens: Vec::new(),
            blocked: BTreeSet::new(),
        }
    }

    /// Appends to `out` what stands for a finding.
    pub(crate) fn apply(&mut self, hit: &Hit, original: &str, out: &mut String) {
        let (policy, kind) = (self.policy, hit.kind);
        let (id, label) = (policy.id(kind), policy.label(kind));
        self.findings.count(id, hit.action);
        match hit.action {
            Action::Allow | Action::Alert => out.push_str(original),
            // Of a secret nothing may be shown.
            Action::Mask if policy.group(kind) == "secret" => out.push_str(&masked(original, 0)),
            Action::Mask => out.push_str(&masked(original, SHOWN)),
            Action::Hash => {
                let digest = (self.keyed)(&format!("{id}:{}", self.expanded(original)));
                out.push_str(&format!("[{label}_H_{digest}]"));
            }
            Action::Tokenize => self.tokenize(id, label, original, out),
            Action::Redact => self.placeholder(label, original, out),
            Action::Block => {
                self.blocked.insert(id.to_owned());
            }
        }
    }

    /// Appends what stands for text that looked like a placeholder.
    pub(crate) fn escape(&mut self, original: &str, out: &mut String) {
        self.placeholder(ESCAPED, original, out);
    }

    fn placeholder(&mut self, label: &str, original: &str, out: &mut String) {
        let original = self.expanded(original);
        let place = self.place(label, &original).unwrap_or_else(|slot| {
            let number = self.labels.get_mut(label).map_or(1, |(_, number)| {
                *number = number.saturating_add(1);
                *number
            });
            self.keep(slot, original.into_owned(), placeholder(label, number, &self.nonce))
        });
        self.push(place, out);
    }

    fn tokenize(&mut self, id: &str, label: &str, original: &str, out: &mut String) {
        let original = self.expanded(original);
        let place = self.place(label, &original).unwrap_or_else(|slot| {
            let (original, kind) = (original.into_owned(), id.to_owned());
            let token = token(label, bits(&self.seed, self.tokens.len()));
            self.tokens.push(NewToken { token: token.clone(), original: original.clone(), kind });
            self.keep(slot, original, token)
        });
        self.push(place, out);
    }

    /// The place of what stands for a value already, or the label and the free hash that it gets.
    fn place(&mut self, label: &str, original: &str) -> Result<usize, (usize, u64)> {
        let label = self.label(label);
        let mut hash = self.keyed_hash.hash_one((label, original));
        loop {
            step(Stage::Settling, 1);
            let Some(place) = self.known.get(&hash) else { return Err((label, hash)) };
            let is_it = |stand: &&Stand| stand.label == label && stand.original == original;
            if self.stands.get(*place).filter(is_it).is_some() {
                return Ok(*place);
            }
            hash = hash.wrapping_add(1);
        }
    }

    /// The position of a label among those that have appeared.
    fn label(&mut self, label: &str) -> usize {
        if let Some((position, _)) = self.labels.get(label) {
            return *position;
        }
        let position = self.labels.len();
        self.labels.insert(label.to_owned(), (position, 0));
        position
    }

    fn keep(&mut self, (label, hash): (usize, u64), original: String, stand_in: String) -> usize {
        let place = self.stands.len();
        self.known.insert(hash, place);
        self.stands.push(Stand { label, stand_in, original });
        place
    }

    fn push(&self, place: usize, out: &mut String) {
        out.push_str(self.stands.get(place).map_or("", |stand| &stand.stand_in));
    }

    /// A finding may lie around values that an earlier round took out. What is kept for it is the text the caller
    /// wrote: an answer is restored once, and a token outlives the placeholders of its request.
    fn expanded<'t>(&mut self, original: &'t str) -> Cow<'t, str> {
        step(Stage::Settling, original.len());
        if !original.as_bytes().contains(&b'[') {
            return Cow::Borrowed(original);
        }
        for (place, stand) in self.stands.iter().enumerate().skip(self.places.len()) {
            self.places.insert(stand.stand_in.clone(), place);
        }
        let mut whole = String::with_capacity(original.len());
        let mut rest = original;
        while let Some(start) = rest.find('[') {
            let (before, from) = rest.split_at(start);
            step(Stage::Settling, 1);
            let place = bracketed(from, 0, MAX_LEN).and_then(|text| self.places.get(text));
            let known = place.and_then(|place| self.stands.get(*place));
            let (read, value) =
                known.map_or(("[", "["), |known| (known.stand_in.as_str(), known.original.as_str()));
            whole.push_str(before);
            whole.push_str(value);
            rest = from.get(read.len()..).unwrap_or_default();
        }
        whole.push_str(rest);
        Cow::Owned(whole)
    }

    pub(crate) fn finish(self) -> Result<(Vault, Findings, Vec<NewToken>), RedactError> {
        if !self.blocked.is_empty() {
            let types = self.blocked.into_iter().collect();
            return Err(RedactError::Blocked { types, findings: self.findings });
        }
        let pairs = self.stands.into_iter().map(|stand| (stand.stand_in, stand.original));
        Ok((Vault::new(pairs), self.findings, self.tokens))
    }
}

/// The random bits of the `count`th token of a request: nobody without the seed can tell them from any others.
fn bits(seed: &[u8; 32], count: usize) -> u128 {
    let mut hash = Sha256::new();
    hash.update(b"countersign token");
    hash.update(seed);
    hash.update((count as u64).to_be_bytes());
    hash.finalize().iter().take(16).fold(0, |bits, byte| bits << 8 | u128::from(*byte))
}

/// `**** **** **** 1111`: letters and digits hidden but for the last ones, of short values all of them.
fn masked(original: &str, shown: usize) -> String {
    let length = original.chars().filter(|c| c.is_alphanumeric()).count();
    let mut hidden = if length < LEAST_SHOWN_OF { length } else { length.saturating_sub(shown) };
    let mask = |c: char| {
        if !c.is_alphanumeric() {
            return c;
        }
        let hides = hidden > 0;
        hidden = hidden.saturating_sub(1);
        if hides { '*' } else { c }
    };
    original.chars().map(mask).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_keeps_the_last_four_of_long_values() {
        assert_eq!(masked("4111 1111 1111 1234", SHOWN), "**** **** **** 1234");
        assert_eq!(masked("12345678", SHOWN), "********");
        assert_eq!(masked("dana@example.com", SHOWN), "****@******e.com");
        assert_eq!(masked("ישראל ישראלי", SHOWN), "***** **ראלי");
        assert_eq!(masked("hunter2-Xy7qW", 0), "*******-*****");
    }
}
