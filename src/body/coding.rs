//! What a body's bytes are under its content codings (RFC 9110 section 8.4): gzip of one member or many, deflate with its wrapper or without, brotli,
//! zstd, and these one upon another. Pure: bytes are pushed in, plain bytes come out a little at a time.
//!
//! # Limits
//!
//! How many codings lie upon one another, how many bytes come out, and how many of them for one that went in, all by [`Limits`]. A step gives at most
//! [`STEP`] bytes, so that a bomb is seen before it goes off. Windows are at most 8 MiB for zstd (RFC 9659) and 16 MiB for brotli (RFC 7932, without
//! large windows): [`Codings::memory`]. A stream without codings is not copied.
//!
//! Whoever wants the plain bytes only to look at them has [`Decoder::read`], which a body without codings goes through too.
//!
//! What follows the last member of gzip and is none is left unread, as browsers leave it; so is what follows the end of a brotli or deflate stream.

use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};
use flate2::{Decompress, FlushDecompress, Status};
use smallvec::SmallVec;
use std::ops::ControlFlow;
use zstd::stream::raw::{DParameter, Decoder as Zstd, Operation};

/// The most bytes that one step gives.
pub const STEP: usize = 8192;
/// The largest window of zstd, as a power of two (RFC 9659).
const ZSTD_WINDOW: u32 = 23;

/// How far a body is decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most bytes that come out.
    pub bytes: u64,
    /// The most bytes that come out for one that went in.
    pub ratio: u64,
    /// From how many bytes on the ratio counts: what is short may be as dense as it likes.
    pub ratio_from: u64,
    /// The most codings one upon another.
    pub layers: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 64 << 20, ratio: 200, ratio_from: 1 << 20, layers: 3 }
    }
}

/// A coding that can be undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// RFC 1952.
    Gzip,
    /// RFC 1950, or RFC 1951 alone, as some servers send it.
    Deflate,
    /// RFC 7932.
    Brotli,
    /// RFC 8878.
    Zstd,
}

impl Coding {
    /// Those that can be undone, by their names in HTTP.
    pub const NAMES: [(&str, Self); 5] = [("gzip", Self::Gzip), ("x-gzip", Self::Gzip), ("deflate", Self::Deflate), ("br", Self::Brotli), ("zstd", Self::Zstd)];

    /// The coding of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, coding)| *coding)
    }

    /// What it takes to undo a coding that takes little, in bytes.
    pub const SMALL: usize = 64 << 10;

    /// The most memory it takes to undo it, in bytes: its window, and for brotli the prefix codes of as many block types as there may be (RFC 7932
    /// section 9.2), which come to 3.4 MiB.
    #[must_use]
    pub fn memory(self) -> usize {
        match self {
            Self::Gzip | Self::Deflate => Self::SMALL,
            Self::Zstd => 9 << 20,
            Self::Brotli => 20 << 20,
        }
    }

    /// Whether it takes little to undo it.
    #[must_use]
    pub fn is_small(self) -> bool {
        self.memory() <= Self::SMALL
    }
}

/// The codings of a body, one upon another, in the order they were put on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Codings(SmallVec<[Coding; 4]>);

impl Codings {
    /// What these `Content-Encoding` fields say, of which `most` may lie upon one another.
    ///
    /// # Errors
    /// If a coding is not known here, or there are too many.
    pub fn of<'a>(fields: impl Iterator<Item = &'a [u8]>, most: usize) -> Result<Self, Unreadable> {
        let mut codings = Self::default();
        for name in fields.flat_map(|field| field.split(|byte| *byte == b',')).map(<[u8]>::trim_ascii) {
            if name.is_empty() || name.eq_ignore_ascii_case(b"identity") {
                continue;
            }
            let text = String::from_utf8_lossy(name);
            codings.0.push(Coding::named(&text).ok_or_else(|| Unreadable::Unknown(text.chars().take(40).collect()))?);
            if codings.0.len() > most {
                return Err(Unreadable::Layers(most));
            }
        }
        Ok(codings)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.0.is_empty()
    }

    /// The most memory it takes to undo them, in bytes.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.0.iter().map(|coding| coding.memory()).sum()
    }

    /// The one there is; none, where there is none or there are several.
    #[must_use]
    pub fn only(&self) -> Option<Coding> {
        match self.0.as_slice() {
            [only] => Some(*only),
            _ => None,
        }
    }
}

