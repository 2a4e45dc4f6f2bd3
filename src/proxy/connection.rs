//! One client connection, from its first byte to its last.

use super::Worker;
use super::listen::{Phase, Seat, reached};
use super::stream::{ClientStream, Conn};
use crate::telemetry::events;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio::sync::watch;

/// Serves a connection until it ends. When the proxy drains, the request under way is the last.
pub async fn serve(worker: Arc<Worker>, tcp: TcpStream, client: SocketAddr, seat: Seat, mut phase: watch::Receiver<Phase>) {
    // Without it small writes wait for acknowledgements; failing to set it only costs time.
    let _ = tcp.set_nodelay(true);
    let conn = Conn::new(client, seat);
    let stream = ClientStream::new(tcp, conn.clone(), worker.limits.clone());
    let limits = worker.limits.clone();
    let service = service_fn(move |request| {
        let answer = worker.clone().serve(conn.clone(), request);
        async move { Ok::<_, Infallible>(answer.await) }
    });
    let mut builder = http1::Builder::new();
    // The stream keeps the time; hyper's own limits only stand behind it.
    builder.header_read_timeout(None).auto_date_header(false).half_close(false);
    builder.max_headers(limits.head_fields).max_buf_size(limits.head_bytes.max(8192) * 2);
    let mut serving = pin!(builder.serve_connection(TokioIo::new(stream), service).with_upgrades());
    let ended = tokio::select! {
        ended = serving.as_mut() => ended,
        () = reached(&mut phase, Phase::Draining) => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = ended {
        events::ConnectionEnded { client, error: &error }.emit();
    }
}
