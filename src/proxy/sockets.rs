//! WebSockets whose messages are read as they pass.
//!
//! # What passes
//!
//! What goes on is what came, byte for byte: nothing is framed anew, but by [`wisp`] what the client sends to a web proxy. Where a group only notes, it goes on when it comes. Where something may be ended, a
//! message is held until it is whole and judged, as long as it is no longer than `SOCKET_HELD` and keeps coming; no page would be shown a part of it anyway.
//! A longer one passes as it is judged, and its end only when all of it was: so no page and no site is given it whole.
//!
//! Where something goes over a threshold, the connection is ended: both sides are sent a close (1008), but for a side that is in the middle of a frame, whose
//! connection ends without one. What is no WebSocket is ended (1002) where something may be ended at all. What is compressed and cannot be read, or is a
//! bomb, is what `unreadable` says. What is only noted passes, and is on record when it is said ([`notes`]).
//!
//! # Who hears it
//!
//! [`ears`] says who; one of them weighs words. What a chat service is asked is on record before it goes on. In front of them all stands [`wisp`], which
//! listens for web proxies to the first messages of every WebSocket: where nobody else listens, what follows is a tunnel like any other, and costs no more.
//!
//! # Limits
//!
//! Held: `SOCKET_AHEAD` and one piece each way, and zlib's window where compression was agreed, which is counted in what all decoding may take. Is that half
//! gone, compression is taken out of what is offered. An extension that cannot be read is never offered.

mod bare;
mod court;
mod direction;
mod ears;
mod framer;
mod line;
mod notes;
mod wisp;

use super::conn::Conn;
use super::connect::{self, client_end};
use super::decoding::Memory;
use super::inside::user_of;
use super::judge::Sentence;
use super::limits::SOCKET_ENDS;
use super::pace::{Cut, GRAIN, Leash};
use super::reading::Case;
use super::request::Asked;
use super::scanned::{Note, Told};
use super::sequel::record_prompt;
use super::target::Target;
use super::timer::Timer;
use super::tunnel::End;
use super::wire::Wire;
use super::{Proxy, Worker};
use crate::audit::{Opening, Outcome, Pending, Recorder};
use crate::body::coding::{Coding, Limits};
use crate::bypass::{Certainty, Code, Finding, wsproxy};
use crate::insight::ai::sockets::Talking;
use crate::policy::ways::Act;
use crate::policy::words::{Said, Way};
use crate::policy::{OnHit, Reason, Ways};
use crate::snapshot::Snapshot;
use crate::socket::extensions::{Deflate, Unknown, agreed, readable};
use crate::socket::{Counts, Kind, Reader, Side, close_frame};
use bytes::Bytes;
use court::Court;
use direction::{Direction, Recording, Stopped};
use ears::{Ears, Prompts, Words};
use http::HeaderValue;
use http::header::{HeaderMap, SEC_WEBSOCKET_EXTENSIONS};
use hyper::upgrade::OnUpgrade;
use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout};
use wisp::Wisp;

/// Something in what passed is over a threshold (RFC 6455 section 7.4.1).
const POLICY_VIOLATION: u16 = 1008;
/// What passed is no WebSocket.
const PROTOCOL_ERROR: u16 = 1002;
/// Usher could not do its part.
const INTERNAL_ERROR: u16 = 1011;

/// How a WebSocket is to be read that is being asked for.
pub(super) struct Plan {
    words: Option<Words>,
    talking: Option<Box<(Talking, Opening)>>,
    proxies: Option<Box<Proxies>>,
    told: Option<Told>,
    /// The request and the snapshot that messages which are only noted are put on record with.
    noting: Option<(Arc<Opening>, Arc<Snapshot>)>,
    /// Where compression may be agreed.
    memory: Option<Memory>,
    deflate: Option<Deflate>,
    recorder: Recorder,
    decode: Limits,
    pause: Duration,
    idle: Duration,
}