impl From<Coding> for Codings {
    fn from(only: Coding) -> Self {
        Self(SmallVec::from_slice(&[only]))
    }
}

/// Why a body cannot be read, or not to its end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// A coding nobody here knows.
    #[error("it is coded in a way that cannot be undone here: {0}")]
    Unknown(Box<str>),
    /// Too many codings.
    #[error("it is coded more than {0} times")]
    Layers(usize),
    /// Not what its coding says.
    #[error("its bytes are not what its coding says")]
    Broken,
    /// Too many bytes come out.
    #[error("it holds more than {0} bytes")]
    TooLarge(u64),
    /// Far more comes out than went in.
    #[error("it unpacks to more than {0} times its size")]
    TooDense(u64),
    /// Too many others are being decoded.
    #[error("too many others are being read")]
    Busy,
}

/// Undoes the codings of one body.
pub struct Decoder {
    /// The coding put on last first.
    layers: SmallVec<[Layer; 1]>,
    limits: Limits,
    read: u64,
}

/// One coding, and what has come out of it for the next to read.
struct Layer {
    undo: Undo,
    given: u64,
    /// What has come out and was not read by the next yet, from `taken` on. Empty in the last.
    out: Vec<u8>,
    taken: usize,
}

enum Undo {
    Gzip(Box<Gzip>),
    Deflate(Box<Deflate>),
    Brotli(Box<BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>>),
    Zstd(Box<Frames>),
    /// The stream is over; what follows means nothing.
    Over,
}

/// Where a gzip stream stands.
struct Gzip {
    state: Decompress,
    between: Between,
}

/// Whether the reader is in a member of a gzip stream.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Between {
    Inside,
    /// At the first byte after a member.
    Members,
    /// The first byte after a member was that of another.
    Half,
}

/// Where a zstd stream stands.
struct Frames {
    state: Zstd<'static>,
    /// Whether the next byte begins a frame.
    between: bool,
}

struct Deflate {
    state: Decompress,
    /// What was read while it might yet turn out to be without its wrapper.
    first: SmallVec<[u8; 2]>,
    begun: bool,
}

/// The two bytes a gzip member begins with.
const MAGIC: [u8; 2] = [0x1f, 0x8b];

