//! What is known of one source from one update to the next, and whether that is a worry.

use super::fetch::Validators;
use super::source::Source;
use crate::telemetry::light::Light;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// What became of a source so far. Kept as JSON beside its list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    /// When its publisher was last asked.
    pub asked: Option<Timestamp>,
    /// When its publisher last said what is in force, be it new or unchanged.
    pub good: Option<Timestamp>,
    /// When it last brought something new.
    pub changed: Option<Timestamp>,
    /// How often it has failed since it was good.
    pub failures: u32,
    /// What came of asking last.
    pub last: Last,
    /// What the publisher's server calls the list that is kept.
    pub validators: Validators,
}

/// What came of asking a publisher.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "result", content = "why")]
pub enum Last {
    /// He was never asked.
    #[default]
    Never,
    /// A new list, and it is in force.
    Updated,
    /// The list that is kept is the newest.
    Unchanged,
    /// Nothing came, or nothing whole.
    Failed(String),
    /// A list came, and it was not put in force.
    Refused(String),
}

/// The longest wait before a publisher who failed is asked again.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_hours(6);
/// The first such wait.
const FIRST_WAIT: SignedDuration = SignedDuration::from_mins(15);

impl State {
    /// How the source stands now, and why if not well.
    #[must_use]
    pub fn light(&self, source: &Source, now: Timestamp) -> (Light, Option<String>) {
        if !source.is_fetched() {
            return match &self.last {
                Last::Refused(why) => (Light::Amber, Some(format!("its change was refused: {why}"))),
                Last::Never | Last::Updated | Last::Unchanged | Last::Failed(_) => (Light::Green, None),
            };
        }
        let Some(good) = self.good else {
            let why = match &self.last {
                Last::Failed(why) | Last::Refused(why) => format!("never fetched: {why}"),
                Last::Never | Last::Updated | Last::Unchanged => "never fetched".to_owned(),
            };
            return (Light::Red, Some(why));
        };
        let age = now.duration_since(good);
        let trouble = match &self.last {
            Last::Failed(why) => Some(format!("last time it failed: {why}")),
            Last::Refused(why) => Some(format!("last time it was refused: {why}")),
            Last::Never | Last::Updated | Last::Unchanged => None,
        };
        let old = || format!("no news for {}", spoken(age));
        match (age > source.age.red, age > source.age.amber, trouble) {
            (true, _, trouble) => (Light::Red, Some(trouble.map_or_else(old, |trouble| format!("{}; {trouble}", old())))),
            (false, true, trouble) => (Light::Amber, Some(trouble.map_or_else(old, |trouble| format!("{}; {trouble}", old())))),
            (false, false, Some(trouble)) => (Light::Amber, Some(trouble)),
            (false, false, None) => (Light::Green, None),
        }
    }

    /// When its publisher is to be asked next: by its schedule, sooner after a failure; `None` if only by hand.
    #[must_use]
    pub fn due(&self, source: &Source, zone: &jiff::tz::TimeZone) -> Option<Timestamp> {
        if !source.is_fetched() {
            return None;
        }
        let Some(asked) = self.asked else { return source.schedule.period().map(|_| Timestamp::MIN) };
        let planned = source.schedule.next(asked, zone)?;
        if !matches!(self.last, Last::Failed(_)) {
            return Some(planned);
        }
        let wait = FIRST_WAIT.saturating_mul(1 << self.failures.saturating_sub(1).min(8)).min(LONGEST_WAIT);
        Some(asked.saturating_add(wait).map_or(planned, |again| again.min(planned)))
    }
}

/// A length of time as people say it: `3 hours`, `2 days`.
#[must_use]
pub fn spoken(length: SignedDuration) -> String {
    let seconds = length.as_secs().max(0);
    let (number, unit) = match seconds {
        0..120 => (seconds, "second"),
        120..7200 => (seconds / 60, "minute"),
        7200..172_800 => (seconds / 3600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
}
