//! Rules of the school's own, beside the arithmetic: so many records of one person, of one kind, within so many minutes. Pure: records in, what a rule
//! came to out; time is the records' own.
//!
//! # What counts
//!
//! All conditions of a rule must hold of a record. A rule that counts, counts over one person's records (of a device, where nobody is known), each different
//! host, search or record once. What was only being typed counts where one record is enough, and not where several are: each letter typed is a record.
//!
//! # Limits
//!
//! For each rule and person no more than `count` records are kept, and [`MOST_WINDOWS`] such lists in all; beyond them those that were idle longest go.
//!
//! # Where to add
//!
//! A condition: one variant of [`Condition`], its arm in [`Condition::holds`], its key in `config/alerts.rs`.

use super::seen::Seen;
use super::theme::Theme;
use super::weights::Weights;
use crate::audit::erasure::gone::Gone;
use crate::audit::incident::{Level, Person};
use crate::audit::{RecordId, Verdict};
use crate::bypass::Code;
use crate::category::Taxonomy;
use crate::clock::{Moment, PeriodSet, Timetable};
use crate::host::Host;
use crate::insight::{Kind, Stage, Start, ai, fold};
use crate::policy::condition::Term;
use crate::policy::glob::Glob;
use ipnet::IpNet;
use jiff::Timestamp;
use jiff::civil::Date;
use smallvec::SmallVec;
use std::cell::OnceCell;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

/// The highest `count` of a rule.
pub const MOST_COUNTED: u32 = 1000;
/// The most lists of what is counted.
pub const MOST_WINDOWS: usize = 20_000;

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its name, unique.
    pub name: Arc<str>,
    /// What must hold of a record, all of it.
    pub when: Vec<Condition>,
    /// How many it takes, at least 1.
    pub count: u32,
    /// What is counted.
    pub distinct: Distinct,
    /// Within which time; of no matter where one is enough.
    pub within: Duration,
    /// What it comes to.
    pub level: Level,
    /// What it may be about, never empty: of a record the first of its themes that is here, else the first here.
    pub themes: Vec<Theme>,
    /// Why the school has it.
    pub reason: Box<str>,
    /// When the school looks at it again. A rule past its date still holds.
    pub review: Date,
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distinct {
    /// Each record.
    Record,
    /// Each host once.
    Host,
    /// Each search once, however it is spelled.
    Term,
}

impl Distinct {
    /// By the name they have in settings.
    pub const NAMES: [(&str, Self); 3] = [("record", Self::Record), ("host", Self::Host), ("term", Self::Term)];
}

/// One thing that must hold of a record. Where several values are given, one of them is enough.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// The group's name.
    Group(Vec<Box<str>>),
    /// The user. Somebody unnamed is none of them.
    User(Vec<Glob>),
    /// The host, or one above it.
    Host(Vec<Host>),
    /// The ids of categories.
    Category(Vec<Box<str>>),
    /// The device's address.
    Network(Vec<IpNet>),
    /// The part of the school day.
    During(PeriodSet),
    /// In term or not.
    Term(Term),
    /// The theme, by what the record says of it.
    Theme(Vec<Theme>),
    /// What it is.
    Kind(Vec<Kind>),
    /// What set it off.
    Start(Vec<Start>),
    /// What was answered.
    Verdict(Vec<Verdict>),
    /// Words that were searched for.
    Search(Vec<Words>),
    /// Words that an AI was asked.
    Prompt(Vec<Words>),
    /// A way round the filter.
    Way(Vec<Code>),
}

/// Words that stand side by side in a text, folded: see [`fold`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words(Vec<Box<str>>);

impl Words {
    /// Of this text; nothing if there is no word in it.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        let words: Vec<Box<str>> = fold::words(text).map(Into::into).collect();
        (!words.is_empty()).then_some(Self(words))
    }

    /// Whether they stand in a text, whole and in this order.
    #[must_use]
    pub fn are_in(&self, text: &str) -> bool {
        // Nothing is folded for the records, nearly all, that are no search.
        let words: SmallVec<[String; 16]> = fold::words(text).collect();
        words.windows(self.0.len()).any(|some| some.iter().zip(&self.0).all(|(one, other)| **one == **other))
    }

    /// How many there are, and how many letters they have in all.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        (self.0.len(), self.0.iter().map(|word| word.chars().count()).sum())
    }
}

/// A record, with what is known of it beside.
pub struct Facts<'a> {
    seen: &'a Seen<'a>,
    themes: &'a [Theme],
    ways: &'a [Code],
    timetable: &'a Timetable,
    moment: OnceCell<Moment>,
}

