//! `[EMAIL_1_k3f9a2x7]`: label, number within the request, nonce of the request.

/// Crockford's base32 in lower case (crockford.com/base32.html): no i, l, o, u.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Longest placeholder: brackets, label (16), two underscores, number (10), nonce (8).
pub(crate) const MAX_LEN: usize = 38;

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

/// The first part of a text that has the form of a placeholder, whoever made it: its first byte and one past its last.
pub(crate) fn look_alike(text: &str) -> Option<(usize, usize)> {
    text.match_indices('[').find_map(|(start, _)| {
        let window = text.as_bytes().get(start..)?.iter().take(MAX_LEN);
        let end = start + window.clone().position(|byte| *byte == b']')? + 1;
        is_placeholder(text.get(start..end)?).then_some((start, end))
    })
}

fn is_placeholder(text: &str) -> bool {
    let parts = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    let Some((label, nonce)) = parts.and_then(|text| text.rsplit_once('_')) else { return false };
    let Some((label, number)) = label.rsplit_once('_') else { return false };
    label.starts_with(|first: char| first.is_ascii_uppercase())
        && label.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
        && !number.is_empty()
        && number.bytes().all(|byte| byte.is_ascii_digit())
        && nonce.len() == 8
        && nonce.bytes().all(|byte| ALPHABET.contains(&byte))
}

pub(crate) fn placeholder(label: &str, number: u32, nonce: &Nonce) -> String {
    format!("[{label}_{number}_{}]", nonce.0)
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
        assert_eq!(placeholder(&label, u32::MAX, &Nonce::from_bytes([0; 5])).len(), MAX_LEN);
    }
}
