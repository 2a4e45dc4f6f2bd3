//! The matters that may still be told of, as the journal's statements make them. What is long over is not held in memory.

use crate::audit::RecordId;
use crate::audit::incident::{Act, Incident};
use crate::audit::journal::Statement;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::time::Duration;

/// How long a matter that is over or closed is held after its last act.
const HELD: Duration = Duration::from_secs(14 * 86_400);
/// The most matters that are held. Beyond it the oldest go, first those that are over.
const MOST: usize = 20_000;

/// Matters by their first record and theme.
#[derive(Default)]
pub(super) struct Matters {
    all: BTreeMap<(RecordId, String), Known>,
}

struct Known {
    incident: Incident,
    last: i64,
}

impl Known {
    fn is_done(&self) -> bool {
        self.incident.is_ended || self.incident.closed.is_some()
    }
}

impl Matters {
    /// Something was stated.
    pub(super) fn take(&mut self, statement: &Statement, act: &Act) {
        let Some((episode, theme)) = act.episode() else { return };
        let key = (episode, theme.to_owned());
        if let Act::Opened(opened) = act {
            self.all.entry(key.clone()).or_insert_with(|| Known { incident: Incident::new((**opened).clone()), last: statement.at });
        }
        // Without its beginning, which a purge or an erasure may have taken, there is nothing to tell.
        if let Some(known) = self.all.get_mut(&key) {
            known.incident.take(statement.number, statement.at, act.clone());
            known.last = statement.at;
        }
        if self.all.len() > MOST {
            let oldest = self.all.iter().min_by_key(|(_, known)| (!known.is_done(), known.last)).map(|(key, _)| key.clone());
            oldest.and_then(|key| self.all.remove(&key));
        }
    }

    /// Lets go of what is long over.
    pub(super) fn forget(&mut self, now: Timestamp) {
        let before = now.checked_sub(HELD).unwrap_or(Timestamp::MIN).as_millisecond();
        self.all.retain(|_, known| known.last >= before || !known.is_done());
    }

    pub(super) fn get(&self, episode: RecordId, theme: &str) -> Option<&Incident> {
        self.all.get(&(episode, theme.to_owned())).map(|known| &known.incident)
    }

    /// Those that nobody has read or closed.
    pub(super) fn unread(&self) -> impl Iterator<Item = &Incident> {
        self.all.values().map(|known| &known.incident).filter(|incident| incident.read.is_none() && incident.closed.is_none())
    }

    /// Others of the same person that are open, by their themes; and how many of the same theme were before.
    pub(super) fn beside(&self, incident: &Incident) -> (Vec<String>, usize) {
        let of = &incident.opened;
        let others = || self.all.values().map(|known| &known.incident).filter(|other| other.opened.who == of.who && other.opened.theme != of.theme);
        let mut open: Vec<_> = others().filter(|other| !other.is_ended && other.closed.is_none()).map(|other| other.opened.theme.clone()).collect();
        open.sort();
        open.dedup();
        let before = self.all.values().map(|known| &known.incident);
        let before =
            before.filter(|other| other.opened.who == of.who && other.themes().any(|theme| theme == of.theme) && other.opened.episode < of.episode).count();
        (open, before)
    }
}
