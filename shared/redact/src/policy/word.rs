//! Words of terms: how they are compared without regard to case, and where a whole word begins and ends.

/// Upper and lower case as one, byte for byte at the same place: a letter whose other case has another length in UTF-8
/// stays as it is, so that no map of offsets is needed. Both sigmas of Greek are one.
pub(crate) fn fold(text: &str) -> String {
    if text.is_ascii() { text.to_ascii_lowercase() } else { text.chars().map(fold_char).collect() }
}

fn fold_char(letter: char) -> char {
    let mut lower = letter.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some('ς'), None) => 'σ',
        (Some(one), None) if one.len_utf8() == letter.len_utf8() => one,
        _ => letter,
    }
}

/// The folded spellings of a word. Upper case may have more letters (`ß` becomes `SS`), so that is one more.
pub(crate) fn spellings(word: &str) -> Vec<String> {
    let mut all = vec![fold(word), fold(&word.to_uppercase()), fold(&word.to_lowercase())];
    all.sort_unstable();
    all.dedup();
    all
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

fn is_hebrew(letter: char) -> bool {
    ('\u{5d0}'..='\u{5ea}').contains(&letter)
}

/// The one-letter words that Hebrew writes together with the next one: and, the, in, to, from, that, as.
const PREFIXES: [char; 7] = ['מ', 'ש', 'ה', 'ו', 'כ', 'ל', 'ב'];
/// How many of them stand in a row, as in `ושלה...`.
const PREFIXES_MAX: usize = 3;

/// Whether a word stands by itself in the text. Hebrew prefixes before it are part of no word.
pub(crate) fn is_whole(text: &str, start: usize, end: usize) -> bool {
    let (Some(before), Some(inside), Some(after)) =
        (text.get(..start), text.get(start..end), text.get(end..))
    else {
        return false;
    };
    let first = inside.chars().next().unwrap_or(' ');
    let last = inside.chars().next_back().unwrap_or(' ');
    let ends = !is_word(last) || !after.chars().next().is_some_and(is_word);
    ends && (!is_word(first) || begins(before, first))
}

fn begins(before: &str, first: char) -> bool {
    let mut letters = before.chars().rev();
    let most = if is_hebrew(first) { PREFIXES_MAX } else { 0 };
    for _ in 0..=most {
        match letters.next() {
            Some(letter) if PREFIXES.contains(&letter) => {}
            Some(letter) => return !is_word(letter),
            None => return true,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_keeps_every_place() {
        for text in ["ASCII Text", "ÀÉÎ õ Straße ẞ İstanbul ıI K ΟΔΟΣ ς שלום Ⱥ ﬀ", "", "🦀É"]
        {
            let folded = fold(text);
            assert_eq!(folded.len(), text.len());
            let starts = |text: &str| text.char_indices().map(|(at, _)| at).collect::<Vec<_>>();
            assert_eq!(starts(&folded), starts(text));
        }
        assert_eq!(fold("ΟΔΟΣ ΈΡΓΟ"), fold("οδος έργο"));
    }

    #[test]
    fn every_letter_folds_to_itself_in_its_place() {
        for letter in (0..=u32::from(char::MAX)).filter_map(char::from_u32) {
            assert_eq!(fold_char(letter).len_utf8(), letter.len_utf8());
            assert_eq!(fold_char(fold_char(letter)), fold_char(letter));
        }
    }

    #[test]
    fn words_stand_alone_or_behind_hebrew_prefixes() {
        let whole = |text: &str, word: &str| {
            let start = text.find(word).unwrap();
            is_whole(text, start, start + word.len())
        };
        for text in ["apollo", "(apollo)", "apollo-11", "to:apollo.", "אapollo apollo"] {
            assert_eq!(whole(text, "apollo"), !text.starts_with('א'), "{text}");
        }
        for text in ["apollos", "xapollo", "apollo_1", "7apollo"] {
            assert!(!whole(text, "apollo"), "{text}");
        }
        for text in ["דנה", "לדנה", "ושלדנה", "ל-דנה", "אל דנה,"] {
            assert!(whole(text, "דנה"), "{text}");
        }
        for text in ["דנהל", "תדנה", "ושלבדנה"] {
            assert!(!whole(text, "דנה"), "{text}");
        }
        assert!(whole("mail@acme", "@acme") && whole("x c++", "c++") && whole("c++17", "c++"));
    }
}
