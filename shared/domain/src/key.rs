//! Gateway keys: `cs_<kind>_<region>_<keyid>_<secret><checksum>`.
//!
//! ```text
//! cs_svc_eu_0123456789abcdef_<43 characters of base62><6 characters of base62>
//!    |   |  |                 |                        CRC-32 (IEEE) of everything before it
//!    |   |  key id, 16        secret, 256 bits
//!    |   region: il eu us
//!    kind: usr svc tmp
//! ```
//!
//! The checksum lets secret scanners and this crate tell a mistyped key from a wrong one without any I/O.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::id::text_serde;
use crate::{KeyId, Region};

pub(crate) const SECRET_CHARS: usize = 43;
const CHECKSUM_CHARS: usize = 6;
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// What a key is for. A user's key dies with the user; a service's key belongs to the tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyKind {
    User,
    Service,
    Temporary,
}

impl KeyKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "usr",
            Self::Service => "svc",
            Self::Temporary => "tmp",
        }
    }
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for KeyKind {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let all = [Self::User, Self::Service, Self::Temporary];
        all.into_iter().find(|kind| kind.as_str() == text).ok_or(KeyError::Malformed)
    }
}

text_serde!(KeyKind);

/// Why a text is no gateway key. Callers see one uniform refusal; these names are for our own counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("not a gateway key: expected cs_<kind>_<region>_<keyid>_<secret and checksum>")]
    Malformed,
    #[error("the key's checksum does not match: it was cut or mistyped")]
    Checksum,
}

/// A key as its caller presents it. Holds the secret: no `Debug`, no `Display`, wiped when dropped.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct GatewayKey {
    #[zeroize(skip)]
    kind: KeyKind,
    #[zeroize(skip)]
    region: Region,
    #[zeroize(skip)]
    id: KeyId,
    secret: String,
}

impl GatewayKey {
    /// Makes a new key from 59 uniform random bytes: 16 choose the id, 43 the secret.
    ///
    pub fn mint(kind: KeyKind, region: Region, random: &[u8; 59]) -> Option<Self> {
        let text = base62(random);
        let (id, secret) = text.split_at_checked(KeyId::CHARS)?;
        Some(Self { kind, region, id: id.parse().ok()?, secret: secret.to_owned() })
    }

    /// The same key with a new secret, from the last 43 of as many bytes.
    pub fn mint_as(id: KeyId, kind: KeyKind, region: Region, random: &[u8; 59]) -> Option<Self> {
        Self::mint(kind, region, random).map(|mut made| {
            made.id = id;
            made
        })
    }

    pub const fn kind(&self) -> KeyKind {
        self.kind
    }

    pub const fn region(&self) -> Region {
        self.region
    }

    pub const fn id(&self) -> &KeyId {
        &self.id
    }

    /// What the key's row holds: SHA-256 of the secret's text. The secret has 256 random bits, so a slow hash
    /// would add nothing but latency.
    pub fn secret_hash(&self) -> SecretHash {
        SecretHash::of(&self.secret)
    }

    /// The whole text, checksum included. Shown to its owner once, when it is made.
    pub fn reveal(&self) -> String {
        let body = format!("cs_{}_{}_{}_{}", self.kind, self.region, self.id, self.secret);
        let checksum = checksum(&body);
        body + &checksum
    }
}

impl fmt::Debug for GatewayKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GatewayKey({})", self.id)
    }
}

impl FromStr for GatewayKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let (body, check) = split_checksum(text)?;
        let mut parts = body.split('_');
        let mut next = || parts.next().ok_or(KeyError::Malformed);
        let (prefix, kind, region, id, secret) = (next()?, next()?, next()?, next()?, next()?);
        let shaped = prefix == "cs"
            && parts.next().is_none()
            && secret.len() == SECRET_CHARS
            && secret.bytes().chain(check.bytes()).all(|byte| byte.is_ascii_alphanumeric());
        if !shaped {
            return Err(KeyError::Malformed);
        }
        let key = Self {
            kind: kind.parse()?,
            region: region.parse().map_err(|_| KeyError::Malformed)?,
            id: id.parse().map_err(|_| KeyError::Malformed)?,
            secret: secret.to_owned(),
        };
        if checksum(body) == check { Ok(key) } else { Err(KeyError::Checksum) }
    }
}

