//! The log of an Usher that does not run: its live files can be sealed at once, so that what is still in them is erased or purged without waiting.

use super::folder::{Folder, LockError};
use super::journal::Journal;
use super::sealer::{self, NotSealed};

/// Whether Usher runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Running {
    /// It writes the log: what it writes now is sealed when the file is full, or the day is over.
    Yes,
    /// It does not, and all is sealed.
    No,
}

/// Seals what is live, unless Usher runs.
pub fn seal_unless_running(folder: &Folder) -> Result<Running, NotSealed> {
    let _lock = match folder.lock() {
        Ok(lock) => lock,
        Err(LockError::Held) => return Ok(Running::Yes),
        Err(LockError::Io(error)) => return Err(error.into()),
    };
    sealer::seal_all(folder, Journal::open(folder)?)?;
    Ok(Running::No)
}
