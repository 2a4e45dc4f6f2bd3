//! Chat services: what was asked of one, read from the body of a request as it passes, and what it answers. Pure.
//!
//! [`asking`] tells from method, host and path whether a request asks something. Its body is then shown piece by piece to a [`Prompt`], which holds no
//! more of it than it needs; at its end that says what was asked. What is asked over a WebSocket is read message by message: see [`sockets`]. A [`Reply`] turns the stream of an answer into the words in it, for whoever
//! weighs them.
//!
//! # Limits
//!
//! - Snapchat's My AI speaks a binary protocol, sealed once more: neither is read.
//! - A form of more than [`MOST_HELD`] bytes before what was asked is not read. Bodies come decoded: [`crate::body::coding`].
//! - Files and pictures that are given to a service are not read; their names are not kept.
//!
//! # Where to add, and how to mend
//!
//! These services change what they send without saying so. A service is one row of `SERVICES` (in `table`), with one fixture of its test that says where
//! the shape is known from. To mend a row, look at the request in a browser's developer tools (Network, the request that the answer streams
//! back on, Payload), put that body into the fixture, and write its path down: keys and numbers with dots between, `*` for any number.

mod form;
mod json;
mod reply;
pub mod sockets;
mod table;

pub use reply::Reply;

use super::engines::in_words;
use super::escapes::unescape;
use json::{Keep, Pick, Walker};
use std::borrow::Cow;
use table::{Ask, Body, SERVICES, Service};

/// The longest prompt kept, in characters.
pub const LONGEST: usize = 2_000;
/// The most that is held of a form while it is read, in bytes.
pub const MOST_HELD: usize = 64 * 1024;

/// A request that asks a chat service something.
#[derive(Clone, Copy)]
pub struct Asking {
    service: &'static Service,
    ask: &'static Ask,
}

impl Asking {
    /// The service's name in the log.
    #[must_use]
    pub fn id(&self) -> &'static str {
        self.service.id
    }

    /// What reads the body of the request.
    #[must_use]
    pub fn prompt(&self) -> Prompt {
        Prompt(match self.ask.body {
            Body::Json(picks) => Reading::Json(Walker::new(picks, Keep::Last)),
            Body::Form(..) | Body::FormOfJson(..) | Body::Parts(..) => Reading::Held { body: &self.ask.body, bytes: Vec::new() },
        })
    }

    /// What reads the body of the answer. `is_document` says that it is one piece of JSON (by its `Content-Type`), and no stream.
    #[must_use]
    pub fn reply(&self, is_document: bool) -> Reply {
        Reply::new(&self.service.reply, is_document)
    }
}

/// The service that a request asks something, if it does.
///
/// Nearly all requests have another method, which is all that is looked at; the others take less than a microsecond.
#[must_use]
pub fn asking(method: &str, host: &str, path_and_query: &str) -> Option<Asking> {
    if !matches!(method, "POST" | "PUT" | "PATCH") {
        return None;
    }
    let path = path_and_query.split(['?', '#']).next().unwrap_or_default();
    let path = unescape(path);
    let fits = |service: &&'static Service| service.is_at(host);
    SERVICES.iter().filter(fits).find_map(|service| Some(Asking { service, ask: service.asks.iter().find(|ask| is_path(&path, ask.path))? }))
}

/// Whether a host is a chat service's: looked into where search engines are.
#[must_use]
pub fn is_service(host: &str) -> bool {
    SERVICES.iter().any(|service| !service.hosts.is_empty() && service.looked_into && service.is_at(host))
}

/// What a service is called, by its name in the log.
#[must_use]
pub fn label(id: &str) -> Option<&'static str> {
    SERVICES.iter().find(|service| service.id == id).map(|service| service.label)
}

/// Whether a chat service is called so: it is asked, where an engine is searched with.
#[must_use]
pub fn is_called(label: &str) -> bool {
    SERVICES.iter().any(|service| service.label == label)
}

/// The services' hosts, each with all below it.
pub fn hosts() -> impl Iterator<Item = &'static str> {
    SERVICES.iter().flat_map(|service| service.hosts).copied()
}

impl Service {
    fn is_at(&self, host: &str) -> bool {
        self.hosts.is_empty() || self.hosts.iter().any(|name| host.strip_suffix(name).is_some_and(|below| below.is_empty() || below.ends_with('.')))
    }
}

/// Whether a path is this one: part by part, `*` for any one part, `**` for any number of them.
fn is_path(path: &str, wanted: &str) -> bool {
    let mut parts = path.split('/').filter(|part| !part.is_empty()).peekable();
    let mut wanted = wanted.split('/').filter(|part| !part.is_empty()).peekable();
    while let Some(want) = wanted.next() {
        if want == "**" {
            let rest: Vec<_> = wanted.collect();
            let left: Vec<_> = parts.collect();
            return left.len() >= rest.len() && left[left.len() - rest.len()..].iter().zip(&rest).all(|(part, want)| part.eq_ignore_ascii_case(want));
        }
        match parts.next() {
            Some(part) if want == "*" || part.eq_ignore_ascii_case(want) => {}
            Some(_) | None => return false,
        }
    }
    parts.peek().is_none()
}

/// What was asked, read from the pieces of a body.
pub struct Prompt(Reading);

enum Reading {
    Json(Walker),
    /// The beginning of a form.
    Held {
        body: &'static Body,
        bytes: Vec<u8>,
    },
}

impl Prompt {
    /// The next piece of the body. What is held never grows beyond [`MOST_HELD`].
    pub fn feed(&mut self, piece: &[u8]) {
        match &mut self.0 {
            Reading::Json(walker) => walker.feed(piece),
            Reading::Held { bytes, .. } => bytes.extend_from_slice(&piece[..piece.len().min(MOST_HELD - bytes.len())]),
        }
    }

    /// The end of the body, or as much of it as came: what was asked, in one line of a length somebody reads.
    #[must_use]
    pub fn end(self) -> Option<String> {
        let text = match self.0 {
            Reading::Json(walker) => walker.end(),
            Reading::Held { body, bytes } => match body {
                Body::Json(_) => String::new(),
                Body::Form(field, picks) => walk(&form::field(&bytes, field)?, picks),
                Body::FormOfJson(field, outer, inner) => walk(walk(&form::field(&bytes, field)?, outer).as_bytes(), inner),
                Body::Parts(field, picks) => walk(&form::part(&bytes, field)?, picks),
            },
        };
        in_words(&text, LONGEST)
    }
}

/// What is picked of one piece of JSON.
fn walk(json: &[u8], picks: &'static [Pick]) -> String {
    let mut walker = Walker::new(picks, Keep::Last);
    walker.feed(json);
    walker.end()
}

/// Bytes that should be text.
fn text(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

#[cfg(test)]
mod tests;
