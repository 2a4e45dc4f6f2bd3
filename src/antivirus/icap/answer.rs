//! Answers of ICAP servers (RFC 3507 sections 4.3 to 4.6), read as they come. Pure; indifferent to where they are cut.

/// The longest head, of ICAP or HTTP, in bytes.
const LONGEST_HEAD: usize = 32 * 1024;
/// The longest line that says how long a chunk is, in bytes.
const LONGEST_LINE: usize = 256;

/// Why what came is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// The first line.
    #[error("its first line is none of ICAP")]
    Line,
    /// A field.
    #[error("a field of its head cannot be read")]
    Field,
    /// What is in it.
    #[error("what it says is in it cannot be: {0}")]
    Encapsulated(String),
    /// A chunk.
    #[error("a chunk cannot be read")]
    Chunk,
    /// Too long.
    #[error("its head is too long")]
    TooLong,
}

/// A head.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Head {
    /// The status.
    pub status: u16,
    /// Its fields, names in lower case.
    pub fields: Vec<(String, String)>,
}

impl Head {
    /// The value of a field, the first if there are several.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// How far an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// More is to come.
    More,
    /// `100 Continue`: the rest of the body is wanted, and an answer follows.
    Continue,
    /// It is whole.
    Done,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// In ICAP's head.
    Head,
    /// In the heads of HTTP: how many bytes are left of them, and whether a body follows.
    Inner {
        left: usize,
        body: bool,
    },
    /// At the line before a chunk.
    Line,
    /// In a chunk.
    Chunk {
        left: u64,
    },
    /// Behind one, at the end of its line.
    Behind,
    /// Behind the last one.
    Trailers,
    Done,
}

/// Reads an answer.
pub struct Reader {
    state: State,
    kept: Vec<u8>,
    head: Head,
    inner: Vec<u8>,
    /// Where in `inner` the head of a response begins, if there is one.
    response: Option<usize>,
    request: bool,
    has_body: bool,
}

impl Default for Reader {
    fn default() -> Self {
        Self { state: State::Head, kept: Vec::new(), head: Head::default(), inner: Vec::new(), response: None, request: false, has_body: false }
    }
}

impl Reader {
    /// More bytes. Those of the body in it go to `body`. Gives how many of them were of this answer.
    ///
    /// # Errors
    /// If it is none.
    pub fn take(&mut self, bytes: &[u8], body: &mut dyn FnMut(&[u8])) -> Result<(usize, Progress), Malformed> {
        let mut at = 0;
        loop {
            let rest = &bytes[at..];
            match self.state {
                State::Done => return Ok((at, Progress::Done)),
                State::Inner { left: 0, body } => self.state = if body { State::Line } else { State::Done },
                State::Chunk { left: 0 } => self.state = State::Behind,
                _ if rest.is_empty() => return Ok((at, Progress::More)),
                State::Head => {
                    let Some(count) = self.until(b"\r\n\r\n", rest, LONGEST_HEAD)? else { return Ok((bytes.len(), Progress::More)) };
                    at += count;
                    if self.begin()? {
                        return Ok((at, Progress::Continue));
                    }
                }
                State::Inner { left, body } => {
                    let count = rest.len().min(left);
                    self.inner.extend_from_slice(&rest[..count]);
                    at += count;
                    self.state = State::Inner { left: left - count, body };
                }
                State::Line => {
                    let Some(count) = self.until(b"\r\n", rest, LONGEST_LINE)? else { return Ok((bytes.len(), Progress::More)) };
                    at += count;
                    let line = std::mem::take(&mut self.kept);
                    let left = size(&line)?;
                    self.state = if left == 0 { State::Trailers } else { State::Chunk { left } };
                }
                State::Chunk { left } => {
                    let count = rest.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                    body(&rest[..count]);
                    at += count;
                    self.state = State::Chunk { left: left - count as u64 };
                }
                State::Behind => {
                    let Some(count) = self.until(b"\r\n", rest, 2)? else { return Ok((bytes.len(), Progress::More)) };
                    at += count;
                    self.kept.clear();
                    self.state = State::Line;
                }
                State::Trailers => {
                    let Some(count) = self.until(b"\r\n", rest, LONGEST_HEAD)? else { return Ok((bytes.len(), Progress::More)) };
                    at += count;
                    if std::mem::take(&mut self.kept) == b"\r\n" {
                        self.state = State::Done;
                    }
                }
            }
        }
    }

