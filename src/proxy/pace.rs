//! What goes on for long is held to what its person may have now: cut when their access is taken away, and slowed to what they are given a second.
//!
//! A request is judged when it is asked. Its body or the answer may take an hour after that, and a tunnel or a WebSocket all day: each has a [`Leash`], which asks again
//! before every piece whether something has changed. While nobody was ever restricted that is a look at one number. A tunnel or a WebSocket that lies still is
//! woken when restrictions change; of an answer or a body that does, the next byte is not passed on.
//!
//! # Slow
//!
//! A person has so many KiB a second for all that they are sent and send, at all devices and by all workers: one [`Bucket`], in which each piece of [`GRAIN`] bytes
//! has its place in the queue. A place is taken before the piece is, so those who come first do not keep others from their turn, as they would where all
//! try again together; that is why it is no rate limiter of `governor`'s, which only says how long to wait before trying. What is held back is not read from
//! where it comes from, and the time that takes is not counted against whoever sends it: see `Leash::was_held`.

use super::Clock;
use super::timer::Timer;
use crate::audit::Opening;
use crate::category::CategorySet;
use crate::host::Host;
use crate::policy::Restriction;
use crate::policy::restrict::Ruling;
use crate::snapshot::{InForce, Sleeper, Snapshot};
use crate::url::Url;
use bytes::Bytes;
use jiff::Timestamp;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::fmt;
use std::future::poll_fn;
use std::net::IpAddr;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::Instant;

/// The most that passes in one turn of a person who is slowed, in bytes.
pub const GRAIN: usize = 4096;
/// How long somebody waits for a turn before it is asked whether they still have to.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// What all leashes share.
pub struct Reins {
    in_force: Arc<InForce>,
    clock: Clock,
    /// By the number of the restriction.
    buckets: Mutex<HashMap<u64, Arc<Bucket>>>,
}

impl Reins {
    /// Those of a proxy.
    #[must_use]
    pub fn new(in_force: Arc<InForce>, clock: Clock) -> Arc<Self> {
        Arc::new(Self { in_force, clock, buckets: Mutex::default() })
    }

    fn bucket(&self, kib: u32, restriction: &Restriction) -> Arc<Bucket> {
        let mut buckets = self.buckets.lock();
        if let Some(known) = buckets.get(&restriction.number) {
            return known.clone();
        }
        let snapshot = self.in_force.peek();
        buckets.retain(|number, _| snapshot.policy.restrictions.all().iter().any(|one| one.number == *number));
        buckets.entry(restriction.number).or_insert_with(|| Arc::new(Bucket::new(kib))).clone()
    }
}

/// What one person may have a second, and who waits for some of it.
#[derive(Debug)]
pub struct Bucket {
    kib: u32,
    /// When the next turn is.
    next: Mutex<Option<Instant>>,
}

impl Bucket {
    /// One of so many KiB a second.
    #[must_use]
    pub fn new(kib: u32) -> Self {
        Self { kib: kib.max(1), next: Mutex::new(None) }
    }

    fn cost(&self, bytes: usize) -> Duration {
        Duration::from_nanos((bytes as u64).saturating_mul(1_000_000_000) / (u64::from(self.kib) * 1024))
    }

    /// Takes the next turn, for so many bytes: when it is.
    fn reserve(&self, bytes: usize) -> Instant {
        let (mut next, now) = (self.next.lock(), Instant::now());
        let turn = next.filter(|next| *next > now).unwrap_or(now);
        *next = Some(turn + self.cost(bytes));
        turn
    }

    /// Gives back what was not used of a turn.
    fn give_back(&self, bytes: usize) {
        let mut next = self.next.lock();
        *next = next.and_then(|next| next.checked_sub(self.cost(bytes)));
    }
}

/// Whose it is and what for, which are judged again.
enum Of {
    /// As it is on record.
    Record(Arc<Opening>),
    /// A tunnel that rests, of this user at this device.
    Tunnel(Box<(Option<Arc<str>>, IpAddr, Url)>),
}

/// Holds one answer, body, tunnel or WebSocket.
pub struct Leash {
    reins: Arc<Reins>,
    of: Of,
    /// By which restrictions it was judged.
    seen: u64,
    slow: Option<Box<Slow>>,
    /// Of what may lie still for long.
    sleeper: Option<Sleeper>,
}

