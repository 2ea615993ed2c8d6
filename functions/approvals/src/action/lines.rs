//! Arguments as lines, as many as a person may be asked to read.

use serde_json::{Map, Value};

use crate::mask::Eyes;
use crate::odd::Piece;

/// More than that is not shown, and so not approved.
pub const LINES_MAX: usize = 2_000;
/// In bytes of what is shown.
pub const BYTES_MAX: usize = 32 * 1_024;

/// One line: how deep it stands, and what is in it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Line {
    pub depth: usize,
    pub parts: Vec<Part>,
    /// There is more of it than is shown.
    pub cut: bool,
}

/// A part of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Brackets, commas and such, of ours.
    Mark(&'static str),
    /// The name of a field.
    Name(Vec<Piece>),
    /// A text of the agent's.
    Text(Vec<Piece>),
    /// A number, `true`, `false` or `null`.
    Word(Vec<Piece>),
}

/// All lines that fit.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lines {
    pub lines: Vec<Line>,
    /// Bytes that are not shown.
    pub left_out: usize,
    pub hidden: usize,
}

impl Line {
    /// A single text, as it is.
    pub fn text(text: &str, name: &str, eyes: &Eyes<'_>) -> Self {
        let shown = head(text, BYTES_MAX);
        let parts = vec![Part::Text(eyes.see(shown, Some(name)))];
        Self { depth: 0, parts, cut: shown.len() < text.len() }
    }

    pub fn hidden(&self) -> usize {
        self.parts.iter().map(Part::hidden).sum()
    }
}

impl Part {
    fn hidden(&self) -> usize {
        match self {
            Self::Mark(_) => 0,
            Self::Name(pieces) | Self::Text(pieces) | Self::Word(pieces) => {
                pieces.iter().filter(|piece| matches!(piece, Piece::Hidden { .. })).count()
            }
        }
    }

    /// How many lines it takes on its own: texts may have several.
    fn breaks(&self) -> usize {
        match self {
            Self::Text(pieces) => pieces.iter().filter(|piece| **piece == Piece::Break).count(),
            Self::Mark(_) | Self::Name(_) | Self::Word(_) => 0,
        }
    }
}

/// The beginning of a text, of at most so many bytes.
pub fn head(text: &str, most: usize) -> &str {
    let mut end = most.min(text.len());
    while !text.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    text.get(..end).unwrap_or_default()
}

/// A value, line by line.
pub fn lines(value: &Value, eyes: &Eyes<'_>) -> Lines {
    let mut walk = Walk { eyes, out: Lines::default(), line: Line::default(), bytes: 0, count: 0 };
    walk.value(value, None, 0);
    walk.end();
    walk.out.hidden = walk.out.lines.iter().map(Line::hidden).sum();
    walk.out
}

struct Walk<'a> {
    eyes: &'a Eyes<'a>,
    out: Lines,
    line: Line,
    bytes: usize,
    count: usize,
}

impl Walk<'_> {
    fn value(&mut self, value: &Value, field: Option<&str>, depth: usize) {
        match value {
            Value::Null => self.word("null", None),
            Value::Bool(flag) => self.word(if *flag { "true" } else { "false" }, None),
            Value::Number(number) => self.word(&number.to_string(), field),
            Value::String(text) => self.text(text, field),
            Value::Array(items) => self.list(items, field, depth),
            Value::Object(fields) => self.object(fields, depth),
        }
    }

    fn list(&mut self, items: &[Value], field: Option<&str>, depth: usize) {
        if items.is_empty() {
            return self.mark("[]");
        }
        self.mark("[");
        for (n, item) in items.iter().enumerate() {
            self.next(depth.saturating_add(1));
            self.value(item, field, depth.saturating_add(1));
            self.comma(n, items.len());
        }
        self.next(depth);
        self.mark("]");
    }

    fn object(&mut self, fields: &Map<String, Value>, depth: usize) {
        if fields.is_empty() {
            return self.mark("{}");
        }
        self.mark("{");
        for (n, (name, value)) in fields.iter().enumerate() {
            self.next(depth.saturating_add(1));
            let size = name.len().saturating_add(4);
            let pieces = |walk: &Self| Part::Name(walk.eyes.see(&escaped(name), None));
            self.part(size, pieces);
            self.mark(": ");
            self.value(value, Some(name), depth.saturating_add(1));
            self.comma(n, fields.len());
        }
        self.next(depth);
        self.mark("}");
    }

    fn comma(&mut self, n: usize, of: usize) {
        if n.saturating_add(1) < of {
            self.mark(",");
        }
    }

    fn word(&mut self, word: &str, field: Option<&str>) {
        self.part(word.len(), |walk| Part::Word(walk.eyes.see(word, field)));
    }

    fn text(&mut self, text: &str, field: Option<&str>) {
        self.part(text.len().saturating_add(2), |walk| Part::Text(walk.eyes.see(&escaped(text), field)));
    }

    fn mark(&mut self, mark: &'static str) {
        self.part(mark.len(), |_| Part::Mark(mark));
    }

    /// Shows a part, if there is room for it: what comes behind one that has none is left out too.
    fn part(&mut self, size: usize, make: impl FnOnce(&Self) -> Part) {
        self.bytes = self.bytes.saturating_add(size);
        if self.out.left_out > 0 || self.bytes > BYTES_MAX || self.count >= LINES_MAX {
            self.out.left_out = self.out.left_out.saturating_add(size.max(1));
            return;
        }
        let part = make(self);
        self.count = self.count.saturating_add(part.breaks());
        if self.count >= LINES_MAX {
            self.out.left_out = self.out.left_out.saturating_add(size.max(1));
            return;
        }
        self.line.parts.push(part);
    }

    fn next(&mut self, depth: usize) {
        self.bytes = self.bytes.saturating_add(depth.saturating_mul(2).saturating_add(1));
        self.end();
        self.line = Line { depth, ..Line::default() };
    }

    fn end(&mut self) {
        let line = std::mem::take(&mut self.line);
        if !line.parts.is_empty() {
            self.count = self.count.saturating_add(1);
            self.out.lines.push(line);
        }
    }
}

/// What would end a text in JSON is escaped as JSON does; every other character is left to be seen.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}
