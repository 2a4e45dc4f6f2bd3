//! What Usher answers by itself, under its own name or as the last hop.

use super::Worker;
use super::authority::Wanted;
use super::error::sentence;
use super::limits::OWN_FORM;
use super::pages::{Page, refer};
use super::request::{Answer, Asked, finish};
use super::target::Target;
use crate::alert::links;
use crate::audit::Pending;
use crate::host::Host;
use crate::identity::Identity;
use http::header::{CACHE_CONTROL, HeaderValue, LOCATION};
use http::{Method, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use tokio::time::timeout;

/// Another name of Usher's own, beside the one that is set: no name server can ever lead it elsewhere (RFC 6761 section 6.4).
const ALWAYS_OWN: &str = "usher.invalid";

/// The names of Usher's own, where this one is set.
#[must_use]
pub fn own_names(set: &Host) -> Vec<Host> {
    Host::parse(ALWAYS_OWN).into_iter().chain([set.clone()]).collect()
}

/// A page of Usher's own.
enum OwnPage {
    /// The way on past a warning.
    Continue,
    /// What the school's certificate is, and how it is installed.
    Authority,
    /// The certificate, in one of its forms.
    Certificate(Wanted),
    /// Where somebody says that they have read an alert: the token of the link.
    Acknowledge(String),
    /// Leads to the only page a person would look for.
    Front,
    /// None.
    Nothing,
}

impl OwnPage {
    fn of(method: &Method, path: &str) -> Self {
        let path = path.split('?').next().unwrap_or_default();
        match *method {
            Method::POST if path == "/continue" => Self::Continue,
            Method::GET | Method::HEAD | Method::POST if path.starts_with(links::PATH) => Self::Acknowledge(path[links::PATH.len()..].to_owned()),
            Method::GET | Method::HEAD => match path {
                "/" => Self::Front,
                "/ca" | "/ca/" => Self::Authority,
                _ => path.strip_prefix("/ca/").and_then(Wanted::of).map_or(Self::Nothing, Self::Certificate),
            },
            _ => Self::Nothing,
        }
    }
}

impl Worker {
    /// Whether a host is Usher itself, which is reached through the proxy only.
    pub(super) fn is_own(&self, host: &Host) -> bool {
        *host == self.settings.own_host || host.as_str() == ALWAYS_OWN
    }

    /// Answers under Usher's own name.
    pub(super) async fn own_page(&self, asked: &Asked, target: &Target, identity: Identity, body: Incoming) -> Answer {
        let path = if let Target::Page { path, .. } = target { path } else { "" };
        match OwnPage::of(&asked.method, path) {
            OwnPage::Continue => self.go_on(asked, target, &identity, body).await,
            OwnPage::Authority => self.authority_page(asked, target, identity).await,
            OwnPage::Certificate(wanted) => self.certificate(asked, target, identity, wanted).await,
            OwnPage::Acknowledge(token) => self.acknowledge(asked, target, &identity, &token, body).await,
            OwnPage::Front => match self.answered(asked, target, &identity, "own-page", "Led to the page about the certificate").await {
                Ok(pending) => finish(asked, refer(redirect("/ca"), pending.id()), Some(pending)),
                Err(answer) => answer,
            },
            OwnPage::Nothing => {
                let page = Page::new(StatusCode::NOT_FOUND, "refused", "There is no such page").line("This is Usher, the school's web filter.");
                self.refuse(asked, Some(target), identity, "own-page", page).await
            }
        }
    }

    /// The way on past a warning.
    async fn go_on(&self, asked: &Asked, target: &Target, identity: &Identity, body: Incoming) -> Answer {
        // In HTTP/2 nothing else watches how long a body takes.
        let token = timeout(self.limits.stall_time, read_field(body, "token")).await.unwrap_or_default();
        match self.warnings.accept(&token, identity, asked.client(), asked.now) {
            Ok(url) => match self.answered(asked, target, identity, "continue", &format!("Went on past a warning to {url}")).await {
                Ok(pending) => finish(asked, refer(redirect(&url), pending.id()), Some(pending)),
                Err(answer) => answer,
            },
            Err(bad) => {
                let page = Page::new(StatusCode::FORBIDDEN, "refused", "This button no longer works").line(sentence(&bad.to_string()));
                self.refuse(asked, Some(target), identity.clone(), "continue", page).await
            }
        }
    }

    /// Answers a `TRACE` or `OPTIONS` whose `Max-Forwards` is used up (RFC 9110 section 7.6.2).
    pub(super) fn answer_last_hop(&self, asked: &Asked, target: &Target, pending: Pending) -> Answer {
        if asked.method == Method::OPTIONS {
            let mut response = Response::new(bytes::Bytes::new());
            response.headers_mut().insert(http::header::ALLOW, HeaderValue::from_static("GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH, CONNECT, TRACE"));
            return finish(asked, refer(response, pending.id()), Some(pending));
        }
        let mut response = Response::new(reflected(asked, target).into());
        response.headers_mut().insert(http::header::CONTENT_TYPE, HeaderValue::from_static("message/http"));
        finish(asked, refer(response, pending.id()), Some(pending))
    }
}

/// A request as it was received, without what proves who sent it.
fn reflected(asked: &Asked, target: &Target) -> Vec<u8> {
    let secret = [http::header::AUTHORIZATION, http::header::COOKIE, http::header::PROXY_AUTHORIZATION];
    let mut text = format!("{} {} {:?}\r\n", asked.method, target.as_asked(), asked.version).into_bytes();
    for (name, value) in asked.headers.iter().filter(|(name, _)| !secret.contains(name)) {
        text.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
    }
    text.extend(b"\r\n");
    text
}

/// A field of a form; empty if there is none that can be read.
pub(super) async fn read_field(body: Incoming, wanted: &str) -> String {
    let Ok(form) = Limited::new(body, OWN_FORM).collect().await else { return String::new() };
    let form = form.to_bytes();
    let fields = url::form_urlencoded::parse(&form);
    fields.into_iter().find(|(name, _)| name == wanted).map(|(_, value)| value.into_owned()).unwrap_or_default()
}

fn redirect(url: &str) -> Response<bytes::Bytes> {
    let mut response = Response::new(bytes::Bytes::new());
    *response.status_mut() = StatusCode::SEE_OTHER;
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(url) = HeaderValue::try_from(url) {
        response.headers_mut().insert(LOCATION, url);
    }
    response
}
