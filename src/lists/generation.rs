//! Compiled lists in a file: written once, then mapped and used where they lie.
//!
//! ```text
//! header     192 bytes: what it is, how long its parts are
//! slots      u64 each   the table
//! lines      u32 each   a line for each slot
//! several    u32 each   the lines of entries that stand in several lists
//! marks      u64 each   which names have listed ones far below them
//! catalogue  bytes      lists, memberships, patterns, phrases
//! seal       32 bytes   keyed hash of all before it
//! ```
//!
//! Each part begins at a multiple of 64 bytes; all numbers are little-endian. The same lists, inputs and secret give the same bytes, whatever the machine.
//! Categories stand there by id and are given the numbers of the taxonomy at hand when the file is opened.
//!
//! A file is never believed: its seal is checked whole before anything in it is used, and only who knows the secret of the installation can make a
//! seal. What the bytes say is checked all the same. A file that cannot be used is refused with one sentence, and whoever asked compiles anew.
//!
//! A file is written beside its place and renamed, never changed where it lies: whoever has the old one mapped keeps it, whole, until he lets go of it.
//!
//! Opening 5 million names (78 MB) takes 11 to 14 ms on two cores, 32 on one, once the file is in memory; from disk, what the disk takes, 60 ms here.
//! Words and expressions cost more: their automaton is built when they are opened, 12 ms for a thousand and 35 for ten thousand. Expressions themselves
//! are made ready when first needed, unless another version of Usher wrote them: then each is tried at once.

