//! A file as it streams: what it is, and what is in it.

use super::formats::{Format, called};
use super::ole::Ole;
use super::sniff::{self, LOOKED_AT, Sniffed};
use super::tar::Tar;
use super::zip::{Part, Within, Zip};
use super::{Class, formats, name};
use crate::body::coding::{Coding, Codings, Decoder, Limits, Unreadable};
use memchr::memmem;
use std::ops::ControlFlow;

/// Where a file system for optical disks says so (ECMA-119, volume descriptors).
const ISO_AT: u64 = 32 * 1024 + 1;
const ISO: &[u8; 5] = b"CD001";
/// The most members that are named; a school that blocks one of these kinds has seen it by then, and each costs a little.
const MOST_MEMBERS: usize = 100_000;

/// How something was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// By the name it would be saved under.
    Name(String),
    /// By the type it is declared as.
    Declared(String),
    /// By its bytes.
    Bytes,
    /// By the name of something in it.
    Inside(String),
    /// Behind the end of a file of another kind.
    Behind,
}

/// A kind that a file was found to be, or to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its class.
    pub class: Class,
    /// What it is, with its article.
    pub what: &'static str,
    /// How that was found.
    pub seen: Seen,
}

/// What a name says, if it says something.
#[must_use]
pub fn by_name(name: &str) -> Option<Found> {
    let format = formats::by_ending(&name::ending(name)?)?;
    Some(Found { class: format.class, what: format.name, seen: Seen::Name(name.to_owned()) })
}

/// What a declared type says, if it says something.
#[must_use]
pub fn by_type(essence: &str) -> Option<Found> {
    let format = formats::by_type(essence)?;
    Some(Found { class: format.class, what: format.name, seen: Seen::Declared(essence.to_owned()) })
}

/// Something that was noticed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// A kind.
    Found(Found),
    /// The name of something in it.
    Member(String),
    /// It unpacks to far more than it is.
    Bomb,
}

/// How far codings are undone, of the file and of an archive.
pub const LIMITS: Limits = Limits { bytes: u64::MAX, ratio: 200, ratio_from: 64 << 20, layers: 1 };

/// Reads one file.
pub struct Reader {
    /// Until no more of it can tell anything.
    core: Option<Core>,
    decoder: Decoder,
    room: Vec<u8>,
    notes: Vec<Note>,
    /// Whether it began as a page, once it is over.
    page: bool,
}

impl Reader {
    /// A reader of a file in these codings. `inside` says whether to look into archives.
    #[must_use]
    pub fn new(codings: &Codings, inside: bool) -> Self {
        // Without memory for a decoder nothing is found, as in what cannot be decoded.
        let (core, decoder) = match Decoder::of(codings, LIMITS) {
            Ok(decoder) => (Some(Core::new(inside)), decoder),
            Err(_) => (None, Decoder::plain()),
        };
        Self { core, decoder, room: Vec::new(), notes: Vec::new(), page: false }
    }

    /// More of it, as it came.
    pub fn take(&mut self, bytes: &[u8]) {
        let Some(core) = &mut self.core else { return };
        let read = self.decoder.read(bytes, &mut self.room, &mut |bytes| {
            core.take(bytes);
            if core.is_done() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        self.notes.append(&mut core.notes);
        if matches!(read, Err(Unreadable::TooDense(_))) {
            self.notes.push(Note::Bomb);
        }
        // Past an error in its coding a browser gets no further either.
        if read.is_err() || core.is_done() {
            self.finish();
        }
    }

    /// It is over.
    pub fn finish(&mut self) {
        if let Some(mut core) = self.core.take() {
            core.end();
            self.notes.append(&mut core.notes);
            self.page = sniff::is_page(&core.head);
        }
        self.room = Vec::new();
        self.decoder = Decoder::plain();
    }

    /// What was noticed since it was last asked.
    pub fn notes(&mut self) -> std::vec::Drain<'_, Note> {
        self.notes.drain(..)
    }

    /// Whether it is known what it is, as far as its beginning tells.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.core.as_ref().is_none_or(Core::is_known)
    }

