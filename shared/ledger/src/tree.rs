//! The Merkle tree of RFC 6962 section 2.1, as far as appending needs it.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

/// A SHA-256 hash of a leaf, of a node, or of a whole tree.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash([u8; 32]);

impl Hash {
    /// The root of a tree without leaves: the hash of nothing.
    #[must_use]
    pub fn of_nothing() -> Self {
        Self(Sha256::digest([]).into())
    }

    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The parent of two nodes.
    #[must_use]
    pub fn parent(left: &Self, right: &Self) -> Self {
        Self(Sha256::new().chain_update([1]).chain_update(left.0).chain_update(right.0).finalize().into())
    }

    /// SHA-256 of any bytes: no node of a tree.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// SHA-256 of all that a reader gives.
    ///
    /// # Errors
    /// The reader's.
    pub fn of_reader(reader: &mut impl std::io::Read) -> std::io::Result<Self> {
        let (mut digest, mut part) = (Sha256::new(), vec![0; 64 * 1024]);
        loop {
            match reader.read(&mut part)? {
                0 => return Ok(Self(digest.finalize().into())),
                read => digest.update(part.get(..read).unwrap_or_default()),
            }
        }
    }

    /// As checkpoints write it: base64 (RFC 4648 section 4).
    pub fn to_base64(&self) -> String {
        STANDARD.encode(self.0)
    }

    /// Reads [`Hash::to_base64`]; `None` for anything else, other ways to write the same bytes included.
    pub fn from_base64(text: &str) -> Option<Self> {
        STANDARD.decode(text).ok()?.try_into().ok().map(Self)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}

/// 64 hexadecimal characters, as records and names write it.
impl FromStr for Hash {
    type Err = NotAHash;

    fn from_str(text: &str) -> Result<Self, NotAHash> {
        let digits = text.as_bytes();
        if digits.len() != 64 {
            return Err(NotAHash);
        }
        let mut bytes = [0_u8; 32];
        for (to, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *to = pair
                .iter()
                .try_fold(0_u8, |byte, digit| Some(byte << 4 | nibble(*digit)?))
                .ok_or(NotAHash)?;
        }
        Ok(Self(bytes))
    }
}

/// Lower case alone, so that a hash has one text form.
const fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

/// A text that is not 64 lower-case hexadecimal characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a hash: expected 64 lower-case hexadecimal characters")]
pub struct NotAHash;

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// The hash of a leaf. Prefixed otherwise than a node's, so that neither can be shown for the other.
#[must_use]
pub fn leaf_hash(leaf: &[u8]) -> Hash {
    Hash(Sha256::new().chain_update([0]).chain_update(leaf).finalize().into())
}

/// A tree that only grows: its size and the roots of its perfect subtrees, the largest first. Enough to append any number
/// of leaves and to know the root after each, without the leaves before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    nodes: Vec<Hash>,
}

/// What cannot be a frontier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a tree of {size} leaves has {expected} perfect subtrees, not {found}")]
pub struct FrontierError {
    size: u64,
    expected: u32,
    found: usize,
}

impl Frontier {
    /// A frontier as it was stored.
    ///
    /// # Errors
    /// Another number of subtrees than a tree of that size has.
    pub fn from_parts(size: u64, nodes: Vec<Hash>) -> Result<Self, FrontierError> {
        let expected = size.count_ones();
        if usize::try_from(expected) == Ok(nodes.len()) {
            Ok(Self { size, nodes })
        } else {
            Err(FrontierError { size, expected, found: nodes.len() })
        }
    }

    pub const fn size(&self) -> u64 {
        self.size
    }

    pub fn nodes(&self) -> &[Hash] {
        &self.nodes
    }

    /// Appends a leaf: as many subtrees merge as the size has trailing ones.
    pub fn append(&mut self, leaf: Hash) {
        let mut node = leaf;
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.nodes.pop() {
                node = Hash::parent(&left, &node);
            }
        }
        self.nodes.push(node);
        self.size = self.size.saturating_add(1);
    }

    /// The root over all leaves: the subtrees, merged from the smallest.
    #[must_use]
    pub fn root(&self) -> Hash {
        let merged = self.nodes.iter().rev().copied().reduce(|right, left| Hash::parent(&left, &right));
        merged.unwrap_or_else(Hash::of_nothing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ct_merkle::mem_backed_tree::MemoryBackedTree;
    use proptest::prelude::*;

    /// The leaves and roots that Certificate Transparency's own tests use (google/certificate-transparency,
    /// merkletree/merkle_tree_test.cc).
    const LEAVES: [&[u8]; 8] = [
        b"",
        b"\x00",
        b"\x10",
        b"\x20\x21",
        b"\x30\x31",
        b"\x40\x41\x42\x43",
        b"\x50\x51\x52\x53\x54\x55\x56\x57",
        b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
    ];
    const ROOTS: [&str; 8] = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];

    #[test]
    fn the_public_vectors_hold() {
        let mut tree = Frontier::default();
        assert_eq!(
            tree.root().to_string(),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        for (leaf, root) in LEAVES.iter().zip(ROOTS) {
            tree.append(leaf_hash(leaf));
            assert_eq!(tree.root().to_string(), root);
        }
    }

    #[test]
    fn a_stored_frontier_is_taken_whole_or_not_at_all() {
        let mut tree = Frontier::default();
        (0..5).for_each(|_| tree.append(leaf_hash(b"x")));
        let back = Frontier::from_parts(tree.size(), tree.nodes().to_vec());
        assert_eq!(back, Ok(tree.clone()));
        for nodes in [vec![], tree.nodes()[..1].to_vec(), [tree.nodes(), tree.nodes()].concat()] {
            assert!(Frontier::from_parts(5, nodes).is_err());
        }
    }

    proptest! {
        /// Against another implementation, whatever the leaves, and through a store at any point.
        #[test]
        fn roots_agree_with_another_implementation(
            leaves in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..200),
            stored in any::<prop::sample::Index>(),
        ) {
            let (mut tree, mut other) = (Frontier::default(), MemoryBackedTree::<Sha256, Vec<u8>>::new());
            let at = stored.index(leaves.len() + 1);
            for (n, leaf) in leaves.iter().enumerate() {
                if n == at {
                    tree = Frontier::from_parts(tree.size(), tree.nodes().to_vec()).unwrap();
                }
                tree.append(leaf_hash(leaf));
                other.push(leaf.clone());
                let (ours, theirs) = (tree.root(), other.root());
                prop_assert_eq!(ours.as_bytes().as_slice(), theirs.as_bytes().as_slice());
            }
        }
    }
}
