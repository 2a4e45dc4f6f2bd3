//! What is remembered of the feed that was in force, and what that makes of what is there now.
//!
//! The first feed that opens is *pinned*: its publisher's key and its serial number are remembered, and Usher keeps a copy of the file. From
//! then on the feed in force is the newest of that publisher that was ever seen. Whatever else is found (no file, no setting, an altered file,
//! an older one, another publisher's) is [`Red`], and the kept copy stays in force: nobody can take an entry out of force by tampering.
//!
//! | there is | in force | standing |
//! | --- | --- | --- |
//! | nothing, and never was | nothing | not present |
//! | a first feed, or a newer one of the same publisher | it | sealed |
//! | the feed that is pinned | it | sealed |
//! | nothing, a bad file, an older one, another publisher's | the kept copy | red |
//! | any feed in force that is older than its publisher allows | it | red |
//! | no state, or an altered one, where there was one | the newer of both | red until the next feed |
//!
//! A demonstration is pinned loosely: it may be taken away, and any list may take its place. Pure: what was found goes in, what to do comes out.

use super::sealed::{Feed, Header, Purpose};
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// How far ahead of this machine's clock a feed may have been made.
const AHEAD_HOURS: i64 = 24;

/// What is remembered, from one start to the next.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// The newest feed that was in force.
    pub pin: Option<Pin>,
    /// What was done to the memory itself, and up to which feed that shows.
    pub marred: Option<Marred>,
    /// The problems that are on record, so that none is recorded twice.
    pub reported: Vec<String>,
}

/// The newest feed that was in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pin {
    /// The publisher's public key, in hexadecimal.
    pub publisher: String,
    /// The publisher's name.
    pub name: String,
    /// Its serial number.
    pub serial: u64,
    /// The hash of its file, in hexadecimal.
    pub digest: String,
    /// What it was for.
    pub purpose: Purpose,
}

/// Damage that a sound feed does not undo: it shows until the publisher's next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Marred {
    /// What was found.
    pub marks: Vec<Mark>,
    /// The feed that was in force then.
    pub serial: u64,
}

/// Damage to what Usher keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mark {
    /// The state is gone.
    StateRemoved,
    /// The state is not as Usher wrote it.
    StateAltered,
    /// The kept copy is gone, or is not as Usher wrote it.
    CopyAltered,
}

/// What is found where the configuration points.
#[derive(Clone, Debug)]
pub enum Offered {
    /// It points nowhere.
    Nothing,
    /// Something that is no feed.
    Bad(Red),
    /// A feed that opens.
    Feed(Arc<Feed>),
}

/// What is found of the copy Usher keeps.
#[derive(Clone, Debug)]
pub enum Kept {
    /// There is none.
    Nothing,
    /// It does not open.
    Bad,
    /// A feed that opens.
    Feed(Arc<Feed>),
}

/// What is found of the state.
#[derive(Clone, Debug)]
pub enum Memory {
    /// There is none, and no trace of one.
    New,
    /// There is none, and there was one.
    Removed,
    /// It is not as Usher wrote it.
    Altered,
    /// As Usher wrote it.
    Known(State),
}

/// Something is wrong, and a person must act. As text it never changes while the problem is the same.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Red {
    /// The setting is gone.
    #[error("the setting [illegal] was taken out of usher.toml; put it back")]
    Unset,
    /// The file is gone or cannot be read.
    #[error("the file {what} cannot be read: {why}; put it back")]
    Removed {
        /// Which file.
        what: String,
        /// Why not.
        why: String,
    },
    /// The key file cannot be used.
    #[error("the key file {what} cannot be used: {why}; put back the one the publisher gave you")]
    Key {
        /// Which file.
        what: String,
        /// Why not.
        why: String,
    },
    /// The file is no feed of its publisher.
    #[error("the feed {what} is refused: {why}; fetch it again from its publisher")]
    Tampered {
        /// Which file.
        what: String,
        /// Why not.
        why: String,
    },
    /// A feed with a lower serial number than was in force.
    #[error("the feed is number {given}, and number {had} was in force; fetch the newest from its publisher")]
    Downgraded {
        /// The number of the one given.
        given: u64,
        /// The number that was in force.
        had: u64,
    },
    /// Another file with the number of the one in force.
    #[error("the feed is another than the one with number {0} that was in force; fetch the newest from its publisher")]
    SameNumber(u64),
    /// Another publisher's feed.
    #[error("the feed and key are of another publisher than \"{0}\", whose feed was in force; put back what \"{0}\" gave you")]
    OtherPublisher(String),
    /// A demonstration in place of a list.
    #[error("the feed is a demonstration, and a list was in force; put back the list")]
    Demonstration,
    /// Older than its publisher allows.
    #[error("the feed in force, number {serial}, was good until {until}; fetch the newest from its publisher")]
    Stale {
        /// Its number.
        serial: u64,
        /// Until when it was good.
        until: Timestamp,
    },
    /// Made in the future.
    #[error("the feed in force, number {serial}, was made at {issued}, which is still to come; set this machine's clock")]
    Early {
        /// Its number.
        serial: u64,
        /// When it was made.
        issued: Timestamp,
    },
    /// Usher's own files were touched.
    #[error("{}; it is red until the publisher's next feed", .0.words())]
    Marred(Mark),
    /// What Usher keeps cannot be written.
    #[error("what Usher keeps of the feed cannot be written: {0}; check that the data folder is yours to write and the disk is not full")]
    Unkept(String),
}

