//! The words of a filter.

use crate::error::{ScimError, ScimType};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token<'t> {
    Open,
    Close,
    OpenElement,
    CloseElement,
    /// A name, an operator, or a value without quotes.
    Word(&'t str),
    Text(String),
}

impl Token<'_> {
    pub(super) fn is_word(&self, word: &str) -> bool {
        matches!(self, Self::Word(text) if text.eq_ignore_ascii_case(word))
    }
}

/// # Errors
/// A text in quotes that does not end, or is no JSON string.
pub(super) fn tokens(text: &str) -> Result<Vec<Token<'_>>, ScimError> {
    let mut rest = text.trim_start();
    let mut tokens = Vec::new();
    while let Some(first) = rest.chars().next() {
        let (token, length) = match first {
            '(' => (Token::Open, 1),
            ')' => (Token::Close, 1),
            '[' => (Token::OpenElement, 1),
            ']' => (Token::CloseElement, 1),
            '"' => quoted(rest)?,
            _ => word(rest),
        };
        tokens.push(token);
        rest = rest.get(length..).unwrap_or_default().trim_start();
    }
    Ok(tokens)
}

fn word(rest: &str) -> (Token<'_>, usize) {
    let ends = |c: char| c.is_whitespace() || "()[]\"".contains(c);
    let (word, _) = rest.split_at(rest.find(ends).unwrap_or(rest.len()));
    (Token::Word(word), word.len())
}

fn quoted(rest: &str) -> Result<(Token<'_>, usize), ScimError> {
    let mut escaped = false;
    let mut ends = |c: char| {
        let end = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        end
    };
    let end = rest.char_indices().skip(1).find(|(_, c)| ends(*c)).map(|(at, _)| at);
    let literal = end.and_then(|end| rest.get(..=end));
    let text = literal.and_then(|literal| Some((serde_json::from_str(literal).ok()?, literal.len())));
    match text {
        Some((text, length)) => Ok((Token::Text(text), length)),
        None => Err(ScimError::bad(
            ScimType::InvalidFilter,
            "a text in the filter is no JSON string: write it in double quotes, with `\\\"` for a quote within",
        )),
    }
}
