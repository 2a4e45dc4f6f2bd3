//! The record as it is committed, for one reader in this process: nothing is handed over before it is on record, and everything is, in order.
//!
//! What the reader has not taken is kept, up to a bound. Beyond it records are not kept but named: the reader finds them in the log. What ends later than
//! that with something remarked is kept all the same, for in the log nobody would look for it again.

use super::record::{Closing, Opening, RecordId};
use parking_lot::{Condvar, Mutex};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The most that is kept. At a thousand requests a second it is half a minute of them.
const MOST_KEPT: usize = 65_536;
/// The most endings with something remarked that are kept beyond that.
const MOST_ENDINGS: usize = 4096;

/// Something that is on record.
#[derive(Clone, Debug)]
pub enum Committed {
    /// A record was opened.
    Opened(RecordId, Arc<Opening>),
    /// It was closed.
    Closed(Box<Closing>),
}

/// What has come since the last time.
#[derive(Debug, Default)]
pub struct Taken {
    /// In the order of the record.
    pub events: Vec<Committed>,
    /// The first and last record that were not kept: they come after these events, and before what is taken next.
    pub lost: Option<(RecordId, RecordId)>,
    /// The recorder is closed: nothing more comes.
    pub is_over: bool,
}

/// Follows the record.
pub struct Feed {
    kept: Arc<Kept>,
}

/// What is handed from the writer to the reader.
#[derive(Default)]
pub(super) struct Kept {
    taken: Mutex<Taken>,
    wake: Condvar,
}

impl Feed {
    pub(super) fn of(kept: &Arc<Kept>) -> Self {
        Self { kept: Arc::clone(kept) }
    }

    /// Takes what has come; waits for so long if nothing has.
    #[must_use]
    pub fn take(&self, wait: Duration) -> Taken {
        let until = Instant::now() + wait;
        let mut taken = self.kept.taken.lock();
        while taken.events.is_empty() && taken.lost.is_none() && !taken.is_over {
            if self.kept.wake.wait_until(&mut taken, until).timed_out() {
                break;
            }
        }
        let is_over = taken.is_over;
        Taken { is_over, ..std::mem::replace(&mut taken, Taken { is_over, ..Taken::default() }) }
    }
}

impl Kept {
    /// These were committed together.
    pub(super) fn add<'a>(&self, openings: impl Iterator<Item = (RecordId, &'a Arc<Opening>)>, closings: impl Iterator<Item = Closing>) {
        let mut taken = self.taken.lock();
        let was_empty = taken.events.is_empty() && taken.lost.is_none();
        for (id, opening) in openings {
            let is_full = taken.events.len() >= MOST_KEPT;
            match &mut taken.lost {
                Some((_, last)) => *last = id,
                lost @ None if is_full => *lost = Some((id, id)),
                None => taken.events.push(Committed::Opened(id, Arc::clone(opening))),
            }
        }
        for closing in closings {
            let is_remarked = closing.note.as_ref().is_some_and(|note| note.starts_with('{'));
            let most = if is_remarked { MOST_KEPT + MOST_ENDINGS } else { MOST_KEPT };
            if taken.events.len() < most {
                taken.events.push(Committed::Closed(Box::new(closing)));
            }
        }
        if was_empty {
            self.wake.notify_one();
        }
    }

    /// Nothing more comes.
    pub(super) fn end(&self) {
        self.taken.lock().is_over = true;
        self.wake.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::record::{Class, Outcome};
    use crate::audit::tests::request;

    fn closing(id: u64, note: Option<&str>) -> Closing {
        Closing {
            id: RecordId(id),
            class: Class::Visit,
            status: 200,
            bytes_up: 0,
            bytes_down: 0,
            duration_us: 0,
            outcome: Outcome::Complete,
            upstream: None,
            note: note.map(str::to_owned),
        }
    }

    #[test]
    fn what_is_not_taken_is_named_and_what_is_remarked_is_kept() {
        let kept = Arc::new(Kept::default());
        let feed = Feed::of(&kept);
        assert!(feed.take(Duration::ZERO).events.is_empty());
        let opening: Arc<Opening> = request(1).into();
        let most = MOST_KEPT as u64;
        for id in 1..=most + 3 {
            kept.add([(RecordId(id), &opening)].into_iter(), [].into_iter());
        }
        kept.add([].into_iter(), [closing(1, None), closing(2, Some("{way wisp 20} x"))].into_iter());
        let taken = feed.take(Duration::ZERO);
        assert_eq!((taken.events.len(), taken.lost), (MOST_KEPT + 1, Some((RecordId(most + 1), RecordId(most + 3)))));
        assert!(matches!(taken.events.last(), Some(Committed::Closed(closing)) if closing.id == RecordId(2)));
        kept.add([(RecordId(most + 4), &opening)].into_iter(), [].into_iter());
        let taken = feed.take(Duration::ZERO);
        assert!(matches!(taken.events[..], [Committed::Opened(id, _)] if id == RecordId(most + 4)) && taken.lost.is_none());
        kept.end();
        assert!(feed.take(Duration::from_secs(60)).is_over, "it does not wait for what never comes");
    }
}
