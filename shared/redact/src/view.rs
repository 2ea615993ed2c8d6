//! A text as detectors read it, with the way back to the original, byte by byte.
//!
//! Undone are: compatibility forms (NFKC: full width, mathematical letters, superscripts), invisible characters (zero
//! width, soft hyphens, bidirectional marks), digits of other scripts, letters that look like Latin ones, and unusual
//! spaces, dashes, dots and slashes.

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfkc_quick};

use crate::fold::{digit, latin, mark};
use crate::steps::{Stage, count, halvings};

/// A piece of a view.
#[derive(Debug, Clone, Copy)]
struct Segment {
    view: usize,
    original: usize,
    /// Bytes of the original that one piece of the view stands for; none: both go on in step.
    whole: Option<usize>,
}

/// A text in another writing than its original.
#[derive(Debug, Default)]
pub(crate) struct View {
    pub(crate) text: String,
    segments: Vec<Segment>,
}

impl View {
    /// The original's bytes that `start..end` of the view stand for. What was dropped at the edges stays outside.
    pub(crate) fn original(&self, start: usize, end: usize) -> (usize, usize) {
        // Two searches by halves.
        count(Stage::View, 2 * halvings(self.segments.len()));
        let at = |count: usize| count.checked_sub(1).and_then(|at| self.segments.get(at));
        let first = at(self.segments.partition_point(|one| one.view <= start));
        let last = at(self.segments.partition_point(|one| one.view < end));
        let from = first.map_or(start, |one| match one.whole {
            Some(_) => one.original,
            None => one.original.saturating_add(start.saturating_sub(one.view)),
        });
        let to = last.map_or(end, |one| match one.whole {
            Some(length) => one.original.saturating_add(length),
            None => one.original.saturating_add(end.saturating_sub(one.view)),
        });
        (from, to)
    }

    /// Appends what stands in the original as it is.
    pub(crate) fn copy(&mut self, text: &str, original: usize) {
        if !text.is_empty() {
            self.segments.push(Segment { view: self.text.len(), original, whole: None });
            self.text.push_str(text);
        }
    }

    /// Appends what `length` bytes of the original stand for.
    pub(crate) fn replace(&mut self, by: &str, original: usize, length: usize) {
        if !by.is_empty() {
            self.segments.push(Segment { view: self.text.len(), original, whole: Some(length) });
            self.text.push_str(by);
        }
    }
}

/// The normalised view of a text; `None` if it is the text itself.
pub(crate) fn normalised(text: &str) -> Option<View> {
    count(Stage::View, text.len());
    if text.is_ascii() {
        return None;
    }
    let mut view = View::default();
    let mut copied = 0;
    let mut at = 0;
    while let Some((start, c)) = next_beyond_ascii(text, at) {
        at = start.saturating_add(c.len_utf8());
        let fold = fold(c);
        count(Stage::View, 1);
        if matches!(fold, Fold::Keep) {
            continue;
        }
        view.copy(text.get(copied..start).unwrap_or_default(), copied);
        copied = at;
        let mut buffer = [0; 4];
        match fold {
            Fold::Keep | Fold::Drop => {}
            Fold::Char(c) => view.replace(c.encode_utf8(&mut buffer), start, at.saturating_sub(start)),
            Fold::Compatible => view.replace(&compatible(c), start, at.saturating_sub(start)),
        }
    }
    if copied == 0 {
        return None;
    }
    view.copy(text.get(copied..).unwrap_or_default(), copied);
    Some(view)
}

fn next_beyond_ascii(text: &str, at: usize) -> Option<(usize, char)> {
    let start = next_unkept(text.as_bytes(), at)?;
    Some((start, text.get(start..)?.chars().next()?))
}

