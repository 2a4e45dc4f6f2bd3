//! Fetches one file from where it is published into a place of ours, whole or not at all.
//!
//! ```text
//! Address ─▶ connect (parent proxy, TLS) ─▶ answer (304, elsewhere, rest, whole) ─▶ body ─▶ part ─▶ in its place
//!                       ▲                        │ at most 5 times
//!                       └────────────────────────┘
//! ```
//!
//! What is in the place stays there until its successor is whole. A fetch that breaks off goes on later from where it ended, if the server can
//! prove that the rest is of the same bytes. Whether the bytes are the publisher's is not judged here: see [`super::trust`].

pub mod address;
pub mod answer;
mod body;
pub(crate) mod connect;
pub mod error;
mod local;
pub mod page;
mod part;

pub use address::{Address, AddressError, Web};
pub use answer::Validators;
pub use connect::AGENT;
pub use error::FetchError;

pub use crate::reach::{ReachError, Roots};
use crate::upstream::Upstream;
use answer::{Answer, Asked, strong, text};
use body::Receiving;
use connect::Way;
use error::storing;
use http::Response;
use http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, RANGE};
use hyper::body::Incoming;
use part::Part;
use std::path::Path;
use std::time::Duration;
use tokio::time::timeout;

/// How often an address may lead on to another (RFC 9110 section 15.4 asks for a limit).
pub const MOST_REDIRECTS: usize = 5;

/// What is to be fetched.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Where it is.
    pub address: &'a Address,
    /// What was said of the file that is here, so that it need not be sent again.
    pub validators: &'a Validators,
    /// Where it is put. Its folder must be there. While it comes it is in `<into>.part`, with a note in `<into>.part.json`.
    pub into: &'a Path,
    /// The limits.
    pub caps: Caps,
    /// The parent proxy, if there is one. Files of this machine need none.
    pub upstream: Option<&'a Upstream>,
    /// Whose word is taken for who a server is.
    pub roots: &'a Roots,
}

/// The limits of a fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caps {
    /// The most bytes of the whole file.
    pub bytes: u64,
    /// The most time for all of it.
    pub time: Duration,
    /// The most time for each connection to be made.
    pub connect: Duration,
    /// The most time without a byte, also before an answer begins.
    pub stall: Duration,
    /// The least bytes a second, on average.
    pub rate: u64,
    /// From when on the average counts.
    pub rate_after: Duration,
}

impl Default for Caps {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { bytes: 512 << 20, time: seconds(3600), connect: seconds(20), stall: seconds(30), rate: 1024, rate_after: seconds(60) }
    }
}

/// What a fetch tells while it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The file begins to come.
    Began {
        /// Its size in bytes, if it was told.
        total: Option<u64>,
        /// Bytes that were here already.
        here: u64,
    },
    /// More of it has come.
    Moved {
        /// Bytes that are here.
        here: u64,
    },
}

/// What came of a fetch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fetched {
    /// The file is the one the validators are of.
    Unchanged,
    /// Another is in its place.
    New(Delivery),
}

/// What was fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// To be given with the next request.
    pub validators: Validators,
    /// Its size.
    pub bytes: u64,
    /// What the server calls it.
    pub content_type: Option<String>,
    /// Bytes that were here from an earlier fetch; 0 if it came in one go.
    pub resumed_from: u64,
}

/// Fetches a file. `told` is called as it goes on, often.
///
/// # Errors
/// If it is not whole in its place. What was there before still is.
pub async fn fetch(request: Request<'_>, told: &mut (dyn FnMut(Progress) + Send)) -> Result<Fetched, FetchError> {
    match request.address {
        Address::File(path) => {
            let fetched = local::copy(path.clone(), request.validators.clone(), request.into.to_owned(), request.caps).await?;
            if let Fetched::New(delivery) = &fetched {
                told(Progress::Began { total: Some(delivery.bytes), here: 0 });
                told(Progress::Moved { here: delivery.bytes });
            }
            Ok(fetched)
        }
        Address::Web(web) => {
            let late = || FetchError::TookTooLong { address: web.to_string(), seconds: request.caps.time.as_secs() };
            timeout(request.caps.time, follow(&request, web, told)).await.unwrap_or_else(|_| Err(late()))
        }
    }
}

