//! One client connection, from its first byte to its last.

use super::Worker;
use super::conn::Conn;
use super::listen::{Phase, Seat, reached};
use super::stream::ClientStream;
use crate::telemetry::events;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::fmt::Display;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio::sync::watch;

/// Serves a connection until it ends. When the proxy drains, the request under way is the last.
pub async fn serve(worker: Arc<Worker>, tcp: TcpStream, client: SocketAddr, seat: Seat, mut phase: watch::Receiver<Phase>) {
    let conn = Conn::new(client, seat);
    let mut stream = ClientStream::new(tcp, conn.clone(), worker.limits.clone());
    let first = tokio::select! {
        first = stream.first() => first,
        () = reached(&mut phase, Phase::Draining) => return,
    };
    match first {
        Ok(Some(connect)) => note_end(client, worker.serve_connect(conn, stream, connect, phase).await),
        // Apart, so that a tunnel does not hold the room hyper needs.
        Ok(None) => note_end(client, Box::pin(serve_http(worker, conn, stream, phase)).await),
        // Nothing was asked.
        Err(_) => {}
    }
}

fn note_end<E: Display>(client: SocketAddr, ended: Result<(), E>) {
    if let Err(error) = ended {
        events::ConnectionEnded { client, error: &error }.emit();
    }
}

/// Serves HTTP on a connection until it ends.
pub(super) async fn serve_http(worker: Arc<Worker>, conn: Arc<Conn>, stream: ClientStream, mut phase: watch::Receiver<Phase>) -> hyper::Result<()> {
    let limits = worker.limits.clone();
    // Boxed because hyper moves it about, and it is large.
    let service = service_fn(move |request| {
        let answer = Box::pin(worker.clone().serve(conn.clone(), request));
        async move { Ok::<_, Infallible>(answer.await) }
    });
    let mut builder = http1::Builder::new();
    // The stream keeps the time; hyper's own limits only stand behind it.
    builder.header_read_timeout(None).auto_date_header(false).half_close(false);
    builder.max_headers(limits.head_fields).max_buf_size(limits.head_bytes.max(8192) * 2);
    let mut serving = pin!(builder.serve_connection(TokioIo::new(stream), service).with_upgrades());
    tokio::select! {
        ended = serving.as_mut() => ended,
        () = reached(&mut phase, Phase::Draining) => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    }
}