/// What it takes to listen for web proxies.
struct Proxies {
    worker: Arc<Worker>,
    user: Option<Arc<str>>,
    ways: Ways,
    opening: Arc<Opening>,
    /// What the path says already.
    by_path: Option<Finding>,
}

impl Plan {
    /// Takes note of what the site agreed to.
    pub(super) fn agree(&mut self, headers: &HeaderMap) -> Result<(), Unknown> {
        let fields = headers.get_all(SEC_WEBSOCKET_EXTENSIONS).iter().map(|value| value.to_str().unwrap_or("?"));
        self.deflate = agreed(fields)?;
        if self.deflate.is_some() && self.memory.is_none() {
            return Err(Unknown);
        }
        if self.deflate.is_none() {
            self.memory = None;
        }
        Ok(())
    }
}

impl Proxy {
    /// Leaves of the extensions that are offered what can be read, and takes the memory that takes.
    fn readable_offer(&self, asked: &mut Asked) -> Option<Memory> {
        let fields: Vec<_> = asked.headers.get_all(SEC_WEBSOCKET_EXTENSIONS).iter().map(|value| value.to_str().unwrap_or("?").to_owned()).collect();
        let kept = readable(fields.iter().map(String::as_str));
        // Inflated each way.
        let memory = kept.as_ref().and_then(|_| self.decoding.take_spare(&asked.taker(), 2 * Coding::SMALL));
        match kept.filter(|_| memory.is_some()).and_then(|kept| HeaderValue::try_from(kept).ok()) {
            Some(kept) => drop(asked.headers.insert(SEC_WEBSOCKET_EXTENSIONS, kept)),
            None => drop(asked.headers.remove(SEC_WEBSOCKET_EXTENSIONS)),
        }
        memory
    }
}

impl Worker {
    /// How a WebSocket that is asked for is to be read, if it is; what is offered of extensions is cut down to that.
    pub(super) fn socket(self: &Arc<Self>, asked: &mut Asked, target: &Target, opening: &Arc<Opening>) -> Option<Plan> {
        let reading = asked.reading.clone().filter(crate::policy::Reading::reads_sockets);
        let talking = asked.sequel.as_mut().and_then(|sequel| sequel.talking.take());
        let proxies = self.proxies(asked, target, opening).map(Box::new);
        if reading.is_none() && talking.is_none() && proxies.is_none() {
            return None;
        }
        let memory = self.readable_offer(asked);
        let case = Case { opening: opening.clone(), target };
        let told = Some(case.tell(&self.recorder, &asked.snapshot));
        let noting = Some((case.opening, Arc::clone(&asked.snapshot)));
        Some(Plan {
            words: reading.map(|reading| Words::new(&asked.snapshot, &reading)),
            talking,
            proxies,
            told,
            noting,
            memory,
            deflate: None,
            recorder: self.recorder.clone(),
            decode: self.limits.scan.decode,
            pause: self.limits.scan.pause,
            idle: self.limits.tunnel_idle_time,
        })
    }

    /// How web proxies are listened for, if the group has them looked for.
    fn proxies(self: &Arc<Self>, asked: &Asked, target: &Target, opening: &Arc<Opening>) -> Option<Proxies> {
        let identity = &asked.sequel.as_ref()?.identity;
        let ways = asked.snapshot.policy.ways(identity.standing);
        // What it leads to was judged with the request's head; what is said first may make it surer.
        let by_path = match target {
            Target::Page { path, .. } => wsproxy::by_path(path).filter(|finding| ways.act(&finding.clone().with(Certainty::Near)) > Act::Nothing),
            Target::Tunnel(_) => None,
        };
        let may_be_bare = ways.act(&Finding::new(Code::Bare, "")) > Act::Nothing;
        (ways.wisp().is_some() || by_path.is_some() || may_be_bare).then(|| Proxies {
            worker: self.clone(),
            user: user_of(identity),
            ways,
            opening: opening.clone(),
            by_path,
        })
    }

