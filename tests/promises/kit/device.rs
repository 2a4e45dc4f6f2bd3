//! A device that trusts the school's authority, and speaks TLS through the proxy.

use super::soon;
use super::world::Files;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty};
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

    fn trusting(store: RootCertStore, proxy: SocketAddr) -> Self {
        let builder = ClientConfig::builder_with_provider(usher::tls::provider()).with_safe_default_protocol_versions().expect("versions");
        let config = builder.with_root_certificates(store).with_no_client_auth();
        Self { connector: Arc::new(config).into(), address: IpAddr::from([127, 0, 7, 1]), proxy, fields: String::new() }
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
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind(SocketAddr::new(self.address, 0)).expect("an address of this machine");
        let mut tcp = soon("connecting", socket.connect(self.proxy)).await.expect("connected");
        tcp.write_all(format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n{}\r\n", self.fields).as_bytes()).await.expect("sent");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(soon("an answer", tcp.read_u8()).await.expect("an answer"));
        }
        assert!(head.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&head));
        tcp
    }

    /// TLS through a tunnel to `authority`, asking for the server `name`.
    pub async fn secure(&self, authority: &str, name: &str) -> std::io::Result<TlsStream<TcpStream>> {
        let tcp = self.tunnel(authority).await;
        soon("a handshake", self.connector.connect(ServerName::try_from(name.to_owned()).expect("a name"), tcp)).await
    }

    /// HTTP in a connection to a site.
    pub async fn open(&self, authority: &str) -> Talk {
        let name = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
        let tls = self.secure(authority, name).await.expect("a certificate that is trusted");
        let (sender, connection) = handshake(TokioIo::new(tls)).await.expect("HTTP");
        tokio::spawn(connection);
        Talk { sender, authority: authority.to_owned() }
    }
}

/// HTTP under way.
pub struct Talk {
    sender: SendRequest<Empty<Bytes>>,
    authority: String,
}

impl Talk {
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
        let request = request.body(Empty::new()).expect("a request");
        soon("to be ready", self.sender.ready()).await.expect("open");
        let (head, body) = soon("an answer", self.sender.send_request(request)).await.expect("an answer").into_parts();
        let body = soon("its body", body.collect()).await.expect("a body").to_bytes();
        Response::from_parts(head, String::from_utf8_lossy(&body).into_owned())
    }
}