    /// Keeps bytes up to a mark and gives how many; none while it has not come.
    fn until(&mut self, mark: &[u8], bytes: &[u8], most: usize) -> Result<Option<usize>, Malformed> {
        for (at, byte) in bytes.iter().enumerate() {
            self.kept.push(*byte);
            if self.kept.ends_with(mark) {
                return Ok(Some(at + 1));
            }
            if self.kept.len() >= most {
                return Err(if most == LONGEST_HEAD { Malformed::TooLong } else { Malformed::Chunk });
            }
        }
        Ok(None)
    }

    /// The head is whole. Whether it is an interim one.
    fn begin(&mut self) -> Result<bool, Malformed> {
        let kept = std::mem::take(&mut self.kept);
        self.head = head(&kept)?;
        if self.head.status == 100 {
            return Ok(true);
        }
        let inside = self.head.field("encapsulated").map(str::to_owned);
        let sections = inside.as_deref().map_or_else(|| Ok(Vec::new()), sections)?;
        let mut left = 0;
        for (name, at) in &sections {
            match name.as_str() {
                "res-hdr" => self.response = Some(*at),
                "req-hdr" => self.request = true,
                "res-body" | "req-body" | "opt-body" => {
                    self.has_body = true;
                    left = *at;
                }
                // "null-body"
                _ => left = *at,
            }
        }
        // Where there is nothing in it, nothing may be.
        self.state = State::Inner { left, body: self.has_body };
        Ok(false)
    }

    /// ICAP's head.
    #[must_use]
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// The status of the response in it, if there is one that can be read.
    #[must_use]
    pub fn response_status(&self) -> Option<u16> {
        let head = self.inner.get(self.response?..)?;
        let line = head.split(|byte| *byte == b'\r').next()?;
        let mut words = line.split(|byte| *byte == b' ');
        words.next().filter(|version| version.starts_with(b"HTTP/"))?;
        std::str::from_utf8(words.next()?).ok()?.parse().ok()
    }

    /// The first line of the request in it, if there is one.
    #[must_use]
    pub fn request_line(&self) -> Option<&[u8]> {
        if !self.request || self.response.is_some() {
            return None;
        }
        self.inner.split(|byte| *byte == b'\r').next()
    }

    /// Whether there is anything of HTTP in it.
    #[must_use]
    pub fn has_message(&self) -> bool {
        self.request || self.response.is_some() || self.has_body
    }
}

/// Reads a head that ends with an empty line.
fn head(bytes: &[u8]) -> Result<Head, Malformed> {
    let text = std::str::from_utf8(bytes).map_err(|_| Malformed::Field)?;
    let mut lines = text.split("\r\n");
    let mut words = lines.next().unwrap_or_default().split(' ');
    let version = words.next().unwrap_or_default();
    let code = words.next().unwrap_or_default();
    if version != "ICAP/1.0" || code.len() != 3 {
        return Err(Malformed::Line);
    }
    let status = code.parse().map_err(|_| Malformed::Line)?;
    let mut fields = Vec::new();
    for line in lines.filter(|line| !line.is_empty()) {
        // A field may go on in the next lines, as `X-Violations-Found` does.
        if line.starts_with([' ', '\t']) {
            let (_, value): &mut (String, String) = fields.last_mut().ok_or(Malformed::Field)?;
            value.push(' ');
            value.push_str(line.trim());
            continue;
        }
        let (name, value) = line.split_once(':').ok_or(Malformed::Field)?;
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)) {
            return Err(Malformed::Field);
        }
        fields.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    Ok(Head { status, fields })
}

/// `Encapsulated`: sections and where they begin, in order; a body is the last.
fn sections(text: &str) -> Result<Vec<(String, usize)>, Malformed> {
    let wrong = || Malformed::Encapsulated(text.chars().take(100).collect());
    let mut found: Vec<(String, usize)> = Vec::new();
    for part in text.split(',') {
        let (name, at) = part.trim().split_once('=').ok_or_else(wrong)?;
        let name = name.trim().to_ascii_lowercase();
        let at: usize = at.trim().parse().map_err(|_| wrong())?;
        let is_known = matches!(name.as_str(), "req-hdr" | "res-hdr" | "req-body" | "res-body" | "opt-body" | "null-body");
        let follows = match found.last() {
            None => at == 0,
            Some((last, before)) => last.ends_with("-hdr") && at > *before,
        };
        if !is_known || !follows || at > LONGEST_HEAD {
            return Err(wrong());
        }
        found.push((name, at));
    }
    // The length of the heads is known by where the body begins, or would.
    if found.last().is_some_and(|(name, _)| name.ends_with("-hdr")) { Err(wrong()) } else { Ok(found) }
}

