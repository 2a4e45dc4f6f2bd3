//! The illegal tier while Usher runs: looked at when it starts, at each reload and each minute; what changed is told, put on record, and put in force.
//!
//! A problem is on record once, however often it is seen and however often Usher is started. A look never takes an entry out of force
//! that a sound feed put there: should all files be gone, what is in memory stays.

use crate::audit::Folder;
use crate::audit::events::{self as record, Event, Severity, Wanted};
use crate::illegal::sealed::Purpose;
use crate::illegal::state::Change;
use crate::illegal::store::{Look, Paths, Slot, Trace};
use crate::illegal::{Red, Standing, Tier};
use crate::proxy::Clock;
use crate::snapshot::{InForce, Snapshot, SnapshotId};
use crate::telemetry::events;
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(60);
/// The kind of event that says a list is in force: the trace of it outside its own folder.
const TAKEN: &str = "illegal-feed";

/// Whoever looks after the tier.
pub struct Watch {
    log: Folder,
    clock: Clock,
    seen: Mutex<Seen>,
}

/// What was seen last. Held while looking, so that two looks never cross.
struct Seen {
    slot: Slot,
    standing: Standing,
    /// What was told while what Usher keeps could not be written, so that it is not told each minute.
    told: Vec<Change>,
}

/// Whether there is a trace on record of a list that was in force.
#[must_use]
pub fn trace(log: &Folder) -> Trace {
    let wanted = Wanted { kind: Some(TAKEN.to_owned()), limit: 1, ..Wanted::default() };
    match record::search(log, &wanted) {
        Ok(rows) if !rows.is_empty() => Trace::OnRecord,
        Ok(_) | Err(_) => Trace::None,
    }
}

impl Watch {
    /// Looks for the first time.
    pub fn start(slot: Slot, log: Folder, clock: Clock) -> (Self, Tier) {
        let watch = Self { log, clock, seen: Mutex::new(Seen { slot, standing: Standing::NotPresent, told: Vec::new() }) };
        let tier = watch.look(&mut watch.seen.lock(), &Tier::default());
        (watch, tier)
    }

    /// How the tier stood at the last look.
    #[must_use]
    pub fn standing(&self) -> Standing {
        self.seen.lock().standing.clone()
    }

    /// Looks once more, and puts in force what is found if it is another feed.
    pub fn look_again(&self, in_force: &InForce) {
        let mut seen = self.seen.lock();
        let current = in_force.get().tier.clone();
        let tier = self.look(&mut seen, &current);
        if tier.feed().map(|feed| feed.digest) != current.feed().map(|feed| feed.digest) {
            in_force.replace_tier(&tier);
        }
    }

    /// Looks where the configuration now says, and puts new rules in force together with what is found.
    pub fn put_in_force(&self, rules: &Snapshot, paths: Option<Paths>, in_force: &InForce) -> SnapshotId {
        let mut seen = self.seen.lock();
        seen.slot = seen.slot.at(paths);
        let tier = self.look(&mut seen, &in_force.get().tier);
        let snapshot = rules.with_tier(tier);
        let id = snapshot.id;
        in_force.replace(&snapshot);
        id
    }

    /// Puts new rules in force with the tier as it is.
    pub fn put_rules(&self, rules: &Snapshot, in_force: &InForce) -> SnapshotId {
        let _seen = self.seen.lock();
        let snapshot = rules.with_tier(in_force.get().tier.clone());
        let id = snapshot.id;
        in_force.replace(&snapshot);
        id
    }

    /// Looks each minute, for ever.
    pub async fn run(self: Arc<Self>, in_force: Arc<InForce>) {
        loop {
            tokio::time::sleep(LOOK).await;
            let (watch, in_force) = (self.clone(), in_force.clone());
            // A panic was told already, and the next look is made nevertheless.
            let _ = tokio::task::spawn_blocking(move || watch.look_again(&in_force)).await;
        }
    }

    fn look(&self, seen: &mut Seen, current: &Tier) -> Tier {
        let mut look = seen.slot.look(self.trace(current), (self.clock)());
        let told = std::mem::take(&mut seen.told);
        let unrecorded = look.changes().iter().filter(|change| !told.contains(change) && !self.tell(change)).count();
        if unrecorded > 0 {
            look.not_on_record();
        }
        let mut standing = look.standing().clone();
        if let Err(error) = seen.slot.keep(&look) {
            let unkept = Red::Unkept(error.to_string());
            if !is_among(&unkept, &seen.standing) {
                self.tell(&Change::Wrong(unkept.clone()));
            }
            seen.told = if unrecorded == 0 { look.changes().to_vec() } else { told };
            standing = standing.and(unkept);
        }
        let tier = never_fewer(&look, current);
        seen.standing = with_in_force(standing, &tier);
        tier
    }

    /// A list in memory is a trace too.
    fn trace(&self, current: &Tier) -> Trace {
        match current.feed().map(|feed| feed.header.purpose) {
            Some(Purpose::List) => Trace::OnRecord,
            Some(Purpose::Demonstration) | None => trace(&self.log),
        }
    }

    /// Tells a change and puts it on record; whether it is there.
    fn tell(&self, change: &Change) -> bool {
        let (kind, severity, text) = match change {
            Change::Wrong(red) => ("illegal-tier", Severity::Critical, red.to_string()),
            Change::Mended(was) => ("illegal-tier-mended", Severity::Info, format!("no longer so: {was}")),
            Change::Taken(header) => {
                let kind = match header.purpose {
                    Purpose::List => TAKEN,
                    Purpose::Demonstration => "illegal-demonstration",
                };
                let text = format!(
                    "feed number {} of {}, made {}, is in force: {} pages, {} sites",
                    header.serial, header.publisher, header.issued, header.pages, header.sites
                );
                (kind, Severity::Info, text)
            }
        };
        match change {
            Change::Wrong(_) => events::IllegalTierRed { why: &text }.emit(),
            Change::Mended(_) | Change::Taken(_) => events::IllegalTierChanged { what: &text }.emit(),
        }
        let text = format!("Illegal-content lists: {text}.");
        let event = Event { at: (self.clock)(), kind, severity, text };
        match record::record(&self.log, &event) {
            Ok(()) => true,
            Err(error) => {
                events::EventUnrecorded { event: &event.text, error: &error }.emit();
                false
            }
        }
    }
}

fn is_among(red: &Red, standing: &Standing) -> bool {
    match standing {
        Standing::Red { why, .. } => why.contains(red),
        Standing::NotPresent | Standing::Sealed(_) | Standing::Demonstration(_) => false,
    }
}

/// What was found, unless that is less than what is in memory and something is wrong.
fn never_fewer(look: &Look, current: &Tier) -> Tier {
    let found = look.tier();
    let is_red = match look.standing() {
        Standing::Red { .. } => true,
        Standing::NotPresent | Standing::Sealed(_) | Standing::Demonstration(_) => false,
    };
    match (found.feed(), current.feed()) {
        (_, Some(now)) if !is_red || now.header.purpose == Purpose::Demonstration => found,
        (Some(new), Some(now)) if new.publisher == now.publisher && new.header.serial >= now.header.serial => found,
        (_, Some(_)) => current.clone(),
        (_, None) => found,
    }
}

/// A standing that says what is really in force.
fn with_in_force(standing: Standing, tier: &Tier) -> Standing {
    match standing {
        Standing::Red { why, .. } => Standing::Red { why, in_force: tier.feed().map(|feed| feed.header.clone()) },
        Standing::NotPresent | Standing::Sealed(_) | Standing::Demonstration(_) => standing,
    }
}
