//! `CONNECT`, from its head to the end of its tunnel.
//!
//! A connection for https begins with `CONNECT` and is a tunnel from then on. It is served here, without hyper, which would build a whole
//! server's state for one head without a body. `CONNECT` later on a connection, which is sound and rare, comes through hyper and leaves it.

use super::Worker;
use super::body::AnswerBody;
use super::conn::Conn;
use super::dial::{DialError, Dialled};
use super::error::ProxyError;
use super::explain::Purpose;
use super::gate::Entrant;
use super::headers::head_bytes;
use super::intercept::Inspected;
use super::listen::Phase;
use super::meaning::Entry;
use super::pace::Leash;
use super::pages::Page;
use super::patient::Patient;
use super::request::{Answer, Asked, Judged, own_answer};
use super::stream::ClientStream;
use super::target::Target;
use super::tunnel::{self, End, Ended};
use super::wire::Wire;
use crate::audit::{Outcome, Pending};
use crate::identity::Identity;
use crate::policy::TunnelPermit;
use bytes::BytesMut;
use http::header::{CONTENT_LENGTH, HeaderValue};
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::sync::watch;

/// A tunnel's far end is reached: what the client is told (RFC 9110 section 9.3.6).
const OPEN: &[u8] = b"HTTP/1.1 200 OK\r\n\r\n";

/// A `CONNECT` that was let through.
enum Opened {
    /// The far end of a sealed tunnel is reached.
    Sealed(Box<(End, Pending)>),
    /// Its TLS is to end here.
    Inspected(Box<Inspected>),
}

impl Worker {
    /// Serves a connection that begins with `CONNECT`, until it ends.
    ///
    /// # Errors
    /// If the client goes away before its tunnel is open.
    pub(super) async fn serve_connect(
        self: &Arc<Self>,
        conn: Arc<Conn>,
        mut stream: ClientStream,
        request: Request<()>,
        phase: watch::Receiver<Phase>,
    ) -> io::Result<()> {
        let (mut head, ()) = request.into_parts();
        let asked = self.asked(conn, &mut head);
        let open = async {
            let (target, identity) = self.admit(&asked, &head.uri).await?;
            let opened = self.open_tunnel(&asked, &target, &identity).await?;
            Ok((opened, target, identity))
        };
        // Apart, so that a tunnel which is open for hours does not hold the room that opening it needs.
        let opened = Box::pin(async {
            tokio::select! {
                opened = open => Some(opened),
                () = stream.gone() => None,
            }
        });
        let Some(opened) = opened.await else { return Ok(()) };
        match opened {
            Ok((Opened::Inspected(inspected), target, identity)) => {
                stream.write_all(OPEN).await?;
                Box::pin(self.intercept(stream, *inspected, Entrant { asked, target, identity }, phase)).await;
                Ok(())
            }
            Ok((Opened::Sealed(reached), target, identity)) => {
                let (origin, pending) = *reached;
                stream.write_all(OPEN).await?;
                let (wire, early) = stream.into_tunnel();
                Box::pin(self.pass(End { wire, early }, origin, pending, Entrant { asked, target, identity }, Some(phase))).await;
                Ok(())
            }
            Err(answer) => send(&mut stream, answer).await,
        }
    }

    /// Answers a `CONNECT` that came through hyper.
    pub(super) async fn switch_to_tunnel(self: &Arc<Self>, asked: Asked, target: Target, identity: Identity, request: Request<Incoming>) -> Answer {
        match self.open_tunnel(&asked, &target, &identity).await {
            // Such a connection would be served within one that is served still; a client that wants it opens its tunnel first, as browsers do.
            Ok(Opened::Inspected(inspected)) if inspected.purpose != Purpose::Serve => {
                let why = inspected.unseen.as_ref().map(|opening| opening.why.clone().into_owned()).unwrap_or_default();
                let page = Page::new(StatusCode::FORBIDDEN, "blocked", "This page is blocked").line(why);
                self.record_unseen(inspected.unseen, "no page can be shown in a tunnel that comes later on a connection").await;
                own_answer(&asked, &page, Some(inspected.pending), &self.settings.school)
            }
            Ok(Opened::Inspected(inspected)) => {
                let why = "A tunnel to a site whose pages are looked into is the first request of its connection.";
                let page = Page::new(StatusCode::BAD_REQUEST, "refused", "The request cannot be served").line(why);
                self.record_unseen(inspected.unseen, why).await;
                own_answer(&asked, &page, Some(inspected.pending), &self.settings.school)
            }
            Ok(Opened::Sealed(reached)) => {
                let (origin, mut pending) = *reached;
                let (worker, client) = (self.clone(), hyper::upgrade::on(request));
                tokio::spawn(async move {
                    match client_end(client).await {
                        Ok(client) => worker.pass(client, origin, pending, Entrant { asked, target, identity }, None).await,
                        Err(error) => {
                            pending.note(error.to_string());
                            pending.close(Outcome::Abandoned);
                        }
                    }
                });
                Response::new(AnswerBody::switching())
            }
            Err(answer) => answer,
        }
    }

