//! What decides whether an origin is believed: webpki's verifier, a closer look at what it refuses, and the school's exceptions.
//!
//! Only what webpki refuses is looked at here, so nothing in this file can make a good certificate bad, and without an exception nothing in it can make a
//! bad one good. With one, webpki is asked again with that alone left out; where nobody it trusts vouches for a site, what is left to check is checked here:
//! the site's name, and the time.
//!
//! rustls passes on an error and knows nothing of exceptions. So what was found is kept beside, for the thread that polls the handshake: see [`said`].

use super::exception::{Accept, Exception, Exceptions, Fingerprint};
use super::refusal::{ClientCertificate, Refusal, clean};
use super::roots::{RootsError, Trust, nobody};
use crate::host::Host;
use aws_lc_rs::digest;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::client::{ResolvesClientCert, VerifierBuilderError, WebPkiServerVerifier, verify_server_name};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::server::ParsedCertificate;
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::oid_registry::{OID_PKIX_ACCESS_DESCRIPTOR_CA_ISSUERS, OID_PKIX_AUTHORITY_INFO_ACCESS};
use x509_parser::parse_x509_certificate;
use x509_parser::public_key::PublicKey;

/// The most certificates of one and the same name that an origin may send above its own. Two are usual where an authority is being replaced. webpki looks
/// for a way through all of them, six steps deep: eight of one name, or a hundred, took it half a second in a build for tests, and three of each of four
/// names 14 ms.
const MOST_OF_ONE_NAME: usize = 3;
/// The fewest bits of an RSA key that is safe.
const LEAST_RSA: usize = 2048;
/// How often one certificate is looked at again with something left out: each time because of another certificate's end.
const MOST_LOOKS: usize = 4;

/// What a handshake left behind beside its result.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// Whether a certificate of ours was asked for.
    pub(super) asked: ClientCertificate,
    /// Why the origin was not believed.
    pub(super) refusal: Option<Refusal>,
    /// By which exceptions it was.
    pub(super) excused: Vec<Arc<Exception>>,
}

thread_local! {
    static SAID: RefCell<Said> = RefCell::default();
}

/// Takes what was said on this thread since it was last taken. rustls verifies and resolves while it is polled, so whoever takes it before and after
/// a poll has what belongs to that one handshake.
pub(super) fn said() -> Said {
    SAID.take()
}

/// Checks origins.
pub(super) struct Verifier {
    inner: Arc<WebPkiServerVerifier>,
    exceptions: Exceptions,
    zone: TimeZone,
}

impl Verifier {
    /// One that trusts these and makes these exceptions, whose days are those of this time zone.
    pub(super) fn new(trust: &Trust, exceptions: Exceptions, zone: TimeZone) -> Result<Self, RootsError> {
        Ok(Self { inner: trust.verifier(super::provider())?, exceptions, zone })
    }

    /// One that makes no exceptions.
    pub(super) fn strict(roots: Arc<RootCertStore>) -> Result<Self, VerifierBuilderError> {
        let roots = if roots.is_empty() { Arc::new(nobody()) } else { roots };
        let inner = WebPkiServerVerifier::builder_with_provider(roots, super::provider()).build()?;
        Ok(Self { inner, exceptions: Exceptions::default(), zone: TimeZone::UTC })
    }

    /// Whether this host has an exception, in force or not.
    pub(super) fn excepts(&self, host: &Host) -> bool {
        self.exceptions.has(host)
    }

