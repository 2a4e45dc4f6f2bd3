//! A device that trusts the school's authority, and speaks TLS through the proxy.

use super::soon;
use super::world::Files;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::version::TLS13;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// Such a device.
pub struct Device {
    connector: TlsConnector,
    address: IpAddr,
    proxy: SocketAddr,
    fields: String,
}

impl Device {
    /// A pupil's, with the authority installed that these files hold.
    pub fn of(files: &Files, proxy: SocketAddr) -> Self {
        let pem = files.usher(&["ca", "export"]).out;
        let mut store = RootCertStore::empty();
        store.add(CertificateDer::from_pem_slice(pem.as_bytes()).expect("a certificate")).expect("a root");
        Self::trusting(store, proxy)
    }

    /// A pupil's, that trusts nobody.
    pub fn alone(proxy: SocketAddr) -> Self {
        Self::trusting(RootCertStore::empty(), proxy)
    }

    /// Another program at a pupil's device, which trusts these and nobody else. It is told from others by its hello: it speaks TLS 1.3 only.
    pub fn another(pems: &[&str], proxy: SocketAddr, tune: impl FnOnce(&mut ClientConfig)) -> Self {
        let mut store = RootCertStore::empty();
        for pem in pems {
            store.add(CertificateDer::from_pem_slice(pem.as_bytes()).expect("a certificate")).expect("a root");
        }
        let builder = ClientConfig::builder_with_provider(usher::tls::provider()).with_protocol_versions(&[&TLS13]).expect("versions");
        let mut config = builder.with_root_certificates(store).with_no_client_auth();
        tune(&mut config);
        Self::with(config, proxy)
    }

    fn trusting(store: RootCertStore, proxy: SocketAddr) -> Self {
        let builder = ClientConfig::builder_with_provider(usher::tls::provider()).with_safe_default_protocol_versions().expect("versions");
        Self::with(builder.with_root_certificates(store).with_no_client_auth(), proxy)
    }

    fn with(config: ClientConfig, proxy: SocketAddr) -> Self {
        Self { connector: Arc::new(config).into(), address: IpAddr::from([127, 0, 7, 1]), proxy, fields: String::new() }
    }

    /// Of somebody who gives a name and a password.
    pub fn who_says(mut self, name: &str, password: &str) -> Self {
        let credentials = STANDARD.encode(format!("{name}:{password}"));
        self.fields = format!("Proxy-Authorization: Basic {credentials}\r\n");
        self
    }

    /// Whose tunnels are asked for with this field.
    pub fn saying(mut self, name: &str, value: &str) -> Self {
        self.fields = format!("{}{name}: {value}\r\n", self.fields);
        self
    }

    /// The same, offering to speak these inside TLS.
    pub fn clone_offering(&self, protocols: &[&[u8]]) -> Self {
        let mut config = (**self.connector.config()).clone();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        Self { connector: Arc::new(config).into(), address: self.address, proxy: self.proxy, fields: self.fields.clone() }
    }

    /// At another address.
    pub fn at(mut self, address: [u8; 4]) -> Self {
        self.address = IpAddr::from(address);
        self
    }

    /// A tunnel, open.
    pub async fn tunnel(&self, authority: &str) -> TcpStream {
        let (head, tcp) = self.connect(authority).await;
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        tcp
    }

    /// What a `CONNECT` is answered, and the connection.
    pub async fn connect(&self, authority: &str) -> (String, TcpStream) {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind(SocketAddr::new(self.address, 0)).expect("an address of this machine");
        let mut tcp = soon("connecting", socket.connect(self.proxy)).await.expect("connected");
        tcp.write_all(format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n{}\r\n", self.fields).as_bytes()).await.expect("sent");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(soon("an answer", tcp.read_u8()).await.expect("an answer"));
        }
        (String::from_utf8(head).expect("text"), tcp)
    }

    /// TLS through a tunnel to `authority`, asking for the server `name`.
    pub async fn secure(&self, authority: &str, name: &str) -> std::io::Result<TlsStream<TcpStream>> {
        let tcp = self.tunnel(authority).await;
        soon("a handshake", self.connector.connect(ServerName::try_from(name.to_owned()).expect("a name"), tcp)).await
    }

    /// HTTP in a connection to a site.
    pub async fn open(&self, authority: &str) -> Talk {
        self.try_open(authority).await.expect("a certificate that is trusted")
    }

    /// The same, if there is TLS to be had.
    pub async fn try_open(&self, authority: &str) -> std::io::Result<Talk> {
        let name = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
        let tls = self.secure(authority, name).await?;
        let shown = tls.get_ref().1.peer_certificates().and_then(|chain| chain.first()).map(|certificate| certificate.to_vec()).unwrap_or_default();
        let (sender, connection) = handshake(TokioIo::new(tls)).await.expect("HTTP");
        tokio::spawn(connection);
        Ok(Talk { sender, authority: authority.to_owned(), shown })
    }
}

/// HTTP under way.
pub struct Talk {
    sender: SendRequest<Full<Bytes>>,
    authority: String,
    /// The certificate that was shown.
    pub shown: Vec<u8>,
}

impl Talk {
    /// Whether the far side ends the connection.
    pub async fn is_closed(&mut self) -> bool {
        soon("an end", async {
            while !self.sender.is_closed() {
                tokio::task::yield_now().await;
            }
        })
        .await;
        true
    }

    /// Asks for a page as people do who read it.
    pub async fn read(&mut self, path: &str) -> (StatusCode, String) {
        let request = Request::builder().uri(path).header("host", &self.authority).header("accept", "text/html").body(Full::default());
        let (head, body) = self.send(request.expect("a request")).await.into_parts();
        (head.status, body)
    }

    /// Sends a form.
    pub async fn post(&mut self, path: &str, form: &str) -> Response<String> {
        let request = Request::builder().method("POST").uri(path).header("host", &self.authority).body(Full::from(form.to_owned())).expect("a request");
        self.send(request).await
    }

    async fn send(&mut self, request: Request<Full<Bytes>>) -> Response<String> {
        soon("to be ready", self.sender.ready()).await.expect("open");
        let (head, body) = soon("an answer", self.sender.send_request(request)).await.expect("an answer").into_parts();
        let body = soon("its body", body.collect()).await.expect("a body").to_bytes();
        Response::from_parts(head, String::from_utf8_lossy(&body).into_owned())
    }

    /// Asks for a path of the site.
    pub async fn get(&mut self, path: &str) -> (StatusCode, String) {
        let authority = self.authority.clone();
        let (head, body) = self.ask("GET", path, &authority).await.into_parts();
        (head.status, body)
    }

    /// Asks for a path in the name of some host.
    pub async fn ask(&mut self, method: &str, path: &str, host: &str) -> Response<String> {
        self.sent(Request::builder().method(method).uri(path).header("host", host)).await
    }

    /// Asks for a path of the site, with these fields.
    pub async fn ask_with(&mut self, method: &str, path: &str, fields: &[(&str, &str)]) -> Response<String> {
        let request = Request::builder().method(method).uri(path).header("host", &self.authority);
        self.sent(fields.iter().fold(request, |request, (name, value)| request.header(*name, *value))).await
    }

    async fn sent(&mut self, request: http::request::Builder) -> Response<String> {
        self.send(request.body(Full::default()).expect("a request")).await
    }
}
