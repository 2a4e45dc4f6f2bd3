//! Pages and programs that are sent as pictures, sounds or fonts: how some web proxies hide their files.

use super::{Code, Finding};

/// As many bytes as are looked at.
pub const LOOKED_AT: usize = 512;
/// How pages begin, in capitals (WHATWG MIME Sniffing section 7.1; those that no text begins with by chance).
const PAGES: [&[u8]; 6] = [b"<!DOCTYPE HTML", b"<HTML", b"<HEAD", b"<SCRIPT", b"<BODY", b"<IFRAME"];
/// How WebAssembly begins.
const WASM: &[u8] = b"\0asm";
/// How programs begin that a bundler or a person wrote.
const PROGRAMS: [&[u8]; 13] = [
    b"(()=>", b"(function", b"!function", b"\"use strict\"", b"'use strict'", b"import ", b"importScripts(", b"const ", b"var ", b"let ", b"self.__", b"/*",
    b"//",
];
/// The mark of UTF-8.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// What bytes turn out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// A page.
    Page,
    /// A script.
    Script,
    /// WebAssembly.
    Wasm,
}

impl What {
    /// Whether it may hold names that are told by their letters.
    #[must_use]
    pub fn is_text(self) -> bool {
        matches!(self, Self::Page | Self::Script)
    }

    fn words(self) -> &'static str {
        match self {
            Self::Page => "a page",
            Self::Script => "a script",
            Self::Wasm => "WebAssembly",
        }
    }
}

/// What a body is whose first bytes are these, if it is a page or a program.
#[must_use]
pub fn sniff(first: &[u8]) -> Option<What> {
    if first.starts_with(WASM) {
        return Some(What::Wasm);
    }
    let begins = first.trim_ascii_start();
    let begins = begins.strip_prefix(MARK).unwrap_or(begins).trim_ascii_start();
    let is = |marks: &[&[u8]], same: fn(&[u8], &[u8]) -> bool| marks.iter().any(|mark| begins.get(..mark.len()).is_some_and(|start| same(start, mark)));
    if is(&PAGES, <[u8]>::eq_ignore_ascii_case) {
        Some(What::Page)
    } else if is(&PROGRAMS, |a, b| a == b) {
        Some(What::Script)
    } else {
        None
    }
}

/// Whether a body of which this has come may turn out to be one yet.
#[must_use]
pub fn may_become(first: &[u8]) -> bool {
    let begins = first.trim_ascii_start();
    let begins = begins.strip_prefix(MARK).unwrap_or(begins).trim_ascii_start();
    let may = |mark: &[u8]| mark.get(..begins.len()).is_some_and(|start| start.eq_ignore_ascii_case(begins));
    WASM.starts_with(first) || MARK.starts_with(begins) || PAGES.iter().chain(&PROGRAMS).any(|mark| may(mark))
}

/// That a body is this though it says that it is of this type.
#[must_use]
pub fn lie_of(declared: &str, what: What) -> Option<Finding> {
    let name = declared.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_media = ["image/", "audio/", "font/", "video/"].iter().any(|kind| name.starts_with(kind));
    // A picture of lines and letters is a text with tags.
    (is_media && name != "image/svg+xml").then(|| Finding::new(Code::TypeLie, &format!("{} that says it is {name}", what.words())))
}

/// Looks at the first bytes of a body that says it is of this type, without its codings. The host is not looked at: ask only of sites that no list knows.
#[must_use]
pub fn lie(declared: &str, first: &[u8]) -> Option<Finding> {
    lie_of(declared, sniff(first)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_picture_is_told() {
        for (declared, first) in [
            ("image/vnd.microsoft.icon", &b"<!doctype html><html>"[..]),
            ("image/png; x=y", b"\0asm\x01\0\0\0"),
            ("audio/mpeg", b"  \n(()=>{var e"),
            ("image/gif", b"/* GIF89a */"),
            ("Font/woff2", b"\xef\xbb\xbfself.__uv$config={"),
        ] {
            assert_eq!(lie(declared, first).map(|found| found.code), Some(Code::TypeLie), "{declared}");
        }
        for (declared, first) in [
            ("image/png", &b"\x89PNG\r\n\x1a\n"[..]),
            ("image/svg+xml", b"<svg><script>"),
            ("text/html", b"<!doctype html>"),
            ("image/gif", b""),
            ("image/jpeg", b"constant"),
            ("application/octet-stream", b"\0asm"),
        ] {
            assert_eq!(lie(declared, first), None, "{declared}");
        }
    }

    #[test]
    fn what_may_become_one_is_waited_for_and_no_longer() {
        for (first, expected) in [
            (&b""[..], true),
            (b"  <", true),
            (b"<!do", true),
            (b"\0as", true),
            (b"\xef\xbb", true),
            (b"\xef\xbb\xbf \n(fun", true),
            (b"\x89P", false),
            (b"GIF", false),
            (b"<svg", false),
            (b"constant", false),
        ] {
            assert_eq!(may_become(first), expected, "{first:?}");
        }
    }
}
