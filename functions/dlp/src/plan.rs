//! What an authorized call comes to: found, redacted, or tokens to be put back. Pure; a part of the decision, split off so
//! that [`crate::decide`] reads as one page.

use std::collections::{BTreeMap, BTreeSet};

use caller::tokens::Holder;
use caller::{Keys, Person};
use domain::{ActionId, Metadata, Reason, Timestamp};
use policy::Permit;
use redact::{Links, NewToken};
use serde_json::{Map, Value, json};

use crate::batch::{Batch, Shape, field};
use crate::decide::Moment;
use crate::engine::{Done, Draw, NotDone, Policy};
use crate::findings;
use crate::records::{Known, Writer};
use crate::response::Refused;
use crate::tokens;

/// What every answer says of its findings.
pub const NOTE: &str = "Detected types only: this is no guarantee that nothing else is there.";

/// More values than this become no tokens of one request: each is a row.
const MAX_NEW_TOKENS: usize = 250;

/// An allowed call, up to its effects.
#[derive(Debug)]
pub struct Plan {
    pub permit: Permit,
    pub writer: Writer,
    pub known: Known,
    pub metadata: Metadata,
    pub work: Work,
}

/// What is to be done.
pub enum Work {
    /// Nothing is written and nothing opened: this is the answer.
    Tell(Value),
    /// The answer leaves once what its tokens stand for is kept.
    Keep { answer: Value, keeping: Keeping },
    /// Tokens are put back.
    Restore(Asked),
}

/// What is kept before its answer leaves.
#[derive(Debug)]
pub struct Keeping {
    pub tokens: Vec<NewToken>,
    /// Whose key it is sealed under, if the call is for somebody.
    pub person: Option<Person>,
    pub holder: Holder,
    pub expires_at: Timestamp,
}

/// What is asked to be put back.
pub struct Asked {
    pub shape: Shape,
    pub contents: Vec<Value>,
    /// Every different token of the contents.
    pub tokens: BTreeSet<String>,
    pub holder: Holder,
    /// Tokens a minute.
    pub limit: u64,
    pub links: Links,
}

/// Shows nothing of the contents.
impl std::fmt::Debug for Asked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Asked").field("tokens", &self.tokens.len()).finish_non_exhaustive()
    }
}

/// Shows nothing of any content.
impl std::fmt::Debug for Work {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Tell(_) => "Tell",
            Self::Keep { .. } => "Keep",
            Self::Restore(_) => "Restore",
        })
    }
}

/// Where a batch holds what.
pub fn detect(policy: &Policy, batch: &Batch, known: &mut Known) -> Work {
    let mut counts = BTreeMap::new();
    let each =
        batch.shape.forms().zip(&batch.contents).map(|(form, content)| {
            field("findings", findings::look(policy, form, content, &mut counts).into())
        });
    let each = each.collect();
    known.counts(counts.iter().map(|(name, count)| (name.as_str(), *count)));
    let more = [("detected_types", json!(counts)), ("note", json!(NOTE))];
    Work::Tell(batch.shape.with(each, fields(more)))
}

fn fields<const N: usize>(fields: [(&str, Value); N]) -> Map<String, Value> {
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Whose call it is, and when.
pub struct Of<'a> {
    pub action_id: ActionId,
    pub moment: &'a Moment,
    pub keys: &'a Keys,
    pub holder: Holder,
    pub person: Option<Person>,
}

/// A batch with what the policy says taken out of it.
///
/// # Errors
/// Blocked, or not redactable.
pub fn redact(policy: &Policy, batch: Batch, of: Of<'_>, known: &mut Known) -> Result<Work, Refused> {
    let Batch { shape, contents } = batch;
    let Of { action_id, moment, keys, holder, person } = of;
    let draw = Draw { nonce: moment.random.nonce, tokens: moment.random.tokens };
    // Twice within a list: whole numbers at the top of a body are parameters of a call, and these are content.
    let body = Value::from(vec![Value::from(contents)]);
    let keyed = |value: &str| keys.pseudonym.pseudonym("dlp", value);
    let done = policy.redact(action_id, draw, &keyed, body);
    let Done { body, tokens, counts } = done.map_err(|fault| not_done(fault, known))?;
    known.counts(counts.iter().map(|(name, count)| (name.as_str(), *count)));
    if tokens.len() > MAX_NEW_TOKENS {
        let hint =
            format!("{} values would become tokens, {MAX_NEW_TOKENS} are the most at once", tokens.len());
        return Err(Refused { hint: Some(hint), ..Reason::RedactionFailed.into() });
    }
    let (_, mut body) = body.into_parts();
    let contents = match body.get_mut(0).map(Value::take) {
        Some(Value::Array(contents)) if contents.len() == shape.len() => contents,
        _ => return Err(Reason::RedactionFailed.into()),
    };
    let (detected, actions) = by_type(&counts);
    let more = fields([("detected_types", detected), ("actions", actions), ("note", json!(NOTE))]);
    let answer = shape.with_contents(contents, more);
    if tokens.is_empty() {
        return Ok(Work::Tell(answer));
    }
    let expires_at = moment.now.plus_millis(u64::from(policy.tokens().ttl_seconds) * 1_000);
    Ok(Work::Keep { answer, keeping: Keeping { tokens, person, holder, expires_at } })
}