/// The next byte beyond ASCII, but for the letters of two bytes that are always kept: passed over in blocks that compile
/// to vector instructions, and then one by one.
fn next_unkept(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let (blocks, _) = bytes.get(at..)?.as_chunks::<16>();
        let plain = blocks.iter().take_while(|block| block.iter().fold(0, |any, byte| any | byte) < 0x80);
        at = at.saturating_add(plain.count().saturating_mul(16));
        let block = bytes.get(at..)?;
        at = at.saturating_add(block.iter().position(|byte| !byte.is_ascii())?);
        let first = at;
        while let Some([0xc3 | 0xc4, ..] | [0xc5, 0x80..=0xbe, ..] | [0xd7, 0x90..=0xaa, ..]) =
            bytes.get(at..)
        {
            at = at.saturating_add(2);
        }
        if at == first || bytes.get(at).is_some_and(|byte| !byte.is_ascii()) {
            return Some(at);
        }
    }
}

enum Fold {
    Keep,
    Drop,
    Char(char),
    Compatible,
}

fn fold(c: char) -> Fold {
    match c {
        // Letters of Latin script and of Hebrew: most of what is not ASCII here.
        '\u{c0}'..='\u{17e}' | '\u{5d0}'..='\u{5ea}' | '\u{2018}'..='\u{201f}' | '\u{2026}' | '\u{20ac}' => {
            Fold::Keep
        }
        _ if is_invisible(c) => Fold::Drop,
        _ if c.is_whitespace() => Fold::Char(' '),
        _ => digit(c).or_else(|| mark(c)).or_else(|| latin(c)).map_or_else(|| by_form(c), Fold::Char),
    }
}

/// The compatibility form, of which the letters are folded once more: 𝐚 and ａ and а are one.
fn by_form(c: char) -> Fold {
    if is_nfkc_quick(core::iter::once(c)) == IsNormalized::No { Fold::Compatible } else { Fold::Keep }
}

fn compatible(c: char) -> String {
    let folded = |c: char| digit(c).or_else(|| mark(c)).or_else(|| latin(c)).unwrap_or(c);
    core::iter::once(c).nfkc().filter(|c| !is_invisible(*c)).map(folded).collect()
}

/// Characters that show nothing, or only change what stands beside them (Unicode: Default_Ignorable_Code_Point, and
/// overlays such as the combining strike).
const fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{3164}' | '\u{ffa0}'
        | '\u{feff}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{335}'..='\u{338}' | '\u{20d0}'..='\u{20ea}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        normalised(text).map_or_else(|| text.to_owned(), |view| view.text)
    }

    #[test]
    fn what_looks_alike_reads_alike() {
        for (text, plain) in [
            ("４１１１", "4111"),
            ("٤١١١", "4111"),
            ("۴۱۱۱", "4111"),
            ("𝟒𝟏𝟏𝟏", "4111"),
            ("41\u{200b}11\u{ad}", "4111"),
            ("\u{202e}4111\u{202c}", "4111"),
            ("4\u{a0}1\u{2011}1–1", "4 1-1-1"),
            ("dаnа＠ехаmрlе.соm", "dana@example.com"),
            ("ΑΚΙΑ", "AKIA"),
            ("Zoë Müller, שלום", "Zoë Müller, שלום"),
            ("１２３。４", "123.4"),
        ] {
            assert_eq!(read(text), plain, "{text}");
        }
    }

    #[test]
    fn spans_lead_back_to_their_bytes() {
        let text = "x\u{200b}４\u{200b}1\u{ad}ﬁ\u{200b} y";
        let view = normalised(text).unwrap();
        assert_eq!(view.text, "x41fi y");
        let back = |start: usize, end: usize| {
            let (start, end) = view.original(start, end);
            text.get(start..end).unwrap()
        };
        assert_eq!(back(1, 3), "４\u{200b}1");
        assert_eq!(back(3, 4), "ﬁ");
        assert_eq!(back(4, 5), "ﬁ");
        assert_eq!(back(0, 1), "x");
        assert_eq!(back(6, 7), "y");
        assert_eq!(back(0, view.text.len()), text);
    }
}
