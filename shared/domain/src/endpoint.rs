//! By which names breakers are found: an endpoint's and a credential's, without saying either.

use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::{Provider, ProviderKind, Region, SealedBytes};

/// The first 16 hexadecimal characters of a SHA-256 digest: enough to tell endpoints apart, and no secret.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShortDigest(String);

impl ShortDigest {
    fn of(parts: &[&[u8]]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            // Each part with its length: no two lists of parts read alike.
            hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(part);
        }
        Self(hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect())
    }

    /// An endpoint: what it speaks, where it is, and in which region. Tenants that call the same one share its name.
    pub fn of_endpoint(kind: ProviderKind, base_url: &str, region: Region) -> Self {
        let base_url = base_url.trim_end_matches('/');
        Self::of(&[kind.as_str().as_bytes(), base_url.as_bytes(), region.as_str().as_bytes()])
    }

    /// A credential as it is sealed: another one has another name, and so has the same one sealed again.
    pub fn of_credential(sealed: &SealedBytes) -> Self {
        Self::of(&[sealed.as_bytes()])
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ShortDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Provider {
    pub fn endpoint(&self) -> ShortDigest {
        ShortDigest::of_endpoint(self.kind, &self.base_url, self.region)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_its_kind_its_address_and_its_region() {
        let of = |kind, url, region| ShortDigest::of_endpoint(kind, url, region).to_string();
        let one = of(ProviderKind::OpenAi, "https://api.example/v1", Region::Eu);
        assert_eq!(one, of(ProviderKind::OpenAi, "https://api.example/v1/", Region::Eu));
        assert_eq!((one.len(), one.bytes().all(|byte| byte.is_ascii_hexdigit())), (16, true));
        for other in [
            of(ProviderKind::Compatible, "https://api.example/v1", Region::Eu),
            of(ProviderKind::OpenAi, "https://api.example/v2", Region::Eu),
            of(ProviderKind::OpenAi, "https://api.example/v1", Region::Us),
        ] {
            assert_ne!(one, other);
        }
    }
}
