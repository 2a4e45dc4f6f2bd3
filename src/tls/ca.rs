//! The school's authority: who signs the certificates that browsers are shown in place of the sites' own.
//!
//! There are at most two. `current` signs. `next` is installed on devices while `current` still signs, and signs itself from a day on. Each is one
//! PEM file: its certificates, its own first and those above it after, and its key. So neither is ever there without the other.
//!
//! Who has the key can be any site to every device that trusts the authority. Its file is its owner's alone to read (mode 0600), and one that is not is
//! refused; the key is overwritten in memory once it is of no more use, is in no log line, and nothing that holds it can be printed with `{:?}`.

mod certificate;
mod folder;
#[cfg(test)]
pub(in crate::tls) mod tests;

pub use certificate::{Certificate, KeyKind, NameLimits, Rights};
pub use folder::{Authorities, Folder, FolderError, Place, Standing, read_given};

use super::mint::{self, LeafKey};
use crate::files;
use crate::host::Host;
use certificate::write_pem;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, GeneralSubtree, IsCa, KeyPair, KeyUsagePurpose, NameConstraints, PKCS_ECDSA_P256_SHA256,
    PKCS_ECDSA_P384_SHA384, PKCS_RSA_SHA256, PublicKeyData, SerialNumber, SigningKey,
};
use std::sync::Arc;
use std::time::Duration;
use time::OffsetDateTime;
use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::ServerCertVerifier as _;
use tokio_rustls::rustls::pki_types::pem::{Error as PemError, PemObject as _};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use zeroize::{Zeroize as _, Zeroizing};

/// The days left from which on the next one should be made: devices need a while to take it up.
pub const SOON: i64 = 120;
/// How far the clocks of devices may be behind.
pub(super) const CLOCKS_DIFFER: SignedDuration = SignedDuration::from_hours(24);
/// The longest common name, in characters (RFC 5280 appendix A.1, `ub-common-name`).
const LONGEST_NAME: usize = 64;
/// The most names an authority can be made never to sign for.
const MOST_NEVER: usize = 256;
/// The most certificates in one file.
const MOST_CERTIFICATES: usize = 10;
/// A host that is none (RFC 6761 section 6.4): what an authority is tried with.
const PROBE: &str = "probe.usher.invalid";
/// What stands before the day from which an authority signs, in its file.
const SIGNS_FROM: &str = "Signs-from: ";

