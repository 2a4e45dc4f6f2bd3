//! Who is asked next while nobody has read of a matter. Pure: an incident, its messages and a moment in, the next step out.
//!
//! All of it follows from statements and the outbox, so that a start in between changes nothing. Time counts from when the first was told; where nobody could
//! be, from when they should have been. A matter that came back after a day is asked about anew.
//!
//! Danger whose message fails even once goes to the next at once, and so does a step on which nobody can be told.

use super::outbox::{Message, State};
use super::routes::Rung;
use crate::audit::incident::{Act, Incident, Level};
use jiff::Timestamp;

/// The step that is due now, if one is.
#[must_use]
pub fn due<'r>(incident: &Incident, messages: &[Message], rungs: &'r [Rung], now: Timestamp) -> Option<&'r Rung> {
    if incident.read.is_some() || incident.closed.is_some() {
        return None;
    }
    let of_now = || messages.iter().filter(|message| message.level == incident.level && message.statement >= incident.back());
    let last = raised(incident);
    let next = rungs.iter().filter(|rung| !rung.due.is_empty()).find(|rung| rung.step > last)?;
    if incident.level == Level::Danger && has_failed(of_now().filter(|message| message.step == last)) {
        return Some(next);
    }
    // What stands before it and reaches nobody gives it its time.
    let skipped = rungs.iter().filter(|rung| rung.step > last && rung.step < next.step).map(|rung| rung.after);
    let after = skipped.chain([next.after]).min()?;
    let since = first_told(incident).or_else(|| of_now().filter(|message| message.step == 0).map(|message| message.begins_at).min());
    // Without a message nobody at all was asked: the first rung is.
    let Some(since) = since else { return Some(next) };
    let due_at = since.saturating_add(i64::try_from(after.as_millis()).unwrap_or(i64::MAX));
    (due_at <= now.as_millisecond()).then_some(next)
}

/// The last step that was taken for the level that holds now; 0 before the first.
fn raised(incident: &Incident) -> u8 {
    let steps = since_back(incident).filter_map(|(_, act)| match act {
        Act::Raised { level, step, .. } if *level == incident.level => Some(*step),
        _ => None,
    });
    steps.max().unwrap_or(0)
}

/// When the first was told of the level that holds now, in Unix milliseconds.
fn first_told(incident: &Incident) -> Option<i64> {
    let told = since_back(incident).filter_map(|(at, act)| match act {
        Act::Told(told) if told.level == Some(incident.level) => Some(at),
        _ => None,
    });
    told.min()
}

/// What was done since it came back last, or ever: its time in Unix milliseconds, and what.
pub fn since_back(incident: &Incident) -> impl Iterator<Item = (i64, &Act)> {
    let back = incident.back();
    incident.acts.iter().filter(move |(number, ..)| *number >= back).map(|(_, at, act)| (*at, act))
}

/// Whether messages were tried in vain, and none was taken.
fn has_failed<'m>(messages: impl Iterator<Item = &'m Message>) -> bool {
    let mut failed = false;
    for message in messages {
        match message.state {
            State::Sent => return false,
            State::Waiting | State::Dead => failed |= message.tries > 0,
            State::Folded | State::Dropped => {}
        }
    }
    failed
}

#[cfg(test)]
mod tests;
