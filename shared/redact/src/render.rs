//! Where in an answer a reader stands, as far as a renderer would make links of it. One step per byte, constant work.

/// Schemes that act without `//`. Compared with the end of what precedes a colon.
const SCHEMES: &[&[u8]] = &[b"mailto", b"tel", b"sms", b"data", b"javascript", b"xmpp", b"cid", b"facetime"];
const LONGEST_SCHEME: usize = 10;
/// A host name has at most 253 characters (RFC 1035 section 2.3.4, less the length bytes).
pub(crate) const MAX_HOST: usize = 253;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Tag {
    #[default]
    Outside,
    /// After a `<` that may open a tag.
    Opening,
    /// In the name after such a `<`.
    Name,
    Inside,
    /// Inside an attribute value that this quote closes.
    Quoted(u8),
}

/// State after the bytes read so far.
#[derive(Debug, Default)]
pub(crate) struct Context {
    tag: Tag,
    /// Open parentheses since `](`; 0 outside a link target.
    parens: usize,
    /// Inside `](<…>`, where parentheses do not count.
    is_angled: bool,
    /// The run of non-white bytes holds something that makes it a link.
    is_link: bool,
    /// The run holds a dot between two name characters.
    is_dotted: bool,
    /// Lower-cased last bytes of the run.
    tail: Vec<u8>,
    /// Only white space since the last line feed.
    blank_line: bool,
    escaped: bool,
    last: u8,
    last_visible: u8,
}

impl Context {
    /// Whether a text put here would go nowhere, as far as what precedes it says. A `<` and a name make a tag only
    /// with what follows them, and no placeholder does.
    pub(crate) fn is_plain(&self) -> bool {
        let in_tag = matches!(self.tag, Tag::Inside | Tag::Quoted(_));
        !in_tag && self.parens == 0 && !self.is_link
    }

    /// Reads one byte.
    pub(crate) fn step(&mut self, byte: u8) {
        let was_inside = matches!(self.tag, Tag::Inside | Tag::Name);
        self.tag = self.next_tag(byte);
        self.step_target(byte);
        let closed = was_inside && byte == b'>' && self.tag == Tag::Outside;
        if closed || byte.is_ascii_whitespace() || byte == b'<' {
            self.end_run();
        } else {
            self.step_run(byte);
        }
        self.last = byte;
        if !byte.is_ascii_whitespace() {
            self.last_visible = byte;
        }
    }

    /// `<` opens a tag before a name that white space, `/` or `>` ends: `<b>`, `<img src`, not `a <b:` or `x < y`.
    fn next_tag(&self, byte: u8) -> Tag {
        match (self.tag, byte) {
            (Tag::Outside | Tag::Opening | Tag::Name, b'<') => Tag::Opening,
            (Tag::Opening, _) if byte.is_ascii_alphabetic() => Tag::Name,
            (Tag::Name, _) if byte.is_ascii_alphanumeric() || byte == b'-' => Tag::Name,
            (Tag::Name, _) if byte.is_ascii_whitespace() || byte == b'/' => Tag::Inside,
            (Tag::Opening | Tag::Name, _) | (Tag::Inside, b'>') => Tag::Outside,
            (Tag::Inside, b'"' | b'\'') if self.last_visible == b'=' => Tag::Quoted(byte),
            (Tag::Quoted(quote), _) if byte == quote => Tag::Inside,
            (tag, _) => tag,
        }
    }

    /// A Markdown link ends at its parenthesis, or unfinished at the end of its paragraph.
    fn step_target(&mut self, byte: u8) {
        match byte {
            b'\n' if self.blank_line => self.parens = 0,
            _ if self.escaped => {}
            b'<' if self.parens == 1 && self.last_visible == b'(' => self.is_angled = true,
            b'>' | b'\n' if self.is_angled => self.is_angled = false,
            _ if self.is_angled => {}
            b'(' if self.parens > 0 || self.last == b']' => self.parens = self.parens.saturating_add(1),
            b')' => self.parens = self.parens.saturating_sub(1),
            _ => {}
        }
        self.escaped = byte == b'\\' && !self.escaped;
        self.blank_line = byte == b'\n' || (self.blank_line && byte.is_ascii_whitespace());
    }

    /// A link in running text goes on to white space or `<` (GitHub Flavored Markdown section 6.9).
    fn end_run(&mut self) {
        (self.is_link, self.is_dotted) = (false, false);
        self.tail.clear();
    }

    /// Whether the run ends in `word` and not in a longer word: `data`, not `metadata`.
    fn is_word(&self, word: &[u8]) -> bool {
        let before = self.tail.strip_suffix(word);
        before.is_some_and(|before| !before.last().is_some_and(u8::is_ascii_alphanumeric))
    }

    fn step_run(&mut self, byte: u8) {
        self.is_link |= match byte {
            b'/' | b'\\' => matches!(self.last, b'/' | b'\\') || self.is_dotted,
            b'?' | b'#' => self.is_dotted,
            b':' => SCHEMES.iter().any(|scheme| self.is_word(scheme)),
            b'.' => self.is_word(b"www"),
            _ => false,
        };
        self.is_dotted |= self.tail.ends_with(b".")
            && is_name(byte)
            && self.tail.iter().rev().nth(1).is_some_and(|b| is_name(*b));
        if self.tail.len() > LONGEST_SCHEME {
            self.tail.remove(0);
        }
        self.tail.push(byte.to_ascii_lowercase());
    }
}

/// A byte of a host name; those of other scripts included.
fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || !byte.is_ascii()
}

/// Reads what follows a placeholder: `.evil.example` or `.evil/` would make it a label of that host.
#[derive(Debug, Default)]
pub(crate) struct HostAfter {
    read: usize,
    labels: usize,
    after_dot: bool,
}

impl HostAfter {
    /// Reads one byte; `Some` once it is known whether a host name goes on. That takes [`MAX_HOST`] + 1 bytes at most.
    pub(crate) fn step(&mut self, byte: u8) -> Option<bool> {
        let fits = self.read < MAX_HOST && (is_name(byte) || byte == b'.');
        if !fits || (self.read == 0 && byte != b'.') {
            return Some(self.labels == 1 && matches!(byte, b'/' | b'?' | b'#' | b':'));
        }
        self.read = self.read.saturating_add(1);
        if byte != b'.' && self.after_dot {
            self.labels = self.labels.saturating_add(1);
        }
        self.after_dot = byte == b'.';
        (self.labels > 1).then_some(true)
    }
}
