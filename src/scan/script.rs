//! The string literals of JavaScript. Pure; fed a piece at a time, indifferent to where it is cut.
//!
//! Each literal is a part of its own; templates are read with what is in their `${…}`. Comments and code are not read.
//!
//! Limits: strings that a script puts together are seen in their pieces. A `/` begins a regular expression where a value may begin, by the character
//! before it; where that is wrong, or a string is not closed, reading is sound again at the end of the line. Templates within templates within templates are
//! followed [`DEEPEST`] deep.

use super::Take;
use smallvec::SmallVec;

/// How deep templates are followed.
pub const DEEPEST: usize = 16;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Code,
    /// After a `/`, which may begin a comment; whether a value may begin there.
    Slash(bool),
    LineComment,
    /// In a comment, and whether a star was just there.
    BlockComment(bool),
    /// In a regular expression: in a class, after a backslash.
    Expression {
        class: bool,
        escaped: bool,
    },
    /// In a string that this closes.
    String(u8),
    /// In a template, after a `$`.
    Dollar,
    /// After a backslash in a string that this closes.
    Backslash(u8),
    /// In `\x` or `\u`: how many digits are missing, and the number so far.
    Hex(u8, u8, u32),
    /// In `\u{`.
    Braced(u8, u32),
}

/// Reads a script.
pub struct Script {
    state: State,
    /// The last byte of code that is no space.
    last: u8,
    /// Open braces within each template that is open.
    templates: SmallVec<[u32; 4]>,
    /// The first half of a character that is written as two.
    surrogate: Option<u32>,
}

impl Default for Script {
    fn default() -> Self {
        Self { state: State::Code, last: b';', templates: SmallVec::new(), surrogate: None }
    }
}

