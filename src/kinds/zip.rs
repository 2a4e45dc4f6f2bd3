//! The names in a ZIP as it streams, and what kind of ZIP they make it.
//!
//! Every header anywhere is read, those of files and those of the list at the end, and no size is believed: a list that names other files than the headers
//! do, sizes that are not known yet (data descriptors) or are elsewhere (ZIP64), and headers hidden in what says it is content make no difference.

use memchr::memmem;

/// The longest name and the longest extra field that are read, in bytes.
const LONGEST: usize = 2048;
/// Before a file's name.
const LOCAL: usize = 30;
/// Before a name in the list at the end.
const LISTED: usize = 46;
/// As much of a member's content as says what kind of document it is.
const CONTENT: usize = 40;

/// What is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// It is this kind of file.
    Is(&'static str),
    /// A member.
    Member {
        /// Its name.
        name: &'a str,
        /// Whether it takes a password.
        encrypted: bool,
    },
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Unknown,
    /// An Office document, as long as all its members are those of one.
    Office,
    Other,
}

/// How strictly headers are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Within {
    /// In what begins as a ZIP.
    Zip,
    /// In what begins as something else: only what can be nothing but a ZIP counts.
    Other,
}

/// Reads a ZIP.
pub struct Zip {
    kept: Vec<u8>,
    shape: Shape,
    within: Within,
}

/// The folders and files an Office document (OOXML, XPS) is made of.
const OFFICE: [&str; 19] = [
    "[Content_Types].xml",
    "_rels/",
    "docProps/",
    "word/",
    "xl/",
    "ppt/",
    "visio/",
    "customXml/",
    "customUI/",
    "docMetadata/",
    "[trash]/",
    "theme/",
    "Documents/",
    "FixedDocumentSequence.fdseq",
    "FixedDocSeq.fdseq",
    "Metadata/",
    "Resources/",
    "_xmlsignatures/",
    "package/services/metadata/core-properties/",
];
/// What the first member of a document of LibreOffice or of a book says.
const DOCUMENTS: [&[u8]; 2] = [b"application/vnd.oasis.opendocument.", b"application/epub+zip"];

enum Header<'a> {
    Member {
        name: &'a [u8],
        extra: &'a [u8],
        content: &'a [u8],
        encrypted: bool,
    },
    /// It is none.
    No,
    /// It goes on behind the end of the piece.
    More,
}

impl Zip {
    /// A reader of what begins so.
    #[must_use]
    pub fn new(within: Within) -> Self {
        Self { kept: Vec::new(), shape: Shape::Unknown, within }
    }

