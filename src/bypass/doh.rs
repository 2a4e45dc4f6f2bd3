//! Names looked up over HTTPS (RFC 8484), past the school's name server.

use super::{Certainty, Code, Finding};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use memchr::memmem::Finder;
use std::sync::LazyLock;

/// The types of such questions and answers.
const TYPES: [&str; 3] = ["application/dns-message", "application/dns-json", "application/oblivious-dns-message"];

/// Whether a value may be such a type: most are long lists of something else.
#[must_use]
pub fn may_be_type(value: &[u8]) -> bool {
    memchr::memchr2_iter(b'd', b'D', value).any(|at| value[at..].get(..4).is_some_and(|here| here.eq_ignore_ascii_case(b"dns-")))
}

/// Looks at the `Content-Type` or `Accept` of a request, or the `Content-Type` of an answer.
#[must_use]
pub fn in_type(value: &str) -> Option<Finding> {
    let named = value.split(',').map(|one| one.split(';').next().unwrap_or_default().trim());
    let found = named.into_iter().find_map(|name| TYPES.into_iter().find(|known| name.eq_ignore_ascii_case(known)))?;
    Some(Finding::new(Code::Doh, &format!("the type {found}")))
}

static DNS: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"dns"));

/// Looks at path and query: a question in `dns=`, and the usual path, which alone proves nothing.
#[must_use]
pub fn in_path(path: &str) -> Option<Finding> {
    // What either has; a long query is looked through many bytes at a time.
    DNS.find(path.as_bytes())?;
    let (before, query) = path.split_once('?').unwrap_or((path, ""));
    if query.split('&').filter_map(|pair| pair.strip_prefix("dns=")).any(is_question) {
        return Some(Finding::new(Code::Doh, "a question to a name server in the address"));
    }
    (before == "/dns-query").then(|| Finding::new(Code::Doh, "the path /dns-query").with(Certainty::Scores(4)))
}

/// Whether it is a question with one name in it: a head of twelve bytes (RFC 1035 section 4.1.1).
fn is_question(value: &str) -> bool {
    let Ok(bytes) = URL_SAFE_NO_PAD.decode(value.trim_end_matches('=')) else { return false };
    // A standard question, in which one thing is asked and nothing is answered.
    bytes.len() >= 17 && bytes[2] & 0xf8 == 0 && bytes[4..8] == [0, 1, 0, 0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_and_answers_are_known() {
        // RFC 8484 section 4.1.1.
        let asked = in_path("/resolve?dns=AAABAAABAAAAAAAAA3d3dwdleGFtcGxlA2NvbQAAAQAB").expect("found");
        assert_eq!((asked.code, asked.certainty), (Code::Doh, Certainty::Near));
        assert_eq!(["/dns-query", "/dns-query?ct"].map(|path| in_path(path).map(|found| found.certainty)), [Some(Certainty::Scores(4)); 2]);
        for value in ["application/dns-message", "Application/DNS-JSON; charset=utf-8", "text/html, application/dns-message;q=0.5"] {
            assert!(in_type(value).is_some(), "{value}");
        }
        for path in ["/dns-query/about", "/?dns=8.8.8.8", "/?dns=aHR0cHM6Ly93d3cuZXhhbXBsZS5jb20vYS9sb25nL3BhdGg", "/?xdns=AAABAAABAAAAAAAA"] {
            assert_eq!(in_path(path), None, "{path}");
        }
        assert_eq!(in_type("application/json"), None);
    }
}
