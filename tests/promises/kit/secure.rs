//! Sites over https: a server of hyper's behind rustls, with a certificate minted for the test.

use super::soon;
use http::{HeaderMap, Request, Response};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rcgen::{BasicConstraints, Certificate, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};
use usher::library::fetch::Roots;

/// Who signs certificates.
pub struct Authority {
    certificate: Certificate,
    issuer: Issuer<'static, KeyPair>,
}

/// When a certificate is good.
#[derive(Clone, Copy)]
pub enum Good {
    /// Now.
    Now,
    /// No longer.
    Before,
    /// Not yet.
    Later,
}

impl Authority {
    /// One of this name that nobody knows yet.
    pub fn new(name: &str) -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new([]).expect("no names");
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).expect("a certificate");
        Self { certificate, issuer: Issuer::new(params, key) }
    }

    /// For those who trust it and nobody else.
    pub fn roots(&self) -> Roots {
        let mut store = RootCertStore::empty();
        store.add(self.certificate.der().clone()).expect("a certificate");
        Roots::Only(Arc::new(store))
    }

    /// As a file holds it.
    pub fn pem(&self) -> String {
        self.certificate.pem()
    }

    /// For a server of these names, its certificate good now.
    pub fn acceptor(&self, names: &[&str]) -> TlsAcceptor {
        TlsAcceptor::from(Arc::new(self.config(names, Good::Now)))
    }

    /// A certificate of these names and its key, as files hold them.
    pub fn certificate_pem(&self, names: &[&str]) -> (String, String) {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).expect("names");
        (params.signed_by(&key, &self.issuer).expect("a certificate").pem(), key.serialize_pem())
    }

    fn config(&self, names: &[&str], good: Good) -> ServerConfig {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).expect("names");
        (params.not_before, params.not_after) = match good {
            Good::Now => (date_time_ymd(2020, 1, 1), date_time_ymd(4000, 1, 1)),
            Good::Before => (date_time_ymd(2020, 1, 1), date_time_ymd(2021, 1, 1)),
            Good::Later => (date_time_ymd(3999, 1, 1), date_time_ymd(4000, 1, 1)),
        };
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider())).with_safe_default_protocol_versions().expect("versions");
        let key = PrivatePkcs8KeyDer::from(key.serialize_der());
        config.with_no_client_auth().with_single_cert(vec![certificate.der().clone()], key.into()).expect("a certificate and its key")
    }
}

/// A site over https. It answers every request with its text, or 304 to who has it; or leads on.
pub struct SecureSite {
    /// Where it is.
    pub address: SocketAddr,
    seen: Arc<Mutex<Vec<(String, HeaderMap)>>>,
}

impl SecureSite {
    /// A site of these names that says this.
    pub async fn saying(text: &str, authority: &Authority, names: &[&str], good: Good) -> Self {
        Self::doing(Says::Text(text.to_owned().into()), authority.config(names, good)).await
    }

    /// A site of these names that leads on to another address.
    pub async fn leading_to(address: &str, authority: &Authority, names: &[&str]) -> Self {
        Self::doing(Says::Elsewhere(address.to_owned()), authority.config(names, Good::Now)).await
    }

    /// Two sites of the same names on the same port, the first at 127.0.0.1 and the second at 127.0.0.2, whose pages say what they were asked for.
    pub async fn two_echoing(authority: &Authority, names: &[&str]) -> [Self; 2] {
        loop {
            let first = Self::doing(Says::WhatIsAsked, authority.config(names, Good::Now)).await;
            // Somebody else may have the port there.
            if let Ok(listener) = TcpListener::bind(("127.0.0.2", first.address.port())).await {
                return [first, Self::listening(listener, Says::WhatIsAsked, authority.config(names, Good::Now))];
            }
        }
    }

    async fn doing(says: Says, config: ServerConfig) -> Self {
        Self::listening(TcpListener::bind("127.0.0.1:0").await.expect("a port"), says, config)
    }

    fn listening(listener: TcpListener, says: Says, config: ServerConfig) -> Self {
        let (address, seen) = (listener.local_addr().expect("an address"), Arc::new(Mutex::new(Vec::new())));
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let keep = seen.clone();
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                let (acceptor, says, keep) = (acceptor.clone(), says.clone(), keep.clone());
                tokio::spawn(async move {
                    // A client that does not trust it goes away.
                    let Ok(tls) = soon("a handshake", acceptor.accept(tcp)).await else { return };
                    let service = service_fn(|request| std::future::ready(Ok::<_, Infallible>(answer(&request, &says, &keep))));
                    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(tls), service).await;
                });
            }
        });
        Self { address, seen }
    }

    /// Target and fields of every request it has read.
    pub fn seen(&self) -> Vec<(String, HeaderMap)> {
        self.seen.lock().expect("a list").clone()
    }
}

/// What a site does with every request.
#[derive(Clone)]
enum Says {
    Text(Bytes),
    Elsewhere(String),
    WhatIsAsked,
}

fn answer(request: &Request<Incoming>, says: &Says, seen: &Mutex<Vec<(String, HeaderMap)>>) -> Response<Full<Bytes>> {
    seen.lock().expect("a list").push((request.uri().to_string(), request.headers().clone()));
    let unchanged = request.headers().get("if-none-match").is_some_and(|etag| etag == "\"v1\"");
    let (response, body) = match says {
        Says::Elsewhere(address) => (Response::builder().status(302).header("location", address), Bytes::new()),
        Says::WhatIsAsked => (Response::builder().header("content-type", "text/html"), Bytes::from(request.uri().to_string().replace('&', "&amp;"))),
        Says::Text(_) if unchanged => (Response::builder().status(304).header("etag", "\"v1\""), Bytes::new()),
        Says::Text(text) => (Response::builder().header("etag", "\"v1\""), text.clone()),
    };
    response.body(Full::new(body)).expect("an answer")
}
