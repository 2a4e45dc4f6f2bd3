//! One leaf: a certificate for one host, signed by the school's authority.
//!
//! It has exactly one name. Browsers send requests for every name of a certificate over one HTTP/2 connection (RFC 9113 section 9.1.1), and each host is to
//! be judged by itself. The issuer's name is taken byte by byte from the authority's own certificate: a copy spelt otherwise is another name to a
//! browser, and `rcgen`'s own reading loses what it has no place for, such as the second `DC` of an Active Directory's authority.

use super::ca::{self, Authority, CLOCKS_DIFFER};
use super::der::{bit_string, content, element, sequence};
use crate::host::Host;
use jiff::{SignedDuration, Timestamp};
use rcgen::string::Ia5String;
use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, PublicKeyData, SanType,
    SignatureAlgorithm,
};
use std::sync::Arc;
use tokio_rustls::rustls;
use tokio_rustls::rustls::crypto::aws_lc_rs::sign::any_ecdsa_type;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use zeroize::{Zeroize as _, Zeroizing};

/// How long a leaf is good. Short, for it cannot be revoked; and longer than any connection lives.
const LIFE: SignedDuration = SignedDuration::from_hours(7 * 24);
/// The longest common name, in bytes (RFC 5280 appendix A.1). A longer host has none: browsers read the alternative name only.
const LONGEST_COMMON_NAME: usize = 64;

/// Why there is no leaf for a host.
#[derive(Debug, thiserror::Error)]
pub enum MintError {
    /// The authority's own certificate bars it, so no device would accept the leaf.
    #[error("the school's authority was made never to sign for {0}")]
    Barred(Host),
    /// The authority's time is over.
    #[error("the school's authority was good until {0} only; make the next: usher ca create --next")]
    Expired(Timestamp),
    /// The host has a spelling no certificate can hold.
    #[error("{0} cannot be put into a certificate")]
    Name(Host),
    /// The system has no randomness.
    #[error("no random bytes: {0}")]
    Random(#[from] std::io::Error),
    /// The library refuses.
    #[error("the certificate cannot be made: {0}")]
    Made(#[from] rcgen::Error),
    /// The library made something this does not know.
    #[error("the certificate cannot be put together")]
    Shape,
}

/// The key all leaves of a process share. It is never on disk.
pub struct LeafKey {
    public: KeyPair,
    signing: Arc<dyn rustls::sign::SigningKey>,
}

impl LeafKey {
    /// A new one, ECDSA over P-256.
    ///
    /// # Errors
    /// If the library cannot.
    pub fn generate() -> Result<Self, MintError> {
        let mut public = KeyPair::generate()?;
        let der = Zeroizing::new(PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(public.serialized_der().to_vec())));
        let signing = any_ecdsa_type(&der).map_err(|_| MintError::Shape)?;
        public.zeroize();
        Ok(Self { public, signing })
    }

    /// What a TLS server signs with.
    #[must_use]
    pub fn signing(&self) -> Arc<dyn rustls::sign::SigningKey> {
        self.signing.clone()
    }
}

/// A leaf.
#[derive(Clone, Debug)]
pub struct Leaf {
    /// The leaf itself, and what a browser needs to get from it to a root.
    pub chain: Vec<CertificateDer<'static>>,
    /// Until when it is good.
    pub until: Timestamp,
}

/// Takes the part of the authority while everything but the issuer's name is written, and signs nothing.
struct Unsigned<'a, K>(&'a K);

impl<K: PublicKeyData> PublicKeyData for Unsigned<'_, K> {
    fn der_bytes(&self) -> &[u8] {
        self.0.der_bytes()
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        self.0.algorithm()
    }
}

impl<K: PublicKeyData> rcgen::SigningKey for Unsigned<'_, K> {
    fn sign(&self, _: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        Ok(Vec::new())
    }
}

/// Mints a leaf for one host. Takes some 30 us with an authority on P-256.
///
/// # Errors
/// If the authority cannot sign for it, or not any more.
pub fn mint(authority: &Authority, key: &LeafKey, host: &Host, now: Timestamp) -> Result<Leaf, MintError> {
    if authority.is_barred_from(host) {
        return Err(MintError::Barred(host.clone()));
    }
    let until = (now + LIFE).min(authority.until());
    if until <= now {
        return Err(MintError::Expired(until));
    }
    let mut params = params(host)?;
    (params.not_before, params.not_after) = (ca::written((now - CLOCKS_DIFFER).max(authority.own().from)), ca::written(until));
    let mut issuer = CertificateParams::default();
    if let Some(id) = authority.own().key_identifier() {
        params.use_authority_key_identifier_extension = true;
        issuer.key_identifier_method = KeyIdMethod::PreSpecified(id.to_vec());
    }
    let unsigned = params.signed_by(&key.public, &Issuer::new(issuer, Unsigned(authority.public())))?;
    let leaf = signed(unsigned.der(), authority)?;
    Ok(Leaf { chain: std::iter::once(leaf.into()).chain(authority.sent()).collect(), until })
}

