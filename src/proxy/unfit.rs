//! Why a tunnel is turned away, and how it is told so: in its own protocol, where it has one.

use crate::audit::Outcome;
use crate::bypass::first::First;
use crate::bypass::{Code, Finding};
use crate::host::Host;
use crate::tls::hello::{Hello, Malformed};
use crate::tls::mint::MintError;
use bytes::BytesMut;
use std::io;
use tokio_rustls::rustls::{self, AlertDescription};

/// A fatal alert of TLS (RFC 8446 section 6), but for its number.
const ALERT: [u8; 6] = [0x15, 3, 3, 0, 2, 2];
/// What is said to who speaks HTTP where TLS is expected.
const NOT_HERE: &[u8] = b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: 51\r\n\r\nIn this tunnel only https is let through, not HTTP\n";

/// Why a tunnel is turned away.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unfit {
    /// The client said nothing whole in time.
    #[error("the client did not begin to speak TLS in time")]
    TooSlow,
    /// Neither the client nor the site said anything for as long as a tunnel may be idle.
    #[error("nothing moved for too long")]
    Idle,
    /// Usher stops.
    #[error("Usher was stopped before the client had spoken")]
    Stopping,
    /// The client went away.
    #[error("the client went away before it had spoken{0}")]
    Gone(Because),
    /// It does not speak TLS.
    #[error("the client does not speak TLS, but {0}")]
    NotTls(First),
    /// It speaks no protocol that is known, and what it sends looks like noise.
    #[error("the client does not speak TLS, and what it sends looks like noise from its first byte, as Shadowsocks and obfs4 make it look")]
    Noise,
    /// It is a way round the filter that this group may not take.
    #[error("{}", .0.why())]
    Way(Finding),
    /// The site spoke first, as none does in TLS.
    #[error("the site spoke first, as none does in TLS")]
    SiteFirst,
    /// The site ended its half before the client had spoken.
    #[error("the site ended the connection before the client had spoken")]
    SiteGone,
    /// What it speaks was meant to be TLS.
    #[error("the client's TLS cannot be read: {0}")]
    Malformed(Malformed),
    /// It asks for another name than its tunnel.
    #[error("the tunnel was asked for {tunnel}, and the TLS in it is for {named}{}", if *.ech { " and may hide the name of another (ECH)" } else { "" })]
    OtherName {
        /// What the tunnel is for.
        tunnel: Host,
        /// What its TLS is for.
        named: String,
        /// Whether another hello may be hidden in it.
        ech: bool,
    },
    /// It asks for no name, in a tunnel to one.
    #[error("the tunnel was asked for {0}, and the TLS in it names no site")]
    NoName(Host),
    /// No page can be shown to it.
    #[error("this program has not shown that it trusts the school's certificate, so no page can be shown")]
    NoTrust,
    /// There is no authority to sign certificates.
    #[error("there is no certificate authority; make one with: usher ca create, then start Usher again")]
    NoAuthority,
    /// No certificate can be made.
    #[error(transparent)]
    Mint(#[from] MintError),
    /// The handshake failed.
    #[error("{0}")]
    Handshake(Failed),
}

/// Why a client went away, if that is known.
#[derive(Debug)]
pub(super) struct Because(pub(super) Option<io::Error>);

impl std::fmt::Display for Because {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.as_ref().map_or(Ok(()), |error| write!(f, ": {error}"))
    }
}

/// Why a handshake with a client failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failed {
    /// It says that it does not believe the certificate.
    #[error("the client does not take the school's certificate (TLS alert {0})")]
    Disbelieves(u8),
    /// It went away.
    #[error("the client went away from the school's certificate: {0}")]
    Left(io::Error),
    /// Its clock is wrong, or ours.
    #[error("the client takes the school's certificate for expired (TLS alert 45): its clock or this machine's is wrong")]
    Clock,
    /// It says something else.
    #[error("the client ended the handshake (TLS alert {0})")]
    Alert(u8),
    /// It speaks none of what is served inside.
    #[error("the client offers {0} only, and nothing of that is served here")]
    Speaks(String),
    /// It offers no version or cipher that is safe.
    #[error("the client offers no TLS that is safe: {0}")]
    NoCommonTls(String),
    /// Its TLS is broken.
    #[error("the client's TLS is broken: {0}")]
    Broken(io::Error),
}

