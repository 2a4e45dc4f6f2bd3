//! The strings of JSON. Pure; fed a piece at a time, indifferent to where it is cut.
//!
//! Every string is read, names too. It need not be sound JSON: what is no string is passed over, so an answer that breaks off, or two documents in a row,
//! are read as far as they go. In streams of chat services a sentence comes in pieces, one a document; those of the names in [`GOES_ON`] are joined. What
//! stands beside them there is read now and then, where the text has a gap, and once while it is the same in each document; names are not.
//!
//! Limits: JSON within a string is read as text, so its escapes stay; tags within a string are words.

use super::{Aside, Take};

/// Names whose strings go on from document to document in a stream.
pub const GOES_ON: [&str; 12] =
    ["content", "text", "delta", "v", "completion", "response", "token", "thinking", "reasoning_content", "output", "generated_text", "message"];
/// The longest of them.
const LONGEST_NAME: usize = 20;
/// How deep it is known whether one is in an object.
const DEEPEST: u32 = 128;

/// What one string is to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strings {
    /// Nothing.
    Apart,
    /// Those of [`GOES_ON`] are one text.
    Joined,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Between,
    String,
    Backslash,
    /// After `\u`, with the digits so far.
    Hex(u8, u32),
}

/// How much of what stands beside the text that goes on is kept before it is said, in the middle of that.
const MOST_BESIDE: usize = 1024;

/// What a string is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Name,
    Value,
    /// A value that goes on with the last such.
    More,
}

/// Reads JSON.
pub struct Json {
    strings: Strings,
    state: State,
    role: Role,
    /// The last name, as far as it matters.
    name: String,
    /// A bit for each depth: whether it is an object.
    objects: u128,
    depth: u32,
    /// Whether a name comes next, if one is in an object.
    expects_name: bool,
    /// The first half of a character that is written as two.
    surrogate: Option<u32>,
    /// What stands beside the text that goes on, in the document at hand and in the one before.
    beside: String,
    last: String,
    aside: Aside,
}

impl Json {
    /// Before a document.
    #[must_use]
    pub fn new(strings: Strings) -> Self {
        Self {
            strings,
            state: State::Between,
            role: Role::Value,
            name: String::new(),
            objects: 0,
            depth: 0,
            expects_name: false,
            surrogate: None,
            beside: String::new(),
            last: String::new(),
            aside: Aside::default(),
        }
    }

