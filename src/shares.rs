//! A fair share of what there is little of: nobody takes all of it, by accident or on purpose.
//!
//! Who has a share already waits for a part of it to come back, in the order of asking, for as long as is said and behind no more than [`LONGEST_QUEUE`]:
//! a class behind one address asks for more at once than one person would, and is served one after the other.

use parking_lot::Mutex;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// The most that wait of one taker.
pub const LONGEST_QUEUE: usize = 64;

/// Who takes: a person, wherever they sit; a device, where nobody knows who sits at it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Taker {
    /// By name.
    Person(Arc<str>),
    /// By address.
    Device(IpAddr),
}

impl Taker {
    /// The person, if one is known; else the device.
    #[must_use]
    pub fn of(person: Option<&Arc<str>>, client: IpAddr) -> Self {
        person.map_or(Self::Device(client), |name| Self::Person(name.clone()))
    }
}

/// How much each has taken of something, and how much each may.
#[derive(Debug)]
pub struct Shares {
    taken: Mutex<HashMap<Taker, Arc<Part>>>,
    most: usize,
}

/// One taker's part.
#[derive(Debug)]
struct Part {
    /// What is left of it. It is given in the order it is asked for.
    left: Arc<Semaphore>,
    /// How many wait.
    waiting: AtomicUsize,
}

impl Shares {
    /// Each may have so much of it at a time.
    #[must_use]
    pub fn of(most: usize) -> Arc<Self> {
        Arc::new(Self { taken: Mutex::default(), most: most.min(Semaphore::MAX_PERMITS) })
    }

    /// So much of it, until it is dropped; nothing, if that is more than is left of the share now.
    #[must_use]
    pub fn take_now(self: &Arc<Self>, taker: &Taker, amount: u32) -> Option<Share> {
        let claim = self.claim(taker);
        let permit = claim.part.left.clone().try_acquire_many_owned(amount).ok()?;
        Some(Share { _permit: permit, _claim: claim })
    }

    /// So much of it, until it is dropped; nothing, if that is more than a share, or not there in time, or too many wait for it.
    pub async fn take(self: &Arc<Self>, taker: &Taker, amount: u32, patience: Duration) -> Option<Share> {
        if usize::try_from(amount).is_ok_and(|amount| amount > self.most) {
            return None;
        }
        let claim = self.claim(taker);
        let permit = match claim.part.left.clone().try_acquire_many_owned(amount) {
            Ok(permit) => permit,
            Err(_) => {
                let _place = Waiting::behind_others(&claim.part)?;
                timeout(patience, claim.part.left.clone().acquire_many_owned(amount)).await.ok()?.ok()?
            }
        };
        Some(Share { _permit: permit, _claim: claim })
    }

    fn claim(self: &Arc<Self>, taker: &Taker) -> Claim {
        let new = || Arc::new(Part { left: Arc::new(Semaphore::new(self.most)), waiting: AtomicUsize::new(0) });
        let part = self.taken.lock().entry(taker.clone()).or_insert_with(new).clone();
        Claim { part, of: self.clone(), taker: taker.clone() }
    }
}

/// What somebody has taken.
#[derive(Debug)]
pub struct Share {
    /// First given back, then forgotten.
    _permit: OwnedSemaphorePermit,
    _claim: Claim,
}

/// That a part is in use: the last one forgets it.
#[derive(Debug)]
struct Claim {
    part: Arc<Part>,
    of: Arc<Shares>,
    taker: Taker,
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut taken = self.of.taken.lock();
        // This one and the one in the table: whoever comes next has to come through the table.
        if Arc::strong_count(&self.part) == 2 {
            taken.remove(&self.taker);
        }
    }
}

