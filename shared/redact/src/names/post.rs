//! Post that has no street: military post and post office boxes.

use super::address::Core;
use super::gazetteer::flag;
use super::tail::digits;
use super::text::{Text, Word};

/// `PSC 3306, Box 2317 / APO AE 09876` from its first number; `FPO AE 09876` from its last.
pub(super) fn military(text: &Text, start: usize, floor: usize) -> Option<Core> {
    let before = text.word_before(text.before_blanks(start)).filter(|w| w.start >= floor)?;
    if before.has(flag::MILITARY) {
        let window = (start..start + 64).rev().find(|end| text.text.is_char_boundary(*end)).unwrap_or(start);
        let line = text.slice(start, window).to_ascii_uppercase();
        let post = POSTS.iter().find_map(|post| line.find(post))?;
        let state = text.word_at(start + post + 4)?;
        let end = digits(text, text.after_blanks(state.end), 5, 5)?;
        return Some(Core { start: before.start, end, score: 0.95 });
    }
    let is = |word: &Word, names: &[&str]| {
        names.iter().any(|name| text.slice(word.start, word.end).eq_ignore_ascii_case(name.trim()))
    };
    let end = digits(text, start, 5, 5).filter(|_| is(&before, &["AE", "AP", "AA"]))?;
    let post = text.word_before(text.before_blanks(before.start)).filter(|w| is(w, POSTS))?;
    let ship =
        text.char_before(post.start).filter(|c| *c == '\n').and_then(|_| ship_before(text, post.start - 1));
    Some(Core { start: ship.unwrap_or(post.start).max(floor), end, score: 0.95 })
}

const POSTS: &[&str] = &["APO ", "FPO ", "DPO "];

/// `USNS Smith` at the end of the line before.
fn ship_before(text: &Text, end: usize) -> Option<usize> {
    let name = text.word_before(end)?;
    let ship = text.word_before(text.before_blanks(name.start))?;
    ship.has(flag::MILITARY).then_some(ship.start)
}

/// `P.O. Box 12`, `Postfach 12`, `BP 12`, `ת.ד. 12`.
pub(super) fn boxed(text: &Text, start: usize, end: usize, floor: usize) -> Option<Core> {
    let window = (start.saturating_sub(20).max(floor)..=start).find(|at| text.text.is_char_boundary(*at))?;
    if !may_end_a_box(text, start) {
        return None;
    }
    let line = text.slice(window, start);
    let trimmed = line.trim_end_matches([' ', ':', '.', '#']);
    let folded = trimmed.to_lowercase().replace(['.', ' '], "");
    let name = BOXES.iter().find(|name| folded.ends_with(*name))?;
    let begin = begin_of(trimmed, name)?;
    let is_whole = trimmed.get(..begin)?.chars().next_back().is_none_or(|c| !c.is_alphanumeric());
    is_whole.then_some(Core { start: window + begin, end, score: 0.85 })
}

/// Whether the last two letters before a number end a box's name: most words show at once that they are none.
pub(super) fn may_end_a_box(text: &Text, start: usize) -> bool {
    let mut at = start;
    let mut letter = || {
        let c = loop {
            let c = text.char_before(at)?;
            at -= c.len_utf8();
            if !matches!(c, ' ' | ':' | '.' | '#') {
                break c;
            }
        };
        Some(c.to_ascii_lowercase())
    };
    let last = letter();
    if !matches!(last, Some('x' | 'h' | 's' | 'e' | 'o' | 't' | 'ד' | 'ר')) {
        return false;
    }
    let pair = (letter(), last);
    matches!(
        (pair.0.unwrap_or(' '), pair.1.unwrap_or(' ')),
        ('o', 'x')
            | ('c', 'h')
            | ('u' | 'k', 's')
            | ('l', 'e')
            | ('d', 'o')
            | ('z', 't')
            | ('ת', 'ד')
            | ('א', 'ר')
    )
}

const BOXES: &[&str] = &[
    "pobox",
    "postofficebox",
    "postfach",
    "postbus",
    "postboks",
    "boîtepostale",
    "apartado",
    "casellapostale",
    "skrpoczt",
    "תד",
    "תאדואר",
];

/// Where the name of a box begins that ends a line, dots and blanks aside.
fn begin_of(line: &str, name: &str) -> Option<usize> {
    let letters = line.char_indices().rev().filter(|(_, c)| !matches!(c, '.' | ' '));
    letters.map(|(at, _)| at).nth(name.chars().count().saturating_sub(1))
}
