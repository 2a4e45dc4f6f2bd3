//! What the certificate of an authority says. Pure.

use crate::host::Host;
use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ipnet::IpNet;
use jiff::Timestamp;
use std::fmt;
use std::net::IpAddr;
use tokio_rustls::rustls::pki_types::CertificateDer;
use x509_parser::extensions::{GeneralName, GeneralSubtree, ParsedExtension};
use x509_parser::oid_registry::{OID_EC_P256, OID_KEY_TYPE_EC_PUBLIC_KEY, OID_NIST_EC_P384};
use x509_parser::prelude::{FromDer, X509Certificate, X509Error};
use x509_parser::public_key::PublicKey;

/// A line of PEM is of 64 characters (RFC 7468 section 2): 48 bytes.
const BYTES_A_LINE: usize = 48;

/// The certificate of an authority, as far as it matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    der: CertificateDer<'static>,
    /// Its common name, else its whole name.
    pub name: String,
    /// Whether it has a common name.
    pub has_common_name: bool,
    /// From when it is good.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// Its key.
    pub key: KeyKind,
    /// Whether it names itself as its issuer, as a root does.
    pub is_root: bool,
    /// Whether it says that it may sign certificates for servers.
    pub rights: Rights,
    /// How many authorities may stand between it and a leaf, if it says so.
    pub below: Option<u32>,
    /// The hosts it may sign for, where it does not say all.
    pub limits: NameLimits,
    subject: Vec<u8>,
    issuer: Vec<u8>,
    key_identifier: Option<Vec<u8>>,
    public_key: Vec<u8>,
}

/// What a key is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// ECDSA over P-256: the usual.
    P256,
    /// ECDSA over P-384.
    P384,
    /// RSA of so many bits.
    Rsa(usize),
    /// Any other, by its object identifier.
    Other(String),
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::P256 => f.write_str("ECDSA P-256"),
            Self::P384 => f.write_str("ECDSA P-384"),
            Self::Rsa(bits) => write!(f, "RSA, {bits} bits"),
            Self::Other(id) => write!(f, "of kind {id}"),
        }
    }
}

/// What a certificate may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rights {
    /// It may sign certificates of servers.
    Signs,
    /// It is no authority's (RFC 5280 section 4.2.1.9).
    NoAuthority,
    /// Its key usage leaves out signing certificates (section 4.2.1.3).
    SignsNoCertificates,
    /// Its extended key usage leaves out servers (section 4.2.1.12).
    NotForServers,
}

/// The hosts an authority may sign for (RFC 5280 section 4.2.1.10), where it says so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NameLimits {
    /// Names it may not sign for, nor for any below them.
    pub never: Vec<Host>,
    /// Addresses it may not sign for.
    pub never_addresses: Vec<IpNet>,
    /// Whether it may sign for some hosts only.
    pub some_only: bool,
}

impl NameLimits {
    /// Whether it says that this host is not for it.
    #[must_use]
    pub fn forbid(&self, host: &Host) -> bool {
        match host.address() {
            Some(address) => self.never_addresses.iter().any(|range| range.contains(&address)),
            None => self.never.iter().any(|name| host.is_within(name)),
        }
    }
}

impl Certificate {
    /// Reads a certificate.
    ///
    /// # Errors
    /// What is wrong with it, as far as it can be said.
    pub fn read(der: &CertificateDer<'static>) -> Result<Self, String> {
        let (rest, x509) = X509Certificate::from_der(der).map_err(|error| format!("it cannot be read: {error}"))?;
        if !rest.is_empty() {
            return Err("something follows the certificate".to_owned());
        }
        let wrong = |error: X509Error| format!("an extension of it cannot be read: {error}");
        let common_name = x509.subject().iter_common_name().find_map(|name| name.as_str().ok()).map(str::to_owned);
        let key_identifier = x509.iter_extensions().find_map(|extension| match extension.parsed_extension() {
            ParsedExtension::SubjectKeyIdentifier(id) => Some(id.0.to_vec()),
            _ => None,
        });
        let basics = x509.basic_constraints().map_err(wrong)?.map(|extension| extension.value);
        let read = Self {
            has_common_name: common_name.is_some(),
            name: shown(&common_name.unwrap_or_else(|| x509.subject().to_string())),
            from: time(x509.validity().not_before.timestamp())?,
            until: time(x509.validity().not_after.timestamp())?,
            key: key_kind(&x509),
            is_root: x509.subject().as_raw() == x509.issuer().as_raw(),
            rights: rights(&x509).map_err(wrong)?,
            below: basics.and_then(|basics| basics.path_len_constraint),
            limits: name_limits(&x509).map_err(wrong)?,
            subject: x509.subject().as_raw().to_vec(),
            issuer: x509.issuer().as_raw().to_vec(),
            key_identifier,
            public_key: x509.public_key().subject_public_key.data.to_vec(),
            der: der.clone(),
        };
        Ok(read)
    }

