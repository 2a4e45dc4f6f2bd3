//! What a request means, put on record with it: a visit, a search or part of a page, and which visit it hangs from.
//!
//! Who asks is a person where a name is known, else a device; one person at two devices has two trails.

use super::Proxy;
use super::request::Asked;
use super::target::Target;
use crate::audit::{Class, Opening, RecordId, Verdict};
use crate::identity::Identity;
use crate::insight::navigation::{Fields, Place};
use crate::insight::trail::{Meaning, Request, Sight, Step};
use crate::url::Url;
use http::header::{ACCEPT, HeaderMap, HeaderName, LOCATION, REFERER, USER_AGENT};
use http::{Response, StatusCode};
use std::sync::Arc;

// Names, not texts, so that none is read anew for each request.
/// What a browser says a request is for (Fetch Metadata Request Headers).
pub(super) static SEC_FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");
pub(super) static SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
pub(super) static SEC_FETCH_USER: HeaderName = HeaderName::from_static("sec-fetch-user");
pub(super) static SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// What says that a page is fetched before anybody asked for it, by the browser's age.
static SEC_PURPOSE: HeaderName = HeaderName::from_static("sec-purpose");
static PURPOSE: HeaderName = HeaderName::from_static("purpose");
static X_MOZ: HeaderName = HeaderName::from_static("x-moz");
static X_REQUESTED_WITH: HeaderName = HeaderName::from_static("x-requested-with");

/// What is to be put on record, and the visit it is, if it is one.
pub(super) struct Entry {
    pub(super) opening: Arc<Opening>,
    pub(super) step: Option<Step>,
}

impl Proxy {
    /// A request that was judged, as one of a person's steps.
    pub(super) fn entry(&self, asked: &Asked, target: &Target, identity: &Identity, opening: Opening) -> Entry {
        let referrer = referrer(&asked.headers);
        let fields = fields(&asked.headers, referrer.as_ref());
        let url = target.url();
        let sight = match target {
            Target::Tunnel(_) => Sight::Tunnel,
            Target::Page { path, .. } => Sight::Whole { method: asked.method.as_str(), path, url: url.text(), fields: &fields },
        };
        let request = Request { time_ms: opening.time_ms, host: url.host.as_str(), sight };
        let meaning = self.trail.judge((identity.user(), asked.client()), &request);
        with_meaning(asked, identity, named(opening, referrer.as_ref()), meaning)
    }

    /// A request that was not judged, and is no step of anybody's.
    pub(super) fn lone_entry(asked: &Asked, identity: &Identity, opening: Opening) -> Entry {
        let referrer = referrer(&asked.headers);
        let meaning = Meaning::alone(asked.method.as_str(), &opening.path, &fields(&asked.headers, referrer.as_ref()));
        with_meaning(asked, identity, named(opening, referrer.as_ref()), meaning)
    }

    /// Tells the trail what became of a visit, once that is on record.
    pub(super) fn recorded(&self, step: Step, verdict: Verdict, id: RecordId) {
        match verdict {
            Verdict::Allowed | Verdict::Answered => self.trail.passed(step, id),
            Verdict::Warned | Verdict::Blocked | Verdict::Refused => self.trail.stopped(step),
        }
    }

    /// Tells the trail where a visit was sent on to.
    pub(super) fn note_redirect<B>(&self, asked: &Asked, target: &Target, response: &Response<B>) {
        let Some(step) = asked.step else { return };
        if let Some(there) = leads_to(target, response).and_then(|there| Url::parse(there.as_str()).ok()) {
            self.trail.redirected(step, Place { host: there.host.as_str(), url: there.text() });
        }
    }
}

fn with_meaning(asked: &Asked, identity: &Identity, opening: Opening, meaning: Meaning<RecordId>) -> Entry {
    let Meaning { kind, start, certainty, cause, search, step } = meaning;
    let class = if asked.snapshot.policy.is_staff(identity.standing) { Class::Staff } else { Class::of(kind, opening.verdict) };
    Entry { opening: Arc::new(Opening { class, kind, start, certainty, cause, search, ..opening }), step }
}

/// Where an answer sends a browser on to.
pub(super) fn leads_to<B>(target: &Target, response: &Response<B>) -> Option<url::Url> {
    if !leads_on(response.status()) {
        return None;
    }
    let location = response.headers().get(LOCATION)?;
    // Browsers take it for UTF-8, whatever it is.
    url::Url::parse(&target.as_asked()).ok()?.join(&String::from_utf8_lossy(location.as_bytes())).ok()
}

fn leads_on(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

fn named(opening: Opening, referrer: Option<&Url>) -> Opening {
    Opening { referrer: referrer.map(|url| url.host.to_string()), ..opening }
}

/// The page a request comes from, in the one spelling.
fn referrer(headers: &HeaderMap) -> Option<Url> {
    Url::parse(text(headers, &REFERER)?).ok()
}

fn fields<'a>(headers: &'a HeaderMap, referrer: Option<&'a Url>) -> Fields<'a> {
    let purpose = text(headers, &SEC_PURPOSE).or_else(|| text(headers, &PURPOSE)).or_else(|| text(headers, &X_MOZ));
    Fields {
        mode: text(headers, &SEC_FETCH_MODE),
        dest: text(headers, &SEC_FETCH_DEST),
        user: text(headers, &SEC_FETCH_USER),
        site: text(headers, &SEC_FETCH_SITE),
        purpose,
        accept: text(headers, &ACCEPT),
        agent: text(headers, &USER_AGENT),
        requested_with: text(headers, &X_REQUESTED_WITH),
        referrer: referrer.map(|url| Place { host: url.host.as_str(), url: url.text() }),
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn a_head_is_read_for_what_it_says_of_the_request() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("sec-fetch-mode", "navigate"),
            ("purpose", "prefetch"),
            ("accept", "text/html"),
            ("referer", "http://A.Example:8080/X?y=%61#z"),
            ("user-agent", "a browser"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        let referrer = referrer(&headers);
        let read = fields(&headers, referrer.as_ref());
        let expected = Fields {
            mode: Some("navigate"),
            purpose: Some("prefetch"),
            accept: Some("text/html"),
            agent: Some("a browser"),
            referrer: Some(Place { host: "a.example", url: "a.example/x?y=a" }),
            ..Fields::default()
        };
        assert_eq!(read, expected);
        headers.insert("accept", HeaderValue::from_bytes(b"\xff").expect("a value"));
        headers.insert("referer", HeaderValue::from_static("about:blank"));
        assert_eq!((fields(&headers, None).accept, super::referrer(&headers)), (None, None), "what cannot be read says nothing");
    }

    #[test]
    fn only_answers_with_a_place_to_go_lead_on() {
        for (status, leads) in [(200, false), (300, false), (301, true), (302, true), (303, true), (304, false), (307, true), (308, true), (404, false)] {
            assert_eq!(leads_on(StatusCode::from_u16(status).expect("a status")), leads, "{status}");
        }
    }
}