    /// Passes on a WebSocket that is read, once both sides have left HTTP. It keeps `conn`, and with it the connection's place among the connected.
    pub(super) fn spawn_socket(
        &self,
        conn: Arc<Conn>,
        client: OnUpgrade,
        origin: impl Future<Output = io::Result<End>> + Send + 'static,
        (mut pending, leash): (Pending, Leash),
        plan: Plan,
    ) {
        tokio::spawn(async move {
            match tokio::try_join!(client_end(client), origin) {
                // Apart, so that what is only a tunnel from then on does not hold the room that listening takes.
                Ok((client, origin)) => {
                    if let Some(Plain { client, origin, pending, leash, idle }) = Box::pin(carry(client, origin, (pending, leash), plan)).await {
                        connect::carry(client, origin, (pending, leash), idle, None).await;
                    }
                }
                Err(error) => {
                    pending.note(error.to_string());
                    pending.close(Outcome::Abandoned);
                }
            }
            drop(conn);
        });
    }
}

/// How a WebSocket ended.
enum Ended {
    Done,
    Idle,
    /// By what came this way.
    Stopped(Way, Stopped),
    /// The person's access was restricted.
    Cut(Cut),
    /// Nobody listens any more.
    Unheard,
}

/// A WebSocket that nobody listens to any more.
struct Plain {
    client: End,
    origin: End,
    pending: Pending,
    leash: Leash,
    idle: Duration,
}

