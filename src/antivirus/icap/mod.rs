//! A client of ICAP (RFC 3507): what a server is asked with `OPTIONS` once in a while, then `REQMOD` and `RESPMOD`, with a preview where it wants one, on
//! connections that are kept.
//!
//! A verdict is what is wanted, not another body: an answer that replaces what it was shown counts as a finding, and Usher says so in its own words.
//! `206 Partial Content` is not offered.

pub mod answer;

use super::spool::Spool;
use super::{ScanError, Verdict};
use answer::{Progress, Reader};
use bytes::{Buf, BytesMut};
use parking_lot::Mutex;
use std::fmt::{self, Write as _};
use std::io;
use std::str::FromStr;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};

/// The port of ICAP.
const PORT: u16 = 1344;
/// Connections that are kept.
const KEPT: usize = 8;
/// The longest preview that is sent, whatever is asked for, in bytes.
const LONGEST_PREVIEW: usize = 16 * 1024;
/// How long what a server can do is believed where it does not say, and the longest.
const BELIEVED: Duration = Duration::from_secs(3600);
/// The most bytes of a body that an answer may carry beyond what it was shown: what replaces it is not wanted.
const READ_AT_ONCE: usize = 32 * 1024;

/// Where a service is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// The host, or an address.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The service, with what follows it, without a slash before it.
    pub service: String,
}

/// Not an address of ICAP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an address of a service, such as icap://127.0.0.1:1344/avscan")]
pub struct NotAnAddress;

impl FromStr for Address {
    type Err = NotAnAddress;

    fn from_str(text: &str) -> Result<Self, NotAnAddress> {
        let rest = text.strip_prefix("icap://").ok_or(NotAnAddress)?;
        let (authority, service) = rest.split_once('/').ok_or(NotAnAddress)?;
        let is_plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
        let (host, port) = crate::url::split_port(authority).map_err(|_| NotAnAddress)?;
        if host.is_empty() || host.contains('@') || service.is_empty() || !is_plain(host) || !is_plain(service) {
            return Err(NotAnAddress);
        }
        Ok(Self { host: host.to_owned(), port: port.unwrap_or(PORT), service: service.to_owned() })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "icap://{}:{}/{}", self.host, self.port, self.service)
    }
}

/// What a service is shown beside the body: heads of HTTP.
#[derive(Clone, Debug, Default)]
pub struct Message {
    /// The request's head, with its empty line.
    pub request: Vec<u8>,
    /// The answer's head and its status, if it is an answer that is shown.
    pub response: Option<(Vec<u8>, u16)>,
}

/// What a service said it can do.
#[derive(Clone, Copy, Debug)]
struct Options {
    preview: Option<usize>,
    until: Instant,
}

struct Conn {
    stream: TcpStream,
    /// What came behind the last answer.
    buffer: BytesMut,
}

/// A service.
pub struct Service {
    address: Address,
    options: Mutex<Option<Options>>,
    kept: Mutex<Vec<Conn>>,
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(f)
    }
}

/// An answer and what is known of its body.
struct Answer {
    reader: Reader,
    body: blake3::Hasher,
    length: u64,
}

impl Answer {
    fn new() -> Self {
        Self { reader: Reader::default(), body: blake3::Hasher::new(), length: 0 }
    }
}

/// What was shown, as far as it went out.
#[derive(Default)]
struct Shown {
    hash: blake3::Hasher,
    length: u64,
}

/// Why an exchange failed, and whether anything had come back.
struct Failed {
    error: ScanError,
    unanswered: bool,
}

impl Service {
    /// The service there.
    #[must_use]
    pub fn new(address: Address) -> Self {
        Self { address, options: Mutex::default(), kept: Mutex::default() }
    }

