//! Bytes of a body to text. Pure; fed a piece at a time, indifferent to where it is cut.
//!
//! The encoding is, first that says one: a byte order mark; the `charset` of the `Content-Type`; of HTML, `<meta charset>` or `<meta content>` in the
//! first [`PRESCAN`] bytes; else UTF-8 if those are UTF-8 and not only ASCII; else windows-1252 in HTML and UTF-8 elsewhere. Browsers do the same (WHATWG
//! HTML, "determining the character encoding"), but for the guess at UTF-8, which some make and some do not.
//!
//! What cannot be decoded becomes U+FFFD, which parts words. UTF-7 is no encoding (WHATWG Encoding) and is read as its default.

use encoding_rs::{CoderResult, Decoder, Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252, X_USER_DEFINED};

/// How much of a page is looked at for what it says of its encoding.
pub const PRESCAN: usize = 1024;
/// How much is decoded at once.
const PIECE: usize = 4096;

/// What stands in for the encoding that nobody says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsaid {
    /// A page: it may say so itself, else windows-1252.
    Page,
    /// UTF-8.
    Utf8,
}

/// Decodes a body as it comes.
pub struct Charset {
    stage: Stage,
}

enum Stage {
    /// The beginning, until the encoding is known.
    Head {
        held: Vec<u8>,
        header: Option<&'static Encoding>,
        unsaid: Unsaid,
    },
    Decoding {
        decoder: Decoder,
        piece: Box<str>,
    },
}

impl Charset {
    /// For a body with this `charset` in its header.
    #[must_use]
    pub fn new(label: Option<&str>, unsaid: Unsaid) -> Self {
        let header = label.and_then(|label| Encoding::for_label_no_replacement(label.trim().as_bytes()));
        Self { stage: Stage::Head { held: Vec::new(), header, unsaid } }
    }

    /// Decodes more of the body. `take` gets text in pieces.
    pub fn feed(&mut self, mut bytes: &[u8], take: &mut impl FnMut(&str)) {
        if let Stage::Head { held, header, unsaid } = &mut self.stage {
            let wanted = match (*header, *unsaid) {
                (None, Unsaid::Page) => PRESCAN,
                // As long as the longest byte order mark.
                (Some(_), _) | (None, Unsaid::Utf8) => 3,
            };
            let taken = bytes.len().min(wanted.saturating_sub(held.len()));
            held.extend_from_slice(&bytes[..taken]);
            bytes = &bytes[taken..];
            if held.len() < wanted {
                return;
            }
            self.decide(take);
        }
        self.decode(bytes, Last::No, take);
    }

    /// Whether the encoding is known. Until then nothing comes out.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        !matches!(self.stage, Stage::Head { .. })
    }

    /// Takes what has come for all there is to know the encoding by: nothing more comes for a while.
    pub fn settle(&mut self, take: &mut impl FnMut(&str)) {
        self.decide(take);
    }

    /// The body is over.
    pub fn end(&mut self, take: &mut impl FnMut(&str)) {
        self.decide(take);
        self.decode(&[], Last::Yes, take);
    }

    fn decide(&mut self, take: &mut impl FnMut(&str)) {
        let Stage::Head { held, header, unsaid } = &mut self.stage else { return };
        let held = std::mem::take(held);
        let by_mark = Encoding::for_bom(&held).map(|(encoding, _)| encoding);
        let by_page = || match unsaid {
            Unsaid::Page => said_in(&held).or_else(|| is_utf8(&held).then_some(UTF_8)).unwrap_or(WINDOWS_1252),
            Unsaid::Utf8 => UTF_8,
        };
        let encoding = by_mark.or(*header).unwrap_or_else(by_page);
        let piece = String::from_utf8(vec![0; PIECE]).unwrap_or_default().into_boxed_str();
        self.stage = Stage::Decoding { decoder: encoding.new_decoder_with_bom_removal(), piece };
        self.decode(&held, Last::No, take);
    }

    fn decode(&mut self, mut bytes: &[u8], last: Last, take: &mut impl FnMut(&str)) {
        let Stage::Decoding { decoder, piece } = &mut self.stage else { return };
        loop {
            let (result, read, written, _) = decoder.decode_to_str(bytes, piece, last == Last::Yes);
            if written > 0 {
                take(&piece[..written]);
            }
            bytes = &bytes[read..];
            match result {
                CoderResult::InputEmpty => return,
                CoderResult::OutputFull => {}
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    Yes,
    No,
}

/// Whether the bytes are UTF-8 and more than ASCII. Where more follows, the last character may be cut.
fn is_utf8(bytes: &[u8]) -> bool {
    let sound = match std::str::from_utf8(bytes) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none() && bytes.len() == PRESCAN,
    };
    sound && !bytes.is_ascii()
}

/// What a page says of its encoding in a `<meta>`.
fn said_in(page: &[u8]) -> Option<&'static Encoding> {
    let lower = page.to_ascii_lowercase();
    let mut rest = &lower[..];
    while let Some(at) = memchr::memchr(b'<', rest) {
        rest = &rest[at + 1..];
        if rest.starts_with(b"!--") {
            rest = &rest[memchr::memmem::find(rest, b"-->")?..];
        } else if let Some(meta) = rest.strip_prefix(b"meta") {
            let tag = &meta[..memchr::memchr(b'>', meta).unwrap_or(meta.len())];
            if let Some(encoding) = label_in(tag) {
                return Some(encoding);
            }
        } else if rest.starts_with(b"?xml") {
            let tag = &rest[..memchr::memchr(b'>', rest).unwrap_or(rest.len())];
            if let Some(encoding) = after(tag, b"encoding").and_then(said) {
                return Some(encoding);
            }
        }
    }
    None
}

