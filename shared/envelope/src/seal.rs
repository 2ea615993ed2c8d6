//! Sealing and opening of one message.

use std::fmt;

use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm::{Aes256Gcm, Key, Nonce};
use domain::SealedBytes;
use subtle::ConstantTimeEq as _;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::Aad;
use crate::root::{RootKey, derive};

/// Salt 16 ‖ nonce 12.
pub const SEAL_RANDOM_BYTES: usize = 28;
const MESSAGE_INFO: &[u8] = b"countersign CSE1 message";

/// A value that this crate sealed: the proof that nothing plain is inside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed(SealedBytes);

impl From<Sealed> for SealedBytes {
    fn from(sealed: Sealed) -> Self {
        sealed.0
    }
}

/// Why a sealed value does not open. Which of the last two it was helps an operator, never a forger: both mean
/// "not sealed by this key for this place".
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    #[error("the sealed value is damaged or cut short")]
    Malformed,
    #[error("sealed under key version {sealed}, opened with version {given}")]
    Version { sealed: u32, given: u32 },
    #[error("sealed under another key")]
    Commitment,
    #[error("altered, or sealed for another place")]
    Tag,
}

/// Opened bytes. Wiped when dropped; no `Debug` of the content.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Plaintext(Vec<u8>);

impl Plaintext {
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes as text; `None` when they are not UTF-8.
    pub fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }
}

impl fmt::Debug for Plaintext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Plaintext")
    }
}

struct MessageKeys {
    cipher: Aes256Gcm,
    commitment: [u8; 32],
}

fn message_keys(root: &RootKey, salt: &[u8]) -> MessageKeys {
    let both: Zeroizing<[u8; 64]> = Zeroizing::new(derive(Some(salt), &root.key, MESSAGE_INFO));
    let (mut key, mut commitment) = (Zeroizing::new([0_u8; 32]), [0_u8; 32]);
    for (to, from) in key.iter_mut().chain(commitment.iter_mut()).zip(both.iter()) {
        *to = *from;
    }
    MessageKeys { cipher: Aes256Gcm::new(&Key::<Aes256Gcm>::from(*key)), commitment }
}

/// The parts of a sealed value, by the layout on the crate's front page.
struct Parts<'a> {
    version: u32,
    salt: &'a [u8],
    nonce: [u8; 12],
    commitment: &'a [u8],
    ciphertext: &'a [u8],
}

fn split(bytes: &[u8]) -> Option<Parts<'_>> {
    let (magic, rest) = bytes.split_first_chunk::<4>()?;
    let (version, rest) = rest.split_first_chunk::<4>()?;
    let (salt, rest) = rest.split_first_chunk::<16>()?;
    let (nonce, rest) = rest.split_first_chunk::<12>()?;
    let (commitment, ciphertext) = rest.split_first_chunk::<32>()?;
    let parts = Parts { version: u32::from_be_bytes(*version), salt, nonce: *nonce, commitment, ciphertext };
    (magic == SealedBytes::MAGIC).then_some(parts)
}

impl RootKey {
    /// Seals `plaintext` for the place that `aad` names.
    ///
    /// `random` must be fresh for every call. The salt gives each message its own key, so even a repeated nonce
    /// would not repeat a (key, nonce) pair.
    ///
    /// # Errors
    /// Only for plaintexts beyond AES-GCM's limit of 64 GiB.
    pub fn seal(
        &self,
        aad: &Aad,
        plaintext: &[u8],
        random: &[u8; SEAL_RANDOM_BYTES],
    ) -> Result<Sealed, OpenError> {
        let (salt, nonce) = random.split_first_chunk::<16>().ok_or(OpenError::Malformed)?;
        let nonce: [u8; 12] = nonce.try_into().map_err(|_| OpenError::Malformed)?;
        let keys = message_keys(self, salt);
        let payload = Payload { msg: plaintext, aad: aad.as_bytes() };
        let ciphertext =
            keys.cipher.encrypt(&Nonce::from(nonce), payload).map_err(|_| OpenError::Malformed)?;
        let version = self.version().to_be_bytes();
        let bytes =
            [SealedBytes::MAGIC.as_slice(), &version, salt, &nonce, &keys.commitment, &ciphertext].concat();
        SealedBytes::from_sealed_form(bytes).map(Sealed).map_err(|_| OpenError::Malformed)
    }

    /// Opens what [`RootKey::seal`] sealed under the same key for the same place.
    ///
    /// # Errors
    /// Any difference in key, place or bytes. The commitment is compared before anything is decrypted.
    pub fn open(&self, aad: &Aad, sealed: &SealedBytes) -> Result<Plaintext, OpenError> {
        let parts = split(sealed.as_bytes()).ok_or(OpenError::Malformed)?;
        if parts.version != self.version() {
            return Err(OpenError::Version { sealed: parts.version, given: self.version() });
        }
        let keys = message_keys(self, parts.salt);
        if !bool::from(keys.commitment.as_slice().ct_eq(parts.commitment)) {
            return Err(OpenError::Commitment);
        }
        let payload = Payload { msg: parts.ciphertext, aad: aad.as_bytes() };
        keys.cipher.decrypt(&Nonce::from(parts.nonce), payload).map(Plaintext).map_err(|_| OpenError::Tag)
    }
}

