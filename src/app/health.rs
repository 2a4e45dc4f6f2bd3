//! How Usher stands, looked at from outside and inside: a request of its own that must be blocked, and what everybody who judges a part of it says.
//!
//! Nothing is judged here a second time: lists by [`State::light`], the illegal tier by [`Standing`], the parent by its last check, segments by what is on
//! record of them, telling by [`crate::alert::health`]. Where to add: a function that gives a [`Check`], and its line in [`Subject::look`].
//!
//! [`State::light`]: crate::library::state::State::light

mod asking;

pub use asking::AGENT;

use super::parent;
use crate::alert::engine::{self, Follower};
use crate::alert::health::Check;
use crate::alert::rebuild::Kept;
use crate::alert::signal::SelfTest;
use crate::audit::{Calendar, Folder, damage};
use crate::clock::Timetable;
use crate::config::{Config, Rulebook};
use crate::illegal::Standing;
use crate::library::Library;
use crate::library::parent_check::{self, Checked};
use crate::library::state::spoken;
use crate::snapshot::Snapshot;
use crate::telemetry::light::Light;
use crate::tls::ca;
use crate::upstream::Upstream;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rustix::fs::statvfs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How long a record may take to reach the engine of alerts.
const BEHIND: Duration = Duration::from_secs(5);
/// The engine keeps what it knows each half minute; older than this, it does not.
const UNKEPT: SignedDuration = SignedDuration::from_secs(150);
/// What is to be free on the disk at the least, in bytes, where the school says nothing.
const LEAST_FREE: u64 = 256 << 20;
/// So many days before the end of the last term that is known it is time to write the next.
const TERM_ENDS: i32 = 21;
/// Below so many times that it is time to look.
const LITTLE: u64 = 4;

/// What is looked at.
pub struct Subject {
    /// The data folder.
    pub data: PathBuf,
    /// The folder of the record.
    pub log: Folder,
    /// The folder of alerts.
    pub alerts: PathBuf,
    /// The school's authorities.
    pub authorities: ca::Folder,
    /// What is to stay free on the disk, in bytes.
    pub free_disk: u64,
    /// The first address it listens on.
    pub listens: Option<SocketAddr>,
    /// The secret of the installation.
    pub secret: [u8; 32],
    /// What the files say.
    pub rulebook: Arc<Rulebook>,
    /// The lists.
    pub library: Library,
    /// The parent proxy.
    pub upstream: Option<Upstream>,
    /// What is in force.
    pub snapshot: Arc<Snapshot>,
    /// How the illegal tier stands.
    pub illegal: Standing,
    /// The parts of this process that can be asked, where this process serves.
    pub live: Option<Live>,
}

/// Parts of a running Usher.
#[derive(Clone)]
pub struct Live {
    /// Knows whether the record can be written.
    pub calendar: Calendar,
    /// How far alerts have come.
    pub follower: Follower,
}

impl Subject {
    /// Of an installation by its files, whether Usher runs or not.
    #[must_use]
    pub fn of(config: &Config, secret: [u8; 32], rulebook: Arc<Rulebook>, snapshot: Arc<Snapshot>) -> Self {
        Self {
            data: config.data.clone(),
            log: config.log(),
            alerts: config.alerts_path(),
            authorities: config.authorities(),
            free_disk: config.limits.free_disk,
            // Which port 0 became only the running Usher knows.
            listens: config.listen.first().copied().filter(|address| address.port() != 0),
            secret,
            rulebook,
            library: config.library(secret),
            upstream: config.upstream().cloned(),
            snapshot,
            illegal: super::illegal_standing(config, &secret),
            live: None,
        }
    }

    /// Looks at all of it but telling. It waits for the disk, and for an answer of the proxy.
    #[must_use]
    pub fn look(&self, now: Timestamp) -> Vec<Check> {
        let asked = asking::ask(self, &SelfTest::new(&self.secret), now);
        let mut checks = vec![asked.check.clone(), self.record(&asked), self.engine(&asked, now), self.segments(), self.disk()];
        checks.extend([self.lists(now), self.illegal_content(now)]);
        checks.extend(self.parent(now));
        checks.extend(self.authority(now));
        checks.push(self.phrases());
        checks.push(timetable(&self.snapshot.timetable, now));
        checks
    }

    fn zone(&self) -> &TimeZone {
        &self.rulebook.school.timetable.zone
    }

    fn record(&self, asked: &asking::Asked) -> Check {
        const WHAT: &str = "record";
        if self.live.as_ref().is_some_and(|live| live.calendar.is_failing()) {
            return Check::new(WHAT, Light::Red, "it cannot be written, and all requests are refused: look at the disk, and at what usher serve says");
        }
        match &asked.row {
            Some(row) => Check::new(WHAT, Light::Green, format!("the request was on record at once, as {}", row.id)),
            None if asked.was_answered => Check::new(WHAT, Light::Red, "the request was answered, and is not on record; see: usher log verify"),
            None => Check::new(WHAT, Light::Amber, "not tried, for there was no answer"),
        }
    }