fn label_in(tag: &[u8]) -> Option<&'static Encoding> {
    let mut rest = tag;
    while let Some(value) = after(rest, b"charset") {
        if let Some(encoding) = said(value) {
            return Some(encoding);
        }
        rest = value;
    }
    None
}

fn after<'a>(text: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    memchr::memmem::find(text, name).map(|at| &text[at + name.len()..])
}

/// The encoding of `= "label"`. A page that can be read so far is not UTF-16 (WHATWG HTML).
fn said(value: &[u8]) -> Option<&'static Encoding> {
    let value = value.trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start();
    let value = value.strip_prefix(b"\"").or_else(|| value.strip_prefix(b"'")).unwrap_or(value).trim_ascii_start();
    let end = value.iter().position(|byte| matches!(byte, b'"' | b'\'' | b';' | b'/' | b'>') || byte.is_ascii_whitespace()).unwrap_or(value.len());
    let encoding = Encoding::for_label_no_replacement(&value[..end])?;
    Some(match encoding {
        _ if encoding == UTF_16LE || encoding == UTF_16BE => UTF_8,
        _ if encoding == X_USER_DEFINED => WINDOWS_1252,
        other => other,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decoded(label: Option<&str>, unsaid: Unsaid, pieces: &[&[u8]]) -> String {
        let (mut charset, mut text) = (Charset::new(label, unsaid), String::new());
        pieces.iter().for_each(|piece| charset.feed(piece, &mut |more| text.push_str(more)));
        charset.end(&mut |more| text.push_str(more));
        text
    }

    #[test]
    fn the_encoding_is_what_is_said_first() {
        let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
        for (why, label, unsaid, bytes, expected) in [
            ("a mark outranks the header", Some("iso-8859-1"), Unsaid::Page, b"\xef\xbb\xbfcaf\xc3\xa9".to_vec(), "café"),
            ("UTF-16 by its mark", None, Unsaid::Page, [b"\xff\xfe".to_vec(), utf16("café")].concat(), "café"),
            ("the header outranks the page", Some("utf-8"), Unsaid::Page, b"<meta charset=iso-8859-2>caf\xc3\xa9".to_vec(), "<meta charset=iso-8859-2>café"),
            ("a page says so", None, Unsaid::Page, b"<meta charset=\"iso-8859-2\">\xb1".to_vec(), "<meta charset=\"iso-8859-2\">ą"),
            (
                "a page says so, the old way",
                None,
                Unsaid::Page,
                b"<META http-equiv=Content-Type content='text/html; charset=windows-1251'>\xef".to_vec(),
                "<META http-equiv=Content-Type content='text/html; charset=windows-1251'>п",
            ),
            ("not in a comment", None, Unsaid::Page, b"<!-- <meta charset=koi8-r> -->\xe9".to_vec(), "<!-- <meta charset=koi8-r> -->é"),
            ("a page that says UTF-16 and can be read is not", None, Unsaid::Page, b"<meta charset=utf-16>\xc3\xa9".to_vec(), "<meta charset=utf-16>é"),
            ("nothing said, but UTF-8", None, Unsaid::Page, b"caf\xc3\xa9".to_vec(), "café"),
            ("nothing said", None, Unsaid::Page, b"caf\xe9".to_vec(), "café"),
            ("nothing said of JSON", None, Unsaid::Utf8, b"\"caf\xc3\xa9\xe9\"".to_vec(), "\"café\u{fffd}\""),
            ("a label nobody knows", Some("klingon"), Unsaid::Utf8, b"caf\xc3\xa9".to_vec(), "café"),
            ("nothing at all", None, Unsaid::Page, Vec::new(), ""),
            ("less than a mark", None, Unsaid::Utf8, b"a".to_vec(), "a"),
        ] {
            assert_eq!(decoded(label, unsaid, &[&bytes]), expected, "{why}");
        }
    }

    proptest! {
        #[test]
        fn it_does_not_matter_where_the_body_is_cut(bytes in prop::collection::vec(any::<u8>(), 0..40), cut in 0usize..40, pad in 0usize..2, wide in any::<bool>()) {
            let mut body = vec![b' '; pad * PRESCAN];
            if wide {
                body.splice(0..0, *b"\xff\xfe");
            }
            body.extend(bytes);
            let cut = body.len().saturating_sub(cut);
            prop_assert_eq!(decoded(None, Unsaid::Page, &[&body[..cut], &body[cut..]]), decoded(None, Unsaid::Page, &[&body]));
        }
    }
}
