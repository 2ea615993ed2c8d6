//! Single characters that stand for others: digits of all scripts, marks, and letters that look like Latin ones.
//!
//! Sources: Unicode Character Database (general category Nd), UTS #39 confusables. Of the latter only letters that look
//! like one ASCII letter; a text in Cyrillic or Greek is folded in part, which no detector minds.

/// The zero of each script's digits; those of full width and mathematics have compatibility forms.
#[rustfmt::skip]
const ZEROS: &[char] = &[
    '\u{660}', '\u{6f0}', '\u{7c0}', '\u{966}', '\u{9e6}', '\u{a66}', '\u{ae6}', '\u{b66}', '\u{be6}',
    '\u{c66}', '\u{ce6}', '\u{d66}', '\u{de6}', '\u{e50}', '\u{ed0}', '\u{f20}', '\u{1040}', '\u{1090}',
    '\u{17e0}', '\u{1810}', '\u{1946}', '\u{19d0}', '\u{1a80}', '\u{1a90}', '\u{1b50}', '\u{1bb0}',
    '\u{1c40}', '\u{1c50}', '\u{a620}', '\u{a8d0}', '\u{a900}', '\u{a9d0}', '\u{a9f0}', '\u{aa50}',
    '\u{abf0}', '\u{104a0}', '\u{10d30}', '\u{11066}', '\u{110f0}', '\u{11136}', '\u{111d0}', '\u{112f0}',
    '\u{11450}', '\u{114d0}', '\u{11650}', '\u{116c0}', '\u{11730}', '\u{118e0}', '\u{11950}', '\u{11c50}',
    '\u{11d50}', '\u{11da0}', '\u{11f50}', '\u{16a60}', '\u{16ac0}', '\u{16b50}', '\u{1e140}', '\u{1e2f0}',
    '\u{1e4f0}', '\u{1e950}',
];

/// Sorted by the character that is folded.
#[rustfmt::skip]
const LATIN: &[(char, char)] = &[
    ('ı', 'i'), ('Ɩ', 'l'), ('ɑ', 'a'), ('ɡ', 'g'), ('ɢ', 'G'), ('ɩ', 'i'), ('ɪ', 'I'), ('ɴ', 'N'),
    ('ʀ', 'R'), ('ʏ', 'Y'), ('ʙ', 'B'), ('ʜ', 'H'), ('ʟ', 'l'), ('Α', 'A'), ('Β', 'B'), ('Ε', 'E'),
    ('Ζ', 'Z'), ('Η', 'H'), ('Ι', 'I'), ('Κ', 'K'), ('Μ', 'M'), ('Ν', 'N'), ('Ο', 'O'), ('Ρ', 'P'),
    ('Τ', 'T'), ('Υ', 'Y'), ('Χ', 'X'), ('α', 'a'), ('γ', 'y'), ('ι', 'i'), ('ν', 'v'), ('ο', 'o'),
    ('ρ', 'p'), ('υ', 'u'), ('χ', 'x'), ('ϲ', 'c'), ('ϳ', 'j'), ('Ϲ', 'C'), ('Ѕ', 'S'), ('І', 'I'),
    ('Ј', 'J'), ('А', 'A'), ('В', 'B'), ('Е', 'E'), ('К', 'K'), ('М', 'M'), ('Н', 'H'), ('О', 'O'),
    ('Р', 'P'), ('С', 'C'), ('Т', 'T'), ('У', 'Y'), ('Х', 'X'), ('а', 'a'), ('е', 'e'), ('о', 'o'),
    ('р', 'p'), ('с', 'c'), ('у', 'y'), ('х', 'x'), ('ѕ', 's'), ('і', 'i'), ('ј', 'j'), ('ѵ', 'v'),
    ('Ү', 'Y'), ('ү', 'y'), ('Һ', 'h'), ('һ', 'h'), ('ҽ', 'e'), ('Ӏ', 'I'), ('ӏ', 'l'), ('ԁ', 'd'),
    ('Ԍ', 'G'), ('Ԛ', 'Q'), ('ԛ', 'q'), ('Ԝ', 'W'), ('ԝ', 'w'), ('Լ', 'L'), ('Ս', 'U'), ('Տ', 'S'),
    ('Օ', 'O'), ('զ', 'q'), ('հ', 'h'), ('ո', 'n'), ('ս', 'u'), ('ց', 'g'), ('օ', 'o'), ('Ꭲ', 'T'),
    ('Ꭺ', 'A'), ('Ꭻ', 'J'), ('Ꭼ', 'E'), ('Ꮇ', 'M'), ('Ꮋ', 'H'), ('Ꮐ', 'G'), ('Ꮓ', 'Z'), ('Ꮤ', 'W'),
    ('Ꮩ', 'V'), ('Ꮪ', 'S'), ('Ꮮ', 'L'), ('Ꮲ', 'P'), ('Ꮶ', 'K'), ('ᴀ', 'A'), ('ᴄ', 'C'), ('ᴅ', 'D'),
    ('ᴇ', 'E'), ('ᴊ', 'J'), ('ᴋ', 'K'), ('ᴍ', 'M'), ('ᴏ', 'O'), ('ᴘ', 'P'), ('ᴛ', 'T'), ('ᴜ', 'U'),
    ('ᴠ', 'V'), ('ᴡ', 'W'), ('ᴢ', 'Z'), ('ꓐ', 'B'), ('ꓑ', 'P'), ('ꓓ', 'D'), ('ꓔ', 'T'), ('ꓖ', 'G'),
    ('ꓗ', 'K'), ('ꓙ', 'J'), ('ꓚ', 'C'), ('ꓜ', 'Z'), ('ꓝ', 'F'), ('ꓟ', 'M'), ('ꓠ', 'N'), ('ꓡ', 'L'),
    ('ꓢ', 'S'), ('ꓣ', 'R'), ('ꓦ', 'V'), ('ꓧ', 'H'), ('ꓪ', 'W'), ('ꓫ', 'X'), ('ꓬ', 'Y'), ('ꓮ', 'A'),
    ('ꓰ', 'E'), ('ꓲ', 'I'), ('ꓳ', 'O'), ('ꓴ', 'U'), ('ꜰ', 'F'), ('ꜱ', 'S'),
];