use super::Lists;
use super::catalogue::{self, Catalogue, Unreadable};
use super::hasher::{Hasher, key_of};
use super::mapped::{Map, Section};
use super::marks::Marks;
use super::own::Own;
use super::seal::{self, Seal, Sealing};
use super::table::Table;
use crate::category::Taxonomy;
use crate::files;
use std::io::{self, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zerocopy::little_endian::{U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// What a file of this kind begins with.
const MAGIC: [u8; 16] = *b"usher generation";
/// The version of the format. A change to any part of it, or to what is hashed how, is a new one.
const VERSION: u32 = 1;
/// Parts begin at multiples of this.
const ALIGNMENT: usize = 64;

/// The first bytes of a file.
#[derive(Clone, Copy, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
struct Header {
    magic: [u8; 16],
    version: U32,
    /// The version of Usher that wrote it, padded with zeros.
    program: [u8; 28],
    /// Tells secrets apart, and says nothing of them.
    secret_check: [u8; 32],
    /// The digest of the inputs.
    inputs: [u8; 32],
    /// Home slots of the table.
    homes: U64,
    /// Entries in the table.
    entries: U64,
    /// The counts of the parts, in their order; of the catalogue, its bytes.
    slots: U64,
    several: U64,
    marks: U64,
    catalogue: U64,
    unused: [u8; 32],
}

const _: () = assert!(size_of::<Header>() == 192);

/// Where the parts are, in bytes.
struct Parts {
    slots: Range<usize>,
    lines: Range<usize>,
    several: Range<usize>,
    marks: Range<usize>,
    catalogue: Range<usize>,
}

impl Header {
    fn of(lists: &Lists, catalogue: usize, inputs: &blake3::Hash, secret: &[u8; 32]) -> Self {
        let (slots, _, homes) = lists.table.parts();
        let count = |count: usize| U64::new(count as u64);
        Self {
            magic: MAGIC,
            version: VERSION.into(),
            program: program(),
            secret_check: secret_check(secret),
            inputs: *inputs.as_bytes(),
            homes: homes.into(),
            entries: count(lists.table.len()),
            slots: count(slots.len()),
            several: count(lists.lines.len()),
            marks: count(lists.marks.words().len()),
            catalogue: count(catalogue),
            unused: [0; 32],
        }
    }

    /// Where the parts are, or `None` if they would not fit any memory.
    fn parts(&self) -> Option<Parts> {
        let mut end = size_of::<Self>();
        let mut part = |count: U64, size: usize| {
            let from = end.checked_next_multiple_of(ALIGNMENT)?;
            end = from.checked_add(usize::try_from(count.get()).ok()?.checked_mul(size)?)?;
            Some(from..end)
        };
        Some(Parts {
            slots: part(self.slots, 8)?,
            lines: part(self.slots, 4)?,
            several: part(self.several, 4)?,
            marks: part(self.marks, 8)?,
            catalogue: part(self.catalogue, 1)?,
        })
    }
}

/// The version of this program, as a header has it.
fn program() -> [u8; 28] {
    let mut text = [0; 28];
    let version = env!("CARGO_PKG_VERSION").as_bytes();
    let length = version.len().min(text.len());
    text[..length].copy_from_slice(&version[..length]);
    text
}

fn secret_check(secret: &[u8; 32]) -> [u8; 32] {
    blake3::derive_key("usher 2026 which secret compiled lists are of", secret)
}

/// Why a compiled file cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the compiled lists in {} cannot be used: {fault}", path.display())]
pub struct OpenError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    #[source]
    pub fault: Fault,
}

/// What is wrong with a compiled file.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// It cannot be read.
    #[error("{0}; check that the file is there, that this user may read it and that no other may write it, or compile the lists anew")]
    Unreadable(#[from] io::Error),
    /// It is something else.
    #[error("it is no file of compiled lists; compile the lists anew")]
    OtherKind,
    /// Another version of the format.
    #[error("it has version {0} of the format, and this Usher reads version {VERSION}; compile the lists anew")]
    OtherVersion(u32),
    /// It was written in another installation, or the secret has changed.
    #[error("it was compiled with another secret than that of this installation; compile the lists anew")]
    OtherSecret,
    /// Bytes are missing, or there are too many.
    #[error("it has {found} bytes where {expected} should be, so it was cut short or added to; compile the lists anew")]
    Length {
        /// How many there are.
        found: usize,
        /// How many its header says.
        expected: usize,
    },
    /// Some byte is not as it was written.
    #[error("it was altered after it was written, or its disk is failing; compile the lists anew, and check the disk")]
    Altered,
    /// A category of its lists is gone.
    #[error("the list \"{list}\" in it has the category \"{id}\", which categories.toml does not have; compile the lists anew, or put the category back")]
    UnknownCategory {
        /// The list.
        list: String,
        /// The id of the category.
        id: String,
    },
    /// Sealed with the right secret and still not sound: a mistake of the program that wrote it.
    #[error("its {0} cannot be understood, though it was sealed here; compile the lists anew")]
    Malformed(&'static str),
}

impl From<Unreadable> for Fault {
    fn from(unreadable: Unreadable) -> Self {
        match unreadable {
            Unreadable::Malformed(what) => Self::Malformed(what),
            Unreadable::UnknownCategory { list, id } => Self::UnknownCategory { list, id },
        }
    }
}

/// Writes lists to a file, whole or not at all. `inputs` is a digest of all they were made from, and comes back from [`Lists::digest`] when the file is
/// opened. The lists must have been compiled with the key of the same secret ([`key_of`]).
pub fn write(lists: &Lists, taxonomy: &Taxonomy, inputs: &blake3::Hash, secret: &[u8; 32], path: &Path) -> io::Result<()> {
    files::replace_with(path, |file| encode(lists, taxonomy, inputs, secret, file))
}

/// Opens a file that [`write()`] wrote. The lists use it where it lies; nothing of the table is copied.
pub fn open(path: &Path, taxonomy: &Taxonomy, secret: &[u8; 32]) -> Result<Lists, OpenError> {
    let opened = Map::open(path).map_err(Fault::from).and_then(|map| decode(map, taxonomy, secret));
    opened.map_err(|fault| OpenError { path: path.to_owned(), fault })
}

/// Writes lists as they stand in a file, without holding a second copy of them.
pub fn encode(lists: &Lists, taxonomy: &Taxonomy, inputs: &blake3::Hash, secret: &[u8; 32], out: impl Write) -> io::Result<()> {
    if lists.hasher != Hasher::new(key_of(secret)) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the lists were compiled with another secret than that of this installation"));
    }
    let catalogue = catalogue::write(lists, taxonomy);
    let header = Header::of(lists, catalogue.len(), inputs, secret);
    let (slots, lines, _) = lists.table.parts();
    let mut out = Sealing::new(out, Seal::new(secret));
    for part in [header.as_bytes(), slots.as_bytes(), lines.as_bytes(), lists.lines.as_bytes(), lists.marks.words().as_bytes(), &catalogue] {
        let gap = out.written.next_multiple_of(ALIGNMENT) - out.written;
        out.write(&[0; ALIGNMENT][..gap])?;
        out.write(part)?;
    }
    out.finish()
}

/// Puts the seal of this secret under a file's bytes up to it: for those who try what a sealed file may hold.
#[must_use]
pub fn sealed(mut bytes: Vec<u8>, secret: &[u8; 32]) -> Vec<u8> {
    let seal = Seal::new(secret).of(&bytes);
    bytes.extend(seal.as_bytes());
    bytes
}

/// Reads lists from the bytes of a file.
pub fn decode(map: Map, taxonomy: &Taxonomy, secret: &[u8; 32]) -> Result<Lists, Fault> {
    let (header, parts) = checked(&map, secret)?;
    let Catalogue { shape, lists, memberships, patterns, phrases } = catalogue::read(&map[parts.catalogue], taxonomy)?;
    if header.program != program() && !patterns.are_sound() {
        return Err(Fault::Malformed("expressions"));
    }
    let map = Arc::new(map);
    let numbers = |bytes| Section::<U32>::mapped(&map, bytes).ok_or(Fault::Malformed("lines"));
    let words = |bytes| Section::<U64>::mapped(&map, bytes).ok_or(Fault::Malformed("slots"));
    let entries = usize::try_from(header.entries.get()).map_err(|_| Fault::Malformed("header"))?;
    let table = Table::of(words(parts.slots)?, numbers(parts.lines)?, header.homes.get(), entries).ok_or(Fault::Malformed("table"))?;
    Ok(Lists {
        lists,
        memberships,
        lines: numbers(parts.several)?,
        table,
        marks: Marks::of(words(parts.marks)?),
        hasher: Hasher::new(key_of(secret)),
        patterns,
        phrases,
        inputs: blake3::Hash::from_bytes(header.inputs),
        own: Own::default(),
        shape,
    })
}

/// The header of a file and where its parts are, once its seal is known to be whole.
fn checked(bytes: &[u8], secret: &[u8; 32]) -> Result<(Header, Parts), Fault> {
    let (header, _) = Header::read_from_prefix(bytes).map_err(|_| Fault::OtherKind)?;
    if header.magic != MAGIC {
        return Err(Fault::OtherKind);
    }
    if header.version.get() != VERSION {
        return Err(Fault::OtherVersion(header.version.get()));
    }
    if header.secret_check != secret_check(secret) {
        return Err(Fault::OtherSecret);
    }
    let parts = header.parts().ok_or(Fault::Altered)?;
    let (found, expected) = (bytes.len(), parts.catalogue.end.saturating_add(seal::LENGTH));
    if found != expected {
        return Err(Fault::Length { found, expected });
    }
    let (body, seal) = bytes.split_at(parts.catalogue.end);
    // Compared in constant time, as `Hash` does.
    if Seal::new(secret).of(body) != <[u8; seal::LENGTH]>::try_from(seal).map_err(|_| Fault::Altered)? {
        return Err(Fault::Altered);
    }
    Ok((header, parts))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::category::fixture::taxonomy;
    use crate::host::Host;
    use crate::lists::compile::Compiler;
    use crate::lists::entry::Listed;
    use crate::url::Url;
    use proptest::collection::vec;
    use proptest::num::u8::ANY;

    const SECRET: [u8; 32] = [9; 32];

    fn compiled(taxonomy: &Taxonomy) -> Lists {
        let name = |text: &str| Listed::Name(Host::parse(text).expect(text));
        let category = |id: &'static str| (taxonomy.find(id).expect(id), id);
        let mut compiler = Compiler::new(key_of(&SECRET));
        let games = [
            name("games.example"),
            Listed::Except(Box::new(name("school.games.example"))),
            name("a.b.c.d.e.f.example"),
            Listed::Exact(Host::parse("one.example").expect("a host")),
            Listed::Network("203.0.113.0/24".parse().expect("a network")),
            Listed::Prefix("news.example/play".into()),
            Listed::Word("un*blocked".into()),
            Listed::Expression("/slot/[0-9]+".into()),
            Listed::Expression("[0-9]{9}".into()),
            Listed::Phrase("free spins<20>".into()),
        ];
        compiler.add_entries("games", category("games"), &games);
        compiler.add_entries("more", category("chat"), &[name("games.example")]);
        compiler.finish().expect("room").0
    }

    fn bytes(lists: &Lists, taxonomy: &Taxonomy) -> Vec<u8> {
        let mut bytes = Vec::new();
        encode(lists, taxonomy, &blake3::hash(b"inputs"), &SECRET, &mut bytes).expect("written");
        bytes
    }

    fn read(bytes: &[u8], taxonomy: &Taxonomy) -> Result<Lists, Fault> {
        decode(Map::copy(bytes).expect("a map"), taxonomy, &SECRET)
    }

    /// Asks all that can be asked.
    fn ask(lists: &Lists) -> String {
        let urls =
            ["games.example", "x.school.games.example", "a.b.c.d.e.f.example", "one.example", "203.0.113.9", "news.example/play/1", "a.example/unblocked"];
        let more = ["a.example/slot/1", "a.example/123456789", "none.example"];
        let each = urls.iter().chain(&more).map(|url| {
            let url = Url::parse(url).expect("a URL");
            let found = lists.look_up(&url);
            let said = (lists.explain_all(&found, &url), lists.explain_exceptions(&found, &url), lists.explain(&found, &url, found.categories));
            format!("{url} {:?} {said:?}\n", found.categories)
        });
        format!("{}{:?} {:?} {} {}", each.collect::<String>(), lists.lists(), lists.phrases(), lists.len(), lists.memory())
    }

    #[test]
    fn what_is_opened_says_what_was_compiled_and_is_written_the_same() {
        let taxonomy = taxonomy(&["games", "chat"]);
        let lists = compiled(&taxonomy);
        let written = bytes(&lists, &taxonomy);
        let opened = read(&written, &taxonomy).expect("opened");
        assert_eq!(ask(&opened), ask(&lists));
        assert_eq!(opened.digest(), blake3::hash(b"inputs"));
        assert_eq!(bytes(&opened, &taxonomy), written);
        assert_eq!(bytes(&compiled(&taxonomy), &taxonomy), written);
        assert!(!opened.is_empty());
    }

    #[test]
    fn categories_are_known_by_id_not_by_number() {
        let (old, new) = (taxonomy(&["games", "chat"]), taxonomy(&["drugs", "chat", "games"]));
        let opened = read(&bytes(&compiled(&old), &old), &new).expect("opened");
        let found = opened.look_up_host(&Host::parse("one.example").expect("a host"));
        assert_eq!(new.ids(found.categories).collect::<Vec<_>>(), ["games"]);
        let fault = read(&bytes(&compiled(&old), &old), &taxonomy(&["games"])).map(drop).expect_err("a category is gone").to_string();
        assert!(fault.contains("\"more\"") && fault.contains("\"chat\""), "{fault}");
    }

    #[test]
    fn what_another_version_wrote_is_opened_if_its_expressions_are_sound() {
        let taxonomy = taxonomy(&["games", "chat"]);
        let mut body = bytes(&compiled(&taxonomy), &taxonomy);
        body.truncate(body.len() - seal::LENGTH);
        body[20] = b'9';
        assert!(read(&sealed(body.clone(), &SECRET), &taxonomy).is_ok());
        let at = body.windows(5).position(|five| five == b"/slot").expect("the expression");
        body[at] = b'(';
        assert!(matches!(read(&sealed(body, &SECRET), &taxonomy), Err(Fault::Malformed("expressions"))));
    }

    #[test]
    fn lists_of_another_secret_are_not_written() {
        let taxonomy = taxonomy(&["games", "chat"]);
        let mut out = Vec::new();
        let written = encode(&compiled(&taxonomy), &taxonomy, &blake3::hash(b""), &[1; 32], &mut out);
        assert_eq!((written.map_err(|error| error.kind()), out.len()), (Err(io::ErrorKind::InvalidInput), 0));
    }

    proptest::proptest! {
        /// Behind the seal is a reader that believes nothing either.
        #[test]
        fn nonsense_with_the_right_seal_harms_nobody(edits in vec((0..2000usize, ANY), 1..12), cut in proptest::option::of(0..1000usize), tail in vec(ANY, 0..4)) {
            let taxonomy = taxonomy(&["games", "chat"]);
            let mut body = bytes(&compiled(&taxonomy), &taxonomy);
            body.truncate(body.len() - seal::LENGTH);
            let length = body.len();
            edits.into_iter().for_each(|(at, byte)| body[at % length] = byte);
            body.truncate(cut.unwrap_or(length));
            body.extend(tail);
            if let Ok(lists) = read(&sealed(body, &SECRET), &taxonomy) {
                ask(&lists);
            }
        }
    }
}
