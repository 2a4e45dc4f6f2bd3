//! Syslog: RFC 5424 messages, framed by their length (RFC 6587 section 3.4.1), over TCP or TLS (RFC 5425).
//!
//! Syslog has no word for "taken". So each batch has a connection of its own: all is written, our side is ended, and the receiver, which has read to the
//! end, ends its own. A receiver that ends first, or goes away with bytes unread, has not taken the batch, and gets it again.
//!
//! What was let through has facility local0, what was not local1, what is about Usher itself local2; the severity says how grave it is.

use super::send::{CONNECT, SendError, TAKE};
use super::{Content, Item, Notice};
use crate::audit::Class;
use crate::audit::events::Severity;
use crate::audit::query::Row;
use crate::host::Host;
use crate::reach::{self, Roots};
use crate::url::split_port;
use std::fmt::Write as _;
use std::io;
use std::pin::pin;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};
use tokio::time::timeout;

/// The number examples have; a school has none of its own (RFC 5424 section 7.2.2).
const ENTERPRISE: &str = "usher@32473";
/// The most bytes of one value. Receivers must take 480 bytes, should take 2048, and rsyslog takes 8192 of a message.
const LONGEST_VALUE: usize = 1024;
/// The byte order mark says that what follows is UTF-8.
const BOM: &str = "\u{feff}";
/// As long as word of bytes that met a closed door may take to come back, after the receiver has ended its side.
const GRACE: Duration = Duration::from_millis(50);

const LOCAL0: u8 = 16;
const LOCAL1: u8 = 17;
const LOCAL2: u8 = 18;

/// A syslog server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Its name or address.
    pub host: Host,
    /// Its port.
    pub port: u16,
    /// What it is spoken to over.
    pub transport: Transport,
}

/// What a syslog server is spoken to over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// In the clear: whoever is on the way reads along.
    Tcp,
    /// TLS, the certificate checked.
    Tls,
}

/// What a message begins with and how it is graded.
struct Head<'a> {
    facility: u8,
    severity: u8,
    time: &'a str,
    kind: &'a str,
}

/// A batch, each message with its length before it.
#[must_use]
pub fn frames(batch: &[Item], origin: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(batch.len() * 1024);
    for item in batch {
        let message = message(item, origin);
        bytes.extend_from_slice(message.len().to_string().as_bytes());
        bytes.push(b' ');
        bytes.extend_from_slice(message.as_bytes());
    }
    bytes
}

/// One message. `origin` is this machine's name.
#[must_use]
pub fn message(item: &Item, origin: &str) -> String {
    match &item.content {
        Content::Record(class, row) => {
            let (facility, severity) = grade(row);
            let head = Head { facility, severity, time: &row.time, kind: "record" };
            write(&head, origin, &record_values(*class, row), &record_words(row))
        }
        Content::Notice(notice) => {
            let time = format!("{:.3}", item.at);
            let head = Head { facility: LOCAL2, severity: notice_severity(notice.severity), time: &time, kind: &notice.kind };
            write(&head, origin, &notice_values(notice), &notice.text)
        }
    }
}

fn write(head: &Head<'_>, origin: &str, values: &[(&str, String)], words: &str) -> String {
    let mut text = String::with_capacity(1024);
    let kind = name(head.kind, 32);
    // Writing to a string cannot fail.
    let _ = write!(text, "<{}>1 {} {} usher {} {kind} [{ENTERPRISE}", head.facility * 8 + head.severity, head.time, name(origin, 255), std::process::id());
    for (key, value) in values.iter().filter(|(_, value)| !value.is_empty()) {
        let _ = write!(text, " {key}=\"");
        escape(&mut text, value);
        text.push('"');
    }
    text.push_str("] ");
    text.push_str(BOM);
    text.extend(words.chars().map(printable));
    text
}

/// A name as a header may have it: printable ASCII without spaces, or a hyphen for none (RFC 5424 section 6).
fn name(text: &str, most: usize) -> &str {
    let sound = !text.is_empty() && text.len() <= most && text.bytes().all(|byte| byte.is_ascii_graphic());
    if sound { text } else { "-" }
}

/// A value as structured data has it: `"`, `\` and `]` escaped (RFC 5424 section 6.3.3), nothing that would move a terminal, and not too long.
fn escape(text: &mut String, value: &str) {
    let end = value.floor_char_boundary(LONGEST_VALUE);
    for c in value[..end].chars() {
        if matches!(c, '"' | '\\' | ']') {
            text.push('\\');
        }
        text.push(printable(c));
    }
    if end < value.len() {
        text.push('…');
    }
}

