//! Archives of lists, read as a stream: `.tar.gz`, `.tar`, `.zip`, and `.gz` of one file. What a file is, its first bytes say, not its name.
//! Nothing is ever written to disk, so a member's name is only a name.
//!
//! An archive comes from outside, so everything about it has a cap ([`Limits`]): bytes unpacked in all, of one member, and for each byte that
//! is packed; members; folders within folders. A member that would lie outside the archive (`../x`, `/x`), a link that leads out, a device, and
//! an archive within an archive are refused by name and the rest is read. An archive that is cut short or damaged is an error.
//!
//! A link to something in the same archive is another name of it. Extension headers of tar (long names) are read up to a cap, not as large as
//! they say they are.

mod tar;
mod zip;

use flate2::bufread::MultiGzDecoder;
use std::cell::{Cell, RefCell};
use std::io::{self, BufRead, BufReader, Chain, Cursor, Read, Seek, SeekFrom};

/// The size of a block of tar, in bytes: enough to know a file by.
const BLOCK: usize = 512;
/// The longest name of a member, in bytes, wherever it stands.
const LONGEST_NAME: u64 = 16 * 1024;
/// Up to this size a file may unpack to any multiple of itself.
const ANY_RATIO_BELOW: u64 = 16 << 20;

/// How much an archive may be.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes unpacked, all members together.
    pub unpacked: u64,
    /// Bytes of one member.
    pub member: u64,
    /// Bytes unpacked for each byte packed. Lists come to 3 to 8, a decompression bomb to about 1000.
    pub ratio: u64,
    /// Members, folders and links included.
    pub members: usize,
    /// Folders within folders.
    pub depth: usize,
}

/// The whole of UT1 has 130 MiB in 500 members, five million names about 100 MiB.
impl Default for Limits {
    fn default() -> Self {
        Self { unpacked: 1 << 30, member: 512 << 20, ratio: 100, members: 100_000, depth: 16 }
    }
}

/// Why an archive cannot be read. Nothing of it is taken.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    /// It cannot be read.
    #[error("{0}")]
    Io(io::Error),
    /// More than the cap.
    #[error("it unpacks to more than {} MiB", .0 >> 20)]
    TooLarge(u64),
    /// A member of more than the cap.
    #[error("the member {name} unpacks to more than {} MiB", limit >> 20)]
    MemberTooLarge {
        /// The member.
        name: String,
        /// The cap, in bytes.
        limit: u64,
    },
    /// It unpacks to far more than lists do.
    #[error("it unpacks to more than {0} times its own size, as a decompression bomb does")]
    Bomb(u64),
    /// More members than the cap.
    #[error("it has more than {0} members")]
    TooManyMembers(usize),
    /// It ends too early.
    #[error("it ends before its end, as a download that was cut short does; fetch it again")]
    Truncated,
    /// It is damaged.
    #[error("it is damaged ({0}); fetch it again")]
    Corrupt(String),
    /// An archive where a list should be.
    #[error("it is an archive among lists; make it a source of its own")]
    ArchiveAmongLists,
    /// It is packed in a way that is not read.
    #[error("it is packed with {0}, which is not unpacked here; unpack it, or have it as .tar.gz or .zip")]
    Foreign(&'static str),
}

/// Why a member is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefusedMember {
    /// `../x`, `/x`.
    #[error("its name leads out of the archive")]
    Outside,
    /// A link to `../x` or `/x`.
    #[error("a link that leads out of the archive")]
    LeadsOut,
    /// A device, a pipe, or what only some programs know.
    #[error("neither a file nor a folder nor a link")]
    Special,
    /// Folders within folders beyond the cap.
    #[error("in more folders within folders than is allowed")]
    TooDeep,
    /// A name that is not text, or is too long.
    #[error("its name is not text in UTF-8, or is too long")]
    OddName,
    /// A member that needs a password.
    #[error("it needs a password")]
    Encrypted,
    /// A way of packing that is not known.
    #[error("packed in a way that is not known here")]
    UnknownPacking,
    /// An archive.
    #[error("an archive within an archive; unpack it first")]
    ArchiveWithin,
}

/// What is found in an archive.
pub enum Found<'a> {
    /// A file, by its path in the archive, and what it holds.
    File(&'a str, &'a mut dyn BufRead),
    /// Another name, and the path it stands for.
    Alias(&'a str, &'a str),
    /// A member that is not read.
    Refused(&'a str, RefusedMember),
}

/// What a file's first bytes say it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Packing {
    Plain,
    Gzip,
    Tar,
    Zip,
    Foreign(&'static str),
}

impl Packing {
    fn of(head: &[u8]) -> Self {
        match head {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Self::Zip,
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Self::Foreign("xz"),
            [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, 0x59, 0x26, ..] => Self::Foreign("bzip2"),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Foreign("zstd"),
            [b'7', b'z', 0xbc, 0xaf, ..] => Self::Foreign("7-Zip"),
            [b'R', b'a', b'r', b'!', 0x1a, ..] => Self::Foreign("RAR"),
            _ if tar::is_header(head) => Self::Tar,
            _ => Self::Plain,
        }
    }
}

