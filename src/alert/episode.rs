//! One matter, one episode: what is kept of each person and theme, and what becomes of it. Pure; time comes from records, and from [`Episodes::tick`].
//!
//! ```text
//!          signs below concern: watched (kept as long as they may count, told to nobody)
//!               │ concern or danger
//!               ▼
//!   ┌────────▶ open ──sign──▶ growing ──half an hour without──▶ quiet ──a day without──▶ asleep ──a week without──▶ over
//!   │           │ graver: worse, told once a level                │ sign: growing again   │ concern or danger: back, told again
//!   └── a sign after that: another episode                        ┘                       ┘ and open as before
//! ```
//!
//! A matter that nobody has closed is one matter, also if nothing is heard of it for some days. After a day ([`Weights::again`]) what was is done with: what comes then
//! must come to a concern by itself, and the matter is back, which is told. After a week ([`Weights::ends`]) it is over.
//!
//! Staff close a matter as it is. What then makes it graver is told; but danger cannot get graver, so a danger that is closed is over: what comes after that is
//! another episode, and told ([`Episodes::closed`]). A concern that is closed is over after a day without a sign. A matter that goes on from one day to the next says
//! so, closed or not: it is kept from its last sign on.
//!
//! What one person types in one sitting is one matter, of however many themes (`part`).
//!
//! # What does not depend on when a sign is known
//!
//! A sign may be known late: what is remarked of a request is known when it ends. So a level is worked out at the time of every sign there is, and the
//! highest counts: within a day it depends on which signs there are, not on their order. Whether a matter was asleep, and of which other it is part, is known by the
//! signs that were known then. A
//! sign that comes again (after a start the record is read again) changes nothing.
//! What is held back below danger is weighed with the rest, and without it where that is not danger.
//! What belongs to an episode that is over never counts for another, but for the days on which the theme came up.
//!
//! # What is kept
//!
//! Of a person a keyed hash. Of each theme at most [`MOST_SIGNS`] signs, the heaviest; in all [`MOST_MATTERS`] matters.

mod part;
mod step;

use super::erased;
use super::severity::{self, DAY_MS, DAYS, Weighed};
use super::signal::{Sign, Signal, Source};
use super::theme::Theme;
use super::weights::Weights;
use crate::audit::RecordId;
use crate::audit::erasure::gone::Gone;
use crate::audit::incident::Level;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fmt;
pub use step::{Begun, Step, Steps};

/// The most signs that are kept of one person and theme.
pub const MOST_SIGNS: usize = 48;
/// The most persons and themes of which something is kept.
pub const MOST_MATTERS: usize = 20_000;
/// The most signs in all: some megabytes.
const MOST_IN_ALL: usize = 65_536;
/// How long signs of ways round are kept, in milliseconds: nothing is left of them then, but some are known late.
const WAYS_MS: u64 = DAY_MS;
const MINUTE_MS: u64 = 60_000;

/// A person, as a keyed hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Who(pub u128);

impl fmt::Display for Who {
    /// As it is kept: 32 hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// How an episode stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// There are signs, and no episode.
    Watched,
    /// A sign came lately.
    Growing,
    /// None did.
    Quiet,
}

/// An episode that is not over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Open {
    /// Its name.
    pub episode: RecordId,
    /// How grave it is.
    pub level: Level,
    /// The last record of it.
    pub last: RecordId,
    /// How many signs there were.
    pub signals: u32,
    /// Whether staff have closed it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_closed: bool,
    /// Whether it is a day old: what comes must come to a concern by itself.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_asleep: bool,
    /// The theme of the episode that it is part of, if it is none of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part_of: Option<Theme>,
}

impl Open {
    /// One that is stated.
    #[must_use]
    pub fn stated(episode: RecordId, level: Level, last: RecordId, signals: u32) -> Self {
        Self { episode, level, last, signals, is_closed: false, is_asleep: false, part_of: None }
    }

    /// Whether it is over at this time, in Unix milliseconds, if no sign comes.
    fn is_over(&self, at_ms: u64, weights: &Weights) -> bool {
        self.is_older(at_ms, self.lasts(weights))
    }

    /// Whether its last sign is longer ago than that.
    fn is_older(&self, at_ms: u64, than: std::time::Duration) -> bool {
        at_ms > self.last.unix_ms().saturating_add(millis(than))
    }

    /// After how long without a sign it is over.
    fn lasts(&self, weights: &Weights) -> std::time::Duration {
        if self.is_closed { weights.again } else { weights.ends }
    }
}

