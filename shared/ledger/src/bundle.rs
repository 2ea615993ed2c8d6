//! Bundles: the leaves of one commit as one object, under the number of its first leaf. A name that can be created but
//! once gives the place to one writer: whoever comes second finds it taken, and reads what lies there.
//!
//! `CSB1` ‖ first number u64 ‖ count u32 ‖ (length u16 ‖ leaf) per leaf, big-endian. The leaves are framed as in a C2SP
//! entry bundle (tlog-tiles v0.1.0), so that tiles can be made of them without parsing one.

use crate::{Hash, leaf_hash};

const MAGIC: &[u8; 4] = b"CSB1";
/// A leaf's length is 16 bits.
pub const MAX_LEAF_BYTES: usize = 65_535;

/// Leaves of one tenant's log, in order, the first of which has the number `first`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    first: u64,
    leaves: Vec<Vec<u8>>,
}

/// Why there is no bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    #[error("a bundle holds at least one leaf")]
    Empty,
    #[error("a leaf has {bytes} bytes; at most {MAX_LEAF_BYTES} are kept")]
    TooLarge { bytes: usize },
    #[error("the numbers of the leaves exceed what a log can count")]
    Overflow,
    #[error("not a bundle: it is damaged, cut short, or longer than it says")]
    Malformed,
    #[error("the bundle begins at another number than its name says")]
    Name,
}

impl Bundle {
    /// # Errors
    /// No leaf, one that is too large, or numbers beyond 64 bits.
    pub fn new(first: u64, leaves: Vec<Vec<u8>>) -> Result<Self, BundleError> {
        if leaves.is_empty() {
            return Err(BundleError::Empty);
        }
        if let Some(leaf) = leaves.iter().find(|leaf| leaf.len() > MAX_LEAF_BYTES) {
            return Err(BundleError::TooLarge { bytes: leaf.len() });
        }
        let count = u32::try_from(leaves.len()).map_err(|_| BundleError::Overflow)?;
        first.checked_add(count.into()).ok_or(BundleError::Overflow)?;
        Ok(Self { first, leaves })
    }

    pub const fn first(&self) -> u64 {
        self.first
    }

    pub fn leaves(&self) -> &[Vec<u8>] {
        &self.leaves
    }

    pub fn leaf_hashes(&self) -> impl Iterator<Item = Hash> {
        self.leaves.iter().map(|leaf| leaf_hash(leaf))
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        // Both fit: `new` has checked it.
        let count = u32::try_from(self.leaves.len()).unwrap_or(u32::MAX);
        let mut bytes = [MAGIC.as_slice(), &self.first.to_be_bytes(), &count.to_be_bytes()].concat();
        for leaf in &self.leaves {
            bytes.extend(u16::try_from(leaf.len()).unwrap_or(u16::MAX).to_be_bytes());
            bytes.extend(leaf);
        }
        bytes
    }

    /// # Errors
    /// Anything but exactly one bundle.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BundleError> {
        let (first, mut rest, count) = head(bytes).ok_or(BundleError::Malformed)?;
        let mut leaves = Vec::new();
        for _ in 0..count {
            let (leaf, after) = next(rest).ok_or(BundleError::Malformed)?;
            leaves.push(leaf.to_vec());
            rest = after;
        }
        if rest.is_empty() { Self::new(first, leaves) } else { Err(BundleError::Malformed) }
    }

    /// The end of the object's name: the first number with 20 digits, so that names sort as the log does.
    pub fn name(&self) -> String {
        Self::name_at(self.first)
    }

    /// The name of the bundle whose first leaf has the number `first`.
    pub fn name_at(first: u64) -> String {
        format!("{first:020}")
    }

    /// Reads a bundle that lies under `name`.
    ///
    /// # Errors
    /// As [`Bundle::from_bytes`], or one that belongs under another name.
    pub fn named(name: &str, bytes: &[u8]) -> Result<Self, BundleError> {
        let found = Self::from_bytes(bytes)?;
        if found.name() == name { Ok(found) } else { Err(BundleError::Name) }
    }
}

fn head(bytes: &[u8]) -> Option<(u64, &[u8], u32)> {
    let (magic, rest) = bytes.split_first_chunk::<4>()?;
    let (first, rest) = rest.split_first_chunk::<8>()?;
    let (count, rest) = rest.split_first_chunk::<4>()?;
    (magic == MAGIC).then_some((u64::from_be_bytes(*first), rest, u32::from_be_bytes(*count)))
}

fn next(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<2>()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bundle() -> Bundle {
        Bundle::new(258, vec![b"one".to_vec(), Vec::new(), b"three".to_vec()]).unwrap()
    }

    /// Pinned: objects under lock are read for years.
    #[test]
    fn the_bytes_and_the_name_are_pinned() {
        let bytes = b"CSB1\0\0\0\0\0\0\x01\x02\0\0\0\x03\0\x03one\0\0\0\x05three";
        assert_eq!(bundle().to_bytes(), bytes);
        assert_eq!(bundle().name(), "00000000000000000258");
        assert_eq!(Bundle::named(&bundle().name(), bytes), Ok(bundle()));
    }

    #[test]
    fn what_cannot_be_kept_is_refused() {
        assert_eq!(Bundle::new(0, vec![]), Err(BundleError::Empty));
        let large = vec![vec![0; MAX_LEAF_BYTES + 1]];
        assert_eq!(Bundle::new(0, large), Err(BundleError::TooLarge { bytes: 65_536 }));
        assert!(Bundle::new(0, vec![vec![0; MAX_LEAF_BYTES]]).is_ok());
        assert_eq!(Bundle::new(u64::MAX, vec![vec![]]), Err(BundleError::Overflow));
    }

    #[test]
    fn a_damaged_bundle_is_none() {
        let bytes = bundle().to_bytes();
        for end in 0..bytes.len() {
            assert!(Bundle::from_bytes(&bytes[..end]).is_err(), "{end}");
        }
        assert_eq!(Bundle::from_bytes(&[bytes.as_slice(), b"x"].concat()), Err(BundleError::Malformed));
        assert_eq!(Bundle::named(&Bundle::name_at(257), &bytes), Err(BundleError::Name));
        // It says four thousand million leaves, and holds none: refused without making room for them.
        assert!(Bundle::from_bytes(b"CSB1\0\0\0\0\0\0\0\0\xff\xff\xff\xff").is_err());
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(
            first in 0..u64::MAX / 2,
            leaves in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..50), 1..20),
        ) {
            let one = Bundle::new(first, leaves).unwrap();
            prop_assert_eq!(Bundle::named(&one.name(), &one.to_bytes()), Ok(one));
        }

        #[test]
        fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = Bundle::from_bytes(&[b"CSB1".as_slice(), &bytes].concat());
        }
    }
}
