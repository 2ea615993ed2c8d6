//! Tiles (C2SP tlog-tiles v0.1.0): the tree's hashes in files of 256, as standard tools read them.

use crate::{Bundle, Hash};

const WIDTH: usize = 256;

/// All hashes of a tree, by height: its leaves first. For proofs and tiles over a whole log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Levels(Vec<Vec<Hash>>);

impl Levels {
    pub fn new(leaves: Vec<Hash>) -> Self {
        let mut levels = vec![leaves];
        while let Some(below) = levels.last().filter(|level| level.len() > 1) {
            // Perfect subtrees alone: what has no sibling yet is no node of any later tree.
            let above: Vec<_> = below
                .chunks_exact(2)
                .filter_map(|pair| Some(Hash::parent(pair.first()?, pair.last()?)))
                .collect();
            levels.push(above);
        }
        Self(levels)
    }

    /// The root over leaves `from..to`, where `from` is a multiple of the size of every subtree in it.
    fn root(&self, from: usize, to: usize) -> Option<Hash> {
        let (mut at, mut peaks) = (from, Vec::new());
        while at < to {
            let height = usize::try_from((to - at).ilog2()).ok()?;
            peaks.push(*self.0.get(height)?.get(at >> height)?);
            at += 1 << height;
        }
        peaks.into_iter().rev().reduce(|right, left| Hash::parent(&left, &right))
    }

    /// The path from leaf `index` to the root over all leaves: as [`crate::inclusion`], without hashing everything again.
    pub fn inclusion(&self, index: usize) -> Option<Vec<Hash>> {
        let (mut from, mut to) = (0, self.0.first()?.len());
        if index >= to {
            return None;
        }
        let mut path = Vec::new();
        while to - from > 1 {
            let middle = from + (to - from).next_power_of_two() / 2;
            if index < middle {
                path.push(self.root(middle, to)?);
                to = middle;
            } else {
                path.push(self.root(from, middle)?);
                from = middle;
            }
        }
        path.reverse();
        Some(path)
    }

    /// Every tile of the tree: its path below the log's address, and its bytes.
    pub fn tiles(&self) -> Vec<(String, Vec<u8>)> {
        let mut tiles = Vec::new();
        for (level, hashes) in self.0.iter().step_by(8).enumerate() {
            for (number, tile) in hashes.chunks(WIDTH).enumerate() {
                let bytes = tile.iter().flat_map(|hash| hash.as_bytes().iter().copied()).collect();
                tiles.push((format!("tile/{level}/{}", path(number, tile.len())), bytes));
            }
        }
        tiles
    }
}

/// The entry bundles of a log: the leaves of `bundles`, 256 to a file, each framed by its length.
pub fn entries<'a>(bundles: impl IntoIterator<Item = &'a Bundle>) -> Vec<(String, Vec<u8>)> {
    let leaves: Vec<_> = bundles.into_iter().flat_map(Bundle::leaves).collect();
    let file = |(number, leaves): (usize, &[&Vec<u8>])| {
        let framed = |leaf: &&Vec<u8>| {
            let length = u16::try_from(leaf.len()).unwrap_or(u16::MAX).to_be_bytes();
            [length.as_slice(), leaf].concat()
        };
        (format!("tile/entries/{}", path(number, leaves.len())), leaves.iter().flat_map(framed).collect())
    };
    leaves.chunks(WIDTH).enumerate().map(file).collect()
}

/// `x001/x234/067`, and `.p/<width>` for a tile that is not full.
fn path(number: usize, width: usize) -> String {
    let mut groups = vec![format!("{:03}", number % 1_000)];
    let mut rest = number / 1_000;
    while rest > 0 {
        groups.push(format!("x{:03}", rest % 1_000));
        rest /= 1_000;
    }
    groups.reverse();
    let partial = if width < WIDTH { format!(".p/{width}") } else { String::new() };
    groups.join("/") + &partial
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{inclusion, leaf_hash};

    fn hashes(count: usize) -> Vec<Hash> {
        (0..count).map(|n| leaf_hash(&n.to_be_bytes())).collect()
    }

    /// The specification's own examples.
    #[test]
    fn paths_are_those_of_the_specification() {
        assert_eq!(path(1_234_067, 256), "x001/x234/067");
        assert_eq!(path(0, 256), "000");
        assert_eq!(path(273, 112), "273.p/112");
    }

    #[test]
    fn paths_to_the_root_agree_with_those_that_hash_everything() {
        for count in [1, 2, 3, 5, 8, 13, 64, 100] {
            let leaves = hashes(count);
            let levels = Levels::new(leaves.clone());
            for index in 0..=count {
                assert_eq!(levels.inclusion(index), inclusion(&leaves, index), "{index} of {count}");
            }
        }
    }

    #[test]
    fn a_log_of_70_000_leaves_has_these_tiles() {
        let levels = Levels::new(hashes(70_000));
        let tiles = levels.tiles();
        let sizes = |prefix: &str| tiles.iter().filter(|(name, _)| name.starts_with(prefix)).count();
        assert_eq!((sizes("tile/0/"), sizes("tile/1/"), sizes("tile/2/"), tiles.len()), (274, 2, 1, 277));
        let named = |name: &str| tiles.iter().find(|(found, _)| found == name).map(|(_, bytes)| bytes.len());
        assert_eq!(named("tile/0/273.p/112"), Some(112 * 32));
        assert_eq!(named("tile/1/000"), Some(256 * 32));
        assert_eq!(named("tile/1/001.p/17"), Some(17 * 32));
        assert_eq!(named("tile/2/000.p/1"), Some(32));
    }

    #[test]
    fn entry_bundles_frame_each_leaf() {
        let bundles =
            [Bundle::new(0, vec![b"ab".to_vec()]).unwrap(), Bundle::new(1, vec![b"c".to_vec()]).unwrap()];
        assert_eq!(entries(&bundles), [("tile/entries/000.p/2".to_owned(), b"\0\x02ab\0\x01c".to_vec())]);
    }
}
