//! What a search for ways round the filter counts, and what tells it from another. Pure.
//!
//! | the words | points |
//! | --- | --- |
//! | are still being typed | 2, all of ten minutes once: each letter is a record |
//! | match an entry of 15 or more, or read like what is watched | 3 |
//! | match one of 25 or more, or two of 15 | 8 |
//! | match one of 40 or more, or two of 25; or read like a concern | 12 |
//! | read like a concern together with others of the last minutes, of which none does by itself | 12 |
//!
//! So one search is worth watching. Two different ones that say it beyond doubt, within some nine minutes, are a concern, and so are three others: which they are
//! to nobody who looks up a word. So is one of 12 that soon leads to a site that lists name as a way round ([`crate::bypass::followed`]). The same
//! words again are the same search, whatever the engine and however they are spelled.

use super::super::severity::STRONG;
use crate::bypass::Code;
use crate::insight::Stage;
use crate::scan::fold::fold;

/// From this strength of the words on, in hundredths, they count [`PLAIN`]: an entry of 25 has it.
const SAYS_SO: u32 = 70;
/// The points of words that say it.
const PLAIN: u32 = 8;
/// Of words that say it beyond doubt.
pub(super) const SURE: u32 = 12;
/// Of words that others say too.
const FAINT: u32 = 3;
/// The most of the words that are told apart, in bytes.
const MOST_BYTES: usize = 16 * 1024;

/// The points of a search, by how strong its words are, and what tells it from others: the entry they match and a hash of them, so that no word is kept.
pub(super) fn weigh((term, stage): (&str, Stage), entry: &str, strength: u32) -> (u32, String) {
    if stage == Stage::Typing {
        return (u32::from(Code::Method.certainty().points()), "what is typed".to_owned());
    }
    let points = match strength {
        STRONG.. => SURE,
        SAYS_SO.. => PLAIN,
        _ => FAINT,
    };
    let folded = fold(&term[..term.floor_char_boundary(MOST_BYTES)]);
    (points, format!("{entry} {}", blake3::hash(folded.as_bytes()).to_hex()))
}