/// What is the same whoever signs.
fn params(host: &Host) -> Result<CertificateParams, MintError> {
    let mut params = CertificateParams::default();
    params.serial_number = Some(ca::serial()?);
    params.distinguished_name = DistinguishedName::new();
    if host.as_str().len() <= LONGEST_COMMON_NAME {
        params.distinguished_name.push(DnType::CommonName, host.as_str());
    }
    params.subject_alt_names = vec![match host.address() {
        Some(address) => SanType::IpAddress(address),
        None => SanType::DnsName(Ia5String::try_from(host.as_str()).map_err(|_| MintError::Name(host.clone()))?),
    }];
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    Ok(params)
}

/// Puts the authority's name in the place of the issuer, and signs (RFC 5280 section 4.1).
fn signed(unsigned: &[u8], authority: &Authority) -> Result<Vec<u8>, MintError> {
    let parts = || {
        let (to_sign, rest) = element(content(unsigned)?)?;
        let (algorithm, _) = element(rest)?;
        let inside = content(to_sign)?;
        let (_version, rest) = element(inside)?;
        let (_serial, rest) = element(rest)?;
        let (_algorithm, rest) = element(rest)?;
        let (_issuer, after) = element(rest)?;
        Some((&inside[..inside.len() - rest.len()], after, algorithm))
    };
    let (before, after, algorithm) = parts().ok_or(MintError::Shape)?;
    let to_sign = sequence(&[before, authority.own().subject(), after]);
    let signature = authority.sign(&to_sign)?;
    Ok(sequence(&[&to_sign, algorithm, &bit_string(&signature)]))
}

#[cfg(test)]
mod tests {
    use super::super::ca::tests::made;
    use super::*;
    use std::collections::HashSet;
    use std::net::IpAddr;
    use std::sync::LazyLock;
    use std::time::Duration;
    use tokio_rustls::rustls::RootCertStore;
    use tokio_rustls::rustls::client::WebPkiServerVerifier;
    use tokio_rustls::rustls::client::danger::ServerCertVerifier as _;
    use tokio_rustls::rustls::pki_types::{ServerName, UnixTime};
    use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

    static AUTHORITY: LazyLock<Authority> = LazyLock::new(|| made("School CA", &["bank.example"]).authority().expect("ready"));
    static KEY: LazyLock<LeafKey> = LazyLock::new(|| LeafKey::generate().expect("a key"));

    fn host(name: &str) -> Host {
        Host::parse(name).expect("a host")
    }

