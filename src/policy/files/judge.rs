//! One file judged: by what its head says, then by its bytes.

use super::facts::{Facts, Part};
use super::refusal::Refusal;
use super::rules::Rules;
use super::several::Several;
use super::stream::Stream;
use crate::body::coding::Codings;
use crate::body::parts::should_have;
use crate::kinds::reader::{Note, by_name, by_type};
use crate::kinds::{Class, Classes, Found, Reader, Seen, name};
use std::sync::Arc;

/// The most bytes that wait for a file to be known.
pub const MOST_HELD: u64 = 16 * 1024;
/// Endings of files that are only read.
const TEXTS: [&str; 9] = ["txt", "html", "htm", "css", "js", "json", "csv", "xml", "md"];

/// What may be done with what came so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is not known what it is yet: nothing may pass.
    Wait,
    /// It may pass.
    Pass,
    /// It is refused.
    Refuse(Refusal),
}

/// What is looked at of it.
enum Content {
    /// No byte of it.
    Unseen,
    /// A file.
    File(Box<Reader>),
    /// Each of its parts by itself.
    Parts(Box<Several>),
    /// What only says that it is a stream of messages is read as the file it may be; and what is in its messages.
    Stream(Box<Reader>, Box<Stream>),
}

/// Judges one file.
pub struct Judge {
    rules: Arc<Rules>,
    content: Content,
    /// What it says it is, and what it was found to be.
    classes: Classes,
    /// Whether it says it is only looked at or read.
    harmless: bool,
    /// Whether its bytes are wanted as they come.
    flows: bool,
    /// Whether it is meant to hold files, so that one behind its beginning is no disguise.
    holds: bool,
    /// The name in its URL, until it is known that it is no page.
    path: Option<String>,
    count: u64,
    passing: bool,
}

impl Judge {
    /// Judges by what the head says, and goes on with the bytes. `look` says that bytes are looked at even if the rules need none.
    ///
    /// # Errors
    /// If it is refused at once.
    pub fn new(rules: Arc<Rules>, facts: Facts, look: bool) -> Result<Self, Refusal> {
        let mut judge = Self {
            content: Content::Unseen,
            classes: Classes::default(),
            harmless: false,
            flows: facts.types.iter().any(|essence| flows(essence)),
            holds: false,
            path: None,
            count: 0,
            passing: false,
            rules,
        };
        for essence in &facts.types {
            judge.typed(essence)?;
        }
        for name in &facts.names {
            judge.named(name)?;
        }
        let is_page = |essence: &String| matches!(essence.as_str(), "text/html" | "application/xhtml+xml");
        let is_shown = facts.names.is_empty() && facts.types.iter().any(is_page);
        judge.path = facts.path.filter(|_| !is_shown);
        let length = match facts.part {
            Part::First => facts.length,
            Part::Later(whole) => whole.or(facts.length),
        };
        if let Some(most) = length.and_then(|length| judge.rules.exceeded_by(length)) {
            return Err(Refusal::Large(most));
        }
        // Where its type is not said, a browser looks whether it is a page.
        if !facts.types.is_empty() {
            judge.name_by_path()?;
        }
        let looks = judge.rules.looks();
        if !looks && !look && facts.parts.is_none() {
            return Ok(judge);
        }
        if facts.part != Part::First {
            let is_media = facts.types.iter().any(|essence| essence.starts_with("video/") || essence.starts_with("audio/"));
            return if is_media || !looks && !look { Ok(judge) } else { Err(Refusal::Part) };
        }
        let unparted = facts.parts.is_none() && facts.types.iter().any(|essence| should_have(essence));
        let stream = match (&facts.codings, &facts.framed) {
            (Some(codings), Some(framed)) if looks => Stream::of(&judge.rules, framed, codings)?,
            _ => None,
        };
        if let Some(stream) = stream {
            judge.holds = true;
            judge.content = Content::Stream(Box::new(Reader::new(&Codings::default(), judge.rules.archives)), Box::new(stream));
            return Ok(judge);
        }
        judge.content = match (facts.codings, facts.parts) {
            (None, parts) if looks || parts.is_some() && !judge.rules.is_size_only() => return Err(Refusal::Coded),
            (Some(_), None) if looks && unparted => return Err(Refusal::Coded),
            (Some(codings), Some(parts)) => Content::Parts(Box::new(Several::new(judge.rules.clone(), parts, &codings, facts.doubt, look)?)),
            (Some(codings), None) => Content::File(Box::new(Reader::new(&codings, judge.rules.archives))),
            (None, _) => Content::Unseen,
        };
        Ok(judge)
    }

