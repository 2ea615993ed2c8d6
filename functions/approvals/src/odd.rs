//! Characters that deceive: those that nobody sees, that turn the direction of what follows, or that look like others. All are
//! made visible. Pure.

use unicode_security::{MixedScript as _, is_potential_mixed_script_confusable_char, skeleton};

/// A part of a text, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    Plain(String),
    /// Stands for a character that is not seen as itself: `⟨U+202E⟩`.
    Odd(char),
    /// A letter that looks like another one: shown, and marked.
    Alike(char),
    /// A line ends here within a text.
    Break,
    /// Personal data of a type, in so many characters.
    Hidden {
        kind: String,
        chars: usize,
    },
}

/// Why a character is shown by its number.
pub const fn why(c: char) -> &'static str {
    match c {
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{061c}' => {
            "turns the direction of text"
        }
        '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2064}' | '\u{feff}' | '\u{00ad}' | '\u{034f}' => {
            "is invisible"
        }
        '\u{e0000}'..='\u{e007f}' => "is an invisible tag",
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' => "is a control character",
        _ => "is not seen as itself",
    }
}

/// Whether a character is seen by nobody as what it is.
const fn is_odd(c: char) -> bool {
    matches!(c,
        '\0'..='\u{1f}' | '\u{7f}'..='\u{a0}' | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}'
        | '\u{1680}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{2000}'..='\u{200f}'
        | '\u{2028}'..='\u{202f}' | '\u{205f}'..='\u{206f}' | '\u{2800}' | '\u{3000}' | '\u{3164}'
        | '\u{e000}'..='\u{f8ff}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffd}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{10ffff}')
}

/// More accents than that on one letter hide what stands around it.
const MARKS_MAX: usize = 2;

const fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{34e}' | '\u{350}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{1ab0}'..='\u{1aff}'
        | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}')
}

/// A text in pieces; nothing of it is left out.
pub fn pieces(text: &str) -> Vec<Piece> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let length = match word(rest) {
            0 => c.len_utf8(),
            length => length,
        };
        let (part, after) = rest.split_at(length);
        if length == c.len_utf8() && !c.is_alphabetic() {
            lone(c, &mut out)
        } else {
            letters(part, &mut out)
        }
        rest = after;
    }
    out
}

/// How long the word is with which a text begins: letters with their accents.
fn word(text: &str) -> usize {
    let inside = |c: &char| (c.is_alphanumeric() || is_mark(*c)) && !is_odd(*c);
    let begins = text.chars().next().is_some_and(char::is_alphanumeric);
    if begins { text.chars().take_while(inside).map(char::len_utf8).sum() } else { 0 }
}

fn lone(c: char, out: &mut Vec<Piece>) {
    match c {
        '\n' => out.push(Piece::Break),
        c if is_odd(c) || is_mark(c) => out.push(Piece::Odd(c)),
        c => plain(c, out),
    }
}

fn plain(c: char, out: &mut Vec<Piece>) {
    match out.last_mut() {
        Some(Piece::Plain(text)) => text.push(c),
        _ => out.push(Piece::Plain(c.to_string())),
    }
}

/// A word: letters of it that look like others, where the word is of several scripts, or reads as Latin and is not.
fn letters(word: &str, out: &mut Vec<Piece>) {
    let alike = !word.is_ascii() && deceives(word);
    let mut marks = 0_usize;
    for c in word.chars() {
        marks = if is_mark(c) { marks.saturating_add(1) } else { 0 };
        match c {
            c if is_odd(c) || marks > MARKS_MAX => out.push(Piece::Odd(c)),
            c if alike && !c.is_ascii() && looks_latin(c) => out.push(Piece::Alike(c)),
            c => plain(c, out),
        }
    }
}

fn deceives(word: &str) -> bool {
    !word.is_single_script() || skeleton(word).all(|c| c.is_ascii_alphanumeric())
}

fn looks_latin(c: char) -> bool {
    let mut one = [0; 4];
    let alone: &str = c.encode_utf8(&mut one);
    is_potential_mixed_script_confusable_char(c) || skeleton(alone).all(|c| c.is_ascii())
}

/// How the number of a character is written.
pub fn number(c: char) -> String {
    format!("U+{:04X}", u32::from(c))
}

#[cfg(test)]
mod tests;