/// Of somebody who is slowed.
struct Slow {
    /// None, once they are not.
    bucket: Option<(Arc<Bucket>, Timestamp)>,
    turn: Option<(Instant, usize)>,
    /// What may pass of the turn that has come.
    room: usize,
    /// What has come and is to pass in a later turn.
    rest: Bytes,
    timer: Timer,
    was_held: bool,
}

/// Why nothing more passes.
#[derive(Clone, Debug)]
pub struct Cut(Arc<Restriction>);

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cut: access was restricted meanwhile (restriction {})", self.0.number)
    }
}

impl std::error::Error for Cut {}

impl Leash {
    /// For a request that is on record so: its body, the answer to it, or the WebSocket it becomes.
    #[must_use]
    pub fn of_record(reins: Arc<Reins>, opening: Arc<Opening>) -> Self {
        Self { reins, of: Of::Record(opening), seen: 0, slow: None, sleeper: None }
    }

    /// For a tunnel.
    #[must_use]
    pub fn of_tunnel(reins: Arc<Reins>, user: Option<Arc<str>>, client: IpAddr, url: Url) -> Self {
        Self { reins, of: Of::Tunnel(Box::new((user, client, url))), seen: 0, slow: None, sleeper: None }
    }

    /// Has the task of this context be woken when other restrictions are in force, though nothing moves. To be called before [`Self::poll`].
    pub(super) fn listen(&mut self, cx: &Context<'_>) {
        self.sleeper.get_or_insert_with(|| self.reins.in_force.sleeper()).listen(cx);
    }

    /// Waits until so many bytes may have passed. Returns how long that took.
    ///
    /// # Errors
    /// If nothing may pass any more.
    pub(super) async fn pass(&mut self, bytes: usize) -> Result<Duration, Cut> {
        let (begun, mut left) = (Instant::now(), bytes);
        while left > 0 {
            let room = poll_fn(|cx| self.poll(|| left, cx)).await?;
            let passes = room.min(left);
            self.spend(passes);
            left -= passes;
        }
        Ok(begun.elapsed())
    }

    /// How many bytes may pass now, where so many are wanted: never none.
    ///
    /// # Errors
    /// If nothing may any more.
    pub fn poll(&mut self, wanted: impl Fn() -> usize, cx: &mut Context<'_>) -> Poll<Result<usize, Cut>> {
        loop {
            let number = self.reins.in_force.restrictions_number();
            if number != self.seen {
                self.judge(number)?;
            }
            let Some(slow) = &mut self.slow else { return Poll::Ready(Ok(usize::MAX)) };
            let Some((bucket, until)) = &slow.bucket else { return Poll::Ready(Ok(usize::MAX)) };
            if slow.room > 0 {
                return Poll::Ready(Ok(slow.room));
            }
            if (self.reins.clock)() >= *until {
                self.judge(number)?;
                continue;
            }
            let (turn, bytes) = *slow.turn.get_or_insert_with(|| {
                let bytes = wanted().clamp(1, GRAIN);
                (bucket.reserve(bytes), bytes)
            });
            let now = Instant::now();
            if turn <= now {
                (slow.turn, slow.room) = (None, bytes);
                return Poll::Ready(Ok(bytes));
            }
            slow.was_held = true;
            ready!(slow.timer.poll(turn.min(now + ASK_AGAIN), cx));
        }
    }

    /// Counts what has passed. What is more than may is owed.
    pub(super) fn spend(&mut self, bytes: usize) {
        let Some(slow) = &mut self.slow else { return };
        let over = bytes.saturating_sub(slow.room);
        slow.room = slow.room.saturating_sub(bytes);
        if let Some((bucket, _)) = slow.bucket.as_ref().filter(|_| over > 0) {
            bucket.reserve(over);
        }
    }

    /// Whether something was held back since this was asked last: meanwhile nobody was late.
    pub(super) fn was_held(&mut self) -> bool {
        self.slow.as_mut().is_some_and(|slow| std::mem::take(&mut slow.was_held))
    }

    /// Keeps for later what is more than may pass now.
    pub(super) fn put_aside(&mut self, rest: Bytes) {
        if let Some(slow) = &mut self.slow {
            slow.rest = rest;
        }
    }