/// Moves messages between both ends until both are done or one is ended, and closes the record; or until nobody listens any more.
async fn carry(client: End, origin: End, (mut pending, mut leash): (Pending, Leash), plan: Plan) -> Option<Plain> {
    pending.expect(Outcome::Abandoned);
    let Plan { words, talking, proxies, told, noting, memory, deflate, recorder, decode, pause, idle } = plan;
    let note: Option<Note> = noting.map(|(opening, snapshot)| Case::note(&recorder, opening, snapshot, pending.id()));
    let prompts = talking.map(|talking| Prompts::new(talking.0, talking.1, pending.id(), recorder));
    let mut ears = Ears::new(words.into_iter().map(|words| Box::new(words) as Box<_>).collect(), prompts);
    let (mut client_early, mut origin_early) = (client.early, origin.early);
    if let Some(Proxies { worker, user, ways, opening, by_path }) = proxies.map(|proxies| *proxies) {
        let early = (std::mem::take(&mut client_early), std::mem::take(&mut origin_early));
        let court = Court { worker, user, ways, opening, of: pending.id(), note: note.clone() };
        ears.wisp = Some(Box::new(Wisp::new(court, by_path, (deflate, decode), early)));
    }
    let reader = |side, context| Reader::new(side, context, decode);
    let mut up = Direction::new(Way::Upload, reader(Side::Client, deflate.map(|deflate| deflate.client)), client_early, note.clone());
    let mut down = Direction::new(Way::Answer, reader(Side::Server, deflate.map(|deflate| deflate.server)), origin_early, note);
    if ears.are_none() {
        (up, down) = (up.unread(), down.unread());
    }
    let (mut client, mut origin) = (client.wire, origin.wire);
    let (received, mut moved) = (pending.received(), (0, 0));
    let (mut active, mut timer) = (Instant::now(), Timer::default());
    let ended = poll_fn(|cx| {
        leash.listen(cx);
        let may_pass = match leash.poll(|| GRAIN, cx) {
            Poll::Ready(Err(cut)) => return Poll::Ready(Ended::Cut(cut)),
            Poll::Ready(Ok(_)) => true,
            Poll::Pending => false,
        };
        let polled = if may_pass {
            match up.poll((&mut client, &mut origin), &mut ears, pause, cx, down.is_ended()) {
                // Nothing passes any more, once something is stopped.
                Poll::Ready(Err(why)) => return Poll::Ready(Ended::Stopped(Way::Upload, why)),
                first => (first, down.poll((&mut origin, &mut client), &mut ears, pause, cx, up.is_ended())),
            }
        } else {
            // Nobody is late while it is held back.
            active = Instant::now();
            (Poll::Pending, Poll::Pending)
        };
        let now = (up.moved, down.moved);
        if now != moved {
            received.store(now.0, Ordering::Relaxed);
            pending.sent(now.1 - moved.1);
            leash.spend(usize::try_from(now.0 - moved.0 + now.1 - moved.1).unwrap_or(usize::MAX));
            (moved, active) = (now, Instant::now());
        }
        match polled {
            (_, Poll::Ready(Err(why))) => return Poll::Ready(Ended::Stopped(Way::Answer, why)),
            (Poll::Ready(Ok(())), Poll::Ready(Ok(()))) => return Poll::Ready(Ended::Done),
            (Poll::Pending | Poll::Ready(_), _) => {}
        }
        if ears.wisp.as_ref().is_some_and(|wisp| wisp.is_over()) {
            ears.wisp = None;
            if ears.are_none() && up.is_open() && down.is_open() {
                return Poll::Ready(Ended::Unheard);
            }
        } else if ears.wisp.as_mut().is_some_and(|wisp| wisp.take_turn()) {
            cx.waker().wake_by_ref();
        }
        timer.poll(active + idle, cx).map(|()| Ended::Idle)
    })
    .await;
    received.store(up.moved, Ordering::Relaxed);
    pending.sent(down.moved - moved.1);
    drop(memory);
    if matches!(ended, Ended::Unheard) {
        let (client, origin) = (End { wire: client, early: up.take_rest() }, End { wire: origin, early: down.take_rest() });
        return Some(Plain { client, origin, pending, leash, idle });
    }
    let is_closed = up.is_closed() && down.is_closed() || ears.wisp.as_ref().is_some_and(|wisp| wisp.is_closed());
    let (up_in_frame, down_in_frame) = (up.ends_in_frame || ears.ends_in_frame(Way::Upload), down.ends_in_frame || ears.ends_in_frame(Way::Answer));
    if let Some(said) = ears.wisp.as_ref().and_then(|wisp| wisp.said()) {
        pending.add_note(said);
    }
    let notes = [up.notes.take(), down.notes.take()].concat();
    notes.into_iter().chain(counted("Up", up.counts())).chain(counted("Down", down.counts())).for_each(|note| pending.add_note(note));
    let (outcome, code, reason) = match ended {
        Ended::Done | Ended::Unheard => (Outcome::Complete, None, String::new()),
        Ended::Idle => {
            pending.add_note("Nothing moved for too long.".to_owned());
            (Outcome::LimitReached, None, String::new())
        }
        Ended::Cut(cut) => {
            pending.add_note(cut.to_string());
            (Outcome::Abandoned, Some(POLICY_VIOLATION), "Ended by the school's filter: your access is restricted".to_owned())
        }
        Ended::Stopped(_, Stopped::Said(said)) => {
            said.note(&mut pending);
            if let Some(told) = told {
                told(&said);
            }
            (Outcome::Cut, Some(POLICY_VIOLATION), format!("Ended by the school's filter{}. Reference: {}", about(&said), pending.id()))
        }
        Ended::Stopped(_, Stopped::Broken(way, why)) => {
            let who = if way == Way::Upload { "client" } else { "site" };
            pending.add_note(format!("Ended: what the {who} sends is no WebSocket: {why}."));
            (Outcome::Abandoned, Some(PROTOCOL_ERROR), "This is no WebSocket".to_owned())
        }
        Ended::Stopped(_, Stopped::Unrecorded) => {
            pending.add_note("Ended: what was asked could not be put on record.".to_owned());
            (Outcome::Abandoned, Some(INTERNAL_ERROR), "The record cannot be written".to_owned())
        }
        Ended::Stopped(_, Stopped::Sealed(why)) => {
            pending.add_note(format!("Ended: it is a web proxy, and what it is asked cannot be read: {why}."));
            (Outcome::Cut, Some(POLICY_VIOLATION), "Ended by the school's filter: it cannot be read".to_owned())
        }
        Ended::Stopped(_, Stopped::Flooded) => {
            pending.add_note("Ended: it is a web proxy, and is asked for more than can be answered.".to_owned());
            (Outcome::Cut, Some(POLICY_VIOLATION), "Ended by the school's filter: too much is asked for".to_owned())
        }
        // Both have said that they are done: how they hang up is of no matter.
        Ended::Stopped(_, Stopped::Reading(_) | Stopped::Writing(_)) if is_closed => (Outcome::Complete, None, String::new()),
        Ended::Stopped(Way::Upload, Stopped::Reading(error)) | Ended::Stopped(Way::Answer, Stopped::Writing(error)) => {
            pending.add_note(error.to_string());
            (Outcome::ClientGone, None, String::new())
        }
        Ended::Stopped(Way::Answer, Stopped::Reading(error)) | Ended::Stopped(Way::Upload, Stopped::Writing(error)) => {
            pending.add_note(error.to_string());
            (Outcome::OriginFailed, None, String::new())
        }
    };
    if let Some(code) = code {
        let to_client = (down.take_going(), (!down_in_frame).then(|| close_frame(Side::Server, code, &reason, [0; 4])));
        let mut mask = [0; 4];
        // It hides nothing: what is masked is a reason of our own. Without randomness it is still right.
        let _ = getrandom::fill(&mut mask);
        let to_origin = (up.take_going(), (!up_in_frame).then(|| close_frame(Side::Client, code, &reason, mask)));
        let ends = async { tokio::join!(end(client, to_client), end(origin, to_origin)) };
        // Who does not end its side is ended.
        let _ = timeout(SOCKET_ENDS, ends).await;
    }
    pending.close(outcome);
    None
}

