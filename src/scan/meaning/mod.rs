//! What somebody typed, weighed by what it means: a small encoder that knew English before it learned from examples of what pupils type. Pure.
//!
//! Weights of words ([`super::lexicon::learned`]) know each word by what the examples said with it, and nothing of a word that no example has. An encoder was
//! taught on much text which words stand for one another, and reads each by those around it; so it finds what is said in words of somebody's own, and what is only
//! half said. It costs a few milliseconds a text, so it reads what is typed and nothing else.
//!
//! | | |
//! | --- | --- |
//! | `pieces` | words, cut into the pieces that it knows |
//! | `encoder` | pieces to numbers |
//! | `bytes` | numbers out of a file |
//!
//! A file of meaning lies among the phrase files:
//!
//! ```text
//! usher meaning 1
//! {"about": …, "themes": ["suicide", …], "levels": "15 from -2, 40 from 1.5, danger 60 from 0", "from": -500, "together": {…}, "size": {…}, "pieces": 12345}
//! a piece a line
//! the weights: bytes and floats, the lowest byte first, in the order in which `Encoder::read` reads them
//! ```
//!
//! What somebody typed within some minutes is read as one text, with a mark between what was typed one after the other; it has levels of its own.
//!
//! Where they come from, and how they are made again, is said in `benches/asked/meaning.py`.

mod bytes;
mod encoder;
mod pieces;

use super::points::hundredths;
use bytes::Bytes;
use encoder::{Encoder, Size};
use pieces::Pieces;
use std::fmt;

/// What a file of meaning begins with.
pub const BEGINS: &[u8] = b"usher meaning 1\n";
/// The most pieces that are known.
const MOST_PIECES: usize = 200_000;
/// The most themes.
const MOST_THEMES: usize = 64;
/// The columns before the themes: danger, and whether anything was said at all.
const BEFORE: usize = 2;

/// What stands at the head of a file.
#[derive(Clone, Debug, serde::Deserialize)]
pub struct Head {
    /// Where it comes from, for people.
    pub about: String,
    /// The themes, as phrase files name them.
    pub themes: Vec<String>,
    /// From how many points, of its words and of what it means together, a text is what: see [`super::lexicon::learned`].
    pub levels: String,
    /// From how many points of its words alone on, in hundredths, a text is read at all.
    pub from: i32,
    /// The same for what was typed within some minutes, taken together; nothing where it was not taught to read that.
    pub together: Option<Together>,
    size: Size,
    pieces: usize,
}

/// From how many points on several texts, taken together, are what.
#[derive(Clone, Debug, serde::Deserialize)]
pub struct Together {
    /// As of one text.
    pub levels: String,
    /// As of one text: of the points of all their words.
    pub from: i32,
    /// How much of the points of all their words counts, in hundredths.
    pub words: i32,
    /// A text whose own words have fewer points in every theme, in hundredths, may be about something else: they are read without such texts as well.
    pub apart: i32,
    /// How many points, in hundredths, that costs: what is left out may be what shows that nothing is meant.
    pub costs: i32,
}

/// What is wrong with a file of meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// Its head.
    #[error("its head is not what this Usher reads")]
    Head,
    /// Its pieces.
    #[error("its pieces are not as many as it says, or two are the same")]
    Pieces,
    /// Its weights.
    #[error("its weights are not as many as it says, or one is no number: it was cut short or changed on its way")]
    Weights,
}

/// What reads.
pub struct Meaning {
    pieces: Pieces,
    encoder: Encoder,
    most: usize,
}

impl fmt::Debug for Meaning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Meaning").field("pieces", &self.pieces.len()).finish_non_exhaustive()
    }
}

impl Meaning {
    /// Reads a file, from [`BEGINS`] on.
    ///
    /// # Errors
    /// What is wrong with it. Bytes of any kind are taken, and no more room than they say and have.
    pub fn read(file: &[u8]) -> Result<(Head, Self), Broken> {
        let rest = file.strip_prefix(BEGINS).ok_or(Broken::Head)?;
        let end = rest.iter().position(|byte| *byte == b'\n').ok_or(Broken::Head)?;
        let head: Head = serde_json::from_slice(&rest[..end]).map_err(|_| Broken::Head)?;
        if !head.size.is_sound() || head.themes.is_empty() || head.themes.len() > MOST_THEMES || head.pieces > MOST_PIECES {
            return Err(Broken::Head);
        }
        let rest = &rest[end + 1..];
        let mut ends = rest.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
        let weights = head.pieces.checked_sub(1).and_then(|last| ends.nth(last)).ok_or(Broken::Pieces)?;
        let lines = std::str::from_utf8(&rest[..weights]).map_err(|_| Broken::Pieces)?;
        let pieces = Pieces::read(lines).filter(|pieces| pieces.len() == head.pieces).ok_or(Broken::Pieces)?;
        let mut bytes = Bytes(&rest[weights..]);
        let encoder = Encoder::read(&mut bytes, head.size, head.pieces, BEFORE + head.themes.len()).filter(|_| bytes.0.is_empty()).ok_or(Broken::Weights)?;
        let most = head.size.places;
        Ok((head, Self { pieces, encoder, most }))
    }

    /// How many of these texts, the last first, are read at once.
    #[must_use]
    pub fn fit(&self, texts: &[&[&str]]) -> usize {
        self.pieces.fit(texts, self.most)
    }

    /// The points of texts that were typed one after the other, or of one alone, in hundredths: of danger, and then of each theme. The theme that they are about
    /// has the points of anything at all, and each other as many fewer as it is less likely.
    #[must_use]
    pub fn points(&self, texts: &[&[&str]]) -> Vec<i32> {
        let columns = self.encoder.columns(&self.pieces.cut(texts, self.most));
        let most = columns[BEFORE..].iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let of_themes = columns[BEFORE..].iter().map(|theme| columns[1] + theme - most);
        std::iter::once(columns[0]).chain(of_themes).map(hundredths).collect()
    }
}

#[cfg(test)]
mod tests;