    /// Whether its beginning can still become that of a known format, so that it must be waited for even where each byte is wanted at once.
    #[must_use]
    pub fn may_become_one(&self) -> bool {
        self.core.as_ref().is_some_and(|core| core.sniffed.is_none() && sniff::may_begin_one(&core.head))
    }

    /// Whether more of it would be read as the rest of an archive, or may yet show what it is.
    #[must_use]
    pub fn may_go_on(&self) -> bool {
        self.core.as_ref().is_some_and(|core| match core.into {
            Into::Zip(_) | Into::Tar(_) | Into::Gzip(_) | Into::Ole(_) => true,
            Into::Nothing | Into::Other(..) => core.sniffed.is_none(),
        })
    }

    /// Whether it begins as a page does.
    #[must_use]
    pub fn is_page(&self) -> bool {
        self.page || self.core.as_ref().is_some_and(|core| sniff::is_page(&core.head))
    }
}

/// What decoded bytes go to.
struct Core {
    head: Vec<u8>,
    /// Once it is known.
    sniffed: Option<Option<&'static Format>>,
    /// How many bytes came.
    at: u64,
    iso: [u8; 5],
    into: Into,
    inside: bool,
    members: usize,
    notes: Vec<Note>,
}

/// What is read on.
enum Into {
    Nothing,
    Zip(Zip),
    Tar(Tar),
    Gzip(Box<Packed>),
    Ole(Box<Ole>),
    /// Something with something else behind it, perhaps.
    Other(Zip, Behind),
}

impl Core {
    fn new(inside: bool) -> Self {
        Self { head: Vec::new(), sniffed: None, at: 0, iso: [0; 5], into: Into::Nothing, inside, members: 0, notes: Vec::new() }
    }

    fn is_known(&self) -> bool {
        match &self.into {
            Into::Zip(zip) => zip.is_known(),
            _ => self.sniffed.is_some(),
        }
    }

    /// Whether no more of it can tell anything.
    fn is_done(&self) -> bool {
        self.sniffed.is_some() && matches!(self.into, Into::Nothing) && self.at >= ISO_AT + 5
    }

    fn take(&mut self, bytes: &[u8]) {
        self.look_for_disk(bytes);
        if self.sniffed.is_some() {
            return self.read(bytes);
        }
        let (first, rest) = bytes.split_at(bytes.len().min(LOOKED_AT - self.head.len()));
        self.head.extend_from_slice(first);
        match sniff::sniff(&self.head, false) {
            Sniffed::Open => {}
            Sniffed::As(format) => self.begin(Some(format)),
            Sniffed::Nothing => self.begin(None),
        }
        if self.sniffed.is_some() {
            self.read(rest);
        }
    }

    fn look_for_disk(&mut self, bytes: &[u8]) {
        let start = self.at;
        self.at += bytes.len() as u64;
        if self.at <= ISO_AT || start >= ISO_AT + 5 {
            return;
        }
        for (at, byte) in (start..).zip(bytes) {
            if let Some(place) = at.checked_sub(ISO_AT).and_then(|at| self.iso.get_mut(usize::try_from(at).unwrap_or(usize::MAX))) {
                *place = *byte;
            }
        }
        if self.at >= ISO_AT + 5 && self.iso == *ISO {
            self.is("a disk image", Seen::Bytes);
        }
    }

    fn is(&mut self, what: &str, seen: Seen) {
        if let Some(format) = called(what) {
            self.notes.push(Note::Found(Found { class: format.class, what: format.name, seen }));
        }
    }

