//! What goes wrong while a list is fetched, each with a sentence that says what to do.

use super::address::AddressError;
use crate::host::Host;
use crate::reach::ReachError;
use crate::upstream::tunnel::TunnelError;
use http::StatusCode;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// Why a list was not fetched. What was in its place before is still there.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// No connection was made, or none that is safe.
    #[error(transparent)]
    Reach(#[from] ReachError),
    /// Connecting took too long.
    #[error("{host} did not answer within {seconds} s; check the address, and whether this machine may go there")]
    ConnectTime {
        /// The host, which may be the parent proxy.
        host: Host,
        /// The limit.
        seconds: u64,
    },
    /// The parent proxy opened no tunnel.
    #[error("the parent proxy {parent} {}", say_refused(*status))]
    Parent {
        /// The parent.
        parent: String,
        /// What it answered.
        status: StatusCode,
    },
    /// The parent proxy's answer is none.
    #[error("{parent}: {error}; check `address` under [upstream] in usher.toml")]
    ParentAnswer {
        /// The parent.
        parent: String,
        /// Why.
        error: TunnelError,
    },
    /// The answer is no HTTP.
    #[error("the answer of {host} cannot be read: {error}; try again later, and tell the publisher if it lasts")]
    Answer {
        /// The host.
        host: Host,
        /// Why.
        error: hyper::Error,
    },
    /// The server says it will not.
    #[error("{address} {}", say_status(*status, *retry_after))]
    Status {
        /// What was asked for.
        address: String,
        /// What it answered.
        status: StatusCode,
        /// When it may be asked again.
        retry_after: Option<Duration>,
    },
    /// It leads on and on.
    #[error("{0} leads on more than {most} times; open it in a browser and use the address it ends at", most = super::MOST_REDIRECTS)]
    TooManyRedirects(String),
    /// From https down to http.
    #[error("{from} leads to {to}, which anyone on the way could change; ask the publisher for an https address")]
    Downgrade {
        /// The secure address.
        from: String,
        /// Where it leads.
        to: String,
    },
    /// It leads nowhere on the web.
    #[error("{from} leads to no usable address: {why}")]
    Location {
        /// What was asked for.
        from: String,
        /// What is wrong with where it leads.
        why: AddressError,
    },
    /// An answer to a question that was not asked.
    #[error("{0} answered \"{1}\" though nothing had asked for that; its server is broken: tell the publisher")]
    Unasked(String, StatusCode),
    /// It was compressed on the way though asked not to be.
    #[error("{address} was sent compressed ({coding}) though that was not asked for; use the publisher's .gz address, or tell the publisher")]
    Encoded {
        /// What was asked for.
        address: String,
        /// How it was compressed.
        coding: String,
    },
    /// Larger than allowed.
    #[error("{address} is larger than the {most} bytes it may have{}; if that is right, raise its size limit in sources.toml", say_told(*told))]
    TooLarge {
        /// What was asked for.
        address: String,
        /// The limit.
        most: u64,
        /// The size the server told, if it did.
        told: Option<u64>,
    },
    /// Nothing came for too long.
    #[error("{address} sent nothing for {seconds} s; the next attempt goes on from where this one ended, if the publisher's server can")]
    Stalled {
        /// What was asked for.
        address: String,
        /// The limit.
        seconds: u64,
    },
    /// It trickles.
    #[error("{address} came at {rate} bytes a second, below the {least} it must have; the next attempt goes on from there, if the publisher's server can")]
    TooSlow {
        /// What was asked for.
        address: String,
        /// What it came at.
        rate: u64,
        /// The limit.
        least: u64,
    },
    /// All of it took too long.
    #[error(
        "{address} took longer than {seconds} s; the next attempt goes on from there, if the publisher's server can, or raise its time limit in sources.toml"
    )]
    TookTooLong {
        /// What was asked for.
        address: String,
        /// The limit.
        seconds: u64,
    },
    /// It broke off.
    #[error("{address} broke off after {got} bytes{}{}; the next attempt goes on from there, if the publisher's server can", say_of(*total), say_why(why))]
    Incomplete {
        /// What was asked for.
        address: String,
        /// Bytes that are here.
        got: u64,
        /// Bytes there are in all, if it was told.
        total: Option<u64>,
        /// What broke it off; empty if it just ended.
        why: String,
    },
    /// A page for people instead of a list.
    #[error("{0} looks like a web page, not a list; open it in a browser: the list may have moved, or wants a login, or something on the way shows a notice")]
    WebPage(String),
    /// The disk is full.
    #[error("the disk is full: {} cannot hold the list ({error}); make room there. What was in force stays in force", folder.display())]
    Full {
        /// Where it was to be kept.
        folder: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// It cannot be kept for another reason.
    #[error("{} cannot be written: {error}; make it writable for this user", folder.display())]
    Store {
        /// Where it was to be kept.
        folder: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// A file of this machine cannot be read.
    #[error("{} cannot be read: {error}; check the address in sources.toml, and that the file is there and readable", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

/// What an error of writing means.
pub(super) fn storing(folder: PathBuf, error: io::Error) -> FetchError {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => FetchError::Full { folder, error },
        _ => FetchError::Store { folder, error },
    }
}

fn say_status(status: StatusCode, retry_after: Option<Duration>) -> String {
    let later = retry_after.map_or_else(|| "later".to_owned(), |wait| format!("in {} s", wait.as_secs()));
    match status.as_u16() {
        401 => "wants a login (401); ask the publisher for an address of your own".to_owned(),
        403 => "is refused (403); check the address, your subscription, and whether a filter on the way blocks it".to_owned(),
        404 | 410 => format!("is not there ({}); the list has moved or ended: look for its new address", status.as_u16()),
        407 => {
            "is reached through a parent proxy that wants a name and password (407); set `user` and `password_file` under [upstream] in usher.toml".to_owned()
        }
        429 => format!("is asked for too often (429); it may be asked again {later}: give it a longer schedule in sources.toml"),
        500..=599 => format!("is out of order ({}); it is tried again {later}", status.as_u16()),
        other => format!("gave the answer {other}, which is no list; open the address in a browser"),
    }
}

fn say_refused(status: StatusCode) -> String {
    match status.as_u16() {
        407 => "wants a name and password (407); set `user` and `password_file` under [upstream] in usher.toml".to_owned(),
        403 => "refuses to open a way there (403); ask those who run it to let list updates through".to_owned(),
        other => format!("opened no way there ({other}); ask those who run it"),
    }
}

fn say_told(told: Option<u64>) -> String {
    told.map_or_else(String::new, |told| format!(": it has {told}"))
}

fn say_of(total: Option<u64>) -> String {
    total.map_or_else(String::new, |total| format!(" of {total}"))
}

fn say_why(why: &str) -> String {
    if why.is_empty() { String::new() } else { format!(" ({why})") }
}
