//! What kind of file something is: by its name, by the type it is declared as, by its first bytes, and by what is in it. Pure: bytes are pushed in,
//! findings come out, nothing is held whole.
//!
//! ```text
//! URL, Content-Disposition ─▶ name ─┐
//! Content-Type ─────────────────────┼─▶ formats ─▶ a Class each, all of which count
//! bytes ─▶ sniff ─▶ zip │ tar │ ole ┘
//! ```
//!
//! How a file is cut makes no difference to what is found; `tests` holds it to that.
//!
//! # Limits
//!
//! An archive is looked into one level: the names in a ZIP or tar (also a packed one, where gzip packs it), and what the files in a tar begin with. Of 7z, RAR
//! and others it is known that they are archives. What is scrambled, or packed in a way of its own, is not seen.
//!
//! # Where to add
//!
//! A format: a row in [`formats`]. A kind of name in an archive that says what it is: [`zip`].

pub mod formats;
pub mod name;
pub mod ole;
pub mod reader;
pub mod sniff;
pub mod tar;
pub mod zip;

pub use reader::{Found, Reader, Seen};

use std::fmt;

/// A kind of file, as a school would name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Class {
    /// What a computer or phone runs or installs.
    Executable,
    /// Commands that a computer runs, as text.
    Script,
    /// What is added to a browser.
    Extension,
    /// Files packed into one.
    Archive,
    /// Files packed into one that takes a password to open.
    Encrypted,
    /// A whole disk in a file.
    DiskImage,
    /// A document with a program in it.
    Macros,
    /// A document.
    Document,
    /// What leads to files shared among many.
    Torrent,
    /// A picture.
    Image,
    /// Sound.
    Audio,
    /// Moving pictures.
    Video,
    /// A font.
    Font,
    /// Something else than it says it is.
    Disguised,
}

impl Class {
    /// All of them, by the name they have in `policy.toml`, and as people are told of them.
    pub const NAMES: [(&str, Self, &str); 14] = [
        ("executable", Self::Executable, "Programs"),
        ("script", Self::Script, "Scripts"),
        ("extension", Self::Extension, "Browser extensions"),
        ("archive", Self::Archive, "Archives"),
        ("encrypted", Self::Encrypted, "Archives with a password"),
        ("disk-image", Self::DiskImage, "Disk images"),
        ("macros", Self::Macros, "Documents with macros"),
        ("document", Self::Document, "Documents"),
        ("torrent", Self::Torrent, "Torrents"),
        ("image", Self::Image, "Pictures"),
        ("audio", Self::Audio, "Sound files"),
        ("video", Self::Video, "Videos"),
        ("font", Self::Font, "Fonts"),
        ("disguised", Self::Disguised, "Files that are not what they say they are"),
    ];

    /// The class of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(known, ..)| *known == name).map(|(_, class, _)| *class)
    }

    /// What such files are called, in the plural, at the head of a sentence.
    #[must_use]
    pub fn plural(self) -> &'static str {
        Self::NAMES.iter().find(|(_, class, _)| *class == self).map_or("", |(.., plural)| plural)
    }

    /// What is only looked at: a file of another kind that says it is one of these is in disguise.
    #[must_use]
    pub fn is_looked_at(self) -> bool {
        matches!(self, Self::Image | Self::Audio | Self::Video | Self::Font)
    }

    /// What is run, or holds other files.
    #[must_use]
    pub fn is_run_or_unpacked(self) -> bool {
        matches!(self, Self::Executable | Self::Script | Self::Extension | Self::Archive | Self::Encrypted | Self::DiskImage)
    }
}

/// A set of classes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Classes(u16);

impl Classes {
    /// With this one too.
    #[must_use]
    pub fn with(self, class: Class) -> Self {
        Self(self.0 | 1 << class as u8)
    }

    /// Whether this one is in it.
    #[must_use]
    pub fn has(self, class: Class) -> bool {
        self.0 & 1 << class as u8 != 0
    }

    /// Those of both.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl FromIterator<Class> for Classes {
    fn from_iter<I: IntoIterator<Item = Class>>(classes: I) -> Self {
        classes.into_iter().fold(Self::default(), Self::with)
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::NAMES.iter().find(|(_, class, _)| class == self).map_or("", |(name, ..)| name))
    }
}

#[cfg(test)]
mod tests;
