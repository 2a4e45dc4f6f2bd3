//! Checkpoints: the heads of the chains and of the journal at a moment, signed, to be kept where nobody who can write the log can write.
//!
//! A checkpoint is a statement of the journal. Whoever holds one can later show that nothing before it was rewritten: its number and link must stand
//! in the journal, and the links of its heads in the chains.

use super::chain::Heads;
use super::folder::Folder;
use super::journal::{Journal, JournalError, Statement, Topic};
use super::key::{PublicKey, hex, to_hex};
use super::live::{self, LiveError};
use super::record::Class;
use crate::audit::chain::Head;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What a checkpoint says of the chains.
#[derive(Serialize, Deserialize)]
struct Body {
    heads: Vec<(String, u64, String)>,
}

/// A checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The number of its statement.
    pub number: u64,
    /// When, in Unix milliseconds.
    pub at: i64,
    /// The statement's link.
    pub link: Vec<u8>,
    signature: Vec<u8>,
    key: Option<PublicKey>,
    heads: Vec<(Class, Head)>,
}

/// A checkpoint as a line of text: JSON.
#[derive(Serialize, Deserialize)]
struct Line {
    checkpoint: u64,
    at: i64,
    body: Body,
    link: String,
    signature: String,
    key: String,
}

/// Why a text is no checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotACheckpoint {
    /// It is something else.
    #[error("it is no checkpoint; a line of one begins with {{\"checkpoint\":")]
    Form,
    /// Its signature is not of the key it names.
    #[error("its signature is wrong: it was altered")]
    Signature,
}

impl Checkpoint {
    /// The checkpoint that this statement is.
    #[must_use]
    pub fn of(statement: &Statement, key: Option<PublicKey>) -> Option<Self> {
        let body: Body = statement.read()?;
        let Statement { number, at, link, signature, .. } = statement.clone();
        Some(Self { number, at, link, signature, key, heads: body.heads() })
    }

    /// Reads a line of text.
    pub fn parse(line: &str) -> Result<Self, NotACheckpoint> {
        let Line { checkpoint, at, body, link, signature, key } = serde_json::from_str(line).map_err(|_| NotACheckpoint::Form)?;
        let (link, signature) = (hex::<32>(&link).ok_or(NotACheckpoint::Form)?, hex::<64>(&signature).ok_or(NotACheckpoint::Form)?);
        let key = PublicKey::parse(&key).ok_or(NotACheckpoint::Form)?;
        if !key.signed(&link, &signature) {
            return Err(NotACheckpoint::Signature);
        }
        Ok(Self { number: checkpoint, at, link: link.to_vec(), signature: signature.to_vec(), key: Some(key), heads: body.heads() })
    }

    /// As a line of text, without its end.
    #[must_use]
    pub fn line(&self) -> String {
        let line = Line {
            checkpoint: self.number,
            at: self.at,
            body: Body { heads: self.heads.iter().map(|(class, head)| (class.as_str().to_owned(), head.number, to_hex(&head.link))).collect() },
            link: to_hex(&self.link),
            signature: to_hex(&self.signature),
            key: self.key.map(|key| key.to_string()).unwrap_or_default(),
        };
        // Numbers and texts can always be written.
        serde_json::to_string(&line).unwrap_or_default()
    }

    /// The heads of the chains. A chain that has not begun has none.
    pub fn heads(&self) -> impl Iterator<Item = (Class, Head)> {
        self.heads.iter().copied()
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> String {
        let at = Timestamp::from_millisecond(self.at).map_or_else(|_| String::new(), |at| format!(" of {at:.0}"));
        format!("{}{at}", self.number)
    }
}

impl Body {
    fn heads(&self) -> Vec<(Class, Head)> {
        let read = |(class, number, link): &(String, u64, String)| {
            let (_, class) = Class::NAMES.into_iter().find(|(name, _)| name == class)?;
            Some((class, Head { number: *number, link: hex(link)? })).filter(|(_, head)| head.number > 0)
        };
        self.heads.iter().filter_map(read).collect()
    }
}

/// Why no checkpoint can be made.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The journal says no.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The live file says no.
    #[error(transparent)]
    Live(#[from] LiveError),
    /// The folder says no.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// Makes a checkpoint of the log as it is now.
pub fn make(folder: &Folder, journal: &mut Journal, at: Timestamp) -> Result<Option<Checkpoint>, CheckpointError> {
    let Some(newest) = folder.lives()?.last().copied() else { return Ok(None) };
    let connection = match live::open_read_only(&folder.live(newest)) {
        Err(LiveError::Form(0)) => return Ok(None),
        opened => opened?,
    };
    let heads: Heads = live::heads(&connection).map_err(LiveError::from)?;
    let body = Body { heads: Class::NAMES.into_iter().map(|(name, class)| (name.to_owned(), heads.of(class).number, to_hex(&heads.of(class).link))).collect() };
    let number = journal.state(at, Topic::Checkpoint, &body)?;
    let key = Some(journal.public_key());
    let statement = journal.reader().after(number - 1, 1)?;
    Ok(statement.first().and_then(|statement| Checkpoint::of(statement, key)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_survives_being_written_down_and_no_change_of_it_does() {
        let place = tempfile::tempdir().expect("a folder");
        let folder = Folder::at(place.path().join("log"));
        let recorder = crate::audit::Recorder::start(&folder, crate::audit::Settings::default()).expect("started");
        let mut journal = Journal::open(&folder).expect("opened");
        let made = make(&folder, &mut journal, Timestamp::now()).expect("made").expect("there is a log");
        let line = made.line();
        assert_eq!(Checkpoint::parse(&line), Ok(made));
        assert_eq!(Checkpoint::parse("{}"), Err(NotACheckpoint::Form));
        let at = line.find("\"link\":\"").expect("a link") + 8;
        let digit = if &line[at..=at] == "0" { "1" } else { "0" };
        assert_eq!(Checkpoint::parse(&format!("{}{digit}{}", &line[..at], &line[at + 1..])), Err(NotACheckpoint::Signature));
        recorder.finish();
    }
}
