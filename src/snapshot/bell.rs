//! Wakes tasks that sleep when something changes that they would not hear of: nobody has to look again and again.

use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::task::{Context, Waker};

/// Wakes everybody who has asked for it.
#[derive(Debug, Default)]
pub struct Bell(Mutex<Sleepers>);

#[derive(Debug, Default)]
struct Sleepers {
    next: u64,
    all: HashMap<u64, Arc<Mutex<Option<Waker>>>>,
}

/// A task that is woken, until this is dropped.
#[derive(Debug)]
pub struct Sleeper {
    bell: Arc<Bell>,
    number: u64,
    waker: Arc<Mutex<Option<Waker>>>,
}

impl Bell {
    /// A place for a task that is to be woken.
    #[must_use]
    pub fn sleeper(self: &Arc<Self>) -> Sleeper {
        let waker = Arc::default();
        let mut sleepers = self.0.lock();
        let number = sleepers.next;
        sleepers.next += 1;
        sleepers.all.insert(number, Arc::clone(&waker));
        Sleeper { bell: self.clone(), number, waker }
    }

    /// Wakes all of them, once.
    pub fn ring(&self) {
        // Whoever is woken may end at once, and leave.
        let all: Vec<_> = self.0.lock().all.values().cloned().collect();
        for one in all {
            let waker = one.lock().take();
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }
}

impl Sleeper {
    /// Has the task of this context be woken by the next ring. What it looks at, it is to look at after this: so no ring is missed.
    pub fn listen(&self, cx: &Context<'_>) {
        let mut waker = self.waker.lock();
        if waker.as_ref().is_none_or(|known| !known.will_wake(cx.waker())) {
            *waker = Some(cx.waker().clone());
        }
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        self.bell.0.lock().all.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::task::Poll;

    #[tokio::test]
    async fn whoever_listens_is_woken_and_whoever_has_left_is_not_remembered() {
        let (bell, is_changed) = (Arc::new(Bell::default()), Arc::new(AtomicBool::new(false)));
        let waits = |bell: &Arc<Bell>| {
            let (sleeper, is_changed) = (bell.sleeper(), is_changed.clone());
            tokio::spawn(poll_fn(move |cx| {
                sleeper.listen(cx);
                if is_changed.load(Ordering::Acquire) { Poll::Ready(()) } else { Poll::Pending }
            }))
        };
        let waiting = [waits(&bell), waits(&bell)];
        tokio::task::yield_now().await;
        drop(bell.sleeper());
        assert_eq!(bell.0.lock().all.len(), 2);
        bell.ring();
        tokio::task::yield_now().await;
        assert!(waiting.iter().all(|one| !one.is_finished()), "nothing has changed");
        is_changed.store(true, Ordering::Release);
        bell.ring();
        for one in waiting {
            one.await.expect("it ends");
        }
        assert_eq!(bell.0.lock().all.len(), 0);
    }
}
