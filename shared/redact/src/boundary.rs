//! What may stand beside a match. The regex crate has no lookaround, and its `\b` would count a glued Hebrew prefix
//! (של4111…) as part of the word: here only ASCII neighbours can hide a match.

use serde::Deserialize;

/// The neighbour rule of a detector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Boundary {
    /// Anything.
    None,
    /// No ASCII digit.
    Digit,
    /// No ASCII letter or digit; an underscore separates.
    Word,
    /// As `Word`, and no part of a dotted number such as `0.123456782` or `1.2.3.4.5`.
    Number,
    /// No ASCII letter, digit, underscore or dash.
    Token,
}

impl Boundary {
    /// Whether a match may begin at `start`.
    pub(crate) fn left(self, text: &[u8], start: usize) -> bool {
        let before = |back: usize| start.checked_sub(back).and_then(|at| text.get(at)).copied();
        self.allows(before(1), before(2))
    }

    /// Whether a match may end at `end` (exclusive).
    pub(crate) fn right(self, text: &[u8], end: usize) -> bool {
        let after = |ahead: usize| end.checked_add(ahead).and_then(|at| text.get(at)).copied();
        self.allows(after(0), after(1))
    }

    fn allows(self, near: Option<u8>, far: Option<u8>) -> bool {
        let Some(near) = near else { return true };
        match self {
            Self::None => true,
            Self::Digit => !near.is_ascii_digit(),
            Self::Word => !near.is_ascii_alphanumeric(),
            Self::Number => {
                let dotted = near == b'.' && far.is_some_and(|far| far.is_ascii_digit());
                !near.is_ascii_alphanumeric() && !dotted
            }
            Self::Token => !near.is_ascii_alphanumeric() && near != b'_' && near != b'-',
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ascii_neighbours_hide_a_match() {
        let text = "של12x".as_bytes();
        assert!(Boundary::Word.left(text, 4));
        assert!(!Boundary::Word.right(text, 6));
        assert!(Boundary::Digit.right(text, 6));
        assert!(!Boundary::Digit.right(text, 5));
    }

    #[test]
    fn a_full_stop_after_a_number_ends_a_sentence() {
        assert!(Boundary::Number.right(b"12. So", 2));
        assert!(!Boundary::Number.right(b"12.5", 2));
        assert!(!Boundary::Number.left(b"0.12", 2));
        assert!(!Boundary::Token.left(b"a-b", 2));
    }
}