/// What is kept of one person and theme.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Matter {
    /// Signs that count.
    pub signs: Vec<Sign>,
    /// Days on which something was typed or clicked, in days since 1970, in order.
    pub days: Vec<u64>,
    /// Records up to this one belong to episodes that are over.
    pub over: Option<RecordId>,
    /// The episode, if there is one.
    pub open: Option<Open>,
}

/// All of them.
#[derive(Clone, Debug, Default)]
pub struct Episodes {
    matters: HashMap<(Who, Theme), Matter>,
    newest_ms: u64,
    signs: usize,
}

impl Episodes {
    /// Takes a sign, and says what becomes of the matter. What is typed of two themes in one sitting is one matter if `alike` says so of them.
    pub fn take_as_one(&mut self, who: Who, signal: Signal, weights: &Weights, alike: &dyn Fn(Theme, Theme) -> bool) -> Steps {
        let (theme, typed_ms) = (signal.theme, part::typed_ms(&signal.sign));
        let steps = self.add(who, signal, weights, true);
        self.as_one(who, theme, typed_ms, steps, weights, alike)
    }

    /// Takes a sign of which nobody is told any more: from before Usher looked for them.
    pub fn take_quietly(&mut self, who: Who, signal: Signal, weights: &Weights) {
        self.add(who, signal, weights, false);
    }

    fn add(&mut self, who: Who, signal: Signal, weights: &Weights, is_told: bool) -> Steps {
        let Signal { theme, sign, .. } = signal;
        let (mut steps, at) = (Steps::new(), sign.at_ms());
        self.newest_ms = self.newest_ms.max(at);
        let newest = self.newest_ms;
        let matter = self.matters.entry((who, theme)).or_default();
        let before = matter.signs.len();
        match &matter.open {
            Some(open) if open.part_of.is_some() && open.is_older(at, weights.again) => matter.part_over(),
            Some(open) if open.is_over(at, weights) => steps.extend(matter.end(theme, weights)),
            Some(open) if open.is_older(at, weights.again) => matter.sleeps(),
            _ => {}
        }
        let day = |matter: &Matter| matter.open.as_ref().map(|open| open.last.unix_ms() / DAY_MS);
        let day_before = day(matter);
        let changed = matter.put(theme, sign, newest, weights);
        if is_told
            && day(matter) > day_before
            && let Some(Open { episode, last, signals, part_of: None, .. }) = matter.open
        {
            steps.push(Step::On { episode, theme, signals, last });
        }
        if changed && is_told {
            steps.extend(matter.judge(theme, at, weights));
        }
        self.signs = (self.signs + matter.signs.len()).saturating_sub(before);
        if self.signs > MOST_IN_ALL || self.matters.len() > MOST_MATTERS {
            self.make_room();
        }
        steps
    }

    /// It is this time, in Unix milliseconds: says which episodes are over, and forgets what is old.
    pub fn tick(&mut self, now_ms: u64, weights: &Weights) -> Vec<Step> {
        let mut steps = Vec::new();
        for ((_, theme), matter) in &mut self.matters {
            if matter.open.as_ref().is_some_and(|open| open.part_of.is_some() && open.is_older(now_ms, weights.again)) {
                matter.part_over();
            }
            if matter.open.as_ref().is_some_and(|open| open.is_over(now_ms, weights)) {
                steps.extend(matter.end(*theme, weights));
            }
            matter.forget(*theme, now_ms, weights);
        }
        self.matters.retain(|_, matter| !matter.is_empty());
        self.signs = self.matters.values().map(|matter| matter.signs.len()).sum();
        // In the order of their names, whatever the order they are kept in.
        steps.sort_by_key(|step| if let Step::End { episode, theme, .. } = step { (*episode, *theme) } else { (RecordId(0), Theme::SelfHarm) });
        steps
    }

