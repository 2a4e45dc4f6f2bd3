//! A form with files in it (`multipart/form-data`, RFC 7578), read as it streams: the head of each part, then its bytes.

use super::name;
use memchr::memmem::Finder;

/// The longest head of a part, in bytes; what is longer is content to whoever reads it here.
const LONGEST_HEAD: usize = 16 * 1024;
/// The longest boundary (RFC 2046 section 5.1.1).
const LONGEST_BOUNDARY: usize = 70;

/// What is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// A part begins.
    Part {
        /// The names in its `Content-Disposition`.
        names: Vec<String>,
        /// Its declared type, in lower case, without parameters.
        essence: Option<String>,
    },
    /// More of it.
    Bytes(&'a [u8]),
    /// It is over.
    End,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before the first part.
    Before,
    Head,
    Content,
}

/// Reads a form.
pub struct Multipart {
    state: State,
    /// A line end, two hyphens, the boundary.
    mark: Finder<'static>,
    kept: Vec<u8>,
    /// As many bytes of the content at hand are the end of its head.
    skip: usize,
}

impl Multipart {
    /// A reader of a body of this `Content-Type`; none if that names no boundary.
    #[must_use]
    pub fn of(content_type: &str) -> Option<Self> {
        let mut parts = content_type.split(';');
        let is_form = parts.next().is_some_and(|essence| essence.trim().to_ascii_lowercase().starts_with("multipart/"));
        let boundary = parts.find_map(|part| {
            let (name, value) = part.split_once('=')?;
            name.trim().eq_ignore_ascii_case("boundary").then(|| value.trim().trim_matches('"'))
        });
        let boundary = boundary.filter(|boundary| is_form && !boundary.is_empty() && boundary.len() <= LONGEST_BOUNDARY)?;
        // As if a line had ended before the first one.
        Some(Self { state: State::Before, mark: Finder::new(&format!("\r\n--{boundary}")).into_owned(), kept: b"\r\n".to_vec(), skip: 0 })
    }

    /// More of the body.
    pub fn take(&mut self, bytes: &[u8], each: &mut dyn FnMut(Event<'_>)) {
        let mut data = std::mem::take(&mut self.kept);
        data.extend_from_slice(bytes);
        let mut rest = data.as_slice();
        loop {
            let mark = self.mark.needle().len();
            match self.state {
                State::Before | State::Content => {
                    let is_content = self.state == State::Content;
                    if let Some(at) = self.mark.find(rest) {
                        if is_content {
                            told(&mut self.skip, &rest[..at], each);
                            each(Event::End);
                        }
                        rest = &rest[at + mark..];
                        self.state = State::Head;
                        continue;
                    }
                    // The mark may have begun.
                    let sure = rest.len().saturating_sub(mark - 1);
                    if is_content {
                        told(&mut self.skip, &rest[..sure], each);
                    }
                    self.kept = rest[sure..].to_vec();
                    return;
                }
                State::Head => {
                    let end = memchr::memmem::find(rest, b"\r\n\r\n").filter(|end| *end <= LONGEST_HEAD);
                    match end {
                        Some(end) => {
                            each(head(&rest[..end]));
                            // The line end behind the head may be the one before the next mark, where a part is empty.
                            rest = &rest[end + 2..];
                            self.state = State::Content;
                            self.skip = 2;
                        }
                        None if rest.len() > LONGEST_HEAD + 4 => {
                            each(Event::Part { names: Vec::new(), essence: None });
                            self.skip = 0;
                            self.state = State::Content;
                        }
                        None => {
                            self.kept = rest.to_vec();
                            return;
                        }
                    }
                }
            }
        }
    }

    /// It is over: what is left belongs to the last part.
    pub fn end(&mut self, each: &mut dyn FnMut(Event<'_>)) {
        let kept = std::mem::take(&mut self.kept);
        if self.state == State::Content {
            told(&mut self.skip, &kept, each);
            each(Event::End);
        }
        self.state = State::Before;
    }
}

fn told(skip: &mut usize, bytes: &[u8], each: &mut dyn FnMut(Event<'_>)) {
    let skipped = bytes.len().min(*skip);
    *skip -= skipped;
    let bytes = &bytes[skipped..];
    if !bytes.is_empty() {
        each(Event::Bytes(bytes));
    }
}

fn head(bytes: &[u8]) -> Event<'static> {
    let (mut names, mut essence) = (Vec::new(), None);
    for line in bytes.split(|byte| *byte == b'\n') {
        let Some(at) = line.iter().position(|byte| *byte == b':') else { continue };
        let (key, value) = (line[..at].trim_ascii(), line[at + 1..].trim_ascii());
        if key.eq_ignore_ascii_case(b"content-disposition") {
            names.extend(name::of_disposition(value));
        } else if key.eq_ignore_ascii_case(b"content-type") {
            let text = String::from_utf8_lossy(value);
            essence = Some(text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase());
        }
    }
    Event::Part { names, essence }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Parts = Vec<(Vec<String>, Option<String>, Vec<u8>, bool)>;

    fn read(body: &[u8], piece: usize) -> Parts {
        let mut parts: Parts = Vec::new();
        let mut reader = Multipart::of("multipart/form-data; boundary=\"xyz\"").expect("a form");
        let mut each = |event: Event<'_>| match event {
            Event::Part { names, essence } => parts.push((names, essence, Vec::new(), false)),
            Event::Bytes(bytes) => parts.last_mut().expect("a part").2.extend_from_slice(bytes),
            Event::End => parts.last_mut().expect("a part").3 = true,
        };
        for part in body.chunks(piece.max(1)) {
            reader.take(part, &mut each);
        }
        reader.end(&mut each);
        parts
    }

    const FORM: &[u8] =
        b"--xyz\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nvalue\r\n--xyz\r\nContent-Disposition: form-data; name=\"f\"; filename=\"setup.exe\"\r\n\
        Content-Type: application/x-thing; q=1\r\n\r\nMZ\r\n--xy not it\r\n--xyz\r\nContent-Disposition: form-data; name=\"e\"\r\n\r\n\r\n--xyz--\r\n";

    #[test]
    fn the_parts_of_a_form_are_read_with_their_names() {
        let parts = read(FORM, FORM.len());
        let own: Vec<_> =
            parts.iter().map(|(names, essence, bytes, end)| (names.first().map(String::as_str), essence.as_deref(), bytes.as_slice(), *end)).collect();
        assert_eq!(
            own,
            [
                (None, None, &b"value"[..], true),
                (Some("setup.exe"), Some("application/x-thing"), &b"MZ\r\n--xy not it"[..], true),
                (None, None, &b""[..], true),
            ]
        );
        assert!(Multipart::of("multipart/form-data").is_none() && Multipart::of("text/plain; boundary=x").is_none());
    }

    proptest! {
        #[test]
        fn how_it_is_cut_makes_no_difference(at in 0..FORM.len(), byte in any::<u8>(), piece in 1usize..60) {
            let mut form = FORM.to_vec();
            form[at] = byte;
            prop_assert_eq!(read(&form, piece), read(&form, form.len()));
            prop_assert_eq!(read(&form, 1), read(&form, form.len()));
        }
    }
}
