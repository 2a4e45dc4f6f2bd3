//! Why an origin is not believed, or no TLS was come to with it: one enum, and what each person who meets it is told. Pure.
//!
//! [`fmt::Display`] states the fact, for a log line or as the beginning of a message; [`Refusal::heading`] and [`Refusal::for_pupil`] are the page;
//! [`Refusal::for_technician`] says what can be done, by whom. Everything that comes from a certificate is cleaned and cut before it is kept: whoever made
//! it may be hostile. Words for HTML still have to be escaped.
//!
//! A new reason is a variant and its arm in each of the tables below.

use jiff::Timestamp;
use std::error::Error;
use std::fmt;
use std::io;
use tokio_rustls::rustls::pki_types::UnixTime;
use tokio_rustls::rustls::{self, AlertDescription, CertificateError, InvalidMessage};

/// The most names of a certificate that are shown.
const MOST_NAMES: usize = 8;
/// The most characters of a text that comes from an origin. A name in DNS has up to 253.
const MOST_CHARACTERS: usize = 253;

/// Why there is no TLS with an origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Its certificate, or one above it, is past its end.
    Expired {
        /// The end.
        since: Timestamp,
    },
    /// Its certificate, or one above it, is before its beginning.
    NotYetValid {
        /// The beginning.
        from: Timestamp,
    },
    /// Its certificate is for other names.
    WrongName {
        /// The first of them.
        presented: Vec<String>,
        /// How many more there are.
        more: usize,
    },
    /// Its certificate is signed by nobody but itself.
    SelfSigned,
    /// Its certificate is signed by somebody this machine does not trust.
    UnknownIssuer {
        /// Who that says it is, if it says so.
        issuer: Option<String>,
    },
    /// It left out the certificate of who signed its own, which says where that can be had. Browsers fetch it there or know it already.
    Incomplete {
        /// Whose is missing.
        issuer: Option<String>,
    },
    /// Its certificate was taken back by who signed it.
    Revoked,
    /// A key or signature in its certificate is of a kind that can be forged by now, or that nobody uses.
    WeakKey,
    /// Something else is wrong with its certificate.
    BadCertificate(String),
    /// It wants to be shown a certificate of who asks.
    WantsClientCertificate,
    /// It speaks no version of TLS, or no cipher, that is safe.
    NoCommonTls,
    /// It speaks no TLS.
    NotTls,
    /// It ended the handshake with an alert (RFC 8446 section 6), by its number.
    Alert(u8),
    /// It, or somebody on the way, broke off.
    BrokeOff(String),
    /// Anything else.
    Other(String),
}

/// Whether an origin asked who connects for a certificate. One that resumes a session asks no more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClientCertificate {
    /// It did not.
    #[default]
    NotAsked,
    /// It did, and was shown none.
    Asked,
}

