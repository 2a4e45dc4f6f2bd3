//! One way of a WebSocket that is read: what comes is read, judged, kept back while it may be too much, and passed on as it came.

use super::ears::{Ears, Heard};
use super::notes::Notes;
use crate::audit::Unrecorded;
use crate::body::coding::Unreadable;
use crate::policy::OnHit;
use crate::policy::words::Way;
use crate::proxy::judge::Sentence;
use crate::proxy::limits::{SOCKET_AHEAD, SOCKET_HELD, TUNNEL_BUFFER};
use crate::proxy::scanned::Note;
use crate::proxy::timer::Timer;
use crate::proxy::wire::Wire;
use crate::socket::{self, Broken, Fault, Reader};
use bytes::{Buf, Bytes, BytesMut};
use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

/// How often in a row one direction may move bytes before others get their turn.
const TURNS: usize = 16;
/// How many bytes of messages are judged in one of these turns.
const TURN: usize = 16 * 1024;
/// What each step of reading counts for at least, in bytes.
const A_MESSAGE: usize = 128;

thread_local! {
    /// One buffer a thread, for all sockets: an idle one keeps none.
    static BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; TUNNEL_BUFFER].into());
}

/// Puts on record what a chat service was asked, before it is passed on.
pub(super) type Recording = Pin<Box<dyn Future<Output = Result<(), Unrecorded>> + Send>>;

/// Why nothing more passes.
pub(super) enum Stopped {
    /// For what was said of it.
    Said(Sentence),
    /// It is no WebSocket.
    Broken(Way, Broken),
    /// What was asked cannot be put on record.
    Unrecorded,
    /// What is asked of a web proxy cannot be read.
    Sealed(Unreadable),
    /// More is asked of a web proxy than can be answered.
    Flooded,
    /// The side it comes from broke off.
    Reading(io::Error),
    /// The side it goes to did.
    Writing(io::Error),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// The near side has ended; the far side is yet to be told.
    Ending,
    Ended,
}

/// What hearing some of it came to.
enum Next {
    /// There is more to be read of what has come.
    More,
    /// All that has come was read.
    Read,
}

/// One way.
pub(super) struct Direction {
    way: Way,
    reader: Reader,
    /// What has come; the first `read` bytes of it were read, and are kept.
    come: BytesMut,
    read: usize,
    /// What may go.
    going: Bytes,
    room: Vec<u8>,
    /// Since when something is kept.
    kept_since: Option<Instant>,
    timer: Timer,
    /// The message at hand is longer than is held: it passes as it is judged.
    is_long: bool,
    /// Whether what went on so far, or is going, ends within a frame.
    pub(super) ends_in_frame: bool,
    /// Nothing more is read: it passes as it comes.
    blind: bool,
    recording: Option<Recording>,
    /// What was said that changes nothing.
    pub(super) notes: Notes,
    unflushed: bool,
    pub(super) moved: u64,
    state: State,
}

impl Direction {
    pub(super) fn new(way: Way, reader: Reader, early: BytesMut, note: Option<Note>) -> Self {
        Self {
            way,
            reader,
            come: early,
            read: 0,
            going: Bytes::new(),
            room: Vec::new(),
            kept_since: None,
            timer: Timer::default(),
            is_long: false,
            ends_in_frame: false,
            blind: false,
            recording: None,
            notes: Notes::new(note),
            unflushed: false,
            moved: 0,
            state: State::Open,
        }
    }

    pub(super) fn is_ended(&self) -> bool {
        self.state == State::Ended
    }

    /// Whether the side it comes from has said that nothing more comes, and that was passed on.
    pub(super) fn is_closed(&self) -> bool {
        self.reader.is_closed()
    }

    /// Passes on what comes as it comes, unread.
    pub(super) fn unread(mut self) -> Self {
        self.blind = true;
        self
    }

    /// Whether both what comes and what goes are open yet.
    pub(super) fn is_open(&self) -> bool {
        self.state == State::Open && self.recording.is_none()
    }

    /// What has come and has not gone.
    pub(super) fn take_rest(&mut self) -> BytesMut {
        let mut rest = BytesMut::from(std::mem::take(&mut self.going));
        rest.unsplit(std::mem::take(&mut self.come));
        rest
    }

    pub(super) fn counts(&self) -> socket::Counts {
        self.reader.counts()
    }

    /// What may go and has not gone.
    pub(super) fn take_going(&mut self) -> Bytes {
        std::mem::take(&mut self.going)
    }

