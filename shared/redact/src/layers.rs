//! Other ways in which a text is written: escapes, base64, hexadecimal digits, single characters with spaces between
//! them. What they say is searched like any text, and what is found there is taken out where it stands.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::find::{EncodedRun, RunKind};
use crate::steps::{Stage, count};
use crate::view::View;

/// Longest name or number of an HTML entity, without `&` and `;`.
const MAX_ENTITY: usize = 10;

/// The entities that stand for ASCII marks (WHATWG HTML, named character references).
#[rustfmt::skip]
const ENTITIES: &[(&str, char)] = &[
    ("Hat", '^'), ("NewLine", '\n'), ("QUOT", '"'), ("Tab", '\t'), ("amp", '&'), ("apos", '\''), ("ast", '*'),
    ("bsol", '\\'), ("colon", ':'), ("comma", ','), ("commat", '@'), ("dash", '-'), ("dollar", '$'), ("emsp", ' '),
    ("ensp", ' '), ("equals", '='), ("excl", '!'), ("grave", '`'), ("gt", '>'), ("hyphen", '-'), ("lbrack", '['),
    ("lcub", '{'), ("lowbar", '_'), ("lpar", '('), ("lt", '<'), ("mdash", '-'), ("minus", '-'), ("nbsp", ' '),
    ("ndash", '-'), ("num", '#'), ("percnt", '%'), ("period", '.'), ("plus", '+'), ("quest", '?'), ("quot", '"'),
    ("rbrack", ']'), ("rcub", '}'), ("rpar", ')'), ("semi", ';'), ("shy", '\u{ad}'), ("sol", '/'), ("thinsp", ' '),
    ("tilde", '~'), ("verbar", '|'), ("zwj", '\u{200d}'), ("zwnj", '\u{200c}'),
];

/// The text with its escapes undone (RFC 3986 section 2.1, HTML character references, `\u0040`, `\u{40}`, `\x40`); `None`
/// if there is none.
pub(crate) fn unescaped(text: &str) -> Option<View> {
    count(Stage::Layers, text.len());
    let mut view = View::default();
    let (mut copied, mut at) = (0, 0);
    while let Some((start, rest)) = next_mark(text, at) {
        at = start.saturating_add(1);
        count(Stage::Layers, MAX_ENTITY);
        let Some((by, length)) = escape(rest) else { continue };
        view.copy(text.get(copied..start).unwrap_or_default(), copied);
        view.replace(&by, start, length);
        at = start.saturating_add(length);
        copied = at;
    }
    if copied == 0 {
        return None;
    }
    view.copy(text.get(copied..).unwrap_or_default(), copied);
    Some(view)
}

fn next_mark(text: &str, at: usize) -> Option<(usize, &str)> {
    let rest = text.as_bytes().get(at..)?;
    let start = at.checked_add(rest.iter().position(|byte| matches!(byte, b'%' | b'&' | b'\\'))?)?;
    Some((start, text.get(start..)?))
}

/// What the escape at the beginning of `text` stands for, and its length.
fn escape(text: &str) -> Option<(String, usize)> {
    match text.as_bytes().first()? {
        b'%' => percent(text),
        b'&' => entity(text).map(|(c, length)| (c.to_string(), length)),
        _ => backslash(text).map(|(c, length)| (c.to_string(), length)),
    }
}

/// The bytes of one character: `%C3%A9` is one.
fn percent(text: &str) -> Option<(String, usize)> {
    let bytes = text.as_bytes();
    let one =
        |at: usize| (bytes.get(at) == Some(&b'%')).then(|| hex_byte(bytes, at.checked_add(1)?)).flatten();
    let first = one(0)?;
    let count = match first {
        0..0x80 => 1,
        0xc2..0xe0 => 2,
        0xe0..0xf0 => 3,
        0xf0..0xf5 => 4,
        _ => return None,
    };
    let encoded = (0..count).map(|at| one(at * 3)).collect::<Option<Vec<u8>>>()?;
    Some((String::from_utf8(encoded).ok()?, count * 3))
}

fn hex_byte(bytes: &[u8], at: usize) -> Option<u8> {
    let digits = bytes.get(at..at.checked_add(2)?)?;
    digits.iter().try_fold(0_u8, |value, digit| {
        let digit = char::from(*digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())?;
        Some(value << 4 | digit)
    })
}

fn entity(text: &str) -> Option<(char, usize)> {
    let window = text.as_bytes().iter().skip(1).take(MAX_ENTITY.saturating_add(1));
    let length = window.clone().position(|byte| *byte == b';')?;
    let name = text.get(1..length.checked_add(1)?)?;
    let c = match name.strip_prefix('#') {
        Some(number) => match number.strip_prefix(['x', 'X']) {
            Some(hex) => code_point(hex, 16)?,
            None => code_point(number, 10)?,
        },
        None => ENTITIES.iter().find(|(known, _)| *known == name).map(|(_, c)| *c)?,
    };
    Some((c, length.checked_add(2)?))
}

