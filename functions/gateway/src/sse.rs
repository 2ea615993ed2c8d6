//! Server-sent events (WHATWG HTML, section 9.2), as the vendors use them: bytes in, events out, and back.

/// Longest event that is read, in bytes: the `response.completed` of a long answer repeats all of it.
const MAX_EVENT_BYTES: usize = 5 * 1024 * 1024;

/// One event: its name, if it has one, and its data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    pub name: Option<String>,
    pub data: String,
}

/// The stream is not one of events in UTF-8, or an event is too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the provider's stream is not a stream of events")]
pub struct NotEvents;

/// Reads events out of bytes that may be cut anywhere, inside a character included.
#[derive(Debug, Default)]
pub struct Parser {
    line: Vec<u8>,
    name: Option<String>,
    data: Option<String>,
    /// The last byte was a carriage return: a line feed that follows belongs to it.
    after_return: bool,
}

impl Parser {
    /// The events that end within `bytes`.
    ///
    /// # Errors
    /// A line that is not UTF-8, or an event beyond [`MAX_EVENT_BYTES`].
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<Event>, NotEvents> {
        let mut events = Vec::new();
        for byte in bytes {
            let line_feed_of_return = *byte == b'\n' && std::mem::take(&mut self.after_return);
            match byte {
                b'\n' if line_feed_of_return => {}
                b'\n' | b'\r' => {
                    self.after_return = *byte == b'\r';
                    events.extend(self.end_line()?);
                }
                other => {
                    self.after_return = false;
                    self.line.push(*other);
                }
            }
            if self.line.len() > MAX_EVENT_BYTES {
                return Err(NotEvents);
            }
        }
        Ok(events)
    }

    /// Whether the stream may end here: no event is half read.
    pub fn is_between_events(&self) -> bool {
        self.line.is_empty() && self.data.is_none()
    }

    fn end_line(&mut self) -> Result<Option<Event>, NotEvents> {
        let line = String::from_utf8(std::mem::take(&mut self.line)).map_err(|_| NotEvents)?;
        if line.is_empty() {
            let name = self.name.take();
            return Ok(self.data.take().map(|data| Event { name, data }));
        }
        let (field, value) = line.split_once(':').unwrap_or((&line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => self.name = Some(value.to_owned()),
            "data" => self.add_data(value)?,
            // Comments, `id` and `retry` are for reconnecting, which no model call does.
            _ => {}
        }
        Ok(None)
    }

    fn add_data(&mut self, value: &str) -> Result<(), NotEvents> {
        match &mut self.data {
            Some(data) if data.len() + value.len() > MAX_EVENT_BYTES => return Err(NotEvents),
            Some(data) => {
                data.push('\n');
                data.push_str(value);
            }
            None => self.data = Some(value.to_owned()),
        }
        Ok(())
    }
}

impl Event {
    /// The event as it is sent. JSON data holds no line break, so it is one `data` line.
    pub fn write(&self, out: &mut Vec<u8>) {
        if let Some(name) = &self.name {
            out.extend_from_slice(b"event: ");
            out.extend_from_slice(name.as_bytes());
            out.push(b'\n');
        }
        for line in self.data.split('\n') {
            out.extend_from_slice(b"data: ");
            out.extend_from_slice(line.as_bytes());
            out.push(b'\n');
        }
        out.push(b'\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn event(name: Option<&str>, data: &str) -> Event {
        Event { name: name.map(str::to_owned), data: data.to_owned() }
    }

    fn read(chunks: &[&[u8]]) -> Vec<Event> {
        let mut parser = Parser::default();
        chunks.iter().flat_map(|chunk| parser.push(chunk).unwrap()).collect()
    }

    #[test]
    fn the_forms_of_the_standard() {
        let whole = "\
            : a comment\nevent: a\ndata: {\"x\":1}\nid: 7\n\n\
            data:no space\r\ndata: second line\r\n\r\n\
            event: without data\n\n\
            data\n\ndata: [DONE]\n\n";
        let expected = [
            event(Some("a"), "{\"x\":1}"),
            event(None, "no space\nsecond line"),
            event(None, ""),
            event(None, "[DONE]"),
        ];
        assert_eq!(read(&[whole.as_bytes()]), expected);
    }

    #[test]
    fn a_stream_that_is_cut_is_seen_to_be() {
        let mut parser = Parser::default();
        assert_eq!(parser.push(b"data: {").map(|events| events.len()), Ok(0));
        assert!(!parser.is_between_events());
        assert_eq!(parser.push(b"}\n\n").map(|events| events.len()), Ok(1));
        assert!(parser.is_between_events());
        assert_eq!(Parser::default().push(b"data: \xff\n"), Err(NotEvents));
        assert_eq!(Parser::default().push(&vec![b'x'; MAX_EVENT_BYTES + 1]), Err(NotEvents));
    }

    proptest! {
        #[test]
        fn cuts_change_nothing(texts in prop::collection::vec("[a-zé\u{5d0}😀 :]{0,12}", 1..6), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12)) {
            let mut bytes = Vec::new();
            let events: Vec<_> = texts.iter().map(|text| event(Some("n"), text)).collect();
            events.iter().for_each(|event| event.write(&mut bytes));
            let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len())).chain([0, bytes.len()]).collect();
            at.sort_unstable();
            let chunks: Vec<&[u8]> = at.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
            prop_assert_eq!(read(&chunks), events);
        }
    }
}
