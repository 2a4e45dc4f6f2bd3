//! The parts of a form that is sent with files in it (`multipart/form-data`, RFC 7578, RFC 2046 section 5.1). Pure and push-driven; nothing is held but the
//! fields of the part at hand and what may yet be a boundary.
//!
//! Limits: a part whose fields are longer than [`MOST_FIELDS`] has no known type. Parts of parts are read as one. What comes before the first boundary and
//! after the last is no part.

/// The most bytes of a part's fields that are read.
pub const MOST_FIELDS: usize = 8 * 1024;

/// What is read of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// A part begins, with this `Content-Type`, if it says one.
    Begins(Option<&'a str>),
    /// Some of its bytes.
    Bytes(&'a [u8]),
    /// It ends.
    Ends,
}

/// Reads such a body.
#[derive(Clone, Debug)]
pub struct Multipart {
    /// What ends a part: a line end, two hyphens, the boundary.
    delimiter: Vec<u8>,
    /// How much of it was just read.
    matched: usize,
    fields: Vec<u8>,
    place: Place,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Before the first boundary.
    Before,
    /// On the line of a boundary; how many hyphens there were.
    Line(u8),
    Fields,
    Data,
    /// After the last.
    After,
}

impl Multipart {
    /// For a body with this `Content-Type`; none, if it is of another kind or says no boundary.
    #[must_use]
    pub fn of(content_type: &str) -> Option<Self> {
        let mut parameters = content_type.split(';');
        let kind = parameters.next()?.trim();
        if !kind.get(..10).is_some_and(|kind| kind.eq_ignore_ascii_case("multipart/")) {
            return None;
        }
        let boundary = parameters.find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            name.trim().eq_ignore_ascii_case("boundary").then(|| value.trim().trim_matches('"'))
        })?;
        let fits = (1..=200).contains(&boundary.len()) && !boundary.contains(['\r', '\n']);
        // The first boundary may stand at the very beginning, as though a line had ended before it.
        fits.then(|| Self { delimiter: format!("\r\n--{boundary}").into_bytes(), matched: 2, fields: Vec::new(), place: Place::Before })
    }

    /// Reads more.
    pub fn feed(&mut self, mut bytes: &[u8], take: &mut impl FnMut(Part<'_>)) {
        while let Some((byte, rest)) = bytes.split_first() {
            match self.place {
                Place::Before | Place::Data => bytes = self.data(bytes, take),
                Place::Line(hyphens) => {
                    self.place = match (byte, hyphens) {
                        (b'-', 0) => Place::Line(1),
                        (b'-', 1) => Place::After,
                        (b'\n', _) => Place::Fields,
                        _ => Place::Line(2),
                    };
                    bytes = rest;
                }
                Place::Fields => {
                    self.field(*byte, take);
                    bytes = rest;
                }
                Place::After => return,
            }
        }
    }

    /// Data up to a boundary, or all there is; what is left.
    fn data<'b>(&mut self, bytes: &'b [u8], take: &mut impl FnMut(Part<'_>)) -> &'b [u8] {
        let is_part = self.place == Place::Data;
        let mut give = |bytes: &[u8]| {
            if is_part && !bytes.is_empty() {
                take(Part::Bytes(bytes));
            }
        };
        if self.matched == 0 {
            let line_end = memchr::memchr(b'\r', bytes).unwrap_or(bytes.len());
            give(&bytes[..line_end]);
            if line_end < bytes.len() {
                self.matched = 1;
                return &bytes[line_end + 1..];
            }
            return &[];
        }
        if bytes[0] != self.delimiter[self.matched] {
            // A carriage return is nowhere else in it, so what was read of it begins no other.
            give(&self.delimiter[..self.matched]);
            self.matched = 0;
            return bytes;
        }
        self.matched += 1;
        if self.matched == self.delimiter.len() {
            self.matched = 0;
            self.place = Place::Line(0);
            if is_part {
                take(Part::Ends);
            }
        }
        &bytes[1..]
    }

    fn field(&mut self, byte: u8, take: &mut impl FnMut(Part<'_>)) {
        if self.fields.len() < MOST_FIELDS {
            self.fields.push(byte);
        } else {
            self.fields.rotate_left(1);
            self.fields[MOST_FIELDS - 1] = byte;
        }
        let fields = &self.fields;
        let is_over = fields.ends_with(b"\r\n\r\n") || fields.ends_with(b"\n\n") || fields == b"\r\n" || fields == b"\n";
        if is_over {
            let text = String::from_utf8_lossy(fields);
            let fits = fields.len() < MOST_FIELDS;
            let mut named = text.lines().filter_map(|line| line.split_once(':')).filter(|(name, _)| name.trim().eq_ignore_ascii_case("content-type"));
            take(Part::Begins(if fits { named.next().map(|(_, value)| value.trim()) } else { Some("application/octet-stream") }));
            self.fields.clear();
            self.place = Place::Data;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BODY: &str = "preamble\r\n--b1\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nfirst\r\n--b\r\n-\r\n--b1 \r\n\r\n\r\n--b1\r\ncontent-type:  image/png\r\nX: y\r\n\r\n\u{1}\r\r\n--b1--\r\nepilogue --b1";

    type Read = Vec<(Option<String>, Vec<u8>, bool)>;

    fn read<'a>(content_type: &str, pieces: impl Iterator<Item = &'a [u8]>) -> Read {
        let mut parts = Read::new();
        let mut multipart = Multipart::of(content_type).expect("a boundary");
        for piece in pieces {
            multipart.feed(piece, &mut |part| match part {
                Part::Begins(kind) => parts.push((kind.map(str::to_owned), Vec::new(), false)),
                Part::Bytes(bytes) => parts.last_mut().expect("a part").1.extend_from_slice(bytes),
                Part::Ends => parts.last_mut().expect("a part").2 = true,
            });
        }
        parts
    }

    #[test]
    fn the_parts_are_told_apart() {
        let expected = vec![(None, b"first\r\n--b\r\n-".to_vec(), true), (None, Vec::new(), true), (Some("image/png".to_owned()), b"\x01\r".to_vec(), true)];
        assert_eq!(read("multipart/form-data; boundary=\"b1\"", std::iter::once(BODY.as_bytes())), expected);
        assert_eq!(read("Multipart/Form-Data; x=y; Boundary=b1", BODY.as_bytes().chunks(1)), expected);
        assert_eq!(read("multipart/mixed; boundary=b", b"--b\n\nx".chunks(9)), [(None, b"x".to_vec(), false)]);
        for none in ["text/plain; boundary=b", "multipart/form-data", "multipart/form-data; boundary=", "multi"] {
            assert!(Multipart::of(none).is_none(), "{none}");
        }
        let long = format!("--b\r\nX: {}\r\n\r\ntext\r\n--b--", "y".repeat(MOST_FIELDS));
        assert_eq!(read("multipart/mixed; boundary=b", long.as_bytes().chunks(100)), [(Some("application/octet-stream".to_owned()), b"text".to_vec(), true)]);
    }

    proptest! {
        #[test]
        fn a_cut_makes_no_difference(body in "(\r\n|--|b|\r|\n|x|--b\r\n|\r\n--b\r\n\r\n|Content-Type: a/b\r\n){0,40}", size in 1..9_usize) {
            let whole = read("multipart/form-data; boundary=b", std::iter::once(body.as_bytes()));
            prop_assert_eq!(read("multipart/form-data; boundary=b", body.as_bytes().chunks(size)), whole);
        }
    }
}
