//! The words of a page, an answer or an upload as it streams, weighed. Pure: bytes are pushed in, a finding comes out, nothing is held whole.
//!
//! ```text
//! bytes ─▶ charset ─▶ html │ json │ script │ events ─▶ fold ─▶ index of the lexicon ─▶ window
//!          (to text)  (to what people read)            (spelling)  (phrases)             (Score)
//! ```
//!
//! Every stage keeps what it needs across pieces, so how a body is cut makes no difference to its [`Score`]; `tests` holds it to that. Bodies come decoded:
//! gzip and its kin are undone before, by [`crate::body`].
//!
//! # Limits
//!
//! Words in pictures, words that styles or scripts put together or hide, and text in markup within strings of scripts (there every tag parts words) are not
//! seen as people see them. Each stage says its own.
//!
//! # Where to add
//!
//! A kind of body: a variant of [`Kind`], its media types in [`Kind::of`], and a file beside [`json`] that pushes text into a [`Take`]. A form of phrase
//! files: see [`lexicon`]. What is typed is read by patterns and by weights besides; [`learn`] makes those from examples.

pub mod charset;
pub mod events;
pub mod fold;
pub mod html;
pub mod index;
pub mod json;
pub mod learn;
pub mod lexicon;
pub mod meaning;
pub mod messages;
mod points;
pub mod script;
pub mod window;

use charset::{Charset, Unsaid};
use events::Events;
use fold::Folder;
use html::Html;
use json::{Json, Strings};
use lexicon::{Lexicon, ThemeId};
use messages::Messages;
use script::Script;
use std::sync::Arc;
use window::{Repeats, Score, Window};

/// How much folded text is gathered before phrases are looked for. Small enough for the nearest cache.
const GATHERED: usize = 4096;

/// Where text goes that is read out of a body.
pub trait Take {
    /// More text; it goes on where the last ended, also within a word.
    fn text(&mut self, text: &str);
    /// What follows is another word.
    fn part(&mut self);
}

/// What a body is, as far as reading it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// HTML, XHTML, and XML such as feeds and drawings.
    Html,
    /// One JSON document.
    Json,
    /// Many JSON documents, one after another, of which each goes on with the text of the one before.
    JsonLines,
    /// JavaScript.
    Script,
    /// Server-sent events.
    Events,
    /// Text as it is.
    Plain,
    /// A form, as browsers send it.
    Form,
    /// Messages of a chat, each for itself. See [`messages`].
    Messages,
    /// The same, each going on with the one before.
    Tokens,
}

impl Kind {
    /// What a body of this `Content-Type` is; none if it is no text to be read. The parameters may be there.
    #[must_use]
    pub fn of(content_type: &str) -> Option<Self> {
        let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let (kind, name) = essence.split_once('/')?;
        Some(match (kind, name) {
            ("text", "css") => return None,
            ("text", "event-stream") => Self::Events,
            ("text" | "application", "html" | "xml" | "xhtml+xml") => Self::Html,
            ("text" | "application", "javascript" | "ecmascript" | "x-javascript" | "jscript") => Self::Script,
            ("text" | "application", "json") => Self::Json,
            ("application", "x-ndjson" | "ndjson" | "jsonl" | "json-seq" | "x-json-stream" | "stream+json") => Self::JsonLines,
            ("application", "x-www-form-urlencoded") => Self::Form,
            (_, name) if name.ends_with("+xml") => Self::Html,
            (_, name) if name.ends_with("+json") => Self::Json,
            ("text", _) => Self::Plain,
            _ => return None,
        })
    }

    fn unsaid(self) -> Unsaid {
        match self {
            Self::Html => Unsaid::Page,
            Self::Json | Self::JsonLines | Self::Script | Self::Events | Self::Plain | Self::Form | Self::Messages | Self::Tokens => Unsaid::Utf8,
        }
    }
}

/// The `charset` of a `Content-Type`.
#[must_use]
pub fn label(content_type: &str) -> Option<&str> {
    content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"'))
    })
}

/// What a piece of a body came to, with all before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// No theme has points.
    Nothing,
    /// This theme has the most, in one window.
    Worst(ThemeId, i32),
}

/// Reads a body as it comes and keeps its score.
pub struct Scanner {
    charset: Charset,
    text: Text,
    words: Words,
}

/// What text is read out with.
enum Text {
    Html(Box<Html>),
    Json(Box<Json>),
    Script(Box<Script>),
    Events(Box<Events>),
    Plain,
    Form(Form),
    Messages(Box<Messages>),
}

