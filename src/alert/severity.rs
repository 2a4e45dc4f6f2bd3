//! How grave signs are together: points, a level, and a sentence for each factor that a person can dispute. Pure, in whole numbers.
//!
//! ```text
//! points of a sign = weight of the theme × intent × strength × what became of it × where it was
//! points together  = (the heaviest + the next / 2 + the next / 3 ...) × how many days it came up
//! ```
//!
//! | factor | |
//! | --- | --- |
//! | intent | typed 1.5, clicked 1, embedded 0.25, background 0 |
//! | strength | a listed site 1; words typed by the weight of the heaviest entry: 60 2, 40 1.05, 25 0.7, 15 0.4, two of 25 as one of 40; a page 0.8 × points / limit |
//! | what became of it | seen 1.1, warned about 1, blocked 0.9 |
//! | where | on a site of help, health, education or news a quarter. Nothing is above 1 |
//! | days | the same theme on two of the last fourteen 1.25, on three 1.5 |
//!
//! So in every theme an entry of 40 that is typed is a concern by itself, and one of 60 danger, also where it was blocked; in grave themes one of 25 is a concern.
//!
//! # What counts together
//!
//! In grave themes ([`super::weights::GRAVE`]) signs of seven days. In the others those of half an hour ([`Weights::together`]): whoever clicks a lot comes to
//! a listed site now and then, and such clicks must not add up over days. To be at one site again after ten minutes is another sign where the theme is grave, but where it only begins ([`Source::Place`]); elsewhere
//! each page of it is one where it was blocked or warned about: whoever goes on to a second and a third does not go astray.
//!
//! # Gates
//!
//! | level | takes |
//! | --- | --- |
//! | concern | something typed that is strong ([`STRONG`]); or enough steps: what was typed is three, what was clicked two, each different sign once; a site where it only begins is one, whatever led there; a listed site and a page whose words are over the limit are two more, for a list and words err apart. Six are enough (three clicks, or two typed addresses), in grave themes three (two clicks, or one typed) |
//! | danger | something typed that says that it is meant ([`MEANT`]); or in grave themes three different signs that somebody typed or clicked, of which one was typed and is strong by itself, not only together with others, and none is a place where it only begins |
//!
//! What a page loads by itself adds points, and passes no gate. A theme may have a most; a rule and the illegal tier have a level of their own.
//!
//! Ways round the filter have points of their own, which fade: see `fading`.

use super::signal::{Handled, Intent, Sign, Source};
use super::theme::Theme;
use super::weights::{Ways, Weights};
use crate::audit::incident::Level;
use jiff::Timestamp;
use std::collections::BTreeMap;

/// One point, in the numbers that are reckoned with.
const POINT: u64 = 1000;
/// How long signs count together, in milliseconds.
pub const COUNTS_MS: u64 = 7 * DAY_MS;
/// How far back days are counted, in days.
pub const DAYS: u64 = 14;
/// A day, in milliseconds.
pub const DAY_MS: u64 = 86_400_000;
/// How long a way round counts once for a person and a site, in milliseconds.
pub const APART_MS: u64 = 600_000;
/// From this strength on, one sign that was typed is a concern.
pub const STRONG: u32 = 105;
/// From this one on, it is danger.
pub const MEANT: u32 = 200;
/// How many steps a concern takes: in themes that are grave, and in others.
const STEPS: [u32; 2] = [3, 6];
/// How many steps it is that a list and a page's words say the same.
const AGREED: u32 = 2;
/// How many steps it is to be where it only begins.
const PLACE: u32 = 1;
/// The most signs that are told one by one.
const MOST_TOLD: usize = 12;

/// What signs come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Weighed {
    /// Points, rounded down.
    pub points: u32,
    /// How grave that is; nothing below watch.
    pub level: Option<Level>,
    /// Why, a sentence each, the heaviest first.
    pub factors: Vec<String>,
    /// The signs that count, by their place in what was given.
    pub counted: Vec<usize>,
}

fn intent_weight(intent: Intent) -> u64 {
    match intent {
        Intent::Typed => 150,
        Intent::Clicked => 100,
        Intent::Embedded => 25,
        Intent::Background => 0,
    }
}

fn handled_weight(handled: Handled) -> u64 {
    match handled {
        Handled::Passed => 110,
        Handled::Warned => 100,
        Handled::Blocked => 90,
    }
}

