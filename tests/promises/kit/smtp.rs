//! Mail servers: a real one, with TLS and logins, and scripts that do what a mail server should not.

use super::scripts::{Running, python, script};
use super::{Authority, Origin, Visit, soon};
use std::sync::{Arc, Mutex};
use tokio::sync::Notify;

/// Who may send mail, and with what.
pub const LOGIN: (&str, &str) = ("usher@school.example", "between us");

/// aiosmtpd, with a certificate of an authority's for 127.0.0.1. It takes mail over TLS from who signs in.
pub struct RealSmtp {
    /// Its port.
    pub port: u16,
    server: Running,
    _files: tempfile::TempDir,
}

/// A mail as a server took it.
#[derive(Debug, serde::Deserialize)]
pub struct Taken {
    pub from: String,
    pub to: Vec<String>,
    pub text: String,
    pub secured: bool,
    pub signed_in: bool,
}

impl RealSmtp {
    /// Starts it, to be spoken to with `starttls` or `tls`; `None` where there is no aiosmtpd.
    pub fn start(authority: &Authority, mode: &str) -> Option<Self> {
        Self::named(authority, mode, &["127.0.0.1"])
    }

    /// The same, with a certificate for other names.
    pub fn named(authority: &Authority, mode: &str, names: &[&str]) -> Option<Self> {
        let mut python = python("aiosmtpd")?;
        let files = tempfile::tempdir().expect("a folder");
        let (certificate, key) = authority.certificate_pem(names);
        let put = |name: &str, text: &str| {
            let path = files.path().join(name);
            std::fs::write(&path, text).expect("written");
            path
        };
        let (certificate, key) = (put("certificate.pem", &certificate), put("key.pem", &key));
        let mut server = Running::start(python.arg(script("smtp_server.py")).arg(mode).args([certificate, key]).args([LOGIN.0, LOGIN.1]));
        let port = server.line().trim().parse().expect("a port");
        Some(Self { port, server, _files: files })
    }

    /// The next mail it takes.
    pub fn mail(&mut self) -> Taken {
        serde_json::from_str(&self.server.line()).expect("a mail")
    }
}

impl Taken {
    /// A header, unfolded; encoded words as they are.
    pub fn header(&self, name: &str) -> Option<String> {
        header(&self.text, name)
    }

    /// The text part, decoded.
    pub fn words(&self) -> String {
        words(&self.text)
    }
}

/// A header of a mail, unfolded.
pub fn header(mail: &str, name: &str) -> Option<String> {
    let head = mail.split("\r\n\r\n").next().unwrap_or_default().replace("\r\n ", " ").replace("\r\n\t", " ");
    head.split("\r\n").find_map(|line| line.strip_prefix(name)?.strip_prefix(": ").map(str::to_owned))
}

/// The first part of a mail, out of quoted-printable or base64.
pub fn words(mail: &str) -> String {
    let part = mail.split("Content-Type: text/plain").nth(1).expect("a text part");
    let (head, body) = part.split_once("\r\n\r\n").expect("a body");
    let body = body.split("\r\n--").next().unwrap_or_default();
    if head.contains("base64") {
        use base64::Engine as _;
        let joined: String = body.split_whitespace().collect();
        return String::from_utf8(base64::engine::general_purpose::STANDARD.decode(joined).expect("base64")).expect("text");
    }
    if !head.contains("quoted-printable") {
        return body.to_owned();
    }
    let (mut bytes, joined) = (Vec::new(), body.replace("=\r\n", ""));
    let mut rest = joined.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        match (byte, after) {
            (b'=', [high, low, after @ ..]) => {
                let digits = [*high, *low];
                bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).expect("digits"), 16).expect("a byte"));
                rest = after;
            }
            _ => {
                bytes.push(*byte);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).expect("text")
}