    fn engine(&self, asked: &asking::Asked, now: Timestamp) -> Check {
        const WHAT: &str = "alerts";
        if let (Some(live), Some(row)) = (&self.live, &asked.row) {
            let waited = asking::until(BEHIND, || (live.follower.position() >= row.number).then_some(()));
            return match waited {
                Some(()) => Check::new(WHAT, Light::Green, "records are looked at as they are committed"),
                None => Check::new(
                    WHAT,
                    Light::Red,
                    format!("a record was not looked at within {} s: see what usher serve says, and start it again", BEHIND.as_secs()),
                ),
            };
        }
        let path = self.alerts.join(engine::FILE);
        let kept =
            std::fs::metadata(&path).and_then(|file| file.modified()).ok().and_then(|at| Timestamp::try_from(at).ok()).filter(|_| Kept::read(&path).is_some());
        match kept.map(|at| now.duration_since(at)) {
            Some(age) if age <= UNKEPT => Check::new(WHAT, Light::Green, "records are looked at as they are committed"),
            Some(age) => Check::new(WHAT, Light::Red, format!("nothing was looked at for {}: Usher is not running, or stands still", spoken(age))),
            None => Check::new(WHAT, Light::Red, "nothing was ever looked at: Usher was not started yet"),
        }
    }

    fn segments(&self) -> Check {
        const WHAT: &str = "segments";
        match damage::known(&self.log) {
            Ok(wrong) if wrong.is_empty() => Check::new(WHAT, Light::Green, "every sealed file of the record is there and sound"),
            Ok(wrong) => {
                let names = wrong.iter().take(5).cloned().collect::<Vec<_>>().join(", ");
                Check::new(
                    WHAT,
                    Light::Red,
                    format!("{} of the record damaged or gone: {names}. Put them back from a copy, then: usher log verify", wrong.len()),
                )
            }
            Err(error) => Check::new(WHAT, Light::Red, format!("the journal of the record cannot be read: {error}")),
        }
    }

    fn disk(&self) -> Check {
        const WHAT: &str = "disk";
        match statvfs(&self.data) {
            Ok(disk) => of_disk(disk.f_bavail.saturating_mul(disk.f_frsize), self.free_disk.max(LEAST_FREE)),
            Err(error) => Check::new(WHAT, Light::Red, format!("the disk of {} cannot be looked at: {error}", self.data.display())),
        }
    }

    fn lists(&self, now: Timestamp) -> Check {
        const WHAT: &str = "lists";
        let of = |source: &crate::library::source::Source| {
            let state = self.library.state(&source.name);
            let (light, why) = state.map_or_else(|error| (Light::Red, Some(error.to_string())), |state| state.light(source, now));
            Some((light, format!("{}: {}", source.name, why?)))
        };
        let mut wrong: Vec<_> = self.rulebook.sources.iter().filter_map(of).collect();
        match self.library.generations().in_force() {
            Ok(Some(in_force)) => {
                wrong.extend(in_force.held.map(|held| (Light::Amber, format!("held at an older generation by {}: {}", held.who, held.why))));
            }
            Ok(None) => wrong.push((Light::Red, "no lists were ever put in force; start Usher, or run: usher lists update".to_owned())),
            Err(error) => wrong.push((Light::Red, format!("which lists are in force cannot be read: {error}"))),
        }
        let light = wrong.iter().map(|(light, _)| *light).max().unwrap_or(Light::Green);
        if wrong.is_empty() {
            return Check::new(WHAT, light, format!("{} entries in force, none too old", self.snapshot.lists.len()));
        }
        let words = wrong.into_iter().map(|(_, why)| why).collect::<Vec<_>>().join("; ");
        Check::new(WHAT, light, format!("{words}; see: usher lists status"))
    }

    fn illegal_content(&self, now: Timestamp) -> Check {
        let (light, words) = illegal(&self.illegal, self.checked().as_ref(), self.zone(), now);
        Check::new("illegal content", light, words)
    }

    /// What the last check of the parent found, if there is a parent and it was checked.
    fn checked(&self) -> Option<Checked> {
        let parent = self.upstream.as_ref()?.to_string();
        self.library.parent().ok().flatten().filter(|checked| checked.parent == parent)
    }

    fn parent(&self, now: Timestamp) -> Option<Check> {
        const WHAT: &str = "parent proxy";
        self.upstream.as_ref()?;
        let checked = self.checked()?;
        let line = checked.line(self.zone());
        let light = parent::light(&checked);
        Some(if checked.is_old(now) { Check::new(WHAT, light.max(Light::Amber), format!("{line}; that is long ago")) } else { Check::new(WHAT, light, line) })
    }