    /// Reads more.
    pub fn feed(&mut self, text: &str, take: &mut impl Take) {
        let bytes = text.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            match self.state {
                State::Between => {
                    self.between(bytes[at], take);
                    at += 1;
                }
                State::String => {
                    let end = memchr::memchr2(b'"', b'\\', &bytes[at..]).map_or(bytes.len(), |end| at + end);
                    if end > at {
                        self.say(&text[at..end], take);
                    }
                    match bytes.get(end) {
                        Some(b'"') => self.end_string(take),
                        Some(_) => self.state = State::Backslash,
                        None => {}
                    }
                    at = end + 1;
                }
                State::Backslash | State::Hex(..) => {
                    let c = text[at..].chars().next().unwrap_or_default();
                    at += if self.escaped(c, take) { c.len_utf8() } else { 0 };
                }
            }
        }
    }

    /// The document is over, sound or not. What comes next is another.
    pub fn next_document(&mut self, take: &mut impl Take) {
        if self.state != State::Between {
            self.half_pair(take);
            self.end_string(take);
        }
        (self.objects, self.depth, self.expects_name) = (0, 0, false);
        self.name.clear();
        self.end_beside(take);
    }

    /// All is over.
    pub fn end(&mut self, take: &mut impl Take) {
        self.next_document(take);
        self.aside.say(take);
    }

    /// Whether what comes next is within a string.
    #[must_use]
    pub fn is_in_string(&self) -> bool {
        self.state != State::Between
    }

    /// Something else follows: no text goes on.
    pub fn gap(&mut self, take: &mut impl Take) {
        take.part();
        self.aside.say(take);
    }

    fn between(&mut self, byte: u8, take: &mut impl Take) {
        match byte {
            b'"' => self.begin_string(),
            b'{' | b'[' => {
                if self.depth == 0 {
                    self.end_beside(take);
                }
                self.depth = (self.depth + 1).min(DEEPEST);
                let bit = 1 << (self.depth - 1);
                self.objects = if byte == b'{' { self.objects | bit } else { self.objects & !bit };
                self.expects_name = byte == b'{';
            }
            b'}' | b']' => {
                self.depth = self.depth.saturating_sub(1);
                self.expects_name = false;
            }
            b',' => self.expects_name = self.in_object(),
            b':' => self.expects_name = false,
            b'\n' if self.depth == 0 => self.name.clear(),
            _ => {}
        }
    }

    fn in_object(&self) -> bool {
        self.depth > 0 && self.objects & 1 << (self.depth - 1) != 0
    }

    fn begin_string(&mut self) {
        self.state = State::String;
        self.role = if self.expects_name {
            self.name.clear();
            Role::Name
        } else if self.strings == Strings::Joined && GOES_ON.contains(&self.name.as_str()) {
            Role::More
        } else {
            Role::Value
        };
    }

    fn end_string(&mut self, take: &mut impl Take) {
        self.state = State::Between;
        match (self.role, self.strings) {
            (Role::More, _) => {}
            (Role::Name | Role::Value, Strings::Apart) => take.part(),
            (Role::Value, Strings::Joined) => self.hold_beside(" ", take),
            (Role::Name, Strings::Joined) => {}
        }
    }

    fn say(&mut self, text: &str, take: &mut impl Take) {
        self.half_pair(take);
        if self.role == Role::Name && self.name.len() < LONGEST_NAME {
            self.name.extend(text.chars().take(LONGEST_NAME - self.name.len()));
        }
        match (self.role, self.strings) {
            (Role::More, _) if self.aside.held.len() >= MOST_BESIDE => self.aside.text(text, take),
            (Role::More, _) | (Role::Name | Role::Value, Strings::Apart) => take.text(text),
            (Role::Value, Strings::Joined) => self.hold_beside(text, take),
            (Role::Name, Strings::Joined) => {}
        }
    }

    fn hold_beside(&mut self, mut text: &str, take: &mut impl Take) {
        loop {
            let (fits, rest) = text.split_at(text.floor_char_boundary(Aside::MOST - self.beside.len()));
            self.beside.push_str(fits);
            if rest.is_empty() {
                return;
            }
            self.aside.hold(&self.beside, take);
            self.beside.clear();
            text = rest;
        }
    }

    /// A document is over. What stands beside the text is mostly the same in each: it is kept once.
    fn end_beside(&mut self, take: &mut impl Take) {
        if !self.beside.is_empty() && self.beside != self.last {
            self.aside.hold(&self.beside, take);
            std::mem::swap(&mut self.beside, &mut self.last);
        }
        self.beside.clear();
    }

    /// Half a character whose other half did not come.
    fn half_pair(&mut self, take: &mut impl Take) {
        if self.surrogate.take().is_some() {
            self.say("\u{fffd}", take);
        }
    }

    /// A character after a backslash; false if it is no part of the escape.
    fn escaped(&mut self, c: char, take: &mut impl Take) -> bool {
        let (digits, code) = match self.state {
            State::Hex(digits, code) => (digits, code),
            _ if c == 'u' => {
                self.state = State::Hex(0, 0);
                return true;
            }
            _ => {
                self.state = State::String;
                let mut room = [0; 4];
                let text = if matches!(c, 'n' | 'r' | 't' | 'b' | 'f') { " " } else { c.encode_utf8(&mut room) };
                self.say(text, take);
                return true;
            }
        };
        let Some(digit) = c.to_digit(16) else {
            self.state = State::String;
            return false;
        };
        let code = code << 4 | digit;
        if digits < 3 {
            self.state = State::Hex(digits + 1, code);
        } else {
            self.state = State::String;
            self.unit(code, take);
        }
        true
    }

    /// A unit of UTF-16.
    fn unit(&mut self, code: u32, take: &mut impl Take) {
        let c = match (self.surrogate.take(), code) {
            (Some(high), 0xdc00..=0xdfff) => char::from_u32(0x1_0000 + ((high - 0xd800) << 10) + (code - 0xdc00)),
            (lone, 0xd800..=0xdbff) => {
                if lone.is_some() {
                    self.say("\u{fffd}", take);
                }
                self.surrogate = Some(code);
                return;
            }
            (lone, _) => {
                if lone.is_some() {
                    self.say("\u{fffd}", take);
                }
                char::from_u32(code)
            }
        };
        self.say(c.unwrap_or('\u{fffd}').encode_utf8(&mut [0; 4]), take);
    }
}