    /// It is known what it begins as.
    fn begin(&mut self, format: Option<&'static Format>) {
        self.sniffed = Some(format);
        self.into = match format {
            // The kind of ZIP is told by what is in it.
            Some(format) if format.name == "a ZIP archive" => Into::Zip(Zip::new(Within::Zip)),
            Some(format) if format.name == "an Office document" && self.head.starts_with(b"\xd0\xcf") => Into::Ole(Box::default()),
            Some(format) if format.name == "a tar archive" && self.inside => Into::Tar(Tar::default()),
            Some(format) if format.name == "a gzip archive" && self.inside => Into::Gzip(Box::new(Packed::new())),
            Some(format) if !format.class.is_looked_at() => Into::Nothing,
            Some(_) | None => Into::Other(Zip::new(Within::Other), Behind::default()),
        };
        if !matches!(self.into, Into::Zip(_))
            && let Some(format) = format
        {
            self.is(format.name, Seen::Bytes);
        }
        if let Some(what) = format.and_then(|format| encrypted(format.name, &self.head)) {
            self.notes.push(Note::Found(Found { class: Class::Encrypted, what, seen: Seen::Bytes }));
        }
        let head = std::mem::take(&mut self.head);
        self.read(&head);
        self.head = head;
    }

    fn read(&mut self, bytes: &[u8]) {
        let mut into = std::mem::replace(&mut self.into, Into::Nothing);
        match &mut into {
            Into::Nothing => {}
            Into::Zip(zip) => zip.take(bytes, &mut |part| self.part(part, &Seen::Bytes)),
            Into::Tar(tar) => tar.take(bytes, &mut |member| self.member(member.name, member.is)),
            Into::Ole(ole) => ole.take(bytes, &mut |format| self.is(format.name, Seen::Bytes)),
            Into::Gzip(packed) => packed.take(bytes, self),
            Into::Other(zip, behind) => {
                behind.take(bytes, &mut |what| self.is(what, Seen::Behind));
                zip.take(bytes, &mut |part| self.part(part, &Seen::Behind));
            }
        }
        self.into = into;
    }

    fn part(&mut self, part: Part<'_>, seen: &Seen) {
        match part {
            Part::Is(what) => self.is(what, seen.clone()),
            Part::Member { name, encrypted } => {
                if encrypted {
                    let seen = Seen::Inside(name.to_owned());
                    self.notes.push(Note::Found(Found { class: Class::Encrypted, what: "an archive with a password", seen }));
                }
                self.member(name, None);
            }
        }
    }

    fn member(&mut self, name: &str, is: Option<&'static str>) {
        self.members += 1;
        if !self.inside || self.members > MOST_MEMBERS {
            return;
        }
        if let Some(what) = is {
            self.is(what, Seen::Inside(name.to_owned()));
        }
        if !name.ends_with('/') {
            self.notes.push(Note::Member(name.to_owned()));
        }
    }

    fn end(&mut self) {
        if self.sniffed.is_none() {
            let format = sniff::sniff(&self.head, true).format();
            self.begin(format);
        }
        let mut into = std::mem::replace(&mut self.into, Into::Nothing);
        match &mut into {
            Into::Zip(zip) => zip.end(&mut |part| self.part(part, &Seen::Bytes)),
            Into::Other(zip, _) => zip.end(&mut |part| self.part(part, &Seen::Behind)),
            Into::Gzip(packed) => packed.end(self),
            Into::Nothing | Into::Tar(_) | Into::Ole(_) => {}
        }
    }
}

/// Whether an archive says at its beginning that all of it takes a password.
fn encrypted(what: &str, head: &[u8]) -> Option<&'static str> {
    let is = match what {
        // RAR 5: the first header is that of encryption. Its number follows a checksum and a length of one to three bytes.
        "a RAR archive" if head.starts_with(b"Rar!\x1a\x07\x01\0") => {
            let length = head.get(12..15).map_or(1, |bytes| 1 + bytes.iter().take_while(|byte| **byte & 0x80 != 0).count());
            head.get(12 + length) == Some(&4)
        }
        // RAR 4: a flag of the main header.
        "a RAR archive" => head.get(10).is_some_and(|flags| flags & 0x80 != 0) && head.get(9) == Some(&0x73),
        _ => false,
    };
    is.then_some("an archive with a password")
}