/// What stands before a text's checksum, and the checksum.
pub(crate) fn split_checksum(text: &str) -> Result<(&str, &str), KeyError> {
    let at = text.len().checked_sub(CHECKSUM_CHARS).and_then(|at| text.split_at_checked(at));
    at.ok_or(KeyError::Malformed)
}

/// A byte chooses one of 62 characters by `byte * 62 / 256`; the bias costs less than 0.1 bit of a secret's 256.
pub(crate) fn base62(random: &[u8]) -> String {
    let character = |byte: &u8| BASE62.get(usize::from(*byte) * 62 / 256).copied().map(char::from);
    random.iter().filter_map(character).collect()
}

pub(crate) fn checksum(body: &str) -> String {
    let mut rest = crc32fast::hash(body.as_bytes()) as usize;
    let mut digits = [0_u8; CHECKSUM_CHARS];
    for digit in digits.iter_mut().rev() {
        *digit = BASE62.get(rest % 62).copied().unwrap_or(b'0');
        rest /= 62;
    }
    digits.into_iter().map(char::from).collect()
}

/// SHA-256 of a key's secret, as 64 hexadecimal characters in rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SecretHash([u8; 32]);

impl SecretHash {
    /// Of a secret with at least 128 random bits.
    pub fn of(secret: &str) -> Self {
        Self(Sha256::digest(secret.as_bytes()).into())
    }

    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for SecretHash {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let mut hash = [0_u8; 32];
        let nibble = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        if pairs.len() != hash.len() || !rest.is_empty() {
            return Err(KeyError::Malformed);
        }
        for (to, [high, low]) in hash.iter_mut().zip(pairs) {
            *to = nibble(*high)
                .zip(nibble(*low))
                .map(|(high, low)| high << 4 | low)
                .ok_or(KeyError::Malformed)?;
        }
        Ok(Self(hash))
    }
}

text_serde!(SecretHash);

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> GatewayKey {
        GatewayKey::mint(KeyKind::Service, Region::Eu, &std::array::from_fn(|i| (i * 4) as u8)).unwrap()
    }

    /// Pinned: scanners and other implementations recognise keys by this form.
    #[test]
    fn the_text_form_is_pinned() {
        assert_eq!(
            key().reveal(),
            "cs_svc_eu_00123456789ABCDE_FGHIJKLMNOPQRSTUVVWXYZabcdefghijklmnopqrstu0ho1F9"
        );
    }

    #[test]
    fn a_key_reads_back() {
        let read: GatewayKey = key().reveal().parse().unwrap();
        assert_eq!((read.kind(), read.region(), read.id()), (KeyKind::Service, Region::Eu, key().id()));
        assert_eq!(read.secret_hash(), key().secret_hash());
        assert_eq!(key().secret_hash().to_string().parse(), Ok(key().secret_hash()));
    }

    #[test]
    fn debug_shows_no_secret() {
        let shown = format!("{:?}", key());
        assert!(!shown.contains(key().reveal().split_at(30).1.split_at(30).0), "{shown}");
    }

    #[test]
    fn every_mangled_key_is_refused_without_io() {
        let text = key().reveal();
        for cut in 0..text.len() {
            assert!(text.split_at(cut).0.parse::<GatewayKey>().is_err());
        }
        for at in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] = if bytes[at] == b'x' { b'y' } else { b'x' };
            assert!(String::from_utf8(bytes).unwrap().parse::<GatewayKey>().is_err(), "changed at {at}");
        }
        for bad in ["", "sk-abc", "cs_svc_eu", "ключ", &format!("{text}é"), &text.replace("_eu_", "_mars_")]
        {
            assert!(bad.parse::<GatewayKey>().is_err());
        }
    }
}
