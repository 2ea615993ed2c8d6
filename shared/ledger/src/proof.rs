//! Proofs that a leaf is in a tree and that a tree grew out of an older one (RFC 6962 sections 2.1.1 and 2.1.2). Made here
//! from the hashes of the leaves; verified by `ct_merkle`.

use ct_merkle::{ConsistencyProof, InclusionProof, RootHash};
use sha2::Sha256;

use crate::Hash;
use crate::tree::Frontier;

/// A proof does not show what it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the proof does not hold")]
pub struct NotProven;

/// The largest power of two below `size`: where RFC 6962 splits a tree of more than one leaf.
fn split(size: usize) -> usize {
    size.next_power_of_two() / 2
}

fn root(leaves: &[Hash]) -> Hash {
    let mut tree = Frontier::default();
    leaves.iter().for_each(|leaf| tree.append(*leaf));
    tree.root()
}

/// The path from leaf `index` to the root over `leaves`, from the leaf's sibling upwards. `None` when there is no such leaf.
pub fn inclusion(leaves: &[Hash], index: usize) -> Option<Vec<Hash>> {
    if index >= leaves.len() {
        return None;
    }
    if leaves.len() == 1 {
        return Some(Vec::new());
    }
    let (left, right) = leaves.split_at_checked(split(leaves.len()))?;
    let (mut path, sibling) = match index.checked_sub(left.len()) {
        None => (inclusion(left, index)?, right),
        Some(index) => (inclusion(right, index)?, left),
    };
    path.push(root(sibling));
    Some(path)
}

/// What shows that the tree over `leaves` begins with the tree over its first `old` leaves. `None` for an empty old tree,
/// out of which everything grows, and for one that is larger.
pub fn consistency(leaves: &[Hash], old: usize) -> Option<Vec<Hash>> {
    if old == 0 || old > leaves.len() { None } else { subproof(leaves, old, true) }
}

/// `whole`: the old tree is the one whose root the verifier knows already.
fn subproof(leaves: &[Hash], old: usize, whole: bool) -> Option<Vec<Hash>> {
    if old == leaves.len() {
        return Some(if whole { Vec::new() } else { vec![root(leaves)] });
    }
    let (left, right) = leaves.split_at_checked(split(leaves.len()))?;
    let (mut proof, sibling) = match old.checked_sub(left.len()) {
        None | Some(0) => (subproof(left, old, whole)?, right),
        Some(old) => (subproof(right, old, false)?, left),
    };
    proof.push(root(sibling));
    Some(proof)
}

fn bytes(proof: &[Hash]) -> Vec<u8> {
    proof.iter().flat_map(|hash| hash.as_bytes().iter().copied()).collect()
}

fn root_hash(root: &Hash, size: u64) -> RootHash<Sha256> {
    RootHash::new((*root.as_bytes()).into(), size)
}

/// What the other implementation's arithmetic takes; no log comes near it.
const MAX_SIZE: u64 = u64::MAX / 2;

/// Whether `leaf` is number `index` of the tree of `size` leaves under `root`.
///
/// # Errors
/// It is not shown.
pub fn verify_inclusion(
    leaf: &[u8],
    index: u64,
    (root, size): (&Hash, u64),
    proof: &[Hash],
) -> Result<(), NotProven> {
    if index >= size || size > MAX_SIZE {
        return Err(NotProven);
    }
    let proof = InclusionProof::<Sha256>::try_from_bytes(bytes(proof)).map_err(|_| NotProven)?;
    root_hash(root, size).verify_inclusion(&leaf, index, &proof).map_err(|_| NotProven)
}

