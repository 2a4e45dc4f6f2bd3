//! What Usher answers by itself, under its own name or as the last hop.

use super::Worker;
use super::error::sentence;
use super::limits::OWN_FORM;
use super::pages::{Page, refer};
use super::request::{Answer, Asked, finish, raw};
use super::target::Target;
use crate::audit::Pending;
use crate::identity::Identity;
use http::header::{CACHE_CONTROL, HeaderValue, LOCATION};
use http::{Method, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;

impl Worker {
    /// Answers under Usher's own name, which is reached through the proxy only: the way on past a warning.
    pub(super) async fn own_page(&self, asked: &Asked, target: &Target, identity: Identity, body: Incoming) -> Answer {
        let is_continue = asked.method == Method::POST && target.url().text().ends_with("/continue");
        if !is_continue {
            let page = Page::new(StatusCode::NOT_FOUND, "refused", "There is no such page").line("This is Usher, the school's web filter.");
            return self.refuse(asked, Some(target), identity, "own-page", page).await;
        }
        let token = read_token(body).await;
        match self.warnings.accept(&token, &identity, asked.client(), asked.now) {
            Ok(url) => match self.answered(asked, target, &identity, "continue", &format!("Went on past a warning to {url}")).await {
                Ok(pending) => finish(asked, refer(redirect(&url), pending.id()), Some(pending)),
                Err(answer) => answer,
            },
            Err(bad) => {
                let page = Page::new(StatusCode::FORBIDDEN, "refused", "This button no longer works").line(sentence(&bad.to_string()));
                self.refuse(asked, Some(target), identity, "continue", page).await
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
    let mut text = format!("{} {} {:?}\r\n", asked.method, raw(target), asked.version).into_bytes();
    for (name, value) in asked.headers.iter().filter(|(name, _)| !secret.contains(name)) {
        text.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
    }
    text.extend(b"\r\n");
    text
}

/// The token in a form; empty if there is none that can be read.
async fn read_token(body: Incoming) -> String {
    let Ok(form) = Limited::new(body, OWN_FORM).collect().await else { return String::new() };
    let form = form.to_bytes();
    let fields = url::form_urlencoded::parse(&form);
    fields.into_iter().find(|(name, _)| name == "token").map(|(_, token)| token.into_owned()).unwrap_or_default()
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
