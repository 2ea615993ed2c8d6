//! The digest by which a token's row is found.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::id::ALPHABET;

/// SHA-256 of a token's text. Rows are found by it, so that whoever reads the table cannot present the tokens: a token has
/// 128 random bits, and no dictionary leads back to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenDigest([u8; 32]);

impl TokenDigest {
    /// Of the whole token, such as `[EMAIL_T_<26 characters>]`.
    pub fn of(token: &str) -> Self {
        Self(Sha256::digest(token.as_bytes()).into())
    }
}

/// 52 characters of Crockford's base32, lower case; the last one holds one bit, and four zeros.
impl fmt::Display for TokenDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for group in self.0.chunks(5) {
            let mut wide = [0_u8; 8];
            wide.iter_mut().skip(3).zip(group).for_each(|(to, from)| *to = *from);
            let bits = u64::from_be_bytes(wide);
            for place in 0..(group.len() * 8).div_ceil(5) {
                let digit = usize::try_from((bits >> (35 - 5 * place)) & 31).unwrap_or_default();
                fmt::Write::write_char(f, char::from(*ALPHABET.get(digit).unwrap_or(&b'0')))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pinned: rows outlive code. SHA-256 of no bytes is `e3b0c442 98fc1c14 ...` (FIPS 180-4 examples); its base32 was
    /// worked out with another implementation.
    #[test]
    fn the_text_form_is_pinned() {
        assert_eq!(TokenDigest::of("").to_string(), EMPTY);
        assert_eq!(EMPTY.len(), 52);
        assert_ne!(TokenDigest::of("[EMAIL_T_a]"), TokenDigest::of("[EMAIL_T_b]"));
    }

    const EMPTY: &str = "werc8gmrzge196qvyk49jvxs4gktwgf4cjds6k54jpchpy2jq1ag";
}