impl<'a> Facts<'a> {
    /// Of a record: the themes it has a sign of, the gravest first, and the ways round that were found in it.
    #[must_use]
    pub fn new(seen: &'a Seen<'a>, themes: &'a [Theme], ways: &'a [Code], timetable: &'a Timetable) -> Self {
        Self { seen, themes, ways, timetable, moment: OnceCell::new() }
    }

    fn moment(&self) -> &Moment {
        let at = || Timestamp::from_millisecond(self.seen.at_ms.cast_signed()).unwrap_or(Timestamp::UNIX_EPOCH);
        self.moment.get_or_init(|| self.timetable.moment(at()))
    }

    /// The words of a search engine, or those an AI was asked.
    fn asked(&self, of_ai: bool) -> Option<&'a str> {
        self.seen.search.filter(|(engine, ..)| ai::label(engine).is_some() == of_ai).map(|(_, words, _)| words)
    }

    fn is_being_typed(&self) -> bool {
        self.seen.search.is_some_and(|(_, _, stage)| stage == Stage::Typing)
    }
}

/// The themes of a record by its categories and its reason alone: what is known of it without its words. The gravest first.
#[must_use]
pub fn themes_by_category(seen: &Seen<'_>, weights: &Weights, taxonomy: &Taxonomy) -> SmallVec<[Theme; 2]> {
    let categories = seen.categories.split_ascii_whitespace().filter_map(|id| taxonomy.find(id)).collect();
    let is_illegal = !taxonomy.always_blocked().intersection(categories).is_empty() || seen.reason == "always-blocked";
    let has = |theme: Theme| match theme {
        Theme::Illegal => is_illegal,
        other => !weights.of(other).by_themselves().intersection(categories).is_empty(),
    };
    let mut themes: SmallVec<[Theme; 2]> = Theme::NAMES.into_iter().map(|(_, theme)| theme).filter(|theme| has(*theme)).collect();
    themes.sort_by_key(|theme| std::cmp::Reverse(if *theme == Theme::Illegal { u32::MAX } else { weights.themes[*theme as usize].weight }));
    themes
}

impl Condition {
    /// Whether it holds of a record.
    #[must_use]
    pub fn holds(&self, facts: &Facts<'_>) -> bool {
        let seen = facts.seen;
        match self {
            Self::Group(groups) => groups.iter().any(|group| **group == *seen.group),
            Self::User(globs) => seen.user.is_some_and(|user| globs.iter().any(|glob| glob.matches(user))),
            Self::Host(hosts) => hosts.iter().any(|host| is_within(seen.host, host.as_str())),
            Self::Category(ids) => seen.categories.split_ascii_whitespace().any(|id| ids.iter().any(|wanted| **wanted == *id)),
            Self::Network(nets) => nets.iter().any(|net| net.contains(&seen.client.to_canonical())),
            Self::During(periods) => facts.moment().periods.meets(*periods),
            Self::Term(term) => (*term == Term::In) == facts.moment().in_term,
            Self::Theme(themes) => facts.themes.iter().any(|theme| themes.contains(theme)),
            Self::Kind(kinds) => kinds.contains(&seen.kind),
            Self::Start(starts) => starts.contains(&seen.start),
            Self::Verdict(verdicts) => verdicts.contains(&seen.verdict),
            Self::Search(words) => facts.asked(false).is_some_and(|asked| words.iter().any(|words| words.are_in(asked))),
            Self::Prompt(words) => facts.asked(true).is_some_and(|asked| words.iter().any(|words| words.are_in(asked))),
            Self::Way(codes) => facts.ways.iter().any(|code| codes.contains(code)),
        }
    }

    /// In which order conditions are asked: what costs nothing first, then what looks at the clock, words last.
    fn cost(&self) -> u8 {
        match self {
            Self::Verdict(_) | Self::Kind(_) | Self::Start(_) | Self::Theme(_) | Self::Way(_) => 0,
            Self::Group(_) | Self::Category(_) | Self::Host(_) | Self::Network(_) => 1,
            Self::User(_) => 2,
            Self::During(_) | Self::Term(_) => 3,
            Self::Search(_) | Self::Prompt(_) => 4,
        }
    }
}

/// Whether a host is another or stands below it.
pub(super) fn is_within(host: &str, above: &str) -> bool {
    host.strip_suffix(above).is_some_and(|below| below.is_empty() || below.ends_with('.'))
}

impl Rule {
    /// The same, with its conditions in the order in which they are asked.
    #[must_use]
    pub fn in_order(mut self) -> Self {
        self.when.sort_by_key(Condition::cost);
        self
    }

