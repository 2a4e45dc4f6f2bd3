//! Which files may pass: by kind, ending, declared type and size. Pure: the head of an answer, then its bytes, in; a [`Verdict`] after each piece out.
//!
//! Whatever a file says of itself counts, and so does what it is: each name it could be saved under, its declared type, its first bytes, and the names of
//! what is in it. One of them is enough. Of what has several parts, each is a file.

mod facts;
mod judge;
mod refusal;
mod rules;
mod several;
mod stream;
mod uploads;

pub use facts::{Doubt, Facts, Framed, Part, may_ask_for};
pub use judge::{Judge, MOST_HELD, Verdict};
pub use refusal::Refusal;
pub use rules::{Book, Rules};
pub use uploads::Uploads;

#[cfg(test)]
mod tests;
