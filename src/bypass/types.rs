//! Pages and programs that are sent as pictures, sounds or fonts: how some web proxies hide their files.

use super::{Code, Finding};

/// As many bytes as are looked at.
pub const LOOKED_AT: usize = 512;
/// How pages begin, in capitals (WHATWG MIME Sniffing section 7.1; those that no text begins with by chance).
const PAGES: [&[u8]; 6] = [b"<!DOCTYPE HTML", b"<HTML", b"<HEAD", b"<SCRIPT", b"<BODY", b"<IFRAME"];
/// How WebAssembly begins.
const WASM: &[u8] = b"\0asm";
/// How programs begin that a bundler or a person wrote.
const PROGRAMS: [&[u8]; 10] =
    [b"(()=>", b"(function", b"!function", b"\"use strict\"", b"'use strict'", b"import ", b"importScripts(", b"const ", b"var ", b"self.__"];

/// Looks at the first bytes of a body that says it is of this type, without its codings. The host is not looked at: ask only of sites that no list knows.
#[must_use]
pub fn lie(declared: &str, first: &[u8]) -> Option<Finding> {
    let name = declared.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_media = ["image/", "audio/", "font/", "video/"].iter().any(|kind| name.starts_with(kind));
    // A picture of lines and letters is a text with tags.
    if !is_media || name == "image/svg+xml" {
        return None;
    }
    let begins = first.trim_ascii_start();
    let begins = begins.strip_prefix(b"\xef\xbb\xbf").unwrap_or(begins);
    let is = |marks: &[&[u8]], same: fn(&[u8], &[u8]) -> bool| marks.iter().any(|mark| begins.get(..mark.len()).is_some_and(|start| same(start, mark)));
    let what = if first.starts_with(WASM) {
        "WebAssembly"
    } else if is(&PAGES, <[u8]>::eq_ignore_ascii_case) {
        "a page"
    } else if is(&PROGRAMS, |a, b| a == b) {
        "a script"
    } else {
        return None;
    };
    Some(Finding::new(Code::TypeLie, &format!("{what} that says it is {name}")))
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
}