    /// Shows it a message with this body.
    ///
    /// # Errors
    /// If there is no verdict.
    pub async fn ask(&self, file: &Spool, message: &Message) -> Result<Verdict, ScanError> {
        let options = self.options().await?;
        let kept = self.kept.lock().pop();
        if let Some(conn) = kept {
            match self.exchange(conn, file, message, options).await {
                Ok(verdict) => return Ok(verdict),
                // It was closed while it was kept: nobody has seen the file.
                Err(failed) if failed.unanswered => self.kept.lock().clear(),
                Err(failed) => return Err(failed.error),
            }
        }
        self.exchange(self.connect().await?, file, message, options).await.map_err(|failed| failed.error)
    }

    fn fail(&self, error: io::Error) -> ScanError {
        ScanError::Io { scanner: self.to_string(), error }
    }

    /// Why nothing was heard: because nothing could be sent, or for a reason of its own.
    fn blame(&self, sent: io::Result<()>, heard: ScanError) -> ScanError {
        match (sent, heard) {
            (Err(error), ScanError::Io { .. }) => self.fail(error),
            (_, heard) => heard,
        }
    }

    fn nonsense(&self, said: impl fmt::Display) -> ScanError {
        ScanError::Nonsense { scanner: self.to_string(), said: said.to_string() }
    }

    async fn connect(&self) -> Result<Conn, ScanError> {
        let host = self.address.host.trim_matches(['[', ']']);
        let stream = TcpStream::connect((host, self.address.port)).await.map_err(|error| self.fail(error))?;
        stream.set_nodelay(true).map_err(|error| self.fail(error))?;
        Ok(Conn { stream, buffer: BytesMut::new() })
    }

    fn start(&self, method: &str) -> String {
        let Address { host, port, .. } = &self.address;
        format!("{method} {} ICAP/1.0\r\nHost: {host}:{port}\r\nUser-Agent: Usher\r\n", self.address)
    }

    /// What the service can do, asked again when it is no longer believed.
    async fn options(&self) -> Result<Options, ScanError> {
        let known = *self.options.lock();
        if let Some(options) = known.filter(|options| options.until > Instant::now()) {
            return Ok(options);
        }
        let Conn { mut stream, mut buffer } = self.connect().await?;
        let mut answer = Answer::new();
        let (mut from, mut to) = stream.split();
        let asked = format!("{}Encapsulated: null-body=0\r\n\r\n", self.start("OPTIONS"));
        to.write_all(asked.as_bytes()).await.map_err(|error| self.fail(error))?;
        self.hear(&mut from, &mut buffer, &mut answer).await?;
        let head = answer.reader.head();
        if head.status != 200 {
            return Err(ScanError::Said { scanner: self.to_string(), said: format!("{} to OPTIONS", head.status) });
        }
        let number = |name: &str| head.field(name).and_then(|value| value.parse::<usize>().ok());
        let believed = number("options-ttl").map_or(BELIEVED, |seconds| Duration::from_secs(seconds as u64).min(BELIEVED));
        let options = Options { preview: number("preview").map(|preview| preview.min(LONGEST_PREVIEW)), until: Instant::now() + believed };
        *self.options.lock() = Some(options);
        self.keep(Conn { stream, buffer }, &answer);
        Ok(options)
    }