/// From text to a score.
struct Words {
    lexicon: Arc<Lexicon>,
    folder: Folder,
    window: Window,
}

impl Scanner {
    /// For a body of this kind, with the `charset` of its header.
    #[must_use]
    pub fn new(lexicon: Arc<Lexicon>, kind: Kind, label: Option<&str>, repeats: Repeats) -> Self {
        let (window, text) = (Window::new(&lexicon, repeats, GATHERED), Text::of(kind));
        let words = Words { lexicon, folder: Folder::default(), window };
        Self { charset: Charset::new(label, kind.unsaid()), text, words }
    }

    /// Reads more of the body. What it finds is what has been judged so far: a little less than what was read.
    pub fn feed(&mut self, bytes: &[u8]) -> Finding {
        let Self { charset, text, words } = self;
        charset.feed(bytes, &mut |more| text.feed(more, words));
        words.look();
        match words.window.worst() {
            Some((theme, points)) => Finding::Worst(theme, points),
            None => Finding::Nothing,
        }
    }

    /// What has been judged so far, with what was found.
    #[must_use]
    pub fn so_far(&self) -> Score {
        self.words.window.score()
    }

    /// The peak of each theme so far, by its place in [`Lexicon::themes`].
    #[must_use]
    pub fn peaks(&self) -> &[i32] {
        self.words.window.peaks()
    }

    /// Nothing more comes for a while: what is kept only to learn the encoding is read.
    pub fn settle(&mut self) {
        let Self { charset, text, words } = self;
        charset.settle(&mut |more| text.feed(more, words));
        words.look();
    }

    /// Whether what has come and is not judged yet may bring a theme to so many points, should nothing follow.
    #[must_use]
    pub fn may_reach(&self, points: i32) -> bool {
        if !self.charset.is_settled() {
            return true;
        }
        let (mut folder, mut open) = (self.words.folder.clone(), Vec::new());
        folder.part(&mut open);
        self.words.window.may_reach(&self.words.lexicon, points, &open)
    }

    /// What it would come to, were it over now, but for a word that is being read. Costs a copy of what is kept.
    #[must_use]
    pub fn as_if_over(&self) -> Score {
        let Words { lexicon, folder, window, .. } = &self.words;
        let (mut folder, mut window) = (folder.clone(), window.clone());
        folder.part(window.text());
        window.look(lexicon);
        window.end(lexicon);
        window.score()
    }

    /// The body is over.
    #[must_use]
    pub fn end(mut self) -> Score {
        self.finish();
        self.words.window.score()
    }

    /// The body is over: what was read is judged to its end. Nothing is to be fed any more.
    pub fn finish(&mut self) {
        let Self { charset, text, words } = self;
        charset.end(&mut |more| text.feed(more, words));
        text.end(words);
        words.part();
        words.look();
        words.window.end(&words.lexicon);
    }
}

impl Text {
    fn of(kind: Kind) -> Self {
        match kind {
            Kind::Html => Self::Html(Box::default()),
            Kind::Json => Self::Json(Box::new(Json::new(Strings::Apart))),
            Kind::JsonLines => Self::Json(Box::new(Json::new(Strings::Joined))),
            Kind::Script => Self::Script(Box::default()),
            Kind::Events => Self::Events(Box::default()),
            Kind::Plain => Self::Plain,
            Kind::Form => Self::Form(Form::default()),
            Kind::Messages => Self::Messages(Box::new(Messages::new(Strings::Apart))),
            Kind::Tokens => Self::Messages(Box::new(Messages::new(Strings::Joined))),
        }
    }

    fn feed(&mut self, text: &str, take: &mut impl Take) {
        match self {
            Self::Html(html) => html.feed(text, take),
            Self::Json(json) => json.feed(text, take),
            Self::Script(script) => script.feed(text, take),
            Self::Events(events) => events.feed(text, take),
            Self::Plain => take.text(text),
            Self::Form(form) => form.feed(text, take),
            Self::Messages(messages) => messages.feed(text, take),
        }
    }

    fn end(&mut self, take: &mut impl Take) {
        match self {
            Self::Html(html) => html.end(take),
            Self::Json(json) => json.end(take),
            Self::Script(script) => script.end(take),
            Self::Events(events) => events.end(take),
            Self::Plain => {}
            Self::Form(form) => form.end(take),
            Self::Messages(messages) => messages.end(take),
        }
    }
}

