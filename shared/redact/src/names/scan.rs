//! Finds the places where a name or an address can start, 32 bytes at a time, in safe code.
//!
//! A start is a capital ASCII letter, a digit or the first of several bytes above ASCII, with no ASCII letter or digit
//! right before it. Prose has one every thirty bytes or so; a block without one costs a few vector instructions.

const LANES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = LANES * 0x80;

/// The top bit of every byte that is at least `low` and below `above`; both are ASCII, and so must the byte be.
#[inline]
const fn between(bytes: u64, low: u8, above: u8) -> u64 {
    let seven = bytes & !HIGH;
    let reached = seven.wrapping_add(LANES.wrapping_mul(0x80 - low as u64));
    let passed = seven.wrapping_add(LANES.wrapping_mul(0x80 - above as u64));
    reached & !passed & !bytes & HIGH
}

/// The top bit of every byte that is an ASCII letter.
#[inline]
pub(crate) const fn letters(bytes: u64) -> u64 {
    between(bytes | (LANES * 0x20), b'a', b'z' + 1)
}

/// The top bit of every byte that is a capital ASCII letter.
#[inline]
pub(crate) const fn capitals(bytes: u64) -> u64 {
    between(bytes, b'A', b'Z' + 1)
}

/// Bytes looked at together: two or four vectors of any machine.
const BLOCK: usize = 32;

/// How many top bits are set, of bytes that have no other; not every processor that we run on counts bits at once.
#[inline]
pub(crate) const fn count_tops(tops: u64) -> usize {
    ((tops >> 7).wrapping_mul(LANES) >> 56) as usize
}

/// Positions of starts in ascending order; the caller may skip ahead.
pub(crate) struct Starts<'a> {
    bytes: &'a [u8],
    /// Where the block lies of which `pending` are the starts, one bit for each byte.
    block: usize,
    pending: u32,
}

impl<'a> Starts<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        let mut starts = Self { bytes, block: 0, pending: 0 };
        starts.advance(0);
        starts
    }

    /// The next start at or after `from`, which never goes back.
    #[inline]
    pub(crate) fn next_from(&mut self, from: usize) -> Option<usize> {
        loop {
            while self.pending != 0 {
                let at = self.block + self.pending.trailing_zeros() as usize;
                self.pending &= self.pending - 1;
                if at >= from {
                    return Some(at);
                }
            }
            if !self.advance(self.block + BLOCK) {
                return None;
            }
        }
    }

    /// Goes to the first block from `block` on that has starts; false at the end of the text.
    #[inline]
    fn advance(&mut self, block: usize) -> bool {
        let (blocks, rest) = self.bytes.get(block..).unwrap_or_default().as_chunks::<BLOCK>();
        self.block = block;
        for bytes in blocks {
            if may_start(bytes) {
                self.pending = self.starts_of(bytes);
                if self.pending != 0 {
                    return true;
                }
            }
            self.block += BLOCK;
        }
        let mut padded = [0_u8; BLOCK];
        padded.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
        self.pending = self.starts_of(&padded);
        self.pending != 0
    }

    /// One bit for each byte of a block that is a start; written so that it compiles to vector instructions.
    fn starts_of(&self, bytes: &[u8; BLOCK]) -> u32 {
        let mut before = [b' '; BLOCK];
        match self.block.checked_sub(1).and_then(|at| self.bytes.get(at..)).and_then(<[u8]>::first_chunk) {
            Some(chunk) => before = *chunk,
            None => self.shift_into(&mut before, bytes),
        }
        let mut tops = [0_u8; BLOCK];
        for (top, (byte, last)) in tops.iter_mut().zip(bytes.iter().zip(&before)) {
            let opens = capital_or_digit(*byte) | ((byte >> 7) & !(last >> 7));
            let after_word = capital_or_digit(*last) | u8::from((last | 0x20).wrapping_sub(b'a') < 26);
            *top = opens & !after_word;
        }
        let eights = tops.as_chunks::<8>().0.iter().enumerate();
        eights.fold(0, |starts, (index, eight)| starts | (gather(u64::from_le_bytes(*eight)) << (8 * index)))
    }

    /// At either end of the text: the bytes before those of a block.
    fn shift_into(&self, before: &mut [u8; BLOCK], bytes: &[u8; BLOCK]) {
        let last = self.block.checked_sub(1).and_then(|at| self.bytes.get(at)).copied().unwrap_or(b' ');
        let shifted = core::iter::once(last).chain(bytes.iter().copied());
        before.iter_mut().zip(shifted).for_each(|(to, from)| *to = from);
    }
}

/// Whether any byte is a capital, a digit or above ASCII; compiles to vector instructions.
#[inline]
fn may_start(bytes: &[u8; BLOCK]) -> bool {
    bytes.iter().fold(0, |any, byte| any | capital_or_digit(*byte) | (byte >> 7)) != 0
}

#[inline]
fn capital_or_digit(byte: u8) -> u8 {
    u8::from(byte.wrapping_sub(b'A') < 26) | u8::from(byte.wrapping_sub(b'0') < 10)
}

/// The lowest bits of eight bytes side by side.
const fn gather(eight: u64) -> u32 {
    (eight.wrapping_mul(0x0102_0408_1020_4080) >> 56) as u32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn plainly(text: &[u8]) -> Vec<usize> {
        let before = |at: usize| at.checked_sub(1).map_or(b' ', |i| text[i]);
        (0..text.len())
            .filter(|at| {
                let (byte, last) = (text[*at], before(*at));
                let opens =
                    byte.is_ascii_uppercase() || byte.is_ascii_digit() || (byte >= 0x80 && last < 0x80);
                opens && !last.is_ascii_alphanumeric()
            })
            .collect()
    }

    fn all(text: &[u8]) -> Vec<usize> {
        let mut starts = Starts::new(text);
        core::iter::from_fn(|| starts.next_from(0)).collect()
    }

    #[test]
    fn starts_skip_ahead() {
        let mut starts = Starts::new(b"Ann Bob Cy and then Dora 7");
        assert_eq!(starts.next_from(0), Some(0));
        assert_eq!(starts.next_from(5), Some(8));
        assert_eq!(starts.next_from(9), Some(20));
        assert_eq!(starts.next_from(21), Some(25));
        assert_eq!(starts.next_from(26), None);
    }

    proptest! {
        #[test]
        fn starts_are_those_of_the_plain_definition(text in "[ a-cA-C0-2@\\[`{/:éש\u{2019}]{0,110}") {
            prop_assert_eq!(all(text.as_bytes()), plainly(text.as_bytes()));
        }

        #[test]
        fn any_bytes_are_taken(bytes in proptest::collection::vec(any::<u8>(), 0..140)) {
            prop_assert_eq!(all(&bytes), plainly(&bytes));
        }
    }
}