    /// Only where https is looked into.
    fn authority(&self, now: Timestamp) -> Option<Check> {
        const WHAT: &str = "certificate authority";
        self.snapshot.policy.inspected().next()?;
        let there = match self.authorities.load() {
            Ok(there) => there,
            Err(error) => return Some(Check::new(WHAT, Light::Red, error.to_string())),
        };
        let Some(signing) = there.signing(now) else {
            return Some(Check::new(WHAT, Light::Red, "https is to be looked into, and nobody can sign; see: usher ca show"));
        };
        let (until, left) = (signing.own().until, signing.own().days_left(now));
        let until = until.to_zoned(self.zone().clone()).strftime("%-d %B %Y");
        let is_last = !there.each(now).any(|(standing, _)| standing == ca::Standing::Waits);
        Some(match left {
            ..0 => Check::new(WHAT, Light::Red, format!("it ended on {until}: no https site that is looked into can be opened; see: usher ca show")),
            _ if left < ca::SOON && is_last => {
                let light = if left < ca::SOON / 4 { Light::Red } else { Light::Amber };
                Check::new(WHAT, light, format!("it ends on {until}, in {left} days, and none follows it: usher ca create --next --name NAME"))
            }
            _ => Check::new(WHAT, Light::Green, format!("good until {until}")),
        })
    }

    fn phrases(&self) -> Check {
        const WHAT: &str = "phrases";
        let lexicon = &self.snapshot.lexicon;
        let (entries, themes) = (lexicon.entries().len(), lexicon.themes().len());
        if entries == 0 {
            return Check::new(WHAT, Light::Red, "none are loaded: what is searched for and read says nothing to alerts; see [scan] phrases in usher.toml");
        }
        Check::new(WHAT, Light::Green, format!("{entries} phrases of {themes} themes"))
    }
}

/// After the last term that is known no morning message would come, and nobody would miss it.
fn timetable(timetable: &Timetable, now: Timestamp) -> Check {
    const WHAT: &str = "timetable";
    let Some(last) = timetable.terms.iter().map(|term| term.last).max() else {
        return Check::new(WHAT, Light::Green, "every day is in term: no terms are given");
    };
    let left = (last - now.to_zoned(timetable.zone.clone()).date()).get_days();
    let words = format!("the last term that policy.toml knows ends on {}", last.strftime("%-d %B %Y"));
    match left {
        ..0 => Check::new(
            WHAT,
            Light::Red,
            format!("{words}: no morning message comes any more, and concern waits for no morning. Write the next terms under [timetable]"),
        ),
        0..TERM_ENDS => Check::new(WHAT, Light::Amber, format!("{words}: after it no morning message comes. Write the next terms under [timetable]")),
        _ => Check::new(WHAT, Light::Green, words),
    }
}

fn of_disk(free: u64, least: u64) -> Check {
    const WHAT: &str = "disk";
    let words = format!("{} MiB are free where the record is", free >> 20);
    if free < least {
        Check::new(
            WHAT,
            Light::Red,
            format!("{words}, less than the {} MiB that are to stay free: make room, or requests are refused before long", least >> 20),
        )
    } else if free < least.saturating_mul(LITTLE) {
        Check::new(WHAT, Light::Amber, format!("{words}: make room"))
    } else {
        Check::new(WHAT, Light::Green, words)
    }
}

/// How illegal content is kept out: by a sealed feed, by a parent proxy that was `checked`, or not at all.
#[must_use]
pub fn illegal(standing: &Standing, checked: Option<&Checked>, zone: &TimeZone, now: Timestamp) -> (Light, String) {
    let lines = standing.lines(now);
    let what_to_do = lines.iter().find(|(name, _)| *name == "what to do").map_or(String::new(), |(_, what)| format!(" {what}"));
    let text = standing.headline(now) + &what_to_do;
    match (standing, checked) {
        (Standing::Red { .. }, _) => (Light::Red, text),
        (Standing::Sealed(_), _) => (Light::Green, text),
        (Standing::NotPresent | Standing::Demonstration(_), None) => (Light::Amber, text),
        (Standing::NotPresent | Standing::Demonstration(_), Some(checked)) => {
            let line = checked.line(zone);
            if checked.standing() == parent_check::Standing::Verified && !checked.is_old(now) {
                (Light::Green, format!("Illegal-content lists: {line}."))
            } else {
                (parent::light(checked).max(Light::Amber), format!("{text} The {line}."))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Dates;
    use jiff::civil::date;

    #[test]
    fn the_end_of_the_last_term_is_told_before_it_is_there() {
        let term = |last| Dates { name: "autumn".into(), first: date(2026, 9, 2), last };
        let school = Timetable { zone: TimeZone::UTC, periods: Vec::new(), terms: vec![term(date(2026, 7, 21)), term(date(2026, 12, 18))], closed: Vec::new() };
        let light = |now: &str| timetable(&school, now.parse().expect("a time")).light;
        assert_eq!((light("2026-11-27T10:00:00Z"), light("2026-11-28T10:00:00Z")), (Light::Green, Light::Amber));
        assert_eq!((light("2026-12-18T23:00:00Z"), light("2026-12-19T00:00:00Z")), (Light::Amber, Light::Red));
        assert_eq!(timetable(&Timetable { terms: Vec::new(), ..school }, Timestamp::UNIX_EPOCH).light, Light::Green);
    }

    #[test]
    fn a_disk_that_fills_is_seen_before_it_is_full() {
        let light = |free: u64| of_disk(free << 20, 1 << 30).light;
        assert_eq!((light(1023), light(1024), light(4095), light(4096)), (Light::Red, Light::Amber, Light::Amber, Light::Green));
    }
}