/// Why there is no authority in what was given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadAuthority {
    /// Not in PEM at all.
    #[error("it is not in PEM, which begins with -----BEGIN; if it is DER: openssl x509 -inform der -in FILE -out ca.pem")]
    NotPem,
    /// Certificate and key in one, locked up.
    #[error("it is a PKCS #12 file (.pfx, .p12); unpack it first: openssl pkcs12 -in FILE -nodes -out ca.pem")]
    Pkcs12,
    /// Broken PEM.
    #[error("its PEM is broken: {0}")]
    BrokenPem(String),
    /// No certificate.
    #[error("there is no certificate in it (-----BEGIN CERTIFICATE-----); the certificate is named first, then the key")]
    NoCertificate,
    /// More than a chain has.
    #[error("there are more than {MOST_CERTIFICATES} certificates in it; give the authority's own, and those above it")]
    TooMany,
    /// No key.
    #[error("there is no private key in it (-----BEGIN PRIVATE KEY-----)")]
    NoKey,
    /// A key behind a password.
    #[error("its key is locked with a password; unlock it into a file of its own: openssl pkey -in FILE -out ca.key")]
    LockedKey,
    /// A key that cannot be read.
    #[error("its key cannot be read")]
    BrokenKey,
    /// A certificate that cannot be read.
    #[error("the certificate: {0}")]
    Unreadable(String),
    /// A certificate that may not sign.
    #[error("{}", rights_text(name, *rights))]
    Rights {
        /// Whose.
        name: String,
        /// What it may do.
        rights: Rights,
    },
    /// A chain that its own certificate forbids.
    #[error("\"{name}\" allows {allowed} authorities below it, and there are {below} here")]
    TooLong {
        /// Whose certificate says so.
        name: String,
        /// How many it allows.
        allowed: u32,
        /// How many there are.
        below: usize,
    },
    /// Certificates that do not belong together.
    #[error(
        "\"{below}\" is not signed by \"{above}\", which follows it in the file; the authority's own certificate comes first, then who signed it, and so on"
    )]
    Order {
        /// The one.
        below: String,
        /// The other.
        above: String,
    },
    /// Its time is over.
    #[error("\"{name}\" was good until {until} only")]
    Expired {
        /// Whose.
        name: String,
        /// Until when.
        until: Timestamp,
    },
    /// Its time is yet to come.
    #[error("\"{name}\" is good from {from} only")]
    NotYet {
        /// Whose.
        name: String,
        /// From when.
        from: Timestamp,
    },
    /// A key nobody accepts.
    #[error("its key is {0}, which browsers do not accept of an authority; they take ECDSA P-256, P-384, and RSA from 2048 bits")]
    Key(KeyKind),
    /// The key of something else.
    #[error("the key does not belong to the certificate of \"{0}\"")]
    OtherKey(String),
    /// It may sign for some sites only.
    #[error("\"{0}\" may sign for some names only (its name constraints permit a list), and a filter needs all")]
    SomeOnly(String),
    /// A certificate it signed is not accepted.
    #[error("a certificate it signed to try it out was not accepted: {0}")]
    Unproven(String),
    /// The day in the file cannot be read.
    #[error("the day from which it signs cannot be read")]
    Day,
}

fn rights_text(name: &str, rights: Rights) -> String {
    let what = match rights {
        Rights::Signs => "it signs",
        Rights::NoAuthority => "it is the certificate of a server or person, not of an authority (basic constraints)",
        Rights::SignsNoCertificates => "it may not sign certificates (key usage)",
        Rights::NotForServers => "it may not sign certificates of servers (extended key usage)",
    };
    format!("\"{name}\" cannot be used: {what}")
}

