//! The text of a page: what is read on it, and what is said of its pictures and fields. Pure; fed a piece at a time, indifferent to where it is cut.
//!
//! | part of a page | is read |
//! | --- | --- |
//! | text, also of `<title>`, `<textarea>`, `<noscript>`, `<template>` | yes, character references undone |
//! | `title`, `alt`, `placeholder`, `value`, `label`, `summary`, `aria-label`, `aria-description`, `content` | yes, beside the text |
//! | `<script>` | its string literals; JSON: its strings |
//! | comments, `<style>`, other attributes | no |
//!
//! Tags such as `<b>`, those nobody knows and those that show nothing do not part words (`se<b>x</b>` is one), others do ([`parts_words`]), as browsers show them.
//!
//! Limits: tags are told apart as the WHATWG tokenizer does, but a script ends at the first `</script`. Character references are those of [`entities`].
//! An attribute's value that is longer than 4 KiB parts the word it stands in.

pub mod entities;

use super::json::{Json, Strings};
use super::script::Script;
use super::{Aside, Take};
use entities::{LONGEST, Meaning};

/// The longest name of a tag or attribute that matters.
const LONGEST_NAME: usize = 16;

/// A name in lower case; what is longer than any that matters is told to be so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Name {
    bytes: [u8; LONGEST_NAME],
    length: usize,
}

impl Name {
    fn push(&mut self, byte: u8) {
        if let Some(place) = self.bytes.get_mut(self.length) {
            *place = byte.to_ascii_lowercase();
        }
        self.length = (self.length + 1).min(LONGEST_NAME + 1);
    }

    fn is(&self, name: &str) -> bool {
        self.as_bytes() == name.as_bytes()
    }

    fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

/// How an attribute's value ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quote {
    Double,
    Single,
    None,
}

/// Where in the page it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Text,
    /// After `&`, in text or a value.
    Reference,
    /// After `<`.
    Less,
    /// After `</`.
    LessSlash,
    TagName,
    BeforeAttribute,
    AttributeName,
    AfterAttributeName,
    BeforeValue,
    Value(Quote),
    /// After `<!`, with the hyphens so far.
    Declaration(u8),
    /// `<!…>`, `<?…>`, `</…>` that is no tag.
    Bogus,
    /// In a comment: the hyphens just seen, two at most, and whether it has only begun.
    Comment(u8, bool),
    /// `--!` in a comment.
    CommentBang,
    /// In an element whose content is no markup, and how much of its end tag has come: `<`, `/`, name.
    Raw(usize),
}

/// What is in an element that holds no markup.
enum Raw {
    /// Nothing that is read.
    Nothing,
    /// Text with character references.
    Text,
    Script(Box<Script>),
    Json(Box<Json>),
}

/// Whether a tag opens or closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tag {
    Open,
    Close,
}

/// Reads a page.
pub struct Html {
    state: State,
    tag: Tag,
    /// The tag at hand, and in an element without markup its name.
    name: Name,
    attribute: Name,
    /// What a `type` says of a script.
    script: Name,
    /// Whether the value at hand is read.
    is_read: bool,
    /// The reference as written so far.
    written: [u8; LONGEST],
    written_length: usize,
    /// Where a reference stands.
    back: State,
    raw: Raw,
    aside: Aside,
}

impl Default for Html {
    fn default() -> Self {
        Self {
            state: State::Text,
            tag: Tag::Open,
            name: Name::default(),
            attribute: Name::default(),
            script: Name::default(),
            is_read: false,
            written: [0; LONGEST],
            written_length: 0,
            back: State::Text,
            raw: Raw::Nothing,
            aside: Aside::default(),
        }
    }
}

/// Whether a tag of this name parts words. Those that show nothing, and those nobody knows, do not.
#[must_use]
pub fn parts_words(name: &[u8]) -> bool {
    const NAMES: [&str; 74] = [
        "address", "article", "aside", "audio", "blockquote", "body", "br", "button", "canvas", "caption", "center", "col", "colgroup", "dd", "details",
        "dialog", "dir", "div", "dl", "dt", "embed", "fieldset", "figcaption", "figure", "footer", "form", "frame", "frameset", "h1", "h2", "h3", "h4", "h5",
        "h6", "head", "header", "hgroup", "hr", "html", "iframe", "img", "input", "legend", "li", "main", "menu", "nav", "object", "ol", "optgroup", "option",
        "p", "pre", "search", "section", "select", "summary", "svg", "table", "tbody", "td", "text", "textarea", "tfoot", "th", "thead", "title", "tr", "ul",
        "video", "item", "description", "entry", "content",
    ];
    match name {
        // The most usual ones of all.
        b"a" | b"span" | b"b" | b"i" | b"em" | b"strong" => false,
        b"div" | b"p" | b"li" | b"br" => true,
        _ => NAMES.iter().any(|known| known.as_bytes() == name),
    }
}

