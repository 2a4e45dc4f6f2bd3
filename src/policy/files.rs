//! Which files may pass: by kind, ending, declared type and size. Pure: the head of an answer, then its bytes, in; a [`Verdict`] after each piece out.
//!
//! Whatever a file says of itself counts, and so does what it is: each name it could be saved under, its declared type, its first bytes, and the names of
//! what is in it. One of them is enough.

use crate::host::Host;
use crate::identity::{GroupId, Standing};
use crate::kinds::coding::Coding;
use crate::kinds::multipart::{Event, Multipart};
use crate::kinds::reader::{Note, by_name, by_type};
use crate::kinds::{Class, Classes, Found, Reader, Seen, name};
use std::sync::Arc;

/// Bytes of one MiB.
const MIB: u64 = 1 << 20;
/// The most bytes that wait for a file to be known.
pub const MOST_HELD: u64 = 16 * 1024;
/// Endings of files that are only read.
const TEXTS: [&str; 9] = ["txt", "html", "htm", "css", "js", "json", "csv", "xml", "md"];

/// What a group may not have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// Kinds that are blocked.
    pub block: Classes,
    /// Endings that are blocked, without the dot, in lower case.
    pub endings: Vec<Arc<str>>,
    /// Media types that are blocked: `type/subtype` or `type/*`, in lower case.
    pub types: Vec<Arc<str>>,
    /// The largest file, in MiB.
    pub largest_mib: Option<u64>,
    /// Whether archives are looked into.
    pub archives: bool,
    /// Whether what is sent is judged as well.
    pub uploads: bool,
    /// Hosts, with all below them, whose files are not judged.
    pub except: Vec<Host>,
}

impl Rules {
    /// Whether bytes have to be looked at, and not names and sizes only.
    fn looks(&self) -> bool {
        !self.block.is_empty() || self.archives && !self.endings.is_empty()
    }

    /// Whether nothing is blocked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.block.is_empty() && self.endings.is_empty() && self.types.is_empty() && self.largest_mib.is_none()
    }

    /// The rules of both: what either blocks is blocked.
    fn union(mut self, other: &Self) -> Self {
        self.block = self.block.union(other.block);
        self.endings.extend(other.endings.iter().cloned());
        self.types.extend(other.types.iter().cloned());
        self.largest_mib = self.largest_mib.into_iter().chain(other.largest_mib).min();
        self.archives |= other.archives;
        self.uploads |= other.uploads;
        // Only what every group may have.
        self.except.retain(|host| other.is_empty() || other.except.iter().any(|theirs| host.is_within(theirs)));
        self
    }

    /// Whether the files of a host are judged.
    #[must_use]
    pub fn are_for(&self, host: &Host) -> bool {
        !self.except.iter().any(|named| host.is_within(named))
    }

    fn has_type(&self, essence: &str) -> bool {
        self.types.iter().any(|one| match one.strip_suffix('*') {
            Some(start) => essence.starts_with(start),
            None => **one == *essence,
        })
    }

    fn has_ending(&self, name: &str) -> Option<Arc<str>> {
        let ending = name::ending(name)?;
        // Such as `.tar.gz`, which is more than a last ending.
        let whole = name.to_lowercase();
        self.endings.iter().find(|one| ***one == *ending || one.contains('.') && whole.trim_end_matches(['.', ' ']).ends_with(&format!(".{one}"))).cloned()
    }
}

/// The rules of every group.
#[derive(Clone, Debug, Default)]
pub struct Book {
    groups: Vec<Option<Arc<Rules>>>,
    /// For who is in no group: what any group blocks.
    unknown: Option<Arc<Rules>>,
}

impl Book {
    /// The rules of the groups, in the order of the policy.
    #[must_use]
    pub fn new(groups: Vec<Rules>) -> Self {
        let some = |rules: Rules| (!rules.is_empty()).then(|| Arc::new(rules));
        let unknown = groups.iter().filter(|rules| !rules.is_empty()).cloned().reduce(|all, one| all.union(&one)).and_then(some);
        Self { groups: groups.into_iter().map(some).collect(), unknown }
    }