/// Why no authority could be made.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// The name is none.
    #[error("a name of 1 to {LONGEST_NAME} characters is needed, all of which can be shown")]
    Name,
    /// Too many names.
    #[error("at most {MOST_NEVER} names can be left out")]
    TooManyNever,
    /// A name that is an address or too wide.
    #[error("\"{0}\" cannot be left out: give a name of at least two parts, such as bank.example; all below it is left out too")]
    Never(Host),
    /// The system has no randomness.
    #[error("no random bytes: {0}")]
    Random(#[from] std::io::Error),
    /// The library refuses.
    #[error("the certificate cannot be made: {0}")]
    Made(#[from] rcgen::Error),
    /// What was made cannot be used.
    #[error(transparent)]
    Bad(#[from] BadAuthority),
}

/// What an authority is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Its name, as people read it in their devices' settings.
    pub name: String,
    /// How long it is good.
    pub years: u16,
    /// Names it never signs for, nor for any below them. Devices hold it to that.
    pub never: Vec<Host>,
}

/// An authority as it is kept: certificates, key, and from when it signs.
pub struct Kept {
    /// Its own, then those above it. Never empty.
    certificates: Vec<Certificate>,
    key: Zeroizing<String>,
    /// From when it signs in place of the one before it. At once, if it is not said.
    pub signs_from: Option<Timestamp>,
}

impl Kept {
    /// Makes one with a new key.
    ///
    /// # Errors
    /// If the plan cannot be carried out.
    pub fn create(plan: &Plan, now: Timestamp) -> Result<Self, CreateError> {
        let name = plan.name.trim();
        if name.is_empty() || name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
            return Err(CreateError::Name);
        }
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let until = now.to_zoned(TimeZone::UTC).checked_add(i32::from(plan.years).years()).map_or(Timestamp::MAX, |end| end.timestamp());
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params.serial_number = Some(serial()?);
        (params.not_before, params.not_after) = (written(now - CLOCKS_DIFFER), written(until));
        // No authority below it: a certificate it signs can sign nothing.
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.name_constraints = never(&plan.never)?;
        let der = params.self_signed(&key)?;
        let mut text = Zeroizing::new(String::new());
        write_pem(&mut text, "PRIVATE KEY", key.serialized_der());
        // The library keeps a copy for those who ask for it.
        drop(Zeroizing::new(key));
        let made = Self { certificates: vec![Certificate::read(der.der()).map_err(BadAuthority::Unreadable)?], key: text, signs_from: None };
        made.authority()?.prove(now)?;
        Ok(made)
    }

    /// Takes one that was made elsewhere, once it is shown to work. Certificate and key may be in one text.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn import(certificates: &[u8], key: &[u8], now: Timestamp) -> Result<Self, BadAuthority> {
        let kept = Self { certificates: read_certificates(certificates)?, key: read_key(key)?, signs_from: None };
        kept.check(now)?;
        kept.authority()?.prove(now)?;
        Ok(kept)
    }

    /// Reads one as it is kept. What was good when it came in is not tried again.
    fn read(text: &[u8]) -> Result<Self, BadAuthority> {
        let head = text.split(|byte| *byte == b'\n').find_map(|line| line.strip_prefix(SIGNS_FROM.as_bytes()));
        let signs_from = match head.map(|day| std::str::from_utf8(day).ok().and_then(|day| day.trim().parse().ok())) {
            Some(None) => return Err(BadAuthority::Day),
            day => day.flatten(),
        };
        Ok(Self { certificates: read_certificates(text)?, key: read_key(text)?, signs_from })
    }

    /// As its file holds it.
    fn text(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(16 * 1024));
        text.push_str("# Certificate and private key of the school's authority. Who has this file can be any site to the school's devices.\n");
        text.push_str("# To give the certificate to devices: usher ca export\n");
        if let Some(from) = self.signs_from {
            text.push_str(&format!("{SIGNS_FROM}{from}\n"));
        }
        self.certificates.iter().for_each(|certificate| write_pem(&mut text, "CERTIFICATE", certificate.der()));
        text.push_str(&self.key);
        text
    }

    /// Its own certificate.
    #[must_use]
    pub fn own(&self) -> &Certificate {
        &self.certificates[0]
    }

    /// The certificate that devices are told to trust: the highest there is.
    #[must_use]
    pub fn trusted(&self) -> &Certificate {
        self.certificates.last().unwrap_or_else(|| self.own())
    }

    /// Its certificates, its own first.
    #[must_use]
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// Its key, as a PEM file holds it. For who asks for it by name only.
    #[must_use]
    pub fn key_pem(&self) -> &str {
        &self.key
    }

    /// Ready to sign.
    ///
    /// # Errors
    /// If the key cannot be used, or is another's.
    pub fn authority(&self) -> Result<Authority, BadAuthority> {
        let kind = &self.own().key;
        let algorithm = match kind {
            KeyKind::P256 => &PKCS_ECDSA_P256_SHA256,
            KeyKind::P384 => &PKCS_ECDSA_P384_SHA384,
            KeyKind::Rsa(2048..) => &PKCS_RSA_SHA256,
            KeyKind::Rsa(_) | KeyKind::Other(_) => return Err(BadAuthority::Key(kind.clone())),
        };
        let der = Zeroizing::new(PrivateKeyDer::from_pem_slice(self.key.as_bytes()).map_err(|_| BadAuthority::BrokenKey)?);
        let other = || BadAuthority::OtherKey(self.own().name.clone());
        let mut key = KeyPair::from_der_and_sign_algo(&der, algorithm).map_err(|_| other())?;
        // What it signs with stays; the copy the library keeps beside goes.
        key.zeroize();
        if key.der_bytes() != self.own().public_key() {
            return Err(other());
        }
        Ok(Authority { certificates: self.certificates.clone(), key })
    }

    /// What can be told without signing.
    fn check(&self, now: Timestamp) -> Result<(), BadAuthority> {
        for (below, certificate) in self.certificates.iter().enumerate() {
            let name = certificate.name.clone();
            if certificate.rights != Rights::Signs {
                return Err(BadAuthority::Rights { name, rights: certificate.rights });
            }
            if let Some(allowed) = certificate.below.filter(|allowed| below > usize::try_from(*allowed).unwrap_or(usize::MAX)) {
                return Err(BadAuthority::TooLong { name, allowed, below });
            }
            if certificate.until <= now {
                return Err(BadAuthority::Expired { name, until: certificate.until });
            }
            if certificate.from > now {
                return Err(BadAuthority::NotYet { name, from: certificate.from });
            }
            if certificate.limits.some_only {
                return Err(BadAuthority::SomeOnly(name));
            }
        }
        let pairs = self.certificates.windows(2);
        match pairs.into_iter().find(|pair| !pair[0].names_as_issuer(&pair[1])) {
            Some(pair) => Err(BadAuthority::Order { below: pair[0].name.clone(), above: pair[1].name.clone() }),
            None => Ok(()),
        }
    }
}

