//! Sites: each a script that reads and writes exact bytes, and remembers every byte it was sent.

use super::wire::Wire;
use super::{PATIENCE, soon};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::net::{TcpListener, TcpStream};

/// A site on this machine.
pub struct Origin {
    /// Where it is.
    pub address: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
    visits: Arc<AtomicUsize>,
}

impl Origin {
    /// A site that does this on every connection.
    pub async fn doing<F>(script: impl Fn(Visit) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self::doing_at("127.0.0.1:0", script).await.expect("a port of this machine")
    }

    /// A site at an address, if this machine has it.
    pub async fn doing_at<F>(address: &str, script: impl Fn(Visit) -> F + Send + 'static) -> Option<Self>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind(address).await.ok()?;
        let address = listener.local_addr().expect("an address");
        let (seen, visits) = (Arc::new(Mutex::default()), Arc::new(AtomicUsize::new(0)));
        let origin = Self { address, seen: seen.clone(), visits: visits.clone() };
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                let number = visits.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(script(Visit::new(tcp, number, seen.clone())));
            }
        });
        Some(origin)
    }

    /// Two sites on the same port, at 127.0.0.1 and 127.0.0.2, whose every page says this of itself.
    pub async fn two_saying(first: &'static str, second: &'static str) -> [Self; 2] {
        let script = |text: &'static str| {
            move |mut visit: Visit| async move {
                while visit.request().await.is_some() {
                    visit.say(text).await;
                }
            }
        };
        loop {
            let one = Self::doing(script(first)).await;
            // Somebody else may have the port there.
            if let Some(two) = Self::doing_at(&format!("127.0.0.2:{}", one.address.port()), script(second)).await {
                return [one, two];
            }
        }
    }

    /// A site that gives every request on a connection the same answer.
    pub async fn answering(answer: impl AsRef<[u8]>) -> Self {
        let answer: Arc<[u8]> = answer.as_ref().into();
        Self::doing(move |mut visit| {
            let answer = answer.clone();
            async move {
                while visit.request().await.is_some() {
                    visit.send(&answer).await;
                }
            }
        })
        .await
    }

    /// A site whose every answer has these fields (each with its line end) and this body.
    pub async fn giving(fields: &str, body: impl AsRef<[u8]>) -> Self {
        let body = body.as_ref();
        Self::answering([format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n{fields}\r\n", body.len()).as_bytes(), body].concat()).await
    }

    /// A site that gives each connection the next of these answers, the last again and again, then ends it.
    pub async fn ending(answers: &[&str]) -> Self {
        let answers: Arc<[String]> = answers.iter().map(|answer| (*answer).to_owned()).collect();
        Self::doing(move |mut visit| {
            let answers = answers.clone();
            async move {
                visit.request().await;
                visit.send(&answers[visit.number.min(answers.len() - 1)]).await;
            }
        })
        .await
    }

    /// A site whose every page says this.
    pub async fn saying(text: &str) -> Self {
        Self::answering(&format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{text}", text.len())).await
    }

    /// A site that sends back what it is sent, and `end` when that ends.
    pub async fn echoing() -> Self {
        Self::doing(|mut visit| async move {
            loop {
                let part = visit.wire.take(1).await;
                if part.is_empty() {
                    visit.send("end").await;
                    return;
                }
                visit.send(part).await;
            }
        })
        .await
    }

    /// A page of the site.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.authority())
    }

    /// The site as a tunnel names it.
    pub fn authority(&self) -> String {
        format!("news.example:{}", self.address.port())
    }

    /// A request for a page, with these fields (each with its line end), without a body.
    pub fn request(&self, method: &str, path: &str, fields: &str) -> String {
        format!("{method} {} HTTP/1.1\r\nHost: {}\r\n{fields}\r\n", self.url(path), self.authority())
    }

    /// Every request it has read, head and body as they came; and whatever else it was sent.
    pub fn seen(&self) -> Vec<String> {
        self.seen.lock().expect("a list").clone()
    }

    /// The one request it has read.
    pub fn the_request(&self) -> String {
        let seen = self.seen();
        assert_eq!(seen.len(), 1, "{seen:?}");
        seen[0].clone()
    }

    /// How many connections were made to it.
    pub fn visits(&self) -> usize {
        self.visits.load(Ordering::SeqCst)
    }
}

/// One connection to a site.
pub struct Visit {
    /// Bytes, both ways.
    pub wire: Wire,
    /// How many came before it.
    pub number: usize,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Visit {
    fn new(tcp: TcpStream, number: usize, seen: Arc<Mutex<Vec<String>>>) -> Self {
        Self { wire: Wire::new(tcp), number, seen }
    }

    /// Sends bytes.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.wire.send(bytes).await
    }

    /// Sends an answer with a body and its length.
    pub async fn say(&mut self, text: &str) {
        self.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{text}", text.len())).await;
    }

    /// Reads a request's head; `None` at the end of the connection.
    pub async fn head(&mut self) -> Option<String> {
        let head = self.idle_until(b"\r\n\r\n").await?;
        let head = String::from_utf8_lossy(&head).into_owned();
        self.seen.lock().expect("a list").push(head.clone());
        Some(head)
    }

    /// As long as the proxy keeps a connection idle, a site does.
    async fn idle_until(&mut self, mark: &[u8]) -> Option<Vec<u8>> {
        tokio::time::timeout(PATIENCE * 3, self.wire.until(mark)).await.unwrap_or_default()
    }

    /// Reads a request, head and body.
    pub async fn request(&mut self) -> Option<String> {
        let head = self.idle_until(b"\r\n\r\n").await?;
        let mut text = String::from_utf8_lossy(&head).into_owned();
        let lower = text.to_lowercase();
        if lower.contains("\r\ntransfer-encoding:") {
            text += &self.chunks().await;
        } else if let Some(length) = lower.split("\r\ncontent-length:").nth(1).and_then(|rest| rest.split("\r\n").next()?.trim().parse().ok()) {
            text += &String::from_utf8_lossy(&self.wire.take(length).await);
        }
        self.seen.lock().expect("a list").push(text.clone());
        Some(text)
    }

    async fn chunks(&mut self) -> String {
        let mut text = String::new();
        while !(text.ends_with("\r\n\r\n") && (text.starts_with("0\r\n") || text.contains("\r\n0\r\n"))) {
            let Some(line) = self.wire.until(b"\r\n").await else { return text };
            text += &String::from_utf8_lossy(&line);
        }
        text
    }

    /// Waits for the far side to go.
    pub async fn gone(mut self) {
        soon("going", self.wire.rest()).await;
    }
}
