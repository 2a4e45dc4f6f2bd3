//! From a host and a port to a connection: its name resolved, one of its addresses reached, and over TLS its certificate checked.
//!
//! Certificates are checked against the authorities of this machine, or those that are given; there is no way to leave that out. The time for all of
//! it is its caller's to limit, of which each address has its share. How a parent proxy is reached is the same; what is said to it is not done here.

use crate::host::Host;
use crate::tls::refusal::Refusal;
use crate::tls::{origin, roots};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::RootCertStore;

/// The most addresses of a host that are tried.
const ADDRESSES: usize = 4;

/// Whose word is taken for who a server is.
#[derive(Clone, Debug, Default)]
pub enum Roots {
    /// The authorities of this machine, read anew for each connection. `SSL_CERT_FILE` and `SSL_CERT_DIR` name others.
    #[default]
    System,
    /// These and no others.
    Only(Arc<RootCertStore>),
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ReachError {
    /// The name leads nowhere.
    #[error("the name {host} cannot be resolved: {error}; check the address, and this machine's name server")]
    Resolve {
        /// The name.
        host: Host,
        /// What the resolver said.
        error: io::Error,
    },
    /// No connection was made.
    #[error("{host} cannot be reached: {error}; check the address, and whether this machine may go there")]
    Connect {
        /// The host.
        host: Host,
        /// Why.
        error: io::Error,
    },
    /// The server does not prove who it is, or speaks no TLS that is safe.
    #[error("{host}: {why}{}", advice(why))]
    Tls {
        /// The host.
        host: Host,
        /// What is wrong with it.
        why: Refusal,
    },
    /// This machine trusts nobody.
    #[error(
        "no certificate authority is known on this machine, so no https address can be trusted ({0}); install the package ca-certificates, or set SSL_CERT_FILE"
    )]
    NoRoots(String),
}

impl Roots {
    fn store(&self) -> Result<Arc<RootCertStore>, ReachError> {
        match self {
            Self::Only(store) => Ok(store.clone()),
            Self::System => roots::system().map(Arc::new).map_err(ReachError::NoRoots),
        }
    }
}

/// Connects to the first address of a host that answers. Each has its share of the time.
///
/// # Errors
/// If its name leads nowhere, or no address answers.
pub async fn connect(host: &Host, port: u16, limit: Duration) -> Result<TcpStream, ReachError> {
    let found: Vec<_> = match host.address() {
        Some(address) => vec![(address, port).into()],
        None => tokio::net::lookup_host((host.as_str(), port)).await.map_err(|error| ReachError::Resolve { host: host.clone(), error })?.collect(),
    };
    let count = found.len().clamp(1, ADDRESSES);
    let share = limit / u32::try_from(count).unwrap_or(1);
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name leads to no address");
    for address in found.into_iter().take(ADDRESSES) {
        match timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(tcp)) => {
                // Without it small writes wait for acknowledgements; failing to set it only costs time.
                let _ = tcp.set_nodelay(true);
                return Ok(tcp);
            }
            Ok(Err(error)) => last = error,
            Err(_) => last = io::ErrorKind::TimedOut.into(),
        }
    }
    Err(ReachError::Connect { host: host.clone(), error: last })
}

/// Begins TLS on a connection to a host, to speak one of `protocols` (ALPN) over it; with none, none is named.
///
/// # Errors
/// If the host does not prove who it is.
pub async fn secure(tcp: TcpStream, host: &Host, roots: &Roots, protocols: &[&[u8]]) -> Result<TlsStream<TcpStream>, ReachError> {
    let secured = origin::secure_once(roots.store()?, host, protocols, tcp).await;
    secured.map_err(|why| ReachError::Tls { host: host.clone(), why })
}

/// What the person can do who set the address.
fn advice(why: &Refusal) -> &'static str {
    match why {
        Refusal::UnknownIssuer { .. } | Refusal::SelfSigned => {
            "; if a filter on the way inspects https, add its authority to this machine's (or SSL_CERT_FILE), else do not go there"
        }
        Refusal::Incomplete { .. } => "; ask those who run it to send that too, or add it to this machine's authorities (or SSL_CERT_FILE)",
        Refusal::Expired { .. } => "; check this machine's clock, else those who run it must renew it",
        Refusal::NotYetValid { .. } => "; check this machine's clock",
        Refusal::WrongName { .. } => "; check the address, and that nothing on the way answers in its place",
        Refusal::NotTls => "; check the address and its port",
        Refusal::Revoked
        | Refusal::WeakKey
        | Refusal::BadCertificate(_)
        | Refusal::WantsClientCertificate
        | Refusal::NoCommonTls
        | Refusal::Alert(_)
        | Refusal::Other(_) => "; ask those who run it",
        Refusal::BrokeOff(_) => "; try again, and look for a firewall on the way",
    }
}