fn code_point(digits: &str, radix: u32) -> Option<char> {
    let is_number = !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix));
    is_number.then(|| u32::from_str_radix(digits, radix).ok()).flatten().and_then(char::from_u32)
}

fn backslash(text: &str) -> Option<(char, usize)> {
    let plain = match text.as_bytes().get(1)? {
        b'n' => Some('\n'),
        b'r' => Some('\r'),
        b't' => Some('\t'),
        b'b' | b'f' => Some(' '),
        b'"' => Some('"'),
        b'/' => Some('/'),
        b'\\' => Some('\\'),
        _ => None,
    };
    if let Some(c) = plain {
        return Some((c, 2));
    }
    let rest = text.get(2..)?;
    let fixed = |length: usize| Some((code_point(rest.get(..length)?, 16)?, length.checked_add(2)?));
    match text.as_bytes().get(1)? {
        b'x' => fixed(2),
        b'U' => fixed(8),
        b'u' if rest.starts_with('{') => {
            let digits = rest.get(1..)?.split('}').next().filter(|digits| digits.len() <= 6)?;
            Some((code_point(digits, 16)?, digits.len().checked_add(4)?))
        }
        b'u' => fixed(4),
        _ => None,
    }
}

/// The text with its runs of single characters closed up; `None` if there is none.
pub(crate) fn closed_up(text: &str, runs: &[EncodedRun]) -> Option<View> {
    count(Stage::Layers, text.len().saturating_add(runs.len()));
    let mut view = View::default();
    let mut copied = 0;
    for run in runs.iter().filter(|run| run.kind == RunKind::Spaced) {
        view.copy(text.get(copied..run.start).unwrap_or_default(), copied);
        for at in (run.start..run.end).step_by(2) {
            view.copy(text.get(at..at.saturating_add(1)).unwrap_or_default(), at);
        }
        copied = run.end;
    }
    if copied == 0 {
        return None;
    }
    view.copy(text.get(copied..).unwrap_or_default(), copied);
    Some(view)
}

const FORGIVING: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, FORGIVING);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, FORGIVING);

/// The text that a run of base64 or hexadecimal digits stands for; `None` if it is no text.
pub(crate) fn decoded(run: &str, kind: RunKind) -> Option<String> {
    count(Stage::Layers, run.len());
    let bytes = match kind {
        RunKind::Spaced => return None,
        RunKind::Hex => hex(run.as_bytes()).filter(|bytes| is_text(bytes)).or_else(|| base64(run)),
        RunKind::Base64 => base64(run),
    }?;
    String::from_utf8(bytes).ok().filter(|text| is_text(text.as_bytes()))
}

fn hex(run: &[u8]) -> Option<Vec<u8>> {
    (0..run.len()).step_by(2).map(|at| hex_byte(run, at)).collect()
}

fn base64(run: &str) -> Option<Vec<u8>> {
    let url = run.contains(['-', '_']);
    let engine = if url { &URL_SAFE } else { &STANDARD };
    // A few characters first: most runs are no text, and show it at once.
    let head = engine.decode(run.get(..8)?).ok()?;
    if !is_text(&head) {
        return None;
    }
    engine.decode(run).ok()
}

/// Whether these bytes can be text: no control characters but white space.
fn is_text(bytes: &[u8]) -> bool {
    !bytes.is_empty()
        && bytes.iter().all(|byte| *byte >= 0x20 && *byte != 0x7f || matches!(byte, b'\n' | b'\r' | b'\t'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_of_every_kind_are_undone() {
        for (text, plain) in [
            ("dana%40example.com", "dana@example.com"),
            ("dana%40example%2Ecom", "dana@example.com"),
            ("caf%C3%A9%21", "café!"),
            ("dana&#64;example&#x2e;com", "dana@example.com"),
            ("dana&commat;example&period;com", "dana@example.com"),
            (r"dana\u0040example\x2ecom", "dana@example.com"),
            (r"dana\u{40}example", "dana@example"),
        ] {
            let view = unescaped(text).unwrap();
            assert_eq!(view.text, plain);
            assert_eq!(view.original(0, view.text.len()), (0, text.len()));
        }
        for text in ["100% sure", "R&D; x", r"\ \users", "%zz %4", "&unknownname;", "%ff%fe"] {
            assert!(unescaped(text).is_none(), "{text}");
        }
    }

    #[test]
    fn runs_are_read_as_text_or_not_at_all() {
        assert_eq!(decoded("ZGFuYUBleGFtcGxlLmNvbQ==", RunKind::Base64).unwrap(), "dana@example.com");
        assert_eq!(decoded("ZGFuYUBleGFtcGxlLmNvbQ", RunKind::Base64).unwrap(), "dana@example.com");
        assert_eq!(decoded("64616e61406578616d706c652e636f6d", RunKind::Hex).unwrap(), "dana@example.com");
        assert_eq!(decoded("Internationalization", RunKind::Base64), None);
        assert_eq!(decoded("0123456789abcdef0123456789abcdef", RunKind::Hex), None);
    }
}
