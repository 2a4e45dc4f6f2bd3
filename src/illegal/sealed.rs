//! The file of a sealed feed.
//!
//! | bytes | what |
//! | --- | --- |
//! | 8 | `USHERSLD` |
//! | 2 | the version, 1 |
//! | 2 | the length of the header |
//! | | **header**: serial (8), issued (8, seconds since 1970), hours it is good for (4), pages (4), sites (4), pages listed as https only (4), categories (1, a bit each), what it is (1: 0 a list, 1 a demonstration), the publisher's name (the rest, UTF-8) |
//! | 12 | nonce |
//! | 4 | the length of the body |
//! | | **body**, encrypted with AES-256-GCM, everything up to the nonce authenticated with it: a row for each entry, the filter of hosts, and 16 bytes of tag |
//! | 64 | Ed25519 signature over everything before it |
//!
//! A row is the first 16 bytes of the keyed BLAKE3 hash of the entry's spelling, and a byte that says what it is: bit 0 terrorism, bit 1 a whole
//! site. Rows ascend. The filter ([`HostFilter`]) takes the rest. Numbers are little-endian. The spelling itself is nowhere in the file: who opens it can ask whether an address is in it, and
//! cannot read which are.
//!
//! Whatever is wrong, a feed is refused as a whole. Pure: bytes in, a [`Feed`] out.

use super::filter::HostFilter;
use super::key::{KeyError, Licence, MatchingKeys, Plain, PublisherKey, Seen};
use super::{Kind, Scope, spelling};
use aws_lc_rs::aead::{Aad, Nonce};
use jiff::{Timestamp, ToSpan};
use std::sync::Arc;

const MAGIC: &[u8; 8] = b"USHERSLD";
const VERSION: u16 = 1;
/// The header without the publisher's name, in bytes.
const HEADER: usize = 34;
const NONCE: usize = 12;
const TAG: usize = 16;
const SIGNATURE: usize = 64;
const ROW: usize = 17;
/// The longest name of a publisher, in bytes.
pub const LONGEST_NAME: usize = 120;
/// The most entries of a feed.
pub const MOST_ENTRIES: usize = 4_000_000;
/// The longest a feed may be good for: a year.
pub const LONGEST_FRESH: u32 = 366 * 24;
/// The largest body, in bytes: every entry on a host of its own.
const LARGEST_BODY: usize = MOST_ENTRIES * ROW + MOST_ENTRIES * 8 + TAG;
/// The largest file of a feed, in bytes.
pub const LARGEST_FEED: u64 = (LARGEST_BODY + 4096) as u64;

/// What a feed says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Whose it is.
    pub publisher: Arc<str>,
    /// Its number; each feed of a publisher has a higher one than the last.
    pub serial: u64,
    /// When it was made.
    pub issued: Timestamp,
    /// How many hours after that it is good for.
    pub fresh_hours: u32,
    /// Entries for one page.
    pub pages: u32,
    /// Entries for a whole site.
    pub sites: u32,
    /// Pages that are listed as https and not as http.
    pub https_only: u32,
    /// The kinds it has entries of.
    pub kinds: Vec<Kind>,
    /// What it is.
    pub purpose: Purpose,
}

/// What a feed is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// A list to be enforced.
    List,
    /// Made to be shown; nobody is protected by it.
    Demonstration,
}

/// A feed that was opened: signed by its publisher, whole, and sound.
#[derive(Clone, Debug)]
pub struct Feed {
    /// What it says of itself.
    pub header: Header,
    /// The publisher's public key.
    pub publisher: [u8; 32],
    /// The hash of the whole file.
    pub digest: blake3::Hash,
    pub(super) hosts: HostFilter,
    keys: MatchingKeys,
    rows: Box<[[u8; ROW]]>,
}

