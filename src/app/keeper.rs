//! Keeps a running Usher: asks publishers of lists when it is time, takes up what another program put in force or stated, and has the log tidied.

use super::reload::{Reloader, Standing};
use super::restrain::Restrainer;
use super::tidy::Tidier;
use super::volumes::Counter;
use super::{apart, own_order, parent};
use crate::audit::Calendar;
use crate::library::source::Source;
use crate::library::state::Last;
use crate::library::{LibraryError, Order};
use crate::telemetry::events;
use crate::telemetry::light::Light;
use jiff::Timestamp;
use jiff::civil::Date;
use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};

/// How often is looked whether something has changed: two looks at a file.
const LOOK: Duration = Duration::from_secs(2);
/// How often is asked whether a publisher is due.
const ASK: Duration = Duration::from_secs(30);
/// How often is asked whether something of the log is to be purged or erased.
const TIDY: Duration = Duration::from_secs(60);

/// Keeps on until it is dropped. A slow publisher must not keep what somebody did by hand from being taken up, so the two go on by themselves.
pub(super) async fn keep(reloader: Reloader, calendar: Calendar, (restrainer, counter): (Restrainer, Counter)) {
    let looker = Looker { seen: Seen::now(&reloader), reloader: reloader.clone() };
    let tidier = Tidier::new(reloader.clone(), calendar);
    let asker = Asker { lights: HashMap::new(), reloader };
    tokio::join!(
        again_and_again(LOOK, restrainer, Restrainer::look),
        again_and_again(LOOK, looker, Looker::look),
        again_and_again(ASK, asker, Asker::ask),
        again_and_again(TIDY, tidier, Tidier::tidy),
        again_and_again(TIDY, counter, Counter::turn)
    );
}

/// Does something that blocks, now and after each wait.
async fn again_and_again<T: Send + 'static>(wait: Duration, mut who: T, turn: fn(&mut T)) {
    let mut turns = interval(wait);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        turns.tick().await;
        let done = tokio::task::spawn_blocking(move || {
            turn(&mut who);
            who
        });
        // A panic was told; without anybody to keep them the lists stay as they are.
        let Ok(back) = done.await else { return };
        who = back;
    }
}

/// Takes up what another program, or the asker, has put in force.
struct Looker {
    reloader: Reloader,
    seen: Seen,
}

/// Asks publishers and the parent proxy when it is time.
struct Asker {
    reloader: Reloader,
    lights: HashMap<String, Light>,
}

/// What tells that lists have to be taken up: which generation is in force, the school's own entries, and the day, since entries end with one.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    pointer: Option<(u64, i64, i64)>,
    own: Option<(u64, i64, i64)>,
    today: Date,
}

impl Seen {
    fn now(reloader: &Reloader) -> Self {
        let Standing { rulebook, library, .. } = reloader.standing();
        let stamp = |path: &Path| fs::metadata(path).ok().map(|file| (file.ino(), file.mtime(), file.mtime_nsec()));
        let today = (reloader.clock)().to_zoned(rulebook.school.timetable.zone.clone()).date();
        Self { pointer: stamp(library.generations().pointer()), own: stamp(&library.own_path()), today }
    }
}

impl Looker {
    /// Takes up what has changed since the last look.
    fn look(&mut self) {
        let seen = Seen::now(&self.reloader);
        if seen == self.seen {
            return;
        }
        match self.reloader.take_up() {
            Ok(None) => {}
            Ok(Some((id, entries))) => events::ListsTaken { snapshot: id.to_string(), entries }.emit(),
            Err(error) => events::ReloadRefused { problems: &error.to_string() }.emit(),
        }
        self.seen = seen;
    }
}

impl Asker {
    /// Asks whoever is due, and tells how each source stands.
    fn ask(&mut self) {
        let standing = self.reloader.standing();
        let now = (self.reloader.clock)();
        let held = standing.library.generations().in_force().is_ok_and(|in_force| in_force.is_some_and(|in_force| in_force.held.is_some()));
        if !held {
            let due = due(&standing, now);
            if !due.is_empty() {
                update(&standing, &due, &own_order(now, "scheduled"));
            }
        }
        self.tell_lights(&standing, now);
        parent::check_if_due(&standing, now);
    }

    /// Tells of every source whose light has changed.
    fn tell_lights(&mut self, standing: &Standing, now: Timestamp) {
        for source in &standing.rulebook.sources {
            let Ok(state) = standing.library.state(&source.name) else { continue };
            let (light, why) = state.light(source, now);
            let before = self.lights.insert(source.name.clone(), light).unwrap_or(Light::Green);
            if before != light {
                events::SourceLight { source: &source.name, light, why: why.as_deref().unwrap_or("well again") }.emit();
            }
        }
    }
}

fn due(standing: &Standing, now: Timestamp) -> Vec<&Source> {
    let zone = &standing.rulebook.school.timetable.zone;
    let is_due = |source: &&Source| {
        let at = standing.library.state(&source.name).ok().and_then(|state| state.due(source, zone));
        at.is_some_and(|at| at <= now)
    };
    standing.rulebook.sources.iter().filter(is_due).collect()
}

fn update(standing: &Standing, due: &[&Source], order: &Order) {
    let books = standing.rulebook.books();
    match apart(|| standing.library.update(&books, due, standing.upstream.as_ref(), order, &mut |_| {})) {
        Ok(done) => {
            for (source, last) in &done.asked {
                match last {
                    Last::Failed(why) | Last::Refused(why) => events::SourceFailed { source, why }.emit(),
                    Last::Never | Last::Updated | Last::Unchanged => {}
                }
            }
            if let Some(generation) = done.generation {
                events::ListsUpdated { generation: generation.number, entries: generation.entries, took_ms: generation.took_ms }.emit();
            }
        }
        // Somebody is at it by hand.
        Err(LibraryError::Busy) => {}
        Err(error) => events::UpdateFailed { problem: &error.to_string() }.emit(),
    }
}
