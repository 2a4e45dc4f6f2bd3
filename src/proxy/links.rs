//! The pages of acknowledge links: through the proxy under Usher's own name, and, where `[links] listen` is set, for the school's web server to pass on to.
//!
//! A look names nobody and changes nothing, however it is made: by a person, a mail scanner, a preview or a browser that fetches ahead. Only a form with a
//! name does. The pages load nothing, run nothing, tell no other site where they are, and cannot be put into a frame.

use super::Worker;
use super::own_pages::read_field;
use super::pages::{School, refer};
use super::request::{Answer, Asked, finish};
use super::target::Target;
use crate::alert::links::{About, Found, Links, Name, PATH};
use crate::audit::incident::Level;
use crate::identity::{Identity, Who};
use crate::telemetry::events::{AcceptFailed, LinkFailed};
use askama::Template;
use bytes::Bytes;
use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_LANGUAGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, REFERRER_POLICY, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// Connections that the listener serves at once.
const MOST: usize = 16;
/// The largest head it reads, in bytes.
const HEAD: usize = 8 << 10;
/// How long one connection may take in all.
const TIME: Duration = Duration::from_secs(10);
/// How long is waited after a connection could not be accepted.
const PAUSE: Duration = Duration::from_millis(100);

const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

#[derive(Template)]
#[template(path = "acknowledge.html", config = "src/proxy/pages/askama.toml")]
struct Html<'a> {
    heading: &'a str,
    lines: &'a [String],
    /// Whether a name is asked for.
    form: bool,
    school: &'a str,
}

/// One look at a link, or a use of it.
struct Wanted<'a> {
    links: &'a Arc<Links>,
    token: String,
    /// What was given as a name, if the form was sent.
    typed: Option<String>,
    user: Option<String>,
    client: IpAddr,
    now: Timestamp,
}

/// What a page says.
struct Said {
    status: StatusCode,
    heading: &'static str,
    lines: Vec<String>,
    /// Whether a name is asked for.
    form: bool,
}

impl Said {
    fn new(status: StatusCode, heading: &'static str, line: impl Into<String>) -> Self {
        Self { status, heading, lines: vec![line.into()], form: false }
    }
}

impl Wanted<'_> {
    /// What comes of it, in words.
    async fn said(self, zone: &TimeZone) -> Said {
        let (links, token, client, now) = (self.links.clone(), self.token, self.client, self.now);
        let (was_sent, name, user) = (self.typed.is_some(), self.typed.as_deref().and_then(Name::of), self.user);
        let is_named = name.is_some();
        let looked = tokio::task::spawn_blocking(move || match name {
            Some(name) => links.acknowledge(&token, &name, user.as_deref(), client, now),
            None => links.look(&token, client, now),
        });
        match looked.await {
            Ok(Ok(Found::Open(about))) if is_named => thanks(&about),
            Ok(Ok(Found::Open(about))) => ask(&about, was_sent, zone),
            Ok(Ok(found)) => other(&found, zone),
            Ok(Err(error)) => failed(&error),
            Err(error) => failed(&error),
        }
    }
}

fn ask(about: &About, was_sent: bool, zone: &TimeZone) -> Said {
    let mut lines = vec![format!("{}, told {}.", title(about), time(about.at, zone))];
    if was_sent {
        lines.push("A name has at least two letters.".to_owned());
    }
    lines.push(
        "With your name you say that you have read it. Then nobody else is woken for it. It closes nothing: what is to be done is still to be done.".to_owned(),
    );
    Said { status: StatusCode::OK, heading: "Have you read this?", lines, form: true }
}

fn thanks(about: &About) -> Said {
    Said::new(StatusCode::OK, "It is on record that you have read it", format!("{}. This link has done its work.", title(about)))
}

fn other(found: &Found, zone: &TimeZone) -> Said {
    match found {
        Found::Open(about) => ask(about, false, zone),
        Found::Used { about, at, by } => {
            // Who it was is between them and the school: whoever has an old link need not know.
            let _ = by;
            Said::new(StatusCode::GONE, "This link was used", format!("{}: somebody said {} that they have read it.", title(about), time(*at, zone)))
        }
        Found::Past(about) => Said::new(
            StatusCode::GONE,
            "This link is out of date",
            format!("{}: it got worse since, or came back, and there is a newer message; or it is closed.", title(about)),
        ),
        Found::Expired => Said::new(StatusCode::GONE, "This link is too old", "See the alerts on the machine that Usher runs on: usher alerts list"),
        Found::Nothing => Said::new(StatusCode::NOT_FOUND, "There is no such link", "Copy all of it from the message."),
        Found::TooMany => Said::new(StatusCode::TOO_MANY_REQUESTS, "Too many links that are none", "Wait a minute."),
    }
}