/// Asks, and asks on where it is led, until a file is whole.
async fn follow(request: &Request<'_>, first: &Web, told: &mut (dyn FnMut(Progress) + Send)) -> Result<Fetched, FetchError> {
    let mut part = Part::find(request.into, first.as_str());
    let (mut from, mut led_on) = (first.clone(), 0);
    // It ends: it is led on only so often, and where a rest cannot be had the whole is asked for.
    loop {
        let asked = Asked { conditional: !request.validators.is_empty(), rest: part.left().map(|(note, here)| (here, note.total)) };
        let (head, body) = ask(request, &from, &part).await?.into_parts();
        let total = match answer::read(&from, asked, &head)? {
            Answer::Unchanged => {
                part.discard().map_err(|error| storing(part.folder(), error))?;
                return Ok(Fetched::Unchanged);
            }
            Answer::Elsewhere(_) if led_on == MOST_REDIRECTS => return Err(FetchError::TooManyRedirects(first.to_string())),
            Answer::Elsewhere(location) => {
                led_on += 1;
                from = lead_on(&from, &location)?;
                continue;
            }
            Answer::StartOver => {
                part.discard().map_err(|error| storing(part.folder(), error))?;
                continue;
            }
            Answer::Whole(total) => {
                part.begin(first.as_str(), strong(&head.headers), total).map_err(|error| storing(part.folder(), error))?;
                total
            }
            Answer::Rest(total) => {
                part.go_on().map_err(|error| storing(part.folder(), error))?;
                Some(total)
            }
        };
        let resumed_from = part.length();
        Receiving { from: &from, caps: &request.caps, headers: &head.headers, total }.receive(body, &mut part, told).await?;
        let (bytes, folder) = (part.length(), part.folder());
        part.place().await.map_err(|error| storing(folder, error))?;
        let content_type = text(&head.headers, CONTENT_TYPE);
        return Ok(Fetched::New(Delivery { validators: Validators::of(&head.headers), bytes, content_type, resumed_from }));
    }
}

/// Sends a request, and waits for the head of its answer.
async fn ask(request: &Request<'_>, from: &Web, part: &Part) -> Result<Response<Incoming>, FetchError> {
    let Caps { connect, stall, .. } = request.caps;
    let line = Way { upstream: request.upstream, roots: request.roots, limit: connect }.open(from).await?;
    let silent = || FetchError::Stalled { address: from.to_string(), seconds: stall.as_secs() };
    timeout(stall, line.get(from, fields(request.validators, part))).await.unwrap_or_else(|_| Err(silent()))
}

/// The fields that say what is wanted.
fn fields(known: &Validators, part: &Part) -> HeaderMap {
    let mut fields = HeaderMap::new();
    let mut say = |name: HeaderName, value: &str| {
        // What a server sent as a field can be sent back as one.
        if let Ok(value) = HeaderValue::try_from(value) {
            fields.insert(name, value);
        }
    };
    say(ACCEPT, "*/*");
    // A list is checked and unpacked as it was published, not as it was sent.
    say(ACCEPT_ENCODING, "identity");
    if let Some(etag) = &known.etag {
        say(IF_NONE_MATCH, etag);
    }
    if let Some(date) = &known.last_modified {
        say(IF_MODIFIED_SINCE, date);
    }
    if let Some((note, here)) = part.left() {
        say(RANGE, &format!("bytes={here}-"));
        say(IF_RANGE, &note.proof);
    }
    fields
}

fn lead_on(from: &Web, location: &str) -> Result<Web, FetchError> {
    let to = from.join(location).map_err(|why| FetchError::Location { from: from.to_string(), why })?;
    if from.is_secure() && !to.is_secure() {
        return Err(FetchError::Downgrade { from: from.to_string(), to: to.to_string() });
    }
    Ok(to)
}