    /// Whether it holds of a record by itself.
    #[must_use]
    pub fn holds(&self, facts: &Facts<'_>) -> bool {
        self.when.iter().all(|condition| condition.holds(facts)) && (self.count == 1 || !facts.is_being_typed())
    }

    /// Whether it may hold of a record of this kind and verdict.
    #[must_use]
    pub fn may_hold(&self, kind: Kind, verdict: Verdict) -> bool {
        self.when.iter().all(|condition| match condition {
            Condition::Kind(kinds) => kinds.contains(&kind),
            Condition::Verdict(verdicts) => verdicts.contains(&verdict),
            Condition::Start(starts) => may_start(kind).iter().any(|start| starts.contains(start)),
            Condition::Search(_) | Condition::Prompt(_) => kind == Kind::Search,
            Condition::Group(_) | Condition::User(_) | Condition::Host(_) | Condition::Category(_) | Condition::Network(_) => true,
            Condition::During(_) | Condition::Term(_) | Condition::Theme(_) | Condition::Way(_) => true,
        })
    }

    /// Whether it asks for somebody by name or by device: who tries it looks for them.
    pub fn asks_for(&self) -> impl Iterator<Item = String> {
        self.when.iter().flat_map(|condition| match condition {
            Condition::User(globs) => globs.iter().map(|glob| glob.as_str().to_owned()).collect(),
            Condition::Network(nets) => nets.iter().map(ToString::to_string).collect(),
            _ => Vec::new(),
        })
    }

    /// What it is about, of a record with these themes.
    #[must_use]
    pub fn theme_of(&self, themes: &[Theme]) -> Theme {
        let first = self.themes.first().copied().unwrap_or(Theme::Crime);
        themes.iter().copied().find(|theme| self.themes.contains(theme)).unwrap_or(first)
    }

    /// Why it opens an episode, in a sentence. No words of searches.
    #[must_use]
    pub fn says(&self) -> String {
        let what = match (self.count, self.distinct) {
            (1, _) => "one such record is enough".to_owned(),
            (count, Distinct::Record) => format!("{count} such records"),
            (count, Distinct::Host) => format!("{count} different sites"),
            (count, Distinct::Term) => format!("{count} different searches"),
        };
        let within = if self.count == 1 { String::new() } else { format!(" within {}", minutes(self.within)) };
        format!("The school's rule \"{}\": {what}{within}.", self.name)
    }
}

/// A length of time as people say it.
#[must_use]
pub fn minutes(time: Duration) -> String {
    let minutes = time.as_secs() / 60;
    let several = |number: u64, one: &str| if number == 1 { format!("1 {one}") } else { format!("{number} {one}s") };
    match minutes {
        0..120 => several(minutes, "minute"),
        _ if minutes.is_multiple_of(24 * 60) => several(minutes / (24 * 60), "day"),
        _ if minutes.is_multiple_of(60) => several(minutes / 60, "hour"),
        _ => several(minutes, "minute"),
    }
}

/// What can set off a request of a kind.
#[must_use]
pub fn may_start(kind: Kind) -> &'static [Start] {
    match kind {
        Kind::Visit | Kind::Search => &[Start::Typed, Start::Clicked, Start::Loaded],
        Kind::Resource => &[Start::Loaded],
        Kind::Background => &[Start::Background],
    }
}

/// What a rule came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fired {
    /// The rule, by its place.
    pub rule: usize,
    /// What it is about.
    pub theme: Theme,
    /// What it comes to.
    pub level: Level,
    /// The records that count, oldest first.
    pub records: Vec<RecordId>,
    /// Whether it had come to that before this record too: a sign more of the same.
    pub again: bool,
}

/// One that counts.
#[derive(Clone, Copy, Debug)]
struct Sign {
    key: u64,
    at_ms: u64,
    id: RecordId,
    theme: Theme,
}

/// What is counted of one person for one rule, oldest first.
#[derive(Clone, Debug, Default)]
struct Window {
    signs: Vec<Sign>,
    newest_ms: u64,
    is_lit: bool,
}

/// Counts over the records as they come.
#[derive(Debug)]
pub struct Counts {
    rules: Arc<[Rule]>,
    windows: HashMap<(usize, Person), Window>,
}

impl Counts {
    /// Nothing has been seen yet.
    #[must_use]
    pub fn new(rules: Arc<[Rule]>) -> Self {
        Self { rules, windows: HashMap::new() }
    }

    /// The rules.
    #[must_use]
    pub fn rules(&self) -> &Arc<[Rule]> {
        &self.rules
    }