impl Failed {
    /// What the error of a handshake means.
    pub(super) fn of(error: io::Error, hello: &Hello) -> Self {
        use AlertDescription as A;
        match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            Some(rustls::Error::AlertReceived(alert)) => match *alert {
                A::BadCertificate | A::CertificateUnknown | A::UnknownCA => Self::Disbelieves(u8::from(*alert)),
                A::CertificateExpired => Self::Clock,
                other => Self::Alert(u8::from(other)),
            },
            Some(rustls::Error::NoApplicationProtocol) => {
                let names: Vec<_> = hello.alpn.iter().map(|name| String::from_utf8_lossy(name).escape_debug().to_string()).collect();
                Self::Speaks(names.join(", "))
            }
            Some(rustls::Error::PeerIncompatible(why)) => Self::NoCommonTls(format!("{why:?}")),
            Some(_) => Self::Broken(error),
            None => Self::Left(error),
        }
    }

    /// How it turned away from our certificate, if that is what it did.
    pub(super) fn sign(&self) -> Option<Sign> {
        match self {
            Self::Disbelieves(alert) => Some(Sign::Alert(*alert)),
            Self::Left(_) => Some(Sign::Left("it went away in the handshake")),
            Self::Clock | Self::Alert(_) | Self::Speaks(_) | Self::NoCommonTls(_) | Self::Broken(_) => None,
        }
    }
}

/// How a client turned away from our certificate.
#[derive(Clone, Copy, Debug)]
pub(super) enum Sign {
    /// It said that it does not believe it.
    Alert(u8),
    /// It went away, and may have had another reason.
    Left(&'static str),
}

impl Unfit {
    /// How the record of the tunnel ends.
    pub(super) fn outcome(&self) -> Outcome {
        match self {
            Self::TooSlow | Self::Idle => Outcome::LimitReached,
            Self::SiteGone => Outcome::OriginFailed,
            Self::Gone(_) | Self::Handshake(_) => Outcome::ClientGone,
            Self::Stopping
            | Self::NotTls(_)
            | Self::Noise
            | Self::Way(_)
            | Self::SiteFirst
            | Self::Malformed(_)
            | Self::OtherName { .. }
            | Self::NoName(_)
            | Self::NoTrust
            | Self::Mint(_)
            | Self::NoAuthority => Outcome::Abandoned,
        }
    }

    /// One word for the kind, as in the log, where it is a way round the filter or may be one.
    pub(super) fn kind(&self) -> Option<&'static str> {
        match self {
            Self::NotTls(_) | Self::Noise | Self::SiteFirst | Self::Malformed(_) => Some("not-tls"),
            Self::Way(finding) => Some(finding.code.as_str()),
            Self::OtherName { .. } => Some("fronting"),
            Self::NoName(_) => Some("no-name"),
            Self::TooSlow
            | Self::Idle
            | Self::SiteGone
            | Self::Stopping
            | Self::Gone(_)
            | Self::NoTrust
            | Self::NoAuthority
            | Self::Mint(_)
            | Self::Handshake(_) => None,
        }
    }

    /// What is said to the client in its own protocol.
    pub(super) fn farewell(&self) -> BytesMut {
        let alert = |alert: AlertDescription| BytesMut::from_iter(ALERT.into_iter().chain([u8::from(alert)]));
        match self {
            Self::NotTls(First::Http) => NOT_HERE.into(),
            Self::Way(finding) if finding.code == Code::Random => BytesMut::new(),
            Self::NotTls(_) | Self::Noise | Self::SiteFirst | Self::SiteGone | Self::Idle | Self::Gone(_) | Self::Handshake(_) => BytesMut::new(),
            // Browsers take access_denied for a word about a certificate of their own.
            Self::OtherName { .. } | Self::NoName(_) | Self::NoTrust | Self::Way(_) => alert(AlertDescription::UnrecognisedName),
            Self::Malformed(_) => alert(AlertDescription::DecodeError),
            Self::TooSlow | Self::Stopping => alert(AlertDescription::UserCanceled),
            Self::NoAuthority | Self::Mint(_) => alert(AlertDescription::InternalError),
        }
    }
}
