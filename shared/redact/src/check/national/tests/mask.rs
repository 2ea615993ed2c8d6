//! Masks as the data files write them: `9` a digit, `A` a letter, `X` either, a space one separator, anything else
//! itself.

/// What a space of a mask may be.
const SEPARATORS: &[char] = &[' ', '-', '.', '/'];

pub(super) fn fits(mask: &str, text: &str) -> bool {
    mask.chars().count() == text.chars().count()
        && mask.chars().zip(text.chars()).all(|(m, c)| fits_one(m, c))
}

fn fits_one(mask: char, c: char) -> bool {
    match mask {
        '9' => c.is_ascii_digit(),
        'A' => c.is_ascii_alphabetic(),
        'X' => c.is_ascii_alphanumeric(),
        ' ' => SEPARATORS.contains(&c),
        other => other == c,
    }
}

/// The candidate as a check sees it: separators out, letters upper case.
pub(super) fn compact(text: &str) -> Vec<u8> {
    text.chars().filter(|c| !SEPARATORS.contains(c)).collect::<String>().to_ascii_uppercase().into_bytes()
}

const ALL: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// What may stand at each place of the mask's compact writing.
pub(super) fn alphabets(mask: &str) -> Vec<&[u8]> {
    let places = mask.char_indices().filter(|(_, c)| !SEPARATORS.contains(c));
    let alphabet = |(at, c): (usize, char)| match c {
        '9' => &ALL[..10],
        'A' => &ALL[10..],
        'X' => ALL.as_slice(),
        _ => &mask.as_bytes()[at..=at],
    };
    places.map(alphabet).collect()
}

/// Why a mask cannot be used, if so.
pub(super) fn fault(mask: &str) -> Option<&'static str> {
    let letters = mask.chars().take_while(|c| *c != '9').filter(char::is_ascii_alphanumeric).count();
    let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    match () {
        () if !mask.is_ascii() => Some("not ASCII"),
        () if mask.len() > 40 => Some("too long"),
        () if !mask.contains('9') => Some("no digit"),
        () if letters > 9 => Some("more than nine letters before the first digit"),
        () if !ends(mask.chars().next()) || !ends(mask.chars().last()) => Some("begins or ends with a sign"),
        () => None,
    }
}

/// A linear congruential generator (Knuth's MMIX constants): the same strings on every run.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }

    /// A text with one of each alphabet, uniformly random.
    pub(super) fn text(&mut self, alphabets: &[&[u8]], text: &mut Vec<u8>) {
        text.clear();
        text.extend(alphabets.iter().map(|alphabet| alphabet[self.below(alphabet.len())]));
    }
}
