//! Mail: the message, and the conversation with the server that takes it.
//!
//! lettre writes the message and speaks SMTP; the connection and its TLS are our own ([`reach`]), so that a mail server is believed by the same rules as all
//! others. With `security = "starttls"` nothing but greeting, EHLO and STARTTLS is ever said in the clear, and whatever a server says beyond its answer to
//! STARTTLS is refused: somebody on the way could have put it there (CVE-2011-0411). All of a sending has one limit of time.
//!
//! A mail that is sent again has the same `Message-ID`: who killed Usher between the server's word and its record gets it twice, and mail programs can tell.

use super::story::{Story, one_line};
use super::{Receipt, Unsent};
use crate::alert::outbox::Message;
use crate::alert::plan::{Mail, Security};
use crate::audit::incident::Level;
use crate::host::Host;
use crate::outputs::syslog;
use crate::reach::{self, ReachError, Roots};
use crate::tls::roots;
use askama::Template;
use jiff::Timestamp;
use lettre::message::header::{Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MessageBuilder, MultiPart};
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, AsyncTokioStream};
use lettre::transport::smtp::commands::{Data, Mail as MailFrom, Rcpt};
use lettre::transport::smtp::extension::ClientId;
use std::error::Error as _;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::RootCertStore;

/// The longest answer in the clear, in bytes.
const LONGEST_ANSWER: usize = 8192;
/// How long the end of a conversation may take: the mail is taken by then.
const GOODBYE: Duration = Duration::from_secs(3);
/// The longest that is kept of what a server said, in characters.
const LONGEST_SAID: usize = 200;

#[derive(Template)]
#[template(path = "mail.txt", config = "src/alert/notify/askama.toml", escape = "none")]
struct Text<'a> {
    story: &'a Story,
}

#[derive(Template)]
#[template(path = "mail.html", config = "src/alert/notify/askama.toml")]
struct Html<'a> {
    story: &'a Story,
}

/// A mail, whole.
pub(super) struct Letter {
    from: Mailbox,
    to: Mailbox,
    bytes: Vec<u8>,
}

/// A header of ours. lettre encodes what is in it.
macro_rules! header {
    ($name:ident, $field:literal) => {
        #[derive(Clone)]
        struct $name(String);

        impl Header for $name {
            fn name() -> HeaderName {
                HeaderName::new_from_ascii_str($field)
            }

            fn parse(text: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
                Ok(Self(text.to_owned()))
            }

            fn display(&self) -> HeaderValue {
                HeaderValue::new(Self::name(), self.0.clone())
            }
        }
    };
}

header!(AutoSubmitted, "Auto-Submitted");
header!(Suppress, "X-Auto-Response-Suppress");
header!(Importance, "Importance");
header!(Priority, "X-Priority");

/// Writes a mail.
///
/// # Errors
/// If an address is none: then it can never be sent.
pub(super) fn write(mail: &Mail, message: &Message, story: &Story, thread: Option<&str>, now: Timestamp) -> Result<Letter, Unsent> {
    let never = |what: &str, error: &dyn fmt::Display| Unsent::Never(format!("{what} is no address that mail can go to: {error}"));
    let from: Mailbox = mail.from.parse().map_err(|error| never("`from` under [mail]", &error))?;
    let to: Mailbox = message.to().parse().map_err(|error| never(message.to(), &error))?;
    let domain = from.email.domain().to_owned();
    let id = |key: &str| format!("<{}@{domain}>", &blake3::hash(key.as_bytes()).to_hex()[..32]);
    let mut letter = MessageBuilder::new()
        .from(from.clone())
        .to(to.clone())
        .subject(story.subject.clone())
        .date(now.into())
        .message_id(Some(id(&message.key)))
        .header(AutoSubmitted("auto-generated".to_owned()))
        .header(Suppress("All".to_owned()));
    if message.level == Level::Danger {
        letter = letter.header(Importance("high".to_owned())).header(Priority("1".to_owned()));
    }
    if let Some(first) = thread.filter(|first| *first != message.key) {
        letter = letter.references(id(first)).in_reply_to(id(first));
    }
    let unwritten = |error: &dyn fmt::Display| Unsent::Later(format!("the mail cannot be written: {error}"), None);
    let (text, html) = (Text { story }.render(), Html { story }.render());
    let parts = MultiPart::alternative_plain_html(text.map_err(|error| unwritten(&error))?, html.map_err(|error| unwritten(&error))?);
    let bytes = letter.multipart(parts).map_err(|error| unwritten(&error))?.formatted();
    Ok(Letter { from, to, bytes })
}