/// The key version that a sealed value names, to choose the root that opens it.
pub fn sealed_version(sealed: &SealedBytes) -> Option<u32> {
    split(sealed.as_bytes()).map(|parts| parts.version)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Context, Purpose, RootSecret};
    use domain::{EventId, Region, TenantId, Timestamp};
    use proptest::prelude::*;

    fn key(tenant: u8, purpose: Purpose, version: u32) -> RootKey {
        let context =
            Context { tenant: TenantId::from_random([tenant; 10]), region: Region::Eu, purpose, version };
        RootKey::derive(&RootSecret::new([9; 32]), &context)
    }

    fn place(field: &str) -> Aad {
        Aad::row(&TenantId::from_random([1; 10]), "control", "pk", "sk", field)
    }

    #[test]
    fn nothing_opens_elsewhere() {
        let sealed =
            SealedBytes::from(key(1, Purpose::Credential, 7).seal(&place("a"), b"secret", &[5; 28]).unwrap());
        let open = |key: RootKey, place: &Aad| key.open(place, &sealed).map(|_| ());
        assert_eq!(open(key(1, Purpose::Credential, 7), &place("a")), Ok(()));
        assert_eq!(open(key(1, Purpose::Credential, 7), &place("b")), Err(OpenError::Tag));
        assert_eq!(open(key(2, Purpose::Credential, 7), &place("a")), Err(OpenError::Commitment));
        assert_eq!(open(key(1, Purpose::Audit, 7), &place("a")), Err(OpenError::Commitment));
        let retired = Err(OpenError::Version { sealed: 7, given: 8 });
        assert_eq!(open(key(1, Purpose::Credential, 8), &place("a")), retired);
    }

    proptest! {
        #[test]
        fn opening_gives_back_what_was_sealed(plain in proptest::collection::vec(any::<u8>(), 0..200), random: [u8; 28]) {
            let key = key(1, Purpose::Audit, 1);
            let sealed = SealedBytes::from(key.seal(&place("f"), &plain, &random).unwrap());
            let opened = key.open(&place("f"), &sealed).unwrap();
            prop_assert_eq!(opened.as_bytes(), plain.as_slice());
        }

        #[test]
        fn any_changed_bit_keeps_it_shut(plain in proptest::collection::vec(any::<u8>(), 0..40), at: prop::sample::Index, bit in 0..8) {
            let key = key(1, Purpose::Audit, 1);
            for aad in aads() {
                let mut bytes = SealedBytes::from(key.seal(&aad, &plain, &[3; 28]).unwrap()).as_bytes().to_vec();
                let at = at.index(bytes.len());
                bytes[at] ^= 1_u8 << bit;
                let opened = SealedBytes::from_sealed_form(bytes).map(|sealed| key.open(&aad, &sealed).is_ok());
                prop_assert!(!matches!(opened, Ok(true)));
            }
        }

        /// Every form of a place, and every change of one character in it.
        #[test]
        fn any_other_place_keeps_it_shut(change: prop::sample::Index, to in "[a-zA-Z0-9#_:.]") {
            let key = key(1, Purpose::Audit, 1);
            for aad in aads() {
                let sealed = SealedBytes::from(key.seal(&aad, b"secret", &[3; 28]).unwrap());
                prop_assert!(key.open(&aad, &sealed).is_ok());
                let other = aad.with_changed_character(change.index(aad.as_bytes().len()), &to);
                prop_assert_eq!(key.open(&other, &sealed).is_ok(), other == aad);
            }
        }
    }

    fn aads() -> [Aad; 3] {
        let (tenant, event) =
            (TenantId::from_random([1; 10]), EventId::new(Timestamp::from_unix_millis(0).unwrap(), [0; 10]));
        [
            Aad::row(&tenant, "control", "pk", "sk", "f"),
            Aad::credential(&tenant, "control", "pk", "sk", "f", "api.example.com"),
            Aad::record(&tenant, event, "source_ip"),
        ]
    }

    /// All bits of one value, not a sample of them.
    #[test]
    fn each_single_bit_of_a_value_counts() {
        let (key, aad) = (key(1, Purpose::Audit, 1), place("f"));
        let bytes = SealedBytes::from(key.seal(&aad, b"secret", &[3; 28]).unwrap()).as_bytes().to_vec();
        for at in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[at / 8] ^= 1 << (at % 8);
            let opened = SealedBytes::from_sealed_form(changed).map(|sealed| key.open(&aad, &sealed).is_ok());
            assert!(!matches!(opened, Ok(true)), "bit {at}");
        }
    }
}