    /// Puts other rules in force. Those that are as they were go on counting: to write the file anew lets nobody off.
    pub fn replace(&mut self, rules: Arc<[Rule]>) {
        let places: HashMap<usize, usize> =
            self.rules.iter().enumerate().filter_map(|(old, rule)| Some((old, rules.iter().position(|new| new == rule)?))).collect();
        let windows = std::mem::take(&mut self.windows);
        self.windows = windows.into_iter().filter_map(|((old, person), window)| Some(((*places.get(&old)?, person), window))).collect();
        self.rules = rules;
    }

    /// The longest that a rule looks back: so much of the record is to be read again after a start.
    #[must_use]
    pub fn longest(&self) -> Duration {
        self.rules.iter().map(|rule| rule.within).max().unwrap_or_default()
    }

    /// The next record. What rules came to by it.
    pub fn take(&mut self, facts: &Facts<'_>) -> SmallVec<[Fired; 1]> {
        let mut all = SmallVec::new();
        let rules = self.rules.clone();
        for (place, rule) in rules.iter().enumerate().filter(|(_, rule)| rule.holds(facts)) {
            let theme = rule.theme_of(facts.themes);
            let seen = facts.seen;
            if rule.count == 1 {
                all.push(Fired { rule: place, theme, level: rule.level, records: vec![seen.id], again: false });
                continue;
            }
            let Some(key) = key(rule.distinct, seen) else { continue };
            self.make_room(seen.at_ms);
            let window = self.windows.entry((place, seen.person())).or_default();
            all.extend(window.take(rule, Sign { key, at_ms: seen.at_ms, id: seen.id, theme }).map(|(theme, again)| Fired {
                rule: place,
                theme,
                level: rule.level,
                records: window.signs.iter().map(|sign| sign.id).collect(),
                again,
            }));
        }
        all
    }

    /// Takes out what counts of a person whose records are erased.
    pub fn erase(&mut self, is_it: impl Fn(&Person) -> bool, gone: &Gone) {
        self.windows.retain(|(_, person), window| {
            if is_it(person) {
                window.signs.retain(|sign| !gone.takes(sign.id));
            }
            !window.signs.is_empty()
        });
    }

    /// Lets go of what can count no more, and if that is not enough of what was idle longest.
    fn make_room(&mut self, now_ms: u64) {
        if self.windows.len() < MOST_WINDOWS {
            return;
        }
        let rules = &self.rules;
        self.windows.retain(|(rule, _), window| window.newest_ms + millis(rules[*rule].within) > now_ms);
        if self.windows.len() >= MOST_WINDOWS {
            let mut ages: Vec<_> = self.windows.values().map(|window| window.newest_ms).collect();
            // A tenth goes at once, so that this is not done for every record.
            let (_, limit, _) = ages.select_nth_unstable(MOST_WINDOWS / 10);
            let limit = *limit;
            self.windows.retain(|_, window| window.newest_ms > limit);
        }
    }
}

impl Window {
    /// The theme, and whether it was reached before, if the count is reached.
    fn take(&mut self, rule: &Rule, sign: Sign) -> Option<(Theme, bool)> {
        self.newest_ms = self.newest_ms.max(sign.at_ms);
        let within = millis(rule.within);
        if sign.at_ms + within <= self.newest_ms {
            return None;
        }
        self.signs.retain(|known| known.at_ms + within > self.newest_ms && known.key != sign.key);
        // It had fallen below the count since, or it had not: then this is more of the same.
        self.is_lit &= self.signs.len() + 1 >= rule.count as usize;
        let place = self.signs.partition_point(|known| known.at_ms <= sign.at_ms);
        self.signs.insert(place, sign);
        if self.signs.len() > rule.count as usize {
            self.signs.remove(0);
        }
        if self.signs.len() < rule.count as usize {
            return None;
        }
        let again = std::mem::replace(&mut self.is_lit, true);
        Some((self.theme(), again))
    }

    /// The theme of most; of as many, the latest.
    fn theme(&self) -> Theme {
        let of = |theme| self.signs.iter().filter(|sign| sign.theme == theme).count();
        self.signs.iter().enumerate().max_by_key(|(place, sign)| (of(sign.theme), *place)).map_or(Theme::Crime, |(_, sign)| sign.theme)
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// What tells one that counts from another; nothing where the record has no such thing.
fn key(distinct: Distinct, seen: &Seen<'_>) -> Option<u64> {
    let mut hasher = DefaultHasher::new();
    match distinct {
        Distinct::Record => seen.id.hash(&mut hasher),
        Distinct::Host => seen.host.hash(&mut hasher),
        Distinct::Term => {
            let (_, words, _) = seen.search?;
            fold::words(words).for_each(|word| word.hash(&mut hasher));
        }
    }
    Some(hasher.finish())
}

#[cfg(test)]
pub(super) mod tests;