/// What is still allowed, and what went wrong in a reader that could only say so with an I/O error.
struct Budget {
    limits: Limits,
    packed: Cell<u64>,
    unpacked: Cell<u64>,
    members: Cell<usize>,
    broken: RefCell<Option<UnpackError>>,
}

impl Budget {
    fn new(limits: Limits) -> Self {
        Self { limits, packed: Cell::new(0), unpacked: Cell::new(0), members: Cell::new(0), broken: RefCell::new(None) }
    }

    fn spend(&self, bytes: u64) -> Result<(), UnpackError> {
        let unpacked = self.unpacked.get() + bytes;
        self.unpacked.set(unpacked);
        if unpacked > ANY_RATIO_BELOW && unpacked / self.limits.ratio > self.packed.get() {
            return Err(UnpackError::Bomb(self.limits.ratio));
        }
        if unpacked > self.limits.unpacked { Err(UnpackError::TooLarge(self.limits.unpacked)) } else { Ok(()) }
    }

    fn count_member(&self) -> Result<(), UnpackError> {
        self.members.set(self.members.get() + 1);
        if self.members.get() > self.limits.members { Err(UnpackError::TooManyMembers(self.limits.members)) } else { Ok(()) }
    }

    /// Keeps what went wrong, and gives a reader something to say.
    fn break_with(&self, error: UnpackError) -> io::Error {
        let said = io::Error::other(error.to_string());
        self.broken.borrow_mut().get_or_insert(error);
        said
    }

    /// What a reader meant by an I/O error.
    fn meant(&self, error: io::Error) -> UnpackError {
        self.broken.borrow_mut().take().unwrap_or_else(|| classify(error))
    }

    /// What went wrong while a member was read, if anything did, rather than what whoever read it made of that.
    fn settle<E: From<UnpackError>>(&self, answer: Result<(), E>) -> Result<(), E> {
        self.broken.borrow_mut().take().map_or(answer, |error| Err(error.into()))
    }
}

fn classify(error: io::Error) -> UnpackError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => UnpackError::Truncated,
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => UnpackError::Corrupt(error.to_string()),
        _ => UnpackError::Io(error),
    }
}

/// Counts what is read of the packed file.
struct Packed<'b, R> {
    inner: R,
    budget: &'b Budget,
}

impl<R: Read> Read for Packed<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(into)?;
        self.budget.packed.set(self.budget.packed.get().saturating_add(read as u64));
        Ok(read)
    }
}

/// Counts what comes out, and stops at the caps.
struct Unpacked<'b, R> {
    inner: R,
    budget: &'b Budget,
    /// The member, if this is one, and what it may still have.
    member: Option<(&'b str, u64)>,
}

impl<R: Read> Read for Unpacked<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = match self.inner.read(into) {
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
            Err(error) => return Err(self.budget.break_with(self.budget.meant(error))),
        };
        if let Some((name, left)) = &mut self.member {
            let limit = self.budget.limits.member;
            *left = left.checked_sub(read as u64).ok_or_else(|| self.budget.break_with(UnpackError::MemberTooLarge { name: (*name).to_owned(), limit }))?;
        }
        self.budget.spend(read as u64).map_err(|error| self.budget.break_with(error))?;
        Ok(read)
    }
}

/// A file of which the first bytes were looked at.
type Whole<R> = Chain<Cursor<Vec<u8>>, R>;

/// The first block of what comes, or all of it, and the whole once more.
fn peek<R: Read>(mut bytes: R) -> io::Result<(Packing, Whole<R>)> {
    let mut head = Vec::with_capacity(BLOCK);
    (&mut bytes).take(BLOCK as u64).read_to_end(&mut head)?;
    Ok((Packing::of(&head), Cursor::new(head).chain(bytes)))
}

fn gunzip<'b, R: BufRead + 'b>(packed: R, budget: &'b Budget, member: Option<&'b str>) -> BufReader<Unpacked<'b, MultiGzDecoder<R>>> {
    let member = member.map(|name| (name, budget.limits.member));
    BufReader::with_capacity(64 * 1024, Unpacked { inner: MultiGzDecoder::new(packed), budget, member })
}

/// Whether a file holds others: a tar or a zip, packed or not. The file is left at its start.
pub fn is_archive(file: &mut (impl Read + Seek), limits: Limits) -> Result<bool, UnpackError> {
    let budget = Budget::new(limits);
    let (mut packing, whole) = peek(Packed { inner: &mut *file, budget: &budget }).map_err(classify)?;
    if packing == Packing::Gzip {
        packing = peek(gunzip(BufReader::new(whole), &budget, None)).map_err(|error| budget.meant(error))?.0;
    }
    file.seek(SeekFrom::Start(0)).map_err(classify)?;
    match packing {
        Packing::Foreign(packing) => Err(UnpackError::Foreign(packing)),
        Packing::Tar | Packing::Zip => Ok(true),
        Packing::Plain | Packing::Gzip => Ok(false),
    }
}

