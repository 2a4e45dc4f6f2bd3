//! What the head of an answer means for a fetch. Pure but for the present time, which a date in `Retry-After` is counted from.

use super::address::Web;
use super::error::FetchError;
use http::header::{AsHeaderName, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, DATE, ETAG, HeaderMap, LAST_MODIFIED, LOCATION, RETRY_AFTER};
use http::response::Parts;
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use std::time::Duration;

/// What a server said of a file, to be told when it is asked again (RFC 9110 section 8.8).
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Validators {
    /// Its `ETag`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// Its `Last-Modified`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_modified: Option<String>,
}

impl Validators {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        Self { etag: text(headers, ETAG), last_modified: text(headers, LAST_MODIFIED) }
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.etag.is_none() && self.last_modified.is_none()
    }
}

/// What was asked, as far as it decides what an answer means.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Asked {
    /// Whether the file was asked for only if it had changed.
    pub(super) conditional: bool,
    /// The bytes that are here already, if only the rest was asked for; and how many there are in all, if that is known.
    pub(super) rest: Option<(u64, Option<u64>)>,
}

/// What the server answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The file is the one that is here.
    Unchanged,
    /// It is elsewhere.
    Elsewhere(String),
    /// The whole file; its size, if it was told.
    Whole(Option<u64>),
    /// The rest of the file, up to this size.
    Rest(u64),
    /// No rest of what is here can be had.
    StartOver,
}

/// Reads the head of an answer.
pub(super) fn read(from: &Web, asked: Asked, head: &Parts) -> Result<Answer, FetchError> {
    match head.status.as_u16() {
        200 => refuse_encoded(from, &head.headers).map(|()| Answer::Whole(length(&head.headers))),
        206 => match asked.rest {
            Some(rest) => Ok(rest_of(rest, &head.headers).map_or(Answer::StartOver, Answer::Rest)),
            None => Err(FetchError::Unasked(from.to_string(), head.status)),
        },
        301 | 302 | 303 | 307 | 308 if head.headers.contains_key(LOCATION) => Ok(Answer::Elsewhere(text(&head.headers, LOCATION).unwrap_or_default())),
        304 if asked.conditional => Ok(Answer::Unchanged),
        304 => Err(FetchError::Unasked(from.to_string(), head.status)),
        416 if asked.rest.is_some() => Ok(Answer::StartOver),
        _ => Err(FetchError::Status { address: from.to_string(), status: head.status, retry_after: retry_after(&head.headers, Timestamp::now()) }),
    }
}

/// The size of the whole, if what is sent is exactly the rest of what is here (RFC 9110 section 14.4).
fn rest_of((here, known): (u64, Option<u64>), headers: &HeaderMap) -> Option<u64> {
    let text = text(headers, CONTENT_RANGE)?;
    let (range, total) = text.trim().strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let (first, last, total) = (first.parse::<u64>().ok()?, last.parse::<u64>().ok()?, total.parse::<u64>().ok()?);
    let sound = first == here && last.checked_add(1)? == total && last >= first && known.is_none_or(|known| known == total);
    let length_agrees = length(headers).is_none_or(|length| length == total - first);
    (sound && length_agrees && !headers.contains_key(CONTENT_ENCODING)).then_some(total)
}

/// A file that was compressed on the way is not the file. Where the address itself names a compressed one, a server may say so twice.
fn refuse_encoded(from: &Web, headers: &HeaderMap) -> Result<(), FetchError> {
    let Some(coding) = text(headers, CONTENT_ENCODING).filter(|coding| !coding.eq_ignore_ascii_case("identity")) else { return Ok(()) };
    let path = from.path().split('?').next().unwrap_or_default().to_ascii_lowercase();
    let is_gzip = matches!(coding.to_ascii_lowercase().as_str(), "gzip" | "x-gzip") && (path.ends_with(".gz") || path.ends_with(".tgz"));
    if is_gzip { Ok(()) } else { Err(FetchError::Encoded { address: from.to_string(), coding }) }
}

/// What proves that a later answer is of the very same bytes: a strong `ETag`, or a `Last-Modified` well before the answer itself (RFC 9110
/// sections 8.8.1 and 8.8.2.2).
pub(super) fn strong(headers: &HeaderMap) -> Option<String> {
    match text(headers, ETAG) {
        Some(etag) => (etag.len() >= 2 && etag.starts_with('"') && etag.ends_with('"')).then_some(etag),
        None => {
            let modified = text(headers, LAST_MODIFIED)?;
            let (then, sent) = (moment(&modified)?, moment(&text(headers, DATE)?)?);
            (sent.as_second() - then.as_second() >= 1).then_some(modified)
        }
    }
}

fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = text(headers, RETRY_AFTER)?;
    let seconds = text.trim().parse::<u64>().ok();
    seconds.or_else(|| u64::try_from(moment(&text)?.as_second() - now.as_second()).ok()).map(Duration::from_secs)
}

/// A date of HTTP (RFC 9110 section 5.6.7).
fn moment(text: &str) -> Option<Timestamp> {
    rfc2822::parse(text).ok().map(|zoned| zoned.timestamp())
}

/// The length of what is sent. hyper has refused lengths that contradict one another.
pub(super) fn length(headers: &HeaderMap) -> Option<u64> {
    text(headers, CONTENT_LENGTH)?.split(',').next()?.trim().parse().ok()
}

