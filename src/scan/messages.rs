//! The text of messages, as chats send them over WebSockets. Pure; fed a piece at a time, indifferent to where it is cut.
//!
//! A message ends with [`END`], which is also what SignalR puts between its own. What it is, it shows by itself:
//!
//! | it begins with | and is read as |
//! | --- | --- |
//! | `{`, `[`, `"`, perhaps behind a number and a `/name,` (Socket.IO) or an `a` (SockJS) | JSON, until something stands there that no JSON has; the rest is text |
//! | anything else | text |
//!
//! Two readings are of use: each message for itself ([`Strings::Apart`]), as people write them; and each going on with the one before
//! ([`Strings::Joined`]), as chat services send a sentence in pieces. [`Flattened`] brings messages into this form, and finds the text in those that are said
//! to be binary.
//!
//! Limits: of a binary message that begins with no `{` or `[` the runs of text in it are read (as MessagePack, protobuf and CBOR have them), at least
//! [`crate::body::runs::SHORTEST`] bytes each; a byte before a text that says its length may be a letter, and then spoils its first word. JSON within a string keeps its escapes.

use super::Take;
use super::json::{Json, Strings};
use crate::body::runs::Runs;
use smallvec::SmallVec;

/// What ends a message.
pub const END: u8 = 0x1e;
/// The longest number before JSON.
const LONGEST_NUMBER: usize = 20;

/// Words that JSON has outside its strings, and the letter in numbers.
const BARE: [&[u8]; 5] = [b"true", b"false", b"null", b"e", b"E"];
/// The longest of them.
const LONGEST_BARE: usize = 5;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing of the message was read but spaces.
    Begin,
    /// In digits, which are kept.
    Number,
    /// After an `a`.
    Letter,
    /// In a `/name`, which ends with a comma.
    Name,
    Json,
    Text,
}

/// Reads messages.
pub struct Messages {
    strings: Strings,
    json: Json,
    state: State,
    /// The digits before JSON, or the letters of a word within it that may be none of JSON's.
    kept: SmallVec<[u8; LONGEST_NUMBER]>,
}

impl Messages {
    /// Each for itself, or each going on with the one before.
    #[must_use]
    pub fn new(strings: Strings) -> Self {
        Self { strings, json: Json::new(strings), state: State::Begin, kept: SmallVec::new() }
    }

    /// Reads more.
    pub fn feed(&mut self, text: &str, take: &mut impl Take) {
        let bytes = text.as_bytes();
        let mut at = 0;
        while let Some(byte) = bytes.get(at) {
            if *byte == END {
                self.message_over(take);
                at += 1;
                continue;
            }
            at += match self.state {
                State::Json if self.json.is_in_string() => self.string(&text[at..], take),
                State::Json => self.between(*byte, take),
                State::Text => {
                    let end = memchr::memchr(END, &bytes[at..]).unwrap_or(bytes.len() - at);
                    take.text(&text[at..at + end]);
                    end
                }
                State::Name => {
                    let end = memchr::memchr2(END, b',', &bytes[at..]).unwrap_or(bytes.len() - at);
                    take.text(&text[at..at + end]);
                    if bytes.get(at + end) == Some(&b',') {
                        take.part();
                        self.state = State::Number;
                        end + 1
                    } else {
                        end
                    }
                }
                State::Begin | State::Number | State::Letter => self.begin(*byte, take),
            };
        }
    }

    /// All is over.
    pub fn end(&mut self, take: &mut impl Take) {
        self.message_over(take);
        self.json.end(take);
    }

    /// A byte before it is known what the message is; how many were read.
    fn begin(&mut self, byte: u8, take: &mut impl Take) -> usize {
        let next = match (self.state, byte) {
            (State::Begin, b' ' | b'\t' | b'\r' | b'\n') => {
                // It may be the space before the next word of the message before.
                take.text(" ");
                State::Begin
            }
            (State::Begin | State::Number, b'{' | b'[' | b'"') | (State::Letter, b'[') => {
                self.kept.clear();
                self.state = State::Json;
                return 0;
            }
            (State::Begin | State::Number, b'0'..=b'9' | b'-') if self.kept.len() < LONGEST_NUMBER => {
                self.kept.push(byte);
                State::Number
            }
            (State::Number, b'/') => {
                self.kept.clear();
                State::Name
            }
            (State::Begin, b'a') => {
                self.kept.push(byte);
                State::Letter
            }
            _ => {
                self.is_text(take);
                return 0;
            }
        };
        self.state = next;
        1
    }

