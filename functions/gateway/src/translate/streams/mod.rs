//! Streams, from the provider's dialect to the caller's, one event at a time.

pub mod chat;
pub mod delta;
pub mod messages;
pub mod responses;

/// Follows the text of a JSON object to its closing brace, so that a call can be known to be whole as it streams.
#[derive(Default)]
pub struct Braces {
    depth: usize,
    in_string: bool,
    escaped: bool,
    closed: bool,
}

impl Braces {
    pub fn push(&mut self, text: &str) {
        text.bytes().for_each(|byte| self.step(byte));
    }

    pub const fn closed(&self) -> bool {
        self.closed
    }

    fn step(&mut self, byte: u8) {
        if self.in_string {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.in_string = false,
                _ => {}
            }
            return;
        }
        match byte {
            b'"' => self.in_string = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => {
                self.depth = self.depth.saturating_sub(1);
                self.closed |= self.depth == 0;
            }
            _ => {}
        }
    }
}
