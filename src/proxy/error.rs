//! What goes wrong on the way to an origin, and the one place where that becomes an answer.

use super::dial::DialError;
use super::pace::Cut;
use super::pages::Page;
use super::parent::ParentError;
use crate::audit::{Outcome, Unrecorded};
use crate::socket::extensions::Unknown;
use crate::tls::refusal::Refusal;
use http::StatusCode;

/// Why a request that was allowed got no answer from its origin.
#[derive(Debug, thiserror::Error)]
pub enum ProxyError {
    /// No connection was made.
    #[error(transparent)]
    Dial(#[from] DialError),
    /// The parent proxy leads nowhere.
    #[error(transparent)]
    Parent(#[from] ParentError),
    /// The origin's answer is none, or broke off before it began.
    #[error("the site's answer cannot be read: {0}")]
    Origin(hyper::Error),
    /// The origin did not begin to answer in time.
    #[error("the site did not answer in time")]
    TooSlow,
    /// The origin answered with a part of a text that is to be judged whole, and the whole cannot be asked for by the same login.
    #[error("the site answered with a part of a text, which cannot be looked into; ask for the whole of it")]
    Part,
    /// The client's body cannot be read.
    #[error("the request's body cannot be read: {0}")]
    Client(hyper::Error),
    /// The person's access was restricted while the client's body was under way.
    #[error("{0}")]
    Cut(Cut),
    /// The origin switched to a protocol that was not asked for.
    #[error("the site switched to a protocol nobody asked for")]
    Switched,
    /// The origin was asked for WebSocket and answered as one that does not speak it.
    #[error("the site does not speak WebSocket here")]
    NotSwitched,
    /// The origin agreed to what was not asked for of WebSocket.
    #[error("{0}")]
    Extension(Unknown),
    /// The origin does not prove who it is, or there is no TLS with it that is safe.
    #[error("{0}")]
    Tls(Refusal),
    /// The request has been here before.
    #[error("the request came back to this proxy")]
    Loop,
}

impl ProxyError {
    /// The answer's page.
    #[must_use]
    pub fn page(&self) -> Page {
        let (status, heading, error) = match self {
            Self::Tls(why) => return untrusted(why),
            Self::Dial(DialError::Resolve { .. }) => (StatusCode::BAD_GATEWAY, "This site cannot be found", "dns_error"),
            Self::Dial(DialError::Forbidden(_)) => (StatusCode::FORBIDDEN, "This address is not open from here", "destination_ip_prohibited"),
            Self::Dial(DialError::Connect { .. }) => (StatusCode::BAD_GATEWAY, "This site cannot be reached", "destination_unavailable"),
            Self::Dial(DialError::TimedOut(_)) => (StatusCode::GATEWAY_TIMEOUT, "This site does not answer", "connection_timeout"),
            Self::Parent(ParentError::Blocks { .. }) => (StatusCode::FORBIDDEN, "Another filter blocks this site", "http_request_denied"),
            Self::Parent(ParentError::Password(_)) => (StatusCode::BAD_GATEWAY, "The web cannot be reached", "proxy_configuration_error"),
            Self::Parent(ParentError::Down { .. }) => (StatusCode::BAD_GATEWAY, "The web cannot be reached", "destination_unavailable"),
            Self::Parent(ParentError::Refused { .. }) => (StatusCode::BAD_GATEWAY, "This site cannot be reached", "destination_unavailable"),
            Self::Parent(ParentError::Answer { .. }) => (StatusCode::BAD_GATEWAY, "The web cannot be reached", "http_protocol_error"),
            Self::Parent(ParentError::TooSlow(_)) => (StatusCode::GATEWAY_TIMEOUT, "This site does not answer", "connection_timeout"),
            Self::Origin(_) | Self::Switched | Self::NotSwitched | Self::Part | Self::Extension(_) => {
                (StatusCode::BAD_GATEWAY, "This site gave no usable answer", "http_protocol_error")
            }
            Self::TooSlow => (StatusCode::GATEWAY_TIMEOUT, "This site does not answer", "http_response_timeout"),
            Self::Client(_) => (StatusCode::BAD_REQUEST, "The request cannot be read", "http_request_error"),
            Self::Cut(_) => (StatusCode::FORBIDDEN, "Your access is restricted", "http_request_denied"),
            Self::Loop => (StatusCode::LOOP_DETECTED, "The request goes round in a circle", "proxy_loop_detected"),
        };
        let page = Page { error: Some(error), ..Page::new(status, "error", heading) };
        let text = self.to_string();
        page.line(sentence(&text))
    }

    /// How the record ends.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Dial(DialError::Forbidden(_)) | Self::Parent(ParentError::Blocks { .. }) => Outcome::DestinationRefused,
            Self::Dial(DialError::TimedOut(_)) | Self::Parent(ParentError::TooSlow(_)) | Self::TooSlow => Outcome::LimitReached,
            Self::Parent(ParentError::Password(_) | ParentError::Down { .. } | ParentError::Refused { .. } | ParentError::Answer { .. })
            | Self::Dial(DialError::Resolve { .. } | DialError::Connect { .. })
            | Self::Origin(_)
            | Self::Switched
            | Self::NotSwitched
            | Self::Part
            | Self::Extension(_)
            | Self::Tls(_)
            | Self::Loop => Outcome::OriginFailed,
            Self::Client(_) => Outcome::ClientGone,
            Self::Cut(_) => Outcome::Abandoned,
        }
    }
}

/// An origin that is not believed: why, for whoever wanted to see it, and what to do, for whoever looks after the network.
fn untrusted(why: &Refusal) -> Page {
    let page = Page { error: Some(why.proxy_status()), ..Page::new(StatusCode::BAD_GATEWAY, "error", why.heading()) };
    page.line(why.for_pupil())
        .line("What you asked it for was not sent. If you need this site, tell the people who look after the network.")
        .line(format!("For them: {}", why.for_technician()))
}

/// A request that cannot be put on record is refused.
#[must_use]
pub fn unrecorded(why: &Unrecorded) -> Page {
    let page = Page::new(StatusCode::SERVICE_UNAVAILABLE, "unrecorded", "The web is paused");
    let page = page.line("Every request must be on record, and the record cannot be written just now. Please tell the people who look after the network.");
    Page { error: Some("proxy_internal_error"), ..page.line(sentence(&why.to_string())) }
}

/// An error's text as a sentence.
pub(super) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str().trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_that_is_not_believed_has_a_page_that_says_why_and_what_to_do() {
        let error = ProxyError::Tls(Refusal::SelfSigned);
        let page = error.page();
        assert_eq!((page.status, page.error, &*page.heading), (StatusCode::BAD_GATEWAY, Some("tls_certificate_error"), "This site cannot prove who it is"));
        assert!(page.lines[0].contains("vouches for itself") && page.lines[2].contains("[[tls.exception]]"), "{:?}", page.lines);
        assert_eq!(error.outcome(), Outcome::OriginFailed);
    }
}
