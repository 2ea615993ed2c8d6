//! Where a candidate may begin. Only there is a pattern tried, anchored, so that work stays linear in the text.

use serde::Deserialize;

/// An e-mail's local part is at most 64 octets (RFC 5321 section 4.5.3.1.1); twice that is taken in, to be safe.
const MAX_LOCAL_CHARS: usize = 128;
/// Digits are counted over this many bytes: a card has 19 digits and up to 18 separators.
const DIGIT_WINDOW: usize = 48;

/// What triggers a detector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Start {
    /// The first digit of a run.
    Digit,
    /// An `@`: the candidate begins at the start of the local part before it.
    AtSign,
    /// A `:`: the candidate begins at the start of the hexadecimal group before it.
    Colon,
    /// One of the detector's literals.
    Literal,
}

/// First digit of a run at `at`?
pub(crate) fn is_run_start(bytes: &[u8], at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|at| bytes.get(at));
    !before.is_some_and(u8::is_ascii_digit)
}

/// How many digits follow from `at` before anything but a digit, space, dot or dash.
pub(crate) fn digits_ahead(bytes: &[u8], at: usize) -> usize {
    let numeric = |byte: &&u8| byte.is_ascii_digit() || matches!(byte, b' ' | b'.' | b'-');
    let window = bytes.iter().skip(at).take(DIGIT_WINDOW).take_while(numeric);
    window.filter(|byte| byte.is_ascii_digit()).count()
}

/// Where the local part before the `@` at `at` begins.
pub(crate) fn local_part(text: &str, at: usize) -> Option<usize> {
    let before = text.get(..at)?;
    let tail = before.chars().rev().take(MAX_LOCAL_CHARS).take_while(|c| is_local(*c));
    let length = tail.map(char::len_utf8).sum::<usize>();
    let local = before.get(at.checked_sub(length)?..)?;
    let local = without_hebrew_prefix(local.trim_start_matches(['.', '\'', '&', '~', '%', '-']));
    if local.is_empty() { None } else { at.checked_sub(local.len()) }
}

fn is_local(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '.' | '%' | '+' | '\'' | '&' | '~' | '-')
}

/// `לdana@…` is a preposition glued to an address; `דנה@…` is an address.
fn without_hebrew_prefix(local: &str) -> &str {
    let is_hebrew = |c: char| ('\u{590}'..='\u{5ff}').contains(&c);
    let rest = local.trim_start_matches(is_hebrew);
    if rest.starts_with(|c: char| c.is_ascii_alphanumeric()) { rest } else { local }
}

/// Where the hexadecimal group before the `:` at `at` begins.
pub(crate) fn hex_group(bytes: &[u8], at: usize) -> Option<usize> {
    let before = bytes.get(..at)?;
    let next = bytes.get(at.checked_add(1)?)?;
    let digits = before.iter().rev().take(5).take_while(|byte| byte.is_ascii_hexdigit()).count();
    let opens = digits == 0 && *next == b':' && before.last() != Some(&b':');
    let continues = (1..=4).contains(&digits) && (next.is_ascii_hexdigit() || *next == b':');
    if opens || continues { at.checked_sub(digits) } else { None }
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
    fn a_colon_needs_hex_beside_it() {
        assert_eq!(hex_group(b"ip:2001:db8", 2), None);
        assert_eq!(hex_group(b"ip:2001:db8", 7), Some(3));
        assert_eq!(hex_group(b"ip ::1", 3), Some(3));
        assert_eq!(hex_group(b"face: x", 4), None);
    }

    #[test]
    fn digits_are_counted_across_separators() {
        assert_eq!(digits_ahead(b"4111 1111-1111.1 x9", 0), 13);
        assert!(is_run_start(b"a12", 1));
        assert!(!is_run_start(b"a12", 2));
    }
}
