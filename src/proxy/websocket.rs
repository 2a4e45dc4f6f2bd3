//! WebSocket over HTTP/2 (RFC 8441) as the same over HTTP/1.1 (RFC 6455), which every site that speaks WebSocket knows.
//!
//! Over HTTP/2 it begins with a `CONNECT` that names a protocol and a page. Such a request is a `GET` of that page in all that follows: judged, on record,
//! and sent to the site with a key of our own. Any other protocol is a tunnel by another name, and stays the `CONNECT` it is, which is refused.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{CONNECTION, HeaderMap, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, UPGRADE};
use http::{Method, request};
use hyper::ext::Protocol;

/// What the key is hashed with (RFC 6455 section 1.3).
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// Makes of a `CONNECT` for WebSocket the `GET` it would be in HTTP/1.1. Anything else stays what it is.
pub fn as_get(head: &mut request::Parts) {
    let asks = |protocol: &Protocol| protocol.as_str().eq_ignore_ascii_case("websocket");
    if head.method != Method::CONNECT || !head.extensions.get::<Protocol>().is_some_and(asks) {
        return;
    }
    let mut key = [0; 16];
    // The key hides nothing: it tells an answer to it from an old one. Without randomness it is still right.
    let _ = getrandom::fill(&mut key);
    let Ok(key) = HeaderValue::try_from(STANDARD.encode(key)) else { return };
    head.method = Method::GET;
    head.headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    head.headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    head.headers.insert(SEC_WEBSOCKET_KEY, key);
}

/// What a site answers to the key in these fields.
#[must_use]
pub fn expected(headers: &HeaderMap) -> Option<String> {
    let key = headers.get(SEC_WEBSOCKET_KEY)?.to_str().ok()?;
    Some(STANDARD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, format!("{key}{GUID}").as_bytes())))
}

/// Whether an answer is to the key that was sent. What says so is taken out of it: over HTTP/2 there is no key.
pub fn is_accepted(headers: &mut HeaderMap, expected: &str) -> bool {
    headers.remove(SEC_WEBSOCKET_ACCEPT).is_some_and(|accept| accept.as_bytes() == expected.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    fn connect(protocol: Option<&'static str>) -> request::Parts {
        let mut head = Request::builder().method("CONNECT").uri("https://a.example/chat").body(()).expect("a request").into_parts().0;
        if let Some(protocol) = protocol {
            head.extensions.insert(Protocol::from_static(protocol));
        }
        head
    }

    #[test]
    fn only_a_connect_for_websocket_is_a_get() {
        for (protocol, method) in [(Some("websocket"), "GET"), (Some("WebSocket"), "GET"), (Some("connect-udp"), "CONNECT"), (None, "CONNECT")] {
            let mut head = connect(protocol);
            as_get(&mut head);
            assert_eq!((head.method.as_str(), head.headers.contains_key(SEC_WEBSOCKET_KEY)), (method, method == "GET"), "{protocol:?}");
        }
    }

    #[test]
    fn the_answer_to_the_key_is_that_of_the_standard() {
        let mut headers = HeaderMap::new();
        assert_eq!(expected(&headers), None);
        headers.insert(SEC_WEBSOCKET_KEY, HeaderValue::from_static("dGhlIHNhbXBsZSBub25jZQ=="));
        let expected = expected(&headers).expect("a key");
        assert_eq!(expected, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        for (accept, accepted) in [("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", true), ("s3pPLMBiTxaQ9kYGzzhZRbK+xO0=", false)] {
            let mut answer = HeaderMap::new();
            answer.insert(SEC_WEBSOCKET_ACCEPT, HeaderValue::from_static(accept));
            assert_eq!(is_accepted(&mut answer, &expected), accepted);
            assert!(answer.is_empty());
        }
        assert!(!is_accepted(&mut HeaderMap::new(), &expected));
    }
}