    /// The exceptions by which an origin is believed; or the error rustls makes its alert of, and what that means.
    fn judge(&self, shown: &Shown<'_>, now: UnixTime) -> Result<Vec<Arc<Exception>>, (Error, Refusal)> {
        shown.bounded()?;
        let mut excused = Vec::new();
        let (mut time, mut expired) = (now, None);
        for _ in 0..MOST_LOOKS {
            let error = match self.inner.verify_server_cert(shown.own, shown.above, shown.name, &[], time) {
                Ok(_) => return Ok(excused),
                Err(error) => error,
            };
            let refusal = shown.explain(&error);
            if let Err(refused) = self.excuse(shown, error.clone(), refusal.clone(), now, &mut excused) {
                // It may have begun only after the end of what it rests on. Then that end is what is wrong.
                return Err(expired.filter(|_| matches!(refusal, Refusal::NotYetValid { .. })).unwrap_or(refused));
            }
            match (Accept::of(&refusal), &error) {
                // webpki looks at names last of all.
                (Some(Accept::WrongHost), _) => return Ok(excused),
                (Some(Accept::SelfSigned | Accept::Untrusted), _) => return self.rest(shown, now, excused),
                (Some(Accept::Expired), Error::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. })) => {
                    time = *not_after;
                    expired = Some((error, refusal));
                }
                (Some(Accept::Expired) | None, _) => return Err((error, refusal)),
            }
        }
        Err((Error::InvalidCertificate(CertificateError::Expired), Refusal::BadCertificate("too many of those it rests on have expired".into())))
    }

    /// What is left to check of an origin that nobody who is trusted vouches for.
    fn rest(&self, shown: &Shown<'_>, now: UnixTime, mut excused: Vec<Arc<Exception>>) -> Result<Vec<Arc<Exception>>, (Error, Refusal)> {
        let unreadable = || (Error::InvalidCertificate(CertificateError::BadEncoding), Refusal::of_certificate(&CertificateError::BadEncoding));
        let read = shown.read().ok_or_else(unreadable)?;
        let seconds = |time: i64| UnixTime::since_unix_epoch(std::time::Duration::from_secs(u64::try_from(time).unwrap_or(0)));
        let (not_before, not_after) = (seconds(read.validity().not_before.timestamp()), seconds(read.validity().not_after.timestamp()));
        let mut wrong = Vec::new();
        if now < not_before {
            wrong.push(CertificateError::NotValidYetContext { time: now, not_before });
        }
        if now > not_after {
            wrong.push(CertificateError::ExpiredContext { time: now, not_after });
        }
        let parsed = ParsedCertificate::try_from(shown.own).map_err(|_| unreadable())?;
        match verify_server_name(&parsed, shown.name) {
            Ok(()) => {}
            Err(Error::InvalidCertificate(error)) => wrong.push(error),
            Err(other) => return Err((other, Refusal::BadCertificate("its names cannot be read".into()))),
        }
        for error in wrong {
            let refusal = Refusal::of_certificate(&error);
            self.excuse(shown, Error::InvalidCertificate(error), refusal, now, &mut excused)?;
        }
        Ok(excused)
    }

    /// Adds the exception that accepts a refusal.
    fn excuse(&self, shown: &Shown<'_>, error: Error, refusal: Refusal, now: UnixTime, to: &mut Vec<Arc<Exception>>) -> Result<(), (Error, Refusal)> {
        let found = || {
            let host = match shown.name {
                ServerName::DnsName(name) => Host::parse(name.as_ref()).ok()?,
                ServerName::IpAddress(address) => Host::from(std::net::IpAddr::from(*address)),
                _ => return None,
            };
            if !self.exceptions.has(&host) {
                return None;
            }
            self.exceptions.accepting(&host, Accept::of(&refusal)?, &shown.sha256(), self.day(now)).cloned()
        };
        match found() {
            Some(exception) => {
                if !to.contains(&exception) {
                    to.push(exception);
                }
                Ok(())
            }
            None => Err((error, refusal)),
        }
    }

    fn day(&self, now: UnixTime) -> Date {
        super::refusal::moment(now).to_zoned(self.zone.clone()).date()
    }

    /// Notes why a signature in the handshake is not believed. Most often it is made with a key that is too short.
    fn noted(checked: Result<HandshakeSignatureValid, Error>, own: &CertificateDer<'_>) -> Result<HandshakeSignatureValid, Error> {
        checked.inspect_err(|error| {
            let weak = matches!(error, Error::InvalidCertificate(_)) && parse_x509_certificate(own).is_ok_and(|(_, read)| is_weak(&read));
            let Error::InvalidCertificate(wrong) = error else { return };
            let refusal = if weak { Refusal::WeakKey } else { Refusal::of_certificate(wrong) };
            SAID.with_borrow_mut(|said| said.refusal = Some(refusal));
        })
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier").field("exceptions", &self.exceptions).finish_non_exhaustive()
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        own: &CertificateDer<'_>,
        above: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match self.judge(&Shown { own, above, name }, now) {
            Ok(excused) => {
                SAID.with_borrow_mut(|said| said.excused = excused);
                Ok(ServerCertVerified::assertion())
            }
            Err((error, refusal)) => {
                SAID.with_borrow_mut(|said| said.refusal = Some(refusal));
                Err(error)
            }
        }
    }

    fn verify_tls12_signature(&self, message: &[u8], own: &CertificateDer<'_>, signed: &DigitallySignedStruct) -> Result<HandshakeSignatureValid, Error> {
        Self::noted(self.inner.verify_tls12_signature(message, own, signed), own)
    }

    fn verify_tls13_signature(&self, message: &[u8], own: &CertificateDer<'_>, signed: &DigitallySignedStruct) -> Result<HandshakeSignatureValid, Error> {
        Self::noted(self.inner.verify_tls13_signature(message, own, signed), own)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

/// What an origin showed, and which it was asked to be.
struct Shown<'a> {
    own: &'a CertificateDer<'a>,
    above: &'a [CertificateDer<'a>],
    name: &'a ServerName<'a>,
}

