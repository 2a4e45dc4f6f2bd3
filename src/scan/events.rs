//! The text of server-sent events (WHATWG HTML, 9.2). Pure; fed a piece at a time, indifferent to where it is cut.
//!
//! Of each event the `data` is read: as JSON where it begins so, each going on with the text of the one before ([`Strings::Joined`]), since chat
//! services send a sentence in pieces; else as text, each event a part of its own. Other fields and comments are not read.

use super::Take;
use super::json::{Json, Strings};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// In the name of a field, of which so many bytes are those of `data`.
    Field(usize),
    /// After `data:`, where one space may stand.
    Colon,
    /// In data; what it is is not known yet.
    Begin,
    Json,
    Text,
    /// In a line that is not read.
    Skip,
}

/// Reads a stream of events.
pub struct Events {
    state: State,
    json: Json,
    /// Whether the event at hand has JSON, which goes on in its next line of data.
    in_json: bool,
    /// Whether the last byte was a carriage return: a line feed after it ends no other line.
    after_return: bool,
}

impl Default for Events {
    fn default() -> Self {
        Self { state: State::Field(0), json: Json::new(Strings::Joined), in_json: false, after_return: false }
    }
}

const DATA: &[u8; 4] = b"data";

impl Events {
    /// Reads more.
    pub fn feed(&mut self, text: &str, take: &mut impl Take) {
        let bytes = text.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            if std::mem::take(&mut self.after_return) && bytes[at] == b'\n' {
                at += 1;
                continue;
            }
            let end = match self.state {
                State::Json | State::Text | State::Skip => memchr::memchr2(b'\n', b'\r', &bytes[at..]).map_or(bytes.len(), |end| at + end),
                State::Field(_) | State::Colon | State::Begin => at,
            };
            match self.state {
                State::Json => self.json.feed(&text[at..end], take),
                State::Text => take.text(&text[at..end]),
                State::Field(_) | State::Colon | State::Begin | State::Skip => {}
            }
            at = end;
            if let Some(byte) = bytes.get(at) {
                at += self.byte(*byte, take);
            }
        }
    }

    /// The stream is over.
    pub fn end(&mut self, take: &mut impl Take) {
        self.json.end(take);
    }

    fn byte(&mut self, byte: u8, take: &mut impl Take) -> usize {
        if matches!(byte, b'\n' | b'\r') {
            self.after_return = byte == b'\r';
            self.end_line(take);
            return 1;
        }
        match self.state {
            State::Field(taken) => {
                self.state = match (byte, DATA.get(taken)) {
                    (b':', None) => State::Colon,
                    (byte, Some(expected)) if byte == *expected => State::Field(taken + 1),
                    _ => State::Skip,
                };
                1
            }
            State::Colon => {
                self.state = State::Begin;
                usize::from(byte == b' ')
            }
            State::Begin if byte == b' ' || byte == b'\t' => 1,
            State::Begin => {
                self.in_json |= matches!(byte, b'{' | b'[' | b'"');
                self.state = if self.in_json { State::Json } else { State::Text };
                if !self.in_json {
                    self.json.gap(take);
                }
                0
            }
            State::Json | State::Text | State::Skip => 0,
        }
    }

    fn end_line(&mut self, take: &mut impl Take) {
        match self.state {
            // A line with nothing in it ends the event.
            State::Field(0) => {
                self.json.next_document(take);
                self.in_json = false;
            }
            State::Text => take.part(),
            State::Field(_) | State::Colon | State::Begin | State::Json | State::Skip => {}
        }
        self.state = State::Field(0);
    }
}
