//! What goes wrong while a batch is sent, and the one rule of when it was taken.

use crate::reach::ReachError;
use http::StatusCode;
use std::io;
use std::time::Duration;

/// Connecting, TLS included.
pub(super) const CONNECT: Duration = Duration::from_secs(15);
/// From the first byte of a batch to word that it was taken.
pub(super) const TAKE: Duration = Duration::from_secs(30);

/// Why a batch was not taken. It is sent again.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// No connection was made.
    #[error(transparent)]
    Reach(#[from] ReachError),
    /// Connecting took too long.
    #[error("no connection within {} s; check the address, and whether this machine may go there", CONNECT.as_secs())]
    ConnectTime,
    /// It broke off.
    #[error("the connection broke off: {0}; it is tried again")]
    Broke(io::Error),
    /// The receiver ended the connection before it had everything.
    #[error("the receiver closed the connection before it had everything; look at its own log")]
    ClosedEarly,
    /// Nothing said that it was taken.
    #[error("the receiver did not take it within {} s; look whether it is overloaded", TAKE.as_secs())]
    Stalled,
    /// It is no HTTP.
    #[error("the receiver's answer cannot be read: {0}; check the address")]
    Answer(#[from] hyper::Error),
    /// The webhook says no.
    #[error("the receiver answered {}; {}", .0.as_u16(), say(*.0))]
    Refused(StatusCode),
}

fn say(status: StatusCode) -> &'static str {
    match status.as_u16() {
        401 | 403 => "check that it knows this output's secret",
        404 | 410 => "check the address",
        413 => "let it take at least 16 MiB at once",
        429 => "it is asked again later",
        300..=399 => "outputs follow no redirects: write the address it leads to",
        500..=599 => "it is out of order, and is asked again",
        _ => "look at its own log",
    }
}
