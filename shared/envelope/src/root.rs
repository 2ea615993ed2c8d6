//! Root secrets, the joint that wraps them, and the keys derived from them.

use std::fmt;
use std::future::Future;

use domain::{Digest, Region, TenantId, WrappedRoot};
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::Purpose;

/// KMS encryption context: authenticated with the wrapped root, logged by CloudTrail, never secret.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Context {
    pub tenant: TenantId,
    pub region: Region,
    pub purpose: Purpose,
    pub version: u32,
}

impl Context {
    /// The pairs that KMS is given. Policies of roles name `app`, `region` and `purpose`.
    pub fn pairs(&self) -> [(&'static str, String); 5] {
        [
            ("app", "countersign".to_owned()),
            ("tenant", self.tenant.to_string()),
            ("region", self.region.to_string()),
            ("purpose", self.purpose.to_string()),
            ("version", self.version.to_string()),
        ]
    }
}

/// 32 random bytes as KMS made them. Wiped when dropped; no `Debug`.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct RootSecret([u8; 32]);

impl RootSecret {
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for RootSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RootSecret")
    }
}

/// Why a root could not be wrapped or unwrapped. Carries no detail: the cause is logged where it happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WrapError {
    #[error("the key service did not answer")]
    Unavailable,
    #[error("the key service refused")]
    Refused,
}

/// The joint to the key service. Production: KMS. Tests: in memory, with faults.
///
/// Both calls are idempotent for the caller: a retry after an unknown outcome is harmless, since a wrapped root
/// that no row names is never used.
pub trait KeyWrapper {
    /// Makes a new root and returns it wrapped only: the plaintext never leaves the key service here.
    fn generate(&self, context: &Context) -> impl Future<Output = Result<WrappedRoot, WrapError>> + Send;

    /// Unwraps a root that was wrapped under exactly this context.
    fn unwrap(
        &self,
        wrapped: &WrappedRoot,
        context: &Context,
    ) -> impl Future<Output = Result<RootSecret, WrapError>> + Send;
}

/// The key of one tenant, purpose and version. Derived, never stored; wiped when dropped.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct RootKey {
    #[zeroize(skip)]
    version: u32,
    pub(crate) key: [u8; 32],
}

impl fmt::Debug for RootKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RootKey(version {})", self.version)
    }
}

/// `length u32 ‖ bytes` for each part: no two lists of parts give the same bytes. A plain concatenation would let
/// one tenant's id continue into another's.
pub(crate) fn length_prefixed(parts: &[&[u8]]) -> Vec<u8> {
    let with_length = |part: &&[u8]| {
        let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
        [length.to_be_bytes().as_slice(), part].concat()
    };
    parts.iter().flat_map(with_length).collect()
}

/// HKDF-SHA-256 (RFC 5869) into `N` bytes. `N` is at most 64 here, far below the limit of 255 × 32.
pub(crate) fn derive<const N: usize>(salt: Option<&[u8]>, secret: &[u8], info: &[u8]) -> [u8; N] {
    const { assert!(N <= 64) };
    let mut out = [0_u8; N];
    // `expand` fails only beyond 255 × 32 bytes, which the assertion above rules out.
    let _ = Hkdf::<Sha256>::new(salt, secret).expand(info, &mut out);
    out
}

impl RootKey {
    pub fn derive(secret: &RootSecret, context: &Context) -> Self {
        let info = length_prefixed(&[
            context.purpose.as_str().as_bytes(),
            context.tenant.as_str().as_bytes(),
            context.region.as_str().as_bytes(),
            &context.version.to_be_bytes(),
        ]);
        Self { version: context.version, key: derive(None, &secret.0, &info) }
    }

    pub(crate) const fn from_key(version: u32, key: [u8; 32]) -> Self {
        Self { version, key }
    }

    pub const fn version(&self) -> u32 {
        self.version
    }

    /// A keyed digest of `body`, bound to `label` and `id`: proves later what was said, to whoever has the key.
    pub fn commitment(&self, label: &str, id: &[u8], body: &[u8]) -> Digest {
        Digest::from_bytes(&self.mac(&[b"commitment", label.as_bytes(), id], body))
    }

    /// The same over a body that arrives in pieces.
    pub fn committing(&self, label: &str, id: &[u8]) -> Committing {
        Committing(self.keyed(&[b"commitment", label.as_bytes(), id]))
    }

    /// An identifier as it may leave the region: stable within the tenant, meaningless outside it. `psn_` and 32
    /// letters: without digits, no detector can take a part of it for a number of somebody's.
    pub fn pseudonym(&self, field: &str, value: &str) -> String {
        let mac = self.mac(&[b"pseudonym", field.as_bytes()], value.as_bytes());
        let letters = mac.iter().take(16).flat_map(|byte| [byte >> 4, byte & 15]);
        "psn_".chars().chain(letters.map(|nibble| char::from(b'a' + nibble))).collect()
    }

    fn mac(&self, label: &[&[u8]], body: &[u8]) -> [u8; 32] {
        self.keyed(label).map(|mac| mac.chain_update(body).finalize().into_bytes().into()).unwrap_or_default()
    }

    /// HMAC takes keys of any length; the error type exists for other MACs.
    fn keyed(&self, label: &[&[u8]]) -> Option<Hmac<Sha256>> {
        let key: [u8; 32] = derive(None, &self.key, &length_prefixed(label));
        Hmac::<Sha256>::new_from_slice(&key).ok()
    }
}

/// A commitment in the making.
pub struct Committing(Option<Hmac<Sha256>>);

impl Committing {
    pub fn update(&mut self, bytes: &[u8]) {
        if let Some(mac) = &mut self.0 {
            mac.update(bytes);
        }
    }

    pub fn finish(self) -> Digest {
        Digest::from_bytes(&self.0.map(|mac| mac.finalize().into_bytes().into()).unwrap_or_default())
    }
}

impl fmt::Debug for Committing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Committing")
    }
}
