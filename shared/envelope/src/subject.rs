//! Keys of single people: random, one row each, so that destroying one row erases one person and nobody else.

use std::fmt;

use domain::{Opaque, Region, SealedBytes, TenantId};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::root::{derive, length_prefixed};
use crate::{Aad, OpenError, Plaintext, RootKey, SEAL_RANDOM_BYTES, Sealed};

/// The key version that a subject's messages name. Roots are versioned from 1, so no root is ever taken for one.
const VERSION: u32 = 0;

/// 32 random bytes. They are stored sealed under the tenant's `audit` root. Wiped when dropped; no `Debug`.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct SubjectSecret([u8; 32]);

impl fmt::Debug for SubjectSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SubjectSecret")
    }
}

impl SubjectSecret {
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Seals the secret for its row.
    ///
    /// # Errors
    /// As [`RootKey::seal`].
    pub fn seal(
        &self,
        root: &RootKey,
        row: &Aad,
        random: &[u8; SEAL_RANDOM_BYTES],
    ) -> Result<Sealed, OpenError> {
        root.seal(row, &self.0, random)
    }

    /// The secret that a row gave back.
    ///
    /// # Errors
    /// Something else than 32 bytes was sealed there.
    pub fn from_opened(plain: &Plaintext) -> Result<Self, OpenError> {
        plain.as_bytes().try_into().map(Self).map_err(|_| OpenError::Malformed)
    }
}

/// The key of one person within one tenant.
#[derive(Debug)]
pub struct SubjectKey(RootKey);

impl SubjectKey {
    pub fn derive(secret: &SubjectSecret, tenant: &TenantId, region: Region, subject: &Opaque) -> Self {
        let info = length_prefixed(&[
            b"subject",
            tenant.as_str().as_bytes(),
            region.as_str().as_bytes(),
            subject.as_str().as_bytes(),
        ]);
        Self(RootKey::from_key(VERSION, derive(None, &secret.0, &info)))
    }

    /// Seals what is about this person.
    ///
    /// # Errors
    /// As [`RootKey::seal`].
    pub fn seal(
        &self,
        aad: &Aad,
        plaintext: &[u8],
        random: &[u8; SEAL_RANDOM_BYTES],
    ) -> Result<Sealed, OpenError> {
        self.0.seal(aad, plaintext, random)
    }

    /// Opens it.
    ///
    /// # Errors
    /// As [`RootKey::open`].
    pub fn open(&self, aad: &Aad, sealed: &SealedBytes) -> Result<Plaintext, OpenError> {
        self.0.open(aad, sealed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Context, Purpose, RootSecret, sealed_version};

    fn tenant(n: u8) -> TenantId {
        TenantId::from_random([n; 10])
    }

    fn key(n: u8, subject: &str) -> SubjectKey {
        SubjectKey::derive(&SubjectSecret::new([7; 32]), &tenant(n), Region::Eu, &subject.parse().unwrap())
    }

    #[test]
    fn a_subjects_value_opens_for_that_subject_alone() {
        let aad = Aad::row(&tenant(1), "t", "pk", "sk", "f");
        let sealed = SealedBytes::from(key(1, "psn_a").seal(&aad, b"Dana", &[1; 28]).unwrap());
        assert_eq!(sealed_version(&sealed), Some(0));
        assert_eq!(key(1, "psn_a").open(&aad, &sealed).unwrap().as_bytes(), b"Dana");
        for other in [key(1, "psn_b"), key(2, "psn_a")] {
            assert_eq!(other.open(&aad, &sealed).map(|_| ()), Err(OpenError::Commitment));
        }
    }

    #[test]
    fn a_secret_reads_back() {
        let context = Context { tenant: tenant(1), region: Region::Eu, purpose: Purpose::Audit, version: 1 };
        let root = RootKey::derive(&RootSecret::new([9; 32]), &context);
        let row = Aad::row(&tenant(1), "keys", "pk", "sk", "sealed_key");
        let back = |sealed: Sealed| {
            let opened = root.open(&row, &sealed.into()).unwrap();
            SubjectSecret::from_opened(&opened).map(|secret| secret.0)
        };
        assert_eq!(back(SubjectSecret::new([7; 32]).seal(&root, &row, &[1; 28]).unwrap()), Ok([7; 32]));
        assert_eq!(back(root.seal(&row, b"short", &[1; 28]).unwrap()), Err(OpenError::Malformed));
    }
}