impl Script {
    /// Reads more.
    pub fn feed(&mut self, text: &str, take: &mut impl Take) {
        let bytes = text.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            at += match self.state {
                State::Code => self.code(&bytes[at..]),
                State::String(quote) => self.string(quote, &text[at..], take),
                State::LineComment => memchr::memchr(b'\n', &bytes[at..]).map_or(bytes.len() - at, |end| {
                    self.state = State::Code;
                    end + 1
                }),
                State::BlockComment(false) => memchr::memchr(b'*', &bytes[at..]).map_or(bytes.len() - at, |end| {
                    self.state = State::BlockComment(true);
                    end + 1
                }),
                State::Slash(_) | State::BlockComment(true) | State::Expression { .. } | State::Dollar => self.byte(bytes[at], take),
                State::Backslash(_) | State::Hex(..) | State::Braced(..) => {
                    let c = text[at..].chars().next().unwrap_or_default();
                    if self.escaped(c, take) { c.len_utf8() } else { 0 }
                }
            };
        }
    }

    /// The script is over.
    pub fn end(&mut self, take: &mut impl Take) {
        self.half_pair(take);
        take.part();
        *self = Self::default();
    }

    fn code(&mut self, bytes: &[u8]) -> usize {
        for (at, byte) in bytes.iter().enumerate() {
            match byte {
                b' ' | b'\t' | b'\r' => continue,
                b'"' | b'\'' | b'`' => {
                    self.state = State::String(*byte);
                    self.last = *byte;
                    return at + 1;
                }
                b'/' => {
                    self.state =
                        State::Slash(!(self.last.is_ascii_alphanumeric() || matches!(self.last, b')' | b']' | b'}' | b'_' | b'$' | b'"' | b'\'' | b'`')));
                    return at + 1;
                }
                b'{' => {
                    if let Some(open) = self.templates.last_mut() {
                        *open = open.saturating_add(1);
                    }
                }
                b'}' => match self.templates.last_mut() {
                    Some(0) => {
                        self.templates.pop();
                        self.state = State::String(b'`');
                        return at + 1;
                    }
                    Some(open) => *open -= 1,
                    None => {}
                },
                _ => {}
            }
            self.last = *byte;
        }
        bytes.len()
    }

    fn string(&mut self, quote: u8, text: &str, take: &mut impl Take) -> usize {
        let bytes = text.as_bytes();
        let end = if quote == b'`' { memchr::memchr3(b'`', b'\\', b'$', bytes) } else { memchr::memchr3(quote, b'\\', b'\n', bytes) };
        let end = end.unwrap_or(bytes.len());
        if end > 0 {
            self.say(&text[..end], take);
        }
        match bytes.get(end) {
            None => return end,
            Some(b'\\') => self.state = State::Backslash(quote),
            Some(b'$') => self.state = State::Dollar,
            Some(_) => {
                self.half_pair(take);
                self.state = State::Code;
                take.part();
            }
        }
        end + 1
    }

    fn say(&mut self, text: &str, take: &mut impl Take) {
        self.half_pair(take);
        take.text(text);
    }

    fn half_pair(&mut self, take: &mut impl Take) {
        if self.surrogate.take().is_some() {
            take.text("\u{fffd}");
        }
    }

    fn byte(&mut self, byte: u8, take: &mut impl Take) -> usize {
        match self.state {
            State::Slash(begins_value) => match byte {
                b'/' => self.state = State::LineComment,
                b'*' => self.state = State::BlockComment(false),
                _ => {
                    self.state = if begins_value { State::Expression { class: false, escaped: false } } else { State::Code };
                    self.last = b'/';
                    return 0;
                }
            },
            State::BlockComment(_) => match byte {
                b'/' => self.state = State::Code,
                b'*' => {}
                _ => self.state = State::BlockComment(false),
            },
            State::Expression { class, escaped } => match byte {
                b'\n' => self.state = State::Code,
                _ if escaped => self.state = State::Expression { class, escaped: false },
                b'\\' => self.state = State::Expression { class, escaped: true },
                b'[' => self.state = State::Expression { class: true, escaped },
                b']' => self.state = State::Expression { class: false, escaped },
                b'/' if !class => {
                    self.state = State::Code;
                    self.last = b')';
                }
                _ => {}
            },
            // A dollar in a template.
            _ if byte == b'{' && self.templates.len() < DEEPEST => {
                self.half_pair(take);
                take.part();
                self.templates.push(0);
                self.last = b'{';
                self.state = State::Code;
            }
            _ => {
                self.say("$", take);
                self.state = State::String(b'`');
                return 0;
            }
        }
        1
    }

    /// A character after a backslash; false if it is no part of the escape.
    fn escaped(&mut self, c: char, take: &mut impl Take) -> bool {
        match self.state {
            State::Hex(quote, missing, code) => match c.to_digit(16) {
                Some(digit) if missing > 1 => self.state = State::Hex(quote, missing - 1, code << 4 | digit),
                Some(digit) => {
                    self.state = State::String(quote);
                    self.unit(code << 4 | digit, take);
                }
                None if c == '{' && missing == 4 && code == 0 => self.state = State::Braced(quote, 0),
                None => {
                    self.state = State::String(quote);
                    return false;
                }
            },
            State::Braced(quote, code) => match c.to_digit(16) {
                Some(digit) => self.state = State::Braced(quote, (code << 4 | digit).min(0x11_0000)),
                None => {
                    self.state = State::String(quote);
                    self.unit(code, take);
                    return c == '}';
                }
            },
            State::Backslash(quote) => {
                self.state = match c {
                    'x' => State::Hex(quote, 2, 0),
                    'u' => State::Hex(quote, 4, 0),
                    _ => State::String(quote),
                };
                match c {
                    'x' | 'u' | '\n' | '\r' => {}
                    'n' | 'r' | 't' | 'b' | 'f' | 'v' | '0' => self.say(" ", take),
                    other => self.say(other.encode_utf8(&mut [0; 4]), take),
                }
            }
            _ => self.state = State::Code,
        }
        true
    }

    fn unit(&mut self, code: u32, take: &mut impl Take) {
        let c = match (self.surrogate.take(), code) {
            (Some(high), 0xdc00..=0xdfff) => char::from_u32(0x1_0000 + ((high - 0xd800) << 10) + (code - 0xdc00)),
            (_, 0xd800..=0xdbff) => {
                self.surrogate = Some(code);
                return;
            }
            (_, code) => char::from_u32(code),
        };
        take.text(c.unwrap_or('\u{fffd}').encode_utf8(&mut [0; 4]));
    }
}
