//! Where this function meets `redact`: the policy of a call, and what it does with a text.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::ActionId;
use redact::{
    Direction, Exempt, Findings, Form, Links, NewToken, Nonce, RedactError, Redacted, TokenLimits, Vault,
};
use serde_json::Value;

/// A finding, in bytes of the text.
#[derive(Debug, Clone)]
pub struct Found<'p> {
    pub start: usize,
    pub end: usize,
    /// The type, such as `email`.
    pub kind: &'p str,
    pub group: &'p str,
    /// From 0 to 1.
    pub score: f32,
    pub action: &'static str,
}

/// Fresh random bytes of one redaction.
#[derive(Clone, Copy)]
pub struct Draw {
    pub nonce: [u8; 5],
    pub tokens: [u8; 32],
}

/// What a redaction came to.
#[derive(Debug)]
pub struct Done {
    pub body: Redacted<Value>,
    pub tokens: Vec<NewToken>,
    /// `email`, or `card.mask` where the action is not to redact.
    pub counts: BTreeMap<String, u64>,
}

/// Why there is no redacted text.
#[derive(Debug, PartialEq, Eq)]
pub enum NotDone {
    TooDeep,
    /// The policy says so: names of types, and how often what was found.
    Blocked {
        types: Vec<String>,
        counts: BTreeMap<String, u64>,
    },
    Failed(String),
}

/// What is done with what is found.
#[derive(Debug)]
pub struct Policy(Arc<redact::Policy>);

impl From<Arc<redact::Policy>> for Policy {
    fn from(policy: Arc<redact::Policy>) -> Self {
        Self(policy)
    }
}

impl Policy {
    pub fn tokens(&self) -> TokenLimits {
        self.0.tokens()
    }

    /// `field` is the name of the JSON field that holds the text.
    pub fn detect(&self, text: &str, field: Option<&str>) -> Vec<Found<'_>> {
        let found = |hit: redact::Hit| Found {
            start: hit.start,
            end: hit.end,
            kind: self.0.id(hit.kind),
            group: self.0.group(hit.kind),
            score: hit.score,
            action: hit.action.as_str(),
        };
        self.0.detect(text, field, Direction::Request).into_iter().map(found).collect()
    }

    /// # Errors
    /// See [`NotDone`].
    pub fn redact(
        &self,
        action_id: ActionId,
        draw: Draw,
        keyed: &dyn Fn(&str) -> String,
        body: Value,
    ) -> Result<Done, NotDone> {
        let draw = redact::Draw { nonce: Nonce::from_bytes(draw.nonce), tokens: draw.tokens };
        let done = redact::redact_json(&self.0, action_id, draw, keyed, body, &Exempt::default());
        let done = done.map_err(|error| match error {
            RedactError::TooDeep => NotDone::TooDeep,
            RedactError::Blocked { types, findings } => NotDone::Blocked { types, counts: counts(&findings) },
            other => NotDone::Failed(other.to_string()),
        })?;
        Ok(Done { body: done.body, tokens: done.tokens, counts: counts(&done.findings) })
    }
}

fn counts(findings: &Findings) -> BTreeMap<String, u64> {
    findings.iter().map(|(id, count)| (id.to_owned(), count)).collect()
}

/// Tokens and what they stand for, of one restoring.
#[derive(Debug, Default)]
pub struct Values(Vault);

impl FromIterator<(String, String)> for Values {
    fn from_iter<T: IntoIterator<Item = (String, String)>>(pairs: T) -> Self {
        Self(Vault::of_tokens(pairs))
    }
}

impl Values {
    /// A text with its tokens put back, as far as it does not outgrow `left` bytes, which it takes: a text can repeat the
    /// token of a long value without end.
    pub fn restored(&self, text: &str, form: Form, links: Links, left: &mut usize) -> String {
        let mut restorer = self.0.restorer(form, links).with_limit(*left);
        let mut whole = restorer.push(text);
        whole.push_str(&restorer.finish());
        *left = left.saturating_sub(whole.len());
        whole
    }
}
