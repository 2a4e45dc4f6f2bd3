//! Bytes both ways until both ways are done.
//!
//! A side that ends only its own half (a half-close, RFC 9112 section 9.6) still gets the other's last bytes. A tunnel without a byte either way for
//! too long is closed. Buffers are held only while bytes move: an idle tunnel costs none.

use super::limits::TUNNEL_BUFFER;
use super::pace::{Cut, GRAIN, Leash};
use super::timer::Timer;
use super::wire::Wire;
use crate::upstream::tunnel::Tunnel;
use bytes::{Buf, BytesMut};
use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

/// How often in a row one direction may move bytes before others get their turn.
const TURNS: usize = 16;

thread_local! {
    /// One buffer a thread, for all tunnels: what cannot be written at once is set aside in the tunnel's own.
    static BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; TUNNEL_BUFFER].into());
}

/// One end of a tunnel, with bytes that were read from it before.
pub struct End {
    /// The connection.
    pub wire: Wire,
    /// Bytes that came early.
    pub early: BytesMut,
}

impl From<Tunnel> for End {
    fn from(Tunnel { tcp, early }: Tunnel) -> Self {
        Self { wire: tcp.into(), early }
    }
}

/// How a tunnel ended.
#[derive(Debug)]
pub enum Ended {
    /// Both sides were done.
    Done,
    /// Nothing moved for too long.
    Idle,
    /// The person's access was restricted.
    Cut(Cut),
    /// The client's side broke off.
    Client(io::Error),
    /// The origin's side broke off.
    Origin(io::Error),
}

/// Bytes moved, each way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// From the client.
    pub up: u64,
    /// To the client.
    pub down: u64,
}

/// One way: what is read from one connection is written to the other.
struct Direction {
    /// Read and not yet written.
    waiting: BytesMut,
    /// Whether bytes were written that the connection may hold back.
    unflushed: bool,
    moved: u64,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// The near side has ended; the far side is yet to be told.
    Ending,
    Ended,
}

/// Which side an error came from.
enum Failed {
    Reading(io::Error),
    Writing(io::Error),
}

impl Direction {
    fn new(early: BytesMut) -> Self {
        Self { waiting: early, unflushed: false, moved: 0, state: State::Open }
    }