/// What a scripted server does with each connection, by how many came before it. It speaks in the clear.
#[derive(Clone, Copy, Debug)]
pub enum Does {
    /// Takes the mail.
    Takes,
    /// Takes it and ends the connection at once, without a goodbye.
    TakesAndDrops,
    /// Says nothing at all.
    Hangs,
    /// Takes all of the mail, and says nothing.
    HangsAfterData,
    /// Takes all of the mail, and says so when it is let to.
    TakesWhenLet,
    /// Answers this command with this.
    Says(&'static str, &'static str),
    /// Offers STARTTLS, agrees, and says more in the same breath.
    Injects,
    /// Ends the connection when this command comes.
    Drops(&'static str),
}

/// A mail server that is a script.
pub struct Smtp {
    origin: Origin,
    mails: Arc<Mutex<Vec<String>>>,
    commands: Arc<Mutex<Vec<String>>>,
    gate: Arc<Notify>,
}

impl Smtp {
    /// Does this with each connection; the last again and again.
    pub async fn doing(what: &'static [Does]) -> Self {
        let (mails, commands) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(Vec::new())));
        let gate = Arc::new(Notify::new());
        let keep = (mails.clone(), commands.clone(), gate.clone());
        let origin = Origin::doing(move |visit| {
            let does = what[visit.number.min(what.len() - 1)];
            let mut talk = Talk { visit, does, mails: keep.0.clone(), commands: keep.1.clone(), gate: keep.2.clone() };
            async move { talk.converse().await }
        })
        .await;
        Self { origin, mails, commands, gate }
    }

    /// How many connections were made to it.
    pub fn visits(&self) -> usize {
        self.origin.visits()
    }

    /// All that it was told beside mails, a line each.
    pub fn commands(&self) -> Vec<String> {
        self.commands.lock().expect("a list").clone()
    }

    /// Lets it say that it has taken a mail.
    pub fn let_go(&self) {
        self.gate.notify_one();
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.origin.address.port()
    }

    /// The mails it was given whole, whether it said so or not.
    pub fn mails(&self) -> Vec<String> {
        self.mails.lock().expect("a list").clone()
    }
}

struct Talk {
    visit: Visit,
    does: Does,
    mails: Arc<Mutex<Vec<String>>>,
    commands: Arc<Mutex<Vec<String>>>,
    gate: Arc<Notify>,
}

impl Talk {
    async fn line(&mut self) -> Option<String> {
        let line = String::from_utf8_lossy(&self.visit.wire.until(b"\r\n").await?).trim_end().to_owned();
        self.commands.lock().expect("a list").push(line.clone());
        Some(line)
    }

    async fn converse(&mut self) {
        if matches!(self.does, Does::Hangs) {
            // Until the other side goes away.
            self.line().await;
            return;
        }
        self.visit.send("220 script.example ESMTP\r\n").await;
        while let Some(line) = self.line().await {
            let command = line.split_whitespace().next().unwrap_or_default().to_ascii_uppercase();
            match self.does {
                Does::Says(at, answer) if command == at => {
                    self.visit.send(format!("{answer}\r\n")).await;
                    continue;
                }
                Does::Drops(at) if command == at => return,
                _ => {}
            }
            let answer = match command.as_str() {
                "EHLO" if matches!(self.does, Does::Injects) => "250-script.example\r\n250 STARTTLS\r\n",
                "EHLO" => "250-script.example\r\n250 SIZE 1000000\r\n",
                "STARTTLS" => "220 go on\r\n250-script.example\r\n250 AUTH PLAIN\r\n235 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n250 taken\r\n",
                "DATA" if !self.takes_mail().await => return,
                "DATA" => continue,
                "QUIT" => {
                    self.visit.send("221 bye\r\n").await;
                    return;
                }
                _ => "250 2.1.0 ok\r\n",
            };
            self.visit.send(answer).await;
        }
    }

    /// Reads a mail, and whether the conversation goes on.
    async fn takes_mail(&mut self) -> bool {
        self.visit.send("354 go on\r\n").await;
        let Some(mail) = self.visit.wire.until(b"\r\n.\r\n").await else { return false };
        self.mails.lock().expect("a list").push(String::from_utf8_lossy(&mail).into_owned());
        match self.does {
            Does::HangsAfterData => {
                self.line().await;
                return false;
            }
            Does::TakesWhenLet => {
                soon("being let", self.gate.notified()).await;
                self.visit.send("250 2.0.0 taken as 77\r\n").await
            }
            Does::Says("the mail", answer) => self.visit.send(format!("{answer}\r\n")).await,
            _ => self.visit.send("250 2.0.0 taken as 77\r\n").await,
        };
        !matches!(self.does, Does::TakesAndDrops)
    }
}