/// A place among those who wait.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn behind_others(part: &'a Part) -> Option<Self> {
        let place = Self(&part.waiting);
        (part.waiting.fetch_add(1, Ordering::Relaxed) < LONGEST_QUEUE).then_some(place)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::task::{JoinHandle, yield_now};

    const SOON: Duration = Duration::from_secs(20);

    fn device(last: u8) -> Taker {
        Taker::of(None, IpAddr::from([10, 0, 0, last]))
    }

    fn asking(shares: &Arc<Shares>, taker: &Taker, amount: u32) -> JoinHandle<Option<Share>> {
        let (shares, taker) = (shares.clone(), taker.clone());
        tokio::spawn(async move { shares.take(&taker, amount, SOON).await })
    }

    #[tokio::test]
    async fn nobody_takes_more_than_a_share_and_what_is_given_back_is_forgotten() {
        let (shares, now) = (Shares::of(3), Duration::ZERO);
        let first = shares.take(&device(1), 2, now).await.expect("a share");
        assert!(shares.take(&device(1), 2, now).await.is_none() && shares.take(&device(2), 3, now).await.is_some());
        let second = shares.take(&device(1), 1, now).await.expect("the rest of it");
        drop(first);
        assert!(shares.take(&device(1), 2, now).await.is_some());
        drop(second);
        assert!(shares.taken.lock().is_empty());
        assert!(shares.take(&device(1), 4, SOON).await.is_none(), "that never comes");
        assert!(shares.taken.lock().is_empty());
    }

    #[tokio::test]
    async fn a_person_has_one_share_wherever_they_sit_and_two_at_one_device_have_two() {
        let (shares, now, at) = (Shares::of(1), Duration::ZERO, |last| IpAddr::from([10, 0, 0, last]));
        let (one, other): (Arc<str>, Arc<str>) = ("7-a".into(), "7-b".into());
        let _first = shares.take(&Taker::of(Some(&one), at(1)), 1, now).await.expect("a share");
        assert!(shares.take(&Taker::of(Some(&one), at(2)), 1, now).await.is_none());
        assert!(shares.take(&Taker::of(Some(&other), at(1)), 1, now).await.is_some());
        assert!(shares.take(&Taker::of(None, at(1)), 1, now).await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_class_behind_one_address_is_served_one_after_the_other() {
        let (shares, class) = (Shares::of(4), device(1));
        let first = shares.take(&class, 4, SOON).await.expect("a share");
        // The first of them wants more than the second: it is not passed by.
        let waiting: Vec<_> = (0..30).map(|number| asking(&shares, &class, if number == 0 { 4 } else { 1 })).collect();
        yield_now().await;
        assert!(waiting.iter().all(|one| !one.is_finished()));
        assert!(shares.take(&device(2), 1, SOON).await.is_some(), "others do not wait for them");
        drop(first);
        let mut order = waiting.into_iter();
        let big = order.next().expect("the first").await.expect("no panic").expect("its turn");
        yield_now().await;
        assert!(order.as_slice().iter().all(|one| !one.is_finished()));
        drop(big);
        for one in order {
            assert!(one.await.expect("no panic").is_some());
        }
        assert!(shares.taken.lock().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_ever_or_behind_more_than_a_queue_and_who_gives_up_keeps_nobody() {
        let (shares, class) = (Shares::of(1), device(1));
        let first = shares.take(&class, 1, SOON).await.expect("a share");
        let mut waiting = Vec::new();
        for _ in 0..LONGEST_QUEUE {
            waiting.push(asking(&shares, &class, 1));
            yield_now().await;
        }
        let before = tokio::time::Instant::now();
        assert!(shares.take(&class, 1, SOON).await.is_none() && before.elapsed().is_zero(), "told at once");
        for one in waiting {
            assert!(one.await.expect("no panic").is_none());
        }
        assert_eq!(before.elapsed().as_secs(), SOON.as_secs());
        let given_up = asking(&shares, &class, 1);
        yield_now().await;
        let next = asking(&shares, &class, 1);
        yield_now().await;
        given_up.abort();
        drop(first);
        assert!(next.await.expect("no panic").is_some());
        yield_now().await;
        assert!(shares.taken.lock().is_empty());
    }
}
