//! Where authorities are kept, and which of them signs.

use super::{BadAuthority, Kept};
use crate::files;
use jiff::Timestamp;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The largest file of an authority, in bytes.
const LARGEST: u64 = 128 * 1024;

/// The folder of the authorities.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    path: PathBuf,
}

/// A place for an authority.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Of the one that signs.
    Current,
    /// Of the one that follows it.
    Next,
}

impl Place {
    fn file(self) -> &'static str {
        match self {
            Self::Current => "current.pem",
            Self::Next => "next.pem",
        }
    }
}

/// Why an authority cannot be read or kept.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// Others than its owner may read it.
    #[error("{} holds the authority's key and may be read by others (mode {mode:04o}), so it is not used; if nobody else had it: chmod 600 {}", path.display(), path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// It cannot be read or written.
    #[error("{}: {error}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// It holds no authority.
    #[error("{}: {why}", path.display())]
    Bad {
        /// The file.
        path: PathBuf,
        /// Why.
        why: BadAuthority,
    },
    /// There is one already.
    #[error("there is an authority already: {}; to see it: usher ca show; to make the one that follows it: --next", .0.display())]
    Taken(PathBuf),
    /// There is one that follows already, and it does not sign yet.
    #[error("there is one that follows already: {}, and it does not sign yet; to see it: usher ca show; to give it up, remove that file", .0.display())]
    NextTaken(PathBuf),
    /// There is none to be followed.
    #[error("there is no authority yet that another could follow; leave out --next")]
    NothingToFollow,
}

/// What an authority does at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It signs.
    Signs,
    /// It will sign, and devices should have it by then.
    Waits,
    /// It has signed, and signs no more.
    Retired,
}

/// The authorities there are.
#[derive(Default)]
pub struct Authorities {
    pub(super) current: Option<Kept>,
    pub(super) next: Option<Kept>,
}

impl Authorities {
    /// The one that signs. The next signs from its day on, and before if there is no other, or no longer.
    #[must_use]
    pub fn signing(&self, now: Timestamp) -> Option<&Kept> {
        match (&self.current, &self.next) {
            (Some(current), Some(next)) if current.own().until <= now || next.signs_from.is_none_or(|from| from <= now) => Some(next),
            (Some(current), _) => Some(current),
            (None, next) => next.as_ref(),
        }
    }

    /// Each of them, and what it does.
    pub fn each(&self, now: Timestamp) -> impl Iterator<Item = (Standing, &Kept)> {
        let next_signs = matches!((self.signing(now), &self.next), (Some(signing), Some(next)) if std::ptr::eq(signing, next));
        let (current, next) = if next_signs { (Standing::Retired, Standing::Signs) } else { (Standing::Signs, Standing::Waits) };
        let both = [(current, &self.current), (next, &self.next)];
        both.into_iter().filter_map(|(standing, kept)| Some((standing, kept.as_ref()?)))
    }

    /// Those that devices should have: the one that signs, then the one that will.
    pub fn offered(&self, now: Timestamp) -> impl Iterator<Item = &Kept> {
        self.each(now).filter(|(standing, _)| *standing != Standing::Retired).map(|(_, kept)| kept)
    }

    /// The one in this place.
    #[must_use]
    pub fn in_place(&self, place: Place) -> Option<&Kept> {
        match place {
            Place::Current => self.current.as_ref(),
            Place::Next => self.next.as_ref(),
        }
    }
}

impl Folder {
    /// The folder at this path. It need not be there.
    #[must_use]
    pub fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file of a place.
    #[must_use]
    pub fn file(&self, place: Place) -> PathBuf {
        self.path.join(place.file())
    }

    /// Reads what is there.
    ///
    /// # Errors
    /// If a file cannot be read, may be read by others, or holds no authority.
    pub fn load(&self) -> Result<Authorities, FolderError> {
        Ok(Authorities { current: self.read(Place::Current)?, next: self.read(Place::Next)? })
    }

    fn read(&self, place: Place) -> Result<Option<Kept>, FolderError> {
        let path = self.file(place);
        let fail = |error| FolderError::File { path: path.clone(), error };
        let file = match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened.map_err(fail)?,
        };
        let mode = file.metadata().map_err(fail)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(FolderError::Open { path, mode });
        }
        let text = all(file).map_err(fail)?;
        Kept::read(&text).map(Some).map_err(|why| FolderError::Bad { path: path.clone(), why })
    }

    /// Keeps an authority, where there is room for it. One that was the next and signs by now makes room for a new next: it moves up, and the one before it
    /// is kept under another name, which is returned.
    ///
    /// # Errors
    /// If there is no room, or the file cannot be written.
    pub fn keep(&self, place: Place, kept: &Kept, now: Timestamp) -> Result<Option<PathBuf>, FolderError> {
        let there = self.load()?;
        let moved = self.make_room(place, &there, now)?;
        let path = self.file(place);
        let fail = |error| FolderError::File { path: path.clone(), error };
        files::private_folder(&self.path).map_err(fail)?;
        files::replace(&path, kept.text().as_bytes()).map_err(fail)?;
        Ok(moved)
    }

    /// Whether there is room, without making any.
    ///
    /// # Errors
    /// If there is none.
    pub fn has_room(&self, place: Place, now: Timestamp) -> Result<(), FolderError> {
        let there = self.load()?;
        match (place, &there.current, &there.next) {
            (Place::Current, None, None) => Ok(()),
            (Place::Current, Some(_), _) => Err(FolderError::Taken(self.file(Place::Current))),
            (Place::Current, None, Some(_)) => Err(FolderError::Taken(self.file(Place::Next))),
            (Place::Next, None, None) => Err(FolderError::NothingToFollow),
            (Place::Next, _, None) => Ok(()),
            (Place::Next, _, Some(next)) if there.signing(now).is_some_and(|signing| std::ptr::eq(signing, next)) => Ok(()),
            (Place::Next, _, Some(_)) => Err(FolderError::NextTaken(self.file(Place::Next))),
        }
    }

    fn make_room(&self, place: Place, there: &Authorities, now: Timestamp) -> Result<Option<PathBuf>, FolderError> {
        self.has_room(place, now)?;
        if there.next.is_none() {
            return Ok(None);
        }
        let rename = |from: &Path, to: &Path| fs::rename(from, to).map_err(|error| FolderError::File { path: from.to_owned(), error });
        let moved = there.current.as_ref().map(|retired| {
            let print = retired.own().sha256().replace(':', "");
            self.path.join(format!("retired-{}.pem", &print[..16]))
        });
        if let Some(moved) = &moved {
            rename(&self.file(Place::Current), moved)?;
        }
        rename(&self.file(Place::Next), &self.file(Place::Current))?;
        Ok(moved)
    }
}

/// All of a file that is of an authority's size. It holds a key, so the memory is overwritten once it is of no more use.
pub(super) fn all(file: File) -> io::Result<Zeroizing<Vec<u8>>> {
    let room = usize::try_from(file.metadata()?.len().min(LARGEST)).unwrap_or_default();
    // With room for all of it from the start nothing is copied about.
    let mut text = Zeroizing::new(Vec::with_capacity(room + 64));
    file.take(LARGEST + 1).read_to_end(&mut text)?;
    if text.len() as u64 > LARGEST {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is too large for certificates and a key"));
    }
    Ok(text)
}

/// Reads a file somebody names, as for an import. It may be read by others: it is theirs.
///
/// # Errors
/// If it cannot be read, or is too large.
pub fn read_given(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    all(File::open(path)?)
}
