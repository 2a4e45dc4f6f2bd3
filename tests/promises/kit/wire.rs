//! A bare connection: exact bytes out, exact bytes in.

use super::soon;
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// How an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Where its framing said.
    Whole,
    /// The connection ended first.
    Cut,
}

/// An answer as it came over the wire.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The version, such as `HTTP/1.1`.
    pub version: String,
    /// The status.
    pub status: u16,
    /// The fields, names in lower case.
    pub fields: Vec<(String, String)>,
    /// The body without its framing.
    pub body: Vec<u8>,
    /// The trailer section, as it came.
    pub trailers: String,
    /// How it ended.
    pub ending: Ending,
}

impl Reply {
    /// The value of a field, several joined by `, `.
    pub fn field(&self, name: &str) -> Option<String> {
        let values: Vec<_> = self.fields.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str()).collect();
        (!values.is_empty()).then(|| values.join(", "))
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    fn new(head: &str) -> Self {
        let mut lines = head.split("\r\n");
        let mut start = lines.next().unwrap_or_default().splitn(3, ' ');
        let version = start.next().unwrap_or_default().to_owned();
        let status = start.next().and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("{head:?} is no answer"));
        let fields = lines.filter_map(|line| line.split_once(':')).map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()));
        Self { version, status, fields: fields.collect(), body: Vec::new(), trailers: String::new(), ending: Ending::Whole }
    }
}

/// One end of a connection.
pub struct Wire {
    tcp: TcpStream,
    buffer: Vec<u8>,
}

impl Wire {
    /// Connects from one address to another.
    pub async fn connect(from: IpAddr, to: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind(SocketAddr::new(from, 0)).expect("an address of this machine");
        Self::new(soon("connecting", socket.connect(to)).await.expect("connected"))
    }

    /// The connection itself, where all that came was looked at.
    pub fn into_inner(self) -> TcpStream {
        assert!(self.buffer.is_empty());
        self.tcp
    }

    /// The end of a connection that was made.
    pub fn new(tcp: TcpStream) -> Self {
        tcp.set_nodelay(true).expect("an open connection");
        Self { tcp, buffer: Vec::new() }
    }

    /// Sends bytes. That the far side hangs up in the middle is for its answer to show; false if it has.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        soon("sending", self.tcp.write_all(bytes.as_ref())).await.is_ok()
    }

    /// Ends this side only.
    pub async fn half_close(&mut self) {
        self.tcp.shutdown().await.expect("half closed");
    }

    /// Goes away without a word: the far side sees a reset.
    pub fn reset(self) {
        socket2::SockRef::from(&self.tcp).set_linger(Some(std::time::Duration::ZERO)).expect("a setting");
    }

    /// Reads more; false at the end, however it came.
    pub async fn more(&mut self) -> bool {
        match soon("reading", self.tcp.read_buf(&mut self.buffer)).await {
            Ok(count) => count > 0,
            Err(error) if matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe) => false,
            Err(error) => panic!("{error}"),
        }
    }

    /// The next bytes up to and with a mark; `None` if the connection ends first.
    pub async fn until(&mut self, mark: &[u8]) -> Option<Vec<u8>> {
        loop {
            if let Some(at) = self.buffer.windows(mark.len()).position(|window| window == mark) {
                return Some(self.buffer.drain(..at + mark.len()).collect());
            }
            if !self.more().await {
                return None;
            }
        }
    }

    /// The next so many bytes, or fewer if the connection ends first.
    pub async fn take(&mut self, count: usize) -> Vec<u8> {
        while self.buffer.len() < count && self.more().await {}
        self.buffer.drain(..count.min(self.buffer.len())).collect()
    }

    /// All there is until the end.
    pub async fn rest(&mut self) -> Vec<u8> {
        while self.more().await {}
        std::mem::take(&mut self.buffer)
    }

    /// Whether the far side ends the connection without another byte.
    pub async fn is_closed(&mut self) -> bool {
        self.buffer.is_empty() && !self.more().await
    }

    /// Whether the far side ends the connection in order; false for a reset.
    pub async fn ends_cleanly(&mut self) -> bool {
        loop {
            match soon("reading", self.tcp.read_buf(&mut self.buffer)).await {
                Ok(0) => return true,
                Ok(_) => {}
                Err(_) => return false,
            }
        }
    }

    /// The status of the next answer, which stays to be read.
    pub async fn peek_status(&mut self) -> u16 {
        while self.buffer.len() < 12 && self.more().await {}
        std::str::from_utf8(self.buffer.get(9..12).unwrap_or_default()).ok().and_then(|status| status.parse().ok()).unwrap_or_default()
    }

    /// The next answer's head, for answers that have no body.
    pub async fn head_only(&mut self) -> Reply {
        self.next_head().await.unwrap_or_else(|| panic!("an answer is expected, not {:?}", String::from_utf8_lossy(&self.buffer)))
    }

    /// The next answer, interim ones too.
    pub async fn reply(&mut self) -> Reply {
        self.next_reply().await.unwrap_or_else(|| panic!("an answer is expected, not {:?}", String::from_utf8_lossy(&self.buffer)))
    }

    async fn next_head(&mut self) -> Option<Reply> {
        let head = self.until(b"\r\n\r\n").await?;
        Some(Reply::new(String::from_utf8_lossy(&head).trim_end_matches("\r\n")))
    }

    /// The next answer, interim ones too; `None` if the connection ends before its body begins.
    pub async fn next_reply(&mut self) -> Option<Reply> {
        let mut reply = self.next_head().await?;
        if reply.status < 200 || matches!(reply.status, 204 | 304) {
            return Some(reply);
        }
        if reply.field("transfer-encoding").is_some() {
            self.read_chunks(&mut reply).await;
        } else if let Some(length) = reply.field("content-length") {
            let length = length.parse().expect("a length");
            reply.body = self.take(length).await;
            reply.ending = if reply.body.len() == length { Ending::Whole } else { Ending::Cut };
        } else {
            reply.body = self.rest().await;
        }
        Some(reply)
    }

    async fn read_chunks(&mut self, reply: &mut Reply) {
        reply.ending = Ending::Cut;
        while let Some(line) = self.until(b"\r\n").await {
            let line = String::from_utf8_lossy(&line).into_owned();
            let size = usize::from_str_radix(line.trim_end(), 16).unwrap_or_else(|_| panic!("{line:?} is no chunk"));
            if size == 0 {
                return self.read_trailers(reply).await;
            }
            let chunk = self.take(size + 2).await;
            if chunk.len() < size + 2 {
                return;
            }
            reply.body.extend_from_slice(&chunk[..size]);
        }
    }

    async fn read_trailers(&mut self, reply: &mut Reply) {
        while let Some(line) = self.until(b"\r\n").await {
            if line == b"\r\n" {
                reply.ending = Ending::Whole;
                return;
            }
            reply.trailers += &String::from_utf8_lossy(&line);
        }
    }
}