    /// Keeps a connection for the next, if it may be.
    fn keep(&self, conn: Conn, answer: &Answer) {
        let closes = answer.reader.head().field("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
        let mut kept = self.kept.lock();
        if !closes && conn.buffer.is_empty() && kept.len() < KEPT {
            kept.push(conn);
        }
    }

    async fn exchange(&self, mut conn: Conn, file: &Spool, message: &Message, options: Options) -> Result<Verdict, Failed> {
        let mut answer = Answer::new();
        let shown = Mutex::new(Shown::default());
        let (mut from, mut to) = conn.stream.split();
        let done = self.talk((&mut from, &mut to), &mut conn.buffer, &mut answer, file, message, options, &shown).await;
        let whole = match done {
            Ok(whole) => whole,
            Err(error) => return Err(Failed { unanswered: answer.reader.head().status == 0 && matches!(error, ScanError::Io { .. }), error }),
        };
        let verdict = self.verdict(&answer, &shown.into_inner(), message).map_err(|error| Failed { error, unanswered: false });
        // What was not sent to its end cannot be gone on with.
        if whole {
            self.keep(conn, &answer);
        }
        verdict
    }

    /// Sends a message and reads the answer; whether all was sent that was wanted.
    #[expect(clippy::too_many_arguments, reason = "what a connection and a message are made of")]
    async fn talk(
        &self,
        (from, to): (&mut ReadHalf<'_>, &mut WriteHalf<'_>),
        buffer: &mut BytesMut,
        answer: &mut Answer,
        file: &Spool,
        message: &Message,
        options: Options,
        shown: &Mutex<Shown>,
    ) -> Result<bool, ScanError> {
        let mut pieces = file.pieces();
        let preview = options.preview;
        let mut head = self.head(message, file.length(), preview).into_bytes();
        head.extend_from_slice(&message.request);
        head.extend_from_slice(message.response.as_ref().map_or(&[], |(head, _)| head));
        // It may answer before it has read this, and close: what it says counts, and only where it says nothing that it could not be sent to.
        let mut sent = to.write_all(&head).await;
        let mut first = match pieces.next().await.map_err(ScanError::Spool)? {
            Some(first) => first,
            // Nothing to show but heads.
            None => return self.hear(from, buffer, answer).await.map_err(|error| self.blame(sent, error)).map(|_| true),
        };
        if let Some(preview) = preview {
            let start = first.split_to(preview.min(first.len()));
            let is_whole = start.len() as u64 == file.length();
            let end: &[u8] = if is_whole { b"0; ieof\r\n\r\n" } else { b"0\r\n\r\n" };
            if sent.is_ok() {
                sent = send(to, &start, shown).await;
            }
            if sent.is_ok() {
                sent = to.write_all(end).await;
            }
            let whole = sent.is_ok();
            match self.hear(from, buffer, answer).await.map_err(|error| self.blame(sent, error))? {
                // It has seen enough.
                Progress::Done => return Ok(whole),
                Progress::Continue if is_whole => return Err(self.nonsense("it wants more of what it has whole")),
                Progress::Continue | Progress::More => *answer = Answer::new(),
            }
        }
        let rest = async {
            send(to, &first, shown).await?;
            while let Some(piece) = pieces.next().await? {
                send(to, &piece, shown).await?;
            }
            to.write_all(b"0\r\n\r\n").await
        };
        let (mut rest, mut hear) = (std::pin::pin!(rest), std::pin::pin!(self.hear(from, buffer, answer)));
        let mut whole = None;
        loop {
            tokio::select! {
                // Its answer may come while it is still being sent to, and then it may close.
                sent = &mut rest, if whole.is_none() => whole = Some(sent.is_ok()),
                heard = &mut hear => return match heard? {
                    Progress::Done => Ok(whole == Some(true)),
                    Progress::Continue | Progress::More => Err(self.nonsense("it wants more of what it gets")),
                },
            }
        }
    }

    fn head(&self, message: &Message, length: u64, preview: Option<usize>) -> String {
        let method = if message.response.is_some() { "RESPMOD" } else { "REQMOD" };
        let mut head = self.start(method);
        head += "Allow: 204\r\n";
        let body_at = message.request.len() + message.response.as_ref().map_or(0, |(head, _)| head.len());
        let body = match (&message.response, length) {
            (_, 0) => "null-body",
            (Some(_), _) => "res-body",
            (None, _) => "req-body",
        };
        let response = if message.response.is_some() { format!("res-hdr={}, ", message.request.len()) } else { String::new() };
        if let Some(preview) = preview.filter(|_| length > 0) {
            let _ = write!(head, "Preview: {}\r\n", length.min(preview as u64));
        }
        let _ = write!(head, "Encapsulated: req-hdr=0, {response}{body}={body_at}\r\n\r\n");
        head
    }

    /// Reads up to the end of an answer, or up to where more is wanted.
    async fn hear(&self, from: &mut ReadHalf<'_>, buffer: &mut BytesMut, answer: &mut Answer) -> Result<Progress, ScanError> {
        loop {
            let Answer { reader, body, length } = answer;
            let taken = reader.take(buffer, &mut |bytes| {
                *length += bytes.len() as u64;
                body.update(bytes);
            });
            let (count, progress) = taken.map_err(|why| self.nonsense(why))?;
            buffer.advance(count);
            if progress != Progress::More {
                return Ok(progress);
            }
            buffer.reserve(READ_AT_ONCE);
            if from.read_buf(buffer).await.map_err(|error| self.fail(error))? == 0 {
                return Err(self.fail(io::ErrorKind::UnexpectedEof.into()));
            }
        }
    }

    fn verdict(&self, answer: &Answer, shown: &Shown, message: &Message) -> Result<Verdict, ScanError> {
        let reader = &answer.reader;
        let head = reader.head();
        if let Some(found) = infection(head) {
            return Ok(Verdict::Found(found));
        }
        match head.status {
            204 => Ok(Verdict::Clean),
            200 if !reader.has_message() => Err(self.nonsense("200 with nothing in it")),
            200 => {
                let same_body = answer.length == shown.length && answer.body.finalize() == shown.hash.finalize();
                let same_head = match (&message.response, reader.response_status()) {
                    (Some((_, status)), Some(back)) => *status == back,
                    (None, None) => reader.request_line().is_some_and(|line| message.request.starts_with(line) && !line.is_empty()),
                    (Some(_), None) | (None, Some(_)) => false,
                };
                if same_body && same_head {
                    return Ok(Verdict::Clean);
                }
                let instead = reader.response_status().map_or_else(|| "something else".to_owned(), |status| format!("an answer {status}"));
                Ok(Verdict::Found(format!("not named; the scanner put {instead} in its place")))
            }
            status => Err(ScanError::Said { scanner: self.to_string(), said: status.to_string() }),
        }
    }
}

/// Sends a chunk.
async fn send(to: &mut WriteHalf<'_>, bytes: &[u8], shown: &Mutex<Shown>) -> io::Result<()> {
    if bytes.is_empty() {
        return Ok(());
    }
    to.write_all(format!("{:x}\r\n", bytes.len()).as_bytes()).await?;
    to.write_all(bytes).await?;
    to.write_all(b"\r\n").await?;
    let mut shown = shown.lock();
    shown.length += bytes.len() as u64;
    shown.hash.update(bytes);
    Ok(())
}

/// What a head says was found (`X-Infection-Found`, `X-Virus-ID`, `X-Violations-Found`, as in draft-stecher-icap-subid).
fn infection(head: &answer::Head) -> Option<String> {
    let short = |text: &str| text.chars().filter(|c| !c.is_control()).take(120).collect::<String>();
    if let Some(found) = head.field("x-infection-found") {
        let threat = found.split(';').find_map(|part| part.trim().strip_prefix("Threat="));
        return Some(short(threat.unwrap_or(found)));
    }
    let named = head.field("x-virus-id").filter(|name| !name.is_empty() && !name.eq_ignore_ascii_case("no threats"));
    named.or_else(|| head.field("x-violations-found").filter(|count| !count.starts_with('0'))).map(short)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_a_host_and_a_service() {
        for (text, read) in [
            ("icap://127.0.0.1:1344/avscan", Some(("127.0.0.1", 1344, "avscan"))),
            ("icap://scanner.school.example/reqmod?x=1", Some(("scanner.school.example", 1344, "reqmod?x=1"))),
            ("icap://127.0.0.1:1344", None),
            ("icap://127.0.0.1/", None),
            ("icaps://127.0.0.1/x", None),
            ("http://127.0.0.1/x", None),
            ("icap:///x", None),
            ("icap://a@b/x", None),
            ("icap://a/x y", None),
        ] {
            let found = text.parse::<Address>().ok();
            assert_eq!(found.as_ref().map(|address| (address.host.as_str(), address.port, address.service.as_str())), read, "{text}");
        }
    }
}
