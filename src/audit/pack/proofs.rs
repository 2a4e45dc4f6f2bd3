//! The form of `proofs.json`: records as canonical bytes, and what leads from them to what was signed. Pure.
//!
//! Each thing is in it once: what requests share, a batch's leaves, a segment's part of the tree, a statement. A leaf of the person's own is the place
//! of its record, so that it cannot be told but by computing it anew.

use super::signed::Signed;
use crate::audit::entry::Digest;
use crate::audit::record::{Class, RecordId};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// All of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proofs {
    /// Canonical bytes of what requests share: who asked, and verdicts with their reasons.
    pub shared: Vec<Bytes>,
    /// The person's records, the oldest first.
    pub records: Vec<Record>,
    /// The batches their entries were committed in.
    pub batches: Vec<Batch>,
    /// What leads from batches of sealed segments to a root that a statement signs.
    pub trees: Vec<Tree>,
    /// What leads from batches that are not sealed yet to the head of a chain that a checkpoint signs.
    pub chains: Vec<Chain>,
    /// The statements, the oldest first, and those that name the keys they are signed with.
    pub statements: Vec<Signed>,
}

/// A record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Its reference number.
    #[serde(with = "reference")]
    pub id: RecordId,
    /// Its class.
    #[serde(with = "class")]
    pub class: Class,
    /// Who asked: a place in [`Proofs::shared`].
    pub who: usize,
    /// What was answered and why: a place in [`Proofs::shared`].
    pub judgement: usize,
    /// Canonical bytes of its opening.
    pub opened: Bytes,
    /// Canonical bytes of its ending; nothing if it was not over.
    pub closed: Option<Bytes>,
}

/// A batch: what one commit added to one class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Batch {
    /// The class.
    #[serde(with = "class")]
    pub class: Class,
    /// Its number in the chain of the class.
    pub number: u64,
    /// Its hash, so that of several batches the one that was altered can be named.
    pub hash: Hash,
    /// The leaves of openings.
    pub opened: Vec<Leaf>,
    /// The leaves of endings.
    pub closed: Vec<Leaf>,
}

/// A leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaf {
    /// Of the record at this place. In JSON a number.
    Own(usize),
    /// Of somebody else's. In JSON hexadecimal digits.
    Other(Hash),
}

/// What leads from batches to the root of a segment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tree {
    /// The number of the statement that signs the root.
    pub statement: u64,
    /// The segment's file, as the statement names it.
    pub file: String,
    /// The parts of the tree that hold no batch of this pack: the place of the first batch, how many, their hash.
    pub twigs: Vec<(usize, usize, Hash)>,
}

/// What leads from batches to the head of a chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chain {
    /// The number of the statement that signs the head: a checkpoint.
    pub statement: u64,
    /// The class.
    #[serde(with = "class")]
    pub class: Class,
    /// Number and link of the batch before the first.
    pub before: (u64, Hash),
    /// The hashes of the batches from the first on to the head.
    pub hashes: Vec<Hash>,
}

/// A hash, in JSON as 64 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash(pub Digest);

/// Bytes, in JSON as hexadecimal digits.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bytes(pub Vec<u8>);

const DIGITS: &[u8; 16] = b"0123456789abcdef";

fn digits(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

/// Small letters only: there is one spelling.
fn undigits(text: &str) -> Option<Vec<u8>> {
    let digit = |c: &u8| match c {
        b'0'..=b'9' => Some(c - b'0'),
        b'a'..=b'f' => Some(c - b'a' + 10),
        _ => None,
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    rest.is_empty().then_some(())?;
    pairs.iter().map(|[high, low]| Some(digit(high)? << 4 | digit(low)?)).collect()
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&digits(&self.0))
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Hexadecimal).map(Self)
    }
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&digits(&self.0))
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = deserializer.deserialize_str(Hexadecimal)?;
        bytes.try_into().map(Self).map_err(|_| D::Error::custom("a hash is 64 hexadecimal digits"))
    }
}

/// Reads hexadecimal digits.
struct Hexadecimal;

impl Visitor<'_> for Hexadecimal {
    type Value = Vec<u8>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("hexadecimal digits in small letters")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Vec<u8>, E> {
        undigits(text).ok_or_else(|| E::invalid_value(serde::de::Unexpected::Str(text), &self))
    }
}

impl Serialize for Leaf {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Own(place) => place.serialize(serializer),
            Self::Other(hash) => hash.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Leaf {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OfLeaf)
    }
}

struct OfLeaf;

impl Visitor<'_> for OfLeaf {
    type Value = Leaf;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the place of a record, or the 64 hexadecimal digits of a leaf")
    }

    fn visit_u64<E: Error>(self, place: u64) -> Result<Leaf, E> {
        usize::try_from(place).map(Leaf::Own).map_err(|_| E::custom("there is no such place"))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Leaf, E> {
        let hash = undigits(text).and_then(|bytes| bytes.try_into().ok());
        hash.map(|hash| Leaf::Other(Hash(hash))).ok_or_else(|| E::custom("a leaf is 64 hexadecimal digits"))
    }
}

/// A reference number as people read it out.
mod reference {
    use super::{Deserialize, Deserializer, Error, RecordId, Serializer};

    pub(super) fn serialize<S: Serializer>(id: &RecordId, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(id)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<RecordId, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// A class by its name in the log.
mod class {
    use super::{Class, Deserialize, Deserializer, Error, Serializer};

    pub(super) fn serialize<S: Serializer>(class: &Class, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(class.as_str())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Class, D::Error> {
        let name = String::deserialize(deserializer)?;
        let found = Class::NAMES.into_iter().find(|(known, _)| *known == name);
        found.map(|(_, class)| class).ok_or_else(|| D::Error::custom("there is no such class"))
    }
}
