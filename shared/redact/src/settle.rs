//! Takes findings out of a text until none is left.

use crate::context::{AFTER, BEFORE};
use crate::hits::Hit;
use crate::policy::{Action, Direction, Policy};
use crate::shortcut;
use crate::steps::{Stage, count};

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
    let (mut is_plain, mut only_names) = (false, false);
    for round in 0..MAX_ROUNDS {
        let mut hits = if only_names {
            policy.names(&text, direction)
        } else {
            let found = policy.search(&text, field, direction);
            is_plain = found.1;
            found.0
        };
        if round > 0 {
            // What only alerts stays where it is, and was counted.
            hits.retain(|hit| hit.action > Action::Alert);
        }
        if hits.is_empty() {
            return (text.into_owned(), true);
        }
        let (next, apart) = replaced(&text, &hits, &mut apply);
        if apart && !policy.looks_for_names(direction) {
            return (next, true);
        }
        // Names tell one another: without its neighbour one may be found, or another one. Nothing else is hidden.
        only_names =
            shortcut::taken() && apart && is_plain && !frees_a_number(&text, &hits) && !shows_some(&hits);
        text = next.into();
    }
    let left = policy.detect(&text, field, direction).iter().any(|hit| hit.action > Action::Alert);
    (text.into_owned(), !left)
}

/// Whether part of a finding stays to be read, which may be a finding by itself.
fn shows_some(hits: &[Hit]) -> bool {
    hits.iter().any(|hit| hit.action == Action::Mask)
}

/// Whether a number stands right behind a finding and a comma: beside another number it was none to dial.
fn frees_a_number(text: &str, hits: &[Hit]) -> bool {
    let next = hits.iter().skip(1).map(|hit| hit.start).chain([text.len()]);
    let mut gaps = hits.iter().zip(next).filter_map(|(hit, next)| text.get(hit.end..next));
    gaps.any(|gap| {
        let after = gap.strip_prefix(',').and_then(|rest| rest.chars().next());
        after.is_some_and(|c| c.is_numeric() || matches!(c, '+' | '('))
    })
}

/// The text with its findings replaced, and whether none of them can have hidden another.
fn replaced(text: &str, hits: &[Hit], apply: &mut impl FnMut(&Hit, &str, &mut String)) -> (String, bool) {
    let mut out = String::with_capacity(text.len().saturating_add(hits.len().saturating_mul(8)));
    let (mut rest, mut apart) = (0, true);
    count(Stage::Settling, text.len());
    for (at, hit) in hits.iter().enumerate() {
        let before = text.get(rest..hit.start).unwrap_or_default();
        out.push_str(before);
        let written = out.len();
        let original = text.get(hit.start..hit.end).unwrap_or_default();
        apply(hit, original, &mut out);
        let is_shorter = out.len().saturating_sub(written) < original.len();
        let after = text.get(hit.end..).unwrap_or_default();
        apart = apart
            && is_apart(before.chars().rev())
            && (is_apart(after.chars()) || ends_a_sentence(after))
            && !(is_shorter && draws_nearer(text, hits, at));
        rest = hit.end;
    }
    out.push_str(text.get(rest..).unwrap_or_default());
    (out, apart)
}

/// Whether something stands about the finding at `at` that a word on its other side could now be near to: words count
/// within a distance, and what stands in for the finding is shorter than it was.
fn draws_nearer(text: &str, hits: &[Hit], at: usize) -> bool {
    let end = |at: usize| hits.get(at).map_or(0, |hit| hit.end);
    let start = |at: usize| hits.get(at).map_or(text.len(), |hit| hit.start);
    let gap = |from: usize, to: usize| {
        count(Stage::Settling, 1);
        text.get(from..to).unwrap_or_default()
    };
    // Every finding leaves something in its place: behind so many of them nothing is near.
    let following = (at..hits.len()).take(BEFORE).map(|at| gap(end(at), start(at.saturating_add(1))));
    let preceding = (0..=at).rev().take(AFTER).map(|at| gap(at.checked_sub(1).map_or(0, end), start(at)));
    can_be_found(following.flat_map(str::chars).take(BEFORE))
        || can_be_found(preceding.flat_map(|gap| gap.chars().rev()).take(AFTER))
}

/// Capitals from which on a code without digits, such as a BIC, is thinkable.
const CAPITALS: usize = 4;
/// Letters in a row that can be something written in another way.
const RUN: usize = 12;

/// Whether these letters can hold anything that words speak for.
fn can_be_found(letters: impl Iterator<Item = char>) -> bool {
    let (mut capitals, mut run) = (0, 0);
    for letter in letters {
        count(Stage::Settling, 1);
        capitals += usize::from(letter.is_uppercase());
        run = if letter.is_ascii_alphanumeric() { run + 1 } else { 0 };
        if letter.is_numeric() || capitals >= CAPITALS || run >= RUN {
            return true;
        }
    }
    false
}

/// Whether nothing reaches over what stands beside a finding: the text's end, or white space or a mark that no boundary
/// rule minds, and no number after it that could have gone on through the finding.
fn is_apart(beside: impl Iterator<Item = char>) -> bool {
    let mut beside = beside.inspect(|_| count(Stage::Settling, 1)).peekable();
    let is_mark = |c: &char| matches!(c, ',' | ';' | '"' | '{' | '}' | '>' | '|' | '\n');
    match beside.peek().copied() {
        None => true,
        Some(c) if is_mark(&c) => true,
        // A tag's, or a part of what passports have for a machine.
        Some('<') => !beside.nth(1).is_some_and(|c| c == '<' || c.is_ascii_digit() || c.is_ascii_uppercase()),
        Some(c) if c.is_whitespace() || matches!(c, '(' | ')') => leads_to_no_number(beside),
        Some(_) => false,
    }
}

fn leads_to_no_number(mut beside: impl Iterator<Item = char>) -> bool {
    let next = beside.find(|c| !c.is_whitespace() && !matches!(c, '(' | ')' | '-' | '.' | '/'));
    !next.is_some_and(|c| c.is_numeric() || c == '+')
}

/// Whether a sentence ends here: a full stop with white space after it, or nothing, and no number.
fn ends_a_sentence(after: &str) -> bool {
    let rest = after.strip_prefix('.').unwrap_or("x");
    count(Stage::Settling, 1);
    let is_end = rest.chars().next().is_none_or(char::is_whitespace);
    is_end && leads_to_no_number(rest.chars().inspect(|_| count(Stage::Settling, 1)))
}
