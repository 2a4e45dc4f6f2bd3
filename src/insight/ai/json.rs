//! Strings picked out of JSON as it streams, by where they stand. What comes is held no longer than it is needed: nesting, keys and what is picked
//! are bounded. What is no JSON ends the reading; what was picked before counts.

/// The deepest nesting that is followed.
const DEEPEST: usize = 48;
/// The longest key that is told from others, in bytes.
const LONGEST_KEY: usize = 64;
/// The most of one picked text that is kept, in bytes.
const MOST_KEPT: usize = 64 * 1024;

/// What is picked. Paths are keys and numbers with dots between; `*` stands for any one of them.
pub(super) struct Pick {
    /// What belongs together: one message. Empty for the whole.
    pub(super) group: &'static str,
    /// Where the text stands.
    pub(super) text: &'static [&'static str],
    /// Where it stands whose text it is, and what that must end with. Where nothing is said it counts.
    pub(super) who: Option<(&'static str, &'static [&'static str])>,
}

/// What is kept of the groups.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    /// The last: a history comes before what is asked.
    Last,
    /// All, one after the other.
    All,
}

/// Reads JSON piece by piece.
pub(super) struct Walker {
    picks: &'static [Pick],
    keep: Keep,
    groups: Vec<Group>,
    kept: String,
    state: State,
    frames: Vec<Frame>,
    /// Where the value at hand stands.
    path: String,
    string: Vec<u8>,
    /// What the string at hand is for.
    wanted: Wanted,
    escape: Escape,
}

/// What was picked of the group at hand.
#[derive(Default)]
struct Group {
    text: Vec<u8>,
    any: bool,
    is_other: bool,
}

struct Frame {
    /// The length of the path of the thing itself.
    base: usize,
    /// The place in a list; nothing in an object.
    place: Option<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Value,
    Key,
    Colon,
    After,
    InKey,
    InText,
    Scalar,
    Over,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    No,
    Text(usize),
    Who(usize),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Escape {
    No,
    Begun,
    /// `\u` with so many digits read, their value, and the first half of a pair.
    Code(u8, u32, Option<u32>),
    /// Between the halves of a pair.
    Half(u32),
    HalfBegun(u32),
}

impl Walker {
    pub(super) fn new(picks: &'static [Pick], keep: Keep) -> Self {
        let groups = picks.iter().map(|_| Group::default()).collect();
        Self {
            picks,
            keep,
            groups,
            kept: String::new(),
            state: State::Value,
            frames: Vec::new(),
            path: String::new(),
            string: Vec::new(),
            wanted: Wanted::No,
            escape: Escape::No,
        }
    }

    pub(super) fn feed(&mut self, piece: &[u8]) {
        let mut at = 0;
        while at < piece.len() && self.state != State::Over {
            // Most bytes are of strings that nobody wants.
            if matches!(self.state, State::InText | State::InKey) && self.escape == Escape::No {
                let rest = &piece[at..];
                let plain = memchr::memchr2(b'"', b'\\', rest).unwrap_or(rest.len());
                self.push(&rest[..plain]);
                at += plain;
                if at == piece.len() {
                    return;
                }
            }
            self.byte(piece[at]);
            at += 1;
        }
    }

    /// What was picked. A string that was cut off counts as far as it came.
    pub(super) fn end(mut self) -> String {
        if self.state == State::InText {
            self.string_over();
        }
        for number in 0..self.picks.len() {
            self.close(number);
        }
        self.kept
    }

    /// Takes what is kept so far.
    pub(super) fn take(&mut self) -> String {
        std::mem::take(&mut self.kept)
    }