fn not_done(fault: NotDone, known: &mut Known) -> Refused {
    match fault {
        NotDone::TooDeep => Reason::NestedTooDeep.into(),
        NotDone::Failed(why) => Refused { hint: Some(why), ..Reason::RedactionFailed.into() },
        NotDone::Blocked { types, counts } => {
            known.counts(counts.iter().map(|(name, count)| (name.as_str(), *count)));
            Refused { hint: Some(types.join(", ")), types, ..Reason::ContentBlocked.into() }
        }
    }
}

/// Counts by type, and by type and action.
fn by_type(counts: &BTreeMap<String, u64>) -> (Value, Value) {
    let mut totals: BTreeMap<&str, u64> = BTreeMap::new();
    let mut actions: BTreeMap<&str, BTreeMap<&str, u64>> = BTreeMap::new();
    for (name, count) in counts {
        let (kind, action) = split(name);
        *totals.entry(kind).or_default() += count;
        *actions.entry(kind).or_default().entry(action).or_default() += count;
    }
    (json!(totals), json!(actions))
}

/// `card.mask` into type and action; a type alone was redacted. Types of a policy's own have a dot in their names.
fn split(name: &str) -> (&str, &str) {
    let own = |kind: &str| !matches!(kind, "custom" | "org");
    let known = |action: &str| matches!(action, "alert" | "mask" | "tokenize" | "hash");
    let parts = name.rsplit_once('.').filter(|(kind, action)| own(kind) && known(action));
    parts.unwrap_or((name, "redact"))
}

/// Tokens of a batch that are to be put back.
///
/// # Errors
/// More than the policy has restored in a minute.
pub fn restore(
    policy: &Policy,
    batch: Batch,
    holder: Holder,
    links: Links,
) -> Result<(Work, Metadata), Refused> {
    let Batch { shape, contents } = batch;
    let tokens = tokens::distinct(&contents);
    let asked = u64::try_from(tokens.len()).unwrap_or(u64::MAX);
    let metadata = Metadata::default().count("tokens", asked);
    if tokens.is_empty() {
        return Ok((Work::Tell(restored(&shape, contents, 0, 0)), metadata));
    }
    let limit = u64::from(policy.tokens().restores_per_minute);
    if asked > limit {
        let hint = format!("{asked} tokens in one request, {limit} a minute is what the policy allows");
        return Err(Refused { hint: Some(hint), for_good: true, ..Reason::RateExceeded.into() });
    }
    Ok((Work::Restore(Asked { shape, contents, tokens, holder, limit, links }), metadata))
}

/// The answer of a restoring.
pub fn restored(shape: &Shape, contents: Vec<Value>, restored: u64, left: u64) -> Value {
    shape.with_contents(contents, fields([("restored", json!(restored)), ("left", json!(left))]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_told_by_type_and_action() {
        let counts =
            [("email", 2), ("email.tokenize", 1), ("card.mask", 4), ("custom.mask", 3), ("org.x.hash", 5)];
        let counts = counts.map(|(name, count)| (name.to_owned(), count)).into();
        let (totals, actions) = by_type(&counts);
        assert_eq!(totals, json!({"card": 4, "custom.mask": 3, "email": 3, "org.x": 5}));
        let expected = json!({"card": {"mask": 4}, "custom.mask": {"redact": 3},
            "email": {"redact": 2, "tokenize": 1}, "org.x": {"hash": 5}});
        assert_eq!(actions, expected);
    }
}
