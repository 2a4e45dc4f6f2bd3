//! Devices that ask for things through the proxy, each over a connection of its own, and the site that answers them all.

use crate::school::CHAT;
use http::{HeaderValue, Method, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use std::cell::RefCell;
use std::collections::HashMap;
use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// One request.
pub struct Asked {
    /// How.
    pub method: Method,
    /// The whole address.
    pub url: String,
    /// Fields.
    pub fields: Vec<(&'static str, String)>,
    /// What is sent.
    pub body: String,
}

/// What came of them all.
#[derive(Default)]
pub struct Tally {
    /// How many were asked.
    pub asked: u64,
    /// How many were answered, by status.
    pub answered: HashMap<u16, u64>,
    /// How many were not.
    pub failed: u64,
}

/// A page's worth of what all sites say.
const SAYS: &str = "<!doctype html><title>A page</title><p>Rivers wear away their banks, and lay down what they carry where they slow.";

async fn answer<S: AsyncRead + AsyncWrite + Unpin + 'static>(stream: S) {
    let service = service_fn(|request: Request<Incoming>| async move {
        // A request is answered when it has come.
        let _ = request.into_body().collect().await;
        let response = Response::builder().header("content-type", "text/html; charset=utf-8").body(Full::new(Bytes::from(SAYS.repeat(9))));
        Ok::<_, Infallible>(response.expect("an answer"))
    });
    // Whoever goes away is told by the proxy.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

/// The site that is all of them, in the clear and behind TLS.
pub struct Site {
    /// In the clear.
    pub plain: u16,
    /// Behind TLS, as the chat service.
    pub secure: u16,
    /// Who signed its certificate, in PEM.
    pub authority: String,
    listeners: (TcpListener, TcpListener, TlsAcceptor),
}

impl Site {
    /// A site that is yet to answer.
    pub async fn new() -> Self {
        let mut params = CertificateParams::new([]).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let authority = params.self_signed(&key).expect("a certificate").pem();
        let issuer = Issuer::new(params, key);
        let key = KeyPair::generate().expect("a key");
        let certificate = CertificateParams::new([CHAT.to_owned()]).expect("a name").signed_by(&key, &issuer).expect("a certificate");
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider())).with_safe_default_protocol_versions().expect("versions");
        let key = PrivatePkcs8KeyDer::from(key.serialize_der());
        let config = config.with_no_client_auth().with_single_cert(vec![certificate.der().clone()], key.into()).expect("a certificate and its key");
        let [plain, secure] = [0, 1].map(|_| TcpListener::bind("127.0.0.1:0"));
        let (plain, secure) = (plain.await.expect("a port"), secure.await.expect("a port"));
        let port = |listener: &TcpListener| listener.local_addr().expect("an address").port();
        Self { plain: port(&plain), secure: port(&secure), authority, listeners: (plain, secure, TlsAcceptor::from(Arc::new(config))) }
    }

    /// Answers from now on.
    pub fn answer(self) {
        let (plain, secure, acceptor) = self.listeners;
        tokio::task::spawn_local(async move {
            while let Ok((tcp, _)) = plain.accept().await {
                tokio::task::spawn_local(answer(tcp));
            }
        });
        tokio::task::spawn_local(async move {
            while let Ok((tcp, _)) = secure.accept().await {
                let acceptor = acceptor.clone();
                tokio::task::spawn_local(async move {
                    if let Ok(tls) = acceptor.accept(tcp).await {
                        answer(tls).await;
                    }
                });
            }
        });
    }
}

async fn connect(from: Ipv4Addr, proxy: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((from, 0).into())?;
    let tcp = socket.connect(proxy).await?;
    tcp.set_nodelay(true)?;
    Ok(tcp)
}

async fn speak<S: AsyncRead + AsyncWrite + Unpin + 'static>(stream: S) -> Option<SendRequest<Full<Bytes>>> {
    let (sender, connection) = handshake(TokioIo::new(stream)).await.ok()?;
    tokio::task::spawn_local(async move {
        // That it is over the next request tells.
        let _ = connection.await;
    });
    Some(sender)
}

