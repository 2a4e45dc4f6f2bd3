//! Where each request on a connection begins and ends, told strictly (RFC 9112), so that two readers can never disagree.
//!
//! A second opinion before hyper's parser: what is refused here never reaches it, and whatever passes is re-framed from scratch
//! towards the origin. Refused: anything but CRLF at the end of a line, folded lines, control bytes, white space before a colon, a second
//! `Host`, `Content-Length` twice or beside `Transfer-Encoding`, any transfer coding but `chunked`. Pure: bytes in, lengths or a reason out.

use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri, Version};
use memchr::memchr;

/// What follows a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// Nothing: the next head.
    None,
    /// So many bytes.
    Length(u64),
    /// Chunks.
    Chunked,
    /// The bytes of a tunnel, if it is opened (`CONNECT`).
    Tunnel,
    /// Nothing, and then perhaps another protocol (`Upgrade`).
    Upgrade,
}

/// Why a request cannot be read. Closed: each is a status and a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Malformed {
    /// A line that ends in LF alone, or a CR inside one.
    #[error("a line does not end in CR LF")]
    LineEnd,
    /// A field continued on the next line.
    #[error("a header field is folded over two lines")]
    Folded,
    /// Not `METHOD target HTTP/1.x`.
    #[error("the request line cannot be read")]
    RequestLine,
    /// Not HTTP/1.0 or 1.1.
    #[error("the version is not HTTP/1.0 or HTTP/1.1")]
    Version,
    /// A field name that is no token, or white space around it.
    #[error("a header field name cannot be read")]
    FieldName,
    /// A control character in a field value.
    #[error("a header field holds a control character")]
    FieldValue,
    /// No `Host` in HTTP/1.1, an empty one, or one that is no host.
    #[error("there is no usable Host header field")]
    Host,
    /// `Host` twice.
    #[error("there is more than one Host header field")]
    TwoHosts,
    /// In HTTP/2, a `Host` that is not the `:authority`.
    #[error("the Host header field names another site than the request is for")]
    OtherHost,
    /// A length that is no number, or too large.
    #[error("the Content-Length cannot be read")]
    Length,
    /// A length twice.
    #[error("there is more than one Content-Length")]
    TwoLengths,
    /// A length and a coding.
    #[error("there are both a Content-Length and a Transfer-Encoding")]
    LengthAndCoding,
    /// A transfer coding other than `chunked`, or `chunked` twice, or in HTTP/1.0.
    #[error("the Transfer-Encoding is not just chunked")]
    Coding,
    /// A field spelt to be taken for a length or a coding by some and not by others.
    #[error("a header field is spelt to look like a length or an encoding")]
    Lookalike,
    /// A body where there can be none.
    #[error("this method takes no body")]
    NoBodyAllowed,
    /// A chunk that cannot be read.
    #[error("a chunk of the body cannot be read")]
    Chunk,
    /// A trailer that cannot be read, or may not be one.
    #[error("a trailer field cannot be read")]
    Trailer,
    /// More bytes in a head than one may have.
    #[error("the head is too large")]
    TooLarge,
    /// More fields in a head than one may have.
    #[error("the head has too many fields")]
    TooManyFields,
    /// The head did not arrive in time.
    #[error("the head did not arrive in time")]
    TooSlow,
}

impl Malformed {
    /// The status it is answered with.
    #[must_use]
    pub fn status(self) -> StatusCode {
        match self {
            Self::TooLarge | Self::TooManyFields => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Version => StatusCode::HTTP_VERSION_NOT_SUPPORTED,
            Self::Coding => StatusCode::NOT_IMPLEMENTED,
            Self::LineEnd
            | Self::Folded
            | Self::RequestLine
            | Self::FieldName
            | Self::FieldValue
            | Self::Host
            | Self::TwoHosts
            | Self::OtherHost
            | Self::Length
            | Self::TwoLengths
            | Self::LengthAndCoding
            | Self::Lookalike
            | Self::NoBodyAllowed
            | Self::Chunk
            | Self::Trailer => StatusCode::BAD_REQUEST,
        }
    }
}

/// The length of the head at the start of `bytes`, its empty line included, or `None` if it is not all there. `seen` bytes were looked at
/// before. A head whose lines end in LF alone is found too, so that it can be refused at once.
#[must_use]
pub fn head_length(bytes: &[u8], seen: usize) -> Option<usize> {
    let mut at = seen.saturating_sub(2);
    while let Some(newline) = memchr(b'\n', bytes.get(at..)?) {
        at += newline + 1;
        match bytes.get(at..)? {
            [b'\n', ..] => return Some(at + 1),
            [b'\r', b'\n', ..] => return Some(at + 2),
            _ => {}
        }
    }
    None
}

