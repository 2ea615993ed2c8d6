//! The lists of `data/names` as one table: from a folded word to what it may be.
//!
//! Open addressing over 2^17 slots of 64 bits, and no strings: a slot holds 32 bits of the word's hash and 32 flags,
//! and its place gives 17 more bits. A word that stands in no list is taken for one that does with probability
//! entries / 2^49, which is 10^-10 for 60,000 entries; a wrong answer would be one wrong finding, no more.
//! Built once, on first use, in about two milliseconds.

use std::sync::LazyLock;

use super::fold::Folded;
use super::hebrew;
use crate::shortcut;

/// What a word may be; a word has as many of these as lists name it.
pub(crate) mod flag {
    macro_rules! flags {
        ($($(#[$doc:meta])* $name:ident = $bit:literal;)*) => { $($(#[$doc])* pub(crate) const $name: u32 = 1 << $bit;)* };
    }
    flags! {
        /// A given name that is neither a common word nor a place.
        GIVEN_STRONG = 0;
        GIVEN = 1;
        SURNAME = 2;
        /// A common word.
        WORD = 3;
        /// A less common word that is also a name.
        RARE = 4;
        PLACE = 5;
        TITLE = 6;
        ROLE = 7;
        /// `Jr`, `PhD`: after a name.
        SUFFIX = 8;
        /// `van`, `de`, `bin`: within a name.
        PARTICLE = 9;
        /// Before a name, and before hardly anything else.
        CUE_STRONG = 10;
        CUE = 11;
        SALUTE = 12;
        /// What people do: after a name.
        AFTER = 13;
        /// What companies, institutions and products are called: after a name, that makes it no person.
        ORG = 14;
        /// A type of street after its name, or at the end of it.
        STREET = 15;
        /// A type of street that is an ordinary word too.
        STREET_WEAK = 16;
        /// A type of street before its name.
        PRE = 17;
        PRE_WEAK = 18;
        UNIT = 19;
        HOUSE_NO = 20;
        POSTCODE_CUE = 21;
        ADDRESS_CUE = 22;
        CALENDAR = 23;
        PRODUCT = 24;
        /// `the`, `die`, `questa`: before a noun.
        DETERMINER = 25;
        STATE = 26;
        MILITARY = 27;
        PLACE_CUE = 28;
        /// After a name more often than not, after other words often enough.
        AFTER_WEAK = 29;
        /// The last word of a listed phrase of several words that stands before a name or address.
        PHRASE_END = 30;
        /// An ordinary word of a language other than English; some of them are names elsewhere.
        FOREIGN = 31;
    }
    pub(crate) const ANY_GIVEN: u32 = GIVEN_STRONG | GIVEN;
    pub(crate) const ANY_NAME: u32 = ANY_GIVEN | SURNAME;
    pub(crate) const ANY_CUE: u32 = CUE_STRONG | CUE | SALUTE;
}

const SLOT_BITS: u32 = 17;
const SLOTS: usize = 1 << SLOT_BITS;
const SEED: u64 = 0x9e37_79b9_7f4a_7c15;
const FACTOR: u64 = 0xd6e8_feb8_6659_fd93;
/// Keys of endings lie apart from those of words.
const ENDING: u64 = 0x5851_f42d_4c95_7f2d;

/// Hash of the folded bytes of a word, eight at a time, so that the scan can hash a short word from one load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key(u64);

impl Key {
    pub(crate) const EMPTY: Self = Self(SEED);

    pub(crate) fn of(folded: &[u8]) -> Self {
        let (eights, rest) = folded.as_chunks();
        let key = eights.iter().fold(Self::EMPTY, |key, eight| key.with(u64::from_le_bytes(*eight)));
        if rest.is_empty() {
            return key;
        }
        key.with(rest.iter().rev().fold(0, |eight, byte| eight << 8 | u64::from(*byte)))
    }

    /// The key after eight more bytes, the first in the lowest place, padded with zeros.
    #[inline]
    pub(crate) const fn with(self, eight: u64) -> Self {
        let mixed = (self.0 ^ eight).wrapping_mul(FACTOR);
        Self(mixed ^ (mixed >> 32))
    }

    /// The key of a phrase of which `self` is the beginning.
    pub(crate) const fn then(self, next: Self) -> Self {
        self.with(next.0.rotate_left(23))
    }

    /// One of `count` buckets.
    pub(crate) const fn bucket(self, count: usize) -> usize {
        (self.spread() >> 20) as usize % count
    }

    const fn ending(self) -> Self {
        Self(self.0 ^ ENDING)
    }

    const fn spread(self) -> u64 {
        self.0.wrapping_mul(FACTOR)
    }

    /// Some bits of it, for a [`Sieve`].
    const fn sixteen(self) -> u16 {
        (self.spread() >> 16) as u16
    }
}

pub(crate) struct Gazetteer {
    slots: Box<[u64]>,
    /// Which three bytes words with a listed ending end with.
    endings: Sieve,
    /// Words that begin a listed place of several words, and whatever else has to be looked at with what follows it.
    heeded: Sieve,
}

/// Some of 2^16 numbers, a bit for each.
struct Sieve(Box<[u64]>);

impl Sieve {
    fn new() -> Self {
        Self(vec![0; 1 << 10].into_boxed_slice())
    }

    fn add(&mut self, number: u16) {
        if let Some(bits) = self.0.get_mut(usize::from(number >> 6)) {
            *bits |= 1 << (number & 63);
        }
    }

    #[inline]
    fn has(&self, number: u16) -> bool {
        self.0.get(usize::from(number >> 6)).is_some_and(|bits| bits >> (number & 63) & 1 == 1)
    }
}

impl Gazetteer {
    pub(crate) fn get() -> &'static Self {
        static TABLE: LazyLock<Gazetteer> = LazyLock::new(Gazetteer::load);
        &TABLE
    }

    /// The flags of a word or phrase; 0 if no list has it.
    #[inline]
    pub(crate) fn flags(&self, key: Key) -> u32 {
        let (tag, mut place) = Self::home(key);
        for _ in 0..SLOTS {
            match self.slots.get(place) {
                None | Some(0) => return 0,
                Some(slot) if slot >> 32 == tag => return (slot & 0xffff_ffff) as u32,
                Some(_) => place = (place + 1) % SLOTS,
            }
        }
        0
    }

    /// Whether a Hebrew word may mean more than its flags say: a title, or the beginning of a place of several words, each
    /// also behind a prefix. A few others are taken for one.
    #[inline]
    pub(crate) fn may_be_heeded(&self, key: Key) -> bool {
        self.heeded.has(key.sixteen())
    }

    /// The flags of the longest listed ending that leaves at least `stem` bytes before it; 0 if there is none.
    pub(crate) fn ending_flags(&self, folded: &Folded, stem: usize) -> u32 {
        let folded = folded.as_bytes();
        // Most words show at once that they have none.
        if shortcut::taken() && folded.last_chunk().is_none_or(|last| !self.endings.has(triple(*last))) {
            return 0;
        }
        let first = stem.max(folded.len().saturating_sub(LONGEST_ENDING));
        (first..folded.len().saturating_sub(1))
            .filter_map(|start| folded.get(start..))
            .map(|ending| self.flags(Key::of(ending).ending()))
            .find(|flags| *flags != 0)
            .unwrap_or(0)
    }

    /// Some word has at least `stem` bytes before it: with the ending itself, three or more.
    fn add_ending(&mut self, ending: &str) {
        match ending.as_bytes() {
            [] | [_] => {}
            [one, two] => (0..=u8::MAX).for_each(|any| self.endings.add(triple([any, *one, *two]))),
            [.., one, two, three] => self.endings.add(triple([*one, *two, *three])),
        }
    }

    fn home(key: Key) -> (u64, usize) {
        let spread = key.spread();
        // Never zero, so that a full slot is never taken for an empty one.
        ((spread >> 32) | 1, (spread as usize) % SLOTS)
    }

    pub(super) fn load() -> Self {
        let slots = vec![0; SLOTS].into_boxed_slice();
        let mut table = Self { slots, endings: Sieve::new(), heeded: Sieve::new() };
        for (list, flags) in LISTS {
            table.add_all(list, *flags);
        }
        table.add_lexicon();
        hebrew::TITLES.iter().for_each(|title| table.heed(title));
        table
    }

    /// A word, by itself and behind each prefix.
    fn heed(&mut self, word: &str) {
        self.heeded.add(Key::of(word.as_bytes()).sixteen());
        for prefix in hebrew::PREFIXES {
            self.heeded.add(Key::of(format!("{prefix}{word}").as_bytes()).sixteen());
        }
    }

    fn add_lexicon(&mut self) {
        let mut section = "";
        for line in LEXICON.lines() {
            match line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                Some(name) => section = name,
                None => self.add_section(section, line),
            }
        }
    }

    fn add_section(&mut self, section: &str, line: &str) {
        for (name, flags) in SECTIONS.iter().filter(|(name, _)| *name == section) {
            let is_ending = name.contains("suffix_") || name.ends_with("_suffix");
            for entry in line.split_ascii_whitespace().take_while(|_| !line.starts_with('#')) {
                let key = phrase_key(entry);
                self.add(if is_ending { key.ending() } else { key }, *flags);
                if is_ending {
                    self.add_ending(entry);
                }
                self.heed_place(entry, *flags);
                if let Some((_, last)) = entry.rsplit_once('_') {
                    self.add(phrase_key(last), flag::PHRASE_END);
                }
            }
        }
    }

    fn add_all(&mut self, list: &str, flags: u32) {
        for line in list.lines().filter(|line| !line.starts_with('#')) {
            for entry in line.split_ascii_whitespace() {
                self.add(phrase_key(entry), flags);
                self.heed_place(entry, flags);
            }
        }
    }

    fn heed_place(&mut self, entry: &str, flags: u32) {
        if let Some((first, _)) = entry.split_once('_').filter(|_| flags & flag::PLACE != 0) {
            self.heed(first);
        }
    }

    fn add(&mut self, key: Key, flags: u32) {
        let (tag, mut place) = Self::home(key);
        for _ in 0..SLOTS {
            match self.slots.get_mut(place) {
                Some(slot) if *slot == 0 || *slot >> 32 == tag => {
                    *slot |= (tag << 32) | u64::from(flags);
                    return;
                }
                _ => place = (place + 1) % SLOTS,
            }
        }
    }
}

/// Three bytes as a number for a [`Sieve`].
const fn triple([one, two, three]: [u8; 3]) -> u16 {
    (u32::from_le_bytes([one, two, three, 0]).wrapping_mul(0x9e37_79b1) >> 16) as u16
}

/// The key of an entry; `_` joins the words of a phrase.
fn phrase_key(entry: &str) -> Key {
    // Most are one word.
    if !entry.as_bytes().contains(&b'_') {
        return Key::of(entry.as_bytes());
    }
    let mut words = entry.split('_').map(|word| Key::of(word.as_bytes()));
    let first = words.next().unwrap_or(Key::EMPTY);
    words.fold(first, Key::then)
}

/// The flags of a word as it stands in a text.
pub(crate) fn flags_of(word: &str) -> u32 {
    Gazetteer::get().flags(Key::of(Folded::of(word).as_bytes()))
}

const LONGEST_ENDING: usize = 12;

macro_rules! list {
    ($name:literal) => {
        include_str!(concat!("../../data/names/", $name, ".txt"))
    };
}

const LEXICON: &str = list!("lexicon");
const LISTS: &[(&str, u32)] = &[
    (list!("given_strong"), flag::GIVEN_STRONG | flag::GIVEN),
    (list!("given"), flag::GIVEN),
    (list!("given_he"), flag::GIVEN),
    (list!("given_other"), flag::GIVEN),
    (list!("surnames"), flag::SURNAME),
    (list!("surnames_he"), flag::SURNAME),
    (list!("words"), flag::WORD),
    (list!("words_other"), flag::WORD | flag::FOREIGN),
    (list!("homographs"), flag::FOREIGN),
    (list!("rare"), flag::RARE),
    (list!("places"), flag::PLACE),
];
/// Sections of `lexicon.txt`. Endings share flags with words but not keys.
const SECTIONS: &[(&str, u32)] = &[
    ("title", flag::TITLE),
    ("role", flag::ROLE | flag::WORD),
    ("suffix", flag::SUFFIX),
    ("particle", flag::PARTICLE),
    ("cue_strong", flag::CUE_STRONG),
    ("cue", flag::CUE),
    ("salute", flag::SALUTE),
    ("after", flag::AFTER),
    ("after_weak", flag::AFTER_WEAK),
    ("org", flag::ORG),
    ("street", flag::STREET),
    ("street_weak", flag::STREET_WEAK),
    ("street_pre", flag::PRE),
    ("street_pre_weak", flag::PRE_WEAK),
    ("street_suffix", flag::STREET),
    ("street_suffix_weak", flag::STREET_WEAK),
    ("unit", flag::UNIT),
    ("house_no", flag::HOUSE_NO),
    ("postcode_cue", flag::POSTCODE_CUE),
    ("address_cue", flag::ADDRESS_CUE),
    ("place_cue", flag::PLACE_CUE),
    ("determiner", flag::DETERMINER),
    ("calendar", flag::CALENDAR),
    ("product", flag::PRODUCT),
    ("country", flag::PLACE),
    ("state", flag::STATE),
    ("military", flag::MILITARY),
    ("surname_suffix", flag::SURNAME),
    ("noun_suffix", flag::WORD),
    ("he_word", flag::WORD),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_sections_are_read() {
        for (word, flags) in [
            ("Mary", flag::GIVEN_STRONG | flag::GIVEN),
            ("SMITH", flag::SURNAME),
            ("may", flag::CALENDAR | flag::WORD),
            ("Dr", flag::TITLE),
            ("Germany", flag::PLACE),
            ("שרה", flag::GIVEN),
            ("כהן", flag::SURNAME | flag::WORD),
            ("Γιώργος", flag::GIVEN),
            ("Street", flag::STREET),
            ("rue", flag::PRE),
        ] {
            assert_eq!(flags_of(word) & flags, flags, "{word}");
        }
        assert_eq!(flags_of("Xyzzqwv"), 0);
        assert_eq!(Gazetteer::get().flags(phrase_key("my_name_is")), flag::CUE_STRONG);
        assert_eq!(Gazetteer::get().flags(phrase_key("new_york")), flag::PLACE);
    }

    #[test]
    fn every_section_of_the_lexicon_is_used() {
        for name in LEXICON.lines().filter_map(|l| l.strip_prefix('[')?.strip_suffix(']')) {
            assert!(SECTIONS.iter().any(|(known, _)| *known == name), "{name}");
        }
        for (name, _) in SECTIONS {
            assert!(LEXICON.contains(&format!("\n[{name}]\n")), "{name}");
        }
    }

    #[test]
    fn endings_are_apart_from_words() {
        let table = Gazetteer::get();
        assert_eq!(table.ending_flags(&Folded::of("hauptstrasse"), 3) & flag::STREET, flag::STREET);
        assert_eq!(table.ending_flags(&Folded::of("strasse"), 3), 0, "no stem");
        assert_eq!(table.ending_flags(&Folded::of("kowalski"), 3) & flag::SURNAME, flag::SURNAME);
    }

    #[test]
    fn entries_are_folded_and_the_table_has_room() {
        let used = Gazetteer::get().slots.iter().filter(|slot| **slot != 0).count();
        assert!(used * 2 < SLOTS, "{used} entries");
        for list in LISTS.iter().map(|(list, _)| *list) {
            for entry in list.lines().filter(|l| !l.starts_with('#')).flat_map(str::split_ascii_whitespace) {
                assert!(entry.split('_').all(|w| Folded::of(w).as_bytes() == w.as_bytes()), "{entry}");
            }
        }
        let lines = LEXICON.lines().filter(|l| !l.starts_with(['#', '[']));
        for entry in lines.flat_map(str::split_ascii_whitespace) {
            assert!(entry.split('_').all(|w| Folded::of(w).as_bytes() == w.as_bytes()), "{entry}");
        }
    }

    #[test]
    fn all_lists_stay_small() {
        let total: usize = LISTS.iter().map(|(list, _)| list.len()).sum::<usize>() + LEXICON.len();
        assert!(total <= 450 * 1024, "{total} bytes");
        for (list, _) in LISTS {
            assert!(list.contains("\n# Origin: ") && list.contains("\n# Licence: "));
        }
    }
}
