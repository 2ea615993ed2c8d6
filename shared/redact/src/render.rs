//! Where in an answer a reader stands, as far as a renderer would make links of it. One step per byte, constant work.

/// Schemes that act without `//`. Compared with the end of what precedes a colon.
const SCHEMES: &[&[u8]] = &[b"mailto", b"tel", b"sms", b"data", b"javascript", b"xmpp", b"cid", b"facetime"];
const LONGEST_SCHEME: usize = 10;
/// A host name has at most 253 characters (RFC 1035 section 2.3.4, less the length bytes).
const MAX_HOST: usize = 253;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Tag {
    #[default]
    Outside,
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
    /// Whether a text put here, before `after`, would go nowhere.
    pub(crate) fn is_plain(&self, after: &[u8]) -> bool {
        self.tag == Tag::Outside && self.parens == 0 && !self.is_link && !continues_as_host(after)
    }

    /// Reads one byte; `rest` is what follows it.
    pub(crate) fn step(&mut self, byte: u8, rest: &[u8]) {
        let was_inside = self.tag == Tag::Inside;
        self.step_tag(byte, rest);
        self.step_target(byte);
        let closed = was_inside && self.tag == Tag::Outside;
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

    fn step_tag(&mut self, byte: u8, rest: &[u8]) {
        self.tag = match (self.tag, byte) {
            (Tag::Outside, b'<') if opens_tag(rest) => Tag::Inside,
            (Tag::Inside, b'>') => Tag::Outside,
            (Tag::Inside, b'"' | b'\'') if self.last_visible == b'=' => Tag::Quoted(byte),
            (Tag::Quoted(quote), _) if byte == quote => Tag::Inside,
            (tag, _) => tag,
        };
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

/// `<` opens a tag before a name that white space, `/` or `>` ends: `<b>`, `<img src`, not `a <b:` or `x < y`.
fn opens_tag(rest: &[u8]) -> bool {
    let name = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'-').count();
    let ends = rest.get(name).is_none_or(|byte| byte.is_ascii_whitespace() || matches!(byte, b'/' | b'>'));
    ends && rest.first().is_some_and(u8::is_ascii_alphabetic)
}

/// `.evil.example` or `.evil/`: what stands before would be a label of that host.
fn continues_as_host(after: &[u8]) -> bool {
    let host = after.iter().take(MAX_HOST).take_while(|byte| is_name(**byte) || **byte == b'.').count();
    let host = after.get(..host).unwrap_or_default();
    let labels = host.split(|byte| *byte == b'.').skip(1).filter(|label| !label.is_empty()).count();
    let ends = after.get(host.len()).is_some_and(|byte| matches!(byte, b'/' | b'?' | b'#' | b':'));
    host.first() == Some(&b'.') && (labels >= 2 || (labels == 1 && ends))
}