/// Hands a mail to the server.
///
/// # Errors
/// If it is not taken, within the time there is.
pub(super) async fn send(mail: &Mail, letter: &Letter) -> Result<Receipt, Unsent> {
    let seconds = mail.timeout.as_secs();
    let late = || Unsent::Later(format!("{} did not take it within {seconds} s; look whether it is overloaded", mail.server), None);
    timeout(mail.timeout, converse(mail, letter)).await.unwrap_or_else(|_| Err(late()))
}

/// A step of the conversation, as the person reads it who has to mend it.
fn refused(server: &str, when: &str, error: &lettre::transport::smtp::Error) -> String {
    let code = error.status().map_or_else(String::new, |code| format!("{code} "));
    let said = error.source().map_or_else(|| error.to_string(), ToString::to_string);
    format!("{server} {when}: {code}{}", one_line(&said, LONGEST_SAID))
}

async fn converse(mail: &Mail, letter: &Letter) -> Result<Receipt, Unsent> {
    let server = &*mail.server;
    let later = |when: &'static str| move |error: lettre::transport::smtp::Error| Unsent::Later(refused(server, when, &error), None);
    let host = Host::parse(server).map_err(|error| Unsent::Later(format!("`server` under [mail] is no name or address: {error}"), None))?;
    let stream = connect(mail, &host).await?;
    let hello = hello();
    let mut smtp = AsyncSmtpConnection::connect_with_transport(stream, &hello).await.map_err(later("greeted with no"))?;
    if let Some((user, password)) = &mail.login {
        let credentials = Credentials::new(user.to_string(), password.0.clone());
        // Whatever it is, people mend it: the password, the account, the server's settings.
        smtp.auth(&[Mechanism::Plain, Mechanism::Login], &credentials)
            .await
            .map_err(later("does not let Usher sign in; check user and password_file under [mail]"))?;
    }
    let (from, to) = (letter.from.email.clone(), letter.to.email.clone());
    smtp.command(MailFrom::new(Some(from), vec![])).await.map_err(later("takes nothing from this sender; check `from` under [mail]"))?;
    smtp.command(Rcpt::new(to, vec![])).await.map_err(|error| {
        let why = refused(server, "does not take mail for this address", &error);
        if error.is_permanent() { Unsent::Never(why) } else { Unsent::Later(why, None) }
    })?;
    smtp.command(Data).await.map_err(later("did not take the mail"))?;
    let answer = smtp.message(&letter.bytes).await.map_err(later("did not take the mail"))?;
    let said = answer.message().collect::<Vec<_>>().join(" ");
    // It has it now, however the goodbye goes.
    let _ = timeout(GOODBYE, smtp.quit()).await;
    Ok(Receipt(format!("{} {}", answer.code(), one_line(&said, LONGEST_SAID)).trim().to_owned()))
}

/// What we are called. A name that is none is better left out.
fn hello() -> ClientId {
    let name = syslog::origin();
    match Host::parse(&name) {
        Ok(host) if host.address().is_none() && !name.is_empty() => ClientId::Domain(host.to_string()),
        _ => ClientId::Ipv4(std::net::Ipv4Addr::LOCALHOST),
    }
}

/// A connection on which SMTP begins with the greeting, secured as the settings say.
async fn connect(mail: &Mail, host: &Host) -> Result<Box<dyn AsyncTokioStream>, Unsent> {
    let reached = |error: ReachError| Unsent::Later(error.to_string(), None);
    let mut tcp = reach::connect(host, mail.port, mail.timeout).await.map_err(reached)?;
    Ok(match mail.security {
        Security::None => Box::new(tcp),
        Security::Tls => Box::new(Secured::begin(reach::secure(tcp, host, &trusted(mail)?, &[]).await.map_err(reached)?, b"")),
        Security::StartTls => {
            start_tls(&mut tcp, &mail.server).await?;
            let tls = reach::secure(tcp, host, &trusted(mail)?, &[]).await.map_err(reached)?;
            // After TLS began a server says nothing until it is spoken to, and lettre begins with a greeting.
            Box::new(Secured::begin(tls, b"220 secured\r\n"))
        }
    })
}