impl Refusal {
    /// What the error of a handshake means, given whether a certificate was asked for in it.
    #[must_use]
    pub fn of(error: &io::Error, asked: ClientCertificate) -> Self {
        match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            Some(inner) => Self::of_tls(inner, asked),
            // Some servers say nothing when the certificate they want does not come.
            None if asked == ClientCertificate::Asked => Self::WantsClientCertificate,
            None => Self::BrokeOff(clean(&error.to_string())),
        }
    }

    /// What an error of a connection means that was made already: in TLS 1.3 an origin that wants a certificate says so only after the handshake
    /// (RFC 8446 section 4.4.2.4). `None` if the error has nothing to do with TLS.
    #[must_use]
    pub fn of_later(error: &(dyn Error + 'static), asked: ClientCertificate) -> Option<Self> {
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(inner) = error.downcast_ref::<rustls::Error>() {
                return Some(Self::of_tls(inner, asked));
            }
            // An io::Error leaves out the error it holds, and goes on with what is below that.
            let held = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
            next = held.map(|held| held as &(dyn Error + 'static)).or_else(|| error.source());
        }
        None
    }

    fn of_tls(error: &rustls::Error, asked: ClientCertificate) -> Self {
        match error {
            rustls::Error::InvalidCertificate(wrong) => Self::of_certificate(wrong),
            rustls::Error::AlertReceived(alert) => Self::of_alert(*alert, asked),
            rustls::Error::PeerIncompatible(_) => Self::NoCommonTls,
            rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion) => Self::NotTls,
            rustls::Error::InvalidCertRevocationList(wrong) => Self::Other(format!("a list of revoked certificates of the school cannot be used: {wrong:?}")),
            other => Self::Other(clean(&other.to_string())),
        }
    }

    fn of_alert(alert: AlertDescription, asked: ClientCertificate) -> Self {
        use AlertDescription as A;
        match alert {
            A::CertificateRequired => Self::WantsClientCertificate,
            A::HandshakeFailure | A::NoCertificate | A::BadCertificate | A::CertificateUnknown | A::UnknownCA | A::AccessDenied
                if asked == ClientCertificate::Asked =>
            {
                Self::WantsClientCertificate
            }
            A::HandshakeFailure | A::ProtocolVersion | A::InsufficientSecurity => Self::NoCommonTls,
            other => Self::Alert(u8::from(other)),
        }
    }

    /// What is wrong with a certificate, as far as that can be told without a look at it.
    pub(super) fn of_certificate(wrong: &CertificateError) -> Self {
        use CertificateError as C;
        match wrong {
            C::UnknownIssuer => Self::UnknownIssuer { issuer: None },
            C::ExpiredContext { not_after, .. } => Self::Expired { since: moment(*not_after) },
            C::NotValidYetContext { not_before, .. } => Self::NotYetValid { from: moment(*not_before) },
            C::NotValidForName => Self::WrongName { presented: Vec::new(), more: 0 },
            C::NotValidForNameContext { presented, .. } => Self::for_other_names(presented),
            C::Revoked => Self::Revoked,
            C::UnsupportedSignatureAlgorithmContext { .. } | C::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => Self::WeakKey,
            C::Expired => Self::BadCertificate("it ends before it begins".into()),
            C::BadEncoding => Self::BadCertificate("it cannot be read".into()),
            C::BadSignature => Self::BadCertificate("its signature is wrong".into()),
            C::InvalidPurpose | C::InvalidPurposeContext { .. } => Self::BadCertificate("it is not for web sites".into()),
            C::UnhandledCriticalExtension => Self::BadCertificate("it sets a condition nobody knows".into()),
            C::Other(other) => Self::BadCertificate(in_words(&other.to_string())),
            other => Self::BadCertificate(clean(&other.to_string())),
        }
    }

    fn for_other_names(presented: &[String]) -> Self {
        let shown = presented.iter().take(MOST_NAMES).map(|name| clean(name_within(name))).collect();
        Self::WrongName { presented: shown, more: presented.len().saturating_sub(MOST_NAMES) }
    }

    /// The error type of `Proxy-Status` (RFC 9209 section 2.3).
    #[must_use]
    pub fn proxy_status(&self) -> &'static str {
        match self {
            Self::Expired { .. }
            | Self::NotYetValid { .. }
            | Self::WrongName { .. }
            | Self::SelfSigned
            | Self::UnknownIssuer { .. }
            | Self::Incomplete { .. }
            | Self::Revoked
            | Self::WeakKey
            | Self::BadCertificate(_) => "tls_certificate_error",
            Self::Alert(_) | Self::WantsClientCertificate => "tls_alert_received",
            Self::NoCommonTls | Self::NotTls | Self::Other(_) => "tls_protocol_error",
            Self::BrokeOff(_) => "connection_terminated",
        }
    }

    /// The reason in one word, for programs and counters.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Expired { .. } => "expired",
            Self::NotYetValid { .. } => "not-yet-valid",
            Self::WrongName { .. } => "wrong-host",
            Self::SelfSigned => "self-signed",
            Self::UnknownIssuer { .. } => "untrusted",
            Self::Incomplete { .. } => "incomplete",
            Self::Revoked => "revoked",
            Self::WeakKey => "weak-key",
            Self::BadCertificate(_) => "bad-certificate",
            Self::WantsClientCertificate => "client-certificate",
            Self::NoCommonTls => "no-common-tls",
            Self::NotTls => "not-tls",
            Self::Alert(_) => "alert",
            Self::BrokeOff(_) => "broke-off",
            Self::Other(_) => "other",
        }
    }

    /// The heading of its page.
    #[must_use]
    pub fn heading(&self) -> &'static str {
        match self {
            Self::Expired { .. }
            | Self::NotYetValid { .. }
            | Self::WrongName { .. }
            | Self::SelfSigned
            | Self::UnknownIssuer { .. }
            | Self::Incomplete { .. }
            | Self::Revoked
            | Self::WeakKey
            | Self::BadCertificate(_) => "This site cannot prove who it is",
            Self::WantsClientCertificate => "This site asks for a certificate",
            Self::NoCommonTls | Self::NotTls | Self::Alert(_) | Self::BrokeOff(_) | Self::Other(_) => "There is no safe connection to this site",
        }
    }

    /// The page's sentence for whoever wanted to see the site.
    #[must_use]
    pub fn for_pupil(&self) -> String {
        match self {
            Self::Expired { since } => format!("The certificate that proves who this site is ended on {}, so it may not be the real site.", day(*since)),
            Self::NotYetValid { from } => {
                format!("The certificate that proves who this site is begins only on {}, so it may not be the real site.", day(*from))
            }
            Self::WrongName { presented, .. } if presented.is_empty() => {
                "The certificate this site shows names no site, so it may not be the real site.".into()
            }
            Self::WrongName { presented, more } => {
                format!("The certificate this site shows belongs to another site ({}), so it may not be the real site.", list(presented, *more))
            }
            Self::SelfSigned => "This site vouches for itself, and nobody else does, so it may not be the real site.".into(),
            Self::UnknownIssuer { .. } => "Nobody we trust vouches for this site, so it may not be the real site.".into(),
            Self::Incomplete { .. } => "This site left out a part of the proof of who it is. That is most likely a mistake of those who run it.".into(),
            Self::Revoked => "The certificate of this site was taken back by those who gave it, so it may not be the real site.".into(),
            Self::WeakKey => "The proof of who this site is can be forged, so it may not be the real site.".into(),
            Self::BadCertificate(_) => "Something is wrong with the certificate that proves who this site is, so it may not be the real site.".into(),
            Self::WantsClientCertificate => "This site lets in only devices that show a certificate of their own, and it cannot be shown one from here.".into(),
            Self::NoCommonTls => "This site cannot keep private what you send to it: it only knows ways that are not safe any more.".into(),
            Self::NotTls => "This site does not speak https, so what you send to it would not be private.".into(),
            Self::Alert(_) | Self::BrokeOff(_) | Self::Other(_) => "The site ended the connection before it was private.".into(),
        }
    }

    /// The sentence for whoever looks after the network: what to do.
    #[must_use]
    pub fn for_technician(&self) -> String {
        let except = |word: &str| format!("to reach it all the same, add a [[tls.exception]] that accepts \"{word}\" to usher.toml");
        match self {
            Self::Expired { .. } => {
                format!("Check this machine's clock, else ask those who run the site to renew its certificate; {}.", except("expired"))
            }
            Self::NotYetValid { .. } => "Check this machine's clock, else ask those who run the site to look at its certificate.".into(),
            Self::WrongName { .. } => {
                format!(
                    "Check the address, and that the name leads to the right server and nothing on the way answers in its place; {}.",
                    except("wrong-host")
                )
            }
            Self::SelfSigned => {
                format!("If it is a device of your own, give it a certificate of your own authority; {}, with its sha256.", except("self-signed"))
            }
            Self::UnknownIssuer { issuer } => format!(
                "If you trust {}, add its certificate to `authorities` under [tls] in usher.toml; {}.",
                issuer.as_deref().unwrap_or("who signed it"),
                except("untrusted")
            ),
            Self::Incomplete { issuer } => format!(
                "Ask those who run the site to send the certificate of {} beside its own; until then that certificate can be added to `authorities` under [tls] in usher.toml.",
                issuer.as_deref().unwrap_or("who signed it")
            ),
            Self::Revoked => "Its issuer took the certificate back, which means that its key may be stolen: there is no exception from that; ask those who run the site.".into(),
            Self::WeakKey => {
                "Ask those who run the site for a certificate with a key of 2048 bits of RSA or more, or of ECDSA, signed with SHA-256: there is no exception from that.".into()
            }
            Self::BadCertificate(what) => format!("Ask those who run the site to look at its certificate: {what}."),
            Self::WantsClientCertificate => "Usher cannot show the device's certificate for it: to be used, this site must pass without being decrypted.".into(),
            Self::NoCommonTls => {
                "It offers no TLS 1.2 or 1.3 with a cipher that is safe: ask those who run the site to update it, or let it pass without being decrypted.".into()
            }
            Self::NotTls => "Check the port: what answers there speaks no TLS.".into(),
            Self::Alert(number) => format!("The site refused the handshake with TLS alert {number}: try it from elsewhere, and ask those who run it."),
            Self::BrokeOff(what) => format!("The connection broke off while TLS began ({what}): try again, and look for a firewall on the way."),
            Self::Other(what) => format!("The handshake failed ({what}): try the site from elsewhere, and ask those who run it."),
        }
    }
}

