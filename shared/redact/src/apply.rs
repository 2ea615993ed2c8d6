//! What happens to a finding: the one place where an action becomes text.

use core::fmt;
use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest as _, Sha256};

use crate::findings::Findings;
use crate::hits::Hit;
use crate::placeholder::{MAX_LEN, Nonce, bracketed, placeholder, token};
use crate::policy::{Action, Policy};
use crate::redact::{Draw, RedactError};
use crate::steps::{Stage, count as step, halvings};
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
    /// Label → number of its latest placeholder.
    numbers: BTreeMap<String, u32>,
    /// (label, original) → what stands for it.
    known: BTreeMap<(String, String), String>,
    /// What stands for a value → the value.
    originals: BTreeMap<String, String>,
    findings: Findings,
    tokens: Vec<NewToken>,
    blocked: BTreeSet<String>,
}

impl<'p> Applied<'p> {
    pub(crate) fn new(policy: &'p Policy, draw: Draw, keyed: &'p dyn Fn(&str) -> String) -> Self {
        Self {
            policy,
            nonce: draw.nonce,
            seed: draw.tokens,
            keyed,
            numbers: BTreeMap::new(),
            known: BTreeMap::new(),
            originals: BTreeMap::new(),
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
        let (numbers, nonce, originals) = (&mut self.numbers, &self.nonce, &mut self.originals);
        let known = self.known.entry((label.to_owned(), original)).or_insert_with_key(|(_, original)| {
            let number = numbers.entry(label.to_owned()).or_insert(0);
            *number = number.saturating_add(1);
            let placeholder = placeholder(label, *number, nonce);
            originals.insert(placeholder.clone(), original.clone());
            placeholder
        });
        out.push_str(known);
    }

    fn tokenize(&mut self, id: &str, label: &str, original: &str, out: &mut String) {
        let original = self.expanded(original);
        let (seed, tokens, originals) = (&self.seed, &mut self.tokens, &mut self.originals);
        let known = self.known.entry((label.to_owned(), original)).or_insert_with_key(|(_, original)| {
            let token = token(label, bits(seed, tokens.len()));
            originals.insert(token.clone(), original.clone());
            let (original, kind) = (original.clone(), id.to_owned());
            tokens.push(NewToken { token: token.clone(), original, kind });
            token
        });
        out.push_str(known);
    }

    /// A finding may lie around values that an earlier round took out. What is kept for it is the text the caller
    /// wrote: an answer is restored once, and a token outlives the placeholders of its request.
    fn expanded(&self, original: &str) -> String {
        // And a search by halves of what is known.
        step(Stage::Settling, original.len().saturating_add(halvings(self.known.len())));
        let mut whole = String::with_capacity(original.len());
        let mut rest = original;
        while let Some(start) = rest.find('[') {
            let (before, from) = rest.split_at(start);
            step(Stage::Settling, halvings(self.originals.len()));
            let known = bracketed(from, 0, MAX_LEN).and_then(|text| self.originals.get_key_value(text));
            let (read, value) = known.map_or(("[", "["), |(stand_in, value)| (stand_in, value));
            whole.push_str(before);
            whole.push_str(value);
            rest = from.get(read.len()..).unwrap_or_default();
        }
        whole.push_str(rest);
        whole
    }

    pub(crate) fn finish(self) -> Result<(Vault, Findings, Vec<NewToken>), RedactError> {
        if !self.blocked.is_empty() {
            let types = self.blocked.into_iter().collect();
            return Err(RedactError::Blocked { types, findings: self.findings });
        }
        Ok((Vault::new(self.originals.into_iter()), self.findings, self.tokens))
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
