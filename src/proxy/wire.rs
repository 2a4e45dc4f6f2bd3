//! What the bytes of a connection run over.
//!
//! One type for both sides, so that hyper, when it gives a connection back, gives back this one.

use bytes::{Buf, BytesMut};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::{client, server};

/// A connection of a client or to an origin.
#[derive(Debug)]
pub enum Wire {
    /// Bare.
    Tcp(TcpStream),
    /// TLS with a client, which ends here.
    Client(Box<server::TlsStream<Rewound>>),
    /// TLS with an origin.
    Origin(Box<client::TlsStream<TcpStream>>),
    /// One stream of a client's HTTP/2 connection, which has left HTTP.
    Stream(Box<TokioIo<Upgraded>>),
}

impl Wire {
    /// The connection beneath, if it is this one's alone.
    #[must_use]
    pub fn tcp(&self) -> Option<&TcpStream> {
        match self {
            Self::Tcp(tcp) => Some(tcp),
            Self::Client(tls) => Some(&tls.get_ref().0.tcp),
            Self::Origin(tls) => Some(tls.get_ref().0),
            Self::Stream(_) => None,
        }
    }
}

impl From<TcpStream> for Wire {
    fn from(tcp: TcpStream) -> Self {
        Self::Tcp(tcp)
    }
}

/// What is done with a connection, whatever it is.
macro_rules! with {
    ($wire:expr, $stream:ident => $done:expr) => {
        match $wire.get_mut() {
            Wire::Tcp(tcp) => {
                let $stream = Pin::new(tcp);
                $done
            }
            Wire::Client(tls) => {
                let $stream = Pin::new(&mut **tls);
                $done
            }
            Wire::Origin(tls) => {
                let $stream = Pin::new(&mut **tls);
                $done
            }
            Wire::Stream(upgraded) => {
                let $stream = Pin::new(&mut **upgraded);
                $done
            }
        }
    };
}

impl AsyncRead for Wire {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        with!(self, stream => stream.poll_read(cx, out))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        with!(self, stream => stream.poll_write(cx, bytes))
    }

    fn poll_write_vectored(self: Pin<&mut Self>, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        with!(self, stream => stream.poll_write_vectored(cx, slices))
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Tcp(tcp) => tcp.is_write_vectored(),
            Self::Client(tls) => tls.is_write_vectored(),
            Self::Origin(tls) => tls.is_write_vectored(),
            Self::Stream(upgraded) => upgraded.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        with!(self, stream => stream.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        with!(self, stream => stream.poll_shutdown(cx))
    }
}

/// A connection from whose beginning some bytes were read already: they are read again first.
#[derive(Debug)]
pub struct Rewound {
    tcp: TcpStream,
    read: BytesMut,
}

impl Rewound {
    /// The connection, with the bytes that were read from it.
    #[must_use]
    pub fn new(tcp: TcpStream, read: BytesMut) -> Self {
        Self { tcp, read }
    }
}

impl AsyncRead for Rewound {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.read.is_empty() {
            return Pin::new(&mut this.tcp).poll_read(cx, out);
        }
        let count = this.read.len().min(out.remaining());
        out.put_slice(&this.read[..count]);
        this.read.advance(count);
        if this.read.is_empty() {
            this.read = BytesMut::new();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Rewound {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().tcp).poll_write(cx, bytes)
    }

    fn poll_write_vectored(self: Pin<&mut Self>, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().tcp).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().tcp).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().tcp).poll_shutdown(cx)
    }
}