/// The points of one sign, in thousandths.
#[must_use]
pub fn points(sign: &Sign, weight: u32) -> u64 {
    let place = if sign.helps { 25 } else { 100 };
    u64::from(weight) * intent_weight(sign.intent) * u64::from(sign.strength) * handled_weight(sign.handled) * place * POINT / 100_000_000
}

/// How grave these signs of one theme are together. `days` are the days on which the theme came up, in days since 1970, and `today` is one of them.
#[must_use]
pub fn weigh(theme: Theme, signs: &[&Sign], days: &[u64], weights: &Weights) -> Weighed {
    let floor = signs.iter().filter_map(|sign| sign.floor).max();
    let most = weights.of(theme).most;
    if theme == Theme::Bypass {
        return fading(signs, &weights.ways, most);
    }
    let weight = weights.of(theme).weight;
    // Of what is told apart by nothing the heaviest counts.
    let mut by_key: BTreeMap<u64, (u64, usize)> = BTreeMap::new();
    for (place, sign) in signs.iter().enumerate() {
        let worth = points(sign, weight);
        let best = by_key.entry(sign.key).or_insert((worth, place));
        if best.0 < worth {
            *best = (worth, place);
        }
    }
    let mut counted: Vec<(u64, usize)> = by_key.into_values().filter(|(worth, place)| *worth > 0 || signs[*place].floor.is_some()).collect();
    counted.sort_by_key(|(worth, place)| (std::cmp::Reverse(*worth), signs[*place].record));
    let sum: u64 = (1..).zip(&counted).map(|(nth, (worth, _))| worth / nth).sum();
    let often: u64 = match days.len() {
        0 | 1 => 100,
        2 => 125,
        _ => 150,
    };
    let total = u32::try_from(sum * often / 100 / POINT).unwrap_or(u32::MAX);
    let reached = [(weights.danger, Level::Danger), (weights.concern, Level::Concern), (weights.watch, Level::Watch)];
    let reached = reached.into_iter().find(|(least, _)| total >= *least).map(|(_, level)| level);
    let gate = gate(signs, weights.of(theme).is_grave());
    let gated = reached.map(|level| level.min(gate).min(most));
    let level = gated.max(floor.map(|floor| if theme == Theme::Illegal { floor } else { floor.min(most) }));
    let mut factors = Vec::new();
    if !counted.is_empty() {
        factors = told(theme, signs, &counted, weight);
        factors.extend(days_told(days, often));
        if reached > Some(gate) && gate < most && floor.is_none() {
            let is_place = counted.iter().all(|(_, place)| signs[*place].source == Source::Place || signs[*place].intent < Intent::Clicked);
            factors.push(if is_place && signs.iter().any(|sign| sign.source == Source::Place) {
                PLACE_TOLD.to_owned()
            } else {
                gate_told(gate, weights.of(theme).is_grave(), weights)
            });
        }
        let least = [Some(weights.watch), Some(weights.concern), Some(weights.danger)][level.map_or(0, |level| level as usize)].unwrap_or_default();
        if floor.is_none() {
            factors.insert(0, format!("{total} points in all; from {least} on it is {}.", level.unwrap_or(Level::Watch).as_str()));
        }
    }
    Weighed { points: total, level, factors, counted: counted.into_iter().map(|(_, place)| place).collect() }
}

/// How long signs of a theme count together, in milliseconds.
#[must_use]
pub fn counts_ms(theme: Theme, weights: &Weights) -> u64 {
    if theme == Theme::Bypass || theme == Theme::Illegal || weights.of(theme).is_grave() {
        return COUNTS_MS;
    }
    u64::try_from(weights.together.as_millis()).unwrap_or(COUNTS_MS).min(COUNTS_MS)
}