/// Whether the value of this attribute is read.
fn is_read(name: &Name) -> bool {
    ["title", "alt", "placeholder", "value", "label", "summary", "content", "aria-label"].iter().any(|known| name.is(known)) || name.is("aria-description")
}

impl Html {
    /// Reads more of the page.
    pub fn feed(&mut self, text: &str, take: &mut impl Take) {
        let bytes = text.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            at += match self.state {
                State::Text => self.text(&text[at..], take),
                State::Value(quote) => self.value(quote, &text[at..], take),
                State::Comment(0, _) => self.comment(&bytes[at..]),
                State::Raw(0) => self.raw(&text[at..], take),
                State::Bogus => self.bogus(&bytes[at..]),
                State::Reference => self.reference(&text[at..], take),
                _ => self.byte(bytes[at], take),
            };
        }
    }

    /// The page is over.
    pub fn end(&mut self, take: &mut impl Take) {
        match self.state {
            State::Reference => self.refer(None, take),
            State::Less => self.aside.text("<", take),
            State::Raw(matched) if matched > 0 => self.not_the_end(matched, take),
            _ => {}
        }
        match &mut self.raw {
            Raw::Script(script) => script.end(take),
            Raw::Json(json) => json.end(take),
            Raw::Nothing | Raw::Text => {}
        }
        self.aside.say(take);
    }

    fn text(&mut self, text: &str, take: &mut impl Take) -> usize {
        let end = memchr::memchr2(b'<', b'&', text.as_bytes()).unwrap_or(text.len());
        if end > 0 {
            self.aside.text(&text[..end], take);
        }
        match text.as_bytes().get(end) {
            None => return end,
            Some(b'<') => self.state = State::Less,
            Some(_) => self.begin_reference(State::Text),
        }
        end + 1
    }

    fn value(&mut self, quote: Quote, text: &str, take: &mut impl Take) -> usize {
        let bytes = text.as_bytes();
        let end = match quote {
            Quote::Double => memchr::memchr2(b'"', b'&', bytes),
            Quote::Single => memchr::memchr2(b'\'', b'&', bytes),
            Quote::None => bytes.iter().position(|byte| matches!(byte, b'&' | b'>') || byte.is_ascii_whitespace()),
        };
        let end = end.unwrap_or(bytes.len());
        self.say_value(&text[..end], take);
        match bytes.get(end) {
            None => return end,
            Some(b'&') => self.begin_reference(State::Value(quote)),
            Some(byte) => {
                if self.is_read {
                    self.aside.part(take);
                }
                if quote == Quote::None && *byte == b'>' {
                    self.end_tag(take);
                } else {
                    self.state = State::BeforeAttribute;
                }
            }
        }
        end + 1
    }

    fn say_value(&mut self, text: &str, take: &mut impl Take) {
        if self.is_read {
            self.aside.hold(text, take);
        } else if self.attribute.is("type") {
            text.bytes().for_each(|byte| self.script.push(byte));
        }
    }

    fn comment(&mut self, bytes: &[u8]) -> usize {
        match bytes[0] {
            b'>' if self.state == State::Comment(0, true) => {
                self.state = State::Text;
                1
            }
            _ => match memchr::memchr(b'-', bytes) {
                Some(at) => {
                    let begun = at == 0 && self.state == State::Comment(0, true);
                    self.state = State::Comment(1, begun);
                    at + 1
                }
                None => {
                    self.state = State::Comment(0, false);
                    bytes.len()
                }
            },
        }
    }

    fn bogus(&mut self, bytes: &[u8]) -> usize {
        match memchr::memchr(b'>', bytes) {
            Some(at) => {
                self.state = State::Text;
                at + 1
            }
            None => bytes.len(),
        }
    }

    /// One byte in a state that has no faster way. Returns 1 if it is taken, 0 if another state has to look at it.
    fn byte(&mut self, byte: u8, take: &mut impl Take) -> usize {
        let is_space = byte.is_ascii_whitespace();
        match self.state {
            State::Less => match byte {
                b'/' => self.state = State::LessSlash,
                b'!' => self.state = State::Declaration(0),
                b'?' => self.state = State::Bogus,
                _ if byte.is_ascii_alphabetic() => return self.begin_tag(Tag::Open),
                _ => {
                    self.aside.text("<", take);
                    self.state = State::Text;
                    return 0;
                }
            },
            State::LessSlash => match byte {
                _ if byte.is_ascii_alphabetic() => return self.begin_tag(Tag::Close),
                b'>' => self.state = State::Text,
                _ => self.state = State::Bogus,
            },
            State::TagName => match byte {
                b'>' => self.end_tag(take),
                b'/' => self.state = State::BeforeAttribute,
                _ if is_space => self.state = State::BeforeAttribute,
                _ => self.name.push(byte),
            },
            State::BeforeAttribute => match byte {
                b'>' => self.end_tag(take),
                b'/' => {}
                _ if is_space => {}
                _ => {
                    self.attribute = Name::default();
                    self.attribute.push(byte);
                    self.state = State::AttributeName;
                }
            },
            State::AttributeName => match byte {
                b'=' => self.state = State::BeforeValue,
                b'>' => self.end_tag(take),
                b'/' => self.state = State::BeforeAttribute,
                _ if is_space => self.state = State::AfterAttributeName,
                _ => self.attribute.push(byte),
            },
            State::AfterAttributeName => match byte {
                b'=' => self.state = State::BeforeValue,
                _ if is_space => {}
                _ => {
                    self.state = State::BeforeAttribute;
                    return 0;
                }
            },
            State::BeforeValue => {
                self.is_read = is_read(&self.attribute);
                match byte {
                    b'"' => self.state = State::Value(Quote::Double),
                    b'\'' => self.state = State::Value(Quote::Single),
                    b'>' => self.end_tag(take),
                    _ if is_space => {}
                    _ => {
                        self.state = State::Value(Quote::None);
                        return 0;
                    }
                }
            }
            State::Declaration(hyphens) => match (byte, hyphens) {
                (b'-', 0) => self.state = State::Declaration(1),
                (b'-', _) => self.state = State::Comment(0, true),
                _ => {
                    self.state = State::Bogus;
                    return 0;
                }
            },
            State::Comment(hyphens, begun) => match byte {
                b'>' if hyphens >= 2 || begun => self.state = State::Text,
                b'!' if hyphens >= 2 => self.state = State::CommentBang,
                b'-' => self.state = State::Comment(2, false),
                _ => self.state = State::Comment(0, false),
            },
            State::CommentBang => match byte {
                b'>' => self.state = State::Text,
                b'-' => self.state = State::Comment(1, false),
                _ => self.state = State::Comment(0, false),
            },
            State::Raw(matched) => return self.may_end_raw(byte, matched, take),
            State::Text | State::Reference | State::Value(_) | State::Bogus => return 0,
        }
        1
    }

    fn begin_tag(&mut self, tag: Tag) -> usize {
        self.tag = tag;
        self.name = Name::default();
        self.script = Name::default();
        self.state = State::TagName;
        0
    }

    fn end_tag(&mut self, take: &mut impl Take) {
        self.state = State::Text;
        if parts_words(self.name.as_bytes()) {
            take.part();
            self.aside.say(take);
        }
        if self.tag == Tag::Close {
            return;
        }
        self.raw = match self.name.as_bytes() {
            b"style" => Raw::Nothing,
            b"title" | b"textarea" | b"xmp" | b"iframe" | b"noembed" | b"noframes" => Raw::Text,
            // A type's subtype may be longer than a name that matters is.
            b"script" => match self.script.bytes {
                _ if self.script.length == 0 => Raw::Script(Box::default()),
                bytes if memchr::memmem::find(&bytes, b"json").is_some() || bytes.starts_with(b"application/ld+") || bytes.starts_with(b"importmap") => {
                    Raw::Json(Box::new(Json::new(Strings::Apart)))
                }
                bytes
                    if bytes.starts_with(b"text/javascript")
                        || bytes.starts_with(b"application/java")
                        || bytes.starts_with(b"module")
                        || bytes.starts_with(b"text/ecmascript") =>
                {
                    Raw::Script(Box::default())
                }
                // Templates, and what only a script of the page understands.
                _ => Raw::Text,
            },
            _ => return,
        };
        self.state = State::Raw(0);
    }

    /// Content without markup, up to what may be its end.
    fn raw(&mut self, text: &str, take: &mut impl Take) -> usize {
        let bytes = text.as_bytes();
        let end = match self.raw {
            Raw::Text => memchr::memchr2(b'<', b'&', bytes),
            Raw::Nothing | Raw::Script(_) | Raw::Json(_) => memchr::memchr(b'<', bytes),
        };
        let end = end.unwrap_or(bytes.len());
        self.say_raw(&text[..end], take);
        match bytes.get(end) {
            None => return end,
            Some(b'&') => self.begin_reference(State::Raw(0)),
            Some(_) => self.state = State::Raw(1),
        }
        end + 1
    }

    fn say_raw(&mut self, text: &str, take: &mut impl Take) {
        match &mut self.raw {
            Raw::Nothing => {}
            Raw::Text => self.aside.text(text, take),
            Raw::Script(script) => script.feed(text, take),
            Raw::Json(json) => json.feed(text, take),
        }
    }

    fn may_end_raw(&mut self, byte: u8, matched: usize, take: &mut impl Take) -> usize {
        let name = self.name.as_bytes();
        let goes_on = match matched {
            1 => byte == b'/',
            _ if matched < name.len() + 2 => name[matched - 2] == byte.to_ascii_lowercase(),
            _ if matches!(byte, b'>' | b'/') || byte.is_ascii_whitespace() => {
                match &mut self.raw {
                    Raw::Script(script) => script.end(take),
                    Raw::Json(json) => json.end(take),
                    Raw::Nothing | Raw::Text => {}
                }
                self.raw = Raw::Nothing;
                self.tag = Tag::Close;
                self.state = State::BeforeAttribute;
                return 0;
            }
            _ => false,
        };
        if goes_on {
            self.state = State::Raw(matched + 1);
            return 1;
        }
        self.not_the_end(matched, take);
        0
    }

    /// What looked like an end tag is content.
    fn not_the_end(&mut self, matched: usize, take: &mut impl Take) {
        self.state = State::Raw(0);
        let name = self.name;
        self.say_raw(&"</"[..matched.min(2)], take);
        let taken = name.as_bytes().get(..matched.saturating_sub(2)).unwrap_or_default();
        self.say_raw(std::str::from_utf8(taken).unwrap_or_default(), take);
    }

    fn begin_reference(&mut self, back: State) {
        self.back = back;
        self.written_length = 0;
        self.state = State::Reference;
    }

    /// A character reference, up to its end.
    fn reference(&mut self, text: &str, take: &mut impl Take) -> usize {
        for (at, byte) in text.bytes().enumerate() {
            if self.written_length == LONGEST || !goes_on(&self.written[..self.written_length], byte) {
                let ended = byte == b';';
                self.refer(Some(byte), take);
                return at + usize::from(ended);
            }
            self.written[self.written_length] = byte;
            self.written_length += 1;
        }
        text.len()
    }

    /// What stands for what; `after` is the byte behind it, if there is one.
    fn refer(&mut self, after: Option<u8>, take: &mut impl Take) {
        self.state = self.back;
        let written = self.written;
        let name = std::str::from_utf8(&written[..self.written_length]).unwrap_or_default();
        let ended = after == Some(b';');
        let in_value = matches!(self.back, State::Value(_));
        let mut room = [0; 4];
        let meaning = match entities::meaning(name, ended) {
            // In a value, `&amp=` is as written.
            Some(_) if in_value && !ended && after == Some(b'=') => None,
            other => other,
        };
        match meaning {
            Some(Meaning::Character(c)) => self.say(c.encode_utf8(&mut room), take),
            Some(Meaning::Letters(letters)) => self.say(letters, take),
            Some(Meaning::Nothing) => {}
            None => {
                self.say("&", take);
                self.say(name, take);
                self.say(if ended { ";" } else { "" }, take);
            }
        }
    }

    fn say(&mut self, text: &str, take: &mut impl Take) {
        match self.back {
            State::Value(_) => self.say_value(text, take),
            State::Raw(_) => self.say_raw(text, take),
            _ => self.aside.text(text, take),
        }
    }
}

/// Whether this byte belongs to a reference that has come so far.
fn goes_on(written: &[u8], byte: u8) -> bool {
    match written {
        [] => byte == b'#' || byte.is_ascii_alphabetic(),
        [b'#'] => byte.is_ascii_digit() || matches!(byte, b'x' | b'X'),
        [b'#', b'x' | b'X', ..] => byte.is_ascii_hexdigit(),
        [b'#', ..] => byte.is_ascii_digit(),
        _ => byte.is_ascii_alphanumeric(),
    }
}

#[cfg(test)]
mod tests;
