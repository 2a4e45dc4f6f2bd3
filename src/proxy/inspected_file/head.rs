//! What the head of an answer says of the file in it.

use crate::body::coding::Codings;
use crate::body::parts::Parts;
use crate::kinds::name;
use crate::policy::files::{Facts, Framed, Part};
use http::header::{ACCEPT, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::{StatusCode, response};

/// What a page's form depends on.
pub(in crate::proxy) const SHAPED_BY: [HeaderName; 2] = [ACCEPT, HeaderName::from_static("sec-fetch-dest")];

/// The fields that the form of a page depends on.
pub(in crate::proxy) fn shape(headers: &HeaderMap) -> HeaderMap {
    SHAPED_BY.iter().filter_map(|field| Some((field.clone(), headers.get(field)?.clone()))).collect()
}

/// What the head of an answer says of the file in it.
pub(super) fn facts(head: &response::Parts, path: &str) -> Facts {
    let headers = &head.headers;
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let types = headers.get_all(CONTENT_TYPE).iter().flat_map(|value| essences(&text(value))).collect();
    let parts = Parts::of_any(headers.get_all(CONTENT_TYPE));
    let names = headers.get_all(CONTENT_DISPOSITION).iter().flat_map(|value| name::of_disposition(value.as_bytes())).collect();
    let part = match head.status {
        StatusCode::PARTIAL_CONTENT => headers.get(CONTENT_RANGE).map_or(Part::Later(None), |range| part(&text(range))),
        _ => Part::First,
    };
    Facts {
        path: Some(path).filter(|_| head.status.is_success()).and_then(name::of_path),
        names,
        types,
        codings: codings(headers),
        framed: framed(headers),
        parts,
        length: headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.trim().parse().ok()),
        part,
        ..Facts::default()
    }
}

/// The coding of a file, if it can be looked into: one at most. Nobody packs files twice but to hide what is in them.
pub(in crate::proxy) fn codings(headers: &HeaderMap) -> Option<Codings> {
    Codings::of(headers.get_all(CONTENT_ENCODING).iter().map(HeaderValue::as_bytes), 1).ok()
}

/// How the messages of a body are framed, should it be a stream of them.
pub(in crate::proxy) fn framed(headers: &HeaderMap) -> Option<Framed> {
    let types: Vec<_> = headers.get_all(CONTENT_TYPE).iter().map(|value| value.as_bytes().to_vec()).collect();
    (!types.is_empty()).then(|| Framed { types, coding: coding_of_messages(headers) })
}

/// What names the coding of messages (gRPC, Connect); nothing, where there is none. Of several names, who reads them may go by any: they are given as codings
/// upon one another, and that cannot be undone.
pub(in crate::proxy) fn coding_of_messages(headers: &HeaderMap) -> Vec<u8> {
    let named = ["grpc-encoding", "connect-content-encoding"].into_iter().flat_map(|name| headers.get_all(name));
    named.map(HeaderValue::as_bytes).collect::<Vec<_>>().join(&b", "[..])
}

/// The media types in a `Content-Type`, of which there should be one.
pub(in crate::proxy) fn essences(value: &str) -> Vec<String> {
    let each = value.split(',').map(|one| one.split(';').next().unwrap_or_default().trim().to_ascii_lowercase());
    each.filter(|one| one.contains('/')).collect()
}

/// Which part of a file a `Content-Range` says it is.
fn part(range: &str) -> Part {
    let Some((range, whole)) = range.trim().strip_prefix("bytes").and_then(|rest| rest.trim().split_once('/')) else { return Part::Later(None) };
    if range.trim().starts_with("0-") { Part::First } else { Part::Later(whole.trim().parse().ok()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::coding::Limits;
    use crate::body::messages::Messages;

    /// Who goes by the other name reads what is packed.
    #[test]
    fn the_coding_of_messages_is_what_any_name_says() {
        let gzip = "application/connect+proto";
        for (names, is_readable, is_packed) in [
            (&[("grpc-encoding", "identity"), ("connect-content-encoding", "gzip")][..], true, true),
            (&[("grpc-encoding", "identity"), ("grpc-encoding", "gzip")], true, true),
            (&[("grpc-encoding", "identity")], true, false),
            (&[("grpc-encoding", "gzip"), ("connect-content-encoding", "deflate")], false, false),
            (&[], true, false),
        ] {
            let mut headers = HeaderMap::new();
            for (name, value) in names {
                headers.append(*name, HeaderValue::from_static(value));
            }
            let packed = b"\x01\0\0\0\x04nope";
            let messages = Messages::of([gzip], &coding_of_messages(&headers), Limits::default());
            let Ok(Some(mut messages)) = messages else {
                assert!(!is_readable, "{names:?}");
                continue;
            };
            assert!(is_readable);
            assert_eq!(messages.feed(packed, &mut |_| {}).is_err(), is_packed, "{names:?}: what is no gzip is told");
        }
    }
}
