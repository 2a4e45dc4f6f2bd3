//! Who is in the log, from what its parts share: no record is read.

use super::entry::{Decoder, Who};
use super::folder::Folder;
use super::journal::Reader;
use super::live::{self, LiveError};
use super::query::LogError;
use super::segment::Segment;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// The people of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct People {
    /// The users, in small letters.
    pub users: BTreeSet<String>,
    /// Who was known at an address; with the empty name if nobody was at times.
    at: BTreeMap<IpAddr, BTreeSet<String>>,
    /// Parts that could not be read.
    pub passed_over: Vec<String>,
}

impl People {
    /// Looks through the log.
    pub fn of(folder: &Folder) -> Result<Self, LogError> {
        let reader = Reader::open(folder)?;
        let (mut people, sealed) = (Self::default(), reader.last_sealed()?);
        for part in reader.parts()?.iter().filter(|part| part.rows > 0) {
            match Segment::open(&folder.sealed().join(&part.file)).and_then(|segment| segment.whos()) {
                Ok(whos) => whos.rows.iter().for_each(|who| people.note(who)),
                Err(_) => people.passed_over.push(part.file.clone()),
            }
        }
        for number in folder.lives()?.into_iter().filter(|number| *number > sealed) {
            people.note_live(folder, number)?;
        }
        Ok(people)
    }

    fn note_live(&mut self, folder: &Folder, number: u64) -> Result<(), LogError> {
        let connection = match live::open_read_only(&folder.live(number)) {
            Ok(connection) => connection,
            // It is being made.
            Err(LiveError::Form(0)) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let mut statement = connection.prepare("SELECT body FROM shared WHERE id IN (SELECT who FROM opened)")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            if let Ok(who) = Decoder::new(&row.get::<_, Vec<u8>>(0)?).who() {
                self.note(&who);
            }
        }
        Ok(())
    }

    fn note(&mut self, who: &Who) {
        let user = who.user.as_deref().map(str::to_lowercase);
        self.at.entry(who.client).or_default().insert(user.clone().unwrap_or_default());
        self.users.extend(user);
    }

    /// Whether anybody but this user was at an address.
    #[must_use]
    pub fn is_shared(&self, address: IpAddr, user: &str) -> bool {
        let own = user.to_lowercase();
        self.at.get(&address).is_some_and(|there| there.iter().any(|other| *other != own))
    }
}
