//! What the body of an answer is, read as it passes: a web proxy's program, what a bare server says of itself, and what is not what it says it is.
//!
//! | declared as | is read for |
//! | --- | --- |
//! | a page, a script, a plain text, a picture of tags, nothing | names of web proxies' programs ([`super::kits`]), in its first 512 KiB |
//! | JSON, and any of these that begins as it | what a bare server says of itself ([`bare`]), if it is no longer than that |
//! | a picture, a sound, a film, a font, of a site that no list knows | its first bytes; if they are a page or a program, that is a lie ([`types`]), and it is read on for names |
//! | bytes of no kind | its first bytes; if they are a page or a program, it is read on for names, for browsers run it |
//!
//! It takes no memory but for its first bytes and for JSON, and then as much as a bare server says at most.

use super::kits::Kits;
use super::{Finding, bare, types};

/// What one body is read for.
#[derive(Clone, Debug)]
pub struct Body {
    how: How,
    /// What begins as JSON is kept, as long as it is not too long.
    json: Option<Vec<u8>>,
    kits: Kits,
    lie: Option<Finding>,
}

#[derive(Clone, Debug)]
enum How {
    /// For names.
    Program,
    /// Its beginning is waited for, to see whether it is a page or a program. Whether that would be a lie is said by the type it has; none, where it has none.
    Unsure(Option<Box<str>>, Vec<u8>),
    /// Nothing more is found in it.
    Over,
}

impl Body {
    /// What a body of this `Content-Type` is read for; nothing, mostly. `is_known`: a list knows the site.
    #[must_use]
    pub fn of(declared: Option<&str>, is_known: bool) -> Option<Self> {
        let name = declared.map_or("", |declared| declared.split(';').next().unwrap_or_default().trim());
        let is = |names: &[&str]| names.iter().any(|one| name.eq_ignore_ascii_case(one));
        let begins = |kind: &str| name.get(..kind.len()).is_some_and(|start| start.eq_ignore_ascii_case(kind));
        let mut json = None;
        let how = if is(&PROGRAMS) {
            json = Some(Vec::new());
            How::Program
        } else if is(&["application/json", "text/json"]) {
            json = Some(Vec::new());
            How::Over
        } else if is(&["application/octet-stream", "binary/octet-stream", "application/x-binary"]) {
            How::Unsure(None, Vec::new())
        } else if !is_known && MEDIA.into_iter().any(begins) {
            How::Unsure(Some(name.into()), Vec::new())
        } else {
            return None;
        };
        Some(Self { how, json, kits: Kits::default(), lie: None })
    }

    /// More of it, without its codings. Something is said where it is known to be more than before.
    pub fn feed(&mut self, bytes: &[u8]) -> Option<Finding> {
        if let Some(kept) = &mut self.json {
            if kept.len() + bytes.len() > bare::LONGEST || kept.is_empty() && !begins_as_object(bytes) {
                self.json = None;
            } else {
                kept.extend_from_slice(bytes);
            }
        }
        match &mut self.how {
            How::Over => None,
            How::Program => {
                let before = self.kits.names();
                self.kits.feed(bytes);
                if self.kits.is_over() {
                    self.how = How::Over;
                }
                if self.kits.names() > before { self.kits.finding() } else { None }
            }
            How::Unsure(declared, first) => {
                let room = types::LOOKED_AT - first.len();
                // Mostly all of its beginning comes at once, and nothing is kept.
                let whole = bytes.len() >= room && first.is_empty();
                let seen = if whole {
                    &bytes[..room]
                } else {
                    first.extend_from_slice(&bytes[..bytes.len().min(room)]);
                    &first[..]
                };
                let what = types::sniff(seen);
                if what.is_none() && seen.len() < types::LOOKED_AT && types::may_become(seen) {
                    return None;
                }
                let lie = what.and_then(|what| declared.as_deref().and_then(|declared| types::lie_of(declared, what)));
                let (before, rest) = if whole { (Vec::new(), bytes) } else { (std::mem::take(first), &bytes[bytes.len().min(room)..]) };
                self.how = if what.is_some_and(types::What::is_text) { How::Program } else { How::Over };
                self.lie.clone_from(&lie);
                let named = [&before[..], rest].into_iter().filter_map(|part| self.feed(part)).last();
                named.or(lie)
            }
        }
    }

    /// It is over: the strongest of all that was found.
    pub fn end(&mut self) -> Option<Finding> {
        if let Some(said) = self.json.take().and_then(|kept| bare::in_manifest(&kept)) {
            return Some(said);
        }
        match std::mem::replace(&mut self.how, How::Over) {
            How::Unsure(declared, first) => {
                let lie = types::sniff(&first).and_then(|what| types::lie_of(declared.as_deref()?, what));
                self.kits.feed(&first);
                self.kits.finding().or(lie)
            }
            How::Program | How::Over => self.kits.finding().or_else(|| self.lie.take()),
        }
    }
}