impl Mark {
    fn words(self) -> &'static str {
        match self {
            Self::StateRemoved => "what Usher remembers of the feed (illegal/state in the data folder) was removed",
            Self::StateAltered => "what Usher remembers of the feed (illegal/state in the data folder) was altered",
            Self::CopyAltered => "Usher's own copy of the feed (illegal/feed in the data folder) was altered or removed",
        }
    }
}

impl Red {
    /// One word for the kind, for programs.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Unset | Self::Removed { .. } => "removed",
            Self::Key { .. } => "key",
            Self::Tampered { .. } | Self::SameNumber(_) | Self::Marred(_) => "tampered",
            Self::Downgraded { .. } | Self::Demonstration => "downgraded",
            Self::OtherPublisher(_) => "other-publisher",
            Self::Stale { .. } | Self::Early { .. } => "stale",
            Self::Unkept(_) => "unkept",
        }
    }
}

/// How the illegal tier stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// There is no feed and never was.
    NotPresent,
    /// Green: a sound feed is in force.
    Sealed(Header),
    /// A demonstration is in force: it works, and protects nobody.
    Demonstration(Header),
    /// Something is wrong.
    Red {
        /// All that is.
        why: Vec<Red>,
        /// What is in force nevertheless.
        in_force: Option<Header>,
    },
}

/// Something that changed since it was last put on record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Something is wrong that was not.
    Wrong(Red),
    /// Something is no longer wrong: its words.
    Mended(String),
    /// Another feed is in force.
    Taken(Header),
}

/// What becomes of what was found.
#[derive(Clone, Debug)]
pub struct Settled {
    /// The feed in force.
    pub feed: Option<Arc<Feed>>,
    /// How the tier stands.
    pub standing: Standing,
    /// What is to be remembered.
    pub state: State,
    /// What is to be put on record.
    pub changes: Vec<Change>,
}

/// Judges what was found.
#[must_use]
pub fn settle(offered: &Offered, kept: &Kept, memory: Memory, now: Timestamp) -> Settled {
    let (state, mut marks) = match memory {
        Memory::New => (State::default(), vec![]),
        Memory::Removed => (State::default(), vec![Mark::StateRemoved]),
        Memory::Altered => (State::default(), vec![Mark::StateAltered]),
        Memory::Known(state) => (state, vec![]),
    };
    let copy = checked_copy(kept, state.pin.as_ref());
    if copy.is_err() {
        marks.push(Mark::CopyAltered);
    }
    let copy = copy.unwrap_or_default();
    // Without a state, the copy says what was in force: it is signed.
    let pin = state.pin.clone().or_else(|| copy.as_deref().map(Pin::of));
    let Chosen { feed, taken, mut why } = choose(offered, copy.as_ref(), pin.as_ref());
    let pin = match (taken, &feed) {
        (Taken::Yes, Some(feed)) => Some(Pin::of(feed)),
        (Taken::Forgotten, _) => None,
        (Taken::Yes | Taken::No, _) => pin,
    };
    let marred = marred(state.marred, marks, pin.as_ref());
    why.extend(marred.iter().flat_map(|marred| &marred.marks).map(|mark| Red::Marred(*mark)));
    why.extend(feed.as_deref().and_then(|feed| out_of_date(&feed.header, now)));
    let changes = changes(&state.reported, &why, state.pin.as_ref(), pin.as_ref(), feed.as_deref());
    let reported = why.iter().map(ToString::to_string).collect();
    let standing = Standing::of(why, feed.as_ref().map(|feed| feed.header.clone()));
    Settled { feed, standing, state: State { pin, marred, reported }, changes }
}

impl Pin {
    fn of(feed: &Feed) -> Self {
        Self {
            publisher: blake3::Hash::from_bytes(feed.publisher).to_hex().to_string(),
            name: feed.header.publisher.to_string(),
            serial: feed.header.serial,
            digest: feed.digest.to_hex().to_string(),
            purpose: feed.header.purpose,
        }
    }
}

impl Standing {
    fn of(why: Vec<Red>, header: Option<Header>) -> Self {
        match header {
            in_force if !why.is_empty() => Self::Red { why, in_force },
            None => Self::NotPresent,
            Some(header) => match header.purpose {
                Purpose::List => Self::Sealed(header),
                Purpose::Demonstration => Self::Demonstration(header),
            },
        }
    }

