//! Erasure of a person, as far as it reaches what alerts know between records: `engine.json`, `ways.json` and `volume.json`, and the memory behind them.
//!
//! ```text
//! usher log erase: marks() with the name ─▶ journal ─▶ finished ─┬─▶ Usher runs: the engine and whoever counts the days take it out of memory and file
//!                                                                └─▶ it is stopped: take_out() of the files
//! ```
//!
//! | file | of people | what goes |
//! | --- | --- | --- |
//! | `engine.json` | signs, by theme | signs, and the days of those, whose records are erased |
//! | `ways.json` | who was first at a new site | the same; sites and when they were used are the school's |
//! | `volume.json` | counts of a day | each day on which a record of theirs can be erased |
//! | `names.bin` | nothing: names of sites, and when anybody used them | |
//!
//! It goes when the last of their records has: what is kept before that would be worked out again from them. Each file says up to which erasure it was done, so
//! that a start after a kill does what is missing, and nothing twice. What is known of a device stays: nobody knows who sat there.

use super::engine;
use super::rebuild;
use super::volume;
use super::ways;
use crate::audit::erasure::gone::Gone;
use crate::audit::incident::Person;
use jiff::tz::TimeZone;
use serde::Serialize;
use std::io;
use std::path::Path;

/// What stands for a user in what alerts keep, however the name is capitalised. It says nothing to whoever has not the secret of the installation.
#[must_use]
pub fn marks(secret: &[u8; 32], user: &str) -> Vec<String> {
    let who = engine::who(&engine::people(secret), &Person::User(user.to_lowercase()));
    vec![who.to_string(), volume::Hasher::new(secret).of(Some(user), "").mark().to_owned()]
}

/// Whether somebody is the person who is gone.
#[must_use]
pub(super) fn is(gone: &Gone, mark: &str) -> bool {
    gone.marks.iter().any(|known| known == mark)
}

/// What was taken out, or would be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TakenOut {
    /// Signs of alerts.
    pub signs: usize,
    /// First visits to sites that were new.
    pub first_visits: usize,
    /// Days of which it was counted how much the person did.
    pub days: usize,
}

impl TakenOut {
    /// Whether it is nothing.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

impl std::ops::AddAssign for TakenOut {
    fn add_assign(&mut self, more: Self) {
        self.signs += more.signs;
        self.first_visits += more.first_visits;
        self.days += more.days;
    }
}

/// What is kept in this folder of who would be gone. Nothing is changed.
#[must_use]
pub fn look(folder: &Path, gone: &Gone, (zone, secret): (&TimeZone, &[u8; 32])) -> TakenOut {
    let all = std::slice::from_ref(gone);
    let signs = rebuild::Kept::read(&folder.join(engine::FILE)).map_or(0, |mut kept| kept.erase(all, &engine::people(secret)));
    TakenOut { signs, first_visits: ways::look_for(folder, gone), days: volume::Book::read(&folder.join(volume::FILE)).erase(all, zone) }
}

/// Takes those who are gone out of what is kept in this folder, in school time. For while Usher does not run: what runs would write it again.
///
/// # Errors
/// If a file cannot be written.
pub fn take_out(folder: &Path, gone: &[Gone], (zone, secret): (&TimeZone, &[u8; 32])) -> io::Result<TakenOut> {
    let path = folder.join(engine::FILE);
    let mut kept = rebuild::Kept::read(&path);
    let done = kept.as_ref().map_or(0, |kept| kept.erased);
    let news: Vec<Gone> = gone.iter().filter(|gone| gone.number > done).cloned().collect();
    // First what the other file says was done.
    let first_visits = ways::take_out(folder, &news)?;
    let signs = match &mut kept {
        Some(kept) if !news.is_empty() => {
            let signs = kept.erase(&news, &engine::people(secret));
            kept.write(&path)?;
            signs
        }
        Some(_) | None => 0,
    };
    Ok(TakenOut { signs, first_visits, days: volume::take_out(&folder.join(volume::FILE), gone, zone)? })
}