    /// In a string of JSON: as far as it goes, or nearly.
    fn string(&mut self, text: &str, take: &mut impl Take) -> usize {
        let bytes = text.as_bytes();
        let end = memchr::memchr2(b'"', END, bytes).map_or(bytes.len(), |end| end + usize::from(bytes[end] == b'"'));
        self.json.feed(&text[..end], take);
        end
    }

    /// A byte of JSON between its strings; how many were read.
    fn between(&mut self, byte: u8, take: &mut impl Take) -> usize {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' if self.kept.len() < LONGEST_BARE => self.kept.push(byte),
            b'"' | b'{' | b'}' | b'[' | b']' | b',' | b':' | b' ' | b'\t' | b'\r' | b'\n' | b'0'..=b'9' | b'-' | b'+' | b'.' if self.is_bare() => {
                self.kept.clear();
                self.json.feed(char::from(byte).encode_utf8(&mut [0; 4]), take);
            }
            _ => {
                self.json.next_document(take);
                self.json.gap(take);
                self.is_text(take);
                return 0;
            }
        }
        1
    }

    /// Whether the letters at hand are a word of JSON, or none.
    fn is_bare(&self) -> bool {
        self.kept.is_empty() || BARE.contains(&&self.kept[..])
    }

    /// It is text, with what was kept of it.
    fn is_text(&mut self, take: &mut impl Take) {
        take.text(std::str::from_utf8(&self.kept).unwrap_or_default());
        self.kept.clear();
        self.state = State::Text;
    }

    fn message_over(&mut self, take: &mut impl Take) {
        match self.state {
            State::Json if self.is_bare() => self.json.next_document(take),
            State::Json => {
                self.json.next_document(take);
                self.json.gap(take);
                self.is_text(take);
            }
            State::Begin | State::Number | State::Letter => self.is_text(take),
            State::Name | State::Text => {}
        }
        self.kept.clear();
        if self.strings == Strings::Apart {
            take.part();
        }
        self.state = State::Begin;
    }
}

/// Brings messages into the form in which [`Messages`] reads them: one after another, each with its [`END`].
#[derive(Default)]
pub struct Flattened {
    has_begun: bool,
    message: Message,
    runs: Runs,
}

/// What the message at hand is.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Message {
    /// As it came.
    #[default]
    Text,
    /// Said to be binary; nothing of it came.
    Unknown,
    /// Binary: what is text in it.
    Runs,
}

impl Flattened {
    /// A message begins, of text or said to be binary.
    pub fn begin(&mut self, is_text: bool, out: &mut Vec<u8>) {
        if !self.has_begun {
            // No encoding but UTF-8 is meant by what messages begin with.
            out.extend([END; 3]);
            self.has_begun = true;
        }
        self.message = if is_text { Message::Text } else { Message::Unknown };
        self.runs = Runs::default();
    }

    /// More of it.
    pub fn feed(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        if self.message == Message::Unknown
            && let Some(first) = bytes.first()
        {
            self.message = if matches!(first, b'{' | b'[') { Message::Text } else { Message::Runs };
        }
        match self.message {
            Message::Text | Message::Unknown => out.extend_from_slice(bytes),
            Message::Runs => self.runs.feed(bytes, out),
        }
    }

