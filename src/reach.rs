//! From a host and a port to a connection: its name resolved, one of its addresses reached, and over TLS its certificate checked.
//!
//! Certificates are checked against the authorities of this machine, or those that are given; there is no way to leave that out. The time for all of
//! it is its caller's to limit, of which each address has its share. How a parent proxy is reached is the same; what is said to it is not done here.

use crate::host::Host;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{self, CertificateError, ClientConfig, RootCertStore, crypto::aws_lc_rs};

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
    #[error("{host}: {why}")]
    Tls {
        /// The host.
        host: Host,
        /// What is wrong with it.
        why: TlsError,
    },
    /// This machine trusts nobody.
    #[error(
        "no certificate authority is known on this machine, so no https address can be trusted ({0}); install the package ca-certificates, or set SSL_CERT_FILE"
    )]
    NoRoots(String),
}

/// What is wrong with a server's TLS.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TlsError {
    /// Signed by nobody this machine trusts.
    #[error(
        "its certificate is signed by nobody this machine trusts; if a filter on the way inspects https, add its authority to this machine's (or SSL_CERT_FILE), else do not go there"
    )]
    UnknownIssuer,
    /// Past its end.
    #[error("its certificate has expired; check this machine's clock, else those who run it must renew it")]
    Expired,
    /// Before its beginning.
    #[error("its certificate is not valid yet; check this machine's clock")]
    NotYet,
    /// For another name.
    #[error("its certificate is for another name; check the address, and that nothing on the way answers in its place")]
    WrongName,
    /// Anything else.
    #[error("no safe connection was made: {0}")]
    Other(String),
}

impl Roots {
    fn store(&self) -> Result<Arc<RootCertStore>, ReachError> {
        match self {
            Self::Only(store) => Ok(store.clone()),
            Self::System => {
                let found = rustls_native_certs::load_native_certs();
                let mut store = RootCertStore::empty();
                store.add_parsable_certificates(found.certs);
                if store.is_empty() {
                    let wrong: Vec<_> = found.errors.iter().map(ToString::to_string).collect();
                    return Err(ReachError::NoRoots(if wrong.is_empty() { "none was found".to_owned() } else { wrong.join("; ") }));
                }
                Ok(Arc::new(store))
            }
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
    let fail = |why| ReachError::Tls { host: host.clone(), why };
    let other = |error: String| fail(TlsError::Other(error));
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().map_err(|error| other(error.to_string()))?;
    let mut config = config.with_root_certificates(roots.store()?).with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    let name = ServerName::try_from(host.as_str().to_owned()).map_err(|error| other(error.to_string()))?;
    TlsConnector::from(Arc::new(config)).connect(name, tcp).await.map_err(|error| fail(TlsError::of(&error)))
}

impl TlsError {
    /// What an error of a handshake means.
    fn of(error: &io::Error) -> Self {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        match inner {
            Some(rustls::Error::InvalidCertificate(wrong)) => Self::of_certificate(wrong),
            Some(other) => Self::Other(other.to_string()),
            None => Self::Other(error.to_string()),
        }
    }

    fn of_certificate(wrong: &CertificateError) -> Self {
        match wrong {
            CertificateError::UnknownIssuer => Self::UnknownIssuer,
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => Self::Expired,
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => Self::NotYet,
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => Self::WrongName,
            other => Self::Other(format!("its certificate is wrong: {other}")),
        }
    }
}