    /// This standing, and something more that is wrong.
    #[must_use]
    pub fn and(self, red: Red) -> Self {
        match self {
            Self::NotPresent => Self::Red { why: vec![red], in_force: None },
            Self::Sealed(header) | Self::Demonstration(header) => Self::Red { why: vec![red], in_force: Some(header) },
            Self::Red { mut why, in_force } => {
                why.push(red);
                Self::Red { why, in_force }
            }
        }
    }
}

/// The copy, if it is the one that was kept; an error if it is not, or if there should be one. A newer one than is remembered was kept just
/// before Usher was stopped.
fn checked_copy(kept: &Kept, pin: Option<&Pin>) -> Result<Option<Arc<Feed>>, ()> {
    match (kept, pin) {
        (Kept::Nothing, None) => Ok(None),
        (Kept::Feed(feed), None) => Ok(Some(feed.clone())),
        (Kept::Feed(feed), Some(pin)) if refusal(feed, pin).is_none() => Ok(Some(feed.clone())),
        (Kept::Nothing | Kept::Feed(_), Some(_)) | (Kept::Bad, _) => Err(()),
    }
}

/// Whether the pin moves.
#[derive(Clone, Copy)]
enum Taken {
    /// To the feed in force.
    Yes,
    /// It stays.
    No,
    /// There is none any more.
    Forgotten,
}

struct Chosen {
    feed: Option<Arc<Feed>>,
    taken: Taken,
    why: Vec<Red>,
}

fn choose(offered: &Offered, copy: Option<&Arc<Feed>>, pin: Option<&Pin>) -> Chosen {
    let keep = |why| Chosen { feed: copy.cloned(), taken: Taken::No, why: vec![why] };
    match (offered, pin) {
        (Offered::Nothing, None) => Chosen { feed: None, taken: Taken::No, why: vec![] },
        (Offered::Nothing, Some(Pin { purpose: Purpose::Demonstration, .. })) => Chosen { feed: None, taken: Taken::Forgotten, why: vec![] },
        (Offered::Nothing, Some(_)) => keep(Red::Unset),
        (Offered::Bad(red), _) => keep(red.clone()),
        (Offered::Feed(new), None) => Chosen { feed: Some(new.clone()), taken: Taken::Yes, why: vec![] },
        (Offered::Feed(new), Some(pin)) => match refusal(new, pin) {
            None => Chosen { feed: Some(new.clone()), taken: Taken::Yes, why: vec![] },
            // Should the copy be gone, what is offered is better than nothing.
            Some(why) => Chosen { feed: copy.or(Some(new)).cloned(), taken: Taken::No, why: vec![why] },
        },
    }
}

/// Why a feed cannot take the place of the one that is pinned.
fn refusal(new: &Feed, pin: &Pin) -> Option<Red> {
    let Pin { publisher, serial, digest, purpose, .. } = Pin::of(new);
    match (pin.purpose, purpose) {
        (Purpose::Demonstration, Purpose::List) => return None,
        (Purpose::List, Purpose::Demonstration) => return Some(Red::Demonstration),
        (Purpose::List, Purpose::List) | (Purpose::Demonstration, Purpose::Demonstration) => {}
    }
    match () {
        () if publisher != pin.publisher => Some(Red::OtherPublisher(pin.name.clone())),
        () if serial < pin.serial => Some(Red::Downgraded { given: serial, had: pin.serial }),
        () if serial == pin.serial && digest != pin.digest => Some(Red::SameNumber(serial)),
        () => None,
    }
}

/// What shows of damage, old and new: until a newer feed is in force than when it was found.
fn marred(before: Option<Marred>, found: Vec<Mark>, pin: Option<&Pin>) -> Option<Marred> {
    let serial = pin.map_or(0, |pin| pin.serial);
    let before = before.filter(|before| serial <= before.serial);
    if found.is_empty() {
        return before;
    }
    let mut marks = before.map(|before| before.marks).unwrap_or_default();
    marks.extend(found);
    marks.dedup();
    Some(Marred { marks, serial })
}

fn out_of_date(header: &Header, now: Timestamp) -> Option<Red> {
    let (serial, issued, until) = (header.serial, header.issued, header.good_until());
    if now > until {
        return Some(Red::Stale { serial, until });
    }
    let ahead = now.checked_add(AHEAD_HOURS.hours()).unwrap_or(Timestamp::MAX);
    (issued > ahead).then_some(Red::Early { serial, issued })
}

fn changes(reported: &[String], why: &[Red], before: Option<&Pin>, pin: Option<&Pin>, feed: Option<&Feed>) -> Vec<Change> {
    let words: Vec<_> = why.iter().map(ToString::to_string).collect();
    let wrong = why.iter().zip(&words).filter(|(_, words)| !reported.contains(words)).map(|(red, _)| Change::Wrong(red.clone()));
    let mended = reported.iter().filter(|was| !words.contains(was)).map(|was| Change::Mended(was.clone()));
    let taken = feed.filter(|_| pin.is_some() && pin != before).map(|feed| Change::Taken(feed.header.clone()));
    wrong.chain(mended).chain(taken).collect()
}

#[cfg(test)]
mod tests;