/// Checks a whole head and tells what follows it.
pub fn check_head(head: &[u8], most_fields: usize) -> Result<Body, Malformed> {
    walk(head, most_fields, |_, _| Ok(())).map(|(_, body)| body)
}

/// Checks a whole head, reads it as a request, and tells what follows it.
pub fn read_head(head: &[u8], most_fields: usize) -> Result<(Request<()>, Body), Malformed> {
    let mut headers = HeaderMap::new();
    let (line, body) = walk(head, most_fields, |name, value| {
        let name = HeaderName::from_bytes(name).map_err(|_| Malformed::FieldName)?;
        headers.append(name, HeaderValue::from_bytes(value).map_err(|_| Malformed::FieldValue)?);
        Ok(())
    })?;
    let mut request = Request::new(());
    *request.method_mut() = Method::from_bytes(line.method).map_err(|_| Malformed::RequestLine)?;
    *request.version_mut() = if line.old { Version::HTTP_10 } else { Version::HTTP_11 };
    *request.uri_mut() = line.target;
    *request.headers_mut() = headers;
    Ok((request, body))
}

/// Goes through a head, field by field.
fn walk<'a>(
    head: &'a [u8],
    most_fields: usize,
    mut each: impl FnMut(&'a [u8], &'a [u8]) -> Result<(), Malformed>,
) -> Result<(RequestLine<'a>, Body), Malformed> {
    let mut lines = Lines(head);
    let request_line = RequestLine::parse(lines.next().ok_or(Malformed::RequestLine)??)?;
    let mut fields = Fields::default();
    for line in lines {
        let line = line?;
        if line.is_empty() {
            let body = fields.body(&request_line)?;
            return Ok((request_line, body));
        }
        let (name, value) = split_field(line)?;
        fields.add(name, value)?;
        if fields.count > most_fields {
            return Err(Malformed::TooManyFields);
        }
        each(name, value)?;
    }
    Err(Malformed::LineEnd)
}

/// Whether a sound head asks for the server as a whole: `OPTIONS http://host`, or `https://` inside TLS, which a parsed URI cannot tell from `OPTIONS http://host/`
/// (RFC 9112 section 3.2.4).
#[must_use]
pub fn asks_whole_server(head: &[u8]) -> bool {
    let target = head.strip_prefix(b"OPTIONS ").and_then(|rest| rest.split(|byte| *byte == b' ').next());
    let Some((scheme, rest)) = target.and_then(|target| target.split_at_checked(memchr(b':', target)?)) else { return false };
    let is_web = scheme.eq_ignore_ascii_case(b"http") || scheme.eq_ignore_ascii_case(b"https");
    is_web && rest.strip_prefix(b"://").is_some_and(|authority| !authority.iter().any(|byte| matches!(byte, b'/' | b'?')))
}

/// Lines without their CRLF.
struct Lines<'a>(&'a [u8]);

impl<'a> Iterator for Lines<'a> {
    type Item = Result<&'a [u8], Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let Some(newline) = memchr(b'\n', self.0) else { return Some(Err(Malformed::LineEnd)) };
        let line = &self.0[..newline];
        self.0 = &self.0[newline + 1..];
        Some(line.strip_suffix(b"\r").filter(|line| memchr(b'\r', line).is_none()).ok_or(Malformed::LineEnd))
    }
}

struct RequestLine<'a> {
    method: &'a [u8],
    target: Uri,
    old: bool,
}

impl<'a> RequestLine<'a> {
    fn parse(line: &'a [u8]) -> Result<Self, Malformed> {
        let mut parts = line.split(|byte| *byte == b' ');
        let (Some(method), Some(target), Some(version), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
            return Err(Malformed::RequestLine);
        };
        // A fragment is overlooked by `Uri`, but not by hyper's parser, which takes text alone.
        let visible = target.iter().all(|byte| *byte > b' ' && *byte != 0x7f) && std::str::from_utf8(target).is_ok();
        if method.is_empty() || !visible || !method.iter().all(|byte| is_token(*byte)) {
            return Err(Malformed::RequestLine);
        }
        // A target hyper cannot read it would answer by itself, and nothing would be on record.
        let target = Uri::try_from(target).map_err(|_| Malformed::RequestLine)?;
        match version {
            b"HTTP/1.1" => Ok(Self { method, target, old: false }),
            b"HTTP/1.0" => Ok(Self { method, target, old: true }),
            _ if version.starts_with(b"HTTP/") => Err(Malformed::Version),
            _ => Err(Malformed::RequestLine),
        }
    }
}

