//! `[EMAIL_1_k3f9a2x7]`: label, number within the request, nonce of the request.

use crate::steps::{Stage, count};

/// Crockford's base32 in lower case (crockford.com/base32.html): no i, l, o, u.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Longest of all that can be restored, a cross-request token: brackets, label (16), `_T_`, 26 characters.
pub(crate) const MAX_LEN: usize = 47;

/// Eight characters that make the placeholders of one request unguessable for whoever wrote the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nonce(String);

impl Nonce {
    /// From 40 random bits; the caller draws them, once per request.
    pub fn from_bytes(bytes: [u8; 5]) -> Self {
        let bits = bytes.iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
        let digit = |at: u32| ALPHABET.get((bits >> (35 - 5 * at) & 31) as usize).copied().map(char::from);
        Self((0..8).filter_map(digit).collect())
    }

    /// How every placeholder of this request ends.
    pub(crate) fn ending(&self) -> String {
        format!("_{}]", self.0)
    }
}

/// The text from the `[` at `start` to the next `]`, if that is near.
pub(crate) fn bracketed(text: &str, start: usize, most: usize) -> Option<&str> {
    let window = text.as_bytes().get(start..)?.iter().take(most);
    let length = window.clone().position(|byte| *byte == b']').map(|at| at.saturating_add(1));
    count(Stage::Sweep, length.unwrap_or(most));
    let length = length?;
    text.get(start..start.saturating_add(length))
}

/// What stands between brackets.
fn inner(text: &str) -> Option<&str> {
    text.strip_prefix('[').and_then(|text| text.strip_suffix(']'))
}

/// One past the end of what stands in for a value, at the `[` at `start`: a placeholder, a token, a digest, or what an
/// answer shows instead. Nothing is searched in there.
pub(crate) fn stand_in(text: &str, start: usize) -> Option<usize> {
    // All of them begin with a label, and most brackets do not.
    if !begins_label(text, start) {
        return None;
    }
    let text = bracketed(text, start, MAX_STAND_IN)?;
    let is_one = is_placeholder(text) || is_plain_token(text) || is_digest(text) || is_removed(text);
    is_one.then_some(start.saturating_add(text.len()))
}

fn begins_label(text: &str, bracket: usize) -> bool {
    text.as_bytes().get(bracket.saturating_add(1)).is_some_and(u8::is_ascii_uppercase)
}

/// All that stands in for values, in order.
pub(crate) fn stand_ins(text: &str) -> Vec<(usize, usize)> {
    let mut end = 0;
    let starts = text.match_indices('[').map(|(start, _)| start);
    starts
        .filter_map(|start| {
            let found = (start >= end).then(|| stand_in(text, start)).flatten()?;
            end = found;
            Some((start, found))
        })
        .collect()
}

/// The longest of them, with a digest of 64 characters.
pub(crate) const MAX_STAND_IN: usize = 96;

/// `[EMAIL_H_psn_k3f9…]`
fn is_digest(text: &str) -> bool {
    let parts = inner(text).and_then(|text| text.split_once("_H_"));
    let is_code = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    parts.is_some_and(|(label, digest)| {
        is_label(label) && hides_no_number(digest) && digest.bytes().all(is_code)
    })
}

/// Digits of a placeholder's number: no body has a million values.
const MAX_NUMBER: usize = 6;
/// The longest run of digits that may stand in a token or a digest: anybody can write the form around a number of theirs.
const MAX_DIGITS: usize = 8;

fn hides_no_number(text: &str) -> bool {
    let longest = text.split(|c: char| !c.is_ascii_digit()).map(str::len).max().unwrap_or(0);
    !text.is_empty() && longest <= MAX_DIGITS
}

/// A token in which nobody hid a number. One in two thousand real ones looks as if: it is searched, and stays.
fn is_plain_token(text: &str) -> bool {
    is_token(text) && text.rsplit('_').next().is_some_and(hides_no_number)
}

/// `[REDACTED_EMAIL]`
fn is_removed(text: &str) -> bool {
    inner(text).and_then(|text| text.strip_prefix("REDACTED_")).is_some_and(is_label)
}

