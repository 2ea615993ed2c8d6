//! E-mail addresses: from the `@` back over the local part and on over the domain.

use super::{Finder, Sweep};
use crate::steps::{Stage, count};

/// An e-mail's local part is at most 64 octets (RFC 5321 section 4.5.3.1.1); twice that is taken in, to be safe.
const MAX_LOCAL_CHARS: usize = 128;
/// RFC 1035 section 2.3.4.
const MAX_DOMAIN_CHARS: usize = 253;
const MAX_LABEL_CHARS: usize = 63;
/// Files that carry an @ in their name (`logo@2x.png`) end like this; no such top-level domain exists.
const IMAGE_ENDINGS: [&str; 6] = ["png", "jpg", "jpeg", "gif", "svg", "webp"];

impl Sweep<'_, '_> {
    pub(super) fn mail(&mut self, at: usize) {
        let Some(detector) = self.set.finders.get(Finder::Email) else { return };
        let Some(start) = local_part(self.text, at).filter(|start| *start >= self.mail_end) else { return };
        let rest = self.text.get(at.saturating_add(1)..).unwrap_or_default();
        let Some(length) = domain(rest) else { return };
        let end = at.saturating_add(1).saturating_add(length);
        self.mail_end = end;
        self.hit(start, end, detector, 0.99);
    }
}

/// Where the local part before the `@` at `at` begins.
fn local_part(text: &str, at: usize) -> Option<usize> {
    let before = text.get(..at)?;
    let tail = before.chars().rev().take(MAX_LOCAL_CHARS).take_while(|c| is_local(*c));
    let length = tail.map(char::len_utf8).sum::<usize>();
    count(Stage::Sweep, length);
    let local = before.get(at.checked_sub(length)?..)?;
    let local = without_hebrew_prefix(local.trim_start_matches(['.', '\'', '&', '~', '%', '-']));
    if local.is_empty() { None } else { at.checked_sub(local.len()) }
}

fn is_local(c: char) -> bool {
    let is_mark = |c: char| matches!(c, '\u{300}'..='\u{36f}');
    c.is_alphanumeric()
        || is_mark(c)
        || matches!(c, '_' | '.' | '%' | '+' | '\'' | '&' | '~' | '-' | '!' | '#' | '$' | '*' | '^')
}

/// `לdana@…` is a preposition glued to an address; `דנה@…` is an address.
fn without_hebrew_prefix(local: &str) -> &str {
    let is_hebrew = |c: char| ('\u{590}'..='\u{5ff}').contains(&c);
    let rest = local.trim_start_matches(is_hebrew);
    if rest.starts_with(|c: char| c.is_ascii_alphanumeric()) { rest } else { local }
}

/// The length of the domain at the beginning of `text`, in bytes: labels of letters, digits and dashes, the last one
/// with a letter in it and no digit first.
fn domain(text: &str) -> Option<usize> {
    let window = text.char_indices().take(MAX_DOMAIN_CHARS + 1);
    let length = window.take_while(|(_, c)| is_domain(*c)).last().map_or(0, |(at, c)| at + c.len_utf8());
    let mut whole = text.get(..length)?;
    // What does not end well may end earlier: `dana@example.com...` or `dana@example.com.9`.
    count(Stage::Sweep, length);
    while let Some((head, top)) = whole.rsplit_once('.') {
        count(Stage::Checks, whole.len());
        let top = top.trim_end_matches(['-', '_']);
        if is_top(top) && head.split('.').all(is_label) {
            let end = head.len() + 1 + top.len();
            return (!is_image(head, top)).then_some(end);
        }
        whole = head;
    }
    None
}

fn is_domain(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '.' | '-' | '_')
}

fn is_label(label: &str) -> bool {
    let ends = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let length = label.chars().count();
    (1..=MAX_LABEL_CHARS).contains(&length) && ends(label.chars().next()) && ends(label.chars().next_back())
}

/// A top-level domain: two characters or more, and a letter among them.
fn is_top(top: &str) -> bool {
    let length = top.chars().count();
    (2..=MAX_LABEL_CHARS).contains(&length)
        && top.chars().any(char::is_alphabetic)
        && (top.starts_with("xn--") || top.chars().all(|c| c.is_alphanumeric() || c == '_'))
}

/// With more than one dot it may be an address that names a file (`dana@example.com.png`).
fn is_image(head: &str, top: &str) -> bool {
    !head.contains('.') && IMAGE_ENDINGS.iter().any(|ending| top.eq_ignore_ascii_case(ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_local_part_is_walked_back_to_its_start() {
        assert_eq!(local_part("to 'dana.levi@", 13), Some(4));
        assert_eq!(local_part("לdana@", 6), Some(2));
        assert_eq!(local_part("דנה@", 6), Some(0));
        assert_eq!(local_part("(@", 1), None);
    }

    #[test]
    fn the_domain_ends_with_its_last_good_label() {
        assert_eq!(domain("example.com. So"), Some(11));
        assert_eq!(domain("example.com.9 x"), Some(11));
        assert_eq!(domain("xn--e1afmkfd.xn--p1ai"), Some(21));
        assert_eq!(domain("2x.png"), None);
        assert_eq!(domain("example.com.png"), Some(15));
        assert_eq!(domain("18.0.1"), None);
        assert_eq!(domain("localhost"), None);
        assert_eq!(domain("example.c"), None);
    }
}