/// Ends one side: what was judged before goes out, then the close; then whatever comes is thrown away until that side ends, so that nothing that is unread
/// makes of the end a reset that would take the close with it.
async fn end(mut wire: Wire, (going, close): (Bytes, Option<Vec<u8>>)) -> io::Result<()> {
    wire.write_all(&going).await?;
    if let Some(close) = close {
        wire.write_all(&close).await?;
    }
    wire.flush().await?;
    wire.shutdown().await?;
    let mut room = vec![0; 4096];
    while wire.read(&mut room).await? > 0 {}
    Ok(())
}

/// What is said to a page of why its connection ended.
fn about(said: &Sentence) -> String {
    match &said.reason {
        Reason::Words(words) => match &words.said {
            Said::Over { theme, .. } => format!(": words about {}", theme.replace('-', " ")),
            Said::Unreadable(_) => ": it cannot be read".to_owned(),
        },
        Reason::Way(_) => ": a web proxy".to_owned(),
        // Nothing else is said of messages.
        _ => String::new(),
    }
}

/// How much was read one way, in words.
fn counted(way: &str, counts: Counts) -> Option<String> {
    let said = |kind: Kind, of: &str| {
        let (messages, bytes) = (counts.messages[kind as usize], counts.bytes[kind as usize]);
        (bytes > 0 || messages > 0).then(|| format!("{messages} of {of} ({bytes} bytes)"))
    };
    let said: Vec<_> = [said(Kind::Text, "text"), said(Kind::Binary, "other data")].into_iter().flatten().collect();
    (!said.is_empty()).then(|| format!("{way}: messages: {}.", said.join(", ")))
}

/// Puts on record what a chat service was asked in one message, and whether it was withheld.
fn put_on_record(prompts: &Prompts, asked: Vec<String>, said: &Option<Sentence>) -> Recording {
    let outcome = if said.as_ref().is_some_and(|said| said.on_hit > OnHit::Note) { Outcome::Withheld } else { Outcome::Complete };
    let (recorder, opening, of, engine) = (prompts.recorder.clone(), prompts.opening.clone(), prompts.of, prompts.engine());
    Box::pin(async move {
        for term in asked {
            record_prompt(&recorder, opening.clone(), of, (engine, term), ("a message", outcome)).await?;
        }
        Ok(())
    })
}