fn request(asked: Asked, host: &str, target: &str) -> Request<Full<Bytes>> {
    let mut request = Request::builder().method(asked.method).uri(target).header("host", host);
    for (name, value) in asked.fields {
        request = request.header(name, HeaderValue::from_str(&value).unwrap_or(HeaderValue::from_static("x")));
    }
    request.body(Full::new(asked.body.into())).expect("a request")
}

async fn answered(sender: &mut SendRequest<Full<Bytes>>, request: Request<Full<Bytes>>) -> Option<u16> {
    sender.ready().await.ok()?;
    let response = sender.send_request(request).await.ok()?;
    let status = response.status().as_u16();
    response.into_body().collect().await.ok()?;
    Some(status)
}

/// All devices.
pub struct Devices {
    proxy: SocketAddr,
    lines: HashMap<IpAddr, UnboundedSender<Asked>>,
    /// What came of all that was asked.
    pub tally: Rc<RefCell<Tally>>,
}

impl Devices {
    /// None yet, that go through this proxy.
    pub fn new(proxy: SocketAddr) -> Self {
        Self { proxy, lines: HashMap::new(), tally: Rc::default() }
    }

    /// A device asks for something; what it asked for before is answered first.
    pub fn ask(&mut self, from: Ipv4Addr, asked: Asked) {
        self.tally.borrow_mut().asked += 1;
        let (proxy, tally) = (self.proxy, self.tally.clone());
        let line = self.lines.entry(from.into()).or_insert_with(|| {
            let (line, mut waiting) = unbounded_channel::<Asked>();
            tokio::task::spawn_local(async move {
                let mut sender = None;
                while let Some(asked) = waiting.recv().await {
                    if sender.as_ref().is_none_or(SendRequest::is_closed) {
                        sender = match connect(from, proxy).await {
                            Ok(tcp) => speak(tcp).await,
                            Err(_) => None,
                        };
                    }
                    let host = asked.url.split('/').nth(2).unwrap_or_default().to_owned();
                    let url = asked.url.clone();
                    let status = match &mut sender {
                        Some(sender) => answered(sender, request(asked, &host, &url)).await,
                        None => None,
                    };
                    tally.borrow_mut().note(status);
                    if status.is_none() {
                        sender = None;
                    }
                }
            });
            line
        });
        assert!(line.send(asked).is_ok(), "the device is there");
    }

    /// A device opens a tunnel to this host and port, trusts the school's authority, and asks there.
    pub fn ask_inside(&self, from: Ipv4Addr, (host, port): (&'static str, u16), trusted: &[u8], asked: Asked) {
        self.tally.borrow_mut().asked += 1;
        let (proxy, tally) = (self.proxy, self.tally.clone());
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(trusted) {
            roots.add(certificate.expect("a certificate")).expect("an authority");
        }
        tokio::task::spawn_local(async move {
            let status = inside(from, proxy, (host, port), roots, asked).await;
            tally.borrow_mut().note(status);
        });
    }
}

impl Tally {
    fn note(&mut self, status: Option<u16>) {
        match status {
            Some(status) => *self.answered.entry(status).or_default() += 1,
            None => self.failed += 1,
        }
    }
}

async fn inside(from: Ipv4Addr, proxy: SocketAddr, (host, port): (&'static str, u16), roots: RootCertStore, asked: Asked) -> Option<u16> {
    let mut tcp = connect(from, proxy).await.ok()?;
    tcp.write_all(format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n").as_bytes()).await.ok()?;
    let mut said = Vec::new();
    while !said.ends_with(b"\r\n\r\n") {
        said.push(tcp.read_u8().await.ok()?);
    }
    if !said.starts_with(b"HTTP/1.1 200") {
        return None;
    }
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider())).with_safe_default_protocol_versions().expect("versions");
    let config = config.with_root_certificates(roots).with_no_client_auth();
    let tls = TlsConnector::from(Arc::new(config)).connect(ServerName::try_from(host).expect("a name"), tcp).await.ok()?;
    let mut sender = speak(tls).await?;
    let target = asked.url.splitn(4, '/').nth(3).map(|path| format!("/{path}")).unwrap_or_default();
    answered(&mut sender, request(asked, &format!("{host}:{port}"), &target)).await
}
