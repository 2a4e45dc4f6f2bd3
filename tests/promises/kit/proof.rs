//! Origins that prove who they are, in every wrong way there is: authorities, what they sign, and a server of rustls' that shows it.

use super::{in_time, soon};
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertificateRevocationListParams, CustomExtension, DnType, IsCa, Issuer, KeyIdMethod, KeyPair,
    RevokedCertParams, SerialNumber, date_time_ymd,
};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{HandshakeKind, RootCertStore, ServerConfig, SupportedProtocolVersion};
use usher::tls::provider;

/// Somebody who signs.
pub struct Signer {
    certificate: Certificate,
    issuer: Issuer<'static, KeyPair>,
}

impl Signer {
    /// An authority of its own.
    pub fn root(name: &str) -> Self {
        let key = KeyPair::generate().expect("a key");
        let params = Self::params(name);
        Self { certificate: params.self_signed(&key).expect("a certificate"), issuer: Issuer::new(params, key) }
    }

    /// One below another.
    pub fn below(above: &Self, name: &str) -> Self {
        let key = KeyPair::generate().expect("a key");
        let params = Self::params(name);
        Self { certificate: params.signed_by(&key, &above.issuer).expect("a certificate"), issuer: Issuer::new(params, key) }
    }

    /// One below another whose own certificate ended at the beginning of this year.
    pub fn old_below(above: &Self, ended: i32) -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = Self::params("Old middle");
        params.not_after = date_time_ymd(ended, 1, 1);
        Self { certificate: params.signed_by(&key, &above.issuer).expect("a certificate"), issuer: Issuer::new(params, key) }
    }

    /// Signs, and has its own certificate sent along.
    pub fn vouches(&self, subject: &Subject) -> Proof {
        self.signs(subject).along(self)
    }

    fn params(name: &str) -> CertificateParams {
        let mut params = CertificateParams::new([]).expect("no names");
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
    }

    /// Its certificate.
    pub fn der(&self) -> CertificateDer<'static> {
        self.certificate.der().clone()
    }

    /// The same as a file holds it.
    pub fn pem(&self) -> String {
        self.certificate.pem()
    }

    /// Signs.
    pub fn signs(&self, subject: &Subject) -> Proof {
        let key = KeyPair::generate().expect("a key");
        Proof::new(&subject.0.signed_by(&key, &self.issuer).expect("a certificate"), &key)
    }

    /// A list of what it takes back, as PEM.
    pub fn revokes(&self, serials: &[u64]) -> String {
        let revoked = |serial: &u64| RevokedCertParams {
            serial_number: SerialNumber::from(*serial),
            revocation_time: date_time_ymd(2024, 1, 1),
            reason_code: None,
            invalidity_date: None,
        };
        let list = CertificateRevocationListParams {
            this_update: date_time_ymd(2024, 1, 1),
            next_update: date_time_ymd(2025, 1, 1),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: serials.iter().map(revoked).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        list.signed_by(&self.issuer).expect("a list").pem().expect("PEM")
    }
}

/// What is to be signed.
pub struct Subject(pub CertificateParams);

impl Subject {
    /// Of these names or addresses.
    pub fn of(names: &[&str]) -> Self {
        Self(CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).expect("names"))
    }

    /// From one year to another.
    pub fn good(mut self, from: i32, to: i32) -> Self {
        (self.0.not_before, self.0.not_after) = (date_time_ymd(from, 1, 1), date_time_ymd(to, 1, 1));
        self
    }

    /// With this number.
    pub fn numbered(mut self, serial: u64) -> Self {
        self.0.serial_number = Some(SerialNumber::from(serial));
        self
    }

    /// That says where the certificate of who signed it is.
    pub fn telling_its_issuer(mut self) -> Self {
        let address = b"http://authority.example/issuer.cer";
        let mut der = vec![0x30, 0, 0x30, 0];
        der.extend([0x06, 8, 0x2b, 6, 1, 5, 5, 7, 48, 2, 0x86, address.len() as u8]);
        der.extend(address);
        // Lengths of the two sequences around it.
        (der[1], der[3]) = (der.len() as u8 - 2, der.len() as u8 - 4);
        self.0.custom_extensions.push(CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 1, 1], der));
        self
    }

    /// That says of itself that it is an authority.
    pub fn authority(mut self) -> Self {
        self.0.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        self
    }

    /// Signed by nobody but itself.
    pub fn by_itself(self) -> Proof {
        let key = KeyPair::generate().expect("a key");
        Proof::new(&self.0.self_signed(&key).expect("a certificate"), &key)
    }
}