fn failed(error: &dyn std::fmt::Display) -> Said {
    LinkFailed { error }.emit();
    let line = "Please try again in a minute. Until it is on record, others are told too.";
    Said::new(StatusCode::SERVICE_UNAVAILABLE, "It cannot be put on record now", line)
}

fn title(about: &About) -> String {
    let level = match about.level {
        Level::Danger => "danger",
        Level::Concern => "concern",
        Level::Watch => "",
    };
    if about.reference.is_empty() { "A message of Usher's".to_owned() } else { format!("Alert {}, {level}", about.reference) }
}

fn time(at: i64, zone: &TimeZone) -> String {
    let at = Timestamp::from_millisecond(at).unwrap_or(Timestamp::UNIX_EPOCH);
    at.to_zoned(zone.clone()).strftime("%-d %B, %H:%M").to_string()
}

fn render(said: &Said, school: &School) -> Response<Bytes> {
    let html = Html { heading: said.heading, lines: &said.lines, form: said.form, school: &school.name }.render();
    // The template's only failure would be to run out of memory.
    let mut response = Response::new(Bytes::from(html.unwrap_or_else(|_| said.heading.to_owned())));
    *response.status_mut() = said.status;
    let fixed = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_LANGUAGE, "en-GB"),
        (CACHE_CONTROL, "no-store"),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (CONTENT_SECURITY_POLICY, POLICY),
    ];
    for (field, value) in fixed {
        response.headers_mut().insert(field, HeaderValue::from_static(value));
    }
    if said.status == StatusCode::TOO_MANY_REQUESTS {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("60"));
    }
    response
}

impl Worker {
    /// The page of a link, through the proxy. On record is that it was asked for, and not its token.
    pub(super) async fn acknowledge(&self, asked: &Asked, target: &Target, identity: &Identity, token: &str, body: Incoming) -> Answer {
        let pending = match self.answered(asked, target, identity, "own-page", "Led to the page of an alert's link").await {
            Ok(pending) => pending,
            Err(answer) => return answer,
        };
        let typed = match asked.method {
            Method::POST => Some(timeout(self.limits.stall_time, read_field(body, "name")).await.unwrap_or_default()),
            _ => None,
        };
        let user = match &identity.who {
            Who::User(name) => Some(name.to_string()),
            Who::Unnamed => None,
        };
        let wanted = Wanted { links: &self.links, token: token.to_owned(), typed, user, client: asked.client(), now: asked.now };
        let said = wanted.said(&asked.snapshot.timetable.zone).await;
        finish(asked, refer(render(&said, &self.settings.school), pending.id()), Some(pending))
    }
}

/// The listener for links, behind the school's own web server, which gives it https and a name.
#[derive(Clone)]
pub struct Desk {
    /// The links.
    pub links: Arc<Links>,
    /// What pages say of the school.
    pub school: School,
    /// The time.
    pub clock: super::Clock,
    /// The school's hours.
    pub zone: TimeZone,
}

/// Serves the pages of links, and nothing else, until it is dropped.
pub async fn serve(listener: TcpListener, desk: Desk) {
    let room = Arc::new(Semaphore::new(MOST));
    loop {
        // Who waits for room waits to be accepted.
        let Ok(place) = room.clone().acquire_owned().await else { return };
        match listener.accept().await {
            Ok((tcp, from)) => {
                let desk = desk.clone();
                tokio::spawn(async move {
                    let service = service_fn(|request| {
                        let desk = desk.clone();
                        async move { Ok::<_, Infallible>(desk.answer(request, from.ip().to_canonical()).await) }
                    });
                    let mut builder = http1::Builder::new();
                    builder.timer(TokioTimer::new()).header_read_timeout(TIME).max_buf_size(HEAD).max_headers(64).keep_alive(false);
                    // Who breaks off, or is slow, gets nothing; there is nobody to tell it to.
                    let _ = timeout(TIME, builder.serve_connection(TokioIo::new(tcp), service)).await;
                    drop(place);
                });
            }
            Err(error) => {
                AcceptFailed { error: &error }.emit();
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

impl Desk {
    async fn answer(&self, request: Request<Incoming>, client: IpAddr) -> Response<Full<Bytes>> {
        let (head, body) = request.into_parts();
        let Some(token) = head.uri.path().strip_prefix(PATH) else {
            return render(&Said::new(StatusCode::NOT_FOUND, "There is no such page", "This is Usher, the school's web filter."), &self.school).map(Full::new);
        };
        let typed = match head.method {
            Method::POST => Some(read_field(body, "name").await),
            Method::GET | Method::HEAD => None,
            _ => {
                let mut answer = Response::new(Full::default());
                *answer.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
                answer.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD, POST"));
                return answer;
            }
        };
        let wanted = Wanted { links: &self.links, token: token.to_owned(), typed, user: None, client, now: (self.clock)() };
        render(&wanted.said(&self.zone).await, &self.school).map(Full::new)
    }
}