fn printable(c: char) -> char {
    if c.is_control() { '\u{fffd}' } else { c }
}

/// Facility and severity of a record.
fn grade(row: &Row) -> (u8, u8) {
    match (row.verdict.as_str(), row.reason.as_str()) {
        (_, "always-blocked") => (LOCAL1, 2),
        ("blocked" | "refused", _) => (LOCAL1, 4),
        ("warned", _) => (LOCAL1, 5),
        _ => (LOCAL0, 6),
    }
}

fn notice_severity(severity: Severity) -> u8 {
    match severity {
        Severity::Info => 6,
        Severity::Warning => 4,
        Severity::Critical => 2,
    }
}

fn record_values(class: Class, row: &Row) -> Vec<(&'static str, String)> {
    let maybe = |value: &Option<String>| value.clone().unwrap_or_default();
    let number = |value: Option<u64>| value.map_or_else(String::new, |value| value.to_string());
    let entry = row.entry.as_ref().map(|entry| format!("{}:{}: {}", entry.list, entry.line, entry.text));
    vec![
        ("id", row.id.clone()),
        ("class", class.as_str().to_owned()),
        ("verdict", row.verdict.clone()),
        ("user", maybe(&row.user)),
        ("group", row.group.clone()),
        ("client", row.client.clone()),
        ("method", row.method.clone()),
        ("url", row.url()),
        ("host", row.host.clone()),
        ("categories", row.categories.join(" ")),
        ("reason", row.reason.clone()),
        ("rule", maybe(&row.rule)),
        ("entry", entry.unwrap_or_default()),
        ("snapshot", row.snapshot.clone()),
        ("status", number(row.status.map(u64::from))),
        ("bytes_up", number(row.bytes_up)),
        ("bytes_down", number(row.bytes_down)),
        ("outcome", maybe(&row.outcome)),
        ("upstream", maybe(&row.upstream)),
        ("referrer", maybe(&row.referrer)),
        ("agent", maybe(&row.user_agent)),
    ]
}

/// What happened, as a person would say it.
fn record_words(row: &Row) -> String {
    let who = row.user.as_deref().map_or_else(|| format!("somebody at {}", row.client), |user| format!("{user} ({})", row.group));
    let done = match row.verdict.as_str() {
        "allowed" => "was let through to",
        "warned" => "was warned about",
        "blocked" => "was kept from",
        "refused" => "was refused",
        _ => "was answered by Usher at",
    };
    let host = if row.host.is_empty() { "a request that could not be read" } else { &row.host };
    format!("{who} {done} {host}: {}", row.why)
}

fn notice_values(notice: &Notice) -> Vec<(&str, String)> {
    let first = [("what", notice.what.as_str().to_owned()), ("kind", notice.kind.clone()), ("severity", notice.severity.as_str().to_owned())];
    first.into_iter().chain(notice.fields.iter().map(|(key, value)| (*key, value.clone()))).collect()
}

impl Server {
    /// `tls://host:port` or `tcp://host:port`.
    #[must_use]
    pub fn parse(address: &str) -> Option<Self> {
        let (scheme, place) = address.split_once("://")?;
        let transport = match scheme {
            "tls" => Transport::Tls,
            "tcp" => Transport::Tcp,
            _ => return None,
        };
        let (host, port) = split_port(place).ok()?;
        Some(Self { host: Host::parse(host).ok()?, port: port?, transport })
    }

    /// Sends a batch; when this returns `Ok` it was taken.
    pub(super) async fn send(&self, batch: &[Item], roots: &Roots, origin: &str) -> Result<(), SendError> {
        self.write(&frames(batch, origin), roots).await
    }

    /// Sends messages, each with its length before it, as [`frames`] makes them; when this returns `Ok` they were taken.
    ///
    /// # Errors
    /// If the server is not reached or does not take them.
    pub async fn write(&self, bytes: &[u8], roots: &Roots) -> Result<(), SendError> {
        let tcp = timeout(CONNECT, reach::connect(&self.host, self.port, CONNECT)).await.map_err(|_| SendError::ConnectTime)??;
        match self.transport {
            Transport::Tcp => {
                let tcp = hand_over(tcp, bytes).await?;
                taken(&tcp)
            }
            Transport::Tls => {
                let shake = reach::secure(tcp, &self.host, roots, &[]);
                let tls = timeout(CONNECT, shake).await.map_err(|_| SendError::ConnectTime)??;
                let tls = hand_over(tls, bytes).await?;
                taken(tls.get_ref().0)
            }
        }
    }
}