    /// Whether it is known what kind of ZIP it is.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.shape != Shape::Unknown
    }

    /// More of it.
    pub fn take(&mut self, bytes: &[u8], each: &mut dyn FnMut(Part<'_>)) {
        let kept = std::mem::take(&mut self.kept);
        if kept.is_empty() {
            return self.read(bytes, false, each);
        }
        let mut joined = kept;
        joined.extend_from_slice(bytes);
        self.read(&joined, false, each);
    }

    /// It is over: a header that was not whole is read as far as it came.
    pub fn end(&mut self, each: &mut dyn FnMut(Part<'_>)) {
        let kept = std::mem::take(&mut self.kept);
        self.read(&kept, true, each);
        if self.within == Within::Zip && self.shape == Shape::Unknown {
            self.shape = Shape::Other;
            each(Part::Is("a ZIP archive"));
        }
    }

    fn read(&mut self, data: &[u8], whole: bool, each: &mut dyn FnMut(Part<'_>)) {
        for at in memmem::find_iter(data, b"PK") {
            match header(&data[at..], self.within, whole) {
                Header::Member { name, extra, content, encrypted } => self.member(name, extra, content, encrypted, each),
                Header::No => {}
                Header::More => {
                    self.kept = data[at..].to_vec();
                    return;
                }
            }
        }
        if data.last() == Some(&b'P') {
            self.kept.push(b'P');
        }
    }

    fn member(&mut self, name: &[u8], extra: &[u8], content: &[u8], encrypted: bool, each: &mut dyn FnMut(Part<'_>)) {
        let name = String::from_utf8_lossy(name);
        if self.within == Within::Other && self.shape == Shape::Unknown {
            self.shape = Shape::Other;
            each(Part::Is("a ZIP archive"));
        }
        let before = self.shape;
        if before == Shape::Unknown {
            let is_office = OFFICE.iter().any(|part| name.starts_with(part));
            let is_document = name == "mimetype" && DOCUMENTS.iter().any(|start| content.starts_with(start));
            self.shape = if is_office { Shape::Office } else { Shape::Other };
            each(Part::Is(if is_office || is_document { "an Office document" } else { "a ZIP archive" }));
        } else if before == Shape::Office && !OFFICE.iter().any(|part| name.starts_with(part)) {
            self.shape = Shape::Other;
            each(Part::Is("a ZIP archive"));
        }
        if let Some(kind) = kind_by(&name) {
            each(Part::Is(kind));
        }
        each(Part::Member { name: &name, encrypted });
        // Another name, which some programs take (Info-ZIP, APPNOTE 4.6.9).
        if let Some(name) = other_name(extra) {
            each(Part::Member { name: &String::from_utf8_lossy(name), encrypted });
        }
    }
}

/// What a ZIP with a member of this name is.
fn kind_by(name: &str) -> Option<&'static str> {
    Some(match name {
        "AndroidManifest.xml" | "classes.dex" => "an Android app",
        "META-INF/MANIFEST.MF" => "a Java program",
        "AppxManifest.xml" | "AppxBlockMap.xml" => "a Windows program",
        "META-INF/mozilla.rsa" => "a Firefox extension",
        _ if name.to_ascii_lowercase().ends_with("vbaproject.bin") || name.starts_with("Basic/") || name.starts_with("Scripts/python") => {
            "a document with macros"
        }
        _ if name.starts_with("Payload/") && name.contains(".app/") => "an iOS app",
        _ => return None,
    })
}

fn u16_at(data: &[u8], at: usize) -> u16 {
    data.get(at..at + 2).map_or(0, |two| u16::from_le_bytes([two[0], two[1]]))
}

/// Reads the header at the start of `data`, which begins with `PK`.
fn header(data: &[u8], within: Within, whole: bool) -> Header<'_> {
    let more = || if whole { Header::No } else { Header::More };
    let (before, at_version, is_local) = match data.get(2..4) {
        Some(b"\x03\x04") => (LOCAL, 4, true),
        Some(b"\x01\x02") => (LISTED, 6, false),
        Some(_) => return Header::No,
        None => return if matches!(data.get(2), None | Some(1 | 3)) { more() } else { Header::No },
    };
    if data.len() < before {
        return more();
    }
    let (flags, way) = (u16_at(data, at_version + 2), u16_at(data, at_version + 4));
    let lengths = if is_local { 26 } else { 28 };
    let (name_length, extra_length) = (usize::from(u16_at(data, lengths)), usize::from(u16_at(data, lengths + 2)));
    let is_way = matches!(way, 0..=10 | 12 | 14 | 16 | 18..=20 | 93..=99);
    if name_length == 0 || !is_way || data[at_version] > 100 {
        return Header::No;
    }
    let content_length = if is_local && data.get(before..before + 8).is_none_or(|name| name == b"mimetype") { CONTENT } else { 0 };
    let wanted = before + if name_length > LONGEST { LONGEST } else { name_length + extra_length.min(LONGEST) + content_length };
    if data.len() < wanted && !whole {
        return Header::More;
    }
    let rest = &data[before..];
    let name = &rest[..name_length.min(LONGEST).min(rest.len())];
    if within == Within::Other && (name_length > LONGEST || name.len() < name_length || name.iter().any(u8::is_ascii_control)) {
        return Header::No;
    }
    let extra = rest.get(name_length..).unwrap_or_default();
    let content = if extra_length <= LONGEST { extra.get(extra_length..).unwrap_or_default() } else { &[] };
    Header::Member { name, extra: &extra[..extra_length.min(LONGEST).min(extra.len())], content, encrypted: flags & 0b10_0000_0100_0001 != 0 || way == 99 }
}

/// The name in an extra field.
fn other_name(mut extra: &[u8]) -> Option<&[u8]> {
    while extra.len() >= 4 {
        let (id, length) = (u16_at(extra, 0), usize::from(u16_at(extra, 2)));
        let field = extra.get(4..4 + length)?;
        if id == 0x7075 {
            return field.get(5..).filter(|name| !name.is_empty());
        }
        extra = &extra[4 + length..];
    }
    None
}