    /// Staff have closed an episode, at this time in Unix milliseconds. If it was danger it is over with that. Returns its end, and the records of signs that came
    /// after it and are to be taken again.
    pub fn closed(&mut self, episode: RecordId, theme: Theme, at_ms: u64) -> Option<(Step, Vec<RecordId>)> {
        let of_it = self.matters.iter_mut().filter(|((_, of), _)| *of == theme);
        let mut of_it = of_it.filter(|(_, matter)| matter.open.as_ref().is_some_and(|open| open.episode == episode));
        let (who, matter) = of_it.find_map(|((who, _), matter)| {
            let open = matter.open.as_mut()?;
            open.is_closed = true;
            (open.level == Level::Danger).then_some((*who, matter))
        })?;
        let Open { last: newest, signals, .. } = matter.open.take()?;
        // By whichever clock they closed it: what comes after this is seen is not swallowed by a clock that was wrong.
        let last = newest.min(RecordId::first_of(at_ms));
        matter.over = matter.over.max(Some(last));
        let before = matter.signs.len();
        // The newest too, of which nothing is kept where it was the same again.
        let mut again: Vec<_> = matter.signs.iter().map(|sign| sign.record).chain([newest]).filter(|record| *record > last).collect();
        matter.signs.clear();
        self.signs = self.signs.saturating_sub(before);
        again.extend(self.parts_closed(who, theme, last));
        again.sort_unstable();
        again.dedup();
        Some((Step::End { episode, theme, at_ms, signals, last }, again))
    }

    /// How a matter stands.
    #[must_use]
    pub fn state(&self, who: Who, theme: Theme, now_ms: u64, weights: &Weights) -> Option<State> {
        let matter = self.matters.get(&(who, theme))?;
        Some(match &matter.open {
            None => State::Watched,
            Some(open) if open.is_older(now_ms, weights.quiet) => State::Quiet,
            Some(_) => State::Growing,
        })
    }

    /// How many matters are watched that are no episodes and come to at least watch now, for each theme.
    #[must_use]
    pub fn watched(&self, weights: &Weights) -> Vec<(Theme, usize)> {
        let count = |theme: Theme| {
            let is_one =
                |matter: &Matter| matter.open.is_none() && matter.weigh(theme, weights).is_some_and(|(weighed, _)| weighed.level == Some(Level::Watch));
            self.matters.iter().filter(|((_, one), matter)| *one == theme && is_one(matter)).count()
        };
        Theme::NAMES.into_iter().map(|(_, theme)| (theme, count(theme))).filter(|(_, count)| *count > 0).collect()
    }

    /// The matters, to be kept.
    pub fn matters(&self) -> impl Iterator<Item = (Who, Theme, &Matter)> {
        self.matters.iter().map(|((who, theme), matter)| (*who, *theme, matter))
    }

    /// Puts a matter back.
    pub fn restore(&mut self, who: Who, theme: Theme, matter: Matter) {
        self.signs += matter.signs.len();
        self.newest_ms = matter.signs.iter().map(Sign::at_ms).fold(self.newest_ms, u64::max);
        self.matters.insert((who, theme), matter);
    }

    /// What is stated of a matter holds, whatever was kept: this episode is open, and came back last with this record, if it ever did.
    pub fn stated_open(&mut self, who: Who, theme: Theme, open: Open, back: Option<RecordId>) {
        self.newest_ms = self.newest_ms.max(open.last.unix_ms());
        let matter = self.matters.entry((who, theme)).or_default();
        if let Some(back) = back {
            // What was before it had been done with.
            matter.done(RecordId(back.0.saturating_sub(1)));
        }
        match &mut matter.open {
            Some(known) if known.episode == open.episode => {
                known.is_asleep &= back <= Some(known.last);
                known.is_closed = open.is_closed;
                known.level = known.level.max(open.level);
                known.last = known.last.max(open.last);
                known.signals = known.signals.max(open.signals);
            }
            other => *other = Some(open),
        }
    }

    /// What is stated of a matter holds: episodes up to this record are over.
    pub fn stated_over(&mut self, who: Who, theme: Theme, last: RecordId) {
        let matter = self.matters.entry((who, theme)).or_default();
        matter.over = matter.over.max(Some(last));
        if matter.open.as_ref().is_some_and(|open| open.episode <= last) {
            matter.open = None;
        }
        matter.signs.retain(|sign| Some(sign.record) > matter.over);
        self.parts_over(who, theme, last);
    }

    /// Forgets episodes that were kept as open, and that nothing states: what opened them is worked out again from their signs.
    pub fn keep_open(&mut self, mut is_stated: impl FnMut(Who, Theme, RecordId) -> bool) {
        for ((who, theme), matter) in &mut self.matters {
            if matter.open.as_ref().is_some_and(|open| !is_stated(*who, *theme, open.episode)) {
                matter.open = None;
            }
        }
    }

    /// Takes out what is known of a person whose records are erased. Returns how many signs.
    pub fn erase(&mut self, gone: &Gone) -> usize {
        let of_them = self.matters.iter_mut().filter(|((who, _), _)| erased::is(gone, &who.to_string()));
        let signs = of_them.map(|(_, matter)| matter.erase(gone)).sum();
        self.matters.retain(|_, matter| !matter.is_empty());
        self.signs = self.signs.saturating_sub(signs);
        signs
    }