    fn leaf(name: &str) -> Leaf {
        mint(&AUTHORITY, &KEY, &host(name), Timestamp::now()).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Whether a browser that trusts the authority takes this for a host's certificate.
    fn is_taken(leaf: &Leaf, name: &str, at: Timestamp) -> bool {
        let mut roots = RootCertStore::empty();
        roots.add(AUTHORITY.own().der().clone()).expect("a root");
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), super::super::provider()).build().expect("a verifier");
        let Ok(name) = ServerName::try_from(name) else { return false };
        let at = UnixTime::since_unix_epoch(Duration::from_secs(at.as_second().unsigned_abs()));
        verifier.verify_server_cert(&leaf.chain[0], &[], &name, &[], at).is_ok()
    }

    #[test]
    fn a_leaf_is_what_browsers_ask_for() {
        let now = Timestamp::now();
        let long = format!("{}.example", ["a"; 100].join("."));
        for name in ["www.news.example", "xn--bcher-kva.example", "localhost", "192.0.2.7", "2001:db8::7", &long] {
            let leaf = leaf(name);
            assert_eq!(leaf.chain.len(), 1, "a root is not sent");
            let (rest, x509) = X509Certificate::from_der(&leaf.chain[0]).expect("a certificate");
            assert!(rest.is_empty());
            let names = &x509.subject_alternative_name().expect("one").expect("one").value.general_names;
            assert_eq!(names.len(), 1, "{name}");
            match (&names[0], host(name).address()) {
                (GeneralName::DNSName(said), None) => assert_eq!(*said, name),
                (GeneralName::IPAddress(bytes), Some(IpAddr::V4(address))) => assert_eq!(*bytes, address.octets()),
                (GeneralName::IPAddress(bytes), Some(IpAddr::V6(address))) => assert_eq!(*bytes, address.octets()),
                other => panic!("{name}: {other:?}"),
            }
            let alternative = x509.get_extension_unique(&x509_parser::oid_registry::OID_X509_EXT_SUBJECT_ALT_NAME).expect("one").expect("one");
            assert_eq!(alternative.critical, name.len() > 64, "critical where there is no subject (RFC 5280 section 4.2.1.6)");
            assert_eq!(x509.subject().iter_common_name().count(), usize::from(name.len() <= 64));
            assert_eq!(x509.issuer().as_raw(), AUTHORITY.own().subject());
            assert_eq!(x509.raw_serial().len(), 16);
            assert!(x509.key_usage().expect("one").expect("one").value.digital_signature());
            assert!(x509.extended_key_usage().expect("one").expect("one").value.server_auth);
            let key_id = x509.iter_extensions().find_map(|extension| match extension.parsed_extension() {
                x509_parser::extensions::ParsedExtension::AuthorityKeyIdentifier(id) => id.key_identifier.as_ref().map(|id| id.0.to_vec()),
                _ => None,
            });
            assert_eq!(key_id.as_deref(), AUTHORITY.own().key_identifier());
            assert!(is_taken(&leaf, name, now) && is_taken(&leaf, name, now - CLOCKS_DIFFER + SignedDuration::from_mins(1)));
            assert!(!is_taken(&leaf, name, now + LIFE + SignedDuration::from_mins(1)), "{name} is good for a week");
        }
    }

    #[test]
    fn a_leaf_never_outlives_its_authority() {
        let end = AUTHORITY.own().until;
        let leaf = mint(&AUTHORITY, &KEY, &host("a.example"), end - SignedDuration::from_hours(2)).expect("minted");
        assert_eq!(leaf.until, end);
        assert!(matches!(mint(&AUTHORITY, &KEY, &host("a.example"), end), Err(MintError::Expired(_))));
    }

    #[test]
    fn nothing_is_minted_that_every_device_would_refuse() {
        for (name, barred) in [("bank.example", true), ("www.bank.example", true), ("notbank.example", false), ("192.0.2.7", false)] {
            assert_eq!(matches!(mint(&AUTHORITY, &KEY, &host(name), Timestamp::now()), Err(MintError::Barred(_))), barred, "{name}");
        }
    }

    #[test]
    fn a_thousand_leaves_have_a_thousand_serials() {
        let serials: HashSet<_> = (0..1000)
            .map(|_| {
                let leaf = leaf("news.example");
                let (_, x509) = X509Certificate::from_der(&leaf.chain[0]).expect("a certificate");
                x509.raw_serial().to_vec()
            })
            .collect();
        assert_eq!(serials.len(), 1000);
        assert!(serials.iter().all(|serial| serial.len() == 16 && serial[0] & 0xc0 == 0x40));
    }

    fn any_host() -> impl proptest::strategy::Strategy<Value = String> {
        use proptest::prelude::*;
        prop_oneof![
            "[a-z0-9]([a-z0-9_-]{0,20}[a-z0-9])?(\\.[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?){0,4}\\.[a-z]{2,10}",
            "\\PC{1,30}\\.example",
            any::<[u8; 4]>().prop_map(|bytes| IpAddr::from(bytes).to_string()),
            any::<[u8; 16]>().prop_map(|bytes| IpAddr::from(bytes).to_string()),
        ]
    }

    proptest::proptest! {
        #[test]
        fn a_leaf_is_good_for_its_host_and_no_other(one in any_host(), other in any_host()) {
            let (Ok(one), Ok(other)) = (Host::parse(&one), Host::parse(&other)) else { return Ok(()) };
            proptest::prop_assume!(!AUTHORITY.is_barred_from(&one));
            // What no client can ask for cannot be checked as a client would.
            proptest::prop_assume!(ServerName::try_from(one.as_str()).is_ok());
            let (leaf, now) = (leaf(one.as_str()), Timestamp::now());
            proptest::prop_assert!(is_taken(&leaf, one.as_str(), now), "{}", one);
            let below = format!("www.{one}");
            let above = one.as_str().split_once('.').map_or("", |(_, above)| above);
            for name in [other.as_str(), &below, above] {
                proptest::prop_assert!(name == one.as_str() || !is_taken(&leaf, name, now), "{} for {}", one, name);
            }
        }
    }
}