    /// Judges a message, or a part of one, of which nothing is said.
    ///
    /// # Errors
    /// If it is refused at once.
    pub(super) fn of_message(rules: &Arc<Rules>) -> Result<Self, Refusal> {
        let facts = Facts { codings: Some(Codings::default()), ..Facts::default() };
        Self::new(rules.clone(), facts, false).map(|judge| Self { holds: true, ..judge })
    }

    fn name_by_path(&mut self) -> Result<(), Refusal> {
        match self.path.take() {
            Some(name) => self.named(&name),
            None => Ok(()),
        }
    }

    fn named(&mut self, name: &str) -> Result<(), Refusal> {
        if let Some(ending) = self.rules.has_ending(name) {
            return Err(Refusal::Ending { ending, name: name.to_owned(), inside: false });
        }
        self.harmless |= name::ending(name).is_some_and(|ending| TEXTS.contains(&ending.as_str()));
        by_name(name).map_or(Ok(()), |found| self.found(found))
    }

    fn typed(&mut self, essence: &str) -> Result<(), Refusal> {
        if self.rules.has_type(essence) {
            return Err(Refusal::Type(essence.to_owned()));
        }
        self.harmless |= essence.starts_with("text/") || matches!(essence, "application/json" | "application/javascript");
        by_type(essence).map_or(Ok(()), |found| self.found(found))
    }

    fn found(&mut self, found: Found) -> Result<(), Refusal> {
        let is_said = matches!(found.seen, Seen::Name(_) | Seen::Declared(_));
        self.harmless |= is_said && found.class.is_looked_at();
        if !matches!(found.seen, Seen::Inside(_)) {
            self.classes = self.classes.with(found.class);
        }
        let is_document = self.classes.has(Class::Document) && !self.classes.has(Class::Archive);
        // Pictures and the like in a document are a part of it.
        let is_part = matches!(found.seen, Seen::Inside(_)) && is_document && !found.class.is_run_or_unpacked() && found.class != Class::Macros;
        if self.rules.block.has(found.class) && !is_part {
            return Err(Refusal::Kind(found));
        }
        let is_disguise = match found.seen {
            Seen::Bytes => self.harmless && found.class.is_run_or_unpacked() && found.class != Class::Script,
            Seen::Behind => !self.holds,
            Seen::Name(_) | Seen::Declared(_) | Seen::Inside(_) => false,
        };
        if is_disguise {
            self.classes = self.classes.with(Class::Disguised);
            if self.rules.block.has(Class::Disguised) {
                return Err(Refusal::Kind(Found { class: Class::Disguised, ..found }));
            }
        }
        Ok(())
    }

    fn member(&mut self, name: String) -> Result<(), Refusal> {
        let inside = self.rules.has_ending(&name);
        if let Some(ending) = inside {
            return Err(Refusal::Ending { ending, name, inside: true });
        }
        by_name(&name).map_or(Ok(()), |found| self.found(Found { seen: Seen::Inside(name), ..found }))
    }

    /// What was noticed of the bytes so far.
    fn noticed(&mut self) -> Result<(), Refusal> {
        let (Content::File(reader) | Content::Stream(reader, _)) = &mut self.content else { return Ok(()) };
        let notes: Vec<Note> = reader.notes().collect();
        notes.into_iter().try_for_each(|note| match note {
            Note::Found(found) => self.found(found),
            Note::Member(name) => self.member(name),
            Note::Bomb if self.rules.looks() => Err(Refusal::Bomb),
            Note::Bomb => Ok(()),
        })
    }