impl Decoder {
    /// For a body with these `Content-Encoding` fields.
    ///
    /// # Errors
    /// If a coding is not known here, or there are too many.
    pub fn new<'a>(fields: impl Iterator<Item = &'a str>, limits: Limits) -> Result<Self, Unreadable> {
        Self::of(&Codings::of(fields.map(str::as_bytes), limits.layers)?, limits)
    }

    /// For a body with these codings.
    ///
    /// # Errors
    /// If there is no memory for it.
    pub fn of(codings: &Codings, limits: Limits) -> Result<Self, Unreadable> {
        let layers = codings.0.iter().rev().map(|coding| Layer::new(*coding)).collect::<Result<_, _>>()?;
        Ok(Self { layers, limits, read: 0 })
    }

    /// For a body without codings.
    #[must_use]
    pub fn plain() -> Self {
        Self { layers: SmallVec::new(), limits: Limits::default(), read: 0 }
    }

    /// Whether bytes come out as they go in.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.layers.is_empty()
    }

    /// Reads some of `input`, takes that off its front, and adds what comes out to `out`: at most [`STEP`] bytes. When nothing more comes out, all of
    /// `input` was read. Of a plain body, nothing is read: what goes in is what would come out.
    ///
    /// # Errors
    /// If the body cannot be read, or a limit is reached. What came out until then is right; the decoder is of no more use.
    pub fn step(&mut self, input: &mut &[u8], out: &mut Vec<u8>) -> Result<Stepped, Unreadable> {
        let last = self.layers.len().checked_sub(1).ok_or(Unreadable::Broken)?;
        loop {
            // From the last to the first: one that still has something to read for the next comes after that.
            let mut place = last;
            let moved = loop {
                let (before, from_here) = self.layers.split_at_mut(place);
                let layer = &mut from_here[0];
                let (read, given) = match before.last_mut() {
                    None => {
                        let (read, given) = layer.step(input, (place == last).then_some(&mut *out))?;
                        *input = &input[read..];
                        self.read += read as u64;
                        (read, given)
                    }
                    Some(earlier) => {
                        let (read, given) = layer.step(&earlier.out[earlier.taken..], (place == last).then_some(&mut *out))?;
                        earlier.took(read);
                        (read, given)
                    }
                };
                self.check(place)?;
                if place == last && given > 0 {
                    return Ok(Stepped::More);
                }
                if read > 0 || given > 0 {
                    break true;
                }
                match place.checked_sub(1) {
                    Some(earlier) => place = earlier,
                    None => break false,
                }
            };
            if !moved {
                return Ok(Stepped::Drained);
            }
        }
    }

    /// Reads all of `input` and gives what comes out to `take`, at most [`STEP`] bytes at a time where it was coded, until that has enough. `room` is for
    /// that; what is in it means nothing.
    ///
    /// # Errors
    /// If the body cannot be read any further. What was given until then is right; the decoder is of no more use.
    pub fn read(&mut self, mut input: &[u8], room: &mut Vec<u8>, take: &mut dyn FnMut(&[u8]) -> ControlFlow<()>) -> Result<(), Unreadable> {
        if self.is_plain() {
            let _ = take(input);
            return Ok(());
        }
        loop {
            room.clear();
            let stepped = self.step(&mut input, room);
            if !room.is_empty() && take(room).is_break() {
                return Ok(());
            }
            if stepped? == Stepped::Drained {
                return Ok(());
            }
        }
    }

    fn check(&self, place: usize) -> Result<(), Unreadable> {
        let (given, Limits { bytes, ratio, ratio_from, .. }) = (self.layers[place].given, self.limits);
        if given > bytes {
            return Err(Unreadable::TooLarge(bytes));
        }
        if given > ratio_from && given > self.read.saturating_mul(ratio) {
            return Err(Unreadable::TooDense(ratio));
        }
        Ok(())
    }
}

/// What a step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stepped {
    /// Something came out, and more may.
    More,
    /// All was read and nothing is left to come out.
    Drained,
}

impl Layer {
    fn new(coding: Coding) -> Result<Self, Unreadable> {
        let undo = match coding {
            Coding::Gzip => Undo::Gzip(Box::new(Gzip { state: Decompress::new_gzip(15), between: Between::Inside })),
            Coding::Deflate => Undo::Deflate(Box::new(Deflate { state: Decompress::new(true), first: SmallVec::new(), begun: false })),
            Coding::Brotli => {
                let alloc = StandardAlloc::default;
                Undo::Brotli(Box::new(BrotliState::new_strict(alloc(), alloc(), alloc())))
            }
            Coding::Zstd => {
                let mut state = Zstd::new().map_err(|_| Unreadable::Busy)?;
                state.set_parameter(DParameter::WindowLogMax(ZSTD_WINDOW)).map_err(|_| Unreadable::Broken)?;
                Undo::Zstd(Box::new(Frames { state, between: true }))
            }
        };
        Ok(Self { undo, given: 0, out: Vec::new(), taken: 0 })
    }

    fn took(&mut self, read: usize) {
        self.taken += read;
        if self.taken == self.out.len() {
            self.out.clear();
            self.taken = 0;
        }
    }

    /// How much was read and how much came out: into `out`, or into its own for the next, if that is empty.
    fn step(&mut self, input: &[u8], out: Option<&mut Vec<u8>>) -> Result<(usize, usize), Unreadable> {
        let out = match out {
            Some(out) => out,
            None if self.out.is_empty() => &mut self.out,
            None => return Ok((0, 0)),
        };
        let mut room = [0; STEP];
        let (read, given) = self.undo.step(input, &mut room)?;
        out.extend_from_slice(&room[..given]);
        self.given += given as u64;
        Ok((read, given))
    }
}