impl Words {
    fn look(&mut self) {
        self.window.look(&self.lexicon);
    }
}

impl Take for Words {
    fn text(&mut self, mut text: &str) {
        while !text.is_empty() {
            let (piece, rest) = text.split_at(text.floor_char_boundary(GATHERED));
            self.folder.feed(piece, self.window.text());
            if self.window.waiting() >= GATHERED {
                self.look();
            }
            text = rest;
        }
    }

    fn part(&mut self) {
        self.folder.part(self.window.text());
    }
}

/// A form's fields: `a=b+c%21&d=e`, each a part of its own.
#[derive(Default)]
struct Form {
    /// The bytes of a `%xx` so far, or of a character that was written so.
    escape: smallvec::SmallVec<[u8; 2]>,
    escaped: Vec<u8>,
}

impl Form {
    fn feed(&mut self, text: &str, take: &mut impl Take) {
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            if self.escape.is_empty() {
                let plain = rest.find(['%', '+', '&', '=']).unwrap_or(rest.len());
                if plain > 0 {
                    self.flush(take);
                    take.text(&rest[..plain]);
                    rest = &rest[plain..];
                    continue;
                }
            }
            rest = &rest[c.len_utf8()..];
            match c {
                _ if !self.escape.is_empty() && c.is_ascii_hexdigit() => self.hex(c, take),
                '%' => {
                    self.no_escape(take);
                    self.escape.push(b'%');
                }
                _ => {
                    self.flush(take);
                    match c {
                        '+' | '&' | '=' => take.part(),
                        other => take.text(other.encode_utf8(&mut [0; 4])),
                    }
                }
            }
        }
    }

    fn hex(&mut self, c: char, take: &mut impl Take) {
        if self.escape.len() == 1 {
            return self.escape.push(u8::try_from(c).unwrap_or_default());
        }
        let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok()).unwrap_or_default();
        let byte = digit(self.escape[1]) << 4 | digit(u8::try_from(c).unwrap_or_default());
        self.escape.clear();
        // Text comes out when a character is whole, or cannot become one.
        self.escaped.push(byte);
        if self.escaped.len() == 4 || std::str::from_utf8(&self.escaped).is_ok_and(|text| !text.is_empty()) {
            self.flush(take);
        }
    }

    /// What was escaped is over.
    fn flush(&mut self, take: &mut impl Take) {
        if !self.escaped.is_empty() {
            take.text(&String::from_utf8_lossy(&self.escaped));
            self.escaped.clear();
        }
        self.no_escape(take);
    }

    /// What looked like an escape is text.
    fn no_escape(&mut self, take: &mut impl Take) {
        if !self.escape.is_empty() {
            let written = std::mem::take(&mut self.escape);
            if !self.escaped.is_empty() {
                self.flush(take);
            }
            take.text(&String::from_utf8_lossy(&written));
        }
    }

    fn end(&mut self, take: &mut impl Take) {
        self.flush(take);
    }
}

/// Text that stands beside the text at hand, such as the title of a link in the middle of a word: said when the word is over.
#[derive(Default)]
struct Aside {
    held: String,
}

impl Aside {
    /// How much is held, in bytes. What is more is said at once, and parts the word at hand.
    const MOST: usize = 4096;

    /// More of what stands beside.
    fn hold(&mut self, mut text: &str, take: &mut impl Take) {
        loop {
            let (fits, rest) = text.split_at(text.floor_char_boundary(Self::MOST - self.held.len()));
            self.held.push_str(fits);
            if rest.is_empty() {
                return;
            }
            self.say(take);
            text = rest;
        }
    }

    /// Ends a part of what stands beside.
    fn part(&mut self, take: &mut impl Take) {
        self.hold(" ", take);
    }

    /// Hands text on, and what was held at its first gap.
    fn text(&mut self, text: &str, take: &mut impl Take) {
        if self.held.is_empty() {
            return take.text(text);
        }
        match text.find(char::is_whitespace) {
            None => take.text(text),
            Some(gap) => {
                take.text(&text[..gap]);
                self.say(take);
                take.text(&text[gap..]);
            }
        }
    }

    /// Says what is held: a word is over.
    fn say(&mut self, take: &mut impl Take) {
        if !self.held.is_empty() {
            take.part();
            take.text(&self.held);
            take.part();
            self.held.clear();
        }
    }
}

#[cfg(test)]
mod tests;
