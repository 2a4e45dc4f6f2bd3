//! Whose word is taken for who an origin is: the authorities of this machine and those of the school, and what they have taken back.
//!
//! Read from files once, and again when [`Trust::changed`] says that one of them was replaced. Revocation is known from lists (CRLs) that the school adds;
//! nothing is asked of anybody else, and a certificate that no list speaks of passes. `SSL_CERT_FILE` and `SSL_CERT_DIR` name other files in place of this
//! machine's. A folder of certificates counts as changed when something is put into it or taken out.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;
use tokio_rustls::rustls::client::{ServerCertVerifierBuilder, WebPkiServerVerifier};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, CertificateRevocationListDer, Der, TrustAnchor};
use tokio_rustls::rustls::{RootCertStore, crypto::CryptoProvider};

/// The largest file of authorities, in bytes. All that Mozilla trusts are some 220 KB.
const MOST_AUTHORITIES: u64 = 4 << 20;
/// The largest list of revoked certificates, in bytes. Its signature is checked over the whole of it with each certificate of its issuer.
const MOST_REVOKED: u64 = 8 << 20;

/// The school's own files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files {
    /// Authorities that are trusted beside this machine's: PEM.
    pub authorities: Vec<PathBuf>,
    /// Lists of revoked certificates: PEM, or DER as authorities publish them.
    pub revoked: Vec<PathBuf>,
}

/// Why nobody can be trusted, or a file cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RootsError {
    /// Nobody is trusted.
    #[error(
        "no certificate authority is known on this machine, so no https site can be trusted ({0}); install the package ca-certificates, or name a file with \
         authorities under [tls] in usher.toml"
    )]
    None(String),
    /// A file of the school's cannot be used.
    #[error("{}: {what}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// The lists of revoked certificates cannot be used together.
    #[error("the lists of revoked certificates cannot be used: {0}")]
    Revoked(String),
}

/// Who is trusted, as it was read from files.
pub struct Trust {
    roots: Arc<RootCertStore>,
    revoked: Vec<CertificateRevocationListDer<'static>>,
    stamps: Vec<(PathBuf, Option<Stamp>)>,
}

/// By what a file that was replaced or written to is told from what it was.
type Stamp = (SystemTime, u64, u64);

impl Trust {
    /// Reads all of it.
    ///
    /// # Errors
    /// If nobody is trusted then, or a file of the school's cannot be used: half of what the school trusts is not what it trusts.
    pub fn read(files: &Files) -> Result<Self, RootsError> {
        let places = system_places().into_iter().chain(files.authorities.iter().cloned()).chain(files.revoked.iter().cloned());
        // Before the files are read: what changes meanwhile is then read once more, and not missed.
        let stamps = places.map(|path| (stamp(&path), path)).map(|(stamp, path)| (path, stamp)).collect();
        let (mut roots, why_none) = match system() {
            Ok(roots) => (roots, String::new()),
            Err(why) => (RootCertStore::empty(), why),
        };
        for path in &files.authorities {
            for certificate in authorities(path)? {
                let wrong =
                    |error: tokio_rustls::rustls::Error| RootsError::File { path: path.clone(), what: format!("a certificate in it cannot be used: {error}") };
                roots.add(certificate).map_err(wrong)?;
            }
        }
        if roots.is_empty() {
            return Err(RootsError::None(why_none));
        }
        let mut revoked = Vec::new();
        for path in &files.revoked {
            revoked.extend(revocations(path)?);
        }
        Ok(Self { roots: Arc::new(roots), revoked, stamps })
    }

    /// Whether a file was changed, put there or taken away since it was read.
    #[must_use]
    pub fn changed(&self) -> bool {
        self.stamps.iter().any(|(path, was)| stamp(path) != *was)
    }

    /// How many authorities are trusted.
    #[must_use]
    pub fn authorities(&self) -> usize {
        self.roots.len()
    }

    /// What checks certificates by it.
    pub(super) fn verifier(&self, provider: Arc<CryptoProvider>) -> Result<Arc<WebPkiServerVerifier>, RootsError> {
        with_lists(self.roots.clone(), provider, self.revoked.clone()).build().map_err(|error| RootsError::Revoked(error.to_string()))
    }
}

fn with_lists(roots: Arc<RootCertStore>, provider: Arc<CryptoProvider>, lists: Vec<CertificateRevocationListDer<'static>>) -> ServerCertVerifierBuilder {
    WebPkiServerVerifier::builder_with_provider(roots, provider).with_crls(lists).allow_unknown_revocation_status()
}

/// The authorities of this machine, or what is wrong with them.
///
/// # Errors
/// If there is none that can be used.
pub fn system() -> Result<RootCertStore, String> {
    let found = rustls_native_certs::load_native_certs();
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(found.certs);
    if store.is_empty() {
        let wrong: Vec<_> = found.errors.iter().map(ToString::to_string).collect();
        return Err(if wrong.is_empty() { "none was found".to_owned() } else { wrong.join("; ") });
    }
    Ok(store)
}