impl<'a> Shown<'a> {
    fn read(&self) -> Option<X509Certificate<'a>> {
        parse_x509_certificate(self.own).ok().map(|(_, read)| read)
    }

    fn sha256(&self) -> Fingerprint {
        sha256(self.own)
    }

    /// Refuses chains whose only use is to keep a verifier busy.
    fn bounded(&self) -> Result<(), (Error, Refusal)> {
        if self.above.len() <= MOST_OF_ONE_NAME {
            return Ok(());
        }
        let mut names: HashMap<&[u8], HashSet<&[u8]>> = HashMap::new();
        for der in self.above {
            if let Ok((_, read)) = parse_x509_certificate(der) {
                names.entry(read.tbs_certificate.subject.as_raw()).or_default().insert(der);
            }
        }
        if names.values().all(|one| one.len() <= MOST_OF_ONE_NAME) {
            return Ok(());
        }
        let what = format!("more than {MOST_OF_ONE_NAME} others of one name were sent with it");
        Err((Error::InvalidCertificate(CertificateError::UnknownIssuer), Refusal::BadCertificate(what)))
    }

    /// What webpki's error means for this certificate.
    fn explain(&self, error: &Error) -> Refusal {
        let Error::InvalidCertificate(wrong) = error else { return Refusal::of(&std::io::Error::other(error.clone()), ClientCertificate::NotAsked) };
        let Some(own) = self.read() else { return Refusal::of_certificate(wrong) };
        let above: Vec<_> = self.above.iter().filter_map(|der| parse_x509_certificate(der).ok()).map(|(_, read)| read).collect();
        match Refusal::of_certificate(wrong) {
            // One made with openssl's defaults says that it is an authority, which webpki refuses before it looks who signed it.
            Refusal::UnknownIssuer { .. } | Refusal::BadCertificate(_) if own.issuer() == own.subject() && self.is_unsigned(wrong) => Refusal::SelfSigned,
            Refusal::UnknownIssuer { .. } => unknown_issuer(&own, &above),
            Refusal::BadCertificate(_) if matches!(wrong, CertificateError::BadSignature) && (is_weak(&own) || above.iter().any(is_weak)) => Refusal::WeakKey,
            other => other,
        }
    }

    /// Whether an error says no more than that nobody signed it.
    fn is_unsigned(&self, wrong: &CertificateError) -> bool {
        matches!(wrong, CertificateError::UnknownIssuer) || matches!(wrong, CertificateError::Other(other) if other.to_string().contains("CaUsedAsEndEntity"))
    }
}

/// The SHA-256 of a certificate.
fn sha256(certificate: &CertificateDer<'_>) -> Fingerprint {
    let mut sum = [0; 32];
    sum.copy_from_slice(digest::digest(&digest::SHA256, certificate).as_ref());
    sum
}

/// Whether a certificate is missing or its signer is not trusted. A server is not asked for the authority at the top, so a chain that ends early looks like
/// one whose top is not trusted. Where the last of it says where the next can be had, it is taken to be missing: authorities that are trusted by all
/// write that into what they sign, and few others do.
fn unknown_issuer(own: &X509Certificate<'_>, above: &[X509Certificate<'_>]) -> Refusal {
    let mut top = own;
    for _ in 0..above.len() {
        match above.iter().find(|next| next.subject() == top.issuer() && next.subject() != next.issuer()) {
            Some(next) => top = next,
            None => break,
        }
    }
    let issuer = common_name(top);
    let sent = above.iter().any(|other| other.subject() == top.issuer());
    if !sent && tells_its_issuer(top) { Refusal::Incomplete { issuer } } else { Refusal::UnknownIssuer { issuer } }
}

/// Whether it says where the certificate of its issuer can be fetched (RFC 5280 section 4.2.2.1).
fn tells_its_issuer(certificate: &X509Certificate<'_>) -> bool {
    let Ok(Some(access)) = certificate.get_extension_unique(&OID_PKIX_AUTHORITY_INFO_ACCESS) else { return false };
    let ParsedExtension::AuthorityInfoAccess(access) = access.parsed_extension() else { return false };
    access.iter().any(|one| one.access_method == OID_PKIX_ACCESS_DESCRIPTOR_CA_ISSUERS && matches!(one.access_location, GeneralName::URI(_)))
}

/// Who signed it, as people know them.
fn common_name(certificate: &X509Certificate<'_>) -> Option<String> {
    let issuer = certificate.issuer();
    let name = issuer.iter_common_name().chain(issuer.iter_organization()).find_map(|name| name.as_str().ok())?;
    let name = clean(name.trim());
    (!name.is_empty()).then_some(name)
}

/// Whether its key is too short.
fn is_weak(certificate: &X509Certificate<'_>) -> bool {
    matches!(certificate.public_key().parsed(), Ok(PublicKey::RSA(key)) if key.key_size() < LEAST_RSA)
}

/// Answers whoever asks for a certificate of ours: there is none. One for all connections, since rustls resumes no session under another.
#[derive(Debug)]
pub(super) struct NoCertificate;

impl ResolvesClientCert for NoCertificate {
    fn resolve(&self, _issuers: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        SAID.with_borrow_mut(|said| said.asked = ClientCertificate::Asked);
        None
    }

    fn has_certs(&self) -> bool {
        false
    }
}