    /// The rules of a standing, if there are any.
    #[must_use]
    pub fn of(&self, standing: Standing) -> Option<&Arc<Rules>> {
        match standing {
            Standing::Member(GroupId(id)) => self.groups.get(usize::from(id))?.as_ref(),
            Standing::Unknown => self.unknown.as_ref(),
        }
    }
}

/// What the head of an answer says of a file.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// The name in its URL, if it would be saved under it.
    pub path: Option<String>,
    /// The names in `Content-Disposition`.
    pub names: Vec<String>,
    /// The declared media types, without parameters, in lower case.
    pub types: Vec<String>,
    /// How it is coded on the way; none where that cannot be undone.
    pub coding: Option<Coding>,
    /// Its length, if that is known.
    pub length: Option<u64>,
    /// Which part of a file it is.
    pub part: Part,
}

/// Which part of a file an answer is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Part {
    /// All of it, or its first part.
    #[default]
    First,
    /// One that says nothing of how the file begins; how long the whole is, if that is known.
    Later(Option<u64>),
}

/// Why a file is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Its kind.
    Kind(Found),
    /// The ending of its name, or of the name of something in it.
    Ending {
        /// The ending.
        ending: Arc<str>,
        /// The name.
        name: String,
        /// Whether it is in the file.
        inside: bool,
    },
    /// Its declared type.
    Type(String),
    /// Its size; the largest there may be, in MiB.
    Large(u64),
    /// It unpacks to far more than it is.
    Bomb,
    /// It is coded so that it cannot be looked at.
    Coded,
    /// It is a part of a file, which cannot be judged by itself.
    Part,
}

impl Refusal {
    /// The reason in a sentence, for a group.
    #[must_use]
    pub fn text(&self, group: &str) -> String {
        match self {
            Self::Kind(Found { class, what, seen }) => {
                let kind = class.plural();
                let how = match seen {
                    Seen::Name(name) => format!("its name, \"{}\", is that of {what}", short(name)),
                    Seen::Declared(essence) => format!("the site says that it is {what} ({})", short(essence)),
                    Seen::Bytes => format!("what is in it shows that it is {what}"),
                    Seen::Inside(name) if name.is_empty() => format!("there is {what} in it"),
                    Seen::Inside(name) => format!("there is {what} in it, \"{}\"", short(name)),
                    Seen::Behind => format!("there is {what} behind it"),
                };
                format!("{kind} are blocked for {group}: {how}.")
            }
            Self::Ending { ending, name, inside: false } => format!("Files that end with .{ending} are blocked for {group}: \"{}\".", short(name)),
            Self::Ending { ending, name, inside: true } => format!("Files that end with .{ending} are blocked for {group}: \"{}\" is in it.", short(name)),
            Self::Type(essence) => format!("Files of the type {} are blocked for {group}.", short(essence)),
            Self::Large(most) => format!("Files larger than {most} MiB are blocked for {group}."),
            Self::Bomb => format!("It unpacks to far more than it is, as what harms computers does; such files are blocked for {group}."),
            Self::Coded => format!("It is coded in a way that cannot be looked into; such files are blocked for {group}."),
            Self::Part => format!("It is a part of a file, which cannot be judged without its beginning; such parts are blocked for {group}."),
        }
    }
}

/// As much of a name as a person reads.
fn short(name: &str) -> String {
    let shown: String = name
        .chars()
        .filter(|c| !c.is_control() && !matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}'))
        .take(120)
        .collect();
    shown
}

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

