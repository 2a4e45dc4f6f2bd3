//! Bodies of several parts (`multipart/*`, RFC 2046 section 5.1), and whole messages as a body (`message/rfc822`), read as they stream: the fields of each
//! part, then its bytes, then its end.
//!
//! # Where readers differ
//!
//! A site may take such a body apart in another way than is written, and a pupil may write one for that. So whatever some reader takes for a part is one
//! here: what stands before the first boundary and behind the last; a part that a bare line feed begins; one that ends with the body. Where readers
//! may see something else than is seen here, the part is in doubt ([`Head::is_doubtful`]): rules for files refuse it where it is sent. What is in doubt
//! because it may have been no boundary is told as well ([`Head::unsure`]), so that its words are read; and where the part before may go on in it by the
//! measure of the other boundaries ([`Head::may_be_none`]), rules for files refuse it wherever that is an archive.
//!
//! # Limits
//!
//! At most [`MOST_HEAD`] bytes of a part's fields are read: what is longer is bytes of the part, which has no fields then. Parts of parts are read by
//! whoever asks for them ([`Head::inner`]), down to [`MOST_DEPTH`].

use super::parameters;
use super::transfer::Transfer;
use memchr::memmem::Finder;

/// The most bytes of a part's fields.
pub const MOST_HEAD: usize = 16 * 1024;
/// The longest boundary that is read, in bytes.
const MOST_BOUNDARY: usize = 200;
/// The longest there should be (RFC 2046 section 5.1.1).
const LONGEST_BOUNDARY: usize = 70;
/// How far parts are looked for within parts.
pub const MOST_DEPTH: u8 = 4;

/// What is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// A part begins.
    Begins(&'a Head),
    /// Some of its bytes, as they are meant.
    Bytes(&'a [u8]),
    /// It is over.
    Ends,
}

/// What the fields of a part say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// Its `Content-Type`s, of which there should be one.
    pub types: Vec<String>,
    /// Its `Content-Disposition`s.
    pub dispositions: Vec<Vec<u8>>,
    /// Whether another reader may see something else here.
    pub is_doubtful: bool,
    /// The fields as they came, where some readers see no boundary before them: to those they are bytes of the part before.
    pub unsure: Vec<u8>,
    /// Whether there may be no boundary before it, by how those before it were written: the part before may go on in it.
    pub may_be_none: bool,
    depth: u8,
}

impl Head {
    /// Its media types, in lower case, without parameters.
    pub fn essences(&self) -> impl Iterator<Item = String> {
        self.types.iter().map(|one| essence(one)).filter(|essence| !essence.is_empty())
    }

    /// What reads the parts within it, if it has some.
    #[must_use]
    pub fn inner(&self) -> Option<Parts> {
        let depth = self.depth + 1;
        self.types.iter().filter(|_| depth < MOST_DEPTH).find_map(|one| Parts::at(one, depth))
    }
}

/// Whether a body of this `Content-Type` should have parts, whether or not they can be told apart.
#[must_use]
pub fn should_have(content_type: &str) -> bool {
    content_type.trim_start().get(..10).is_some_and(|start| start.eq_ignore_ascii_case("multipart/"))
}

/// How often a text names a boundary.
fn times_named(text: &str) -> usize {
    text.to_ascii_lowercase().matches("boundary").count()
}