/// Who signs.
pub struct Authority {
    certificates: Vec<Certificate>,
    key: KeyPair,
}

impl Authority {
    /// Its own certificate.
    #[must_use]
    pub fn own(&self) -> &Certificate {
        &self.certificates[0]
    }

    /// Whether a certificate for this host would be refused by every device, since the authority's own says so.
    #[must_use]
    pub fn is_barred_from(&self, host: &Host) -> bool {
        self.certificates.iter().any(|certificate| certificate.limits.forbid(host))
    }

    /// Whether to sign takes it so long that others should not wait meanwhile: 0.3 to 5 ms with RSA, 0.03 ms else.
    #[must_use]
    pub fn is_slow(&self) -> bool {
        matches!(self.own().key, KeyKind::Rsa(_))
    }

    /// Until when a certificate it signs can be good.
    pub(super) fn until(&self) -> Timestamp {
        self.certificates.iter().map(|certificate| certificate.until).min().unwrap_or(Timestamp::MIN)
    }

    /// What is sent after a leaf: its own certificate and those above it, but for roots. Devices have roots, or do not believe them.
    pub(super) fn sent(&self) -> impl Iterator<Item = CertificateDer<'static>> {
        self.certificates.iter().filter(|certificate| !certificate.is_root).map(|certificate| certificate.der().clone())
    }

    pub(super) fn public(&self) -> &impl PublicKeyData {
        &self.key
    }

    pub(super) fn sign(&self, bytes: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        self.key.sign(bytes)
    }

    /// Signs a certificate and checks it as a browser would.
    fn prove(&self, now: Timestamp) -> Result<(), BadAuthority> {
        let unproven = |error: &dyn std::fmt::Display| BadAuthority::Unproven(error.to_string());
        let host = Host::parse(PROBE).map_err(|error| unproven(&error))?;
        let key = LeafKey::generate().map_err(|error| unproven(&error))?;
        let leaf = mint::mint(self, &key, &host, now).map_err(|error| unproven(&error))?;
        let mut roots = RootCertStore::empty();
        let top = self.certificates.last().unwrap_or_else(|| self.own());
        roots.add(top.der().clone()).map_err(|error| unproven(&error))?;
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), super::provider()).build().map_err(|error| unproven(&error))?;
        let name = ServerName::try_from(PROBE).map_err(|error| unproven(&error))?;
        let at = UnixTime::since_unix_epoch(Duration::from_secs(now.as_second().unsigned_abs()));
        let between: Vec<_> = self.certificates.iter().take(self.certificates.len() - 1).map(|certificate| certificate.der().clone()).collect();
        verifier.verify_server_cert(&leaf.chain[0], &between, &name, &[], at).map(drop).map_err(|error| unproven(&error))
    }
}