    fn push(&mut self, bytes: &[u8]) {
        let most = match (self.state, self.wanted) {
            (State::InKey, _) => LONGEST_KEY + 1,
            (_, Wanted::No) => 0,
            (_, Wanted::Text(_) | Wanted::Who(_)) => MOST_KEPT,
        };
        let room = most.saturating_sub(self.string.len());
        self.string.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn push_char(&mut self, code: u32) {
        let c = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
        self.push(c.encode_utf8(&mut [0; 4]).as_bytes());
    }

    fn byte(&mut self, byte: u8) {
        let space = matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        match self.state {
            State::InKey | State::InText => self.string_byte(byte),
            State::Scalar if space || matches!(byte, b',' | b']' | b'}') => {
                self.state = State::After;
                self.byte(byte);
            }
            State::Scalar | State::Over => {}
            State::Value | State::Key | State::Colon | State::After if space => {}
            State::Value => self.value(byte),
            State::Key => match byte {
                b'"' => self.begin_string(State::InKey),
                b'}' => self.leave(),
                b',' => {}
                _ => self.state = State::Over,
            },
            State::Colon => self.state = if byte == b':' { State::Value } else { State::Over },
            State::After => match (byte, self.frames.last_mut()) {
                (b',', Some(Frame { place: None, .. })) => self.state = State::Key,
                (b',', Some(Frame { place: Some(place), .. })) => {
                    *place += 1;
                    self.enter_place();
                    self.state = State::Value;
                }
                (b'}' | b']', Some(_)) => self.leave(),
                _ => self.state = State::Over,
            },
        }
    }

    fn value(&mut self, byte: u8) {
        match byte {
            b'{' | b'[' if self.frames.len() == DEEPEST => self.state = State::Over,
            b'{' => {
                self.frames.push(Frame { base: self.path.len(), place: None });
                self.state = State::Key;
            }
            b'[' => {
                self.frames.push(Frame { base: self.path.len(), place: Some(0) });
                self.enter_place();
            }
            b']' => self.leave(),
            b'"' => {
                self.wanted = self.wanted_here();
                self.begin_string(State::InText);
            }
            b',' | b'}' | b':' => self.state = State::Over,
            _ => self.state = State::Scalar,
        }
    }

    fn begin_string(&mut self, state: State) {
        self.string.clear();
        self.escape = Escape::No;
        self.state = state;
    }

    fn string_byte(&mut self, byte: u8) {
        self.escape = match (self.escape, byte) {
            (Escape::No, b'"') => return self.string_over(),
            (Escape::No, b'\\') => Escape::Begun,
            (Escape::No, other) => {
                self.push(&[other]);
                Escape::No
            }
            (Escape::Begun, b'u') => Escape::Code(0, 0, None),
            (Escape::Begun, other) => {
                self.push(&[match other {
                    b'n' => b'\n',
                    b't' => b'\t',
                    b'r' => b'\r',
                    b'b' | b'f' => b' ',
                    plain => plain,
                }]);
                Escape::No
            }
            (Escape::Code(digits, value, half), byte) => {
                let Some(digit) = (byte as char).to_digit(16) else {
                    self.state = State::Over;
                    return;
                };
                let value = value << 4 | digit;
                if digits < 3 { Escape::Code(digits + 1, value, half) } else { self.code(value, half) }
            }
            (Escape::Half(first), b'\\') => Escape::HalfBegun(first),
            (Escape::HalfBegun(first), b'u') => Escape::Code(0, 0, Some(first)),
            // Half a pair alone.
            (Escape::Half(_), other) => {
                self.push_char(0xfffd);
                self.escape = Escape::No;
                return self.string_byte(other);
            }
            (Escape::HalfBegun(_), other) => {
                self.push_char(0xfffd);
                self.escape = Escape::Begun;
                return self.string_byte(other);
            }
        };
    }

    fn code(&mut self, value: u32, half: Option<u32>) -> Escape {
        let is_first = (0xd800..0xdc00).contains(&value);
        let is_second = (0xdc00..0xe000).contains(&value);
        match half {
            Some(first) if is_second => self.push_char(0x10000 + ((first - 0xd800) << 10) + (value - 0xdc00)),
            Some(_) => {
                self.push_char(0xfffd);
                return self.code(value, None);
            }
            None if is_first => return Escape::Half(value),
            None => self.push_char(value),
        }
        Escape::No
    }

    fn string_over(&mut self) {
        if self.state == State::InKey {
            let base = self.frames.last().map_or(0, |frame| frame.base);
            self.path.truncate(base);
            if base > 0 {
                self.path.push('.');
            }
            // A key that is too long, or has a dot, is none that is asked for.
            match std::str::from_utf8(&self.string) {
                Ok(key) if key.len() <= LONGEST_KEY && !key.contains('.') => self.path.push_str(key),
                Ok(_) | Err(_) => self.path.push('\u{1}'),
            }
            self.state = State::Colon;
            return;
        }
        match self.wanted {
            Wanted::No => {}
            Wanted::Text(number) => {
                let group = &mut self.groups[number];
                if self.keep == Keep::Last && !group.text.is_empty() && !self.string.is_empty() {
                    group.text.push(b'\n');
                }
                let room = MOST_KEPT.saturating_sub(group.text.len());
                group.text.extend_from_slice(&self.string[..self.string.len().min(room)]);
                group.any = true;
            }
            Wanted::Who(number) => {
                let said = self.picks[number].who.is_some_and(|(_, wanted)| wanted.iter().any(|one| self.string.ends_with(one.as_bytes())));
                self.groups[number].is_other = !said;
            }
        }
        self.string.clear();
        self.state = State::After;
    }

    /// The path of the value at the place of the list at hand.
    fn enter_place(&mut self) {
        let Some(Frame { base, place: Some(place) }) = self.frames.last() else { return };
        self.path.truncate(*base);
        let dot = if *base > 0 { "." } else { "" };
        self.path.push_str(&format!("{dot}{place}"));
    }

    /// The end of a list or an object.
    fn leave(&mut self) {
        let Some(Frame { base, .. }) = self.frames.pop() else {
            self.state = State::Over;
            return;
        };
        self.path.truncate(base);
        for number in 0..self.picks.len() {
            let group = self.picks[number].group;
            if !group.is_empty() && is_at(&self.path, group) {
                self.close(number);
            }
        }
        self.state = State::After;
    }

    /// What was picked of a group counts, if it is of the right one.
    fn close(&mut self, number: usize) {
        let Group { text, any, is_other } = std::mem::take(&mut self.groups[number]);
        if !any || is_other {
            return;
        }
        let text = super::text(&text);
        match self.keep {
            // One without words asks nothing: what was asked before it stands.
            Keep::Last if super::in_words(&text, super::LONGEST).is_none() => {}
            Keep::Last => self.kept = text.into_owned(),
            Keep::All => self.kept.push_str(&text),
        }
    }

    fn wanted_here(&self) -> Wanted {
        for (number, pick) in self.picks.iter().enumerate() {
            if pick.text.iter().any(|path| is_at(&self.path, path)) {
                return Wanted::Text(number);
            }
            if pick.who.is_some_and(|(path, _)| is_at(&self.path, path)) {
                return Wanted::Who(number);
            }
        }
        Wanted::No
    }
}

/// Whether a path is this one.
fn is_at(path: &str, wanted: &str) -> bool {
    let (mut path, mut wanted) = (path.split('.'), wanted.split('.'));
    loop {
        match (path.next(), wanted.next()) {
            (None, None) => return true,
            (Some(part), Some(want)) if want == "*" || part == want => {}
            (Some(_), Some(_)) | (Some(_), None) | (None, Some(_)) => return false,
        }
    }
}