/// Whose word is taken for who the server is.
fn trusted(mail: &Mail) -> Result<Roots, Unsent> {
    let Some(path) = &mail.ca else { return Ok(Roots::System) };
    let own = roots::authorities(path).map_err(|error| Unsent::Later(error.to_string(), None))?;
    // Where the system trusts nobody, the school's own is enough.
    let mut store = roots::system().unwrap_or_else(|_| RootCertStore::empty());
    store.add_parsable_certificates(own);
    Ok(Roots::Only(Arc::new(store)))
}

/// All that is said in the clear: greeting, EHLO, STARTTLS.
async fn start_tls(tcp: &mut (impl AsyncRead + AsyncWrite + Unpin), server: &str) -> Result<(), Unsent> {
    let broke = |error: io::Error| Unsent::Later(format!("{server} broke off before TLS: {error}"), None);
    let no = |what: String| Unsent::Later(format!("{server} {what}"), None);
    let greeting = answer(tcp).await.map_err(broke)?;
    if greeting.0 != 220 {
        return Err(no(format!("greeted with {}", greeting.1)));
    }
    tcp.write_all(format!("EHLO {}\r\n", hello()).as_bytes()).await.map_err(broke)?;
    let (code, said) = answer(tcp).await.map_err(broke)?;
    let offers = said.lines().any(|line| line.get(4..).is_some_and(|word| word.trim().eq_ignore_ascii_case("STARTTLS")));
    if code != 250 || !offers {
        let what = "offers no STARTTLS, so nothing was sent; check `port` and `security` under [mail], and that nothing on the way takes the offer out";
        return Err(no(what.to_owned()));
    }
    tcp.write_all(b"STARTTLS\r\n").await.map_err(broke)?;
    match answer(tcp).await.map_err(broke)? {
        (220, _) => Ok(()),
        (_, said) => Err(no(format!("refused STARTTLS: {}", one_line(&said, LONGEST_SAID)))),
    }
}

/// One whole answer in the clear: its code and lines. An error if it ends early, is too long, or something comes after it unasked.
async fn answer(tcp: &mut (impl AsyncRead + Unpin)) -> io::Result<(u16, String)> {
    let wrong = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
    let mut bytes = Vec::new();
    loop {
        let mut part = [0; 1024];
        let count = tcp.read(&mut part).await?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        bytes.extend_from_slice(&part[..count]);
        if bytes.len() > LONGEST_ANSWER {
            return Err(wrong("its answer is too long"));
        }
        if let Some(end) = end_of_answer(&bytes) {
            if end != bytes.len() {
                return Err(wrong("it says more than it was asked, which somebody on the way may have added"));
            }
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let code = text.lines().next_back().and_then(|line| line.get(..3)?.parse().ok()).ok_or_else(|| wrong("its answer is no SMTP"))?;
            return Ok((code, text));
        }
    }
}

/// Where an answer ends: after the first line that has no hyphen behind its code (RFC 5321 section 4.2.1).
fn end_of_answer(bytes: &[u8]) -> Option<usize> {
    let mut begins = 0;
    while let Some(length) = bytes[begins..].iter().position(|byte| *byte == b'\n') {
        let line = &bytes[begins..begins + length];
        begins += length + 1;
        if line.get(3) != Some(&b'-') {
            return Some(begins);
        }
    }
    None
}

/// A secured connection, with something to be read before what the other side says.
struct Secured {
    tls: TlsStream<TcpStream>,
    first: &'static [u8],
}

impl Secured {
    fn begin(tls: TlsStream<TcpStream>, first: &'static [u8]) -> Self {
        Self { tls, first }
    }
}

impl fmt::Debug for Secured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secured")
    }
}

impl AsyncRead for Secured {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.first.is_empty() {
            return Pin::new(&mut self.tls).poll_read(cx, buf);
        }
        let (now, rest) = self.first.split_at(self.first.len().min(buf.remaining()));
        buf.put_slice(now);
        self.first = rest;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Secured {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.tls).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tls).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tls).poll_shutdown(cx)
    }
}

impl AsyncTokioStream for Secured {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.tls.get_ref().0.peer_addr()
    }
}

#[cfg(test)]
mod tests;