fn essence(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Reads such a body.
#[derive(Clone, Debug)]
pub struct Parts {
    /// What ends a part: a line feed, two hyphens, the boundary. Empty, where there is one part to the end.
    delimiter: Finder<'static>,
    place: Place,
    /// How much of the delimiter was just read, and whether a carriage return stands before it.
    matched: usize,
    returned: bool,
    /// Whether the line end that was read of it is none of the bytes.
    unsaid: bool,
    /// The fields at hand, from the end of the boundary on, and where the line at hand begins in them.
    head: Vec<u8>,
    line: usize,
    /// Whether the parts of this body are in doubt, or the one at hand.
    doubtful: bool,
    doubt: bool,
    /// Whether some line of it ends as it should, with a carriage return before the line feed. Where none does, none is missed.
    has_returns: bool,
    /// Whether bytes are as they are, whatever the fields say, as in forms.
    is_form: bool,
    transfer: Transfer,
    room: Vec<u8>,
    depth: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Before the first boundary; nothing but line ends has come.
    Before,
    Head,
    Bytes,
}

impl Parts {
    /// For a body with this `Content-Type`; none, if it has no parts, or no boundary is said.
    #[must_use]
    pub fn of(content_type: &str) -> Option<Self> {
        Self::at(content_type, 0)
    }

    /// For a body with these `Content-Type` fields, of which there should be one, each of which should say one type.
    pub fn of_any(fields: impl IntoIterator<Item: AsRef<[u8]>>) -> Option<Self> {
        fields.into_iter().find_map(|field| {
            let text = String::from_utf8_lossy(field.as_ref());
            Self::of(&text).or_else(|| text.split(',').skip(1).find_map(|one| Self::of(one.trim_start())))
        })
    }

    fn at(content_type: &str, depth: u8) -> Option<Self> {
        let essence = essence(content_type);
        if matches!(essence.as_str(), "message/rfc822" | "message/global" | "application/x-mimearchive") {
            return Some(Self::new(&[], Place::Head, depth));
        }
        if !should_have(content_type) {
            return None;
        }
        let said: Vec<_> = parameters::of(content_type).filter(|(name, _)| name.eq_ignore_ascii_case("boundary")).map(|(_, value)| value).collect();
        let boundary = said.first()?;
        let boundary = boundary.trim_end();
        if !(1..=MOST_BOUNDARY).contains(&boundary.len()) || boundary.contains(['\r', '\n']) {
            return None;
        }
        // PHP cuts at a comma what stands in no quotes, and others at a blank. A widely copied client for Android writes asterisks.
        let is_usual = |byte: u8| byte.is_ascii_alphanumeric() || b"'()+_-./:=?* ".contains(&byte);
        let is_bare = boundary.contains(' ') && !content_type.contains(&format!("\"{boundary}\""));
        // Some take what escapes it for what it is; some take whatever follows the first "boundary" for it, or join `boundary*0` and `boundary*1`.
        let is_named_apart = times_named(content_type) == said.iter().map(|value| 1 + times_named(value)).sum::<usize>();
        let doubtful = boundary.len() > LONGEST_BOUNDARY
            || !boundary.bytes().all(is_usual)
            || is_bare
            || content_type.contains('\\')
            || !is_named_apart
            || said.iter().any(|other| other != boundary);
        let parts = Self::new(format!("\n--{boundary}").as_bytes(), Place::Before, depth);
        // The first boundary may stand at the very beginning, as though a line had ended before it.
        Some(Self { matched: 1, unsaid: true, doubtful, is_form: essence == "multipart/form-data", ..parts })
    }

    fn new(delimiter: &[u8], place: Place, depth: u8) -> Self {
        Self {
            delimiter: Finder::new(delimiter).into_owned(),
            place,
            matched: 0,
            returned: false,
            unsaid: false,
            head: Vec::new(),
            line: 0,
            doubtful: false,
            doubt: false,
            has_returns: false,
            is_form: false,
            transfer: Transfer::Plain,
            room: Vec::new(),
            depth,
        }
    }

    /// Whether other readers may take it apart in another way.
    #[must_use]
    pub fn is_doubtful(&self) -> bool {
        self.doubtful
    }

    /// Reads more.
    pub fn feed(&mut self, mut bytes: &[u8], take: &mut dyn FnMut(Event<'_>)) {
        while !bytes.is_empty() {
            bytes = match self.place {
                Place::Before | Place::Bytes => self.bytes(bytes, take),
                Place::Head => self.fields(bytes, take),
            };
        }
    }

    /// It is over: what is left belongs to the last part.
    pub fn end(&mut self, take: &mut dyn FnMut(Event<'_>)) {
        if self.place == Place::Head {
            let said = self.head.trim_ascii();
            if !said.strip_prefix(b"--").unwrap_or(said).is_empty() {
                self.no_fields(take);
            }
        }
        self.unmatch(take);
        self.over(take);
        self.place = Place::Before;
    }

    /// Bytes up to a boundary, or all there are; what is left.
    fn bytes<'b>(&mut self, bytes: &'b [u8], take: &mut dyn FnMut(Event<'_>)) -> &'b [u8] {
        let delimiter = self.delimiter.needle().len();
        if delimiter == 0 {
            self.give(bytes, take);
            return &[];
        }
        if self.matched > 0 {
            let same = self.delimiter.needle()[self.matched..].iter().zip(bytes).take_while(|(wanted, byte)| wanted == byte).count();
            self.matched += same;
            let rest = &bytes[same..];
            if self.matched == delimiter {
                self.delimited(take);
            } else if !rest.is_empty() {
                self.unmatch(take);
            }
            return rest;
        }
        if self.returned {
            if bytes[0] == b'\n' {
                self.matched = 1;
                return &bytes[1..];
            }
            self.unmatch(take);
        }
        let (content, rest) = match self.delimiter.find(bytes) {
            Some(at) => {
                self.matched = delimiter;
                (&bytes[..at], &bytes[at + delimiter..])
            }
            None => {
                // It may have begun: nowhere but at the last line feed, for there is no other in it.
                let tail = bytes.len().saturating_sub(delimiter - 1);
                let begun = memchr::memrchr(b'\n', &bytes[tail..]).map(|at| tail + at).filter(|at| self.delimiter.needle().starts_with(&bytes[*at..]));
                self.matched = begun.map_or(0, |at| bytes.len() - at);
                (&bytes[..bytes.len() - self.matched], &bytes[bytes.len()..])
            }
        };
        // A carriage return before it is a part of it; at the end of what came it may be.
        let may_be = self.matched > 0 || rest.is_empty();
        let content = match content.strip_suffix(b"\r").filter(|_| may_be) {
            Some(before) => {
                self.returned = true;
                before
            }
            None => content,
        };
        self.give(content, take);
        if self.matched == delimiter {
            self.delimited(take);
        }
        rest
    }

    /// What looked like the beginning of a boundary was none.
    fn unmatch(&mut self, take: &mut dyn FnMut(Event<'_>)) {
        let (matched, returned) = (std::mem::take(&mut self.matched), std::mem::take(&mut self.returned));
        let from = usize::from(std::mem::take(&mut self.unsaid));
        if returned {
            self.give(b"\r", take);
        }
        if matched > from {
            let held = self.delimiter.needle()[from..matched].to_vec();
            self.give(&held, take);
        }
    }

    /// A boundary was read.
    fn delimited(&mut self, take: &mut dyn FnMut(Event<'_>)) {
        self.over(take);
        // A bare line feed: some readers see no boundary there.
        self.doubt = !self.returned && !self.unsaid;
        self.has_returns |= self.returned;
        (self.matched, self.returned, self.unsaid) = (0, false, false);
        self.place = Place::Head;
        self.head.clear();
        self.line = 0;
    }

    /// The part at hand is over.
    fn over(&mut self, take: &mut dyn FnMut(Event<'_>)) {
        if self.place != Place::Bytes {
            return;
        }
        self.room.clear();
        self.transfer.end(&mut self.room);
        if !self.room.is_empty() {
            take(Event::Bytes(&self.room));
        }
        self.transfer = Transfer::Plain;
        take(Event::Ends);
    }

    fn give(&mut self, mut bytes: &[u8], take: &mut dyn FnMut(Event<'_>)) {
        if self.place == Place::Before {
            bytes = &bytes[bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count()..];
            if !bytes.is_empty() {
                // Who sees another boundary than is seen here finds parts in it.
                self.begin(&Head { is_doubtful: true, depth: self.depth, ..Head::default() }, take);
            }
        }
        if bytes.is_empty() {
            return;
        }
        if self.transfer.is_plain() {
            return take(Event::Bytes(bytes));
        }
        self.room.clear();
        self.transfer.feed(bytes, &mut self.room);
        if !self.room.is_empty() {
            take(Event::Bytes(&self.room));
        }
    }

    fn begin(&mut self, head: &Head, take: &mut dyn FnMut(Event<'_>)) {
        self.place = Place::Bytes;
        take(Event::Begins(head));
    }

    /// Fields up to an empty line, or all there are; what is left.
    fn fields<'b>(&mut self, bytes: &'b [u8], take: &mut dyn FnMut(Event<'_>)) -> &'b [u8] {
        let line = memchr::memchr(b'\n', bytes).map_or(bytes.len(), |at| at + 1);
        let (more, rest) = bytes.split_at(line.min(MOST_HEAD - self.head.len()));
        self.head.extend_from_slice(more);
        if self.head.ends_with(b"\n") {
            let is_empty = matches!(&self.head[self.line..], b"\n" | b"\r\n");
            // The end of a boundary's line is not that of the fields.
            if is_empty && (self.line > 0 || self.delimiter.needle().is_empty()) {
                self.read_fields(take);
                return rest;
            }
            self.line = self.head.len();
        }
        if self.head.len() == MOST_HEAD {
            self.no_fields(take);
        }
        rest
    }

    /// What was taken for fields are bytes.
    fn no_fields(&mut self, take: &mut dyn FnMut(Event<'_>)) {
        let bytes = std::mem::take(&mut self.head);
        self.line = 0;
        let may_be_none = self.may_be_none(&bytes);
        self.begin(&Head { is_doubtful: true, may_be_none, depth: self.depth, ..Head::default() }, take);
        take(Event::Bytes(&bytes));
    }

    /// Whether some readers see no boundary before these fields that see the others.
    fn may_be_none(&mut self, fields: &[u8]) -> bool {
        self.has_returns |= memchr::memmem::find(fields, b"\r\n").is_some();
        !self.delimiter.needle().is_empty() && (self.doubt && self.has_returns || !ends_boundary(fields))
    }

    fn read_fields(&mut self, take: &mut dyn FnMut(Event<'_>)) {
        let fields = std::mem::take(&mut self.head);
        let is_unsure = self.doubt || !self.delimiter.needle().is_empty() && !ends_boundary(&fields);
        let (is_doubtful, may_be_none) = (self.doubtful || is_unsure || in_doubt(&fields), self.may_be_none(&fields));
        let mut head = Head { is_doubtful, may_be_none, depth: self.depth, ..Head::default() };
        if is_unsure {
            head.unsure.clone_from(&fields);
        }
        let begun = self.delimiter.needle().get(1..).filter(|begun| !begun.is_empty());
        for line in unfolded(&fields) {
            // A boundary among the fields: for some, another part.
            head.is_doubtful |= begun.is_some_and(|begun| line.starts_with(begun));
            let Some(at) = memchr::memchr(b':', &line) else { continue };
            let (name, value) = (line[..at].trim_ascii(), line[at + 1..].trim_ascii());
            if name.eq_ignore_ascii_case(b"content-type") {
                head.types.push(String::from_utf8_lossy(value).into_owned());
            } else if name.eq_ignore_ascii_case(b"content-disposition") {
                head.dispositions.push(value.to_vec());
            } else if name.eq_ignore_ascii_case(b"content-transfer-encoding") {
                let transfer = Transfer::named(&String::from_utf8_lossy(value));
                let is_coded = transfer.as_ref().is_none_or(|transfer| !transfer.is_plain());
                head.is_doubtful |= transfer.is_none() || is_coded && self.is_form;
                self.transfer = transfer.filter(|_| !self.is_form).unwrap_or_default();
            }
        }
        head.is_doubtful |= head.types.len() > 1;
        self.line = 0;
        self.begin(&head, take);
        // The empty line may be the one that ends the part, where it has no bytes.
        (self.matched, self.unsaid) = if self.delimiter.needle().is_empty() { (0, false) } else { (1, true) };
        self.head = fields;
        self.head.clear();
    }
}

/// Whether what begins so can stand behind a boundary: the end of its line, or the hyphens of the last one.
fn ends_boundary(fields: &[u8]) -> bool {
    let line = memchr::memchr(b'\n', fields).map_or(fields, |at| &fields[..at]);
    line.strip_prefix(b"--").unwrap_or(line).iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r'))
}

/// Whether there are line ends in the fields that are none to some readers.
fn in_doubt(fields: &[u8]) -> bool {
    memchr::memchr_iter(b'\n', fields).any(|at| at == 0 || fields[at - 1] != b'\r') || memchr::memchr(0, fields).is_some()
}

/// The lines of the fields, each with those that go on with it.
fn unfolded(fields: &[u8]) -> Vec<Vec<u8>> {
    let mut lines: Vec<Vec<u8>> = Vec::new();
    for line in fields.split(|byte| *byte == b'\n') {
        match lines.last_mut().filter(|_| line.starts_with(b" ") || line.starts_with(b"\t")) {
            Some(before) => before.extend([b" ", line.trim_ascii()].concat()),
            None => lines.push(line.trim_ascii_end().to_vec()),
        }
    }
    lines
}

#[cfg(test)]
mod tests;