    /// Forgets a tenth of what is no episode, the oldest first.
    fn make_room(&mut self) {
        let mut idle: Vec<_> = self
            .matters
            .iter()
            .filter(|(_, matter)| matter.open.is_none())
            .map(|(key, matter)| (matter.signs.iter().map(|sign| sign.record).max(), *key))
            .collect();
        idle.sort_unstable();
        idle.truncate(idle.len() / 10 + 1);
        for (_, key) in idle {
            self.matters.remove(&key);
        }
        self.signs = self.matters.values().map(|matter| matter.signs.len()).sum();
    }
}

/// In which steps time goes, in milliseconds: of each kind of sign one is kept a step. By the minute where little time counts together.
fn grain(theme: Theme, weights: &Weights) -> u64 {
    if theme == Theme::Bypass || severity::counts_ms(theme, weights) < severity::COUNTS_MS { MINUTE_MS } else { DAY_MS }
}

fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl Matter {
    /// Puts a sign to the others; whether that may change what they come to.
    fn put(&mut self, theme: Theme, sign: Sign, newest_ms: u64, weights: &Weights) -> bool {
        let day = sign.at_ms() / DAY_MS;
        if sign.intent >= super::signal::Intent::Clicked
            && let Err(place) = self.days.binary_search(&day)
        {
            self.days.insert(place, day);
        }
        if self.over >= Some(sign.record) {
            return false;
        }
        // To be where it only begins does not keep a matter awake: what is said later would be part of it, and told to nobody.
        if let Some(open) = self.open.as_mut().filter(|open| !open.is_asleep && sign.source != Source::Place) {
            open.last = open.last.max(sign.record);
            open.signals = open.signals.saturating_add(1);
        }
        let grain = grain(theme, weights);
        let place_of = |sign: &Sign| (sign.key, sign.at_ms() / grain, sign.intent, sign.helps, sign.handled, sign.source);
        let worth = |sign: &Sign| (sign.floor, sign.strength, std::cmp::Reverse(sign.record));
        match self.signs.iter_mut().find(|known| place_of(known) == place_of(&sign)) {
            Some(known) if worth(known) >= worth(&sign) => return false,
            Some(known) => *known = sign,
            None => self.signs.push(sign),
        }
        self.forget(theme, newest_ms, weights);
        if self.signs.len() > MOST_SIGNS {
            let weight = weights.of(theme).weight;
            let worth = |sign: &Sign| (sign.floor, if theme == Theme::Bypass { 0 } else { severity::points(sign, weight) }, sign.record, sign.key);
            if let Some(least) = (0..self.signs.len()).min_by_key(|place| worth(&self.signs[*place])) {
                self.signs.swap_remove(least);
            }
        }
        true
    }

    /// What the signs come to at the time when they come to most, and when that is.
    fn weigh(&self, theme: Theme, weights: &Weights) -> Option<(Weighed, u64)> {
        let mut best: Option<(Weighed, u64)> = None;
        let end = |at: u64| if grain(theme, weights) == MINUTE_MS { at / MINUTE_MS * MINUTE_MS + MINUTE_MS - 1 } else { at };
        let mut times: Vec<u64> = self.signs.iter().map(|sign| end(sign.at_ms())).collect();
        times.sort_unstable();
        times.dedup();
        for now in times {
            let (signs, places) = self.at(now, severity::counts_ms(theme, weights), grain(theme, weights));
            let days: Vec<u64> = self.days.iter().copied().filter(|day| *day <= now / DAY_MS && day + DAYS > now / DAY_MS).collect();
            let mut weighed = severity::weigh(theme, &signs, &days, weights);
            let mut places = places;
            if weighed.level < Some(Level::Danger) && signs.iter().any(|sign| sign.held) {
                let (free, at): (Vec<_>, Vec<_>) = signs.into_iter().zip(places).filter(|(sign, _)| !sign.held).unzip();
                (weighed, places) = (severity::weigh(theme, &free, &days, weights), at);
            }
            weighed.counted.iter_mut().for_each(|counted| *counted = places[*counted]);
            if best.as_ref().is_none_or(|(known, _)| (known.level, known.points) < (weighed.level, weighed.points)) {
                best = Some((weighed, now));
            }
        }
        best
    }

    /// The signs that count at a time, with their places.
    fn at(&self, now: u64, together_ms: u64, grain: u64) -> (Vec<&Sign>, Vec<usize>) {
        // Whatever is one of a kind counts as long as the other.
        let since = |at: u64| if grain == MINUTE_MS { at / MINUTE_MS * MINUTE_MS } else { at };
        let counts = |sign: &Sign| sign.at_ms() <= now && since(sign.at_ms()) + together_ms > since(now);
        self.signs.iter().enumerate().filter(|(_, sign)| counts(sign)).map(|(place, sign)| (sign, place)).unzip()
    }

    fn judge(&mut self, theme: Theme, at_ms: u64, weights: &Weights) -> Option<Step> {
        let (weighed, _) = self.weigh(theme, weights)?;
        let level = weighed.level.filter(|level| *level > Level::Watch)?;
        let counted = weighed.counted.iter().map(|place| &self.signs[*place]);
        // What was typed before belongs to it, unless to a matter that is over.
        let before = |sign: &Sign| sign.beside.iter().copied().filter(|record| Some(*record) > self.over).collect::<Vec<_>>();
        let mut records: Vec<RecordId> = counted.flat_map(|sign| [vec![sign.record], before(sign)].concat()).collect();
        records.sort_unstable();
        records.dedup();
        let factors = weighed.factors;
        let (newest, signals) = (self.signs.iter().map(|sign| sign.record).max(), u32::try_from(self.signs.len()).unwrap_or(u32::MAX));
        if let Some(open) = &mut self.open {
            let is_back = std::mem::take(&mut open.is_asleep);
            if is_back {
                open.last = open.last.max(newest?);
                open.signals = open.signals.saturating_add(signals);
            } else if level <= open.level {
                return None;
            }
            // Whoever closed it did not know of this. A danger that is back is no less.
            open.is_closed = false;
            open.level = open.level.max(level);
            return Some(Step::Worse { is_back, also: None, episode: open.episode, theme, level: open.level, at_ms, factors, records });
        }
        let episode = *records.first()?;
        let ruled = weighed.counted.iter().filter_map(|place| self.signs[*place].rule.clone().zip(self.signs[*place].floor)).max_by_key(|(_, floor)| *floor);
        let rule = ruled.filter(|(_, floor)| *floor >= level).map(|(rule, _)| rule);
        self.open = Some(Open::stated(episode, level, newest?, signals));
        Some(Step::Open(Box::new(Begun { episode, theme, level, at_ms, rule, factors, records })))
    }

    fn end(&mut self, theme: Theme, weights: &Weights) -> Option<Step> {
        let open = self.open.take()?;
        let Open { episode, last, signals, .. } = open;
        self.done(last);
        Some(Step::End { episode, theme, at_ms: last.unix_ms().saturating_add(millis(open.lasts(weights))), signals, last })
    }

    /// A day has gone by without a sign.
    fn sleeps(&mut self) {
        let Some(open) = &mut self.open else { return };
        open.is_asleep = true;
        let last = open.last;
        self.done(last);
    }

    /// What was up to this record counts for nothing that comes.
    fn done(&mut self, last: RecordId) {
        self.over = self.over.max(Some(last));
        self.signs.retain(|sign| sign.record > last);
    }

    fn forget(&mut self, theme: Theme, now_ms: u64, weights: &Weights) {
        // Some are known late.
        let kept = if theme == Theme::Bypass { WAYS_MS } else { severity::counts_ms(theme, weights) + DAY_MS };
        self.signs.retain(|sign| sign.at_ms() + kept > now_ms);
        self.days.retain(|day| (day + DAYS) * DAY_MS > now_ms);
    }

    /// Takes out what comes from records that are erased. Returns how many signs.
    pub(super) fn erase(&mut self, gone: &Gone) -> usize {
        let before = self.signs.len();
        // What is read together goes with any part of it.
        self.signs.retain(|sign| !gone.takes(sign.record) && !sign.beside.iter().any(|record| gone.takes(*record)));
        let signs = &self.signs;
        self.days.retain(|day| !gone.meets(day * DAY_MS, (day + 1) * DAY_MS) || signs.iter().any(|sign| sign.at_ms() / DAY_MS == *day));
        self.over = self.over.filter(|over| !gone.takes(*over));
        let is_empty = self.signs.is_empty();
        self.open = self.open.take().filter(|open| !(gone.takes(open.episode) || open.part_of.is_some() && is_empty));
        before - self.signs.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        // What is over is stated, and what it states is older than all that may still come.
        self.signs.is_empty() && self.days.is_empty() && self.open.is_none()
    }
}

#[cfg(test)]
mod tests;