/// Judges one file.
pub struct Judge {
    rules: Arc<Rules>,
    reader: Option<Reader>,
    /// What it says it is, and what it was found to be.
    classes: Classes,
    /// Whether it says it is only looked at or read.
    harmless: bool,
    /// Whether its bytes are wanted as they come.
    flows: bool,
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
            reader: None,
            classes: Classes::default(),
            harmless: false,
            flows: facts.types.iter().any(|essence| flows(essence)),
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
        if let Some(most) = judge.rules.largest_mib.filter(|most| length.is_some_and(|length| length > most.saturating_mul(MIB))) {
            return Err(Refusal::Large(most));
        }
        // Where its type is not said, a browser looks whether it is a page.
        if !facts.types.is_empty() {
            judge.name_by_path()?;
        }
        if !judge.rules.looks() && !look {
            return Ok(judge);
        }
        if facts.part != Part::First {
            let is_media = facts.types.iter().any(|essence| essence.starts_with("video/") || essence.starts_with("audio/"));
            return if is_media { Ok(judge) } else { Err(Refusal::Part) };
        }
        match facts.coding {
            Some(coding) => judge.reader = Some(Reader::new(coding, judge.rules.archives)),
            None if judge.rules.looks() => return Err(Refusal::Coded),
            None => {}
        }
        Ok(judge)
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
            Seen::Behind => true,
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
        let Some(mut reader) = self.reader.take() else { return Ok(()) };
        let judged = reader.notes().try_for_each(|note| match note {
            Note::Found(found) => self.found(found),
            Note::Member(name) => self.member(name),
            Note::Bomb if self.rules.looks() => Err(Refusal::Bomb),
            Note::Bomb => Ok(()),
        });
        self.reader = Some(reader);
        judged
    }

    /// More of it, as it came.
    pub fn feed(&mut self, bytes: &[u8]) -> Verdict {
        self.count += bytes.len() as u64;
        if let Some(reader) = &mut self.reader {
            reader.take(bytes);
        }
        self.judged()
    }

    /// It is over.
    pub fn end(&mut self) -> Verdict {
        if let Some(reader) = &mut self.reader {
            reader.finish();
        }
        self.judged()
    }

    fn judged(&mut self) -> Verdict {
        match self.judge() {
            Ok(verdict) => verdict,
            Err(refusal) => Verdict::Refuse(refusal),
        }
    }

    fn judge(&mut self) -> Result<Verdict, Refusal> {
        if let Some(most) = self.rules.largest_mib.filter(|most| self.count > most.saturating_mul(MIB)) {
            return Err(Refusal::Large(most));
        }
        self.noticed()?;
        if self.passing {
            return Ok(Verdict::Pass);
        }
        let flows = self.flows;
        let known = self.reader.as_mut().is_none_or(|reader| reader.is_known() || flows && !reader.may_become_one());
        if !known && self.count <= MOST_HELD {
            return Ok(Verdict::Wait);
        }
        if self.reader.as_mut().is_none_or(|reader| !reader.is_page()) {
            self.name_by_path()?;
        }
        self.passing = true;
        Ok(Verdict::Pass)
    }

    /// What it says it is and was found to be so far.
    #[must_use]
    pub fn classes(&self) -> Classes {
        self.classes
    }

    /// Whether it says it is only looked at or read, and nothing else was found.
    #[must_use]
    pub fn is_harmless(&self) -> bool {
        self.harmless && !self.classes.has(Class::Disguised)
    }
}

/// Judges what is sent: a body as it is, or each file in a form.
pub struct Uploads {
    rules: Arc<Rules>,
    form: Option<Multipart>,
    judge: Option<Judge>,
    count: u64,
}