impl Undo {
    /// How much was read, and how much of `room` was filled. Neither: more is needed, or nothing more will come.
    fn step(&mut self, input: &[u8], room: &mut [u8]) -> Result<(usize, usize), Unreadable> {
        let (moved, over) = match self {
            Self::Gzip(gzip) => gzip.step(input, room)?,
            Self::Deflate(deflate) => deflate.step(input, room)?,
            Self::Brotli(state) => {
                let (mut left, mut read, mut free, mut given, mut all) = (input.len(), 0, room.len(), 0, 0);
                match BrotliDecompressStream(&mut left, &mut read, input, &mut free, &mut given, room, &mut all, state) {
                    BrotliResult::ResultFailure => return Err(Unreadable::Broken),
                    BrotliResult::ResultSuccess => ((read, given), true),
                    BrotliResult::NeedsMoreInput | BrotliResult::NeedsMoreOutput => ((read, given), false),
                }
            }
            Self::Zstd(frames) => (frames.step(input, room)?, false),
            Self::Over => ((input.len(), 0), false),
        };
        if over {
            *self = Self::Over;
        }
        Ok(moved)
    }
}

impl Frames {
    /// A frame that follows another goes on by itself. The first byte of each is given alone: a frame that is there whole is otherwise undone at once, by other rules
    /// (whether it is as long as it says is looked at then, and not where it comes in pieces and ends in an empty block).
    fn step(&mut self, input: &[u8], room: &mut [u8]) -> Result<(usize, usize), Unreadable> {
        let input = if self.between { &input[..input.len().min(1)] } else { input };
        let status = self.state.run_on_buffers(input, room).map_err(|_| Unreadable::Broken)?;
        if status.bytes_read > 0 || status.bytes_written > 0 {
            self.between = status.remaining == 0;
        }
        Ok((status.bytes_read, status.bytes_written))
    }
}

/// Runs zlib once: what was read, what came out, and whether the stream is over.
fn inflate(state: &mut Decompress, input: &[u8], room: &mut [u8]) -> Result<((usize, usize), bool), Unreadable> {
    let (read, given) = (state.total_in(), state.total_out());
    let status = state.decompress(input, room, FlushDecompress::None);
    let moved = |from: u64, to: u64| usize::try_from(to - from).unwrap_or(usize::MAX);
    let moved = (moved(read, state.total_in()), moved(given, state.total_out()));
    match status {
        Ok(Status::StreamEnd) => Ok((moved, true)),
        Ok(Status::Ok | Status::BufError) => Ok((moved, false)),
        // What came out before the damage is given first; the state says so again.
        Err(_) if moved.1 > 0 => Ok((moved, false)),
        Err(_) => Err(Unreadable::Broken),
    }
}

impl Gzip {
    fn step(&mut self, input: &[u8], room: &mut [u8]) -> Result<((usize, usize), bool), Unreadable> {
        match (self.between, input.first()) {
            (Between::Inside, _) => {
                let (moved, over) = inflate(&mut self.state, input, room)?;
                if over {
                    self.between = Between::Members;
                }
                Ok((moved, false))
            }
            (Between::Members | Between::Half, None) => Ok(((0, 0), false)),
            (Between::Members, Some(byte)) if *byte == MAGIC[0] => {
                self.between = Between::Half;
                Ok(((1, 0), false))
            }
            (Between::Half, Some(byte)) if *byte == MAGIC[1] => {
                self.state = Decompress::new_gzip(15);
                self.between = Between::Inside;
                let ((_, given), _) = inflate(&mut self.state, &MAGIC, room)?;
                Ok(((1, given), false))
            }
            (Between::Members | Between::Half, Some(_)) => Ok(((input.len(), 0), true)),
        }
    }
}

impl Deflate {
    fn step(&mut self, input: &[u8], room: &mut [u8]) -> Result<((usize, usize), bool), Unreadable> {
        if self.begun {
            return inflate(&mut self.state, input, room);
        }
        // The two bytes of the wrapper tell themselves apart from a stream that has none (RFC 1950 section 2.2).
        let Some((byte, _)) = input.split_first() else { return Ok(((0, 0), false)) };
        self.first.push(*byte);
        if self.first.len() < 2 {
            return Ok(((1, 0), false));
        }
        let (method, flags) = (self.first[0], self.first[1]);
        if method & 0x0f != 8 || (u16::from(method) << 8 | u16::from(flags)) % 31 != 0 {
            self.state = Decompress::new(false);
        }
        self.begun = true;
        let ((_, given), over) = inflate(&mut self.state, &self.first, room)?;
        Ok(((1, given), over))
    }
}

#[cfg(test)]
mod tests;
