//! People and what they are answered.

use super::School;
use super::wire::{Reply, Wire};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::net::IpAddr;
use usher::audit::query::Row;

/// Somebody at a device of the school.
#[derive(Clone)]
pub struct Person<'s> {
    school: &'s School,
    address: IpAddr,
    fields: String,
}

impl<'s> Person<'s> {
    /// Somebody at this address.
    pub fn new(school: &'s School, address: IpAddr) -> Self {
        Self { school, address, fields: String::new() }
    }

    /// Who gives a name and a password.
    pub fn who_says(self, name: &str, password: &str) -> Self {
        let credentials = STANDARD.encode(format!("{name}:{password}"));
        self.with("Proxy-Authorization", &format!("Basic {credentials}"))
    }

    /// Whose browser sends this field.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.fields = format!("{}{name}: {value}\r\n", self.fields);
        self
    }

    /// A bare connection from their device.
    pub async fn wire(&self) -> Wire {
        Wire::connect(self.address, self.school.address).await
    }

    /// A request of theirs, without a body.
    pub fn request(&self, method: &str, url: &str) -> String {
        let host = url.split('/').nth(2).unwrap_or_default();
        format!("{method} {url} HTTP/1.1\r\nHost: {host}\r\n{}\r\n", self.fields)
    }

    /// Asks for a page.
    pub async fn get(&self, url: &str) -> Answer {
        self.ask("GET", url, "").await
    }

    /// Asks for a tunnel; the answer only.
    pub async fn connect(&self, authority: &str) -> Answer {
        let mut wire = self.wire().await;
        wire.send(format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n{}\r\n", self.fields)).await;
        let reply = if self.allowed(&mut wire).await { wire.head_only().await } else { wire.reply().await };
        self.answer(reply)
    }

    /// A tunnel that is open has no body to wait for.
    async fn allowed(&self, wire: &mut Wire) -> bool {
        wire.peek_status().await == 200
    }

    /// Sends a form.
    pub async fn post(&self, url: &str, form: &str) -> Answer {
        self.ask("POST", url, form).await
    }

    /// Asks for anything.
    pub async fn ask(&self, method: &str, url: &str, body: &str) -> Answer {
        let mut wire = self.wire().await;
        let host = url.split('/').nth(2).unwrap_or_default();
        let length = if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
        wire.send(format!("{method} {url} HTTP/1.1\r\nHost: {host}\r\n{}{length}Connection: close\r\n\r\n{body}", self.fields)).await;
        let reply = if method == "HEAD" { wire.head_only().await } else { wire.reply().await };
        self.answer(reply)
    }

    fn answer(&self, reply: Reply) -> Answer {
        let id = reply.field("usher-reference").map(|id| id.parse().expect("a reference number"));
        let row = id.and_then(|id| self.school.row(id));
        Answer { reply, row }
    }
}

/// What somebody was answered, and what is on record of it.
#[derive(Debug)]
pub struct Answer {
    /// The answer.
    pub reply: Reply,
    /// The record whose reference number the answer carries.
    pub row: Option<Row>,
}

impl Answer {
    /// The record.
    pub fn record(&self) -> &Row {
        self.row.as_ref().unwrap_or_else(|| panic!("an answer of Usher's own that is on record: {:?}", self.reply))
    }

    /// Refused by a decision of this kind, and on record as that.
    #[track_caller]
    pub fn is_blocked_because(&self, kind: &str) -> &Self {
        assert_eq!(self.reply.status, 403, "{:?}", self.reply);
        assert_eq!((self.record().verdict.as_str(), self.record().reason.as_str()), ("blocked", kind), "{:?}", self.reply);
        self
    }

    /// Shown a warning, and on record as that.
    #[track_caller]
    pub fn is_warned(&self) -> &Self {
        assert_eq!(self.reply.status, 403, "{:?}", self.reply);
        assert_eq!(self.record().verdict, "warned");
        self
    }

    /// Refused with this status and for this kind of reason, and on record as that.
    #[track_caller]
    pub fn is_refused(&self, status: u16, kind: &str) -> &Self {
        assert_eq!((self.reply.status, self.record().verdict.as_str(), self.record().reason.as_str()), (status, "refused", kind), "{:?}", self.reply);
        self
    }

    /// Answered by the site.
    #[track_caller]
    pub fn is_from_the_site(&self, body: &str) -> &Self {
        assert_eq!((self.reply.status, self.reply.text().as_str()), (200, body), "{:?}", self.reply);
        assert!(self.row.is_none(), "the answer is the site's");
        self
    }
}