impl Uploads {
    /// Judges a body by what its head says: its `Content-Type` as it is, and the rest.
    ///
    /// # Errors
    /// If it is refused at once.
    pub fn new(rules: Arc<Rules>, content_type: &str, facts: Facts) -> Result<Self, Refusal> {
        let form = Multipart::of(content_type);
        if let Some(most) = rules.largest_mib.filter(|most| facts.length.is_some_and(|length| length > most.saturating_mul(MIB))) {
            return Err(Refusal::Large(most));
        }
        let says_form = content_type.trim_start().get(..10).is_some_and(|essence| essence.eq_ignore_ascii_case("multipart/"));
        if rules.looks() && says_form && (form.is_none() || facts.coding != Some(Coding::Plain)) {
            return Err(Refusal::Coded);
        }
        let judge = if form.is_some() { None } else { Some(Judge::new(rules.clone(), facts, false)?) };
        Ok(Self { rules, form, judge, count: 0 })
    }

    /// More of it.
    ///
    /// # Errors
    /// If it is refused.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        self.count += bytes.len() as u64;
        if let Some(most) = self.rules.largest_mib.filter(|most| self.count > most.saturating_mul(MIB)) {
            return Err(Refusal::Large(most));
        }
        self.with_form(|form, each| form.take(bytes, each)).unwrap_or_else(|| match &mut self.judge {
            Some(judge) => passed(judge.feed(bytes)),
            None => Ok(()),
        })
    }

    /// It is over.
    ///
    /// # Errors
    /// If it is refused.
    pub fn end(&mut self) -> Result<(), Refusal> {
        self.with_form(|form, each| form.end(each)).unwrap_or_else(|| match &mut self.judge {
            Some(judge) => passed(judge.end()),
            None => Ok(()),
        })
    }

    /// Does something to the form, if it is one, and judges what comes of it.
    fn with_form(&mut self, work: impl FnOnce(&mut Multipart, &mut dyn FnMut(Event<'_>))) -> Option<Result<(), Refusal>> {
        let mut form = self.form.take()?;
        let mut result = Ok(());
        work(&mut form, &mut |event| {
            if result.is_ok() {
                result = self.event(event);
            }
        });
        self.form = Some(form);
        Some(result)
    }

    fn event(&mut self, event: Event<'_>) -> Result<(), Refusal> {
        match event {
            Event::Part { names, essence } => {
                let facts = Facts { names, types: essence.into_iter().collect(), coding: Some(Coding::Plain), ..Facts::default() };
                self.judge = Some(Judge::new(self.rules.clone(), facts, false)?);
                Ok(())
            }
            Event::Bytes(bytes) => self.judge.as_mut().map_or(Ok(()), |judge| passed(judge.feed(bytes))),
            Event::End => self.judge.take().map_or(Ok(()), |mut judge| passed(judge.end())),
        }
    }
}

fn passed(verdict: Verdict) -> Result<(), Refusal> {
    match verdict {
        Verdict::Wait | Verdict::Pass => Ok(()),
        Verdict::Refuse(refusal) => Err(refusal),
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

/// The most of a request's `Range` that keeps a file whole enough to be judged (RFC 9110 section 14.2): one that starts at its beginning, or of what is
/// played and says so in its name.
#[must_use]
pub fn may_ask_for(range: &[u8], path: &str) -> bool {
    let text = String::from_utf8_lossy(range).to_ascii_lowercase();
    let starts = text.trim().strip_prefix("bytes=").map(|set| set.trim_start().starts_with("0-") && !set.contains(','));
    let is_played = || name::of_path(path).and_then(|name| by_name(&name)).is_some_and(|found| matches!(found.class, Class::Audio | Class::Video));
    starts == Some(true) || !text.contains(',') && is_played()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(block: &[Class]) -> Rules {
        Rules { block: block.iter().copied().collect(), archives: true, ..Rules::default() }
    }

    fn facts(path: &str, essence: &str) -> Facts {
        Facts { path: name::of_path(path), types: vec![essence.to_owned()], coding: Some(Coding::Plain), ..Facts::default() }
    }

    fn judged(rules: Rules, facts: Facts, bytes: &[u8]) -> Verdict {
        let mut judge = match Judge::new(Arc::new(rules), facts, false) {
            Ok(judge) => judge,
            Err(refusal) => return Verdict::Refuse(refusal),
        };
        match judge.feed(bytes) {
            Verdict::Refuse(refusal) => Verdict::Refuse(refusal),
            Verdict::Wait | Verdict::Pass => judge.end(),
        }
    }

    fn program() -> Vec<u8> {
        [b"MZ\x90\0\x03\0\0\0".as_slice(), &[0; 600]].concat()
    }

    #[test]
    fn a_form_that_cannot_be_read_is_refused_where_files_are_judged() {
        let long = "x".repeat(100);
        let gzip = Facts { coding: Some(Coding::Gzip), ..facts("/", "multipart/form-data") };
        for (kind, form, refused) in [
            (format!("multipart/form-data; boundary={long}"), facts("/", "multipart/form-data"), true),
            ("Multipart/Form-Data".to_owned(), facts("/", "multipart/form-data"), true),
            ("multipart/form-data; boundary=x".to_owned(), gzip, true),
            ("multipart/form-data; boundary=x".to_owned(), facts("/", "multipart/form-data"), false),
        ] {
            assert_eq!(Uploads::new(Arc::new(rules(&[Class::Executable])), &kind, form).is_err(), refused, "{kind}");
        }
    }

    #[test]
    fn a_program_is_found_by_name_by_type_and_by_what_it_is() {
        let blocked = || rules(&[Class::Executable]);
        for (facts, bytes, words) in [
            (facts("/setup.exe", "application/octet-stream"), vec![], "its name, \"setup.exe\""),
            (facts("/get", "application/x-msdownload"), vec![], "the site says"),
            (facts("/picture.png", "image/png"), program(), "what is in it shows that it is a Windows program"),
            (facts("/page.html", "text/html"), program(), "what is in it"),
            (Facts { names: vec!["a.txt".into(), "b.scr".into()], ..facts("/a.txt", "text/plain") }, vec![], "\"b.scr\""),
        ] {
            match judged(blocked(), facts, &bytes) {
                Verdict::Refuse(refusal) => assert!(refusal.text("year-7").contains(words), "{}", refusal.text("year-7")),
                other => panic!("{words}: {other:?}"),
            }
        }
        assert_eq!(judged(blocked(), facts("/notes.txt", "text/plain"), b"hello"), Verdict::Pass);
    }

    #[test]
    fn a_page_about_a_program_is_a_page() {
        let page = b"<!doctype html><p>Download setup.exe";
        assert_eq!(judged(rules(&[Class::Executable]), facts("/files/setup.exe", "text/html"), page), Verdict::Pass);
        let unsaid = Facts { types: Vec::new(), ..facts("/files/setup.exe", "") };
        assert_eq!(judged(rules(&[Class::Executable]), unsaid.clone(), page), Verdict::Pass);
        assert!(matches!(judged(rules(&[Class::Executable]), unsaid, b"other"), Verdict::Refuse(_)));
        let saved = Facts { names: vec!["setup.exe".into()], ..facts("/files/setup.exe", "text/html") };
        assert!(matches!(judged(rules(&[Class::Executable]), saved, page), Verdict::Refuse(_)));
    }

    #[test]
    fn a_zip_that_says_it_is_a_picture_is_found_out() {
        let zip = b"PK\x03\x04\x14\0\0\0\x08\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x09\0\0\0notes.txt........................................";
        let refused = judged(rules(&[Class::Disguised]), facts("/a.png", "image/png"), zip);
        assert!(matches!(&refused, Verdict::Refuse(Refusal::Kind(found)) if found.class == Class::Disguised), "{refused:?}");
        assert_eq!(judged(rules(&[Class::Disguised]), facts("/a.zip", "application/zip"), zip), Verdict::Pass);
        assert!(matches!(judged(rules(&[Class::Archive]), facts("/a.png", "image/png"), zip), Verdict::Refuse(_)));
    }

    #[test]
    fn endings_types_and_sizes_are_a_schools_own() {
        let own = Rules { endings: vec!["sb3".into(), "tar.gz".into()], types: vec!["video/*".into()], largest_mib: Some(1), ..Rules::default() };
        for (facts, refusal) in [
            (facts("/game.SB3", "application/octet-stream"), "year-7: \"game.SB3\""),
            (facts("/game.tar.gz", "application/octet-stream"), ".tar.gz are blocked"),
            (facts("/clip", "video/webm"), "type video/webm"),
            (Facts { length: Some(MIB + 1), ..facts("/x", "application/pdf") }, "larger than 1 MiB"),
        ] {
            match judged(own.clone(), facts, b"") {
                Verdict::Refuse(found) => assert!(found.text("year-7").contains(refusal), "{}", found.text("year-7")),
                other => panic!("{refusal}: {other:?}"),
            }
        }
        let mut judge = Judge::new(Arc::new(own), facts("/x", "application/pdf"), false).expect("begun");
        assert_eq!(judge.feed(&vec![0; 1 << 20]), Verdict::Pass);
        assert_eq!(judge.feed(&[0]), Verdict::Refuse(Refusal::Large(1)));
    }

    #[test]
    fn a_part_of_a_file_is_not_judged_by_itself() {
        let later = |essence: &str| Facts { part: Part::Later(Some(10)), ..facts("/x", essence) };
        assert_eq!(judged(rules(&[Class::Executable]), later("application/octet-stream"), b"rest"), Verdict::Refuse(Refusal::Part));
        assert_eq!(judged(rules(&[Class::Executable]), later("video/mp4"), b"rest"), Verdict::Pass);
        for (range, path, may) in [
            ("bytes=0-", "/x", true),
            ("bytes=0-99", "/x", true),
            ("bytes=1-", "/x", false),
            ("bytes=-5", "/x", false),
            ("bytes=0-0,1-", "/x", false),
            ("Bytes=1-", "/film.mp4", true),
            ("bytes=0-0,1-", "/film.mp4", false),
            ("lines=1-", "/x", false),
        ] {
            assert_eq!(may_ask_for(range.as_bytes(), path), may, "{range} {path}");
        }
    }

    #[test]
    fn what_flows_does_not_wait_and_what_does_not_is_known_first() {
        let mut events = Judge::new(Arc::new(rules(&[Class::Executable])), facts("/chat", "text/event-stream"), false).expect("begun");
        assert_eq!(events.feed(b"data: hi\n\n"), Verdict::Pass);
        let mut file = Judge::new(Arc::new(rules(&[Class::Executable])), facts("/x", "application/octet-stream"), false).expect("begun");
        assert_eq!(file.feed(b"M"), Verdict::Wait);
        assert_eq!(file.feed(b"Z\x90\0"), Verdict::Refuse(Refusal::Kind(Found { class: Class::Executable, what: "a Windows program", seen: Seen::Bytes })));
        let mut lie = Judge::new(Arc::new(rules(&[Class::Executable])), facts("/chat", "text/event-stream"), false).expect("begun");
        assert_eq!(lie.feed(b"M"), Verdict::Wait);
    }

    #[test]
    fn who_is_in_no_group_gets_what_any_group_gets() {
        let host = |name: &str| Host::parse(name).expect("a host");
        let one = Rules { largest_mib: Some(5), except: vec![host("a.example")], ..rules(&[Class::Executable]) };
        let two = Rules { largest_mib: Some(9), except: vec![host("b.example")], ..rules(&[Class::Archive]) };
        let book = Book::new(vec![one, two, Rules::default()]);
        let all = book.of(Standing::Unknown).expect("rules");
        assert!(all.block.has(Class::Executable) && all.block.has(Class::Archive) && all.largest_mib == Some(5) && all.except.is_empty());
        assert!(book.of(Standing::Member(GroupId(2))).is_none());
        assert!(Book::default().of(Standing::Unknown).is_none());
    }
}