    /// Moves what there is to move. `other_ended`: the other way is done, so that both connections are closed when this one is.
    pub(super) fn poll(
        &mut self,
        (from, to): (&mut Wire, &mut Wire),
        ears: &mut Ears,
        pause: Duration,
        cx: &mut Context<'_>,
        other_ended: bool,
    ) -> Poll<Result<(), Stopped>> {
        for _ in 0..TURNS {
            if let Some(recording) = &mut self.recording {
                let recorded = ready!(recording.as_mut().poll(cx));
                self.recording = None;
                if recorded.is_err() {
                    return Poll::Ready(Err(Stopped::Unrecorded));
                }
                self.release();
            }
            while !self.going.is_empty() {
                let count = ready!(Pin::new(&mut *to).poll_write(cx, &self.going)).map_err(Stopped::Writing)?;
                self.going.advance(count);
                self.unflushed = true;
                self.moved += count as u64;
            }
            self.going = Bytes::new();
            if self.read < self.come.len() {
                self.read_on(ears)?;
                continue;
            }
            if self.come.is_empty() && self.come.capacity() > 0 {
                self.come = BytesMut::new();
            }
            match self.state {
                State::Open => {
                    let polled = match ears.wisp_poll(self.way, &mut self.come, cx) {
                        Poll::Ready(Ok(true)) => continue,
                        Poll::Ready(Ok(false)) => self.poll_come(from, ears, cx)?,
                        Poll::Ready(Err(stopped)) => return Poll::Ready(Err(stopped)),
                        Poll::Pending => Poll::Pending,
                    };
                    if polled.is_pending() {
                        if let Some(since) = self.kept_since
                            && self.timer.poll(since + pause, cx).is_ready()
                        {
                            self.pause(ears)?;
                            continue;
                        }
                        if self.unflushed {
                            ready!(Pin::new(&mut *to).poll_flush(cx)).map_err(Stopped::Writing)?;
                            self.unflushed = false;
                        }
                    }
                    ready!(polled);
                }
                State::Ending if self.read > 0 => self.pause(ears)?,
                State::Ending => {
                    if other_ended && matches!(to, Wire::Tcp(_)) {
                        // Closing tells the far side as well.
                        self.state = State::Ended;
                        continue;
                    }
                    ready!(Pin::new(&mut *to).poll_shutdown(cx)).map_err(Stopped::Writing)?;
                    self.state = State::Ended;
                }
                State::Ended => return Poll::Ready(Ok(())),
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn poll_come(&mut self, from: &mut Wire, ears: &mut Ears, cx: &mut Context<'_>) -> Result<Poll<()>, Stopped> {
        BUFFER.with_borrow_mut(|buffer| {
            let mut read = ReadBuf::new(buffer);
            match Pin::new(from).poll_read(cx, &mut read) {
                Poll::Pending => return Ok(Poll::Pending),
                Poll::Ready(Err(error)) => return Err(Stopped::Reading(error)),
                Poll::Ready(Ok(())) => {}
            }
            if read.filled().is_empty() {
                self.state = State::Ending;
                if let Some(wisp) = &mut ears.wisp {
                    wisp.ends(self.way, &mut self.come);
                }
            } else if let Some(wisp) = &mut ears.wisp {
                wisp.comes(self.way, read.filled());
            } else {
                self.come.extend_from_slice(read.filled());
            }
            Ok(Poll::Ready(()))
        })
    }

    /// Everything that was read may go.
    fn release(&mut self) {
        self.kept_since = None;
        if self.read > 0 {
            self.going = self.come.split_to(self.read).freeze();
            self.read = 0;
        }
        self.ends_in_frame = !self.blind && !self.reader.is_between_frames();
    }

    /// Reads on in what has come, until some of it may go or enough was judged at once.
    fn read_on(&mut self, ears: &mut Ears) -> Result<(), Stopped> {
        if self.blind || self.reader.is_closed() && ears.most(self.way) <= OnHit::Note {
            self.read = self.come.len();
            self.release();
            return Ok(());
        }
        let mut judged = 0;
        while judged < TURN {
            match self.step(ears, &mut judged)? {
                Next::More if self.recording.is_some() || !self.going.is_empty() => return Ok(()),
                Next::More => {}
                Next::Read => return Ok(()),
            }
        }
        Ok(())
    }

    fn step(&mut self, ears: &mut Ears, judged: &mut usize) -> Result<Next, Stopped> {
        let mut input = &self.come[self.read..];
        let before = input.len();
        let stepped = self.reader.step(&mut input, &mut self.room);
        let left = input.len();
        self.read += before - left;
        // A message has its price however short it is: what is anxious for its end is asked.
        *judged += self.room.len().max(A_MESSAGE);
        let may_act = ears.most(self.way) > OnHit::Note;
        let heard = match stepped {
            Ok(socket::Heard::All) => {
                if left > 0 {
                    // What comes after a close goes nowhere.
                    self.come.truncate(self.read);
                }
                self.all_read(ears, may_act)?;
                return Ok(Next::Read);
            }
            Ok(socket::Heard::Begins(kind)) => Heard::Begins(kind),
            Ok(socket::Heard::Bytes) => Heard::Bytes(&self.room),
            Ok(socket::Heard::Ends) => Heard::Ends,
            Ok(socket::Heard::Control(control)) => Heard::Control(control, &self.room),
            Err(Fault::Broken(why)) if may_act => return Err(Stopped::Broken(self.way, why)),
            Err(Fault::Broken(why)) => {
                self.blind = true;
                self.notes.say(format!("It is not read any further: {why}."));
                self.read = self.come.len();
                self.release();
                return Ok(Next::Read);
            }
            Err(Fault::Unreadable(why)) => {
                self.unreadable(&why, ears)?;
                return Ok(Next::More);
            }
        };
        let asked = ears.prompts(self.way, heard);
        let said = ears.hear(self.way, heard);
        let (is_end, is_control) = (matches!(heard, Heard::Ends), matches!(heard, Heard::Control(..)));
        let recording = (!asked.is_empty()).then(|| ears.asked().map(|prompts| super::put_on_record(prompts, asked, &said))).flatten();
        self.heed(said, ears, recording)?;
        if is_end {
            self.is_long = false;
            if self.recording.is_none() {
                self.release();
            }
        } else if is_control {
            // It does not wait for a message around it.
            self.go_on(ears)?;
        }
        Ok(Next::More)
    }

    /// Does what was said, or notes it.
    fn heed(&mut self, said: Option<Sentence>, ears: &mut Ears, recording: Option<Recording>) -> Result<(), Stopped> {
        match said {
            Some(said) if said.on_hit > OnHit::Note => {
                match recording {
                    // What is withheld was asked all the same.
                    Some(recording) => drop(tokio::spawn(recording)),
                    None => self.hear_out(ears, &said),
                }
                return Err(Stopped::Said(said));
            }
            Some(said) => self.notes.add(&said),
            None => {}
        }
        self.recording = recording;
        Ok(())
    }

    /// Shows the rest of the message, as far as it is here, to who listens to what is asked.
    fn hear_out(&mut self, ears: &mut Ears, said: &Sentence) {
        while self.reader.is_in_message() {
            let mut input = &self.come[self.read..];
            let before = input.len();
            let stepped = self.reader.step(&mut input, &mut self.room);
            self.read += before - input.len();
            let heard = match stepped {
                Ok(socket::Heard::Bytes) => Heard::Bytes(&self.room),
                Ok(socket::Heard::Begins(_) | socket::Heard::Control(_)) => continue,
                Ok(socket::Heard::Ends | socket::Heard::All) | Err(_) => break,
            };
            ears.prompts(self.way, heard);
        }
        let asked = ears.prompts(self.way, Heard::Ends);
        if let Some(prompts) = ears.asked().filter(|_| !asked.is_empty()) {
            tokio::spawn(super::put_on_record(prompts, asked, &Some(said.clone())));
        }
    }

    /// All that has come was read: what of it may go.
    fn all_read(&mut self, ears: &mut Ears, may_act: bool) -> Result<(), Stopped> {
        if !may_act {
            self.release();
            return Ok(());
        }
        self.is_long |= self.read > SOCKET_HELD;
        if self.is_long {
            if ears.is_anxious(self.way) && self.read <= SOCKET_AHEAD {
                self.kept_since.get_or_insert_with(Instant::now);
            } else {
                self.pause(ears)?;
            }
        } else if self.read > 0 {
            self.kept_since.get_or_insert_with(Instant::now);
        }
        Ok(())
    }

    /// What is kept goes on, if it may as though nothing followed.
    fn go_on(&mut self, ears: &mut Ears) -> Result<(), Stopped> {
        let said = ears.pause(self.way);
        self.heed(said, ears, None)?;
        self.release();
        Ok(())
    }

    /// Nothing follows for a while: the message at hand is held no longer.
    fn pause(&mut self, ears: &mut Ears) -> Result<(), Stopped> {
        self.is_long = self.reader.is_in_message();
        self.go_on(ears)
    }

    fn unreadable(&mut self, why: &Unreadable, ears: &mut Ears) -> Result<(), Stopped> {
        let said = ears.unread(self.way, why);
        if said.is_none() {
            self.notes.say(format!("A compressed message was not read to its end: {why}."));
        }
        self.heed(said, ears, None)
    }
}