/// Whether the tree of `new` begins with the tree of `old`; each is a root and a size.
///
/// # Errors
/// It is not shown. An old tree without leaves is the beginning of every tree and needs an empty proof.
pub fn verify_consistency(old: (&Hash, u64), new: (&Hash, u64), proof: &[Hash]) -> Result<(), NotProven> {
    let holds = match (old.1, new.1) {
        (0, _) => *old.0 == Hash::of_nothing() && proof.is_empty(),
        (before, after) if before == after => old.0 == new.0 && proof.is_empty(),
        (before, after) if before > after || after > MAX_SIZE => false,
        _ => {
            let proof = ConsistencyProof::<Sha256>::try_from_bytes(bytes(proof)).map_err(|_| NotProven)?;
            root_hash(new.0, new.1).verify_consistency(&root_hash(old.0, old.1), &proof).is_ok()
        }
    };
    if holds { Ok(()) } else { Err(NotProven) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::leaf_hash;
    use proptest::prelude::*;

    fn leaves(count: usize) -> Vec<Vec<u8>> {
        (0..count).map(|n| format!("leaf {n}").into_bytes()).collect()
    }

    fn hashes(leaves: &[Vec<u8>]) -> Vec<Hash> {
        leaves.iter().map(|leaf| leaf_hash(leaf)).collect()
    }

    fn size(leaves: &[Hash]) -> u64 {
        u64::try_from(leaves.len()).unwrap()
    }

    #[test]
    fn every_leaf_of_every_small_tree_is_proven_and_no_other() {
        for count in 1..=33 {
            let leaves = leaves(count);
            let hashes = hashes(&leaves);
            let root = root(&hashes);
            for (n, leaf) in leaves.iter().enumerate() {
                let proof = inclusion(&hashes, n).unwrap();
                let index = u64::try_from(n).unwrap();
                let shown =
                    |leaf: &[u8], index| verify_inclusion(leaf, index, (&root, size(&hashes)), &proof);
                assert_eq!(shown(leaf, index), Ok(()), "{n} of {count}");
                assert_eq!(shown(b"another", index), Err(NotProven));
                assert_eq!(shown(leaf, size(&hashes)), Err(NotProven));
            }
            assert_eq!(inclusion(&hashes, count), None);
        }
        assert_eq!(verify_inclusion(b"x", 0, (&Hash::of_nothing(), 0), &[]), Err(NotProven));
        assert_eq!(
            verify_inclusion(b"x", u64::MAX - 1, (&Hash::of_nothing(), u64::MAX), &[]),
            Err(NotProven)
        );
    }

    #[test]
    fn every_beginning_of_every_small_tree_is_proven() {
        for count in 1..=33 {
            let hashes = hashes(&leaves(count));
            let new = (&root(&hashes), size(&hashes));
            for old in 1..=count {
                let proof = consistency(&hashes, old).unwrap();
                let before = (&root(&hashes[..old]), u64::try_from(old).unwrap());
                assert_eq!(verify_consistency(before, new, &proof), Ok(()), "{old} of {count}");
                let forged = (&leaf_hash(b"forged"), before.1);
                assert_eq!(verify_consistency(forged, new, &proof), Err(NotProven), "{old} of {count}");
            }
            assert_eq!(verify_consistency((&Hash::of_nothing(), 0), new, &[]), Ok(()));
            assert_eq!(consistency(&hashes, count + 1), None);
        }
    }

    proptest! {
        /// Whatever is changed in a history, a proof over it does not show the old beginning.
        #[test]
        fn a_changed_history_is_not_consistent(count in 2_usize..70, at: prop::sample::Index, old: prop::sample::Index) {
            let honest = leaves(count);
            let old = old.index(count - 1) + 1;
            let mut forged = honest.clone();
            forged[at.index(old)] = b"forged".to_vec();
            let (honest, forged) = (hashes(&honest), hashes(&forged));
            let before = (&root(&honest[..old]), u64::try_from(old).unwrap());
            let proof = consistency(&forged, old).unwrap();
            prop_assert_eq!(verify_consistency(before, (&root(&forged), size(&forged)), &proof), Err(NotProven));
        }

        #[test]
        fn nothing_panics(proof in proptest::collection::vec(any::<[u8; 32]>(), 0..70), a: u64, b: u64) {
            let proof: Vec<_> = proof.into_iter().map(Hash::from_bytes).collect();
            let hash = leaf_hash(b"x");
            let _ = verify_inclusion(b"x", a, (&hash, b), &proof);
            let _ = verify_consistency((&hash, a), (&hash, b), &proof);
        }
    }
}
