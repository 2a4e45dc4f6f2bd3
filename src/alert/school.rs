//! What the school has a say in while records are weighed: its own rules, what it has said is harmless, and which addresses are where.

use super::engine::Hooks;
use super::held::Counter;
use super::restrict::Watch;
use super::rules::{Counts, Facts, themes_by_category};
use super::seen::Seen;
use super::settings::Settings;
use super::signal::{Signal, Source};
use super::suppress::{By, Held, Sign, Suppression, held, take};
use super::theme::Theme;
use crate::audit::erasure::gone::Gone;
use crate::audit::incident::{Act, Level, Person};
use crate::bypass::Code;
use crate::snapshot::InForce;
use jiff::Timestamp;
use jiff::civil::Date;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often it is looked whether the school says something else now.
const LOOK: Duration = Duration::from_secs(1);

/// How the settings in force are had.
pub type SettingsOf = Box<dyn Fn() -> Arc<Settings> + Send>;

/// The school's say.
pub struct School {
    settings_of: SettingsOf,
    in_force: Arc<InForce>,
    settings: Arc<Settings>,
    counts: Counts,
    suppressions: Vec<Suppression>,
    /// Counts what is held back. Nobody does where it is only tried.
    held_back: Option<Counter>,
    watch: Watch,
    looked: Instant,
}

impl School {
    /// The say of the school with these settings; what is held back is counted there, if anywhere.
    #[must_use]
    pub fn new(settings_of: SettingsOf, in_force: Arc<InForce>, held_back: Option<Counter>) -> Self {
        let settings = settings_of();
        let counts = Counts::new(settings.rules.clone());
        Self { settings_of, in_force, settings, counts, suppressions: Vec::new(), held_back, watch: Watch::default(), looked: Instant::now() }
    }

    fn look(&mut self) {
        if self.looked.elapsed() >= LOOK {
            self.settings = (self.settings_of)();
            self.counts.replace(self.settings.rules.clone());
            self.held_back.iter_mut().for_each(Counter::look);
            self.looked = Instant::now();
        }
    }

    /// The day of a record, in school time.
    fn day(&self, at_ms: u64) -> Date {
        let at = Timestamp::from_millisecond(at_ms.cast_signed()).unwrap_or(Timestamp::UNIX_EPOCH);
        at.to_zoned(self.in_force.peek().timetable.zone.clone()).date()
    }
}

impl Hooks for School {
    fn stated(&mut self, number: u64, at_ms: i64, act: &Act) {
        take(&mut self.suppressions, number, at_ms, act);
        self.watch.stated(act);
    }

    fn held(&mut self, seen: &Seen<'_>, signal: &Signal) -> Option<Held> {
        if self.suppressions.is_empty() {
            return None;
        }
        let today = self.day(seen.at_ms);
        let is_held = |by: By<'_>| {
            let sign = Sign { theme: signal.theme, group: seen.group, host: seen.host, by };
            held(&self.suppressions, &sign, today).map(|(held, one)| (held, one.number))
        };
        let (held, number) = match signal.sign.source {
            Source::Category | Source::Place => seen.categories.split_ascii_whitespace().filter_map(|id| is_held(By::Page { category: Some(id) })).max(),
            Source::Words => is_held(By::Page { category: None }),
            Source::Search | Source::Prompt => seen.search.and_then(|(_, term, _)| is_held(By::Asked(term))),
            Source::Way => signal.way.and_then(|code| is_held(By::Way(code))),
            // Of rules it is asked when they come to something.
            Source::Rule => None,
        }?;
        self.held_back.iter_mut().for_each(|counter| counter.count(number, today));
        Some(held)
    }

    fn tells_alike(&self, one: Theme, other: Theme) -> bool {
        self.settings.plan.tells_alike(one, other)
    }

    fn rules(&mut self, seen: &Seen<'_>) -> Vec<(Theme, Level, Box<str>)> {
        self.look();
        if self.settings.rules.is_empty() {
            return Vec::new();
        }
        let snapshot = self.in_force.peek();
        let themes = themes_by_category(seen, &self.settings.weights, &snapshot.taxonomy);
        let ways: Vec<_> = Code::of_reason(seen.reason).into_iter().collect();
        let fired = self.counts.take(&Facts::new(seen, &themes, &ways, &snapshot.timetable));
        let rules = self.settings.rules.clone();
        let named = fired.into_iter().filter_map(|fired| Some((fired.theme, fired.level, rules.get(fired.rule)?.name.as_ref().into())));
        let today = if self.suppressions.is_empty() { None } else { Some(self.day(seen.at_ms)) };
        // A rule says by itself what it comes to.
        let is_held = |theme: Theme, level: Level, name: &str| {
            let sign = Sign { theme, group: seen.group, host: seen.host, by: By::Rule(name) };
            today.and_then(|today| held(&self.suppressions, &sign, today)).is_some_and(|(held, _)| held == Held::Wholly || level < Level::Danger)
        };
        named.filter(|(theme, level, name): &(Theme, Level, Box<str>)| !is_held(*theme, *level, name)).collect()
    }

    fn limits(&mut self, seen: &Seen<'_>) -> Option<Act> {
        self.look();
        let settings = self.settings.restrict.as_ref()?;
        let policy = &self.in_force.peek().policy;
        let is_staff = policy.groups.iter().any(|group| group.staff && *group.name == *seen.group);
        self.watch.take(seen, is_staff, settings).map(|limited| Act::Limited(Box::new(limited)))
    }

    fn looks_back(&self) -> Duration {
        self.counts.longest().max(self.settings.restrict.as_ref().map_or(Duration::ZERO, |settings| settings.within))
    }

    fn erased(&mut self, is_it: &dyn Fn(&Person) -> bool, gone: &Gone) {
        self.counts.erase(is_it, gone);
        self.watch.erase(is_it, gone);
    }

    fn place(&self, client: IpAddr) -> Option<String> {
        let place = self.settings.plan.places.iter().find(|place| place.networks.iter().any(|network| network.contains(&client)))?;
        Some(place.name.as_ref().to_owned())
    }
}