fn is_label(label: &str) -> bool {
    is_label_bytes(label.as_bytes())
}

fn is_label_bytes(label: &[u8]) -> bool {
    label.first().is_some_and(u8::is_ascii_uppercase)
        && label.iter().all(|byte| byte.is_ascii_uppercase() || *byte == b'_')
}

/// The first part of a text that has the form of a placeholder, whoever made it: its first byte and one past its last.
pub(crate) fn look_alike(text: &str) -> Option<(usize, usize)> {
    text.match_indices('[').find_map(|(start, _)| {
        let found = begins_label(text, start).then(|| bracketed(text, start, MAX_LEN)).flatten();
        let found = found.filter(|text| is_placeholder(text))?;
        Some((start, start.saturating_add(found.len())))
    })
}

fn is_placeholder(text: &str) -> bool {
    let Some(inner) = inner(text).map(str::as_bytes) else { return false };
    let Some((rest, nonce)) = inner.split_last_chunk::<8>() else { return false };
    let Some(numbered) = rest.strip_suffix(b"_") else { return false };
    let digits = numbered.iter().rev().take(MAX_NUMBER).take_while(|byte| byte.is_ascii_digit()).count();
    let label = numbered.get(..numbered.len().saturating_sub(digits)).unwrap_or_default();
    digits > 0
        && nonce.iter().all(|byte| is_digit(*byte))
        && label.strip_suffix(b"_").is_some_and(is_label_bytes)
}

/// Whether a byte is one of [`ALPHABET`].
const fn is_digit(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'z') && !matches!(byte, b'i' | b'l' | b'o' | b'u')
}

/// `[EMAIL_T_9x…]`: what stands for a value beyond its request; 128 random bits.
pub(crate) fn token(label: &str, bits: u128) -> String {
    let digit = |at: u32| {
        ALPHABET.get((bits.checked_shr(5 * at).unwrap_or(0) & 31) as usize).copied().map(char::from)
    };
    let digits: String = (0..26).rev().filter_map(digit).collect();
    format!("[{label}_T_{digits}]")
}

/// The cross-request tokens in a text, in order.
pub fn tokens(text: &str) -> impl Iterator<Item = &str> {
    let brackets = text.match_indices('[').filter_map(|(start, _)| bracketed(text, start, MAX_LEN));
    brackets.filter(|text| is_token(text))
}

fn is_token(text: &str) -> bool {
    let Some((label, digits)) = inner(text).and_then(|text| text.rsplit_once("_T_")) else { return false };
    is_label(label) && digits.len() == 26 && digits.bytes().all(is_digit)
}

pub(crate) fn placeholder(label: &str, number: u32, nonce: &Nonce) -> String {
    let number = number.to_string();
    ["[", label, "_", &number, "_", &nonce.0, "]"].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_is_eight_crockford_characters() {
        assert_eq!(Nonce::from_bytes([0; 5]).0, "00000000");
        assert_eq!(Nonce::from_bytes([0xff; 5]).0, "zzzzzzzz");
        assert_eq!(Nonce::from_bytes([0, 0, 0, 0, 33]).0, "00000011");
        assert_eq!(placeholder("IL_ID", 12, &Nonce::from_bytes([0; 5])), "[IL_ID_12_00000000]");
    }

    #[test]
    fn the_longest_placeholder_fits_its_limit() {
        let label = "X".repeat(crate::detector::MAX_LABEL);
        assert!(placeholder(&label, u32::MAX, &Nonce::from_bytes([0; 5])).len() < MAX_LEN);
        assert_eq!(token(&label, u128::MAX).len(), MAX_LEN);
    }

    #[test]
    fn tokens_are_found_again() {
        let one = token("EMAIL", 77);
        let text = format!("to {one}, [EMAIL_T_short] and [x{}", token("CARD", u128::MAX));
        assert_eq!(tokens(&text).collect::<Vec<_>>(), [one.as_str(), token("CARD", u128::MAX).as_str()]);
        assert!(look_alike(&one).is_none());
    }
}
