//! The body of an answer into a part, within every limit.
//!
//! Nothing is read beyond the length that was told, and nothing beyond the size limit. A server that sends a byte now and then keeps no fetch
//! alive: after a while the average must be above a floor.

use super::address::Web;
use super::answer::text;
use super::error::{FetchError, storing};
use super::page::{FIRST, looks_like_web_page};
use super::part::Part;
use super::{Caps, Progress};
use http::header::{CONTENT_TYPE, HeaderMap};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::time::{Instant, timeout};

/// What is being received.
pub(super) struct Receiving<'a> {
    pub(super) from: &'a Web,
    pub(super) caps: &'a Caps,
    pub(super) headers: &'a HeaderMap,
    /// The size of the whole, if it was told.
    pub(super) total: Option<u64>,
}

impl Receiving<'_> {
    /// Receives a body to its end. If it broke off, the part stays to be gone on from; if it is of no use, it is discarded.
    pub(super) async fn receive(&self, body: Incoming, part: &mut Part, told: &mut (dyn FnMut(Progress) + Send)) -> Result<(), FetchError> {
        let received = self.receive_all(body, part, told).await;
        if received.as_ref().is_err_and(is_of_no_use) {
            part.discard().map_err(|error| storing(part.folder(), error))?;
        }
        received
    }

    async fn receive_all(&self, mut body: Incoming, part: &mut Part, told: &mut (dyn FnMut(Progress) + Send)) -> Result<(), FetchError> {
        self.check_size(self.total.unwrap_or(0))?;
        told(Progress::Began { total: self.total, here: part.length() });
        let (began, before) = (Instant::now(), part.length());
        loop {
            let frame = match timeout(self.caps.stall, body.frame()).await {
                Err(_) => return Err(FetchError::Stalled { address: self.from.to_string(), seconds: self.caps.stall.as_secs() }),
                Ok(None) => break,
                Ok(Some(Err(error))) => return Err(self.incomplete(part, &reason(&error))),
                Ok(Some(Ok(frame))) => frame,
            };
            // Trailers tell nothing that is needed.
            let Ok(bytes) = frame.into_data() else { continue };
            self.check_size(part.length() + bytes.len() as u64)?;
            part.write(&bytes).map_err(|error| storing(part.folder(), error))?;
            if part.length() >= FIRST as u64 && part.length() - (bytes.len() as u64) < FIRST as u64 {
                self.refuse_page(part)?;
            }
            told(Progress::Moved { here: part.length() });
            self.check_rate(part.length() - before, began)?;
        }
        self.refuse_page(part)?;
        if self.total.is_some_and(|total| part.length() != total) { Err(self.incomplete(part, "")) } else { Ok(()) }
    }

    fn check_size(&self, bytes: u64) -> Result<(), FetchError> {
        let most = self.caps.bytes;
        if bytes > most { Err(FetchError::TooLarge { address: self.from.to_string(), most, told: self.total }) } else { Ok(()) }
    }

    fn check_rate(&self, moved: u64, began: Instant) -> Result<(), FetchError> {
        let so_far = began.elapsed();
        let millis = u64::try_from(so_far.as_millis()).unwrap_or(u64::MAX).max(1);
        let rate = moved.saturating_mul(1000) / millis;
        if so_far > self.caps.rate_after && rate < self.caps.rate {
            return Err(FetchError::TooSlow { address: self.from.to_string(), rate, least: self.caps.rate });
        }
        Ok(())
    }

    fn refuse_page(&self, part: &Part) -> Result<(), FetchError> {
        let first = part.first().map_err(|error| storing(part.folder(), error))?;
        if looks_like_web_page(text(self.headers, CONTENT_TYPE).as_deref(), &first) { Err(FetchError::WebPage(self.from.to_string())) } else { Ok(()) }
    }

    fn incomplete(&self, part: &Part, why: &str) -> FetchError {
        FetchError::Incomplete { address: self.from.to_string(), got: part.length(), total: self.total, why: why.to_owned() }
    }
}

/// Whether what was received until then is of no use to a later fetch.
fn is_of_no_use(error: &FetchError) -> bool {
    matches!(error, FetchError::TooLarge { .. } | FetchError::WebPage(_) | FetchError::Full { .. } | FetchError::Store { .. })
}

/// Why a body broke off, down to what the system said.
fn reason(error: &hyper::Error) -> String {
    let mut text = error.to_string();
    let mut inner = std::error::Error::source(error);
    while let Some(error) = inner {
        text += &format!(": {error}");
        inner = error.source();
    }
    text
}
