//! Sealed bytes as they travel and rest: opaque here, made and opened by `envelope` alone.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// `CSE1` ‖ key version u32 ‖ salt 16 ‖ nonce 12 ‖ commitment 32 ‖ ciphertext ‖ tag 16, big-endian.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedBytes(Vec<u8>);

/// Bytes that do not start as a sealed value does, or are too short to be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not sealed bytes: expected the CSE1 header and at least 84 bytes")]
pub struct NotSealed;

impl SealedBytes {
    pub const MAGIC: &'static [u8; 4] = b"CSE1";
    /// Header, salt, nonce, commitment and tag around an empty plaintext.
    pub const MIN_LEN: usize = 4 + 4 + 16 + 12 + 32 + 16;

    /// Takes bytes that already have the sealed form: from `envelope::Sealed`, or read back from a row.
    /// The tidy test lets no producer call this: only `envelope` makes new ones.
    ///
    /// # Errors
    /// Plain bytes are refused, so that a personal field cannot carry them by mistake.
    pub fn from_sealed_form(bytes: Vec<u8>) -> Result<Self, NotSealed> {
        let sealed = bytes.starts_with(Self::MAGIC) && bytes.len() >= Self::MIN_LEN;
        if sealed { Ok(Self(bytes)) } else { Err(NotSealed) }
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SealedBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealedBytes({} bytes)", self.0.len())
    }
}

impl Serialize for SealedBytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for SealedBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        let bytes = STANDARD.decode(text.as_bytes()).map_err(|_| serde::de::Error::custom(NotSealed))?;
        Self::from_sealed_form(bytes).map_err(serde::de::Error::custom)
    }
}