/// The size of a chunk, from its line.
fn size(line: &[u8]) -> Result<u64, Malformed> {
    let digits = line.strip_suffix(b"\r\n").unwrap_or(line).split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    let text = std::str::from_utf8(digits).map_err(|_| Malformed::Chunk)?;
    if text.is_empty() || text.len() > 15 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(Malformed::Chunk);
    }
    u64::from_str_radix(text, 16).map_err(|_| Malformed::Chunk)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Told = Result<(Head, Option<u16>, Vec<u8>, bool), Malformed>;

    /// All that is in an answer, read in pieces of a size.
    fn read(bytes: &[u8], piece: usize) -> Told {
        let (mut reader, mut body, mut done) = (Reader::default(), Vec::new(), false);
        for part in bytes.chunks(piece.max(1)) {
            let mut part = part;
            while !part.is_empty() && !done {
                let (count, progress) = reader.take(part, &mut |bytes| body.extend_from_slice(bytes))?;
                part = &part[count..];
                done = progress == Progress::Done;
            }
        }
        // One that ends with its head is whole without another byte.
        done |= reader.take(&[], &mut |_| {})?.1 == Progress::Done;
        Ok((reader.head().clone(), reader.response_status(), body, done))
    }

    const REPLACED: &[u8] = b"ICAP/1.0 200 OK\r\nISTag: \"a\"\r\nX-Infection-Found: Type=0; Resolution=2; Threat=Eicar;\r\nEncapsulated: res-hdr=0, res-body=26\r\n\r\nHTTP/1.1 403 Forbidden\r\n\r\n4\r\nno, \r\n5;x=y\r\nnever\r\n0\r\n\r\n";

    #[test]
    fn an_answer_is_read_in_its_parts() {
        let (head, status, body, done) = read(REPLACED, REPLACED.len()).expect("an answer");
        assert_eq!((head.status, status, body.as_slice(), done), (200, Some(403), &b"no, never"[..], true));
        assert!(head.field("x-infection-found").is_some_and(|value| value.contains("Eicar")));
        let (head, ..) = read(b"ICAP/1.0 200 OK\r\nX-Violations-Found: 1\r\n\t-\r\n\tEicar\r\n\r\n", 3).expect("an answer");
        assert_eq!(head.field("x-violations-found"), Some("1 - Eicar"));
        let (head, status, _, done) = read(b"ICAP/1.0 204 No modifications\r\nEncapsulated: null-body=0\r\n\r\n", 7).expect("an answer");
        assert_eq!((head.status, status, done), (204, None, true));
        let (head, .., done) = read(b"ICAP/1.0 100 Continue\r\n\r\nICAP/1.0 204 OK\r\n\r\n", 1000).expect("two");
        assert_eq!((head.status, done), (204, true));
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        for bytes in [
            &b"HTTP/1.1 200 OK\r\n\r\n"[..],
            b"ICAP/1.0 2000 OK\r\n\r\n",
            b"ICAP/1.0 abc\r\n\r\n",
            b"ICAP/1.0 200 OK\r\nno colon\r\n\r\n",
            b"ICAP/1.0 200 OK\r\n goes on\r\n\r\n",
            b"ICAP/1.0 200 OK\r\nEncapsulated: res-hdr=5, res-body=10\r\n\r\n",
            b"ICAP/1.0 200 OK\r\nEncapsulated: res-hdr=0, res-body=0\r\n\r\n",
            b"ICAP/1.0 200 OK\r\nEncapsulated: res-body=0, res-hdr=9\r\n\r\n",
            b"ICAP/1.0 200 OK\r\nEncapsulated: res-hdr=0\r\n\r\n",
            b"ICAP/1.0 200 OK\r\nEncapsulated: res-hdr=0, res-body=99999999\r\n\r\n",
            b"ICAP/1.0 200 OK\r\nEncapsulated: res-body=0\r\n\r\nxyz\r\n",
            b"ICAP/1.0 200 OK\r\nEncapsulated: res-body=0\r\n\r\n1\r\nab\r\n",
            b"ICAP/1.0 200 OK\r\nEncapsulated: res-body=0\r\n\r\n+1\r\na\r\n",
        ] {
            assert!(read(bytes, bytes.len()).is_err(), "{}", String::from_utf8_lossy(bytes));
        }
        assert_eq!(read(&[b"ICAP/1.0 200 ".as_slice(), &[b'x'; 40_000]].concat(), 4096), Err(Malformed::TooLong));
    }

    proptest! {
        #[test]
        fn how_it_is_cut_makes_no_difference(bytes in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..200),
            (0..REPLACED.len(), any::<u8>()).prop_map(|(at, byte)| { let mut bytes = REPLACED.to_vec(); bytes[at] = byte; bytes }),
        ], piece in 1usize..40) {
            prop_assert_eq!(read(&bytes, piece), read(&bytes, bytes.len()));
        }
    }
}
