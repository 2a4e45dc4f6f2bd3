//! Reads the feed and its key, and keeps what must outlive them. The only part of `illegal` that does I/O.
//!
//! In `illegal` in the data folder, all of it useless without the installation's secret or the feed's key:
//!
//! | file | what |
//! | --- | --- |
//! | `feed` | the newest feed that was in force, sealed as it came |
//! | `licence` | its key, encrypted with a key derived from the installation's secret |
//! | `state` | what is remembered ([`State`]), with a keyed hash: who alters it is found out |

use super::key::{self, KeyError, LARGEST_KEY, Licence};
use super::sealed::{self, Feed, LARGEST_FEED};
use super::state::{Change, Kept, Memory, Offered, Red, Settled, Standing, State, settle};
use super::tier::Tier;
use crate::files;
use aws_lc_rs::aead::{Aad, Nonce};
use jiff::Timestamp;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The largest state, in bytes.
const LARGEST_STATE: u64 = 1 << 20;

/// Where the configuration says the feed is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    /// The feed.
    pub feed: PathBuf,
    /// The key to it.
    pub key: PathBuf,
}

/// Whether there is a trace elsewhere of a feed that was in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trace {
    /// None.
    None,
    /// It is on record.
    OnRecord,
}

/// Where the feed of this installation is, and where what is kept of it is.
#[derive(Clone, Debug)]
pub struct Slot {
    paths: Option<Paths>,
    folder: PathBuf,
    secret: [u8; 32],
}

/// What was found at one look.
#[derive(Debug)]
pub struct Look {
    settled: Settled,
    /// What the state said, if it could be read.
    before: Option<State>,
    /// The feed that was offered and its key, if it is to be kept.
    fresh: Option<(Vec<u8>, Licence)>,
}

/// A feed as it was read.
struct Opened {
    feed: Arc<Feed>,
    file: Vec<u8>,
    licence: Licence,
}

impl Slot {
    /// The slot of an installation whose data is in `data`.
    #[must_use]
    pub fn new(paths: Option<Paths>, data: &Path, secret: &[u8; 32]) -> Self {
        Self { paths, folder: data.join("illegal"), secret: *secret }
    }

    /// The same slot, where the configuration now says something else.
    #[must_use]
    pub fn at(&self, paths: Option<Paths>) -> Self {
        Self { paths, ..self.clone() }
    }

    /// Reads all there is and judges it. Nothing is written.
    #[must_use]
    pub fn look(&self, trace: Trace, now: Timestamp) -> Look {
        let offered = self.paths.as_ref().map(read_offered);
        let (kept, copy) = self.read_kept(offered.as_ref().and_then(|offered| offered.as_ref().ok()).map(|opened| &opened.licence));
        let memory = self.read_memory(trace);
        let before = match &memory {
            Memory::Known(state) => Some(state.clone()),
            Memory::New => Some(State::default()),
            Memory::Removed | Memory::Altered => None,
        };
        let judged = match &offered {
            None => Offered::Nothing,
            Some(Ok(opened)) => Offered::Feed(opened.feed.clone()),
            Some(Err(red)) => Offered::Bad(red.clone()),
        };
        let settled = settle(&judged, &kept, memory, now);
        let pinned = settled.state.pin.as_ref().map(|pin| pin.digest.clone());
        let fresh = offered.and_then(Result::ok).filter(|opened| pinned == Some(opened.feed.digest.to_hex().to_string()) && copy != Some(opened.feed.digest));
        Look { settled, before, fresh: fresh.map(|opened| (opened.file, opened.licence)) }
    }

    /// Writes what must outlive this look.
    pub fn keep(&self, look: &Look) -> io::Result<()> {
        let state = &look.settled.state;
        if look.before.as_ref() == Some(state) && look.fresh.is_none() {
            return Ok(());
        }
        files::private_folder(&self.folder)?;
        match (&look.fresh, &state.pin) {
            (Some((file, licence)), _) => {
                files::replace(&self.path("licence"), &self.encrypted(licence)?)?;
                files::replace(&self.path("feed"), file)?;
            }
            (None, None) => ["licence", "feed"].iter().try_for_each(|name| remove(&self.path(name)))?,
            (None, Some(_)) => {}
        }
        files::replace(&self.path("state"), &self.authenticated(state)?)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The copy, and its hash if copy and key belong together. Where only the key is lost, the one that is offered opens the copy too.
    fn read_kept(&self, offered: Option<&Licence>) -> (Kept, Option<blake3::Hash>) {
        let file = match read(&self.path("feed"), LARGEST_FEED) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return (Kept::Nothing, None),
            Err(_) => return (Kept::Bad, None),
        };
        let own = read(&self.path("licence"), LARGEST_KEY).ok().and_then(|bytes| self.decrypted(&bytes));
        let open = |licence: &Licence| sealed::open(&file, licence).ok().map(Arc::new);
        match (own.as_ref().and_then(open), offered) {
            (Some(feed), _) => (Kept::Feed(feed.clone()), Some(feed.digest)),
            (None, Some(licence)) => (open(licence).map_or(Kept::Bad, Kept::Feed), None),
            (None, None) => (Kept::Bad, None),
        }
    }