/// The fact, without what follows from it.
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expired { since } => write!(f, "its certificate expired on {}", day(*since)),
            Self::NotYetValid { from } => write!(f, "its certificate is not valid yet, but from {}", day(*from)),
            Self::WrongName { presented, .. } if presented.is_empty() => f.write_str("its certificate is for another name"),
            Self::WrongName { presented, more } => write!(f, "its certificate is for another name: {}", list(presented, *more)),
            Self::SelfSigned => f.write_str("its certificate is signed by nobody but itself"),
            Self::UnknownIssuer { issuer: None } => f.write_str("its certificate is signed by nobody this machine trusts"),
            Self::UnknownIssuer { issuer: Some(issuer) } => write!(f, "its certificate is signed by nobody this machine trusts, but by {issuer}"),
            Self::Incomplete { issuer: None } => f.write_str("it left out the certificate of who signed its own"),
            Self::Incomplete { issuer: Some(issuer) } => write!(f, "it left out the certificate of {issuer}, who signed its own"),
            Self::Revoked => f.write_str("its certificate was revoked"),
            Self::WeakKey => f.write_str("its certificate has a key or a signature that is not safe any more"),
            Self::BadCertificate(what) => write!(f, "its certificate is wrong: {what}"),
            Self::WantsClientCertificate => f.write_str("it wants to be shown a client certificate"),
            Self::NoCommonTls => f.write_str("it speaks no TLS that is safe"),
            Self::NotTls => f.write_str("it speaks no TLS"),
            Self::Alert(number) => write!(f, "it refused the handshake with TLS alert {number}"),
            Self::BrokeOff(what) => write!(f, "the connection broke off while TLS began: {what}"),
            Self::Other(what) => write!(f, "no safe connection was made: {what}"),
        }
    }
}