/// What is packed by gzip: a tar, or one file.
struct Packed {
    decoder: Option<Decoder>,
    room: Vec<u8>,
    unpacked: Unpacked,
}

#[derive(Default)]
struct Unpacked {
    head: Vec<u8>,
    tar: Option<Tar>,
    known: bool,
    /// Of members, and what each is; of the one file there is, without a name.
    found: Vec<(String, Option<&'static str>)>,
}

impl Packed {
    fn new() -> Self {
        Self { decoder: Decoder::of(&Coding::Gzip.into(), LIMITS).ok(), room: Vec::new(), unpacked: Unpacked::default() }
    }

    fn take(&mut self, bytes: &[u8], core: &mut Core) {
        let Some(decoder) = &mut self.decoder else { return };
        let read = decoder.read(bytes, &mut self.room, &mut |bytes| {
            self.unpacked.take(bytes);
            ControlFlow::Continue(())
        });
        self.unpacked.tell(core);
        if let Err(why) = read {
            if matches!(why, Unreadable::TooDense(_)) {
                core.notes.push(Note::Bomb);
            }
            // Of what is damaged no program gets more either.
            self.end(core);
        }
    }

    /// What is cut short was read as far as it came.
    fn end(&mut self, core: &mut Core) {
        if self.decoder.take().is_some() {
            self.unpacked.end();
            self.unpacked.tell(core);
        }
    }
}

impl Unpacked {
    fn know(&mut self) {
        self.known = true;
        let Some(format) = sniff::sniff(&self.head, true).format() else { return };
        if format.name == "a tar archive" {
            let mut tar = Tar::default();
            tar.take(&self.head, &mut |member| self.found.push((member.name.to_owned(), member.is)));
            self.tar = Some(tar);
        } else {
            self.found.push((String::new(), Some(format.name)));
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        if !self.known {
            let count = rest.len().min(LOOKED_AT - self.head.len());
            self.head.extend_from_slice(&rest[..count]);
            rest = &rest[count..];
            if self.head.len() == LOOKED_AT {
                self.know();
            }
        }
        if let Some(tar) = &mut self.tar {
            tar.take(rest, &mut |member| self.found.push((member.name.to_owned(), member.is)));
        }
    }

    fn end(&mut self) {
        if !self.known {
            self.know();
        }
    }

    fn tell(&mut self, core: &mut Core) {
        std::mem::take(&mut self.found).iter().for_each(|(name, is)| core.member(name, *is));
    }
}

/// Archives that are found wherever they begin in a file.
#[derive(Default)]
struct Behind {
    kept: Vec<u8>,
    /// Which were found. Each is told once.
    found: [bool; 2],
}

const BEHIND: [(&[u8], &str); 2] = [(b"7z\xbc\xaf\x27\x1c\0", "a 7z archive"), (b"Rar!\x1a\x07", "a RAR archive")];
/// The longest of those marks but for its last byte.
const SEAM: usize = 6;

impl Behind {
    fn take(&mut self, bytes: &[u8], each: &mut dyn FnMut(&'static str)) {
        let mut seam = std::mem::take(&mut self.kept);
        seam.extend_from_slice(&bytes[..bytes.len().min(SEAM)]);
        for (known, (mark, what)) in self.found.iter_mut().zip(BEHIND) {
            if !*known && [seam.as_slice(), bytes].iter().any(|part| memmem::find(part, mark).is_some()) {
                *known = true;
                each(what);
            }
        }
        let last = if bytes.len() >= SEAM { bytes } else { &seam };
        self.kept.extend_from_slice(&last[last.len().saturating_sub(SEAM)..]);
    }
}
