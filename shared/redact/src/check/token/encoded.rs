//! Texts that must decode to something: JSON web tokens, HTTP Basic credentials.

use base64::Engine;
use base64::alphabet::{Alphabet, STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::Value;

/// Only so much of a text is decoded: what it is shows at its start.
const MAX_CHARS: usize = 4096;

/// A token whose header is a JSON object that names its algorithm (RFC 7515 section 4.1.1, RFC 7516 section 4.1.1).
pub(super) fn is_jwt(text: &[u8]) -> bool {
    let header = text.split(|byte| *byte == b'.').next().unwrap_or_default();
    let object = decode(header, &URL_SAFE).and_then(|json| serde_json::from_slice::<Value>(&json).ok());
    object.is_some_and(|object| object.get("alg").is_some_and(Value::is_string))
}

/// `user:password` in base64 (RFC 7617 section 2), neither of them empty.
pub(super) fn is_basic_auth(text: &[u8]) -> bool {
    let Some(pair) = decode(text, &STANDARD).and_then(|bytes| String::from_utf8(bytes).ok()) else {
        return false;
    };
    let printable = !pair.chars().any(char::is_control);
    printable && pair.split_once(':').is_some_and(|(user, password)| !user.is_empty() && !password.is_empty())
}

/// The start of `text` decoded; padding may be there or not, and the last character's spare bits may be anything.
fn decode(text: &[u8], alphabet: &Alphabet) -> Option<Vec<u8>> {
    let config = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    let start = text.get(..MAX_CHARS).unwrap_or(text);
    GeneralPurpose::new(alphabet, config).decode(start).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_names_its_algorithm() {
        assert!(is_jwt(b"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30.x"));
        // {"typ":"JWT"} has no algorithm; the last is cut in the middle of its JSON.
        assert!(!is_jwt(b"eyJ0eXAiOiJKV1QifQ.e30.x"));
        assert!(!is_jwt(b"eyJhbGciOiJIUzI1NiIsInR5cCI6.e30.x"));
    }

    #[test]
    fn basic_credentials_have_two_parts() {
        // RFC 7617 section 2.
        assert!(is_basic_auth(b"QWxhZGRpbjpvcGVuIHNlc2FtZQ=="));
        assert!(is_basic_auth(b"QWxhZGRpbjpvcGVuIHNlc2FtZQ"));
        assert!(!is_basic_auth(b"authentication"));
        assert!(!is_basic_auth(b"QWxhZGRpbg=="));
    }
}
