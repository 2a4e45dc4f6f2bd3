//! Carrying out what needs no origin's answer: tunnels, and Usher's own pages.

use super::Worker;
use super::body::AnswerBody;
use super::dial::Dialled;
use super::error::{ProxyError, sentence};
use super::limits::OWN_FORM;
use super::pages::Page;
use super::request::{Answer, Asked, finish, raw};
use super::stream::{ClientStream, Conn};
use super::target::Target;
use super::tunnel::{self, End, Ended};
use crate::audit::{Outcome, Pending};
use crate::identity::Identity;
use crate::policy::TunnelPermit;
use bytes::BytesMut;
use http::header::{CACHE_CONTROL, HeaderValue, LOCATION};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::net::TcpStream;

impl Worker {
    /// Connects to where the permit leads, and only then says yes.
    pub(super) async fn open_tunnel(self: &Arc<Self>, asked: &Asked, permit: TunnelPermit, request: Request<Incoming>, mut pending: Pending) -> Answer {
        let Dialled { tcp, address } = match self.dialer.dial(&permit.into_destination()).await {
            Ok(dialled) => dialled,
            Err(error) => return self.failed_tunnel(asked, &error.into(), pending),
        };
        pending.upstream(address);
        pending.status(StatusCode::OK);
        let origin = End { tcp, early: BytesMut::new() };
        self.spawn_tunnel(asked.conn.clone(), hyper::upgrade::on(request), async move { Ok(origin) }, pending);
        Response::new(AnswerBody::switching())
    }

    fn failed_tunnel(&self, asked: &Asked, error: &ProxyError, pending: Pending) -> Answer {
        let mut answer = self.failed(asked, error, pending);
        answer.headers_mut().insert(http::header::CONNECTION, HeaderValue::from_static("close"));
        answer
    }

    /// Moves bytes between a client, once it has left HTTP, and an origin, until both are done.
    ///
    /// The tunnel keeps `conn`, and with it the connection's place among the connected.
    pub(super) fn spawn_tunnel(
        &self,
        conn: Arc<Conn>,
        client: OnUpgrade,
        origin: impl Future<Output = io::Result<End>> + Send + 'static,
        mut pending: Pending,
    ) {
        let idle = self.limits.tunnel_idle_time;
        tokio::spawn(async move {
            let (client, origin) = match tokio::try_join!(client_end(client), origin) {
                Ok(ends) => ends,
                Err(error) => {
                    pending.note(error.to_string());
                    return pending.close(Outcome::Abandoned);
                }
            };
            // Should the task be dropped half way, the record closes with what was moved until then.
            let up = pending.received();
            let mut down = 0;
            let ended = tunnel::run(client, origin, idle, |moved| {
                up.store(moved.up, Ordering::Relaxed);
                pending.sent(moved.down - down);
                down = moved.down;
            })
            .await;
            close(ended, pending);
            drop(conn);
        });
    }

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
                Ok(pending) => finish(asked, redirect(&url), Some(pending)),
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
            return finish(asked, response, Some(pending));
        }
        let mut response = Response::new(reflected(asked, target).into());
        response.headers_mut().insert(http::header::CONTENT_TYPE, HeaderValue::from_static("message/http"));
        finish(asked, response, Some(pending))
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

async fn client_end(client: OnUpgrade) -> io::Result<End> {
    let upgraded = client.await.map_err(io::Error::other)?;
    let parts = upgraded.downcast::<TokioIo<ClientStream>>().map_err(|_| io::Error::other("not a client's connection"))?;
    let (tcp, rest) = parts.io.into_inner().into_tunnel();
    let mut early = BytesMut::from(parts.read_buf);
    early.unsplit(rest);
    Ok(End { tcp, early })
}

/// The origin's end of a connection that has left HTTP.
pub(super) fn origin_end(upgraded: Upgraded) -> io::Result<End> {
    let parts = upgraded.downcast::<TokioIo<TcpStream>>().map_err(|_| io::Error::other("not an origin's connection"))?;
    Ok(End { tcp: parts.io.into_inner(), early: BytesMut::from(parts.read_buf) })
}

fn close(ended: Ended, mut pending: Pending) {
    let outcome = match ended {
        Ended::Done => Outcome::Complete,
        Ended::Idle => {
            pending.note("nothing moved for too long");
            Outcome::LimitReached
        }
        Ended::Client(error) => {
            pending.note(error.to_string());
            Outcome::ClientGone
        }
        Ended::Origin(error) => {
            pending.note(error.to_string());
            Outcome::OriginFailed
        }
    };
    pending.close(outcome);
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