/// Why a file is no feed, or not one of this publisher.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealedError {
    /// It begins with something else.
    #[error("it is not a sealed feed")]
    NotSealed,
    /// Of a later time.
    #[error("it is of version {0}, this Usher knows version {VERSION}")]
    Version(u16),
    /// Shorter or longer than it says.
    #[error("it is not whole: {0}")]
    Length(&'static str),
    /// Not signed with the publisher's key, or altered since.
    #[error("its signature is not that of the publisher in the key file: it was altered, or the key is another publisher's")]
    Signature,
    /// It does not open.
    #[error("it cannot be opened with the key file's feed key")]
    Cipher,
    /// Signed, and yet wrong: the publisher's mistake.
    #[error("it was made wrongly: {0}")]
    Unsound(&'static str),
    /// The key is unusable.
    #[error(transparent)]
    Key(#[from] KeyError),
}

impl Header {
    /// Until when it is good.
    #[must_use]
    pub fn good_until(&self) -> Timestamp {
        self.issued.checked_add(i64::from(self.fresh_hours).hours()).unwrap_or(Timestamp::MAX)
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER + self.publisher.len());
        bytes.extend(self.serial.to_le_bytes());
        bytes.extend(self.issued.as_second().to_le_bytes());
        for number in [self.fresh_hours, self.pages, self.sites, self.https_only] {
            bytes.extend(number.to_le_bytes());
        }
        bytes.push(self.kinds.iter().fold(0, |bits, kind| bits | 1 << kind_bit(*kind)));
        bytes.push(match self.purpose {
            Purpose::List => 0,
            Purpose::Demonstration => 1,
        });
        bytes.extend(self.publisher.as_bytes());
        bytes
    }

    fn read(bytes: &[u8]) -> Result<Self, SealedError> {
        let mut reader = Reader(bytes);
        let (serial, issued) = (u64::from_le_bytes(reader.take()?), i64::from_le_bytes(reader.take()?));
        let [fresh_hours, pages, sites, https_only] = [reader.number()?, reader.number()?, reader.number()?, reader.number()?];
        let [kinds, purpose] = reader.take()?;
        let name = std::str::from_utf8(reader.0).map_err(|_| SealedError::Unsound("the publisher's name is no text"))?;
        let header = Self {
            publisher: name.into(),
            serial,
            issued: Timestamp::from_second(issued).map_err(|_| SealedError::Unsound("it was made at no time there is"))?,
            fresh_hours,
            pages,
            sites,
            https_only,
            kinds: Kind::NAMES.into_iter().map(|(_, kind)| kind).filter(|kind| kinds >> kind_bit(*kind) & 1 == 1).collect(),
            purpose: match purpose {
                0 => Purpose::List,
                1 => Purpose::Demonstration,
                _ => return Err(SealedError::Unsound("it is neither a list nor a demonstration")),
            },
        };
        header.check().map(|()| header).map_err(SealedError::Unsound)
    }

    fn check(&self) -> Result<(), &'static str> {
        let name = &self.publisher;
        match () {
            () if name.trim().is_empty() || name.len() > LONGEST_NAME || name.chars().any(char::is_control) => Err("the publisher's name is empty or too long"),
            () if self.fresh_hours == 0 || self.fresh_hours > LONGEST_FRESH => Err("it is good for no time, or for more than a year"),
            () if self.entries() > MOST_ENTRIES => Err("it has too many entries"),
            () if self.https_only > self.pages => Err("more pages are https only than there are pages"),
            () if self.serial == 0 => Err("it has no serial number"),
            () => Ok(()),
        }
    }

    fn entries(&self) -> usize {
        (self.pages as usize).saturating_add(self.sites as usize)
    }
}

impl Feed {
    /// What the feed says of a page.
    #[must_use]
    pub fn page(&self, spelling: &[u8]) -> Option<Kind> {
        self.find(Scope::Page, spelling)
    }

    /// What the feed says of a site.
    #[must_use]
    pub fn site(&self, spelling: &[u8]) -> Option<Kind> {
        self.find(Scope::Site, spelling)
    }

    fn find(&self, scope: Scope, spelling: &[u8]) -> Option<Kind> {
        let hash = self.keys.hash(scope, spelling);
        let at = self.rows.binary_search_by(|row| row[..16].cmp(&hash)).ok()?;
        read_tag(self.rows[at][16]).filter(|(tagged, _)| *tagged == scope).map(|(_, kind)| kind)
    }
}