/// Where they are read from.
fn system_places() -> Vec<PathBuf> {
    let found = openssl_probe::probe();
    let named = std::env::var_os("SSL_CERT_DIR").map(|folders| std::env::split_paths(&folders).collect::<Vec<_>>());
    found.cert_file.into_iter().chain(found.cert_dir).chain(named.into_iter().flatten()).collect()
}

fn stamp(path: &Path) -> Option<Stamp> {
    let file = fs::metadata(path).ok()?;
    Some((file.modified().ok()?, file.ino(), file.len()))
}

/// Nobody, in a form that a verifier can be made of: an authority without a key, by which nothing is signed.
pub(super) fn nobody() -> RootCertStore {
    RootCertStore { roots: vec![TrustAnchor { subject: Der::from_slice(&[]), subject_public_key_info: Der::from_slice(&[]), name_constraints: None }] }
}

/// The authorities in a PEM file: at least one.
///
/// # Errors
/// If it cannot be read, or holds none.
pub fn authorities(path: &Path) -> Result<Vec<CertificateDer<'static>>, RootsError> {
    let fail = |what: String| RootsError::File { path: path.to_owned(), what };
    let bytes = read(path, MOST_AUTHORITIES)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    let found = found.map_err(|error| fail(format!("it is no PEM file: {error}")))?;
    if found.is_empty() {
        return Err(fail("it holds no certificate; a PEM file with the authority's certificate is expected".into()));
    }
    for certificate in &found {
        RootCertStore::empty().add(certificate.clone()).map_err(|error| fail(format!("a certificate in it cannot be used: {error}")))?;
    }
    Ok(found)
}

/// The lists of revoked certificates in a file: at least one.
///
/// # Errors
/// If it cannot be read, or what it holds is no such list.
pub fn revocations(path: &Path) -> Result<Vec<CertificateRevocationListDer<'static>>, RootsError> {
    let fail = |what: String| RootsError::File { path: path.to_owned(), what };
    let bytes = read(path, MOST_REVOKED)?;
    let lists = if bytes.windows(10).any(|part| part == b"-----BEGIN") {
        let found: Result<Vec<_>, _> = CertificateRevocationListDer::pem_slice_iter(&bytes).collect();
        found.map_err(|error| fail(format!("it is no PEM file: {error}")))?
    } else {
        vec![CertificateRevocationListDer::from(bytes)]
    };
    if lists.is_empty() {
        return Err(fail("it holds no list of revoked certificates (CRL)".into()));
    }
    // What reads it while sites are visited reads it here too. Who is trusted does not matter for that.
    let built = with_lists(Arc::new(nobody()), super::provider(), lists.clone()).build();
    built.map_err(|error| fail(format!("it is no list of revoked certificates (CRL) that can be used: {error}")))?;
    Ok(lists)
}

fn read(path: &Path, most: u64) -> Result<Vec<u8>, RootsError> {
    let fail = |what: String| RootsError::File { path: path.to_owned(), what };
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(most + 1).read_to_end(&mut bytes));
    read.map_err(|error| fail(format!("it cannot be read: {error}")))?;
    if bytes.len() as u64 > most {
        return Err(fail(format!("it is larger than the {} MiB it may have", most >> 20)));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{BasicConstraints, CertificateParams, CertificateRevocationListParams, IsCa, Issuer, KeyIdMethod, KeyPair, SerialNumber, date_time_ymd};

    fn authority() -> (String, Vec<u8>) {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new([]).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).expect("a certificate").pem();
        let list = CertificateRevocationListParams {
            this_update: date_time_ymd(2024, 1, 1),
            next_update: date_time_ymd(2025, 1, 1),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: Vec::new(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        (certificate, list.signed_by(&Issuer::new(params, key)).expect("a list").der().to_vec())
    }

    #[test]
    fn files_are_read_whole_or_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file");
        let (certificate, list) = authority();
        fs::write(&path, format!("Some words\n{certificate}\n{}", authority().0)).expect("written");
        assert_eq!(authorities(&path).map(|found| found.len()), Ok(2));
        fs::write(&path, &list).expect("written");
        assert_eq!(revocations(&path).map(|found| found.len()), Ok(1), "DER");
        fs::write(&path, &list[..list.len() - 1]).expect("written");
        assert!(revocations(&path).is_err());
        fs::write(&path, certificate.replace("MII", "AAA")).expect("written");
        assert!(authorities(&path).is_err());
        File::create(&path).and_then(|file| file.set_len(MOST_REVOKED + 1)).expect("a long file");
        for error in [authorities(&path).expect_err("too long"), revocations(&path).expect_err("too long")] {
            assert!(error.to_string().contains("is larger than the"), "{error}");
        }
    }

    #[test]
    fn that_a_file_was_changed_replaced_or_taken_away_is_seen() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("ours.pem");
        let files = Files { authorities: vec![path.clone()], revoked: Vec::new() };
        fs::write(&path, authority().0).expect("written");
        let trust = Trust::read(&files).expect("somebody");
        assert!(!trust.changed() && trust.authorities() > 0);
        crate::files::replace(&path, authority().0.as_bytes()).expect("replaced");
        assert!(trust.changed());
        let trust = Trust::read(&files).expect("somebody");
        fs::remove_file(&path).expect("removed");
        assert!(trust.changed() && Trust::read(&files).is_err());
    }
}