/// Names as a certificate leaves them out.
fn never(names: &[Host]) -> Result<Option<NameConstraints>, CreateError> {
    if names.len() > MOST_NEVER {
        return Err(CreateError::TooManyNever);
    }
    if let Some(wide) = names.iter().find(|name| name.address().is_some() || !name.as_str().contains('.')) {
        return Err(CreateError::Never(wide.clone()));
    }
    let excluded: Vec<_> = names.iter().map(|name| GeneralSubtree::DnsName(name.to_string())).collect();
    Ok((!excluded.is_empty()).then(|| NameConstraints { permitted_subtrees: Vec::new(), excluded_subtrees: excluded }))
}

/// 126 random bits in 16 bytes: positive, and of one length (RFC 5280 section 4.1.2.2). Nobody can foretell one, and no two are the same: Firefox refuses a
/// second certificate with the serial of a first.
pub(super) fn serial() -> std::io::Result<SerialNumber> {
    let mut bytes: [u8; 16] = files::random()?;
    bytes[0] = bytes[0] & 0x7f | 0x40;
    Ok(SerialNumber::from_slice(&bytes))
}

/// A time as `rcgen` takes it.
pub(super) fn written(at: Timestamp) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(at.as_second()).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

fn read_certificates(text: &[u8]) -> Result<Vec<Certificate>, BadAuthority> {
    is_pem(text)?;
    let mut certificates = Vec::new();
    for der in CertificateDer::pem_slice_iter(text) {
        if certificates.len() == MOST_CERTIFICATES {
            return Err(BadAuthority::TooMany);
        }
        let der = der.map_err(|error| BadAuthority::BrokenPem(error.to_string()))?;
        certificates.push(Certificate::read(&der).map_err(BadAuthority::Unreadable)?);
    }
    if certificates.is_empty() { Err(BadAuthority::NoCertificate) } else { Ok(certificates) }
}

/// The first key, spelt as it is kept.
fn read_key(text: &[u8]) -> Result<Zeroizing<String>, BadAuthority> {
    is_pem(text)?;
    let holds = |word: &[u8]| text.windows(word.len()).any(|window| window == word);
    // PKCS #8 says so in its label, OpenSSL's older form in a line below it.
    if holds(b"ENCRYPTED PRIVATE KEY-----") || holds(b"Proc-Type: 4,ENCRYPTED") {
        return Err(BadAuthority::LockedKey);
    }
    let der = match PrivateKeyDer::from_pem_slice(text) {
        Ok(der) => Zeroizing::new(der),
        Err(PemError::NoItemsFound) => return Err(BadAuthority::NoKey),
        Err(_) => return Err(BadAuthority::BrokenKey),
    };
    let label = match &*der {
        PrivateKeyDer::Pkcs8(_) => "PRIVATE KEY",
        PrivateKeyDer::Sec1(_) => "EC PRIVATE KEY",
        PrivateKeyDer::Pkcs1(_) => "RSA PRIVATE KEY",
        _ => return Err(BadAuthority::BrokenKey),
    };
    let mut pem = Zeroizing::new(String::new());
    write_pem(&mut pem, label, der.secret_der());
    Ok(pem)
}

fn is_pem(text: &[u8]) -> Result<(), BadAuthority> {
    if text.windows(10).any(|window| window == b"-----BEGIN") {
        return Ok(());
    }
    // Both are a SEQUENCE; a PKCS #12 file begins with its version, 3 (RFC 7292 section 4).
    let is_pkcs12 = super::der::content(text).is_some_and(|content| content.starts_with(&[2, 1, 3]));
    Err(if is_pkcs12 { BadAuthority::Pkcs12 } else { BadAuthority::NotPem })
}