/// What a publisher says of the feed it makes. The rest of the header is counted.
#[derive(Clone, Debug)]
pub struct Issue {
    /// Whose it is.
    pub publisher: Arc<str>,
    /// Its number.
    pub serial: u64,
    /// When it is made.
    pub issued: Timestamp,
    /// How many hours it is good for.
    pub fresh_hours: u32,
    /// What it is for.
    pub purpose: Purpose,
}

/// Makes the file of a feed. What is listed twice counts once.
pub fn seal(issue: &Issue, entries: &[Plain], key: &PublisherKey) -> Result<Vec<u8>, SealedError> {
    let licence = key.licence()?;
    let (header, mut body) = body(issue, entries, &licence.matching())?;
    let header_bytes = header.bytes();
    let mut file = MAGIC.to_vec();
    file.extend(VERSION.to_le_bytes());
    file.extend(u16::try_from(header_bytes.len()).map_err(|_| SealedError::Length("the header"))?.to_le_bytes());
    file.extend(header_bytes);
    let nonce = licence.cipher()?.seal_in_place_append_tag(Aad::from(&file), &mut body).map_err(|_| SealedError::Cipher)?;
    file.extend(nonce.as_ref());
    file.extend(u32::try_from(body.len()).map_err(|_| SealedError::Length("the body"))?.to_le_bytes());
    file.extend(body);
    let signature = key.sign(&file)?;
    file.extend(signature);
    Ok(file)
}

fn body(issue: &Issue, entries: &[Plain], keys: &MatchingKeys) -> Result<(Header, Vec<u8>), SealedError> {
    let mut hashed: Vec<_> = entries.iter().map(|entry| (keys.hash(entry.scope, &entry.spelling), entry)).collect();
    // Of one address listed as http and as https, the first says where it can be seen.
    hashed.sort_by_key(|(hash, entry)| (*hash, entry.seen, entry.kind));
    hashed.dedup_by_key(|(hash, _)| *hash);
    let count = |wanted: &dyn Fn(&Plain) -> bool| u32::try_from(hashed.iter().filter(|(_, entry)| wanted(entry)).count()).unwrap_or(u32::MAX);
    let header = Header {
        publisher: issue.publisher.clone(),
        serial: issue.serial,
        issued: issue.issued,
        fresh_hours: issue.fresh_hours,
        pages: count(&|entry| entry.scope == Scope::Page),
        sites: count(&|entry| entry.scope == Scope::Site),
        https_only: count(&|entry| entry.scope == Scope::Page && entry.seen == Seen::InsideTls),
        kinds: Kind::NAMES.into_iter().map(|(_, kind)| kind).filter(|kind| hashed.iter().any(|(_, entry)| entry.kind == *kind)).collect(),
        purpose: issue.purpose,
    };
    header.check().map_err(SealedError::Unsound)?;
    let mut body = Vec::with_capacity(hashed.len() * ROW);
    for (hash, entry) in &hashed {
        body.extend(hash);
        body.push(tag(entry.scope, entry.kind));
    }
    body.extend(HostFilter::of(entries.iter().map(|entry| spelling::host_of(&entry.spelling)).collect(), keys.host()).field());
    Ok((header, body))
}

/// Opens the file of a feed.
pub fn open(file: &[u8], licence: &Licence) -> Result<Feed, SealedError> {
    let frame = Frame::read(file)?;
    if !licence.signed(frame.signed, frame.signature) {
        return Err(SealedError::Signature);
    }
    let header = Header::read(frame.header)?;
    let mut body = frame.body.to_vec();
    let nonce = Nonce::assume_unique_for_key(frame.nonce);
    let plain = licence.cipher()?.open_in_place(nonce, Aad::from(frame.authenticated), &mut body).map_err(|_| SealedError::Cipher)?;
    let (rows, field) = plain.split_at_checked(header.entries() * ROW).ok_or(SealedError::Unsound("it has fewer entries than it says"))?;
    let keys = licence.matching();
    let hosts = HostFilter::read(field, keys.host()).ok_or(SealedError::Unsound("its filter of hosts has an odd length"))?;
    let rows = checked_rows(rows, &header)?;
    Ok(Feed { header, publisher: *licence.publisher(), digest: blake3::hash(file), hosts, keys, rows })
}

