//! A publisher of lists: a site of its own thread, whose answer to each request can be changed while a test goes on.

use super::PATIENCE;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What a publisher answers.
#[derive(Clone, Debug)]
pub enum Offer {
    /// A list, with an ETag of its own: who has it already is told so.
    List(Vec<u8>),
    /// Bytes as they are, head and all.
    Raw(Vec<u8>),
}

/// A publisher.
pub struct Publisher {
    /// Where it is.
    pub address: SocketAddr,
    offer: Arc<Mutex<Offer>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Publisher {
    /// A publisher of this list.
    pub fn of(list: impl Into<Vec<u8>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let publisher = Self { address, offer: Arc::new(Mutex::new(Offer::List(list.into()))), asked: Arc::default() };
        let (offer, asked) = (publisher.offer.clone(), publisher.asked.clone());
        std::thread::spawn(move || {
            for tcp in listener.incoming().flatten() {
                let (offer, asked) = (offer.clone(), asked.clone());
                // One that breaks off is the test's doing.
                std::thread::spawn(move || drop(answer(&tcp, &offer, &asked)));
            }
        });
        publisher
    }

    /// What it offers from now on.
    pub fn offers(&self, list: impl Into<Vec<u8>>) {
        *self.offer.lock().expect("an offer") = Offer::List(list.into());
    }

    /// What it answers from now on, head and all.
    pub fn answers(&self, bytes: impl Into<Vec<u8>>) {
        *self.offer.lock().expect("an offer") = Offer::Raw(bytes.into());
    }

    /// Where its list is.
    pub fn url(&self) -> String {
        format!("http://{}/list.txt", self.address)
    }

    /// The heads of the requests it was sent.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("a list").clone()
    }
}

fn answer(tcp: &TcpStream, offer: &Mutex<Offer>, asked: &Mutex<Vec<String>>) -> std::io::Result<()> {
    tcp.set_read_timeout(Some(PATIENCE))?;
    let mut reader = BufReader::new(tcp);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head)? == 0 {
            return Ok(());
        }
    }
    asked.lock().expect("a list").push(head.clone());
    let offer = offer.lock().expect("an offer").clone();
    let mut out = tcp;
    match offer {
        Offer::Raw(bytes) => out.write_all(&bytes),
        Offer::List(list) => {
            let tag = format!("\"{}\"", blake3::hash(&list).to_hex());
            if head.to_lowercase().contains(&format!("if-none-match: {tag}")) {
                return write!(out, "HTTP/1.1 304 Not Modified\r\nETag: {tag}\r\nConnection: close\r\n\r\n");
            }
            write!(out, "HTTP/1.1 200 OK\r\nETag: {tag}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", list.len())?;
            out.write_all(&list)
        }
    }
}