/// What is read for names from its first byte. What says nothing of itself is read by browsers as what it looks like.
const PROGRAMS: [&str; 16] = [
    "", "text/html", "application/xhtml+xml", "text/javascript", "application/javascript", "application/x-javascript", "application/ecmascript",
    "text/ecmascript", "text/jscript", "text/x-javascript", "text/plain", "*/*", "unknown/unknown", "text/xml", "application/xml", "image/svg+xml",
];
const MEDIA: [&str; 4] = ["image/", "audio/", "video/", "font/"];

fn begins_as_object(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().first().is_none_or(|first| *first == b'{')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bypass::{Certainty, Code};
    use proptest::prelude::*;

    fn read(declared: Option<&str>, is_known: bool, body: &[u8], size: usize) -> Option<(Code, Certainty)> {
        let mut reading = Body::of(declared, is_known)?;
        body.chunks(size).for_each(|piece| drop(reading.feed(piece)));
        reading.end().map(|found| (found.code, found.certainty))
    }

    const KIT: &str = "self.__uv$config = {}; importScripts(); new UVServiceWorker();";
    const PAGE: &str = "<!doctype html><title>Maths</title><script src=a.js></script>";

    #[test]
    fn each_kind_is_read_for_what_it_may_be() {
        let manifest = r#"{"versions":["v1","v2","v3"],"language":"NodeJS","memoryUsage":21.53}"#;
        let near = Some((Code::KitText, Certainty::Near));
        let lie = Some((Code::TypeLie, Certainty::Scores(4)));
        let long = format!("{}{KIT}", " ".repeat(600));
        for (declared, is_known, body, expected) in [
            (Some("text/javascript; charset=utf-8"), true, KIT, near),
            (Some("Text/HTML"), false, KIT, near),
            (None, false, KIT, near),
            (Some("text/plain"), false, "self.__uv$config = {}", Some((Code::KitText, Certainty::Scores(8)))),
            (Some("application/json"), true, manifest, Some((Code::BareServer, Certainty::Near))),
            (Some("application/json"), true, "[1]", None),
            (Some("text/plain"), true, manifest, Some((Code::BareServer, Certainty::Near))),
            (Some("application/json"), true, KIT, None),
            (Some("image/svg+xml"), true, KIT, near),
            (Some("image/x-icon"), false, PAGE, lie),
            // What it hides is worth more than that it hides.
            (Some("image/x-icon"), false, &format!("(()=>{{{KIT}}})()"), near),
            (Some("image/x-icon"), true, PAGE, None),
            (Some("image/svg+xml"), false, PAGE, None),
            (Some("image/png"), false, "\u{89}PNG", None),
            (Some("image/png"), false, "", None),
            (Some("application/octet-stream"), true, &format!("(()=>{{{KIT}}})()"), near),
            (Some("application/octet-stream"), true, PAGE, None),
            (Some("application/octet-stream"), true, &long, None),
            (Some("text/css"), false, KIT, None),
        ] {
            for size in [1, 7, 10_000] {
                assert_eq!(read(declared, is_known, body.as_bytes(), size), expected, "{declared:?} {body} {size}");
            }
        }
    }

    #[test]
    fn it_is_said_as_soon_as_it_is_known_and_once() {
        let mut reading = Body::of(Some("text/javascript"), false).expect("read");
        let said = KIT.as_bytes().chunks(4).filter_map(|piece| reading.feed(piece)).map(|found| found.certainty).collect::<Vec<_>>();
        assert_eq!(said, [Certainty::Scores(8), Certainty::Near]);
        let mut reading = Body::of(Some("image/png"), false).expect("read");
        assert_eq!(reading.feed(PAGE.as_bytes()).map(|found| found.code), Some(Code::TypeLie));
        assert_eq!(reading.feed(PAGE.as_bytes()), None);
    }

    #[test]
    fn little_is_kept() {
        let mut json = Body::of(Some("application/json"), false).expect("read");
        (0..100).for_each(|_| drop(json.feed(b"{                                       ")));
        assert!(json.json.as_ref().is_some_and(|kept| kept.len() == 4000));
        (0..100).for_each(|_| drop(json.feed(b"                                        ")));
        assert!(json.json.is_none());
        let mut picture = Body::of(Some("image/png"), false).expect("read");
        (0..1000).for_each(|_| drop(picture.feed(b"          ")));
        assert!(!matches!(&picture.how, How::Unsure(_, first) if first.len() > types::LOOKED_AT));
    }

    proptest! {
        #[test]
        fn cuts_do_not_matter(
            declared in prop::sample::select(vec!["text/html", "application/json", "image/png", "application/octet-stream", ""]),
            body in prop::collection::vec(prop::sample::select(vec![" ", "<!doctype html>", "__uv$config", "bare-mux-worker", "var ", "{", "x", "\0asm", "\u{feff}"]), 0..12),
            size in 1..40_usize,
        ) {
            let body = body.concat();
            prop_assert_eq!(read(Some(declared), false, body.as_bytes(), size), read(Some(declared), false, body.as_bytes(), 1 << 20));
        }
    }
}
