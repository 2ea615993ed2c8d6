//! What words and phrases are compared by.

use super::MAX_WORD;
use crate::fold::latin;

/// FNV-1a over the lower-case word; collisions among a few thousand phrases in 2^64 are of no concern.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hash(pub(super) u64, pub(super) usize);

impl Default for Hash {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325, 0)
    }
}

impl Hash {
    pub(super) fn byte(&mut self, byte: u8) {
        if self.1 < MAX_WORD {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
            self.1 = self.1.saturating_add(1);
        }
    }

    pub(super) fn char(&mut self, c: char) {
        if matches!(c, '\u{591}'..='\u{5c7}') {
            return;
        }
        for c in c.to_lowercase().map(canonical) {
            let mut bytes = [0; 4];
            c.encode_utf8(&mut bytes).bytes().for_each(|byte| self.byte(byte));
        }
    }
}

/// One letter for both cases: the view reads `Н` as Latin `H`, and `н` as it stands.
fn canonical(c: char) -> char {
    let mut capitals = c.to_uppercase();
    let capital = capitals.next().filter(|_| capitals.next().is_none());
    latin(c).or_else(|| capital.and_then(latin)).map_or(c, |c| c.to_ascii_lowercase())
}

pub(super) fn chain(before: u64, word: u64) -> u64 {
    (before.rotate_left(23) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// The keys are hashes already.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Same(u64);

impl core::hash::BuildHasher for Same {
    type Hasher = Self;

    fn build_hasher(&self) -> Self {
        *self
    }
}

impl core::hash::Hasher for Same {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.0 = self.0.rotate_left(8) ^ u64::from(*byte));
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
}