pub(super) fn text(headers: &HeaderMap, name: impl AsHeaderName) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Response;

    fn head(status: u16, fields: &[(&str, &str)]) -> Parts {
        let mut response = Response::builder().status(status);
        for (name, value) in fields {
            response = response.header(*name, *value);
        }
        response.body(()).expect("a head").into_parts().0
    }

    fn read_of(asked: Asked, status: u16, fields: &[(&str, &str)]) -> Result<Answer, String> {
        let from = Web::parse("https://lists.example/a.txt?key=1").expect("an address");
        read(&from, asked, &head(status, fields)).map_err(|error| error.to_string())
    }

    #[test]
    fn a_rest_is_taken_only_if_it_is_the_rest() {
        let asked = Asked { conditional: false, rest: Some((100, Some(300))) };
        for (range, length, means) in [
            ("bytes 100-299/300", None, Answer::Rest(300)),
            ("bytes 100-299/300", Some("200"), Answer::Rest(300)),
            ("bytes 100-299/300", Some("300"), Answer::StartOver),
            ("bytes 0-299/300", None, Answer::StartOver),
            ("bytes 99-299/300", None, Answer::StartOver),
            ("bytes 101-299/300", None, Answer::StartOver),
            ("bytes 100-298/300", None, Answer::StartOver),
            ("bytes 100-399/400", None, Answer::StartOver),
            ("bytes 100-299/*", None, Answer::StartOver),
            ("bytes */300", None, Answer::StartOver),
            ("bytes 100-18446744073709551615/0", None, Answer::StartOver),
            ("lines 100-299/300", None, Answer::StartOver),
            ("nonsense", None, Answer::StartOver),
        ] {
            let fields: Vec<_> = [("content-range", range)].into_iter().chain(length.map(|length| ("content-length", length))).collect();
            assert_eq!(read_of(asked, 206, &fields), Ok(means), "{range} {length:?}");
        }
        assert_eq!(read_of(asked, 206, &[]), Ok(Answer::StartOver), "several parts in one have no Content-Range");
        assert_eq!(read_of(asked, 416, &[]), Ok(Answer::StartOver));
        assert_eq!(read_of(asked, 200, &[("content-length", "7")]), Ok(Answer::Whole(Some(7))));
        assert!(read_of(Asked::default(), 206, &[("content-range", "bytes 0-9/10")]).is_err(), "nobody asked for a part");
        assert!(read_of(Asked::default(), 416, &[]).is_err());
    }

    #[test]
    fn each_status_says_what_to_do() {
        for (status, fields, says) in [
            (304, &[][..], "nothing had asked for that"),
            (401, &[], "wants a login (401); ask the publisher"),
            (403, &[], "is refused (403); check the address, your subscription"),
            (404, &[], "is not there (404)"),
            (410, &[], "is not there (410)"),
            (407, &[], "set `user` and `password_file`"),
            (429, &[("retry-after", "120")], "it may be asked again in 120 s"),
            (503, &[("retry-after", "soon")], "is tried again later"),
            (500, &[], "out of order (500)"),
            (204, &[], "gave the answer 204, which is no list"),
            (302, &[], "gave the answer 302"),
            (416, &[], "gave the answer 416"),
            (200, &[("content-encoding", "br")], "was sent compressed (br)"),
        ] {
            let said = read_of(Asked::default(), status, fields).expect_err("no list");
            assert!(said.contains(says) && said.starts_with("https://lists.example/a.txt?… "), "{status}: {said}");
        }
        let conditional = Asked { conditional: true, rest: None };
        assert_eq!(read_of(conditional, 304, &[]), Ok(Answer::Unchanged));
        assert_eq!(read_of(conditional, 307, &[("location", "b.txt")]), Ok(Answer::Elsewhere("b.txt".into())));
    }

    #[test]
    fn when_it_may_be_asked_again_is_a_number_or_a_date() {
        let now = "2026-11-22T10:00:00Z".parse().expect("a time");
        for (field, seconds) in [("30", Some(30)), ("Sun, 22 Nov 2026 10:02:00 GMT", Some(120)), ("Sun, 22 Nov 2026 09:00:00 GMT", None), ("soon", None)] {
            let head = head(429, &[("retry-after", field)]);
            assert_eq!(retry_after(&head.headers, now), seconds.map(Duration::from_secs), "{field}");
        }
    }

    #[test]
    fn only_what_proves_the_same_bytes_lets_a_fetch_go_on() {
        let (old, now) = ("Sat, 21 Nov 2026 10:00:00 GMT", "Sun, 22 Nov 2026 10:00:00 GMT");
        for (fields, proof) in [
            (&[("etag", "\"v1\""), ("last-modified", old)][..], Some("\"v1\"")),
            (&[("etag", "W/\"v1\""), ("last-modified", old), ("date", now)], None),
            (&[("etag", "v1")], None),
            (&[("etag", "\"")], None),
            (&[("last-modified", old), ("date", now)], Some(old)),
            (&[("last-modified", now), ("date", now)], None),
            (&[("last-modified", old)], None),
            (&[("last-modified", "yesterday"), ("date", now)], None),
            (&[], None),
        ] {
            assert_eq!(strong(&head(200, fields).headers).as_deref(), proof, "{fields:?}");
        }
    }
}
