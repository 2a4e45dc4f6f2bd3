//! What the first bytes of a file say it is.

use super::formats::{FORMATS, Format, Mark};
use super::tar;

/// As many bytes as are looked at: a block of tar.
pub const LOOKED_AT: usize = 512;
/// The marks that a file is a page begin with these (WHATWG MIME Sniffing, section 7.1), in capitals.
const TAGS: [&[u8]; 17] = [
    b"<!DOCTYPE HTML", b"<HTML", b"<HEAD", b"<SCRIPT", b"<IFRAME", b"<H1", b"<DIV", b"<FONT", b"<TABLE", b"<A", b"<STYLE", b"<TITLE", b"<B", b"<BODY", b"<BR",
    b"<P", b"<!--",
];

/// How programs for DOS and Windows begin: with two letters that a text may begin with too.
const MZ: &[u8] = b"MZ";

/// What is known from so many bytes.
#[derive(Clone, Copy, Debug)]
pub enum Sniffed {
    /// This.
    As(&'static Format),
    /// None that is known.
    Nothing,
    /// Something that the bytes so far may begin; more are needed.
    Open,
}

impl Sniffed {
    /// The format, if one is known.
    #[must_use]
    pub fn format(self) -> Option<&'static Format> {
        match self {
            Self::As(format) => Some(format),
            Self::Nothing | Self::Open => None,
        }
    }
}

/// Looks at the first bytes of a file. `whole` says that no more will come, or that no more are looked at.
#[must_use]
pub fn sniff(head: &[u8], whole: bool) -> Sniffed {
    let whole = whole || head.len() >= LOOKED_AT;
    let mut open = false;
    for format in FORMATS {
        let fits = format.marks.iter().map(|mark| if mark.bytes == MZ { program(head) } else { fit(mark, head) });
        match fits.max().unwrap_or(Fit::No) {
            // An earlier one might fit yet.
            Fit::Yes if !open || whole => return Sniffed::As(format),
            Fit::Yes | Fit::Open => open = true,
            Fit::No => {}
        }
    }
    if whole && tar::is_header(head) {
        return super::formats::called("a tar archive").map_or(Sniffed::Nothing, Sniffed::As);
    }
    if whole { Sniffed::Nothing } else { Sniffed::Open }
}

/// Whether so few bytes can still become a format that is known by its very first ones. What is known by later ones, such as tar, can always.
#[must_use]
pub fn may_begin_one(head: &[u8]) -> bool {
    let marks = FORMATS.iter().flat_map(|format| format.marks).filter(|mark| mark.at <= 8);
    let fits: Vec<_> = marks.filter(|mark| mark.at < head.len() || mark.at == 0).map(|mark| fit(mark, head)).collect();
    fits.iter().any(|fit| *fit != Fit::No)
}

/// Whether a browser that is not told what it is takes this for a page.
#[must_use]
pub fn is_page(head: &[u8]) -> bool {
    let start = head.iter().position(|byte| !matches!(byte, b'\t' | b'\n' | 0x0c | b'\r' | b' ')).unwrap_or(head.len());
    let text = &head[start..];
    let is = |tag: &[u8]| text.get(..tag.len()).is_some_and(|start| start.eq_ignore_ascii_case(tag));
    TAGS.iter().any(|tag| is(tag) && (*tag == b"<!--" || matches!(text.get(tag.len()), Some(b' ' | b'>'))))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    No,
    Open,
    Yes,
}

/// A program's head has small numbers in it, which no text has.
fn program(head: &[u8]) -> Fit {
    let numbers = head.get(2..64.min(head.len())).unwrap_or_default();
    match head {
        [b'M', b'Z', ..] if numbers.iter().any(|byte| *byte < 9) => Fit::Yes,
        [b'M', b'Z', ..] if head.len() >= 64 => Fit::No,
        [b'M', b'Z', ..] | [b'M'] | [] => Fit::Open,
        _ => Fit::No,
    }
}

fn fit(mark: &Mark, head: &[u8]) -> Fit {
    let there = head.get(mark.at..).unwrap_or_default();
    let same = |(at, byte): (usize, &u8)| {
        let mask = mark.mask.get(at).copied().unwrap_or(0xff);
        byte & mask == mark.bytes[at] & mask
    };
    if !there.iter().take(mark.bytes.len()).enumerate().all(same) {
        Fit::No
    } else if there.len() < mark.bytes.len() {
        Fit::Open
    } else {
        Fit::Yes
    }
}
