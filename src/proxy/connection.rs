//! One client connection, from its first byte to its last.

use super::Proxy;
use super::listen::Seat;
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

/// Serves a connection until it ends. When `stopping` turns true the request under way is the last.
pub async fn serve(proxy: Arc<Proxy>, tcp: TcpStream, client: SocketAddr, seat: Seat, mut stopping: watch::Receiver<bool>) {
    // Without it small writes wait for acknowledgements; failing to set it only costs time.
    let _ = tcp.set_nodelay(true);
    let conn = Conn::new(client, seat);
    let stream = ClientStream::new(tcp, conn.clone(), proxy.limits.clone());
    let limits = proxy.limits.clone();
    let service = service_fn(move |request| {
        let answer = proxy.clone().serve(conn.clone(), request);
        async move { Ok::<_, Infallible>(answer.await) }
    });
    let mut builder = http1::Builder::new();
    // The stream keeps the time; hyper's own limits only stand behind it.
    builder.header_read_timeout(None).auto_date_header(false).title_case_headers(true).half_close(false);
    builder.max_headers(limits.head_fields).max_buf_size(limits.head_bytes.max(8192) * 2);
    let mut serving = pin!(builder.serve_connection(TokioIo::new(stream), service).with_upgrades());
    let stopped = async move {
        // The other end is gone only when the whole proxy is.
        let _ = stopping.wait_for(|stopping| *stopping).await;
    };
    let ended = tokio::select! {
        ended = serving.as_mut() => ended,
        () = stopped => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = ended {
        events::ConnectionEnded { client, error: &error }.emit();
    }
}