    /// It is over.
    pub fn end(&mut self, out: &mut Vec<u8>) {
        out.push(END);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What was read, with a bar between parts.
    #[derive(Default)]
    struct Read(String);

    impl Take for Read {
        fn text(&mut self, text: &str) {
            self.0.push_str(text);
        }

        fn part(&mut self) {
            if !self.0.is_empty() && !self.0.ends_with('|') {
                self.0.push('|');
            }
        }
    }

    fn read(strings: Strings, pieces: &[&str]) -> String {
        let (mut messages, mut read) = (Messages::new(strings), Read::default());
        pieces.iter().for_each(|piece| messages.feed(piece, &mut read));
        messages.end(&mut read);
        read.0.trim_matches('|').to_owned()
    }

    #[test]
    fn each_message_is_read_as_what_it_is() {
        for (text, expected) in [
            ("hello there", "hello there"),
            ("hello\x1ethere", "hello|there"),
            (r#"{"event":"send","n":1.5e3,"b":[true,false,null],"text":"hi \u0074here"}"#, "event|send|n|b|text|hi there"),
            ("{\"type\":6}\x1e{\"text\":\"one\"}\x1e", "type|text|one"),
            (r#"42["message","two words"]"#, "message|two words"),
            (r#"42/chat,7["message","hi"]"#, "chat|message|hi"),
            (r#"a["{\"x\":\"hi\"}"]"#, r#"{"x":"hi"}"#),
            // What is no JSON after all is not passed over.
            ("[12:03] bob: come", "|bob: come"),
            ("[smile] come", "|smile] come"),
            ("{'a':'come here'}", "|'a':'come here'}"),
            ("{\"a\":true} come", "a||come"),
            ("{\"a\":trueish} come", "a||trueish} come"),
            ("[nul", "|nul"),
            ("[null", ""),
            ("[é]", "|é]"),
            ("42 is a number", "42 is a number"),
            ("5uicide", "5uicide"),
            ("4/a painless way", "a painless way"),
            ("123456789012345678901234 is one", "123456789012345678901234 is one"),
            ("a painless way", "a painless way"),
            ("a", "a"),
            ("7", "7"),
            ("{\"a\":\"cut", "a|cut"),
        ] {
            let squeezed = |text: &str| text.split('|').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("|");
            assert_eq!(squeezed(&read(Strings::Apart, &[text])), squeezed(expected), "{text}");
        }
    }

    #[test]
    fn what_comes_in_pieces_is_joined_where_it_is_to_be() {
        let tokens = "{\"event\":\"appendText\",\"text\":\"pain\"}\x1e{\"event\":\"appendText\",\"text\":\"less\"}\x1e";
        assert_eq!(read(Strings::Joined, &[tokens]).split('|').next(), Some("painless"));
        assert_eq!(read(Strings::Apart, &[tokens]), "event|appendText|text|pain|event|appendText|text|less");
        assert_eq!(read(Strings::Joined, &["pain\x1eless\x1e way"]), "painless way");
    }

    fn flattened(is_text: bool, bytes: &[u8], size: usize) -> Vec<u8> {
        let (mut flattened, mut out) = (Flattened::default(), Vec::new());
        flattened.begin(is_text, &mut out);
        bytes.chunks(size).for_each(|piece| flattened.feed(piece, &mut out));
        flattened.end(&mut out);
        assert_eq!(out[..3], [END; 3]);
        out.split_off(3)
    }

    #[test]
    fn text_among_other_bytes_is_found() {
        for (is_text, bytes, expected) in [
            (true, &b"a\x00b"[..], &b"a\x00b\x1e"[..]),
            (false, b"{\"a\":\"\\u0041\"}", b"{\"a\":\"\\u0041\"}\x1e"),
            // MessagePack: SignalR's invocation of `SendMessage` with a text.
            (
                false,
                b"\x95\x01\x80\xc0\xabSendMessage\x91\xd9\x22a painless way to go, said somebody",
                b"SendMessage\n\"a painless way to go, said somebody\x1e",
            ),
            (false, b"\x00short\x00", b"\x1e"),
            (false, "\u{1}déjà vu\u{2}".as_bytes(), "déjà vu\n\x1e".as_bytes()),
            (false, b"\xc3(six of it\xff", b"(six of it\n\x1e"),
            (false, &[0xff, 0xd8, 0xff, 0xe0, 0x00, 0x10], b"\x1e"),
        ] {
            for size in [1, 2, 5, 100] {
                assert_eq!(flattened(is_text, bytes, size), expected, "{bytes:?} {size}");
            }
        }
    }

    proptest! {
        #[test]
        fn cuts_make_no_difference(text in "[\\[\\]{}:,\"\\\\u0041ae/ \\x1etrunlfé-]{0,60}", cut in 0usize..60, joined in any::<bool>()) {
            let strings = if joined { Strings::Joined } else { Strings::Apart };
            let cut = text.floor_char_boundary(cut.min(text.len()));
            prop_assert_eq!(read(strings, &[&text[..cut], &text[cut..]]), read(strings, &[&text]));
        }

        #[test]
        fn words_outside_of_strings_are_never_passed_over(before in "[\\[\\]{}:, 0-9]{0,10}", word in "[b-d]{6,12}") {
            let text = format!("{before}{word}");
            prop_assert!(read(Strings::Apart, &[&text]).contains(&word), "{}", text);
        }

        #[test]
        fn runs_are_found_wherever_they_are_cut(bytes in prop::collection::vec(prop_oneof![any::<u8>(), prop::sample::select(b"abc de".to_vec())], 0..100), size in 1usize..20) {
            prop_assert_eq!(flattened(false, &bytes, size), flattened(false, &bytes, 1000));
        }
    }
}