    /// More of it, as it came.
    pub fn feed(&mut self, bytes: &[u8]) -> Verdict {
        self.count += bytes.len() as u64;
        let read = match &mut self.content {
            Content::Unseen => Ok(()),
            Content::File(reader) => {
                reader.take(bytes);
                Ok(())
            }
            Content::Parts(several) => several.feed(bytes),
            Content::Stream(reader, stream) => stream.feed(bytes, reader),
        };
        self.noticed().and(read).and_then(|()| self.judge()).unwrap_or_else(Verdict::Refuse)
    }

    /// It is over.
    pub fn end(&mut self) -> Verdict {
        let read = match &mut self.content {
            Content::Unseen => Ok(()),
            Content::File(reader) => {
                reader.finish();
                Ok(())
            }
            Content::Parts(several) => several.end(),
            Content::Stream(reader, stream) => {
                reader.finish();
                stream.end()
            }
        };
        self.noticed().and(read).and_then(|()| self.judge()).unwrap_or_else(Verdict::Refuse)
    }

    fn judge(&mut self) -> Result<Verdict, Refusal> {
        if let Some(most) = self.rules.exceeded_by(self.count) {
            return Err(Refusal::Large(most));
        }
        if self.passing {
            return Ok(Verdict::Pass);
        }
        let known = match &self.content {
            Content::Unseen => true,
            // Each message is wanted when it is there.
            Content::Stream(reader, _) => reader.is_known() || !reader.may_become_one(),
            Content::File(reader) => reader.is_known() || self.flows && !reader.may_become_one(),
            Content::Parts(several) => several.is_known(),
        };
        if !known && self.count <= MOST_HELD {
            return Ok(Verdict::Wait);
        }
        let is_page = match &self.content {
            Content::File(reader) => reader.is_page(),
            Content::Unseen | Content::Parts(_) | Content::Stream(..) => false,
        };
        if !is_page {
            self.name_by_path()?;
        }
        self.passing = true;
        Ok(Verdict::Pass)
    }

    /// Whether it may pass, as far as it came.
    pub(super) fn is_passing(&self) -> bool {
        self.passing
    }

    /// Whether more of it would be read as the rest of an archive, or may yet show what it is.
    pub(super) fn may_go_on(&self) -> bool {
        match &self.content {
            Content::Unseen => false,
            Content::File(reader) => reader.may_go_on(),
            Content::Parts(several) => several.may_go_on(),
            Content::Stream(..) => true,
        }
    }

    /// What it says it is and was found to be so far.
    #[must_use]
    pub fn classes(&self) -> Classes {
        match &self.content {
            Content::Parts(several) => self.classes.union(several.classes()),
            Content::Stream(_, stream) => self.classes.union(stream.classes()),
            Content::Unseen | Content::File(_) => self.classes,
        }
    }

    /// Whether it may hold files of which nothing has come yet, whatever it was found to be so far.
    #[must_use]
    pub fn may_hold_more(&self) -> bool {
        matches!(self.content, Content::Parts(_) | Content::Stream(..))
    }

    /// Whether its bytes are looked at.
    #[must_use]
    pub fn looks(&self) -> bool {
        !matches!(self.content, Content::Unseen)
    }

    /// Whether it says it is only looked at or read, and nothing else was found.
    #[must_use]
    pub fn is_harmless(&self) -> bool {
        self.harmless && !self.may_hold_more() && !self.classes.has(Class::Disguised)
    }
}

/// Whether a type is one whose bytes are read as they come, such as events, so that none may wait for others.
fn flows(essence: &str) -> bool {
    essence.starts_with("text/")
        || essence.starts_with("application/grpc")
        || essence.ends_with("json")
        || essence.ends_with("xml")
        || matches!(essence, "application/javascript" | "application/x-ndjson" | "application/json-seq" | "multipart/x-mixed-replace")
}