    /// Judges a tunnel, and where it may be, puts it on record and connects to where its permit leads.
    async fn open_tunnel(&self, asked: &Asked, target: &Target, identity: &Identity) -> Result<Opened, Answer> {
        match self.judge_tunnel(asked, target, identity).await? {
            Judged::Sealed(permit, entry) => Ok(Opened::Sealed(self.reach_sealed(asked, permit, entry).await?.into())),
            Judged::Inspected { to, entry, unseen, purpose, may_seal } => {
                let pending = self.open_record(asked, entry).await?;
                Ok(Opened::Inspected(Box::new(Inspected { to, pending, unseen, purpose, may_seal })))
            }
        }
    }

    /// Puts a sealed tunnel on record and connects to where its permit leads.
    pub(super) async fn reach_sealed(&self, asked: &Asked, permit: TunnelPermit, entry: Entry) -> Result<(End, Pending), Answer> {
        let way = self.way(permit.into_destination());
        let reach = async {
            let way = way.map_err(DialError::from)?;
            Ok::<_, ProxyError>((self.reach(&way).await?, way))
        };
        // Both at once: nothing is said to either side before both are done, and the wait for the disk is behind the wait for the site.
        let record = async {
            let mut pending = self.open_record(asked, entry).await?;
            // Only the client's leaving ends this half way.
            pending.expect(Outcome::ClientGone);
            Ok(pending)
        };
        let (mut pending, dialled) = self.beside(record, reach).await?;
        let opened = async {
            let (Dialled { tcp, address }, way) = dialled?;
            pending.upstream(address);
            self.far_end(&way, tcp, asked.version).await
        };
        match opened.await {
            Ok(origin) => {
                pending.status(StatusCode::OK);
                Ok((origin.into(), pending))
            }
            Err(error) => Err(self.failed(asked, &error, pending)),
        }
    }

    /// Moves bytes between a client, once it has left HTTP, and an origin, until both are done.
    ///
    /// The tunnel keeps `conn`, and with it the connection's place among the connected.
    pub(super) fn spawn_tunnel(
        &self,
        conn: Arc<Conn>,
        client: OnUpgrade,
        origin: impl Future<Output = io::Result<End>> + Send + 'static,
        (mut pending, leash): (Pending, Leash),
    ) {
        let idle = self.limits.tunnel_idle_time;
        tokio::spawn(async move {
            match tokio::try_join!(client_end(client), origin) {
                Ok((client, origin)) => carry(client, origin, (pending, leash), idle, None).await,
                Err(error) => {
                    pending.note(error.to_string());
                    pending.close(Outcome::Abandoned);
                }
            }
            drop(conn);
        });
    }
}

/// Moves bytes until both ends are done, and closes the record. Should it be dropped half way, the record closes with what was moved until then. `said` is
/// what is on record of it beside how it ended.
pub(super) async fn carry(client: End, origin: End, (mut pending, leash): (Pending, Leash), idle: Duration, said: Option<String>) {
    pending.expect(Outcome::Abandoned);
    if let Some(said) = &said {
        pending.note(said.as_str());
    }
    let noted = |note: String| said.as_ref().map_or_else(|| note.clone(), |said| format!("{said}; {note}"));
    let up = pending.received();
    // It may have carried something before.
    let before = up.load(Ordering::Relaxed);
    let mut down = 0;
    let ended = tunnel::run(client, origin, (idle, Some(leash)), |moved| {
        up.store(before + moved.up, Ordering::Relaxed);
        pending.sent(moved.down - down);
        down = moved.down;
    })
    .await;
    let outcome = match ended {
        Ended::Done => Outcome::Complete,
        Ended::Idle => {
            pending.note(noted("nothing moved for too long".to_owned()));
            Outcome::LimitReached
        }
        Ended::Cut(cut) => {
            pending.note(noted(cut.to_string()));
            Outcome::Abandoned
        }
        Ended::Client(error) => {
            pending.note(noted(error.to_string()));
            Outcome::ClientGone
        }
        Ended::Origin(error) => {
            pending.note(noted(error.to_string()));
            Outcome::OriginFailed
        }
    };
    pending.close(outcome);
}

/// Sends a whole answer and ends the connection: what follows a refused `CONNECT` may be meant for the tunnel.
async fn send(stream: &mut ClientStream, answer: Answer) -> io::Result<()> {
    let (mut head, body) = answer.into_parts();
    let body = body.collect().await?.to_bytes();
    head.headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    let mut bytes = head_bytes(head.status, &head.headers);
    bytes.extend(&body);
    stream.write_all(&bytes).await?;
    stream.shutdown().await
}

/// The client's end of a connection that has left HTTP.
pub(super) async fn client_end(client: OnUpgrade) -> io::Result<End> {
    let parts = match client.await.map_err(io::Error::other)?.downcast::<TokioIo<ClientStream>>() {
        Ok(parts) => parts,
        // One stream of an HTTP/2 connection.
        Err(stream) => return Ok(End { wire: Wire::Stream(Box::new(TokioIo::new(stream))), early: BytesMut::new() }),
    };
    let (wire, rest) = parts.io.into_inner().into_tunnel();
    let mut early = BytesMut::from(parts.read_buf);
    early.unsplit(rest);
    Ok(End { wire, early })
}

/// The origin's end of a connection that has left HTTP.
pub(super) fn origin_end(upgraded: Upgraded) -> io::Result<End> {
    let parts = upgraded.downcast::<TokioIo<Patient>>().map_err(|_| io::Error::other("not an origin's connection"))?;
    Ok(End { wire: parts.io.into_inner().into_inner(), early: BytesMut::from(parts.read_buf) })
}