/// The most that these signs may come to.
fn gate(signs: &[&Sign], is_grave: bool) -> Level {
    // How many steps each different sign is. Of those that nothing tells apart whichever was meant most: one sign more never makes it less.
    let mut meant: BTreeMap<u64, u32> = BTreeMap::new();
    // How strong what was typed is, and how strong by one text alone: texts that are strong together are among the signs already.
    let (mut typed, mut alone) = (0, 0);
    let is_of = |source: Source| signs.iter().any(|sign| sign.source == source && sign.intent >= Intent::Clicked && points(sign, 100) > 0);
    let agreed = if is_of(Source::Category) && is_of(Source::Words) { AGREED } else { 0 };
    for sign in signs.iter().filter(|sign| sign.intent >= Intent::Clicked && points(sign, 100) > 0) {
        let strength = if sign.intent == Intent::Typed { sign.strength } else { 0 };
        typed = strength.max(typed);
        if sign.beside.is_empty() {
            alone = strength.max(alone);
            let steps = match (sign.source, sign.intent) {
                (Source::Place, _) => PLACE,
                (_, Intent::Typed) => 3,
                _ => 2,
            };
            let known = meant.entry(sign.key).or_insert(steps);
            *known = steps.max(*known);
        }
    }
    let steps = agreed + meant.values().sum::<u32>();
    match typed {
        MEANT.. => Level::Danger,
        STRONG.. if is_grave && alone >= STRONG && meant.values().filter(|steps| **steps > PLACE).count() > 2 => Level::Danger,
        STRONG.. => Level::Concern,
        _ if steps >= STEPS[usize::from(!is_grave)] => Level::Concern,
        _ => Level::Watch,
    }
}

/// Why a site where it only begins is worth watching at most.
const PLACE_TOLD: &str = "To be at such a site, however often, is never more than watch without another sign.";

fn gate_told(gate: Level, is_grave: bool, weights: &Weights) -> String {
    match (gate, is_grave) {
        (Level::Watch, true) => "More than watch takes one address that was typed, two that were clicked, or words that are strong.".to_owned(),
        (Level::Watch, false) => format!(
            "More than watch takes three listed pages that were clicked within {} minutes, two that were typed, one and a page whose words are over the limit, which may be the same, or words that are strong.",
            weights.together.as_secs() / 60
        ),
        (Level::Concern | Level::Danger, true) => "Danger takes words that say it is meant, or strong words and two signs more.".to_owned(),
        (Level::Concern | Level::Danger, false) => "Danger takes words that say it is meant.".to_owned(),
    }
}

/// The sentences of signs, the heaviest first.
fn told(theme: Theme, signs: &[&Sign], counted: &[(u64, usize)], weight: u32) -> Vec<String> {
    let first = signs[counted[0].1];
    let mut factors = vec![first.says.clone()];
    if first.floor.is_none() {
        factors.push(format!("{} weighs {weight} of 100.", begun(theme.words())));
        factors.push(intent_told(first.intent).to_owned());
        factors.push(handled_told(first.handled).to_owned());
        if first.helps {
            factors.push("It was on a site of help, health, education or news, which weighs a quarter.".to_owned());
        }
    }
    for (nth, (worth, place)) in counted.iter().enumerate().skip(1).take(MOST_TOLD) {
        let sign = signs[*place];
        let apart = apart(first.at_ms().abs_diff(sign.at_ms()));
        let share = match nth {
            1 => "half".to_owned(),
            2 => "a third".to_owned(),
            more => format!("one part in {}", more + 1),
        };
        factors.push(format!("A different sign, {apart}: {} It comes to {}, and {share} of that counts.", sign.says, worth / POINT));
    }
    if counted.len() > MOST_TOLD + 1 {
        factors.push(format!("{} more signs.", counted.len() - MOST_TOLD - 1));
    }
    factors
}

fn intent_told(intent: Intent) -> &'static str {
    match intent {
        Intent::Typed => "It was typed, not loaded by a page.",
        Intent::Clicked => "Somebody clicked to get there.",
        Intent::Embedded => "A page loaded it; nobody asked for it.",
        Intent::Background => "A device did it by itself.",
    }
}

fn handled_told(handled: Handled) -> &'static str {
    match handled {
        Handled::Passed => "It was not blocked, so it was seen.",
        Handled::Warned => "A warning was shown.",
        Handled::Blocked => "It was blocked.",
    }
}

fn apart(ms: u64) -> String {
    match ms / 1000 {
        0..120 => format!("within {} seconds", ms / 1000 + 1),
        seconds @ 120..7200 => format!("within {} minutes", seconds / 60 + 1),
        seconds @ 7200..172_800 => format!("within {} hours", seconds / 3600 + 1),
        seconds => format!("within {} days", seconds / 86_400 + 1),
    }
}

fn days_told(days: &[u64], often: u64) -> Option<String> {
    (often > 100).then(|| {
        let dates: Vec<_> = days.iter().map(|day| date(*day)).collect();
        let (last, before) = dates.split_last().map_or(("", &[][..]), |(last, before)| (last.as_str(), before));
        format!(
            "The same theme came up on {} and {last}, so all of it counts {} and a {}.",
            before.join(", "),
            often / 100,
            if often == 125 { "quarter" } else { "half" }
        )
    })
}

