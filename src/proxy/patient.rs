//! A connection whose far side must take what it is sent: one that takes nothing for too long is given up.
//!
//! hyper flushes also when it shuts a connection down, and waits there for as long as the far side likes; the task and its descriptor would stay.

use super::timer::Timer;
use super::wire::Wire;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

/// Such a connection.
#[derive(Debug)]
pub struct Patient {
    wire: Wire,
    limit: Duration,
    /// When it was first found to take nothing, if it takes nothing.
    since: Option<Instant>,
    timer: Timer,
}

impl Patient {
    /// Gives a connection so long to take something.
    #[must_use]
    pub fn new(wire: Wire, limit: Duration) -> Self {
        Self { wire, limit, since: None, timer: Timer::default() }
    }

    /// The connection itself.
    #[must_use]
    pub fn into_inner(self) -> Wire {
        self.wire
    }

    fn watch<T>(&mut self, polled: Poll<io::Result<T>>, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.since = None;
            return polled;
        }
        let since = *self.since.get_or_insert_with(Instant::now);
        ready!(self.timer.poll(since + self.limit, cx));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the far side took nothing for too long")))
    }
}

impl AsyncRead for Patient {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().wire).poll_read(cx, out)
    }
}

impl AsyncWrite for Patient {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.wire).poll_write(cx, bytes);
        this.watch(polled, cx)
    }

    fn poll_write_vectored(self: Pin<&mut Self>, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.wire).poll_write_vectored(cx, slices);
        this.watch(polled, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.wire.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.wire).poll_flush(cx);
        this.watch(polled, cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.wire).poll_shutdown(cx);
        this.watch(polled, cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    async fn pair() -> (Patient, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
        let far = TcpStream::connect(listener.local_addr().expect("an address")).await.expect("connected");
        (Patient::new(listener.accept().await.expect("accepted").0.into(), Duration::from_millis(300)), far)
    }

    #[tokio::test]
    async fn a_far_side_that_takes_nothing_is_given_up() {
        let (mut near, _far) = pair().await;
        let error = near.write_all(&vec![0; 64 << 20]).await.expect_err("nobody reads it");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn one_that_takes_its_time_is_not() {
        let (mut near, mut far) = pair().await;
        let reading = async {
            let (mut buffer, mut count) = (vec![0; 1 << 20], 0);
            while count < 64 << 20 {
                count += far.read(&mut buffer).await.expect("read");
            }
        };
        let (written, ()) = tokio::join!(async { near.write_all(&vec![0; 64 << 20]).await }, reading);
        written.expect("all of it taken");
    }
}