impl Error for Refusal {}

/// A moment of a certificate. Those that no calendar holds become the last it holds.
pub(super) fn moment(time: UnixTime) -> Timestamp {
    i64::try_from(time.as_secs()).ok().and_then(|seconds| Timestamp::from_second(seconds).ok()).unwrap_or(Timestamp::MAX)
}

/// A day as people write it. Certificates count in UTC.
fn day(at: Timestamp) -> String {
    at.strftime("%-d %B %Y").to_string()
}

fn list(names: &[String], more: usize) -> String {
    let all = names.join(", ");
    if more == 0 { all } else { format!("{all} and {more} more") }
}

/// What webpki has a name for and rustls has not.
fn in_words(error: &str) -> String {
    let words = match error {
        "CaUsedAsEndEntity" => "it is that of an authority, and not of a site",
        "EndEntityUsedAsCa" | "PathLenConstraintViolated" => "it is signed by somebody who may not sign",
        "NameConstraintViolation" => "it is signed by somebody who may not sign for such names",
        "UnsupportedCertVersion" => "it is of an old form, in which names cannot be told from one another (not X.509 v3)",
        "MaximumPathBuildCallsExceeded" | "MaximumPathDepthExceeded" | "MaximumSignatureChecksExceeded" | "MaximumNameConstraintComparisonsExceeded" => {
            "no way through those sent with it leads to anybody who is trusted, as far as was looked"
        }
        other => return clean(other),
    };
    words.to_owned()
}

/// A name without what webpki writes around it: `DnsName("a.example")`, `IpAddress(192.0.2.1)`.
fn name_within(presented: &str) -> &str {
    let inside = presented.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')')).unwrap_or(presented);
    inside.trim_matches('"')
}