/// A day, such as `24 November`.
fn date(day: u64) -> String {
    let at = Timestamp::from_millisecond((day * DAY_MS).cast_signed()).unwrap_or(Timestamp::UNIX_EPOCH);
    at.strftime("%-d %B").to_string()
}

fn begun(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// What ways round the filter come to at the time of the last of these signs: points that halve, each code at a site once in ten minutes. Time goes by the
/// minute. Of what lies nearer together that counts which makes the most of it, so that one sign more never makes it less.
fn fading(signs: &[&Sign], ways: &Ways, most: Level) -> Weighed {
    let now = signs.iter().map(|sign| minute(sign)).max().unwrap_or(0);
    let mut by_key: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    for (place, sign) in signs.iter().enumerate() {
        by_key.entry(sign.key).or_default().push(place);
    }
    let mut worth: Vec<(u64, usize)> = by_key.into_values().flat_map(|places| most_of(signs, places, now, ways)).collect();
    worth.sort_by_key(|(worth, place)| (std::cmp::Reverse(*worth), signs[*place].record));
    let sum: u64 = worth.iter().map(|(worth, _)| worth).sum();
    let total = u32::try_from(sum / POINT).unwrap_or(u32::MAX);
    let reached = [(ways.concern, Level::Concern), (ways.watch, Level::Watch)].into_iter().find(|(least, _)| total >= *least).map(|(_, level)| level);
    let floor = signs.iter().filter_map(|sign| sign.floor).max();
    let level = reached.max(floor).map(|level| level.min(most));
    let mut counted: Vec<usize> = worth.iter().map(|(_, place)| *place).collect();
    counted.extend((0..signs.len()).filter(|place| signs[*place].floor.is_some()));
    let mut factors = Vec::new();
    if !counted.is_empty() {
        factors.push(format!(
            "{total} points of ways round the filter; from {} on it is concern. They halve in {} minutes.",
            ways.concern,
            ways.halves.as_secs() / 60
        ));
        for (worth, place) in worth.iter().take(MOST_TOLD) {
            let left = match now - minute(signs[*place]) {
                0 => String::new(),
                1 => format!(" That was a minute before: {} are left.", worth / POINT),
                old => format!(" That was {old} minutes before: {} are left.", worth / POINT),
            };
            factors.push(format!("{}{left}", signs[*place].says));
        }
        if worth.len() > MOST_TOLD {
            factors.push(format!("{} more signs.", worth.len() - MOST_TOLD));
        }
        factors.extend(signs.iter().filter(|sign| sign.floor.is_some()).map(|sign| sign.says.clone()).take(MOST_TOLD));
    }
    Weighed { points: total, level, factors, counted }
}

fn minute(sign: &Sign) -> u64 {
    sign.at_ms() / 60_000
}

/// Those of one code and site that lie ten minutes apart and come to the most, with what is left of each.
fn most_of(signs: &[&Sign], mut places: Vec<usize>, now: u64, ways: &Ways) -> Vec<(u64, usize)> {
    places.sort_by_key(|place| (signs[*place].record, *place));
    // The most that the first so many come to, and whether the last of them is among those that do.
    let mut sums: Vec<(u64, bool)> = vec![(0, false)];
    let before = |nth: usize| places[..nth].partition_point(|place| minute(signs[*place]) + APART_MS / 60_000 <= minute(signs[places[nth]]));
    for (nth, place) in places.iter().enumerate() {
        let (without, with) = (sums[nth].0, sums[before(nth)].0 + faded(signs[*place], now, ways));
        sums.push(if with > without { (with, true) } else { (without, false) });
    }
    let (mut found, mut nth) = (Vec::new(), places.len());
    while nth > 0 {
        nth = if sums[nth].1 {
            found.push((faded(signs[places[nth - 1]], now, ways), places[nth - 1]));
            before(nth - 1)
        } else {
            nth - 1
        };
    }
    found
}

/// What is left of a way's points, in thousandths.
fn faded(sign: &Sign, now: u64, ways: &Ways) -> u64 {
    #[expect(clippy::cast_precision_loss, reason = "minutes of some hours")]
    let age = (now - minute(sign)) as f64 * 60.0;
    let left = f64::from(sign.strength) * (-age / ways.halves.as_secs_f64().max(1.0)).exp2();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "not below zero, and at most what it was")]
    let left = (left * POINT as f64) as u64;
    left
}

#[cfg(test)]
mod tests;