#[derive(Default)]
struct Fields {
    count: usize,
    hosts: usize,
    length: Option<u64>,
    chunked: bool,
    upgrade: bool,
}

impl Fields {
    fn add(&mut self, name: &[u8], value: &[u8]) -> Result<(), Malformed> {
        self.count += 1;
        match name.len() {
            4 if name.eq_ignore_ascii_case(b"host") => self.host(value),
            7 if name.eq_ignore_ascii_case(b"upgrade") => {
                self.upgrade = true;
                Ok(())
            }
            14 if name.eq_ignore_ascii_case(b"content-length") => self.content_length(value),
            17 if name.eq_ignore_ascii_case(b"transfer-encoding") => self.transfer_encoding(value),
            10..=24 if is_lookalike(name) => Err(Malformed::Lookalike),
            _ => Ok(()),
        }
    }

    fn host(&mut self, value: &[u8]) -> Result<(), Malformed> {
        self.hosts += 1;
        let fine = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+;=:[]".contains(byte) || *byte >= 0x80;
        if self.hosts > 1 {
            return Err(Malformed::TwoHosts);
        }
        if value.is_empty() || !value.iter().all(fine) { Err(Malformed::Host) } else { Ok(()) }
    }

    fn content_length(&mut self, value: &[u8]) -> Result<(), Malformed> {
        if self.length.is_some() {
            return Err(Malformed::TwoLengths);
        }
        if value.is_empty() || value.len() > 18 || !value.iter().all(u8::is_ascii_digit) {
            return Err(Malformed::Length);
        }
        self.length = Some(value.iter().fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0')));
        Ok(())
    }

    fn transfer_encoding(&mut self, value: &[u8]) -> Result<(), Malformed> {
        if self.chunked || !value.eq_ignore_ascii_case(b"chunked") {
            return Err(Malformed::Coding);
        }
        self.chunked = true;
        Ok(())
    }

    fn body(&self, line: &RequestLine<'_>) -> Result<Body, Malformed> {
        // A CONNECT without one is unambiguous, and some clients send it: its target is a host and nothing else.
        if self.hosts == 0 && !line.old && line.method != b"CONNECT" {
            return Err(Malformed::Host);
        }
        let body = match (self.length, self.chunked) {
            (Some(_), true) => return Err(Malformed::LengthAndCoding),
            (None, true) if line.old => return Err(Malformed::Coding),
            (None, true) => Body::Chunked,
            (Some(0) | None, false) if self.upgrade => Body::Upgrade,
            (Some(0) | None, false) => Body::None,
            (Some(length), false) => Body::Length(length),
        };
        match (line.method, body) {
            (b"CONNECT", Body::None | Body::Upgrade) => Ok(Body::Tunnel),
            (b"CONNECT" | b"TRACE", Body::Length(_) | Body::Chunked) => Err(Malformed::NoBodyAllowed),
            (_, body) => Ok(body),
        }
    }
}

/// Splits `name: value`, the value without white space around it.
pub(super) fn split_field(line: &[u8]) -> Result<(&[u8], &[u8]), Malformed> {
    if matches!(line.first(), Some(b' ' | b'\t')) {
        return Err(Malformed::Folded);
    }
    let colon = memchr(b':', line).ok_or(Malformed::FieldName)?;
    let (name, value) = (&line[..colon], &line[colon + 1..]);
    if name.is_empty() || !name.iter().all(|byte| is_token(*byte)) {
        return Err(Malformed::FieldName);
    }
    if !value.iter().all(|byte| *byte >= b' ' && *byte != 0x7f || *byte == b'\t') {
        return Err(Malformed::FieldValue);
    }
    Ok((name, value.trim_ascii()))
}

/// Whether a name would be `content-length` or `transfer-encoding` to a reader that overlooks or changes other characters, as gateways do with
/// `_`.
pub(super) fn is_lookalike(name: &[u8]) -> bool {
    let same = |wanted: &[u8]| name.iter().filter(|byte| byte.is_ascii_alphanumeric()).map(u8::to_ascii_lowercase).eq(wanted.iter().copied());
    same(b"contentlength") || same(b"transferencoding")
}

/// RFC 9110 section 5.6.2.
fn is_token(byte: u8) -> bool {
    TOKEN[usize::from(byte)]
}

/// Which bytes a token may have: looked up, because every byte of every field name is.
const TOKEN: [bool; 256] = {
    let mut token = [false; 256];
    let mut byte = 0u8;
    while byte < 128 {
        token[byte as usize] = byte.is_ascii_alphanumeric() || matches!(byte, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^'..=b'`' | b'|' | b'~');
        byte += 1;
    }
    token
};

#[cfg(test)]
mod tests {
    use super::*;

    fn head(text: &str) -> Result<Body, Malformed> {
        check_head(text.as_bytes(), 100)
    }

    const HOST: &str = "Host: a.example\r\n";

    #[test]
    fn sound_heads_say_what_follows() {
        for (text, body) in [
            ("GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n", Body::None),
            ("GET http://a.example/ HTTP/1.0\r\n\r\n", Body::None),
            ("POST http://a.example/ HTTP/1.1\r\nHost: a.example\r\nContent-Length: 12\r\n\r\n", Body::Length(12)),
            ("POST http://a.example/ HTTP/1.1\r\nHost:a.example\r\ncontent-length:0\r\n\r\n", Body::None),
            ("POST http://a.example/ HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding:  Chunked \r\n\r\n", Body::Chunked),
            ("CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n", Body::Tunnel),
            ("CONNECT a.example:443 HTTP/1.0\r\nContent-Length: 0\r\n\r\n", Body::Tunnel),
            ("CONNECT a.example:443 HTTP/1.1\r\n\r\n", Body::Tunnel),
            ("GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n", Body::Upgrade),
            ("M-SEARCH http://a.example/ HTTP/1.1\r\nHost: [::1]:80\r\nX: \t caf\u{e9} \r\nY:\r\n\r\n", Body::None),
        ] {
            assert_eq!(head(text), Ok(body), "{text:?}");
        }
    }

    #[test]
    fn a_sound_head_is_read_as_it_was_written() {
        let head = b"CONNECT a.example:443 HTTP/1.0\r\nHOST:a.example\r\nVia: x\r\nVia:\t y \r\n\r\n";
        let (request, body) = read_head(head, 3).expect("sound");
        assert_eq!((body, read_head(head, 2).err()), (Body::Tunnel, Some(Malformed::TooManyFields)));
        assert_eq!((request.method(), request.version(), request.uri().to_string().as_str()), (&Method::CONNECT, Version::HTTP_10, "a.example:443"));
        let fields: Vec<_> = request.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        assert_eq!(fields, [("host", &b"a.example"[..]), ("via", b"x"), ("via", b"y")]);
    }

    #[test]
    fn what_two_readers_could_read_differently_is_refused() {
        for (fields, why) in [
            ("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n", Malformed::LengthAndCoding),
            ("Transfer-Encoding: chunked\r\nContent-Length: 1\r\n", Malformed::LengthAndCoding),
            ("Content-Length: 1\r\nContent-Length: 2\r\n", Malformed::TwoLengths),
            ("Content-Length: 1\r\nContent-Length: 1\r\n", Malformed::TwoLengths),
            ("Content-Length: 1, 1\r\n", Malformed::Length),
            ("Content-Length: +1\r\n", Malformed::Length),
            ("Content-Length: -1\r\n", Malformed::Length),
            ("Content-Length: 0x1\r\n", Malformed::Length),
            ("Content-Length: 1 1\r\n", Malformed::Length),
            ("Content-Length:\r\n", Malformed::Length),
            ("Content-Length: 18446744073709551616\r\n", Malformed::Length),
            ("Transfer-Encoding: gzip, chunked\r\n", Malformed::Coding),
            ("Transfer-Encoding: chunked, identity\r\n", Malformed::Coding),
            ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", Malformed::Coding),
            ("Transfer-Encoding: xchunked\r\n", Malformed::Coding),
            ("Transfer-Encoding: \"chunked\"\r\n", Malformed::Coding),
            ("Transfer-Encoding:\u{b}chunked\r\n", Malformed::FieldValue),
            ("Transfer_Encoding: chunked\r\n", Malformed::Lookalike),
            ("Content_Length: 5\r\n", Malformed::Lookalike),
            ("Content.Length: 5\r\n", Malformed::Lookalike),
            ("Transfer-Encoding : chunked\r\n", Malformed::FieldName),
            (" Transfer-Encoding: chunked\r\n", Malformed::Folded),
            ("X: 1\r\n Content-Length: 5\r\n", Malformed::Folded),
            ("X: 1\r\n\tmore\r\n", Malformed::Folded),
            ("X: 1\nY: 2\r\n", Malformed::LineEnd),
            ("X: 1\rY: 2\r\n", Malformed::LineEnd),
            ("X: a\0b\r\n", Malformed::FieldValue),
            ("X: a\u{7f}b\r\n", Malformed::FieldValue),
            ("X\r\n", Malformed::FieldName),
            (": x\r\n", Malformed::FieldName),
            ("X\u{e9}: x\r\n", Malformed::FieldName),
            ("Host: b.example\r\n", Malformed::TwoHosts),
        ] {
            assert_eq!(head(&format!("POST http://a.example/ HTTP/1.1\r\n{HOST}{fields}\r\n")), Err(why), "{fields:?}");
        }
        for (line, why) in [
            ("GET http://a.example/ HTTP/1.1\n", Malformed::LineEnd),
            ("GET  http://a.example/ HTTP/1.1\r\n", Malformed::RequestLine),
            ("GET http://a.example/ x HTTP/1.1\r\n", Malformed::RequestLine),
            ("GET http://a.example/\r\n", Malformed::RequestLine),
            ("GET http://a.example/\u{1} HTTP/1.1\r\n", Malformed::RequestLine),
            (" GET http://a.example/ HTTP/1.1\r\n", Malformed::RequestLine),
            ("G\u{7f}T http://a.example/ HTTP/1.1\r\n", Malformed::RequestLine),
            ("GET http://a.example/ HTTP/2.0\r\n", Malformed::Version),
            ("GET http://a.example/ HTTP/1.10\r\n", Malformed::Version),
            ("GET http://a.example/ http/1.1\r\n", Malformed::RequestLine),
        ] {
            assert_eq!(head(&format!("{line}{HOST}\r\n")), Err(why), "{line:?}");
        }
        for (text, why) in [
            ("GET http://a.example/ HTTP/1.1\r\n\r\n", Malformed::Host),
            ("GET http://a.example/ HTTP/1.1\r\nHost:\r\n\r\n", Malformed::Host),
            ("GET http://a.example/ HTTP/1.1\r\nHost: a b\r\n\r\n", Malformed::Host),
            ("GET http://a.example/ HTTP/1.1\r\nHost: a@b\r\n\r\n", Malformed::Host),
            ("GET http://a.example/ HTTP/1.1\r\nHost: a,b\r\n\r\n", Malformed::Host),
            ("POST http://a.example/ HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", Malformed::Coding),
            ("CONNECT a.example:443 HTTP/1.1\r\nHost: a.example\r\nContent-Length: 3\r\n\r\n", Malformed::NoBodyAllowed),
            ("TRACE http://a.example/ HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n", Malformed::NoBodyAllowed),
        ] {
            assert_eq!(head(text), Err(why), "{text:?}");
        }
        // Found by fuzzing: hyper's parser refuses it, and would answer by itself.
        assert_eq!(check_head(b"GET http://a.example/#\x8a HTTP/1.1\r\nHost: a.example\r\n\r\n", 100), Err(Malformed::RequestLine));
        let many = format!("GET / HTTP/1.1\r\n{HOST}{}\r\n", "X: 1\r\n".repeat(100));
        assert_eq!(head(&many), Err(Malformed::TooManyFields));
    }

    #[test]
    fn the_server_as_a_whole_is_asked_for_without_a_path() {
        for (head, whole) in [
            ("OPTIONS http://a.example HTTP/1.1\r\n", true),
            ("OPTIONS HTTP://a.example:80 HTTP/1.1\r\n", true),
            ("OPTIONS http://a.example/ HTTP/1.1\r\n", false),
            ("OPTIONS http://a.example?x HTTP/1.1\r\n", false),
            ("OPTIONS * HTTP/1.1\r\n", false),
            ("GET http://a.example HTTP/1.1\r\n", false),
        ] {
            assert_eq!(asks_whole_server(head.as_bytes()), whole, "{head:?}");
        }
    }

    #[test]
    fn the_end_of_a_head_is_found_wherever_the_bytes_are_cut() {
        for text in [&b"GET / HTTP/1.1\r\nHost: a\r\n\r\nrest"[..], b"GET / HTTP/1.1\nHost: a\n\nrest", b"GET / HTTP/1.1\r\nHost: a\n\r\nrest"] {
            let whole = head_length(text, 0).expect("an end");
            assert!(text[whole..].starts_with(b"rest"));
            for cut in 0..text.len() {
                let found = head_length(&text[..cut], 0).or_else(|| head_length(text, cut));
                assert_eq!(found, Some(whole), "cut at {cut}");
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
            let _ = head_length(&bytes, 0).map(|length| check_head(&bytes[..length], 10));
        }
    }
}