    /// What was kept for later, as far as it may pass now.
    pub(super) fn take_aside(&mut self, room: usize) -> Option<Bytes> {
        let slow = self.slow.as_mut().filter(|slow| !slow.rest.is_empty())?;
        Some(slow.rest.split_to(room.min(slow.rest.len())))
    }

    /// How much is kept for later, in bytes.
    pub(super) fn aside(&self) -> usize {
        self.slow.as_ref().map_or(0, |slow| slow.rest.len())
    }

    fn judge(&mut self, number: u64) -> Result<(), Cut> {
        self.seen = number;
        let now = (self.reins.clock)();
        let Ruling { blocked, slowed } = self.of.rule(&self.reins.in_force.peek(), now);
        if let Some(restriction) = blocked {
            return Err(Cut(restriction));
        }
        self.settle();
        match (slowed, &mut self.slow) {
            (Some((kib, restriction)), slow) => {
                let bucket = Some((self.reins.bucket(kib, &restriction), restriction.until));
                match slow {
                    Some(slow) => slow.bucket = bucket,
                    None => {
                        let (rest, timer) = (Bytes::new(), Timer::default());
                        *slow = Some(Box::new(Slow { bucket, turn: None, room: 0, rest, timer, was_held: false }));
                    }
                }
            }
            // What was kept for later goes out first.
            (None, Some(slow)) if !slow.rest.is_empty() => slow.bucket = None,
            (None, slow) => *slow = None,
        }
        Ok(())
    }

    /// Gives back the turn that was taken and not used.
    fn settle(&mut self) {
        if let Some(slow) = &mut self.slow {
            let unused = slow.room + slow.turn.take().map_or(0, |(_, bytes)| bytes);
            slow.room = 0;
            if let Some((bucket, _)) = slow.bucket.as_ref().filter(|_| unused > 0) {
                bucket.give_back(unused);
            }
        }
    }
}

impl Drop for Leash {
    fn drop(&mut self) {
        self.settle();
    }
}

impl Of {
    /// What restrictions come to for it.
    fn rule(&self, snapshot: &Snapshot, now: Timestamp) -> Ruling {
        let Snapshot { policy, taxonomy, lists, .. } = snapshot;
        if policy.restrictions.is_empty() {
            return Ruling::default();
        }
        match self {
            Self::Record(opening) => {
                // It was one when it was put on record. What is none is nobody's site.
                let Ok(host) = Host::parse(&opening.host) else { return Ruling::default() };
                let categories: CategorySet = opening.categories.split_ascii_whitespace().filter_map(|id| taxonomy.find(id)).collect();
                policy.restrictions.rule((opening.user.as_deref(), opening.client), (&host, categories), taxonomy, now)
            }
            Self::Tunnel(tunnel) => {
                let (user, client, url) = &**tunnel;
                policy.restrictions.rule((user.as_deref(), *client), (&url.host, lists.look_up(url).categories), taxonomy, now)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn all_that_one_person_waits_for_comes_in_turn_and_at_their_speed() {
        let bucket = Arc::new(Bucket::new(64));
        let begun = Instant::now();
        // Two that want as much as they can get, each with a place in the queue.
        let take = |pieces: usize| {
            let bucket = bucket.clone();
            async move {
                for _ in 0..pieces {
                    let turn = bucket.reserve(GRAIN);
                    let mut timer = Timer::default();
                    poll_fn(|cx| timer.poll(turn, cx)).await;
                }
                Instant::now()
            }
        };
        let (one, other) = tokio::join!(take(32), take(32));
        let (one, other) = (one - begun, other - begun);
        // 64 pieces of 4 KiB at 64 KiB a second, the first of them at once.
        let expected = Duration::from_secs(4);
        assert!(one.max(other) <= expected && one.min(other) >= expected - Duration::from_millis(200), "{one:?} {other:?}");
        assert!(one.abs_diff(other) < Duration::from_millis(200), "neither waits for the other to be done: {one:?} {other:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_not_used_is_given_back() {
        let bucket = Bucket::new(1);
        assert_eq!(bucket.reserve(GRAIN), Instant::now());
        bucket.give_back(GRAIN);
        assert_eq!(bucket.reserve(10), Instant::now(), "nobody has had any of it");
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(bucket.reserve(GRAIN), Instant::now(), "and what nobody asked for is not saved up");
        assert_eq!(bucket.reserve(GRAIN) - Instant::now(), Duration::from_secs(4));
    }
}