    /// Moves what there is to move, and reads no more than `room` bytes, of which it takes what it has read. `other_ended`: the other way is done, so that
    /// both connections are closed when this one is.
    fn poll(&mut self, from: &mut Wire, to: &mut Wire, room: &mut usize, cx: &mut Context<'_>, other_ended: bool) -> Poll<Result<(), Failed>> {
        for _ in 0..TURNS {
            ready!(self.poll_waiting(to, cx)).map_err(Failed::Writing)?;
            match self.state {
                State::Open => {
                    let polled = self.poll_move(from, to, room, cx);
                    if polled.is_pending() && self.unflushed {
                        ready!(Pin::new(&mut *to).poll_flush(cx)).map_err(Failed::Writing)?;
                        self.unflushed = false;
                    }
                    ready!(polled)?;
                }
                State::Ending => {
                    if other_ended && matches!(to, Wire::Tcp(_)) {
                        // Closing tells the far side as well.
                        self.state = State::Ended;
                        continue;
                    }
                    ready!(Pin::new(&mut *to).poll_shutdown(cx)).map_err(Failed::Writing)?;
                    self.state = State::Ended;
                }
                State::Ended => return Poll::Ready(Ok(())),
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn poll_waiting(&mut self, to: &mut Wire, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.waiting.is_empty() {
            let count = ready!(Pin::new(&mut *to).poll_write(cx, &self.waiting))?;
            self.waiting.advance(count);
            self.unflushed = true;
            self.moved += count as u64;
        }
        if self.waiting.capacity() > 0 {
            self.waiting = BytesMut::new();
        }
        Poll::Ready(Ok(()))
    }

    fn poll_move(&mut self, from: &mut Wire, to: &mut Wire, room: &mut usize, cx: &mut Context<'_>) -> Poll<Result<(), Failed>> {
        if *room == 0 {
            // Whoever gives room wakes it.
            return Poll::Pending;
        }
        BUFFER.with_borrow_mut(|buffer| {
            let most = buffer.len().min(*room);
            let mut read = ReadBuf::new(&mut buffer[..most]);
            ready!(Pin::new(from).poll_read(cx, &mut read)).map_err(Failed::Reading)?;
            let bytes = read.filled();
            *room -= bytes.len();
            if bytes.is_empty() {
                self.state = State::Ending;
                return Poll::Ready(Ok(()));
            }
            self.unflushed = true;
            let written = match Pin::new(to).poll_write(cx, bytes) {
                Poll::Ready(count) => count.map_err(Failed::Writing)?,
                Poll::Pending => 0,
            };
            self.moved += written as u64;
            self.waiting.extend_from_slice(&bytes[written..]);
            Poll::Ready(Ok(()))
        })
    }
}

/// Moves bytes between a client and an origin until both are done, nothing moves for `idle`, or the leash ends it. `count` is told whenever the sums
/// change.
pub async fn run(client: End, origin: End, (idle, mut leash): (Duration, Option<Leash>), mut count: impl FnMut(Moved)) -> Ended {
    let (mut up, mut down) = (Direction::new(client.early), Direction::new(origin.early));
    let (mut client, mut origin) = (client.wire, origin.wire);
    let mut moved = Moved::default();
    let (mut active, mut timer) = (Instant::now(), Timer::default());
    // Whose turn it is to move first: where there is room for little, both ways get half of it.
    let mut up_is_first = true;
    poll_fn(|cx| {
        leash.iter_mut().for_each(|leash| leash.listen(cx));
        let room = match leash.as_mut().map_or(Poll::Ready(Ok(usize::MAX)), |leash| leash.poll(|| GRAIN, cx)) {
            Poll::Ready(Err(cut)) => return Poll::Ready(Ended::Cut(cut)),
            Poll::Ready(Ok(room)) => room,
            // Nobody is late while it is held back.
            Poll::Pending => {
                active = Instant::now();
                0
            }
        };
        let mut left = room;
        let polled = if up_is_first {
            let first = up.poll(&mut client, &mut origin, &mut left, cx, down.state == State::Ended);
            (first, down.poll(&mut origin, &mut client, &mut left, cx, up.state == State::Ended))
        } else {
            let first = down.poll(&mut origin, &mut client, &mut left, cx, up.state == State::Ended);
            (up.poll(&mut client, &mut origin, &mut left, cx, down.state == State::Ended), first)
        };
        if let Some(leash) = leash.as_mut().filter(|_| room < usize::MAX && left < room) {
            leash.spend(room - left);
            up_is_first = !up_is_first;
            if left == 0 {
                // For the next turn.
                cx.waker().wake_by_ref();
            }
        }
        let now = Moved { up: up.moved, down: down.moved };
        if now != moved {
            (moved, active) = (now, Instant::now());
            count(moved);
        }
        match polled {
            (Poll::Ready(Err(Failed::Reading(error))), _) | (_, Poll::Ready(Err(Failed::Writing(error)))) => return Poll::Ready(Ended::Client(error)),
            (Poll::Ready(Err(Failed::Writing(error))), _) | (_, Poll::Ready(Err(Failed::Reading(error)))) => return Poll::Ready(Ended::Origin(error)),
            (Poll::Ready(Ok(())), Poll::Ready(Ok(()))) => return Poll::Ready(Ended::Done),
            (Poll::Pending, _) | (_, Poll::Pending) => {}
        }
        timer.poll(active + idle, cx).map(|()| Ended::Idle)
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    async fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
        let far = TcpStream::connect(listener.local_addr().expect("an address")).await.expect("connected");
        (listener.accept().await.expect("accepted").0, far)
    }

    struct Tunnel {
        client: TcpStream,
        origin: TcpStream,
        ended: tokio::task::JoinHandle<(Ended, Moved)>,
    }

    async fn tunnel(idle: Duration) -> Tunnel {
        let ((near_client, client), (near_origin, origin)) = (pair().await, pair().await);
        let ended = tokio::spawn(async move {
            let mut moved = Moved::default();
            let end = |tcp: TcpStream| End { wire: tcp.into(), early: BytesMut::new() };
            let client = End { early: BytesMut::from(&b"early "[..]), ..end(near_client) };
            (run(client, end(near_origin), (idle, None), |now| moved = now).await, moved)
        });
        Tunnel { client, origin, ended }
    }

    #[tokio::test]
    async fn a_late_reply_arrives_after_a_half_close() {
        let mut tunnel = tunnel(Duration::from_secs(60)).await;
        tunnel.client.write_all(b"question").await.expect("sent");
        tunnel.client.shutdown().await.expect("half closed");
        let mut question = String::new();
        tunnel.origin.read_to_string(&mut question).await.expect("read to the end");
        assert_eq!(question, "early question");
        tunnel.origin.write_all(b"late reply").await.expect("sent");
        drop(tunnel.origin);
        let mut reply = String::new();
        tunnel.client.read_to_string(&mut reply).await.expect("read to the end");
        assert_eq!(reply, "late reply");
        let (ended, moved) = tunnel.ended.await.expect("ran");
        assert!(matches!(ended, Ended::Done), "{ended:?}");
        assert_eq!(moved, Moved { up: 14, down: 10 });
    }

    #[tokio::test]
    async fn much_more_than_a_buffer_passes_a_slow_reader_whole() {
        let tunnel = tunnel(Duration::from_secs(60)).await;
        let sent: Vec<u8> = (0..8_000_000u32).map(|n| n.to_le_bytes()[1]).collect();
        let (mut origin, expected) = (tunnel.origin, sent.clone());
        let sender = tokio::spawn(async move {
            // Unread bytes would make the close a reset.
            origin.read_exact(&mut [0; 6]).await?;
            origin.write_all(&sent).await
        });
        let mut client = tunnel.client;
        let mut got = vec![0; 1000];
        client.read_exact(&mut got).await.expect("the first bytes");
        client.read_to_end(&mut got).await.expect("the rest");
        sender.await.expect("ran").expect("sent");
        assert!(got == expected);
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_tunnel_is_closed() {
        let tunnel = tunnel(Duration::from_secs(60)).await;
        let (ended, _) = tunnel.ended.await.expect("ran");
        assert!(matches!(ended, Ended::Idle), "{ended:?}");
    }
}
