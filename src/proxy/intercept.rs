//! A connection whose TLS ends here: the client's hello, a certificate of the school's authority, and HTTP inside.
//!
//! The client is answered first. What is wrong with the site's own certificate is found when the first request is sent on, and is a page then.

use super::conn::Conn;
use super::connection::serve_http;
use super::inside::{Inside, user_of};
use super::listen::Phase;
use super::stream::ClientStream;
use super::wire::{Rewound, Wire};
use super::{Inspector, Worker};
use crate::audit::{Opening, Outcome, Pending};
use crate::host::Host;
use crate::identity::Identity;
use crate::policy::decision::Destination;
use crate::tls::hello::{self, Hello, Name, Read};
use crate::tls::mint::MintError;
use bytes::BytesMut;
use http::StatusCode;
use std::io;
use std::sync::Arc;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// A `CONNECT` that was answered, and whose TLS is to end here.
pub(super) struct Inspected {
    /// What the client asked to be connected to.
    pub(super) to: Destination,
    /// Who asked.
    pub(super) identity: Identity,
    pub(super) pending: Pending,
    /// What is to be put on record if the client does not take the certificate, and so never sees that its site is blocked.
    pub(super) unseen: Option<Arc<Opening>>,
}

/// Why a client's TLS does not end here.
#[derive(Debug, thiserror::Error)]
enum NotInspected {
    /// The client sent nothing, or too slowly.
    #[error("the client did not begin to speak TLS in time")]
    TooSlow,
    /// It went away.
    #[error("the client went away before it had spoken: {0}")]
    Gone(io::Error),
    /// It does not speak TLS.
    #[error("the client does not speak TLS: {0}")]
    NotTls(String),
    /// It asked for another name than it was connected for.
    #[error("the client asked for {0} inside a connection for {1}")]
    OtherName(String, Host),
    /// There is no authority to sign certificates.
    #[error("there is no certificate authority; make one with: usher ca create, then start Usher again")]
    NoAuthority,
    /// No certificate can be made.
    #[error(transparent)]
    Mint(#[from] MintError),
    /// It does not take the certificate, or its TLS is broken.
    #[error("the client did not take the school's certificate: {0}")]
    Refused(io::Error),
}

impl NotInspected {
    fn outcome(&self) -> Outcome {
        match self {
            Self::TooSlow => Outcome::LimitReached,
            Self::Gone(_) | Self::Refused(_) => Outcome::ClientGone,
            Self::NotTls(_) | Self::OtherName(..) | Self::Mint(_) | Self::NoAuthority => Outcome::Abandoned,
        }
    }
}

impl Worker {
    /// Serves what comes in a tunnel whose TLS ends here.
    pub(super) async fn intercept(self: &Arc<Self>, stream: ClientStream, inspected: Inspected, outer: Arc<Conn>, phase: watch::Receiver<Phase>) {
        let Inspected { to, identity, mut pending, unseen } = inspected;
        pending.status(StatusCode::OK);
        pending.expect(Outcome::ClientGone);
        match self.end_tls(stream, &to).await {
            Ok((tls, inspector)) => {
                let inside = Inside { host: to.host, port: to.port, user: user_of(&identity), inspector };
                let conn = Conn::inside(outer, inside);
                let stream = ClientStream::new(Wire::Client(Box::new(tls)), conn.clone(), self.limits.clone());
                // How it ends is told by the records of its requests.
                let _ = Box::pin(serve_http(self.clone(), conn, stream, phase)).await;
                pending.close(Outcome::Complete);
            }
            Err(why) => {
                pending.note(why.to_string());
                pending.close(why.outcome());
                self.record_unseen(unseen, &why.to_string()).await;
            }
        }
    }

    /// Puts on record that a site is blocked, where nobody was shown a page that says so.
    pub(super) async fn record_unseen(&self, unseen: Option<Arc<Opening>>, why: &str) {
        if let Some(opening) = unseen
            && let Ok(mut pending) = self.recorder.open(opening).await
        {
            pending.note(why);
            pending.close(Outcome::Complete);
        }
    }

    async fn end_tls(&self, stream: ClientStream, to: &Destination) -> Result<(TlsStream<Rewound>, Arc<Inspector>), NotInspected> {
        let (Wire::Tcp(mut tcp), mut early) = stream.into_tunnel() else { return Err(NotInspected::NotTls("a connection inside another".to_owned())) };
        let Some(inspector) = &self.inspector else { return Err(NotInspected::NoAuthority) };
        let read = timeout(self.limits.head_time, read_hello(&mut tcp, &mut early)).await.map_err(|_| NotInspected::TooSlow)?;
        match read?.name {
            Name::Host(name) if name != to.host => return Err(NotInspected::OtherName(name.to_string(), to.host.clone())),
            Name::Unusable(why) => return Err(NotInspected::OtherName(format!("{why:?}"), to.host.clone())),
            Name::Host(_) | Name::Absent => {}
        }
        let config = inspector.leaves.of(&to.host, (self.clock)())?;
        let accepting = TlsAcceptor::from(config).accept(Rewound::new(tcp, early));
        let tls = timeout(self.limits.head_time, accepting).await.map_err(|_| NotInspected::TooSlow)?.map_err(NotInspected::Refused)?;
        Ok((tls, inspector.clone()))
    }
}

/// Reads the client's hello; it stays in `bytes`, to be read again.
async fn read_hello(tcp: &mut TcpStream, bytes: &mut BytesMut) -> Result<Hello, NotInspected> {
    loop {
        match hello::read(bytes) {
            Read::Hello(hello) => return Ok(hello),
            Read::NotTls(first) => return Err(NotInspected::NotTls(first.to_string())),
            Read::Malformed(why) => return Err(NotInspected::NotTls(why.to_string())),
            Read::More => match tcp.read_buf(bytes).await {
                Ok(0) => return Err(NotInspected::Gone(io::ErrorKind::UnexpectedEof.into())),
                Ok(_) => {}
                Err(error) => return Err(NotInspected::Gone(error)),
            },
        }
    }
}