/// The ASCII digit of another script's digit.
pub(crate) fn digit(c: char) -> Option<char> {
    let after = ZEROS.partition_point(|zero| *zero <= c);
    let zero = after.checked_sub(1).and_then(|at| ZEROS.get(at))?;
    let value = u32::from(c).checked_sub(u32::from(*zero)).filter(|value| *value < 10)?;
    char::from_digit(value, 10)
}

/// The ASCII mark that a separator stands for: dashes (the Hebrew maqaf, too), dots and slashes.
pub(crate) const fn mark(c: char) -> Option<char> {
    match c {
        '\u{2010}'..='\u{2015}'
        | '\u{2043}'
        | '\u{2212}'
        | '\u{2d7}'
        | '\u{5be}'
        | '\u{fe58}'
        | '\u{fe63}'
        | '\u{ff0d}' => Some('-'),
        '\u{b7}' | '\u{2022}' | '\u{2024}' | '\u{2027}' | '\u{2219}' | '\u{22c5}' | '\u{30fb}'
        | '\u{3002}' | '\u{ff0e}' | '\u{ff61}' => Some('.'),
        '\u{2044}' | '\u{2215}' | '\u{29f8}' | '\u{ff0f}' => Some('/'),
        '\u{a789}' | '\u{2236}' | '\u{fe55}' | '\u{ff1a}' => Some(':'),
        '\u{fe6b}' | '\u{ff20}' => Some('@'),
        _ => None,
    }
}

/// [`char::is_alphabetic`], at once for the letters that texts here are mostly made of.
pub(crate) fn is_letter(c: char) -> bool {
    match c {
        '\u{d7}' | '\u{f7}' => false,
        'a'..='z' | 'A'..='Z' | '\u{c0}'..='\u{24f}' | '\u{5d0}'..='\u{5ea}' => true,
        _ => c.is_alphabetic(),
    }
}

/// [`char::is_uppercase`], likewise.
pub(crate) fn is_upper(c: char) -> bool {
    match c {
        'A'..='Z' => true,
        '\u{c0}'..='\u{de}' => c != '\u{d7}',
        '\0'..='\u{ff}' | '\u{5d0}'..='\u{5ea}' => false,
        _ => c.is_uppercase(),
    }
}

/// [`char::is_lowercase`], likewise.
pub(crate) fn is_lower(c: char) -> bool {
    match c {
        'a'..='z' => true,
        '\u{df}'..='\u{ff}' => c != '\u{f7}',
        '\0'..='\u{7f}' | '\u{c0}'..='\u{de}' | '\u{5d0}'..='\u{5ea}' => false,
        _ => c.is_lowercase(),
    }
}

/// The ASCII letter that another script's letter looks like.
pub(crate) fn latin(c: char) -> Option<char> {
    let at = LATIN.binary_search_by_key(&c, |(from, _)| *from).ok()?;
    LATIN.get(at).map(|(_, to)| *to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_sorted() {
        assert!(ZEROS.is_sorted() && LATIN.is_sorted());
        assert!(LATIN.windows(2).all(|pair| pair[0].0 != pair[1].0));
    }

    #[test]
    fn shortcuts_agree_with_unicode() {
        for c in '\0'..='\u{2fff}' {
            assert_eq!(is_letter(c), c.is_alphabetic(), "{c}");
            assert_eq!(is_upper(c), c.is_uppercase(), "{c}");
            assert_eq!(is_lower(c), c.is_lowercase(), "{c}");
        }
    }

    #[test]
    fn digits_know_their_value() {
        assert_eq!((digit('٧'), digit('۰'), digit('९'), digit('x')), (Some('7'), Some('0'), Some('9'), None));
    }
}