/// A text from elsewhere, cut to a length and without characters that are not seen: those of control, and those that turn the direction of writing.
pub(super) fn clean(text: &str) -> String {
    let hidden =
        |letter: char| letter.is_control() || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    text.chars().take(MOST_CHARACTERS).map(|letter| if hidden(letter) { '\u{fffd}' } else { letter }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a moment")
    }

    fn every() -> Vec<Refusal> {
        vec![
            Refusal::Expired { since: at("2021-01-01T00:00:00Z") },
            Refusal::NotYetValid { from: at("2031-12-24T00:00:00Z") },
            Refusal::WrongName { presented: vec!["a.example".into(), "b.example".into()], more: 3 },
            Refusal::WrongName { presented: Vec::new(), more: 0 },
            Refusal::SelfSigned,
            Refusal::UnknownIssuer { issuer: Some("Somebody".into()) },
            Refusal::Incomplete { issuer: Some("Somebody".into()) },
            Refusal::Revoked,
            Refusal::WeakKey,
            Refusal::BadCertificate("it cannot be read".into()),
            Refusal::WantsClientCertificate,
            Refusal::NoCommonTls,
            Refusal::NotTls,
            Refusal::Alert(80),
            Refusal::BrokeOff("tls handshake eof".into()),
            Refusal::Other("it lied".into()),
        ]
    }

    #[test]
    fn every_reason_is_told_in_whole_sentences() {
        for refusal in every() {
            for sentence in [refusal.for_pupil(), refusal.for_technician()] {
                assert!(sentence.starts_with(char::is_uppercase) && sentence.ends_with('.') && !sentence.ends_with(".."), "{sentence}");
            }
            let fact = refusal.to_string();
            assert!(!fact.ends_with('.') && fact.starts_with(char::is_lowercase), "{fact}");
            assert!(!refusal.heading().ends_with('.'));
            assert!(!refusal.for_pupil().contains("TLS"), "a word pupils do not know: {}", refusal.for_pupil());
        }
    }

    #[test]
    fn dates_and_names_are_told() {
        let [expired, early, other, ..] = &every()[..] else { panic!("there are more") };
        assert!(expired.for_pupil().contains("ended on 1 January 2021"));
        assert!(early.for_pupil().contains("only on 24 December 2031"));
        assert!(other.for_pupil().contains("(a.example, b.example and 3 more)"));
        assert_eq!(other.to_string(), "its certificate is for another name: a.example, b.example and 3 more");
    }

    #[test]
    fn what_an_alert_means_depends_on_what_was_asked() {
        use AlertDescription as A;
        use ClientCertificate::{Asked, NotAsked};
        for (alert, asked, refusal) in [
            (A::HandshakeFailure, NotAsked, Refusal::NoCommonTls),
            (A::HandshakeFailure, Asked, Refusal::WantsClientCertificate),
            (A::BadCertificate, Asked, Refusal::WantsClientCertificate),
            (A::BadCertificate, NotAsked, Refusal::Alert(42)),
            (A::CertificateRequired, NotAsked, Refusal::WantsClientCertificate),
            (A::ProtocolVersion, NotAsked, Refusal::NoCommonTls),
            (A::ProtocolVersion, Asked, Refusal::NoCommonTls),
            (A::InternalError, Asked, Refusal::Alert(80)),
        ] {
            let error = io::Error::new(io::ErrorKind::InvalidData, rustls::Error::AlertReceived(alert));
            assert_eq!(Refusal::of(&error, asked), refusal, "{alert:?} {asked:?}");
            assert_eq!(Refusal::of_later(&error, asked), Some(refusal), "however deep: {alert:?}");
        }
        let reset = || io::Error::from(io::ErrorKind::ConnectionReset);
        assert!(matches!(Refusal::of(&reset(), NotAsked), Refusal::BrokeOff(_)));
        assert_eq!(Refusal::of(&reset(), Asked), Refusal::WantsClientCertificate);
        assert_eq!(Refusal::of_later(&reset(), Asked), None, "after the handshake it may mean anything");
    }

    #[test]
    fn what_a_certificate_says_is_cleaned_and_cut() {
        let long = format!("DnsName(\"{}\")", "a".repeat(60_000));
        let presented: Vec<String> = [long, "IpAddress(192.0.2.1)".into(), "DnsName(\"a\n\u{202e}b\")".into()]
            .into_iter()
            .chain((0..40).map(|at| format!("DnsName(\"{at}\")")))
            .collect();
        let Refusal::WrongName { presented, more } = Refusal::for_other_names(&presented) else { panic!("names") };
        assert_eq!((presented.len(), more), (MOST_NAMES, 35));
        assert_eq!((presented[0].len(), presented[1].as_str(), presented[2].as_str()), (MOST_CHARACTERS, "192.0.2.1", "a\u{fffd}\u{fffd}b"));
    }

    #[test]
    fn a_moment_no_calendar_holds_is_no_panic() {
        for seconds in [0, 1, u64::MAX, 253_402_300_799, 253_402_300_800] {
            day(moment(UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds))));
        }
    }
}
