//! Folds words so that one entry of a list stands for all its writings: `JOSÉ`, `José` and `jose` are the same.
//!
//! Lower case, no marks, `ß` as `ss`. The lists of `data/names` are folded likewise by `make.py`.

/// What `À..=ſ` (U+00C0 to U+017F) become. Capitals mark pairs: `A` ae, `S` ss, `T` th, `O` oe, `I` ij; `.` is no letter.
const LATIN: &[u8; 192] = b"aaaaaaAceeeeiiiidnooooo.ouuuuyTSaaaaaaAceeeeiiiidnooooo.ouuuuyTy\
aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiiiIIjjkkkllllllllllnnnnnnnnnooooooOOrrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs";

/// Folded letters of one word, at most [`Folded::CAPACITY`] bytes; longer words are no names and are cut.
#[derive(Clone, Copy)]
pub(crate) struct Folded {
    bytes: [u8; Self::CAPACITY],
    length: usize,
}

impl Folded {
    pub(crate) const CAPACITY: usize = 72;

    pub(crate) const fn new() -> Self {
        Self { bytes: [0; Self::CAPACITY], length: 0 }
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    /// Folds a word. Anything but letters is left out, as are letters beyond the capacity.
    pub(crate) fn of(word: &str) -> Self {
        let mut folded = Self::new();
        let bytes = word.as_bytes();
        if bytes.iter().all(u8::is_ascii_alphabetic)
            && let Some(room) = folded.bytes.get_mut(..bytes.len())
        {
            room.iter_mut().zip(bytes).for_each(|(to, from)| *to = from | 0x20);
            folded.length = bytes.len();
            return folded;
        }
        word.chars().for_each(|c| folded.push(c));
        folded
    }

    /// Appends the folded form of a character; marks and everything that is no letter add nothing.
    pub(crate) fn push(&mut self, c: char) {
        match c {
            'a'..='z' => self.put(c),
            'A'..='Z' => self.put(c.to_ascii_lowercase()),
            '\u{c0}'..='\u{17f}' => self.push_latin(c),
            'ș' | 'Ș' => self.put('s'),
            'ț' | 'Ț' => self.put('t'),
            'א'..='ת' => self.put(c),
            _ if c.is_ascii() || is_mark(c) => {}
            _ if c.is_alphabetic() => c.to_lowercase().for_each(|lower| self.put(unmarked(lower))),
            _ => {}
        }
    }

    fn push_latin(&mut self, c: char) {
        let index = (c as usize).saturating_sub(0xc0);
        match LATIN.get(index).copied().unwrap_or(b'.') {
            b'A' => self.put_pair('a', 'e'),
            b'S' => self.put_pair('s', 's'),
            b'T' => self.put_pair('t', 'h'),
            b'O' => self.put_pair('o', 'e'),
            b'I' => self.put_pair('i', 'j'),
            b'.' => {}
            letter => self.put(char::from(letter)),
        }
    }

    fn put_pair(&mut self, first: char, second: char) {
        self.put(first);
        self.put(second);
    }

    fn put(&mut self, c: char) {
        let end = self.length.saturating_add(c.len_utf8());
        if let Some(room) = self.bytes.get_mut(self.length..end) {
            c.encode_utf8(room);
            self.length = end;
        }
    }
}

/// Greek and Cyrillic letters without their marks; the final sigma as any other.
const fn unmarked(c: char) -> char {
    match c {
        'ά' => 'α',
        'έ' => 'ε',
        'ή' => 'η',
        'ί' | 'ϊ' | 'ΐ' => 'ι',
        'ό' => 'ο',
        'ύ' | 'ϋ' | 'ΰ' => 'υ',
        'ώ' => 'ω',
        'ς' => 'σ',
        'й' | 'ѝ' => 'и',
        'ё' => 'е',
        _ => c,
    }
}

/// A mark that belongs to the letter before it: combining accents, Hebrew points.
pub(crate) const fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{591}'..='\u{5bd}' | '\u{5bf}' | '\u{5c1}' | '\u{5c2}')
}

#[cfg(test)]
mod tests {
    use super::Folded;

    #[test]
    fn words_fold_to_their_plain_form() {
        for (word, folded) in [
            ("JOSÉ", "jose"),
            ("Straße", "strasse"),
            ("Łukasz", "lukasz"),
            ("Þórður", "thordur"),
            ("O'Brien", "obrien"),
            ("Šarić", "saric"),
            ("Žižek", "zizek"),
            ("Ünal", "unal"),
            ("İbrahim", "ibrahim"),
            ("Çelik", "celik"),
            ("Jose\u{301}", "jose"),
            ("Γιώργος", "γιωργοσ"),
            ("ΓΙΩΡΓΟΣ", "γιωργοσ"),
            ("Николай", "николаи"),
            ("שָׁרָה", "שרה"),
        ] {
            assert_eq!(Folded::of(word).as_bytes(), folded.as_bytes(), "{word}");
        }
    }

    #[test]
    fn every_latin_letter_folds_to_ascii() {
        for c in ('\u{c0}'..='\u{17f}').filter(|c| c.is_alphabetic() && *c != 'ŉ') {
            let text = c.to_string();
            let folded = Folded::of(&text);
            assert!(!folded.as_bytes().is_empty() && folded.as_bytes().is_ascii(), "{c}");
            assert_eq!(folded.as_bytes(), Folded::of(&text.to_uppercase()).as_bytes(), "{c} and its capital");
        }
    }

    #[test]
    fn a_word_beyond_the_capacity_is_cut_between_characters() {
        let folded = Folded::of(&"é".repeat(30).repeat(9));
        assert_eq!(folded.as_bytes().len(), Folded::CAPACITY);
        assert!(core::str::from_utf8(Folded::of(&"ש".repeat(99)).as_bytes()).is_ok());
    }
}