    fn read_memory(&self, trace: Trace) -> Memory {
        match read(&self.path("state"), LARGEST_STATE) {
            Ok(bytes) => self.verified(&bytes).map_or(Memory::Altered, Memory::Known),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let is_kept = ["feed", "licence"].iter().any(|name| self.path(name).exists());
                if is_kept || trace == Trace::OnRecord { Memory::Removed } else { Memory::New }
            }
            Err(_) => Memory::Altered,
        }
    }

    fn authenticated(&self, state: &State) -> io::Result<Vec<u8>> {
        let mut text = serde_json::to_vec(state)?;
        let proof = self.proof(&text);
        text.push(b'\n');
        text.extend(proof.to_hex().as_bytes());
        text.push(b'\n');
        Ok(text)
    }

    fn verified(&self, bytes: &[u8]) -> Option<State> {
        let mut lines = bytes.split(|byte| *byte == b'\n');
        let (text, proof) = (lines.next()?, lines.next()?);
        let proof = blake3::Hash::from_hex(proof).ok()?;
        // Compared in constant time, as blake3 compares hashes.
        if self.proof(text) == proof { serde_json::from_slice(text).ok() } else { None }
    }

    fn proof(&self, text: &[u8]) -> blake3::Hash {
        blake3::keyed_hash(&blake3::derive_key("usher 2026 the state of the illegal tier", &self.secret), text)
    }

    fn encrypted(&self, licence: &Licence) -> io::Result<Vec<u8>> {
        let mut bytes = licence.to_bytes().to_vec();
        let cipher = self.cipher().map_err(io::Error::other)?;
        let nonce = cipher.seal_in_place_append_tag(Aad::empty(), &mut bytes).map_err(|_| io::Error::other("the key cannot be encrypted"))?;
        Ok([nonce.as_ref().as_slice(), &bytes].concat())
    }

    fn decrypted(&self, bytes: &[u8]) -> Option<Licence> {
        let (nonce, rest) = bytes.split_at_checked(12)?;
        let mut rest = rest.to_vec();
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        Licence::of_bytes(self.cipher().ok()?.open_in_place(nonce, Aad::empty(), &mut rest).ok()?)
    }

    fn cipher(&self) -> Result<aws_lc_rs::aead::RandomizedNonceKey, KeyError> {
        key::cipher(&blake3::derive_key("usher 2026 the kept key of the illegal tier", &self.secret))
    }
}

impl Look {
    /// The tier as it is to be in force.
    #[must_use]
    pub fn tier(&self) -> Tier {
        Tier::new(self.settled.feed.clone())
    }

    /// How it stands.
    #[must_use]
    pub fn standing(&self) -> &Standing {
        &self.settled.standing
    }

    /// What is to be put on record.
    #[must_use]
    pub fn changes(&self) -> &[Change] {
        &self.settled.changes
    }

    /// Takes back that these changes are on record: they are tried again at the next look.
    pub fn not_on_record(&mut self) {
        self.settled.state.reported = self.before.as_ref().map(|before| before.reported.clone()).unwrap_or_default();
    }
}

fn read_offered(paths: &Paths) -> Result<Opened, Red> {
    let (key, feed) = (paths.key.display().to_string(), paths.feed.display().to_string());
    let text = read(&paths.key, LARGEST_KEY).map_err(|error| Red::Removed { what: key.clone(), why: error.to_string() })?;
    let licence = Licence::read(&String::from_utf8_lossy(&text)).map_err(|error| Red::Key { what: key, why: error.to_string() })?;
    let file = read(&paths.feed, LARGEST_FEED).map_err(|error| Red::Removed { what: feed.clone(), why: error.to_string() })?;
    match sealed::open(&file, &licence) {
        Ok(opened) => Ok(Opened { feed: Arc::new(opened), file, licence }),
        Err(error) => Err(Red::Tampered { what: feed, why: error.to_string() }),
    }
}

/// Reads a plain file of at most so many bytes.
fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    // Opening a pipe would wait for whoever writes it.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no plain file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is too large"));
    }
    Ok(bytes)
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}