/// What an origin shows, and the key to it.
pub struct Proof {
    /// Its certificate, and those it sends along.
    pub chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    pem: (String, String),
}

impl Proof {
    fn new(certificate: &Certificate, key: &KeyPair) -> Self {
        let pem = (certificate.pem(), key.serialize_pem());
        Self { chain: vec![certificate.der().clone()], key: PrivatePkcs8KeyDer::from(key.serialize_der()).into(), pem }
    }

    /// With another certificate sent along.
    pub fn along(mut self, above: &Signer) -> Self {
        self.chain.push(above.der());
        self
    }

    /// A server that shows it and speaks these versions.
    pub fn config(&self, versions: &[&'static SupportedProtocolVersion]) -> ServerConfig {
        let builder = ServerConfig::builder_with_provider(provider()).with_protocol_versions(versions).expect("versions");
        builder.with_no_client_auth().with_single_cert(self.chain.clone(), self.key.clone_key()).expect("a certificate and its key")
    }

    /// The same, which asks for a certificate of who comes, and may be content without.
    pub fn asking(&self, versions: &[&'static SupportedProtocolVersion], required: bool) -> ServerConfig {
        let mut roots = RootCertStore::empty();
        roots.add(Signer::root("clients").der()).expect("a certificate");
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider());
        let verifier = if required { verifier } else { verifier.allow_unauthenticated() };
        let builder = ServerConfig::builder_with_provider(provider()).with_protocol_versions(versions).expect("versions");
        let builder = builder.with_client_cert_verifier(verifier.build().expect("a verifier"));
        builder.with_single_cert(self.chain.clone(), self.key.clone_key()).expect("a certificate and its key")
    }

    /// A server that speaks every version.
    pub async fn site(&self) -> TlsSite {
        TlsSite::of(self.config(&[&TLS12, &TLS13])).await
    }

    /// A server of OpenSSL's that shows it; `None` where there is no OpenSSL.
    pub fn by_openssl(&self, folder: &Path, arguments: &[&str]) -> Option<OpenSsl> {
        let (certificate, key) = (folder.join("server.pem"), folder.join("server.key"));
        std::fs::write(&certificate, &self.pem.0).expect("written");
        std::fs::write(&key, &self.pem.1).expect("written");
        OpenSsl::serving(&certificate, &key, arguments)
    }
}

/// A server that says "hi" to who has come to terms with it.
pub struct TlsSite {
    /// Where it is.
    pub address: SocketAddr,
    seen: Arc<Mutex<Vec<HandshakeKind>>>,
}

impl TlsSite {
    /// One with this configuration.
    pub async fn of(config: ServerConfig) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let (address, seen) = (listener.local_addr().expect("an address"), Arc::new(Mutex::new(Vec::new())));
        let (acceptor, keep) = (TlsAcceptor::from(Arc::new(config)), seen.clone());
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                let (acceptor, keep) = (acceptor.clone(), keep.clone());
                tokio::spawn(async move {
                    // A client that does not believe it goes away.
                    let Ok(mut tls) = soon("a handshake", acceptor.accept(tcp)).await else { return };
                    keep.lock().expect("a list").extend(tls.get_ref().1.handshake_kind());
                    let _ = tls.write_all(b"hi").await;
                    let _ = tls.read(&mut [0; 1]).await;
                });
            }
        });
        Self { address, seen }
    }

    /// How each handshake that came to an end was made.
    pub fn handshakes(&self) -> Vec<HandshakeKind> {
        self.seen.lock().expect("a list").clone()
    }
}

/// `openssl s_server`.
pub struct OpenSsl {
    /// Where it is.
    pub address: SocketAddr,
    child: Child,
}

impl OpenSsl {
    /// One with these files; `None` where there is no OpenSSL.
    pub fn serving(certificate: &Path, key: &Path, arguments: &[&str]) -> Option<Self> {
        let mut command = Command::new("openssl");
        command.args(["s_server", "-accept", "127.0.0.1:0", "-naccept", "4", "-cert"]).arg(certificate).arg("-key").arg(key).args(arguments);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()?;
        let mut lines = BufReader::new(child.stdout.take().expect("its output"));
        let address = in_time("openssl s_server", move || {
            let mut line = String::new();
            while lines.read_line(&mut line).expect("text") > 0 {
                if let Some(address) = line.strip_prefix("ACCEPT ") {
                    let address = address.trim().parse().expect("an address");
                    // What it says later is not looked at, but has to go somewhere.
                    std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
                    return address;
                }
                line.clear();
            }
            panic!("it does not start")
        });
        Some(Self { address, child })
    }
}

impl Drop for OpenSsl {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