/// Opens a file that is one list, packed with gzip or not, and gives its text to `each`.
pub fn open<E: From<UnpackError>>(file: impl Read, name: &str, limits: Limits, each: impl FnOnce(&mut dyn BufRead) -> Result<(), E>) -> Result<(), E> {
    let budget = Budget::new(limits);
    let (packing, file) = peek(Packed { inner: file, budget: &budget }).map_err(classify)?;
    let answer = match packing {
        Packing::Gzip => {
            let unpacked = peek(gunzip(BufReader::new(file), &budget, Some(name))).map_err(|error| budget.meant(error))?;
            plain(unpacked.0).map_err(E::from).and_then(|()| each(&mut { unpacked.1 }))
        }
        packing => {
            budget.packed.set(u64::MAX);
            let file = Unpacked { inner: file, budget: &budget, member: Some((name, limits.member)) };
            plain(packing).map_err(E::from).and_then(|()| each(&mut BufReader::with_capacity(64 * 1024, file)))
        }
    };
    budget.settle(answer)
}

fn plain(packing: Packing) -> Result<(), UnpackError> {
    match packing {
        Packing::Plain => Ok(()),
        Packing::Foreign(packing) => Err(UnpackError::Foreign(packing)),
        Packing::Gzip | Packing::Tar | Packing::Zip => Err(UnpackError::ArchiveAmongLists),
    }
}

/// Goes through an archive and gives `each` what is in it, in the archive's order.
pub fn visit<E: From<UnpackError>>(mut archive: impl Read + Seek, limits: Limits, each: &mut dyn FnMut(Found<'_>) -> Result<(), E>) -> Result<(), E> {
    let budget = Budget::new(limits);
    let (packing, _) = peek(&mut archive).map_err(classify)?;
    archive.seek(SeekFrom::Start(0)).map_err(classify)?;
    match packing {
        Packing::Zip => zip::members(archive, &budget, each),
        Packing::Foreign(packing) => Err(UnpackError::Foreign(packing).into()),
        Packing::Gzip => tar::members(gunzip(BufReader::new(Packed { inner: archive, budget: &budget }), &budget, None), &budget, each),
        Packing::Tar | Packing::Plain => {
            budget.packed.set(u64::MAX);
            tar::members(BufReader::with_capacity(64 * 1024, Unpacked { inner: archive, budget: &budget, member: None }), &budget, each)
        }
    }
}

/// Who is given what is found.
type Each<'a, E> = dyn FnMut(Found<'_>) -> Result<(), E> + 'a;

/// Gives a file that is a member, once more unpacked if it is one of gzip.
fn file<E: From<UnpackError>>(path: &str, content: impl BufRead, budget: &Budget, each: &mut Each<'_, E>) -> Result<(), E> {
    let within = |each: &mut Each<'_, E>| each(Found::Refused(path, RefusedMember::ArchiveWithin));
    let (packing, mut content) = peek(content).map_err(|error| budget.meant(error))?;
    let answer = match packing {
        Packing::Plain => each(Found::File(path, &mut content)),
        Packing::Tar | Packing::Zip | Packing::Foreign(_) => within(each),
        Packing::Gzip => match peek(gunzip(content, budget, Some(path))).map_err(|error| budget.meant(error))? {
            (Packing::Plain, mut inner) => each(Found::File(path.strip_suffix(".gz").unwrap_or(path), &mut inner)),
            (Packing::Gzip | Packing::Tar | Packing::Zip | Packing::Foreign(_), _) => within(each),
        },
    };
    budget.settle(answer)
}

fn alias<E>(path: &str, from: &str, link: &[u8], each: &mut Each<'_, E>) -> Result<(), E> {
    match std::str::from_utf8(link).ok().and_then(|link| resolve(from, link)) {
        Some(target) => each(Found::Alias(path, &target)),
        None => each(Found::Refused(path, RefusedMember::LeadsOut)),
    }
}

/// A member's path in its one spelling: folders with `/` between, no `.`, no `..`, no leading slash.
fn checked(path: &[u8], depth: usize) -> Result<String, RefusedMember> {
    let text = std::str::from_utf8(path).ok().filter(|text| text.len() as u64 <= LONGEST_NAME && !text.contains(char::is_control));
    let text = text.ok_or(RefusedMember::OddName)?.replace('\\', "/");
    if text.starts_with('/') || text.split('/').any(|part| part == "..") {
        return Err(RefusedMember::Outside);
    }
    let parts: Vec<_> = text.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    if parts.len() > depth { Err(RefusedMember::TooDeep) } else { Ok(parts.join("/")) }
}

/// Where a path leads, seen from a folder; none if that is outside.
#[must_use]
pub fn resolve(from: &str, path: &str) -> Option<String> {
    if path.starts_with('/') || path.contains('\0') {
        return None;
    }
    let mut parts: Vec<&str> = from.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests;
