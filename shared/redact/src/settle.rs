//! Takes findings out of a text until none is left.

use crate::hits::Hit;
use crate::policy::{Action, Direction, Policy};

/// Taking a finding out can free its neighbour (`a` beside `1` hid a number), so what remains is searched again.
/// Real text settles after one more look; text made to need more is refused, which keeps the work linear.
pub(crate) const MAX_ROUNDS: usize = 4;

/// `text` with `apply` done to every finding, and whether nothing was left to find in the end. What stands in for a
/// finding is never searched again.
pub(crate) fn settled(
    policy: &Policy,
    text: &str,
    field: Option<&str>,
    direction: Direction,
    mut apply: impl FnMut(&Hit, &str, &mut String),
) -> (String, bool) {
    let mut text = std::borrow::Cow::Borrowed(text);
    for round in 0..MAX_ROUNDS {
        let mut hits = policy.detect(&text, field, direction);
        if round > 0 {
            // What only alerts stays where it is, and was counted.
            hits.retain(|hit| hit.action > Action::Alert);
        }
        if hits.is_empty() {
            return (text.into_owned(), true);
        }
        let (next, apart) = replaced(&text, &hits, &mut apply);
        // Names tell one another: without its neighbour one may be found, or another one.
        if apart && !policy.looks_for_names(direction) {
            return (next, true);
        }
        text = next.into();
    }
    let left = policy.detect(&text, field, direction).iter().any(|hit| hit.action > Action::Alert);
    (text.into_owned(), !left)
}

/// The text with its findings replaced, and whether none of them can have hidden another.
fn replaced(text: &str, hits: &[Hit], apply: &mut impl FnMut(&Hit, &str, &mut String)) -> (String, bool) {
    let mut out = String::with_capacity(text.len().saturating_add(hits.len().saturating_mul(8)));
    let (mut rest, mut apart) = (0, true);
    for hit in hits {
        let before = text.get(rest..hit.start).unwrap_or_default();
        out.push_str(before);
        apply(hit, text.get(hit.start..hit.end).unwrap_or_default(), &mut out);
        let after = text.get(hit.end..).unwrap_or_default();
        apart &= is_apart(before.chars().rev()) && is_apart(after.chars());
        rest = hit.end;
    }
    out.push_str(text.get(rest..).unwrap_or_default());
    (out, apart)
}

/// Whether nothing reaches over what stands beside a finding: the text's end, or white space or a mark that no boundary
/// rule minds, and no number after it that could have gone on through the finding.
fn is_apart(beside: impl Iterator<Item = char>) -> bool {
    let mut beside = beside.peekable();
    let is_mark = |c: &char| matches!(c, ',' | ';' | '"' | '{' | '}' | '<' | '>' | '|' | '\n');
    match beside.peek() {
        None => true,
        Some(c) if is_mark(c) => true,
        Some(c) if c.is_whitespace() || matches!(c, '(' | ')') => {
            let next = beside.find(|c| !c.is_whitespace() && !matches!(c, '(' | ')' | '-' | '.' | '/'));
            !next.is_some_and(|c| c.is_numeric() || c == '+')
        }
        Some(_) => false,
    }
}
