//! Parts of texts: what was asked for by a range is asked for whole where it is to be judged. Parts of a text cannot be, and asking for them is no way
//! past.
//!
//! A login of the connection (NTLM, Negotiate) is good for the one who logged in, on that connection. So the whole is asked for on that same one, after
//! the part was read to its end and thrown away; where that cannot be, it is not asked for at all. A request that logs in asks for the whole from the
//! beginning: its login may be good for once.

use super::Worker;
use super::body::RequestBody;
use super::conn::Conn;
use super::error::ProxyError;
use super::exchange::{Sent, Upload, rebuilt};
use super::judge::Body;
use super::line::Line;
use super::pool::Origin;
use super::request::Asked;
use crate::audit::Pending;
use crate::policy::OnHit;
use crate::policy::words::Way;
use crate::tls::origin::Offer;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, EXPECT, HeaderMap, HeaderValue, IF_RANGE, RANGE, TRAILER};
use http::{Method, Response, StatusCode, Uri};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::time::timeout;

/// The longest part that is thrown away to have its connection again, in bytes.
const LONGEST_PART: usize = 4 << 20;

/// A request for parts, as it would be for the whole. Parts of a text cannot be judged, and asking for them is no way past.
pub(super) struct Whole(Method, Uri, HeaderMap);

impl Whole {
    /// Of a request that is about to be sent, if it asks for parts and its answer may be more than noted.
    pub(super) fn of(asked: &Asked, upload: &mut Upload, logs_in: bool) -> Option<Self> {
        let request = &mut upload.request;
        let is_judged = asked.reading.as_ref().is_some_and(|reading| reading.most(Way::Answer) > OnHit::Note);
        if !is_judged || *request.method() != Method::GET || !request.headers().contains_key(RANGE) {
            return None;
        }
        // What has a body, or logs in, is sent once, and asks for the whole from the beginning.
        if logs_in || !matches!(request.body(), RequestBody::Empty) {
            request.headers_mut().remove(RANGE);
            request.headers_mut().remove(IF_RANGE);
            return None;
        }
        let mut headers = request.headers().clone();
        // Lengths too: an empty body that claims one would make the origin take what comes next on the connection for it.
        for name in [RANGE, IF_RANGE, CONTENT_LENGTH, EXPECT, TRAILER] {
            headers.remove(name);
        }
        Some(Self(request.method().clone(), request.uri().clone(), headers))
    }

    /// Whether the answer is a part of a text, so that the whole is to be asked for instead.
    pub(super) fn is_wanted_for<B>(&self, answer: &Response<B>) -> bool {
        let parts = |value: &HeaderValue| value.to_str().is_ok_and(|value| value.trim_start().to_ascii_lowercase().starts_with("multipart/byteranges"));
        let headers = answer.headers();
        answer.status() == StatusCode::PARTIAL_CONTENT && (Body::of(headers).is_some() || headers.get_all(CONTENT_TYPE).iter().any(parts))
    }

    /// The request for it.
    fn into_upload(self) -> Upload {
        let Self(method, uri, headers) = self;
        Upload { request: rebuilt(method, uri, headers), progress: None }
    }
}

impl Worker {
    /// Asks for the whole of what was answered with a part.
    pub(super) async fn ask_for_whole(
        &self,
        whole: Whole,
        (part, mut origin): (Response<Incoming>, Origin),
        (line, offer, conn): (&Line<'_>, Offer, &Conn),
        pending: &mut Pending,
    ) -> Result<(Response<Incoming>, Origin), ProxyError> {
        let upload = whole.into_upload();
        if !origin.bound {
            drop((part, origin));
            let again = self.ready(line, conn, offer).await;
            return self.exchange((line, offer, conn), again, upload, pending).await;
        }
        let is_free = timeout(self.limits.stall_time, async { is_read(part).await && origin.sender.ready().await.is_ok() }).await;
        if is_free != Ok(true) {
            return Err(ProxyError::Part);
        }
        match self.send(&mut origin, upload.request, None).await {
            Ok(response) => Ok((response, origin)),
            Err(Sent::No(_)) => Err(ProxyError::Part),
            Err(Sent::TooSlow) => Err(ProxyError::TooSlow),
            Err(Sent::Failed(error)) => Err(ProxyError::Origin(error)),
        }
    }
}

/// Whether a part is short enough to be read to its end, once it was.
async fn is_read(part: Response<Incoming>) -> bool {
    let (mut body, mut length) = (part.into_body(), 0);
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return false };
        length += frame.data_ref().map_or(0, bytes::Bytes::len);
        if length > LONGEST_PART {
            return false;
        }
    }
    true
}