    /// Its bytes.
    #[must_use]
    pub fn der(&self) -> &CertificateDer<'static> {
        &self.der
    }

    /// As a PEM file holds it.
    #[must_use]
    pub fn pem(&self) -> String {
        pem("CERTIFICATE", &self.der)
    }

    /// The name of its owner, byte by byte: what a certificate it signs must name as its issuer.
    pub(in crate::tls) fn subject(&self) -> &[u8] {
        &self.subject
    }

    /// What tells its key from another of the same name, if it says so.
    pub(in crate::tls) fn key_identifier(&self) -> Option<&[u8]> {
        self.key_identifier.as_deref()
    }

    /// Its public key.
    pub(super) fn public_key(&self) -> &[u8] {
        &self.public_key
    }

    /// Whether `above` is named as its issuer.
    pub(super) fn names_as_issuer(&self, above: &Self) -> bool {
        self.issuer == above.subject
    }

    /// Its SHA-256, as Firefox, Chrome, macOS and OpenSSL show it.
    #[must_use]
    pub fn sha256(&self) -> String {
        in_pairs(digest(&SHA256, &self.der).as_ref())
    }

    /// Its SHA-1: what Windows calls the thumbprint. To be compared by eye only.
    #[must_use]
    pub fn sha1(&self) -> String {
        in_pairs(digest(&SHA1_FOR_LEGACY_USE_ONLY, &self.der).as_ref())
    }

    /// Whole days until it ends; negative once it has.
    #[must_use]
    pub fn days_left(&self, now: Timestamp) -> i64 {
        (self.until.as_second() - now.as_second()).div_euclid(86_400)
    }
}

/// A name without what could change the terminal or file it is shown in.
fn shown(name: &str) -> String {
    name.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// Bytes as a PEM file holds them.
fn pem(label: &str, bytes: &[u8]) -> String {
    let mut text = String::new();
    write_pem(&mut text, label, bytes);
    text
}

/// Appends bytes as a PEM file holds them. Nothing is written elsewhere in between, which matters where they are secret.
pub(super) fn write_pem(text: &mut String, label: &str, bytes: &[u8]) {
    text.reserve(2 * (label.len() + 18) + bytes.len().div_ceil(BYTES_A_LINE) * 65);
    for part in ["-----BEGIN ", label, "-----\n"] {
        text.push_str(part);
    }
    for line in bytes.chunks(BYTES_A_LINE) {
        STANDARD.encode_string(line, text);
        text.push('\n');
    }
    for part in ["-----END ", label, "-----\n"] {
        text.push_str(part);
    }
}

fn in_pairs(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
}

fn time(second: i64) -> Result<Timestamp, String> {
    Timestamp::from_second(second).map_err(|_| "its dates cannot be read".to_owned())
}

fn key_kind(x509: &X509Certificate<'_>) -> KeyKind {
    let key = x509.public_key();
    if let Ok(PublicKey::RSA(rsa)) = key.parsed() {
        return KeyKind::Rsa(rsa.key_size());
    }
    let id = &key.algorithm.algorithm;
    let curve = key.algorithm.parameters.as_ref().filter(|_| *id == OID_KEY_TYPE_EC_PUBLIC_KEY).and_then(|curve| curve.as_oid().ok());
    match curve {
        Some(curve) if curve == OID_EC_P256 => KeyKind::P256,
        Some(curve) if curve == OID_NIST_EC_P384 => KeyKind::P384,
        Some(curve) => KeyKind::Other(curve.to_id_string()),
        None => KeyKind::Other(id.to_id_string()),
    }
}

fn rights(x509: &X509Certificate<'_>) -> Result<Rights, X509Error> {
    let is_authority = x509.basic_constraints()?.is_some_and(|basics| basics.value.ca);
    let signs = x509.key_usage()?.is_none_or(|usage| usage.value.key_cert_sign());
    let for_servers = x509.extended_key_usage()?.is_none_or(|usage| usage.value.any || usage.value.server_auth);
    Ok(match (is_authority, signs, for_servers) {
        (false, _, _) => Rights::NoAuthority,
        (true, false, _) => Rights::SignsNoCertificates,
        (true, true, false) => Rights::NotForServers,
        (true, true, true) => Rights::Signs,
    })
}

fn name_limits(x509: &X509Certificate<'_>) -> Result<NameLimits, X509Error> {
    let mut limits = NameLimits::default();
    let Some(constraints) = x509.name_constraints()?.map(|extension| extension.value) else { return Ok(limits) };
    for GeneralSubtree { base } in constraints.excluded_subtrees.iter().flatten() {
        match base {
            // Some write a dot before it, meaning only what is below.
            GeneralName::DNSName(name) => limits.never.extend(Host::parse(name.trim_start_matches('.'))),
            GeneralName::IPAddress(bytes) => limits.never_addresses.extend(range(bytes)),
            _ => {}
        }
    }
    let named = |subtree: &GeneralSubtree<'_>| matches!(subtree.base, GeneralName::DNSName(_) | GeneralName::IPAddress(_));
    limits.some_only = constraints.permitted_subtrees.iter().flatten().any(named);
    Ok(limits)
}

/// An address and its mask, one after the other.
fn range(bytes: &[u8]) -> Option<IpNet> {
    let (address, mask) = bytes.split_at(bytes.len() / 2);
    let read =
        |bytes: &[u8]| -> Option<IpAddr> { <[u8; 4]>::try_from(bytes).map(IpAddr::from).or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from)).ok() };
    IpNet::with_netmask(read(address)?, read(mask)?).ok()
}