/// What a file says of itself, whoever signed it. For people to look at, never to decide with.
pub fn peek(file: &[u8]) -> Result<Header, SealedError> {
    Header::read(Frame::read(file)?.header)
}

/// The rows of a body that was opened: ascending, and of the kinds and scopes the header says.
fn checked_rows(plain: &[u8], header: &Header) -> Result<Box<[[u8; ROW]]>, SealedError> {
    let (rows, _) = plain.as_chunks::<ROW>();
    if !rows.windows(2).all(|pair| pair[0][..16] < pair[1][..16]) {
        return Err(SealedError::Unsound("its entries are out of order"));
    }
    let mut sites = 0;
    for row in rows {
        match read_tag(row[16]) {
            Some((scope, kind)) if header.kinds.contains(&kind) => sites += u32::from(scope == Scope::Site),
            Some(_) | None => return Err(SealedError::Unsound("an entry is of a kind it does not say")),
        }
    }
    if sites == header.sites { Ok(rows.into()) } else { Err(SealedError::Unsound("it has other sites than it says")) }
}

fn kind_bit(kind: Kind) -> u8 {
    match kind {
        Kind::ChildSexualAbuse => 0,
        Kind::Terrorism => 1,
    }
}

fn tag(scope: Scope, kind: Kind) -> u8 {
    let site = match scope {
        Scope::Page => 0,
        Scope::Site => 2,
    };
    kind_bit(kind) | site
}

fn read_tag(tag: u8) -> Option<(Scope, Kind)> {
    match tag {
        0 => Some((Scope::Page, Kind::ChildSexualAbuse)),
        1 => Some((Scope::Page, Kind::Terrorism)),
        2 => Some((Scope::Site, Kind::ChildSexualAbuse)),
        3 => Some((Scope::Site, Kind::Terrorism)),
        _ => None,
    }
}

/// The parts of a file, by their lengths alone.
struct Frame<'f> {
    header: &'f [u8],
    authenticated: &'f [u8],
    nonce: [u8; NONCE],
    body: &'f [u8],
    signed: &'f [u8],
    signature: &'f [u8],
}

impl<'f> Frame<'f> {
    fn read(file: &'f [u8]) -> Result<Self, SealedError> {
        let mut reader = Reader(file.strip_prefix(MAGIC).ok_or(SealedError::NotSealed)?);
        let version = u16::from_le_bytes(reader.take().map_err(|_| SealedError::NotSealed)?);
        if version != VERSION {
            return Err(SealedError::Version(version));
        }
        let header_length = usize::from(u16::from_le_bytes(reader.take()?));
        let header = reader.slice(header_length)?;
        let authenticated = &file[..file.len() - reader.0.len()];
        let nonce = reader.take()?;
        let body_length = reader.number()? as usize;
        if body_length > LARGEST_BODY {
            return Err(SealedError::Length("it says it has more entries than a feed may have"));
        }
        let body = reader.slice(body_length)?;
        let signed = &file[..file.len() - reader.0.len()];
        if reader.0.len() != SIGNATURE {
            return Err(SealedError::Length("it does not end where it says"));
        }
        Ok(Self { header, authenticated, nonce, body, signed, signature: reader.0 })
    }
}

/// Takes bytes from the front, never more than there are.
struct Reader<'b>(&'b [u8]);

impl<'b> Reader<'b> {
    fn slice(&mut self, length: usize) -> Result<&'b [u8], SealedError> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(SealedError::Length("it is cut short"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], SealedError> {
        let mut bytes = [0; N];
        bytes.copy_from_slice(self.slice(N)?);
        Ok(bytes)
    }

    fn number(&mut self) -> Result<u32, SealedError> {
        self.take().map(u32::from_le_bytes)
    }
}

#[cfg(test)]
pub(crate) mod tests;