/// Whether nothing of what was sent met a closed door.
fn taken(tcp: &tokio::net::TcpStream) -> Result<(), SendError> {
    match tcp.take_error() {
        Ok(None) => Ok(()),
        Ok(Some(error)) | Err(error) => Err(SendError::Broke(error)),
    }
}

async fn hand_over<S: AsyncRead + AsyncWrite + Unpin>(stream: S, bytes: &[u8]) -> Result<S, SendError> {
    timeout(TAKE, write_and_wait(stream, bytes)).await.map_err(|_| SendError::Stalled)?
}

/// Writes all, ends our side, and waits for the receiver to end its own, which it must not do before.
async fn write_and_wait<S: AsyncRead + AsyncWrite + Unpin>(stream: S, bytes: &[u8]) -> Result<S, SendError> {
    let (mut read, mut write) = split(stream);
    {
        let mut ended = pin!(until_end(&mut read));
        let written = async {
            write.write_all(bytes).await?;
            write.flush().await
        };
        tokio::select! {
            biased;
            end = &mut ended => return Err(end.map_or_else(SendError::Broke, |()| SendError::ClosedEarly)),
            written = written => written.map_err(SendError::Broke)?,
        }
        // Once more: it may have ended while the last of it was written.
        if let Ok(end) = timeout(Duration::ZERO, &mut ended).await {
            return Err(end.map_or_else(SendError::Broke, |()| SendError::ClosedEarly));
        }
        write.shutdown().await.map_err(SendError::Broke)?;
        ended.await.map_err(SendError::Broke)?;
    }
    tokio::time::sleep(GRACE).await;
    Ok(read.unsplit(write))
}

/// Reads what a receiver may say, which means nothing, to its end.
async fn until_end(read: &mut (impl AsyncRead + Unpin)) -> io::Result<()> {
    let mut buffer = [0; 512];
    loop {
        match read.read(&mut buffer).await {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            // Many servers end TLS by ending the connection; that nothing was lost is known from the connection itself.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

/// This machine's name.
#[must_use]
pub fn origin() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname").map(|name| name.trim().to_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::{Position, What};
    use super::*;

    fn notice(text: &str) -> Item {
        let fields = vec![("root", "a\"b\\c]d\ne".to_owned()), ("empty", String::new())];
        let notice = Notice { what: What::Checkpoints, kind: "checkpoint".into(), severity: Severity::Info, text: text.into(), fields };
        Item { position: Position(3), at: "2026-11-25T10:00:00.5Z".parse().expect("a time"), content: Content::Notice(notice) }
    }

    #[test]
    fn a_message_has_the_form_of_rfc_5424() {
        let process = std::process::id();
        let expected = format!(
            "<150>1 2026-11-25T10:00:00.500Z proxy.school.example usher {process} checkpoint [usher@32473 what=\"checkpoints\" kind=\"checkpoint\" \
             severity=\"info\" root=\"a\\\"b\\\\c\\]d\u{fffd}e\"] {BOM}All is well."
        );
        assert_eq!(message(&notice("All is well."), "proxy.school.example"), expected);
    }

    #[test]
    fn lengths_count_bytes_not_letters() {
        let bytes = frames(&[notice("é"), notice("x")], "");
        let text = String::from_utf8(bytes).expect("text");
        let (length, rest) = text.split_once(' ').expect("a length");
        let (first, second) = rest.split_at(length.parse().expect("a number"));
        assert!(first.starts_with("<150>1 2026-11-25T10:00:00.500Z - usher ") && first.ends_with('é'), "{first}");
        assert!(second.split_once(' ').is_some_and(|(length, rest)| length.parse() == Ok(rest.len())), "{second}");
    }

    #[test]
    fn long_values_are_cut_between_letters() {
        let mut text = String::new();
        escape(&mut text, &"é".repeat(LONGEST_VALUE));
        assert_eq!(text.chars().count(), LONGEST_VALUE / 2 + 1);
        assert!(text.ends_with("é…"));
    }
}
